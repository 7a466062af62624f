//! `xrun diff`: what two recorded runs or fits differ in.

use super::Exit;
use super::args::DiffArguments;
use super::failure::Failure;
use super::output::{print, table};
use super::replay::difference;
use super::run::working_project;
use crate::replay::{self, Change, Diff, DiffError};
use crate::settings;
use crate::store::Record;

/// Values of a config shown at most; a list of rows may have thousands.
const SHOWN: usize = 40;

pub(super) fn diff(arguments: &DiffArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let a = Record::find(&settings.results, &arguments.a)?;
    let b = Record::find(&settings.results, &arguments.b)?;
    let diff = replay::diff(&a, &b, arguments.all)?;
    print(&if arguments.json { json(&a, &b, &diff).to_string() } else { text(&a, &b, &diff) });
    Ok(Exit::Ok)
}

impl From<DiffError> for Failure {
    fn from(error: DiffError) -> Self {
        match error {
            DiffError::RunAndFit { .. } => Self::new(Exit::Usage, error.to_string())
                .hint("a fit is named by its run and folder, as in RUN:outer-0/inner-0/final"),
            DiffError::Config(diagnostic) => (*diagnostic).into(),
            DiffError::Store(error) => error.into(),
        }
    }
}

fn json(a: &Record, b: &Record, diff: &Diff) -> serde_json::Value {
    let mut value = serde_json::to_value(diff).expect("a difference has text keys");
    value["a"] = a.name().into();
    value["b"] = b.name().into();
    value["equal"] = diff.is_empty().into();
    value
}

fn text(a: &Record, b: &Record, diff: &Diff) -> String {
    if diff.is_empty() {
        return format!("no difference: {} and {} have the same config, provenance and results", a.name(), b.name());
    }
    let header = |first: &str| [first.to_owned(), a.name(), b.name()];
    let cell = |value: &Option<String>| match value {
        // Enough of a digest to tell it by.
        Some(digest) if digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()) => digest[..16].to_owned(),
        Some(value) => value.clone(),
        None => "-".to_owned(),
    };
    let changes = |first: &str, changes: &[Change]| {
        let rows: Vec<Vec<String>> = changes
            .iter()
            .take(SHOWN)
            .map(|change| vec![change.name.clone(), cell(&change.a), cell(&change.b)])
            .collect();
        let more = match changes.len().saturating_sub(SHOWN) {
            0 => String::new(),
            n => format!("\n ... and {n} more; --json has all of them"),
        };
        format!("{}{more}", table(&header(first), &rows))
    };
    let mut parts = Vec::new();
    if !diff.config.is_empty() {
        parts.push(changes("config", &diff.config));
    }
    if !diff.provenance.is_empty() {
        parts.push(changes("provenance", &diff.provenance));
    }
    if !diff.metrics.is_empty() {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:?}"));
        let rows: Vec<Vec<String>> = diff
            .metrics
            .iter()
            .map(|metric| {
                let change = metric.difference.map_or_else(|| "-".to_owned(), |change| format!("{change:+.3e}"));
                vec![metric.name.clone(), number(metric.a), number(metric.b), change]
            })
            .collect();
        let [first, of_a, of_b] = header("results");
        parts.push(table(&[first, of_a, of_b, "difference".to_owned()], &rows));
    }
    let mut lines = Vec::new();
    let (of_a, of_b) = (a.name(), b.name());
    lines.extend(diff.trials.iter().map(|trials| difference(trials, &of_a, &of_b)));
    if let Some(first) = &diff.files.first {
        lines.push(format!(
            "{} of {} other files of results differ, first {}",
            diff.files.n_different, diff.files.n, first.file
        ));
    }
    parts.extend((!lines.is_empty()).then(|| lines.join("\n")));
    parts.join("\n\n")
}
