//! What a pruner cannot be.

/// A pruner whose numbers make no rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PrunerError {
    /// A number that must be larger.
    #[error("{what} is {found}, but must be at least {least}")]
    TooSmall {
        /// What it is.
        what: &'static str,
        /// What was given.
        found: usize,
        /// What it must be at least.
        least: usize,
    },
    /// A number outside its range.
    #[error("{what} is {found}, but must be {range}")]
    OutOfRange {
        /// What it is.
        what: &'static str,
        /// What was given.
        found: f64,
        /// What it must be.
        range: &'static str,
    },
    /// Epochs and values that do not belong together.
    #[error("{n_epochs} epochs have {n_values} values; give each epoch the value that must be reached at it")]
    Unpaired {
        /// Number of epochs.
        n_epochs: usize,
        /// Number of values.
        n_values: usize,
    },
    /// No epoch at all.
    #[error("no epoch is given; name at least one, with its value")]
    Empty,
    /// Epochs that do not ascend.
    #[error("epoch {epoch} does not come after epoch {before}; epochs begin with 1 and ascend")]
    Order {
        /// The epoch.
        epoch: usize,
        /// The one before it; 0 before the first.
        before: usize,
    },
    /// A Hyperband that has nothing to choose between.
    #[error(
        "max_epochs {max} is below {least}, so there is one bracket only; raise it, or use successive_halving(#{{...}})"
    )]
    OneBracket {
        /// What was given.
        max: usize,
        /// The first value with two brackets.
        least: usize,
    },
    /// A race over too few folds.
    #[error(
        "a race needs at least {least} inner folds, but there are {found}: so few cannot tell a bad configuration from an \
         unlucky one; take more, or leave `race` out"
    )]
    FewFolds {
        /// Inner folds there are.
        found: usize,
        /// Inner folds there must be.
        least: usize,
    },
    /// A race that would never look.
    #[error("min_folds is {min}, but with {n} inner folds it must be in 2..={last}; else nothing is ever stopped")]
    NeverLooks {
        /// What was given.
        min: usize,
        /// Inner folds there are.
        n: usize,
        /// The largest value that looks at all.
        last: usize,
    },
}

/// A number that is at least `least`.
pub(super) fn at_least(what: &'static str, found: usize, least: usize) -> Result<usize, PrunerError> {
    if found >= least { Ok(found) } else { Err(PrunerError::TooSmall { what, found, least }) }
}
