//! Tables in CSV files: a header line, commas, UTF-8. Spaces around cells do not count.

use std::collections::BTreeSet;
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::dataset::{Dataset, Features, Rows};
use super::error::DataError;
use super::table::{Cells, Column, Table};
use crate::spec::data::CsvTableSpec;

/// Opens the table `spec` names.
///
/// A column holds numbers if every cell that is not missing is one, else categories; a column without any
/// value counts as numbers. Classes and groups are numbered in the order of their names.
pub(super) fn open(spec: &CsvTableSpec) -> Result<Dataset, DataError> {
    let file = RawTable::read(&spec.path)?;
    let roles = Roles::settle(spec, &file)?;
    let (classes, targets) = file.named(roles.target, "target", spec)?;
    if let [class] = &classes[..] {
        return Err(DataError::OneClass {
            path: spec.path.clone(),
            class: class.clone(),
        });
    }
    let groups = match roles.group {
        Some(column) => Some(file.named(column, "group", spec)?.1),
        None => None,
    };
    let columns: Result<Vec<Column>, DataError> = roles
        .features
        .iter()
        .map(|&(column, categorical)| file.column(column, categorical, spec))
        .collect();
    let rows = Rows {
        ids: (0..targets.len()).map(|row| format!("row-{row}")).collect(),
        classes,
        targets,
        groups,
    };
    Ok(Dataset::new(rows, Features::Table(Table::new(columns?))))
}

/// The cells as text.
struct RawTable {
    header: Vec<String>,
    rows: Vec<StringRecord>,
}

impl RawTable {
    fn read(path: &Path) -> Result<Self, DataError> {
        let unreadable = |error| table_error(path, error);
        let mut reader = ReaderBuilder::new()
            .trim(Trim::All)
            .from_path(path)
            .map_err(unreadable)?;
        let header: Vec<String> = reader
            .headers()
            .map_err(unreadable)?
            .iter()
            .map(str::to_owned)
            .collect();
        let mut seen = BTreeSet::new();
        if let Some(column) = header.iter().find(|name| !seen.insert(*name)) {
            return Err(DataError::ColumnTwice {
                path: path.to_owned(),
                column: column.clone(),
            });
        }
        let rows = reader.records().collect::<Result<Vec<_>, _>>();
        let rows = rows.map_err(unreadable)?;
        if rows.is_empty() {
            return Err(DataError::TableEmpty {
                path: path.to_owned(),
            });
        }
        Ok(Self { header, rows })
    }

    /// The cells of a column with their lines, `None` where the value is missing.
    fn cells(
        &self,
        column: usize,
        missing: &[String],
    ) -> impl Iterator<Item = (u64, Option<&str>)> {
        self.rows.iter().map(move |row| {
            let cell = &row[column];
            let missing = cell.is_empty() || missing.iter().any(|text| text == cell);
            let line = row.position().map_or(0, csv::Position::line);
            (line, (!missing).then_some(cell))
        })
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
            Some((line, _)) => Err(DataError::CellMissing {
                path: spec.path.clone(),
                line,
                column: self.header[column].clone(),
                role,
            }),
        }
    }

    /// A column to learn from.
    fn column(
        &self,
        column: usize,
        categorical: bool,
        spec: &CsvTableSpec,
    ) -> Result<Column, DataError> {
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
                Some(first) if first != role => Err(DataError::ColumnRoles {
                    column: column.clone(),
                    first,
                    second: role,
                }),
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
            return Err(DataError::NoFeatures {
                path: spec.path.clone(),
            });
        }
        Ok(Self {
            target,
            group,
            features,
        })
    }
}

/// The different texts in order, and the index of each cell's text among them.
fn numbered<'a>(
    cells: impl Iterator<Item = Option<&'a str>>,
) -> (Vec<String>, Vec<Option<usize>>) {
    let cells: Vec<Option<&str>> = cells.collect();
    let names: BTreeSet<&str> = cells.iter().copied().flatten().collect();
    let names: Vec<&str> = names.into_iter().collect();
    let rows = cells
        .iter()
        .map(|cell| cell.and_then(|text| names.binary_search(&text).ok()))
        .collect();
    (names.into_iter().map(str::to_owned).collect(), rows)
}

fn table_error(path: &Path, error: csv::Error) -> DataError {
    let path = path.to_owned();
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(source) => DataError::TableUnreadable { path, source },
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => DataError::Ragged {
            path,
            line,
            found: len,
            expected: expected_len,
        },
        ErrorKind::Utf8 { .. } => DataError::NotUtf8 { path, line },
        other => DataError::TableUnreadable {
            path,
            source: std::io::Error::other(format!("{other:?}")),
        },
    }
}
