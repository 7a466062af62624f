//! What Optuna 5.0.0 and uniform search reach on the same functions: `optuna_regret.json`, whose `source` says how it was
//! measured.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Regrets by function, then by sampler (`joint`, `independent`, `random`, for the conditional space `group`).
#[derive(Deserialize)]
pub(crate) struct Reference {
    /// Numbers of trials.
    pub(crate) checkpoints: Vec<usize>,
    regret: BTreeMap<String, BTreeMap<String, Vec<Vec<f64>>>>,
}

impl Reference {
    /// The committed table.
    pub(crate) fn load() -> Self {
        serde_json::from_str(include_str!("optuna_regret.json")).expect("the table is valid")
    }

    /// The samplers measured on a function.
    pub(crate) fn samplers(&self, function: &str) -> impl Iterator<Item = &str> {
        self.regret[function].keys().map(String::as_str)
    }

    /// Regrets of one sampler at a checkpoint, one for each seed.
    pub(crate) fn regrets(&self, function: &str, sampler: &str, checkpoint: usize) -> Vec<f64> {
        self.regret[function][sampler].iter().map(|row| row[checkpoint]).collect()
    }
}
