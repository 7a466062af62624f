//! `xrun SCRIPT`: runs it and prints what came out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Exit;
use super::args::RunArguments;
use super::failure::Failure;
use super::finalize::Shipped;
use super::front;
use super::intervals;
use super::machine::{Machine, use_threads};
use super::output::{duration, print, say, table};
use super::progress::Terminal;
use super::report::write_after_run;
use super::variants;
use crate::metric::Metric;
use crate::runner::{self, Report};
use crate::script::{self, Argument, Evaluated, Written};
use crate::settings::{self, Flags, Settings};
use crate::spec::experiment::Per;
use crate::statistics::{MIN_FOLDS, StatisticsError};
use crate::stop::StopRule;
use crate::store::{MetricSummary, RunEntry, StudySummary, Summary};
use crate::wording::count;
pub(super) use crate::wording::number;

pub(super) fn run(arguments: &RunArguments) -> Result<Exit, Failure> {
    let script = arguments.script.as_deref().expect("clap requires a script where there is no command");
    let (written, settings) = evaluate_all(script, &arguments.overrides, &arguments.settings.flags())?;
    let shown = Shown { quiet: arguments.quiet, json: arguments.json };
    let evaluated = match written.only(&arguments.only)? {
        Written::One(evaluated) => evaluated,
        Written::Variants(variants) => return variants::run(&variants, &settings, arguments.fresh, &shown),
    };
    let job =
        Job { evaluated: &evaluated, settings: &settings, recorded: None, fresh: arguments.fresh, finalizes: None };
    conduct(&job, &shown)
}

/// What is to be run, or gone on with.
pub(super) struct Job<'a> {
    pub(super) evaluated: &'a Evaluated,
    pub(super) settings: &'a Settings,
    pub(super) recorded: Option<&'a RunEntry>,
    pub(super) fresh: bool,
    /// The run that a model to ship is made of, and what its studies are.
    pub(super) finalizes: Option<(&'a RunEntry, Option<Per>)>,
}

/// What is printed of it.
pub(super) struct Shown {
    pub(super) quiet: bool,
    pub(super) json: bool,
}

/// Runs, and prints what came out.
pub(super) fn conduct(job: &Job<'_>, shown: &Shown) -> Result<Exit, Failure> {
    let settings = job.settings;
    let threads = use_threads(settings.threads);
    if job.recorded.is_none() {
        runner::check_network(job.evaluated)?;
    }
    let mut prepared = runner::prepare(job.evaluated, &settings.results, &settings.cache)?;
    if let Some((run, per)) = job.finalizes {
        prepared = prepared.finalizing(run, per)?;
    }
    let machine = Machine::open(settings, threads, shown.quiet)?;
    let request = machine.request(job.evaluated, settings, job.fresh);
    let mut terminal = Terminal::new(shown.quiet);
    let clock = Instant::now();
    let report = match job.recorded {
        Some(recorded) => runner::resume(&request, recorded, &prepared, &mut terminal),
        None => runner::run(&request, &prepared, &mut terminal),
    };
    terminal.finish();
    let (report, time) = (report?, clock.elapsed());
    write_after_run(&RunEntry::read(&report.path)?, prepared.data.as_ref());
    conclude(&report, Some(time), shown)
}

/// Makes the model of a run that was for one, and prints what came out, and how long it took if that is of interest.
pub(super) fn conclude(report: &Report, time: Option<Duration>, shown: &Shown) -> Result<Exit, Failure> {
    let shipped = Shipped::of(&RunEntry::read(&report.path)?)?;
    if shown.json {
        let mut result = json(report);
        if let Some(shipped) = &shipped {
            shipped.add_to(&mut result);
        }
        print(&result.to_string());
    } else {
        print(&conclusion(report, time));
        if let Some(shipped) = &shipped {
            shipped.print();
        }
    }
    if !shown.quiet {
        for study in &report.summary.studies {
            explain(study, &report.path, "");
        }
        for unmet in front::unmet(&report.summary) {
            say(&format!("warning: {unmet}"));
        }
        say(&format!("\nsee it again: xrun show {}", report.id));
        if let Some(shipped) = &shipped {
            shipped.hint();
        }
    }
    Ok(exit(&report.summary))
}

/// How the program ends after a run that came to its end.
pub(super) fn exit(summary: &Summary) -> Exit {
    match summary.status.as_str() {
        "failed" => Exit::Failed,
        _ if summary.n_failed_trials > 0 => Exit::FailedTrials,
        _ => Exit::Ok,
    }
}

/// Says why a study has no final: none of its trials came to an end with a value. `whose` stands before it.
pub(super) fn explain(study: &StudySummary, path: &Path, whose: &str) {
    if study.best_trial.is_some() {
        return;
    }
    let of = front::name(study);
    let pruned = study.n_pruned.unwrap_or(0);
    let reasons = format!("trials.csv in {} has the reasons", path.display());
    let (what, remedy) = match (pruned, study.n_failed) {
        (0, failed) => (format!("{} failed", count(failed, "trial")), reasons),
        (pruned, 0) => (format!("{} pruned", count(pruned, "trial")), "prune less".to_owned()),
        (pruned, failed) => (format!("{} pruned, {failed} failed", count(pruned, "trial")), reasons),
    };
    say(&format!("error: {whose}no trial of {of} gave a value: {what}\nhint: {remedy}"));
}

/// Evaluates a script under the settings of its project.
pub(super) fn evaluate(script: &Path, overrides: &[String], flags: &Flags) -> Result<(Evaluated, Settings), Failure> {
    let evaluated = script::evaluate(script, &parse_overrides(overrides)?)?;
    let settings = settings::load(&project_of(&evaluated.root), flags)?.settings;
    Ok((evaluated, settings))
}

/// The same of a script that may end with variants.
pub(super) fn evaluate_all(script: &Path, overrides: &[String], flags: &Flags) -> Result<(Written, Settings), Failure> {
    let written = script::evaluate_all(script, &parse_overrides(overrides)?)?;
    let settings = settings::load(&project_of(written.root()), flags)?.settings;
    Ok((written, settings))
}

/// Arguments of the form `key=value`.
pub(super) fn parse_overrides(overrides: &[String]) -> Result<Vec<Argument>, Failure> {
    overrides.iter().map(|text| Argument::parse(text)).collect::<Result<Vec<_>, _>>().map_err(|message| {
        Failure::new(Exit::Usage, message).hint("arguments after the script set something: epochs=10")
    })
}

/// The project of a script; for a script inside a run folder, the one around the working directory.
fn project_of(root: &Path) -> PathBuf {
    if root.ends_with("imports") && root.parent().is_some_and(|run| run.join("run.json").is_file()) {
        return working_project();
    }
    root.to_owned()
}

/// The project around the working directory.
pub(super) fn working_project() -> PathBuf {
    let folder = std::env::current_dir().unwrap_or_default();
    script::project_root(&folder.join("script"))
}

pub(super) fn json(report: &Report) -> serde_json::Value {
    let mut value = serde_json::json!({
        "run": report.id,
        "path": report.path,
        "status": report.summary.status,
        "n_fits": report.summary.n_fits,
        "n_trained": report.n_trained,
        "n_reused": report.n_kept + report.n_reused,
        "n_failed_trials": report.summary.n_failed_trials,
        "n_test_evaluations": report.summary.n_test_evaluations,
        "metrics": report.summary.test.iter().map(|(name, metric)| (format!("test.{name}"), metric.mean.into())).collect::<serde_json::Map<_, _>>(),
    });
    let summary = &report.summary;
    for (name, count) in [("n_pruned", summary.n_pruned), ("n_epochs_saved", summary.n_epochs_saved)] {
        if let Some(count) = count {
            value[name] = count.into();
        }
    }
    value
}

fn conclusion(report: &Report, time: Option<Duration>) -> String {
    let summary = &report.summary;
    let mut text = String::new();
    let tables = tables(summary);
    if !tables.is_empty() {
        text.push_str(&tables);
        text.push_str("\n\n");
    }
    let failed = match summary.n_failed_trials {
        0 => String::new(),
        n => format!(", {} failed", count(n, "trial")),
    };
    let pruned = match (summary.n_pruned, summary.n_epochs_saved) {
        (Some(n), Some(epochs)) if n > 0 => {
            format!(", {} pruned ({} saved)", count(n, "trial"), count(epochs, "epoch"))
        }
        _ => String::new(),
    };
    let mut parts = String::new();
    if report.n_kept + report.n_reused > 0 {
        parts.push_str(&format!(", {} trained", report.n_trained));
    }
    if report.n_kept > 0 {
        parts.push_str(&format!(", {} kept", report.n_kept));
    }
    if report.n_reused > 0 {
        parts.push_str(&format!(", {} reused from {}", report.n_reused, report.reused_from.join(", ")));
    }
    let time = time.map_or_else(String::new, |time| format!(" in {}", duration(time.as_secs_f64())));
    let fits = count(summary.n_fits, "fit");
    text.push_str(&format!("{fits}{time}{parts}{pruned}{failed}\n{}", report.path.display()));
    text
}

/// Metrics shown in tables, in this order; all of them are in the record.
pub(super) const SHOWN: [Metric; 8] = [
    Metric::RocAuc,
    Metric::Accuracy,
    Metric::BalancedAccuracy,
    Metric::LogLoss,
    Metric::R2,
    Metric::Rmse,
    Metric::Mae,
    Metric::Value,
];

/// The finals with their test metrics, and the summary over outer folds; for a search without folds, its best trial.
pub(super) fn tables(summary: &Summary) -> String {
    let mut parts = Vec::new();
    let is_tested = summary.finals.iter().any(|last| !last.test.is_empty());
    if is_tested {
        parts.push(finals_table(summary));
        parts.push(test_table(summary));
    } else if !summary.finals.is_empty() {
        for last in summary.finals.iter().filter(|last| !last.validation.is_empty()) {
            let rows: Vec<Vec<String>> =
                last.validation.iter().map(|(name, value)| vec![name.clone(), number(*value)]).collect();
            parts.push(table(&["validation".to_owned(), String::new()], &rows));
        }
    }
    for study in summary.studies.iter().filter(|study| study.outer.is_none()) {
        if let (Some(trial), Some(value)) = (study.best_trial, study.best_value) {
            let n = study.n_complete + study.n_pruned.unwrap_or(0) + study.n_failed;
            let mut rows = vec![vec!["value".to_owned(), format!("{value:?}")]];
            if let Some(best) = study.front.first() {
                let others = front::metrics(summary).zip(&best.values).skip(1);
                rows.extend(others.map(|(metric, value)| vec![format!("value.{metric}"), format!("{value:?}")]));
            }
            if study.best_violation > 0.0 {
                rows.push(vec!["violation".to_owned(), format!("{:?}", study.best_violation)]);
            }
            rows.extend(study.best_assignment.iter().map(|(name, value)| vec![name.clone(), value.to_string()]));
            parts.push(table(&[format!("best of {}", count(n, "trial")), format!("trial {trial}")], &rows));
        }
    }
    let endings = endings(&summary.studies);
    if !endings.is_empty() {
        parts.push(endings);
    }
    parts.join("\n\n")
}

/// Why studies ended, and after how many trials: a line for each rule that ended any, as in
/// `3 studies ended by no_improvement, after 12 to 30 trials`.
fn endings(studies: &[StudySummary]) -> String {
    let mut by_rule: BTreeMap<StopRule, Vec<usize>> = BTreeMap::new();
    for ending in studies.iter().filter_map(|study| study.ended) {
        by_rule.entry(ending.by).or_default().push(ending.n_trials);
    }
    let line = |(rule, n_trials): (StopRule, Vec<usize>)| {
        let (least, most) = (n_trials.iter().min().copied()?, n_trials.iter().max().copied()?);
        let after = if least == most { count(most, "trial") } else { format!("{least} to {}", count(most, "trial")) };
        Some(format!("{} ended by {rule}, after {after}", count(n_trials.len(), "study")))
    };
    by_rule.into_iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

fn finals_table(summary: &Summary) -> String {
    let shown: Vec<&str> = SHOWN
        .iter()
        .map(|metric| metric.name())
        .filter(|name| summary.finals.iter().any(|last| last.test.contains_key(*name)))
        .collect();
    let mut header: Vec<String> = ["outer", "inner", "trial"].map(str::to_owned).to_vec();
    let has_threshold = summary.finals.iter().any(|last| last.threshold.is_some());
    header.extend(has_threshold.then(|| "threshold".to_owned()));
    header.extend(shown.iter().map(|name| format!("test.{name}")));
    let optional = |value: Option<usize>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let rows: Vec<Vec<String>> = summary
        .finals
        .iter()
        .map(|last| {
            let mut row = vec![optional(last.outer), optional(last.inner), optional(last.trial)];
            row.extend(has_threshold.then(|| last.threshold.map_or_else(|| "-".to_owned(), number)));
            row.extend(shown.iter().map(|name| last.test.get(*name).map_or_else(|| "-".to_owned(), |v| number(*v))));
            row
        })
        .collect();
    table(&header, &rows)
}

fn test_table(summary: &Summary) -> String {
    let metrics: Vec<&MetricSummary> = summary.test.values().collect();
    let n_outer = metrics.iter().map(|metric| metric.per_outer.len()).max().unwrap_or(0);
    let mut head = vec![count(n_outer, "outer fold")];
    head.extend(intervals::header(&metrics));
    let rows: Vec<Vec<String>> = summary
        .test
        .iter()
        .map(|(name, metric)| {
            let mut row = vec![format!("test.{name}")];
            row.extend(intervals::cells(metric, &metrics));
            row
        })
        .collect();
    let mut lines = vec![table(&head, &rows)];
    if n_outer < MIN_FOLDS {
        lines.push(StatisticsError::FewFolds { found: n_outer, least: MIN_FOLDS }.to_string());
    }
    lines.extend(intervals::notes(&metrics));
    lines.push(match summary.n_test_evaluations {
        1 => "test rows evaluated once, by the final".to_owned(),
        n => format!("test rows evaluated {n} times, once by each final"),
    });
    lines.join("\n")
}
