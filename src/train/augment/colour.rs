//! Operations that replace each byte by another.

use super::canvas::Canvas;

/// The negative.
pub(super) fn invert(canvas: &mut Canvas) {
    canvas.pixels_mut().iter_mut().for_each(|byte| *byte = 255 - *byte);
}

/// Inverts bytes at and above a threshold.
pub(super) fn solarize(canvas: &mut Canvas, threshold: f64) {
    canvas.look_up(|_| table(|byte| if f64::from(byte) < threshold { byte } else { 255 - byte }));
}

/// Keeps the highest `bits` of each byte, 1 to 8 of them.
pub(super) fn posterize(canvas: &mut Canvas, bits: u32) {
    let mask = u8::MAX << (8 - bits);
    canvas.pixels_mut().iter_mut().for_each(|byte| *byte &= mask);
}

/// Stretches each channel so that its lowest byte becomes 0 and its highest 255.
pub(super) fn autocontrast(canvas: &mut Canvas) {
    let tables: Vec<[u8; 256]> = (0..canvas.channels()).map(|channel| stretched(&canvas.histogram(channel))).collect();
    canvas.look_up(|channel| tables[channel]);
}

fn stretched(counts: &[usize; 256]) -> [u8; 256] {
    let lowest = counts.iter().position(|&n| n > 0).unwrap_or(0);
    let highest = counts.iter().rposition(|&n| n > 0).unwrap_or(0);
    if highest <= lowest {
        return table(|byte| byte);
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a byte, and a number that is cut off at both ends"
    )]
    let stretch = |byte: u8| {
        let scale = 255.0 / (highest - lowest) as f64;
        (f64::from(byte) * scale - lowest as f64 * scale) as u8
    };
    table(stretch)
}

/// Spreads the bytes of each channel so that about as many pixels have each.
pub(super) fn equalize(canvas: &mut Canvas) {
    let tables: Vec<[u8; 256]> = (0..canvas.channels()).map(|channel| levelled(&canvas.histogram(channel))).collect();
    canvas.look_up(|channel| tables[channel]);
}

fn levelled(counts: &[usize; 256]) -> [u8; 256] {
    let highest = counts.iter().rfind(|&&n| n > 0).copied().unwrap_or(0);
    let step = (counts.iter().sum::<usize>() - highest) / 255;
    if step == 0 {
        return table(|byte| byte);
    }
    let mut below = step / 2;
    std::array::from_fn(|byte| {
        let level = u8::try_from(below / step).unwrap_or(u8::MAX);
        below += counts[byte];
        level
    })
}

fn table(of: impl Fn(u8) -> u8) -> [u8; 256] {
    std::array::from_fn(|byte| of(u8::try_from(byte).expect("a table has 256 places")))
}
