//! One parameter of the trials on one side of a split.

/// The coordinates of one parameter, from the oldest to the newest trial, and their order.
#[derive(Clone, Debug)]
pub(super) struct Column {
    values: Vec<f64>,
    order: Vec<u32>,
}

impl Column {
    /// Sorts the values.
    #[expect(clippy::cast_possible_truncation, reason = "a history has far less than 2^32 trials")]
    pub(super) fn new(values: Vec<f64>) -> Self {
        let mut order: Vec<u32> = (0..values.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]).then(a.cmp(&b)));
        Self { values, order }
    }

    /// Values whose order is known: ascending positions, the lower of equals first.
    pub(super) fn sorted(values: Vec<f64>, order: Vec<u32>) -> Self {
        debug_assert_eq!(values.len(), order.len(), "an order holds every position once");
        Self { values, order }
    }

    /// From the oldest to the newest.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Positions of the values from the lowest to the highest; of equal values the older first.
    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }
}
