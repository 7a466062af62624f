//! Ask and tell: the trials of an experiment whose objective somebody else evaluates.
//!
//! The sequence is the one that a run would have: same sampler, seed and lag. Each call opens the run, changes it and
//! lets it go, so that calls from many processes find each other's trials in the journal. A trial whose process is gone
//! stays pending until it is told; [`Which::Again`] gives it once more.

use super::begin::{begin, config, same_versions};
use super::told::{AskError, Told, patiently};
use super::{Prepared, Request, provenance};
use crate::plan::StudyId;
use crate::script::Outcome;
use crate::spec::Experiment;
use crate::store::{self, Event, FolderLock, RunEntry};
use crate::trial::TrialState;
use crate::value::Assignment;

/// Which trial is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The next one.
    Next,
    /// One that was given out before and is still pending.
    Again(usize),
}

/// Which run a script's trials belong to.
#[derive(Clone, Debug)]
pub enum Of {
    /// The latest one of this very experiment, finished or not; a new one if there is none.
    Latest,
    /// A new one.
    New,
    /// This one.
    Run(Box<RunEntry>),
}

/// The answer to an ask.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The run.
    pub run: RunEntry,
    /// Trials of its search.
    pub n_trials: usize,
    /// The trial.
    pub answer: Answer,
}

/// A trial, or that there is none left.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To be evaluated.
    Trial {
        /// Its number.
        number: usize,
        /// What it tries.
        assignment: Assignment,
    },
    /// Every trial was told; the number, value and assignment of the best one that gave a value.
    Done {
        /// As far as there is one.
        best: Option<(usize, f64, Assignment)>,
    },
}

/// What is told of a trial.
#[derive(Clone, Debug, PartialEq)]
pub enum Outside {
    /// Its value; one that is no finite number makes it a failed trial.
    Value(f64),
    /// It failed.
    Failed(String),
    /// The value after an epoch, from 1.
    Epoch(usize, f64),
}

/// The answer to a tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The trial goes on.
    GoOn,
    /// It is given up, and has ended.
    Stop,
    /// It has ended.
    Ended,
}

/// The next trial of an experiment.
///
/// # Errors
/// It waits for a result, or the record cannot be written.
pub fn ask(request: &Request<'_>, prepared: &Prepared, of: Of, which: Which) -> Result<Asked, AskError> {
    let Outcome::Experiment(experiment) = &request.evaluated.outcome else {
        return Err(AskError::NotExternal { name: "a fit".to_owned() });
    };
    if experiment.external().is_none() {
        return Err(AskError::NotExternal { name: experiment.name().to_owned() });
    }
    let (mut told, run) = open(request, prepared, experiment, of)?;
    told.end_if_complete()?;
    let n_trials = told.search.n_trials;
    let answer = match which {
        _ if told.is_finished() => {
            let best = told.study.best();
            Answer::Done { best: best.map(|(best, score)| (best.number, score.value(), best.assignment.clone())) }
        }
        Which::Again(trial) => {
            let record = told.asked(trial)?;
            match &record.state {
                TrialState::Pending => Answer::Trial { number: trial, assignment: record.assignment.clone() },
                state => return Err(AskError::Told { trial, before: in_words(state) }),
            }
        }
        Which::Next => next(&mut told)?,
    };
    Ok(Asked { run, n_trials, answer })
}

fn next(told: &mut Told<'_>) -> Result<Answer, AskError> {
    let (n_trials, lag) = (told.search.n_trials, told.search.lag());
    let next = told.study.records().len();
    if let Some(needs) = told.first_pending().map(|record| record.number) {
        if next >= n_trials {
            return Err(AskError::AllAsked { n_trials, needs });
        }
        if !told.study.can_ask() {
            return Err(AskError::Waits { next, needs, lag });
        }
    }
    let (number, assignment) = told.study.ask();
    let study = StudyId::Only.to_string();
    told.folder.record(&Event::TrialSuggested { study, trial: number, assignment: assignment.clone() })?;
    Ok(Answer::Trial { number, assignment })
}

/// The run a script's trials belong to. Calls that come at once agree on one, for one at a time looks for it.
fn open<'a>(
    request: &Request<'_>,
    prepared: &Prepared,
    experiment: &'a Experiment,
    of: Of,
) -> Result<(Told<'a>, RunEntry), AskError> {
    let config = config(&request.evaluated.outcome, None);
    let digest = provenance::digest(&config);
    let _lock = patiently(|| FolderLock::take_new(&request.results.join(experiment.name())))?;
    let found = match of {
        Of::New => None,
        Of::Latest => store::latest_of(request.results, experiment.name(), &digest)?,
        Of::Run(run) if run.manifest.config_blake3 == digest => Some(*run),
        Of::Run(run) => return Err(AskError::OtherConfig { run: run.manifest.run }),
    };
    if let Some(run) = found {
        same_versions(&run.manifest)?;
        return Ok((Told::open(&run, experiment)?, run));
    }
    let folder = begin(request, prepared, experiment.name(), experiment.search().map_or(0, |search| search.n_trials))?;
    let run = RunEntry::read(folder.path())?;
    Ok((Told::new(folder, experiment)?, run))
}

/// Takes a result.
///
/// # Errors
/// The trial was not asked for or has another result already, or the record cannot be written.
pub fn tell(run: &RunEntry, experiment: &Experiment, trial: usize, result: &Outside) -> Result<Verdict, AskError> {
    if experiment.external().is_none() {
        return Err(AskError::NotExternal { name: run.manifest.run.clone() });
    }
    let mut told = Told::open(run, experiment)?;
    let record = told.asked(trial)?;
    if record.state != TrialState::Pending {
        let verdict = match (&record.state, result) {
            (TrialState::Pruned { step, value }, Outside::Epoch(epoch, now))
                if step == epoch && *value == Some(*now) =>
            {
                Verdict::Stop
            }
            (state, Outside::Value(value)) if *state == told.complete(*value) => Verdict::Ended,
            (TrialState::Failed { reason }, Outside::Failed(now)) if reason == now => Verdict::Ended,
            (state, _) => return Err(AskError::Told { trial, before: in_words(state) }),
        };
        told.end_if_complete()?;
        return Ok(verdict);
    }
    match result {
        Outside::Value(value) => told.finish_trial(trial, told.complete(*value))?,
        Outside::Failed(reason) => told.finish_trial(trial, TrialState::Failed { reason: reason.clone() })?,
        Outside::Epoch(epoch, value) => {
            let value = Some(*value).filter(|value| value.is_finite());
            if !told.epoch(trial, *epoch, value)? {
                return Ok(Verdict::GoOn);
            }
            told.finish_trial(trial, TrialState::Pruned { step: *epoch, value })?;
            return Ok(Verdict::Stop);
        }
    }
    Ok(Verdict::Ended)
}

fn in_words(state: &TrialState) -> String {
    match state {
        TrialState::Pending => "nothing".to_owned(),
        TrialState::Complete(score) => format!("value {:?}", score.value()),
        TrialState::Pruned { step, .. } => format!("it was given up at epoch {step}"),
        TrialState::Failed { reason } => format!("failed, {reason}"),
    }
}
