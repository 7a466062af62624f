//! Parallel equals serial, killed equals uninterrupted, and nothing is trained twice: end to end through the binary.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::Project;
use xrun::seed::{Seed, Stream};

/// A two-class table that can be learned a little.
fn table(n: usize) -> String {
    let mut stream = Seed::root(5).stream();
    let mut text = String::from("a,b,c,label\n");
    for row in 0..n {
        let (centre, label) = if row % 2 == 0 { (0.6, "yes") } else { (-0.6, "no") };
        let [a, b, c] = [centre + stream.normal(), centre * 0.5 + stream.normal(), stream.normal()];
        text.push_str(&format!("{a:.6},{b:.6},{c:.6},{label}\n"));
    }
    text
}

/// A search over a net with dropout, batch norm, AdamW and early stopping, in four studies.
const TINY: &str = r#"
experiment(#{
    name: param("name", "tiny", "names the folder"),
    data: csv_table(param("data", "table.csv", "the table"), #{ target: "label" }),
    model: classifier(#{
        backbone: mlp(#{ hidden: [int(4, 12)], dropout: 0.2 }),
        head: [linear(6), batch_norm(), relu(), dropout(uniform(0.0, 0.5))],
    }),
    train: [
        phase("fit", #{ epochs: param("epochs", 6, "epochs"), batch_size: 8, early_stop: #{ patience: 3 },
                        optimizer: adamw(#{ lr: log_uniform(1e-3, 1e-1) }) }),
    ],
    cv: nested(#{ outer: stratified_kfold(4, param("split_seed", 1, "seed of the folds")),
                  inner: stratified_kfold(3, 2), take: #{ outer: 2, inner: 2 } }),
    search: tpe(#{ trials: param("trials", 4, "trials"), maximize: "roc_auc", per: param("per", "inner", "a study"),
                   lag: param("lag", 1, "lag") }),
    threshold: youden(),
})
"#;

/// Two objectives, under a constraint on a metric whose threshold is still to be chosen.
const AIMS: &str = r#"
experiment(#{
    name: "aims",
    data: csv_table("table.csv", #{ target: "label" }),
    model: classifier(#{ backbone: mlp(#{ hidden: [int(2, 12)] }) }),
    train: [phase("fit", #{ epochs: 4, batch_size: 8, optimizer: adamw(#{ lr: log_uniform(1e-4, 1e-1) }) })],
    cv: nested(#{ outer: stratified_kfold(4, 1), inner: stratified_kfold(3, 2), take: #{ outer: 2, inner: 2 } }),
    search: tpe(#{ trials: 9, n_startup: 4, objectives: [maximize("f1"), minimize("log_loss")],
                   constraints: [at_least("recall", 0.5)], per: "outer", lag: param("lag", 1, "lag") }),
    threshold: youden(),
})
"#;

/// A formula in a nested search.
const FORMULA: &str = r#"
experiment(#{
    name: "formula",
    data: rows(40),
    objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0), noise: 1.0 }),
    cv: nested(#{ outer: kfold(4, 1), inner: kfold(3, 2), take: #{ outer: 2, inner: 2 } }),
    search: tpe(#{ trials: 14, minimize: "value", per: "outer", lag: param("lag", 1, "lag") }),
})
"#;

/// One training that takes long enough to be stopped in its middle.
const LONG: &str = r#"
experiment(#{
    name: "long",
    data: pets(#{ size: 16, n: 80 }),
    model: classifier(#{ backbone: convnet(#{ width: 8, blocks: 2 }), head: [linear(8), batch_norm(), relu(), dropout(0.3)] }),
    train: [
        phase("warmup", #{ freeze: ["backbone"], epochs: 4, batch_size: 8, optimizer: adamw(#{ lr: 1e-3 }), augment: [flip(0.5)] }),
        phase("full", #{ epochs: param("epochs", 1500, "epochs"), batch_size: 8, early_stop: #{ patience: 10_000 },
                         optimizer: adamw(#{ lr: 1e-3 }), augment: [flip(0.5), crop(1), rand_augment(), mixup(0.2)] }),
    ],
    cv: nested(#{ outer: stratified_kfold(4, 1), inner: stratified_kfold(3, 2), take: #{ outer: 1, inner: 1 } }),
})
"#;

fn project() -> Project {
    Project::new()
        .file("tiny.rhai", TINY)
        .file("formula.rhai", FORMULA)
        .file("aims.rhai", AIMS)
        .file("long.rhai", LONG)
        .file("table.csv", &table(48))
}

/// Runs with `--json` and gives what it says.
fn run(project: &Project, arguments: &[&str]) -> serde_json::Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json", "--quiet"]).collect();
    let output = project.xrun(arguments);
    output.code(0);
    output.json()
}

/// The files of a run that are pure functions of script, data and seed, by name.
fn pure_files(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![run.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let is_pure = name.ends_with("predictions.csv")
                || ["trials.csv", "metrics.csv", "summary.json", "splits.json", "model.json", "model.safetensors"]
                    .contains(&name.as_str());
            if is_pure {
                let relative = path.strip_prefix(run).unwrap().to_string_lossy().into_owned();
                found.insert(relative, fs::read(&path).unwrap());
            }
            assert!(!name.ends_with(".partial") && name != "checkpoint.bin", "{} is left over", path.display());
        }
    }
    found
}

#[track_caller]
fn assert_same(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in one {
        assert!(bytes == &other[name], "{name} differs");
    }
}

/// What a run of the script, never interrupted, by one worker, gives.
fn reference(script: &str, arguments: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let project = project();
    let report = run(&project, &[&[script], arguments].concat());
    let files = pure_files(Path::new(report["path"].as_str().unwrap()));
    assert!(files.len() > 20 || script == "long.rhai", "{:?}", files.keys());
    files
}

fn path_of(report: &serde_json::Value) -> PathBuf {
    PathBuf::from(report["path"].as_str().unwrap())
}

// Workers.

#[test]
fn the_numbers_do_not_depend_on_the_number_of_workers_nor_on_the_folder() {
    for (script, arguments) in [
        ("tiny.rhai", vec![]),
        ("tiny.rhai", vec!["per=outer"]),
        ("formula.rhai", vec![]),
        ("tiny.rhai", vec!["lag=3"]),
        ("tiny.rhai", vec!["train.fit.precision=bf16"]),
        ("aims.rhai", vec![]),
        ("aims.rhai", vec!["lag=3"]),
    ] {
        let serial = reference(script, &arguments);
        for workers in ["2", "4"] {
            let elsewhere = project();
            let report = run(&elsewhere, &[&[script][..], &arguments, &["--workers", workers]].concat());
            assert_same(&serial, &pure_files(&path_of(&report)));
        }
    }
}

#[test]
fn steps_in_bf16_give_other_numbers_than_those_in_f32_and_the_same_with_any_number_of_threads() {
    let short = ["epochs=2", "train.warmup.epochs=1"];
    let half = [&short[..], &["train.full.precision=bf16"]].concat();
    let serial = reference("long.rhai", &half);
    assert_ne!(serial["summary.json"], reference("long.rhai", &short)["summary.json"]);
    let elsewhere = project();
    let report = run(&elsewhere, &[&["long.rhai"][..], &half, &["--threads", "3"]].concat());
    assert_same(&serial, &pure_files(&path_of(&report)));
}

#[cfg(target_os = "linux")]
#[test]
fn the_numbers_do_not_depend_on_which_worker_is_quick() {
    let serial = reference("tiny.rhai", &["lag=2", "epochs=20"]);
    let mut stream = Seed::root(77).stream();
    for _ in 0..3 {
        let project = project();
        let mut child = start(&project, &["tiny.rhai", "lag=2", "epochs=20", "--workers", "3"]);
        while child.try_wait().unwrap().is_none() {
            // A worker is held for a while, so that others overtake it.
            let workers = workers_of(child.id());
            if !workers.is_empty() {
                let worker = workers[stream.below(workers.len())];
                signal(worker, "STOP");
                thread::sleep(Duration::from_millis(5 + stream.below(60) as u64));
                signal(worker, "CONT");
            }
            thread::sleep(Duration::from_millis(stream.below(10) as u64));
        }
        assert_same(&serial, &pure_files(&project.path(project.only_run("tiny"))));
    }
}

#[test]
fn a_lag_changes_the_list_of_trials_and_lets_fits_of_one_study_overlap() {
    let trials = |files: &BTreeMap<String, Vec<u8>>| files["trials.csv"].clone();
    assert_ne!(trials(&reference("formula.rhai", &[])), trials(&reference("formula.rhai", &["lag=3"])));
    let project = project();
    // Fits that stop early are over before the next worker has begun.
    let long = ["epochs=600", "train.fit.early_stop.patience=600"];
    let arguments = ["tiny.rhai", "cv.take.outer=1", "cv.take.inner=1", "lag=3", "--workers", "3"];
    let report = run(&project, &[&arguments[..], &long].concat());
    let timing = fs::read_to_string(path_of(&report).join("timing.csv")).unwrap();
    let mut spans: Vec<(f64, f64)> = timing
        .lines()
        .skip(1)
        .filter(|line| line.contains("trial-"))
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let clock = cells[1].split('T').nth(1).unwrap().trim_end_matches('Z');
            let clock: Vec<f64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
            let started = clock[0] * 3600.0 + clock[1] * 60.0 + clock[2];
            (started, started + cells[2].parse::<f64>().unwrap())
        })
        .collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(spans.len(), 4);
    assert!(spans.windows(2).any(|pair| pair[1].0 < pair[0].1), "no two fits overlap: {timing}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_worker_loses_its_fit_only_and_changes_no_number() {
    let serial = reference("tiny.rhai", &["epochs=20"]);
    let mut stream = Seed::root(78).stream();
    let project = project();
    let mut child = start(&project, &["tiny.rhai", "epochs=20", "--workers", "2", "--retries", "100"]);
    let mut n_killed = 0;
    while child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(30 + stream.below(60) as u64));
        let workers = workers_of(child.id());
        if n_killed < 6 && !workers.is_empty() {
            signal(workers[stream.below(workers.len())], "KILL");
            n_killed += 1;
        }
    }
    assert!(n_killed > 0);
    let run = project.path(project.only_run("tiny"));
    assert_same(&serial, &pure_files(&run));
    let journal = fs::read_to_string(run.join("journal.jsonl")).unwrap();
    assert!(journal.contains("\"fit_lost\"") && journal.contains("signal: 9"), "{journal}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_fit_that_is_lost_too_often_stops_the_run_and_nothing_is_lost() {
    let project = project();
    let mut child = start(&project, &["long.rhai", "--workers", "2", "--retries", "1"]);
    let mut killed = Vec::new();
    while killed.len() < 2 {
        match workers_of(child.id()).into_iter().find(|worker| !killed.contains(worker)) {
            Some(worker) => {
                signal(worker, "KILL");
                killed.push(worker);
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
    let (code, stderr) = end(&mut child);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr
            .contains("outer-0/inner-0/final was lost 2 times, the last time because its worker ended with signal: 9"),
        "{stderr}"
    );
    assert!(stderr.contains("go on with: xrun resume "), "{stderr}");
    run(&project, &["resume", "@latest"]);
    assert_same(&reference("long.rhai", &[]), &pure_files(&project.path(project.only_run("long"))));
}

// Resume.

#[cfg(target_os = "linux")]
#[test]
fn a_run_killed_at_any_moment_and_resumed_equals_one_that_never_was() {
    let n_moments: usize = std::env::var("XRUN_TEST_KILLS").map_or(10, |n| n.parse().unwrap());
    let mut stream = Seed::root(79).stream();
    for (script, workers, arguments) in [
        ("tiny.rhai", "2", vec!["epochs=20"]),
        ("formula.rhai", "1", vec![]),
        ("tiny.rhai", "1", vec!["per=outer", "epochs=20"]),
        ("aims.rhai", "2", vec!["lag=2"]),
    ] {
        let serial = reference(script, &arguments);
        let project = project();
        let arguments: Vec<&str> = [&[script][..], &arguments, &["--workers", workers]].concat();
        let clock = Instant::now();
        run(&project, &arguments);
        let whole = clock.elapsed();
        let experiment = script.trim_end_matches(".rhai");
        fs::remove_dir_all(project.path("results")).unwrap();
        for _ in 0..n_moments.div_ceil(3) {
            kill_after(&project, &arguments, moment(&mut stream, whole));
            while project.runs(experiment).iter().all(|run| !project.path(run).join("run.json").is_file()) {
                kill_after(&project, &arguments, moment(&mut stream, whole));
            }
            // It may be killed again while it goes on.
            kill_after(&project, &["resume", "@latest", "--workers", workers], moment(&mut stream, whole));
            let report = run(&project, &["resume", "@latest", "--workers", workers]);
            assert_eq!(report["status"], "complete");
            let latest = project.runs(experiment).pop().unwrap();
            assert_same(&serial, &pure_files(&project.path(latest)));
            fs::remove_dir_all(project.path("results")).unwrap();
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_fit_stopped_in_its_middle_goes_on_from_its_checkpoint() {
    let serial = reference("long.rhai", &[]);
    for workers in ["1", "2"] {
        let project = project();
        let mut child = start(&project, &["long.rhai", "--workers", workers]);
        let fit = || project.runs("long").pop().map(|run| project.path(run).join("outer-0/inner-0/final"));
        wait_until(|| fit().is_some_and(|fit| fit.join("checkpoint.bin").is_file()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!fit().unwrap().join("outcome.json").exists(), "the training is too short to be stopped");
        run(&project, &["resume", "@latest"]);
        let outcome = fs::read_to_string(fit().unwrap().join("outcome.json")).unwrap();
        let outcome: serde_json::Value = serde_json::from_str(&outcome).unwrap();
        assert!(outcome["continued_after_epoch"].as_u64().is_some_and(|epoch| epoch > 3), "{outcome}");
        assert_same(&serial, &pure_files(&project.path(project.only_run("long"))));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_stops_cleanly_and_says_how_to_go_on() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        for workers in ["1", "2"] {
            let project = project();
            let mut child = start(&project, &["long.rhai", "--workers", workers]);
            wait_until(|| project.runs("long").first().is_some_and(|run| project.path(run).join("outer-0").is_dir()));
            thread::sleep(Duration::from_millis(100));
            let workers = workers_of(child.id());
            signal(child.id(), name);
            let (ended, stderr) = end(&mut child);
            assert_eq!(ended, Some(code), "{stderr}");
            let run_folder = project.path(project.only_run("long"));
            assert!(stderr.contains("stopped; what is recorded is kept"), "{stderr}");
            assert!(stderr.contains(&format!("go on with: xrun resume {}", run_folder.display())), "{stderr}");
            wait_until(|| workers.iter().all(|worker| !is_alive(*worker)));
            project.xrun(["ls"]).code(0).stdout_contains("interrupted");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_replay_that_is_stopped_leaves_nothing_and_promises_nothing() {
    let project = project();
    run(&project, &["long.rhai"]);
    let before = pure_files(&project.path(project.only_run("long")));
    let mut child = start(&project, &["replay", "@latest"]);
    wait_until(|| project.path("results/.scratch").is_dir());
    thread::sleep(Duration::from_millis(200));
    signal(child.id(), "INT");
    let (code, stderr) = end(&mut child);
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("hint: the record is as it was; nothing of the replay is kept"), "{stderr}");
    assert!(!stderr.contains("xrun resume") && !project.path("results/.scratch").exists(), "{stderr}");
    assert_same(&before, &pure_files(&project.path(project.only_run("long"))));
}

#[test]
fn a_run_is_resumed_as_it_was_begun_also_in_another_place() {
    let project = project();
    let arguments = ["tiny.rhai", "epochs=20"];
    let mut child = start(&project, &arguments);
    wait_until(|| project.runs("tiny").first().is_some_and(|run| project.path(run).join("outer-0/inner-1").is_dir()));
    child.kill().unwrap();
    child.wait().unwrap();
    let run_folder = project.only_run("tiny");

    project.xrun(["resume", "@latest", "epochs=3"]).code(2).stderr_contains(
        "error: a run goes on as it was begun: only where the data are can be given\nhint: for other changes run it anew",
    );
    let elsewhere = Project::new().file("moved/table.csv", &table(48)).file("other.csv", &table(50));
    copy(&project.path(&run_folder), &elsewhere.path(&run_folder));
    fs::remove_file(project.path("table.csv")).unwrap();
    elsewhere.xrun(["resume", "@latest"]).code(2).stderr_contains("table.csv");
    elsewhere
        .xrun(["resume", "@latest", "data=other.csv"])
        .code(2)
        .stderr_contains("the data are not those the run was begun with; say where those are with data=PATH");
    let manifest = elsewhere.path(run_folder.join("run.json"));
    let begun = fs::read_to_string(&manifest).unwrap();
    let version = |version: &str| format!("\"sampler_version\": \"{version}\"");
    let before = begun.replace(&version(xrun::sampler::VERSION), &version("1"));
    assert_ne!(before, begun);
    fs::write(&manifest, before).unwrap();
    elsewhere.xrun(["resume", "@latest", "data=moved/table.csv"]).code(2).stderr_contains(&format!(
        "the run was begun with sampler version `1`, this is `{}`: its numbers would not be those of one run",
        xrun::sampler::VERSION
    ));
    fs::write(&manifest, begun).unwrap();
    let report = run(&elsewhere, &["resume", "@latest", "data=moved/table.csv"]);
    assert_eq!(report["n_fits"], 20);
    assert!(report["n_trained"].as_u64().unwrap() < 20, "{report}");
    assert_same(&reference("tiny.rhai", &["epochs=20"]), &pure_files(&elsewhere.path(&run_folder)));

    let again = elsewhere.xrun(["resume", "@latest"]);
    again.code(0).stderr_contains("came to its end; there is nothing to go on with");
}

#[test]
fn a_damaged_fit_is_named_and_trained_again_when_a_run_goes_on() {
    let project = project();
    let mut child = start(&project, &["tiny.rhai", "epochs=20"]);
    let metrics = "outer-0/inner-0/trial-000/metrics.csv";
    wait_until(|| project.runs("tiny").first().is_some_and(|run| project.path(run).join("outer-0/inner-1").is_dir()));
    child.kill().unwrap();
    child.wait().unwrap();
    let run_folder = project.only_run("tiny");
    let path = project.path(&run_folder).join(metrics);
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    let output = project.xrun(["resume", "@latest"]);
    output.code(0).stderr_contains("trial-000/metrics.csv is damaged: it was changed after it was written");
    assert_same(&reference("tiny.rhai", &["epochs=20"]), &pure_files(&project.path(&run_folder)));
}

// Reuse.

#[test]
fn what_is_recorded_is_not_trained_again() {
    let project = project();
    let first = run(&project, &["tiny.rhai"]);
    assert_eq!((&first["n_fits"], &first["n_trained"], &first["n_reused"]), (&20.into(), &20.into(), &0.into()));
    let files = pure_files(&path_of(&first));
    project.write("moved/table.csv", &table(48));
    for arguments in [
        &["tiny.rhai"][..],
        &["tiny.rhai", "--workers", "2"],
        &["tiny.rhai", "--threads", "2"],
        &["tiny.rhai", "name=other"],
        &["tiny.rhai", "data=moved/table.csv"],
        &["results/tiny/@/config.rhai"],
    ] {
        let id = first["run"].as_str().unwrap();
        let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace('@', id)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let again = run(&project, &arguments);
        assert_eq!((&again["n_trained"], &again["n_reused"]), (&0.into(), &20.into()), "{arguments:?}");
        let mut again = pure_files(&path_of(&again));
        let mut files = files.clone();
        if arguments.contains(&"name=other") {
            // The one place where the name stands.
            again.remove("summary.json");
            files.remove("summary.json");
        }
        assert_same(&files, &again);
    }
    let plan = project.xrun(["plan", "tiny.rhai"]);
    plan.code(0).stdout_contains("nothing is trained");
    let told = project.xrun(["tiny.rhai"]);
    told.code(0).stdout_contains("20 fits in ").stdout_contains(", 0 trained, 20 reused from ");
    assert_eq!(run(&project, &["tiny.rhai", "--fresh"])["n_trained"], 20);
}

#[test]
fn more_trials_go_on_with_the_same_sequence() {
    let project = project();
    run(&project, &["tiny.rhai"]);
    let more = run(&project, &["tiny.rhai", "trials=6"]);
    let n_trained = more["n_trained"].as_u64().unwrap();
    // Two more trials in each of four studies, and the finals of those in which one of them is the best.
    assert!((8..=12).contains(&n_trained), "{more}");
    assert_eq!(n_trained + more["n_reused"].as_u64().unwrap(), 28);
    assert_same(&reference("tiny.rhai", &["trials=6"]), &pure_files(&path_of(&more)));
}

#[test]
fn what_can_change_a_number_is_trained_again() {
    let project = project();
    let first = run(&project, &["tiny.rhai"]);
    let n_trained = |arguments: &[&str]| {
        let report = run(&project, &[&["tiny.rhai"], arguments].concat());
        report["n_trained"].as_u64().unwrap()
    };
    assert_eq!(n_trained(&["epochs=7"]), 20, "another phase");
    assert_eq!(n_trained(&["split_seed=9"]), 20, "other rows");
    assert_eq!(n_trained(&[".seed=1"]), 20, "another root seed");
    // A cell of a row that outer fold 0 is tested on: the 8 trials of that fold do not contain it, its finals do.
    let splits = fs::read_to_string(path_of(&first).join("splits.json")).unwrap();
    let splits: serde_json::Value = serde_json::from_str(&splits).unwrap();
    let row = splits["root_splits"]["0"]["test_indices"][0].as_u64().unwrap();
    let text = table(48);
    let line = text.lines().nth(usize::try_from(row).unwrap() + 1).unwrap();
    project.write("table.csv", &text.replace(line, &line.replacen('.', ".9", 1)));
    assert_eq!(n_trained(&[]), 12);
}

#[test]
fn a_fit_that_failed_for_a_reason_of_its_own_is_not_tried_again() {
    let diverging = TINY.replace("adamw(#{ lr: log_uniform(1e-3, 1e-1) })", "sgd(#{ lr: choice([1e-2, 1e30]) })");
    let project = Project::new().file("tiny.rhai", &diverging).file("table.csv", &table(48));
    let call = ["tiny.rhai", "--json", "--quiet"];
    let first = project.xrun(call).code(3).json();
    assert!(first["n_failed_trials"].as_u64().unwrap() > 0, "{first}");
    let second = project.xrun(call).code(3).json();
    assert_eq!((&second["n_trained"], &second["n_failed_trials"]), (&0.into(), &first["n_failed_trials"]));
    assert_same(&pure_files(&path_of(&first)), &pure_files(&path_of(&second)));
}

#[test]
fn removing_a_run_breaks_no_other() {
    let project = project();
    let first = run(&project, &["tiny.rhai"]);
    let files = pure_files(&path_of(&first));
    let second = run(&project, &["tiny.rhai"]);
    project.xrun(["rm", first["run"].as_str().unwrap()]).code(0);
    assert_same(&files, &pure_files(&path_of(&second)));
    assert_eq!(run(&project, &["tiny.rhai"])["n_trained"], 0, "the second run has all that is needed");
}

#[test]
fn a_record_that_was_changed_is_not_reused() {
    let project = project();
    let first = path_of(&run(&project, &["tiny.rhai"]));
    let weights = first.join("outer-1/inner-0/final/model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&weights, bytes).unwrap();
    let second = run(&project, &["tiny.rhai"]);
    assert_eq!(second["n_trained"], 1);
    assert_same(&reference("tiny.rhai", &[]), &pure_files(&path_of(&second)));
}

/// Links do not reach across file systems: what is reused is copied then.
#[cfg(target_os = "linux")]
#[test]
fn results_on_two_file_systems_are_one_to_xrun() {
    use std::os::unix::fs::{MetadataExt, symlink};

    let project = project();
    let memory = Path::new("/dev/shm");
    if !memory.is_dir() || fs::metadata(memory).unwrap().dev() == fs::metadata(project.path("")).unwrap().dev() {
        println!("skipped: /dev/shm is no other file system here");
        return;
    }
    let elsewhere = tempfile::tempdir_in(memory).unwrap();
    let first = path_of(&run(&project, &["tiny.rhai"]));
    let files = pure_files(&first);
    copy(&first, &elsewhere.path().join("run"));
    fs::remove_dir_all(&first).unwrap();
    symlink(elsewhere.path().join("run"), &first).unwrap();
    let second = run(&project, &["tiny.rhai"]);
    assert_eq!(second["n_trained"], 0);
    assert_same(&files, &pure_files(&path_of(&second)));

    let results = elsewhere.path().join("results").display().to_string();
    let mut child = start(&project, &["tiny.rhai", "epochs=20", "--workers", "2", "--results", &results]);
    wait_until(|| {
        elsewhere.path().join("results/tiny").read_dir().is_ok_and(|mut runs| {
            runs.any(|run| run.is_ok_and(|run| run.path().join("outer-0/inner-0/trial-001").is_dir()))
        })
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let third = run(&project, &["resume", "@latest", "--results", &results]);
    assert_same(&reference("tiny.rhai", &["epochs=20"]), &pure_files(&path_of(&third)));
}

#[test]
fn a_worker_count_of_zero_is_refused() {
    project().xrun(["tiny.rhai", "--workers", "0"]).code(2).stderr_contains("workers is 0");
}

// Processes.

fn start(project: &Project, arguments: &[&str]) -> Child {
    project.command(arguments).stdout(Stdio::null()).spawn().unwrap()
}

fn moment(stream: &mut Stream, whole: Duration) -> Duration {
    whole.mul_f64(stream.unit())
}

/// Starts a call and ends it with SIGKILL after a while.
fn kill_after(project: &Project, arguments: &[&str], after: Duration) {
    let mut child = project.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
}

fn end(child: &mut Child) -> (Option<i32>, String) {
    let mut stderr = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut stderr).unwrap();
    (child.wait().unwrap().code(), stderr)
}

#[track_caller]
fn wait_until(holds: impl Fn() -> bool) {
    let clock = Instant::now();
    while !holds() {
        assert!(clock.elapsed() < Duration::from_secs(60), "it does not come about");
        thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(target_os = "linux")]
fn signal(process: u32, name: &str) {
    let _ = Command::new("kill").args(["-s", name, &process.to_string()]).stderr(Stdio::null()).status().unwrap();
}

#[cfg(target_os = "linux")]
fn is_alive(process: u32) -> bool {
    Command::new("kill").args(["-0", &process.to_string()]).stderr(Stdio::null()).status().unwrap().success()
}

/// The workers that a process has started.
#[cfg(target_os = "linux")]
fn workers_of(process: u32) -> Vec<u32> {
    let parent = |child: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
        // The name in brackets may hold anything; state and parent come behind it.
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
    };
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_worker = |child: u32| {
        fs::read(format!("/proc/{child}/cmdline")).is_ok_and(|line| line.windows(8).any(|part| part == b"__worker"))
    };
    processes.filter(|&child| parent(child) == Some(process) && is_worker(child)).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
