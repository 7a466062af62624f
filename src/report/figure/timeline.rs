//! When fits were trained.

use super::Figure;
use crate::report::chart::{Anchor, Frame, Size};
use crate::report::record::{Run, Span};
use crate::wording::{count, duration};

/// A pause this long, as a part of the time at work, is cut out.
const PAUSE: f64 = 0.03;
const LANE: f64 = 20.0;

/// A stretch of one lane.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    lane: usize,
    class: &'static str,
    start: f64,
    end: f64,
}

pub(super) fn timeline(run: &Run) -> Option<Figure> {
    let (spans, breaks) = without_pauses(&run.spans);
    let end = spans.iter().map(|span| span.start + span.seconds).fold(0.0, f64::max);
    if spans.is_empty() || end <= 0.0 {
        return None;
    }
    let (left, right, top) = (4.0, Size::WIDE.width - 4.0, 34.0);
    let per_second = (right - left) / end;
    let stretches = merged(&lanes(&spans), 0.6 / per_second);
    let n_lanes = stretches.iter().map(|stretch| stretch.lane + 1).max().unwrap_or(1);
    #[expect(clippy::cast_precision_loss, reason = "lanes are few")]
    let bottom = top + LANE * n_lanes as f64;
    let mut frame = Frame::bare("", "Fits over time", Size::WIDE.of_height(bottom + 24.0));
    for stretch in &stretches {
        #[expect(clippy::cast_precision_loss, reason = "lanes are few")]
        let y = top + LANE * stretch.lane as f64 + 2.0;
        let width = ((stretch.end - stretch.start) * per_second - 0.4).max(0.6);
        frame.svg.rect(stretch.class, (left + stretch.start * per_second, y), (width, LANE - 4.0), None);
    }
    for at in &breaks {
        frame.svg.line("ref", (left + at * per_second, top - 4.0), (left + at * per_second, bottom + 4.0));
    }
    frame.svg.line("axis", (left, bottom + 2.0), (right, bottom + 2.0));
    frame.svg.label("", (left, bottom + 17.0), Anchor::Start, "0");
    frame.svg.label("", ((left + right) / 2.0, bottom + 17.0), Anchor::Middle, &duration(end / 2.0));
    frame.svg.label("", (right, bottom + 17.0), Anchor::End, &duration(end));
    frame.svg.label("con", (right, 14.0), Anchor::End, "finals");
    frame.svg.label("acc", (right - 48.0, 14.0), Anchor::End, "trials");
    let trained: f64 = spans.iter().map(|span| span.seconds).sum();
    let n_failed = spans.iter().filter(|span| span.has_failed).count();
    let failed = if n_failed == 0 { String::new() } else { format!(" {} failed (grey).", count(n_failed, "fit")) };
    let pauses = if breaks.is_empty() { "" } else { " Dashed lines are pauses, which are cut out." };
    let caption = format!(
        "{} trained, {} of training. A lane is one fit at a time; which worker had a fit is not recorded, so fits take the first \
         free lane. What was taken over from other runs took no time and is not shown.{failed}{pauses}",
        count(spans.len(), "fit"),
        duration(trained)
    );
    Some(Figure::new("timeline", "Time line", caption, vec![frame.finish()]))
}

/// Fits from the first one on, in the order in which they began, with pauses cut out; and where those were.
fn without_pauses(spans: &[Span]) -> (Vec<Span>, Vec<f64>) {
    let mut order: Vec<&Span> = spans.iter().collect();
    order.sort_by(|a, b| a.start.total_cmp(&b.start));
    let trained: f64 = spans.iter().map(|span| span.seconds).sum();
    let Some(first) = order.first() else { return (Vec::new(), Vec::new()) };
    let (mut cut, mut busy_until) = (first.start, first.start);
    let (mut moved, mut breaks) = (Vec::new(), Vec::new());
    for span in order {
        let pause = span.start - busy_until;
        if pause > (PAUSE * trained).max(1.0) {
            cut += pause;
            breaks.push(busy_until - (cut - pause));
        }
        busy_until = busy_until.max(span.start + span.seconds);
        moved.push(Span { start: span.start - cut, ..*span });
    }
    (moved, breaks)
}

/// Each fit in the first lane that is free when it begins; clocks are read to the millisecond.
fn lanes(spans: &[Span]) -> Vec<Stretch> {
    let mut free_from: Vec<f64> = Vec::new();
    spans
        .iter()
        .map(|span| {
            let lane = free_from.iter().position(|free| *free <= span.start + 2e-3).unwrap_or(free_from.len());
            let end = span.start + span.seconds;
            if lane == free_from.len() {
                free_from.push(end);
            } else {
                free_from[lane] = end;
            }
            let class = match span {
                Span { has_failed: true, .. } => "track",
                Span { is_final: true, .. } => "fill2",
                Span { .. } => "fill1",
            };
            Stretch { lane, class, start: span.start, end }
        })
        .collect()
}

/// Neighbours of one kind that are less than `least` apart, or less than that wide, are drawn as one.
fn merged(stretches: &[Stretch], least: f64) -> Vec<Stretch> {
    let mut merged: Vec<Stretch> = Vec::new();
    let mut last_of_lane: Vec<usize> = Vec::new();
    for stretch in stretches {
        let last = last_of_lane.get(stretch.lane).map(|index| merged[*index]);
        let joins = last.is_some_and(|last| {
            let is_thin = stretch.end - stretch.start < 4.0 * least || last.end - last.start < 4.0 * least;
            last.class == stretch.class && is_thin && stretch.start - last.end < least
        });
        if joins {
            merged[last_of_lane[stretch.lane]].end = stretch.end;
        } else {
            let index = merged.len();
            merged.push(*stretch);
            if stretch.lane < last_of_lane.len() {
                last_of_lane[stretch.lane] = index;
            } else {
                last_of_lane.push(index);
            }
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: f64, seconds: f64) -> Span {
        Span { is_final: false, has_failed: false, start, seconds }
    }

    #[test]
    fn fits_that_overlap_have_lanes_of_their_own_and_pauses_are_cut_out() {
        let (spans, breaks) =
            without_pauses(&[span(110.0, 4.0), span(112.0, 3.0), span(1000.0, 5.0), span(1005.0, 1.0)]);
        let starts: Vec<f64> = spans.iter().map(|span| span.start).collect();
        assert_eq!((starts, breaks), (vec![0.0, 2.0, 5.0, 10.0], vec![5.0]));
        let lanes: Vec<usize> = lanes(&spans).iter().map(|stretch| stretch.lane).collect();
        assert_eq!(lanes, [0, 1, 0, 0]);
    }

    #[test]
    fn thin_neighbours_are_drawn_as_one() {
        let thin: Vec<Stretch> = lanes(&(0..1000).map(|index| span(f64::from(index), 1.0)).collect::<Vec<_>>());
        assert_eq!(merged(&thin, 0.3), [Stretch { lane: 0, class: "fill1", start: 0.0, end: 1000.0 }]);
        assert_eq!(merged(&thin, 0.1).len(), 1000);
    }
}
