//! Shapes of what a kernel slides over.

use crate::error::GeometryError;

/// The shape `[batch, channels, height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// Rows of the batch.
    pub batch: usize,
    /// Channels of each.
    pub channels: usize,
    /// In pixels.
    pub height: usize,
    /// In pixels.
    pub width: usize,
}

impl Pictures {
    /// Numbers in all.
    #[must_use]
    pub fn len(self) -> usize {
        self.batch * self.channels * self.plane()
    }

    /// Whether there is no number at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Pixels of a channel.
    #[must_use]
    pub fn plane(self) -> usize {
        self.height * self.width
    }
}

/// How a kernel moves along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Pixels of the kernel.
    pub kernel: usize,
    /// Pixels from one place to the next.
    pub stride: usize,
    /// Zeros before the first pixel and after the last.
    pub padding: (usize, usize),
    /// Pixels from one pixel of the kernel to the next.
    pub dilation: usize,
}

impl Axis {
    /// Places of the kernel along `size` pixels.
    ///
    /// # Errors
    /// A size is 0, or the kernel does not fit.
    pub fn places(&self, size: usize) -> Result<usize, GeometryError> {
        let sizes = [
            (self.kernel, "the kernel"),
            (self.stride, "the stride"),
            (self.dilation, "the dilation"),
            (size, "the size of a picture"),
        ];
        for (value, what) in sizes {
            if value == 0 {
                return Err(GeometryError::Zero { what });
            }
        }
        let reach = self.dilation * (self.kernel - 1) + 1;
        let pixels = size + self.padding.0 + self.padding.1;
        if reach > pixels {
            Err(GeometryError::Kernel { reach, pixels })
        } else {
            Ok((pixels - reach) / self.stride + 1)
        }
    }
}

/// The shapes of a convolution: weights are `[outputs, inputs / groups, kernel height, kernel width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    pub(crate) input: Pictures,
    pub(crate) output: Pictures,
    pub(crate) rows: Axis,
    pub(crate) columns: Axis,
    pub(crate) groups: usize,
}

impl ConvGeometry {
    /// A convolution of `input` to `outputs` channels; `rows` says how the kernel moves down, `columns` how to the right.
    ///
    /// # Errors
    /// The groups do not divide the channels, a size is 0 or the kernel does not fit.
    pub fn new(
        input: Pictures,
        outputs: usize,
        rows: Axis,
        columns: Axis,
        groups: usize,
    ) -> Result<Self, GeometryError> {
        if groups == 0 {
            return Err(GeometryError::Zero { what: "the number of groups" });
        }
        for (channels, what) in [(input.channels, "input"), (outputs, "output")] {
            if channels == 0 {
                return Err(GeometryError::Zero { what: "the number of channels" });
            }
            if !channels.is_multiple_of(groups) {
                return Err(GeometryError::Groups { what, channels, groups });
            }
        }
        let (height, width) = (rows.places(input.height)?, columns.places(input.width)?);
        let output = Pictures { batch: input.batch, channels: outputs, height, width };
        Ok(Self { input, output, rows, columns, groups })
    }

    /// The shape of what goes in.
    #[must_use]
    pub fn input(&self) -> Pictures {
        self.input
    }

    /// The shape of what comes out.
    #[must_use]
    pub fn output(&self) -> Pictures {
        self.output
    }

    /// How many weights there are.
    #[must_use]
    pub fn n_weights(&self) -> usize {
        self.output.channels * self.taps_of_an_output()
    }

    /// Input channels that an output sees.
    pub(crate) fn group_inputs(&self) -> usize {
        self.input.channels / self.groups
    }

    /// Output channels of a group.
    pub(crate) fn group_outputs(&self) -> usize {
        self.output.channels / self.groups
    }

    /// Weights of an output channel.
    pub(crate) fn taps_of_an_output(&self) -> usize {
        self.group_inputs() * self.rows.kernel * self.columns.kernel
    }

    /// Whether each channel is on its own.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.group_inputs() == 1 && self.group_outputs() == 1
    }
}
