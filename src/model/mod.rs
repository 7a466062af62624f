//! Networks: a [`crate::spec::network::ModelSpec`] and the shape of a row become a [`Network`] whose first weights are drawn on the host.
//!
//! [`Network::forward`] gives logits; what they are trained with is for [`crate::train`]. Weights leave and enter as
//! safetensors under PyTorch's names and layouts.

mod blocks;
mod init;
mod network;
mod shape;
mod weights;

pub use network::{Input, Network};
pub use shape::{InputShape, ModelError};
pub use weights::WeightsError;

#[cfg(test)]
mod tests;
