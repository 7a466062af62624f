//! What a recorded search tells about its space: which parameters mattered, and how the best value came about.

use super::output::table;
use super::run::number;
use crate::store::{StudySummary, Summary};
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
    let mut parts = vec![importance_table(&told)];
    if let [only] = &summary.studies[..] {
        let rows: Vec<Vec<String>> = only
            .history
            .iter()
            .skip(only.history.len().saturating_sub(MOST_IMPROVEMENTS))
            .map(|best| vec![best.trial.to_string(), number(best.value)])
            .collect();
        parts.push(table(&["trial".to_owned(), "best so far".to_owned()], &rows));
    }
    parts.join("\n\n")
}

/// The most important first.
fn importance_table(studies: &[&StudySummary]) -> String {
    #[expect(clippy::cast_precision_loss, reason = "studies are few")]
    let n = studies.len() as f64;
    let share = |name: &str| studies.iter().filter_map(|study| study.importance.get(name)).sum::<f64>() / n;
    let mut shares: Vec<(&str, f64)> = studies[0].importance.keys().map(|name| (name.as_str(), share(name))).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let rows: Vec<Vec<String>> =
        shares.into_iter().map(|(name, share)| vec![name.to_owned(), format!("{:.0} %", 100.0 * share)]).collect();
    // A share is worth what it rests on: a dozen trials say little.
    let n_trials = studies.iter().map(|study| study.n_complete).sum();
    let within = if studies.len() == 1 { String::new() } else { format!(" in {}", count(studies.len(), "study")) };
    table(&["parameter".to_owned(), format!("importance by {}{within}", count(n_trials, "trial"))], &rows)
}
