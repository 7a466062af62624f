//! The product kernels of a mixture at the candidates of one decision, summed block by block.
//!
//! The mixture's density is needed at a hundred points and may have ten thousand kernels. So what does not depend on the
//! point is multiplied beforehand, the densities of all continuous axes share one exponential, masses of grid cells are
//! computed when they are first needed, and loops run over columns.

use super::exponential::exponential;
use super::kernels::{Kernels, Normals};
use super::truncated_normal::TruncatedNormal;

/// Kernels in a block.
const BLOCK: usize = 256;
/// What is so small next to the sum before its block is left out: ten thousand of them would not reach the last bit.
const NEGLIGIBLE: f64 = 1e-21;
/// Densities relative to the prior's are cut here: only with more than a hundred axes could one be larger.
const LARGEST: f64 = 1e280;

/// A mixture at some candidates.
pub(super) struct Products<'k> {
    /// The weight of each kernel times the heights of its densities, next to the prior's heights.
    heights: Vec<f64>,
    continuous: Vec<Continuous<'k>>,
    tables: Vec<Table<'k>>,
}

/// Densities on a continuous line.
struct Continuous<'k> {
    means: &'k [f64],
    /// One over the standard deviation times the root of 2.
    inverses: Vec<f64>,
    candidates: &'k [f64],
}

/// Masses of the cells of a grid, or probabilities of options. Both repeat themselves, so each distinct kernel meets each
/// distinct cell once.
struct Table<'k> {
    /// For each kernel its place among the distinct ones.
    places: &'k [u32],
    n_distinct: usize,
    /// For each candidate the place of its cell.
    cells: Vec<usize>,
    /// By cell, then by distinct kernel; `NAN` where it has not been needed yet.
    masses: Vec<f64>,
    grid: Option<Grid<'k>>,
}

/// What the masses of a grid are computed from.
struct Grid<'k> {
    normals: &'k Normals<'k>,
    /// The ends of each distinct cell.
    ends: Vec<(f64, f64)>,
    /// Mass between the bounds of each distinct kernel, `NAN` where it has not been needed yet.
    insides: Vec<f64>,
}

impl<'k> Products<'k> {
    /// `candidates[axis][candidate]` are coordinates on continuous lines, else internal numbers.
    pub(super) fn new(weights: &[f64], dimensions: &'k [Kernels<'_>], candidates: &'k [Vec<f64>]) -> Self {
        let mut products = Self { heights: weights.to_vec(), continuous: Vec::new(), tables: Vec::new() };
        for (kernels, candidates) in dimensions.iter().zip(candidates) {
            match kernels {
                Kernels::Normals(normals) if normals.line.step.is_none() => products.add_line(normals, candidates),
                Kernels::Normals(_) | Kernels::Options(_) => products.tables.push(Table::new(kernels, candidates)),
            }
        }
        products
    }

    fn add_line(&mut self, normals: &'k Normals<'_>, candidates: &'k [f64]) {
        let inside = |kernel: usize| {
            TruncatedNormal::new(normals.means[kernel], normals.sigmas[kernel], normals.line.bounds).inside()
        };
        let prior = normals.means.len() - 1;
        let prior = normals.sigmas[prior] * inside(prior);
        for (kernel, height) in self.heights.iter_mut().enumerate() {
            *height = (*height * (prior / (normals.sigmas[kernel] * inside(kernel)))).min(LARGEST);
        }
        let inverses = normals.sigmas.iter().map(|sigma| std::f64::consts::FRAC_1_SQRT_2 / sigma).collect();
        self.continuous.push(Continuous { means: &normals.means, inverses, candidates });
    }

    /// Number of blocks. The newest kernels, the prior among them, are in the first.
    pub(super) fn n_blocks(&self) -> usize {
        self.heights.len().div_ceil(BLOCK)
    }

    /// Sum of the kernels of one block at a candidate, next to the prior's heights; `sum` is that of the blocks before.
    /// Not negative.
    pub(super) fn block(&mut self, candidate: usize, block: usize, sum: f64) -> f64 {
        let end = self.heights.len() - block * BLOCK;
        let range = end.saturating_sub(BLOCK)..end;
        let mut buffer = [0.0; BLOCK];
        let terms = &mut buffer[..range.len()];
        for Continuous { means, inverses, candidates } in &self.continuous {
            let x = candidates[candidate];
            for ((term, mu), inverse) in terms.iter_mut().zip(&means[range.clone()]).zip(&inverses[range.clone()]) {
                let z = (x - mu) * inverse;
                *term -= z * z;
            }
        }
        let least = sum * NEGLIGIBLE;
        for (term, height) in terms.iter_mut().zip(&self.heights[range.clone()]) {
            let product = exponential(*term) * height;
            *term = if product > least { product } else { 0.0 };
        }
        for table in &mut self.tables {
            table.multiply(candidate, range.start, terms);
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
    fn new(kernels: &'k Kernels<'_>, candidates: &'k [f64]) -> Self {
        let mut distinct: Vec<f64> = Vec::new();
        let cells = candidates.iter().map(|x| {
            distinct.iter().position(|other| other == x).unwrap_or_else(|| {
                distinct.push(*x);
                distinct.len() - 1
            })
        });
        let cells = cells.collect();
        match kernels {
            Kernels::Options(options) => {
                let (hit, miss) = options.hit_and_miss();
                let mut masses = Vec::with_capacity(distinct.len() * (options.count + 1));
                for cell in distinct {
                    masses.extend((0..options.count).map(|option| if options.is(option, cell) { hit } else { miss }));
                    masses.push(options.prior());
                }
                Self { places: &options.places, n_distinct: options.count + 1, cells, masses, grid: None }
            }
            Kernels::Normals(normals) => {
                let n_distinct = normals.distinct.len();
                let masses = vec![f64::NAN; distinct.len() * n_distinct];
                let ends = distinct.into_iter().filter_map(|x| normals.line.cell(x)).collect();
                let grid = Some(Grid { normals, ends, insides: vec![f64::NAN; n_distinct] });
                Self { places: &normals.places, n_distinct, cells, masses, grid }
            }
        }
    }

    /// Multiplies the terms of the kernels from `first` on by their masses of a candidate's cell.
    fn multiply(&mut self, candidate: usize, first: usize, terms: &mut [f64]) {
        let cell = self.cells[candidate];
        let masses = &mut self.masses[cell * self.n_distinct..(cell + 1) * self.n_distinct];
        let places = &self.places[first..first + terms.len()];
        let Some(grid) = &mut self.grid else {
            for (term, &place) in terms.iter_mut().zip(places) {
                *term *= masses[place as usize];
            }
            return;
        };
        for (term, &place) in terms.iter_mut().zip(places) {
            let mut mass = masses[place as usize];
            if mass.is_nan() {
                if *term == 0.0 {
                    continue;
                }
                mass = grid.mass(cell, place as usize);
                masses[place as usize] = mass;
            }
            *term *= mass;
        }
    }
}

impl Grid<'_> {
    /// The mass of a cell under a distinct kernel.
    fn mass(&mut self, cell: usize, place: usize) -> f64 {
        let (mu, sigma) = self.normals.distinct[place];
        let normal = TruncatedNormal::new(mu, sigma, self.normals.line.bounds);
        let inside = &mut self.insides[place];
        if inside.is_nan() {
            *inside = normal.inside();
        }
        let (low, high) = self.ends[cell];
        normal.mass(low, high) / *inside
    }
}
