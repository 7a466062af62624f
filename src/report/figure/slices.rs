//! The objective over each parameter by itself.

use super::history::{CUT, value_scale};
use super::parallel::{first_parameters, scale};
use super::{Figure, spread_out};
use crate::report::chart::{Axis, Chart, Frame, Scale, Size};
use crate::report::record::Run;
use crate::report::text::{shorten_start, slug};
use crate::space::Parameter;

const MOST_PANELS: usize = 12;
const MOST_DOTS: usize = 600;

pub(super) fn slices(run: &Run) -> Option<Figure> {
    let objective = *run.objectives().first()?;
    let parameters = first_parameters(run, MOST_PANELS)?;
    let n = run.complete().count();
    if n == 0 {
        return None;
    }
    let (scale, is_cut) = value_scale(run, objective.direction);
    let y = Axis::new(scale, objective.to_string());
    let charts = parameters.iter().map(|parameter| chart(run, parameter, y.clone())).collect();
    let some = if n > MOST_DOTS { format!(" ({MOST_DOTS} of {n} are drawn)") } else { String::new() };
    let more = match run.space()?.parameters().len().saturating_sub(parameters.len()) {
        0 => String::new(),
        more => format!(" {more} less important parameters are left out."),
    };
    let caption = format!(
        "A dot is a complete trial{some}: its value of a parameter and its {}{}. Orange is the best trial of \
         each study. Dots of a choice are spread sideways.{}{more}",
        objective.metric,
        run.judged_by(),
        if is_cut { CUT } else { "" }
    );
    Some(Figure::new("slices", "Slices", caption, charts))
}

fn chart(run: &Run, parameter: &Parameter, y: Axis) -> Chart {
    let x = scale(parameter, run);
    let is_named = matches!(x, Scale::Bands { .. });
    let name = parameter.name();
    let title = shorten_start(name, 44);
    let (axis, values) = (Axis::new(x.clone(), ""), y.scale.clone());
    let mut frame = Frame::new(slug(name), title, Size::PANEL.of_height(240.0), axis, y);
    let point = |frame: &Frame, index: usize, value: &crate::value::Value, score: f64| {
        let place = x.place_value(value)?;
        Some(frame.at_places(place + if is_named { sideways(index, &x) } else { 0.0 }, values.place(score)))
    };
    let trials: Vec<(f64, f64)> = run
        .complete()
        .enumerate()
        .filter_map(|(index, (trial, score))| point(&frame, index, trial.assignment.get(name)?, score.value()))
        .collect();
    frame.svg.dots("dots", &spread_out(&trials, MOST_DOTS));
    let best = run.studies.iter().enumerate().filter_map(|(index, study)| {
        let trial = &study.trials[study.best?];
        point(&frame, index, trial.assignment.get(name)?, trial.state.score()?.value())
    });
    let best: Vec<(f64, f64)> = best.collect();
    frame.svg.dots("dots2", &best);
    frame.finish()
}

/// A fixed place beside the middle of a band for the trial at this position: multiples of the golden ratio never bunch.
#[expect(clippy::cast_precision_loss, reason = "trials are counted in memory")]
fn sideways(index: usize, scale: &Scale) -> f64 {
    let Scale::Bands { labels } = scale else { return 0.0 };
    let part = (index as f64 * 0.618_033_988_749_895).fract() - 0.5;
    0.6 * part / labels.len() as f64
}
