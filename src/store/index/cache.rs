//! A file with one line a run, which can be deleted at any time.
//!
//! ```text
//! {"format":1,"digest":"<BLAKE3 of what follows>"}
//! ["digits/20260102-030405-0a1b",{"manifest":2041,"journal":7310,"summary":998},...]
//! ```

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::scan::{self, RunName, Stamp};
use crate::store::StoreError;

/// What all caches lie in, below the results.
pub(super) const FOLDER: &str = ".index";

const FORMAT: u32 = 1;

/// Keeps a `T` of every run.
#[derive(Debug)]
pub(super) struct Cache<T> {
    /// The name of its file.
    pub(super) name: &'static str,
    /// Makes a `T` from a run's folder.
    pub(super) read: fn(&Path) -> Result<T, StoreError>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    digest: String,
}

impl<T: Serialize + DeserializeOwned> Cache<T> {
    /// What is known of every run, oldest first. Only runs that changed are read, and only then is the file written.
    pub(super) fn refresh(&self, results: &Path) -> Result<Vec<(RunName, Result<T, StoreError>)>, StoreError> {
        let mut known = self.load(results);
        let mut is_changed = false;
        let mut lines = Vec::new();
        for name in scan::names(results)? {
            let path = name.path(results);
            // The lengths are taken before the run is read: what is added meanwhile makes them differ the next time.
            let Some(stamp) = Stamp::of(&path) else { continue };
            let held = match known.remove(&name.key()) {
                Some((known, held)) if known == stamp => Ok(held),
                _ => {
                    let read = (self.read)(&path);
                    is_changed |= read.is_ok();
                    read
                }
            };
            lines.push((name, stamp, held));
        }
        if is_changed || !known.is_empty() {
            self.save(results, &lines);
        }
        Ok(lines.into_iter().map(|(name, _, held)| (name, held)).collect())
    }

    /// The number of runs in the file that are gone.
    pub(super) fn n_stale(&self, results: &Path) -> usize {
        self.load(results).keys().filter(|key| Stamp::of(&results.join(key)).is_none()).count()
    }

    fn file(&self, results: &Path) -> PathBuf {
        results.join(FOLDER).join(self.name)
    }

    /// Nothing when the file is missing, damaged or of another format.
    fn load(&self, results: &Path) -> HashMap<String, (Stamp, T)> {
        fs::read(self.file(results)).ok().and_then(|bytes| parse(&bytes)).unwrap_or_default()
    }

    fn save(&self, results: &Path, lines: &[(RunName, Stamp, Result<T, StoreError>)]) {
        let mut body = Vec::new();
        for (name, stamp, held) in lines {
            if let Ok(held) = held {
                serde_json::to_writer(&mut body, &(name.key(), stamp, held)).expect("what is held has text keys");
                body.push(b'\n');
            }
        }
        let digest = blake3::hash(&body).to_hex().to_string();
        let header = serde_json::to_string(&Header { format: FORMAT, digest }).expect("it has text keys");
        let bytes = [header.as_bytes(), b"\n", &body].concat();
        let file = self.file(results);
        // Two processes may write at once: each has a name of its own, and either result is right. Nothing waits for the
        // disk, for what a power cut damages is made again.
        let partial = file.with_extension(format!("{}.partial", std::process::id()));
        let written = fs::create_dir_all(results.join(FOLDER))
            .and_then(|()| fs::write(&partial, bytes))
            .and_then(|()| fs::rename(&partial, &file));
        if written.is_err() {
            // Where it cannot be written, it is done without.
            let _ = fs::remove_file(&partial);
        }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Option<HashMap<String, (Stamp, T)>> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let header: Header = serde_json::from_slice(&bytes[..end]).ok()?;
    let body = &bytes[end + 1..];
    if header.format != FORMAT || header.digest != blake3::hash(body).to_hex().as_str() {
        return None;
    }
    let lines = body.split_inclusive(|&byte| byte == b'\n');
    lines
        .map(|line| serde_json::from_slice::<(String, Stamp, T)>(line).ok())
        .map(|line| line.map(|(key, stamp, held)| (key, (stamp, held))))
        .collect()
}
