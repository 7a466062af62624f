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
/// The tail is 0 from 38 on; it is `3e-316` there.
const LAST: u32 = 38 * 32;
/// A power of 2, so that a position in the table needs no check.
const N_NODES: usize = 2048;
/// Terms of the series.
const N_TERMS: usize = 7;
/// `2^52`: added to a number that is not negative and of moderate size, it leaves the nearest whole number in the lowest
/// bits.
const ROUNDER: f64 = 4_503_599_627_370_496.0;

/// Coefficients of the series at each node, the constant first, for the distance in units of a node. The last is 0.
static NODES: LazyLock<[[f64; N_TERMS]; N_NODES]> = LazyLock::new(|| {
    let mut nodes = [[0.0; N_TERMS]; N_NODES];
    for (index, node) in (0..LAST).zip(&mut nodes) {
        let z = f64::from(index) / NODES_PER_UNIT;
        let density = libm::exp(-0.5 * z * z) / libm::sqrt(2.0 * PI);
        // The Hermite polynomials at the node, by their recurrence.
        let second = z * z - 1.0;
        let third = z * second - 2.0 * z;
        let fourth = z * third - 3.0 * second;
        let fifth = z * fourth - 4.0 * third;
        let series = [1.0, -z / 2.0, second / 6.0, -third / 24.0, fourth / 120.0, -fifth / 720.0];
        node[0] = 0.5 * libm::erfc(z * FRAC_1_SQRT_2);
        let mut unit = 1.0;
        for (term, coefficient) in node[1..].iter_mut().zip(series) {
            unit /= NODES_PER_UNIT;
            *term = -density * coefficient * unit;
        }
    }
    nodes
});

/// The table.
#[derive(Clone, Copy)]
pub(super) struct Tails(&'static [[f64; N_TERMS]; N_NODES]);

impl Tails {
    /// Computes it when it is first needed.
    pub(super) fn get() -> Self {
        Self(&NODES)
    }

    /// `1 - Phi(z)` for `z >= 0`.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are a node's position")]
    fn upper(self, z: f64) -> f64 {
        let scaled = z * NODES_PER_UNIT;
        let scaled = if scaled < f64::from(LAST) { scaled } else { f64::from(LAST) };
        let shifted = scaled + ROUNDER;
        let d = scaled - (shifted - ROUNDER);
        let [c0, c1, c2, c3, c4, c5, c6] = self.0[shifted.to_bits() as usize % N_NODES];
        c0 + d * (c1 + d * (c2 + d * (c3 + d * (c4 + d * (c5 + d * c6)))))
    }

    /// `Phi(b) - Phi(a)` for `a <= b`, from the tail on the side of the interval, where nothing cancels.
    #[inline]
    pub(super) fn mass(self, a: f64, b: f64) -> f64 {
        let (low, high) = (self.upper(a.abs()), self.upper(b.abs()));
        // Both on one side, or 0 between them.
        if a > 0.0 || b < 0.0 { (low - high).abs() } else { 1.0 - low - high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upper_tail(z: f64) -> f64 {
        Tails::get().upper(z)
    }

    fn standard_mass(a: f64, b: f64) -> f64 {
        Tails::get().mass(a, b)
    }

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
