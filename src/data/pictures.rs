//! Pictures of one size in a memory-mapped file.

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapMut};
use rayon::prelude::*;

/// Bytes before the first picture; the pictures start on a cache line.
pub(super) const HEADER_BYTES: usize = 64;

/// The shape of each picture of a data set: `[size, size, channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Height and width, in pixels.
    pub(super) size: usize,
    /// 3 for red, green and blue, 1 for grey.
    pub(super) channels: usize,
}

impl Frame {
    /// Colour pictures of this size.
    pub(super) const fn rgb(size: usize) -> Self {
        Self { size, channels: 3 }
    }

    /// Bytes of one picture.
    pub(super) const fn bytes(self) -> usize {
        self.size * self.size * self.channels
    }

    /// Bytes of a file of `n` pictures.
    pub(super) const fn file_bytes(self, n: usize) -> usize {
        HEADER_BYTES + n * self.bytes()
    }
}

/// Pictures `[n, size, size, channels]`, row-major bytes, mapped read-only and shared between processes.
#[derive(Debug)]
pub struct Pictures {
    map: Mmap,
    n: usize,
    frame: Frame,
    digest: [u8; 32],
}

impl Pictures {
    /// Maps a cache file that holds a header and `n` pictures of which `digest` is the digest.
    pub(super) fn map(file: &File, n: usize, frame: Frame, digest: [u8; 32]) -> io::Result<Self> {
        let map = map_read_only(file)?;
        if map.len() != frame.file_bytes(n) {
            return Err(io::Error::other("the picture file changed its length"));
        }
        Ok(Self { map, n, frame, digest })
    }

    /// Pictures in memory alone, each of the frame's bytes.
    pub(super) fn in_memory(pictures: &[Vec<u8>], frame: Frame) -> io::Result<Self> {
        let mut map = MmapMut::map_anon(frame.file_bytes(pictures.len()))?;
        for (out, picture) in map[HEADER_BYTES..].chunks_exact_mut(frame.bytes()).zip(pictures) {
            out.copy_from_slice(picture);
        }
        let hashes: Vec<blake3::Hash> = pictures.iter().map(|picture| blake3::hash(picture)).collect();
        Ok(Self { map: map.make_read_only()?, n: pictures.len(), frame, digest: digest_of(hashes.iter()) })
    }

    /// Number of pictures.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// Height and width in pixels.
    #[must_use]
    pub fn size(&self) -> usize {
        self.frame.size
    }

    /// Numbers of a pixel: 3 for red, green and blue, 1 for grey.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.frame.channels
    }

    /// Picture `index` as bytes `[size, size, channels]`.
    ///
    /// # Panics
    /// If `index` is not below [`Pictures::n`].
    #[must_use]
    pub fn picture(&self, index: usize) -> &[u8] {
        assert!(index < self.n, "picture {index} of {}", self.n);
        let start = HEADER_BYTES + index * self.frame.bytes();
        &self.map[start..start + self.frame.bytes()]
    }

    /// The digest the file was opened with.
    pub(super) fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The first bytes of the file.
    pub(super) fn header(&self) -> &[u8] {
        &self.map[..HEADER_BYTES]
    }

    /// The digest of the pictures as they lie in the file: see [`digest_of`].
    pub(super) fn computed_digest(&self) -> [u8; 32] {
        let hashes: Vec<blake3::Hash> =
            (0..self.n).into_par_iter().map(|index| blake3::hash(self.picture(index))).collect();
        digest_of(hashes.iter())
    }
}

/// The digest of a list of pictures: the hash of their hashes, so that pictures can be hashed in parallel.
pub(super) fn digest_of<'a>(hashes: impl Iterator<Item = &'a blake3::Hash>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("xrun picture digest 1");
    for hash in hashes {
        hasher.update(hash.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[expect(
    unsafe_code,
    reason = "a mapping is sound while nobody changes the file: cache files are complete before they get \
              their name, and are replaced by renaming, never written again"
)]
fn map_read_only(file: &File) -> io::Result<Mmap> {
    // SAFETY: see the reason above.
    unsafe { Mmap::map(file) }
}
