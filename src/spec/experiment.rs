//! An experiment: the tree a script ended with, its search space, and the parts that are the same for every fit.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use super::agreement;
use super::check::{Problem, Step};
use super::command::{self, Program};
use super::constraint::Constraint;
use super::data::DataSpec;
use super::external::External;
use super::fit::{self, FitConfig, FitPlace};
use super::flat::{self, FlatValue};
use super::leaf::Leaf;
use super::naming::{Blame, Names};
use super::resolve::resolve;
use super::tree::{Make, Tree};
use super::zoo::{self, PublishedSpec, WeightsDigests};
use super::{goal, parse, print, search};
use crate::metric::Metric;
use crate::pruner::{Pruner, PrunerError, Race};
use crate::sampler::Sampler;
use crate::space::SearchSpace;
use crate::split::{NestedSplitter, Take};
use crate::stop::StopRules;
use crate::trial::Direction;
use crate::value::Assignment;

/// What is optimised: a metric and which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objective {
    /// The metric, of validation rows.
    pub metric: Metric,
    /// Which way is better.
    pub direction: Direction,
}

/// As in `maximize roc_auc`.
impl std::fmt::Display for Objective {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verb = if self.direction == Direction::Maximize { "maximize" } else { "minimize" };
        write!(f, "{verb} {}", self.metric)
    }
}

/// Trials that run at once where none depends on another: more than there are workers, and few enough that a run that is
/// stopped has not announced thousands.
const AT_ONCE: usize = 64;

/// How a space is searched.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchSpec {
    /// Suggests assignments.
    pub sampler: Sampler,
    /// Trials of each study; not more than there are points.
    pub n_trials: usize,
    /// Points of a grid.
    pub n_points: Option<usize>,
    /// Points that each study tries first, in this order; what one leaves open is the sampler's.
    pub enqueue: Vec<Assignment>,
    /// What is optimised; with several objectives, the first, by which epochs are watched and the final is chosen.
    pub objective: Objective,
    /// The objectives after the first.
    pub other_objectives: Vec<Objective>,
    /// Limits that trials should meet.
    pub constraints: Vec<Constraint>,
    /// What a study is.
    pub per: Per,
    /// The lag as the script gives it.
    pub(super) lag: usize,
    /// When a trial is given up before its last epoch.
    pub prune: Option<Pruner>,
    /// When it is given up before its last inner fold.
    pub race: Option<RaceSpec>,
    /// When a study ends before its last trial.
    pub stop: Option<StopRules>,
    /// The run whose trials are known from the start, as the script names it.
    pub warm_start: Option<String>,
}

impl SearchSpec {
    /// How far a trial's suggestion lags behind the results, at least 1; so many trials of a study can run at once. It is
    /// not what the script gives if no trial depends on another, for then it changes nothing but the time.
    #[must_use]
    pub fn lag(&self) -> usize {
        let each_alone = !self.sampler.learns() && !self.gives_up() && self.stop.is_none();
        if each_alone { self.lag.max(AT_ONCE) } else { self.lag }
    }

    /// Whether a trial may end before all its epochs and folds.
    #[must_use]
    pub fn gives_up(&self) -> bool {
        self.prune.is_some() || self.race.is_some()
    }

    /// Whether a study may need fewer fits than are planned: it stops, or its trials give up folds.
    #[must_use]
    pub fn may_need_fewer_fits(&self) -> bool {
        self.stop.is_some() || (self.per == Per::Outer && self.gives_up())
    }

    /// Every objective, the first first.
    pub fn objectives(&self) -> impl Iterator<Item = Objective> {
        std::iter::once(self.objective).chain(self.other_objectives.iter().copied())
    }

    /// What its trials are ranked by, in words: `maximize roc_auc, minimize log_loss, keeping recall at least 0.8`. Trials of
    /// searches with equal aims can be compared.
    #[must_use]
    pub fn aims(&self) -> String {
        let objectives: Vec<String> = self.objectives().map(|objective| objective.to_string()).collect();
        let limits: Vec<String> = self.constraints.iter().map(ToString::to_string).collect();
        let keeping = if limits.is_empty() { "" } else { ", keeping " };
        format!("{}{keeping}{}", objectives.join(", "), limits.join(", "))
    }
}

/// A race between trials over inner folds, whose number is not known yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RaceSpec {
    /// Chance of stopping a trial that all folds would have made the best.
    pub level: f64,
    /// Inner folds before the first look.
    pub min_folds: usize,
}

impl RaceSpec {
    /// The race over so many folds.
    ///
    /// # Errors
    /// They are too few.
    pub fn over(self, n_folds: usize) -> Result<Race, PrunerError> {
        Race::new(self.level, self.min_folds, n_folds)
    }
}

/// What a study of a nested cross-validation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// One study per outer x inner fold; a trial is one fit.
    Inner,
    /// One study per outer fold; a trial is one fit per inner fold, scored by their mean.
    Outer,
}

/// Where the folds come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Folds {
    /// Drawn by splitters.
    Drawn(NestedSplitter),
    /// Read from a `splits.json`.
    File {
        /// The file.
        path: PathBuf,
        /// How many of the folds are run.
        take: Option<Take>,
    },
}

/// How the decision threshold of a two-class model comes about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ThresholdRule {
    /// Youden's: the largest sensitivity + specificity - 1 on validation rows.
    Youden,
    /// Given.
    Fixed(f64),
}

/// An experiment, checked as a whole.
#[derive(Clone, Debug)]
pub struct Experiment {
    make: Make<Leaf>,
    names: Names,
    space: SearchSpace,
    name: String,
    data: Option<DataSpec>,
    folds: Option<Folds>,
    search: Option<SearchSpec>,
    threshold: ThresholdRule,
    program: Option<Program>,
    external: Option<External>,
    weights: WeightsDigests,
}

impl Experiment {
    /// Checks what only the whole can show: names, the search, and metrics that fit the task.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn new(make: Make<Leaf>) -> Result<Self, Blame> {
        let names = Names::of(&make)?;
        let blame = |problem| Blame { origin: make.origin().clone(), problem };
        let fixed = fixed_part(&make).map_err(blame)?;
        let part = |name: &str| match fixed.get(name) {
            Some(Tree::Make(part)) => Some(part),
            _ => None,
        };
        let blame_part = |name: &str, problem: Problem| match part(name) {
            Some(part) => Blame { origin: part.origin().clone(), problem },
            None => blame(problem),
        };
        let objective = match make.get("objective") {
            Some(Tree::Make(objective)) => Some(objective),
            _ => None,
        };
        let (is_formula, program) = (objective.is_some(), objective.and_then(Program::of));
        let external = objective.filter(|objective| objective.constructor().name == "external");
        let external = external.map(External::of).transpose().map_err(blame)?;
        if external.is_some() {
            for left_out in ["data", "cv"] {
                if make.get(left_out).is_some() {
                    let problem = Problem::new("an `external` objective is one study, without data and folds");
                    return Err(blame(problem.hint(format!("leave `{left_out}` out")).key(left_out)));
                }
            }
            for left_out in ["stop", "warm_start"] {
                if part("search").is_some_and(|search| search.get(left_out).is_some()) {
                    let problem = Problem::new(format!("`{left_out}` is for searches whose trials xrun starts itself"))
                        .hint("leave it out; whoever asks for trials may stop asking");
                    return Err(blame_part("search", problem.key(left_out)));
                }
            }
        }
        let data = part("data").map(parse::data).transpose().map_err(|p| blame_part("data", p))?;
        let is_of_numbers = data.as_ref().is_some_and(agreement::is_of_numbers);
        if let Some(search) = part("search") {
            let objective = objective.map(|objective| objective.constructor().name);
            goal::metrics_fit(search, objective, is_of_numbers).map_err(|p| blame_part("search", p))?;
        }
        if let Some(data) = &data {
            agreement::model_and_train(&make, data)?;
        }
        let threshold = part("threshold").map_or(ThresholdRule::Fixed(0.5), parse::threshold);
        agreement::threshold(threshold, is_of_numbers).map_err(|p| blame_part("threshold", p))?;
        let space = names.space();
        let search = part("search").map(|make| search::settle(make, &names, &space)).transpose()?;
        if is_formula && part("cv").is_some_and(|cv| cv.constructor().name == "all_rows") {
            let problem = Problem::new("`all_rows` is for a network to ship, and an `objective` makes none");
            return Err(blame_part("cv", problem.hint("write nested(#{...})")));
        }
        let folds = part("cv").map(parse::folds).transpose().map_err(|p| blame_part("cv", p))?;
        if let Some(search) = &search {
            early_ends(search, objective, folds.as_ref()).map_err(|p| blame_part("search", p))?;
        }
        match &search {
            None if !names.leaves().is_empty() => {
                let first = &names.leaves()[0];
                return Err(Blame {
                    origin: first.leaf.origin().clone(),
                    problem: Problem::new(format!(
                        "`{}` is to be searched, but the experiment has no `search`",
                        first.name
                    ))
                    .hint(if is_formula {
                        "add search: tpe(#{ trials: 100, minimize: \"value\" }), or write one value here"
                    } else {
                        "add search: tpe(#{ trials: 20, maximize: \"roc_auc\" }), or write one value here"
                    }),
                });
            }
            None if is_formula => {
                return Err(blame(
                    Problem::new("an experiment with an `objective` needs a `search`")
                        .hint("add search: tpe(#{ trials: 100, minimize: \"value\" })"),
                ));
            }
            Some(search) if search.per == Per::Outer && folds.is_none() => {
                return Err(blame_part(
                    "search",
                    Problem::new("per: \"outer\" needs a `cv`").under(Step::Key("per".to_owned())),
                ));
            }
            _ => {}
        }
        let name = match fixed.get("name") {
            Some(Tree::Text(name)) => name.clone(),
            _ => unreachable!("an experiment has a name"),
        };
        Ok(Self {
            space,
            data,
            threshold,
            folds,
            search,
            name,
            program,
            external,
            names,
            make,
            weights: WeightsDigests::new(),
        })
    }

    /// The same experiment, whose fits' configs hold the digests of the weights that their backbones begin with.
    #[must_use]
    pub fn with_weights(self, weights: WeightsDigests) -> Self {
        Self { weights, ..self }
    }

    /// The phases that freeze the backbone by their plain text, and of each whether every phase before does so, too.
    #[must_use]
    pub fn frozen_phases(&self) -> Vec<(&str, bool)> {
        let Some(Tree::List(phases)) = self.make.get("train") else { return Vec::new() };
        let (mut frozen, mut untrained) = (Vec::new(), true);
        for phase in phases {
            let Tree::Make(phase) = phase else { return frozen };
            let is_frozen = matches!(phase.get("freeze"), Some(Tree::List(parts)) if !parts.is_empty());
            if let (true, Some(Tree::Text(name))) = (is_frozen, phase.get("name")) {
                frozen.push((name.as_str(), untrained));
            }
            untrained &= is_frozen;
        }
        frozen
    }

    /// Every published network that one of its fits may train; each once, in a fixed order.
    #[must_use]
    pub fn published(&self) -> Vec<PublishedSpec> {
        zoo::all_published(&self.make)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tree as the script built it.
    #[must_use]
    pub fn make(&self) -> &Make<Leaf> {
        &self.make
    }

    /// The names of its search-space objects.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Its search space; empty when nothing is searched.
    #[must_use]
    pub fn space(&self) -> &SearchSpace {
        &self.space
    }

    /// Its data set.
    #[must_use]
    pub fn data(&self) -> Option<&DataSpec> {
        self.data.as_ref()
    }

    /// Its folds.
    #[must_use]
    pub fn folds(&self) -> Option<&Folds> {
        self.folds.as_ref()
    }

    /// Its search.
    #[must_use]
    pub fn search(&self) -> Option<&SearchSpec> {
        self.search.as_ref()
    }

    /// How long a run of it may take before its studies end; none without such a rule.
    #[must_use]
    pub fn wall_time(&self) -> Option<Duration> {
        self.search.as_ref()?.stop.as_ref()?.wall_time()
    }

    /// Its rule for the decision threshold.
    #[must_use]
    pub fn threshold(&self) -> ThresholdRule {
        self.threshold
    }

    /// The program that reports its objective, if that is a command.
    #[must_use]
    pub fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// The command line of that program, with the name of a parameter in braces where its value will stand.
    #[must_use]
    pub fn command_line(&self) -> Option<String> {
        match (&self.program, self.make.get("objective")) {
            (Some(_), Some(Tree::Make(objective))) => Some(command::line(objective, &self.names)),
            _ => None,
        }
    }

    /// Its objective, if that is told from outside by `xrun tell`.
    #[must_use]
    pub fn external(&self) -> Option<External> {
        self.external
    }

    /// The root of its random streams, as the user wrote it.
    #[must_use]
    pub fn seed(&self) -> u64 {
        match fixed_part(&self.make).ok().and_then(|fixed| fixed.get("seed").cloned()) {
            Some(Tree::Int(seed)) => u64::try_from(seed).expect("seeds are not negative"),
            _ => unreachable!("an experiment has a seed"),
        }
    }

    /// Whether the other experiment differs from this one in nothing but its data set and where weights lie.
    #[must_use]
    pub fn is_same_but_for_data(&self, other: &Self) -> bool {
        let without = |experiment: &Self| {
            let mut make = zoo::without_paths(&experiment.make);
            make.set("data", None);
            print::script(&make, &experiment.names, &[])
        };
        without(self) == without(other)
    }

    /// The same experiment with the run its search starts warm from named anew; without a search, as it is.
    #[must_use]
    pub fn warm_started_from(&self, run: &str) -> Self {
        let mut renamed = self.clone();
        if let Some(Tree::Make(search)) = self.make.get("search") {
            let mut search = search.clone();
            search.set("warm_start", Some(Tree::Text(run.to_owned())));
            renamed.make.set("search", Some(Tree::Make(search)));
        }
        if let Some(search) = &mut renamed.search {
            search.warm_start = Some(run.to_owned());
        }
        renamed
    }

    /// The same experiment under a name that was checked.
    pub(super) fn renamed(&self, name: Tree<Leaf>) -> Self {
        let mut renamed = self.clone();
        if let Tree::Text(name) = &name {
            renamed.name.clone_from(name);
        }
        renamed.make.set("name", Some(name));
        renamed
    }

    /// Its values under their names.
    #[must_use]
    pub fn flat(&self) -> Vec<FlatValue> {
        flat::flatten(&self.make, &self.names)
    }

    /// Its script: evaluates to this experiment again.
    #[must_use]
    pub fn script(&self, header: &[String]) -> String {
        print::script(&self.make, &self.names, header)
    }

    /// The config of one fit: this experiment under an assignment, at a place of the plan.
    ///
    /// # Errors
    /// A derived value that does not fit its place under this assignment.
    pub fn fit(&self, assignment: &Assignment, place: &FitPlace) -> Result<FitConfig, Problem> {
        let resolved = resolve(&self.make, &self.names, assignment)?;
        fit::compose(&resolved, self.search.as_ref().map(|search| search.objective), place, &self.weights)
    }
}

/// Whether what ends trials early has something to look at.
fn early_ends(search: &SearchSpec, objective: Option<&Make<Leaf>>, folds: Option<&Folds>) -> Result<(), Problem> {
    let at = |key: &str, problem: Problem| problem.under(Step::Key(key.to_owned()));
    match objective {
        Some(objective) if search.prune.is_some() && objective.get("epochs").is_none() => {
            let problem = match objective.constructor().name {
                name @ ("command" | "external") => {
                    Problem::new(format!("a pruner judges epochs, and this `{name}` does not say how many it has"))
                        .hint("add epochs: the number of epochs that are reported of a trial at most")
                }
                _ => Problem::new("a pruner judges the epochs of a training, and a formula has none")
                    .hint("leave `prune` out; `race` gives trials up after some inner folds"),
            };
            return Err(at("prune", problem));
        }
        _ => {}
    }
    if let Some(other) = search.other_objectives.first() {
        let problem = Problem::new(format!(
            "it gives up trials that fall behind in {}, among them those that are good in {}",
            search.objective.metric, other.metric
        ))
        .hint("leave it out with several objectives, or search by one and set `constraints` for the others");
        // Patience and fixed bounds hold a trial against itself, and do not need the others' curves.
        if search.prune.as_ref().is_some_and(Pruner::needs_curves) {
            return Err(at("prune", problem));
        }
        if search.race.is_some() {
            return Err(at("race", problem));
        }
    }
    let Some(race) = search.race else { return Ok(()) };
    if search.per == Per::Inner {
        let problem =
            Problem::new("a race is between the inner folds of a trial, and per: \"inner\" has one fold a trial");
        return Err(at("race", problem.hint("set per: \"outer\"")));
    }
    match folds {
        Some(Folds::Drawn(nested)) => {
            race.over(nested.n_folds().1).map(drop).map_err(|error| at("race", Problem::new(error.to_string())))
        }
        // How many a file has is seen when it is read.
        Some(Folds::File { .. }) | None => Ok(()),
    }
}

/// The experiment without the parts in which search-space objects may stand.
fn fixed_part(make: &Make<Leaf>) -> Result<Make<Infallible>, Problem> {
    let mut fixed = make.clone();
    for searched in ["model", "train", "objective"] {
        fixed.set(searched, None);
    }
    fixed.try_map(&mut |leaf| match leaf {
        Leaf::Param(param) => Ok(Tree::from(&param.value)),
        Leaf::Search(_) | Leaf::Derived(_) => Err(Problem::new("this cannot be searched")),
    })
}
