//! One training, fully resolved: the config that is written beside its result and that runs again as it is.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use super::agreement;
use super::check::{self, Problem, Step};
use super::command::{self, CommandSpec};
use super::data::DataSpec;
use super::domain::ParamDomain;
use super::experiment::{Folds, Objective, ThresholdRule};
use super::flat::{self, FlatValue};
use super::leaf::{Leaf, Origin, Param};
use super::naming::Names;
use super::network::{Backbone, ClassWeights, Layer, Loss, LossOptions, ModelSpec, PhaseSpec};
use super::parse::{self, Read};
use super::tree::{Make, Tree};
use super::vocabulary;
use super::zoo::{self, PublishedSpec, WeightsDigests};
use super::{print, prune, training};
use crate::metric::{Metric, Task};
use crate::pruner::StopRule;
use crate::seed::Seed;
use crate::value::Value;

/// What a fit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its validation score is a trial's, or a part of it; it never sees test rows.
    Trial,
    /// It is tested on the outer fold's test rows.
    Final,
}

/// Where a fit stands in a plan, and what the plan decides for it.
#[derive(Clone, Debug)]
pub struct FitPlace {
    /// Its path in the seed tree, below the root.
    pub labels: Vec<String>,
    /// What it is for.
    pub role: Role,
    /// Which rows it gets.
    pub rows: RowsFrom,
    /// The threshold, when it was found elsewhere.
    pub threshold: Option<f64>,
    /// The number of epochs of each phase, when it was found elsewhere: early stopping is then dropped.
    pub epochs: Option<Vec<usize>>,
}

/// How a fit's config says which rows it gets.
#[derive(Clone, Debug)]
pub enum RowsFrom {
    /// No rows: the objective is a formula without data.
    Nothing,
    /// A position in the experiment's own folds.
    Position {
        /// Outer fold.
        outer: usize,
        /// Inner fold; without one, all rows but the test rows are trained on.
        inner: Option<usize>,
        /// Digest of the rows.
        digest: String,
    },
    /// The rows themselves, for folds that come from a file.
    Rows {
        /// Trained on.
        train: Vec<usize>,
        /// Chosen on.
        validation: Vec<usize>,
        /// Tested on; finals only.
        test: Vec<usize>,
        /// Digest of the rows.
        digest: String,
    },
}

/// Which rows a fit gets, read back from its config.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitSpec {
    /// A position in folds.
    Position {
        /// The folds.
        folds: Folds,
        /// Outer fold.
        outer: usize,
        /// Inner fold.
        inner: Option<usize>,
        /// Digest of the rows, when given.
        digest: Option<String>,
    },
    /// The rows themselves.
    Rows {
        /// Trained on.
        train: Vec<usize>,
        /// Chosen on.
        validation: Vec<usize>,
        /// Tested on.
        test: Vec<usize>,
        /// Digest of the rows, when given.
        digest: Option<String>,
    },
}

/// What learns: a network that is trained, a formula that is evaluated, or a program that is run.
#[derive(Clone, Debug, PartialEq)]
pub enum Learner {
    /// A network.
    Network {
        /// Turns a row into features.
        backbone: Backbone,
        /// Layers on top.
        head: Vec<Layer>,
        /// What is minimised.
        loss: LossRule,
        /// What the loss makes of targets and classes.
        loss_options: LossOptions,
        /// Phases of training.
        phases: Vec<PhaseSpec>,
    },
    /// A formula.
    Formula(Formula),
    /// A program, which reports the objective.
    Command(CommandSpec),
}

/// A network as a script describes it: the number of classes is not known yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NetworkSpec {
    pub(super) backbone: Backbone,
    pub(super) head: Vec<Layer>,
    pub(super) loss: LossRule,
    pub(super) loss_options: LossOptions,
}

/// How the loss is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossRule {
    /// By the number of classes.
    Auto,
    /// Given.
    Fixed(Loss),
}

/// An objective given by a formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// Sum of squares.
    Sphere {
        /// The point.
        x: Vec<f64>,
        /// Standard deviation of what each fit adds.
        noise: f64,
    },
    /// Branin's function (Branin 1972).
    Branin {
        /// First coordinate.
        x1: f64,
        /// Second coordinate.
        x2: f64,
        /// Standard deviation of what each fit adds.
        noise: f64,
    },
}

impl Formula {
    /// Its value, with noise drawn from the fit's own stream.
    #[must_use]
    pub fn value(&self, seed: &Seed) -> f64 {
        let (value, noise) = match self {
            Self::Sphere { x, noise } => (x.iter().map(|x| x * x).sum::<f64>(), *noise),
            Self::Branin { x1, x2, noise } => {
                use std::f64::consts::PI;
                let valley = x2 - 5.1 / (4.0 * PI * PI) * x1 * x1 + 5.0 / PI * x1 - 6.0;
                (valley * valley + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * libm::cos(*x1) + 10.0, *noise)
            }
        };
        if noise > 0.0 { value + noise * seed.child("noise").stream().normal() } else { value }
    }
}

/// The config of one fit. It has no room for anything undecided.
#[derive(Clone, Debug, PartialEq)]
pub struct FitConfig {
    make: Make<Infallible>,
    name: String,
    seed: u64,
    labels: Vec<String>,
    role: Role,
    data: Option<DataSpec>,
    split: Option<SplitSpec>,
    learner: Learner,
    threshold: ThresholdRule,
    objective: Option<Objective>,
    prune: Option<StopRule>,
}

impl FitConfig {
    /// Reads a `fit(#{...})`.
    ///
    /// # Errors
    /// A rule that joins several fields is broken.
    pub fn new(make: Make<Infallible>) -> Result<Self, Problem> {
        let learner = match (make.make("objective"), make.make("model")) {
            (Some(objective), None) => match objective.constructor().name {
                "command" => Learner::Command(command::command(objective)),
                "external" => {
                    return Err(Problem::new("an `external` objective is told from outside: it makes no fit")
                        .hint("`xrun ask` gives its trials, `xrun tell` takes their values"));
                }
                _ => Learner::Formula(parse::formula(objective)),
            },
            (None, Some(model)) => {
                let NetworkSpec { backbone, head, loss, loss_options } = parse::network(model);
                let phases = match make.get("train") {
                    Some(_) => {
                        training::has_monitors(&make)?;
                        make.makes("train").into_iter().map(parse::phase).collect()
                    }
                    None => return Err(Problem::new("`fit` with a `model` needs `train`")),
                };
                Learner::Network { backbone, head, loss, loss_options, phases }
            }
            _ => return Err(Problem::new("`fit` needs either an `objective`, or a `model` with `train`")),
        };
        if matches!(learner, Learner::Network { .. }) && (make.make("data").is_none() || make.make("split").is_none()) {
            return Err(Problem::new("`fit` with a `model` needs `data` and `split`"));
        }
        let split =
            make.make("split").map(parse::split).transpose().map_err(|p| p.under(Step::Key("split".to_owned())))?;
        let data = make.make("data").map(parse::data).transpose().map_err(|p| p.under(Step::Key("data".to_owned())))?;
        let threshold = parse::threshold(make.make("threshold").expect("the threshold has a default"));
        if let (Learner::Network { .. }, Some(data)) = (&learner, &data) {
            let is_of_numbers = agreement::is_of_numbers(data);
            agreement::fit_metrics(&make, is_of_numbers)?;
            agreement::threshold(threshold, is_of_numbers).map_err(|p| p.under(Step::Key("threshold".to_owned())))?;
        }
        let objective = parse::objective(&make)?;
        let has_epochs = match &learner {
            Learner::Network { .. } => true,
            Learner::Command(command) => command.n_epochs.is_some(),
            Learner::Formula(_) => false,
        };
        let has_curve = objective.is_some() && has_epochs;
        let role = if make.text("role") == "trial" { Role::Trial } else { Role::Final };
        let prune = prune::of_fit(&make, role, has_curve).map_err(|p| p.under(Step::Key("prune".to_owned())))?;
        Ok(Self {
            name: make.text("name").to_owned(),
            seed: make.seed("seed"),
            labels: make.texts("labels"),
            role,
            data,
            split,
            learner,
            threshold,
            objective,
            prune,
            make,
        })
    }

    /// The same fit with the digest of the weights that its backbone begins with, if it has none yet.
    #[must_use]
    pub fn with_weights(&self, digests: &WeightsDigests) -> Self {
        let mut pinned = self.make.clone();
        if let Some(Tree::Make(model)) = pinned.get_mut("model") {
            zoo::pin(model, digests);
        }
        Self::new(pinned).expect("a digest breaks no rule that joins fields")
    }

    /// The published network that it trains, if its backbone is one.
    #[must_use]
    pub fn published(&self) -> Option<&PublishedSpec> {
        match &self.learner {
            Learner::Network { backbone: Backbone::Published(spec), .. } => Some(spec),
            Learner::Network { .. } | Learner::Formula(_) | Learner::Command(_) => None,
        }
    }

    /// The same fit, given up where the rule says.
    ///
    /// # Errors
    /// It has nothing that a rule could look at.
    pub fn pruned_by(&self, rule: &StopRule) -> Result<Self, Problem> {
        let mut pruned = self.make.clone();
        pruned.set("prune", Some(prune::written(rule)?));
        Self::new(pruned)
    }

    /// What it is held against epoch by epoch.
    #[must_use]
    pub fn prune(&self) -> Option<&StopRule> {
        self.prune.as_ref()
    }

    /// Epochs it has unless it ends early; 1 for what has none.
    #[must_use]
    pub fn n_epochs(&self) -> usize {
        match &self.learner {
            Learner::Network { phases, .. } => phases.iter().map(|phase| phase.epochs).sum(),
            Learner::Formula(_) => 1,
            Learner::Command(command) => command.n_epochs.unwrap_or(1),
        }
    }

    /// The tree it was read from, with every default.
    pub(super) fn tree(&self) -> &Make<Infallible> {
        &self.make
    }

    /// The experiment's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The root seed, as the user wrote it.
    #[must_use]
    pub fn root_seed(&self) -> u64 {
        self.seed
    }

    /// The fit's node of the seed tree.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.labels.iter().fold(Seed::root(self.seed), |seed, label| seed.child(label))
    }

    /// Its path in the seed tree, below the root.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// What it is for.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its data set.
    #[must_use]
    pub fn data(&self) -> Option<&DataSpec> {
        self.data.as_ref()
    }

    /// Which rows it gets.
    #[must_use]
    pub fn split(&self) -> Option<&SplitSpec> {
        self.split.as_ref()
    }

    /// What learns.
    #[must_use]
    pub fn learner(&self) -> &Learner {
        &self.learner
    }

    /// How its decision threshold comes about.
    #[must_use]
    pub fn threshold(&self) -> ThresholdRule {
        self.threshold
    }

    /// The metrics that it names: of its score, and those that its phases watch.
    #[must_use]
    pub fn named_metrics(&self) -> Vec<Metric> {
        let phases = match &self.learner {
            Learner::Network { phases, .. } => &phases[..],
            Learner::Formula(_) | Learner::Command(_) => &[],
        };
        let watched = phases.iter().filter_map(|phase| phase.early_stop.as_ref()).map(|rule| rule.monitor);
        self.objective.iter().map(|objective| objective.metric).chain(watched).collect()
    }

    /// What its score is.
    #[must_use]
    pub fn objective(&self) -> Option<Objective> {
        self.objective
    }

    /// Whether the other fit differs from this one in nothing but its data set and where its weights lie.
    #[must_use]
    pub fn is_same_but_for_data(&self, other: &Self) -> bool {
        let without = |fit: &Self| {
            let Tree::Make(mut make) = Tree::Make(fit.make.clone()).open() else { unreachable!("a fit stays a fit") };
            make.set("data", None);
            zoo::without_paths(&make)
        };
        without(self) == without(other)
    }

    /// Its values under their names.
    #[must_use]
    pub fn flat(&self) -> Vec<FlatValue> {
        let opened = self.make.try_map(&mut |leaf| match *leaf {});
        let opened: Result<Make<Leaf>, Infallible> = opened;
        match opened {
            Ok(make) => flat::flatten(&make, &Names::default()),
        }
    }

    /// Its script: evaluates to this config again; where the data are stays settable as `data=PATH`, and where weights
    /// are as `weights=PATH`.
    #[must_use]
    pub fn script(&self, header: &[String]) -> String {
        let opened: Tree<Leaf> = Tree::Make(self.make.clone()).open();
        let Tree::Make(mut make) = opened else { unreachable!("a fit stays a fit") };
        if let Some(Tree::Make(data)) = make.get_mut("data") {
            for field in ["source", "path"] {
                if let Some(Tree::Text(path)) = data.get(field).cloned() {
                    data.set(field, Some(path_param("data", path, "where the data are")));
                }
            }
        }
        if let Some(PublishedSpec { weights: Some(weights), .. }) = self.published()
            && let Some(Tree::Make(model)) = make.get_mut("model")
            && let Some(Tree::Make(backbone)) = model.get_mut("backbone")
        {
            let path = weights.path.display().to_string();
            backbone.set("weights", Some(path_param("weights", path, "where the weights are")));
        }
        print::script(&make, &Names::default(), header)
    }
}

fn path_param(name: &str, path: String, help: &str) -> Tree<Leaf> {
    let value = Value::Text(path);
    Tree::Leaf(Leaf::Param(Arc::new(Param {
        name: name.to_owned(),
        default: value.clone(),
        value,
        help: help.to_owned(),
        domain: ParamDomain::Any,
        overridden: false,
    })))
}

impl LossRule {
    /// The loss for the task of the data.
    ///
    /// # Errors
    /// Binary cross-entropy for more than two classes, or a loss of the other task.
    pub fn choose(self, task: Task) -> Result<Loss, Problem> {
        match (self, task) {
            (Self::Fixed(Loss::Distance(_)), Task::Classes(_)) => Err(agreement::regressor_of_classes()),
            (Self::Fixed(Loss::BinaryCrossEntropy | Loss::CrossEntropy) | Self::Auto, Task::Number) => {
                Err(agreement::classifier_of_numbers())
            }
            (Self::Fixed(Loss::BinaryCrossEntropy), Task::Classes(n)) if n > 2 => {
                Err(Problem::new(format!("binary_cross_entropy tells two classes apart, but the data have {n}"))
                    .hint("use loss: \"cross_entropy\", or leave it out"))
            }
            (Self::Fixed(loss), _) => Ok(loss),
            (Self::Auto, Task::Classes(2)) => Ok(Loss::BinaryCrossEntropy),
            (Self::Auto, Task::Classes(_)) => Ok(Loss::CrossEntropy),
        }
    }
}

impl LossOptions {
    /// The same options, for the task of the data.
    ///
    /// # Errors
    /// Weights for another number of classes.
    pub fn for_task(&self, task: Task) -> Result<Self, Problem> {
        match (&self.class_weights, task) {
            (Some(ClassWeights::Given(weights)), Task::Classes(n_classes)) if weights.len() != n_classes => {
                let n_weights = weights.len();
                Err(Problem::new(format!(
                    "class_weights has {n_weights} numbers, but the data have {n_classes} classes"
                ))
                .hint("give one number a class, or write \"balanced\"")
                .under(Step::Key("class_weights".to_owned())))
            }
            _ => Ok(self.clone()),
        }
    }
}

impl Learner {
    /// The network's model for the task of the data; `None` for what is no network.
    ///
    /// # Errors
    /// A loss that does not fit.
    pub fn model(&self, task: Task) -> Result<Option<ModelSpec>, Problem> {
        match self {
            Self::Network { backbone, head, loss, loss_options, .. } => Ok(Some(ModelSpec {
                backbone: backbone.clone(),
                head: head.clone(),
                loss: loss.choose(task)?,
                loss_options: loss_options.for_task(task)?,
            })),
            Self::Formula(_) | Self::Command(_) => Ok(None),
        }
    }
}

/// Puts a fit together from a resolved experiment and its place in the plan.
pub(super) fn compose(
    experiment: &Make<Infallible>,
    objective: Option<Objective>,
    place: &FitPlace,
    weights: &WeightsDigests,
) -> Result<FitConfig, Problem> {
    let mut given: BTreeMap<String, Tree<Infallible>> = BTreeMap::new();
    for same in ["name", "seed", "data", "model", "train", "objective", "threshold"] {
        if let Some(tree) = experiment.get(same) {
            given.insert(same.to_owned(), tree.clone());
        }
    }
    if let Some(Tree::Make(model)) = given.get_mut("model") {
        zoo::pin(model, weights);
    }
    given.insert("labels".to_owned(), Tree::List(place.labels.iter().cloned().map(Tree::Text).collect()));
    let role = if place.role == Role::Trial { "trial" } else { "final" };
    given.insert("role".to_owned(), Tree::Text(role.to_owned()));
    if let Some(objective) = objective {
        let key = if objective.direction == crate::trial::Direction::Maximize { "maximize" } else { "minimize" };
        given.insert(key.to_owned(), Tree::Text(objective.metric.name().to_owned()));
    }
    if let Some(threshold) = place.threshold {
        given.insert("threshold".to_owned(), make("fixed", [("value", Tree::Float(threshold))])?);
    }
    if let Some(split) = split(experiment, place)? {
        given.insert("split".to_owned(), split);
    }
    let is_regressor = matches!(given.get("model"), Some(Tree::Make(model)) if model.constructor().name == "regressor");
    if let Some(Tree::List(phases)) = given.get_mut("train") {
        let fallback = if is_regressor { Metric::Mse } else { Metric::LogLoss };
        let watched = objective.map_or(fallback, |objective| objective.metric);
        for (index, phase) in phases.iter_mut().enumerate() {
            let Tree::Make(phase) = phase else { unreachable!("phases are built by phase(...)") };
            let planned = phase.get("epochs").cloned();
            if let Some(Tree::Map(rule)) = phase.get_mut("early_stop") {
                rule.entry("monitor".to_owned()).or_insert_with(|| Tree::Text(watched.name().to_owned()));
            }
            if let Some(Tree::Make(schedule)) = phase.get_mut("schedule") {
                let name = schedule.constructor().name;
                if name == "reduce_on_plateau" && schedule.get("monitor").is_none() {
                    schedule.set("monitor", Some(Tree::Text(watched.name().to_owned())));
                }
                // A refit for fewer epochs follows the learning rates of the trials it is a refit of.
                let is_spread = matches!(name, "cosine" | "one_cycle") && schedule.get("epochs").is_none();
                if is_spread && place.epochs.is_some() {
                    schedule.set("epochs", planned);
                }
            }
            if let Some(epochs) = &place.epochs {
                let epochs = i64::try_from(epochs[index]).expect("epochs fit");
                phase.set("epochs", Some(Tree::Int(epochs)));
                phase.set("early_stop", None);
            }
        }
    }
    let fit = vocabulary::find("fit").expect("the vocabulary has fit");
    FitConfig::new(check::build(fit, given, Origin::Xrun)?)
}

fn split(experiment: &Make<Infallible>, place: &FitPlace) -> Result<Option<Tree<Infallible>>, Problem> {
    let index = |i: usize| Tree::Int(i64::try_from(i).expect("row and fold numbers fit"));
    let list = |rows: &[usize]| Tree::List(rows.iter().map(|&row| index(row)).collect());
    Ok(match &place.rows {
        RowsFrom::Nothing => None,
        RowsFrom::Position { outer, inner, digest } => {
            let cv = experiment.get("cv").expect("positions stand in a cv").clone();
            let mut given = vec![("cv", cv), ("outer", index(*outer)), ("digest", Tree::Text(digest.clone()))];
            if let Some(inner) = inner {
                given.push(("inner", index(*inner)));
            }
            Some(make("split", given)?)
        }
        RowsFrom::Rows { train, validation, test, digest } => {
            let mut given = vec![("train", list(train)), ("digest", Tree::Text(digest.clone()))];
            if !validation.is_empty() {
                given.push(("validation", list(validation)));
            }
            if !test.is_empty() {
                given.push(("test", list(test)));
            }
            Some(make("split", given)?)
        }
    })
}

pub(super) fn make(
    name: &str,
    given: impl IntoIterator<Item = (&'static str, Tree<Infallible>)>,
) -> Result<Tree<Infallible>, Problem> {
    let constructor = vocabulary::find(name).expect("the caller names a constructor of the vocabulary");
    let given = given.into_iter().map(|(field, tree)| (field.to_owned(), tree)).collect();
    check::build(constructor, given, Origin::Xrun).map(Tree::Make)
}
