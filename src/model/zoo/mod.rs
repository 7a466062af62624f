//! Published networks, layer for layer, under the names their weights were published with.
//!
//! Each ends in its pooled vector of features; the classifier on top is left out, for a head of one's own takes its
//! place. First weights that are not read from a file are drawn like those of every other network.

mod densenet;
mod efficientnet_lite;
mod resnet;

use super::error::ModelError;
use super::shape::InputShape;
use crate::spec::network::{Activation, Layer, Padding, Window};
use crate::spec::zoo::Published;

/// The layers of a published network.
pub(super) fn layers(network: Published) -> Vec<Layer> {
    match network {
        Published::DenseNet121 => densenet::densenet121(),
        Published::ResNet18 => resnet::resnet18(),
        Published::ResNet34 => resnet::resnet34(),
        Published::ResNet50 => resnet::resnet50(),
        Published::EfficientNetLite0 => efficientnet_lite::efficientnet_lite0(),
    }
}

/// Whether a published network can take rows of this shape.
///
/// # Errors
/// They are no pictures, or too small.
pub fn takes(network: Published, shape: InputShape) -> Result<(), ModelError> {
    let size = match shape {
        InputShape::Picture { size, .. } => size,
        InputShape::Vector { width } => return Err(ModelError::NeedsPictures { network: network.name(), width }),
    };
    let least = match network {
        Published::DenseNet121 => densenet::LEAST_SIZE,
        // Their windows are padded: even one pixel stays one.
        Published::ResNet18 | Published::ResNet34 | Published::ResNet50 | Published::EfficientNetLite0 => 1,
    };
    if size < least {
        return Err(ModelError::TooSmall { network: network.name(), size, least });
    }
    Ok(())
}

fn named(name: impl Into<String>, layer: Layer) -> Layer {
    Layer::Named { name: name.into(), layer: Box::new(layer) }
}

/// A convolution without bias.
fn convolution(channels: usize, window: Window) -> Layer {
    Layer::Conv2d { channels, window, groups: 1, bias: false }
}

/// A window with the padding that keeps a picture's size at stride 1.
fn padded(kernel: usize, stride: usize) -> Window {
    Window { kernel, stride, padding: Padding::Pixels(kernel / 2), dilation: 1 }
}

fn batch_norm() -> Layer {
    Layer::BatchNorm { eps: 1e-5, momentum: 0.1 }
}

fn relu() -> Layer {
    Layer::Activation(Activation::Relu)
}

#[cfg(test)]
mod tests;
