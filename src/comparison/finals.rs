//! A metric of every final of a run, from what it recorded or predicted.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::metric::{Metric, evaluate};
use crate::store::{FinalSummary, RecordedFit, RunEntry, StoreError};

/// A metric of one final.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FinalMetric {
    /// Its folder below the run's.
    pub fit: String,
    /// Outer fold, if any.
    pub outer: Option<usize>,
    /// Inner fold, if any.
    pub inner: Option<usize>,
    /// Of validation rows, if there were any.
    pub validation: Option<f64>,
    /// Of test rows, if there were any.
    pub test: Option<f64>,
}

/// The metric called `name` of every final of a run that has ended; a number it recorded stays as it is.
///
/// # Errors
/// Predictions cannot be read.
pub fn finals(run: &RunEntry, name: &str) -> Result<Vec<FinalMetric>, StoreError> {
    let finals = run.summary.iter().flat_map(|summary| &summary.finals);
    finals
        .map(|last| {
            let of = |part, recorded: &BTreeMap<String, f64>| match recorded.get(name) {
                Some(value) => Ok(Some(*value)),
                None => predicted(run, last, part, name),
            };
            Ok(FinalMetric {
                fit: last.fit.clone(),
                outer: last.outer,
                inner: last.inner,
                validation: of("validation", &last.validation)?,
                test: of("test", &last.test)?,
            })
        })
        .collect()
}

fn predicted(run: &RunEntry, last: &FinalSummary, part: &str, name: &str) -> Result<Option<f64>, StoreError> {
    let Ok(metric) = name.parse::<Metric>() else { return Ok(None) };
    let fit = RecordedFit::read(&run.path.join(&last.fit))?;
    let recorded = fit.map(|fit| fit.predicted_rows(part)).transpose()?.flatten();
    Ok(recorded.and_then(|recorded| evaluate(metric, &recorded.predictions, last.threshold.unwrap_or(0.5))))
}
