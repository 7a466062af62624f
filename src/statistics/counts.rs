//! Counts of rows.

use super::interval::Interval;

/// The standard normal quantile of 0.975.
const Z: f64 = 1.959_963_984_540_054;

/// The interval of [`CONFIDENCE`](super::CONFIDENCE) for the share that `successes` out of `n` rows are drawn from (Wilson
/// 1927, JASA 22), without continuity correction.
///
/// # Panics
/// If there are no rows, or fewer than successes.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "rows are counted far below 2^53")]
pub fn wilson(successes: usize, n: usize) -> Interval {
    assert!(n > 0 && successes <= n, "{successes} of {n} rows is no share");
    let (rows, share) = (n as f64, successes as f64 / n as f64);
    let shrunk = 1.0 + Z * Z / rows;
    let centre = (share + Z * Z / (2.0 * rows)) / shrunk;
    let half = Z / shrunk * (share * (1.0 - share) / rows + Z * Z / (4.0 * rows * rows)).sqrt();
    // At a share of 0 or 1 the end is exactly there, but for rounding.
    let low = if successes == 0 { 0.0 } else { centre - half };
    let high = if successes == n { 1.0 } else { centre + half };
    Interval { low, high }
}

/// The two-sided exact p value of McNemar (1947) for the rows that only one of two models has right: the binomial
/// probability, at one half, of a split of them that is at least as uneven. 1 without any.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "rows are counted far below 2^53")]
pub fn mcnemar(only_first: usize, only_second: usize) -> f64 {
    let (fewer, n) = (only_first.min(only_second), only_first + only_second);
    if only_first == only_second {
        return 1.0;
    }
    let log_factorial = |n: usize| libm::lgamma(n as f64 + 1.0);
    let log_ways = log_factorial(n) - log_factorial(fewer) - log_factorial(n - fewer);
    let mut term = libm::exp(log_ways - n as f64 * std::f64::consts::LN_2);
    let mut sum = 0.0;
    for k in (0..=fewer).rev() {
        sum += term;
        term *= k as f64 / (n - k + 1) as f64;
    }
    (2.0 * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_of_few_rows_is_counted_out() {
        // Of 2^5 ways to split 5 rows, 1 + 5 are at most 1 to 4; both sides: 12 / 32.
        assert!((mcnemar(1, 4) - 12.0 / 32.0).abs() < 1e-15);
        assert!((mcnemar(5, 0) - 2.0 / 32.0).abs() < 1e-15);
        assert_eq!((mcnemar(0, 0), mcnemar(3, 3)), (1.0, 1.0));
    }

    #[test]
    fn a_share_of_nothing_or_all_has_its_end_there() {
        let (none, all) = (wilson(0, 10), wilson(10, 10));
        assert_eq!((none.low, all.high), (0.0, 1.0));
        assert!((none.high + all.low - 1.0).abs() < 1e-15);
    }
}
