//! One evolution strategy: a normal distribution and how a generation of points changes it.
//!
//! Notation and constants are those of the tutorial (Hansen 2016, arXiv 1604.00772, table 1 and equations 38 to 47).

use crate::seed::Stream;

/// Converged when no coordinate spreads wider than this part of its range.
const CONVERGED: f64 = 1e-9;
/// Widest standard deviation, as a part of the range: beyond it every draw would be clipped.
const WIDEST: f64 = 1.0;
/// Smallest eigenvalue of the covariance, as a part of the largest.
const SMALLEST_EIGENVALUE: f64 = 1e-14;

/// A point that was tried and what came out; smaller is better, and the violation counts first.
pub(super) struct Told {
    pub(super) point: Vec<f64>,
    pub(super) violation: f64,
    pub(super) loss: f64,
}

/// Mean, step size, covariance, and the paths of the last steps.
pub(super) struct Strategy {
    population: usize,
    mean: Vec<f64>,
    sigma: f64,
    covariance: Vec<Vec<f64>>,
    /// Columns are the eigenvectors of the covariance.
    axes: Vec<Vec<f64>>,
    /// Square roots of its eigenvalues.
    lengths: Vec<f64>,
    covariance_path: Vec<f64>,
    sigma_path: Vec<f64>,
    n_generations: i32,
}

#[expect(clippy::cast_precision_loss, reason = "numbers of parameters and of a generation's trials are small")]
impl Strategy {
    /// The usual size of a generation over `n` coordinates.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    pub(super) fn population(n: usize) -> usize {
        4 + (3.0 * libm::log(n as f64)).floor() as usize
    }

    /// Before its first generation of `population` points, at least 2.
    pub(super) fn new(mean: Vec<f64>, sigma: f64, population: usize) -> Self {
        let n = mean.len();
        let identity: Vec<Vec<f64>> =
            (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
        Self {
            population,
            mean,
            sigma,
            covariance: identity.clone(),
            axes: identity,
            lengths: vec![1.0; n],
            covariance_path: vec![0.0; n],
            sigma_path: vec![0.0; n],
            n_generations: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Standard deviation of a coordinate.
    pub(super) fn spread(&self, coordinate: usize) -> f64 {
        self.sigma * libm::sqrt(self.covariance[coordinate][coordinate])
    }

    /// Whether it stands still.
    pub(super) fn has_converged(&self) -> bool {
        (0..self.mean.len()).all(|coordinate| self.spread(coordinate) < CONVERGED)
    }

    /// A draw.
    pub(super) fn draw(&self, stream: &mut Stream) -> Vec<f64> {
        let z: Vec<f64> = self.lengths.iter().map(|length| length * stream.normal()).collect();
        self.mean.iter().zip(&self.axes).map(|(mean, axis)| mean + self.sigma * dot(axis, &z)).collect()
    }

    /// Takes note of a generation: the points of it that have a value, in the order of their trials. Without one,
    /// nothing is learnt.
    pub(super) fn tell(&mut self, mut told: Vec<Told>) {
        if told.is_empty() {
            return;
        }
        told.sort_by(|a, b| a.violation.total_cmp(&b.violation).then(a.loss.total_cmp(&b.loss)));
        let n = self.mean.len();
        let dimension = n as f64;
        let weights = weights(self.population, told.len());
        let mu_eff = 1.0 / weights.iter().map(|w| w * w).sum::<f64>();
        let steps: Vec<Vec<f64>> = told[..weights.len()].iter().map(|told| self.step_to(&told.point)).collect();
        let mean_step: Vec<f64> =
            (0..n).map(|j| weights.iter().zip(&steps).map(|(w, step)| w * step[j]).sum()).collect();
        for (mean, step) in self.mean.iter_mut().zip(&mean_step) {
            *mean += self.sigma * step;
        }

        let c_sigma = (mu_eff + 2.0) / (dimension + mu_eff + 5.0);
        let damping = 1.0 + 2.0 * (libm::sqrt((mu_eff - 1.0) / (dimension + 1.0)) - 1.0).max(0.0) + c_sigma;
        let kept = libm::sqrt(c_sigma * (2.0 - c_sigma) * mu_eff);
        let white_step = self.whiten(&mean_step);
        for (path, white) in self.sigma_path.iter_mut().zip(white_step) {
            *path = (1.0 - c_sigma) * *path + kept * white;
        }
        self.n_generations = self.n_generations.saturating_add(1);
        // Length of the path, in lengths of a standard normal vector.
        let chi = libm::sqrt(dimension) * (1.0 - 1.0 / (4.0 * dimension) + 1.0 / (21.0 * dimension * dimension));
        let length = libm::sqrt(dot(&self.sigma_path, &self.sigma_path)) / chi;
        let expected = libm::sqrt(1.0 - libm::pow(1.0 - c_sigma, 2.0 * f64::from(self.n_generations)));
        let moves_slowly = length / expected < 1.4 + 2.0 / (dimension + 1.0);

        let c_path = (4.0 + mu_eff / dimension) / (dimension + 4.0 + 2.0 * mu_eff / dimension);
        let c_one = 2.0 / ((dimension + 1.3) * (dimension + 1.3) + mu_eff);
        let c_mu = (2.0 * (0.25 + mu_eff + 1.0 / mu_eff - 2.0) / ((dimension + 2.0) * (dimension + 2.0) + mu_eff))
            .min(1.0 - c_one);
        let added = if moves_slowly { libm::sqrt(c_path * (2.0 - c_path) * mu_eff) } else { 0.0 };
        for (path, step) in self.covariance_path.iter_mut().zip(&mean_step) {
            *path = (1.0 - c_path) * *path + added * step;
        }
        let held = if moves_slowly { 0.0 } else { c_one * c_path * (2.0 - c_path) };
        for i in 0..n {
            for j in 0..=i {
                let spread: f64 = weights.iter().zip(&steps).map(|(w, step)| w * step[i] * step[j]).sum();
                let entry = (1.0 - c_one - c_mu + held) * self.covariance[i][j]
                    + c_one * self.covariance_path[i] * self.covariance_path[j]
                    + c_mu * spread;
                self.covariance[i][j] = entry;
                self.covariance[j][i] = entry;
            }
        }
        self.decompose();
        self.sigma *= libm::exp(((c_sigma / damping) * (length - 1.0)).min(1.0));
        let widest = (0..n).map(|coordinate| self.spread(coordinate)).fold(0.0, f64::max);
        if widest > WIDEST {
            self.sigma *= WIDEST / widest;
        }
    }

    /// From the mean to a point, in step sizes, shortened to what a draw practically never exceeds.
    fn step_to(&self, point: &[f64]) -> Vec<f64> {
        let step: Vec<f64> = point.iter().zip(&self.mean).map(|(x, mean)| (x - mean) / self.sigma).collect();
        let white = self.whiten(&step);
        let length = libm::sqrt(dot(&white, &white));
        let longest = libm::sqrt(step.len() as f64) + 3.0;
        if length <= longest { step } else { step.iter().map(|x| x * longest / length).collect() }
    }

    /// `C^(-1/2)` times a vector.
    fn whiten(&self, vector: &[f64]) -> Vec<f64> {
        let n = vector.len();
        let along: Vec<f64> =
            (0..n).map(|k| (0..n).map(|i| self.axes[i][k] * vector[i]).sum::<f64>() / self.lengths[k]).collect();
        self.axes.iter().map(|axis| dot(axis, &along)).collect()
    }

    fn decompose(&mut self) {
        let (axes, eigenvalues) = eigen(&self.covariance);
        let largest = eigenvalues.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        self.lengths = eigenvalues.iter().map(|e| libm::sqrt(e.max(SMALLEST_EIGENVALUE * largest))).collect();
        self.axes = axes;
    }
}

/// Weights of the better half of a generation, or of the `n_told` best if fewer have a value; they add up to 1.
#[expect(clippy::cast_precision_loss, reason = "a generation is small")]
fn weights(population: usize, n_told: usize) -> Vec<f64> {
    let middle = libm::log((population as f64 + 1.0) / 2.0);
    let n = (population / 2).clamp(1, n_told);
    let raw: Vec<f64> = (1..=n).map(|rank| middle - libm::log(rank as f64)).collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|weight| weight / sum).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Eigenvectors, as columns, and eigenvalues of a symmetric matrix, by cyclic Jacobi rotations (Golub and Van Loan,
/// "Matrix computations", section 8.5): slow for large matrices, exact to the last digits for small ones.
fn eigen(matrix: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<f64>) {
    const SWEEPS: usize = 30;
    let n = matrix.len();
    let mut a = matrix.to_vec();
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j] * a[i][j]).sum();
        let diagonal: f64 = (0..n).map(|i| a[i][i] * a[i][i]).sum();
        if off <= 1e-30 * diagonal {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let sign = if theta < 0.0 { -1.0 } else { 1.0 };
                let tangent = sign / (theta.abs() + libm::sqrt(theta * theta + 1.0));
                let cosine = 1.0 / libm::sqrt(tangent * tangent + 1.0);
                let sine = tangent * cosine;
                for row in a.iter_mut().chain(&mut vectors) {
                    (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
                }
                let (above, below) = a.split_at_mut(q);
                for (upper, lower) in above[p].iter_mut().zip(&mut below[0]) {
                    (*upper, *lower) = (cosine * *upper - sine * *lower, sine * *upper + cosine * *lower);
                }
            }
        }
    }
    (vectors, (0..n).map(|i| a[i][i]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn eigenvectors_and_eigenvalues_give_the_matrix_again() {
        let matrix = vec![vec![4.0, 1.0, -2.0], vec![1.0, 2.0, 0.0], vec![-2.0, 0.0, 3.0]];
        let (vectors, values) = eigen(&matrix);
        for i in 0..3 {
            for j in 0..3 {
                let entry: f64 = (0..3).map(|k| vectors[i][k] * values[k] * vectors[j][k]).sum();
                assert!((entry - matrix[i][j]).abs() < 1e-12);
                let product: f64 = (0..3).map(|k| vectors[k][i] * vectors[k][j]).sum();
                assert!((product - if i == j { 1.0 } else { 0.0 }).abs() < 1e-12);
            }
        }
        let (trace, determinant) = (values.iter().sum::<f64>(), values.iter().product::<f64>());
        assert!((trace - 9.0).abs() < 1e-12 && (determinant - 13.0).abs() < 1e-11);
    }

    #[test]
    fn weights_are_logarithmic_and_add_up_to_one() {
        // ln 3.5 - ln i for i = 1, 2, 3, over their sum.
        let [a, b, c] = weights(6, 6)[..] else { panic!("half of six") };
        assert!((a - 0.637_042_4).abs() < 1e-6 && (b - 0.284_570_3).abs() < 1e-6 && (c - 0.078_387_3).abs() < 1e-6);
        assert_eq!(weights(6, 1), [1.0]);
        assert_eq!(weights(2, 2), [1.0]);
    }

    #[test]
    fn the_usual_population_grows_with_the_logarithm() {
        assert_eq!([1, 2, 10, 100].map(Strategy::population), [4, 6, 10, 17]);
    }

    #[test]
    fn it_learns_the_shape_of_an_ellipsoid() {
        let mut strategy = Strategy::new(vec![0.7, 0.2], 0.3, 12);
        let mut stream = Seed::root(3).stream();
        for _ in 0..60 {
            let told = (0..12).map(|_| {
                let point = strategy.draw(&mut stream);
                // Along (1, 1) the function is a thousand times flatter than across.
                let (along, across) = (point[0] + point[1] - 1.0, point[0] - point[1]);
                Told { violation: 0.0, loss: along * along + 1000.0 * across * across, point }
            });
            let told = told.collect();
            strategy.tell(told);
        }
        assert!(strategy.mean().iter().all(|mean| (mean - 0.5).abs() < 1e-6), "{:?}", strategy.mean());
        let c = &strategy.covariance;
        let correlation = c[0][1] / libm::sqrt(c[0][0] * c[1][1]);
        assert!(correlation > 0.98, "{correlation}");
    }

    #[test]
    fn a_generation_without_values_changes_nothing() {
        let mut strategy = Strategy::new(vec![0.5], 0.3, 4);
        strategy.tell(Vec::new());
        assert!(strategy.mean() == [0.5] && strategy.spread(0) == 0.3);
    }
}
