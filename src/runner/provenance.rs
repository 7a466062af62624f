//! What a run's manifest says of the program and of its surroundings.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// What the names of variables begin with that xrun, Burn, its kernels, the thread pool and graphics drivers read.
const READ: [&str; 8] = ["AUTO_GRAPHICS_BACKEND", "BURN_", "CUBECL_", "CUDA_", "RAYON_", "VK_", "WGPU_", "XRUN_"];

/// The features the program was built with, sorted.
pub(super) fn build_features() -> Vec<String> {
    env!("XRUN_FEATURES").split_whitespace().map(str::to_owned).collect()
}

/// The variables among `set` that can change a run, with their values; bytes that are no text are replaced.
pub(super) fn environment(set: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    set.map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, _)| READ.iter().any(|start| name.starts_with(start)))
        .collect()
}

/// BLAKE3 of a text, in hexadecimal.
pub(super) fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_can_change_a_run_are_kept_and_no_others() {
        let set = [
            ("XRUN_THREADS", "2"),
            ("HOME", "/home/a"),
            ("RAYON_NUM_THREADS", "4"),
            ("CUDA_VISIBLE_DEVICES", "1"),
            ("VK_ICD_FILENAMES", "/icd.json"),
            ("AWS_SECRET_ACCESS_KEY", "hush"),
            ("MY_XRUN_NOTE", "hush"),
            ("WGPU_BACKEND", "vulkan"),
        ];
        let kept = environment(set.into_iter().map(|(name, value)| (name.into(), value.into())));
        let names: Vec<&str> = kept.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["CUDA_VISIBLE_DEVICES", "RAYON_NUM_THREADS", "VK_ICD_FILENAMES", "WGPU_BACKEND", "XRUN_THREADS"]
        );
        assert_eq!(kept["XRUN_THREADS"], "2");
    }

    #[test]
    fn the_features_are_those_of_this_build() {
        let mut expected = Vec::new();
        expected.extend(cfg!(feature = "cuda").then_some("cuda"));
        expected.extend(cfg!(feature = "wgpu").then_some("wgpu"));
        let known: Vec<String> =
            build_features().into_iter().filter(|name| matches!(name.as_str(), "cuda" | "wgpu")).collect();
        assert_eq!(known, expected);
    }
}
