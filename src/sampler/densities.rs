//! Log densities of a mixture of product kernels at several points.
//!
//! Most kernels are too far from a point to reach the last bit of the sum there. They are found by bounds that cost a
//! multiplication each, and only for the others are logarithms and error functions computed, each at most once.

use super::columns::Column;
use super::kernels::Kernels;

/// A kernel whose logarithm is this far below another's is left out of their sum: ten thousand of them would not
/// reach the last bit.
const NEGLIGIBLE: f64 = 45.0;
/// How much lower a bound must be, so that rounding in it decides nothing.
const SLACK: f64 = 1e-6;

/// Natural logarithm of the density at each candidate, from the weights of the kernels (not normalised, the prior's
/// last) and their factors along each axis. Finite: the prior is positive everywhere.
pub(super) fn log_densities(weights: &[f64], dimensions: &[Kernels<'_>], candidates: &[Vec<f64>]) -> Vec<f64> {
    let total = weights.iter().sum::<f64>();
    let log_weights: Vec<f64> = weights.iter().map(|w| libm::log(w / total)).collect();
    let prior = weights.len() - 1;
    let mut columns: Vec<Column<'_>> = dimensions
        .iter()
        .enumerate()
        .map(|(axis, kernels)| Column::new(kernels, candidates.iter().map(|candidate| candidate[axis]).collect()))
        .collect();
    // What costs least comes first and what costs most last, when few kernels are left.
    columns.sort_by_key(Column::is_grid);
    let mut near = Near { kernels: Vec::new(), sums: Vec::new() };
    let density = |candidate: usize| {
        // The sum is at least any one of its terms, so what lies far below the prior's, or below that of the kernel
        // that looks nearest, can be left out.
        let lowest = |columns: &mut [Column<'_>], kernel: usize| {
            let terms = columns.iter_mut().map(|column| column.term(candidate, kernel));
            log_weights[kernel] + terms.sum::<f64>() - NEGLIGIBLE - SLACK
        };
        let floor = lowest(&mut columns, prior);
        near.refill(&log_weights);
        let mut highest: f64 = columns.iter().map(Column::highest).sum();
        for column in &columns {
            highest -= column.highest();
            column.bound(candidate, &mut near, floor - highest);
        }
        let floor = near.nearest().map_or(floor, |kernel| floor.max(lowest(&mut columns, kernel)));
        near.keep(floor);
        near.sums.clear();
        near.sums.extend(near.kernels.iter().map(|&kernel| log_weights[kernel as usize]));
        for column in &mut columns {
            // A mass is at most 1, so a sum that has sunk stays below; a density may lift it again.
            let floor = if column.is_grid() { floor } else { f64::NEG_INFINITY };
            column.add(candidate, &mut near, floor);
        }
        log_sum_exp(&near.sums)
    };
    (0..candidates.len()).map(density).collect()
}

/// The kernels that may matter at a candidate, in their order, and a sum for each.
pub(super) struct Near {
    kernels: Vec<u32>,
    sums: Vec<f64>,
}

impl Near {
    /// All kernels again, with these sums.
    fn refill(&mut self, sums: &[f64]) {
        self.kernels.clear();
        self.kernels.extend((0..).take(sums.len()));
        self.sums.clear();
        self.sums.extend_from_slice(sums);
    }

    /// The kernel with the largest sum.
    fn nearest(&self) -> Option<usize> {
        let largest = self.sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let place = self.sums.iter().position(|&sum| sum == largest)?;
        Some(self.kernels[place] as usize)
    }

    /// Keeps the kernels whose sum is not below the floor.
    fn keep(&mut self, floor: f64) {
        self.add(floor, |_| 0.0);
    }

    /// Adds a term to every sum, and keeps the kernels whose sum is not below the floor.
    pub(super) fn add(&mut self, floor: f64, mut term: impl FnMut(usize) -> f64) {
        let Self { kernels, sums } = self;
        if floor == f64::NEG_INFINITY {
            for (&kernel, sum) in kernels.iter().zip(sums) {
                *sum += term(kernel as usize);
            }
            return;
        }
        let mut kept = 0;
        for place in 0..kernels.len().min(sums.len()) {
            let kernel = kernels[place];
            let sum = sums[place] + term(kernel as usize);
            (kernels[kept], sums[kept]) = (kernel, sum);
            kept += usize::from(sum >= floor);
        }
        kernels.truncate(kept);
        sums.truncate(kept);
    }

    /// Adds terms to the sums of all kernels, of which none has been dropped yet, and keeps those that are not below
    /// the floor. The addition has no branch, so it runs on several kernels at once.
    pub(super) fn add_to_all(&mut self, floor: f64, terms: impl Iterator<Item = f64>) {
        for (sum, term) in self.sums.iter_mut().zip(terms) {
            *sum += term;
        }
        self.keep(floor);
    }

    /// How many kernels are left.
    pub(super) fn len(&self) -> usize {
        self.kernels.len()
    }
}

/// `ln(sum(exp(terms)))` without overflow and without negligible terms.
fn log_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let relative = terms.iter().map(|term| term - largest).filter(|&term| term > -NEGLIGIBLE);
    largest + libm::log(relative.map(libm::exp).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_sum_exp_does_not_overflow() {
        for terms in [[1000.0, 1000.0, f64::NEG_INFINITY], [-2000.0, f64::NEG_INFINITY, -2000.0]] {
            assert!((log_sum_exp(&terms) - terms[0] - 2.0_f64.ln()).abs() < 1e-12);
        }
    }
}
