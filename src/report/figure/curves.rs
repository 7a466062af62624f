//! ROC and precision-recall curves of the test rows.

use super::Figure;
use crate::metric::ClassPredictions;
use crate::report::chart::{Axis, Chart, Frame, Size};
use crate::report::rates;
use crate::report::record::ClassRows;
use crate::report::record::Run;
use crate::wording::number;

pub(super) fn curves(run: &Run) -> Option<Figure> {
    let folds = run.tested();
    let n_classes = folds.first()?.first()?.classes.len();
    let roc = of_folds(&folds, rates::roc);
    let recall = of_folds(&folds, rates::precision_recall);
    let mean_roc = rates::mean_of(roc.iter().cloned().map(Some))?;
    let mean_recall = rates::mean_of(recall.iter().cloned().map(Some))?;
    let area = run.test().get("roc_auc").map(|metric| format!("mean area {}", number(metric.mean)));
    let precision = of_folds(&folds, |rows| rates::average_precision(rows).map(|value| vec![value]));
    let precision = rates::mean_of(precision.into_iter().map(Some))?[0];

    let mut first =
        Frame::new("roc", "ROC", Size::PANEL, Axis::share("false positive rate"), Axis::share("true positive rate"));
    first.line("ref", &[(0.0, 0.0), (1.0, 1.0)]);
    let first = draw(first, &roc, &mean_roc, area.as_deref());
    let axes = (Axis::share("recall"), Axis::share("precision"));
    let second = Frame::new("precision-recall", "Precision and recall", Size::PANEL, axes.0, axes.1);
    let second = draw(second, &recall, &mean_recall, Some(&format!("mean average precision {}", number(precision))));

    let of = if n_classes == 2 {
        let positive = &folds[0][0].classes[1];
        format!("Of the probability of “{positive}” ")
    } else {
        "Each class against the rest, averaged over the classes, ".to_owned()
    };
    let missing = folds.len() - roc.len();
    let missing = if missing == 0 {
        String::new()
    } else {
        format!(" {missing} of {} folds lack rows of a class and are left out.", folds.len())
    };
    let caption = format!(
        "{of}on each outer fold's test rows: a thin line a fold, the thick one their mean by vertical averaging. The area \
         and the average precision are means of the folds' own.{missing}"
    );
    Some(Figure::new("curves", "ROC, precision and recall", caption, vec![first, second]))
}

/// A curve a fold, the mean of its models'; folds that cannot have one are left out.
fn of_folds(folds: &[Vec<&ClassRows>], curve: impl Fn(&ClassPredictions) -> Option<Vec<f64>>) -> Vec<Vec<f64>> {
    folds.iter().filter_map(|models| rates::mean_of(models.iter().map(|rows| curve(&rows.predictions)))).collect()
}

fn draw(mut frame: Frame, folds: &[Vec<f64>], mean: &[f64], key: Option<&str>) -> Chart {
    for fold in folds {
        frame.line("one", &rates::over_grid(fold));
    }
    frame.line("mean", &rates::over_grid(mean));
    if let Some(key) = key {
        frame.key(0, "strong", key);
    }
    frame.finish()
}
