//! The kernels of a Parzen estimator along one axis: one for every observation, and the prior last.

use super::axis::{Axis, Line};
use super::truncated_normal::TruncatedNormal;
use crate::seed::Stream;

/// One kernel for every observation in their order, then the prior's.
#[derive(Clone, Debug)]
pub(super) enum Kernels<'a> {
    /// Truncated normals on a line.
    Normals {
        /// The axis.
        line: Line<'a>,
        /// Mean and standard deviation of each kernel.
        normals: Vec<(f64, f64)>,
    },
    /// Categorical kernels that lean to the observed option; the last, uniform one is not listed.
    Options {
        /// Number of options.
        count: usize,
        /// Position of the observed option of each kernel, as a float.
        observed: Vec<f64>,
    },
}

impl<'a> Kernels<'a> {
    /// Kernels around internal numbers; `position` is the axis' place among the axes.
    pub(super) fn new(axis: Axis<'a>, position: usize, observed: Vec<f64>) -> Self {
        match axis {
            Axis::Options { count } => Self::Options { count, observed },
            Axis::Line(line) => {
                let means: Vec<f64> = observed.iter().map(|&x| line.coordinate(x)).collect();
                let sigmas = bandwidths(&means, line.span, position);
                let mut normals: Vec<(f64, f64)> = means.into_iter().zip(sigmas).collect();
                normals.push(line.prior);
                Self::Normals { line, normals }
            }
        }
    }

    /// A candidate from one kernel: a coordinate on a continuous line, else an internal number.
    pub(super) fn draw(&self, kernel: usize, stream: &mut Stream) -> f64 {
        match self {
            Self::Normals { line, normals } => {
                let (mu, sigma) = normals[kernel];
                let x = TruncatedNormal::new(mu, sigma, line.bounds).draw(stream);
                if line.step.is_some() { line.nearest(x) } else { x }
            }
            #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
            Self::Options { count, observed } => match observed.get(kernel) {
                // The row is a unit of weight on the observed option and `spread` on every one.
                Some(&option) if stream.unit() * (1.0 + spread(observed) * *count as f64) < 1.0 => option,
                _ => stream.below(*count) as f64,
            },
        }
    }

    /// The internal number of a candidate.
    pub(super) fn to_internal(&self, candidate: f64) -> f64 {
        match self {
            Self::Normals { line, .. } if line.step.is_none() => line.to_internal(candidate),
            _ => candidate,
        }
    }

    /// Log density of the prior kernel at a candidate.
    pub(super) fn prior_log_density(&self, candidate: f64) -> f64 {
        match self {
            Self::Normals { line, normals } => {
                let &(mu, sigma) = normals.last().expect("the prior is always there");
                let normal = TruncatedNormal::new(mu, sigma, line.bounds);
                match line.step {
                    None => normal.log_density(candidate),
                    Some(step) => log_mass(line, step, &normal, candidate),
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
            Self::Options { count, .. } => -libm::log(*count as f64),
        }
    }

    /// Whether a kernel costs much to evaluate; such axes go last, when most kernels have sunk below their floor.
    pub(super) fn is_costly(&self) -> bool {
        matches!(self, Self::Normals { line, .. } if line.step.is_some())
    }

    /// Adds to every row, one for each candidate, the log density of each kernel there (on a grid or a choice
    /// the log probability). `rows[candidate * n_kernels + kernel]`; an entry below its candidate's floor may be
    /// left as it is, because nobody looks at it again.
    pub(super) fn add_log_densities(&self, candidates: &[f64], floors: &[f64], rows: &mut [f64]) {
        match self {
            Self::Normals { line, normals } => match line.step {
                None => add_densities(line, normals, candidates, rows),
                Some(step) => add_masses(line, step, normals, candidates, floors, rows),
            },
            Self::Options { count, observed } => {
                #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
                let count = *count as f64;
                let spread = spread(observed);
                let total = 1.0 + spread * count;
                let (hit, miss) = (libm::log((1.0 + spread) / total), libm::log(spread / total));
                let prior = -libm::log(count);
                for (&x, row) in candidates.iter().zip(rows.chunks_exact_mut(observed.len() + 1)) {
                    let (last, row) = row.split_last_mut().expect("the prior is always there");
                    *last += prior;
                    for (sum, &option) in row.iter_mut().zip(observed) {
                        *sum += if option == x { hit } else { miss };
                    }
                }
            }
        }
    }
}

/// Weight that a categorical kernel gives to every option, next to a unit on the observed one: the prior's weight
/// shared by all kernels.
fn spread(observed: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let n_kernels = (observed.len() + 1) as f64;
    1.0 / n_kernels
}

/// Standard deviation of each kernel: the larger distance to its neighbours, at most the range, and at least the
/// range divided by the number of kernels plus one (by 100 from there on). The ends of the range are neighbours
/// only of a lone observation, so that the outermost kernels do not get wide just for being outermost.
///
/// Of equal observations, which grids have many of, one is next to the left neighbour, one to the right, and the
/// others are narrow. Which one is which is decided differently on every axis. If it were always the oldest or the
/// newest, its product kernel would be wide on all axes at once; on the test objective `intstep6` that lowers the
/// chance of a run of 100 trials to beat one of Optuna's from 0.47 to 0.39.
fn bandwidths(means: &[f64], (low, high): (f64, f64), axis: usize) -> Vec<f64> {
    let range = high - low;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let narrowest = range / ((means.len() + 2) as f64).min(100.0);
    let mut sorted: Vec<(f64, usize)> = means.iter().copied().zip(0..).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then_with(|| mix(axis, a.1).cmp(&mix(axis, b.1))));
    let mut sigmas = vec![0.0; means.len()];
    for (position, &(mu, index)) in sorted.iter().enumerate() {
        let left = position.checked_sub(1).map(|left| mu - sorted[left].0);
        let right = sorted.get(position + 1).map(|right| right.0 - mu);
        let widest = match (left, right) {
            (None, None) => (mu - low).max(high - mu),
            (left, right) => left.unwrap_or(0.0).max(right.unwrap_or(0.0)),
        };
        sigmas[index] = widest.clamp(narrowest, range);
    }
    sigmas
}

/// A key without pattern for the place of an observation on an axis: the mixing function of SplitMix64 (Steele et
/// al. 2014, OOPSLA), a bijection, so different places have different keys.
fn mix(axis: usize, index: usize) -> u64 {
    let mut z = ((axis as u64) << 40 | index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Densities of a continuous line, in its coordinate. The inner loop is one multiplication and one square a
/// kernel, so what does not depend on the candidate is computed before it.
fn add_densities(line: &Line<'_>, normals: &[(f64, f64)], candidates: &[f64], rows: &mut [f64]) {
    let (mut means, mut inverses, mut scales) = (Vec::new(), Vec::new(), Vec::new());
    for &(mu, sigma) in normals {
        means.push(mu);
        inverses.push(1.0 / sigma);
        scales.push(TruncatedNormal::new(mu, sigma, line.bounds).log_scale());
    }
    for (&x, row) in candidates.iter().zip(rows.chunks_exact_mut(normals.len())) {
        for (((sum, mu), inverse), scale) in row.iter_mut().zip(&means).zip(&inverses).zip(&scales) {
            let z = (x - mu) * inverse;
            *sum += scale - 0.5 * z * z;
        }
    }
}

/// Log probability of the grid cell around a candidate.
fn log_mass(line: &Line<'_>, step: f64, normal: &TruncatedNormal, candidate: f64) -> f64 {
    let edge = |offset: f64| line.coordinate(candidate + offset);
    normal.log_mass(edge(-step / 2.0), edge(step / 2.0))
}

/// Probabilities of grid cells. They are costly and grids repeat themselves, so each distinct kernel meets each
/// distinct candidate at most once, and only if it is above the floor.
fn add_masses(
    line: &Line<'_>,
    step: f64,
    normals: &[(f64, f64)],
    candidates: &[f64],
    floors: &[f64],
    rows: &mut [f64],
) {
    let (distinct, place) = distinct(normals, line);
    let mut known: Vec<(f64, Vec<Option<f64>>)> = Vec::new();
    let candidates = candidates.iter().zip(floors);
    for ((&x, &floor), row) in candidates.zip(rows.chunks_exact_mut(normals.len())) {
        let position = known.iter().position(|(other, _)| *other == x).unwrap_or_else(|| {
            known.push((x, vec![None; distinct.len()]));
            known.len() - 1
        });
        let masses = &mut known[position].1;
        for (sum, &place) in row.iter_mut().zip(&place).filter(|(sum, _)| **sum >= floor) {
            let mass = || log_mass(line, step, &distinct[place], x);
            *sum += *masses[place].get_or_insert_with(mass);
        }
    }
}

/// The distinct kernels, and for each kernel its place among them.
fn distinct(normals: &[(f64, f64)], line: &Line<'_>) -> (Vec<TruncatedNormal>, Vec<usize>) {
    let mut order: Vec<usize> = (0..normals.len()).collect();
    let compare = |a: &(f64, f64), b: &(f64, f64)| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1));
    order.sort_unstable_by(|&a, &b| compare(&normals[a], &normals[b]));
    let (mut distinct, mut place, mut last) = (Vec::new(), vec![0; normals.len()], None);
    for index in order {
        if last != Some(normals[index]) {
            let (mu, sigma) = normals[index];
            distinct.push(TruncatedNormal::new(mu, sigma, line.bounds));
            last = Some(normals[index]);
        }
        place[index] = distinct.len() - 1;
    }
    (distinct, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len());
        for (a, b) in got.iter().zip(expected) {
            assert!((a - b).abs() < 1e-12, "{got:?}, not {expected:?}");
        }
    }

    #[test]
    fn a_bandwidth_is_the_larger_gap_to_a_neighbour() {
        close(&bandwidths(&[0.2, 0.9, 0.5], (0.0, 1.0), 0), &[0.3, 0.4, 0.4]);
    }

    #[test]
    fn a_lone_observation_reaches_to_the_farther_end() {
        close(&bandwidths(&[0.3], (0.0, 1.0), 0), &[0.7]);
        close(&bandwidths(&[0.3], (-3.0, 1.0), 0), &[3.3]);
        assert!(bandwidths(&[], (0.0, 1.0), 0).is_empty());
    }

    #[test]
    fn bandwidths_are_clipped_by_the_number_of_kernels_and_the_range() {
        // three equal observations: no gap, so the range over n + 2
        close(&bandwidths(&[0.5, 0.5, 0.5], (0.0, 2.0), 0), &[0.4, 0.4, 0.4]);
        close(&bandwidths(&[0.5; 200], (0.0, 2.0), 0), &[0.02; 200]);
        // an unbounded parameter may lie far outside the span
        close(&bandwidths(&[10.0], (-3.0, 3.0), 0), &[6.0]);
    }

    #[test]
    fn of_equal_observations_one_sees_each_neighbour_and_the_axis_decides_which() {
        let wide = |axis| {
            let sigmas = bandwidths(&[0.5, 0.1, 0.5, 0.5, 1.0], (0.0, 1.0), axis);
            close(&[sigmas[1], sigmas[4]], &[0.4, 0.5]);
            let mut equal = [sigmas[0], sigmas[2], sigmas[3]];
            let widest = equal.iter().position(|sigma| *sigma == 0.5);
            equal.sort_unstable_by(f64::total_cmp);
            close(&equal, &[1.0 / 7.0, 0.4, 0.5]);
            widest.expect("one is next to 1.0")
        };
        let seen: std::collections::BTreeSet<usize> = (0..20).map(wide).collect();
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn a_categorical_kernel_leans_to_its_option() {
        // two observations: a third for every option and 1 for the observed, over 4/3 + 1
        let kernels = Kernels::new(Axis::Options { count: 4 }, 0, vec![2.0, 0.0]);
        let mut rows = vec![0.0; 6];
        kernels.add_log_densities(&[2.0, 1.0], &[f64::NEG_INFINITY; 2], &mut rows);
        let (hit, miss, prior) = ((4.0_f64 / 7.0).ln(), (1.0_f64 / 7.0).ln(), 0.25_f64.ln());
        close(&rows, &[hit, miss, prior, miss, miss, prior]);
        assert_eq!(kernels.prior_log_density(3.0), prior);
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
