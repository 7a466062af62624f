//! A part of a picture, scaled to the picture's size: Pillow's bilinear `resize` to a size that is not smaller.

use super::canvas::Canvas;
use super::patch::Place;

/// Bits behind the point of a weight.
const BITS: u32 = 22;

/// Where a pixel comes from along one side: the first of two neighbours and the weights of both, in units of 2^-22.
type Taps = (usize, [i32; 2]);

/// Cuts a part out and scales it to the picture's size. Rows are scaled first and rounded to bytes, then columns.
pub(super) fn resized_crop(canvas: &mut Canvas, place: Place) {
    let size = canvas.size();
    let (across, down) = (taps(place.width, size), taps(place.height, size));
    canvas.redraw(|canvas, out| match canvas.channels() {
        1 => scale::<1>(canvas, out, place, &across, &down),
        _ => scale::<3>(canvas, out, place, &across, &down),
    });
}

fn scale<const CHANNELS: usize>(canvas: &Canvas, out: &mut [u8], place: Place, across: &[Taps], down: &[Taps]) {
    let size = canvas.size();
    let source = canvas.pixels().as_chunks::<CHANNELS>().0;
    let mut wide = vec![[0; CHANNELS]; place.height * size];
    for (row, line) in wide.chunks_exact_mut(size).enumerate() {
        let seen = &source[(place.top + row) * size + place.left..][..place.width];
        for (pixel, &(first, weights)) in line.iter_mut().zip(across) {
            let second = (first + 1).min(place.width - 1);
            *pixel = std::array::from_fn(|channel| weighted(weights, [seen[first][channel], seen[second][channel]]));
        }
    }
    for (line, &(first, weights)) in out.as_chunks_mut::<CHANNELS>().0.chunks_exact_mut(size).zip(down) {
        let second = (first + 1).min(place.height - 1);
        let lines = wide[first * size..][..size].iter().zip(&wide[second * size..][..size]);
        for (pixel, (upper, lower)) in line.iter_mut().zip(lines) {
            *pixel = std::array::from_fn(|channel| weighted(weights, [upper[channel], lower[channel]]));
        }
    }
}

/// The weights of each of `to` pixels over `from` ones, at most as many: a triangle of a pixel either way, cut off at the
/// border.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides have at most 1024 pixels, and weights are at most 2^22"
)]
fn taps(from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let of_pixel = |at: usize| {
        let middle = (at as f64 + 0.5) * scale;
        let first = (middle - 0.5).max(0.0) as usize;
        let last = ((middle + 1.5) as usize).min(from);
        let weight = |of: usize| {
            if of < last { (1.0 - (of as f64 - middle + 0.5).abs()).max(0.0) } else { 0.0 }
        };
        let sum = weight(first) + weight(first + 1);
        let fixed = |weight: f64| (weight / sum * f64::from(1 << BITS) + 0.5) as i32;
        (first, [fixed(weight(first)), fixed(weight(first + 1))])
    };
    (0..to).map(of_pixel).collect()
}

#[expect(clippy::cast_sign_loss, reason = "weights add up to 1, within rounding")]
fn weighted(weights: [i32; 2], bytes: [u8; 2]) -> u8 {
    let sum = (1 << (BITS - 1)) + i32::from(bytes[0]) * weights[0] + i32::from(bytes[1]) * weights[1];
    (sum >> BITS).clamp(0, 255) as u8
}
