//! Writing a file so that it is whole or not there.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::StoreError;

/// Writes under a temporary name in the same folder, flushes to disk, and renames.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let refused = |source| StoreError::Write { path: path.to_owned(), source };
    let partial = partial(path);
    let written = File::create(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&partial, path)).map_err(|source| {
        // What is left of it would only confuse; the error that matters is the first one.
        let _ = fs::remove_file(&partial);
        refused(source)
    })
}

/// The temporary name of a file that is being written.
pub(super) fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

/// Makes a folder and what is missing above it.
pub(super) fn folder(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|source| StoreError::Write { path: path.to_owned(), source })
}

/// Reads a text.
pub(super) fn read(path: &Path) -> Result<String, StoreError> {
    fs::read_to_string(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::InvalidData => {
            StoreError::Damaged { path: path.to_owned(), reason: "it is no text in UTF-8".to_owned() }
        }
        _ => StoreError::Read { path: path.to_owned(), source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_write_names_the_file_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("gone").join("run.json");
        let error = write(&path, b"{}").expect_err("its folder is missing");
        assert!(error.to_string().starts_with(&format!("cannot write {}", path.display())), "{error}");
        write(&folder.path().join("a"), b"1").expect("the folder is there");
        write(&folder.path().join("a"), b"2").expect("the file is replaced");
        assert_eq!(fs::read(folder.path().join("a")).expect("it was written"), b"2");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder is there").count(), 1);
    }
}
