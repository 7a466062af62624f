//! Linear layers: `[batch, inputs]` times weights `[inputs, outputs]`.

use rayon::prelude::*;

use crate::product::{Product, Tiles};
use crate::scratch::zeros;
use crate::shared::Shared;
use crate::simd::sums_of;

/// The shape of a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Rows of the batch.
    pub batch: usize,
    /// Numbers that go in, for a row.
    pub inputs: usize,
    /// Numbers that come out.
    pub outputs: usize,
}

impl Linear {
    /// `[batch, outputs]`.
    ///
    /// # Panics
    /// If a slice has not the length of its shape.
    #[must_use]
    pub fn forward(self, rows: &[f32], weights: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        assert_eq!(rows.len(), self.batch * self.inputs, "rows have the length of their shape");
        let tiles = Tiles::new(rows, self.batch, self.inputs, [1, 0], &(0..self.inputs).collect::<Vec<_>>());
        let mut out = plain_product(&tiles, self.batch, weights, self.inputs, self.outputs);
        if let Some(bias) = bias {
            assert_eq!(bias.len(), self.outputs, "a bias for each output");
            for row in out.chunks_exact_mut(self.outputs.max(1)) {
                row.iter_mut().zip(bias).for_each(|(to, bias)| *to += bias);
            }
        }
        out
    }

    /// The gradient of the rows, from the gradient `[batch, outputs]` of what came out.
    ///
    /// # Panics
    /// If a slice has not the length of its shape.
    #[must_use]
    pub fn input_gradient(self, weights: &[f32], gradient: &[f32]) -> Vec<f32> {
        assert_eq!(weights.len(), self.inputs * self.outputs, "weights have the length of their shape");
        assert_eq!(gradient.len(), self.batch * self.outputs, "gradients have the length of their shape");
        let mut out = zeros(self.batch * self.inputs);
        let columns: Vec<usize> = (0..self.inputs).map(|input| input * self.outputs).collect();
        let taps: Vec<usize> = (0..self.outputs).collect();
        let places: Vec<usize> = (0..self.inputs).collect();
        let product = Product {
            a: &Tiles::new(gradient, self.batch, self.outputs, [1, 0], &taps),
            bias: None,
            source: weights,
            taps: &taps,
            columns: &columns,
            places: &places,
            row_step: self.inputs,
        };
        product.write(Shared::new(&mut out));
        out
    }

    /// The gradient of the weights.
    ///
    /// # Panics
    /// If a slice has not the length of its shape.
    #[must_use]
    pub fn weight_gradient(self, rows: &[f32], gradient: &[f32]) -> Vec<f32> {
        assert_eq!(rows.len(), self.batch * self.inputs, "rows have the length of their shape");
        let turned = Tiles::new(rows, self.inputs, 1, [self.batch, self.inputs], &[0]);
        plain_product(&turned, self.inputs, gradient, self.batch, self.outputs)
    }
}

/// The gradient of a bias `[channels]` from `[batch, channels, plane]`: the sum over rows and plane.
///
/// # Panics
/// If a slice has not the length of its shape.
#[must_use]
pub fn bias_gradient(gradient: &[f32], channels: usize, plane: usize) -> Vec<f32> {
    assert!(gradient.len().is_multiple_of((channels * plane).max(1)), "gradients have the length of their shape");
    if plane == 1 {
        let mut sums = vec![0.0_f64; channels];
        for row in gradient.chunks_exact(channels.max(1)) {
            sums.iter_mut().zip(row).for_each(|(sum, &gradient)| *sum += f64::from(gradient));
        }
        #[expect(clippy::cast_possible_truncation, reason = "gradients are single precision")]
        return sums.into_iter().map(|sum| sum as f32).collect();
    }
    let of_channel = |channel: usize| -> f32 {
        let planes = gradient.chunks_exact(channels * plane).map(|row| &row[channel * plane..][..plane]);
        let sum: f64 = planes.map(|plane| sums_of(plane, plane, |x, _| [x])[0]).sum();
        #[expect(clippy::cast_possible_truncation, reason = "gradients are single precision")]
        let sum = sum as f32;
        sum
    };
    (0..channels).into_par_iter().with_min_len(8).map(of_channel).collect()
}

/// `[rows, columns]` from `[rows, depth]` and `[depth, columns]`.
fn plain_product(a: &Tiles, rows: usize, b: &[f32], depth: usize, columns: usize) -> Vec<f32> {
    assert_eq!(b.len(), depth * columns, "the right factor has the length of its shape");
    let mut out = zeros(rows * columns);
    let taps: Vec<usize> = (0..depth).map(|k| k * columns).collect();
    let places: Vec<usize> = (0..columns).collect();
    let product =
        Product { a, bias: None, source: b, taps: &taps, columns: &places, places: &places, row_step: columns };
    product.write(Shared::new(&mut out));
    out
}
