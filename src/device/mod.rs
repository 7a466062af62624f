//! Devices: which ones there are, how one is named, and how it is opened.
//!
//! A [`DeviceChoice`] is what a user writes; [`choose`] settles `auto` to a [`DeviceKind`], asking a probe in a process of
//! its own where a driver could take the program down; [`open`] gives an [`OpenDevice`] that models and training run
//! on. Burn's default device is never used: every tensor is made on a device that was opened here.
//!
//! Results are equal bit for bit on devices of one [class](OpenDevice::class) only.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod probe;
#[cfg(feature = "wgpu")]
mod wgpu;

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;

pub use probe::{Chosen, choose, probe, probe_in_subprocess};

/// What a user asks for: devices, or the best one there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A real graphics processor if one is compiled in and passes its probe, else the CPU; never a software renderer.
    Auto,
    /// These devices, all of one kind and each once, for workers in turn; at least one.
    Fixed(Vec<DeviceKind>),
}

/// A kind of device, and which one of the kind: position in [`list`], or none for the first that is suitable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A device behind Vulkan, Metal, Direct3D 12 or OpenGL.
    Wgpu(Option<usize>),
    /// An NVIDIA device with its own driver.
    Cuda(Option<usize>),
}

/// A text that names no device, or not as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownDevice {
    /// It is no name of a device.
    #[error(
        "`{text}` names no device; write auto, cpu, wgpu, wgpu:N, cuda or cuda:N, with N counted from 0; several are \
         written wgpu:0,1 or cuda:0,1"
    )]
    NoName {
        /// The text.
        text: String,
    },
    /// It names one device more than once.
    #[error("`{text}` names {device} twice; name each device once")]
    Twice {
        /// The text.
        text: String,
        /// The device.
        device: DeviceKind,
    },
}

/// Why a device is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The program was built without the backend.
    #[error("this xrun was built without {backend}; build it with `cargo build --release --features {backend}`")]
    NotCompiledIn {
        /// Name of the backend and of its feature.
        backend: &'static str,
    },
    /// Workers would compute on devices whose results differ.
    #[error(
        "{first} is {first_class}, but {other} is {other_class}: their results would differ; name devices of one class"
    )]
    Unlike {
        /// A device.
        first: DeviceKind,
        /// Its class.
        first_class: String,
        /// Another one.
        other: DeviceKind,
        /// Its class.
        other_class: String,
    },
    /// The device does not answer.
    #[error("cannot open {device}: {reason}; `xrun doctor` lists what there is, and `--device cpu` works everywhere")]
    CannotOpen {
        /// The device.
        device: DeviceKind,
        /// What the driver says.
        reason: String,
    },
}

/// A device as `xrun doctor` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// How to name it, with its position.
    pub kind: DeviceKind,
    /// What it calls itself.
    pub name: String,
    /// Driver and its version, empty for the CPU.
    pub driver: String,
    /// Whether it is the CPU posing as a graphics processor.
    pub software: bool,
}

/// A device that is ready to compute.
#[derive(Clone, Debug)]
pub struct OpenDevice {
    device: Device,
    kind: DeviceKind,
    class: String,
    driver: String,
    software: bool,
}

impl OpenDevice {
    /// The kind it was opened as.
    #[must_use]
    pub fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// What the bits of a result depend on beside the program: devices of one class give equal results.
    #[must_use]
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Driver and its version, empty for the CPU.
    #[must_use]
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// What can be promised of a result on a device of this class, in a sentence.
    #[must_use]
    pub fn promise(&self) -> &'static str {
        match self.kind {
            DeviceKind::Cpu => {
                "the same numbers bit for bit on every CPU of this device class, with this numerics version and any \
                 number of threads"
            }
            DeviceKind::Wgpu(_) | DeviceKind::Cuda(_) => {
                "no promise: whether numbers repeat on a GPU is measured, as `xrun doctor` does, not guaranteed"
            }
        }
    }

    /// Whether it is the CPU posing as a graphics processor.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.software
    }

    /// The device for evaluation: no gradients are tracked.
    pub(crate) fn plain(&self) -> Device {
        self.device.clone()
    }

    /// The device for training: gradients are tracked.
    pub(crate) fn training(&self) -> Device {
        self.device.clone().autodiff()
    }
}

/// Opens a device.
///
/// # Errors
/// The backend is not compiled in, or the device does not answer.
pub fn open(kind: DeviceKind) -> Result<OpenDevice, DeviceError> {
    match kind {
        DeviceKind::Cpu => Ok(cpu::open()),
        DeviceKind::Wgpu(index) => wgpu::open(index),
        DeviceKind::Cuda(index) => cuda::open(index),
    }
}

/// Opens devices that are to compute one result together; gives the first.
///
/// # Errors
/// One cannot be opened, or is of another class than the first.
///
/// # Panics
/// If there is none.
pub fn open_alike(kinds: &[DeviceKind]) -> Result<OpenDevice, DeviceError> {
    let opened = kinds.iter().map(|&kind| open(kind)).collect::<Result<Vec<_>, _>>()?;
    let classes: Vec<(DeviceKind, &str)> = opened.iter().map(|device| (device.kind(), device.class())).collect();
    check_alike(&classes)?;
    Ok(opened.into_iter().next().expect("there is a device"))
}

fn check_alike(classes: &[(DeviceKind, &str)]) -> Result<(), DeviceError> {
    match classes.iter().find(|(_, class)| *class != classes[0].1) {
        None => Ok(()),
        Some(&(other, other_class)) => Err(DeviceError::Unlike {
            first: classes[0].0,
            first_class: classes[0].1.to_owned(),
            other,
            other_class: other_class.to_owned(),
        }),
    }
}

/// Every device of this build: the CPU, then wgpu's adapters, then CUDA's devices. Drivers are asked in this process.
#[must_use]
pub fn list() -> Vec<DeviceInfo> {
    std::iter::once(cpu::info()).chain(wgpu::list()).chain(cuda::list()).collect()
}

/// Held while Burn's random numbers are drawn: they come from one generator for the whole process, so two trainings at
/// the same time would disturb each other.
pub(crate) fn lock_random() -> MutexGuard<'static, ()> {
    static RANDOM: Mutex<()> = Mutex::new(());
    RANDOM.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Wgpu(None) => f.write_str("wgpu"),
            Self::Wgpu(Some(index)) => write!(f, "wgpu:{index}"),
            Self::Cuda(None) => f.write_str("cuda"),
            Self::Cuda(Some(index)) => write!(f, "cuda:{index}"),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Fixed(kinds) => kinds.iter().enumerate().try_for_each(|(position, kind)| match kind {
                DeviceKind::Wgpu(Some(index)) | DeviceKind::Cuda(Some(index)) if position > 0 => write!(f, ",{index}"),
                kind => kind.fmt(f),
            }),
        }
    }
}

impl FromStr for DeviceKind {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        let unknown = || UnknownDevice::NoName { text: text.to_owned() };
        let (name, index) = match text.split_once(':') {
            Some((name, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                (name, Some(digits.parse::<usize>().map_err(|_| unknown())?))
            }
            Some(_) => return Err(unknown()),
            None => (text, None),
        };
        match (name, index) {
            ("cpu", None) => Ok(Self::Cpu),
            ("wgpu", index) => Ok(Self::Wgpu(index)),
            ("cuda", index) => Ok(Self::Cuda(index)),
            _ => Err(unknown()),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let unknown = || UnknownDevice::NoName { text: text.to_owned() };
        let mut parts = text.split(',');
        let first = parts.next().unwrap_or_default();
        let mut kinds = vec![first.parse::<DeviceKind>().map_err(|_| unknown())?];
        for index in parts {
            // A list goes on from a device with a number: `cuda,1` would not say which one comes first.
            let (name, _) = first.split_once(':').ok_or_else(unknown)?;
            let device = format!("{name}:{index}").parse().map_err(|_| unknown())?;
            if kinds.contains(&device) {
                return Err(UnknownDevice::Twice { text: text.to_owned(), device });
            }
            kinds.push(device);
        }
        Ok(Self::Fixed(kinds))
    }
}

/// In place of the backend when it is not compiled in.
#[cfg(not(feature = "cuda"))]
mod cuda {
    pub(super) fn list() -> Vec<super::DeviceInfo> {
        Vec::new()
    }

    pub(super) fn open(_index: Option<usize>) -> Result<super::OpenDevice, super::DeviceError> {
        Err(super::DeviceError::NotCompiledIn { backend: "cuda" })
    }
}

/// In place of the backend when it is not compiled in.
#[cfg(not(feature = "wgpu"))]
mod wgpu {
    pub(super) fn list() -> Vec<super::DeviceInfo> {
        Vec::new()
    }

    pub(super) fn open(_index: Option<usize>) -> Result<super::OpenDevice, super::DeviceError> {
        Err(super::DeviceError::NotCompiledIn { backend: "wgpu" })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_and_written_by_its_name() {
        for (text, choice) in [
            ("auto", DeviceChoice::Auto),
            ("cpu", DeviceChoice::Fixed(vec![DeviceKind::Cpu])),
            ("wgpu", DeviceChoice::Fixed(vec![DeviceKind::Wgpu(None)])),
            ("wgpu:1", DeviceChoice::Fixed(vec![DeviceKind::Wgpu(Some(1))])),
            ("cuda", DeviceChoice::Fixed(vec![DeviceKind::Cuda(None)])),
            ("cuda:0", DeviceChoice::Fixed(vec![DeviceKind::Cuda(Some(0))])),
            ("cuda:0,1", DeviceChoice::Fixed(vec![DeviceKind::Cuda(Some(0)), DeviceKind::Cuda(Some(1))])),
            ("wgpu:2,0,1", DeviceChoice::Fixed([2, 0, 1].map(|index| DeviceKind::Wgpu(Some(index))).to_vec())),
        ] {
            assert_eq!(text.parse(), Ok(choice.clone()));
            assert_eq!(choice.to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_ones_there_are() {
        let message = |text: &str| text.parse::<DeviceChoice>().unwrap_err().to_string();
        for text in [
            "gpu",
            "cpu:0",
            "wgpu:",
            "cuda:-1",
            "cuda:+1",
            "wgpu:x",
            "",
            "cuda:99999999999999999999",
            "cuda:0,",
            "cuda,1",
            "cpu,cpu",
            "cuda:0,cuda:1",
            "cuda:0,wgpu:1",
            "wgpu:0, 1",
            "auto,cpu",
        ] {
            assert_eq!(
                message(text),
                format!(
                    "`{text}` names no device; write auto, cpu, wgpu, wgpu:N, cuda or cuda:N, with N counted from 0; \
                     several are written wgpu:0,1 or cuda:0,1"
                )
            );
        }
        assert_eq!(message("cuda:0,1,0"), "`cuda:0,1,0` names cuda:0 twice; name each device once");
    }

    #[cfg(not(feature = "wgpu"))]
    #[test]
    fn a_backend_left_out_says_how_to_build_it_in() {
        assert_eq!(
            open(DeviceKind::Wgpu(None)).unwrap_err().to_string(),
            "this xrun was built without wgpu; build it with `cargo build --release --features wgpu`"
        );
    }

    #[test]
    fn devices_that_share_a_run_are_of_one_class() {
        let (first, second) = (DeviceKind::Cuda(Some(0)), DeviceKind::Cuda(Some(1)));
        assert_eq!(check_alike(&[(first, "cuda H200"), (second, "cuda H200")]), Ok(()));
        assert_eq!(
            check_alike(&[(first, "cuda H200"), (second, "cuda A100")]).unwrap_err().to_string(),
            "cuda:0 is cuda H200, but cuda:1 is cuda A100: their results would differ; name devices of one class"
        );
    }

    #[test]
    fn the_cpu_is_listed_first_and_has_a_class() {
        let devices = list();
        assert_eq!(devices[0].kind, DeviceKind::Cpu);
        assert!(!devices[0].software);
        let cpu = open(DeviceKind::Cpu).unwrap();
        assert!(cpu.class().starts_with(std::env::consts::ARCH), "{}", cpu.class());
        assert_eq!(cpu.class(), open(DeviceKind::Cpu).unwrap().class());
        assert_eq!(cpu.driver(), "");
        assert!(cpu.promise().starts_with("the same numbers bit for bit"), "{}", cpu.promise());
    }
}
