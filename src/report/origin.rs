//! Where a run comes from, what was searched, and what went wrong.

use std::collections::BTreeMap;

use super::record::Run;
use super::text::escape;
use crate::trial::TrialState;
use crate::wording::count;

/// Reasons of failures that are listed.
const MOST_REASONS: usize = 8;

/// What is known of its making.
pub(super) fn origin(run: &Run) -> String {
    let manifest = &run.entry.manifest;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let commit = manifest.xrun_commit.as_ref().map_or_else(String::new, |commit| format!(" ({commit})"));
    let project = manifest.git.as_ref().map_or_else(String::new, |git| {
        let state = if git.dirty { ", with changes that its folder holds" } else { "" };
        format!("commit {:.12}{state}", git.commit)
    });
    let weights: Vec<String> = manifest
        .weights
        .iter()
        .map(|weights| format!("{} began with {}, digest {:.12}", weights.network, weights.path, weights.digest))
        .collect();
    let rows = [
        ("note", run.notes.note.clone()),
        ("tags", run.notes.tags_text()),
        ("started", format!("{} on {}, {}", manifest.started, manifest.host, manifest.os)),
        ("command", manifest.command.join(" ")),
        ("project", project),
        ("data", text(&manifest.data)),
        ("fingerprint of the data", text(&manifest.data_fingerprint)),
        ("weights", weights.join("; ")),
        ("seed", manifest.seed.clone()),
        ("device", format!("{} ({})", manifest.device, manifest.device_class)),
        ("threads", format!("{} a fit, {}", manifest.threads, count(manifest.workers, "worker"))),
        ("xrun", format!("{}{commit}", manifest.xrun_version)),
        ("numerics", manifest.numerics_version.clone()),
        ("digest of the config", manifest.config_blake3.clone()),
    ];
    let rows: String = rows
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("<tr><th scope=\"row\">{name}</th><td class=\"v\">{}</td></tr>", escape(value)))
        .collect();
    format!("<div class=\"scroll\"><table><tbody>{rows}</tbody></table></div>\n")
}

/// The parameters with their ranges, and the config.
pub(super) fn searched(run: &Run) -> String {
    let mut text = String::new();
    if let Some(space) = run.space() {
        let rows: String = space
            .parameters()
            .iter()
            .map(|parameter| {
                let condition = parameter.condition().map_or_else(String::new, |condition| {
                    let options: Vec<String> = condition.options().iter().map(ToString::to_string).collect();
                    format!("{} = {}", condition.parameter(), options.join(" or "))
                });
                format!(
                    "<tr><th scope=\"row\">{}</th><td class=\"v\">{}</td><td class=\"v\">{}</td></tr>",
                    escape(parameter.name()),
                    escape(&parameter.distribution().to_string()),
                    escape(&condition)
                )
            })
            .collect();
        text.push_str(&format!(
            "<div class=\"scroll\"><table><thead><tr><th>parameter</th><th>searched over</th><th>only if</th></tr></thead>\
             <tbody>{rows}</tbody></table></div>\n"
        ));
    }
    text.push_str("<p class=\"caption\">The resolved config, which runs again as it is:</p>\n");
    text.push_str(&format!("<pre>{}</pre>\n", escape(&run.config)));
    text
}

/// Why it did not come to its end, and of what trials failed; empty when nothing is to be told.
pub(super) fn trouble(run: &Run) -> String {
    let mut text = String::new();
    if run.entry.summary.is_none() {
        let manifest = &run.entry.manifest;
        let last = run.finals.len();
        text.push_str(&format!(
            "<p class=\"warn\">This run has not come to its end ({}): {} and {} of {} have. What follows is of those alone.</p>\n",
            escape(&run.status),
            count(run.studies.iter().map(|study| study.trials.len()).sum(), "trial"),
            count(last, "final"),
            count(manifest.n_fits, "planned fit"),
        ));
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for trial in run.studies.iter().flat_map(|study| &study.trials) {
        if let TrialState::Failed { reason } = &trial.state {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    if !reasons.is_empty() {
        let n = reasons.values().sum();
        let mut reasons: Vec<(&str, usize)> = reasons.into_iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let more = match reasons.len().saturating_sub(MOST_REASONS) {
            0 => String::new(),
            more => format!("; and {more} other reasons"),
        };
        let told: Vec<String> =
            reasons.iter().take(MOST_REASONS).map(|(reason, n)| format!("{} ({n})", escape(reason))).collect();
        text.push_str(&format!("<p class=\"warn\">{} failed: {}{more}.</p>\n", count(n, "trial"), told.join("; ")));
    }
    text
}
