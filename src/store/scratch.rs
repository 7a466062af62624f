//! A folder for a run that is to leave nothing behind.

use std::fs;
use std::path::{Path, PathBuf};

use super::find::RunEntry;
use super::lock::FolderLock;
use super::recorded::Record;
use super::{StoreError, atomic};

/// Below the results, but a level deeper than runs lie, so that no listing takes what is in it for one.
const FOLDER: &str = ".scratch";

/// A folder that is removed with what is in it when this is dropped, unless it is to be kept.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    keep: bool,
    /// Held for as long as somebody works in it.
    _lock: FolderLock,
}

impl Scratch {
    /// A new folder below `results`, on the same disk as what it is compared with; where that is not there or may not
    /// be written, below the system's folder for temporary files. `label` is a part of its name.
    ///
    /// # Errors
    /// Neither can be written.
    pub fn create(results: &Path, label: &str, keep: bool) -> Result<Self, StoreError> {
        let name = format!("{label}-{}", std::process::id());
        if results.is_dir() {
            let path = results.join(FOLDER).join(&name);
            if fs::create_dir_all(&path).is_ok() {
                let lock = FolderLock::take(&path)?;
                return Ok(Self { path, keep, _lock: lock });
            }
        }
        let path = std::env::temp_dir().join(format!("xrun-{name}"));
        atomic::folder(&path)?;
        let lock = FolderLock::take(&path)?;
        Ok(Self { path, keep, _lock: lock })
    }

    /// Where it lies; a run's results may go here.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run that was written into it.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn record(&self) -> Result<Record, StoreError> {
        let refused = |source| StoreError::Read { path: self.path.clone(), source };
        for experiment in fs::read_dir(&self.path).map_err(refused)?.filter_map(Result::ok) {
            for run in fs::read_dir(experiment.path()).into_iter().flatten().filter_map(Result::ok) {
                if run.path().join("run.json").is_file() {
                    return RunEntry::read(&run.path()).map(Record::of_run);
                }
            }
        }
        Err(refused(std::io::ErrorKind::NotFound.into()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        let _ = fs::remove_dir_all(&self.path);
        // Only when it is empty: another replay may be in it.
        if let Some(parent) = self.path.parent().filter(|parent| parent.ends_with(FOLDER)) {
            let _ = fs::remove_dir(parent);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_goes_with_all_that_is_in_it_and_leaves_others_alone() {
        let results = tempfile::tempdir().unwrap();
        let kept = Scratch::create(results.path(), "a", true).unwrap();
        let gone = Scratch::create(results.path(), "b", false).unwrap();
        fs::create_dir_all(gone.path().join("experiment/run")).unwrap();
        let (kept_path, gone_path) = (kept.path().to_owned(), gone.path().to_owned());
        drop((kept, gone));
        assert!(kept_path.is_dir() && !gone_path.exists());
        fs::remove_dir(&kept_path).unwrap();
        drop(Scratch::create(results.path(), "c", false).unwrap());
        assert_eq!(fs::read_dir(results.path()).unwrap().count(), 0);
    }

    #[test]
    fn without_a_folder_of_results_it_lies_among_temporary_files() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(&folder.path().join("none"), "d", false).unwrap();
        assert!(scratch.path().starts_with(std::env::temp_dir()) && scratch.path().is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(scratch.record().is_err());
    }
}
