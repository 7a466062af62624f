//! Several runs beside each other, in the order in which they were asked for: nothing is ranked.

use super::chart::{Axis, Frame, Scale, Size};
use super::estimate::{metric_name, range_words};
use super::figure::first_metrics;
use super::record::Run;
use super::text::{escape, shorten};
use crate::store::MetricSummary;
use crate::wording::number;

/// A run with its place in the page, from 1, and the metric it speaks of first.
type Line<'a> = (usize, &'a Run, Option<(String, MetricSummary)>);

/// A table of the runs, and their folds by the metric that most of them have.
pub(super) fn compare(runs: &[&Run]) -> String {
    let lines: Vec<Line<'_>> =
        runs.iter().enumerate().map(|(index, run)| (index + 1, *run, first_metrics(run).into_iter().next())).collect();
    let rows: String = lines
        .iter()
        .map(|(index, run, first)| {
            let manifest = &run.entry.manifest;
            let dash = || "–".to_owned();
            let (name, mean, std, interval) = match first {
                Some((name, metric)) => {
                    let interval = metric.intervals.first().map_or_else(dash, |found| range_words(&found.interval));
                    (format!("test {}", metric_name(name)), number(metric.mean), metric.std.map_or_else(dash, number), interval)
                }
                None => {
                    let (name, value) = best_value(run);
                    (name, value, dash(), dash())
                }
            };
            format!(
                "<tr><td class=\"n\">{index}</td><th scope=\"row\"><a href=\"#run{index}-top\">{}</a></th><td>{}</td>\
                 <td>{}</td><td>{}</td><td class=\"n\"><b>{mean}</b></td><td class=\"n\">{std}</td><td>{interval}</td></tr>",
                escape(&manifest.experiment),
                escape(&manifest.run),
                escape(&run.status),
                escape(&name)
            )
        })
        .collect();
    let same_data =
        runs.windows(2).all(|pair| pair[0].entry.manifest.data_fingerprint == pair[1].entry.manifest.data_fingerprint);
    let same_folds =
        runs.windows(2).all(|pair| pair[0].entry.manifest.splits_blake3 == pair[1].entry.manifest.splits_blake3);
    let note = match (same_data, same_folds) {
        (true, true) => "All runs have the same data and the same folds.",
        (true, false) => "The runs have the same data, but not the same folds: their folds are not pairs.",
        (false, _) => "The runs do not have the same data: their numbers say different things.",
    };
    format!(
        "<h1>{} runs</h1>\n<p class=\"meta\">{note} They stand in the order in which they were asked for.</p>\n\
         <div class=\"scroll\"><table><thead><tr><th></th><th>experiment</th><th>run</th><th>status</th><th>metric</th>\
         <th class=\"n\">mean</th><th class=\"n\">sd</th><th>interval</th></tr></thead><tbody>{rows}</tbody></table></div>\n{}",
        runs.len(),
        chart(&lines)
    )
}

/// Of a run that has tested nothing.
fn best_value(run: &Run) -> (String, String) {
    let best = run.studies.iter().find_map(|study| study.trials[study.best?].state.score());
    let objective = run.objectives().first().map_or_else(String::new, |objective| format!("best {}", objective.metric));
    (objective, best.map_or_else(|| "–".to_owned(), |score| number(score.value())))
}

/// The folds of the runs that share the first run's metric.
#[expect(clippy::cast_precision_loss, reason = "runs are few")]
fn chart(lines: &[Line<'_>]) -> String {
    let Some(wanted) = lines.iter().find_map(|(_, _, first)| first.as_ref().map(|(name, _)| name.clone())) else {
        return String::new();
    };
    let drawn: Vec<(String, MetricSummary)> = lines
        .iter()
        .filter_map(|(index, run, _)| {
            let metric = run.test().remove(&wanted)?;
            Some((format!("{index} {}", shorten(&run.entry.manifest.experiment, 18)), metric))
        })
        .collect();
    let values = drawn.iter().flat_map(|(_, metric)| metric.per_outer.iter().copied());
    let x = Axis::new(Scale::over(values), metric_name(&wanted));
    let bands = Scale::Bands { labels: drawn.iter().rev().map(|(label, _)| label.clone()).collect() };
    let size = Size::WIDE.of_height(30.0 * drawn.len() as f64 + 100.0);
    let title = format!("Test {} of each outer fold", metric_name(&wanted));
    let mut frame = Frame::new("", title, size, x, Axis::new(bands, ""));
    for (place, (_, metric)) in drawn.iter().rev().enumerate() {
        let points: Vec<(f64, f64)> = metric.per_outer.iter().map(|value| (*value, place as f64)).collect();
        frame.dots("dots1", &points);
        let (x, y) = frame.at(metric.mean, place as f64);
        frame.svg.line("mean2", (x, y - 8.0), (x, y + 8.0));
    }
    frame.key(0, "con", "stroke: mean");
    format!("<div class=\"charts wide scroll\">{}</div>\n", frame.finish().inline())
}
