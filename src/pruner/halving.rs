//! Successive halving over epochs.

use super::error::at_least;
use super::{Bounds, Curve, Measure, PrunerError};
use crate::trial::Direction;

/// Asynchronous successive halving (ASHA; Li et al. 2020, MLSys, "A System for Massively Parallel Hyperparameter
/// Tuning"): at the rungs, epochs `min_epochs * reduction_factor^k`, a trial goes on when its value is among the best
/// `1 / reduction_factor` of those that came so far, itself included.
///
/// It differs from the paper in three ways. A trial is held against those it may see by its number, not against whoever
/// came to the rung first: that set is the same however many workers there are. A trial that is stopped is never
/// resumed when others turn out worse, so no state is kept. And where the paper promotes the best
/// `floor(n / reduction_factor)` of n, which is nobody for the first few, at least the best one goes on here (as in Optuna). A
/// value equal to the last one that goes on does so too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuccessiveHalving {
    min_epochs: usize,
    reduction_factor: usize,
}

impl SuccessiveHalving {
    /// With its first rung and the factor between rungs.
    ///
    /// # Errors
    /// `min_epochs` is 0, or `reduction_factor` below 2.
    pub fn new(min_epochs: usize, reduction_factor: usize) -> Result<Self, PrunerError> {
        Ok(Self {
            min_epochs: at_least("min_epochs", min_epochs, 1)?,
            reduction_factor: at_least("reduction_factor", reduction_factor, 2)?,
        })
    }

    /// The rungs before the last of `n_epochs` epochs.
    fn rungs(self, n_epochs: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(self.min_epochs), move |rung| rung.checked_mul(self.reduction_factor))
            .take_while(move |&rung| rung < n_epochs)
    }

    pub(super) fn bounds(self, curves: &[Curve<'_>], n_epochs: usize, direction: Direction) -> Option<Bounds> {
        let at = self.rungs(n_epochs).filter_map(|rung| {
            let mut losses: Vec<f64> =
                curves.iter().filter_map(|curve| curve.at(rung)).map(|value| direction.loss(value)).collect();
            losses.sort_by(f64::total_cmp);
            // Among n others and itself it is one of the k best when at most k - 1 others are better.
            let k = ((losses.len() + 1) / self.reduction_factor).max(1);
            losses.get(k - 1).map(|&loss| (rung, direction.loss(loss)))
        });
        Bounds::computed(Measure::Last, at)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn rule(min_epochs: usize, reduction_factor: usize) -> SuccessiveHalving {
        SuccessiveHalving::new(min_epochs, reduction_factor).unwrap()
    }

    #[test]
    fn rungs_are_powers_of_the_factor_before_the_last_epoch() {
        assert_eq!(rule(1, 4).rungs(65).collect::<Vec<_>>(), [1, 4, 16, 64]);
        assert_eq!(rule(2, 3).rungs(18).collect::<Vec<_>>(), [2, 6]);
        assert_eq!(rule(5, 2).rungs(5).count(), 0);
        assert_eq!(rule(1, 2).rungs(usize::MAX).count(), 64, "it ends where the next rung would be no number");
    }

    #[test]
    fn at_each_rung_the_best_share_goes_on_whether_it_ended_there_or_not() {
        let values: Vec<Vec<Option<f64>>> = vec![
            vec![Some(0.9), Some(0.8), Some(0.7)],
            vec![Some(0.5), Some(0.4), Some(0.3)],
            vec![Some(0.6)],
            vec![Some(0.7)],
            vec![Some(0.8), Some(0.5)],
        ];
        let curves: Vec<Curve<'_>> = values
            .iter()
            .enumerate()
            .map(|(trial, values)| Curve { trial, is_complete: values.len() == 3, values })
            .collect();
        // Rung 1: 5 others, k = 6 / 2 = 3, the third best; rung 2: 3 others, k = 4 / 2 = 2.
        let found = rule(1, 2).bounds(&curves, 4, Direction::Minimize).unwrap();
        assert_eq!((found.measure(), found.at()), (Measure::Last, &[(1, 0.7), (2, 0.5)][..]));
        let found = rule(1, 2).bounds(&curves, 4, Direction::Maximize).unwrap();
        assert_eq!(found.at(), [(1, 0.7), (2, 0.5)]);
        // Rung 1: k = 6 / 4 = 1; rung 4 has nobody.
        assert_eq!(rule(1, 4).bounds(&curves, 9, Direction::Minimize).unwrap().at(), [(1, 0.5)]);
        assert_eq!(rule(1, 4).bounds(&[], 9, Direction::Minimize), None, "the first trial goes on");
    }

    #[test]
    fn a_factor_of_one_halves_nothing() {
        let message = |min, factor| SuccessiveHalving::new(min, factor).unwrap_err().to_string();
        assert_eq!(message(1, 1), "reduction_factor is 1, but must be at least 2");
        assert_eq!(message(0, 2), "min_epochs is 0, but must be at least 1");
    }
}
