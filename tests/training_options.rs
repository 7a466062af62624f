//! Options of a phase through the program: what is recorded, what a refit follows, and what is refused.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fmt::Write as _;

use support::{Project, error_at};
use xrun::seed::Seed;

fn table(n_classes: usize) -> String {
    let mut stream = Seed::root(7).stream();
    let mut text = String::from("a,b,label\n");
    for row in 0..48 {
        let class = row % n_classes;
        let centre = class as f64 - 0.5;
        writeln!(text, "{:.6},{:.6},c{class}", centre + stream.normal(), centre + stream.normal()).unwrap();
    }
    text
}

fn experiment(loss: &str, options: &str, per: &str) -> String {
    format!(
        r#"experiment(#{{
    name: "a",
    data: csv_table("table.csv", #{{ target: "label" }}),
    model: classifier(#{{ backbone: mlp(#{{ hidden: [3] }}){loss} }}),
    train: [
        phase("fit", #{{
            epochs: 6, batch_size: 8, early_stop: #{{ patience: 2 }}, optimizer: adamw(#{{ lr: 0.02 }}),
{options}
        }}),
    ],
    cv: nested(#{{ outer: hold_out(0.25), inner: kfold(2) }}),
    search: random(#{{ trials: 2, maximize: "roc_auc", per: "{per}" }}),
}})
"#
    )
}

const OPTIONS: &str = "            schedule: choice([cosine(#{ warmup_epochs: 1 }), one_cycle()]), lr_factors: #{ backbone: uniform(0.1, 1.0) },
            clip_norm: log_uniform(0.1, 10.0), accumulate: int(1, 3), ema: uniform(0.5, 0.9), histograms: true,";
const LOSS: &str = ", label_smoothing: uniform(0.0, 0.2), class_weights: choice([\"balanced\", [1, 2]])";

#[test]
fn every_option_can_be_searched_recorded_and_replayed() {
    let project = Project::new().file("table.csv", &table(2)).script(&experiment(LOSS, OPTIONS, "inner"));
    project.xrun(["experiment.rhai"]).code(0);
    let run = project.only_run("a");
    let histograms = project.read(run.join("outer-0/inner-1/trial-001/histograms.csv"));
    let mut lines = histograms.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    assert_eq!(header[..8], ["epoch", "phase", "tensor", "of", "low", "high", "not_finite", "bin_1"]);
    assert_eq!((header.len(), header[38]), (39, "bin_32"));
    let first: Vec<_> = lines.take(8).map(|line| [line[0], line[1], line[2], line[3]].map(str::to_owned)).collect();
    let tensors = ["backbone.layers.0.bias", "backbone.layers.0.weight", "output.bias", "output.weight"];
    let expected: Vec<_> = tensors
        .iter()
        .flat_map(|tensor| ["weights", "gradients"].map(|of| ["1", "fit", tensor, of].map(str::to_owned)))
        .collect();
    assert_eq!(first, expected);
    let metrics = project.read(run.join("outer-0/inner-1/trial-001/metrics.csv"));
    assert_eq!(histograms.lines().count() - 1, 8 * (metrics.lines().count() - 1));
    project.xrun(["replay", "@latest"]).code(0);
}

#[test]
fn a_fit_without_histograms_has_no_file_of_them() {
    let project = Project::new().file("table.csv", &table(2)).script(&experiment("", "", "inner"));
    project.xrun(["experiment.rhai"]).code(0);
    assert!(!project.only_run("a").join("outer-0/inner-0/trial-000/histograms.csv").exists());
}

#[test]
fn a_refit_for_fewer_epochs_follows_the_learning_rates_of_its_trials() {
    for (schedule, written) in [
        ("cosine()", "schedule: cosine(#{ warmup_epochs: 0, start_factor: 0.01, min_lr: 0.0, epochs: 6 })"),
        (
            "cosine(#{ epochs: 9 })",
            "schedule: cosine(#{ warmup_epochs: 0, start_factor: 0.01, min_lr: 0.0, epochs: 9 })",
        ),
        (
            "reduce_on_plateau(#{ patience: 1 })",
            "schedule: reduce_on_plateau(#{ patience: 1, factor: 0.1, monitor: \"roc_auc\", min_lr: 0.0 })",
        ),
    ] {
        let script = experiment("", &format!("            schedule: {schedule},"), "outer");
        let project = Project::new().file("table.csv", &table(2)).script(&script);
        project.xrun(["experiment.rhai"]).code(0);
        let config = project.read(project.only_run("a").join("outer-0/final/config.rhai"));
        let flat = config.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(written), "{config}");
        assert!(!flat.contains("early_stop"), "{config}");
    }
}

/// The script with these options is refused with a caret under `at`.
#[track_caller]
fn refused(options: &str, at: &str, message: &str, hint: Option<&str>) {
    let project = Project::new().file("table.csv", &table(2)).script(&experiment("", options, "inner"));
    let place = format!("experiment.rhai:8:{}", options.find(at).unwrap() + 1);
    project.xrun(["check", "experiment.rhai"]).code(2).stdout_is("").stderr_is(&error_at(
        message,
        &place,
        options,
        at.len(),
        hint,
    ));
}

#[test]
fn options_that_cannot_be_are_refused_where_they_stand() {
    refused(
        "            schedule: cosine(#{ warmup_epochs: 6 }),",
        "cosine",
        "a warm-up of 6 epochs leaves none of the 6 for the cosine",
        Some("lower warmup_epochs, or take linear_warmup"),
    );
    refused(
        "            schedule: adam(),",
        "adam",
        "a schedule was expected here, not `adam(...)`",
        Some("a schedule is made by cosine, step, exponential, linear_warmup, one_cycle, reduce_on_plateau"),
    );
    refused(
        "            schedule: step(),",
        "step",
        "`step` needs `every`",
        Some("every: epochs from one change to the next"),
    );
    refused("            clip_norm: 0,", "0", "a number above 0 was expected here, not the number `0.0`", None);
    refused("            ema: 1.0,", "1.0", "a number from 0 to below 1 was expected here, not the number `1.0`", None);
    refused(
        "            accumulate: 0,",
        "0",
        "a whole number of at least 1 was expected here, not the whole number `0`",
        None,
    );
    refused(
        "            lr_factors: #{ backbone: -1.0 },",
        "-1.0",
        "a number of at least 0 was expected here, not the number `-1.0`",
        None,
    );
}

#[test]
fn class_weights_are_one_a_class_or_balanced() {
    let of = |weights: &str, n_classes: usize| {
        let script = experiment(&format!(", class_weights: {weights}"), "", "inner").replace("roc_auc", "accuracy");
        Project::new().file("table.csv", &table(n_classes)).script(&script)
    };
    of("[1, 2, 0.5]", 3).xrun(["experiment.rhai"]).code(0);
    let project = of("[1, 2]", 3);
    project.xrun(["experiment.rhai"]).code(1);
    let outcome = project.read(project.only_run("a").join("outer-0/inner-0/trial-000/outcome.json"));
    assert!(outcome.contains("class_weights has 2 numbers, but the data have 3 classes"), "{outcome}");
    let project = of("\"equal\"", 2);
    let line = "    model: classifier(#{ backbone: mlp(#{ hidden: [3] }), class_weights: \"equal\" }),";
    let message = "a list or \"balanced\" was expected here, not the text \"equal\"";
    let place = format!("experiment.rhai:4:{}", line.find("\"equal\"").unwrap() + 1);
    project.xrun(["check", "experiment.rhai"]).code(2).stderr_is(&error_at(message, &place, line, 7, None));
}
