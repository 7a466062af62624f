//! `notes.json`: what people say of a run. It is no part of what the run found: nothing is compared with it, no digest
//! covers it, and it can be changed or deleted at any time, also while the run goes on.
//!
//! ```text
//! {"format":1,"note":"the first with all pictures","tags":{"kind":"baseline","keep":""}}
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::find::RunEntry;
use super::lock::FolderLock;
use super::{StoreError, atomic};

const FILE: &str = "notes.json";
const FORMAT: u32 = 1;

/// The note and the tags of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// A text about it; empty without one.
    pub note: String,
    /// What it is marked with, by name; empty where a mark says enough.
    pub tags: BTreeMap<String, String>,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Content {
    format: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

impl Notes {
    /// Those of the run in a folder; empty when nothing was noted.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, or was written by a newer version.
    pub fn read(run_folder: &Path) -> Result<Self, StoreError> {
        let path = run_folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(StoreError::Read { path, source }),
        };
        let damaged = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        let content: Content = serde_json::from_str(&text)
            .map_err(|error| damaged(format!("{error}; it holds the note and the tags alone: mend or delete it")))?;
        if content.format > FORMAT {
            let found = content.format;
            return Err(damaged(format!("it has format {found}, this xrun reads up to {FORMAT}; use a newer xrun")));
        }
        Ok(Self { note: content.note, tags: content.tags })
    }

    fn write(&self, run_folder: &Path) -> Result<(), StoreError> {
        let path = run_folder.join(FILE);
        if *self == Self::default() {
            return match fs::remove_file(&path) {
                Err(source) if source.kind() != ErrorKind::NotFound => Err(StoreError::Write { path, source }),
                _ => Ok(()),
            };
        }
        let content = Content { format: FORMAT, note: self.note.clone(), tags: self.tags.clone() };
        let mut text = serde_json::to_string_pretty(&content).expect("the record has text keys");
        text.push('\n');
        atomic::write(&path, text.as_bytes())
    }

    /// The tags as they are given: `keep kind=baseline`.
    #[must_use]
    pub fn tags_text(&self) -> String {
        let tag = |(name, value): (&String, &String)| {
            if value.is_empty() { name.clone() } else { format!("{name}={value}") }
        };
        self.tags.iter().map(tag).collect::<Vec<_>>().join(" ")
    }
}

impl RunEntry {
    /// Its note and tags.
    ///
    /// # Errors
    /// As [`Notes::read`].
    pub fn notes(&self) -> Result<Notes, StoreError> {
        Notes::read(&self.path)
    }

    /// Changes its note and tags, and gives them as they are now. Processes that do so at once take turns.
    ///
    /// # Errors
    /// As [`Notes::read`]; or the file system refused.
    pub fn change_notes(&self, change: impl FnOnce(&mut Notes)) -> Result<Notes, StoreError> {
        let _lock = FolderLock::take(&self.path)?;
        let mut notes = self.notes()?;
        change(&mut notes);
        notes.write(&self.path)?;
        Ok(notes)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_as_written_and_leave_no_file_when_nothing_is_said() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Notes::read(folder.path()).unwrap(), Notes::default());
        let tags = [("kind", "base line"), ("keep", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let notes = Notes { note: "of \"all\"\nrows".to_owned(), tags: BTreeMap::from(tags) };
        notes.write(folder.path()).unwrap();
        assert_eq!(Notes::read(folder.path()).unwrap(), notes);
        assert_eq!(notes.tags_text(), "keep kind=base line");
        for _ in 0..2 {
            Notes::default().write(folder.path()).unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn notes_of_a_newer_version_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{\"format\":2}").unwrap();
        let error = Notes::read(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("is damaged: it has format 2, this xrun reads up to 1; use a newer xrun"), "{error}");
    }
}
