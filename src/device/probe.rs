//! Whether a device answers, asked where a crash does no harm.
//!
//! A graphics driver can panic or take the process down. So a device that nobody asked for by name is first tried in
//! a process of its own: the same program with the hidden command `__probe DEVICE`, which calls [`probe`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor, TensorData};

use super::{DeviceError, DeviceKind, open};

/// How often a probe's process is asked whether it has ended.
const POLL: Duration = Duration::from_millis(10);

/// Whether [`super::DeviceChoice::Auto`] may take a device: opens it and multiplies two small matrices on it.
///
/// # Errors
/// The device cannot be opened, is a software renderer, or the product is wrong or never comes.
pub fn probe(kind: DeviceKind) -> Result<(), DeviceError> {
    let device = open(kind)?;
    if device.is_software() {
        return Err(DeviceError::CannotOpen { device: kind, reason: "it is a software renderer".to_owned() });
    }
    guard(kind, || multiply(&device.plain()))
}

/// Runs something that asks a driver; a panic in it is an error that carries the panic's message.
pub(super) fn guard<T>(device: DeviceKind, ask: impl FnOnce() -> Result<T, String>) -> Result<T, DeviceError> {
    let answer = catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(message.unwrap_or_else(|| "the driver panicked without a message".to_owned()))
    });
    answer.map_err(|reason| DeviceError::CannotOpen { device, reason })
}

fn multiply(device: &Device) -> Result<(), String> {
    let left = Tensor::<2>::from_data(TensorData::new(vec![1.0_f32, 2.0, 3.0, 4.0], [2, 2]), device);
    let right = Tensor::<2>::from_data(TensorData::new(vec![5.0_f32, 6.0, 7.0, 8.0], [2, 2]), device);
    let product = left.matmul(right).try_into_vec_as::<f32>().map_err(|error| error.to_string())?;
    if product == [19.0, 22.0, 43.0, 50.0] {
        Ok(())
    } else {
        Err(format!("a product of two matrices is {product:?} instead of [19, 22, 43, 50]"))
    }
}

/// Tries a device in a process of its own: runs `exe __probe DEVICE` and ends it after `timeout`.
///
/// # Errors
/// A reason in words: the process cannot be started, ends with another code than 0, is ended by a signal, or is late.
pub fn probe_in_subprocess(exe: &Path, kind: DeviceKind, timeout: Duration) -> Result<(), String> {
    let mut child = Command::new(exe)
        .arg("__probe")
        .arg(kind.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", exe.display()))?;
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("the probe of {kind} failed ({status})")),
            Ok(None) if started.elapsed() < timeout => std::thread::sleep(POLL),
            Ok(None) => {
                // The probe may end by itself meanwhile, and then there is nothing to kill.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("the probe of {kind} gave no answer in {} s", timeout.as_secs_f64()));
            }
            Err(error) => return Err(format!("cannot wait for the probe of {kind}: {error}")),
        }
    }
}

/// A device that was chosen, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The device.
    pub kind: DeviceKind,
    /// Why this one.
    pub reason: String,
}

/// What [`super::DeviceChoice::Auto`] stands for: the first of CUDA and wgpu that is compiled in and passes its probe
/// in a process of `exe`, else the CPU. No driver is asked in this process.
#[must_use]
pub fn choose(exe: &Path, timeout: Duration) -> Chosen {
    let cuda = cfg!(feature = "cuda").then_some(DeviceKind::Cuda(None));
    let wgpu = cfg!(feature = "wgpu").then_some(DeviceKind::Wgpu(None));
    let mut refused = Vec::new();
    for kind in cuda.into_iter().chain(wgpu) {
        match probe_in_subprocess(exe, kind, timeout) {
            Ok(()) => return Chosen { kind, reason: "it passed its probe".to_owned() },
            Err(reason) => refused.push(reason),
        }
    }
    let reason = match refused.as_slice() {
        [] => "this xrun is built for the CPU alone".to_owned(),
        refused => refused.join("; "),
    };
    Chosen { kind: DeviceKind::Cpu, reason }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_passes_its_probe() {
        assert_eq!(probe(DeviceKind::Cpu), Ok(()));
    }

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let error = guard::<()>(DeviceKind::Cuda(Some(1)), || panic!("no driver")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot open cuda:1: no driver; `xrun doctor` lists what there is, and `--device cpu` works everywhere"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_probe_that_fails_or_hangs_or_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let script = |name: &str, body: &str| {
            use std::os::unix::fs::PermissionsExt;
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let kind = DeviceKind::Wgpu(Some(0));
        let long = Duration::from_secs(20);
        let good = script("good", "test \"$1 $2\" = '__probe wgpu:0'");
        assert_eq!(probe_in_subprocess(&good, kind, long), Ok(()));
        assert_eq!(
            probe_in_subprocess(&script("bad", "exit 7"), kind, long).unwrap_err(),
            "the probe of wgpu:0 failed (exit status: 7)"
        );
        assert_eq!(
            probe_in_subprocess(&script("late", "sleep 30"), kind, Duration::from_millis(50)).unwrap_err(),
            "the probe of wgpu:0 gave no answer in 0.05 s"
        );
        assert!(probe_in_subprocess(&folder.path().join("none"), kind, long).unwrap_err().starts_with("cannot start"));
    }

    #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
    #[test]
    fn a_build_without_graphics_backends_chooses_the_cpu_and_says_why() {
        let chosen = choose(Path::new("/nowhere"), Duration::ZERO);
        assert_eq!(chosen.kind, DeviceKind::Cpu);
        assert_eq!(chosen.reason, "this xrun is built for the CPU alone");
    }
}
