//! Numbers in place of classes: trained, recorded, searched on, shipped and refused, through the program alone.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::Project;
use xrun::seed::Seed;

const N: usize = 60;

/// A table whose target is a line with noise, far from 0 and wide.
fn table() -> String {
    let mut stream = Seed::root(11).stream();
    let mut text = String::from("a,colour,price\n");
    for row in 0..N {
        let a = stream.normal();
        let price = 1000.0 + 200.0 * a + 20.0 * stream.normal();
        text.push_str(&format!("{a:.6},{},{price:.3}\n", ["red", "green"][row % 2]));
    }
    text
}

const SCRIPT: &str = r#"experiment(#{
    name: "price",
    data: csv_table(param("data", "table.csv", "the table"), #{ target: "price", task: "regression" }),
    model: regressor(#{ backbone: mlp(#{ hidden: [8] }), loss: choice(["mse", "huber"]), delta: 2.0 }),
    train: [phase("fit", #{ epochs: 30, batch_size: 8, early_stop: #{ patience: 9 }, optimizer: adamw(#{ lr: 0.02 }) })],
    cv: nested(#{ outer: kfold(3, 1), inner: kfold(2, 2) }),
    search: random(#{ trials: 2, minimize: "rmse", per: "outer" }),
})
"#;

fn price() -> Project {
    let project = Project::new().file("table.csv", &table()).script(SCRIPT);
    project.xrun(["experiment.rhai"]).code(0);
    project
}

fn json(project: &Project, path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&project.read(path)).unwrap()
}

/// Target and prediction of each row of a file of predictions.
fn predictions(project: &Project, path: impl AsRef<Path>) -> Vec<[f64; 2]> {
    let text = project.read(path);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,target,predicted"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            [cells[1].parse().unwrap(), cells[2].parse().unwrap()]
        })
        .collect()
}

#[test]
fn the_report_shows_what_was_predicted_against_what_was_true() {
    let project = price();
    let page = project.read(project.only_run("price").join("report.html"));
    let start = page.find("<section id=\"predicted\"").unwrap();
    let section = &page[start..start + page[start..].find("</section>").unwrap()];
    // A dot is a move and a line of a hundredth; every row is tested once, and drawn in both charts.
    assert_eq!(section.matches("h.01").count(), 2 * N);
    assert!(section.contains("Predicted against true") && !section.contains("are drawn"));
    assert!(page.contains("; 95 % interval ") && page.contains("(row bootstrap: other test rows, these models)"));
}

#[test]
fn metrics_are_of_the_target_s_own_scale_and_no_threshold_is_recorded() {
    let project = price();
    let run = project.only_run("price");
    let last = run.join("outer-0/final");
    let rows = predictions(&project, last.join("test_predictions.csv"));
    assert_eq!(rows.len(), N / 3);
    let n = rows.len() as f64;
    let mean = rows.iter().map(|[target, _]| target).sum::<f64>() / n;
    let squared = rows.iter().map(|[target, value]| (value - target).powi(2)).sum::<f64>();
    let variation = rows.iter().map(|[target, _]| (target - mean).powi(2)).sum::<f64>();
    let outcome = json(&project, last.join("outcome.json"));
    let expected = [
        ("mse", squared / n),
        ("rmse", (squared / n).sqrt()),
        ("mae", rows.iter().map(|[target, value]| (value - target).abs()).sum::<f64>() / n),
        ("r2", 1.0 - squared / variation),
    ];
    let test = outcome["test"].as_object().unwrap();
    assert_eq!(test.len(), expected.len());
    for (metric, value) in expected {
        let found = test[metric].as_f64().unwrap();
        assert!((found - value).abs() <= 1e-9 * value.abs(), "{metric}: {found} instead of {value}");
    }
    // The noise is a hundredth of the variance; without the scaling being undone it would be far below 0.
    assert!(test["r2"].as_f64().unwrap() > 0.9, "{outcome}");
    assert_eq!(outcome["threshold"], Value::Null);

    let model = json(&project, last.join("model.json"));
    assert_eq!((&model["classes"], model.get("threshold")), (&serde_json::json!([]), None));
    let mean = model["target"]["mean"].as_f64().unwrap();
    assert!((900.0..1100.0).contains(&mean), "{model}");
    let header = project.read(last.join("metrics.csv")).lines().next().unwrap().to_owned();
    assert!(header.starts_with("epoch,phase,train.loss"), "{header}");
    let trial = project.read(run.join("outer-0/inner-0/trial-000/metrics.csv"));
    assert!(
        trial.starts_with("epoch,phase,train.loss,validation.r2,validation.rmse,validation.mae,validation.mse\n1,fit,")
    );

    let shown = project.xrun(["show", "@latest"]);
    shown.code(0).stdout_contains("outer  inner  trial  test.r2  test.rmse  test.mae");
}

#[test]
fn folds_tell_the_range_and_the_mean_of_the_target() {
    let project = price();
    let run = project.only_run("price");
    let folds = json(&project, run.join("folds.json"));
    assert_eq!(folds["classes"], serde_json::json!([]));
    let targets: Vec<f64> =
        predictions(&project, run.join("outer-1/final/test_predictions.csv")).iter().map(|row| row[0]).collect();
    let test = &folds["outer"][1]["test"];
    assert_eq!(test["n"], N / 3);
    let is = |name: &str, value: f64| {
        let found = test[name].as_f64().unwrap();
        assert!((found - value).abs() < 1e-9 * value, "{name}: {found} instead of {value}");
    };
    is("least", targets.iter().copied().fold(f64::INFINITY, f64::min));
    is("largest", targets.iter().copied().fold(0.0, f64::max));
    is("mean", targets.iter().sum::<f64>() / targets.len() as f64);
    assert_eq!(folds["outer"][1]["inner"][0]["validation"]["n"], N / 3);
    project
        .xrun(["plan", "experiment.rhai"])
        .code(0)
        .stdout_contains("60 rows, 1 numeric and 1 categorical columns, target ");
}

#[test]
fn a_regression_is_replayed_to_the_bit() {
    let project = price();
    project.xrun(["replay", "@latest"]).code(0);
}

#[test]
fn a_shipped_regressor_says_numbers() {
    let project = price();
    project.xrun(["finalize", "@latest"]).code(0);
    let made = project.only_run("price_final");
    let info = json(&project, made.join("model/model_info.json"));
    assert_eq!((&info["task"], &info["threshold"]), (&"regression".into(), &Value::Null));
    assert_eq!(info["classes"], serde_json::json!([]));
    project.write("new.csv", "a,colour\n1.0,red\n-1.0,green\nx,red\n");
    let model = made.join("model").display().to_string();
    let output = project.xrun(["predict", &model, "new.csv", "--csv"]);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines[0], "path,row,value,error");
    let value = |line: &str| line.split(',').nth(2).unwrap().parse::<f64>().unwrap();
    assert!((value(lines[1]) - 1200.0).abs() < 80.0 && (value(lines[2]) - 800.0).abs() < 80.0, "{output}");
    assert_eq!(lines[3], "new.csv,2,,\"`a` is `x`, which is not a finite number\"");
    let output = project.xrun(["predict", &model, "new.csv", "--json"]);
    let first: Value = serde_json::from_str(output.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first["value"].as_f64().unwrap(), value(lines[1]));
}

/// The script with `old` written as `new` is refused by `xrun check`: the message and the hint.
#[track_caller]
fn refused(old: &str, new: &str, message: &str, hint: &str) {
    assert!(SCRIPT.contains(old));
    let project = Project::new().file("table.csv", &table()).script(&SCRIPT.replace(old, new));
    let output = project.xrun(["check", "experiment.rhai"]);
    output.code(2).stderr_contains(&format!("error: {message}\n --> experiment.rhai:"));
    assert!(output.stderr.ends_with(&format!("hint: {hint}\n")), "{output}");
}

const OF_NUMBERS: &str = "the metrics of a number are r2, rmse, mae, mse";

#[test]
fn model_and_data_must_be_of_one_task() {
    refused(
        "regressor(#{ backbone: mlp(#{ hidden: [8] }), loss: choice([\"mse\", \"huber\"]), delta: 2.0 })",
        "classifier(#{ backbone: mlp() })",
        "a classifier tells classes apart, but the target of the data is a number",
        "write regressor(#{...}), or leave task: \"regression\" out of csv_table",
    );
    let project = Project::new()
        .file("table.csv", &table())
        .script(&SCRIPT.replace(", task: \"regression\"", "").replace("minimize: \"rmse\"", "maximize: \"accuracy\""));
    let output = project.xrun(["check", "experiment.rhai"]);
    output.code(2).stderr_contains("error: a regressor predicts a number, but the target of the data is a class\n");
    output.stderr_contains(
        "hint: write csv_table(..., #{ task: \"regression\" }) if the target column holds numbers, or classifier(#{...})\n",
    );
}

#[test]
fn metrics_must_be_of_the_task() {
    let message = |metric: &str| format!("\"{metric}\" is a metric of classes, and a regressor predicts a number");
    refused("minimize: \"rmse\"", "maximize: \"roc_auc\"", &message("roc_auc"), OF_NUMBERS);
    let constrained = "minimize: \"rmse\", constraints: [at_most(\"log_loss\", 0.5)]";
    refused("minimize: \"rmse\"", constrained, &message("log_loss"), OF_NUMBERS);
    refused("patience: 9", "patience: 9, monitor: \"brier\"", &message("brier"), OF_NUMBERS);

    let classifier = SCRIPT
        .replace(", task: \"regression\"", "")
        .replace("target: \"price\"", "target: \"colour\"")
        .replace(", loss: choice([\"mse\", \"huber\"]), delta: 2.0", "")
        .replace("regressor", "classifier");
    let output = Project::new().file("table.csv", &table()).script(&classifier).xrun(["check", "experiment.rhai"]);
    output.code(2).stderr_contains("error: \"rmse\" is a metric of a number, and a classifier tells classes apart\n");
    output.stderr_contains(
        "hint: the metrics of classes are accuracy, balanced_accuracy, roc_auc, log_loss, f1, precision, recall, \
         top_5_accuracy, f1_macro, f1_micro, precision_macro, recall_macro, expected_calibration_error, brier, \
         average_precision, matthews_corrcoef\n",
    );
}

#[test]
fn a_threshold_is_not_for_numbers() {
    refused(
        "per: \"outer\" }),",
        "per: \"outer\" }), threshold: youden(),",
        "a threshold decides between two classes, and a regressor predicts a number",
        "leave `threshold` out",
    );
}

#[test]
fn stratified_folds_of_numbers_are_refused_with_what_to_use_instead() {
    for splitter in ["stratified_kfold(2, 2)", "hold_out(0.3)"] {
        let script = SCRIPT.replace("kfold(2, 2)", splitter);
        let output = Project::new().file("table.csv", &table()).script(&script).xrun(["plan", "experiment.rhai"]);
        output.stderr_contains(
            "error: the rows outside the test rows of outer fold 0 cannot be split: a stratified split keeps classes in \
             proportion, but the data have none; use kfold in place of stratified_kfold, repeated_kfold in place of \
             repeated_stratified_kfold, and hold_out with stratified: false\n",
        );
        output.code(2);
    }
}

#[test]
fn a_target_that_is_the_same_in_all_validation_rows_has_no_r2() {
    let mut text = String::from("a,price\n");
    (0..12).for_each(|row| text.push_str(&format!("{row},{}\n", if row < 8 { 1 } else { row })));
    let rows = r#"{"files": ["row-0","row-1","row-2","row-3","row-4","row-5","row-6","row-7","row-8","row-9","row-10",
        "row-11"], "root_splits": [{"test_indices": [0, 8], "nested_splits": [
        {"train_indices": [4, 5, 6, 7, 9, 10, 11], "dev_indices": [1, 2, 3]}]}]}"#;
    let script = SCRIPT
        .replace("early_stop: #{ patience: 9 }, ", "")
        .replace("nested(#{ outer: kfold(3, 1), inner: kfold(2, 2) })", "nested(#{ file: \"splits.json\" })")
        .replace("minimize: \"rmse\"", "maximize: \"r2\"");
    let project = Project::new().file("table.csv", &text).file("splits.json", rows).script(&script);
    project.xrun(["experiment.rhai"]);
    let trials = project.read(project.only_run("price").join("trials.csv"));
    assert!(trials.contains("r2 has no value: the target is the same in all validation rows"), "{trials}");
}

/// Two classes, searched by metrics that are not reported of every model.
const NAMED: &str = r#"experiment(#{
    name: "colour",
    data: csv_table("table.csv", #{ target: "colour" }),
    model: classifier(#{ backbone: mlp(#{ hidden: [4] }) }),
    train: [phase("fit", #{ epochs: 3, optimizer: adamw(#{ lr: log_uniform(1e-3, 1e-1) }) })],
    cv: nested(#{ outer: stratified_kfold(2, 1), inner: stratified_kfold(2, 2) }),
    search: random(#{ trials: 2, minimize: "brier", constraints: [at_least("matthews_corrcoef", 0.9)], per: "outer" }),
})
"#;

#[test]
fn metrics_that_are_named_are_recorded_beside_the_reported_ones() {
    let project = Project::new().file("table.csv", &table()).script(NAMED);
    project.xrun(["experiment.rhai"]).code(0);
    let run = project.only_run("colour");
    let trial = project.read(run.join("outer-0/inner-0/trial-000/metrics.csv"));
    assert_eq!(
        trial.lines().next().unwrap(),
        "epoch,phase,train.loss,validation.accuracy,validation.balanced_accuracy,validation.roc_auc,validation.log_loss,\
         validation.f1,validation.precision,validation.recall,validation.brier"
    );
    let outcome = json(&project, run.join("outer-0/inner-0/trial-000/outcome.json"));
    assert_eq!(outcome["score"], outcome["validation"]["brier"]);
    let text = project.read(run.join("outer-0/inner-0/trial-000/validation_predictions.csv"));
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let squared = rows.iter().map(|row| {
        let is_red = f64::from(u8::from(row[1] == "red"));
        (row[4].parse::<f64>().unwrap() - is_red).powi(2)
    });
    let brier = squared.sum::<f64>() / rows.len() as f64;
    assert!((outcome["score"].as_f64().unwrap() - brier).abs() < 1e-6, "{outcome} {brier}");

    // The metric of a constraint is in no fit's config: it comes from the recorded predictions.
    assert!(outcome["validation"].get("matthews_corrcoef").is_none());
    let summary = json(&project, run.join("summary.json"));
    let counts: Vec<f64> = summary["test"]["matthews_corrcoef"]["per_outer"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect();
    let text = project.read(run.join("outer-0/final/test_predictions.csv"));
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let n = |target: &str, said: &str| rows.iter().filter(|row| row[1] == target && row[2] == said).count() as f64;
    let (tp, tn, fp, missed) = (n("red", "red"), n("green", "green"), n("green", "red"), n("red", "green"));
    let spread = ((tp + fp) * (tp + missed) * (tn + fp) * (tn + missed)).sqrt();
    let expected = if spread == 0.0 { 0.0 } else { (tp * tn - fp * missed) / spread };
    assert!((counts[0] - expected).abs() < 1e-9, "{counts:?} {expected}");
    assert!(summary["studies"][0]["best_violation"].as_f64().unwrap() > 0.0, "the colour is random");
}
