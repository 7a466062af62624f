//! What classifiers are judged by over all thresholds: ROC and precision-recall curves, and their means.
//!
//! Curves of several models are averaged vertically at equal distances (Fawcett 2006, algorithm 3): their scores are not
//! pooled, for scores of different models do not mean the same.

use crate::metric::ClassPredictions;

/// Steps of the horizontal axis at which curves are averaged.
pub(crate) const STEPS: usize = 100;

/// Counts at a threshold: positive and negative rows that score at least that much.
struct Above {
    positive: f64,
    negative: f64,
}

/// From the highest score to the lowest; rows of one score come together.
fn sweep(predictions: &ClassPredictions, class: usize) -> Option<Vec<Above>> {
    let targets = predictions.targets().iter().map(|target| *target == class);
    let mut rows: Vec<(f32, bool)> = predictions.scores(class).zip(targets).collect();
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut above = vec![Above { positive: 0.0, negative: 0.0 }];
    for equal in rows.chunk_by(|a, b| a.0 == b.0) {
        let last = above.last()?;
        #[expect(clippy::cast_precision_loss, reason = "rows are counted in memory")]
        let (n, n_positive) = (equal.len() as f64, equal.iter().filter(|row| row.1).count() as f64);
        let next = Above { positive: last.positive + n_positive, negative: last.negative + n - n_positive };
        above.push(next);
    }
    let all = above.last()?;
    (all.positive > 0.0 && all.negative > 0.0).then_some(above)
}

/// The classes whose curves are averaged: of two the positive one.
fn classes(predictions: &ClassPredictions) -> std::ops::Range<usize> {
    if predictions.n_classes() == 2 { 1..2 } else { 0..predictions.n_classes() }
}

/// True positive rates at false positive rates of 0, 1/100, ..., 1: of two classes those of class 1, of more the mean of
/// one against the rest. None when a class is missing, or all rows are of one.
pub(crate) fn roc(predictions: &ClassPredictions) -> Option<Vec<f64>> {
    mean_of(classes(predictions).map(|class| {
        let above = sweep(predictions, class)?;
        let all = above.last()?;
        let points: Vec<(f64, f64)> =
            above.iter().map(|at| (at.negative / all.negative, at.positive / all.positive)).collect();
        Some(grid().map(|x| interpolated(&points, x)).collect())
    }))
}

/// The last point at or before `x`, which is the highest there, and on the straight line from it to the next.
fn interpolated(points: &[(f64, f64)], x: f64) -> f64 {
    let next = points.partition_point(|point| point.0 <= x);
    let (x0, y0) = points[next.saturating_sub(1)];
    match points.get(next) {
        Some((x1, y1)) if x > x0 => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
        _ => y0,
    }
}

/// Precisions at recalls of 0, 1/100, ..., 1, each at the highest threshold that reaches the recall; classes as for
/// [`roc`]. Nothing is interpolated: between two points of this curve no straight line is right (Davis and Goadrich 2006).
pub(crate) fn precision_recall(predictions: &ClassPredictions) -> Option<Vec<f64>> {
    mean_of(classes(predictions).map(|class| {
        let above = sweep(predictions, class)?;
        let all = above.last()?.positive;
        let precision = |recall: f64| {
            // A recall of 0 is that of the first row found.
            let wanted = (recall * all).max(1.0) - 1e-9;
            let at = above.iter().find(|at| at.positive >= wanted);
            at.map_or(0.0, |at| at.positive / (at.positive + at.negative))
        };
        Some(grid().map(precision).collect())
    }))
}

/// The sum of precisions, each weighted by the recall it gains; classes as for [`roc`].
pub(crate) fn average_precision(predictions: &ClassPredictions) -> Option<f64> {
    let of_class = |class| {
        let above = sweep(predictions, class)?;
        let all = above.last()?.positive;
        let gain = |pair: &[Above]| {
            let [before, at] = pair else { return 0.0 };
            (at.positive - before.positive) / all * at.positive / (at.positive + at.negative)
        };
        Some(above.windows(2).map(gain).sum::<f64>())
    };
    mean_of(classes(predictions).map(|class| of_class(class).map(|value| vec![value]))).map(|mean| mean[0])
}

#[expect(clippy::cast_precision_loss, reason = "a hundred steps")]
fn grid() -> impl Iterator<Item = f64> {
    (0..=STEPS).map(|step| step as f64 / STEPS as f64)
}

/// The horizontal places of the values of a curve.
pub(crate) fn over_grid(values: &[f64]) -> Vec<(f64, f64)> {
    grid().zip(values.iter().copied()).collect()
}

/// The mean of equally long lists; none if one of them is missing, or all.
pub(crate) fn mean_of(lists: impl Iterator<Item = Option<Vec<f64>>>) -> Option<Vec<f64>> {
    let lists: Vec<Vec<f64>> = lists.collect::<Option<_>>()?;
    let first = lists.first()?;
    #[expect(clippy::cast_precision_loss, reason = "lists are few")]
    let n = lists.len() as f64;
    Some((0..first.len()).map(|at| lists.iter().map(|list| list[at]).sum::<f64>() / n).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn binary(rows: &[(f32, usize)]) -> ClassPredictions {
        let probabilities = rows.iter().flat_map(|&(score, _)| [1.0 - score, score]).collect();
        ClassPredictions::new(2, probabilities, rows.iter().map(|&(_, target)| target).collect()).unwrap()
    }

    fn close(found: &[f64], at: usize, wanted: f64) {
        assert!((found[at] - wanted).abs() < 1e-9, "at {at}: {} is not {wanted}", found[at]);
    }

    #[test]
    fn a_roc_curve_climbs_at_once_and_goes_straight_through_ties() {
        // Scores: .9 positive; .5 one of each; .1 negative. Points: (0, 0), (0, .5), (.5, 1), (1, 1).
        let curve = roc(&binary(&[(0.9, 1), (0.5, 1), (0.5, 0), (0.1, 0)])).unwrap();
        close(&curve, 0, 0.5);
        close(&curve, 25, 0.75);
        close(&curve, 50, 1.0);
        close(&curve, 100, 1.0);
    }

    #[test]
    fn precision_is_that_of_the_highest_threshold_that_reaches_the_recall() {
        // From above: positive, negative, positive. Recall 1/2 at precision 1, recall 1 at 2/3.
        let predictions = binary(&[(0.9, 1), (0.7, 0), (0.4, 1)]);
        let curve = precision_recall(&predictions).unwrap();
        close(&curve, 0, 1.0);
        close(&curve, 50, 1.0);
        close(&curve, 51, 2.0 / 3.0);
        close(&curve, 100, 2.0 / 3.0);
        // scikit-learn: average_precision_score([1, 0, 1], [.9, .7, .4]) = 1/2 * 1 + 1/2 * 2/3
        assert!((average_precision(&predictions).unwrap() - 5.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn of_more_classes_the_curves_of_one_against_the_rest_are_averaged() {
        // Class 0 and 1 are told apart without a mistake; class 2's rows tie with all others.
        let rows = vec![0.6, 0.2, 0.2, 0.2, 0.6, 0.2, 0.4, 0.4, 0.2];
        let curve = roc(&ClassPredictions::new(3, rows, vec![0, 1, 2]).unwrap()).unwrap();
        close(&curve, 0, 2.0 / 3.0);
        close(&curve, 100, 1.0);
        assert_eq!(roc(&binary(&[(0.5, 1), (0.7, 1)])), None);
    }
}
