//! Searches under constraints and for several objectives: that they find what they are after, and what a script, a run
//! and a record make of them.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tests, with small numbers"
)]

mod support;

#[path = "../benches/search/compare.rs"]
#[expect(dead_code, reason = "a part of the benchmark")]
mod compare;

use compare::compare;
use serde_json::Value;
use support::{Output, Project};
use xrun::pareto::hypervolume;
use xrun::sampler::{CmaEsSettings, Sampler, TpeSettings};
use xrun::seed::Seed;
use xrun::space::{Distribution, Parameter, SearchSpace};
use xrun::study::Study;
use xrun::trial::{Direction, Score};

fn tpe() -> Sampler {
    Sampler::Tpe(TpeSettings::default())
}

/// `n` numbers of an interval.
fn cube(n: usize, low: f64, high: f64) -> SearchSpace {
    let x = |i: usize| Parameter::new(format!("x{i}"), Distribution::uniform(low, high).unwrap());
    SearchSpace::new((0..n).map(x).collect()).unwrap()
}

/// A study of `n` trials of a function of the parameters.
fn study(
    sampler: Sampler,
    space: &SearchSpace,
    directions: &[Direction],
    n: usize,
    seed: u64,
    f: impl Fn(&[f64]) -> Score,
) -> Study {
    let mut study = Study::new(space.clone(), sampler, directions, Seed::root(seed), 1);
    for _ in 0..n {
        let (number, assignment) = study.ask();
        let x: Vec<f64> = assignment.values().map(|value| value.as_f64().unwrap()).collect();
        study.tell(number, Ok(f(&x)).into());
    }
    study
}

/// The first function of Zitzler, Deb and Thiele (2000): the front is `1 - sqrt(f1)`, where all but the first are 0.
fn zdt1(x: &[f64]) -> [f64; 2] {
    let n = x.len() - 1;
    let g = 1.0 + 9.0 * x[1..].iter().sum::<f64>() / f64::from(u32::try_from(n).unwrap());
    [x[0], g * (1.0 - (x[0] / g).sqrt())]
}

/// What the front of each of the studies covers, below (1.1, 3).
fn covered(sampler: Sampler, n: usize, n_seeds: u64, f: impl Fn(&[f64]) -> [f64; 2], d: usize) -> Vec<f64> {
    let space = cube(d, 0.0, 1.0);
    let of = |seed| {
        let study = study(sampler, &space, &[Direction::Minimize; 2], n, seed, |x| {
            let [first, second] = f(x);
            Score::new(first, vec![second], 0.0).unwrap()
        });
        let front: Vec<Vec<f64>> = study.front().iter().map(|(_, score)| score.values().collect()).collect();
        hypervolume(&front, &[1.1, 3.0])
    };
    (0..n_seeds).map(of).collect()
}

/// The squared distance from (0.9, 0.9, 0.9), where the sum may not exceed 0.6: at best 1.47, where all are 0.2.
fn planted(x: &[f64]) -> Score {
    let value = x.iter().map(|x| (x - 0.9) * (x - 0.9)).sum();
    let sum: f64 = x.iter().sum();
    Score::new(value, Vec::new(), (sum / 0.6 - 1.0).max(0.0)).unwrap()
}

#[test]
fn a_search_under_constraints_finds_the_best_of_what_they_leave_more_often_than_random() {
    let n_found = |sampler| {
        let best = |seed| {
            let study = study(sampler, &cube(3, 0.0, 1.0), &[Direction::Minimize], 100, seed, planted);
            study.best().map(|(_, score)| score.clone()).unwrap()
        };
        (0..20).map(best).filter(|score| score.is_feasible() && score.value() < 1.57).count()
    };
    let random = n_found(Sampler::Random);
    assert!(random <= 12, "{random}");
    for sampler in [tpe(), Sampler::CmaEs(CmaEsSettings::default())] {
        let found = n_found(sampler);
        assert!(found >= 18, "{sampler:?} {found}, random {random}");
    }
}

#[test]
fn tpe_covers_more_with_two_objectives_than_random() {
    for n in [50, 100] {
        let covered = |sampler| covered(sampler, n, 20, zdt1, 3);
        let chance = 1.0 - compare(&covered(tpe()), &covered(Sampler::Random)).chance;
        assert!(chance >= 0.95, "{n} trials: {chance}");
    }
}

// From a script to the record.

/// A formula whose value is in 0..=3, searched with what `aims` says.
fn formula(aims: &str) -> String {
    format!(
        "experiment(#{{\n    name: \"e\",\n    objective: sphere(#{{ x: [uniform(-1.0, 1.0), uniform(-1.0, 1.0), \
         uniform(-1.0, 1.0)] }}),\n    search: random(#{{ trials: 20, {aims} }}),\n}})\n"
    )
}

/// A small model, searched with what `search` says.
fn model(search: &str) -> String {
    format!(
        r#"experiment(#{{
    name: "e",
    data: csv_table("table.csv", #{{ target: "label" }}),
    model: classifier(#{{ backbone: mlp(#{{ hidden: [int(2, 12).named("units")] }}) }}),
    train: [phase("fit", #{{ epochs: 3, optimizer: adamw(#{{ lr: log_uniform(1e-3, 1e-1).named("lr") }}) }})],
    cv: nested(#{{ outer: stratified_kfold(2, 1), inner: stratified_kfold(2, 2), take: #{{ outer: 1, inner: 2 }} }}),
    search: {search},
    threshold: youden(),
}})
"#
    )
}

fn project(script: &str) -> Project {
    let mut stream = Seed::root(4).stream();
    let mut table = "a,b,label\n".to_owned();
    for row in 0..80 {
        let centre = if row % 2 == 0 { 0.6 } else { -0.6 };
        let label = if row % 2 == 0 { "yes" } else { "no" };
        table.push_str(&format!("{:.4},{:.4},{label}\n", centre + stream.normal(), stream.normal()));
    }
    Project::new().script(script).file("table.csv", &table)
}

fn summary(project: &Project) -> Value {
    serde_json::from_str(&project.read(project.only_run("e").join("summary.json"))).unwrap()
}

/// A column of the only run's trials; empty cells are NaN.
fn column(project: &Project, name: &str) -> Vec<f64> {
    let text = project.read(project.only_run("e").join("trials.csv"));
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let at = lines.next().unwrap().iter().position(|cell| cell == name).expect("the column is there");
    lines.map(|cells| cells[at].parse().unwrap_or(f64::NAN)).collect()
}

fn replayed(project: &Project) {
    project.xrun(["replay", "@latest", "--quiet"]).code(0);
}

#[test]
fn the_best_trial_is_the_best_of_those_that_meet_the_limits() {
    let project = project(&formula("minimize: \"value\", constraints: [at_least(\"value\", 0.5)]"));
    project.xrun(["check", "experiment.rhai"]).stdout_contains("minimize value, keeping value at least 0.5\n");
    project.xrun(["plan", "experiment.rhai"]).stdout_contains("limits   value at least 0.5; a trial that misses one");
    let output = project.xrun(["experiment.rhai"]);
    output.code(0);
    assert!(!output.stderr.contains("warning"), "{output}");
    let (values, violations) = (column(&project, "value"), column(&project, "violation"));
    for (value, violation) in values.iter().zip(&violations) {
        assert_eq!(*violation, if *value < 0.5 { (0.5 - value) / 0.5 } else { 0.0 });
    }
    let met: Vec<f64> = values.iter().copied().filter(|value| *value >= 0.5).collect();
    let study = &summary(&project)["studies"][0];
    assert!(met.len() < 20 && !met.is_empty());
    assert_eq!(study["best_value"].as_f64(), met.iter().copied().reduce(f64::min));
    assert_eq!(study["n_infeasible"], 20 - met.len());
    assert_eq!(study.get("best_violation"), None);
    assert_eq!(summary(&project)["constraints"], serde_json::json!(["value at least 0.5"]));
    let shown = project.xrun(["show", "@latest"]);
    shown.stdout_contains(&format!("limits   value at least 0.5; met by {} of 20 complete trials\n", met.len()));
    let config = project.read(project.only_run("e").join("config.rhai"));
    assert!(config.contains("constraints: [at_least(\"value\", 0.5)],"), "{config}");
    replayed(&project);
}

#[test]
fn where_no_trial_meets_the_limits_the_one_that_misses_them_least_is_told_of() {
    let project = project(&formula("maximize: \"value\", constraints: [at_most(\"value\", -1.0)]"));
    let output = project.xrun(["experiment.rhai"]);
    let least = column(&project, "value").into_iter().reduce(f64::min).unwrap();
    let study = &summary(&project)["studies"][0];
    assert_eq!(study["best_value"].as_f64(), Some(least));
    assert_eq!(study["best_violation"].as_f64(), Some(least + 1.0));
    let told = format!(
        "no trial of the search meets the constraints (value at most -1): trial {} misses them least, by {:.4}\n",
        study["best_trial"],
        least + 1.0
    );
    output.code(0).stderr_contains(&format!("warning: {told}")).stdout_contains("violation");
    project.xrun(["show", "@latest"]).code(0).stdout_contains(&told);
}

#[test]
fn one_objective_in_a_list_is_that_objective() {
    let runs = ["minimize: \"value\"", "objectives: [minimize(\"value\")]"].map(|aims| {
        let project = project(&formula(aims));
        project.xrun(["experiment.rhai"]).code(0);
        let run = project.only_run("e");
        ["trials.csv", "summary.json"].map(|file| project.read(run.join(file)))
    });
    assert_eq!(runs[0], runs[1]);
}

/// Whether a trial with two values, the first maximised and the second minimised, is dominated.
fn is_dominated(trial: (f64, f64), by: (f64, f64)) -> bool {
    by.0 >= trial.0 && by.1 <= trial.1 && by != trial
}

#[test]
fn the_front_of_every_study_is_recorded_and_the_final_is_its_best_in_the_first_objective() {
    let search = "tpe(#{ trials: 12, n_startup: 5, objectives: [maximize(\"roc_auc\"), minimize(\"log_loss\")] })";
    let project = project(&model(search));
    project.xrun(["experiment.rhai"]).code(0);
    let summary = summary(&project);
    assert_eq!(summary["objective"], "maximize roc_auc");
    assert_eq!(summary["other_objectives"], serde_json::json!(["minimize log_loss"]));
    let values: Vec<(f64, f64)> =
        column(&project, "value").into_iter().zip(column(&project, "value.log_loss")).collect();
    for (index, study) in summary["studies"].as_array().unwrap().iter().enumerate() {
        let values = &values[12 * index..12 * (index + 1)];
        let mut expected: Vec<usize> =
            (0..12).filter(|&trial| !values.iter().any(|&other| is_dominated(values[trial], other))).collect();
        expected.sort_by(|&a, &b| values[b].0.total_cmp(&values[a].0).then(values[a].1.total_cmp(&values[b].1)));
        let front = study["front"].as_array().unwrap();
        let found: Vec<usize> = front.iter().map(|trial| trial["trial"].as_u64().unwrap() as usize).collect();
        assert_eq!(found, expected);
        assert_eq!(front[0]["values"], serde_json::json!([values[found[0]].0, values[found[0]].1]));
        assert_eq!(study["best_trial"].as_u64().unwrap() as usize, found[0]);
        assert_eq!(summary["finals"][index]["trial"], study["best_trial"]);
        let shares = &study["other_importance"]["log_loss"];
        assert!((shares["lr"].as_f64().unwrap() + shares["units"].as_f64().unwrap() - 1.0).abs() < 1e-12);
    }
    let shown = project.xrun(["show", "@latest"]);
    shown
        .code(0)
        .stdout_contains("front: trial  validation.roc_auc  validation.log_loss\n")
        .stdout_contains("for log_loss\n");
    replayed(&project);
}

/// Recall of `yes` in a file of predictions, where a probability of at least one half decides.
fn recall_at_one_half(predictions: &str) -> f64 {
    let mut lines = predictions.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let yes = lines.next().unwrap().iter().position(|cell| *cell == "p.yes").unwrap();
    let positive: Vec<f64> = lines.filter(|cells| cells[1] == "yes").map(|cells| cells[yes].parse().unwrap()).collect();
    positive.iter().filter(|p| **p >= 0.5).count() as f64 / positive.len() as f64
}

#[test]
fn a_limit_is_one_of_the_mean_over_inner_folds_at_the_threshold_that_a_search_goes_by() {
    let search =
        "random(#{ trials: 6, maximize: \"roc_auc\", constraints: [at_least(\"recall\", 0.75)], per: \"outer\" })";
    let project = project(&model(search));
    project.xrun(["experiment.rhai"]).code(0);
    let run = project.only_run("e");
    for (trial, violation) in column(&project, "violation").into_iter().enumerate() {
        let recall = |inner: usize| {
            let file = format!("outer-0/inner-{inner}/trial-{trial:03}/validation_predictions.csv");
            recall_at_one_half(&project.read(run.join(file)))
        };
        let mean = (recall(0) + recall(1)) / 2.0;
        assert!((violation - ((0.75 - mean) / 0.75).max(0.0)).abs() < 1e-12, "trial {trial}: {violation}, {mean}");
    }
    assert!(column(&project, "violation").iter().any(|violation| *violation > 0.0));
}

#[test]
fn constraints_and_further_objectives_train_nothing_anew() {
    let aims = "maximize: \"roc_auc\"";
    let project = project(&model(&format!("random(#{{ trials: 3, {aims} }})")));
    project.xrun(["experiment.rhai"]).code(0);
    for other in [
        "maximize: \"roc_auc\", constraints: [at_most(\"log_loss\", 0.5)]",
        "objectives: [maximize(\"roc_auc\"), minimize(\"log_loss\")]",
    ] {
        project.write("experiment.rhai", &model(&format!("random(#{{ trials: 3, {other} }})")));
        let output = project.xrun(["experiment.rhai", "--json", "--quiet"]);
        // A final may be of another trial.
        assert!(output.json()["n_trained"].as_u64().unwrap() <= 2, "{output}");
    }
}

// Mistakes.

/// The script is refused: the message, and the hint if there is one.
#[track_caller]
fn refused(script: &str, message: &str, hint: &str) {
    let output: Output = project(script).xrun(["check", "experiment.rhai"]);
    output.code(2).stderr_contains(&format!("error: {message}\n")).stderr_contains(&format!("hint: {hint}\n"));
}

#[test]
fn objectives_that_make_no_sense_are_refused() {
    let of_model = |aims: &str| model(&format!("tpe(#{{ trials: 2, {aims} }})"));
    let both = "`tpe` takes either `objectives`, or one of `maximize` and `minimize`";
    let list = "list them all, as in objectives: [maximize(\"roc_auc\"), minimize(\"log_loss\")]";
    refused(&of_model("maximize: \"f1\", objectives: [maximize(\"f1\")]"), both, list);
    let empty = "a search needs an objective, and this list is empty";
    refused(&of_model("objectives: []"), empty, "as in objectives: [maximize(\"roc_auc\"), minimize(\"log_loss\")]");
    let twice = "objectives: [maximize(\"f1\"), minimize(\"log_loss\"), maximize(\"f1\")]";
    refused(&of_model(twice), "f1 is an objective twice", "leave one of the two out");
    let unknown = "\"rocauc\" is not one of accuracy, balanced_accuracy, roc_auc, log_loss, f1, precision, recall, top_5_accuracy, f1_macro, f1_micro, \
                 precision_macro, recall_macro, expected_calibration_error, brier, average_precision, matthews_corrcoef, r2, \
                 rmse, mae, mse, value";
    refused(&of_model("objectives: [maximize(\"rocauc\")]"), unknown, "did you mean \"roc_auc\"?");
    let turned = "objectives: [minimize(\"log_loss\"), minimize(\"f1\")]";
    refused(&of_model(turned), "f1 is better the other way round", "write maximize(\"f1\")");
    let race = "per: \"outer\", race: #{ min_folds: 2 }";
    let prune = "prune: median()";
    for ends in [race, prune] {
        refused(
            &of_model(&format!("objectives: [maximize(\"f1\"), minimize(\"log_loss\")], {ends}")),
            "it gives up trials that fall behind in f1, among them those that are good in log_loss",
            "leave it out with several objectives, or search by one and set `constraints` for the others",
        );
    }
    let patient = of_model("objectives: [maximize(\"f1\"), minimize(\"log_loss\")], prune: patience(2)");
    project(&patient).xrun(["check", "experiment.rhai"]).code(0);
    let of_formula = project(&formula("objectives: [minimize(\"log_loss\")]")).xrun(["check", "experiment.rhai"]);
    of_formula.code(2).stderr_contains("error: an objective given by a formula has one metric, \"value\"\n");
}

#[test]
fn constraints_that_make_no_sense_are_refused() {
    let of_model =
        |constraints: &str| model(&format!("tpe(#{{ trials: 2, maximize: \"f1\", constraints: [{constraints}] }})"));
    refused(
        &of_model("at_most(\"accuracy\", 0.8)"),
        "accuracy is better when it is larger, and at_most(...) would keep it from that",
        "write at_least(\"accuracy\", 0.8)",
    );
    refused(
        &of_model("at_least(\"recall\", 0.8), at_least(\"recall\", 0.9)"),
        "recall has two limits by at_least",
        "keep the stricter one",
    );
    let output = project(&of_model("at_least(\"recall\", 80)")).xrun(["check", "experiment.rhai"]);
    output.code(2).stderr_contains("error: recall is never above 1: a trial cannot meet at_least(..., 80)\n");
    let output = project(&of_model("at_most(\"value\", 1)")).xrun(["check", "experiment.rhai"]);
    output.code(2).stderr_contains("\"value\" is the metric of an objective given by a formula, not of a model\n");
    let goal = project(&of_model("maximize(\"recall\")")).xrun(["check", "experiment.rhai"]);
    goal.code(2).stderr_contains("hint: a limit of a metric is made by at_most, at_least\n");
}
