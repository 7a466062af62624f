//! The tree-structured Parzen estimator.
//!
//! The finished trials are split into the best tenth and the rest, a density is fitted to each side, candidates are
//! drawn from the good side's and the one with the largest ratio of the two densities is taken.
//!
//! After Bergstra et al. 2011 (NeurIPS, "Algorithms for hyper-parameter optimization"), joint over the parameters as
//! in Falkner et al. 2018 (arXiv 1807.01774), with the weights, bandwidths and categorical kernels in use in Optuna 5.
//! Parameters that exist under one condition are modelled together, among the trials that have them, and the branch of a
//! space is picked before (`sampler::branch`); in half of the trials so are the other options. Ours differ, too, in where
//! randomness comes from: nothing but the seed and the trial's number, so a resumed or parallel study is reproducible; and
//! in the unbounded distributions, whose prior kernel is their own normal.

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
use super::sides::{Side, Sides};
use super::split::split;
use crate::seed::{Seed, Stream};
use crate::space::{Condition, DistributionView, Parameter, SearchSpace};
use crate::trial::{Direction, TrialRecord, TrialState};
use crate::value::{Assignment, Value};

/// Part of the trials whose options are picked before their numbers, by the densities of the options alone. Where kernels
/// of several numbers are multiplied, hardly any trial of the other side is near a candidate, so that its ratio is that of
/// the good side, and no option wins that the good trials do not have: the search keeps the first ones for ever.
const OPTIONS_FIRST: f64 = 0.5;

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
                let seed = match parameter.condition() {
                    None => trial.child("joint"),
                    Some(_) => trial.child("group").child(parameter.name()),
                };
                let given: Vec<Option<f64>> = together.iter().map(|&index| model.branch(index, trial)).collect();
                let values = model.propose(&together, given, seed);
                for (&index, value) in together.iter().zip(values) {
                    proposed[index] = Some(value);
                }
            }
        }
        let value = proposed[index].take().or_else(|| parameter.distribution().single()).unwrap_or_else(|| {
            model.propose(&[index], vec![None], parameter_seed(trial, parameter.name())).swap_remove(0)
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

    /// Values for some parameters, drawn together, some of them given. What is good is measured among the trials that have
    /// all of the parameters, so that a branch is learnt even while another one is better.
    fn propose(&self, indices: &[usize], mut given: Vec<Option<f64>>, seed: Seed) -> Vec<Value> {
        let sides = self.sides(indices);
        let is_choice = |place: &usize| {
            matches!(self.parameters[indices[*place]].distribution().kind(), DistributionView::Choice { .. })
        };
        let choices: Vec<usize> = (0..indices.len()).filter(is_choice).collect();
        if choices.len() < indices.len() && choices.iter().any(|&place| given[place].is_none()) {
            let mut stream = seed.child("options").stream();
            if stream.chance(OPTIONS_FIRST) {
                let among: Vec<usize> = choices.iter().map(|&place| indices[place]).collect();
                let known: Vec<Option<f64>> = choices.iter().map(|&place| given[place]).collect();
                for (&place, option) in choices.iter().zip(self.pick(&among, &known, &sides, &mut stream)) {
                    given[place] = Some(option);
                }
            }
        }
        let internal = self.pick(indices, &given, &sides, &mut seed.stream());
        let value = |(&index, &x): (&usize, &f64)| self.parameters[index].distribution().from_internal(x);
        indices.iter().zip(&internal).map(value).collect()
    }

    /// The good and the other trials among those that have all of some parameters.
    fn sides(&self, indices: &[usize]) -> Sides {
        let is_conditional = indices.iter().any(|&index| self.parameters[index].condition().is_some());
        let not_in_every = |index: &usize| !self.observations.in_every_trial(*index);
        let in_some: Vec<usize> = indices.iter().copied().filter(not_in_every).collect();
        let has_all = |&trial: &usize| in_some.iter().all(|&index| self.observations.has(index, trial));
        let trials: Vec<usize> = (0..self.history.len()).filter(|trial| !is_conditional || has_all(trial)).collect();
        let recipe = self.settings.recipe;
        let mut split = split(self.history, trials, self.directions, recipe.good_in_hundred(is_conditional));
        // Without a condition a trial may lack a parameter, too: its range may have changed.
        split.below.retain(has_all);
        split.above.retain(has_all);
        Sides::new(split, self.history, self.directions[0], recipe)
    }

    /// The internal numbers of some parameters, some of them given: the candidate with the largest ratio of the good side's
    /// density to the other side's under what is given, the first of several.
    fn pick(&self, indices: &[usize], given: &[Option<f64>], sides: &Sides, stream: &mut Stream) -> Vec<f64> {
        let axes: Vec<Axis<'_>> =
            indices.iter().map(|&index| Axis::new(self.parameters[index].distribution())).collect();
        let free: Vec<Axis<'_>> =
            axes.iter().zip(given).filter(|(_, given)| given.is_none()).map(|(axis, _)| axis.clone()).collect();
        let mut picked = Vec::new();
        if !free.is_empty() {
            let fit = |side: &Side| {
                let columns = self.observations.columns_of(indices, &side.trials);
                Parzen::new(&axes, &columns, side.weights.clone(), given, self.settings.recipe)
            };
            let (good, other) = (fit(&sides.good), fit(&sides.other));
            let candidates = Candidates::new(&free, good.draw(self.settings.n_candidates.get(), stream));
            let winner = contest::winner(&good.sums(&candidates), other.products(&candidates));
            picked = good.to_internal(&candidates, winner);
        }
        let mut picked = picked.into_iter();
        given.iter().filter_map(|given| given.or_else(|| picked.next())).collect()
    }
}

#[cfg(test)]
mod tests;
