//! Which trials of one space say something in another: a search that starts warm may have been widened, narrowed or
//! changed since.
//!
//! A trial counts when each parameter that its own choices call for has a value in it that the space could have given.
//! A value means the same in every space, so it is never rounded, moved or made up.
//!
//! | what was changed | which old trials count |
//! |---|---|
//! | bounds wider | all |
//! | bounds narrower | those inside the new ones |
//! | scale: linear or logarithmic, uniform or normal | those inside the new bounds; the scale says where is looked, not what was found |
//! | step added or changed | those on the new grid |
//! | step removed | all |
//! | int made a float | all, as floats |
//! | float made an int | those whose value is whole |
//! | option of a choice added | all |
//! | option of a choice removed | those with another option |
//! | choice made ordinal, or ordinal a choice | all; an option goes by its label |
//! | parameter added | none, unless it exists under another choice only than theirs: nobody knows what it would have been |
//! | parameter removed, or renamed to another's name | all, without its value |
//! | condition changed | those that have what their choices now call for; other values are left out |
//!
//! A trial that failed counts nowhere. One that was pruned counts as pruned, as it did there.

use std::fmt;

use crate::space::{Distribution, SearchSpace};
use crate::trial::TrialRecord;
use crate::value::{Assignment, Value};

/// Why a trial of another space does not count.
#[derive(Clone, Debug, PartialEq)]
pub enum PassedOver {
    /// It has not ended with anything to be learnt from.
    Failed,
    /// It lacks a parameter.
    Missing {
        /// The parameter.
        name: String,
    },
    /// Its value cannot come from the space.
    Outside {
        /// The parameter.
        name: String,
        /// What it may be now.
        distribution: Distribution,
    },
}

/// As in `have lr outside uniform(0.0, 1.0)`, of several trials.
impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("failed"),
            Self::Missing { name } => write!(f, "have no value for {name}"),
            Self::Outside { name, distribution } => write!(f, "have {name} outside {distribution}"),
        }
    }
}

/// The trial as one of `space`, under its own number.
///
/// # Errors
/// Why it does not count: of several reasons the one about the first parameter, in the order of the space.
pub fn transfer(trial: &TrialRecord, space: &SearchSpace) -> Result<TrialRecord, PassedOver> {
    if !trial.state.is_finished() {
        return Err(PassedOver::Failed);
    }
    let mut assignment = Assignment::new();
    for parameter in space.parameters() {
        if !parameter.is_active(&assignment) {
            continue;
        }
        let name = || parameter.name().to_owned();
        let found = trial.assignment.get(parameter.name()).ok_or_else(|| PassedOver::Missing { name: name() })?;
        let distribution = parameter.distribution();
        let value = value_of(found, distribution)
            .ok_or_else(|| PassedOver::Outside { name: name(), distribution: distribution.clone() })?;
        assignment.insert(name(), value);
    }
    Ok(TrialRecord { number: trial.number, assignment, state: trial.state.clone() })
}

/// The value as one of the distribution: itself, or the same number as a float or an int.
fn value_of(found: &Value, distribution: &Distribution) -> Option<Value> {
    let other = match found {
        #[expect(clippy::cast_precision_loss, reason = "distributions keep integers within 2^53")]
        Value::Int(i) => Some(Value::Float(*i as f64)),
        #[expect(clippy::cast_possible_truncation, reason = "whole; what `as` saturates lies in no distribution")]
        Value::Float(x) if x.fract() == 0.0 => Some(Value::Int(*x as i64)),
        Value::Float(_) | Value::Bool(_) | Value::Text(_) => None,
    };
    std::iter::once(found.clone()).chain(other).find(|value| distribution.contains(value))
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

    fn complete(values: &[(&str, Value)]) -> TrialRecord {
        let assignment = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        TrialRecord { number: 3, assignment, state: TrialState::from_objective(0.5) }
    }

    /// What becomes of the old `value` of a parameter that now has this distribution.
    fn kept(value: Value, now: Distribution) -> Option<Value> {
        let space = SearchSpace::new(vec![Parameter::new("x", now.clone())]).unwrap();
        match transfer(&complete(&[("x", value)]), &space) {
            Ok(trial) => {
                space.check(&trial.assignment).unwrap();
                Some(trial.assignment["x"].clone())
            }
            Err(reason) => {
                assert_eq!(reason.to_string(), format!("have x outside {now}"));
                None
            }
        }
    }

    fn float(x: f64) -> Value {
        Value::Float(x)
    }

    #[test]
    fn bounds_keep_what_lies_inside_with_both_ends() {
        let now = || Distribution::uniform(0.0, 1.0).unwrap();
        for (value, is_kept) in [(0.0, true), (0.5, true), (1.0, true), (-0.1, false), (1.1, false)] {
            assert_eq!(kept(float(value), now()), is_kept.then_some(float(value)));
        }
    }

    #[test]
    fn the_scale_does_not_matter_but_its_bounds_do() {
        assert_eq!(kept(float(0.01), Distribution::log_uniform(1e-3, 1.0).unwrap()), Some(float(0.01)));
        assert_eq!(kept(float(0.0), Distribution::log_uniform(1e-3, 1.0).unwrap()), None);
        assert_eq!(kept(float(-7.0), Distribution::normal(0.0, 1.0).unwrap()), Some(float(-7.0)));
        assert_eq!(kept(float(-7.0), Distribution::log_normal(0.0, 1.0).unwrap()), None);
        assert_eq!(kept(Value::Int(6), Distribution::log_int(1, 8).unwrap()), Some(Value::Int(6)));
    }

    #[test]
    fn a_step_keeps_what_lies_on_its_grid() {
        let by_quarters = || Distribution::uniform(0.0, 1.0).unwrap().with_step(0.25).unwrap();
        assert_eq!((kept(float(0.75), by_quarters()), kept(float(0.7), by_quarters())), (Some(float(0.75)), None));
        let by_four = || Distribution::int(2, 10).unwrap().with_step(4.0).unwrap();
        assert_eq!((kept(Value::Int(6), by_four()), kept(Value::Int(8), by_four())), (Some(Value::Int(6)), None));
        assert_eq!(kept(Value::Int(8), Distribution::int(2, 10).unwrap()), Some(Value::Int(8)));
    }

    #[test]
    fn whole_numbers_pass_between_ints_and_floats() {
        let (ints, floats) = (|| Distribution::int(1, 9).unwrap(), || Distribution::uniform(1.0, 9.0).unwrap());
        assert_eq!(kept(Value::Int(4), floats()), Some(float(4.0)));
        assert_eq!(kept(float(4.0), ints()), Some(Value::Int(4)));
        assert_eq!((kept(float(4.5), ints()), kept(float(1e300), ints())), (None, None));
        assert_eq!(kept(text("4"), ints()), None);
    }

    #[test]
    fn options_go_by_their_label() {
        let options = |labels: &[&str]| labels.iter().map(|label| text(label)).collect::<Vec<_>>();
        assert_eq!(kept(text("b"), Distribution::choice(options(&["a", "b", "c"])).unwrap()), Some(text("b")));
        assert_eq!(kept(text("b"), Distribution::choice(options(&["a", "c"])).unwrap()), None);
        assert_eq!(kept(text("b"), Distribution::ordinal(options(&["b", "a"])).unwrap()), Some(text("b")));
        assert_eq!(kept(Value::Int(8), Distribution::ordinal(vec![Value::Int(8)]).unwrap()), Some(Value::Int(8)));
    }

    fn optimizers() -> SearchSpace {
        let unit = || Distribution::uniform(0.0, 1.0).unwrap();
        let rule = Distribution::choice(vec![text("adam"), text("sgd")]).unwrap();
        SearchSpace::new(vec![
            Parameter::new("rule", rule),
            Parameter::new("momentum", unit()).only_if(Condition::new("rule", vec![text("sgd")])),
            Parameter::new("lr", unit()),
        ])
        .unwrap()
    }

    #[test]
    fn an_added_parameter_is_missed_only_where_it_would_exist() {
        let (adam, sgd) = (("rule", text("adam")), ("rule", text("sgd")));
        let (lr, momentum) = (("lr", float(0.5)), ("momentum", float(0.9)));
        let missing = |values: &[(&str, Value)]| transfer(&complete(values), &optimizers()).map_err(|e| e.to_string());
        assert_eq!(missing(&[adam.clone(), lr.clone()]).unwrap().assignment.len(), 2);
        assert_eq!(missing(&[sgd.clone(), lr.clone()]).unwrap_err(), "have no value for momentum");
        assert_eq!(missing(&[sgd, momentum]).unwrap_err(), "have no value for lr");
        assert_eq!(missing(&[adam]).unwrap_err(), "have no value for lr");
    }

    #[test]
    fn what_the_space_does_not_ask_for_is_left_out() {
        // `dropout` was removed, and `momentum` is now one of sgd alone.
        let old = [("rule", text("adam")), ("momentum", float(0.9)), ("lr", float(0.5)), ("dropout", float(0.1))];
        let trial = transfer(&complete(&old), &optimizers()).unwrap();
        assert_eq!(trial.assignment.keys().collect::<Vec<_>>(), ["lr", "rule"]);
        assert_eq!((trial.number, trial.state), (3, TrialState::from_objective(0.5)));
    }

    #[test]
    fn pruned_trials_count_as_pruned_and_failed_ones_nowhere() {
        let space = SearchSpace::default();
        let of = |state: TrialState| transfer(&TrialRecord { state, ..complete(&[]) }, &space);
        let pruned = TrialState::Pruned { step: 2, value: Some(0.5) };
        assert_eq!(of(pruned.clone()).unwrap().state, pruned);
        assert_eq!(of(TrialState::Failed { reason: "loss".to_owned() }), Err(PassedOver::Failed));
        assert_eq!(of(TrialState::Pending), Err(PassedOver::Failed));
    }
}
