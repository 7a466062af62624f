//! Tests of the estimator as a whole.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::sampler::Sampler;
use crate::space::{Condition, Distribution};
use crate::trial::TrialState;

fn tpe() -> Sampler {
    Sampler::Tpe(TpeSettings::default())
}

fn text(label: &str) -> Value {
    Value::Text(label.to_owned())
}

fn unit() -> Distribution {
    Distribution::uniform(0.0, 1.0).unwrap()
}

/// A choice with a parameter under one of its options, and one that always exists.
fn conditional_space() -> SearchSpace {
    SearchSpace::new(vec![
        Parameter::new("opt", Distribution::choice(vec![text("adam"), text("sgd")]).unwrap()),
        Parameter::new("momentum", unit()).only_if(Condition::new("opt", vec![text("sgd")])),
        Parameter::new("lr", Distribution::log_uniform(1e-5, 1e-1).unwrap()),
        Parameter::new("fixed", Distribution::int(3, 3).unwrap()),
    ])
    .unwrap()
}

/// Trials with `x = i / n`, in the states that `state` gives them.
fn line(n: usize, state: impl Fn(usize, f64) -> TrialState) -> Vec<TrialRecord> {
    let trial = |number| {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let x = number as f64 / n as f64;
        let assignment = Assignment::from([("x".to_owned(), Value::Float(x))]);
        TrialRecord { number, assignment, state: state(number, x) }
    };
    (0..n).map(trial).collect()
}

fn line_space() -> SearchSpace {
    SearchSpace::new(vec![Parameter::new("x", unit())]).unwrap()
}

#[test]
fn until_enough_trials_have_finished_it_is_random_search() {
    let (space, seed) = (conditional_space(), Seed::root(1));
    let random = |number| Sampler::Random.suggest(&space, &[], Direction::Minimize, number, seed);
    let mut history: Vec<TrialRecord> = (0..30)
        .map(|number| TrialRecord {
            number,
            assignment: random(number),
            state: TrialState::Failed { reason: "diverged".to_owned() },
        })
        .collect();
    let ask = |history: &[TrialRecord]| tpe().suggest(&space, history, Direction::Minimize, 30, seed);
    assert_eq!(ask(&history), random(30));
    for (index, record) in history.iter_mut().enumerate().take(10) {
        assert_eq!(tpe().suggest(&space, &[], Direction::Minimize, index, seed), record.assignment);
    }
    for record in &mut history[..9] {
        record.state = TrialState::from_objective(1.0);
    }
    history[9].state = TrialState::Pending;
    assert_eq!(ask(&history), random(30));
    history[9].state = TrialState::Pruned { step: 1, value: None };
    assert_ne!(ask(&history), random(30));
}

#[test]
fn the_assignment_depends_on_the_records_the_number_and_the_seed_alone() {
    let space = mixed_space();
    let mut history: Vec<TrialRecord> = (0..40_u32)
        .map(|number| {
            let assignment = Sampler::Random.suggest(&space, &[], Direction::Minimize, number as usize, Seed::root(4));
            let state = TrialState::from_objective(f64::from(number * 7 % 40));
            TrialRecord { number: number as usize, assignment, state }
        })
        .collect();
    let ask = |history: &[TrialRecord], number, seed| tpe().suggest(&space, history, Direction::Minimize, number, seed);
    let first = ask(&history, 40, Seed::root(9));
    assert_eq!(ask(&history, 40, Seed::root(9)), first);
    assert_ne!(ask(&history, 41, Seed::root(9)), first);
    assert_ne!(ask(&history, 40, Seed::root(10)), first);
    history.reverse();
    assert_eq!(ask(&history, 40, Seed::root(9)), first);
    let changed = TrialState::from_objective(-1.0);
    history[0].state = changed;
    assert_ne!(ask(&history, 40, Seed::root(9)), first);
}

#[test]
fn a_conditional_parameter_has_a_value_only_when_it_is_active() {
    let (space, seed) = (conditional_space(), Seed::root(2));
    for multivariate in [true, false] {
        let sampler = Sampler::Tpe(TpeSettings { multivariate, ..TpeSettings::default() });
        let mut history = Vec::new();
        let mut with_momentum = 0;
        for number in 0..80 {
            let assignment = sampler.suggest(&space, &history, Direction::Maximize, number, seed);
            assert_eq!(space.check(&assignment), Ok(()));
            assert_eq!(assignment["fixed"], Value::Int(3));
            let momentum = assignment.get("momentum").and_then(Value::as_f64);
            with_momentum += usize::from(momentum.is_some());
            let state = TrialState::from_objective(momentum.unwrap_or(0.0));
            history.push(TrialRecord { number, assignment, state });
        }
        assert!((40..80).contains(&with_momentum), "the better branch is preferred");
        let late = history[60..].iter().filter_map(|trial| trial.assignment.get("momentum"));
        let late: Vec<f64> = late.filter_map(Value::as_f64).collect();
        let high = late.iter().filter(|x| **x > 0.7).count();
        assert!(2 * high > late.len(), "momentum is modelled alone: {late:?}");
    }
}

#[test]
fn a_branch_that_was_never_tried_gets_a_value_from_the_prior() {
    let branches = conditional_space().parameters()[..2].to_vec();
    let (space, seed) = (SearchSpace::new(branches).unwrap(), Seed::root(2));
    let history: Vec<TrialRecord> = (0..20)
        .map(|number| TrialRecord {
            number,
            assignment: Assignment::from([("opt".to_owned(), text("adam"))]),
            state: TrialState::from_objective(1.0),
        })
        .collect();
    let asked: Vec<Assignment> =
        (20..60).map(|number| tpe().suggest(&space, &history, Direction::Minimize, number, seed)).collect();
    assert!(asked.iter().all(|assignment| space.check(assignment) == Ok(())));
    let momenta = asked.iter().filter_map(|assignment| assignment.get("momentum"));
    let momenta: Vec<f64> = momenta.filter_map(Value::as_f64).collect();
    let (low, high) = (momenta.iter().any(|x| *x < 0.4), momenta.iter().any(|x| *x > 0.6));
    assert!(low && high, "{momenta:?}");
}

#[test]
fn pending_trials_push_the_next_one_away() {
    let near = |history: &[TrialRecord]| {
        let ask = |number| {
            let seed = Seed::root(6);
            let asked = tpe().suggest(&line_space(), history, Direction::Minimize, number, seed);
            asked["x"].as_f64().unwrap()
        };
        (100..200).map(ask).filter(|x| (x - 0.5).abs() < 0.05).count()
    };
    let mut history = line(20, |_, x| TrialState::from_objective((x - 0.5).abs()));
    let alone = near(&history);
    for (record, pending) in line(20, |_, _| TrialState::Pending).into_iter().zip(20..) {
        let assignment = Assignment::from([("x".to_owned(), Value::Float(0.5))]);
        history.push(TrialRecord { number: pending, assignment, ..record });
    }
    let crowded = near(&history);
    assert!(crowded < alone / 2, "{crowded} of 100 beside pending trials, {alone} without");
}

#[test]
fn the_options_of_the_first_good_trials_are_not_kept_for_ever() {
    // Six options, of which one is better by half, and five numbers that decide what is good at first.
    let options = Distribution::choice((0..6).map(Value::Int).collect()).unwrap();
    let numbers = (0..5).map(|i| Parameter::new(format!("x{i}"), unit()));
    let space = SearchSpace::new([Parameter::new("option", options)].into_iter().chain(numbers).collect()).unwrap();
    let value = |assignment: &Assignment| -> f64 {
        let square = |value: &Value| value.as_f64().map_or(0.0, |x| 3.0 * (x - 0.3) * (x - 0.3));
        let level = if assignment["option"] == Value::Int(2) { 0.0 } else { 0.5 };
        level + assignment.iter().filter(|(name, _)| *name != "option").map(|(_, x)| square(x)).sum::<f64>()
    };
    let finds = |seed: &u64| {
        let mut history: Vec<TrialRecord> = Vec::new();
        for number in 0..100 {
            let assignment = tpe().suggest(&space, &history, Direction::Minimize, number, Seed::root(*seed));
            let state = TrialState::from_objective(value(&assignment));
            history.push(TrialRecord { number, assignment, state });
        }
        history.iter().any(|record| record.state.score().unwrap().value() < 0.25)
    };
    // Without options that are picked first, 5 of 12.
    let found = (0..12).filter(finds).count();
    assert!(found >= 11, "{found} of 12");
}

#[test]
fn values_outside_a_changed_range_are_ignored() {
    // seen on [0, 1], best at the far end, which the present range no longer holds
    let history = line(40, |_, x| TrialState::from_objective(-x));
    let narrowed = SearchSpace::new(vec![Parameter::new("x", Distribution::uniform(0.0, 0.4).unwrap())]).unwrap();
    let asked: Vec<f64> = (40..80)
        .map(|n| tpe().suggest(&narrowed, &history, Direction::Minimize, n, Seed::root(3)))
        .map(|assignment| assignment["x"].as_f64().unwrap())
        .collect();
    assert!(asked.iter().all(|x| (0.0..=0.4).contains(x)), "{asked:?}");
}

fn mixed_space() -> SearchSpace {
    let options = ["a", "b", "c"].map(text).to_vec();
    let under_b = Condition::new("choice", vec![text("b")]);
    let grid = Distribution::uniform(-0.5, 0.7).unwrap().with_step(0.1).unwrap();
    SearchSpace::new(vec![
        Parameter::new("choice", Distribution::choice(options.clone()).unwrap()),
        Parameter::new("ordinal", Distribution::ordinal(options.clone()).unwrap()),
        Parameter::new("free", Distribution::choice(options).unwrap()),
        Parameter::new("grid", grid),
        Parameter::new("log", Distribution::log_uniform(1e-8, 1e3).unwrap()),
        Parameter::new("int", Distribution::int(-3, 9).unwrap().with_step(4.0).unwrap()),
        Parameter::new("log int", Distribution::log_int(1, 1000).unwrap()),
        Parameter::new("normal", Distribution::normal(-1.0, 3.0).unwrap()),
        Parameter::new("log normal", Distribution::log_normal(2.0, 1.0).unwrap()).only_if(under_b),
    ])
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_suggestion_fits_the_space(
        outcomes in proptest::collection::vec((0..6_u8, -1e9..1e9_f64), 0..60),
        root in any::<u64>(),
        multivariate in any::<bool>(),
    ) {
        let (space, seed) = (mixed_space(), Seed::root(root));
        let sampler = Sampler::Tpe(TpeSettings { multivariate, ..TpeSettings::default() });
        let mut history = Vec::new();
        for (number, (kind, value)) in outcomes.into_iter().enumerate() {
            let assignment = sampler.suggest(&space, &history, Direction::Maximize, number, seed);
            prop_assert_eq!(space.check(&assignment), Ok(()));
            let state = match kind {
                0 => TrialState::Pending,
                1 => TrialState::Pruned { step: number % 5, value: Some(value) },
                2 => TrialState::from_objective(f64::NAN),
                _ => TrialState::from_objective(value),
            };
            history.push(TrialRecord { number, assignment, state });
        }
    }
}
