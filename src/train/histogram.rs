//! How the numbers of a tensor are distributed.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::TrainError;
use super::gradients::Gradients;
use super::predictor::read;
use crate::model::Network;

/// Bins of equal width in each histogram.
const N_BINS: usize = 32;

/// How many numbers of a tensor lie in each of some bins of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// The tensor's name in the file of weights.
    pub tensor: String,
    /// What of it is counted.
    pub of: HistogramOf,
    /// The smallest finite number, where the first bin begins; 0 without any.
    pub low: f64,
    /// The largest finite number, where the last bin ends, which it belongs to; 0 without any.
    pub high: f64,
    /// Numbers in each bin; those on a border belong to the upper one. If all are equal, they are in the first.
    pub counts: Vec<u64>,
    /// Numbers that are infinite or no numbers.
    pub n_not_finite: u64,
}

/// What of a parameter a histogram counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistogramOf {
    /// Its weights.
    Weights,
    /// Its gradient.
    Gradients,
}

impl HistogramOf {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Gradients => "gradients",
        }
    }
}

impl Histogram {
    fn new(tensor: String, of: HistogramOf, numbers: &[f32]) -> Self {
        let finite = || numbers.iter().filter(|number| number.is_finite()).map(|&number| f64::from(number));
        let low = finite().reduce(f64::min).unwrap_or(0.0);
        let high = finite().reduce(f64::max).unwrap_or(0.0);
        let mut counts = vec![0; N_BINS];
        for number in finite() {
            counts[bin(number, low, high)] += 1;
        }
        let n_not_finite = numbers.iter().filter(|number| !number.is_finite()).count() as u64;
        Self { tensor, of, low, high, counts, n_not_finite }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share in 0 to 1 of a small number"
)]
fn bin(number: f64, low: f64, high: f64) -> usize {
    let share = if high > low { (number - low) / (high - low) } else { 0.0 };
    ((share * N_BINS as f64) as usize).min(N_BINS - 1)
}

/// Histograms of all trained parameters: the weights and the gradient of each, in the order of their paths.
///
/// # Errors
/// The device fails.
pub(super) fn histograms(network: &Network, gradients: &Gradients) -> Result<Vec<Histogram>, TrainError> {
    let mut weights = Weights { path: Vec::new(), by_path: BTreeMap::new() };
    network.visit(&mut weights);
    let mut histograms = Vec::new();
    for (path, gradient) in gradients.iter() {
        let name = network.tensor_name(path);
        if let Some(weights) = weights.by_path.remove(path) {
            histograms.push(Histogram::new(name.clone(), HistogramOf::Weights, &read(weights)?));
        }
        histograms.push(Histogram::new(name, HistogramOf::Gradients, &read(gradient.clone())?));
    }
    Ok(histograms)
}

struct Weights {
    path: Vec<String>,
    by_path: BTreeMap<String, Tensor<1>>,
}

impl ModuleVisitor for Weights {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val().without_autodiff();
        let n = tensor.shape().num_elements();
        self.by_path.insert(self.path.join("."), tensor.reshape([n]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fall_into_bins_of_equal_width_between_the_smallest_and_the_largest() {
        let numbers: Vec<f32> = (0..=64).map(|n| n as f32 - 32.0).collect();
        let histogram = Histogram::new("a".to_owned(), HistogramOf::Weights, &numbers);
        assert_eq!((histogram.low, histogram.high, histogram.n_not_finite), (-32.0, 32.0, 0));
        assert_eq!(histogram.counts[..31], [2; 31]);
        assert_eq!(histogram.counts[31], 3, "the largest belongs to the last bin");
    }

    #[test]
    fn equal_numbers_are_in_the_first_bin_and_what_is_not_finite_in_none() {
        let counted = |numbers: &[f32]| {
            let Histogram { low, high, counts, n_not_finite, .. } =
                Histogram::new("a".to_owned(), HistogramOf::Gradients, numbers);
            (low, high, counts[0], counts.iter().sum::<u64>(), n_not_finite)
        };
        assert_eq!(counted(&[1.5, 1.5, 1.5]), (1.5, 1.5, 3, 3, 0));
        assert_eq!(counted(&[f32::NAN, 0.0, f32::INFINITY, f32::NEG_INFINITY]), (0.0, 0.0, 1, 1, 3));
        assert_eq!(counted(&[f32::NAN]), (0.0, 0.0, 0, 0, 1));
        assert_eq!(counted(&[]), (0.0, 0.0, 0, 0, 0));
        assert_eq!(counted(&[f32::MIN, f32::MAX]), (f64::from(f32::MIN), f64::from(f32::MAX), 1, 2, 0));
    }
}
