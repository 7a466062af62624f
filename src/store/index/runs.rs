//! The lines of `xrun ls`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cache::Cache;
use crate::store::find::open_status;
use crate::store::journal::Event;
use crate::store::{RunEntry, StoreError};

pub(super) const CACHE: Cache<Held> = Cache { name: "runs.jsonl", read };

/// A run in a list of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunLine {
    /// Its folder.
    pub path: PathBuf,
    /// The name of its folder: the id it has, or that a copy was given.
    pub run: String,
    /// The experiment's name.
    pub experiment: String,
    /// Number of fits it was to have.
    pub n_fits: usize,
    /// `complete` or `failed`; `running`, `interrupted` or `unfinished` when it has no summary.
    pub status: String,
    /// What it found; none when it has no summary.
    pub found: Option<Found>,
}

/// The short form of what a run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Metric that was searched on, and which way.
    pub objective: Option<String>,
    /// Value of the best trial of the first study that has one.
    pub best_value: Option<f64>,
    /// Mean over the outer folds of each test metric.
    pub test: BTreeMap<String, f64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Held {
    experiment: String,
    n_fits: usize,
    finished: Option<(String, Found)>,
    interrupted: bool,
}

/// Every run under `results`, oldest first. Folders that hold no run are passed over; damaged ones come as errors.
///
/// # Errors
/// The folder cannot be read.
pub fn runs(results: &Path) -> Result<Vec<Result<RunLine, StoreError>>, StoreError> {
    let refreshed = CACHE.refresh(results)?;
    let line = |run: String, path: PathBuf, held: Held| {
        let (status, found) = match held.finished {
            Some((status, found)) => (status, Some(found)),
            None => (open_status(&path, held.interrupted).to_owned(), None),
        };
        RunLine { path, run, experiment: held.experiment, n_fits: held.n_fits, status, found }
    };
    Ok(refreshed
        .into_iter()
        .map(|(name, held)| held.map(|held| line(name.id.clone(), name.path(results), held)))
        .collect())
}

fn read(run: &Path) -> Result<Held, StoreError> {
    let RunEntry { manifest, summary, path } = RunEntry::read(run)?;
    let (finished, interrupted) = match summary {
        Some(summary) => {
            let found = Found {
                objective: summary.objective,
                best_value: summary.studies.iter().find_map(|study| study.best_value),
                test: summary.test.into_iter().map(|(name, metric)| (name, metric.mean)).collect(),
            };
            (Some((summary.status, found)), false)
        }
        None => {
            let events = crate::store::journal::read(&path.join("journal.jsonl"))?;
            let last = events.last().map(|recorded| &recorded.event);
            (None, matches!(last, Some(Event::RunInterrupted { .. })))
        }
    };
    Ok(Held { experiment: manifest.experiment, n_fits: manifest.n_fits, finished, interrupted })
}
