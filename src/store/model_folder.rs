//! The folder of a trained model: weights with what is needed to use them.
//!
//! A run that makes a model to ship has one, `model/`, which holds `model.safetensors`, `model.json`, `config.rhai` and
//! `model_info.json` and needs nothing else of the run. The folder of a final has the first three.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::find::RunEntry;
use super::recorded::{Record, RecordError};
use super::recorded_fit::RecordedFit;
use super::tables::MetricSummary;
use super::{StoreError, atomic};
use crate::value::Assignment;

pub(super) const FOLDER: &str = "model";
const WEIGHTS: &str = "model.safetensors";
const DESCRIPTION: &str = "model.json";
const CONFIG: &str = "config.rhai";
const INFO: &str = "model_info.json";

/// What a run makes a model to ship of: another run, and how good its procedure was found to be there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finalizes {
    /// The other run's id.
    pub run: String,
    /// What its studies are: `inner`, `outer`, or `none` without a search.
    pub per: String,
    /// Its metrics of test rows, over the outer folds.
    pub estimate: BTreeMap<String, MetricSummary>,
}

/// `model_info.json`: what a model is, for whom it is handed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Format of the file.
    pub format: u32,
    /// Its name.
    pub name: String,
    /// `binary classification`, `multiclass classification` or `regression`.
    pub task: String,
    /// Names of the classes; of two, the second is the positive one. None of a regression.
    pub classes: Vec<String>,
    /// From this probability on the positive class is decided for; only of two classes.
    pub threshold: Option<f64>,
    /// Shape of a row as the network takes it.
    pub input_shape: Vec<usize>,
    /// Weights that training can change.
    pub n_parameters: u64,
    /// The values the search chose.
    pub parameters: Assignment,
    /// How good the procedure is that made it, by nested cross-validation: metrics of test rows over the outer folds of
    /// the run it is created from. No row was left to test this very model on.
    pub estimate: BTreeMap<String, MetricSummary>,
    /// The run it is created from.
    pub created_from: String,
    /// The run that made it.
    pub run: String,
    /// The data in words.
    pub data: Option<String>,
    /// Digest of the data's content.
    pub data_fingerprint: Option<String>,
    /// Version of xrun.
    pub xrun_version: String,
    /// Version of what decides the bits of a result.
    pub numerics_version: String,
    /// What the bits depend on beside the program.
    pub device_class: String,
    /// Under which licences the model, and what it was made of, may be used; for its maker to fill in.
    pub licence: BTreeMap<String, String>,
    /// BLAKE3 of each of its files.
    pub files: BTreeMap<String, String>,
}

/// Why there is no such model.
#[derive(Debug, thiserror::Error)]
pub enum ModelFolderError {
    /// No run and no fit was found.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The run's models are of single folds.
    #[error("{run} has no model to ship: its finals are models of its folds")]
    NotFinalized {
        /// The run's id.
        run: String,
    },
    /// The run makes a model, and has not come to its end.
    #[error("{run} has no model yet: it did not come to its end")]
    Unfinished {
        /// The run's id.
        run: String,
    },
    /// The fit keeps no weights.
    #[error("the fit {fit} has no weights: only finals that came to their end keep them")]
    NoWeights {
        /// The fit.
        fit: String,
    },
    /// A file is missing, damaged or changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A folder with a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFolder {
    path: PathBuf,
}

impl ModelFolder {
    /// The model that is asked for: a folder that holds one, a run that made one to ship, or a final, as
    /// [`Record::find`] takes them.
    ///
    /// # Errors
    /// There is none, or one of its files is not as it was written.
    pub fn find(results: &Path, asked: &str) -> Result<Self, ModelFolderError> {
        let folder = Self { path: PathBuf::from(asked) };
        let folder = if folder.is_whole() { folder } else { Self::of_record(&Record::find(results, asked)?)? };
        folder.verify()?;
        Ok(folder)
    }

    fn of_record(record: &Record) -> Result<Self, ModelFolderError> {
        let run = record.run();
        let id = || run.manifest.run.clone();
        match (record.fit(), &run.manifest.finalizes) {
            (Some(fit), _) => Some(Self { path: run.path.join(fit) })
                .filter(Self::is_whole)
                .ok_or_else(|| ModelFolderError::NoWeights { fit: record.name() }),
            (None, Some(_)) => {
                Self::of_run(run).filter(Self::is_whole).ok_or_else(|| ModelFolderError::Unfinished { run: id() })
            }
            (None, None) => Err(ModelFolderError::NotFinalized { run: id() }),
        }
    }

    /// Where a run that makes a model to ship has it, or will; none of another run.
    #[must_use]
    pub fn of_run(run: &RunEntry) -> Option<Self> {
        run.manifest.finalizes.as_ref().map(|_| Self { path: run.path.join(FOLDER) })
    }

    /// The folder of a final of a run, by its path below the run's.
    #[must_use]
    pub fn of_final(run: &RunEntry, fit: &str) -> Self {
        Self { path: run.path.join(fit) }
    }

    /// Makes the model of `run` from its final in the folder `fit` below it; `info` has no files yet. It is whole once it
    /// has its `model_info.json`, which comes last.
    ///
    /// # Errors
    /// A file of the final is not as it was written, or the file system refused.
    pub fn ship(&self, run: &RunEntry, fit: &str, info: ModelInfo) -> Result<(), StoreError> {
        let from = run.path.join(fit);
        let recorded = RecordedFit::read(&from)?.ok_or_else(|| StoreError::Missing { path: from.clone() })?;
        recorded.verify()?;
        atomic::folder(&self.path)?;
        let mut files = BTreeMap::new();
        for name in [WEIGHTS, DESCRIPTION, CONFIG] {
            let bytes = read(&from.join(name))?;
            files.insert(name.to_owned(), blake3::hash(&bytes).to_hex().to_string());
            atomic::write(&self.path.join(name), &bytes)?;
        }
        let mut text = serde_json::to_string_pretty(&ModelInfo { files, ..info }).expect("the record has text keys");
        text.push('\n');
        atomic::write(&self.path.join(INFO), text.as_bytes())
    }

    /// Whether it has been made to the end.
    #[must_use]
    pub fn is_shipped(&self) -> bool {
        self.path.join(INFO).is_file()
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The config of the fit that trained it.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// The bytes of its safetensors.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn weights(&self) -> Result<Vec<u8>, StoreError> {
        read(&self.path.join(WEIGHTS))
    }

    /// Classes, threshold and preprocessing.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn description<T: serde::de::DeserializeOwned>(&self) -> Result<T, StoreError> {
        let path = self.path.join(DESCRIPTION);
        let text = atomic::read(&path)?;
        serde_json::from_str(&text).map_err(|error| StoreError::Damaged { path, reason: error.to_string() })
    }

    fn is_whole(&self) -> bool {
        [WEIGHTS, DESCRIPTION, CONFIG].iter().all(|name| self.path.join(name).is_file())
    }

    /// Whether every file is as it was written, as far as digests of them are there.
    fn verify(&self) -> Result<(), StoreError> {
        if let Some(fit) = RecordedFit::read(&self.path)? {
            return fit.verify();
        }
        let path = self.path.join(INFO);
        if !path.is_file() {
            return Ok(());
        }
        let info: ModelInfo = serde_json::from_str(&atomic::read(&path)?)
            .map_err(|error| StoreError::Damaged { path, reason: error.to_string() })?;
        for (name, recorded) in &info.files {
            let path = self.path.join(name);
            let found = blake3::hash(&read(&path)?).to_hex();
            if found.as_str() != recorded {
                let reason =
                    format!("it was changed after it was written: its digest is {found:.16}, not {recorded:.16}");
                return Err(StoreError::Damaged { path, reason });
            }
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    std::fs::read(path).map_err(|source| StoreError::Read { path: path.to_owned(), source })
}
