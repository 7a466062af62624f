//! The command line: reads arguments and settings, calls the rest, and is the one place that prints and picks exit codes.

mod args;
mod ask;
mod augment;
mod best;
mod check;
mod checkup;
mod compare;
mod complete;
mod data;
mod data_args;
mod diff;
mod doctor;
mod export;
mod failure;
mod finalize;
mod front;
mod gc;
mod graph;
mod help;
mod insight;
mod intervals;
mod ls;
mod machine;
mod man;
mod model;
mod notes;
mod output;
mod params;
mod plan;
mod predict;
mod progress;
mod query;
mod record_args;
mod replay;
mod report;
mod resume;
mod rm;
mod run;
mod show;
mod show_fit;
mod sparkline;
mod variants;
mod versions;

use std::process::ExitCode;

use crate::settings;
use args::Command;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Ok = 0,
    /// A run failed, or its record could not be written.
    Failed = 1,
    /// Wrong usage, a wrong config, or an input that is missing.
    Usage = 2,
    /// The run finished, but some of its trials failed; or not everything that was to be predicted could be read.
    FailedTrials = 3,
    /// A replay gave something else than what was recorded.
    Different = 4,
    /// There is no such run.
    NotFound = 5,
    /// Another process has the run.
    Locked = 6,
    /// SIGINT came.
    Interrupted = 130,
    /// SIGTERM came.
    Terminated = 143,
}

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    complete::answer();
    let arguments = match help::parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap prints each where it belongs.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            let _ = error.print();
            return ExitCode::from(exit as u8);
        }
    };
    if !matches!(arguments.command, Some(Command::Worker(_) | Command::Probe { .. } | Command::Guard)) {
        warn_of_variables();
    }
    let result = match &arguments.command {
        None => run::run(&arguments.run),
        Some(Command::Check(check)) => check::check(check),
        Some(Command::Params(script)) => params::params(script),
        Some(Command::Plan(plan)) => plan::plan(plan),
        Some(Command::Ask(ask)) => ask::ask(ask),
        Some(Command::Tell(tell)) => ask::tell(tell),
        Some(Command::Resume(resume)) => resume::resume(resume),
        Some(Command::Ls(ls)) => ls::ls(ls),
        Some(Command::Show(show)) => show::show(show),
        Some(Command::Best(best)) => best::best(best),
        Some(Command::Tag(tag)) => notes::tag(tag),
        Some(Command::Untag(untag)) => notes::untag(untag),
        Some(Command::Note(note)) => notes::note(note),
        Some(Command::Export(export)) => export::export(export),
        Some(Command::Report(report)) => report::report(report),
        Some(Command::Rm(rm)) => rm::rm(rm),
        Some(Command::Gc(gc)) => gc::gc(gc),
        Some(Command::Finalize(finalize)) => finalize::finalize(finalize),
        Some(Command::Predict(predict)) => predict::predict(predict),
        Some(Command::Replay(replay)) => replay::replay(replay),
        Some(Command::Diff(diff)) => diff::diff(diff),
        Some(Command::Compare(compare)) => compare::compare(compare),
        Some(Command::Data(command)) => data::data(command),
        Some(Command::Doctor(doctor)) => doctor::doctor(doctor),
        Some(Command::Settings(flags)) => ls::settings(flags),
        Some(Command::Completions(shell)) => complete::completions(shell),
        Some(Command::Man(man)) => man::man(man),
        Some(Command::Worker(worker)) => machine::work(worker),
        Some(Command::Probe { device }) => doctor::probe(device),
        Some(Command::Guard) => machine::guard(),
    };
    let exit = match result {
        Ok(exit) => exit,
        Err(failure) => {
            output::error(&failure);
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}

/// A variable that looks like a setting and is none would be passed over without a word.
fn warn_of_variables() {
    for (name, near) in settings::unknown_variables(std::env::vars_os().map(|(name, _)| name)) {
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        output::say(&format!("warning: the variable `{name}` is no setting and is passed over{near}"));
    }
}
