//! Gives every search-space object of an experiment its one dotted name, and derives the search space.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::Problem;
use super::leaf::{ChoiceOption, Leaf, Origin, SearchKind, SearchLeaf};
use super::schema::Type;
use super::tree::{Make, Tree};
use crate::space::{Condition, Parameter, SearchSpace};
use crate::value::Value;

/// A problem and the call it is to be blamed on.
#[derive(Clone, Debug, PartialEq)]
pub struct Blame {
    /// The call.
    pub origin: Origin,
    /// What is wrong, and where inside the call.
    pub problem: Problem,
}

/// An object of the search space and where it stands.
#[derive(Clone, Debug)]
pub struct NamedLeaf {
    /// The object.
    pub leaf: Arc<SearchLeaf>,
    /// Its name: given, or its key in a map of the user's own keys, or the path of its only place.
    pub name: String,
    /// Every path at which it stands, directly or in a derived value.
    pub places: Vec<String>,
    /// Whether it stands in a derived value.
    pub in_expression: bool,
    condition: Option<Condition>,
}

/// The named objects of an experiment, in the order of the search space.
#[derive(Clone, Debug, Default)]
pub struct Names {
    leaves: Vec<NamedLeaf>,
    by_id: BTreeMap<u64, usize>,
}

impl Names {
    /// Walks the tree: keys in their order, a choice before its options.
    ///
    /// # Errors
    /// An unnamed object in several places, or two objects with one name.
    pub fn of(make: &Make<Leaf>) -> Result<Self, Blame> {
        let mut names = Self::default();
        names.make(make, &[], None);
        let mut taken: BTreeMap<&str, &NamedLeaf> = BTreeMap::new();
        for named in &names.leaves {
            if named.places.len() > 1 && named.leaf.name().is_none() {
                return Err(blame(
                    &named.leaf,
                    Problem::new(format!("one search-space object stands in {}", list(&named.places))).hint(
                        "give it a name with .named(\"...\") to make it one parameter, or call its constructor once for each place",
                    ),
                ));
            }
            if let Some(other) = taken.insert(&named.name, named) {
                return Err(blame(
                    &named.leaf,
                    Problem::new(format!(
                        "two parameters are called `{}`: at {} and at {}",
                        named.name,
                        list(&other.places),
                        list(&named.places)
                    ))
                    .hint("give them different names"),
                ));
            }
        }
        Ok(names)
    }

    /// The objects, in the order of the search space.
    #[must_use]
    pub fn leaves(&self) -> &[NamedLeaf] {
        &self.leaves
    }

    /// The entry of an object.
    #[must_use]
    pub fn get(&self, leaf: &SearchLeaf) -> Option<&NamedLeaf> {
        self.by_id.get(&leaf.id()).map(|&index| &self.leaves[index])
    }

    /// The search space.
    #[must_use]
    pub fn space(&self) -> SearchSpace {
        let parameters = self
            .leaves
            .iter()
            .map(|named| {
                let parameter = Parameter::new(named.name.clone(), named.leaf.distribution());
                match &named.condition {
                    Some(condition) => parameter.only_if(condition.clone()),
                    None => parameter,
                }
            })
            .collect();
        SearchSpace::new(parameters).expect("names are distinct and a choice comes before its options")
    }

    fn make(&mut self, make: &Make<Leaf>, path: &[String], condition: Option<&Condition>) {
        for (field, tree) in make.fields() {
            let path = join(path, field);
            let takes = make.constructor().fields.iter().find(|known| known.name == *field).map(|known| &known.takes);
            match (takes, tree) {
                (Some(Type::Map(_)), Tree::Map(map)) => self.map_of_own_keys(map, &path, condition),
                _ => self.tree(tree, &path, condition),
            }
        }
    }

    /// An object in a map with keys of the user's own goes by its key: nothing else in the experiment is called so.
    fn map_of_own_keys(&mut self, map: &BTreeMap<String, Tree<Leaf>>, path: &[String], condition: Option<&Condition>) {
        for (key, item) in map {
            match item {
                Tree::Leaf(Leaf::Search(leaf)) => self.place(leaf, &join(path, key), Some(key), condition, false),
                _ => self.tree(item, &join(path, key), condition),
            }
        }
    }

    fn tree(&mut self, tree: &Tree<Leaf>, path: &[String], condition: Option<&Condition>) {
        match tree {
            Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) => {}
            Tree::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.tree(item, &join(path, &element(item, index)), condition);
                }
            }
            Tree::Map(map) => {
                for (key, item) in map {
                    self.tree(item, &join(path, key), condition);
                }
            }
            Tree::Make(make) => self.make(make, path, condition),
            Tree::Leaf(Leaf::Param(_)) => {}
            Tree::Leaf(Leaf::Search(leaf)) => self.place(leaf, path, None, condition, false),
            Tree::Leaf(Leaf::Derived(expression)) => {
                let mut leaves = Vec::new();
                expression.leaves(&mut leaves);
                for leaf in leaves {
                    self.place(leaf, path, None, condition, true);
                }
            }
        }
    }

    fn place(
        &mut self,
        leaf: &Arc<SearchLeaf>,
        path: &[String],
        key: Option<&str>,
        condition: Option<&Condition>,
        in_expression: bool,
    ) {
        let path_text = path.join(".");
        if let Some(&index) = self.by_id.get(&leaf.id()) {
            let named = &mut self.leaves[index];
            if !named.places.contains(&path_text) {
                named.places.push(path_text);
            }
            named.in_expression |= in_expression;
            // Standing under different conditions, it is drawn always.
            if named.condition.as_ref() != condition {
                named.condition = None;
            }
            return;
        }
        let name = leaf.name().or(key).map_or_else(|| path_text.clone(), str::to_owned);
        self.by_id.insert(leaf.id(), self.leaves.len());
        self.leaves.push(NamedLeaf {
            leaf: Arc::clone(leaf),
            name: name.clone(),
            places: vec![path_text],
            in_expression,
            condition: condition.cloned(),
        });
        if let SearchKind::Choice(options) = leaf.kind() {
            for (index, option) in options.iter().enumerate() {
                let inside = Condition::new(name.clone(), vec![option.label.clone()]);
                self.tree(&option.tree, &[name.clone(), option_segment(option, index)], Some(&inside));
            }
        }
    }
}

/// The name by which a list element goes in paths.
#[must_use]
pub fn element<L>(item: &Tree<L>, index: usize) -> String {
    match item {
        Tree::Make(make) => make.element_name().map_or_else(|| index.to_string(), str::to_owned),
        _ => index.to_string(),
    }
}

/// The name by which an option of a choice goes in paths.
#[must_use]
pub fn option_segment(option: &ChoiceOption, index: usize) -> String {
    match (&option.label, option.labelled, &option.tree) {
        (Value::Text(label), true, _) | (Value::Text(label), false, Tree::Make(_)) => label.clone(),
        _ => index.to_string(),
    }
}

fn join(path: &[String], segment: &str) -> Vec<String> {
    path.iter().cloned().chain([segment.to_owned()]).collect()
}

fn list(places: &[String]) -> String {
    places.iter().map(|place| format!("`{place}`")).collect::<Vec<_>>().join(" and ")
}

fn blame(leaf: &SearchLeaf, problem: Problem) -> Blame {
    Blame { origin: leaf.origin().clone(), problem }
}
