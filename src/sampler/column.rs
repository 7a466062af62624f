//! One parameter of the trials on one side of a split.

/// The coordinates of one parameter, trial by trial, and their order.
#[derive(Clone, Debug)]
pub(super) struct Column {
    values: Vec<f64>,
    order: Vec<(f64, u32)>,
}

impl Column {
    /// Sorts the values.
    pub(super) fn new(values: Vec<f64>) -> Self {
        let mut order: Vec<(f64, u32)> = values.iter().copied().zip(0..).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Self { values, order }
    }

    /// Values whose order is known: ascending, each with its position.
    pub(super) fn sorted(values: Vec<f64>, order: Vec<(f64, u32)>) -> Self {
        debug_assert_eq!(values.len(), order.len(), "an order holds every position once");
        Self { values, order }
    }

    /// Values of options, whose order nobody asks for: it is empty.
    pub(super) fn unsorted(values: Vec<f64>) -> Self {
        Self { values, order: Vec::new() }
    }

    /// In the order of the trials.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values from the lowest to the highest with their positions; equal values are in any order.
    pub(super) fn order(&self) -> &[(f64, u32)] {
        &self.order
    }
}
