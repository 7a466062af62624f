//! Reading a recorded run or fit back: which files it has, in which order they are compared, and whether they are
//! still what was written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::StoreError;
use super::earlier_trials;
use super::find::{self, FindError, RunEntry};
use super::fit_folder::{FitPath, OutcomeRecord};
use super::fold_counts;
use super::journal::Event;
use super::model_folder;
use super::recorded_fit::RecordedFit;

const CONFIG: &str = "config.rhai";
const OUTCOME: &str = "outcome.json";
const SUMMARY: &str = "summary.json";

/// Files of a fit, in the order in which they are compared: what is decided first comes first.
const FIT_FILES: [(&str, FileKind); 8] = [
    (CONFIG, FileKind::Config),
    ("metrics.csv", FileKind::Table),
    ("histograms.csv", FileKind::Table),
    ("validation_predictions.csv", FileKind::Predictions),
    ("test_predictions.csv", FileKind::Predictions),
    ("model.safetensors", FileKind::Weights),
    ("model.json", FileKind::Json),
    (OUTCOME, FileKind::Outcome),
];

/// What of an outcome is a pure function of the fit's config; the rest says when and on what it was made.
const PURE_OUTCOME: [&str; 12] = [
    "status",
    "reason",
    "pruned",
    "score",
    "threshold",
    "kept_epochs",
    "phase_epochs",
    "n_epochs",
    "n_planned",
    "n_rows",
    "validation",
    "test",
];

/// A recorded run, or one of its fits.
#[derive(Clone, Debug)]
pub struct Record {
    run: RunEntry,
    fit: Option<String>,
}

/// What a recorded file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The trials of a run, as CSV.
    Trials,
    /// A fit's resolved config.
    Config,
    /// Numbers of double precision, as CSV.
    Table,
    /// Probabilities of single precision, as CSV.
    Predictions,
    /// Weights, as safetensors.
    Weights,
    /// JSON, all of it pure.
    Json,
    /// A run's summary, of which [`as_far_as_recorded`] is what an older one can have.
    Summary,
    /// A fit's outcome, of which [`pure_outcome`] is the pure part.
    Outcome,
}

/// A file that at least one of two records has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePair {
    /// Its path below the run's folder, or its name in the fit's, with `/`.
    pub name: String,
    /// What it holds.
    pub kind: FileKind,
    /// Where the first record has it.
    pub first: Option<PathBuf>,
    /// Where the second record has it.
    pub second: Option<PathBuf>,
}

/// A file that is not what another file of the record says it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Altered {
    /// Its path below the run's folder, with `/`.
    pub file: String,
    /// The file that holds its digest.
    pub recorded_in: String,
    /// BLAKE3 of what was written; absent when the file that should hold it cannot be read.
    pub recorded: Option<String>,
    /// BLAKE3 of what is there; absent when it is missing or cannot be read.
    pub found: Option<String>,
}

/// Why there is no such record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// No run was found.
    #[error(transparent)]
    Run(#[from] FindError),
    /// The run has no such fit.
    #[error("the run {run} has no fit `{asked}`; a fit is named by its folder, as in {run}:{example}")]
    NoFit {
        /// The run's id.
        run: String,
        /// What was asked for.
        asked: String,
        /// A fit it has.
        example: String,
    },
}

impl Record {
    /// The run or fit that is asked for: a run as [`find`](super::find()) takes it; a fit by the path of its folder, or
    /// by its run, a colon, and its folder below the run's, as in `@latest:outer-0/inner-0/final`.
    ///
    /// # Errors
    /// There is none, or its run's folder cannot be read.
    pub fn find(results: &Path, asked: &str) -> Result<Self, RecordError> {
        if let Some((run, fit)) = fit_folder(Path::new(asked)) {
            return Self::of_fit(RunEntry::read(&run).map_err(FindError::Store)?, &fit);
        }
        match asked.rsplit_once(':') {
            Some((run, fit)) if !Path::new(asked).exists() => Self::of_fit(find::find(results, run)?, fit),
            _ => Ok(Self { run: find::find(results, asked)?, fit: None }),
        }
    }

    /// A run just written.
    #[must_use]
    pub fn of_run(run: RunEntry) -> Self {
        Self { run, fit: None }
    }

    /// The only fit of a run of a fit's config.
    #[must_use]
    pub fn only_fit(self) -> Self {
        Self { fit: Some(FitPath::only().as_str().to_owned()), ..self }
    }

    fn of_fit(run: RunEntry, asked: &str) -> Result<Self, RecordError> {
        let fit = asked.trim_matches('/');
        let is_plain = Path::new(fit).components().all(|part| matches!(part, Component::Normal(_)));
        if is_plain && !fit.is_empty() && is_fit(&run.path.join(fit)) {
            return Ok(Self { run, fit: Some(fit.to_owned()) });
        }
        let fits = fits_below(&run.path);
        let example = fits.iter().next().cloned().unwrap_or_else(|| FitPath::only().as_str().to_owned());
        Err(RecordError::NoFit { run: run.manifest.run, asked: asked.to_owned(), example })
    }

    /// The run, or the fit's run.
    #[must_use]
    pub fn run(&self) -> &RunEntry {
        &self.run
    }

    /// The fit's folder below the run's; none for a run.
    #[must_use]
    pub fn fit(&self) -> Option<&str> {
        self.fit.as_deref()
    }

    /// As it can be asked for again.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.fit {
            Some(fit) => format!("{}:{fit}", self.run.manifest.run),
            None => self.run.manifest.run.clone(),
        }
    }

    /// The script that gives its files again.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder().join(CONFIG)
    }

    /// Whether it was cut short: then there is nothing to compare with. A finished run that lost a file is not.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        let last = self.run.journal().ok().and_then(|mut events| events.pop());
        let run_ended = self.run.summary.is_some()
            || last.is_some_and(|recorded| matches!(recorded.event, Event::RunFinished { .. }));
        !run_ended && (self.fit.is_none() || !self.folder().join(OUTCOME).is_file())
    }

    /// How a fit ended; none for a run.
    ///
    /// # Errors
    /// The outcome cannot be read.
    pub fn outcome(&self) -> Result<Option<OutcomeRecord>, StoreError> {
        self.fit.as_ref().map(|_| read_outcome(&self.folder())).transpose()
    }

    /// Fits that ended, and the epochs they trained.
    ///
    /// # Errors
    /// An outcome cannot be read.
    pub fn size(&self) -> Result<(usize, usize), StoreError> {
        let mut size = (0, 0);
        for fit in self.fits() {
            let folder = self.folder().join(fit);
            if folder.join(OUTCOME).is_file() {
                size = (size.0 + 1, size.1 + read_outcome(&folder)?.n_epochs);
            }
        }
        Ok(size)
    }

    /// Files that are not what the digests beside them say: scripts by the manifest, a fit's files by its outcome.
    #[must_use]
    pub fn altered(&self) -> Vec<Altered> {
        let mut altered = if self.fit.is_none() { self.altered_beginning() } else { Vec::new() };
        let mut unreadable = Vec::new();
        for fit in self.fits() {
            let folder = self.folder().join(&fit);
            let outcome = below(&fit, OUTCOME);
            match read_outcome(&folder) {
                Ok(record) => {
                    altered.extend(record.digests.iter().filter_map(|(file, digest)| {
                        is_altered(&folder.join(file), &below(&fit, file), &outcome, digest)
                    }))
                }
                Err(_) => unreadable.push(Altered {
                    file: outcome.clone(),
                    recorded_in: outcome,
                    recorded: None,
                    found: None,
                }),
            }
        }
        altered.extend(unreadable);
        altered
    }

    /// As [`Record::altered`], of what was written before the first fit of a run began.
    #[must_use]
    pub fn altered_beginning(&self) -> Vec<Altered> {
        let manifest = &self.run.manifest;
        let sources = manifest.sources.iter().map(|source| match source.kind.as_str() {
            "main" => ("script.rhai".to_owned(), &source.blake3),
            _ => (format!("imports/{}", source.path), &source.blake3),
        });
        let config = std::iter::once((CONFIG.to_owned(), &manifest.config_blake3));
        let splits = manifest.splits_blake3.iter().map(|digest| ("splits.json".to_owned(), digest));
        let folds = manifest.folds_blake3.iter().map(|digest| (fold_counts::FILE.to_owned(), digest));
        let warm_start = manifest.warm_start_blake3.iter().map(|digest| (earlier_trials::FILE.to_owned(), digest));
        sources
            .chain(config)
            .chain(splits)
            .chain(folds)
            .chain(warm_start)
            .filter_map(|(file, digest)| is_altered(&self.run.path.join(&file), &file, "run.json", digest))
            .collect()
    }

    /// The files that this record or another has, in the order of the plan, the summary last.
    #[must_use]
    pub fn pairs(&self, other: &Self) -> Vec<FilePair> {
        let mut names: Vec<(String, FileKind)> = Vec::new();
        if self.fit.is_none() {
            names.push(("trials.csv".to_owned(), FileKind::Trials));
            names.push(("splits.json".to_owned(), FileKind::Json));
            names.push((earlier_trials::FILE.to_owned(), FileKind::Json));
        }
        let fits: BTreeSet<String> = self.fits().into_iter().chain(other.fits()).collect();
        for fit in in_plan_order(fits) {
            names.extend(FIT_FILES.iter().map(|(file, kind)| (below(&fit, file), *kind)));
        }
        if self.fit.is_none() {
            names.push((SUMMARY.to_owned(), FileKind::Summary));
        }
        let place = |record: &Self, name: &str| Some(record.folder().join(name)).filter(|path| path.is_file());
        names
            .into_iter()
            .map(|(name, kind)| {
                let (first, second) = (place(self, &name), place(other, &name));
                FilePair { name, kind, first, second }
            })
            .filter(|pair| pair.first.is_some() || pair.second.is_some())
            .collect()
    }

    fn folder(&self) -> PathBuf {
        match &self.fit {
            Some(fit) => self.run.path.join(fit),
            None => self.run.path.clone(),
        }
    }

    /// Fits below the record's folder; of a fit, itself.
    fn fits(&self) -> BTreeSet<String> {
        match self.fit {
            Some(_) => BTreeSet::from([String::new()]),
            None => fits_below(&self.run.path),
        }
    }
}

/// The part of an outcome that is a pure function of the fit's config.
#[must_use]
pub fn pure_outcome(outcome: &serde_json::Value) -> serde_json::Value {
    PURE_OUTCOME.iter().map(|key| ((*key).to_owned(), outcome[*key].clone())).collect()
}

/// A summary without what the recorded one was written too early to have: intervals of its test metrics.
#[must_use]
pub fn as_far_as_recorded(summary: &serde_json::Value, recorded: &serde_json::Value) -> serde_json::Value {
    let mut summary = summary.clone();
    for (name, metric) in summary.get_mut("test").and_then(serde_json::Value::as_object_mut).into_iter().flatten() {
        if let Some(fields) = metric.as_object_mut().filter(|_| recorded["test"][name].get("intervals").is_none()) {
            fields.remove("intervals");
        }
    }
    summary
}

fn is_altered(path: &Path, file: &str, recorded_in: &str, recorded: &str) -> Option<Altered> {
    let found = fs::read(path).ok().map(|bytes| blake3::hash(&bytes).to_hex().to_string());
    (found.as_deref() != Some(recorded)).then(|| Altered {
        file: file.to_owned(),
        recorded_in: recorded_in.to_owned(),
        recorded: Some(recorded.to_owned()),
        found,
    })
}

fn read_outcome(folder: &Path) -> Result<OutcomeRecord, StoreError> {
    let missing = || StoreError::Read { path: folder.join(OUTCOME), source: std::io::ErrorKind::NotFound.into() };
    RecordedFit::read(folder)?.map(|fit| fit.outcome().clone()).ok_or_else(missing)
}

fn below(fit: &str, file: &str) -> String {
    if fit.is_empty() { file.to_owned() } else { format!("{fit}/{file}") }
}

/// The run and the fit below it, of a fit's folder.
fn fit_folder(path: &Path) -> Option<(PathBuf, String)> {
    if !is_fit(path) || path.join("run.json").is_file() {
        return None;
    }
    let path = std::path::absolute(path).ok()?;
    let run = path.ancestors().skip(1).take(3).find(|folder| folder.join("run.json").is_file())?;
    let fit = path.strip_prefix(run).ok()?;
    Some((
        run.to_owned(),
        fit.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"),
    ))
}

/// The model that a run ships has files of a fit, and is a copy of one.
fn is_fit(folder: &Path) -> bool {
    let is_model = folder.file_name().is_some_and(|name| name == model_folder::FOLDER)
        && folder.parent().is_some_and(|run| run.join("run.json").is_file());
    !is_model && FIT_FILES.iter().any(|(file, _)| folder.join(file).is_file())
}

/// Folders of fits below a run's, which are at most three deep.
pub(super) fn fits_below(run: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![(String::new(), 0)];
    while let Some((parent, depth)) = folders.pop() {
        for entry in fs::read_dir(run.join(&parent)).into_iter().flatten().filter_map(Result::ok) {
            let name = below(&parent, &entry.file_name().to_string_lossy());
            if !entry.path().is_dir() || name == "imports" {
                continue;
            }
            if is_fit(&entry.path()) {
                found.insert(name.clone());
            }
            if depth < 2 {
                folders.push((name, depth + 1));
            }
        }
    }
    found
}

/// Fold by fold and trial by trial, each study's final after its trials. A study over several inner folds, which has
/// its final in the outer fold's folder, finishes a trial on all of them before the next.
pub(super) fn in_plan_order(fits: BTreeSet<String>) -> Vec<String> {
    let per_outer = fits.iter().any(|fit| fit.starts_with("outer-") && fit.matches('/').count() == 1);
    let place = |fit: &str| {
        let (mut outer, mut inner, mut trial) = (0, 0, usize::MAX);
        for part in fit.split('/') {
            let number = |prefix: &str| part.strip_prefix(prefix).and_then(|digits| digits.parse::<usize>().ok());
            outer = number("outer-").unwrap_or(outer);
            inner = number("inner-").unwrap_or(inner);
            trial = number("trial-").unwrap_or(trial);
        }
        if per_outer { (outer, trial, inner) } else { (outer, inner, trial) }
    };
    let mut fits: Vec<String> = fits.into_iter().collect();
    fits.sort_by_key(|fit| place(fit));
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(fits: &[&str]) -> Vec<String> {
        in_plan_order(fits.iter().map(|fit| (*fit).to_owned()).collect())
    }

    #[test]
    fn a_summary_that_was_recorded_without_intervals_is_compared_without_them() {
        let with = serde_json::json!({ "test": { "f1": { "mean": 0.5, "intervals": [{ "low": 0.4 }] } } });
        let without = serde_json::json!({ "test": { "f1": { "mean": 0.5 } } });
        assert_eq!(as_far_as_recorded(&with, &without), without);
        assert_eq!(as_far_as_recorded(&with, &with), with);
        let nothing = serde_json::json!({ "status": "complete" });
        assert_eq!(as_far_as_recorded(&nothing, &without), nothing);
    }

    #[test]
    fn a_study_per_inner_fold_is_followed_by_its_final() {
        let wanted = [
            "outer-0/inner-0/trial-002",
            "outer-0/inner-0/trial-1000",
            "outer-0/inner-0/final",
            "outer-0/inner-1/trial-000",
            "outer-10/inner-0/final",
        ];
        let mut given = wanted;
        given.reverse();
        assert_eq!(ordered(&given), wanted);
    }

    #[test]
    fn a_study_per_outer_fold_ends_a_trial_on_every_inner_fold_before_the_next() {
        let wanted = [
            "outer-0/inner-0/trial-000",
            "outer-0/inner-1/trial-000",
            "outer-0/inner-0/trial-001",
            "outer-0/final",
            "outer-1/inner-0/trial-000",
        ];
        let mut given = wanted;
        given.reverse();
        assert_eq!(ordered(&given), wanted);
    }
}
