//! Searches that know the trials of another run from the start: which of them count, that the run needs the other one no
//! more, and when two runs cannot be compared. End to end through the binary.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Project, assert_same_run, error_at};
use xrun::seed::Seed;

/// Twelve random trials in each of two studies, or in each of four.
const FIRST: &str = r#"
experiment(#{
    name: "first",
    data: rows(param("rows", 40, "rows")),
    objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0), noise: 1.0 }),
    cv: nested(#{ outer: kfold(4, param("seed_of_folds", 1, "seed")), inner: kfold(3, 2), take: #{ outer: 2, inner: 2 } }),
    search: random(#{ trials: 12, minimize: "value", per: param("per", "outer", "a study") }),
})
"#;

/// A search that knows them, in a space that is narrower in one place and wider in the other.
const SECOND: &str = r#"
experiment(#{
    name: "second",
    data: rows(40),
    objective: branin(#{ x1: uniform(param("low", -2.0, "lower bound"), 10.0), x2: uniform(-3.0, 15.0), noise: 1.0 }),
    cv: nested(#{ outer: kfold(4, 1), inner: kfold(3, 2), take: #{ outer: 2, inner: param("inner", 2, "inner folds") } }),
    search: tpe(#{ trials: 4, minimize: "value", per: "outer", n_startup: 6, warm_start: param("from", "@latest", "run") }),
})
"#;

/// A search over a table.
const TABLE: &str = r#"
experiment(#{
    name: param("name", "table", "name"),
    data: csv_table(param("data", "table.csv", "the table"), #{ target: "label" }),
    model: classifier(#{ backbone: mlp(#{}), head: [dropout(uniform(0.0, 0.5))] }),
    train: [phase("fit", #{ epochs: 2, optimizer: adamw(#{ lr: log_uniform(1e-3, 1e-1) }) })],
    cv: nested(#{ outer: stratified_kfold(4, 1), inner: stratified_kfold(3, 2), take: #{ outer: 1, inner: 2 } }),
    search: tpe(#{ trials: 3, maximize: "roc_auc" }),
})
"#;

fn table(seed: u64) -> String {
    let mut stream = Seed::root(seed).stream();
    let mut text = String::from("a,b,label\n");
    for row in 0..48 {
        let (centre, label) = if row % 2 == 0 { (0.6, "yes") } else { (-0.6, "no") };
        writeln!(text, "{:.6},{:.6},{label}", centre + stream.normal(), stream.normal()).unwrap();
    }
    text
}

fn warm(script: &str, from: &str) -> String {
    script.replace("trials: 3,", &format!("trials: 3, warm_start: {from:?},"))
}

fn project() -> Project {
    Project::new()
        .file("first.rhai", FIRST)
        .file("second.rhai", SECOND)
        .file("table.rhai", TABLE)
        .file("warm.rhai", &warm(TABLE, "@latest").replace("\"table\"", "\"warm\""))
        .file("accuracy.rhai", &warm(TABLE, "@latest").replace("roc_auc", "accuracy"))
        .file("table.csv", &table(1))
        .file("other.csv", &table(2))
}

fn run(project: &Project, arguments: &[&str]) -> PathBuf {
    let output = project.xrun([arguments, &["--json", "--quiet"]].concat());
    output.code(0);
    PathBuf::from(output.json()["path"].as_str().unwrap())
}

fn id(run: &Path) -> String {
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The cells of a run's `trials.csv` below its header.
fn trials(run: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(run.join("trials.csv")).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn trials_inside_the_new_space_count_and_the_others_are_told() {
    let project = project();
    let first = run(&project, &["first.rhai"]);
    let n_below = trials(&first).iter().filter(|cells| cells[6].parse::<f64>().unwrap() < -2.0).count();
    assert!(n_below > 2 && n_below < 20, "{n_below}");
    let count = format!(
        "{} of 24 trials of {} count: {n_below} have objective.x1 outside uniform(-2.0, 10.0)\n",
        24 - n_below,
        id(&first)
    );
    project.xrun(["plan", "second.rhai"]).code(0).stdout_contains(&format!("warm     {count}"));
    let plan = project.xrun(["plan", "second.rhai", "--json"]).code(0).json();
    assert_eq!(
        plan["warm_start"],
        serde_json::json!({ "run": id(&first), "n_trials": 24, "n_counting": 24 - n_below })
    );
    project.xrun(["second.rhai"]).code(0).stderr_contains(&format!("warm start: {count}"));
    project
        .xrun(["second.rhai", &format!("from={}", id(&first)), "low=-5.0"])
        .code(0)
        .stderr_contains(&format!("warm start: 24 of 24 trials of {} count\n", id(&first)));
}

#[test]
fn they_count_for_the_random_start_and_are_no_trials_of_the_run() {
    let project = project();
    let first = run(&project, &["first.rhai"]);
    let second = run(&project, &["second.rhai"]);
    let cold_script = SECOND.replace(", warm_start: param(\"from\", \"@latest\", \"run\")", "");
    project.write("cold.rhai", &cold_script.replace("\"second\"", "\"cold\""));
    let cold = run(&project, &["cold.rhai"]);
    let (of_second, of_cold) = (trials(&second), trials(&cold));
    assert_eq!((of_second.len(), of_cold.len()), (8, 8));
    assert!(
        of_second.iter().zip(&of_cold).all(|(warm, cold)| warm[6] != cold[6]),
        "the first trial is not drawn at random"
    );
    let summary: Value = serde_json::from_str(&fs::read_to_string(second.join("summary.json")).unwrap()).unwrap();
    let best = |cells: &[Vec<String>]| {
        let values = cells.iter().filter(|cells| cells[0] == "0").map(|cells| cells[4].parse::<f64>().unwrap());
        values.fold(f64::INFINITY, f64::min)
    };
    assert_eq!(summary["studies"][0]["best_value"], best(&of_second));
    assert_eq!(summary["studies"][0]["n_complete"], 4);
    assert_ne!(best(&trials(&first)), best(&of_second));
}

#[test]
fn what_was_taken_lies_in_the_run_which_needs_the_other_one_no_more() {
    let project = project();
    let first = run(&project, &["first.rhai"]);
    let second = run(&project, &["second.rhai", "--workers", "2"]);
    let config = project.read(second.join("config.rhai"));
    assert!(config.contains(&format!("warm_start: \"{}\"", id(&first))) && !config.contains("@latest"), "{config}");
    let manifest: Value = serde_json::from_str(&project.read(second.join("run.json"))).unwrap();
    let taken = project.read(second.join("warm_start.json"));
    assert_eq!(manifest["warm_start_blake3"], blake3::hash(taken.as_bytes()).to_hex().to_string());
    fs::remove_dir_all(first).unwrap();
    project.xrun(["replay", &id(&second)]).code(0).stdout_contains("bit for bit");
    let again = run(&project, &[&second.join("config.rhai").display().to_string(), "--fresh"]);
    assert_same_run(&second, &again);
    // As if it had been stopped after a few fits.
    for file in ["summary.json", "timing.csv"] {
        fs::remove_file(again.join(file)).unwrap();
    }
    let journal = project.read(again.join("journal.jsonl"));
    let kept: Vec<&str> = journal.lines().take(9).collect();
    fs::write(again.join("journal.jsonl"), kept.join("\n") + "\n").unwrap();
    for trial in ["trial-002", "trial-003"] {
        fs::remove_dir_all(again.join("outer-0/inner-1").join(trial)).unwrap();
    }
    assert_same_run(&second, &run(&project, &["resume", &id(&again)]));
    // What was altered is found.
    let at = second.join("warm_start.json");
    fs::write(&at, taken.replacen("\"number\": 0", "\"number\": 7", 1)).unwrap();
    project.xrun(["replay", &id(&second)]).code(4).stdout_contains("warm_start.json");
}

#[test]
fn nothing_measured_on_test_rows_is_read() {
    let project = project();
    let first = run(&project, &["table.rhai"]);
    let with_tests = run(&project, &["warm.rhai", "--fresh"]);
    fs::remove_dir_all(&with_tests).unwrap();
    for name in project.names(&first) {
        let path = first.join(&name);
        if path.is_dir() && name != "imports" {
            fs::remove_dir_all(path).unwrap();
        } else if ["summary.json", "trials.csv", "timing.csv"].contains(&name.as_str()) {
            fs::remove_file(path).unwrap();
        }
    }
    project
        .xrun(["warm.rhai", "--fresh"])
        .code(0)
        .stderr_contains(&format!("warm start: 6 of 6 trials of {} count\n", id(&first)));
}

#[test]
fn a_run_is_named_as_elsewhere() {
    let project = project();
    let first = run(&project, &["first.rhai"]);
    let id = id(&first);
    for from in [&id, &id[..id.len() - 2], &format!("results/first/{id}"), &first.display().to_string()] {
        let told = format!("trials of {id} count");
        project.xrun(["plan", "second.rhai", &format!("from={from}")]).code(0).stdout_contains(&told);
    }
    fs::create_dir_all(project.path("below")).unwrap();
    let project = project.from("below");
    let from = format!("from=results/first/{id}");
    project.xrun(["plan", "../second.rhai", &from]).code(0).stdout_contains(&format!("trials of {id} count"));
}

const HINT: &str = "name another run, as `xrun ls` lists them, or leave `warm_start` out";

#[track_caller]
fn refused(project: &Project, arguments: &[&str], message: &str) {
    let output = project.xrun(arguments);
    output.code(2).stderr_is(&format!("error: warm_start: {message}\nhint: {HINT}\n"));
    assert_eq!(project.xrun([&["plan"], arguments].concat()).code(2).stderr, output.stderr);
}

#[test]
fn runs_that_cannot_be_compared_are_refused_with_what_differs() {
    let project = project();
    run(&project, &["table.rhai"]);
    refused(
        &project,
        &["accuracy.rhai"],
        "[RUN] was to maximize roc_auc, and this search is to maximize accuracy: their values cannot be compared",
    );
    let output = project.xrun(["warm.rhai", "data=other.csv"]);
    output.code(2).stderr_contains("error: warm_start: ").stderr_contains("has other data (fingerprint ");
    run(&project, &["first.rhai", "seed_of_folds=7"]);
    refused(
        &project,
        &["second.rhai"],
        "outer 0 of [RUN] has other train or validation rows in inner fold 0: its values cannot be compared with those of this run",
    );
    run(&project, &["first.rhai", "per=inner"]);
    refused(
        &project,
        &["second.rhai"],
        "[RUN] has no study for outer 0; it has outer 0, inner 0; outer 0, inner 1; outer 1, inner 0; outer 1, inner 1",
    );
    run(&project, &["first.rhai"]);
    refused(
        &project,
        &["second.rhai", "inner=3"],
        "outer 0 of [RUN] has other inner folds, 2 and not 3: its values cannot be compared with those of this run",
    );
    refused(&project, &["second.rhai", "from=19990101"], "there is no run `19990101` in [PROJECT]/results");
    let latest = project.runs("first").pop().unwrap();
    let config = latest.join("outer-0/inner-0/trial-000/config.rhai").display().to_string();
    run(&project, &[&config]);
    refused(&project, &["second.rhai"], "[RUN] has no search whose trials could be known");
    let text = project.read(latest.join("splits.json"));
    project.write(latest.join("splits.json"), &format!("{text} "));
    let from = format!("from={}", latest.file_name().unwrap().to_str().unwrap());
    refused(&project, &["second.rhai", &from], "splits.json of [RUN] was changed after it was written");
}

#[test]
fn a_sampler_that_learns_nothing_takes_no_warm_start() {
    let line = r#"    search: random(#{ trials: 2, minimize: "value", warm_start: "@latest" }),"#;
    let script =
        format!("experiment(#{{\n    name: \"a\",\n    objective: sphere([uniform(0.0, 1.0)]),\n{line}\n}})\n");
    let output = Project::new().script(&script).xrun(["check", "experiment.rhai"]);
    let place = format!("experiment.rhai:4:{}", line.find("warm_start").unwrap() + 1);
    let hint =
        "`random` takes trials, maximize, minimize, objectives, constraints, per, lag, enqueue, prune, race, stop";
    output.code(2).stderr_is(&error_at("unknown key `warm_start` in `random`", &place, line, 10, Some(hint)));
}
