//! A trial or a fit of a run on the terminal, and the tables of runs as one: whole outputs, cell for cell.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Output, Project};

/// Two trials of a program that reports four epochs.
const REPORTS: &str = r#"experiment(#{
    name: "c",
    objective: command(["sh", "objective.sh"], #{ options: #{ x: choice([0.5, 0.25]) }, epochs: 4 }),
    search: grid(#{ minimize: "value" }),
})
"#;

const OBJECTIVE: &str = r#"
for epoch in 1 2 3 4; do
    awk -v x="$2" -v epoch="$epoch" 'BEGIN { printf "{\"epoch\": %d, \"value\": %.6g, \"loss\": %d}\n", epoch, x / epoch, epoch % 2 }'
done
"#;

const FORMULA: &str = r#"let x = uniform(-1.0, 1.0).named("x");
experiment(#{
    name: "nested",
    data: rows(60),
    objective: sphere(#{ x: [x], noise: 0.05 }),
    cv: nested(#{ outer: kfold(3, 1729), inner: kfold(2, 4711) }),
    search: random(#{ trials: 2, minimize: "value", per: param("per", "inner", "studies") }),
})
"#;

/// A tiny network on a table, per outer fold.
const TABLE: &str = r#"experiment(#{
    name: "t",
    data: csv_table("table.csv", #{ target: "kind" }),
    model: classifier(#{ backbone: mlp(#{ hidden: [4] }) }),
    train: [phase("fit", #{ epochs: 3, optimizer: adam(#{ lr: log_uniform(1e-3, 1e-1) }) })],
    cv: nested(#{ outer: kfold(2, 1), inner: kfold(2, 2) }),
    search: random(#{ trials: 2, maximize: "roc_auc", per: "outer" }),
})
"#;

fn reports() -> Project {
    let project = Project::new().script(REPORTS).file("objective.sh", OBJECTIVE);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    project
}

fn table() -> Project {
    let rows: String = (0..40).map(|row| format!("{},{},{}\n", row % 7, row % 5, ["a", "b"][row % 2])).collect();
    let project = Project::new().script(TABLE).file("table.csv", &format!("x,y,kind\n{rows}"));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    project
}

fn id(run: &Path) -> String {
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The lines of a table in CSV, its header first.
fn lines(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn a_trial_is_shown_with_its_values_and_the_curve_of_its_fit() {
    let project = reports();
    let wanted = "c [RUN]: trial 0\nstate    complete\nvalue    0.0625 validation.value\n\n\
                  \u{20}parameter  value\n\
                  \u{20}x           0.25\n\n\
                  \u{20}fit        status     score  epochs  validation.value by epoch\n\
                  \u{20}trial-000  complete  0.0625       4  0.2500 #:._ 0.0625\n";
    project.xrun(["show", "--trial", "0"]).code(0).stderr_is("").stdout_is(wanted);
    let project = project.env("LANG", "C.UTF-8");
    let shown = wanted.replace("#:._", "█▃▂▁");
    project.xrun(["show", "--trial", "0"]).code(0).stderr_is("").stdout_is(&shown);
    let project = project.env("LC_ALL", "C");
    project.xrun(["show", "--trial", "0"]).code(0).stdout_is(wanted);
    let found = project.xrun(["show", "@latest", "--trial", "1", "--json"]).code(0).json();
    assert_eq!((&found["run"], &found["metric"]), (&json!(id(&project.only_run("c"))), &json!("value")));
    let trial = &found["trials"][0];
    assert_eq!(trial["parameters"], json!({ "x": 0.5 }));
    assert_eq!(trial["results"], json!({ "value": 0.125 }));
    assert_eq!((&trial["trial"], &trial["outer"], &trial["state"]), (&json!(1), &Value::Null, &json!("complete")));
    assert_eq!(trial["fits"][0]["curves"]["validation.value"], json!([0.5, 0.25, 0.166_667, 0.125]));
}

#[test]
fn a_fit_is_shown_with_its_metrics_and_curves() {
    let project = reports();
    let output = project.xrun(["show", "@latest:trial-000"]);
    let wanted = "c [RUN]:trial-000\nstatus   complete\nscore    0.0625\nepochs   4 of 4\ntook     [TIME]\n\n\
                  \u{20}metric  validation\n\
                  \u{20}value       0.0625\n\
                  \u{20}loss        0.0000\n\n\
                  \u{20}by epoch           first    last  lowest  highest\n\
                  \u{20}validation.value  0.2500  0.0625  0.0625   0.2500  #:._\n\
                  \u{20}validation.loss   1.0000  0.0000  0.0000   1.0000  #_#_\n\n\
                  train it again: xrun [PROJECT]/results/c/[RUN]/trial-000/config.rhai\n";
    output.code(0).stderr_is("").stdout_is(wanted);
    let path = project.only_run("c").join("trial-000");
    let same = project.xrun(["show", path.to_str().unwrap()]);
    assert_eq!(same.code(0).stdout, output.stdout);
    let found = project.xrun(["show", "@latest:trial-000", "--json"]).code(0).json();
    let outcome: Value = serde_json::from_str(&project.read(path.join("outcome.json"))).unwrap();
    assert_eq!((&found["fit"], &found["outcome"]), (&json!("trial-000"), &outcome));
    assert_eq!(found["curves"]["validation.loss"], json!([1.0, 0.0, 1.0, 0.0]));
}

#[test]
fn a_trial_of_several_studies_is_shown_of_each_or_of_those_that_are_named() {
    let project = Project::new().script(FORMULA);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let all = project.xrun(["show", "--trial", "1"]);
    let heads = |output: &Output| -> Vec<String> {
        let text = output.redact(&output.stdout);
        text.lines().filter(|line| line.contains(": trial")).map(str::to_owned).collect()
    };
    let head = |outer, inner| format!("nested [RUN]: trial 1 of outer {outer}, inner {inner}");
    let wanted = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)].map(|(outer, inner)| head(outer, inner));
    assert_eq!(heads(all.code(0).stderr_is("")), wanted);
    assert_eq!(
        heads(&project.xrun(["show", "--trial", "1", "--inner", "1"])),
        [&wanted[1..2], &wanted[3..4], &wanted[5..]].concat()
    );
    let one = project.xrun(["show", "--trial", "1", "--outer", "2", "--inner", "0"]);
    assert_eq!(heads(&one), [head(2, 0)]);
    // The table says of each study which trial its final has.
    let run = project.only_run("nested");
    let summary: Value = serde_json::from_str(&project.read(run.join("summary.json"))).unwrap();
    for last in summary["finals"].as_array().unwrap() {
        let arguments = ["outer", "inner", "trial"].map(|key| [format!("--{key}"), last[key].to_string()]);
        let arguments = ["show".to_owned()].into_iter().chain(arguments.into_iter().flatten());
        let fit = last["fit"].as_str().unwrap();
        project.xrun(arguments).code(0).stdout_contains(&format!("\nfinal    {fit} has these values\n"));
    }
    // Per outer fold a trial has a fit for each inner fold.
    project.xrun(["experiment.rhai", "--quiet", "per=outer"]).code(0);
    let shown = project.xrun(["show", "--trial", "0", "--outer", "1"]);
    assert_eq!(heads(&shown), ["nested [RUN]: trial 0 of outer 1"]);
    for inner in 0..2 {
        shown.stdout_contains(&format!("\n outer-1/inner-{inner}/trial-000  complete  "));
    }
}

#[test]
fn a_fit_of_a_network_has_its_rows_threshold_and_test_metrics() {
    let project = table();
    let run = project.only_run("t");
    let outcome: Value = serde_json::from_str(&project.read(run.join("outer-1/final/outcome.json"))).unwrap();
    let number = |value: &Value| format!("{:.4}", value.as_f64().unwrap());
    let shown = project.xrun(["show", "t@best:outer-1/final"]);
    let threshold = number(&outcome["threshold"]);
    shown
        .code(0)
        .stdout_contains(&format!("\ncut at   {threshold}\nepochs   3 of 3; fit kept 3\nrows     20 train, 20 test\n"));
    let metrics: Vec<Vec<&str>> = shown.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(metrics.contains(&vec!["metric", "test"]), "{shown}");
    for (name, value) in outcome["test"].as_object().unwrap() {
        assert!(metrics.contains(&vec![name, &number(value)]), "{name}: {shown}");
    }
}

#[test]
fn finals_without_validation_rows_have_the_value_that_was_searched() {
    let project = table();
    let summary: Value = serde_json::from_str(&project.read(project.only_run("t").join("summary.json"))).unwrap();
    assert_eq!(summary["finals"][0]["validation"], json!({}));
    let best = [0, 1].map(|study| summary["studies"][study]["best_value"].as_f64().unwrap());
    let listed = project.xrun(["ls", "--columns", "best,metrics.roc_auc", "--json"]).code(0).json();
    assert!((listed["best"].as_f64().unwrap() - (best[0] + best[1]) / 2.0).abs() < 1e-12);
    assert_eq!(listed["best"], listed["metrics.roc_auc"]);
}

#[test]
fn what_is_not_there_is_an_error_that_says_what_is() {
    let project = reports();
    let wanted = "error: the run [RUN] has no trial 7 that has ended\n\
                  hint: its trials are numbered from 0 to 1; `xrun export [RUN] --what trials` lists them\n";
    project.xrun(["show", "--trial", "7"]).code(5).stdout_is("").stderr_is(wanted);
    let wanted = wanted.replace("7 that has ended", "0 that has ended in these folds");
    project.xrun(["show", "--trial", "0", "--outer", "1"]).code(5).stderr_is(&wanted);
    let wanted = "error: the run [RUN] has no fit `final`; a fit is named by its folder, as in [RUN]:trial-000\n";
    project.xrun(["show", "@latest:final"]).code(5).stderr_is(wanted);
    let wanted =
        "error: [RUN]:trial-000 is a fit, and --metric and --trial are about a run\nhint: name the run: [RUN]\n";
    for arguments in [["--metric", "f1"], ["--trial", "0"]] {
        project.xrun(["show", "@latest:trial-000"].iter().chain(&arguments)).code(2).stdout_is("").stderr_is(wanted);
    }
    let run = project.only_run("c");
    fs::remove_file(project.path(run.join("trials.csv"))).unwrap();
    let wanted = "error: the run [RUN] has no trial 0 that has ended\nhint: none of its trials has ended\n";
    project.xrun(["show", "--trial", "0"]).code(5).stderr_is(wanted);
    let wanted = "error: there are no trials in 1 run\n\
                  hint: a run has them when its first fit has ended; an objective that is a formula has no predictions\n";
    project.xrun(["export", "@latest", "--what", "trials"]).code(2).stdout_is("").stderr_is(wanted);
    let wanted = wanted.replace("no trials", "no predictions");
    project.xrun(["export", "@latest", "--what", "predictions"]).code(2).stderr_is(&wanted);
    let wanted = "error: cannot write nowhere/a.csv: No such file or directory (os error 2)\n\
                  hint: name a file in a folder that is there and can be written, with -o FILE\n";
    project.xrun(["export", "@latest", "--what", "epochs", "-o", "nowhere/a.csv"]).code(1).stderr_is(wanted);
}

#[test]
fn trials_of_several_runs_are_one_table() {
    let project = reports();
    let other = REPORTS.replace("choice([0.5, 0.25])", "0.5, y: choice([\"a,b\", \"c\"])");
    project.write("other.rhai", &other);
    project.xrun(["other.rhai", "--quiet"]).code(0);
    let [first, second]: [PathBuf; 2] = project.runs("c").try_into().unwrap();
    let (first, second) = (id(&first), id(&second));
    let output = project.xrun(["export", &first, &second, &first, "--what", "trials"]);
    let wanted = format!(
        "run,outer,inner,trial,state,value,reason,x,y\n{first},,,0,complete,0.0625,,0.25,\n{first},,,1,complete,0.125,,0.5,\n\
         {second},,,0,complete,0.125,,,c\n{second},,,1,complete,0.125,,,\"a,b\"\n"
    );
    output.code(0).stderr_is("");
    assert_eq!(output.stdout, wanted);
    let written = project.xrun(["export", &first, &second, "--what", "trials", "-o", "all.csv"]);
    written.code(0).stdout_is("").stderr_is("4 lines of 2 runs in all.csv\n");
    assert_eq!(project.read("all.csv"), wanted);
}

#[test]
fn parameters_called_like_columns_are_exported_beside_them() {
    let project = reports();
    let other = "#{ run: choice([0.5, 0.25]), value: choice([7, 8]) }";
    project.write("other.rhai", &REPORTS.replace("#{ x: choice([0.5, 0.25]) }", other));
    project.xrun(["other.rhai", "--quiet"]).code(0);
    let [first, second]: [PathBuf; 2] = project.runs("c").try_into().unwrap();
    let (first, second) = (id(&first), id(&second));
    let output = project.xrun(["export", &first, &second, "--what", "trials"]);
    let wanted = format!(
        "run,outer,inner,trial,state,value,reason,x,params.run,params.value\n\
         {first},,,0,complete,0.0625,,0.25,,\n{first},,,1,complete,0.125,,0.5,,\n\
         {second},,,0,complete,0.125,,,0.5,8\n{second},,,1,complete,0.125,,,0.5,7\n\
         {second},,,2,complete,0.0625,,,0.25,7\n{second},,,3,complete,0.0625,,,0.25,8\n"
    );
    output.code(0).stderr_is("");
    assert_eq!(output.stdout, wanted);
}

#[test]
fn epochs_are_exported_as_they_were_recorded() {
    let project = reports();
    let run = id(&project.only_run("c"));
    let values = [["0.25", "0.125", "0.0833333", "0.0625"], ["0.5", "0.25", "0.166667", "0.125"]];
    let mut wanted =
        String::from("run,outer,inner,trial,fit,epoch,phase,train.loss,validation.value,validation.loss\n");
    for (trial, values) in values.iter().enumerate() {
        for (index, value) in values.iter().enumerate() {
            let (epoch, loss) = (index + 1, ["1.0", "0.0"][index % 2]);
            wanted.push_str(&format!("{run},,,{trial},trial-00{trial},{epoch},command,,{value},{loss}\n"));
        }
    }
    let output = project.xrun(["export", "@latest", "--what", "epochs"]);
    output.code(0).stderr_is("");
    assert_eq!(output.stdout, wanted);
}

#[test]
fn predictions_are_exported_cell_for_cell_with_their_place() {
    let project = table();
    let run = project.only_run("t");
    let output = project.xrun(["export", "@latest", "--what", "predictions"]);
    let found = lines(&output.code(0).stdout);
    let header = ["run", "outer", "inner", "trial", "fit", "part", "id", "target", "predicted", "p.a", "p.b"];
    assert_eq!(found[0], header);
    let mut wanted = Vec::new();
    for outer in 0..2 {
        // A trial ends on every inner fold before the next; the final comes last.
        for (trial, inner) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let fit = format!("outer-{outer}/inner-{inner}/trial-00{trial}");
            let place = [outer.to_string(), inner.to_string(), trial.to_string(), fit, "validation".to_owned()];
            wanted.push((place, "validation_predictions.csv"));
        }
        let place =
            [outer.to_string(), String::new(), String::new(), format!("outer-{outer}/final"), "test".to_owned()];
        wanted.push((place, "test_predictions.csv"));
    }
    let mut rows = found[1..].iter();
    for (place, file) in wanted {
        for line in &lines(&project.read(run.join(&place[3]).join(file)))[1..] {
            let wanted: Vec<String> = [&[id(&run)][..], &place, line].concat();
            assert_eq!(rows.next().unwrap(), &wanted);
        }
    }
    assert!(rows.next().is_none());
    // Every row is tested once and validated in one inner fold by each of two trials.
    assert_eq!(found.len(), 1 + 40 + 2 * 40);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let project = table();
    let mut child = project.command(&["export", "@latest", "--what", "predictions"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(output.status.success());
}
