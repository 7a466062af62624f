//! `xrun ls` and `xrun settings`.

use super::Exit;
use super::args::{ListArguments, SettingFlags};
use super::failure::Failure;
use super::output::{print, table};
use super::run::{number, working_project};
use crate::settings::{self, KEYS};
use crate::store::{self, RunEntry};

pub(super) fn ls(arguments: &ListArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let runs = store::list(&settings.results)?;
    let mut readable = Vec::new();
    for run in runs {
        match run {
            Ok(run) => readable.push(run),
            Err(error) => eprintln!("warning: {error}"),
        }
    }
    if arguments.json {
        for run in &readable {
            print(&json(run).to_string());
        }
    } else if readable.is_empty() {
        eprintln!("no runs in {}", settings.results.display());
    } else {
        let header = ["run", "experiment", "status", "fits", "result"].map(str::to_owned);
        let rows: Vec<Vec<String>> = readable
            .iter()
            .map(|run| {
                vec![
                    run.manifest.run.clone(),
                    run.manifest.experiment.clone(),
                    run.status().to_owned(),
                    run.manifest.n_fits.to_string(),
                    result(run),
                ]
            })
            .collect();
        print(&table(&header, &rows));
    }
    Ok(Exit::Ok)
}

fn json(run: &RunEntry) -> serde_json::Value {
    serde_json::json!({
        "run": run.manifest.run,
        "experiment": run.manifest.experiment,
        "status": run.status(),
        "n_fits": run.manifest.n_fits,
        "path": run.path,
        "metrics": run.summary.as_ref().map(|summary| {
            summary.test.iter().map(|(name, metric)| (format!("test.{name}"), metric.mean)).collect::<std::collections::BTreeMap<_, _>>()
        }),
    })
}

/// The metric searched on, of test rows; else the best value; else accuracy.
fn result(run: &RunEntry) -> String {
    let Some(summary) = &run.summary else { return String::new() };
    let searched = summary.objective.as_ref().and_then(|objective| objective.split(' ').next_back());
    let wanted = searched.unwrap_or("accuracy");
    if let Some(metric) = summary.test.get(wanted) {
        return format!("test.{wanted} {}", number(metric.mean));
    }
    let best = summary.studies.iter().find_map(|study| study.best_value);
    best.map_or_else(String::new, |value| format!("{wanted} {}", number(value)))
}

pub(super) fn settings(flags: &SettingFlags) -> Result<Exit, Failure> {
    let loaded = settings::load(&working_project(), &flags.flags())?;
    let settings = &loaded.settings;
    let value = |key: &str| match key {
        "results" => settings.results.display().to_string(),
        "cache" => settings.cache.display().to_string(),
        "device" => settings.device.clone(),
        _ => settings.threads.to_string(),
    };
    let rows: Vec<Vec<String>> =
        KEYS.iter().map(|key| vec![(*key).to_owned(), value(key), loaded.origins[key].clone()]).collect();
    print(&table(&["setting", "value", "from"].map(str::to_owned), &rows));
    Ok(Exit::Ok)
}
