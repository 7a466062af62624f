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
    status: String,
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
    // Different metrics, or rows, do not share an axis: the newest run says what is drawn.
    let newest = lines.iter().rev();
    let reached = newest.clone().find_map(|line| line.reached.as_ref()).map(|(name, _)| name.clone());
    let test = newest.clone().find_map(|line| line.test.as_ref()).map(|(name, _)| name.clone());
    let drawn = Drawn { lines: &lines, reached, test };
    let names = differing(&lines);
    let shown = &names[..names.len().min(MOST_VALUES)];
    let figures: Vec<Figure> = over_runs(&drawn).into_iter().chain(over_values(&drawn, shown)).collect();
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
    let ground = |line: &Line| {
        let manifest = &line.entry.manifest;
        (manifest.data_fingerprint.clone(), manifest.splits_blake3.clone())
    };
    let warning = match lines.iter().all(|line| ground(line) == ground(&lines[0])) {
        true => "",
        false => {
            "<p class=\"warn\">Not all runs have the same data and folds: their numbers say different things.</p>\n"
        }
    };
    let body = format!(
        "<article>\n<h1>{}</h1>\n<p class=\"meta\">{} · {span}</p>\n{warning}{}{left_out}<div class=\"sections\">\n{sections}</div>\n</article>\n",
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
        let journal = entry.journal()?;
        let status = entry.status(journal.last().map(|recorded| &recorded.event)).to_owned();
        let studies = store::ended_trials(&journal);
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
        Ok(Self { entry, status, values, reached, test })
    }

    fn started(&self) -> &str {
        &self.entry.manifest.started
    }
}

/// The lines with the metrics that charts are about.
struct Drawn<'a> {
    lines: &'a [Line],
    reached: Option<String>,
    test: Option<String>,
}

impl Drawn<'_> {
    /// What the searches of a run reached, by the metric that is drawn.
    fn reached(&self, line: &Line) -> Option<f64> {
        line.reached.as_ref().filter(|(name, _)| self.reached.as_ref() == Some(name)).map(|(_, value)| *value)
    }

    /// What a run had on test rows, by the metric that is drawn.
    fn test<'l>(&self, line: &'l Line) -> Option<&'l MetricSummary> {
        line.entry.summary.as_ref()?.test.get(self.test.as_ref()?)
    }

    /// Said of runs that were searched on another metric.
    fn left_out(&self) -> String {
        let is_other = |line: &&Line| line.reached.is_some() && self.reached(line).is_none();
        match self.lines.iter().filter(is_other).count() {
            0 => String::new(),
            n => format!(" Not drawn among what the searches reached: {} searched on another metric.", count(n, "run")),
        }
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
                escape(&line.status),
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
fn over_runs(drawn: &Drawn<'_>) -> Option<Figure> {
    let numbered = || drawn.lines.iter().enumerate().map(|(index, line)| ((index + 1) as f64, line));
    let x = || Axis::numbers(1, drawn.lines.len(), "run");
    let mut charts = Vec::new();
    if let Some(name) = &drawn.reached {
        let reached: Vec<(f64, f64)> = numbered().filter_map(|(at, line)| Some((at, drawn.reached(line)?))).collect();
        let y = Axis::new(Scale::over(reached.iter().map(|(_, value)| *value)), metric_name(name));
        let mut frame = Frame::new("reached", "What the searches reached", Size::PANEL, x(), y);
        frame.line("mean", &reached);
        frame.dots("dots1", &reached);
        charts.push(frame.finish());
    }
    if let Some(name) = &drawn.test {
        let test: Vec<(f64, &MetricSummary)> =
            numbered().filter_map(|(at, line)| Some((at, drawn.test(line)?))).collect();
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
    let caption = format!(
        "Every run in the order in which they began, by its number in the table. Lines beside test values are their 95 % \
         intervals, where a run has one.{}",
        drawn.left_out()
    );
    (!charts.is_empty()).then(|| Figure::new("runs", "Run after run", caption, charts))
}

/// What the searches reached against each value that differs.
fn over_values(drawn: &Drawn<'_>, names: &[String]) -> Option<Figure> {
    let metric = drawn.reached.as_ref()?;
    let reached = drawn.lines.iter().filter_map(|line| drawn.reached(line));
    let y = Axis::new(Scale::over(reached), metric_name(metric));
    let charts: Vec<Chart> = names.iter().filter_map(|name| chart(drawn, name, y.clone())).collect();
    let caption = "Each dot is a run: a value of its config and what its searches reached. Other values may differ between the \
                   runs, too.";
    (!charts.is_empty()).then(|| Figure::new("values", "By value", caption, charts))
}

fn chart(drawn: &Drawn<'_>, name: &str, y: Axis) -> Option<Chart> {
    let points: Vec<(&str, f64)> =
        drawn.lines.iter().filter_map(|line| Some((line.values.get(name)?.as_str(), drawn.reached(line)?))).collect();
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
