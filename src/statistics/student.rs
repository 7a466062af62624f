//! Student's t distribution.

use std::f64::consts::FRAC_2_PI;

/// The probability that Student's t with so many degrees of freedom, at least 1, exceeds `t`.
///
/// The finite sums of Abramowitz and Stegun 1964, 26.7.3 and 26.7.4; the sums are of at most as many terms as there are
/// degrees of freedom, and the error is that of rounding, about 1e-16 of 1.
#[expect(clippy::cast_precision_loss, reason = "degrees of freedom are few")]
#[must_use]
pub fn upper_tail(t: f64, degrees: usize) -> f64 {
    let angle = libm::atan(t.abs() / (degrees as f64).sqrt());
    let (sin, cos) = (libm::sin(angle), libm::cos(angle));
    let is_odd = degrees % 2 == 1;
    // Each term is the one before times cos^2 j / (j + 1), where j counts on in twos.
    let (mut term, first) = if is_odd { (cos, 2_usize) } else { (1.0, 1) };
    let mut sum = 0.0;
    for j in (first..degrees).step_by(2) {
        sum += term;
        term *= cos * cos * j as f64 / (j + 1) as f64;
    }
    let within = if is_odd { FRAC_2_PI * (angle + sin * sum) } else { sin * sum };
    let tail = (1.0 - within) / 2.0;
    if t < 0.0 { 1.0 - tail } else { tail }
}

/// The value that Student's t with so many degrees of freedom, at least 1, stays below with this probability, which is above 0
/// and below 1.
///
/// The tail is halved until no number is left between the ends, so the error is that of [`upper_tail`].
///
/// # Panics
/// If the probability is not between 0 and 1.
#[must_use]
pub fn quantile(probability: f64, degrees: usize) -> f64 {
    assert!(probability > 0.0 && probability < 1.0, "{probability} is no probability between 0 and 1");
    if probability < 0.5 {
        return -quantile(1.0 - probability, degrees);
    }
    let tail = 1.0 - probability;
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    while upper_tail(high, degrees) > tail {
        (low, high) = (high, 2.0 * high);
    }
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if upper_tail(middle, degrees) > tail { low = middle } else { high = middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_that_of_published_tables() {
        // Critical values of Student's t, to the digits they are printed with.
        for (t, degrees, tail) in [
            (6.313_752, 1, 0.05),
            (2.919_986, 2, 0.05),
            (2.353_363, 3, 0.05),
            (3.746_947, 4, 0.01),
            (4.032_143, 5, 0.005),
            (1.833_113, 9, 0.05),
            (2.763_769, 10, 0.01),
            (1.697_261, 30, 0.05),
        ] {
            let found = upper_tail(t, degrees);
            assert!((found / tail - 1.0).abs() < 2e-6, "{t} {degrees}: {found}");
            assert!((upper_tail(-t, degrees) + tail - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn one_and_two_degrees_have_closed_forms() {
        for t in [0.0, 0.3, 1.0, 4.0, 50.0] {
            let cauchy = 0.5 - libm::atan(t) / std::f64::consts::PI;
            assert!((upper_tail(t, 1) - cauchy).abs() < 1e-15);
            let two = 0.5 - t / (2.0 * (2.0 + t * t).sqrt());
            assert!((upper_tail(t, 2) - two).abs() < 1e-15);
        }
    }
}
