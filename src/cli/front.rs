//! What a recorded search for several objectives, or under constraints, has to choose from.

use super::output::table;
use super::run::number;
use crate::store::{StudySummary, Summary};
use crate::wording::count;

/// Trials of the fronts that are shown; the record has all.
const MOST_SHOWN: usize = 20;

/// The metrics of the objectives, the first first.
pub(super) fn metrics(summary: &Summary) -> impl Iterator<Item = &str> {
    let metric = |objective| str::split(objective, ' ').next_back().unwrap_or_default();
    summary.objective.iter().chain(&summary.other_objectives).map(move |objective| metric(objective))
}

/// The trials of every study that nothing dominates, with their values; empty with one objective.
pub(super) fn front(summary: &Summary) -> String {
    let trials: Vec<_> =
        summary.studies.iter().flat_map(|study| study.front.iter().map(move |trial| (study, trial))).collect();
    if trials.is_empty() {
        return String::new();
    }
    let has_folds = summary.studies.iter().any(|study| study.outer.is_some());
    let folds = |study: &StudySummary| {
        let fold = |fold: Option<usize>| fold.map_or_else(|| "-".to_owned(), |fold| fold.to_string());
        if has_folds { vec![fold(study.outer), fold(study.inner)] } else { Vec::new() }
    };
    let mut header = if has_folds { vec!["outer".to_owned(), "inner".to_owned()] } else { Vec::new() };
    header.push("front: trial".to_owned());
    header.extend(metrics(summary).map(|metric| format!("validation.{metric}")));
    let rows: Vec<Vec<String>> = trials
        .iter()
        .take(MOST_SHOWN)
        .map(|(study, trial)| {
            let mut row = folds(study);
            row.push(trial.trial.to_string());
            row.extend(trial.values.iter().map(|value| number(*value)));
            row
        })
        .collect();
    let more = match trials.len().saturating_sub(MOST_SHOWN) {
        0 => String::new(),
        n => format!("\n and {} more in summary.json", count(n, "trial")),
    };
    format!("{}{more}", table(&header, &rows))
}

/// Which constraints there are and how many trials meet them; none without any.
pub(super) fn limits(summary: &Summary) -> Option<String> {
    if summary.constraints.is_empty() {
        return None;
    }
    let n: usize = summary.studies.iter().map(|study| study.n_complete).sum();
    let n_missed: usize = summary.studies.iter().filter_map(|study| study.n_infeasible).sum();
    Some(format!("{}; met by {} of {}", summary.constraints.join(", "), n - n_missed, count(n, "complete trial")))
}

/// The studies in which no trial meets the constraints, and what their finals are built on.
pub(super) fn unmet(summary: &Summary) -> Vec<String> {
    let missed = summary.studies.iter().filter(|study| study.best_violation > 0.0);
    missed
        .filter_map(|study| {
            let trial = study.best_trial?;
            let final_ = if study.outer.is_some() { "; the final is built on it" } else { "" };
            Some(format!(
                "no trial of {} meets the constraints ({}): trial {trial} misses them least, by {}{final_}",
                name(study),
                summary.constraints.join(", "),
                number(study.best_violation)
            ))
        })
        .collect()
}

/// As in `outer 0, inner 1`.
pub(super) fn name(study: &StudySummary) -> String {
    let folds = [study.outer.map(|outer| format!("outer {outer}")), study.inner.map(|inner| format!("inner {inner}"))];
    let folds: Vec<String> = folds.into_iter().flatten().collect();
    if folds.is_empty() { "the search".to_owned() } else { folds.join(", ") }
}
