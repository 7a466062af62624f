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
    best: Option<f64>,
    reference: Option<f64>,
    waited: usize,
}

/// What an epoch means to a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether it is the best so far.
    pub(super) best: bool,
    /// Whether the phase ends with it.
    pub(super) exhausted: bool,
}

impl Watch {
    /// A watch for a phase; none when the metric has no better end.
    pub(super) fn new(rule: &EarlyStop) -> Option<Self> {
        Some(Self {
            patience: rule.patience,
            min_delta: rule.min_delta,
            monitor: rule.monitor,
            direction: rule.monitor.direction()?,
            best: None,
            reference: None,
            waited: 0,
        })
    }

    /// The metric that is watched.
    pub(super) fn monitor(&self) -> Metric {
        self.monitor
    }

    /// Takes the value of the next epoch.
    pub(super) fn see(&mut self, value: f64) -> Verdict {
        let best = self.best.is_none_or(|best| self.direction.better(value, best));
        if best {
            self.best = Some(value);
        }
        let gain = match self.direction {
            Direction::Minimize => -self.min_delta,
            Direction::Maximize => self.min_delta,
        };
        if self.reference.is_none_or(|reference| self.direction.better(value, reference + gain)) {
            self.reference = Some(value);
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        Verdict { best, exhausted: self.waited >= self.patience }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn verdicts(monitor: Metric, patience: usize, min_delta: f64, values: &[f64]) -> Vec<(bool, bool)> {
        let mut watch = Watch::new(&EarlyStop { patience, min_delta, monitor }).unwrap();
        values.iter().map(|&value| watch.see(value)).map(|verdict| (verdict.best, verdict.exhausted)).collect()
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
        assert!(Watch::new(&EarlyStop { patience: 1, min_delta: 0.0, monitor: Metric::Value }).is_none());
    }
}
