//! Batch norm over channels (Ioffe and Szegedy 2015), with the activation after it.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::activation::{Activation, kept};
use crate::scratch::zeros;
use crate::shared::Shared;
use crate::simd::sums_of;

/// Planes of fewer numbers are put together before anything is computed: by themselves they would be too short for vectors.
const SMALL: usize = 64;

/// Numbers `[batch, channels, plane]`; a vector has planes of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// Rows of the batch.
    pub batch: usize,
    /// Channels of each.
    pub channels: usize,
    /// Numbers of a channel of a row.
    pub plane: usize,
}

impl Channels {
    fn len(self) -> usize {
        self.batch * self.channels * self.plane
    }

    /// The shape of a channel whose planes were put one behind the other.
    fn of_one(self) -> Self {
        Self { batch: 1, channels: 1, plane: self.batch * self.plane }
    }

    /// Puts a channel's planes one behind the other.
    fn gather(self, numbers: &[f32], channel: usize, to: &mut Vec<f32>) {
        to.clear();
        self.planes(channel).for_each(|at| to.extend_from_slice(&numbers[at]));
    }

    /// The way back.
    fn scatter(self, numbers: &[f32], channel: usize, out: Shared<'_>) {
        for (at, from) in self.planes(channel).zip(numbers.chunks_exact(self.plane)) {
            #[expect(unsafe_code, reason = "no two channels share a place, and a channel belongs to one task")]
            let to = unsafe { out.part(at) };
            to.copy_from_slice(from);
        }
    }

    /// Where a channel lies in each row.
    fn planes(self, channel: usize) -> impl Iterator<Item = std::ops::Range<usize>> + Clone {
        (0..self.batch).map(move |row| {
            let start = (row * self.channels + channel) * self.plane;
            start..start + self.plane
        })
    }
}

/// Scale, shift and what is added to the variance.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// Scale of each channel.
    pub gamma: &'a [f32],
    /// Shift of each channel.
    pub beta: &'a [f32],
    /// Added to the variance.
    pub eps: f64,
}

/// What a batch norm in training gives.
#[derive(Clone, Debug)]
pub struct Normalized {
    /// Like what went in.
    pub output: Vec<f32>,
    /// Of each channel.
    pub mean: Vec<f32>,
    /// Of each channel; the mean square distance from the mean.
    pub variance: Vec<f32>,
}

/// The gradients of a batch norm.
#[derive(Clone, Debug)]
pub struct NormGradients {
    /// Of what went in.
    pub input: Vec<f32>,
    /// Of the scales.
    pub gamma: Vec<f32>,
    /// Of the shifts.
    pub beta: Vec<f32>,
}

/// Normalizes each channel by its mean and variance over the batch.
///
/// # Panics
/// If a slice has not the length of its shape.
#[must_use]
pub fn batch_norm(shape: Channels, numbers: &[f32], affine: Affine<'_>, activation: Activation) -> Normalized {
    check(shape, numbers, affine);
    let mut output = zeros(shape.len());
    let out = Shared::new(&mut output);
    let arch = Arch::new();
    let statistics: Vec<(f32, f32)> = (0..shape.channels)
        .into_par_iter()
        .map_init(Vec::new, |buffer: &mut Vec<f32>, channel| {
            if shape.plane < SMALL {
                shape.gather(numbers, channel, buffer);
                let (mean, variance) = arch.dispatch(|| statistics(shape.of_one(), buffer, 0));
                Line::of(mean, variance, affine, channel).bend(arch, buffer, activation);
                shape.scatter(buffer, channel, out);
                return (mean, variance);
            }
            let (mean, variance) = arch.dispatch(|| statistics(shape, numbers, channel));
            let line = Line::of(mean, variance, affine, channel);
            for place in shape.planes(channel) {
                #[expect(unsafe_code, reason = "no two channels share a place")]
                let to = unsafe { out.part(place.clone()) };
                to.copy_from_slice(&numbers[place]);
                line.bend(arch, to, activation);
            }
            (mean, variance)
        })
        .collect();
    let (mean, variance) = statistics.into_iter().unzip();
    Normalized { output, mean, variance }
}

/// Normalizes each channel by a mean and a variance that are given.
///
/// # Panics
/// If a slice has not the length of its shape.
#[must_use]
pub fn batch_norm_with(
    shape: Channels,
    numbers: &[f32],
    affine: Affine<'_>,
    [mean, variance]: [&[f32]; 2],
    activation: Activation,
) -> Vec<f32> {
    check(shape, numbers, affine);
    check_statistics(shape, mean, variance);
    let mut output = zeros(shape.len());
    let arch = Arch::new();
    let lines: Vec<Line> =
        (0..shape.channels).map(|channel| Line::of(mean[channel], variance[channel], affine, channel)).collect();
    let planes = output.par_chunks_mut(shape.plane).zip(numbers.par_chunks(shape.plane));
    planes.enumerate().with_min_len(8).for_each(|(at, (to, from))| {
        to.copy_from_slice(from);
        lines[at % shape.channels].bend(arch, to, activation);
    });
    output
}

/// The gradients of [`batch_norm`], from what went in, the statistics it gave and the gradient of what came out.
///
/// # Panics
/// If a slice has not the length of its shape.
#[must_use]
pub fn batch_norm_gradients(
    shape: Channels,
    numbers: &[f32],
    affine: Affine<'_>,
    [mean, variance]: [&[f32]; 2],
    activation: Activation,
    gradient: &[f32],
) -> NormGradients {
    check(shape, numbers, affine);
    check_statistics(shape, mean, variance);
    assert_eq!(gradient.len(), shape.len(), "a gradient for each number");
    let mut input = zeros(shape.len());
    let out = Shared::new(&mut input);
    let arch = Arch::new();
    let sums: Vec<(f32, f32)> = (0..shape.channels)
        .into_par_iter()
        .map_init(<[Vec<f32>; 3]>::default, |[x, g, to], channel| {
            let line = Line::of(mean[channel], variance[channel], affine, channel);
            if shape.plane >= SMALL {
                return arch.dispatch(Backward { shape, numbers, gradient, channel, line, activation, out });
            }
            shape.gather(numbers, channel, x);
            shape.gather(gradient, channel, g);
            to.resize(x.len(), 0.0);
            let sums = {
                let (shape, out) = (shape.of_one(), Shared::new(to));
                arch.dispatch(Backward { shape, numbers: x, gradient: g, channel: 0, line, activation, out })
            };
            shape.scatter(to, channel, out);
            sums
        })
        .collect();
    let (gamma, beta) = sums.into_iter().unzip();
    NormGradients { input, gamma, beta }
}

fn check(shape: Channels, numbers: &[f32], affine: Affine<'_>) {
    assert_eq!(numbers.len(), shape.len(), "numbers have the length of their shape");
    assert!(
        affine.gamma.len() == shape.channels && affine.beta.len() == shape.channels,
        "a scale and a shift a channel"
    );
}

fn check_statistics(shape: Channels, mean: &[f32], variance: &[f32]) {
    assert!(mean.len() == shape.channels && variance.len() == shape.channels, "a mean and a variance a channel");
}

/// Mean and variance of a channel, planes in single precision and their sum in double.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "statistics are single precision")]
fn statistics(shape: Channels, numbers: &[f32], channel: usize) -> (f32, f32) {
    let n = (shape.batch * shape.plane) as f64;
    let (mut sum, mut squares) = (0.0, 0.0);
    for plane in shape.planes(channel).map(|at| &numbers[at]) {
        sum += sums_of(plane, plane, |x, _| [x])[0];
    }
    let mean = (sum / n) as f32;
    for plane in shape.planes(channel).map(|at| &numbers[at]) {
        squares += sums_of(plane, plane, |x, _| [(x - mean) * (x - mean)])[0];
    }
    (mean, (squares / n) as f32)
}

/// `(x - mean) * scale + shift`.
#[derive(Clone, Copy)]
struct Line {
    mean: f32,
    scale: f32,
    shift: f32,
    /// One over the deviation.
    narrow: f32,
}

impl Line {
    #[expect(clippy::cast_possible_truncation, reason = "numbers are single precision")]
    fn of(mean: f32, variance: f32, affine: Affine<'_>, channel: usize) -> Self {
        let narrow = (1.0 / (f64::from(variance) + affine.eps).sqrt()) as f32;
        Self { mean, scale: affine.gamma[channel] * narrow, shift: affine.beta[channel], narrow }
    }

    #[inline(always)]
    fn at(self, x: f32) -> f32 {
        (x - self.mean) * self.scale + self.shift
    }

    /// Normalizes numbers in place.
    fn bend(self, arch: Arch, numbers: &mut [f32], activation: Activation) {
        arch.dispatch(|| {
            macro_rules! with {
                ($activation:expr) => {
                    numbers.iter_mut().for_each(|x| *x = $activation.of(self.at(*x)))
                };
            }
            match activation {
                Activation::None => with!(Activation::None),
                Activation::Relu => with!(Activation::Relu),
                Activation::Relu6 => with!(Activation::Relu6),
            }
        });
    }
}

struct Backward<'a> {
    shape: Channels,
    numbers: &'a [f32],
    gradient: &'a [f32],
    channel: usize,
    line: Line,
    activation: Activation,
    out: Shared<'a>,
}

impl WithSimd for Backward<'_> {
    /// The gradients of scale and shift.
    type Output = (f32, f32);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (f32, f32) {
        match self.activation {
            Activation::None => self.run(|_| true),
            Activation::Relu => self.run(|x| Activation::Relu.passes(x)),
            Activation::Relu6 => self.run(|x| Activation::Relu6.passes(x)),
        }
    }
}

impl Backward<'_> {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "gradients are single precision")]
    fn run(self, passes: impl Fn(f32) -> bool) -> (f32, f32) {
        let Self { shape, numbers, gradient, channel, line, out, .. } = self;
        let behind = |x: f32, gradient: f32| kept(passes(line.at(x)), gradient);
        let (mut sum, mut product) = (0.0_f64, 0.0_f64);
        for at in shape.planes(channel) {
            let sums = sums_of(&numbers[at.clone()], &gradient[at], |x, gradient| {
                let gradient = behind(x, gradient);
                [gradient, gradient * (x - line.mean)]
            });
            sum += sums[0];
            product += sums[1];
        }
        let n = (shape.batch * shape.plane) as f64;
        let narrow = f64::from(line.narrow);
        let (mean, slope) = ((sum / n) as f32, (product / n * narrow * narrow) as f32);
        for at in shape.planes(channel) {
            let (x, g) = (&numbers[at.clone()], &gradient[at.clone()]);
            #[expect(unsafe_code, reason = "no two channels share a place")]
            let to = unsafe { out.part(at) };
            for ((to, &x), &g) in to.iter_mut().zip(x).zip(g) {
                *to = line.scale * (behind(x, g) - mean - (x - line.mean) * slope);
            }
        }
        ((product * narrow) as f32, sum as f32)
    }
}
