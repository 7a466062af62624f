//! The Parzen estimator: a mixture of products of kernels, one product for every observation and one prior.

use super::axis::Axis;
use super::densities::log_densities;
use super::kernels::Kernels;
use crate::seed::Stream;

/// This many of the newest observations count in full.
const NEWEST: usize = 25;
/// A density over one or more axes, from the observations on one side of a split.
#[derive(Clone, Debug)]
pub(super) struct Parzen<'a> {
    /// Weight of each kernel, not normalised: the observations', then the prior's.
    weights: Vec<f64>,
    dimensions: Vec<Kernels<'a>>,
}

impl<'a> Parzen<'a> {
    /// Fits `columns[axis][observation]`, internal numbers ordered from the oldest to the newest observation. All
    /// columns have the same length, which may be 0: then the prior is all there is.
    pub(super) fn new(axes: &[Axis<'a>], columns: Vec<Vec<f64>>) -> Self {
        let weights = weights(columns.first().map_or(0, Vec::len));
        let fit = |(position, (axis, column)): (usize, (&Axis<'a>, _))| Kernels::new(axis.clone(), position, column);
        Self { weights, dimensions: axes.iter().zip(columns).enumerate().map(fit).collect() }
    }

    /// A candidate with some coordinates given, which are options: one kernel is picked for all axes, by its weight
    /// and its probability of what is given.
    pub(super) fn draw(&self, given: &[Option<f64>], stream: &mut Stream) -> Vec<f64> {
        let mut weights = self.weights.clone();
        for (kernels, given) in self.dimensions.iter().zip(given) {
            if let Some(option) = given {
                kernels.weigh(*option, &mut weights);
            }
        }
        let mut left = stream.unit() * weights.iter().sum::<f64>();
        let prior = weights.len() - 1;
        let kernel = weights[..prior]
            .iter()
            .position(|weight| {
                left -= weight;
                left < 0.0
            })
            .unwrap_or(prior);
        let coordinate =
            |(kernels, given): (&Kernels<'_>, &Option<f64>)| given.unwrap_or_else(|| kernels.draw(kernel, stream));
        self.dimensions.iter().zip(given).map(coordinate).collect()
    }

    /// The internal numbers of a candidate.
    pub(super) fn to_internal(&self, candidate: &[f64]) -> Vec<f64> {
        self.dimensions.iter().zip(candidate).map(|(kernels, &x)| kernels.to_internal(x)).collect()
    }

    /// Natural logarithm of the density at each candidate. Finite: the prior is positive everywhere.
    pub(super) fn log_densities(&self, candidates: &[Vec<f64>]) -> Vec<f64> {
        log_densities(&self.weights, &self.dimensions, candidates)
    }
}

/// Weight of each of `n` observations from the oldest to the newest, then the prior's. Up to 25 observations count
/// in full; of more, the newest 25 do and the older ones climb linearly from `1 / n` to 1.
fn weights(n: usize) -> Vec<f64> {
    let n_ramp = n.saturating_sub(NEWEST);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let ramp = (0..n_ramp).map(|index| {
        let first = 1.0 / n as f64;
        first + (1.0 - first) * (index as f64 / (n_ramp - 1).max(1) as f64)
    });
    ramp.chain(std::iter::repeat_n(1.0, n - n_ramp + 1)).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    //! Expected densities from the definitions, with Python's `math.erfc`, `exp` and `log`.

    use super::*;
    use crate::seed::Seed;
    use crate::space::Distribution;
    use crate::value::Value;

    fn log_densities(distributions: &[Distribution], columns: &[&[f64]], candidates: &[&[f64]]) -> Vec<f64> {
        let axes: Vec<_> = distributions.iter().map(Axis::new).collect();
        let columns = columns.iter().map(|column| column.to_vec()).collect();
        let candidates: Vec<_> = candidates.iter().map(|point| point.to_vec()).collect();
        Parzen::new(&axes, columns).log_densities(&candidates)
    }

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-12, "{got}, not {expected}");
    }

    #[test]
    fn old_observations_weigh_less_along_a_ramp() {
        assert_eq!(weights(0), [1.0]);
        assert_eq!(weights(25), [1.0; 26]);
        assert_eq!(weights(26)[..2], [1.0 / 26.0, 1.0]);
        assert_eq!(weights(27)[..3], [1.0 / 27.0, 1.0, 1.0]);
        assert_eq!(weights(28)[..4], [1.0 / 28.0, 1.0 / 28.0 + 27.0 / 56.0, 1.0, 1.0]);
        assert_eq!(weights(1000).len(), 1001);
        assert!(weights(1000)[974..].iter().all(|w| *w == 1.0) && weights(1000)[973] < 1.0);
    }

    #[test]
    fn one_axis_is_the_mean_of_its_kernels_and_the_prior() {
        let unit = Distribution::uniform(0.0, 1.0).unwrap();
        close(log_densities(&[unit], &[&[0.2, 0.5, 0.9]], &[&[0.6]])[0], 0.067_909_556_460_873_95);
        let log = Distribution::log_uniform(1e-4, 1.0).unwrap();
        let candidate = [libm::log(3e-2)];
        let got = log_densities(&[log], &[&[1e-3, 1e-1]], &[&candidate]);
        close(got[0], -2.142_975_685_044_605);
        let normal = Distribution::normal(2.0, 0.5).unwrap();
        close(log_densities(&[normal], &[&[2.5]], &[&[4.0]])[0], -2.584_706_809_391_319_5);
    }

    #[test]
    fn old_observations_count_with_their_weight() {
        let unit = Distribution::uniform(0.0, 1.0).unwrap();
        let observed: Vec<f64> = (0..27).map(|i| (f64::from(i) + 0.5) / 27.0).collect();
        close(log_densities(&[unit], &[&observed], &[&[0.03]])[0], -0.695_980_249_254_665_1);
    }

    #[test]
    fn several_axes_multiply_inside_a_kernel() {
        let options = ["a", "b", "c"].map(|label| Value::Text(label.to_owned())).to_vec();
        let distributions = [
            Distribution::uniform(0.0, 1.0).unwrap(),
            Distribution::choice(options).unwrap(),
            Distribution::log_int(1, 8).unwrap(),
        ];
        let got = log_densities(
            &distributions,
            &[&[0.2, 0.6], &[1.0, 2.0], &[2.0, 8.0]],
            &[&[0.3, 1.0, 3.0], &[0.9, 0.0, 8.0]],
        );
        close(got[0], -2.731_695_830_690_695_5);
        close(got[1], -4.723_591_041_741_717_5);
    }

    #[test]
    fn without_observations_there_is_the_prior_alone() {
        let int = Distribution::int(1, 3).unwrap();
        let masses = log_densities(&[int], &[&[]], &[&[1.0], &[2.0], &[3.0]]);
        assert!((masses.iter().map(|m| m.exp()).sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(masses[0], masses[2]);
        assert!(masses[1] > masses[0]);
    }

    #[test]
    fn candidates_come_from_the_kernels_by_their_weights() {
        // a narrow kernel at each end and the prior: two thirds near the ends
        let unit = Distribution::uniform(0.0, 1.0).unwrap();
        let axes = [Axis::new(&unit), Axis::new(&unit)];
        let narrow: Vec<f64> = std::iter::repeat_n(0.0, 50).chain([1.0; 50]).collect();
        let parzen = Parzen::new(&axes, vec![narrow.clone(), narrow]);
        let mut stream = Seed::root(2).stream();
        let draws: Vec<_> = (0..4000).map(|_| parzen.draw(&[None, None], &mut stream)).collect();
        let high = draws.iter().filter(|point| point[0] > 0.95).count();
        // the newest 25 weigh 1, the 25 before them .68 to 1, the 50 oldest .01 to .67
        assert!((2700..3000).contains(&high), "{high}");
        let apart = draws.iter().filter(|point| (point[0] - point[1]).abs() > 0.9).count();
        assert!(apart < 20, "one kernel is picked for both axes, {apart} were mixed");
    }

    #[test]
    fn kernels_are_picked_by_what_is_given() {
        // ten kernels at option 0 and x = 0, ten at option 1 and x = 1
        let options = Distribution::choice(vec![Value::Int(0), Value::Int(1)]).unwrap();
        let unit = Distribution::uniform(0.0, 1.0).unwrap();
        let column: Vec<f64> = std::iter::repeat_n(0.0, 10).chain([1.0; 10]).collect();
        let parzen = Parzen::new(&[Axis::new(&options), Axis::new(&unit)], vec![column.clone(), column]);
        let mut stream = Seed::root(2).stream();
        let draws: Vec<_> = (0..2000).map(|_| parzen.draw(&[Some(1.0), None], &mut stream)).collect();
        assert!(draws.iter().all(|point| point[0] == 1.0));
        // weights 10 x 22/23 at 1, 10 x 1/23 at 0, 1/2 for the prior; one kernel of each ten is wide: 0.851 of 2000
        let high = draws.iter().filter(|point| point[1] > 0.8).count();
        assert!((1640..1765).contains(&high), "{high}");
    }
}
