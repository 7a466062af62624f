//! What two records differ in: config, provenance, results.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::compare::{FileDifference, compare};
use super::config::{self, Change};
use super::json;
use crate::script::{self, Diagnostic};
use crate::store::{FileKind, Manifest, Record, StoreError};

/// What every run has of its own, however alike two are.
const OF_THE_RUN: [&str; 4] = ["run", "started", "command", "project_root"];

/// What two records differ in; what they share is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// Values of the resolved configs.
    pub config: Vec<Change>,
    /// Fields of the manifests.
    pub provenance: Vec<Change>,
    /// Metrics.
    pub metrics: Vec<MetricChange>,
    /// The first cell in which the tables of trials differ; none for fits.
    pub trials: Option<FileDifference>,
    /// Other files that hold results.
    pub files: FilesDiffer,
}

/// A metric that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricChange {
    /// As in `test.roc_auc`.
    pub name: String,
    /// In the first, if it is there.
    pub a: Option<f64>,
    /// In the second, if it is there.
    pub b: Option<f64>,
    /// Second minus first, if both are there.
    pub difference: Option<f64>,
}

/// How many files of results differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilesDiffer {
    /// Files that differ.
    pub n_different: usize,
    /// Files there are.
    pub n: usize,
    /// The first one that differs, in the order of the plan.
    pub first: Option<FileDifference>,
}

/// Why two records cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// A run and a fit.
    #[error("{run} is a run and {fit} is a fit; compare two runs or two fits")]
    RunAndFit {
        /// The run.
        run: String,
        /// The fit.
        fit: String,
    },
    /// A recorded config cannot be evaluated.
    #[error("{}", .0.message)]
    Config(Box<Diagnostic>),
    /// A file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Diff {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.config.is_empty()
            && self.provenance.is_empty()
            && self.metrics.is_empty()
            && self.trials.is_none()
            && self.files.n_different == 0
    }
}

/// Compares two runs or two fits. With `all`, ids, times and places of the runs count too.
///
/// # Errors
/// One is a run and the other a fit, or a record cannot be read.
pub fn diff(a: &Record, b: &Record, all: bool) -> Result<Diff, DiffError> {
    if a.fit().is_some() != b.fit().is_some() {
        let (run, fit) = if a.fit().is_none() { (a.name(), b.name()) } else { (b.name(), a.name()) };
        return Err(DiffError::RunAndFit { run, fit });
    }
    let evaluate = |record: &Record| {
        let evaluated = script::evaluate(&record.config(), &[]);
        evaluated.map(|evaluated| evaluated.outcome).map_err(|diagnostic| DiffError::Config(Box::new(diagnostic)))
    };
    let config = config::changes(&evaluate(a)?, &evaluate(b)?, true).0;
    let mut files = FilesDiffer { n_different: 0, n: 0, first: None };
    let mut trials = None;
    for pair in a.pairs(b).iter().filter(|pair| pair.kind != FileKind::Config) {
        let difference = compare(pair)?;
        if pair.kind == FileKind::Trials {
            trials = difference;
            continue;
        }
        files.n += 1;
        files.n_different += usize::from(difference.is_some());
        files.first = files.first.or(difference);
    }
    Ok(Diff {
        config,
        provenance: provenance(&a.run().manifest, &b.run().manifest, all),
        metrics: metrics(a, b)?,
        trials,
        files,
    })
}

fn provenance(a: &Manifest, b: &Manifest, all: bool) -> Vec<Change> {
    let facts = |manifest: &Manifest| {
        let mut facts = serde_json::to_value(manifest).expect("the manifest has text keys");
        let sources: serde_json::Map<String, Value> =
            manifest.sources.iter().map(|source| (source.path.clone(), source.blake3.clone().into())).collect();
        facts["sources"] = sources.into();
        // What is in the config is shown by name.
        facts["config_blake3"] = Value::Null;
        facts
    };
    let text = |value: Option<Value>| match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(value) => Some(value.to_string()),
    };
    let of_the_run = |name: &str| OF_THE_RUN.contains(&name.split('.').next().unwrap_or_default());
    json::changes(&facts(a), &facts(b))
        .0
        .into_iter()
        .filter(|change| all || !of_the_run(&change.name))
        .map(|change| Change { name: change.name, a: text(change.a), b: text(change.b) })
        .collect()
}

fn metrics(a: &Record, b: &Record) -> Result<Vec<MetricChange>, StoreError> {
    let (of_a, of_b) = (metrics_of(a)?, metrics_of(b)?);
    let names: std::collections::BTreeSet<&String> = of_a.keys().chain(of_b.keys()).collect();
    let bits = |value: Option<f64>| value.map(f64::to_bits);
    Ok(names
        .into_iter()
        .map(|name| {
            let (a, b) = (of_a.get(name).copied(), of_b.get(name).copied());
            MetricChange { name: name.clone(), a, b, difference: a.zip(b).map(|(a, b)| b - a) }
        })
        .filter(|change| bits(change.a) != bits(change.b))
        .collect())
}

/// Of a run, means over its outer folds, or the best values of studies without folds; of a fit, its own.
fn metrics_of(record: &Record) -> Result<BTreeMap<String, f64>, StoreError> {
    let mut metrics = BTreeMap::new();
    if let Some(outcome) = record.outcome()? {
        for (part, values) in [("test", outcome.test), ("validation", outcome.validation)] {
            metrics.extend(values.into_iter().map(|(name, value)| (format!("{part}.{name}"), value)));
        }
        metrics.extend(outcome.threshold.map(|threshold| ("threshold".to_owned(), threshold)));
    } else if let Some(summary) = &record.run().summary {
        metrics.extend(summary.test.iter().map(|(name, metric)| (format!("test.{name}"), metric.mean)));
        let best = summary.studies.iter().filter(|study| study.outer.is_none()).find_map(|study| study.best_value);
        metrics.extend(best.map(|value| ("best value".to_owned(), value)));
    }
    Ok(metrics)
}
