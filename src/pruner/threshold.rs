//! A value that must be reached.

use super::{Bounds, Measure, PrunerError, Schedule};

/// A trial is stopped at the first judged epoch whose value is worse than a fixed one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    value: f64,
    schedule: Schedule,
}

impl Threshold {
    /// The value, in the unit of the objective.
    ///
    /// # Errors
    /// It is not finite.
    pub fn new(value: f64, schedule: Schedule) -> Result<Self, PrunerError> {
        if !value.is_finite() {
            return Err(PrunerError::OutOfRange { what: "the value", found: value, range: "finite" });
        }
        Ok(Self { value, schedule })
    }

    pub(super) fn bounds(&self, n_epochs: usize) -> Option<Bounds> {
        Bounds::computed(Measure::Last, self.schedule.epochs(n_epochs).map(|epoch| (epoch, self.value)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_asked_for_at_every_judged_epoch() {
        let rule = Threshold::new(0.75, Schedule::new(1, 2).unwrap()).unwrap();
        let bounds = rule.bounds(6).unwrap();
        assert_eq!((bounds.measure(), bounds.at()), (Measure::Last, &[(2, 0.75), (4, 0.75)][..]));
        assert_eq!(rule.bounds(2), None);
        assert!(Threshold::new(f64::INFINITY, Schedule::new(0, 1).unwrap()).is_err());
    }
}
