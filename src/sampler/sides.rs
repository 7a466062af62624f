//! The trials that the two densities of a decision are fitted to, and what they weigh.

use super::products::BLOCK;
use super::recipe::TpeRecipe;
use super::split::Split;
use crate::trial::{Direction, TrialRecord};

/// So many of the best trials that are not good are the first to be summed.
const NEAR_MISSES: usize = 512;

/// Trials at positions of the history.
pub(super) struct Side {
    /// Where a contest sums them block by block, it begins with the last.
    pub(super) trials: Vec<usize>,
    /// Of each trial, then of the prior.
    pub(super) weights: Vec<f64>,
}

/// Both sides.
pub(super) struct Sides {
    pub(super) good: Side,
    pub(super) other: Side,
}

impl Sides {
    /// Weighs the trials of a split, whose sides are by number.
    pub(super) fn new(split: Split, history: &[&TrialRecord], direction: Direction, recipe: TpeRecipe) -> Self {
        let Split { below, above } = split;
        let record = |&trial: &usize| history[trial];
        let weights = recipe.weights_below(below.iter().map(record), above.iter().map(record), direction);
        let other = Side { weights: recipe.weights_above(above.len()), trials: above };
        Self { good: Side { trials: below, weights }, other: other.with_near_misses_last(history, direction) }
    }
}

impl Side {
    /// Puts the trials with the best values in the first objective behind the others, the best of them last. Sums begin there
    /// (`sampler::contest`): candidates lie near the good trials, and so do those that almost were, so that with these summed
    /// most candidates can no longer win. Of two blocks of kernels there is little to save.
    ///
    /// But for rounding, the order decides nothing else than which of equal observations have wide kernels
    /// (`sampler::bandwidths`).
    fn with_near_misses_last(self, history: &[&TrialRecord], direction: Direction) -> Self {
        let n = self.trials.len();
        if n <= 2 * BLOCK {
            return self;
        }
        let loss =
            |&trial: &usize| history[trial].state.score().map_or(f64::INFINITY, |score| direction.loss(score.value()));
        let mut best: Vec<(f64, usize)> = self.trials.iter().map(loss).zip(0..).collect();
        let worse = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1));
        if n > NEAR_MISSES {
            best.select_nth_unstable_by(n - NEAR_MISSES, worse);
            best.drain(..n - NEAR_MISSES);
        }
        best.sort_unstable_by(worse);
        let mut is_best = vec![false; n];
        best.iter().for_each(|(_, place)| is_best[*place] = true);
        let order = (0..n).filter(|place| !is_best[*place]).chain(best.iter().map(|(_, place)| *place));
        let (trials, mut weights): (Vec<usize>, Vec<f64>) =
            order.map(|place| (self.trials[place], self.weights[place])).unzip();
        weights.push(self.weights[n]);
        Self { trials, weights }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::TrialState;
    use crate::value::Assignment;

    #[test]
    fn near_misses_come_last_and_keep_their_weights() {
        let record = |number: usize| {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let state = match number {
                7 => TrialState::Pending,
                _ => TrialState::from_objective((number * 37 % 1000) as f64),
            };
            TrialRecord { number, assignment: Assignment::new(), state }
        };
        let records: Vec<TrialRecord> = (0..1000).map(record).collect();
        let history: Vec<&TrialRecord> = records.iter().collect();
        let split = |n: usize| Split { below: vec![0], above: (1..n).collect() };
        let sides = |n| Sides::new(split(n), &history, Direction::Minimize, TpeRecipe::Optuna);
        assert_eq!(sides(120).other.trials, (1..120).collect::<Vec<_>>());
        let Side { trials, weights } = sides(1000).other;
        assert_eq!(weights.len(), 1000);
        let weight = |trial: usize| TpeRecipe::Optuna.weights_above(999)[trial - 1];
        assert!(trials.iter().zip(&weights).all(|(trial, held)| *held == weight(*trial)));
        let losses: Vec<usize> = trials.iter().map(|trial| trial * 37 % 1000).collect();
        // Of the pending trial nothing is known.
        assert_eq!(losses[487..], (1..=513).rev().filter(|loss| *loss != 7 * 37).collect::<Vec<_>>());
        assert!(trials[..487].is_sorted() && trials[..487].contains(&7));
        assert_eq!(weights[999], 1.0, "the prior's");
        let highest = Sides::new(split(1000), &history, Direction::Maximize, TpeRecipe::Optuna).other.trials;
        assert_eq!(highest[996..].iter().map(|trial| trial * 37 % 1000).collect::<Vec<_>>(), [997, 998, 999]);
    }
}
