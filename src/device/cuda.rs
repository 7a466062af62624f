//! NVIDIA devices with their own driver.

use std::fs;

use burn::tensor::{Device, DeviceType};

use super::probe::guard;
use super::{DeviceError, DeviceInfo, DeviceKind, OpenDevice};

/// The devices the driver counts, in its order; none without a driver. A device that cannot be opened is listed with
/// the reason in place of its name.
pub(super) fn list() -> Vec<DeviceInfo> {
    (0..count())
        .map(|index| {
            let kind = DeviceKind::Cuda(Some(index));
            let name = guard(kind, || identity(index)).map_or_else(|error| error.to_string(), |(name, _)| name);
            DeviceInfo { kind, name, driver: driver(), software: false }
        })
        .collect()
}

/// Opens the device at a position of [`list`], the first without one.
pub(super) fn open(index: Option<usize>) -> Result<OpenDevice, DeviceError> {
    let kind = DeviceKind::Cuda(index);
    guard(kind, || {
        let (index, n) = (index.unwrap_or(0), count());
        if index >= n {
            return Err(format!("the CUDA driver finds {n} devices, so no device {index}"));
        }
        let (name, target) = identity(index)?;
        let driver = driver();
        let class = format!("cuda {name} {target} ({driver})");
        let (device, kind) = (Device::cuda(index), DeviceKind::Cuda(Some(index)));
        Ok(OpenDevice { device, kind, class, driver, software: false })
    })
}

fn count() -> usize {
    // Asking the driver can panic when it is installed by halves, and then there is no device to use.
    guard(DeviceKind::Cuda(None), || Ok(Device::enumerate(DeviceType::Cuda).len())).unwrap_or(0)
}

/// The device's name and what kernels are compiled for. Opens the device.
fn identity(index: usize) -> Result<(String, String), String> {
    let identity = Device::cuda(index).identity().ok_or("the device does not say what it is")?;
    Ok((identity.name, identity.fingerprint))
}

/// The driver's version as Linux shows it, else only that there is one.
fn driver() -> String {
    let text = fs::read_to_string("/proc/driver/nvidia/version").unwrap_or_default();
    text.lines().next().map_or_else(|| "NVIDIA driver".to_owned(), |line| line.trim().to_owned())
}
