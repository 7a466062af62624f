//! Searches of whole functions, and the parts of the benchmark that compares them.
#![expect(clippy::unwrap_used, clippy::cast_precision_loss, reason = "tests, with small counts")]

#[path = "../benches/search/compare.rs"]
mod compare;
#[path = "../benches/search/functions.rs"]
mod functions;
#[path = "../benches/search/reference.rs"]
mod reference;
#[path = "../benches/search/runs.rs"]
mod runs;

use compare::{Comparison, compare, median};
use functions::{Function, functions};
use reference::Reference;
use runs::{Conditions, all_regrets};
use xrun::sampler::{CmaEsSettings, Sampler, TpeSettings};
use xrun::seed::Seed;
use xrun::trial::Direction;
use xrun::value::{Assignment, Value};

fn tpe() -> Sampler {
    Sampler::Tpe(TpeSettings::default())
}

fn function(name: &str) -> Function {
    functions().into_iter().find(|function| function.name == name).unwrap()
}

fn assignment(values: &[(&str, Value)]) -> Assignment {
    values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn axes(values: &[f64]) -> Assignment {
    let axis = |(index, &x): (usize, &f64)| (format!("x{index}"), Value::Float(x));
    values.iter().enumerate().map(axis).collect()
}

/// Expected values from an implementation in Python.
#[test]
fn functions_have_their_known_values() {
    let (int, float) = (Value::Int, Value::Float);
    let intstep = [("layers", int(3)), ("units", int(64)), ("depth", int(5)), ("drop", float(0.3)), ("batch", int(64))];
    let bowl = |lr| assignment(&[("lr", float(lr)), ("wd", float(1e-3)), ("mom", float(0.9))]);
    let mixed = |a, b| {
        let rest = [("x", float(0.4)), ("lr", float(0.01)), ("y", float(0.8)), ("n", int(3)), ("w", int(100))];
        assignment(&[&[("a", int(a)), ("b", int(b))], rest.as_slice()].concat())
    };
    let svm = [("kind", int(0)), ("svm_C", float(2.0)), ("svm_gamma", float(0.1))];
    let forest = [("kind", int(1)), ("rf_depth", int(5)), ("rf_n_est", int(100)), ("rf_max_feat", float(0.9))];
    let layers = [("kind", int(2)), ("mlp_n_layers", int(2)), ("mlp_lr", float(0.01))];
    let units = [("mlp_units0", int(32)), ("mlp_units1", int(100))];
    let neighbours = [("kind", int(3)), ("knn_k", int(20)), ("knn_weight", int(0))];
    for (name, point, expected) in [
        ("branin", axes(&[1.0, 2.0]), 21.627_635_392_062_38),
        ("hartmann6", axes(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), -1.406_910_576_138_529_9),
        ("rosenbrock4", axes(&[0.0, 1.0, 2.0, 3.0]), 302.0),
        ("ackley10", axes(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]), 13.124_086_906_381_939),
        ("lrbowl3", bowl(1e-2), 0.6467),
        ("lrbowl3", bowl(1e-4), 1.2717),
        ("intstep6", assignment(&[intstep.as_slice(), &[("k", int(9))]].concat()), 13.617_883_865_479_888),
        ("mixed7", mixed(3, 2), 3.682_910_158_622_245),
        ("mixed7", mixed(1, 4), 2.042_910_158_622_245),
        ("conditional", assignment(&svm), 0.459_313_544_017_689_65),
        ("conditional", assignment(&forest), 0.446),
        ("conditional", assignment(&[layers.as_slice(), &units].concat()), 0.318_135_790_359_640_4),
        ("conditional", assignment(&neighbours), 0.298),
    ] {
        let function = function(name);
        let got = (function.evaluate)(&point);
        assert!((got - expected).abs() < 1e-12 * expected.abs(), "{name}: {got}, not {expected}");
        assert!(got > function.optimum);
    }
}

#[test]
fn comparisons_follow_mann_and_whitney() {
    // 3 of 4 pairs and a tie: U = 3.5 of 4; ranks 1, 2.5, 2.5, 4, variance 4/12 (5 - 6/12) = 1.5, z = 1.5 / sqrt(1.5)
    let Comparison { chance, p } = compare(&[1.0, 2.0], &[2.0, 3.0]);
    assert_eq!(chance, 0.875);
    assert!((p - 0.220_671_361_919_846_76).abs() < 1e-12, "{p}");
    // 16 of 20 pairs: U = 16, variance 5 * 4 * 10 / 12, z = 6 / sqrt(16.67)
    let Comparison { chance, p } = compare(&[5.0, 1.0, 7.0, 4.0, 2.0], &[8.0, 3.0, 9.0, 6.0]);
    assert_eq!(chance, 0.8);
    assert!((p - 0.141_644_690_295_134_9).abs() < 1e-12, "{p}");
    assert_eq!(compare(&[1.0; 3], &[1.0; 4]), Comparison { chance: 0.5, p: 1.0 });
    assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 2.0, 3.0])), (2.0, 2.5));
}

#[test]
fn the_reference_has_thirty_seeds_of_every_function() {
    let reference = Reference::load();
    assert_eq!(reference.checkpoints, [25, 50, 100, 200]);
    for function in functions() {
        let samplers: Vec<&str> = reference.samplers(function.name).collect();
        assert!(["independent", "joint", "random"].iter().all(|name| samplers.contains(name)));
        for sampler in samplers {
            let medians: Vec<f64> = (0..4).map(|at| median(&reference.regrets(function.name, sampler, at))).collect();
            assert_eq!(reference.regrets(function.name, sampler, 3).len(), 30);
            assert!(medians.is_sorted_by(|a, b| a >= b), "{}, {sampler}: regret never rises", function.name);
        }
    }
}

#[test]
fn maximising_the_negative_is_minimising() {
    let maximize = Conditions { direction: Direction::Maximize, ..Conditions::PLAIN };
    for function in functions() {
        let run = |conditions| all_regrets(tpe(), &function, conditions, 40, &[0, 1]);
        assert_eq!(run(Conditions::PLAIN), run(maximize), "{}", function.name);
    }
}

#[test]
fn every_assignment_fits_its_space() {
    for function in functions() {
        for number in 0..50 {
            let drawn = Sampler::Random.suggest(&function.space, &[], Direction::Minimize, number, Seed::root(1));
            assert_eq!(function.space.check(&drawn), Ok(()));
            assert!((function.evaluate)(&drawn) > function.optimum);
        }
    }
}

fn seeds(n: u64) -> Vec<u64> {
    (0..n).collect()
}

/// The chance that a hundred trials of a sampler end below a hundred random ones of the reference.
fn chance_against_random(sampler: Sampler, function: &Function, conditions: Conditions) -> f64 {
    let runs = all_regrets(sampler, function, conditions, 100, &seeds(30));
    let ours: Vec<f64> = runs.iter().map(|run| run[99]).collect();
    compare(&ours, &Reference::load().regrets(function.name, "random", 2)).chance
}

#[test]
fn cma_es_beats_random_on_smooth_functions_in_both_directions() {
    let sampler = Sampler::CmaEs(CmaEsSettings::default());
    for (name, least) in [("branin", 0.7), ("rosenbrock4", 0.9), ("lrbowl3", 0.8), ("intstep6", 0.8)] {
        for direction in [Direction::Minimize, Direction::Maximize] {
            let conditions = Conditions { direction, ..Conditions::PLAIN };
            let chance = chance_against_random(sampler, &function(name), conditions);
            assert!(chance >= least, "{name}: {chance}");
        }
    }
}

/// 400 runs of each on eight functions: the mean chance has a standard deviation of 0.007.
#[test]
fn quasi_random_trials_are_no_worse_than_random_ones() {
    let ends = |sampler, function: &Function| -> Vec<f64> {
        all_regrets(sampler, function, Conditions::PLAIN, 100, &seeds(400)).iter().map(|run| run[99]).collect()
    };
    let of =
        |function: &Function| compare(&ends(Sampler::QuasiRandom, function), &ends(Sampler::Random, function)).chance;
    let chances: Vec<f64> = functions().iter().map(of).collect();
    assert!(chances.iter().sum::<f64>() >= 0.5 * functions().len() as f64, "{chances:?}");
}

#[test]
fn tpe_beats_random_on_the_reference_functions() {
    for function in functions() {
        let chance = chance_against_random(tpe(), &function, Conditions::PLAIN);
        let least = if ["mixed7", "conditional"].contains(&function.name) { 0.75 } else { 0.9 };
        assert!(chance >= least, "{}: {chance}", function.name);
    }
}
