//! Rows that become columns.

use rayon::prelude::*;

use crate::scratch::Scratch;
use crate::simd::WIDTH;

/// `out[panel, batch * plane, channel of 16]` from the channels `first..first + n` of `[batch, channels, plane]`; zeros where a panel has
/// fewer than 16 channels.
pub(crate) fn channel_panels(numbers: &[f32], channels: usize, plane: usize, first: usize, n: usize) -> Scratch {
    let batch = numbers.len() / (channels * plane);
    let mut out = Scratch::of(n.div_ceil(WIDTH) * batch * plane * WIDTH);
    out.par_chunks_mut(plane * WIDTH).enumerate().for_each(|(at, out)| {
        let out = out.as_chunks_mut::<WIDTH>().0;
        let (panel, row) = (at / batch, at % batch);
        let of_panel = panel * WIDTH..n.min((panel + 1) * WIDTH);
        let from = &numbers[(row * channels + first + of_panel.start) * plane..][..of_panel.len() * plane];
        if of_panel.len() == WIDTH {
            let rows: [&[f32]; WIDTH] = std::array::from_fn(|c| &from[c * plane..][..plane]);
            for (at, out) in out.iter_mut().enumerate() {
                *out = std::array::from_fn(|c| rows[c][at]);
            }
        } else {
            out.fill([0.0; WIDTH]);
            for (channel, from) in from.chunks_exact(plane).enumerate() {
                out.iter_mut().zip(from).for_each(|(out, &number)| out[channel] = number);
            }
        }
    });
    out
}
