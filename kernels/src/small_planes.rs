//! Convolutions of each channel on its own, where pictures are too small for vectors along their rows.
//!
//! 16 pictures lie side by side instead: a vector holds one pixel of each. Which pictures these are decides no bit of what comes out for one.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::geometry::{ConvGeometry, Pictures};
use crate::shared::Shared;
use crate::simd::{WIDTH, by_lanes, by_rows, cut, numbers, vectors};

/// Pixels of a padded plane, at most: all that belongs to a channel of 16 pictures fits the first cache, and runs of vectors would be short.
const PIXELS: usize = 100;

/// The same where weights get their gradients, for which runs gain less.
const PIXELS_TO_WEIGHTS: usize = 160;

/// Channels of a task, at least.
const CHANNELS: usize = 8;

/// Where pixels lie in a padded plane.
pub(crate) struct SmallPlanes<'a> {
    geometry: &'a ConvGeometry,
    /// Numbers of a padded plane.
    n: usize,
    /// Of each pixel of the picture.
    pixels: Vec<usize>,
    /// Where the window of each output begins.
    places: Vec<usize>,
    /// Of each weight, from there.
    taps: Vec<usize>,
}

/// What a task works with.
#[derive(Default)]
struct Buffers {
    /// Padded pictures; what is around them stays zero.
    inside: Vec<[f32; WIDTH]>,
    outside: Vec<[f32; WIDTH]>,
    sums: Vec<[f32; WIDTH]>,
}

impl<'a> SmallPlanes<'a> {
    /// None if the planes are large, or channels are not on their own.
    pub(crate) fn of(geometry: &'a ConvGeometry) -> Option<Self> {
        Self::up_to(PIXELS, geometry)
    }

    /// The same where weights get their gradients.
    pub(crate) fn to_weights(geometry: &'a ConvGeometry) -> Option<Self> {
        Self::up_to(PIXELS_TO_WEIGHTS, geometry)
    }

    fn up_to(most: usize, geometry: &'a ConvGeometry) -> Option<Self> {
        let ConvGeometry { input, output, rows, columns, .. } = *geometry;
        let (above, left) = (rows.padding.0, columns.padding.0);
        let (height, width) = (input.height + above + rows.padding.1, input.width + left + columns.padding.1);
        let n = height * width;
        let grid = |height: usize, width_of: usize, [down, right]: [usize; 2], first: usize| -> Vec<usize> {
            (0..height).flat_map(|y| (0..width_of).map(move |x| first + y * down * width + x * right)).collect()
        };
        (geometry.is_depthwise() && n <= most).then(|| Self {
            geometry,
            n,
            pixels: grid(input.height, input.width, [1, 1], above * width + left),
            places: grid(output.height, output.width, [rows.stride, columns.stride], 0),
            taps: grid(rows.kernel, columns.kernel, [rows.dilation, columns.dilation], 0),
        })
    }

    pub(crate) fn forward(&self, pictures: &[f32], weights: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
        let ConvGeometry { input, output, .. } = *self.geometry;
        let (out, identity) = (Shared::new(out), self.identity());
        self.of_channels(|arch, buffers, channel| {
            let weights = &weights[channel * self.taps.len()..][..self.taps.len()];
            let start = bias.map_or(0.0, |bias| bias[channel]);
            for rows in groups(input.batch) {
                arch.dispatch(|| gather(pictures, input, channel, &rows, &self.pixels, &mut buffers.inside));
                let (inside, to) = (&buffers.inside, &mut buffers.outside);
                arch.dispatch(Forward { planes: self, inside, weights, start, to });
                arch.dispatch(|| scatter(&buffers.outside, output, channel, &rows, &identity, out));
            }
        });
    }

    pub(crate) fn input_gradient(&self, weights: &[f32], gradient: &[f32], out: &mut [f32]) {
        let ConvGeometry { input, output, .. } = *self.geometry;
        let (out, identity) = (Shared::new(out), self.identity());
        self.of_channels(|arch, buffers, channel| {
            let weights = &weights[channel * self.taps.len()..][..self.taps.len()];
            for rows in groups(input.batch) {
                arch.dispatch(|| gather(gradient, output, channel, &rows, &identity, &mut buffers.outside));
                let (gradient, to) = (&buffers.outside, &mut buffers.inside);
                arch.dispatch(Backward { planes: self, gradient, weights, to });
                arch.dispatch(|| scatter(&buffers.inside, input, channel, &rows, &self.pixels, out));
            }
        });
    }

    pub(crate) fn weight_gradient(&self, pictures: &[f32], gradient: &[f32], out: &mut [f32]) {
        let ConvGeometry { input, output, .. } = *self.geometry;
        let (out, identity) = (Shared::new(out), self.identity());
        self.of_channels(|arch, buffers, channel| {
            buffers.sums.fill([0.0; WIDTH]);
            for rows in groups(input.batch) {
                arch.dispatch(|| {
                    gather(pictures, input, channel, &rows, &self.pixels, &mut buffers.inside);
                    gather(gradient, output, channel, &rows, &identity, &mut buffers.outside);
                });
                let Buffers { inside, outside, sums } = buffers;
                arch.dispatch(ToWeights { planes: self, inside, gradient: outside, sums });
            }
            #[expect(unsafe_code, reason = "no two channels share a weight")]
            let to = unsafe { out.part(channel * self.taps.len()..(channel + 1) * self.taps.len()) };
            to.iter_mut().zip(&buffers.sums).for_each(|(to, sums)| *to = sums.iter().sum());
        });
    }

    /// Where pixels lie in a plane without padding.
    fn identity(&self) -> Vec<usize> {
        (0..self.places.len()).collect()
    }

    fn of_channels(&self, compute: impl Fn(Arch, &mut Buffers, usize) + Sync) {
        let arch = Arch::new();
        let buffers = || Buffers {
            inside: vec![[0.0; WIDTH]; self.n],
            outside: vec![[0.0; WIDTH]; self.places.len()],
            sums: vec![[0.0; WIDTH]; self.taps.len()],
        };
        let channels = (0..self.geometry.input.channels).into_par_iter().with_min_len(CHANNELS);
        channels.for_each_init(buffers, |buffers, channel| compute(arch, buffers, channel));
    }
}

/// Rows of a batch, 16 together.
fn groups(batch: usize) -> impl Iterator<Item = Range<usize>> {
    (0..batch).step_by(WIDTH).map(move |first| first..batch.min(first + WIDTH))
}

/// Lays a channel of some rows side by side, its pixels where `at` says; zeros where there are fewer rows.
#[inline(always)]
fn gather(
    numbers: &[f32],
    shape: Pictures,
    channel: usize,
    rows: &Range<usize>,
    at: &[usize],
    to: &mut [[f32; WIDTH]],
) {
    let plane = |row: usize| &numbers[(row * shape.channels + channel) * shape.plane()..][..at.len()];
    if rows.len() == WIDTH {
        let planes: [&[f32]; WIDTH] = std::array::from_fn(|r| plane(rows.start + r));
        for (pixel, &at) in at.iter().enumerate() {
            to[at] = std::array::from_fn(|r| planes[r][pixel]);
        }
    } else {
        at.iter().for_each(|&at| to[at] = [0.0; WIDTH]);
        for (r, row) in rows.clone().enumerate() {
            plane(row).iter().zip(at).for_each(|(&number, &at)| to[at][r] = number);
        }
    }
}

/// The way back.
#[inline(always)]
fn scatter(from: &[[f32; WIDTH]], shape: Pictures, channel: usize, rows: &Range<usize>, at: &[usize], out: Shared<'_>) {
    for (r, row) in rows.clone().enumerate() {
        let start = (row * shape.channels + channel) * shape.plane();
        #[expect(unsafe_code, reason = "no two channels share a place, and a channel belongs to one task")]
        let to = unsafe { out.part(start..start + shape.plane()) };
        to.iter_mut().zip(at).for_each(|(to, &at)| *to = from[at][r]);
    }
}

struct Forward<'a> {
    planes: &'a SmallPlanes<'a>,
    inside: &'a [[f32; WIDTH]],
    weights: &'a [f32],
    /// What the sums begin with.
    start: f32,
    to: &'a mut [[f32; WIDTH]],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { planes, inside, weights, start, to } = self;
        for outputs in cut(planes.places.len()) {
            by_lanes!(S, |V| by_rows!(outputs.len(), |R| {
                let places: [usize; R] = std::array::from_fn(|r| planes.places[outputs.start + r]);
                let mut sums = [[simd.splat_f32s(start); V]; R];
                for (&tap, &weight) in planes.taps.iter().zip(weights) {
                    let weight = simd.splat_f32s(weight);
                    for r in 0..R {
                        let pixels = vectors::<S, V>(&inside[places[r] + tap]);
                        for v in 0..V {
                            sums[r][v] = simd.mul_add_e_f32s(weight, pixels[v], sums[r][v]);
                        }
                    }
                }
                to[outputs].iter_mut().zip(&sums).for_each(|(to, sums)| *to = numbers::<S, V>(sums));
            }));
        }
    }
}

struct Backward<'a> {
    planes: &'a SmallPlanes<'a>,
    gradient: &'a [[f32; WIDTH]],
    weights: &'a [f32],
    /// Padded planes.
    to: &'a mut [[f32; WIDTH]],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { planes, gradient, weights, to } = self;
        to.fill([0.0; WIDTH]);
        by_lanes!(S, |V| {
            for (&place, gradient) in planes.places.iter().zip(gradient) {
                let gradient = vectors::<S, V>(gradient);
                for (&tap, &weight) in planes.taps.iter().zip(weights) {
                    let weight = simd.splat_f32s(weight);
                    let to = S::as_mut_simd_f32s(&mut to[place + tap]).0;
                    for v in 0..V {
                        to[v] = simd.mul_add_e_f32s(weight, gradient[v], to[v]);
                    }
                }
            }
        });
    }
}

struct ToWeights<'a> {
    planes: &'a SmallPlanes<'a>,
    inside: &'a [[f32; WIDTH]],
    gradient: &'a [[f32; WIDTH]],
    /// Of each weight.
    sums: &'a mut [[f32; WIDTH]],
}

impl WithSimd for ToWeights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { planes, inside, gradient, sums } = self;
        for weights in cut(planes.taps.len()) {
            by_lanes!(S, |V| by_rows!(weights.len(), |R| {
                let taps: [usize; R] = std::array::from_fn(|r| planes.taps[weights.start + r]);
                let mut tile: [[S::f32s; V]; R] = std::array::from_fn(|r| vectors::<S, V>(&sums[weights.start + r]));
                for (&place, gradient) in planes.places.iter().zip(gradient) {
                    let gradient = vectors::<S, V>(gradient);
                    for r in 0..R {
                        let pixels = vectors::<S, V>(&inside[place + taps[r]]);
                        for v in 0..V {
                            tile[r][v] = simd.mul_add_e_f32s(gradient[v], pixels[v], tile[r][v]);
                        }
                    }
                }
                sums[weights].iter_mut().zip(&tile).for_each(|(sums, tile)| *sums = numbers::<S, V>(tile));
            }));
        }
    }
}
