//! What the searches had found after each trial.

use super::{Figure, quantile, spread_out};
use crate::report::chart::{Axis, Frame, Scale, Size};
use crate::report::record::{Run, Study};
use crate::trial::{Direction, Score, TrialState};
use crate::wording::{count, number};

/// Said of a scale that is cut.
pub(super) const CUT: &str = " The worst values lie beyond the axis and are drawn at its end.";

/// Studies that have a line each, and trials that have a dot each.
const MOST_LINES: usize = 60;
const MOST_DOTS: usize = 1000;

pub(super) fn history(run: &Run) -> Option<Figure> {
    let objective = *run.objectives().first()?;
    let directions: Vec<Direction> = run.objectives().iter().map(|objective| objective.direction).collect();
    let n_trials = run.studies.iter().filter_map(|study| study.trials.last()).map(|trial| trial.number + 1).max()?;
    // One trial has no course.
    if n_trials < 2 {
        return None;
    }
    let bests: Vec<Vec<(usize, f64)>> = run.studies.iter().map(|study| best_so_far(study, &directions)).collect();
    run.complete().next()?;
    let (scale, is_cut) = value_scale(run, objective.direction);
    let x = Axis::numbers(0, n_trials - 1, "trial");
    let title = format!("Best {} so far", objective.metric);
    let mut frame = Frame::new("", title, Size::WIDE.of_height(300.0), x, Axis::new(scale, objective.to_string()));
    let trials: Vec<(f64, f64)> = run.complete().map(|(trial, score)| (float(trial.number), score.value())).collect();
    frame.dots("dots", &spread_out(&trials, MOST_DOTS));
    let lost = |wanted: fn(&TrialState) -> bool| -> Vec<f64> {
        let trials = run.studies.iter().flat_map(|study| &study.trials);
        trials.filter(|trial| wanted(&trial.state)).map(|trial| float(trial.number)).collect()
    };
    let failed = lost(|state| matches!(state, TrialState::Failed { .. }));
    let pruned = lost(|state| matches!(state, TrialState::Pruned { .. }));
    let (_, _, _, bottom) = frame.edges();
    let low = |frame: &Frame, trials: &[f64], above: f64| -> Vec<(f64, f64)> {
        trials.iter().map(|trial| (frame.at(*trial, 0.0).0, bottom - above)).collect()
    };
    let (of_failed, of_pruned) = (low(&frame, &failed, 6.0), low(&frame, &pruned, 6.0));
    frame.svg.crosses("cross", &spread_out(&of_failed, MOST_DOTS));
    for at in spread_out(&of_pruned, MOST_DOTS) {
        frame.svg.line("one", (at.0, at.1 - 4.0), (at.0, at.1 + 4.0));
    }
    let drawn: Vec<&Vec<(usize, f64)>> = bests.iter().collect();
    let class = if bests.len() == 1 { "mean" } else { "one1" };
    for best in spread_out(&drawn, MOST_LINES) {
        frame.line(class, &steps(best, n_trials));
    }
    if bests.len() > 1 {
        frame.line("mean", &mean(&bests, n_trials));
    }
    let end = run.studies.iter().filter_map(|study| Some(study.trials[study.best?].state.score()?.value()));
    let ends: Vec<f64> = end.collect();
    if !ends.is_empty() {
        let middle = ends.iter().sum::<f64>() / float(ends.len());
        let word = if ends.len() == 1 { "best" } else { "mean of the best" };
        frame.key(0, "strong", &format!("{word} {}", number(middle)));
    }
    Some(Figure::new("history", "The search", caption(run, &failed, &pruned, is_cut), vec![frame.finish()]))
}

fn caption(run: &Run, failed: &[f64], pruned: &[f64], is_cut: bool) -> String {
    let n = run.studies.iter().map(|study| study.trials.len()).sum();
    let (trials, studies) = (count(n, "trial"), count(run.studies.len(), "study"));
    let mut caption = format!("{trials} of {studies}{}. ", run.judged_by());
    caption.push_str("A dot is a complete trial, ");
    caption.push_str(if run.studies.len() == 1 {
        "the line the best so far."
    } else {
        "a thin line the best so far of a study, the thick one their mean from the trial on at which each has one."
    });
    if !pruned.is_empty() {
        caption.push_str(&format!(" A stroke at the bottom is a pruned trial ({}).", pruned.len()));
    }
    if !failed.is_empty() {
        caption.push_str(&format!(" A cross at the bottom is a failed trial ({}).", failed.len()));
    }
    if is_cut {
        caption.push_str(CUT);
    }
    caption
}

/// The trials that were better than all before them, as the search compares them.
fn best_so_far(study: &Study, directions: &[Direction]) -> Vec<(usize, f64)> {
    let mut best: Option<&Score> = None;
    let mut found = Vec::new();
    for trial in &study.trials {
        if let Some(score) = trial.state.score()
            && best.is_none_or(|best| score.compare(best, directions).is_lt())
        {
            best = Some(score);
            found.push((trial.number, score.value()));
        }
    }
    found
}

/// A scale of the first objective's values, and whether some lie beyond it: it is no wider than four times what lies between
/// the best and the middle value, for a trial that is worse by orders would press all others together. The best of each study
/// are on it.
pub(super) fn value_scale(run: &Run, direction: Direction) -> (Scale, bool) {
    let mut losses: Vec<f64> = run.complete().map(|(_, score)| direction.loss(score.value())).collect();
    losses.sort_by(f64::total_cmp);
    let (Some(&best), Some(&worst)) = (losses.first(), losses.last()) else { return (Scale::over([]), false) };
    let middle = quantile(&losses, 0.5);
    let bests = run.studies.iter().filter_map(|study| study.trials[study.best?].state.score());
    let limit = bests.map(|score| direction.loss(score.value())).fold(best + 4.0 * (middle - best), f64::max);
    let is_cut = limit < worst && middle > best;
    (Scale::over([direction.loss(best), direction.loss(if is_cut { limit } else { worst })]), is_cut)
}

fn steps(best: &[(usize, f64)], n_trials: usize) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for (index, (trial, value)) in best.iter().enumerate() {
        let end = best.get(index + 1).map_or(n_trials - 1, |next| next.0);
        points.extend([(float(*trial), *value), (float(end), *value)]);
    }
    points
}

fn mean(bests: &[Vec<(usize, f64)>], n_trials: usize) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for trial in 0..n_trials {
        let reached = bests.iter().map(|best| best.iter().take_while(|(number, _)| *number <= trial).last());
        let Some(values) = reached.map(|found| found.map(|(_, value)| *value)).collect::<Option<Vec<f64>>>() else {
            continue;
        };
        let mean = values.iter().sum::<f64>() / float(values.len());
        if let Some((_, before)) = points.last().copied() {
            points.push((float(trial), before));
        }
        points.push((float(trial), mean));
    }
    points.dedup();
    points
}

#[expect(clippy::cast_precision_loss, reason = "trials are counted in memory")]
fn float(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_begins_where_every_study_has_a_best() {
        let bests = [vec![(0, 4.0), (2, 2.0)], vec![(1, 8.0)]];
        assert_eq!(mean(&bests, 4), [(1.0, 6.0), (2.0, 6.0), (2.0, 5.0), (3.0, 5.0)]);
        assert_eq!(steps(&bests[0], 4), [(0.0, 4.0), (2.0, 4.0), (2.0, 2.0), (3.0, 2.0)]);
    }
}
