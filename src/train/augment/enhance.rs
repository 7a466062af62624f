//! Operations that move a picture towards or away from a plainer one: Pillow's `ImageEnhance`. A factor of 1 leaves the
//! picture as it is, 0 gives the plainer one, more than 1 exaggerates.

use super::canvas::Canvas;

/// Against black.
pub(super) fn brightness(canvas: &mut Canvas, factor: f64) {
    blend(canvas, factor, |_, _| 0);
}

/// Against its mean grey.
pub(super) fn contrast(canvas: &mut Canvas, factor: f64) {
    let (mut sum, mut n) = (0_u64, 0_u64);
    for pixel in canvas.pixels().chunks_exact(canvas.channels()) {
        sum += u64::from(grey(pixel));
        n += 1;
    }
    // The nearest whole number, in whole numbers.
    let mean = u8::try_from((2 * sum + n) / (2 * n)).expect("a mean of bytes is a byte");
    blend(canvas, factor, |_, _| mean);
}

/// Against its grey picture; a grey picture stays as it is.
pub(super) fn saturation(canvas: &mut Canvas, factor: f64) {
    let channels = canvas.channels();
    if channels == 1 {
        return;
    }
    blend(canvas, factor, |canvas, at| {
        let first = at - at % channels;
        grey(&canvas.pixels()[first..first + channels])
    });
}

/// Against itself made smooth; the border stays as it is.
pub(super) fn sharpness(canvas: &mut Canvas, factor: f64) {
    let (size, channels, line_len) = (canvas.size(), canvas.channels(), canvas.line_len());
    blend(canvas, factor, |canvas, at| {
        let pixels = canvas.pixels();
        let (row, column) = (at / line_len, at % line_len / channels);
        let inner = 1..size - 1;
        if !inner.contains(&row) || !inner.contains(&column) {
            return pixels[at];
        }
        let around: u32 = [at - line_len, at, at + line_len]
            .into_iter()
            .flat_map(|at| [at - channels, at, at + channels])
            .map(|at| u32::from(pixels[at]))
            .sum();
        // Weights 1 around and 5 in the middle, of 13; to the nearest whole number.
        let smooth = (2 * (around + 4 * u32::from(pixels[at])) + 13) / 26;
        u8::try_from(smooth).expect("a weighted mean of bytes is a byte")
    });
}

/// The brightness of a pixel (ITU-R BT.601, in 2^-16).
fn grey(pixel: &[u8]) -> u8 {
    match *pixel {
        [red, green, blue] => {
            let weighted = 19595 * u32::from(red) + 38470 * u32::from(green) + 7471 * u32::from(blue);
            u8::try_from((weighted + 0x8000) >> 16).expect("the weights add up to 2^16")
        }
        _ => pixel[0],
    }
}

/// What lies between the plainer byte at each place and the picture's, in single precision as Pillow has it; cut off, not
/// rounded.
fn blend(canvas: &mut Canvas, factor: f64, plainer: impl Fn(&Canvas, usize) -> u8) {
    #[expect(clippy::cast_possible_truncation, reason = "single precision is wanted")]
    let factor = factor as f32;
    if factor == 1.0 {
        return;
    }
    canvas.redraw(|canvas, out| {
        for (at, (out, &own)) in out.iter_mut().zip(canvas.pixels()).enumerate() {
            let plain = f32::from(plainer(canvas, at));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is cut off at 0 and 255")]
            let between = (plain + factor * (f32::from(own) - plain)) as u8;
            *out = between;
        }
    });
}
