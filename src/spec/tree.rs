//! The tree of values, with open places of type `L`.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::leaf::Origin;
use super::schema::Constructor;
use crate::value::Value;

/// A value of a script. `Tree<Leaf>` may hold parameters and search-space objects; `Tree<Infallible>` cannot.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree<L> {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Tree<L>>),
    /// A plain map, ordered by key.
    Map(BTreeMap<String, Tree<L>>),
    /// What a constructor built.
    Make(Make<L>),
    /// An open place.
    Leaf(L),
}

/// What a constructor of the vocabulary built: its fields in the order of the vocabulary, absent ones left out.
#[derive(Clone, Debug)]
pub struct Make<L> {
    constructor: &'static Constructor,
    fields: Vec<(&'static str, Tree<L>)>,
    origin: Origin,
}

/// Equal when they build the same thing, wherever that was written.
impl<L: PartialEq> PartialEq for Make<L> {
    fn eq(&self, other: &Self) -> bool {
        self.constructor.name == other.constructor.name && self.fields == other.fields
    }
}

impl<L> Make<L> {
    /// Builds from fields already checked against the constructor; their order is settled here.
    pub(super) fn new(constructor: &'static Constructor, mut given: BTreeMap<String, Tree<L>>, origin: Origin) -> Self {
        let fields = constructor
            .fields
            .iter()
            .filter_map(|field| given.remove(field.name).map(|tree| (field.name, tree)))
            .collect();
        Self { constructor, fields, origin }
    }

    /// The entry of the vocabulary it was built by.
    #[must_use]
    pub fn constructor(&self) -> &'static Constructor {
        self.constructor
    }

    /// Where the constructor was called.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The fields that are present, in the vocabulary's order.
    #[must_use]
    pub fn fields(&self) -> &[(&'static str, Tree<L>)] {
        &self.fields
    }

    /// A field's value, if present.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tree<L>> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, tree)| tree)
    }

    /// A field's value, to be changed in place by a stage that keeps it valid.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Tree<L>> {
        self.fields.iter_mut().find(|(field, _)| *field == name).map(|(_, tree)| tree)
    }

    /// Sets or, with `None`, removes a field; the vocabulary's order is kept.
    ///
    /// # Panics
    /// If the constructor has no such field.
    pub(crate) fn set(&mut self, name: &str, tree: Option<Tree<L>>) {
        let order = |wanted: &str| self.constructor.fields.iter().position(|field| field.name == wanted);
        let at = order(name).expect("the caller names a field of the vocabulary");
        self.fields.retain(|(field, _)| *field != name);
        if let Some(tree) = tree {
            let place = self.fields.partition_point(|(field, _)| order(field) < Some(at));
            self.fields.insert(place, (self.constructor.fields[at].name, tree));
        }
    }

    /// The name by which a list element goes in paths, such as a phase's.
    #[must_use]
    pub fn element_name(&self) -> Option<&str> {
        match (self.constructor.named, self.get("name")) {
            (true, Some(Tree::Text(name))) => Some(name),
            _ => None,
        }
    }
}

impl<L> Tree<L> {
    /// The decided value this is, if it is a scalar.
    #[must_use]
    pub fn as_value(&self) -> Option<Value> {
        match self {
            Self::Bool(b) => Some(Value::Bool(*b)),
            Self::Int(i) => Some(Value::Int(*i)),
            Self::Float(x) => Some(Value::Float(*x)),
            Self::Text(t) => Some(Value::Text(t.clone())),
            Self::List(_) | Self::Map(_) | Self::Make(_) | Self::Leaf(_) => None,
        }
    }

    /// What this is, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Bool(b) => format!("the truth value `{b}`"),
            Self::Int(i) => format!("the whole number `{i}`"),
            Self::Float(x) => format!("the number `{x:?}`"),
            Self::Text(t) => format!("the text {t:?}"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
            Self::Make(make) => format!("`{}(...)`", make.constructor.name),
            Self::Leaf(_) => "a search-space object".to_owned(),
        }
    }

    /// Rebuilds the tree with every leaf replaced by what `close` makes of it.
    ///
    /// # Errors
    /// The first error of `close`.
    pub fn try_map<M, E>(&self, close: &mut impl FnMut(&L) -> Result<Tree<M>, E>) -> Result<Tree<M>, E> {
        Ok(match self {
            Self::Bool(b) => Tree::Bool(*b),
            Self::Int(i) => Tree::Int(*i),
            Self::Float(x) => Tree::Float(*x),
            Self::Text(t) => Tree::Text(t.clone()),
            Self::List(items) => Tree::List(items.iter().map(|item| item.try_map(close)).collect::<Result<_, E>>()?),
            Self::Map(map) => Tree::Map(
                map.iter().map(|(key, item)| Ok((key.clone(), item.try_map(close)?))).collect::<Result<_, E>>()?,
            ),
            Self::Make(make) => Tree::Make(make.try_map(close)?),
            Self::Leaf(leaf) => close(leaf)?,
        })
    }
}

impl<L> Make<L> {
    /// As [`Tree::try_map`].
    ///
    /// # Errors
    /// The first error of `close`.
    pub fn try_map<M, E>(&self, close: &mut impl FnMut(&L) -> Result<Tree<M>, E>) -> Result<Make<M>, E> {
        let fields =
            self.fields.iter().map(|(name, tree)| Ok((*name, tree.try_map(close)?))).collect::<Result<_, E>>()?;
        Ok(Make { constructor: self.constructor, fields, origin: self.origin.clone() })
    }
}

impl Tree<Infallible> {
    /// The same tree where leaves would be allowed.
    #[must_use]
    pub fn open<L>(&self) -> Tree<L> {
        let opened: Result<Tree<L>, Infallible> = self.try_map(&mut |leaf| match *leaf {});
        match opened {
            Ok(tree) => tree,
        }
    }
}
