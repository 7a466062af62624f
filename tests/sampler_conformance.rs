//! What every sampler keeps to, whatever it does: values inside their distributions, any history survived, and an
//! assignment that depends on space, history, direction, number and seed alone.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::process::Command;

use xrun::sampler::{self, CmaEsSettings, Sampler, TpeSettings};
use xrun::seed::Seed;
use xrun::space::{Condition, Distribution, DistributionError, Parameter, SearchSpace};
use xrun::trial::{Direction, Score, TrialRecord, TrialState};
use xrun::value::{Assignment, Value};

const DIRECTIONS: [Direction; 2] = [Direction::Minimize, Direction::Maximize];
const SEED: u64 = 20_250;

fn samplers() -> Vec<Sampler> {
    vec![
        Sampler::Random,
        Sampler::Tpe(TpeSettings::default()),
        Sampler::Tpe(TpeSettings { multivariate: false, ..TpeSettings::default() }),
        Sampler::Grid,
        Sampler::QuasiRandom,
        Sampler::CmaEs(CmaEsSettings::default()),
        Sampler::CmaEs(CmaEsSettings { sigma: 1.0, population: Some(5) }),
    ]
}

fn text(label: &str) -> Value {
    Value::Text(label.to_owned())
}

fn space<const N: usize>(parameters: [(&str, Result<Distribution, DistributionError>); N]) -> SearchSpace {
    let parameters = parameters.map(|(name, distribution)| Parameter::new(name, distribution.unwrap()));
    SearchSpace::new(parameters.into()).unwrap()
}

/// Bounds, logarithms, steps, normals and parameters with one value, but no choice.
fn numbers() -> SearchSpace {
    space([
        ("uniform", Distribution::uniform(-3.0, 7.5)),
        ("log_uniform", Distribution::log_uniform(1e-7, 1e-2)),
        ("stepped", Distribution::uniform(0.0, 0.3).and_then(|d| d.with_step(0.1))),
        ("int", Distribution::int(-4, 9)),
        ("stepped_int", Distribution::int(16, 512).and_then(|d| d.with_step(16.0))),
        ("log_int", Distribution::log_int(1, 300)),
        ("ordinal", Distribution::ordinal(vec![text("s"), text("m"), text("l")])),
        ("normal", Distribution::normal(-1.0, 2.0)),
        ("log_normal", Distribution::log_normal(-6.0, 1.5)),
        ("one_float", Distribution::uniform(0.5, 0.5)),
        ("one_int", Distribution::int(7, 7)),
        ("one_option", Distribution::choice(vec![Value::Bool(true)])),
    ])
}

/// Choices and what exists under their options, finite.
fn conditional_grid() -> SearchSpace {
    let stepped = || Distribution::uniform(0.0, 1.0).unwrap().with_step(0.25).unwrap();
    SearchSpace::new(vec![
        Parameter::new("opt", Distribution::choice(vec![text("adam"), text("sgd"), text("none")]).unwrap()),
        Parameter::new("rate", stepped()).only_if(Condition::new("opt", vec![text("adam"), text("sgd")])),
        Parameter::new("nesterov", Distribution::choice(vec![Value::Bool(true), Value::Bool(false)]).unwrap())
            .only_if(Condition::new("opt", vec![text("sgd")])),
        Parameter::new("momentum", stepped()).only_if(Condition::new("nesterov", vec![Value::Bool(true)])),
        Parameter::new("width", Distribution::log_int(1, 5).unwrap()),
        Parameter::new("one", Distribution::uniform(2.0, 2.0).unwrap()),
    ])
    .unwrap()
}

/// The same with a continuous parameter, in a branch and outside.
fn conditional() -> SearchSpace {
    let mut parameters = conditional_grid().parameters().to_vec();
    let rate = || Distribution::log_uniform(1e-5, 1.0).unwrap();
    parameters.push(Parameter::new("decay", rate()));
    parameters.push(Parameter::new("sgd.lr", rate()).only_if(Condition::new("opt", vec![text("sgd")])));
    SearchSpace::new(parameters).unwrap()
}

/// Every sampler with every space that it can search.
fn pairs() -> Vec<(Sampler, SearchSpace)> {
    let spaces = [numbers(), conditional_grid(), conditional(), SearchSpace::default()];
    let pairs = samplers().into_iter().flat_map(|sampler| spaces.iter().map(move |space| (sampler, space.clone())));
    pairs.filter(|(sampler, space)| sampler.n_points(space).is_ok()).collect()
}

/// A number that any assignment has.
fn value(assignment: &Assignment) -> f64 {
    let bytes = format!("{assignment:?}").into_bytes();
    bytes.iter().enumerate().map(|(i, byte)| libm::sin(f64::from(*byte) * (i as f64 + 0.37))).sum()
}

/// Trials of random search, each with the state that `state` gives it.
fn history(space: &SearchSpace, n: usize, state: impl Fn(usize, &Assignment) -> TrialState) -> Vec<TrialRecord> {
    let trial = |number| {
        let assignment = Sampler::Random.suggest(space, &[], Direction::Minimize, number, Seed::root(1));
        TrialRecord { number, state: state(number, &assignment), assignment }
    };
    (0..n).map(trial).collect()
}

fn complete(_: usize, assignment: &Assignment) -> TrialState {
    TrialState::from_objective(value(assignment))
}

/// Complete under constraints that two of three trials miss.
fn constrained(number: usize, assignment: &Assignment) -> TrialState {
    let violation = if number.is_multiple_of(3) { 0.0 } else { 1.0 + value(assignment).sin() };
    Score::new(value(assignment), Vec::new(), violation).into()
}

/// Complete with two objectives.
fn twofold(_: usize, assignment: &Assignment) -> TrialState {
    Score::new(value(assignment), vec![(3.0 * value(assignment)).cos()], 0.0).into()
}

/// Complete with two objectives, under constraints that half of the trials miss.
fn constrained_twofold(number: usize, assignment: &Assignment) -> TrialState {
    let violation = if number.is_multiple_of(2) { 0.0 } else { 1.0 + value(assignment).sin() };
    Score::new(value(assignment), vec![(3.0 * value(assignment)).cos()], violation).into()
}

/// The same with every value negated.
fn mirrored(state: &TrialState) -> TrialState {
    let score = state.score().expect("it is complete");
    let others = score.others().iter().map(|value| -value).collect();
    Score::new(-score.value(), others, score.violation()).into()
}

fn suggest(
    sampler: &Sampler,
    space: &SearchSpace,
    history: &[TrialRecord],
    directions: impl AsRef<[Direction]>,
) -> Assignment {
    let number = history.iter().map(|record| record.number + 1).max().unwrap_or(0);
    sampler.suggest(space, history, directions, number, Seed::root(SEED))
}

/// A study of `n` trials, whose objective is no number in every seventh.
fn study(sampler: &Sampler, space: &SearchSpace, direction: Direction, n: usize) -> Vec<TrialRecord> {
    let mut history: Vec<TrialRecord> = Vec::new();
    for number in 0..n {
        let assignment = suggest(sampler, space, &history, direction);
        let objective = if number % 7 == 3 { f64::NAN } else { value(&assignment) };
        history.push(TrialRecord { number, assignment, state: TrialState::from_objective(objective) });
    }
    history
}

#[test]
fn each_sampler_is_held_against_at_least_two_spaces() {
    for sampler in samplers() {
        assert!(pairs().iter().filter(|(other, _)| *other == sampler).count() >= 2, "{sampler:?}");
    }
}

#[test]
fn every_suggestion_has_the_active_parameters_inside_their_distributions() {
    for (sampler, space) in pairs() {
        for direction in DIRECTIONS {
            for record in study(&sampler, &space, direction, 60) {
                let checked = space.check(&record.assignment);
                assert_eq!(checked, Ok(()), "{sampler:?}, trial {}: {:?}", record.number, record.assignment);
            }
        }
    }
}

#[test]
fn any_history_is_survived() {
    let failed = |_: usize, _: &Assignment| TrialState::from_objective(f64::NAN);
    let pending = |_: usize, _: &Assignment| TrialState::Pending;
    let equal = |_: usize, _: &Assignment| TrialState::from_objective(0.0);
    let huge = |number: usize, _: &Assignment| {
        TrialState::from_objective(if number.is_multiple_of(2) { f64::MAX } else { f64::MIN })
    };
    let mixed = |number: usize, assignment: &Assignment| match number % 4 {
        0 => TrialState::Pruned { step: 1, value: Some(0.5) },
        1 => TrialState::Pruned { step: 1, value: None },
        2 => failed(number, assignment),
        _ => complete(number, assignment),
    };
    for (sampler, space) in pairs() {
        let histories = [
            history(&space, 0, complete),
            history(&space, 1, complete),
            history(&space, 40, failed),
            history(&space, 40, pending),
            history(&space, 40, equal),
            history(&space, 40, huge),
            history(&space, 40, mixed),
        ];
        for (which, history) in histories.iter().enumerate() {
            for direction in DIRECTIONS {
                let suggested = suggest(&sampler, &space, history, direction);
                assert_eq!(space.check(&suggested), Ok(()), "{sampler:?}, history {which}");
            }
        }
    }
}

#[test]
fn any_history_under_constraints_or_of_two_objectives_is_survived() {
    let all_missed = |_: usize, assignment: &Assignment| Score::new(value(assignment), Vec::new(), 1.0).into();
    let missed_by_far = |_: usize, _: &Assignment| Score::new(0.0, vec![f64::MIN], f64::MAX).into();
    let huge = |number: usize, _: &Assignment| {
        let value = if number.is_multiple_of(2) { f64::MAX } else { f64::MIN };
        Score::new(value, vec![-value], 0.0).into()
    };
    let equal = |_: usize, _: &Assignment| Score::new(0.0, vec![-0.0], 0.0).into();
    let mixed = |number: usize, assignment: &Assignment| match number % 5 {
        0 => TrialState::Pruned { step: 1, value: Some(0.5) },
        1 => TrialState::Pruned { step: 1, value: None },
        2 => TrialState::Pending,
        3 => TrialState::from_objective(f64::NAN),
        _ => constrained_twofold(number, assignment),
    };
    for (sampler, space) in pairs() {
        let alone = [history(&space, 40, all_missed), history(&space, 40, constrained)];
        let of_two = [
            history(&space, 40, twofold),
            history(&space, 40, constrained_twofold),
            history(&space, 40, missed_by_far),
            history(&space, 40, huge),
            history(&space, 40, equal),
            history(&space, 60, mixed),
        ];
        for direction in DIRECTIONS {
            for history in &alone {
                assert_eq!(space.check(&suggest(&sampler, &space, history, direction)), Ok(()), "{sampler:?}");
            }
            for other in DIRECTIONS {
                for (which, history) in of_two.iter().enumerate() {
                    let suggested = suggest(&sampler, &space, history, [direction, other]);
                    assert_eq!(space.check(&suggested), Ok(()), "{sampler:?}, history {which}");
                }
            }
        }
    }
}

#[test]
fn what_only_others_are_scored_by_changes_no_suggestion_of_a_sampler_that_does_not_learn() {
    for sampler in [Sampler::Random, Sampler::Grid, Sampler::QuasiRandom] {
        let space = conditional_grid();
        let suggested = suggest(&sampler, &space, &history(&space, 40, complete), Direction::Minimize);
        let two = [Direction::Minimize, Direction::Maximize];
        assert_eq!(suggest(&sampler, &space, &history(&space, 40, constrained), Direction::Minimize), suggested);
        assert_eq!(suggest(&sampler, &space, &history(&space, 40, constrained_twofold), two), suggested);
    }
}

#[test]
fn ten_thousand_trials_are_no_obstacle() {
    for (sampler, space) in pairs() {
        let of_one = history(&space, 10_000, complete);
        let suggested = suggest(&sampler, &space, &of_one, Direction::Maximize);
        assert_eq!(space.check(&suggested), Ok(()), "{sampler:?}");
        let of_two = history(&space, 10_000, constrained_twofold);
        let suggested = suggest(&sampler, &space, &of_two, [Direction::Maximize, Direction::Minimize]);
        assert_eq!(space.check(&suggested), Ok(()), "{sampler:?}");
    }
}

#[test]
fn the_order_of_the_records_does_not_matter() {
    for (sampler, space) in pairs() {
        let mut history = history(&space, 50, complete);
        let suggested = suggest(&sampler, &space, &history, Direction::Minimize);
        history.reverse();
        history.rotate_left(17);
        assert_eq!(suggest(&sampler, &space, &history, Direction::Minimize), suggested, "{sampler:?}");
        let mut history = self::history(&space, 50, constrained_twofold);
        let suggested = suggest(&sampler, &space, &history, DIRECTIONS);
        history.reverse();
        history.rotate_left(17);
        assert_eq!(suggest(&sampler, &space, &history, DIRECTIONS), suggested, "{sampler:?}");
    }
}

#[test]
fn the_directions_mirror_each_other() {
    for (sampler, space) in pairs() {
        let direct = history(&space, 50, complete);
        let mirrored = history(&space, 50, |_, assignment| TrialState::from_objective(-value(assignment)));
        let minimised = suggest(&sampler, &space, &direct, Direction::Minimize);
        assert_eq!(suggest(&sampler, &space, &mirrored, Direction::Maximize), minimised, "{sampler:?}");
        let direct = history(&space, 50, constrained_twofold);
        let mirrored =
            history(&space, 50, |number, assignment| self::mirrored(&constrained_twofold(number, assignment)));
        let suggested = suggest(&sampler, &space, &direct, [Direction::Minimize, Direction::Maximize]);
        let turned = suggest(&sampler, &space, &mirrored, [Direction::Maximize, Direction::Minimize]);
        assert_eq!(turned, suggested, "{sampler:?}");
    }
}

#[test]
fn seeds_and_numbers_give_other_suggestions() {
    let space = numbers();
    for sampler in samplers().into_iter().filter(|sampler| sampler.n_points(&space).is_ok()) {
        let first = |seed| sampler.suggest(&space, &[], Direction::Minimize, 0, Seed::root(seed));
        assert_ne!(first(1), first(2), "{sampler:?}");
        let trials = study(&sampler, &space, Direction::Minimize, 20);
        let distinct: BTreeSet<String> = trials.iter().map(|record| format!("{:?}", record.assignment)).collect();
        assert_eq!(distinct.len(), 20, "{sampler:?}");
    }
}

#[test]
fn known_values_stand_and_the_rest_is_completed() {
    for (sampler, space) in pairs() {
        for sample in history(&space, 20, complete) {
            // Every prefix of an assignment names the choices before what hangs on them.
            for n in 0..=sample.assignment.len() {
                let known: Assignment = space
                    .active(&sample.assignment)
                    .take(n)
                    .map(|parameter| (parameter.name().to_owned(), sample.assignment[parameter.name()].clone()))
                    .collect();
                let trials = history(&space, 3, complete);
                let completed = sampler.complete(&space, &known, &trials, Direction::Minimize, 3, Seed::root(SEED));
                assert_eq!(space.check(&completed), Ok(()), "{sampler:?}");
                assert!(known.iter().all(|(name, value)| completed[name] == *value), "{sampler:?}");
            }
        }
    }
}

/// What all samplers suggest in all spaces in studies of `n` trials.
fn fingerprint(n: usize) -> String {
    let mut hasher = blake3::Hasher::new();
    for (sampler, space) in pairs() {
        for record in study(&sampler, &space, Direction::Minimize, n) {
            hasher.update(format!("{:?}", record.assignment).as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

#[test]
fn the_version_changes_with_what_is_suggested() {
    // So many trials that the near misses are summed first.
    let found = fingerprint(160);
    assert_eq!(
        (sampler::VERSION, found.as_str()),
        ("6", "6b0ba134053e0c2a1d26bbf563c71f5baf7d90abeb02221dca6855468b35ce0a"),
        "samplers suggest other assignments: raise `sampler::VERSION`, and record the digest here"
    );
}

/// Printed by another process for [`another_process_suggests_the_same`].
#[test]
#[ignore = "run by another_process_suggests_the_same, in a process of its own"]
fn prints_its_fingerprint() {
    println!("fingerprint {}", fingerprint(25));
}

#[test]
fn another_process_suggests_the_same() {
    let arguments = ["--exact", "prints_its_fingerprint", "--ignored", "--nocapture"];
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains(&format!("fingerprint {}", fingerprint(25))), "{printed}");
}
