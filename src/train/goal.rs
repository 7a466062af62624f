//! What a network is trained towards: the classes of the rows, or their numbers.

use burn::tensor::{Device, Tensor};

use super::TrainError;
use super::augment::mixing::{self, Mix};
use super::distance::mean_distance;
use super::loss::TrainingLoss;
use super::predictor::Output;
use crate::data::{Dataset, NumberScaling, Target};
use crate::spec::network::{Distance, Loss, ModelSpec};

/// What a network is trained towards.
pub(super) enum Goal<'a> {
    /// The class of each row.
    Classes { loss: TrainingLoss, rows: &'a [usize], n_classes: usize },
    /// The number of each row.
    Numbers { distance: Distance, rows: &'a [f64], scaling: NumberScaling },
}

impl<'a> Goal<'a> {
    /// What a model's loss makes of the data's target; numbers are standardised by the training rows.
    ///
    /// # Errors
    /// The loss is one of the other task, or of two classes where there are more.
    pub(super) fn new(model: &ModelSpec, data: &'a Dataset, train: &[usize]) -> Result<Self, TrainError> {
        match (model.loss, data.target()) {
            (Loss::BinaryCrossEntropy, Target::Classes { names, .. }) if names.len() != 2 => {
                Err(TrainError::NotTwoClasses { n_classes: names.len() })
            }
            (Loss::BinaryCrossEntropy | Loss::CrossEntropy, Target::Classes { names, rows }) => {
                let n_classes = names.len();
                let loss = TrainingLoss::new(model, n_classes, train.iter().map(|&row| rows[row]));
                Ok(Self::Classes { loss, rows, n_classes })
            }
            (Loss::Distance(distance), Target::Numbers(rows)) => {
                Ok(Self::Numbers { distance, rows, scaling: NumberScaling::fit(rows, train) })
            }
            (Loss::BinaryCrossEntropy | Loss::CrossEntropy, Target::Numbers(_)) => {
                Err(TrainError::OtherTask { loss: "a cross entropy", of: "classes", found: "numbers" })
            }
            (Loss::Distance(_), Target::Classes { .. }) => {
                Err(TrainError::OtherTask { loss: "a distance", of: "numbers", found: "classes" })
            }
        }
    }

    /// What rows weigh together in a mean; their number where all weigh the same.
    #[expect(clippy::cast_precision_loss, reason = "a data set has far fewer than 2^53 rows")]
    pub(super) fn weight(&self, batch: &[usize]) -> f64 {
        match self {
            Self::Classes { loss, rows, .. } => loss.weight(&of(rows, batch)),
            Self::Numbers { .. } => batch.len() as f64,
        }
    }

    /// The mean loss `[1]` of what a network gives for rows `[row, output]`, each with what it takes of another one, if any
    /// does.
    pub(super) fn mean_loss(&self, outputs: Tensor<2>, batch: &[usize], mixes: &[Mix], device: &Device) -> Tensor<1> {
        match self {
            Self::Classes { loss, rows, n_classes } => {
                let targets = of(rows, batch);
                loss.mean(outputs, &targets, &mixing::shares(mixes, &targets, *n_classes), device)
            }
            Self::Numbers { distance, rows, scaling } => {
                #[expect(clippy::cast_possible_truncation, reason = "a network computes in single precision")]
                let targets = batch.iter().map(|&row| scaling.apply(rows[row]) as f32).collect();
                mean_distance(*distance, outputs, targets, device)
            }
        }
    }

    /// What the outputs stand for.
    pub(super) fn output(&self) -> Output {
        match self {
            Self::Classes { loss, n_classes, .. } => Output::Classes { loss: loss.loss(), n_classes: *n_classes },
            Self::Numbers { scaling, .. } => Output::Number(*scaling),
        }
    }
}

/// The classes of some rows.
fn of(classes: &[usize], rows: &[usize]) -> Vec<usize> {
    rows.iter().map(|&row| classes[row]).collect()
}
