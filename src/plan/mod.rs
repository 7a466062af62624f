//! What a run will do, before anything is done: its studies, its fits, and the rows each fit gets, and the
//! [key](fit_key) by which a fit is known again.

mod key;

pub use key::fit_key;

use crate::spec::experiment::{Folds, Per};
use crate::spec::fit::RowsFrom;
use crate::spec::{Experiment, FitConfig};
use crate::split::{NestedSplits, TestRows, TrainValidation};
use crate::wording::count;

/// The position of a study in a nested cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StudyId {
    /// The only study of an experiment without folds.
    Only,
    /// One study per outer fold.
    Outer(usize),
    /// One study per inner fold.
    Inner(usize, usize),
}

impl StudyId {
    /// Its path in the seed tree.
    #[must_use]
    pub fn labels(self) -> Vec<String> {
        match self {
            Self::Only => vec!["study".to_owned()],
            Self::Outer(outer) => vec![format!("outer {outer}")],
            Self::Inner(outer, inner) => vec![format!("outer {outer}"), format!("inner {inner}")],
        }
    }

    /// Its outer fold.
    #[must_use]
    pub fn outer(self) -> Option<usize> {
        match self {
            Self::Only => None,
            Self::Outer(outer) | Self::Inner(outer, _) => Some(outer),
        }
    }

    /// Its inner fold, if it is about one.
    #[must_use]
    pub fn inner(self) -> Option<usize> {
        match self {
            Self::Only | Self::Outer(_) => None,
            Self::Inner(_, inner) => Some(inner),
        }
    }
}

/// As in `outer 0, inner 1`.
impl std::fmt::Display for StudyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.labels().join(", "))
    }
}

/// The studies of a run and the size of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    studies: Vec<StudyId>,
    n_trials: usize,
    /// Inner folds of each outer fold; empty without folds.
    n_inner: Vec<usize>,
    per: Per,
    lag: usize,
    /// Whether the inner folds of a trial are trained one after the other.
    one_by_one: bool,
}

impl Plan {
    /// The plan of an experiment over its folds.
    #[must_use]
    pub fn new(experiment: &Experiment, splits: Option<&NestedSplits>) -> Self {
        let search = experiment.search();
        let per = search.map_or(Per::Inner, |search| search.per);
        let n_inner: Vec<usize> =
            splits.map_or_else(Vec::new, |splits| splits.outer().iter().map(|fold| fold.inner().len()).collect());
        let studies = match (splits, per) {
            (None, _) => vec![StudyId::Only],
            (Some(_), Per::Outer) => (0..n_inner.len()).map(StudyId::Outer).collect(),
            (Some(_), Per::Inner) => n_inner
                .iter()
                .enumerate()
                .flat_map(|(outer, &n)| (0..n).map(move |inner| StudyId::Inner(outer, inner)))
                .collect(),
        };
        Self {
            studies,
            n_trials: search.map_or(0, |search| search.n_trials),
            n_inner,
            per,
            lag: search.map_or(1, |search| search.lag()),
            one_by_one: search.is_some_and(|search| search.race.is_some()),
        }
    }

    /// The studies, in the order in which they are reported.
    #[must_use]
    pub fn studies(&self) -> &[StudyId] {
        &self.studies
    }

    /// Trials of each study.
    #[must_use]
    pub fn n_trials(&self) -> usize {
        self.n_trials
    }

    /// Fits of one trial of a study.
    #[must_use]
    pub fn n_fits_per_trial(&self, study: StudyId) -> usize {
        match study {
            StudyId::Outer(outer) => self.n_inner[outer],
            StudyId::Only | StudyId::Inner(..) => 1,
        }
    }

    /// Fits of the whole run, at most; a study without folds has no final fit, for it has nothing to be tested on.
    #[must_use]
    pub fn n_fits(&self) -> usize {
        self.studies
            .iter()
            .map(|&study| self.n_trials * self.n_fits_per_trial(study) + usize::from(study != StudyId::Only))
            .sum()
    }

    /// How many fits can be trained at once: those of independent studies, of the trials of one that do not wait for each
    /// other, and of the inner folds of a trial unless they race.
    #[must_use]
    pub fn n_parallel(&self) -> usize {
        let n_trials = self.lag.min(self.n_trials).max(1);
        let n_folds = |study| if self.one_by_one { 1 } else { self.n_fits_per_trial(study) };
        self.studies.iter().map(|&study| n_trials * n_folds(study)).sum()
    }

    /// How the number of fits comes about, as in `2 x 2 x (3 + 1) = 16 fits`.
    #[must_use]
    pub fn arithmetic(&self) -> String {
        let n_fits = self.n_fits();
        let (n_outer, n_trials) = (self.n_inner.len(), self.n_trials);
        let fits = count(n_fits, "fit");
        let Some(&n_inner) = self.n_inner.first() else { return format!("{} = {fits}", count(n_fits, "trial")) };
        if self.n_inner.iter().any(|&n| n != n_inner) {
            return format!("{} = {fits}", count(self.studies.len(), "study"));
        }
        match self.per {
            Per::Inner => format!("{n_outer} x {n_inner} x ({n_trials} + 1) = {fits}"),
            Per::Outer => format!("{n_outer} x ({n_trials} x {n_inner} + 1) = {fits}"),
        }
    }
}

/// The work of a trial's fit. It has no room for test rows: what chooses cannot see them.
///
/// ```compile_fail
/// # use xrun::plan::{FinalJob, TrialJob};
/// fn leak(last: FinalJob<'_>) -> TrialJob {
///     TrialJob { config: last.config, rows: last.rows, test: last.test }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct TrialJob {
    /// What is trained.
    pub config: FitConfig,
    /// Rows to train on and to choose on.
    pub rows: TrainValidation,
}

/// The work of a final fit: the one place where test rows meet a model.
#[derive(Clone, Debug)]
pub struct FinalJob<'a> {
    /// What is trained.
    pub config: FitConfig,
    /// Rows to train on and to choose on.
    pub rows: TrainValidation,
    /// Rows the trained model is tested on, once.
    pub test: &'a TestRows,
}

/// How a trial's fit config says which rows it gets: a position in drawn folds, or the rows of folds from a file.
#[must_use]
pub fn trial_rows(folds: &Folds, outer: usize, inner: usize, rows: &TrainValidation) -> RowsFrom {
    let digest = rows.split_hash();
    match folds {
        Folds::Drawn(_) => RowsFrom::Position { outer, inner: Some(inner), digest },
        Folds::File { .. } => {
            RowsFrom::Rows { train: rows.train.clone(), validation: rows.validation.clone(), test: Vec::new(), digest }
        }
    }
}

/// As [`trial_rows`], for a final.
#[must_use]
pub fn final_rows(
    folds: &Folds,
    outer: usize,
    inner: Option<usize>,
    rows: &TrainValidation,
    test: &TestRows,
) -> RowsFrom {
    let digest = rows.split_hash_with_test(test);
    match folds {
        Folds::Drawn(_) => RowsFrom::Position { outer, inner, digest },
        Folds::File { .. } => RowsFrom::Rows {
            train: rows.train.clone(),
            validation: rows.validation.clone(),
            test: test.rows().to_vec(),
            digest,
        },
    }
}
