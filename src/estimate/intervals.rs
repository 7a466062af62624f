//! The intervals of a metric.

use std::collections::BTreeMap;

use super::outer_tests::{NoRowStatistics, OuterTests, TestedFold, TestedModel};
use crate::metric::{Metric, confusion_matrix, evaluate};
use crate::statistics::{
    ConfidenceInterval, CorrectedT, Method, RESAMPLES, StatisticsError, mean, row_bootstrap, wilson,
};

impl OuterTests {
    /// The intervals of metrics, by name, whose value in each outer fold is given: the corrected t from five folds on, then the row
    /// bootstrap, for the accuracy of one model on one fold Wilson's too. A metric that has none is left out.
    #[must_use]
    pub fn intervals(&self, per_outer: &BTreeMap<&str, &[f64]>) -> BTreeMap<String, Vec<ConfidenceInterval>> {
        let known: Vec<(&str, Metric)> =
            per_outer.keys().filter_map(|name| name.parse().ok().map(|metric| (*name, metric))).collect();
        let mut by_rows = self.by_rows(&known).unwrap_or_default();
        let of_metric = |(name, values): (&&str, &&[f64])| {
            let mut found: Vec<ConfidenceInterval> = self.corrected_t(values).ok().into_iter().collect();
            found.extend(by_rows.remove(*name).into_iter().flatten());
            ((*name).to_owned(), found)
        };
        per_outer.iter().map(of_metric).filter(|(_, found)| !found.is_empty()).collect()
    }

    /// Why a metric with so many values has no interval of the corrected t and, where that is so, none of rows either.
    #[must_use]
    pub fn missing(&self, n_folds: usize) -> Vec<String> {
        let Err(few) = self.corrected_t(&vec![0.0; n_folds]) else { return Vec::new() };
        let no_rows = self.rows().err().map(|why| why.to_string());
        [few.to_string()].into_iter().chain(no_rows).collect()
    }

    fn corrected_t(&self, values: &[f64]) -> Result<ConfidenceInterval, StatisticsError> {
        let test_over_train = self.test_over_train();
        let interval = CorrectedT::new(values, test_over_train)?.interval();
        let found = ConfidenceInterval::new(Method::CorrectedT, interval);
        Ok(ConfidenceInterval { test_over_train: Some(test_over_train), ..found })
    }

    fn by_rows(
        &self,
        metrics: &[(&str, Metric)],
    ) -> Result<BTreeMap<String, Vec<ConfidenceInterval>>, NoRowStatistics> {
        let folds = self.rows()?;
        let classes: Vec<Vec<Vec<usize>>> = folds.iter().map(TestedFold::by_class).collect();
        let values = |fold: usize, rows: &[usize]| {
            let models = folds[fold].resampled(rows);
            metrics.iter().map(|(_, metric)| value(&models, *metric)).collect()
        };
        let found = row_bootstrap(&classes, metrics.len(), values);
        let accuracy = accuracy(folds);
        let of_metric = |((name, metric), interval): (&(&str, Metric), _)| {
            let bootstrap = Option::map(interval, |interval| ConfidenceInterval {
                n_resamples: Some(RESAMPLES),
                ..ConfidenceInterval::new(Method::RowBootstrap, interval)
            });
            let wilson = accuracy.filter(|_| *metric == Metric::Accuracy);
            ((*name).to_owned(), bootstrap.into_iter().chain(wilson).collect())
        };
        Ok(metrics.iter().zip(found).map(of_metric).collect())
    }
}

/// The mean of a metric over models; none if it is not defined for one.
pub(super) fn value(models: &[TestedModel], metric: Metric) -> Option<f64> {
    let values: Option<Vec<f64>> =
        models.iter().map(|model| evaluate(metric, &model.predictions, model.threshold)).collect();
    values.map(|values| mean(&values))
}

/// Wilson's interval for the accuracy of one model on one fold: of several it is no share of rows.
fn accuracy(folds: &[TestedFold]) -> Option<ConfidenceInterval> {
    let [fold] = folds else { return None };
    let [model] = fold.models() else { return None };
    let confusion = confusion_matrix(&model.predictions, model.threshold);
    let n_right = confusion.iter().enumerate().map(|(class, of_class)| of_class[class]).sum();
    Some(ConfidenceInterval::new(Method::Wilson, wilson(n_right, model.predictions.n_rows())))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::metric::Predictions;
    use crate::statistics::Interval;

    /// A fold of rows with the given scores of class 1, every second row of which is of it.
    fn fold(first: usize, scores: &[f32], n_models: usize) -> TestedFold {
        let predictions = Predictions::new(
            2,
            scores.iter().flat_map(|p| [1.0 - p, *p]).collect(),
            (0..scores.len()).map(|row| row % 2).collect(),
        )
        .unwrap();
        let rows = (first..first + scores.len()).map(|row| row.to_string()).collect();
        TestedFold::new(80, rows, vec![TestedModel { predictions, threshold: 0.5 }; n_models]).unwrap()
    }

    fn intervals(tests: &OuterTests, metric: Metric) -> Vec<ConfidenceInterval> {
        let values = tests.per_outer(metric).unwrap();
        let per_outer = BTreeMap::from([(metric.name(), values.as_slice())]);
        tests.intervals(&per_outer).remove(metric.name()).unwrap_or_default()
    }

    #[test]
    fn one_fold_has_the_row_bootstrap_and_accuracy_has_wilson_beside_it() {
        let tests = OuterTests::new(vec![fold(0, &[0.1, 0.9, 0.6, 0.8, 0.2, 0.3, 0.4, 0.7], 1)], false);
        let methods = |metric| intervals(&tests, metric).iter().map(|found| found.method).collect::<Vec<_>>();
        assert_eq!(methods(Metric::Accuracy), [Method::RowBootstrap, Method::Wilson]);
        assert_eq!(methods(Metric::RocAuc), [Method::RowBootstrap]);
        // 6 of 8 are right: Wilson's formula in Python, with statistics.NormalDist.
        let found = intervals(&tests, Metric::Accuracy)[1].interval;
        assert!(
            (found.low - 0.409_275_430_310_169).abs() < 1e-9 && (found.high - 0.928_520_787_247_891).abs() < 1e-9,
            "{found:?}"
        );
        let several = OuterTests::new(vec![fold(0, &[0.1, 0.9, 0.6, 0.8], 2)], false);
        assert_eq!(intervals(&several, Metric::Accuracy).len(), 1, "two models are no share of rows");
    }

    #[test]
    fn five_folds_have_the_corrected_t_first() {
        let folds = [0.2, 0.4, 0.6, 0.7, 0.9];
        let folds = (0..5).map(|index| fold(index * 4, &[0.1, folds[index], 0.65, 0.8], 1)).collect();
        let tests = OuterTests::new(folds, false);
        assert_eq!(tests.test_over_train(), 20.0 / 400.0);
        let found = intervals(&tests, Metric::RocAuc);
        assert_eq!((found[0].method, found[0].test_over_train), (Method::CorrectedT, Some(0.05)));
        assert_eq!((found[1].method, found[1].n_resamples), (Method::RowBootstrap, Some(RESAMPLES)));
        // Areas .75, .75, .75, 1, 1: mean .85, s = sqrt(.01875), error s sqrt(1/5 + 1/20), t(4, .975) = 2.776445.
        let half = 2.776_445_105 * (0.018_75_f64 * 0.25).sqrt();
        let Interval { low, high } = found[0].interval;
        assert!((low - (0.85 - half)).abs() < 1e-9 && (high - (0.85 + half)).abs() < 1e-9, "{low} {high}");
    }

    #[test]
    fn rows_that_are_not_independent_have_no_row_statistics() {
        let of = |firsts: [usize; 2], has_groups| {
            OuterTests::new(firsts.map(|first| fold(first, &[0.1, 0.9, 0.6, 0.8], 1)).to_vec(), has_groups)
        };
        assert_eq!(intervals(&of([0, 4], false), Metric::RocAuc).len(), 1);
        for (tests, why) in
            [(of([0, 4], true), NoRowStatistics::Groups), (of([0, 2], false), NoRowStatistics::SharedRows)]
        {
            assert!(intervals(&tests, Metric::RocAuc).is_empty());
            assert_eq!(tests.missing(2)[1..], [why.to_string()]);
            assert_eq!(tests.missing(5), [""; 0]);
        }
        let unknown = OuterTests::new(vec![TestedFold::new(8, vec!["a".to_owned()], Vec::new()).unwrap()], false);
        assert_eq!(unknown.rows().unwrap_err(), NoRowStatistics::NoPredictions);
    }
}
