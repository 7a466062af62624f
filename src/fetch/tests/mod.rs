//! Fetching from a server that answers whole, broken, slow or with bad intent.
#![expect(clippy::unwrap_used, reason = "tests")]

mod archives;
mod downloads;
mod intact;
mod server;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::checksum::Checksum;
use super::entry::{Content, Entry, Holds, Kind, Remote, Unpack};
use super::{FetchError, Patience, Watch, fetch};

const PATIENCE: Patience = Patience {
    connect: Duration::from_millis(500),
    stall: Duration::from_millis(300),
    n_attempts: 3,
    pause: Duration::from_millis(1),
};

/// What a fetch said.
#[derive(Default)]
struct Heard {
    begun: Vec<(String, u64)>,
    notes: Vec<String>,
}

impl Watch for Heard {
    fn begin(&mut self, name: &str, done: u64, _total: u64) {
        self.begun.push((name.to_owned(), done));
    }

    fn at(&mut self, _done: u64) {}

    fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }
}

/// A file of some size without any pattern that could hide a shift.
fn bytes(n: usize) -> Vec<u8> {
    let mut state = 1_u32;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

fn sha256(bytes: &[u8]) -> Checksum {
    Checksum::Sha256(leak(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()))
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// An entry of one file, published as `published` at these addresses.
fn entry_at(urls: &[String], name: &'static str, published: &[u8], unpack: Option<Unpack>) -> Entry {
    let urls: Vec<&'static str> = urls.iter().map(|url| leak(url.clone())).collect();
    let remote = Remote {
        name,
        urls: Box::leak(urls.into_boxed_slice()),
        size_bytes: published.len() as u64,
        checksum: sha256(published),
        content: None,
        unpack,
    };
    entry_of(vec![remote])
}

fn entry_of(files: Vec<Remote>) -> Entry {
    Entry {
        name: "thing",
        kind: Kind::Weights,
        title: "A thing",
        licence: "none",
        folder: "things",
        files: Box::leak(files.into_boxed_slice()),
        line: "use(\"{}\")",
    }
}

/// An entry of one file that is kept as it is.
fn entry(url: &str, published: &[u8]) -> Entry {
    entry_at(&[format!("{url}/a/file.bin")], "file.bin", published, None)
}

fn fetched(entry: &Entry, data: &Path) -> (Result<PathBuf, FetchError>, Heard) {
    let mut heard = Heard::default();
    (fetch(entry, data, None, &PATIENCE, &mut heard), heard)
}

/// The names of a folder, sorted, without the lock.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".thing.lock")
        .collect();
    names.sort();
    names
}

fn gz(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
