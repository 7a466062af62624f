//! Several tests at once.

/// The p values adjusted for each other (Holm 1979), in their order: the smallest is multiplied by their number, the next by
/// one less, and so on; none is below the one before or above 1.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "tests are few")]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let n = p_values.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; n];
    let mut least = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        least = least.max((p_values[index] * (n - rank) as f64).min(1.0));
        adjusted[index] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_p_value_is_not_below_an_earlier_one() {
        assert_eq!(holm(&[0.5, 0.125, 0.1875]), [0.5, 0.375, 0.375]);
        assert_eq!(holm(&[0.75, 0.75]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
