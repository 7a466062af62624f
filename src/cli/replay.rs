//! `xrun replay`: trains a recorded run or fit again and says whether it gives the same.

use std::time::Instant;

use super::Exit;
use super::args::ReplayArguments;
use super::failure::Failure;
use super::machine::{Devices, crew, listen_to_signals, use_threads};
use super::output::{duration, print};
use super::progress::Terminal;
use super::run::{parse_overrides, working_project};
use crate::replay::{self, Difference, FileDifference, Place, Replay, ReplayError, Request};
use crate::runner::RunError;
use crate::settings::{self, Settings};
use crate::store::{Altered, FindError, Record, RecordError, StoreError};
use crate::wording::count;

/// Names listed at most in one line.
const LISTED: usize = 8;

pub(super) fn replay(arguments: &ReplayArguments) -> Result<Exit, Failure> {
    let mut settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let overrides = parse_overrides(&arguments.overrides)?;
    let record = find(&settings, &arguments.record)?;
    if settings.device == "auto" {
        settings.device.clone_from(&record.run().manifest.device);
    }
    let threads = use_threads(settings.threads);
    let devices = Devices::choose(&settings, arguments.quiet)?;
    let (crew, threads) = crew(&settings, &devices, threads)?;
    let interrupt = listen_to_signals()?;
    let command: Vec<String> = std::env::args().collect();
    let request = Request {
        record: &record,
        overrides: &overrides,
        results: &settings.results,
        cache: &settings.cache,
        device: &devices.open,
        threads,
        crew: &crew,
        retries: settings.retries,
        interrupt: &interrupt,
        command: &command,
        keep: arguments.keep,
    };
    let mut terminal = Terminal::new(arguments.quiet);
    let clock = Instant::now();
    let replay = replay::replay(&request, &mut terminal);
    terminal.finish();
    let replay = replay.map_err(|error| failure(error, &record.name()))?;
    let seconds = clock.elapsed().as_secs_f64();
    if arguments.json {
        print(&json(&record, &replay, seconds).to_string());
    } else {
        print(&text(&replay, seconds));
        if let Some(kept) = &replay.kept {
            print(&format!("kept: {}", kept.display()));
        }
    }
    Ok(if replay.is_equal() { Exit::Ok } else { Exit::Different })
}

/// The record asked for. One that is damaged is no longer what was written, which is what a replay is asked about.
fn find(settings: &Settings, asked: &str) -> Result<Record, Failure> {
    Record::find(&settings.results, asked).map_err(|error| match &error {
        RecordError::Run(FindError::Store(StoreError::Damaged { .. })) => {
            Failure { exit: Exit::Different, ..error.into() }
        }
        _ => error.into(),
    })
}

fn failure(error: ReplayError, name: &str) -> Failure {
    let elsewhere = format!("if they lie elsewhere: xrun replay {name} data=PATH");
    let message = error.to_string();
    match error {
        ReplayError::Config(diagnostic) => (*diagnostic).into(),
        ReplayError::Override { .. } => {
            Failure::new(Exit::Usage, message).hint("to run it with other values, run its config.rhai with them")
        }
        ReplayError::Unfinished { .. } => Failure::new(Exit::Usage, message)
            .hint("`xrun resume` goes on with it; its finished fits can be replayed now"),
        ReplayError::OtherData { .. } => Failure::new(Exit::Different, message).hint(elsewhere),
        ReplayError::OtherInput { .. } => {
            Failure::new(Exit::Different, message).hint("put it back as it was; git may know it")
        }
        ReplayError::OtherWeights { .. } => Failure::new(Exit::Different, message),
        ReplayError::Data(_) => Failure::new(Exit::Usage, message).hint(elsewhere),
        // What a run says of going on is not for a replay: nothing of it is kept.
        ReplayError::Run(
            error @ (RunError::Interrupted { .. } | RunError::Worker { .. } | RunError::Refused { .. }),
        ) => Failure::from(error).hint("the record is as it was; nothing of the replay is kept"),
        ReplayError::Run(error) => error.into(),
        ReplayError::Store(error) => error.into(),
    }
}

fn json(record: &Record, replay: &Replay, seconds: f64) -> serde_json::Value {
    let altered = |altered: &Altered| {
        serde_json::json!({
            "file": altered.file,
            "recorded_in": altered.recorded_in,
            "recorded": altered.recorded,
            "found": altered.found,
        })
    };
    serde_json::json!({
        "run": record.run().manifest.run,
        "fit": record.fit(),
        "equal": replay.is_equal(),
        "n_fits": replay.n_fits,
        "n_epochs": replay.n_epochs,
        "n_files": replay.n_files,
        "seconds": seconds,
        "altered": replay.altered.iter().map(altered).collect::<Vec<_>>(),
        "differences": replay.differences,
        "causes": replay.causes.iter().map(|cause| {
            let mut value = serde_json::to_value(cause).expect("a cause has text keys");
            value["text"] = cause.to_string().into();
            value
        }).collect::<Vec<_>>(),
        "kept": replay.kept,
    })
}

fn text(replay: &Replay, seconds: f64) -> String {
    let fits = count(replay.n_fits, "fit");
    let epochs = count(replay.n_epochs, "epoch");
    let files = count(replay.n_files, "file");
    let time = duration(seconds);
    if replay.is_equal() {
        return format!("equal: {fits} ({epochs}) trained again, {files} compared, bit for bit ({time})");
    }
    let mut lines = vec![match replay.differences.len() {
        0 => format!(
            "altered: {fits} ({epochs}) trained again give the {files} recorded, but not all of the record ({time})"
        ),
        n => format!("different: {n} of {files} are not what {fits} ({epochs}) trained again give ({time})"),
    }];
    lines.extend(replay.altered.iter().map(altered));
    if let Some((first, others)) = replay.differences.split_first() {
        lines.push(difference(first, "recorded", "now"));
        if !others.is_empty() {
            let mut names: Vec<&str> = others.iter().take(LISTED).map(|other| other.file.as_str()).collect();
            let more = format!("and {} more", others.len().saturating_sub(LISTED));
            if others.len() > LISTED {
                names.push(&more);
            }
            lines.push(format!("also different: {}", names.join(", ")));
        }
    }
    for (index, cause) in replay.causes.iter().enumerate() {
        let label = if index == 0 { "likely cause" } else { "or" };
        lines.push(format!("{label}: {cause}"));
    }
    lines.join("\n")
}

fn altered(altered: &Altered) -> String {
    let Altered { file, recorded_in, recorded, found } = altered;
    let short = |digest: &str| format!("{:.16}", digest);
    match (recorded, found) {
        (Some(recorded), Some(found)) => format!(
            "{file} was changed after it was written: {recorded_in} has BLAKE3 {}, found {}",
            short(recorded),
            short(found)
        ),
        (Some(_), None) => format!("{file} is missing or cannot be read, but {recorded_in} has its digest"),
        (None, _) => format!("{file} is missing or damaged"),
    }
}

/// The first difference of a file, with what the two sides are called.
pub(super) fn difference(of: &FileDifference, a: &str, b: &str) -> String {
    let FileDifference { file, difference: Difference { place, recorded, found, ulps, extent }, .. } = of;
    if *place == Place::File {
        let side = if recorded.is_some() { a } else { b };
        return format!("{file}: only {side}");
    }
    let value = |value: &Option<String>| match value.as_deref() {
        None => "nothing".to_owned(),
        Some("") => "an empty text".to_owned(),
        Some(value) => value.to_owned(),
    };
    let apart = ulps.map_or_else(String::new, |ulps| format!(" ({ulps} apart)"));
    let mut lines = format!("{file}: {place}: {a} {}, {b} {}{apart}", value(recorded), value(found));
    if let Some(extent) = extent {
        let what = match place {
            Place::Cell { .. } => "cell",
            Place::Element { .. } | Place::Tensor { .. } => "weight",
            Place::File | Place::Value { .. } | Place::Byte { .. } => "value",
        };
        let largest = extent
            .largest_relative
            .map_or_else(String::new, |largest| format!("; the largest relative difference is {largest:.1e}"));
        lines.push_str(&format!("\n  {} of {} differ{largest}", extent.n_different, count(extent.n, what)));
    }
    lines
}
