//! Digits drawn by the program in the form of MNIST, so that an experiment on digits needs no download.
//!
//! Every picture is drawn from its part and index alone: the strokes of a digit with each corner moved a little, slanted,
//! stretched and shifted, by a pen of some width, on a noisy ground. Only additions, products, quotients and square roots
//! are used, so that a picture has the same bits on every host. They are far easier to tell apart than written ones.

use crate::seed::{Seed, Stream};

/// Names the way of drawing. It changes when any picture would change.
pub(super) const VERSION: &str = "drawn-digits-1";

/// Height and width of a picture, in pixels.
pub(super) const SIZE: usize = 28;

/// Pictures of the training part, and of the test part.
pub(super) const N: [usize; 2] = [5_000, 1_000];

type Point = (f32, f32);

/// The strokes of each digit: points joined by lines, x to the right, y downwards, both within 1 of the middle.
const DIGITS: [&[Point]; 10] = [
    &[
        (0.0, -1.0),
        (0.5, -0.7),
        (0.6, 0.0),
        (0.5, 0.7),
        (0.0, 1.0),
        (-0.5, 0.7),
        (-0.6, 0.0),
        (-0.5, -0.7),
        (0.0, -1.0),
    ],
    &[(-0.3, -0.6), (0.1, -1.0), (0.1, 1.0)],
    &[(-0.55, -0.6), (-0.3, -0.95), (0.2, -1.0), (0.55, -0.65), (0.45, -0.2), (-0.1, 0.35), (-0.6, 1.0), (0.6, 1.0)],
    &[
        (-0.5, -0.85),
        (0.0, -1.0),
        (0.45, -0.75),
        (0.45, -0.3),
        (0.0, -0.05),
        (0.55, 0.3),
        (0.55, 0.75),
        (0.1, 1.0),
        (-0.5, 0.85),
    ],
    &[(0.3, 1.0), (0.3, -1.0), (-0.6, 0.35), (0.6, 0.35)],
    &[(0.5, -1.0), (-0.4, -1.0), (-0.45, -0.1), (0.1, -0.25), (0.55, 0.15), (0.5, 0.7), (0.0, 1.0), (-0.5, 0.85)],
    &[
        (0.4, -0.95),
        (-0.1, -0.7),
        (-0.5, 0.0),
        (-0.5, 0.6),
        (-0.1, 1.0),
        (0.4, 0.85),
        (0.55, 0.45),
        (0.3, 0.05),
        (-0.1, 0.05),
        (-0.5, 0.4),
    ],
    &[(-0.55, -1.0), (0.6, -1.0), (0.0, 0.2), (-0.2, 1.0)],
    &[
        (0.0, -0.05),
        (-0.4, -0.35),
        (-0.4, -0.75),
        (0.0, -1.0),
        (0.4, -0.75),
        (0.4, -0.35),
        (0.0, -0.05),
        (-0.5, 0.3),
        (-0.5, 0.75),
        (0.0, 1.0),
        (0.5, 0.75),
        (0.5, 0.3),
        (0.0, -0.05),
    ],
    &[
        (0.5, -0.4),
        (0.1, -0.05),
        (-0.3, -0.05),
        (-0.55, -0.45),
        (-0.4, -0.85),
        (0.1, -1.0),
        (0.5, -0.6),
        (0.45, 0.1),
        (0.1, 0.7),
        (-0.4, 0.95),
    ],
];

/// The digit that picture `index` of a part shows: they go round.
pub(super) fn digit(index: usize) -> usize {
    index % DIGITS.len()
}

/// Draws picture `index` of the part `train` or `test` as grey bytes `[SIZE, SIZE]` into `out`.
pub(super) fn draw(part: &str, index: usize, out: &mut [u8]) {
    let mut stream = Seed::root(0).child(VERSION).child_at(part, index).stream();
    let slant = between(&mut stream, -0.4, 0.4);
    let rise = between(&mut stream, -0.2, 0.2);
    let (width, height) = (between(&mut stream, 0.45, 0.75), between(&mut stream, 0.5, 0.75));
    let (right, down) = (between(&mut stream, -0.15, 0.15), between(&mut stream, -0.15, 0.15));
    let place = |(x, y): Point| (right + width * (x - slant * y), down + height * (y + rise * x));
    let moved: Vec<Point> = DIGITS[digit(index)]
        .iter()
        .map(|&(x, y)| place((x + between(&mut stream, -0.15, 0.15), y + between(&mut stream, -0.15, 0.15))))
        .collect();
    let pen = between(&mut stream, 0.05, 0.13);
    let ink = between(&mut stream, 0.6, 1.0);
    #[expect(clippy::cast_precision_loss, reason = "pictures are small")]
    let middle = |pixel: usize| (pixel as f32 + 0.5) * PIXEL - 1.0;
    for (at, byte) in out.iter_mut().enumerate() {
        let pixel = (middle(at % SIZE), middle(at / SIZE));
        let nearest = moved.windows(2).map(|ends| distance(ends[0], ends[1], pixel)).fold(f32::INFINITY, f32::min);
        let cover = (0.5 - (nearest - pen) / PIXEL).clamp(0.0, 1.0);
        let value = ink * cover + between(&mut stream, -0.15, 0.15);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 255.5")]
        let shade = (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        *byte = shade;
    }
}

/// Width of a pixel, where a picture reaches from -1 to 1.
#[expect(clippy::cast_precision_loss, reason = "pictures are small")]
const PIXEL: f32 = 2.0 / SIZE as f32;

/// From a point to the nearest one of a line between two others, which differ.
fn distance((ax, ay): Point, (bx, by): Point, (px, py): Point) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let length_squared = (dx * dx + dy * dy).max(1e-12);
    let t = (((px - ax) * dx + (py - ay) * dy) / length_squared).clamp(0.0, 1.0);
    let (x, y) = (ax + t * dx - px, ay + t * dy - py);
    (x * x + y * y).sqrt()
}

fn between(stream: &mut Stream, low: f64, high: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a draw need not be exact, but the same everywhere")]
    let drawn = stream.uniform(low, high) as f32;
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(part: &str, index: usize) -> Vec<u8> {
        let mut out = vec![0; SIZE * SIZE];
        draw(part, index, &mut out);
        out
    }

    #[test]
    fn pictures_are_fixed_for_ever_and_differ_by_part_and_index() {
        let mut hasher = blake3::Hasher::new();
        (0..10).for_each(|index| {
            hasher.update(&picture("train", index)).update(&picture("test", index));
        });
        assert_eq!(hasher.finalize().to_hex().as_str(), GOLDEN);
        assert_ne!(picture("train", 3), picture("train", 13));
        assert_ne!(picture("train", 3), picture("test", 3));
    }
    const GOLDEN: &str = "0e6bc5749c3aa0dbf07fe2c106bc12ed6920ace9d9c5253cebd3a1f58f5cf1fa";

    #[test]
    fn a_line_is_as_far_away_as_its_nearest_point() {
        let line = |point| distance((0.0, 0.0), (2.0, 0.0), point);
        assert_eq!([line((1.0, 0.5)), line((-3.0, 4.0)), line((2.5, 0.0))], [0.5, 5.0, 0.5]);
    }

    #[test]
    fn the_mean_pictures_of_the_training_part_tell_most_of_the_test_part() {
        let pixels = SIZE * SIZE;
        let mut means = vec![vec![0.0_f64; pixels]; 10];
        for index in 0..500 {
            for (mean, byte) in means[digit(index)].iter_mut().zip(picture("train", index)) {
                *mean += f64::from(byte) / 50.0;
            }
        }
        let is_right = |index: &usize| {
            let shown = picture("test", *index);
            let distance = |mean: &[f64]| -> f64 {
                mean.iter().zip(&shown).map(|(mean, &byte)| (mean - f64::from(byte)).powi(2)).sum()
            };
            let nearest = (0..10).min_by(|&a, &b| distance(&means[a]).total_cmp(&distance(&means[b])));
            nearest == Some(digit(*index))
        };
        let n_right = (0..200).filter(is_right).count();
        assert!((100..195).contains(&n_right), "{n_right} of 200");
    }
}
