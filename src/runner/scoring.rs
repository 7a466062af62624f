//! How the fits of a complete trial become its score.

use super::running;
use crate::metric::{Metric, evaluate};
use crate::spec::experiment::{SearchSpec, ThresholdRule};
use crate::store::{RecordedFit, StoreError};
use crate::trial::{Score, TrialState};

/// The threshold of metrics that a search goes by while `youden()` still has to choose one, as in the fits' own scores.
pub(super) const UNDECIDED: f64 = 0.5;

/// What a trial of a search is scored by. It reads what the fits have recorded, so no fit, and no key of one, depends on
/// the objectives after the first or on the constraints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scoring<'a> {
    search: &'a SearchSpec,
    threshold: ThresholdRule,
    classes: &'a [String],
}

impl<'a> Scoring<'a> {
    /// `classes` are those of the data; a formula and a regression have none.
    pub(super) fn new(search: &'a SearchSpec, threshold: ThresholdRule, classes: &'a [String]) -> Self {
        Self { search, threshold, classes }
    }

    /// Of a trial with these fits, one an inner fold: each metric is the mean over them.
    pub(super) fn state(&self, fits: &[RecordedFit]) -> Result<TrialState, StoreError> {
        let value = running::mean(&running::scores(fits));
        let mut others = Vec::new();
        for objective in &self.search.other_objectives {
            match self.mean(objective.metric, fits)? {
                Some(value) => others.push(value),
                None => return Ok(undefined(objective.metric)),
            }
        }
        let mut violation = 0.0;
        for constraint in &self.search.constraints {
            match self.mean(constraint.metric(), fits)? {
                Some(value) => violation += constraint.excess(value),
                None => return Ok(undefined(constraint.metric())),
            }
        }
        Ok(Score::new(value, others, violation).into())
    }

    fn mean(&self, metric: Metric, fits: &[RecordedFit]) -> Result<Option<f64>, StoreError> {
        let values: Option<Vec<f64>> =
            fits.iter().map(|fit| self.of_fit(metric, fit)).collect::<Result<_, StoreError>>()?;
        Ok(values.map(|values| running::mean(&values)))
    }

    /// On a fit's validation rows; none where it is not defined.
    fn of_fit(&self, metric: Metric, fit: &RecordedFit) -> Result<Option<f64>, StoreError> {
        if metric == self.search.objective.metric {
            return Ok(fit.outcome().score);
        }
        let threshold = match self.threshold {
            ThresholdRule::Fixed(threshold) => threshold,
            ThresholdRule::Youden => UNDECIDED,
        };
        // Of decisions, the fit's metrics may be those of a threshold that was chosen on these very rows.
        let is_of_another_threshold = metric.is_of_decisions() && self.threshold == ThresholdRule::Youden;
        if is_of_another_threshold || !(metric.is_reported() || metric == Metric::Value) {
            let predictions = fit.validation_predictions(self.classes)?;
            return Ok(predictions.and_then(|predictions| evaluate(metric, &predictions, threshold)));
        }
        Ok(fit.outcome().validation.get(metric.name()).copied())
    }
}

fn undefined(metric: Metric) -> TrialState {
    TrialState::Failed { reason: metric.why_undefined() }
}
