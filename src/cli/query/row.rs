//! A run as a filter sees it.

use std::path::Path;

use super::super::failure::Failure;
use super::super::output::say;
use crate::store::Notes;
use crate::store::index::{self, RunLine, RunValues};

/// A recorded run with what can be asked of it.
#[derive(Debug)]
pub(in crate::cli) struct Row {
    pub(in crate::cli) line: RunLine,
    pub(in crate::cli) notes: Notes,
    pub(super) values: RunValues,
}

impl Row {
    /// Every run, oldest first; what cannot be read is a warning. Values are looked up only where they are asked for.
    pub(in crate::cli) fn all(results: &Path, with_values: bool) -> Result<Vec<Self>, Failure> {
        let mut values = if with_values { index::values(results)? } else { Default::default() };
        let mut rows = Vec::new();
        for line in readable(results)? {
            let notes = Notes::read(&line.path).unwrap_or_else(|error| {
                say(&format!("warning: {error}"));
                Notes::default()
            });
            let values = values.remove(&line.path).unwrap_or_default();
            rows.push(Self { line, notes, values });
        }
        Ok(rows)
    }
}

/// The lines of all runs, oldest first; what cannot be read is a warning.
pub(in crate::cli) fn readable(results: &Path) -> Result<Vec<RunLine>, Failure> {
    let mut lines = Vec::new();
    for run in index::runs(results)? {
        match run {
            Ok(line) => lines.push(line),
            Err(error) => say(&format!("warning: {error}")),
        }
    }
    Ok(lines)
}
