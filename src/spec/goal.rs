//! What a search is after: its objectives and its constraints, from the tree to their typed form.

use std::convert::Infallible;

use super::agreement;
use super::check::{Problem, Step};
use super::constraint::{Bound, Constraint, ConstraintError};
use super::experiment::Objective;
use super::parse::{self, CHECKED, Read};
use super::tree::{Make, Tree};
use crate::metric::Metric;
use crate::trial::Direction;

/// The fields that hold a metric's name, or a list of what is made of one.
const FIELDS: [&str; 4] = ["maximize", "minimize", "objectives", "constraints"];

/// The first objective, and those after it.
pub(super) fn objectives(make: &Make<Infallible>) -> Result<(Objective, Vec<Objective>), Problem> {
    let Some(Tree::List(_)) = make.get("objectives") else {
        return Ok((parse::objective(make)?.expect(CHECKED), Vec::new()));
    };
    let mut objectives: Vec<Objective> = Vec::new();
    for (index, goal) in make.makes("objectives").into_iter().enumerate() {
        let objective = objective(goal).and_then(|objective| {
            if objectives.iter().any(|other| other.metric == objective.metric) {
                return Err(Problem::new(format!("{} is an objective twice", objective.metric))
                    .hint("leave one of the two out"));
            }
            Ok(objective)
        });
        objectives.push(objective.map_err(|problem| at("objectives", index, problem))?);
    }
    if objectives.is_empty() {
        return Err(Problem::new("a search needs an objective, and this list is empty")
            .hint("as in objectives: [maximize(\"roc_auc\"), minimize(\"log_loss\")]")
            .under(Step::Key("objectives".to_owned())));
    }
    Ok((objectives.remove(0), objectives))
}

fn objective(goal: &Make<Infallible>) -> Result<Objective, Problem> {
    let metric = goal.metric("metric").expect(CHECKED);
    let direction = match goal.constructor().name {
        "maximize" => Direction::Maximize,
        "minimize" => Direction::Minimize,
        other => unreachable!("`{other}` is no goal: {CHECKED}"),
    };
    if metric.direction().is_some_and(|better| better != direction) {
        let other = if direction == Direction::Maximize { "minimize" } else { "maximize" };
        return Err(Problem::new(format!("{metric} is better the other way round"))
            .hint(format!("write {other}(\"{metric}\")")));
    }
    Ok(Objective { metric, direction })
}

/// The limits of its metrics.
pub(super) fn constraints(make: &Make<Infallible>) -> Result<Vec<Constraint>, Problem> {
    let mut constraints: Vec<Constraint> = Vec::new();
    if make.get("constraints").is_none() {
        return Ok(constraints);
    }
    for (index, given) in make.makes("constraints").into_iter().enumerate() {
        let constraint = constraint(given).and_then(|constraint| {
            let is_same =
                |other: &Constraint| (other.metric(), other.bound()) == (constraint.metric(), constraint.bound());
            if constraints.iter().any(is_same) {
                let name = constraint.bound().name();
                return Err(Problem::new(format!("{} has two limits by {name}", constraint.metric()))
                    .hint("keep the stricter one"));
            }
            Ok(constraint)
        });
        constraints.push(constraint.map_err(|problem| at("constraints", index, problem))?);
    }
    Ok(constraints)
}

fn constraint(given: &Make<Infallible>) -> Result<Constraint, Problem> {
    let metric = given.metric("metric").expect(CHECKED);
    let (bound, other) = match given.constructor().name {
        "at_most" => (Bound::AtMost, Bound::AtLeast),
        "at_least" => (Bound::AtLeast, Bound::AtMost),
        name => unreachable!("`{name}` is no constraint: {CHECKED}"),
    };
    let limit = given.float("limit");
    Constraint::new(metric, bound, limit).map_err(|error| {
        let problem = Problem::new(error.to_string());
        match error {
            ConstraintError::WrongWay { .. } => {
                problem.hint(format!("write {}(\"{metric}\", {limit:?})", other.name()))
            }
            ConstraintError::Impossible { .. } => problem,
        }
    })
}

/// Whether every metric is one of what is trained: the objective of this constructor has "value" alone, and a model has
/// those of its task.
pub(super) fn metrics_fit(
    search: &Make<Infallible>,
    objective: Option<&str>,
    is_of_numbers: bool,
) -> Result<(), Problem> {
    let check = |metric: &str| {
        if (metric == Metric::Value.name()) == objective.is_some() {
            return agreement::metric(metric.parse().expect(CHECKED), is_of_numbers);
        }
        Err(match objective {
            Some("command") => Problem::new("a command has one metric to search on, \"value\"")
                .hint(format!("say which of its numbers that is: command([...], #{{ value: {metric:?} }})")),
            Some("external") => Problem::new("an external objective has one metric, \"value\""),
            Some(_) => Problem::new("an objective given by a formula has one metric, \"value\""),
            None => Problem::new("\"value\" is the metric of an objective given by a formula, not of a model"),
        })
    };
    for field in FIELDS {
        match search.get(field) {
            Some(Tree::Text(metric)) => check(metric).map_err(|problem| problem.under(Step::Key(field.to_owned())))?,
            Some(Tree::List(_)) => {
                for (index, made) in search.makes(field).into_iter().enumerate() {
                    check(made.text("metric")).map_err(|problem| at(field, index, problem))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn at(field: &str, index: usize, problem: Problem) -> Problem {
    problem.under(Step::Index(index)).under(Step::Key(field.to_owned()))
}
