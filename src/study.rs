//! One search: asks the sampler, keeps the finished records, knows the best.

mod slices;
mod transfer;

pub use slices::Slice;
pub use transfer::{PassedOver, transfer};

use std::collections::BTreeMap;

use crate::importance::importance;
use crate::pareto;
use crate::sampler::{Observations, Sampler};
use crate::seed::Seed;
use crate::space::SearchSpace;
use crate::trial::{Direction, Score, TrialRecord, TrialState};
use crate::value::Assignment;

/// A search over one space. Trial *n* sees the results of the trials up to *n - lag*; those in between count as pending
/// even if they have ended, so that the sequence does not depend on how many of them run at once.
#[derive(Clone, Debug)]
pub struct Study {
    space: SearchSpace,
    sampler: Sampler,
    directions: Vec<Direction>,
    seed: Seed,
    lag: usize,
    known: Vec<Assignment>,
    earlier: Vec<TrialRecord>,
    records: Vec<TrialRecord>,
    /// What the sampler read of the records, kept to save time.
    observations: Observations,
}

impl Study {
    /// A study without trials, with a direction for each of its objectives, of which it has at least one. `seed` is the
    /// study's own node, `lag` at least 1.
    #[must_use]
    pub fn new(
        space: SearchSpace,
        sampler: Sampler,
        directions: impl AsRef<[Direction]>,
        seed: Seed,
        lag: usize,
    ) -> Self {
        Self {
            space,
            sampler,
            directions: directions.as_ref().to_vec(),
            seed,
            lag: lag.max(1),
            known: Vec::new(),
            earlier: Vec::new(),
            records: Vec::new(),
            observations: Observations::default(),
        }
    }

    /// The same study with finished trials of another one, in their order. The sampler sees them as trials before the
    /// first, so that they count for all it learns and waits for. They are no trials of this study: neither
    /// [`Study::records`] nor [`Study::best`] has them.
    #[must_use]
    pub fn with_earlier(self, earlier: Vec<TrialRecord>) -> Self {
        Self { earlier, ..self }
    }

    /// The same study with points that its first trials try, each whole or in part: the sampler fills in the rest.
    #[must_use]
    pub fn with_known(self, known: Vec<Assignment>) -> Self {
        Self { known, ..self }
    }

    /// The same study with the trials that it has had, by number from 0, and what became of them.
    #[must_use]
    pub fn with_records(self, records: Vec<TrialRecord>) -> Self {
        Self { records, ..self }
    }

    /// How many trials, from the first on, a trial may see the results of.
    #[must_use]
    pub fn n_seen(&self, number: usize) -> usize {
        (number + 1).saturating_sub(self.lag)
    }

    /// Whether what the next trial may see is known.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        self.records[..self.n_seen(self.records.len())].iter().all(|record| record.state != TrialState::Pending)
    }

    /// The number and the assignment of the next trial, which is pending from now on. The assignment depends on the
    /// space, the trials it may see and the seed alone.
    ///
    /// # Panics
    /// If what it may see is not known yet: ask [`Study::can_ask`] first.
    pub fn ask(&mut self) -> (usize, Assignment) {
        assert!(self.can_ask(), "the trials up to the lag have ended");
        let number = self.records.len();
        let seen = self.n_seen(number);
        let seed = self.seed.child("sampler");
        let known = self.known.get(number);
        let Self { space, sampler, directions, records, observations, .. } = self;
        let assignment = match known {
            None if self.earlier.is_empty() => {
                sampler.suggest_next(space, records, seen, observations, directions, seed)
            }
            known => {
                let mut history = self.earlier.clone();
                history.extend(records.iter().cloned());
                for record in &mut history[self.earlier.len() + seen..] {
                    record.state = TrialState::Pending;
                }
                for (position, record) in history.iter_mut().enumerate() {
                    record.number = position;
                }
                match known {
                    Some(known) => sampler.complete(space, known, &history, directions, number, seed),
                    None => sampler.suggest(space, &history, directions, number, seed),
                }
            }
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

    /// The best complete trial by [`Score::compare`], and its score; the earlier one of equals. It keeps the constraints if
    /// any does, and then no other that does dominates it.
    #[must_use]
    pub fn best(&self) -> Option<(&TrialRecord, &Score)> {
        self.best_so_far().last()
    }

    /// As [`Study::best`], of the first `n` trials.
    #[must_use]
    pub fn best_of(&self, n: usize) -> Option<(&TrialRecord, &Score)> {
        self.best_so_far().take_while(|(record, _)| record.number < n).last()
    }

    /// The complete trials that are better than all with a smaller number, and their scores.
    pub fn best_so_far(&self) -> impl Iterator<Item = (&TrialRecord, &Score)> {
        let mut best: Option<&Score> = None;
        self.records.iter().filter_map(move |record| {
            let score = record.state.score()?;
            let is_better = best.is_none_or(|held| score.compare(held, &self.directions).is_lt());
            is_better.then(|| {
                best = Some(score);
                (record, score)
            })
        })
    }

    /// The complete trials that keep the constraints and that no other such trial dominates, and their scores: the best in
    /// the first objective first, of equals the earlier. With one objective, all that are the best.
    #[must_use]
    pub fn front(&self) -> Vec<(&TrialRecord, &Score)> {
        let scored = self.records.iter().filter_map(|record| Some((record, record.state.score()?)));
        let feasible: Vec<(&TrialRecord, &Score)> = scored.filter(|(_, score)| score.is_feasible()).collect();
        let losses: Vec<Vec<f64>> = feasible.iter().map(|(_, score)| score.losses(&self.directions)).collect();
        let ranks = pareto::ranks(&losses);
        let mut front: Vec<_> = feasible.into_iter().zip(ranks).filter(|(_, rank)| *rank == 0).collect();
        front.sort_by(|((_, a), _), ((_, b), _)| a.compare(b, &self.directions));
        front.into_iter().map(|(trial, _)| trial).collect()
    }

    /// The share of each parameter in a trial's being among the best in one of the objectives: see [`importance()`].
    ///
    /// # Panics
    /// If there is no such objective.
    #[must_use]
    pub fn importance(&self, objective: usize) -> BTreeMap<String, f64> {
        importance(&self.space, &self.records, objective, self.directions[objective])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::TpeSettings;
    use crate::space::{Condition, Distribution, Parameter};
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
        assert_eq!(study.best().map(|(record, score)| (record.number, score.value())), Some((2, 0.9)));
        let so_far: Vec<usize> = study.best_so_far().map(|(record, _)| record.number).collect();
        assert_eq!(so_far, [1, 2]);
        assert!(matches!(study.records()[0].state, TrialState::Failed { .. }));
    }

    #[test]
    fn the_best_keeps_the_constraints_if_any_does_and_misses_them_least_otherwise() {
        let mut study = study(Sampler::Random, 1);
        let best = |study: &Study| study.best().map(|(record, _)| record.number);
        for (value, violation, expected) in [(0.9, 0.5, 0), (0.1, 0.2, 1), (0.8, 0.2, 2), (0.3, 0.0, 3), (0.9, 0.1, 3)]
        {
            let (number, _) = study.ask();
            study.tell(number, Score::new(value, Vec::new(), violation).into());
            assert_eq!(best(&study), Some(expected));
        }
        assert_eq!(study.front().len(), 1);
    }

    #[test]
    fn the_front_is_what_nothing_dominates_and_the_best_is_its_best_in_the_first_objective() {
        let x = Parameter::new("x", Distribution::uniform(0.0, 1.0).expect("bounds are ordered"));
        let space = SearchSpace::new(vec![x]).expect("one parameter");
        let directions = [Direction::Maximize, Direction::Minimize];
        let mut study = Study::new(space, Sampler::Random, directions, Seed::root(1), 1);
        let scores = [
            (0.5, 1.0, 0.0),
            (0.9, 4.0, 0.0),
            (0.9, 3.0, 0.0),
            (0.9, 3.0, 0.0),
            (0.4, 2.0, 0.0),
            (1.0, 0.0, 0.1),
            (0.2, 0.5, 0.0),
        ];
        for (first, second, violation) in scores {
            let (number, _) = study.ask();
            study.tell(number, Score::new(first, vec![second], violation).into());
        }
        assert_eq!(study.best().map(|(record, _)| record.number), Some(2));
        assert_eq!(study.front().iter().map(|(record, _)| record.number).collect::<Vec<_>>(), [2, 3, 0, 6]);
        let so_far: Vec<usize> = study.best_so_far().map(|(record, _)| record.number).collect();
        assert_eq!(so_far, [0, 1, 2]);
    }

    #[test]
    fn known_points_come_first_and_what_they_leave_open_is_filled_in() {
        let text = |label: &str| Value::Text(label.to_owned());
        let choice = Distribution::choice(vec![text("a"), text("b")]).expect("two options");
        let unit = || Distribution::uniform(0.0, 1.0).expect("bounds are ordered");
        let space = SearchSpace::new(vec![
            Parameter::new("kind", choice),
            Parameter::new("x", unit()).only_if(Condition::new("kind", vec![text("a")])),
            Parameter::new("y", unit()).only_if(Condition::new("kind", vec![text("b")])),
            Parameter::new("z", unit()),
        ])
        .expect("the choice comes first");
        let known = vec![
            Assignment::from([("kind".to_owned(), text("a")), ("x".to_owned(), Value::Float(0.25))]),
            Assignment::from([("kind".to_owned(), text("b"))]),
            Assignment::from([("z".to_owned(), Value::Float(0.5))]),
        ];
        for sampler in [Sampler::Random, Sampler::QuasiRandom, Sampler::Tpe(TpeSettings::default())] {
            let study = |known| {
                let mut study =
                    Study::new(space.clone(), sampler, Direction::Minimize, Seed::root(1), 1).with_known(known);
                for _ in 0..5 {
                    let (number, assignment) = study.ask();
                    space.check(&assignment).expect("every active parameter has a value of its own");
                    study.tell(number, TrialState::from_objective(0.5));
                }
                study.records.into_iter().map(|record| record.assignment).collect::<Vec<_>>()
            };
            let tried = study(known.clone());
            for (known, tried) in known.iter().zip(&tried) {
                assert!(known.iter().all(|(name, value)| tried[name] == *value));
            }
            let without = study(Vec::new());
            assert_eq!(tried[0]["z"], without[0]["z"]);
            assert_eq!(tried[2]["kind"], without[2]["kind"]);
        }
    }

    #[test]
    fn earlier_trials_end_the_random_start_and_are_never_the_best() {
        let record = |number: usize, x: f64| TrialRecord {
            number,
            assignment: Assignment::from([("x".to_owned(), Value::Float(x))]),
            state: TrialState::from_objective(10.0 - (x - 0.3).abs()),
        };
        let tpe = || study(Sampler::Tpe(TpeSettings::default()), 1);
        let spread: Vec<TrialRecord> = (0..20_u32).map(|n| record(7, f64::from(n) / 20.0)).collect();
        let mut warm = tpe().with_earlier(spread.clone());
        let mut cold = tpe();
        let mut too_few = tpe().with_earlier(spread[..9].to_vec());
        let first = value(&cold.ask().1);
        assert_eq!(value(&too_few.ask().1), first);
        let (number, assignment) = warm.ask();
        assert_eq!(number, 0);
        assert!((value(&assignment) - 0.3).abs() < 0.15, "{assignment:?}");
        warm.tell(0, TrialState::from_objective(0.5));
        too_few.tell(0, TrialState::from_objective(0.5));
        assert_eq!(warm.best().map(|(record, score)| (record.number, score.value())), Some((0, 0.5)));
        assert_eq!(warm.records().len(), 1);
        // Nine and one of its own are the ten it waits for.
        let (second, _) = (value(&too_few.ask().1), cold.tell(0, TrialState::from_objective(0.5)));
        assert_ne!(second, value(&cold.ask().1));
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

    #[test]
    fn what_a_study_keeps_of_its_records_changes_no_suggestion() {
        let choice = || Distribution::choice((0..3).map(Value::Int).collect()).expect("three options");
        let int = Distribution::log_int(1, 64).expect("bounds are ordered");
        let log = Distribution::log_uniform(1e-4, 1.0).expect("bounds are ordered");
        let space = SearchSpace::new(vec![
            Parameter::new("kind", choice()),
            Parameter::new("n", int).only_if(Condition::new("kind", vec![Value::Int(1)])),
            Parameter::new("lr", log),
            Parameter::new("free", choice()),
            Parameter::new("size", Distribution::int(1, 4).expect("bounds are ordered")),
        ])
        .expect("the choice comes first");
        let sampler = Sampler::Tpe(TpeSettings::default());
        for lag in [1, 3] {
            let mut study = Study::new(space.clone(), sampler, Direction::Minimize, Seed::root(5), lag);
            let mut told = 0;
            while told < 180 {
                while study.can_ask() {
                    let mut history = study.records().to_vec();
                    let seen = study.n_seen(history.len());
                    for record in &mut history[seen..] {
                        record.state = TrialState::Pending;
                    }
                    history.reverse();
                    let seed = Seed::root(5).child("sampler");
                    let pure = sampler.suggest(&space, &history, Direction::Minimize, history.len(), seed);
                    assert_eq!(study.ask().1, pure);
                }
                let lr = study.records()[told].assignment["lr"].as_f64().expect("a number");
                let state = match told % 11 {
                    5 => TrialState::Pruned { step: told, value: Some(lr) },
                    7 => TrialState::from_objective(f64::NAN),
                    _ => TrialState::from_objective(libm::log(lr / 0.01).abs()),
                };
                study.tell(told, state);
                told += 1;
            }
        }
    }
}
