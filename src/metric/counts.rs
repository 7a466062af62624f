//! What is counted: how often each class is decided for rows of each class, and the metrics of these counts.

use super::{ClassPredictions, Metric, Predictions};

/// Number of rows by true class and decided class: `[true][decided]`; see [`ClassPredictions::decisions`]. Empty for numbers.
#[must_use]
pub fn confusion_matrix(predictions: &Predictions, threshold: f64) -> Vec<Vec<usize>> {
    predictions.of_classes().map_or_else(Vec::new, |predictions| matrix(predictions, threshold))
}

fn matrix(predictions: &ClassPredictions, threshold: f64) -> Vec<Vec<usize>> {
    let n_classes = predictions.n_classes();
    let mut matrix = vec![vec![0; n_classes]; n_classes];
    for (&target, decision) in predictions.targets().iter().zip(predictions.decisions(threshold)) {
        matrix[target][decision] += 1;
    }
    matrix
}

/// The value of a metric of decisions; see [`super::evaluate()`] for what each is. None of any other metric.
pub(super) fn of_decisions(metric: Metric, predictions: &ClassPredictions, threshold: f64) -> Option<f64> {
    let counts = class_counts(&matrix(predictions, threshold));
    Some(match metric {
        // Each row is decided once, so what is wrong for one class is missed for another: precision and recall of all
        // counts together are the accuracy.
        Metric::Accuracy | Metric::F1Micro => share(counts.iter().map(|c| c.correct).sum(), predictions.n_rows()),
        Metric::BalancedAccuracy => mean(counts.iter().filter(|c| c.actual > 0).map(Counts::recall)),
        Metric::Precision => positive_or_mean(&counts, Counts::precision),
        Metric::Recall => positive_or_mean(&counts, Counts::recall),
        Metric::F1 => positive_or_mean(&counts, Counts::f1),
        Metric::PrecisionMacro => mean_over_classes(&counts, Counts::precision),
        Metric::RecallMacro => mean_over_classes(&counts, Counts::recall),
        Metric::F1Macro => mean_over_classes(&counts, Counts::f1),
        Metric::MatthewsCorrcoef => correlation(&counts, predictions.n_rows()),
        _ => return None,
    })
}

/// Gorodkin's correlation of two partitions into classes (2004), which is Matthews' for two; 0 where one of them is all of
/// one class.
fn correlation(counts: &[Counts], n_rows: usize) -> f64 {
    let sum = |of: &dyn Fn(&Counts) -> usize| counts.iter().map(|c| of(c) as i128).sum::<i128>();
    let n = n_rows as i128;
    let together = sum(&|c| c.correct) * n - sum(&|c| c.actual * c.decided);
    let spread = |of: &dyn Fn(&Counts) -> usize| (n * n - sum(&|c| of(c) * of(c))) as f64;
    let spreads = spread(&|c| c.actual).sqrt() * spread(&|c| c.decided).sqrt();
    if spreads == 0.0 { 0.0 } else { together as f64 / spreads }
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

/// The score of class 1 for two classes, else the mean over classes.
fn positive_or_mean(counts: &[Counts], score: impl Fn(&Counts) -> f64) -> f64 {
    match counts {
        [_, positive] => score(positive),
        _ => mean_over_classes(counts, score),
    }
}

/// The mean over classes that occur among targets or decisions.
fn mean_over_classes(counts: &[Counts], score: impl Fn(&Counts) -> f64) -> f64 {
    mean(counts.iter().filter(|c| c.actual + c.decided > 0).map(score))
}
