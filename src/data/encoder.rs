//! Turns rows of a table into numbers for a network, with statistics of the training rows alone.
//!
//! A numeric column gives `(x - mean) / std`; where it is missing, the median stands in. If a training row lacks
//! it, a second number says whether it is missing. A categorical column gives a number for each
//! category among the training rows, 1 for the row's own; a category that is missing or was never seen in
//! training gives zeros.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::table::{Cells, Column, Table};

/// The encoding of a table, fitted to training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    columns: Vec<ColumnEncoder>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum ColumnEncoder {
    Numeric {
        name: String,
        /// Stands in for missing values: the median of the training rows that have one.
        fill: f64,
        /// Mean and standard deviation of the training rows after filling in.
        mean: f64,
        std: f64,
        /// Whether a training row lacks the value.
        missing_column: bool,
    },
    Categorical {
        name: String,
        /// The categories of the training rows, sorted.
        levels: Vec<String>,
    },
}

impl Encoder {
    /// Fits an encoder to the rows of `table` whose indices are in `train_rows`.
    ///
    /// # Panics
    /// If a row is not in the table.
    #[must_use]
    pub fn fit(table: &Table, train_rows: &[usize]) -> Self {
        let columns = table.columns().iter();
        Self {
            columns: columns.map(|c| ColumnEncoder::fit(c, train_rows)).collect(),
        }
    }

    /// How many numbers a row becomes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.iter().map(ColumnEncoder::width).sum()
    }

    /// The name of each number: `weight`, `weight missing`, `colour = red`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().flat_map(ColumnEncoder::names).collect()
    }

    /// The numbers `[width]` of row `row`. Columns are found by name, so the table may be another one than the
    /// encoder was fitted to.
    ///
    /// # Panics
    /// If the table lacks the row or a column, or the column is of the other kind.
    #[must_use]
    pub fn encode(&self, table: &Table, row: usize) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(self.width());
        for (position, encoder) in self.columns.iter().enumerate() {
            let name = encoder.name();
            let column = table.column(name, position);
            let column = column.unwrap_or_else(|| panic!("the table has no column `{name}`"));
            encoder.encode(column, row, &mut numbers);
        }
        numbers
    }
}

impl ColumnEncoder {
    fn fit(column: &Column, train_rows: &[usize]) -> Self {
        let name = column.name().to_owned();
        match column.cells() {
            Cells::Numeric(cells) => {
                let cells: Vec<Option<f64>> = train_rows.iter().map(|&row| cells[row]).collect();
                let mut known: Vec<f64> = cells.iter().copied().flatten().collect();
                known.sort_by(f64::total_cmp);
                let fill = median(&known);
                let filled: Vec<f64> = cells.iter().map(|cell| cell.unwrap_or(fill)).collect();
                let (mean, std) = mean_and_std(&filled);
                Self::Numeric {
                    name,
                    fill,
                    mean,
                    std,
                    missing_column: cells.iter().any(Option::is_none),
                }
            }
            Cells::Categorical { levels, rows } => {
                let seen: BTreeSet<&String> = train_rows
                    .iter()
                    .filter_map(|&row| rows[row].map(|level| &levels[level]))
                    .collect();
                Self::Categorical {
                    name,
                    levels: seen.into_iter().cloned().collect(),
                }
            }
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Numeric { name, .. } | Self::Categorical { name, .. } => name,
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Numeric { missing_column, .. } => 1 + usize::from(*missing_column),
            Self::Categorical { levels, .. } => levels.len(),
        }
    }

    fn names(&self) -> Vec<String> {
        match self {
            Self::Numeric {
                name,
                missing_column,
                ..
            } => {
                let missing = missing_column.then(|| format!("{name} missing"));
                std::iter::once(name.clone()).chain(missing).collect()
            }
            Self::Categorical { name, levels } => levels
                .iter()
                .map(|level| format!("{name} = {level}"))
                .collect(),
        }
    }

    fn encode(&self, column: &Column, row: usize, numbers: &mut Vec<f32>) {
        match (self, column.cells()) {
            (
                Self::Numeric {
                    fill,
                    mean,
                    std,
                    missing_column,
                    ..
                },
                Cells::Numeric(cells),
            ) => {
                let cell = cells[row];
                numbers.push(((cell.unwrap_or(*fill) - mean) / std) as f32);
                if *missing_column {
                    numbers.push(f32::from(u8::from(cell.is_none())));
                }
            }
            (Self::Categorical { levels: own, .. }, Cells::Categorical { levels, rows }) => {
                let level = rows[row].map(|level| &levels[level]);
                numbers.extend(own.iter().map(|l| f32::from(u8::from(Some(l) == level))));
            }
            _ => panic!("column `{}` changed its kind", self.name()),
        }
    }
}

/// The middle of sorted values, the mean of the two middle ones if their number is even, 0 if there is none.
fn median(sorted: &[f64]) -> f64 {
    match (sorted.get(sorted.len().wrapping_sub(1) / 2), sorted.get(sorted.len() / 2)) {
        (Some(low), Some(high)) => low / 2.0 + high / 2.0,
        _ => 0.0,
    }
}

/// Mean and standard deviation (divided by n); a constant column has the deviation 1. Values are divided by the
/// largest on the way, so that no sum overflows.
fn mean_and_std(values: &[f64]) -> (f64, f64) {
    let first = values.first().copied().unwrap_or(0.0);
    if values.iter().all(|&x| x == first) {
        return (first, 1.0);
    }
    let n = values.len() as f64;
    let largest = values.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let mean = values.iter().map(|x| x / largest).sum::<f64>() / n;
    let square = |x: &f64| (x / largest - mean) * (x / largest - mean);
    let std = largest * (values.iter().map(square).sum::<f64>() / n).sqrt();
    (mean * largest, if std > 0.0 { std } else { 1.0 })
}
