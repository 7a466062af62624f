//! The tables of recorded runs as they lie on disk, cell for cell, for those who put them together anew.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::find::RunEntry;
use super::fit_folder::{FitFolds, FitPath};
use super::recorded::{fits_below, in_plan_order};

/// What a table has a line of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TidyKind {
    /// A trial.
    Trials,
    /// An epoch of a fit.
    Epochs,
    /// A row that a fit predicted.
    Predictions,
}

/// A table of a run, or of one of its fits.
#[derive(Clone, Debug, PartialEq)]
pub struct TidyTable {
    /// The fit it is of; none for the trials of the run, whose lines say where they belong.
    pub fit: Option<FitPath>,
    /// `validation` or `test`, of predictions.
    pub part: Option<&'static str>,
    path: PathBuf,
}

/// A table that is being read.
#[derive(Debug)]
pub struct RecordedTable {
    path: PathBuf,
    reader: csv::Reader<File>,
    header: Vec<String>,
}

impl RunEntry {
    /// Its fits that have begun, in the order of the plan.
    #[must_use]
    pub fn fits(&self) -> Vec<FitPath> {
        in_plan_order(fits_below(&self.path)).iter().map(|fit| FitPath::recorded(fit)).collect()
    }

    /// Its tables of a kind, in the order of the plan; those that are not there are left out.
    #[must_use]
    pub fn tables(&self, kind: TidyKind) -> Vec<TidyTable> {
        let of_fits = |files: &[(&str, Option<&'static str>)]| -> Vec<TidyTable> {
            let tables = |fit: &FitPath| {
                let table = |(file, part): &(&str, _)| {
                    let path = self.path.join(fit.as_str()).join(file);
                    TidyTable { fit: Some(fit.clone()), part: *part, path }
                };
                files.iter().map(table).collect::<Vec<_>>()
            };
            self.fits().iter().flat_map(tables).collect()
        };
        let mut tables = match kind {
            TidyKind::Trials => vec![TidyTable { fit: None, part: None, path: self.path.join("trials.csv") }],
            TidyKind::Epochs => of_fits(&[("metrics.csv", None)]),
            TidyKind::Predictions => {
                of_fits(&[("validation_predictions.csv", Some("validation")), ("test_predictions.csv", Some("test"))])
            }
        };
        tables.retain(|table| table.path.is_file());
        tables
    }
}

impl TidyTable {
    /// The folds and the trial it belongs to.
    #[must_use]
    pub fn place(&self) -> FitFolds {
        self.fit.as_ref().map_or(FitFolds { outer: None, inner: None, trial: None }, FitPath::place)
    }

    /// Begins to read it.
    ///
    /// # Errors
    /// The file cannot be read, or begins with no header.
    pub fn open(&self) -> Result<RecordedTable, StoreError> {
        let path = self.path.clone();
        let file = File::open(&path).map_err(|source| StoreError::Read { path: path.clone(), source })?;
        let mut reader = csv::Reader::from_reader(file);
        let header = reader.headers().map_err(|error| damaged(&path, &error))?;
        let header = header.iter().map(str::to_owned).collect();
        Ok(RecordedTable { path, reader, header })
    }
}

impl RecordedTable {
    /// The names of its columns.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Its next line, as many cells as there are columns; none at the end.
    ///
    /// # Errors
    /// The file cannot be read, or a line has more cells or fewer.
    pub fn next_line(&mut self) -> Result<Option<Vec<String>>, StoreError> {
        let mut line = csv::StringRecord::new();
        let is_there = self.reader.read_record(&mut line).map_err(|error| damaged(&self.path, &error))?;
        Ok(is_there.then(|| line.iter().map(str::to_owned).collect()))
    }

    /// All its lines.
    ///
    /// # Errors
    /// As [`RecordedTable::next_line`].
    pub fn lines(mut self) -> Result<Vec<Vec<String>>, StoreError> {
        let mut lines = Vec::new();
        while let Some(line) = self.next_line()? {
            lines.push(line);
        }
        Ok(lines)
    }
}

fn damaged(path: &Path, error: &csv::Error) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), reason: error.to_string() }
}
