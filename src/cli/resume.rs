//! `xrun resume`: goes on with a run that was stopped.

use super::Exit;
use super::args::ResumeArguments;
use super::failure::Failure;
use super::output::say;
use super::report::write_if_missing;
use super::run::{Job, Shown, conclude, conduct, parse_overrides, working_project};
use super::variants;
use crate::runner::Report;
use crate::script::{self, Argument, Evaluated, Outcome};
use crate::settings;
use crate::store::{self, Joint, Record, RunEntry};

pub(super) fn resume(arguments: &ResumeArguments) -> Result<Exit, Failure> {
    let mut settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let shown = Shown { quiet: arguments.quiet, json: arguments.json };
    let overrides = parse_overrides(&arguments.overrides)?;
    if let Some(joint) = Joint::find(&settings.results, &arguments.run)? {
        return variants::resume(joint, &overrides, settings, &shown);
    }
    let mut run = store::find(&settings.results, &arguments.run)?;
    // `.` and `..` have no name and no folder above them, and the names of runs and results are recorded.
    run.path = run.path.canonicalize().unwrap_or(run.path);
    if run.summary.is_some() {
        write_if_missing(&run, &settings.cache);
    }
    if let Some(summary) = run.summary {
        say(&format!("{} came to its end; there is nothing to go on with", run.manifest.run));
        let n_kept = summary.n_fits;
        let (id, path) = (run.manifest.run, run.path);
        let report = Report { id, path, summary, n_trained: 0, n_kept, n_reused: 0, reused_from: Vec::new() };
        return conclude(&report, None, &shown);
    }
    let (run, evaluated) = recorded(run, &overrides)?;
    if let Some(results) = run.path.parent().and_then(std::path::Path::parent) {
        settings.results = results.to_owned();
    }
    let job = Job { evaluated: &evaluated, settings: &settings, recorded: Some(&run), fresh: false, finalizes: None };
    conduct(&job, &shown)
}

/// A run that was stopped and its script, once it is sure that it is what it was but for where the data are.
pub(super) fn recorded(run: RunEntry, overrides: &[Argument]) -> Result<(RunEntry, Evaluated), Failure> {
    let record = Record::of_run(run);
    refuse_altered(&record)?;
    let run = record.run();
    let config = run.config_path();
    let recorded = script::evaluate(&config, &[])?;
    let evaluated = script::evaluate(&config, overrides)?;
    let is_same = match (&recorded.outcome, &evaluated.outcome) {
        (Outcome::Experiment(recorded), Outcome::Experiment(now)) => recorded.is_same_but_for_data(now),
        (Outcome::Fit(recorded), Outcome::Fit(now)) => recorded.is_same_but_for_data(now),
        _ => false,
    };
    if !is_same {
        return Err(Failure::new(Exit::Usage, "a run goes on as it was begun: only where the data are can be given")
            .hint(format!("for other changes run it anew; what is unchanged is reused: xrun {}", config.display())));
    }
    Ok((run.clone(), evaluated))
}

/// What a run was begun with must be as it was written.
pub(super) fn refuse_altered(run: &Record) -> Result<(), Failure> {
    if let Some(altered) = run.altered_beginning().first() {
        let (file, recorded_in) = (&altered.file, &altered.recorded_in);
        let message = match &altered.found {
            Some(_) => format!("{file} was changed after the run began, by its digest in {recorded_in}"),
            None => format!("{file} is gone or cannot be read, but {recorded_in} tells of it"),
        };
        return Err(Failure::new(Exit::Usage, message).hint("put it back as it was, or run the config anew"));
    }
    Ok(())
}
