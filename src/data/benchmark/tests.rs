//! Files made here, and the real ones where they lie beside the repository.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::data::outline::{Outline, RowOutline, outline};
use crate::data::pictures::Pictures;
use crate::metric::Task;
use crate::spec::data::DataSpec;

/// An idx file: magic number, dimensions, bytes.
fn idx(magic: u32, dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let numbers = [magic].into_iter().chain(dimensions.iter().copied());
    numbers.flat_map(u32::to_be_bytes).chain(bytes.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Twelve training and four test pictures of 2 x 2 pixels; the labels go round through 0, 1 and 2. The first pixel of picture
/// i is i, in the test part 100 + i.
fn digits() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (stem, n, first) in [("train", 12_u8, 0_u8), ("t10k", 4, 100)] {
        let pixels: Vec<u8> = (0..n).flat_map(|i| [first + i, 1, 2, 3]).collect();
        let labels: Vec<u8> = (0..n).map(|i| i % 3).collect();
        let n = u32::from(n);
        fs::write(folder.path().join(format!("{stem}-images-idx3-ubyte")), idx(0x0803, &[n, 2, 2], &pixels)).unwrap();
        fs::write(folder.path().join(format!("{stem}-labels-idx1-ubyte")), idx(0x0801, &[n], &labels)).unwrap();
    }
    folder
}

/// Six batches of four pictures; picture i of batch b has the label i, red b, green i, and blue 9 in its last pixel alone.
fn things() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for batch in 1..=6_u8 {
        let name = if batch == 6 { "test_batch.bin".to_owned() } else { format!("data_batch_{batch}.bin") };
        let mut bytes = Vec::new();
        for i in 0..4_u8 {
            bytes.push(i);
            bytes.extend([batch; 1024]);
            bytes.extend([i; 1024]);
            bytes.extend((0..1024).map(|at| if at == 1023 { 9 } else { 0 }));
        }
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn spec(name: Benchmark, folder: &Path) -> BenchmarkSpec {
    let source = BenchmarkSource::Folder(folder.to_owned());
    BenchmarkSpec { name, source, part: OfficialPart::All, n: None, n_test: None, seed: 0 }
}

fn opened(spec: &BenchmarkSpec) -> Result<Dataset, DataError> {
    let cache = tempfile::tempdir().unwrap();
    open(spec, cache.path())
}

fn pictures(data: &Dataset) -> &Pictures {
    let Features::Pictures(pictures) = data.features() else { panic!("pictures") };
    pictures
}

/// The message after something was done to the folder, with the folder written as `DIR`.
fn message(name: Benchmark, folder: &TempDir, spoil: impl Fn(&Path)) -> String {
    spoil(folder.path());
    let message = opened(&spec(name, folder.path())).unwrap_err().to_string();
    message.replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn both_parts_are_rows_that_know_where_they_are_from() {
    let folder = digits();
    let mnist = opened(&spec(Benchmark::Mnist, folder.path())).unwrap();
    assert_eq!((mnist.n(), mnist.classes().len(), mnist.classes()[9].as_str()), (16, 10, "9"));
    assert_eq!((mnist.ids()[0].as_str(), mnist.ids()[12].as_str()), ("train-00000", "test-00000"));
    assert_eq!(mnist.targets(), [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
    let is_test: Vec<bool> = (0..16).map(|row| row >= 12).collect();
    assert_eq!(mnist.official_test(), Some(&is_test[..]));
    assert_eq!((pictures(&mnist).channels(), pictures(&mnist).size()), (1, 2));
    assert_eq!((pictures(&mnist).picture(11), pictures(&mnist).picture(12)), (&[11, 1, 2, 3][..], &[100, 1, 2, 3][..]));
    assert_eq!(mnist.describe(), "16 grey pictures 2x2, 10 classes of 0 to 6, 4 of them for the official test");
    let row = RowOutline::Picture { channels: 1, size: 2 };
    let shape = outline(&DataSpec::Benchmark(spec(Benchmark::Mnist, folder.path()))).unwrap();
    assert_eq!(shape, Outline { row, task: Task::Classes(10) });
    let fashion = opened(&spec(Benchmark::FashionMnist, folder.path())).unwrap();
    assert_eq!(fashion.classes()[9], "Ankle boot");
    assert_ne!(fashion.fingerprint(), mnist.fingerprint());
}

#[test]
fn a_part_alone_has_no_official_test() {
    let folder = digits();
    fs::remove_file(folder.path().join("t10k-images-idx3-ubyte")).unwrap();
    let of = |part| opened(&BenchmarkSpec { part, ..spec(Benchmark::Mnist, folder.path()) });
    let train = of(OfficialPart::Train).unwrap();
    assert_eq!(
        (train.n(), train.official_test(), train.describe().as_str()),
        (12, None, "12 grey pictures 2x2, 10 classes of 0 to 4")
    );
    assert!(matches!(of(OfficialPart::Test), Err(DataError::FileMissing { .. })));
}

#[test]
fn packed_files_are_the_same_data() {
    let folder = digits();
    let plain = opened(&spec(Benchmark::Mnist, folder.path())).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        fs::write(path.with_extension("gz"), gzip(&fs::read(&path).unwrap())).unwrap();
        fs::remove_file(path).unwrap();
    }
    let packed = opened(&spec(Benchmark::Mnist, folder.path())).unwrap();
    assert_eq!(packed.fingerprint(), plain.fingerprint());
    assert_eq!(packed.row_digests(), plain.row_digests());
}

#[test]
fn a_cap_keeps_the_classes_in_proportion_in_each_part() {
    let folder = digits();
    let spec = BenchmarkSpec { n: Some(6), n_test: Some(4), seed: 3, ..spec(Benchmark::Mnist, folder.path()) };
    let data = opened(&spec).unwrap();
    let of = |class: usize| data.targets()[..6].iter().filter(|&&target| target == class).count();
    assert_eq!((data.n(), of(0), of(1), of(2)), (10, 2, 2, 2));
    for (row, id) in data.ids().iter().enumerate() {
        let (part, number) = id.split_once('-').unwrap();
        let first = number.parse::<u8>().unwrap() + if part == "test" { 100 } else { 0 };
        assert_eq!(pictures(&data).picture(row)[0], first, "{id}");
    }
    assert_eq!(data.official_test().unwrap().iter().filter(|&&test| test).count(), 4);
    let other = opened(&BenchmarkSpec { seed: 4, ..spec.clone() }).unwrap();
    assert_ne!(data.ids(), other.ids());
    let error = opened(&BenchmarkSpec { n: Some(2), ..spec }).unwrap_err().to_string();
    assert_eq!(
        error,
        "2 rows with the classes in proportion have none of `2`, which has 4 rows in the data; use more rows"
    );
}

#[test]
fn a_changed_file_is_not_taken_from_the_cache() {
    let folder = digits();
    let cache = tempfile::tempdir().unwrap();
    let spec = spec(Benchmark::Mnist, folder.path());
    let before = open(&spec, cache.path()).unwrap();
    assert_eq!(before.fingerprint(), open(&spec, cache.path()).unwrap().fingerprint());
    let path = folder.path().join("t10k-images-idx3-ubyte");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let after = open(&spec, cache.path()).unwrap();
    let changed = before.row_digests().iter().zip(after.row_digests()).filter(|(a, b)| a != b).count();
    assert_eq!(changed, 1);
}

#[test]
fn planes_of_batches_become_pixels() {
    let folder = things();
    let cifar = opened(&spec(Benchmark::Cifar10, folder.path())).unwrap();
    assert_eq!((cifar.n(), cifar.ids()[19].as_str(), cifar.ids()[20].as_str()), (24, "train-00019", "test-00000"));
    assert_eq!((cifar.classes()[0].as_str(), &cifar.targets()[18..22]), ("airplane", &[2, 3, 0, 1][..]));
    let picture = pictures(&cifar).picture(6);
    assert_eq!((picture.len(), &picture[..6], &picture[3069..]), (3072, &[2, 2, 0, 2, 2, 0][..], &[2, 2, 9][..]));
    assert_eq!(cifar.describe(), "24 pictures 32x32, 10 classes of 0 to 6, 4 of them for the official test");
}

#[test]
fn missing_files_are_named_with_the_command_that_gets_them() {
    let remove = |name: &'static str| move |folder: &Path| fs::remove_file(folder.join(name)).unwrap();
    assert_eq!(
        message(Benchmark::Mnist, &digits(), remove("t10k-labels-idx1-ubyte")),
        "found no `DIR/t10k-labels-idx1-ubyte` or the same with .gz; `xrun data fetch mnist` gets the data, and `path` names \
         the folder they lie in"
    );
    assert_eq!(
        message(Benchmark::FashionMnist, &digits(), |folder| fs::remove_dir_all(folder).unwrap()),
        "found no `DIR/train-images-idx3-ubyte` or the same with .gz; `xrun data fetch fashion_mnist` gets the data, and \
         `path` names the folder they lie in"
    );
    assert_eq!(
        message(Benchmark::Cifar10, &things(), remove("data_batch_3.bin")),
        "found no `DIR/data_batch_3.bin`; `xrun data fetch cifar10` gets the data, and `path` names the folder they lie in"
    );
}

/// Replaces a file of [`digits`].
fn replace(name: &'static str, bytes: Vec<u8>) -> impl Fn(&Path) {
    move |folder| fs::write(folder.join(name), &bytes).unwrap()
}

#[test]
fn a_file_of_another_kind_is_told_by_its_magic_number() {
    let labels = idx(0x0801, &[12], &[0; 12]);
    assert_eq!(
        message(Benchmark::Mnist, &digits(), replace("train-images-idx3-ubyte", labels.clone())),
        "`DIR/train-images-idx3-ubyte` begins with 0x00000801, but idx files of pictures begin with 0x00000803; is it the \
         file that its name says?"
    );
    assert_eq!(
        message(Benchmark::Mnist, &digits(), replace("train-labels-idx1-ubyte", b"<html></html>".to_vec())),
        "`DIR/train-labels-idx1-ubyte` begins with 0x3c68746d, but idx files of labels begin with 0x00000801; is it the file \
         that its name says?"
    );
}

#[test]
fn short_and_long_files_are_told_with_their_lengths() {
    let length = |name: &'static str, bytes: Vec<u8>| message(Benchmark::Mnist, &digits(), replace(name, bytes));
    let remedy = "it is damaged, `xrun data fetch mnist` gets it anew";
    let pictures = idx(0x0803, &[12, 2, 2], &[7; 48]);
    for (bytes, found, expected) in [
        (pictures[..50].to_vec(), 50, 64),
        (gzip(&pictures[..50]), 50, 64),
        (gzip(&[&pictures[..], &[1, 2]].concat()), 66, 64),
        (pictures[..9].to_vec(), 9, 16),
        (Vec::new(), 0, 16),
    ] {
        assert_eq!(
            length("train-images-idx3-ubyte", bytes),
            format!("`DIR/train-images-idx3-ubyte` holds {found} bytes where its header needs {expected}; {remedy}")
        );
    }
    assert_eq!(
        length("train-labels-idx1-ubyte", idx(0x0801, &[12], &[0; 11])),
        format!("`DIR/train-labels-idx1-ubyte` holds 19 bytes where its header needs 20; {remedy}")
    );
    let packed = gzip(&pictures);
    let cut = length("train-images-idx3-ubyte", packed[..packed.len() - 12].to_vec());
    // Between them stands what the decoder says.
    assert!(cut.starts_with("cannot read `DIR/train-images-idx3-ubyte`: "), "{cut}");
    assert!(cut.ends_with("; if the file is damaged, `xrun data fetch mnist` gets it anew"), "{cut}");
}

#[test]
fn counts_labels_and_shapes_that_do_not_fit_are_told() {
    let replaced = |name: &'static str, bytes: Vec<u8>| message(Benchmark::Mnist, &digits(), replace(name, bytes));
    assert_eq!(
        replaced("train-labels-idx1-ubyte", idx(0x0801, &[1], &[0])),
        "`DIR/train-images-idx3-ubyte` holds 12 pictures, but `DIR/train-labels-idx1-ubyte` 1 label; use two files that \
         belong together"
    );
    assert_eq!(
        replaced("t10k-labels-idx1-ubyte", idx(0x0801, &[4], &[0, 9, 10, 1])),
        "`DIR/t10k-labels-idx1-ubyte`: label 2 is 10, but labels go from 0 to 9; use the data set's own files"
    );
    assert_eq!(
        replaced("train-images-idx3-ubyte", idx(0x0803, &[12, 2, 3], &[0; 72])),
        "the pictures in `DIR/train-images-idx3-ubyte` are 2x3; height and width must be equal, and from 1 to 1024"
    );
    assert_eq!(
        replaced("t10k-images-idx3-ubyte", idx(0x0803, &[4, 3, 3], &[0; 36])),
        "the training and the test pictures in `DIR` differ in size; use the files of one data set"
    );
    let nothing = |folder: &Path| {
        replace("train-images-idx3-ubyte", idx(0x0803, &[0, 2, 2], &[]))(folder);
        replace("train-labels-idx1-ubyte", idx(0x0801, &[0], &[]))(folder);
    };
    assert_eq!(
        message(Benchmark::Mnist, &digits(), nothing),
        "`DIR/train-images-idx3-ubyte` holds no picture; use the data set's own files"
    );
    let one_class = |folder: &Path| {
        replace("train-labels-idx1-ubyte", idx(0x0801, &[12], &[7; 12]))(folder);
        replace("t10k-labels-idx1-ubyte", idx(0x0801, &[4], &[7; 4]))(folder);
    };
    assert_eq!(
        message(Benchmark::Mnist, &digits(), one_class),
        "every row of `DIR` has the class `7`; there must be at least two classes"
    );
}

#[test]
fn batches_that_end_within_a_picture_or_have_other_labels_are_told() {
    let spoil = |change: fn(&mut Vec<u8>)| {
        message(Benchmark::Cifar10, &things(), |folder| {
            let path = folder.join("data_batch_2.bin");
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(&path, bytes).unwrap();
        })
    };
    assert_eq!(
        spoil(|bytes| bytes.truncate(3 * 3073 + 1)),
        "`DIR/data_batch_2.bin` holds 9220 bytes, which are not pictures of 3073 bytes each; it is damaged, `xrun data fetch \
         cifar10` gets it anew"
    );
    assert_eq!(spoil(Vec::clear), "`DIR/data_batch_2.bin` holds no picture; use the data set's own files");
    assert_eq!(
        spoil(|bytes| bytes[3 * 3073] = 200),
        "`DIR/data_batch_2.bin`: label 3 is 200, but labels go from 0 to 9; use the data set's own files"
    );
}

/// The folder of a real data set, below `XRUN_SHARED` or `shared` beside the repository.
fn shared(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("XRUN_SHARED").map_or_else(beside, PathBuf::from).join("data").join(name);
    let is_there = folder.is_dir();
    if !is_there {
        println!("skipped: no `{}`; set XRUN_SHARED to the folder that has data/{name}", folder.display());
    }
    is_there.then_some(folder)
}

/// Class counts as published with the data; sums of pixels as Python computes them from the files.
#[test]
fn the_real_mnist_opens() {
    let Some(folder) = shared("mnist") else { return };
    let cache = tempfile::tempdir().unwrap();
    let mnist = open(&spec(Benchmark::Mnist, &folder), cache.path()).unwrap();
    let mut counts = [0; 10];
    mnist.targets()[..60_000].iter().for_each(|&class| counts[class] += 1);
    assert_eq!(counts, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert_eq!((mnist.n(), &mnist.targets()[60_000..60_005]), (70_000, &[7, 2, 1, 0, 4][..]));
    let sum = |rows: std::ops::Range<usize>| -> u64 {
        rows.flat_map(|row| pictures(&mnist).picture(row)).map(|&byte| u64::from(byte)).sum()
    };
    assert_eq!((sum(0..60_000), sum(60_000..70_000)), (1_567_298_545, 264_923_200));
}

#[test]
fn the_real_cifar_layout_opens() {
    let Some(folder) = shared("cifar-10-batches-bin") else { return };
    let cifar = opened(&spec(Benchmark::Cifar10, &folder)).unwrap();
    assert_eq!(cifar.official_test().unwrap().iter().filter(|&&test| test).count(), 1000);
    assert_eq!(cifar.n(), 5000);
}

#[test]
fn drawn_digits_have_the_form_of_the_published_ones() {
    let spec = BenchmarkSpec {
        source: BenchmarkSource::Embedded,
        n: Some(40),
        n_test: Some(20),
        ..spec(Benchmark::Mnist, Path::new("nowhere"))
    };
    let data = opened(&spec).unwrap();
    assert_eq!(data.describe(), "60 grey pictures 28x28, 10 classes of 6 to 6, 20 of them for the official test");
    assert_eq!((data.ids().first().unwrap().split('-').next(), data.classes()[9].as_str()), (Some("train"), "9"));
    let whole = opened(&BenchmarkSpec { n: None, n_test: None, ..spec.clone() }).unwrap();
    assert_eq!((whole.n(), whole.official_test().unwrap().iter().filter(|&&test| test).count()), (6_000, 1_000));
    let drawn = |data: &Dataset, row: usize| pictures(data).picture(row).to_vec();
    let row = whole.ids().iter().position(|id| *id == data.ids()[0]).unwrap();
    assert_eq!(drawn(&data, 0), drawn(&whole, row));
    let row = RowOutline::Picture { channels: 1, size: 28 };
    assert_eq!(outline(&DataSpec::Benchmark(spec)).unwrap(), Outline { row, task: Task::Classes(10) });
}
