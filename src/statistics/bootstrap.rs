//! The bootstrap of test rows.

use rayon::prelude::*;

use super::interval::{CONFIDENCE, Interval};
use super::sample::mean;
use crate::seed::{Seed, Stream};

/// Resamples of every interval.
pub const RESAMPLES: usize = 2000;

/// What is resampled: for each outer fold, the positions of its test rows by class.
pub type Resampling = [Vec<Vec<usize>>];

/// Percentile intervals of statistics of the test rows, with the models as they are (Efron and Tibshirani 1993, chapter 13).
///
/// `statistics` gives them for rows of one fold, given by its position; a resample draws as many rows with replacement from
/// each class of each fold as there are, and has the mean over the folds of each. So scores of different models are never
/// taken together. It is done [`RESAMPLES`] times, with a seed of its own: equal rows have equal intervals, whatever the
/// number of threads. A statistic that is not defined in some resample has none.
///
/// Rows count as independent; what other training rows would have changed is not in the interval.
pub fn row_bootstrap(
    folds: &Resampling,
    n_statistics: usize,
    statistics: impl Fn(usize, &[usize]) -> Vec<Option<f64>> + Sync,
) -> Vec<Option<Interval>> {
    let seed = Seed::root(0).child("row bootstrap");
    let resample = |number: usize| -> Vec<Option<f64>> {
        let mut stream = seed.child_at("resample", number).stream();
        let of_folds: Vec<Vec<Option<f64>>> =
            folds.iter().enumerate().map(|(fold, classes)| statistics(fold, &draw(classes, &mut stream))).collect();
        let over_folds = |index: usize| of_folds.iter().map(|of_fold| of_fold[index]).collect::<Option<Vec<f64>>>();
        (0..n_statistics).map(|index| over_folds(index).map(|values| mean(&values))).collect()
    };
    let resamples: Vec<Vec<Option<f64>>> = (0..RESAMPLES).into_par_iter().map(resample).collect();
    let values = |index: usize| resamples.iter().map(|resample| resample[index]).collect::<Option<Vec<f64>>>();
    (0..n_statistics).map(|index| values(index).and_then(percentile_interval)).collect()
}

/// As many rows of each class as there are, drawn with replacement.
fn draw(classes: &[Vec<usize>], stream: &mut Stream) -> Vec<usize> {
    let of_class = |rows: &Vec<usize>, stream: &mut Stream| -> Vec<usize> {
        (0..rows.len()).map(|_| rows[stream.below(rows.len())]).collect()
    };
    classes.iter().flat_map(|rows| of_class(rows, stream)).collect()
}

/// The middle part of the values that [`CONFIDENCE`] of them lie in, with ends interpolated between neighbours (the default
/// of NumPy and R). None without values, or with one that is not finite.
#[must_use]
pub fn percentile_interval(mut values: Vec<f64>) -> Option<Interval> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "resamples are few")]
    let last = (values.len() - 1) as f64;
    let at = |share: f64| {
        let place = share * last;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a position in the list")]
        let below = place.floor() as usize;
        let above = (below + 1).min(values.len() - 1);
        values[below] + (place - place.floor()) * (values[above] - values[below])
    };
    Some(Interval { low: at((1.0 - CONFIDENCE) / 2.0), high: at((1.0 + CONFIDENCE) / 2.0) })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::cast_precision_loss, reason = "tests, with small counts")]
mod tests {
    use super::*;

    fn share(rows: &[usize], is: impl Fn(usize) -> bool) -> Vec<Option<f64>> {
        vec![Some(rows.iter().filter(|row| is(**row)).count() as f64 / rows.len() as f64)]
    }

    #[test]
    fn the_interval_of_a_share_is_that_of_the_binomial_distribution() {
        // One class of 100 rows, 30 of which count: the share of a resample is Binomial(100, 0.3) / 100, whose quantiles
        // of 0.025 and 0.975 are 21 and 39 (scipy.stats.binom.ppf).
        let folds = [vec![(0..100).collect::<Vec<_>>()]];
        let found = row_bootstrap(&folds, 1, |_, rows| share(rows, |row| row < 30))[0].unwrap();
        assert!((found.low - 0.21).abs() <= 0.01 && (found.high - 0.39).abs() <= 0.01, "{found:?}");
    }

    #[test]
    fn every_resample_has_the_classes_of_each_fold_and_folds_are_averaged() {
        let folds = [vec![vec![0, 1, 2], vec![3]], vec![vec![0], vec![1, 2, 3, 4]]];
        let found = row_bootstrap(&folds, 2, |fold, rows| {
            let (first, n) = [(3, 4), (1, 5)][fold];
            assert_eq!(rows.len(), n);
            let of_first = rows.iter().filter(|row| folds[fold][0].contains(row)).count();
            assert_eq!(of_first, first);
            vec![Some([0.5, 1.0][fold]), (fold == 0).then_some(1.0)]
        });
        assert_eq!(found, [Some(Interval { low: 0.75, high: 0.75 }), None]);
    }

    #[test]
    fn equal_rows_have_equal_intervals_whatever_the_number_of_threads() {
        let folds = [vec![(0..20).collect::<Vec<_>>(), (20..30).collect()]];
        let once = || row_bootstrap(&folds, 1, |_, rows| share(rows, |row| row.is_multiple_of(3)));
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let several = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(alone.install(once), several.install(once));
    }
}
