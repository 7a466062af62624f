//! Closes a tree: params take their values, search-space objects what the assignment says.

use std::convert::Infallible;

use super::check::{self, OpenPlace, Problem, Step};
use super::leaf::{Leaf, SearchKind, SearchLeaf};
use super::naming::Names;
use super::tree::{Make, Tree};
use crate::value::{Assignment, Value};

/// The tree with no open place left, held against the vocabulary once more: a derived value may have left its range.
///
/// # Errors
/// A parameter without a value, a value outside its parameter, or a derived value that does not fit its place.
pub fn resolve(make: &Make<Leaf>, names: &Names, assignment: &Assignment) -> Result<Make<Infallible>, Problem> {
    let closed = make.try_map(&mut |leaf| close(leaf, names, assignment))?;
    rebuild(closed)
}

/// As [`resolve`], of a part of a tree.
///
/// # Errors
/// As [`resolve`].
pub(super) fn resolve_part(
    tree: &Tree<Leaf>,
    names: &Names,
    assignment: &Assignment,
) -> Result<Tree<Infallible>, Problem> {
    rebuild_tree(tree.try_map(&mut |leaf| close(leaf, names, assignment))?)
}

fn close(leaf: &Leaf, names: &Names, assignment: &Assignment) -> Result<Tree<Infallible>, Problem> {
    match leaf {
        Leaf::Param(param) => Ok(Tree::from(&param.value)),
        Leaf::Derived(expression) => {
            let mut leaves = Vec::new();
            expression.leaves(&mut leaves);
            for leaf in leaves {
                value_of(leaf, names, assignment)?;
            }
            let value = expression.evaluate(&|leaf| {
                value_of(leaf, names, assignment).expect("every object of the expression was looked up above")
            })?;
            Ok(Tree::from(&value))
        }
        Leaf::Search(leaf) => {
            let value = value_of(leaf, names, assignment)?;
            match leaf.kind() {
                SearchKind::Distribution(_) => Ok(Tree::from(&value)),
                SearchKind::Choice(options) => options
                    .iter()
                    .find(|option| option.label == value)
                    .expect("the value was found inside the distribution over the labels")
                    .tree
                    .try_map(&mut |leaf| close(leaf, names, assignment)),
            }
        }
    }
}

fn value_of(leaf: &SearchLeaf, names: &Names, assignment: &Assignment) -> Result<Value, Problem> {
    let name = &names.get(leaf).expect("names were given to every object of this tree").name;
    let value = assignment.get(name).ok_or_else(|| Problem::new(format!("the parameter `{name}` has no value")))?;
    if leaf.distribution().contains(value) {
        Ok(value.clone())
    } else {
        Err(Problem::new(format!("the parameter `{name}` cannot be {value}: it is {}", leaf.distribution())))
    }
}

/// Holds a changed tree against the vocabulary again, from the inside out.
pub(super) fn rebuild<L: OpenPlace + Clone>(make: Make<L>) -> Result<Make<L>, Problem> {
    let given = make
        .fields()
        .iter()
        .map(|(name, tree)| {
            let tree = rebuild_tree(tree.clone()).map_err(|problem| problem.under(Step::Key((*name).to_owned())))?;
            Ok(((*name).to_owned(), tree))
        })
        .collect::<Result<_, Problem>>()?;
    check::build(make.constructor(), given, make.origin().clone())
}

fn rebuild_tree<L: OpenPlace + Clone>(tree: Tree<L>) -> Result<Tree<L>, Problem> {
    Ok(match tree {
        Tree::Make(make) => Tree::Make(rebuild(make)?),
        Tree::List(items) => Tree::List(
            items
                .into_iter()
                .enumerate()
                .map(|(index, item)| rebuild_tree(item).map_err(|problem| problem.under(Step::Index(index))))
                .collect::<Result<_, _>>()?,
        ),
        Tree::Map(map) => Tree::Map(
            map.into_iter()
                .map(|(key, item)| match rebuild_tree(item) {
                    Ok(item) => Ok((key, item)),
                    Err(problem) => Err(problem.under(Step::Key(key))),
                })
                .collect::<Result<_, _>>()?,
        ),
        scalar => scalar,
    })
}
