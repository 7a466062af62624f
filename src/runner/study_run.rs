//! One study as it stands: which of its fits can be trained now, and what follows from those that have ended.

use std::collections::BTreeMap;

use super::RunError;
use super::close::Close;
use super::order::Job;
use super::running::{self, Course, Ended, Running};
use super::scoring::Scoring;
use super::study_summary::summarise;
use crate::data::Dataset;
use crate::metric::{Predictions, youden_threshold};
use crate::plan::{FinalJob, StudyId, TrialJob, final_rows, trial_rows};
use crate::pruner::{Curve, StopRule};
use crate::seed::Seed;
use crate::spec::experiment::{SearchSpec, ThresholdRule};
use crate::spec::fit::{FitPlace, RowsFrom};
use crate::spec::{Experiment, Role};
use crate::split::{OuterFold, TrainValidation};
use crate::stop::Ending;
use crate::store::{FitPath, RecordedFit, StoreError, StudySummary, TrialRow};
use crate::study::Study;
use crate::trial::{Direction, Score, TrialRecord, TrialState};
use crate::value::Assignment;

/// Which fit of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    /// The fit of a trial on one of its inner folds, by position.
    Trial { number: usize, fold: usize },
    /// The last one.
    Final,
}

/// A fit that can be trained now.
pub(super) struct Ready<'a> {
    pub(super) which: Which,
    pub(super) path: FitPath,
    /// What is to be trained, or why the values do not make a fit.
    pub(super) job: Result<Job<'a>, String>,
}

/// What has changed in a study.
pub(super) enum Change {
    /// A trial was suggested.
    Suggested { number: usize, assignment: Assignment },
    /// The study has had its last trial, by its rules; how many fits it did not come to.
    Closed { ending: Ending, n_skipped: usize },
    /// A trial has ended; its value if it is the best so far and meets the constraints, and how many of its fits are not needed.
    Ended { number: usize, state: TrialState, best: Option<f64>, n_skipped: usize },
}

/// A study and its final.
pub(super) struct StudyRun<'a> {
    id: StudyId,
    experiment: &'a Experiment,
    data: Option<&'a Dataset>,
    outer: Option<&'a OuterFold>,
    /// The inner folds a trial is scored on, with their positions; one without rows when there is no data.
    folds: Vec<(Option<usize>, TrainValidation)>,
    study: Option<Study>,
    course: Course,
    running: BTreeMap<usize, Running>,
    /// What later trials are held against, by number.
    past: BTreeMap<usize, Past>,
    best_fits: Vec<RecordedFit>,
    saved: Saved,
    close: Close,
    stage: Stage,
}

/// A trial that has ended with fits.
struct Past {
    is_complete: bool,
    /// Whether it missed the constraints: then nothing has to keep up with it.
    is_infeasible: bool,
    /// The objective after each epoch of its first fit; empty when no pruner asks for it.
    curve: Vec<Option<f64>>,
    /// The objective on each fold.
    scores: Vec<f64>,
}

/// What trials that were given up were spared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) n_trials: usize,
    pub(super) n_fits: usize,
    /// Planned epochs that were not trained.
    pub(super) n_epochs: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Searching,
    /// The final can be given out.
    Chosen,
    /// It has been.
    Testing,
    Ended,
}

/// The study of a search at its node of the seed tree.
pub(super) fn study(experiment: &Experiment, search: &SearchSpec, node: Seed) -> Study {
    let directions: Vec<Direction> = search.objectives().map(|objective| objective.direction).collect();
    Study::new(experiment.space().clone(), search.sampler, directions, node, search.lag())
        .with_known(search.enqueue.clone())
}

/// What is told of a trial in the table of trials.
pub(super) fn row(id: StudyId, record: &TrialRecord) -> TrialRow {
    TrialRow {
        outer: id.outer(),
        inner: id.inner(),
        trial: record.number,
        assignment: record.assignment.clone(),
        state: record.state.clone(),
    }
}

impl<'a> StudyRun<'a> {
    pub(super) fn new(
        id: StudyId,
        experiment: &'a Experiment,
        data: Option<&'a Dataset>,
        outer: Option<&'a OuterFold>,
        n_trials: usize,
    ) -> Self {
        let folds = match (id, outer) {
            (StudyId::Inner(_, inner), Some(outer)) => vec![(Some(inner), outer.inner()[inner].clone())],
            (StudyId::Outer(_), Some(outer)) => {
                outer.inner().iter().enumerate().map(|(inner, rows)| (Some(inner), rows.clone())).collect()
            }
            _ => vec![(None, TrainValidation { train: Vec::new(), validation: Vec::new() })],
        };
        let study = experiment.search().map(|search| {
            let node = id.labels().iter().fold(Seed::root(experiment.seed()), |seed, label| seed.child(label));
            study(experiment, search, node)
        });
        let stage = if study.is_some() { Stage::Searching } else { Stage::Chosen };
        Self {
            id,
            experiment,
            data,
            outer,
            course: Course::of(experiment.search(), folds.len()),
            close: Close::new(n_trials, experiment.search(), folds.iter().map(|(_, rows)| rows)),
            folds,
            study,
            running: BTreeMap::new(),
            past: BTreeMap::new(),
            best_fits: Vec::new(),
            saved: Saved::default(),
            stage,
        }
    }

    /// The same study with trials of another run that its sampler knows from the start.
    pub(super) fn with_earlier(mut self, earlier: Vec<TrialRecord>) -> Self {
        self.study = self.study.map(|study| study.with_earlier(earlier));
        self
    }

    /// The same study, which ends as it is recorded to have ended, if it is.
    pub(super) fn ending_as(mut self, recorded: Option<Ending>) -> Self {
        self.close.follow(recorded);
        self
    }

    /// So many of its trials had been suggested before the run was stopped: no clock takes one of them back.
    pub(super) fn had_suggested(&mut self, n_suggested: usize) {
        self.close.keep(n_suggested);
    }

    pub(super) fn id(&self) -> StudyId {
        self.id
    }

    /// The fits that have become ready, each given out once, and the trials suggested for them. `is_late` says that the
    /// time of the run is over.
    pub(super) fn advance(&mut self, is_late: bool) -> Result<(Vec<Ready<'a>>, Vec<Change>), RunError> {
        let (mut ready, mut changes) = (Vec::new(), Vec::new());
        if self.stage == Stage::Searching
            && let Some(study) = &mut self.study
        {
            let (mut suggested, mut closed) = (Vec::new(), None);
            while self.close.ending().is_none() && study.can_ask() {
                let number = study.records().len();
                let seen = &study.records()[..study.n_seen(number)];
                let past = |trial: usize| self.past.get(&trial).map(|past| &past.scores[..]).unwrap_or_default();
                match self.close.decide(number, seen, past, is_late) {
                    None => suggested.push(study.ask()),
                    Some(ending) if self.close.is_told() => {
                        closed =
                            Some(Change::Closed { ending, n_skipped: self.close.n_not_asked() * self.folds.len() });
                    }
                    Some(_) => {}
                }
            }
            for (number, assignment) in suggested {
                self.running.insert(number, Running::new(assignment.clone(), self.rival(number)));
                changes.push(Change::Suggested { number, assignment });
            }
            changes.extend(closed);
            let mut next = Vec::new();
            for (&number, trial) in &mut self.running {
                next.extend(trial.next(&self.course).map(|fold| (number, fold)));
            }
            ready.extend(next.into_iter().map(|(number, fold)| self.trial(number, fold)));
            if self.running.is_empty() && self.close.ending().is_some() {
                self.stage = Stage::Chosen;
            }
        }
        if self.stage == Stage::Chosen {
            ready.extend(self.last()?);
            self.stage = if ready.is_empty() { Stage::Ended } else { Stage::Testing };
        }
        Ok((ready, changes))
    }

    /// The scores of the best trial that a trial may see. What falls behind one that misses the constraints may still meet
    /// them, and be the best.
    fn rival(&self, number: usize) -> Option<Vec<f64>> {
        let study = self.study.as_ref()?;
        let (best, _) = study.best_of(study.n_seen(number)).filter(|(_, score)| score.is_feasible())?;
        self.past.get(&best.number).map(|past| past.scores.clone())
    }

    /// What a trial's first fit is held against, from the trials it may see.
    fn rule(&self, number: usize, n_epochs: usize) -> Option<StopRule> {
        let (study, pruner) = self.study.as_ref().zip(self.experiment.search()?.prune.as_ref())?;
        let seen = self.past.range(..study.n_seen(number)).filter(|(_, past)| !past.is_infeasible);
        let curves: Vec<Curve<'_>> =
            seen.map(|(&trial, past)| Curve { trial, is_complete: past.is_complete, values: &past.curve }).collect();
        pruner.rule(&curves, number, n_epochs, self.course.direction)
    }

    fn trial(&self, number: usize, fold: usize) -> Ready<'a> {
        let assignment = self.running[&number].assignment();
        let (inner, rows) = &self.folds[fold];
        let mut labels = self.id.labels();
        if self.id.inner().is_none() {
            labels.extend(inner.map(|inner| format!("inner {inner}")));
        }
        labels.push(format!("trial {number}"));
        let rows_from = match (self.experiment.folds(), self.id.outer(), inner) {
            (Some(folds), Some(outer), Some(inner)) => trial_rows(folds, outer, *inner, rows),
            _ => RowsFrom::Nothing,
        };
        let place = FitPlace { labels, role: Role::Trial, rows: rows_from, threshold: None, epochs: None };
        let config = self.experiment.fit(assignment, &place).and_then(|config| {
            let rule = if fold == 0 { self.rule(number, config.n_epochs()) } else { None };
            rule.map_or(Ok(config.clone()), |rule| config.pruned_by(&rule))
        });
        Ready {
            which: Which::Trial { number, fold },
            path: FitPath::trial(self.id, *inner, number),
            job: match config {
                Ok(config) => Ok(Job::Trial(TrialJob { config, rows: rows.clone() })),
                Err(problem) => Err(problem.message),
            },
        }
    }

    /// Takes note of how a trial's fit ended; says so when the trial has.
    pub(super) fn trial_fit_ended(
        &mut self,
        number: usize,
        fold: usize,
        result: Result<RecordedFit, String>,
    ) -> Result<Option<Change>, StoreError> {
        let search = self.experiment.search().expect("a trial belongs to a search");
        let scoring = Scoring::new(search, self.experiment.threshold(), self.data.map_or(&[], Dataset::classes));
        let trial = self.running.get_mut(&number).expect("the fit was given out");
        trial.fit_ended(fold, result);
        let Some(Ended { state, fits, n_skipped }) = trial.ended(&self.course, &scoring)? else { return Ok(None) };
        self.running.remove(&number);
        self.remember(number, &state, &fits, n_skipped)?;
        let study = self.study.as_mut().expect("a trial belongs to a study");
        study.tell(number, state.clone());
        let best = study.best().filter(|(best, _)| best.number == number).map(|(_, score)| score);
        let value = best.filter(|score| score.is_feasible()).map(Score::value);
        if best.is_some() {
            self.best_fits = fits;
        }
        Ok(Some(Change::Ended { number, state, best: value, n_skipped }))
    }

    /// Keeps what later trials are held against, and counts what was saved.
    fn remember(
        &mut self,
        number: usize,
        state: &TrialState,
        fits: &[RecordedFit],
        n_skipped: usize,
    ) -> Result<(), StoreError> {
        self.saved.n_fits += n_skipped;
        let (Some(search), Some(first)) = (self.experiment.search(), fits.first()) else { return Ok(()) };
        let curve = match &search.prune {
            Some(pruner) if pruner.needs_curves() => first.curve(search.objective.metric)?,
            _ => Vec::new(),
        };
        if matches!(state, TrialState::Pruned { .. }) {
            let n_trained: usize = fits.iter().map(|fit| fit.outcome().n_epochs).sum();
            self.saved.n_trials += 1;
            self.saved.n_epochs += (first.outcome().n_planned * self.course.n_folds).saturating_sub(n_trained);
        }
        let is_complete = state.score().is_some();
        let is_infeasible = state.score().is_some_and(|score| !score.is_feasible());
        self.past.insert(number, Past { is_complete, is_infeasible, curve, scores: running::scores(fits) });
        Ok(())
    }

    /// What trials that were given up were spared; none when no trial can be given up.
    pub(super) fn saved(&self) -> Option<Saved> {
        self.experiment.search()?.gives_up().then_some(self.saved)
    }

    /// Fits that were planned and are not trained: of trials that were given up, and of those that the study ended before.
    pub(super) fn n_fits_spared(&self) -> usize {
        self.close.n_not_asked() * self.folds.len() + self.saved().map_or(0, |saved| saved.n_fits)
    }

    /// Takes note that the final has ended, however.
    pub(super) fn final_ended(&mut self) {
        self.stage = Stage::Ended;
    }

    /// The final: the best assignment, trained under its own seed label and tested on the outer fold. A study without
    /// folds has nothing to be tested on, and one without a trial that gave a value has nothing to build on.
    fn last(&self) -> Result<Option<Ready<'a>>, RunError> {
        let (Some(outer), Some(folds)) = (self.outer, self.experiment.folds()) else { return Ok(None) };
        let best = self.best();
        if self.study.is_some() && best.is_none() {
            return Ok(None);
        }
        let mut labels = self.id.labels();
        labels.push("final".to_owned());
        let (rows, threshold, epochs) = match self.id {
            StudyId::Inner(_, inner) => (outer.inner()[inner].clone(), None, None),
            StudyId::Outer(_) | StudyId::Only => (outer.refit(), self.refit_threshold()?, self.refit_epochs()),
        };
        let place = FitPlace {
            labels,
            role: Role::Final,
            rows: final_rows(folds, self.id.outer().unwrap_or(0), self.id.inner(), &rows, outer.test_rows()),
            threshold,
            epochs,
        };
        let nothing = Assignment::new();
        let config = self.experiment.fit(best.map_or(&nothing, |best| &best.assignment), &place)?;
        let job = Job::Final(FinalJob { config, rows, test: outer.test_rows() });
        Ok(Some(Ready { which: Which::Final, path: FitPath::last(self.id), job: Ok(job) }))
    }

    /// The threshold of a refit: the rule applied to the validation rows of all inner folds together.
    fn refit_threshold(&self) -> Result<Option<f64>, StoreError> {
        let (ThresholdRule::Youden, Some(data)) = (self.experiment.threshold(), self.data) else { return Ok(None) };
        let (mut probabilities, mut targets) = (Vec::new(), Vec::new());
        for fit in &self.best_fits {
            if let Some(predictions) = fit.validation_predictions(data.classes())? {
                probabilities.extend_from_slice(predictions.probabilities());
                targets.extend_from_slice(predictions.targets());
            }
        }
        let pooled = Predictions::new(data.classes().len(), probabilities, targets).ok();
        Ok(pooled.and_then(|pooled| youden_threshold(&pooled)))
    }

    /// Each phase's median over the inner folds, the lower of two middle ones; a formula has no phases.
    fn refit_epochs(&self) -> Option<Vec<usize>> {
        let per_fold: Vec<&[usize]> = self.best_fits.iter().map(|fit| &fit.outcome().phase_epochs[..]).collect();
        let n_phases = per_fold.first()?.len();
        let median = |phase: usize| {
            let mut epochs: Vec<usize> = per_fold.iter().map(|fold| fold[phase]).collect();
            epochs.sort_unstable();
            epochs[(epochs.len() - 1) / 2]
        };
        Some((0..n_phases).map(median).collect())
    }

    /// The trial the final is built on.
    pub(super) fn best(&self) -> Option<&TrialRecord> {
        self.study.as_ref().and_then(Study::best).map(|(best, _)| best)
    }

    /// The trials that have ended, by number.
    pub(super) fn rows(&self) -> impl Iterator<Item = TrialRow> {
        let records = self.study.as_ref().map(Study::records).unwrap_or_default();
        records.iter().filter(|record| record.state != TrialState::Pending).map(|record| row(self.id, record))
    }

    /// What the search found; `None` without one.
    pub(super) fn summary(&self) -> Option<StudySummary> {
        let (study, search) = self.study.as_ref().zip(self.experiment.search())?;
        let summary = summarise(self.id, study, search, self.saved().map(|saved| saved.n_trials));
        Some(StudySummary { ended: self.close.ending().filter(|_| self.close.is_told()), ..summary })
    }
}
