//! What a model takes, and whether a model can take it.

use crate::spec::network::{Backbone, Layer, ModelSpec};

/// The shape of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputShape {
    /// A picture: `[channels, size, size]`.
    Picture {
        /// Number of channels.
        channels: usize,
        /// Height and width, in pixels.
        size: usize,
    },
    /// A vector of numbers: `[width]`.
    Vector {
        /// How many numbers.
        width: usize,
    },
}

impl InputShape {
    /// How many numbers a row has.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::Picture { channels, size } => channels * size * size,
            Self::Vector { width } => width,
        }
    }

    /// Whether a row has no number at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Why a network cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A convolutional backbone on a table.
    #[error("convnet takes pictures, but the rows are vectors of {width} numbers; use mlp as the backbone")]
    ConvnetOnVectors {
        /// Width of a row.
        width: usize,
    },
    /// Rows without features.
    #[error("the rows have no features, so a network has nothing to learn from; give the data pictures or columns")]
    NoFeatures,
    /// A size that must be at least 1 is 0.
    #[error("{what} is 0, but must be at least 1")]
    Zero {
        /// What is 0, as a script names it.
        what: String,
    },
    /// An even kernel.
    #[error("kernel is {kernel}, but must be odd so that a pixel has as many neighbours on both sides; use {}", kernel + 1)]
    EvenKernel {
        /// The kernel size.
        kernel: usize,
    },
    /// The picture is halved until nothing is left.
    #[error(
        "{blocks} blocks halve a picture of {size} pixels {} times, which leaves none; use at most {most} blocks or \
         larger pictures", blocks - 1
    )]
    TooManyBlocks {
        /// Number of blocks.
        blocks: usize,
        /// Height and width of a picture.
        size: usize,
        /// The largest number of blocks that leaves a pixel.
        most: usize,
    },
    /// More channels or weights than can be counted.
    #[error("{blocks} blocks of width {width} give more channels than fit in memory; lower width or blocks")]
    TooWide {
        /// Channels of the first block.
        width: usize,
        /// Number of blocks.
        blocks: usize,
    },
    /// A dropout rate that is no probability.
    #[error("{what} is {rate}, but a probability lies in 0 to 1")]
    Rate {
        /// What holds the rate.
        what: String,
        /// The rate.
        rate: f64,
    },
}

/// Checks that a model can be built for rows of a shape.
///
/// # Errors
/// See [`ModelError`].
pub(super) fn check(model: &ModelSpec, shape: InputShape) -> Result<(), ModelError> {
    if shape.is_empty() {
        return Err(ModelError::NoFeatures);
    }
    match &model.backbone {
        Backbone::Convnet { width, blocks, kernel } => check_convnet(*width, *blocks, *kernel, shape)?,
        Backbone::Mlp { hidden, dropout, .. } => {
            for (index, &units) in hidden.iter().enumerate() {
                at_least_one(units, || format!("hidden.{index} of mlp"))?;
            }
            check_rate(*dropout, || "dropout of mlp".to_owned())?;
        }
    }
    for (index, layer) in model.head.iter().enumerate() {
        match layer {
            Layer::Linear { units } => at_least_one(*units, || format!("units of head.{index}"))?,
            Layer::Dropout { rate } => check_rate(*rate, || format!("rate of head.{index}"))?,
            Layer::Activation(_) | Layer::BatchNorm => {}
        }
    }
    Ok(())
}

fn check_convnet(width: usize, blocks: usize, kernel: usize, shape: InputShape) -> Result<(), ModelError> {
    let size = match shape {
        InputShape::Picture { size, .. } => size,
        InputShape::Vector { width } => return Err(ModelError::ConvnetOnVectors { width }),
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
    let weights_of_last = width
        .checked_mul(1 << (blocks - 1))
        .and_then(|channels| channels.checked_mul(channels))
        .and_then(|pairs| pairs.checked_mul(kernel * kernel))
        .and_then(|weights| weights.checked_mul(size_of::<f32>()));
    if weights_of_last.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
        return Err(ModelError::TooWide { width, blocks });
    }
    Ok(())
}

fn at_least_one(value: usize, what: impl FnOnce() -> String) -> Result<(), ModelError> {
    if value == 0 { Err(ModelError::Zero { what: what() }) } else { Ok(()) }
}

fn check_rate(rate: f64, what: impl FnOnce() -> String) -> Result<(), ModelError> {
    if (0.0..=1.0).contains(&rate) { Ok(()) } else { Err(ModelError::Rate { what: what(), rate }) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::spec::network::{Activation, Loss};

    const PICTURE: InputShape = InputShape::Picture { channels: 3, size: 20 };

    fn message(backbone: Backbone, head: Vec<Layer>, shape: InputShape) -> String {
        check(&ModelSpec { backbone, head, loss: Loss::CrossEntropy }, shape).unwrap_err().to_string()
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
            message(convnet(8, 2, 3), vec![], InputShape::Vector { width: 9 }),
            "convnet takes pictures, but the rows are vectors of 9 numbers; use mlp as the backbone"
        );
        assert_eq!(message(convnet(0, 2, 3), vec![], PICTURE), "width of convnet is 0, but must be at least 1");
        assert_eq!(message(convnet(8, 0, 3), vec![], PICTURE), "blocks of convnet is 0, but must be at least 1");
        assert_eq!(
            message(convnet(8, 2, 4), vec![], PICTURE),
            "kernel is 4, but must be odd so that a pixel has as many neighbours on both sides; use 5"
        );
        assert_eq!(
            message(convnet(8, 6, 3), vec![], PICTURE),
            "6 blocks halve a picture of 20 pixels 5 times, which leaves none; use at most 5 blocks or larger pictures"
        );
        assert_eq!(
            message(convnet(usize::MAX / 4, 2, 3), vec![], PICTURE),
            format!(
                "2 blocks of width {} give more channels than fit in memory; lower width or blocks",
                usize::MAX / 4
            )
        );
    }

    #[test]
    fn each_broken_rule_of_an_mlp_and_a_head_has_its_message() {
        assert_eq!(message(mlp(&[4, 0], 0.0), vec![], PICTURE), "hidden.1 of mlp is 0, but must be at least 1");
        assert_eq!(message(mlp(&[4], 1.5), vec![], PICTURE), "dropout of mlp is 1.5, but a probability lies in 0 to 1");
        assert_eq!(
            message(mlp(&[4], 0.0), vec![Layer::BatchNorm, Layer::Linear { units: 0 }], PICTURE),
            "units of head.1 is 0, but must be at least 1"
        );
        assert_eq!(
            message(mlp(&[4], 0.0), vec![Layer::Dropout { rate: f64::NAN }], PICTURE),
            "rate of head.0 is NaN, but a probability lies in 0 to 1"
        );
        assert_eq!(
            message(mlp(&[4], 0.0), vec![], InputShape::Vector { width: 0 }),
            "the rows have no features, so a network has nothing to learn from; give the data pictures or columns"
        );
    }

    #[test]
    fn the_largest_number_of_blocks_leaves_one_pixel() {
        let model = ModelSpec { backbone: convnet(2, 5, 3), head: vec![], loss: Loss::CrossEntropy };
        assert_eq!(check(&model, PICTURE), Ok(()));
    }
}
