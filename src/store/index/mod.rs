//! What is known of all runs at once: the lines of `xrun ls`, the values they can be chosen by, and the fits that can be
//! taken over.
//!
//! They are kept in `results/.index/`, so that thousands of runs need not be opened. That folder is a cache and nothing
//! else: a run is read again when the files that tell of it have other lengths than they had (a journal only grows, and
//! everything else in a run folder is settled before its last line), and what is missing, damaged or of another format
//! is made again without a word. Where it cannot be written, every call reads what it needs.

mod cache;
mod fits;
mod ranking;
mod runs;
pub(super) mod scan;
mod values;

pub use fits::FitIndex;
pub use ranking::{Ranking, ranking};
pub(super) use ranking::{best, latest};
pub use runs::{Found, RunLine, runs};
pub use values::{RunValues, values};

use std::path::{Path, PathBuf};

use super::StoreError;

/// What the index lies in.
pub(super) fn folder(results: &Path) -> PathBuf {
    results.join(cache::FOLDER)
}

/// The number of runs in the index that are gone.
pub(super) fn n_stale(results: &Path) -> usize {
    runs::CACHE.n_stale(results).max(fits::CACHE.n_stale(results)).max(values::CACHE.n_stale(results))
}

/// Brings the index up to date, which drops what is gone from it.
pub(super) fn refresh(results: &Path) -> Result<(), StoreError> {
    runs::CACHE.refresh(results)?;
    fits::CACHE.refresh(results)?;
    // What nobody has asked for yet is not made now.
    if values::CACHE.exists(results) {
        values::CACHE.refresh(results)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
