//! Values a fit must have reached at given epochs.

use super::PrunerError;

/// Which value of a fit is held against a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The best so far.
    Best,
    /// That of the very epoch.
    Last,
}

impl Measure {
    /// The word a script uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Last => "last",
        }
    }
}

/// A value for each of some epochs: a fit that is worse at one of them is stopped there. An equal value is not worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    measure: Measure,
    at: Vec<(usize, f64)>,
}

impl Bounds {
    /// Epochs, counted from 1 and ascending, with the values that must be reached there.
    ///
    /// # Errors
    /// There are none, they do not ascend, or a value is not finite.
    pub fn new(measure: Measure, at: Vec<(usize, f64)>) -> Result<Self, PrunerError> {
        if at.is_empty() {
            return Err(PrunerError::Empty);
        }
        let mut before = 0;
        for &(epoch, value) in &at {
            if epoch <= before {
                return Err(PrunerError::Order { epoch, before });
            }
            if !value.is_finite() {
                return Err(PrunerError::OutOfRange { what: "a value", found: value, range: "finite" });
            }
            before = epoch;
        }
        Ok(Self { measure, at })
    }

    /// As [`Bounds::new`] from two lists of equal length.
    ///
    /// # Errors
    /// As there; or one list is longer.
    pub fn paired(measure: Measure, epochs: &[usize], values: &[f64]) -> Result<Self, PrunerError> {
        if epochs.len() != values.len() {
            return Err(PrunerError::Unpaired { n_epochs: epochs.len(), n_values: values.len() });
        }
        Self::new(measure, epochs.iter().copied().zip(values.iter().copied()).collect())
    }

    /// Of values computed from a history: none when there is no epoch.
    pub(super) fn computed(measure: Measure, at: impl Iterator<Item = (usize, f64)>) -> Option<Self> {
        Self::new(measure, at.collect()).ok()
    }

    /// Which value counts.
    #[must_use]
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// The epochs with their values, ascending.
    #[must_use]
    pub fn at(&self) -> &[(usize, f64)] {
        &self.at
    }

    /// The value of an epoch, if it has one.
    pub(super) fn value_at(&self, epoch: usize) -> Option<f64> {
        self.at.binary_search_by_key(&epoch, |&(epoch, _)| epoch).ok().map(|index| self.at[index].1)
    }

    /// Those before the last of `n_epochs` epochs.
    pub(super) fn before(&self, n_epochs: usize) -> Option<Self> {
        Self::computed(self.measure, self.at.iter().copied().filter(|&(epoch, _)| epoch < n_epochs))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn epochs_ascend_and_each_has_a_finite_value() {
        let of = |epochs: &[usize], values: &[f64]| Bounds::paired(Measure::Best, epochs, values);
        let bounds = of(&[2, 5], &[0.5, 0.75]).unwrap();
        assert_eq!((bounds.value_at(2), bounds.value_at(3), bounds.value_at(5)), (Some(0.5), None, Some(0.75)));
        for (epochs, values, message) in [
            (&[][..], &[][..], "no epoch is given; name at least one, with its value"),
            (&[1, 2], &[0.5], "2 epochs have 1 values; give each epoch the value that must be reached at it"),
            (&[0], &[0.5], "epoch 0 does not come after epoch 0; epochs begin with 1 and ascend"),
            (&[3, 3], &[0.5, 0.6], "epoch 3 does not come after epoch 3; epochs begin with 1 and ascend"),
            (&[3], &[f64::NAN], "a value is NaN, but must be finite"),
        ] {
            assert_eq!(of(epochs, values).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn bounds_at_or_after_the_last_epoch_are_left_out() {
        let bounds = Bounds::paired(Measure::Last, &[1, 2, 3], &[0.1, 0.2, 0.3]).unwrap();
        assert_eq!(bounds.before(3).unwrap().at(), [(1, 0.1), (2, 0.2)]);
        assert_eq!(bounds.before(9), Some(bounds.clone()));
        assert_eq!(bounds.before(1), None);
    }
}
