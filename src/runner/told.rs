//! A run whose trials are told from outside, as its journal has it: no other state is kept between two calls.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use super::RunError;
use super::study_run;
use super::study_summary::summarise;
use crate::plan::StudyId;
use crate::pruner::{Curve, Judge};
use crate::seed::Seed;
use crate::spec::Experiment;
use crate::spec::experiment::SearchSpec;
use crate::store::{Event, RunEntry, RunFolder, StoreError, Summary, TrialColumns, TrialRow};
use crate::study::Study;
use crate::trial::{Direction, Score, TrialRecord, TrialState};

/// Another call holds a run for a moment; one that takes longer has gone wrong.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

/// Why a trial was not given or its result not taken. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The experiment is none whose trials are told.
    #[error("{name} does not ask for results: its objective is not `external`")]
    NotExternal {
        /// The experiment or run.
        name: String,
    },
    /// The run was begun from something else.
    #[error("{run} was begun with another experiment than this script gives")]
    OtherConfig {
        /// The run's id.
        run: String,
    },
    /// The next trial is suggested from a result that is not known.
    #[error("trial {next} needs the result of trial {needs} (lag {lag}): tell it first")]
    Waits {
        /// The trial that would be next.
        next: usize,
        /// The first trial that it waits for.
        needs: usize,
        /// The search's lag.
        lag: usize,
    },
    /// Every trial was given out.
    #[error("all {n_trials} trials were asked for, and trial {needs} is not told yet: tell it first")]
    AllAsked {
        /// Trials of the search.
        n_trials: usize,
        /// The first one whose result is not known.
        needs: usize,
    },
    /// There is no such trial yet.
    #[error("trial {trial} was not asked for; {}", next_trial(*n_asked))]
    NotAsked {
        /// The number given.
        trial: usize,
        /// Trials asked for so far.
        n_asked: usize,
    },
    /// It has a result already.
    #[error("trial {trial} was told before: {before}; a result stays as it was told first")]
    Told {
        /// The trial.
        trial: usize,
        /// Its result in words.
        before: String,
    },
    /// An epoch does not follow the one before.
    #[error("epoch {epoch} of trial {trial} does not come next: epoch {next} does, for epochs count from 1")]
    Epoch {
        /// The trial.
        trial: usize,
        /// The epoch told.
        epoch: usize,
        /// The epoch that comes next.
        next: usize,
    },
    /// There are more epochs than the experiment says.
    #[error("epoch {epoch} is past the last one: `external` has epochs: {n_epochs}")]
    PastTheLast {
        /// The epoch told.
        epoch: usize,
        /// Epochs of a trial at most.
        n_epochs: usize,
    },
    /// The run cannot be begun.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The record cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn next_trial(n_asked: usize) -> String {
    n_asked.checked_sub(1).map_or_else(|| "no trial was".to_owned(), |last| format!("the last one is trial {last}"))
}

/// Does something that another call may keep from being done for a moment.
pub(super) fn patiently<T>(mut attempt: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let began = Instant::now();
    loop {
        match attempt() {
            Err(StoreError::Locked { .. }) if began.elapsed() < PATIENCE => thread::sleep(PAUSE),
            done => return done,
        }
    }
}

/// An open run with what was told so far. It is locked as long as this lives.
pub(super) struct Told<'a> {
    pub(super) folder: RunFolder,
    pub(super) study: Study,
    pub(super) search: &'a SearchSpec,
    experiment: &'a Experiment,
    /// The epochs told of each trial.
    curves: BTreeMap<usize, Vec<Option<f64>>>,
    is_finished: bool,
}

impl<'a> Told<'a> {
    /// The study of a run, before and after a crash the same.
    pub(super) fn open(run: &RunEntry, experiment: &'a Experiment) -> Result<Self, AskError> {
        let (folder, events) = patiently(|| RunFolder::reopen(&run.path))?;
        let mut told = Self::new(folder, experiment)?;
        let mut records: Vec<TrialRecord> = Vec::new();
        for event in events {
            match event {
                Event::TrialSuggested { trial, assignment, .. } => {
                    records.push(TrialRecord { number: trial, assignment, state: TrialState::Pending });
                }
                Event::TrialEpoch { trial, value, .. } => told.curves.entry(trial).or_default().push(value),
                Event::TrialFinished { trial, result, .. } => {
                    if let Some(record) = records.get_mut(trial) {
                        record.state = result;
                    }
                }
                Event::RunFinished { .. } => told.is_finished = true,
                _ => {}
            }
        }
        told.study = told.study.with_records(records);
        Ok(told)
    }

    /// The study of a run that has just begun.
    pub(super) fn new(folder: RunFolder, experiment: &'a Experiment) -> Result<Self, AskError> {
        let search = experiment.search().filter(|_| experiment.external().is_some());
        let search = search.ok_or_else(|| AskError::NotExternal { name: experiment.name().to_owned() })?;
        let node = StudyId::Only.labels().iter().fold(Seed::root(experiment.seed()), |seed, label| seed.child(label));
        let study = study_run::study(experiment, search, node);
        Ok(Self { folder, study, search, experiment, curves: BTreeMap::new(), is_finished: false })
    }

    /// How a trial with this value ended.
    pub(super) fn complete(&self, value: f64) -> TrialState {
        let violation = self.search.constraints.iter().map(|constraint| constraint.excess(value)).sum();
        Score::new(value, Vec::new(), violation).into()
    }

    /// The first trial whose result is not known.
    pub(super) fn first_pending(&self) -> Option<&TrialRecord> {
        self.study.records().iter().find(|record| record.state == TrialState::Pending)
    }

    /// A trial that was given out.
    pub(super) fn asked(&self, trial: usize) -> Result<&TrialRecord, AskError> {
        let records = self.study.records();
        records.get(trial).ok_or(AskError::NotAsked { trial, n_asked: records.len() })
    }

    /// Takes note of an epoch; says whether the trial is given up there.
    pub(super) fn epoch(&mut self, trial: usize, epoch: usize, value: Option<f64>) -> Result<bool, AskError> {
        let n_epochs = self.experiment.external().and_then(|external| external.n_epochs);
        if let Some(n_epochs) = n_epochs.filter(|&n_epochs| epoch > n_epochs) {
            return Err(AskError::PastTheLast { epoch, n_epochs });
        }
        let curve = self.curves.entry(trial).or_default();
        let next = curve.len() + 1;
        // What is told again is answered again: the answer may have been lost.
        let is_again = epoch > 0 && curve.get(epoch - 1) == Some(&value);
        if !is_again {
            if epoch != next {
                return Err(AskError::Epoch { trial, epoch, next });
            }
            curve.push(value);
            self.folder.record(&Event::TrialEpoch { study: StudyId::Only.to_string(), trial, epoch, value })?;
        }
        Ok(n_epochs.is_some_and(|n_epochs| self.is_given_up(trial, epoch, n_epochs)))
    }

    /// What the runner would have decided after an epoch: the rule comes from the trials that this one may see.
    fn is_given_up(&self, trial: usize, epoch: usize, n_epochs: usize) -> bool {
        let Some(pruner) = &self.search.prune else { return false };
        let seen = &self.study.records()[..self.study.n_seen(trial)];
        let curves: Vec<Curve<'_>> = seen
            .iter()
            .filter(|record| record.state.is_finished())
            // Nothing has to keep up with a trial that missed the constraints.
            .filter(|record| record.state.score().is_none_or(Score::is_feasible))
            .map(|record| Curve {
                trial: record.number,
                is_complete: record.state.score().is_some(),
                values: self.curves.get(&record.number).map_or(&[][..], Vec::as_slice),
            })
            .collect();
        let Some(rule) = pruner.rule(&curves, trial, n_epochs, self.direction()) else { return false };
        let mut judge = Judge::new(rule, self.direction(), n_epochs);
        let told = self.curves[&trial].iter().take(epoch).enumerate();
        told.map(|(index, value)| judge.see(index + 1, *value)).last().unwrap_or(false)
    }

    fn direction(&self) -> Direction {
        self.search.objective.direction
    }

    /// Takes note of how a trial ended; with the last one the run ends.
    pub(super) fn finish_trial(&mut self, trial: usize, state: TrialState) -> Result<(), AskError> {
        self.study.tell(trial, state.clone());
        self.folder.record(&Event::TrialFinished { study: StudyId::Only.to_string(), trial, result: state })?;
        let parameters = self.experiment.space().parameters().iter().map(|parameter| parameter.name().to_owned());
        let columns = TrialColumns {
            other_values: Vec::new(),
            has_violation: !self.search.constraints.is_empty(),
            parameters: parameters.collect(),
        };
        let ended = self.study.records().iter().filter(|record| record.state != TrialState::Pending);
        let rows: Vec<TrialRow> = ended.map(|record| study_run::row(StudyId::Only, record)).collect();
        self.folder.trials(&rows, &columns)?;
        self.end_if_complete()
    }

    /// Ends the run when every trial has a result.
    pub(super) fn end_if_complete(&mut self) -> Result<(), AskError> {
        let records = self.study.records();
        if self.is_finished || records.len() < self.search.n_trials || self.first_pending().is_some() {
            return Ok(());
        }
        let gives_up = self.search.gives_up();
        let n_epochs = self.experiment.external().and_then(|external| external.n_epochs).unwrap_or(0);
        let pruned_at = records.iter().filter_map(|record| match record.state {
            TrialState::Pruned { step, .. } => Some(step),
            _ => None,
        });
        let n_pruned = pruned_at.clone().count();
        let n_epochs_saved = pruned_at.map(|step| n_epochs.saturating_sub(step)).sum();
        let found = summarise(StudyId::Only, &self.study, self.search, gives_up.then_some(n_pruned));
        let status = if found.best_trial.is_some() { "complete" } else { "failed" };
        let summary = Summary {
            experiment: self.experiment.name().to_owned(),
            status: status.to_owned(),
            n_fits: records.len(),
            n_failed_trials: found.n_failed,
            n_pruned: gives_up.then_some(n_pruned),
            n_epochs_saved: gives_up.then_some(n_epochs_saved),
            objective: Some(self.search.objective.to_string()),
            other_objectives: Vec::new(),
            constraints: self.search.constraints.iter().map(ToString::to_string).collect(),
            studies: vec![found],
            finals: Vec::new(),
            test: BTreeMap::new(),
            n_test_evaluations: 0,
        };
        self.folder.finish(&summary)?;
        self.is_finished = true;
        Ok(())
    }

    pub(super) fn is_finished(&self) -> bool {
        self.is_finished
    }
}
