//! Choosing among recorded runs: what can be asked of one, the filter, and the order.
//!
//! ```text
//! metrics.roc_auc > 0.9 and not (tags.kind == "trial" or state == "failed")
//! ```
//! The language is our own: names with dots that a run may lack, dates, and errors about names with their places are all
//! that it is about, and each would have to be built around the engine of the scripts.

mod field;
mod filter;
mod parse;
mod row;

pub(super) use field::{Field, Known, several};
pub(super) use filter::Filter;
pub(super) use row::{Row, readable};

use std::cmp::Ordering;
use std::ops::Range;

use super::Exit;
use super::failure::Failure;
use crate::script::Place;
use crate::value::Value;

/// What is wrong with a filter, an order or a list of columns, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QueryError {
    message: String,
    /// Bytes of the text.
    at: Range<usize>,
    hint: String,
}

impl QueryError {
    fn new(message: impl Into<String>, at: Range<usize>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), at, hint: hint.into() }
    }

    /// The error of what stands behind `offset` bytes of a longer text.
    pub(super) fn behind(mut self, offset: usize) -> Self {
        self.at = self.at.start + offset..self.at.end + offset;
        self
    }

    /// Drawn under its place in the text, which is called `source`.
    pub(super) fn failure(self, source: &str, text: &str) -> Failure {
        // One line, whatever the shell passed on.
        let text: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
        let count = |range: Range<usize>| text.get(range).map_or(0, |part| part.chars().count());
        let (column, length) = (count(0..self.at.start) + 1, count(self.at).max(1));
        let place = Place { source: source.into(), text: text.into(), line: 1, column, length };
        Failure { place: Some(place), ..Failure::new(Exit::Usage, self.message).hint(self.hint) }
    }
}

/// What to order runs by.
#[derive(Debug)]
pub(super) struct Order {
    field: Field,
    is_descending: bool,
}

impl Order {
    /// A name, with a `-` before it for the largest first.
    pub(super) fn parse(text: &str, known: &Known) -> Result<Self, QueryError> {
        let is_descending = text.starts_with('-');
        let offset = usize::from(is_descending);
        let field = Field::find(&text[offset..], known).map_err(|error| error.behind(offset))?;
        if let Field::Test(_) = field {
            return Err(QueryError::new(
                "runs are not ranked by test rows: whoever picks one by them has nothing left to judge it by",
                offset..text.len(),
                "order by validation rows, as in --sort -metrics.roc_auc; --columns shows test metrics beside",
            ));
        }
        Ok(Self { field, is_descending })
    }

    /// Those that lack the value come last; equals stay as they were.
    pub(super) fn sort(&self, rows: &mut [Row]) {
        let keys = |row: &Row| key(&self.field.of(row));
        rows.sort_by_cached_key(|row| Ordered { key: keys(row), is_descending: self.is_descending });
    }
}

#[derive(PartialEq)]
enum Key {
    Number(f64),
    Text(String),
    Missing,
}

/// The number that a value is; values of tags are texts, which may read as one.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Text(text) => text.parse().ok(),
        value => value.as_f64(),
    }
}

/// Of several numbers their mean.
fn key(values: &[Value]) -> Key {
    let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
    match (values, numbers) {
        ([], _) => Key::Missing,
        (_, Some(numbers)) => Key::Number(crate::statistics::mean(&numbers)),
        (values, None) => Key::Text(several(values, " | ")),
    }
}

struct Ordered {
    key: Key,
    is_descending: bool,
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = match (&self.key, &other.key) {
            (Key::Missing, Key::Missing) => return Ordering::Equal,
            (Key::Missing, _) => return Ordering::Greater,
            (_, Key::Missing) => return Ordering::Less,
            (Key::Number(a), Key::Number(b)) => a.total_cmp(b),
            (Key::Text(a), Key::Text(b)) => a.cmp(b),
            (Key::Number(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        };
        if self.is_descending { order.reverse() } else { order }
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ordered {}
