//! The kernels of a Parzen estimator along one axis: one for every observation, and the prior last.

use super::axis::{Axis, Line};
use super::bandwidths::bandwidths;
use super::truncated_normal::TruncatedNormal;
use crate::seed::Stream;

/// One kernel for every observation in their order, then the prior's.
#[derive(Clone, Debug)]
pub(super) enum Kernels<'a> {
    /// Truncated normals on a line.
    Normals(Normals<'a>),
    /// Categorical kernels that lean to the observed option; the last, uniform one is not listed.
    Options(Options),
}

/// Truncated normals on a line.
#[derive(Clone, Debug)]
pub(super) struct Normals<'a> {
    /// The axis.
    pub(super) line: Line<'a>,
    /// Mean of each kernel.
    pub(super) means: Vec<f64>,
    /// Standard deviation of each kernel.
    pub(super) sigmas: Vec<f64>,
    /// The kernels that differ.
    pub(super) distinct: Vec<(f64, f64)>,
    /// For each kernel its place among those that differ.
    pub(super) places: Vec<usize>,
}

/// Categorical kernels.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// Number of options.
    pub(super) count: usize,
    /// Position of the observed option of each kernel but the prior's, as a float.
    pub(super) observed: Vec<f64>,
}

impl<'a> Kernels<'a> {
    /// Kernels around internal numbers; `position` is the axis' place among the axes.
    pub(super) fn new(axis: Axis<'a>, position: usize, observed: Vec<f64>) -> Self {
        match axis {
            Axis::Options { count } => Self::Options(Options { count, observed }),
            Axis::Line(line) => {
                let mut means: Vec<f64> = observed.into_iter().map(|x| line.coordinate(x)).collect();
                let widths = bandwidths(&means, line.span, position);
                let (mut sigmas, mut distinct, mut places) = (widths.sigmas, widths.distinct, widths.places);
                let (mu, sigma) = line.prior;
                means.push(mu);
                sigmas.push(sigma);
                places.push(distinct.len());
                distinct.push((mu, sigma));
                Self::Normals(Normals { line, means, sigmas, distinct, places })
            }
        }
    }

    /// A candidate from one kernel: a coordinate on a continuous line, else an internal number.
    pub(super) fn draw(&self, kernel: usize, stream: &mut Stream) -> f64 {
        match self {
            Self::Normals(Normals { line, means, sigmas, .. }) => {
                let x = TruncatedNormal::new(means[kernel], sigmas[kernel], line.bounds).draw(stream);
                if line.step.is_some() { line.nearest(x) } else { x }
            }
            #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
            Self::Options(options) => match options.observed.get(kernel) {
                // The row is a unit of weight on the observed option and `spread` on every one.
                Some(&option) if stream.unit() * (1.0 + options.spread() * options.count as f64) < 1.0 => option,
                _ => stream.below(options.count) as f64,
            },
        }
    }

    /// Multiplies the weight of every kernel by its probability of an option. A line has no options and changes nothing.
    pub(super) fn weigh(&self, option: f64, weights: &mut [f64]) {
        let Self::Options(options) = self else { return };
        let (hit, miss) = options.log_hit_and_miss();
        let (hit, miss, prior) = (libm::exp(hit), libm::exp(miss), libm::exp(options.log_prior()));
        for (kernel, weight) in weights.iter_mut().enumerate() {
            *weight *= options.observed.get(kernel).map_or(prior, |&seen| if seen == option { hit } else { miss });
        }
    }

    /// The internal number of a candidate.
    pub(super) fn to_internal(&self, candidate: f64) -> f64 {
        match self {
            Self::Normals(Normals { line, .. }) if line.step.is_none() => line.to_internal(candidate),
            _ => candidate,
        }
    }
}

impl Options {
    /// Weight that a kernel gives to every option, next to a unit on the observed one: the prior's weight shared by
    /// all kernels.
    fn spread(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let n_kernels = (self.observed.len() + 1) as f64;
        1.0 / n_kernels
    }

    /// Log probability of the observed option and of any other one under an observation's kernel.
    pub(super) fn log_hit_and_miss(&self) -> (f64, f64) {
        let spread = self.spread();
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let total = 1.0 + spread * self.count as f64;
        (libm::log((1.0 + spread) / total), libm::log(spread / total))
    }

    /// Log probability of any option under the prior.
    pub(super) fn log_prior(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let count = self.count as f64;
        -libm::log(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_categorical_kernel_leans_to_its_option() {
        // two observations: a third for every option and 1 for the observed, over 4/3 + 1
        let options = Options { count: 4, observed: vec![2.0, 0.0] };
        let (hit, miss) = options.log_hit_and_miss();
        assert!((hit - (4.0_f64 / 7.0).ln()).abs() < 1e-15 && (miss - (1.0_f64 / 7.0).ln()).abs() < 1e-15);
        assert_eq!(options.log_prior(), 0.25_f64.ln());
    }

    #[test]
    fn categorical_draws_follow_the_kernel() {
        let kernels = Kernels::new(Axis::Options { count: 4 }, 0, vec![2.0, 0.0]);
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
