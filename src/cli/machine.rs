//! What a command trains on: devices, workers and threads, and the signals that stop it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

use super::Exit;
use super::args::WorkerArguments;
use super::failure::Failure;
use super::output::say;
use crate::device::{self, DeviceChoice, DeviceKind, OpenDevice};
use crate::program;
use crate::runner::{self, Crew, Interrupt, Request};
use crate::script::Evaluated;
use crate::settings::Settings;
use crate::train::FeatureStore;

const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// All that a run needs beside its script.
pub(super) struct Machine {
    devices: Devices,
    crew: Crew,
    threads: usize,
    features: FeatureStore,
    interrupt: Interrupt,
    command: Vec<String>,
}

impl Machine {
    /// As the settings ask for it, with so many threads for all fits together.
    pub(super) fn open(settings: &Settings, threads: usize, quiet: bool) -> Result<Self, Failure> {
        let devices = Devices::choose(settings, quiet)?;
        let (crew, threads) = crew(settings, &devices, threads)?;
        Ok(Self {
            devices,
            crew,
            threads,
            features: FeatureStore::new(&settings.cache),
            interrupt: listen_to_signals()?,
            // Bytes that are no text are replaced: the record is text.
            command: std::env::args_os().map(|part| part.to_string_lossy().into_owned()).collect(),
        })
    }

    /// What a run of this script needs.
    pub(super) fn request<'a>(&'a self, evaluated: &'a Evaluated, settings: &'a Settings, fresh: bool) -> Request<'a> {
        Request {
            evaluated,
            results: &settings.results,
            device: &self.devices.open,
            threads: self.threads,
            crew: &self.crew,
            features: &self.features,
            retries: settings.retries,
            fresh,
            interrupt: &self.interrupt,
            command: &self.command,
        }
    }
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

pub(super) fn own_program() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot find this program's own file: {error}")))
}

/// Settles the number of threads for the whole process, before anything is done in parallel; 0 means all cores.
pub(super) fn use_threads(threads: usize) -> usize {
    // It fails only when the pool exists already; then that one serves.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    rayon::current_num_threads()
}
