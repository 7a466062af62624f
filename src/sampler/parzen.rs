//! The Parzen estimator: a mixture of products of kernels, one product for every observation, or for equal ones, and one prior.

use super::axis::Axis;
use super::candidates::Candidates;
use super::column::Column;
use super::distinct::Distinct;
use super::kernels::Kernels;
use super::products::Products;
use super::recipe::TpeRecipe;
use crate::seed::Stream;

/// A density over one or more axes, from the observations on one side of a split.
#[derive(Clone, Debug)]
pub(super) struct Parzen<'a> {
    /// Weight of each kernel, not normalised: the observations', then the prior's.
    weights: Vec<f64>,
    dimensions: Vec<Kernels<'a>>,
}

impl<'a> Parzen<'a> {
    /// Fits `columns[axis]`, coordinates (positions of options) of the observations in the order of their weights. All
    /// columns have the same length, one less than there are weights; it may be 0: then the prior is all there is.
    ///
    /// Axes of which an option is `given` are not among the density's: it is the one of the others under those options.
    pub(super) fn new(
        axes: &[Axis<'a>],
        columns: &[Column],
        mut weights: Vec<f64>,
        given: &[Option<f64>],
        recipe: TpeRecipe,
    ) -> Self {
        let mut dimensions = Vec::with_capacity(axes.len());
        for (position, ((axis, column), given)) in axes.iter().zip(columns).zip(given).enumerate() {
            match (Kernels::new(axis.clone(), position, column, recipe), given) {
                (kernels, None) => dimensions.push(kernels),
                (Kernels::Options(options), Some(option)) => options.weigh(*option, &mut weights),
                (_, Some(_)) => unreachable!("only options are given"),
            }
        }
        let mut parzen = Self { weights, dimensions };
        parzen.merge();
        parzen
    }

    /// Makes one kernel of those of the same places, with the sum of their weights, where no axis is continuous. The prior's
    /// stays the last: no other has its places.
    fn merge(&mut self) {
        let columns: Option<Vec<_>> = self.dimensions.iter().map(Kernels::numbered).collect();
        let Some(kernels) = columns.and_then(|columns| Distinct::of_rows(&columns)) else { return };
        let mut weights = vec![0.0; kernels.len()];
        for (place, weight) in kernels.places.iter().zip(&self.weights) {
            weights[*place as usize] += weight;
        }
        self.weights = weights;
        for dimension in &mut self.dimensions {
            dimension.keep(&kernels);
        }
    }

    /// Points, `[axis][candidate]`: for each point one kernel is picked for all axes, by its weight.
    pub(super) fn draw(&self, n: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
        let total = self.weights.iter().sum::<f64>();
        let prior = self.weights.len() - 1;
        let mut candidates = vec![Vec::with_capacity(n); self.dimensions.len()];
        for _ in 0..n {
            let mut left = stream.unit() * total;
            let found = self.weights[..prior].iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            let kernel = found.unwrap_or(prior);
            for (kernels, coordinates) in self.dimensions.iter().zip(&mut candidates) {
                coordinates.push(kernels.draw(kernel, stream));
            }
        }
        candidates
    }

    /// The internal numbers of one of the candidates.
    pub(super) fn to_internal(&self, candidates: &Candidates, candidate: usize) -> Vec<f64> {
        let internal = |(axis, kernels): (usize, &Kernels<'_>)| kernels.to_internal(candidates.along(axis)[candidate]);
        self.dimensions.iter().enumerate().map(internal).collect()
    }

    /// The kernels at candidates along the same axes.
    pub(super) fn products<'k>(&'k self, candidates: &'k Candidates) -> Products<'k> {
        Products::new(&self.weights, &self.dimensions, candidates)
    }

    /// The density at each candidate, times a factor that is the same for all: the weights are not
    /// normalised, and the heights of kernels stand next to the prior's.
    pub(super) fn sums(&self, candidates: &Candidates) -> Vec<f64> {
        self.products(candidates).sums()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    //! Expected densities from the definitions, with Python's `math.erfc`, `exp` and `log`.

    use std::f64::consts::PI;

    use super::*;
    use crate::sampler::kernels::{Continuous, Grid};
    use crate::sampler::truncated_normal::TruncatedNormal;
    use crate::seed::Seed;
    use crate::space::Distribution;
    use crate::value::Value;

    fn parzen<'a>(distributions: &'a [Distribution], columns: &[&[f64]]) -> Parzen<'a> {
        let axes: Vec<_> = distributions.iter().map(Axis::new).collect();
        let coordinate =
            |(axis, column): (&Axis<'_>, &&[f64])| Column::new(column.iter().map(|&x| axis.coordinate(x)).collect());
        let columns: Vec<_> = axes.iter().zip(columns).map(coordinate).collect();
        under(&axes, &columns, &vec![None; axes.len()])
    }

    fn under<'a>(axes: &[Axis<'a>], columns: &[Column], given: &[Option<f64>]) -> Parzen<'a> {
        let recipe = TpeRecipe::Optuna;
        Parzen::new(axes, columns, recipe.weights_above(columns[0].values().len()), given, recipe)
    }

    fn log_densities(distributions: &[Distribution], columns: &[&[f64]], candidates: &[&[f64]]) -> Vec<f64> {
        let parzen = parzen(distributions, columns);
        let axis = |axis: usize| candidates.iter().map(|candidate| candidate[axis]).collect();
        let axes: Vec<_> = distributions.iter().map(Axis::new).collect();
        let candidates = Candidates::new(&axes, (0..distributions.len()).map(axis).collect());
        let mut constant = parzen.weights.iter().sum::<f64>();
        for kernels in &parzen.dimensions {
            let (line, scale) = match kernels {
                Kernels::Continuous(Continuous { line, .. }) => (line, line.prior.1 * (2.0 * PI).sqrt()),
                Kernels::Grid(Grid { line, .. }) => (line, 1.0),
                Kernels::Options(_) => continue,
            };
            let (mu, sigma) = line.prior;
            constant *= TruncatedNormal::new(mu, sigma, line.bounds).inside() * scale;
        }
        parzen.sums(&candidates).iter().map(|sum| (sum / constant).ln()).collect()
    }

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-9, "{got}, not {expected}");
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
    fn of_many_kernels_nothing_that_counts_is_left_out() {
        let distributions = [
            Distribution::uniform(0.0, 1.0).unwrap(),
            Distribution::uniform(0.0, 1.0).unwrap(),
            Distribution::int(1, 40).unwrap(),
            Distribution::choice((0..3).map(Value::Int).collect()).unwrap(),
        ];
        let mut stream = Seed::root(8).stream();
        let observed: Vec<[f64; 4]> = (0..700)
            .map(|_| {
                let (near, far) = (0.3 + 0.01 * stream.normal(), stream.unit());
                let (int, option) = (1.0 + f64::from(stream.unit() < 0.8) + (39.0 * far).floor(), (3.0 * far).floor());
                [near.clamp(0.0, 1.0), far, int.min(40.0), option]
            })
            .collect();
        let axis = |axis: usize| -> Vec<f64> { observed.iter().map(|point| point[axis]).collect() };
        let columns: Vec<Vec<f64>> = (0..4).map(axis).collect();
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let candidates = [[0.3, 0.5, 12.0, 1.0], [0.301, 0.1, 4.0, 0.0], [0.9, 0.9, 40.0, 2.0]];
        let rows: Vec<&[f64]> = candidates.iter().map(<[f64; 4]>::as_slice).collect();
        let got = log_densities(&distributions, &columns, &rows);
        // The definition, with the functions of `libm`.
        let parzen = parzen(&distributions, &columns);
        let below = |z: f64| 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
        let mass =
            |(mu, sigma): (f64, f64), (low, high): (f64, f64)| below((high - mu) / sigma) - below((low - mu) / sigma);
        let density = |kernel: usize, candidate: &[f64; 4]| -> f64 {
            let along = |(kernels, x): (&Kernels<'_>, &f64)| match kernels {
                Kernels::Options(options) => options.probability(*x)(options.places[kernel]),
                Kernels::Grid(Grid { line, distinct, places }) => {
                    let normal = distinct[places[kernel] as usize];
                    mass(normal, (x - 0.5, x + 0.5)) / mass(normal, line.bounds.unwrap())
                }
                Kernels::Continuous(Continuous { line, means, sigmas }) => {
                    let (mu, sigma) = (means[kernel], sigmas[kernel]);
                    let z = (x - mu) / sigma;
                    let density = libm::exp(-0.5 * z * z) / (sigma * (2.0 * PI).sqrt());
                    density / mass((mu, sigma), line.bounds.unwrap())
                }
            };
            parzen.dimensions.iter().zip(candidate).map(along).product()
        };
        for (candidate, got) in candidates.iter().zip(got) {
            let sum: f64 = (0..701).map(|kernel| parzen.weights[kernel] * density(kernel, candidate)).sum();
            close(got, (sum / parzen.weights.iter().sum::<f64>()).ln());
        }
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
        let narrow: Vec<f64> = std::iter::repeat_n(0.0, 50).chain([1.0; 50]).collect();
        let units = [unit.clone(), unit];
        let parzen = parzen(&units, &[&narrow, &narrow]);
        let mut stream = Seed::root(2).stream();
        let draws = parzen.draw(4000, &mut stream);
        let high = draws[0].iter().filter(|x| **x > 0.95).count();
        // the newest 25 weigh 1, the 25 before them .68 to 1, the 50 oldest .01 to .67
        assert!((2700..3000).contains(&high), "{high}");
        let apart = draws[0].iter().zip(&draws[1]).filter(|(x, y)| (*x - *y).abs() > 0.9).count();
        assert!(apart < 20, "one kernel is picked for both axes, {apart} were mixed");
    }

    #[test]
    fn kernels_weigh_by_what_is_given() {
        // ten kernels at option 0 and x = 0, ten at option 1 and x = 1
        let options = Distribution::choice(vec![Value::Int(0), Value::Int(1)]).unwrap();
        let unit = Distribution::uniform(0.0, 1.0).unwrap();
        let column: Vec<f64> = std::iter::repeat_n(0.0, 10).chain([1.0; 10]).collect();
        let columns = [column.clone(), column].map(Column::new);
        let axes = [Axis::new(&options), Axis::new(&unit)];
        let parzen = under(&axes, &columns, &[Some(1.0), None]);
        let mut stream = Seed::root(2).stream();
        let draws = parzen.draw(2000, &mut stream);
        assert_eq!(draws.len(), 1);
        // weights 10 x 22/23 at 1, 10 x 1/23 at 0, 1/2 for the prior; one kernel of each ten is wide: 0.851 of 2000
        let high = draws[0].iter().filter(|x| **x > 0.8).count();
        assert!((1640..1765).contains(&high), "{high}");
        // the density is, but for a factor, that of both axes at the option
        let joint = under(&axes, &columns, &[None; 2]);
        let x = [0.05, 0.4, 0.97];
        let given = parzen.sums(&Candidates::new(&axes[1..], vec![x.to_vec()]));
        let both = joint.sums(&Candidates::new(&axes, vec![vec![1.0; 3], x.to_vec()]));
        for (given, both) in given.iter().zip(&both).skip(1).map(|(x, y)| (x / given[0], y / both[0])) {
            close(given, both);
        }
    }

    #[test]
    fn equal_kernels_are_one_where_nothing_is_continuous() {
        let options = Distribution::choice((0..3).map(Value::Int).collect()).unwrap();
        let unit = Distribution::uniform(0.0, 1.0).unwrap();
        let distributions = [options.clone(), options, unit];
        let columns: [&[f64]; 3] = [&[0.0, 1.0, 0.0, 0.0, 1.0], &[2.0, 2.0, 2.0, 1.0, 2.0], &[0.5; 5]];
        let merged = parzen(&distributions[..2], &columns[..2]);
        assert_eq!(merged.weights, [2.0, 2.0, 1.0, 1.0]);
        // of five: a sixth more for each option; (7/6)^2, 7/6 x 1/6 and (1/6)^2 over (3/2)^2, and 1/9
        let (hit, miss) = (7.0 / 9.0, 1.0 / 9.0);
        let expected = 2.0 * hit * hit + 2.0 * miss * hit + hit * miss + 1.0 / 9.0;
        let candidates: Vec<_> = distributions[..2].iter().map(Axis::new).collect();
        let candidates = Candidates::new(&candidates, vec![vec![0.0], vec![2.0]]);
        close(merged.sums(&candidates)[0], expected);
        assert_eq!(parzen(&distributions, &columns).weights, [1.0; 6]);
    }

    #[test]
    fn merged_kernels_have_the_density_of_single_ones() {
        let options = Distribution::choice((0..3).map(Value::Int).collect()).unwrap();
        let int = Distribution::int(1, 6).unwrap();
        let axes = [Axis::new(&int), Axis::new(&options)];
        let mut stream = Seed::root(4).stream();
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let mut column = |first: usize| Column::new((0..60).map(|_| (first + stream.below(3)) as f64).collect());
        let columns = [column(2), column(0)];
        let recipe = TpeRecipe::Optuna;
        let fit = |axis: usize| Kernels::new(axes[axis].clone(), axis, &columns[axis], recipe);
        let single = Parzen { weights: recipe.weights_above(60), dimensions: vec![fit(0), fit(1)] };
        let merged = under(&axes, &columns, &[None; 2]);
        assert!(merged.weights.len() < 40);
        let points = [(1.0, 0.0), (2.0, 0.0), (3.0, 1.0), (4.0, 2.0), (6.0, 1.0)];
        let candidates =
            Candidates::new(&axes, vec![points.iter().map(|x| x.0).collect(), points.iter().map(|x| x.1).collect()]);
        for (merged, single) in merged.sums(&candidates).iter().zip(single.sums(&candidates)) {
            close(*merged, single);
        }
    }
}
