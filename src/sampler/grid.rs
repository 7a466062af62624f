//! Grid search: every point of a finite space once.
//!
//! A space is a forest: a parameter with a condition hangs below an option of its choice. The points below a choice are
//! those of its options added up, the points of parameters side by side are multiplied; so a space has a number of
//! points, and every point an index, without any list of them. Values that are not active under an option make no points.
//!
//! The order is a random one, drawn from the study's seed: whenever a search ends, it has seen every part of the space
//! alike. It is a permutation computed index by index (a Feistel network over the next power of four, walked until it
//! falls below the number of points: Black and Rogaway 2002, CT-RSA, "Ciphers with arbitrary finite domains").

use std::collections::BTreeSet;

use super::error::SamplerError;
use crate::seed::Seed;
use crate::space::{Distribution, DistributionView, SearchSpace};
use crate::trial::TrialRecord;
use crate::value::{Assignment, Value};

/// More points than this are refused; a search of that many trials is too long by far.
const MOST: u64 = 1 << 40;
const ROUNDS: usize = 4;

/// The points of a finite space that agree with some known values.
pub(super) struct Grid<'a> {
    axes: Vec<Axis<'a>>,
    /// The axes that hang below nothing.
    roots: Vec<usize>,
    n_points: u64,
}

struct Axis<'a> {
    name: &'a str,
    distribution: &'a Distribution,
    /// Position of the first value among the distribution's, and how many there are.
    first: u64,
    n_values: u64,
    /// Of a choice with parameters below it: for every option, those and the number of their points.
    below: Vec<(Vec<usize>, u64)>,
    /// Points of this parameter and of all below it.
    n_points: u64,
}

impl<'a> Grid<'a> {
    /// The grid of a space, with `known` parameters held at their values.
    ///
    /// # Errors
    /// If a parameter has no finite number of values, or there are more than 2^40 points.
    pub(super) fn new(space: &'a SearchSpace, known: &Assignment) -> Result<Self, SamplerError> {
        let parameters = space.parameters();
        if let Some(endless) = parameters.iter().find(|parameter| n_values(parameter.distribution()).is_none()) {
            let (name, distribution) = (endless.name().to_owned(), Box::new(endless.distribution().clone()));
            return Err(SamplerError::NotFinite { name, distribution });
        }
        let position = |name: &str| parameters.iter().position(|parameter| parameter.name() == name);
        let mut roots = Vec::new();
        let mut hanging: Vec<(usize, usize, &[Value])> = Vec::new();
        for (index, parameter) in parameters.iter().enumerate() {
            match parameter.condition() {
                None => roots.push(index),
                Some(condition) => {
                    let choice = position(condition.parameter()).expect("a space has the choices of its conditions");
                    hanging.push((choice, index, condition.options()));
                }
            }
        }
        let mut totals = vec![0; parameters.len()];
        let mut axes = Vec::with_capacity(parameters.len());
        // What hangs below a choice comes after it, so its points are counted first.
        for (index, parameter) in parameters.iter().enumerate().rev() {
            let (name, distribution) = (parameter.name(), parameter.distribution());
            let too_large = || SamplerError::GridTooLarge { name: name.to_owned() };
            let (first, n_values) = match known.get(name).and_then(|value| position_of(distribution, value)) {
                Some(position) => (position, 1),
                None => (0, n_values(distribution).expect("every parameter has finitely many values")),
            };
            let mut below = Vec::new();
            if let DistributionView::Choice { options } = distribution.kind()
                && hanging.iter().any(|(choice, ..)| *choice == index)
            {
                for option in options {
                    let under: Vec<usize> = hanging
                        .iter()
                        .filter(|(choice, _, under)| *choice == index && under.contains(option))
                        .map(|(_, hangs, _)| *hangs)
                        .collect();
                    let n = product(under.iter().map(|&hangs| totals[hangs])).ok_or_else(too_large)?;
                    below.push((under, n));
                }
            }
            let mut axis = Axis { name, distribution, first, n_values, below, n_points: 0 };
            axis.n_points = axis.count().ok_or_else(too_large)?;
            totals[index] = axis.n_points;
            axes.push(axis);
        }
        axes.reverse();
        let mut n_points = 1;
        for &root in &roots {
            let name = axes[root].name.to_owned();
            n_points = product([n_points, totals[root]]).ok_or(SamplerError::GridTooLarge { name })?;
        }
        Ok(Self { axes, roots, n_points })
    }

    /// Number of points, at least 1.
    pub(super) fn n_points(&self) -> u64 {
        self.n_points
    }

    /// The next point in the order of `seed` that no trial has tried. When all have been, the order begins again.
    pub(super) fn next(&self, history: &[TrialRecord], seed: Seed) -> Assignment {
        let tried: BTreeSet<u64> = history.iter().filter_map(|record| self.index(&record.assignment)).collect();
        let order = Order::new(self.n_points, seed);
        let mut in_order = (0..self.n_points).map(|position| order.index(position));
        let index = if tried.len() as u64 == self.n_points {
            order.index(history.len() as u64 % self.n_points)
        } else {
            in_order.find(|index| !tried.contains(index)).expect("a point has not been tried")
        };
        self.point(index)
    }

    /// The point of this index: parameters in their order, the first changing slowest.
    fn point(&self, index: u64) -> Assignment {
        let mut assignment = Assignment::new();
        self.place(&self.roots, index, &mut assignment);
        assignment
    }

    fn place(&self, side_by_side: &[usize], mut index: u64, assignment: &mut Assignment) {
        for &at in side_by_side.iter().rev() {
            let axis = &self.axes[at];
            let mut inside = index % axis.n_points;
            index /= axis.n_points;
            let mut value = axis.first;
            if axis.below.is_empty() {
                value += inside;
            } else {
                while inside >= axis.below(value).1 {
                    inside -= axis.below(value).1;
                    value += 1;
                }
                self.place(&axis.below(value).0, inside, assignment);
            }
            assignment.insert(axis.name.to_owned(), value_at(axis.distribution, value));
        }
    }

    /// The index of a point; `None` for what is none of this grid.
    fn index(&self, assignment: &Assignment) -> Option<u64> {
        self.find(&self.roots, assignment)
    }

    fn find(&self, side_by_side: &[usize], assignment: &Assignment) -> Option<u64> {
        side_by_side.iter().try_fold(0, |index, &at| {
            let axis = &self.axes[at];
            let value = position_of(axis.distribution, assignment.get(axis.name)?)?;
            let offset = value.checked_sub(axis.first).filter(|&offset| offset < axis.n_values)?;
            let inside = if axis.below.is_empty() {
                offset
            } else {
                let before: u64 = (axis.first..value).map(|value| axis.below(value).1).sum();
                before + self.find(&axis.below(value).0, assignment)?
            };
            Some(index * axis.n_points + inside)
        })
    }
}

impl Axis<'_> {
    fn below(&self, value: u64) -> &(Vec<usize>, u64) {
        &self.below[usize::try_from(value).expect("options are counted in memory")]
    }

    fn count(&self) -> Option<u64> {
        if self.below.is_empty() {
            return Some(self.n_values).filter(|&n| n <= MOST);
        }
        let options = self.first..self.first + self.n_values;
        Some(options.map(|value| self.below(value).1).sum()).filter(|&n| n <= MOST)
    }
}

/// `None` above the limit, so that sums of a few are no overflow either.
fn product(counts: impl IntoIterator<Item = u64>) -> Option<u64> {
    counts.into_iter().try_fold(1_u64, |product, n| product.checked_mul(n).filter(|&n| n <= MOST))
}

/// How many values there are; `None` for endlessly many.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of steps, checked to be finite")]
fn n_values(distribution: &Distribution) -> Option<u64> {
    match distribution.kind() {
        DistributionView::Uniform { low, high, step: Some(step), .. } => Some(((high - low) / step).round() as u64 + 1),
        DistributionView::Int { low, high, step, .. } => Some(((high - low) / step) as u64 + 1),
        DistributionView::Choice { options } | DistributionView::Ordinal { options } => Some(options.len() as u64),
        DistributionView::Uniform { .. } | DistributionView::Normal { .. } => distribution.single().map(|_| 1),
    }
}

/// Where the first value lies and how far apart they are, as internal numbers.
#[expect(clippy::cast_precision_loss, reason = "distributions keep integers within 2^53")]
fn ruler(distribution: &Distribution) -> (f64, f64) {
    match distribution.kind() {
        DistributionView::Uniform { low, step, .. } => (*low, step.unwrap_or(1.0)),
        DistributionView::Int { low, step, .. } => (*low as f64, *step as f64),
        DistributionView::Choice { .. } | DistributionView::Ordinal { .. } | DistributionView::Normal { .. } => {
            (0.0, 1.0)
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
fn value_at(distribution: &Distribution, position: u64) -> Value {
    let (low, step) = ruler(distribution);
    distribution.from_internal(low + position as f64 * step)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a value is not below the first")]
fn position_of(distribution: &Distribution, value: &Value) -> Option<u64> {
    let (low, step) = ruler(distribution);
    distribution.to_internal(value).map(|internal| ((internal - low) / step).round() as u64)
}

/// A permutation of `0..n`.
struct Order {
    n: u64,
    /// Bits of each half.
    half: u32,
    keys: [u64; ROUNDS],
}

impl Order {
    fn new(n: u64, seed: Seed) -> Self {
        let bits = u64::BITS - n.saturating_sub(1).leading_zeros();
        let mut stream = seed.stream();
        Self { n, half: bits.div_ceil(2), keys: std::array::from_fn(|_| stream.bits()) }
    }

    fn index(&self, position: u64) -> u64 {
        let mut index = position;
        loop {
            index = self.once(index);
            if index < self.n {
                return index;
            }
        }
    }

    fn once(&self, index: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (index >> self.half, index & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        left << self.half | right
    }
}

/// A fixed mixing of 64 bits: the finaliser of SplitMix64 (Steele et al. 2014, OOPSLA).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::space::{Condition, Parameter};
    use crate::trial::TrialState;

    fn text(label: &str) -> Value {
        Value::Text(label.to_owned())
    }

    /// Adam with three learning rates, or SGD with three and two momenta; two widths: (3 + 3 x 2) x 2 points.
    fn space() -> SearchSpace {
        let rates = Distribution::uniform(0.0, 0.2).unwrap().with_step(0.1).unwrap();
        SearchSpace::new(vec![
            Parameter::new("opt", Distribution::choice(vec![text("adam"), text("sgd")]).unwrap()),
            Parameter::new("lr", rates).only_if(Condition::new("opt", vec![text("adam"), text("sgd")])),
            Parameter::new("momentum", Distribution::ordinal(vec![Value::Float(0.5), Value::Float(0.9)]).unwrap())
                .only_if(Condition::new("opt", vec![text("sgd")])),
            Parameter::new("width", Distribution::int(16, 32).unwrap().with_step(16.0).unwrap()),
        ])
        .unwrap()
    }

    fn record(number: usize, assignment: Assignment) -> TrialRecord {
        TrialRecord { number, assignment, state: TrialState::from_objective(0.0) }
    }

    #[test]
    fn only_active_parameters_make_points_and_each_has_its_index() {
        let space = space();
        let grid = Grid::new(&space, &Assignment::new()).unwrap();
        assert_eq!(grid.n_points(), 18);
        let points: Vec<Assignment> = (0..18).map(|index| grid.point(index)).collect();
        for (index, point) in points.iter().enumerate() {
            space.check(point).unwrap();
            assert_eq!(grid.index(point), Some(index as u64));
            assert!(!points[..index].contains(point));
        }
        assert_eq!(points[1]["width"], Value::Int(32));
        assert_eq!(points[17]["lr"], Value::Float(0.2));
    }

    #[test]
    fn every_point_comes_once_whatever_was_tried_before() {
        let space = space();
        let grid = Grid::new(&space, &Assignment::new()).unwrap();
        let mut history = vec![record(0, grid.point(11)), record(1, grid.point(3))];
        while history.len() < 18 {
            let next = grid.next(&history, Seed::root(5));
            assert!(history.iter().all(|record| record.assignment != next));
            history.push(record(history.len(), next));
        }
        space.check(&grid.next(&history, Seed::root(5))).unwrap();
    }

    #[test]
    fn known_values_leave_the_points_that_agree_with_them() {
        let space = space();
        let known = Assignment::from([("opt".to_owned(), text("sgd")), ("width".to_owned(), Value::Int(16))]);
        let grid = Grid::new(&space, &known).unwrap();
        assert_eq!(grid.n_points(), 6);
        for index in 0..6 {
            let point = grid.point(index);
            space.check(&point).unwrap();
            assert!(known.iter().all(|(name, value)| point[name] == *value));
            assert_eq!(grid.index(&point), Some(index));
        }
    }

    #[test]
    fn the_order_is_a_permutation_that_the_seed_decides() {
        for n in [1, 2, 3, 4, 5, 17, 1000] {
            let order = Order::new(n, Seed::root(1));
            let all: BTreeSet<u64> = (0..n).map(|position| order.index(position)).collect();
            assert!(all.len() as u64 == n && all.last() == Some(&(n - 1)), "{n}");
        }
        let first = |seed| (0..10).map(|at| Order::new(1000, Seed::root(seed)).index(at)).collect::<Vec<_>>();
        assert_ne!(first(1), first(2));
        assert_ne!(first(1), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn endless_and_too_many_values_are_refused_by_name() {
        let refusal = |parameters| {
            let space = SearchSpace::new(parameters).unwrap();
            Grid::new(&space, &Assignment::new()).err().unwrap()
        };
        let endless = |name: &str| Parameter::new(name, Distribution::uniform(0.0, 1.0).unwrap());
        let error = refusal(vec![endless("x"), endless("y")]);
        assert_eq!(error.to_string(), "a grid needs finitely many values, and `x` comes from uniform(0.0, 1.0)");
        assert_eq!(
            error.hint(),
            "give it a step, as in uniform(0.0, 1.0).step(0.1), or list its values in ordinal([...])"
        );
        let error = refusal(vec![Parameter::new("z", Distribution::normal(0.0, 1.0).unwrap())]);
        assert_eq!(error.hint(), "list its values in ordinal([...])");
        let wide = |name: &str| Parameter::new(name, Distribution::int(1, 1 << 30).unwrap());
        let error = refusal(vec![wide("a"), wide("b")]);
        assert_eq!(error.to_string(), "the grid has more than 2^40 points; `b` is where it grows beyond that");
    }
}
