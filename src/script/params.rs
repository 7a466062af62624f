//! Params: values a script declares as settable, and the arguments that set them.
//!
//! `param(...)` returns a plain value, so that a script can compute and branch on it; a tag on the value tells where
//! it went. A param whose every reading ended in the tree can stay a param in the printed config. One that was
//! computed with or branched on cannot: what it decided is in the tree already.

use std::sync::Arc;

use rhai::{Array, Dynamic, ImmutableString, Map};

use crate::spec::check::Problem;
use crate::spec::vocabulary::nearest;
use crate::spec::{Param, domain::ParamDomain};
use crate::value::Value;

/// A `key=value` argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    key: String,
    text: String,
    /// The variant it is for, if it names one.
    variant: Option<String>,
}

impl Argument {
    /// Reads `key=value`.
    ///
    /// # Errors
    /// There is no `=`, or nothing before it.
    pub fn parse(argument: &str) -> Result<Self, String> {
        match argument.split_once('=') {
            Some((key, text)) if !key.trim_start_matches('.').is_empty() => {
                Ok(Self { key: key.to_owned(), text: text.to_owned(), variant: None })
            }
            _ => Err(format!("`{argument}` is no key=value")),
        }
    }

    /// What it sets.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// To what.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The path it names if it is not a param's: without the dot that forces a path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.key.trim_start_matches('.')
    }

    /// The same for one variant, if its key begins with the variant's name.
    pub(super) fn of_variant(&self, name: &str) -> Option<Self> {
        let key = self.path().strip_prefix(name)?.strip_prefix('.').filter(|key| !key.is_empty())?;
        Some(Self { key: key.to_owned(), text: self.text.clone(), variant: Some(name.to_owned()) })
    }

    /// The variant it is for.
    pub(super) fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }
}

impl std::fmt::Display for Argument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(variant) = &self.variant {
            write!(f, "{variant}.")?;
        }
        write!(f, "{}={}", self.key, self.text)
    }
}

#[derive(Debug)]
struct Declared {
    param: Arc<Param>,
    /// A text param is known by this very text: the engine drops a text's tag when it is put into a variable.
    text: Option<ImmutableString>,
    n_calls: usize,
    n_read: usize,
    n_captured: usize,
}

/// The params an evaluation declared and the arguments it was given.
#[derive(Debug, Default)]
pub(super) struct Params {
    arguments: Vec<(Argument, bool)>,
    declared: Vec<Declared>,
}

impl Params {
    pub(super) fn new(arguments: &[Argument]) -> Self {
        Self { arguments: arguments.iter().cloned().map(|argument| (argument, false)).collect(), declared: Vec::new() }
    }

    /// The text given for a param, marked as used.
    pub(super) fn argument(&mut self, name: &str) -> Option<String> {
        let (argument, used) = self.arguments.iter_mut().find(|(argument, _)| argument.key == name)?;
        *used = true;
        Some(argument.text.clone())
    }

    /// Declares a param; the value to return carries its tag.
    pub(super) fn declare(&mut self, param: Param) -> Result<Dynamic, Problem> {
        if let Some(same) = self.declared.iter_mut().find(|declared| declared.param.name == param.name) {
            if *same.param != param {
                return Err(Problem::new(format!("the param `{}` is declared twice, differently", param.name)));
            }
            same.n_calls += 1;
            return Ok(self.tagged(&param));
        }
        let text = match &param.value {
            Value::Text(text) => Some(ImmutableString::from(text.as_str())),
            _ => None,
        };
        self.declared.push(Declared { param: Arc::new(param.clone()), text, n_calls: 1, n_read: 0, n_captured: 0 });
        Ok(self.tagged(&param))
    }

    fn tagged(&self, param: &Param) -> Dynamic {
        let index = self.declared.iter().position(|declared| declared.param.name == param.name);
        let index = index.expect("it was declared above");
        let mut value = match &param.value {
            Value::Bool(b) => Dynamic::from(*b),
            Value::Int(i) => Dynamic::from(*i),
            Value::Float(x) => Dynamic::from(*x),
            Value::Text(_) => return Dynamic::from(self.declared[index].text.clone().expect("it is a text")),
        };
        value.set_tag(i32::try_from(index + 1).expect("params are few"));
        value
    }

    fn tagged_by(&mut self, value: &Dynamic) -> Option<&mut Declared> {
        if let Some(text) = value.read_lock::<ImmutableString>() {
            let is_same = |known: &ImmutableString| std::ptr::eq(known.as_str(), text.as_str());
            return self.declared.iter_mut().find(|declared| declared.text.as_ref().is_some_and(is_same));
        }
        let index = usize::try_from(value.tag()).ok()?.checked_sub(1)?;
        self.declared.get_mut(index)
    }

    /// A variable holding this value was read.
    pub(super) fn read(&mut self, value: &Dynamic) {
        if let Some(declared) = self.tagged_by(value) {
            declared.n_read += 1;
        } else if self.declared.is_empty() {
        } else if let Some(items) = value.read_lock::<Array>() {
            items.iter().for_each(|item| self.read(item));
        } else if let Some(map) = value.read_lock::<Map>() {
            map.values().for_each(|item| self.read(item));
        }
    }

    /// The param whose value this is, now placed in the tree.
    pub(super) fn capture(&mut self, value: &Dynamic) -> Option<Arc<Param>> {
        let scalar = scalar(value);
        let declared = self.tagged_by(value)?;
        if scalar.as_ref() != Some(&declared.param.value) {
            // A copy of it was changed in place, which keeps the tag.
            return None;
        }
        declared.n_captured += 1;
        Some(Arc::clone(&declared.param))
    }

    /// Whether a param did nothing but end in the tree.
    pub(super) fn stays(&self, name: &str) -> bool {
        self.declared.iter().any(|declared| {
            // Of several calls some may have been computed with.
            let n_calls = if declared.n_calls > 1 { declared.n_calls } else { 0 };
            declared.param.name == name && n_calls + declared.n_read <= declared.n_captured
        })
    }

    pub(super) fn declared(&self) -> Vec<Arc<Param>> {
        self.declared.iter().map(|declared| Arc::clone(&declared.param)).collect()
    }

    pub(super) fn unused(&self) -> Vec<Argument> {
        self.arguments.iter().filter(|(_, used)| !used).map(|(argument, _)| argument.clone()).collect()
    }

    /// The declared name near to a key that named nothing.
    pub(super) fn near(&self, key: &str) -> Option<&str> {
        nearest(key, self.declared.iter().map(|declared| declared.param.name.as_str()))
    }
}

/// Whether a value is of the param's type and in its domain; whole numbers will do where a number is wanted.
pub(super) fn accept(name: &str, default: &Value, domain: &ParamDomain, value: Value) -> Result<Value, Problem> {
    #[expect(clippy::cast_precision_loss, reason = "whole numbers in scripts are far below 2^53")]
    let value = match (default, value) {
        (Value::Float(_), Value::Int(i)) => Value::Float(i as f64),
        (_, value) => value,
    };
    let wanted = default.kind();
    if std::mem::discriminant(default) != std::mem::discriminant(&value) {
        return Err(Problem::new(format!("the param `{name}` takes {wanted}, not `{value}`")));
    }
    if domain.accepts(&value) {
        return Ok(value);
    }
    Err(Problem::new(match domain {
        ParamDomain::OneOf(_) => format!("the param `{name}` takes one of {domain}, not `{value}`"),
        ParamDomain::Range(range) => match (range.min(), range.max()) {
            (Some(min), Some(max)) => format!("the param `{name}` takes {wanted} in {min}..={max}, not {value}"),
            _ => format!("the param `{name}` takes {wanted} that is {range}, not {value}"),
        },
        ParamDomain::Any => unreachable!("everything of the type fits"),
    }))
}

/// A scalar of the engine as a value.
pub(super) fn scalar(value: &Dynamic) -> Option<Value> {
    if let Ok(b) = value.as_bool() {
        return Some(Value::Bool(b));
    }
    if let Ok(i) = value.as_int() {
        return Some(Value::Int(i));
    }
    if let Ok(x) = value.as_float() {
        return x.is_finite().then_some(Value::Float(x));
    }
    value.read_lock::<rhai::ImmutableString>().map(|text| Value::Text(text.to_string()))
}
