//! A search that starts warm: the trials of another run that are known to it before its first.
//!
//! They are taken once, when a run begins, and lie in its own folder from then on: a run that is resumed, replayed or
//! run again from its `config.rhai` reads them there, whatever has become of the other run. The other run must have had
//! the same objective, and each study here needs its counterpart there, at the same place of the cross-validation with the
//! same train and validation rows. Test rows are not looked at, nor anything that was measured on them. What is fixed
//! may differ, such as a number of epochs: whether the old values still say something is for the user to judge.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::data::Dataset;
use crate::plan::{Plan, StudyId};
use crate::script::{self, Evaluated, Outcome};
use crate::space::SearchSpace;
use crate::spec::Experiment;
use crate::split::{self, NestedSplits, SplitFileError};
use crate::store::{self, Altered, EarlierStudy, EarlierTrials, FindError, Record, RunEntry, StoreError};
use crate::study::{PassedOver, transfer};
use crate::trial::TrialRecord;
use crate::wording::count;

/// The trials that the studies of a run know from the start.
#[derive(Clone, Debug, PartialEq)]
pub struct WarmStart {
    taken: EarlierTrials,
    counting: BTreeMap<String, Vec<TrialRecord>>,
    passed_over: Vec<(PassedOver, usize)>,
}

/// Why a search cannot start warm from a run.
#[derive(Debug, thiserror::Error)]
pub enum WarmStartError {
    /// There is no such run.
    #[error("warm_start: {0}")]
    Find(#[from] FindError),
    /// Its files are not as they were written.
    #[error("warm_start: {file} of {run} was changed after it was written")]
    Altered {
        /// The run.
        run: String,
        /// The file.
        file: String,
    },
    /// Its config can no longer be evaluated.
    #[error("warm_start: the config of {run} cannot be evaluated: {reason}")]
    Config {
        /// The run.
        run: String,
        /// Why.
        reason: String,
    },
    /// It searched nothing.
    #[error("warm_start: {run} has no search whose trials could be known")]
    NoSearch {
        /// The run.
        run: String,
    },
    /// It optimised something else.
    #[error("warm_start: {run} was to {found}, and this search is to {wanted}: their values cannot be compared")]
    Objective {
        /// The run.
        run: String,
        /// Its objective.
        found: String,
        /// The one here.
        wanted: String,
    },
    /// Its data are others.
    #[error("warm_start: {run} has other data (fingerprint {found}) than this run ({wanted})")]
    Data {
        /// The run.
        run: String,
        /// Fingerprint of its data.
        found: String,
        /// Fingerprint of the data here.
        wanted: String,
    },
    /// Its folds cannot be read.
    #[error("warm_start: the folds of {run} cannot be read: {source}")]
    Folds {
        /// The run.
        run: String,
        /// Why.
        source: SplitFileError,
    },
    /// It lacks a study.
    #[error("warm_start: {run} has no study for {study}; it has {found}")]
    NoStudy {
        /// The run.
        run: String,
        /// The study here.
        study: StudyId,
        /// Its own studies.
        found: String,
    },
    /// A study has other rows.
    #[error("warm_start: {study} of {run} has other {what}: its values cannot be compared with those of this run")]
    Rows {
        /// The run.
        run: String,
        /// The study.
        study: StudyId,
        /// What differs.
        what: String,
    },
    /// Its record cannot be read.
    #[error("warm_start: {0}")]
    Store(#[from] StoreError),
}

impl WarmStart {
    /// What the search of an experiment knows from the start; none unless it asks for it.
    ///
    /// # Errors
    /// There is no such run, it cannot be read, or its trials cannot be compared with those of this one.
    pub(super) fn of(
        evaluated: &Evaluated,
        results: &Path,
        plan: &Plan,
        data: Option<&Dataset>,
        splits: Option<&NestedSplits>,
    ) -> Result<Option<Self>, WarmStartError> {
        let Outcome::Experiment(experiment) = &evaluated.outcome else { return Ok(None) };
        let Some((search, asked)) = experiment.search().and_then(|search| Some((search, search.warm_start.as_ref()?)))
        else {
            return Ok(None);
        };
        let here = Here { aims: search.aims(), plan, data, splits };
        let own = evaluated.run.as_deref().map(RunEntry::read).transpose()?;
        let own = own.map(|own| own.warm_start()).transpose()?.flatten();
        let taken = match own.filter(|own| own.run == *asked) {
            Some(own) => own,
            None => take(&find(results, &evaluated.root, asked)?, &here)?,
        };
        here.check(&taken)?;
        Ok(Some(Self::counted(taken, plan, experiment.space())))
    }

    fn counted(taken: EarlierTrials, plan: &Plan, space: &SearchSpace) -> Self {
        let mut counting = BTreeMap::new();
        let mut passed_over: Vec<(PassedOver, usize)> = Vec::new();
        let is_here = |study: &&EarlierStudy| plan.studies().iter().any(|id| id.to_string() == study.study);
        for study in taken.studies.iter().filter(is_here) {
            let mut kept = Vec::new();
            for trial in &study.trials {
                match transfer(trial, space) {
                    Ok(trial) => kept.push(trial),
                    Err(reason) => match passed_over.iter_mut().find(|(known, _)| *known == reason) {
                        Some((_, n)) => *n += 1,
                        None => passed_over.push((reason, 1)),
                    },
                }
            }
            counting.insert(study.study.clone(), kept);
        }
        passed_over.sort_by_key(|(reason, n)| (std::cmp::Reverse(*n), reason.to_string()));
        Self { taken, counting, passed_over }
    }

    /// What was taken, for the record.
    pub(super) fn taken(&self) -> &EarlierTrials {
        &self.taken
    }

    /// The trials that a study knows from the start.
    pub(super) fn of_study(&self, id: StudyId) -> Vec<TrialRecord> {
        self.counting.get(&id.to_string()).cloned().unwrap_or_default()
    }

    /// The run they are of.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.taken.run
    }

    /// How many trials count.
    #[must_use]
    pub fn n_counting(&self) -> usize {
        self.counting.values().map(Vec::len).sum()
    }

    /// How many there are.
    #[must_use]
    pub fn n_trials(&self) -> usize {
        self.n_counting() + self.passed_over.iter().map(|(_, n)| n).sum::<usize>()
    }
}

/// As in `12 of 20 trials of RUN count: 5 have lr outside log_uniform(0.0001, 0.01), 3 failed`.
impl fmt::Display for WarmStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} of {} count", self.n_counting(), count(self.n_trials(), "trial"), self.run())?;
        let reasons: Vec<String> = self.passed_over.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        if reasons.is_empty() { Ok(()) } else { write!(f, ": {}", reasons.join(", ")) }
    }
}

/// The run of that name; a path counts from the project root, too.
fn find(results: &Path, root: &Path, asked: &str) -> Result<RunEntry, FindError> {
    // `NAME@best` is no path.
    let is_name = asked.ends_with("@latest") || asked.ends_with("@best");
    let as_path = if is_name { asked.to_owned() } else { root.join(asked).to_string_lossy().into_owned() };
    match store::find(results, &as_path) {
        Err(FindError::NotFound { .. }) => store::find(results, asked),
        found => found,
    }
}

/// What the studies of this run are about.
struct Here<'a> {
    aims: String,
    plan: &'a Plan,
    data: Option<&'a Dataset>,
    splits: Option<&'a NestedSplits>,
}

impl Here<'_> {
    fn fingerprint(&self) -> Option<&str> {
        self.data.map(Dataset::fingerprint)
    }

    /// Whether what was taken had the same aims, on the same rows.
    fn check(&self, taken: &EarlierTrials) -> Result<(), WarmStartError> {
        let run = || taken.run.clone();
        if taken.objective != self.aims {
            let found = taken.objective.clone();
            return Err(WarmStartError::Objective { run: run(), found, wanted: self.aims.clone() });
        }
        self.check_data(&taken.run, taken.data_fingerprint.as_deref())?;
        for &id in self.plan.studies() {
            let Some(study) = taken.studies.iter().find(|study| study.study == id.to_string()) else {
                let found: Vec<&str> = taken.studies.iter().map(|study| study.study.as_str()).collect();
                return Err(WarmStartError::NoStudy { run: run(), study: id, found: found.join("; ") });
            };
            let rows = rows(id, self.splits);
            let what = if rows.len() != study.rows.len() {
                format!("inner folds, {} and not {}", study.rows.len(), rows.len())
            } else if let Some(fold) = (0..rows.len()).find(|&fold| rows[fold] != study.rows[fold]) {
                match id {
                    StudyId::Outer(_) => format!("train or validation rows in inner fold {fold}"),
                    StudyId::Only | StudyId::Inner(..) => "train or validation rows".to_owned(),
                }
            } else {
                continue;
            };
            return Err(WarmStartError::Rows { run: run(), study: id, what });
        }
        Ok(())
    }

    fn check_data(&self, run: &str, found: Option<&str>) -> Result<(), WarmStartError> {
        let wanted = self.fingerprint();
        if found == wanted {
            return Ok(());
        }
        let told = |fingerprint: Option<&str>| fingerprint.unwrap_or("none: it has no data").to_owned();
        Err(WarmStartError::Data { run: run.to_owned(), found: told(found), wanted: told(wanted) })
    }
}

/// A digest of the train and validation rows of each fold that a trial of the study is scored on.
fn rows(id: StudyId, splits: Option<&NestedSplits>) -> Vec<String> {
    let fold = |outer: usize| splits.and_then(|splits| splits.outer().get(outer));
    match id {
        StudyId::Only => Vec::new(),
        StudyId::Outer(outer) => fold(outer)
            .into_iter()
            .flat_map(|fold| fold.inner().iter().map(split::TrainValidation::split_hash))
            .collect(),
        StudyId::Inner(outer, inner) => fold(outer)
            .and_then(|fold| fold.inner().get(inner))
            .map(split::TrainValidation::split_hash)
            .into_iter()
            .collect(),
    }
}

/// Takes the trials of a recorded run. Its folds are read in terms of the data here, which must therefore be the same.
fn take(entry: &RunEntry, here: &Here<'_>) -> Result<EarlierTrials, WarmStartError> {
    let run = || entry.manifest.run.clone();
    if let Some(Altered { file, .. }) = Record::of_run(entry.clone()).altered_beginning().into_iter().next() {
        return Err(WarmStartError::Altered { run: run(), file });
    }
    let evaluated = script::evaluate(&entry.config_path(), &[])
        .map_err(|diagnostic| WarmStartError::Config { run: run(), reason: diagnostic.message })?;
    let (experiment, search): (&Experiment, _) = match &evaluated.outcome {
        Outcome::Experiment(experiment) => (experiment, experiment.search()),
        Outcome::Fit(_) => return Err(WarmStartError::NoSearch { run: run() }),
    };
    let search = search.ok_or_else(|| WarmStartError::NoSearch { run: run() })?;
    let data_fingerprint = entry.manifest.data_fingerprint.clone();
    here.check_data(&entry.manifest.run, data_fingerprint.as_deref())?;
    let splits = match (entry.splits()?, here.data) {
        (Some(text), Some(data)) => {
            let read = split::from_json(&text, data.ids());
            Some(read.map_err(|source| WarmStartError::Folds { run: run(), source })?)
        }
        _ => None,
    };
    let mut trials = entry.trials()?;
    let plan = Plan::new(experiment, splits.as_ref());
    let studies = plan.studies().iter().map(|&id| EarlierStudy {
        study: id.to_string(),
        rows: rows(id, splits.as_ref()),
        trials: trials.remove(&id.to_string()).unwrap_or_default(),
    });
    Ok(EarlierTrials { run: run(), objective: search.aims(), data_fingerprint, studies: studies.collect() })
}
