//! The product kernels of a mixture at the candidates of one decision, summed kernel by kernel at all candidates, or block
//! by block at one.
//!
//! The mixture's density is needed at a hundred points and may have ten thousand kernels. So what does not depend on the
//! point is multiplied beforehand, the densities of all continuous axes share one exponential, which kernels that are far
//! away do not get, masses of grid cells are computed when they are first needed, and loops run over columns, which several
//! numbers at once go through.

use std::ops::Range;

use super::candidates::{Candidates, Cells};
use super::exponential::exponential;
use super::kernels::{Continuous, Grid, Kernels, Options};
use super::truncated_normal::TruncatedNormal;
use super::upper_tail::Tails;

/// Kernels in a block.
pub(super) const BLOCK: usize = 64;
/// A kernel whose density along the continuous axes is so small next to the sum before its block is left out: ten thousand
/// of them change the sum by less than one part in a hundred million.
const NEGLIGIBLE: f64 = 1e-12;
/// Densities relative to the prior's are cut here: only with more than a hundred axes could one be larger.
const LARGEST: f64 = 1e280;

/// A mixture at some candidates.
pub(super) struct Products<'k> {
    /// The weight of each kernel times the heights of its densities, next to the prior's heights, over its mass between
    /// the bounds of grids.
    heights: Vec<f64>,
    /// The largest of them.
    highest: f64,
    continuous: Vec<Exponents<'k>>,
    tables: Vec<Table<'k>>,
    n_candidates: usize,
    tails: Tails,
    scratch: Scratch,
}

/// A block at work, kept because to clear it would take as long as to fill it.
struct Scratch {
    /// The logarithm of each kernel's density along the continuous axes, as part of its height.
    exponents: [f64; BLOCK],
    /// Which kernels are not negligible, and their exponents.
    kept: [usize; BLOCK],
    near: [f64; BLOCK],
    terms: [f64; BLOCK],
}

/// What makes the exponents of densities on a continuous line.
struct Exponents<'k> {
    means: &'k [f64],
    /// One over the standard deviation times the root of 2, of each kernel.
    inverses: Vec<f64>,
    candidates: &'k [f64],
}

/// Masses of the cells of a grid, or probabilities of options. Both repeat themselves, so each distinct kernel meets each
/// distinct cell once.
struct Table<'k> {
    cells: &'k Cells,
    masses: Masses<'k>,
    /// For each kernel its place among the distinct ones.
    places: &'k [u32],
    n_distinct: usize,
    /// By distinct cell: a mass for each distinct kernel, `NAN` where it has not been needed; empty if none has.
    rows: Vec<Vec<f64>>,
}

/// What the rows of a table are computed from.
enum Masses<'k> {
    Options(&'k Options),
    /// Mean of each distinct kernel, and one over its standard deviation.
    Grid(Vec<(f64, f64)>),
}

impl<'k> Products<'k> {
    /// The candidates have as many axes as there are dimensions.
    pub(super) fn new(weights: &[f64], dimensions: &'k [Kernels<'_>], candidates: &'k Candidates) -> Self {
        let heights = weights.to_vec();
        let scratch = Scratch { exponents: [0.0; BLOCK], kept: [0; BLOCK], near: [0.0; BLOCK], terms: [0.0; BLOCK] };
        let (continuous, tables) = (Vec::new(), Vec::new());
        let (n_candidates, tails) = (candidates.len(), Tails::get());
        let mut products = Self { heights, highest: 0.0, continuous, tables, n_candidates, tails, scratch };
        for (axis, kernels) in dimensions.iter().enumerate() {
            match (kernels, candidates.cells(axis)) {
                (Kernels::Options(options), Some(cells)) => products.tables.push(Table::of_options(options, cells)),
                (Kernels::Grid(grid), Some(cells)) => {
                    products.scale_by_masses(grid);
                    products.tables.push(Table::of_grid(grid, cells));
                }
                (Kernels::Continuous(kernels), None) => {
                    let inverse = |sigma| std::f64::consts::FRAC_1_SQRT_2 / sigma;
                    let inverses: Vec<f64> = kernels.sigmas.iter().map(inverse).collect();
                    products.scale_by_heights(kernels, &inverses);
                    let candidates = candidates.along(axis);
                    products.continuous.push(Exponents { means: &kernels.means, inverses, candidates });
                }
                _ => unreachable!("on a continuous line there are no cells, elsewhere there are"),
            }
        }
        products.highest = products.heights.iter().copied().fold(0.0, f64::max);
        products
    }

    /// Divides each kernel's height by its mass between the bounds and its standard deviation, both next to the prior's.
    fn scale_by_heights(&mut self, kernels: &Continuous<'_>, inverses: &[f64]) {
        let Continuous { line, means, sigmas } = kernels;
        let inside = |mu: f64, sigma: f64| TruncatedNormal::new(mu, sigma, line.bounds).inside();
        let (mu, sigma) = line.prior;
        let prior = inside(mu, sigma) * sigma * std::f64::consts::SQRT_2;
        for (height, inverse) in self.heights.iter_mut().zip(inverses) {
            *height = (*height * (prior * inverse)).min(LARGEST);
        }
        for (height, (mu, sigma)) in self.heights.iter_mut().zip(means.iter().zip(sigmas)) {
            let inside = inside(*mu, *sigma);
            // Of most kernels everything is inside.
            if inside < 1.0 {
                *height /= inside;
            }
        }
    }

    /// Divides each kernel's height by its mass between the bounds next to the prior's.
    fn scale_by_masses(&mut self, Grid { line, distinct, places }: &Grid<'_>) {
        let inside = |&(mu, sigma): &(f64, f64)| TruncatedNormal::new(mu, sigma, line.bounds).inside();
        let prior = inside(&line.prior);
        let factors: Vec<f64> = distinct.iter().map(|kernel| prior / inside(kernel)).collect();
        for (height, place) in self.heights.iter_mut().zip(places) {
            *height *= factors[*place as usize];
        }
    }

    /// The prior's kernel at every candidate: the last one, which is nowhere negligible.
    pub(super) fn prior(&self) -> Vec<f64> {
        let n_observed = self.heights.len() - 1;
        self.sums_of(n_observed..n_observed + 1)
    }

    /// The sum of all kernels at every candidate. Positive: the prior is.
    pub(super) fn sums(&self) -> Vec<f64> {
        let mut sums = self.sums_of(0..self.heights.len());
        for sum in &mut sums {
            *sum = sum.max(f64::MIN_POSITIVE);
        }
        sums
    }

    /// Some kernels at every candidate, one kernel after the other, which is faster than blocks where kernels are few and
    /// all are needed.
    fn sums_of(&self, kernels: Range<usize>) -> Vec<f64> {
        let (mut sums, mut terms) = (vec![0.0; self.n_candidates], vec![0.0; self.n_candidates]);
        let mut masses = Vec::new();
        for kernel in kernels {
            terms.fill(0.0);
            for Exponents { means, inverses, candidates } in &self.continuous {
                let (mu, inverse) = (means[kernel], inverses[kernel]);
                for (term, x) in terms.iter_mut().zip(*candidates) {
                    let z = (x - mu) * inverse;
                    *term -= z * z;
                }
            }
            for term in &mut terms {
                *term = self.heights[kernel] * exponential(*term);
            }
            for table in &self.tables {
                let place = table.places[kernel];
                masses.clear();
                masses.extend((0..table.cells.distinct().len()).map(|cell| table.mass(self.tails, cell, place)));
                for (term, cell) in terms.iter_mut().zip(table.cells.places()) {
                    *term *= masses[*cell as usize];
                }
            }
            for (sum, term) in sums.iter_mut().zip(&terms) {
                *sum += term;
            }
        }
        sums
    }

    /// Number of blocks of kernels, without the prior's.
    pub(super) fn n_blocks(&self) -> usize {
        (self.heights.len() - 1).div_ceil(BLOCK)
    }

    /// The kernels of a block, from the last on.
    fn range(&self, block: usize) -> Range<usize> {
        let end = self.heights.len() - 1 - block * BLOCK;
        end.saturating_sub(BLOCK)..end
    }

    /// The sum of a block of kernels at a candidate, when that of the prior and the blocks before it is known.
    pub(super) fn block(&mut self, candidate: usize, block: usize, sum: f64) -> f64 {
        let range = self.range(block);
        let Self { heights, highest, continuous, tables, tails, scratch, .. } = self;
        let exponents = &mut scratch.exponents[..range.len()];
        exponents.fill(0.0);
        for Exponents { means, inverses, candidates } in continuous {
            let x = candidates[candidate];
            let kernels = means[range.clone()].iter().zip(&inverses[range.clone()]);
            for (exponent, (mu, inverse)) in exponents.iter_mut().zip(kernels) {
                let z = (x - mu) * inverse;
                *exponent -= z * z;
            }
        }
        // What is kept moves to the front.
        let lowest = libm::log(sum * NEGLIGIBLE / *highest);
        let mut n_kept = 0;
        for (kernel, (exponent, height)) in exponents.iter().zip(&heights[range.clone()]).enumerate() {
            scratch.kept[n_kept % BLOCK] = kernel;
            scratch.near[n_kept % BLOCK] = *exponent;
            scratch.terms[n_kept % BLOCK] = *height;
            n_kept += usize::from(*exponent >= lowest);
        }
        let (kept, terms) = (&scratch.kept[..n_kept], &mut scratch.terms[..n_kept]);
        for (term, exponent) in terms.iter_mut().zip(&scratch.near[..n_kept]) {
            *term *= exponential(*exponent);
        }
        for table in tables {
            table.multiply(*tails, candidate, range.start, kept, terms);
        }
        // Four sums at once, in an order of their own.
        let mut sums = [0.0; 4];
        for chunk in terms.chunks(4) {
            for (sum, term) in sums.iter_mut().zip(chunk) {
                *sum += term;
            }
        }
        (sums[0] + sums[1]) + (sums[2] + sums[3])
    }
}

impl<'k> Table<'k> {
    fn of_options(options: &'k Options, cells: &'k Cells) -> Self {
        Self::new(Masses::Options(options), options.count + 1, &options.places, cells)
    }

    fn of_grid(grid: &'k Grid<'_>, cells: &'k Cells) -> Self {
        let masses = grid.distinct.iter().map(|(mu, sigma)| (*mu, 1.0 / sigma)).collect();
        Self::new(Masses::Grid(masses), grid.distinct.len(), &grid.places, cells)
    }

    fn new(masses: Masses<'k>, n_distinct: usize, places: &'k [u32], cells: &'k Cells) -> Self {
        let n_cells = cells.distinct().len();
        Self { cells, masses, places, n_distinct, rows: vec![Vec::new(); n_cells] }
    }

    /// Multiplies terms by the masses of a candidate's cell under their kernels, which are counted from the `first`.
    fn multiply(&mut self, tails: Tails, candidate: usize, first: usize, kept: &[usize], terms: &mut [f64]) {
        let cell = self.cells.place(candidate);
        let row = &mut self.rows[cell];
        if row.is_empty() {
            row.resize(self.n_distinct, f64::NAN);
        }
        let kernels = kept.iter().map(|kernel| self.places[first + kernel]);
        match &self.masses {
            Masses::Options(options) => {
                multiply(row, kernels, terms, options.probability(self.cells.distinct()[cell]));
            }
            Masses::Grid(distinct) => {
                let ends = self.cells.ends(cell);
                multiply(row, kernels, terms, |place| between(tails, ends, distinct[place as usize]));
            }
        }
    }

    /// The mass of a distinct cell under a distinct kernel.
    fn mass(&self, tails: Tails, cell: usize, place: u32) -> f64 {
        match &self.masses {
            Masses::Options(options) => options.probability(self.cells.distinct()[cell])(place),
            Masses::Grid(distinct) => between(tails, self.cells.ends(cell), distinct[place as usize]),
        }
    }
}

/// The probability between two coordinates under a normal that is not cut, from its mean and one over its standard deviation.
fn between(tails: Tails, (low, high): (f64, f64), (mu, inverse): (f64, f64)) -> f64 {
    tails.mass((low - mu) * inverse, (high - mu) * inverse)
}

/// Multiplies terms by the masses of their kernels and computes those that are not in the row yet.
fn multiply(row: &mut [f64], kernels: impl Iterator<Item = u32>, terms: &mut [f64], mass: impl Fn(u32) -> f64) {
    for (term, place) in terms.iter_mut().zip(kernels) {
        let held = &mut row[place as usize];
        if held.is_nan() {
            *held = mass(place);
        }
        *term *= *held;
    }
}
