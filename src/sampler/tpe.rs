//! The tree-structured Parzen estimator.
//!
//! The finished trials are split into the best tenth and the rest, a density is fitted to each side, candidates are
//! drawn from the good side's and the one with the largest ratio of the two densities is taken.
//!
//! After Bergstra et al. 2011 (NeurIPS, "Algorithms for hyper-parameter optimization"), joint over the parameters as
//! in Falkner et al. 2018 (arXiv 1807.01774), with the weights, bandwidths and categorical kernels in use in Optuna 5.
//! Ours differ in where randomness comes from: nothing but the seed and the trial's number, so a resumed or
//! parallel study is reproducible; and in the unbounded distributions, whose prior kernel is their own normal.

use std::num::NonZeroUsize;

use super::axis::Axis;
use super::observations::Observations;
use super::parameter_seed;
use super::parzen::Parzen;
use super::random;
use super::split::{Split, split};
use crate::seed::{Seed, Stream};
use crate::space::{Parameter, SearchSpace};
use crate::trial::{Direction, TrialRecord};
use crate::value::{Assignment, Value};

/// The knobs of the estimator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TpeSettings {
    /// Trials are random until this many have finished (10).
    pub n_startup: usize,
    /// Candidates drawn for each decision (24).
    pub n_candidates: NonZeroUsize,
    /// Whether the parameters that every finished trial has are modelled together (yes), or each alone.
    pub multivariate: bool,
}

impl Default for TpeSettings {
    fn default() -> Self {
        const CANDIDATES: NonZeroUsize = NonZeroUsize::new(24).expect("24 is not 0");
        Self { n_startup: 10, n_candidates: CANDIDATES, multivariate: true }
    }
}

/// The assignment of the trial whose seed this is.
pub(super) fn suggest(
    settings: &TpeSettings,
    space: &SearchSpace,
    history: &[TrialRecord],
    direction: Direction,
    trial: Seed,
) -> Assignment {
    let n_finished = history.iter().filter(|record| record.state.is_finished()).count();
    if n_finished < settings.n_startup {
        return random::suggest(space, trial);
    }
    let mut history: Vec<&TrialRecord> = history.iter().collect();
    history.sort_by_key(|record| record.number);
    let model = Model {
        parameters: space.parameters(),
        observations: Observations::new(space, &history),
        split: split(&history, direction),
        n_candidates: settings.n_candidates,
    };
    let together = if settings.multivariate { model.together(&history) } else { Vec::new() };
    let mut proposed: Vec<Option<Value>> = vec![None; space.parameters().len()];
    if !together.is_empty() {
        let values = model.propose(&together, &mut trial.child("joint").stream());
        for (&index, value) in together.iter().zip(values) {
            proposed[index] = Some(value);
        }
    }
    let mut assignment = Assignment::new();
    for (index, (parameter, proposed)) in space.parameters().iter().zip(proposed).enumerate() {
        if !parameter.is_active(&assignment) {
            continue;
        }
        let value = proposed.or_else(|| parameter.distribution().single()).unwrap_or_else(|| {
            let mut stream = parameter_seed(trial, parameter.name()).stream();
            model.propose(&[index], &mut stream).swap_remove(0)
        });
        assignment.insert(parameter.name().to_owned(), value);
    }
    assignment
}

/// What is known before a trial.
struct Model<'a> {
    parameters: &'a [Parameter],
    observations: Observations,
    split: Split,
    n_candidates: NonZeroUsize,
}

impl Model<'_> {
    /// Positions of the parameters that are modelled together: those with more than one value that every finished
    /// trial has.
    fn together(&self, history: &[&TrialRecord]) -> Vec<usize> {
        let finished = || (0..history.len()).filter(|&index| history[index].state.is_finished());
        (0..self.parameters.len())
            .filter(|&index| self.parameters[index].distribution().single().is_none())
            .filter(|&index| self.observations.in_every(index, finished()))
            .collect()
    }

    /// Values for some parameters, drawn together: the candidate with the largest ratio of the good side's density
    /// to the other side's, the first of several.
    fn propose(&self, indices: &[usize], stream: &mut Stream) -> Vec<Value> {
        let axes: Vec<Axis<'_>> =
            indices.iter().map(|&index| Axis::new(self.parameters[index].distribution())).collect();
        let fit = |trials| Parzen::new(&axes, self.observations.complete_rows(indices, trials));
        let (below, above) = (fit(&self.split.below), fit(&self.split.above));
        let candidates: Vec<Vec<f64>> = (0..self.n_candidates.get()).map(|_| below.draw(stream)).collect();
        let good = below.log_densities(&candidates);
        let bad = above.log_densities(&candidates);
        let score = |index: usize| good[index] - bad[index];
        let mut best = 0;
        for index in 1..candidates.len() {
            if score(index) > score(best) {
                best = index;
            }
        }
        let internal = below.to_internal(&candidates[best]);
        let value = |(&index, &x): (&usize, &f64)| self.parameters[index].distribution().from_internal(x);
        indices.iter().zip(&internal).map(value).collect()
    }
}

#[cfg(test)]
mod tests;
