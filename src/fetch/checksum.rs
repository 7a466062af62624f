//! Published checksums, and files held against them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::entry::Remote;
use super::error::FetchError;

/// A published checksum, as hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checksum {
    Md5(&'static str),
    Sha256(&'static str),
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Md5(digits) => write!(f, "md5 {digits}"),
            Self::Sha256(digits) => write!(f, "sha256 {digits}"),
        }
    }
}

/// A checksum in the making.
pub(super) enum Hasher {
    Md5(Md5),
    Sha256(Sha256),
}

impl Hasher {
    pub(super) fn of(checksum: Checksum) -> Self {
        match checksum {
            Checksum::Md5(_) => Self::Md5(Md5::new()),
            Checksum::Sha256(_) => Self::Sha256(Sha256::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// `None` if it is the wanted one, else what it is, as in `md5 is 0123...`.
    pub(super) fn differs(self, wanted: Checksum) -> Option<String> {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (name, found) = match self {
            Self::Md5(hasher) => ("md5", hex(&hasher.finalize())),
            Self::Sha256(hasher) => ("sha256", hex(&hasher.finalize())),
        };
        let (Checksum::Md5(digits) | Checksum::Sha256(digits)) = wanted;
        (found != digits).then(|| format!("{name} is {found}"))
    }

    /// Takes all that a reader gives, at most `most` bytes and one more, and says how many there were.
    pub(super) fn take(&mut self, mut reader: impl Read, most: u64) -> io::Result<u64> {
        let mut buffer = vec![0; 1 << 16];
        let mut n_bytes = 0;
        while n_bytes <= most {
            let n = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.update(&buffer[..n]);
            n_bytes += n as u64;
        }
        Ok(n_bytes)
    }
}

/// Holds a file against a checksum: `None` if it has it, else what it has.
pub(super) fn file_differs(path: &Path, wanted: Checksum) -> Result<Option<String>, FetchError> {
    let failed = |source| FetchError::Read { path: path.to_owned(), source };
    let mut hasher = Hasher::of(wanted);
    hasher.take(File::open(path).map_err(failed)?, u64::MAX - 1).map_err(failed)?;
    Ok(hasher.differs(wanted))
}

/// Holds a file against what was published: `None` if it is that, or unpacks to the same; else what its checksum is.
pub(super) fn differs(path: &Path, remote: &Remote) -> Result<Option<String>, FetchError> {
    let Some(found) = file_differs(path, remote.checksum)? else { return Ok(None) };
    Ok(if has_content(path, remote)? { None } else { Some(found) })
}

/// Whether a `.gz` unpacks to what the published one does: another program may have packed it.
pub(super) fn has_content(path: &Path, remote: &Remote) -> Result<bool, FetchError> {
    let Some(content) = &remote.content else { return Ok(false) };
    let file = File::open(path).map_err(|source| FetchError::Read { path: path.to_owned(), source })?;
    let mut hasher = Hasher::of(content.checksum);
    // What cannot be unpacked is not the content.
    let n_bytes = hasher.take(MultiGzDecoder::new(file), content.size_bytes);
    Ok(n_bytes.is_ok_and(|n| n == content.size_bytes) && hasher.differs(content.checksum).is_none())
}
