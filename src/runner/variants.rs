//! The runs of variants, side by side on the same workers, under a joined record.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::begin::{config, create, go_on, reopen, start};
use super::provenance;
use super::session::Session;
use super::walk::run_all;
use super::{Effort, FitFailure, FitLine, Prepared, Progress, Report, Request, RunError};
use crate::metric::Metric;
use crate::store::{Joint, JointRun, RunEntry};
use crate::wording::count;

/// One of the variants.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Its name.
    pub name: &'a str,
    /// What its run needs; workers, device and interrupt are those of all.
    pub request: Request<'a>,
    /// What must be there before it begins.
    pub prepared: &'a Prepared,
}

/// What came of the run of one variant.
#[derive(Debug)]
pub struct PartReport {
    /// The variant's name.
    pub name: String,
    /// Its run's id.
    pub run: String,
    /// Its folder.
    pub path: PathBuf,
    /// What came of it.
    pub result: Result<Report, RunError>,
}

/// Runs the variants, each in a new folder of its own, and joins them in a record. One that fails does not stop the
/// others.
///
/// # Errors
/// One of them cannot be begun, or the joined record not be written.
///
/// # Panics
/// Without a variant.
pub fn run_variants(
    name: &str,
    parts: &[Part<'_>],
    progress: &mut dyn Progress,
) -> Result<(Joint, Vec<PartReport>), RunError> {
    let first = parts.first().expect("there is a variant").request;
    let mut folds: Vec<_> = parts.iter().map(|_| None).collect();
    let (mut created, mut runs) = (Vec::new(), Vec::new());
    for (part, fold) in parts.iter().zip(&mut folds) {
        let (folder, subject) = create(&part.request, part.prepared, fold)?;
        let config = config(&part.request.evaluated.outcome, part.prepared.warm_start.as_ref());
        runs.push(JointRun {
            variant: part.name.to_owned(),
            experiment: subject.experiment.clone(),
            run: folder.id().to_owned(),
            config_blake3: provenance::digest(&config),
            summary_blake3: None,
        });
        created.push((folder, subject));
    }
    let joint = Joint::create(first.results, name, first.command, runs)?;
    announce(&joint, parts, progress);
    let all = RefCell::new(progress);
    let mut labelled = labels(parts, &all);
    let sessions = parts.iter().zip(created).zip(&mut labelled);
    let sessions = sessions.map(|((part, new), progress)| start(&part.request, part.prepared, new, progress));
    conclude(joint, parts, sessions.collect())
}

/// Goes on with the runs of those variants that were stopped.
///
/// # Errors
/// One of them cannot be gone on with, or the joined record not be written.
pub fn resume_variants(
    joint: Joint,
    parts: &[(Part<'_>, RunEntry)],
    progress: &mut dyn Progress,
) -> Result<(Joint, Vec<PartReport>), RunError> {
    let mut folds: Vec<_> = parts.iter().map(|_| None).collect();
    let reopened =
        parts.iter().zip(&mut folds).map(|((part, run), fold)| reopen(&part.request, run, part.prepared, fold));
    let reopened: Vec<_> = reopened.collect::<Result<_, _>>()?;
    let parts: Vec<Part<'_>> = parts.iter().map(|(part, _)| *part).collect();
    announce(&joint, &parts, progress);
    let all = RefCell::new(progress);
    let mut labelled = labels(&parts, &all);
    let sessions = parts.iter().zip(reopened).zip(&mut labelled);
    let sessions = sessions.map(|((part, run), progress)| go_on(&part.request, part.prepared, run, progress));
    conclude(joint, &parts, sessions.collect())
}

fn announce(joint: &Joint, parts: &[Part<'_>], progress: &mut dyn Progress) {
    let n_fits = parts.iter().map(|part| part.prepared.n_fits()).sum();
    let arithmetic = format!("{}: {} in all", count(parts.len(), "variant"), count(n_fits, "fit"));
    let n_workers = parts.first().map_or(1, |part| part.request.crew.n());
    progress.run_started(joint.path(), &arithmetic, n_fits, n_workers);
}

fn labels<'a, 'p>(parts: &[Part<'a>], all: &'a RefCell<&'p mut dyn Progress>) -> Vec<Labelled<'a, 'p>> {
    parts.iter().map(|part| Labelled { variant: part.name, all }).collect()
}

/// Runs what could be begun, and takes down what came of it.
fn conclude(
    mut joint: Joint,
    parts: &[Part<'_>],
    sessions: Vec<Result<Session<'_>, RunError>>,
) -> Result<(Joint, Vec<PartReport>), RunError> {
    let (mut begun, mut refused) = (Vec::new(), Vec::new());
    for session in sessions {
        match session {
            Ok(session) => {
                begun.push(session);
                refused.push(None);
            }
            Err(error) => refused.push(Some(error)),
        }
    }
    let mut results = run_all(begun).into_iter();
    let mut reports = Vec::new();
    for (part, refused) in parts.iter().zip(refused) {
        let run = joint.runs().iter().find(|run| run.variant == part.name).expect("each has a run in the record");
        let path = joint.path_of(run);
        let result = match refused {
            Some(error) => Err(error),
            None => results.next().expect("what was begun has an end"),
        };
        let result = result.map_err(|error| error.of_run(&path));
        reports.push(PartReport { name: part.name.to_owned(), run: run.run.clone(), path, result });
    }
    joint.note_ends()?;
    Ok((joint, reports))
}

/// Puts the name of its variant before what is told of one of several runs.
struct Labelled<'a, 'p> {
    variant: &'a str,
    all: &'a RefCell<&'p mut dyn Progress>,
}

impl Labelled<'_, '_> {
    fn of(&self, text: &str) -> String {
        format!("{}: {text}", self.variant)
    }
}

impl Progress for Labelled<'_, '_> {
    fn run_started(&mut self, path: &Path, arithmetic: &str, _: usize, _: usize) {
        self.note(&format!("{arithmetic}, {}", path.display()));
    }

    fn fit_started(&mut self, worker: usize, label: &str, n_epochs: usize) {
        self.all.borrow_mut().fit_started(worker, &self.of(label), n_epochs);
    }

    fn batch(&mut self, worker: usize, done: usize, total: usize) {
        self.all.borrow_mut().batch(worker, done, total);
    }

    fn epoch(&mut self, worker: usize, epoch: usize, phase: &str, train_loss: Option<f64>, metrics: &[(Metric, f64)]) {
        self.all.borrow_mut().epoch(worker, epoch, phase, train_loss, metrics);
    }

    fn fit_finished(&mut self, label: &str, result: &Result<FitLine, FitFailure>, effort: &Effort) {
        self.all.borrow_mut().fit_finished(&self.of(label), result, effort);
    }

    fn fits_skipped(&mut self, n: usize) {
        self.all.borrow_mut().fits_skipped(n);
    }

    fn best(&mut self, study: &str, trial: usize, metric: Metric, value: f64) {
        self.all.borrow_mut().best(&self.of(study), trial, metric, value);
    }

    fn note(&mut self, message: &str) {
        self.all.borrow_mut().note(&self.of(message));
    }

    fn warn(&mut self, message: &str) {
        self.all.borrow_mut().warn(&self.of(message));
    }
}
