//! Metrics over outer folds with their intervals, as cells of a table.

use super::run::number;
use crate::statistics::{CONFIDENCE, ConfidenceInterval, Method, RESAMPLES};
use crate::store::MetricSummary;

/// The columns that metrics need: mean, spread and, if one has any, the interval.
pub(super) fn header(metrics: &[&MetricSummary]) -> Vec<String> {
    let mut header = ["mean", "std"].map(str::to_owned).to_vec();
    if has_intervals(metrics) {
        header.extend(["low", "high"].map(str::to_owned));
        header.push(format!("{:.0} % interval", CONFIDENCE * 100.0));
    }
    header
}

/// The cells of one of the metrics.
pub(super) fn cells(metric: &MetricSummary, metrics: &[&MetricSummary]) -> Vec<String> {
    let dash = || "-".to_owned();
    let mut cells = vec![number(metric.mean), metric.std.map_or_else(dash, number)];
    if has_intervals(metrics) {
        let shown = metric.intervals.first();
        cells.extend(
            [shown.map(|shown| shown.interval.low), shown.map(|shown| shown.interval.high)]
                .map(|end| end.map_or_else(dash, number)),
        );
        cells.push(shown.map_or_else(dash, |shown| shown.method.to_string()));
    }
    cells
}

/// What is to be said below the table of the intervals in it.
pub(super) fn notes(metrics: &[&MetricSummary]) -> Vec<String> {
    let shown =
        |method| metrics.iter().filter_map(|metric| metric.intervals.first()).any(|shown| shown.method == method);
    let mut notes = Vec::new();
    if shown(Method::RowBootstrap) {
        notes.push(format!(
            "row bootstrap: what other test rows would change, with the models as they are; {RESAMPLES} resamples"
        ));
    }
    let wilson =
        |metric: &&MetricSummary| metric.intervals.iter().find(|found| found.method == Method::Wilson).copied();
    notes.extend(metrics.iter().find_map(wilson).map(|ConfidenceInterval { interval, .. }| {
        format!("accuracy by Wilson's interval: {} to {}", number(interval.low), number(interval.high))
    }));
    notes
}

fn has_intervals(metrics: &[&MetricSummary]) -> bool {
    metrics.iter().any(|metric| !metric.intervals.is_empty())
}
