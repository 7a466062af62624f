//! Masses of the standard normal, from a table.
//!
//! A suggestion needs tens of thousands of them, at a tenth of what an error function costs. Between the nodes of the
//! table stands the Taylor series of the upper tail, whose derivatives are the density times Hermite polynomials. Nothing
//! but additions, multiplications and the entries decides the bits, and those come from `libm`.

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::sync::LazyLock;

/// Nodes per unit: the series is used up to a sixty-fourth away from its node, where its first neglected term is below
/// `1e-10` of the tail as far as 8 sigma out.
const NODES_PER_UNIT: f64 = 32.0;
/// The tail is 0 from here on; it is `3e-316` there.
const END: u32 = 38;

/// The upper tail and the density at each node.
static NODES: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let node = |index: u32| {
        let z = f64::from(index) / NODES_PER_UNIT;
        (0.5 * libm::erfc(z * FRAC_1_SQRT_2), libm::exp(-0.5 * z * z) / libm::sqrt(2.0 * PI))
    };
    (0..END * 32).map(node).collect()
});

/// `1 - Phi(z)` for `z >= 0`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a node's position; what is too large saturates and has none"
)]
fn upper_tail(z: f64) -> f64 {
    let nearest = (z * NODES_PER_UNIT + 0.5) as usize;
    let Some(&(tail, density)) = NODES.get(nearest) else { return 0.0 };
    let node = nearest as f64 / NODES_PER_UNIT;
    let d = z - node;
    // The Hermite polynomials at the node, by their recurrence.
    let second = node * node - 1.0;
    let third = node * second - 2.0 * node;
    let fourth = node * third - 3.0 * second;
    let fifth = node * fourth - 4.0 * third;
    let series =
        1.0 - d * (node / 2.0 - d * (second / 6.0 - d * (third / 24.0 - d * (fourth / 120.0 - d * (fifth / 720.0)))));
    tail - density * d * series
}

/// `Phi(b) - Phi(a)` for `a <= b`, from the tail on the side of the interval, where nothing cancels.
pub(super) fn standard_mass(a: f64, b: f64) -> f64 {
    if a > 0.0 {
        upper_tail(a) - upper_tail(b)
    } else if b < 0.0 {
        upper_tail(-b) - upper_tail(-a)
    } else {
        1.0 - upper_tail(-a) - upper_tail(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_agree_with_the_error_function() {
        for step in 0..3_000_u32 {
            let z = f64::from(step) * 0.012_345;
            let expected = 0.5 * libm::erfc(z * FRAC_1_SQRT_2);
            let allowed = if z < 8.0 { 2e-10 } else { 1e-5 };
            assert!((upper_tail(z) - expected).abs() <= allowed * expected, "at {z}: {}", upper_tail(z));
        }
        assert_eq!((upper_tail(40.0), upper_tail(f64::INFINITY)), (0.0, 0.0));
    }

    #[test]
    fn masses_of_neighbours_add_up() {
        let edges: Vec<f64> = (-80..=80).map(|i| f64::from(i) / 10.0).collect();
        let sum: f64 = edges.windows(2).map(|ends| standard_mass(ends[0], ends[1])).sum();
        assert!((sum - 1.0).abs() < 1e-14);
        assert_eq!(standard_mass(f64::NEG_INFINITY, f64::INFINITY), 1.0);
        assert_eq!(standard_mass(2.0, 3.0), standard_mass(-3.0, -2.0));
    }
}
