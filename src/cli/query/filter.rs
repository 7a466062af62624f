//! The filter, and whether a run meets it.

use std::cmp::Ordering;
use std::ops::Range;

use super::field::Kind;
use super::parse::{Operator, Spot, Syntax, parse};
use super::{Field, Known, QueryError, Row, number};
use crate::spec::vocabulary::nearest;
use crate::value::Value;

const STATES: [&str; 5] = ["complete", "failed", "running", "interrupted", "unfinished"];

/// What runs are held against.
#[derive(Debug)]
pub(in crate::cli) enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Not(Box<Filter>),
    Has(Field),
    Compare { field: Field, operator: Operator, literal: Value },
}

impl Filter {
    /// The filter that a text says, where runs have these names.
    pub(in crate::cli) fn parse(text: &str, known: &Known) -> Result<Self, QueryError> {
        Self::of(parse(text)?, known)
    }

    fn of(syntax: Syntax, known: &Known) -> Result<Self, QueryError> {
        let all = |parts: Vec<Syntax>| parts.into_iter().map(|part| Self::of(part, known)).collect::<Result<_, _>>();
        Ok(match syntax {
            Syntax::Or(parts) => Self::Any(all(parts)?),
            Syntax::And(parts) => Self::All(all(parts)?),
            Syntax::Not(part) => Self::Not(Box::new(Self::of(*part, known)?)),
            Syntax::Name(name) => Self::Has(find(&name, known)?),
            Syntax::Compare { name, operator, operator_at, literal, literal_at } => {
                let field = find(&name, known)?;
                check(&field, &name.text, (operator, operator_at), (&literal, literal_at))?;
                Self::Compare { field, operator, literal }
            }
        })
    }

    /// Whether a run meets it. A comparison with what a run lacks does not hold; one with a parameter for which studies
    /// chose several values holds if it does for each.
    pub(in crate::cli) fn holds(&self, row: &Row) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(row)),
            Self::All(parts) => parts.iter().all(|part| part.holds(row)),
            Self::Not(part) => !part.holds(row),
            Self::Has(field) => !field.of(row).is_empty(),
            Self::Compare { field, operator, literal } => {
                let values = field.of(row);
                let is_date = field.kind() == Kind::Date;
                !values.is_empty() && values.iter().all(|value| operator.holds(compare(value, literal, is_date)))
            }
        }
    }
}

impl Operator {
    /// Things that cannot be compared are unequal and nothing else.
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Unequal => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::AtMost => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::AtLeast => order.is_some_and(Ordering::is_ge),
        }
    }

    fn is_of_order(self) -> bool {
        !matches!(self, Self::Equal | Self::Unequal)
    }
}

fn find(name: &Spot, known: &Known) -> Result<Field, QueryError> {
    Field::find(&name.text, known).map_err(|error| error.behind(name.at.start))
}

fn check(
    field: &Field,
    name: &str,
    (operator, operator_at): (Operator, Range<usize>),
    (literal, at): (&Value, Range<usize>),
) -> Result<(), QueryError> {
    let is_wrong = |what: &str, hint: &str| QueryError::new(format!("`{name}` is {what}"), at.clone(), hint);
    match (field.kind(), literal) {
        (Kind::Number, Value::Int(_) | Value::Float(_)) => Ok(()),
        (Kind::Number, _) => Err(is_wrong("a number", "write a number, as in 0.9 or 1e-3")),
        (Kind::Date, Value::Text(text)) if is_date(text) => Ok(()),
        (Kind::Date, _) => Err(is_wrong(
            "a point in time",
            "write the beginning of one in quotes, as in \"2026-11\", \"2026-11-01\" or \"2026-11-01T09:30\" (UTC)",
        )),
        (Kind::State | Kind::Text, _) if operator.is_of_order() => Err(QueryError::new(
            format!("`{name}` is a text, which is neither larger nor smaller than another"),
            operator_at,
            "compare it with == or !=",
        )),
        (Kind::State, Value::Text(text)) if !STATES.contains(&text.as_str()) => {
            let hint = nearest(text, STATES).map(|near| format!("did you mean \"{near}\"?"));
            let all = || format!("states are {}", STATES.join(", "));
            Err(QueryError::new(format!("no run is ever \"{text}\""), at, hint.unwrap_or_else(all)))
        }
        (Kind::State | Kind::Text, Value::Text(_)) => Ok(()),
        (Kind::State | Kind::Text, _) => Err(is_wrong("a text", "write it in quotes")),
        (Kind::Any, Value::Text(_) | Value::Bool(_)) if operator.is_of_order() => Err(QueryError::new(
            "only numbers and dates are larger or smaller",
            operator_at,
            "compare with == or !=, or with a number",
        )),
        (Kind::Any, _) => Ok(()),
    }
}

/// Whether a text is the beginning of `2026-11-01T09:30:00`.
fn is_date(text: &str) -> bool {
    const SHAPE: &str = "DDDD-DD-DDTDD:DD:DD";
    let fits = |(c, shape): (char, char)| if shape == 'D' { c.is_ascii_digit() } else { c == shape };
    let is_whole = |length: usize| matches!(length, 4 | 7 | 10 | 13 | 16 | 19);
    is_whole(text.len()) && text.chars().zip(SHAPE.chars()).all(fits)
}

fn compare(value: &Value, literal: &Value, is_date: bool) -> Option<Ordering> {
    match (value, literal) {
        // To the precision that was given: "2026-11-01" is all of that day.
        (Value::Text(value), Value::Text(date)) if is_date => {
            Some(value.get(..date.len()).unwrap_or(value).cmp(date.as_str()))
        }
        (Value::Bool(value), Value::Bool(literal)) => Some(value.cmp(literal)),
        (Value::Text(value), Value::Text(literal)) => (value == literal).then_some(Ordering::Equal),
        // Values of tags are texts.
        (Value::Text(value), Value::Bool(literal)) => Some(value.parse::<bool>().ok()?.cmp(literal)),
        (value, literal) => number(value)?.partial_cmp(&literal.as_f64()?),
    }
}
