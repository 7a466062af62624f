//! The binary version of CIFAR-10: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
//!
//! A batch is pictures without a header: the byte of the label, then 32 x 32 bytes of red, of green and of blue
//! (Krizhevsky 2009). The official ones have 10,000 pictures; any number is read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::benchmark::Part;
use super::error::DataError;
use super::pictures::Frame;
use crate::spec::data::Benchmark;

/// The shape of the pictures.
pub(super) const FRAME: Frame = Frame::rgb(32);

const PLANE: usize = 32 * 32;
const RECORD: usize = 1 + 3 * PLANE;
const TRAIN: [&str; 5] =
    ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];

/// The training rows in `folder`: the batches in order.
pub(super) fn train(folder: &Path) -> Result<Part, DataError> {
    part(folder, &TRAIN, "train")
}

/// The test rows in `folder`.
pub(super) fn test(folder: &Path) -> Result<Part, DataError> {
    part(folder, &["test_batch.bin"], "test")
}

/// One batch is in memory at a time until pictures are asked for.
fn part(folder: &Path, batches: &[&str], name: &'static str) -> Result<Part, DataError> {
    let paths: Vec<PathBuf> = batches.iter().map(|batch| folder.join(batch)).collect();
    let (mut targets, mut hasher, mut firsts) = (Vec::new(), blake3::Hasher::new(), Vec::new());
    for path in &paths {
        let bytes = read(path)?;
        hasher.update(&bytes);
        firsts.push(targets.len());
        targets.extend(bytes.iter().step_by(RECORD).map(|&label| usize::from(label)));
    }
    let files = paths.clone();
    let pixels = Box::new(move || {
        let mut pixels = Vec::new();
        for path in &paths {
            read(path)?.chunks_exact(RECORD).for_each(|record| interleave(&record[1..], &mut pixels));
        }
        Ok(pixels)
    });
    let hash = *hasher.finalize().as_bytes();
    Part::new(name, Benchmark::Cifar10, FRAME, targets, hash, pixels).map_err(|(row, label, n_classes)| {
        // A batch without pictures was refused: there is a row, and a batch in which it lies.
        let row = row.unwrap_or_default();
        let batch = firsts.partition_point(|&first| first <= row) - 1;
        DataError::LabelRange { path: files[batch].clone(), row: row - firsts[batch], label, n_classes }
    })
}

/// Planes of red, green and blue to pixels.
fn interleave(planes: &[u8], pixels: &mut Vec<u8>) {
    pixels.extend((0..PLANE).flat_map(|at| [planes[at], planes[PLANE + at], planes[2 * PLANE + at]]));
}

fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let data = Benchmark::Cifar10.name();
    let bytes = fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => DataError::FileMissing { path: path.to_owned(), or: "", data },
        _ => DataError::FileUnreadable { path: path.to_owned(), data, source },
    })?;
    match bytes.len() {
        0 => Err(DataError::NoPictures { path: path.to_owned() }),
        found if found % RECORD != 0 => {
            Err(DataError::BatchLength { path: path.to_owned(), found, record: RECORD, data })
        }
        _ => Ok(bytes),
    }
}
