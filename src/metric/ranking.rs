//! What depends on the order of the scores alone: the area under the ROC curve and the threshold chosen on it, average
//! precision, and whether a class is among the most probable ones.
//!
//! Ties are decided in whole numbers, so that neither the order of rows nor rounding does it.

use super::{ClassPredictions, Predictions};

/// Rows of one score.
struct Cut {
    score: f32,
    n_positive: i128,
    n_negative: i128,
}

/// The distinct scores in ascending order, with how many positive and negative rows have each.
fn cuts(scores: impl Iterator<Item = f32>, positive: impl Iterator<Item = bool>) -> Vec<Cut> {
    // Whole numbers are sorted in half the time of pairs, and a bootstrap sorts thousands of lists.
    let mut rows: Vec<u64> =
        scores.zip(positive).map(|(score, positive)| u64::from(rank(score)) << 1 | u64::from(positive)).collect();
    rows.sort_unstable();
    rows.chunk_by(|a, b| a >> 1 == b >> 1)
        .map(|equal| {
            let n_positive = equal.iter().map(|row| row & 1).sum::<u64>();
            let n_negative = equal.len() as i128 - i128::from(n_positive);
            #[expect(clippy::cast_possible_truncation, reason = "a rank has 32 bits")]
            let rank = (equal[0] >> 1) as u32;
            Cut { score: score_of(rank), n_positive: n_positive.into(), n_negative }
        })
        .collect()
}

/// A whole number for a score, in the order of the scores; -0 is 0. The bits of a float are ordered as whole numbers are
/// but for the sign.
fn rank(score: f32) -> u32 {
    let bits = (score + 0.0).to_bits();
    if score.is_sign_negative() && bits != 0 { !bits } else { bits | 1 << 31 }
}

/// The score of a rank.
fn score_of(rank: u32) -> f32 {
    f32::from_bits(if rank >> 31 == 1 { rank & !(1 << 31) } else { !rank })
}

/// Number of positive and of negative rows.
fn totals(cuts: &[Cut]) -> (i128, i128) {
    cuts.iter().fold((0, 0), |(p, n), cut| (p + cut.n_positive, n + cut.n_negative))
}

/// The share of (positive, negative) pairs in which the positive row scores higher, a tie counting half
/// (Mann and Whitney 1947). `None` without a positive or without a negative row. O(n log n).
fn area(scores: impl Iterator<Item = f32>, positive: impl Iterator<Item = bool>) -> Option<f64> {
    let cuts = cuts(scores, positive);
    let (n_positive, n_negative) = totals(&cuts);
    if n_positive == 0 || n_negative == 0 {
        return None;
    }
    let (mut twice_wins, mut n_below) = (0, 0);
    for cut in &cuts {
        twice_wins += cut.n_positive * (2 * n_below + cut.n_negative);
        n_below += cut.n_negative;
    }
    Some(twice_wins as f64 / (2 * n_positive * n_negative) as f64)
}

/// The sum over the scores, from the highest on, of the precision there times the recall it adds: the area under the
/// precision-recall curve without interpolation. `None` without a positive row.
fn average_precision_of(scores: impl Iterator<Item = f32>, positive: impl Iterator<Item = bool>) -> Option<f64> {
    let cuts = cuts(scores, positive);
    let (n_positive, _) = totals(&cuts);
    if n_positive == 0 {
        return None;
    }
    let (mut sum, mut n_true, mut n_called) = (0.0, 0, 0);
    for cut in cuts.iter().rev() {
        n_true += cut.n_positive;
        n_called += cut.n_positive + cut.n_negative;
        sum += cut.n_positive as f64 / n_positive as f64 * (n_true as f64 / n_called as f64);
    }
    Some(sum)
}

/// The area under the ROC curve: of class 1 for two classes, else the unweighted mean of one-vs-rest areas.
/// `None` when a class that is needed does not occur.
pub(super) fn roc_auc(predictions: &ClassPredictions) -> Option<f64> {
    positive_or_mean(predictions, |class| {
        area(predictions.scores(class), predictions.targets().iter().map(move |&t| t == class))
    })
}

/// Average precision: of class 1 for two classes, else the unweighted mean of the one-vs-rest values. `None` when a class
/// that is needed does not occur.
pub(super) fn average_precision(predictions: &ClassPredictions) -> Option<f64> {
    positive_or_mean(predictions, |class| {
        average_precision_of(predictions.scores(class), predictions.targets().iter().map(move |&t| t == class))
    })
}

fn positive_or_mean(predictions: &ClassPredictions, of_class: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let n_classes = predictions.n_classes();
    if n_classes == 2 {
        return of_class(1);
    }
    let values: Option<Vec<f64>> = (0..n_classes).map(of_class).collect();
    values.map(|values| values.iter().sum::<f64>() / n_classes as f64)
}

/// The share of rows whose true class is among the `k` most probable ones; of classes that tie the lower ones go first, as
/// in a decision.
pub(super) fn top_accuracy(predictions: &ClassPredictions, k: usize) -> f64 {
    let is_among = |of_row: &[f32], target: usize| {
        let goes_before = |(class, p): (usize, &f32)| *p > of_row[target] || (*p == of_row[target] && class < target);
        of_row.iter().enumerate().filter(|&rival| goes_before(rival)).count() < k
    };
    let rows = predictions.probabilities().chunks_exact(predictions.n_classes()).zip(predictions.targets());
    rows.filter(|&(of_row, &target)| is_among(of_row, target)).count() as f64 / predictions.n_rows() as f64
}

/// The threshold that maximises sensitivity + specificity - 1 (Youden 1950) when a score of at least the threshold is
/// positive.
///
/// It is one of the scores of class 1, exactly; of thresholds that tie it is the lowest. `None` unless there are two
/// classes and both occur.
#[must_use]
pub fn youden_threshold(predictions: &Predictions) -> Option<f64> {
    let predictions = predictions.of_classes().filter(|predictions| predictions.n_classes() == 2)?;
    let cuts = cuts(predictions.scores(1), predictions.targets().iter().map(|&target| target == 1));
    let (n_positive, n_negative) = totals(&cuts);
    if n_positive == 0 || n_negative == 0 {
        return None;
    }
    let (mut true_positives, mut false_positives) = (n_positive, n_negative);
    let mut best: Option<(i128, f32)> = None;
    for cut in &cuts {
        // The index times n_positive * n_negative, which keeps it whole.
        let index = true_positives * n_negative - false_positives * n_positive;
        if best.is_none_or(|(highest, _)| index > highest) {
            best = Some((index, cut.score));
        }
        true_positives -= cut.n_positive;
        false_positives -= cut.n_negative;
    }
    best.map(|(_, score)| f64::from(score))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn binary(rows: &[(f32, usize)]) -> Predictions {
        let probabilities = rows.iter().flat_map(|&(score, _)| [1.0 - score, score]).collect();
        Predictions::new(2, probabilities, rows.iter().map(|&(_, target)| target).collect()).unwrap()
    }

    fn auc(predictions: &Predictions) -> Option<f64> {
        roc_auc(predictions.of_classes().unwrap())
    }

    #[test]
    fn auc_counts_a_tie_as_half_a_pair() {
        // Pairs (positive, negative): (.5, .5) half, (.5, .25) won, (.75, .5) won, (.75, .25) won.
        assert_eq!(auc(&binary(&[(0.5, 1), (0.75, 1), (0.5, 0), (0.25, 0)])), Some(3.5 / 4.0));
        assert_eq!(auc(&binary(&[(0.5, 1), (0.5, 0), (0.5, 0)])), Some(0.5));
    }

    #[test]
    fn auc_needs_every_class() {
        assert_eq!(auc(&binary(&[(0.5, 1), (0.75, 1)])), None);
        let three = Predictions::new(3, vec![0.5, 0.25, 0.25, 0.25, 0.5, 0.25], vec![0, 1]).unwrap();
        assert_eq!(auc(&three), None);
    }

    #[test]
    fn youden_takes_the_lowest_of_thresholds_that_tie() {
        // At .375: sensitivity 1, specificity 1/2. At .75: 1/2 and 1. Both give 1/2.
        let predictions = binary(&[(0.25, 0), (0.375, 1), (0.5, 0), (0.75, 1)]);
        assert_eq!(youden_threshold(&predictions), Some(0.375));
    }

    #[test]
    fn youden_of_scores_worse_than_chance_calls_every_row_positive() {
        assert_eq!(youden_threshold(&binary(&[(0.125, 1), (0.875, 0)])), Some(0.125));
    }

    #[test]
    fn youden_is_exactly_an_observed_score() {
        let predictions = binary(&[(0.1, 0), (0.3, 1)]);
        assert_eq!(youden_threshold(&predictions), Some(f64::from(0.3_f32)));
    }

    #[test]
    fn youden_needs_two_classes_that_both_occur() {
        assert_eq!(youden_threshold(&binary(&[(0.5, 0)])), None);
        assert_eq!(youden_threshold(&Predictions::new(3, vec![0.5, 0.25, 0.25], vec![0]).unwrap()), None);
    }

    #[test]
    fn of_classes_that_tie_for_the_last_place_the_lower_ones_are_taken() {
        let row = vec![0.25, 0.25, 0.125, 0.125, 0.125, 0.125];
        let of =
            |target, k| top_accuracy(Predictions::new(6, row.clone(), vec![target]).unwrap().of_classes().unwrap(), k);
        assert_eq!([of(0, 1), of(1, 1), of(1, 2)], [1.0, 0.0, 1.0]);
        assert_eq!([of(4, 5), of(5, 5), of(5, 6)], [1.0, 0.0, 1.0]);
    }

    fn rows() -> impl Strategy<Value = Vec<(f32, usize)>> {
        proptest::collection::vec(((0_u8..=16).prop_map(|i| f32::from(i) / 16.0), 0_usize..2), 1..40)
    }

    proptest! {
        #[test]
        fn auc_equals_the_count_over_all_pairs(rows in rows()) {
            let (mut wins, mut pairs) = (0.0, 0.0);
            for (a, _) in rows.iter().filter(|row| row.1 == 1) {
                for (b, _) in rows.iter().filter(|row| row.1 == 0) {
                    pairs += 1.0;
                    wins += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                }
            }
            prop_assert_eq!(auc(&binary(&rows)), (pairs > 0.0).then_some(wins / pairs));
        }

        #[test]
        fn no_observed_score_beats_the_threshold_of_youden(rows in rows()) {
            let index = |threshold: f64| {
                let rate = |class| {
                    let of_class: Vec<_> = rows.iter().filter(|row| row.1 == class).collect();
                    of_class.iter().filter(|row| f64::from(row.0) >= threshold).count() as f64 / of_class.len() as f64
                };
                rate(1) - rate(0)
            };
            if let Some(threshold) = youden_threshold(&binary(&rows)) {
                for &(score, _) in &rows {
                    let score = f64::from(score);
                    let gain = index(threshold) - index(score);
                    prop_assert!(gain > 1e-12 || (gain.abs() <= 1e-12 && threshold <= score));
                }
            }
        }
    }
}
