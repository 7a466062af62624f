//! The first metrics in each outer fold.

use super::Figure;
use crate::report::chart::{Anchor, Axis, Chart, Frame, Scale, Size};
use crate::report::estimate::{estimate, metric_name};
use crate::report::record::Run;
use crate::store::MetricSummary;
use crate::wording::number;

/// Metrics that are drawn.
const MOST: usize = 3;
/// Folds that have their values written beside them.
const MOST_LABELS: usize = 12;

pub(super) fn folds(run: &Run) -> Option<Figure> {
    let metrics = first_metrics(run);
    if metrics.first().is_none_or(|(_, metric)| metric.per_outer.len() < 2) {
        return None;
    }
    let charts: Vec<Chart> = metrics.iter().take(MOST).map(|(name, metric)| chart(name, metric)).collect();
    let shaded = estimate(&metrics[0].1).range_name;
    let caption = format!(
        "Metrics of each outer fold's test rows, which no search and no threshold has seen. Models of one outer fold are \
         averaged first. The line is the mean over the folds, shaded {shaded}."
    );
    Some(Figure::new("folds", "Outer folds", caption, charts))
}

/// The test metrics in the order of reports: the one that was searched on first.
pub(crate) fn first_metrics(run: &Run) -> Vec<(String, MetricSummary)> {
    let usual = ["roc_auc", "accuracy", "balanced_accuracy", "log_loss"];
    let first = run.first_metric();
    let mut metrics: Vec<(String, MetricSummary)> = run.test().into_iter().collect();
    metrics.sort_by_key(|(name, _)| {
        let place = usual.iter().position(|usual| usual == name).unwrap_or(usual.len());
        (first.as_ref() != Some(name), place)
    });
    metrics
}

#[expect(clippy::cast_precision_loss, reason = "folds are few")]
fn chart(name: &str, metric: &MetricSummary) -> Chart {
    let n = metric.per_outer.len();
    let range = estimate(metric).range;
    let ends = range.map_or([metric.mean; 2], |(low, high)| [low, high]);
    let x = Axis::new(Scale::over(metric.per_outer.iter().copied().chain(ends)), metric_name(name));
    let bands = Scale::Bands { labels: (0..n).rev().map(|fold| format!("fold {fold}")).collect() };
    let height = (24.0 * n as f64 + 100.0).clamp(190.0, 420.0);
    let size = Size::PANEL.of_height(height);
    let mut frame = Frame::new(name, metric_name(name), size, x, Axis::new(bands, ""));
    let (_, _, top, bottom) = frame.edges();
    if let Some((low, high)) = range {
        let (left, right) = (frame.at(low, 0.0).0, frame.at(high, 0.0).0);
        frame.svg.rect("soft", (left, top), (right - left, bottom - top), None);
    }
    let middle = frame.at(metric.mean, 0.0).0;
    frame.svg.line("mean", (middle, top), (middle, bottom));
    let points: Vec<(f64, f64)> =
        metric.per_outer.iter().enumerate().map(|(fold, value)| (*value, (n - 1 - fold) as f64)).collect();
    if n <= MOST_LABELS {
        for (value, at) in &points {
            let (x, y) = frame.at(*value, *at);
            // On the side where the mean is not.
            let (x, anchor) = if *value < metric.mean { (x - 7.0, Anchor::End) } else { (x + 7.0, Anchor::Start) };
            let (left, right, ..) = frame.edges();
            let (x, anchor) = match anchor {
                Anchor::End if x - 40.0 < left => (x + 14.0, Anchor::Start),
                Anchor::Start if x + 40.0 > right => (x - 14.0, Anchor::End),
                other => (x, other),
            };
            frame.svg.label("ink", (x, y - 4.0), anchor, &number(*value));
        }
    }
    frame.dots("dots1", &points);
    frame.key(0, "strong", &format!("mean {}", number(metric.mean)));
    frame.finish()
}
