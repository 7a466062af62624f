//! The commands: what they print, where they write, and how they end.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use support::{Project, sphere};

const BRANIN: &str = r#"experiment(#{
    name: "branin",
    objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0) }),
    search: tpe(#{ trials: param("trials", 12, "trials of the search"), minimize: "value" }),
})
"#;

const NESTED: &str = r#"let x = uniform(-1.0, 1.0).named("x");

experiment(#{
    name: "nested",
    data: rows(60),
    objective: sphere(#{ x: [x, x * 0.5 + 0.25, uniform(-1.0, 1.0)], noise: 0.05 }),
    cv: nested(#{ outer: kfold(3, 1729), inner: kfold(2, 4711) }),
    search: tpe(#{ trials: 3, minimize: "value" }),
})
"#;

/// Two trials, of which one ends at once.
fn tiny() -> String {
    sphere("", "uniform(0.0, 1.0)")
}

const TINY_TABLE: &str = " best of 2 trials             trial 0
 value             0.5371916188346304
 objective.x.0     0.7329335705469019

2 fits in [TIME]
[PROJECT]/results/a/[RUN]
";

#[test]
fn help_names_the_commands_and_the_exit_codes() {
    let project = Project::new();
    let output = project.xrun(["--help"]);
    output.code(0).stderr_is("");
    let first = "Runs an experiment script: nested cross-validation with hyperparameter search";
    assert!(output.stdout.starts_with(first), "{output}");
    let commands = [
        "check", "plan", "resume", "ls", "show", "replay", "finalize", "predict", "diff", "rm", "gc", "data", "doctor",
        "settings",
    ];
    for command in commands {
        assert!(output.stdout.lines().any(|line| line.starts_with(&format!("  {command}  "))), "{command}: {output}");
        project.xrun([command, "--help"]).code(0).stderr_is("");
    }
    let codes = "
Exit codes:
  0  done
  1  the run failed, or its record could not be written
  2  wrong usage or config, or an input is missing
  3  the run finished, but some of its trials failed; or predict could not read everything
  4  a replay gave something else than what was recorded
  5  there is no such run
  6  the run is being written by another process
  130, 143  stopped by Ctrl-C or SIGTERM; xrun resume goes on
";
    assert!(output.stdout.ends_with(codes), "{output}");
}

#[test]
fn version_is_that_of_the_package() {
    let output = Project::new().xrun(["--version"]);
    output.code(0).stderr_is("");
    assert!(output.stdout.starts_with(concat!("xrun ", env!("CARGO_PKG_VERSION"))), "{output}");
    assert_eq!(output.stdout.lines().count(), 1, "{output}");
}

#[test]
fn without_arguments_the_usage_is_shown() {
    let wanted = "\
error: the following required arguments were not provided:
  <SCRIPT>

Usage: xrun [OPTIONS] SCRIPT [KEY=VALUE]...
       xrun COMMAND

For more information, try '--help'.
";
    Project::new().run().code(2).stdout_is("").stderr_is(wanted);
}

#[test]
fn an_unknown_flag_is_wrong_usage() {
    let output = Project::new().script(&tiny()).args(["experiment.rhai", "--epochs", "3"]).run();
    output.code(2).stdout_is("");
    assert!(output.stderr.starts_with("error: unexpected argument '--epochs' found\n"), "{output}");
}

#[test]
fn a_script_that_is_not_there_is_a_missing_input() {
    let project = Project::new();
    for arguments in [vec!["nothing.rhai"], vec!["check", "nothing.rhai"], vec!["plan", "nothing.rhai"]] {
        let wanted = "\
error: cannot read the script nothing.rhai: No such file or directory (os error 2)
hint: check the path; experiments/ holds examples
";
        project.xrun(arguments).code(2).stdout_is("").stderr_is(wanted);
    }
    let wanted = "\
error: cannot read the script .: Is a directory (os error 21)
hint: name a script, not a folder
";
    project.xrun(["."]).code(2).stdout_is("").stderr_is(wanted);
}

#[test]
fn check_shows_the_space_and_writes_nothing() {
    let project = Project::new().file("branin.rhai", BRANIN);
    let wanted = "\
branin: tpe search, 12 trials a study, minimize value

 parameter     searched in
 objective.x1  uniform(-5.0, 10.0)
 objective.x2  uniform(0.0, 15.0)

 param   value  help
 trials     12  trials of the search
";
    project.xrun(["check", "branin.rhai"]).code(0).stderr_is("").stdout_is(wanted);
    assert_eq!(project.names(""), ["branin.rhai", "xrun.toml"]);
}

#[test]
fn check_speaks_json() {
    let output = Project::new().file("branin.rhai", BRANIN).args(["check", "branin.rhai", "--json", "trials=3"]).run();
    output.code(0).stderr_is("");
    let uniform = |low: f64, high: f64| serde_json::json!({ "kind": "uniform", "low": low, "high": high, "log": false, "step": null });
    let wanted = serde_json::json!({
        "kind": "experiment",
        "name": "branin",
        "params": [{ "name": "trials", "value": 3, "default": 12, "help": "trials of the search" }],
        "space": [
            { "name": "objective.x1", "distribution": uniform(-5.0, 10.0) },
            { "name": "objective.x2", "distribution": uniform(0.0, 15.0) },
        ],
    });
    assert_eq!(output.json(), wanted);
}

#[test]
fn plan_shows_what_a_run_would_do_and_writes_nothing() {
    let project = Project::new().file("branin.rhai", BRANIN).file("nested.rhai", NESTED);
    let wanted = "\
branin
search   tpe, 12 trials a study, minimize value, 2 parameters
fits     12 trials = 12 fits
at once  1 fit; a lag of more than 1 in the search allows more
";
    project.xrun(["plan", "branin.rhai"]).code(0).stderr_is("").stdout_is(wanted);
    let random = BRANIN.replace("tpe(", "random(");
    assert_ne!(random, BRANIN);
    let learns_nothing = Project::new().file("random.rhai", &random).xrun(["plan", "random.rhai"]);
    learns_nothing
        .code(0)
        .stdout_contains("fits     12 trials = 12 fits\nat once  12 fits at most, by as many workers\n");
    let wanted = "\
nested
data     60 rows without features
folds    3 outer x 2 inner
rows     20 + 20 + 20 (train + validation + test, first fold)
search   tpe, 3 trials a study, minimize value, 2 parameters
study    one per outer x inner fold; its best trial is trained again and tested
fits     3 x 2 x (3 + 1) = 24 fits
at once  6 fits at most, by as many workers
";
    project.xrun(["plan", "nested.rhai"]).code(0).stderr_is("").stdout_is(wanted);
    let wanted = serde_json::json!({
        "name": "nested",
        "data": "60 rows without features",
        "weights": [],
        "n_studies": 6,
        "n_trials": 3,
        "n_fits": 24,
        "arithmetic": "3 x 2 x (3 + 1) = 24 fits",
        "n_parallel": 6,
        "n_reused": 0,
        "reused_from": [],
    });
    assert_eq!(project.xrun(["plan", "nested.rhai", "--json"]).code(0).json(), wanted);
    assert_eq!(project.names(""), ["branin.rhai", "nested.rhai", "xrun.toml"]);
}

#[test]
fn a_run_prints_its_best_trial_and_where_it_is_recorded() {
    let stderr = "\
2 trials = 2 fits
[PROJECT]/results/a/[RUN]
[1/2] trial-000  1 epoch  validation.value 0.5372  [TIME]
[2/2] trial-001  1 epoch  validation.value 0.9694  [TIME]

see it again: xrun show [RUN]
";
    Project::new().script(&tiny()).args(["experiment.rhai"]).run().code(0).stdout_is(TINY_TABLE).stderr_is(stderr);
}

#[test]
fn a_nested_run_prints_its_finals_and_the_mean_over_outer_folds() {
    let output = Project::new().script(NESTED).args(["experiment.rhai", "--quiet"]).run();
    output.code(0).stderr_is("");
    let shape: Vec<String> = output
        .redact(&output.stdout)
        .lines()
        .map(|line| {
            line.split_whitespace()
                .filter(|word| !word.contains('.') || word.contains("test"))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let shape: Vec<&str> = shape.iter().map(|line| line.trim()).collect();
    assert_eq!(shape[0], "outer inner trial threshold test.value", "{output}");
    let folds: Vec<String> =
        shape[1..7].iter().map(|line| line.rsplit_once(' ').map_or("", |(folds, _)| folds).to_owned()).collect();
    assert_eq!(folds, ["0 0", "0 1", "1 0", "1 1", "2 0", "2 1"], "{output}");
    let few =
        "3 outer folds are too few for a t interval: so few values hardly tell how much they vary; take at least 5";
    let times = "test rows evaluated 6 times, once by each final";
    assert_eq!(shape[7..13], ["", "3 outer folds mean std", "test.value", few, times, ""], "{output}");
    assert_eq!(shape[13..], ["24 fits in [TIME]", "[PROJECT]/results/nested/[RUN]"], "{output}");
}

#[test]
fn quiet_prints_the_result_alone() {
    let project = Project::new().script(&tiny());
    project.xrun(["experiment.rhai", "--quiet"]).code(0).stdout_is(TINY_TABLE).stderr_is("");
    project.xrun(["experiment.rhai", "-q", "--fresh"]).code(0).stdout_is(TINY_TABLE).stderr_is("");
}

#[test]
fn a_run_speaks_json() {
    let project = Project::new().script(&tiny()).file("nested.rhai", NESTED);
    let output = project.xrun(["experiment.rhai", "--json", "--quiet"]);
    output.code(0).stderr_is("");
    let run = project.only_run("a");
    let id = run.file_name().map(|name| name.to_string_lossy().into_owned());
    let wanted = serde_json::json!({
        "run": id,
        "path": project.path(&run),
        "status": "complete",
        "n_fits": 2,
        "n_trained": 2,
        "n_reused": 0,
        "n_failed_trials": 0,
        "n_test_evaluations": 0,
        "metrics": {},
    });
    assert_eq!(output.json(), wanted);
    let json = project.xrun(["nested.rhai", "--json", "--quiet"]).code(0).json();
    let summary: serde_json::Value =
        serde_json::from_str(&project.read(project.only_run("nested").join("summary.json"))).expect("JSON");
    assert_eq!(json["metrics"]["test.value"], summary["test"]["value"]["mean"]);
    assert!(json["metrics"]["test.value"].is_f64(), "{json}");
}

#[test]
fn a_run_folder_holds_what_its_readme_says() {
    let project = Project::new().script(&tiny());
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = project.only_run("a");
    assert_eq!(
        project.names(&run),
        [
            "config.rhai",
            "imports",
            "journal.jsonl",
            "report.html",
            "run.json",
            "script.rhai",
            "summary.json",
            "timing.csv",
            "trial-000",
            "trial-001",
            "trials.csv",
        ]
    );
    assert_eq!(project.names(run.join("trial-000")), ["config.rhai", "metrics.csv", "outcome.json"]);
    assert_eq!(project.read(run.join("script.rhai")), tiny());
    let trials = "\
outer,inner,trial,state,value,reason,objective.x.0
,,0,complete,0.5371916188346304,,0.7329335705469019
,,1,complete,0.9693985563944114,,0.9845803961050674
";
    assert_eq!(project.read(run.join("trials.csv")), trials);
    assert_eq!(
        project.read(run.join("trial-000/metrics.csv")),
        "epoch,phase,train.loss,validation.value\n1,formula,,0.5371916188346304\n"
    );
    for line in project.read(run.join("journal.jsonl")).lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("every line of the journal is JSON");
    }
}

#[test]
fn a_nested_run_has_a_folder_for_every_fit_and_its_folds() {
    let project = Project::new().script(NESTED);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = project.only_run("nested");
    assert!(project.names(&run).contains(&"splits.json".to_owned()));
    for outer in 0..3 {
        for inner in 0..2 {
            let study = run.join(format!("outer-{outer}/inner-{inner}"));
            assert_eq!(project.names(&study), ["final", "trial-000", "trial-001", "trial-002"]);
        }
    }
}

/// The files of a run that are functions of script, data and seed.
fn results(project: &Project, run: &Path) -> BTreeMap<String, String> {
    ["trials.csv", "summary.json"].into_iter().map(|name| (name.to_owned(), project.read(run.join(name)))).collect()
}

#[test]
fn runs_with_one_seed_are_equal_and_with_another_differ() {
    for script in [BRANIN, NESTED] {
        let script = script.replace("\"nested\"", "\"branin\"");
        let project = Project::new().script(&script);
        let json = |arguments: &[&str]| {
            let output = project.xrun(["experiment.rhai", "--quiet", "--json"].iter().chain(arguments));
            output.code(0);
            PathBuf::from(output.json()["path"].as_str().expect("a path"))
        };
        let (first, second, other) = (json(&[]), json(&[]), json(&["seed=43"]));
        assert_eq!(results(&project, &first), results(&project, &second));
        let (first, other) = (results(&project, &first), results(&project, &other));
        assert_ne!(first["trials.csv"], other["trials.csv"]);
        assert_ne!(first["summary.json"], other["summary.json"]);
    }
}

#[test]
fn the_working_folder_does_not_change_a_result() {
    let project = Project::new().file("experiments/branin.rhai", BRANIN);
    project.xrun(["experiments/branin.rhai", "--quiet"]).code(0);
    let project = project.from("some/where");
    project.xrun(["../../experiments/branin.rhai", "--quiet"]).code(0);
    let runs = project.runs("branin");
    assert_eq!(runs.len(), 2, "both lie in the project's results: {runs:?}");
    assert_eq!(results(&project, &runs[0]), results(&project, &runs[1]));
}

#[test]
fn a_recorded_config_gives_the_recorded_trials_again() {
    for script in [BRANIN, NESTED] {
        let project = Project::new().script(&script.replace("\"nested\"", "\"branin\""));
        project.xrun(["experiment.rhai", "--quiet"]).code(0);
        let config = project.only_run("branin").join("config.rhai").display().to_string();
        project.xrun([&config, "--quiet"]).code(0);
        let runs = project.runs("branin");
        assert_eq!(runs.len(), 2, "{runs:?}");
        assert_eq!(results(&project, &runs[0]), results(&project, &runs[1]));
        assert_eq!(project.read(runs[0].join("config.rhai")), project.read(runs[1].join("config.rhai")));
    }
}

#[test]
fn the_config_of_a_fit_runs_again_alone() {
    let project = Project::new().script(NESTED);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let first = project.only_run("nested");
    for fit in ["outer-1/inner-0/trial-002", "outer-2/inner-1/final"] {
        let config = first.join(fit).join("config.rhai").display().to_string();
        let output = project.xrun([&config, "--quiet", "--json"]);
        output.code(0).stderr_is("");
        let again = PathBuf::from(output.json()["path"].as_str().expect("a path")).join("fit");
        assert_eq!(project.read(first.join(fit).join("metrics.csv")), project.read(again.join("metrics.csv")), "{fit}");
    }
}

#[test]
fn results_go_where_the_flag_then_the_variable_then_the_file_say() {
    let project = Project::new().script(&tiny());
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    project.write("xrun.toml", "results = \"from_file\"\n");
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let project = project.env("XRUN_RESULTS", "from_variable");
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    project.xrun(["experiment.rhai", "--quiet", "--results", "from_flag"]).code(0);
    for folder in ["results", "from_file", "from_variable", "from_flag"] {
        assert_eq!(project.names(format!("{folder}/a")).len(), 1, "{folder}");
    }
}

#[test]
fn settings_show_where_each_comes_from() {
    let project = Project::new().file("home/config/xrun/settings.toml", "threads = 5\ncache = \"pictures\"\n");
    project.write("xrun.toml", "results = \"out\"\nthreads = 2\n");
    let wanted = "\
 setting  value                                from
 results  [PROJECT]/out                        [PROJECT]/xrun.toml
 cache    [PROJECT]/home/config/xrun/pictures  [PROJECT]/home/config/xrun/settings.toml
 data     [PROJECT]/data                       default
 device   cpu                                  XRUN_DEVICE
 threads  3                                    --threads
 workers  1                                    default
 retries  2                                    default
";
    let tidy =
        |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    let output = project.xrun(["settings", "--threads", "3"]);
    output.code(0).stderr_is("");
    assert_eq!(tidy(&output.redact(&output.stdout)), tidy(wanted));
    let project = project.env("XRUN_RESULTS", "elsewhere").from("sub");
    let wanted = wanted
        .replace("[PROJECT]/out  ", "[PROJECT]/sub/elsewhere  ")
        .replace(" [PROJECT]/xrun.toml", " XRUN_RESULTS")
        .replace(
            "[PROJECT]/home/config/xrun/pictures  [PROJECT]/home/config/xrun/settings.toml",
            "[PROJECT]/sub/c  --cache",
        );
    let output = project.xrun(["settings", "--threads", "3", "--cache", "c"]);
    output.code(0).stderr_is("");
    assert_eq!(tidy(&output.redact(&output.stdout)), tidy(&wanted));
}

#[test]
fn an_unknown_setting_is_refused_with_the_near_one_and_its_file() {
    let project = Project::new().script(&tiny()).file("xrun.toml", "resluts = \"out\"\n");
    for arguments in [vec!["experiment.rhai"], vec!["ls"], vec!["settings"]] {
        let output = project.xrun(arguments);
        output.code(2).stdout_is("");
        assert!(output.stderr.contains("`resluts`") && output.stderr.contains("xrun.toml"), "{output}");
        assert!(output.stderr.contains("`results`"), "{output}");
    }
    assert_eq!(project.names(""), ["experiment.rhai", "xrun.toml"]);
}

#[test]
fn a_setting_of_the_wrong_type_is_refused() {
    for text in ["results = 3\n", "cache = true\n", "results = \"\n"] {
        let output = Project::new().script(&tiny()).file("xrun.toml", text).args(["experiment.rhai"]).run();
        output.code(2).stdout_is("");
        assert!(output.stderr.starts_with("error: settings: ") && output.stderr.contains("xrun.toml"), "{output}");
    }
    let output = Project::new().script(&tiny()).env("XRUN_THREADS", "many").args(["experiment.rhai"]).run();
    output.code(2).stdout_is("");
}

#[test]
fn an_unknown_device_is_wrong_usage() {
    let project = Project::new().script(&tiny());
    let output = project.xrun(["experiment.rhai", "--device", "tpu"]);
    output.code(2).stdout_is("");
    assert!(output.stderr.contains("tpu"), "{output}");
    assert_eq!(project.names(""), ["experiment.rhai", "xrun.toml"]);
}

#[test]
fn ls_says_when_there_is_nothing() {
    let project = Project::new();
    let wanted = "no runs in [PROJECT]/results\n";
    project.xrun(["ls"]).code(0).stdout_is("").stderr_is(wanted);
    project.write("results/README.md", "");
    project.xrun(["ls"]).code(0).stdout_is("").stderr_is(wanted);
    project.xrun(["ls", "--json"]).code(0).stdout_is("");
}

/// A project with three finished runs; their ids in the order in which they ran.
fn three_runs() -> (Project, Vec<String>) {
    let project = Project::new().script(&tiny()).file("nested.rhai", NESTED);
    let ids = ["experiment.rhai", "nested.rhai", "experiment.rhai"].map(|script| {
        let output = project.xrun([script, "--quiet", "--json"]);
        output.code(0);
        output.json()["run"].as_str().expect("an id").to_owned()
    });
    (project, ids.to_vec())
}

#[test]
fn ls_lists_runs_oldest_first() {
    let (project, ids) = three_runs();
    let output = project.xrun(["ls"]);
    output.code(0).stderr_is("");
    let rows: Vec<Vec<&str>> = output.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["run", "experiment", "status", "fits", "result"]);
    assert_eq!(rows[1], [&ids[0], "a", "complete", "2", "value", "0.5372"]);
    assert_eq!(rows[2][..5], [&ids[1], "nested", "complete", "24", "test.value"]);
    assert_eq!(rows[3], [&ids[2], "a", "complete", "2", "value", "0.5372"]);
    let output = project.xrun(["ls", "--json"]);
    let found: Vec<String> = output
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("an object a line")["run"]
                .as_str()
                .map(str::to_owned)
        })
        .map(|id| id.expect("an id"))
        .collect();
    assert_eq!(found, ids);
}

#[test]
fn ids_sort_by_time_also_within_a_second() {
    let project = Project::new().script(&sphere("", "1.0").replace("trials: 2", "trials: 1"));
    let ids: Vec<String> = (0..8)
        .map(|_| {
            let output = project.xrun(["experiment.rhai", "--quiet", "--json"]);
            output.code(0);
            output.json()["run"].as_str().expect("an id").to_owned()
        })
        .collect();
    assert!(ids.is_sorted(), "{ids:?}");
}

#[test]
fn a_damaged_run_is_a_warning_beside_the_others() {
    let (project, ids) = three_runs();
    let manifest = format!("results/a/{}/run.json", ids[0]);
    let text = project.read(&manifest);
    let damaged = "warning: [PROJECT]/results/a/[RUN]/run.json is damaged: ";
    for (text, reason) in [
        (
            "{\n".to_owned(),
            "EOF while parsing an object at line 2 column 0; put back a copy, or remove the run with `xrun rm`",
        ),
        (
            text.replace("\"format\": 1,", "\"format\": 999,"),
            "it has format 999, this xrun reads up to 1; use a newer xrun",
        ),
    ] {
        project.write(&manifest, &text);
        let output = project.xrun(["ls"]);
        output.code(0).stderr_is(&format!("{damaged}{reason}\n"));
        let rows: Vec<&str> = output.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(rows, ["run", &ids[1], &ids[2]], "{output}");
        let wanted = format!("{}{reason}\n", damaged.replace("warning", "error"));
        project.xrun(["show", &ids[0]]).code(1).stdout_is("").stderr_is(&wanted);
    }
}

#[test]
fn a_run_without_a_summary_is_unfinished() {
    let project = Project::new().script(&tiny());
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    std::fs::remove_file(project.path(project.only_run("a").join("summary.json"))).expect("it was written");
    let output = project.xrun(["ls"]);
    output.code(0).stderr_is("");
    assert!(output.stdout.lines().nth(1).is_some_and(|line| line.contains(" unfinished ")), "{output}");
    let output = project.xrun(["show"]);
    output.code(0).stderr_is("");
    assert!(output.stdout.contains("\nstatus   unfinished\n"), "{output}");
}

#[test]
fn show_describes_a_run() {
    let project = Project::new().script(&tiny());
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let output = project.xrun(["show"]);
    output.code(0).stderr_is("");
    let told = output.redact(&output.stdout);
    // What the machine is, is not for a test to say.
    let told: Vec<&str> = told
        .lines()
        .map(|line| match line.split_whitespace().next() {
            Some(word @ ("device" | "xrun" | "command")) => word,
            Some("started") => line.split(" on ").next().unwrap_or(line),
            _ => line,
        })
        .collect();
    let wanted = [
        "a [RUN]",
        "status   complete",
        "started  [TIME]",
        "fits     2 trials = 2 fits",
        "device",
        "xrun",
        "command",
        "",
        " best of 2 trials             trial 0",
        " value             0.5371916188346304",
        " objective.x.0     0.7329335705469019",
        "",
        "run it again: xrun [PROJECT]/results/a/[RUN]/config.rhai",
    ];
    assert_eq!(told, wanted, "{output}");
}

#[test]
fn show_finds_a_run_by_id_beginning_path_and_latest() {
    let (project, ids) = three_runs();
    let shown = |asked: &str| {
        let output = project.xrun(["show", asked, "--json"]);
        output.code(0).stderr_is("");
        output.json()["manifest"]["run"].as_str().expect("an id").to_owned()
    };
    assert_eq!(shown("@latest"), ids[2]);
    for id in &ids {
        assert_eq!(shown(id), *id);
        assert_eq!(
            shown(&id[..id.len() - 1]),
            *id,
            "a unique beginning, unless two ids differ in the last digit alone"
        );
    }
    assert_eq!(shown(&format!("results/nested/{}", ids[1])), ids[1]);
    let path = project.path(format!("results/a/{}", ids[0])).display().to_string();
    assert_eq!(shown(&path), ids[0]);
}

#[test]
fn an_ambiguous_beginning_names_the_candidates() {
    let (project, ids) = three_runs();
    let (project, first) = (project, &ids[0][..2]);
    let wanted = format!("error: `{first}` could be [RUN], [RUN], [RUN]\nhint: give more of the id\n");
    let output = project.xrun(["show", first]);
    output.code(5).stdout_is("").stderr_is(&wanted);
    assert!(ids.iter().all(|id| output.stderr.contains(id)), "{output}");
}

#[test]
fn a_run_that_is_not_there_is_not_found() {
    let hint = "hint: `xrun ls` lists the runs\n";
    let (project, _) = three_runs();
    let wanted = format!("error: there is no run `nothing` in [PROJECT]/results\n{hint}");
    project.xrun(["show", "nothing"]).code(5).stdout_is("").stderr_is(&wanted);
    let wanted = format!("error: there is no run `@latest` in [PROJECT]/other\n{hint}");
    project.xrun(["show", "@latest", "--results", "other"]).code(5).stdout_is("").stderr_is(&wanted);
}

const STORE_HINT: &str =
    "hint: free some space or choose another folder with --results DIR; earlier runs are as they were\n";

#[test]
fn a_file_in_the_place_of_the_results_stops_the_run() {
    let project = Project::new().script(&tiny()).file("results", "not a folder\n");
    let wanted = format!("error: cannot write [PROJECT]/results/a: Not a directory (os error 20)\n{STORE_HINT}");
    project.xrun(["experiment.rhai"]).code(1).stdout_is("").stderr_is(&wanted);
    assert_eq!(project.read("results"), "not a folder\n");
}

#[cfg(unix)]
#[test]
fn results_that_cannot_be_written_stop_the_run_and_leave_earlier_runs() {
    let project = Project::new().script(&tiny());
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let before = project.contents("results");
    for folder in ["results/a", "results"] {
        support::set_mode(&project.path(folder), 0o555);
    }
    let project = project.by_nobody();
    let wanted =
        format!("error: cannot write [PROJECT]/results/a/[RUN]: Permission denied (os error 13)\n{STORE_HINT}");
    project.xrun(["experiment.rhai"]).code(1).stdout_is("").stderr_is(&wanted);
    project.xrun(["ls"]).code(0).stderr_is("");
    for folder in ["results", "results/a"] {
        support::set_mode(&project.path(folder), 0o755);
    }
    assert_eq!(project.contents("results"), before);
}

/// A limit on the size of files stands in for a full disk; the signal that would end the program is ignored.
#[cfg(unix)]
#[test]
fn a_disk_that_is_full_at_once_stops_the_run_and_leaves_earlier_runs() {
    let project = Project::new().script(&tiny());
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let earlier = project.only_run("a");
    let before = project.contents(&earlier);
    let project = project.under("trap '' XFSZ; ulimit -f 0");
    let output = project.xrun(["experiment.rhai"]);
    let wanted = format!(
        "error: cannot write [PROJECT]/results/a/[RUN]/script.rhai: File too large (os error 27)\n{STORE_HINT}"
    );
    output.code(1).stdout_is("").stderr_is(&wanted);
    assert_eq!(project.contents(&earlier), before);
    let output = project.xrun(["ls"]);
    output.code(0).stderr_is("");
    assert_eq!(output.stdout.lines().count(), 2, "a folder without a manifest is no run: {output}");
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_half_way_stops_the_run_and_keeps_what_was_recorded() {
    let script = tiny().replace("trials: 2", "trials: 200");
    let project = Project::new().script(&tiny()).file("long.rhai", &script);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let earlier = project.only_run("a");
    let before = project.contents(&earlier);
    let project = project.under("trap '' XFSZ; ulimit -f 64");
    let output = project.xrun(["long.rhai", "--quiet"]);
    let wanted = "error: cannot write [PROJECT]/results/a/[RUN]/journal.jsonl: File too large (os error 27)\n\
         hint: free some space or mend what is named here; what is recorded is kept; \
         go on with: xrun resume [PROJECT]/results/a/[RUN]\n";
    output.code(1).stdout_is("").stderr_is(wanted);
    assert_eq!(project.contents(&earlier), before);
    let cut = project.runs("a").into_iter().find(|run| *run != earlier).expect("the run that was cut short");
    assert!(!project.names(&cut).contains(&"summary.json".to_owned()));
    assert!(project.names(&cut).iter().all(|name| !name.ends_with(".partial")), "{:?}", project.names(&cut));
    let trials = project.names(&cut).into_iter().filter(|name| name.starts_with("trial-")).count();
    assert!(trials > 1, "{output}");
    assert_eq!(project.names(cut.join("trial-000")), ["config.rhai", "metrics.csv", "outcome.json"]);
    let output = project.xrun(["ls"]);
    output.code(0).stderr_is("");
    assert!(output.stdout.contains(" unfinished "), "{output}");
    assert!(output.stdout.contains(" complete "), "{output}");
}

#[test]
fn a_trial_that_fails_is_recorded_and_the_run_goes_on() {
    let script = sphere("let c = choice([0, 1, 2]).named(\"c\");", "6 / c").replace("trials: 2", "trials: 6");
    let project = Project::new().script(&script);
    let output = project.xrun(["experiment.rhai", "--quiet"]);
    let wanted = " best of 6 trials  trial 1
 value                36.0
 c                       1

6 fits in [TIME], 3 trials failed
[PROJECT]/results/a/[RUN]
";
    output.code(3).stderr_is("").stdout_is(wanted);
    let trials = "\
outer,inner,trial,state,value,reason,c
,,0,failed,,`(6 / c)` divides by zero,0
,,1,complete,36.0,,1
,,2,complete,36.0,,1
,,3,failed,,`(6 / c)` divides by zero,0
,,4,complete,36.0,,1
,,5,failed,,`(6 / c)` divides by zero,0
";
    assert_eq!(project.read(project.only_run("a").join("trials.csv")), trials);
}

#[test]
fn a_trial_that_fails_says_why_while_the_run_goes_on() {
    let script = sphere("let c = choice([0, 1, 2]).named(\"c\");", "6 / c").replace("trials: 2", "trials: 6");
    let output = Project::new().script(&script).args(["experiment.rhai"]).run();
    output.code(3);
    let failed = output.stderr.lines().filter(|line| line.contains("failed: `(6 / c)` divides by zero")).count();
    assert_eq!(failed, 3, "{output}");
}

#[test]
fn a_run_in_which_every_trial_fails_has_failed() {
    let project = Project::new().script(&sphere("let c = int(1, 4).named(\"c\");", "c / 0"));
    let output = project.xrun(["experiment.rhai"]);
    output.code(1);
    assert!(output.stderr.contains("`(c / 0)` divides by zero"), "it does not say why: {output}");
    let why = "error: no trial of the search gave a value: 2 trials failed\nhint: trials.csv in ";
    assert!(output.stderr.contains(why), "{output}");
    let trials = project.read(project.only_run("a").join("trials.csv"));
    assert_eq!(
        trials.lines().filter(|line| line.contains(",failed,,`(c / 0)` divides by zero,")).count(),
        2,
        "{trials}"
    );
    let output = project.xrun(["ls"]);
    assert!(output.stdout.contains(" failed "), "{output}");
}
