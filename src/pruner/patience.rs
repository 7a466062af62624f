//! Epochs without improvement.

use super::PrunerError;
use super::error::at_least;
use crate::trial::Direction;

/// A trial is stopped when its value has not improved for some epochs, by more than `min_delta` on the value it last
/// improved from (Prechelt 1998, "Early stopping - but when?").
///
/// It counts as early stopping of a phase does, but through all phases, and what it stops is given up: a phase that stops
/// early has its best weights and the trial its score, a pruned trial has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    epochs: usize,
    min_delta: f64,
}

impl Patience {
    /// For so many epochs.
    ///
    /// # Errors
    /// `epochs` is 0, or `min_delta` is negative or not finite.
    pub fn new(epochs: usize, min_delta: f64) -> Result<Self, PrunerError> {
        if !(min_delta.is_finite() && min_delta >= 0.0) {
            return Err(PrunerError::OutOfRange { what: "min_delta", found: min_delta, range: "at least 0" });
        }
        Ok(Self { epochs: at_least("epochs", epochs, 1)?, min_delta })
    }

    /// Epochs without improvement that are waited for.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// What an improvement must exceed.
    #[must_use]
    pub fn min_delta(&self) -> f64 {
        self.min_delta
    }

    /// Whether the last of these values is one too many; an epoch without a value is waited for as well.
    pub(super) fn is_exhausted(&self, values: &[Option<f64>], direction: Direction) -> bool {
        let (mut reference, mut waited) = (f64::INFINITY, 0);
        for value in values {
            match value.map(|value| direction.loss(value)) {
                Some(loss) if loss < reference - self.min_delta => (reference, waited) = (loss, 0),
                _ => waited += 1,
            }
        }
        waited >= self.epochs
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn exhausted(epochs: usize, min_delta: f64, direction: Direction, values: &[f64]) -> Vec<bool> {
        let rule = Patience::new(epochs, min_delta).unwrap();
        let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        (1..=values.len()).map(|n| rule.is_exhausted(&values[..n], direction)).collect()
    }

    #[test]
    fn patience_ends_after_so_many_epochs_without_a_better_value() {
        assert_eq!(
            exhausted(2, 0.0, Direction::Minimize, &[0.7, 0.5, 0.6, 0.4, 0.4, 0.41]),
            [false, false, false, false, false, true]
        );
        assert_eq!(exhausted(1, 0.0, Direction::Maximize, &[0.7, 0.8, 0.8]), [false, false, true]);
    }

    #[test]
    fn small_gains_add_up_from_the_last_improvement() {
        assert_eq!(exhausted(2, 0.25, Direction::Maximize, &[0.25, 0.375, 0.5]), [false, false, true]);
        assert_eq!(exhausted(2, 0.25, Direction::Maximize, &[0.25, 0.375, 0.625]), [false, false, false]);
    }

    #[test]
    fn numbers_without_a_meaning_are_refused() {
        assert_eq!(Patience::new(0, 0.0).unwrap_err().to_string(), "epochs is 0, but must be at least 1");
        assert_eq!(Patience::new(1, -1.0).unwrap_err().to_string(), "min_delta is -1, but must be at least 0");
    }
}
