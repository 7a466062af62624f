//! Whether a recorded run still gives what it gave: trains it again and compares every file; and what two records differ
//! in.
//!
//! A [`replay`] believes nothing of the record but the config it trains by. It checks the record against its own digests,
//! opens the data anew and holds them against the recorded fingerprint, trains every fit in a folder of its own that
//! leaves nothing behind, and compares the files that are pure functions of config, data, seed and device class. Files of
//! equal bytes are equal; of others the first difference is named in the terms of what they hold.

mod cause;
mod compare;
mod config;
mod diff;
mod difference;
mod json;
mod since;
mod table;
mod tensors;
mod ulps;

use std::path::{Path, PathBuf};

pub use cause::Cause;
pub use compare::FileDifference;
pub use config::Change;
pub use diff::{Diff, DiffError, FilesDiffer, MetricChange, diff};
pub use difference::{Difference, Extent, Place};
pub use since::{Since, since};
pub use ulps::{Precision, Ulps};

use crate::data::{DataError, Dataset};
use crate::device::OpenDevice;
use crate::runner::{self, Crew, Interrupt, Prepared, Progress, RunError};
use crate::script::{self, Argument, Diagnostic, Evaluated, Outcome};
use crate::store::{Altered, Record, Scratch, StoreError};
use crate::train::FeatureStore;

/// What is to be trained again, and how.
#[derive(Debug)]
pub struct Request<'a> {
    /// The recorded run or fit.
    pub record: &'a Record,
    /// Where the data are, if not where they were.
    pub overrides: &'a [Argument],
    /// Below it a folder is made for the time of the replay.
    pub results: &'a Path,
    /// Folder of decoded pictures and of features.
    pub cache: &'a Path,
    /// What is trained on.
    pub device: &'a OpenDevice,
    /// Threads a fit may use.
    pub threads: usize,
    /// Who does the work.
    pub crew: &'a Crew,
    /// How often a fit is tried again whose worker was lost.
    pub retries: usize,
    /// The wish to stop.
    pub interrupt: &'a Interrupt,
    /// The command line, for the record.
    pub command: &'a [String],
    /// Whether what was trained is kept.
    pub keep: bool,
}

/// What a replay found.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Fits trained again.
    pub n_fits: usize,
    /// Epochs they took.
    pub n_epochs: usize,
    /// Files compared.
    pub n_files: usize,
    /// Files that are not what the record itself says of them.
    pub altered: Vec<Altered>,
    /// Files that differ from those trained now, in the order of the plan.
    pub differences: Vec<FileDifference>,
    /// Why that may be, the likeliest first; empty when nothing differs.
    pub causes: Vec<Cause>,
    /// Where what was trained was kept.
    pub kept: Option<PathBuf>,
}

impl Replay {
    /// Whether the record is what it says, and what training gives.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.altered.is_empty() && self.differences.is_empty()
    }
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The recorded config cannot be evaluated.
    #[error("{}", .0.message)]
    Config(Box<Diagnostic>),
    /// An override that is about more than where the data are.
    #[error("an override changes `{name}`, but a replay trains what was recorded; it takes only where the data are")]
    Override {
        /// What it changes.
        name: String,
    },
    /// The record ends before the end.
    #[error("{name} did not come to its end, so there is nothing to compare with")]
    Unfinished {
        /// The run or fit.
        name: String,
    },
    /// The data are others.
    #[error("the data are not those of the run: fingerprint {recorded} recorded, {found} found")]
    OtherData {
        /// By the manifest.
        recorded: String,
        /// Of the data opened now.
        found: String,
    },
    /// A file that the program's result depends on is another one.
    #[error("{} is not what it was when the run was recorded", path.display())]
    OtherInput {
        /// The file.
        path: PathBuf,
    },
    /// The weights that a network begins with are others.
    #[error("the weights {path} are not those of the run, by their digest; say where those are with weights=PATH")]
    OtherWeights {
        /// The file.
        path: String,
    },
    /// The data cannot be used.
    #[error(transparent)]
    Data(DataError),
    /// It could not be trained again.
    #[error(transparent)]
    Run(RunError),
    /// A folder or file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Trains a record again and compares what comes out.
///
/// # Errors
/// The config cannot be evaluated, the data are missing or others, or training or reading failed.
pub fn replay(request: &Request<'_>, progress: &mut dyn Progress) -> Result<Replay, ReplayError> {
    let record = request.record;
    if record.is_unfinished() {
        return Err(ReplayError::Unfinished { name: record.name() });
    }
    let evaluated = evaluate(record, request.overrides)?;
    let prepared = open_data(record, &evaluated, request.results, request.cache)?;
    let altered = record.altered();
    let scratch = Scratch::create(request.results, &record.run().manifest.run, request.keep)?;
    let trained = train(request, &evaluated, &prepared, &scratch, progress)?;
    let (n_fits, n_epochs) = trained.size()?;
    let pairs = record.pairs(&trained);
    let mut differences = Vec::new();
    for pair in &pairs {
        differences.extend(compare::compare(pair)?);
    }
    let causes = if altered.is_empty() && differences.is_empty() {
        Vec::new()
    } else {
        cause::causes(&record.run().manifest, &trained.run().manifest, &altered, &differences)
    };
    let kept = request.keep.then(|| trained.run().path.clone());
    Ok(Replay { n_fits, n_epochs, n_files: pairs.len(), altered, differences, causes, kept })
}

/// The recorded config with the data where they are now.
fn evaluate(record: &Record, overrides: &[Argument]) -> Result<Evaluated, ReplayError> {
    let config = |diagnostic| ReplayError::Config(Box::new(diagnostic));
    let recorded = script::evaluate(&record.config(), &[]).map_err(config)?;
    if overrides.is_empty() {
        return Ok(recorded);
    }
    let overrides: Vec<Argument> = overrides.iter().map(|argument| place_of_data(argument, &recorded)).collect();
    let moved = script::evaluate(&record.config(), &overrides).map_err(config)?;
    match config::changes(&recorded.outcome, &moved.outcome, false).0.into_iter().next() {
        Some(change) => Err(ReplayError::Override { name: change.name }),
        None => Ok(moved),
    }
}

/// `data=PATH` for the place of the data, also in a config that has no param of that name.
fn place_of_data(argument: &Argument, recorded: &Evaluated) -> Argument {
    if argument.key() != "data" || recorded.params.iter().any(|param| param.name == "data") {
        return argument.clone();
    }
    let values = match &recorded.outcome {
        Outcome::Experiment(experiment) => experiment.flat(),
        Outcome::Fit(fit) => fit.flat(),
    };
    let place = values.into_iter().find(|value| value.is_path && value.name.starts_with("data."));
    let moved = place.and_then(|place| Argument::parse(&format!("{}={}", place.name, argument.text())).ok());
    moved.unwrap_or_else(|| argument.clone())
}

/// Opens the data, which must be those of the record.
fn open_data(record: &Record, evaluated: &Evaluated, results: &Path, cache: &Path) -> Result<Prepared, ReplayError> {
    let prepared = runner::prepare(evaluated, results, cache).map_err(|error| match error {
        RunError::Data(error) => ReplayError::Data(error),
        error => ReplayError::Run(error),
    })?;
    if let Some(path) = prepared.inputs.changed_since(&record.run().manifest.inputs) {
        return Err(ReplayError::OtherInput { path: path.to_owned() });
    }
    if let Some(other) = runner::other_weights(&record.run().manifest.weights, &prepared.weights) {
        return Err(ReplayError::OtherWeights { path: other.path.clone() });
    }
    let found = prepared.data.as_ref().map(Dataset::fingerprint);
    match (&record.run().manifest.data_fingerprint, found) {
        (Some(recorded), Some(found)) if recorded != found => {
            Err(ReplayError::OtherData { recorded: recorded.clone(), found: found.to_owned() })
        }
        _ => Ok(prepared),
    }
}

/// Trains every fit anew; nothing recorded is used again.
fn train(
    request: &Request<'_>,
    evaluated: &Evaluated,
    prepared: &Prepared,
    scratch: &Scratch,
    progress: &mut dyn Progress,
) -> Result<Record, ReplayError> {
    // A replay trusts no features that were kept before.
    let features = FeatureStore::new(&scratch.path().join(".features"));
    let run = runner::Request {
        evaluated,
        results: scratch.path(),
        device: request.device,
        threads: request.threads,
        crew: request.crew,
        features: &features,
        retries: request.retries,
        fresh: true,
        interrupt: request.interrupt,
        command: request.command,
    };
    match runner::run(&run, prepared, progress) {
        // A final that fails ends a run, but leaves a record: the run may have ended so the first time.
        Ok(_) | Err(RunError::Final { .. }) => {}
        Err(error) => return Err(ReplayError::Run(error)),
    }
    let trained = scratch.record()?;
    Ok(if request.record.fit().is_some() { trained.only_fit() } else { trained })
}
