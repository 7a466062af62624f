//! The folder of one run, while it is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::fit_folder::{FitFolder, FitPath};
use super::journal::{Event, Journal};
use super::manifest::Manifest;
use super::tables::{self, Summary, TrialRow};
use super::{StoreError, atomic};

/// Writes one run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    id: String,
    journal: Journal,
    timing: Vec<Vec<String>>,
}

impl RunFolder {
    /// A new folder under `results/<experiment>/`; its id begins with the time, so that ids sort by it.
    ///
    /// # Errors
    /// The file system refused.
    pub fn create(results: &Path, experiment: &str) -> Result<Self, StoreError> {
        let parent = results.join(experiment);
        atomic::folder(&parent)?;
        for attempt in 0_u32.. {
            let now = SystemTime::now();
            let stamp: String =
                humantime::format_rfc3339_seconds(now).to_string().replace([':', '-', 'Z'], "").replace('T', "-");
            // The fraction of the second in 1/65536, so that ids sort by time within it too.
            let nanos = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
            let id = format!("{stamp}-{:04x}", u64::from(nanos) * 65_536 / 1_000_000_000);
            let path = parent.join(&id);
            match fs::create_dir(&path) {
                Ok(()) => {
                    let journal = Journal::create(path.join("journal.jsonl"))?;
                    let timing = vec![["fit", "started", "seconds"].map(str::to_owned).to_vec()];
                    return Ok(Self { path, id, journal, timing });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && attempt < 100 => {}
                Err(source) => return Err(StoreError::Write { path, source }),
            }
        }
        unreachable!("the loop returns")
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `run.json`, and `git.patch` when tracked files differ from the commit.
    ///
    /// # Errors
    /// The file system refused.
    pub fn manifest(&self, manifest: &Manifest) -> Result<(), StoreError> {
        if let Some(git) = manifest.git.as_ref().filter(|git| git.dirty) {
            atomic::write(&self.path.join("git.patch"), git.patch.as_bytes())?;
        }
        self.json("run.json", manifest)
    }

    /// `script.rhai`: the script as it was.
    ///
    /// # Errors
    /// The file system refused.
    pub fn script(&self, text: &str) -> Result<(), StoreError> {
        atomic::write(&self.path.join("script.rhai"), text.as_bytes())
    }

    /// A script that was imported or loaded, under `imports/`. The folder is there even without any, for it is the
    /// root from which the run's own scripts import.
    ///
    /// # Errors
    /// The file system refused.
    pub fn import(&self, relative: &str, text: &str) -> Result<(), StoreError> {
        let path = self.path.join("imports").join(relative);
        atomic::folder(path.parent().unwrap_or(&self.path))?;
        atomic::write(&path, text.as_bytes())
    }

    /// `config.rhai`: the resolved experiment.
    ///
    /// # Errors
    /// The file system refused.
    pub fn config(&self, script: &str) -> Result<(), StoreError> {
        atomic::write(&self.path.join("config.rhai"), script.as_bytes())
    }

    /// `splits.json`.
    ///
    /// # Errors
    /// The file system refused.
    pub fn splits(&self, json: &str) -> Result<(), StoreError> {
        atomic::write(&self.path.join("splits.json"), json.as_bytes())
    }

    /// Appends to the journal.
    ///
    /// # Errors
    /// The file system refused.
    pub fn record(&mut self, event: &Event) -> Result<(), StoreError> {
        self.journal.append(event)
    }

    /// A new folder for a fit.
    ///
    /// # Errors
    /// The file system refused.
    pub fn fit(&self, path: &FitPath) -> Result<FitFolder, StoreError> {
        FitFolder::create(self.path.join(path.as_str()))
    }

    /// Notes how long a fit took.
    pub fn time(&mut self, path: &FitPath, started: SystemTime, seconds: f64) {
        let started = humantime::format_rfc3339_millis(started).to_string();
        self.timing.push(vec![path.as_str().to_owned(), started, format!("{seconds:.3}")]);
    }

    /// `trials.csv` as it stands, so that a run that is cut short has one too.
    ///
    /// # Errors
    /// The file system refused.
    pub fn trials(&self, rows: &[TrialRow], parameters: &[String]) -> Result<(), StoreError> {
        atomic::write(&self.path.join("trials.csv"), &tables::trials_csv(rows, parameters))
    }

    /// `timing.csv`, then `summary.json`: a run that has one is finished.
    ///
    /// # Errors
    /// The file system refused.
    pub fn finish(&mut self, summary: &Summary) -> Result<(), StoreError> {
        atomic::write(&self.path.join("timing.csv"), &tables::csv_bytes(&self.timing))?;
        self.json("summary.json", summary)?;
        self.record(&Event::RunFinished { status: summary.status.clone() })
    }

    fn json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), StoreError> {
        let mut text = serde_json::to_string_pretty(value).expect("the record has text keys");
        text.push('\n');
        atomic::write(&self.path.join(name), text.as_bytes())
    }
}
