//! What runs were made with and what they came to on validation rows, by name: more than a list of runs needs, so it is
//! kept apart and looked at only when somebody asks for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cache::Cache;
use crate::script::{self, Outcome};
use crate::store::{RunEntry, StoreError, Summary};
use crate::value::Value;

pub(super) const CACHE: Cache<RunValues> = Cache { name: "values.jsonl", read };

/// Values of one run, by their names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunValues {
    /// Metrics of validation rows, as [`Summary::validation`] has them; none before the run has ended.
    pub validation: BTreeMap<String, f64>,
    /// Params, and every value of the config under the name by which it is overridden, as in `train.full.optimizer.lr`.
    /// Of one that was searched the values that the studies chose, each once, in their order.
    pub params: BTreeMap<String, Vec<Value>>,
}

/// The values of every run under `results` that can be read, by its folder.
///
/// # Errors
/// The folder cannot be read.
pub fn values(results: &Path) -> Result<HashMap<PathBuf, RunValues>, StoreError> {
    let refreshed = CACHE.refresh(results)?;
    Ok(refreshed.into_iter().filter_map(|(name, held)| Some((name.path(results), held.ok()?))).collect())
}

fn read(run: &Path) -> Result<RunValues, StoreError> {
    let entry = RunEntry::read(run)?;
    let mut params = configured(&entry);
    if let Some(summary) = &entry.summary {
        params.extend(chosen(summary));
    }
    Ok(RunValues { validation: entry.summary.as_ref().map(Summary::validation).unwrap_or_default(), params })
}

/// What stands in its config as a value. A config that an older xrun wrote and this one cannot evaluate tells nothing:
/// what the studies chose is known without it.
fn configured(run: &RunEntry) -> BTreeMap<String, Vec<Value>> {
    let Ok(evaluated) = script::evaluate(&run.config_path(), &[]) else { return BTreeMap::new() };
    let flat = match &evaluated.outcome {
        Outcome::Experiment(experiment) => experiment.flat(),
        Outcome::Fit(fit) => fit.flat(),
    };
    let params = evaluated.params.iter().map(|param| (param.name.clone(), vec![param.value.clone()]));
    let fixed = flat.into_iter().filter_map(|flat| Some((flat.name, vec![fixed(&flat.value)?])));
    params.chain(fixed).collect()
}

/// A number, a text, a truth value or the name of a constructor; none of what is searched, derived or empty.
fn fixed(text: &str) -> Option<Value> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match serde_json::from_str(text) {
        Ok(value) => Some(value),
        Err(_) => text.chars().all(is_word).then(|| Value::Text(text.to_owned())),
    }
}

fn chosen(summary: &Summary) -> BTreeMap<String, Vec<Value>> {
    let names: BTreeSet<&String> = summary.studies.iter().flat_map(|study| study.best_assignment.keys()).collect();
    let values = |name: &String| {
        let mut values: Vec<Value> = Vec::new();
        for value in summary.studies.iter().filter_map(|study| study.best_assignment.get(name)) {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        values
    };
    names.into_iter().map(|name| (name.clone(), values(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_writes_is_a_value_unless_it_is_open() {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        for (written, value) in [
            ("1e-8", Some(Value::Float(1e-8))),
            ("32", Some(Value::Int(32))),
            ("false", Some(Value::Bool(false))),
            ("\"roc_auc\"", text("roc_auc")),
            ("adam", text("adam")),
            ("uniform(0.0, 0.5)", None),
            ("x * 0.5", None),
            ("[]", None),
        ] {
            assert_eq!(fixed(written), value, "{written}");
        }
    }
}
