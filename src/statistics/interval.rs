//! An interval and the method it comes from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The confidence of every interval.
pub const CONFIDENCE: f64 = 0.95;

/// Two ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// How an interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Over outer folds: [`CorrectedT`](super::CorrectedT).
    CorrectedT,
    /// Over test rows, with the models as they are: [`row_bootstrap`](super::row_bootstrap).
    RowBootstrap,
    /// Of a share of test rows: [`wilson`](super::wilson).
    Wilson,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CorrectedT => "corrected t",
            Self::RowBootstrap => "row bootstrap",
            Self::Wilson => "Wilson",
        })
    }
}

/// An interval as it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceInterval {
    /// How it was made.
    pub method: Method,
    /// In how many of a hundred cases it is to hold what is estimated, as a share.
    pub confidence: f64,
    /// Its ends.
    #[serde(flatten)]
    pub interval: Interval,
    /// With [`Method::RowBootstrap`], the number of resamples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_resamples: Option<usize>,
    /// With [`Method::CorrectedT`], the test rows to each training row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_over_train: Option<f64>,
}

impl ConfidenceInterval {
    /// An interval of [`CONFIDENCE`].
    #[must_use]
    pub fn new(method: Method, interval: Interval) -> Self {
        Self { method, confidence: CONFIDENCE, interval, n_resamples: None, test_over_train: None }
    }
}
