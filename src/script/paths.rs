//! Paths in a tree, made absolute: relative ones in a script count from the project root, those of the command line
//! from the working directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::spec::domain::ParamDomain;
use crate::spec::schema::Type;
use crate::spec::{Leaf, Make, Origin, Param, SearchLeaf, Tree, vocabulary};
use crate::value::Value;

/// The run folder a script lies in, if any: a run's own script and configs, or a fit's config.
#[must_use]
pub(super) fn run_folder(script: &Path) -> Option<&Path> {
    script.ancestors().skip(1).take(5).find(|folder| folder.join("run.json").is_file())
}

/// Where relative data paths of a script count from: for a recorded script, the project it was recorded in.
pub(super) fn data_root(script: &Path, root: &Path) -> PathBuf {
    let recorded = run_folder(script).and_then(|run| std::fs::read_to_string(run.join("run.json")).ok());
    let manifest = recorded.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    let project = manifest.as_ref().and_then(|manifest| manifest["project_root"].as_str());
    project.map_or_else(|| root.to_owned(), PathBuf::from)
}

/// The tree with every path field made absolute from `folder`.
pub(super) fn absolute(make: &Make<Leaf>, folder: &Path) -> Make<Leaf> {
    let mut made = make.clone();
    for (name, tree) in make.fields() {
        let takes = make.constructor().fields.iter().find(|field| field.name == *name).map(|field| &field.takes);
        let is_path = matches!(takes, Some(Type::Path));
        let changed = match tree {
            Tree::Text(path) if is_path => Tree::Text(from(folder, path)),
            Tree::Leaf(Leaf::Param(param)) if is_path => {
                let current = std::env::current_dir().unwrap_or_default();
                let based = |value: &Value, folder: &Path| match value {
                    Value::Text(path) => Value::Text(from(folder, path)),
                    other => other.clone(),
                };
                let value = based(&param.value, if param.overridden { &current } else { folder });
                let default = based(&param.default, folder);
                let domain = match &param.domain {
                    ParamDomain::OneOf(values) => {
                        ParamDomain::OneOf(values.iter().map(|value| based(value, folder)).collect())
                    }
                    other => other.clone(),
                };
                Tree::Leaf(Leaf::Param(Arc::new(Param { value, default, domain, ..(**param).clone() })))
            }
            Tree::List(items) if matches!(takes, Some(Type::List(Type::Path))) => {
                let item = |item: &Tree<Leaf>| match item {
                    Tree::Text(path) => Tree::Text(from(folder, path)),
                    other => other.clone(),
                };
                Tree::List(items.iter().map(item).collect())
            }
            Tree::Make(inner) => Tree::Make(absolute(inner, folder)),
            Tree::Leaf(Leaf::Search(leaf)) => {
                Tree::Leaf(Leaf::Search(Arc::new(leaf.with_options(&|option| match option {
                    Tree::Make(inner) => Tree::Make(absolute(inner, folder)),
                    other => other.clone(),
                }))))
            }
            _ => continue,
        };
        made.set(name, Some(changed));
    }
    made
}

fn from(folder: &Path, path: &str) -> String {
    if vocabulary::is_no_path(path) {
        return path.to_owned();
    }
    let joined = folder.join(path);
    std::path::absolute(&joined).unwrap_or(joined).display().to_string()
}

/// A search-space object given on the command line is blamed there.
pub(super) fn from_command_line(tree: Tree<Leaf>, origin: &Origin) -> Tree<Leaf> {
    match tree {
        Tree::Leaf(Leaf::Search(leaf)) => {
            let name = leaf.name().map(str::to_owned);
            Tree::Leaf(Leaf::Search(Arc::new(SearchLeaf::new(leaf.kind().clone(), name, origin.clone()))))
        }
        other => other,
    }
}
