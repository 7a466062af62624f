//! Recorded runs held against each other in one test metric.
//!
//! [`compare`] takes [`Subject`]s, runs whose value in each outer fold is known, and pairs each with the first where both were tested on the same rows of
//! the same data in the same outer folds; else it says why not. Several tests are adjusted for each other. A metric that a run
//! did not record is computed from what it predicted, without training.

mod finals;
mod pairing;
mod subject;

use serde::Serialize;

use crate::estimate::{Paired, paired};
use crate::statistics::holm;
use crate::store::MetricSummary;
use crate::trial::Direction;

pub use finals::{FinalMetric, finals};
pub use pairing::NotPaired;
pub use subject::{Subject, SubjectError, recorded_objective};

/// Runs, each alone and each against the baseline.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The metric's name.
    pub metric: String,
    /// The direction in which it is better, where it is known.
    pub direction: Option<Direction>,
    /// The limit of practical equivalence, if one was given.
    pub rope: Option<f64>,
    /// The run that the others are held against.
    pub baseline: String,
    /// Every run by itself, the baseline first.
    pub runs: Vec<Alone>,
    /// Every other run against the baseline.
    pub pairs: Vec<Pair>,
}

/// A run by itself.
#[derive(Debug, Serialize)]
pub struct Alone {
    /// Its id.
    pub run: String,
    /// Its experiment.
    pub experiment: String,
    /// The metric over its outer folds.
    #[serde(flatten)]
    pub test: MetricSummary,
    /// Why an interval is not there.
    pub missing: Vec<String>,
}

/// A run against the baseline.
#[derive(Debug, Serialize)]
pub struct Pair {
    /// Its id.
    pub run: String,
    /// What it differs in from the baseline, if they can be paired.
    pub paired: Option<Paired>,
    /// Why they cannot.
    #[serde(serialize_with = "as_text", skip_serializing_if = "Option::is_none")]
    pub refused: Option<NotPaired>,
}

fn as_text<S: serde::Serializer>(refused: &Option<NotPaired>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&refused.as_ref().map_or_else(String::new, ToString::to_string))
}

/// Holds the others against the baseline, all in the metric that they were read for.
#[must_use]
pub fn compare(baseline: &Subject, others: &[Subject], rope: Option<f64>) -> Comparison {
    let mut pairs: Vec<Pair> = others.iter().map(|other| pair(baseline, other, rope)).collect();
    let mut tests: Vec<&mut Paired> =
        pairs.iter_mut().filter_map(|pair| pair.paired.as_mut()).filter(|paired| paired.p_value().is_some()).collect();
    let p_values: Vec<f64> = tests.iter().filter_map(|paired| paired.p_value()).collect();
    for (paired, adjusted) in tests.iter_mut().zip(holm(&p_values)) {
        paired.adjust(adjusted);
    }
    Comparison {
        metric: baseline.metric().to_owned(),
        direction: baseline.direction(),
        rope,
        baseline: baseline.run().manifest.run.clone(),
        runs: std::iter::once(baseline).chain(others).map(Subject::alone).collect(),
        pairs,
    }
}

fn pair(baseline: &Subject, other: &Subject, rope: Option<f64>) -> Pair {
    let run = other.run().manifest.run.clone();
    match pairing::tests(baseline, other) {
        Ok((of_baseline, of_other)) => {
            let known = baseline.known_metric();
            let paired = paired((of_baseline, baseline.per_outer()), (of_other, other.per_outer()), known, rope);
            Pair { run, paired: Some(paired), refused: None }
        }
        Err(refused) => Pair { run, paired: None, refused: Some(refused) },
    }
}
