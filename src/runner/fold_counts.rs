//! What the folds consist of: the rows of each class or the range of their numbers, and rows that are on both sides of a split.

use std::collections::BTreeMap;

use super::RunError;
use crate::data::{self, Dataset, Target};
use crate::split::NestedSplits;
use crate::store::{FoldCounts, InnerCounts, OuterCounts, RowCounts};

/// Counts classes, or tells the range of numbers, and counts duplicates in every fold.
pub(super) fn fold_counts(data: &Dataset, splits: &NestedSplits) -> FoldCounts {
    let contents = Contents::of(data);
    let content = |rows: &[usize]| match data.target() {
        Target::Classes { names, rows: classes } => {
            let mut counts = vec![0; names.len()];
            rows.iter().for_each(|&row| counts[classes[row]] += 1);
            RowCounts::OfClasses(counts)
        }
        Target::Numbers(numbers) => {
            let of_rows: Vec<f64> = rows.iter().map(|&row| numbers[row]).collect();
            let (least, mean, largest) = match data::range(&of_rows) {
                _ if of_rows.is_empty() => (None, None, None),
                (least, mean, largest) => (Some(least), Some(mean), Some(largest)),
            };
            RowCounts::Numbers { n: rows.len(), least, mean, largest }
        }
    };
    let shared = |rows: &[usize], others: &[usize]| contents.as_ref().map(|contents| contents.shared(rows, others));
    let outer = splits.outer().iter().map(|fold| {
        let test = fold.test_rows().rows();
        let inner = fold.inner().iter().map(|rows| InnerCounts {
            train: content(&rows.train),
            validation: content(&rows.validation),
            validation_duplicates: shared(&rows.validation, &rows.train),
        });
        OuterCounts { test: content(test), test_duplicates: shared(test, &fold.refit().train), inner: inner.collect() }
    });
    FoldCounts { classes: data.classes().to_vec(), outer: outer.collect() }
}

/// What there is to say of rows that are on both sides of a split, if any are.
pub(super) fn duplicates(counts: &FoldCounts) -> Option<String> {
    let inner = || counts.outer.iter().flat_map(|fold| &fold.inner);
    let test: usize = counts.outer.iter().filter_map(|fold| fold.test_duplicates).sum();
    let validation: usize = inner().filter_map(|fold| fold.validation_duplicates).sum();
    let n_test: usize = counts.outer.iter().map(|fold| fold.test.n()).sum();
    let n_validation: usize = inner().map(|fold| fold.validation.n()).sum();
    (test + validation > 0).then(|| {
        format!(
            "rows with equal features are on both sides of a split: {test} of {n_test} test rows and {validation} of \
             {n_validation} validation rows, all folds together; their scores may be too good"
        )
    })
}

/// Refuses folds from which nothing can be learned or told: two rows or more, all of one class, although the data have
/// several. A single row to validate or test on is what leave-one-out asks for.
///
/// # Errors
/// There is such a fold; the message names it and the class.
pub(super) fn refuse_one_class(data: &Dataset, splits: &NestedSplits) -> Result<(), RunError> {
    if data.classes().len() < 2 {
        return Ok(());
    }
    let check = |kind: &str, fold: &dyn Fn() -> String, rows: &[usize], least: usize| {
        let class = |row: &usize| data.targets()[*row];
        match rows.first().map(class) {
            Some(first) if rows.len() >= least && rows.iter().all(|row| class(row) == first) => {
                Err(RunError::Split(format!(
                    "every {kind} row of {} has the class `{}`, though the data have {} classes; use a stratified splitter, \
                     or fewer folds",
                    fold(),
                    data.classes()[first],
                    data.classes().len()
                )))
            }
            _ => Ok(()),
        }
    };
    for (outer, fold) in splits.outer().iter().enumerate() {
        check("test", &|| format!("outer fold {outer}"), fold.test_rows().rows(), 2)?;
        for (inner, rows) in fold.inner().iter().enumerate() {
            let name = || format!("outer fold {outer}, inner fold {inner}");
            check("training", &name, &rows.train, 1)?;
            check("validation", &name, &rows.validation, 2)?;
        }
    }
    Ok(())
}

/// A number for what each row holds: rows of equal features have the same one.
struct Contents {
    of_row: Vec<usize>,
    n: usize,
}

impl Contents {
    fn of(data: &Dataset) -> Option<Self> {
        let mut numbers = BTreeMap::new();
        let of_row = data.feature_digests()?.into_iter().map(|digest| {
            let next = numbers.len();
            *numbers.entry(digest).or_insert(next)
        });
        let of_row = of_row.collect();
        Some(Self { of_row, n: numbers.len() })
    }

    /// How many of `rows` hold what one of `others` holds.
    fn shared(&self, rows: &[usize], others: &[usize]) -> usize {
        if self.n == self.of_row.len() {
            return 0;
        }
        let mut is_there = vec![false; self.n];
        others.iter().for_each(|&row| is_there[self.of_row[row]] = true);
        rows.iter().filter(|&&row| is_there[self.of_row[row]]).count()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::spec::data::{CsvTableSpec, DataSpec, TableTask};
    use crate::split;

    /// A table with one column `x`, and the folds of a `splits.json` over its rows.
    fn folds(rows: &[(&str, &str)], test: &[usize], inner: &[[&[usize]; 2]]) -> (Dataset, NestedSplits) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        let lines: String = rows.iter().map(|(x, class)| format!("{x},{class}\n")).collect();
        std::fs::write(&path, format!("x,class\n{lines}")).unwrap();
        let spec = CsvTableSpec {
            path,
            target: "class".to_owned(),
            drop: Vec::new(),
            categorical: Vec::new(),
            group: None,
            missing: Vec::new(),
            task: TableTask::Classification,
            n: None,
            seed: 0,
        };
        let data = data::open(&DataSpec::CsvTable(spec), folder.path()).unwrap();
        let inner: Vec<String> = inner
            .iter()
            .map(|[train, validation]| format!(r#"{{"train_indices": {train:?}, "dev_indices": {validation:?}}}"#))
            .collect();
        let text = format!(
            r#"{{"files": {:?}, "root_splits": [{{"test_indices": {test:?}, "nested_splits": [{}]}}]}}"#,
            data.ids(),
            inner.join(",")
        );
        let splits = split::from_json(&text, data.ids()).unwrap();
        (data, splits)
    }

    const ROWS: [(&str, &str); 8] =
        [("1", "a"), ("2", "b"), ("1.0", "b"), ("4", "a"), ("5", "b"), ("2", "a"), ("7", "a"), ("1", "b")];

    #[test]
    fn classes_and_rows_on_both_sides_are_counted() {
        // Rows 0, 2 and 7 are equal, and so are 1 and 5.
        let (data, splits) = folds(&ROWS, &[5, 7], &[[&[0, 1, 4], &[2, 3]], [&[2, 3, 6], &[0, 1, 4]]]);
        let counts = fold_counts(&data, &splits);
        assert_eq!(counts.classes, ["a", "b"]);
        let fold = &counts.outer[0];
        assert_eq!((&fold.test, fold.test_duplicates), (&RowCounts::OfClasses(vec![1, 1]), Some(2)));
        let of_classes = |a, b| RowCounts::OfClasses(vec![a, b]);
        let of = |inner: usize| {
            let fold = &fold.inner[inner];
            (fold.train.clone(), fold.validation.clone(), fold.validation_duplicates)
        };
        assert_eq!(of(0), (of_classes(1, 2), of_classes(1, 1), Some(1)));
        assert_eq!(of(1), (of_classes(2, 1), of_classes(1, 2), Some(1)));
        assert_eq!(
            duplicates(&counts).unwrap(),
            "rows with equal features are on both sides of a split: 2 of 2 test rows and 2 of 5 validation rows, all folds \
             together; their scores may be too good"
        );
    }

    #[test]
    fn rows_that_meet_in_no_fold_are_no_duplicates() {
        let (data, splits) = folds(&ROWS, &[3, 4], &[[&[0, 2, 7, 6], &[1, 5]]]);
        let counts = fold_counts(&data, &splits);
        assert_eq!((counts.outer[0].test_duplicates, duplicates(&counts)), (Some(0), None));
        assert_eq!(fold_counts(&data, &splits), counts);
    }

    #[test]
    fn folds_of_one_class_are_refused() {
        let refused = |test: &[usize], inner: [&[usize]; 2]| {
            let (data, splits) = folds(&ROWS, test, &[inner]);
            refuse_one_class(&data, &splits).map_err(|error| error.to_string())
        };
        let remedy = "though the data have 2 classes; use a stratified splitter, or fewer folds";
        assert_eq!(refused(&[0, 1], [&[2, 3], &[4, 6]]), Ok(()));
        assert_eq!(refused(&[0], [&[2, 3], &[6]]), Ok(()), "leave one out");
        assert_eq!(
            refused(&[0, 3], [&[2, 5], &[4, 6]]),
            Err(format!("every test row of outer fold 0 has the class `a`, {remedy}"))
        );
        assert_eq!(
            refused(&[0, 1], [&[2, 4, 7], &[3, 5]]),
            Err(format!("every training row of outer fold 0, inner fold 0 has the class `b`, {remedy}"))
        );
        assert_eq!(
            refused(&[0, 1], [&[2, 3], &[4, 7]]),
            Err(format!("every validation row of outer fold 0, inner fold 0 has the class `b`, {remedy}"))
        );
    }
}
