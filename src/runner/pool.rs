//! The workers of a run: a thread of this process, or processes of this program. Each carries out one order at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use super::Interrupt;
use super::order::{Message, Order, Said};
use super::record::{self, Undone};
use crate::data::Dataset;
use crate::device::{DeviceKind, OpenDevice};
use crate::train::Flow;

/// Who does the work.
#[derive(Clone, Debug)]
pub enum Crew {
    /// This process.
    Here,
    /// Processes that run `program` with these arguments, one list for each.
    Processes {
        /// The program.
        program: PathBuf,
        /// Arguments of each process.
        arguments: Vec<Vec<String>>,
    },
}

impl Crew {
    /// Number of workers.
    #[must_use]
    pub fn n(&self) -> usize {
        match self {
            Self::Here => 1,
            Self::Processes { arguments, .. } => arguments.len(),
        }
    }
}

/// What happened to a worker.
#[derive(Debug)]
pub(super) enum Heard {
    Said(Said),
    /// It is gone; what is known of its end.
    Gone(String),
}

/// The workers, started when they are first needed.
pub(super) struct Pool<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    crew: &'env Crew,
    data: Option<&'env Dataset>,
    device: &'env OpenDevice,
    interrupt: &'env Interrupt,
    seats: Vec<Option<Seat<'env>>>,
    n_started: usize,
    report: Sender<(usize, usize, Heard)>,
    reports: Receiver<(usize, usize, Heard)>,
}

/// A worker at its place, and the how-manieth that was started, so that a late word of its predecessor is told apart.
struct Seat<'env> {
    number: usize,
    worker: Worker<'env>,
}

enum Worker<'env> {
    Thread(Sender<Order<'env>>),
    Process { child: Child, orders: ChildStdin },
}

impl<'scope, 'env: 'scope> Pool<'scope, 'env> {
    pub(super) fn new(
        scope: &'scope Scope<'scope, 'env>,
        crew: &'env Crew,
        data: Option<&'env Dataset>,
        device: &'env OpenDevice,
        interrupt: &'env Interrupt,
    ) -> Self {
        let (report, reports) = mpsc::channel();
        let seats = (0..crew.n()).map(|_| None).collect();
        Self { scope, crew, data, device, interrupt, seats, n_started: 0, report, reports }
    }

    /// Gives the worker at `seat` an order. If it cannot be given, [`Pool::wait`] tells that the worker is gone.
    pub(super) fn give(&mut self, seat: usize, order: Order<'env>) {
        if self.seats[seat].is_none() {
            self.n_started += 1;
            let number = self.n_started;
            match self.start(seat, number) {
                Ok(worker) => self.seats[seat] = Some(Seat { number, worker }),
                Err(error) => {
                    let _ = self.report.send((seat, number, Heard::Gone(format!("it could not be started: {error}"))));
                    return;
                }
            }
        }
        match self.seats[seat].as_mut().map(|seat| &mut seat.worker) {
            Some(Worker::Thread(orders)) => orders.send(order).expect("the thread takes orders as long as the pool is"),
            Some(Worker::Process { orders, .. }) => {
                let line = serde_json::to_string(&Message::new(&order)).expect("an order has text keys");
                // A worker that does not take it has ended, which the thread that listens to it will tell.
                let _ = writeln!(orders, "{line}").and_then(|()| orders.flush());
            }
            None => unreachable!("it was started above"),
        }
    }

    /// What the next worker says, and at which seat; `None` after `timeout`.
    pub(super) fn wait(&mut self, timeout: Duration) -> Option<(usize, Heard)> {
        loop {
            let (seat, number, heard) = self.reports.recv_timeout(timeout).ok()?;
            let is_seated = self.seats[seat].as_ref().is_some_and(|seated| seated.number == number);
            if let Heard::Gone(reason) = heard {
                if !is_seated && self.seats[seat].is_some() {
                    continue;
                }
                let how = self.seats[seat].take().map(|seated| seated.worker.end());
                return Some((seat, Heard::Gone(how.flatten().map_or(reason.clone(), |how| format!("{how}{reason}")))));
            }
            if is_seated {
                return Some((seat, heard));
            }
        }
    }

    fn start(&self, seat: usize, number: usize) -> std::io::Result<Worker<'env>> {
        let report = self.report.clone();
        match self.crew {
            Crew::Here => {
                let (orders, taken) = mpsc::channel::<Order<'env>>();
                let (data, device, interrupt) = (self.data, self.device, self.interrupt);
                self.scope.spawn(move || {
                    for order in taken {
                        let tell = |heard| drop(report.send((seat, number, heard)));
                        let work = || {
                            among_threads(device, || {
                                record::carry_out(&order, data, device, &mut |said| {
                                    tell(Heard::Said(said));
                                    if interrupt.is_set() { Flow::Stop } else { Flow::Continue }
                                })
                            })
                        };
                        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
                            Ok(Ok(()) | Err(Undone::Interrupted)) => {}
                            Ok(Err(Undone::Lost(reason))) => tell(Heard::Said(Said::Lost { reason })),
                            Ok(Err(Undone::Store(error))) => tell(Heard::Said(error.into())),
                            Err(_) => tell(Heard::Said(Said::Lost { reason: "it panicked".to_owned() })),
                        }
                    }
                });
                Ok(Worker::Thread(orders))
            }
            Crew::Processes { program, arguments } => {
                let mut command = Command::new(program);
                command.args(&arguments[seat]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                let mut child = command.spawn()?;
                let (orders, said, complaints) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
                let (orders, said) = orders.zip(said).expect("the streams are pipes");
                let mut complaints = complaints.expect("the streams are pipes");
                self.scope.spawn(move || {
                    let complaints = std::thread::spawn(move || {
                        let mut text = Vec::new();
                        let _ = complaints.read_to_end(&mut text);
                        String::from_utf8_lossy(&text).into_owned()
                    });
                    for line in BufReader::new(said).lines().map_while(Result::ok) {
                        if let Ok(said) = serde_json::from_str(&line) {
                            let _ = report.send((seat, number, Heard::Said(said)));
                        }
                    }
                    let complaints = complaints.join().unwrap_or_default();
                    let reason = last_words(&complaints).map_or_else(String::new, |words| format!(": {words}"));
                    let _ = report.send((seat, number, Heard::Gone(reason)));
                });
                Ok(Worker::Process { child, orders })
            }
        }
    }
}

/// Trains on one of the threads that compute, where the device is the processor. From any other thread each operation of a
/// training would be handed over and waited for, which costs two changes of threads, thousands of times in an epoch of a
/// small network.
pub(super) fn among_threads<T: Send>(device: &OpenDevice, work: impl FnOnce() -> T + Send) -> T {
    // A thread that waits takes up other work: a second fit would begin inside the first one, and wait for its random numbers.
    static ONE: Mutex<()> = Mutex::new(());
    if device.kind() != DeviceKind::Cpu {
        return work();
    }
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    rayon::scope(|_| work())
}

/// What a process that has ended said last: the message of its panic, else its last line.
fn last_words(complaints: &str) -> Option<&str> {
    let lines: Vec<&str> = complaints.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let panic = lines.iter().rposition(|line| line.contains(" panicked at "));
    panic.and_then(|at| lines.get(at + 1)).or(lines.last()).copied()
}

impl Worker<'_> {
    /// Waits for a process that has closed its output; how it ended.
    fn end(self) -> Option<String> {
        let Self::Process { mut child, orders } = self else { return None };
        drop(orders);
        let status = child.wait().ok()?;
        Some(format!("its worker ended with {status}"))
    }
}

/// Ends the workers, in the middle of an order if need be.
impl Drop for Pool<'_, '_> {
    fn drop(&mut self) {
        for seat in self.seats.iter_mut().filter_map(Option::take) {
            if let Worker::Process { mut child, .. } = seat.worker {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_a_process_are_its_panic_or_its_last_line() {
        let panic = "warming up\n\nthread 'main' (7) panicked at src/x.rs:1:2:\nno such tensor\nnote: run with `RUST_BACKTRACE=1`\n";
        assert_eq!(last_words(panic), Some("no such tensor"));
        assert_eq!(last_words("first\n  terminate called \n\n"), Some("terminate called"));
        assert_eq!(last_words("\n"), None);
    }
}
