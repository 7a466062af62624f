//! Whether two runs were tested on the same rows of the same data.

use std::collections::BTreeSet;

use super::subject::Subject;
use crate::estimate::OuterTests;
use crate::wording::count;

/// Why two runs cannot be paired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPaired {
    /// A run without data, or without rows to test on.
    #[error("{run} has no outer folds of data rows")]
    NoFolds {
        /// The run.
        run: String,
    },
    /// Their data differ.
    #[error("the data differ: {baseline} in {first}, {other} in {second} (fingerprints of what the rows hold)")]
    Data {
        /// The baseline's fingerprint, the beginning of it.
        baseline: String,
        /// The baseline.
        first: String,
        /// The other's.
        other: String,
        /// The other.
        second: String,
    },
    /// A run lacks a value of the metric.
    #[error("{run} has a value of the metric in {n} of its {} alone", count(*n_folds, "outer fold"))]
    Undefined {
        /// The run.
        run: String,
        /// Outer folds with a value.
        n: usize,
        /// Its outer folds.
        n_folds: usize,
    },
    /// They have other numbers of outer folds.
    #[error("{first} was tested on {}, {second} on {}", count(*n_first, "outer fold"), count(*n_second, "outer fold"))]
    FoldCount {
        /// The baseline.
        first: String,
        /// Its outer folds.
        n_first: usize,
        /// The other.
        second: String,
        /// Its outer folds.
        n_second: usize,
    },
    /// An outer fold holds other rows.
    #[error(
        "the outer folds differ: of the {} of outer fold {fold} in {first}, {} in that of {second}; give both the same outer splitter and seed",
        count(*n_rows, "test row"), if *n_shared == 1 { "1 is".to_owned() } else { format!("{n_shared} are") }
    )]
    Folds {
        /// The first fold that differs.
        fold: usize,
        /// The baseline.
        first: String,
        /// Its test rows.
        n_rows: usize,
        /// The other.
        second: String,
        /// Those of them that are test rows of the other's fold.
        n_shared: usize,
    },
}

/// What both were tested on, if it is the same rows in the same folds.
pub(super) fn tests<'a>(
    baseline: &'a Subject,
    other: &'a Subject,
) -> Result<(&'a OuterTests, &'a OuterTests), NotPaired> {
    let (of_baseline, of_other) = (&baseline.run().manifest, &other.run().manifest);
    let (first, second) = (of_baseline.run.clone(), of_other.run.clone());
    let folds = |subject: &'a Subject, run: &str| subject.tests().ok_or(NotPaired::NoFolds { run: run.to_owned() });
    let (a, b) = (folds(baseline, &first)?, folds(other, &second)?);
    if of_baseline.data_fingerprint != of_other.data_fingerprint {
        let short = |print: &Option<String>| print.as_ref().map_or("none".to_owned(), |print| format!("{print:.12}"));
        let (baseline, other) = (short(&of_baseline.data_fingerprint), short(&of_other.data_fingerprint));
        return Err(NotPaired::Data { baseline, first, other, second });
    }
    for (run, tests, values) in [(&first, a, baseline.per_outer()), (&second, b, other.per_outer())] {
        if values.len() != tests.folds().len() {
            let (run, n, n_folds) = (run.clone(), values.len(), tests.folds().len());
            return Err(NotPaired::Undefined { run, n, n_folds });
        }
    }
    let (n_first, n_second) = (a.folds().len(), b.folds().len());
    if n_first != n_second {
        return Err(NotPaired::FoldCount { first, n_first, second, n_second });
    }
    for (fold, (a, b)) in a.folds().iter().zip(b.folds()).enumerate() {
        if a.rows() != b.rows() {
            let rows: BTreeSet<&String> = b.rows().iter().collect();
            let n_shared = a.rows().iter().filter(|row| rows.contains(row)).count();
            return Err(NotPaired::Folds { fold, first, n_rows: a.rows().len(), second, n_shared });
        }
    }
    Ok((a, b))
}
