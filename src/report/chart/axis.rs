//! A scale with a name.

use super::Scale;

/// One side of a frame.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) scale: Scale,
    pub(crate) name: String,
    /// About so many ticks.
    pub(crate) n_ticks: usize,
}

impl Axis {
    pub(crate) fn new(scale: Scale, name: impl Into<String>) -> Self {
        Self { scale, name: name.into(), n_ticks: 5 }
    }

    /// From 0 to 1.
    pub(crate) fn share(name: impl Into<String>) -> Self {
        Self::new(Scale::Linear { low: 0.0, high: 1.0 }, name)
    }

    /// Whole numbers from `first` to `last`, of which the ticks are some.
    #[expect(clippy::cast_precision_loss, reason = "they are counted in memory")]
    pub(crate) fn numbers(first: usize, last: usize, name: impl Into<String>) -> Self {
        let (low, high) = (first as f64, last as f64);
        let scale = if last > first { Scale::Linear { low, high } } else { Scale::over([low]) };
        Self { n_ticks: 5.min(last.saturating_sub(first).max(1)), ..Self::new(scale, name) }
    }
}
