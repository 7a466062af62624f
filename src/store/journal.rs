//! The journal: what happened, one event a line, only ever appended to, by one process at a time.
//!
//! It is the truth about a run: everything else in the folder can be held against it. Every line ends with a check that
//! depends on all lines before it (`chain`), so that a byte that was changed, or a line that was taken out or put
//! elsewhere, is found with its place. A last line that was cut short was never told to anybody as recorded: it is
//! dropped when the journal is opened again.

mod chain;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{StoreError, lock};
use crate::stop::Ending;
use crate::trial::TrialState;
use crate::value::Assignment;
use chain::Check;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run began.
    RunStarted {
        /// Number of fits it is to have.
        n_fits: usize,
    },
    /// A study was asked for a trial.
    TrialSuggested {
        /// The study.
        study: String,
        /// The trial's number.
        trial: usize,
        /// What it tries.
        assignment: Assignment,
    },
    /// A fit was lost with its worker; it is tried again until there have been too many attempts.
    FitLost {
        /// Its folder below the run's.
        fit: String,
        /// Which attempt it was, from 1.
        attempt: usize,
        /// What is known of the worker's end.
        reason: String,
    },
    /// A fit ended.
    FitFinished {
        /// Its folder below the run's.
        fit: String,
        /// Key of the fit: equal keys, equal results.
        key: String,
        /// When it began, UTC.
        started: String,
        /// How long it took, in seconds.
        seconds: f64,
        /// The recorded fit it was taken from, below the folder of the results; none when it was trained.
        reused: Option<String>,
        /// Why it failed, if it did.
        failed: Option<String>,
    },
    /// A trial that is told from outside has an epoch more.
    TrialEpoch {
        /// The study.
        study: String,
        /// The trial's number.
        trial: usize,
        /// The epoch, from 1.
        epoch: usize,
        /// The objective after it; none when it was no finite number.
        value: Option<f64>,
    },
    /// A trial ended.
    TrialFinished {
        /// The study.
        study: String,
        /// The trial's number.
        trial: usize,
        /// How.
        result: TrialState,
    },
    /// A study whose search has rules to stop by has had its last trial. What a clock decided is known from here alone.
    StudyEnded {
        /// The study.
        study: String,
        /// After how many trials, and why.
        #[serde(flatten)]
        ending: Ending,
    },
    /// The run was stopped before its end, by a signal or because a worker died too often.
    RunInterrupted {
        /// Why.
        reason: String,
    },
    /// The run goes on in another process.
    RunResumed,
    /// The run ended.
    RunFinished {
        /// `complete`, or `failed`.
        status: String,
    },
}

/// An event and when it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Point in time, UTC.
    pub at: String,
    /// What happened.
    pub event: Event,
}

/// A journal that is open for writing. It is locked as long as this lives.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Length of the whole lines, in bytes.
    length: u64,
    /// The check of the last line.
    check: Check,
    /// Whether something may stand behind the whole lines.
    torn: bool,
}

impl Journal {
    /// A new journal, in a folder that has none.
    ///
    /// # Errors
    /// The file system refused, or the file is there already.
    pub fn create(path: PathBuf) -> Result<Self, StoreError> {
        let opened = OpenOptions::new().create_new(true).read(true).append(true).open(&path);
        let file = opened.map_err(|source| StoreError::Write { path: path.clone(), source })?;
        lock::exclusive(&file, &path)?;
        Ok(Self { path, file, length: 0, check: Check::first(), torn: false })
    }

    /// Opens a journal to go on with it, and gives what it holds. A last line that was cut short is removed.
    ///
    /// # Errors
    /// The file system refused, another process writes it, or a whole line is damaged.
    pub fn open(path: PathBuf) -> Result<(Self, Vec<Recorded>), StoreError> {
        let refused = |source| StoreError::Write { path: path.clone(), source };
        let opened = OpenOptions::new().read(true).append(true).open(&path);
        let mut file = opened.map_err(|source| missing(&path, &source).unwrap_or_else(|| refused(source)))?;
        lock::exclusive(&file, &path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|source| StoreError::Read { path: path.clone(), source })?;
        let chain = chain::read(&bytes).map_err(|damage| damaged(&path, &damage))?;
        let mut journal =
            Self { path, file, length: chain.length, check: chain.check, torn: chain.length < bytes.len() as u64 };
        journal.drop_torn()?;
        Ok((journal, chain.recorded))
    }

    /// Appends an event; the end of a trial or of the run is on disk when this returns.
    ///
    /// # Errors
    /// The file system refused; the journal is then as it was before.
    pub fn append(&mut self, event: &Event) -> Result<(), StoreError> {
        self.drop_torn()?;
        let at = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let (line, check) = self.check.line(&at, event);
        if let Err(source) = self.file.write_all(line.as_bytes()) {
            self.torn = true;
            // The error that matters is the first one; what is left is dropped before the next line.
            let _ = self.drop_torn();
            return Err(StoreError::Write { path: self.path.clone(), source });
        }
        self.length += line.len() as u64;
        self.check = check;
        match event {
            Event::TrialFinished { .. }
            | Event::StudyEnded { .. }
            | Event::RunFinished { .. }
            | Event::RunInterrupted { .. } => {
                self.file.sync_data().map_err(|source| StoreError::Write { path: self.path.clone(), source })
            }
            Event::RunStarted { .. }
            | Event::TrialSuggested { .. }
            | Event::TrialEpoch { .. }
            | Event::FitLost { .. }
            | Event::FitFinished { .. }
            | Event::RunResumed => Ok(()),
        }
    }

    fn drop_torn(&mut self) -> Result<(), StoreError> {
        if self.torn {
            self.file.set_len(self.length).map_err(|source| StoreError::Write { path: self.path.clone(), source })?;
            self.torn = false;
        }
        Ok(())
    }
}

/// What a journal holds, without changing it; a last line that was cut short does not count.
///
/// # Errors
/// The file system refused, or a whole line is damaged.
pub(super) fn read(path: &Path) -> Result<Vec<Recorded>, StoreError> {
    let refused = |source| StoreError::Read { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(|source| missing(path, &source).unwrap_or_else(|| refused(source)))?;
    Ok(chain::read(&bytes).map_err(|damage| damaged(path, &damage))?.recorded)
}

/// How long a run was at work, by its journal: from each start to the last event before the next one.
pub(super) fn time_at_work(recorded: &[Recorded]) -> Duration {
    let at = |recorded: &Recorded| humantime::parse_rfc3339(&recorded.at).ok();
    let is_start = |recorded: &Recorded| matches!(recorded.event, Event::RunStarted { .. } | Event::RunResumed);
    let sessions = recorded.chunk_by(|_, next| !is_start(next));
    let lasted = |session: &[Recorded]| at(session.last()?)?.duration_since(at(session.first()?)?).ok();
    sessions.filter_map(lasted).sum()
}

/// What there is to say when the journal is not there.
fn missing(path: &Path, source: &std::io::Error) -> Option<StoreError> {
    (source.kind() == std::io::ErrorKind::NotFound).then(|| StoreError::Missing { path: path.to_owned() })
}

fn damaged(path: &Path, damage: &chain::Damage) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), reason: damage.to_string() }
}

#[cfg(test)]
mod tests;
