//! The rows that were decided most wrongly.

use std::collections::BTreeMap;

use super::Figure;
use crate::metric::decide;
use crate::report::pictures::Pictures;
use crate::report::record::Run;
use crate::report::text::{escape, shorten_start};

const MOST: usize = 12;

/// What was said of a row by one model, or by those of a fold on average.
struct Mistake<'a> {
    id: &'a str,
    target: usize,
    /// Mean probability of each class.
    probabilities: Vec<f32>,
}

pub(crate) fn mistakes(run: &Run, pictures: &Pictures) -> Option<Figure> {
    let folds = run.tested();
    let classes = &folds.first()?.first()?.classes;
    // Keyed by the fold, too: with repeated folds a row is tested several times.
    let mut sums: BTreeMap<(usize, &str), (usize, Vec<f32>)> = BTreeMap::new();
    for (fold, models) in folds.iter().enumerate() {
        for rows in models {
            let of_rows = rows.predictions.probabilities().chunks(classes.len());
            for ((id, target), row) in rows.ids.iter().zip(rows.predictions.targets()).zip(of_rows) {
                let sum = &mut sums.entry((fold, id)).or_insert_with(|| (*target, vec![0.0; classes.len()])).1;
                #[expect(clippy::cast_precision_loss, reason = "models are few")]
                sum.iter_mut().zip(row).for_each(|(sum, p)| *sum += p / models.len() as f32);
            }
        }
    }
    let mut wrong: Vec<Mistake<'_>> = sums
        .into_iter()
        .map(|((_, id), (target, probabilities))| Mistake { id, target, probabilities })
        .filter(|row| decide(&row.probabilities, 0.5) != row.target)
        .collect();
    wrong.sort_by(|a, b| a.probabilities[a.target].total_cmp(&b.probabilities[b.target]).then(a.id.cmp(b.id)));
    if wrong.is_empty() {
        return None;
    }
    let n = wrong.len();
    let cards: String = wrong.iter().take(MOST).map(|row| card(row, classes, pictures)).collect();
    let shown = if n > MOST { format!("the {MOST} of {n} test rows") } else { "the test rows".to_owned() };
    let caption = format!(
        "Of the test rows to whose true class their outer fold's models gave less than to another, {shown} with the least \
         for the true class. Models of one fold are averaged."
    );
    let below = format!("<ul class=\"mistakes\">{cards}</ul>");
    Some(Figure { below, ..Figure::new("mistakes", "Worst mistakes", caption, Vec::new()) })
}

fn card(row: &Mistake<'_>, classes: &[String], pictures: &Pictures) -> String {
    let said = decide(&row.probabilities, 0.5);
    let picture = pictures.address(row.id).map_or_else(String::new, |address| {
        format!("<img src=\"{address}\" alt=\"{}\" width=\"88\" height=\"88\">", escape(row.id))
    });
    format!(
        "<li>{picture}<b>{}</b><span>taken for {} ({:.0}\u{a0}%)</span><span class=\"id\" title=\"{}\">{}</span></li>",
        escape(&classes[row.target]),
        escape(&classes[said]),
        100.0 * row.probabilities[said],
        escape(row.id),
        escape(&shorten_start(row.id, 24))
    )
}
