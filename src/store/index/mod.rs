//! What is known of all runs at once: the lines of `xrun ls`, and the fits that can be taken over.
//!
//! Both are kept in `results/.index/`, so that thousands of runs need not be opened. That folder is a cache and nothing
//! else: a run is read again when the files that tell of it have other lengths than they had (a journal only grows, and
//! everything else in a run folder is settled before its last line), and what is missing, damaged or of another format
//! is made again without a word. Where it cannot be written, every call reads what it needs.

mod cache;
mod fits;
mod runs;
pub(super) mod scan;

pub use fits::FitIndex;
pub use runs::{Found, RunLine, runs};

use std::path::{Path, PathBuf};

use super::StoreError;

/// What the index lies in.
pub(super) fn folder(results: &Path) -> PathBuf {
    results.join(cache::FOLDER)
}

/// The number of runs in the index that are gone.
pub(super) fn n_stale(results: &Path) -> usize {
    runs::CACHE.n_stale(results).max(fits::CACHE.n_stale(results))
}

/// Brings the index up to date, which drops what is gone from it.
pub(super) fn refresh(results: &Path) -> Result<(), StoreError> {
    runs::CACHE.refresh(results)?;
    fits::CACHE.refresh(results)?;
    Ok(())
}

#[cfg(test)]
mod tests;
