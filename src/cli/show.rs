//! `xrun show`: one recorded run, a trial or a fit of it, or the runs of variants side by side.

use super::Exit;
use super::augment::show_augment;
use super::failure::Failure;
use super::front;
use super::insight::insight;
use super::intervals;
use super::model::show_model;
use super::output::{print, table};
use super::record_args::ShowArguments;
use super::run::{number, tables, working_project};
use super::show_fit::{show_fit, show_trial};
use super::variants;
use crate::comparison::{self, Subject};
use crate::settings;
use crate::store::{Event, Joint, Notes, Record, RunEntry, WeightsRecord};
use crate::wording::count;

pub(super) fn show(arguments: &ShowArguments) -> Result<Exit, Failure> {
    if arguments.model {
        return show_model(arguments);
    }
    if arguments.augment {
        return show_augment(arguments);
    }
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    if let Some(joint) = Joint::find(&settings.results, &arguments.run)? {
        print(&match arguments.json {
            true => variants::describe_json(&joint)?.to_string(),
            false => variants::describe(&joint)?,
        });
        return Ok(Exit::Ok);
    }
    let record = Record::find(&settings.results, &arguments.run)?;
    let run = record.run().clone();
    if let Some(fit) = record.fit() {
        if arguments.metric.is_some() || arguments.trial.is_some() {
            let message = format!("{} is a fit, and --metric and --trial are about a run", record.name());
            return Err(Failure::new(Exit::Usage, message).hint(format!("name the run: {}", run.manifest.run)));
        }
        return show_fit(&run, fit, arguments.json);
    }
    if let Some(trial) = arguments.trial {
        return show_trial(&run, trial, arguments);
    }
    if let Some(metric) = &arguments.metric {
        return show_metric(run, metric, arguments.json);
    }
    let journal = run.journal();
    let last = journal.as_ref().ok().and_then(|events| events.last()).map(|recorded| &recorded.event);
    let read = run.notes();
    let nothing = Notes::default();
    let notes = read.as_ref().unwrap_or(&nothing);
    if arguments.json {
        let status = run.status(last);
        let value = serde_json::json!({
            "path": run.path, "status": status, "manifest": run.manifest, "summary": run.summary,
            "tags": notes.tags, "note": notes.note,
        });
        print(&value.to_string());
    } else {
        print(&describe(&run, last, notes));
    }
    // What can be read is shown; that the rest is damaged is an error all the same.
    journal?;
    read?;
    Ok(Exit::Ok)
}

/// One metric of every final and over the outer folds.
fn show_metric(run: RunEntry, metric: &str, json: bool) -> Result<Exit, Failure> {
    let finals = comparison::finals(&run, metric)?;
    let alone = Subject::read(run, metric)?.alone();
    if json {
        print(&serde_json::json!({ "metric": metric, "finals": finals, "test": alone }).to_string());
        return Ok(Exit::Ok);
    }
    let head = ["outer", "inner"].map(str::to_owned).into_iter();
    let head: Vec<String> = head.chain(["validation", "test"].map(|part| format!("{part}.{metric}"))).collect();
    let fold = |fold: Option<usize>| fold.map_or_else(|| "-".to_owned(), |fold| fold.to_string());
    let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let rows: Vec<Vec<String>> = finals
        .iter()
        .map(|last| vec![fold(last.outer), fold(last.inner), value(last.validation), value(last.test)])
        .collect();
    let over_folds = [&alone.test];
    let mut row = vec![format!("test.{metric}")];
    row.extend(intervals::cells(&alone.test, &over_folds));
    let mut over_head = vec![count(alone.test.per_outer.len(), "outer fold")];
    over_head.extend(intervals::header(&over_folds));
    let mut lines = vec![table(&head, &rows), String::new(), table(&over_head, &[row])];
    lines.extend(alone.missing);
    lines.extend(intervals::notes(&over_folds));
    print(&lines.join("\n"));
    Ok(Exit::Ok)
}

fn describe(run: &RunEntry, last: Option<&Event>, notes: &Notes) -> String {
    let manifest = &run.manifest;
    let mut lines = vec![
        format!("{} {}", manifest.experiment, manifest.run),
        format!("status   {}", run.status(last)),
        format!("started  {} on {}", manifest.started, manifest.host),
        format!("fits     {}", manifest.plan),
    ];
    if !notes.tags.is_empty() {
        lines.push(format!("tags     {}", notes.tags_text()));
    }
    if !notes.note.is_empty() {
        lines.push(format!("note     {}", notes.note.replace('\n', "\n         ")));
    }
    if let Some(data) = &manifest.data {
        lines.push(format!("data     {data}"));
    }
    for WeightsRecord { network, path, digest } in &manifest.weights {
        lines.push(format!("weights  {network} began with {path}, digest {digest:.12}"));
    }
    if let Some(finalizes) = &manifest.finalizes {
        lines.push(format!("model    to ship, of {}", finalizes.run));
    }
    lines.push(format!(
        "device   {} ({}), {}",
        manifest.device,
        manifest.device_class,
        count(manifest.threads, "thread")
    ));
    let commit = manifest.xrun_commit.as_ref().map_or_else(String::new, |commit| format!(" ({commit})"));
    lines.push(format!("xrun     {}{commit}", manifest.xrun_version));
    if let Some(git) = &manifest.git {
        let state = if git.dirty { ", with changes in git.patch" } else { "" };
        lines.push(format!("project  {} at {:.12}{state}", manifest.project_root, git.commit));
    }
    lines.push(format!("command  {}", manifest.command.join(" ")));
    if let Some(summary) = &run.summary {
        lines.extend(front::limits(summary).map(|limits| format!("limits   {limits}")));
        let tables = tables(summary);
        if !tables.is_empty() {
            lines.push(format!("\n{tables}"));
        }
        let front = front::front(summary);
        if !front.is_empty() {
            lines.push(format!("\n{front}"));
        }
        lines.extend(front::unmet(summary).into_iter().map(|unmet| format!("\n{unmet}")));
        let insight = insight(summary);
        if !insight.is_empty() {
            lines.push(format!("\n{insight}"));
        }
        lines.push(format!("\nrun it again: xrun {}", run.path.join("config.rhai").display()));
    } else if manifest.external {
        let config = run.path.join("config.rhai");
        lines.push(format!("\nits trials are told from outside; go on with it: xrun ask {}", config.display()));
    } else if run.status(last) == "running" {
        lines.push("\nit is running".to_owned());
    } else {
        lines.push(format!("\nit did not come to its end; go on with it: xrun resume {}", manifest.run));
    }
    lines.join("\n")
}
