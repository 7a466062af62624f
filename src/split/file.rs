//! Folds in a file: `splits.json`.
//!
//! ```json
//! {"files": ["a.jpg", "b.jpg", "c.jpg"],
//!  "root_splits": {"0": {"test_indices": [2],
//!                        "nested_splits": {"0": {"train_indices": [0], "dev_indices": [1]}}}}}
//! ```
//!
//! Indices are positions in `files`, which holds the id of every row. So a file is good for the same rows in any
//! order, and folds that were made elsewhere can be used. Folds are read from an object whose keys are their numbers
//! or from an array; other keys are passed over.

mod error;
mod layout;

use std::collections::BTreeMap;

use super::{NestedSplits, OuterFold, TrainValidation};
use layout::File;

pub use error::{Place, SplitFileError};

/// The folds as the text of a `splits.json`, one list a line, folds in order; `ids` `[row]` name the rows.
///
/// # Errors
/// Ids that are not one to each row, or not distinct.
pub fn to_json(splits: &NestedSplits, ids: &[String]) -> Result<String, SplitFileError> {
    if ids.len() != splits.n_rows() {
        return Err(SplitFileError::IdCount { n_ids: ids.len(), n_rows: splits.n_rows() });
    }
    rows_by_id(ids)?;
    let ids: Vec<String> = ids.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    let outer = splits.outer().iter().enumerate().map(|(number, fold)| {
        let inner = fold.inner().iter().enumerate().map(|(number, inner)| {
            format!(
                "    \"{number}\": {{\n     \"train_indices\": {:?},\n     \"dev_indices\": {:?}}}",
                inner.train, inner.validation
            )
        });
        format!(
            "  \"{number}\": {{\n   \"test_indices\": {:?},\n   \"nested_splits\": {{\n{}}}}}",
            fold.test_rows().rows(),
            inner.collect::<Vec<_>>().join(",\n")
        )
    });
    Ok(format!(
        "{{\"files\": [\n  {}],\n \"root_splits\": {{\n{}}}}}\n",
        ids.join(",\n  "),
        outer.collect::<Vec<_>>().join(",\n")
    ))
}

/// The folds in the `text` of a `splits.json`, for the rows that `ids` `[row]` name, in whatever order.
///
/// Rows of a fold come out ascending. A fold need not use every row.
///
/// # Errors
/// Text of another layout; ids of file and data that are not the same, or not distinct; folds not numbered from 0;
/// an index that is no position in `files`; a list without entry; a row twice in a fold, or in test and elsewhere.
pub fn from_json(text: &str, ids: &[String]) -> Result<NestedSplits, SplitFileError> {
    let file: File = serde_json::from_str(text)?;
    let rows = Rows::new(&file.files, ids)?;
    let mut outer_folds = Vec::new();
    for (outer, fold) in file.root_splits.numbered(Place::File, "root_splits")?.into_iter().enumerate() {
        let mut seen = BTreeMap::new();
        let test = rows.take(Place::Outer(outer), "test_indices", &fold.test_indices, &mut seen)?;
        let mut inner_folds = Vec::new();
        let nested = fold.nested_splits.numbered(Place::Outer(outer), "nested_splits")?;
        for (inner, lists) in nested.into_iter().enumerate() {
            let (place, mut seen) = (Place::Inner(outer, inner), seen.clone());
            inner_folds.push(TrainValidation {
                train: rows.take(place, "train_indices", &lists.train_indices, &mut seen)?,
                validation: rows.take(place, "dev_indices", &lists.dev_indices, &mut seen)?,
            });
        }
        outer_folds.push(OuterFold::new(test, inner_folds));
    }
    Ok(NestedSplits::new(ids.len(), outer_folds))
}

/// The ids in the `text` of a `splits.json`, and its folds for the rows they name, in their order.
///
/// # Errors
/// Those of [`from_json`] that do not come from other data.
pub fn read_json(text: &str) -> Result<(Vec<String>, NestedSplits), SplitFileError> {
    let file: File = serde_json::from_str(text)?;
    let splits = from_json(text, &file.files)?;
    Ok((file.files, splits))
}

/// The row of each id.
fn rows_by_id(ids: &[String]) -> Result<BTreeMap<&str, usize>, SplitFileError> {
    let mut rows = BTreeMap::new();
    for (row, id) in ids.iter().enumerate() {
        if rows.insert(id.as_str(), row).is_some() {
            return Err(SplitFileError::RepeatedId { id: id.clone() });
        }
    }
    Ok(rows)
}

/// The rows of the data in the order of the file.
struct Rows<'a> {
    files: &'a [String],
    rows: Vec<usize>,
}

impl<'a> Rows<'a> {
    fn new(files: &'a [String], ids: &[String]) -> Result<Self, SplitFileError> {
        let by_id = rows_by_id(ids)?;
        let mut listed = vec![false; ids.len()];
        let mut rows = Vec::with_capacity(files.len());
        for id in files {
            let row = *by_id.get(id.as_str()).ok_or_else(|| SplitFileError::UnknownFile { id: id.clone() })?;
            if std::mem::replace(&mut listed[row], true) {
                return Err(SplitFileError::RepeatedFile { id: id.clone() });
            }
            rows.push(row);
        }
        match listed.iter().position(|listed| !listed) {
            Some(row) => Err(SplitFileError::MissingFile { id: ids[row].clone() }),
            None => Ok(Self { files, rows }),
        }
    }

    /// The rows at `indices`, ascending, entered into `seen` with the list they are in.
    fn take(
        &self,
        place: Place,
        list: &'static str,
        indices: &[usize],
        seen: &mut BTreeMap<usize, &'static str>,
    ) -> Result<Vec<usize>, SplitFileError> {
        if indices.is_empty() {
            return Err(SplitFileError::Empty { place, list });
        }
        let mut taken = Vec::with_capacity(indices.len());
        for &index in indices {
            let n_files = self.files.len();
            let row = *self.rows.get(index).ok_or(SplitFileError::IndexOutOfRange { place, list, index, n_files })?;
            if let Some(first) = seen.insert(row, list) {
                return Err(SplitFileError::RowTwice { place, id: self.files[index].clone(), first, second: list });
            }
            taken.push(row);
        }
        taken.sort_unstable();
        Ok(taken)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
