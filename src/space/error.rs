//! Why a distribution cannot be made, and what to write instead.

use thiserror::Error;

use crate::value::Value;

/// A broken rule of a distribution. The message says what was found; [`hint`](Self::hint) gives the remedy.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum DistributionError {
    /// A bound is infinite or not a number.
    #[error("bounds must be finite, not {low:?} and {high:?}")]
    BoundsNotFinite {
        /// The lower bound as written.
        low: f64,
        /// The upper bound as written.
        high: f64,
    },
    /// The bounds are in the wrong order.
    #[error("lower bound {low} is above upper bound {high}")]
    BoundsReversed {
        /// The lower bound as written.
        low: Value,
        /// The upper bound as written.
        high: Value,
    },
    /// The difference of the bounds overflows.
    #[error("the range from {low:?} to {high:?} is too wide to compute with")]
    RangeTooWide {
        /// The lower bound as written.
        low: f64,
        /// The upper bound as written.
        high: f64,
    },
    /// A logarithmic scale was asked for from zero or below.
    #[error("{kind} needs a lower bound above 0, not {low}")]
    LogNotPositive {
        /// The distribution, as the constructor is called.
        kind: &'static str,
        /// The lower bound as written.
        low: Value,
    },
    /// An integer bound is too large to be exact as a floating-point number.
    #[error("integer bounds must be within 2^53 of 0, not {bound}")]
    IntTooLarge {
        /// The bound as written.
        bound: i64,
    },
    /// The distribution has no grid.
    #[error("{kind} takes no step")]
    StepNotAllowed {
        /// The distribution, as the constructor is called.
        kind: &'static str,
    },
    /// The step is zero, negative, infinite or not a number.
    #[error("step must be above 0 and finite, not {step:?}")]
    StepNotPositive {
        /// The step as written.
        step: f64,
    },
    /// The step of an integer has a fraction.
    #[error("step of an int must be a whole number, not {step:?}")]
    StepNotWhole {
        /// The step as written.
        step: f64,
    },
    /// The step is so small that rounding would blur the grid.
    #[error("step {step:?} must be at least 1e-9 of the larger bound, {bound:?}")]
    StepTooSmall {
        /// The step as written.
        step: f64,
        /// The larger of the absolute bounds.
        bound: f64,
    },
    /// There is nothing to choose from.
    #[error("{kind} needs at least one option")]
    NoOptions {
        /// The distribution with its article.
        kind: &'static str,
    },
    /// Two options have the same label.
    #[error("option `{option}` is listed twice")]
    DuplicateOption {
        /// The second of the two.
        option: Value,
    },
    /// An option is an infinite number or not a number.
    #[error("option `{option:?}` is not a finite number")]
    OptionNotFinite {
        /// The option as written.
        option: f64,
    },
    /// The mean or the standard deviation is infinite or not a number.
    #[error("mu and sigma must be finite, not {mu:?} and {sigma:?}")]
    NormalNotFinite {
        /// The mean as written.
        mu: f64,
        /// The standard deviation as written.
        sigma: f64,
    },
    /// The standard deviation is zero or negative.
    #[error("sigma must be above 0, not {sigma:?}")]
    SigmaNotPositive {
        /// The standard deviation as written.
        sigma: f64,
    },
    /// Draws could overflow.
    #[error("{kind} with mu {mu:?} and sigma {sigma:?} reaches numbers too large or too small to hold")]
    NormalTooWide {
        /// The distribution, as the constructor is called.
        kind: &'static str,
        /// The mean as written.
        mu: f64,
        /// The standard deviation as written.
        sigma: f64,
    },
}

impl DistributionError {
    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BoundsNotFinite { .. } => "write the smallest and the largest value worth trying",
            Self::BoundsReversed { .. } => "swap the bounds, or write one number to keep the parameter fixed",
            Self::RangeTooWide { .. } => "bring the bounds closer, or search on a log scale",
            Self::LogNotPositive { .. } => "raise the lower bound above 0, or search on a linear scale",
            Self::IntTooLarge { .. } => "bring the bound closer to 0, or use a float",
            Self::StepNotAllowed { .. } => "leave the step out; only `uniform` and `int` have a grid",
            Self::StepNotPositive { .. } => "write the distance between neighbouring values, or leave the step out",
            Self::StepNotWhole { .. } => "write a whole step, or use `uniform` for values with a fraction",
            Self::StepTooSmall { .. } => "write a larger step, or leave it out",
            Self::NoOptions { .. } => "list the options, or leave the parameter out",
            Self::DuplicateOption { .. } => "list every option once",
            Self::OptionNotFinite { .. } => "write a finite number, or a text as the label",
            Self::NormalNotFinite { .. } => "write finite numbers for mu and sigma",
            Self::SigmaNotPositive { .. } => "write a positive sigma, or one number to keep the parameter fixed",
            Self::NormalTooWide { .. } => {
                "lower sigma or bring mu closer to 0; log_normal takes both on the scale of the logarithm"
            }
        }
    }
}
