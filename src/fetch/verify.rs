//! Whether what lies on disk is what was published.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::checksum::{file_differs, has_content};
use super::entry::{Entry, Remote};
use super::error::FetchError;
use super::unpack::{lacking, sums_of, sums_path};

/// How much of an entry lies on disk, by names and sizes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// All of it.
    Present,
    /// Some of it: a part of a file, some of the files, or an archive that is not unpacked.
    Incomplete,
    /// Nothing.
    Absent,
}

/// What was found out about a file or folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it lies, or would.
    pub path: PathBuf,
    /// By what it is known to be intact, or what is wrong with it.
    pub result: Result<String, String>,
}

/// Looks how much of an entry lies below `data`.
#[must_use]
pub fn presence(entry: &Entry, data: &Path) -> Presence {
    let folder = data.join(entry.folder);
    let n_there = entry.files.iter().filter(|file| folder.join(file.place()).exists()).count();
    let begun = |file: &Remote| {
        [file.name.to_owned(), format!("{}.part", file.name)].iter().any(|name| folder.join(name).exists())
    };
    if n_there == entry.files.len() {
        Presence::Present
    } else if n_there > 0 || entry.files.iter().any(begun) {
        Presence::Incomplete
    } else {
        Presence::Absent
    }
}

/// Holds every file of an entry below `data` against what was published.
///
/// # Errors
/// Something that is there cannot be read.
pub fn verify(entry: &Entry, data: &Path) -> Result<Vec<Finding>, FetchError> {
    let folder = data.join(entry.folder);
    entry.files.iter().map(|remote| verify_one(remote, &folder)).collect()
}

fn verify_one(remote: &Remote, folder: &Path) -> Result<Finding, FetchError> {
    let (place, path) = (folder.join(remote.place()), folder.join(remote.name));
    if let Some(unpack) = remote.unpack.as_ref().filter(|_| place.exists()) {
        let result = match lacking(unpack, &place) {
            Some(lacks) => Err(lacks),
            None => held_against_sums(&place, unpack.to)?,
        };
        return Ok(Finding { path: place, result });
    }
    if !path.exists() {
        return Ok(Finding { path: place, result: Err("missing".to_owned()) });
    }
    let result = match file_differs(&path, remote.checksum)? {
        None if remote.unpack.is_some() => {
            Ok(format!("{} is as published; `xrun data fetch` unpacks it", remote.checksum))
        }
        None => Ok(format!("{} is as published", remote.checksum)),
        Some(_) if has_content(&path, remote)? => {
            Ok("what it unpacks to is as published; it was packed by another program".to_owned())
        }
        Some(found) => Err(format!("its {found}, but {} must hold", remote.checksum)),
    };
    Ok(Finding { path, result })
}

/// Holds what was unpacked against the sums that were noted then.
fn held_against_sums(place: &Path, name: &str) -> Result<Result<String, String>, FetchError> {
    let path = sums_path(place);
    let then = match fs::read_to_string(&path) {
        Ok(then) => then,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Ok("sizes and numbers of files are as published; no sums were noted".to_owned()));
        }
        Err(source) => return Err(FetchError::Read { path, source }),
    };
    let now = sums_of(place, name)?;
    let lines = |text: &str| -> BTreeMap<String, String> {
        text.lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(sum, path)| (path.to_owned(), sum.to_owned()))
            .collect()
    };
    let (then, now) = (lines(&then), lines(&now));
    let changed: Vec<&String> =
        then.iter().filter(|(path, sum)| now.get(*path) != Some(sum)).map(|(path, _)| path).collect();
    Ok(match changed.as_slice() {
        [] => Ok(format!("{} as unpacked from the published archive", crate::wording::count(then.len(), "file"))),
        [first] => Err(format!("{first} was changed or removed since it was unpacked")),
        [first, ..] => Err(format!(
            "{first} and {} were changed or removed since they were unpacked",
            crate::wording::count(changed.len() - 1, "other file")
        )),
    })
}
