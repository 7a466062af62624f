//! Runs a program of the user's: found as a shell finds it, in a group of its own that ends with it, with its
//! standard output heard line by line.
//!
//! Nothing that a program starts outlives it. Its group is led by a guard: this program once more, which watches a
//! pipe from the process that ordered the run and ends the group when that process is gone, however it ended. A process
//! that leaves its group on purpose (`setsid`) gets away.

mod guard;
mod report;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use guard::Guard;

pub use guard::{COMMAND, guard};
pub use report::{Report, ReportError};

/// Between the request to end and the end without one.
const GRACE: Duration = Duration::from_secs(2);

/// How often its end and the wish to stop are looked at while it says nothing.
const PAUSE: Duration = Duration::from_millis(20);

/// A program with all it is given.
#[derive(Clone, Debug)]
pub struct Call {
    /// The program's file, as [`find`] gives it.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Folder it runs in.
    pub folder: PathBuf,
    /// Environment variables that are set, or with `None` unset; it inherits all others.
    pub env: BTreeMap<String, Option<OsString>>,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this exit code.
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    /// It took too long and was ended.
    TimedOut,
    /// It was not wanted any more and was ended.
    Stopped,
}

/// The file of a program: a name with a `/` in it counts from `folder`, any other is looked up in `PATH`. `None` when
/// there is no such file that can be run.
#[must_use]
pub fn find(name: &str, folder: &Path) -> Option<PathBuf> {
    let runs =
        |path: &PathBuf| path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    if name.contains('/') {
        return Some(folder.join(name)).filter(runs);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|place| folder.join(place).join(name)).find(runs)
}

impl Call {
    /// Runs it to its end. Its standard output goes to `output`, and what of it may be a [`Report`] to `hear`, line by
    /// line; its standard error goes to `errors`. `hear` is asked with `None` from time to time, and ends the program
    /// with [`ControlFlow::Break`]: SIGTERM, and SIGKILL two seconds later. Lines that were printed before it ended by itself are
    /// all heard, so that what they decide does not depend on how fast they were read.
    ///
    /// # Errors
    /// The program or its guard cannot be started, or its output not be kept.
    pub fn run(
        &self,
        (output, errors): (File, File),
        hear: &mut dyn FnMut(Option<&str>) -> ControlFlow<()>,
    ) -> io::Result<End> {
        let guard = Guard::start()?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder).process_group(guard.group());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.spawn()?;
        let lines = listen(child.stdout.take().expect("the stream is a pipe"), output);
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        let mut ended: Option<(End, Instant)> = None;
        let status = loop {
            let heard = lines.recv_timeout(PAUSE);
            let flow = match &heard {
                Ok(Ok(line)) => hear(Some(line)),
                Ok(Err(error)) => return Err(io::Error::new(error.kind(), error.to_string())),
                Err(RecvTimeoutError::Timeout) => hear(None),
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(Duration::from_millis(1));
                    hear(None)
                }
            };
            if let Some(status) = child.try_wait()? {
                if flow.is_break() {
                    ended.get_or_insert((End::Stopped, Instant::now()));
                }
                break status;
            }
            match ended {
                Some((_, since)) if since.elapsed() >= GRACE => guard.kill(),
                Some(_) => {}
                None => {
                    let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
                    if flow.is_break() || is_late {
                        let how = if flow.is_break() { End::Stopped } else { End::TimedOut };
                        ended = Some((how, Instant::now()));
                        guard.ask_to_end();
                    }
                }
            }
        };
        // What it left behind would hold its output open.
        drop(guard);
        let ended = ended.map(|(how, _)| how);
        Ok(match ended {
            Some(how) => how,
            None if rest(&lines, hear)?.is_break() => End::Stopped,
            None => end(status),
        })
    }
}

fn end(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Signalled(signal.unwrap_or_default()),
    }
}

/// What was printed and not heard yet. A process that left the group may still hold the output open; it is not waited for.
fn rest(
    lines: &Receiver<io::Result<String>>,
    hear: &mut dyn FnMut(Option<&str>) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    while let Ok(line) = lines.recv_timeout(GRACE) {
        if hear(Some(&line?)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Keeps what is printed, and passes on the lines that may be reports.
fn listen(printed: ChildStdout, mut output: File) -> Receiver<io::Result<String>> {
    let (say, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut printed = BufReader::new(printed);
        let mut line = Vec::new();
        loop {
            line.clear();
            let kept = printed.read_until(b'\n', &mut line).and_then(|n| output.write_all(&line).map(|()| n));
            let said = match kept {
                Ok(0) => return,
                Ok(_) => {
                    let text = String::from_utf8_lossy(&line);
                    Ok(text.trim().to_owned()).map(|text| text.starts_with('{').then_some(text))
                }
                Err(error) => Err(error),
            };
            // Nobody listens when the run was given up.
            if let Some(said) = said.transpose()
                && say.send(said).is_err()
            {
                return;
            }
        }
    });
    lines
}
