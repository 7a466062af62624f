//! The kernels of a Parzen estimator along one axis: one for every observation, or for equal ones, and the prior last.

use super::axis::{Axis, Line};
use super::bandwidths::bandwidths;
use super::column::Column;
use super::distinct::Distinct;
use super::recipe::TpeRecipe;
use super::truncated_normal::TruncatedNormal;
use crate::seed::Stream;

/// The observations' kernels in their order, then the prior's.
#[derive(Clone, Debug)]
pub(super) enum Kernels<'a> {
    /// Truncated normals on a continuous line.
    Continuous(Continuous<'a>),
    /// Truncated normals over the cells of a grid.
    Grid(Grid<'a>),
    /// Categorical kernels that lean to the observed option; the last is uniform.
    Options(Options),
}

/// Truncated normals on a continuous line.
#[derive(Clone, Debug)]
pub(super) struct Continuous<'a> {
    /// The axis.
    pub(super) line: Line<'a>,
    /// Mean of each kernel.
    pub(super) means: Vec<f64>,
    /// Standard deviation of each kernel.
    pub(super) sigmas: Vec<f64>,
}

/// Truncated normals over the cells of a grid, where many observations have the same kernel.
#[derive(Clone, Debug)]
pub(super) struct Grid<'a> {
    /// The axis.
    pub(super) line: Line<'a>,
    /// Mean and standard deviation of the kernels, without those that repeat their neighbour.
    pub(super) distinct: Vec<(f64, f64)>,
    /// For each kernel its place among them.
    pub(super) places: Vec<u32>,
}

/// Categorical kernels.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// Number of options.
    pub(super) count: usize,
    /// Weight that a kernel gives to every option, next to a unit on the observed one: the prior's weight shared by
    /// all kernels, those included that are equal.
    spread: f64,
    /// Position of the observed option of each kernel; `count` for the prior's.
    pub(super) places: Vec<u32>,
}

impl<'a> Kernels<'a> {
    /// Kernels around coordinates (the positions of options); `position` is the axis' place among the axes.
    pub(super) fn new(axis: Axis<'a>, position: usize, observed: &Column, recipe: TpeRecipe) -> Self {
        match axis {
            Axis::Options { count } => Self::Options(Options::new(count, observed.values())),
            Axis::Line(line) if line.step.is_some() => Self::Grid(Grid::new(line, position, observed, recipe)),
            Axis::Line(line) => Self::Continuous(Continuous::new(line, position, observed, recipe)),
        }
    }

    /// A candidate from one kernel: a coordinate on a continuous line, else an internal number.
    pub(super) fn draw(&self, kernel: usize, stream: &mut Stream) -> f64 {
        match self {
            Self::Continuous(Continuous { line, means, sigmas }) => {
                TruncatedNormal::new(means[kernel], sigmas[kernel], line.bounds).draw(stream)
            }
            Self::Grid(Grid { line, distinct, places }) => {
                let (mu, sigma) = distinct[places[kernel] as usize];
                line.nearest(TruncatedNormal::new(mu, sigma, line.bounds).draw(stream))
            }
            #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
            Self::Options(options) => {
                let option = options.places[kernel];
                // The row is a unit of weight on the observed option and `spread` on every one.
                let is_prior = option as usize == options.count;
                if !is_prior && stream.unit() * (1.0 + options.spread * options.count as f64) < 1.0 {
                    f64::from(option)
                } else {
                    stream.below(options.count) as f64
                }
            }
        }
    }

    /// For each kernel its place among the different ones of this axis, and how many those are. None on a continuous line.
    pub(super) fn numbered(&self) -> Option<(&[u32], usize)> {
        match self {
            Self::Continuous(_) => None,
            Self::Grid(Grid { distinct, places, .. }) => Some((places, distinct.len())),
            Self::Options(Options { count, places, .. }) => Some((places, count + 1)),
        }
    }

    /// Leaves out kernels that are equal to an earlier one along all axes.
    pub(super) fn keep(&mut self, kernels: &Distinct) {
        match self {
            Self::Continuous(_) => unreachable!("only places can be equal"),
            Self::Grid(Grid { places, .. }) | Self::Options(Options { places, .. }) => *places = kernels.of(places),
        }
    }

    /// The internal number of a candidate.
    pub(super) fn to_internal(&self, candidate: f64) -> f64 {
        match self {
            Self::Continuous(Continuous { line, .. }) => line.to_internal(candidate),
            Self::Grid(_) | Self::Options(_) => candidate,
        }
    }
}

impl<'a> Continuous<'a> {
    fn new(line: Line<'a>, position: usize, observed: &Column, recipe: TpeRecipe) -> Self {
        let n = observed.values().len();
        let mut means = Vec::with_capacity(n + 1);
        means.extend_from_slice(observed.values());
        means.push(line.prior.0);
        let mut sigmas = vec![line.prior.1; n + 1];
        bandwidths(observed, line.span, position, recipe, |observed, _, sigma| {
            for (_, index) in observed {
                sigmas[*index as usize] = sigma;
            }
        });
        Self { line, means, sigmas }
    }
}

impl<'a> Grid<'a> {
    #[expect(clippy::cast_possible_truncation, reason = "a history has far less than 2^32 trials")]
    fn new(line: Line<'a>, position: usize, observed: &Column, recipe: TpeRecipe) -> Self {
        let mut distinct: Vec<(f64, f64)> = Vec::new();
        let mut places = vec![0; observed.values().len() + 1];
        bandwidths(observed, line.span, position, recipe, |observed, mu, sigma| {
            if distinct.last() != Some(&(mu, sigma)) {
                distinct.push((mu, sigma));
            }
            for (_, index) in observed {
                places[*index as usize] = (distinct.len() - 1) as u32;
            }
        });
        places[observed.values().len()] = distinct.len() as u32;
        distinct.push(line.prior);
        Self { line, distinct, places }
    }
}

impl Options {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positions are whole and small")]
    fn new(count: usize, observed: &[f64]) -> Self {
        let places: Vec<u32> = observed.iter().map(|&option| option as u32).chain([count as u32]).collect();
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let n_kernels = places.len() as f64;
        Self { count, spread: 1.0 / n_kernels, places }
    }

    /// Multiplies the weight of every kernel by its probability of an option.
    pub(super) fn weigh(&self, option: f64, weights: &mut [f64]) {
        let probability = self.probability(option);
        for (&place, weight) in self.places.iter().zip(weights) {
            *weight *= probability(place);
        }
    }

    /// The probability of an option under the kernels of a place.
    pub(super) fn probability(&self, option: f64) -> impl Fn(u32) -> f64 {
        let (hit, miss) = self.hit_and_miss();
        let prior = self.prior();
        move |place| {
            if place as usize == self.count {
                prior
            } else if f64::from(place) == option {
                hit
            } else {
                miss
            }
        }
    }

    /// Probability of the observed option and of any other one under an observation's kernel.
    fn hit_and_miss(&self) -> (f64, f64) {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let total = 1.0 + self.spread * self.count as f64;
        ((1.0 + self.spread) / total, self.spread / total)
    }

    /// Probability of any option under the prior.
    fn prior(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let count = self.count as f64;
        1.0 / count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_categorical_kernel_leans_to_its_option() {
        // two observations: a third for every option and 1 for the observed, over 4/3 + 1
        let options = Options::new(4, &[2.0, 0.0]);
        let (hit, miss) = options.hit_and_miss();
        assert!((hit - 4.0 / 7.0).abs() < 1e-15 && (miss - 1.0 / 7.0).abs() < 1e-15);
        assert_eq!(options.prior(), 0.25);
    }

    #[test]
    fn categorical_draws_follow_the_kernel() {
        let kernels = Kernels::new(Axis::Options { count: 4 }, 0, &Column::new(vec![2.0, 0.0]), TpeRecipe::Optuna);
        let mut stream = crate::seed::Seed::root(1).stream();
        let mut share = |kernel| {
            let hits = (0..7000).filter(|_| kernels.draw(kernel, &mut stream) == 2.0).count();
            hits / 10
        };
        assert!((380..420).contains(&share(0)), "4/7 of 700");
        assert!((80..120).contains(&share(1)), "1/7 of 700");
        assert!((155..195).contains(&share(2)), "1/4 of 700");
    }
}
