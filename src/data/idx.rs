//! The files of MNIST and of data sets published in its form: `train-images-idx3-ubyte` and so on, plain or with `.gz`.
//!
//! An idx file of bytes is a magic number, 0x00000800 plus the number of dimensions, each dimension as a 32-bit big-endian
//! number, and the bytes (LeCun, "The MNIST database"). Headers and labels are read at once, pictures when they are needed.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::benchmark::Part;
use super::error::DataError;
use super::pictures::Frame;
use crate::spec::data::Benchmark;

const LABELS_MAGIC: u32 = 0x0801;
const PICTURES_MAGIC: u32 = 0x0803;

/// A part of the data in `folder`: `stem` is `train` or `t10k`.
pub(super) fn part(data: Benchmark, folder: &Path, stem: &str, name: &'static str) -> Result<Part, DataError> {
    let pictures = IdxFile::find(data, folder, &format!("{stem}-images-idx3-ubyte"))?;
    let labels = IdxFile::find(data, folder, &format!("{stem}-labels-idx1-ubyte"))?;
    let (n, frame) = pictures.frame()?;
    let [n_labels] = labels.header(LABELS_MAGIC)?;
    if n != n_labels {
        return Err(DataError::LabelCount { pictures: pictures.path, n_pictures: n, labels: labels.path, n_labels });
    }
    let targets = labels.content(8, n)?.into_iter().map(usize::from).collect();
    let hash = *blake3::Hasher::new().update(&pictures.bytes).update(&labels.bytes).finalize().as_bytes();
    let (path, labels) = (pictures.path.clone(), labels.path);
    let pixels = Box::new(move || pictures.content(16, n * frame.bytes()));
    Part::new(name, data, frame, targets, hash, pixels).map_err(|(row, label, n_classes)| match row {
        Some(row) => DataError::LabelRange { path: labels, row, label, n_classes },
        None => DataError::NoPictures { path },
    })
}

/// The shape of the pictures of a part.
pub(super) fn frame(data: Benchmark, folder: &Path, stem: &str) -> Result<Frame, DataError> {
    Ok(IdxFile::find(data, folder, &format!("{stem}-images-idx3-ubyte"))?.frame()?.1)
}

struct IdxFile {
    data: Benchmark,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl IdxFile {
    fn find(data: Benchmark, folder: &Path, name: &str) -> Result<Self, DataError> {
        let plain = folder.join(name);
        let path = if plain.is_file() { plain.clone() } else { folder.join(format!("{name}.gz")) };
        match fs::read(&path) {
            Ok(bytes) => Ok(Self { data, path, bytes }),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                Err(DataError::FileMissing { path: plain, or: " or the same with .gz", data: data.name() })
            }
            Err(source) => Err(DataError::FileUnreadable { path, data: data.name(), source }),
        }
    }

    fn reader(&self) -> Box<dyn Read + '_> {
        if self.bytes.starts_with(&[0x1f, 0x8b]) {
            Box::new(MultiGzDecoder::new(&self.bytes[..]))
        } else {
            Box::new(&self.bytes[..])
        }
    }

    /// The dimensions, if the magic number is this.
    fn header<const DIMENSIONS: usize>(&self, magic: u32) -> Result<[usize; DIMENSIONS], DataError> {
        let length = 4 + 4 * DIMENSIONS;
        let bytes = self.read(0, length, false)?;
        let number = |at: usize| u32::from_be_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        match number(0) {
            found if found == magic => Ok(std::array::from_fn(|index| number(4 + 4 * index) as usize)),
            found => Err(DataError::WrongMagic { path: self.path.clone(), found, expected: magic }),
        }
    }

    /// Number and shape of the pictures.
    fn frame(&self) -> Result<(usize, Frame), DataError> {
        match self.header(PICTURES_MAGIC)? {
            [n, height, width] if height == width && (1..=1024).contains(&height) => {
                Ok((n, Frame { size: height, channels: 1 }))
            }
            [_, height, width] => Err(DataError::NotSquare { path: self.path.clone(), height, width }),
        }
    }

    /// The bytes behind a header of `header` bytes, exactly `length`.
    fn content(&self, header: usize, length: usize) -> Result<Vec<u8>, DataError> {
        self.read(header, length, true)
    }

    /// Skips `skip` bytes and reads `length`; with `to_end` there must be no more.
    fn read(&self, skip: usize, length: usize, to_end: bool) -> Result<Vec<u8>, DataError> {
        let unreadable = |source| DataError::FileUnreadable { path: self.path.clone(), data: self.data.name(), source };
        let mut reader = self.reader();
        let skipped = io::copy(&mut reader.by_ref().take(skip as u64), &mut io::sink()).map_err(unreadable)?;
        // The length is the header's word: memory is taken as the bytes come.
        let mut bytes = Vec::new();
        reader.by_ref().take(length as u64).read_to_end(&mut bytes).map_err(unreadable)?;
        let rest = if to_end { io::copy(&mut reader, &mut io::sink()).map_err(unreadable)? } else { 0 };
        let (found, expected) = (skipped + bytes.len() as u64 + rest, (skip + length) as u64);
        if found != expected {
            return Err(DataError::FileLength { path: self.path.clone(), data: self.data.name(), found, expected });
        }
        Ok(bytes)
    }
}
