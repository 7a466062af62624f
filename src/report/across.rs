//! All runs of an experiment on one page: how its result went from run to run, and against every value that they differ in.
//!
//! What is drawn against a value goes by validation rows, so that nobody tunes by test rows without seeing it.

use std::collections::{BTreeMap, BTreeSet};

use super::chart::{Axis, Chart, Frame, Scale, Size};
use super::estimate::{metric_name, range_words};
use super::figure::Figure;
use super::page::{document, section};
use super::record::{best, objectives};
use super::text::{escape, shorten, shorten_start, slug};
use crate::script::{self, Outcome};
use crate::store::{self, MetricSummary, RunEntry, StoreError};
use crate::trial::Direction;
use crate::wording::{count, number};

/// Values that have a chart and a column.
const MOST_VALUES: usize = 8;
/// Positive numbers whose largest is so many times the smallest get a logarithmic axis.
const WIDE_RATIO: f64 = 30.0;

/// A run as a line of the page.
struct Line {
    entry: RunEntry,
    /// The values of its config.
    values: BTreeMap<String, String>,
    /// What its searches were after, and what the best trials reached, on average over the searches.
    reached: Option<(String, f64)>,
    test: Option<(String, MetricSummary)>,
}

/// The page about runs of an experiment, in the order in which they began.
pub(super) fn across(experiment: &str, runs: Vec<RunEntry>) -> Result<String, StoreError> {
    let mut lines: Vec<Line> = runs.into_iter().map(Line::read).collect::<Result<_, _>>()?;
    lines.sort_by(|a, b| a.started().cmp(b.started()).then(a.entry.manifest.run.cmp(&b.entry.manifest.run)));
    let names = differing(&lines);
    let shown = &names[..names.len().min(MOST_VALUES)];
    let figures: Vec<Figure> = over_runs(&lines).into_iter().chain(over_values(&lines, shown)).collect();
    let sections: String = figures.iter().map(|figure| section(figure, figure.id)).collect();
    let left_out = match names.len() - shown.len() {
        0 => String::new(),
        more => format!("<p class=\"note\">{} that differ, too, are left out.</p>\n", count(more, "value")),
    };
    let span = match lines.as_slice() {
        [] => String::new(),
        [only] => only.started().to_owned(),
        [first, .., last] => format!("{} to {}", first.started(), last.started()),
    };
    let body = format!(
        "<article>\n<h1>{}</h1>\n<p class=\"meta\">{} · {span}</p>\n{}{left_out}<div class=\"sections\">\n{sections}</div>\n</article>\n",
        escape(experiment),
        count(lines.len(), "run"),
        table(&lines, shown),
    );
    Ok(document(&format!("{experiment}: {}", count(lines.len(), "run")), &body))
}

impl Line {
    fn read(entry: RunEntry) -> Result<Self, StoreError> {
        // What an older program wrote may say what this one no longer understands; the numbers are there all the same.
        let outcome = script::evaluate(&entry.config_path(), &[]).map(|evaluated| evaluated.outcome).ok();
        let (values, experiment) = match &outcome {
            Some(Outcome::Experiment(experiment)) => (experiment.flat(), Some(&**experiment)),
            Some(Outcome::Fit(fit)) => (fit.flat(), None),
            None => (Vec::new(), None),
        };
        let values = values.into_iter().filter(|value| !value.is_path).map(|value| (value.name, value.value)).collect();
        let wanted: Vec<_> = objectives(experiment).collect();
        let directions: Vec<Direction> = wanted.iter().map(|objective| objective.direction).collect();
        let studies = store::ended_trials(&entry.journal()?);
        let scores: Vec<f64> = studies
            .values()
            .filter_map(|trials| Some(trials[best(trials, &directions)?].state.score()?.value()))
            .collect();
        let reached = wanted
            .first()
            .filter(|_| !scores.is_empty())
            .map(|objective| (objective.metric.name().to_owned(), MetricSummary::of(scores).mean));
        let test = entry.summary.as_ref().and_then(|summary| {
            let usual = reached.iter().map(|(name, _)| name.as_str()).chain(["roc_auc", "accuracy"]);
            let mut usual = usual.filter_map(|name| summary.test.get_key_value(name));
            usual.next().or_else(|| summary.test.iter().next()).map(|(name, metric)| (name.clone(), metric.clone()))
        });
        Ok(Self { entry, values, reached, test })
    }

    fn started(&self) -> &str {
        &self.entry.manifest.started
    }

    /// What charts over values draw.
    fn judged(&self) -> Option<f64> {
        self.reached.as_ref().map(|(_, value)| *value)
    }
}

/// Names of the values that not all runs share.
fn differing(lines: &[Line]) -> Vec<String> {
    let names: BTreeSet<&String> = lines.iter().flat_map(|line| line.values.keys()).collect();
    let differs = |name: &&String| lines.iter().any(|line| line.values.get(*name) != lines[0].values.get(*name));
    names.into_iter().filter(differs).cloned().collect()
}

fn table(lines: &[Line], names: &[String]) -> String {
    let heads: String = names
        .iter()
        .map(|name| format!("<th title=\"{}\">{}</th>", escape(name), escape(&shorten_start(name, 18))))
        .collect();
    let dash = || "–".to_owned();
    let rows: String = lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let manifest = &line.entry.manifest;
            let commit = manifest.git.as_ref().map_or_else(dash, |git| {
                format!("{:.7}{}", git.commit, if git.dirty { "+" } else { "" })
            });
            let values: String = names
                .iter()
                .map(|name| line.values.get(name).map_or_else(dash, |value| escape(&shorten(value, 24))))
                .map(|value| format!("<td>{value}</td>"))
                .collect();
            let metric = |found: Option<(&str, f64)>| match found {
                Some((name, value)) => format!("<td class=\"n\">{} <small>{}</small></td>", number(value), escape(&metric_name(name))),
                None => format!("<td class=\"n\">{}</td>", dash()),
            };
            let interval = line.test.as_ref().and_then(|(_, metric)| metric.intervals.first());
            format!(
                "<tr><td class=\"n\">{}</td><th scope=\"row\">{}</th><td>{}</td><td>{commit}</td>{values}{}{}<td>{}</td></tr>",
                index + 1,
                escape(&manifest.run),
                escape(line.entry.status(None)),
                metric(line.reached.as_ref().map(|(name, value)| (name.as_str(), *value))),
                metric(line.test.as_ref().map(|(name, metric)| (name.as_str(), metric.mean))),
                interval.map_or_else(dash, |found| range_words(&found.interval)),
            )
        })
        .collect();
    format!(
        "<div class=\"scroll\"><table><thead><tr><th></th><th>run</th><th>status</th><th>commit</th>{heads}<th class=\"n\">reached</th>\
         <th class=\"n\">test</th><th>interval</th></tr></thead><tbody>{rows}</tbody></table></div>\n\
         <p class=\"note\">Reached: what the best trials were chosen by, on average over the searches. A plus behind a commit says \
         that its files had been changed.</p>\n"
    )
}

/// What the runs reached, and what they had on test rows, one after the other.
#[expect(clippy::cast_precision_loss, reason = "runs are few")]
fn over_runs(lines: &[Line]) -> Option<Figure> {
    let numbered = || lines.iter().enumerate().map(|(index, line)| ((index + 1) as f64, line));
    let reached: Vec<(f64, f64)> = numbered().filter_map(|(at, line)| Some((at, line.judged()?))).collect();
    let test: Vec<(f64, &MetricSummary)> =
        numbered().filter_map(|(at, line)| Some((at, &line.test.as_ref()?.1))).collect();
    let x = || Axis::numbers(1, lines.len(), "run");
    let mut charts = Vec::new();
    if let Some((name, _)) = lines.iter().find_map(|line| line.reached.as_ref()) {
        let y = Axis::new(Scale::over(reached.iter().map(|(_, value)| *value)), metric_name(name));
        let mut frame = Frame::new("reached", "What the searches reached", Size::PANEL, x(), y);
        frame.line("mean", &reached);
        frame.dots("dots1", &reached);
        charts.push(frame.finish());
    }
    if let Some((name, _)) = lines.iter().find_map(|line| line.test.as_ref()) {
        let ends =
            |metric: &MetricSummary| metric.intervals.first().map(|found| [found.interval.low, found.interval.high]);
        let all = test.iter().flat_map(|(_, metric)| ends(metric).into_iter().flatten().chain([metric.mean]));
        let y = Axis::new(Scale::over(all), metric_name(name));
        let mut frame = Frame::new("test", "On test rows", Size::PANEL, x(), y);
        for (at, metric) in &test {
            if let Some([low, high]) = ends(metric) {
                frame.line("mean", &[(*at, low), (*at, high)]);
            }
        }
        frame.dots("dots1", &test.iter().map(|(at, metric)| (*at, metric.mean)).collect::<Vec<_>>());
        charts.push(frame.finish());
    }
    let caption = "Every run in the order in which they began, by its number in the table. Lines beside test values are their \
                   95 % intervals, where a run has one.";
    (!charts.is_empty()).then(|| Figure::new("runs", "Run after run", caption, charts))
}

/// What the searches reached against each value that differs.
fn over_values(lines: &[Line], names: &[String]) -> Option<Figure> {
    let (metric, _) = lines.iter().find_map(|line| line.reached.clone())?;
    let y = Axis::new(Scale::over(lines.iter().filter_map(Line::judged)), metric_name(&metric));
    let charts: Vec<Chart> = names.iter().filter_map(|name| chart(lines, name, y.clone())).collect();
    let caption = "Each dot is a run: a value of its config and what its searches reached. Other values may differ between the \
                   runs, too.";
    (!charts.is_empty()).then(|| Figure::new("values", "By value", caption, charts))
}

fn chart(lines: &[Line], name: &str, y: Axis) -> Option<Chart> {
    let points: Vec<(&str, f64)> =
        lines.iter().filter_map(|line| Some((line.values.get(name)?.as_str(), line.judged()?))).collect();
    let distinct: BTreeSet<&str> = points.iter().map(|(value, _)| *value).collect();
    if distinct.len() < 2 {
        return None;
    }
    let numbers: Option<Vec<f64>> =
        points.iter().map(|(value, _)| value.parse().ok().filter(|x: &f64| x.is_finite())).collect();
    let (scale, places) = match numbers {
        Some(numbers) => (line_of(&numbers), numbers),
        None => {
            let labels: Vec<&str> = distinct.into_iter().collect();
            #[expect(clippy::cast_precision_loss, reason = "labels are few")]
            let place = |value: &str| labels.iter().position(|label| *label == value).unwrap_or(0) as f64;
            let places = points.iter().map(|(value, _)| place(value)).collect();
            (Scale::Bands { labels: labels.into_iter().map(str::to_owned).collect() }, places)
        }
    };
    let size = Size::PANEL.of_height(240.0);
    let mut frame = Frame::new(slug(name), shorten_start(name, 44), size, Axis::new(scale, ""), y);
    let dots: Vec<(f64, f64)> = places.into_iter().zip(&points).map(|(place, (_, value))| (place, *value)).collect();
    frame.dots("dots1", &dots);
    Some(frame.finish())
}

fn line_of(numbers: &[f64]) -> Scale {
    let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low > 0.0 && high / low >= WIDE_RATIO { Scale::Log { low, high } } else { Scale::over([low, high]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_range_of_positive_numbers_is_logarithmic() {
        assert_eq!(line_of(&[1e-4, 1e-2]), Scale::Log { low: 1e-4, high: 1e-2 });
        assert!(
            matches!(line_of(&[0.0, 100.0]), Scale::Linear { .. })
                && matches!(line_of(&[8.0, 64.0]), Scale::Linear { .. })
        );
    }
}
