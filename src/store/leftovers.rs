//! What nobody needs any more: pieces of files that were cut short, checkpoints of fits that have ended, scratch
//! folders whose process is gone, joined records whose runs are gone, and runs in the index that are gone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::index::{self, scan};
use super::joint::Joint;
use super::lock::{FolderLock, RunLock, is_locked};
use super::remove::{entries, freed_by, metadata, remove};

/// A file or folder nobody needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Where it lies.
    pub path: PathBuf,
    /// What removing it frees.
    pub size_bytes: u64,
}

/// What nobody needs in a folder of results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftovers {
    /// Files and folders, in the order of runs and paths.
    pub files: Vec<Leftover>,
    /// Number of runs in the index that are gone.
    pub n_stale: usize,
}

impl Leftovers {
    /// Finds it; with `remove`, removes it too. Runs and scratch folders that a process holds are passed over.
    ///
    /// # Errors
    /// The file system refused. What was removed before stays removed.
    pub fn collect(results: &Path, remove: bool) -> Result<Self, StoreError> {
        let mut files = Vec::new();
        for run in scan::names(results)?.iter().map(|name| name.path(results)).filter(|run| scan::is_run(run)) {
            match RunLock::take(&run) {
                Ok(_lock) => take(of_run(&run)?, remove, &mut files)?,
                Err(StoreError::Locked { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let joints = Joint::all(results, &HashSet::new())?.into_iter().filter_map(Result::ok).filter(Joint::is_empty);
        take(joints.map(|joint| joint.path().to_owned()).collect(), remove, &mut files)?;
        for folder in entries_if_any(&results.join(".scratch"))? {
            match FolderLock::take(&folder) {
                Ok(_lock) if !holds_a_locked_run(&folder)? => take(vec![folder], remove, &mut files)?,
                Ok(_) | Err(StoreError::Locked { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let pieces = entries_if_any(&index::folder(results))?.into_iter().filter(|path| is_piece(path)).collect();
        take(pieces, remove, &mut files)?;
        let n_stale = index::n_stale(results);
        if remove && n_stale > 0 {
            index::refresh(results)?;
        }
        Ok(Self { files, n_stale })
    }
}

fn take(paths: Vec<PathBuf>, is_removed: bool, files: &mut Vec<Leftover>) -> Result<(), StoreError> {
    for path in paths {
        let size_bytes = freed_by(&path)?;
        if is_removed {
            remove(&path)?;
        }
        files.push(Leftover { path, size_bytes });
    }
    Ok(())
}

/// Pieces of files anywhere in a run but among the scripts it was made of, which may be called anything, and the
/// checkpoints of fits that have an outcome.
fn of_run(run: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let imports = run.join("imports");
    let mut found = Vec::new();
    let mut folders = vec![run.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in entries(&folder)? {
            if metadata(&entry)?.is_dir() {
                if entry != imports {
                    folders.push(entry);
                }
            } else if is_piece(&entry) || (entry.ends_with("checkpoint.bin") && folder.join("outcome.json").is_file()) {
                found.push(entry);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_piece(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "partial" || extension == "tmp")
}

/// Whether a run that is being written lies in a folder, at any depth.
fn holds_a_locked_run(folder: &Path) -> Result<bool, StoreError> {
    if !metadata(folder)?.is_dir() {
        return Ok(false);
    }
    if is_locked(folder) {
        return Ok(true);
    }
    for entry in entries(folder)? {
        if holds_a_locked_run(&entry)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn entries_if_any(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    if folder.is_dir() { entries(folder) } else { Ok(Vec::new()) }
}
