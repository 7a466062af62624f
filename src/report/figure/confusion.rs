//! Which classes are taken for which.

use super::Figure;
use crate::report::chart::{Anchor, Chart, Frame, Size, width_of};
use crate::report::record::ClassRows;
use crate::report::record::Run;
use crate::report::text::{escape, shorten};

/// Classes whose cells have their numbers in them.
const MOST_NUMBERS: usize = 12;
/// Pairs of classes listed when they have not.
const MOST_PAIRS: usize = 8;

pub(super) fn confusion(run: &Run) -> Option<Figure> {
    let folds = run.tested();
    let classes = &folds.first()?.first()?.classes;
    let counts = counts(&folds, classes.len());
    let below = if classes.len() > MOST_NUMBERS { pairs(&counts, classes) } else { String::new() };
    let numbers = if classes.len() > MOST_NUMBERS { "" } else { ", with the number of rows below" };
    let caption = format!(
        "Test rows of all outer folds by true class (lines) and decided class (columns), in percent of the true \
         class{numbers}. Models of one outer fold are averaged, so a number of rows need not be whole. Decisions are those that \
         were recorded, with the threshold that validation gave."
    );
    Some(Figure { below, ..Figure::new("confusion", "Confusion", caption, vec![chart(&counts, classes)]) })
}

/// Rows `[true class][decided class]`.
fn counts(folds: &[Vec<&ClassRows>], n_classes: usize) -> Vec<Vec<f64>> {
    let mut counts = vec![vec![0.0; n_classes]; n_classes];
    for models in folds {
        for rows in models {
            for (target, decision) in rows.predictions.targets().iter().zip(&rows.decisions) {
                #[expect(clippy::cast_precision_loss, reason = "models are few")]
                let weight = 1.0 / models.len() as f64;
                counts[*target][*decision] += weight;
            }
        }
    }
    counts
}

fn share(line: &[f64], column: usize) -> f64 {
    let all: f64 = line.iter().sum();
    if all > 0.0 { line[column] / all } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "classes are few")]
fn chart(counts: &[Vec<f64>], classes: &[String]) -> Chart {
    let n = classes.len();
    let has_numbers = n <= MOST_NUMBERS;
    let names: Vec<String> = classes.iter().map(|class| shorten(class, 22)).collect();
    let widest = names.iter().map(|name| width_of(name)).fold(0.0, f64::max);
    let left = widest + 12.0;
    let base = if n > 5 { Size::WIDE } else { Size::PANEL };
    let cell = ((base.width - left - 8.0) / n as f64).min(if has_numbers { 74.0 } else { 16.0 });
    let tall = if has_numbers { cell.min(46.0) } else { cell };
    // Long names of columns are turned.
    let is_turned = names.iter().any(|name| width_of(name) > cell - 4.0);
    let top = if is_turned { 30.0 + widest } else { 46.0 };
    let mut frame = Frame::bare("", "True class by decided class", base.of_height(top + tall * n as f64 + 10.0));
    for (row, line) in counts.iter().enumerate() {
        let y = top + tall * row as f64;
        frame.svg.label("", (left - 6.0, y + tall / 2.0 + 4.0), Anchor::End, &names[row]);
        for (column, count) in line.iter().enumerate() {
            let x = left + cell * column as f64;
            let share = share(line, column);
            frame.svg.rect("track", (x + 0.5, y + 0.5), (cell - 1.0, tall - 1.0), Some(0.35));
            let class = if row == column { "fill1" } else { "fill2" };
            frame.svg.rect(class, (x + 0.5, y + 0.5), (cell - 1.0, tall - 1.0), Some(share));
            if has_numbers {
                let ink = if share > 0.55 { "on" } else { "ink" };
                let middle = x + cell / 2.0;
                frame.svg.label(ink, (middle, y + tall / 2.0), Anchor::Middle, &format!("{:.0} %", 100.0 * share));
                let rows =
                    if (count - count.round()).abs() < 1e-9 { format!("{count:.0}") } else { format!("{count:.1}") };
                let weak = if share > 0.55 { "on" } else { "" };
                frame.svg.label(weak, (middle, y + tall / 2.0 + 13.0), Anchor::Middle, &rows);
            }
        }
    }
    for (column, name) in names.iter().enumerate() {
        let x = left + cell * (column as f64 + 0.5);
        if is_turned {
            frame.svg.upward((x + 4.0, top - 6.0), name);
        } else {
            frame.svg.label("", (x, top - 8.0), Anchor::Middle, name);
        }
    }
    frame.finish()
}

/// The largest shares beside the diagonal, as a table.
fn pairs(counts: &[Vec<f64>], classes: &[String]) -> String {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (row, line) in counts.iter().enumerate() {
        let others = (0..line.len()).filter(|column| *column != row && line[*column] > 0.0);
        pairs.extend(others.map(|column| (share(line, column), row, column)));
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let line = |(share, row, column): &(f64, usize, usize)| {
        format!(
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{:.0} %</td></tr>",
            escape(&classes[*row]),
            escape(&classes[*column]),
            100.0 * share
        )
    };
    let lines: String = pairs.iter().take(MOST_PAIRS).map(line).collect();
    if lines.is_empty() {
        return String::new();
    }
    format!(
        "<div class=\"scroll\"><table><thead><tr><th>true class</th><th>taken for</th><th class=\"n\">share of the true \
         class</th></tr></thead><tbody>{lines}</tbody></table></div>"
    )
}
