//! One fit of a command: the program is run once, and what it reports is the result.
//!
//! Of a trial it reports on validation rows, of a final on test rows; it is told which it is, and a trial's file of rows
//! has no test rows in it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::Path;

use super::execute::{Ended, Execution, FitFailure, Pruned, Tested, finite};
use super::order::{Job, Said};
use crate::data::Dataset;
use crate::metric::Metric;
use crate::program::{self, Call, End, Report, ReportError};
use crate::pruner::Judge;
use crate::spec::FitConfig;
use crate::spec::Role;
use crate::spec::command::CommandSpec;
use crate::store::{EpochLine, FitFolder, PrunedAt, StoreError};
use crate::train::Flow;

/// Lines of standard error that a failure quotes.
const QUOTED: usize = 3;

/// What is told to a program of its place in the run.
const VARIABLES: [&str; 7] =
    ["XRUN_ROLE", "XRUN_TRIAL", "XRUN_OUTER", "XRUN_INNER", "XRUN_SEED", "XRUN_SCRATCH", "XRUN_ROWS"];

/// Signals that come from outside and say nothing about the fit: SIGHUP, SIGINT, SIGKILL and SIGTERM.
const FROM_OUTSIDE: [i32; 4] = [1, 2, 9, 15];

/// Runs the program of a fit. It failed, reported nothing that can be compared, or was ended, unless it has a result.
///
/// # Errors
/// What it says cannot be kept.
pub(super) fn execute(
    command: &CommandSpec,
    job: &Job<'_>,
    data: Option<&Dataset>,
    folder: &FitFolder,
    judge: Option<Judge>,
    say: &mut dyn FnMut(Said) -> Flow,
) -> Result<Result<Gave, Ended>, StoreError> {
    let (logs, scratch) = (folder.logs()?, folder.scratch()?);
    let call = match call(command, job, data, &scratch) {
        Ok(call) => call,
        Err(ended) => return Ok(Err(ended)),
    };
    let mut hearing = Hearing { command, judge, say, epochs: Vec::new(), last: None, verdict: None };
    let ended = call.run(logs, &mut |line| hearing.hear(line));
    Ok(hearing.conclude(ended, job.config(), folder))
}

fn call(command: &CommandSpec, job: &Job<'_>, data: Option<&Dataset>, scratch: &Path) -> Result<Call, Ended> {
    let program = &command.program;
    Ok(Call {
        program: program::find(&program.name, &program.folder)
            .ok_or_else(|| Ended::Lost(format!("the program `{}` is gone", program.name)))?,
        arguments: command.arguments.clone(),
        folder: program.folder.clone(),
        env: variables(command, job, data, scratch)
            .map_err(|error| Ended::Lost(format!("its rows cannot be written: {error}")))?,
        timeout: command.timeout,
    })
}

/// The variables of a fit: pure functions of its config, but for the places of its scratch folder and its rows.
fn variables(
    command: &CommandSpec,
    job: &Job<'_>,
    data: Option<&Dataset>,
    scratch: &Path,
) -> std::io::Result<BTreeMap<String, Option<OsString>>> {
    let config = job.config();
    let position = |label: &str| {
        let mut labels = config.labels().iter().filter_map(|of| of.strip_prefix(label)?.strip_prefix(' '));
        labels.next_back().map(OsString::from)
    };
    let role = if config.role() == Role::Trial { "trial" } else { "final" };
    // 31 bits: a seed that every generator takes.
    let seed = config.seed().child("command").as_u64() >> 33;
    let told = [
        Some(OsString::from(role)),
        position("trial"),
        position("outer"),
        position("inner"),
        Some(OsString::from(seed.to_string())),
        Some(OsString::from(scratch)),
        rows(job, data, scratch)?,
    ];
    // What is not told is unset: it may be left from a run this one is a part of.
    let mut variables: BTreeMap<String, Option<OsString>> =
        VARIABLES.into_iter().map(str::to_owned).zip(told).collect();
    variables.extend(command.env.iter().map(|(name, value)| (name.clone(), Some(OsString::from(value)))));
    Ok(variables)
}

/// Writes which rows the fit is about, by position and id; test rows for a final alone.
fn rows(job: &Job<'_>, data: Option<&Dataset>, scratch: &Path) -> std::io::Result<Option<OsString>> {
    let Some(data) = data.filter(|_| !job.rows().train.is_empty()) else { return Ok(None) };
    let part = |rows: &[usize]| {
        let ids: Vec<&str> = rows.iter().map(|&row| data.ids()[row].as_str()).collect();
        serde_json::json!({ "rows": rows, "ids": ids })
    };
    let mut parts = serde_json::json!({ "train": part(&job.rows().train), "validation": part(&job.rows().validation) });
    if let Some(test) = job.test() {
        parts["test"] = part(test.rows());
    }
    let path = scratch.join("rows.json");
    std::fs::write(&path, parts.to_string())?;
    Ok(Some(path.into()))
}

/// What a program gave, and of a final what it says of test rows.
type Gave = (Execution, Option<Tested>);

/// Why a program was ended, or will not count.
enum Verdict {
    Interrupted,
    Pruned(PrunedAt),
    Failed(String),
}

/// Takes in what a program reports.
struct Hearing<'a> {
    command: &'a CommandSpec,
    judge: Option<Judge>,
    say: &'a mut dyn FnMut(Said) -> Flow,
    epochs: Vec<EpochLine>,
    last: Option<Result<Report, ReportError>>,
    verdict: Option<Verdict>,
}

impl Hearing<'_> {
    fn hear(&mut self, line: Option<&str>) -> ControlFlow<()> {
        if self.verdict.is_none() {
            self.verdict = match line {
                Some(line) => self.line(line),
                None => self.beat(),
            };
        }
        if self.verdict.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Asks whether the fit is still wanted.
    fn beat(&mut self) -> Option<Verdict> {
        ((self.say)(Said::Batch { done: 0, total: 1 }) == Flow::Stop).then_some(Verdict::Interrupted)
    }

    fn line(&mut self, line: &str) -> Option<Verdict> {
        let report = self.last.insert(Report::read(line));
        let Ok(Report { epoch: Some(epoch), numbers }) = report else { return self.beat() };
        let (epoch, expected) = (*epoch, self.epochs.len() + 1);
        if epoch != expected {
            return Some(Verdict::Failed(format!(
                "it reports epoch {epoch} where epoch {expected} comes next: epochs count from 1, with one line for each"
            )));
        }
        if let Some(most) = self.command.n_epochs.filter(|&most| epoch > most) {
            return Some(Verdict::Failed(format!("it reports epoch {epoch}, and its `epochs` are {most}")));
        }
        let numbers = match recorded(self.command, numbers) {
            Ok(numbers) => numbers,
            Err(reason) => return Some(Verdict::Failed(reason)),
        };
        let value = numbers.get(Metric::Value.name()).copied();
        let validation = value.map(|value| (Metric::Value, value)).into_iter().collect();
        self.epochs.push(EpochLine { epoch, phase: "command".to_owned(), train_loss: None, validation: numbers });
        if (self.say)(Said::Epoch { epoch, phase: "command".to_owned(), train_loss: None, validation }) == Flow::Stop {
            return Some(Verdict::Interrupted);
        }
        let is_pruned = self.judge.as_mut().is_some_and(|judge| judge.see(epoch, value));
        is_pruned.then_some(Verdict::Pruned(PrunedAt { epoch, value }))
    }

    fn conclude(mut self, ended: std::io::Result<End>, config: &FitConfig, folder: &FitFolder) -> Result<Gave, Ended> {
        let name = &self.command.program.name;
        let end = ended.map_err(|error| Ended::Lost(format!("`{name}` cannot be run: {error}")))?;
        match (self.verdict.take(), end) {
            (Some(Verdict::Interrupted), _) => Err(Ended::Interrupted),
            (Some(Verdict::Pruned(at)), _) => {
                Err(Ended::Pruned(Pruned { epochs: self.epochs, histograms: Vec::new(), at, n_parameters: None }))
            }
            (Some(Verdict::Failed(reason)), _) => Err(failed(reason)),
            (None, End::Exited(0)) => self.result(config, folder),
            (None, End::Exited(code)) => Err(failed(quoting(&format!("exit code {code}"), folder))),
            (None, End::Signalled(signal)) if FROM_OUTSIDE.contains(&signal) => {
                Err(Ended::Lost(format!("`{name}` was ended by signal {signal} from outside")))
            }
            (None, End::Signalled(signal)) => Err(failed(quoting(&format!("ended by signal {signal}"), folder))),
            (None, End::TimedOut) => {
                let limit = self.command.timeout.map(|limit| humantime::format_duration(limit).to_string());
                Err(failed(format!("it took longer than {}, its `timeout`", limit.unwrap_or_default())))
            }
            (None, End::Stopped) => unreachable!("it is stopped by a verdict alone"),
        }
    }

    fn result(mut self, config: &FitConfig, folder: &FitFolder) -> Result<Gave, Ended> {
        let report = match self.last.take() {
            None => {
                return Err(failed(quoting("it printed no JSON object with its result, as {\"value\": 0.93}", folder)));
            }
            Some(report) => report.map_err(|error| failed(format!("its last line with an object: {error}")))?,
        };
        let numbers = recorded(self.command, &report.numbers).map_err(failed)?;
        let Some(&value) = numbers.get(Metric::Value.name()) else {
            let name = &self.command.value;
            let names: Vec<&str> = report.numbers.keys().map(String::as_str).collect();
            let has = if names.is_empty() { "no number".to_owned() } else { format!("only {}", names.join(", ")) };
            return Err(failed(format!("its result has no number `{name}`, {has}")));
        };
        let score = finite(value)?;
        if self.epochs.is_empty() {
            let phase = "command".to_owned();
            self.epochs.push(EpochLine { epoch: 1, phase, train_loss: None, validation: numbers.clone() });
        }
        let (validation_metrics, score, tested) = match config.role() {
            Role::Trial => (numbers, Some(score), None),
            Role::Final => (BTreeMap::new(), None, Some(Tested { predictions: None, metrics: numbers })),
        };
        let execution = Execution {
            epochs: self.epochs,
            histograms: Vec::new(),
            kept_epochs: BTreeMap::new(),
            phase_epochs: Vec::new(),
            validation: None,
            validation_metrics,
            threshold: Some(0.5),
            score,
            predictor: None,
        };
        Ok((execution, tested))
    }
}

/// The numbers of a report as they are recorded: the one that is searched on is called `value`, beside its own name.
fn recorded(command: &CommandSpec, numbers: &BTreeMap<String, f64>) -> Result<BTreeMap<String, f64>, String> {
    let mut recorded = numbers.clone();
    let (name, value) = (&command.value, Metric::Value.name());
    if name != value {
        if recorded.remove(value).is_some() {
            return Err(format!(
                "it reports `{value}` beside `{name}`, which the experiment takes as the value; give one of them another name"
            ));
        }
        recorded.extend(numbers.get(name).map(|&number| (value.to_owned(), number)));
    }
    Ok(recorded)
}

/// A reason with the last words of the program.
fn quoting(reason: &str, folder: &FitFolder) -> String {
    let words = folder.last_errors(QUOTED).join(" / ");
    if words.is_empty() { reason.to_owned() } else { format!("{reason}: {words}") }
}

fn failed(reason: String) -> Ended {
    Ended::Failed(FitFailure(reason))
}
