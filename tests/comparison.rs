//! `xrun compare`, `xrun show --metric` and the intervals of a run, end to end through the binary.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Output, Project};

/// A search without training over `n` rows in some outer folds, called after its number of trials.
fn search(n: usize, folds: usize, seed: usize, trials: usize) -> String {
    format!(
        r#"experiment(#{{
    name: "trials_{trials}",
    data: rows({n}),
    objective: sphere(#{{ x: [uniform(-1.0, 1.0), uniform(-1.0, 1.0)], noise: 0.05 }}),
    cv: nested(#{{ outer: kfold({folds}, {seed}), inner: kfold(2, 2), take: #{{ outer: {folds}, inner: 1 }} }}),
    search: random(#{{ trials: {trials}, minimize: "value" }}),
}})
"#
    )
}

/// A network on a table of 40 rows, half of which are `yes`; it is not asked to learn anything.
fn network(outer: &str) -> String {
    format!(
        r#"experiment(#{{
    name: "net",
    data: csv_table("table.csv", #{{ target: "label" }}),
    model: classifier(#{{ backbone: mlp(#{{ hidden: [2] }}) }}),
    train: [phase("fit", #{{ epochs: 1, optimizer: sgd(#{{ lr: 0.1 }}) }})],
    cv: nested(#{{ outer: {outer}, inner: hold_out(0.5, 2) }}),
}})
"#
    )
}

fn table() -> String {
    let row = |row: usize| format!("{}.{},{}\n", row / 7, row % 7, if row % 2 == 0 { "no" } else { "yes" });
    format!("a,label\n{}", (0..40).map(row).collect::<String>())
}

/// Runs a script and gives the id of its run.
fn run(project: &Project, script: &str) -> String {
    project.write("experiment.rhai", script);
    let output = project.xrun(["experiment.rhai", "--quiet", "--fresh", "--json"]);
    output.code(0).json()["run"].as_str().unwrap().to_owned()
}

fn summary(project: &Project, experiment: &str, id: &str) -> Value {
    serde_json::from_str(&project.read(Path::new("results").join(experiment).join(id).join("summary.json"))).unwrap()
}

/// What [`search`] and [`network`] would find in a run of 2 outer folds or one, had the network said `yes` with these
/// probabilities in its test rows, in turn.
fn says(project: &Project, id: &str, probabilities: &[f32]) {
    let folder = Path::new("results/net").join(id);
    let mut said = probabilities.iter().cycle();
    for outer in 0..2 {
        let file = folder.join(format!("outer-{outer}/inner-0/final/test_predictions.csv"));
        if !project.path(&file).is_file() {
            continue;
        }
        let text = project.read(&file);
        let mut lines = text.lines();
        let mut changed = format!("{}\n", lines.next().unwrap());
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let yes = said.next().unwrap();
            changed.push_str(&format!("{},{},{},{},{yes}\n", cells[0], cells[1], cells[2], 1.0 - yes));
        }
        project.write(&file, &changed);
    }
    // As a run that recorded one metric alone.
    let file = folder.join("summary.json");
    let mut summary: Value = serde_json::from_str(&project.read(&file)).unwrap();
    let keep = |metrics: &mut Value| metrics.as_object_mut().unwrap().retain(|name, _| name == "log_loss");
    keep(&mut summary["test"]);
    summary["finals"].as_array_mut().unwrap().iter_mut().for_each(|last| {
        keep(&mut last["test"]);
        keep(&mut last["validation"]);
        last["threshold"] = 0.5.into();
    });
    project.write(&file, &summary.to_string());
}

#[track_caller]
fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
}

fn compared<'a>(project: &Project, arguments: impl IntoIterator<Item = &'a str>) -> Output {
    project.xrun(std::iter::once("compare").chain(arguments))
}
