//! Arithmetic over search-space objects: a value derived from what is searched, computed when it is resolved.

use std::sync::Arc;

use super::leaf::{SearchKind, SearchLeaf};
use crate::space::DistributionView;
use crate::value::Value;

/// A derived value. Whole numbers stay whole: division rounds down.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A search-space object's own value.
    Search(Arc<SearchLeaf>),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Two operands.
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// The negative.
    Negate(Box<Expression>),
}

/// An operator of a derived value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Sum.
    Add,
    /// Difference.
    Subtract,
    /// Product.
    Multiply,
    /// Quotient; of whole numbers rounded down.
    Divide,
    /// Power.
    Power,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Add, Self::Subtract, Self::Multiply, Self::Divide, Self::Power];

    /// As it is written in a script.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Power => "**",
        }
    }
}

/// Why a derived value has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExpressionError {
    /// A division by zero.
    #[error("`{0}` divides by zero")]
    DivisionByZero(String),
    /// Too large for a whole number, or not finite.
    #[error("`{0}` is too large")]
    Overflow(String),
}

impl Expression {
    /// Whether its value is always a whole number; `None` when an operand is no number at all.
    #[must_use]
    pub fn is_int(&self) -> Option<bool> {
        match self {
            Self::Search(leaf) => match leaf.kind() {
                SearchKind::Choice(options) => numbers(options.iter().map(|option| option.label.clone())),
                SearchKind::Distribution(distribution) => match distribution.kind() {
                    DistributionView::Int { .. } => Some(true),
                    DistributionView::Uniform { .. } | DistributionView::Normal { .. } => Some(false),
                    DistributionView::Choice { options } | DistributionView::Ordinal { options } => {
                        numbers(options.iter().cloned())
                    }
                },
            },
            Self::Int(_) => Some(true),
            Self::Float(_) => Some(false),
            Self::Binary(_, left, right) => Some(left.is_int()? && right.is_int()?),
            Self::Negate(inner) => inner.is_int(),
        }
    }

    /// How many operands and operators it has.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Search(_) | Self::Int(_) | Self::Float(_) => 1,
            Self::Binary(_, left, right) => 1 + left.size() + right.size(),
            Self::Negate(inner) => 1 + inner.size(),
        }
    }

    /// Every search-space object in it, in order of writing.
    pub fn leaves<'a>(&'a self, found: &mut Vec<&'a Arc<SearchLeaf>>) {
        match self {
            Self::Search(leaf) => found.push(leaf),
            Self::Int(_) | Self::Float(_) => {}
            Self::Binary(_, left, right) => {
                left.leaves(found);
                right.leaves(found);
            }
            Self::Negate(inner) => inner.leaves(found),
        }
    }

    /// The same over other objects.
    #[must_use]
    pub fn map_leaves(&self, change: &impl Fn(&Arc<SearchLeaf>) -> Arc<SearchLeaf>) -> Self {
        match self {
            Self::Search(leaf) => Self::Search(change(leaf)),
            Self::Int(_) | Self::Float(_) => self.clone(),
            Self::Binary(operator, left, right) => {
                Self::Binary(*operator, Box::new(left.map_leaves(change)), Box::new(right.map_leaves(change)))
            }
            Self::Negate(inner) => Self::Negate(Box::new(inner.map_leaves(change))),
        }
    }

    /// Its value, given the objects' values.
    ///
    /// # Errors
    /// Division by zero, or a result too large.
    pub fn evaluate(&self, value_of: &impl Fn(&SearchLeaf) -> Value) -> Result<Value, ExpressionError> {
        let value = match self {
            Self::Search(leaf) => value_of(leaf),
            Self::Int(i) => Value::Int(*i),
            Self::Float(x) => Value::Float(*x),
            Self::Negate(inner) => match inner.evaluate(value_of)? {
                Value::Int(i) => Value::Int(i.checked_neg().ok_or_else(|| self.overflow())?),
                other => Value::Float(-number(&other)),
            },
            Self::Binary(operator, left, right) => match (left.evaluate(value_of)?, right.evaluate(value_of)?) {
                (Value::Int(left), Value::Int(right)) => self.whole(*operator, left, right)?,
                (left, right) => self.real(*operator, number(&left), number(&right))?,
            },
        };
        Ok(value)
    }

    fn whole(&self, operator: Operator, left: i64, right: i64) -> Result<Value, ExpressionError> {
        let result = match operator {
            Operator::Add => left.checked_add(right),
            Operator::Subtract => left.checked_sub(right),
            Operator::Multiply => left.checked_mul(right),
            Operator::Divide if right == 0 => return Err(ExpressionError::DivisionByZero(self.to_string())),
            Operator::Divide => left
                .checked_div(right)
                .map(|quotient| quotient - i64::from(left % right != 0 && (left < 0) != (right < 0))),
            Operator::Power => match u32::try_from(right) {
                Ok(power) => left.checked_pow(power),
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a negative power of a whole number is a fraction anyway"
                )]
                Err(_) => return self.real(operator, left as f64, right as f64),
            },
        };
        result.map(Value::Int).ok_or_else(|| self.overflow())
    }

    fn real(&self, operator: Operator, left: f64, right: f64) -> Result<Value, ExpressionError> {
        let result = match operator {
            Operator::Add => left + right,
            Operator::Subtract => left - right,
            Operator::Multiply => left * right,
            Operator::Divide if right == 0.0 => return Err(ExpressionError::DivisionByZero(self.to_string())),
            Operator::Divide => left / right,
            Operator::Power => libm::pow(left, right),
        };
        if result.is_finite() { Ok(Value::Float(result)) } else { Err(self.overflow()) }
    }

    fn overflow(&self) -> ExpressionError {
        ExpressionError::Overflow(self.to_string())
    }

    /// As a script, with every object replaced by what `name` gives for it.
    #[must_use]
    pub fn write(&self, name: &impl Fn(&SearchLeaf) -> String) -> String {
        match self {
            Self::Search(leaf) => name(leaf),
            Self::Int(i) => i.to_string(),
            Self::Float(x) => format!("{x:?}"),
            Self::Binary(operator, left, right) => {
                format!("({} {} {})", left.write(name), operator.symbol(), right.write(name))
            }
            Self::Negate(inner) => format!("(-{})", inner.write(name)),
        }
    }
}

/// For messages: unnamed objects show their distribution.
impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.write(&|leaf| leaf.name().map_or_else(|| leaf.distribution().to_string(), str::to_owned)))
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("operands were found to be numbers when the expression was made")
}

fn numbers(values: impl Iterator<Item = Value>) -> Option<bool> {
    let mut whole = true;
    for value in values {
        match value {
            Value::Int(_) => {}
            Value::Float(_) => whole = false,
            Value::Bool(_) | Value::Text(_) => return None,
        }
    }
    Some(whole)
}
