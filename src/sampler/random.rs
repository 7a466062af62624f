//! Random search: every active parameter on its own.

use super::axis::Axis;
use super::parameter_seed;
use crate::seed::{Seed, Stream};
use crate::space::{Distribution, SearchSpace};
use crate::value::{Assignment, Value};

/// One random value for every active parameter.
pub(super) fn suggest(space: &SearchSpace, trial: Seed) -> Assignment {
    let mut assignment = Assignment::new();
    for parameter in space.parameters() {
        if parameter.is_active(&assignment) {
            let mut stream = parameter_seed(trial, parameter.name()).stream();
            let value = draw(parameter.distribution(), &mut stream);
            assignment.insert(parameter.name().to_owned(), value);
        }
    }
    assignment
}

/// One value, uniform on the distribution's scale, or normal where it is. Every value of a grid is equally likely
/// on a linear scale: the ends are drawn from a whole step too.
pub(super) fn draw(distribution: &Distribution, stream: &mut Stream) -> Value {
    let internal = match Axis::new(distribution) {
        #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
        Axis::Options { count } => stream.below(count) as f64,
        Axis::Line(line) => line.to_internal(match line.bounds {
            Some((low, high)) => stream.uniform(low, high),
            None => line.prior.0 + line.prior.1 * stream.normal(),
        }),
    };
    distribution.from_internal(internal)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn counts(distribution: &Distribution, n: usize) -> BTreeMap<String, usize> {
        let mut stream = Seed::root(3).stream();
        let mut counts = BTreeMap::new();
        for _ in 0..n {
            *counts.entry(draw(distribution, &mut stream).to_string()).or_default() += 1;
        }
        counts
    }

    #[test]
    fn a_stepped_float_hits_every_value_equally() {
        let counts = counts(&Distribution::uniform(0.0, 0.3).unwrap().with_step(0.1).unwrap(), 4000);
        assert_eq!(counts.keys().collect::<Vec<_>>(), ["0.0", "0.1", "0.2", "0.3"]);
        assert!(counts.values().all(|n| (900..1100).contains(n)), "{counts:?}");
    }

    #[test]
    fn a_stepped_int_and_a_choice_hit_every_value_equally() {
        let stepped = counts(&Distribution::int(1, 9).unwrap().with_step(4.0).unwrap(), 3000);
        assert_eq!(stepped.keys().collect::<Vec<_>>(), ["1", "5", "9"]);
        let labels = ["a", "b", "c"].map(|label| Value::Text(label.to_owned())).to_vec();
        let choice = counts(&Distribution::choice(labels.clone()).unwrap(), 3000);
        let ordinal = counts(&Distribution::ordinal(labels).unwrap(), 3000);
        for counts in [stepped, choice, ordinal] {
            assert_eq!(counts.len(), 3);
            assert!(counts.values().all(|n| (900..1100).contains(n)), "{counts:?}");
        }
    }

    #[test]
    fn a_log_int_hits_every_value_by_its_share_of_the_logarithm() {
        let counts = counts(&Distribution::log_int(1, 4).unwrap(), 10_000);
        // ln((k + .5) / (k - .5)) / ln 9 for k = 1..4
        for (value, share) in [("1", 0.5), ("2", 0.2325), ("3", 0.1531), ("4", 0.1144)] {
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            let got = counts[value] as f64 / 10_000.0;
            assert!((got - share).abs() < 0.015, "{value}: {got}");
        }
    }

    #[test]
    fn a_log_uniform_is_uniform_in_the_logarithm() {
        let distribution = Distribution::log_uniform(1e-6, 1e-2).unwrap();
        let mut stream = Seed::root(5).stream();
        let values: Vec<f64> = (0..4000).map(|_| draw(&distribution, &mut stream).as_f64().unwrap()).collect();
        assert!(values.iter().all(|x| (1e-6..=1e-2).contains(x)));
        let small = values.iter().filter(|x| **x < 1e-4).count();
        assert!((1850..2150).contains(&small), "{small}");
    }

    #[test]
    fn a_log_normal_has_its_median_at_exp_mu() {
        let distribution = Distribution::log_normal(-3.0, 2.0).unwrap();
        let mut stream = Seed::root(5).stream();
        let values: Vec<f64> = (0..4000).map(|_| draw(&distribution, &mut stream).as_f64().unwrap()).collect();
        let below = values.iter().filter(|x| **x < (-3.0_f64).exp()).count();
        let within = values.iter().filter(|x| (x.ln() + 3.0).abs() < 2.0).count();
        assert!((1850..2150).contains(&below), "{below}");
        assert!((2620..2840).contains(&within), "{within} of 4000 within one sigma, not 68 %");
    }
}
