//! The page: one file with everything in it, which loads nothing and runs no script.

use super::answer::{answer, beginning};
use super::chart::{Chart, Paint, rules, variables};
use super::compare;
use super::figure::Figure;
use super::origin::{origin, searched, trouble};
use super::record::Run;
use super::text::escape;

const STYLE: &str = include_str!("style.css");

/// A chart this wide gets a line of its own.
const WIDE: f64 = 400.0;

/// A run with its figures.
pub(super) struct Part<'a> {
    pub(super) run: &'a Run,
    pub(super) figures: &'a [Figure],
}

/// The page about runs, of which there is at least one.
pub(super) fn page(parts: &[Part<'_>]) -> String {
    let title = match parts {
        [only] => format!("{} {}", only.run.entry.manifest.experiment, only.run.entry.manifest.run),
        several => format!("{} runs", several.len()),
    };
    let comparison = if parts.len() > 1 {
        compare::compare(&parts.iter().map(|part| part.run).collect::<Vec<_>>())
    } else {
        String::new()
    };
    let bodies: String = parts.iter().enumerate().map(|(index, part)| article(index, part, parts.len() > 1)).collect();
    document(&title, &format!("{comparison}{bodies}"))
}

/// A page with what it needs to be read anywhere.
pub(super) fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n\
         {body}<footer>Made by xrun {} from the record alone. Anything that ranks or chooses goes by validation \
         rows; test rows are shown for what was chosen.</footer>\n</main>\n</body>\n</html>\n",
        escape(title),
        style(),
        env!("CARGO_PKG_VERSION"),
    )
}

/// Light unless the reader's system is dark; paper is light.
fn style() -> String {
    format!(
        ":root{{color-scheme:light;{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{color-scheme:dark;{}}}}}\n{}\n{STYLE}",
        variables(false),
        variables(true),
        rules(Paint::Variables)
    )
}

fn article(index: usize, part: &Part<'_>, is_one_of_several: bool) -> String {
    let run = part.run;
    let id = |name: &str| if is_one_of_several { format!("run{}-{name}", index + 1) } else { name.to_owned() };
    let sections: String = part.figures.iter().map(|figure| section(figure, &id(figure.id))).collect();
    let own = [("origin", "Where it comes from", origin(run)), ("searched", "What was run", searched(run))];
    let more: String = own
        .iter()
        .map(|(name, heading, body)| format!("<section id=\"{}\">\n<h2>{heading}</h2>\n{body}</section>\n", id(name)))
        .collect();
    let links = part.figures.iter().map(|figure| (figure.id, figure.heading));
    let links: String = links
        .chain(own.iter().map(|(name, heading, _)| (*name, *heading)))
        .map(|(name, heading)| format!("<a href=\"#{}\">{heading}</a>", id(name)))
        .collect();
    let level = if is_one_of_several { "h2" } else { "h1" };
    format!(
        "<article id=\"{}\">\n<{level}>{}</{level}>\n{}{}{}<nav>{links}</nav>\n<div class=\"sections\">\n{sections}</div>\n{more}</article>\n",
        id("top"),
        escape(&run.entry.manifest.experiment),
        beginning(run),
        answer(run),
        trouble(run),
    )
}

/// A figure with its heading and caption.
pub(super) fn section(figure: &Figure, id: &str) -> String {
    let (wide, panels): (Vec<&Chart>, Vec<&Chart>) = figure.charts.iter().partition(|chart| chart.width > WIDE);
    let inline = |charts: &[&Chart]| charts.iter().map(|chart| chart.inline()).collect::<String>();
    let panels = match panels.is_empty() {
        true => String::new(),
        false => format!("<div class=\"charts\">{}</div>\n", inline(&panels)),
    };
    let wide = match wide.is_empty() {
        true => String::new(),
        false => format!("<div class=\"charts wide scroll\">{}</div>\n", inline(&wide)),
    };
    let Figure { heading, caption, below, .. } = figure;
    // What is one panel alone stands beside others of its kind.
    let is_one = wide.is_empty() && figure.charts.len() == 1 && below.is_empty();
    let class = if is_one { " class=\"solo\"" } else { "" };
    format!(
        "<section id=\"{id}\"{class}>\n<h2>{heading}</h2>\n<p class=\"caption\">{}</p>\n{wide}{panels}{below}</section>\n",
        escape(caption)
    )
}
