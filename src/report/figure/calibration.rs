//! Whether a probability means what it says: a reliability diagram.

use super::Figure;
use super::probabilities::bin;
use crate::report::chart::{Axis, Chart, Frame, Size};
use crate::report::record::ClassRows;
use crate::report::record::Run;
use crate::report::text::shorten;
use crate::wording::number;

const BINS: usize = 10;

/// Rows of a bin, each with the weight of its fold and model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    weight: f64,
    predicted: f64,
    observed: f64,
}

pub(super) fn calibration(run: &Run) -> Option<Figure> {
    let folds = run.tested();
    let classes = &folds.first()?.first()?.classes;
    let is_binary = classes.len() == 2;
    let bins = bins(&folds);
    let (x, y, what) = if is_binary {
        let (positive, short) = (&classes[1], shorten(&classes[1], 14));
        (
            format!("mean probability of {short}"),
            format!("share that is {short}"),
            format!("the probability of “{positive}”"),
        )
    } else {
        let names = ("mean probability of the predicted class", "share predicted right");
        (names.0.to_owned(), names.1.to_owned(), "the probability of the most probable class".to_owned())
    };
    let caption = format!(
        "Test rows in {BINS} equal steps of {what}: the mean probability of a step's rows against the share that it came true \
         for. On the dashed line a probability means what it says. The bars below show how many rows each step has; every \
         outer fold counts the same. The expected calibration error is the mean distance from the line, weighted by rows."
    );
    Some(Figure::new("reliability", "Reliability", caption, vec![chart(&bins, &x, &y)]))
}

fn bins(folds: &[Vec<&ClassRows>]) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); BINS];
    for models in folds {
        for rows in models {
            let predictions = &rows.predictions;
            #[expect(clippy::cast_precision_loss, reason = "rows are counted in memory")]
            let weight = 1.0 / (folds.len() * models.len() * predictions.n_rows()) as f64;
            let of_rows = predictions.probabilities().chunks(predictions.n_classes());
            for (row, target) in of_rows.zip(predictions.targets()) {
                let (class, probability) = match row {
                    [_, positive] => (1, *positive),
                    _ => row.iter().copied().enumerate().fold((0, -1.0), |a, b| if b.1 > a.1 { b } else { a }),
                };
                let probability = f64::from(probability);
                let bin = &mut bins[bin(probability, BINS)];
                bin.weight += weight;
                bin.predicted += weight * probability;
                bin.observed += weight * f64::from(u8::from(*target == class));
            }
        }
    }
    bins
}

/// The mean distance of what is predicted from what is observed, over all rows.
fn expected_error(bins: &[Bin]) -> f64 {
    bins.iter().map(|bin| (bin.predicted - bin.observed).abs()).sum()
}

fn chart(bins: &[Bin], x: &str, y: &str) -> Chart {
    let mut frame = Frame::new("", "Reliability", Size::PANEL, Axis::share(x), Axis::share(y));
    let most = bins.iter().map(|bin| bin.weight).fold(0.0, f64::max);
    for (index, bin) in bins.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a few bins")]
        let (left, right) = (index as f64 / BINS as f64, (index + 1) as f64 / BINS as f64);
        let (corner, end) = (frame.at(left, 0.18 * bin.weight / most), frame.at(right, 0.0));
        frame.svg.rect("soft", (corner.0 + 1.0, corner.1), (end.0 - corner.0 - 2.0, end.1 - corner.1), None);
    }
    frame.line("ref", &[(0.0, 0.0), (1.0, 1.0)]);
    let used = bins.iter().filter(|bin| bin.weight > 0.0);
    let points: Vec<(f64, f64)> = used.map(|bin| (bin.predicted / bin.weight, bin.observed / bin.weight)).collect();
    frame.line("mean", &points);
    frame.dots("dots1", &points);
    frame.key(0, "strong", &format!("expected error {}", number(expected_error(bins))));
    frame.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::metric::ClassPredictions;

    fn rows(n_classes: usize, probabilities: &[f32], targets: &[usize]) -> ClassRows {
        ClassRows {
            ids: targets.iter().map(|_| String::new()).collect(),
            classes: (0..n_classes).map(|class| class.to_string()).collect(),
            decisions: targets.to_vec(),
            predictions: ClassPredictions::new(n_classes, probabilities.to_vec(), targets.to_vec()).unwrap(),
        }
    }

    #[test]
    fn every_fold_weighs_the_same_however_many_rows_it_has() {
        // Fold 0: two rows at .75, one of which is positive. Fold 1: one row at .25, negative.
        let (a, b) = (rows(2, &[0.25, 0.75, 0.25, 0.75], &[1, 0]), rows(2, &[0.75, 0.25], &[0]));
        let bins = bins(&[vec![&a], vec![&b]]);
        assert_eq!(bins[7], Bin { weight: 0.5, predicted: 0.375, observed: 0.25 });
        assert_eq!(bins[2], Bin { weight: 0.5, predicted: 0.125, observed: 0.0 });
        // |.75 - .5| / 2 + |.25 - 0| / 2
        assert!((expected_error(&bins) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn of_more_classes_the_most_probable_one_is_looked_at() {
        let three = rows(3, &[0.5, 0.25, 0.25, 0.25, 0.5, 0.25], &[0, 2]);
        let bins = bins(&[vec![&three]]);
        assert_eq!(bins[5], Bin { weight: 1.0, predicted: 0.5, observed: 0.5 });
    }
}
