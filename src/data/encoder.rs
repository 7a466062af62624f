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
        Self { columns: columns.map(|c| ColumnEncoder::fit(c, train_rows)).collect() }
    }

    /// The name of each column it takes, and whether that holds numbers.
    pub fn columns(&self) -> impl Iterator<Item = (&str, bool)> {
        self.columns.iter().map(|column| (column.name(), matches!(column, ColumnEncoder::Numeric { .. })))
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
                Self::Numeric { name, fill, mean, std, missing_column: cells.iter().any(Option::is_none) }
            }
            Cells::Categorical { levels, rows } => {
                let seen: BTreeSet<&String> =
                    train_rows.iter().filter_map(|&row| rows[row].map(|level| &levels[level])).collect();
                Self::Categorical { name, levels: seen.into_iter().cloned().collect() }
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
            Self::Numeric { name, missing_column, .. } => {
                let missing = missing_column.then(|| format!("{name} missing"));
                std::iter::once(name.clone()).chain(missing).collect()
            }
            Self::Categorical { name, levels } => levels.iter().map(|level| format!("{name} = {level}")).collect(),
        }
    }

    fn encode(&self, column: &Column, row: usize, numbers: &mut Vec<f32>) {
        match (self, column.cells()) {
            (Self::Numeric { fill, mean, std, missing_column, .. }, Cells::Numeric(cells)) => {
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
pub(super) fn mean_and_std(values: &[f64]) -> (f64, f64) {
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numeric(name: &str, rows: &[Option<f64>]) -> Column {
        Column::new(name, Cells::Numeric(rows.to_vec()))
    }

    fn categorical(name: &str, levels: &[&str], rows: &[Option<usize>]) -> Column {
        let levels = levels.iter().map(|&level| level.to_owned()).collect();
        Column::new(name, Cells::Categorical { levels, rows: rows.to_vec() })
    }

    fn fruit() -> Table {
        Table::new(vec![
            numeric("weight", &[Some(1.0), None, Some(3.0), Some(9.0), Some(100.0)]),
            numeric("size", &[Some(0.1), Some(0.1), Some(0.1), Some(0.1), None]),
            categorical("colour", &["blue", "green", "red"], &[Some(2), Some(1), None, Some(2), Some(0)]),
        ])
    }

    #[test]
    fn numbers_are_filled_centred_and_scaled_by_training_rows() {
        let table = fruit();
        let encoder = Encoder::fit(&table, &[0, 1, 2, 3]);
        assert_eq!(encoder.names(), ["weight", "weight missing", "size", "colour = green", "colour = red"]);
        assert_eq!(encoder.width(), 5);
        // Filled with the median 3, the weights are 1 3 3 9: mean 4, squares 9 1 1 25, deviation 3.
        assert_eq!(encoder.encode(&table, 0), [-1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(encoder.encode(&table, 1), [-1.0 / 3.0, 1.0, 0.0, 1.0, 0.0]);
        assert_eq!(encoder.encode(&table, 2), [-1.0 / 3.0, 0.0, 0.0, 0.0, 0.0]);
        // A colour not seen in training gives zeros; a missing size that training never lacked is its median.
        assert_eq!(encoder.encode(&table, 4), [32.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn columns_without_values_or_with_huge_ones_stay_finite() {
        let table = Table::new(vec![
            numeric("nothing", &[None, None]),
            numeric("huge", &[Some(f64::MAX), Some(-f64::MAX)]),
            categorical("none", &[], &[None, None]),
        ]);
        let encoder = Encoder::fit(&table, &[0, 1]);
        assert_eq!(encoder.names(), ["nothing", "nothing missing", "huge"]);
        assert_eq!(encoder.encode(&table, 0), [0.0, 1.0, 1.0]);
        assert_eq!(Encoder::fit(&table, &[]).encode(&table, 0)[0], 0.0);
    }

    #[test]
    fn another_table_is_encoded_by_names() {
        let encoder = Encoder::fit(&fruit(), &[0, 1, 2, 3]);
        let other = Table::new(vec![
            categorical("colour", &["red"], &[Some(0)]),
            numeric("size", &[Some(0.1)]),
            numeric("weight", &[Some(7.0)]),
        ]);
        assert_eq!(encoder.encode(&other, 0), [1.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn an_encoder_survives_json() {
        let encoder = Encoder::fit(&fruit(), &[0, 1, 3]);
        let json = serde_json::to_string(&encoder).unwrap();
        assert_eq!(serde_json::from_str::<Encoder>(&json).unwrap(), encoder);
        assert!(json.starts_with(r#"{"columns":[{"kind":"numeric","name":"weight","fill":5.0,"#), "{json}");
        assert!(serde_json::from_str::<Encoder>(r#"{"columns":[{"kind":"text","name":"a"}]}"#).is_err());
    }

    fn cells() -> impl Strategy<Value = Vec<(Option<f64>, Option<usize>)>> {
        let number = proptest::option::weighted(0.8, -1e6..1e6_f64);
        proptest::collection::vec((number, proptest::option::weighted(0.8, 0..4_usize)), 8)
    }

    fn table(cells: &[(Option<f64>, Option<usize>)]) -> Table {
        let (numbers, levels): (Vec<_>, Vec<_>) = cells.iter().copied().unzip();
        Table::new(vec![numeric("x", &numbers), categorical("c", &["a", "b", "c", "d"], &levels)])
    }

    proptest! {
        #[test]
        fn rows_outside_training_never_change_the_encoder(known in cells(), other in cells()) {
            let train = [0, 2, 3, 6];
            let mut mixed = other;
            train.iter().for_each(|&row| mixed[row] = known[row]);
            prop_assert_eq!(Encoder::fit(&table(&known), &train), Encoder::fit(&table(&mixed), &train));
        }

        #[test]
        fn training_rows_have_mean_zero_and_deviation_one(cells in cells()) {
            let table = table(&cells);
            let train: Vec<usize> = (0..8).collect();
            let encoder = Encoder::fit(&table, &train);
            let first: Vec<f64> = train.iter().map(|&row| f64::from(encoder.encode(&table, row)[0])).collect();
            let square = first.iter().map(|x| x * x).sum::<f64>() / 8.0;
            prop_assert!(first.iter().sum::<f64>().abs() < 1e-4);
            prop_assert!((square - 1.0).abs() < 1e-4 || square == 0.0, "{}", square);
            prop_assert_eq!(encoder.encode(&table, 0).len(), encoder.width());
        }
    }
}
