//! Completion on the command line: the script for a shell, and what it asks this program for.
//!
//! The shell's script calls the program with a variable set and the words so far; [`answer`] gives what may stand next:
//! commands and flags, ids of runs, params and parameters of the script that is named before them.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::builder::StyledStr;
use clap_complete::env::{CompleteEnv, EnvCompleter, Shells};
use clap_complete::{ArgValueCompleter, CompletionCandidate, PathCompleter};

use super::Exit;
use super::args::{CompletionsArguments, Shell};
use super::failure::Failure;
use super::help;
use super::output::print;
use super::run::working_project;
use crate::fetch::ENTRIES;
use crate::script::{self, Evaluated, Outcome, Written};
use crate::settings::{self, Flags};
use crate::spec::domain::ParamDomain;
use crate::store::index;
use crate::value::Value;

/// The variable by which a shell's script asks.
const VARIABLE: &str = "_XRUN_COMPLETE";

/// Answers a shell's script and ends the program, if one asks.
pub(super) fn answer() {
    CompleteEnv::with_factory(help::command).var(VARIABLE).complete();
}

/// `xrun completions`: prints the script for a shell.
pub(super) fn completions(arguments: &CompletionsArguments) -> Result<Exit, Failure> {
    let name = match arguments.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Powershell => "powershell",
    };
    let shells = Shells::builtins();
    let shell: &dyn EnvCompleter = shells.completer(name).expect("every shell of ours is one of them");
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, "xrun", "xrun", &program(), &mut script)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot write the script for {name}: {error}")))?;
    print(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Ok)
}

/// How the script calls the program: as it was called now, by its whole path if by one.
fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_else(|| OsString::from("xrun"));
    let path = Path::new(&called);
    let whole = if path.components().count() > 1 { std::path::absolute(path).ok() } else { None };
    whole.unwrap_or_else(|| path.to_owned()).display().to_string()
}

/// `@latest`, `@best`, and ids of runs, the latest first; or paths.
pub(super) fn runs() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let mut found = beginning_with(current, recorded());
        found.extend(paths(current, |_| true));
        found
    })
}

fn recorded() -> Vec<(String, String)> {
    let Ok(loaded) = settings::load(&working_project(), &Flags::default()) else { return Vec::new() };
    let runs = index::runs(&loaded.settings.results).unwrap_or_default();
    let names = [("@latest", "the latest run"), ("@best", "the best run of the only experiment")];
    let names = names.map(|(name, what)| (name.to_owned(), what.to_owned()));
    let each = runs.into_iter().rev().flatten().map(|run| (run.run, format!("{}, {}", run.experiment, run.status)));
    names.into_iter().chain(each).collect()
}

/// Scripts.
pub(super) fn scripts() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        paths(current, |path| path.extension().is_some_and(|extension| extension == "rhai"))
    })
}

/// Published data sets and weights.
pub(super) fn published() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let entries = ENTRIES.iter().map(|entry| (entry.name().to_owned(), entry.title().to_owned()));
        beginning_with(current, entries.collect())
    })
}

/// Params and parameters of the script that is named before them, and the values that a param is known to take.
pub(super) fn overrides() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let words = words();
        let script = words.iter().map(Path::new).find(|path| path.extension().is_some_and(|of| of == "rhai"));
        let Some(evaluated) = script.and_then(evaluated) else { return Vec::new() };
        let is_param = |word: &OsString| evaluated.params.iter().any(|param| word == param.name.as_str());
        // Bash breaks words at `=`, and takes the value alone.
        let mut before = words.iter().take(index()).rev();
        let key = match before.next() {
            Some(word) if word == "=" => before.next(),
            // A lone `=` is replaced by nothing.
            Some(word) if current.is_empty() && is_param(word) => Some(word),
            _ => None,
        };
        beginning_with(current, choices(&evaluated, current, key.and_then(|key| key.to_str())))
    })
}

/// The words of the command line, without the program.
fn words() -> Vec<OsString> {
    std::env::args_os().skip_while(|word| word != "--").skip(2).collect()
}

/// Which of the words is completed; those of shells that do not say so are the last.
fn index() -> usize {
    let given = std::env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|index| index.parse::<usize>().ok());
    given.unwrap_or(usize::MAX).saturating_sub(1)
}

fn evaluated(script: &Path) -> Option<Evaluated> {
    match script::evaluate_all(script, &[]).ok()? {
        Written::One(evaluated) => Some(*evaluated),
        Written::Variants(variants) => variants.each().first().map(|variant| variant.evaluated().clone()),
    }
}

/// What may be written for a key, with what it is; with `key`, values alone.
fn choices(evaluated: &Evaluated, current: &OsStr, key: Option<&str>) -> Vec<(String, String)> {
    let typed = current.to_str().and_then(|text| text.split_once('=')).map(|(key, _)| key);
    if let Some(name) = key.or(typed) {
        let Some(param) = evaluated.params.iter().find(|param| param.name == name) else { return Vec::new() };
        let values = match (&param.domain, &param.default) {
            (ParamDomain::OneOf(values), _) => values.clone(),
            (_, Value::Bool(_)) => vec![Value::Bool(false), Value::Bool(true)],
            _ => vec![param.default.clone()],
        };
        let before = if key.is_some() { String::new() } else { format!("{name}=") };
        return values.iter().map(|value| (format!("{before}{value}"), param.help.clone())).collect();
    }
    let params = evaluated.params.iter().map(|param| (format!("{}=", param.name), param.help.clone()));
    let searched = match &evaluated.outcome {
        Outcome::Experiment(experiment) => experiment.space().parameters(),
        Outcome::Fit(_) => &[],
    };
    let searched =
        searched.iter().map(|parameter| (format!("{}=", parameter.name()), parameter.distribution().to_string()));
    params.chain(searched).collect()
}

fn beginning_with(current: &OsStr, all: Vec<(String, String)>) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let all = all.into_iter().filter(|(text, _)| text.starts_with(current));
    all.map(|(text, what)| CompletionCandidate::new(text).help(Some(StyledStr::from(what)))).collect()
}

fn paths(current: &OsStr, is_wanted: fn(&Path) -> bool) -> Vec<CompletionCandidate> {
    use clap_complete::engine::ValueCompleter as _;
    PathCompleter::any().filter(is_wanted).complete(current)
}
