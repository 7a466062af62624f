//! What a user or a bad day can do to a run, and what is said then.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use support::Project;

const BALL: &str = r#"
experiment(#{
    name: "ball",
    objective: sphere(#{ x: [uniform(-1.0, 1.0)] }),
    search: tpe(#{ trials: param("trials", 6, "trials"), minimize: "value" }),
})
"#;

/// A search that takes a second: enough to be stopped in its middle.
const LONG: &str = r#"
experiment(#{
    name: "long",
    data: csv_table("table.csv", #{ target: "label" }),
    model: classifier(#{ backbone: mlp(#{ hidden: [4] }) }),
    train: [phase("fit", #{ epochs: param("epochs", 300, "epochs"), optimizer: sgd(#{ lr: log_uniform(1e-3, 1e-1) }) })],
    cv: nested(#{ outer: stratified_kfold(2, 1), inner: stratified_kfold(2, 2) }),
    search: tpe(#{ trials: 2, maximize: "roc_auc", per: "outer" }),
})
"#;

fn table() -> String {
    let rows = (0..40).map(|row| format!("{}.5,{}\n", row * 7 % 13, ["no", "yes"][row % 2]));
    std::iter::once("a,label\n".to_owned()).chain(rows).collect()
}

fn project() -> Project {
    Project::new().file("ball.rhai", BALL).file("long.rhai", LONG).file("table.csv", &table())
}

/// A run that was killed in its middle.
fn cut_short(project: &Project) -> PathBuf {
    let mut child = project.command(&["long.rhai", "--fresh"]).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !project.runs("long").first().is_some_and(|run| project.path(run).join("outer-0/inner-0").is_dir()) {
        assert!(started.elapsed() < Duration::from_secs(30), "the run does not begin");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    project.only_run("long")
}

#[test]
fn a_run_goes_on_when_nobody_listens_any_more() {
    let project = project();
    let mut child = project.command(&["ball.rhai", "trials=150"]).spawn().unwrap();
    drop(child.stderr.take());
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(project.path(project.only_run("ball")).join("summary.json").is_file());
}

#[cfg(unix)]
#[test]
fn a_script_whose_name_is_no_text_runs() {
    use std::os::unix::ffi::OsStrExt;
    let project = project();
    let name = std::ffi::OsStr::from_bytes(b"ball\xff.rhai");
    fs::copy(project.path("ball.rhai"), project.path(Path::new(name))).unwrap();
    let mut child = project.command::<&str>(&[]).arg(name).spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(project.read(project.only_run("ball").join("run.json")).contains("ball\u{fffd}.rhai"));
}

#[cfg(unix)]
#[test]
fn results_whose_path_is_no_text_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    let project = project();
    let mut command = project.command(&["ball.rhai", "--results"]);
    let output = command.arg(std::ffi::OsStr::from_bytes(b"r\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("error: settings: --results: the path `r\u{fffd}` is no text in UTF-8"), "{said}");
}

#[test]
fn a_run_is_resumed_from_any_folder_by_any_path() {
    for (folder, path) in [("RUN", "."), ("RUN/outer-0", ".."), ("results", "long/ID"), ("", "results/long/ID")] {
        let project = project();
        let run = cut_short(&project);
        let id = run.file_name().unwrap().to_string_lossy().into_owned();
        let folder = folder.replace("RUN", &run.to_string_lossy());
        let project = project.from(&folder);
        let output = project.xrun(["resume", &path.replace("ID", &id), "--json"]);
        output.code(0).stderr_contains(&format!("xrun show {id}\n"));
        let report = output.json();
        assert_eq!(report["run"], *id);
        assert_eq!(Path::new(report["path"].as_str().unwrap()), project.path(&run));
    }
}

#[test]
fn what_a_resumed_run_takes_over_is_named_below_the_results() {
    let project = project();
    let run = cut_short(&project);
    let whole = project.xrun(["long.rhai", "--fresh", "--json", "--quiet"]);
    let id = whole.code(0).json()["run"].as_str().unwrap().to_owned();
    let output = project.xrun(["resume", &run.to_string_lossy()]);
    output.code(0).stdout_contains(&format!("reused from {id}\n"));
    let outcome = project.read(run.join("outer-1/final/outcome.json"));
    assert!(outcome.contains(&format!("\"reused\": \"long/{id}/outer-1/final\"")), "{outcome}");
}

#[test]
fn what_is_missing_of_a_run_is_named_with_what_to_do() {
    let project = project();
    let run = cut_short(&project);
    let id = run.file_name().unwrap().to_string_lossy().into_owned();
    let away = project.path("away");
    fs::create_dir(&away).unwrap();
    let put_away = |file: &str| fs::rename(project.path(run.join(file)), away.join(file)).unwrap();
    let put_back = |file: &str| fs::rename(away.join(file), project.path(run.join(file))).unwrap();

    put_away("journal.jsonl");
    let output = project.xrun(["resume", &id]);
    output
        .code(1)
        .stderr_contains("journal.jsonl is missing\nhint: put back a copy, or remove the run with `xrun rm`\n");
    project.xrun(["show", &id]).code(1).stderr_contains("journal.jsonl is missing\n");
    put_back("journal.jsonl");

    put_away("config.rhai");
    project
        .xrun(["resume", &id])
        .code(2)
        .stderr_contains("config.rhai is gone or cannot be read, but run.json tells of it");
    put_back("config.rhai");

    put_away("run.json");
    for asked in [id.clone(), run.to_string_lossy().into_owned()] {
        let output = project.xrun(["resume", &asked]);
        output.code(5).stderr_contains("is no run: it has no run.json\nhint: put back a copy of run.json");
    }
    put_back("run.json");
    project.xrun(["resume", &id, "--quiet"]).code(0);
}

#[test]
fn a_run_being_written_is_shown_as_running_and_kept_from_others() {
    let project = project();
    let mut child = project.command(&["long.rhai", "epochs=500_000"]).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !project.runs("long").first().is_some_and(|run| project.path(run).join("outer-0").is_dir()) {
        assert!(started.elapsed() < Duration::from_secs(30), "the run does not begin");
        thread::sleep(Duration::from_millis(5));
    }
    let shown = project.xrun(["show", "@latest"]);
    let asked = [project.xrun(["resume", "@latest"]), project.xrun(["rm", "@latest"])];
    child.kill().unwrap();
    child.wait().unwrap();
    shown.code(0).stdout_contains("it is running").stdout_contains(", 1 thread\n");
    for output in asked {
        output.code(6).stderr_contains("is being written by another process; wait for it to end");
    }
    project
        .xrun(["show", "@latest"])
        .code(0)
        .stdout_contains("it did not come to its end; go on with it: xrun resume ");
}

#[test]
fn the_piece_of_a_file_that_was_cut_short_goes_when_the_fit_is_taken_over() {
    let project = project();
    let run = cut_short(&project);
    project.xrun(["long.rhai", "--fresh", "--quiet"]).code(0);
    let folder = run.join("outer-0/inner-0/trial-000");
    for piece in ["metrics.csv.partial", "checkpoint.bin.partial"] {
        project.write(folder.join(piece), "a");
    }
    project.xrun(["resume", &run.to_string_lossy(), "--quiet"]).code(0);
    let wanted = ["config.rhai", "metrics.csv", "outcome.json", "validation_predictions.csv"];
    assert_eq!(project.names(folder), wanted);
}

#[test]
fn the_plan_of_a_fit_says_what_is_reused() {
    let project = project();
    project.xrun(["ball.rhai", "--quiet"]).code(0);
    let run = project.only_run("ball");
    let config = run.join("trial-001/config.rhai").to_string_lossy().into_owned();
    let id = run.file_name().unwrap().to_string_lossy().into_owned();
    project.xrun(["plan", &config]).code(0).stdout_is(&format!("1 fit, reused from {}\n", "[RUN]"));
    let json = project.xrun(["plan", &config, "--json"]).code(0).json();
    assert_eq!((&json["n_fits"], &json["n_reused"]), (&1.into(), &1.into()));
    assert_eq!(json["reused_from"], serde_json::json!([id]));
}

#[test]
fn one_is_no_many() {
    let project = project();
    let output = project.xrun(["ball.rhai", "trials=1"]);
    output.code(0).stderr_contains("1 trial = 1 fit\n").stdout_contains("best of 1 trial ");
    let output = project.xrun(["plan", "ball.rhai", "trials=1", "--results", "none"]);
    output.code(0).stdout_contains("1 trial a study, minimize value, 1 parameter\n");
    project.xrun(["show", "@latest"]).code(0).stdout_contains(", 1 thread\n");
}

#[test]
fn a_number_takes_whole_numbers_as_its_domain() {
    let script = r#"
experiment(#{ name: "p", objective: sphere(#{ x: [uniform(-1.0, 1.0), param("a", 1.0, "a", [1, 2, 2.5])] }),
              search: random(#{ trials: 1, minimize: "value" }) })
"#;
    let project = Project::new().script(script);
    for given in ["a=1", "a=2.0", "a=2.5"] {
        project.xrun(["check", "experiment.rhai", given]).code(0);
    }
    project.xrun(["check", "experiment.rhai", "a=3"]).code(2).stderr_contains("takes one of 1.0, 2.0, 2.5, not `3.0`");
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let config = project.only_run("p").join("config.rhai");
    project.xrun(["check", &config.to_string_lossy(), "a=2"]).code(0);
}

#[test]
fn a_search_that_is_missing_is_hinted_at_in_the_metric_there_is() {
    let script = r#"experiment(#{ name: "p", objective: sphere(#{ x: [uniform(-1.0, 1.0)] }) })"#;
    let output = Project::new().script(script).args(["experiment.rhai"]).run();
    output.code(2).stderr_contains("hint: add search: tpe(#{ trials: 100, minimize: \"value\" })");
}

#[test]
fn a_key_of_a_map_that_is_not_there_yet_is_known() {
    let project = project();
    let output = project.xrun(["plan", "long.rhai", "cv.take.outer=1"]);
    output
        .code(2)
        .stderr_contains("needs `inner`")
        .stderr_contains("hint: it is not there yet: set all of `take` at once, to #{ outer: ..., inner: ... }");
    project.xrun(["plan", "long.rhai", "cv.take=#{outer: 1, inner: 1}"]).code(0).stdout_contains(" = 3 fits\n");
    let output = project.xrun(["plan", "long.rhai", "train.fit.early_stop.patience=3"]);
    output.code(0).stdout_contains(" = 10 fits\n");
    project.xrun(["plan", "long.rhai", "cv.take.uoter=1"]).code(2).stderr_contains("names nothing");
}

#[test]
fn a_variable_that_is_no_setting_is_told_with_the_near_one() {
    // `cargo run` sets the second one.
    let set = project().env("XRUN_WORKER", "3").env("XRUN_COMMIT", "0123").env("XRUN_COLOUR", "no");
    let output = set.args(["settings"]).run();
    output.code(0).stderr_is(
        "warning: the variable `XRUN_COLOUR` is no setting and is passed over\n\
         warning: the variable `XRUN_WORKER` is no setting and is passed over; did you mean `XRUN_WORKERS`?\n",
    );
}

#[test]
fn settings_that_cannot_be_used_are_told_in_words() {
    let of = |text: &str| project().file("xrun.toml", text).args(["settings"]).run();
    of("worker = 2\n").code(2).stderr_is(
        "error: settings: [PROJECT]/xrun.toml: there is no setting `worker`\nhint: did you mean `workers`?\n",
    );
    of("colour = 2\n")
        .code(2)
        .stderr_contains("hint: the settings are results, cache, data, device, threads, workers, retries\n");
    of("workers = \"a\"\n")
        .code(2)
        .stderr_contains("xrun.toml: `workers` takes a whole number of at least 0, not string \"a\"");
    of("retries = -1\n").code(2).stderr_contains("xrun.toml: `retries` takes a whole number of at least 0, not ");
    let output = project().env("XRUN_THREADS", "many").args(["settings"]).run();
    output.code(2).stderr_contains("error: settings: XRUN_THREADS: `threads` takes a whole number of at least 0, not ");
    project().xrun(["settings", "--threads", "1024"]).code(0).stdout_contains(" threads  1024 ");
    project().xrun(["settings", "--threads", "1025"]).code(2).stderr_is(
        "error: settings: threads is 1025, but so many cannot be started; it must be at most 1024, or 0 for all cores\n\
         hint: `xrun settings` shows each setting and where it comes from\n",
    );
}
