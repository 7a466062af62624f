//! Registers the vocabulary with the engine: every constructor, `param`, `load`, `with` and `variants`.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rhai::{Dynamic, Engine, Map, NativeCallContext};

use super::convert::{self, Built};
use super::domain::domain;
use super::evaluation::{State, fail, origin};
use super::params::{accept, scalar};
use super::{imports, variants};
use crate::spec::check::{Problem, Step, build};
use crate::spec::domain::ParamDomain;
use crate::spec::schema::{Constructor, Family, Type};
use crate::spec::vocabulary::constructors;
use crate::spec::{Leaf, Origin, Param, Tree};
use crate::value::Value;

pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    for constructor in constructors() {
        for n_arguments in 0..=constructor.positional + 1 {
            let state = Rc::clone(state);
            let types = vec![TypeId::of::<Dynamic>(); n_arguments];
            engine.register_raw_fn(
                constructor.name,
                types,
                move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
                    let origin = origin(&state, &context);
                    let made = given(constructor, arguments, &state)
                        .and_then(|given| build(constructor, given, origin.clone()));
                    match made {
                        Ok(make) => Ok(Dynamic::from(Built(Arc::new(make)))),
                        Err(problem) => Err(fail(origin, problem)),
                    }
                },
            );
        }
    }
    param(engine, state);
    load(engine, state);
    variants::register(engine, state);
}

/// Plain arguments by position, then at most one map of options.
fn given(
    constructor: &'static Constructor,
    arguments: &[&mut Dynamic],
    state: &State,
) -> Result<BTreeMap<String, Tree<Leaf>>, Problem> {
    let (options, plain) = match arguments.split_last() {
        Some((_, [])) if constructor.positional > 0 && matches!(constructor.fields[0].takes, Type::Map(_)) => {
            (None, arguments)
        }
        Some((last, plain)) if last.is_map() => (last.read_lock::<Map>(), plain),
        _ => (None, arguments),
    };
    let mut given = match options {
        Some(options) => convert::fields(&options, &state.params)?,
        None => BTreeMap::new(),
    };
    if plain.len() > constructor.positional {
        return Err(Problem::new(match constructor.positional {
            0 => format!("`{}` takes a map of options `#{{...}}`, not a plain value", constructor.name),
            n => format!("`{}` takes {n} plain values, then a map of options", constructor.name),
        })
        .under(Step::Index(plain.len() - 1)));
    }
    for (field, value) in constructor.fields.iter().zip(plain) {
        let under = |problem: Problem| problem.under(Step::Key(field.name.to_owned()));
        let tree = convert::tree(value, &state.params).map_err(under)?;
        if given.insert(field.name.to_owned(), tree).is_some() {
            return Err(under(Problem::new(format!("`{}` is given twice", field.name))));
        }
    }
    Ok(given)
}

fn param(engine: &mut Engine, state: &Rc<State>) {
    for n_arguments in [3, 4] {
        let state = Rc::clone(state);
        let types = vec![TypeId::of::<Dynamic>(); n_arguments];
        engine.register_raw_fn("param", types, move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
            declare(&state, arguments).map_err(|problem| fail(origin(&state, &context), problem))
        });
    }
}

fn declare(state: &State, arguments: &[&mut Dynamic]) -> Result<Dynamic, Problem> {
    let text = |index: usize| match scalar(arguments[index]) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(Problem::new("`param` takes a name, a default, a line of help, and perhaps what it accepts")
            .under(Step::Index(index))),
    };
    let (name, help) = (text(0)?, text(2)?);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err(
            Problem::new(format!("{name:?} cannot be a param's name: letters, digits and `_`")).under(Step::Index(0))
        );
    }
    let default = scalar(arguments[1])
        .ok_or_else(|| Problem::new("a param's default is a number, a text, true or false").under(Step::Index(1)))?;
    let domain = match arguments.get(3) {
        None => ParamDomain::Any,
        Some(value) => domain(value, &default).map_err(|problem| problem.under(Step::Index(3)))?,
    };
    let domain = domain.of_type(&default);
    if let ParamDomain::OneOf(values) = &domain {
        check_listed(&name, &default, values).map_err(|problem| problem.under(Step::Index(3)))?;
    }
    let default = accept(&name, &default, &domain, default.clone()).map_err(|problem| problem.under(Step::Index(1)))?;
    let argument = state.params.borrow_mut().argument(&name);
    let value = match &argument {
        None => default.clone(),
        Some(text) => match given_value(state, &name, &default, &domain, text) {
            Ok(Given::Value(value)) => value,
            Ok(Given::Search(object)) => return Ok(object),
            Err(problem) => {
                let argument = format!("{name}={text}").into();
                state.blame(Origin::CommandLine { argument }, problem.clone());
                return Err(problem);
            }
        },
    };
    let param = Param { name, value, default, help, domain, overridden: argument.is_some() };
    state.params.borrow_mut().declare(param)
}

/// A param has to be able to take each of the values that are listed.
fn check_listed(name: &str, default: &Value, values: &[Value]) -> Result<(), Problem> {
    for (index, value) in values.iter().enumerate() {
        accept(name, default, &ParamDomain::Any, value.clone()).map_err(|problem| problem.under(Step::Index(index)))?;
    }
    Ok(())
}

enum Given {
    Value(Value),
    Search(Dynamic),
}

/// A text param takes the raw text; every other one a literal, or a search-space object.
fn given_value(state: &State, name: &str, default: &Value, domain: &ParamDomain, text: &str) -> Result<Given, Problem> {
    if matches!(default, Value::Text(_)) {
        return accept(name, default, domain, Value::Text(text.to_owned())).map(Given::Value);
    }
    if text.chars().all(|c| c.is_alphanumeric() || c == '_') && text.starts_with(char::is_alphabetic) && !is_bool(text)
    {
        // A bare word would read as a variable.
        return accept(name, default, domain, Value::Text(text.to_owned())).map(Given::Value);
    }
    let value = state.evaluate_argument(text)?;
    if value.is::<convert::Searched>() {
        return Ok(Given::Search(value));
    }
    match scalar(&value) {
        Some(value) => accept(name, default, domain, value).map(Given::Value),
        None => Err(Problem::new(format!(
            "the param `{name}` takes a plain value, not {}",
            super::objects::describe(&value)
        ))),
    }
}

fn is_bool(text: &str) -> bool {
    matches!(text, "true" | "false")
}

fn load(engine: &mut Engine, state: &Rc<State>) {
    let at = Rc::clone(state);
    let types = [TypeId::of::<Dynamic>()];
    engine.register_raw_fn("load", types, move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
        let place = origin(&at, &context);
        let path = match scalar(arguments[0]) {
            Some(Value::Text(path)) => path,
            _ => return Err(fail(place, Problem::new("`load` takes the path of a config.rhai"))),
        };
        match imports::load_config(&at, &path) {
            Ok(make) => Ok(Dynamic::from(Built(Arc::new(make)))),
            Err(problem) => Err(fail(place, problem.under(Step::Index(0)))),
        }
    });
    let at = Rc::clone(state);
    let types = [TypeId::of::<Built>(), TypeId::of::<Map>()];
    engine.register_raw_fn("with", types, move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
        let place = origin(&at, &context);
        let built = arguments[0].clone_cast::<Built>();
        let changes = arguments[1].clone_cast::<Map>();
        let made = with(&built, &changes, &at).and_then(|given| build(built.0.constructor(), given, place.clone()));
        match made {
            Ok(make) => Ok(Dynamic::from(Built(Arc::new(make)))),
            Err(problem) => Err(fail(place, problem)),
        }
    });
}

/// The fields of an experiment or a fit with some replaced; `()` removes one.
fn with(built: &Built, changes: &Map, state: &State) -> Result<BTreeMap<String, Tree<Leaf>>, Problem> {
    let constructor = built.0.constructor();
    if !matches!(constructor.family, Family::Experiment | Family::Fit) {
        return Err(Problem::new(format!("`with` changes an experiment or a fit, not `{}`", constructor.name)));
    }
    let mut given: BTreeMap<String, Tree<Leaf>> =
        built.0.fields().iter().map(|(name, tree)| ((*name).to_owned(), tree.clone())).collect();
    for (key, value) in changes {
        if value.is_unit() && constructor.fields.iter().any(|field| field.name == key.as_str()) {
            given.remove(key.as_str());
        } else {
            let tree = convert::tree(value, &state.params).map_err(|p| p.under(Step::Key(key.to_string())))?;
            given.insert(key.to_string(), tree);
        }
    }
    if constructor.family == Family::Fit
        && changes.contains_key("data")
        && !changes.contains_key("split")
        && let Some(Tree::Make(split)) = given.get("split")
    {
        // Other data have other rows: the check that they are the recorded ones no longer holds.
        let fields = split.fields().iter().filter(|(name, _)| *name != "digest");
        let fields = fields.map(|(name, tree)| ((*name).to_owned(), tree.clone())).collect();
        given.insert("split".to_owned(), Tree::Make(build(split.constructor(), fields, split.origin().clone())?));
    }
    Ok(given)
}
