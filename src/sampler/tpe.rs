//! The tree-structured Parzen estimator.
//!
//! The finished trials are split into the best tenth and the rest, a density is fitted to each side, candidates are
//! drawn from the good side's and the one with the largest ratio of the two densities is taken.
//!
//! After Bergstra et al. 2011 (NeurIPS, "Algorithms for hyper-parameter optimization"), joint over the parameters as
//! in Falkner et al. 2018 (arXiv 1807.01774), with the weights, bandwidths and categorical kernels in use in Optuna 5.
//! Parameters that exist under one condition are modelled together, among the trials that have them, and the branch of a
//! space is picked before (`sampler::branch`). Ours differ, too, in where randomness comes from: nothing but the seed and the trial's number, so a resumed or
//! parallel study is reproducible; and in the unbounded distributions, whose prior kernel is their own normal.

use std::num::NonZeroUsize;

use super::axis::Axis;
use super::branch;
use super::candidates::Candidates;
use super::contest;
use super::observations::Observations;
use super::parameter_seed;
use super::parzen::Parzen;
use super::random;
use super::recipe::TpeRecipe;
use super::split::{Split, split};
use crate::seed::{Seed, Stream};
use crate::space::{Condition, Parameter, SearchSpace};
use crate::trial::{Direction, TrialRecord, TrialState};
use crate::value::{Assignment, Value};

/// The knobs of the estimator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TpeSettings {
    /// Trials are random until this many have finished (10).
    pub n_startup: usize,
    /// Candidates drawn for each decision (96).
    pub n_candidates: NonZeroUsize,
    /// Whether the parameters under one condition are modelled together (yes), or each alone.
    pub multivariate: bool,
    /// The published settings for the rest.
    pub recipe: TpeRecipe,
}

impl Default for TpeSettings {
    fn default() -> Self {
        const CANDIDATES: NonZeroUsize = NonZeroUsize::new(96).expect("96 is not 0");
        Self { n_startup: 10, n_candidates: CANDIDATES, multivariate: true, recipe: TpeRecipe::Optuna }
    }
}

/// The assignment of the trial whose seed this is. `history` is by number; `observations` have read some of its first
/// trials, or none, and are only there to save time.
pub(super) fn suggest(
    settings: &TpeSettings,
    space: &SearchSpace,
    history: &[&TrialRecord],
    observations: &mut Observations,
    directions: &[Direction],
    trial: Seed,
) -> Assignment {
    let n_finished = history.iter().filter(|record| record.state.is_finished()).count();
    if n_finished < settings.n_startup {
        return random::suggest(space, trial);
    }
    observations.read(space, history);
    let model = Model { parameters: space.parameters(), history, observations, directions, settings };
    let mut assignment = Assignment::new();
    let mut proposed: Vec<Option<Value>> = vec![None; space.parameters().len()];
    let mut groups: Vec<Option<&Condition>> = Vec::new();
    for (index, parameter) in space.parameters().iter().enumerate() {
        if !parameter.is_active(&assignment) {
            continue;
        }
        if settings.multivariate && !groups.contains(&parameter.condition()) {
            groups.push(parameter.condition());
            let together = model.together(parameter.condition());
            if !together.is_empty() {
                let stream = match parameter.condition() {
                    None => trial.child("joint"),
                    Some(_) => trial.child("group").child(parameter.name()),
                };
                let given: Vec<Option<f64>> = together.iter().map(|&index| model.branch(index, trial)).collect();
                let values = model.propose(&together, &given, &mut stream.stream());
                for (&index, value) in together.iter().zip(values) {
                    proposed[index] = Some(value);
                }
            }
        }
        let value = proposed[index].take().or_else(|| parameter.distribution().single()).unwrap_or_else(|| {
            let mut stream = parameter_seed(trial, parameter.name()).stream();
            model.propose(&[index], &[None], &mut stream).swap_remove(0)
        });
        assignment.insert(parameter.name().to_owned(), value);
    }
    assignment
}

/// What is known before a trial.
struct Model<'a> {
    parameters: &'a [Parameter],
    /// By number.
    history: &'a [&'a TrialRecord],
    observations: &'a Observations,
    directions: &'a [Direction],
    settings: &'a TpeSettings,
}

impl Model<'_> {
    /// Positions of the parameters under a condition that are modelled together: those with more than one value, in
    /// every finished trial that has any parameter under it.
    fn together(&self, condition: Option<&Condition>) -> Vec<usize> {
        let group: Vec<usize> =
            (0..self.parameters.len()).filter(|&index| self.parameters[index].condition() == condition).collect();
        let is_meant = |trial: usize| {
            self.history[trial].state.is_finished()
                && (condition.is_none() || group.iter().any(|&index| self.observations.has(index, trial)))
        };
        let in_every = |index: usize| {
            let mut meant = (0..self.history.len()).filter(|&trial| is_meant(trial));
            self.observations.in_every_trial(index) || meant.all(|trial| self.observations.has(index, trial))
        };
        let varies = |index: usize| self.parameters[index].distribution().single().is_none();
        group.iter().copied().filter(|&index| varies(index) && in_every(index)).collect()
    }

    /// The option to look into, if the parameter always exists and others depend on it.
    fn branch(&self, index: usize, trial: Seed) -> Option<f64> {
        let parameter = &self.parameters[index];
        let depends =
            |other: &Parameter| other.condition().is_some_and(|condition| condition.parameter() == parameter.name());
        let Axis::Options { count } = Axis::new(parameter.distribution()) else { return None };
        if parameter.condition().is_some() || !self.parameters.iter().any(depends) {
            return None;
        }
        let mut losses = vec![Vec::new(); count];
        for (trial, record) in self.history.iter().enumerate() {
            let loss = match &record.state {
                TrialState::Complete(score) if score.is_feasible() => self.directions[0].loss(score.value()),
                TrialState::Complete(_) | TrialState::Pruned { .. } | TrialState::Pending => f64::INFINITY,
                TrialState::Failed { .. } => continue,
            };
            if let Some(option) = self.observations.option(index, trial) {
                losses[option].push(loss);
            }
        }
        let mut stream = trial.child("branch").child(parameter.name()).stream();
        #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
        Some(branch::pick(&losses, &mut stream) as f64)
    }

    /// Values for some parameters, drawn together, some of them given: the candidate with the largest ratio of the good
    /// side's density to the other side's, the first of several. What is good is measured among the trials that have all
    /// of the parameters, so that a branch is learnt even while another one is better.
    fn propose(&self, indices: &[usize], given: &[Option<f64>], stream: &mut Stream) -> Vec<Value> {
        let axes: Vec<Axis<'_>> =
            indices.iter().map(|&index| Axis::new(self.parameters[index].distribution())).collect();
        let is_conditional = indices.iter().any(|&index| self.parameters[index].condition().is_some());
        let not_in_every = |index: &usize| !self.observations.in_every_trial(*index);
        let in_some: Vec<usize> = indices.iter().copied().filter(not_in_every).collect();
        let has_all = |&trial: &usize| in_some.iter().all(|&index| self.observations.has(index, trial));
        let recipe = self.settings.recipe;
        let trials: Vec<usize> = (0..self.history.len()).filter(|trial| !is_conditional || has_all(trial)).collect();
        let good_in_hundred = recipe.good_in_hundred(is_conditional);
        let Split { below, above } = split(self.history, trials, self.directions, good_in_hundred);
        // Without a condition a trial may lack a parameter, too: its range may have changed.
        let complete = |side: Vec<usize>| -> Vec<usize> { side.into_iter().filter(has_all).collect() };
        let (below, above) = (complete(below), complete(above));
        let fit =
            |side: &[usize], weights| Parzen::new(&axes, &self.observations.columns_of(indices, side), weights, recipe);
        let record = |&trial: &usize| self.history[trial];
        let weights = recipe.weights_below(below.iter().map(record), above.iter().map(record), self.directions[0]);
        let good = fit(&below, weights);
        let other = fit(&above, recipe.weights_above(above.len()));
        let candidates = Candidates::new(&axes, good.draw(self.settings.n_candidates.get(), given, stream));
        let winner = contest::winner(&good.sums(&candidates), other.products(&candidates));
        let internal = good.to_internal(&candidates, winner);
        let value = |(&index, &x): (&usize, &f64)| self.parameters[index].distribution().from_internal(x);
        indices.iter().zip(&internal).map(value).collect()
    }
}

#[cfg(test)]
mod tests;
