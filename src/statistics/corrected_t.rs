//! The corrected resampled t.

use serde::Serialize;

use super::interval::{CONFIDENCE, Interval};
use super::sample::{mean, standard_deviation};
use super::{StatisticsError, student};

/// The fewest outer folds that a t interval is given for.
pub const MIN_FOLDS: usize = 5;

/// Student's t over outer folds, with the variance corrected for training sets that overlap.
///
/// The values of folds are correlated, because their models have seen mostly the same rows, so that the variance of their
/// mean is not s^2 / J but about s^2 (1 / J + n_test / n_train) (Nadeau and Bengio 2003, Machine Learning 52); with repeated
/// cross-validation J counts the folds of all repetitions (Bouckaert and Frank 2004, PAKDD). There are J - 1 degrees of
/// freedom. Of differences between two models on the same folds it is the paired test, and its [`CorrectedT::posterior`]
/// the Bayesian correlated t-test under a flat prior (Corani and Benavoli 2015; Benavoli et al. 2017, JMLR 18).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CorrectedT {
    mean: f64,
    standard_error: f64,
    degrees: usize,
}

/// Where the posterior of a mean difference lies, as shares of 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Posterior {
    /// Below minus the limit.
    pub below: f64,
    /// Within the limit on both sides: practically equivalent.
    pub inside: f64,
    /// Above the limit.
    pub above: f64,
}

impl CorrectedT {
    /// Of the values of the outer folds, each with so many test rows to each training row.
    ///
    /// # Errors
    /// Fewer than [`MIN_FOLDS`] values, one that is not finite, or a ratio below 0.
    pub fn new(values: &[f64], test_over_train: f64) -> Result<Self, StatisticsError> {
        if values.len() < MIN_FOLDS {
            return Err(StatisticsError::FewFolds { found: values.len(), least: MIN_FOLDS });
        }
        if !(test_over_train.is_finite() && test_over_train >= 0.0) {
            return Err(StatisticsError::Ratio { found: test_over_train });
        }
        if let Some((fold, &found)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(StatisticsError::NotFinite { fold, found });
        }
        let std = standard_deviation(values).expect("there are at least two");
        #[expect(clippy::cast_precision_loss, reason = "folds are few")]
        let standard_error = std * (1.0 / values.len() as f64 + test_over_train).sqrt();
        Ok(Self { mean: mean(values), standard_error, degrees: values.len() - 1 })
    }

    /// The mean over the folds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The corrected standard error of the mean.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        self.standard_error
    }

    /// Degrees of freedom: one less than folds.
    #[must_use]
    pub fn degrees(&self) -> usize {
        self.degrees
    }

    /// The interval of [`CONFIDENCE`] about the mean.
    #[must_use]
    pub fn interval(&self) -> Interval {
        let half = student::quantile((1.0 + CONFIDENCE) / 2.0, self.degrees) * self.standard_error;
        Interval { low: self.mean - half, high: self.mean + half }
    }

    /// The mean in units of its standard error; 0 if it is 0, infinite if the values are equal and it is not.
    #[must_use]
    pub fn t(&self) -> f64 {
        if self.mean == 0.0 { 0.0 } else { self.mean / self.standard_error }
    }

    /// The two-sided p value of a mean of 0.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        2.0 * student::upper_tail(self.t().abs(), self.degrees)
    }

    /// The posterior of the mean about `rope`, the limit of practical equivalence, which is not below 0.
    #[must_use]
    pub fn posterior(&self, rope: f64) -> Posterior {
        let beyond = |limit: f64| {
            let distance = limit - self.mean;
            match self.standard_error {
                // All values are equal: the whole mass is at the mean.
                0.0 => f64::from(u8::from(distance < 0.0)),
                error => student::upper_tail(distance / error, self.degrees),
            }
        };
        let above = beyond(rope);
        let not_below = match self.standard_error {
            0.0 => f64::from(u8::from(self.mean >= -rope)),
            _ => beyond(-rope),
        };
        Posterior { below: 1.0 - not_below, inside: not_below - above, above }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::statistics::{cohens_d, holm, mcnemar, percentile_interval, quantile, upper_tail, wilson};

    #[derive(Deserialize)]
    struct Fixture {
        student: Vec<Student>,
        corrected: Vec<Corrected>,
        wilson: Vec<Wilson>,
        mcnemar: Vec<(usize, usize, f64)>,
        holm: Vec<(Vec<f64>, Vec<f64>)>,
        percentiles: Vec<(Vec<f64>, f64, f64)>,
    }

    #[derive(Deserialize)]
    struct Student {
        degrees: usize,
        t: f64,
        upper_tail: f64,
        probability: f64,
        quantile: f64,
    }

    #[derive(Deserialize)]
    struct Corrected {
        values: Vec<f64>,
        test_over_train: f64,
        rope: f64,
        t: f64,
        p_value: f64,
        low: f64,
        high: f64,
        cohens_d: f64,
        below: f64,
        inside: f64,
        above: f64,
    }

    #[derive(Deserialize)]
    struct Wilson {
        successes: usize,
        n: usize,
        low: f64,
        high: f64,
    }

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found}, not {expected}");
    }

    #[test]
    fn every_statistic_equals_that_of_scipy_statsmodels_and_baycomp() {
        let text = include_str!("../../tests/fixtures/statistics_scipy.json");
        let fixture: Fixture = serde_json::from_str(text).unwrap();
        assert!(fixture.student.len() >= 50 && fixture.corrected.len() >= 6);
        for case in fixture.student {
            close(upper_tail(case.t, case.degrees), case.upper_tail);
            close(quantile(case.probability, case.degrees), case.quantile);
        }
        for case in fixture.corrected {
            let test = CorrectedT::new(&case.values, case.test_over_train).unwrap();
            close(test.t(), case.t);
            close(test.p_value(), case.p_value);
            close(test.interval().low, case.low);
            close(test.interval().high, case.high);
            close(cohens_d(&case.values).unwrap(), case.cohens_d);
            let posterior = test.posterior(case.rope);
            close(posterior.below, case.below);
            close(posterior.inside, case.inside);
            close(posterior.above, case.above);
        }
        for case in fixture.wilson {
            let interval = wilson(case.successes, case.n);
            close(interval.low, case.low);
            close(interval.high, case.high);
        }
        for (b, c, p) in fixture.mcnemar {
            let found = mcnemar(b, c);
            assert!((found - p).abs() <= 1e-9 * p, "{b} {c}: {found}, not {p}");
        }
        for (values, adjusted) in fixture.holm {
            holm(&values).into_iter().zip(adjusted).for_each(|(found, expected)| close(found, expected));
        }
        for (values, low, high) in fixture.percentiles {
            let interval = percentile_interval(values).unwrap();
            close(interval.low, low);
            close(interval.high, high);
        }
    }

    #[test]
    fn equal_values_leave_no_doubt() {
        let none = CorrectedT::new(&[0.0; 5], 0.25).unwrap();
        assert_eq!((none.t(), none.p_value()), (0.0, 1.0));
        assert_eq!(none.posterior(0.0), Posterior { below: 0.0, inside: 1.0, above: 0.0 });
        let always = CorrectedT::new(&[-0.5; 5], 0.25).unwrap();
        assert_eq!((always.t(), always.p_value()), (f64::NEG_INFINITY, 0.0));
        assert_eq!(always.interval(), Interval { low: -0.5, high: -0.5 });
        assert_eq!(always.posterior(0.25), Posterior { below: 1.0, inside: 0.0, above: 0.0 });
        assert_eq!(always.posterior(0.5), Posterior { below: 0.0, inside: 1.0, above: 0.0 });
    }

    #[test]
    fn each_broken_rule_has_its_message() {
        let message = |values: &[f64], ratio| CorrectedT::new(values, ratio).unwrap_err().to_string();
        assert_eq!(
            message(&[0.5; 4], 0.25),
            "4 outer folds are too few for a t interval: so few values hardly tell how much they vary; take at least 5"
        );
        assert_eq!(
            message(&[0.5], 0.25),
            "1 outer fold is too few for a t interval: so few values hardly tell how much they vary; take at least 5"
        );
        assert_eq!(
            message(&[0.5; 5], f64::INFINITY),
            "there are inf test rows to each training row, but the number must be finite and not below 0; count the rows \
             of the split"
        );
        assert_eq!(
            message(&[0.5, 0.5, f64::NAN, 0.5, 0.5], 0.25),
            "the value of outer fold 2 is NaN, but must be a finite number; leave the metric out"
        );
    }
}
