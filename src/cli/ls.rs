//! `xrun ls` and `xrun settings`.

mod column;

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::path::Path;

use super::Exit;
use super::args::SettingFlags;
use super::failure::Failure;
use super::output::{print, say, table};
use super::query::{Field, Filter, Known, Order, Row};
use super::record_args::ListArguments;
use super::run::{number, working_project};
use crate::settings::{self, KEYS};
use crate::store::Joint;
use crate::store::index::{Found, RunLine};
use crate::wording::count;
use column::Column;

/// What is listed where no columns are asked for, in CSV.
const COLUMNS: &str = "id,name,state,started,fits,objective,best,tags,note";

pub(super) fn ls(arguments: &ListArguments) -> Result<Exit, Failure> {
    let ListArguments { filter, sort, columns, limit, json, csv, .. } = arguments;
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let asked = [filter, sort, columns].into_iter().flatten();
    let with_values = asked.clone().any(|text| Field::needs_values(text));
    let mut rows = Row::all(&settings.results, with_values)?;
    let n_runs = rows.len();
    let known = Known::of(&rows);
    if let Some(text) = filter {
        let filter = Filter::parse(text, &known).map_err(|error| error.failure("filter", text))?;
        rows.retain(|row| filter.holds(row));
    }
    if let Some(text) = sort {
        Order::parse(text, &known).map_err(|error| error.failure("--sort", text))?.sort(&mut rows);
    }
    let columns = match columns {
        Some(text) => Some(Column::all(text, &known).map_err(|error| error.failure("--columns", text))?),
        None if *csv => Some(Column::all(COLUMNS, &known).map_err(|error| error.failure("--columns", COLUMNS))?),
        None => None,
    };
    if let Some(limit) = limit {
        let n_more = rows.len().saturating_sub(*limit);
        // The latest are the last ones.
        if sort.is_none() { drop(rows.drain(..n_more)) } else { rows.truncate(*limit) }
    }
    // A joined record has none of what runs are chosen by.
    let is_plain = asked.count() == 0 && limit.is_none() && !csv;
    let joints = if is_plain { joints(&settings.results, &rows)? } else { Vec::new() };
    match columns {
        Some(columns) if *csv => print_csv(&columns, &rows),
        Some(columns) if *json => rows.iter().for_each(|row| print(&column::json(&columns, row).to_string())),
        None if *json => {
            rows.iter().for_each(|row| print(&json_of(row).to_string()));
            joints.iter().for_each(|joint| print(&joint_json(joint).to_string()));
        }
        _ if n_runs == 0 => say(&format!("no runs in {}", settings.results.display())),
        _ if rows.is_empty() => {
            say(&format!("none of {} in {} meets the filter", count(n_runs, "run"), settings.results.display()))
        }
        Some(columns) => {
            let cells = rows.iter().map(|row| columns.iter().map(|column| column.cell(row)).collect());
            print(&table(&columns.iter().map(Column::name).collect::<Vec<_>>(), &cells.collect::<Vec<_>>()));
        }
        None => print(&overview(&rows, &joints)),
    }
    Ok(Exit::Ok)
}

fn joints(results: &Path, rows: &[Row]) -> Result<Vec<Joint>, Failure> {
    let runs: HashSet<&OsStr> = rows.iter().map(|row| row.line.path.as_os_str()).collect();
    let mut joints = Vec::new();
    for joint in Joint::all(results, &runs)? {
        match joint {
            Ok(joint) => joints.push(joint),
            Err(error) => say(&format!("warning: {error}")),
        }
    }
    Ok(joints)
}

/// The table without columns of choice; tags and notes where there are any.
fn overview(rows: &[Row], joints: &[Joint]) -> String {
    let mut header = ["run", "experiment", "status", "fits", "result"].map(str::to_owned).to_vec();
    let has_tags = rows.iter().any(|row| !row.notes.tags.is_empty());
    let has_note = rows.iter().any(|row| !row.notes.note.is_empty());
    header.extend(has_tags.then(|| "tags".to_owned()));
    header.extend(has_note.then(|| "note".to_owned()));
    let cells = |row: &Row| {
        let run = &row.line;
        let mut cells =
            vec![run.run.clone(), run.experiment.clone(), run.status.clone(), run.n_fits.to_string(), result(run)];
        cells.extend(has_tags.then(|| row.notes.tags_text()));
        cells.extend(has_note.then(|| column::short(&row.notes.note)));
        cells
    };
    let mut lines: Vec<Vec<String>> = rows.iter().map(cells).collect();
    if !joints.is_empty() {
        lines.extend(joints.iter().map(joint_row));
        lines.sort_by(|a, b| a[0].cmp(&b[0]));
    }
    table(&header, &lines)
}

fn print_csv(columns: &[Column], rows: &[Row]) {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let lines = std::iter::once(columns.iter().map(Column::name).collect::<Vec<_>>())
        .chain(rows.iter().map(|row| columns.iter().map(|column| column.exact(row)).collect()));
    for line in lines {
        writer.write_record(&line).expect("every line has a cell a column, in memory");
    }
    let bytes = writer.into_inner().expect("writing to memory does not fail");
    print(String::from_utf8_lossy(&bytes).trim_end_matches('\n'));
}

/// A joined record among the runs, each of which has a line of its own.
fn joint_row(joint: &Joint) -> Vec<String> {
    let variants = joint.runs().iter().map(|run| run.variant.as_str()).collect::<Vec<_>>().join(", ");
    let (id, name) = (joint.id().to_owned(), joint.name().to_owned());
    vec![id, name, "joined".to_owned(), "-".to_owned(), format!("variants {variants}")]
}

fn joint_json(joint: &Joint) -> serde_json::Value {
    let runs: BTreeMap<&str, &str> = joint.runs().iter().map(|run| (run.variant.as_str(), run.run.as_str())).collect();
    serde_json::json!({ "record": joint.id(), "name": joint.name(), "path": joint.path(), "variants": runs })
}

fn json_of(row: &Row) -> serde_json::Value {
    let Row { line: run, notes, .. } = row;
    let metrics = |found: &Found| -> BTreeMap<String, f64> {
        found.test.iter().map(|(name, mean)| (format!("test.{name}"), *mean)).collect()
    };
    serde_json::json!({
        "run": run.run,
        "experiment": run.experiment,
        "status": run.status,
        "started": run.started,
        "n_fits": run.n_fits,
        "path": run.path,
        "objective": run.found.as_ref().and_then(|found| found.objective.as_ref()),
        "best": run.found.as_ref().and_then(|found| found.best),
        "metrics": run.found.as_ref().map(metrics),
        "tags": notes.tags,
        "note": notes.note,
    })
}

/// The metric searched on, of test rows; else the best value; else accuracy.
fn result(run: &RunLine) -> String {
    let Some(found) = &run.found else { return String::new() };
    let searched = found.objective.as_ref().and_then(|objective| objective.split(' ').next_back());
    let wanted = searched.unwrap_or("accuracy");
    if let Some(mean) = found.test.get(wanted) {
        return format!("test.{wanted} {}", number(*mean));
    }
    found.best.map_or_else(String::new, |value| format!("{wanted} {}", number(value)))
}

pub(super) fn settings(flags: &SettingFlags) -> Result<Exit, Failure> {
    let loaded = settings::load(&working_project(), &flags.flags())?;
    let settings = &loaded.settings;
    let value = |key: &str| match key {
        "results" => settings.results.display().to_string(),
        "cache" => settings.cache.display().to_string(),
        "data" => settings.data.display().to_string(),
        "device" => settings.device.clone(),
        "threads" => settings.threads.to_string(),
        "workers" => settings.workers.to_string(),
        _ => settings.retries.to_string(),
    };
    let rows: Vec<Vec<String>> =
        KEYS.iter().map(|key| vec![(*key).to_owned(), value(key), loaded.origins[key].clone()]).collect();
    print(&table(&["setting", "value", "from"].map(str::to_owned), &rows));
    Ok(Exit::Ok)
}
