//! The published settings of the estimator.

use crate::trial::{Direction, TrialRecord, TrialState};

/// This many of the newest observations count in full.
const NEWEST: usize = 25;
/// The least that a good trial weighs by its improvement.
const LEAST_GAIN: f64 = 1e-12;

/// How many trials are good, what they weigh and how wide their kernels are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TpeRecipe {
    /// A tenth of the trials is good (a fifth inside a branch), old ones weigh less, and kernels reach to their neighbours:
    /// the settings of Optuna 5.
    #[default]
    Optuna,
    /// 15 % of the trials are good and weigh by what they improve on the others, the others weigh the same, and kernels
    /// reach to their neighbours, the ends of the range and its middle, at least 3 % of the range: the settings that
    /// Watanabe 2023 (arXiv 2304.11127) recommends.
    Watanabe,
}

impl TpeRecipe {
    /// So many of a hundred finished trials are good. A branch has fewer trials: with a tenth of them the search of
    /// `conditional` beats one of Optuna's of 200 trials in 0.55 of cases, with a fifth in 0.67, with three tenths in 0.62.
    pub(super) fn good_in_hundred(self, is_conditional: bool) -> usize {
        match self {
            Self::Optuna if is_conditional => 20,
            Self::Optuna => 10,
            Self::Watanabe => 15,
        }
    }

    /// Whether the ends of the range and its middle, where the prior is, count as neighbours.
    pub(super) fn ends_are_neighbours(self) -> bool {
        self == Self::Watanabe
    }

    /// The least width of a kernel next to `n` observations, as a share of the range.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn narrowest(self, n: usize) -> f64 {
        let n = (n + 2) as f64;
        match self {
            Self::Optuna => 1.0 / n.min(100.0),
            Self::Watanabe => (1.0 / (n * n)).max(0.03),
        }
    }

    /// Weights of the good trials in their order, then the prior's, next to the trials that are not good. What a trial
    /// improves is measured in the first objective; one that misses a constraint improves nothing.
    pub(super) fn weights_below<'t>(
        self,
        below: impl ExactSizeIterator<Item = &'t TrialRecord>,
        above: impl Iterator<Item = &'t TrialRecord>,
        direction: Direction,
    ) -> Vec<f64> {
        if self == Self::Optuna || below.len() == 0 {
            return age_weights(below.len());
        }
        let loss = |record: &TrialRecord| match &record.state {
            TrialState::Complete(score) if score.is_feasible() => Some(direction.loss(score.value())),
            TrialState::Complete(_) | TrialState::Pruned { .. } | TrialState::Pending | TrialState::Failed { .. } => {
                None
            }
        };
        let best_above = above.filter_map(loss).reduce(f64::min);
        let gain = |record| match (loss(record), best_above) {
            (Some(loss), Some(best)) => (best - loss).max(LEAST_GAIN),
            _ => LEAST_GAIN,
        };
        let mut weights: Vec<f64> = below.map(gain).collect();
        // Losses may be so large that the sum of their differences is not finite.
        let largest = weights.iter().copied().fold(0.0, f64::max).min(f64::MAX);
        for weight in &mut weights {
            *weight = (*weight / largest).clamp(LEAST_GAIN, 1.0);
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 25 trials are good")]
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        weights.push(mean);
        weights
    }

    /// Weights of `n` trials that are not good, then the prior's.
    pub(super) fn weights_above(self, n: usize) -> Vec<f64> {
        match self {
            Self::Optuna => age_weights(n),
            Self::Watanabe => vec![1.0; n + 1],
        }
    }
}

/// Weight of each of `n` observations from the oldest to the newest, then the prior's. Up to 25 observations count
/// in full; of more, the newest 25 do and the older ones climb linearly from `1 / n` to 1.
fn age_weights(n: usize) -> Vec<f64> {
    let n_ramp = n.saturating_sub(NEWEST);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let ramp = (0..n_ramp).map(|index| {
        let first = 1.0 / n as f64;
        first + (1.0 - first) * (index as f64 / (n_ramp - 1).max(1) as f64)
    });
    ramp.chain(std::iter::repeat_n(1.0, n - n_ramp + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Assignment;

    #[test]
    fn old_observations_weigh_less_along_a_ramp() {
        assert_eq!(age_weights(0), [1.0]);
        assert_eq!(age_weights(25), [1.0; 26]);
        assert_eq!(age_weights(26)[..2], [1.0 / 26.0, 1.0]);
        assert_eq!(age_weights(27)[..3], [1.0 / 27.0, 1.0, 1.0]);
        assert_eq!(age_weights(28)[..4], [1.0 / 28.0, 1.0 / 28.0 + 27.0 / 56.0, 1.0, 1.0]);
        assert_eq!(age_weights(1000).len(), 1001);
        assert!(age_weights(1000)[974..].iter().all(|w| *w == 1.0) && age_weights(1000)[973] < 1.0);
        assert_eq!(TpeRecipe::Watanabe.weights_above(40), [1.0; 41]);
    }

    #[test]
    fn with_watanabe_a_good_trial_weighs_what_it_improves() {
        let record = |state| TrialRecord { number: 0, assignment: Assignment::new(), state };
        let complete = |value| record(TrialState::from_objective(value));
        let (a, b, c) = (complete(1.0), complete(4.0), record(TrialState::Pruned { step: 1, value: Some(0.0) }));
        let (d, e) = (complete(5.0), complete(9.0));
        let weights = |direction, below: &[&TrialRecord], above: &[&TrialRecord]| {
            TpeRecipe::Watanabe.weights_below(below.iter().copied(), above.iter().copied(), direction)
        };
        // gains of 4, 1 and none, over the largest; then their mean
        let got = weights(Direction::Minimize, &[&a, &b, &c], &[&d, &e]);
        assert_eq!(got[..2], [1.0, 0.25]);
        assert!((got[2] - 1e-12).abs() < 1e-15 && (got[3] - 1.25 / 3.0).abs() < 1e-12);
        assert_eq!(weights(Direction::Maximize, &[&e, &d], &[&a, &b])[..2], [1.0, 0.2]);
        // nothing is known of the others, or of anything
        assert_eq!(weights(Direction::Minimize, &[&a, &b], &[&c]), [1.0; 3]);
        assert_eq!(weights(Direction::Minimize, &[], &[&a]), [1.0]);
        let (low, high) = (complete(-f64::MAX), complete(f64::MAX));
        assert!(weights(Direction::Minimize, &[&low, &a], &[&high]).iter().all(|w| w.is_finite() && *w > 0.0));
    }

    #[test]
    fn kernels_get_narrower_up_to_a_limit() {
        let widths = |recipe: TpeRecipe| [0, 2, 10, 1000].map(|n| recipe.narrowest(n));
        assert_eq!(widths(TpeRecipe::Optuna), [0.5, 0.25, 1.0 / 12.0, 0.01]);
        assert_eq!(widths(TpeRecipe::Watanabe), [0.25, 0.0625, 0.03, 0.03]);
    }
}
