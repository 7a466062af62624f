//! Searches as a script writes them: what each sampler accepts, where it says so when it does not, and what a run of it
//! shows.

mod support;

use support::{Output, Project};

/// `tpe` over a float, a choice with a parameter of its own, and an int.
const SCRIPT: &str = r#"experiment(#{
    name: "e",
    objective: sphere(#{ x: [
        uniform(-1.0, 1.0).named("x"),
        choice(#{ low: 0.5, high: uniform(0.5, 1.0) }).named("y"),
        int(0, 3).named("n"),
    ] }),
    search: tpe(#{ trials: 4, minimize: "value" }),
})
"#;

const GRID: &str = r#"experiment(#{
    name: "e",
    objective: sphere(#{ x: [
        uniform(-1.0, 1.0).step(0.5).named("x"),
        choice(#{ low: 0.5, high: int(1, 3) }).named("y"),
    ] }),
    search: grid(#{ minimize: "value" }),
})
"#;

fn run(command: &[&str], script: &str) -> Output {
    Project::new().script(script).xrun(command.iter().chain(&["experiment.rhai"]).copied())
}

/// The script with its search written so is refused: the message, the place where `marked` stands, and the hint.
#[track_caller]
fn refused(search: &str, marked: &str, message: &str, hint: &str) {
    let script = SCRIPT.replace("tpe(#{ trials: 4, minimize: \"value\" })", search);
    let (index, line) = script.lines().enumerate().find(|(_, line)| line.contains(marked)).expect("it is in a line");
    let column = line.find(marked).expect("it is in the line") + 1;
    let output = run(&["check"], &script);
    output.code(2).stdout_is("");
    output.stderr_contains(&format!("error: {message}\n --> experiment.rhai:{}:{column}\n", index + 1));
    let hint = if hint.is_empty() { String::new() } else { format!("hint: {hint}\n") };
    assert!(output.stderr.ends_with(&hint), "{output}");
}

/// A column of the only run's trials.
fn column(project: &Project, name: &str) -> Vec<String> {
    let text = project.read(project.only_run("e").join("trials.csv"));
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let at = header.iter().position(|cell| cell == name).expect("the column is there");
    lines.map(|cells| cells[at].clone()).collect()
}

#[test]
fn a_grid_says_how_many_points_it_has_and_tries_each_once() {
    // Five values of x; low, or high with three.
    run(&["check"], GRID).stdout_contains("e: grid search over 20 points, 20 trials a study, minimize value");
    run(&["plan"], GRID)
        .stdout_contains("search   grid over 20 points, 20 trials a study, minimize value, 3 parameters");
    let project = Project::new().script(GRID);
    project.xrun(["experiment.rhai"]).code(0).stdout_contains("20 fits");
    let (x, y, high) = (column(&project, "x"), column(&project, "y"), column(&project, "y.high"));
    let mut points: Vec<String> = (0..x.len()).map(|i| format!("{} {} {}", x[i], y[i], high[i])).collect();
    points.sort();
    points.dedup();
    assert_eq!(points.len(), 20, "{points:?}");
}

#[test]
fn a_grid_ends_with_its_last_point_or_with_fewer_trials() {
    let with = |trials: usize| GRID.replace("grid(#{", &format!("grid(#{{ trials: {trials},"));
    run(&["plan"], &with(50)).stdout_contains("fits     20 trials = 20 fits");
    run(&["plan"], &with(7)).stdout_contains("grid over 20 points, 7 trials a study");
}

#[test]
fn a_grid_over_endless_values_is_refused_at_the_parameter() {
    refused(
        "grid(#{ minimize: \"value\" })",
        "uniform(-1.0, 1.0)",
        "a grid needs finitely many values, and `x` comes from uniform(-1.0, 1.0)",
        "give it a step, as in uniform(-1.0, 1.0).step(0.1), or list its values in ordinal([...])",
    );
}

#[test]
fn cma_es_over_a_choice_is_refused_at_the_choice() {
    refused(
        "cmaes(#{ trials: 4, minimize: \"value\" })",
        "choice(#{",
        "CMA-ES moves through numbers, and `y` comes from choice([\"high\", \"low\"]), which has no order",
        "write one option here, ordinal([...]) if the options have an order, or search with tpe(#{ ... })",
    );
}

#[test]
fn the_other_samplers_run_from_a_script_and_again_from_its_config() {
    let numbers = SCRIPT.replace("choice(#{ low: 0.5, high: uniform(0.5, 1.0) })", "log_uniform(0.1, 1.0)");
    for search in [
        "quasi_random(#{ trials: 6, minimize: \"value\" })",
        "cmaes(#{ trials: 30, minimize: \"value\", sigma: 0.2, population: 5 })",
        "cmaes(#{ trials: 9, minimize: \"value\", lag: 3 })",
    ] {
        let project = Project::new().script(&numbers.replace("tpe(#{ trials: 4, minimize: \"value\" })", search));
        project.xrun(["experiment.rhai"]).code(0);
        let run = project.only_run("e");
        let trials = project.read(run.join("trials.csv"));
        project.xrun(["replay", run.to_str().expect("the path is text")]).code(0);
        assert!(trials.lines().count() > 6, "{trials}");
    }
}

#[test]
fn known_points_are_tried_first_and_completed() {
    let enqueue = "minimize: \"value\", enqueue: [#{ x: 0.25, y: \"low\" }, #{ y: \"high\", \"y.high\": 1, n: 3 }]";
    for sampler in ["tpe", "random", "quasi_random"] {
        let script = SCRIPT.replace("minimize: \"value\"", enqueue).replace("tpe", sampler);
        let project = Project::new().script(&script);
        project.xrun(["experiment.rhai"]).code(0);
        assert_eq!(column(&project, "x")[0], "0.25");
        assert_eq!(column(&project, "y")[..2], ["low", "high"]);
        assert_eq!(column(&project, "y.high")[..2], ["", "1.0"]);
        assert_eq!(column(&project, "n")[1], "3");
        let run = project.only_run("e");
        let config = project.read(run.join("config.rhai"));
        assert!(
            config.contains("enqueue: [#{ x: 0.25, y: \"low\" }, #{ n: 3, y: \"high\", \"y.high\": 1 }],"),
            "{config}"
        );
        project.xrun(["replay", run.to_str().expect("the path is text")]).code(0);
    }
    let script = GRID
        .replace("minimize: \"value\"", "minimize: \"value\", enqueue: [#{ y: \"high\" }, #{ x: 0.5, y: \"low\" }]");
    let project = Project::new().script(&script);
    project.xrun(["experiment.rhai"]).code(0);
    assert_eq!(column(&project, "y")[..2], ["high", "low"]);
    let (x, y, high) = (column(&project, "x"), column(&project, "y"), column(&project, "y.high"));
    let points: std::collections::BTreeSet<_> = x.iter().zip(&y).zip(&high).collect();
    assert!(x[1] == "0.5" && points.len() == 20);
}

#[test]
fn a_known_point_can_be_changed_on_the_command_line() {
    let script =
        SCRIPT.replace("minimize: \"value\"", "minimize: \"value\", enqueue: [#{ y: \"high\", \"y.high\": 0.75 }]");
    let project = Project::new().script(&script);
    project.xrun(["experiment.rhai", "search.enqueue.0.y.high=0.875"]).code(0);
    assert_eq!(column(&project, "y.high")[0], "0.875");
    let output = project.xrun(["check", "experiment.rhai", "search.enqueue.0.y.high=1.5"]);
    output.code(2).stderr_contains("parameter `y.high` cannot be `1.5`: it must come from uniform(0.5, 1.0)");
}

#[test]
fn a_known_point_that_does_not_fit_is_refused_at_its_place() {
    let refused = |points: &str, marked: &str, message: &str, hint: &str| {
        refused(&format!("tpe(#{{ trials: 2, minimize: \"value\", enqueue: [{points}] }})"), marked, message, hint);
    };
    refused("#{ nn: 1 }", "nn: 1", "`nn` is no parameter of the search space", "did you mean `n`?");
    refused(
        "#{ momentum: 1 }",
        "momentum",
        "`momentum` is no parameter of the search space",
        "the parameters are x, y, y.high, n",
    );
    refused("#{ x: 2.0 }", "2.0", "parameter `x` cannot be `2.0`: it must come from uniform(-1.0, 1.0)", "");
    refused("#{ n: 1.5 }", "1.5", "parameter `n` cannot be `1.5`: it must come from int(0, 3)", "");
    refused(
        "#{ y: \"mid\" }",
        "\"mid\"",
        "parameter `y` cannot be `mid`: it must come from choice([\"high\", \"low\"])",
        "",
    );
    refused(
        "#{ \"y.high\": 0.75 }",
        "\"y.high\"",
        "`y.high` exists only while `y` is high",
        "give `y` its value in this point, too",
    );
    refused(
        "#{ y: \"low\", \"y.high\": 0.75 }",
        "\"y.high\"",
        "`y.high` exists only while `y` is high",
        "leave it out, or choose that option in this point",
    );
    refused("#{ n: [1] }", "[1]", "a number, a text, true or false was expected here, not a list", "");
    refused(
        "#{ n: int(0, 2) }",
        "int(0, 2)",
        "this cannot be searched: it must be the same for all trials",
        "search-space objects may stand in model, train and objective; write one value here",
    );
    refused("#{ n: 1 }, #{ n : 1 }", "#{ n : 1", "this point is listed twice", "leave one of the two out");
    refused(
        "#{}",
        "#{}",
        "a known point has a value for at least one parameter",
        "name parameters as `xrun check` lists them",
    );
    refused(
        "#{ n: 1 }, #{ n: 2 }, #{ n: 3 }",
        "[#{ n: 1",
        "`enqueue` lists 3 points, more than the number of trials, 2",
        "raise `trials`, or leave points out",
    );
}

#[test]
fn show_tells_importance_and_the_best_so_far() {
    let script = SCRIPT.replace("trials: 4", "trials: 40");
    let project = Project::new().script(&script);
    project.xrun(["experiment.rhai"]).code(0);
    let run = project.only_run("e");
    let summary: serde_json::Value = serde_json::from_str(&project.read(run.join("summary.json"))).expect("JSON");
    let study = &summary["studies"][0];
    let shares: f64 =
        ["x", "y", "y.high", "n"].map(|name| study["importance"][name].as_f64().expect("a share")).iter().sum();
    assert!((shares - 1.0).abs() < 1e-12);
    let history = study["history"].as_array().expect("a list");
    assert_eq!(history.last().expect("a best")["trial"], study["best_trial"]);
    assert_eq!(history.last().expect("a best")["value"], study["best_value"]);
    let values: Vec<f64> = history.iter().map(|best| best["value"].as_f64().expect("a value")).collect();
    assert!(values.is_sorted_by(|a, b| a > b), "{values:?}");
    for (name, slices) in study["slices"].as_object().expect("slices of each parameter") {
        let slices = slices.as_array().expect("a list");
        let sum: u64 = slices.iter().map(|slice| slice["n"].as_u64().expect("a count")).sum();
        assert!(sum <= 40 && slices.iter().all(|slice| !slice["from"].is_null()), "{name}: {slices:?}");
        let best = slices.iter().map(|slice| slice["best"].as_f64().expect("a value")).fold(f64::INFINITY, f64::min);
        let is_always_there = sum == 40;
        assert!(!is_always_there || Some(best) == study["best_value"].as_f64(), "{name}: {slices:?}");
    }
    assert_eq!(study["slices"]["x"].as_array().map(Vec::len), Some(5));
    let shown = project.xrun(["show", "@latest"]);
    shown.code(0).stdout_contains(" parameter  importance by ").stdout_contains(" trial  best so far\n");
    let few = Project::new().script(SCRIPT);
    few.xrun(["experiment.rhai"]).code(0);
    assert!(!few.xrun(["show", "@latest"]).stdout.contains("importance"));
}
