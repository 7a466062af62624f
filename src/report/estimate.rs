//! How sure a metric is: the one place that decides what a report says of it, in words and as a range.

use crate::store::MetricSummary;
use crate::wording::{count, number};

/// A metric over outer folds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Estimate {
    /// The mean.
    pub(crate) value: String,
    /// What is to be said of it, as in `on average over 4 outer folds, with ...`.
    pub(crate) words: String,
    /// What is shaded around the mean.
    pub(crate) range: Option<(f64, f64)>,
    /// What the shading is.
    pub(crate) range_name: &'static str,
}

/// The mean with what is known of its spread.
pub(crate) fn estimate(metric: &MetricSummary) -> Estimate {
    let value = number(metric.mean);
    let Some(std) = metric.std else {
        return Estimate { value, words: "in the only outer fold".to_owned(), range: None, range_name: "" };
    };
    let folds = count(metric.per_outer.len(), "outer fold");
    Estimate {
        value,
        words: format!("on average over {folds}, with a standard deviation of {} between them", number(std)),
        range: Some((metric.mean - std, metric.mean + std)),
        range_name: "one standard deviation around the mean",
    }
}

/// A metric's name for people, as in `ROC AUC`.
pub(crate) fn metric_name(name: &str) -> String {
    match name {
        "roc_auc" => "ROC AUC".to_owned(),
        "f1" => "F1".to_owned(),
        other => other.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_needs_two_folds() {
        let two = estimate(&MetricSummary::of(vec![0.7, 0.9]));
        assert_eq!(two.value, "0.8000");
        assert_eq!(two.words, "on average over 2 outer folds, with a standard deviation of 0.1414 between them");
        let (low, high) = two.range.expect("there are two");
        assert!((low - (0.8 - 0.02_f64.sqrt())).abs() < 1e-12 && (high - (0.8 + 0.02_f64.sqrt())).abs() < 1e-12);
        let one = estimate(&MetricSummary::of(vec![0.7]));
        assert_eq!((one.value.as_str(), one.words.as_str(), one.range), ("0.7000", "in the only outer fold", None));
    }
}
