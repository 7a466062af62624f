//! The figures of a report, a file each: what is drawn of a run, and the sentence that says what is seen and how it was
//! computed. A figure that a run has nothing for is left out.
//!
//! What ranks or chooses does so by validation alone; test rows are shown for what was chosen.

mod calibration;
mod chosen;
mod confusion;
mod curves;
mod folds;
mod front;
mod history;
mod importance;
mod learning;
mod mistakes;
mod parallel;
mod predicted;
mod probabilities;
mod slices;
mod timeline;

use super::chart::Chart;
use super::pictures::Pictures;
use super::record::Run;

pub(crate) use folds::first_metrics;
pub(crate) use mistakes::mistakes;

/// A part of a report.
#[derive(Debug)]
pub(crate) struct Figure {
    /// Its place in the page, and the beginning of its files' names.
    pub(crate) id: &'static str,
    pub(crate) heading: &'static str,
    /// What is seen and how it was computed.
    pub(crate) caption: String,
    pub(crate) charts: Vec<Chart>,
    /// What stands below the charts, as HTML.
    pub(crate) below: String,
}

impl Figure {
    pub(crate) fn new(id: &'static str, heading: &'static str, caption: impl Into<String>, charts: Vec<Chart>) -> Self {
        Self { id, heading, caption: caption.into(), charts, below: String::new() }
    }
}

/// All figures of a run, in the order in which they are read.
pub(crate) fn all(run: &Run, pictures: &Pictures) -> Vec<Figure> {
    let figures = [
        folds::folds(run),
        curves::curves(run),
        probabilities::probabilities(run),
        calibration::calibration(run),
        predicted::predicted(run),
        confusion::confusion(run),
        mistakes(run, pictures),
        learning::learning(run),
        history::history(run),
        front::front(run),
        importance::importance(run),
        chosen::chosen(run),
        parallel::parallel(run),
        slices::slices(run),
        timeline::timeline(run),
    ];
    figures.into_iter().flatten().collect()
}

/// Some of a list at equal distances, at most so many.
fn spread_out<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    if all.len() <= most {
        return all.to_vec();
    }
    (0..most).map(|index| all[index * all.len() / most]).collect()
}

/// A few numbers of a sorted list: the value below which this part of it lies.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position in a list"
    )]
    let position = (part * (sorted.len().max(1) - 1) as f64).round() as usize;
    sorted.get(position).copied().unwrap_or(0.0)
}
