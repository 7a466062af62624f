//! Augmentations that take another row of the batch, and a part of its class with it.
//!
//! torchvision draws one share a batch and takes the row before; here each row draws its share, its place and the other
//! row from its own stream, so that rows of a batch differ in how much they are mixed.

use crate::seed::Stream;
use crate::spec::network::Augment;

/// What a row of a batch takes of another one.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::train) struct Mix {
    /// The other row's position in the batch; it may be the row's own.
    partner: usize,
    /// The part of picture and class that stays the row's own.
    share: f64,
    /// Rows and columns `[top, bottom, left, right]` that are the other's; without them all pixels are averaged.
    pasted: Option<[usize; 4]>,
}

impl Mix {
    /// Draws what a row takes in a batch of `n`, for pictures of this size; none where the last augmentation mixes nothing.
    pub(in crate::train) fn draw(augment: &[Augment], n: usize, size: usize, draw: &mut Stream) -> Option<Self> {
        match *augment.last()? {
            Augment::Mixup { alpha } => {
                let share = beta(alpha, draw);
                Some(Self { partner: draw.below(n), share, pasted: None })
            }
            Augment::Cutmix { alpha } => {
                let share = beta(alpha, draw);
                let partner = draw.below(n);
                let middle = [draw.below(size), draw.below(size)];
                Some(Self::pasting(partner, share, middle, size))
            }
            _ => None,
        }
    }

    /// A square of the other row's around a place, cut off at the border; the share is what is left.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "at most half a side of 1024 pixels"
    )]
    fn pasting(partner: usize, share: f64, [row, column]: [usize; 2], size: usize) -> Self {
        let half = (0.5 * (1.0 - share).sqrt() * size as f64) as usize;
        let ends = |at: usize| [at.saturating_sub(half), (at + half).min(size)];
        let ([top, bottom], [left, right]) = (ends(row), ends(column));
        let area = (bottom - top) * (right - left);
        let share = 1.0 - area as f64 / (size * size) as f64;
        Self { partner, share, pasted: Some([top, bottom, left, right]) }
    }

    /// Mixes into a picture `[channels, size, size]` what it takes of `batch`, the pictures as they were before.
    #[expect(clippy::cast_possible_truncation, reason = "single precision is wanted")]
    pub(in crate::train) fn apply(&self, picture: &mut [f32], batch: &[f32], size: usize) {
        let other = &batch[self.partner * picture.len()..][..picture.len()];
        let Some([top, bottom, left, right]) = self.pasted else {
            let others = (1.0 - self.share) as f32;
            for (value, &other) in picture.iter_mut().zip(other) {
                *value += others * (other - *value);
            }
            return;
        };
        for (plane, other) in picture.chunks_exact_mut(size * size).zip(other.chunks_exact(size * size)) {
            for row in top..bottom {
                let seen = row * size + left..row * size + right;
                plane[seen.clone()].copy_from_slice(&other[seen]);
            }
        }
    }
}

/// The share of each class in each row `[batch, class]`: the row's own class, and that of the row it takes from.
#[expect(clippy::cast_possible_truncation, reason = "single precision is wanted")]
pub(in crate::train) fn shares(mixes: &[Mix], targets: &[usize], n_classes: usize) -> Vec<f32> {
    let mut shares = vec![0.0; targets.len() * n_classes];
    for (row, (of_row, &class)) in shares.chunks_exact_mut(n_classes).zip(targets).enumerate() {
        of_row[class] = 1.0;
        if let Some(mix) = mixes.get(row) {
            of_row[class] = mix.share as f32;
            of_row[targets[mix.partner]] += (1.0 - mix.share) as f32;
        }
    }
    shares
}

/// Beta(alpha, alpha): of two gamma variables, the share that the first has of both. Through logarithms, for with a small
/// alpha both are often too small for a number.
fn beta(alpha: f64, draw: &mut Stream) -> f64 {
    let (own, other) = (log_gamma(alpha, draw), log_gamma(alpha, draw));
    1.0 / (1.0 + libm::exp(other - own))
}

/// The logarithm of a variable with the gamma distribution (Marsaglia and Tsang 2000, and its section 6 for a shape below 1).
fn log_gamma(shape: f64, draw: &mut Stream) -> f64 {
    // Never 0, so that its logarithm is finite.
    let positive = |draw: &mut Stream| 1.0 - draw.unit();
    if shape < 1.0 {
        return log_gamma(shape + 1.0, draw) + libm::log(positive(draw)) / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = draw.normal();
        let cube = (1.0 + c * x) * (1.0 + c * x) * (1.0 + c * x);
        if cube > 0.0 && libm::log(positive(draw)) < 0.5 * x * x + d - d * cube + d * libm::log(cube) {
            return libm::log(d * cube);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::seed::Seed;

    /// Mean and variance of the shares of 4,000 rows.
    fn moments(alpha: f64) -> (f64, f64) {
        let share = |row| beta(alpha, &mut Seed::root(11).child_at("mix", row).stream());
        let shares: Vec<f64> = (0..4000).map(share).collect();
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        let mean = shares.iter().sum::<f64>() / 4000.0;
        (mean, shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / 4000.0)
    }

    #[test]
    fn shares_have_the_moments_of_a_beta_distribution() {
        for alpha in [0.001, 0.2, 1.0, 5.0, 1000.0] {
            let (mean, variance) = moments(alpha);
            let expected = 0.25 / (2.0 * alpha + 1.0);
            assert!((mean - 0.5).abs() < 0.03, "mean {mean} with {alpha}");
            assert!((variance / expected - 1.0).abs() < 0.1, "variance {variance} with {alpha} instead of {expected}");
        }
    }

    #[test]
    fn mixup_averages_pictures_and_classes() {
        let mix = Mix { partner: 1, share: 0.75, pasted: None };
        let batch = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 12.0];
        let mut picture = batch[..4].to_vec();
        mix.apply(&mut picture, &batch, 2);
        assert_eq!(picture, [2.0, 3.0, 4.0, 6.0]);
        let own = Mix { partner: 1, share: 0.5, pasted: None };
        assert_eq!(shares(&[mix, own], &[2, 0], 3), [0.25, 0.0, 0.75, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn cutmix_pastes_a_square_and_counts_its_pixels() {
        // A quarter of the area is a square of half a side: 2 of 4 pixels.
        let mix = Mix::pasting(1, 0.75, [1, 3], 4);
        assert_eq!(mix, Mix { partner: 1, share: 0.75, pasted: Some([0, 2, 2, 4]) });
        let corner = Mix::pasting(1, 0.75, [0, 0], 4);
        assert_eq!(corner, Mix { partner: 1, share: 15.0 / 16.0, pasted: Some([0, 1, 0, 1]) });
        let batch: Vec<f32> = (0..32).map(|value| if value < 16 { 0.0 } else { 1.0 }).collect();
        let mut picture = batch[..16].to_vec();
        mix.apply(&mut picture, &batch, 4);
        let line = [0.0, 0.0, 1.0, 1.0];
        assert_eq!(picture, [line, line, [0.0; 4], [0.0; 4]].concat());
        assert_eq!(shares(&[mix.clone(), mix], &[0, 1], 2), [0.75, 0.25, 0.0, 1.0]);
    }

    #[test]
    fn a_row_draws_its_partner_from_the_whole_batch() {
        let mut seen = std::collections::BTreeSet::new();
        for row in 0..200 {
            let mut stream = Seed::root(5).child_at("mix", row).stream();
            seen.insert(Mix::draw(&[Augment::Mixup { alpha: 1.0 }], 8, 4, &mut stream).unwrap().partner);
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
        let mut stream = Seed::root(5).stream();
        assert_eq!(Mix::draw(&[Augment::Flip { p: 1.0 }], 8, 4, &mut stream), None);
        assert_eq!(Mix::draw(&[], 8, 4, &mut stream), None);
    }
}
