//! What a hyperparameter can be once it has been decided, and the assignment that decides a whole space.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A decided value. A category is its label (`Text`, or the option's own number or truth value), never its position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number; finite.
    Float(f64),
    /// A text, or the label of a category.
    Text(String),
}

impl Value {
    /// The number this value is, if it is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "hyperparameters are far below 2^53")]
            Self::Int(i) => Some(*i as f64),
            Self::Float(x) => Some(*x),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Float(x) => write!(f, "{x:?}"),
            Self::Text(t) => f.write_str(t),
        }
    }
}

/// One value for every active parameter of a search space, by the parameter's name.
pub type Assignment = BTreeMap<String, Value>;
