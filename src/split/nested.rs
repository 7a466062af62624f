//! Two levels of splitting, and the types that keep test rows away from whatever chooses.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Level, RowLabels, SplitError, Splitter};

/// What code that chooses is given: rows to train on and rows to choose by. It is part of a worker's job.
///
/// Splitters give both lists ascending and without a common row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainValidation {
    /// Positions of the rows that weights, and statistics of the data, are computed from.
    pub train: Vec<usize>,
    /// Positions of the rows that epochs, thresholds and trials are compared on; none for a refit.
    pub validation: Vec<usize>,
}

impl TrainValidation {
    /// A hash of both lists in hexadecimal, by which a recorded split is checked.
    #[must_use]
    pub fn split_hash(&self) -> String {
        hash_lists(&[&self.train, &self.validation])
    }

    /// A hash of both lists and the test rows in hexadecimal, by which the split of a final fit is checked.
    #[must_use]
    pub fn split_hash_with_test(&self, test: &TestRows) -> String {
        hash_lists(&[&self.train, &self.validation, &test.0])
    }
}

/// BLAKE3 over the number of lists and, for each, its length and its numbers, all as 64-bit little-endian.
fn hash_lists(lists: &[&[usize]]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("xrun split hash 1");
    let mut put = |number: usize| {
        hasher.update(&(number as u64).to_le_bytes());
    };
    put(lists.len());
    for list in lists {
        put(list.len());
        list.iter().copied().for_each(&mut put);
    }
    hasher.finalize().to_hex().to_string()
}

/// The rows an outer fold is tested on.
///
/// They are a type of their own so that test rows cannot slip into what chooses: search, early stopping, thresholds
/// and statistics of the data take a [`TrainValidation`], and none can be made of this. The field is private, nothing
/// converts from or to it, it cannot become part of a job by accident (no `Clone`, no serde), and the one place to get
/// it is [`OuterFold::test_rows`], for the outer evaluation.
#[derive(Debug, PartialEq, Eq)]
pub struct TestRows(Vec<usize>);

impl TestRows {
    /// Ascending positions of the rows, for predicting them with a model on which nothing will be chosen any more.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.0
    }
}

/// One outer fold: test rows, and the other rows split into inner folds.
#[derive(Debug, PartialEq, Eq)]
pub struct OuterFold {
    inner: Vec<TrainValidation>,
    test: TestRows,
}

impl OuterFold {
    /// A fold of ascending `test` rows and the `inner` folds of other rows; whoever calls has checked them.
    pub(super) fn new(test: Vec<usize>, inner: Vec<TrainValidation>) -> Self {
        Self { inner, test: TestRows(test) }
    }

    /// A fold of one inner split given row by row, as a fit's config may do.
    ///
    /// # Errors
    /// A row is listed twice, or there is nothing to train on.
    pub fn listed(rows: TrainValidation, mut test: Vec<usize>) -> Result<Self, SplitError> {
        let mut seen = BTreeSet::new();
        if let Some(&row) = rows.train.iter().chain(&rows.validation).chain(&test).find(|&&row| !seen.insert(row)) {
            return Err(SplitError::RowListedTwice { row });
        }
        if rows.train.is_empty() {
            return Err(SplitError::NothingToTrainOn);
        }
        test.sort_unstable();
        Ok(Self::new(test, vec![rows]))
    }

    /// The inner folds, in order.
    #[must_use]
    pub fn inner(&self) -> &[TrainValidation] {
        &self.inner
    }

    /// All rows that inner folds train or validate on as training rows, ascending, with none to validate on: the split
    /// of a refit after everything has been chosen.
    #[must_use]
    pub fn refit(&self) -> TrainValidation {
        let rows: BTreeSet<usize> =
            self.inner.iter().flat_map(|fold| fold.train.iter().chain(&fold.validation)).copied().collect();
        TrainValidation { train: rows.into_iter().collect(), validation: Vec::new() }
    }

    /// The test rows. Only the outer evaluation may ask, once everything has been chosen.
    #[must_use]
    pub fn test_rows(&self) -> &TestRows {
        &self.test
    }
}

/// The folds of a whole experiment, outer folds in order.
#[derive(Debug, PartialEq, Eq)]
pub struct NestedSplits {
    n_rows: usize,
    outer: Vec<OuterFold>,
}

impl NestedSplits {
    /// Folds over `n_rows` rows; whoever calls has checked them.
    pub(super) fn new(n_rows: usize, outer: Vec<OuterFold>) -> Self {
        Self { n_rows, outer }
    }

    /// Number of rows of the data set.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The outer folds.
    #[must_use]
    pub fn outer(&self) -> &[OuterFold] {
        &self.outer
    }

    /// The first folds of these.
    ///
    /// # Errors
    /// More are asked for than there are.
    pub fn take(mut self, take: Take) -> Result<Self, SplitError> {
        let n_inner = self.outer.iter().map(|fold| fold.inner.len()).min().unwrap_or(0);
        check_take(Level::Outer, take.outer, self.outer.len())?;
        check_take(Level::Inner, take.inner, n_inner)?;
        self.outer.truncate(take.outer);
        for fold in &mut self.outer {
            fold.inner.truncate(take.inner);
        }
        Ok(self)
    }
}

/// How many of the outer folds, and of the inner folds of each, are used: the first ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Take {
    /// Number of outer folds.
    pub outer: usize,
    /// Number of inner folds of each outer fold.
    pub inner: usize,
}

/// A splitter for test rows, and one for validation rows among the others. A plain hold-out is both as
/// [`Splitter::HoldOut`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NestedSplitter {
    /// None when no row is held out for a test.
    outer: Option<Splitter>,
    inner: Splitter,
    take: Option<Take>,
}

impl NestedSplitter {
    /// Splits by `outer`, then the rows outside each test fold by `inner`, and keeps what `take` says, or all.
    ///
    /// # Errors
    /// A `take` of no fold, or of more than there are.
    pub fn new(outer: Splitter, inner: Splitter, take: Option<Take>) -> Result<Self, SplitError> {
        if let Some(take) = take {
            check_take(Level::Outer, take.outer, outer.n_folds())?;
            check_take(Level::Inner, take.inner, inner.n_folds())?;
        }
        Ok(Self { outer: Some(outer), inner, take })
    }

    /// One fold without test rows, whose inner folds split all rows; the first `take` of them, or all.
    ///
    /// # Errors
    /// A `take` of no fold, or of more than there are.
    pub fn of_all_rows(inner: Splitter, take: Option<usize>) -> Result<Self, SplitError> {
        let n_inner = take.unwrap_or_else(|| inner.n_folds());
        check_take(Level::Inner, n_inner, inner.n_folds())?;
        Ok(Self { outer: None, inner, take: Some(Take { outer: 1, inner: n_inner }) })
    }

    /// The splitter for test rows, if any are held out.
    #[must_use]
    pub fn outer(&self) -> Option<&Splitter> {
        self.outer.as_ref()
    }

    /// The splitter for validation rows.
    #[must_use]
    pub fn inner(&self) -> &Splitter {
        &self.inner
    }

    /// What is kept, if not all.
    #[must_use]
    pub fn take(&self) -> Option<Take> {
        self.take
    }

    /// Number of outer folds and of inner folds in each that [`NestedSplitter::splits`] gives.
    #[must_use]
    pub fn n_folds(&self) -> (usize, usize) {
        let n_outer = self.outer.as_ref().map_or(1, Splitter::n_folds);
        self.take.map_or((n_outer, self.inner.n_folds()), |take| (take.outer, take.inner))
    }

    /// The folds of all rows. In each, test, training and validation rows are all rows, each once and ascending.
    /// Folds left out by `take` change none of the others.
    ///
    /// # Errors
    /// Those of [`Splitter::folds`]; from the inner level as [`SplitError::Inner`] with the outer fold.
    pub fn splits(&self, labels: &RowLabels<'_>) -> Result<NestedSplits, SplitError> {
        let (n_outer, n_inner) = self.n_folds();
        let all: Vec<usize> = (0..labels.n_rows()).collect();
        let tests = match &self.outer {
            Some(outer) => outer.folds(labels, &all, None)?,
            None => vec![Vec::new()],
        };
        let outer = tests.into_iter().take(n_outer).enumerate().map(|(outer, test)| {
            let others = without(&all, &test);
            let validations = self
                .inner
                .folds(labels, &others, Some(outer))
                .map_err(|source| SplitError::Inner { outer, source: Box::new(source) })?;
            let inner = validations
                .into_iter()
                .take(n_inner)
                .map(|validation| TrainValidation { train: without(&others, &validation), validation })
                .collect();
            Ok(OuterFold::new(test, inner))
        });
        Ok(NestedSplits::new(labels.n_rows(), outer.collect::<Result<_, _>>()?))
    }
}

fn check_take(level: Level, wanted: usize, available: usize) -> Result<(), SplitError> {
    match wanted {
        0 => Err(SplitError::TakeNone { level }),
        _ if wanted > available => Err(SplitError::TakeTooMany { level, wanted, available }),
        _ => Ok(()),
    }
}

/// The rows of `all` that are not in `excluded`, both ascending.
fn without(all: &[usize], excluded: &[usize]) -> Vec<usize> {
    all.iter().copied().filter(|row| excluded.binary_search(row).is_err()).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn splits(outer: Splitter, inner: Splitter, take: Option<Take>, n_rows: usize) -> NestedSplits {
        let labels = RowLabels::new(n_rows, None, None).unwrap();
        NestedSplitter::new(outer, inner, take).unwrap().splits(&labels).unwrap()
    }

    #[test]
    fn take_keeps_the_first_folds_unchanged() {
        let (outer, inner) = (Splitter::k_fold(5, 1729).unwrap(), Splitter::k_fold(4, 4711).unwrap());
        let all = splits(outer, inner, None, 40);
        let some = splits(outer, inner, Some(Take { outer: 2, inner: 3 }), 40);
        assert_eq!((all.outer().len(), all.outer()[0].inner().len()), (5, 4));
        assert_eq!((some.outer().len(), some.outer()[0].inner().len()), (2, 3));
        for (few, many) in some.outer().iter().zip(all.outer()) {
            assert_eq!(few.test_rows(), many.test_rows());
            assert_eq!(few.inner(), &many.inner()[..3]);
        }
    }

    #[test]
    fn take_of_more_folds_than_there_are_is_refused() {
        let (outer, inner) = (Splitter::k_fold(5, 1).unwrap(), Splitter::hold_out(0.5, 1, false).unwrap());
        let refused = |take| NestedSplitter::new(outer, inner, Some(take)).unwrap_err().to_string();
        assert_eq!(
            refused(Take { outer: 6, inner: 1 }),
            "take asks for 6 outer folds, but there are 5; lower the number, or split into more"
        );
        assert_eq!(
            refused(Take { outer: 5, inner: 0 }),
            "take asks for 0 inner folds, but at least 1 is needed; raise the number, or leave take out for all folds"
        );
    }

    #[test]
    fn hold_out_within_hold_out_is_one_plain_split() {
        let outer = Splitter::hold_out(0.2, 1, false).unwrap();
        let nested = splits(outer, Splitter::hold_out(0.25, 2, false).unwrap(), None, 20);
        let [fold] = nested.outer() else { panic!("one outer fold") };
        let [inner] = fold.inner() else { panic!("one inner fold") };
        assert_eq!((fold.test_rows().rows().len(), inner.validation.len(), inner.train.len()), (4, 4, 12));
    }

    #[test]
    fn without_test_rows_the_inner_folds_are_those_of_all_rows() {
        let inner = Splitter::k_fold(4, 2).unwrap();
        let labels = RowLabels::new(12, None, None).unwrap();
        let nested = NestedSplitter::of_all_rows(inner, Some(3)).unwrap().splits(&labels).unwrap();
        let [fold] = nested.outer() else { panic!("one outer fold") };
        assert_eq!((fold.test_rows().rows().len(), fold.inner().len()), (0, 3));
        for rows in fold.inner() {
            assert_eq!((rows.train.len(), rows.validation.len()), (9, 3));
        }
        assert_eq!(fold.refit().train, (0..12).collect::<Vec<_>>());
        let error = NestedSplitter::of_all_rows(inner, Some(5)).unwrap_err().to_string();
        assert_eq!(error, "take asks for 5 inner folds, but there are 4; lower the number, or split into more");
    }

    #[test]
    fn a_refit_trains_on_all_but_the_test_rows() {
        let hold_out = Splitter::hold_out(0.5, 1, false).unwrap();
        let nested = splits(Splitter::k_fold(3, 1).unwrap(), hold_out, None, 9);
        for fold in nested.outer() {
            let refit = fold.refit();
            assert!(refit.validation.is_empty());
            assert_eq!(refit.train, without(&(0..9).collect::<Vec<_>>(), fold.test_rows().rows()));
        }
    }

    #[test]
    fn an_inner_failure_names_the_outer_fold() {
        let classes = [0, 0, 0, 0, 0, 0, 1, 1, 1];
        let labels = RowLabels::new(9, Some(&classes), None).unwrap();
        let three = Splitter::stratified_k_fold(3, 1).unwrap();
        let error = NestedSplitter::new(three, three, None).unwrap().splits(&labels).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the rows outside the test rows of outer fold 0 cannot be split: class 1 has 2 rows, but 3 stratified \
             folds need one in each; ask for fewer folds, or for a split that is not stratified"
        );
    }

    #[test]
    fn a_split_hash_depends_on_which_list_a_row_stands_in() {
        let split = |train: &[usize], validation: &[usize]| TrainValidation {
            train: train.to_vec(),
            validation: validation.to_vec(),
        };
        let hash = split(&[0, 1], &[2]).split_hash();
        // Both by the Python package `blake3`, from the bytes that `hash_lists` describes.
        assert_eq!(hash, "4dde4f055b4f45a8803043293f096dbd94a829c9ea876cbd6662162f501cfa49");
        assert_eq!(
            split(&[0, 1], &[2]).split_hash_with_test(&TestRows(vec![3])),
            "b0d75307157f51f36baea9d046812f48542eb6d59d1b54e79eeb386706e1ca7f"
        );
        assert_ne!(hash, split(&[0], &[1, 2]).split_hash());
        assert_ne!(hash, split(&[0, 1], &[2]).split_hash_with_test(&TestRows(Vec::new())));
        assert_ne!(
            split(&[0, 1], &[2]).split_hash_with_test(&TestRows(vec![3])),
            split(&[0, 1], &[2]).split_hash_with_test(&TestRows(vec![4]))
        );
    }

    #[test]
    fn a_job_with_test_rows_in_its_split_is_not_read() {
        let text = serde_json::to_string(&TrainValidation { train: vec![0, 2], validation: vec![1] }).unwrap();
        assert_eq!(text, r#"{"train":[0,2],"validation":[1]}"#);
        assert!(serde_json::from_str::<TrainValidation>(&text).is_ok());
        let leaking = r#"{"train":[0,2],"validation":[1],"test":[3]}"#;
        assert!(serde_json::from_str::<TrainValidation>(leaking).is_err());
    }
}
