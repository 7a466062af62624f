//! What the studies chose: how stable a search is.

use super::Figure;
use super::parallel::{first_parameters, scale};
use crate::report::chart::{Anchor, Chart, Frame, Scale, Size};
use crate::report::record::{Run, Study};
use crate::report::text::{escape, shorten, shorten_start};
use crate::space::Parameter;
use crate::trial::TrialRecord;
use crate::value::Value;
use crate::wording::number;

const MOST_PARAMETERS: usize = 30;
/// Studies whose values are written out; of more the record has them.
const MOST_STUDIES: usize = 12;

pub(super) fn chosen(run: &Run) -> Option<Figure> {
    let parameters = first_parameters(run, MOST_PARAMETERS)?;
    let best: Vec<(&Study, &TrialRecord)> =
        run.studies.iter().filter_map(|study| Some((study, &study.trials[study.best?]))).collect();
    if best.is_empty() {
        return None;
    }
    let charts = if best.len() > 1 { vec![chart(run, &parameters, &best)] } else { Vec::new() };
    let caption = if best.len() > 1 {
        "The values of each study's best trial, a dot a study, on the scale that was searched: the closer together, the more \
         stable the search. On the right, how much of the range they span, or how many agree on the most frequent choice."
    } else {
        "The values of the best trial."
    };
    Some(Figure { below: table(&parameters, &best), ..Figure::new("chosen", "Chosen values", caption, charts) })
}

fn chart(run: &Run, parameters: &[&Parameter], best: &[(&Study, &TrialRecord)]) -> Chart {
    const LINE: f64 = 46.0;
    #[expect(clippy::cast_precision_loss, reason = "parameters are few")]
    let size = Size::PANEL.of_height(34.0 + LINE * parameters.len() as f64);
    let mut frame = Frame::bare("", "Chosen values", size);
    let (left, right) = (10.0, size.width - 14.0);
    let mut top = 30.0;
    for parameter in parameters {
        let scale = scale(parameter, run);
        let values: Vec<&Value> = best.iter().filter_map(|(_, trial)| trial.assignment.get(parameter.name())).collect();
        frame.svg.label("ink", (2.0, top + 10.0), Anchor::Start, &shorten_start(parameter.name(), 34));
        frame.svg.label("", (size.width - 4.0, top + 10.0), Anchor::End, &agreement(&scale, &values));
        let y = top + 21.0;
        frame.svg.line("axis", (left, y), (right, y));
        let ticks = scale.ticks(4);
        let at = |place: f64| left + place * (right - left);
        for (index, (place, label)) in ticks.iter().enumerate() {
            frame.svg.line("axis", (at(*place), y), (at(*place), y + 4.0));
            let anchor = match index {
                0 if *place < 0.1 => Anchor::Start,
                _ if *place > 0.9 => Anchor::End,
                _ => Anchor::Middle,
            };
            let at = match anchor {
                Anchor::Start => 2.0,
                Anchor::Middle => at(*place),
                Anchor::End => size.width - 4.0,
            };
            let room = (48 / ticks.len().max(1)).max(3);
            frame.svg.label("", (at, y + 15.0), anchor, &shorten(label, room));
        }
        let dots: Vec<(f64, f64)> =
            values.iter().filter_map(|value| scale.place_value(value)).map(|place| (at(place), y)).collect();
        frame.svg.dots("dots1", &dots);
        top += LINE;
    }
    frame.finish()
}

/// How far the studies agree, in a few words.
fn agreement(scale: &Scale, values: &[&Value]) -> String {
    match values.len() {
        0 => return "in no best trial".to_owned(),
        1 => return "in one best trial".to_owned(),
        _ => {}
    }
    if matches!(scale, Scale::Bands { .. }) {
        let most = values.iter().map(|value| values.iter().filter(|other| other == &value).count()).max().unwrap_or(0);
        return format!("{most} of {} agree", values.len());
    }
    let places = values.iter().filter_map(|value| scale.place_value(value));
    let (low, high) = places.fold((1.0, 0.0), |(low, high): (f64, f64), place| (low.min(place), high.max(place)));
    format!("span {:.0} % of the range", 100.0 * (high - low).max(0.0))
}

fn table(parameters: &[&Parameter], best: &[(&Study, &TrialRecord)]) -> String {
    let folds = |study: &Study| {
        let parts = [("outer", study.place.outer), ("inner", study.place.inner)];
        let parts: Vec<String> =
            parts.iter().filter_map(|(name, fold)| fold.map(|fold| format!("{name} {fold}"))).collect();
        if parts.is_empty() { "the search".to_owned() } else { parts.join("<br>") }
    };
    let shown = &best[..best.len().min(MOST_STUDIES)];
    let heads: String = shown.iter().map(|(study, _)| format!("<th class=\"n\">{}</th>", folds(study))).collect();
    let row = |name: &str, cell: &dyn Fn(&TrialRecord) -> String| {
        let cells: String =
            shown.iter().map(|(_, trial)| format!("<td class=\"n\">{}</td>", escape(&cell(trial)))).collect();
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>", escape(name))
    };
    let value = |trial: &TrialRecord, name: &str| match trial.assignment.get(name) {
        Some(Value::Float(x)) => crate::report::chart::plain(*x),
        Some(value) => value.to_string(),
        None => "–".to_owned(),
    };
    let mut rows = row("trial", &|trial| trial.number.to_string());
    rows.push_str(&row("value", &|trial| trial.state.score().map_or_else(String::new, |score| number(score.value()))));
    for parameter in parameters {
        rows.push_str(&row(parameter.name(), &|trial| value(trial, parameter.name())));
    }
    let more = match best.len() - shown.len() {
        0 => String::new(),
        more => format!("<p class=\"note\">{more} more studies are not listed.</p>"),
    };
    format!(
        "<div class=\"scroll\"><table><thead><tr><th>best trial</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{more}"
    )
}
