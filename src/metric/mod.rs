//! What a score is: the metric's name, the direction in which it is better, and its value for given predictions.
//!
//! [`Metric`] names a metric, [`Predictions`] are class probabilities beside the true classes, or numbers beside the true
//! numbers, and [`evaluate()`] brings both together by scikit-learn's definitions. [`youden_threshold`] chooses the decision
//! threshold of two classes. Which rows are predicted, and whether they may be looked at, is for others to say.

mod calibration;
mod counts;
mod evaluate;
mod predictions;
mod ranking;
mod regression;
mod task;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::trial::Direction;

pub use counts::confusion_matrix;
pub use evaluate::{evaluate, evaluate_all, evaluate_also};
pub use predictions::{ClassPredictions, NumberPredictions, Predictions, PredictionsError, decide};
pub use ranking::youden_threshold;
pub use task::Task;

/// What a fit or a trial is scored by. Scripts, records and reports write its [name](Metric::name).
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of rows whose predicted class is the true one.
    Accuracy,
    /// Mean recall over the classes that occur among the targets.
    BalancedAccuracy,
    /// Area under the ROC curve; for more than two classes the mean of one-vs-rest areas.
    RocAuc,
    /// Mean negative natural logarithm of the probability given to the true class.
    LogLoss,
    /// Harmonic mean of precision and recall.
    F1,
    /// Share of rows predicted as a class that are of that class.
    Precision,
    /// Share of rows of a class that are predicted as that class.
    Recall,
    /// Share of rows whose true class is among the five most probable ones.
    #[serde(rename = "top_5_accuracy")]
    Top5Accuracy,
    /// Mean F1 over the classes.
    F1Macro,
    /// F1 of all classes' counts together; where each row has one class, the accuracy.
    F1Micro,
    /// Mean precision over the classes.
    PrecisionMacro,
    /// Mean recall over the classes.
    RecallMacro,
    /// How far the probability of the most probable class is from how often that class is the true one, on average.
    ExpectedCalibrationError,
    /// Mean squared distance of the probabilities from the truth.
    Brier,
    /// Area under the steps of the precision-recall curve; for more than two classes the mean of one-vs-rest areas.
    AveragePrecision,
    /// Correlation of decided and true classes.
    MatthewsCorrcoef,
    /// Of a regression: the share of the variance that is explained.
    R2,
    /// Of a regression: root of the mean squared error.
    Rmse,
    /// Of a regression: mean absolute error.
    Mae,
    /// Of a regression: mean squared error.
    Mse,
    /// The value of an objective given by a formula.
    Value,
}

/// What is known of a metric.
struct Facts {
    name: &'static str,
    /// The direction in which it is better.
    direction: Option<Direction>,
    /// The smallest and the largest value.
    range: (f64, f64),
    /// Whether it is about decisions.
    is_of_decisions: bool,
    /// Whether it is recorded of every model it fits.
    is_reported: bool,
}

impl Facts {
    /// From 0 to 1, and better when larger.
    const fn share(name: &'static str) -> Self {
        let range = (0.0, 1.0);
        Self { name, direction: Some(Direction::Maximize), range, is_of_decisions: false, is_reported: false }
    }

    /// At least 0, and better when smaller.
    const fn error(name: &'static str) -> Self {
        let range = (0.0, f64::INFINITY);
        Self { name, direction: Some(Direction::Minimize), range, is_of_decisions: false, is_reported: false }
    }

    const fn of_decisions(self) -> Self {
        Self { is_of_decisions: true, ..self }
    }

    const fn reported(self) -> Self {
        Self { is_reported: true, ..self }
    }

    const fn within(self, low: f64, high: f64) -> Self {
        Self { range: (low, high), ..self }
    }
}

impl Metric {
    /// Every metric, in the order of reports.
    pub const ALL: [Self; 21] = [
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::RocAuc,
        Self::LogLoss,
        Self::F1,
        Self::Precision,
        Self::Recall,
        Self::Top5Accuracy,
        Self::F1Macro,
        Self::F1Micro,
        Self::PrecisionMacro,
        Self::RecallMacro,
        Self::ExpectedCalibrationError,
        Self::Brier,
        Self::AveragePrecision,
        Self::MatthewsCorrcoef,
        Self::R2,
        Self::Rmse,
        Self::Mae,
        Self::Mse,
        Self::Value,
    ];

    const fn facts(self) -> Facts {
        match self {
            Self::Accuracy => Facts::share("accuracy").of_decisions().reported(),
            Self::BalancedAccuracy => Facts::share("balanced_accuracy").of_decisions().reported(),
            Self::RocAuc => Facts::share("roc_auc").reported(),
            Self::LogLoss => Facts::error("log_loss").reported(),
            Self::F1 => Facts::share("f1").of_decisions().reported(),
            Self::Precision => Facts::share("precision").of_decisions().reported(),
            Self::Recall => Facts::share("recall").of_decisions().reported(),
            Self::Top5Accuracy => Facts::share("top_5_accuracy"),
            Self::F1Macro => Facts::share("f1_macro").of_decisions(),
            Self::F1Micro => Facts::share("f1_micro").of_decisions(),
            Self::PrecisionMacro => Facts::share("precision_macro").of_decisions(),
            Self::RecallMacro => Facts::share("recall_macro").of_decisions(),
            Self::ExpectedCalibrationError => Facts::error("expected_calibration_error").within(0.0, 1.0),
            Self::Brier => Facts::error("brier").within(0.0, 2.0),
            Self::AveragePrecision => Facts::share("average_precision"),
            Self::MatthewsCorrcoef => Facts::share("matthews_corrcoef").within(-1.0, 1.0).of_decisions(),
            Self::R2 => Facts::share("r2").within(f64::NEG_INFINITY, 1.0).reported(),
            Self::Rmse => Facts::error("rmse").reported(),
            Self::Mae => Facts::error("mae").reported(),
            Self::Mse => Facts::error("mse").reported(),
            Self::Value => Facts { direction: None, ..Facts::error("value").within(f64::NEG_INFINITY, f64::INFINITY) },
        }
    }

    /// The name in scripts, records and reports, such as `roc_auc`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The direction in which the metric is better; `None` for [`Metric::Value`], whose direction the experiment states.
    #[must_use]
    pub fn direction(self) -> Option<Direction> {
        self.facts().direction
    }

    /// The smallest and the largest value it can have; infinite where there is none.
    #[must_use]
    pub fn range(self) -> (f64, f64) {
        self.facts().range
    }

    /// Whether it is about decisions, which a threshold makes of probabilities.
    #[must_use]
    pub fn is_of_decisions(self) -> bool {
        self.facts().is_of_decisions
    }

    /// Whether it is recorded of every model it fits; another is computed where an experiment names it.
    #[must_use]
    pub fn is_reported(self) -> bool {
        self.facts().is_reported
    }

    /// Whether it is one of models that predict a number; every other but [`Metric::Value`] is one of models that tell
    /// classes apart.
    #[must_use]
    pub fn is_of_numbers(self) -> bool {
        matches!(self, Self::R2 | Self::Rmse | Self::Mae | Self::Mse)
    }

    /// Why it has no value, where [`evaluate()`] gives none: as in `r2 has no value: ...`.
    #[must_use]
    pub fn why_undefined(self) -> String {
        let why = if self.is_of_numbers() { "the target is the same in all" } else { "a class is missing among the" };
        format!("{self} has no value: {why} validation rows")
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no metric.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no metric is called `{name}`; the metrics are {}", Metric::ALL.map(Metric::name).join(", "))]
pub struct UnknownMetric {
    /// The text.
    pub name: String,
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        Self::ALL
            .into_iter()
            .find(|metric| metric.name() == text)
            .ok_or_else(|| UnknownMetric { name: text.to_owned() })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_read_and_written_by_its_name() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
            assert_eq!(metric.to_string(), metric.name());
            let json = serde_json::to_string(&metric).unwrap();
            assert_eq!(json, format!("\"{}\"", metric.name()));
            assert_eq!(serde_json::from_str::<Metric>(&json).unwrap(), metric);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        assert_eq!(
            "auc".parse::<Metric>().unwrap_err().to_string(),
            "no metric is called `auc`; the metrics are accuracy, balanced_accuracy, roc_auc, log_loss, f1, precision, \
             recall, top_5_accuracy, f1_macro, f1_micro, precision_macro, recall_macro, expected_calibration_error, brier, \
             average_precision, matthews_corrcoef, r2, rmse, mae, mse, value"
        );
    }

    #[test]
    fn only_losses_are_better_when_smaller_and_a_formula_has_no_direction_of_its_own() {
        let of = |direction: Option<Direction>| -> Vec<&str> {
            Metric::ALL.iter().filter(|metric| metric.direction() == direction).map(|metric| metric.name()).collect()
        };
        assert_eq!(
            of(Some(Direction::Minimize)),
            ["log_loss", "expected_calibration_error", "brier", "rmse", "mae", "mse"]
        );
        assert_eq!(of(None), ["value"]);
    }
}
