//! All parameters of a trial at once: parallel coordinates.

use super::history::{CUT, value_scale};
use super::importance::shares;
use super::{Figure, spread_out};
use crate::report::chart::{Anchor, Frame, Scale, Size};
use crate::report::record::Run;
use crate::report::text::{shorten, shorten_start};
use crate::space::Parameter;
use crate::trial::{Score, TrialRecord};
use crate::value::Value;

const MOST_AXES: usize = 8;
const MOST_LINES: usize = 250;
const RANKS: [&str; 5] = ["r0", "r1", "r2", "r3", "r4"];

pub(super) fn parallel(run: &Run) -> Option<Figure> {
    let objective = *run.objectives().first()?;
    let parameters = first_parameters(run, MOST_AXES)?;
    if parameters.len() < 2 {
        return None;
    }
    let mut trials: Vec<(&TrialRecord, &Score)> = run.complete().collect();
    if trials.len() < 2 {
        return None;
    }
    // The worst first, so that the best are drawn over them.
    trials.sort_by(|a, b| objective.direction.loss(b.1.value()).total_cmp(&objective.direction.loss(a.1.value())));
    let n = trials.len();
    let ranked: Vec<(usize, &TrialRecord, f64)> = trials
        .iter()
        .enumerate()
        .map(|(rank, (trial, score))| (rank * RANKS.len() / n, *trial, score.value()))
        .collect();

    let scales: Vec<Scale> = parameters.iter().map(|parameter| scale(parameter, run)).collect();
    let (values, is_cut) = value_scale(run, objective.direction);
    let mut frame = Frame::bare("", "Parallel coordinates", Size::WIDE);
    let (left, right, top, bottom) = (42.0, Size::WIDE.width - 58.0, 74.0, Size::WIDE.height - 34.0);
    #[expect(clippy::cast_precision_loss, reason = "axes are few")]
    let x = |axis: usize| left + (right - left) * axis as f64 / parameters.len() as f64;
    let y = |place: f64| bottom - place * (bottom - top);
    for (rank, trial, value) in spread_out(&ranked, MOST_LINES) {
        let mut points = Vec::new();
        for (axis, (parameter, scale)) in parameters.iter().zip(&scales).enumerate() {
            let place = trial.assignment.get(parameter.name()).and_then(|value| scale.place_value(value));
            // A parameter that the trial does not have is below the axis.
            points.push((x(axis), place.map_or(bottom + 14.0, y)));
        }
        points.push((x(parameters.len()), y(values.place(value))));
        frame.svg.polyline(RANKS[rank], &points);
    }
    let names = parameters.iter().map(|parameter| parameter.name().to_owned());
    let ends = scales.iter().chain(std::iter::once(&values));
    let all = names.chain(std::iter::once(objective.to_string()));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of characters")]
    let longest = ((2.0 * (x(1) - x(0)) - 12.0) / 6.6).clamp(8.0, 40.0) as usize;
    for (axis, (name, scale)) in all.zip(ends).enumerate() {
        let class = if axis == parameters.len() { "strong" } else { "ink" };
        frame.svg.line("axis", (x(axis), top), (x(axis), bottom));
        // Names stand in two rows, so that they have room.
        let height = if axis % 2 == 0 { 34.0 } else { 52.0 };
        let anchor = if axis == 0 { Anchor::Start } else { Anchor::Middle };
        let at = if axis == 0 { 2.0 } else { x(axis).min(Size::WIDE.width - 56.0) };
        frame.svg.label(class, (at, height), anchor, &shorten_start(&name, longest));
        for (place, label) in scale.ticks(4) {
            frame.svg.line("axis", (x(axis) - 3.0, y(place)), (x(axis), y(place)));
            // To the right of the last axis no line goes.
            let (side, anchor) = if axis == parameters.len() { (5.0, Anchor::Start) } else { (-5.0, Anchor::End) };
            frame.svg.label("halo", (x(axis) + side, y(place) + 4.0), anchor, &shorten(&label, 9));
        }
    }
    let absent = parameters.iter().any(|parameter| parameter.condition().is_some());
    let absent = if absent { " A line goes below an axis where the trial has no such parameter." } else { "" };
    let some = if n > MOST_LINES { format!(", {MOST_LINES} of {n} at equal distances of rank") } else { String::new() };
    let of = if run.space().is_some_and(|space| space.parameters().len() > parameters.len()) {
        format!(" The {} most important parameters are shown.", parameters.len())
    } else {
        String::new()
    };
    let caption = format!(
        "A line is a complete trial{some}; the darker and bluer, the better its fifth by {}{}.{absent}{of}{}",
        objective.metric,
        run.judged_by(),
        if is_cut { CUT } else { "" }
    );
    Some(Figure::new("parallel", "Parallel coordinates", caption, vec![frame.finish()]))
}

/// The parameters of the space, the most important first if that is known.
pub(super) fn first_parameters(run: &Run, most: usize) -> Option<Vec<&Parameter>> {
    let space = run.space()?;
    let mut parameters: Vec<&Parameter> = match shares(run, 0) {
        Some(shares) => shares.iter().filter_map(|(name, _)| space.get(name)).collect(),
        None => space.parameters().iter().collect(),
    };
    parameters.truncate(most);
    Some(parameters)
}

/// The scale of a parameter, with the values that trials have had.
pub(super) fn scale(parameter: &Parameter, run: &Run) -> Scale {
    let trials = run.studies.iter().flat_map(|study| &study.trials);
    let tried: Vec<&Value> = trials.filter_map(|trial| trial.assignment.get(parameter.name())).collect();
    Scale::of(parameter.distribution(), &tried)
}
