//! `warm_start.json`: the trials of another run that a search knew from the start, so that the run needs the other one no
//! more.

use serde::{Deserialize, Serialize};

use crate::trial::TrialRecord;

/// Its name in a run's folder.
pub(super) const FILE: &str = "warm_start.json";

/// What was taken from another run: all trials that had ended there, also those that do not fit the space of the search
/// they were taken for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlierTrials {
    /// The other run's id.
    pub run: String,
    /// What it was after, as in `maximize roc_auc, keeping recall at least 0.8`.
    pub objective: String,
    /// Digest of its data's content.
    pub data_fingerprint: Option<String>,
    /// Its studies, in the order of its plan.
    pub studies: Vec<EarlierStudy>,
}

/// A study of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlierStudy {
    /// As in `outer 0, inner 1`.
    pub study: String,
    /// For each of its folds, a digest of the train and the validation rows.
    pub rows: Vec<String>,
    /// Its trials that had ended, by number.
    pub trials: Vec<TrialRecord>,
}

impl EarlierTrials {
    /// The text of the file.
    pub(super) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("the record has text keys");
        text.push('\n');
        text
    }

    /// What the file holds.
    pub(super) fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
