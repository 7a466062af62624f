//! What must be there before a run begins: the data, its folds, the plan over them, and what is recorded that it follows.

use std::collections::BTreeMap;
use std::path::Path;

use super::fold_counts::{duplicates, fold_counts, refuse_one_class};
use super::{Inputs, RunError, WarmStart, weights};
use crate::data::{self, DataError, Dataset};
use crate::plan::Plan;
use crate::script::{self, Evaluated, Outcome};
use crate::spec::ModelPart;
use crate::spec::data::DataSpec;
use crate::spec::experiment::{Folds, ThresholdRule};
use crate::spec::fit::SplitSpec;
use crate::split::{self, NestedSplits, RowLabels, SplitError};
use crate::stop::Ending;
use crate::store::{Finalizes, FoldCounts, RunEntry, WeightsRecord};

/// The data, the folds and the plan of a run.
#[derive(Debug)]
pub struct Prepared {
    /// What is run; it knows the digests of its weights.
    pub outcome: Outcome,
    /// The files of weights that its networks begin with.
    pub weights: Vec<WeightsRecord>,
    /// The data set, if the experiment has one.
    pub data: Option<Dataset>,
    /// Its folds.
    pub splits: Option<NestedSplits>,
    /// What the folds of an experiment consist of.
    pub(super) folds: Option<FoldCounts>,
    /// What will be done; one fit for a fit's config.
    pub plan: Option<Plan>,
    /// The files that a program's result depends on.
    pub inputs: Inputs,
    /// The trials of another run that the search knows from the start.
    pub warm_start: Option<WarmStart>,
    /// How studies ended, by name, in the run whose config is run: what a clock decided there is decided.
    pub(super) endings: BTreeMap<String, Ending>,
    /// The run that a model to ship is made of, if one is.
    pub(super) finalizes: Option<Finalizes>,
}

impl Prepared {
    /// Number of fits.
    #[must_use]
    pub fn n_fits(&self) -> usize {
        self.plan.as_ref().map_or(1, Plan::n_fits)
    }

    /// How that number comes about.
    #[must_use]
    pub fn arithmetic(&self) -> String {
        self.plan.as_ref().map_or_else(|| "1 fit".to_owned(), Plan::arithmetic)
    }

    /// A warning about rows that are on both sides of a split, if any are.
    #[must_use]
    pub fn duplicates(&self) -> Option<String> {
        self.folds.as_ref().and_then(duplicates)
    }

    /// The folds of an experiment as the text of a file; none without data.
    ///
    /// # Errors
    /// The rows have no ids of their own.
    pub fn splits_json(&self) -> Result<Option<String>, RunError> {
        match (&self.plan, &self.splits, &self.data) {
            (Some(_), Some(splits), Some(data)) => {
                split::to_json(splits, data.ids()).map(Some).map_err(|error| RunError::Split(error.to_string()))
            }
            _ => Ok(None),
        }
    }
}

/// Opens the data, draws the folds, reads weights, looks for the program of a command, and reads what the search follows of
/// recorded runs: of the run the script lies in, or of one below `results`. Nothing is written but the cache of decoded
/// pictures, and nothing is run.
///
/// # Errors
/// There is no such program, the data or weights cannot be used, or the data not split as asked, or the model does not fit
/// them; or the search cannot start warm from the run it names.
pub fn prepare(evaluated: &Evaluated, results: &Path, cache: &Path) -> Result<Prepared, RunError> {
    prepare_on(evaluated, results, &mut |spec| data::open(spec, cache))
}

/// Prepares several that have the same data; those are opened once.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_all(evaluated: &[&Evaluated], results: &Path, cache: &Path) -> Result<Vec<Prepared>, RunError> {
    let mut opened: Option<(DataSpec, Dataset)> = None;
    let mut open = |spec: &DataSpec| match &opened {
        Some((of, data)) if of == spec => Ok(data.clone()),
        _ => {
            let data = data::open(spec, cache)?;
            opened = Some((spec.clone(), data.clone()));
            Ok(data)
        }
    };
    evaluated.iter().map(|evaluated| prepare_on(evaluated, results, &mut open)).collect()
}

fn prepare_on(
    evaluated: &Evaluated,
    results: &Path,
    open: &mut dyn FnMut(&DataSpec) -> Result<Dataset, DataError>,
) -> Result<Prepared, RunError> {
    let outcome = &evaluated.outcome;
    let inputs = Inputs::read(outcome)?;
    let (spec, folds, threshold) = match outcome {
        Outcome::Experiment(experiment) => (experiment.data(), experiment.folds(), experiment.threshold()),
        Outcome::Fit(fit) => {
            let folds = match fit.split() {
                Some(SplitSpec::Position { folds, .. }) => Some(folds),
                Some(SplitSpec::Rows { .. }) | None => None,
            };
            (fit.data(), folds, fit.threshold())
        }
    };
    let weights = weights::weights(outcome)?;
    let data = spec.map(open).transpose()?;
    if let Some(data) = &data {
        weights::check_shapes(outcome, data)?;
    }
    if let Some(data) = &data
        && threshold == ThresholdRule::Youden
        && data.classes().len() != 2
    {
        return Err(RunError::Config(format!(
            "youden() finds a threshold between two classes, but the data have {}; leave `threshold` out",
            data.classes().len()
        )));
    }
    let splits = match (&data, folds) {
        (Some(data), Some(folds)) => Some(draw(data, folds)?),
        _ => None,
    };
    let folds = match (outcome, &data, &splits) {
        (Outcome::Experiment(experiment), Some(data), Some(splits)) => {
            if ModelPart::of_experiment(experiment).is_some() {
                refuse_one_class(data, splits)?;
            }
            Some(fold_counts(data, splits))
        }
        _ => None,
    };
    if let (Outcome::Experiment(experiment), Some(splits)) = (outcome, &splits)
        && let Some(race) = experiment.search().and_then(|search| search.race)
    {
        for fold in splits.outer() {
            race.over(fold.inner().len()).map_err(|error| RunError::Config(error.to_string()))?;
        }
    }
    let plan = match outcome {
        Outcome::Experiment(experiment) => Some(Plan::new(experiment, splits.as_ref())),
        Outcome::Fit(_) => None,
    };
    let warm_start = match &plan {
        Some(plan) => WarmStart::of(evaluated, results, plan, data.as_ref(), splits.as_ref())?,
        None => None,
    };
    let outcome = weights::pinned(outcome, &weights);
    let endings = endings(evaluated)?;
    Ok(Prepared { outcome, weights, data, splits, folds, plan, inputs, warm_start, endings, finalizes: None })
}

/// How studies ended in the run that the script lies in, if this is its experiment and a clock may end them.
fn endings(evaluated: &Evaluated) -> Result<BTreeMap<String, Ending>, RunError> {
    let (Outcome::Experiment(experiment), Some(run)) = (&evaluated.outcome, &evaluated.run) else {
        return Ok(BTreeMap::new());
    };
    if experiment.wall_time().is_none() {
        return Ok(BTreeMap::new());
    }
    let run = RunEntry::read(run)?;
    match script::evaluate(&run.config_path(), &[]).map(|recorded| recorded.outcome) {
        Ok(Outcome::Experiment(recorded)) if recorded.is_same_but_for_data(experiment) => Ok(run.endings()?),
        _ => Ok(BTreeMap::new()),
    }
}

fn draw(data: &Dataset, folds: &Folds) -> Result<NestedSplits, RunError> {
    match folds {
        Folds::Drawn(splitter) => {
            let classes = data.task().n_classes().map(|_| data.targets());
            let labels = RowLabels::new(data.n(), classes, data.groups())?;
            let labels = match data.official_test() {
                Some(is_test) => labels.with_official_test(is_test)?,
                None => labels,
            };
            splitter.splits(&labels).map_err(|error| RunError::Split(with_class_names(&error, data.classes())))
        }
        Folds::File { path, take } => {
            let text =
                std::fs::read_to_string(path).map_err(|source| RunError::ReadSplits { path: path.clone(), source })?;
            let splits = split::from_json(&text, data.ids())
                .map_err(|source| RunError::SplitFile { path: path.clone(), source })?;
            match take {
                Some(take) => Ok(splits.take(*take)?),
                None => Ok(splits),
            }
        }
    }
}

/// The error speaks of classes by position; here their names are known.
fn with_class_names(error: &SplitError, classes: &[String]) -> String {
    let message = error.to_string();
    match error.class() {
        Some(class) => message.replace(&format!("class {class} "), &format!("class `{}` ", classes[class])),
        None => message,
    }
}
