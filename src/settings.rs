//! Settings in layers: defaults, the user's file, the project's `xrun.toml`, `XRUN_*` variables, flags.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::{Figment, Source};
use serde::{Deserialize, Serialize};

use crate::spec::vocabulary::nearest;

/// Threads at most: where the system refuses one of very many, the process ends on the spot.
const MOST_THREADS: usize = 1024;

/// Where things go and what training runs on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder of the run folders.
    pub results: PathBuf,
    /// Folder of decoded pictures and of features of frozen networks.
    pub cache: PathBuf,
    /// Folder of fetched data sets and weights.
    pub data: PathBuf,
    /// Device, as in `cpu` or `cuda:0`.
    pub device: String,
    /// Threads of all fits together; 0 for all cores.
    pub threads: usize,
    /// Fits trained at once, each by a process of its own if it is more than 1.
    pub workers: usize,
    /// How often a fit is tried again whose worker was lost.
    pub retries: usize,
}

/// Settings and where each came from.
#[derive(Clone, Debug)]
pub struct Origins {
    /// The settings.
    pub settings: Settings,
    /// For each key, the layer that set it.
    pub origins: BTreeMap<&'static str, String>,
}

/// What was given as flags.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Flags {
    /// `--results`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<PathBuf>,
    /// `--cache`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<PathBuf>,
    /// `--into`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// `--device`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// `--threads`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// `--workers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,
    /// `--retries`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<usize>,
}

/// A layer that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A key that is no setting.
    #[error("settings: {from}: there is no setting `{key}`")]
    Unknown {
        /// The key.
        key: String,
        /// Where it stands.
        from: String,
        /// The setting that may have been meant.
        near: Option<&'static str>,
    },
    /// A value of the wrong type.
    #[error("settings: {from}: `{key}` takes {wanted}, not {found}")]
    Type {
        /// The setting.
        key: String,
        /// Where it stands.
        from: String,
        /// What it takes.
        wanted: &'static str,
        /// What is there.
        found: String,
    },
    /// A path that cannot be recorded.
    #[error("settings: {from}: the path `{}` is no text in UTF-8, but records are; choose another", path.display())]
    NoText {
        /// Where it stands.
        from: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// More threads than a process can have.
    #[error(
        "settings: threads is {threads}, but so many cannot be started; it must be at most {}, or 0 for all cores",
        MOST_THREADS
    )]
    TooManyThreads {
        /// What is set.
        threads: usize,
    },
    /// Nobody to do the work.
    #[error("settings: workers is 0, but somebody has to do the work; it must be at least 1")]
    NoWorkers,
    /// A file that cannot be read.
    #[error("settings: {0}")]
    Unreadable(String),
}

impl SettingsError {
    fn of(error: &figment::Error) -> Self {
        let from = match error.metadata.as_ref().map(|metadata| (&metadata.source, error.path.last())) {
            Some((Some(Source::File(path)), _)) => path.display().to_string(),
            Some((_, Some(key))) => format!("XRUN_{}", key.to_uppercase()),
            _ => return Self::Unreadable(error.to_string()),
        };
        match &error.kind {
            Kind::UnknownField(key, _) => Self::Unknown { key: key.clone(), from, near: nearest(key, KEYS) },
            Kind::InvalidType(found, _) | Kind::InvalidValue(found, _) => {
                let key = error.path.last().map_or_else(String::new, |key| key.to_lowercase());
                let wanted = match key.as_str() {
                    "results" | "cache" | "data" => "a path",
                    "device" => "the name of a device",
                    _ => "a whole number of at least 0",
                };
                Self::Type { key, from, wanted, found: found.to_string() }
            }
            _ => Self::Unreadable(error.to_string()),
        }
    }
}

/// What the build was told of itself, which `cargo run` hands to the program.
const OF_THE_BUILD: [&str; 3] = ["XRUN_COMMIT", "XRUN_FEATURES", "XRUN_NUMERICS_CRATES"];

/// The variables among `set` that look like a setting and are none, each with the one that may have been meant.
#[must_use]
pub fn unknown_variables(set: impl IntoIterator<Item = OsString>) -> Vec<(String, Option<String>)> {
    let mut unknown: Vec<(String, Option<String>)> = set
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .filter_map(|name| {
            let key = name.strip_prefix("XRUN_")?.to_lowercase();
            let is_known = KEYS.contains(&key.as_str()) || OF_THE_BUILD.contains(&name.as_str());
            let near = nearest(&key, KEYS).map(|near| format!("XRUN_{}", near.to_uppercase()));
            (!is_known).then_some((name, near))
        })
        .collect();
    unknown.sort();
    unknown
}

/// The keys, in the order in which they are shown.
pub const KEYS: [&str; 7] = ["results", "cache", "data", "device", "threads", "workers", "retries"];

/// Reads all layers. Relative paths in a file count from the file, those of flags and variables from the working
/// directory; `project` is the project root.
///
/// # Errors
/// A file cannot be read, or holds an unknown key or a value of the wrong type; or a number that is of no use.
pub fn load(project: &Path, flags: &Flags) -> Result<Origins, SettingsError> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let folder = |variable: &str, below_home: &str| {
        let from_variable = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        from_variable.or_else(|| home.as_ref().map(|home| home.join(below_home)))
    };
    let defaults = Settings {
        results: project.join("results"),
        cache: folder("XDG_CACHE_HOME", ".cache").unwrap_or_else(std::env::temp_dir).join("xrun"),
        data: project.join("data"),
        device: "auto".to_owned(),
        threads: 0,
        workers: 1,
        retries: 2,
    };
    let given = [("--results", &flags.results), ("--cache", &flags.cache), ("--into", &flags.data)];
    let given = given.into_iter().filter_map(|(from, path)| Some((from, path.as_ref()?)));
    let decided = [&defaults.results, &defaults.cache, &defaults.data].map(|path| ("default", path));
    for (from, path) in decided.into_iter().chain(given) {
        if path.to_str().is_none() {
            return Err(SettingsError::NoText { from, path: path.clone() });
        }
    }
    let mut figment = Figment::from(Serialized::defaults(defaults));
    if let Some(user) = folder("XDG_CONFIG_HOME", ".config") {
        figment = figment.merge(Toml::file(user.join("xrun/settings.toml")));
    }
    let figment = figment
        .merge(Toml::file(project.join("xrun.toml")))
        .merge(Env::prefixed("XRUN_").only(&KEYS))
        .merge(Serialized::defaults(flags));
    let mut settings: Settings = figment.extract().map_err(|error| SettingsError::of(&error))?;
    if settings.threads > MOST_THREADS {
        return Err(SettingsError::TooManyThreads { threads: settings.threads });
    }
    if settings.workers == 0 {
        return Err(SettingsError::NoWorkers);
    }
    let mut origins = BTreeMap::new();
    for key in KEYS {
        origins.insert(key, origin(&figment, key, flags));
    }
    settings.results = based(&figment, "results", &settings.results);
    settings.cache = based(&figment, "cache", &settings.cache);
    settings.data = based(&figment, "data", &settings.data);
    Ok(Origins { settings, origins })
}

fn origin(figment: &Figment, key: &str, flags: &Flags) -> String {
    let given = match key {
        "results" => flags.results.is_some(),
        "cache" => flags.cache.is_some(),
        "data" => flags.data.is_some(),
        "device" => flags.device.is_some(),
        "threads" => flags.threads.is_some(),
        "workers" => flags.workers.is_some(),
        _ => flags.retries.is_some(),
    };
    if given {
        return if key == "data" { "--into".to_owned() } else { format!("--{key}") };
    }
    match figment.find_metadata(key) {
        Some(metadata) => match &metadata.source {
            Some(Source::File(path)) => path.display().to_string(),
            _ if metadata.name.contains("environment") => format!("XRUN_{}", key.to_uppercase()),
            _ => "default".to_owned(),
        },
        None => "default".to_owned(),
    }
}

fn based(figment: &Figment, key: &str, path: &Path) -> PathBuf {
    let folder = match figment.find_metadata(key).and_then(|metadata| metadata.source.as_ref()) {
        Some(Source::File(file)) => file.parent().map(Path::to_owned),
        _ => None,
    };
    let joined = folder.unwrap_or_default().join(path);
    std::path::absolute(&joined).unwrap_or(joined)
}
