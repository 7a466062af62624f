//! `trials.csv` and `summary.json`: what a run found, without a word about when, where or by whom.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::statistics::{ConfidenceInterval, mean, standard_deviation};
use crate::stop::Ending;
use crate::study::Slice;
use crate::trial::TrialState;
use crate::value::Assignment;

/// A line of `trials.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRow {
    /// Outer fold of its study, if any.
    pub outer: Option<usize>,
    /// Inner fold of its study, if any.
    pub inner: Option<usize>,
    /// Its number in the study.
    pub trial: usize,
    /// What it tried.
    pub assignment: Assignment,
    /// How it ended.
    pub state: TrialState,
}

/// The columns of `trials.csv` that not every run has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialColumns {
    /// Metrics of the objectives after the first; each column is called `value.` and its name.
    pub other_values: Vec<String>,
    /// Whether there are constraints that a trial may miss.
    pub has_violation: bool,
    /// Parameters, in the order of the space.
    pub parameters: Vec<String>,
}

/// The trials with a column for each parameter; a parameter that was not active is empty.
pub(super) fn trials_csv(rows: &[TrialRow], columns: &TrialColumns) -> Vec<u8> {
    let TrialColumns { other_values, has_violation, parameters } = columns;
    let of_violation = usize::from(*has_violation);
    let mut header = ["outer", "inner", "trial", "state", "value"].map(str::to_owned).to_vec();
    header.extend(other_values.iter().map(|metric| format!("value.{metric}")));
    header.extend(std::iter::repeat_n("violation".to_owned(), of_violation));
    header.push("reason".to_owned());
    header.extend(parameters.iter().cloned());
    let mut lines = vec![header];
    for row in rows {
        let fold = |fold: Option<usize>| fold.map_or_else(String::new, |fold| fold.to_string());
        let (state, value, reason) = match &row.state {
            TrialState::Complete(score) => ("complete", float(score.value()), String::new()),
            TrialState::Pruned { step, value } => ("pruned", value.map_or_else(String::new, float), after(*step)),
            TrialState::Failed { reason } => ("failed", String::new(), reason.clone()),
            TrialState::Pending => ("pending", String::new(), String::new()),
        };
        let score = row.state.score();
        let mut line = vec![fold(row.outer), fold(row.inner), row.trial.to_string(), state.to_owned(), value];
        let other =
            |index: usize| score.and_then(|score| score.others().get(index)).map_or_else(String::new, |x| float(*x));
        line.extend((0..other_values.len()).map(other));
        let violation = score.map_or_else(String::new, |score| float(score.violation()));
        line.extend(std::iter::repeat_n(violation, of_violation));
        line.push(reason);
        line.extend(
            parameters.iter().map(|name| row.assignment.get(name).map_or_else(String::new, ToString::to_string)),
        );
        lines.push(line);
    }
    csv_bytes(&lines)
}

fn after(n_epochs: usize) -> String {
    if n_epochs == 1 { "after 1 epoch".to_owned() } else { format!("after {n_epochs} epochs") }
}

/// A number as tables hold it: the shortest text that reads back to the same bits.
pub(super) fn float(value: f64) -> String {
    format!("{value:?}")
}

pub(super) fn csv_bytes(lines: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    for line in lines {
        writer.write_record(line).expect("every line has as many cells as the first, in memory");
    }
    writer.into_inner().expect("writing to memory does not fail")
}

/// `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The experiment's name.
    pub experiment: String,
    /// `complete`, or `failed` when a study found nothing.
    pub status: String,
    /// Number of fits; those that pruned trials were spared, or that a study did not come to, do not count.
    pub n_fits: usize,
    /// Number of failed trials.
    pub n_failed_trials: usize,
    /// Number of pruned trials; absent when none can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_pruned: Option<usize>,
    /// Planned epochs that pruned trials were spared; absent when none can be pruned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_epochs_saved: Option<usize>,
    /// Metric that was searched on, and which way; of several the first.
    pub objective: Option<String>,
    /// The objectives after the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_objectives: Vec<String>,
    /// Limits that trials should meet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// Every study.
    pub studies: Vec<StudySummary>,
    /// Every final.
    pub finals: Vec<FinalSummary>,
    /// Each test metric over the outer folds: finals of one outer fold are averaged first.
    pub test: BTreeMap<String, MetricSummary>,
    /// How often test rows were evaluated: once by each final that has some.
    #[serde(default)]
    pub n_test_evaluations: usize,
}

/// What a study found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudySummary {
    /// Outer fold, if any.
    pub outer: Option<usize>,
    /// Inner fold, if any.
    pub inner: Option<usize>,
    /// Trials that completed.
    pub n_complete: usize,
    /// Those of them that miss the constraints; absent without constraints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_infeasible: Option<usize>,
    /// Trials that were pruned; absent when none can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_pruned: Option<usize>,
    /// Trials that failed.
    pub n_failed: usize,
    /// After how many trials it ended, and why; absent when nothing but their number can end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ending>,
    /// Number of the best trial.
    pub best_trial: Option<usize>,
    /// Its value; of several objectives, that of the first.
    pub best_value: Option<f64>,
    /// By how much it misses the constraints, which then every trial does; absent if it meets them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub best_violation: f64,
    /// Its assignment.
    pub best_assignment: Assignment,
    /// The trials that were the best when they ended, by number.
    #[serde(default)]
    pub history: Vec<BestSoFar>,
    /// What share each parameter has in a trial's being among the best; empty with fewer than 10 complete trials. Of several
    /// objectives, that of the first.
    #[serde(default)]
    pub importance: BTreeMap<String, f64>,
    /// The same for the objectives after the first, by their metrics.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_importance: BTreeMap<String, BTreeMap<String, f64>>,
    /// The objective in each part of each parameter's values, from the complete trials that meet the constraints; of several
    /// objectives, the first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slices: BTreeMap<String, Vec<Slice>>,
    /// With several objectives, the trials that meet the constraints and that no such trial is better than in one objective
    /// without being worse in another; the best in the first objective first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub front: Vec<FrontTrial>,
}

/// A trial of the front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontTrial {
    /// Its number.
    pub trial: usize,
    /// Its value in each objective.
    pub values: Vec<f64>,
    /// Its assignment.
    pub assignment: Assignment,
}

/// A trial that was better than all with a smaller number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestSoFar {
    /// Its number.
    pub trial: usize,
    /// Its value.
    pub value: f64,
    /// By how much it missed the constraints; absent if it met them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub violation: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

/// A final model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinalSummary {
    /// Its folder below the run's.
    pub fit: String,
    /// Outer fold, if any.
    pub outer: Option<usize>,
    /// Inner fold, if any.
    pub inner: Option<usize>,
    /// Trial whose assignment it has.
    pub trial: Option<usize>,
    /// The decision threshold; none of a regression.
    pub threshold: Option<f64>,
    /// Metrics of validation rows.
    pub validation: BTreeMap<String, f64>,
    /// Metrics of test rows.
    pub test: BTreeMap<String, f64>,
}

/// A metric over the outer folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricSummary {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample; absent for one fold.
    pub std: Option<f64>,
    /// The value of each outer fold.
    pub per_outer: Vec<f64>,
    /// Intervals of the mean, the one to be shown first; absent where none can be given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<ConfidenceInterval>,
}

impl MetricSummary {
    /// Of the value of each outer fold, without intervals.
    #[must_use]
    pub fn of(per_outer: Vec<f64>) -> Self {
        Self { mean: mean(&per_outer), std: standard_deviation(&per_outer), per_outer, intervals: Vec::new() }
    }
}

impl Summary {
    /// Fills [`Summary::test`] and [`Summary::n_test_evaluations`] from the finals.
    pub fn summarise(&mut self) {
        self.n_test_evaluations = self.finals.iter().filter(|last| !last.test.is_empty()).count();
        let of_test = self.per_outer(|last| &last.test);
        self.test = of_test.into_iter().map(|(metric, per_outer)| (metric, MetricSummary::of(per_outer))).collect();
    }

    /// Each metric of validation rows, the mean over the outer folds as in [`Summary::test`]. Where finals keep no
    /// validation rows, the one that was searched on is [`Summary::best`].
    #[must_use]
    pub fn validation(&self) -> BTreeMap<String, f64> {
        let of_finals = self.per_outer(|last| &last.validation);
        let mut means: BTreeMap<String, f64> =
            of_finals.into_iter().map(|(metric, per_outer)| (metric, mean(&per_outer))).collect();
        let searched = self.objective.as_ref().and_then(|objective| objective.split(' ').next_back());
        if let (Some(metric), Some(best)) = (searched, self.best()) {
            means.entry(metric.to_owned()).or_insert(best);
        }
        means
    }

    /// The value of the best trials on validation rows: the mean over the outer folds, the studies of one averaged first.
    /// None without a search, or where a study has none.
    #[must_use]
    pub fn best(&self) -> Option<f64> {
        let is_whole = !self.studies.is_empty() && self.studies.iter().all(|study| study.best_value.is_some());
        is_whole.then(|| self.mean_of_studies(|study| study.best_value.unwrap_or_default()))
    }

    /// By how much the best trials miss the constraints, averaged as in [`Summary::best`]; 0 if they meet them.
    #[must_use]
    pub fn violation(&self) -> f64 {
        if self.studies.is_empty() { 0.0 } else { self.mean_of_studies(|study| study.best_violation) }
    }

    fn mean_of_studies(&self, of: impl Fn(&StudySummary) -> f64) -> f64 {
        let mut folds: BTreeMap<Option<usize>, Vec<f64>> = BTreeMap::new();
        for study in &self.studies {
            folds.entry(study.outer).or_default().push(of(study));
        }
        mean(&folds.into_values().map(|values| mean(&values)).collect::<Vec<_>>())
    }

    /// Of each metric the value of every outer fold: finals of one are averaged first.
    fn per_outer(&self, of: impl Fn(&FinalSummary) -> &BTreeMap<String, f64>) -> BTreeMap<String, Vec<f64>> {
        let mut by_metric: BTreeMap<&str, BTreeMap<Option<usize>, Vec<f64>>> = BTreeMap::new();
        for last in &self.finals {
            for (metric, &value) in of(last) {
                by_metric.entry(metric).or_default().entry(last.outer).or_default().push(value);
            }
        }
        let averaged = |folds: BTreeMap<_, Vec<f64>>| folds.into_values().map(|values| mean(&values)).collect();
        by_metric.into_iter().map(|(metric, folds)| (metric.to_owned(), averaged(folds))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Score;

    fn last(outer: usize, value: f64) -> FinalSummary {
        FinalSummary {
            fit: String::new(),
            outer: Some(outer),
            inner: None,
            trial: None,
            threshold: Some(0.5),
            validation: BTreeMap::new(),
            test: BTreeMap::from([("roc_auc".to_owned(), value)]),
        }
    }

    #[test]
    fn inner_models_are_averaged_before_the_outer_folds_are_compared() {
        let mut summary = Summary {
            experiment: "e".to_owned(),
            status: "complete".to_owned(),
            n_fits: 3,
            n_failed_trials: 0,
            n_pruned: None,
            n_epochs_saved: None,
            objective: None,
            other_objectives: Vec::new(),
            constraints: Vec::new(),
            studies: Vec::new(),
            finals: vec![last(0, 0.7), last(0, 0.9), last(1, 0.6)],
            test: BTreeMap::new(),
            n_test_evaluations: 0,
        };
        summary.summarise();
        let auc = &summary.test["roc_auc"];
        assert!((auc.per_outer[0] - 0.8).abs() < 1e-12 && (auc.per_outer[1] - 0.6).abs() < 1e-12);
        assert!((auc.mean - 0.7).abs() < 1e-12);
        // sqrt((0.1^2 + 0.1^2) / 1)
        assert!((auc.std.expect("two folds") - 0.02_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_parameter_that_was_not_active_is_an_empty_cell() {
        let row = TrialRow {
            outer: Some(0),
            inner: None,
            trial: 3,
            assignment: Assignment::from([("lr".to_owned(), crate::value::Value::Float(1e-5))]),
            state: TrialState::from_objective(0.1),
        };
        let parameters = vec!["lr".to_owned(), "momentum".to_owned()];
        let columns = TrialColumns { other_values: Vec::new(), has_violation: false, parameters };
        let text = String::from_utf8(trials_csv(&[row], &columns)).expect("UTF-8");
        assert_eq!(text, "outer,inner,trial,state,value,reason,lr,momentum\n0,,3,complete,0.1,,1e-5,\n");
    }

    #[test]
    fn objectives_after_the_first_and_violations_have_columns_of_their_own() {
        let row = |trial, state| TrialRow { outer: None, inner: None, trial, assignment: Assignment::new(), state };
        let rows = [
            row(0, Score::new(0.5, vec![0.25], 0.0).into()),
            row(1, Score::new(0.5, vec![0.75], 0.125).into()),
            row(2, TrialState::Pruned { step: 2, value: Some(0.1) }),
        ];
        let columns =
            TrialColumns { other_values: vec!["log_loss".to_owned()], has_violation: true, parameters: Vec::new() };
        let text = String::from_utf8(trials_csv(&rows, &columns)).expect("UTF-8");
        let expected = "outer,inner,trial,state,value,value.log_loss,violation,reason\n,,0,complete,0.5,0.25,0.0,\n\
                        ,,1,complete,0.5,0.75,0.125,\n,,2,pruned,0.1,,,after 2 epochs\n";
        assert_eq!(text, expected);
    }
}
