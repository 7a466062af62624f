//! What a splitter may know of the rows.

use super::SplitError;

/// What a splitter may know of all rows of a data set: their number, class and group of each, and which of them the data
/// set itself keeps for the test.
#[derive(Clone, Copy, Debug)]
pub struct RowLabels<'a> {
    pub(super) n_rows: usize,
    pub(super) classes: Option<&'a [usize]>,
    pub(super) groups: Option<&'a [usize]>,
    pub(super) official_test: Option<&'a [bool]>,
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
        Ok(Self { n_rows, classes, groups, official_test: None })
    }

    /// The same with `is_test` `[row]`: whether a row is one of the test rows that the data set comes with.
    ///
    /// # Errors
    /// Not one to each row.
    pub fn with_official_test(self, is_test: &'a [bool]) -> Result<Self, SplitError> {
        match is_test.len() {
            n_labels if n_labels != self.n_rows => {
                Err(SplitError::LabelCount { what: "official test rows", n_labels, n_rows: self.n_rows })
            }
            _ => Ok(Self { official_test: Some(is_test), ..self }),
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }
}
