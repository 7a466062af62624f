//! What was tested: outer folds, their rows, and the predictions of their models.

use std::collections::BTreeSet;

use crate::metric::{Metric, Predictions, evaluate};
use crate::statistics::mean;

/// A model and how it did on the test rows of its outer fold.
#[derive(Clone, Debug, PartialEq)]
pub struct TestedModel {
    /// What it predicted, in the order of the test rows.
    pub predictions: Predictions,
    /// The threshold of its decisions.
    pub threshold: f64,
}

/// An outer fold that models were tested on.
#[derive(Clone, Debug, PartialEq)]
pub struct TestedFold {
    n_train: usize,
    rows: Vec<String>,
    models: Vec<TestedModel>,
}

/// Why rows and models do not make a [`TestedFold`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestedFoldError {
    /// A model predicted another number of rows than there are.
    #[error("there are {n_rows} test rows, but predictions of {found}; put back a copy of the file")]
    Rows {
        /// Test rows of the fold.
        n_rows: usize,
        /// Rows that were predicted.
        found: usize,
    },
    /// Two models of a fold do not agree about what is true.
    #[error(
        "two models of one outer fold have other true classes for the same test rows; put back a copy of the files"
    )]
    Targets,
}

impl TestedFold {
    /// The fold whose procedure was given `n_train` rows to train on and to choose by, was tested on `rows`, and ended with these models;
    /// none if what they predicted is not known.
    ///
    /// # Errors
    /// A model predicted other rows, or two have other targets.
    pub fn new(n_train: usize, rows: Vec<String>, models: Vec<TestedModel>) -> Result<Self, TestedFoldError> {
        if let Some(other) = models.iter().find(|model| model.predictions.n_rows() != rows.len()) {
            return Err(TestedFoldError::Rows { n_rows: rows.len(), found: other.predictions.n_rows() });
        }
        if models.windows(2).any(|pair| pair[0].predictions.targets() != pair[1].predictions.targets()) {
            return Err(TestedFoldError::Targets);
        }
        Ok(Self { n_train, rows, models })
    }

    /// The ids of the test rows.
    #[must_use]
    pub fn rows(&self) -> &[String] {
        &self.rows
    }

    /// The models whose predictions are known.
    #[must_use]
    pub fn models(&self) -> &[TestedModel] {
        &self.models
    }

    /// The mean over the models; none where it is not defined, or without models.
    pub(super) fn value(&self, metric: Metric) -> Option<f64> {
        let values: Option<Vec<f64>> =
            self.models.iter().map(|model| evaluate(metric, &model.predictions, model.threshold)).collect();
        values.filter(|values| !values.is_empty()).map(|values| mean(&values))
    }

    /// The fold with these of its rows, each as often as it is given.
    pub(super) fn resampled(&self, rows: &[usize]) -> Vec<TestedModel> {
        let of_model = |model: &TestedModel| TestedModel {
            predictions: model.predictions.select(rows),
            threshold: model.threshold,
        };
        self.models.iter().map(of_model).collect()
    }

    /// The positions of its rows by their true class; all together where they have numbers.
    pub(super) fn by_class(&self) -> Vec<Vec<usize>> {
        let Some(model) = self.models.first() else { return Vec::new() };
        let Some(predictions) = model.predictions.of_classes() else {
            return vec![(0..model.predictions.n_rows()).collect()];
        };
        let mut classes = vec![Vec::new(); predictions.n_classes()];
        for (row, &target) in predictions.targets().iter().enumerate() {
            classes[target].push(row);
        }
        classes
    }
}

/// The outer folds that a run was tested on, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct OuterTests {
    folds: Vec<TestedFold>,
    has_groups: bool,
}

/// Why nothing is concluded from single test rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRowStatistics {
    /// What the models predicted is not known.
    #[error("what was predicted for single test rows is not recorded")]
    NoPredictions,
    /// Rows of a group are alike.
    #[error("the rows come in groups, and rows of one group do not count as independent")]
    Groups,
    /// Folds share rows.
    #[error("a row is a test row of several outer folds, so that test rows are not independent")]
    SharedRows,
}

/// A metric that is not defined for what was predicted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{metric} is not defined for the test rows of outer fold {fold}: a class that it needs does not occur there; choose another metric"
)]
pub struct Undefined {
    /// The metric.
    pub metric: Metric,
    /// The fold's position.
    pub fold: usize,
}

impl OuterTests {
    /// These folds; `has_groups` if rows of the data come in groups.
    #[must_use]
    pub fn new(folds: Vec<TestedFold>, has_groups: bool) -> Self {
        Self { folds, has_groups }
    }

    /// The folds.
    #[must_use]
    pub fn folds(&self) -> &[TestedFold] {
        &self.folds
    }

    /// Test rows to each row that the procedure was given to train on and to choose by, over all folds: n_test / n_train of the
    /// corrected t. Validation rows count as training rows, for a fold's procedure learns from them too.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "rows are counted far below 2^53")]
    pub fn test_over_train(&self) -> f64 {
        let n_test: usize = self.folds.iter().map(|fold| fold.rows.len()).sum();
        let n_train: usize = self.folds.iter().map(|fold| fold.n_train).sum();
        n_test as f64 / n_train as f64
    }

    /// Whether the predictions of every fold are known.
    #[must_use]
    pub fn has_predictions(&self) -> bool {
        self.folds.iter().all(|fold| !fold.models.is_empty())
    }

    /// The value of each fold: the mean over its models.
    ///
    /// # Errors
    /// It is not defined in one.
    pub fn per_outer(&self, metric: Metric) -> Result<Vec<f64>, Undefined> {
        let value = |(fold, tested): (usize, &TestedFold)| tested.value(metric).ok_or(Undefined { metric, fold });
        self.folds.iter().enumerate().map(value).collect()
    }

    /// The folds, if single rows of them can be concluded from.
    ///
    /// # Errors
    /// Predictions are not known, rows come in groups, or folds share rows.
    pub fn rows(&self) -> Result<&[TestedFold], NoRowStatistics> {
        if !self.has_predictions() {
            return Err(NoRowStatistics::NoPredictions);
        }
        if self.has_groups {
            return Err(NoRowStatistics::Groups);
        }
        let mut seen = BTreeSet::new();
        if self.folds.iter().flat_map(|fold| &fold.rows).any(|row| !seen.insert(row)) {
            return Err(NoRowStatistics::SharedRows);
        }
        Ok(&self.folds)
    }
}
