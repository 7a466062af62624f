//! Holds a fit against its rule, epoch by epoch.

use super::{Measure, StopRule};
use crate::trial::Direction;

/// A fit's rule and what has been seen of its curve.
#[derive(Clone, Debug)]
pub struct Judge {
    rule: StopRule,
    direction: Direction,
    n_epochs: usize,
    values: Vec<Option<f64>>,
}

impl Judge {
    /// For a fit of at most `n_epochs` epochs.
    #[must_use]
    pub fn new(rule: StopRule, direction: Direction, n_epochs: usize) -> Self {
        Self { rule, direction, n_epochs, values: Vec::new() }
    }

    /// Takes the objective after an epoch, counted from 1, and says whether the fit is stopped there. An epoch that has
    /// been told before begins the curve anew from there, as in a training that starts over. The last epoch stops nothing.
    pub fn see(&mut self, epoch: usize, value: Option<f64>) -> bool {
        self.values.resize(epoch - 1, None);
        self.values.push(value);
        epoch < self.n_epochs
            && match &self.rule {
                StopRule::Patience(patience) => patience.is_exhausted(&self.values, self.direction),
                StopRule::Bounds(bounds) => {
                    let held = match bounds.measure() {
                        Measure::Last => value,
                        Measure::Best => self.best(),
                    };
                    bounds.value_at(epoch).zip(held).is_some_and(|(bound, held)| self.direction.better(bound, held))
                }
            }
    }

    fn best(&self) -> Option<f64> {
        let better = |best: f64, value: f64| if self.direction.better(value, best) { value } else { best };
        self.values.iter().copied().flatten().reduce(better)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::pruner::{Bounds, Patience};

    fn bounds(measure: Measure) -> StopRule {
        StopRule::Bounds(Bounds::paired(measure, &[2, 3, 4], &[0.5, 0.6, 0.9]).unwrap())
    }

    fn verdicts(rule: StopRule, values: &[f64]) -> Vec<bool> {
        let mut judge = Judge::new(rule, Direction::Maximize, 4);
        values.iter().enumerate().map(|(index, &value)| judge.see(index + 1, Some(value))).collect()
    }

    #[test]
    fn the_best_so_far_or_the_last_value_is_held_against_the_bound_and_an_equal_one_goes_on() {
        assert_eq!(verdicts(bounds(Measure::Best), &[0.6, 0.1, 0.1]), [false, false, false]);
        assert_eq!(verdicts(bounds(Measure::Last), &[0.6, 0.5, 0.59]), [false, false, true]);
        assert_eq!(verdicts(bounds(Measure::Last), &[0.1, 0.4]), [false, true]);
    }

    #[test]
    fn the_last_epoch_stops_nothing() {
        assert_eq!(verdicts(bounds(Measure::Last), &[0.6, 0.6, 0.6, 0.1]), [false; 4]);
        let patience = StopRule::Patience(Patience::new(3, 0.0).unwrap());
        assert_eq!(verdicts(patience, &[0.6, 0.5, 0.5, 0.5]), [false; 4]);
    }

    #[test]
    fn an_epoch_without_a_value_is_not_held_against_a_bound() {
        let mut judge = Judge::new(bounds(Measure::Last), Direction::Maximize, 9);
        assert!(!judge.see(1, None) && !judge.see(2, None) && judge.see(3, Some(0.1)));
    }

    #[test]
    fn a_training_that_starts_over_is_judged_as_one_that_never_stopped() {
        let rule = || StopRule::Patience(Patience::new(2, 0.0).unwrap());
        let mut judge = Judge::new(rule(), Direction::Minimize, 9);
        for (epoch, value) in [(1, 0.5), (2, 0.4), (3, 0.6)] {
            assert!(!judge.see(epoch, Some(value)));
        }
        let again: Vec<bool> =
            [0.5, 0.4, 0.6, 0.6].iter().zip(1..).map(|(&v, epoch)| judge.see(epoch, Some(v))).collect();
        assert_eq!(again, [false, false, false, true]);
    }
}
