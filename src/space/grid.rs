//! Grids of decimal numbers: `0.0, 0.05, 0.1, 0.15, ...` and not `0.15000000000000002`.
//!
//! A step is written in decimal, so the points are the decimals a reader expects: a point is computed in
//! binary and rounded to as many decimals as the start and the step have.

/// A number lies on the grid if it is this close to a point, as part of the step.
const TOLERANCE: f64 = 1e-6;

/// Powers of 10 that have few digits.
const POWERS: [f64; 13] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
/// Below this, a number and the nearest whole one differ by what the digits say and not by rounding.
const EXACT: f64 = 1e14;

/// The grid point `index` steps above `low`.
pub(super) fn point(low: f64, step: f64, index: f64) -> f64 {
    let decimals = decimals(low).max(decimals(step));
    let x = low + index * step;
    if let Some(&unit) = POWERS.get(decimals)
        && (x * unit).abs() < EXACT
    {
        // Both are exact, so the quotient is the number nearest to the decimal.
        return (x * unit).round() / unit;
    }
    let rounded = format!("{x:.decimals$}");
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
    // Searches ask for thousands of points, and writing a number takes longer than all else about one.
    let is_decimal = |unit: &f64| (x * unit).abs() < EXACT && (x * unit).round() / unit == x;
    POWERS.iter().position(is_decimal).unwrap_or_else(|| written_decimals(x))
}

/// As [`decimals`], of any number.
fn written_decimals(x: f64) -> usize {
    x.to_string().split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn points_are_the_decimals_a_reader_expects() {
        let points: Vec<f64> = (0..=4).map(|i| point(0.0, 0.05, f64::from(i))).collect();
        assert_eq!(points, [0.0, 0.05, 0.1, 0.15, 0.2]);
        assert_eq!(point(-0.3, 0.1, 3.0), 0.0);
        assert_eq!(point(1e-7, 2e-7, 1.0), 3e-7);
    }

    proptest! {
        #[test]
        fn points_are_those_of_writing_and_reading(
            (low, low_decimals) in (-100_000..100_000_i32, 0..9_i32),
            (step, step_decimals) in (1..10_000_i32, 0..9_i32),
            any in -1e9..1e9_f64,
            index in 0..1000_i32,
        ) {
            let low = f64::from(low) / 10_f64.powi(low_decimals);
            let step = f64::from(step) / 10_f64.powi(step_decimals);
            for x in [low, step, any, 1.0 / any] {
                prop_assert_eq!(decimals(x), written_decimals(x));
            }
            let decimals = written_decimals(low).max(written_decimals(step));
            let written = format!("{:.decimals$}", low + f64::from(index) * step);
            prop_assert_eq!(point(low, step, f64::from(index)).to_bits(), written.parse::<f64>().unwrap().to_bits());
        }
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
