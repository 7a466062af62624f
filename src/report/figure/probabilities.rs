//! How the predicted probabilities are distributed, class by class.

use super::{Figure, quantile};
use crate::report::chart::{Anchor, Axis, Chart, Frame, Scale, Size};
use crate::report::record::ClassRows;
use crate::report::record::Run;
use crate::report::text::shorten;

const BINS: usize = 20;

pub(super) fn probabilities(run: &Run) -> Option<Figure> {
    let folds = run.tested();
    let classes = &folds.first()?.first()?.classes;
    Some(if let [negative, positive] = &classes[..] {
        let caption = format!(
            "The share of the test rows of each class that got a probability of “{positive}” in each of {BINS} steps. Every \
             outer fold counts the same; models of one fold are averaged. The less the two overlap, the better."
        );
        Figure::new("probabilities", "Predicted probabilities", caption, vec![two(&folds, negative, positive)])
    } else {
        let caption = "The probability that test rows of each class got for their own class: the dot is the median, the bar \
                       holds the middle half of the rows, the line eight tenths. Rows of all outer folds and models together.";
        Figure::new("probabilities", "Predicted probabilities", caption, vec![several(&folds, classes)])
    })
}

/// The share of each class's rows in each bin of the probability of class 1: the mean over folds of that over models.
#[expect(clippy::cast_precision_loss, reason = "rows are counted in memory")]
fn histogram(folds: &[Vec<&ClassRows>], class: usize) -> Vec<f64> {
    let mut shares = [0.0; BINS];
    let mut n_folds = 0.0;
    for models in folds {
        let mut of_fold = vec![0.0; BINS];
        let mut n_models = 0.0;
        for rows in models {
            let of_class = rows.predictions.targets().iter().filter(|target| **target == class).count();
            if of_class == 0 {
                continue;
            }
            n_models += 1.0;
            for (score, target) in rows.predictions.scores(1).zip(rows.predictions.targets()) {
                if *target == class {
                    of_fold[bin(f64::from(score), BINS)] += 1.0 / of_class as f64;
                }
            }
        }
        if n_models > 0.0 {
            n_folds += 1.0;
            shares.iter_mut().zip(of_fold).for_each(|(share, of_fold)| *share += of_fold / n_models);
        }
    }
    shares.iter().map(|share| share / f64::max(n_folds, 1.0)).collect()
}

/// Which of `n` equal parts of 0 to 1 a probability lies in; 1 is in the last.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a small number"
)]
pub(super) fn bin(probability: f64, n: usize) -> usize {
    ((probability * n as f64) as usize).min(n - 1)
}

#[expect(clippy::cast_precision_loss, reason = "a few bins")]
fn two(folds: &[Vec<&ClassRows>], negative: &str, positive: &str) -> Chart {
    let shares = [histogram(folds, 0), histogram(folds, 1)];
    let most = shares.iter().flatten().copied().fold(0.05, f64::max);
    let y = Axis::new(Scale::Linear { low: 0.0, high: most * 1.05 }, "share of the class");
    let x = Axis::share(format!("probability of {}", shorten(positive, 30)));
    let mut frame = Frame::new("", "Probability by true class", Size::PANEL, x, y);
    for (share, class) in shares.iter().zip(["area2", "area1"]) {
        let mut outline = vec![frame.at(0.0, 0.0)];
        for (index, share) in share.iter().enumerate() {
            let (left, right) = (index as f64 / BINS as f64, (index + 1) as f64 / BINS as f64);
            outline.extend([frame.at(left, *share), frame.at(right, *share)]);
        }
        outline.push(frame.at(1.0, 0.0));
        frame.svg.polygon(class, &outline);
    }
    frame.key(0, "acc", &format!("true {}", shorten(positive, 24)));
    frame.key(1, "con", &format!("true {}", shorten(negative, 24)));
    frame.finish()
}

fn several(folds: &[Vec<&ClassRows>], classes: &[String]) -> Chart {
    #[expect(clippy::cast_precision_loss, reason = "classes are few")]
    let height = 19.0 * classes.len() as f64 + 86.0;
    let bands = Scale::Bands { labels: classes.iter().rev().cloned().collect() };
    let axes = (Axis::share("probability of the true class"), Axis::new(bands, "true class"));
    let size = if classes.len() > 12 { Size::WIDE } else { Size::PANEL };
    let mut frame = Frame::new("", "Probability of the true class", size.of_height(height), axes.0, axes.1);
    for class in 0..classes.len() {
        let rows = folds.iter().flatten();
        let mut own: Vec<f64> = rows
            .flat_map(|rows| {
                let targets = rows.predictions.targets().iter();
                rows.predictions.scores(class).zip(targets).filter(|(_, target)| **target == class)
            })
            .map(|(score, _)| f64::from(score))
            .collect();
        own.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "classes are few")]
        let at = |part: f64| frame.at(quantile(&own, part), (classes.len() - 1 - class) as f64);
        let [least, low, middle, high, most] = [0.1, 0.25, 0.5, 0.75, 0.9].map(at);
        if own.is_empty() {
            let (left, ..) = frame.edges();
            frame.svg.label("", (left + 6.0, middle.1 + 4.0), Anchor::Start, "no test rows");
            continue;
        }
        frame.svg.line("axis", least, most);
        frame.svg.rect("area1", (low.0, low.1 - 4.0), (high.0 - low.0, 8.0), None);
        frame.svg.dots("dots1", &[middle]);
    }
    frame.finish()
}
