//! What a journal says of a run that goes on.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::Event;
use crate::value::Assignment;

/// What is recorded already of a run that goes on.
#[derive(Default)]
pub(super) struct Earlier {
    pub(super) suggested: BTreeMap<(String, usize), Assignment>,
    pub(super) ended: BTreeSet<(String, usize)>,
    pub(super) fits: BTreeSet<String>,
    pub(super) studies_ended: BTreeSet<String>,
}

impl Earlier {
    /// Trials of a study that had been suggested.
    pub(super) fn n_suggested(&self, study: &str) -> usize {
        self.suggested.keys().filter(|(of, _)| of == study).count()
    }

    pub(super) fn of(events: Vec<Event>) -> Self {
        let mut earlier = Self::default();
        for event in events {
            match event {
                Event::TrialSuggested { study, trial, assignment } => {
                    earlier.suggested.insert((study, trial), assignment);
                }
                Event::TrialFinished { study, trial, .. } => {
                    earlier.ended.insert((study, trial));
                }
                Event::FitFinished { fit, .. } => {
                    earlier.fits.insert(fit);
                }
                Event::StudyEnded { study, .. } => {
                    earlier.studies_ended.insert(study);
                }
                Event::RunStarted { .. }
                | Event::TrialEpoch { .. }
                | Event::FitLost { .. }
                | Event::RunInterrupted { .. }
                | Event::RunResumed
                | Event::RunFinished { .. } => {}
            }
        }
        earlier
    }
}
