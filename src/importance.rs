//! How much each parameter matters for being among the best trials.
//!
//! PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255) in its form over the trials that were made: a parameter's density
//! among the best tenth is compared with its density among all, by Pearson's divergence, the integral of
//! `p_all (p_best / p_all - 1)^2`. A search that gathers around good values does not count that as importance, for both
//! densities have it.
//!
//! Densities are kernel estimates over at most 50 cells of the parameter's scale, with Scott's bandwidth and one uniform
//! trial as a prior; a choice has its frequencies. A parameter that only some trials have is judged among those, and its
//! divergence counts by their share.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::space::{Distribution, DistributionView, SearchSpace};
use crate::trial::{Direction, TrialRecord};
use crate::value::Value;

/// Complete trials below which nothing is said.
const FEWEST: usize = 10;
/// The part of the trials that is the best.
const BEST: f64 = 0.1;
/// The best are at least so many.
const FEWEST_BEST: usize = 2;
const MOST_CELLS: usize = 50;
/// Smallest bandwidth in cells: nine tenths of a kernel stay in its cell.
const SMALLEST_BANDWIDTH: f64 = 0.5 / 1.64;

/// The share of each parameter in one of the objectives, whose position and direction are given, by name; they add up to
/// 1, or are all 0 when nothing tells the best trials from the others. Trials that miss the constraints are worse than all
/// that keep them, by their violation. Empty with fewer than 10 complete trials.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "trials are counted in memory")]
pub fn importance(
    space: &SearchSpace,
    records: &[TrialRecord],
    objective: usize,
    direction: Direction,
) -> BTreeMap<String, f64> {
    let complete: Vec<([f64; 2], &TrialRecord)> = records
        .iter()
        .filter_map(|record| {
            let score = record.state.score()?;
            Some(([score.violation(), direction.loss(score.values().nth(objective)?)], record))
        })
        .collect();
    if complete.len() < FEWEST {
        return BTreeMap::new();
    }
    let mut order: Vec<[f64; 2]> = complete.iter().map(|(losses, _)| *losses).collect();
    order.sort_by(worse_last);
    let place = |losses: &[f64; 2]| order.partition_point(|other| worse_last(other, losses).is_lt()) as f64;
    let complete: Vec<(f64, &TrialRecord)> = complete.iter().map(|(losses, record)| (place(losses), *record)).collect();
    let mut divergences: BTreeMap<String, f64> = BTreeMap::new();
    for parameter in space.parameters() {
        let name = parameter.name();
        let having: Vec<(f64, &Value)> =
            complete.iter().filter_map(|(loss, record)| Some((*loss, record.assignment.get(name)?))).collect();
        let share = having.len() as f64 / complete.len() as f64;
        divergences.insert(name.to_owned(), share * divergence(parameter.distribution(), &having));
    }
    let sum: f64 = divergences.values().sum();
    if sum > 0.0 {
        divergences.values_mut().for_each(|divergence| *divergence /= sum);
    }
    divergences
}

/// Orders violations, then losses.
fn worse_last(a: &[f64; 2], b: &[f64; 2]) -> Ordering {
    a[0].total_cmp(&b[0]).then(a[1].partial_cmp(&b[1]).unwrap_or(Ordering::Equal))
}

/// Of the best trials from all that have the parameter.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a count is a count"
)]
fn divergence(distribution: &Distribution, trials: &[(f64, &Value)]) -> f64 {
    let Some(cells) = Cells::new(distribution).filter(|_| trials.len() >= FEWEST) else { return 0.0 };
    let n_best = ((BEST * trials.len() as f64).ceil() as usize).max(FEWEST_BEST);
    let mut losses: Vec<f64> = trials.iter().map(|(loss, _)| *loss).collect();
    losses.sort_by(f64::total_cmp);
    let worst_of_best = losses[n_best - 1];
    let (mut best, mut all) = (vec![0.0; cells.n], vec![0.0; cells.n]);
    for (loss, value) in trials {
        if let Some(internal) = distribution.to_internal(value) {
            let cell = cells.of(internal);
            all[cell] += 1.0;
            if *loss <= worst_of_best {
                best[cell] += 1.0;
            }
        }
    }
    let (best, all) = (cells.density(&best), cells.density(&all));
    best.iter().zip(&all).map(|(best, all)| all * (best / all - 1.0) * (best / all - 1.0)).sum()
}

/// A parameter's scale cut into cells of equal width.
struct Cells {
    low: f64,
    high: f64,
    log: bool,
    n: usize,
    /// Whether neighbouring cells have something to do with each other.
    ordered: bool,
}

impl Cells {
    /// `None` for a parameter with one value.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "distributions keep integers within 2^53, and a number of steps is not negative"
    )]
    fn new(distribution: &Distribution) -> Option<Self> {
        if distribution.single().is_some() {
            return None;
        }
        let (low, high, step, log) = match distribution.kind() {
            DistributionView::Choice { options } => {
                let n = options.len();
                return Some(Self { low: -0.5, high: n as f64 - 0.5, log: false, n, ordered: false });
            }
            DistributionView::Ordinal { options } => (0.0, (options.len() - 1) as f64, Some(1.0), false),
            DistributionView::Int { low, high, step, log } => (*low as f64, *high as f64, Some(*step as f64), *log),
            DistributionView::Uniform { low, high, step, log } => (*low, *high, *step, *log),
            DistributionView::Normal { mu, sigma, log } => {
                let (low, high) = (mu - 3.0 * sigma, mu + 3.0 * sigma);
                return Some(Self { low, high, log: *log, n: MOST_CELLS, ordered: true });
            }
        };
        let half = step.unwrap_or(0.0) / 2.0;
        let n = step.map_or(MOST_CELLS as f64, |step| ((high - low) / step).round() + 1.0);
        let scale = |x: f64| if log { libm::log(x) } else { x };
        let n = n.min(MOST_CELLS as f64) as usize;
        Some(Self { low: scale(low - half), high: scale(high + half), log, n, ordered: true })
    }

    /// The cell of an internal number; what lies outside is in the first or the last.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of cells, which `as` keeps from falling below 0"
    )]
    fn of(&self, internal: f64) -> usize {
        let x = if self.log { libm::log(internal) } else { internal };
        ((((x - self.low) / (self.high - self.low)) * self.n as f64) as usize).min(self.n - 1)
    }

    /// Probability of each cell, none of them 0.
    #[expect(clippy::cast_precision_loss, reason = "there are at most a few cells")]
    fn density(&self, counts: &[f64]) -> Vec<f64> {
        let n_trials: f64 = counts.iter().sum();
        let prior = 1.0 / self.n as f64;
        let mut density = vec![prior; self.n];
        if self.ordered {
            let bandwidth = bandwidth(counts, n_trials);
            for (centre, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
                let kernel: Vec<f64> = (0..self.n).map(|cell| mass(cell as f64 - centre as f64, bandwidth)).collect();
                let inside: f64 = kernel.iter().sum();
                density.iter_mut().zip(kernel).for_each(|(density, kernel)| *density += count * kernel / inside);
            }
        } else {
            density.iter_mut().zip(counts).for_each(|(density, count)| *density += count);
        }
        density.iter().map(|density| density / (n_trials + 1.0)).collect()
    }
}

/// Scott's, in cells: from the smaller of the standard deviation and what the quartiles say of it.
#[expect(clippy::cast_precision_loss, reason = "there are at most a few cells")]
fn bandwidth(counts: &[f64], n: f64) -> f64 {
    let weighted = |f: &dyn Fn(f64) -> f64| counts.iter().enumerate().map(|(i, c)| c * f(i as f64)).sum::<f64>();
    let mean = weighted(&|i| i) / n;
    let deviation = libm::sqrt(weighted(&|i| (i - mean) * (i - mean)) / (n - 1.0).max(1.0));
    let quantile = |part: f64| {
        let mut below = 0.0;
        let found = counts.iter().position(|count| {
            below += count;
            below >= part * n
        });
        found.unwrap_or(counts.len() - 1) as f64
    };
    let spread = deviation.min((quantile(0.75) - quantile(0.25)) / 1.34);
    (1.059 * spread * libm::pow(n, -0.2)).max(SMALLEST_BANDWIDTH)
}

/// Of a normal kernel in the cell `distance` cells away.
fn mass(distance: f64, bandwidth: f64) -> f64 {
    let below = |x: f64| 0.5 * libm::erfc(-x / (bandwidth * std::f64::consts::SQRT_2));
    below(distance + 0.5) - below(distance - 0.5)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::sampler::Sampler;
    use crate::seed::Seed;
    use crate::space::{Condition, Parameter};
    use crate::trial::{Score, TrialState};
    use crate::value::Assignment;

    fn random_trials(space: &SearchSpace, n: usize, f: impl Fn(&Assignment) -> f64) -> Vec<TrialRecord> {
        let trial = |number| {
            let assignment = Sampler::Random.suggest(space, &[], Direction::Minimize, number, Seed::root(11));
            TrialRecord { number, state: TrialState::from_objective(f(&assignment)), assignment }
        };
        (0..n).map(trial).collect()
    }

    fn unit(name: &str) -> Parameter {
        Parameter::new(name, Distribution::uniform(0.0, 1.0).unwrap())
    }

    fn number(assignment: &Assignment, name: &str) -> f64 {
        assignment[name].as_f64().unwrap()
    }

    #[test]
    fn shares_of_a_linear_function_are_those_of_its_geometry() {
        let space = SearchSpace::new(vec![unit("a"), unit("b"), unit("c")]).unwrap();
        // 3 a + b is in its best tenth below q = sqrt(0.6), a triangle. There a has the density (q - 3 a) / 0.1 and b
        // (q - b) / 0.3, whose squares integrate to q^3 / 0.09 and q^3 / 0.27; the divergences are those less 1.
        let cube = 0.6_f64.powf(1.5);
        let (a, b) = (cube / 0.09 - 1.0, cube / 0.27 - 1.0);
        let minimised = random_trials(&space, 20_000, |x| 3.0 * number(x, "a") + number(x, "b"));
        let maximised = random_trials(&space, 20_000, |x| -3.0 * number(x, "a") - number(x, "b"));
        for (trials, direction) in [(minimised, Direction::Minimize), (maximised, Direction::Maximize)] {
            let shares = importance(&space, &trials, 0, direction);
            assert!((shares["a"] - a / (a + b)).abs() < 0.02, "{shares:?}");
            assert!((shares["b"] - b / (a + b)).abs() < 0.02, "{shares:?}");
            assert!(shares["c"] < 0.01, "{shares:?}");
            assert!((shares.values().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn frequencies_of_a_choice_are_compared_exactly() {
        let labels: Vec<Value> = ["x", "y", "z", "w"].map(|label| Value::Text(label.to_owned())).to_vec();
        let kind = Distribution::choice(labels.clone()).unwrap();
        // Of 100 trials, 25 of each option; the best ten are all `x`: with the prior (10.25, .25, .25, .25) / 11
        // against 25.25 / 101 for each.
        let option = |i: usize| &labels[if i < 25 { 0 } else { i % 3 + 1 }];
        let trials: Vec<(f64, &Value)> = (0..100_u8).map(|i| (f64::from(i / 10), option(i.into()))).collect();
        let expected = 0.25 * ((10.25 / 11.0 / 0.25_f64 - 1.0).powi(2) + 3.0 * (0.25 / 11.0 / 0.25_f64 - 1.0).powi(2));
        assert!((divergence(&kind, &trials) - expected).abs() < 1e-12);
    }

    #[test]
    fn a_parameter_of_one_branch_counts_by_the_share_of_its_trials() {
        let text = |label: &str| Value::Text(label.to_owned());
        let space = SearchSpace::new(vec![
            Parameter::new("kind", Distribution::choice(vec![text("p"), text("q")]).unwrap()),
            unit("p.x").only_if(Condition::new("kind", vec![text("p")])),
            unit("q.x").only_if(Condition::new("kind", vec![text("q")])),
        ])
        .unwrap();
        let trials = random_trials(&space, 2000, |x| x.get("p.x").or(x.get("q.x")).unwrap().as_f64().unwrap());
        let shares = importance(&space, &trials, 0, Direction::Minimize);
        assert!(shares["kind"] < 0.01 && (shares["p.x"] - shares["q.x"]).abs() < 0.05, "{shares:?}");
    }

    #[test]
    fn few_trials_say_nothing_and_equal_ones_have_no_best() {
        let space = SearchSpace::new(vec![unit("a"), unit("b")]).unwrap();
        assert!(importance(&space, &random_trials(&space, 9, |x| number(x, "a")), 0, Direction::Minimize).is_empty());
        let equal = importance(&space, &random_trials(&space, 50, |_| 1.0), 0, Direction::Minimize);
        assert!(equal.values().all(|share| *share == 0.0) && equal.len() == 2);
    }

    #[test]
    fn trials_that_did_not_complete_do_not_count() {
        let space = SearchSpace::new(vec![unit("a"), unit("b")]).unwrap();
        let mut trials = random_trials(&space, 100, |x| number(x, "a"));
        let shares = importance(&space, &trials, 0, Direction::Minimize);
        let mut failed = random_trials(&space, 50, |_| 0.0);
        failed.iter_mut().for_each(|record| record.state = TrialState::from_objective(f64::NAN));
        trials.extend(failed);
        assert_eq!(importance(&space, &trials, 0, Direction::Minimize), shares);
    }

    #[test]
    fn each_objective_has_shares_of_its_own_and_a_violation_counts_before_the_value() {
        let space = SearchSpace::new(vec![unit("a"), unit("b")]).unwrap();
        let mut trials = random_trials(&space, 400, |x| number(x, "a"));
        for record in &mut trials {
            let (a, b) = (number(&record.assignment, "a"), number(&record.assignment, "b"));
            record.state = Score::new(a, vec![b], 0.0).into();
        }
        assert!(importance(&space, &trials, 0, Direction::Minimize)["a"] > 0.9);
        assert!(importance(&space, &trials, 1, Direction::Maximize)["b"] > 0.9);
        for record in &mut trials {
            let b = number(&record.assignment, "b");
            record.state = Score::new(number(&record.assignment, "a"), Vec::new(), (b - 0.05).max(0.0)).into();
        }
        let shares = importance(&space, &trials, 0, Direction::Minimize);
        assert!(shares["b"] > 0.9, "the best tenth is chosen by its violation: {shares:?}");
    }
}
