//! The manifest of a run: by what, from what, on what and where it was made.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

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
    /// Derivation of the random streams.
    pub seed_version: String,
    /// Root seed, as text: some readers of JSON round large numbers.
    pub seed: String,
    /// The command line.
    pub command: Vec<String>,
    /// Folder from which relative paths in the script count.
    pub project_root: String,
    /// The script, its imports and the configs it builds on.
    pub sources: Vec<SourceRecord>,
    /// Digest of the data's content.
    pub data_fingerprint: Option<String>,
    /// The data in words.
    pub data: Option<String>,
    /// The device, as it is named on the command line.
    pub device: String,
    /// What the bits of the result depend on beside the program.
    pub device_class: String,
    /// Threads a fit may use.
    pub threads: usize,
    /// Host name.
    pub host: String,
    /// Operating system.
    pub os: String,
    /// State of the project's repository.
    pub git: Option<GitState>,
    /// How the number of fits comes about.
    pub plan: String,
    /// Number of fits.
    pub n_fits: usize,
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
        let git = |arguments: &[&str]| -> Option<String> {
            let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        };
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
