//! `xrun SCRIPT`: runs it and prints what came out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::Exit;
use super::args::{RunArguments, WorkerArguments};
use super::failure::Failure;
use super::finalize::Shipped;
use super::front;
use super::output::{duration, print, say, table};
use super::progress::Terminal;
use crate::device::{self, DeviceChoice, DeviceKind, OpenDevice};
use crate::metric::Metric;
use crate::program;
use crate::runner::{self, Crew, Interrupt, Report, Request};
use crate::script::{self, Argument, Evaluated};
use crate::settings::{self, Flags, Settings};
use crate::spec::experiment::Per;
use crate::stop::StopRule;
use crate::store::{RunEntry, StudySummary, Summary};
use crate::train::FeatureStore;
use crate::wording::count;

const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn run(arguments: &RunArguments) -> Result<Exit, Failure> {
    let script = arguments.script.as_deref().expect("clap requires a script where there is no command");
    let (evaluated, settings) = evaluate(script, &arguments.overrides, &arguments.settings.flags())?;
    let job =
        Job { evaluated: &evaluated, settings: &settings, recorded: None, fresh: arguments.fresh, finalizes: None };
    conduct(&job, &Shown { quiet: arguments.quiet, json: arguments.json })
}

/// What is to be run, or gone on with.
pub(super) struct Job<'a> {
    pub(super) evaluated: &'a Evaluated,
    pub(super) settings: &'a Settings,
    pub(super) recorded: Option<&'a RunEntry>,
    pub(super) fresh: bool,
    /// The run that a model to ship is made of, and what its studies are.
    pub(super) finalizes: Option<(&'a RunEntry, Option<Per>)>,
}

/// What is printed of it.
pub(super) struct Shown {
    pub(super) quiet: bool,
    pub(super) json: bool,
}

/// Runs, and prints what came out.
pub(super) fn conduct(job: &Job<'_>, shown: &Shown) -> Result<Exit, Failure> {
    let settings = job.settings;
    let threads = use_threads(settings.threads);
    if job.recorded.is_none() {
        runner::check_network(job.evaluated)?;
    }
    let mut prepared = runner::prepare(job.evaluated, &settings.results, &settings.cache)?;
    if let Some((run, per)) = job.finalizes {
        prepared = prepared.finalizing(run, per)?;
    }
    let devices = Devices::choose(settings, shown.quiet)?;
    let (crew, threads) = crew(settings, &devices, threads)?;
    let interrupt = listen_to_signals()?;
    // Bytes that are no text are replaced: the record is text.
    let command: Vec<String> = std::env::args_os().map(|part| part.to_string_lossy().into_owned()).collect();
    let request = Request {
        evaluated: job.evaluated,
        results: &settings.results,
        device: &devices.open,
        threads,
        crew: &crew,
        features: &FeatureStore::new(&settings.cache),
        retries: settings.retries,
        fresh: job.fresh,
        interrupt: &interrupt,
        command: &command,
    };
    let mut terminal = Terminal::new(shown.quiet);
    let clock = Instant::now();
    let report = match job.recorded {
        Some(recorded) => runner::resume(&request, recorded, &prepared, &mut terminal),
        None => runner::run(&request, &prepared, &mut terminal),
    };
    terminal.finish();
    conclude(&report?, Some(clock.elapsed()), shown)
}

/// Makes the model of a run that was for one, and prints what came out, and how long it took if that is of interest.
pub(super) fn conclude(report: &Report, time: Option<Duration>, shown: &Shown) -> Result<Exit, Failure> {
    let shipped = Shipped::of(&RunEntry::read(&report.path)?)?;
    if shown.json {
        let mut result = json(report);
        if let Some(shipped) = &shipped {
            shipped.add_to(&mut result);
        }
        print(&result.to_string());
    } else {
        print(&conclusion(report, time));
        if let Some(shipped) = &shipped {
            shipped.print();
        }
    }
    if !shown.quiet {
        for study in &report.summary.studies {
            explain(study, &report.path);
        }
        for unmet in front::unmet(&report.summary) {
            say(&format!("warning: {unmet}"));
        }
        say(&format!("\nsee it again: xrun show {}", report.id));
        if let Some(shipped) = &shipped {
            shipped.hint();
        }
    }
    Ok(match report.summary.status.as_str() {
        "failed" => Exit::Failed,
        _ if report.summary.n_failed_trials > 0 => Exit::FailedTrials,
        _ => Exit::Ok,
    })
}

/// Says why a study has no final: none of its trials came to an end with a value.
fn explain(study: &StudySummary, path: &Path) {
    if study.best_trial.is_some() {
        return;
    }
    let of = front::name(study);
    let pruned = study.n_pruned.unwrap_or(0);
    let reasons = format!("trials.csv in {} has the reasons", path.display());
    let (what, remedy) = match (pruned, study.n_failed) {
        (0, failed) => (format!("{} failed", count(failed, "trial")), reasons),
        (pruned, 0) => (format!("{} pruned", count(pruned, "trial")), "prune less".to_owned()),
        (pruned, failed) => (format!("{} pruned, {failed} failed", count(pruned, "trial")), reasons),
    };
    say(&format!("error: no trial of {of} gave a value: {what}\nhint: {remedy}"));
}

/// Who trains, and with how many threads each: the threads are shared out between the workers.
pub(super) fn crew(settings: &Settings, devices: &Devices, threads: usize) -> Result<(Crew, usize), Failure> {
    if settings.workers == 1 {
        return Ok((Crew::Here, threads));
    }
    let threads = (threads / settings.workers).max(1);
    let cache = settings.cache.to_string_lossy();
    let arguments = (0..settings.workers).map(|worker| {
        let device = devices.kinds[worker % devices.kinds.len()].to_string();
        ["__worker", "--threads", &threads.to_string(), "--device", &device, "--cache", &cache]
            .map(str::to_owned)
            .to_vec()
    });
    Ok((Crew::Processes { program: own_program()?, arguments: arguments.collect() }, threads))
}

/// The hidden command behind a worker process.
pub(super) fn work(arguments: &WorkerArguments) -> Result<Exit, Failure> {
    // A Ctrl-C on the terminal reaches the whole group; what becomes of the workers is for the process above to say.
    let ignored = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGINT, ignored).map_err(|error| no_signals(&error))?;
    use_threads(arguments.threads);
    let device = device::open(arguments.device.parse()?)?;
    runner::work(&device, &arguments.cache);
    Ok(Exit::Ok)
}

/// The hidden command behind the guard of a program's processes.
pub(super) fn guard() -> Result<Exit, Failure> {
    program::guard().map(|()| Exit::Ok).map_err(|error| no_signals(&error))
}

/// The first Ctrl-C or SIGTERM is a wish to stop; the second ends the program on the spot.
pub(super) fn listen_to_signals() -> Result<Interrupt, Failure> {
    let interrupt = Interrupt::default();
    let again = Arc::new(AtomicBool::new(false));
    for (signal, number, exit) in [(SIGINT, 2, Exit::Interrupted), (SIGTERM, 15, Exit::Terminated)] {
        signal_hook::flag::register_conditional_shutdown(signal, i32::from(exit as u8), Arc::clone(&again))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&again)))
            .and_then(|_| signal_hook::flag::register_usize(signal, interrupt.cell(), number))
            .map_err(|error| no_signals(&error))?;
    }
    Ok(interrupt)
}

fn no_signals(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot listen to signals: {error}"))
}

/// Evaluates a script under the settings of its project.
pub(super) fn evaluate(script: &Path, overrides: &[String], flags: &Flags) -> Result<(Evaluated, Settings), Failure> {
    let evaluated = script::evaluate(script, &parse_overrides(overrides)?)?;
    let project = project_of(&evaluated.root);
    let settings = settings::load(&project, flags)?.settings;
    Ok((evaluated, settings))
}

/// Arguments of the form `key=value`.
pub(super) fn parse_overrides(overrides: &[String]) -> Result<Vec<Argument>, Failure> {
    overrides.iter().map(|text| Argument::parse(text)).collect::<Result<Vec<_>, _>>().map_err(|message| {
        Failure::new(Exit::Usage, message).hint("arguments after the script set something: epochs=10")
    })
}

/// The project of a script; for a script inside a run folder, the one around the working directory.
fn project_of(root: &Path) -> PathBuf {
    if root.ends_with("imports") && root.parent().is_some_and(|run| run.join("run.json").is_file()) {
        return working_project();
    }
    root.to_owned()
}

/// The project around the working directory.
pub(super) fn working_project() -> PathBuf {
    let folder = std::env::current_dir().unwrap_or_default();
    script::project_root(&folder.join("script"))
}

/// The devices of a run.
pub(super) struct Devices {
    /// Each worker has one of them, in turn.
    kinds: Vec<DeviceKind>,
    /// The first, opened.
    pub(super) open: OpenDevice,
}

impl Devices {
    /// Those that the settings name; says what `auto` chose and why.
    pub(super) fn choose(settings: &Settings, quiet: bool) -> Result<Self, Failure> {
        let kinds = match settings.device.parse()? {
            DeviceChoice::Fixed(kinds) => kinds,
            DeviceChoice::Auto => {
                let found = device::choose(&own_program()?, PROBE_TIMEOUT);
                if !quiet {
                    say(&format!("device: {} ({})", found.kind, found.reason));
                }
                vec![found.kind]
            }
        };
        let open = device::open_alike(&kinds)?;
        Ok(Self { kinds, open })
    }
}

fn own_program() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot find this program's own file: {error}")))
}

/// Settles the number of threads for the whole process, before anything is done in parallel; 0 means all cores.
pub(super) fn use_threads(threads: usize) -> usize {
    // It fails only when the pool exists already; then that one serves.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    rayon::current_num_threads()
}

fn json(report: &Report) -> serde_json::Value {
    let mut value = serde_json::json!({
        "run": report.id,
        "path": report.path,
        "status": report.summary.status,
        "n_fits": report.summary.n_fits,
        "n_trained": report.n_trained,
        "n_reused": report.n_kept + report.n_reused,
        "n_failed_trials": report.summary.n_failed_trials,
        "metrics": report.summary.test.iter().map(|(name, metric)| (format!("test.{name}"), metric.mean.into())).collect::<serde_json::Map<_, _>>(),
    });
    let summary = &report.summary;
    for (name, count) in [("n_pruned", summary.n_pruned), ("n_epochs_saved", summary.n_epochs_saved)] {
        if let Some(count) = count {
            value[name] = count.into();
        }
    }
    value
}

fn conclusion(report: &Report, time: Option<Duration>) -> String {
    let summary = &report.summary;
    let mut text = String::new();
    let tables = tables(summary);
    if !tables.is_empty() {
        text.push_str(&tables);
        text.push_str("\n\n");
    }
    let failed = match summary.n_failed_trials {
        0 => String::new(),
        n => format!(", {} failed", count(n, "trial")),
    };
    let pruned = match (summary.n_pruned, summary.n_epochs_saved) {
        (Some(n), Some(epochs)) if n > 0 => {
            format!(", {} pruned ({} saved)", count(n, "trial"), count(epochs, "epoch"))
        }
        _ => String::new(),
    };
    let mut parts = String::new();
    if report.n_kept + report.n_reused > 0 {
        parts.push_str(&format!(", {} trained", report.n_trained));
    }
    if report.n_kept > 0 {
        parts.push_str(&format!(", {} kept", report.n_kept));
    }
    if report.n_reused > 0 {
        parts.push_str(&format!(", {} reused from {}", report.n_reused, report.reused_from.join(", ")));
    }
    let time = time.map_or_else(String::new, |time| format!(" in {}", duration(time.as_secs_f64())));
    let fits = count(summary.n_fits, "fit");
    text.push_str(&format!("{fits}{time}{parts}{pruned}{failed}\n{}", report.path.display()));
    text
}

/// Metrics shown in tables, in this order; all of them are in the record.
const SHOWN: [Metric; 5] = [Metric::RocAuc, Metric::Accuracy, Metric::BalancedAccuracy, Metric::LogLoss, Metric::Value];

/// The finals with their test metrics, and the summary over outer folds; for a search without folds, its best trial.
pub(super) fn tables(summary: &Summary) -> String {
    let mut parts = Vec::new();
    let is_tested = summary.finals.iter().any(|last| !last.test.is_empty());
    if is_tested {
        parts.push(finals_table(summary));
        parts.push(test_table(summary));
    } else if !summary.finals.is_empty() {
        for last in summary.finals.iter().filter(|last| !last.validation.is_empty()) {
            let rows: Vec<Vec<String>> =
                last.validation.iter().map(|(name, value)| vec![name.clone(), number(*value)]).collect();
            parts.push(table(&["validation".to_owned(), String::new()], &rows));
        }
    }
    for study in summary.studies.iter().filter(|study| study.outer.is_none()) {
        if let (Some(trial), Some(value)) = (study.best_trial, study.best_value) {
            let n = study.n_complete + study.n_pruned.unwrap_or(0) + study.n_failed;
            let mut rows = vec![vec!["value".to_owned(), format!("{value:?}")]];
            if let Some(best) = study.front.first() {
                let others = front::metrics(summary).zip(&best.values).skip(1);
                rows.extend(others.map(|(metric, value)| vec![format!("value.{metric}"), format!("{value:?}")]));
            }
            if study.best_violation > 0.0 {
                rows.push(vec!["violation".to_owned(), format!("{:?}", study.best_violation)]);
            }
            rows.extend(study.best_assignment.iter().map(|(name, value)| vec![name.clone(), value.to_string()]));
            parts.push(table(&[format!("best of {}", count(n, "trial")), format!("trial {trial}")], &rows));
        }
    }
    let endings = endings(&summary.studies);
    if !endings.is_empty() {
        parts.push(endings);
    }
    parts.join("\n\n")
}

/// Why studies ended, and after how many trials: a line for each rule that ended any, as in
/// `3 studies ended by no_improvement, after 12 to 30 trials`.
fn endings(studies: &[StudySummary]) -> String {
    let mut by_rule: BTreeMap<StopRule, Vec<usize>> = BTreeMap::new();
    for ending in studies.iter().filter_map(|study| study.ended) {
        by_rule.entry(ending.by).or_default().push(ending.n_trials);
    }
    let line = |(rule, n_trials): (StopRule, Vec<usize>)| {
        let (least, most) = (n_trials.iter().min().copied()?, n_trials.iter().max().copied()?);
        let after = if least == most { count(most, "trial") } else { format!("{least} to {}", count(most, "trial")) };
        Some(format!("{} ended by {rule}, after {after}", count(n_trials.len(), "study")))
    };
    by_rule.into_iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

fn finals_table(summary: &Summary) -> String {
    let shown: Vec<&str> = SHOWN
        .iter()
        .map(|metric| metric.name())
        .filter(|name| summary.finals.iter().any(|last| last.test.contains_key(*name)))
        .collect();
    let mut header: Vec<String> = ["outer", "inner", "trial", "threshold"].map(str::to_owned).to_vec();
    header.extend(shown.iter().map(|name| format!("test.{name}")));
    let optional = |value: Option<usize>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let rows: Vec<Vec<String>> = summary
        .finals
        .iter()
        .map(|last| {
            let mut row =
                vec![optional(last.outer), optional(last.inner), optional(last.trial), number(last.threshold)];
            row.extend(shown.iter().map(|name| last.test.get(*name).map_or_else(|| "-".to_owned(), |v| number(*v))));
            row
        })
        .collect();
    table(&header, &rows)
}

fn test_table(summary: &Summary) -> String {
    let n_outer = summary.test.values().map(|metric| metric.per_outer.len()).max().unwrap_or(0);
    let folds = count(n_outer, "outer fold");
    let rows: Vec<Vec<String>> = summary
        .test
        .iter()
        .map(|(name, metric)| {
            let spread = metric.std.map_or_else(|| "-".to_owned(), number);
            vec![format!("test.{name}"), number(metric.mean), spread]
        })
        .collect();
    table(&[folds, "mean".to_owned(), "std".to_owned()], &rows)
}

/// Four decimals, for people; the record has all digits.
pub(super) fn number(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) { format!("{value:.3e}") } else { format!("{value:.4}") }
}
