//! A wish to stop, from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Set by a signal, looked at between batches.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// The cell that a signal writes its number to.
    #[must_use]
    pub fn cell(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    /// The number of the signal, if there was one.
    #[must_use]
    pub fn signal(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }

    /// Whether there was one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.signal().is_some()
    }
}
