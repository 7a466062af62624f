//! A trained network with its preprocessing: what is left of a fit for use.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::batch::Rows;
use super::loss::{n_outputs, probabilities};
use super::published::PublishedFeatures;
use super::{Preprocessing, TrainError};
use crate::data::{Dataset, Unlabelled};
use crate::device::OpenDevice;
use crate::metric::Predictions;
use crate::model::{Network, WeightsError};
use crate::seed::Seed;
use crate::spec::network::{Loss, ModelSpec};

/// Rows per batch of an evaluation, in every place where rows are evaluated.
pub const EVALUATION_BATCH: usize = 64;

/// Predicts the classes of rows.
#[derive(Debug)]
pub struct Predictor {
    network: Network,
    preprocessing: Preprocessing,
    loss: Loss,
    n_classes: usize,
    device: Device,
    /// What its backbone gives, where it still has the weights it was published with.
    published: Option<PublishedFeatures>,
}

impl Predictor {
    /// A predictor of a network that does not train any more.
    pub(super) fn new(
        network: Network,
        preprocessing: Preprocessing,
        loss: Loss,
        n_classes: usize,
        device: &OpenDevice,
    ) -> Self {
        Self { network: network.valid(), preprocessing, loss, n_classes, device: device.plain(), published: None }
    }

    /// The same predictor, whose backbone still has the weights it was published with.
    pub(super) fn with_published(self, published: Option<PublishedFeatures>) -> Self {
        Self { published, ..self }
    }

    /// A predictor from what a fit has left: its model, preprocessing, number of classes and safetensors.
    ///
    /// # Errors
    /// The model does not fit the preprocessing, or the weights do not fit the model.
    pub fn load(
        model: &ModelSpec,
        preprocessing: Preprocessing,
        n_classes: usize,
        weights: Vec<u8>,
        device: &OpenDevice,
    ) -> Result<Self, TrainError> {
        let outputs = n_outputs(model.loss, n_classes);
        // The first weights are replaced by the loaded ones, so any seed will do.
        let network = Network::new(model, preprocessing.shape(), outputs, Seed::root(0), &device.plain())?;
        Ok(Self::new(network.with_safetensors(weights)?, preprocessing, model.loss, n_classes, device))
    }

    /// Probabilities and targets of the rows, in the given order.
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
        let logits = logits(&self.network, &source, rows, &self.device)?;
        predictions(self.loss, &logits, self.n_classes, data, rows)
    }

    /// Probabilities `[row, class]`, row after row, of rows whose classes are not known. On a CPU they are the bits that
    /// [`Predictor::predict`] gives the same rows, whatever others are asked for with them.
    ///
    /// # Errors
    /// The rows are not of the kind trained on, the device fails, or a number is no probability.
    pub fn probabilities(&self, rows: &Unlabelled) -> Result<Vec<f32>, TrainError> {
        let source = Rows::new(rows.features(), &self.preprocessing)?;
        let all: Vec<usize> = (0..rows.n()).collect();
        let logits = logits(&self.network, &source, &all, &self.device)?;
        let probabilities = probabilities(self.loss, &logits, self.n_classes);
        if !all.is_empty() {
            // The classes are not known, but what is checked of the probabilities has nothing to do with them.
            Predictions::new(self.n_classes, probabilities.clone(), vec![0; all.len()])?;
        }
        Ok(probabilities)
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

/// Logits `[row, output]` of the rows, in the given order, from a network that does not train.
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
/// A row's numbers depend on it alone, not on its batch. That holds on a CPU for batches of two and more rows; one row
/// alone would be multiplied by another algorithm, which rounds otherwise, so it goes in twice.
pub(super) fn evaluate(
    rows: &[usize],
    of_batch: impl Fn(&[usize]) -> Result<Vec<f32>, TrainError>,
) -> Result<Vec<f32>, TrainError> {
    let mut numbers = Vec::new();
    for batch in rows.chunks(EVALUATION_BATCH) {
        if let &[row] = batch {
            let twice = of_batch(&[row, row])?;
            numbers.extend_from_slice(&twice[..twice.len() / 2]);
        } else {
            numbers.extend(of_batch(batch)?);
        }
    }
    Ok(numbers)
}

/// Logits with the rows' targets as predictions.
pub(super) fn predictions(
    loss: Loss,
    logits: &[f32],
    n_classes: usize,
    data: &Dataset,
    rows: &[usize],
) -> Result<Predictions, TrainError> {
    let targets = rows.iter().map(|&row| data.targets()[row]).collect();
    Ok(Predictions::new(n_classes, probabilities(loss, logits, n_classes), targets)?)
}

/// The numbers of a tensor, row after row.
pub(super) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, TrainError> {
    tensor.try_into_vec_as::<f32>().map_err(TrainError::device)
}
