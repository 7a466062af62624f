//! The product behind the gradient of a convolution's weights.
//!
//! `sums[tap, output] = sum over places j of source[places[j] + taps[tap]] * gradient[j, output]`. The numbers of the picture are read where
//! they lie, one at a time, against 16 outputs at once: only the gradient is laid out anew. A sum belongs to one task.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::shared::Shared;
use crate::simd::{HEIGHT, WIDTH, by_lanes, by_rows, cut, vectors};

/// Places in one chain of additions: their gradients stay in the first cache while all taps of a task pass over them.
const PLACES: usize = 256;

/// Taps of a task, at most.
const TAPS: usize = 96;

pub(crate) struct WeightGradient<'a> {
    pub(crate) source: &'a [f32],
    /// Where in the source each place of the output begins.
    pub(crate) places: &'a [usize],
    pub(crate) taps: &'a [usize],
    /// `[panel of 16 outputs, place, output]`.
    pub(crate) gradient: &'a [[f32; WIDTH]],
    pub(crate) outputs: usize,
}

impl WeightGradient<'_> {
    /// Writes `out[output, tap]`.
    pub(crate) fn write(&self, out: &mut [f32]) {
        let n_panels = self.outputs.div_ceil(WIDTH);
        assert_eq!(self.gradient.len(), n_panels * self.places.len(), "every place has its gradients");
        assert_eq!(out.len(), self.outputs * self.taps.len(), "every tap of every output has its place");
        let (Some(last_place), Some(last_tap)) = (self.places.iter().max(), self.taps.iter().max()) else {
            return out.fill(0.0);
        };
        // The tiles read without asking.
        assert!(last_place + last_tap < self.source.len(), "every tap of every place lies in the source");
        let arch = Arch::new();
        // A tile of one tap would take as long as one of several.
        let n_tiles = self.taps.len().div_ceil(HEIGHT);
        let n_parts = self.taps.len().div_ceil(TAPS).max(16_usize.div_ceil(n_panels)).min(n_tiles);
        let out = Shared::new(out);
        (0..n_panels * n_parts).into_par_iter().for_each(|task| {
            let (panel, part) = (task % n_panels, task / n_panels);
            let first = part * self.taps.len() / n_parts;
            let taps = &self.taps[first..(part + 1) * self.taps.len() / n_parts];
            arch.dispatch(Part { whole: self, panel, first, taps, out });
        });
    }
}

struct Part<'a> {
    whole: &'a WeightGradient<'a>,
    panel: usize,
    /// Position of the first tap.
    first: usize,
    taps: &'a [usize],
    out: Shared<'a>,
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { whole, panel, first, taps, out } = self;
        let mut sums = vec![[0.0_f32; WIDTH]; taps.len()];
        let gradient = &whole.gradient[panel * whole.places.len()..][..whole.places.len()];
        for (places, gradient) in whole.places.chunks(PLACES).zip(gradient.chunks(PLACES)) {
            for rows in cut(taps.len()) {
                by_lanes!(S, |V| by_rows!(rows.len(), |R| {
                    let taps: [usize; R] = std::array::from_fn(|r| taps[rows.start + r]);
                    let tile = tile::<S, R, V>(simd, whole.source, places, taps, gradient);
                    for (sums, tile) in sums[rows].iter_mut().zip(&tile) {
                        for (sum, tile) in S::as_mut_simd_f32s(sums).0.iter_mut().zip(tile) {
                            *sum = simd.add_f32s(*sum, *tile);
                        }
                    }
                }));
            }
        }
        for output in 0..WIDTH.min(whole.outputs - panel * WIDTH) {
            let start = (panel * WIDTH + output) * whole.taps.len() + first;
            #[expect(unsafe_code, reason = "tasks differ in outputs or taps")]
            let to = unsafe { out.part(start..start + taps.len()) };
            to.iter_mut().zip(&sums).for_each(|(to, sums)| *to = sums[output]);
        }
    }
}

#[inline(always)]
fn tile<S: Simd, const R: usize, const V: usize>(
    simd: S,
    source: &[f32],
    places: &[usize],
    taps: [usize; R],
    b: &[[f32; WIDTH]],
) -> [[S::f32s; V]; R] {
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    for (&place, b) in places.iter().zip(b) {
        let b = vectors::<S, V>(b);
        for r in 0..R {
            debug_assert!(place + taps[r] < source.len());
            #[expect(
                unsafe_code,
                reason = "`write` holds the largest place and tap against the source; checked, it took a third longer"
            )]
            let number = unsafe { *source.get_unchecked(place + taps[r]) };
            let number = simd.splat_f32s(number);
            for v in 0..V {
                sums[r][v] = simd.mul_add_e_f32s(number, b[v], sums[r][v]);
            }
        }
    }
    sums
}
