//! `command([...])`: an objective whose value a program of the user's reports.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use super::check::{OpenPlace, Problem, Step};
use super::leaf::{Leaf, SearchLeaf};
use super::naming::Names;
use super::parse::{CHECKED, Read};
use super::tree::{Make, Tree};

/// What stays the same in every trial: the program, where it runs, and the files its result depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, looked up as a shell does, or its path from the folder.
    pub name: String,
    /// Folder it runs in; absolute once a script was evaluated.
    pub folder: PathBuf,
    /// Files whose content is a part of a fit's key, in the order in which they are listed.
    pub inputs: Vec<PathBuf>,
}

/// A program with the arguments and variables of one fit.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandSpec {
    /// The program.
    pub program: Program,
    /// Its arguments; options come last, by name.
    pub arguments: Vec<String>,
    /// Environment variables, beside those it inherits.
    pub env: BTreeMap<String, String>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Epochs it reports at most.
    pub n_epochs: Option<usize>,
    /// The one of its numbers that is the objective.
    pub value: String,
}

impl Program {
    /// The program of an objective, if it is a command; search-space objects may still stand in its arguments.
    #[must_use]
    pub fn of(objective: &Make<Leaf>) -> Option<Self> {
        if objective.constructor().name != "command" {
            return None;
        }
        let text = |tree: &Tree<Leaf>| match tree {
            Tree::Text(text) => text.clone(),
            Tree::Leaf(Leaf::Param(param)) => param.value.to_string(),
            _ => unreachable!("program, folder and inputs are fixed: {CHECKED}"),
        };
        let items = |field: &str| match objective.get(field) {
            Some(Tree::List(items)) => items.as_slice(),
            _ => unreachable!("{field}: {CHECKED}"),
        };
        Some(Self {
            name: text(items("run").first().expect(CHECKED)),
            folder: PathBuf::from(text(objective.get("folder").expect(CHECKED))),
            inputs: items("inputs").iter().map(|item| PathBuf::from(text(item))).collect(),
        })
    }
}

/// The words of a command, with the name of a parameter in braces where its value will stand.
pub(super) fn line(objective: &Make<Leaf>, names: &Names) -> String {
    let name = |leaf: &SearchLeaf| names.get(leaf).map_or_else(String::new, |named| named.name.clone());
    let word = |tree: &Tree<Leaf>| match tree {
        Tree::Leaf(Leaf::Param(param)) => param.value.to_string(),
        Tree::Leaf(Leaf::Search(leaf)) => format!("{{{}}}", name(leaf)),
        Tree::Leaf(Leaf::Derived(expression)) => format!("{{{}}}", expression.write(&name)),
        other => other.as_value().map_or_else(String::new, |value| value.to_string()),
    };
    let mut words: Vec<String> = match objective.get("run") {
        Some(Tree::List(run)) => run.iter().map(word).collect(),
        _ => Vec::new(),
    };
    if let Some(Tree::Map(options)) = objective.get("options") {
        words.extend(options.iter().flat_map(|(name, tree)| [format!("--{name}"), word(tree)]));
    }
    words.join(" ")
}

/// The command of one fit.
pub(super) fn command(make: &Make<Infallible>) -> CommandSpec {
    let scalar = |tree: &Tree<Infallible>| tree.as_value().expect(CHECKED).to_string();
    let pairs = |field: &str| make.record(field).into_iter().flatten().map(|(key, tree)| (key.clone(), scalar(tree)));
    let mut run = make.list("run").iter().map(scalar);
    let name = run.next().expect(CHECKED);
    CommandSpec {
        program: Program {
            name,
            folder: PathBuf::from(make.text("folder")),
            inputs: make.texts("inputs").into_iter().map(PathBuf::from).collect(),
        },
        arguments: run.chain(pairs("options").flat_map(|(key, value)| [format!("--{key}"), value])).collect(),
        env: pairs("env").collect(),
        timeout: make.optional_text("timeout").map(|text| humantime::parse_duration(text).expect(CHECKED)),
        n_epochs: make.get("epochs").map(|_| make.count("epochs")),
        value: make.text("value").to_owned(),
    }
}

/// What must hold of a command beside the types of its fields.
pub(super) fn across<L: OpenPlace>(make: &Make<L>) -> Result<(), Problem> {
    if let Some(Tree::List(run)) = make.get("run") {
        let first = match run.first() {
            None => return Err(Problem::new("`command` needs a program").hint("as in command([\"sh\", \"train.sh\"])")),
            Some(Tree::Leaf(leaf)) => leaf.value().map(|tree| matches!(tree, Tree::Text(_))),
            Some(tree) => Some(matches!(tree, Tree::Text(_))),
        };
        let problem = match first {
            Some(true) => None,
            Some(false) => Some(Problem::new("a program is named by a text")),
            None => Some(
                Problem::new("the program cannot be searched: it must be the same for all trials")
                    .hint("search-space objects may stand in its arguments, `options` and `env`"),
            ),
        };
        if let Some(problem) = problem {
            return Err(problem.under(Step::Index(0)).under(Step::Key("run".to_owned())));
        }
    }
    if let Some(Tree::Map(env)) = make.get("env")
        && let Some(name) = env.keys().find(|name| name.is_empty() || name.contains(['=', '\0']))
    {
        return Err(Problem::new(format!("{name:?} cannot be the name of a variable"))
            .under(Step::Key(name.clone()))
            .under(Step::Key("env".to_owned())));
    }
    Ok(())
}
