//! What a param accepts, as a script writes it: a list of values, a range of whole numbers, or `#{ min:, max: }`.

use std::ops::{Range, RangeInclusive};

use rhai::{Array, Dynamic, INT, Map};

use super::objects::describe;
use super::params::scalar;
use crate::spec::check::{Problem, Step};
use crate::spec::domain::{ParamDomain, ParamRange, ParamRangeError};
use crate::spec::vocabulary::nearest;
use crate::value::Value;

/// Reads the domain of a param with this default; a text or a truth value can be one of a list only.
pub(super) fn domain(value: &Dynamic, default: &Value) -> Result<ParamDomain, Problem> {
    if let Some(values) = value.read_lock::<Array>() {
        return one_of(&values).map(ParamDomain::OneOf);
    }
    if let Some(range) = value.read_lock::<Range<INT>>() {
        return Err(half_open(range.start, range.end));
    }
    #[expect(clippy::cast_precision_loss, reason = "whole numbers in scripts are far below 2^53")]
    let (min, max) = if let Some(range) = value.read_lock::<RangeInclusive<INT>>() {
        (Some(*range.start() as f64), Some(*range.end() as f64))
    } else if let Some(map) = value.read_lock::<Map>() {
        bounds(&map)?
    } else {
        return Err(Problem::new(format!(
            "what a param accepts is a list, a range such as 1..=10, or a map such as #{{ min: 0 }}, not {}",
            describe(value)
        )));
    };
    let range = ParamRange::new(min, max).map_err(|error| match error {
        ParamRangeError::NoBound => Problem::new("this map has no bound").hint("write `min`, `max`, or both"),
        ParamRangeError::Empty { .. } => Problem::new(error.to_string()).hint("swap the bounds"),
    })?;
    if !matches!(default, Value::Int(_) | Value::Float(_)) {
        return Err(Problem::new(format!("a range is for numbers, and the default is `{default}`"))
            .hint("write a list of what it accepts"));
    }
    Ok(ParamDomain::Range(range))
}

/// Why a range without its end is none that a param accepts.
fn half_open(start: INT, end: INT) -> Problem {
    if end <= start {
        let problem = Problem::new(format!("the range {start}..{end} is empty"));
        return problem.hint(format!("write {end}..={start}"));
    }
    Problem::new(format!("the range {start}..{end} leaves its end out")).hint(format!("write {start}..={}", end - 1))
}

fn one_of(values: &Array) -> Result<Vec<Value>, Problem> {
    if values.is_empty() {
        return Err(Problem::new("an empty list accepts nothing").hint("write its values, or leave it out"));
    }
    let value = |(index, value): (usize, &Dynamic)| {
        scalar(value).ok_or_else(|| {
            Problem::new(format!("a param is a number, a text, true or false, not {}", describe(value)))
                .under(Step::Index(index))
        })
    };
    values.iter().enumerate().map(value).collect()
}

fn bounds(map: &Map) -> Result<(Option<f64>, Option<f64>), Problem> {
    if let Some(key) = map.keys().find(|key| !matches!(key.as_str(), "min" | "max")) {
        let hint = match nearest(key, ["min", "max"]) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "it has `min`, `max`, or both".to_owned(),
        };
        return Err(Problem::new(format!("unknown key `{key}` in what a param accepts")).hint(hint));
    }
    let bound = |key: &str| {
        let Some(value) = map.get(key) else { return Ok(None) };
        let number = scalar(value).and_then(|bound| bound.as_f64());
        number.map(Some).ok_or_else(|| {
            Problem::new(format!("`{key}` is a finite number, not {}", describe(value)))
                .under(Step::Key(key.to_owned()))
        })
    };
    Ok((bound("min")?, bound("max")?))
}
