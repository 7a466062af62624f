//! Which rows are trained on, chosen by, and tested on.
//!
//! A [`Splitter`] deals rows into held-out folds; a [`NestedSplitter`] does so twice, and gives [`NestedSplits`]: outer
//! folds with test rows, and in each of them inner folds with training and validation rows. [`to_json`] and
//! [`from_json`] keep such folds in a file, by the rows' ids.
//!
//! Code that chooses takes a [`TrainValidation`], which holds no test row. [`TestRows`] is a type of its own that only
//! the outer evaluation asks for, so that a leak of the test fold does not compile.

mod deal;
mod error;
mod file;
mod labels;
mod nested;
mod part;
mod sample;
mod splitter;

pub use error::{Level, SplitError};
pub use file::{Place, SplitFileError, from_json, read_json, to_json};
pub use labels::RowLabels;
pub use nested::{NestedSplits, NestedSplitter, OuterFold, Take, TestRows, TrainValidation};
pub use part::{FoldCount, Fraction};
pub use sample::stratified_sample;
pub use splitter::Splitter;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
