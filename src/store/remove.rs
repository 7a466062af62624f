//! Removing a run. Whatever another run took over from it stays: what two runs share is a copy or a second name of a
//! file, and a file lasts as long as it has a name.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::find::{FindError, locate};
use super::index::scan;
use super::lock::RunLock;

/// A run that can be removed, held so that nobody writes it meanwhile.
#[derive(Debug)]
pub struct Removal {
    path: PathBuf,
    size_bytes: u64,
    _lock: RunLock,
}

impl Removal {
    /// Takes hold of all that is asked for, each once, in the order of their paths.
    ///
    /// # Errors
    /// One of them is not found, lies elsewhere, is being written, or cannot be read: then none is held.
    pub fn prepare(results: &Path, asked: &[String]) -> Result<Vec<Self>, FindError> {
        let real =
            |path: &Path| path.canonicalize().map_err(|source| StoreError::Read { path: path.to_owned(), source });
        let runs = asked.iter().map(|asked| Ok(real(&locate(results, asked)?)?));
        let runs: BTreeSet<PathBuf> = runs.collect::<Result<_, FindError>>()?;
        let inside = results.canonicalize().unwrap_or_else(|_| results.to_owned());
        runs.into_iter()
            .map(|path| {
                if !scan::is_in_place(&inside, &path) {
                    return Err(FindError::Elsewhere { path, results: results.to_owned() });
                }
                let lock = RunLock::take(&path)?;
                let size_bytes = freed_by(&path)?;
                Ok(Self { path, size_bytes, _lock: lock })
            })
            .collect()
    }

    /// The run's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What removing it frees: files that have another name elsewhere free nothing.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Removes the run, and its experiment's folder when nothing else is in it.
    ///
    /// # Errors
    /// The file system refused. What is left is still a run as long as it has a manifest, and can be removed again.
    pub fn carry_out(self) -> Result<(), StoreError> {
        // Without a journal nobody takes a fit from it, or goes on with it; without a manifest it is no run.
        let (first, last) = (self.path.join("journal.jsonl"), self.path.join("run.json"));
        if first.exists() {
            remove(&first)?;
        }
        for entry in entries(&self.path)? {
            if entry != last {
                remove(&entry)?;
            }
        }
        remove(&last)?;
        remove(&self.path)?;
        if let Some(experiment) = self.path.parent() {
            // Refused as long as anything is in it.
            let _ = fs::remove_dir(experiment);
        }
        Ok(())
    }
}

/// Removes a file, a link, or a folder with all that is in it.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    removed.map_err(|source| StoreError::Write { path: path.to_owned(), source })
}

/// What removing a file or folder frees, in bytes.
pub(super) fn freed_by(path: &Path) -> Result<u64, StoreError> {
    let found = metadata(path)?;
    if !found.is_dir() {
        return Ok(if has_other_names(&found) { 0 } else { found.len() });
    }
    entries(path)?.iter().map(|entry| freed_by(entry)).sum()
}

pub(super) fn metadata(path: &Path) -> Result<Metadata, StoreError> {
    fs::symlink_metadata(path).map_err(|source| StoreError::Read { path: path.to_owned(), source })
}

/// What is in a folder, in the order of names.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let refused = |source| StoreError::Read { path: folder.to_owned(), source };
    let paths: io::Result<Vec<PathBuf>> =
        fs::read_dir(folder).map_err(refused)?.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(refused)?;
    paths.sort();
    Ok(paths)
}

#[cfg(unix)]
fn has_other_names(file: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(file) > 1
}

#[cfg(not(unix))]
fn has_other_names(_: &Metadata) -> bool {
    false
}
