//! One file from a server to the disk: tried again, gone on with, and checked while it comes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::checksum::{self, Hasher};
use super::entry::Remote;
use super::error::{FetchError, HttpError};
use super::http::{self, Response, Resume, Timeouts};
use super::url::Url;

/// How long is waited, and how often something is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the next byte.
    pub stall: Duration,
    /// Attempts at one address that bring nothing more; at least 1.
    pub n_attempts: u32,
    /// Before the second attempt; each wait after that is twice as long.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(60),
            n_attempts: 4,
            pause: Duration::from_secs(1),
        }
    }
}

/// Hears how fetching goes on.
pub trait Watch {
    /// A file begins, or begins anew: how many bytes are there of about how many.
    fn begin(&mut self, name: &str, done: u64, total: u64);
    /// Bytes that are there now.
    fn at(&mut self, done: u64);
    /// Something worth a line.
    fn note(&mut self, text: &str);
}

/// What there is of a file, and beside it the validator it came with.
struct Part {
    path: PathBuf,
    tag: PathBuf,
}

impl Part {
    fn of(remote: &Remote, folder: &Path) -> Self {
        let path = folder.join(format!("{}.part", remote.name));
        Self { tag: path.with_added_extension("tag"), path }
    }

    fn size_bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// The validator, if it came from this address: those of other servers mean nothing there.
    fn validator(&self, url: &str) -> Option<String> {
        let text = fs::read_to_string(&self.tag).ok()?;
        let (from, validator) = text.split_once('\n')?;
        (from == url && !validator.is_empty()).then(|| validator.to_owned())
    }

    fn remove(&self) -> Result<(), FetchError> {
        for path in [&self.path, &self.tag] {
            match fs::remove_file(path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(FetchError::Write { path: path.clone(), source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn fails(&self) -> impl Fn(io::Error) -> FetchError {
        let path = self.path.clone();
        move |source| FetchError::Write { path: path.clone(), source }
    }
}

/// Fetches a file to `NAME.part` and gives its path: it has the published checksum, or unpacks to the same.
pub(super) fn download(
    remote: &Remote,
    folder: &Path,
    mirror: Option<&str>,
    patience: &Patience,
    watch: &mut dyn Watch,
) -> Result<PathBuf, FetchError> {
    let urls = match mirror {
        Some(base) => vec![format!("{}/{}", base.trim_end_matches('/'), remote.name)],
        None => remote.urls.iter().map(|url| (*url).to_owned()).collect(),
    };
    let part = Part::of(remote, folder);
    let mut urls = urls.iter().peekable();
    while let Some(url) = urls.next() {
        match persevere(url, remote, &part, patience, watch) {
            Ok(()) => {
                let _ = fs::remove_file(&part.tag);
                return Ok(part.path);
            }
            Err(error @ (FetchError::Http { .. } | FetchError::Checksum { .. })) if urls.peek().is_some() => {
                watch.note(&error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    unreachable!("every file has an address")
}

/// Tries one address as often as patience has it; an attempt that brought some bytes does not count.
fn persevere(
    url: &str,
    remote: &Remote,
    part: &Part,
    patience: &Patience,
    watch: &mut dyn Watch,
) -> Result<(), FetchError> {
    let refused = |source| FetchError::Http { url: url.to_owned(), source };
    let address = Url::parse(url).map_err(refused)?;
    let mut n_failed = 0;
    loop {
        let before = part.size_bytes();
        let source = match attempt(&address, url, remote, part, patience, watch) {
            Ok(None) => return Ok(()),
            Ok(Some(found)) => {
                part.remove()?;
                // Two servers, or two versions, may have been mixed; from the beginning it cannot be.
                if before > 0 {
                    watch.note(&format!("{}: the parts do not fit; it begins anew", remote.name));
                    continue;
                }
                return Err(FetchError::Checksum { url: url.to_owned(), found, wanted: remote.checksum.to_string() });
            }
            Err(FetchError::Http { source, .. }) => source,
            Err(error) => return Err(error),
        };
        n_failed = if part.size_bytes() > before { 1 } else { n_failed + 1 };
        if !source.is_passing() || n_failed >= patience.n_attempts {
            return Err(refused(source));
        }
        let pause = patience.pause * 2_u32.saturating_pow(n_failed - 1);
        watch.note(&format!("{}: {source}; again in {} s", remote.name, pause.as_secs_f64()));
        thread::sleep(pause);
    }
}

/// Asks once for what is missing. Gives what the checksum is if the file is there and is another.
fn attempt(
    address: &Url,
    url: &str,
    remote: &Remote,
    part: &Part,
    patience: &Patience,
    watch: &mut dyn Watch,
) -> Result<Option<String>, FetchError> {
    let refused = |source| FetchError::Http { url: url.to_owned(), source };
    let timeouts = Timeouts { connect: patience.connect, stall: patience.stall };
    let (have, validator) = (part.size_bytes(), part.validator(url));
    let resume = (have > 0).then_some(Resume { from: have, validator: validator.as_deref() });
    let mut response = http::get(address, resume.as_ref(), timeouts).map_err(refused)?;
    let goes_on = response.status == 206 && response.start() == Some(have) && same(&response, validator.as_deref());
    if have > 0 && response.status != 200 && !goes_on {
        // The server has not as much, or another version.
        part.remove()?;
        response = http::get(address, None, timeouts).map_err(refused)?;
    }
    if response.status != 200 && !goes_on {
        return Err(refused(HttpError::Malformed { what: "a part of the file, which was not asked for" }));
    }
    let mut hasher = Hasher::of(remote.checksum);
    let mut done = 0;
    if goes_on {
        let there = File::open(&part.path).map_err(part.fails())?;
        done = hasher.take(there, u64::MAX - 1).map_err(part.fails())?;
    }
    let most_bytes = most(remote);
    if response.n_bytes().is_some_and(|n| done.saturating_add(n) > most_bytes) {
        return Err(refused(HttpError::TooLarge { most_bytes }));
    }
    let tag = format!("{url}\n{}", response.validator().unwrap_or_default());
    fs::write(&part.tag, tag).map_err(|source| FetchError::Write { path: part.tag.clone(), source })?;
    watch.begin(remote.name, done, remote.size_bytes);
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(goes_on)
        .truncate(!goes_on)
        .open(&part.path)
        .map_err(part.fails())?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = match response.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(source) if source.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(refused(HttpError::of(&source, patience.stall, done))),
        };
        done += n as u64;
        if done > most_bytes {
            drop(file);
            part.remove()?;
            return Err(refused(HttpError::TooLarge { most_bytes }));
        }
        file.write_all(&buffer[..n]).map_err(part.fails())?;
        hasher.update(&buffer[..n]);
        watch.at(done);
    }
    file.sync_all().map_err(part.fails())?;
    let Some(found) = hasher.differs(remote.checksum) else { return Ok(None) };
    Ok(if checksum::has_content(&part.path, remote)? { None } else { Some(found) })
}

/// Whether a part belongs to the version of which there is a part already.
fn same(response: &Response, validator: Option<&str>) -> bool {
    match (response.validator(), validator) {
        (Some(now), Some(then)) => now == then,
        // Without a validator the checksum tells.
        _ => true,
    }
}

/// No server may send more: a little above what was published, for a file that another program has packed.
fn most(remote: &Remote) -> u64 {
    remote.size_bytes + remote.size_bytes / 10 + (64 << 10)
}
