//! One search: asks the sampler, keeps the finished records, knows the best.

use crate::sampler::Sampler;
use crate::seed::Seed;
use crate::space::SearchSpace;
use crate::trial::{Direction, TrialRecord, TrialState};
use crate::value::Assignment;

/// A search over one space. Trial *n* sees the results of the trials up to *n - lag*; those in between count as pending
/// even if they have ended, so that the sequence does not depend on how many of them run at once.
#[derive(Clone, Debug)]
pub struct Study {
    space: SearchSpace,
    sampler: Sampler,
    direction: Direction,
    seed: Seed,
    lag: usize,
    records: Vec<TrialRecord>,
}

impl Study {
    /// A study without trials. `seed` is the study's own node, `lag` at least 1.
    #[must_use]
    pub fn new(space: SearchSpace, sampler: Sampler, direction: Direction, seed: Seed, lag: usize) -> Self {
        Self { space, sampler, direction, seed, lag: lag.max(1), records: Vec::new() }
    }

    /// Whether what the next trial may see is known.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        let seen = (self.records.len() + 1).saturating_sub(self.lag);
        self.records[..seen].iter().all(|record| record.state != TrialState::Pending)
    }

    /// The number and the assignment of the next trial, which is pending from now on. The assignment depends on the
    /// space, the trials it may see and the seed alone.
    ///
    /// # Panics
    /// If what it may see is not known yet: ask [`Study::can_ask`] first.
    pub fn ask(&mut self) -> (usize, Assignment) {
        assert!(self.can_ask(), "the trials up to the lag have ended");
        let number = self.records.len();
        let seen = (number + 1).saturating_sub(self.lag);
        let seed = self.seed.child("sampler");
        let suggest =
            |history: &[TrialRecord]| self.sampler.suggest(&self.space, history, self.direction, number, seed);
        let assignment = if seen == number {
            suggest(&self.records)
        } else {
            let mut history = self.records.clone();
            for record in &mut history[seen..] {
                record.state = TrialState::Pending;
            }
            suggest(&history)
        };
        self.records.push(TrialRecord { number, assignment: assignment.clone(), state: TrialState::Pending });
        (number, assignment)
    }

    /// Records how a trial ended.
    ///
    /// # Panics
    /// If the trial was not asked for.
    pub fn tell(&mut self, number: usize, state: TrialState) {
        self.records[number].state = state;
    }

    /// The trials so far, by number.
    #[must_use]
    pub fn records(&self) -> &[TrialRecord] {
        &self.records
    }

    /// The complete trial with the best value; the earlier one of equals.
    #[must_use]
    pub fn best(&self) -> Option<(&TrialRecord, f64)> {
        let mut best: Option<(&TrialRecord, f64)> = None;
        for record in &self.records {
            if let TrialState::Complete { value } = record.state
                && best.is_none_or(|(_, held)| self.direction.better(value, held))
            {
                best = Some((record, value));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::TpeSettings;
    use crate::space::{Distribution, Parameter};
    use crate::value::Value;

    fn study(sampler: Sampler, lag: usize) -> Study {
        let x = Parameter::new("x", Distribution::uniform(0.0, 1.0).expect("bounds are ordered"));
        let space = SearchSpace::new(vec![x]).expect("one parameter");
        Study::new(space, sampler, Direction::Maximize, Seed::root(1), lag)
    }

    fn value(assignment: &Assignment) -> f64 {
        match assignment["x"] {
            Value::Float(x) => x,
            ref other => panic!("{other} is no float"),
        }
    }

    #[test]
    fn the_earlier_of_equal_trials_is_best_and_failed_ones_are_passed_over() {
        let mut study = study(Sampler::Random, 1);
        for value in [f64::NAN, 0.5, 0.9, 0.9, 0.2] {
            let (number, _) = study.ask();
            study.tell(number, TrialState::from_objective(value));
        }
        assert_eq!(study.best().map(|(record, value)| (record.number, value)), Some((2, 0.9)));
        assert!(matches!(study.records()[0].state, TrialState::Failed { .. }));
    }

    #[test]
    fn with_a_lag_of_one_a_trial_waits_for_the_one_before() {
        let mut study = study(Sampler::Random, 1);
        let (number, _) = study.ask();
        assert!(!study.can_ask());
        study.tell(number, TrialState::from_objective(0.5));
        assert!(study.can_ask());
    }

    /// All assignments of a study in which the trials that may run at once end in the order `pick` says.
    fn sequence(lag: usize, pick: impl Fn(&[usize]) -> usize) -> Vec<f64> {
        let mut study = study(Sampler::Tpe(TpeSettings::default()), lag);
        let mut running: Vec<usize> = Vec::new();
        while study.records().len() < 40 || !running.is_empty() {
            while study.records().len() < 40 && study.can_ask() {
                running.push(study.ask().0);
            }
            assert!(running.len() <= lag);
            let ended = running.remove(pick(&running));
            let x = value(&study.records()[ended].assignment);
            study.tell(ended, TrialState::from_objective(-(x - 0.3) * (x - 0.3)));
        }
        study.records().iter().map(|record| value(&record.assignment)).collect()
    }

    #[test]
    fn the_sequence_depends_on_the_lag_and_not_on_the_order_of_ending() {
        let in_order = sequence(3, |_| 0);
        assert_eq!(in_order, sequence(3, |running| running.len() - 1));
        assert_eq!(in_order, sequence(3, |running| running.len() / 2));
        assert_ne!(in_order, sequence(1, |_| 0));
        assert_ne!(in_order, sequence(2, |_| 0));
    }
}
