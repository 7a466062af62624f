//! Why a replay may have given something else.

use serde::Serialize;

use super::compare::FileDifference;
use crate::store::{Altered, FileKind, Manifest};

/// What may be the reason of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// The files that differ are not what their digests say.
    Altered,
    /// Another config: a fit's differs before anything that it could follow from.
    Config {
        /// The fit's config.
        file: String,
        /// The first of its values that differs.
        name: String,
        /// In the record.
        recorded: Option<String>,
        /// As it was trained now.
        found: Option<String>,
    },
    /// Another xrun.
    Program {
        /// Version and commit by the manifest.
        recorded: String,
        /// Version and commit of this one.
        found: String,
    },
    /// Another derivation of the random streams.
    Seeds {
        /// By the manifest.
        recorded: String,
        /// Of this xrun.
        found: String,
    },
    /// Other suggestions of the searches.
    Sampler {
        /// By the manifest.
        recorded: String,
        /// Of this xrun.
        found: String,
    },
    /// Another numerics version.
    Numerics {
        /// By the manifest.
        recorded: String,
        /// Of this xrun.
        found: String,
    },
    /// Another class of device.
    DeviceClass {
        /// By the manifest.
        recorded: String,
        /// Of the device trained on now.
        found: String,
    },
    /// Nothing that is recorded is different.
    Unknown,
}

/// The reasons there may be, the likeliest first.
pub(super) fn causes(
    recorded: &Manifest,
    found: &Manifest,
    altered: &[Altered],
    differences: &[FileDifference],
) -> Vec<Cause> {
    let mut causes = Vec::new();
    let is_altered = |file: &str| altered.iter().any(|altered| altered.file == file);
    if !altered.is_empty()
        && (differences.is_empty() || differences.iter().any(|difference| is_altered(&difference.file)))
    {
        causes.push(Cause::Altered);
    }
    if differences.iter().all(|difference| is_altered(&difference.file)) {
        return causes;
    }
    let n_certain = causes.len();
    // What a search suggests follows from results, whose files come before it; the table of trials holds both.
    let first = differences.iter().find(|difference| difference.kind != FileKind::Trials);
    if let Some(FileDifference { file, difference, .. }) = first.filter(|first| first.kind == FileKind::Config) {
        let (recorded, found) = (difference.recorded.clone(), difference.found.clone());
        causes.push(Cause::Config { file: file.clone(), name: difference.place.to_string(), recorded, found });
    }
    let program = |manifest: &Manifest| match &manifest.xrun_commit {
        Some(commit) => format!("{} ({commit})", manifest.xrun_version),
        None => manifest.xrun_version.clone(),
    };
    let (recorded_program, found_program) = (program(recorded), program(found));
    if recorded_program != found_program {
        causes.push(Cause::Program { recorded: recorded_program, found: found_program });
    }
    if recorded.seed_version != found.seed_version {
        causes.push(Cause::Seeds { recorded: recorded.seed_version.clone(), found: found.seed_version.clone() });
    }
    if recorded.sampler_version != found.sampler_version {
        let (recorded, found) = (recorded.sampler_version.clone(), found.sampler_version.clone());
        causes.push(Cause::Sampler { recorded, found });
    }
    if recorded.numerics_version != found.numerics_version {
        let (recorded, found) = (recorded.numerics_version.clone(), found.numerics_version.clone());
        causes.push(Cause::Numerics { recorded, found });
    }
    if recorded.device_class != found.device_class {
        let (recorded, found) = (recorded.device_class.clone(), found.device_class.clone());
        causes.push(Cause::DeviceClass { recorded, found });
    }
    if causes.len() == n_certain {
        causes.push(Cause::Unknown);
    }
    causes
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Altered => f.write_str("the record was changed after it was written"),
            Self::Config { file, name, recorded, found } => {
                let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
                let (recorded, found) = (value(recorded), value(found));
                write!(f, "a changed config: {file} has {recorded} for {name}, trained now with {found}")
            }
            Self::Program { recorded, found } => write!(f, "another xrun: {recorded} recorded it, this is {found}"),
            Self::Seeds { recorded, found } => {
                write!(f, "another derivation of random streams: recorded with {recorded}, this is {found}")
            }
            Self::Sampler { recorded, found } => {
                write!(f, "another sampler version: recorded with {recorded}, this is {found}")
            }
            Self::Numerics { recorded, found } => {
                write!(f, "another numerics version: recorded with {recorded}, this is {found}")
            }
            Self::DeviceClass { recorded, found } => write!(
                f,
                "another class of device, on which numbers are equal only to rounding: recorded on {recorded}, this is {found}"
            ),
            Self::Unknown => f.write_str(
                "same version of xrun, same class of device, same data: either the record and its digests were changed \
                 together, or xrun was built from changed sources; else this should not happen, please report it",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::difference::{Difference, Place};

    fn manifest() -> Manifest {
        serde_json::from_value(serde_json::json!({
            "format": 1, "run": "r", "experiment": "e", "started": "", "xrun_version": "0.1.0", "xrun_commit": null,
            "seed_version": "1", "seed": "42", "command": [], "project_root": "/", "sources": [],
            "data_fingerprint": null, "data": null, "device": "cpu", "device_class": "x86_64 avx2", "threads": 1,
            "host": "h", "os": "o", "git": null, "plan": "", "n_fits": 1,
        }))
        .expect("it is a manifest")
    }

    fn difference(file: &str) -> FileDifference {
        of_kind(file, FileKind::Table)
    }

    fn of_kind(file: &str, kind: FileKind) -> FileDifference {
        FileDifference { file: file.to_owned(), kind, difference: Difference::plain(Place::File, None, None) }
    }

    fn altered(file: &str) -> Altered {
        Altered { file: file.to_owned(), recorded_in: String::new(), recorded: None, found: None }
    }

    #[test]
    fn an_altered_file_explains_its_own_difference_and_no_other() {
        let same = manifest();
        assert_eq!(causes(&same, &same, &[altered("a")], &[difference("a")]), [Cause::Altered]);
        assert_eq!(causes(&same, &same, &[altered("a")], &[]), [Cause::Altered]);
        let both = [difference("a"), difference("b")];
        assert_eq!(causes(&same, &same, &[altered("a")], &both), [Cause::Altered, Cause::Unknown]);
        assert_eq!(causes(&same, &same, &[altered("script")], &[difference("b")]), [Cause::Unknown]);
    }

    #[test]
    fn a_config_is_the_cause_when_no_result_that_it_may_follow_from_differs() {
        let same = manifest();
        let (trials, config) = (of_kind("trials", FileKind::Trials), of_kind("config", FileKind::Config));
        let found = causes(&same, &same, &[], &[trials.clone(), config.clone(), difference("a")]);
        assert!(matches!(found.as_slice(), [Cause::Config { file, .. }] if file == "config"), "{found:?}");
        assert_eq!(causes(&same, &same, &[], &[trials, difference("a"), config]), [Cause::Unknown]);
    }

    #[test]
    fn another_program_comes_before_another_device() {
        let (recorded, mut found) = (manifest(), manifest());
        found.device_class = "x86_64 avx512f".to_owned();
        found.xrun_commit = Some("abc".to_owned());
        found.sampler_version = "2".to_owned();
        let causes = causes(&recorded, &found, &[], &[difference("a")]);
        assert_eq!(
            causes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "another xrun: 0.1.0 recorded it, this is 0.1.0 (abc)",
                "another sampler version: recorded with , this is 2",
                "another class of device, on which numbers are equal only to rounding: recorded on x86_64 avx2, this is \
                 x86_64 avx512f",
            ]
        );
    }
}
