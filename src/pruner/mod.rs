//! Pruners: when a trial is given up before its end.
//!
//! A pruner looks at the curves (objective on validation rows by epoch, counted from 1 through all phases) of the trials
//! that a trial may see, and makes a [`StopRule`] of them before the trial begins: bounds at some of its epochs, or a
//! number of epochs to be patient for. The fit is judged by that rule and its own curve alone, so whoever trains it needs
//! no history, and the same rule stops it at the same epoch everywhere. Which trials may be seen is for the study to say.
//!
//! The rules are those of the literature, restated for a set of trials that does not depend on who finished first:
//! median (Golovin et al. 2017, KDD, "Google Vizier") and its generalisation to a percentile, a fixed threshold, patience
//! (Prechelt 1998), asynchronous successive halving (Li et al. 2020, MLSys) and Hyperband (Li et al. 2018, JMLR). Where one
//! differs from its source, its file says so. The last epoch of a fit is never judged: nothing would be saved.
//!
//! A [`Race`] is the other way to save: it stops a configuration after some of its inner folds.

mod bounds;
mod error;
mod halving;
mod hyperband;
mod judge;
mod patience;
mod percentile;
mod race;
mod schedule;
mod threshold;

#[cfg(test)]
mod race_tests;

use crate::trial::Direction;

pub use bounds::{Bounds, Measure};
pub use error::PrunerError;
pub use halving::SuccessiveHalving;
pub use hyperband::Hyperband;
pub use judge::Judge;
pub use patience::Patience;
pub use percentile::Percentile;
pub use race::{MIN_FOLDS, Race};
pub use schedule::Schedule;
pub use threshold::Threshold;

/// How a search decides that a trial is not worth its last epochs.
#[derive(Clone, Debug, PartialEq)]
pub enum Pruner {
    /// By how earlier trials did at the same epoch.
    Percentile(Percentile),
    /// By a value that must be reached.
    Threshold(Threshold),
    /// By the epochs without improvement.
    Patience(Patience),
    /// By rank at a few epochs, each a multiple of the one before.
    SuccessiveHalving(SuccessiveHalving),
    /// By successive halving that begins at several epochs.
    Hyperband(Hyperband),
    /// By values that must be reached at given epochs.
    Bounds(Bounds),
}

/// What a fit is judged by, epoch by epoch.
#[derive(Clone, Debug, PartialEq)]
pub enum StopRule {
    /// Values that must be reached.
    Bounds(Bounds),
    /// Epochs without improvement.
    Patience(Patience),
}

/// What is known of an earlier trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve<'a> {
    /// The trial's number.
    pub trial: usize,
    /// Whether it came to its end; else it was pruned.
    pub is_complete: bool,
    /// The objective after each epoch, the first at position 0; none where it is not defined.
    pub values: &'a [Option<f64>],
}

impl Curve<'_> {
    /// The objective after an epoch, counted from 1; none if it was not reached.
    #[must_use]
    pub fn at(&self, epoch: usize) -> Option<f64> {
        self.values.get(epoch - 1).copied().flatten()
    }
}

impl Pruner {
    /// The name a script and a report use.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Percentile(rule) if rule.is_median() => "median",
            Self::Percentile(_) => "percentile",
            Self::Threshold(_) => "threshold",
            Self::Patience(_) => "patience",
            Self::SuccessiveHalving(_) => "successive_halving",
            Self::Hyperband(_) => "hyperband",
            Self::Bounds(_) => "bounds",
        }
    }

    /// Whether earlier trials count for anything.
    #[must_use]
    pub fn needs_curves(&self) -> bool {
        matches!(self, Self::Percentile(_) | Self::SuccessiveHalving(_) | Self::Hyperband(_))
    }

    /// What trial `number`, of at most `n_epochs` epochs, is judged by, given the curves of the trials it may see, in any
    /// order; none if it cannot be stopped. It depends on the arguments alone.
    #[must_use]
    pub fn rule(&self, curves: &[Curve<'_>], number: usize, n_epochs: usize, direction: Direction) -> Option<StopRule> {
        let bounds = match self {
            Self::Patience(patience) => return (n_epochs > 1).then_some(StopRule::Patience(*patience)),
            Self::Percentile(rule) => rule.bounds(curves, n_epochs, direction),
            Self::Threshold(rule) => rule.bounds(n_epochs),
            Self::SuccessiveHalving(rule) => rule.bounds(curves, n_epochs, direction),
            Self::Hyperband(rule) => rule.bounds(curves, number, n_epochs, direction),
            Self::Bounds(bounds) => bounds.before(n_epochs),
        };
        bounds.map(StopRule::Bounds)
    }
}
