//! The history as columns of coordinates, one column a parameter.

use std::cmp::Ordering;

use super::axis::Axis;
use super::column::Column;
use crate::space::SearchSpace;
use crate::trial::TrialRecord;

/// Up to so many new trials take their places in the order one after the other; more are sorted together with the rest.
const ONE_BY_ONE: usize = 16;

/// Coordinates of a history: one column for each parameter, one row for each trial. A trial lacks a parameter if the
/// parameter was not active in it, or its value lies outside the present distribution.
///
/// Assignments never change, so a history that has grown needs its new rows only: a study keeps its observations from one
/// suggestion to the next, and they are the same as if they had been read anew.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Observations {
    /// Number of trials.
    n_trials: usize,
    /// `columns[parameter][trial]`; `NAN` for what a trial lacks.
    columns: Vec<Vec<f64>>,
    /// How many trials have each parameter.
    n_having: Vec<usize>,
    /// For each number the trials that have it, by coordinate, the lower of equals first; nothing for choices.
    orders: Vec<Vec<(f64, u32)>>,
}

impl Observations {
    /// Reads the trials of a history that have not been read yet. Parameters are in the order of the space, trials in that
    /// of the history, which begins with the one that was read before.
    #[expect(clippy::cast_possible_truncation, reason = "a history has far less than 2^32 trials")]
    pub(super) fn read(&mut self, space: &SearchSpace, history: &[&TrialRecord]) {
        let parameters = space.parameters();
        let axes: Vec<Axis<'_>> = parameters.iter().map(|parameter| Axis::new(parameter.distribution())).collect();
        let mut by_name: Vec<usize> = (0..parameters.len()).collect();
        by_name.sort_unstable_by_key(|&index| parameters[index].name());
        self.columns.resize(parameters.len(), Vec::new());
        self.n_having.resize(parameters.len(), 0);
        self.orders.resize(parameters.len(), Vec::new());
        let first = self.n_trials;
        self.n_trials = history.len();
        for column in &mut self.columns {
            column.resize(self.n_trials, f64::NAN);
        }
        for (trial, record) in history.iter().enumerate().skip(first) {
            // Both lists are sorted by name, so they are merged instead of searched: with a thousand trials the
            // look-ups would cost as much as the model.
            let mut wanted = by_name.iter().map(|&index| (index, parameters[index].name())).peekable();
            for (name, value) in &record.assignment {
                while let Some(&(index, other)) = wanted.peek() {
                    match other.cmp(name.as_str()) {
                        Ordering::Less => {}
                        Ordering::Equal => {
                            if let Some(internal) = parameters[index].distribution().to_internal(value) {
                                self.columns[index][trial] = axes[index].coordinate(internal);
                                self.n_having[index] += 1;
                            }
                        }
                        Ordering::Greater => break,
                    }
                    wanted.next();
                }
            }
        }
        for ((axis, column), order) in axes.iter().zip(&self.columns).zip(&mut self.orders) {
            if matches!(axis, Axis::Options { .. }) {
                continue;
            }
            let new = (first..self.n_trials).map(|trial| (column[trial], trial as u32)).filter(|(x, _)| !x.is_nan());
            let compare = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            if self.n_trials - first <= ONE_BY_ONE {
                for entry in new {
                    let place = order.partition_point(|other| compare(other, &entry).is_lt());
                    order.insert(place, entry);
                }
            } else {
                order.extend(new);
                order.sort_unstable_by(compare);
            }
        }
    }

    /// Whether a trial has the parameter.
    pub(super) fn has(&self, parameter: usize, trial: usize) -> bool {
        !self.columns[parameter][trial].is_nan()
    }

    /// Whether every trial has the parameter.
    pub(super) fn in_every_trial(&self, parameter: usize) -> bool {
        self.n_having[parameter] == self.n_trials
    }

    /// The position of the option that a trial chose, if the parameter is a choice and the trial has it.
    pub(super) fn option(&self, parameter: usize, trial: usize) -> Option<usize> {
        let position = self.columns[parameter][trial];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positions are whole")]
        (!position.is_nan()).then_some(position as usize)
    }

    /// The columns of some parameters over trials that have all of them.
    #[expect(clippy::cast_possible_truncation, reason = "a history has far less than 2^32 trials")]
    pub(super) fn columns_of(&self, parameters: &[usize], trials: &[usize]) -> Vec<Column> {
        let column =
            |&parameter: &usize| -> Vec<f64> { trials.iter().map(|&trial| self.columns[parameter][trial]).collect() };
        // To sort a few rows costs less than to look for them among all trials.
        let are_few = trials.len() < self.n_trials / 16;
        let mut places = Vec::new();
        if !are_few {
            places.resize(self.n_trials, u32::MAX);
            for (place, &trial) in trials.iter().enumerate() {
                places[trial] = place as u32;
            }
        }
        let sorted = |parameter: &usize| match self.orders[*parameter].as_slice() {
            // Options, or a number that no trial has.
            [] => Column::unsorted(column(parameter)),
            _ if are_few => Column::new(column(parameter)),
            all => {
                let mut order = Vec::with_capacity(trials.len());
                order.extend(all.iter().map(|&(x, trial)| (x, places[trial as usize])).filter(|&(_, p)| p != u32::MAX));
                Column::sorted(column(parameter), order)
            }
        };
        parameters.iter().map(sorted).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::space::{Distribution, Parameter};
    use crate::trial::TrialState;
    use crate::value::{Assignment, Value};

    #[test]
    fn a_trial_lacks_what_it_did_not_decide_or_what_is_now_out_of_range() {
        let uniform = || Distribution::uniform(0.0, 1.0).unwrap();
        let space = SearchSpace::new(vec![
            Parameter::new("z", uniform()),
            Parameter::new("a", Distribution::int(1, 5).unwrap()),
            Parameter::new("m", uniform()),
        ])
        .unwrap();
        let trial = |pairs: &[(&str, Value)]| TrialRecord {
            number: 0,
            assignment: pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Assignment>(),
            state: TrialState::Pending,
        };
        let trials = [
            trial(&[("a", Value::Int(2)), ("b", Value::Int(0)), ("z", Value::Float(0.25))]),
            trial(&[("a", Value::Int(9)), ("m", Value::Float(0.5)), ("z", Value::Float(0.75))]),
        ];
        let mut observations = Observations::default();
        observations.read(&space, &trials.iter().collect::<Vec<_>>());
        let has = |trial| [0, 1, 2].map(|parameter| observations.has(parameter, trial));
        assert_eq!((has(0), has(1)), ([true, true, false], [true, false, true]));
        assert_eq!((observations.option(1, 0), observations.option(1, 1)), (Some(2), None));
        assert_eq!([0, 1, 2].map(|parameter| observations.in_every_trial(parameter)), [true, false, false]);
        let columns = |parameters: &[usize], trials: &[usize]| -> Vec<Vec<f64>> {
            observations.columns_of(parameters, trials).iter().map(|column| column.values().to_vec()).collect()
        };
        assert_eq!(columns(&[0], &[0, 1]), [[0.25, 0.75]]);
        assert_eq!(columns(&[0, 1], &[0]), [[0.25], [2.0]]);
        assert_eq!(columns(&[1, 2], &[]), [[0.0; 0], [0.0; 0]]);
    }

    #[test]
    fn what_grew_is_what_was_read_at_once_and_its_orders_are_right() {
        let space = SearchSpace::new(vec![
            Parameter::new("int", Distribution::int(1, 5).unwrap()),
            Parameter::new("x", Distribution::log_uniform(0.1, 1.0).unwrap()),
        ])
        .unwrap();
        let trial = |number: usize| {
            let int = i64::try_from(number * 7 % 6).unwrap();
            let x = 0.1 + 0.9 * f64::from(u32::try_from(number * 37 % 100).unwrap()) / 100.0;
            let pairs = [("int".to_owned(), Value::Int(int)), ("x".to_owned(), Value::Float(x))];
            TrialRecord { number, assignment: Assignment::from(pairs), state: TrialState::Pending }
        };
        let trials: Vec<TrialRecord> = (0..80).map(trial).collect();
        let history: Vec<&TrialRecord> = trials.iter().collect();
        let mut at_once = Observations::default();
        at_once.read(&space, &history);
        let mut grown = Observations::default();
        for n in [1, 2, 40, 41, 55, 80] {
            grown.read(&space, &history[..n]);
        }
        assert!(
            grown
                .columns
                .iter()
                .flatten()
                .zip(at_once.columns.iter().flatten())
                .all(|(a, b)| a.to_bits() == b.to_bits())
        );
        assert_eq!(grown.orders, at_once.orders);
        // Every sixth trial has an int of 0, which is out of range.
        assert!(!at_once.in_every_trial(0) && at_once.in_every_trial(1));
        let even = (0..80).step_by(2).filter(|&trial| at_once.has(0, trial)).collect::<Vec<_>>();
        let shuffled = (0..even.len()).map(|place| even[place * 7 % even.len()]).collect();
        for rows in [even, vec![3, 40, 79], vec![79, 3, 40], shuffled] {
            for column in at_once.columns_of(&[0, 1], &rows) {
                assert_eq!(column.values().len(), rows.len());
                // Of equal values the order is not told.
                let mut order = column.order().to_vec();
                order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                assert_eq!(order, Column::new(column.values().to_vec()).order());
                assert!(column.order().is_sorted_by(|a, b| a.0 <= b.0));
            }
        }
    }
}
