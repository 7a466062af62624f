//! The normal distribution cut to an interval: densities, masses and draws.
//!
//! The mean lies inside the interval and the standard deviation is at most its length, so at least
//! `Phi(1) - Phi(0) = 0.341` of the mass is inside. Hence the normaliser never underflows, and drawing by
//! rejection is exact and needs fewer than three tries on average.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::seed::Stream;

/// A normal with mean `mu` and standard deviation `sigma`, cut to `[low, high]` where there are bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct TruncatedNormal {
    mu: f64,
    sigma: f64,
    bounds: (f64, f64),
}

impl TruncatedNormal {
    /// `bounds` are `None` for a normal that is not cut.
    pub(super) fn new(mu: f64, sigma: f64, bounds: Option<(f64, f64)>) -> Self {
        Self { mu, sigma, bounds: bounds.unwrap_or((f64::NEG_INFINITY, f64::INFINITY)) }
    }

    /// Natural logarithm of the density's factor that does not depend on the point: the density at `x` is
    /// `exp(log_scale - z^2 / 2)` with `z = (x - mu) / sigma`.
    pub(super) fn log_scale(&self) -> f64 {
        -libm::log(self.sigma * self.inside() * libm::sqrt(2.0 * PI))
    }

    /// Probability between `low` and `high` under the normal that is not cut; 0 when it underflows.
    pub(super) fn mass(&self, low: f64, high: f64) -> f64 {
        standard_mass((low - self.mu) / self.sigma, (high - self.mu) / self.sigma)
    }

    /// Probability between the bounds under the normal that is not cut.
    pub(super) fn inside(&self) -> f64 {
        self.mass(self.bounds.0, self.bounds.1)
    }

    /// A draw.
    pub(super) fn draw(&self, stream: &mut Stream) -> f64 {
        loop {
            let x = self.mu + self.sigma * stream.normal();
            if self.bounds.0 <= x && x <= self.bounds.1 {
                return x;
            }
        }
    }
}

/// `Phi(b) - Phi(a)` for `a <= b`, from the tail on the side of the interval, where nothing cancels.
fn standard_mass(a: f64, b: f64) -> f64 {
    let (a, b) = (a * FRAC_1_SQRT_2, b * FRAC_1_SQRT_2);
    if a > 0.0 {
        0.5 * (libm::erfc(a) - libm::erfc(b))
    } else if b < 0.0 {
        0.5 * (libm::erfc(-b) - libm::erfc(-a))
    } else {
        0.5 * (libm::erf(b) - libm::erf(a))
    }
}

#[cfg(test)]
mod tests {
    //! Expected numbers from the definitions, with Python's `math.erfc`, `exp` and `log`.

    use super::*;
    use crate::seed::Seed;

    fn close(got: f64, expected: f64) -> bool {
        (got - expected).abs() <= 1e-12 * expected.abs().max(1.0)
    }

    #[test]
    fn the_density_is_normalised_to_the_interval() {
        let density = |normal: TruncatedNormal, z: f64| normal.log_scale() - 0.5 * z * z;
        let normal = TruncatedNormal::new(0.2, 0.3, Some((0.0, 1.0)));
        assert!(close(density(normal, 1.0), 0.081_182_639_212_279_88));
        let free = TruncatedNormal::new(0.0, 1.0, None);
        assert!(close(density(free, 2.0), -0.5 * (2.0 * PI).ln() - 2.0));
    }

    #[test]
    fn the_mass_of_a_cell_is_a_share_of_the_interval() {
        let normal = TruncatedNormal::new(2.0, 1.5, Some((0.5, 6.5)));
        assert!(close((normal.mass(2.5, 3.5) / normal.inside()).ln(), -1.382_551_948_545_534));
        let cells = (1..=6).map(|k| {
            let k = f64::from(k);
            normal.mass(k - 0.5, k + 0.5)
        });
        assert!(close(cells.sum(), normal.inside()));
    }

    #[test]
    fn tails_do_not_cancel_and_underflow_to_nothing() {
        let normal = TruncatedNormal::new(0.0, 1.0, None);
        assert!(close(normal.mass(8.0, 9.0).ln(), -35.013_618_593_437_144));
        assert_eq!(normal.mass(8.0, 9.0), normal.mass(-9.0, -8.0));
        assert_eq!(normal.mass(50.0, 51.0), 0.0);
    }

    #[test]
    fn draws_stay_inside_and_have_the_mean_of_the_cut_normal() {
        // mu = L, sigma = H - L: mean (pdf(0) - pdf(1)) / (Phi(1) - Phi(0)) = 0.459862
        let normal = TruncatedNormal::new(0.0, 1.0, Some((0.0, 1.0)));
        let mut stream = Seed::root(11).stream();
        let draws: Vec<f64> = (0..20_000).map(|_| normal.draw(&mut stream)).collect();
        assert!(draws.iter().all(|x| (0.0..=1.0).contains(x)));
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        assert!((mean - 0.459_862).abs() < 0.008, "{mean}");
    }
}
