//! A run at work: says which fits are ready, takes note of how they end, and records what happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use super::earlier::Earlier;
use super::final_summary::final_summary;
use super::order::Order;
use super::reuse::{self, Shelf};
use super::study_run::{Change, Ready, Saved, Which};
use super::unit::Unit;
use super::walk::Ticket;
use super::{Effort, FitFailure, FitLine, Prepared, Progress, Report, Request, RunError};
use crate::data::Dataset;
use crate::metric::Metric;
use crate::plan::fit_key;
use crate::spec::constraint::Constraint;
use crate::spec::experiment::Objective;
use crate::stop::StopRule;
use crate::store::{
    self, Event, FinalSummary, FitFolder, FitPath, OutcomeRecord, RecordedFit, RunFolder, Summary, TrialColumns,
    TrialRow,
};
use crate::trial::TrialState;
use crate::wording::count;

/// The table of trials is written again at most this often while a run goes on.
const TABLE_PAUSE: Duration = Duration::from_secs(2);

/// What a run consists of.
pub(super) struct Session<'a> {
    request: &'a Request<'a>,
    prepared: &'a Prepared,
    data: Option<&'a Dataset>,
    folder: RunFolder,
    progress: &'a mut dyn Progress,
    units: Vec<Unit<'a>>,
    finals: BTreeMap<usize, FinalSummary>,
    failed_final: Option<(String, String)>,
    objective: Option<Objective>,
    other_objectives: Vec<Objective>,
    constraints: Vec<Constraint>,
    parameters: Vec<String>,
    experiment: String,
    n_fits: usize,
    n_failed_trials: usize,
    n_trained: usize,
    reused_from: BTreeSet<String>,
    n_kept: usize,
    n_reused: usize,
    shelf: Shelf,
    earlier: Earlier,
    wall_time: Option<Duration>,
    started: Instant,
    table_written: Instant,
}

/// What a session is about, beside the request.
pub(super) struct Subject<'a> {
    pub(super) experiment: String,
    pub(super) objective: Option<Objective>,
    pub(super) other_objectives: Vec<Objective>,
    pub(super) constraints: Vec<Constraint>,
    pub(super) parameters: Vec<String>,
    pub(super) n_fits: usize,
    /// How long the run may take.
    pub(super) wall_time: Option<Duration>,
    pub(super) units: Vec<Unit<'a>>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        request: &'a Request<'a>,
        prepared: &'a Prepared,
        folder: RunFolder,
        earlier: Vec<Event>,
        subject: Subject<'a>,
        progress: &'a mut dyn Progress,
    ) -> Result<Self, RunError> {
        let earlier = Earlier::of(earlier);
        let mut units = subject.units;
        for unit in &mut units {
            if let Unit::Study(study) = unit {
                study.had_suggested(earlier.n_suggested(&study.id().to_string()));
            }
        }
        Ok(Self {
            request,
            prepared,
            data: prepared.data.as_ref(),
            shelf: Shelf::open(request.results, request.fresh)?,
            folder,
            progress,
            units,
            finals: BTreeMap::new(),
            failed_final: None,
            objective: subject.objective,
            other_objectives: subject.other_objectives,
            constraints: subject.constraints,
            parameters: subject.parameters,
            experiment: subject.experiment,
            n_fits: subject.n_fits,
            n_failed_trials: 0,
            n_trained: 0,
            reused_from: BTreeSet::new(),
            n_kept: 0,
            n_reused: 0,
            earlier,
            wall_time: subject.wall_time,
            started: Instant::now(),
            table_written: Instant::now(),
        })
    }

    pub(super) fn request(&self) -> &'a Request<'a> {
        self.request
    }

    pub(super) fn data(&self) -> Option<&'a Dataset> {
        self.data
    }

    pub(super) fn progress(&mut self) -> &mut dyn Progress {
        self.progress
    }

    pub(super) fn n_units(&self) -> usize {
        self.units.len()
    }

    /// Its folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Records how it ended, when it has, or can go no further.
    pub(super) fn end(mut self, walked: Result<(), RunError>) -> Result<Report, RunError> {
        let written = self.write_trials();
        if let Err(error) = walked.and(written) {
            // The first error is the one to tell; it may be that nothing can be written any more.
            let _ = self.folder.record(&Event::RunInterrupted { reason: error.to_string() });
            return Err(error);
        }
        self.finish()
    }

    /// Goes on with a unit until there is nothing to be done about it without training; what there is to be trained.
    pub(super) fn settle(&mut self, unit: usize) -> Result<Vec<(Which, Order<'a>)>, RunError> {
        let mut ready = Vec::new();
        loop {
            let is_late = self.is_late();
            let (fits, changes) = self.units[unit].advance(is_late)?;
            if fits.is_empty() && changes.is_empty() {
                return Ok(ready);
            }
            for change in changes {
                self.note(unit, change)?;
            }
            for Ready { which, path, job } in fits {
                match job {
                    Err(reason) => {
                        let failure = Err(FitFailure(reason.clone()));
                        self.progress.fit_finished(path.as_str(), &failure, &Effort::None);
                        self.ended(unit, which, &path, Err(reason))?;
                    }
                    Ok(job) => {
                        let device_class = self.request.device.class();
                        let inputs = &self.prepared.inputs.digests();
                        let key = fit_key(job.config(), self.data, job.rows(), job.test(), device_class, inputs);
                        let order = Order {
                            folder: self.folder.fit_path(&path),
                            path,
                            key,
                            features: self.request.features.clone(),
                            job,
                        };
                        if !self.is_recorded(unit, which, &order)? {
                            ready.push((which, order));
                        }
                    }
                }
            }
        }
    }

    /// Whether the run has taken as long as its studies may take. Time in which it was stopped does not count.
    fn is_late(&self) -> bool {
        self.wall_time.is_some_and(|wall_time| self.folder.worked() + self.started.elapsed() >= wall_time)
    }

    /// Takes a fit that needs no training; says whether there was one.
    fn is_recorded(&mut self, unit: usize, which: Which, order: &Order<'a>) -> Result<bool, RunError> {
        let label = order.path.as_str();
        match reuse::intact(&order.folder, &order.key) {
            Ok(Some(fit)) => {
                if !self.earlier.fits.contains(label) {
                    self.record_fit(order, fit.outcome(), String::new(), fit.outcome().seconds)?;
                }
                self.say(label, fit.outcome(), &Effort::Kept);
                self.n_kept += 1;
                self.ended(unit, which, &order.path, Ok(fit))?;
                return Ok(true);
            }
            Ok(None) => {}
            Err(error) => self.progress.warn(&format!("{error}; the fit is trained again")),
        }
        let Some(found) = self.shelf.find(&order.key) else { return Ok(false) };
        let folder = self.prepare_folder(order)?;
        let outcome = folder.take_over(&found.fit, &found.from)?;
        self.record_fit(
            order,
            &outcome,
            humantime::format_rfc3339_millis(std::time::SystemTime::now()).to_string(),
            0.0,
        )?;
        let run = found.run().to_owned();
        self.say(label, &outcome, &Effort::Reused { run: run.clone() });
        self.reused_from.insert(run);
        self.n_reused += 1;
        let fit = self.read(order)?;
        self.ended(unit, which, &order.path, Ok(fit))?;
        Ok(true)
    }

    fn prepare_folder(&self, order: &Order<'a>) -> Result<FitFolder, RunError> {
        let folder = FitFolder::open(order.folder.clone())?;
        folder.config(&order.job.config().script(&super::FIT_HEADER.map(str::to_owned)))?;
        Ok(folder)
    }

    fn read(&self, order: &Order<'a>) -> Result<RecordedFit, RunError> {
        RecordedFit::read(&order.folder)?.ok_or_else(|| {
            let reason = format!("the record of {} is gone; somebody removed it", order.folder.display());
            RunError::Refused { reason, path: self.folder.path().to_owned() }
        })
    }

    /// Makes the folder of a fit that the worker at `seat` is given.
    pub(super) fn begin(&mut self, seat: usize, order: &Order<'a>) -> Result<(), RunError> {
        self.prepared.inputs.check()?;
        self.prepare_folder(order)?;
        self.progress.fit_started(seat, order.path.as_str(), order.job.config().n_epochs());
        Ok(())
    }

    /// Takes note of a fit that a worker has recorded.
    pub(super) fn trained(&mut self, ticket: &Ticket<'a>, started: String, seconds: f64) -> Result<(), RunError> {
        let order = &ticket.order;
        let fit = self.read(order)?;
        self.record_fit(order, fit.outcome(), started, seconds)?;
        self.n_trained += 1;
        self.say(order.path.as_str(), fit.outcome(), &Effort::Trained { seconds });
        let result = match &fit.outcome().reason {
            Some(reason) => Err(reason.clone()),
            None => Ok(fit),
        };
        self.ended(ticket.unit, ticket.which, &order.path, result)
    }

    /// Takes note of a fit that was lost with its worker; whether it may be tried again.
    pub(super) fn lost(&mut self, ticket: &Ticket<'a>, reason: String) -> Result<(), RunError> {
        let fit = ticket.order.path.as_str().to_owned();
        let attempt = ticket.attempt;
        self.folder.record(&Event::FitLost { fit: fit.clone(), attempt, reason: reason.clone() })?;
        let n_attempts = self.request.retries + 1;
        if attempt >= n_attempts {
            return Err(RunError::Worker { fit, reason, n_attempts, path: self.folder.path().to_owned() });
        }
        self.progress.warn(&format!("{fit} was lost: {reason}; attempt {} of {n_attempts}", attempt + 1));
        Ok(())
    }

    fn record_fit(
        &mut self,
        order: &Order<'a>,
        outcome: &OutcomeRecord,
        started: String,
        seconds: f64,
    ) -> Result<(), RunError> {
        Ok(self.folder.record(&Event::FitFinished {
            fit: order.path.as_str().to_owned(),
            key: order.key.clone(),
            started,
            seconds,
            reused: outcome.reused.clone(),
            failed: outcome.reason.clone(),
        })?)
    }

    fn say(&mut self, label: &str, outcome: &OutcomeRecord, effort: &Effort) {
        let line = match &outcome.reason {
            Some(reason) => Err(FitFailure(reason.clone())),
            None => Ok(self.line(outcome)),
        };
        self.progress.fit_finished(label, &line, effort);
    }

    fn line(&self, outcome: &OutcomeRecord) -> FitLine {
        let wanted = self.objective.map(|objective| objective.metric);
        let of_test = Metric::ALL.into_iter().find_map(|metric| {
            let is_wanted = wanted.is_none_or(|wanted| wanted == metric);
            outcome.test.get(metric.name()).filter(|_| is_wanted).map(|&value| (metric, value))
        });
        let of_pruned = outcome.pruned.and_then(|pruned| pruned.value);
        FitLine {
            n_epochs: outcome.n_epochs,
            n_planned: outcome.n_planned,
            is_test: of_test.is_some(),
            score: of_test.or(wanted.zip(outcome.score.or(of_pruned))),
            is_pruned: outcome.pruned.is_some(),
        }
    }

    /// Hands a fit's end to the unit it belongs to.
    fn ended(
        &mut self,
        unit: usize,
        which: Which,
        path: &FitPath,
        result: Result<RecordedFit, String>,
    ) -> Result<(), RunError> {
        let result = match result {
            Ok(fit) => match &fit.outcome().reason {
                Some(reason) => Err(reason.clone()),
                None => Ok(fit),
            },
            failed => failed,
        };
        if which == Which::Final {
            let (id, trial) = self.units[unit].chosen();
            match &result {
                // Alone, a trial's fit may have been given up: then there is nothing to tell of it.
                Ok(fit) if fit.outcome().pruned.is_some() => {}
                Ok(fit) => {
                    let objectives = self.other_objectives.iter().map(|objective| objective.metric);
                    let named: Vec<Metric> =
                        objectives.chain(self.constraints.iter().map(Constraint::metric)).collect();
                    let summary = final_summary(path, (id, trial), fit, self.data, &named)?;
                    self.finals.insert(unit, summary);
                }
                Err(reason) => {
                    self.failed_final.get_or_insert((path.as_str().to_owned(), reason.clone()));
                }
            }
        }
        match self.units[unit].ended(which, result)? {
            Some(change) => self.note(unit, change),
            None => Ok(()),
        }
    }

    fn note(&mut self, unit: usize, change: Change) -> Result<(), RunError> {
        let Unit::Study(study) = &self.units[unit] else { unreachable!("only studies change") };
        let name = study.id().to_string();
        match change {
            Change::Suggested { number, assignment } => match self.earlier.suggested.get(&(name.clone(), number)) {
                Some(earlier) if *earlier == assignment => Ok(()),
                Some(_) => Err(RunError::Config(format!(
                    "the search suggests other values for {name}, trial {number}, than this run has recorded; it cannot \
                     go on with this xrun: run its config.rhai anew"
                ))),
                None => Ok(self.folder.record(&Event::TrialSuggested { study: name, trial: number, assignment })?),
            },
            Change::Closed { ending, n_skipped } => {
                if n_skipped > 0 {
                    self.progress.fits_skipped(n_skipped);
                }
                if self.earlier.studies_ended.contains(&name) {
                    return Ok(());
                }
                if ending.by != StopRule::Trials {
                    let n_trials = count(ending.n_trials, "trial");
                    self.progress.note(&format!("{name}: ends after {n_trials}, by `{}`", ending.by));
                }
                Ok(self.folder.record(&Event::StudyEnded { study: name, ending })?)
            }
            Change::Ended { number, state, best, n_skipped } => {
                if n_skipped > 0 {
                    self.progress.fits_skipped(n_skipped);
                }
                self.n_failed_trials += usize::from(matches!(state, TrialState::Failed { .. }));
                if let (Some(value), Some(objective)) = (best, self.objective) {
                    self.progress.best(&name, number, objective.metric, value);
                }
                if !self.earlier.ended.contains(&(name.clone(), number)) {
                    self.folder.record(&Event::TrialFinished { study: name, trial: number, result: state })?;
                }
                if self.table_written.elapsed() >= TABLE_PAUSE {
                    self.write_trials()?;
                }
                Ok(())
            }
        }
    }

    fn write_trials(&mut self) -> Result<(), RunError> {
        if self.objective.is_none() || !self.units.iter().any(|unit| matches!(unit, Unit::Study(_))) {
            return Ok(());
        }
        let rows: Vec<TrialRow> = self
            .units
            .iter()
            .flat_map(|unit| match unit {
                Unit::Study(study) => study.rows().collect(),
                Unit::Fit { .. } => Vec::new(),
            })
            .collect();
        let columns = TrialColumns {
            other_values: self.other_objectives.iter().map(|objective| objective.metric.name().to_owned()).collect(),
            has_violation: !self.constraints.is_empty(),
            parameters: self.parameters.clone(),
        };
        self.folder.trials(&rows, &columns)?;
        self.table_written = Instant::now();
        Ok(())
    }

    fn finish(mut self) -> Result<Report, RunError> {
        let studies: Vec<_> = self
            .units
            .iter()
            .filter_map(|unit| match unit {
                Unit::Study(study) => study.summary(),
                Unit::Fit { .. } => None,
            })
            .collect();
        let saved = self.units.iter().filter_map(|unit| match unit {
            Unit::Study(study) => study.saved(),
            Unit::Fit { .. } => None,
        });
        let saved = saved.reduce(|a, b| Saved {
            n_trials: a.n_trials + b.n_trials,
            n_fits: a.n_fits + b.n_fits,
            n_epochs: a.n_epochs + b.n_epochs,
        });
        let without_best = studies.iter().any(|study| study.best_trial.is_none());
        let status = if without_best || self.failed_final.is_some() { "failed" } else { "complete" };
        let mut summary = Summary {
            experiment: self.experiment,
            status: status.to_owned(),
            n_fits: self.n_fits - self.units.iter().map(Unit::n_skipped).sum::<usize>(),
            n_failed_trials: self.n_failed_trials,
            n_pruned: saved.map(|saved| saved.n_trials),
            n_epochs_saved: saved.map(|saved| saved.n_epochs),
            objective: self.objective.map(|objective| objective.to_string()),
            other_objectives: self.other_objectives.iter().map(ToString::to_string).collect(),
            constraints: self.constraints.iter().map(ToString::to_string).collect(),
            studies,
            finals: self.finals.into_values().collect(),
            test: BTreeMap::new(),
            n_test_evaluations: 0,
        };
        summary.summarise();
        let has_groups = self.data.is_some_and(|data| data.groups().is_some());
        if let Some(tests) = store::outer_tests(self.folder.path(), &summary.finals, has_groups)? {
            summary.add_intervals(&tests);
        }
        self.folder.finish(&summary)?;
        if let Some((fit, reason)) = self.failed_final {
            return Err(RunError::Final { fit, reason });
        }
        Ok(Report {
            id: self.folder.id().to_owned(),
            path: self.folder.path().to_owned(),
            summary,
            n_trained: self.n_trained,
            n_kept: self.n_kept,
            n_reused: self.n_reused,
            reused_from: self.reused_from.into_iter().collect(),
        })
    }
}
