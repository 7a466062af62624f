//! A trial under way: which of its inner folds are trained next, and how it ends.

use std::ops::Range;

use super::scoring::Scoring;
use crate::pruner::Race;
use crate::spec::experiment::SearchSpec;
use crate::store::{RecordedFit, StoreError};
use crate::trial::{Direction, TrialState};
use crate::value::Assignment;

/// In which steps the inner folds of a trial are given out. The next step begins when all fits of the one before are complete.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// All at once; they are all trained even if one fails.
    AtOnce,
    /// The first, which can be pruned, then all others.
    FirstAlone,
    /// One after the other; after each the trial may be out of the race.
    OneByOne(Race),
}

/// The folds of every trial of a study.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Course {
    pub(super) n_folds: usize,
    pub(super) pace: Pace,
    pub(super) direction: Direction,
}

impl Course {
    /// Those of an experiment with this search.
    pub(super) fn of(search: Option<&SearchSpec>, n_folds: usize) -> Self {
        let pace = match search {
            Some(SearchSpec { race: Some(race), .. }) => {
                Pace::OneByOne(race.over(n_folds).expect("the folds were counted before the run began"))
            }
            Some(SearchSpec { prune: Some(_), .. }) => Pace::FirstAlone,
            _ => Pace::AtOnce,
        };
        let direction = search.map_or(Direction::Minimize, |search| search.objective.direction);
        Self { n_folds, pace, direction }
    }
}

/// A trial that has not ended.
pub(super) struct Running {
    assignment: Assignment,
    /// The scores of the best trial it may see, fold by fold; none if that one misses the constraints.
    rival: Option<Vec<f64>>,
    /// The fits given out, in the order of the folds.
    fits: Vec<Option<Result<RecordedFit, String>>>,
}

/// A trial that has ended.
pub(super) struct Ended {
    pub(super) state: TrialState,
    /// Its fits; none if it failed.
    pub(super) fits: Vec<RecordedFit>,
    /// Its folds that were never given out.
    pub(super) n_skipped: usize,
}

impl Running {
    pub(super) fn new(assignment: Assignment, rival: Option<Vec<f64>>) -> Self {
        Self { assignment, rival, fits: Vec::new() }
    }

    pub(super) fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// The folds that can be trained now; each is given out once.
    pub(super) fn next(&mut self, course: &Course) -> Range<usize> {
        let n_given = self.fits.len();
        let n_wanted = match course.pace {
            _ if self.fits.iter().any(Option::is_none) => n_given,
            Pace::AtOnce => course.n_folds,
            Pace::FirstAlone => {
                if n_given == 0 {
                    1
                } else {
                    course.n_folds
                }
            }
            Pace::OneByOne(_) => course.n_folds.min(n_given + 1),
        };
        self.fits.resize(n_wanted, None);
        n_given..n_wanted
    }

    /// Takes note of how a fit ended.
    pub(super) fn fit_ended(&mut self, fold: usize, result: Result<RecordedFit, String>) {
        self.fits[fold] = Some(result);
    }

    /// How the trial ended; none as long as it goes on.
    pub(super) fn ended(&self, course: &Course, scoring: &Scoring<'_>) -> Result<Option<Ended>, StoreError> {
        let fits: Option<Vec<&Result<RecordedFit, String>>> = self.fits.iter().map(Option::as_ref).collect();
        let n_skipped = course.n_folds - self.fits.len();
        let Some(fits) = fits else { return Ok(None) };
        let fits: Vec<RecordedFit> = match fits.into_iter().cloned().collect() {
            Ok(fits) => fits,
            Err(reason) => {
                return Ok(Some(Ended { state: TrialState::Failed { reason }, fits: Vec::new(), n_skipped }));
            }
        };
        let step = fits.iter().map(|fit| fit.outcome().n_epochs).sum();
        let pruned = fits.iter().find_map(|fit| fit.outcome().pruned);
        let scores = scores(&fits);
        let state = match (pruned, course.pace, &self.rival) {
            (Some(pruned), ..) => TrialState::Pruned { step, value: pruned.value },
            _ if fits.len() == course.n_folds => scoring.state(&fits)?,
            (None, Pace::OneByOne(race), Some(rival)) if race.stops(rival, &scores, course.direction) => {
                TrialState::Pruned { step, value: Some(mean(&scores)) }
            }
            _ => return Ok(None),
        };
        Ok(Some(Ended { state, fits, n_skipped }))
    }
}

/// The objective on each fold.
pub(super) fn scores(fits: &[RecordedFit]) -> Vec<f64> {
    fits.iter().map(|fit| fit.outcome().score.unwrap_or(f64::NAN)).collect()
}

/// Over folds.
#[expect(clippy::cast_precision_loss, reason = "folds are few")]
pub(super) fn mean(scores: &[f64]) -> f64 {
    scores.iter().sum::<f64>() / scores.len() as f64
}
