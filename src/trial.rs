//! One assignment and what became of it: the record that samplers, reports and the store share.

use std::cmp::Ordering;

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

/// One direction is a list of one: what searches by several objectives takes a plain direction, too.
impl AsRef<[Direction]> for Direction {
    fn as_ref(&self) -> &[Direction] {
        std::slice::from_ref(self)
    }
}

/// What a complete trial came to: its value in each objective, and by how much it misses the constraints of the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    value: f64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<f64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    violation: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

/// Numbers that make no score.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ScoreError {
    /// A value that cannot be compared.
    #[error("objective is {value}, not a finite number")]
    Value {
        /// The value.
        value: f64,
    },
    /// A violation that is none.
    #[error("violation of the constraints is {violation}, not a finite number of at least 0")]
    Violation {
        /// The violation.
        violation: f64,
    },
}

impl Score {
    /// A trial with `value` in the first objective and `others` in those after it. The violation is 0 where the
    /// constraints hold, or where there are none.
    ///
    /// # Errors
    /// A value that is not finite; a violation that is not finite or below 0.
    pub fn new(value: f64, others: Vec<f64>, violation: f64) -> Result<Self, ScoreError> {
        if let Some(&value) = std::iter::once(&value).chain(&others).find(|value| !value.is_finite()) {
            return Err(ScoreError::Value { value });
        }
        if !violation.is_finite() || violation < 0.0 {
            return Err(ScoreError::Violation { violation });
        }
        // A sum of nothing is -0.0, which would rank before 0.0.
        Ok(Self { value, others, violation: violation + 0.0 })
    }

    /// In the first objective; finite.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// In the objectives after the first, in their order; finite.
    #[must_use]
    pub fn others(&self) -> &[f64] {
        &self.others
    }

    /// In every objective, the first first.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        std::iter::once(self.value).chain(self.others.iter().copied())
    }

    /// By how much the constraints are missed; 0 if they hold.
    #[must_use]
    pub fn violation(&self) -> f64 {
        self.violation
    }

    /// Whether the constraints hold.
    #[must_use]
    pub fn is_feasible(&self) -> bool {
        self.violation == 0.0
    }

    /// The values signed so that smaller is better, one a direction.
    #[must_use]
    pub fn losses(&self, directions: &[Direction]) -> Vec<f64> {
        // Adding 0 makes the zeros equal.
        directions.iter().zip(self.values()).map(|(direction, value)| direction.loss(value) + 0.0).collect()
    }

    /// Which of two trials a search would rather end with, the better one less: the one that misses the constraints by less, then
    /// the one that is better in the first objective in which they differ.
    #[must_use]
    pub fn compare(&self, other: &Self, directions: &[Direction]) -> Ordering {
        let losses = self.losses(directions).into_iter().zip(other.losses(directions));
        let differing = losses.map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne());
        self.violation.total_cmp(&other.violation).then(differing.unwrap_or(Ordering::Equal))
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
    Complete(Score),
    /// Stopped early.
    Pruned {
        /// Epochs trained until it was stopped, over all its fits.
        step: usize,
        /// The first objective as it was then: the last of its curve, or the mean over its fits; finite.
        value: Option<f64>,
    },
    /// Could not be evaluated.
    Failed {
        /// Why.
        reason: String,
    },
}

impl TrialState {
    /// The state of a trial whose only objective came out as `value`: complete, or failed if that is not finite.
    #[must_use]
    pub fn from_objective(value: f64) -> Self {
        Self::from(Score::new(value, Vec::new(), 0.0))
    }

    /// What it came to, if it is complete.
    #[must_use]
    pub fn score(&self) -> Option<&Score> {
        match self {
            Self::Complete(score) => Some(score),
            Self::Pending | Self::Pruned { .. } | Self::Failed { .. } => None,
        }
    }

    /// Whether the trial says something about its assignment: complete or pruned.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Complete(_) | Self::Pruned { .. })
    }
}

/// Complete, or failed for the reason that there is no score.
impl From<Result<Score, ScoreError>> for TrialState {
    fn from(score: Result<Score, ScoreError>) -> Self {
        match score {
            Ok(score) => Self::Complete(score),
            Err(error) => Self::Failed { reason: error.to_string() },
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn an_objective_that_is_not_finite_is_a_failed_trial() {
        assert_eq!(TrialState::from_objective(0.5).score().map(Score::value), Some(0.5));
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
        let several = Score::new(0.25, vec![1.5], 0.125).unwrap();
        let states = [
            (TrialState::Pending, r#""state":"pending""#),
            (TrialState::from_objective(0.25), r#""state":"complete","value":0.25"#),
            (TrialState::Complete(several), r#""state":"complete","value":0.25,"others":[1.5],"violation":0.125"#),
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

    #[test]
    fn a_score_is_made_of_finite_numbers() {
        assert!(Score::new(0.5, vec![f64::INFINITY], 0.0) == Err(ScoreError::Value { value: f64::INFINITY }));
        for violation in [-0.1, f64::NAN, f64::INFINITY] {
            let error = Score::new(0.5, Vec::new(), violation).unwrap_err();
            let expected = format!("violation of the constraints is {violation}, not a finite number of at least 0");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn what_misses_the_constraints_by_less_is_better_then_one_objective_after_the_other_decides() {
        let score = |value, other, violation| Score::new(value, vec![other], violation).unwrap();
        let directions = [Direction::Maximize, Direction::Minimize];
        let best_first = [
            score(0.9, 0.2, 0.0),
            score(0.9, 0.3, 0.0),
            score(0.8, 0.1, 0.0),
            score(1.0, 0.0, 0.1),
            score(1.0, 0.0, 0.2),
        ];
        for (place, a) in best_first.iter().enumerate() {
            for (other_place, b) in best_first.iter().enumerate() {
                assert_eq!(a.compare(b, &directions), place.cmp(&other_place), "{a:?} {b:?}");
            }
        }
        assert_eq!(best_first[0].losses(&directions), [-0.9, 0.2]);
    }
}
