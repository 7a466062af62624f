//! Features that a frozen backbone with published weights gave, kept in the cache folder: a picture goes through such a
//! backbone once, whatever fit, trial, fold or run asks for it.
//!
//! One file holds what one network gives under one preprocessing; its name is a hash of everything that can change a
//! number. It is a log of records: the digest of a picture, its features, and a check over both. Several processes may
//! write to it: a record is appended in one go under a lock. What follows a damaged record is not read, and overwritten
//! by the next who writes.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::TrainError;

/// The first bytes of a file; they change with its format.
const MAGIC: &[u8; 8] = b"xrunfea1";
const DIGEST_BYTES: usize = 32;
const CHECK_BYTES: usize = 8;

/// BLAKE3 of a picture as the network sees it.
pub(super) type PictureDigest = [u8; DIGEST_BYTES];

/// The folder that files of features lie in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeatureStore {
    folder: PathBuf,
}

impl FeatureStore {
    /// Files in `folder`, which is made when it is needed.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The features under `key`, `width` numbers a picture.
    ///
    /// # Errors
    /// The file cannot be made or read.
    pub(super) fn open(&self, key: &str, width: usize) -> Result<FeatureFile, TrainError> {
        let path = self.folder.join(format!("features-{key}.f32"));
        FeatureFile::open(&path, width).map_err(|source| TrainError::Features { path, source })
    }
}

/// An open file of features.
#[derive(Debug)]
pub(super) struct FeatureFile {
    path: PathBuf,
    file: File,
    width: usize,
    /// Up to where the file has been read.
    read: u64,
    features: HashMap<PictureDigest, Box<[f32]>>,
}

impl FeatureFile {
    fn open(path: &Path, width: usize) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut opened = Self { path: path.to_owned(), file, width, read: 0, features: HashMap::new() };
        opened.read_on()?;
        Ok(opened)
    }

    /// What is known about a picture.
    pub(super) fn get(&self, picture: &PictureDigest) -> Option<&[f32]> {
        self.features.get(picture).map(AsRef::as_ref)
    }

    /// Adds the features of pictures: `width` numbers for each, one after the other. What others have added since is known
    /// afterwards, too.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn add(&mut self, pictures: &[PictureDigest], features: &[f32]) -> Result<(), TrainError> {
        assert_eq!(features.len(), pictures.len() * self.width, "as many numbers as the network gives");
        self.append(pictures, features).map_err(|source| TrainError::Features { path: self.path.clone(), source })
    }

    fn append(&mut self, pictures: &[PictureDigest], features: &[f32]) -> io::Result<()> {
        self.file.lock()?;
        let appended = self.append_locked(pictures, features);
        self.file.unlock()?;
        appended
    }

    fn append_locked(&mut self, pictures: &[PictureDigest], features: &[f32]) -> io::Result<()> {
        self.read_on()?;
        let mut bytes = Vec::with_capacity(MAGIC.len() + pictures.len() * self.record_bytes());
        if self.read == 0 {
            bytes.extend_from_slice(MAGIC);
        }
        for (picture, features) in pictures.iter().zip(features.chunks_exact(self.width)) {
            let start = bytes.len();
            bytes.extend_from_slice(picture);
            features.iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
            let check = check(&bytes[start..]);
            bytes.extend_from_slice(&check);
        }
        // Whatever lies behind the last whole record was torn off by a crash.
        self.file.set_len(self.read)?;
        self.file.seek(SeekFrom::Start(self.read))?;
        self.file.write_all(&bytes)?;
        self.read_on()
    }

    /// Takes in the whole records that have not been read yet.
    fn read_on(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.read))?;
        self.file.read_to_end(&mut bytes)?;
        let mut rest = bytes.as_slice();
        if self.read == 0 {
            match rest.strip_prefix(MAGIC) {
                Some(records) => rest = records,
                None => return Ok(()),
            }
        }
        let mut at = (bytes.len() - rest.len()) as u64;
        for record in rest.chunks_exact(self.record_bytes()) {
            let (content, found) = record.split_at(record.len() - CHECK_BYTES);
            if found != check(content) {
                break;
            }
            let (picture, numbers) =
                content.split_first_chunk::<DIGEST_BYTES>().expect("a record begins with a digest");
            let numbers = numbers.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
            self.features.insert(*picture, numbers);
            at += record.len() as u64;
        }
        self.read += at;
        Ok(())
    }

    fn record_bytes(&self) -> usize {
        DIGEST_BYTES + 4 * self.width + CHECK_BYTES
    }
}

fn check(content: &[u8]) -> [u8; CHECK_BYTES] {
    *blake3::hash(content).as_bytes().first_chunk().expect("a hash is longer than a check")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn picture(n: u8) -> PictureDigest {
        [n; DIGEST_BYTES]
    }

    fn file(folder: &Path) -> PathBuf {
        folder.join("features-k.f32")
    }

    #[test]
    fn what_was_added_is_found_by_everybody() {
        let folder = tempfile::tempdir().unwrap();
        let store = FeatureStore::new(&folder.path().join("deep"));
        let (mut one, mut other) = (store.open("k", 2).unwrap(), store.open("k", 2).unwrap());
        one.add(&[picture(1), picture(2)], &[0.5, -1.0, f32::MIN_POSITIVE, 3.0]).unwrap();
        assert_eq!(other.get(&picture(2)), None);
        other.add(&[picture(3)], &[7.0, 8.0]).unwrap();
        one.add(&[], &[]).unwrap();
        for file in [one, other, store.open("k", 2).unwrap()] {
            assert_eq!(file.get(&picture(1)), Some(&[0.5, -1.0][..]));
            assert_eq!(file.get(&picture(2)), Some(&[f32::MIN_POSITIVE, 3.0][..]));
            assert_eq!(file.get(&picture(3)), Some(&[7.0, 8.0][..]));
            assert_eq!(file.get(&picture(4)), None);
        }
        assert!(store.open("another", 2).unwrap().get(&picture(1)).is_none());
    }

    #[test]
    fn what_is_damaged_or_torn_is_forgotten_and_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = FeatureStore::new(folder.path());
        store.open("k", 1).unwrap().add(&[picture(1), picture(2), picture(3)], &[1.0, 2.0, 3.0]).unwrap();
        let intact = fs::read(file(folder.path())).unwrap();
        let record = DIGEST_BYTES + 4 + CHECK_BYTES;
        for (damage, known) in [(3, 0), (8, 0), (8 + 32, 0), (8 + record + 36, 1), (8 + 2 * record + 1, 2)] {
            let mut bytes = intact.clone();
            bytes[damage] ^= 1;
            fs::write(file(folder.path()), &bytes).unwrap();
            let mut opened = store.open("k", 1).unwrap();
            let found = (1..=3).filter(|&n| opened.get(&picture(n)).is_some()).count();
            assert_eq!(found, known, "byte {damage}");
            let missing: Vec<u8> = (known as u8 + 1..=3).collect();
            let numbers: Vec<f32> = missing.iter().map(|&n| f32::from(n)).collect();
            opened.add(&missing.iter().map(|&n| picture(n)).collect::<Vec<_>>(), &numbers).unwrap();
            assert_eq!(fs::read(file(folder.path())).unwrap(), intact, "byte {damage}");
        }
        for length in [0, 5, 8, 9, 8 + record, 8 + 2 * record + 7] {
            fs::write(file(folder.path()), &intact[..length]).unwrap();
            let mut opened = store.open("k", 1).unwrap();
            let known = length.saturating_sub(8) / record;
            assert_eq!((1..=3).filter(|&n| opened.get(&picture(n)).is_some()).count(), known, "length {length}");
            opened.add(&[picture(9)], &[9.0]).unwrap();
            assert_eq!(store.open("k", 1).unwrap().get(&picture(9)), Some(&[9.0][..]), "length {length}");
        }
    }

    #[test]
    fn many_may_write_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = FeatureStore::new(folder.path());
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let store = &store;
                scope.spawn(move || {
                    let mut file = store.open("k", 3).unwrap();
                    for n in 0..20 {
                        file.add(&[picture(20 * writer + n)], &[f32::from(writer), f32::from(n), 0.0]).unwrap();
                    }
                });
            }
        });
        let file = store.open("k", 3).unwrap();
        for writer in 0..8_u8 {
            for n in 0..20 {
                assert_eq!(file.get(&picture(20 * writer + n)), Some(&[f32::from(writer), f32::from(n), 0.0][..]));
            }
        }
    }
}
