//! Known points of a search: assignments, whole or in part, that are tried before the sampler's own.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::check::{Problem, Step};
use super::tree::Tree;
use super::vocabulary::nearest;
use crate::space::{Parameter, SearchSpace, SpaceError};
use crate::value::{Assignment, Value};

/// The points that an `enqueue` lists, each held against the space. A whole number will do for a float.
///
/// # Errors
/// A name that is none of the space's, a value that is not the parameter's, a parameter that does not exist under the
/// choices the point makes, a point without values or listed twice; with the place inside the list.
pub(super) fn known_points(listed: &[Tree<Infallible>], space: &SearchSpace) -> Result<Vec<Assignment>, Problem> {
    let mut points: Vec<Assignment> = Vec::new();
    for (index, item) in listed.iter().enumerate() {
        let Tree::Map(values) = item else { unreachable!("the list was held against the vocabulary") };
        let known = point(values, space).and_then(|known| {
            if points.contains(&known) {
                return Err(Problem::new("this point is listed twice").hint("leave one of the two out"));
            }
            Ok(known)
        });
        points.push(known.map_err(|problem| problem.under(Step::Index(index)))?);
    }
    Ok(points)
}

fn point(values: &BTreeMap<String, Tree<Infallible>>, space: &SearchSpace) -> Result<Assignment, Problem> {
    if values.is_empty() {
        return Err(Problem::new("a known point has a value for at least one parameter")
            .hint("name parameters as `xrun check` lists them"));
    }
    let mut known = Assignment::new();
    for (name, tree) in values {
        let parameter = space.get(name).ok_or_else(|| unknown(name, space))?;
        let value = tree.as_value().expect("a known point holds plain values");
        let value = fit(parameter, value).map_err(|problem| problem.under(Step::Key(name.clone())))?;
        known.insert(name.clone(), value);
    }
    for parameter in space.parameters().iter().filter(|parameter| known.contains_key(parameter.name())) {
        if !parameter.is_active(&known) {
            return Err(not_active(parameter, &known));
        }
    }
    Ok(known)
}

fn fit(parameter: &Parameter, value: Value) -> Result<Value, Problem> {
    let distribution = parameter.distribution();
    if distribution.contains(&value) {
        return Ok(value);
    }
    let as_float = value.as_f64().map(Value::Float).filter(|float| distribution.contains(float));
    as_float.ok_or_else(|| {
        let (name, distribution) = (parameter.name().to_owned(), Box::new(distribution.clone()));
        Problem::new(SpaceError::Outside { name, value, distribution }.to_string())
    })
}

fn unknown(name: &str, space: &SearchSpace) -> Problem {
    let names: Vec<&str> = space.parameters().iter().map(Parameter::name).collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "nothing is searched here".to_owned(),
        None => format!("the parameters are {}", names.join(", ")),
    };
    Problem::new(format!("`{name}` is no parameter of the search space")).hint(hint).key(name)
}

fn not_active(parameter: &Parameter, known: &Assignment) -> Problem {
    let name = parameter.name();
    let condition = parameter.condition().expect("a parameter without a condition is active");
    let options: Vec<String> = condition.options().iter().map(ToString::to_string).collect();
    let (choice, options) = (condition.parameter(), options.join(" or "));
    let problem = Problem::new(format!("`{name}` exists only while `{choice}` is {options}"));
    match known.get(choice) {
        Some(_) => problem.hint("leave it out, or choose that option in this point"),
        None => problem.hint(format!("give `{choice}` its value in this point, too")),
    }
    .key(name)
}
