//! Samplers: which assignment a study tries next.
//!
//! A sampler is a pure function of the search space, the records so far, the trial's number and a seed. It holds
//! no study, no lock and no generator, so asking for trial *n* gives the same assignment in a resumed study, in
//! another process and after any order of finishing. What an assignment is worth is left to the caller.
//!
//! [`Sampler::Random`] draws every parameter on its own, uniformly on its scale. [`Sampler::Tpe`] is the
//! tree-structured Parzen estimator (Bergstra et al. 2011, NeurIPS), in its multivariate form. [`Sampler::Grid`] tries
//! every point of a finite space, [`Sampler::QuasiRandom`] spreads trials evenly, and [`Sampler::CmaEs`] is an evolution
//! strategy for numbers.

mod axis;
mod bandwidths;
mod branch;
mod candidates;
mod cmaes;
mod column;
mod contest;
mod distinct;
mod error;
mod exponential;
mod grid;
mod kernels;
mod observations;
mod parzen;
mod products;
mod quasi;
mod random;
mod recipe;
mod sides;
mod split;
mod strategy;
mod tpe;
mod truncated_normal;
mod upper_tail;
mod ziggurat;

use crate::seed::Seed;
use crate::space::SearchSpace;
use crate::trial::{Direction, TrialRecord, TrialState};
use crate::value::Assignment;

pub use self::cmaes::CmaEsSettings;
pub use self::error::SamplerError;
use self::grid::Grid;
pub(crate) use self::observations::Observations;
pub use self::recipe::TpeRecipe;
pub use self::tpe::TpeSettings;

/// Names what the samplers suggest. It changes when any of them would suggest another assignment: a study that began
/// under another version does not go on. `tests/sampler_conformance.rs` fails when the suggestions change and the version does
/// not.
pub const VERSION: &str = "6";

/// How a study picks the next assignment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampler {
    /// Every parameter on its own, uniform on its scale (or normal).
    Random,
    /// The tree-structured Parzen estimator.
    Tpe(TpeSettings),
    /// Every point of a finite space once, in a random order.
    Grid,
    /// A scrambled Halton sequence.
    QuasiRandom,
    /// The covariance matrix adaptation evolution strategy.
    CmaEs(CmaEsSettings),
}

impl Sampler {
    /// The name a script and a report use.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Tpe(_) => "tpe",
            Self::Grid => "grid",
            Self::QuasiRandom => "quasi_random",
            Self::CmaEs(_) => "cmaes",
        }
    }

    /// Whether a suggestion depends on how earlier trials ended.
    #[must_use]
    pub fn learns(&self) -> bool {
        match self {
            Self::Random | Self::Grid | Self::QuasiRandom => false,
            Self::Tpe(_) | Self::CmaEs(_) => true,
        }
    }

    /// How many different trials there are, if that is what ends a search.
    ///
    /// # Errors
    /// If this sampler cannot search the space.
    pub fn n_points(&self, space: &SearchSpace) -> Result<Option<u64>, SamplerError> {
        match self {
            Self::Random | Self::Tpe(_) | Self::QuasiRandom => Ok(None),
            Self::CmaEs(_) => cmaes::check(space).map(|()| None),
            Self::Grid => Grid::new(space, &Assignment::new()).map(|grid| Some(grid.n_points())),
        }
    }

    /// The assignment of trial `number`: every active parameter, each inside its distribution.
    ///
    /// `history` holds trials with a smaller number, in any order. Pending ones count as bad ("constant liar"),
    /// so that trials running at once do not all go to the same place; failed ones count for nothing, and trials that miss
    /// the constraints of the search are the worst of the complete ones. `directions` has one for each objective; CMA-ES goes
    /// by the first alone. The result depends on the arguments alone. Streams are `seed / "trial <number>" / "joint"` for the
    /// parameters drawn together, `.. / "group" / <name of the first>` for those under a condition, the child `"options"` of
    /// either for options that are picked before, `.. / "branch" / <name>` for the branch and
    /// `.. / "parameter" / <name>` for one drawn alone; `seed / "grid"`, `seed / "quasi_random"` and `seed / "cmaes"` for what is
    /// drawn once for all trials.
    ///
    /// # Panics
    /// If this sampler cannot search the space: ask [`Sampler::n_points`] first. If there is no direction.
    #[must_use]
    pub fn suggest(
        &self,
        space: &SearchSpace,
        history: &[TrialRecord],
        directions: impl AsRef<[Direction]>,
        number: usize,
        seed: Seed,
    ) -> Assignment {
        let directions = directions.as_ref();
        let trial = seed.child_at("trial", number);
        match self {
            Self::Random => random::suggest(space, trial),
            Self::Tpe(settings) => {
                let mut history: Vec<&TrialRecord> = history.iter().collect();
                history.sort_by_key(|record| record.number);
                tpe::suggest(settings, space, &history, &mut Observations::default(), directions, trial)
            }
            Self::Grid => grid(space, &Assignment::new()).next(history, seed.child("grid")),
            Self::QuasiRandom => quasi::suggest(space, number, seed.child("quasi_random")),
            Self::CmaEs(settings) => {
                cmaes::suggest(settings, space, history, directions[0], seed.child("cmaes"), trial)
            }
        }
    }

    /// As [`Sampler::suggest`] of the next trial of a study, in less time: `records` are by number, those from `n_seen` on
    /// count as pending, and `observations` hold what was read of them before, or nothing.
    ///
    /// # Panics
    /// As [`Sampler::suggest`].
    pub(crate) fn suggest_next(
        &self,
        space: &SearchSpace,
        records: &[TrialRecord],
        n_seen: usize,
        observations: &mut Observations,
        directions: &[Direction],
        seed: Seed,
    ) -> Assignment {
        let number = records.len();
        if !self.learns() {
            return self.suggest(space, records, directions, number, seed);
        }
        let pending = pending(&records[n_seen..]);
        match self {
            Self::Tpe(settings) => {
                let history: Vec<&TrialRecord> = records[..n_seen].iter().chain(&pending).collect();
                tpe::suggest(settings, space, &history, observations, directions, seed.child_at("trial", number))
            }
            _ => self.suggest(space, &[&records[..n_seen], &pending].concat(), directions, number, seed),
        }
    }

    /// As [`Sampler::suggest`], with the `known` parameters at their values. A grid takes the next of its points that
    /// agrees with them; every other sampler fills in what it would have suggested, and draws at random what exists only
    /// because of a known choice.
    ///
    /// # Panics
    /// As [`Sampler::suggest`].
    #[must_use]
    pub fn complete(
        &self,
        space: &SearchSpace,
        known: &Assignment,
        history: &[TrialRecord],
        directions: impl AsRef<[Direction]>,
        number: usize,
        seed: Seed,
    ) -> Assignment {
        match self {
            Self::Grid => grid(space, known).next(history, seed.child("grid")),
            Self::Random | Self::Tpe(_) | Self::QuasiRandom | Self::CmaEs(_) if space.check(known).is_ok() => {
                known.clone()
            }
            Self::Random | Self::Tpe(_) | Self::QuasiRandom | Self::CmaEs(_) => {
                let suggested = self.suggest(space, history, directions, number, seed);
                with_known(space, known, suggested, seed.child_at("trial", number))
            }
        }
    }
}

/// The same trials as if they had not ended.
fn pending(records: &[TrialRecord]) -> Vec<TrialRecord> {
    let pending = |record: &TrialRecord| TrialRecord {
        number: record.number,
        assignment: record.assignment.clone(),
        state: TrialState::Pending,
    };
    records.iter().map(pending).collect()
}

/// A suggestion with `known` values in the place of its own.
fn with_known(space: &SearchSpace, known: &Assignment, mut suggested: Assignment, trial: Seed) -> Assignment {
    let mut assignment = Assignment::new();
    for parameter in space.parameters() {
        if !parameter.is_active(&assignment) {
            continue;
        }
        let name = parameter.name();
        let value = known
            .get(name)
            .cloned()
            .or_else(|| suggested.remove(name))
            .unwrap_or_else(|| random::draw(parameter.distribution(), &mut parameter_seed(trial, name).stream()));
        assignment.insert(name.to_owned(), value);
    }
    assignment
}

fn grid<'a>(space: &'a SearchSpace, known: &Assignment) -> Grid<'a> {
    Grid::new(space, known).expect("the space was found to be a grid before the search began")
}

/// The seed of a parameter that is drawn alone. One level below the trial, so no name can meet the joint stream.
fn parameter_seed(trial: Seed, name: &str) -> Seed {
    trial.child("parameter").child(name)
}
