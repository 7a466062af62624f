//! The history as columns of internal numbers, one column a parameter.

use std::cmp::Ordering;

use crate::space::SearchSpace;
use crate::trial::TrialRecord;

/// Internal numbers of a history: `columns[parameter][trial]`. A trial lacks a parameter if the parameter was not
/// active in it, or its value lies outside the present distribution.
#[derive(Clone, Debug)]
pub(super) struct Observations {
    columns: Vec<Vec<Option<f64>>>,
}

impl Observations {
    /// Reads a history; parameters in the order of the space, trials in the order of the history.
    pub(super) fn new(space: &SearchSpace, history: &[&TrialRecord]) -> Self {
        let parameters = space.parameters();
        let mut by_name: Vec<usize> = (0..parameters.len()).collect();
        by_name.sort_unstable_by_key(|&index| parameters[index].name());
        let mut columns = vec![vec![None; history.len()]; parameters.len()];
        for (trial, record) in history.iter().enumerate() {
            // Both lists are sorted by name, so they are merged instead of searched: with a thousand trials the
            // look-ups would cost as much as the model.
            let mut wanted = by_name.iter().map(|&index| (index, parameters[index].name())).peekable();
            for (name, value) in &record.assignment {
                while let Some(&(index, other)) = wanted.peek() {
                    match other.cmp(name.as_str()) {
                        Ordering::Less => {}
                        Ordering::Equal => {
                            let distribution = parameters[index].distribution();
                            columns[index][trial] = distribution.to_internal(value);
                        }
                        Ordering::Greater => break,
                    }
                    wanted.next();
                }
            }
        }
        Self { columns }
    }

    /// Whether a trial has the parameter.
    pub(super) fn has(&self, parameter: usize, trial: usize) -> bool {
        self.columns[parameter][trial].is_some()
    }

    /// The position of the option that a trial chose, if the parameter is a choice and the trial has it.
    pub(super) fn option(&self, parameter: usize, trial: usize) -> Option<usize> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positions are whole")]
        self.columns[parameter][trial].map(|position| position as usize)
    }

    /// The columns of some parameters over those of the trials that have all of them.
    pub(super) fn complete_rows(&self, parameters: &[usize], trials: &[usize]) -> Vec<Vec<f64>> {
        let mut rows = vec![Vec::with_capacity(trials.len()); parameters.len()];
        for &trial in trials {
            if parameters.iter().all(|&parameter| self.has(parameter, trial)) {
                for (row, &parameter) in rows.iter_mut().zip(parameters) {
                    row.extend(self.columns[parameter][trial]);
                }
            }
        }
        rows
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
        let observations = Observations::new(&space, &trials.iter().collect::<Vec<_>>());
        assert_eq!(observations.columns, [vec![Some(0.25), Some(0.75)], vec![Some(2.0), None], vec![None, Some(0.5)]]);
        assert!(observations.has(0, 1) && observations.has(1, 0) && !observations.has(1, 1));
        assert_eq!((observations.option(1, 0), observations.option(1, 1)), (Some(2), None));
        assert_eq!(observations.complete_rows(&[0], &[0, 1]), [[0.25, 0.75]]);
        assert_eq!(observations.complete_rows(&[0, 1], &[0, 1]), [[0.25], [2.0]]);
        assert_eq!(observations.complete_rows(&[1, 2], &[0, 1]), [[0.0; 0], [0.0; 0]]);
    }
}
