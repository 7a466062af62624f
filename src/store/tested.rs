//! What the outer folds of a recorded run were tested on, and what was predicted there.

use std::collections::BTreeMap;
use std::path::Path;

use super::recorded_fit::RecordedFit;
use super::tables::{FinalSummary, Summary};
use super::{StoreError, atomic};
use crate::estimate::{OuterTests, TestedFold, TestedModel};
use crate::split;

/// The outer folds that the finals of the run in `run` were tested on; none without data, folds or tests. `has_groups` if rows of the data
/// come in groups.
///
/// # Errors
/// Its files are damaged or cannot be read.
pub fn outer_tests(run: &Path, finals: &[FinalSummary], has_groups: bool) -> Result<Option<OuterTests>, StoreError> {
    let path = run.join("splits.json");
    let mut tested: BTreeMap<usize, Vec<&FinalSummary>> = BTreeMap::new();
    for last in finals.iter().filter(|last| !last.test.is_empty()) {
        tested.entry(last.outer.unwrap_or_default()).or_default().push(last);
    }
    if tested.is_empty() || !path.is_file() {
        return Ok(None);
    }
    let damaged = |reason: String| StoreError::Damaged { path: path.clone(), reason };
    let (ids, splits) = split::read_json(&atomic::read(&path)?).map_err(|error| damaged(error.to_string()))?;
    let mut folds = Vec::new();
    for (outer, finals) in tested {
        let fold = splits.outer().get(outer).ok_or_else(|| damaged(format!("it has no outer fold {outer}")))?;
        let rows: Vec<String> = fold.test_rows().rows().iter().map(|&row| ids[row].clone()).collect();
        let mut models = Vec::new();
        for last in finals {
            models.extend(model(&run.join(&last.fit), last.threshold.unwrap_or(0.5), &rows)?);
        }
        let n_train = fold.refit().train.len();
        folds.push(TestedFold::new(n_train, rows, models).map_err(|error| damaged(error.to_string()))?);
    }
    Ok(Some(OuterTests::new(folds, has_groups)))
}

/// A final and what it predicted for the test rows; none if it recorded no predictions.
fn model(folder: &Path, threshold: f64, rows: &[String]) -> Result<Option<TestedModel>, StoreError> {
    let recorded = RecordedFit::read(folder)?.map(|fit| fit.predicted_rows("test")).transpose()?.flatten();
    match recorded {
        Some(recorded) if recorded.ids == rows => {
            Ok(Some(TestedModel { predictions: recorded.predictions, threshold }))
        }
        Some(_) => Err(StoreError::Damaged {
            path: folder.to_owned(),
            reason: "its test predictions are not those of the test rows of its outer fold".to_owned(),
        }),
        None => Ok(None),
    }
}

impl Summary {
    /// Adds the intervals of [`Summary::test`] that can be given for what was tested.
    pub fn add_intervals(&mut self, tests: &OuterTests) {
        let values = self.test.iter().map(|(name, metric)| (name.as_str(), metric.per_outer.as_slice())).collect();
        let mut intervals = tests.intervals(&values);
        for (name, metric) in &mut self.test {
            metric.intervals = intervals.remove(name).unwrap_or_default();
        }
    }
}
