//! Finding recorded runs: by id, by a unique prefix, the latest or the best.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::earlier_trials::{self, EarlierTrials};
use super::fit_folder::FitPath;
use super::index;
use super::index::scan::{self, RunName, is_run};
use super::joint::Joint;
use super::journal::{self, Event, Recorded};
use super::manifest::Manifest;
use super::recorded_fit::RecordedFit;
use super::tables::Summary;
use super::{StoreError, atomic, lock};
use crate::stop::Ending;
use crate::trial::TrialRecord;

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
    /// The folder is there, but nothing tells that it is a run.
    #[error("{} is no run: it has no run.json", path.display())]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// Several ids begin so.
    #[error("`{asked}` could be {}", candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// The ids.
        candidates: Vec<String>,
    },
    /// It is no run, but joins those of several variants.
    #[error("`{asked}` joins the runs of variants: {}", runs.join(", "))]
    Joint {
        /// What was asked for.
        asked: String,
        /// Variants and the ids of their runs.
        runs: Vec<String>,
    },
    /// No run is of this experiment.
    #[error("there is no experiment `{asked}` in {}", results.display())]
    NoExperiment {
        /// What was asked for.
        asked: String,
        /// Where it was looked for.
        results: PathBuf,
        /// Those that are there.
        experiments: Vec<String>,
    },
    /// The best run was asked for where there are several experiments.
    #[error("`@best` is of one experiment, and the runs are of {}", experiments.join(", "))]
    SeveralExperiments {
        /// The experiments.
        experiments: Vec<String>,
    },
    /// None of the runs of an experiment has a value to go by.
    #[error("no run of `{experiment}` has ended with a best trial, so none is the best")]
    NothingToRank {
        /// The experiment.
        experiment: String,
    },
    /// It is a run, but not one of these results.
    #[error("{} does not lie in {}", path.display(), results.display())]
    Elsewhere {
        /// The run.
        path: PathBuf,
        /// Where it ought to lie.
        results: PathBuf,
    },
    /// The results could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RunEntry {
    /// Where its resolved config lies.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        self.path.join("config.rhai")
    }

    /// Where the page about it lies, once it is written.
    #[must_use]
    pub fn report_path(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// The text of its resolved config.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn config(&self) -> Result<String, StoreError> {
        atomic::read(&self.config_path())
    }

    /// How a fit of it ended; none if it has not, or there is no such fit.
    ///
    /// # Errors
    /// The record cannot be read or is damaged.
    pub fn fit(&self, fit: &FitPath) -> Result<Option<RecordedFit>, StoreError> {
        RecordedFit::read(&self.path.join(fit.as_str()))
    }

    /// Writes the page about it, which is made of the record and no part of it: nothing is compared with it, and it can be
    /// deleted.
    ///
    /// # Errors
    /// The file system refused.
    pub fn write_report(&self, html: &str) -> Result<PathBuf, StoreError> {
        let path = self.report_path();
        atomic::write(&path, html.as_bytes())?;
        Ok(path)
    }

    /// Reads a run's folder.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or was written by a newer version.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        let file = path.join("run.json");
        let text = atomic::read(&file)?;
        let damaged = |reason: String| StoreError::Damaged { path: file.clone(), reason };
        let value: serde_json::Value = serde_json::from_str(&text)
            .map_err(|error| damaged(format!("{error}; put back a copy, or remove the run with `xrun rm`")))?;
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

    /// The text of its `splits.json`; none without data.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn splits(&self) -> Result<Option<String>, StoreError> {
        let file = self.path.join("splits.json");
        if file.is_file() { atomic::read(&file).map(Some) } else { Ok(None) }
    }

    /// The trials of another run that it knew from the start.
    ///
    /// # Errors
    /// Their file is damaged or cannot be read.
    pub fn warm_start(&self) -> Result<Option<EarlierTrials>, StoreError> {
        let file = self.path.join(earlier_trials::FILE);
        if !file.is_file() {
            return Ok(None);
        }
        let text = atomic::read(&file)?;
        let read = EarlierTrials::from_json(&text);
        read.map(Some).map_err(|error| StoreError::Damaged { path: file, reason: error.to_string() })
    }

    /// How those of its studies ended that have rules to stop by, by their names.
    ///
    /// # Errors
    /// Its journal cannot be read, or a line of it is damaged.
    pub fn endings(&self) -> Result<BTreeMap<String, Ending>, StoreError> {
        let ending = |recorded: Recorded| match recorded.event {
            Event::StudyEnded { study, ending } => Some((study, ending)),
            _ => None,
        };
        Ok(self.journal()?.into_iter().filter_map(ending).collect())
    }

    /// The trials of each study that have ended, by number.
    ///
    /// # Errors
    /// Its journal cannot be read, or a line of it is damaged.
    pub fn trials(&self) -> Result<BTreeMap<String, Vec<TrialRecord>>, StoreError> {
        Ok(ended_trials(&self.journal()?))
    }

    /// What happened, by its journal.
    ///
    /// # Errors
    /// It cannot be read, or a line of it is damaged.
    pub fn journal(&self) -> Result<Vec<Recorded>, StoreError> {
        journal::read(&self.path.join("journal.jsonl"))
    }

    /// `complete` or `failed`; `running`, `interrupted` or `unfinished` when it has no summary. `last` is the last event
    /// of its journal.
    #[must_use]
    pub fn status(&self, last: Option<&Event>) -> &str {
        let interrupted = matches!(last, Some(Event::RunInterrupted { .. }));
        self.summary.as_ref().map_or_else(|| open_status(&self.path, interrupted), |summary| &summary.status)
    }
}

/// The trials of each study that a journal says have ended, by number.
#[must_use]
pub fn ended_trials(journal: &[Recorded]) -> BTreeMap<String, Vec<TrialRecord>> {
    let mut assignments = BTreeMap::new();
    let mut ended: BTreeMap<(&str, usize), TrialRecord> = BTreeMap::new();
    for Recorded { event, .. } in journal {
        match event {
            Event::TrialSuggested { study, trial, assignment } => {
                assignments.insert((study.as_str(), *trial), assignment);
            }
            Event::TrialFinished { study, trial: number, result } => {
                if let Some(assignment) = assignments.remove(&(study.as_str(), *number)) {
                    let (number, assignment, state) = (*number, assignment.clone(), result.clone());
                    ended.insert((study, number), TrialRecord { number, assignment, state });
                }
            }
            _ => {}
        }
    }
    let mut by_study: BTreeMap<String, Vec<TrialRecord>> = BTreeMap::new();
    for ((study, _), record) in ended {
        by_study.entry(study.to_owned()).or_default().push(record);
    }
    by_study
}

/// The status of a run without a summary.
pub(super) fn open_status(path: &Path, interrupted: bool) -> &'static str {
    match interrupted {
        _ if lock::is_locked(path) => "running",
        true => "interrupted",
        false => "unfinished",
    }
}

/// The run of this id, of this unique beginning of an id, at this path, `@latest` or `@best`, of one experiment
/// `NAME@latest` or `NAME@best`.
///
/// # Errors
/// None or several, or its folder cannot be read.
pub fn find(results: &Path, asked: &str) -> Result<RunEntry, FindError> {
    Ok(RunEntry::read(&locate(results, asked)?)?)
}

/// The latest run of an experiment whose `config.rhai` has this digest.
///
/// # Errors
/// The results or such a run cannot be read.
pub fn latest_of(results: &Path, experiment: &str, config_blake3: &str) -> Result<Option<RunEntry>, StoreError> {
    for name in scan::names(results)?.iter().rev().filter(|name| name.experiment == experiment) {
        let path = name.path(results);
        if is_run(&path) {
            let run = RunEntry::read(&path)?;
            if run.manifest.config_blake3 == config_blake3 {
                return Ok(Some(run));
            }
        }
    }
    Ok(None)
}

/// The folder of the run that [`find()`] takes. An id that is whole is found even where others begin with it; the best run
/// is the first of its [ranking](index::ranking).
///
/// # Errors
/// None or several, or the results cannot be read.
pub fn locate(results: &Path, asked: &str) -> Result<PathBuf, FindError> {
    let as_path = Path::new(asked);
    if is_run(as_path) {
        return Ok(as_path.to_owned());
    }
    let not_found = || FindError::NotFound { asked: asked.to_owned(), results: results.to_owned() };
    let named = scan::names(results)?;
    let path = |name: &RunName| name.path(results);
    if asked == "@latest" {
        return named.iter().rev().map(path).find(|path| is_run(path)).ok_or_else(not_found);
    }
    match asked.rsplit_once('@') {
        Some(("", "best")) => return index::best(results, None),
        Some((experiment, "best")) => return index::best(results, Some(experiment)),
        Some((experiment, "latest")) => return index::latest(results, experiment),
        _ => {}
    }
    let mut matches: Vec<&RunName> =
        named.iter().filter(|name| name.id.starts_with(asked) && is_run(&path(name))).collect();
    if matches.iter().any(|name| name.id == asked) {
        matches.retain(|name| name.id == asked);
    }
    match matches.as_slice() {
        [] => {
            if let Some(joint) = Joint::find(results, asked)? {
                let runs = joint.runs().iter().map(|run| format!("{} {}", run.variant, run.run)).collect();
                return Err(FindError::Joint { asked: asked.to_owned(), runs });
            }
            let beheaded = named.iter().filter(|name| name.id == asked).map(path);
            match beheaded.chain([as_path.to_owned()]).find(|path| path.join("journal.jsonl").is_file()) {
                Some(path) => Err(FindError::NoManifest { path }),
                None => Err(not_found()),
            }
        }
        [only] => Ok(path(only)),
        several => {
            // A folder that was copied has the id of the original, and stands beside it in the order of ids.
            let is_double = |at: usize| {
                let same = |other: Option<&&RunName>| other.is_some_and(|other| other.id == several[at].id);
                same(several.get(at + 1)) || at.checked_sub(1).is_some_and(|before| same(several.get(before)))
            };
            let candidate = |(at, name): (usize, &&RunName)| {
                if is_double(at) { path(name).display().to_string() } else { name.id.clone() }
            };
            let candidates = several.iter().enumerate().map(candidate).collect();
            Err(FindError::Ambiguous { asked: asked.to_owned(), candidates })
        }
    }
}
