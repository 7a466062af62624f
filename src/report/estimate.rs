//! How sure a metric is: the one place that decides what a report says of it, in words and as a range.

use crate::statistics::{ConfidenceInterval, Interval, Method};
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
    pub(crate) range_name: String,
}

/// The mean with what is known of how sure it is: an interval, else the spread of the folds.
pub(crate) fn estimate(metric: &MetricSummary) -> Estimate {
    let value = number(metric.mean);
    let folds = match metric.per_outer.len() {
        1 => "in the only outer fold".to_owned(),
        n => format!("on average over {}", count(n, "outer fold")),
    };
    if let Some(ConfidenceInterval { method, confidence, interval, .. }) = metric.intervals.first() {
        let name = format!("{:.0} % interval", confidence * 100.0);
        return Estimate {
            value,
            words: format!("{folds}; {name} {} ({})", range_words(interval), reach(*method)),
            range: Some((interval.low, interval.high)),
            range_name: format!("its {name} ({method})"),
        };
    }
    let Some(std) = metric.std else {
        return Estimate { value, words: folds, range: None, range_name: String::new() };
    };
    Estimate {
        value,
        words: format!("{folds}, with a standard deviation of {} between them", number(std)),
        range: Some((metric.mean - std, metric.mean + std)),
        range_name: "one standard deviation around it".to_owned(),
    }
}

/// An interval as it stands in a sentence or a cell.
pub(crate) fn range_words(interval: &Interval) -> String {
    format!("{} to {}", number(interval.low), number(interval.high))
}

/// What an interval holds for.
fn reach(method: Method) -> &'static str {
    match method {
        Method::CorrectedT => "corrected t: other folds, trained anew",
        Method::RowBootstrap => "row bootstrap: other test rows, these models",
        Method::Wilson => "Wilson: other test rows, these models",
    }
}

/// A metric's name for people, as in `ROC AUC`.
pub(crate) fn metric_name(name: &str) -> String {
    match name {
        "roc_auc" => "ROC AUC".to_owned(),
        "f1" => "F1".to_owned(),
        "r2" => "R²".to_owned(),
        "rmse" | "mae" | "mse" => name.to_uppercase(),
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
    #[test]
    fn an_interval_comes_before_the_spread() {
        let interval = ConfidenceInterval::new(Method::RowBootstrap, Interval { low: 0.75, high: 0.875 });
        let with = |per_outer| MetricSummary { intervals: vec![interval], ..MetricSummary::of(per_outer) };
        let two = estimate(&with(vec![0.7, 0.9]));
        assert_eq!(
            two.words,
            "on average over 2 outer folds; 95 % interval 0.7500 to 0.8750 (row bootstrap: other test rows, these models)"
        );
        assert_eq!((two.range, two.range_name.as_str()), (Some((0.75, 0.875)), "its 95 % interval (row bootstrap)"));
        let one = estimate(&with(vec![0.8]));
        assert!(one.words.starts_with("in the only outer fold; 95 % interval 0.7500 to 0.8750"), "{}", one.words);
    }
}
