//! How training went, epoch by epoch and phase by phase.

use std::collections::BTreeMap;

use super::Figure;
use crate::report::chart::{Anchor, Axis, Chart, Frame, Scale, Size};
use crate::report::estimate::metric_name;
use crate::report::record::{Curve, Run};
use crate::store::EpochLine;

/// A number of an epoch, if it has it.
type Get<'a> = &'a dyn Fn(&EpochLine) -> Option<f64>;

pub(super) fn learning(run: &Run) -> Option<Figure> {
    let curves = &run.curves;
    let wanted = run.objectives().first().map(|objective| objective.metric.name().to_owned());
    let has =
        |name: &String| curves.iter().flat_map(|curve| &curve.epochs).any(|epoch| epoch.validation.contains_key(name));
    let metric = wanted.into_iter().chain(["log_loss".to_owned(), "accuracy".to_owned()]).find(has);
    let mut charts = Vec::new();
    charts.extend(chart("train-loss", "Training loss", curves, &|epoch| epoch.train_loss));
    if let Some(metric) = &metric {
        let title = format!("Validation {}", metric_name(metric));
        charts.extend(chart("validation", &title, curves, &|epoch| epoch.validation.get(metric).copied()));
    }
    if charts.is_empty() {
        return None;
    }
    let of = match (curves.iter().any(|curve| curve.place.trial.is_none()), run.studies.is_empty()) {
        (true, _) => "every final model",
        (false, true) => "every fit",
        (false, false) if curves.iter().all(|curve| curve.place.outer.is_none()) => "every trial",
        (false, false) => "the chosen trials, a line an inner fold (finals have no validation rows)",
    };
    let threshold = match run.tested_numbers().is_empty() {
        true => "; validation is with a threshold of 0.5",
        false => "",
    };
    let caption = format!(
        "A thin line for {of}; the thick one is the mean of those that are still in training, as long as at least half of \
         them are. Epochs count through all phases{threshold}."
    );
    Some(Figure::new("learning", "Learning curves", caption, charts))
}

fn chart(name: &str, title: &str, curves: &[Curve], get: Get<'_>) -> Option<Chart> {
    let points = |curve: &Curve| -> Vec<(f64, f64)> {
        curve.epochs.iter().filter_map(|epoch| Some((number(epoch.epoch), get(epoch)?))).collect()
    };
    let lines: Vec<Vec<(f64, f64)>> = curves.iter().map(points).filter(|line| !line.is_empty()).collect();
    let last = curves.iter().map(|curve| curve.epochs.len()).max().filter(|last| *last > 1 && !lines.is_empty())?;
    let y = Axis::new(Scale::over(lines.iter().flatten().map(|point| point.1)), "");
    let mut frame = Frame::new(name, title, Size::PANEL, Axis::numbers(1, last.max(2), "epoch"), y);
    phases(&mut frame, curves);
    for line in &lines {
        frame.line("one", line);
        if line.len() == 1 {
            frame.dots("dots", line);
        }
    }
    let mut by_epoch: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for epoch in curves.iter().flat_map(|curve| &curve.epochs) {
        by_epoch.entry(epoch.epoch).or_default().extend(get(epoch));
    }
    if lines.len() > 1 {
        let many = by_epoch.into_iter().filter(|(_, values)| 2 * values.len() >= lines.len());
        let mean: Vec<(f64, f64)> =
            many.map(|(epoch, values)| (number(epoch), values.iter().sum::<f64>() / number(values.len()))).collect();
        frame.line("mean", &mean);
    }
    Some(frame.finish())
}

#[expect(clippy::cast_precision_loss, reason = "epochs are few")]
fn number(epoch: usize) -> f64 {
    epoch as f64
}

/// Shades every second phase and names them, by the curve that shows most of them; where others go over may differ, for a
/// phase may stop early.
fn phases(frame: &mut Frame, curves: &[Curve]) {
    let n_phases = |curve: &&Curve| (curve.epochs.chunk_by(|a, b| a.phase == b.phase).count(), curve.epochs.len());
    let Some(curve) = curves.iter().max_by_key(n_phases) else { return };
    let (_, _, top, bottom) = frame.edges();
    let mut first = 1;
    for (index, phase) in curve.epochs.chunk_by(|a, b| a.phase == b.phase).enumerate() {
        let last = first + phase.len() - 1;
        let (left, right) = (frame.at(number(first) - 0.5, 0.0).0, frame.at(number(last) + 0.5, 0.0).0);
        if n_phases(&curve).0 > 1 {
            if index % 2 == 1 {
                frame.svg.rect("phase", (left, top), (right - left, bottom - top), None);
            }
            if right - left > 6.0 * number(phase[0].phase.chars().count()) {
                frame.svg.label("", ((left + right) / 2.0, top - 4.0), Anchor::Middle, &phase[0].phase);
            }
        }
        first = last + 1;
    }
}
