//! Where the rows come from: what [`crate::data`] takes.

use std::path::PathBuf;

/// A data set to open.
#[derive(Clone, Debug, PartialEq)]
pub enum DataSpec {
    /// Pictures of cats and dogs.
    Pets(PetsSpec),
    /// A table in a CSV file.
    CsvTable(CsvTableSpec),
    /// `n` rows without features, for objectives given by a formula.
    Rows {
        /// Number of rows.
        n: usize,
    },
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
    /// The folder of the Oxford-IIIT Pet data set, holding `images/` and `annotations/`. Absolute.
    Folder(PathBuf),
}

/// What is to be told from a pet picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PetsTarget {
    /// Two classes: cat, dog.
    Species,
    /// One class per breed (37 in the whole data set).
    Breed,
}

/// A table in a CSV file with a header line.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvTableSpec {
    /// The file. Absolute.
    pub path: PathBuf,
    /// Column that holds the class.
    pub target: String,
    /// Columns left out.
    pub drop: Vec<String>,
    /// Columns treated as categories although every value is a number.
    pub categorical: Vec<String>,
    /// Column that names the group of a row, for grouped splits; not a feature.
    pub group: Option<String>,
    /// Texts that mean a missing value, beside the empty one.
    pub missing: Vec<String>,
}
