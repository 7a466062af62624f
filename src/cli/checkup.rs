//! `xrun doctor` alone: whether this machine is ready, point by point, with the remedy where it is not.

use std::path::Path;
use std::time::Duration;

use rustix::fs::{Access, access, statvfs};

use super::Exit;
use super::doctor::DeviceTest;
use super::failure::Failure;
use super::machine::{Devices, own_program, use_threads};
use super::output::{print, size};
use crate::device::{self, DeviceChoice};
use crate::fetch::{self, ENTRIES, Presence};
use crate::settings::{self, Origins, Settings};
use crate::wording::count;

/// Less free space than this is a reason to look.
const ENOUGH_BYTES: u64 = 1_000_000_000;

/// What is known of one point.
struct Finding {
    topic: &'static str,
    what: String,
    /// What to do; none where all is well.
    remedy: Option<String>,
}

impl Finding {
    fn ok(topic: &'static str, what: impl Into<String>) -> Self {
        Self { topic, what: what.into(), remedy: None }
    }

    fn attention(topic: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { topic, what: what.into(), remedy: Some(remedy.into()) }
    }

    fn print(&self) {
        let Self { topic, what, remedy } = self;
        let word = if remedy.is_none() { "OK" } else { "attention" };
        print(&format!("{word:9}  {topic:12}  {what}"));
        if let Some(remedy) = remedy {
            print(&format!("{:9}  {:12}  remedy: {remedy}", "", ""));
        }
    }
}

/// Looks at every point, the quick ones first, and says what is found as it goes on.
pub(super) fn checkup(loaded: &Origins) -> Exit {
    let settings = &loaded.settings;
    let mut n_attention = 0;
    let mut tell = |finding: Finding| {
        finding.print();
        n_attention += usize::from(finding.remedy.is_some());
    };
    tell(of_settings(loaded));
    tell(folder("results", &settings.results));
    tell(folder("cache", &settings.cache));
    tell(data(&settings.data));
    tell(devices(settings));
    for finding in trained(settings) {
        tell(finding);
    }
    let (verdict, exit) = match n_attention {
        0 => ("all is well".to_owned(), Exit::Ok),
        1 => ("1 point needs attention".to_owned(), Exit::Failed),
        n => (format!("{n} points need attention"), Exit::Failed),
    };
    print(&format!("\n{verdict}"));
    exit
}

fn of_settings(loaded: &Origins) -> Finding {
    const TOPIC: &str = "settings";
    let unknown = settings::unknown_variables(std::env::vars_os().map(|(name, _)| name));
    if let Some((name, near)) = unknown.first() {
        let remedy = match near {
            Some(near) => format!("unset it, or write {near}"),
            None => "unset it; xrun settings lists those there are".to_owned(),
        };
        return Finding::attention(TOPIC, format!("the variable {name} is no setting"), remedy);
    }
    let Settings { device, threads, workers, .. } = &loaded.settings;
    let threads = if *threads == 0 { "all cores".to_owned() } else { count(*threads, "thread") };
    Finding::ok(TOPIC, format!("device {device}, {threads}, {}; xrun settings says why", count(*workers, "worker")))
}

/// Whether a folder that is written to is there or can be made, and how much it can take.
fn folder(topic: &'static str, path: &Path) -> Finding {
    let elsewhere = format!("choose another folder: --{topic} DIR, or {topic} in xrun.toml");
    let shown = path.display();
    let Some(there) = path.ancestors().find(|above| above.exists()).map(Path::to_owned) else {
        return Finding::attention(topic, format!("nothing above {shown} is there"), elsewhere);
    };
    if !there.is_dir() {
        return Finding::attention(
            topic,
            format!("{} is a file", there.display()),
            format!("move it away, or {elsewhere}"),
        );
    }
    if access(&there, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Finding::attention(
            topic,
            format!("{} cannot be written", there.display()),
            format!("chmod u+w it, or {elsewhere}"),
        );
    }
    let free = match statvfs(&there) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            return Finding::attention(topic, format!("cannot tell the free space of {shown}: {error}"), elsewhere);
        }
    };
    let state = if there == path { "" } else { ", not there yet" };
    let what = format!("{shown}{state}, {} free", size(free));
    if free < ENOUGH_BYTES {
        let clear = if topic == "results" { "xrun gc and xrun rm free some space" } else { "free some space" };
        return Finding::attention(topic, what, format!("{clear}, or {elsewhere}"));
    }
    Finding::ok(topic, what)
}

fn data(folder: &Path) -> Finding {
    const TOPIC: &str = "data";
    let (mut present, mut incomplete) = (Vec::new(), Vec::new());
    for entry in ENTRIES {
        match fetch::presence(entry, folder) {
            Presence::Present => present.push(entry.name()),
            Presence::Incomplete => incomplete.push(entry.name()),
            Presence::Absent => {}
        }
    }
    if !incomplete.is_empty() {
        let names = incomplete.join(" ");
        let what = format!("cut short in {}: {}", folder.display(), incomplete.join(", "));
        return Finding::attention(TOPIC, what, format!("xrun data fetch {names}"));
    }
    if present.is_empty() {
        let what = "nothing that was published is here; embedded data and your own files need nothing (xrun data ls)";
        return Finding::ok(TOPIC, what);
    }
    Finding::ok(TOPIC, format!("{} in {}", present.join(", "), folder.display()))
}

fn devices(settings: &Settings) -> Finding {
    const TOPIC: &str = "devices";
    let listed: Vec<String> = device::list()
        .into_iter()
        .map(|info| {
            let note = if info.software { ", a software renderer" } else { "" };
            format!("{} ({}{note})", info.kind, info.name)
        })
        .collect();
    let listed = listed.join(", ");
    match settings.device.parse::<DeviceChoice>() {
        Err(error) => Finding::attention(TOPIC, error.to_string(), "xrun doctor --device auto shows those there are"),
        Ok(DeviceChoice::Fixed(_)) => Finding::ok(TOPIC, format!("{listed}; the settings name {}", settings.device)),
        Ok(DeviceChoice::Auto) => match own_program() {
            Ok(program) => {
                let chosen = device::choose(&program, Duration::from_secs(30));
                Finding::ok(TOPIC, format!("{listed}; auto takes {}: {}", chosen.kind, chosen.reason))
            }
            Err(failure) => failed(TOPIC, &failure),
        },
    }
}

/// Trains a tiny network where a run would.
fn trained(settings: &Settings) -> Vec<Finding> {
    const TOPIC: &str = "training";
    if settings.device.parse::<DeviceChoice>().is_err() {
        // That has been said of the devices.
        return Vec::new();
    }
    let threads = use_threads(settings.threads);
    let device = match Devices::choose(settings, true) {
        Ok(devices) => devices.open,
        Err(failure) => return vec![failed(TOPIC, &failure)],
    };
    let test = match DeviceTest::of(&device) {
        Ok(test) => test,
        Err(failure) => return vec![failed(TOPIC, &failure)],
    };
    let kind = device.kind();
    let learns = match test.fault() {
        None => Finding::ok(TOPIC, format!("{kind} trains a tiny network, {}", count(threads, "thread"))),
        Some(why) => Finding::attention(
            TOPIC,
            format!("do not train on {kind}: {why}"),
            format!("--device cpu; xrun doctor --device {kind} shows the losses"),
        ),
    };
    let repeats = if test.repeats {
        Finding::ok("determinism", format!("two trainings agree bit for bit ({})", device.class()))
    } else {
        Finding::attention(
            "determinism",
            format!("two trainings on {kind} differ in their bits: results do not repeat exactly"),
            "--device cpu where numbers have to repeat",
        )
    };
    vec![learns, repeats]
}

fn failed(topic: &'static str, failure: &Failure) -> Finding {
    let remedy = failure.hint.clone().unwrap_or_else(|| "--device cpu works everywhere".to_owned());
    Finding::attention(topic, failure.message.clone(), remedy)
}
