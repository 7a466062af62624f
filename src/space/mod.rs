//! The search space: which hyperparameters a study decides, in which order, and what each may be.
//!
//! A space is an ordered list of named [`Parameter`]s. A parameter may exist only under some options of an
//! earlier choice (a [`Condition`]), so walking the list once from the front decides everything. How values are
//! picked is left to the samplers, where they go to the resolution of an experiment.

mod display;
mod distribution;
mod error;
mod grid;

use std::collections::BTreeSet;

use thiserror::Error;

pub use self::distribution::{Distribution, DistributionView};
pub use self::error::DistributionError;
use crate::value::{Assignment, Value};

/// A parameter exists only while an earlier choice has one of these options.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    parameter: String,
    options: Vec<Value>,
}

impl Condition {
    /// "Only while `parameter` is one of `options`". [`SearchSpace::new`] checks it against the choice.
    #[must_use]
    pub fn new(parameter: impl Into<String>, options: Vec<Value>) -> Self {
        Self { parameter: parameter.into(), options }
    }

    /// The choice that decides.
    #[must_use]
    pub fn parameter(&self) -> &str {
        &self.parameter
    }

    /// The options under which the parameter exists.
    #[must_use]
    pub fn options(&self) -> &[Value] {
        &self.options
    }
}

/// A named hyperparameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    name: String,
    distribution: Distribution,
    condition: Option<Condition>,
}

impl Parameter {
    /// A parameter that every assignment has.
    #[must_use]
    pub fn new(name: impl Into<String>, distribution: Distribution) -> Self {
        Self { name: name.into(), distribution, condition: None }
    }

    /// The same parameter, but only under a condition.
    #[must_use]
    pub fn only_if(self, condition: Condition) -> Self {
        Self { condition: Some(condition), ..self }
    }

    /// The dotted name, the same from script to report.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it may be.
    #[must_use]
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// When it exists; `None` for always.
    #[must_use]
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// Whether it exists, given the parameters before it. A choice that is not in the assignment does not exist
    /// itself, nor does what hangs on it.
    #[must_use]
    pub fn is_active(&self, assignment_so_far: &Assignment) -> bool {
        self.condition.as_ref().is_none_or(|condition| {
            assignment_so_far.get(&condition.parameter).is_some_and(|value| condition.options.contains(value))
        })
    }
}

/// The hyperparameters of a study in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchSpace {
    parameters: Vec<Parameter>,
}

impl SearchSpace {
    /// A space of these parameters in this order.
    ///
    /// # Errors
    /// If a name occurs twice, or a condition does not name an earlier choice and at least one of its options.
    pub fn new(parameters: Vec<Parameter>) -> Result<Self, SpaceError> {
        for (index, parameter) in parameters.iter().enumerate() {
            let earlier = &parameters[..index];
            if earlier.iter().any(|other| other.name == parameter.name) {
                return Err(SpaceError::DuplicateName { name: parameter.name.clone() });
            }
            if let Some(condition) = &parameter.condition {
                check_condition(&parameter.name, condition, earlier)?;
            }
        }
        Ok(Self { parameters })
    }

    /// All parameters in their order, active or not.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The parameter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// The parameters that exist given these choices, in their order.
    pub fn active<'a>(&'a self, assignment_so_far: &'a Assignment) -> impl Iterator<Item = &'a Parameter> {
        self.parameters.iter().filter(|parameter| parameter.is_active(assignment_so_far))
    }

    /// Checks that an assignment decides exactly the active parameters, each inside its distribution.
    ///
    /// # Errors
    /// On the first parameter that is missing, not active or outside its distribution, else on a name that is
    /// not in the space.
    pub fn check(&self, assignment: &Assignment) -> Result<(), SpaceError> {
        for parameter in &self.parameters {
            let name = || parameter.name.clone();
            match (assignment.get(&parameter.name), parameter.is_active(assignment)) {
                (None, true) => return Err(SpaceError::Missing { name: name() }),
                (Some(_), false) => return Err(SpaceError::NotActive { name: name() }),
                (Some(value), true) if !parameter.distribution.contains(value) => {
                    return Err(SpaceError::Outside {
                        name: name(),
                        value: value.clone(),
                        distribution: Box::new(parameter.distribution.clone()),
                    });
                }
                (Some(_), true) | (None, false) => {}
            }
        }
        let known: BTreeSet<&str> = self.parameters.iter().map(Parameter::name).collect();
        match assignment.keys().find(|name| !known.contains(name.as_str())) {
            Some(name) => Err(SpaceError::Unknown { name: name.clone() }),
            None => Ok(()),
        }
    }
}

fn check_condition(name: &str, condition: &Condition, earlier: &[Parameter]) -> Result<(), SpaceError> {
    let (name, choice) = (name.to_owned(), condition.parameter.clone());
    let Some(decider) = earlier.iter().find(|other| other.name == choice) else {
        return Err(SpaceError::ConditionUnknown { name, choice });
    };
    let DistributionView::Choice { options } = decider.distribution.kind() else {
        return Err(SpaceError::ConditionNotAChoice { name, choice });
    };
    if condition.options.is_empty() {
        return Err(SpaceError::ConditionEmpty { name, choice });
    }
    match condition.options.iter().find(|option| !options.contains(option)) {
        Some(option) => Err(SpaceError::ConditionOption { name, choice, option: option.clone() }),
        None => Ok(()),
    }
}

/// A broken rule of a search space, or an assignment that does not fit it.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SpaceError {
    /// Two parameters have one name.
    #[error("parameter `{name}` is defined twice: give one of the two another name")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A condition names no earlier parameter.
    #[error("parameter `{name}` depends on `{choice}`, which is no earlier parameter: put the choice first")]
    ConditionUnknown {
        /// The conditional parameter.
        name: String,
        /// What the condition names.
        choice: String,
    },
    /// A condition names a parameter that is not a choice.
    #[error("parameter `{name}` depends on `{choice}`, which is not a choice: only a choice has options to depend on")]
    ConditionNotAChoice {
        /// The conditional parameter.
        name: String,
        /// What the condition names.
        choice: String,
    },
    /// A condition lists no option.
    #[error("parameter `{name}` depends on `{choice}` but lists no option: name at least one")]
    ConditionEmpty {
        /// The conditional parameter.
        name: String,
        /// What the condition names.
        choice: String,
    },
    /// A condition lists something the choice does not offer.
    #[error(
        "parameter `{name}` depends on option `{option}`, which `{choice}` does not offer: name one of its options"
    )]
    ConditionOption {
        /// The conditional parameter.
        name: String,
        /// The choice.
        choice: String,
        /// The option it does not have.
        option: Value,
    },
    /// An active parameter has no value.
    #[error("parameter `{name}` has no value: assign one")]
    Missing {
        /// The parameter.
        name: String,
    },
    /// A parameter that does not exist under the chosen options has a value.
    #[error("parameter `{name}` has a value but is not active under the chosen options: leave it out")]
    NotActive {
        /// The parameter.
        name: String,
    },
    /// A value cannot come from the parameter's distribution.
    #[error("parameter `{name}` cannot be `{value}`: it must come from {distribution}")]
    Outside {
        /// The parameter.
        name: String,
        /// The value.
        value: Value,
        /// What it may be; boxed, because it is large.
        distribution: Box<Distribution>,
    },
    /// A value was given to a name that is not in the space.
    #[error("`{name}` is no parameter of the search space: leave it out or correct the name")]
    Unknown {
        /// The name.
        name: String,
    },
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn text(label: &str) -> Value {
        Value::Text(label.to_owned())
    }

    fn optimizer() -> Parameter {
        Parameter::new("opt", Distribution::choice(vec![text("adam"), text("sgd")]).unwrap())
    }

    fn momentum() -> Parameter {
        Parameter::new("momentum", Distribution::uniform(0.0, 1.0).unwrap())
            .only_if(Condition::new("opt", vec![text("sgd")]))
    }

    fn refusal(parameters: Vec<Parameter>) -> String {
        SearchSpace::new(parameters).unwrap_err().to_string()
    }

    #[test]
    fn names_are_unique() {
        assert_eq!(
            refusal(vec![optimizer(), optimizer()]),
            "parameter `opt` is defined twice: give one of the two another name"
        );
    }

    #[test]
    fn a_condition_names_an_earlier_choice_and_its_options() {
        assert_eq!(
            refusal(vec![momentum(), optimizer()]),
            "parameter `momentum` depends on `opt`, which is no earlier parameter: put the choice first"
        );
        let opt = Parameter::new("opt", Distribution::int(0, 1).unwrap());
        assert_eq!(
            refusal(vec![opt, momentum()]),
            "parameter `momentum` depends on `opt`, which is not a choice: only a choice has options to depend on"
        );
        let none = momentum().only_if(Condition::new("opt", vec![]));
        assert_eq!(
            refusal(vec![optimizer(), none]),
            "parameter `momentum` depends on `opt` but lists no option: name at least one"
        );
        let other = momentum().only_if(Condition::new("opt", vec![text("lion")]));
        assert_eq!(
            refusal(vec![optimizer(), other]),
            "parameter `momentum` depends on option `lion`, which `opt` does not offer: name one of its options"
        );
    }

    #[test]
    fn a_parameter_is_active_only_under_its_option() {
        let space = SearchSpace::new(vec![optimizer(), momentum()]).unwrap();
        let names = |assignment: &Assignment| space.active(assignment).map(|p| p.name().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&Assignment::new()), ["opt"]);
        assert_eq!(names(&Assignment::from([("opt".into(), text("adam"))])), ["opt"]);
        assert_eq!(names(&Assignment::from([("opt".into(), text("sgd"))])), ["opt", "momentum"]);
        assert_eq!(space.get("momentum"), Some(&momentum()));
        assert_eq!(space.get("lr"), None);
    }

    #[test]
    fn an_assignment_holds_exactly_the_active_parameters() {
        let space = SearchSpace::new(vec![optimizer(), momentum()]).unwrap();
        let check = |pairs: &[(&str, Value)]| {
            let assignment = pairs.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
            space.check(&assignment).map_err(|error| error.to_string())
        };
        let (adam, sgd) = (("opt", text("adam")), ("opt", text("sgd")));
        let half = ("momentum", Value::Float(0.5));
        assert_eq!(check(std::slice::from_ref(&adam)), Ok(()));
        assert_eq!(check(&[sgd.clone(), half.clone()]), Ok(()));
        let refused = |pairs: &[(&str, Value)]| check(pairs).unwrap_err();
        assert_eq!(refused(&[]), "parameter `opt` has no value: assign one");
        assert_eq!(refused(std::slice::from_ref(&sgd)), "parameter `momentum` has no value: assign one");
        assert_eq!(
            refused(&[adam.clone(), half]),
            "parameter `momentum` has a value but is not active under the chosen options: leave it out"
        );
        assert_eq!(
            refused(&[sgd, ("momentum", Value::Float(1.5))]),
            "parameter `momentum` cannot be `1.5`: it must come from uniform(0.0, 1.0)"
        );
        assert_eq!(
            refused(&[adam, ("lr", Value::Float(0.1))]),
            "`lr` is no parameter of the search space: leave it out or correct the name"
        );
    }
}
