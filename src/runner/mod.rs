//! Walks a plan: opens the data, draws the folds, has every study and its final trained, and records what happens.
//!
//! [`run`] and [`resume`] set up a session, which asks every study for the fits that are ready, takes those that are
//! recorded already under the same key, and gives the others to workers: a thread of this process, or processes of this
//! program. A worker trains one fit and writes its folder; the session reads the record back, so that a fit that was
//! trained now, before the run was stopped, or by another run is the same to everything that follows. What a study
//! suggests depends on its trials alone, never on who finished first.

mod ask;
mod augment_sheet;
mod begin;
mod close;
mod command;
mod earlier;
mod execute;
mod final_summary;
mod finalize;
mod fold_counts;
mod forecast;
mod inputs;
mod interrupt;
mod network;
mod order;
mod pool;
mod prepare;
mod provenance;
mod record;
mod reuse;
mod running;
mod scoring;
mod session;
mod shipped;
mod study_run;
mod study_summary;
mod told;
mod unit;
mod variants;
mod walk;
mod warm_start;
mod weights;
mod worker;

use std::path::{Path, PathBuf};

pub use ask::{Answer, Asked, Of, Outside, Verdict, Which, ask, tell};
pub use augment_sheet::augment_sheet;
pub use begin::{resume, run};
pub use execute::FitFailure;
pub use finalize::{FinalizeRunError, finalized, ship};
pub use forecast::{FinalForecast, Forecast, PartForecast, forecast};
pub use inputs::Inputs;
pub use interrupt::Interrupt;
pub use network::{NetworkOutline, check_network, outline_network};
pub use pool::Crew;
pub use prepare::{Prepared, prepare, prepare_all};
pub use shipped::{Prediction, ShippedError, ShippedModel};
pub use told::AskError;
pub use variants::{Part, PartReport, resume_variants, run_variants};
pub use warm_start::{WarmStart, WarmStartError};
pub use weights::{other_weights, weights};
pub use worker::work;

use crate::data::DataError;
use crate::device::OpenDevice;
use crate::metric::Metric;
use crate::model::PretrainedError;
use crate::script::{Diagnostic, Evaluated};
use crate::spec::check::Problem;
use crate::split::{SplitError, SplitFileError};
use crate::store::{StoreError, Summary};
use crate::train::FeatureStore;
use crate::wording::count;

/// What a run needs beside the script.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The script, evaluated.
    pub evaluated: &'a Evaluated,
    /// Where run folders go.
    pub results: &'a Path,
    /// What training runs on.
    pub device: &'a OpenDevice,
    /// Threads a fit may use.
    pub threads: usize,
    /// Who does the work.
    pub crew: &'a Crew,
    /// Where features of frozen backbones are kept.
    pub features: &'a FeatureStore,
    /// How often a fit is tried again whose worker was lost.
    pub retries: usize,
    /// Whether everything is to be trained, even if it is recorded.
    pub fresh: bool,
    /// The wish to stop.
    pub interrupt: &'a Interrupt,
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
    /// Fits that had been trained before the run was stopped.
    pub n_kept: usize,
    /// Fits that were taken from other runs.
    pub n_reused: usize,
    /// The ids of those other runs.
    pub reused_from: Vec<String>,
}

/// What a fit cost.
#[derive(Clone, Debug, PartialEq)]
pub enum Effort {
    /// It was trained.
    Trained {
        /// For so many seconds.
        seconds: f64,
    },
    /// It was taken from another run.
    Reused {
        /// The run's id.
        run: String,
    },
    /// It had been trained before the run was stopped.
    Kept,
    /// Its values did not make a fit.
    None,
}

/// The lines on top of a printed fit.
const FIT_HEADER: [&str; 2] = [
    "One fit, fully resolved by xrun; it runs again as it is: xrun config.rhai",
    "Elsewhere, say where the data are: xrun config.rhai data=PATH",
];

/// Hears of what happens while a run goes on. Workers are numbered from 0.
pub trait Progress {
    /// The run's folder is there; so many fits are to come, by so many workers.
    fn run_started(&mut self, path: &Path, arithmetic: &str, n_fits: usize, n_workers: usize);
    /// A worker begins a fit of at most so many epochs.
    fn fit_started(&mut self, worker: usize, label: &str, n_epochs: usize);
    /// So many batches of its epoch are done.
    fn batch(&mut self, worker: usize, done: usize, total: usize);
    /// Its epoch ended.
    fn epoch(
        &mut self,
        worker: usize,
        epoch: usize,
        phase: &str,
        train_loss: Option<f64>,
        validation: &[(Metric, f64)],
    );
    /// A fit ended.
    fn fit_finished(&mut self, label: &str, result: &Result<FitLine, FitFailure>, effort: &Effort);
    /// So many fits are not needed any more, because their trial was given up.
    fn fits_skipped(&mut self, n: usize);
    /// A study's best so far has changed.
    fn best(&mut self, study: &str, trial: usize, metric: Metric, value: f64);
    /// Something the user should know.
    fn note(&mut self, message: &str);
    /// Something the user should know went wrong, and the run goes on.
    fn warn(&mut self, message: &str);
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
    /// Whether it was given up after its last epoch; the score is what it had then.
    pub is_pruned: bool,
}

/// Why a run did not come to its end, or did not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The weights that a network begins with cannot be used.
    #[error(transparent)]
    Weights(#[from] PretrainedError),
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
    /// The search cannot start warm from the run it names.
    #[error(transparent)]
    WarmStart(#[from] WarmStartError),
    /// A network of the script cannot be built for its data.
    #[error("{0}")]
    Network(Box<Diagnostic>),
    /// The record cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record of a run that has begun cannot be written, or not be read back.
    #[error("{reason}")]
    Refused {
        /// What went wrong.
        reason: String,
        /// The run's folder.
        path: PathBuf,
    },
    /// A fit was lost with its worker too often.
    #[error("{fit} was lost {}, the last time because {reason}", count(*n_attempts, "time"))]
    Worker {
        /// Its folder below the run's.
        fit: String,
        /// What is known of the last worker's end.
        reason: String,
        /// How often it was tried.
        n_attempts: usize,
        /// The run's folder.
        path: PathBuf,
    },
    /// A signal came.
    #[error("stopped by signal {signal}")]
    Interrupted {
        /// Its number.
        signal: usize,
        /// The run's folder.
        path: PathBuf,
    },
    /// A final fit failed.
    #[error("{fit}: {reason}")]
    Final {
        /// Its folder below the run's.
        fit: String,
        /// Why.
        reason: String,
    },
}

impl RunError {
    /// As it is to be told of a run that has begun, and can be gone on with.
    fn of_run(self, path: &Path) -> Self {
        match self {
            Self::Store(error) if !matches!(error, StoreError::Locked { .. }) => {
                Self::Refused { reason: error.to_string(), path: path.to_owned() }
            }
            other => other,
        }
    }
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
