//! What can go wrong between a publisher and the disk.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Something that cannot be fetched, or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A name that is not in the catalogue.
    #[error("there is nothing to fetch under the name `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// The name that may have been meant.
        near: Option<&'static str>,
    },
    /// Another process is at it.
    #[error("another process fetches {name} into {}; wait for it to end", folder.display())]
    Locked {
        /// The entry.
        name: &'static str,
        /// Where.
        folder: PathBuf,
    },
    /// No server gave it.
    #[error("cannot fetch {url}: {source}")]
    Http {
        /// The address asked last.
        url: String,
        /// Why.
        source: HttpError,
    },
    /// What came is not what was published.
    #[error("{url} gave another file than was published: its {found}, but {wanted} must hold; what came was removed")]
    Checksum {
        /// The address.
        url: String,
        /// Its checksum.
        found: String,
        /// The published one.
        wanted: String,
    },
    /// What lies in its place is something else.
    #[error("{} is not the published file: its {found}, but {wanted} must hold; move it away, or remove it", path.display())]
    Different {
        /// The file.
        path: PathBuf,
        /// Its checksum.
        found: String,
        /// The published one.
        wanted: String,
    },
    /// What lies in its place is not whole.
    #[error("{} is not whole: {lacks}; move it away, or remove it", path.display())]
    Incomplete {
        /// The file or folder.
        path: PathBuf,
        /// What is missing.
        lacks: String,
    },
    /// An archive that is not unpacked.
    #[error("{} is not unpacked: {source}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: UnpackError,
    },
    /// The disk does not take it.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What lies there cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// An archive that holds what it may not, or does not hold what it should.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// A path out of the folder.
    #[error("its entry `{entry}` leads out of the folder")]
    Leaves {
        /// The path in the archive.
        entry: String,
    },
    /// A link, a device or the like.
    #[error("its entry `{entry}` is {what}; only files and folders are unpacked")]
    Special {
        /// The path in the archive.
        entry: String,
        /// What it is.
        what: &'static str,
    },
    /// More than there can be in it.
    #[error("it holds more than {most_bytes} bytes, which is more than was published")]
    TooLarge {
        /// The bound.
        most_bytes: u64,
    },
    /// More files than there can be in it.
    #[error("it holds more than {most_entries} files and folders, which is more than was published")]
    TooMany {
        /// The bound.
        most_entries: usize,
    },
    /// Something is missing.
    #[error("{0}")]
    Lacks(String),
    /// It cannot be read.
    #[error("it cannot be read as .tar.gz: {0}")]
    Damaged(io::Error),
}

/// A request without a usable answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No address of HTTP.
    #[error("`{text}` is no address: it must be http://HOST/PATH or https://HOST/PATH")]
    Address {
        /// What was given.
        text: String,
    },
    /// A variable that names no usable proxy.
    #[error(
        "the proxy in `{variable}` cannot be used: it must be http://HOST:PORT, without a user's name and password"
    )]
    Proxy {
        /// The variable.
        variable: &'static str,
    },
    /// Nobody there.
    #[error("cannot connect to {host}: {source}")]
    Connect {
        /// Host, and port.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// A certificate or the like.
    #[error("no secure connection to {host}: {source}")]
    Secure {
        /// Host, and port.
        host: String,
        /// Why.
        source: rustls::Error,
    },
    /// Silence.
    #[error("the server sent nothing for {} s", waited.as_secs_f64())]
    Stalled {
        /// How long was waited.
        waited: Duration,
    },
    /// The connection ended too early.
    #[error("the connection was cut after {} bytes", n_bytes)]
    Cut {
        /// How many bytes of the file are there.
        n_bytes: u64,
    },
    /// An answer that is not the file.
    #[error("the server answered {status}")]
    Status {
        /// The code, with its reason.
        status: String,
        /// The code.
        code: u16,
    },
    /// Sent from here to there.
    #[error("the server redirects more than {most} times")]
    Redirects {
        /// The bound.
        most: usize,
    },
    /// A redirect that gives up what protects the connection.
    #[error("the server redirects from https to {to}, which is not secure")]
    Downgrade {
        /// Where to.
        to: String,
    },
    /// No HTTP.
    #[error("the answer is no HTTP that can be read: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// More than was published.
    #[error("the server sends more than {most_bytes} bytes, which is more than was published")]
    TooLarge {
        /// The bound.
        most_bytes: u64,
    },
}

impl HttpError {
    /// Whether the same request may be answered a little later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Stalled { .. } | Self::Cut { .. } => true,
            Self::Status { code, .. } => matches!(code, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    /// What an error of a socket means, `waited` being the time it may be silent.
    pub(super) fn of(source: &io::Error, waited: Duration, n_bytes: u64) -> Self {
        match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Stalled { waited },
            _ => Self::Cut { n_bytes },
        }
    }
}
