//! One level of splitting: rows in, held-out rows of each fold out.

use std::num::NonZeroUsize;

use super::deal::{largest_group_first, piles, proportional, round_robin};
use super::{FoldCount, Fraction, RowLabels, SplitError};
use crate::seed::{Seed, Stream};

/// A way of holding out rows, with the seed a user chose. Equal splitters give equal folds of equal rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Splitter {
    /// Every row is held out once; fold sizes differ by at most one.
    KFold {
        /// Number of folds.
        n_splits: FoldCount,
        /// Seed of the shuffle.
        seed: u64,
    },
    /// Every row is held out once; fold sizes differ by at most one, and so does the number of rows of every class.
    StratifiedKFold {
        /// Number of folds.
        n_splits: FoldCount,
        /// Seed of the shuffle.
        seed: u64,
    },
    /// Every row is held out once, rows of one group in one fold; folds are about equally large.
    GroupKFold {
        /// Number of folds.
        n_splits: FoldCount,
        /// Seed of the order among groups of one size.
        seed: u64,
    },
    /// [`Splitter::KFold`] several times over, each time shuffled anew: `n_splits * n_repeats` folds.
    RepeatedKFold {
        /// Number of folds of each repeat.
        n_splits: FoldCount,
        /// Number of repeats.
        n_repeats: NonZeroUsize,
        /// Seed of the shuffles.
        seed: u64,
    },
    /// [`Splitter::StratifiedKFold`] several times over, each time shuffled anew: `n_splits * n_repeats` folds.
    RepeatedStratifiedKFold {
        /// Number of folds of each repeat.
        n_splits: FoldCount,
        /// Number of repeats.
        n_repeats: NonZeroUsize,
        /// Seed of the shuffles.
        seed: u64,
    },
    /// One fold: a part of the rows, rounded to the nearest number of rows, is held out.
    HoldOut {
        /// The part that is held out.
        fraction: Fraction,
        /// Seed of the shuffle.
        seed: u64,
        /// Whether every class is held out by the same part, up to one row.
        stratified: bool,
    },
    /// One fold: the test rows that the data set comes with are held out.
    Official,
}

impl Splitter {
    /// [`Splitter::KFold`].
    ///
    /// # Errors
    /// Fewer than 2 folds.
    pub fn k_fold(n_splits: usize, seed: u64) -> Result<Self, SplitError> {
        Ok(Self::KFold { n_splits: FoldCount::new(n_splits)?, seed })
    }

    /// [`Splitter::StratifiedKFold`].
    ///
    /// # Errors
    /// Fewer than 2 folds.
    pub fn stratified_k_fold(n_splits: usize, seed: u64) -> Result<Self, SplitError> {
        Ok(Self::StratifiedKFold { n_splits: FoldCount::new(n_splits)?, seed })
    }

    /// [`Splitter::GroupKFold`].
    ///
    /// # Errors
    /// Fewer than 2 folds.
    pub fn group_k_fold(n_splits: usize, seed: u64) -> Result<Self, SplitError> {
        Ok(Self::GroupKFold { n_splits: FoldCount::new(n_splits)?, seed })
    }

    /// [`Splitter::RepeatedKFold`].
    ///
    /// # Errors
    /// Fewer than 2 folds, or no repeat.
    pub fn repeated_k_fold(n_splits: usize, n_repeats: usize, seed: u64) -> Result<Self, SplitError> {
        let n_repeats = NonZeroUsize::new(n_repeats).ok_or(SplitError::NoRepeats)?;
        Ok(Self::RepeatedKFold { n_splits: FoldCount::new(n_splits)?, n_repeats, seed })
    }

    /// [`Splitter::RepeatedStratifiedKFold`].
    ///
    /// # Errors
    /// Fewer than 2 folds, or no repeat.
    pub fn repeated_stratified_k_fold(n_splits: usize, n_repeats: usize, seed: u64) -> Result<Self, SplitError> {
        let n_repeats = NonZeroUsize::new(n_repeats).ok_or(SplitError::NoRepeats)?;
        Ok(Self::RepeatedStratifiedKFold { n_splits: FoldCount::new(n_splits)?, n_repeats, seed })
    }

    /// [`Splitter::HoldOut`].
    ///
    /// # Errors
    /// A fraction not strictly between 0 and 1.
    pub fn hold_out(fraction: f64, seed: u64, stratified: bool) -> Result<Self, SplitError> {
        Ok(Self::HoldOut { fraction: Fraction::new(fraction)?, seed, stratified })
    }

    /// Number of folds it gives.
    #[must_use]
    pub fn n_folds(&self) -> usize {
        match self {
            Self::KFold { n_splits, .. }
            | Self::StratifiedKFold { n_splits, .. }
            | Self::GroupKFold { n_splits, .. } => n_splits.get(),
            Self::RepeatedKFold { n_splits, n_repeats, .. }
            | Self::RepeatedStratifiedKFold { n_splits, n_repeats, .. } => n_splits.get() * n_repeats.get(),
            Self::HoldOut { .. } | Self::Official => 1,
        }
    }

    /// The held-out rows of each fold of `subset`: positions among all rows, ascending, never none and never all.
    ///
    /// `subset` are ascending positions below the number of rows. `outer` is the outer fold whose other rows they are,
    /// and changes the shuffle, so that inner folds of different outer folds are drawn independently.
    ///
    /// # Errors
    /// A subset that is not ascending; fewer rows, groups, or rows of some class than folds; a hold-out that leaves
    /// nothing on one side; classes, groups or official test rows that are needed and absent.
    pub fn folds(
        &self,
        labels: &RowLabels<'_>,
        subset: &[usize],
        outer: Option<usize>,
    ) -> Result<Vec<Vec<usize>>, SplitError> {
        check_subset(subset, labels.n_rows)?;
        let stream_of = |seed: u64| {
            let root = Seed::root(seed).child("split");
            outer.map_or(root, |outer| root.child_at("outer", outer))
        };
        let mut folds = match *self {
            Self::KFold { n_splits, seed } => k_fold(subset, n_splits, &mut stream_of(seed).stream())?,
            Self::StratifiedKFold { n_splits, seed } => {
                stratified(labels, subset, n_splits, &mut stream_of(seed).stream())?
            }
            Self::GroupKFold { n_splits, seed } => grouped(labels, subset, n_splits, &mut stream_of(seed).stream())?,
            Self::RepeatedKFold { n_splits, n_repeats, seed } => {
                repeated(n_repeats, stream_of(seed), |stream| k_fold(subset, n_splits, stream))?
            }
            Self::RepeatedStratifiedKFold { n_splits, n_repeats, seed } => {
                repeated(n_repeats, stream_of(seed), |stream| stratified(labels, subset, n_splits, stream))?
            }
            Self::HoldOut { fraction, seed, stratified } => {
                vec![hold_out(labels, subset, fraction, stratified, &mut stream_of(seed).stream())?]
            }
            Self::Official => vec![official(labels, subset)?],
        };
        folds.iter_mut().for_each(|fold| fold.sort_unstable());
        Ok(folds)
    }
}

fn check_subset(subset: &[usize], n_rows: usize) -> Result<(), SplitError> {
    let ascends = |position: usize| position == 0 || subset[position - 1] < subset[position];
    match (0..subset.len()).find(|&position| !ascends(position) || subset[position] >= n_rows) {
        Some(position) => Err(SplitError::Subset { position, row: subset[position], n_rows }),
        None => Ok(()),
    }
}

fn k_fold(subset: &[usize], n_splits: FoldCount, stream: &mut Stream) -> Result<Vec<Vec<usize>>, SplitError> {
    let (n_splits, n_rows) = (n_splits.get(), subset.len());
    if n_rows < n_splits {
        return Err(SplitError::TooFewRows { n_splits, n_rows });
    }
    Ok(round_robin(vec![subset.to_vec()], n_splits, stream))
}

fn stratified(
    labels: &RowLabels<'_>,
    subset: &[usize],
    n_splits: FoldCount,
    stream: &mut Stream,
) -> Result<Vec<Vec<usize>>, SplitError> {
    let (n_splits, n_rows) = (n_splits.get(), subset.len());
    let by_class = piles(subset, labels.classes.ok_or(SplitError::NoClasses)?);
    if n_rows < n_splits {
        return Err(SplitError::TooFewRows { n_splits, n_rows });
    }
    if let Some((&class, rows)) = by_class.iter().find(|(_, rows)| rows.len() < n_splits) {
        return Err(SplitError::TooFewOfClass { class, n_rows: rows.len(), n_splits });
    }
    Ok(round_robin(by_class.into_values().collect(), n_splits, stream))
}

fn grouped(
    labels: &RowLabels<'_>,
    subset: &[usize],
    n_splits: FoldCount,
    stream: &mut Stream,
) -> Result<Vec<Vec<usize>>, SplitError> {
    let n_splits = n_splits.get();
    let by_group = piles(subset, labels.groups.ok_or(SplitError::NoGroups)?);
    if by_group.len() < n_splits {
        return Err(SplitError::TooFewGroups { n_splits, n_groups: by_group.len() });
    }
    Ok(largest_group_first(by_group.into_values().collect(), n_splits, stream))
}

fn repeated(
    n_repeats: NonZeroUsize,
    seed: Seed,
    folds: impl Fn(&mut Stream) -> Result<Vec<Vec<usize>>, SplitError>,
) -> Result<Vec<Vec<usize>>, SplitError> {
    let mut all = Vec::new();
    for repeat in 0..n_repeats.get() {
        all.extend(folds(&mut seed.child_at("repeat", repeat).stream())?);
    }
    Ok(all)
}

fn official(labels: &RowLabels<'_>, subset: &[usize]) -> Result<Vec<usize>, SplitError> {
    let is_test = labels.official_test.ok_or(SplitError::NoOfficialTest)?;
    let test: Vec<usize> = subset.iter().copied().filter(|&row| is_test[row]).collect();
    match test.len() {
        0 => Err(SplitError::OfficialTestGone),
        n if n == subset.len() => Err(SplitError::OfficialTestAlone),
        _ => Ok(test),
    }
}

fn hold_out(
    labels: &RowLabels<'_>,
    subset: &[usize],
    fraction: Fraction,
    stratified: bool,
    stream: &mut Stream,
) -> Result<Vec<usize>, SplitError> {
    let piles = if stratified {
        piles(subset, labels.classes.ok_or(SplitError::NoClasses)?).into_values().collect()
    } else {
        vec![subset.to_vec()]
    };
    let (n_rows, fraction) = (subset.len(), fraction.get());
    let n_held_out = libm::round(fraction * n_rows as f64) as usize;
    if n_held_out == 0 || n_held_out >= n_rows {
        return Err(SplitError::EmptyPart { fraction, n_rows, n_held_out });
    }
    Ok(proportional(piles, n_held_out, stream))
}
