//! Walks a plan: opens the data, draws the folds, runs every study and its final, and records what happens.

mod execute;
mod prepare;
mod provenance;
mod record;
mod study_run;

use std::path::{Path, PathBuf};

pub use execute::FitFailure;
pub use prepare::{Prepared, prepare};

use crate::data::DataError;
use crate::device::OpenDevice;
use crate::metric::Metric;
use crate::script::{Evaluated, Outcome};
use crate::spec::check::Problem;
use crate::split::{SplitError, SplitFileError};
use crate::store::{StoreError, Summary};

/// What a run needs beside the script.
#[derive(Debug)]
pub struct Request<'a> {
    /// The script, evaluated.
    pub evaluated: &'a Evaluated,
    /// Where run folders go.
    pub results: &'a Path,
    /// What training runs on.
    pub device: &'a OpenDevice,
    /// Threads a fit may use.
    pub threads: usize,
    /// The command line, for the record.
    pub command: &'a [String],
}

/// What came out of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The run's id.
    pub id: String,
    /// Its folder.
    pub path: PathBuf,
    /// What it found.
    pub summary: Summary,
    /// Fits that were trained.
    pub n_trained: usize,
}

/// Hears of what happens while a run goes on.
pub trait Progress {
    /// The run's folder is there; so many fits are to come.
    fn run_started(&mut self, path: &Path, arithmetic: &str, n_fits: usize);
    /// A fit of at most so many epochs begins.
    fn fit_started(&mut self, label: &str, n_epochs: usize);
    /// So many batches of the epoch are done.
    fn batch(&mut self, done: usize, total: usize);
    /// An epoch ended.
    fn epoch(&mut self, epoch: usize, phase: &str, train_loss: f64, validation: &[(Metric, f64)]);
    /// A fit ended.
    fn fit_finished(&mut self, label: &str, result: &Result<FitLine, FitFailure>, seconds: f64);
    /// A study's best so far has changed.
    fn best(&mut self, study: &str, trial: usize, metric: Metric, value: f64);
}

/// What there is to say of a finished fit in one line.
#[derive(Clone, Debug, PartialEq)]
pub struct FitLine {
    /// Epochs trained.
    pub n_epochs: usize,
    /// Epochs that were planned at most.
    pub n_planned: usize,
    /// The metric that is searched on, of validation rows; of a final, of test rows.
    pub score: Option<(Metric, f64)>,
    /// Whether the score is of test rows.
    pub is_test: bool,
}

/// Why a run did not come to its end, or did not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The rows cannot be split as asked.
    #[error("{0}")]
    Split(String),
    /// A file of splits cannot be used.
    #[error("{}: {source}", path.display())]
    SplitFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SplitFileError,
    },
    /// A file of splits cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    ReadSplits {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The config does not fit the data.
    #[error("{0}")]
    Config(String),
    /// The record cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A final fit failed.
    #[error("{fit}: {reason}")]
    Final {
        /// Its folder below the run's.
        fit: String,
        /// Why.
        reason: String,
    },
}

impl From<Problem> for RunError {
    fn from(problem: Problem) -> Self {
        Self::Config(match problem.hint {
            Some(hint) => format!("{}; {hint}", problem.message),
            None => problem.message,
        })
    }
}

impl From<SplitError> for RunError {
    fn from(error: SplitError) -> Self {
        Self::Split(error.to_string())
    }
}

/// Runs what the script ended with.
///
/// # Errors
/// The config does not fit the data, the record cannot be written, or a final fit failed.
pub fn run(request: &Request<'_>, prepared: &Prepared, progress: &mut dyn Progress) -> Result<Report, RunError> {
    match &request.evaluated.outcome {
        Outcome::Experiment(experiment) => study_run::run(request, experiment, prepared, progress),
        Outcome::Fit(fit) => study_run::run_fit(request, fit, prepared, progress),
    }
}
