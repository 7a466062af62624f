//! ResNet (He et al. 2016), with torchvision's names; like torchvision's, bottlenecks have their stride in the 3 x 3
//! convolution.

use super::{batch_norm, convolution, named, padded, relu};
use crate::spec::network::{Layer, Pooling};

/// Channels of the stem, and of the first stage's inner convolutions; each next stage has twice as many.
const WIDTH: usize = 64;

/// What a block's body is made of.
#[derive(Clone, Copy)]
enum Block {
    /// Two 3 x 3 convolutions.
    Basic,
    /// 1 x 1, 3 x 3, and 1 x 1 with four times the channels.
    Bottleneck,
}

pub(super) fn resnet18() -> Vec<Layer> {
    resnet(Block::Basic, [2, 2, 2, 2])
}

pub(super) fn resnet34() -> Vec<Layer> {
    resnet(Block::Basic, [3, 4, 6, 3])
}

pub(super) fn resnet50() -> Vec<Layer> {
    resnet(Block::Bottleneck, [3, 4, 6, 3])
}

fn resnet(block: Block, stages: [usize; 4]) -> Vec<Layer> {
    let mut layers = vec![
        named("conv1", convolution(WIDTH, padded(7, 2))),
        named("bn1", batch_norm()),
        named("relu", relu()),
        named("maxpool", Layer::Pool { pooling: Pooling::Max, window: padded(3, 2) }),
    ];
    let mut inputs = WIDTH;
    for (stage, n_blocks) in stages.into_iter().enumerate() {
        let width = WIDTH << stage;
        for index in 0..n_blocks {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let (body, outputs) = body(block, width, stride);
            let is_identity = stride == 1 && inputs == outputs;
            let shortcut =
                if is_identity { Vec::new() } else { vec![named("downsample", downsample(outputs, stride))] };
            let parts = vec![named("", Layer::Residual { body, shortcut }), named("relu", relu())];
            layers.push(named(format!("layer{}.{index}", stage + 1), Layer::Sequential(parts)));
            inputs = outputs;
        }
    }
    layers.push(named("avgpool", Layer::GlobalPool(Pooling::Average)));
    layers
}

/// The layers of a block's body, and the channels it gives.
fn body(block: Block, width: usize, stride: usize) -> (Vec<Layer>, usize) {
    let (convolutions, outputs) = match block {
        Block::Basic => (vec![(width, padded(3, stride)), (width, padded(3, 1))], width),
        Block::Bottleneck => {
            (vec![(width, padded(1, 1)), (width, padded(3, stride)), (4 * width, padded(1, 1))], 4 * width)
        }
    };
    let n = convolutions.len();
    let layers = (1..).zip(convolutions).flat_map(|(number, (channels, window))| {
        let layer =
            [named(format!("conv{number}"), convolution(channels, window)), named(format!("bn{number}"), batch_norm())];
        // After the last one comes the sum.
        layer.into_iter().chain((number < n).then(|| named(format!("relu{number}"), relu())))
    });
    (layers.collect(), outputs)
}

/// Brings what came in to the shape of what the body gives.
fn downsample(outputs: usize, stride: usize) -> Layer {
    Layer::Sequential(vec![convolution(outputs, padded(1, stride)), batch_norm()])
}
