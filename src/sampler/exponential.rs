//! The exponential function of many numbers, without calls and without branches, so that it runs on several at once.

/// Below this the result is that of this number: about `1e-304`.
const LOWEST: f64 = -700.0;
/// `1.5 * 2^52`: added to a number of moderate size, it leaves the nearest whole number in the lowest bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// The logarithm of 2 in two parts; the first has so few bits that its product with an exponent is exact.
const LN_2: (f64, f64) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);
/// `1 / n!` from the highest term on.
const SERIES: [f64; 10] = [
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
    1.0,
    1.0,
];

/// `exp(x)` for `x <= 700`, to a relative `1e-11`: a power of 2, and the Taylor series of what is left.
#[inline]
pub(super) fn exponential(x: f64) -> f64 {
    let x = if x > LOWEST { x } else { LOWEST };
    let shifted = x * std::f64::consts::LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    let rest = (x - whole * LN_2.0) - whole * LN_2.1;
    let mut sum = SERIES[0];
    for term in &SERIES[1..] {
        sum = sum * rest + term;
    }
    sum * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_exact_function() {
        for step in -700_000..=700_000 {
            let x = f64::from(step) / 1000.0;
            let exact = libm::exp(x);
            assert!((exponential(x) - exact).abs() <= 1e-11 * exact, "at {x}: {}", exponential(x));
        }
        assert_eq!(exponential(0.0), 1.0);
    }

    #[test]
    fn what_is_too_low_stays_above_zero() {
        assert!(exponential(-1e300) > 0.0 && exponential(f64::NEG_INFINITY) == exponential(-700.0));
    }
}
