//! Training: a model specification, phases and rows become weights, with a record of every epoch.
//!
//! [`train`] takes the rows to learn from and the rows to validate on, and never sees others. An [`Observer`] hears of
//! every epoch and answers whether to go on. [`Trained`] holds the weights the fit ended with: those of the best epoch
//! of the last phase when it stops early, else those of its last epoch. [`Predictor`] is what is left of it for use.
//!
//! Every random number comes from labels below the fit's seed: `init` and a tensor's path for first weights; the
//! phase's name, the epoch and `shuffle`, `augment` or `mix` with the row, or `dropout` for the rest. Evaluation takes rows in
//! batches of [`EVALUATION_BATCH`], and on a CPU what it gives for a row depends on no other row of its batch, so what is
//! predicted later is what was recorded.
//!
//! A training that was interrupted goes on from the [`Checkpoint`] of an epoch and ends with the same bits as one that
//! never was: a generator is seeded at the start of every epoch, so there is no state of one to be kept.

mod ahead;
mod augment;
mod batch;
mod check;
mod checkpoint;
mod checkpoint_file;
mod distance;
mod early_stop;
mod epoch;
mod error;
mod feature_store;
mod fit;
mod goal;
mod gradients;
mod histogram;
mod loss;
mod memory;
mod optimizer;
mod predictor;
mod preprocessing;
mod published;
mod schedule;
mod self_test;

use serde::{Deserialize, Serialize};

use crate::metric::Metric;
use crate::seed::Seed;
use crate::spec::network::{ModelSpec, PhaseSpec};

pub use augment::sheet::{AugmentSheet, augmented};
pub use checkpoint::Checkpoint;
pub use error::{CheckpointError, TrainError};
pub use feature_store::FeatureStore;
pub use fit::{Trained, train};
pub use histogram::{Histogram, HistogramOf};
pub use loss::n_outputs;
pub use predictor::{EVALUATION_BATCH, Output, Predictor, Said};
pub use preprocessing::{PictureScaling, Preprocessing};
pub use self_test::{SelfTest, self_test};

/// What is trained, and how.
#[derive(Clone, Copy, Debug)]
pub struct TrainSpec<'a> {
    /// The network and its loss.
    pub model: &'a ModelSpec,
    /// Phases, one after the other on the same weights; each begins with an optimizer that remembers nothing.
    pub phases: &'a [PhaseSpec],
    /// Where every random stream of the fit comes from.
    pub seed: Seed,
    /// Where features of frozen backbones with published weights are kept. They are the same with and without.
    pub features: Option<&'a FeatureStore>,
}

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochRecord {
    /// Position of the epoch, from 1, counted through all phases.
    pub epoch: usize,
    /// The phase's name.
    pub phase: String,
    /// Mean loss over the rows trained on, each at the moment it was trained on.
    pub train_loss: f64,
    /// Metrics on the validation rows after the epoch, with a threshold of 0.5; empty without validation rows.
    pub validation: Vec<(Metric, f64)>,
    /// How weights and gradients are distributed after the epoch, where the phase records it.
    pub histograms: Vec<Histogram>,
}

/// What a phase came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseOutcome {
    /// The phase's name.
    pub name: String,
    /// Its first epoch, counted through all phases.
    pub first_epoch: usize,
    /// Its last epoch, counted through all phases.
    pub last_epoch: usize,
    /// The epoch whose weights it ended with, counted through all phases.
    pub kept_epoch: usize,
}

impl PhaseOutcome {
    /// For how many epochs the weights it ended with were trained in this phase, at least 1.
    #[must_use]
    pub fn n_kept_epochs(&self) -> usize {
        self.kept_epoch + 1 - self.first_epoch
    }
}

/// Whether training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Do not: the question says what that means.
    Stop,
}

/// Hears how training goes. Of a training that goes on from a checkpoint it hears what is new.
pub trait Observer {
    /// A phase of at most `epochs` epochs begins, or goes on from a checkpoint.
    fn phase(&mut self, name: &str, epochs: usize) {
        let _ = (name, epochs);
    }

    /// `done` of an epoch's `total` batches are trained. [`Flow::Stop`] abandons the training at once:
    /// [`TrainError::Interrupted`].
    fn batch(&mut self, done: usize, total: usize) -> Flow {
        let _ = (done, total);
        Flow::Continue
    }

    /// The metrics that records of epochs shall have beside the [reported](Metric::is_reported) ones.
    fn wants_metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    /// An epoch is trained and validated. [`Flow::Stop`] ends the training with it.
    fn epoch(&mut self, record: &EpochRecord) -> Flow;

    /// Whether a checkpoint is wanted; asked after every epoch that does not end the training. Making one reads the
    /// network and the optimizer's memory from the device.
    fn wants_checkpoint(&mut self) -> bool {
        false
    }

    /// The checkpoint that was wanted. [`Flow::Stop`] abandons the training at once: [`TrainError::Interrupted`].
    fn checkpoint(&mut self, checkpoint: Checkpoint) -> Flow {
        drop(checkpoint);
        Flow::Continue
    }
}

#[cfg(test)]
mod options_tests;
#[cfg(test)]
mod published_tests;
#[cfg(test)]
mod pytorch_tests;
#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod tests;
