//! Tables in CSV files: a header line, commas, UTF-8. Spaces around cells do not count.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord, Trim};

use super::dataset::{Dataset, Features, Rows};
use super::error::DataError;
use super::subset;
use super::table::{Cells, Column, Table};
use super::target::Target;
use crate::spec::data::{CsvTableSpec, TableTask};

/// Opens the table `spec` names, or as many of its rows as it asks for.
///
/// A column holds numbers if every cell that is not missing is one, else categories; a column without any
/// value counts as numbers. Classes and groups are numbered in the order of their names.
pub(super) fn open(spec: &CsvTableSpec) -> Result<Dataset, DataError> {
    let file = RawTable::read(&spec.path)?;
    let roles = Roles::settle(spec, &file)?;
    let (target, used) = match spec.task {
        TableTask::Classification => {
            let (names, rows) = file.named(roles.target, "target", spec)?;
            if let [class] = &names[..] {
                return Err(DataError::OneClass { path: spec.path.clone(), class: class.clone() });
            }
            let used = subset::rows(&rows, &names, spec.n, spec.seed)?;
            (Target::Classes { names, rows: taken(&rows, &used) }, used)
        }
        TableTask::Regression => {
            let numbers = file.numbers(roles.target, spec)?;
            let used = subset::any_rows(numbers.len(), spec.n, spec.seed);
            let numbers = taken(&numbers, &used);
            if numbers.iter().all(|number| *number == numbers[0]) {
                return Err(DataError::OneNumber { path: spec.path.clone(), n: numbers.len(), number: numbers[0] });
            }
            (Target::Numbers(numbers), used)
        }
    };
    let groups = match roles.group {
        Some(column) => Some(without_gaps(&taken(&file.named(column, "group", spec)?.1, &used))),
        None => None,
    };
    let columns: Result<Vec<Column>, DataError> = roles
        .features
        .iter()
        .map(|&(column, categorical)| Ok(file.column(column, categorical, spec)?.taken(&used)))
        .collect();
    let ids = used.iter().map(|row| format!("row-{row}")).collect();
    let rows = Rows { ids, target, groups, official_test: None };
    Ok(Dataset::new(rows, Features::Table(Table::new(columns?))))
}

/// Those of the rows that are used.
fn taken<T: Clone>(rows: &[T], used: &[usize]) -> Vec<T> {
    used.iter().map(|&row| rows[row].clone()).collect()
}

/// The groups numbered from 0, in the same order.
fn without_gaps(groups: &[usize]) -> Vec<usize> {
    let known: BTreeSet<usize> = groups.iter().copied().collect();
    let known: Vec<usize> = known.into_iter().collect();
    groups.iter().filter_map(|group| known.binary_search(group).ok()).collect()
}

/// The cells as text.
pub(super) struct RawTable {
    pub(super) header: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    /// Line in the file, from 1.
    line: u64,
    cells: StringRecord,
}

impl RawTable {
    pub(super) fn read(path: &Path) -> Result<Self, DataError> {
        let bytes = fs::read(path).map_err(|source| DataError::TableUnreadable { path: path.to_owned(), source })?;
        let unreadable = |error| table_error(path, &bytes, error);
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(&bytes[..]);
        let header: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
        let mut seen = BTreeSet::new();
        if let Some(column) = header.iter().find(|name| !seen.insert(*name)) {
            return Err(DataError::ColumnTwice { path: path.to_owned(), column: column.clone() });
        }
        let mut rows = Vec::new();
        for cells in reader.records() {
            let cells = cells.map_err(unreadable)?;
            let line = cells.position().map_or(1, |start| line_at(&bytes, start));
            rows.push(Row { line, cells });
        }
        if rows.is_empty() {
            return Err(DataError::TableEmpty { path: path.to_owned() });
        }
        Ok(Self { header, rows })
    }

    /// Number of rows; at least 1.
    pub(super) fn n(&self) -> usize {
        self.rows.len()
    }

    /// The cells of a column with their lines, `None` where the value is missing.
    pub(super) fn cells(&self, column: usize, missing: &[String]) -> impl Iterator<Item = (u64, Option<&str>)> {
        self.rows.iter().map(move |row| {
            let cell = &row.cells[column];
            let missing = cell.is_empty() || missing.iter().any(|text| text == cell);
            (row.line, (!missing).then_some(cell))
        })
    }

    /// The cells of the column called `name` with their lines, none of which may be missing.
    pub(super) fn texts(&self, path: &Path, name: &str) -> Result<Vec<(u64, &str)>, DataError> {
        let column = self.header.iter().position(|column| column == name).ok_or_else(|| DataError::ColumnNotFound {
            path: path.to_owned(),
            column: name.to_owned(),
            role: "list",
            columns: self.header.clone(),
        })?;
        let missing = |line| DataError::CellMissing {
            path: path.to_owned(),
            line,
            column: name.to_owned(),
            role: if name == "path" { "picture" } else { "class" },
        };
        self.cells(column, &[]).map(|(line, cell)| Ok((line, cell.ok_or_else(|| missing(line))?))).collect()
    }

    /// The sorted names in a column that must not miss any, and the index of each row's name.
    fn named(
        &self,
        column: usize,
        role: &'static str,
        spec: &CsvTableSpec,
    ) -> Result<(Vec<String>, Vec<usize>), DataError> {
        let (names, rows) = numbered(self.cells(column, &spec.missing).map(|(_, cell)| cell));
        let missing = self.cells(column, &spec.missing).find(|(_, cell)| cell.is_none());
        match missing {
            None => Ok((names, rows.into_iter().flatten().collect())),
            Some((line, _)) => {
                Err(DataError::CellMissing { path: spec.path.clone(), line, column: self.header[column].clone(), role })
            }
        }
    }

    /// The numbers in a column of which none may be missing.
    fn numbers(&self, column: usize, spec: &CsvTableSpec) -> Result<Vec<f64>, DataError> {
        let (path, column_name) = (|| spec.path.clone(), || self.header[column].clone());
        let number = |(line, cell): (u64, Option<&str>)| {
            let Some(text) = cell else {
                return Err(DataError::CellMissing { path: path(), line, column: column_name(), role: "target" });
            };
            match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(number),
                Ok(_) => {
                    Err(DataError::TargetNotFinite { path: path(), line, column: column_name(), text: text.to_owned() })
                }
                Err(_) => {
                    Err(DataError::TargetNoNumber { path: path(), line, column: column_name(), text: text.to_owned() })
                }
            }
        };
        self.cells(column, &spec.missing).map(number).collect()
    }

    /// A column to learn from.
    fn column(&self, column: usize, categorical: bool, spec: &CsvTableSpec) -> Result<Column, DataError> {
        let name = &self.header[column];
        let texts: Vec<(u64, Option<&str>)> = self.cells(column, &spec.missing).collect();
        let numbers: Option<Vec<Option<f64>>> = texts
            .iter()
            .map(|(_, text)| text.map(|text| text.parse().ok()).map_or(Some(None), |x| x.map(Some)))
            .collect();
        let Some(numbers) = numbers.filter(|_| !categorical) else {
            let (levels, rows) = numbered(texts.into_iter().map(|(_, text)| text));
            return Ok(Column::new(name, Cells::Categorical { levels, rows }));
        };
        for (&(line, text), number) in texts.iter().zip(&numbers) {
            if let (Some(text), Some(number)) = (text, number)
                && !number.is_finite()
            {
                return Err(DataError::NotFinite {
                    path: spec.path.clone(),
                    line,
                    column: name.clone(),
                    text: text.to_owned(),
                });
            }
        }
        Ok(Column::new(name, Cells::Numeric(numbers)))
    }
}

/// What each column is for, as indices of the header.
struct Roles {
    target: usize,
    group: Option<usize>,
    /// Columns to learn from, and whether they are to be categories whatever they hold.
    features: Vec<(usize, bool)>,
}

impl Roles {
    fn settle(spec: &CsvTableSpec, file: &RawTable) -> Result<Self, DataError> {
        let mut roles: Vec<Option<&'static str>> = vec![None; file.header.len()];
        let mut assign = |column: &String, role: &'static str| {
            let index = file.header.iter().position(|name| name == column);
            let index = index.ok_or_else(|| DataError::ColumnNotFound {
                path: spec.path.clone(),
                column: column.clone(),
                role,
                columns: file.header.clone(),
            })?;
            match roles[index].replace(role) {
                Some(first) if first != role => {
                    Err(DataError::ColumnRoles { column: column.clone(), first, second: role })
                }
                _ => Ok(index),
            }
        };
        let target = assign(&spec.target, "target")?;
        let group = spec.group.as_ref().map(|c| assign(c, "group")).transpose()?;
        for column in &spec.drop {
            assign(column, "drop")?;
        }
        for column in &spec.categorical {
            assign(column, "categorical")?;
        }
        let features: Vec<(usize, bool)> = roles
            .iter()
            .enumerate()
            .filter(|(_, role)| matches!(role, None | Some("categorical")))
            .map(|(index, role)| (index, role.is_some()))
            .collect();
        if features.is_empty() {
            return Err(DataError::NoFeatures { path: spec.path.clone() });
        }
        Ok(Self { target, group, features })
    }
}

/// The different texts in order, and the index of each cell's text among them.
pub(super) fn numbered<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> (Vec<String>, Vec<Option<usize>>) {
    let cells: Vec<Option<&str>> = cells.collect();
    let names: BTreeSet<&str> = cells.iter().copied().flatten().collect();
    let names: Vec<&str> = names.into_iter().collect();
    let rows = cells.iter().map(|cell| cell.and_then(|text| names.binary_search(&text).ok())).collect();
    (names.into_iter().map(str::to_owned).collect(), rows)
}

/// The line of a record: its start as the reader tells it lies before the empty lines above the record.
fn line_at(bytes: &[u8], start: &Position) -> u64 {
    let rest = &bytes[bytes.len().min(start.byte() as usize)..];
    let ends = rest.iter().take_while(|&&byte| byte == b'\n' || byte == b'\r');
    start.line() + ends.filter(|&&byte| byte == b'\n').count() as u64
}

fn table_error(path: &Path, bytes: &[u8], error: csv::Error) -> DataError {
    let path = path.to_owned();
    let line = error.position().map_or(1, |start| line_at(bytes, start));
    match error.into_kind() {
        ErrorKind::Io(source) => DataError::TableUnreadable { path, source },
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            DataError::Ragged { path, line, found: len, expected: expected_len }
        }
        ErrorKind::Utf8 { .. } => DataError::NotUtf8 { path, line },
        other => DataError::TableUnreadable { path, source: io::Error::other(format!("{other:?}")) },
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
