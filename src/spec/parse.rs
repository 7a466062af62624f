//! Turns closed trees, already held against the vocabulary, into the typed structs the other modules take.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::augment;
use super::check::{Problem, Step};
use super::data::{
    Benchmark, BenchmarkSource, BenchmarkSpec, CsvTableSpec, DataSpec, ImageFolderSpec, OfficialPart, PetsParts,
    PetsSource, PetsSpec, PetsTarget, TableTask,
};
use super::experiment::{Folds, Objective, Per, RaceSpec, SearchSpec, ThresholdRule};
use super::fit::{Formula, LossRule, NetworkSpec, SplitSpec};
use super::goal;
use super::layers;
use super::network::{Backbone, Distance, EarlyStop, Loss, Optimizer, PhaseSpec};
use super::prune;
use super::training;
use super::tree::{Make, Tree};
use super::zoo;
use crate::metric::Metric;
use crate::sampler::{CmaEsSettings, Sampler, TpeRecipe, TpeSettings};
use crate::split::{NestedSplitter, SplitError, Splitter, Take};
use crate::stop::{NoImprovement, StopError, StopRules};
use crate::trial::Direction;

pub(super) type Closed = Make<Infallible>;

pub(super) const CHECKED: &str = "the tree was held against the vocabulary";

pub(super) trait Read {
    fn tree(&self, name: &str) -> Option<&Tree<Infallible>>;

    fn text(&self, name: &str) -> &str {
        match self.tree(name) {
            Some(Tree::Text(text)) => text,
            _ => panic!("{name}: {CHECKED}"),
        }
    }

    fn optional_text(&self, name: &str) -> Option<&str> {
        self.tree(name).map(|_| self.text(name))
    }

    fn int(&self, name: &str) -> i64 {
        match self.tree(name) {
            Some(Tree::Int(i)) => *i,
            _ => panic!("{name}: {CHECKED}"),
        }
    }

    fn count(&self, name: &str) -> usize {
        usize::try_from(self.int(name)).expect(CHECKED)
    }

    fn seed(&self, name: &str) -> u64 {
        u64::try_from(self.int(name)).expect(CHECKED)
    }

    fn float(&self, name: &str) -> f64 {
        match self.tree(name) {
            Some(Tree::Float(x)) => *x,
            _ => panic!("{name}: {CHECKED}"),
        }
    }

    fn bool(&self, name: &str) -> bool {
        matches!(self.tree(name), Some(Tree::Bool(true)))
    }

    fn list(&self, name: &str) -> &[Tree<Infallible>] {
        match self.tree(name) {
            Some(Tree::List(items)) => items,
            _ => panic!("{name}: {CHECKED}"),
        }
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.list(name)
            .iter()
            .map(|item| if let Tree::Text(t) = item { t.clone() } else { panic!("{CHECKED}") })
            .collect()
    }

    fn counts(&self, name: &str) -> Vec<usize> {
        self.list(name)
            .iter()
            .map(|item| if let Tree::Int(i) = item { usize::try_from(*i).expect(CHECKED) } else { panic!("{CHECKED}") })
            .collect()
    }

    fn floats(&self, name: &str) -> Vec<f64> {
        self.list(name).iter().map(|item| if let Tree::Float(x) = item { *x } else { panic!("{CHECKED}") }).collect()
    }

    fn make(&self, name: &str) -> Option<&Closed> {
        match self.tree(name) {
            Some(Tree::Make(make)) => Some(make),
            _ => None,
        }
    }

    fn makes(&self, name: &str) -> Vec<&Closed> {
        self.list(name)
            .iter()
            .map(|item| if let Tree::Make(make) = item { make } else { panic!("{CHECKED}") })
            .collect()
    }

    fn record(&self, name: &str) -> Option<&BTreeMap<String, Tree<Infallible>>> {
        match self.tree(name) {
            Some(Tree::Map(map)) => Some(map),
            _ => None,
        }
    }

    fn optional_count(&self, name: &str) -> Option<usize> {
        self.tree(name).map(|_| self.count(name))
    }

    fn metric(&self, name: &str) -> Option<Metric> {
        self.optional_text(name).map(|text| text.parse().expect(CHECKED))
    }
}

impl Read for Closed {
    fn tree(&self, name: &str) -> Option<&Tree<Infallible>> {
        self.get(name)
    }
}

impl Read for BTreeMap<String, Tree<Infallible>> {
    fn tree(&self, name: &str) -> Option<&Tree<Infallible>> {
        self.get(name)
    }
}

pub(super) fn data(make: &Closed) -> Result<DataSpec, Problem> {
    Ok(match make.constructor().name {
        "pets" => DataSpec::Pets(PetsSpec {
            source: match make.text("source") {
                "embedded" => {
                    if let Some(key) = ["part", "n_train", "n_test"].into_iter().find(|key| make.get(key).is_some()) {
                        let problem = Problem::new(format!(
                            "`{key}` is of the official parts of the photos, and drawn pictures have none"
                        ))
                        .hint("leave it out, or name the folder of the photos as source");
                        return Err(problem.key(key));
                    }
                    PetsSource::Embedded { n: make.count("n"), seed: make.seed("seed") }
                }
                folder => PetsSource::Folder { path: PathBuf::from(folder), parts: pets_parts(make)? },
            },
            target: if make.text("target") == "species" { PetsTarget::Species } else { PetsTarget::Breed },
            size: make.count("size"),
        }),
        "mnist" => DataSpec::Benchmark(benchmark(Benchmark::Mnist, make)),
        "fashion_mnist" => DataSpec::Benchmark(benchmark(Benchmark::FashionMnist, make)),
        "cifar10" => DataSpec::Benchmark(benchmark(Benchmark::Cifar10, make)),
        "image_folder" => DataSpec::ImageFolder(ImageFolderSpec {
            path: PathBuf::from(make.text("path")),
            size: make.count("size"),
            list: make.optional_text("list").map(PathBuf::from),
            n: make.optional_count("n"),
            seed: make.seed("seed"),
        }),
        "csv_table" => DataSpec::CsvTable(CsvTableSpec {
            path: PathBuf::from(make.text("path")),
            target: make.text("target").to_owned(),
            drop: make.texts("drop"),
            categorical: make.texts("categorical"),
            group: make.optional_text("group").map(str::to_owned),
            missing: make.texts("missing"),
            task: if make.text("task") == "regression" { TableTask::Regression } else { TableTask::Classification },
            n: make.optional_count("n"),
            seed: make.seed("seed"),
        }),
        "rows" => DataSpec::Rows { n: make.count("n") },
        other => unreachable!("`{other}` is no data set: {CHECKED}"),
    })
}

fn official_part(name: &str) -> OfficialPart {
    match name {
        "train" => OfficialPart::Train,
        "test" => OfficialPart::Test,
        _ => OfficialPart::All,
    }
}

fn pets_parts(make: &Closed) -> Result<Option<PetsParts>, Problem> {
    let (n_train, n_test) = (make.optional_count("n_train"), make.optional_count("n_test"));
    let Some(part) = make.optional_text("part") else {
        return match [("n_train", n_train), ("n_test", n_test)].into_iter().find(|(_, n)| n.is_some()) {
            Some((key, _)) => {
                Err(Problem::new(format!("`{key}` is of an official part of the photos, and no `part` is named"))
                    .hint("add part: \"all\"")
                    .key(key))
            }
            None => Ok(None),
        };
    };
    Ok(Some(PetsParts { part: official_part(part), n_train, n_test, seed: make.seed("seed") }))
}

fn benchmark(name: Benchmark, make: &Closed) -> BenchmarkSpec {
    BenchmarkSpec {
        name,
        source: match make.text("path") {
            "embedded" => BenchmarkSource::Embedded,
            folder => BenchmarkSource::Folder(PathBuf::from(folder)),
        },
        part: official_part(make.text("part")),
        n: make.optional_count("n"),
        n_test: make.optional_count("n_test"),
        seed: make.seed("seed"),
    }
}

pub(super) fn folds(make: &Closed) -> Result<Folds, Problem> {
    let splitter_of = |name: &str| {
        splitter(make.make(name).expect(CHECKED))
            .map_err(|error| Problem::new(error.to_string()).under(Step::Key(name.to_owned())))
    };
    let not_so_many = |error: SplitError| Problem::new(error.to_string()).under(Step::Key("take".to_owned()));
    if make.constructor().name == "all_rows" {
        let take = make.get("take").map(|_| make.count("take"));
        return NestedSplitter::of_all_rows(splitter_of("inner")?, take).map(Folds::Drawn).map_err(not_so_many);
    }
    let take = make.record("take").map(|take| Take { outer: take.count("outer"), inner: take.count("inner") });
    if let Some(file) = make.optional_text("file") {
        return Ok(Folds::File { path: PathBuf::from(file), take });
    }
    let (outer, inner) = (splitter_of("outer")?, splitter_of("inner")?);
    NestedSplitter::new(outer, inner, take).map(Folds::Drawn).map_err(not_so_many)
}

fn splitter(make: &Closed) -> Result<Splitter, SplitError> {
    let n_splits = || make.count("n_splits");
    let seed = || make.seed("seed");
    match make.constructor().name {
        "kfold" => Splitter::k_fold(n_splits(), seed()),
        "stratified_kfold" => Splitter::stratified_k_fold(n_splits(), seed()),
        "group_kfold" => Splitter::group_k_fold(n_splits(), seed()),
        "repeated_kfold" => Splitter::repeated_k_fold(n_splits(), make.count("n_repeats"), seed()),
        "repeated_stratified_kfold" => {
            Splitter::repeated_stratified_k_fold(n_splits(), make.count("n_repeats"), seed())
        }
        "hold_out" => Splitter::hold_out(make.float("fraction"), seed(), make.bool("stratified")),
        "official" => Ok(Splitter::Official),
        other => unreachable!("`{other}` is no splitter: {CHECKED}"),
    }
}

pub(super) fn objective(make: &impl Read) -> Result<Option<Objective>, Problem> {
    let named = match (make.metric("maximize"), make.metric("minimize")) {
        (Some(metric), _) => Some(("maximize", Objective { metric, direction: Direction::Maximize })),
        (None, Some(metric)) => Some(("minimize", Objective { metric, direction: Direction::Minimize })),
        (None, None) => None,
    };
    match named {
        Some((key, objective)) if objective.metric.direction().is_some_and(|better| better != objective.direction) => {
            let other = if key == "maximize" { "minimize" } else { "maximize" };
            Err(Problem::new(format!("{} is better the other way round", objective.metric.name()))
                .hint(format!("write {other}: \"{}\"", objective.metric.name()))
                .under(Step::Key(key.to_owned())))
        }
        Some((_, objective)) => Ok(Some(objective)),
        None => Ok(None),
    }
}

pub(super) fn search(make: &Closed) -> Result<SearchSpec, Problem> {
    let sampler = match make.constructor().name {
        "random" => Sampler::Random,
        "grid" => Sampler::Grid,
        "quasi_random" => Sampler::QuasiRandom,
        "cmaes" => Sampler::CmaEs(CmaEsSettings {
            sigma: make.float("sigma"),
            population: make.get("population").map(|_| make.count("population")),
        }),
        "tpe" => Sampler::Tpe(TpeSettings {
            n_startup: make.count("n_startup"),
            n_candidates: NonZeroUsize::new(make.count("n_candidates")).expect(CHECKED),
            multivariate: make.bool("multivariate"),
            recipe: match make.text("recipe") {
                "watanabe" => TpeRecipe::Watanabe,
                _ => TpeRecipe::Optuna,
            },
        }),
        other => unreachable!("`{other}` is no search: {CHECKED}"),
    };
    let (objective, other_objectives) = goal::objectives(make)?;
    Ok(SearchSpec {
        sampler,
        n_trials: make.get("trials").map_or(usize::MAX, |_| make.count("trials")),
        n_points: None,
        enqueue: Vec::new(),
        objective,
        other_objectives,
        constraints: goal::constraints(make)?,
        per: if make.text("per") == "inner" { Per::Inner } else { Per::Outer },
        lag: make.count("lag"),
        prune: make
            .make("prune")
            .map(prune::pruner)
            .transpose()
            .map_err(|error| Problem::new(error.to_string()).under(Step::Key("prune".to_owned())))?,
        race: make
            .record("race")
            .map(|race| RaceSpec { level: race.float("level"), min_folds: race.count("min_folds") }),
        stop: make.record("stop").map(stop_rules).transpose()?,
        warm_start: make.optional_text("warm_start").map(str::to_owned),
    })
}

fn stop_rules(given: &BTreeMap<String, Tree<Infallible>>) -> Result<StopRules, Problem> {
    let target = given.tree("target").map(|_| given.float("target"));
    let no_improvement = given
        .record("no_improvement")
        .map(|rule| NoImprovement { trials: rule.count("trials"), min_delta: rule.float("min_delta") });
    StopRules::new(target, no_improvement, given.optional_text("wall_time")).map_err(|error| {
        let problem = Problem::new(error.to_string());
        let problem = match error {
            StopError::Nothing => problem,
            StopError::NoDuration { .. } | StopError::NoTime { .. } => problem.under(Step::Key("wall_time".to_owned())),
        };
        problem.under(Step::Key("stop".to_owned()))
    })
}

pub(super) fn threshold(make: &Closed) -> ThresholdRule {
    match make.constructor().name {
        "youden" => ThresholdRule::Youden,
        "fixed" => ThresholdRule::Fixed(make.float("value")),
        other => unreachable!("`{other}` is no threshold rule: {CHECKED}"),
    }
}

pub(super) fn formula(make: &Closed) -> Formula {
    let noise = make.float("noise");
    match make.constructor().name {
        "sphere" => Formula::Sphere { x: make.floats("x"), noise },
        "branin" => Formula::Branin { x1: make.float("x1"), x2: make.float("x2"), noise },
        other => unreachable!("`{other}` is no formula: {CHECKED}"),
    }
}

pub(super) fn split(make: &Closed) -> Result<SplitSpec, Problem> {
    let digest = make.optional_text("digest").map(str::to_owned);
    if let Some(cv) = make.make("cv") {
        let inner = make.get("inner").map(|_| make.count("inner"));
        let folds = folds(cv).map_err(|problem| problem.under(Step::Key("cv".to_owned())))?;
        return Ok(SplitSpec::Position { folds, outer: make.count("outer"), inner, digest });
    }
    let rows = |name: &str| if make.get(name).is_some() { make.counts(name) } else { Vec::new() };
    Ok(SplitSpec::Rows { train: rows("train"), validation: rows("validation"), test: rows("test"), digest })
}

pub(super) fn network(model: &Closed) -> NetworkSpec {
    NetworkSpec {
        backbone: backbone(model.make("backbone").expect(CHECKED)),
        head: layers::layers(model.list("head")),
        loss: match model.constructor().name {
            "regressor" => LossRule::Fixed(Loss::Distance(distance(model))),
            _ => loss(model.text("loss")),
        },
        loss_options: training::loss_options(model),
    }
}

fn distance(regressor: &Closed) -> Distance {
    match regressor.text("loss") {
        "mae" => Distance::Absolute,
        "huber" => Distance::Huber { delta: regressor.float("delta") },
        _ => Distance::Squared,
    }
}

fn backbone(make: &Closed) -> Backbone {
    match make.constructor().name {
        "convnet" => {
            Backbone::Convnet { width: make.count("width"), blocks: make.count("blocks"), kernel: make.count("kernel") }
        }
        "mlp" => Backbone::Mlp {
            hidden: make.counts("hidden"),
            activation: layers::activation(make.text("activation")),
            dropout: make.float("dropout"),
        },
        "sequential" => Backbone::Sequential(layers::layers(make.list("layers"))),
        other => match zoo::published(make) {
            Some(spec) => Backbone::Published(spec),
            None => unreachable!("`{other}` is no backbone: {CHECKED}"),
        },
    }
}

fn loss(name: &str) -> LossRule {
    match name {
        "binary_cross_entropy" => LossRule::Fixed(Loss::BinaryCrossEntropy),
        "cross_entropy" => LossRule::Fixed(Loss::CrossEntropy),
        _ => LossRule::Auto,
    }
}

pub(super) fn phase(make: &Closed) -> PhaseSpec {
    PhaseSpec {
        name: make.text("name").to_owned(),
        freeze_backbone: make.texts("freeze").iter().any(|part| part == "backbone"),
        epochs: make.count("epochs"),
        batch_size: make.count("batch_size"),
        drop_last: make.bool("drop_last"),
        optimizer: optimizer(make.make("optimizer").expect(CHECKED)),
        early_stop: make.record("early_stop").map(|rule| EarlyStop {
            patience: rule.count("patience"),
            min_delta: rule.float("min_delta"),
            monitor: rule.metric("monitor").expect("a fit whose rule has none is refused"),
        }),
        augment: make.makes("augment").into_iter().map(augment::augment).collect(),
        options: training::phase_options(make),
    }
}

fn optimizer(make: &Closed) -> Optimizer {
    let lr = make.float("lr");
    let weight_decay = make.float("weight_decay");
    let betas = || {
        let betas = make.floats("betas");
        [betas[0], betas[1]]
    };
    match make.constructor().name {
        "sgd" => Optimizer::Sgd {
            lr,
            momentum: make.float("momentum"),
            dampening: make.float("dampening"),
            weight_decay,
            nesterov: make.bool("nesterov"),
        },
        "adam" => Optimizer::Adam { lr, betas: betas(), eps: make.float("eps"), weight_decay },
        "adamw" => Optimizer::AdamW { lr, betas: betas(), eps: make.float("eps"), weight_decay },
        "rmsprop" => Optimizer::RmsProp {
            lr,
            alpha: make.float("alpha"),
            eps: make.float("eps"),
            weight_decay,
            momentum: make.float("momentum"),
            centered: make.bool("centered"),
        },
        other => unreachable!("`{other}` is no optimizer: {CHECKED}"),
    }
}
