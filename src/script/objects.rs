//! The search-space constructors, arithmetic over what they return, and the refusals of everything that would need
//! a value no trial has chosen yet.

use std::any::TypeId;
use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::rc::Rc;
use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, FLOAT, INT, ImmutableString, Map, NativeCallContext};

use super::convert::{self, Built, Searched};
use super::evaluation::{State, fail, origin};
use super::params::{Params, scalar};
use super::variants::Varied;
use crate::space::{Distribution, DistributionError};
use crate::spec::check::{Problem, Step};
use crate::spec::expression::{Expression, Operator};
use crate::spec::leaf::{self, ChoiceOption, SearchKind};
use crate::spec::{SearchLeaf, Tree, print};
use crate::value::Value;

/// How a search-space object is called in messages of the engine.
pub(super) const OBJECT: &str = "search-space object";

/// Terms of a derived value, and levels of choices inside choices: more is a loop gone wrong.
const MAX_TERMS: usize = 1_000;
const MAX_LEVELS: usize = 16;
const MAX_OPTIONS: usize = 10_000;

type RhaiResult<T> = Result<T, Box<rhai::EvalAltResult>>;

pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    engine
        .register_type_with_name::<Searched>(OBJECT)
        .register_type_with_name::<Built>("part of an experiment")
        .register_type_with_name::<Varied>("variants");
    numbers(engine, state, "uniform", |low, high| Distribution::uniform(float(low)?, float(high)?).map_err(broken));
    numbers(engine, state, "log_uniform", |low, high| {
        Distribution::log_uniform(float(low)?, float(high)?).map_err(broken)
    });
    numbers(engine, state, "int", |low, high| Distribution::int(int(low)?, int(high)?).map_err(broken));
    numbers(engine, state, "log_int", |low, high| Distribution::log_int(int(low)?, int(high)?).map_err(broken));
    numbers(engine, state, "normal", |mu, sigma| Distribution::normal(float(mu)?, float(sigma)?).map_err(broken));
    numbers(engine, state, "log_normal", |mu, sigma| {
        Distribution::log_normal(float(mu)?, float(sigma)?).map_err(broken)
    });
    choices(engine, state);
    methods(engine, state);
    arithmetic(engine);
    refusals(engine, state);
}

fn dynamic(n: usize) -> Vec<TypeId> {
    vec![TypeId::of::<Dynamic>(); n]
}

fn numbers(
    engine: &mut Engine,
    state: &Rc<State>,
    name: &'static str,
    build: impl Fn(&Dynamic, &Dynamic) -> Result<Distribution, Problem> + 'static,
) {
    let state = Rc::clone(state);
    engine.register_raw_fn(name, dynamic(2), move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
        let origin = origin(&state, &context);
        match build(arguments[0], arguments[1]) {
            Ok(distribution) => {
                let leaf = SearchLeaf::new(SearchKind::Distribution(distribution), None, origin);
                Ok(Dynamic::from(Searched::Object(Arc::new(leaf))))
            }
            Err(problem) => Err(fail(origin, problem)),
        }
    });
}

fn broken(error: DistributionError) -> Problem {
    let hint = error.hint();
    Problem::new(error.to_string()).hint(hint)
}

#[expect(clippy::cast_precision_loss, reason = "whole numbers in scripts are far below 2^53")]
fn float(value: &Dynamic) -> Result<f64, Problem> {
    match scalar(value) {
        Some(Value::Float(x)) => Ok(x),
        Some(Value::Int(i)) => Ok(i as f64),
        _ => Err(not_a_number(value, "a number")),
    }
}

fn int(value: &Dynamic) -> Result<i64, Problem> {
    match scalar(value) {
        Some(Value::Int(i)) => Ok(i),
        _ => Err(not_a_number(value, "a whole number")),
    }
}

fn not_a_number(value: &Dynamic, wanted: &str) -> Problem {
    Problem::new(format!("{wanted} was expected here, not {}", describe(value)))
}

/// What the engine calls a type, in words; what is none of its types stays as it is.
pub(super) fn of_type(name: &str) -> String {
    match name {
        "bool" => "a truth value",
        "i64" => "a whole number",
        "f64" => "a number",
        "string" => "a text",
        "char" => "a character",
        "array" => "a list",
        "map" => "a map",
        "()" => "`()`",
        OBJECT => "a search-space object",
        "part of an experiment" => "a part of an experiment",
        "variants" => "`variants(...)`",
        "Fn" => "a function",
        "range" | "range=" => "a range",
        other => other,
    }
    .to_owned()
}

/// What kind of value it is, in words. A value alone does not know what the engine calls a type of ours.
pub(super) fn kind(value: &Dynamic) -> String {
    let name = if value.is::<Searched>() {
        OBJECT
    } else if value.is::<Built>() {
        "part of an experiment"
    } else if value.is::<Varied>() {
        "variants"
    } else if value.is::<Range<INT>>() || value.is::<RangeInclusive<INT>>() {
        "range"
    } else {
        value.type_name()
    };
    of_type(name)
}

/// What stands there: a plain value as it is written, of anything else its kind.
pub(super) fn describe(value: &Dynamic) -> String {
    match (scalar(value), value.as_float()) {
        (Some(value), _) => format!("`{}`", print::value(&value)),
        // It is not finite.
        (None, Ok(x)) => format!("`{x}`"),
        (None, Err(_)) => kind(value),
    }
}

fn choices(engine: &mut Engine, state: &Rc<State>) {
    let at = Rc::clone(state);
    engine.register_raw_fn("choice", dynamic(1), move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
        let origin = origin(&at, &context);
        match options(arguments[0], &at.params) {
            Ok(options) => {
                let leaf = SearchLeaf::new(SearchKind::Choice(options), None, origin);
                Ok(Dynamic::from(Searched::Object(Arc::new(leaf))))
            }
            Err(problem) => Err(fail(origin, problem)),
        }
    });
    let at = Rc::clone(state);
    engine.register_raw_fn("ordinal", dynamic(1), move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
        let origin = origin(&at, &context);
        let values = match arguments[0].read_lock::<Array>() {
            Some(items) => items.iter().map(scalar).collect::<Option<Vec<Value>>>(),
            None => None,
        };
        let distribution = match values {
            Some(values) => Distribution::ordinal(values).map_err(broken),
            None => Err(Problem::new("`ordinal` takes a list of numbers or texts in their order")),
        };
        match distribution {
            Ok(distribution) => {
                let leaf = SearchLeaf::new(SearchKind::Distribution(distribution), None, origin);
                Ok(Dynamic::from(Searched::Object(Arc::new(leaf))))
            }
            Err(problem) => Err(fail(origin, problem)),
        }
    });
}

fn options(value: &Dynamic, params: &Rc<RefCell<Params>>) -> Result<Vec<ChoiceOption>, Problem> {
    let mut options = Vec::new();
    if let Some(items) = value.read_lock::<Array>() {
        for (index, item) in items.iter().enumerate() {
            let under = |problem: Problem| problem.under(Step::Index(index)).under(Step::Index(0));
            let tree = convert::tree(item, params).map_err(under)?;
            let label = label(&tree).ok_or_else(|| {
                under(
                    Problem::new("this option has no label of its own")
                        .hint("give every option a label: choice(#{ small: ..., large: ... })"),
                )
            })?;
            options.push(ChoiceOption { label, tree, labelled: false });
        }
    } else if let Some(map) = value.read_lock::<Map>() {
        for (key, tree) in convert::fields(&map, params).map_err(|problem| problem.under(Step::Index(0)))? {
            options.push(ChoiceOption { label: Value::Text(key), tree, labelled: true });
        }
    } else {
        return Err(Problem::new("`choice` takes a list of options, or a map from labels to options"));
    }
    let (levels, size) = leaf::extent(options.iter().map(|option| &option.tree));
    if levels > MAX_LEVELS || size > MAX_OPTIONS {
        return Err(Problem::new(format!(
            "choices are nested more than {MAX_LEVELS} deep, or hold more than {MAX_OPTIONS} values"
        )));
    }
    let labels: Vec<Value> = options.iter().map(|option| option.label.clone()).collect();
    Distribution::choice(labels.clone()).map_err(|error| {
        let twice = (1..labels.len()).find(|&later| labels[..later].contains(&labels[later]));
        let is_part = twice.is_some_and(|later| match &options[later].tree {
            Tree::Make(_) => true,
            Tree::List(items) => items.iter().any(|item| matches!(item, Tree::Make(_))),
            _ => false,
        });
        let problem = broken(error);
        let problem =
            if is_part { problem.hint("give the options labels: choice(#{ fast: ..., slow: ... })") } else { problem };
        match twice {
            Some(later) => problem.under(Step::Index(later)).under(Step::Index(0)),
            None => problem,
        }
    })?;
    Ok(options)
}

/// A scalar is its own label, a constructor's result goes by the constructor, a list of scalars by its text.
fn label(tree: &Tree<crate::spec::Leaf>) -> Option<Value> {
    match tree {
        Tree::Make(make) => Some(Value::Text(make.constructor().name.to_owned())),
        Tree::Leaf(crate::spec::Leaf::Param(param)) => Some(param.value.clone()),
        Tree::List(items) => {
            let items: Vec<String> =
                items.iter().map(|item| label(item).map(|label| print::value(&label))).collect::<Option<_>>()?;
            Some(Value::Text(format!("[{}]", items.join(", "))))
        }
        Tree::Map(_) | Tree::Leaf(_) => None,
        scalar => scalar.as_value(),
    }
}

fn methods(engine: &mut Engine, state: &Rc<State>) {
    let at = Rc::clone(state);
    let types = [TypeId::of::<Searched>(), TypeId::of::<Dynamic>()];
    engine.register_raw_fn("step", types, move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
        let origin = origin(&at, &context);
        let object = arguments[0].clone_cast::<Searched>();
        let stepped = match &object {
            Searched::Object(leaf) => match leaf.kind() {
                SearchKind::Distribution(distribution) => float(arguments[1])
                    .and_then(|step| distribution.clone().with_step(step).map_err(broken))
                    .map(|distribution| (distribution, leaf.name().map(str::to_owned))),
                SearchKind::Choice(_) => Err(Problem::new("a choice has no step")),
            },
            Searched::Derived(_) => Err(Problem::new("a derived value has no step; give one to its parts")),
        };
        match stepped {
            Ok((distribution, name)) => {
                let leaf = SearchLeaf::new(SearchKind::Distribution(distribution), name, origin);
                Ok(Dynamic::from(Searched::Object(Arc::new(leaf))))
            }
            Err(problem) => Err(fail(origin, problem)),
        }
    });
    let at = Rc::clone(state);
    engine.register_raw_fn("named", types, move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
        let origin = origin(&at, &context);
        let object = arguments[0].clone_cast::<Searched>();
        let named = match (&object, scalar(arguments[1])) {
            (Searched::Derived(_), _) => Err(Problem::new("a derived value has no name; name its parts")),
            (Searched::Object(leaf), Some(Value::Text(name))) if is_dotted_name(&name) => {
                Ok(SearchLeaf::new(leaf.kind().clone(), Some(name), leaf.origin().clone()))
            }
            (Searched::Object(_), _) => Err(Problem::new(format!(
                "{} cannot be a parameter's name: letters, digits and `_`, in parts joined by `.`",
                describe(arguments[1])
            ))),
        };
        match named {
            Ok(leaf) => Ok(Dynamic::from(Searched::Object(Arc::new(leaf)))),
            Err(problem) => Err(fail(origin, problem)),
        }
    });
}

fn is_dotted_name(name: &str) -> bool {
    name.split('.').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn arithmetic(engine: &mut Engine) {
    fn binary(operator: Operator, left: Expression, right: Expression) -> RhaiResult<Searched> {
        let expression = Expression::Binary(operator, Box::new(left), Box::new(right));
        if expression.size() > MAX_TERMS {
            return Err(format!("a derived value has more than {MAX_TERMS} terms").into());
        }
        if expression.is_int().is_none() {
            return Err(format!("`{}` needs numbers on both sides", operator.symbol()).into());
        }
        Ok(Searched::Derived(Arc::new(expression)))
    }
    for operator in Operator::ALL {
        let symbol = operator.symbol();
        engine.register_fn(symbol, move |l: Searched, r: Searched| binary(operator, l.expression(), r.expression()));
        engine.register_fn(symbol, move |l: Searched, r: INT| binary(operator, l.expression(), Expression::Int(r)));
        engine.register_fn(symbol, move |l: Searched, r: FLOAT| binary(operator, l.expression(), Expression::Float(r)));
        engine.register_fn(symbol, move |l: INT, r: Searched| binary(operator, Expression::Int(l), r.expression()));
        engine.register_fn(symbol, move |l: FLOAT, r: Searched| binary(operator, Expression::Float(l), r.expression()));
    }
    engine.register_fn("-", |inner: Searched| -> RhaiResult<Searched> {
        let expression = Expression::Negate(Box::new(inner.expression()));
        if expression.size() > MAX_TERMS {
            return Err(format!("a derived value has more than {MAX_TERMS} terms").into());
        }
        if expression.is_int().is_none() {
            return Err("`-` needs a number".into());
        }
        Ok(Searched::Derived(Arc::new(expression)))
    });
    // Whole numbers divide exactly or not at all: the language's own answer to 1/2 is 0.
    engine.register_fn("/", |left: INT, right: INT| -> RhaiResult<INT> {
        match left.checked_rem(right) {
            Some(0) => left.checked_div(right).ok_or_else(|| "the quotient is too large".into()),
            Some(_) => Err(format!(
                "{left} / {right} is not a whole number; write {left}.0 / {right} for the fraction, or floor_div({left}, {right})"
            )
            .into()),
            None => Err(format!("{left} / {right} divides by zero").into()),
        }
    });
    engine.register_fn("floor_div", |left: INT, right: INT| -> RhaiResult<INT> {
        left.checked_div_euclid(right).ok_or_else(|| format!("floor_div({left}, {right}) has no value").into())
    });
}

fn refusals(engine: &mut Engine, state: &Rc<State>) {
    let refuse = |engine: &mut Engine, name: &'static str, types: &[TypeId], what: &'static str| {
        let at = Rc::clone(state);
        engine.register_raw_fn(name, types, move |context: NativeCallContext, _: &mut [&mut Dynamic]| -> RhaiResult<Dynamic> {
            let problem = Problem::new(format!("{what} a search-space object: it has no value while the script runs"))
                .hint("each trial chooses its value later; compute with + - * / **, or choose between parts with choice([...])");
            let origin = origin(&at, &context);
            // Writing into a text swallows errors: remember this one.
            at.blame(origin.clone(), problem.clone());
            Err(fail(origin, problem))
        });
    };
    let (searched, anything) = (TypeId::of::<Searched>(), TypeId::of::<Dynamic>());
    for name in ["==", "!=", "<", "<=", ">", ">="] {
        for types in [[searched, searched], [searched, anything], [anything, searched]] {
            refuse(engine, name, &types, "cannot compare");
        }
    }
    for name in ["to_string", "to_debug", "print", "debug"] {
        refuse(engine, name, &[searched], "cannot write out");
    }
    for name in ["+", "+="] {
        refuse(engine, name, &[TypeId::of::<ImmutableString>(), searched], "cannot write out");
        refuse(engine, name, &[searched, TypeId::of::<ImmutableString>()], "cannot write out");
    }
    for name in ["contains", "index_of"] {
        refuse(engine, name, &[TypeId::of::<Array>(), searched], "cannot look for");
        refuse(engine, name, &[TypeId::of::<Map>(), searched], "cannot look for");
    }
    refuse(engine, "!", &[searched], "cannot negate");
    answers(engine);
}

/// The language's own take every answer of a closure that is not true or false for false.
fn answers(engine: &mut Engine) {
    fn ask(context: &NativeCallContext, arguments: &mut [&mut Dynamic]) -> RhaiResult<Vec<(Dynamic, bool)>> {
        let items = arguments[0].read_lock::<Array>().map(|items| items.clone()).unwrap_or_default();
        let closure = arguments[1].clone_cast::<rhai::FnPtr>();
        items
            .into_iter()
            .map(|item| {
                let answer = closure.call_raw(context, None, [item.clone()])?;
                let answer = answer.as_bool().map_err(|found| {
                    rhai::EvalAltResult::ErrorMismatchDataType(
                        "bool".to_owned(),
                        found.to_owned(),
                        context.call_position(),
                    )
                })?;
                Ok((item, answer))
            })
            .collect()
    }
    type Answers = fn(Vec<(Dynamic, bool)>) -> Dynamic;
    let functions: [(&str, Answers); 3] = [
        ("filter", |asked| {
            Dynamic::from_array(asked.into_iter().filter(|(_, answer)| *answer).map(|(item, _)| item).collect())
        }),
        ("some", |asked| Dynamic::from(asked.iter().any(|(_, answer)| *answer))),
        ("all", |asked| Dynamic::from(asked.iter().all(|(_, answer)| *answer))),
    ];
    for (name, conclude) in functions {
        let types = [TypeId::of::<Array>(), TypeId::of::<rhai::FnPtr>()];
        engine.register_raw_fn(name, types, move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
            ask(&context, arguments).map(conclude)
        });
    }
}
