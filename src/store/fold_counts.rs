//! `folds.json`: what the folds of a run consist of, class by class.

use serde::{Deserialize, Serialize};

/// Its name in a run's folder.
pub(super) const FILE: &str = "folds.json";

/// The folds of a run in numbers. Each list of counts has an entry a class, in the order of `classes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldCounts {
    /// Names of the classes.
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

/// An outer fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OuterCounts {
    /// Test rows of each class.
    pub test: Vec<usize>,
    /// Test rows whose features are exactly those of a row that an inner fold trains or validates on; none without features.
    pub test_duplicates: Option<usize>,
    /// Its inner folds, in order.
    pub inner: Vec<InnerCounts>,
}

/// An inner fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerCounts {
    /// Training rows of each class.
    pub train: Vec<usize>,
    /// Validation rows of each class.
    pub validation: Vec<usize>,
    /// Validation rows whose features are exactly those of a training row; none without features.
    pub validation_duplicates: Option<usize>,
}
