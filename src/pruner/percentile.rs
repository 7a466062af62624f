//! Median and percentile: by how earlier trials did at the same epoch.

use super::error::at_least;
use super::{Bounds, Curve, Measure, PrunerError, Schedule};
use crate::trial::Direction;

/// A trial is stopped at an epoch when its best value so far is worse than the percentile of the values that complete
/// trials had at that epoch.
///
/// As in Optuna, whose own source is Golovin et al. 2017 (KDD, section 3.2.2: there the running average of the others is
/// taken, and the median). Percentiles lie between neighbours by linear interpolation. Two things differ: an epoch is
/// judged once `n_startup` complete trials have a value at it (Optuna counts complete trials and those with a value
/// apart), and pruned trials never count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentile {
    percentile: f64,
    n_startup: usize,
    schedule: Schedule,
}

impl Percentile {
    /// The best `percentile` per cent of trials go on; 50 is the median.
    ///
    /// # Errors
    /// `percentile` is outside 0 to 100, or `n_startup` is 0.
    pub fn new(percentile: f64, n_startup: usize, schedule: Schedule) -> Result<Self, PrunerError> {
        if !(0.0..=100.0).contains(&percentile) {
            return Err(PrunerError::OutOfRange { what: "percentile", found: percentile, range: "in 0..=100" });
        }
        Ok(Self { percentile, n_startup: at_least("n_startup", n_startup, 1)?, schedule })
    }

    pub(super) fn is_median(&self) -> bool {
        self.percentile == 50.0
    }

    pub(super) fn bounds(&self, curves: &[Curve<'_>], n_epochs: usize, direction: Direction) -> Option<Bounds> {
        let at = self.schedule.epochs(n_epochs).filter_map(|epoch| {
            let complete = curves.iter().filter(|curve| curve.is_complete);
            let mut losses: Vec<f64> =
                complete.filter_map(|curve| curve.at(epoch)).map(|value| direction.loss(value)).collect();
            losses.sort_by(f64::total_cmp);
            (losses.len() >= self.n_startup).then(|| (epoch, direction.loss(percentile(&losses, self.percentile))))
        });
        Bounds::computed(Measure::Best, at)
    }
}

/// The percentile of sorted numbers, of which there is at least one, by linear interpolation between neighbours.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions among trials are small and not negative"
)]
fn percentile(sorted: &[f64], percentile: f64) -> f64 {
    let position = percentile / 100.0 * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn complete(values: &[Option<f64>]) -> Curve<'_> {
        Curve { trial: 0, is_complete: true, values }
    }

    fn rule(percentile: f64, n_startup: usize) -> Percentile {
        Percentile::new(percentile, n_startup, Schedule::new(0, 1).unwrap()).unwrap()
    }

    #[test]
    fn percentiles_are_those_of_numpy() {
        // numpy.percentile([1, 2, 4, 8], p)
        for (p, expected) in [(0.0, 1.0), (25.0, 1.75), (50.0, 3.0), (90.0, 6.8), (100.0, 8.0)] {
            assert!((percentile(&[1.0, 2.0, 4.0, 8.0], p) - expected).abs() < 1e-12, "{p}");
        }
        assert_eq!(percentile(&[5.0], 30.0).to_bits(), 5.0_f64.to_bits());
    }

    #[test]
    fn the_median_of_complete_trials_is_the_bound_at_each_epoch() {
        let (a, b, c) = ([Some(0.5), Some(0.6), Some(0.9)], [Some(0.7), Some(0.8)], [Some(0.6), None, Some(0.7)]);
        let pruned = Curve { trial: 3, is_complete: false, values: &[Some(0.0), Some(0.0)] };
        let curves = [complete(&a), complete(&b), complete(&c), pruned];
        // Epoch 1: 0.5, 0.6, 0.7; epoch 2: 0.6, 0.8; epoch 3: 0.9, 0.7; epoch 4 is the last.
        let found = rule(50.0, 2).bounds(&curves, 4, Direction::Maximize).unwrap();
        let expected = [(1, 0.6), (2, 0.7), (3, 0.8)];
        assert_eq!(found.measure(), Measure::Best);
        assert_eq!(found.at().len(), 3);
        for (found, expected) in found.at().iter().zip(expected) {
            assert!(found.0 == expected.0 && (found.1 - expected.1).abs() < 1e-12, "{found:?} {expected:?}");
        }
        assert_eq!(rule(50.0, 3).bounds(&curves, 4, Direction::Maximize).unwrap().at().len(), 1, "epoch 1 alone has 3");
        assert_eq!(rule(50.0, 4).bounds(&curves, 4, Direction::Maximize), None);
    }

    #[test]
    fn a_percentile_keeps_the_best_in_either_direction() {
        let values = [[Some(1.0)], [Some(2.0)], [Some(3.0)], [Some(4.0)], [Some(5.0)]];
        let curves: Vec<Curve<'_>> = values.iter().map(|values| complete(values)).collect();
        let bound = |direction| rule(25.0, 1).bounds(&curves, 2, direction).unwrap().at()[0].1;
        assert_eq!(bound(Direction::Minimize).to_bits(), 2.0_f64.to_bits());
        assert_eq!(bound(Direction::Maximize).to_bits(), 4.0_f64.to_bits());
        assert!(rule(50.0, 1).is_median() && !rule(25.0, 1).is_median());
    }

    #[test]
    fn a_percentile_beyond_a_hundred_and_no_startup_are_refused() {
        let schedule = Schedule::new(0, 1).unwrap();
        let message = |percentile, n| Percentile::new(percentile, n, schedule).unwrap_err().to_string();
        assert_eq!(message(101.0, 1), "percentile is 101, but must be in 0..=100");
        assert_eq!(message(50.0, 0), "n_startup is 0, but must be at least 1");
    }
}
