//! Several named experiments of one script: what `variants(#{...})` gives, and how an argument finds the one it is for.
//!
//! The experiments share data, folds and name, so that their results can be compared row by row; everything else may
//! differ. Each becomes an experiment of its own, called `NAME_VARIANT`, which knows nothing of the others.

use std::any::TypeId;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use rhai::{Dynamic, Engine, Map, NativeCallContext};

use super::convert::Built;
use super::evaluation::{State, fail, origin};
use super::objects;
use super::sources::Sources;
use super::{Diagnostic, Evaluated};
use crate::spec::check::{Problem, Step};
use crate::spec::naming::Blame;
use crate::spec::schema::Family;
use crate::spec::vocabulary::{find, nearest};
use crate::spec::{Experiment, Leaf, Make, Origin, Tree};

/// What a script ended with, each experiment evaluated.
#[derive(Clone, Debug)]
pub enum Written {
    /// One experiment or fit.
    One(Box<Evaluated>),
    /// Several experiments.
    Variants(Variants),
}

impl Written {
    /// The project root of the script.
    #[must_use]
    pub fn root(&self) -> &Path {
        match self {
            Self::One(evaluated) => &evaluated.root,
            Self::Variants(Variants { root, .. }) => root,
        }
    }

    /// The variants of these names; all when none is named.
    ///
    /// # Errors
    /// There is no variant of a name.
    pub fn only(self, names: &[String]) -> Result<Self, Diagnostic> {
        match self {
            Self::One(_) if !names.is_empty() => {
                Err(Diagnostic::new("--only chooses among variants, and this script has none").hint("leave it out"))
            }
            one @ Self::One(_) => Ok(one),
            Self::Variants(variants) => variants.only(names).map(Self::Variants),
        }
    }
}

/// Experiments on the same data and folds.
#[derive(Clone, Debug)]
pub struct Variants {
    name: String,
    root: PathBuf,
    each: Vec<Variant>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Variant {
    name: String,
    evaluated: Evaluated,
}

impl Variant {
    pub(super) fn new(name: String, evaluated: Evaluated) -> Self {
        Self { name, evaluated }
    }

    /// Its name among the variants.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its experiment, as if the script had ended with it.
    #[must_use]
    pub fn evaluated(&self) -> &Evaluated {
        &self.evaluated
    }
}

impl Variants {
    pub(super) fn new(name: String, root: PathBuf, each: Vec<Variant>) -> Self {
        Self { name, root, each }
    }

    /// The name that all of them begin with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The variants, in the order of their names.
    #[must_use]
    pub fn each(&self) -> &[Variant] {
        &self.each
    }

    /// Their names, as in `conv, sequential`.
    #[must_use]
    pub fn names(&self) -> String {
        listed(self.each.iter().map(Variant::name))
    }

    fn only(mut self, names: &[String]) -> Result<Self, Diagnostic> {
        let is_known = |name: &&String| self.each.iter().any(|variant| variant.name == **name);
        if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
            let hint = match nearest(unknown, self.each.iter().map(Variant::name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the variants are {}", self.names()),
            };
            return Err(Diagnostic::new(format!("there is no variant `{unknown}`")).hint(hint));
        }
        self.each.retain(|variant| names.is_empty() || names.contains(&variant.name));
        Ok(self)
    }
}

/// What a script ended with, before it is held together.
pub(super) enum Made {
    One(Make<Leaf>),
    Variants(Vec<(String, Make<Leaf>)>),
}

/// What `variants(#{...})` returns to the script.
#[derive(Clone, Debug)]
pub(super) struct Varied(pub(super) Arc<Vec<(String, Make<Leaf>)>>);

pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    let at = Rc::clone(state);
    let types = [TypeId::of::<Dynamic>()];
    engine.register_raw_fn("variants", types, move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
        experiments(arguments[0])
            .map(|experiments| Dynamic::from(Varied(Arc::new(experiments))))
            .map_err(|problem| fail(origin(&at, &context), problem.under(Step::Index(0))))
    });
}

fn experiments(value: &Dynamic) -> Result<Vec<(String, Make<Leaf>)>, Problem> {
    let Some(map) = value.read_lock::<Map>().filter(|map| !map.is_empty()) else {
        return Err(Problem::new("`variants` takes a map of experiments, each under its name")
            .hint("variants(#{ narrow: experiment(#{...}), wide: experiment(#{...}) })"));
    };
    map.iter().map(|(name, value)| experiment(name, value).map(|make| (name.to_string(), make))).collect()
}

fn experiment(name: &str, value: &Dynamic) -> Result<Make<Leaf>, Problem> {
    let step = || Step::Key(name.to_owned());
    let at_key = |problem: Problem| Problem { at_key: true, ..problem.under(step()) };
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_plain {
        return Err(at_key(Problem::new(format!("{name:?} cannot be a variant's name: letters, digits and `_`"))));
    }
    if find("experiment").is_some_and(|experiment| experiment.fields.iter().any(|field| field.name == name)) {
        return Err(at_key(
            Problem::new(format!("`{name}` cannot be a variant's name: {name}=... would set that of all variants"))
                .hint("choose another name"),
        ));
    }
    let found = match value.read_lock::<Built>() {
        Some(built) if built.0.constructor().family == Family::Experiment => return Ok((*built.0).clone()),
        Some(built) => format!("`{}(...)`", built.0.constructor().name),
        None => objects::kind(value),
    };
    Err(Problem::new(format!("a variant is an experiment(#{{...}}), not {found}")).under(step()))
}

/// The experiments as their variants, once it is sure that they can be compared; with the name of the whole.
pub(super) fn join(
    experiments: Vec<(String, Experiment)>,
    sources: &Sources,
) -> Result<(String, Vec<(String, Experiment)>), Diagnostic> {
    let (first_name, first) = experiments.first().expect("there is no call of `variants` without one");
    let whole = first.name().to_owned();
    for (name, experiment) in &experiments[1..] {
        if let Some((field, what)) = experiment.differs_in_rows(first) {
            return Err(apart([(name, experiment), (first_name, first)], field, what, sources));
        }
        if experiment.name() != whole {
            return Err(apart([(name, experiment), (first_name, first)], "name", "names", sources));
        }
    }
    let joined = experiments.into_iter().map(|(name, experiment)| {
        let variant = experiment.as_variant(&name).map_err(|blame| sources.diagnose(&blame))?;
        Ok((name, variant))
    });
    Ok((whole, joined.collect::<Result<_, Diagnostic>>()?))
}

/// Says where the two have what must be the same.
fn apart(pair: [(&str, &Experiment); 2], field: &str, what: &str, sources: &Sources) -> Diagnostic {
    let [(name, experiment), (other, first)] = pair;
    let why = match field {
        "name" => "one name stands for all of them",
        _ => "their results could not be paired",
    };
    let there = match sources.diagnose(&blame(first, field, Problem::new(""))).place {
        Some(place) => format!("; that of `{other}` is at {}:{}:{}", place.source, place.line, place.column),
        None => String::new(),
    };
    let hint = match field {
        "name" => "give them the same; each variant's runs are called NAME_VARIANT".to_owned(),
        _ => format!("write it once, before the variants: let {field} = ...;"),
    };
    let problem = Problem::new(format!("`{name}` and `{other}` have different {what}: {why}{there}")).hint(hint);
    sources.diagnose(&blame(experiment, field, problem))
}

/// A problem with a field of an experiment: at the call that built it, else at its key.
fn blame(experiment: &Experiment, field: &str, problem: Problem) -> Blame {
    let make = experiment.make();
    match make.get(field) {
        Some(Tree::Make(part)) if matches!(part.origin(), Origin::Script { .. }) => {
            Blame { origin: part.origin().clone(), problem }
        }
        _ => Blame { origin: make.origin().clone(), problem: problem.under(Step::Key(field.to_owned())) },
    }
}

pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
