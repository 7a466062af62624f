//! Known data sets and weights: where they are published, how they are fetched, and whether what lies on disk is them.
//!
//! It takes an [`Entry`] of the catalogue [`ENTRIES`] and a folder, and leaves there what the entry names, checked and
//! unpacked. A file comes as `NAME.part`, goes on from there when it was cut, and gets its name when its checksum is the
//! published one; an archive is unpacked beside its place and renamed, so that what has its name is whole.
//! What the data mean is left to `data`, what weights mean to `model`.

mod catalogue;
mod checksum;
mod download;
mod entry;
mod error;
mod http;
mod proxy;
#[cfg(test)]
mod tests;
mod unpack;
mod url;
mod verify;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

pub use catalogue::ENTRIES;
pub use download::{Patience, Watch};
pub use entry::{Entry, Kind, Remote};
pub use error::{FetchError, HttpError, UnpackError};
pub use verify::{Finding, Presence, presence, verify};

use crate::spec::vocabulary::nearest;
use download::download;

/// Finds an entry by its name.
///
/// # Errors
/// There is none of this name.
pub fn find(name: &str) -> Result<&'static Entry, FetchError> {
    let found = ENTRIES.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| {
        let near = nearest(name, ENTRIES.iter().map(|entry| entry.name));
        FetchError::Unknown { name: name.to_owned(), near }
    })
}

/// Fetches what an entry names into `data`, the folder of data sets and weights, and gives its place there. What is
/// there already is checked and not fetched again, so a file that came by other ways is taken as well. `mirror` is a
/// folder on a server that has the files under their names; the publishers are then not asked.
///
/// # Errors
/// Another process fetches the same, a file cannot be fetched or is not the published one, something else lies in
/// its place, an archive holds what it may not, or the disk does not take it.
pub fn fetch(
    entry: &Entry,
    data: &Path,
    mirror: Option<&str>,
    patience: &Patience,
    watch: &mut dyn Watch,
) -> Result<PathBuf, FetchError> {
    let folder = data.join(entry.folder);
    fs::create_dir_all(&folder).map_err(|source| FetchError::Write { path: folder.clone(), source })?;
    let _lock = lock(entry, &folder)?;
    for remote in entry.files {
        fetch_one(remote, &folder, mirror, patience, watch)?;
    }
    Ok(entry.place(data))
}

fn fetch_one(
    remote: &Remote,
    folder: &Path,
    mirror: Option<&str>,
    patience: &Patience,
    watch: &mut dyn Watch,
) -> Result<(), FetchError> {
    let place = folder.join(remote.place());
    if let Some(unpack) = remote.unpack.as_ref().filter(|_| place.exists()) {
        if let Some(lacks) = unpack::lacking(unpack, &place) {
            return Err(FetchError::Incomplete { path: place, lacks });
        }
        watch.note(&format!("{} is there", place.display()));
        return Ok(());
    }
    let path = folder.join(remote.name);
    let was_there = path.exists();
    if was_there {
        if let Some(found) = checksum::differs(&path, remote)? {
            return Err(FetchError::Different { path, found, wanted: remote.checksum.to_string() });
        }
        watch.note(&format!("{} is there", path.display()));
    } else {
        let part = download(remote, folder, mirror, patience, watch)?;
        fs::rename(&part, &path).map_err(|source| FetchError::Write { path: path.clone(), source })?;
    }
    if let Some(unpack) = &remote.unpack {
        watch.note(&format!("unpacking {}", remote.name));
        unpack::unpack(&path, unpack, folder)?;
        // An archive that somebody put there is theirs.
        if !was_there {
            fs::remove_file(&path).map_err(|source| FetchError::Write { path, source })?;
        }
    }
    Ok(())
}

/// Held while an entry is fetched; the operating system lets it go with the process.
fn lock(entry: &Entry, folder: &Path) -> Result<File, FetchError> {
    let path = folder.join(format!(".{}.lock", entry.name));
    let file = File::create(&path).map_err(|source| FetchError::Write { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FetchError::Locked { name: entry.name, folder: folder.to_owned() }),
        // A file system without locks does not keep anybody from fetching.
        Err(TryLockError::Error(source)) if source.kind() == std::io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(source)) => Err(FetchError::Write { path, source }),
    }
}
