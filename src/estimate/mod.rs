//! What the outer tests of a run say of a metric: its value, its intervals, and its difference between two runs.
//!
//! [`OuterTests`] holds what was tested: the test rows of each outer fold and, where they are recorded, what each model of the
//! fold predicted. [`OuterTests::intervals`] and [`paired()`] choose the [`statistics`](crate::statistics) that hold for as many
//! folds as there are: over the folds from five on, over test rows below. Which runs may be paired is for others to say.

mod intervals;
mod outer_tests;
mod paired;

pub use outer_tests::{NoRowStatistics, OuterTests, TestedFold, TestedFoldError, TestedModel, Undefined};
pub use paired::{McNemar, Paired, PairedRows, PairedT, paired};
