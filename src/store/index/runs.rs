//! The lines of `xrun ls`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cache::Cache;
use crate::store::find::open_status;
use crate::store::journal::Event;
use crate::store::{Manifest, RunEntry, StoreError};

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
    /// When it was started, UTC.
    pub started: String,
    /// Digest of its data and folds: values of runs that differ in it cannot be ranked.
    pub ground: String,
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
    /// Value of the best trials on validation rows: the mean over the outer folds, the studies of one averaged first. None
    /// without a search, or where a study has none.
    pub best: Option<f64>,
    /// By how much these trials miss the constraints, averaged in the same way.
    pub violation: f64,
    /// Mean over the outer folds of each test metric.
    pub test: BTreeMap<String, f64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Held {
    experiment: String,
    started: String,
    ground: String,
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
        let Held { experiment, started, ground, n_fits, .. } = held;
        RunLine { path, run, experiment, started, ground, n_fits, status, found }
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
                best: summary.best(),
                violation: summary.violation(),
                objective: summary.objective,
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
    let ground = ground(&manifest);
    let Manifest { experiment, started, n_fits, .. } = manifest;
    Ok(Held { experiment, started, ground, n_fits, finished, interrupted })
}

fn ground(manifest: &Manifest) -> String {
    let digests = [&manifest.data_fingerprint, &manifest.splits_blake3].map(|digest| digest.as_deref().unwrap_or("-"));
    blake3::hash(digests.join(" ").as_bytes()).to_hex()[..16].to_owned()
}
