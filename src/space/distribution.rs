//! What values a hyperparameter may take and on which scale they are searched.
//!
//! A [`Distribution`] can only be made through its constructors, which check every rule once; nobody after
//! them has to check again. For a sampler every value has an *internal* number: a float is itself, an int is
//! the same number as a float, an option of a choice or an ordinal is its position.

use serde::{Deserialize, Serialize};

use super::error::DistributionError;
use super::grid;
use crate::value::Value;

/// Integers up to this size are exact as `f64`.
const EXACT_INT: i64 = 1 << 53;
/// A step may not be smaller than this part of the larger bound, or rounding would blur the grid.
const SMALLEST_STEP: f64 = 1e-9;
/// `exp` of anything inside plus or minus this is a normal positive number.
const EXP_SAFE: f64 = 700.0;

/// The values of one hyperparameter and how they are searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "DistributionView", into = "DistributionView")]
pub struct Distribution(DistributionView);

/// What a [`Distribution`] is made of, for reading: to print it, or to model it. A distribution is never made
/// from a view without the checks of the constructors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DistributionView {
    /// A float between two bounds, both included.
    Uniform {
        /// Smallest value.
        low: f64,
        /// Largest value; with a step it lies on the grid.
        high: f64,
        /// Distance of neighbouring values, counted from `low`.
        step: Option<f64>,
        /// Uniform in the logarithm.
        log: bool,
    },
    /// A whole number between two bounds, both included.
    Int {
        /// Smallest value.
        low: i64,
        /// Largest value; it lies on the grid.
        high: i64,
        /// Distance of neighbouring values, counted from `low`; 1 with `log`.
        step: i64,
        /// Uniform in the logarithm.
        log: bool,
    },
    /// One of several options without an order.
    Choice {
        /// The options, distinct.
        options: Vec<Value>,
    },
    /// One of several options whose order means something; searched as an int over the position.
    Ordinal {
        /// The options, distinct, in their order.
        options: Vec<Value>,
    },
    /// A normally distributed float without bounds.
    Normal {
        /// Mean, of the logarithm with `log`.
        mu: f64,
        /// Standard deviation, of the logarithm with `log`.
        sigma: f64,
        /// The value is `exp` of the normal draw.
        log: bool,
    },
}

impl Distribution {
    /// A float in `[low, high]`, uniform on a linear scale.
    ///
    /// # Errors
    /// If a bound is not finite, the bounds are reversed, or their difference overflows.
    pub fn uniform(low: f64, high: f64) -> Result<Self, DistributionError> {
        Self::float(low, high, false)
    }

    /// A float in `[low, high]`, uniform in its logarithm.
    ///
    /// # Errors
    /// As [`uniform`](Self::uniform), or if `low` is not above 0.
    pub fn log_uniform(low: f64, high: f64) -> Result<Self, DistributionError> {
        Self::float(low, high, true)
    }

    fn float(low: f64, high: f64, log: bool) -> Result<Self, DistributionError> {
        if !low.is_finite() || !high.is_finite() {
            return Err(DistributionError::BoundsNotFinite { low, high });
        }
        check_order(Value::Float(low), Value::Float(high), low > high)?;
        check_log("log_uniform", Value::Float(low), log && low <= 0.0)?;
        if !(high - low).is_finite() {
            return Err(DistributionError::RangeTooWide { low, high });
        }
        Ok(Self(DistributionView::Uniform { low, high, step: None, log }))
    }

    /// A whole number in `[low, high]`, uniform on a linear scale.
    ///
    /// # Errors
    /// If the bounds are reversed or beyond 2^53.
    pub fn int(low: i64, high: i64) -> Result<Self, DistributionError> {
        Self::whole(low, high, false)
    }

    /// A whole number in `[low, high]`, uniform in its logarithm.
    ///
    /// # Errors
    /// As [`int`](Self::int), or if `low` is not above 0.
    pub fn log_int(low: i64, high: i64) -> Result<Self, DistributionError> {
        Self::whole(low, high, true)
    }

    fn whole(low: i64, high: i64, log: bool) -> Result<Self, DistributionError> {
        for bound in [low, high] {
            if bound.unsigned_abs() > EXACT_INT.unsigned_abs() {
                return Err(DistributionError::IntTooLarge { bound });
            }
        }
        check_order(Value::Int(low), Value::Int(high), low > high)?;
        check_log("log_int", Value::Int(low), log && low <= 0)?;
        Ok(Self(DistributionView::Int { low, high, step: 1, log }))
    }

    /// The same distribution on the grid `low, low + step, ...`; the upper bound is lowered to the grid.
    ///
    /// # Errors
    /// If the step is not a finite number above 0, has a fraction on an int, is below 1e-9 of the larger bound
    /// of a float, or the distribution is neither `uniform` nor `int`.
    pub fn with_step(self, step: f64) -> Result<Self, DistributionError> {
        let kind = self.constructor();
        if !(step > 0.0 && step.is_finite()) {
            return Err(DistributionError::StepNotPositive { step });
        }
        match self.0 {
            DistributionView::Uniform { low, high, log: false, .. } => {
                let bound = low.abs().max(high.abs());
                if step < SMALLEST_STEP * bound {
                    return Err(DistributionError::StepTooSmall { step, bound });
                }
                let high = grid::point(low, step, grid::last_index(low, high, step));
                Ok(Self(DistributionView::Uniform { low, high, step: Some(step), log: false }))
            }
            DistributionView::Int { low, high, log: false, .. } => {
                if step.fract() != 0.0 {
                    return Err(DistributionError::StepNotWhole { step });
                }
                #[expect(clippy::cast_possible_truncation, reason = "whole; `as` saturates")]
                let step = (step as i64).min(EXACT_INT);
                let high = low + (high - low) / step * step;
                Ok(Self(DistributionView::Int { low, high, step, log: false }))
            }
            _ => Err(DistributionError::StepNotAllowed { kind }),
        }
    }

    /// One of several options without an order.
    ///
    /// # Errors
    /// If there is no option, two have the same label, or one is a number that is not finite.
    pub fn choice(options: Vec<Value>) -> Result<Self, DistributionError> {
        check_options("a choice", &options)?;
        Ok(Self(DistributionView::Choice { options }))
    }

    /// One of several options whose order means something, such as sizes; searched as an int over the position.
    ///
    /// # Errors
    /// As [`choice`](Self::choice).
    pub fn ordinal(options: Vec<Value>) -> Result<Self, DistributionError> {
        check_options("an ordinal", &options)?;
        Ok(Self(DistributionView::Ordinal { options }))
    }

    /// A normally distributed float with mean `mu` and standard deviation `sigma`, without bounds.
    ///
    /// # Errors
    /// If one of them is not finite, `sigma` is not above 0, or six sigma around `mu` overflow.
    pub fn normal(mu: f64, sigma: f64) -> Result<Self, DistributionError> {
        Self::gaussian(mu, sigma, false)
    }

    /// A positive float whose natural logarithm is normal with mean `mu` and standard deviation `sigma`.
    ///
    /// # Errors
    /// As [`normal`](Self::normal), or if six sigma around `mu` leave `[-700, 700]`, where `exp` is exact.
    pub fn log_normal(mu: f64, sigma: f64) -> Result<Self, DistributionError> {
        Self::gaussian(mu, sigma, true)
    }

    fn gaussian(mu: f64, sigma: f64, log: bool) -> Result<Self, DistributionError> {
        if !mu.is_finite() || !sigma.is_finite() {
            return Err(DistributionError::NormalNotFinite { mu, sigma });
        }
        if sigma <= 0.0 {
            return Err(DistributionError::SigmaNotPositive { sigma });
        }
        let (reach, limit) = (mu.abs() + 6.0 * sigma, if log { EXP_SAFE } else { f64::MAX / 4.0 });
        if reach > limit {
            let kind = if log { "log_normal" } else { "normal" };
            return Err(DistributionError::NormalTooWide { kind, mu, sigma });
        }
        Ok(Self(DistributionView::Normal { mu, sigma, log }))
    }

    /// What this distribution is made of.
    #[must_use]
    pub fn kind(&self) -> &DistributionView {
        &self.0
    }

    /// The name of the constructor that makes it, such as `log_uniform`.
    #[must_use]
    pub fn constructor(&self) -> &'static str {
        match self.0 {
            DistributionView::Uniform { log: false, .. } => "uniform",
            DistributionView::Uniform { log: true, .. } => "log_uniform",
            DistributionView::Int { log: false, .. } => "int",
            DistributionView::Int { log: true, .. } => "log_int",
            DistributionView::Choice { .. } => "choice",
            DistributionView::Ordinal { .. } => "ordinal",
            DistributionView::Normal { log: false, .. } => "normal",
            DistributionView::Normal { log: true, .. } => "log_normal",
        }
    }

    /// Whether `value` can come from this distribution. The type counts: an int is no value of `uniform`.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        self.to_internal(value).is_some()
    }

    /// The internal number of a value of this distribution, `None` for any other value.
    #[must_use]
    pub fn to_internal(&self, value: &Value) -> Option<f64> {
        match (&self.0, value) {
            (DistributionView::Uniform { low, high, step, .. }, Value::Float(x)) => {
                (low <= x && x <= high && step.is_none_or(|step| grid::holds(*low, step, *x))).then_some(*x)
            }
            (DistributionView::Int { low, high, step, .. }, Value::Int(i)) => {
                (low <= i && i <= high && (i - low) % step == 0).then(|| exact(*i))
            }
            (DistributionView::Choice { options } | DistributionView::Ordinal { options }, value) => {
                options.iter().position(|option| option == value).map(position)
            }
            (DistributionView::Normal { log, .. }, Value::Float(x)) => {
                (x.is_finite() && (!log || *x > 0.0)).then_some(*x)
            }
            _ => None,
        }
    }

    /// The value nearest to an internal number: rounded to the grid and clipped into the bounds.
    #[must_use]
    pub fn from_internal(&self, internal: f64) -> Value {
        let internal = self.nearest(internal);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`nearest` gives whole numbers inside the bounds"
        )]
        match &self.0 {
            DistributionView::Uniform { .. } | DistributionView::Normal { .. } => Value::Float(internal),
            DistributionView::Int { .. } => Value::Int(internal as i64),
            DistributionView::Choice { options } | DistributionView::Ordinal { options } => {
                options[internal as usize].clone()
            }
        }
    }

    /// The internal number of a value of this distribution that is nearest to `internal`.
    pub(crate) fn nearest(&self, internal: f64) -> f64 {
        match &self.0 {
            DistributionView::Uniform { low, high, step: None, .. } => internal.clamp(*low, *high),
            DistributionView::Uniform { low, high, step: Some(step), .. } => {
                grid::point(*low, *step, ((internal.clamp(*low, *high) - low) / step).round())
            }
            DistributionView::Int { low, high, step, .. } => {
                let (low, high, step) = (exact(*low), exact(*high), exact(*step));
                (low + ((internal - low) / step).round() * step).clamp(low, high)
            }
            DistributionView::Choice { options } | DistributionView::Ordinal { options } => {
                internal.round().clamp(0.0, position(options.len() - 1))
            }
            DistributionView::Normal { log: false, .. } => internal.clamp(f64::MIN, f64::MAX),
            DistributionView::Normal { log: true, .. } => internal.clamp(f64::MIN_POSITIVE, f64::MAX),
        }
    }

    /// The only value, if there is just one.
    #[must_use]
    pub fn single(&self) -> Option<Value> {
        match &self.0 {
            DistributionView::Uniform { low, high, .. } => (low == high).then_some(Value::Float(*low)),
            DistributionView::Int { low, high, .. } => (low == high).then_some(Value::Int(*low)),
            DistributionView::Choice { options } | DistributionView::Ordinal { options } => {
                (options.len() == 1).then(|| options[0].clone())
            }
            DistributionView::Normal { .. } => None,
        }
    }
}

fn check_order(low: Value, high: Value, reversed: bool) -> Result<(), DistributionError> {
    if reversed { Err(DistributionError::BoundsReversed { low, high }) } else { Ok(()) }
}

fn check_log(kind: &'static str, low: Value, broken: bool) -> Result<(), DistributionError> {
    if broken { Err(DistributionError::LogNotPositive { kind, low }) } else { Ok(()) }
}

/// Options are told apart by their label as well, because records and tables show nothing else.
fn check_options(kind: &'static str, options: &[Value]) -> Result<(), DistributionError> {
    if options.is_empty() {
        return Err(DistributionError::NoOptions { kind });
    }
    for (index, option) in options.iter().enumerate() {
        if let Value::Float(number) = option
            && !number.is_finite()
        {
            return Err(DistributionError::OptionNotFinite { option: *number });
        }
        let label = option.to_string();
        if options[..index].iter().any(|earlier| earlier == option || earlier.to_string() == label) {
            return Err(DistributionError::DuplicateOption { option: option.clone() });
        }
    }
    Ok(())
}

/// An integer within the bounds of a distribution as a float.
fn exact(i: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "the constructors keep integers within 2^53")]
    let x = i as f64;
    x
}

/// A position in a list of options as a float.
fn position(index: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "lists are far shorter than 2^53")]
    let x = index as f64;
    x
}

impl From<Distribution> for DistributionView {
    fn from(distribution: Distribution) -> Self {
        distribution.0
    }
}

impl TryFrom<DistributionView> for Distribution {
    type Error = DistributionError;

    fn try_from(view: DistributionView) -> Result<Self, DistributionError> {
        match view {
            DistributionView::Uniform { low, high, step, log } => {
                let plain = Self::float(low, high, log)?;
                step.map_or(Ok(plain.clone()), |step| plain.with_step(step))
            }
            DistributionView::Int { low, high, step, log } => {
                let plain = Self::whole(low, high, log)?;
                if step == 1 { Ok(plain) } else { plain.with_step(exact(step)) }
            }
            DistributionView::Choice { options } => Self::choice(options),
            DistributionView::Ordinal { options } => Self::ordinal(options),
            DistributionView::Normal { mu, sigma, log } => Self::gaussian(mu, sigma, log),
        }
    }
}

#[cfg(test)]
mod tests;
