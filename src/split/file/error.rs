//! Why a `splits.json` cannot be written or read, and where in it.

use std::fmt;

use crate::wording::count;

/// A fold of the file, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// An outer fold.
    Outer(usize),
    /// An inner fold of an outer one.
    Inner(usize, usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Outer(outer) => write!(f, "outer fold {outer}"),
            Self::Inner(outer, inner) => write!(f, "outer fold {outer}, inner fold {inner}"),
        }
    }
}

/// Why folds cannot be written to, or read from, a file.
#[derive(Debug, thiserror::Error)]
pub enum SplitFileError {
    /// Not JSON, or not of the layout.
    #[error("the splits are not of the layout `files`, `root_splits`, `test_indices`, `nested_splits`, ...: {0}")]
    Json(#[from] serde_json::Error),
    /// A row without id, or an id too many.
    #[error("there are {} for {}; give one id to each row", count(*n_ids, "id"), count(*n_rows, "row"))]
    IdCount {
        /// Number of ids.
        n_ids: usize,
        /// Number of rows.
        n_rows: usize,
    },
    /// Two rows of the data have one id.
    #[error("two rows of the data have the id `{id}`; ids must differ for splits to name rows")]
    RepeatedId {
        /// The id.
        id: String,
    },
    /// The file lists an id twice.
    #[error("`files` lists `{id}` twice; list every row once")]
    RepeatedFile {
        /// The id.
        id: String,
    },
    /// The file lists an id that the data lacks.
    #[error("`files` lists `{id}`, which is not in the data; use the data the splits were made for")]
    UnknownFile {
        /// The id.
        id: String,
    },
    /// The data has a row that the file does not list.
    #[error("the data has `{id}`, which `files` does not list; use the data the splits were made for")]
    MissingFile {
        /// The id.
        id: String,
    },
    /// Folds not numbered 0, 1, 2 and so on.
    #[error("{place}: a fold is numbered `{found}` where {expected} must stand; number the folds from 0 without gaps")]
    Number {
        /// Where the folds stand.
        place: Place,
        /// The number found.
        found: String,
        /// The number that must stand there.
        expected: usize,
    },
    /// No fold, or no row in a list.
    #[error("{place}: `{list}` is empty; it needs at least one entry")]
    Empty {
        /// Where.
        place: Place,
        /// Key of the list.
        list: &'static str,
    },
    /// An index that is no position in `files`.
    #[error(
        "{place}: `{list}` has the index {index}, but `files` has {n_files} entries, numbered from 0; correct the index"
    )]
    IndexOutOfRange {
        /// Where.
        place: Place,
        /// Key of the list.
        list: &'static str,
        /// The index.
        index: usize,
        /// Number of files.
        n_files: usize,
    },
    /// A row in two lists of a fold, or twice in one; the test rows count as a list of every inner fold.
    #[error("{place}: `{id}` is in `{first}` and in `{second}`; keep it in one place")]
    RowTwice {
        /// Where.
        place: Place,
        /// Id of the row.
        id: String,
        /// Key of the list that has the row first.
        first: &'static str,
        /// Key of the list that has it again.
        second: &'static str,
    },
}
