//! Analytic objectives on which samplers are compared, all to be minimised, and a study without training.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::f64::consts::{E, PI};

use super::Sampler;
use crate::seed::Seed;
use crate::space::{Distribution, DistributionError, Parameter, SearchSpace};
use crate::trial::{Direction, TrialRecord, TrialState};
use crate::value::{Assignment, Value};

/// A function with its space and its known minimum.
pub(super) struct Objective {
    pub(super) name: &'static str,
    pub(super) space: SearchSpace,
    pub(super) evaluate: fn(&Assignment) -> f64,
    optimum: f64,
}

/// The six functions of the fixture.
pub(super) fn objectives() -> Vec<Objective> {
    let log10 = |low: i32, high: i32| Distribution::log_uniform(10_f64.powi(low), 10_f64.powi(high));
    let int = |low, high, step| Distribution::int(low, high).and_then(|d| d.with_step(step));
    let drop = Distribution::uniform(0.0, 0.8).and_then(|d| d.with_step(0.05));
    vec![
        Objective {
            name: "branin",
            space: space(vec![("x0", Distribution::uniform(-5.0, 10.0)), ("x1", Distribution::uniform(0.0, 15.0))]),
            evaluate: branin,
            optimum: 0.397_887_357_729_738_16,
        },
        Objective { name: "hartmann6", space: cube(6, 0.0, 1.0), evaluate: hartmann6, optimum: -3.322_368_011_415_51 },
        Objective { name: "rosenbrock4", space: cube(4, -5.0, 10.0), evaluate: rosenbrock4, optimum: 0.0 },
        Objective { name: "ackley10", space: cube(10, -10.0, 30.0), evaluate: ackley10, optimum: 0.0 },
        Objective {
            name: "lrbowl3",
            space: space(vec![("lr", log10(-6, 0)), ("wd", log10(-8, -1)), ("mom", Distribution::uniform(0.5, 0.999))]),
            evaluate: lrbowl3,
            optimum: 0.0,
        },
        Objective {
            name: "intstep6",
            space: space(vec![
                ("layers", Distribution::int(1, 12)),
                ("units", int(16, 512, 16.0)),
                ("depth", Distribution::log_int(1, 64)),
                ("drop", drop),
                ("batch", Distribution::log_int(8, 256)),
                ("k", int(1, 9, 2.0)),
            ]),
            evaluate: intstep6,
            optimum: 0.0,
        },
    ]
}

fn space(parameters: Vec<(&str, Result<Distribution, DistributionError>)>) -> SearchSpace {
    let parameter =
        |(name, distribution): (&str, Result<_, _>)| Parameter::new(name, distribution.expect("written correctly"));
    SearchSpace::new(parameters.into_iter().map(parameter).collect()).expect("names differ")
}

fn cube(n: usize, low: f64, high: f64) -> SearchSpace {
    let parameter = |index| {
        let distribution = Distribution::uniform(low, high).expect("written correctly");
        Parameter::new(format!("x{index}"), distribution)
    };
    SearchSpace::new((0..n).map(parameter).collect()).expect("names differ")
}

fn number(assignment: &Assignment, name: &str) -> f64 {
    assignment.get(name).and_then(Value::as_f64).expect("the space has this number")
}

/// `x0, x1, ...`; shorter than ten in all of these functions, so the order of names is the order of axes.
fn point(assignment: &Assignment) -> Vec<f64> {
    assignment.values().filter_map(Value::as_f64).collect()
}

fn branin(assignment: &Assignment) -> f64 {
    let x = point(assignment);
    let valley = x[1] - 5.1 / (4.0 * PI * PI) * x[0] * x[0] + 5.0 / PI * x[0] - 6.0;
    valley * valley + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * libm::cos(x[0]) + 10.0
}

fn hartmann6(assignment: &Assignment) -> f64 {
    const HEIGHT: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const SCALE: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const CENTRE: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let x = point(assignment);
    let bump = |i: usize| {
        let distance: f64 = (0..6).map(|j| SCALE[i][j] * (x[j] - CENTRE[i][j]).powi(2)).sum();
        HEIGHT[i] * libm::exp(-distance)
    };
    -(0..4).map(bump).sum::<f64>()
}

fn rosenbrock4(assignment: &Assignment) -> f64 {
    let valley = |pair: &[f64]| 100.0 * (pair[1] - pair[0] * pair[0]).powi(2) + (1.0 - pair[0]).powi(2);
    point(assignment).windows(2).map(valley).sum()
}

fn ackley10(assignment: &Assignment) -> f64 {
    let x = point(assignment);
    let mean = |f: fn(f64) -> f64| x.iter().map(|&v| f(v)).sum::<f64>() / 10.0;
    let radius = libm::sqrt(mean(|v| v * v));
    let ripples = mean(|v| libm::cos(2.0 * PI * v));
    -20.0 * libm::exp(-0.2 * radius) - libm::exp(ripples) + 20.0 + E
}

/// Learning rate, weight decay and momentum: log scales, a ridge between the first and the last, steeper on the
/// side where training would diverge.
fn lrbowl3(assignment: &Assignment) -> f64 {
    let get = |name| number(assignment, name);
    let u = libm::log10(get("lr")) - libm::log10(1.0 - get("mom")) + 1.5;
    let ridge = if u > 0.0 { 2.0 * u * u } else { 0.5 * u * u };
    ridge + 0.1 * (libm::log10(get("wd")) + 4.2).powi(2) + 3.0 * (get("mom") - 0.93).powi(2)
}

fn intstep6(assignment: &Assignment) -> f64 {
    let get = |name| number(assignment, name);
    let (layers, units) = (get("layers") - 7.0, (get("units") - 208.0) / 96.0);
    let depth = libm::log2(get("depth")) - libm::log2(12.0);
    0.15 * layers * layers
        + units * units
        + 1.5 * depth * depth
        + 30.0 * (get("drop") - 0.15).powi(2)
        + 0.5 * (libm::log2(get("batch")) - 5.0).powi(2)
        + 0.8 * (get("k") - 3.0).abs()
        + 0.1 * layers * units
}

/// A study of `n_trials` of `objective`, one after the other. Maximising is of the negative function.
pub(super) fn study(
    sampler: &Sampler,
    objective: &Objective,
    direction: Direction,
    n_trials: usize,
    seed: Seed,
) -> Vec<TrialRecord> {
    let mut history = Vec::with_capacity(n_trials);
    for number in 0..n_trials {
        let assignment = sampler.suggest(&objective.space, &history, direction, number, seed);
        let value = direction.loss((objective.evaluate)(&assignment));
        history.push(TrialRecord { number, assignment, state: TrialState::Complete { value } });
    }
    history
}

/// How far the best trial is above the minimum.
pub(super) fn regret(objective: &Objective, history: &[TrialRecord]) -> f64 {
    let values = history.iter().map(|trial| (objective.evaluate)(&trial.assignment));
    values.fold(f64::INFINITY, f64::min) - objective.optimum
}

/// Regrets of random search after 100 trials, 30 seeds, by the function's name.
pub(super) fn random_regrets() -> BTreeMap<String, Vec<f64>> {
    #[derive(Deserialize)]
    struct Fixture {
        regret: BTreeMap<String, Vec<f64>>,
    }
    let text = include_str!("../../tests/fixtures/random_regret_100.json");
    serde_json::from_str::<Fixture>(text).expect("the fixture is valid").regret
}

/// Probability that a regret of `ours` is below one of `theirs`; ties count half.
pub(super) fn win_chance(ours: &[f64], theirs: &[f64]) -> f64 {
    let score = |a: &f64| {
        let wins = theirs.iter().map(|b| {
            if a < b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            }
        });
        wins.sum::<f64>()
    };
    #[expect(clippy::cast_precision_loss, reason = "a few seeds")]
    let pairs = (ours.len() * theirs.len()) as f64;
    ours.iter().map(score).sum::<f64>() / pairs
}

#[cfg(test)]
mod tests {
    //! Expected values from an implementation in Python.

    use super::*;

    fn value_at(name: &str, values: &[(&str, f64)]) -> f64 {
        let objective = objectives().into_iter().find(|o| o.name == name).expect("listed");
        let value = |(name, x): &(&str, f64)| ((*name).to_owned(), Value::Float(*x));
        (objective.evaluate)(&values.iter().map(value).collect())
    }

    fn axes(n: usize, value: fn(f64) -> f64) -> Vec<(&'static str, f64)> {
        let names = ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9"];
        names.into_iter().zip((0..10).map(|i| value(f64::from(i)))).take(n).collect()
    }

    #[test]
    fn functions_have_their_known_values() {
        let intstep = [("layers", 3.0), ("units", 64.0), ("depth", 5.0), ("drop", 0.3), ("batch", 64.0), ("k", 9.0)];
        for (got, expected) in [
            (value_at("branin", &axes(2, |i| i + 1.0)), 21.627_635_392_062_38),
            (value_at("hartmann6", &axes(6, |i| 0.1 * (i + 1.0))), -1.406_910_576_138_529_9),
            (value_at("rosenbrock4", &axes(4, |i| i)), 302.0),
            (value_at("ackley10", &axes(10, |i| i)), 13.124_086_906_381_939),
            (value_at("lrbowl3", &[("lr", 1e-2), ("wd", 1e-3), ("mom", 0.9)]), 0.6467),
            (value_at("lrbowl3", &[("lr", 1e-4), ("wd", 1e-3), ("mom", 0.9)]), 1.2717),
            (value_at("intstep6", &intstep), 13.617_883_865_479_888),
        ] {
            assert!((got - expected).abs() < 1e-12 * expected.abs(), "{got}, not {expected}");
        }
    }

    #[test]
    fn win_chance_counts_pairs() {
        assert_eq!(win_chance(&[1.0, 2.0], &[2.0, 3.0]), 0.875);
    }
}
