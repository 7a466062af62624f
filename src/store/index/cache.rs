//! A file with one line a run, which can be deleted at any time.
//!
//! ```text
//! {"format":2,"digest":"<BLAKE3 of what follows>"}
//! ["20260102-030405-0a1b","digits",{"manifest":2041,"journal":7310,"summary":998},...]
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::scan::{self, RunName, Stamp};
use crate::store::StoreError;

/// What all caches lie in, below the results.
pub(super) const FOLDER: &str = ".index";

const FORMAT: u32 = 2;

/// Every run with what is held of it, or why it could not be read.
pub(super) type Refreshed<T> = Vec<(RunName, Result<T, StoreError>)>;

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

/// A run as it was when it was read.
struct Line<T> {
    name: RunName,
    stamp: Stamp,
    held: T,
}

/// A run with the lengths of its files, and what is held of it or why it could not be read.
type Looked<T> = (RunName, Stamp, Result<T, StoreError>);

impl<T: Serialize + DeserializeOwned + Send> Cache<T> {
    /// What is known of every run, oldest first. Only runs that changed are read, and only then is the file written.
    pub(super) fn refresh(&self, results: &Path) -> Result<Refreshed<T>, StoreError> {
        let names = scan::names(results)?;
        let body = self.load(results);
        // Both are in the order of names, so that one pass over both is enough.
        let mut known = lines::<T>(&body).peekable();
        let mut is_changed = false;
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            // The lengths are taken before the run is read: what is added meanwhile makes them differ the next time.
            let Some(stamp) = Stamp::of(&name.path(results)) else { continue };
            while known.next_if(|line| line.name < name).is_some() {
                is_changed = true;
            }
            let line = known.next_if(|line| line.name == name);
            is_changed |= line.as_ref().is_some_and(|line| line.stamp != stamp);
            let held = line.filter(|line| line.stamp == stamp).map(|line| line.held);
            found.push((name, stamp, held));
        }
        let (found, is_new) = self.complete(results, found);
        is_changed |= is_new;
        if is_changed || known.next().is_some() {
            self.save(results, &found);
        }
        Ok(found.into_iter().map(|(name, _, held)| (name, held)).collect())
    }

    /// Reads the runs that nothing is held of, at once on all cores, and says whether one of them could be read.
    fn complete(&self, results: &Path, found: Vec<(RunName, Stamp, Option<T>)>) -> (Vec<Looked<T>>, bool) {
        let unread: Vec<&RunName> = found.iter().filter(|(_, _, held)| held.is_none()).map(|(name, ..)| name).collect();
        let read: Vec<Result<T, StoreError>> = match unread.as_slice() {
            // Starting threads for one takes longer than reading it.
            [] | [_] => unread.iter().map(|name| (self.read)(&name.path(results))).collect(),
            _ => unread.par_iter().map(|name| (self.read)(&name.path(results))).collect(),
        };
        let is_new = read.iter().any(Result::is_ok);
        let mut read = read.into_iter();
        let whole = |(name, stamp, held): (RunName, Stamp, Option<T>)| {
            let held = held.map_or_else(|| read.next().expect("each that is not held was read"), Ok);
            (name, stamp, held)
        };
        (found.into_iter().map(whole).collect(), is_new)
    }

    /// The number of runs in the file that are gone.
    pub(super) fn n_stale(&self, results: &Path) -> usize {
        lines::<T>(&self.load(results)).filter(|line| Stamp::of(&line.name.path(results)).is_none()).count()
    }

    /// Whether it has been made.
    pub(super) fn exists(&self, results: &Path) -> bool {
        self.file(results).is_file()
    }

    fn file(&self, results: &Path) -> PathBuf {
        results.join(FOLDER).join(self.name)
    }

    /// Its lines; nothing when the file is missing, damaged or of another format.
    fn load(&self, results: &Path) -> Vec<u8> {
        let mut bytes = fs::read(self.file(results)).unwrap_or_default();
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else { return Vec::new() };
        let body = bytes.split_off(end + 1);
        match serde_json::from_slice::<Header>(&bytes) {
            Ok(header) if header.format == FORMAT && header.digest == blake3::hash(&body).to_hex().as_str() => body,
            _ => Vec::new(),
        }
    }

    fn save(&self, results: &Path, lines: &[Looked<T>]) {
        let mut body = Vec::new();
        for (name, stamp, held) in lines {
            if let Ok(held) = held {
                serde_json::to_writer(&mut body, &(&name.id, &name.experiment, stamp, held))
                    .expect("what is held has text keys");
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

/// The lines that can be read; what cannot be is as if it were not there.
fn lines<T: DeserializeOwned>(body: &[u8]) -> impl Iterator<Item = Line<T>> {
    body.split_inclusive(|&byte| byte == b'\n').filter_map(|line| {
        let (id, experiment, stamp, held) = serde_json::from_slice(line).ok()?;
        Some(Line { name: RunName { id, experiment }, stamp, held })
    })
}
