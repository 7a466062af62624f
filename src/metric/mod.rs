//! What a score is: the metric's name, the direction in which it is better, and its value for given predictions.
//!
//! [`Metric`] names a metric, [`Predictions`] are class probabilities beside the true classes, and [`evaluate()`]
//! brings both together by scikit-learn's definitions. [`youden_threshold`] chooses the decision threshold of two
//! classes. Which rows are predicted, and whether they may be looked at, is for others to say.

mod evaluate;
mod predictions;
mod roc;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::trial::Direction;

pub use evaluate::{confusion_matrix, evaluate, evaluate_all};
pub use predictions::{Predictions, PredictionsError, decide};
pub use roc::youden_threshold;

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
    /// The value of an objective given by a formula.
    Value,
}

impl Metric {
    /// Every metric, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::RocAuc,
        Self::LogLoss,
        Self::F1,
        Self::Precision,
        Self::Recall,
        Self::Value,
    ];

    /// The name in scripts, records and reports, such as `roc_auc`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced_accuracy",
            Self::RocAuc => "roc_auc",
            Self::LogLoss => "log_loss",
            Self::F1 => "f1",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Value => "value",
        }
    }

    /// The direction in which the metric is better; `None` for [`Metric::Value`], whose direction the experiment states.
    #[must_use]
    pub fn direction(self) -> Option<Direction> {
        match self {
            Self::Accuracy | Self::BalancedAccuracy | Self::RocAuc | Self::F1 | Self::Precision | Self::Recall => {
                Some(Direction::Maximize)
            }
            Self::LogLoss => Some(Direction::Minimize),
            Self::Value => None,
        }
    }

    /// The smallest and the largest value it can have; infinite where there is none.
    #[must_use]
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::Accuracy | Self::BalancedAccuracy | Self::RocAuc | Self::F1 | Self::Precision | Self::Recall => {
                (0.0, 1.0)
            }
            Self::LogLoss => (0.0, f64::INFINITY),
            Self::Value => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// Whether it is about decisions, which a threshold makes of probabilities.
    #[must_use]
    pub fn is_of_decisions(self) -> bool {
        match self {
            Self::Accuracy | Self::BalancedAccuracy | Self::F1 | Self::Precision | Self::Recall => true,
            Self::RocAuc | Self::LogLoss | Self::Value => false,
        }
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
             recall, value"
        );
    }

    #[test]
    fn only_a_loss_is_better_when_smaller_and_a_formula_has_no_direction_of_its_own() {
        assert_eq!(Metric::RocAuc.direction(), Some(Direction::Maximize));
        assert_eq!(Metric::LogLoss.direction(), Some(Direction::Minimize));
        assert_eq!(Metric::Value.direction(), None);
    }
}
