//! From the text of a script to an experiment or a fit. Only this module names the script engine.
//!
//! A script is hermetic: no clock, no files but its imports and the configs it loads, limits on time and size. Every
//! error carries the place in the script it is about, down to the key or value.

mod constructors;
mod convert;
mod diagnostic;
mod domain;
mod evaluation;
mod imports;
mod objects;
mod overridden;
mod params;
mod paths;
mod sources;
mod variants;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use rhai::{Dynamic, Engine};

pub use diagnostic::{Diagnostic, Place};
pub use params::Argument;
pub use sources::{Source, SourceKind};
pub use variants::{Variant, Variants, Written};

use convert::Built;
use evaluation::{State, diagnose};
use sources::Sources;
use variants::{Made, Varied};

use crate::spec::check::Problem;
use crate::spec::naming::Blame;
use crate::spec::schema::Family;
use crate::spec::{Experiment, FitConfig, Leaf, Make, Param, Tree};

/// What a script ended with, and what it read.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// What it ended with.
    pub outcome: Outcome,
    /// The params it declared, with their values in this run.
    pub params: Vec<Arc<Param>>,
    /// The script, then every import and loaded config.
    pub sources: Vec<Source>,
    /// The project root.
    pub root: PathBuf,
    /// The run folder it lies in, if any.
    pub run: Option<PathBuf>,
}

impl Evaluated {
    /// Draws a problem that was found after the evaluation, at its place in the script.
    #[must_use]
    pub fn diagnose(&self, blame: &Blame) -> Diagnostic {
        Sources::of(&self.sources).diagnose(blame)
    }
}

/// What a script can end with.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// An experiment.
    Experiment(Box<Experiment>),
    /// One fit, as a run recorded it.
    Fit(Box<FitConfig>),
}

impl Outcome {
    /// The name of the experiment, or of the one a fit is of.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Experiment(experiment) => experiment.name(),
            Self::Fit(fit) => fit.name(),
        }
    }
}

/// Evaluates the script at `path`, which ends with one experiment or fit, with `key=value` arguments.
///
/// # Errors
/// As [`evaluate_all`]; or it ends with variants.
pub fn evaluate(path: &Path, arguments: &[Argument]) -> Result<Evaluated, Diagnostic> {
    match evaluate_all(path, arguments)? {
        Written::One(evaluated) => Ok(*evaluated),
        Written::Variants(variants) => Err(Diagnostic::new(format!(
            "this script ends with the variants {}, and one experiment is wanted here",
            variants.names()
        ))
        .hint("name the config.rhai of a variant's run")),
    }
}

/// Evaluates the script at `path` with `key=value` arguments.
///
/// # Errors
/// The file cannot be read, or what is wrong in it and where.
pub fn evaluate_all(path: &Path, arguments: &[Argument]) -> Result<Written, Diagnostic> {
    for (index, argument) in arguments.iter().enumerate() {
        if arguments[..index].iter().any(|earlier| earlier.key() == argument.key()) {
            return Err(Diagnostic::new(format!("`{}` is given twice", argument.key())).hint("keep one of them"));
        }
    }
    let cannot_read = |error: std::io::Error| {
        let hint =
            if path.is_dir() { "name a script, not a folder" } else { "check the path; experiments/ holds examples" };
        Diagnostic::new(format!("cannot read the script {}: {error}", path.display())).hint(hint)
    };
    let text = std::fs::read_to_string(path).map_err(cannot_read)?;
    let path = std::path::absolute(path).map_err(cannot_read)?;
    let root = project_root(&path);
    let shown: Arc<str> = path.strip_prefix(&root).unwrap_or(&path).display().to_string().into();
    let sources = Sources::default();
    sources.add(Source {
        shown: Arc::clone(&shown),
        relative: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        path: path.clone(),
        kind: SourceKind::Main,
        text: text.as_str().into(),
        ast: None,
    });
    let state = State::new(arguments, root.clone(), sources.clone(), vec![path.clone()]);
    let made = run(&evaluation::engine(&state), &state, &shown, &text)?;
    let data_root = paths::data_root(&path, &root);
    let placed = |make: &Make<Leaf>| keep_params(&paths::absolute(make, &data_root), &state);
    let whole = |make| Experiment::new(make).map_err(|blame| sources.diagnose(&blame));
    let run = paths::run_folder(&path).map(Path::to_owned);
    let evaluated = |outcome| Evaluated {
        outcome,
        params: state.params.borrow().declared(),
        sources: sources.list(),
        root: root.clone(),
        run: run.clone(),
    };
    match made {
        Made::One(make) => {
            let make = overridden::one(placed(&make), &state)?;
            let outcome = match make.constructor().family {
                Family::Experiment => Outcome::Experiment(Box::new(whole(make)?)),
                _ => Outcome::Fit(Box::new(fit(&make).map_err(|blame| sources.diagnose(&blame))?)),
            };
            Ok(Written::One(Box::new(evaluated(outcome))))
        }
        Made::Variants(makes) => {
            let makes = makes.into_iter().map(|(name, make)| (name, placed(&make))).collect();
            let makes = overridden::each(makes, &state)?;
            let experiments = makes.into_iter().map(|(name, make)| Ok((name, whole(make)?)));
            let (name, experiments) = variants::join(experiments.collect::<Result<_, Diagnostic>>()?, &sources)?;
            let each = experiments
                .into_iter()
                .map(|(name, experiment)| Variant::new(name, evaluated(Outcome::Experiment(Box::new(experiment)))));
            Ok(Written::Variants(Variants::new(name, root.clone(), each.collect())))
        }
    }
}

/// The nearest folder above a script that holds `xrun.toml` or `scripts/`, else the script's own; for a script inside
/// a run folder, that run's `imports/`.
#[must_use]
pub fn project_root(script: &Path) -> PathBuf {
    let folder = script.parent().unwrap_or(Path::new("."));
    if let Some(run) = paths::run_folder(script) {
        return run.join("imports");
    }
    let is_root = |folder: &&Path| folder.join("xrun.toml").is_file() || folder.join("scripts").is_dir();
    folder.ancestors().find(is_root).unwrap_or(folder).to_owned()
}

/// Evaluates a text to what it ended with.
fn run(engine: &Engine, state: &Rc<State>, shown: &str, text: &str) -> Result<Made, Diagnostic> {
    *state.parsing.borrow_mut() = text.into();
    let mut ast = engine.compile(text).map_err(|error| diagnose(state, shown, error.into()))?;
    ast.set_source(shown);
    state.sources.set_ast(shown, &ast);
    let value: Dynamic = engine.eval_ast(&ast).map_err(|error| diagnose(state, shown, *error))?;
    if let Some(diagnostic) = state.blamed() {
        return Err(diagnostic);
    }
    let ends = |what: &str| {
        let written = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let last = written.last().map_or(1, |(index, _)| index + 1);
        let mut diagnostic =
            Diagnostic::new(format!("a script ends with `experiment(#{{...}})`, this one with {what}"))
                .hint("leave out the `;` behind it, if it is there");
        diagnostic.place = state.sources.place(shown, rhai::Position::new(u16::try_from(last).unwrap_or(u16::MAX), 1));
        diagnostic
    };
    if let Some(varied) = value.read_lock::<Varied>() {
        return Ok(Made::Variants((*varied.0).clone()));
    }
    match value.try_cast_result::<Built>() {
        Ok(built) if matches!(built.0.constructor().family, Family::Experiment | Family::Fit) => {
            Ok(Made::One((*built.0).clone()))
        }
        Ok(built) => Err(ends(&format!("`{}(...)`", built.0.constructor().name))),
        Err(value) if value.is_unit() => Err(ends("nothing")),
        Err(value) => Err(ends(&objects::kind(&value))),
    }
}

/// A param that was computed with or branched on cannot stay settable: only its value is left in the tree. Nor can one
/// that is a path in one place and a text in another: they have come apart.
fn keep_params(make: &Make<Leaf>, state: &State) -> Make<Leaf> {
    let params = state.params.borrow();
    let change = |make: &Make<Leaf>, change: &dyn Fn(&Arc<Param>) -> Tree<Leaf>| {
        let changed = make.try_map(&mut |leaf| Ok::<_, std::convert::Infallible>(leaf.with_params(&change)));
        match changed {
            Ok(make) => make,
        }
    };
    let placed: RefCell<Vec<Arc<Param>>> = RefCell::default();
    let stays = |param: &Arc<Param>| {
        params.stays(&param.name) && placed.borrow().iter().all(|other| other.name != param.name || other == param)
    };
    change(make, &|param| {
        placed.borrow_mut().push(Arc::clone(param));
        Tree::Leaf(Leaf::Param(Arc::clone(param)))
    });
    change(make, &|param| match stays(param) {
        true => Tree::Leaf(Leaf::Param(Arc::clone(param))),
        false => Tree::from(&param.value),
    })
}

fn fit(make: &Make<Leaf>) -> Result<FitConfig, Blame> {
    let blame = |problem| Blame { origin: make.origin().clone(), problem };
    let closed =
        make.try_map(&mut |leaf| match leaf {
            Leaf::Param(param) => Ok(Tree::from(&param.value)),
            Leaf::Search(_) | Leaf::Derived(_) => Err(Problem::new("a fit holds decided values only")
                .hint("search-space objects belong in experiment(#{...})")),
        });
    closed.and_then(FitConfig::new).map_err(blame)
}
