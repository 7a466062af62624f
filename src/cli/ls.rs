//! `xrun ls` and `xrun settings`.

use std::collections::BTreeMap;

use super::Exit;
use super::args::{ListArguments, SettingFlags};
use super::failure::Failure;
use super::output::{print, say, table};
use super::run::{number, working_project};
use crate::settings::{self, KEYS};
use crate::store::Joint;
use crate::store::index::{self, Found, RunLine};

pub(super) fn ls(arguments: &ListArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let runs = index::runs(&settings.results)?;
    let mut readable = Vec::new();
    for run in runs {
        match run {
            Ok(run) => readable.push(run),
            Err(error) => say(&format!("warning: {error}")),
        }
    }
    let mut joints = Vec::new();
    for joint in Joint::all(&settings.results)? {
        match joint {
            Ok(joint) => joints.push(joint),
            Err(error) => say(&format!("warning: {error}")),
        }
    }
    if arguments.json {
        for run in &readable {
            print(&json(run).to_string());
        }
        for joint in &joints {
            print(&joint_json(joint).to_string());
        }
    } else if readable.is_empty() {
        say(&format!("no runs in {}", settings.results.display()));
    } else {
        let header = ["run", "experiment", "status", "fits", "result"].map(str::to_owned);
        let mut rows: Vec<Vec<String>> = readable
            .iter()
            .map(|run| {
                vec![run.run.clone(), run.experiment.clone(), run.status.clone(), run.n_fits.to_string(), result(run)]
            })
            .collect();
        rows.extend(joints.iter().map(joint_row));
        rows.sort_by(|a, b| a[0].cmp(&b[0]));
        print(&table(&header, &rows));
    }
    Ok(Exit::Ok)
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

fn json(run: &RunLine) -> serde_json::Value {
    let metrics = |found: &Found| -> BTreeMap<String, f64> {
        found.test.iter().map(|(name, mean)| (format!("test.{name}"), *mean)).collect()
    };
    serde_json::json!({
        "run": run.run,
        "experiment": run.experiment,
        "status": run.status,
        "n_fits": run.n_fits,
        "path": run.path,
        "metrics": run.found.as_ref().map(metrics),
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
    found.best_value.map_or_else(String::new, |value| format!("{wanted} {}", number(value)))
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
