//! EfficientNet-Lite (Liu 2020): EfficientNet (Tan and Le 2019) without squeeze-and-excitation and with ReLU6.
//!
//! Names are those of the published PyTorch weights without their leading underscores. Padding follows TensorFlow's
//! rule, for the weights were trained there. Stochastic depth is left out: it changes training alone.

use super::{convolution, named};
use crate::spec::network::{Activation, Layer, Padding, Pooling, Window};

/// Channels of the stem.
const STEM: usize = 32;

/// Features it gives.
const FEATURES: usize = 1280;

/// Blocks of one shape, one after the other; the stride is the first one's.
struct Stage {
    n_blocks: usize,
    kernel: usize,
    stride: usize,
    /// Channels inside a block for each it takes.
    expansion: usize,
    channels: usize,
}

const fn stage(n_blocks: usize, kernel: usize, stride: usize, expansion: usize, channels: usize) -> Stage {
    Stage { n_blocks, kernel, stride, expansion, channels }
}

const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 1, 16),
    stage(2, 3, 2, 6, 24),
    stage(2, 5, 2, 6, 40),
    stage(3, 3, 2, 6, 80),
    stage(3, 5, 1, 6, 112),
    stage(4, 5, 2, 6, 192),
    stage(1, 3, 1, 6, 320),
];

pub(super) fn efficientnet_lite0() -> Vec<Layer> {
    let mut layers =
        vec![named("conv_stem", convolution(STEM, same(3, 2))), named("bn0", batch_norm()), named("relu0", relu6())];
    let (mut inputs, mut number) = (STEM, 0);
    for stage in &STAGES {
        for index in 0..stage.n_blocks {
            let stride = if index == 0 { stage.stride } else { 1 };
            let body = body(stage, inputs, stride);
            let is_residual = stride == 1 && inputs == stage.channels;
            let block = if is_residual {
                named("", Layer::Residual { body, shortcut: Vec::new() })
            } else {
                named("", Layer::Sequential(body))
            };
            layers.push(named(format!("blocks.{number}"), Layer::Sequential(vec![block])));
            (inputs, number) = (stage.channels, number + 1);
        }
    }
    layers.extend([
        named("conv_head", convolution(FEATURES, same(1, 1))),
        named("bn1", batch_norm()),
        named("relu1", relu6()),
        named("pool", Layer::GlobalPool(Pooling::Average)),
    ]);
    layers
}

/// Expansion, depthwise convolution, projection.
fn body(stage: &Stage, inputs: usize, stride: usize) -> Vec<Layer> {
    let mut layers = Vec::new();
    if stage.expansion > 1 {
        layers.extend([
            named("expand_conv", convolution(stage.expansion * inputs, same(1, 1))),
            named("bn0", batch_norm()),
            named("relu0", relu6()),
        ]);
    }
    let window = same(stage.kernel, stride);
    layers.extend([
        named("depthwise_conv", Layer::DepthwiseConv2d { multiplier: 1, window, bias: false }),
        named("bn1", batch_norm()),
        named("relu1", relu6()),
        named("project_conv", convolution(stage.channels, same(1, 1))),
        named("bn2", batch_norm()),
    ]);
    layers
}

fn same(kernel: usize, stride: usize) -> Window {
    Window { kernel, stride, padding: Padding::Same, dilation: 1 }
}

fn batch_norm() -> Layer {
    Layer::BatchNorm { eps: 1e-3, momentum: 0.01 }
}

fn relu6() -> Layer {
    Layer::Activation(Activation::Relu6)
}
