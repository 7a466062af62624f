//! The key of a fit, through the public interface: what changes it, and what must not.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;
use xrun::plan::fit_key;
use xrun::script::{self, Outcome};
use xrun::spec::fit::SplitSpec;
use xrun::split::{OuterFold, TrainValidation};

const TABLE: &str = "\
weight,colour,class
1.5,red,a
2.5,blue,b
0.5,red,a
3.5,green,b
1.0,,a
4.5,blue,b
2.0,red,a
5.5,green,b
";

/// A trial on rows 0 to 3, chosen on rows 4 and 5.
const TRIAL: &str = r#"fit(#{
    name: "a",
    labels: ["outer 0", "inner 1", "trial 2"],
    role: "trial",
    data: csv_table("table.csv", #{ target: "class" }),
    split: split(#{ train: [0, 1, 2, 3], validation: [4, 5] }),
    model: classifier(#{ backbone: mlp(#{ hidden: [8] }), head: [dropout(0.25)] }),
    train: [phase("full", #{ epochs: 3, early_stop: #{ patience: 2, monitor: "roc_auc" }, optimizer: adamw(#{ lr: 0.01 }) })],
    maximize: "roc_auc",
})"#;

struct Project(TempDir);

impl Project {
    fn new(table: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("xrun.toml"), "").unwrap();
        fs::write(folder.path().join("table.csv"), table).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The key of a fit's script, with the test rows of its split.
    fn key(&self, text: &str) -> String {
        let file = self.path().join("fit.rhai");
        fs::write(&file, text).unwrap();
        let evaluated = script::evaluate(&file, &[]).unwrap_or_else(|error| panic!("{}\n{text}", error.message));
        let Outcome::Fit(config) = evaluated.outcome else { panic!("a fit") };
        let data = xrun::data::open(config.data().unwrap(), &self.path().join("cache")).unwrap();
        let Some(SplitSpec::Rows { train, validation, test, .. }) = config.split() else { panic!("listed rows") };
        let rows = TrainValidation { train: train.clone(), validation: validation.clone() };
        let fold = OuterFold::listed(rows.clone(), test.clone()).unwrap();
        fit_key(&config, Some(&data), &rows, Some(fold.test_rows()), "x86_64 baseline", &[])
    }
}

/// The key of [`TRIAL`] over [`TABLE`], each with one text replaced by another.
#[track_caller]
fn key_with(script: (&str, &str), table: (&str, &str)) -> String {
    assert!(TRIAL.contains(script.0) && TABLE.contains(table.0), "{script:?} {table:?}");
    Project::new(&TABLE.replacen(table.0, table.1, 1)).key(&TRIAL.replacen(script.0, script.1, 1))
}

fn plain() -> String {
    key_with(("", ""), ("", ""))
}

#[test]
fn a_new_name_another_folder_and_spelled_out_defaults_keep_the_key() {
    let key = plain();
    assert_eq!(key, key_with(("name: \"a\"", "name: \"b\""), ("", "")));
    assert_eq!(key, key_with(("name: \"a\"", "format: 1, seed: 42, threshold: fixed(0.5), name: \"a\""), ("", "")));
    assert_eq!(key, key_with(("hidden: [8]", "hidden: [8], activation: \"relu\", dropout: 0.0"), ("", "")));
    assert_eq!(key, key_with(("epochs: 3", "freeze: [], augment: [], batch_size: 32, epochs: 3"), ("", "")));
    assert_eq!(
        key,
        key_with(("epochs: 3", "accumulate: 1, histograms: false, precision: \"f32\", epochs: 3"), ("", ""))
    );
    assert_eq!(key, key_with(("head:", "label_smoothing: 0.0, head:"), ("", "")));
    assert_eq!(key, key_with(("patience: 2", "min_delta: 0, patience: 2"), ("", "")));
    let spelled = "adamw(#{ weight_decay: 1e-2, eps: 1e-8, betas: [0.9, 0.999], lr: 0.01 })";
    assert_eq!(key, key_with(("adamw(#{ lr: 0.01 })", spelled), ("", "")));

    let project = Project::new(TABLE);
    fs::create_dir(project.path().join("moved")).unwrap();
    fs::rename(project.path().join("table.csv"), project.path().join("moved/other.csv")).unwrap();
    assert_eq!(key, project.key(&TRIAL.replace("table.csv", "moved/other.csv")));
}

#[test]
fn how_the_table_is_written_and_rows_of_other_fits_keep_the_key() {
    let key = plain();
    assert_eq!(key, key_with(("", ""), ("1.5,red,a", "1.50, red ,a")), "a number counts by its value");
    assert_eq!(key, key_with(("", ""), ("2.0,red,a", "9.0,red,b")), "row 6 is in no part");
    assert_eq!(key, key_with(("", ""), ("5.5,green,b", "5.5,amber,b")), "a level of row 7 renumbers the others");
    let more = format!("{TABLE}6.5,red,a\n");
    assert_eq!(key, Project::new(&more).key(TRIAL), "a row after the last");
}

#[test]
fn the_number_of_threads_keeps_the_key() {
    let of_threads = |n: usize| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(plain);
    assert_eq!(of_threads(1), of_threads(3));
}

#[test]
fn whatever_is_trained_changes_the_key_each_to_another() {
    let mut keys = vec![plain()];
    for (was, is) in [
        ("lr: 0.01", "lr: 0.010000000000000002"),
        ("lr: 0.01", "lr: 0.01, weight_decay: 0.0"),
        ("hidden: [8]", "hidden: [9]"),
        ("hidden: [8]", "hidden: [8, 8]"),
        ("hidden: [8]", "hidden: [8], activation: \"gelu\""),
        ("dropout(0.25)", "dropout(0.5)"),
        ("adamw(#{ lr: 0.01 })", "adam(#{ lr: 0.01 })"),
        ("epochs: 3", "epochs: 4"),
        ("epochs: 3", "epochs: 3, batch_size: 16"),
        ("epochs: 3", "epochs: 3, schedule: cosine()"),
        ("epochs: 3", "epochs: 3, schedule: one_cycle()"),
        ("epochs: 3", "epochs: 3, lr_factors: #{ backbone: 0.1 }"),
        ("epochs: 3", "epochs: 3, clip_norm: 1.0"),
        ("epochs: 3", "epochs: 3, accumulate: 2"),
        ("epochs: 3", "epochs: 3, ema: 0.9"),
        ("epochs: 3", "epochs: 3, histograms: true"),
        ("head:", "label_smoothing: 0.1, head:"),
        ("head:", "class_weights: \"balanced\", head:"),
        ("head:", "class_weights: [1, 2], head:"),
        ("patience: 2", "patience: 3"),
        ("monitor: \"roc_auc\"", "monitor: \"log_loss\""),
        (", early_stop: #{ patience: 2, monitor: \"roc_auc\" }", ""),
        ("phase(\"full\"", "phase(\"warmup\""),
        ("maximize: \"roc_auc\"", "maximize: \"accuracy\""),
        ("maximize: \"roc_auc\"", "minimize: \"log_loss\""),
        ("maximize: \"roc_auc\"", "threshold: youden(), maximize: \"roc_auc\""),
        ("maximize: \"roc_auc\"", "threshold: fixed(0.4), maximize: \"roc_auc\""),
        ("maximize: \"roc_auc\"", "seed: 43, maximize: \"roc_auc\""),
        ("\"trial 2\"", "\"trial 3\""),
        ("\"outer 0\"", "\"outer 1\""),
        ("role: \"trial\"", "role: \"final\""),
        ("train: [0, 1, 2, 3]", "train: [0, 1, 2, 6]"),
        ("train: [0, 1, 2, 3]", "train: [0, 1, 3, 2]"),
        ("train: [0, 1, 2, 3], validation: [4, 5]", "train: [0, 1, 2, 3, 4], validation: [5]"),
        ("validation: [4, 5]", "validation: [4, 7]"),
    ] {
        keys.push(key_with((was, is), ("", "")));
    }
    let n = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), n, "two different fits have one key");
}

#[test]
fn what_the_rows_hold_changes_the_key_each_to_another() {
    let mut keys = vec![plain()];
    for (was, is) in [
        ("1.5,red,a", "1.5000000000000002,red,a"),
        ("1.5,red,a", "1.5,blue,a"),
        ("1.5,red,a", ",red,a"),
        ("2.5,blue,b", "2.5,blue,a"),
        ("4.5,blue,b", "4.75,blue,b"),
        ("1.0,,a", "1.0,red,a"),
        ("1.5,red,a\n2.5,blue,b\n", "2.5,blue,b\n1.5,red,a\n"),
        ("2.0,red,a", "2.0,red,c"),
        ("weight,colour", "mass,colour"),
        // One word among numbers makes them categories.
        ("2.0,red,a", "two,red,a"),
    ] {
        keys.push(key_with(("", ""), (was, is)));
    }
    keys.push(key_with(("target: \"class\"", "target: \"class\", drop: [\"colour\"]"), ("", "")));
    let renamed = TABLE.replace(",a\n", ",x\n");
    keys.push(Project::new(&renamed).key(TRIAL));
    let n = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), n, "two different data sets have one key");
}

#[test]
fn test_rows_are_in_the_key_of_a_final_alone() {
    let project = Project::new(TABLE);
    let with_test = TRIAL.replace("validation: [4, 5]", "validation: [4, 5], test: [6, 7]");
    let other_test = TRIAL.replace("validation: [4, 5]", "validation: [4, 5], test: [7]");
    assert_eq!(project.key(TRIAL), project.key(&with_test), "a trial never sees them");
    let last = |script: &str| project.key(&script.replace("role: \"trial\"", "role: \"final\""));
    assert_ne!(last(&with_test), last(&other_test));
    assert_ne!(last(&with_test), last(TRIAL));
    let changed = Project::new(&TABLE.replace("5.5,green", "6.5,green"));
    assert_eq!(project.key(&with_test), changed.key(&with_test));
    assert_ne!(last(&with_test), changed.key(&with_test.replace("role: \"trial\"", "role: \"final\"")));
}

#[test]
fn pictures_are_known_by_their_pixels() {
    let key = |pets: &str| {
        let script = TRIAL.replace("csv_table(\"table.csv\", #{ target: \"class\" })", pets);
        Project::new(TABLE).key(&script.replace("mlp(#{ hidden: [8] })", "convnet(#{ width: 4 })"))
    };
    let plain = key("pets(#{ n: 8, size: 8 })");
    assert_eq!(plain, key("pets(#{ n: 8, size: 8, seed: 1, target: \"species\" })"));
    assert_eq!(plain, key("pets(#{ n: 10, size: 8 })"), "more pictures after those of the fit");
    assert_ne!(plain, key("pets(#{ n: 8, size: 9 })"));
    assert_ne!(plain, key("pets(#{ n: 8, size: 8, seed: 2 })"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    /// A learning rate is in the key bit for bit, however it is written.
    #[test]
    fn two_learning_rates_share_a_key_exactly_if_they_are_the_same_number(
        low in 1e-3_f64..1.0,
        ulps in 0_u64..3,
    ) {
        let high = f64::from_bits(low.to_bits() + ulps);
        let project = Project::new(TABLE);
        let key = |lr: String| project.key(&TRIAL.replace("lr: 0.01", &format!("lr: {lr}")));
        prop_assert_eq!(key(format!("{low:?}")) == key(format!("{high:.25}")), low == high);
    }
}
