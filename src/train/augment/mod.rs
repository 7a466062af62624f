//! Augmentation of a training picture, on bytes, before it is scaled.
//!
//! Operations are those of Pillow, which torchvision's transforms call, byte for byte (`tests/fixtures/augment_pillow.py`
//! made the numbers they are held against). What is drawn comes from a row's own stream, so it depends on the seed, the
//! epoch and the row, and neither on the batch nor on who draws first. [`mixing`] alone looks at another row.

pub(super) mod canvas;
mod colour;
mod enhance;
mod geometry;
mod hue;
pub(super) mod mixing;
mod patch;
mod policies;
mod resize;
pub(super) mod sheet;

use canvas::Canvas;

use crate::seed::Stream;
use crate::spec::network::Augment;

/// Applies the augmentations in order to a picture; those that take another row are left to [`mixing`].
pub(super) fn apply(augment: &[Augment], canvas: &mut Canvas, draw: &mut Stream) {
    for step in augment {
        match *step {
            Augment::Flip { p } => {
                if draw.chance(p) {
                    geometry::flip(canvas);
                }
            }
            Augment::Crop { padding } => {
                let mut offset = || draw.below(2 * padding + 1);
                let (top, left) = (offset(), offset());
                geometry::crop(canvas, padding, top, left);
            }
            Augment::ResizedCrop(ref patch) => {
                let place = patch::to_crop(patch, canvas.size(), draw);
                resize::resized_crop(canvas, place);
            }
            Augment::Rotation { degrees } => geometry::rotate(canvas, draw.uniform(-degrees, degrees)),
            Augment::ColorJitter { brightness, contrast, saturation, hue } => {
                jitter(canvas, [brightness, contrast, saturation, hue], draw);
            }
            Augment::Erasing { p, ref patch } => {
                if draw.chance(p)
                    && let Some(place) = patch::to_erase(patch, canvas.size(), draw)
                {
                    geometry::erase(canvas, place);
                }
            }
            Augment::AutoAugment => policies::auto_augment(canvas, draw),
            Augment::TrivialAugment => policies::trivial_augment(canvas, draw),
            Augment::RandAugment { n, magnitude } => policies::rand_augment(canvas, n, magnitude, draw),
            Augment::Mixup { .. } | Augment::Cutmix { .. } => {}
        }
    }
}

/// torchvision's `ColorJitter`; what has a strength of 0 is left out.
fn jitter(canvas: &mut Canvas, strengths: [f64; 4], draw: &mut Stream) {
    let mut order = [0, 1, 2, 3];
    draw.shuffle(&mut order);
    let [brightness, contrast, saturation] =
        [0, 1, 2].map(|which| draw.uniform((1.0 - strengths[which]).max(0.0), 1.0 + strengths[which]));
    let turn = draw.uniform(-strengths[3], strengths[3]);
    for which in order.into_iter().filter(|&which: &usize| strengths[which] > 0.0) {
        match which {
            0 => enhance::brightness(canvas, brightness),
            1 => enhance::contrast(canvas, contrast),
            2 => enhance::saturation(canvas, saturation),
            _ => hue::turn(canvas, turn),
        }
    }
}

#[cfg(test)]
mod pillow_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod training_tests;
