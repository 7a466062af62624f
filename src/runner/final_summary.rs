//! What the summary of a run tells of a final.

use crate::data::Dataset;
use crate::metric::{Metric, evaluate};
use crate::plan::StudyId;
use crate::store::{FinalSummary, FitPath, RecordedFit, StoreError};

/// What is recorded of the final of a study, trained on the assignment of a trial; and the metrics among `named` that its
/// record lacks, from its predictions: metrics of objectives after the first and of constraints are in no fit's config.
///
/// # Errors
/// Predictions that are recorded cannot be read.
pub(super) fn final_summary(
    path: &FitPath,
    (id, trial): (StudyId, Option<usize>),
    fit: &RecordedFit,
    data: Option<&Dataset>,
    named: &[Metric],
) -> Result<FinalSummary, StoreError> {
    let outcome = fit.outcome();
    let (mut validation, mut test) = (outcome.validation.clone(), outcome.test.clone());
    let is_lacking = |metric: &Metric| !metric.is_reported() && !outcome.test.contains_key(metric.name());
    let lacking: Vec<Metric> = named.iter().copied().filter(is_lacking).collect();
    if let Some(data) = data.filter(|_| !lacking.is_empty()) {
        let threshold = outcome.threshold.unwrap_or(0.5);
        for (metrics, predictions) in [
            (&mut validation, fit.validation_predictions(data.classes())?),
            (&mut test, fit.test_predictions(data.classes())?),
        ] {
            let Some(predictions) = predictions else { continue };
            let value = |metric: &Metric| Some((metric.name().to_owned(), evaluate(*metric, &predictions, threshold)?));
            metrics.extend(lacking.iter().filter_map(value));
        }
    }
    Ok(FinalSummary {
        fit: path.as_str().to_owned(),
        outer: id.outer(),
        inner: id.inner(),
        trial,
        threshold: outcome.threshold,
        validation,
        test,
    })
}
