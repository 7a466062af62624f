//! The folder of one run, while it is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::earlier_trials::{self, EarlierTrials};
use super::fit_folder::FitPath;
use super::fold_counts::{self, FoldCounts};
use super::journal::{self, Event, Journal, Recorded};
use super::manifest::Manifest;
use super::tables::{self, Summary, TrialColumns, TrialRow};
use super::{StoreError, atomic};

const JOURNAL: &str = "journal.jsonl";

/// Writes one run; there is only one writer at a time.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    id: String,
    journal: Journal,
    timing: Vec<Vec<String>>,
    worked: Duration,
}

impl RunFolder {
    /// A new folder under `results/<experiment>/`; its id begins with the time, so that ids sort by it.
    ///
    /// # Errors
    /// The file system refused.
    pub fn create(results: &Path, experiment: &str) -> Result<Self, StoreError> {
        let (path, id) = new_folder(results, experiment)?;
        let journal = Journal::create(path.join(JOURNAL))?;
        Ok(Self { path, id, journal, timing: Vec::new(), worked: Duration::ZERO })
    }

    /// The folder of a run that goes on, and what happened so far.
    ///
    /// # Errors
    /// Another process writes it, its journal is damaged, or the file system refused.
    pub fn reopen(path: &Path) -> Result<(Self, Vec<Event>), StoreError> {
        let (journal, recorded) = Journal::open(path.join(JOURNAL))?;
        let worked = journal::time_at_work(&recorded);
        let events: Vec<Event> = recorded.into_iter().map(|Recorded { event, .. }| event).collect();
        let id = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let timing = events.iter().filter_map(time_of).collect();
        Ok((Self { path: path.to_owned(), id, journal, timing, worked }, events))
    }

    /// How long the run was at work before it was opened, from each start to the last thing that was recorded then.
    #[must_use]
    pub fn worked(&self) -> Duration {
        self.worked
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

    /// `folds.json`.
    ///
    /// # Errors
    /// The file system refused.
    pub fn folds(&self, counts: &FoldCounts) -> Result<String, StoreError> {
        let text = counts.to_json();
        atomic::write(&self.path.join(fold_counts::FILE), text.as_bytes())?;
        Ok(text)
    }

    /// `warm_start.json`.
    ///
    /// # Errors
    /// The file system refused.
    pub fn warm_start(&self, trials: &EarlierTrials) -> Result<String, StoreError> {
        let text = trials.to_json();
        atomic::write(&self.path.join(earlier_trials::FILE), text.as_bytes())?;
        Ok(text)
    }

    /// Appends to the journal.
    ///
    /// # Errors
    /// The file system refused.
    pub fn record(&mut self, event: &Event) -> Result<(), StoreError> {
        self.timing.extend(time_of(event));
        self.journal.append(event)
    }

    /// Where a fit lies, or will.
    #[must_use]
    pub fn fit_path(&self, fit: &FitPath) -> PathBuf {
        self.path.join(fit.as_str())
    }

    /// `trials.csv` as it stands, so that a run that is cut short has one too.
    ///
    /// # Errors
    /// The file system refused.
    pub fn trials(&self, rows: &[TrialRow], columns: &TrialColumns) -> Result<(), StoreError> {
        atomic::write(&self.path.join("trials.csv"), &tables::trials_csv(rows, columns))
    }

    /// `timing.csv`, then `summary.json`: a run that has one is finished.
    ///
    /// # Errors
    /// The file system refused.
    pub fn finish(&mut self, summary: &Summary) -> Result<(), StoreError> {
        let header = ["fit", "started", "seconds"].map(str::to_owned).to_vec();
        let lines: Vec<Vec<String>> = std::iter::once(header).chain(self.timing.iter().cloned()).collect();
        atomic::write(&self.path.join("timing.csv"), &tables::csv_bytes(&lines))?;
        self.json("summary.json", summary)?;
        self.record(&Event::RunFinished { status: summary.status.clone() })
    }

    fn json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), StoreError> {
        let mut text = serde_json::to_string_pretty(value).expect("the record has text keys");
        text.push('\n');
        atomic::write(&self.path.join(name), text.as_bytes())
    }
}

/// A new folder `results/<name>/<id>`, and its id, which begins with the time.
pub(super) fn new_folder(results: &Path, name: &str) -> Result<(PathBuf, String), StoreError> {
    let parent = results.join(name);
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
            Ok(()) => return Ok((path, id)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && attempt < 100 => {}
            Err(source) => return Err(StoreError::Write { path, source }),
        }
    }
    unreachable!("the loop returns")
}

/// The line of `timing.csv` for a fit that was trained.
fn time_of(event: &Event) -> Option<Vec<String>> {
    match event {
        Event::FitFinished { fit, started, seconds, reused: None, .. } => {
            Some(vec![fit.clone(), started.clone(), format!("{seconds:.3}")])
        }
        _ => None,
    }
}
