//! The layers a network is made of.

use burn::module::{Flag, Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Gelu, Linear, Relu, Tanh};
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Distribution, Tensor};

use super::init::Init;
use crate::spec::network::{Activation, Layer};

/// Convolution, batch norm, ReLU, and then 2 x 2 max pooling or the mean over the picture.
#[derive(Module, Debug)]
pub(super) struct ConvBlock {
    convolution: Conv2d,
    norm: BatchNorm,
}

impl ConvBlock {
    pub(super) fn new(init: &Init<'_>, path: &str, inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self {
            convolution: init.convolution(&format!("{path}.convolution"), inputs, outputs, kernel),
            norm: init.batch_norm(outputs),
        }
    }

    /// `[batch, inputs, size, size]` to `[batch, outputs, size, size]`.
    fn activate(&self, pictures: Tensor<4>) -> Tensor<4> {
        burn::tensor::activation::relu(self.norm.forward(self.convolution.forward(pictures)))
    }

    /// `[batch, inputs, size, size]` to `[batch, outputs, size / 2, size / 2]`.
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        max_pool2d(self.activate(pictures), MaxPoolOptions::new([2, 2]))
    }

    /// `[batch, inputs, size, size]` to `[batch, outputs]`.
    pub(super) fn forward_last(&self, pictures: Tensor<4>) -> Tensor<2> {
        let activated: Tensor<3> = self.activate(pictures).flatten(2, 3);
        activated.mean_dim(2).flatten(1, 2)
    }
}

/// Drops each feature with a probability while training, and scales what is left so that the mean stays.
///
/// Burn's own layer refuses probability 1, which a search space of `0..=1` can reach: here everything is dropped then.
#[derive(Module, Debug)]
pub(super) struct Dropout {
    rate: f64,
    training: Param<Flag>,
}

impl Dropout {
    pub(super) fn new(rate: f64) -> Self {
        Self { rate, training: Param::from_bool(true) }
    }

    fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        if !self.training.is_enabled() || !features.device().is_autodiff() || self.rate == 0.0 {
            return features;
        }
        let kept = 1.0 - self.rate;
        if kept <= 0.0 {
            return features.mul_scalar(0.0);
        }
        let mask = features.random_like(Distribution::Bernoulli(kept));
        features * mask.mul_scalar(1.0 / kept)
    }
}

/// A layer on vectors of features, `[batch, inputs]` to `[batch, outputs]`.
#[derive(Module, Debug)]
pub(super) enum FeatureLayer {
    Linear(Linear),
    BatchNorm(BatchNorm),
    Dropout(Dropout),
    Relu(Relu),
    Gelu(Gelu),
    Tanh(Tanh),
}

impl FeatureLayer {
    /// The layer of a specification on `inputs` features, and how many features it gives.
    pub(super) fn new(init: &Init<'_>, path: &str, layer: &Layer, inputs: usize) -> (Self, usize) {
        match layer {
            Layer::Linear { units } => (Self::Linear(init.linear(path, inputs, *units)), *units),
            Layer::Activation(activation) => (Self::activation(*activation), inputs),
            Layer::BatchNorm => (Self::BatchNorm(init.batch_norm(inputs)), inputs),
            Layer::Dropout { rate } => (Self::Dropout(Dropout::new(*rate)), inputs),
        }
    }

    pub(super) fn activation(activation: Activation) -> Self {
        match activation {
            Activation::Relu => Self::Relu(Relu::new()),
            Activation::Gelu => Self::Gelu(Gelu::new()),
            Activation::Tanh => Self::Tanh(Tanh::new()),
        }
    }

    pub(super) fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Linear(layer) => layer.forward(features),
            Self::BatchNorm(layer) => layer.forward(features),
            Self::Dropout(layer) => layer.forward(features),
            Self::Relu(layer) => layer.forward(features),
            Self::Gelu(layer) => layer.forward(features),
            Self::Tanh(layer) => layer.forward(features),
        }
    }
}
