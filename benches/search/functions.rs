//! The functions on which samplers are compared, all to be minimised.
//!
//! Branin, Hartmann, Rosenbrock and Ackley are the usual ones; the others imitate what hyperparameters look like:
//! logarithmic ridges, whole numbers, options that change a curve, and parameters that exist under an option only.

use std::f64::consts::{E, PI};

use xrun::space::{Condition, Distribution, DistributionError, Parameter, SearchSpace};
use xrun::value::{Assignment, Value};

/// A function with its space and its known minimum.
pub(crate) struct Function {
    /// The name in the reference table.
    pub(crate) name: &'static str,
    /// What is searched.
    pub(crate) space: SearchSpace,
    /// The value of an assignment of the space.
    pub(crate) evaluate: fn(&Assignment) -> f64,
    /// The lowest value.
    pub(crate) optimum: f64,
}

/// All functions, in the order of reports.
pub(crate) fn functions() -> Vec<Function> {
    let log10 = |low: i32, high: i32| Distribution::log_uniform(10_f64.powi(low), 10_f64.powi(high));
    let int = |low, high, step| Distribution::int(low, high).and_then(|d| d.with_step(step));
    let drop = Distribution::uniform(0.0, 0.8).and_then(|d| d.with_step(0.05));
    vec![
        Function {
            name: "branin",
            space: space(vec![("x0", Distribution::uniform(-5.0, 10.0)), ("x1", Distribution::uniform(0.0, 15.0))]),
            evaluate: branin,
            optimum: 0.397_887_357_729_738_16,
        },
        Function { name: "hartmann6", space: cube(6, 0.0, 1.0), evaluate: hartmann6, optimum: -3.322_368_011_415_51 },
        Function { name: "rosenbrock4", space: cube(4, -5.0, 10.0), evaluate: rosenbrock4, optimum: 0.0 },
        Function { name: "ackley10", space: cube(10, -10.0, 30.0), evaluate: ackley10, optimum: 0.0 },
        Function {
            name: "lrbowl3",
            space: space(vec![("lr", log10(-6, 0)), ("wd", log10(-8, -1)), ("mom", Distribution::uniform(0.5, 0.999))]),
            evaluate: lrbowl3,
            optimum: 0.0,
        },
        Function {
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
        Function { name: "mixed7", space: mixed7_space(), evaluate: mixed7, optimum: 0.0 },
        Function { name: "conditional", space: conditional_space(), evaluate: conditional, optimum: 0.0 },
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

/// The place of the option that was chosen, whose label is its number.
fn option(assignment: &Assignment, name: &str) -> usize {
    match assignment.get(name) {
        Some(Value::Int(option)) => usize::try_from(*option).expect("labels are not negative"),
        _ => panic!("`{name}` is a choice of ints"),
    }
}

fn options(count: i64) -> Result<Distribution, DistributionError> {
    Distribution::choice((0..count).map(Value::Int).collect())
}

fn mixed7_space() -> SearchSpace {
    space(vec![
        ("a", options(4)),
        ("x", Distribution::uniform(0.0, 1.0)),
        ("b", options(6)),
        ("lr", Distribution::log_uniform(1e-5, 1.0)),
        ("y", Distribution::uniform(0.0, 1.0)),
        ("n", Distribution::int(1, 20)),
        ("w", Distribution::log_int(8, 512)),
    ])
}

/// Two choices: the first moves the optimum of `x` and the level, the second decides how steep `y` is.
fn mixed7(assignment: &Assignment) -> f64 {
    const LEVEL: [f64; 4] = [0.3, 0.0, 0.5, 0.8];
    const CENTRE: [f64; 4] = [0.2, 0.75, 0.5, 0.9];
    let get = |name| number(assignment, name);
    let (a, b) = (option(assignment, "a"), option(assignment, "b"));
    let (level, steepness) = if b == 2 { (0.0, 1.0) } else { (0.25 + 0.05 * get("b"), 0.4) };
    let lr = libm::log10(get("lr")) + 2.5 - if a == 3 { 0.5 } else { 0.0 };
    LEVEL[a]
        + 6.0 * (get("x") - CENTRE[a]).powi(2)
        + level
        + 0.3 * lr * lr
        + 4.0 * (get("y") - 0.3).powi(2) * steepness
        + 0.05 * (get("n") - 9.0).abs()
        + 0.2 * (libm::log2(get("w")) - 6.0).powi(2)
}

fn conditional_space() -> SearchSpace {
    let kind = |distribution: Result<Distribution, _>, name: &str, kind: i64| {
        let condition = Condition::new("kind", vec![Value::Int(kind)]);
        Parameter::new(name, distribution.expect("written correctly")).only_if(condition)
    };
    let units = |name: &str, layers: &[i64]| {
        let condition = Condition::new("mlp_n_layers", layers.iter().copied().map(Value::Int).collect());
        let units = Distribution::log_int(8, 256).expect("written correctly");
        Parameter::new(name, units).only_if(condition)
    };
    SearchSpace::new(vec![
        Parameter::new("kind", options(4).expect("written correctly")),
        kind(Distribution::log_uniform(1e-3, 1e3), "svm_C", 0),
        kind(Distribution::log_uniform(1e-5, 10.0), "svm_gamma", 0),
        kind(Distribution::int(2, 32), "rf_depth", 1),
        kind(Distribution::log_int(10, 500), "rf_n_est", 1),
        kind(Distribution::uniform(0.1, 1.0), "rf_max_feat", 1),
        kind(Distribution::choice([1, 2, 3].map(Value::Int).to_vec()), "mlp_n_layers", 2),
        kind(Distribution::log_uniform(1e-5, 1.0), "mlp_lr", 2),
        kind(Distribution::log_int(8, 256), "mlp_units0", 2),
        units("mlp_units1", &[2, 3]),
        units("mlp_units2", &[3]),
        kind(Distribution::int(1, 50), "knn_k", 3),
        kind(options(2), "knn_weight", 3),
    ])
    .expect("names differ and choices come first")
}

/// Four kinds of model with their own parameters. Only one reaches 0, and it is the worst at random.
fn conditional(assignment: &Assignment) -> f64 {
    let get = |name| number(assignment, name);
    match option(assignment, "kind") {
        0 => {
            0.25 + 0.06 * (libm::log10(get("svm_C")) - 1.0).powi(2)
                + 0.08 * (libm::log10(get("svm_gamma")) + 2.5).powi(2)
        }
        1 => {
            0.15 + 0.002 * (get("rf_depth") - 14.0).powi(2)
                + 0.1 * (libm::log10(get("rf_n_est")) - 2.3).powi(2)
                + 0.5 * (get("rf_max_feat") - 0.4).powi(2)
        }
        2 => {
            let n_layers = option(assignment, "mlp_n_layers");
            let units = [("mlp_units0", 6.0), ("mlp_units1", 5.0), ("mlp_units2", 4.0)];
            let units = units.iter().take(n_layers).map(|(name, best)| 0.06 * (libm::log2(get(name)) - best).powi(2));
            [0.12, 0.0, 0.07][n_layers - 1] + 0.15 * (libm::log10(get("mlp_lr")) + 2.8).powi(2) + units.sum::<f64>()
        }
        _ => 0.2 + 0.004 * (get("knn_k") - 8.0).abs() + if option(assignment, "knn_weight") == 1 { 0.0 } else { 0.05 },
    }
}
