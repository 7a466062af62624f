//! Quasi-random search: points that fill the space more evenly than independent draws.
//!
//! The points are a Halton sequence, one prime base for each parameter, with every digit of every coordinate run through
//! a permutation of its own (Owen 2017, "A randomized Halton algorithm in R", arXiv 1706.02808): each point is uniform,
//! and the plain sequence's pattern along the diagonals of high bases is gone. Halton rather than Sobol because it has no
//! good and bad numbers of trials (Sobol is even at powers of two) and needs no table of directions, whose end would bound
//! the number of parameters.
//!
//! Every parameter of the space has its base, active or not, so a value depends on the trial's number, the parameter's
//! position and name, and nothing that other parameters chose.

use super::axis::Axis;
use crate::seed::Seed;
use crate::space::{Distribution, SearchSpace};
use crate::value::{Assignment, Value};

/// Digits are drawn until they are smaller than the last bit of a number below 1.
const SMALLEST_DIGIT: f64 = 1.0 / 9_007_199_254_740_992.0;

/// The assignment of point `number` of the sequence that `seed` scrambles.
pub(super) fn suggest(space: &SearchSpace, number: usize, seed: Seed) -> Assignment {
    let mut assignment = Assignment::new();
    for (parameter, base) in space.parameters().iter().zip(primes()) {
        if parameter.is_active(&assignment) {
            let unit = coordinate(number, base, seed.child(parameter.name()));
            assignment.insert(parameter.name().to_owned(), place(parameter.distribution(), unit));
        }
    }
    assignment
}

/// The scrambled radical inverse of `number`: its digits in `base`, permuted, mirrored at the point. Leading zeros are
/// digits like others, without end but for precision. In `(0, 1)`.
#[expect(clippy::cast_precision_loss, reason = "digits are far below 2^53")]
fn coordinate(number: usize, base: usize, seed: Seed) -> f64 {
    let mut stream = seed.stream();
    let mut permutation: Vec<usize> = Vec::with_capacity(base);
    let (mut rest, mut scale, mut sum) = (number, 1.0 / base as f64, 0.0);
    while scale >= SMALLEST_DIGIT {
        permutation.clear();
        permutation.extend(0..base);
        stream.shuffle(&mut permutation);
        sum += permutation[rest % base] as f64 * scale;
        rest /= base;
        scale /= base as f64;
    }
    sum.clamp(SMALLEST_DIGIT, 1.0 - SMALLEST_DIGIT)
}

/// The value that a share `unit` of the distribution's draws lies below.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions are far below 2^53, and a share of a count is a position"
)]
fn place(distribution: &Distribution, unit: f64) -> Value {
    distribution.from_internal(match Axis::new(distribution) {
        Axis::Options { count } => ((unit * count as f64) as usize).min(count - 1) as f64,
        Axis::Line(line) => line.to_internal(match line.bounds {
            Some((low, high)) => low + (high - low) * unit,
            None => line.prior.0 + line.prior.1 * normal_quantile(unit),
        }),
    })
}

/// The standard normal's quantile, from its distribution function by bisection: the function itself is exact in every
/// tail, and no table of coefficients has to be trusted.
fn normal_quantile(p: f64) -> f64 {
    let below = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if below(middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

fn primes() -> impl Iterator<Item = usize> {
    (2..).filter(|&n| (2..n).take_while(|d| d * d <= n).all(|d| n % d != 0))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::cast_precision_loss, reason = "tests, with small counts")]
mod tests {
    use super::*;

    #[test]
    fn bases_are_the_primes() {
        assert_eq!(primes().take(8).collect::<Vec<_>>(), [2, 3, 5, 7, 11, 13, 17, 19]);
    }

    #[test]
    fn every_block_of_a_power_of_the_base_has_one_point_in_each_cell() {
        for (base, n) in [(2, 64), (3, 81), (7, 49)] {
            for block in 0..3 {
                let points = (0..n).map(|i| coordinate(block * n + i, base, Seed::root(4)));
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cell's position")]
                let mut cells: Vec<usize> = points.map(|u| (u * n as f64) as usize).collect();
                cells.sort_unstable();
                assert_eq!(cells, (0..n).collect::<Vec<_>>(), "base {base}, block {block}");
            }
        }
    }

    #[test]
    fn seeds_scramble_differently_and_each_first_point_is_uniform() {
        let firsts: Vec<f64> = (0..2000).map(|seed| coordinate(0, 3, Seed::root(seed))).collect();
        let mean = firsts.iter().sum::<f64>() / 2000.0;
        let variance = firsts.iter().map(|u| (u - mean).powi(2)).sum::<f64>() / 2000.0;
        assert!((mean - 0.5).abs() < 0.02 && (variance - 1.0 / 12.0).abs() < 0.005, "{mean} {variance}");
    }

    #[test]
    fn the_product_of_two_coordinates_integrates_better_than_chance() {
        // The root mean square error of 256 independent draws is sqrt(1/9 - 1/16) / 16 = 0.0138.
        let error = |seed: u64| {
            let node = Seed::root(seed);
            let products = (0..256).map(|i| coordinate(i, 29, node.child("a")) * coordinate(i, 31, node.child("b")));
            products.sum::<f64>() / 256.0 - 0.25
        };
        let rms = libm::sqrt((0..40).map(|seed| error(seed).powi(2)).sum::<f64>() / 40.0);
        assert!(rms < 0.007, "{rms}");
    }

    #[test]
    fn quantiles_of_the_normal() {
        for (p, x) in [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (1e-6, -4.753_424_308_822_899)] {
            assert!((normal_quantile(p) - x).abs() < 1e-9, "{p}");
        }
    }

    #[test]
    fn options_and_steps_are_hit_equally() {
        let labels: Vec<Value> = (0..4).map(Value::Int).collect();
        let choice = Distribution::choice(labels).unwrap();
        let mut counts = [0; 4];
        for number in 0..64 {
            if let Value::Int(label) = place(&choice, coordinate(number, 2, Seed::root(8))) {
                counts[usize::try_from(label).unwrap()] += 1;
            }
        }
        assert_eq!(counts, [16; 4]);
    }
}
