//! Why rows cannot be split as asked.

use std::fmt;

use crate::wording::count;

/// The outer folds, which test, or the inner folds, which validate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The folds that are tested on.
    Outer,
    /// The folds that are validated on, within the other rows of an outer fold.
    Inner,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outer => "outer",
            Self::Inner => "inner",
        })
    }
}

/// Why rows cannot be split as asked. Classes are given by index; who knows their names adds them.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// Fewer than two folds.
    #[error("a k-fold split needs at least 2 folds, but n_splits is {n_splits}; raise it, or use a hold-out")]
    TooFewFolds {
        /// Folds asked for.
        n_splits: usize,
    },
    /// No repeat.
    #[error("0 repeats give no folds; ask for at least 1")]
    NoRepeats,
    /// A hold-out fraction outside `(0, 1)`.
    #[error("the hold-out fraction is {fraction}, but must lie strictly between 0 and 1, such as 0.2")]
    Fraction {
        /// The fraction asked for.
        fraction: f64,
    },
    /// No fold taken.
    #[error(
        "take asks for 0 {level} folds, but at least 1 is needed; raise the number, or leave take out for all folds"
    )]
    TakeNone {
        /// Which folds.
        level: Level,
    },
    /// More folds taken than there are.
    #[error("take asks for {wanted} {level} folds, but there are {available}; lower the number, or split into more")]
    TakeTooMany {
        /// Which folds.
        level: Level,
        /// Number asked for.
        wanted: usize,
        /// Number there are.
        available: usize,
    },
    /// The labels of the rows are not one to each row.
    #[error("there are {n_labels} {what} for {}; give one to each row", count(*n_rows, "row"))]
    LabelCount {
        /// `classes` or `groups`.
        what: &'static str,
        /// Number of labels.
        n_labels: usize,
        /// Number of rows.
        n_rows: usize,
    },
    /// The rows to be split are not ascending positions.
    #[error("row {row} stands at position {position} of the rows to be split; they must ascend and be below {n_rows}")]
    Subset {
        /// Position in the list of rows.
        position: usize,
        /// The row there.
        row: usize,
        /// Number of rows there are.
        n_rows: usize,
    },
    /// A stratified split of data without classes.
    #[error(
        "a stratified split keeps classes in proportion, but the data have none; use kfold in place of stratified_kfold, \
         repeated_kfold in place of repeated_stratified_kfold, and hold_out with stratified: false"
    )]
    NoClasses,
    /// A grouped split of data without groups.
    #[error("a grouped split needs groups, but the data has none; name the column that holds the group")]
    NoGroups,
    /// An official split of data that come without one.
    #[error(
        "official() holds out the test rows that a data set comes with, but the data have none; use hold_out(0.2) or \
         another splitter (photos of pets know theirs with part: \"all\")"
    )]
    NoOfficialTest,
    /// An official split of rows among which no official test row is left.
    #[error(
        "official() finds none of the data set's test rows among the rows to be split; give it as `outer`, and another \
         splitter as `inner`"
    )]
    OfficialTestGone,
    /// An official split of test rows alone.
    #[error("official() would hold out every row and leave none to train on; the data need their training part")]
    OfficialTestAlone,
    /// More folds than rows.
    #[error("{n_splits} folds need at least as many rows, but there are {n_rows}; ask for fewer folds")]
    TooFewRows {
        /// Folds asked for.
        n_splits: usize,
        /// Rows to be split.
        n_rows: usize,
    },
    /// More folds than rows of some class.
    #[error(
        "class {class} has {}, but {n_splits} stratified folds need one in each; \
         ask for fewer folds, or for a split that is not stratified", count(*n_rows, "row")
    )]
    TooFewOfClass {
        /// Index of the class.
        class: usize,
        /// Rows of the class among those to be split.
        n_rows: usize,
        /// Folds asked for.
        n_splits: usize,
    },
    /// More folds than groups.
    #[error("{n_splits} folds need at least as many groups, but there are {n_groups}; ask for fewer folds")]
    TooFewGroups {
        /// Folds asked for.
        n_splits: usize,
        /// Groups among the rows to be split.
        n_groups: usize,
    },
    /// A hold-out that leaves one of its two parts empty.
    #[error(
        "holding out {fraction} of {} leaves {n_held_out} held out and {} to train on; both need at least one \
         row, so choose another fraction", count(*n_rows, "row"), n_rows - n_held_out
    )]
    EmptyPart {
        /// The fraction asked for.
        fraction: f64,
        /// Rows to be split.
        n_rows: usize,
        /// Rows it would hold out.
        n_held_out: usize,
    },
    /// A row given twice in a list of rows.
    #[error("row {row} is listed twice in the split; a row is trained on, validated on or tested on")]
    RowListedTwice {
        /// The row.
        row: usize,
    },
    /// A list of rows without any to train on.
    #[error("the split lists no rows to train on")]
    NothingToTrainOn,
    /// The inner folds of an outer fold cannot be made.
    #[error("the rows outside the test rows of outer fold {outer} cannot be split: {source}")]
    Inner {
        /// Index of the outer fold.
        outer: usize,
        /// Why.
        source: Box<SplitError>,
    },
}

impl SplitError {
    /// Index of the class the error is about, if it is about one.
    #[must_use]
    pub fn class(&self) -> Option<usize> {
        match self {
            Self::TooFewOfClass { class, .. } => Some(*class),
            Self::Inner { source, .. } => source.class(),
            _ => None,
        }
    }
}
