//! Fits that need no training: recorded in this run before it was stopped, or by an earlier run with the same key.

use std::path::{Path, PathBuf};

use crate::store::{FitIndex, RecordedFit, StoreError};

/// The recorded fits of all runs, looked up by key.
#[derive(Debug)]
pub(super) struct Shelf {
    results: PathBuf,
    index: Option<FitIndex>,
}

/// A recorded fit of another run.
pub(super) struct Found {
    pub(super) fit: RecordedFit,
    /// Where it lies, below the folder of the results.
    pub(super) from: String,
}

impl Found {
    /// The id of the run it lies in.
    pub(super) fn run(&self) -> &str {
        self.from.split('/').nth(1).unwrap_or(&self.from)
    }
}

impl Shelf {
    /// The fits below `results`, or none when everything is to be trained.
    pub(super) fn open(results: &Path, fresh: bool) -> Result<Self, StoreError> {
        let index = if fresh { None } else { Some(FitIndex::load(results)?) };
        Ok(Self { results: results.to_owned(), index })
    }

    /// A fit with this key whose files are as they were written. Others are passed over: training is always right.
    pub(super) fn find(&self, key: &str) -> Option<Found> {
        self.index.as_ref()?.get(key).find_map(|folder| {
            let fit = intact(&folder, key).ok().flatten()?;
            let from = folder.strip_prefix(&self.results).unwrap_or(&folder).to_string_lossy().into_owned();
            Some(Found { fit, from })
        })
    }
}

/// The fit recorded in `folder`, if it has this key.
///
/// # Errors
/// It has, but its record is damaged.
pub(super) fn intact(folder: &Path, key: &str) -> Result<Option<RecordedFit>, StoreError> {
    match RecordedFit::read(folder)? {
        Some(fit) if fit.outcome().key == key => fit.verify().map(|()| Some(fit)),
        _ => Ok(None),
    }
}
