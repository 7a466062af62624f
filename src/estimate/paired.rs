//! The difference between two runs that were tested on the same rows.

use serde::Serialize;

use super::intervals::value;
use super::outer_tests::{OuterTests, TestedFold};
use crate::metric::Metric;
use crate::statistics::{
    CorrectedT, Interval, Posterior, RESAMPLES, StatisticsError, cohens_d, mcnemar, mean, row_bootstrap,
    standard_deviation,
};

/// What two runs differ in, the baseline being taken from the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Paired {
    /// Of each outer fold.
    pub differences: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation; none of one fold.
    pub std: Option<f64>,
    /// Cohen's d of paired differences: mean / std.
    pub cohens_d: Option<f64>,
    /// The test over outer folds, if there are enough.
    pub corrected_t: Option<PairedT>,
    /// What the test rows say, if there are not.
    pub rows: Option<PairedRows>,
    /// Why a test is not there.
    pub missing: Vec<String>,
}

/// The corrected resampled t of the differences.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairedT {
    /// Mean in units of its standard error; none when there is no error.
    pub t: Option<f64>,
    /// Degrees of freedom.
    pub degrees: usize,
    /// Test rows to each training row.
    pub test_over_train: f64,
    /// Two-sided p value.
    pub p_value: f64,
    /// The p value adjusted for all that are compared with the baseline.
    pub p_holm: Option<f64>,
    /// Interval of the mean difference.
    #[serde(flatten)]
    pub interval: Interval,
    /// Where the difference lies about the limit of practical equivalence, if one was given.
    pub posterior: Option<Posterior>,
}

/// What the rows of few folds say, with the models as they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairedRows {
    /// Number of test rows.
    pub n_rows: usize,
    /// Number of resamples.
    pub n_resamples: usize,
    /// Bootstrap interval of the mean difference; none where the metric is not defined in some resample.
    pub interval: Option<Interval>,
    /// Of metrics of decisions, if each fold has one model.
    pub mcnemar: Option<McNemar>,
}

/// The decisions that only one of two models has right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct McNemar {
    /// Rows that only the baseline has right.
    pub only_baseline: usize,
    /// Rows that only the other has right.
    pub only_other: usize,
    /// Exact two-sided p value.
    pub p_value: f64,
    /// The p value adjusted for all that are compared with the baseline.
    pub p_holm: Option<f64>,
}

impl Paired {
    /// The p value of the one test there is.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        let mcnemar = self.rows.and_then(|rows| rows.mcnemar);
        self.corrected_t.map(|test| test.p_value).or(mcnemar.map(|test| test.p_value))
    }

    /// Notes the p value adjusted for all that are compared with the baseline.
    pub fn adjust(&mut self, p_holm: f64) {
        if let Some(test) = &mut self.corrected_t {
            test.p_holm = Some(p_holm);
        } else if let Some(test) = self.rows.as_mut().and_then(|rows| rows.mcnemar.as_mut()) {
            test.p_holm = Some(p_holm);
        }
    }
}

/// Compares the values of two runs in the same outer folds, which hold the same test rows in the same order; `metric` is that
/// of the values where it is known. `rope` is the limit of practical equivalence.
#[must_use]
pub fn paired(
    baseline: (&OuterTests, &[f64]),
    other: (&OuterTests, &[f64]),
    metric: Option<Metric>,
    rope: Option<f64>,
) -> Paired {
    let differences: Vec<f64> = baseline.1.iter().zip(other.1).map(|(baseline, other)| other - baseline).collect();
    // The larger share of test rows is the more careful one where the two leave out other rows.
    let test_over_train = baseline.0.test_over_train().max(other.0.test_over_train());
    let mut missing = Vec::new();
    let (mut corrected_t, mut rows) = (None, None);
    match CorrectedT::new(&differences, test_over_train) {
        Ok(test) => corrected_t = Some(over_folds(&test, test_over_train, rope)),
        Err(error) => {
            missing.push(error.to_string());
            let few = matches!(error, StatisticsError::FewFolds { .. });
            if let Some(metric) = metric.filter(|_| few) {
                match (baseline.0.rows(), other.0.rows()) {
                    (Ok(of_baseline), Ok(of_other)) => {
                        rows = Some(over_rows(of_baseline, of_other, metric, &mut missing));
                    }
                    (Err(why), _) | (_, Err(why)) => missing.push(why.to_string()),
                }
            }
        }
    }
    let (std, cohens_d) = (standard_deviation(&differences), cohens_d(&differences));
    Paired { mean: mean(&differences), std, cohens_d, corrected_t, rows, missing, differences }
}

fn over_folds(test: &CorrectedT, test_over_train: f64, rope: Option<f64>) -> PairedT {
    PairedT {
        t: Some(test.t()).filter(|t| t.is_finite()),
        degrees: test.degrees(),
        test_over_train,
        p_value: test.p_value(),
        p_holm: None,
        interval: test.interval(),
        posterior: rope.map(|rope| test.posterior(rope)),
    }
}

fn over_rows(baseline: &[TestedFold], other: &[TestedFold], metric: Metric, missing: &mut Vec<String>) -> PairedRows {
    let classes: Vec<Vec<Vec<usize>>> = baseline.iter().map(TestedFold::by_class).collect();
    let difference = |fold: usize, rows: &[usize]| {
        let of = |folds: &[TestedFold]| value(&folds[fold].resampled(rows), metric);
        vec![of(other).zip(of(baseline)).map(|(other, baseline)| other - baseline)]
    };
    let interval = row_bootstrap(&classes, 1, difference).into_iter().next().flatten();
    let one_each = baseline.iter().chain(other).all(|fold| fold.models().len() == 1);
    if metric.is_of_decisions() && !one_each {
        missing.push(
            "an outer fold has several models, and McNemar's test compares the decisions of one with those of another"
                .to_owned(),
        );
    }
    PairedRows {
        n_rows: baseline.iter().map(|fold| fold.rows().len()).sum(),
        n_resamples: RESAMPLES,
        interval,
        mcnemar: (metric.is_of_decisions() && one_each).then(|| decisions(baseline, other)),
    }
}

/// Over the first model of each fold.
fn decisions(baseline: &[TestedFold], other: &[TestedFold]) -> McNemar {
    let right = |folds: &[TestedFold]| -> Vec<bool> {
        let of_fold = |fold: &TestedFold| {
            let model = &fold.models()[0];
            let predictions = model.predictions.of_classes().expect("only classes are decided for");
            let decided = predictions.decisions(model.threshold);
            decided.zip(predictions.targets()).map(|(decided, target)| decided == *target).collect::<Vec<_>>()
        };
        folds.iter().flat_map(of_fold).collect()
    };
    let (of_baseline, of_other) = (right(baseline), right(other));
    let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count();
    let (only_baseline, only_other) = (only(&of_baseline, &of_other), only(&of_other, &of_baseline));
    McNemar { only_baseline, only_other, p_value: mcnemar(only_baseline, only_other), p_holm: None }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::estimate::TestedModel;
    use crate::metric::Predictions;

    fn tests(scores: &[f32]) -> OuterTests {
        let targets: Vec<usize> = (0..scores.len()).map(|row| row % 2).collect();
        let probabilities = scores.iter().flat_map(|p| [1.0 - p, *p]).collect();
        let predictions = Predictions::new(2, probabilities, targets).unwrap();
        let rows = (0..scores.len()).map(|row| row.to_string()).collect();
        let fold = TestedFold::new(12, rows, vec![TestedModel { predictions, threshold: 0.5 }]).unwrap();
        OuterTests::new(vec![fold], false)
    }

    #[test]
    fn few_folds_are_compared_row_by_row_and_the_baseline_with_itself_is_no_different() {
        let (first, second) = (tests(&[0.1, 0.2, 0.6, 0.8, 0.2, 0.9]), tests(&[0.1, 0.7, 0.3, 0.8, 0.2, 0.4]));
        let compare = |other: &OuterTests| {
            let of = |tests: &OuterTests| tests.per_outer(Metric::Accuracy).unwrap();
            paired((&first, &of(&first)), (other, &of(other)), Some(Metric::Accuracy), Some(0.01))
        };
        let found = compare(&second);
        // The first errs in rows 1 and 2, the second in row 5.
        let rows = found.rows.unwrap();
        let mcnemar = rows.mcnemar.unwrap();
        assert_eq!((mcnemar.only_baseline, mcnemar.only_other, mcnemar.p_value), (1, 2, 1.0));
        assert!((found.mean - 1.0 / 6.0).abs() < 1e-15 && found.corrected_t.is_none());
        let interval = rows.interval.unwrap();
        assert!(interval.low < 0.0 && interval.high > 1.0 / 6.0, "{interval:?}");
        let same = compare(&first);
        assert_eq!(same.rows.unwrap().interval, Some(Interval { low: 0.0, high: 0.0 }), "rows are drawn together");
    }
}
