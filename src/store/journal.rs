//! The journal: what happened, one event a line, only ever appended to.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::trial::TrialState;
use crate::value::Assignment;

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
    /// A trial ended.
    TrialFinished {
        /// The study.
        study: String,
        /// The trial's number.
        trial: usize,
        /// How.
        result: TrialState,
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

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    #[serde(flatten)]
    event: &'a Event,
}

/// Appends to a journal.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    pub(super) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        match opened {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(StoreError::Write { path, source }),
        }
    }

    /// Appends an event; a finished trial or run is on disk when this returns.
    pub(super) fn append(&mut self, event: &Event) -> Result<(), StoreError> {
        let at = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let mut line = serde_json::to_string(&Line { at, event }).expect("events have text keys");
        line.push('\n');
        let refused = |source| StoreError::Write { path: self.path.clone(), source };
        self.file.write_all(line.as_bytes()).map_err(refused)?;
        match event {
            Event::TrialFinished { .. } | Event::RunFinished { .. } => self.file.sync_data().map_err(refused),
            Event::RunStarted { .. }
            | Event::TrialSuggested { .. }
            | Event::FitLost { .. }
            | Event::FitFinished { .. }
            | Event::RunInterrupted { .. }
            | Event::RunResumed => Ok(()),
        }
    }
}

/// The last event of a journal; a torn last line does not count.
pub(super) fn last_event(path: &Path) -> Option<Event> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().rev().find_map(|line| serde_json::from_str(line).ok())
}
