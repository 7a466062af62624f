//! Max pooling.

use std::ops::Range;

use rayon::prelude::*;

use crate::error::GeometryError;
use crate::geometry::{Axis, Pictures};
use crate::scratch::zeros;

/// The shapes of a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolGeometry {
    input: Pictures,
    output: Pictures,
    rows: Axis,
    columns: Axis,
}

/// What a max pooling gives.
#[derive(Clone, Debug)]
pub struct Largest {
    /// `[batch, channels, height, width]`.
    pub output: Vec<f32>,
    /// Which pixel of its plane each number was; the first of equals.
    pub chosen: Vec<u32>,
}

impl PoolGeometry {
    /// A pooling of `input`; `rows` says how the window moves down, `columns` how to the right.
    ///
    /// # Errors
    /// A size is 0 or the window does not fit.
    pub fn new(input: Pictures, rows: Axis, columns: Axis) -> Result<Self, GeometryError> {
        let (height, width) = (rows.places(input.height)?, columns.places(input.width)?);
        Ok(Self { input, output: Pictures { height, width, ..input }, rows, columns })
    }

    /// The shape of what comes out.
    #[must_use]
    pub fn output(&self) -> Pictures {
        self.output
    }

    /// The largest number of each window; padding is never the largest.
    ///
    /// # Panics
    /// If the slice has not the length of its shape.
    #[must_use]
    pub fn largest(&self, numbers: &[f32]) -> Largest {
        assert_eq!(numbers.len(), self.input.len(), "pictures have the length of their shape");
        let mut output = zeros(self.output.len());
        let mut chosen = vec![0_u32; self.output.len()];
        let out = output.par_chunks_mut(self.output.plane()).zip(chosen.par_chunks_mut(self.output.plane()));
        let (rows, columns) = (inside(self.rows, self.input.height), inside(self.columns, self.input.width));
        let taps = taps(self.columns, self.input.width);
        let (width, stride) = (self.input.width, self.columns.stride);
        out.zip(numbers.par_chunks(self.input.plane())).with_min_len(4).for_each(|((to, chosen), from)| {
            let lines = to.chunks_mut(self.output.width).zip(chosen.chunks_mut(self.output.width));
            for ((to, chosen), rows) in lines.zip(&rows) {
                // What covers nothing but padding gives what no number is below.
                to.fill(f32::NEG_INFINITY);
                for (chosen, columns) in chosen.iter_mut().zip(&columns) {
                    *chosen = place(rows.start * width + columns.start);
                }
                let mut row = rows.start;
                while row < rows.end {
                    for Tap { windows, pixel } in &taps {
                        let (to, chosen) = (&mut to[windows.clone()], &mut chosen[windows.clone()]);
                        take(
                            to,
                            chosen,
                            &from[row * width + pixel..(row + 1) * width],
                            stride,
                            place(row * width + pixel),
                        );
                    }
                    row += self.rows.dilation;
                }
            }
        });
        Largest { output, chosen }
    }

    /// The gradient of what went in, from which pixels were chosen and the gradient of what came out.
    ///
    /// # Panics
    /// If a slice has not the length of its shape.
    #[must_use]
    pub fn largest_gradient(&self, chosen: &[u32], gradient: &[f32]) -> Vec<f32> {
        assert!(gradient.len() == self.output.len() && chosen.len() == gradient.len(), "a gradient for each window");
        let mut out = zeros(self.input.len());
        let from = gradient.par_chunks(self.output.plane()).zip(chosen.par_chunks(self.output.plane()));
        out.par_chunks_mut(self.input.plane()).zip(from).with_min_len(4).for_each(|(to, (gradient, chosen))| {
            for (&at, gradient) in chosen.iter().zip(gradient) {
                to[at as usize] += gradient;
            }
        });
        out
    }
}

/// A column of the window: for which windows of a line it lies in the picture, and over which pixel for the first of them.
struct Tap {
    windows: Range<usize>,
    pixel: usize,
}

fn taps(axis: Axis, size: usize) -> Vec<Tap> {
    let n_windows = axis.places(size).unwrap_or(0);
    let tap = |k: usize| {
        let pixel = |window: usize| (window * axis.stride + k * axis.dilation).checked_sub(axis.padding.0);
        let is_inside = |&window: &usize| pixel(window).is_some_and(|pixel| pixel < size);
        let first = (0..n_windows).find(is_inside)?;
        let last = (first..n_windows).take_while(is_inside).last()?;
        Some(Tap { windows: first..last + 1, pixel: pixel(first)? })
    };
    (0..axis.kernel).filter_map(tap).collect()
}

/// Takes every `stride`-th pixel where it is larger than what was found before, and its place, which is `first` for the first.
/// Nothing is decided by a branch: which pixel is the largest cannot be foretold.
fn take(to: &mut [f32], chosen: &mut [u32], pixels: &[f32], stride: usize, first: u32) {
    let step = place(stride);
    let mut at = first;
    for (index, (to, chosen)) in to.iter_mut().zip(chosen).enumerate() {
        let pixel = pixels[index * stride];
        // A number that is none is kept: it must be seen.
        let is_taken = (pixel > *to) | pixel.is_nan();
        *to = if is_taken { pixel } else { *to };
        *chosen = if is_taken { at } else { *chosen };
        at = at.wrapping_add(step);
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).expect("a picture has fewer than 2^32 pixels")
}

/// For each place of a window the pixels from its first to its last that lie in the picture; they are a dilation apart.
fn inside(axis: Axis, size: usize) -> Vec<Range<usize>> {
    let of_place = |place: usize| {
        let pixels = (0..axis.kernel).map(|k| place * axis.stride + k * axis.dilation);
        let mut pixels = pixels.filter_map(|pixel| pixel.checked_sub(axis.padding.0)).filter(|&pixel| pixel < size);
        match (pixels.clone().next(), pixels.next_back()) {
            (Some(first), Some(last)) => first..last + 1,
            _ => 0..0,
        }
    };
    (0..axis.places(size).unwrap_or(0)).map(of_place).collect()
}
