//! `xrun doctor`: the devices there are, and whether one can be trusted.

use super::Exit;
use super::args::DoctorArguments;
use super::failure::Failure;
use super::machine::{Devices, use_threads};
use super::output::{print, table};
use super::run::working_project;
use crate::device::{self, DeviceKind};
use crate::settings;
use crate::train::{SelfTest, self_test};
use crate::wording::count;

/// Losses of another kind of device may differ from the CPU's by rounding, which a few steps of training amplify.
const TOLERANCE: f32 = 1e-3;

pub(super) fn doctor(arguments: &DoctorArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let devices = device::list();
    let rows: Vec<Vec<String>> = devices
        .iter()
        .map(|info| {
            let note = if info.software { "software renderer: only when named" } else { "" };
            vec![info.kind.to_string(), info.name.clone(), info.driver.clone(), note.to_owned()]
        })
        .collect();
    print(&table(&["device", "name", "driver", ""].map(str::to_owned), &rows));

    let threads = use_threads(settings.threads);
    let device = Devices::choose(&settings, false)?.open;
    print(&format!("\ntesting  {} ({}), {}", device.kind(), device.class(), count(threads, "thread")));
    let failed = |error: crate::train::TrainError| Failure::new(Exit::Failed, format!("the self-test failed: {error}"));
    let once = self_test(&device, true).map_err(failed)?;
    let again = self_test(&device, true).map_err(failed)?;
    let same_bits = once.losses == again.losses && once.digest == again.digest;
    print(&format!(
        "repeat   two trainings with dropout and batch norm {}",
        if same_bits { "agree bit for bit" } else { "DIFFER in their bits" }
    ));
    let on_device = self_test(&device, false).map_err(failed)?;
    let mut agrees = true;
    if device.kind() != DeviceKind::Cpu {
        let cpu = self_test(&device::open(DeviceKind::Cpu)?, false).map_err(failed)?;
        let difference = largest_difference(&on_device, &cpu);
        agrees = difference <= TOLERANCE;
        print(&format!(
            "cpu      largest difference of a loss from the CPU's: {difference:.1e} ({} {TOLERANCE:.0e})",
            if agrees { "within" } else { "ABOVE" }
        ));
        print(&format!("speed    {} a step; the CPU takes {}", time(&on_device), time(&cpu)));
    } else {
        print(&format!("speed    {} a step", time(&on_device)));
    }
    let losses: Vec<String> = on_device.losses.iter().map(|loss| format!("{loss:.4}")).collect();
    print(&format!("losses   {}", losses.join(" ")));
    let falls = on_device.losses.last() < on_device.losses.first();
    if agrees && falls {
        let note = if same_bits { "" } else { "; results on it do not repeat exactly" };
        print(&format!("verdict  {} trains{note}", device.kind()));
        Ok(Exit::Ok)
    } else {
        let why = if agrees { "the loss did not fall" } else { "its losses are not the CPU's" };
        print(&format!("verdict  do not train on {}: {why}", device.kind()));
        Ok(Exit::Failed)
    }
}

fn largest_difference(a: &SelfTest, b: &SelfTest) -> f32 {
    // A loss that is no number must not pass as equal.
    a.losses.iter().zip(&b.losses).map(|(a, b)| (a - b).abs()).fold(0.0, |most, x| if x <= most { most } else { x })
}

fn time(test: &SelfTest) -> String {
    format!("{:.2} ms", test.step_time.as_secs_f64() * 1e3)
}

/// The hidden command that a probe runs in a process of its own, where a driver may crash.
pub(super) fn probe(device: &str) -> Result<Exit, Failure> {
    device::probe(device.parse()?)?;
    Ok(Exit::Ok)
}
