//! A trained model at work: what it says of pictures and of rows of a table.

use std::path::{Path, PathBuf};

use super::finalize::Trained;
use crate::data::{DataError, Unlabelled};
use crate::device::OpenDevice;
use crate::metric::{Task, decide};
use crate::script::{self, Diagnostic, Outcome};
use crate::spec::data::{CsvTableSpec, DataSpec};
use crate::store::{ModelFolder, StoreError};
use crate::train::{Output, Predictor, Preprocessing, Said, TrainError};

/// A model that predicts.
#[derive(Debug)]
pub struct ShippedModel {
    predictor: Predictor,
    classes: Vec<String>,
    /// For two classes.
    threshold: f64,
    table: Option<CsvTableSpec>,
}

/// What a model says of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// A class.
    Class {
        /// The class it decides for, an index of [`ShippedModel::classes`].
        class: usize,
        /// The probability of each class.
        probabilities: Vec<f32>,
    },
    /// A number.
    Number(f64),
}

/// Why a model does not predict.
#[derive(Debug, thiserror::Error)]
pub enum ShippedError {
    /// Its files cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its config cannot be evaluated.
    #[error("the config of the model cannot be evaluated: {}", .0.message)]
    Config(Box<Diagnostic>),
    /// Its config is not that of a network on data with features.
    #[error("{} is not the config of a network", .0.display())]
    NoNetwork(PathBuf),
    /// What is to be predicted cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Its weights do not fit its config, or the device failed.
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl ShippedModel {
    /// The model in `folder`, on a device.
    ///
    /// # Errors
    /// A file of it cannot be read, or they do not fit together.
    pub fn open(folder: &ModelFolder, device: &OpenDevice) -> Result<Self, ShippedError> {
        let config = folder.config_path();
        let evaluated =
            script::evaluate(&config, &[]).map_err(|diagnostic| ShippedError::Config(Box::new(diagnostic)))?;
        let Outcome::Fit(fit) = evaluated.outcome else { return Err(ShippedError::NoNetwork(config)) };
        let Trained { classes, threshold, target, preprocessing, .. } = folder.description()?;
        let task = target.map_or(Task::Classes(classes.len()), |_| Task::Number);
        let Ok(Some(model)) = fit.learner().model(task) else { return Err(ShippedError::NoNetwork(config)) };
        let output = match target {
            Some(scaling) => Output::Number(scaling),
            None => Output::Classes { loss: model.loss, n_classes: classes.len() },
        };
        let table = match (fit.data(), &preprocessing) {
            (Some(DataSpec::CsvTable(table)), Preprocessing::Table { .. }) => Some(table.clone()),
            (Some(DataSpec::CsvTable(_)) | None, _) | (_, Preprocessing::Table { .. }) => {
                return Err(ShippedError::NoNetwork(config));
            }
            (Some(_), Preprocessing::Pictures(_)) => None,
        };
        let predictor = Predictor::load(&model, preprocessing, output, folder.weights()?, device)?;
        Ok(Self { predictor, classes, threshold: threshold.unwrap_or(0.5), table })
    }

    /// The names of the classes. Of two, the second is the positive one. None where it predicts a number.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Whether it takes tables rather than pictures.
    #[must_use]
    pub fn takes_tables(&self) -> bool {
        self.table.is_some()
    }

    /// What it says of the pictures in these files, or why one cannot be read, in their order.
    ///
    /// # Errors
    /// It takes tables, there is not enough memory for so many, or the device fails.
    pub fn pictures(&self, files: &[PathBuf]) -> Result<Vec<Result<Prediction, String>>, ShippedError> {
        let Preprocessing::Pictures(scaling) = self.predictor.preprocessing() else {
            unreachable!("the caller asks what it takes");
        };
        self.predict(&Unlabelled::pictures(files, scaling.size, scaling.channels())?)
    }

    /// What it says of the rows of a table, or why one cannot be read, in their order; and the names of columns that it
    /// does not know.
    ///
    /// # Errors
    /// The table cannot be read or lacks a column, or the device fails.
    #[expect(clippy::type_complexity, reason = "a list and what it leaves out")]
    pub fn table(&self, path: &Path) -> Result<(Vec<Result<Prediction, String>>, Vec<String>), ShippedError> {
        let (Preprocessing::Table { encoder }, Some(spec)) = (self.predictor.preprocessing(), &self.table) else {
            unreachable!("the caller asks what it takes");
        };
        let (rows, unknown) = Unlabelled::rows_of_table(path, encoder, spec)?;
        Ok((self.predict(&rows)?, unknown))
    }

    fn predict(&self, rows: &Unlabelled) -> Result<Vec<Result<Prediction, String>>, ShippedError> {
        let predictions: Vec<Prediction> = match self.predictor.say(rows)? {
            Said::Probabilities(probabilities) => {
                let of_row = |of_row: &[f32]| Prediction::Class {
                    class: decide(of_row, self.threshold),
                    probabilities: of_row.to_vec(),
                };
                probabilities.chunks_exact(self.classes.len()).map(of_row).collect()
            }
            Said::Numbers(numbers) => numbers.into_iter().map(Prediction::Number).collect(),
        };
        let mut predictions = predictions.into_iter();
        let of_row = |problem: &Option<String>| match problem {
            Some(problem) => Err(problem.clone()),
            None => Ok(predictions.next().expect("each row that could be read is predicted")),
        };
        Ok(rows.problems().iter().map(of_row).collect())
    }
}
