//! What a param accepts, beside being of its default's type.

use std::fmt;

use crate::value::Value;

/// What a param accepts, beside values of its default's type.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamDomain {
    /// Everything of the type.
    Any,
    /// One of these.
    OneOf(Vec<Value>),
    /// A number within bounds.
    Range(ParamRange),
}

/// The bounds of a number, of which at least one is there; both belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamRange {
    min: Option<f64>,
    max: Option<f64>,
}

/// Why bounds are none.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ParamRangeError {
    /// There is neither a lower nor an upper one.
    #[error("a range needs `min`, `max`, or both")]
    NoBound,
    /// No number is between them.
    #[error("min {min:?} is above max {max:?}: nothing is between them")]
    Empty {
        /// The lower bound.
        min: f64,
        /// The upper bound.
        max: f64,
    },
}

impl ParamRange {
    /// Finite bounds, both inclusive; one that is left out leaves its side open.
    ///
    /// # Errors
    /// Both are left out, or the lower is above the upper.
    pub fn new(min: Option<f64>, max: Option<f64>) -> Result<Self, ParamRangeError> {
        match (min, max) {
            (None, None) => Err(ParamRangeError::NoBound),
            (Some(min), Some(max)) if min > max => Err(ParamRangeError::Empty { min, max }),
            _ => Ok(Self { min, max }),
        }
    }

    /// The lowest number it has.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        self.min
    }

    /// The highest number it has.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.max
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn contains(&self, x: f64) -> bool {
        self.min.is_none_or(|min| min <= x) && self.max.is_none_or(|max| x <= max)
    }
}

/// As in `1 to 10`, `at least 0`, `at most 5`.
impl fmt::Display for ParamRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "{min} to {max}"),
            (Some(min), None) => write!(f, "at least {min}"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (None, None) => unreachable!("a range has a bound"),
        }
    }
}

impl ParamDomain {
    /// With whole numbers as fractions where the param's default is one: the two are the same number.
    #[must_use]
    pub fn of_type(self, default: &Value) -> Self {
        match (self, default) {
            (Self::OneOf(values), Value::Float(_)) => {
                Self::OneOf(values.into_iter().map(|value| value.as_f64().map_or(value, Value::Float)).collect())
            }
            (domain, _) => domain,
        }
    }

    /// Whether a value of the param's type is among what it accepts.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(values) => values.contains(value),
            Self::Range(range) => value.as_f64().is_some_and(|x| range.contains(x)),
        }
    }
}

/// Empty where everything of the type is accepted; else as in `4, 8, 16` or `1 to 10`.
impl fmt::Display for ParamDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::OneOf(values) => f.write_str(&values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            Self::Range(range) => write!(f, "{range}"),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_range_with_one_bound_is_open_on_the_other_side() {
        let above = ParamRange::new(Some(0.0), None).unwrap();
        assert_eq!([-1e-9, 0.0, 1e300].map(|x| above.contains(x)), [false, true, true]);
        let below = ParamRange::new(None, Some(5.0)).unwrap();
        assert_eq!([-1e300, 5.0, 5.1].map(|x| below.contains(x)), [true, true, false]);
        let between = ParamRange::new(Some(0.0), Some(0.0)).unwrap();
        assert_eq!([-0.1, 0.0, 0.1].map(|x| between.contains(x)), [false, true, false]);
        assert_eq!([above, below, between].map(|range| range.to_string()), ["at least 0", "at most 5", "0 to 0"]);
    }

    #[test]
    fn a_range_without_a_number_in_it_is_none() {
        assert_eq!(ParamRange::new(None, None).unwrap_err().to_string(), "a range needs `min`, `max`, or both");
        let empty = ParamRange::new(Some(2.0), Some(1.0)).unwrap_err().to_string();
        assert_eq!(empty, "min 2.0 is above max 1.0: nothing is between them");
    }

    #[test]
    fn a_list_of_whole_numbers_is_one_of_numbers_for_a_param_that_is_a_number() {
        let domain = ParamDomain::OneOf(vec![Value::Int(1), Value::Float(0.5)]).of_type(&Value::Float(1.0));
        assert!(domain.accepts(&Value::Float(1.0)) && !domain.accepts(&Value::Float(2.0)));
        assert_eq!(domain.to_string(), "1.0, 0.5");
    }
}
