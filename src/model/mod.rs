//! Networks: a [`crate::spec::network::ModelSpec`] and the shape of a row become a [`Network`] whose first weights are drawn on the host.
//!
//! [`Network::forward`] gives logits; what they are trained with is for [`crate::train`]. Weights leave and enter as
//! safetensors under PyTorch's names and layouts.

mod backbone;
mod design;
mod error;
mod init;
mod network;
mod pretrained;
mod shape;
mod stack;
mod weighted;
mod weights;
mod zoo;

pub use design::DesignLine;
pub use error::{LayerProblem, ModelError};
pub use network::{Input, Network, lines};
pub use pretrained::{Mismatch, Pretrained, PretrainedError};
pub use shape::{InputShape, Shape};
pub use weights::WeightsError;
pub use zoo::takes;

#[cfg(test)]
mod layer_tests;
#[cfg(test)]
mod tests;
