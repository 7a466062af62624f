//! At which epochs a trial is judged.

use super::PrunerError;
use super::error::at_least;

/// Every `interval`-th epoch after the first `warmup_epochs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    warmup_epochs: usize,
    interval: usize,
}

impl Schedule {
    /// The first epoch judged is `warmup_epochs + 1`.
    ///
    /// # Errors
    /// `interval` is 0.
    pub fn new(warmup_epochs: usize, interval: usize) -> Result<Self, PrunerError> {
        Ok(Self { warmup_epochs, interval: at_least("interval", interval, 1)? })
    }

    /// The epochs of a fit of at most `n_epochs` that are judged, ascending; its last one is not.
    pub(super) fn epochs(self, n_epochs: usize) -> impl Iterator<Item = usize> {
        (self.warmup_epochs.saturating_add(1)..n_epochs).step_by(self.interval)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_interval_th_epoch_after_the_warmup_is_judged_but_never_the_last() {
        let epochs = |warmup, interval, n| Schedule::new(warmup, interval).unwrap().epochs(n).collect::<Vec<_>>();
        assert_eq!(epochs(0, 1, 5), [1, 2, 3, 4]);
        assert_eq!(epochs(2, 3, 12), [3, 6, 9]);
        assert_eq!(epochs(2, 3, 9), [3, 6]);
        assert!(epochs(5, 1, 6).is_empty());
        assert_eq!(Schedule::new(0, 0).unwrap_err().to_string(), "interval is 0, but must be at least 1");
    }
}
