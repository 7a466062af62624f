//! When a phase ends early, and which of its epochs was the best.

use crate::metric::Metric;
use crate::spec::network::EarlyStop;
use crate::trial::Direction;

/// Watches one metric over the epochs of a phase.
///
/// The best epoch is the first with the best value. Patience counts the epochs since the value last improved by more
/// than `min_delta` on the value it improved from, so many tiny steps do not keep a phase alive; the best epoch may
/// lie among those.
pub(super) struct Watch {
    patience: usize,
    min_delta: f64,
    monitor: Metric,
    direction: Direction,
    seen: Seen,
}

/// What a watch remembers of the epochs it saw.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// The best value.
    pub(super) best: Option<f64>,
    /// The value that last renewed the patience.
    pub(super) reference: Option<f64>,
    /// Epochs since then.
    pub(super) waited: usize,
}

impl Watch {
    /// A watch for a phase that has seen so much of it; none when the metric has no better end.
    pub(super) fn new(rule: &EarlyStop, seen: Seen) -> Option<Self> {
        Some(Self {
            patience: rule.patience,
            min_delta: rule.min_delta,
            monitor: rule.monitor,
            direction: rule.monitor.direction()?,
            seen,
        })
    }

    /// The metric that is watched.
    pub(super) fn monitor(&self) -> Metric {
        self.monitor
    }

    /// What it saw so far.
    pub(super) fn seen(&self) -> Seen {
        self.seen
    }

    /// Whether the phase ends with the epoch it saw last.
    pub(super) fn is_exhausted(&self) -> bool {
        self.seen.waited >= self.patience
    }

    /// Takes the value of the next epoch and says whether it is the best so far.
    pub(super) fn see(&mut self, value: f64) -> bool {
        let seen = &mut self.seen;
        let is_best = seen.best.is_none_or(|best| self.direction.better(value, best));
        if is_best {
            seen.best = Some(value);
        }
        let gain = match self.direction {
            Direction::Minimize => -self.min_delta,
            Direction::Maximize => self.min_delta,
        };
        if seen.reference.is_none_or(|reference| self.direction.better(value, reference + gain)) {
            seen.reference = Some(value);
            seen.waited = 0;
        } else {
            seen.waited += 1;
        }
        is_best
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn verdicts(monitor: Metric, patience: usize, min_delta: f64, values: &[f64]) -> Vec<(bool, bool)> {
        let mut watch = Watch::new(&EarlyStop { patience, min_delta, monitor }, Seen::default()).unwrap();
        values.iter().map(|&value| (watch.see(value), watch.is_exhausted())).collect()
    }

    #[test]
    fn a_phase_ends_after_patience_epochs_without_a_better_value() {
        assert_eq!(
            verdicts(Metric::LogLoss, 2, 0.0, &[0.7, 0.5, 0.6, 0.4, 0.4, 0.41]),
            [(true, false), (true, false), (false, false), (true, false), (false, false), (false, true)]
        );
        assert_eq!(
            verdicts(Metric::RocAuc, 1, 0.0, &[0.7, 0.8, 0.8]),
            [(true, false), (true, false), (false, true)],
            "an equal value is no improvement, and the earlier epoch stays the best"
        );
    }

    #[test]
    fn small_gains_are_best_but_do_not_renew_the_patience() {
        assert_eq!(
            verdicts(Metric::RocAuc, 2, 0.25, &[0.25, 0.375, 0.5]),
            [(true, false), (true, false), (true, true)]
        );
        assert_eq!(
            verdicts(Metric::RocAuc, 2, 0.25, &[0.25, 0.375, 0.625]),
            [(true, false), (true, false), (true, false)],
            "the gain on the last renewal counts, not the gain on the epoch before"
        );
    }

    #[test]
    fn a_metric_without_a_better_end_cannot_be_watched() {
        let rule = EarlyStop { patience: 1, min_delta: 0.0, monitor: Metric::Value };
        assert!(Watch::new(&rule, Seen::default()).is_none());
    }
}
