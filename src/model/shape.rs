//! The shapes that flow through a network.

use std::fmt;

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

/// The shape of what a layer takes or gives for one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `[channels, height, width]`.
    Picture {
        /// Number of channels.
        channels: usize,
        /// In pixels.
        height: usize,
        /// In pixels.
        width: usize,
    },
    /// `[features]`.
    Vector {
        /// Number of features.
        features: usize,
    },
}

impl From<InputShape> for Shape {
    fn from(shape: InputShape) -> Self {
        match shape {
            InputShape::Picture { channels, size } => Self::Picture { channels, height: size, width: size },
            InputShape::Vector { width } => Self::Vector { features: width },
        }
    }
}

impl Shape {
    /// Channels of a picture, features of a vector.
    #[must_use]
    pub fn channels(self) -> usize {
        match self {
            Self::Picture { channels, .. } => channels,
            Self::Vector { features } => features,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Picture { channels, height, width } => write!(f, "a picture of {channels} x {height} x {width}"),
            Self::Vector { features } => write!(f, "a vector of {features}"),
        }
    }
}
