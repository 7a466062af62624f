//! Locks: one process writes a run.
//!
//! A lock is the operating system's, on an open file (`flock` on Linux): it ends with the process that holds it, however
//! that ends, and leaves no file that could go stale. A file system that knows no locks does not stop a run; nothing
//! then keeps a second process out of it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{StoreError, atomic};

/// Who only asks whether a run is locked holds a lock for an instant; a writer lets that pass.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(5);

/// A folder that is held by this process, as a scratch folder is while it is used. Let go when dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// As [`FolderLock::take`], of a folder that is made if it is not there.
    ///
    /// # Errors
    /// Another process has it, or the folder cannot be made.
    pub fn take_new(folder: &Path) -> Result<Self, StoreError> {
        atomic::folder(folder)?;
        Self::take(folder)
    }

    /// Takes the lock of a folder itself. It has nothing to do with the lock of a run.
    ///
    /// # Errors
    /// Another process has it, or the folder cannot be opened.
    pub fn take(folder: &Path) -> Result<Self, StoreError> {
        let file = File::open(folder).map_err(|source| StoreError::Read { path: folder.to_owned(), source })?;
        exclusive(&file, folder)?;
        Ok(Self { _file: file })
    }
}

/// The lock of a run, held to change its folder without writing its journal. Let go when dropped.
#[derive(Debug)]
pub(super) struct RunLock {
    _journal: Option<File>,
}

impl RunLock {
    /// Takes it. A run that has lost its journal cannot be written by anybody.
    pub(super) fn take(run_folder: &Path) -> Result<Self, StoreError> {
        match OpenOptions::new().read(true).append(true).open(journal(run_folder)) {
            Ok(file) => {
                exclusive(&file, run_folder)?;
                Ok(Self { _journal: Some(file) })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self { _journal: None }),
            Err(source) => Err(StoreError::Write { path: journal(run_folder), source }),
        }
    }
}

/// Whether a process writes this run.
#[must_use]
pub fn is_locked(run_folder: &Path) -> bool {
    let journal = File::open(journal(run_folder));
    journal.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Locks a file as long as it is open; `path` is what a refusal names.
pub(super) fn exclusive(file: &File, path: &Path) -> Result<(), StoreError> {
    for attempt in 1..=ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(()),
            Err(TryLockError::Error(source)) => return Err(StoreError::Write { path: path.to_owned(), source }),
        }
    }
    Err(StoreError::Locked { path: path.to_owned() })
}

fn journal(run_folder: &Path) -> PathBuf {
    run_folder.join("journal.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_keeps_others_out_until_it_is_dropped() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        assert!(!is_locked(path), "no journal, no lock");
        std::fs::write(path.join("journal.jsonl"), "").expect("the folder is there");
        assert!(!is_locked(path));
        let held = RunLock::take(path).expect("nobody has it");
        assert!(is_locked(path));
        let error = RunLock::take(path).expect_err("it is held");
        assert_eq!(
            error.to_string(),
            format!("{} is being written by another process; wait for it to end", path.display())
        );
        drop(held);
        assert!(!is_locked(path));
        RunLock::take(path).expect("it was let go");
    }

    #[test]
    fn a_folder_and_the_run_in_it_have_locks_of_their_own() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("journal.jsonl"), "").expect("the folder is there");
        let held = FolderLock::take(folder.path()).expect("nobody has it");
        assert!(matches!(FolderLock::take(folder.path()), Err(StoreError::Locked { .. })));
        RunLock::take(folder.path()).expect("another lock");
        drop(held);
        FolderLock::take(folder.path()).expect("it was let go");
    }

    #[test]
    fn a_writer_waits_for_one_that_only_asks() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("journal.jsonl");
        std::fs::write(&path, "").expect("the folder is there");
        let asking = File::open(&path).expect("it was written");
        asking.lock_shared().expect("nobody has it");
        let waiting = thread::spawn(move || {
            thread::sleep(PAUSE);
            drop(asking);
        });
        RunLock::take(folder.path()).expect("the other lets go in time");
        waiting.join().expect("it ends");
    }
}
