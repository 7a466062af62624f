//! A worker process: takes orders from standard input, one a line, and answers on standard output.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::order::{Message, Said};
use super::pool::among_threads;
use super::record::{self, Undone};
use crate::data::{self, Dataset};
use crate::device::OpenDevice;
use crate::script::{self, Outcome};
use crate::spec::data::DataSpec;
use crate::store::{FitFolder, StoreError};
use crate::train::Flow;

/// Batches are told at most this often.
const BATCH_PAUSE: Duration = Duration::from_millis(100);

/// Works until standard input ends. It ends with the process that gives the orders, however that ends, and then the
/// worker ends at once, in the middle of an order if need be: nobody waits for it, and its state is on disk.
pub fn work(device: &OpenDevice, cache: &Path) {
    let (orders, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if orders.send(line).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
    let mut opened: Option<(DataSpec, Dataset)> = None;
    for line in lines {
        match carry_out(&line, device, cache, &mut opened) {
            Ok(()) => {}
            Err(Undone::Lost(reason)) => say(&Said::Lost { reason }),
            Err(Undone::Store(error)) => say(&Said::Refused { reason: error.to_string() }),
            Err(Undone::Interrupted) => unreachable!("a worker process is ended, not interrupted"),
        }
    }
}

fn carry_out(
    line: &str,
    device: &OpenDevice,
    cache: &Path,
    opened: &mut Option<(DataSpec, Dataset)>,
) -> Result<(), Undone> {
    let lost = |error: &dyn std::fmt::Display| Undone::Lost(error.to_string());
    let message: Message = serde_json::from_str(line).map_err(|error| lost(&error))?;
    let config = FitFolder::open(message.folder().clone())?.config_path();
    let evaluated = script::evaluate(&config, &[]).map_err(|error| lost(&error.message))?;
    let Outcome::Fit(fit) = evaluated.outcome else {
        return Err(Undone::Lost(format!("{} is no fit", config.display())));
    };
    if let Some(spec) = fit.data()
        && opened.as_ref().is_none_or(|(of, _)| of != spec)
    {
        let data = data::open(spec, cache).map_err(|error| lost(&error))?;
        *opened = Some((spec.clone(), data));
    }
    let data = fit.data().and(opened.as_ref()).map(|(_, data)| data);
    let mut fold = None;
    let order = message.order(*fit, &mut fold).map_err(|error| lost(&error))?;
    let mut told = Instant::now();
    among_threads(device, || {
        record::carry_out(&order, data, device, &mut |said| {
            if !matches!(said, Said::Batch { .. }) || told.elapsed() >= BATCH_PAUSE {
                told = Instant::now();
                say(&said);
            }
            Flow::Continue
        })
    })
}

fn say(said: &Said) {
    let line = serde_json::to_string(said).expect("what a worker says has text keys");
    let mut out = std::io::stdout().lock();
    // Nobody hears it when the other end is gone, and then this process ends.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

impl From<StoreError> for Said {
    fn from(error: StoreError) -> Self {
        Self::Refused { reason: error.to_string() }
    }
}
