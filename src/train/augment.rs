//! Augmentation of a training picture, on bytes.

use crate::seed::Stream;
use crate::spec::network::Augment;

/// Applies the augmentations in order to a picture `[size, size, channels]`; `scratch` is of the same length and holds
/// nothing afterwards.
pub(super) fn apply(
    augment: &[Augment],
    picture: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
    [size, channels]: [usize; 2],
    draw: &mut Stream,
) {
    for step in augment {
        match *step {
            Augment::Flip { p } => {
                if draw.chance(p) {
                    flip(picture, size, channels);
                }
            }
            Augment::Crop { padding } => {
                let mut offset = || draw.below(2 * padding + 1);
                let (top, left) = (offset(), offset());
                crop(picture, scratch, [size, channels], padding, top, left);
                std::mem::swap(picture, scratch);
            }
        }
    }
}

/// Mirrors left and right.
fn flip(picture: &mut [u8], size: usize, channels: usize) {
    for line in picture.chunks_exact_mut(size * channels) {
        for left in 0..size / 2 {
            let right = size - 1 - left;
            for channel in 0..channels {
                line.swap(left * channels + channel, right * channels + channel);
            }
        }
    }
}

/// Cuts `[size, size]` at (`top`, `left`) out of the picture with `padding` black pixels on every side.
fn crop(picture: &[u8], out: &mut [u8], [size, channels]: [usize; 2], padding: usize, top: usize, left: usize) {
    out.fill(0);
    let line_len = size * channels;
    // The columns of the picture that are seen, and where they land.
    let first = left.saturating_sub(padding).min(size);
    let last = (left + size).saturating_sub(padding).min(size);
    if first >= last {
        return;
    }
    let at = first + padding - left;
    for (row, line) in out.chunks_exact_mut(line_len).enumerate() {
        let Some(source) = (row + top).checked_sub(padding).filter(|&source| source < size) else { continue };
        let seen = &picture[source * line_len + first * channels..source * line_len + last * channels];
        line[at * channels..at * channels + seen.len()].copy_from_slice(seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    const CHANNELS: usize = 3;

    /// A picture of 3 x 3 pixels whose pixel values are 1 to 9.
    fn numbered() -> Vec<u8> {
        (1..=9).flat_map(|value| [value; CHANNELS]).collect()
    }

    fn red(picture: &[u8]) -> Vec<u8> {
        assert!(picture.chunks(CHANNELS).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
        picture.chunks(CHANNELS).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn a_flip_mirrors_left_and_right() {
        let mut picture = numbered();
        flip(&mut picture, 3, CHANNELS);
        assert_eq!(red(&picture), [3, 2, 1, 6, 5, 4, 9, 8, 7]);
    }

    #[test]
    fn grey_pictures_are_mirrored_and_shifted_by_the_byte() {
        let mut picture: Vec<u8> = (1..=4).collect();
        flip(&mut picture, 2, 1);
        assert_eq!(picture, [2, 1, 4, 3]);
        let mut out = vec![255; 4];
        crop(&picture, &mut out, [2, 1], 1, 0, 1);
        assert_eq!(out, [0, 0, 2, 1]);
    }

    #[test]
    fn a_crop_shifts_and_fills_with_black() {
        let cropped = |padding, top, left| {
            let mut out = vec![255; 27];
            crop(&numbered(), &mut out, [3, CHANNELS], padding, top, left);
            red(&out)
        };
        assert_eq!(cropped(1, 1, 1), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(cropped(1, 0, 0), [0, 0, 0, 0, 1, 2, 0, 4, 5]);
        assert_eq!(cropped(1, 2, 1), [4, 5, 6, 7, 8, 9, 0, 0, 0]);
        assert_eq!(cropped(1, 1, 2), [2, 3, 0, 5, 6, 0, 8, 9, 0]);
        assert_eq!(cropped(4, 0, 4), [0; 9], "nothing of the picture is left");
        assert_eq!(cropped(4, 4, 8), [0; 9]);
        assert_eq!(cropped(0, 0, 0), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn every_place_of_a_crop_is_drawn() {
        let mut seen = std::collections::BTreeSet::new();
        for row in 0..200 {
            let (mut picture, mut scratch) = (numbered(), vec![0; 27]);
            let mut stream = Seed::root(5).child_at("augment", row).stream();
            apply(&[Augment::Crop { padding: 1 }], &mut picture, &mut scratch, [3, CHANNELS], &mut stream);
            seen.insert(red(&picture));
        }
        assert_eq!(seen.len(), 9);
    }

    #[test]
    fn a_flip_comes_with_its_probability() {
        let flipped = |p: f64| {
            let is_flipped = |row| {
                let (mut picture, mut scratch) = (numbered(), vec![0; 27]);
                let mut stream = Seed::root(5).child_at("augment", row).stream();
                apply(&[Augment::Flip { p }], &mut picture, &mut scratch, [3, CHANNELS], &mut stream);
                picture != numbered()
            };
            (0..1000).filter(|&row| is_flipped(row)).count()
        };
        assert_eq!((flipped(0.0), flipped(1.0)), (0, 1000));
        assert!((200..300).contains(&flipped(0.25)), "{}", flipped(0.25));
    }
}
