//! Where the rows come from: what [`crate::data`] takes.

use std::path::PathBuf;

/// A data set to open.
#[derive(Clone, Debug, PartialEq)]
pub enum DataSpec {
    /// Pictures of cats and dogs.
    Pets(PetsSpec),
    /// A published set of pictures with a test part of its own.
    Benchmark(BenchmarkSpec),
    /// Pictures in a folder.
    ImageFolder(ImageFolderSpec),
    /// A table in a CSV file.
    CsvTable(CsvTableSpec),
    /// `n` rows without features, for objectives given by a formula.
    Rows {
        /// Number of rows.
        n: usize,
    },
}

impl DataSpec {
    /// Whether the rows come in groups.
    #[must_use]
    pub fn has_groups(&self) -> bool {
        matches!(self, Self::CsvTable(table) if table.group.is_some())
    }
}

/// Pictures of cats and dogs, drawn by the program or from the Oxford-IIIT Pet folder.
#[derive(Clone, Debug, PartialEq)]
pub struct PetsSpec {
    /// Where the pictures come from.
    pub source: PetsSource,
    /// What is to be told from a picture.
    pub target: PetsTarget,
    /// Height and width the pictures are resized to, in pixels.
    pub size: usize,
}

/// Where pet pictures come from.
#[derive(Clone, Debug, PartialEq)]
pub enum PetsSource {
    /// Drawn by the program.
    Embedded {
        /// How many pictures; half cats, half dogs.
        n: usize,
        /// Seed of the drawing.
        seed: u64,
    },
    /// The folder of the Oxford-IIIT Pet data set, holding `images/` and `annotations/`.
    Folder {
        /// The folder. Absolute.
        path: PathBuf,
        /// The official parts, if they are asked for.
        parts: Option<PetsParts>,
    },
}

/// The official training and test part of the pet photos, as `annotations/trainval.txt` and `test.txt` list them.
#[derive(Clone, Debug, PartialEq)]
pub struct PetsParts {
    /// Which of the rows are there.
    pub part: OfficialPart,
    /// At most so many rows of the training part, the classes in proportion.
    pub n_train: Option<usize>,
    /// At most so many rows of the test part, the classes in proportion.
    pub n_test: Option<usize>,
    /// Seed of the choice of these rows.
    pub seed: u64,
}

/// What is to be told from a pet picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PetsTarget {
    /// Two classes: cat, dog.
    Species,
    /// One class per breed (37 in the whole data set).
    Breed,
}

/// A published set of pictures in its own files, of which some are for the test.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchmarkSpec {
    /// Which.
    pub name: Benchmark,
    /// Where its pictures come from.
    pub source: BenchmarkSource,
    /// Which of its rows are there.
    pub part: OfficialPart,
    /// At most so many rows of its training part, the classes in proportion.
    pub n: Option<usize>,
    /// At most so many rows of its test part, the classes in proportion.
    pub n_test: Option<usize>,
    /// Seed of the choice of these rows.
    pub seed: u64,
}

/// Where the pictures of a published set come from.
#[derive(Clone, Debug, PartialEq)]
pub enum BenchmarkSource {
    /// Drawn by the program in its form; digits alone are.
    Embedded,
    /// The folder that holds its files. Absolute.
    Folder(PathBuf),
}

/// A published set of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Benchmark {
    /// Handwritten digits (LeCun, Cortes, Burges 1998): grey, 28x28.
    Mnist,
    /// Articles of clothing in the files of MNIST (Xiao, Rasul, Vollgraf 2017).
    FashionMnist,
    /// Ten kinds of things (Krizhevsky 2009): colour, 32x32, binary version.
    Cifar10,
}

impl Benchmark {
    /// As it is called in a script and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion_mnist",
            Self::Cifar10 => "cifar10",
        }
    }
}

/// Which rows of a published set are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfficialPart {
    /// The training rows, then the test rows; `official()` splits them.
    All,
    /// The training rows.
    Train,
    /// The test rows.
    Test,
}

/// Pictures in a folder, a class a sub-folder or listed with their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageFolderSpec {
    /// The folder. Absolute.
    pub path: PathBuf,
    /// Height and width the pictures are resized to, in pixels.
    pub size: usize,
    /// A CSV file with the columns `path` and `label`, below the folder or absolute; paths count from the folder.
    pub list: Option<PathBuf>,
    /// At most so many rows, the classes in proportion.
    pub n: Option<usize>,
    /// Seed of the choice of these rows.
    pub seed: u64,
}

/// A table in a CSV file with a header line.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvTableSpec {
    /// The file. Absolute.
    pub path: PathBuf,
    /// Column that holds the class or the number.
    pub target: String,
    /// Columns left out.
    pub drop: Vec<String>,
    /// Columns treated as categories although every value is a number.
    pub categorical: Vec<String>,
    /// Column that names the group of a row, for grouped splits; not a feature.
    pub group: Option<String>,
    /// Texts that mean a missing value, beside the empty one.
    pub missing: Vec<String>,
    /// What the target is.
    pub task: TableTask,
    /// At most so many rows, the classes in proportion.
    pub n: Option<usize>,
    /// Seed of the choice of these rows.
    pub seed: u64,
}

/// What the target of a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableTask {
    /// A class, whatever it is written with.
    Classification,
    /// A number.
    Regression,
}
