//! Policies: which operations are applied, and how strongly. As torchvision has them.

use super::canvas::Canvas;
use super::{colour, enhance, geometry};
use crate::seed::Stream;

/// An operation of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
}

use Operation::{
    AutoContrast, Brightness, Color, Contrast, Equalize, Identity, Invert, Posterize, Rotate, Sharpness, ShearX,
    ShearY, Solarize, TranslateX, TranslateY,
};

/// What RandAugment and TrivialAugment choose from.
const CHOICE: [Operation; 14] = [
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
];

/// Strengths of RandAugment and TrivialAugment: 0 to 30.
const LEVELS: usize = 31;
/// Strengths of AutoAugment: 0 to 9.
const POLICY_LEVELS: usize = 10;

/// An operation, its probability in tenths, and its strength.
type Part = (Operation, u8, usize);

/// The policy for ImageNet (Cubuk et al. 2019, table 9). What has no strengths has strength 0.
const IMAGENET: [[Part; 2]; 25] = [
    [(Posterize, 4, 8), (Rotate, 6, 9)],
    [(Solarize, 6, 5), (AutoContrast, 6, 0)],
    [(Equalize, 8, 0), (Equalize, 6, 0)],
    [(Posterize, 6, 7), (Posterize, 6, 6)],
    [(Equalize, 4, 0), (Solarize, 2, 4)],
    [(Equalize, 4, 0), (Rotate, 8, 8)],
    [(Solarize, 6, 3), (Equalize, 6, 0)],
    [(Posterize, 8, 5), (Equalize, 10, 0)],
    [(Rotate, 2, 3), (Solarize, 6, 8)],
    [(Equalize, 6, 0), (Posterize, 4, 6)],
    [(Rotate, 8, 8), (Color, 4, 0)],
    [(Rotate, 4, 9), (Equalize, 6, 0)],
    [(Equalize, 0, 0), (Equalize, 8, 0)],
    [(Invert, 6, 0), (Equalize, 10, 0)],
    [(Color, 6, 4), (Contrast, 10, 8)],
    [(Rotate, 8, 8), (Color, 10, 2)],
    [(Color, 8, 8), (Solarize, 8, 7)],
    [(Sharpness, 4, 7), (Invert, 6, 0)],
    [(ShearX, 6, 5), (Equalize, 10, 0)],
    [(Color, 4, 0), (Equalize, 6, 0)],
    [(Equalize, 4, 0), (Solarize, 2, 4)],
    [(Solarize, 6, 5), (AutoContrast, 6, 0)],
    [(Invert, 6, 0), (Equalize, 10, 0)],
    [(Color, 6, 4), (Contrast, 10, 8)],
    [(Equalize, 8, 0), (Equalize, 6, 0)],
];

/// The strongest that the operations of a policy get.
struct Reach {
    /// Pixels to the side per pixel of distance.
    shear: f64,
    /// Pixels.
    translate: f64,
    /// Degrees.
    rotate: f64,
    /// What is added to or taken from a factor of 1.
    enhance: f64,
    /// Bits that are lost.
    posterize: usize,
}

impl Reach {
    /// AutoAugment's and RandAugment's. A picture of 331 pixels was moved by up to 150.
    fn usual(size: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a side has at most 1024 pixels")]
        let translate = 150.0 / 331.0 * size as f64;
        Self { shear: 0.3, translate, rotate: 30.0, enhance: 0.9, posterize: 4 }
    }

    /// TrivialAugment's wide one.
    const WIDE: Self = Self { shear: 0.99, translate: 32.0, rotate: 135.0, enhance: 0.99, posterize: 6 };

    /// The strength of an operation at `level` of `levels`, without its sign.
    fn strength(&self, operation: Operation, level: usize, levels: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "31 levels at most")]
        let share = |most: f64| most * level as f64 / (levels - 1) as f64;
        match operation {
            ShearX | ShearY => share(self.shear),
            TranslateX | TranslateY => share(self.translate),
            Rotate => share(self.rotate),
            Brightness | Color | Contrast | Sharpness => share(self.enhance),
            #[expect(clippy::cast_precision_loss, reason = "6 bits at most")]
            Posterize => 8.0 - share(self.posterize as f64).round(),
            Solarize => 255.0 - share(255.0),
            Identity | AutoContrast | Equalize | Invert => 0.0,
        }
    }
}

impl Operation {
    /// Whether it goes either way.
    fn is_signed(self) -> bool {
        !matches!(self, Identity | Posterize | Solarize | AutoContrast | Equalize | Invert)
    }

    /// Whether there is more and less of it.
    fn has_strength(self) -> bool {
        self.is_signed() || matches!(self, Posterize | Solarize)
    }

    /// Applies it: slopes, pixels, degrees, what is added to a factor of 1, bits that are kept, or a threshold.
    pub(super) fn apply(self, canvas: &mut Canvas, strength: f64) {
        match self {
            Identity => {}
            ShearX => geometry::shear_x(canvas, strength),
            ShearY => geometry::shear_y(canvas, strength),
            TranslateX => geometry::translate(canvas, [strength, 0.0]),
            TranslateY => geometry::translate(canvas, [0.0, strength]),
            Rotate => geometry::rotate(canvas, strength),
            Brightness => enhance::brightness(canvas, 1.0 + strength),
            Color => enhance::saturation(canvas, 1.0 + strength),
            Contrast => enhance::contrast(canvas, 1.0 + strength),
            Sharpness => enhance::sharpness(canvas, 1.0 + strength),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 8 bits")]
            Posterize => colour::posterize(canvas, strength as u32),
            Solarize => colour::solarize(canvas, strength),
            AutoContrast => colour::autocontrast(canvas),
            Equalize => colour::equalize(canvas),
            Invert => colour::invert(canvas),
        }
    }
}

/// One of the pairs of the policy for ImageNet, each of its operations with its own probability.
pub(super) fn auto_augment(canvas: &mut Canvas, draw: &mut Stream) {
    let reach = Reach::usual(canvas.size());
    let pair = IMAGENET[draw.below(IMAGENET.len())];
    for (operation, tenths, level) in pair {
        let (is_applied, sign) = (draw.chance(f64::from(tenths) / 10.0), sign(draw));
        if is_applied {
            let strength = reach.strength(operation, level, POLICY_LEVELS);
            operation.apply(canvas, if operation.is_signed() { sign * strength } else { strength });
        }
    }
}

/// `n` operations at one level, each with a random sign.
pub(super) fn rand_augment(canvas: &mut Canvas, n: usize, level: usize, draw: &mut Stream) {
    let reach = Reach::usual(canvas.size());
    for _ in 0..n {
        let operation = CHOICE[draw.below(CHOICE.len())];
        one(canvas, &reach, operation, level, draw);
    }
}

/// One operation at a random level, with a random sign.
pub(super) fn trivial_augment(canvas: &mut Canvas, draw: &mut Stream) {
    let operation = CHOICE[draw.below(CHOICE.len())];
    let level = if operation.has_strength() { draw.below(LEVELS) } else { 0 };
    one(canvas, &Reach::WIDE, operation, level, draw);
}

fn one(canvas: &mut Canvas, reach: &Reach, operation: Operation, level: usize, draw: &mut Stream) {
    let strength = reach.strength(operation, level, LEVELS);
    let sign = if operation.is_signed() { sign(draw) } else { 1.0 };
    operation.apply(canvas, sign * strength);
}

fn sign(draw: &mut Stream) -> f64 {
    if draw.chance(0.5) { -1.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strengths_are_those_of_torchvision() {
        let usual = Reach::usual(331);
        let policy = |operation, level| usual.strength(operation, level, POLICY_LEVELS);
        let levels: Vec<f64> = (0..10).map(|level| policy(Posterize, level)).collect();
        assert_eq!(levels, [8.0, 8.0, 7.0, 7.0, 6.0, 6.0, 5.0, 5.0, 4.0, 4.0]);
        assert_eq!([policy(Solarize, 3), policy(Solarize, 6), policy(Solarize, 9)], [170.0, 85.0, 0.0]);
        assert_eq!([policy(Rotate, 9), policy(Rotate, 3), policy(Color, 0), policy(ShearX, 9)], [30.0, 10.0, 0.0, 0.3]);
        assert_eq!(usual.strength(TranslateX, 30, LEVELS), 150.0);
        assert_eq!(usual.strength(Rotate, 9, LEVELS), 9.0);
        let wide = |operation, level| Reach::WIDE.strength(operation, level, LEVELS);
        assert_eq!([wide(Rotate, 30), wide(TranslateY, 15), wide(Posterize, 30)], [135.0, 16.0, 2.0]);
        let bits: Vec<f64> = (0..=30).step_by(5).map(|level| wide(Posterize, level)).collect();
        assert_eq!(bits, [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]);
    }
}
