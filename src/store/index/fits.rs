//! The fits of all runs by their keys.

use std::collections::BTreeMap;
use std::path::{self, Path, PathBuf};

use super::cache::Cache;
use crate::store::StoreError;
use crate::store::journal::{self, Event};

pub(super) const CACHE: Cache<Vec<(String, String)>> = Cache { name: "fits.jsonl", read };

/// Where the fit of a key can be found. It says what the journals said: whether a fit is still there and whole is for
/// the reader to see.
#[derive(Debug)]
pub struct FitIndex {
    results: PathBuf,
    /// The runs' paths below the results, newest first.
    runs: Vec<String>,
    /// In the order of keys, then runs, then paths.
    fits: Vec<Fit>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    key: String,
    /// Its run's place in `FitIndex::runs`.
    run: usize,
    /// Below the run's folder.
    path: String,
}

impl FitIndex {
    /// The fits of every run under `results` that ended well. A run whose journal is damaged has none.
    ///
    /// # Errors
    /// The folder of the results cannot be read.
    pub fn load(results: &Path) -> Result<Self, StoreError> {
        let (mut runs, mut fits) = (Vec::new(), Vec::new());
        for (name, held) in CACHE.refresh(results)?.into_iter().rev() {
            let run = runs.len();
            runs.push(name.key());
            fits.extend(held.unwrap_or_default().into_iter().map(|(key, path)| Fit { key, run, path }));
        }
        fits.sort_unstable();
        let results =
            path::absolute(results).map_err(|source| StoreError::Read { path: results.to_owned(), source })?;
        Ok(Self { results, runs, fits })
    }

    /// The folders of the fits with this key, as absolute paths, those of the newest run first.
    pub fn get(&self, key: &str) -> impl Iterator<Item = PathBuf> {
        let first = self.fits.partition_point(|fit| fit.key.as_str() < key);
        let length = self.fits[first..].partition_point(|fit| fit.key == key);
        let fits = &self.fits[first..first + length];
        fits.iter().map(|fit| self.results.join(&self.runs[fit.run]).join(&fit.path))
    }
}

/// The key and path of every fit that ended well. One that was done again counts as it ended last.
fn read(run: &Path) -> Result<Vec<(String, String)>, StoreError> {
    let mut fits = BTreeMap::new();
    for recorded in journal::read(&run.join("journal.jsonl"))? {
        if let Event::FitFinished { fit, key, failed, .. } = recorded.event {
            fits.insert(fit, (failed.is_none() && !key.is_empty()).then_some(key));
        }
    }
    Ok(fits.into_iter().filter_map(|(path, key)| Some((key?, path))).collect())
}
