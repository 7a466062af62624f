//! How much each parameter mattered.

use std::collections::BTreeMap;

use super::Figure;
use crate::importance::importance as shares_of;
use crate::report::chart::{Anchor, Chart, Frame, Size};
use crate::report::record::Run;
use crate::report::text::shorten_start;
use crate::wording::count;

pub(super) fn importance(run: &Run) -> Option<Figure> {
    let objectives = run.objectives();
    let charts: Vec<Chart> = (0..objectives.len())
        .filter_map(|index| {
            let metric = objectives[index].metric.name();
            let title =
                if objectives.len() == 1 { "Importance".to_owned() } else { format!("Importance for {metric}") };
            chart(if index == 0 { "" } else { metric }, title, &shares(run, index)?)
        })
        .collect();
    if charts.is_empty() {
        return None;
    }
    let n = run.studies.iter().map(|study| study.trials.iter().filter(|trial| trial.state.score().is_some()).count());
    let caption = format!(
        "How far a parameter's values among the best tenth of trials differ from those among all (PED-ANOVA), in percent \
         of all parameters; the mean over the studies. It rests on {}: a dozen say little.",
        count(n.sum(), "complete trial")
    );
    Some(Figure::new("importance", "Importance of parameters", caption, charts))
}

/// The mean over the studies that have enough trials, the most important parameter first.
pub(super) fn shares(run: &Run, objective: usize) -> Option<Vec<(String, f64)>> {
    let space = run.space()?;
    let direction = run.objectives().get(objective)?.direction;
    let told: Vec<BTreeMap<String, f64>> = run
        .studies
        .iter()
        .map(|study| shares_of(space, &study.trials, objective, direction))
        .filter(|shares| !shares.is_empty())
        .collect();
    if told.is_empty() {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "studies are few")]
    let n = told.len() as f64;
    let mean = |name: &str| told.iter().filter_map(|shares| shares.get(name)).sum::<f64>() / n;
    let names = space.parameters().iter().map(|parameter| parameter.name());
    let mut shares: Vec<(String, f64)> = names.map(|name| (name.to_owned(), mean(name))).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    Some(shares)
}

fn chart(name: &str, title: String, shares: &[(String, f64)]) -> Option<Chart> {
    const LINE: f64 = 36.0;
    let most = shares.first()?.1.max(1e-9);
    #[expect(clippy::cast_precision_loss, reason = "parameters are few")]
    let height = LINE * shares.len() as f64 + 34.0;
    let size = Size::PANEL.of_height(height);
    let mut frame = Frame::bare(name, title, size);
    let mut top = 30.0;
    let full = size.width - 52.0;
    for (parameter, share) in shares {
        frame.svg.label("ink", (2.0, top + 10.0), Anchor::Start, &shorten_start(parameter, 50));
        frame.svg.rect("track", (2.0, top + 15.0), (full, 8.0), Some(0.6));
        frame.svg.rect("bar", (2.0, top + 15.0), ((full * share / most).max(1.0), 8.0), None);
        let percent = format!("{:.0} %", 100.0 * share);
        frame.svg.label("ink", (size.width - 4.0, top + 23.0), Anchor::End, &percent);
        top += LINE;
    }
    Some(frame.finish())
}
