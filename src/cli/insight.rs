//! What a recorded search tells about its space: which parameters mattered, and how the best value came about.

use super::front;
use super::output::table;
use super::run::number;
use crate::store::{BestSoFar, StudySummary, Summary};
use crate::wording::count;

/// Improvements shown of one study, the last ones; the record has all.
const MOST_IMPROVEMENTS: usize = 10;

/// Tables of the parameters' importance, the mean over the studies, and of the improvements of an only study; empty when
/// there were too few trials to say.
pub(super) fn insight(summary: &Summary) -> String {
    let told: Vec<&StudySummary> = summary.studies.iter().filter(|study| !study.importance.is_empty()).collect();
    if told.is_empty() {
        return String::new();
    }
    let mut parts = vec![importance_table(summary, &told)];
    if let [only] = &summary.studies[..] {
        let shown = &only.history[only.history.len().saturating_sub(MOST_IMPROVEMENTS)..];
        let has_violation = shown.iter().any(|best| best.violation > 0.0);
        let mut header = vec!["trial".to_owned(), "best so far".to_owned()];
        header.extend(has_violation.then(|| "violation".to_owned()));
        let row = |best: &BestSoFar| {
            let mut row = vec![best.trial.to_string(), number(best.value)];
            row.extend(has_violation.then(|| number(best.violation)));
            row
        };
        parts.push(table(&header, &shown.iter().map(row).collect::<Vec<_>>()));
    }
    parts.join("\n\n")
}

/// The most important first; of several objectives, in the first.
fn importance_table(summary: &Summary, studies: &[&StudySummary]) -> String {
    #[expect(clippy::cast_precision_loss, reason = "studies are few")]
    let n = studies.len() as f64;
    // A share is worth what it rests on: a dozen trials say little.
    let n_trials = studies.iter().map(|study| study.n_complete).sum();
    let within = if studies.len() == 1 { String::new() } else { format!(" in {}", count(studies.len(), "study")) };
    let by = format!("by {}{within}", count(n_trials, "trial"));
    let mut header = vec!["parameter".to_owned()];
    if summary.other_objectives.is_empty() {
        header.push(format!("importance {by}"));
    } else {
        let first = front::metrics(summary).next().unwrap_or_default();
        header.push(format!("importance {by} for {first}"));
        header.extend(front::metrics(summary).skip(1).map(|metric| format!("for {metric}")));
    }
    let shares = |name: &str| -> Vec<f64> {
        let mean =
            |of: &dyn Fn(&StudySummary) -> Option<f64>| studies.iter().filter_map(|study| of(study)).sum::<f64>() / n;
        let first = mean(&|study| study.importance.get(name).copied());
        let others = front::metrics(summary)
            .skip(1)
            .map(|metric| mean(&|study| study.other_importance.get(metric)?.get(name).copied()));
        std::iter::once(first).chain(others).collect()
    };
    let mut parameters: Vec<(&str, Vec<f64>)> =
        studies[0].importance.keys().map(|name| (name.as_str(), shares(name))).collect();
    parameters.sort_by(|a, b| b.1[0].total_cmp(&a.1[0]).then(a.0.cmp(b.0)));
    let cells = |(name, shares): (&str, Vec<f64>)| {
        let share = |share: f64| format!("{:.0} %", 100.0 * share);
        std::iter::once(name.to_owned()).chain(shares.into_iter().map(share)).collect::<Vec<_>>()
    };
    table(&header, &parameters.into_iter().map(cells).collect::<Vec<_>>())
}
