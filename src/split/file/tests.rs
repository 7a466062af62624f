//! The layout, and what is refused.

use super::*;

fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

const TEXT: &str = r#"{"files": [
  "a",
  "b \"q\"",
  "c",
  "d"],
 "root_splits": {
  "0": {
   "test_indices": [3],
   "nested_splits": {
    "0": {
     "train_indices": [0, 2],
     "dev_indices": [1]},
    "1": {
     "train_indices": [0],
     "dev_indices": [1, 2]}}},
  "1": {
   "test_indices": [0, 1],
   "nested_splits": {
    "0": {
     "train_indices": [2],
     "dev_indices": [3]}}}}}
"#;

#[test]
fn the_text_is_the_layout_and_reads_back() {
    let names = ids(&["a", "b \"q\"", "c", "d"]);
    let splits = from_json(TEXT, &names).unwrap();
    assert_eq!(splits.outer()[0].test_rows().rows(), [3]);
    assert_eq!(splits.outer()[0].inner()[1], TrainValidation { train: vec![0], validation: vec![1, 2] });
    assert_eq!(to_json(&splits, &names).unwrap(), TEXT);
}

#[test]
fn indices_follow_the_names_when_the_rows_stand_in_another_order() {
    let splits = from_json(TEXT, &ids(&["d", "c", "b \"q\"", "a"])).unwrap();
    assert_eq!(splits.outer()[0].test_rows().rows(), [0]);
    assert_eq!(splits.outer()[0].inner()[0], TrainValidation { train: vec![1, 3], validation: vec![2] });
}

#[test]
fn arrays_of_folds_are_read_as_objects_are() {
    let text = r#"{"root_splits": [{"test_indices": [1], "note": "any", "nested_splits":
        [{"train_indices": [0], "dev_indices": [2]}]}], "files": ["a", "b", "c"]}"#;
    let splits = from_json(text, &ids(&["a", "b", "c"])).unwrap();
    assert_eq!(splits.outer()[0].inner(), [TrainValidation { train: vec![0], validation: vec![2] }]);
}

#[test]
fn folds_are_ordered_by_number_and_not_by_text() {
    let folds: Vec<String> = [10, 2, 1, 0, 3, 4, 5, 6, 7, 8, 9]
        .iter()
        .map(|fold| {
            format!(
                r#""{fold}": {{"test_indices": [{fold}], "nested_splits": [{{"train_indices": [11], "dev_indices": [12]}}]}}"#
            )
        })
        .collect();
    let names: Vec<String> = (0..13).map(|row| row.to_string()).collect();
    let text = format!(r#"{{"files": {names:?}, "root_splits": {{{}}}}}"#, folds.join(","));
    let splits = from_json(&text, &names).unwrap();
    let tests: Vec<usize> = splits.outer().iter().map(|fold| fold.test_rows().rows()[0]).collect();
    assert_eq!(tests, (0..11).collect::<Vec<_>>());
}

#[test]
fn each_broken_rule_has_its_message() {
    let message = |text: &str, names: &[&str]| from_json(text, &ids(names)).unwrap_err().to_string();
    let fold = |test: &str, train: &str, dev: &str| {
        let text = format!(
            r#"{{"files": ["a", "b", "c"], "root_splits": {{"0": {{"test_indices": {test}, "nested_splits":
            {{"0": {{"train_indices": {train}, "dev_indices": {dev}}}}}}}}}}}"#
        );
        message(&text, &["a", "b", "c"])
    };
    assert_eq!(
        fold("[0]", "[1]", "[3]"),
        "outer fold 0, inner fold 0: `dev_indices` has the index 3, but `files` has 3 entries, numbered from 0; \
         correct the index"
    );
    assert_eq!(
        fold("[0]", "[1, 0]", "[2]"),
        "outer fold 0, inner fold 0: `a` is in `test_indices` and in `train_indices`; keep it in one place"
    );
    assert_eq!(
        fold("[0]", "[1]", "[2, 1]"),
        "outer fold 0, inner fold 0: `b` is in `train_indices` and in `dev_indices`; keep it in one place"
    );
    assert_eq!(
        fold("[0, 0]", "[1]", "[2]"),
        "outer fold 0: `a` is in `test_indices` and in `test_indices`; keep it in one place"
    );
    assert_eq!(fold("[]", "[1]", "[2]"), "outer fold 0: `test_indices` is empty; it needs at least one entry");
    assert!(fold("[-1]", "[1]", "[2]").starts_with("the splits are not of the layout"));

    let files = |files: &str| format!(r#"{{"files": {files}, "root_splits": {{}}}}"#);
    assert_eq!(
        message(&files(r#"["a", "x"]"#), &["a", "b"]),
        "`files` lists `x`, which is not in the data; use the data the splits were made for"
    );
    assert_eq!(
        message(&files(r#"["a"]"#), &["a", "b"]),
        "the data has `b`, which `files` does not list; use the data the splits were made for"
    );
    assert_eq!(message(&files(r#"["a", "a"]"#), &["a", "b"]), "`files` lists `a` twice; list every row once");
    assert_eq!(
        message(&files(r#"["a"]"#), &["a", "a"]),
        "two rows of the data have the id `a`; ids must differ for splits to name rows"
    );
    assert_eq!(message(&files(r#"["a"]"#), &["a"]), "the file: `root_splits` is empty; it needs at least one entry");
}

#[test]
fn folds_with_a_gap_or_a_number_twice_are_refused() {
    let text = |numbers: [&str; 2]| {
        let folds = numbers.map(|number| {
            format!(
                r#""{number}": {{"test_indices": [0], "nested_splits": [{{"train_indices": [1], "dev_indices": [2]}}]}}"#
            )
        });
        format!(r#"{{"files": ["a", "b", "c"], "root_splits": {{{}}}}}"#, folds.join(","))
    };
    for (numbers, found, expected) in
        [(["0", "2"], "2", 1), (["0", "0"], "0", 1), (["x", "0"], "x", 1), (["0", "01"], "01", 1)]
    {
        assert_eq!(
            from_json(&text(numbers), &ids(&["a", "b", "c"])).unwrap_err().to_string(),
            format!(
                "the file: a fold is numbered `{found}` where {expected} must stand; \
                 number the folds from 0 without gaps"
            )
        );
    }
}

#[test]
fn ids_that_do_not_fit_the_rows_are_not_written() {
    let splits = from_json(TEXT, &ids(&["a", "b \"q\"", "c", "d"])).unwrap();
    assert!(matches!(to_json(&splits, &ids(&["a"])), Err(SplitFileError::IdCount { n_ids: 1, n_rows: 4 })));
    assert!(matches!(to_json(&splits, &ids(&["a", "b", "c", "a"])), Err(SplitFileError::RepeatedId { .. })));
}
