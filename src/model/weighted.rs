//! The layers that have weights or a state.

use burn::module::{Flag, Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, GroupNorm, LayerNorm, Linear, PaddingConfig2d};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Distribution, FloatDType, Tensor, module};

use super::design::Kind;
use super::init::Init;
use crate::kernel::{self, Bend, Statistics};
use crate::spec::network::Precision;

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
    pub(super) fn on_vectors(&self, vectors: Tensor<2>, precision: Precision) -> Tensor<2> {
        match self {
            Self::Linear(layer) => linear(layer, vectors, precision),
            Self::BatchNorm(layer) => batch_norm(layer, vectors, Bend::None),
            Self::LayerNorm(layer) => layer.forward(vectors),
            Self::Dropout(layer) => layer.forward(vectors),
            Self::Conv2d(_) | Self::GroupNorm(_) => unreachable!("designed for pictures alone"),
        }
    }

    /// `[batch, channels, height, width]` to the same with the layer's channels and size.
    pub(super) fn on_pictures(&self, pictures: Tensor<4>, precision: Precision) -> Tensor<4> {
        match self {
            Self::Conv2d(layer) => convolution(layer, pictures, precision),
            Self::BatchNorm(layer) => batch_norm(layer, pictures, Bend::None),
            Self::GroupNorm(layer) => layer.forward(pictures),
            Self::Dropout(layer) => layer.forward(pictures),
            Self::Linear(_) | Self::LayerNorm(_) => unreachable!("designed for vectors alone"),
        }
    }
}

/// `[batch, inputs]` to `[batch, outputs]`.
pub(super) fn linear(layer: &Linear, vectors: Tensor<2>, precision: Precision) -> Tensor<2> {
    let (weight, bias) = (layer.weight.val(), layer.bias.as_ref().map(Param::val));
    match precision {
        Precision::F32 => kernel::linear(vectors, weight, bias),
        Precision::Bf16 => full(module::linear(half(vectors), half(weight), bias.map(half))),
    }
}

fn convolution(layer: &Conv2d, pictures: Tensor<4>, precision: Precision) -> Tensor<4> {
    let PaddingConfig2d::Explicit(top, left, bottom, right) = layer.padding else {
        unreachable!("a convolution is made with its padding counted out")
    };
    let padding = [(top, bottom), (left, right)];
    let options = ConvOptions::new_with_padding(layer.stride, padding, layer.dilation, layer.groups);
    let (weight, bias) = (layer.weight.val(), layer.bias.as_ref().map(Param::val));
    match precision {
        Precision::F32 => kernel::convolution(pictures, weight, bias, options),
        Precision::Bf16 => full(module::conv2d(half(pictures), half(weight), bias.map(half), options)),
    }
}

fn half<const D: usize>(numbers: Tensor<D>) -> Tensor<D> {
    numbers.cast(FloatDType::BF16)
}

fn full<const D: usize>(numbers: Tensor<D>) -> Tensor<D> {
    numbers.cast(FloatDType::F32)
}

/// Batch norm and a bend behind it, as one. It trains on a device with gradients unless it is frozen, and then adds the batch's statistics to the
/// running ones.
pub(super) fn batch_norm<const D: usize>(layer: &BatchNorm, numbers: Tensor<D>, bend: Bend) -> Tensor<D> {
    let affine = [layer.gamma.val(), layer.beta.val()];
    if !numbers.device().is_autodiff() || !layer.training.is_enabled() {
        let device = numbers.device();
        let [mean, variance] = [&layer.running_mean, &layer.running_var].map(|state| state.value().to_device(&device));
        return kernel::batch_norm(numbers, affine, Statistics { mean, variance }, layer.epsilon, bend);
    }
    let (output, statistics) = kernel::batch_norm_train(numbers, affine, layer.epsilon, bend);
    let states = [&layer.running_mean, &layer.running_var];
    for (state, of_batch) in states.into_iter().zip([statistics.mean, statistics.variance]) {
        let before = state.value_sync().mul_scalar(1.0 - layer.momentum);
        state.update(before.add(of_batch.detach().mul_scalar(layer.momentum)).detach());
    }
    output
}
