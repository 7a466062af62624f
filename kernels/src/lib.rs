//! Layers of neural networks and their gradients on the CPU, in single precision on slices in the layout
//! `[batch, channel, height, width]`.
//!
//! **Bits.** Every number is computed by one thread, in an order that depends on the layer's shape alone: the number of
//! threads decides who computes it, never how. What a convolution, a linear layer, a pooling or an evaluating batch norm gives for a row of the batch
//! depends on no other row. A processor with fused multiply-add gives other bits than one without.
//!
//! **Shapes** are checked when a geometry is made; a slice whose length does not fit the geometry is a mistake of the caller
//! and panics.

mod activation;
mod batch_norm;
mod conv;
mod depthwise;
mod error;
mod geometry;
mod join;
mod linear;
mod pad;
mod pool;
mod product;
mod scratch;
mod shared;
mod simd;
mod small_planes;
mod transpose;
mod update;
mod weight_gradient;

pub use activation::{Activation, add_and_activate};
pub use batch_norm::{Affine, Channels, NormGradients, Normalized, batch_norm, batch_norm_gradients, batch_norm_with};
pub use conv::{convolution, convolution_input_gradient, convolution_weight_gradient};
pub use error::GeometryError;
pub use geometry::{Axis, ConvGeometry, Pictures};
pub use join::{joined, split_again};
pub use linear::{Linear, bias_gradient};
pub use pool::{Largest, PoolGeometry};
pub use update::{AdamStep, RmsPropStep, SgdStep};
