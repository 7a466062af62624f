//! Compares resolved configs by the names of their values.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::script::Outcome;
use crate::spec::flat::FlatValue;

/// A named value that two records do not share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name, as in `train.full.optimizer.lr`.
    pub name: String,
    /// In the first, if it is there.
    pub a: Option<String>,
    /// In the second, if it is there.
    pub b: Option<String>,
}

/// The values that differ, in the order of the first config, those it lacks last; how many there are in all. Values that
/// say where something lies are left out without `with_paths`.
pub(super) fn changes(a: &Outcome, b: &Outcome, with_paths: bool) -> (Vec<Change>, usize) {
    let (a, b) = (flat(a, with_paths), flat(b, with_paths));
    let by_name = |values: &[FlatValue]| -> BTreeMap<String, String> {
        values.iter().map(|value| (value.name.clone(), value.value.clone())).collect()
    };
    let (of_a, of_b) = (by_name(&a), by_name(&b));
    let names: Vec<String> = a
        .into_iter()
        .chain(b.into_iter().filter(|value| !of_a.contains_key(&value.name)))
        .map(|value| value.name)
        .collect();
    let n = names.len();
    let changed = names
        .into_iter()
        .map(|name| Change { a: of_a.get(&name).cloned(), b: of_b.get(&name).cloned(), name })
        .filter(|change| change.a != change.b)
        .collect();
    (changed, n)
}

fn flat(outcome: &Outcome, with_paths: bool) -> Vec<FlatValue> {
    let mut values = match outcome {
        Outcome::Experiment(experiment) => experiment.flat(),
        Outcome::Fit(fit) => fit.flat(),
    };
    values.retain(|value| with_paths || !value.is_path);
    values
}
