//! What an ask and its tell cost.

use std::time::{Duration, Instant};

use xrun::sampler::{Sampler, TpeSettings};
use xrun::seed::Seed;
use xrun::space::{Distribution, Parameter, SearchSpace};
use xrun::study::Study;
use xrun::trial::{Direction, TrialState};
use xrun::value::{Assignment, Value};

/// Suggestions measured in each study.
const REPEATS: usize = 15;
/// Numbers of trials, and what a suggestion after them may take.
const AIMS: [(usize, Duration); 3] =
    [(100, Duration::from_micros(100)), (1_000, Duration::from_micros(500)), (10_000, Duration::from_millis(5))];

/// Prints the time of one ask and tell after so many trials of eight parameters of all kinds, on one core. The trials before
/// were drawn at random, or by the search itself, which makes neighbours of most of them.
pub(crate) fn print(sizes: &[usize]) {
    println!("ask and tell with 8 mixed parameters on one core, median of {REPEATS} in each study");
    println!("{:<18}{:>14}{:>14}{:>14}", "trials before", "random ones", "its own", "aim");
    for &n_trials in sizes {
        let [random, own] =
            [Sampler::Random, Sampler::Tpe(TpeSettings::default())].map(|before| median_time(before, n_trials));
        let aim = AIMS.iter().find(|(size, _)| *size == n_trials).map(|(_, aim)| format!("{aim:.3?}"));
        println!("{n_trials:<18}{random:>14.3?}{own:>14.3?}{:>14}", aim.unwrap_or_default());
    }
}

/// Of several studies where they are short: what a suggestion costs depends on the trials before.
fn median_time(before: Sampler, n_trials: usize) -> Duration {
    let n_studies = (2_000 / n_trials.max(1)).clamp(1, 20) as u64;
    let mut times: Vec<Duration> = (1..=n_studies).flat_map(|root| times(before, n_trials, Seed::root(root))).collect();
    times.sort();
    times[times.len() / 2]
}

fn times(before: Sampler, n_trials: usize, seed: Seed) -> Vec<Duration> {
    let study = |sampler| Study::new(space(), sampler, Direction::Minimize, seed, 1);
    let mut drawn = study(before);
    for _ in 0..n_trials {
        step(&mut drawn);
    }
    let mut study = study(Sampler::Tpe(TpeSettings::default())).with_records(drawn.records().to_vec());
    // What it keeps of the trials is read once.
    step(&mut study);
    let time = |_| {
        let clock = Instant::now();
        step(&mut study);
        clock.elapsed()
    };
    (0..REPEATS).map(time).collect()
}

/// One more trial.
fn step(study: &mut Study) {
    let (number, assignment) = study.ask();
    study.tell(number, TrialState::from_objective(value(&assignment)));
}

/// Every kind of distribution, twice the two most used.
fn space() -> SearchSpace {
    let options = |count: i64| Distribution::choice((0..count).map(Value::Int).collect());
    let parameters = [
        ("choice of 5", options(5)),
        ("choice of 3", options(3)),
        ("uniform", Distribution::uniform(0.0, 1.0)),
        ("log uniform", Distribution::log_uniform(1e-5, 1.0)),
        ("second log uniform", Distribution::log_uniform(1e-6, 1e-2)),
        ("grid", Distribution::uniform(0.0, 0.8).and_then(|grid| grid.with_step(0.05))),
        ("int", Distribution::int(1, 64)),
        ("log int", Distribution::log_int(8, 1024)),
    ];
    let parameter = |(name, distribution)| Parameter::new(name, Result::expect(distribution, "written correctly"));
    SearchSpace::new(parameters.into_iter().map(parameter).collect()).expect("names differ")
}

/// A bowl with its bottom off the centre; the choices add a constant.
fn value(assignment: &Assignment) -> f64 {
    let get = |name: &str| assignment.get(name).and_then(Value::as_f64).expect("a number");
    let square = |x: f64| x * x;
    let level = |name| if get(name) == 1.0 { 0.0 } else { 0.3 };
    level("choice of 5")
        + level("choice of 3")
        + square(get("uniform") - 0.3)
        + 0.1 * square(libm::log10(get("log uniform")) + 2.0)
        + 0.1 * square(libm::log10(get("second log uniform")) + 4.0)
        + square(get("grid") - 0.2)
        + 0.001 * square(get("int") - 20.0)
        + 0.05 * square(libm::log2(get("log int")) - 7.0)
}
