//! `xrun report`: what runs found, as a page and as figures.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Exit;
use super::args::ReportArguments;
use super::failure::Failure;
use super::output::{print, say, size};
use super::query::readable;
use super::run::working_project;
use crate::data::Dataset;
use crate::report::Report;
use crate::settings;
use crate::store::{self, FindError, RunEntry, StoreError};
use crate::wording::count;

pub(super) fn report(arguments: &ReportArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    if let (Some(experiment), Some(output)) = (&arguments.all, &arguments.output) {
        let runs = runs_of(&settings.results, experiment)?;
        let path = write(output, Report::across(experiment, runs)?.as_bytes())?;
        print(&path.display().to_string());
        return Ok(Exit::Ok);
    }
    let runs: Vec<RunEntry> =
        arguments.runs.iter().map(|run| store::find(&settings.results, run)).collect::<Result<_, _>>()?;
    if runs.len() > 1 && arguments.output.is_none() {
        return Err(Failure::new(Exit::Usage, format!("a report about {} runs has no place of its own", runs.len()))
            .hint("say where it goes: -o report.html"));
    }
    let first = runs[0].clone();
    let report = Report::read(runs, &settings.cache)?;
    let html = report.html();
    let path = match &arguments.output {
        Some(path) => write(path, html.as_bytes())?,
        None => first.write_report(&html)?,
    };
    if let Some(folder) = &arguments.figures {
        fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
        let figures = report.figures();
        for figure in &figures {
            write(&folder.join(format!("{}.svg", figure.name)), figure.svg.as_bytes())?;
            write(&folder.join(format!("{}.png", figure.name)), &figure.png)?;
        }
        say(&format!("{} in {}", count(figures.len(), "figure"), folder.display()));
    }
    say(&format!("{}; open it in a browser", size(html.len() as u64)));
    print(&path.display().to_string());
    Ok(Exit::Ok)
}

/// All runs of an experiment, of which there is at least one.
fn runs_of(results: &Path, experiment: &str) -> Result<Vec<RunEntry>, Failure> {
    let lines = readable(results)?;
    let found: Vec<RunEntry> = lines
        .iter()
        .filter(|line| line.experiment == experiment)
        .map(|line| RunEntry::read(&line.path))
        .collect::<Result<_, _>>()?;
    if found.is_empty() {
        let experiments: BTreeSet<String> = lines.into_iter().map(|line| line.experiment).collect();
        let error = FindError::NoExperiment {
            asked: experiment.to_owned(),
            results: results.to_owned(),
            experiments: experiments.into_iter().collect(),
        };
        return Err(error.into());
    }
    Ok(found)
}

fn write(path: &Path, bytes: &[u8]) -> Result<PathBuf, Failure> {
    fs::write(path, bytes).map_err(|error| cannot_write(path, &error))?;
    Ok(path.to_owned())
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()))
        .hint("name a file or folder that can be written")
}

/// Writes the report of a run that has just ended.
pub(super) fn write_after_run(run: &RunEntry, data: Option<&Dataset>) {
    warn_if_not_written(Report::of_run(run.clone(), data).and_then(|report| run.write_report(&report.html())));
}

/// Writes the report of a run that ended before, if it was stopped between its end and its report.
pub(super) fn write_if_missing(run: &RunEntry, cache: &Path) {
    if !run.report_path().is_file() {
        let report = Report::read(vec![run.clone()], cache);
        warn_if_not_written(report.and_then(|report| run.write_report(&report.html())));
    }
}

/// The record is whole without a report.
fn warn_if_not_written(written: Result<PathBuf, StoreError>) {
    if let Err(error) = written {
        say(&format!("warning: the run is recorded, but its report is not written: {error}"));
    }
}
