//! Imports and loaded configs: only from below the project root, each recorded with its text.

use std::path::{Component, Path, PathBuf};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope};

use super::diagnostic::Diagnostic;
use super::evaluation::{State, engine};
use super::sources::{Source, SourceKind};
use super::variants::Made;
use crate::spec::check::Problem;
use crate::spec::naming::Blame;
use crate::spec::{Leaf, Make, Origin, Tree};

/// Resolves `import "scripts/spaces"` to `ROOT/scripts/spaces.rhai`.
pub(super) struct Resolver(Weak<State>);

impl Resolver {
    pub(super) fn new(state: &Rc<State>) -> Self {
        Self(Rc::downgrade(state))
    }
}

impl ModuleResolver for Resolver {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Rc<Module>, Box<EvalAltResult>> {
        let state = self.0.upgrade().expect("the state outlives the evaluation");
        let blame = |problem: Problem| {
            let origin = Origin::Script {
                source: source.map_or_else(|| state.sources.main(), Arc::from),
                line: position.line().unwrap_or(1),
                column: position.position().unwrap_or(1),
            };
            Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(Blame { origin, problem }), Position::NONE))
        };
        let named = if path.ends_with(".rhai") { path.to_owned() } else { format!("{path}.rhai") };
        let file = below(&state.root, &named).map_err(blame)?;
        if state.importing.borrow().contains(&file) {
            return Err(blame(Problem::new(format!("{named:?} imports itself"))));
        }
        let text = read(&file, &named).map_err(blame)?;
        let shown: Arc<str> = named.as_str().into();
        if !state.sources.list().iter().any(|known| known.shown == shown) {
            state.sources.add(Source {
                shown: Arc::clone(&shown),
                relative: named.clone(),
                path: file.clone(),
                kind: SourceKind::Import,
                text: text.as_str().into(),
                ast: None,
            });
        }
        let in_module =
            |error: Box<EvalAltResult>| Box::new(EvalAltResult::ErrorInModule(named.clone(), error, position));
        let before = std::mem::replace(&mut *state.parsing.borrow_mut(), text.as_str().into());
        let compiled = engine.compile(&text);
        *state.parsing.borrow_mut() = before;
        let mut ast = compiled.map_err(|error| in_module(Box::new(error.into())))?;
        ast.set_source(&*shown);
        state.sources.set_ast(&shown, &ast);
        state.importing.borrow_mut().push(file);
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine);
        state.importing.borrow_mut().pop();
        let module = module.map_err(in_module)?;
        Ok(Rc::new(module))
    }
}

/// The file a script names, if it lies below the root once links are followed.
pub(super) fn below(root: &Path, named: &str) -> Result<PathBuf, Problem> {
    let relative = Path::new(named);
    let is_plain = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_plain {
        return Err(Problem::new(format!("{named:?} leaves the project")).hint(
            "imports and loaded configs are named from the project root, without `..`, so that a run can record them",
        ));
    }
    let file = root.join(relative);
    let real = file.canonicalize().map_err(|_| missing(root, named))?;
    let real_root = root.canonicalize().map_err(|_| missing(root, named))?;
    if !real.starts_with(&real_root) {
        return Err(
            Problem::new(format!("{named:?} is a link that leaves the project")).hint("copy the file into the project")
        );
    }
    if real.is_file() { Ok(file) } else { Err(missing(root, named)) }
}

fn missing(root: &Path, named: &str) -> Problem {
    Problem::new(format!("there is no file {named:?} in the project"))
        .hint(format!("the project root is {}", root.display()))
}

fn read(file: &Path, named: &str) -> Result<String, Problem> {
    std::fs::read_to_string(file).map_err(|error| Problem::new(format!("cannot read {named:?}: {error}")))
}

/// The experiment or fit that a config of an earlier run holds.
pub(super) fn load_config(state: &State, named: &str) -> Result<Make<Leaf>, Problem> {
    let file = below(&state.root, named)?;
    let mut loading = state.loading.borrow().clone();
    if loading.contains(&file) {
        return Err(Problem::new(format!("{named:?} loads itself")));
    }
    loading.push(file.clone());
    let text = read(&file, named)?;
    let root = super::project_root(&file);
    let inner = State::new(&[], root, state.sources.clone(), loading);
    let shown: Arc<str> = named.into();
    state.sources.add(Source {
        shown: Arc::clone(&shown),
        relative: named.to_owned(),
        path: file,
        kind: SourceKind::Loaded,
        text: text.as_str().into(),
        ast: None,
    });
    let told = |diagnostic: Diagnostic| {
        let problem = Problem::new(diagnostic.to_string());
        match diagnostic.hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    };
    let made = match super::run(&engine(&inner), &inner, &shown, &text).map_err(told)? {
        Made::One(made) => made,
        Made::Variants(_) => {
            return Err(Problem::new(format!(
                "{named:?} ends with `variants`, and only one experiment can be built on"
            ))
            .hint("load the config.rhai of a variant's run"));
        }
    };
    made.try_map(&mut |leaf| Ok::<_, Problem>(leaf.with_params(&|param| Tree::from(&param.value))))
}
