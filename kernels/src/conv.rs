//! Convolution and its gradients.

use crate::depthwise;
use crate::geometry::{Axis, ConvGeometry, Pictures};
use crate::pad::{Sides, Surrounded, padded, split};
use crate::product::{Product, Tiles};
use crate::scratch::zeros;
use crate::shared::Shared;
use crate::small_planes::SmallPlanes;
use crate::transpose::channel_panels;
use crate::weight_gradient::WeightGradient;

/// `[batch, outputs, height, width]` from pictures, weights `[outputs, inputs / groups, kernel height, kernel width]` and a bias
/// `[outputs]`.
///
/// # Panics
/// If a slice has not the length of its shape.
#[must_use]
pub fn convolution(geometry: &ConvGeometry, pictures: &[f32], weights: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    check(geometry, Some(pictures), Some(weights), None);
    assert!(bias.is_none_or(|bias| bias.len() == geometry.output.channels), "a bias for each output");
    let mut out = zeros(geometry.output.len());
    if let Some(planes) = SmallPlanes::of(geometry) {
        planes.forward(pictures, weights, bias, &mut out);
        return out;
    }
    let source = Source::of(geometry, pictures);
    if geometry.is_depthwise() {
        depthwise::forward(geometry, &source, weights, bias, &mut out);
        return out;
    }
    let (output, per_group) = (geometry.output, geometry.group_outputs());
    let columns = source.windows(geometry);
    let places = pixels(output, output.channels);
    let taps = source.taps(geometry);
    let depth = taps.len();
    let of_output: Vec<usize> = (0..depth).collect();
    for group in 0..geometry.groups {
        let outputs = group * per_group..(group + 1) * per_group;
        let weights = &weights[outputs.start * depth..outputs.end * depth];
        let product = Product {
            a: &Tiles::new(weights, per_group, depth, [1, 0], &of_output),
            bias: bias.map(|bias| &bias[outputs.clone()]),
            source: &source.numbers[group * geometry.group_inputs() * source.plane..],
            taps: &taps,
            columns: &columns,
            places: &places,
            row_step: output.plane(),
        };
        product.write(Shared::new(&mut out[outputs.start * output.plane()..]));
    }
    out
}

/// The gradient of the pictures, from the gradient of what came out.
///
/// # Panics
/// If a slice has not the length of its shape.
#[must_use]
pub fn convolution_input_gradient(geometry: &ConvGeometry, weights: &[f32], gradient: &[f32]) -> Vec<f32> {
    check(geometry, None, Some(weights), Some(gradient));
    let (input, output) = (geometry.input, geometry.output);
    let mut out = zeros(input.len());
    if let Some(planes) = SmallPlanes::of(geometry) {
        planes.input_gradient(weights, gradient, &mut out);
        return out;
    }
    let (rows, columns) =
        (Reach::of(geometry.rows, input.height, output.height), Reach::of(geometry.columns, input.width, output.width));
    let sides = Sides { top: rows.before, bottom: rows.after, left: columns.before, right: columns.after };
    let (source, wide) = padded(gradient, output, sides);
    for down in &rows.phases {
        for right in &columns.phases {
            let phase = Phase { geometry, down, right, wide };
            if geometry.is_depthwise() {
                depthwise::input_gradient(&phase, &source, weights, &mut out);
            } else {
                phase.write(weights, &source, &mut out);
            }
        }
    }
    out
}

/// The gradient of the weights, from the gradient of what came out.
///
/// # Panics
/// If a slice has not the length of its shape.
#[must_use]
pub fn convolution_weight_gradient(geometry: &ConvGeometry, pictures: &[f32], gradient: &[f32]) -> Vec<f32> {
    check(geometry, Some(pictures), None, Some(gradient));
    let mut out = vec![0.0; geometry.n_weights()];
    if let Some(planes) = SmallPlanes::to_weights(geometry) {
        planes.weight_gradient(pictures, gradient, &mut out);
        return out;
    }
    let source = Source::of(geometry, pictures);
    if geometry.is_depthwise() {
        depthwise::weight_gradient(geometry, &source, gradient, &mut out);
        return out;
    }
    let (output, per_group) = (geometry.output, geometry.group_outputs());
    let places = source.windows(geometry);
    let taps = source.taps(geometry);
    for (group, out) in out.chunks_exact_mut((per_group * taps.len()).max(1)).enumerate() {
        let gradient = channel_panels(gradient, output.channels, output.plane(), group * per_group, per_group);
        let source = &source.numbers[group * geometry.group_inputs() * source.plane..];
        WeightGradient { source, places: &places, taps: &taps, gradient: gradient.as_chunks().0, outputs: per_group }
            .write(out);
    }
    out
}

fn check(geometry: &ConvGeometry, pictures: Option<&[f32]>, weights: Option<&[f32]>, gradient: Option<&[f32]>) {
    let fits = |slice: Option<&[f32]>, len: usize| slice.is_none_or(|slice| slice.len() == len);
    assert!(fits(pictures, geometry.input.len()), "pictures have the length of their shape");
    assert!(fits(weights, geometry.n_weights()), "weights have the length of their shape");
    assert!(fits(gradient, geometry.output.len()), "gradients have the length of their shape");
}

/// The pictures with the convolution's padding around. With a stride, pixels that lie a stride apart stand next to one another: each plane is cut into
/// a picture for each remainder, so that the kernel slides over them pixel by pixel.
pub(crate) struct Source<'a> {
    pub(crate) numbers: Surrounded<'a>,
    /// Numbers of a channel.
    pub(crate) plane: usize,
    /// Numbers of a row of a picture.
    pub(crate) width: usize,
    /// Numbers of a picture.
    part: usize,
}

impl<'a> Source<'a> {
    pub(crate) fn of(geometry: &ConvGeometry, pictures: &'a [f32]) -> Self {
        let (rows, columns) = (geometry.rows.padding, geometry.columns.padding);
        let sides = Sides { top: rows.0, bottom: rows.1, left: columns.0, right: columns.1 };
        let (numbers, width, part) =
            split(pictures, geometry.input, sides, [geometry.rows.stride, geometry.columns.stride]);
        Self { numbers, plane: part * geometry.rows.stride * geometry.columns.stride, width, part }
    }

    /// Where the windows of the output pixels begin, in channel 0.
    fn windows(&self, geometry: &ConvGeometry) -> Vec<usize> {
        let (output, row_step) = (geometry.output, geometry.input.channels * self.plane);
        let mut windows = Vec::with_capacity(output.batch * output.plane());
        for row in 0..output.batch {
            for y in 0..output.height {
                let start = row * row_step + y * self.width;
                windows.extend(start..start + output.width);
            }
        }
        windows
    }

    /// Where the weights of an output read, from where its window begins.
    pub(crate) fn taps(&self, geometry: &ConvGeometry) -> Vec<usize> {
        let (rows, columns) = (geometry.rows, geometry.columns);
        let mut taps = Vec::with_capacity(geometry.taps_of_an_output());
        for channel in 0..geometry.group_inputs() {
            for y in (0..rows.kernel).map(|y| y * rows.dilation) {
                let start =
                    channel * self.plane + y % rows.stride * columns.stride * self.part + y / rows.stride * self.width;
                let of_column = |x: usize| start + x % columns.stride * self.part + x / columns.stride;
                taps.extend((0..columns.kernel).map(|x| of_column(x * columns.dilation)));
            }
        }
        taps
    }
}

/// Where each pixel of channel 0 lies in pictures of so many channels.
fn pixels(shape: Pictures, channels: usize) -> Vec<usize> {
    let mut pixels = Vec::with_capacity(shape.batch * shape.plane());
    for row in 0..shape.batch {
        let start = row * channels * shape.plane();
        pixels.extend(start..start + shape.plane());
    }
    pixels
}

/// What reaches back to the pixels of an axis: with a stride, pixels of different remainders see different weights.
struct Reach {
    phases: Vec<AxisPhase>,
    /// Zeros needed around the gradient.
    before: usize,
    after: usize,
}

/// The pixels `first + stride * m`, and the weights that reach them.
pub(crate) struct AxisPhase {
    pub(crate) first: usize,
    pub(crate) stride: usize,
    /// How many pixels.
    pub(crate) n: usize,
    /// Position in the kernel, and which gradient of the padded ones it takes to pixel 0.
    pub(crate) taps: Vec<(usize, usize)>,
}

impl Reach {
    fn of(axis: Axis, size: usize, places: usize) -> Self {
        // Weight k takes pixel first + stride * m to the place m + shift, where stride * shift = first + padding - dilation * k.
        let (mut before, mut after) = (0, 0);
        let mut shifts: Vec<Vec<(usize, isize)>> = Vec::new();
        let signed = |n: usize| isize::try_from(n).expect("a size in memory");
        for first in 0..axis.stride.min(size) {
            let n = signed((size - first).div_ceil(axis.stride));
            let of_tap = |k: usize| {
                let distance = signed(first + axis.padding.0) - signed(axis.dilation * k);
                (distance % signed(axis.stride) == 0).then(|| (k, distance / signed(axis.stride)))
            };
            let taps: Vec<(usize, isize)> = (0..axis.kernel).filter_map(of_tap).collect();
            for &(_, shift) in &taps {
                before = before.max(-shift);
                after = after.max(n + shift - signed(places));
            }
            shifts.push(taps);
        }
        let before = before.max(0);
        let at = |shift: isize| usize::try_from(shift + before).expect("`before` is the largest of what is missing");
        let phases = shifts.into_iter().enumerate().map(|(first, taps)| AxisPhase {
            first,
            stride: axis.stride,
            n: (size - first).div_ceil(axis.stride),
            taps: taps.into_iter().map(|(k, shift)| (k, at(shift))).collect(),
        });
        Self { phases: phases.collect(), before: at(0), after: usize::try_from(after).unwrap_or(0) }
    }
}

/// The pixels of an input that see the same weights.
pub(crate) struct Phase<'a> {
    pub(crate) geometry: &'a ConvGeometry,
    pub(crate) down: &'a AxisPhase,
    pub(crate) right: &'a AxisPhase,
    /// Shape of the padded gradient.
    pub(crate) wide: Pictures,
}

impl Phase<'_> {
    /// Writes the gradient of these pixels; those that no weight reaches stay as they are.
    fn write(&self, weights: &[f32], source: &[f32], out: &mut [f32]) {
        let Self { geometry, down, right, wide } = *self;
        if down.taps.is_empty() || right.taps.is_empty() {
            return;
        }
        let input = geometry.input;
        let (inputs, outputs) = (geometry.group_inputs(), geometry.group_outputs());
        let in_window: Vec<(usize, usize)> = down
            .taps
            .iter()
            .flat_map(|&(ky, y)| {
                right.taps.iter().map(move |&(kx, x)| (ky * geometry.columns.kernel + kx, y * wide.width + x))
            })
            .collect();
        let taps: Vec<usize> =
            (0..outputs).flat_map(|output| in_window.iter().map(move |(_, tap)| output * wide.plane() + tap)).collect();
        let n_columns = input.batch * down.n * right.n;
        let (mut columns, mut places) = (Vec::with_capacity(n_columns), Vec::with_capacity(n_columns));
        for row in 0..input.batch {
            for y in 0..down.n {
                let from = row * wide.channels * wide.plane() + y * wide.width;
                let to =
                    row * input.channels * input.plane() + (down.first + y * down.stride) * input.width + right.first;
                columns.extend(from..from + right.n);
                places.extend((0..right.n).map(|x| to + x * right.stride));
            }
        }
        let window = geometry.rows.kernel * geometry.columns.kernel;
        let of_window: Vec<usize> = in_window.iter().map(|&(weight, _)| weight).collect();
        for group in 0..geometry.groups {
            let weights = &weights[group * outputs * inputs * window..][..outputs * inputs * window];
            let product = Product {
                a: &Tiles::new(weights, inputs, window, [outputs, inputs * window], &of_window),
                bias: None,
                source: &source[group * outputs * wide.plane()..],
                taps: &taps,
                columns: &columns,
                places: &places,
                row_step: input.plane(),
            };
            product.write(Shared::new(&mut out[group * inputs * input.plane()..]));
        }
    }
}
