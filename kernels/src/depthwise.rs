//! Convolutions of each channel on its own.
//!
//! There is nothing to multiply as a matrix: an output pixel is a chain over the kernel's weights. Rows are computed as long as those of the padded
//! picture, one behind the other, so that a whole plane is one run of vectors; what comes out between the rows is left out.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::conv::{Phase, Source};
use crate::geometry::ConvGeometry;
use crate::simd::copy_row;

/// Planes of a task, at least.
const PLANES: usize = 4;

/// Vectors that are summed side by side.
const VECTORS: usize = 4;

/// A run of gradients is filled up with zeros to a multiple of this.
const RUN: usize = 16;

/// Weights whose gradients are summed side by side.
const WEIGHTS: usize = 5;

pub(crate) fn forward(
    geometry: &ConvGeometry,
    source: &Source<'_>,
    weights: &[f32],
    bias: Option<&[f32]>,
    out: &mut [f32],
) {
    let (output, window) = (geometry.output, geometry.taps_of_an_output());
    let taps = source.taps(geometry);
    let arch = Arch::new();
    let planes = out.par_chunks_mut(output.plane()).enumerate();
    planes.with_min_len(PLANES).for_each_init(Vec::new, |wide, (at, to)| {
        let channel = at % output.channels;
        let from = &source.numbers[at * source.plane..];
        arch.dispatch(Slide {
            source: from,
            taps: &taps,
            weights: &weights[channel * window..][..window],
            start: bias.map_or(0.0, |bias| bias[channel]),
            pitch: source.width,
            size: [output.height, output.width],
            wide,
        });
        for (to, from) in to.chunks_exact_mut(output.width).zip(wide.chunks(source.width)) {
            copy_row(to, &from[..output.width]);
        }
    });
}

pub(crate) fn input_gradient(phase: &Phase<'_>, source: &[f32], weights: &[f32], out: &mut [f32]) {
    let Phase { geometry, down, right, wide: shape } = *phase;
    let (input, window) = (geometry.input, geometry.taps_of_an_output());
    let kernel = geometry.columns.kernel;
    let of_row =
        |&(ky, y): &(usize, usize)| right.taps.iter().map(move |&(kx, x)| (ky * kernel + kx, y * shape.width + x));
    let (of_window, taps): (Vec<usize>, Vec<usize>) = down.taps.iter().flat_map(of_row).unzip();
    if taps.is_empty() {
        return;
    }
    let arch = Arch::new();
    let planes = out.par_chunks_mut(input.plane()).enumerate();
    let buffers = || (Vec::new(), Vec::new());
    planes.with_min_len(PLANES).for_each_init(buffers, |(picked, wide), (at, to)| {
        let from = &source[at * shape.plane()..];
        let weights = &weights[at % input.channels * window..][..window];
        picked.clear();
        picked.extend(of_window.iter().map(|&tap| weights[tap]));
        let size = [down.n, right.n];
        arch.dispatch(Slide { source: from, taps: &taps, weights: picked, start: 0.0, pitch: shape.width, size, wide });
        let rows = to.chunks_exact_mut(input.width).skip(down.first).step_by(down.stride);
        for (to, from) in rows.zip(wide.chunks(shape.width)) {
            if right.stride == 1 {
                copy_row(to, &from[..right.n]);
            } else {
                to[right.first..].iter_mut().step_by(right.stride).zip(from).for_each(|(to, from)| *to = *from);
            }
        }
    });
}

/// Weights that slide over one plane.
struct Slide<'a> {
    /// The plane and what lies behind it, which vectors may reach into.
    source: &'a [f32],
    taps: &'a [usize],
    weights: &'a [f32],
    /// What the sums begin with.
    start: f32,
    /// Numbers of a row of the source.
    pitch: usize,
    size: [usize; 2],
    /// Rows of what comes out, as long as those of the source.
    wide: &'a mut Vec<f32>,
}

impl WithSimd for Slide<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, taps, weights, start, pitch, size: [height, width], wide } = self;
        let len = (height - 1) * pitch + width;
        wide.resize(whole_vectors::<S>(len, source, taps), 0.0);
        let mut at = 0;
        let mut blocks = wide.chunks_exact_mut(VECTORS * S::F32_LANES);
        for block in &mut blocks {
            let mut sums = [simd.splat_f32s(start); VECTORS];
            for (&tap, &weight) in taps.iter().zip(weights) {
                let (numbers, _) = S::as_simd_f32s(&source[at + tap..][..VECTORS * S::F32_LANES]);
                let weight = simd.splat_f32s(weight);
                for v in 0..VECTORS {
                    sums[v] = simd.mul_add_e_f32s(weight, numbers[v], sums[v]);
                }
            }
            S::as_mut_simd_f32s(block).0.copy_from_slice(&sums);
            at += block.len();
        }
        let mut vectors = blocks.into_remainder().chunks_exact_mut(S::F32_LANES);
        for vector in &mut vectors {
            let mut sum = simd.splat_f32s(start);
            for (&tap, &weight) in taps.iter().zip(weights) {
                let (numbers, _) = S::as_simd_f32s(&source[at + tap..][..S::F32_LANES]);
                sum = simd.mul_add_e_f32s(simd.splat_f32s(weight), numbers[0], sum);
            }
            S::as_mut_simd_f32s(vector).0[0] = sum;
            at += vector.len();
        }
        for number in vectors.into_remainder() {
            *number = start;
            for (&tap, &weight) in taps.iter().zip(weights) {
                *number = weight.mul_add(source[at + tap], *number);
            }
            at += 1;
        }
    }
}

/// A run of `len` numbers made longer by what lacks to whole vectors, if the taps still lie in the source then.
#[inline(always)]
fn whole_vectors<S: Simd>(len: usize, source: &[f32], taps: &[usize]) -> usize {
    let longer = len.next_multiple_of(S::F32_LANES);
    if taps.iter().all(|tap| tap + longer <= source.len()) { longer } else { len }
}

pub(crate) fn weight_gradient(geometry: &ConvGeometry, source: &Source<'_>, gradient: &[f32], out: &mut [f32]) {
    let (output, window) = (geometry.output, geometry.taps_of_an_output());
    let taps = source.taps(geometry);
    let pitch = source.width;
    let arch = Arch::new();
    out.par_chunks_mut(window).enumerate().for_each_init(Vec::new, |wide: &mut Vec<f32>, (channel, out)| {
        // The plane of each row of the batch with zeros between its rows, so that all of it is one run.
        let len = ((output.height - 1) * pitch + output.width).next_multiple_of(RUN);
        wide.clear();
        wide.resize(output.batch * len, 0.0);
        for (row, wide) in wide.chunks_exact_mut(len).enumerate() {
            let plane = &gradient[(row * output.channels + channel) * output.plane()..][..output.plane()];
            for (to, from) in wide.chunks_mut(pitch).zip(plane.chunks_exact(output.width)) {
                copy_row(to, from);
            }
        }
        for (taps, out) in taps.chunks(WEIGHTS).zip(out.chunks_mut(WEIGHTS)) {
            let planes = Planes { source, channels: output.channels, channel, gradient: wide, len };
            macro_rules! of {
                ($n:literal) => {
                    out.copy_from_slice(
                        &arch.dispatch(Weights::<$n> { planes, taps: std::array::from_fn(|k| taps[k]) }),
                    )
                };
            }
            match taps.len() {
                1 => of!(1),
                2 => of!(2),
                3 => of!(3),
                4 => of!(4),
                _ => of!(5),
            }
        }
    });
}

/// A channel of the pictures, and the gradients of what comes of it.
#[derive(Clone, Copy)]
struct Planes<'a> {
    source: &'a Source<'a>,
    channels: usize,
    channel: usize,
    /// `len` numbers a row of the batch.
    gradient: &'a [f32],
    len: usize,
}

struct Weights<'a, const N: usize> {
    planes: Planes<'a>,
    taps: [usize; N],
}

impl<const N: usize> WithSimd for Weights<'_, N> {
    type Output = [f32; N];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f32; N] {
        let Self { planes: Planes { source, channels, channel, gradient, len }, taps } = self;
        let mut sums = [simd.splat_f32s(0.0); N];
        let mut rest = [0.0_f32; N];
        for (row, gradient) in gradient.chunks_exact(len).enumerate() {
            // Behind the last plane there may be less than a run; what is left out has no gradient.
            let source = &source.numbers[(row * channels + channel) * source.plane..];
            let len = taps.iter().fold(len, |len, tap| len.min(source.len() - tap));
            let from: [&[f32]; N] = taps.map(|tap| &source[tap..][..len]);
            let (gradients, after) = S::as_simd_f32s(&gradient[..len]);
            let numbers = from.map(|from| &S::as_simd_f32s(from).0[..gradients.len()]);
            for (at, gradient) in gradients.iter().enumerate() {
                for (sum, numbers) in sums.iter_mut().zip(numbers) {
                    *sum = simd.mul_add_e_f32s(*gradient, numbers[at], *sum);
                }
            }
            let start = len - after.len();
            for (sum, from) in rest.iter_mut().zip(from) {
                for (gradient, number) in after.iter().zip(&from[start..]) {
                    *sum = gradient.mul_add(*number, *sum);
                }
            }
        }
        std::array::from_fn(|n| simd.reduce_sum_f32s(sums[n]) + rest[n])
    }
}
