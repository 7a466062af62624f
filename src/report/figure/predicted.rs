//! What a regression predicted of test rows, against what was true.

use std::collections::BTreeMap;

use super::{Figure, spread_out};
use crate::report::chart::{Axis, Chart, Frame, Scale, Size};
use crate::report::record::{NumberRows, Run};
use crate::wording::count;

/// Rows that are drawn.
const MOST_DOTS: usize = 1_000;

/// A test row: what is true of it, and what the models of its outer fold predicted on average.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    truth: f64,
    predicted: f64,
}

pub(super) fn predicted(run: &Run) -> Option<Figure> {
    let all = points(&run.tested_numbers());
    if all.is_empty() {
        return None;
    }
    let drawn = spread_out(&all, MOST_DOTS);
    let rows = match all.len() - drawn.len() {
        0 => String::new(),
        _ => format!(" Of {}, {} are drawn.", count(all.len(), "row"), drawn.len()),
    };
    let caption = format!(
        "Test rows of every outer fold, each by the models of its fold, which are averaged. Left, what was predicted against \
         what was true: on the dashed line both are equal. Right, the error, predicted minus true: a good model leaves a cloud \
         around 0 that has no shape.{rows}"
    );
    Some(Figure::new("predicted", "Predicted and true", caption, vec![against_truth(&drawn), errors(&drawn)]))
}

/// Of all rows, fold by fold and in the order of their names.
fn points(folds: &[Vec<&NumberRows>]) -> Vec<Point> {
    let mut points = Vec::new();
    for models in folds {
        let mut sums: BTreeMap<&str, Point> = BTreeMap::new();
        for rows in models {
            let numbers = rows.predictions.targets().iter().zip(rows.predictions.values());
            for (id, (truth, predicted)) in rows.ids.iter().zip(numbers) {
                #[expect(clippy::cast_precision_loss, reason = "models are few")]
                let part = predicted / models.len() as f64;
                sums.entry(id).or_insert(Point { truth: *truth, predicted: 0.0 }).predicted += part;
            }
        }
        points.extend(sums.into_values());
    }
    points
}

fn against_truth(points: &[Point]) -> Chart {
    let both = || Scale::over(points.iter().flat_map(|point| [point.truth, point.predicted]));
    let (x, y) = (Axis::new(both(), "true"), Axis::new(both(), "predicted"));
    let mut frame = Frame::new("truth", "Predicted against true", Size::PANEL, x, y);
    let lowest = points.iter().map(|point| point.truth.min(point.predicted)).fold(f64::INFINITY, f64::min);
    let highest = points.iter().map(|point| point.truth.max(point.predicted)).fold(f64::NEG_INFINITY, f64::max);
    frame.line("ref", &[(lowest, lowest), (highest, highest)]);
    frame.dots("dots", &points.iter().map(|point| (point.truth, point.predicted)).collect::<Vec<_>>());
    frame.finish()
}

fn errors(points: &[Point]) -> Chart {
    let errors: Vec<(f64, f64)> = points.iter().map(|point| (point.predicted, point.predicted - point.truth)).collect();
    let x = Scale::over(errors.iter().map(|(predicted, _)| *predicted));
    let y = Scale::over(errors.iter().map(|(_, error)| *error).chain([0.0]));
    let mut frame =
        Frame::new("errors", "Error", Size::PANEL, Axis::new(x, "predicted"), Axis::new(y, "predicted - true"));
    let (left, right, ..) = frame.edges();
    let (_, middle) = frame.at(0.0, 0.0);
    frame.svg.line("ref", (left, middle), (right, middle));
    frame.dots("dots", &errors);
    frame.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::metric::Predictions;

    fn rows(ids: &[&str], values: &[f64], targets: &[f64]) -> NumberRows {
        match Predictions::of_numbers(values.to_vec(), targets.to_vec()).unwrap() {
            Predictions::Numbers(predictions) => {
                NumberRows { ids: ids.iter().map(|id| (*id).to_owned()).collect(), predictions }
            }
            Predictions::Classes(_) => unreachable!("numbers were given"),
        }
    }

    #[test]
    fn models_of_one_fold_are_averaged_row_by_row_and_folds_are_not() {
        let (a, b) = (rows(&["x", "y"], &[1.0, 4.0], &[2.0, 3.0]), rows(&["y", "x"], &[6.0, 2.0], &[3.0, 2.0]));
        let other = rows(&["x"], &[9.0], &[2.0]);
        let point = |truth, predicted| Point { truth, predicted };
        assert_eq!(points(&[vec![&a, &b], vec![&other]]), [point(2.0, 1.5), point(3.0, 5.0), point(2.0, 9.0)]);
    }
}
