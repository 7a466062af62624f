//! What became of the trials in each part of a parameter's values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Study;
use crate::space::{Distribution, DistributionView, Parameter};
use crate::trial::{Direction, TrialRecord};
use crate::value::Value;

/// A number's values are cut into about this many slices.
const PARTS: usize = 5;

/// The trials with some neighbouring values of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The lowest of the values; the option of a choice.
    pub from: Value,
    /// The highest, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// How many trials have them.
    pub n: usize,
    /// The best objective value of these.
    pub best: f64,
    /// The median; of two middle ones their mean.
    pub median: f64,
}

impl Study {
    /// What the first objective was in each part of each parameter's values; nothing for a parameter without a complete trial
    /// that meets the constraints.
    #[must_use]
    pub fn slices(&self) -> BTreeMap<String, Vec<Slice>> {
        let of_parameter =
            |parameter: &Parameter| (parameter.name().to_owned(), slices(parameter, &self.records, self.directions[0]));
        self.space.parameters().iter().map(of_parameter).filter(|(_, slices)| !slices.is_empty()).collect()
    }
}

/// The slices of a parameter in the order of its values, from the complete trials that have it and meet the constraints.
/// Each option of a choice is a slice, and so is each value of a number that had few; of more, each has as near as may be
/// the same number of trials, and equal values stay together.
fn slices(parameter: &Parameter, records: &[TrialRecord], direction: Direction) -> Vec<Slice> {
    let distribution = parameter.distribution();
    let point = |record: &TrialRecord| {
        let score = record.state.score().filter(|score| score.is_feasible())?;
        Some((distribution.to_internal(record.assignment.get(parameter.name())?)?, score.value()))
    };
    let mut points: Vec<(f64, f64)> = records.iter().filter_map(point).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let equal: Vec<&[(f64, f64)]> = points.chunk_by(|a, b| a.0 == b.0).collect();
    let is_whole = equal.len() <= PARTS || is_category(distribution);
    let mut slices: Vec<(usize, Vec<(f64, f64)>)> = Vec::new();
    let mut n_before = 0;
    for (position, group) in equal.iter().enumerate() {
        let part = if is_whole { position } else { n_before * PARTS / points.len() };
        match slices.last_mut() {
            Some((held, slice)) if *held == part => slice.extend_from_slice(group),
            _ => slices.push((part, group.to_vec())),
        }
        n_before += group.len();
    }
    slices.into_iter().filter_map(|(_, points)| slice(distribution, &points, direction)).collect()
}

fn is_category(distribution: &Distribution) -> bool {
    matches!(distribution.kind(), DistributionView::Choice { .. } | DistributionView::Ordinal { .. })
}

/// Of points by their coordinate.
fn slice(distribution: &Distribution, points: &[(f64, f64)], direction: Direction) -> Option<Slice> {
    let (first, last) = (points.first()?, points.last()?);
    let mut values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    values.sort_by(|a, b| direction.loss(*a).total_cmp(&direction.loss(*b)));
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    Some(Slice {
        from: distribution.from_internal(first.0),
        to: (first.0 != last.0).then(|| distribution.from_internal(last.0)),
        n: points.len(),
        best: values[0],
        median: low + (high - low) / 2.0,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::trial::{Score, TrialState};
    use crate::value::Assignment;

    fn records(points: impl IntoIterator<Item = (Value, f64)>) -> Vec<TrialRecord> {
        let record = |(number, (value, score)): (usize, (Value, f64))| TrialRecord {
            number,
            assignment: Assignment::from([("x".to_owned(), value)]),
            state: TrialState::from_objective(score),
        };
        points.into_iter().enumerate().map(record).collect()
    }

    fn got(
        distribution: Distribution,
        records: &[TrialRecord],
        direction: Direction,
    ) -> Vec<(Value, Option<Value>, usize, f64, f64)> {
        slices(&Parameter::new("x", distribution), records, direction)
            .into_iter()
            .map(|slice| (slice.from, slice.to, slice.n, slice.best, slice.median))
            .collect()
    }

    #[test]
    fn an_option_is_a_slice_in_the_order_of_the_choice() {
        let text = |label: &str| Value::Text(label.to_owned());
        let options = ["f", "e", "d", "c", "b", "a"].map(text).to_vec();
        let choice = Distribution::choice(options.clone()).unwrap();
        let tried = [5, 0, 5, 1, 2, 3, 4, 5, 5].map(|option: usize| options[option].clone());
        let records = records(tried.into_iter().zip([0.5, 0.1, 0.9, 0.2, 0.3, f64::NAN, 0.4, 0.6, 0.8]));
        let slices = got(choice, &records, Direction::Maximize);
        let labels: Vec<&Value> = slices.iter().map(|slice| &slice.0).collect();
        assert_eq!(labels, ["f", "e", "d", "b", "a"].map(text).iter().collect::<Vec<_>>());
        assert_eq!(slices[4], (text("a"), None, 4, 0.9, 0.7));
    }

    #[test]
    fn numbers_are_cut_into_fifths_of_the_trials_and_equal_ones_stay_together() {
        let log = Distribution::log_uniform(1.0, 1e6).unwrap();
        let records = records((0..10).rev().map(|i| (Value::Float(f64::from(i + 1)), f64::from(i * i))));
        let slices = got(log, &records, Direction::Minimize);
        let float = |x: f64| Value::Float(x);
        assert_eq!(slices[0], (float(1.0), Some(float(2.0)), 2, 0.0, 0.5));
        assert_eq!(slices[4], (float(9.0), Some(float(10.0)), 2, 64.0, 72.5));
        assert_eq!(slices.len(), 5);
        let int = Distribution::int(0, 9).unwrap();
        let tried = [0, 1, 2, 2, 2, 2, 3, 4, 5, 6].map(Value::Int);
        let counts = |records: &[TrialRecord]| -> Vec<usize> {
            got(int.clone(), records, Direction::Minimize).iter().map(|slice| slice.2).collect()
        };
        assert_eq!(counts(&self::records(tried.into_iter().zip([1.0; 10]))), [2, 4, 2, 2]);
        let few = [0, 9, 9, 9, 9, 9, 9, 9, 9, 3].map(Value::Int);
        assert_eq!(counts(&self::records(few.into_iter().zip([1.0; 10]))), [1, 1, 8]);
    }

    #[test]
    fn trials_that_miss_a_constraint_or_lack_the_parameter_are_in_no_slice() {
        let unit = || Distribution::uniform(0.0, 1.0).unwrap();
        let mut records = records([0.1, 0.2, 0.3].map(|x| (Value::Float(x), x)));
        records[0].state = Score::new(0.1, Vec::new(), 0.5).into();
        records[1].assignment = Assignment::new();
        assert_eq!(got(unit(), &records, Direction::Minimize), [(Value::Float(0.3), None, 1, 0.3, 0.3)]);
        assert_eq!(got(unit(), &[], Direction::Minimize), []);
    }
}
