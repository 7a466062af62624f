//! One search: asks the sampler, keeps the finished records, knows the best.

use crate::sampler::Sampler;
use crate::seed::Seed;
use crate::space::SearchSpace;
use crate::trial::{Direction, TrialRecord, TrialState};
use crate::value::Assignment;

/// A search over one space, told its results in the order of the trials.
#[derive(Clone, Debug)]
pub struct Study {
    space: SearchSpace,
    sampler: Sampler,
    direction: Direction,
    seed: Seed,
    records: Vec<TrialRecord>,
}

impl Study {
    /// A study without trials. `seed` is the study's own node.
    #[must_use]
    pub fn new(space: SearchSpace, sampler: Sampler, direction: Direction, seed: Seed) -> Self {
        Self { space, sampler, direction, seed, records: Vec::new() }
    }

    /// The assignment of the next trial; it depends on the space, the finished trials and the seed alone.
    #[must_use]
    pub fn ask(&self) -> Assignment {
        let seed = self.seed.child("sampler");
        self.sampler.suggest(&self.space, &self.records, self.direction, self.records.len(), seed)
    }

    /// Records the trial that was asked for.
    pub fn tell(&mut self, assignment: Assignment, state: TrialState) {
        self.records.push(TrialRecord { number: self.records.len(), assignment, state });
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
    use crate::space::{Distribution, Parameter};
    use crate::value::Value;

    fn study() -> Study {
        let x = Parameter::new("x", Distribution::uniform(0.0, 1.0).expect("bounds are ordered"));
        let space = SearchSpace::new(vec![x]).expect("one parameter");
        Study::new(space, Sampler::Random, Direction::Maximize, Seed::root(1))
    }

    #[test]
    fn the_earlier_of_equal_trials_is_best_and_failed_ones_are_passed_over() {
        let mut study = study();
        for value in [f64::NAN, 0.5, 0.9, 0.9, 0.2] {
            let assignment = study.ask();
            study.tell(assignment, TrialState::from_objective(value));
        }
        assert_eq!(study.best().map(|(record, value)| (record.number, value)), Some((2, 0.9)));
        assert!(matches!(study.records()[0].state, TrialState::Failed { .. }));
    }

    #[test]
    fn a_study_told_the_same_asks_the_same() {
        let (mut once, mut again) = (study(), study());
        for step in 0..20 {
            let (a, b) = (once.ask(), again.ask());
            assert_eq!(a, b);
            assert!(matches!(a["x"], Value::Float(_)));
            once.tell(a, TrialState::from_objective(f64::from(step)));
            again.tell(b, TrialState::from_objective(f64::from(step)));
        }
    }
}
