//! The normal distribution cut to an interval: densities, masses and draws.
//!
//! The mean lies inside the interval and the standard deviation is at most its length, so at least
//! `Phi(1) - Phi(0) = 0.341` of the mass is inside. Hence the normaliser never underflows, and drawing by
//! rejection is exact and needs fewer than three tries on average.

use super::upper_tail::Tails;
use super::ziggurat::normal;
use crate::seed::Stream;

/// So many sigma from the mean, less than half of 1's last bit is left.
const ALL_INSIDE: f64 = 8.3;

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

    /// Probability between the bounds under the normal that is not cut.
    pub(super) fn inside(&self) -> f64 {
        let (below, above) = (self.mu - self.bounds.0, self.bounds.1 - self.mu);
        // Most kernels are narrow and far from both ends: the tails beyond would not reach the last bit of 1.
        let reach = ALL_INSIDE * self.sigma;
        if below > reach && above > reach { 1.0 } else { Tails::get().mass(-below / self.sigma, above / self.sigma) }
    }

    /// A draw.
    pub(super) fn draw(&self, stream: &mut Stream) -> f64 {
        loop {
            let x = self.mu + self.sigma * normal(stream);
            if self.bounds.0 <= x && x <= self.bounds.1 {
                return x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! Expected numbers from the definitions, with Python's `math.erfc`, `exp` and `log`.

    use super::*;
    use crate::seed::Seed;

    /// Probability between two points under the normal that is not cut.
    fn mass(normal: &TruncatedNormal, low: f64, high: f64) -> f64 {
        Tails::get().mass((low - normal.mu) / normal.sigma, (high - normal.mu) / normal.sigma)
    }

    fn close(got: f64, expected: f64) -> bool {
        (got - expected).abs() <= 1e-12 * expected.abs().max(1.0)
    }

    #[test]
    fn what_is_inside_the_bounds() {
        let normal = |mu, sigma| TruncatedNormal::new(mu, sigma, Some((0.0, 1.0)));
        // Phi(8 / 3) - Phi(-2 / 3)
        assert!(close(normal(0.2, 0.3).inside(), 0.743_677_081_885_487_3));
        assert_eq!((normal(0.5, 0.05).inside(), TruncatedNormal::new(0.0, 1.0, None).inside()), (1.0, 1.0));
    }

    #[test]
    fn the_mass_of_a_cell_is_a_share_of_the_interval() {
        let normal = TruncatedNormal::new(2.0, 1.5, Some((0.5, 6.5)));
        assert!(close((mass(&normal, 2.5, 3.5) / normal.inside()).ln(), -1.382_551_948_545_534));
        let cells = (1..=6).map(|k| {
            let k = f64::from(k);
            mass(&normal, k - 0.5, k + 0.5)
        });
        assert!(close(cells.sum(), normal.inside()));
    }

    #[test]
    fn tails_do_not_cancel_and_underflow_to_nothing() {
        let normal = TruncatedNormal::new(0.0, 1.0, None);
        assert!(close(mass(&normal, 8.0, 9.0).ln(), -35.013_618_593_437_144));
        assert_eq!(mass(&normal, 8.0, 9.0), mass(&normal, -9.0, -8.0));
        assert_eq!(mass(&normal, 50.0, 51.0), 0.0);
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
