//! Published sets of pictures that come in a training and a test part.
//!
//! Both parts are rows of one data set, training rows first; which rows are for the test is kept beside them, for the
//! splitter `official()`. Files are hashed each time the data are opened, and unpacked only when the cache lacks their
//! pictures.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::dataset::{Dataset, Features, Rows};
use super::error::DataError;
use super::pets::short_hash;
use super::picture_cache;
use super::pictures::Frame;
use super::target::Target;
use super::{cifar, digits_drawn, idx, subset};
use crate::spec::data::{Benchmark, BenchmarkSource, BenchmarkSpec, OfficialPart};

/// Gives all pictures of a part, as bytes `[n, size, size, channels]`.
type Pixels = Box<dyn FnOnce() -> Result<Vec<u8>, DataError>>;

/// One part, with its labels but without its pictures.
pub(super) struct Part {
    name: &'static str,
    frame: Frame,
    targets: Vec<usize>,
    hash: [u8; 32],
    pixels: Pixels,
}

impl Part {
    /// A part called `train` or `test`; `hash` is that of its files.
    ///
    /// # Errors
    /// There is no row; or the row whose label is no class comes back with the label and the number of classes.
    pub(super) fn new(
        name: &'static str,
        data: Benchmark,
        frame: Frame,
        targets: Vec<usize>,
        hash: [u8; 32],
        pixels: Pixels,
    ) -> Result<Self, (Option<usize>, usize, usize)> {
        let n_classes = classes(data).len();
        if targets.is_empty() {
            return Err((None, 0, n_classes));
        }
        match targets.iter().position(|&label| label >= n_classes) {
            Some(row) => Err((Some(row), targets[row], n_classes)),
            None => Ok(Self { name, frame, targets, hash, pixels }),
        }
    }
}

/// Names of the classes, as published.
pub(super) fn classes(data: Benchmark) -> [&'static str; 10] {
    match data {
        Benchmark::Mnist => ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        Benchmark::FashionMnist => {
            ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
        }
        Benchmark::Cifar10 => {
            ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
        }
    }
}

/// The shape of the pictures `spec` asks for; of the files, one header is read.
pub(super) fn frame(spec: &BenchmarkSpec) -> Result<Frame, DataError> {
    match (spec.name, &spec.source) {
        (_, BenchmarkSource::Embedded) => Ok(DRAWN),
        (Benchmark::Cifar10, _) => Ok(cifar::FRAME),
        (Benchmark::Mnist | Benchmark::FashionMnist, BenchmarkSource::Folder(folder)) => {
            let stem = if spec.part == OfficialPart::Test { "t10k" } else { "train" };
            idx::frame(spec.name, folder, stem)
        }
    }
}

/// Opens the pictures `spec` asks for.
pub(super) fn open(spec: &BenchmarkSpec, cache_dir: &Path) -> Result<Dataset, DataError> {
    let train = (spec.part != OfficialPart::Test).then(|| read(spec, true)).transpose()?;
    let test = (spec.part != OfficialPart::Train).then(|| read(spec, false)).transpose()?;
    let is_both = train.is_some() && test.is_some();
    let names = classes(spec.name).map(str::to_owned);
    let (mut ids, mut targets, mut official_test, mut key) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    let (mut parts, mut frame): (Vec<(Pixels, Vec<usize>)>, Option<Frame>) = (Vec::new(), None);
    for (part, cap) in
        train.into_iter().map(|part| (part, spec.n)).chain(test.into_iter().map(|part| (part, spec.n_test)))
    {
        if *frame.get_or_insert(part.frame) != part.frame {
            return Err(DataError::PartsDiffer { path: folder(spec) });
        }
        let rows = subset::rows(&part.targets, &names, cap, spec.seed)?;
        let key_of_rows = rows.iter().fold(blake3::Hasher::new(), |mut hasher, &row| {
            hasher.update(&(row as u64).to_le_bytes());
            hasher
        });
        key.push_str(&format!("{} {} ", blake3::Hash::from(part.hash).to_hex(), key_of_rows.finalize().to_hex()));
        ids.extend(rows.iter().map(|row| format!("{}-{row:05}", part.name)));
        targets.extend(rows.iter().map(|&row| part.targets[row]));
        official_test.extend(rows.iter().map(|_| part.name == "test"));
        parts.push((part.pixels, rows));
    }
    let frame = frame.expect("a data set has a part");
    if targets.iter().all(|class| *class == targets[0]) {
        return Err(DataError::OneClass { path: folder(spec), class: names[targets[0]].clone() });
    }
    let pictures = picture_cache::open_or_prepare(
        cache_dir,
        &short_hash(&format!("benchmark 1 {key}")),
        targets.len(),
        frame,
        || painter(parts, frame),
    )?;
    let official_test = is_both.then_some(official_test);
    let rows =
        Rows { ids, target: Target::Classes { names: names.to_vec(), rows: targets }, groups: None, official_test };
    Ok(Dataset::new(rows, Features::Pictures(pictures)))
}

fn read(spec: &BenchmarkSpec, is_train: bool) -> Result<Part, DataError> {
    let folder = match &spec.source {
        BenchmarkSource::Embedded => return Ok(drawn(is_train)),
        BenchmarkSource::Folder(folder) => folder,
    };
    match (spec.name, is_train) {
        (Benchmark::Cifar10, true) => cifar::train(folder),
        (Benchmark::Cifar10, false) => cifar::test(folder),
        (data, true) => idx::part(data, folder, "train", "train"),
        (data, false) => idx::part(data, folder, "t10k", "test"),
    }
}

/// The shape of a drawn picture.
const DRAWN: Frame = Frame { size: digits_drawn::SIZE, channels: 1 };

/// A part of the drawn digits.
fn drawn(is_train: bool) -> Part {
    let name = if is_train { "train" } else { "test" };
    let n = digits_drawn::N[usize::from(!is_train)];
    let hash = *blake3::hash(format!("{} {name} {n}", digits_drawn::VERSION).as_bytes()).as_bytes();
    let pixels = move || {
        let mut pixels = vec![0; n * DRAWN.bytes()];
        let pictures = pixels.par_chunks_mut(DRAWN.bytes()).enumerate();
        pictures.for_each(|(index, picture)| digits_drawn::draw(name, index, picture));
        Ok(pixels)
    };
    Part { name, frame: DRAWN, targets: (0..n).map(digits_drawn::digit).collect(), hash, pixels: Box::new(pixels) }
}

/// What an error about the data as a whole names.
fn folder(spec: &BenchmarkSpec) -> PathBuf {
    match &spec.source {
        BenchmarkSource::Embedded => PathBuf::from("embedded"),
        BenchmarkSource::Folder(folder) => folder.clone(),
    }
}

/// What paints the rows of the parts, one part after the other.
fn painter(
    parts: Vec<(Pixels, Vec<usize>)>,
    frame: Frame,
) -> Result<impl Fn(usize, &mut [u8]) -> Result<(), DataError> + Sync, DataError> {
    let mut unpacked = Vec::new();
    for (pixels, rows) in parts {
        unpacked.push((pixels()?, rows));
    }
    Ok(move |mut index: usize, out: &mut [u8]| {
        for (pixels, rows) in &unpacked {
            match rows.get(index) {
                Some(row) => {
                    out.copy_from_slice(&pixels[row * frame.bytes()..][..frame.bytes()]);
                    break;
                }
                None => index -= rows.len(),
            }
        }
        Ok(())
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
