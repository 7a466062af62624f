//! What can be concluded from a few outer folds, or from many test rows. Pure functions of numbers.
//!
//! The unit is the outer fold: whoever calls has averaged the models of one fold first. [`CorrectedT`] is the t test of
//! cross-validation, whose training sets overlap; [`row_bootstrap`] says what other test rows would have changed, with the
//! models as they are; [`wilson`] and [`mcnemar`] are about counts of rows, [`holm()`] is about several tests at once. What a metric is, and
//! where the numbers come from, is for others to say.
//!
//! ```
//! use xrun::statistics::CorrectedT;
//!
//! // Differences of two models on ten outer folds, each of a tenth of the rows.
//! let differences = [0.02, 0.01, 0.03, -0.02, 0.02, -0.01, 0.02, 0.04, 0.01, 0.02];
//! let test = CorrectedT::new(&differences, 1.0 / 9.0)?;
//! // The usual t of them is 2.49, which is beyond 2.26, the critical value at the 5 % level; the corrected one is 1.7.
//! assert!(test.p_value() > 0.05 && test.interval().low < 0.0);
//! # Ok::<(), xrun::statistics::StatisticsError>(())
//! ```

mod bootstrap;
mod corrected_t;
mod counts;
mod holm;
mod interval;
mod sample;
#[cfg(test)]
mod simulation_tests;
mod student;

pub use bootstrap::{RESAMPLES, Resampling, percentile_interval, row_bootstrap};
pub use corrected_t::{CorrectedT, MIN_FOLDS, Posterior};
pub use counts::{mcnemar, wilson};
pub use holm::holm;
pub use interval::{CONFIDENCE, ConfidenceInterval, Interval, Method};
pub use sample::{cohens_d, mean, standard_deviation};
pub use student::{quantile, upper_tail};

/// Why there is no such statistic.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatisticsError {
    /// Too few folds for a t interval.
    #[error(
        "{found} outer {} too few for a t interval: so few values hardly tell how much they vary; take at least {least}",
        if *found == 1 { "fold is" } else { "folds are" }
    )]
    FewFolds {
        /// Folds there are.
        found: usize,
        /// Folds that are needed.
        least: usize,
    },
    /// The test share is no share.
    #[error(
        "there are {found} test rows to each training row, but the number must be finite and not below 0; count the rows of the split"
    )]
    Ratio {
        /// What was given.
        found: f64,
    },
    /// A value that is no number.
    #[error("the value of outer fold {fold} is {found}, but must be a finite number; leave the metric out")]
    NotFinite {
        /// The fold's position.
        fold: usize,
        /// Its value.
        found: f64,
    },
}
