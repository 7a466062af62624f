//! Conditions that a trial should meet besides being good.

use std::fmt;

use crate::metric::Metric;
use crate::trial::Direction;

/// On which side of its limit a metric must stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At the limit or below it.
    AtMost,
    /// At the limit or above it.
    AtLeast,
}

impl Bound {
    /// The constructor that a script writes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AtMost => "at_most",
            Self::AtLeast => "at_least",
        }
    }
}

/// A limit of a validation metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constraint {
    metric: Metric,
    bound: Bound,
    limit: f64,
}

/// A limit that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ConstraintError {
    /// It would keep a metric from getting better.
    #[error("{metric} is better when it is {better}, and {}(...) would keep it from that", .bound.name())]
    WrongWay {
        /// The metric.
        metric: Metric,
        /// The bound.
        bound: Bound,
        /// `larger` or `smaller`.
        better: &'static str,
    },
    /// No trial can meet it.
    #[error("{metric} is never {side} {end}: a trial cannot meet {}(..., {limit})", .bound.name())]
    Impossible {
        /// The metric.
        metric: Metric,
        /// The bound.
        bound: Bound,
        /// The limit.
        limit: f64,
        /// `above` or `below`.
        side: &'static str,
        /// The end of the metric's range.
        end: f64,
    },
}

impl Constraint {
    /// A limit, finite, that keeps a metric from getting worse.
    ///
    /// # Errors
    /// A limit that keeps it from getting better, or that lies outside the range of the metric.
    pub fn new(metric: Metric, bound: Bound, limit: f64) -> Result<Self, ConstraintError> {
        match (metric.direction(), bound) {
            (Some(Direction::Maximize), Bound::AtMost) => {
                return Err(ConstraintError::WrongWay { metric, bound, better: "larger" });
            }
            (Some(Direction::Minimize), Bound::AtLeast) => {
                return Err(ConstraintError::WrongWay { metric, bound, better: "smaller" });
            }
            _ => {}
        }
        let (low, high) = metric.range();
        let beyond = match bound {
            Bound::AtMost => (limit < low).then_some(("below", low)),
            Bound::AtLeast => (limit > high).then_some(("above", high)),
        };
        match beyond {
            Some((side, end)) => Err(ConstraintError::Impossible { metric, bound, limit, side, end }),
            None => Ok(Self { metric, bound, limit }),
        }
    }

    /// What is limited.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// On which side.
    #[must_use]
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// By how much a value misses the limit, 0 if it does not: in parts of the limit's size, so that excesses of metrics on
    /// different scales can be added up; as it is if the limit is 0.
    #[must_use]
    pub fn excess(&self, value: f64) -> f64 {
        let over = match self.bound {
            Bound::AtMost => value - self.limit,
            Bound::AtLeast => self.limit - value,
        };
        let unit = if self.limit == 0.0 { 1.0 } else { self.limit.abs() };
        // Not `max`, which would turn a value that is no number into one that meets the limit.
        if over <= 0.0 { 0.0 } else { over / unit }
    }
}

/// As in `log_loss at most 0.6`.
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.bound {
            Bound::AtMost => "at most",
            Bound::AtLeast => "at least",
        };
        write!(f, "{} {side} {}", self.metric, self.limit)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_excess_is_counted_in_parts_of_the_limit() {
        let excess = |metric, bound, limit, value| Constraint::new(metric, bound, limit).unwrap().excess(value);
        assert_eq!(excess(Metric::LogLoss, Bound::AtMost, 0.5, 0.75), 0.5);
        assert_eq!(excess(Metric::LogLoss, Bound::AtMost, 0.5, 0.5), 0.0);
        assert_eq!(excess(Metric::Accuracy, Bound::AtLeast, 0.8, 0.9), 0.0);
        assert_eq!(excess(Metric::Accuracy, Bound::AtLeast, 0.5, 0.25), 0.5);
        assert_eq!(excess(Metric::Value, Bound::AtMost, -4.0, -1.0), 0.75);
        assert_eq!(excess(Metric::Value, Bound::AtLeast, 0.0, -3.0), 3.0);
        assert!(excess(Metric::Value, Bound::AtMost, 1.0, f64::NAN).is_nan());
    }

    #[test]
    fn a_limit_keeps_a_metric_from_getting_worse_and_can_be_met() {
        let message = |metric, bound, limit| Constraint::new(metric, bound, limit).unwrap_err().to_string();
        assert_eq!(
            message(Metric::Accuracy, Bound::AtMost, 0.5),
            "accuracy is better when it is larger, and at_most(...) would keep it from that"
        );
        assert_eq!(
            message(Metric::LogLoss, Bound::AtLeast, 0.5),
            "log_loss is better when it is smaller, and at_least(...) would keep it from that"
        );
        assert_eq!(
            message(Metric::Accuracy, Bound::AtLeast, 80.0),
            "accuracy is never above 1: a trial cannot meet at_least(..., 80)"
        );
        assert_eq!(
            message(Metric::LogLoss, Bound::AtMost, -1.0),
            "log_loss is never below 0: a trial cannot meet at_most(..., -1)"
        );
        for bound in [Bound::AtMost, Bound::AtLeast] {
            assert!(Constraint::new(Metric::Value, bound, -7.5).is_ok());
        }
        assert_eq!(
            Constraint::new(Metric::Accuracy, Bound::AtLeast, 0.8).unwrap().to_string(),
            "accuracy at least 0.8"
        );
    }
}
