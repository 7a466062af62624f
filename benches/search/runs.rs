//! Searches without training: a study of a function, one for each seed.

use std::thread;

use xrun::sampler::Sampler;
use xrun::seed::Seed;
use xrun::study::Study;
use xrun::trial::{Direction, TrialState};

use super::functions::Function;

/// How the studies of a row run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions {
    /// Maximising is of the negative function.
    pub(crate) direction: Direction,
    /// Standard deviation of what is added to every value.
    pub(crate) noise: f64,
    /// How many trials run at once.
    pub(crate) lag: usize,
}

impl Conditions {
    /// Minimised, exact, one trial after the other.
    pub(crate) const PLAIN: Self = Self { direction: Direction::Minimize, noise: 0.0, lag: 1 };
}

/// After each trial, how far the trial that looks best is above the minimum.
pub(crate) fn regrets(
    sampler: Sampler,
    function: &Function,
    conditions: Conditions,
    n_trials: usize,
    seed: u64,
) -> Vec<f64> {
    let Conditions { direction, noise, lag } = conditions;
    let root = Seed::root(seed);
    let mut study = Study::new(function.space.clone(), sampler, direction, root, lag);
    let mut noises = root.child("noise").stream();
    let (mut exact, mut regrets) = (Vec::new(), Vec::new());
    let mut best: Option<(f64, f64)> = None;
    let tell = |study: &mut Study, number: usize, (seen, value): (f64, f64)| {
        study.tell(number, TrialState::from_objective(direction.loss(seen)));
        value
    };
    for number in 0..n_trials {
        while study.records().len() < n_trials && study.can_ask() {
            let (_, assignment) = study.ask();
            let value = (function.evaluate)(&assignment);
            let seen = if noise > 0.0 { value + noise * noises.normal() } else { value };
            exact.push((seen, value));
        }
        let (seen, value) = exact[number];
        tell(&mut study, number, (seen, value));
        if best.is_none_or(|(held, _)| seen < held) {
            best = Some((seen, value));
        }
        regrets.push(best.map_or(f64::INFINITY, |(_, value)| value - function.optimum));
    }
    regrets
}

/// The regrets of the seeds, spread over the cores.
pub(crate) fn all_regrets(
    sampler: Sampler,
    function: &Function,
    conditions: Conditions,
    n_trials: usize,
    seeds: &[u64],
) -> Vec<Vec<f64>> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let mut rows = vec![Vec::new(); seeds.len()];
    thread::scope(|scope| {
        let share = seeds.len().div_ceil(n_threads);
        for (rows, seeds) in rows.chunks_mut(share).zip(seeds.chunks(share)) {
            scope.spawn(move || {
                for (row, &seed) in rows.iter_mut().zip(seeds) {
                    *row = regrets(sampler, function, conditions, n_trials, seed);
                }
            });
        }
    });
    rows
}
