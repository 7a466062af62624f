//! Why a network cannot be built.

use std::fmt;

use super::shape::Shape;
use crate::spec::check::Step;

/// Why a network cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A convolutional backbone on a table.
    #[error("{network} takes pictures, but the rows are vectors of {width} numbers; use mlp as the backbone")]
    NeedsPictures {
        /// The backbone.
        network: &'static str,
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
    /// Pictures of which a published network leaves nothing.
    #[error("{network} takes pictures of at least {least} pixels, but these have {size}; raise the size of the data")]
    TooSmall {
        /// The network.
        network: &'static str,
        /// Height and width of a picture.
        size: usize,
        /// The least that it takes.
        least: usize,
    },
    /// A dropout rate that is no probability.
    #[error("{what} is {rate}, but a probability lies in 0 to 1")]
    Rate {
        /// What holds the rate.
        what: String,
        /// The rate.
        rate: f64,
    },
    /// The backbone does not give a vector.
    #[error("the backbone ends with {shape}, but must give a vector; end it with global_avg_pool() or flatten()")]
    NoVector {
        /// What it gives.
        shape: Shape,
    },
    /// More weights than can be counted.
    #[error("the network has more weights than fit in memory; lower its widths")]
    TooWide,
    /// A layer cannot take what comes in, or is not possible at all.
    #[error("{}: {problem}", Place(.place))]
    Layer {
        /// From the model to the layer, and to the field that is to blame where there is one.
        place: Vec<Step>,
        /// What was found, and what must hold.
        problem: LayerProblem,
    },
}

/// What is wrong with a layer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LayerProblem {
    /// A layer for vectors gets a picture.
    #[error("{layer} takes a vector, but here it gets {shape}; put flatten() or global_avg_pool() before it")]
    NeedsVector {
        /// The layer.
        layer: &'static str,
        /// What comes in.
        shape: Shape,
    },
    /// A layer for pictures gets a vector.
    #[error("{layer} takes a picture, but here it gets {shape}")]
    NeedsPicture {
        /// The layer.
        layer: &'static str,
        /// What comes in.
        shape: Shape,
    },
    /// Layer norm on a picture.
    #[error("layer_norm takes a vector, but here it gets {shape}; group_norm(1) does the same for a picture")]
    LayerNormOnPicture {
        /// What comes in.
        shape: Shape,
    },
    /// A size that must be at least 1 is 0.
    #[error("{what} is 0, but must be at least 1")]
    Zero {
        /// The field.
        what: &'static str,
    },
    /// A number that is none, or out of its range.
    #[error("{what} is {value}, but {rule}")]
    OutOfRange {
        /// The field.
        what: &'static str,
        /// What it holds.
        value: f64,
        /// What must hold.
        rule: &'static str,
    },
    /// Channels that groups do not divide.
    #[error("{groups} groups do not divide {channels} {which} channels evenly")]
    Groups {
        /// Number of groups.
        groups: usize,
        /// Number of channels.
        channels: usize,
        /// Whose channels.
        which: &'static str,
    },
    /// The window is larger than the padded picture.
    #[error(
        "a kernel that covers {covered} pixels does not fit into {shape} with {padding} pixels of padding; use larger pictures, a smaller kernel, more padding or less pooling before it"
    )]
    WindowTooLarge {
        /// Pixels that the dilated kernel covers.
        covered: usize,
        /// What comes in.
        shape: Shape,
        /// Pixels on each side.
        padding: usize,
    },
    /// More than half of a pooling window would be padding.
    #[error(
        "padding {padding} is more than half of the kernel {kernel}, so that a window could cover nothing but padding"
    )]
    PoolPadding {
        /// Pixels on each side.
        padding: usize,
        /// Kernel size.
        kernel: usize,
    },
    /// A sum of different shapes.
    #[error("{left} and {right} cannot be added: {hint}")]
    Sum {
        /// The first.
        left: Shape,
        /// The other.
        right: Shape,
        /// What to do.
        hint: &'static str,
    },
    /// Pictures of different sizes, or a picture and a vector, put together.
    #[error("{left} and {right} cannot be put together: they may differ in their channels alone")]
    Concat {
        /// The first.
        left: Shape,
        /// The other.
        right: Shape,
    },
    /// A `parallel` without branches.
    #[error("there is no branch; give at least one list of layers")]
    NoBranch,
}

/// A path into the model as a reader names it: `backbone.layers.3.body.0`.
struct Place<'a>(&'a [Step]);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            match step {
                Step::Key(key) => f.write_str(key)?,
                Step::Index(index) => write!(f, "{index}")?,
            }
        }
        Ok(())
    }
}
