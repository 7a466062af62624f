//! Why a geometry cannot be.

/// What does not fit together in the shapes of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeometryError {
    /// A size that has to be at least 1 is 0.
    Zero {
        /// Its name.
        what: &'static str,
    },
    /// Channels are not a multiple of the groups.
    Groups {
        /// Which channels.
        what: &'static str,
        /// How many.
        channels: usize,
        /// How many groups.
        groups: usize,
    },
    /// The kernel reaches over more pixels than there are with the padding.
    Kernel {
        /// Pixels that the kernel reaches over.
        reach: usize,
        /// Pixels with the padding.
        pixels: usize,
    },
}

impl std::fmt::Display for GeometryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Zero { what } => write!(f, "{what} is 0, but must be at least 1"),
            Self::Groups { what, channels, groups } => {
                write!(f, "{groups} groups do not divide {channels} {what} channels evenly")
            }
            Self::Kernel { reach, pixels } => {
                write!(
                    f,
                    "the kernel reaches over {reach} pixels, but there are {pixels} with the padding; use a smaller kernel or more padding"
                )
            }
        }
    }
}

impl std::error::Error for GeometryError {}
