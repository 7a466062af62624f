//! What can stand open in a tree: a param, a search-space object, or a value derived from such objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// What a param accepts, beside values of its default's type.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamDomain {
    /// Everything of the type.
    Any,
    /// One of these.
    OneOf(Vec<Value>),
    /// A number in `low..=high`.
    Range(f64, f64),
}

/// A search-space object. Two calls make two objects, however alike.
#[derive(Clone, Debug)]
pub struct SearchLeaf {
    id: u64,
    name: Option<String>,
    kind: SearchKind,
    origin: Origin,
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

impl SearchLeaf {
    /// A new object with an identity of its own.
    #[must_use]
    pub fn new(kind: SearchKind, name: Option<String>, origin: Origin) -> Self {
        Self { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), name, kind, origin }
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
