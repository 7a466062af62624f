//! A tree as a list of its values, each under the name by which it is searched and overridden.

use super::leaf::{Leaf, SearchKind, SearchLeaf};
use super::naming::{self, Names};
use super::print;
use super::schema::Type;
use super::tree::{Make, Tree};

/// A value of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatValue {
    /// As in `train.full.optimizer.lr`.
    pub name: String,
    /// As a script writes it; of what a constructor built, the constructor's name.
    pub value: String,
    /// Whether it says where something lies and not what it is.
    pub is_path: bool,
}

/// Every value below the root, in the order of the vocabulary: what a constructor built comes before its fields, a
/// search-space object before its options.
#[must_use]
pub fn flatten(make: &Make<Leaf>, names: &Names) -> Vec<FlatValue> {
    let mut walk = Walk { names, found: Vec::new() };
    walk.fields(make, "");
    walk.found
}

struct Walk<'a> {
    names: &'a Names,
    found: Vec<FlatValue>,
}

impl Walk<'_> {
    fn fields(&mut self, make: &Make<Leaf>, path: &str) {
        for (name, tree) in make.fields() {
            let is_path = make
                .constructor()
                .fields
                .iter()
                .any(|field| field.name == *name && matches!(field.takes, Type::Path | Type::List(Type::Path)));
            self.tree(tree, &join(path, name), is_path);
        }
    }

    fn tree(&mut self, tree: &Tree<Leaf>, path: &str, is_path: bool) {
        let value = match tree {
            Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) => {
                print::value(&tree.as_value().expect("it is a scalar"))
            }
            Tree::List(items) if items.is_empty() => "[]".to_owned(),
            Tree::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.tree(item, &join(path, &naming::element(item, index)), is_path);
                }
                return;
            }
            Tree::Map(map) => return map.iter().for_each(|(key, item)| self.tree(item, &join(path, key), false)),
            Tree::Make(make) => {
                self.push(path, make.constructor().name.to_owned(), false);
                return self.fields(make, path);
            }
            Tree::Leaf(Leaf::Param(param)) => print::value(&param.value),
            Tree::Leaf(Leaf::Derived(expression)) => expression.write(&|leaf| self.name(leaf, path)),
            Tree::Leaf(Leaf::Search(leaf)) => return self.search(leaf, path),
        };
        self.push(path, value, is_path);
    }

    fn search(&mut self, leaf: &SearchLeaf, path: &str) {
        let named = leaf.name().map_or_else(String::new, |name| format!(".named({name:?})"));
        self.push(path, format!("{}{named}", leaf.distribution()), false);
        let SearchKind::Choice(options) = leaf.kind() else { return };
        let base = self.name(leaf, path);
        let is_listed = |walk: &Self, name: &str| {
            walk.found
                .iter()
                .any(|value| value.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        };
        for (index, option) in options.iter().enumerate() {
            let inside = join(&base, &naming::option_segment(option, index));
            // What is a scalar is in the label, and what stands in two places is listed once.
            if option.tree.as_value().is_none() && !is_listed(self, &inside) {
                self.tree(&option.tree, &inside, false);
            }
        }
    }

    fn name(&self, leaf: &SearchLeaf, path: &str) -> String {
        self.names.get(leaf).map_or_else(|| path.to_owned(), |named| named.name.clone())
    }

    fn push(&mut self, path: &str, value: String, is_path: bool) {
        self.found.push(FlatValue { name: path.to_owned(), value, is_path });
    }
}

fn join(path: &str, segment: &str) -> String {
    if path.is_empty() { segment.to_owned() } else { format!("{path}.{segment}") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::space::Distribution;
    use crate::spec::leaf::ChoiceOption;
    use crate::spec::{Origin, check, vocabulary};
    use crate::value::Value;

    fn made<const N: usize>(name: &str, given: [(&str, Tree<Leaf>); N]) -> Tree<Leaf> {
        let constructor = vocabulary::find(name).expect("it is in the vocabulary");
        let given = BTreeMap::from(given.map(|(field, tree)| (field.to_owned(), tree)));
        Tree::Make(check::build(constructor, given, Origin::Xrun).expect("the fields fit"))
    }

    fn search(kind: SearchKind, name: Option<&str>) -> Tree<Leaf> {
        Tree::Leaf(Leaf::Search(Arc::new(SearchLeaf::new(kind, name.map(str::to_owned), Origin::Xrun))))
    }

    #[test]
    fn names_are_those_of_the_search_space_and_options_come_after_their_choice() {
        let lr = search(SearchKind::Distribution(Distribution::log_uniform(1e-4, 1e-1).expect("it is valid")), None);
        let option = |name: &str, tree| ChoiceOption { label: Value::Text(name.to_owned()), tree, labelled: false };
        let optimizer = search(
            SearchKind::Choice(vec![
                option("adamw", made("adamw", [("lr", lr)])),
                option("sgd", made("sgd", [("lr", Tree::Float(0.5))])),
            ]),
            Some("rule"),
        );
        let phase = made(
            "phase",
            [("name", Tree::Text("full".to_owned())), ("epochs", Tree::Int(3)), ("optimizer", optimizer)],
        );
        let Tree::Make(make) = phase else { unreachable!("it was made") };
        let names = Names::of(&make).expect("names are distinct");
        let flat = flatten(&make, &names);
        let value = |name: &str| flat.iter().find(|value| value.name == name).map(|value| value.value.as_str());
        assert_eq!(value("epochs"), Some("3"));
        assert_eq!(value("optimizer"), Some("choice([\"adamw\", \"sgd\"]).named(\"rule\")"));
        assert_eq!(value("rule.adamw.lr"), Some("log_uniform(0.0001, 0.1)"));
        assert_eq!(value("rule.sgd.lr"), Some("0.5"));
        for leaf in names.leaves() {
            let place = if leaf.name == "rule" { "optimizer" } else { &leaf.name };
            assert!(value(place).is_some(), "{}", leaf.name);
        }
        assert!(flat.iter().all(|value| !value.is_path));
    }
}
