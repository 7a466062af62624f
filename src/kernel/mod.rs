//! Layers as they are computed: on the CPU by the kernels of `xrun-kernels`, on other devices by Burn's own operations.
//!
//! A function here takes and gives Burn's tensors, and what it gives can be differentiated. Which way it goes is decided by the device of
//! the tensors, so a network knows nothing of it. On a CPU what a layer gives for a row depends on no other row of the batch, but in a batch norm that
//! trains, and the number of threads decides no bit.

mod activation;
mod batch_norm;
mod conv;
mod join;
mod layer;
mod linear;
mod pool;
mod update;

#[cfg(test)]
mod tests;

pub(crate) use activation::{Bend, activate, add};
pub(crate) use batch_norm::{Statistics, batch_norm, batch_norm_train};
pub(crate) use conv::convolution;
pub(crate) use join::join;
pub(crate) use layer::is_cpu;
pub(crate) use linear::linear;
pub(crate) use pool::max_pool;
pub(crate) use update::update;
