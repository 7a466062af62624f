//! Fur: its colours and its pattern, and the colour of the eyes. Cats and dogs draw from the same ones, so that they
//! tell nothing.

use super::canvas::{Colour, brightness, mix, shade, smooth};
use super::geometry::{Point, at};
use super::noise::Noise;
use super::traits::between;
use crate::seed::Stream;

/// White, cream, ginger, tan, brown, dark brown, charcoal, grey, blue-grey.
const FURS: [Colour; 9] = [
    [0.93, 0.91, 0.88],
    [0.88, 0.77, 0.60],
    [0.85, 0.52, 0.22],
    [0.72, 0.54, 0.36],
    [0.50, 0.33, 0.20],
    [0.31, 0.21, 0.15],
    [0.17, 0.16, 0.17],
    [0.55, 0.54, 0.53],
    [0.42, 0.46, 0.53],
];
const WHITE: Colour = [0.95, 0.94, 0.91];

/// The part of the animal a place belongs to; patterns treat them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Head,
    Ear,
    Muzzle,
    Body,
    Paw,
}

#[derive(Clone, Copy, Debug)]
enum Pattern {
    Plain,
    /// Dark stripes, this many to a unit.
    Striped(f32),
    /// Large patches of the second colour.
    Patched,
    /// Small spots of the second colour.
    Spotted,
    /// Ears, muzzle and paws in the second colour.
    Pointed,
}

/// The fur of one animal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coat {
    base: Colour,
    second: Colour,
    pattern: Pattern,
    /// White muzzle, chest and paws.
    white_front: bool,
    iris: Colour,
    nose: Colour,
    field: Noise,
    /// Direction the light comes from.
    light: Point,
}

impl Coat {
    /// A random coat.
    pub(super) fn draw(stream: &mut Stream) -> Self {
        let mut fur = || {
            let colour = FURS[stream.below(FURS.len())];
            let factor = between(stream, 0.85, 1.1);
            colour.map(|c| (c * factor + between(stream, -0.03, 0.03)).clamp(0.05, 0.98))
        };
        let (base, mut second) = (fur(), fur());
        if (brightness(base) - brightness(second)).abs() < 0.2 {
            second = if brightness(base) > 0.5 { shade(base, 0.45) } else { mix(base, WHITE, 0.6) };
        }
        let pattern = match stream.below(10) {
            0..=3 => Pattern::Plain,
            4 | 5 => Pattern::Striped(between(stream, 1.6, 2.6)),
            6 | 7 => Pattern::Patched,
            8 => Pattern::Spotted,
            _ => Pattern::Pointed,
        };
        let irises = [[0.45, 0.65, 0.25], [0.80, 0.60, 0.15], [0.40, 0.60, 0.80], [0.45, 0.28, 0.12]];
        let noses = [[0.10, 0.08, 0.09], [0.10, 0.08, 0.09], [0.30, 0.18, 0.14]];
        Self {
            base,
            second,
            pattern,
            white_front: stream.chance(0.35),
            iris: irises[stream.below(irises.len())],
            nose: noses[stream.below(noses.len())],
            field: Noise::new(stream.bits()),
            light: at(between(stream, -0.6, 0.6), -1.0),
        }
    }

    /// How bright the animal is on the whole.
    pub(super) fn brightness(&self) -> f32 {
        brightness(self.base)
    }

    /// Colour of the iris.
    pub(super) fn iris(&self) -> Colour {
        self.iris
    }

    /// Colour of a nose that is not pink.
    pub(super) fn nose(&self) -> Colour {
        self.nose
    }

    /// A line that is seen on this fur: eyelids, the mouth.
    pub(super) fn line(&self) -> Colour {
        shade(self.base, if self.brightness() > 0.3 { 0.25 } else { 0.12 })
    }

    /// The fur at `p` (units of the head's radius, origin in the middle of the head) of a part of radius
    /// `bulge` there, `distance` from its edge: pattern, hair, and light over a rounded form with a dark rim.
    pub(super) fn paint(&self, part: Part, p: Point, distance: f32, bulge: f32) -> Colour {
        let hair = self.field.value(at(p.x * 9.0, p.y * 5.0)) - 0.5;
        let fur = match part {
            Part::Ear => shade(self.pattern_at(part, p), 0.85),
            Part::Muzzle => mix(self.pattern_at(part, p), WHITE, 0.22),
            Part::Head | Part::Body | Part::Paw => self.pattern_at(part, p),
        };
        let depth = (-distance / bulge).clamp(0.0, 1.0);
        let round = 0.74 + 0.30 * smooth(0.0, 0.8, depth);
        let side = 1.0 + 0.10 * p.dot(self.light).clamp(-1.5, 1.5);
        let rim = 1.0 - 0.38 * smooth(-0.09, 0.0, distance);
        shade(fur, round * side * rim * (1.0 + 0.22 * hair))
    }

    fn pattern_at(&self, part: Part, p: Point) -> Colour {
        let front = part == Part::Muzzle || part == Part::Paw;
        if self.white_front && front {
            return WHITE;
        }
        let low = |scale: f32| self.field.value(p * scale + at(31.0, 17.0));
        match self.pattern {
            Pattern::Plain => self.base,
            Pattern::Striped(density) => {
                let wave = if part == Part::Head || part == Part::Ear { p.x * 1.3 } else { p.y + 0.4 * p.x };
                let phase = (wave + 0.35 * low(1.5)) * density * std::f32::consts::TAU;
                let strength = if front { 0.15 } else { 0.4 };
                let stripe = smooth(-0.1, 0.7, libm::sinf(phase));
                mix(self.base, self.second, strength * stripe)
            }
            Pattern::Patched => mix(self.base, self.second, smooth(0.50, 0.58, low(0.85))),
            Pattern::Spotted => mix(self.base, self.second, smooth(0.60, 0.70, low(2.6))),
            Pattern::Pointed => {
                let dark = part == Part::Ear || front;
                let mask = smooth(1.0, 0.3, p.length()) * 0.4;
                mix(self.base, self.second, if dark { 0.9 } else { mask })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn fur_stays_in_range_and_is_darker_at_the_edge() {
        for seed in 0..50 {
            let coat = Coat::draw(&mut Seed::root(seed).stream());
            let inside = coat.paint(Part::Head, at(0.0, 0.0), -1.0, 1.0);
            let edge = coat.paint(Part::Head, at(0.0, 0.0), 0.0, 1.0);
            assert!(inside.iter().all(|c| (0.0..1.4).contains(c)), "{inside:?}");
            assert!(brightness(edge) < brightness(inside));
        }
    }
}
