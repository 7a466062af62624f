//! Rows of a table whose classes are not known, with the columns that a model was trained on.

use std::path::Path;

use super::csv_table::{RawTable, numbered};
use super::encoder::Encoder;
use super::error::DataError;
use super::table::{Cells, Column, Table};
use super::unlabelled::Unlabelled;
use crate::spec::data::CsvTableSpec;

/// The cells of a column, one a row.
type Texts<'a> = Vec<Option<&'a str>>;

impl Unlabelled {
    /// The rows of the table at `path`, with the columns that `encoder` takes, found by their names, and the names of
    /// columns that nothing was known of when the model was trained on the table `spec` names. A column holds what it held
    /// then; a row with a text where a number must stand cannot be read.
    ///
    /// # Errors
    /// The table cannot be read, has no row, or lacks a column.
    pub fn rows_of_table(
        path: &Path,
        encoder: &Encoder,
        spec: &CsvTableSpec,
    ) -> Result<(Self, Vec<String>), DataError> {
        let file = RawTable::read(path)?;
        let place = |name: &str| file.header.iter().position(|column| column == name);
        let missing: Vec<String> =
            encoder.columns().filter(|(name, _)| place(name).is_none()).map(|(name, _)| name.to_owned()).collect();
        if !missing.is_empty() {
            return Err(DataError::ColumnsMissing { path: path.to_owned(), missing, columns: file.header });
        }
        let columns: Vec<(&str, bool, Texts<'_>)> = encoder
            .columns()
            .map(|(name, is_numeric)| {
                let column = place(name).expect("missing columns were refused");
                (name, is_numeric, file.cells(column, &spec.missing).map(|(_, cell)| cell).collect())
            })
            .collect();
        let n = file.n();
        let problem = |row: usize| {
            columns.iter().filter(|(_, is_numeric, _)| *is_numeric).find_map(|(name, _, texts)| {
                let text = texts[row]?;
                number(text).is_none().then(|| format!("`{name}` is `{text}`, which is not a finite number"))
            })
        };
        let problems: Vec<Option<String>> = (0..n).map(problem).collect();
        let read = |texts: &Texts<'_>| -> Vec<Option<String>> {
            let rows = texts.iter().zip(&problems).filter(|(_, problem)| problem.is_none());
            rows.map(|(text, _)| text.map(str::to_owned)).collect()
        };
        let table = columns.iter().map(|(name, is_numeric, texts)| {
            let texts = read(texts);
            let cells = if *is_numeric {
                Cells::Numeric(texts.iter().map(|text| text.as_deref().and_then(number)).collect())
            } else {
                let (levels, rows) = numbered(texts.iter().map(Option::as_deref));
                Cells::Categorical { levels, rows }
            };
            Column::new(name, cells)
        });
        let rows = Self::table(Table::new(table.collect()), problems);
        let is_known = |name: &String| {
            *name == spec.target
                || spec.group.as_ref() == Some(name)
                || spec.drop.contains(name)
                || encoder.columns().any(|(column, _)| column == name)
        };
        Ok((rows, file.header.iter().filter(|name| !is_known(name)).cloned().collect()))
    }
}

/// The number a text is, if it is a finite one.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
