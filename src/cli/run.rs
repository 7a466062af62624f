//! `xrun SCRIPT`: runs it and prints what came out.

use std::path::Path;
use std::time::{Duration, Instant};

use super::Exit;
use super::args::RunArguments;
use super::failure::Failure;
use super::output::{duration, print, table};
use super::progress::Terminal;
use crate::device::{self, DeviceChoice, OpenDevice};
use crate::metric::Metric;
use crate::runner::{self, Report, Request};
use crate::script::{self, Argument, Evaluated};
use crate::settings::{self, Flags, Settings};
use crate::store::Summary;

const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn run(arguments: &RunArguments) -> Result<Exit, Failure> {
    let script = arguments.script.as_deref().expect("clap requires a script where there is no command");
    let (evaluated, settings) = evaluate(script, &arguments.overrides, &arguments.settings.flags())?;
    let prepared = runner::prepare(&evaluated.outcome, &settings.cache)?;
    let device = open_device(&settings, arguments.quiet)?;
    let threads = use_threads(settings.threads);
    let command: Vec<String> = std::env::args().collect();
    let request =
        Request { evaluated: &evaluated, results: &settings.results, device: &device, threads, command: &command };
    let mut terminal = Terminal::new(arguments.quiet);
    let clock = Instant::now();
    let report = runner::run(&request, &prepared, &mut terminal);
    terminal.finish();
    let report = report?;
    if arguments.json {
        print(&json(&report).to_string());
    } else {
        print(&conclusion(&report, clock.elapsed().as_secs_f64()));
    }
    if !arguments.quiet {
        eprintln!("\nsee it again: xrun show {}", report.id);
    }
    Ok(match report.summary.status.as_str() {
        "failed" => Exit::Failed,
        _ if report.summary.n_failed_trials > 0 => Exit::FailedTrials,
        _ => Exit::Ok,
    })
}

/// Evaluates a script under the settings of its project.
pub(super) fn evaluate(script: &Path, overrides: &[String], flags: &Flags) -> Result<(Evaluated, Settings), Failure> {
    let overrides =
        overrides.iter().map(|text| Argument::parse(text)).collect::<Result<Vec<_>, _>>().map_err(|message| {
            Failure::new(Exit::Usage, message).hint("arguments after the script set something: epochs=10")
        })?;
    let evaluated = script::evaluate(script, &overrides)?;
    let project = project_of(&evaluated.root);
    let settings = settings::load(&project, flags)?.settings;
    Ok((evaluated, settings))
}

/// The project of a script; for a script inside a run folder, the one around the working directory.
fn project_of(root: &Path) -> std::path::PathBuf {
    if root.ends_with("imports") && root.parent().is_some_and(|run| run.join("run.json").is_file()) {
        return working_project();
    }
    root.to_owned()
}

/// The project around the working directory.
pub(super) fn working_project() -> std::path::PathBuf {
    let folder = std::env::current_dir().unwrap_or_default();
    script::project_root(&folder.join("script"))
}

pub(super) fn open_device(settings: &Settings, quiet: bool) -> Result<OpenDevice, Failure> {
    let choice: DeviceChoice = settings.device.parse()?;
    let kind = match choice {
        DeviceChoice::Fixed(kinds) => kinds[0],
        DeviceChoice::Auto => {
            let exe = std::env::current_exe()
                .map_err(|error| Failure::new(Exit::Failed, format!("cannot find this program's own file: {error}")))?;
            let found = device::choose(&exe, PROBE_TIMEOUT);
            if !quiet {
                eprintln!("device: {} ({})", found.kind, found.reason);
            }
            found.kind
        }
    };
    Ok(device::open(kind)?)
}

/// Settles the number of threads for the whole process; 0 means all cores.
pub(super) fn use_threads(threads: usize) -> usize {
    // It fails only when the pool exists already; then that one serves.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    rayon::current_num_threads()
}

fn json(report: &Report) -> serde_json::Value {
    serde_json::json!({
        "run": report.id,
        "path": report.path,
        "status": report.summary.status,
        "n_fits": report.summary.n_fits,
        "n_trained": report.n_trained,
        "n_reused": 0,
        "metrics": report.summary.test.iter().map(|(name, metric)| (format!("test.{name}"), metric.mean.into())).collect::<serde_json::Map<_, _>>(),
    })
}

fn conclusion(report: &Report, seconds: f64) -> String {
    let summary = &report.summary;
    let mut text = String::new();
    let tables = tables(summary);
    if !tables.is_empty() {
        text.push_str(&tables);
        text.push_str("\n\n");
    }
    let failed = match summary.n_failed_trials {
        0 => String::new(),
        1 => ", 1 trial failed".to_owned(),
        n => format!(", {n} trials failed"),
    };
    let fits = if report.n_trained == 1 { "fit" } else { "fits" };
    text.push_str(&format!("{} {fits} in {}{failed}\n{}", report.n_trained, duration(seconds), report.path.display()));
    text
}

/// Metrics shown in tables, in this order; all of them are in the record.
const SHOWN: [Metric; 5] = [Metric::RocAuc, Metric::Accuracy, Metric::BalancedAccuracy, Metric::LogLoss, Metric::Value];

/// The finals with their test metrics, and the summary over outer folds; for a search without folds, its best trial.
pub(super) fn tables(summary: &Summary) -> String {
    let mut parts = Vec::new();
    let is_tested = summary.finals.iter().any(|last| !last.test.is_empty());
    if is_tested {
        parts.push(finals_table(summary));
        parts.push(test_table(summary));
    } else if !summary.finals.is_empty() {
        for last in &summary.finals {
            let rows: Vec<Vec<String>> =
                last.validation.iter().map(|(name, value)| vec![name.clone(), number(*value)]).collect();
            parts.push(table(&["validation".to_owned(), String::new()], &rows));
        }
    }
    for study in summary.studies.iter().filter(|study| study.outer.is_none()) {
        if let (Some(trial), Some(value)) = (study.best_trial, study.best_value) {
            let n = study.n_complete + study.n_failed;
            let mut rows = vec![vec!["value".to_owned(), format!("{value:?}")]];
            rows.extend(study.best_assignment.iter().map(|(name, value)| vec![name.clone(), value.to_string()]));
            parts.push(table(&[format!("best of {n} trials"), format!("trial {trial}")], &rows));
        }
    }
    parts.join("\n\n")
}

fn finals_table(summary: &Summary) -> String {
    let shown: Vec<&str> = SHOWN
        .iter()
        .map(|metric| metric.name())
        .filter(|name| summary.finals.iter().any(|last| last.test.contains_key(*name)))
        .collect();
    let mut header: Vec<String> = ["outer", "inner", "trial", "threshold"].map(str::to_owned).to_vec();
    header.extend(shown.iter().map(|name| format!("test.{name}")));
    let optional = |value: Option<usize>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let rows: Vec<Vec<String>> = summary
        .finals
        .iter()
        .map(|last| {
            let mut row =
                vec![optional(last.outer), optional(last.inner), optional(last.trial), number(last.threshold)];
            row.extend(shown.iter().map(|name| last.test.get(*name).map_or_else(|| "-".to_owned(), |v| number(*v))));
            row
        })
        .collect();
    table(&header, &rows)
}

fn test_table(summary: &Summary) -> String {
    let n_outer = summary.test.values().map(|metric| metric.per_outer.len()).max().unwrap_or(0);
    let folds = if n_outer == 1 { "1 outer fold".to_owned() } else { format!("{n_outer} outer folds") };
    let rows: Vec<Vec<String>> = summary
        .test
        .iter()
        .map(|(name, metric)| {
            let spread = metric.std.map_or_else(|| "-".to_owned(), number);
            vec![format!("test.{name}"), number(metric.mean), spread]
        })
        .collect();
    table(&[folds, "mean".to_owned(), "std".to_owned()], &rows)
}

/// Four decimals, for people; the record has all digits.
pub(super) fn number(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) { format!("{value:.3e}") } else { format!("{value:.4}") }
}
