//! A recorded run and its value of one test metric in each outer fold.

use std::collections::BTreeMap;

use super::Alone;
use crate::estimate::{OuterTests, Undefined};
use crate::metric::{Metric, UnknownMetric};
use crate::script::{self, Diagnostic, Outcome};
use crate::spec::data::DataSpec;
use crate::store::{self, MetricSummary, RunEntry, StoreError, Summary};
use crate::trial::Direction;

/// A run that ended, in terms of one metric.
#[derive(Debug)]
pub struct Subject {
    run: RunEntry,
    metric: String,
    direction: Option<Direction>,
    tests: Option<OuterTests>,
    per_outer: Vec<f64>,
}

/// Why a run has no such metric.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// It has not ended.
    #[error("{run} did not come to its end, so that it has no test metrics yet")]
    Unfinished {
        /// The run.
        run: String,
    },
    /// It tested nothing.
    #[error("{run} was not tested: its experiment holds out no test rows, or no final came to its end")]
    NotTested {
        /// The run.
        run: String,
    },
    /// It searched for nothing.
    #[error("{run} has no objective of its own")]
    NoObjective {
        /// The run.
        run: String,
    },
    /// It did not record the metric, and what it predicted is not recorded either.
    #[error("{run} has no test.{metric}, and it recorded no predictions to compute it from; it has {}", known.join(", "))]
    NotRecorded {
        /// The run.
        run: String,
        /// What was asked for.
        metric: String,
        /// The metrics it recorded.
        known: Vec<String>,
    },
    /// No metric has this name, and the run did not record a number under it.
    #[error(transparent)]
    Unknown(#[from] UnknownMetric),
    /// The metric has no value for what was predicted.
    #[error("{run}: {source}")]
    Undefined {
        /// The run.
        run: String,
        /// Why.
        source: Undefined,
    },
    /// Its config cannot be evaluated.
    #[error("{}", .0.message)]
    Config(Box<Diagnostic>),
    /// The record cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Subject {
    /// Reads the metric of a run: from its summary where it is recorded, else from what it predicted.
    ///
    /// # Errors
    /// The run has not ended, was not tested, or has no such metric; or its record cannot be read.
    pub fn read(run: RunEntry, metric: &str) -> Result<Self, SubjectError> {
        let id = || run.manifest.run.clone();
        let summary = ended(&run)?;
        if summary.test.is_empty() {
            return Err(SubjectError::NotTested { run: id() });
        }
        let known: Result<Metric, UnknownMetric> = metric.parse();
        let tests = store::outer_tests(&run.path, &summary.finals, has_groups(&run)?)?;
        let predicted = tests.as_ref().filter(|tests| tests.has_predictions());
        let per_outer = match (predicted, known, summary.test.get(metric)) {
            (_, _, Some(recorded)) => recorded.per_outer.clone(),
            (_, Err(unknown), None) => return Err(unknown.into()),
            (Some(tests), Ok(known), None) if known != Metric::Value => {
                tests.per_outer(known).map_err(|source| SubjectError::Undefined { run: id(), source })?
            }
            _ => {
                let known = summary.test.keys().map(|name| format!("test.{name}")).collect();
                return Err(SubjectError::NotRecorded { run: id(), metric: metric.to_owned(), known });
            }
        };
        let direction = direction(summary, metric);
        Ok(Self { metric: metric.to_owned(), direction, tests, per_outer, run })
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunEntry {
        &self.run
    }

    /// The metric's name.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// The direction in which it is better, where it is known.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        self.direction
    }

    /// What it was tested on; none without data.
    #[must_use]
    pub fn tests(&self) -> Option<&OuterTests> {
        self.tests.as_ref()
    }

    /// The value of each outer fold.
    #[must_use]
    pub fn per_outer(&self) -> &[f64] {
        &self.per_outer
    }

    /// The metric, where predictions have it.
    pub(super) fn known_metric(&self) -> Option<Metric> {
        self.metric.parse().ok().filter(|metric| *metric != Metric::Value)
    }

    /// The metric over the outer folds, with its intervals.
    #[must_use]
    pub fn alone(&self) -> Alone {
        let mut test = MetricSummary::of(self.per_outer.clone());
        let mut missing = Vec::new();
        if let Some(tests) = &self.tests {
            let values = BTreeMap::from([(self.metric.as_str(), self.per_outer.as_slice())]);
            test.intervals = tests.intervals(&values).remove(&self.metric).unwrap_or_default();
            missing = tests.missing(self.per_outer.len());
        }
        Alone { run: self.run.manifest.run.clone(), experiment: self.run.manifest.experiment.clone(), test, missing }
    }
}

/// The metric that a run searched on.
///
/// # Errors
/// It has not ended, or searched for nothing.
pub fn recorded_objective(run: &RunEntry) -> Result<String, SubjectError> {
    let objective = ended(run)?.objective.as_deref().and_then(|objective| objective.split(' ').next_back());
    objective.map(str::to_owned).ok_or_else(|| SubjectError::NoObjective { run: run.manifest.run.clone() })
}

/// Whether rows of its data come in groups.
fn has_groups(run: &RunEntry) -> Result<bool, SubjectError> {
    let evaluated = script::evaluate(&run.config_path(), &[]);
    let evaluated = evaluated.map_err(|diagnostic| SubjectError::Config(Box::new(diagnostic)))?;
    let data = match &evaluated.outcome {
        Outcome::Experiment(experiment) => experiment.data(),
        Outcome::Fit(fit) => fit.data(),
    };
    Ok(data.is_some_and(DataSpec::has_groups))
}

fn ended(run: &RunEntry) -> Result<&Summary, SubjectError> {
    run.summary.as_ref().ok_or_else(|| SubjectError::Unfinished { run: run.manifest.run.clone() })
}

fn direction(summary: &Summary, metric: &str) -> Option<Direction> {
    let own = metric.parse::<Metric>().ok().and_then(Metric::direction);
    let stated = || {
        summary.objective.iter().chain(&summary.other_objectives).find_map(|objective| {
            match objective.split_once(' ').filter(|(_, of)| *of == metric)?.0 {
                "maximize" => Some(Direction::Maximize),
                _ => Some(Direction::Minimize),
            }
        })
    };
    own.or_else(stated)
}
