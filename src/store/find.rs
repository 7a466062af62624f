//! Finding recorded runs: by id, by a unique prefix, or the latest.

use std::fs;
use std::path::{Path, PathBuf};

use super::journal::{self, Event};
use super::manifest::Manifest;
use super::tables::Summary;
use super::{StoreError, atomic};

/// A recorded run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEntry {
    /// Its folder.
    pub path: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// What it found; none while it runs, or when it was cut short.
    pub summary: Option<Summary>,
}

/// Why no run was found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// None has this id.
    #[error("there is no run `{asked}` in {}", results.display())]
    NotFound {
        /// What was asked for.
        asked: String,
        /// Where it was looked for.
        results: PathBuf,
    },
    /// Several ids begin so.
    #[error("`{asked}` could be {}", candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// The ids.
        candidates: Vec<String>,
    },
    /// The results could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RunEntry {
    /// Reads a run's folder.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or was written by a newer version.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        let file = path.join("run.json");
        let text = atomic::read(&file)?;
        let damaged = |reason: String| StoreError::Damaged { path: file.clone(), reason };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if value["format"].as_u64().is_none_or(|format| format > u64::from(Manifest::FORMAT)) {
            return Err(damaged(format!(
                "it has format {}, this xrun reads up to {}; use a newer xrun",
                value["format"],
                Manifest::FORMAT
            )));
        }
        let manifest = serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
        let file = path.join("summary.json");
        let summary = if file.is_file() {
            let text = atomic::read(&file)?;
            Some(
                serde_json::from_str(&text)
                    .map_err(|error| StoreError::Damaged { path: file.clone(), reason: error.to_string() })?,
            )
        } else {
            None
        };
        Ok(Self { path: path.to_owned(), manifest, summary })
    }

    /// `complete`, `failed`, or `unfinished` when it has no summary.
    #[must_use]
    pub fn status(&self) -> &str {
        self.summary.as_ref().map_or("unfinished", |summary| &summary.status)
    }

    /// How far an unfinished run came, by its journal.
    #[must_use]
    pub fn last_event(&self) -> Option<Event> {
        journal::last_event(&self.path.join("journal.jsonl"))
    }
}

/// Every run under `results`, oldest first. Folders that hold no run are passed over; damaged ones come as errors.
///
/// # Errors
/// The folder cannot be read.
pub fn list(results: &Path) -> Result<Vec<Result<RunEntry, StoreError>>, StoreError> {
    let mut runs: Vec<(String, PathBuf)> = Vec::new();
    for experiment in folders(results)? {
        for run in folders(&experiment)? {
            if run.join("run.json").is_file() {
                let id = run.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                runs.push((id, run));
            }
        }
    }
    runs.sort();
    Ok(runs.into_iter().map(|(_, path)| RunEntry::read(&path)).collect())
}

/// The run of this id, of this unique beginning of an id, at this path, or `@latest`.
///
/// # Errors
/// None or several, or its folder cannot be read.
pub fn find(results: &Path, asked: &str) -> Result<RunEntry, FindError> {
    let as_path = Path::new(asked);
    if as_path.join("run.json").is_file() {
        return Ok(RunEntry::read(as_path)?);
    }
    let not_found = || FindError::NotFound { asked: asked.to_owned(), results: results.to_owned() };
    let mut found: Vec<PathBuf> = Vec::new();
    for experiment in folders(results)? {
        found.extend(folders(&experiment)?.into_iter().filter(|run| run.join("run.json").is_file()));
    }
    let id = |path: &Path| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    found.sort_by_key(|path| id(path));
    if asked == "@latest" {
        return Ok(RunEntry::read(found.last().ok_or_else(not_found)?)?);
    }
    let matches: Vec<&PathBuf> = found.iter().filter(|path| id(path).starts_with(asked)).collect();
    match matches.as_slice() {
        [] => Err(not_found()),
        [only] => Ok(RunEntry::read(only)?),
        several => Err(FindError::Ambiguous {
            asked: asked.to_owned(),
            candidates: several.iter().map(|path| id(path)).collect(),
        }),
    }
}

fn folders(parent: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(StoreError::Read { path: parent.to_owned(), source }),
    };
    Ok(entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}
