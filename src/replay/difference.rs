//! The first difference of two files, and how much of them differs.

use serde::Serialize;

use super::ulps::{Precision, Ulps};

/// Where two files of one kind first differ, and how.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Where.
    pub place: Place,
    /// What the first file has there; absent when it ends before.
    pub recorded: Option<String>,
    /// What the second file has there; absent when it ends before.
    pub found: Option<String>,
    /// How far apart they are, if both are numbers.
    pub ulps: Option<Ulps>,
    /// How much of the files differs, where it can be counted.
    pub extent: Option<Extent>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    /// The file as a whole: one of the two is missing.
    File,
    /// A cell of a table.
    Cell {
        /// Line of the file, from 1; the header is line 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What identifies the row, as in `epoch 3`; empty when nothing does.
        row: String,
    },
    /// An element of a tensor.
    Element {
        /// The tensor's name.
        tensor: String,
        /// Its index along each axis, from 0.
        index: Vec<usize>,
    },
    /// A tensor as a whole.
    Tensor {
        /// Its name.
        tensor: String,
    },
    /// A value of a JSON file, or of a config.
    Value {
        /// As in `finals.0.test.roc_auc`.
        name: String,
    },
    /// A byte of a file that means the same, or cannot be read as what it is.
    Byte {
        /// Its offset, from 0.
        offset: usize,
    },
}

/// How much differs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Extent {
    /// Cells, elements or values that differ.
    pub n_different: usize,
    /// Cells, elements or values there are.
    pub n: usize,
    /// The largest difference of two numbers in parts of the larger one; absent when no numbers differ.
    pub largest_relative: Option<f64>,
}

impl Extent {
    pub(super) const NONE: Self = Self { n_different: 0, n: 0, largest_relative: None };

    pub(super) fn count(&mut self, is_different: bool, relative: Option<f64>) {
        self.n += 1;
        self.n_different += usize::from(is_different);
        if let Some(relative) = relative.filter(|_| is_different) {
            self.largest_relative = Some(self.largest_relative.map_or(relative, |largest| largest.max(relative)));
        }
    }
}

impl Difference {
    /// A difference of texts that nothing more is known of.
    pub(super) fn plain(place: Place, recorded: Option<String>, found: Option<String>) -> Self {
        Self { place, recorded, found, ulps: None, extent: None }
    }

    /// The first byte that differs.
    pub(super) fn bytes(recorded: &[u8], found: &[u8]) -> Self {
        let offset = recorded.iter().zip(found).position(|(a, b)| a != b);
        let offset = offset.unwrap_or(recorded.len().min(found.len()));
        let at = |bytes: &[u8]| bytes.get(offset).map(|byte| format!("0x{byte:02x}"));
        Self::plain(Place::Byte { offset }, at(recorded), at(found))
    }
}

/// As in `line 3, column validation.roc_auc (epoch 2)`.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Cell { line, column, row } if row.is_empty() => write!(f, "line {line}, column {column}"),
            Self::Cell { line, column, row } => write!(f, "line {line}, column {column} ({row})"),
            Self::Element { tensor, index } => write!(f, "{tensor} {index:?}"),
            Self::Tensor { tensor } => f.write_str(tensor),
            Self::Value { name } => f.write_str(name),
            Self::Byte { offset } => write!(f, "byte {offset}"),
        }
    }
}

/// The numbers two texts hold. Whole numbers are counts or names, which have no distance in ulps.
pub(super) fn numbers(a: &str, b: &str) -> Option<(f64, f64)> {
    if a.parse::<i64>().is_ok() && b.parse::<i64>().is_ok() {
        return None;
    }
    Some((a.parse().ok()?, b.parse().ok()?))
}

/// The distance of two numbers, and their difference in parts of the larger one.
pub(super) fn distance(a: f64, b: f64, precision: Precision) -> (Option<Ulps>, Option<f64>) {
    let relative = (a - b).abs() / a.abs().max(b.abs());
    (Ulps::between(a, b, precision), Some(if a == b { 0.0 } else { relative }).filter(|relative| !relative.is_nan()))
}
