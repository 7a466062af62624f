//! The product kernels of a mixture at the candidates of one decision, summed block by block.
//!
//! The mixture's density is needed at a hundred points and may have ten thousand kernels. So what does not depend on the
//! point is multiplied beforehand, the densities of all continuous axes share one exponential, which kernels that are far
//! away do not get, masses of grid cells are computed when they are first needed, and loops run over columns, which several
//! numbers at once go through.

use std::ops::Range;

use super::candidates::{Candidates, Cells};
use super::exponential::exponential;
use super::kernels::{Kernels, Normals, Options};
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
    continuous: Vec<Continuous<'k>>,
    tables: Vec<Table<'k>>,
    tails: Tails,
}

/// Densities on a continuous line.
struct Continuous<'k> {
    means: &'k [f64],
    /// One over the standard deviation times the root of 2.
    inverses: Vec<f64>,
    candidates: &'k [f64],
}

/// Masses of the cells of a grid, or probabilities of options.
struct Table<'k> {
    cells: &'k Cells,
    masses: Masses<'k>,
    /// By distinct cell, then by block: where its masses are, if any has been needed.
    rows: Vec<Option<usize>>,
    /// A mass for each kernel of a block, `NAN` where it has not been needed.
    computed: Vec<[f64; BLOCK]>,
}

/// What the rows of a table are computed from.
enum Masses<'k> {
    Options(&'k Options),
    /// Normals, and one over the standard deviation of each.
    Normals(&'k Normals<'k>, Vec<f64>),
}

impl<'k> Products<'k> {
    /// The candidates have as many axes as there are dimensions.
    pub(super) fn new(weights: &[f64], dimensions: &'k [Kernels<'_>], candidates: &'k Candidates) -> Self {
        let heights = weights.to_vec();
        let mut products =
            Self { heights, highest: 0.0, continuous: Vec::new(), tables: Vec::new(), tails: Tails::get() };
        let n_blocks = products.n_blocks();
        for (axis, kernels) in dimensions.iter().enumerate() {
            let masses = match (kernels, candidates.cells(axis)) {
                (Kernels::Options(options), Some(cells)) => Some((Masses::Options(options), cells)),
                (Kernels::Normals(normals), Some(cells)) => {
                    products.scale(normals, |_| 1.0);
                    let inverses = normals.sigmas.iter().map(|sigma| 1.0 / sigma).collect();
                    Some((Masses::Normals(normals, inverses), cells))
                }
                (Kernels::Normals(normals), None) => {
                    products.scale(normals, |sigma| sigma);
                    let inverses = normals.sigmas.iter().map(|sigma| std::f64::consts::FRAC_1_SQRT_2 / sigma).collect();
                    let candidates = candidates.along(axis);
                    products.continuous.push(Continuous { means: &normals.means, inverses, candidates });
                    None
                }
                (Kernels::Options(_), None) => unreachable!("options are cells"),
            };
            products.tables.extend(masses.map(|(masses, cells)| Table::new(masses, cells, n_blocks)));
        }
        products.highest = products.heights.iter().copied().fold(0.0, f64::max);
        products
    }

    /// Divides the height of each kernel by its mass between the bounds and a width, both next to the prior's.
    fn scale(&mut self, normals: &Normals<'_>, width: impl Fn(f64) -> f64) {
        let size =
            |(mu, sigma): (&f64, &f64)| TruncatedNormal::new(*mu, *sigma, normals.line.bounds).inside() * width(*sigma);
        let (mu, sigma) = &normals.line.prior;
        let prior = size((mu, sigma));
        for (height, kernel) in self.heights.iter_mut().zip(normals.means.iter().zip(&normals.sigmas)) {
            *height = (*height * (prior / size(kernel))).min(LARGEST);
        }
    }

    /// Number of blocks of kernels.
    pub(super) fn n_blocks(&self) -> usize {
        1 + (self.heights.len() - 1).div_ceil(BLOCK)
    }

    /// The kernels of a block: the prior alone, which is nowhere negligible, then the others from the newest on.
    fn range(&self, block: usize) -> Range<usize> {
        let n_observed = self.heights.len() - 1;
        match block.checked_sub(1) {
            None => n_observed..n_observed + 1,
            Some(block) => {
                let end = n_observed - block * BLOCK;
                end.saturating_sub(BLOCK)..end
            }
        }
    }

    /// The sum of a block of kernels at a candidate, when that of the blocks before it is known.
    pub(super) fn block(&mut self, candidate: usize, block: usize, sum: f64) -> f64 {
        let range = self.range(block);
        let mut exponents = [0.0; BLOCK];
        let exponents = &mut exponents[..range.len()];
        for Continuous { means, inverses, candidates } in &self.continuous {
            let x = candidates[candidate];
            let kernels = means[range.clone()].iter().zip(&inverses[range.clone()]);
            for (exponent, (mu, inverse)) in exponents.iter_mut().zip(kernels) {
                let z = (x - mu) * inverse;
                *exponent -= z * z;
            }
        }
        // What is kept moves to the front.
        let lowest = libm::log(sum * NEGLIGIBLE / self.highest);
        let mut kept = [0; BLOCK];
        let mut near = [0.0; BLOCK];
        let mut terms = [0.0; BLOCK];
        let mut n_kept = 0;
        for (kernel, (exponent, height)) in exponents.iter().zip(&self.heights[range.clone()]).enumerate() {
            kept[n_kept % BLOCK] = kernel;
            near[n_kept % BLOCK] = *exponent;
            terms[n_kept % BLOCK] = *height;
            n_kept += usize::from(*exponent >= lowest);
        }
        let (kept, terms) = (&kept[..n_kept], &mut terms[..n_kept]);
        for (term, exponent) in terms.iter_mut().zip(&near[..n_kept]) {
            *term *= exponential(*exponent);
        }
        for table in &mut self.tables {
            table.multiply(self.tails, candidate, (block, range.start), kept, terms);
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

    /// The sum of all kernels at a candidate. Positive: the prior is.
    pub(super) fn sum(&mut self, candidate: usize) -> f64 {
        let sum = (0..self.n_blocks()).fold(0.0, |sum, block| sum + self.block(candidate, block, sum));
        sum.max(f64::MIN_POSITIVE)
    }
}

impl<'k> Table<'k> {
    fn new(masses: Masses<'k>, cells: &'k Cells, n_blocks: usize) -> Self {
        let n = cells.distinct().len();
        // Most candidates lose after a few blocks.
        let computed = Vec::with_capacity(n * n_blocks.min(4));
        Self { cells, masses, rows: vec![None; n * n_blocks], computed }
    }

    /// Multiplies the terms of the kept kernels of a block, counted from its first, by their masses of a candidate's cell.
    fn multiply(
        &mut self,
        tails: Tails,
        candidate: usize,
        (block, first): (usize, usize),
        kept: &[usize],
        terms: &mut [f64],
    ) {
        let cell = self.cells.place(candidate);
        let n_blocks = self.rows.len() / self.cells.distinct().len();
        let place = *self.rows[cell * n_blocks + block].get_or_insert_with(|| {
            self.computed.push([f64::NAN; BLOCK]);
            self.computed.len() - 1
        });
        let row = &mut self.computed[place];
        match &self.masses {
            Masses::Options(options) => {
                let probability = options.probability(self.cells.distinct()[cell]);
                multiply(row, kept, terms, |kernel| probability(first + kernel));
            }
            Masses::Normals(normals, inverses) => {
                let (low, high) = self.cells.ends(cell);
                multiply(row, kept, terms, |kernel| {
                    let (mu, inverse) = (normals.means[first + kernel], inverses[first + kernel]);
                    tails.mass((low - mu) * inverse, (high - mu) * inverse)
                });
            }
        }
    }
}

/// Multiplies terms by the masses of their kernels and computes those that are not in the row yet.
fn multiply(row: &mut [f64; BLOCK], kept: &[usize], terms: &mut [f64], mass: impl Fn(usize) -> f64) {
    for (term, &kernel) in terms.iter_mut().zip(kept) {
        let held = &mut row[kernel % BLOCK];
        if held.is_nan() {
            *held = mass(kernel);
        }
        *term *= *held;
    }
}
