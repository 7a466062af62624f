//! The kernels of one axis at the candidates of one decision: exact factors, computed once, and cheap bounds of them.

use super::densities::Near;
use super::kernels::{Kernels, Normals, Options};
use super::truncated_normal::TruncatedNormal;

/// Of a normal inside its bounds and not wider than they are, at least this much is inside: a little less than
/// `Phi(1) - Phi(0)`.
const LEAST_INSIDE: f64 = 0.341;

/// The logarithms of the kernels' factors along one axis, at every candidate.
pub(super) enum Column<'k> {
    /// Densities on a continuous line.
    Continuous(Continuous<'k>),
    /// Masses of grid cells.
    Grid(Grid<'k>),
    /// Probabilities of options.
    Options(Choice<'k>),
}

/// Densities on a continuous line.
pub(super) struct Continuous<'k> {
    normals: &'k Normals<'k>,
    candidates: Vec<f64>,
    inverses: Vec<f64>,
    /// `NAN` where it has not been needed yet.
    log_scales: Vec<f64>,
    highest: f64,
}

/// Masses of grid cells. Grids repeat themselves, so each distinct kernel meets each distinct cell once.
pub(super) struct Grid<'k> {
    normals: &'k Normals<'k>,
    /// The ends of each candidate's cell, and the place of the first candidate in the same cell.
    cells: Vec<((f64, f64), usize)>,
    inverses: Vec<f64>,
    /// Mass between the bounds of each distinct kernel, `NAN` where it has not been needed yet.
    insides: Vec<f64>,
    /// By cell, then by distinct kernel; `NAN` where it has not been needed yet.
    log_masses: Vec<f64>,
}

/// Probabilities of options.
pub(super) struct Choice<'k> {
    options: &'k Options,
    candidates: Vec<f64>,
    hit: f64,
    miss: f64,
    prior: f64,
}

impl<'k> Column<'k> {
    /// The column of an axis, from its kernels and the candidates' coordinates on it.
    pub(super) fn new(kernels: &'k Kernels<'_>, candidates: Vec<f64>) -> Self {
        let normals = match kernels {
            Kernels::Options(options) => {
                let (hit, miss) = options.log_hit_and_miss();
                return Self::Options(Choice { options, candidates, hit, miss, prior: options.log_prior() });
            }
            Kernels::Normals(normals) => normals,
        };
        let inverses: Vec<f64> = normals.sigmas.iter().map(|sigma| 1.0 / sigma).collect();
        let cells: Option<Vec<(f64, f64)>> = candidates.iter().map(|&x| normals.line.cell(x)).collect();
        let Some(cells) = cells else {
            let narrowest = normals.sigmas.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = -libm::log(narrowest * LEAST_INSIDE * libm::sqrt(2.0 * std::f64::consts::PI));
            let log_scales = vec![f64::NAN; inverses.len()];
            return Self::Continuous(Continuous { normals, candidates, inverses, log_scales, highest });
        };
        let first = |cell| cells.iter().position(|other| other == cell).unwrap_or_default();
        let cells: Vec<_> = cells.iter().map(|cell| (*cell, first(cell))).collect();
        let insides = vec![f64::NAN; normals.distinct.len()];
        let log_masses = vec![f64::NAN; cells.len() * insides.len()];
        Self::Grid(Grid { normals, cells, inverses, insides, log_masses })
    }

    /// Whether these are masses of grid cells, which cost most.
    pub(super) fn is_grid(&self) -> bool {
        matches!(self, Self::Grid(_))
    }

    /// No term of the column is above this.
    pub(super) fn highest(&self) -> f64 {
        match self {
            Self::Continuous(column) => column.highest,
            Self::Grid(_) | Self::Options(_) => 0.0,
        }
    }

    /// Adds to every sum at least the kernel's term at a candidate, and drops what falls below the floor. Options
    /// exclude too little to look at them.
    pub(super) fn bound(&self, candidate: usize, near: &mut Near, floor: f64) {
        match self {
            Self::Continuous(column) => column.bound(candidate, near, floor),
            Self::Grid(column) => column.bound(candidate, near, floor),
            Self::Options(_) => {}
        }
    }

    /// Adds to every sum the kernel's term at a candidate, and drops what falls below the floor.
    pub(super) fn add(&mut self, candidate: usize, near: &mut Near, floor: f64) {
        match self {
            Self::Continuous(column) => near.add(floor, |kernel| column.term(candidate, kernel)),
            Self::Grid(column) => near.add(floor, |kernel| column.term(candidate, kernel)),
            Self::Options(column) => near.add(floor, |kernel| column.term(candidate, kernel)),
        }
    }

    /// The logarithm of one kernel's factor at a candidate.
    pub(super) fn term(&mut self, candidate: usize, kernel: usize) -> f64 {
        match self {
            Self::Continuous(column) => column.term(candidate, kernel),
            Self::Grid(column) => column.term(candidate, kernel),
            Self::Options(column) => column.term(candidate, kernel),
        }
    }
}

impl Continuous<'_> {
    fn bound(&self, candidate: usize, near: &mut Near, floor: f64) {
        let x = self.candidates[candidate];
        let term = |mu: f64, inverse: f64| {
            let z = (x - mu) * inverse;
            self.highest - 0.5 * z * z
        };
        let (means, inverses) = (self.normals.means.as_slice(), self.inverses.as_slice());
        if near.len() == means.len() {
            near.add_to_all(floor, means.iter().zip(inverses).map(|(&mu, &inverse)| term(mu, inverse)));
        } else {
            near.add(floor, |kernel| term(means[kernel], inverses[kernel]));
        }
    }

    #[inline]
    fn term(&mut self, candidate: usize, kernel: usize) -> f64 {
        let mu = self.normals.means[kernel];
        let log_scale = &mut self.log_scales[kernel];
        if log_scale.is_nan() {
            let normal = TruncatedNormal::new(mu, self.normals.sigmas[kernel], self.normals.line.bounds);
            *log_scale = normal.log_scale();
        }
        let z = (self.candidates[candidate] - mu) * self.inverses[kernel];
        *log_scale - 0.5 * z * z
    }
}

impl Grid<'_> {
    /// The bound is the half of the normal beyond the near end of the cell: `Phi(-z) <= exp(-z^2 / 2) / 2` for
    /// `z >= 0`.
    fn bound(&self, candidate: usize, near: &mut Near, floor: f64) {
        let beyond = -libm::log(2.0 * LEAST_INSIDE);
        let (low, high) = self.cells[candidate].0;
        let term = |mu: f64, inverse: f64| {
            let z = (low - mu).max(mu - high).max(0.0) * inverse;
            (beyond - 0.5 * z * z).min(0.0)
        };
        let (means, inverses) = (self.normals.means.as_slice(), self.inverses.as_slice());
        if near.len() == means.len() {
            near.add_to_all(floor, means.iter().zip(inverses).map(|(&mu, &inverse)| term(mu, inverse)));
        } else {
            near.add(floor, |kernel| term(means[kernel], inverses[kernel]));
        }
    }

    #[inline]
    fn term(&mut self, candidate: usize, kernel: usize) -> f64 {
        let ((low, high), cell) = self.cells[candidate];
        let place = self.normals.places[kernel];
        let log_mass = &mut self.log_masses[cell * self.insides.len() + place];
        if log_mass.is_nan() {
            let (mu, sigma) = self.normals.distinct[place];
            let normal = TruncatedNormal::new(mu, sigma, self.normals.line.bounds);
            let inside = &mut self.insides[place];
            if inside.is_nan() {
                *inside = normal.inside();
            }
            *log_mass = libm::log(normal.mass(low, high) / *inside);
        }
        *log_mass
    }
}

impl Choice<'_> {
    #[inline]
    fn term(&mut self, candidate: usize, kernel: usize) -> f64 {
        match self.options.observed.get(kernel) {
            None => self.prior,
            Some(&option) if option == self.candidates[candidate] => self.hit,
            Some(_) => self.miss,
        }
    }
}
