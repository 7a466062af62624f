//! The parts a run consists of: studies with their finals, or the one fit of a fit's config.

use super::RunError;
use super::order::Job;
use super::study_run::{Change, Ready, StudyRun, Which};
use crate::plan::StudyId;
use crate::store::{FitPath, RecordedFit, StoreError};

/// The part of a run that has studies, or the one fit of a fit's config.
pub(super) enum Unit<'a> {
    Study(Box<StudyRun<'a>>),
    Fit { job: Option<Box<Job<'a>>> },
}

impl<'a> Unit<'a> {
    /// The fits that have become ready, and what has changed; `is_late` says that the time of the run is over.
    pub(super) fn advance(&mut self, is_late: bool) -> Result<(Vec<Ready<'a>>, Vec<Change>), RunError> {
        match self {
            Self::Study(study) => study.advance(is_late),
            Self::Fit { job } => {
                let only = job.take().map(|job| Ready { which: Which::Final, path: FitPath::only(), job: Ok(*job) });
                Ok((only.into_iter().collect(), Vec::new()))
            }
        }
    }

    /// Takes note of how a fit ended; a trial may have ended with it.
    pub(super) fn ended(
        &mut self,
        which: Which,
        result: Result<RecordedFit, String>,
    ) -> Result<Option<Change>, StoreError> {
        match (self, which) {
            (Self::Study(study), Which::Trial { number, fold }) => study.trial_fit_ended(number, fold, result),
            (Self::Study(study), Which::Final) => {
                study.final_ended();
                Ok(None)
            }
            (Self::Fit { .. }, _) => Ok(None),
        }
    }

    /// Fits that were planned and are not trained.
    pub(super) fn n_skipped(&self) -> usize {
        match self {
            Self::Study(study) => study.n_fits_spared(),
            Self::Fit { .. } => 0,
        }
    }

    /// Which study it is, and the trial its final is built on.
    pub(super) fn chosen(&self) -> (StudyId, Option<usize>) {
        match self {
            Self::Study(study) => (study.id(), study.best().map(|best| best.number)),
            Self::Fit { .. } => (StudyId::Only, None),
        }
    }
}
