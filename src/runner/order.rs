//! What a worker is given, what it says while it works, and both as messages between processes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::metric::Metric;
use crate::plan::{FinalJob, TrialJob};
use crate::spec::FitConfig;
use crate::split::{OuterFold, SplitError, TestRows, TrainValidation};
use crate::store::FitPath;
use crate::train::FeatureStore;

/// A fit to be trained, and the folder that takes its record.
#[derive(Clone, Debug)]
pub(super) struct Order<'a> {
    pub(super) path: FitPath,
    pub(super) folder: PathBuf,
    pub(super) key: String,
    /// Where features of frozen backbones are kept.
    pub(super) features: FeatureStore,
    pub(super) job: Job<'a>,
}

/// The work of a fit; only finals come with test rows.
#[derive(Clone, Debug)]
pub(super) enum Job<'a> {
    Trial(TrialJob),
    Final(FinalJob<'a>),
}

impl Job<'_> {
    pub(super) fn config(&self) -> &FitConfig {
        match self {
            Self::Trial(job) => &job.config,
            Self::Final(job) => &job.config,
        }
    }

    pub(super) fn rows(&self) -> &TrainValidation {
        match self {
            Self::Trial(job) => &job.rows,
            Self::Final(job) => &job.rows,
        }
    }

    pub(super) fn test(&self) -> Option<&TestRows> {
        match self {
            Self::Trial(_) => None,
            Self::Final(job) => Some(job.test),
        }
    }
}

/// An order on its way to another process, which reads the fit's config from its folder.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Message {
    Trial {
        path: String,
        folder: PathBuf,
        key: String,
        features: FeatureStore,
        rows: TrainValidation,
    },
    Final {
        path: String,
        folder: PathBuf,
        key: String,
        features: FeatureStore,
        rows: TrainValidation,
        test: Vec<usize>,
    },
}

impl Message {
    pub(super) fn new(order: &Order<'_>) -> Self {
        let (path, folder, key) = (order.path.as_str().to_owned(), order.folder.clone(), order.key.clone());
        let features = order.features.clone();
        match &order.job {
            Job::Trial(job) => Self::Trial { path, folder, key, features, rows: job.rows.clone() },
            Job::Final(job) => {
                Self::Final { path, folder, key, features, rows: job.rows.clone(), test: job.test.rows().to_vec() }
            }
        }
    }

    pub(super) fn folder(&self) -> &PathBuf {
        match self {
            Self::Trial { folder, .. } | Self::Final { folder, .. } => folder,
        }
    }

    /// The order with its config; the fold of a final is kept in `fold`.
    pub(super) fn order(self, config: FitConfig, fold: &mut Option<OuterFold>) -> Result<Order<'_>, SplitError> {
        Ok(match self {
            Self::Trial { path, folder, key, features, rows } => Order {
                path: FitPath::recorded(&path),
                folder,
                key,
                features,
                job: Job::Trial(TrialJob { config, rows }),
            },
            Self::Final { path, folder, key, features, rows, test } => {
                let fold = fold.insert(OuterFold::listed(rows.clone(), test)?);
                let job = Job::Final(FinalJob { config, rows, test: fold.test_rows() });
                Order { path: FitPath::recorded(&path), folder, key, features, job }
            }
        })
    }
}

/// What a worker says about its order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub(super) enum Said {
    /// So many batches of the epoch are done.
    Batch { done: usize, total: usize },
    /// An epoch ended.
    Epoch { epoch: usize, phase: String, train_loss: Option<f64>, validation: Vec<(Metric, f64)> },
    /// The fit is recorded, whether it gave a model or failed for a reason of its own.
    Done { started: String, seconds: f64 },
    /// The machine failed, not the fit: another attempt may succeed.
    Lost { reason: String },
    /// The record cannot be written; another attempt would fail as well.
    Refused { reason: String },
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_says_survives_the_way() {
        let said = Said::Epoch {
            epoch: 3,
            phase: "full".to_owned(),
            train_loss: Some(0.1 + 0.2),
            validation: vec![(Metric::RocAuc, 1.0 / 3.0)],
        };
        let text = serde_json::to_string(&said).unwrap();
        assert!(!text.contains('\n'));
        assert_eq!(serde_json::from_str::<Said>(&text).unwrap(), said);
    }

    #[test]
    fn the_message_of_a_trial_has_no_place_for_test_rows() {
        let rows = TrainValidation { train: vec![0, 1], validation: vec![2] };
        let message = Message::Trial {
            path: "trial-000".to_owned(),
            folder: PathBuf::from("f"),
            key: "k".to_owned(),
            features: FeatureStore::new(std::path::Path::new("c")),
            rows,
        };
        let mut value = serde_json::to_value(&message).unwrap();
        value["test"] = serde_json::json!([3]);
        assert!(serde_json::from_value::<Message>(value).unwrap_err().to_string().contains("unknown field `test`"));
    }
}
