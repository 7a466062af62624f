//! Why training fails.

use crate::metric::{Metric, PredictionsError};
use crate::model::{ModelError, PretrainedError, WeightsError};
use crate::wording::count;

/// Why a network could not be trained or used.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// No phase.
    #[error("there is no phase to train; give train at least one phase")]
    NoPhases,
    /// Two phases of one name.
    #[error("two phases are called `{phase}`, but a phase's name must be its own; rename one")]
    SameName {
        /// The name.
        phase: String,
    },
    /// Nothing to learn from.
    #[error("there are no rows to train on; give the split more training rows")]
    NoRows,
    /// A number of a phase that must be at least 1 is 0.
    #[error("{what} of phase `{phase}` is 0, but must be at least 1")]
    Zero {
        /// The phase.
        phase: String,
        /// What is 0.
        what: &'static str,
    },
    /// A number of a phase is outside its range.
    #[error("{what} of phase `{phase}` is {value}, but must {must}")]
    Range {
        /// The phase.
        phase: String,
        /// What is outside.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What must hold.
        must: &'static str,
    },
    /// The device has no numbers of a phase's precision.
    #[error(
        "phase `{phase}` multiplies in bf16, which this device does not have; set its precision to \"f32\", or take \
         another --device"
    )]
    Precision {
        /// The phase.
        phase: String,
    },
    /// Nesterov's momentum with settings it is not defined for.
    #[error("nesterov of phase `{phase}` needs a momentum above 0 and a dampening of 0")]
    Nesterov {
        /// The phase.
        phase: String,
    },
    /// `drop_last` leaves nothing.
    #[error(
        "phase `{phase}` drops incomplete batches, but {} do not fill a batch of {batch_size}; lower \
         batch_size or set drop_last to false", count(*n_rows, "row")
    )]
    NoFullBatch {
        /// The phase.
        phase: String,
        /// Number of training rows.
        n_rows: usize,
        /// Rows per batch.
        batch_size: usize,
    },
    /// Early stopping with nothing to watch.
    #[error("phase `{phase}` stops early, but there are no validation rows to watch; leave early_stop out")]
    NothingToWatch {
        /// The phase.
        phase: String,
    },
    /// The watched metric has no better end.
    #[error("phase `{phase}` watches {metric}, which is neither better when larger nor when smaller; watch log_loss")]
    NoDirection {
        /// The phase.
        phase: String,
        /// The metric.
        metric: Metric,
    },
    /// The watched metric is not defined on the validation rows.
    #[error(
        "{metric} is not defined on the validation rows, {}; watch {} in phase `{phase}`",
        if metric.is_of_numbers() { "where the target is the same in all" } else { "which may lack a class" },
        if metric.is_of_numbers() { "mse" } else { "log_loss" }
    )]
    Undefined {
        /// The phase.
        phase: String,
        /// The metric.
        metric: Metric,
    },
    /// One logit for another number of classes than two.
    #[error(
        "binary cross entropy tells two classes apart, but the data has {n_classes}; use cross_entropy as the loss"
    )]
    NotTwoClasses {
        /// Number of classes.
        n_classes: usize,
    },
    /// Something follows an augmentation that takes another row of the batch.
    #[error("phase `{phase}` has augmentations after {mix}; put {mix} at the end")]
    MixNotLast {
        /// The phase.
        phase: String,
        /// Its name in scripts.
        mix: &'static str,
    },
    /// A range whose ends are in the wrong order.
    #[error("phase `{phase}`: {what} goes from {low} to {high}; swap the ends")]
    Descending {
        /// The phase.
        phase: String,
        /// What ranges.
        what: &'static str,
        /// The low end.
        low: f64,
        /// The high end.
        high: f64,
    },
    /// Weights for another number of classes.
    #[error(
        "class_weights has {}, but the data has {n_classes} classes; give one number a class, or write \"balanced\"",
        count(*n_weights, "number")
    )]
    ClassWeights {
        /// Number of weights.
        n_weights: usize,
        /// Number of classes.
        n_classes: usize,
    },
    /// A number of the loss is outside its range.
    #[error("{what} of the loss is {value}, but must {must}")]
    LossRange {
        /// What is outside.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What must hold.
        must: &'static str,
    },
    /// A warm-up that leaves nothing of its schedule.
    #[error(
        "the cosine of phase `{phase}` is warmed up for {}, which leaves none of its {epochs}; lower warmup_epochs",
        count(*warmup_epochs, "epoch")
    )]
    Warmup {
        /// The phase.
        phase: String,
        /// Epochs of the warm-up.
        warmup_epochs: usize,
        /// Epochs of the schedule, the warm-up with it.
        epochs: usize,
    },
    /// A loss of the other task.
    #[error(
        "{loss} is a loss of {of}, but the target of the data is {found}; open the data or build the model otherwise"
    )]
    OtherTask {
        /// The loss.
        loss: &'static str,
        /// What it is of.
        of: &'static str,
        /// What the data have.
        found: &'static str,
    },
    /// Augmentation of something that is no picture.
    #[error("phase `{phase}` augments pictures, but the rows are none; leave augment out")]
    NoPictures {
        /// The phase.
        phase: String,
    },
    /// Rows that a trained model cannot take.
    #[error("the model takes {expected}, but the rows are {found}; open the data as for the training")]
    OtherRows {
        /// What it takes.
        expected: String,
        /// What it got.
        found: String,
    },
    /// The loss or a logit is infinite or not a number.
    #[error("training diverged in epoch {epoch} (phase `{phase}`); lower the learning rate")]
    Diverged {
        /// The epoch, counted through all phases.
        epoch: usize,
        /// The phase.
        phase: String,
    },
    /// The observer abandoned the training at a batch or a checkpoint.
    #[error("the training was interrupted; go on from its last checkpoint")]
    Interrupted,
    /// The checkpoint to go on from is none of this training.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The network cannot be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The weights that the network begins with cannot be read.
    #[error(transparent)]
    Pretrained(#[from] PretrainedError),
    /// The weights cannot be written or read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Predictions that are none.
    #[error("the predictions are not valid")]
    Predictions(#[from] PredictionsError),
    /// The device fails.
    #[error("the device does not answer: {reason}; try `--device cpu`")]
    Device {
        /// What it says.
        reason: String,
    },
    /// The file of a frozen backbone's features cannot be read or written.
    #[error(
        "cannot keep the features of the frozen backbone in `{}`: {source}; choose a writable folder with the `cache` \
         setting (`--cache DIR` or XRUN_CACHE)", path.display()
    )]
    Features {
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Why a training cannot go on from a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The bytes do not begin as a checkpoint does.
    #[error("this is no checkpoint of a training; train from the start")]
    NotOne,
    /// A format of another version.
    #[error("the checkpoint has format {found}, but this version reads format {known}; train from the start")]
    Format {
        /// The format it has.
        found: u32,
        /// The format that can be read.
        known: u32,
    },
    /// The bytes are not those that were written.
    #[error("the checkpoint is torn or damaged: {reason}; train from the start")]
    Damaged {
        /// How that is known.
        reason: String,
    },
    /// The checkpoint is whole, but another training's.
    #[error("the checkpoint is of a training with {part}, and would give other numbers; train from the start")]
    OtherTraining {
        /// What differs.
        part: &'static str,
    },
}

impl TrainError {
    /// A device's own words as an error.
    pub(super) fn device(error: impl std::fmt::Display) -> Self {
        Self::Device { reason: error.to_string() }
    }
}
