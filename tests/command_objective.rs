//! A program of the user's as the objective: what it is given, what becomes of what it says, and that nothing of it stays.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Output, Project, error_at};

/// A search over the options of `objective.sh`.
const SCRIPT: &str = r#"
experiment(#{
    name: "c",
    objective: command(["sh", "objective.sh"], #{
        options: #{ x: uniform(-2.0, 2.0), y: uniform(-1.0, 3.0) },
        inputs: ["objective.sh"],
    }),
    search: tpe(#{ trials: param("trials", 6, "trials"), minimize: "value", n_startup: 3, lag: param("lag", 1, "lag") }),
})
"#;

/// Called with `--x X --y Y`; pauses for the time in `pause`, if there is such a file.
const OBJECTIVE: &str = r#"
echo run >> runs.log
[ -f pause ] && sleep "$(cat pause)"
awk -v x="$2" -v y="$4" 'BEGIN { printf "{\"value\": %.15g, \"half\": %.15g}\n", x * x + (y - 1) ^ 2, x / 2 }'
"#;

fn project() -> Project {
    Project::new().script(SCRIPT).file("objective.sh", OBJECTIVE)
}

/// A project whose only trial runs `body` with what stands in `more`.
fn one(body: &str, more: &str) -> Project {
    Project::new().file("objective.sh", body).script(&format!(
        "experiment(#{{\n    name: \"c\",\n    objective: command([\"sh\", \"objective.sh\"], #{{ {more} }}),\n    \
         search: random(#{{ trials: 1, minimize: \"value\" }}),\n}})\n"
    ))
}

/// Why the only trial failed, by the table of trials.
fn reason(project: &Project) -> String {
    let output = project.xrun(["experiment.rhai", "--quiet"]);
    output.code(1);
    let text = project.read(project.only_run("c").join("trials.csv"));
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let record = table.records().next().unwrap().unwrap();
    assert_eq!(&record[3], "failed", "{output}");
    record[5].to_owned()
}

fn outcome(project: &Project, fit: &str) -> Value {
    serde_json::from_str(&project.read(project.only_run("c").join(fit).join("outcome.json"))).unwrap()
}

fn n_runs(project: &Project) -> usize {
    fs::read_to_string(project.path("runs.log")).map_or(0, |text| text.lines().count())
}

/// The files of a run that do not tell when and where it was made.
fn pure(project: &Project, run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_pure = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        ["trials.csv", "metrics.csv", "summary.json", "stdout.log"].contains(&name.as_str())
    };
    let root = project.path(run);
    let below = |(path, bytes): (PathBuf, Vec<u8>)| (path.strip_prefix(&root).unwrap().to_owned(), bytes);
    project.contents(run).into_iter().filter(|(path, _)| is_pure(path)).map(below).collect()
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what} does not come about");
        thread::sleep(Duration::from_millis(20));
    }
}

fn signal(process: &str, name: &str) -> bool {
    Command::new("kill").args([&format!("-{name}"), process]).output().unwrap().status.success()
}

/// Whether a process is there and is no mere entry that nobody has waited for.
fn is_alive(process: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

// What it is given, and what is recorded.

#[test]
fn a_program_gets_options_and_variables_in_its_folder_and_what_it_prints_is_kept() {
    let body = r#"
echo "$*|$GREETING|$XRUN_ROLE|$XRUN_TRIAL|${XRUN_OUTER-none}|${XRUN_ROWS-none}|$(pwd)"
echo "$XRUN_SEED" > seed.log; echo x > "$XRUN_SCRATCH/x"
echo careful >&2
echo '{"value": 0.25, "loss": 1e-3, "note": "text"}'
echo done
"#;
    let more = r#"options: #{ lr: choice([0.1]), width: 8, kind: "a b" }, env: #{ GREETING: "hi" }"#;
    let project = one(body, more).env("XRUN_TRIAL", "7");
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = project.only_run("c");
    let said = project.read(run.join("trial-000/stdout.log"));
    let root = project.path("").display().to_string();
    let first = format!("--kind a b --lr 0.1 --width 8|hi|trial|0|none|none|{}", root.trim_end_matches('/'));
    assert_eq!(said.lines().next(), Some(first.as_str()));
    assert!(said.ends_with("done\n"));
    assert_eq!(project.read(run.join("trial-000/stderr.log")), "careful\n");
    assert_eq!(outcome(&project, "trial-000")["validation"], json!({ "value": 0.25, "loss": 1e-3 }));
    let metrics = "epoch,phase,train.loss,validation.value,validation.loss\n1,command,,0.25,0.001\n";
    assert_eq!(project.read(run.join("trial-000/metrics.csv")), metrics);
    assert!(!project.names(run.join("trial-000")).contains(&"scratch".to_owned()));
    // An option is searched under its own name.
    assert!(
        project
            .read(run.join("trials.csv"))
            .starts_with("outer,inner,trial,state,value,reason,lr\n,,0,complete,0.25,,0.1\n")
    );
    let seed: u32 = project.read("seed.log").trim().parse().unwrap();
    project.xrun(["experiment.rhai", "--quiet", "--fresh", "seed=43"]).code(0);
    assert_ne!(project.read("seed.log").trim().parse::<u32>().unwrap(), seed);
}

#[test]
fn the_number_that_is_searched_on_is_named_and_keeps_its_own_name() {
    let project = one("echo '{\"accuracy\": 0.75}'", "value: \"accuracy\"");
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    assert_eq!(outcome(&project, "trial-000")["validation"], json!({ "accuracy": 0.75, "value": 0.75 }));
    let project = one("echo '{\"accuracy\": 0.75, \"value\": 1}'", "value: \"accuracy\"");
    assert_eq!(
        reason(&project),
        "it reports `value` beside `accuracy`, which the experiment takes as the value; give one of them another name"
    );
}

#[test]
fn a_parameter_is_set_by_its_key_or_its_path_and_an_option_can_be_added() {
    let project = project();
    let arguments =
        ["experiment.rhai", "--quiet", "trials=1", "x=0.5", "objective.options.y=2", "objective.options.tag=abc"];
    project.xrun(arguments).code(0);
    let config = project.read(project.only_run("c").join("trial-000/config.rhai"));
    assert!(config.contains(r#"options: #{ tag: "abc", x: 0.5, y: 2 }"#), "{config}");
}

#[test]
fn a_final_gets_test_rows_and_reports_on_them_and_a_trial_never_does() {
    let body = r#"
echo "$XRUN_ROLE $XRUN_OUTER $XRUN_INNER"
cp "$XRUN_ROWS" "rows-$XRUN_ROLE-$XRUN_OUTER-$XRUN_INNER-${XRUN_TRIAL-none}.json"
if [ "$XRUN_ROLE" = final ]; then echo '{"value": 9}'; else echo "{\"value\": $2}"; fi
"#;
    let project = Project::new().file("objective.sh", body).script(
        r#"experiment(#{
    name: "c",
    data: rows(12),
    objective: command(["sh", "objective.sh"], #{ options: #{ x: uniform(0.0, 1.0) } }),
    cv: nested(#{ outer: kfold(3, 1), inner: kfold(2, 2), take: #{ outer: 1, inner: 2 } }),
    search: random(#{ trials: 2, minimize: "value" }),
})
"#,
    );
    project.xrun(["experiment.rhai", "--quiet", "--workers", "2"]).code(0);
    let rows = |name: &str| serde_json::from_str::<Value>(&project.read(name)).unwrap();
    let trial = rows("rows-trial-0-1-0.json");
    assert_eq!(trial.as_object().unwrap().keys().collect::<Vec<_>>(), ["train", "validation"]);
    assert_eq!(trial["train"]["rows"].as_array().unwrap().len(), 4);
    let last = rows("rows-final-0-1-none.json");
    assert_eq!(last["test"]["rows"].as_array().unwrap().len(), 4);
    assert_eq!(last["train"], trial["train"]);
    let outcome = outcome(&project, "outer-0/inner-1/final");
    assert_eq!((&outcome["test"], &outcome["validation"]), (&json!({ "value": 9.0 }), &json!({})));
    let summary: Value = serde_json::from_str(&project.read(project.only_run("c").join("summary.json"))).unwrap();
    assert_eq!(summary["test"]["value"]["mean"], json!(9.0));
}

// How a trial fails.

#[test]
fn a_program_without_a_result_is_a_failed_trial_with_its_reason() {
    for (body, wanted) in [
        ("echo one >&2; echo two >&2; echo three >&2; echo four >&2; exit 3", "exit code 3: two / three / four"),
        ("exit 1", "exit code 1"),
        ("kill -ABRT $$", "ended by signal 6"),
        ("echo value 0.5", "it printed no JSON object with its result, as {\"value\": 0.93}"),
        ("echo '{\"loss\": 1, \"acc\": 2}'", "its result has no number `value`, only acc, loss"),
        ("echo '{\"value\": \"high\"}'", "its result has no number `value`, no number"),
        (
            "echo '{\"value\": 1}'; echo '{\"value\": NaN}'",
            "its last line with an object: `{\"value\": NaN}` is no JSON object (expected value at line 1 column 11)",
        ),
        (
            "echo '{\"epoch\": 0, \"value\": 1}'",
            "its last line with an object: `{\"epoch\": 0, \"value\": 1}` has an `epoch` that is not a whole number from 1",
        ),
        (
            "echo '{\"epoch\": 1, \"value\": 1}'; echo '{\"epoch\": 3, \"value\": 1}'",
            "it reports epoch 3 where epoch 2 comes next: epochs count from 1, with one line for each",
        ),
    ] {
        assert_eq!(reason(&one(body, "")), wanted);
    }
    let project = one("echo '{\"epoch\": 1, \"value\": 1}'; echo '{\"epoch\": 2, \"value\": 1}'", "epochs: 1");
    assert_eq!(reason(&project), "it reports epoch 2, and its `epochs` are 1");
}

#[test]
fn a_program_that_takes_too_long_is_ended_with_all_it_started() {
    let project = one("sleep 600 & echo $! > child.log; sleep 600", "timeout: \"300ms\"");
    assert_eq!(reason(&project), "it took longer than 300ms, its `timeout`");
    let child = project.read("child.log");
    until("the end of what it started", || !is_alive(child.trim()));
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let project = one("sleep 600 & echo $! > child.log; echo '{\"value\": 1}'", "");
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let child = project.read("child.log");
    until("the end of what it left", || !is_alive(child.trim()));
}

#[test]
fn a_program_that_is_ended_from_outside_is_tried_again() {
    let body = "[ -f once ] || { touch once; kill -KILL $$; }; echo '{\"value\": 1}'";
    let project = one(body, "");
    let output = project.xrun(["experiment.rhai"]);
    output.code(0).stderr_contains("trial-000 was lost: `sh` was ended by signal 9 from outside; attempt 2 of 3");
}

// What is refused before anything is run.

#[test]
fn what_cannot_be_run_is_refused_before_a_run_begins() {
    for (command, wanted) in [
        (
            "command([\"no-such-program\"])",
            "error: there is no program `no-such-program` in PATH; install it, or give its path from the project root, \
             with leave to run it\n",
        ),
        (
            "command([\"./objective.sh\"])",
            "error: there is no program `./objective.sh` in [PROJECT]; install it, or give its path from the project root, \
             with leave to run it\n",
        ),
        (
            "command([\"sh\"], #{ inputs: [\"gone.sh\"] })",
            "error: cannot read the input [PROJECT]/gone.sh: No such file or directory (os error 2)\n",
        ),
        (
            "command([\"sh\"], #{ folder: \"gone\" })",
            "error: there is no folder [PROJECT]/gone, in which `sh` is to be run; set objective.folder to one that is there\n",
        ),
    ] {
        let project = Project::new().file("objective.sh", "").script(&format!(
            "experiment(#{{ name: \"c\", objective: {command}, search: random(#{{ trials: 1, minimize: \"value\" }}) }})\n"
        ));
        for arguments in [&["experiment.rhai"][..], &["plan", "experiment.rhai"]] {
            project.xrun(arguments).code(2).stderr_is(wanted);
        }
        assert!(!project.path("results").exists());
    }
}

/// The error about `width` characters of the line with the command.
#[track_caller]
fn refused(command: &str, search: &str, at: &str, message: &str, hint: Option<&str>) {
    let line = format!("    objective: {command},");
    let searching = format!("    search: random(#{{ trials: 1, {search} }}),");
    let text = format!("experiment(#{{\n    name: \"c\",\n{line}\n{searching}\n}})\n");
    let (number, line) = if line.contains(at) { (3, line) } else { (4, searching) };
    let column = line.find(at).unwrap() + 1;
    let place = format!("experiment.rhai:{number}:{column}");
    let output = Project::new().script(&text).xrun(["check", "experiment.rhai"]);
    output.code(2).stderr_is(&error_at(message, &place, &line, at.len(), hint));
}

#[test]
fn a_command_that_makes_no_sense_is_refused_at_its_place() {
    let value = "minimize: \"value\"";
    refused(
        "command([\"sh\"], #{ timeout: \"soon\" })",
        value,
        "\"soon\"",
        "\"soon\" is no duration",
        Some("write it as \"90s\", \"10m\" or \"1h 30m\""),
    );
    refused(
        "command([choice([\"sh\", \"bash\"])])",
        value,
        "choice",
        "the program cannot be searched: it must be the same for all trials",
        Some("search-space objects may stand in its arguments, `options` and `env`"),
    );
    refused("command([7])", value, "7", "a program is named by a text", None);
    refused(
        "command([\"sh\"], #{ env: #{ \"A=B\": 1 } })",
        value,
        "1",
        "\"A=B\" cannot be the name of a variable",
        None,
    );
    refused(
        "command([\"sh\"])",
        "maximize: \"accuracy\"",
        "\"accuracy\"",
        "a command has one metric to search on, \"value\"",
        Some("say which of its numbers that is: command([...], #{ value: \"accuracy\" })"),
    );
    refused(
        "command([\"sh\"])",
        "minimize: \"value\", prune: median(#{})",
        "median",
        "a pruner judges epochs, and this `command` does not say how many it has",
        Some("add epochs: the number of epochs that are reported of a trial at most"),
    );
}

#[test]
fn check_and_plan_run_nothing_and_plan_shows_the_command_line() {
    let project = project();
    project.xrun(["check", "experiment.rhai"]).code(0);
    let plan = project.xrun(["plan", "experiment.rhai"]);
    plan.code(0).stdout_contains("command  sh objective.sh --x {x} --y {y}\n");
    assert_eq!(
        project.xrun(["plan", "experiment.rhai", "--json"]).json()["command"],
        "sh objective.sh --x {x} --y {y}"
    );
    assert_eq!(n_runs(&project), 0);
}

// Reuse, resume, replay.

#[test]
fn fits_are_reused_until_a_declared_input_is_edited() {
    let project = project().file("other.sh", "");
    let run = |project: &Project| project.xrun(["experiment.rhai", "--quiet", "--json"]).code(0).json();
    run(&project);
    assert_eq!((n_runs(&project), run(&project)["n_reused"].clone()), (6, json!(6)));
    // What is not declared is not seen.
    project.write("other.sh", "echo");
    assert_eq!(run(&project)["n_reused"], 6);
    project.write("objective.sh", &format!("{OBJECTIVE}# edited\n"));
    assert_eq!((run(&project)["n_reused"].clone(), n_runs(&project)), (json!(0), 12));
    project.write("objective.sh", OBJECTIVE);
    assert_eq!(run(&project)["n_reused"], 6);
}

#[test]
fn two_workers_give_what_one_gives_and_a_replay_too() {
    let (serial, parallel) = (project(), project());
    for lag in ["lag=1", "lag=3"] {
        for (project, workers) in [(&serial, "1"), (&parallel, "2")] {
            project.xrun(["experiment.rhai", "--quiet", "--fresh", lag, "--workers", workers]).code(0);
        }
        let last = |project: &Project| pure(project, project.runs("c").last().unwrap());
        let of_serial = last(&serial);
        assert!(of_serial.len() > 12, "{:?}", of_serial.keys());
        assert!(of_serial == last(&parallel));
    }
    let n = n_runs(&serial);
    serial.xrun(["replay", "--quiet"]).code(0).stdout_contains("equal: 6 fits (6 epochs) trained again");
    assert_eq!(n_runs(&serial), n + 6, "a replay runs the program again");
    serial.xrun(["replay", "@latest:trial-002", "--quiet"]).code(0).stdout_contains("equal: 1 fit");
    serial.write("objective.sh", &OBJECTIVE.replace("x / 2", "x / 3"));
    serial.xrun(["replay", "--quiet"]).code(4).stderr_is(
        "error: [PROJECT]/objective.sh is not what it was when the run was recorded\n\
         hint: put it back as it was; git may know it\n",
    );
}

#[test]
fn a_replay_of_a_program_that_gives_other_numbers_says_so() {
    let project = one("cat value.txt", "").file("value.txt", "{\"value\": 1}\n");
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    project.write("value.txt", "{\"value\": 2}\n");
    project.xrun(["replay", "--quiet"]).code(4).stdout_contains("trial-000/metrics.csv");
}

/// Starts a run and waits until its program has begun `n` times.
fn start(project: &Project, arguments: &[&str], n: usize) -> std::process::Child {
    let child = project.command(arguments).spawn().unwrap();
    until("the next trial", || n_runs(project) >= n);
    child
}

#[test]
fn a_run_that_was_killed_ends_as_one_that_was_not() {
    let whole = project();
    whole.xrun(["experiment.rhai", "--quiet"]).code(0);
    let wanted = pure(&whole, &whole.only_run("c"));
    for (name, workers) in [("KILL", "1"), ("KILL", "2"), ("INT", "1"), ("INT", "2")] {
        let project = project().file("pause", "0.3");
        let mut child = start(&project, &["experiment.rhai", "--quiet", "--workers", workers], 3);
        assert!(signal(&child.id().to_string(), name));
        child.wait().unwrap();
        fs::remove_file(project.path("pause")).unwrap();
        let resumed = project.xrun(["resume", "--quiet", "--json"]).code(0).json();
        assert!(resumed["n_reused"].as_u64().unwrap() >= 2, "{resumed}");
        assert!(pure(&project, &project.only_run("c")) == wanted);
    }
}

#[test]
fn a_run_does_not_go_on_with_an_edited_input() {
    let project = project().file("pause", "0.3");
    let mut child = start(&project, &["experiment.rhai", "--quiet"], 2);
    project.write("objective.sh", "echo '{\"value\": 1}'");
    assert_eq!(child.wait().unwrap().code(), Some(2));
    project.xrun(["resume", "--quiet"]).code(2).stderr_is(
        "error: [PROJECT]/objective.sh is not what it was when the run began; put it back, or run the config anew: what is \
         unchanged is reused\n",
    );
    project.write("objective.sh", OBJECTIVE);
    project.xrun(["resume", "--quiet"]).code(0);
}

#[test]
fn no_program_outlives_a_run_that_is_stopped_or_killed() {
    for (name, workers) in [("INT", "1"), ("TERM", "2"), ("KILL", "1"), ("KILL", "2")] {
        // The one in the background does not hear of SIGTERM.
        let body = "(trap '' TERM; sleep 601) & echo $! $$ > ids.log; echo run >> runs.log; sleep 600";
        let project = one(body, "");
        let mut child = start(&project, &["experiment.rhai", "--quiet", "--workers", workers], 1);
        until("the numbers of its processes", || {
            fs::read_to_string(project.path("ids.log")).is_ok_and(|ids| ids.ends_with('\n'))
        });
        assert!(signal(&child.id().to_string(), name));
        child.wait().unwrap();
        for process in project.read("ids.log").split_whitespace() {
            until("the end of its processes", || !is_alive(process));
        }
    }
}

// Epochs and pruning.

/// Twelve epochs towards `1 - lr`, where a large `lr` is hopeless.
const EPOCHS: &str = r#"
trap 'echo asked >> asked.log; exit 0' TERM
echo run >> runs.log
for epoch in 1 2 3 4 5 6 7 8 9 10 11 12; do
    awk -v lr="$2" -v epoch="$epoch" 'BEGIN { printf "{\"epoch\": %d, \"value\": %.12g}\n", epoch, (1 - lr) * epoch / 12 }'
    if [ -f wait ] && [ "$epoch" = 6 ]; then sleep 5 & wait; fi
done
"#;

#[test]
fn a_program_that_reports_epochs_is_pruned_the_same_way_every_time() {
    let script = r#"
experiment(#{
    name: "c",
    objective: command(["sh", "objective.sh"], #{ options: #{ lr: uniform(0.0, 1.0) }, epochs: 12 }),
    search: random(#{ trials: 12, maximize: "value", lag: 2, prune: median(#{ n_startup: 3 }) }),
})
"#;
    let project = || Project::new().script(script).file("objective.sh", EPOCHS);
    let (serial, parallel) = (project(), project());
    serial.xrun(["experiment.rhai", "--quiet"]).code(0);
    parallel.xrun(["experiment.rhai", "--quiet", "--workers", "2"]).code(0);
    let files = |project: &Project| -> BTreeMap<PathBuf, Vec<u8>> {
        // How much a program still said before it ended is chance.
        let files = pure(project, &project.only_run("c"));
        files.into_iter().filter(|(path, _)| !path.ends_with("stdout.log")).collect()
    };
    assert!(files(&serial) == files(&parallel));
    let trials = serial.read(serial.only_run("c").join("trials.csv"));
    assert!(trials.contains(",pruned,") && trials.contains(",complete,"), "{trials}");
    for (number, line) in trials.lines().skip(1).enumerate() {
        let metrics = serial.read(serial.only_run("c").join(format!("trial-{number:03}/metrics.csv")));
        let n_epochs = metrics.lines().count() - 1;
        assert_eq!(line.contains("complete"), n_epochs == 12, "{line}\n{metrics}");
    }
    serial.xrun(["replay", "--quiet"]).code(0);
}

#[test]
fn a_pruned_program_is_asked_to_end() {
    let script = r#"
experiment(#{
    name: "c",
    objective: command(["sh", "objective.sh"], #{ options: #{ lr: choice([0.9]) }, epochs: 12 }),
    search: random(#{ trials: 1, maximize: "value", prune: threshold(0.5, #{ warmup_epochs: 5 }) }),
})
"#;
    let project = Project::new().script(script).file("objective.sh", EPOCHS).file("wait", "");
    let output: Output = project.xrun(["experiment.rhai", "--quiet"]);
    output.code(1);
    assert_eq!(project.read("asked.log"), "asked\n");
    let outcome = outcome(&project, "trial-000");
    assert_eq!((&outcome["status"], &outcome["pruned"]["epoch"]), (&json!("pruned"), &json!(6)));
}
