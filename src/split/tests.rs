//! What every splitter promises, for random rows.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Classes of 0 to 3 and groups of 0 to 11 for 24 to 80 rows, every class at least 5 times.
fn labels() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    (24_usize..80).prop_flat_map(|n| {
        let classes = proptest::collection::vec(0_usize..4, n).prop_map(|mut classes| {
            for (row, class) in (0..20).zip((0..4).cycle()) {
                classes[row] = class;
            }
            classes
        });
        (classes, proptest::collection::vec(0_usize..12, n))
    })
}

fn splitters() -> impl Strategy<Value = Splitter> {
    (2_usize..5, 1_usize..3, any::<u64>(), 0.1_f64..0.9, any::<bool>(), 0..6).prop_map(
        |(n_splits, n_repeats, seed, fraction, stratified, kind)| {
            match kind {
                0 => Splitter::k_fold(n_splits, seed),
                1 => Splitter::stratified_k_fold(n_splits, seed),
                2 => Splitter::group_k_fold(2, seed),
                3 => Splitter::repeated_k_fold(n_splits, n_repeats, seed),
                4 => Splitter::repeated_stratified_k_fold(n_splits, n_repeats, seed),
                _ => Splitter::hold_out(fraction, seed, stratified),
            }
            .unwrap()
        },
    )
}

fn is_ascending(rows: &[usize]) -> bool {
    rows.windows(2).all(|pair| pair[0] < pair[1])
}

/// Number of held-out folds each row of the subset is in.
fn times_held_out(folds: &[Vec<usize>], n_rows: usize) -> Vec<usize> {
    let mut times = vec![0; n_rows];
    folds.iter().flatten().for_each(|&row| times[row] += 1);
    times
}

fn within_one(counts: impl Iterator<Item = usize>) -> bool {
    let counts: Vec<usize> = counts.collect();
    counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1
}

proptest! {
    #[test]
    fn every_row_of_the_subset_is_held_out_once_a_repeat(
        (classes, groups) in labels(), splitter in splitters(), outer in proptest::option::of(0_usize..3),
    ) {
        // A class too rare for the folds among every second row is no case here.
        let subset: Vec<usize> = (0..classes.len()).filter(|&row| row < 20 || row % 2 == 0).collect();
        let labels = RowLabels::new(classes.len(), Some(&classes), Some(&groups)).unwrap();
        let folds = match splitter.folds(&labels, &subset, outer) {
            Err(SplitError::TooFewGroups { .. }) => return Ok(()),
            folds => folds.unwrap(),
        };
        prop_assert_eq!(folds.len(), splitter.n_folds());
        for fold in &folds {
            prop_assert!(is_ascending(fold) && !fold.is_empty() && fold.len() < subset.len());
        }
        let expected = match splitter {
            Splitter::RepeatedKFold { n_repeats, .. } | Splitter::RepeatedStratifiedKFold { n_repeats, .. } => {
                n_repeats.get()
            }
            _ => 1,
        };
        for (row, times) in times_held_out(&folds, classes.len()).into_iter().enumerate() {
            match splitter {
                _ if !subset.contains(&row) => prop_assert_eq!(times, 0),
                Splitter::HoldOut { .. } => prop_assert!(times <= 1),
                _ => prop_assert_eq!(times, expected),
            }
        }
        prop_assert_eq!(splitter.folds(&labels, &subset, outer).unwrap(), folds);
    }

    #[test]
    fn folds_and_their_classes_are_within_one_of_even(
        (classes, _) in labels(), n_splits in 2_usize..6, seed in any::<u64>(),
    ) {
        let all: Vec<usize> = (0..classes.len()).collect();
        let labels = RowLabels::new(classes.len(), Some(&classes), None).unwrap();
        let plain = Splitter::k_fold(n_splits, seed).unwrap().folds(&labels, &all, None).unwrap();
        prop_assert!(within_one(plain.iter().map(Vec::len)));
        let stratified = Splitter::stratified_k_fold(n_splits, seed).unwrap().folds(&labels, &all, None).unwrap();
        prop_assert!(within_one(stratified.iter().map(Vec::len)));
        for class in 0..4 {
            let counts = stratified.iter().map(|fold| fold.iter().filter(|&&row| classes[row] == class).count());
            prop_assert!(within_one(counts));
        }
    }

    #[test]
    fn a_stratified_hold_out_takes_the_same_part_of_every_class(
        (classes, _) in labels(), fraction in 0.05_f64..0.95, seed in any::<u64>(),
    ) {
        let all: Vec<usize> = (0..classes.len()).collect();
        let labels = RowLabels::new(classes.len(), Some(&classes), None).unwrap();
        let folds = Splitter::hold_out(fraction, seed, true).unwrap().folds(&labels, &all, None).unwrap();
        prop_assert_eq!(folds[0].len(), (fraction * all.len() as f64).round() as usize);
        let part = folds[0].len() as f64 / all.len() as f64;
        for class in 0..4 {
            let n_held_out = folds[0].iter().filter(|&&row| classes[row] == class).count() as f64;
            let n_class = classes.iter().filter(|&&of_row| of_row == class).count() as f64;
            prop_assert!((n_held_out - part * n_class).abs() < 1.0);
        }
    }

    #[test]
    fn groups_never_cross_folds((_, groups) in labels(), n_splits in 2_usize..5, seed in any::<u64>()) {
        let all: Vec<usize> = (0..groups.len()).collect();
        let labels = RowLabels::new(groups.len(), None, Some(&groups)).unwrap();
        let folds = Splitter::group_k_fold(n_splits, seed).unwrap().folds(&labels, &all, None).unwrap();
        let mut fold_of_group = BTreeMap::new();
        for (index, fold) in folds.iter().enumerate() {
            for &row in fold {
                prop_assert_eq!(*fold_of_group.entry(groups[row]).or_insert(index), index);
            }
        }
        // No fold is larger than the smallest by more than the largest group: the last group dealt into it was dealt
        // when it was the smallest.
        let sizes: Vec<usize> = folds.iter().map(Vec::len).collect();
        let largest_group = (0..12).map(|group| groups.iter().filter(|&&of_row| of_row == group).count()).max();
        prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= largest_group.unwrap());
    }

    #[test]
    fn test_training_and_validation_rows_are_all_rows_once(
        (classes, groups) in labels(), outer in splitters(), inner in splitters(),
    ) {
        let labels = RowLabels::new(classes.len(), Some(&classes), Some(&groups)).unwrap();
        // Few rows are left by a large hold-out; such errors are tested by themselves.
        if let Ok(splits) = NestedSplitter::new(outer, inner, None).unwrap().splits(&labels) {
            for fold in splits.outer() {
                for inner in fold.inner() {
                    prop_assert!(is_ascending(&inner.train) && is_ascending(&inner.validation));
                    let mut rows = [fold.test_rows().rows(), &inner.train, &inner.validation].concat();
                    rows.sort_unstable();
                    prop_assert_eq!(rows, (0..classes.len()).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn a_file_gives_back_the_folds_for_rows_in_any_order(
        (classes, _) in labels(), seed in any::<u64>(), shift in 0_usize..20,
    ) {
        let n = classes.len();
        let labels = RowLabels::new(n, Some(&classes), None).unwrap();
        let three = Splitter::stratified_k_fold(3, seed).unwrap();
        let splits = NestedSplitter::new(three, three, None).unwrap().splits(&labels).unwrap();
        let ids: Vec<String> = (0..n).map(|row| format!("picture {row}")).collect();
        let text = to_json(&splits, &ids).unwrap();
        prop_assert_eq!(&from_json(&text, &ids).unwrap(), &splits);

        let mut moved = ids.clone();
        moved.rotate_right(shift);
        let found = from_json(&text, &moved).unwrap();
        let names = |rows: &[usize], ids: &[String]| {
            let mut names: Vec<String> = rows.iter().map(|&row| ids[row].clone()).collect();
            names.sort();
            names
        };
        for (found, written) in found.outer().iter().zip(splits.outer()) {
            prop_assert_eq!(names(found.test_rows().rows(), &moved), names(written.test_rows().rows(), &ids));
            for (found, written) in found.inner().iter().zip(written.inner()) {
                prop_assert!(is_ascending(&found.train));
                prop_assert_eq!(names(&found.train, &moved), names(&written.train, &ids));
                prop_assert_eq!(names(&found.validation, &moved), names(&written.validation, &ids));
            }
        }
    }
}

#[test]
fn the_seed_the_outer_fold_and_the_repeat_change_the_folds() {
    let all: Vec<usize> = (0..40).collect();
    let labels = RowLabels::new(40, None, None).unwrap();
    let folds = |seed, outer| Splitter::k_fold(4, seed).unwrap().folds(&labels, &all, outer).unwrap();
    let mut different = vec![folds(1729, None), folds(1729, Some(0)), folds(1729, Some(1)), folds(4711, None)];
    let repeated = Splitter::repeated_k_fold(4, 2, 1729).unwrap().folds(&labels, &all, None).unwrap();
    different.extend(repeated.chunks(4).map(<[Vec<usize>]>::to_vec));
    for (index, folds) in different.iter().enumerate() {
        assert!(!different[..index].contains(folds), "{index}");
    }
    assert_eq!(folds(1729, None), folds(1729, None));
}

#[test]
fn rows_meet_in_a_fold_as_often_as_chance_says() {
    // Of 4 folds of 3 rows, a row shares its fold with 2 of the 11 others: row 0 meets row 1 with probability 2 / 11.
    let all: Vec<usize> = (0..12).collect();
    let labels = RowLabels::new(12, None, None).unwrap();
    let meets = (0..2000)
        .filter(|&seed| {
            let folds = Splitter::k_fold(4, seed).unwrap().folds(&labels, &all, None).unwrap();
            folds.iter().any(|fold| fold.starts_with(&[0, 1]))
        })
        .count();
    // 364 expected, standard deviation 17.
    assert!((295..433).contains(&meets), "{meets}");
}

#[test]
fn folds_are_fixed_for_ever() {
    let classes = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1];
    let labels = RowLabels::new(10, Some(&classes), None).unwrap();
    let all: Vec<usize> = (0..10).collect();
    let folds = Splitter::stratified_k_fold(3, 1729).unwrap().folds(&labels, &all, None).unwrap();
    assert_eq!(folds, [vec![3, 4, 8, 9], vec![2, 5, 7], vec![0, 1, 6]]);
}

#[test]
fn each_broken_rule_has_its_message() {
    let labels = RowLabels::new(6, Some(&[0, 0, 0, 0, 1, 1]), Some(&[0, 0, 0, 1, 1, 1])).unwrap();
    let bare = RowLabels::new(6, None, None).unwrap();
    let all: Vec<usize> = (0..6).collect();
    let message = |splitter: Splitter, labels: &RowLabels<'_>, subset: &[usize]| {
        splitter.folds(labels, subset, None).unwrap_err().to_string()
    };
    let refused = |splitter: Result<Splitter, SplitError>| splitter.unwrap_err().to_string();

    assert_eq!(
        refused(Splitter::k_fold(1, 0)),
        "a k-fold split needs at least 2 folds, but n_splits is 1; raise it, or use a hold-out"
    );
    assert_eq!(refused(Splitter::repeated_k_fold(2, 0, 0)), "0 repeats give no folds; ask for at least 1");
    assert_eq!(
        refused(Splitter::hold_out(f64::NAN, 0, false)),
        "the hold-out fraction is NaN, but must lie strictly between 0 and 1, such as 0.2"
    );
    assert_eq!(
        message(Splitter::k_fold(7, 0).unwrap(), &labels, &all),
        "7 folds need at least as many rows, but there are 6; ask for fewer folds"
    );
    assert_eq!(
        message(Splitter::stratified_k_fold(3, 0).unwrap(), &labels, &all),
        "class 1 has 2 rows, but 3 stratified folds need one in each; \
         ask for fewer folds, or for a split that is not stratified"
    );
    assert_eq!(
        message(Splitter::stratified_k_fold(3, 0).unwrap(), &bare, &all),
        "a stratified split keeps classes in proportion, but the data have none; use kfold in place of stratified_kfold, \
         repeated_kfold in place of repeated_stratified_kfold, and hold_out with stratified: false"
    );
    assert_eq!(
        message(Splitter::hold_out(0.5, 0, true).unwrap(), &bare, &all),
        "a stratified split keeps classes in proportion, but the data have none; use kfold in place of stratified_kfold, \
         repeated_kfold in place of repeated_stratified_kfold, and hold_out with stratified: false"
    );
    assert_eq!(
        message(Splitter::group_k_fold(3, 0).unwrap(), &labels, &all),
        "3 folds need at least as many groups, but there are 2; ask for fewer folds"
    );
    assert_eq!(
        message(Splitter::group_k_fold(3, 0).unwrap(), &bare, &all),
        "a grouped split needs groups, but the data has none; name the column that holds the group"
    );
    assert_eq!(
        message(Splitter::hold_out(0.05, 0, false).unwrap(), &bare, &all),
        "holding out 0.05 of 6 rows leaves 0 held out and 6 to train on; both need at least one row, \
         so choose another fraction"
    );
    assert_eq!(
        message(Splitter::k_fold(2, 0).unwrap(), &bare, &[0, 2, 2]),
        "row 2 stands at position 2 of the rows to be split; they must ascend and be below 6"
    );
    assert_eq!(
        message(Splitter::k_fold(2, 0).unwrap(), &bare, &[0, 6]),
        "row 6 stands at position 1 of the rows to be split; they must ascend and be below 6"
    );
    assert_eq!(
        RowLabels::new(3, Some(&[0]), None).unwrap_err().to_string(),
        "there are 1 classes for 3 rows; give one to each row"
    );
}

/// Ten rows of two classes, of which the last four are for the test.
#[test]
fn an_official_split_holds_out_the_test_rows_of_the_data() {
    let classes = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1];
    let is_test: Vec<bool> = (0..10).map(|row| row >= 6).collect();
    let labels = RowLabels::new(10, Some(&classes), None).unwrap().with_official_test(&is_test).unwrap();
    let inner = Splitter::hold_out(0.34, 1, true).unwrap();
    let splits = NestedSplitter::new(Splitter::Official, inner, None).unwrap().splits(&labels).unwrap();
    assert_eq!(splits.outer().len(), 1);
    let fold = &splits.outer()[0];
    assert_eq!(fold.test_rows().rows(), [6, 7, 8, 9]);
    assert_eq!(fold.refit().train, [0, 1, 2, 3, 4, 5]);
    assert_eq!((fold.inner().len(), fold.inner()[0].validation.len()), (1, 2));
}

#[test]
fn an_official_split_without_test_rows_is_refused() {
    let classes = [0, 1, 0, 1];
    let bare = RowLabels::new(4, Some(&classes), None).unwrap();
    let message = |labels: &RowLabels<'_>, subset: &[usize]| {
        Splitter::Official.folds(labels, subset, None).unwrap_err().to_string()
    };
    assert_eq!(
        message(&bare, &[0, 1, 2, 3]),
        "official() holds out the test rows that a data set comes with, but the data have none; use hold_out(0.2) or \
         another splitter (photos of pets know theirs with part: \"all\")"
    );
    let is_test = [false, false, false, true];
    let labels = bare.with_official_test(&is_test).unwrap();
    assert_eq!(
        message(&labels, &[0, 1, 2]),
        "official() finds none of the data set's test rows among the rows to be split; give it as `outer`, and another \
         splitter as `inner`"
    );
    assert_eq!(
        message(&labels, &[3]),
        "official() would hold out every row and leave none to train on; the data need their training part"
    );
    assert_eq!(
        bare.with_official_test(&[true]).unwrap_err().to_string(),
        "there are 1 official test rows for 4 rows; give one to each row"
    );
}
