//! `folds.json`: what the folds of a run consist of: rows of each class, or the range of their numbers.

use serde::{Deserialize, Serialize};

/// Its name in a run's folder.
pub(super) const FILE: &str = "folds.json";

/// The folds of a run in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldCounts {
    /// Names of the classes; none of a regression.
    pub classes: Vec<String>,
    /// The outer folds, in order.
    pub outer: Vec<OuterCounts>,
}

impl FoldCounts {
    /// The text of the file.
    pub(super) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("the record has text keys");
        text.push('\n');
        text
    }
}

/// What some rows consist of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RowCounts {
    /// Rows of each class, in the order of [`FoldCounts::classes`].
    OfClasses(Vec<usize>),
    /// What numbers they have as their targets.
    Numbers {
        /// Number of rows.
        n: usize,
        /// The smallest target; none without a row.
        least: Option<f64>,
        /// The mean of the targets.
        mean: Option<f64>,
        /// The largest target.
        largest: Option<f64>,
    },
}

impl RowCounts {
    /// Number of rows.
    #[must_use]
    pub fn n(&self) -> usize {
        match self {
            Self::OfClasses(counts) => counts.iter().sum(),
            Self::Numbers { n, .. } => *n,
        }
    }
}

/// An outer fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OuterCounts {
    /// Test rows.
    pub test: RowCounts,
    /// Test rows whose features are exactly those of a row that an inner fold trains or validates on; none without features.
    pub test_duplicates: Option<usize>,
    /// Its inner folds, in order.
    pub inner: Vec<InnerCounts>,
}

/// An inner fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerCounts {
    /// Training rows.
    pub train: RowCounts,
    /// Validation rows.
    pub validation: RowCounts,
    /// Validation rows whose features are exactly those of a training row; none without features.
    pub validation_duplicates: Option<usize>,
}
