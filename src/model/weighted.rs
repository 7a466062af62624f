//! The layers that have weights or a state.

use burn::module::{Flag, Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, GroupNorm, LayerNorm, Linear};
use burn::tensor::{Distribution, Tensor};

use super::design::Kind;
use super::init::Init;

/// Drops each number with a probability while training, and scales what is left so that the mean stays.
///
/// Burn's own layer refuses probability 1, which a search space of `0..=1` can reach: here everything is dropped then.
#[derive(Module, Debug)]
pub(super) struct Dropout {
    rate: f64,
    training: Param<Flag>,
}

impl Dropout {
    fn new(rate: f64) -> Self {
        Self { rate, training: Param::from_bool(true) }
    }

    fn forward<const D: usize>(&self, numbers: Tensor<D>) -> Tensor<D> {
        if !self.training.is_enabled() || !numbers.device().is_autodiff() || self.rate == 0.0 {
            return numbers;
        }
        let kept = 1.0 - self.rate;
        if kept <= 0.0 {
            return numbers.mul_scalar(0.0);
        }
        let mask = numbers.random_like(Distribution::Bernoulli(kept));
        numbers * mask.mul_scalar(1.0 / kept)
    }
}

/// A layer with weights or a state.
#[derive(Module, Debug)]
pub(super) enum WeightedLayer {
    Linear(Linear),
    Conv2d(Conv2d),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    GroupNorm(GroupNorm),
    Dropout(Dropout),
}

impl WeightedLayer {
    /// The layer of a design with its first weights; `name` labels their streams.
    pub(super) fn new(kind: &Kind, name: &str, init: &Init<'_>) -> Self {
        match *kind {
            Kind::Linear { inputs, outputs, bias } => Self::Linear(init.linear(name, inputs, outputs, bias)),
            Kind::Conv2d { .. } => Self::Conv2d(init.convolution(name, kind)),
            Kind::BatchNorm { features, eps, momentum } => Self::BatchNorm(init.batch_norm(features, eps, momentum)),
            Kind::LayerNorm { features, eps } => Self::LayerNorm(init.layer_norm(features, eps)),
            Kind::GroupNorm { channels, groups, eps } => Self::GroupNorm(init.group_norm(channels, groups, eps)),
            Kind::Dropout { rate } => Self::Dropout(Dropout::new(rate)),
        }
    }

    /// `[batch, inputs]` to `[batch, outputs]`.
    pub(super) fn on_vectors(&self, vectors: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Linear(layer) => layer.forward(vectors),
            Self::BatchNorm(layer) => layer.forward(vectors),
            Self::LayerNorm(layer) => layer.forward(vectors),
            Self::Dropout(layer) => layer.forward(vectors),
            Self::Conv2d(_) | Self::GroupNorm(_) => unreachable!("designed for pictures alone"),
        }
    }

    /// `[batch, channels, height, width]` to the same with the layer's channels and size.
    pub(super) fn on_pictures(&self, pictures: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv2d(layer) => layer.forward(pictures),
            Self::BatchNorm(layer) => layer.forward(pictures),
            Self::GroupNorm(layer) => layer.forward(pictures),
            Self::Dropout(layer) => layer.forward(pictures),
            Self::Linear(_) | Self::LayerNorm(_) => unreachable!("designed for vectors alone"),
        }
    }
}
