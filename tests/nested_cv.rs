//! Nested cross-validation with search, end to end through the binary: what must not depend on anything, what must not leak.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use xrun::seed::Seed;

/// A two-class table: two informative columns, one of noise. `shuffle` permutes the labels.
fn table(n: usize, seed: u64, permuted: bool) -> Vec<[String; 4]> {
    let mut stream = Seed::root(seed).stream();
    let mut labels: Vec<bool> = (0..n).map(|row| row % 2 == 0).collect();
    let mut rows = Vec::new();
    for &is_yes in &labels {
        let centre = if is_yes { 0.8 } else { -0.8 };
        rows.push([centre + stream.normal(), centre * 0.5 + stream.normal(), stream.normal()]);
    }
    if permuted {
        stream.shuffle(&mut labels);
    }
    rows.iter()
        .zip(&labels)
        .map(|(x, &is_yes)| {
            let label = if is_yes { "yes" } else { "no" };
            [format!("{:.6}", x[0]), format!("{:.6}", x[1]), format!("{:.6}", x[2]), label.to_owned()]
        })
        .collect()
}

fn write_table(path: &Path, rows: &[[String; 4]]) {
    let mut text = String::from("a,b,c,label\n");
    for row in rows {
        text.push_str(&row.join(","));
        text.push('\n');
    }
    fs::write(path, text).unwrap();
}

const EXPERIMENT: &str = r#"
import "scripts/common" as common;
experiment(#{
    name: "tiny",
    data: csv_table(param("data", "table.csv", "the table"), #{ target: "label" }),
    model: classifier(#{ backbone: mlp(#{ hidden: [int(2, 8)], dropout: 0.2 }) }),
    train: [
        phase("fit", #{ epochs: param("epochs", 3, "epochs"), batch_size: 16, early_stop: #{ patience: 2 },
                        optimizer: adamw(#{ lr: common::rate() }) }),
    ],
    cv: nested(#{ outer: stratified_kfold(4, 1), inner: stratified_kfold(3, 2), take: #{ outer: 2, inner: 2 } }),
    search: tpe(#{ trials: 3, maximize: "roc_auc", per: param("per", "inner", "what a study is") }),
    threshold: youden(),
})
"#;

struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write("scripts/common.rhai", "fn rate() { log_uniform(1e-3, 1e-1) }");
        project.write("tiny.rhai", EXPERIMENT);
        write_table(&project.path("table.csv"), &table(96, 5, false));
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs and gives what `--json` says.
    fn run(&self, arguments: &[&str]) -> serde_json::Value {
        let (code, stdout, stderr) = self.call(arguments);
        assert!(code == 0 || code == 3, "exit {code}: {stderr}");
        serde_json::from_str(&stdout).unwrap()
    }

    fn call(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_xrun"))
            .args(arguments)
            .args(["--json", "--quiet", "--device", "cpu"])
            .current_dir(self.0.path())
            .env("XRUN_CACHE", self.path("cache"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env_remove("XRUN_RESULTS")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }
}

fn folder(report: &serde_json::Value) -> PathBuf {
    PathBuf::from(report["path"].as_str().unwrap())
}

/// Files that are pure functions of script, data, seed and device class, below `root`.
fn pure_files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "imports" {
                    open.push(path);
                }
            } else if !matches!(
                name.as_str(),
                "run.json"
                    | "journal.jsonl"
                    | "outcome.json"
                    | "timing.csv"
                    | "script.rhai"
                    | "config.rhai"
                    | "git.patch"
                    | "report.html"
            ) {
                let relative = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.insert(relative, fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn assert_same_files(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in a {
        assert!(b[name] == *bytes, "{name} differs");
    }
}

#[test]
fn a_study_per_inner_fold_has_16_fits_and_one_per_outer_fold_14() {
    let project = Project::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/pets_step5.rhai");
    for (per, n_fits, arithmetic) in
        [("inner", 16, "2 x 2 x (3 + 1) = 16 fits"), ("outer", 14, "2 x (3 x 2 + 1) = 14 fits")]
    {
        let per = format!("search.per={per}");
        let (code, stdout, stderr) = {
            let output = Command::new(env!("CARGO_BIN_EXE_xrun"))
                .args(["plan", script, "size=8", &per, "--json", "--cache"])
                .arg(project.path("cache"))
                .output()
                .unwrap();
            (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
        };
        assert_eq!(code, Some(0), "{stderr}");
        let plan: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
        assert_eq!(plan["n_fits"], n_fits);
        assert_eq!(plan["arithmetic"], arithmetic);
    }
}

#[test]
fn a_runs_config_gives_the_same_files_again_and_its_params_stay_settable() {
    for per in ["inner", "outer"] {
        let project = Project::new();
        let once = project.run(&["tiny.rhai", &format!("per={per}")]);
        assert_eq!(once["n_fits"], if per == "inner" { 16 } else { 14 });
        let config = folder(&once).join("config.rhai");
        let again = project.run(&[config.to_str().unwrap()]);
        let files = pure_files(&folder(&once));
        assert!(files.len() > 30, "only {} files", files.len());
        assert_same_files(&files, &pure_files(&folder(&again)));

        let shorter = project.run(&[config.to_str().unwrap(), "epochs=1"]);
        let metrics = fs::read_to_string(folder(&shorter).join("outer-0/inner-0/trial-000/metrics.csv")).unwrap();
        assert_eq!(metrics.lines().count(), 2, "{metrics}");
    }
}

#[test]
fn a_fits_config_alone_gives_its_files_again_in_another_project() {
    for per in ["inner", "outer"] {
        let project = Project::new();
        let run = folder(&project.run(&["tiny.rhai", &format!("per={per}")]));
        let last = if per == "inner" { "outer-1/inner-0/final" } else { "outer-1/final" };
        for fit in ["outer-0/inner-1/trial-002", last] {
            let elsewhere = Project(tempfile::tempdir().unwrap());
            fs::copy(run.join(fit).join("config.rhai"), elsewhere.path("fit.rhai")).unwrap();
            fs::copy(project.path("table.csv"), elsewhere.path("moved.csv")).unwrap();
            let again = elsewhere.run(&["fit.rhai", "data=moved.csv"]);
            assert_eq!(again["n_fits"], 1);
            assert_same_files(&pure_files(&run.join(fit)), &pure_files(&folder(&again).join("fit")));
        }
    }
}

#[test]
fn other_data_under_a_fits_config_are_refused() {
    let project = Project::new();
    let run = folder(&project.run(&["tiny.rhai"]));
    write_table(&project.path("other.csv"), &table(80, 6, false));
    let config = run.join("outer-0/inner-0/final/config.rhai");
    let (code, _, stderr) = project.call(&[config.to_str().unwrap(), "data=other.csv"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("these data give this fit other rows than the ones it was recorded with"), "{stderr}");
}

#[test]
fn a_copied_run_keeps_its_numbers_when_the_projects_scripts_change() {
    let project = Project::new();
    let run = folder(&project.run(&["tiny.rhai"]));
    project.write("scripts/common.rhai", "fn rate() { 0.5 }");
    let elsewhere = Project(tempfile::tempdir().unwrap());
    let copy = elsewhere.path("copied");
    copy_folder(&run, &copy);
    // The table stays where it is: only the run is copied.
    let data = format!("data={}", project.path("table.csv").display());
    for script in ["script.rhai", "config.rhai"] {
        let again = elsewhere.run(&[copy.join(script).to_str().unwrap(), &data]);
        assert_same_files(&pure_files(&run), &pure_files(&folder(&again)));
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_folder(&path, &target) } else { fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

#[test]
fn folds_read_from_a_recorded_file_give_the_same_numbers() {
    let project = Project::new();
    let drawn = folder(&project.run(&["tiny.rhai"]));
    fs::copy(drawn.join("splits.json"), project.path("splits.json")).unwrap();
    let cv = EXPERIMENT.find("    cv:").unwrap();
    let end = cv + EXPERIMENT[cv..].find('\n').unwrap();
    let text = format!("{}    cv: nested(#{{ file: \"splits.json\" }}),{}", &EXPERIMENT[..cv], &EXPERIMENT[end..]);
    project.write("from_file.rhai", &text);
    let read = folder(&project.run(&["from_file.rhai"]));
    assert_same_files(&pure_files(&drawn), &pure_files(&read));

    let elsewhere = Project(tempfile::tempdir().unwrap());
    let fit = "outer-1/inner-1/final";
    fs::copy(read.join(fit).join("config.rhai"), elsewhere.path("fit.rhai")).unwrap();
    fs::copy(project.path("table.csv"), elsewhere.path("t.csv")).unwrap();
    let again = folder(&elsewhere.run(&["fit.rhai", "data=t.csv"]));
    assert_same_files(&pure_files(&read.join(fit)), &pure_files(&again.join("fit")));
}

#[test]
fn an_edited_range_changes_the_next_run() {
    let project = Project::new();
    project.run(&["tiny.rhai"]);
    project.write("tiny.rhai", &EXPERIMENT.replace("int(2, 8)", "int(20, 28)"));
    let trials = fs::read_to_string(folder(&project.run(&["tiny.rhai"])).join("trials.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(trials.as_bytes());
    let column = reader.headers().unwrap().iter().position(|name| name == "model.backbone.hidden.0").unwrap();
    let units: Vec<i64> = reader.records().map(|record| record.unwrap()[column].parse().unwrap()).collect();
    assert_eq!(units.len(), 12);
    assert!(units.iter().all(|n| (20..=28).contains(n)), "{units:?}");
}

/// Everything that chooses must come out the same whatever stands in the test rows.
#[test]
fn noise_in_the_test_rows_changes_no_trial_threshold_or_weight() {
    for per in ["inner", "outer"] {
        let project = Project::new();
        let take = format!("per={per}");
        let arguments = ["tiny.rhai", take.as_str(), "cv.take.outer=1"];
        let clean = folder(&project.run(&arguments));
        let splits: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(clean.join("splits.json")).unwrap()).unwrap();
        let test: Vec<usize> = splits["root_splits"]["0"]["test_indices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| usize::try_from(row.as_u64().unwrap()).unwrap())
            .collect();
        assert_eq!(test.len(), 24);
        let mut rows = table(96, 5, false);
        let mut stream = Seed::root(99).stream();
        for &row in &test {
            for cell in &mut rows[row][..3] {
                *cell = format!("{:.6}", 1e3 * stream.normal());
            }
        }
        write_table(&project.path("table.csv"), &rows);
        let noisy = folder(&project.run(&arguments));
        let (mut clean, mut noisy) = (pure_files(&clean), pure_files(&noisy));
        let mut n_changed = 0;
        for name in clean.keys().cloned().collect::<Vec<_>>() {
            if name.ends_with("test_predictions.csv") || name == "summary.json" {
                n_changed += usize::from(clean.remove(&name) != noisy.remove(&name));
            }
        }
        assert!(n_changed >= 2, "the noise did reach the test predictions");
        assert!(clean.keys().any(|name| name.ends_with("model.safetensors")));
        assert_same_files(&clean, &noisy);
    }
}

/// With labels that mean nothing, an honest estimate is chance; the best of several trials is not.
#[test]
fn with_permuted_labels_the_outer_auc_covers_chance_while_the_best_inner_score_lies_above() {
    let project = Project::new();
    write_table(&project.path("table.csv"), &table(96, 5, true));
    let report = project.run(&["tiny.rhai", "cv.take.outer=4", "search.trials=8", "epochs=2"]);
    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder(&report).join("summary.json")).unwrap()).unwrap();
    let outer: Vec<f64> =
        summary["test"]["roc_auc"]["per_outer"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert_eq!(outer.len(), 4);
    let mean = outer.iter().sum::<f64>() / 4.0;
    let deviation = (outer.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 3.0).sqrt();
    // Student's t at 97.5 % with 3 degrees of freedom.
    let half = 3.182 * deviation / 2.0;
    assert!((mean - 0.5).abs() <= half, "{mean} +- {half} does not cover .5");
    let best: Vec<f64> =
        summary["studies"].as_array().unwrap().iter().map(|s| s["best_value"].as_f64().unwrap()).collect();
    let best_mean = best.iter().sum::<f64>() / best.len() as f64;
    assert!(best_mean > 0.5 + 0.05 && best_mean > mean, "the best inner scores average {best_mean}, the outer {mean}");
}

#[test]
fn another_seed_gives_other_numbers_and_another_name_does_not() {
    let project = Project::new();
    let once = pure_files(&folder(&project.run(&["tiny.rhai"])));
    let seeded = pure_files(&folder(&project.run(&["tiny.rhai", "seed=43"])));
    assert_ne!(once["trials.csv"], seeded["trials.csv"]);
    let renamed = pure_files(&folder(&project.run(&["tiny.rhai", "name=other"])));
    for (name, bytes) in &once {
        // These two hold the experiment's name.
        if name != "summary.json" && !name.ends_with("model.json") {
            assert!(renamed[name] == *bytes, "{name} differs");
        }
    }
}
