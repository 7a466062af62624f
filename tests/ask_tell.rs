//! Ask and tell: the trials of a run whose objective somebody else evaluates.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::process::Child;

use serde_json::{Value, json};
use support::{Output, Project};

/// A search whose values are told.
const SCRIPT: &str = r#"
experiment(#{
    name: "a",
    objective: external(#{ x: uniform(-1.0, 1.0), y: uniform(-1.0, 1.0) }),
    search: tpe(#{ trials: param("trials", 16, "trials"), minimize: "value", n_startup: 5, lag: param("lag", 1, "lag") }),
})
"#;

/// The same search, as xrun runs it.
const SPHERE: &str = r#"
experiment(#{
    name: "a",
    objective: sphere([uniform(-1.0, 1.0).named("x"), uniform(-1.0, 1.0).named("y")]),
    search: tpe(#{ trials: param("trials", 16, "trials"), minimize: "value", n_startup: 5, lag: param("lag", 1, "lag") }),
})
"#;

fn project() -> Project {
    Project::new().script(SCRIPT)
}

fn ask(project: &Project, more: &[&str]) -> Value {
    let output = project.xrun([&["ask", "experiment.rhai", "--json"], more].concat());
    output.code(0);
    output.json()
}

fn tell(project: &Project, trial: u64, what: &[&str]) -> Output {
    project.xrun([&["tell", "@latest", "--trial", &trial.to_string()], what].concat())
}

fn sphere(asked: &Value) -> f64 {
    let at = |name: &str| asked["assignment"][name].as_f64().unwrap();
    at("x") * at("x") + at("y") * at("y")
}

#[test]
fn the_trials_are_those_of_a_run_of_the_same_search() {
    for lag in ["lag=1", "lag=3"] {
        let run = Project::new().script(SPHERE);
        run.xrun(["experiment.rhai", "--quiet", lag]).code(0);
        let told = project();
        let n_pending = if lag == "lag=1" { 1 } else { 3 };
        let mut pending: Vec<(u64, f64)> = Vec::new();
        for trial in 0..16 {
            let asked = ask(&told, &[lag]);
            assert_eq!(asked["trial"], trial);
            pending.push((trial, sphere(&asked)));
            // The order in which pending ones are told does not matter; the first must be known for the next to be asked.
            if pending.len() == n_pending {
                pending.swap(0, n_pending - 1);
                for (trial, value) in pending.drain(..) {
                    tell(&told, trial, &["--value", &format!("{value:?}")]).code(0);
                }
            }
        }
        for (trial, value) in pending {
            tell(&told, trial, &["--value", &format!("{value:?}")]).code(0);
        }
        let of = |project: &Project, file: &str| project.read(project.only_run("a").join(file));
        assert_eq!(of(&told, "trials.csv"), of(&run, "trials.csv"));
        assert_eq!(of(&told, "summary.json"), of(&run, "summary.json"));
    }
}

#[test]
fn the_end_tells_the_best_and_the_run_is_one_like_any_other() {
    let project = project();
    let mut best = f64::INFINITY;
    for trial in 0..3 {
        let asked = ask(&project, &["trials=3"]);
        assert_eq!((&asked["trial"], &asked["n_trials"], &asked["done"]), (&json!(trial), &json!(3), &json!(false)));
        best = best.min(sphere(&asked));
        tell(&project, trial, &["--value", &format!("{:?}", sphere(&asked))]).code(0);
    }
    let done = ask(&project, &["trials=3"]);
    assert_eq!((&done["done"], done["best"]["value"].as_f64()), (&json!(true), Some(best)));
    assert_eq!(done, ask(&project, &["trials=3"]), "and again");
    project.xrun(["ask", "experiment.rhai", "trials=3"]).code(0).stdout_contains("done: the best is trial ");
    let run = project.only_run("a");
    let id = run.file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(done["run"], id.as_str());
    project.xrun(["show"]).code(0).stdout_contains("status   complete").stdout_contains("best of 3 trials");
    project.xrun(["ls"]).code(0).stdout_contains("complete");
    // Another experiment, or a wish for it, is another run.
    ask(&project, &["trials=4"]);
    assert_eq!(ask(&project, &["trials=3", "--new"])["trial"], 0);
    assert_eq!(project.runs("a").len(), 3);
    assert_eq!(ask(&project, &["trials=3", "--run", &id])["done"], true);
    project.xrun(["ask", "experiment.rhai", "trials=4", "--run", &id]).code(2).stderr_is(
        "error: [RUN] was begun with another experiment than this script gives\n\
         hint: give the script as it was, or its own: `xrun show [RUN]` has the path of its config.rhai\n",
    );
    let config = run.join("config.rhai").display().to_string();
    let asked = project.xrun(["ask", &config, "--run", &id, "--json"]);
    asked.code(0);
    assert_eq!(asked.json()["done"], true);
}

#[test]
fn a_trial_waits_for_the_results_it_is_suggested_from() {
    let project = project();
    ask(&project, &["trials=2"]);
    project.xrun(["ask", "experiment.rhai", "trials=2"]).code(2).stderr_is(
        "error: trial 1 needs the result of trial 0 (lag 1): tell it first\n\
         hint: if whoever evaluated trial 0 is gone: xrun ask SCRIPT --again 0\n",
    );
    tell(&project, 0, &["--value", "-0.5"]).code(0).stdout_is("trial 0 has ended\n");
    let asked = ask(&project, &["trials=2"]);
    assert_eq!(asked["trial"], 1);
    project.xrun(["ask", "experiment.rhai", "trials=2"]).code(2).stderr_is(
        "error: all 2 trials were asked for, and trial 1 is not told yet: tell it first\n\
         hint: if whoever evaluated trial 1 is gone: xrun ask SCRIPT --again 1\n",
    );
    assert_eq!(ask(&project, &["trials=2", "--again", "1"]), asked);
    project
        .xrun(["ask", "experiment.rhai", "trials=2", "--again", "0"])
        .code(2)
        .stderr_is("error: trial 0 was told before: value -0.5; a result stays as it was told first\n");
    project
        .xrun(["ask", "experiment.rhai", "trials=2", "--again", "2"])
        .code(2)
        .stderr_is("error: trial 2 was not asked for; the last one is trial 1\n");
    let lines = project.xrun(["ask", "experiment.rhai", "trials=2", "--again", "1"]);
    lines.code(0).stderr_is("tell its value: xrun tell [RUN] --trial 1 --value VALUE\n");
    assert!(lines.stdout.starts_with("trial 1 of 2: x="), "{lines}");
    project.xrun(["show"]).code(0).stdout_contains("its trials are told from outside; go on with it: xrun ask ");
}

#[test]
fn a_result_is_told_once_and_what_is_no_number_is_a_failure() {
    let project = project();
    ask(&project, &["trials=3", "lag=3"]);
    tell(&project, 1, &["--value", "1"])
        .code(2)
        .stderr_is("error: trial 1 was not asked for; the last one is trial 0\n");
    tell(&project, 0, &["--value", "0.5"]).code(0);
    tell(&project, 0, &["--value", "0.5", "--json"]).code(0).stdout_contains("\"verdict\":\"ended\"");
    for other in [&["--value", "0.6"][..], &["--failed", "no"], &["--value", "1", "--epoch", "1"]] {
        tell(&project, 0, other)
            .code(2)
            .stderr_is("error: trial 0 was told before: value 0.5; a result stays as it was told first\n");
    }
    ask(&project, &["trials=3", "lag=3"]);
    tell(&project, 1, &["--value", "nan"]).code(0);
    ask(&project, &["trials=3", "lag=3"]);
    tell(&project, 2, &["--failed", "out of memory"]).code(0);
    let trials = project.read(project.only_run("a").join("trials.csv"));
    assert!(trials.contains(",,1,failed,,\"objective is NaN, not a finite number\","), "{trials}");
    assert!(trials.contains(",,2,failed,,out of memory,"), "{trials}");
    tell(&project, 2, &[]).code(2).stderr_contains("--value <VALUE>|--failed <REASON>");
}

#[test]
fn calls_that_come_at_once_get_one_run_and_trials_of_their_own() {
    let project = project();
    let arguments = ["ask", "experiment.rhai", "lag=6", "--json"];
    let calls: Vec<Child> = (0..6).map(|_| project.command(&arguments).spawn().unwrap()).collect();
    let outputs = calls.into_iter().map(|call| call.wait_with_output().unwrap());
    let mut trials: Vec<u64> = outputs
        .map(|output| {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice::<Value>(&output.stdout).unwrap()["trial"].as_u64().unwrap()
        })
        .collect();
    trials.sort_unstable();
    assert_eq!(trials, [0, 1, 2, 3, 4, 5]);
    assert_eq!(project.runs("a").len(), 1);
}

#[test]
fn a_pruner_says_when_to_stop_and_the_answer_can_be_had_again() {
    let project = Project::new().script(
        r#"
experiment(#{
    name: "a",
    objective: external(#{ x: uniform(0.0, 1.0) }, #{ epochs: 4 }),
    search: random(#{ trials: 3, maximize: "value", prune: median(#{ n_startup: 2 }) }),
})
"#,
    );
    let told = |trial: u64, epoch: &str, value: &str| {
        let output = tell(&project, trial, &["--epoch", epoch, "--value", value]);
        output.code(0);
        output.stdout
    };
    for trial in 0..2 {
        ask(&project, &[]);
        for epoch in ["1", "2", "3", "4"] {
            assert_eq!(told(trial, epoch, "0.5"), "go on\n");
        }
        tell(&project, trial, &["--value", "0.5"]).code(0);
    }
    ask(&project, &[]);
    assert_eq!(told(2, "1", "0.6"), "go on\n");
    assert_eq!(told(2, "1", "0.6"), "go on\n");
    tell(&project, 2, &["--epoch", "3", "--value", "1"])
        .code(2)
        .stderr_is("error: epoch 3 of trial 2 does not come next: epoch 2 does, for epochs count from 1\n");
    tell(&project, 2, &["--epoch", "5", "--value", "1"])
        .code(2)
        .stderr_is("error: epoch 5 is past the last one: `external` has epochs: 4\n");
    // The best value so far is held against the median of 0.5.
    assert_eq!(told(2, "2", "0.1"), "go on\n");
    assert!(project.read(project.only_run("a").join("journal.jsonl")).contains("\"event\":\"trial_epoch\""));
    tell(&project, 2, &["--value", "0.1"]).code(0);
    assert_eq!(ask(&project, &[])["done"], true);
}

#[test]
fn a_trial_that_is_given_up_has_ended() {
    let project = Project::new().script(
        r#"
experiment(#{
    name: "a",
    objective: external(#{ x: uniform(0.0, 1.0) }, #{ epochs: 4 }),
    search: random(#{ trials: 1, maximize: "value", prune: threshold(0.5) }),
})
"#,
    );
    ask(&project, &[]);
    for _ in 0..2 {
        tell(&project, 0, &["--epoch", "1", "--value", "0.25"]).code(0).stdout_is("stop: trial 0 is given up\n");
    }
    tell(&project, 0, &["--value", "1"])
        .code(2)
        .stderr_is("error: trial 0 was told before: it was given up at epoch 1; a result stays as it was told first\n");
    let run = project.only_run("a");
    let trials = project.read(run.join("trials.csv"));
    assert!(trials.contains(",,0,pruned,0.25,after 1 epoch,"), "{trials}");
    let summary: Value = serde_json::from_str(&project.read(run.join("summary.json"))).unwrap();
    assert_eq!((&summary["n_pruned"], &summary["n_epochs_saved"]), (&json!(1), &json!(3)));
    assert_eq!((&summary["status"], &ask(&project, &[])["best"]), (&json!("failed"), &Value::Null));
}

#[test]
fn an_external_objective_is_not_run_and_no_other_is_asked_for() {
    let project = project().file("sphere.rhai", SPHERE);
    let nothing = "error: the objective of this experiment is `external`: there is nothing to train here; `xrun ask` gives \
                   its trials, `xrun tell` takes their values\n";
    project.xrun(["experiment.rhai", "--quiet"]).code(2).stderr_is(nothing);
    assert!(!project.path("results").exists());
    project
        .xrun(["plan", "experiment.rhai"])
        .code(0)
        .stdout_contains("value    told from outside: xrun ask, xrun tell\n");
    ask(&project, &["trials=1"]);
    project.xrun(["resume", "--quiet"]).code(2).stderr_is(nothing);
    tell(&project, 0, &["--value", "1"]).code(0);
    project.xrun(["replay", "--quiet"]).code(2).stderr_is(nothing);
    let refused = "does not ask for results: its objective is not `external`\n\
                   hint: `xrun SCRIPT` runs it; to tell values, set objective: external(#{...})\n";
    project.xrun(["ask", "sphere.rhai"]).code(2).stderr_is(&format!("error: a {refused}"));
    project.xrun(["sphere.rhai", "--quiet"]).code(0);
    tell(&project, 0, &["--value", "1"]).code(2).stderr_is(&format!("error: [RUN] {refused}"));
    for (more, message) in [
        ("data: rows(9),", "an `external` objective is one study, without data and folds"),
        ("", "an external objective has one metric, \"value\""),
    ] {
        let metric = if more.is_empty() { "f1" } else { "value" };
        let text = SCRIPT.replace("name: \"a\",", &format!("name: \"a\", {more}"));
        let text = text.replace("minimize: \"value\"", &format!("maximize: \"{metric}\""));
        Project::new().script(&text).xrun(["check", "experiment.rhai"]).code(2).stderr_contains(message);
    }
    let text = SCRIPT.replace("minimize: \"value\"", "minimize: \"value\", stop: #{ target: 0.5 }");
    Project::new()
        .script(&text)
        .xrun(["check", "experiment.rhai"])
        .code(2)
        .stderr_contains("`stop` is for searches whose trials xrun starts itself")
        .stderr_contains("hint: leave it out; whoever asks for trials may stop asking");
}
