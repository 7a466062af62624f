//! `xrun doctor`: the devices there are, and whether one can be trusted.

use super::Exit;
use super::args::DoctorArguments;
use super::checkup::checkup;
use super::failure::Failure;
use super::machine::{Devices, use_threads};
use super::output::{print, table};
use super::run::working_project;
use crate::device::{self, DeviceKind, OpenDevice};
use crate::settings;
use crate::train::{SelfTest, TrainError, self_test};
use crate::wording::count;

/// Losses of another kind of device may differ from the CPU's by rounding, which a few steps of training amplify.
const TOLERANCE: f32 = 1e-3;

pub(super) fn doctor(arguments: &DoctorArguments) -> Result<Exit, Failure> {
    let flags = arguments.settings.flags();
    let loaded = settings::load(&working_project(), &flags)?;
    if flags.device.is_none() {
        return Ok(checkup(&loaded));
    }
    let settings = loaded.settings;
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
    let test = DeviceTest::of(&device)?;
    print(&format!(
        "repeat   two trainings with dropout and batch norm {}",
        if test.repeats { "agree bit for bit" } else { "DIFFER in their bits" }
    ));
    if let Some((cpu, difference)) = &test.cpu {
        print(&format!(
            "cpu      largest difference of a loss from the CPU's: {difference:.1e} ({} {TOLERANCE:.0e})",
            if test.agrees() { "within" } else { "ABOVE" }
        ));
        print(&format!("speed    {} a step; the CPU takes {}", time(&test.plain), time(cpu)));
    } else {
        print(&format!("speed    {} a step", time(&test.plain)));
    }
    let losses: Vec<String> = test.plain.losses.iter().map(|loss| format!("{loss:.4}")).collect();
    print(&format!("losses   {}", losses.join(" ")));
    match test.fault() {
        None => {
            let note = if test.repeats { "" } else { "; results on it do not repeat exactly" };
            print(&format!("verdict  {} trains{note}", device.kind()));
            Ok(Exit::Ok)
        }
        Some(why) => {
            print(&format!("verdict  do not train on {}: {why}", device.kind()));
            Ok(Exit::Failed)
        }
    }
}

/// What a device does with a tiny network.
pub(super) struct DeviceTest {
    /// Whether two trainings agree bit for bit.
    pub(super) repeats: bool,
    plain: SelfTest,
    /// The same on the CPU and the largest difference of a loss; none for the CPU itself.
    cpu: Option<(SelfTest, f32)>,
}

impl DeviceTest {
    pub(super) fn of(device: &OpenDevice) -> Result<Self, Failure> {
        let failed = |error: TrainError| Failure::new(Exit::Failed, format!("the self-test failed: {error}"));
        let once = self_test(device, true).map_err(failed)?;
        let again = self_test(device, true).map_err(failed)?;
        let plain = self_test(device, false).map_err(failed)?;
        let cpu = match device.kind() {
            DeviceKind::Cpu => None,
            _ => {
                let cpu = self_test(&device::open(DeviceKind::Cpu)?, false).map_err(failed)?;
                let difference = largest_difference(&plain, &cpu);
                Some((cpu, difference))
            }
        };
        Ok(Self { repeats: once.losses == again.losses && once.digest == again.digest, plain, cpu })
    }

    fn agrees(&self) -> bool {
        self.cpu.as_ref().is_none_or(|(_, difference)| *difference <= TOLERANCE)
    }

    /// Why it is not to be trained on, if it is not.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if !self.agrees() {
            Some("its losses are not the CPU's")
        } else if self.plain.losses.last() < self.plain.losses.first() {
            None
        } else {
            Some("the loss did not fall")
        }
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
