//! What one animal looks like apart from its colours: drawn around a cat's or a dog's typical measures, which
//! overlap, so that no single trait tells the class.

use crate::seed::Stream;

/// Uniform in `[low, high)`.
pub(super) fn between(stream: &mut Stream, low: f32, high: f32) -> f32 {
    stream.uniform(f64::from(low), f64::from(high)) as f32
}

/// The form of the ears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ears {
    /// Upright with a tip; most cats, few dogs.
    Pointed,
    /// Upright with a round top.
    Round,
    /// Upright with the tip falling forward.
    Folded,
    /// Hanging beside the face; most dogs, and a cat that is drawn half a dog.
    Hanging,
}

/// The measures of an animal; lengths in units of the head's radius.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    pub(super) ears: Ears,
    pub(super) ear_length: f32,
    pub(super) ear_width: f32,
    /// Angle of upright ears away from each other, in radians.
    pub(super) ear_lean: f32,
    pub(super) head_width: f32,
    pub(super) head_height: f32,
    /// How far the cheeks bulge.
    pub(super) cheeks: f32,
    /// How far the muzzle stands out from the face.
    pub(super) muzzle_length: f32,
    pub(super) muzzle_width: f32,
    pub(super) nose_width: f32,
    /// 0 a small triangle, 1 a big round one.
    pub(super) nose_roundness: f32,
    /// The nose is pink; half of the cats, few dogs.
    pub(super) pink_nose: bool,
    pub(super) eye_width: f32,
    pub(super) eye_distance: f32,
    /// Upward slant of the outer corners, in radians.
    pub(super) eye_slant: f32,
    /// Width of the pupil in eye widths: a slit or nearly the whole eye.
    pub(super) pupil: f32,
    /// How well the whiskers are seen, in `[0, 1]`.
    pub(super) whiskers: f32,
    /// Length of the tongue, 0 if the mouth is shut.
    pub(super) tongue: f32,
    pub(super) tail_width: f32,
    pub(super) tail_length: f32,
    pub(super) leg_width: f32,
}

/// One animal in 25 is drawn half-way between the species.
const AMBIGUOUS: f64 = 0.04;

impl Traits {
    /// The traits of a dog or a cat.
    pub(super) fn draw(is_dog: bool, stream: &mut Stream) -> Self {
        let dogness = if stream.chance(AMBIGUOUS) {
            between(stream, 0.4, 0.6)
        } else {
            let off = stream.unit() as f32;
            let off = 0.14 * off * off;
            if is_dog { 1.0 - off } else { off }
        };
        let mut around = |cat: f32, dog: f32, spread: f32| {
            let noise = (stream.normal() as f32).clamp(-2.5, 2.5);
            (cat + (dog - cat) * dogness) * (1.0 + spread * noise)
        };
        let mut traits = Self {
            ears: Ears::Pointed,
            ear_length: around(0.92, 0.82, 0.14),
            ear_width: around(0.36, 0.30, 0.12),
            ear_lean: around(0.36, 0.26, 0.30),
            head_width: around(1.08, 0.86, 0.05),
            head_height: around(0.84, 0.92, 0.05),
            cheeks: around(0.30, 0.10, 0.20),
            muzzle_length: around(0.18, 0.80, 0.15),
            muzzle_width: around(0.25, 0.46, 0.10),
            nose_width: around(0.12, 0.33, 0.10),
            nose_roundness: around(0.05, 0.95, 0.05),
            eye_width: around(0.34, 0.14, 0.10),
            eye_distance: around(0.43, 0.37, 0.08),
            eye_slant: around(0.30, 0.0, 0.40),
            pupil: around(0.32, 0.96, 0.12),
            pink_nose: false,
            whiskers: 0.0,
            tongue: 0.0,
            tail_width: around(0.15, 0.24, 0.15),
            tail_length: around(1.5, 1.0, 0.20),
            leg_width: around(0.22, 0.25, 0.10),
        };
        let dogness = f64::from(dogness);
        traits.ears = draw_ears(dogness, stream);
        if traits.ears == Ears::Hanging {
            traits.ear_length *= between(stream, 1.1, 1.5);
        }
        traits.pink_nose = stream.chance(0.55 - 0.45 * dogness);
        if stream.chance(0.95 - 0.9 * dogness) {
            traits.whiskers = between(stream, 0.5, 1.0);
        }
        if stream.chance(0.05 + 0.5 * dogness) {
            traits.tongue = between(stream, 0.15, 0.25 + 0.3 * dogness as f32);
        }
        if stream.chance(0.08) {
            traits.pupil = between(stream, 0.5, 0.9);
        }
        traits
    }
}

/// Nine cats in ten have pointed ears; seven dogs in ten hang theirs.
fn draw_ears(dogness: f64, stream: &mut Stream) -> Ears {
    let dogness = dogness * dogness * (3.0 - 2.0 * dogness);
    let share = |cat: f64, dog: f64| cat + (dog - cat) * dogness;
    let kinds =
        [(Ears::Pointed, share(0.91, 0.08)), (Ears::Round, share(0.05, 0.05)), (Ears::Folded, share(0.04, 0.14))];
    let mut left = stream.unit();
    for (ears, share) in kinds {
        if left < share {
            return ears;
        }
        left -= share;
    }
    Ears::Hanging
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn ears_overlap_between_the_species() {
        let mut counts = [[0; 4]; 2];
        for is_dog in [false, true] {
            let mut stream = Seed::root(3).stream();
            for _ in 0..1000 {
                let traits = Traits::draw(is_dog, &mut stream);
                counts[usize::from(is_dog)][traits.ears as usize] += 1;
            }
        }
        let [cat, dog] = counts;
        assert!(cat[0] > 800 && cat[2] > 20, "{counts:?}");
        assert!(dog[0] > 80 && dog[3] > 600, "{counts:?}");
    }

    #[test]
    fn a_typical_dog_has_the_longer_muzzle_but_not_every_dog() {
        let muzzles = |is_dog| {
            let mut stream = Seed::root(4).stream();
            let mut lengths: Vec<f32> = (0..500).map(|_| Traits::draw(is_dog, &mut stream).muzzle_length).collect();
            lengths.sort_by(f32::total_cmp);
            lengths
        };
        let (cats, dogs) = (muzzles(false), muzzles(true));
        assert!(cats[250] + 0.3 < dogs[250]);
        assert!(cats[499] > dogs[0]);
    }
}
