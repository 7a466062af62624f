//! How much is held out: numbers that need no second check.

use super::SplitError;

/// A number of folds, at least 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldCount(usize);

impl FoldCount {
    /// `n_splits` folds.
    ///
    /// # Errors
    /// Fewer than 2.
    pub fn new(n_splits: usize) -> Result<Self, SplitError> {
        if n_splits < 2 { Err(SplitError::TooFewFolds { n_splits }) } else { Ok(Self(n_splits)) }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        self.0
    }
}

/// A part of the rows, strictly between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fraction(f64);

impl Fraction {
    /// The part `fraction`.
    ///
    /// # Errors
    /// Not strictly between 0 and 1.
    pub fn new(fraction: f64) -> Result<Self, SplitError> {
        if fraction > 0.0 && fraction < 1.0 { Ok(Self(fraction)) } else { Err(SplitError::Fraction { fraction }) }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}
