//! What the backbones that are no list of layers are made of.

use super::error::ModelError;
use super::shape::{InputShape, Shape};
use super::zoo;
use crate::spec::network::{Activation, Backbone, Layer, Padding, Pooling, Window};

/// The layers of a backbone on rows of `shape`.
///
/// # Errors
/// The backbone cannot be built for the shape.
pub(super) fn layers(backbone: &Backbone, shape: InputShape) -> Result<Vec<Layer>, ModelError> {
    match backbone {
        Backbone::Convnet { width, blocks, kernel } => convnet(*width, *blocks, *kernel, shape),
        Backbone::Mlp { hidden, activation, dropout } => mlp(hidden, *activation, *dropout, shape),
        Backbone::Sequential(layers) => Ok(layers.clone()),
        Backbone::Published(spec) => {
            zoo::takes(spec.network, shape)?;
            Ok(zoo::layers(spec.network))
        }
    }
}

fn convnet(width: usize, blocks: usize, kernel: usize, shape: InputShape) -> Result<Vec<Layer>, ModelError> {
    let size = match shape {
        InputShape::Picture { size, .. } => size,
        InputShape::Vector { width } => return Err(ModelError::NeedsPictures { network: "convnet", width }),
    };
    for (value, what) in [(width, "width"), (blocks, "blocks"), (kernel, "kernel")] {
        at_least_one(value, || format!("{what} of convnet"))?;
    }
    if kernel.is_multiple_of(2) {
        return Err(ModelError::EvenKernel { kernel });
    }
    // Every block but the last halves the picture, rounding down.
    let most = size.ilog2() as usize + 1;
    if blocks > most {
        return Err(ModelError::TooManyBlocks { blocks, size, most });
    }
    let window = Window { kernel, stride: 1, padding: Padding::Pixels(kernel / 2), dilation: 1 };
    let halving = Window { kernel: 2, stride: 2, padding: Padding::Pixels(0), dilation: 1 };
    let mut layers = Vec::with_capacity(4 * blocks);
    for block in 0..blocks {
        let channels = width.checked_mul(1 << block).ok_or(ModelError::TooWide)?;
        layers.push(named(
            &format!("blocks.{block}.convolution"),
            Layer::Conv2d { channels, window, groups: 1, bias: false },
        ));
        layers.push(named(&format!("blocks.{block}.norm"), Layer::BatchNorm { eps: 1e-5, momentum: 0.1 }));
        layers.push(named(&format!("blocks.{block}.relu"), Layer::Activation(Activation::Relu)));
        let pool = if block + 1 < blocks {
            Layer::Pool { pooling: Pooling::Max, window: halving }
        } else {
            Layer::GlobalPool(Pooling::Average)
        };
        layers.push(named(&format!("blocks.{block}.pool"), pool));
    }
    Ok(layers)
}

fn mlp(hidden: &[usize], activation: Activation, dropout: f64, shape: InputShape) -> Result<Vec<Layer>, ModelError> {
    if !(0.0..=1.0).contains(&dropout) {
        return Err(ModelError::Rate { what: "dropout of mlp".to_owned(), rate: dropout });
    }
    let mut layers = Vec::with_capacity(3 * hidden.len() + 1);
    if matches!(shape.into(), Shape::Picture { .. }) {
        layers.push(named("flatten", Layer::Flatten));
    }
    for (index, &units) in hidden.iter().enumerate() {
        at_least_one(units, || format!("hidden.{index} of mlp"))?;
        let parts =
            [Layer::Linear { units, bias: true }, Layer::Activation(activation), Layer::Dropout { rate: dropout }];
        for (part, layer) in parts.into_iter().enumerate() {
            layers.push(named(&format!("layers.{}", 3 * index + part), layer));
        }
    }
    Ok(layers)
}

fn named(name: &str, layer: Layer) -> Layer {
    Layer::Named { name: name.to_owned(), layer: Box::new(layer) }
}

fn at_least_one(value: usize, what: impl FnOnce() -> String) -> Result<(), ModelError> {
    if value == 0 { Err(ModelError::Zero { what: what() }) } else { Ok(()) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const PICTURE: InputShape = InputShape::Picture { channels: 3, size: 20 };

    fn message(backbone: Backbone, shape: InputShape) -> String {
        layers(&backbone, shape).unwrap_err().to_string()
    }

    fn convnet(width: usize, blocks: usize, kernel: usize) -> Backbone {
        Backbone::Convnet { width, blocks, kernel }
    }

    fn mlp(hidden: &[usize], dropout: f64) -> Backbone {
        Backbone::Mlp { hidden: hidden.to_vec(), activation: Activation::Relu, dropout }
    }

    #[test]
    fn each_broken_rule_of_a_convnet_has_its_message() {
        assert_eq!(
            message(convnet(8, 2, 3), InputShape::Vector { width: 9 }),
            "convnet takes pictures, but the rows are vectors of 9 numbers; use mlp as the backbone"
        );
        assert_eq!(message(convnet(0, 2, 3), PICTURE), "width of convnet is 0, but must be at least 1");
        assert_eq!(message(convnet(8, 0, 3), PICTURE), "blocks of convnet is 0, but must be at least 1");
        assert_eq!(
            message(convnet(8, 2, 4), PICTURE),
            "kernel is 4, but must be odd so that a pixel has as many neighbours on both sides; use 5"
        );
        assert_eq!(
            message(convnet(8, 6, 3), PICTURE),
            "6 blocks halve a picture of 20 pixels 5 times, which leaves none; use at most 5 blocks or larger pictures"
        );
        assert_eq!(
            message(convnet(usize::MAX - 1, 2, 3), PICTURE),
            "the network has more weights than fit in memory; lower its widths"
        );
    }

    #[test]
    fn each_broken_rule_of_an_mlp_has_its_message() {
        assert_eq!(message(mlp(&[4, 0], 0.0), PICTURE), "hidden.1 of mlp is 0, but must be at least 1");
        assert_eq!(message(mlp(&[4], 1.5), PICTURE), "dropout of mlp is 1.5, but a probability lies in 0 to 1");
    }

    #[test]
    fn the_largest_number_of_blocks_leaves_one_pixel() {
        assert!(layers(&convnet(2, 5, 3), PICTURE).is_ok());
    }
}
