//! Values of the classification metrics, by scikit-learn's definitions.

use super::{Metric, Predictions, roc};

/// The value of `metric`, or `None` where it is not defined.
///
/// - Decisions are those of [`Predictions::decisions`]: of two classes class 1 is positive where its probability is
///   at least `threshold`; of more the most probable class counts and `threshold` has no effect.
/// - F1, precision and recall are those of class 1 for two classes. For more they are unweighted means over the
///   classes that occur among targets or decisions. A share of nothing is 0.
/// - Balanced accuracy is the mean recall over the classes that occur among the targets.
/// - ROC AUC is not defined when one of two classes does not occur, or any of more (the mean of one-vs-rest areas).
/// - Log loss clips probabilities, widened to `f64`, to `2^-52 ..= 1 - 2^-52`; one certain mistake costs 36.04.
/// - [`Metric::Value`] is no function of predictions and never defined.
#[must_use]
pub fn evaluate(metric: Metric, predictions: &Predictions, threshold: f64) -> Option<f64> {
    match metric {
        Metric::RocAuc => roc::roc_auc(predictions),
        Metric::LogLoss => Some(log_loss(predictions)),
        Metric::Value => None,
        Metric::Accuracy | Metric::BalancedAccuracy | Metric::F1 | Metric::Precision | Metric::Recall => {
            let counts = class_counts(&confusion_matrix(predictions, threshold));
            Some(match metric {
                Metric::Accuracy => share(counts.iter().map(|c| c.correct).sum(), predictions.n_rows()),
                Metric::BalancedAccuracy => mean(counts.iter().filter(|c| c.actual > 0).map(Counts::recall)),
                Metric::Precision => positive_or_mean(&counts, Counts::precision),
                Metric::Recall => positive_or_mean(&counts, Counts::recall),
                _ => positive_or_mean(&counts, Counts::f1),
            })
        }
    }
}

/// Every classification metric that is defined, in the order of [`Metric::ALL`]; see [`evaluate`].
#[must_use]
pub fn evaluate_all(predictions: &Predictions, threshold: f64) -> Vec<(Metric, f64)> {
    Metric::ALL
        .into_iter()
        .filter_map(|metric| evaluate(metric, predictions, threshold).map(|value| (metric, value)))
        .collect()
}

/// Number of rows by true class and decided class: `[true][decided]`; see [`Predictions::decisions`].
#[must_use]
pub fn confusion_matrix(predictions: &Predictions, threshold: f64) -> Vec<Vec<usize>> {
    let n_classes = predictions.n_classes();
    let mut matrix = vec![vec![0; n_classes]; n_classes];
    for (&target, decision) in predictions.targets().iter().zip(predictions.decisions(threshold)) {
        matrix[target][decision] += 1;
    }
    matrix
}

/// Rows of one class.
struct Counts {
    /// Of the class and decided so.
    correct: usize,
    /// Of the class.
    actual: usize,
    /// Decided as the class.
    decided: usize,
}

impl Counts {
    fn recall(&self) -> f64 {
        share(self.correct, self.actual)
    }

    fn precision(&self) -> f64 {
        share(self.correct, self.decided)
    }

    fn f1(&self) -> f64 {
        share(2 * self.correct, self.actual + self.decided)
    }
}

fn class_counts(confusion: &[Vec<usize>]) -> Vec<Counts> {
    (0..confusion.len())
        .map(|class| Counts {
            correct: confusion[class][class],
            actual: confusion[class].iter().sum(),
            decided: confusion.iter().map(|of_class| of_class[class]).sum(),
        })
        .collect()
}

/// `part / whole`, and 0 for a share of nothing.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The mean; every caller has at least one value, because there is at least one row.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0_usize), |(sum, n), value| (sum + value, n + 1));
    sum / n as f64
}

/// The score of class 1 for two classes, else the mean over classes that occur among targets or decisions.
fn positive_or_mean(counts: &[Counts], score: impl Fn(&Counts) -> f64) -> f64 {
    match counts {
        [_, positive] => score(positive),
        _ => mean(counts.iter().filter(|c| c.actual + c.decided > 0).map(score)),
    }
}

fn log_loss(predictions: &Predictions) -> f64 {
    let rows = predictions.probabilities().chunks_exact(predictions.n_classes());
    let losses = rows
        .zip(predictions.targets())
        .map(|(of_row, &target)| -libm::log(f64::from(of_row[target]).clamp(f64::EPSILON, 1.0 - f64::EPSILON)));
    mean(losses)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::metric::youden_threshold;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        n_classes: usize,
        threshold: f64,
        /// Float32 values, `[row][class]`.
        probabilities: Vec<f32>,
        targets: Vec<usize>,
        confusion_matrix: Vec<Vec<usize>>,
        metrics: std::collections::BTreeMap<Metric, Option<f64>>,
        youden_threshold: Option<f64>,
    }

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-9 * expected.abs()
    }

    #[test]
    fn every_metric_equals_that_of_scikit_learn() {
        let fixture: Fixture = serde_json::from_str(include_str!("../../tests/fixtures/metrics_sklearn.json")).unwrap();
        assert!(fixture.cases.len() >= 8);
        for case in fixture.cases {
            let name = &case.name;
            let predictions = Predictions::new(case.n_classes, case.probabilities, case.targets).unwrap();
            assert_eq!(confusion_matrix(&predictions, case.threshold), case.confusion_matrix, "{name}");
            assert_eq!(case.metrics.len(), Metric::ALL.len() - 1, "{name}");
            for (&metric, &expected) in &case.metrics {
                let found = evaluate(metric, &predictions, case.threshold);
                let equal = match (found, expected) {
                    (Some(found), Some(expected)) => close(found, expected),
                    (found, expected) => found == expected,
                };
                assert!(equal, "{name}: {metric} is {found:?}, not {expected:?}");
            }
            assert_eq!(youden_threshold(&predictions), case.youden_threshold, "{name}");
        }
    }

    #[test]
    fn all_metrics_come_in_one_order_without_the_undefined() {
        // Decisions at .5: 1, 0, 1, 1.
        let probabilities = vec![0.25, 0.75, 0.75, 0.25, 0.5, 0.5, 0.0, 1.0];
        let both = Predictions::new(2, probabilities, vec![1, 0, 0, 1]).unwrap();
        let log_loss = -(2.0 * 0.75_f64.ln() + 0.5_f64.ln()) / 4.0;
        let found = evaluate_all(&both, 0.5);
        let expected = [
            (Metric::Accuracy, 0.75),
            (Metric::BalancedAccuracy, 0.75),
            (Metric::RocAuc, 1.0),
            (Metric::LogLoss, log_loss),
            (Metric::F1, 0.8),
            (Metric::Precision, 2.0 / 3.0),
            (Metric::Recall, 1.0),
        ];
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found.0, expected.0);
            assert!(close(found.1, expected.1), "{found:?} {expected:?}");
        }

        let one = Predictions::new(2, vec![0.25, 0.75], vec![1]).unwrap();
        let names: Vec<&str> = evaluate_all(&one, 0.5).iter().map(|(metric, _)| metric.name()).collect();
        assert_eq!(names, ["accuracy", "balanced_accuracy", "log_loss", "f1", "precision", "recall"]);
    }

    #[test]
    fn a_certain_mistake_costs_what_the_clip_says() {
        let wrong = Predictions::new(2, vec![1.0, 0.0], vec![1]).unwrap();
        assert!(close(evaluate(Metric::LogLoss, &wrong, 0.5).unwrap(), 52.0 * std::f64::consts::LN_2));
    }
}
