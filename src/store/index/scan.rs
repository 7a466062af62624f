//! The folders that may hold runs, and the lengths by which a change of one is seen.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::store::StoreError;

/// A folder in the place of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) struct RunName {
    /// The name of the folder; ids sort by time.
    pub(in crate::store) id: String,
    /// The name of the folder around it.
    pub(in crate::store) experiment: String,
}

impl RunName {
    pub(in crate::store) fn path(&self, results: &Path) -> PathBuf {
        results.join(&self.experiment).join(&self.id)
    }
}

/// Every folder in the place of a run, oldest first. Hidden folders belong to xrun itself; what has no name in UTF-8
/// was not made by it.
pub(in crate::store) fn names(results: &Path) -> Result<Vec<RunName>, StoreError> {
    let mut found = Vec::new();
    for experiment in folders(results)? {
        for id in folders(&results.join(&experiment))? {
            found.push(RunName { id, experiment: experiment.clone() });
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a path is that of a run below `results`.
pub(in crate::store) fn is_in_place(results: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(results) else { return false };
    let mut names = below.components().map(|component| component.as_os_str().to_string_lossy());
    names.next().is_some_and(|experiment| !is_hidden(&experiment))
        && names.next().is_some_and(|id| !is_hidden(&id))
        && names.next().is_none()
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

fn folders(parent: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(StoreError::Read { path: parent.to_owned(), source }),
    };
    let names =
        entries.filter_map(Result::ok).filter(is_folder).filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.filter(|name| !is_hidden(name)).collect())
}

fn is_folder(entry: &DirEntry) -> bool {
    // The type is known without another look at the disk, unless it is a link.
    entry.file_type().is_ok_and(|kind| kind.is_dir() || (kind.is_symlink() && entry.path().is_dir()))
}

/// The lengths of the files that tell of a run; absent where there is no such file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    manifest: u64,
    journal: Option<u64>,
    summary: Option<u64>,
}

/// Whether a folder holds a run.
pub(in crate::store) fn is_run(folder: &Path) -> bool {
    folder.join("run.json").is_file()
}

impl Stamp {
    /// None when the folder holds no run.
    pub(super) fn of(run: &Path) -> Option<Self> {
        let length =
            |name: &str| fs::metadata(run.join(name)).ok().filter(|file| file.is_file()).map(|file| file.len());
        Some(Self { manifest: length("run.json")?, journal: length("journal.jsonl"), summary: length("summary.json") })
    }
}
