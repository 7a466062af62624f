//! Reading a recorded fit: how it ended, whether its files are as they were written, and what it predicted.

use std::path::{Path, PathBuf};

use super::fit_folder::OutcomeRecord;
use super::{StoreError, atomic};
use crate::metric::{Metric, Predictions};

/// A fit that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedFit {
    folder: PathBuf,
    outcome: OutcomeRecord,
}

impl RecordedFit {
    /// Reads how the fit in `folder` ended; `None` if it has not.
    ///
    /// # Errors
    /// The record cannot be read or is damaged.
    pub fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        let path = folder.join("outcome.json");
        if !path.is_file() {
            return Ok(None);
        }
        let text = atomic::read(&path)?;
        let outcome =
            serde_json::from_str(&text).map_err(|error| StoreError::Damaged { path, reason: error.to_string() })?;
        Ok(Some(Self { folder: folder.to_owned(), outcome }))
    }

    /// Where it lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> &OutcomeRecord {
        &self.outcome
    }

    /// Checks that every file is as it was written.
    ///
    /// # Errors
    /// The first file that is missing or has another digest.
    pub fn verify(&self) -> Result<(), StoreError> {
        for (name, recorded) in &self.outcome.digests {
            let path = self.folder.join(name);
            let bytes = std::fs::read(&path).map_err(|source| StoreError::Read { path: path.clone(), source })?;
            let found = blake3::hash(&bytes).to_hex();
            if found.as_str() != recorded {
                let reason =
                    format!("it was changed after it was written: its digest is {found:.16}, not {recorded:.16}");
                return Err(StoreError::Damaged { path, reason });
            }
        }
        Ok(())
    }

    /// A metric of the validation rows after each epoch; none where it was not defined.
    ///
    /// # Errors
    /// The file cannot be read or does not hold numbers.
    pub fn curve(&self, metric: Metric) -> Result<Vec<Option<f64>>, StoreError> {
        let path = self.folder.join("metrics.csv");
        let text = atomic::read(&path)?;
        let damaged = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        let mut table = csv::Reader::from_reader(text.as_bytes());
        let header = table.headers().map_err(|error| damaged(error.to_string()))?;
        let column = header.iter().position(|name| name == format!("validation.{}", metric.name()));
        let mut curve = Vec::new();
        for record in table.records() {
            let record = record.map_err(|error| damaged(error.to_string()))?;
            let cell = column.and_then(|column| record.get(column)).filter(|cell| !cell.is_empty());
            let number = |cell: &str| {
                cell.parse().map_err(|_| damaged(format!("epoch {} holds `{cell}`, no number", curve.len() + 1)))
            };
            curve.push(cell.map(number).transpose()?);
        }
        Ok(curve)
    }

    /// Probabilities and targets of the validation rows; `None` without any.
    ///
    /// # Errors
    /// The file cannot be read or does not hold predictions of these classes.
    pub fn validation_predictions(&self, classes: &[String]) -> Result<Option<Predictions>, StoreError> {
        let recorded = self.predictions_of("validation", Some(classes))?;
        Ok(recorded.map(|recorded| recorded.predictions))
    }

    /// What was predicted for the rows of a part, `validation` or `test`, with classes as the file names them; `None` without any.
    ///
    /// # Errors
    /// The file cannot be read or does not hold predictions.
    pub fn predictions(&self, part: &str) -> Result<Option<RecordedPredictions>, StoreError> {
        self.predictions_of(part, None)
    }

    fn predictions_of(
        &self,
        part: &str,
        classes: Option<&[String]>,
    ) -> Result<Option<RecordedPredictions>, StoreError> {
        let name = format!("{part}_predictions.csv");
        if !self.outcome.digests.contains_key(&name) {
            return Ok(None);
        }
        let path = self.folder.join(name);
        let text = atomic::read(&path)?;
        let damaged = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        let mut table = csv::Reader::from_reader(text.as_bytes());
        let header = table.headers().map_err(|error| damaged(error.to_string()))?;
        let named: Vec<String> = header.iter().filter_map(|name| name.strip_prefix("p.")).map(str::to_owned).collect();
        let classes = classes.unwrap_or(&named);
        let (mut ids, mut probabilities, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for (index, record) in table.records().enumerate() {
            let record = record.map_err(|error| damaged(error.to_string()))?;
            let line = index + 2;
            ids.push(record.get(0).unwrap_or_default().to_owned());
            let target = record.get(1).and_then(|name| classes.iter().position(|class| class == name));
            targets.push(target.ok_or_else(|| damaged(format!("line {line} names no class of the data")))?);
            for cell in record.iter().skip(3) {
                let number = cell.parse::<f32>();
                probabilities.push(number.map_err(|_| damaged(format!("line {line} holds `{cell}`, no number")))?);
            }
        }
        let predictions = Predictions::new(classes.len(), probabilities, targets);
        let predictions = predictions.map_err(|error| damaged(error.to_string()))?;
        Ok(Some(RecordedPredictions { ids, predictions }))
    }
}

/// What was predicted for some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedPredictions {
    /// The ids of the rows.
    pub ids: Vec<String>,
    /// Their predictions, in this order.
    pub predictions: Predictions,
}
