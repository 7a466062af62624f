//! Devices behind Vulkan, Metal, Direct3D 12 and OpenGL.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use burn::tensor::{Device, DeviceKind as Selector};
use burn_wgpu::wgpu::{self, AdapterInfo, Backend, DeviceType};

use super::probe::guard;
use super::{DeviceError, DeviceInfo, DeviceKind, OpenDevice};

/// What was opened, by position: Burn's runtime initialises an adapter once in a process. Held while drivers are asked,
/// because some do not bear two questions at a time.
static OPENED: Mutex<Vec<(usize, OpenDevice)>> = Mutex::new(Vec::new());

/// The adapters of the graphics interface that Burn settles on, in the driver's order.
pub(super) fn list() -> Vec<DeviceInfo> {
    let _alone = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    adapters()
        .into_iter()
        .enumerate()
        .map(|(index, (_, info))| DeviceInfo {
            kind: DeviceKind::Wgpu(Some(index)),
            driver: driver(&info),
            software: info.device_type == DeviceType::Cpu,
            name: info.name,
        })
        .collect()
}

/// Opens the adapter at a position of [`list`]; without one, the first that is no software renderer, else the first.
pub(super) fn open(index: Option<usize>) -> Result<OpenDevice, DeviceError> {
    let kind = DeviceKind::Wgpu(index);
    guard(kind, || {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        let adapters = adapters();
        let index = index.unwrap_or_else(|| {
            adapters.iter().position(|(_, info)| info.device_type != DeviceType::Cpu).unwrap_or_default()
        });
        let Some((selector, info)) = adapters.get(index) else {
            return Err(format!("there are {} adapters, so no adapter {index}", adapters.len()));
        };
        if let Some((_, device)) = opened.iter().find(|(position, _)| *position == index) {
            return Ok(device.clone());
        }
        let device = Device::wgpu_options().device_kind(selector.clone()).init().map_err(|error| error.to_string())?;
        let driver = driver(info);
        let class = format!("wgpu {:?} {} ({driver})", info.backend, info.name);
        let software = info.device_type == DeviceType::Cpu;
        let device = OpenDevice { device, kind: DeviceKind::Wgpu(Some(index)), class, driver, software };
        opened.push((index, device.clone()));
        Ok(device)
    })
}

fn driver(info: &AdapterInfo) -> String {
    format!("{} {}", info.driver, info.driver_info).trim().to_owned()
}

/// The graphics interfaces Burn tries, best first.
fn interfaces() -> &'static [Backend] {
    if cfg!(target_os = "macos") { &[Backend::Metal] } else { &[Backend::Vulkan, Backend::Dx12, Backend::Gl] }
}

/// Every adapter of the first interface that has a real one, else of the first that has any: Burn's own choice, so
/// that its selectors, which count each type of adapter on its own, mean the same adapters here.
fn adapters() -> Vec<(Selector, AdapterInfo)> {
    let mut software = Vec::new();
    for &interface in interfaces() {
        let found = adapters_of(interface);
        if found.iter().any(|info| info.device_type != DeviceType::Cpu) {
            return with_selectors(found);
        }
        if software.is_empty() {
            software = found;
        }
    }
    with_selectors(software)
}

fn adapters_of(interface: Backend) -> Vec<AdapterInfo> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: interface.into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    wait_for(instance.enumerate_adapters(interface.into())).iter().map(wgpu::Adapter::get_info).collect()
}

/// The adapters beside the selectors that Burn counts by type. An adapter of no known type has none and is left out.
fn with_selectors(adapters: Vec<AdapterInfo>) -> Vec<(Selector, AdapterInfo)> {
    let (mut discrete, mut integrated, mut virtual_gpus) = (0.., 0.., 0..);
    adapters
        .into_iter()
        .filter_map(|info| {
            let selector = match info.device_type {
                DeviceType::DiscreteGpu => Selector::DiscreteGpu(discrete.next()?),
                DeviceType::IntegratedGpu => Selector::IntegratedGpu(integrated.next()?),
                DeviceType::VirtualGpu => Selector::VirtualGpu(virtual_gpus.next()?),
                DeviceType::Cpu => Selector::Cpu,
                DeviceType::Other => return None,
            };
            Some((selector, info))
        })
        .collect()
}

/// Waits for a future of wgpu; off the web they are ready when they are first asked.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}
