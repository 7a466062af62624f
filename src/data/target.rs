//! What is to be told of the rows of a data set.

use serde::{Deserialize, Serialize};

use super::encoder::mean_and_std;
use super::fingerprint::Fingerprint;
use crate::metric::Task;

/// What is to be told of the rows, and what is true of each.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Classes.
    Classes {
        /// Their names. Of two, the second is the positive one.
        names: Vec<String>,
        /// The class of each row, an index of `names`.
        rows: Vec<usize>,
    },
    /// A finite number of each row.
    Numbers(Vec<f64>),
}

/// How numbers are standardised: `(x - mean) / std`, with statistics of the training rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberScaling {
    mean: f64,
    std: f64,
}

impl NumberScaling {
    /// Mean and standard deviation (of the population) of these rows of `numbers`; 1 if they are all the same.
    ///
    /// # Panics
    /// If a row is not one of them.
    #[must_use]
    pub fn fit(numbers: &[f64], rows: &[usize]) -> Self {
        let of_rows: Vec<f64> = rows.iter().map(|&row| numbers[row]).collect();
        let (mean, std) = mean_and_std(&of_rows);
        Self { mean, std }
    }

    /// The standardised number.
    #[must_use]
    pub fn apply(&self, number: f64) -> f64 {
        (number - self.mean) / self.std
    }

    /// The number that was standardised to this.
    #[must_use]
    pub fn undo(&self, standardised: f64) -> f64 {
        self.mean + self.std * standardised
    }
}

/// The smallest number, the mean and the largest; there must be one.
#[must_use]
pub fn range(numbers: &[f64]) -> (f64, f64, f64) {
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (least, mean_and_std(numbers).0, largest)
}

impl Target {
    /// Number of rows.
    pub(super) fn n_rows(&self) -> usize {
        match self {
            Self::Classes { rows, .. } => rows.len(),
            Self::Numbers(rows) => rows.len(),
        }
    }

    pub(super) fn task(&self) -> Task {
        match self {
            Self::Classes { names, .. } => Task::Classes(names.len()),
            Self::Numbers(_) => Task::Number,
        }
    }

    /// Adds it to the fingerprint of a data set.
    pub(super) fn add_to(&self, fingerprint: &mut Fingerprint) {
        match self {
            Self::Classes { names, rows } => {
                fingerprint.texts(names);
                fingerprint.numbers(rows);
            }
            Self::Numbers(rows) => {
                fingerprint.bytes(b"numbers");
                rows.iter().for_each(|number| fingerprint.bytes(&number.to_le_bytes()));
            }
        }
    }

    /// Adds what is true of one row to its digest. A class counts by its name: its position would change with others.
    pub(super) fn add_row_to(&self, row: usize, digest: &mut Fingerprint) {
        match self {
            Self::Classes { names, rows } => digest.bytes(names[rows[row]].as_bytes()),
            Self::Numbers(rows) => digest.bytes(&rows[row].to_le_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_standardised_by_the_training_rows_alone() {
        // Rows 0, 1 and 3: mean 4, squared deviations 4, 0 and 4.
        let scaling = NumberScaling::fit(&[2.0, 4.0, 1e9, 6.0], &[0, 1, 3]);
        let std = (8.0_f64 / 3.0).sqrt();
        assert!((scaling.apply(6.0) - 2.0 / std).abs() < 1e-12);
        assert!((scaling.undo(scaling.apply(1e9)) - 1e9).abs() < 1e-3);
        let constant = NumberScaling::fit(&[3.0, 3.0], &[0, 1]);
        assert_eq!((constant.apply(5.0), constant.undo(0.0)), (2.0, 3.0));
    }
}
