//! The covariance matrix adaptation evolution strategy, for numbers without choices.
//!
//! After the tutorial (Hansen 2016, arXiv 1604.00772), with positive weights only. Where it differs:
//!
//! - The strategy is a pure function of the trials before: it is carried from generation to generation over the trials in
//!   the order of their numbers, as often as it is asked. A generation that has a pending trial, and all after it, are
//!   not there yet; their trials come from the distribution before.
//! - What counts is the value that was tried, after rounding and clipping, wherever it came from. So a known point moves
//!   the mean, by at most the length that steps of the strategy's own practically never exceed (Hansen 2011, INRIA
//!   RR-7748, "Injecting external solutions into CMA-ES").
//! - Points outside the bounds are drawn again, at most a hundred times, then clipped. A stepped parameter is never
//!   drawn with less spread than lets it reach the neighbouring value.
//! - A trial that failed or was pruned is worse than any complete one: it has no weight. One that misses the constraints is
//!   worse than any that keeps them, by its violation.
//! - When it has converged it begins anew at a random place with twice the population (Auger and Hansen 2005, CEC,
//!   "A restart CMA evolution strategy with increasing population size").
//!
//! [`strategy`](super::strategy) has the mathematics; this file has the way between it and assignments.

use super::axis::{Axis, Line};
use super::error::SamplerError;
use super::strategy::{Strategy, Told};
use crate::seed::{Seed, Stream};
use crate::space::{DistributionView, Parameter, SearchSpace};
use crate::trial::{Direction, TrialRecord, TrialState};
use crate::value::Assignment;

/// Draws of a point inside the bounds before it is clipped.
const ATTEMPTS: usize = 100;
/// Smallest standard deviation of a stepped parameter, in steps: one draw in ten reaches a neighbour.
const SMALLEST_SPREAD: f64 = 0.3;
/// Standard deviation that a normal parameter's own has in the strategy's coordinates.
const NORMAL_SCALE: f64 = 0.3;

/// The knobs of CMA-ES.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CmaEsSettings {
    /// Standard deviation of the first generation, as a part of each parameter's range (0.3); above 0.
    pub sigma: f64,
    /// Trials of a generation; 4 + 3 ln(number of parameters) if `None`. At least 2.
    pub population: Option<usize>,
}

impl Default for CmaEsSettings {
    fn default() -> Self {
        Self { sigma: 0.3, population: None }
    }
}

/// Refuses parameters without an order. What depends on a choice need not be looked at: the choice comes first.
pub(super) fn check(space: &SearchSpace) -> Result<(), SamplerError> {
    let unordered = |parameter: &&Parameter| matches!(parameter.distribution().kind(), DistributionView::Choice { options } if options.len() > 1);
    match space.parameters().iter().find(unordered) {
        None => Ok(()),
        Some(parameter) => Err(SamplerError::NotNumeric {
            name: parameter.name().to_owned(),
            distribution: Box::new(parameter.distribution().clone()),
        }),
    }
}

/// The assignment of the trial whose seed is `trial`; `seed` is the search's, of which restarts are drawn.
pub(super) fn suggest(
    settings: &CmaEsSettings,
    space: &SearchSpace,
    history: &[TrialRecord],
    direction: Direction,
    seed: Seed,
    trial: Seed,
) -> Assignment {
    let coordinates: Vec<Coordinate<'_>> = space.parameters().iter().filter_map(Coordinate::new).collect();
    let mut assignment: Assignment = space
        .parameters()
        .iter()
        .filter_map(|parameter| Some((parameter.name().to_owned(), parameter.distribution().single()?)))
        .collect();
    if coordinates.is_empty() {
        return assignment;
    }
    let strategy = replay(settings, &coordinates, history, direction, seed);
    let point = draw(&strategy, &coordinates, &mut trial.child("joint").stream());
    assignment.extend(coordinates.iter().zip(point).map(|(coordinate, x)| {
        let value = coordinate.parameter.distribution().from_internal(coordinate.to_internal(x));
        (coordinate.parameter.name().to_owned(), value)
    }));
    assignment
}

/// The strategy after all generations that have ended.
fn replay(
    settings: &CmaEsSettings,
    coordinates: &[Coordinate<'_>],
    history: &[TrialRecord],
    direction: Direction,
    seed: Seed,
) -> Strategy {
    let mut records: Vec<&TrialRecord> = history.iter().collect();
    records.sort_by_key(|record| record.number);
    let n = coordinates.len();
    let mut population = settings.population.unwrap_or_else(|| Strategy::population(n));
    let mut strategy = Strategy::new(vec![0.5; n], settings.sigma, population);
    let mut n_restarts = 0;
    let mut rest = &records[..];
    while rest.len() >= population && rest[..population].iter().all(|record| record.state != TrialState::Pending) {
        let (generation, after) = rest.split_at(population);
        rest = after;
        let told = generation.iter().filter_map(|record| {
            let score = record.state.score()?;
            let point =
                coordinates.iter().map(|coordinate| coordinate.of(&record.assignment)).collect::<Option<_>>()?;
            Some(Told { point, violation: score.violation(), loss: direction.loss(score.value()) })
        });
        strategy.tell(told.collect());
        if strategy.has_converged() {
            let mut stream = seed.child_at("restart", n_restarts).stream();
            n_restarts += 1;
            population *= 2;
            strategy = Strategy::new((0..n).map(|_| stream.unit()).collect(), settings.sigma, population);
        }
    }
    strategy
}

fn draw(strategy: &Strategy, coordinates: &[Coordinate<'_>], stream: &mut Stream) -> Vec<f64> {
    let mut point = Vec::new();
    for _ in 0..ATTEMPTS {
        point = strategy.draw(stream);
        for (index, (x, coordinate)) in point.iter_mut().zip(coordinates).enumerate() {
            let spread = strategy.spread(index);
            if spread < coordinate.smallest_spread {
                let missing = coordinate.smallest_spread * coordinate.smallest_spread - spread * spread;
                *x += libm::sqrt(missing) * stream.normal();
            }
        }
        let is_inside = |(x, coordinate): (&f64, &Coordinate<'_>)| !coordinate.is_bounded() || (0.0..=1.0).contains(x);
        if point.iter().zip(coordinates).all(is_inside) {
            break;
        }
    }
    point
}

/// A parameter with more than one value, on a scale on which its bounds are 0 and 1.
struct Coordinate<'a> {
    parameter: &'a Parameter,
    line: Line<'a>,
    /// Where 0 lies on the line, and how long 1 is.
    origin: f64,
    unit: f64,
    smallest_spread: f64,
}

impl<'a> Coordinate<'a> {
    /// `None` for a parameter with one value.
    fn new(parameter: &'a Parameter) -> Option<Self> {
        let distribution = parameter.distribution();
        if distribution.single().is_some() {
            return None;
        }
        let Axis::Line(line) = Axis::new(distribution) else { return None };
        let (origin, unit) = match line.bounds {
            Some((low, high)) => (low, high - low),
            None => {
                let (mu, sigma) = line.prior;
                (mu - 0.5 * sigma / NORMAL_SCALE, sigma / NORMAL_SCALE)
            }
        };
        // On a log scale steps are not of one width; the mean one is what a line of that many values has.
        let smallest_spread = match (line.step, distribution.kind()) {
            (None, _) => 0.0,
            #[expect(clippy::cast_precision_loss, reason = "distributions keep integers within 2^53")]
            (Some(step), DistributionView::Int { low, high, .. }) => {
                SMALLEST_SPREAD * step / ((high - low) as f64 + step)
            }
            (Some(step), _) => SMALLEST_SPREAD * step / unit,
        };
        Some(Self { parameter, line, origin, unit, smallest_spread })
    }

    fn is_bounded(&self) -> bool {
        self.line.bounds.is_some()
    }

    /// The internal number at a coordinate, clipped into the bounds.
    fn to_internal(&self, x: f64) -> f64 {
        let x = if self.is_bounded() { x.clamp(0.0, 1.0) } else { x };
        self.line.to_internal(self.origin + self.unit * x)
    }

    /// The coordinate of what was tried; `None` if that has no value for the parameter, or one of another space.
    fn of(&self, assignment: &Assignment) -> Option<f64> {
        let internal = self.parameter.distribution().to_internal(assignment.get(self.parameter.name())?)?;
        Some((self.line.coordinate(internal) - self.origin) / self.unit)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::sampler::Sampler;
    use crate::space::Distribution;
    use crate::value::Value;

    fn sampler() -> Sampler {
        Sampler::CmaEs(CmaEsSettings::default())
    }

    fn cube(n: usize) -> SearchSpace {
        let x = |i: usize| Parameter::new(format!("x{i}"), Distribution::uniform(-1.0, 2.0).unwrap());
        SearchSpace::new((0..n).map(x).collect()).unwrap()
    }

    /// Best value of 300 trials, each asked with the last `lag - 1` pending.
    fn sphere(lag: usize) -> f64 {
        let (space, seed) = (cube(3), Seed::root(9));
        let mut history: Vec<TrialRecord> = Vec::new();
        for number in 0..300 {
            let mut seen = history.clone();
            let from = (number + 1_usize).saturating_sub(lag);
            seen[from..].iter_mut().for_each(|record| record.state = TrialState::Pending);
            let assignment = sampler().suggest(&space, &seen, Direction::Minimize, number, seed);
            let value = assignment.values().map(|x| x.as_f64().unwrap().powi(2)).sum();
            history.push(TrialRecord { number, assignment, state: TrialState::from_objective(value) });
        }
        let values = history.iter().map(|record| record.state.score().expect("all have ended").value());
        values.fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn it_converges_on_a_sphere_with_pending_trials_too() {
        assert!(sphere(1) < 1e-6, "{}", sphere(1));
        assert!(sphere(4) < 1e-4, "{}", sphere(4));
    }

    #[test]
    fn a_known_point_in_the_first_generation_moves_the_mean_towards_it() {
        let space = cube(4);
        let record = |number: usize, x: f64, value: f64| TrialRecord {
            number,
            assignment: (0..4).map(|i| (format!("x{i}"), Value::Float(x))).collect(),
            state: TrialState::from_objective(value),
        };
        let mut history: Vec<TrialRecord> = (1..8).map(|n| record(n, 0.5, 10.0)).collect();
        history.push(record(0, 1.4, 0.0));
        let coordinates: Vec<Coordinate<'_>> = space.parameters().iter().filter_map(Coordinate::new).collect();
        let replayed = |history: &[TrialRecord]| {
            replay(&CmaEsSettings::default(), &coordinates, history, Direction::Minimize, Seed::root(1))
        };
        // The first of four weights of a population of eight is ln(4.5 / 1) / ln(4.5^4 / 4!) = 0.5299; 0.3 from 0.5 to 0.8.
        for mean in replayed(&history).mean() {
            assert!((mean - (0.5 + 0.5299 * 0.3)).abs() < 1e-4, "{mean}");
        }
        history[2].state = TrialState::Pending;
        assert_eq!(replayed(&history).mean(), [0.5; 4]);
    }

    #[test]
    fn it_begins_anew_when_it_has_converged() {
        let space = cube(2);
        let history: Vec<TrialRecord> = study_of(&space, 3000);
        let late: Vec<f64> = history[2000..].iter().map(|record| record.assignment["x0"].as_f64().unwrap()).collect();
        assert!(late.iter().any(|x| x.abs() > 0.5) && late.iter().any(|x| x.abs() < 1e-3));
    }

    fn study_of(space: &SearchSpace, n_trials: usize) -> Vec<TrialRecord> {
        let mut history: Vec<TrialRecord> = Vec::new();
        for number in 0..n_trials {
            let assignment = sampler().suggest(space, &history, Direction::Minimize, number, Seed::root(2));
            let value = assignment.values().map(|x| x.as_f64().unwrap().powi(2)).sum();
            history.push(TrialRecord { number, assignment, state: TrialState::from_objective(value) });
        }
        history
    }

    #[test]
    fn a_choice_is_refused_by_name_and_one_option_is_none() {
        let text = |label: &str| Value::Text(label.to_owned());
        let space = |options: Vec<Value>| {
            SearchSpace::new(vec![Parameter::new("opt", Distribution::choice(options).unwrap())]).unwrap()
        };
        assert_eq!(check(&space(vec![text("adam")])), Ok(()));
        assert_eq!(
            check(&space(vec![text("adam"), text("sgd")])).unwrap_err().to_string(),
            "CMA-ES moves through numbers, and `opt` comes from choice([\"adam\", \"sgd\"]), which has no order"
        );
    }
}
