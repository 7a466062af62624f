//! Operations that move pixels.

use super::canvas::Canvas;
use super::patch::Place;

/// Mirrors left and right.
pub(super) fn flip(canvas: &mut Canvas) {
    let (size, channels) = (canvas.size(), canvas.channels());
    let line_len = canvas.line_len();
    for line in canvas.pixels_mut().chunks_exact_mut(line_len) {
        for left in 0..size / 2 {
            let right = size - 1 - left;
            for channel in 0..channels {
                line.swap(left * channels + channel, right * channels + channel);
            }
        }
    }
}

/// Cuts the picture's own size at (`top`, `left`) out of the picture with `padding` black pixels on every side.
pub(super) fn crop(canvas: &mut Canvas, padding: usize, top: usize, left: usize) {
    canvas.redraw(|canvas, out| {
        let (size, channels, line_len) = (canvas.size(), canvas.channels(), canvas.line_len());
        // The columns of the picture that are seen, and where they land.
        let first = left.saturating_sub(padding).min(size);
        let last = (left + size).saturating_sub(padding).min(size);
        if first >= last {
            return;
        }
        let at = first + padding - left;
        for (row, line) in out.chunks_exact_mut(line_len).enumerate() {
            let Some(source) = (row + top).checked_sub(padding).filter(|&source| source < size) else { continue };
            let seen = &canvas.pixels()[source * line_len + first * channels..source * line_len + last * channels];
            line[at * channels..at * channels + seen.len()].copy_from_slice(seen);
        }
    });
}

/// Blackens a part.
pub(super) fn erase(canvas: &mut Canvas, place: Place) {
    let (channels, line_len) = (canvas.channels(), canvas.line_len());
    let lines = canvas.pixels_mut().chunks_exact_mut(line_len).skip(place.top).take(place.height);
    for line in lines {
        line[place.left * channels..(place.left + place.width) * channels].fill(0);
    }
}

/// Turns the picture around its middle, against the clock.
pub(super) fn rotate(canvas: &mut Canvas, degrees: f64) {
    let radians = -degrees.to_radians();
    let (cos, sin) = (libm::cos(radians), libm::sin(radians));
    #[expect(clippy::cast_precision_loss, reason = "a side has at most 1024 pixels")]
    let middle = canvas.size() as f64 / 2.0;
    affine(canvas, [cos, sin, middle - (cos + sin) * middle, -sin, cos, middle - (cos - sin) * middle]);
}

/// Slants the picture: a row is moved left by `slope` times its distance from the top.
pub(super) fn shear_x(canvas: &mut Canvas, slope: f64) {
    affine(canvas, [1.0, slope, 0.0, 0.0, 1.0, 0.0]);
}

/// Slants the picture: a column is moved up by `slope` times its distance from the left.
pub(super) fn shear_y(canvas: &mut Canvas, slope: f64) {
    affine(canvas, [1.0, 0.0, 0.0, slope, 1.0, 0.0]);
}

/// Moves the picture right and down by so many whole pixels.
pub(super) fn translate(canvas: &mut Canvas, [right, down]: [f64; 2]) {
    affine(canvas, [1.0, 0.0, -right.trunc(), 0.0, 1.0, -down.trunc()]);
}

/// Takes each pixel from where `[a, b, c, d, e, f]` says that its middle lies: (a x + b y + c, d x + e y + f), the nearest
/// pixel; black beyond the picture. Places are whole multiples of 2^-16, as in Pillow, and so the same on every host.
fn affine(canvas: &mut Canvas, [a, b, c, d, e, f]: [f64; 6]) {
    #[expect(clippy::cast_possible_truncation, reason = "pictures are small")]
    let fixed = |x: f64| (x * 65536.0 + 0.5).floor() as i64;
    let steps = [a, b, d, e].map(fixed);
    let begin = [c + (a + b) * 0.5, f + (d + e) * 0.5].map(fixed);
    canvas.redraw(|canvas, out| match canvas.channels() {
        1 => pull::<1>(canvas, out, steps, begin),
        _ => pull::<3>(canvas, out, steps, begin),
    });
}

fn pull<const CHANNELS: usize>(canvas: &Canvas, out: &mut [u8], [a, b, d, e]: [i64; 4], [c, f]: [i64; 2]) {
    let size = canvas.size();
    let source = canvas.pixels().as_chunks::<CHANNELS>().0;
    let inside = |at: i64| usize::try_from(at >> 16).ok().filter(|&at| at < size);
    let (mut line_x, mut line_y) = (c, f);
    for line in out.as_chunks_mut::<CHANNELS>().0.chunks_exact_mut(size) {
        let (mut x, mut y) = (line_x, line_y);
        for pixel in line {
            if let (Some(column), Some(row)) = (inside(x), inside(y)) {
                *pixel = source[row * size + column];
            }
            (x, y) = (x + a, y + d);
        }
        (line_x, line_y) = (line_x + b, line_y + e);
    }
}
