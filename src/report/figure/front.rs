//! Of several objectives, what there is to choose from.

use super::{Figure, spread_out};
use crate::pareto;
use crate::report::chart::{Axis, Chart, Frame, Scale, Size};
use crate::report::record::Run;
use crate::spec::experiment::Objective;
use crate::trial::{Direction, Score};
use crate::wording::count;

const MOST_DOTS: usize = 1500;

pub(super) fn front(run: &Run) -> Option<Figure> {
    let objectives = run.objectives();
    if objectives.len() < 2 {
        return None;
    }
    let scores: Vec<&Score> = run.complete().map(|(_, score)| score).collect();
    if scores.is_empty() {
        return None;
    }
    let directions: Vec<Direction> = objectives.iter().map(|objective| objective.direction).collect();
    let of_studies: Vec<Vec<&Score>> = run
        .studies
        .iter()
        .map(|study| {
            let feasible =
                study.trials.iter().filter_map(|trial| trial.state.score()).filter(|score| score.is_feasible());
            let feasible: Vec<&Score> = feasible.collect();
            let losses: Vec<Vec<f64>> = feasible.iter().map(|score| score.losses(&directions)).collect();
            pareto::ranks(&losses)
                .iter()
                .zip(feasible)
                .filter(|(rank, _)| **rank == 0)
                .map(|(_, score)| score)
                .collect()
        })
        .collect();
    let charts = (1..objectives.len())
        .map(|other| chart(&scores, &of_studies, [(0, objectives[0]), (other, objectives[other])]))
        .collect();
    let n: usize = of_studies.iter().map(Vec::len).sum();
    let constraints = run.entry.summary.as_ref().map_or(&[][..], |summary| &summary.constraints);
    let met = if constraints.is_empty() { String::new() } else { format!(" that meet {}", constraints.join(" and ")) };
    let caption = format!(
        "The complete trials by two objectives, by validation rows alone. Blue are the {}{met} and that no other trial of \
         their study is better than in one objective without being worse in another.",
        count(n, "trial")
    );
    Some(Figure::new("front", "Objectives against each other", caption, charts))
}

fn chart(scores: &[&Score], fronts: &[Vec<&Score>], objectives: [(usize, Objective); 2]) -> Chart {
    let value = |score: &Score, index: usize| score.values().nth(index).unwrap_or(f64::NAN);
    let [x, y] = objectives.map(|(index, objective)| {
        Axis::new(Scale::over(scores.iter().map(|s| value(s, index))), objective.to_string())
    });
    let at = |score: &Score| (value(score, objectives[0].0), value(score, objectives[1].0));
    let name = objectives[1].1.metric.name();
    let title = format!("{} and {}", objectives[0].1.metric, objectives[1].1.metric);
    let mut frame = Frame::new(name, title, Size::PANEL, x, y);
    let all: Vec<(f64, f64)> = scores.iter().map(|score| at(score)).collect();
    frame.dots("dots", &spread_out(&all, MOST_DOTS));
    let best: Vec<(f64, f64)> = fronts.iter().flatten().map(|score| at(score)).collect();
    frame.dots("dots1", &best);
    frame.finish()
}
