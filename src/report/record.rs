//! A recorded run as a report needs it: read once, nothing trained, nothing looked at that is not in the run's folder.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::metric::{ClassPredictions, Metric, NumberPredictions, Predictions};
use crate::script::{self, Outcome};
use crate::space::SearchSpace;
use crate::spec::data::DataSpec;
use crate::spec::experiment::{Experiment, Objective};
use crate::statistics::MIN_FOLDS;
use crate::store::{
    self, EpochLine, Event, FitFolds, FitPath, MetricSummary, Notes, OutcomeRecord, PredictedRows, Recorded, RunEntry,
    StoreError,
};
use crate::trial::{Direction, Score, TrialRecord};

/// Fits whose learning curves are read at most; of more, every second, third, ... is taken.
const MOST_CURVES: usize = 100;

/// A run, finished or not.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) entry: RunEntry,
    pub(crate) status: String,
    pub(crate) config: String,
    /// None for a run of one fit's config.
    experiment: Option<Box<Experiment>>,
    data: Option<DataSpec>,
    pub(crate) studies: Vec<Study>,
    pub(crate) finals: Vec<Final>,
    pub(crate) curves: Vec<Curve>,
    pub(crate) spans: Vec<Span>,
    /// Why test metrics have no interval over outer folds and, where that is so, none of rows either.
    pub(crate) missing: Vec<String>,
    /// What people say of it.
    pub(crate) notes: Notes,
}

/// The trials of a search that have ended.
#[derive(Debug)]
pub(crate) struct Study {
    pub(crate) place: FitFolds,
    /// By number.
    pub(crate) trials: Vec<TrialRecord>,
    /// Position of the best of them.
    pub(crate) best: Option<usize>,
}

/// Rows of a part with the classes that a fit predicted of them; the lists are equally long.
#[derive(Debug)]
pub(crate) struct ClassRows {
    pub(crate) ids: Vec<String>,
    /// Names of the classes.
    pub(crate) classes: Vec<String>,
    /// The class decided for, an index of `classes`.
    pub(crate) decisions: Vec<usize>,
    pub(crate) predictions: ClassPredictions,
}

/// Rows of a part with the numbers that a fit predicted of them; the lists are equally long.
#[derive(Debug)]
pub(crate) struct NumberRows {
    pub(crate) ids: Vec<String>,
    pub(crate) predictions: NumberPredictions,
}

/// A model that was trained with what a study chose, or the only fit of a run.
#[derive(Debug)]
pub(crate) struct Final {
    pub(crate) place: FitFolds,
    pub(crate) outcome: OutcomeRecord,
    /// Of test rows, if it has some and predicts classes.
    pub(crate) test: Option<ClassRows>,
    /// The same, if it predicts numbers.
    pub(crate) test_numbers: Option<NumberRows>,
}

/// What a fit was like after each epoch.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) place: FitFolds,
    pub(crate) epochs: Vec<EpochLine>,
}

/// When a fit was trained.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) is_final: bool,
    pub(crate) has_failed: bool,
    /// Seconds from the epoch of the system's clock.
    pub(crate) start: f64,
    pub(crate) seconds: f64,
}

impl Run {
    /// Reads a run.
    pub(crate) fn read(entry: RunEntry) -> Result<Self, StoreError> {
        let journal = entry.journal()?;
        let status = entry.status(journal.last().map(|recorded| &recorded.event)).to_owned();
        let config = entry.config()?;
        // What an older program wrote may say what this one no longer understands; the numbers are there all the same.
        let (experiment, data) = match script::evaluate(&entry.config_path(), &[]).map(|evaluated| evaluated.outcome) {
            Ok(Outcome::Experiment(experiment)) => {
                let data = experiment.data().cloned();
                (Some(experiment), data)
            }
            Ok(Outcome::Fit(fit)) => (None, fit.data().cloned()),
            Err(_) => (None, None),
        };
        let directions: Vec<Direction> =
            objectives(experiment.as_deref()).map(|objective| objective.direction).collect();
        let mut studies: Vec<Study> = store::ended_trials(&journal)
            .into_iter()
            .map(|(name, trials)| Study { place: place_of(&name), best: best(&trials, &directions), trials })
            .collect();
        studies.sort_by_key(|study| study.place);
        let mut finals = finals(&entry, &journal)?;
        finals.sort_by_key(|last| last.place);
        let curves = curves(&entry, &journal, &studies, &finals)?;
        let spans = journal.iter().filter_map(span).collect();
        let missing = missing(&entry, data.as_ref())?;
        let notes = Notes::read(&entry.path)?;
        Ok(Self { entry, status, config, experiment, data, studies, finals, curves, spans, missing, notes })
    }

    /// The search space; none without a search.
    pub(crate) fn space(&self) -> Option<&SearchSpace> {
        let space = self.experiment.as_deref().map(Experiment::space)?;
        (!space.parameters().is_empty()).then_some(space)
    }

    /// By which rows trials are judged, to be put behind what is said of them; a formula or a program is judged by its value.
    pub(crate) fn judged_by(&self) -> &'static str {
        let is_of_rows = self.objectives().first().is_some_and(|objective| objective.metric != Metric::Value);
        if is_of_rows { ", by validation rows alone" } else { "" }
    }

    /// What the search is after, the first objective first.
    pub(crate) fn objectives(&self) -> Vec<Objective> {
        objectives(self.experiment.as_deref()).collect()
    }

    /// Where the rows come from.
    pub(crate) fn data(&self) -> Option<&DataSpec> {
        self.data.as_ref()
    }

    /// The trials of all studies that completed, with their scores.
    pub(crate) fn complete(&self) -> impl Iterator<Item = (&TrialRecord, &Score)> {
        self.studies.iter().flat_map(|study| &study.trials).filter_map(|trial| Some((trial, trial.state.score()?)))
    }

    /// Each test metric over the outer folds that have ended; models of one outer fold are averaged first.
    pub(crate) fn test(&self) -> BTreeMap<String, MetricSummary> {
        if let Some(summary) = &self.entry.summary {
            return summary.test.clone();
        }
        let mut by_metric: BTreeMap<&str, BTreeMap<Option<usize>, Vec<f64>>> = BTreeMap::new();
        for last in &self.finals {
            for (metric, value) in &last.outcome.test {
                by_metric.entry(metric).or_default().entry(last.place.outer).or_default().push(*value);
            }
        }
        let summary = |folds: BTreeMap<Option<usize>, Vec<f64>>| {
            MetricSummary::of(folds.into_values().map(|values| MetricSummary::of(values).mean).collect())
        };
        by_metric.into_iter().map(|(metric, folds)| (metric.to_owned(), summary(folds))).collect()
    }

    /// The metric a report speaks of first: the one that was searched on, else the first that there is.
    pub(crate) fn first_metric(&self) -> Option<String> {
        let test = self.test();
        let searched = self.objectives().first().map(|objective| objective.metric.name());
        let usual = searched.into_iter().chain(["roc_auc", "accuracy"]);
        usual.map(str::to_owned).find(|name| test.contains_key(name)).or_else(|| test.keys().next().cloned())
    }

    /// The classes predicted of test rows, outer fold by outer fold and in it model by model.
    pub(crate) fn tested(&self) -> Vec<Vec<&ClassRows>> {
        self.by_outer_fold(|last| last.test.as_ref())
    }

    /// The numbers predicted of test rows, as [`Run::tested`].
    pub(crate) fn tested_numbers(&self) -> Vec<Vec<&NumberRows>> {
        self.by_outer_fold(|last| last.test_numbers.as_ref())
    }

    fn by_outer_fold<'a, T>(&'a self, rows: impl Fn(&'a Final) -> Option<&'a T>) -> Vec<Vec<&'a T>> {
        let folds = self.finals.chunk_by(|a, b| a.place.outer == b.place.outer);
        folds.map(|fold| fold.iter().filter_map(&rows).collect()).filter(|fold: &Vec<_>| !fold.is_empty()).collect()
    }
}

pub(super) fn objectives(experiment: Option<&Experiment>) -> impl Iterator<Item = Objective> {
    experiment.and_then(Experiment::search).into_iter().flat_map(|search| search.objectives())
}

/// Why the test metrics of a run that has ended have no interval.
fn missing(entry: &RunEntry, data: Option<&DataSpec>) -> Result<Vec<String>, StoreError> {
    let Some(summary) = &entry.summary else { return Ok(Vec::new()) };
    let n_folds = summary.test.values().map(|metric| metric.per_outer.len()).max().unwrap_or(0);
    if n_folds >= MIN_FOLDS {
        return Ok(Vec::new());
    }
    let tests = store::outer_tests(&entry.path, &summary.finals, data.is_some_and(DataSpec::has_groups))?;
    Ok(tests.map_or_else(Vec::new, |tests| tests.missing(n_folds)))
}

/// The folds of a study by its name, as in `outer 0, inner 1`.
fn place_of(study: &str) -> FitFolds {
    let number = |fold: &str| study.split(", ").find_map(|part| part.strip_prefix(fold)?.trim().parse().ok());
    FitFolds { outer: number("outer"), inner: number("inner"), trial: None }
}

/// The position of the best trial with a score.
pub(super) fn best(trials: &[TrialRecord], directions: &[Direction]) -> Option<usize> {
    let scored = trials.iter().enumerate().filter_map(|(position, trial)| Some((position, trial.state.score()?)));
    // The first of equals, as the search has it.
    scored.min_by(|a, b| a.1.compare(b.1, directions)).map(|(position, _)| position)
}

fn finished(journal: &[Recorded]) -> impl Iterator<Item = FitPath> {
    journal.iter().filter_map(|recorded| match &recorded.event {
        Event::FitFinished { fit, .. } => Some(FitPath::recorded(fit)),
        _ => None,
    })
}

fn finals(entry: &RunEntry, journal: &[Recorded]) -> Result<Vec<Final>, StoreError> {
    let mut finals: Vec<Final> = Vec::new();
    for path in finished(journal).filter(|path| path.place().trial.is_none()) {
        let place = path.place();
        let Some(fit) = entry.fit(&path)? else { continue };
        // A fit that was tried again ended once more.
        if finals.iter().all(|last| last.place != place) {
            let (test, test_numbers) = fit.predicted_rows("test")?.map_or((None, None), by_kind);
            finals.push(Final { place, outcome: fit.outcome().clone(), test, test_numbers });
        }
    }
    Ok(finals)
}

fn by_kind(rows: PredictedRows) -> (Option<ClassRows>, Option<NumberRows>) {
    let PredictedRows { ids, classes, decisions, predictions } = rows;
    match predictions {
        Predictions::Classes(predictions) => (Some(ClassRows { ids, classes, decisions, predictions }), None),
        Predictions::Numbers(predictions) => (None, Some(NumberRows { ids, predictions })),
    }
}

/// The curves of the finals; where those had no validation rows, those of the trials whose values they have.
fn curves(
    entry: &RunEntry,
    journal: &[Recorded],
    studies: &[Study],
    finals: &[Final],
) -> Result<Vec<Curve>, StoreError> {
    let has_validation = finals.iter().any(|last| !last.outcome.validation.is_empty());
    let chosen = |place: FitFolds| {
        let study = |study: &&Study| {
            study.place.outer == place.outer && (study.place.inner.is_none() || study.place.inner == place.inner)
        };
        let best = studies.iter().find(study).and_then(|study| Some(study.trials[study.best?].number));
        place.trial.is_some() && place.trial == best
    };
    let is_wanted = |place: FitFolds| if has_validation { place.trial.is_none() } else { chosen(place) };
    let mut paths: Vec<FitPath> = finished(journal).filter(|path| is_wanted(path.place())).collect();
    paths.sort_by_key(FitPath::place);
    paths.dedup();
    let every = paths.len().div_ceil(MOST_CURVES).max(1);
    let mut curves = Vec::new();
    for path in paths.iter().step_by(every) {
        if let Some(fit) = entry.fit(path)?.filter(|fit| fit.outcome().n_epochs > 0) {
            curves.push(Curve { place: path.place(), epochs: fit.epochs()? });
        }
    }
    curves.extend(told(journal));
    Ok(curves)
}

/// The curves of trials that were told from outside, under the name that an objective from outside has.
fn told(journal: &[Recorded]) -> Vec<Curve> {
    let mut curves: BTreeMap<usize, Vec<EpochLine>> = BTreeMap::new();
    for recorded in journal {
        if let Event::TrialEpoch { trial, epoch, value, .. } = &recorded.event {
            let validation = value.iter().map(|value| ("value".to_owned(), *value)).collect();
            let line = EpochLine { epoch: *epoch, phase: String::new(), train_loss: None, validation };
            curves.entry(*trial).or_default().push(line);
        }
    }
    let every = curves.len().div_ceil(MOST_CURVES).max(1);
    let place = |trial| FitFolds { outer: None, inner: None, trial: Some(trial) };
    curves.into_iter().step_by(every).map(|(trial, epochs)| Curve { place: place(trial), epochs }).collect()
}

fn span(recorded: &Recorded) -> Option<Span> {
    let Event::FitFinished { fit, started, seconds, reused: None, failed, .. } = &recorded.event else { return None };
    let started = humantime::parse_rfc3339_weak(started).ok()?;
    let start = started.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64();
    let is_final = FitPath::recorded(fit).place().trial.is_none();
    Some(Span { is_final, has_failed: failed.is_some(), start, seconds: *seconds })
}
