//! The columns of choice.

use super::super::query::{Field, Known, QueryError, Row, several};
use super::super::run::number;
use crate::value::Value;

/// Characters of a note that a table shows.
const SHORT: usize = 60;

/// A column, under the name it was asked for by.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    field: Field,
}

impl Column {
    /// Those that a list with commas names.
    pub(super) fn all(text: &str, known: &Known) -> Result<Vec<Self>, QueryError> {
        let mut at = 0;
        let mut columns = Vec::new();
        for part in text.split(',') {
            let name = part.trim();
            let start = at + (part.len() - part.trim_start().len());
            let field = Field::find(name, known).map_err(|error| error.behind(start))?;
            columns.push(Self { name: name.to_owned(), field });
            at += part.len() + 1;
        }
        Ok(columns)
    }

    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    /// As people read it: numbers with four decimals, the range of several.
    pub(super) fn cell(&self, row: &Row) -> String {
        let values = self.field.of(row);
        let shown = |value: &Value| match value {
            Value::Float(value) => number(*value),
            other => other.to_string(),
        };
        let numbers: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
        match (values.as_slice(), numbers) {
            ([_, _, ..], Some(numbers)) => {
                let at = |best: fn(f64, f64) -> f64| numbers.iter().copied().reduce(best).unwrap_or_default();
                let ends = [at(f64::min), at(f64::max)];
                let value =
                    |end: f64| values.iter().find(|value| value.as_f64() == Some(end)).map(shown).unwrap_or_default();
                ends.map(value).join(" .. ")
            }
            (values, _) if self.field == Field::Note => short(&several(values, "")),
            (values, _) => values.iter().map(shown).collect::<Vec<_>>().join(" | "),
        }
    }

    /// To the last digit; several values with `|` between them.
    pub(super) fn exact(&self, row: &Row) -> String {
        several(&self.field.of(row), "|")
    }
}

/// The values under the names of the columns: `null` for what the run lacks, a list of several.
pub(super) fn json(columns: &[Column], row: &Row) -> serde_json::Value {
    let value = |column: &Column| {
        let mut values: Vec<serde_json::Value> =
            column.field.of(row).into_iter().map(|value| serde_json::json!(value)).collect();
        match values.len() {
            0 => serde_json::Value::Null,
            1 => values.swap_remove(0),
            _ => serde_json::Value::Array(values),
        }
    };
    columns.iter().map(|column| (column.name.clone(), value(column))).collect()
}

/// The beginning of a note in one line.
pub(super) fn short(note: &str) -> String {
    let line = note.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line,
    }
}
