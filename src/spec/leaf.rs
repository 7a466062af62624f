//! What can stand open in a tree: a param, a search-space object, or a value derived from such objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::domain::ParamDomain;
use super::expression::Expression;
use super::tree::Tree;
use crate::space::Distribution;
use crate::value::Value;

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A call in a script; lines and columns count from 1.
    Script {
        /// The script, as it is shown in messages.
        source: Arc<str>,
        /// Line of the call.
        line: usize,
        /// Column of the call, in characters.
        column: usize,
    },
    /// An override given on the command line.
    CommandLine {
        /// The argument as it was typed.
        argument: Arc<str>,
    },
    /// Written by xrun itself (a default, or a config it composed).
    Xrun,
}

/// An open place.
#[derive(Clone, Debug, PartialEq)]
pub enum Leaf {
    /// A declared param and the value it has in this run.
    Param(Arc<Param>),
    /// A search-space object.
    Search(Arc<SearchLeaf>),
    /// Arithmetic over search-space objects.
    Derived(Arc<Expression>),
}

/// A value a script declares as settable from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name, as in `name=value`.
    pub name: String,
    /// The value it has in this run.
    pub value: Value,
    /// The value the script gives it.
    pub default: Value,
    /// One line for the user.
    pub help: String,
    /// What it accepts beyond its type.
    pub domain: ParamDomain,
    /// Whether the command line set it.
    pub overridden: bool,
}

/// A search-space object. Two calls make two objects, however alike.
#[derive(Clone, Debug)]
pub struct SearchLeaf {
    id: u64,
    name: Option<String>,
    kind: SearchKind,
    origin: Origin,
    extent: (usize, usize),
}

/// Same object, not merely alike.
impl PartialEq for SearchLeaf {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// What a search-space object ranges over.
#[derive(Clone, Debug)]
pub enum SearchKind {
    /// Numbers, or ordered scalars.
    Distribution(Distribution),
    /// One of several options, which may hold objects of their own.
    Choice(Vec<ChoiceOption>),
}

/// An option of a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceOption {
    /// Its label, by which it is recorded.
    pub label: Value,
    /// What stands in the place when it is chosen.
    pub tree: Tree<Leaf>,
    /// Whether the script gave the label (`choice(#{label: ...})`).
    pub labelled: bool,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Leaf {
    /// The same place with what `change` makes of params, also of those in options and derived values. Objects keep
    /// their identity.
    #[must_use]
    pub fn with_params(&self, change: &impl Fn(&Arc<Param>) -> Tree<Self>) -> Tree<Self> {
        match self {
            Self::Param(param) => change(param),
            Self::Search(leaf) => Tree::Leaf(Self::Search(leaf.with_params(change))),
            Self::Derived(expression) => {
                Tree::Leaf(Self::Derived(Arc::new(expression.map_leaves(&|leaf| leaf.with_params(change)))))
            }
        }
    }
}

impl SearchLeaf {
    fn with_params(self: &Arc<Self>, change: &impl Fn(&Arc<Param>) -> Tree<Leaf>) -> Arc<Self> {
        Arc::new(self.with_options(&|tree| {
            match tree.try_map(&mut |leaf| Ok::<_, std::convert::Infallible>(leaf.with_params(change))) {
                Ok(tree) => tree,
            }
        }))
    }

    /// The same object, the options of a choice being what `change` makes of them.
    #[must_use]
    pub fn with_options(&self, change: &dyn Fn(&Tree<Leaf>) -> Tree<Leaf>) -> Self {
        let kind = match &self.kind {
            SearchKind::Choice(options) => SearchKind::Choice(
                options.iter().map(|option| ChoiceOption { tree: change(&option.tree), ..option.clone() }).collect(),
            ),
            SearchKind::Distribution(_) => self.kind.clone(),
        };
        Self { kind, ..self.clone() }
    }

    /// A new object with an identity of its own.
    #[must_use]
    pub fn new(kind: SearchKind, name: Option<String>, origin: Origin) -> Self {
        let extent = match &kind {
            SearchKind::Distribution(_) => (0, 1),
            SearchKind::Choice(options) => {
                let (levels, size) = extent(options.iter().map(|option| &option.tree));
                (levels + 1, size.saturating_add(1))
            }
        };
        Self { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), name, kind, origin, extent }
    }

    /// Tells objects apart within a process; never recorded.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The name given by `.named(...)`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What it ranges over.
    #[must_use]
    pub fn kind(&self) -> &SearchKind {
        &self.kind
    }

    /// Where it was made.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The distribution of its recorded value: for a choice, over the labels.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        match &self.kind {
            SearchKind::Distribution(distribution) => distribution.clone(),
            SearchKind::Choice(options) => {
                Distribution::choice(options.iter().map(|option| option.label.clone()).collect())
                    .expect("labels were found distinct when the choice was made")
            }
        }
    }
}

/// How many choices stand inside each other at most, and how many values there are in all.
#[must_use]
pub fn extent<'a>(trees: impl Iterator<Item = &'a Tree<Leaf>>) -> (usize, usize) {
    trees.fold((0, 0), |(levels, size), tree| {
        let (inner_levels, inner_size) = match tree {
            Tree::List(items) => extent(Box::new(items.iter()) as Box<dyn Iterator<Item = _>>),
            Tree::Map(map) => extent(Box::new(map.values()) as Box<dyn Iterator<Item = _>>),
            Tree::Make(make) => {
                extent(Box::new(make.fields().iter().map(|(_, tree)| tree)) as Box<dyn Iterator<Item = _>>)
            }
            Tree::Leaf(Leaf::Search(leaf)) => leaf.extent,
            Tree::Leaf(_) | Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) => (0, 1),
        };
        (levels.max(inner_levels), size.saturating_add(inner_size))
    })
}
