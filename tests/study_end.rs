//! Studies that end before their last trial: by which rule, after which trial, and that it is the same however the run
//! went. End to end through the binary.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use support::{Project, assert_same_run, error_at};
use xrun::seed::Seed;

/// Four studies of one fold each.
const INNER: &str = r#"
experiment(#{
    name: "inner",
    data: rows(40),
    objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0) }),
    cv: nested(#{ outer: kfold(4, 1), inner: kfold(3, 2), take: #{ outer: 2, inner: 2 } }),
    search: tpe(#{ trials: 60, minimize: "value", lag: param("lag", 1, "lag"),
                   stop: #{ target: param("target", 0.5, "target"), no_improvement: #{ trials: 8 } } }),
})
"#;

/// Two studies of three noisy folds each.
const OUTER: &str = r#"
experiment(#{
    name: "outer",
    data: rows(40),
    objective: branin(#{ x1: uniform(8.5, 10.0), x2: uniform(1.0, 4.0), noise: 4.0 }),
    cv: nested(#{ outer: kfold(4, 1), inner: kfold(3, 2), take: #{ outer: 2, inner: 3 } }),
    search: random(#{ trials: 60, minimize: "value", per: "outer", lag: param("lag", 1, "lag"),
                      stop: #{ no_improvement: #{ trials: 6 } } }),
})
"#;

/// Two studies under a clock, in a search that never ends by itself.
const TIMED: &str = r#"
experiment(#{
    name: "timed",
    data: rows(40),
    objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0) }),
    cv: nested(#{ outer: kfold(4, 1), inner: kfold(3, 2), take: #{ outer: 1, inner: 2 } }),
    search: random(#{ trials: 100000, minimize: "value", lag: param("lag", 1, "lag"),
                      stop: #{ wall_time: param("time", "1ms", "time of the run") } }),
})
"#;

fn project() -> Project {
    Project::new().file("inner.rhai", INNER).file("outer.rhai", OUTER).file("timed.rhai", TIMED)
}

fn run(project: &Project, arguments: &[&str]) -> PathBuf {
    let output = project.xrun([arguments, &["--json", "--quiet"]].concat());
    output.code(0);
    PathBuf::from(output.json()["path"].as_str().unwrap())
}

fn summary(run: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(run.join("summary.json")).unwrap()).unwrap()
}

/// How each study ended, in order: its trials, and the rule.
fn endings(run: &Path) -> Vec<(usize, String)> {
    let summary = summary(run);
    let ending = |study: &Value| {
        let ended = &study["ended"];
        let n_trials = usize::try_from(ended["n_trials"].as_u64().unwrap()).unwrap();
        (n_trials, ended["by"].as_str().unwrap().to_owned())
    };
    summary["studies"].as_array().unwrap().iter().map(ending).collect()
}

/// The values of each study's trials, by its folds.
fn values(run: &Path) -> BTreeMap<String, Vec<f64>> {
    let text = std::fs::read_to_string(run.join("trials.csv")).unwrap();
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        found.entry(format!("{} {}", cells[0], cells[1])).or_default().push(cells[4].parse().unwrap());
    }
    found
}

/// After how many trials a study of one fold ends: before trial `n` nothing but the first `n + 1 - lag` count.
fn by_hand(values: &[f64], lag: usize, target: f64) -> (usize, &'static str) {
    let (mut best, mut n_without) = (f64::INFINITY, 0);
    for (seen, value) in values.iter().enumerate() {
        (best, n_without) = if *value < best { (*value, 0) } else { (best, n_without + 1) };
        let n_trials = seen + lag;
        if n_trials < 60 && best <= target {
            return (n_trials, "target");
        }
        if n_trials < 60 && n_without >= 8 {
            return (n_trials, "no_improvement");
        }
    }
    (60, "trials")
}

#[test]
fn a_study_ends_with_the_trial_its_rules_name_and_is_recorded_so() {
    let mut rules = Vec::new();
    for (lag, target) in [(1, "0.5"), (3, "0.5"), (1, "20.0")] {
        let project = project();
        let folder = run(&project, &["inner.rhai", &format!("lag={lag}"), &format!("target={target}")]);
        for (values, ended) in values(&folder).values().zip(endings(&folder)) {
            let (n_trials, by) = by_hand(values, lag, target.parse().unwrap());
            assert_eq!((values.len(), ended), (n_trials, (n_trials, by.to_owned())));
            rules.push(by);
        }
        let n_fits: usize = endings(&folder).iter().map(|(n_trials, _)| n_trials + 1).sum();
        assert_eq!(summary(&folder)["n_fits"], n_fits);
    }
    assert!(rules.contains(&"target") && rules.contains(&"no_improvement"), "{rules:?}");
}

#[test]
fn noise_between_folds_is_no_improvement() {
    let project = project();
    let folder = run(&project, &["outer.rhai"]);
    let score = |outer: usize, inner: usize, trial: usize| -> f64 {
        let file = folder.join(format!("outer-{outer}/inner-{inner}/trial-{trial:03}/outcome.json"));
        let outcome: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        outcome["score"].as_f64().unwrap()
    };
    let mut n_within_noise = 0;
    for (outer, (n_trials, by)) in endings(&folder).into_iter().enumerate() {
        assert!(by == "no_improvement" && n_trials < 60, "{n_trials} {by}");
        let scores: Vec<[f64; 3]> =
            (0..n_trials).map(|trial| [0, 1, 2].map(|inner| score(outer, inner, trial))).collect();
        let (mut reference, mut last, mut n_beaten) = (scores[0], 0, 0);
        for (trial, scores) in scores.iter().enumerate().skip(1) {
            let gains: Vec<f64> = (0..3).map(|fold| reference[fold] - scores[fold]).collect();
            let mean = gains.iter().sum::<f64>() / 3.0;
            let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / 2.0;
            // Each of three inner folds has 10 of 30 rows to validate on.
            if mean > (variance * (1.0 / 3.0 + 10.0 / 20.0)).sqrt() {
                (reference, last) = (*scores, trial);
            } else if mean > 0.0 {
                n_beaten += 1;
            }
            assert!(trial + 1 == n_trials || trial - last < 6, "it would have ended after trial {trial}");
        }
        assert_eq!(n_trials - 1 - last, 6);
        n_within_noise += n_beaten;
    }
    assert!(n_within_noise > 0, "some gain is within the noise");
}

#[test]
fn workers_a_kill_and_a_replay_change_no_end() {
    let mut stream = Seed::root(80).stream();
    for (script, arguments) in [("inner.rhai", vec!["lag=3"]), ("outer.rhai", vec![]), ("outer.rhai", vec!["lag=2"])] {
        let reference = project();
        let serial = run(&reference, &[&[script][..], &arguments].concat());
        reference.xrun(["replay", "@latest"]).code(0).stdout_contains("bit for bit");
        let parallel = project();
        assert_same_run(&serial, &run(&parallel, &[&[script][..], &arguments, &["--workers", "2"]].concat()));
        for _ in 0..2 {
            let project = project();
            kill_in(
                &project,
                &[&[script][..], &arguments].concat(),
                Duration::from_secs_f64(0.1 + 0.4 * stream.unit()),
            );
            assert_same_run(&serial, &run(&project, &["resume", "@latest", "--workers", "2"]));
        }
    }
}

#[test]
fn a_clock_ends_every_study_that_has_a_value_and_says_so() {
    let project = project();
    for (lag, n_trials) in [("lag=1", 1), ("lag=3", 3)] {
        let output = project.xrun(["timed.rhai", lag]);
        output.code(0);
        let after = if n_trials == 1 { "1 trial" } else { "3 trials" };
        output.stderr_contains(&format!("outer 0, inner 1: ends after {after}, by `wall_time`\n"));
        output.stdout_contains(&format!("2 studies ended by wall_time, after {after}\n"));
        let folder = project.path(project.runs("timed").pop().unwrap());
        assert_eq!(endings(&folder), vec![(n_trials, "wall_time".to_owned()); 2]);
        project.xrun(["show", "@latest"]).code(0).stdout_contains("2 studies ended by wall_time");
    }
}

#[test]
fn what_a_clock_decided_is_followed_by_resume_replay_and_the_config() {
    let mut stream = Seed::root(81).stream();
    for workers in ["1", "2"] {
        let project = project();
        let timed = ["timed.rhai", "time=600ms", "lag=2", "--workers", workers];
        kill_in(&project, &timed, Duration::from_secs_f64(0.1 + 0.3 * stream.unit()));
        let folder = run(&project, &["resume", "@latest", "--workers", workers]);
        let ended = endings(&folder);
        assert!(ended.iter().all(|(n_trials, by)| by == "wall_time" && *n_trials < 100_000), "{ended:?}");
        let replayed = project.xrun(["replay", "@latest"]);
        replayed.code(0).stdout_contains("bit for bit");
        replayed.stderr_contains("wall_time: the recorded end of 2 studies holds, whatever the clock says\n");
        let config = folder.join("config.rhai").display().to_string();
        assert_same_run(&folder, &run(&project, &[&config, "--fresh"]));
        // Another time is a question to the clock again.
        let anew = "wall_time: the clock decides anew; studies may end after other numbers of trials than recorded\n";
        project.xrun([&config, "time=1ms"]).code(0).stderr_contains(anew);
        let other = project.path(project.runs("timed").pop().unwrap());
        assert_eq!(endings(&other), vec![(2, "wall_time".to_owned()); 2]);
    }
}

#[test]
fn a_plan_names_the_rules_and_the_one_that_depends_on_the_machine() {
    let project = project();
    project
        .xrun(["plan", "inner.rhai"])
        .code(0)
        .stdout_contains("search   tpe, at most 60 trials a study, minimize value, 2 parameters\n")
        .stdout_contains("stop     target 0.5, 8 trials without an improvement\n")
        .stdout_contains("fits     2 x 2 x (60 + 1) = 244 fits, at most\n");
    project
        .xrun(["plan", "timed.rhai", "time=2h30m"])
        .code(0)
        .stdout_contains("at most 100000 trials a study")
        .stdout_contains("stop     wall_time 2h 30m of the whole run, the only rule that depends on the machine\n");
    project.xrun(["check", "inner.rhai"]).code(0).stdout_contains("tpe search, at most 60 trials a study");
    // A plan follows recorded fits to the same end.
    let folder = run(&project, &["inner.rhai"]);
    project.xrun(["plan", "inner.rhai"]).code(0).stdout_contains("reused   all of them, from ");
    let again = project.xrun(["inner.rhai"]);
    again.code(0).stdout_contains("0 trained");
    assert_same_run(&folder, &project.path(project.runs("inner").pop().unwrap()));
}

#[test]
fn without_rules_nothing_is_said_of_an_end() {
    let script = INNER
        .replace(", no_improvement: #{ trials: 8 } }", "}")
        .replace("stop: #{ target: param(\"target\", 0.5, \"target\")}", "n_startup: 10");
    let project = Project::new().script(&script.replace("trials: 60", "trials: 2"));
    let folder = run(&project, &["experiment.rhai"]);
    assert!(summary(&folder)["studies"][0].get("ended").is_none());
    assert!(!std::fs::read_to_string(folder.join("journal.jsonl")).unwrap().contains("study_ended"));
}

/// The search with this `stop` is refused: the message, and the part of the line it marks.
#[track_caller]
fn refused(stop: &str, marked: &str, message: &str, hint: Option<&str>) {
    let line = format!("    search: random(#{{ trials: 2, minimize: \"value\", stop: {stop} }}),");
    let script =
        format!("experiment(#{{\n    name: \"a\",\n    objective: sphere([uniform(0.0, 1.0)]),\n{line}\n}})\n");
    let output = Project::new().script(&script).xrun(["check", "experiment.rhai"]);
    let place = format!("experiment.rhai:4:{}", line.find(marked).unwrap() + 1);
    let width = if marked.starts_with("#{") { 1 } else { marked.len() };
    output.code(2).stderr_is(&error_at(message, &place, &line, width, hint));
}

#[test]
fn rules_that_cannot_be_kept_are_refused_at_their_place() {
    let nothing = "`stop` has no rule: give it `target`, `no_improvement` or `wall_time`, or leave it out";
    refused("#{}", "#{}", nothing, None);
    refused(
        "#{ wall_time: \"0s\" }",
        "\"0s\"",
        "a `wall_time` of \"0s\" is over before the first trial: give it more than [TIME]",
        None,
    );
    refused(
        "#{ wall_time: \"soon\" }",
        "\"soon\"",
        "\"soon\" is no duration (expected number at 0): write hours, minutes and seconds, as in \"2h30m\" or \"90s\"",
        None,
    );
    refused(
        "#{ no_improvement: #{ trials: 0 } }",
        "0",
        "a whole number of at least 1 was expected here, not the whole number `0`",
        None,
    );
    refused(
        "#{ no_improvement: #{ trials: 3, patience: 1 } }",
        "patience",
        "unknown key `patience` in this map",
        Some("this map takes trials, min_delta"),
    );
    let hint = "search-space objects may stand in model, train and objective; write one value here";
    let message = "this cannot be searched: it must be the same for all trials";
    refused("#{ target: uniform(0.0, 1.0) }", "uniform", message, Some(hint));
}

/// Starts a call and ends it with SIGKILL once a run is there and a while has passed.
fn kill_in(project: &Project, arguments: &[&str], after: Duration) {
    let experiment = arguments[0].trim_end_matches(".rhai");
    let mut child = project.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let is_there = || project.runs(experiment).iter().any(|run| project.path(run).join("run.json").is_file());
    while !is_there() && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(2));
    }
    thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
}
