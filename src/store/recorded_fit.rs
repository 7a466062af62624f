//! Reading a recorded fit: how it ended, whether its files are as they were written, and what it predicted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::fit_folder::{EpochLine, OutcomeRecord};
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
        let epochs = self.epochs()?;
        Ok(epochs.into_iter().map(|mut epoch| epoch.validation.remove(metric.name())).collect())
    }

    /// Every epoch, in order.
    ///
    /// # Errors
    /// The file cannot be read or does not hold numbers.
    pub fn epochs(&self) -> Result<Vec<EpochLine>, StoreError> {
        let path = self.folder.join("metrics.csv");
        let text = atomic::read(&path)?;
        let damaged = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        let mut table = csv::Reader::from_reader(text.as_bytes());
        let header = table.headers().map_err(|error| damaged(error.to_string()))?.clone();
        let mut epochs = Vec::new();
        for (index, record) in table.records().enumerate() {
            let record = record.map_err(|error| damaged(error.to_string()))?;
            let mut epoch =
                EpochLine { epoch: index + 1, phase: String::new(), train_loss: None, validation: BTreeMap::new() };
            for (column, cell) in header.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty()) {
                let number =
                    || cell.parse().map_err(|_| damaged(format!("epoch {} holds `{cell}`, no number", index + 1)));
                match column.strip_prefix("validation.") {
                    Some(metric) => {
                        epoch.validation.insert(metric.to_owned(), number()?);
                    }
                    None if column == "train.loss" => epoch.train_loss = Some(number()?),
                    None if column == "phase" => epoch.phase = cell.to_owned(),
                    None => {}
                }
            }
            epochs.push(epoch);
        }
        Ok(epochs)
    }

    /// What is predicted of the validation rows, with their targets; `None` without any. Without classes they are numbers.
    ///
    /// # Errors
    /// The file cannot be read or does not hold predictions of these classes.
    pub fn validation_predictions(&self, classes: &[String]) -> Result<Option<Predictions>, StoreError> {
        Ok(self.read_predictions("validation", Some(classes))?.map(|rows| rows.predictions))
    }

    /// The same of the test rows.
    ///
    /// # Errors
    /// As there.
    pub fn test_predictions(&self, classes: &[String]) -> Result<Option<Predictions>, StoreError> {
        Ok(self.read_predictions("test", Some(classes))?.map(|rows| rows.predictions))
    }

    /// What was predicted of the rows of a part, `validation` or `test`; `None` without any.
    ///
    /// # Errors
    /// The file cannot be read or does not hold predictions.
    pub fn predicted_rows(&self, part: &str) -> Result<Option<PredictedRows>, StoreError> {
        self.read_predictions(part, None)
    }

    /// The classes are those given, else those of the table's header; without any it holds numbers.
    fn read_predictions(&self, part: &str, classes: Option<&[String]>) -> Result<Option<PredictedRows>, StoreError> {
        let name = format!("{part}_predictions.csv");
        if !self.outcome.digests.contains_key(&name) {
            return Ok(None);
        }
        let path = self.folder.join(name);
        let text = atomic::read(&path)?;
        let damaged = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        let mut table = csv::Reader::from_reader(text.as_bytes());
        let header = table.headers().map_err(|error| damaged(error.to_string()))?;
        let of_header = || header.iter().skip(3).map(|name| name.strip_prefix("p.").unwrap_or(name).to_owned());
        let classes = classes.map_or_else(|| of_header().collect(), <[String]>::to_vec);
        let (mut ids, mut decisions, mut probabilities, mut targets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut numbers = [Vec::new(), Vec::new()];
        for (index, record) in table.records().enumerate() {
            let record = record.map_err(|error| damaged(error.to_string()))?;
            let line = index + 2;
            let no_number = |cell: &str| damaged(format!("line {line} holds `{cell}`, no number"));
            ids.push(record.get(0).unwrap_or_default().to_owned());
            if classes.is_empty() {
                for (column, cell) in numbers.iter_mut().zip(record.iter().skip(1)) {
                    column.push(cell.parse::<f64>().map_err(|_| no_number(cell))?);
                }
                continue;
            }
            let class = |column: usize| {
                let named = record.get(column).and_then(|name| classes.iter().position(|class| class == name));
                named.ok_or_else(|| damaged(format!("line {line} names no class of the data")))
            };
            targets.push(class(1)?);
            decisions.push(class(2)?);
            for cell in record.iter().skip(3) {
                probabilities.push(cell.parse::<f32>().map_err(|_| no_number(cell))?);
            }
        }
        let [true_numbers, values] = numbers;
        let predictions = match classes.len() {
            0 => Predictions::of_numbers(values, true_numbers),
            n_classes => Predictions::new(n_classes, probabilities, targets),
        };
        let predictions = predictions.map_err(|error| damaged(error.to_string()))?;
        Ok(Some(PredictedRows { ids, classes, decisions, predictions }))
    }
}

/// Rows of a part with what a fit predicted of them; the lists are equally long.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictedRows {
    /// Names of the rows.
    pub ids: Vec<String>,
    /// Names of the classes; none of a regression.
    pub classes: Vec<String>,
    /// The class decided for, an index of `classes`; none of a regression.
    pub decisions: Vec<usize>,
    /// What is predicted, and what is true.
    pub predictions: Predictions,
}
