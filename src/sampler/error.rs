//! Why a sampler cannot search a space.

use thiserror::Error;

use crate::space::Distribution;

/// A sampler and a space that do not go together. The message says what was found and what must hold;
/// [`hint`](Self::hint) gives the remedy.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SamplerError {
    /// A grid over a parameter with endlessly many values.
    #[error("a grid needs finitely many values, and `{name}` comes from {distribution}")]
    NotFinite {
        /// The parameter.
        name: String,
        /// What it may be; boxed, because it is large.
        distribution: Box<Distribution>,
    },
    /// A grid that nobody can finish.
    #[error("the grid has more than 2^40 points; `{name}` is where it grows beyond that")]
    GridTooLarge {
        /// The parameter.
        name: String,
    },
    /// CMA-ES over something that has no order.
    #[error("CMA-ES moves through numbers, and `{name}` comes from {distribution}, which has no order")]
    NotNumeric {
        /// The parameter.
        name: String,
        /// What it may be; boxed, because it is large.
        distribution: Box<Distribution>,
    },
}

impl SamplerError {
    /// The parameter to blame.
    #[must_use]
    pub fn parameter(&self) -> &str {
        match self {
            Self::NotFinite { name, .. } | Self::GridTooLarge { name } | Self::NotNumeric { name, .. } => name,
        }
    }

    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotFinite { distribution, .. } if distribution.constructor() == "uniform" => {
                format!("give it a step, as in {distribution}.step(0.1), or list its values in ordinal([...])")
            }
            Self::NotFinite { .. } => "list its values in ordinal([...])".to_owned(),
            Self::GridTooLarge { .. } => "give fewer values or larger steps, or search with tpe(#{ ... })".to_owned(),
            Self::NotNumeric { .. } => {
                "write one option here, ordinal([...]) if the options have an order, or search with tpe(#{ ... })"
                    .to_owned()
            }
        }
    }
}
