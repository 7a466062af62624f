//! The joined record of variants: which runs were begun together, and what each had found when they ended.
//!
//! ```text
//! results/<name>/<id>/variants.json
//! ```
//! Each run has a folder of its own and needs this one for nothing; what it found is read from there.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::find::{FindError, RunEntry};
use super::index::scan::{self, RunName, is_run};
use super::tables::Summary;
use super::{StoreError, atomic, run_folder};

const FILE: &str = "variants.json";
const FORMAT: u32 = 1;

/// A joined record, and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    path: PathBuf,
    content: Content,
}

/// `variants.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Content {
    format: u32,
    record: String,
    name: String,
    command: Vec<String>,
    variants: Vec<JointRun>,
}

/// The run of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JointRun {
    /// The variant's name.
    pub variant: String,
    /// The experiment its run is one of.
    pub experiment: String,
    /// Its run's id.
    pub run: String,
    /// BLAKE3 of its run's `config.rhai`.
    pub config_blake3: String,
    /// BLAKE3 of its run's `summary.json`; none as long as it has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_blake3: Option<String>,
}

/// What is there of the run of one variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Its folder is gone.
    Gone,
    /// It has not come to its end.
    Open(Box<RunEntry>),
    /// It has.
    Ended(Box<RunEntry>, Box<Summary>),
    /// It has, but its summary or config is not what it was when the variants ended.
    Altered(Box<RunEntry>),
}

impl Joint {
    /// A new one below the results, of runs that were created.
    ///
    /// # Errors
    /// The file system refused.
    pub fn create(results: &Path, name: &str, command: &[String], variants: Vec<JointRun>) -> Result<Self, StoreError> {
        let (path, record) = run_folder::new_folder(results, name)?;
        let (name, command) = (name.to_owned(), command.to_vec());
        let joint = Self { path, content: Content { format: FORMAT, record, name, command, variants } };
        joint.write()?;
        Ok(joint)
    }

    /// Reads one.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or was written by a newer version.
    fn read(path: &Path) -> Result<Self, StoreError> {
        let file = path.join(FILE);
        let text = atomic::read(&file)?;
        let damaged = |reason: String| StoreError::Damaged { path: file.clone(), reason };
        let content: Content = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if content.format > FORMAT {
            let found = content.format;
            return Err(damaged(format!("it has format {found}, this xrun reads up to {FORMAT}; use a newer xrun")));
        }
        Ok(Self { path: path.to_owned(), content })
    }

    /// The record of this id, of this unique beginning of an id, at this path, or, with `@latest`, the one that is newer
    /// than every run; none if a run is meant.
    ///
    /// # Errors
    /// Several ids begin so, or it cannot be read.
    pub fn find(results: &Path, asked: &str) -> Result<Option<Self>, FindError> {
        if is_joint(Path::new(asked)) {
            return Ok(Some(Self::read(Path::new(asked))?));
        }
        let named = scan::names(results)?;
        let (is_joint, is_run) =
            (|name: &&RunName| is_joint(&name.path(results)), |name: &&RunName| is_run(&name.path(results)));
        if asked == "@latest" {
            let latest = named.iter().rev().find(|name| is_run(name) || is_joint(name));
            return Ok(latest.filter(is_joint).map(|name| Self::read(&name.path(results))).transpose()?);
        }
        let begun: Vec<&RunName> = named.iter().filter(|name| name.id.starts_with(asked)).collect();
        if begun.iter().any(|name| name.id != asked && is_run(name)) {
            return Ok(None);
        }
        let joints: Vec<&RunName> = begun.into_iter().filter(is_joint).collect();
        match joints.iter().find(|name| name.id == asked).or(joints.first()) {
            None => Ok(None),
            Some(found) if found.id == asked || joints.len() == 1 => Ok(Some(Self::read(&found.path(results))?)),
            Some(_) => {
                let candidates = joints.iter().map(|name| name.id.clone()).collect();
                Err(FindError::Ambiguous { asked: asked.to_owned(), candidates })
            }
        }
    }

    /// All below the results, oldest first; those that cannot be read as errors. Not looked at are folders that are known
    /// to hold `runs`.
    ///
    /// # Errors
    /// The folder of the results cannot be read.
    pub fn all(results: &Path, runs: &HashSet<&OsStr>) -> Result<Vec<Result<Self, StoreError>>, StoreError> {
        let paths = scan::names(results)?.into_iter().map(|name| name.path(results));
        let is_joint = |path: &PathBuf| !runs.contains(path.as_os_str()) && is_joint(path);
        Ok(paths.filter(is_joint).map(|path| Self::read(&path)).collect())
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.content.record
    }

    /// The name of the whole.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.content.name
    }

    /// The command line that began it.
    #[must_use]
    pub fn command(&self) -> &[String] {
        &self.content.command
    }

    /// The runs of the variants, in the order of the variants.
    #[must_use]
    pub fn runs(&self) -> &[JointRun] {
        &self.content.variants
    }

    /// The folder of results it lies in.
    #[must_use]
    pub fn results(&self) -> &Path {
        self.path.parent().and_then(Path::parent).unwrap_or(&self.path)
    }

    /// The folder of a run.
    #[must_use]
    pub fn path_of(&self, run: &JointRun) -> PathBuf {
        self.results().join(&run.experiment).join(&run.run)
    }

    /// What is there of a run.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn look(&self, run: &JointRun) -> Result<Found, StoreError> {
        let path = self.path_of(run);
        if !is_run(&path) {
            return Ok(Found::Gone);
        }
        let entry = Box::new(RunEntry::read(&path)?);
        let is_other = run.summary_blake3.is_some() && run.summary_blake3 != summary_digest(&path)?;
        Ok(match entry.summary.clone() {
            _ if is_other || entry.manifest.config_blake3 != run.config_blake3 => Found::Altered(entry),
            Some(summary) => Found::Ended(entry, Box::new(summary)),
            None => Found::Open(entry),
        })
    }

    /// Whether none of its runs is there any more.
    pub(super) fn is_empty(&self) -> bool {
        !self.content.variants.iter().any(|run| is_run(&self.path_of(run)))
    }

    /// Takes down what the runs that have ended found, each once.
    ///
    /// # Errors
    /// The file system refused.
    pub fn note_ends(&mut self) -> Result<(), StoreError> {
        let before = self.content.clone();
        for index in 0..self.content.variants.len() {
            let path = self.path_of(&self.content.variants[index]);
            let run = &mut self.content.variants[index];
            if run.summary_blake3.is_none() {
                run.summary_blake3 = summary_digest(&path)?;
            }
        }
        if self.content == before { Ok(()) } else { self.write() }
    }

    fn write(&self) -> Result<(), StoreError> {
        let mut text = serde_json::to_string_pretty(&self.content).expect("the record has text keys");
        text.push('\n');
        atomic::write(&self.path.join(FILE), text.as_bytes())
    }
}

/// Whether a folder holds a joined record.
pub(super) fn is_joint(folder: &Path) -> bool {
    folder.join(FILE).is_file()
}

fn summary_digest(run: &Path) -> Result<Option<String>, StoreError> {
    let path = run.join("summary.json");
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(blake3::hash(&bytes).to_hex().to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Read { path, source }),
    }
}
