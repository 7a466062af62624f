//! The processor as a device.

use std::fs;
use std::path::Path;

use burn::tensor::Device;

use super::{DeviceInfo, DeviceKind, OpenDevice};

/// Opens the processor; it is always there.
pub(super) fn open() -> OpenDevice {
    let (device, kind, class) = (Device::flex(), DeviceKind::Cpu, class());
    OpenDevice { device, kind, class, driver: String::new(), software: false }
}

/// The processor by the name the system gives it.
pub(super) fn info() -> DeviceInfo {
    let name = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model_name(&text));
    let name = name.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    DeviceInfo { kind: DeviceKind::Cpu, name, driver: String::new(), software: false }
}

/// The first model name in the text of `/proc/cpuinfo`.
fn model_name(cpuinfo: &str) -> Option<String> {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name")
        .map(|(_, name)| name.trim().to_owned())
}

/// Architecture, SIMD level, mathematical library and caches. The SIMD level decides the order of additions inside a
/// kernel, and the matrix product cuts its blocks by the caches' sizes, so both decide the last bits of a sum; kernels
/// take exponentials and logarithms from the system's library. The number of threads decides nothing.
fn class() -> String {
    let mut class = format!("{} {}{}", std::env::consts::ARCH, simd_level(), c_library());
    for cache in caches(Path::new("/sys/devices/system/cpu/cpu0/cache")) {
        class.push(' ');
        class.push_str(&cache);
    }
    class
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn simd_level() -> &'static str {
    if is_x86_feature_detected!("avx512f") {
        "avx512f"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "avx2+fma"
    } else {
        "baseline"
    }
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn simd_level() -> &'static str {
    "baseline"
}

/// The C library with its version, behind a space; empty where it is part of the program or of the system.
#[cfg(target_env = "gnu")]
fn c_library() -> String {
    #[expect(unsafe_code, reason = "the library gives a pointer to a text of its own that ends with a zero and stays")]
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    format!(" glibc-{}", version.to_string_lossy())
}

#[cfg(not(target_env = "gnu"))]
fn c_library() -> String {
    String::new()
}

/// Data caches as Linux describes them, such as `l1=48K/12` for size per core and associativity, by level. The sizes
/// of the first two levels are divided among the threads that share them, as the matrix product does. Empty elsewhere.
fn caches(folder: &Path) -> Vec<String> {
    let read = |index: usize, file: &str| -> Option<String> {
        let text = fs::read_to_string(folder.join(format!("index{index}")).join(file)).ok()?;
        Some(text.trim().to_owned())
    };
    let describe = |index: usize| -> Option<String> {
        let kind = read(index, "type")?;
        if kind == "Instruction" {
            return None;
        }
        let level: u32 = read(index, "level")?.parse().ok()?;
        let size = kibibytes(&read(index, "size")?)?;
        let sharers = if level < 3 { count_of_list(&read(index, "shared_cpu_list")?)? } else { 1 };
        Some(format!("l{level}={}K/{}", size / sharers, read(index, "ways_of_associativity")?))
    };
    (0..8).filter_map(describe).collect()
}

/// `48K` or `2M` in KiB.
fn kibibytes(text: &str) -> Option<usize> {
    let (digits, unit) = text.split_at(text.len().checked_sub(1)?);
    let scale = match unit {
        "K" => 1,
        "M" => 1024,
        "G" => 1024 * 1024,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(scale)
}

/// How many processors a list such as `0-1,4` names; none for an empty list.
fn count_of_list(text: &str) -> Option<usize> {
    text.split(',')
        .map(|item| match item.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
                last.checked_sub(first).map(|n| n + 1)
            }
            None => item.parse::<usize>().ok().map(|_| 1),
        })
        .sum()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn caches_are_read_level_by_level_without_the_one_for_instructions() {
        let folder = tempfile::tempdir().unwrap();
        for (index, kind, level, size, shared, ways) in [
            (0, "Data", "1", "48K", "0-1", "12"),
            (1, "Instruction", "1", "32K", "0-1", "8"),
            (2, "Unified", "2", "2M", "0-1", "16"),
            (3, "Unified", "3", "107520K", "0-55", "15"),
        ] {
            let of_index = folder.path().join(format!("index{index}"));
            fs::create_dir(&of_index).unwrap();
            for (file, text) in [
                ("type", kind),
                ("level", level),
                ("size", size),
                ("shared_cpu_list", shared),
                ("ways_of_associativity", ways),
            ] {
                fs::write(of_index.join(file), format!("{text}\n")).unwrap();
            }
        }
        assert_eq!(caches(folder.path()), ["l1=24K/12", "l2=1024K/16", "l3=107520K/15"]);
        assert!(caches(&folder.path().join("nowhere")).is_empty());
    }

    #[test]
    fn lists_of_processors_are_counted() {
        assert_eq!(count_of_list("0"), Some(1));
        assert_eq!(count_of_list("0-3,8,10-11"), Some(7));
        assert_eq!(count_of_list(""), None);
        assert_eq!(count_of_list("3-1"), None);
    }

    #[test]
    fn the_model_name_is_the_first_one() {
        assert_eq!(model_name("processor\t: 0\nmodel name\t: A: B\nmodel name\t: C\n"), Some("A: B".to_owned()));
        assert_eq!(model_name("Features : fp asimd\n"), None);
    }
}
