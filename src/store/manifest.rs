//! The manifest of a run: by what, from what, on what and where it was made.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::commits::git;
use super::model_folder::Finalizes;

/// `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of the run folder.
    pub format: u32,
    /// The run's id.
    pub run: String,
    /// The experiment's name.
    pub experiment: String,
    /// When it was started, UTC.
    pub started: String,
    /// Version of xrun.
    pub xrun_version: String,
    /// Commit xrun was built from, if it was built in a checkout.
    pub xrun_commit: Option<String>,
    /// Features xrun was built with.
    #[serde(default)]
    pub build_features: Vec<String>,
    /// Version of what decides the bits of a result.
    #[serde(default)]
    pub numerics_version: String,
    /// Derivation of the random streams.
    pub seed_version: String,
    /// Version of what searches suggest.
    #[serde(default)]
    pub sampler_version: String,
    /// Root seed, as text: some readers of JSON round large numbers.
    pub seed: String,
    /// The command line.
    pub command: Vec<String>,
    /// Folder from which relative paths in the script count.
    pub project_root: String,
    /// The script, its imports and the configs it builds on.
    pub sources: Vec<SourceRecord>,
    /// BLAKE3 of `config.rhai`.
    #[serde(default)]
    pub config_blake3: String,
    /// BLAKE3 of `splits.json`, if there is one.
    #[serde(default)]
    pub splits_blake3: Option<String>,
    /// BLAKE3 of `folds.json`, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds_blake3: Option<String>,
    /// BLAKE3 of `warm_start.json`, if there is one.
    #[serde(default)]
    pub warm_start_blake3: Option<String>,
    /// Digest of the data's content.
    pub data_fingerprint: Option<String>,
    /// The data in words.
    pub data: Option<String>,
    /// BLAKE3 of each file that a program's result was declared to depend on, by its path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// Whether its trials are told from outside; then nothing of it can be trained again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub external: bool,
    /// The files of weights that fits may begin with.
    #[serde(default)]
    pub weights: Vec<WeightsRecord>,
    /// What it makes a model to ship of, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalizes: Option<Finalizes>,
    /// The device, as it is named on the command line.
    pub device: String,
    /// What the bits of the result depend on beside the program.
    pub device_class: String,
    /// What can be promised of the numbers on this device class.
    #[serde(default)]
    pub promise: String,
    /// Driver and its version; empty for the CPU.
    #[serde(default)]
    pub driver: String,
    /// A trial is suggested from the results of the trials at least so many before it.
    #[serde(default = "one")]
    pub lag: usize,
    /// Number of workers; it changes no number of the result.
    #[serde(default)]
    pub workers: usize,
    /// Threads a fit may use.
    pub threads: usize,
    /// Host name.
    pub host: String,
    /// Operating system.
    pub os: String,
    /// Variables that were set and can change a run, with their values.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// State of the project's repository.
    pub git: Option<GitState>,
    /// How the number of fits comes about.
    pub plan: String,
    /// Number of fits.
    pub n_fits: usize,
}

/// The lag of runs that did not record it.
fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(is: &bool) -> bool {
    !is
}

/// A script that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// `main`, `import` or `loaded`.
    pub kind: String,
    /// Its path below the project root; its copy lies under `imports/` by the same path.
    pub path: String,
    /// BLAKE3 of its text.
    pub blake3: String,
}

/// A file of weights that a network begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsRecord {
    /// The network.
    pub network: String,
    /// The file.
    pub path: String,
    /// BLAKE3 of the weights in it.
    pub digest: String,
}

/// State of a git repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GitState {
    /// Commit checked out.
    pub commit: String,
    /// Branch, empty when detached.
    pub branch: String,
    /// Whether tracked files differ from the commit; the difference is in `git.patch`.
    pub dirty: bool,
    /// Files git neither tracks nor ignores.
    pub untracked: Vec<String>,
    /// The difference.
    #[serde(skip)]
    pub patch: String,
}

impl Manifest {
    /// Format of the run folder this version writes, and the newest it reads.
    pub const FORMAT: u32 = 1;
}

impl GitState {
    /// The state of the repository around `folder`; `None` without git or a repository.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        let git = |arguments: &[&str]| git(folder, arguments);
        let commit = git(&["rev-parse", "HEAD"])?.trim().to_owned();
        let branch = git(&["branch", "--show-current"])?.trim().to_owned();
        let patch = git(&["diff", "HEAD", "--binary"])?;
        let untracked = git(&["ls-files", "--others", "--exclude-standard"])?;
        Some(Self {
            commit,
            branch,
            dirty: !patch.is_empty(),
            untracked: untracked.lines().map(str::to_owned).collect(),
            patch,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_from_before_provenance_is_still_read() {
        let old = r#"{
            "format": 1, "run": "20250101-000000-0000", "experiment": "a", "started": "2025-01-01T00:00:00Z",
            "xrun_version": "0.1.0", "xrun_commit": null, "seed_version": "blake3-chacha12-1", "seed": "42",
            "command": ["xrun", "a.rhai"], "project_root": "/a", "sources": [], "data_fingerprint": null,
            "data": null, "device": "cpu", "device_class": "x86_64 avx512f", "threads": 2, "host": "h",
            "os": "linux 6.1", "git": null, "plan": "2 trials = 2 fits", "n_fits": 2
        }"#;
        let read: Manifest = serde_json::from_str(old).unwrap();
        assert_eq!((read.lag, read.numerics_version.as_str(), read.threads), (1, "", 2));
        let again: Manifest = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
        assert_eq!(again, read);
    }
}
