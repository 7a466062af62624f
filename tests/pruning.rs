//! Trials that are given up: the same ones at the same epochs however the run went, and never trained twice.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Output, Project, error_at};
use xrun::seed::Seed;

/// A search in which many learning rates are hopeless, with one of several pruners.
const SCRIPT: &str = r#"
let pruner = param("pruner", "median", "how trials are given up");
let pruners = #{
    median: median(#{ n_startup: 2, warmup_epochs: 1 }),
    percentile: percentile(25.0, #{ n_startup: 3, interval: 2 }),
    threshold: threshold(0.6, #{ warmup_epochs: 3 }),
    patience: patience(8),
    halving: successive_halving(#{ reduction_factor: 2 }),
    hyperband: hyperband(#{ max_epochs: 8, reduction_factor: 2 }),
};
let search = #{ trials: 8, maximize: "roc_auc", per: param("per", "inner", "a study"), lag: param("lag", 1, "lag") };
if pruner != "none" { search.prune = pruners[pruner]; }
experiment(#{
    name: "tiny",
    data: csv_table("table.csv", #{ target: "label" }),
    model: classifier(#{ backbone: mlp(#{ hidden: [int(4, 12)], dropout: 0.2 }) }),
    train: [
        phase("first", #{ epochs: 2, batch_size: 8, optimizer: sgd(#{ lr: 1e-4 }) }),
        phase("second", #{ epochs: param("epochs", 10, "epochs"), batch_size: 8,
                           optimizer: adamw(#{ lr: log_uniform(1e-6, 1e-1) }) }),
    ],
    cv: nested(#{ outer: stratified_kfold(4, 1), inner: stratified_kfold(3, 2), take: #{ outer: 2, inner: 2 } }),
    search: tpe(search),
})
"#;

/// A noisy formula over ten inner folds, with a race between trials.
const RACE: &str = r#"
experiment(#{
    name: "race",
    data: rows(60),
    objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0), noise: 4.0 }),
    cv: nested(#{ outer: kfold(3, 1), inner: kfold(param("folds", 10, "inner folds"), 2) }),
    search: tpe(#{ trials: 25, minimize: "value", per: "outer", lag: param("lag", 1, "lag"), race: #{} }),
})
"#;

/// One trial that does not get better for long before it is given up, and takes long enough to be stopped before.
const LONG: &str = r#"
experiment(#{
    name: "long",
    data: pets(#{ size: 16, n: 160 }),
    model: classifier(#{ backbone: convnet(#{ width: 8, blocks: 2 }) }),
    train: [phase("full", #{ epochs: 10000, batch_size: 8, optimizer: adamw(#{ lr: 1e-3 }), augment: [flip(0.5)] })],
    cv: nested(#{ outer: stratified_kfold(4, 1), inner: stratified_kfold(3, 2), take: #{ outer: 1, inner: 1 } }),
    search: random(#{ trials: 1, maximize: "accuracy", prune: patience(1000) }),
})
"#;

fn project() -> Project {
    let mut stream = Seed::root(5).stream();
    let mut table = String::from("a,b,c,label\n");
    for row in 0..60 {
        let (centre, label) = if row % 2 == 0 { (0.6, "yes") } else { (-0.6, "no") };
        let [a, b, c] = [centre + stream.normal(), centre * 0.5 + stream.normal(), stream.normal()];
        writeln!(table, "{a:.6},{b:.6},{c:.6},{label}").unwrap();
    }
    Project::new().file("tiny.rhai", SCRIPT).file("race.rhai", RACE).file("long.rhai", LONG).file("table.csv", &table)
}

fn run(project: &Project, arguments: &[&str]) -> Value {
    let output = project.xrun([arguments, &["--json", "--quiet"]].concat());
    output.code(0);
    output.json()
}

fn folder(report: &Value) -> PathBuf {
    PathBuf::from(report["path"].as_str().unwrap())
}

/// The files of a run that are pure functions of script, data and seed, by their path in the run.
fn pure_files(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_pure = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let names = ["trials.csv", "metrics.csv", "summary.json", "model.safetensors"];
        names.contains(&name) || name.ends_with("predictions.csv")
    };
    let files = Project::new().contents(run).into_iter().filter(|(path, _)| is_pure(path));
    files.map(|(path, bytes)| (path.strip_prefix(run).unwrap().to_owned(), bytes)).collect()
}

#[track_caller]
fn assert_same(one: &BTreeMap<PathBuf, Vec<u8>>, other: &BTreeMap<PathBuf, Vec<u8>>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in one {
        assert!(bytes == &other[name], "{} differs", name.display());
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The outcome of every fit of a run, by its folder.
fn outcomes(run: &Path) -> BTreeMap<PathBuf, Value> {
    let files = Project::new().contents(run).into_keys().filter(|path| path.ends_with("outcome.json"));
    files.map(|path| (path.parent().unwrap().strip_prefix(run).unwrap().to_owned(), json(&path))).collect()
}

fn pruned(run: &Path) -> Vec<PathBuf> {
    outcomes(run).into_iter().filter(|(_, outcome)| outcome["status"] == "pruned").map(|(fit, _)| fit).collect()
}

#[test]
fn every_pruner_gives_up_the_same_trials_however_many_workers_there_are() {
    for (script, arguments) in [
        ("tiny.rhai", &["pruner=median"][..]),
        ("tiny.rhai", &["pruner=percentile", "lag=3"]),
        ("tiny.rhai", &["pruner=threshold", "per=outer"]),
        ("tiny.rhai", &["pruner=patience"]),
        ("tiny.rhai", &["pruner=halving", "per=outer", "lag=2"]),
        ("tiny.rhai", &["pruner=hyperband"]),
        ("race.rhai", &["lag=2"]),
    ] {
        let arguments = [&[script], arguments].concat();
        let here = project();
        let serial = run(&here, &arguments);
        assert!(serial["n_pruned"].as_u64().unwrap() > 0, "{arguments:?}: {serial}");
        assert!(serial["n_epochs_saved"].as_u64().unwrap() > 0, "{arguments:?}: {serial}");
        let files = pure_files(&folder(&serial));
        for workers in ["2", "4"] {
            let elsewhere = project();
            let report = run(&elsewhere, &[&arguments[..], &["--workers", workers]].concat());
            assert_same(&files, &pure_files(&folder(&report)));
        }
    }
}

#[test]
fn a_pruned_trial_is_recorded_with_its_epoch_and_its_value_and_told() {
    let project = project();
    let told = project.xrun(["tiny.rhai"]);
    let path = project.path(project.only_run("tiny"));
    told.code(0).stderr_contains(" pruned at epoch ");
    let summary = json(&path.join("summary.json"));
    let n_pruned = summary["n_pruned"].as_u64().unwrap();
    told.stdout_contains(&format!("{n_pruned} trials pruned ({} epochs saved)", summary["n_epochs_saved"]));

    let (mut n, mut n_saved) = (0, 0);
    let trials = project.read(project.only_run("tiny").join("trials.csv"));
    for (fit, outcome) in outcomes(&path).iter().filter(|(_, outcome)| outcome["status"] == "pruned") {
        let n_epochs = outcome["n_epochs"].as_u64().unwrap();
        n += 1;
        n_saved += outcome["n_planned"].as_u64().unwrap() - n_epochs;
        assert_eq!(outcome["pruned"]["epoch"], n_epochs);
        assert_eq!(outcome["score"], Value::Null);
        assert!(outcome["validation"].as_object().unwrap().is_empty());
        let metrics = project.read(path.join(fit).join("metrics.csv"));
        let mut lines = metrics.lines();
        let column = lines.next().unwrap().split(',').position(|name| name == "validation.roc_auc").unwrap();
        let curve: Vec<f64> = lines.map(|line| line.split(',').nth(column).unwrap().parse().unwrap()).collect();
        assert_eq!(curve.len() as u64, n_epochs);
        assert_eq!(outcome["pruned"]["value"], *curve.last().unwrap());
        let row = format!("pruned,{:?},after {n_epochs} epochs,", curve.last().unwrap());
        assert!(trials.contains(&row), "{row} is not in {trials}");
    }
    assert_eq!((n, n_saved), (n_pruned, summary["n_epochs_saved"].as_u64().unwrap()));
    let of_studies: u64 = summary["studies"].as_array().unwrap().iter().map(|s| s["n_pruned"].as_u64().unwrap()).sum();
    assert_eq!(of_studies, n_pruned);
}

/// The bounds of a fit are the medians of what the records of earlier trials say, computed here once more.
#[test]
fn a_fits_config_holds_the_medians_of_the_complete_trials_before_it() {
    let project = project();
    let report = run(&project, &["tiny.rhai"]);
    let study = folder(&report).join("outer-1/inner-0");
    let curve = |trial: usize| -> Option<Vec<f64>> {
        let fit = study.join(format!("trial-{trial:03}"));
        let metrics = project.read(fit.join("metrics.csv"));
        let mut lines = metrics.lines();
        let column = lines.next().unwrap().split(',').position(|name| name == "validation.roc_auc").unwrap();
        let is_complete = json(&fit.join("outcome.json"))["status"] == "complete";
        is_complete.then(|| lines.map(|line| line.split(',').nth(column).unwrap().parse().unwrap()).collect())
    };
    let config = |trial: usize| project.read(study.join(format!("trial-{trial:03}/config.rhai")));
    assert!(!config(0).contains("prune") && !config(1).contains("prune"), "two complete trials come first");
    for trial in 2..8 {
        let before: Vec<Vec<f64>> = (0..trial).filter_map(curve).collect();
        let medians: Vec<String> = (1..11)
            .map(|index| {
                let mut at: Vec<f64> = before.iter().map(|curve| curve[index]).collect();
                at.sort_by(f64::total_cmp);
                // As a percentile: from below in the order of losses, which is from above here.
                at.reverse();
                let (low, high) = (at[(at.len() - 1) / 2], at[at.len() / 2]);
                format!("{:?}", low + (high - low) * 0.5)
            })
            .collect();
        let config: String = config(trial).split_whitespace().collect();
        assert!(config.contains(&format!("values:[{}", medians.join(","))), "{medians:?}\n{config}");
        assert!(config.contains("epochs:[2,3,4,5,6,7,8,9,10,11]") && config.contains("on:\"best\""), "{config}");
    }
}

#[test]
fn a_second_run_trains_nothing_and_what_was_not_judged_is_shared_with_a_run_without_a_pruner() {
    let project = project();
    let none = run(&project, &["tiny.rhai", "pruner=none"]);
    assert_eq!(none["n_pruned"], Value::Null);
    let first = run(&project, &["tiny.rhai"]);
    // Two trials come first in each of the four studies, and perhaps a final.
    assert!(first["n_reused"].as_u64().unwrap() >= 8, "{first}");
    assert!(first["n_trained"].as_u64().unwrap() > 0, "{first}");
    for (script, arguments) in
        [("tiny.rhai", &[][..]), ("tiny.rhai", &["per=outer"]), ("race.rhai", &[]), ("race.rhai", &["lag=3"])]
    {
        let arguments = [&[script], arguments].concat();
        let first = run(&project, &arguments);
        let again = run(&project, &arguments);
        assert_eq!(again["n_trained"], 0, "{again}");
        assert_eq!(again["n_reused"], again["n_fits"], "{again}");
        assert_same(&pure_files(&folder(&first)), &pure_files(&folder(&again)));
        let config = folder(&first).join("config.rhai");
        assert_eq!(run(&project, &[config.to_str().unwrap()])["n_trained"], 0, "the config is another search");
        project.xrun([&["plan"], &arguments[..]].concat()).code(0).stdout_contains("nothing is trained");
    }
}

#[test]
fn a_run_and_a_pruned_fit_of_it_are_replayed_and_a_fits_config_alone_gives_it_again() {
    for arguments in [&["tiny.rhai"][..], &["tiny.rhai", "per=outer", "pruner=halving"]] {
        let project = project();
        let report = run(&project, arguments);
        project.xrun(["replay", "@latest"]).code(0).stdout_contains("equal: ");
        let fit = pruned(&folder(&report)).pop().unwrap();
        project.xrun(["replay", &format!("@latest:{}", fit.display())]).code(0).stdout_contains("equal: 1 fit ");
        let recorded = folder(&report).join(&fit);
        let config = recorded.join("config.rhai");
        let alone = project.xrun([config.to_str().unwrap(), "--fresh"]);
        let n_epochs = json(&recorded.join("outcome.json"))["n_epochs"].as_u64().unwrap();
        alone.code(0).stderr_contains(&format!("pruned at epoch {n_epochs} of 12"));
        let latest = project.path(project.runs("tiny").pop().unwrap()).join("fit");
        assert_eq!(project.read(latest.join("metrics.csv")), project.read(recorded.join("metrics.csv")));
    }
}

#[test]
fn a_pruned_trial_keeps_its_other_inner_folds_from_being_trained() {
    let project = project();
    let report = run(&project, &["tiny.rhai", "per=outer", "pruner=halving"]);
    let run_folder = folder(&report);
    let fits = outcomes(&run_folder);
    let pruned = pruned(&run_folder);
    assert!(pruned.iter().all(|fit| fit.iter().any(|part| part == "inner-0")), "{pruned:?}");
    for fit in &pruned {
        let other = PathBuf::from(fit.to_str().unwrap().replace("inner-0", "inner-1"));
        assert!(!fits.contains_key(&other), "{} was trained", other.display());
    }
    assert_eq!(fits.len(), 2 * (8 * 2 + 1) - pruned.len());
    assert_eq!(report["n_fits"], fits.len());
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_killed_at_any_moment_and_resumed_gives_up_the_same_trials() {
    let mut stream = Seed::root(79).stream();
    for (arguments, workers) in [
        (&["tiny.rhai"][..], "2"),
        (&["tiny.rhai", "pruner=halving", "per=outer", "lag=2"], "1"),
        (&["race.rhai"], "2"),
    ] {
        let project = project();
        let arguments = [arguments, &["--workers", workers]].concat();
        let clock = Instant::now();
        let serial = pure_files(&folder(&run(&project, &arguments)));
        let whole = clock.elapsed();
        let experiment = arguments[0].trim_end_matches(".rhai");
        for _ in 0..2 {
            std::fs::remove_dir_all(project.path("results")).unwrap();
            while project.runs(experiment).iter().all(|run| !project.path(run).join("run.json").is_file()) {
                kill_after(&project, &arguments, whole.mul_f64(stream.unit()));
            }
            kill_after(&project, &["resume", "@latest", "--workers", workers], whole.mul_f64(stream.unit()));
            run(&project, &["resume", "@latest", "--workers", workers]);
            let latest = project.path(project.runs(experiment).pop().unwrap());
            assert_same(&serial, &pure_files(&latest));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_fit_that_goes_on_from_a_checkpoint_is_given_up_at_the_same_epoch() {
    let fit = |project: &Project| project.path(project.only_run("long")).join("outer-0/inner-0/trial-000");
    let reference = project();
    // The only trial is pruned, so there is nothing to build a final on.
    reference
        .xrun(["long.rhai"])
        .code(1)
        .stderr_contains("error: no trial of outer 0, inner 0 gave a value: 1 trial pruned\nhint: prune less");
    let expected = json(&fit(&reference).join("outcome.json"));
    assert_eq!(expected["status"], "pruned", "{expected}");

    let project = project();
    let mut child = project.command(&["long.rhai"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let clock = Instant::now();
    while project.runs("long").is_empty() || !fit(&project).join("checkpoint.bin").is_file() {
        assert!(clock.elapsed() < Duration::from_secs(60), "no checkpoint is made");
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!fit(&project).join("outcome.json").exists(), "the training is too short to be stopped");
    project.xrun(["resume", "@latest"]).code(1);
    let resumed = json(&fit(&project).join("outcome.json"));
    assert!(resumed["continued_after_epoch"].as_u64().is_some(), "{resumed}");
    assert_eq!(resumed["pruned"], expected["pruned"]);
    assert_eq!(project.read(fit(&project).join("metrics.csv")), reference.read(fit(&reference).join("metrics.csv")));
}

#[test]
fn a_race_spares_folds_and_a_plan_says_how_its_folds_are_trained() {
    let project = project();
    let report = run(&project, &["race.rhai"]);
    let n_fits = report["n_fits"].as_u64().unwrap();
    assert!(n_fits < 753, "{report}");
    assert_eq!(n_fits + report["n_epochs_saved"].as_u64().unwrap(), 753, "a formula has one epoch a fit");
    let trials = project.read(project.only_run("race").join("trials.csv"));
    assert!(trials.lines().any(|line| line.contains(",pruned,") && line.contains("after 3 epochs")), "{trials}");
    project
        .xrun(["plan", "race.rhai"])
        .code(0)
        .stdout_contains(
            "race     level 0.05; inner folds are trained in order, and a trial may be given up after 3 of them",
        )
        .stdout_contains("fits     3 x (25 x 10 + 1) = 753 fits, at most")
        .stdout_contains("at once  3 fits at most");
    project
        .xrun(["plan", "tiny.rhai", "per=outer"])
        .code(0)
        .stdout_contains("prune    median, on a trial's first inner fold; the others are trained when it has passed");
}

fn refused(search: &str, outer: bool) -> (Project, Output) {
    let model = r#"
    data: csv_table("table.csv", #{ target: "label" }),
    model: classifier(#{ backbone: mlp(#{}) }),
    train: [phase("fit", #{ epochs: 3, optimizer: sgd(#{}) })],"#;
    let formula = r#"
    data: rows(60),
    objective: sphere([uniform(0.0, 1.0)]),"#;
    let what = if outer { formula } else { model };
    let script = format!(
        "experiment(#{{\n    name: \"a\",{what}\n    cv: nested(#{{ outer: kfold(3, 1), inner: kfold(3, 2) }}),\n{search}\n}})\n"
    );
    let project = project().script(&script);
    let output = project.xrun(["check", "experiment.rhai"]);
    (project, output)
}

#[test]
fn what_cannot_be_judged_is_an_error_at_its_place() {
    let at = |line: usize, column: usize| format!("experiment.rhai:{line}:{column}");
    let formula = r#"    search: random(#{ trials: 2, minimize: "value", prune: median() }),"#;
    let (_, output) = refused(formula, true);
    output.code(2).stderr_is(&error_at(
        "a pruner judges the epochs of a training, and a formula has none",
        &at(6, 60),
        formula,
        6,
        Some("leave `prune` out; `race` gives trials up after some inner folds"),
    ));
    let inner = r#"    search: random(#{ trials: 2, maximize: "roc_auc", race: #{} }),"#;
    let (_, output) = refused(inner, false);
    output.code(2).stderr_is(&error_at(
        "a race is between the inner folds of a trial, and per: \"inner\" has one fold a trial",
        &at(7, 61),
        inner,
        1,
        Some("set per: \"outer\""),
    ));
    let few = r#"    search: random(#{ trials: 2, maximize: "roc_auc", per: "outer", race: #{} }),"#;
    let (_, output) = refused(few, false);
    output.code(2).stderr_contains("a race needs at least 4 inner folds, but there are 3");
    for (pruner, message) in [
        ("hyperband(#{ max_epochs: 2 })", "max_epochs 2 is below 3, so there is one bracket only"),
        ("bounds(#{ epochs: [1, 2], values: [0.5] })", "2 epochs have 1 values"),
        ("bounds(#{ epochs: [2, 1], values: [0.5, 0.5] })", "epoch 1 does not come after epoch 2"),
        ("median(#{ n_startup: 0 })", "a whole number of at least 1 was expected here, not the whole number `0`"),
        ("median(#{ n_startup: int(1, 5) })", "this cannot be searched"),
        ("youden()", "a pruner was expected here"),
    ] {
        let (_, output) =
            refused(&format!("    search: random(#{{ trials: 2, maximize: \"roc_auc\", prune: {pruner} }}),"), false);
        output.code(2).stderr_contains(message).stderr_contains("experiment.rhai:7:");
    }
}

#[test]
fn a_fits_config_takes_only_what_a_fit_can_be_held_against() {
    let project = project();
    let report = run(&project, &["tiny.rhai"]);
    let fit = pruned(&folder(&report)).pop().unwrap();
    let config = project.read(folder(&report).join(&fit).join("config.rhai"));
    let start = config.find("prune: ").unwrap();
    let end = start + config[start..].find("})").unwrap() + 2;
    let with = |rule: &str| project.write("fit.rhai", &config.replace(&config[start..end], rule));
    with("prune: median()");
    project
        .xrun(["check", "fit.rhai"])
        .code(2)
        .stderr_contains("`median` is a rule for the trials of a search, and this is one fit");
    let as_final = config.replace("role: \"trial\"", "role: \"final\"");
    project.write("fit.rhai", &as_final);
    project.xrun(["check", "fit.rhai"]).code(2).stderr_contains("a final is trained to its end");
}

#[cfg(target_os = "linux")]
fn kill_after(project: &Project, arguments: &[&str], after: Duration) {
    let mut child = project.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
}
