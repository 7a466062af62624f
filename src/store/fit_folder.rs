//! The folder of one fit.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::recorded_fit::RecordedFit;
use super::tables::{csv_bytes, float};
use super::{StoreError, atomic};
use crate::metric::{Metric, Predictions};
use crate::plan::StudyId;

const CHECKPOINT: &str = "checkpoint.bin";

const STDERR: &str = "stderr.log";

/// What a program may write while it runs; gone when the fit has ended.
const SCRATCH: &str = "scratch";

/// Where a fit lies below its run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FitPath(String);

impl FitPath {
    /// As it was written down with [`FitPath::as_str`].
    #[must_use]
    pub fn recorded(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// A trial's fit; `inner` is the fold it validates on when its study is about several.
    #[must_use]
    pub fn trial(study: StudyId, inner: Option<usize>, trial: usize) -> Self {
        Self(format!("{}trial-{trial:03}", prefix(study, inner)))
    }

    /// A study's final fit.
    #[must_use]
    pub fn last(study: StudyId) -> Self {
        Self(format!("{}final", prefix(study, None)))
    }

    /// The fit of a run that has only one.
    #[must_use]
    pub fn only() -> Self {
        Self("fit".to_owned())
    }

    /// The outer and the inner fold it belongs to, and the number of its trial; none each where there is none.
    #[must_use]
    pub fn place(&self) -> FitFolds {
        let number = |prefix: &str| {
            self.0.split('/').find_map(|part| part.strip_prefix(prefix).and_then(|digits| digits.parse().ok()))
        };
        FitFolds { outer: number("outer-"), inner: number("inner-"), trial: number("trial-") }
    }

    /// With `/` between the parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a fit stands among the folds and trials of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FitFolds {
    /// Its outer fold.
    pub outer: Option<usize>,
    /// Its inner fold.
    pub inner: Option<usize>,
    /// Its trial; none for a final.
    pub trial: Option<usize>,
}

fn prefix(study: StudyId, inner: Option<usize>) -> String {
    match (study, study.inner().or(inner)) {
        (StudyId::Only, _) => String::new(),
        (StudyId::Outer(outer) | StudyId::Inner(outer, _), None) => format!("outer-{outer}/"),
        (StudyId::Outer(outer) | StudyId::Inner(outer, _), Some(inner)) => format!("outer-{outer}/inner-{inner}/"),
    }
}

/// `outcome.json`: how a fit ended, with what is not a pure function of its config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// `complete`, `pruned` or `failed`.
    pub status: String,
    /// Key of the fit: equal keys, equal results.
    pub key: String,
    /// The recorded fit it was taken from, below the folder of the results; none when it was trained here.
    pub reused: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
    /// Where it was given up, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned: Option<PrunedAt>,
    /// The objective on validation rows.
    pub score: Option<f64>,
    /// The decision threshold.
    pub threshold: Option<f64>,
    /// Epoch whose weights each phase ended with, counted through all phases.
    pub kept_epochs: BTreeMap<String, usize>,
    /// How many epochs each phase needed to get there, in the order of the phases.
    pub phase_epochs: Vec<usize>,
    /// The epoch of the checkpoint it went on from after it had been interrupted.
    pub continued_after_epoch: Option<usize>,
    /// Epochs trained.
    pub n_epochs: usize,
    /// Epochs planned at most.
    pub n_planned: usize,
    /// Rows trained on, chosen on and tested on.
    pub n_rows: BTreeMap<String, usize>,
    /// Metrics of validation rows.
    pub validation: BTreeMap<String, f64>,
    /// Metrics of test rows.
    pub test: BTreeMap<String, f64>,
    /// Weights that training can change.
    pub n_parameters: Option<usize>,
    /// BLAKE3 of each file that is a pure function of the config.
    pub digests: BTreeMap<String, String>,
    /// Device class.
    pub device_class: String,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// Where a fit was given up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrunedAt {
    /// Its last epoch, counted from 1 through all phases.
    pub epoch: usize,
    /// The objective on validation rows after it, with a threshold of 0.5.
    pub value: Option<f64>,
}

/// Writes one fit.
#[derive(Debug)]
pub struct FitFolder {
    path: PathBuf,
    digests: BTreeMap<String, String>,
}

impl FitFolder {
    /// The folder at `path`, made if it is not there.
    ///
    /// # Errors
    /// The file system refused.
    pub fn open(path: PathBuf) -> Result<Self, StoreError> {
        atomic::folder(&path)?;
        Ok(Self { path, digests: BTreeMap::new() })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The fit's config, before it is trained.
    ///
    /// # Errors
    /// The file system refused.
    pub fn config(&self, script: &str) -> Result<(), StoreError> {
        atomic::write(&self.config_path(), script.as_bytes())
    }

    /// Where the fit's config lies.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        self.path.join("config.rhai")
    }

    /// The state of the training after an epoch, from which it can go on; the key tells whose state it is.
    ///
    /// # Errors
    /// The file system refused.
    pub fn checkpoint(&self, key: &str, state: &[u8]) -> Result<(), StoreError> {
        let mut bytes = Vec::with_capacity(key.len() + 1 + state.len());
        bytes.extend_from_slice(key.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(state);
        atomic::write(&self.path.join(CHECKPOINT), &bytes)
    }

    /// The last state of an interrupted training of the fit with this key, if there is one.
    #[must_use]
    pub fn last_checkpoint(&self, key: &str) -> Option<Vec<u8>> {
        let mut bytes = std::fs::read(self.path.join(CHECKPOINT)).ok()?;
        let is_of = bytes.get(..key.len()) == Some(key.as_bytes()) && bytes.get(key.len()) == Some(&b'\n');
        is_of.then(|| bytes.split_off(key.len() + 1))
    }

    /// Takes over the files and the outcome of a fit with the same key: linked where the file system can, else copied.
    ///
    /// # Errors
    /// The file system refused.
    pub fn take_over(self, fit: &RecordedFit, from: &str) -> Result<OutcomeRecord, StoreError> {
        for name in fit.outcome().digests.keys() {
            let (source, target) = (fit.folder().join(name), self.path.join(name));
            let _ = std::fs::remove_file(&target);
            std::fs::hard_link(&source, &target)
                .or_else(|_| std::fs::copy(&source, &target).map(drop))
                .map_err(|source| StoreError::Write { path: target, source })?;
        }
        let outcome = OutcomeRecord { reused: Some(from.to_owned()), ..fit.outcome().clone() };
        self.write_outcome(&outcome)?;
        Ok(outcome)
    }

    /// `metrics.csv`: one line an epoch.
    ///
    /// # Errors
    /// The file system refused.
    pub fn metrics(&mut self, epochs: &[EpochLine]) -> Result<(), StoreError> {
        let known = Metric::ALL.map(Metric::name);
        let mut metrics: Vec<&str> =
            epochs.iter().flat_map(|epoch| epoch.validation.keys()).map(String::as_str).collect();
        metrics.sort_by_key(|name| (known.iter().position(|known| known == name).unwrap_or(known.len()), *name));
        metrics.dedup();
        let mut header = vec!["epoch".to_owned(), "phase".to_owned(), "train.loss".to_owned()];
        header.extend(metrics.iter().map(|metric| format!("validation.{metric}")));
        let mut lines = vec![header];
        for epoch in epochs {
            let mut line =
                vec![epoch.epoch.to_string(), epoch.phase.clone(), epoch.train_loss.map_or_else(String::new, float)];
            line.extend(
                metrics
                    .iter()
                    .map(|metric| epoch.validation.get(*metric).map_or_else(String::new, |value| float(*value))),
            );
            lines.push(line);
        }
        self.pure("metrics.csv", &csv_bytes(&lines))
    }

    /// `histograms.csv`: two lines for each trained tensor and epoch, for its weights and for its gradient; no file
    /// without any.
    ///
    /// # Errors
    /// The file system refused.
    pub fn histograms(&mut self, histograms: &[HistogramLine]) -> Result<(), StoreError> {
        let Some(first) = histograms.first() else { return Ok(()) };
        let mut header = ["epoch", "phase", "tensor", "of", "low", "high", "not_finite"].map(str::to_owned).to_vec();
        header.extend((1..=first.counts.len()).map(|bin| format!("bin_{bin}")));
        let mut lines = vec![header];
        for histogram in histograms {
            let HistogramLine { epoch, phase, tensor, of, low, high, counts, n_not_finite } = histogram;
            let mut line = vec![epoch.to_string(), phase.clone(), tensor.clone(), of.clone()];
            line.extend([float(*low), float(*high), n_not_finite.to_string()]);
            line.extend(counts.iter().map(u64::to_string));
            lines.push(line);
        }
        self.pure("histograms.csv", &csv_bytes(&lines))
    }

    /// `stdout.log` and `stderr.log`, for what a program says. No digest is kept of them: they may tell of times and places.
    ///
    /// # Errors
    /// The file system refused.
    pub fn logs(&self) -> Result<(File, File), StoreError> {
        let create = |name: &str| {
            let path = self.path.join(name);
            File::create(&path).map_err(|source| StoreError::Write { path, source })
        };
        Ok((create("stdout.log")?, create(STDERR)?))
    }

    /// The last lines of `stderr.log` that are not empty, at most so many; empty when it cannot be read.
    #[must_use]
    pub fn last_errors(&self, n: usize) -> Vec<String> {
        const TAIL: u64 = 8 * 1024;
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(self.path.join(STDERR))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(n)..].iter().map(|line| (*line).to_owned()).collect()
    }

    /// An empty folder that is removed when the fit has ended.
    ///
    /// # Errors
    /// The file system refused.
    pub fn scratch(&self) -> Result<PathBuf, StoreError> {
        let path = self.path.join(SCRATCH);
        // Of an attempt that was cut short.
        let _ = std::fs::remove_dir_all(&path);
        atomic::folder(&path)?;
        Ok(std::path::absolute(&path).unwrap_or(path))
    }

    /// `validation_predictions.csv` or `test_predictions.csv`: one line a row, in the order of the rows. Of a regression,
    /// which has no classes and no threshold, the number in place of the class.
    ///
    /// # Errors
    /// The file system refused.
    pub fn predictions(
        &mut self,
        part: &str,
        predictions: &Predictions,
        ids: &[&str],
        classes: &[String],
        threshold: Option<f64>,
    ) -> Result<(), StoreError> {
        let mut header = vec!["id".to_owned(), "target".to_owned(), "predicted".to_owned()];
        header.extend(classes.iter().map(|class| format!("p.{class}")));
        let mut lines = vec![header];
        match predictions {
            Predictions::Classes(predictions) => {
                let rows = predictions.probabilities().chunks(predictions.n_classes());
                let decisions = predictions.decisions(threshold.unwrap_or(0.5));
                for (((id, &target), decision), row) in ids.iter().zip(predictions.targets()).zip(decisions).zip(rows) {
                    let mut line = vec![(*id).to_owned(), classes[target].clone(), classes[decision].clone()];
                    line.extend(row.iter().map(|p| format!("{p:?}")));
                    lines.push(line);
                }
            }
            Predictions::Numbers(predictions) => {
                let rows = ids.iter().zip(predictions.targets()).zip(predictions.values());
                lines.extend(rows.map(|((id, &target), &value)| vec![(*id).to_owned(), float(target), float(value)]));
            }
        }
        self.pure(&format!("{part}_predictions.csv"), &csv_bytes(&lines))
    }

    /// `model.safetensors`, and `model.json` with what a caller needs to use it.
    ///
    /// # Errors
    /// The file system refused.
    pub fn model(&mut self, weights: &[u8], description: &serde_json::Value) -> Result<(), StoreError> {
        self.pure("model.safetensors", weights)?;
        let mut text = serde_json::to_string_pretty(description).expect("a JSON value has text keys");
        text.push('\n');
        self.pure("model.json", text.as_bytes())
    }

    /// `outcome.json`, last: a fit that has one is finished.
    ///
    /// # Errors
    /// The file system refused.
    pub fn outcome(self, mut outcome: OutcomeRecord) -> Result<(), StoreError> {
        outcome.digests.clone_from(&self.digests);
        self.write_outcome(&outcome)
    }

    fn write_outcome(&self, outcome: &OutcomeRecord) -> Result<(), StoreError> {
        let mut text = serde_json::to_string_pretty(outcome).expect("the record has text keys");
        text.push('\n');
        atomic::write(&self.path.join("outcome.json"), text.as_bytes())?;
        let _ = std::fs::remove_dir_all(self.path.join(SCRATCH));
        let checkpoint = self.path.join(CHECKPOINT);
        let pieces = outcome.digests.keys().map(|name| atomic::partial(&self.path.join(name)));
        for leftover in pieces.chain([atomic::partial(&checkpoint), checkpoint]).filter(|path| path.exists()) {
            // It does no harm: a finished fit is never continued.
            let _ = std::fs::remove_file(leftover);
        }
        Ok(())
    }

    fn pure(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.digests.insert(name.to_owned(), blake3::hash(bytes).to_hex().to_string());
        atomic::write(&self.path.join(name), bytes)
    }
}

/// A line of `metrics.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochLine {
    /// From 1, through all phases.
    pub epoch: usize,
    /// The phase's name.
    pub phase: String,
    /// Mean loss over the rows trained on.
    pub train_loss: Option<f64>,
    /// Metrics of validation rows, by name; those xrun does not know come last in the table.
    pub validation: BTreeMap<String, f64>,
}

/// A line of `histograms.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramLine {
    /// From 1, through all phases.
    pub epoch: usize,
    /// The phase's name.
    pub phase: String,
    /// The tensor's name in the file of weights.
    pub tensor: String,
    /// `weights` or `gradients`.
    pub of: String,
    /// Where the first bin begins.
    pub low: f64,
    /// Where the last bin ends.
    pub high: f64,
    /// Numbers in each bin.
    pub counts: Vec<u64>,
    /// Numbers that are infinite or no numbers.
    pub n_not_finite: u64,
}
