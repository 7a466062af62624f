//! The run folder: the only module that knows its file names.
//!
//! ```text
//! results/<experiment>/<run-id>/
//!   run.json  script.rhai  imports/  git.patch  config.rhai  splits.json  folds.json  warm_start.json
//!   journal.jsonl
//!   trials.csv  summary.json  timing.csv  report.html (made of the others)  notes.json (what people say of it)
//!   outer-0/inner-0/trial-002/  config.rhai  metrics.csv  outcome.json  validation_predictions.csv
//!                               stdout.log  stderr.log (of a program)
//!   model/                      model.safetensors  model.json  config.rhai  model_info.json (of a run that makes one to ship)
//!   outer-0/inner-0/final/      ... and test_predictions.csv  model.safetensors  model.json
//! results/<name>/<id>/variants.json   (the runs of variants that were begun together)
//! ```
//! Tables, summary, predictions and weights are pure functions of script, data, seed and device class. Times, hosts and
//! devices stand in `run.json`, the journal, `outcome.json` and `timing.csv` alone. A file is written under a temporary
//! name, flushed to disk and renamed, so that it is whole or not there. The journal alone is appended to, by the one
//! process that has its lock.
//!
//! Beside the experiments, `results/.index/` holds what is quicker to read there than in the runs ([`index`]; it can be
//! deleted at any time), and `results/.scratch/` what nobody needs once its process has ended.

mod atomic;
mod commits;
mod earlier_trials;
mod find;
mod fit_folder;
mod fold_counts;
pub mod index;
mod joint;
mod journal;
mod leftovers;
mod lock;
mod manifest;
mod model_folder;
mod notes;
mod recorded;
mod recorded_fit;
mod remove;
mod run_folder;
mod scratch;
mod tables;
mod tested;
mod tidy;

pub use commits::{Commit, CommitsError, commits};
pub use earlier_trials::{EarlierStudy, EarlierTrials};
pub use find::{FindError, RunEntry, ended_trials, find, latest_of, locate};
pub use fit_folder::{EpochLine, FitFolder, FitFolds, FitPath, HistogramLine, OutcomeRecord, PrunedAt};
pub use fold_counts::{FoldCounts, InnerCounts, OuterCounts, RowCounts};
pub use index::FitIndex;
pub use joint::{Found, Joint, JointRun};
pub use journal::{Event, Journal, Recorded};
pub use leftovers::{Leftover, Leftovers};
pub use lock::{FolderLock, is_locked};
pub use manifest::{GitState, Manifest, SourceRecord, WeightsRecord};
pub use model_folder::{Finalizes, ModelFolder, ModelFolderError, ModelInfo};
pub use notes::Notes;
pub use recorded::{Altered, FileKind, FilePair, Record, RecordError, as_far_as_recorded, pure_outcome};
pub use recorded_fit::{PredictedRows, RecordedFit};
pub use remove::Removal;
pub use run_folder::RunFolder;
pub use scratch::Scratch;
pub use tables::{BestSoFar, FinalSummary, FrontTrial, MetricSummary, StudySummary, Summary, TrialColumns, TrialRow};
pub use tested::outer_tests;
pub use tidy::{RecordedTable, TidyKind, TidyTable};

use std::path::PathBuf;

/// A record that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused a write.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file system refused a read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that every run has is not there.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file does not hold what it should.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process has the run.
    #[error("{} is being written by another process; wait for it to end", path.display())]
    Locked {
        /// The run's folder or journal, or the scratch folder.
        path: PathBuf,
    },
}
