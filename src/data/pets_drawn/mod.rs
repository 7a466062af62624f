//! Cats and dogs drawn by the program, so that a first experiment needs no download.
//!
//! Every picture is painted from `(seed, index)` alone: an animal with random measures and fur, in a random
//! pose before a random background, perhaps behind something, in some light. The two species share the colours
//! and patterns of fur, the poses and the backgrounds, and overlap in their measures; a few animals are drawn
//! half-way between them. A network has to look at ears, muzzle and eyes together, and cannot reach a perfect score.

mod body;
mod canvas;
mod coat;
mod geometry;
mod head;
mod noise;
mod scene;
mod traits;

use crate::seed::{Seed, Stream};
use body::{Body, Pose};
use coat::Coat;
use geometry::{Frame, Point, at};
use head::{Gaze, Head};
use traits::{Traits, between};

/// Names the way of drawing. It changes when any picture would change.
pub(crate) const VERSION: &str = "drawn-pets-1";

/// The drawn pictures of one seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DrawnPets {
    seed: Seed,
}

impl DrawnPets {
    /// The pictures that belong to `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed: Seed::root(seed).child(VERSION) }
    }

    /// Whether picture `index` shows a dog. Pictures `2 k` and `2 k + 1` show one of each, in random order.
    pub(crate) fn is_dog(&self, index: usize) -> bool {
        let dog_first = self.seed.child_at("pair", index / 2).stream().chance(0.5);
        dog_first == (index.is_multiple_of(2))
    }

    /// Draws picture `index` as RGB bytes `[size, size, 3]` into `out`.
    pub(crate) fn draw(&self, index: usize, size: usize, out: &mut [u8]) {
        let mut stream = self.seed.child_at("picture", index).stream();
        let traits = Traits::draw(self.is_dog(index), &mut stream);
        let coat = Coat::draw(&mut stream);
        let mut canvas = scene::background(size, coat.brightness(), &mut stream);
        let (head, pose, scale) = place_animal(&mut stream);
        let (lean, tilt) = (tilt(&mut stream, 0.10), tilt(&mut stream, 0.15));
        let mirrored = stream.chance(0.5);
        Body { canvas: &mut canvas, frame: Frame::new(head, scale, lean, mirrored), traits: &traits, coat: &coat }
            .paint(pose, &mut stream);
        let gaze = Gaze {
            yaw: 0.45 * between(&mut stream, -1.0, 1.0),
            nod: between(&mut stream, -0.2, 0.25),
            asleep: stream.chance(0.05),
        };
        Head {
            canvas: &mut canvas,
            frame: Frame::new(head, scale, lean + tilt, mirrored),
            traits: &traits,
            coat: &coat,
            gaze,
        }
        .paint();
        scene::occlude(&mut canvas, head, &mut stream);
        scene::light(&mut canvas, &mut stream);
        let grain = between(&mut stream, 0.01, 0.03);
        canvas.develop(grain, &mut stream, out);
    }
}

/// A small random angle in radians.
fn tilt(stream: &mut Stream, spread: f64) -> f32 {
    (spread * stream.normal().clamp(-2.5, 2.5)) as f32
}

/// The middle of the head in the picture, the pose, and the head's radius: a portrait cut by the lower edge, or
/// the whole animal.
fn place_animal(stream: &mut Stream) -> (Point, Pose, f32) {
    let mut jitter = |centre: f32, spread: f32| centre + between(stream, -spread, spread);
    let portrait = (at(jitter(0.0, 0.12), jitter(0.02, 0.08)), jitter(0.62, 0.05));
    let sitting = (at(jitter(0.0, 0.25), jitter(-0.25, 0.12)), jitter(0.46, 0.05));
    let lying = (at(jitter(-0.35, 0.25), jitter(0.05, 0.2)), jitter(0.46, 0.05));
    match stream.below(10) {
        0..=7 => (portrait.0, Pose::Sitting, portrait.1),
        8 => (sitting.0, Pose::Sitting, sitting.1),
        _ => (lying.0, Pose::Lying, lying.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(seed: u64, index: usize) -> Vec<u8> {
        let mut out = vec![0; 64 * 64 * 3];
        DrawnPets::new(seed).draw(index, 64, &mut out);
        out
    }

    #[test]
    fn a_picture_depends_on_seed_and_index_alone() {
        assert_eq!(picture(7, 3), picture(7, 3));
        assert_ne!(picture(7, 3), picture(7, 4));
        assert_ne!(picture(7, 3), picture(8, 3));
    }

    #[test]
    fn pictures_are_fixed_for_ever() {
        let mut hasher = blake3::Hasher::new();
        (0..8).for_each(|i| {
            hasher.update(&picture(1729, i));
        });
        assert_eq!(hasher.finalize().to_hex().as_str(), GOLDEN);
    }
    const GOLDEN: &str = "b2f4788bbdc8d2ba67dd9df6f66f776753a5366445ec6481314b8dd4255806a6";

    #[test]
    fn every_pair_holds_a_cat_and_a_dog_in_random_order() {
        let pets = DrawnPets::new(1);
        let first = (0..200).filter(|k| pets.is_dog(2 * k)).count();
        assert!((0..200).all(|k| pets.is_dog(2 * k) != pets.is_dog(2 * k + 1)));
        assert!((70..130).contains(&first), "{first}");
    }
}
