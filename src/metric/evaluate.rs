//! Values of the metrics, by scikit-learn's definitions.

use super::{ClassPredictions, Metric, Predictions, calibration, counts, ranking, regression};

/// The value of `metric`, or `None` where it is not defined.
///
/// Of classes:
/// - Decisions are those of [`ClassPredictions::decisions`]: of two classes class 1 is positive where its probability is
///   at least `threshold`; of more the most probable class counts and `threshold` has no effect.
/// - F1, precision and recall are those of class 1 for two classes. For more they are unweighted means over the
///   classes that occur among targets or decisions, as the `_macro` ones are also for two. A share of nothing is 0.
/// - Balanced accuracy is the mean recall over the classes that occur among the targets.
/// - ROC AUC is not defined when one of two classes does not occur, or any of more (the mean of one-vs-rest areas). Nor is
///   average precision without a row of class 1, or of any of more than two classes.
/// - Log loss clips probabilities, widened to `f64`, to `2^-52 ..= 1 - 2^-52`; one certain mistake costs 36.04.
/// - The Brier score is the mean of `(p - y)^2` of class 1 for two classes; for more it is summed over the classes, from 0 to 2.
/// - The expected calibration error (Guo et al. 2017) has 15 bins of equal width, closed above, of the probability of the
///   most probable class. `threshold` has no effect on it.
/// - Matthews' correlation is 0 where all rows are decided, or are, of one class.
///
/// Of numbers: R2 is not defined where the target is the same in all rows.
///
/// A metric of classes is not defined for numbers, nor the other way round; and [`Metric::Value`] is no function of
/// predictions and never defined.
#[must_use]
pub fn evaluate(metric: Metric, predictions: &Predictions, threshold: f64) -> Option<f64> {
    match predictions {
        Predictions::Classes(predictions) => of_classes(metric, predictions, threshold),
        Predictions::Numbers(predictions) => regression::evaluate(metric, predictions),
    }
}

fn of_classes(metric: Metric, predictions: &ClassPredictions, threshold: f64) -> Option<f64> {
    match metric {
        Metric::RocAuc => ranking::roc_auc(predictions),
        Metric::AveragePrecision => ranking::average_precision(predictions),
        Metric::Top5Accuracy => Some(ranking::top_accuracy(predictions, 5)),
        Metric::LogLoss => Some(calibration::log_loss(predictions)),
        Metric::Brier => Some(calibration::brier(predictions)),
        Metric::ExpectedCalibrationError => Some(calibration::expected_error(predictions)),
        other => counts::of_decisions(other, predictions, threshold),
    }
}

/// Every metric that is reported of such predictions and defined, in the order of [`Metric::ALL`]; see [`evaluate`].
#[must_use]
pub fn evaluate_all(predictions: &Predictions, threshold: f64) -> Vec<(Metric, f64)> {
    evaluate_also(predictions, threshold, &[])
}

/// The same, with those that are `named` among them.
#[must_use]
pub fn evaluate_also(predictions: &Predictions, threshold: f64, named: &[Metric]) -> Vec<(Metric, f64)> {
    Metric::ALL
        .into_iter()
        .filter(|metric| metric.is_reported() || named.contains(metric))
        .filter_map(|metric| evaluate(metric, predictions, threshold).map(|value| (metric, value)))
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::metric::{confusion_matrix, youden_threshold};
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
        regressions: Vec<Regression>,
    }

    #[derive(Deserialize)]
    struct Regression {
        name: String,
        values: Vec<f64>,
        targets: Vec<f64>,
        metrics: std::collections::BTreeMap<Metric, Option<f64>>,
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
        // Of a sum that cancels, rounding is left.
        (found - expected).abs() <= 1e-9 * expected.abs() + 1e-15
    }

    fn fixture() -> Fixture {
        serde_json::from_str(include_str!("../../tests/fixtures/metrics_sklearn.json")).unwrap()
    }

    fn assert_equal(
        expected: &std::collections::BTreeMap<Metric, Option<f64>>,
        predictions: &Predictions,
        threshold: f64,
        name: &str,
    ) {
        for (&metric, &expected) in expected {
            let found = evaluate(metric, predictions, threshold);
            let equal = match (found, expected) {
                (Some(found), Some(expected)) => close(found, expected),
                (found, expected) => found == expected,
            };
            assert!(equal, "{name}: {metric} is {found:?}, not {expected:?}");
        }
    }

    #[test]
    fn every_metric_of_numbers_equals_that_of_scikit_learn() {
        let cases = fixture().regressions;
        assert!(cases.len() >= 4);
        for Regression { name, values, targets, metrics } in cases {
            let predictions = Predictions::of_numbers(values, targets).unwrap();
            assert_eq!(metrics.len(), Metric::ALL.iter().filter(|m| m.is_of_numbers()).count(), "{name}");
            assert_equal(&metrics, &predictions, 0.5, &name);
            let defined = metrics.values().flatten().count();
            assert_eq!(evaluate_all(&predictions, 0.5).len(), defined, "{name}: no metric of classes among them");
        }
    }

    #[test]
    fn every_metric_equals_that_of_scikit_learn() {
        let cases = fixture().cases;
        assert!(cases.len() >= 13);
        for case in cases {
            let name = &case.name;
            let predictions = Predictions::new(case.n_classes, case.probabilities, case.targets).unwrap();
            assert_eq!(confusion_matrix(&predictions, case.threshold), case.confusion_matrix, "{name}");
            assert_eq!(case.metrics.len(), Metric::ALL.iter().filter(|m| !m.is_of_numbers()).count() - 1, "{name}");
            assert_equal(&case.metrics, &predictions, case.threshold, name);
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
    fn a_metric_that_is_not_reported_comes_where_it_is_named() {
        let rows = Predictions::new(2, vec![0.25, 0.75], vec![1]).unwrap();
        let named = |named: &[Metric]| -> Vec<&str> {
            evaluate_also(&rows, 0.5, named).iter().map(|(metric, _)| metric.name()).collect()
        };
        assert_eq!(named(&[Metric::Rmse, Metric::Brier, Metric::Recall])[5..], ["recall", "brier"]);
        assert_eq!(named(&[])[5..], ["recall"]);
    }

    #[test]
    fn a_certain_mistake_costs_what_the_clip_says() {
        let wrong = Predictions::new(2, vec![1.0, 0.0], vec![1]).unwrap();
        assert!(close(evaluate(Metric::LogLoss, &wrong, 0.5).unwrap(), 52.0 * std::f64::consts::LN_2));
    }
}
