//! Settings in layers: defaults, the user's file, the project's `xrun.toml`, `XRUN_*` variables, flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::providers::{Env, Format, Serialized, Toml};
use figment::{Figment, Source};
use serde::{Deserialize, Serialize};

/// Where things go and what training runs on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder of the run folders.
    pub results: PathBuf,
    /// Folder of decoded pictures.
    pub cache: PathBuf,
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
#[derive(Debug, thiserror::Error)]
#[error("settings: {0}")]
pub struct SettingsError(String);

/// The keys, in the order in which they are shown.
pub const KEYS: [&str; 6] = ["results", "cache", "device", "threads", "workers", "retries"];

/// Reads all layers. Relative paths in a file count from the file, those of flags and variables from the working
/// directory; `project` is the project root.
///
/// # Errors
/// A file cannot be read, or holds an unknown key or a value of the wrong type.
pub fn load(project: &Path, flags: &Flags) -> Result<Origins, SettingsError> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let folder = |variable: &str, below_home: &str| {
        let from_variable = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        from_variable.or_else(|| home.as_ref().map(|home| home.join(below_home)))
    };
    let defaults = Settings {
        results: project.join("results"),
        cache: folder("XDG_CACHE_HOME", ".cache").unwrap_or_else(std::env::temp_dir).join("xrun"),
        device: "auto".to_owned(),
        threads: 0,
        workers: 1,
        retries: 2,
    };
    let mut figment = Figment::from(Serialized::defaults(defaults));
    if let Some(user) = folder("XDG_CONFIG_HOME", ".config") {
        figment = figment.merge(Toml::file(user.join("xrun/settings.toml")));
    }
    let figment = figment
        .merge(Toml::file(project.join("xrun.toml")))
        .merge(Env::prefixed("XRUN_").only(&KEYS))
        .merge(Serialized::defaults(flags));
    let mut settings: Settings = figment.extract().map_err(|error| SettingsError(error.to_string()))?;
    if settings.workers == 0 {
        return Err(SettingsError("workers is 0, but somebody has to do the work; it must be at least 1".to_owned()));
    }
    let mut origins = BTreeMap::new();
    for key in KEYS {
        origins.insert(key, origin(&figment, key, flags));
    }
    settings.results = based(&figment, "results", &settings.results);
    settings.cache = based(&figment, "cache", &settings.cache);
    Ok(Origins { settings, origins })
}

fn origin(figment: &Figment, key: &str, flags: &Flags) -> String {
    let given = match key {
        "results" => flags.results.is_some(),
        "cache" => flags.cache.is_some(),
        "device" => flags.device.is_some(),
        "threads" => flags.threads.is_some(),
        "workers" => flags.workers.is_some(),
        _ => flags.retries.is_some(),
    };
    if given {
        return format!("--{key}");
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
