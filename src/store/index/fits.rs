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
    /// The runs' folders, newest first.
    runs: Vec<PathBuf>,
    /// In the order of keys, then runs, then paths.
    fits: Vec<Fit>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    /// The first bytes of the key: comparing them saves following the key to its text, of which there are many.
    head: [u8; 16],
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
        let results =
            path::absolute(results).map_err(|source| StoreError::Read { path: results.to_owned(), source })?;
        let (mut runs, mut fits) = (Vec::new(), Vec::new());
        for (name, held) in CACHE.refresh(&results)?.into_iter().rev() {
            let run = runs.len();
            runs.push(name.path(&results));
            fits.extend(held.unwrap_or_default().into_iter().map(|(key, path)| Fit {
                head: head(&key),
                key,
                run,
                path,
            }));
        }
        fits.sort_unstable();
        Ok(Self { runs, fits })
    }

    /// The folders of the fits with this key, as absolute paths, those of the newest run first.
    pub fn get(&self, key: &str) -> impl Iterator<Item = PathBuf> {
        let head = head(key);
        let first = self.fits.partition_point(|fit| (&fit.head, fit.key.as_str()) < (&head, key));
        let length = self.fits[first..].partition_point(|fit| fit.key == key);
        self.fits[first..first + length].iter().map(|fit| self.runs[fit.run].join(&fit.path))
    }
}

fn head(key: &str) -> [u8; 16] {
    let mut head = [0; 16];
    let length = key.len().min(head.len());
    head[..length].copy_from_slice(&key.as_bytes()[..length]);
    head
}

/// The key and path of every fit that ended: one that failed for a reason of its own would fail so again. One that was
/// done again counts as it ended last.
fn read(run: &Path) -> Result<Vec<(String, String)>, StoreError> {
    let mut fits = BTreeMap::new();
    for recorded in journal::read(&run.join("journal.jsonl"))? {
        if let Event::FitFinished { fit, key, .. } = recorded.event {
            fits.insert(fit, (!key.is_empty()).then_some(key));
        }
    }
    Ok(fits.into_iter().filter_map(|(path, key)| Some((key?, path))).collect())
}
