//! Applies `path=value` from the command line to an experiment: a name fixes a parameter everywhere, a path replaces
//! one place.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::{self, Problem};
use super::expression::Expression;
use super::leaf::{ChoiceOption, Leaf, SearchKind, SearchLeaf};
use super::naming::{Names, element, option_segment};
use super::resolve::rebuild;
use super::schema::{Default, Family, Field, Type};
use super::tree::{Make, Tree};
use super::vocabulary::nearest;
use crate::value::Value;

/// Turns the text of an override into a value; given by the script engine.
pub type Evaluate<'a> = dyn Fn(&str) -> Result<Tree<Leaf>, Problem> + 'a;

/// The experiment with one override applied, held against the vocabulary again.
///
/// # Errors
/// A key that names nothing here, or a value that does not fit its place.
pub fn apply(make: &Make<Leaf>, key: &str, text: &str, evaluate: &Evaluate<'_>) -> Result<Make<Leaf>, Problem> {
    let names = Names::of(make).map_err(|blame| blame.problem)?;
    let named = names.leaves().iter().find(|named| named.name == key && named.places != [key]);
    let changed = if let Some(named) = named {
        let value = match named.leaf.kind() {
            SearchKind::Choice(options) => pick(options, text).map_or_else(|| evaluate(text), Ok)?,
            SearchKind::Distribution(_) => evaluate(text)?,
        };
        replace(make, &named.leaf, &rename(value, key))?
    } else {
        let mut tree = Tree::Make(make.clone());
        let segments: Vec<&str> = key.split('.').collect();
        if !set(&mut tree, None, make.constructor().family, &segments, text, evaluate)? {
            return Err(unknown(make, &names, key));
        }
        let Tree::Make(changed) = tree else { unreachable!("the root is never replaced") };
        changed
    };
    rebuild(changed)
}

fn unknown(make: &Make<Leaf>, names: &Names, key: &str) -> Problem {
    let mut paths: Vec<String> = names.leaves().iter().map(|named| named.name.clone()).collect();
    for (field, tree) in make.fields() {
        collect(tree, field, &mut paths);
    }
    let problem = Problem::new(format!("`{key}` names nothing in this experiment"));
    match nearest(key, paths.iter().map(String::as_str)) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint("`xrun check SCRIPT` lists its params and parameters"),
    }
}

fn collect(tree: &Tree<Leaf>, path: &str, paths: &mut Vec<String>) {
    paths.push(path.to_owned());
    match tree {
        Tree::Make(make) => {
            for field in make.constructor().fields {
                let inner = format!("{path}.{}", field.name);
                match make.get(field.name) {
                    Some(tree) => collect(tree, &inner, paths),
                    None => paths.push(inner),
                }
            }
        }
        Tree::List(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{path}.{}", element(item, index)), paths);
            }
        }
        Tree::Map(map) => map.iter().for_each(|(key, item)| collect(item, &format!("{path}.{key}"), paths)),
        Tree::Leaf(Leaf::Search(leaf)) => {
            if let SearchKind::Choice(options) = leaf.kind() {
                for (index, option) in options.iter().enumerate() {
                    collect(&option.tree, &format!("{path}.{}", option_segment(option, index)), paths);
                }
            }
        }
        Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) | Tree::Leaf(_) => {}
    }
}

/// Replaces the place at `segments`; false when there is none.
fn set(
    tree: &mut Tree<Leaf>,
    takes: Option<&Type>,
    family: Family,
    segments: &[&str],
    text: &str,
    evaluate: &Evaluate<'_>,
) -> Result<bool, Problem> {
    let Some((&segment, rest)) = segments.split_first() else {
        let Some(takes) = takes else { return Ok(false) };
        let picked = match &*tree {
            Tree::Leaf(Leaf::Search(leaf)) => match leaf.kind() {
                SearchKind::Choice(options) => pick(options, text),
                SearchKind::Distribution(_) => None,
            },
            _ => None,
        };
        *tree = match picked {
            Some(option) => option,
            None => check::refit(takes, family, written(takes, text, evaluate)?)?,
        };
        return Ok(true);
    };
    match tree {
        Tree::Make(make) => {
            let constructor = make.constructor();
            let Some(field) = constructor.fields.iter().find(|field| field.name == segment) else {
                // An option that an earlier override has fixed may still be named in the path.
                return if segment == constructor.name {
                    set(tree, takes, family, rest, text, evaluate)
                } else {
                    Ok(false)
                };
            };
            match make.get_mut(segment) {
                Some(inner) => set(inner, Some(&field.takes), constructor.family, rest, text, evaluate),
                None if rest.is_empty() => {
                    let value = check::refit(&field.takes, constructor.family, written(&field.takes, text, evaluate)?)?;
                    make.set(segment, Some(value));
                    Ok(true)
                }
                None => {
                    let Type::Record(known) = field.takes else { return Ok(false) };
                    let mut record = Tree::Map(BTreeMap::new());
                    if !set(&mut record, Some(&field.takes), constructor.family, rest, text, evaluate)? {
                        return Ok(false);
                    }
                    let value = check::refit(&field.takes, constructor.family, record)
                        .map_err(|problem| problem.hint(whole(segment, known)))?;
                    make.set(segment, Some(value));
                    Ok(true)
                }
            }
        }
        Tree::List(items) => {
            let Some(Type::List(item_takes) | Type::Tuple(_, item_takes)) = takes else { return Ok(false) };
            let at = items.iter().enumerate().position(|(index, item)| element(item, index) == segment);
            match at {
                Some(at) => set(&mut items[at], Some(item_takes), family, rest, text, evaluate),
                None => Ok(false),
            }
        }
        Tree::Map(map) if matches!(takes, Some(Type::Assignment)) => {
            // Parameters' names have dots of their own.
            let name = segments.join(".");
            if !map.contains_key(&name) {
                return Ok(false);
            }
            let mut changed = map.clone();
            changed.insert(name, evaluate(text)?);
            *tree = check::refit(&Type::Assignment, family, Tree::Map(changed))?;
            Ok(true)
        }
        Tree::Map(map) if matches!(takes, Some(Type::Map(_))) => {
            let Some(Type::Map(item)) = takes else { unreachable!("the guard says so") };
            match map.get_mut(segment) {
                Some(inner) => set(inner, Some(item), family, rest, text, evaluate),
                None if rest.is_empty() => {
                    let value = check::refit(item, family, written(item, text, evaluate)?)?;
                    map.insert(segment.to_owned(), value);
                    Ok(true)
                }
                None => Ok(false),
            }
        }
        Tree::Map(map) => {
            let Some(Type::Record(known)) = takes else { return Ok(false) };
            let Some(field) = known.iter().find(|field| field.name == segment) else { return Ok(false) };
            if !map.contains_key(segment) && rest.is_empty() {
                let value = check::refit(&field.takes, family, written(&field.takes, text, evaluate)?)?;
                map.insert(segment.to_owned(), value);
                return Ok(true);
            }
            match map.get_mut(segment) {
                Some(inner) => set(inner, Some(&field.takes), family, rest, text, evaluate),
                None => Ok(false),
            }
        }
        Tree::Leaf(Leaf::Search(leaf)) => {
            let SearchKind::Choice(options) = leaf.kind() else { return Ok(false) };
            let mut options = options.clone();
            let at = options.iter().enumerate().position(|(index, option)| option_segment(option, index) == segment);
            let Some(at) = at else { return Ok(false) };
            if !set(&mut options[at].tree, takes, family, rest, text, evaluate)? {
                return Ok(false);
            }
            let name = leaf.name().map(str::to_owned);
            *tree = Tree::Leaf(Leaf::Search(Arc::new(SearchLeaf::new(
                SearchKind::Choice(options),
                name,
                leaf.origin().clone(),
            ))));
            Ok(true)
        }
        Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) | Tree::Leaf(_) => Ok(false),
    }
}

/// How to set a record that is not there yet and needs more than one of its keys.
fn whole(key: &str, known: &[Field]) -> String {
    let needed = known.iter().filter(|field| matches!(field.default, Default::Required));
    let needed: Vec<String> = needed.map(|field| format!("{}: ...", field.name)).collect();
    format!("it is not there yet: set all of `{key}` at once, to #{{ {} }}", needed.join(", "))
}

/// A place for text takes the raw text; every other one a literal or a search-space object.
fn written(takes: &Type, text: &str, evaluate: &Evaluate<'_>) -> Result<Tree<Leaf>, Problem> {
    let is_text = match takes {
        Type::Text | Type::Name | Type::Path | Type::OneOf(_) | Type::Metric | Type::Duration => true,
        Type::IntOr { word, .. } | Type::ListOr { word, .. } => text == *word,
        _ => false,
    };
    let is_call = text.ends_with(')') || text.starts_with('"');
    if is_text && !is_call {
        return Ok(Tree::Text(text.to_owned()));
    }
    match takes {
        // What is no literal, as a bare word or a path, is a text.
        Type::Scalar if !is_call => Ok(evaluate(text).unwrap_or_else(|_| Tree::Text(text.to_owned()))),
        _ => evaluate(text),
    }
}

fn pick(options: &[ChoiceOption], text: &str) -> Option<Tree<Leaf>> {
    options.iter().find(|option| option.label.to_string() == text).map(|option| option.tree.clone())
}

/// A search-space object that takes a parameter's place takes its name too.
fn rename(value: Tree<Leaf>, name: &str) -> Tree<Leaf> {
    match value {
        Tree::Leaf(Leaf::Search(leaf)) if leaf.name().is_none() => Tree::Leaf(Leaf::Search(Arc::new(SearchLeaf::new(
            leaf.kind().clone(),
            Some(name.to_owned()),
            leaf.origin().clone(),
        )))),
        other => other,
    }
}

fn replace(make: &Make<Leaf>, old: &SearchLeaf, new: &Tree<Leaf>) -> Result<Make<Leaf>, Problem> {
    make.try_map(&mut |leaf| replace_leaf(leaf, old, new))
}

fn replace_leaf(leaf: &Leaf, old: &SearchLeaf, new: &Tree<Leaf>) -> Result<Tree<Leaf>, Problem> {
    match leaf {
        Leaf::Search(leaf) if **leaf == *old => Ok(new.clone()),
        Leaf::Search(leaf) => match leaf.kind() {
            SearchKind::Choice(options) => {
                let replaced: Vec<ChoiceOption> = options
                    .iter()
                    .map(|option| {
                        let tree = option.tree.try_map(&mut |leaf| replace_leaf(leaf, old, new))?;
                        Ok(ChoiceOption { tree, ..option.clone() })
                    })
                    .collect::<Result<_, Problem>>()?;
                if replaced == *options {
                    return Ok(Tree::Leaf(Leaf::Search(Arc::clone(leaf))));
                }
                let name = leaf.name().map(str::to_owned);
                let leaf = SearchLeaf::new(SearchKind::Choice(replaced), name, leaf.origin().clone());
                Ok(Tree::Leaf(Leaf::Search(Arc::new(leaf))))
            }
            SearchKind::Distribution(_) => Ok(Tree::Leaf(Leaf::Search(Arc::clone(leaf)))),
        },
        Leaf::Derived(expression) => {
            let replaced = substitute(expression, old, new)?;
            let mut leaves = Vec::new();
            replaced.leaves(&mut leaves);
            if leaves.is_empty() {
                let value = replaced.evaluate(&|_| unreachable!("the expression has no object left"))?;
                return Ok(Tree::from(&value));
            }
            Ok(Tree::Leaf(Leaf::Derived(Arc::new(replaced))))
        }
        Leaf::Param(param) => Ok(Tree::Leaf(Leaf::Param(Arc::clone(param)))),
    }
}

fn substitute(expression: &Expression, old: &SearchLeaf, new: &Tree<Leaf>) -> Result<Expression, Problem> {
    Ok(match expression {
        Expression::Search(leaf) if **leaf == *old => match new {
            Tree::Leaf(Leaf::Search(leaf)) => Expression::Search(Arc::clone(leaf)),
            other => match other.as_value() {
                Some(Value::Int(i)) => Expression::Int(i),
                Some(Value::Float(x)) => Expression::Float(x),
                _ => return Err(Problem::new(format!("a number was expected here, not {}", other.describe()))),
            },
        },
        Expression::Binary(operator, left, right) => {
            Expression::Binary(*operator, Box::new(substitute(left, old, new)?), Box::new(substitute(right, old, new)?))
        }
        Expression::Negate(inner) => Expression::Negate(Box::new(substitute(inner, old, new)?)),
        kept => kept.clone(),
    })
}
