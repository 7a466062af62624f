//! Variants: runs them side by side, goes on with them, and compares what they found in one table.

use std::time::{Duration, Instant};

use super::Exit;
use super::failure::Failure;
use super::front;
use super::machine::{Machine, use_threads};
use super::output::{duration, error, print, say, table};
use super::progress::Terminal;
use super::report::{write_after_run, write_if_missing};
use super::resume::recorded;
use super::run::{SHOWN, Shown, exit, explain, json, number};
use crate::runner::{self, Part, PartReport, Report, RunError};
use crate::script::{Argument, Variants};
use crate::settings::Settings;
use crate::store::{Found, Joint, JointRun, MetricSummary, RunEntry, Summary};
use crate::wording::count;

/// Runs the variants of a script.
pub(super) fn run(variants: &Variants, settings: &Settings, fresh: bool, shown: &Shown) -> Result<Exit, Failure> {
    let threads = use_threads(settings.threads);
    for variant in variants.each() {
        runner::check_network(variant.evaluated())?;
    }
    let each: Vec<_> = variants.each().iter().map(|variant| variant.evaluated()).collect();
    let prepared = runner::prepare_all(&each, &settings.results, &settings.cache)?;
    let machine = Machine::open(settings, threads, shown.quiet)?;
    let parts: Vec<Part<'_>> = variants
        .each()
        .iter()
        .zip(&prepared)
        .map(|(variant, prepared)| Part {
            name: variant.name(),
            request: machine.request(variant.evaluated(), settings, fresh),
            prepared,
        })
        .collect();
    let mut terminal = Terminal::new(shown.quiet);
    let clock = Instant::now();
    let ended = runner::run_variants(variants.name(), &parts, &mut terminal);
    terminal.finish();
    let (joint, reports) = ended?;
    write_reports(&reports, &parts)?;
    conclude(&joint, reports, Some(clock.elapsed()), shown)
}

/// Goes on with the variants of a joined record that have not come to their ends.
pub(super) fn resume(
    mut joint: Joint,
    overrides: &[Argument],
    mut settings: Settings,
    shown: &Shown,
) -> Result<Exit, Failure> {
    let (mut ended, mut open) = (Vec::new(), Vec::new());
    for run in joint.runs() {
        match joint.look(run)? {
            Found::Gone => {
                let message = format!("the run {} of `{}` is gone", run.run, run.variant);
                return Err(Failure::new(Exit::NotFound, message).hint("go on with each of the others by its id"));
            }
            Found::Altered(_) => {
                let message = format!("the run {} of `{}` is not what the joined record says", run.run, run.variant);
                return Err(Failure::new(Exit::Usage, message).hint("go on with each of the others by its id"));
            }
            Found::Ended(entry, summary) => {
                write_if_missing(&entry, &settings.cache);
                ended.push(kept(run, &entry, *summary));
            }
            Found::Open(entry) => open.push((run.variant.clone(), recorded(*entry, overrides)?)),
        }
    }
    if open.is_empty() {
        say(&format!("{} came to its end; there is nothing to go on with", joint.id()));
        joint.note_ends()?;
        return conclude(&joint, ended, None, shown);
    }
    settings.results = joint.results().to_owned();
    let threads = use_threads(settings.threads);
    let each: Vec<_> = open.iter().map(|(_, (_, evaluated))| evaluated).collect();
    let prepared = runner::prepare_all(&each, &settings.results, &settings.cache)?;
    let machine = Machine::open(&settings, threads, shown.quiet)?;
    let parts: Vec<(Part<'_>, RunEntry)> = open
        .iter()
        .zip(&prepared)
        .map(|((name, (entry, evaluated)), prepared)| {
            (Part { name, request: machine.request(evaluated, &settings, false), prepared }, entry.clone())
        })
        .collect();
    let mut terminal = Terminal::new(shown.quiet);
    let clock = Instant::now();
    let gone_on = runner::resume_variants(joint, &parts, &mut terminal);
    terminal.finish();
    let (joint, reports) = gone_on?;
    write_reports(&reports, &parts.iter().map(|(part, _)| *part).collect::<Vec<_>>())?;
    ended.extend(reports);
    ended.sort_by(|a, b| a.name.cmp(&b.name));
    conclude(&joint, ended, Some(clock.elapsed()), shown)
}

/// What there is to say of a run that had ended before.
fn kept(run: &JointRun, entry: &RunEntry, summary: Summary) -> PartReport {
    let (id, path, n_kept) = (run.run.clone(), entry.path.clone(), summary.n_fits);
    let report = Report { id, path, summary, n_trained: 0, n_kept, n_reused: 0, reused_from: Vec::new() };
    PartReport { name: run.variant.clone(), run: run.run.clone(), path: entry.path.clone(), result: Ok(report) }
}

/// Writes the reports of those that came to their ends.
fn write_reports(reports: &[PartReport], parts: &[Part<'_>]) -> Result<(), Failure> {
    for report in reports.iter().filter(|report| report.result.is_ok()) {
        if let Some(part) = parts.iter().find(|part| part.name == report.name) {
            write_after_run(&RunEntry::read(&report.path)?, part.prepared.data.as_ref());
        }
    }
    Ok(())
}

/// Prints what came out.
fn conclude(joint: &Joint, reports: Vec<PartReport>, time: Option<Duration>, shown: &Shown) -> Result<Exit, Failure> {
    let interrupted = reports.iter().find_map(|report| match &report.result {
        Err(RunError::Interrupted { signal, .. }) => Some(*signal),
        _ => None,
    });
    if let Some(signal) = interrupted {
        return Err(RunError::Interrupted { signal, path: joint.path().to_owned() }.into());
    }
    let rows = rows(joint)?;
    let mut worst = Exit::Ok;
    for report in &reports {
        match report.result.as_ref().map(|report| exit(&report.summary)) {
            Ok(Exit::Ok) => {}
            Ok(Exit::FailedTrials) if worst == Exit::Ok => worst = Exit::FailedTrials,
            Ok(Exit::FailedTrials) => {}
            _ => worst = Exit::Failed,
        }
    }
    if shown.json {
        let status = if worst == Exit::Failed { "failed" } else { "complete" };
        let variants: serde_json::Map<_, _> =
            reports.iter().map(|report| (report.name.clone(), part_json(report))).collect();
        let value = serde_json::json!({
            "record": joint.id(), "path": joint.path(), "name": joint.name(), "status": status, "variants": variants,
        });
        print(&value.to_string());
    } else {
        let done = |count: fn(&Report) -> usize| reports.iter().flat_map(|report| &report.result).map(count).sum();
        let (n_fits, n_reused): (usize, usize) =
            (done(|report| report.summary.n_fits), done(|report| report.n_kept + report.n_reused));
        let time = time.map_or_else(String::new, |time| format!(" in {}", duration(time.as_secs_f64())));
        let trained = if n_reused > 0 {
            format!(", {} trained, {n_reused} kept or reused", done(|report| report.n_trained))
        } else {
            String::new()
        };
        let (n, fits, path) = (count(reports.len(), "variant"), count(n_fits, "fit"), joint.path().display());
        print(&format!("{}\n\n{n}, {fits}{time}{trained}\n{path}", comparison(&rows)));
    }
    for report in reports {
        let name = report.name;
        match report.result {
            Ok(_) if shown.quiet => {}
            Ok(report) => {
                for study in &report.summary.studies {
                    explain(study, &report.path, &format!("{name}: "));
                }
                for unmet in front::unmet(&report.summary) {
                    say(&format!("warning: {name}: {unmet}"));
                }
            }
            Err(reason) => {
                let failure = Failure::from(reason);
                error(&Failure { message: format!("{name}: {}", failure.message), ..failure });
            }
        }
    }
    if !shown.quiet {
        say(&format!("\nsee it again: xrun show {}", joint.id()));
    }
    Ok(worst)
}

/// A joined record in words.
pub(super) fn describe(joint: &Joint) -> Result<String, Failure> {
    let rows = rows(joint)?;
    let is_open = rows.iter().any(|row| row.status == "not ended");
    let mut lines = vec![
        format!("{} {}", joint.name(), joint.id()),
        format!("joins    {}", count(rows.len(), "variant")),
        format!("command  {}", joint.command().join(" ")),
        format!("\n{}", comparison(&rows)),
    ];
    lines.push(if is_open {
        format!("\nnot all came to their ends; go on with them: xrun resume {}", joint.id())
    } else {
        "\nsee one of them: xrun show RUN".to_owned()
    });
    Ok(lines.join("\n"))
}

/// The same as one object.
pub(super) fn describe_json(joint: &Joint) -> Result<serde_json::Value, Failure> {
    let variants: serde_json::Map<_, _> = rows(joint)?
        .into_iter()
        .map(|row| {
            let mut value = serde_json::json!({ "run": row.run, "status": row.status });
            if let Some(summary) = &row.summary {
                compared(summary, &mut value);
            }
            (row.variant, value)
        })
        .collect();
    Ok(serde_json::json!({
        "record": joint.id(), "path": joint.path(), "name": joint.name(), "variants": variants,
    }))
}

/// A line of the comparison.
struct Row {
    variant: String,
    run: String,
    status: String,
    summary: Option<Summary>,
}

fn rows(joint: &Joint) -> Result<Vec<Row>, Failure> {
    let row = |run: &JointRun| {
        let (status, summary) = match joint.look(run)? {
            Found::Gone => ("removed".to_owned(), None),
            Found::Altered(_) => ("altered".to_owned(), None),
            Found::Open(_) => ("not ended".to_owned(), None),
            Found::Ended(_, summary) => (summary.status.clone(), Some(*summary)),
        };
        Ok(Row { variant: run.variant.clone(), run: run.run.clone(), status, summary })
    };
    joint.runs().iter().map(row).collect()
}

/// The test metrics of the variants side by side, with their spread over the outer folds where there are several.
fn comparison(rows: &[Row]) -> String {
    let summaries = || rows.iter().filter_map(|row| row.summary.as_ref());
    let shown: Vec<&str> = SHOWN
        .iter()
        .map(|metric| metric.name())
        .filter(|name| summaries().any(|summary| summary.test.contains_key(*name)))
        .collect();
    let has_spread = summaries().flat_map(|summary| summary.test.values()).any(|metric| metric.std.is_some());
    let is_searched = summaries().any(|summary| n_trials(summary) > 0);
    let is_open = rows.iter().any(|row| row.status != "complete");
    let dash = || "-".to_owned();
    let mut header = vec!["variant".to_owned()];
    for metric in &shown {
        header.push(format!("test.{metric}"));
        header.extend(has_spread.then(|| "std".to_owned()));
    }
    if is_searched {
        header.extend(["trials", "best trial"].map(str::to_owned));
    }
    header.extend(["test evaluations", "run"].map(str::to_owned));
    header.extend(is_open.then(|| "status".to_owned()));
    let line = |row: &Row| {
        let mut line = vec![row.variant.clone()];
        for metric in &shown {
            let metric: Option<&MetricSummary> = row.summary.as_ref().and_then(|summary| summary.test.get(*metric));
            line.push(metric.map_or_else(dash, |metric| number(metric.mean)));
            line.extend(has_spread.then(|| metric.and_then(|metric| metric.std).map_or_else(dash, number)));
        }
        if is_searched {
            line.push(row.summary.as_ref().map_or_else(dash, |summary| n_trials(summary).to_string()));
            line.push(row.summary.as_ref().and_then(best).unwrap_or_else(dash));
        }
        line.push(row.summary.as_ref().map_or_else(dash, |summary| summary.n_test_evaluations.to_string()));
        line.push(row.run.clone());
        line.extend(is_open.then(|| row.status.clone()));
        line
    };
    table(&header, &rows.iter().map(line).collect::<Vec<_>>())
}

/// The value of the best trial; of several studies, the least and the greatest.
fn best(summary: &Summary) -> Option<String> {
    let values: Vec<f64> = summary.studies.iter().filter_map(|study| study.best_value).collect();
    let (least, greatest) = (values.iter().copied().reduce(f64::min)?, values.iter().copied().reduce(f64::max)?);
    let metric = front::metrics(summary).next().unwrap_or_default();
    let to = if values.len() > 1 { format!(" to {}", number(greatest)) } else { String::new() };
    Some(format!("validation.{metric} {}{to}", number(least)))
}

fn n_trials(summary: &Summary) -> usize {
    summary.studies.iter().map(|study| study.n_complete + study.n_pruned.unwrap_or(0) + study.n_failed).sum()
}

fn part_json(part: &PartReport) -> serde_json::Value {
    match &part.result {
        Ok(report) => {
            let mut value = json(report);
            compared(&report.summary, &mut value);
            value
        }
        Err(error) => serde_json::json!({
            "run": part.run, "path": part.path, "status": "failed", "error": error.to_string(),
        }),
    }
}

/// Adds what the variants are compared by.
fn compared(summary: &Summary, value: &mut serde_json::Value) {
    let best = |study: &crate::store::StudySummary| {
        serde_json::json!({
            "outer": study.outer, "inner": study.inner, "trial": study.best_trial, "value": study.best_value,
        })
    };
    value["test"] = serde_json::json!(summary.test);
    value["objective"] = serde_json::json!(summary.objective);
    value["n_trials"] = n_trials(summary).into();
    value["best"] = summary.studies.iter().filter(|study| study.best_trial.is_some()).map(best).collect();
    value["n_test_evaluations"] = summary.n_test_evaluations.into();
}
