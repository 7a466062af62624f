//! What a splitter may know of the rows.

use super::SplitError;

/// What a splitter may know of all rows of a data set: their number, and class and group of each.
#[derive(Clone, Copy, Debug)]
pub struct RowLabels<'a> {
    pub(super) n_rows: usize,
    pub(super) classes: Option<&'a [usize]>,
    pub(super) groups: Option<&'a [usize]>,
}

impl<'a> RowLabels<'a> {
    /// `n_rows` rows with their `classes` `[row]` and `groups` `[row]`, where the data has them.
    ///
    /// # Errors
    /// Labels that are not one to each row.
    pub fn new(n_rows: usize, classes: Option<&'a [usize]>, groups: Option<&'a [usize]>) -> Result<Self, SplitError> {
        for (what, labels) in [("classes", classes), ("groups", groups)] {
            if let Some(n_labels) = labels.map(<[usize]>::len).filter(|&n| n != n_rows) {
                return Err(SplitError::LabelCount { what, n_labels, n_rows });
            }
        }
        Ok(Self { n_rows, classes, groups })
    }

    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }
}
