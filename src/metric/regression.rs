//! Metrics of predicted numbers.

use super::{Metric, NumberPredictions};

/// The value of `metric`; none of a metric of classes, and none of R2 where the target is the same in all rows.
pub(super) fn evaluate(metric: Metric, predictions: &NumberPredictions) -> Option<f64> {
    let errors = || predictions.values().iter().zip(predictions.targets()).map(|(value, target)| value - target);
    let n = predictions.targets().len() as f64;
    let squared = || errors().map(|error| error * error).sum::<f64>();
    match metric {
        Metric::Mse => Some(squared() / n),
        Metric::Rmse => Some((squared() / n).sqrt()),
        Metric::Mae => Some(errors().map(f64::abs).sum::<f64>() / n),
        Metric::R2 => {
            let targets = predictions.targets();
            if targets.iter().all(|target| *target == targets[0]) {
                return None;
            }
            let mean = targets.iter().sum::<f64>() / n;
            let variation: f64 = targets.iter().map(|target| (target - mean) * (target - mean)).sum();
            Some(1.0 - squared() / variation)
        }
        _ => None,
    }
}
