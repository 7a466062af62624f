//! Max pooling.

use std::ops::Range;

use rayon::prelude::*;

use crate::error::GeometryError;
use crate::geometry::{Axis, Pictures};
use crate::scratch::zeros;

/// Windows that are decided side by side.
const LANES: usize = 4;

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
    /// If the slice has not the length of its shape, or a plane has 2^32 pixels.
    #[must_use]
    pub fn largest(&self, numbers: &[f32]) -> Largest {
        assert_eq!(numbers.len(), self.input.len(), "pictures have the length of their shape");
        let mut output = zeros(self.output.len());
        let mut chosen = vec![0_u32; self.output.len()];
        let out = output.par_chunks_mut(self.output.plane()).zip(chosen.par_chunks_mut(self.output.plane()));
        let (rows, columns) = (inside(self.rows, self.input.height), inside(self.columns, self.input.width));
        let taps = taps(self.columns, self.input.width);
        let (width, stride) = (self.input.width, self.columns.stride);
        assert!(u32::try_from(self.input.plane()).is_ok(), "a plane has fewer than 2^32 pixels");
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
                        let pixels = &from[row * width + pixel..(row + 1) * width];
                        let first = place(row * width + pixel);
                        match stride {
                            1 => take(to, chosen, pixels, 1, first),
                            2 => take(to, chosen, pixels, 2, first),
                            stride => take(to, chosen, pixels, stride, first),
                        }
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
/// Those windows that fill the last lanes may be looked at twice, which changes nothing.
#[inline(always)]
fn take(to: &mut [f32], chosen: &mut [u32], pixels: &[f32], stride: usize, first: u32) {
    let step = place(stride);
    let mut done = 0;
    while done < to.len() {
        let at = done.min(to.len().saturating_sub(LANES));
        let (pixels, first) = (&pixels[at * stride..], first + place(at) * step);
        match (to[at..].first_chunk_mut::<LANES>(), chosen[at..].first_chunk_mut::<LANES>()) {
            (Some(to), Some(chosen)) => larger(to, chosen, pixels, stride, (first, step)),
            _ => {
                let singles =
                    to.iter_mut().zip(chosen.iter_mut()).zip(pixels.chunks(stride)).zip((first..).step_by(stride));
                for (((to, chosen), pixel), at) in singles {
                    larger(std::array::from_mut(to), std::array::from_mut(chosen), pixel, stride, (at, step));
                }
            }
        }
        done = at + LANES;
    }
}

/// Takes those of the pixels that are larger. Which is the largest cannot be foretold, and half of the branches would be
/// mispredicted: bits are chosen by masks, which a compiler does not make a branch of.
#[inline(always)]
fn larger<const N: usize>(
    to: &mut [f32; N],
    chosen: &mut [u32; N],
    pixels: &[f32],
    stride: usize,
    (first, step): (u32, u32),
) {
    let pixels = &pixels[..(N - 1) * stride + 1];
    for lane in 0..N {
        let pixel = pixels[lane * stride];
        // A number that is none is kept: it must be seen.
        let is_taken = (pixel > to[lane]) | pixel.is_nan();
        let mask = u32::from(is_taken).wrapping_neg();
        to[lane] = f32::from_bits((pixel.to_bits() & mask) | (to[lane].to_bits() & !mask));
        let at = first.wrapping_add(step.wrapping_mul(place(lane)));
        chosen[lane] = (at & mask) | (chosen[lane] & !mask);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a plane has fewer than 2^32 pixels")]
fn place(at: usize) -> u32 {
    at as u32
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
