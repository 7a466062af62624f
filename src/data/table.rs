//! The raw columns of a table.

use super::fingerprint::Fingerprint;

/// The columns of a table that may be learned from; all have the same number of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
}

/// A column and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    name: String,
    cells: Cells,
}

/// The cells of a column, `None` where the value is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Finite numbers.
    Numeric(Vec<Option<f64>>),
    /// Categories.
    Categorical {
        /// The names of the categories, sorted.
        levels: Vec<String>,
        /// An index of `levels` for each row.
        rows: Vec<Option<usize>>,
    },
}

impl Table {
    pub(super) fn new(columns: Vec<Column>) -> Self {
        Self { columns }
    }

    /// The columns, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column called `name`; `position` is where it probably is.
    pub(super) fn column(&self, name: &str, position: usize) -> Option<&Column> {
        let there = self.columns.get(position).filter(|c| c.name == name);
        there.or_else(|| self.columns.iter().find(|c| c.name == name))
    }

    /// Adds names and cells to a fingerprint. A number counts by its value, not by how it is written.
    pub(super) fn add_to(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(self.columns.len());
        for column in &self.columns {
            fingerprint.bytes(column.name.as_bytes());
            match &column.cells {
                Cells::Numeric(rows) => {
                    fingerprint.bytes(b"numeric");
                    for cell in rows {
                        match cell {
                            Some(x) => fingerprint.bytes(&x.to_le_bytes()),
                            None => fingerprint.bytes(b""),
                        }
                    }
                }
                Cells::Categorical { levels, rows } => {
                    fingerprint.bytes(b"categorical");
                    fingerprint.texts(levels);
                    for cell in rows {
                        fingerprint.number(cell.map_or(0, |level| level + 1));
                    }
                }
            }
        }
    }

    /// Adds the cells of one row to its digest. A number counts by its value, a category by its name: its position among
    /// the levels would change with other rows.
    pub(super) fn add_row_to(&self, row: usize, digest: &mut Fingerprint) {
        digest.number(self.columns.len());
        for column in &self.columns {
            digest.bytes(column.name.as_bytes());
            match &column.cells {
                Cells::Numeric(rows) => match rows[row] {
                    Some(x) => digest.bytes(&x.to_le_bytes()),
                    None => digest.bytes(b"missing"),
                },
                Cells::Categorical { levels, rows } => match rows[row] {
                    Some(level) => {
                        digest.bytes(b"level");
                        digest.bytes(levels[level].as_bytes());
                    }
                    None => digest.bytes(b"no level"),
                },
            }
        }
    }
}

impl Column {
    pub(super) fn new(name: &str, cells: Cells) -> Self {
        Self { name: name.to_owned(), cells }
    }

    /// The same column of those rows.
    pub(super) fn taken(&self, used: &[usize]) -> Self {
        let cells = match &self.cells {
            Cells::Numeric(rows) => Cells::Numeric(used.iter().map(|&row| rows[row]).collect()),
            Cells::Categorical { levels, rows } => {
                Cells::Categorical { levels: levels.clone(), rows: used.iter().map(|&row| rows[row]).collect() }
            }
        };
        Self { name: self.name.clone(), cells }
    }

    /// The name in the header.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cells.
    #[must_use]
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Whether the cells are numbers.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        matches!(self.cells, Cells::Numeric(_))
    }
}
