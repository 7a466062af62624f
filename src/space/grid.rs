//! Grids of decimal numbers: `0.0, 0.05, 0.1, 0.15, ...` and not `0.15000000000000002`.
//!
//! A step is written in decimal, so the points are the decimals a reader expects: a point is computed in
//! binary and rounded to as many decimals as the start and the step have.

/// A number lies on the grid if it is this close to a point, as part of the step.
const TOLERANCE: f64 = 1e-6;

/// The grid point `index` steps above `low`.
pub(super) fn point(low: f64, step: f64, index: f64) -> f64 {
    let decimals = decimals(low).max(decimals(step));
    let rounded = format!("{:.decimals$}", low + index * step);
    rounded.parse().expect("a formatted finite number is a number")
}

/// The index of the last grid point that is not above `high`.
pub(super) fn last_index(low: f64, high: f64, step: f64) -> f64 {
    ((high - low) / step + TOLERANCE).floor()
}

/// Whether `x` lies on the grid.
pub(super) fn holds(low: f64, step: f64, x: f64) -> bool {
    let index = (x - low) / step;
    (index - index.round()).abs() <= TOLERANCE
}

/// Digits after the point in the shortest decimal form.
fn decimals(x: f64) -> usize {
    x.to_string().split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_the_decimals_a_reader_expects() {
        let points: Vec<f64> = (0..=4).map(|i| point(0.0, 0.05, f64::from(i))).collect();
        assert_eq!(points, [0.0, 0.05, 0.1, 0.15, 0.2]);
        assert_eq!(point(-0.3, 0.1, 3.0), 0.0);
        assert_eq!(point(1e-7, 2e-7, 1.0), 3e-7);
    }

    #[test]
    fn the_last_point_survives_rounding_of_the_quotient() {
        assert_eq!(last_index(0.0, 0.8, 0.05), 16.0);
        assert_eq!(last_index(0.0, 0.3, 0.1), 3.0); // 0.3 / 0.1 is 2.9999999999999996
        assert_eq!(last_index(100.0, 100.3, 0.1), 3.0);
        assert_eq!(last_index(0.0, 1.0, 0.3), 3.0);
        assert_eq!(last_index(0.0, 1.0, 2.0), 0.0);
    }

    #[test]
    fn a_number_between_two_points_is_not_on_the_grid() {
        assert!(holds(0.0, 0.05, 0.15) && holds(0.0, 0.05, 3.0 * 0.05));
        assert!(!holds(0.0, 0.05, 0.16));
    }
}
