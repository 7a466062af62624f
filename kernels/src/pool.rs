//! Max pooling.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::error::GeometryError;
use crate::geometry::{Axis, Pictures};
use crate::scratch::zeros;
use crate::simd::{WIDTH, by_lanes, numbers, vectors};

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
        assert!(u32::try_from(self.input.plane()).is_ok(), "a plane has fewer than 2^32 pixels");
        let arch = Arch::new();
        out.zip(numbers.par_chunks(self.input.plane())).with_min_len(4).for_each(|((to, chosen), pixels)| {
            let windows = Windows { geometry: self, taps: &taps, pixels };
            arch.dispatch(Plane { windows, rows: &rows, columns: &columns, to, chosen });
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

/// A plane at work.
struct Plane<'a> {
    windows: Windows<'a>,
    /// By line of windows: from the first to the last row of pixels that it covers.
    rows: &'a [Range<usize>],
    columns: &'a [Range<usize>],
    to: &'a mut [f32],
    chosen: &'a mut [u32],
}

/// The windows over a plane.
#[derive(Clone, Copy)]
struct Windows<'a> {
    geometry: &'a PoolGeometry,
    taps: &'a [Tap],
    pixels: &'a [f32],
}

impl WithSimd for Plane<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { windows, rows, columns, to, chosen } = self;
        let PoolGeometry { input, output, columns: Axis { stride, .. }, .. } = *windows.geometry;
        let lines = to.chunks_mut(output.width).zip(chosen.chunks_mut(output.width));
        for ((to, chosen), rows) in lines.zip(rows) {
            for start in (0..to.len()).step_by(WIDTH) {
                let group = start..to.len().min(start + WIDTH);
                let mut at = [0; WIDTH];
                for (at, columns) in at.iter_mut().zip(&columns[group.clone()]) {
                    *at = place(rows.start * input.width + columns.start);
                }
                let best = by_lanes!(S, |V| match stride {
                    1 => windows.largest::<S, V>(simd, rows, group.clone(), 1, &mut at),
                    2 => windows.largest::<S, V>(simd, rows, group.clone(), 2, &mut at),
                    stride => windows.largest::<S, V>(simd, rows, group.clone(), stride, &mut at),
                });
                to[group.clone()].copy_from_slice(&best[..group.len()]);
                chosen[group.clone()].copy_from_slice(&at[..group.len()]);
            }
        }
    }
}

impl Windows<'_> {
    /// The largest pixels of up to 16 windows of a line, and where they lie. Which is the largest cannot be foretold, and half of
    /// the branches would be mispredicted; vectors are kept until all pixels were seen, for to store chosen lanes is slow.
    #[inline(always)]
    fn largest<S: Simd, const V: usize>(
        self,
        simd: S,
        rows: &Range<usize>,
        group: Range<usize>,
        stride: usize,
        chosen: &mut [u32; WIDTH],
    ) -> [f32; WIDTH] {
        // What covers nothing but padding gives what no number is below.
        let mut best = [simd.splat_f32s(f32::NEG_INFINITY); V];
        let places = S::as_simd_u32s(&*chosen).0;
        let mut at: [S::u32s; V] = std::array::from_fn(|v| places[v]);
        for row in rows.clone().step_by(self.geometry.rows.dilation) {
            for Tap { windows, pixel } in self.taps {
                let covered = windows.start.max(group.start)..windows.end.min(group.end);
                if covered.is_empty() {
                    continue;
                }
                let first = row * self.geometry.input.width + pixel + (covered.start - windows.start) * stride;
                let pixels = &self.pixels[first..];
                let before = covered.start - group.start;
                // Windows beyond the end are looked at in vain, where there are pixels for them.
                let new = if covered == group && pixels.len() > (WIDTH - 1) * stride {
                    sixteen(pixels, stride)
                } else {
                    let mut new = [f32::NEG_INFINITY; WIDTH];
                    let lanes = new[before..][..covered.len()].iter_mut();
                    lanes.zip(pixels.iter().step_by(stride)).for_each(|(new, pixel)| *new = *pixel);
                    new
                };
                let mut places = [place(first.wrapping_sub(before * stride)); WIDTH];
                (0..)
                    .zip(&mut places)
                    .for_each(|(lane, at): (u32, _)| *at = at.wrapping_add(lane.wrapping_mul(place(stride))));
                let (new, places) = (vectors::<S, V>(&new), S::as_simd_u32s(&places).0);
                for v in 0..V {
                    // A number that is none is kept: it must be seen.
                    let is_none = simd.not_m32s(simd.equal_f32s(new[v], new[v]));
                    let is_taken = simd.or_m32s(simd.greater_than_f32s(new[v], best[v]), is_none);
                    best[v] = simd.select_f32s(is_taken, new[v], best[v]);
                    at[v] = simd.select_u32s(is_taken, places[v], at[v]);
                }
            }
        }
        S::as_mut_simd_u32s(chosen).0.copy_from_slice(&at);
        numbers::<S, V>(&best)
    }
}

/// 16 pixels, so many apart. Written out, because a call for each of them was left in.
#[inline(always)]
fn sixteen(pixels: &[f32], stride: usize) -> [f32; WIDTH] {
    let pixels = &pixels[..(WIDTH - 1) * stride + 1];
    let at = |lane: usize| pixels[lane * stride];
    [
        at(0),
        at(1),
        at(2),
        at(3),
        at(4),
        at(5),
        at(6),
        at(7),
        at(8),
        at(9),
        at(10),
        at(11),
        at(12),
        at(13),
        at(14),
        at(15),
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a plane has fewer than 2^32 pixels; lanes that nothing takes may wrap"
)]
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
