//! The answer first: what the run found, in words and a table.

use super::estimate::{estimate, metric_name, range_words};
use super::figure::first_metrics;
use super::record::Run;
use super::text::escape;
use crate::statistics::CONFIDENCE;
use crate::store::MetricSummary;
use crate::wording::{count, number};

/// Outer folds whose values have columns.
const MOST_FOLDS: usize = 10;

/// The line below the name: which run, when, and how it ended.
pub(super) fn beginning(run: &Run) -> String {
    let manifest = &run.entry.manifest;
    let data = manifest.data.as_ref().map_or_else(String::new, |data| format!(" · {}", escape(data)));
    format!(
        "<p class=\"meta\">run {} · {} · {} · {}{data}</p>\n",
        escape(&manifest.run),
        escape(&run.status),
        escape(&manifest.started),
        escape(&manifest.plan)
    )
}

/// What it found.
pub(super) fn answer(run: &Run) -> String {
    let metrics = first_metrics(run);
    let mut text = match metrics.first() {
        Some((name, metric)) => {
            let so_far = if run.entry.summary.is_some() { "" } else { " so far" };
            let estimate = estimate(metric);
            format!(
                "<p class=\"answer\">On test rows, which no search has seen, the {} is{so_far} <b>{}</b> {}.</p>\n",
                escape(&metric_name(name)),
                estimate.value,
                estimate.words
            )
        }
        None => without_test(run),
    };
    if let Some(finalizes) = &run.entry.manifest.finalizes {
        text.push_str(&format!(
            "<p>It makes the model to ship of {}; no row was left to test it on.</p>\n",
            escape(&finalizes.run)
        ));
    }
    if !metrics.is_empty() {
        text.push_str(&table(&metrics));
        let over = ["No interval over outer folds", "None over test rows either"];
        let missing = over.iter().zip(&run.missing);
        text.extend(missing.map(|(what, why)| format!("<p class=\"note\">{what}: {}.</p>\n", escape(why))));
    }
    text
}

fn table(metrics: &[(String, MetricSummary)]) -> String {
    let n = metrics.iter().map(|(_, metric)| metric.per_outer.len()).max().unwrap_or(0);
    let shown = n.min(MOST_FOLDS);
    let heads: String = (0..shown).map(|fold| format!("<th class=\"n\">fold {fold}</th>")).collect();
    let dash = || "–".to_owned();
    let has_intervals = metrics.iter().any(|(_, metric)| !metric.intervals.is_empty());
    let interval = |metric: &MetricSummary| match metric.intervals.first() {
        _ if !has_intervals => String::new(),
        None => format!("<td>{}</td>", dash()),
        Some(found) => format!("<td>{} <small>{}</small></td>", range_words(&found.interval), found.method),
    };
    let interval_head = match has_intervals {
        true => format!("<th>{:.0}\u{a0}% interval</th>", CONFIDENCE * 100.0),
        false => String::new(),
    };
    let rows: String = metrics
        .iter()
        .map(|(name, metric)| {
            let cells: String = (0..shown)
                .map(|fold| metric.per_outer.get(fold).map_or_else(dash, |value| number(*value)))
                .map(|cell| format!("<td class=\"n\">{cell}</td>"))
                .collect();
            format!(
                "<tr><th scope=\"row\">{}</th><td class=\"n\"><b>{}</b></td><td class=\"n\">{}</td>{}{cells}</tr>",
                escape(name),
                number(metric.mean),
                metric.std.map_or_else(dash, number),
                interval(metric)
            )
        })
        .collect();
    let more = match n - shown {
        0 => String::new(),
        more => format!("<p class=\"note\">{more} more folds are not listed.</p>\n"),
    };
    format!(
        "<div class=\"scroll\"><table><thead><tr><th>test metric</th><th class=\"n\">mean</th><th class=\"n\">sd</th>{interval_head}{heads}</tr>\
         </thead><tbody>{rows}</tbody></table></div>\n{more}"
    )
}

/// Of a run that has tested nothing: the best trial, or the metrics of its only fit.
fn without_test(run: &Run) -> String {
    let objectives = run.objectives();
    let best = run.studies.iter().filter_map(|study| Some((study, &study.trials[study.best?])));
    let best: Vec<_> = best.collect();
    if let (Some((study, trial)), Some(objective)) = (best.first(), objectives.first())
        && let Some(score) = trial.state.score()
        && best.len() == 1
    {
        let others: Vec<String> = objectives[1..]
            .iter()
            .zip(score.others())
            .map(|(other, value)| format!(", {} {}", other.metric, number(*value)))
            .collect();
        let violation = if score.is_feasible() {
            String::new()
        } else {
            format!(" No trial meets the constraints; it misses them least, by {}.", number(score.violation()))
        };
        let values: Vec<String> = trial
            .assignment
            .iter()
            .map(|(name, value)| format!("{} = {}", escape(name), escape(&value.to_string())))
            .collect();
        return format!(
            "<p class=\"answer\">The best of {} is trial {}, with {} <b>{}</b>{}.{violation}</p>\n<p>{}</p>\n\
             <p class=\"note\">It was chosen by this very value, so it is no estimate of what comes.</p>\n",
            count(study.trials.len(), "trial"),
            trial.number,
            escape(objective.metric.name()),
            number(score.value()),
            escape(&others.join("")),
            values.join(" · ")
        );
    }
    let validation = run.finals.iter().find(|last| !last.outcome.validation.is_empty());
    if let Some(last) = validation {
        let values: Vec<String> = last
            .outcome
            .validation
            .iter()
            .map(|(name, value)| format!("{} <b>{}</b>", escape(&metric_name(name)), number(*value)))
            .collect();
        return format!("<p class=\"answer\">Nothing was tested. On validation rows: {}.</p>\n", values.join(", "));
    }
    let n = run.studies.iter().map(|study| study.trials.len()).sum();
    format!("<p class=\"answer\">Nothing was tested yet; {} ended.</p>\n", count(n, "trial"))
}
