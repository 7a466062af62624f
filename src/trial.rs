//! One assignment and what became of it: the record that samplers, reports and the store share.

use serde::{Deserialize, Serialize};

use crate::value::Assignment;

/// Which end of a metric is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Smaller is better, as for a loss.
    Minimize,
    /// Larger is better, as for an accuracy.
    Maximize,
}

impl Direction {
    /// Whether `a` is strictly better than `b`. A NaN is not better than anything.
    #[must_use]
    pub fn better(self, a: f64, b: f64) -> bool {
        self.loss(a) < self.loss(b)
    }

    /// The value signed so that smaller is better.
    #[must_use]
    pub fn loss(self, value: f64) -> f64 {
        match self {
            Self::Minimize => value,
            Self::Maximize => -value,
        }
    }
}

/// One assignment of a study and its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// Position in the study, from 0, in the order of asking.
    pub number: usize,
    /// The values of the active parameters.
    pub assignment: Assignment,
    /// What became of it.
    #[serde(flatten)]
    pub state: TrialState,
}

/// What became of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TrialState {
    /// Asked for, not told yet.
    Pending,
    /// Evaluated to the end.
    Complete {
        /// The objective; finite.
        value: f64,
    },
    /// Stopped early.
    Pruned {
        /// Epochs trained until it was stopped, over all its fits.
        step: usize,
        /// The objective it had then: the last of its curve, or the mean over its fits; finite.
        value: Option<f64>,
    },
    /// Could not be evaluated.
    Failed {
        /// Why.
        reason: String,
    },
}

impl TrialState {
    /// The state of a trial whose objective came out as `value`: complete, or failed if that is not finite.
    #[must_use]
    pub fn from_objective(value: f64) -> Self {
        if value.is_finite() {
            Self::Complete { value }
        } else {
            Self::Failed { reason: format!("objective is {value}, not a finite number") }
        }
    }

    /// Whether the trial says something about its assignment: complete or pruned.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Complete { .. } | Self::Pruned { .. })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn an_objective_that_is_not_finite_is_a_failed_trial() {
        assert_eq!(TrialState::from_objective(0.5), TrialState::Complete { value: 0.5 });
        for (value, reason) in [
            (f64::NAN, "objective is NaN, not a finite number"),
            (f64::NEG_INFINITY, "objective is -inf, not a finite number"),
        ] {
            let state = TrialState::from_objective(value);
            assert_eq!(state, TrialState::Failed { reason: reason.to_owned() });
            assert!(!state.is_finished());
        }
    }

    #[test]
    fn the_direction_decides_what_is_better() {
        assert!(Direction::Minimize.better(1.0, 2.0) && !Direction::Minimize.better(2.0, 1.0));
        assert!(Direction::Maximize.better(2.0, 1.0) && !Direction::Maximize.better(1.0, 2.0));
        for direction in [Direction::Minimize, Direction::Maximize] {
            assert!(!direction.better(1.0, 1.0) && !direction.better(f64::NAN, 1.0));
        }
        assert_eq!(serde_json::to_string(&Direction::Maximize).unwrap(), "\"maximize\"");
    }

    #[test]
    fn records_survive_json_in_every_state() {
        let assignment =
            Assignment::from([("lr".to_owned(), Value::Float(1.0)), ("units".to_owned(), Value::Int(128))]);
        let states = [
            (TrialState::Pending, r#""state":"pending""#),
            (TrialState::Complete { value: 0.25 }, r#""state":"complete","value":0.25"#),
            (TrialState::Pruned { step: 3, value: None }, r#""state":"pruned","step":3,"value":null"#),
            (TrialState::Failed { reason: "diverged".to_owned() }, r#""state":"failed","reason":"diverged""#),
        ];
        for (state, fields) in states {
            let record = TrialRecord { number: 7, assignment: assignment.clone(), state };
            let json = serde_json::to_string(&record).unwrap();
            let expected = format!(r#"{{"number":7,"assignment":{{"lr":1.0,"units":128}},{fields}}}"#);
            assert_eq!(json, expected);
            assert_eq!(serde_json::from_str::<TrialRecord>(&json).unwrap(), record);
        }
    }
}
