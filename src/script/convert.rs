//! Between the engine's dynamic values and trees.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rhai::{Array, Dynamic, Map};

use super::params::Params;
use crate::spec::check::{Problem, Step};
use crate::spec::expression::Expression;
use crate::spec::{Leaf, Make, SearchLeaf, Tree};

/// What a constructor returns to the script.
#[derive(Clone, Debug)]
pub(super) struct Built(pub(super) Arc<Make<Leaf>>);

/// What a search-space constructor, or arithmetic over its result, returns to the script.
#[derive(Clone, Debug)]
pub(super) enum Searched {
    Object(Arc<SearchLeaf>),
    Derived(Arc<Expression>),
}

impl Searched {
    pub(super) fn expression(&self) -> Expression {
        match self {
            Self::Object(leaf) => Expression::Search(Arc::clone(leaf)),
            Self::Derived(expression) => (**expression).clone(),
        }
    }
}

/// The tree of a value; a value that carries a param's tag is an open place for that param.
pub(super) fn tree(value: &Dynamic, params: &Rc<RefCell<Params>>) -> Result<Tree<Leaf>, Problem> {
    if let Some(param) = params.borrow_mut().capture(value) {
        return Ok(Tree::Leaf(Leaf::Param(param)));
    }
    if let Ok(b) = value.as_bool() {
        return Ok(Tree::Bool(b));
    }
    if let Ok(i) = value.as_int() {
        return Ok(Tree::Int(i));
    }
    if let Ok(x) = value.as_float() {
        return if x.is_finite() {
            Ok(Tree::Float(x))
        } else {
            Err(Problem::new(format!("{x} is not a finite number")))
        };
    }
    if let Some(text) = value.read_lock::<rhai::ImmutableString>() {
        return Ok(Tree::Text(text.to_string()));
    }
    if let Some(built) = value.read_lock::<Built>() {
        return Ok(Tree::Make((*built.0).clone()));
    }
    if let Some(searched) = value.read_lock::<Searched>() {
        return Ok(Tree::Leaf(match &*searched {
            Searched::Object(leaf) => Leaf::Search(Arc::clone(leaf)),
            Searched::Derived(expression) => Leaf::Derived(Arc::clone(expression)),
        }));
    }
    if let Some(items) = value.read_lock::<Array>() {
        let items = items
            .iter()
            .enumerate()
            .map(|(index, item)| tree(item, params).map_err(|problem| problem.under(Step::Index(index))));
        return items.collect::<Result<_, _>>().map(Tree::List);
    }
    if let Some(map) = value.read_lock::<Map>() {
        return fields(&map, params).map(Tree::Map);
    }
    if value.is_unit() {
        return Err(Problem::new("nothing stands here: `()` is no value"));
    }
    Err(Problem::new(format!("{} cannot stand here", super::objects::kind(value))))
}

/// The trees of a map's values.
pub(super) fn fields(map: &Map, params: &Rc<RefCell<Params>>) -> Result<BTreeMap<String, Tree<Leaf>>, Problem> {
    map.iter()
        .map(|(key, value)| {
            let tree = tree(value, params).map_err(|problem| problem.under(Step::Key(key.to_string())))?;
            Ok((key.to_string(), tree))
        })
        .collect()
}
