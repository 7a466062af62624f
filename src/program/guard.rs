//! The guard of a program's group of processes.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use rustix::process::{Pid, Signal, kill_current_process_group, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::GRACE;

/// The hidden command of this program that is the guard.
pub const COMMAND: &str = "__guard";

/// The process that leads a group. It holds the other end of a pipe from this process, and a group has its leader's
/// number for as long as the leader is not waited for: no signal can reach a stranger.
pub(super) struct Guard(Child);

impl Guard {
    pub(super) fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(COMMAND).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(Self)
    }

    /// The group's number.
    pub(super) fn group(&self) -> i32 {
        self.0.id().cast_signed()
    }

    /// Asks the group to end; the guard itself stays.
    pub(super) fn ask_to_end(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends the group on the spot.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = Pid::from_raw(self.group()) {
            // A group that has ended needs no signal.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the process that started this one is gone, then ends the group: SIGTERM, and SIGKILL a little later.
///
/// # Errors
/// Signals cannot be listened to.
pub fn guard() -> io::Result<()> {
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        // Noted and passed over: they are meant for the others in the group.
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    let mut nothing = [0; 64];
    loop {
        match io::stdin().read(&mut nothing) {
            Ok(0) => break,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
            Ok(_) | Err(_) => {}
        }
    }
    let _ = kill_current_process_group(Signal::TERM);
    thread::sleep(GRACE);
    let _ = kill_current_process_group(Signal::KILL);
    Ok(())
}
