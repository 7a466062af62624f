//! A trained network with its preprocessing: what is left of a fit for use.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::batch::Rows;
use super::loss::{n_outputs, probabilities};
use super::published::PublishedFeatures;
use super::{Preprocessing, TrainError};
use crate::data::{Dataset, NumberScaling, Target, Unlabelled};
use crate::device::OpenDevice;
use crate::metric::{Predictions, Task};
use crate::model::{Network, WeightsError};
use crate::seed::Seed;
use crate::spec::network::{Loss, ModelSpec};

/// Rows per batch of an evaluation, in every place where rows are evaluated.
pub const EVALUATION_BATCH: usize = 64;

/// What the outputs of a network stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Output {
    /// Classes.
    Classes {
        /// The loss, which says what logits are.
        loss: Loss,
        /// Number of classes.
        n_classes: usize,
    },
    /// A number that is standardised so.
    Number(NumberScaling),
}

impl Output {
    /// Outputs `[row, output]` of rows of `data`, with their targets, as predictions.
    pub(super) fn predictions(
        &self,
        outputs: &[f32],
        data: &Dataset,
        rows: &[usize],
    ) -> Result<Predictions, TrainError> {
        Ok(match (self, data.target()) {
            (Self::Classes { loss, n_classes }, Target::Classes { rows: targets, .. }) => {
                let targets = rows.iter().map(|&row| targets[row]).collect();
                Predictions::new(*n_classes, probabilities(*loss, outputs, *n_classes), targets)?
            }
            (Self::Number(scaling), Target::Numbers(targets)) => {
                let targets = rows.iter().map(|&row| targets[row]).collect();
                Predictions::of_numbers(numbers(scaling, outputs), targets)?
            }
            (Self::Classes { .. }, Target::Numbers(_)) => return Err(other_target("a class", "a number")),
            (Self::Number(_), Target::Classes { .. }) => return Err(other_target("a number", "a class")),
        })
    }

    fn task(&self) -> Task {
        match self {
            Self::Classes { n_classes, .. } => Task::Classes(*n_classes),
            Self::Number(_) => Task::Number,
        }
    }
}

fn other_target(expected: &str, found: &str) -> TrainError {
    TrainError::OtherRows { expected: format!("rows with {expected}"), found: format!("rows with {found}") }
}

fn numbers(scaling: &NumberScaling, outputs: &[f32]) -> Vec<f64> {
    outputs.iter().map(|&output| scaling.undo(f64::from(output))).collect()
}

/// What is said of rows that nothing is known of.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Probabilities `[row, class]`, row after row.
    Probabilities(Vec<f32>),
    /// A number of each row.
    Numbers(Vec<f64>),
}

/// Predicts the classes of rows, or a number of each.
#[derive(Debug)]
pub struct Predictor {
    network: Network,
    preprocessing: Preprocessing,
    output: Output,
    device: Device,
    /// What its backbone gives, where it still has the weights it was published with.
    published: Option<PublishedFeatures>,
}

impl Predictor {
    /// A predictor of a network that does not train any more.
    pub(super) fn new(network: Network, preprocessing: Preprocessing, output: Output, device: &OpenDevice) -> Self {
        Self { network: network.valid(), preprocessing, output, device: device.plain(), published: None }
    }

    /// The same predictor, whose backbone still has the weights it was published with.
    pub(super) fn with_published(self, published: Option<PublishedFeatures>) -> Self {
        Self { published, ..self }
    }

    /// A predictor from what a fit has left: its model, preprocessing, what its outputs stand for, and safetensors.
    ///
    /// # Errors
    /// The model does not fit the preprocessing, or the weights do not fit the model.
    pub fn load(
        model: &ModelSpec,
        preprocessing: Preprocessing,
        output: Output,
        weights: Vec<u8>,
        device: &OpenDevice,
    ) -> Result<Self, TrainError> {
        let outputs = n_outputs(model.loss, output.task());
        // The first weights are replaced by the loaded ones, so any seed will do.
        let network = Network::new(model, preprocessing.shape(), outputs, Seed::root(0), &device.plain())?;
        Ok(Self::new(network.with_safetensors(weights)?, preprocessing, output, device))
    }

    /// What is predicted of the rows, with their targets, in the given order.
    ///
    /// # Errors
    /// The data is not of the kind trained on, there is no row, the device fails, or a probability is no number.
    ///
    /// # Panics
    /// If a row is not one of the data's.
    pub fn predict(&self, data: &Dataset, rows: &[usize]) -> Result<Predictions, TrainError> {
        let source = Rows::new(data.features(), &self.preprocessing)?;
        let source = match &self.published {
            Some(published) => published.rows(&self.network, &source, data, rows, &self.device, &mut |_, _| Ok(()))?,
            None => source,
        };
        let outputs = logits(&self.network, &source, rows, &self.device)?;
        self.output.predictions(&outputs, data, rows)
    }

    /// What is predicted of rows whose targets are not known. On a CPU it has the bits that [`Predictor::predict`] gives the
    /// same rows, whatever others are asked for with them.
    ///
    /// # Errors
    /// The rows are not of the kind trained on, the device fails, or a number is no probability or not finite.
    pub fn say(&self, rows: &Unlabelled) -> Result<Said, TrainError> {
        let source = Rows::new(rows.features(), &self.preprocessing)?;
        let all: Vec<usize> = (0..rows.n()).collect();
        let outputs = logits(&self.network, &source, &all, &self.device)?;
        // Targets are not known, but what is checked of the predictions has nothing to do with them.
        Ok(match &self.output {
            Output::Classes { loss, n_classes } => {
                let probabilities = probabilities(*loss, &outputs, *n_classes);
                if !all.is_empty() {
                    Predictions::new(*n_classes, probabilities.clone(), vec![0; all.len()])?;
                }
                Said::Probabilities(probabilities)
            }
            Output::Number(scaling) => {
                let numbers = numbers(scaling, &outputs);
                if !all.is_empty() {
                    Predictions::of_numbers(numbers.clone(), vec![0.0; all.len()])?;
                }
                Said::Numbers(numbers)
            }
        })
    }

    /// What its outputs stand for.
    #[must_use]
    pub fn output(&self) -> Output {
        self.output
    }

    /// How rows become numbers.
    #[must_use]
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Number of weights that training can change.
    #[must_use]
    pub fn n_parameters(&self) -> usize {
        self.network.n_parameters()
    }

    /// The weights as the bytes of a safetensors file; equal weights give equal bytes.
    ///
    /// # Errors
    /// The device does not hand out its tensors.
    pub fn weights(&self) -> Result<Vec<u8>, WeightsError> {
        self.network.to_safetensors()
    }

    /// Writes the weights to a safetensors file, over what is there.
    ///
    /// # Errors
    /// The device does not hand out its tensors, or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let write = |source| TrainError::Write { path: path.display().to_string(), source };
        std::fs::write(path, self.weights()?).map_err(write)
    }
}

/// Outputs `[row, output]` of the rows, in the given order, from a network that does not train.
pub(super) fn logits(
    network: &Network,
    source: &Rows<'_>,
    rows: &[usize],
    device: &Device,
) -> Result<Vec<f32>, TrainError> {
    evaluate(rows, |batch| read(network.forward(source.batch(batch, device))))
}

/// The numbers of the rows, in the given order, of an evaluation that gives equally many for each row of a batch.
///
/// On a CPU a row's numbers depend on it alone, not on its batch.
pub(super) fn evaluate(
    rows: &[usize],
    of_batch: impl Fn(&[usize]) -> Result<Vec<f32>, TrainError>,
) -> Result<Vec<f32>, TrainError> {
    let mut numbers = Vec::new();
    for batch in rows.chunks(EVALUATION_BATCH) {
        numbers.extend(of_batch(batch)?);
    }
    Ok(numbers)
}

/// The numbers of a tensor, row after row.
pub(super) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, TrainError> {
    tensor.try_into_vec_as::<f32>().map_err(TrainError::device)
}
