//! DenseNet (Huang et al. 2017), with torchvision's names.

use super::{batch_norm, convolution, named, padded, relu};
use crate::spec::network::{Join, Layer, Padding, Pooling, Window};

/// The smallest picture that is left a pixel: it is halved twice rounding up, then three times rounding down.
pub(super) const LEAST_SIZE: usize = 29;

/// Channels that each dense layer adds.
const GROWTH: usize = 32;

/// Channels of a dense layer's bottleneck.
const BOTTLENECK: usize = 4 * GROWTH;

/// Channels of the stem.
const STEM: usize = 64;

/// Dense layers of each block.
const BLOCKS: [usize; 4] = [6, 12, 24, 16];

pub(super) fn densenet121() -> Vec<Layer> {
    let mut layers = vec![
        named("features.conv0", convolution(STEM, padded(7, 2))),
        named("features.norm0", batch_norm()),
        named("features.relu0", relu()),
        named("features.pool0", Layer::Pool { pooling: Pooling::Max, window: padded(3, 2) }),
    ];
    let mut channels = STEM;
    for (block, n_layers) in (1..).zip(BLOCKS) {
        if block > 1 {
            channels /= 2;
            layers.push(named(format!("features.transition{}", block - 1), transition(channels)));
        }
        let dense = (1..=n_layers).map(|layer| named("", dense_layer(layer)));
        layers.push(named(format!("features.denseblock{block}"), Layer::Sequential(dense.collect())));
        channels += n_layers * GROWTH;
    }
    layers.extend([
        named("features.norm5", batch_norm()),
        named("relu", relu()),
        named("pool", Layer::GlobalPool(Pooling::Average)),
    ]);
    layers
}

/// What came in, and the new channels that are made of it.
fn dense_layer(number: usize) -> Layer {
    let new = Layer::Sequential(vec![
        named("norm1", batch_norm()),
        named("relu1", relu()),
        named("conv1", convolution(BOTTLENECK, padded(1, 1))),
        named("norm2", batch_norm()),
        named("relu2", relu()),
        named("conv2", convolution(GROWTH, padded(3, 1))),
    ]);
    Layer::Parallel { branches: vec![Vec::new(), vec![named(format!("denselayer{number}"), new)]], join: Join::Concat }
}

/// Halves channels, height and width.
fn transition(channels: usize) -> Layer {
    let halving = Window { kernel: 2, stride: 2, padding: Padding::Pixels(0), dilation: 1 };
    Layer::Sequential(vec![
        named("norm", batch_norm()),
        named("relu", relu()),
        named("conv", convolution(channels, padded(1, 1))),
        named("pool", Layer::Pool { pooling: Pooling::Average, window: halving }),
    ])
}
