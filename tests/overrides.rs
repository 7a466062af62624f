//! `key=value` on the command line: params, names and paths.

mod support;

use support::{Output, Project, error_at, sphere};

/// One param of every kind.
fn with_params() -> String {
    let params = r#"let count = param("count", 3, "a count");
let high = param("high", 1.0, "upper bound");
let note = param("note", "one", "a text");
let flag = param("flag", true, "a switch");
let kind = param("kind", "x", "one of two", ["x", "y"]);
let few = param("few", 2, "a range", 1..=4);
let share = param("share", 0.5, "between bounds", #{ min: 0.0, max: 1.0 });
"#;
    sphere(params, "uniform(0.0, high), count")
}

fn check(script: &str, overrides: &[&str]) -> Output {
    Project::new().script(script).args(["check", "experiment.rhai"].iter().chain(overrides).copied()).run()
}

/// The params of the script have these values.
#[track_caller]
fn params_are(overrides: &[&str], values: [&str; 7]) {
    let output = check(&with_params(), &[overrides, &["--json"]].concat());
    output.code(0).stderr_is("");
    let found: Vec<String> =
        output.json()["params"].as_array().into_iter().flatten().map(|param| param["value"].to_string()).collect();
    assert_eq!(found, values, "{output}");
}

#[track_caller]
fn refused(script: &str, overrides: &[&str], message: &str, hint: Option<&str>) {
    let hint = hint.map_or_else(String::new, |hint| format!("hint: {hint}\n"));
    check(script, overrides).code(2).stdout_is("").stderr_is(&format!("error: {message}\n{hint}"));
}

/// Under these overrides the script searches these parameters.
#[track_caller]
fn searches(script: &str, overrides: &[&str], parameters: &[(&str, &str)]) {
    let output = check(script, overrides);
    output.code(0).stderr_is("");
    let found: Vec<(String, String)> = output
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with(" parameter "))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(name, rest)| (name.to_owned(), rest.trim().split("  ").next().unwrap_or("").to_owned()))
        .collect();
    let found: Vec<(&str, &str)> =
        found.iter().map(|(name, distribution)| (name.as_str(), distribution.as_str())).collect();
    assert_eq!(found, parameters, "{output}");
}

/// Under these overrides the first trial's objective is this call.
#[track_caller]
fn first_trial_is(script: &str, overrides: &[&str], objective: &str) {
    let project = Project::new().script(script);
    project.xrun(["experiment.rhai", "--quiet"].iter().chain(overrides)).code(0);
    let config = project.read(project.only_run("a").join("trial-000/config.rhai"));
    assert!(config.contains(&format!("    objective: {objective},\n")), "{config}");
}

#[test]
fn params_are_listed_with_their_values_help_and_domains() {
    let wanted = "\
a: random search, 2 trials a study, minimize value

 parameter      searched in
 objective.x.0  uniform(0.0, 2.5)

 param  value  help
 count  3      a count
 high   2.5    upper bound
 note   one    a text
 flag   true   a switch
 kind   x      one of two [x, y]
 few    2      a range [1 to 4]
 share  0.5    between bounds [0 to 1]
";
    check(&with_params(), &["high=2.5"]).code(0).stderr_is("").stdout_is(wanted);
}

#[test]
fn a_param_takes_a_value_of_its_defaults_type() {
    params_are(&[], ["3", "1.0", "\"one\"", "true", "\"x\"", "2", "0.5"]);
    params_are(&["count=4", "flag=false"], ["4", "1.0", "\"one\"", "false", "\"x\"", "2", "0.5"]);
    params_are(&["count=2 + 2", "high=2.5"], ["4", "2.5", "\"one\"", "true", "\"x\"", "2", "0.5"]);
    params_are(&["kind=y", "few=4", "share=1.0"], ["3", "1.0", "\"one\"", "true", "\"y\"", "4", "1.0"]);
}

#[test]
fn a_whole_number_will_do_for_a_param_that_is_a_number() {
    params_are(&["high=2", "share=1"], ["3", "2.0", "\"one\"", "true", "\"x\"", "2", "1.0"]);
}

#[test]
fn a_negative_whole_number_will_do() {
    params_are(&["count=-2"], ["-2", "1.0", "\"one\"", "true", "\"x\"", "2", "0.5"]);
    searches(&sphere("", "uniform(0.0, 1.0)"), &["objective.x.0=int(-3,3)"], &[("objective.x.0", "int(-3, 3)")]);
}

#[test]
fn a_text_param_takes_the_raw_text() {
    params_are(&["note=two words"], ["3", "1.0", "\"two words\"", "true", "\"x\"", "2", "0.5"]);
    params_are(&["note=3"], ["3", "1.0", "\"3\"", "true", "\"x\"", "2", "0.5"]);
    params_are(&["note=a=b"], ["3", "1.0", "\"a=b\"", "true", "\"x\"", "2", "0.5"]);
    params_are(&["note="], ["3", "1.0", "\"\"", "true", "\"x\"", "2", "0.5"]);
}

#[test]
fn a_param_refuses_a_value_of_another_type() {
    let script = with_params();
    refused(&script, &["count=4.0"], "`count=4.0`: the param `count` takes a whole number, not `4.0`", None);
    refused(&script, &["count=()"], "`count=()`: the param `count` takes a plain value, not `()`", None);
    refused(&script, &["high=true"], "`high=true`: the param `high` takes a number, not `true`", None);
    refused(&script, &["flag=1"], "`flag=1`: the param `flag` takes true or false, not `1`", None);
    refused(&script, &["count=four"], "`count=four`: the param `count` takes a whole number, not `four`", None);
    refused(&script, &["flag=FALSE"], "`flag=FALSE`: the param `flag` takes true or false, not `FALSE`", None);
}

#[test]
fn a_param_refuses_a_value_out_of_its_domain() {
    let script = with_params();
    refused(&script, &["kind=z"], "`kind=z`: the param `kind` takes one of x, y, not `z`", None);
    refused(&script, &["few=5"], "`few=5`: the param `few` takes a whole number in 1..=4, not 5", None);
    refused(&script, &["share=1.5"], "`share=1.5`: the param `share` takes a number in 0..=1, not 1.5", None);
}

#[test]
fn numbers_on_the_command_line_are_held_to_the_rules_of_scripts() {
    let script = with_params();
    let message = "`high=1e999`: the number 1e999 is too large";
    refused(&script, &["high=1e999"], message, None);
    let message = "`count=9223372036854775808`: the whole number 9223372036854775808 is too large; the largest is 9223372036854775807";
    refused(&script, &["count=9223372036854775808"], message, None);
    let message = "`high=1/2`: 1 / 2 is not a whole number; write 1.0 / 2 for the fraction, or floor_div(1, 2)";
    refused(&script, &["high=1/2"], message, None);
}

#[test]
fn a_default_out_of_its_domain_is_refused_in_the_script() {
    let line = "let few = param(\"few\", 9, \"a range\", 1..=4);";
    let message = "the param `few` takes a whole number in 1..=4, not 9";
    let wanted = error_at(message, "experiment.rhai:1:24", line, 1, None);
    check(&sphere(line, "uniform(0.0, 1.0)"), &[]).code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn a_param_can_become_a_search_space_object() {
    let parameters = [("objective.x.0", "uniform(0.0, 1.0)"), ("objective.x.1", "int(1, 3)")];
    searches(&with_params(), &["count=int(1,3)"], &parameters);
}

#[test]
fn a_key_given_twice_is_refused() {
    let hint = Some("keep one of them");
    refused(&with_params(), &["count=4", "count=5"], "`count` is given twice", hint);
    let paths = ["search.trials=3", "search.trials=3"];
    refused(&with_params(), &paths, "`search.trials` is given twice", hint);
    refused(&sphere("", "1.0"), &["name=b", ".name=c"], "`name` is given twice", hint);
}

#[test]
fn an_unknown_key_is_answered_with_the_near_one() {
    let script = with_params();
    for (key, near) in [
        ("cuont", "count"),
        ("objective.nois", "objective.noise"),
        ("objective.y", "objective.x"),
        ("search.trails", "search.trials"),
        ("objective.x.3", "objective.x.0"),
    ] {
        let message = format!("`{key}=1`: `{key}` names nothing in this experiment");
        refused(&script, &[&format!("{key}=1")], &message, Some(&format!("did you mean `{near}`?")));
    }
    let hint = Some("`xrun check SCRIPT` lists its params and parameters");
    refused(&script, &["zzzzzz=1"], "`zzzzzz=1`: `zzzzzz` names nothing in this experiment", hint);
}

#[test]
fn an_argument_without_a_key_is_refused() {
    let hint = Some("arguments after the script set something: epochs=10");
    refused(&with_params(), &["count"], "`count` is no key=value", hint);
    refused(&with_params(), &["=3"], "`=3` is no key=value", hint);
    refused(&with_params(), &[".=3"], "`.=3` is no key=value", hint);
}

#[test]
fn a_param_goes_before_a_path_and_a_dot_forces_the_path() {
    let script = sphere("let name = param(\"name\", \"z\", \"not the experiment's name\");", "uniform(0.0, 1.0)");
    let name = |overrides: &[&str]| {
        let output = check(&script, &[overrides, &["--json"]].concat());
        output.code(0);
        let json = output.json();
        (json["name"].clone(), json["params"][0]["value"].clone())
    };
    assert_eq!(name(&["name=b"]), ("a".into(), "b".into()));
    assert_eq!(name(&[".name=b"]), ("b".into(), "z".into()));
    assert_eq!(name(&[".name=b", "name=c"]), ("b".into(), "c".into()));
}

#[test]
fn a_path_replaces_a_value_anywhere_in_the_tree() {
    let script = sphere("", "uniform(0.0, 1.0), 2.0");
    searches(&script, &["search.trials=7", "objective.noise=0.5"], &[("objective.x.0", "uniform(0.0, 1.0)")]);
    let overrides = ["search.trials=7", "name=b", "search=tpe(#{ trials: 9, minimize: \"value\" })"];
    let output = check(&script, &overrides);
    output.code(0);
    assert!(output.stdout.starts_with("b: tpe search, 7 trials a study, minimize value\n"), "{output}");
    first_trial_is(&script, &["objective.x.0=0.25", "objective.x.1=3"], "sphere([0.25, 3.0], #{ noise: 0.0 })");
    first_trial_is(&script, &["objective.x=[1, 2, 3]"], "sphere([1.0, 2.0, 3.0], #{ noise: 0.0 })");
}

#[test]
fn a_path_is_held_against_the_vocabulary() {
    let script = sphere("", "uniform(0.0, 1.0)");
    let message = "`search.trials=0`: a whole number of at least 1 was expected here, not the whole number `0`";
    refused(&script, &["search.trials=0"], message, None);
    let message = "`objective.x.0=[1]`: a number was expected here, not a list";
    refused(&script, &["objective.x.0=[1]"], message, None);
    let message = "`objective.noise=-1.0`: a number of at least 0 was expected here, not the number `-1.0`";
    refused(&script, &["objective.noise=-1.0"], message, None);
    let message = "`seed=uniform(0.0,1.0)`: this cannot be searched: it must be the same for all trials";
    let hint = Some("search-space objects may stand in model, train and objective; write one value here");
    refused(&script, &["seed=uniform(0.0,1.0)"], message, hint);
    let message = "`objective.x.0=uniform(2.0,0.0)`: lower bound 2.0 is above upper bound 0.0";
    let hint = Some("swap the bounds, or write one number to keep the parameter fixed");
    refused(&script, &["objective.x.0=uniform(2.0,0.0)"], message, hint);
}

#[test]
fn an_object_given_on_the_command_line_replaces_a_value_or_another_object() {
    let script = sphere("", "uniform(0.0, 1.0), 2.0");
    let parameters = [("objective.x.0", "uniform(0.0, 2.0)"), ("objective.x.1", "int(3, 9)")];
    searches(&script, &["objective.x.0=uniform(0.0,2.0)", "objective.x.1=int(3,9)"], &parameters);
    let parameters = [("objective.x.0", "uniform(0.0, 1.0)"), ("second", "int(3, 9)")];
    searches(&script, &["objective.x.1=int(3,9).named(\"second\")"], &parameters);
}

#[test]
fn a_name_fixes_a_parameter_everywhere_and_in_what_is_derived_from_it() {
    let script = sphere("let w = int(8, 64).named(\"width\");", "w, w / 2, uniform(0.0, 1.0)");
    searches(&script, &["width=17"], &[("objective.x.2", "uniform(0.0, 1.0)")]);
    let overrides = ["width=17", "objective.x.2=0.5"];
    first_trial_is(&script, &overrides, "sphere([17.0, 8.0, 0.5], #{ noise: 0.0 })");
    let hint = Some("did you mean `width`?");
    refused(&script, &["widht=3"], "`widht=3`: `widht` names nothing in this experiment", hint);
    let message = "`width=\"a\"`: a number was expected here, not the text \"a\"";
    refused(&script, &["width=\"a\""], message, None);
}

#[test]
fn a_name_given_another_object_stays_one_parameter() {
    let script = sphere("let w = int(8, 64).named(\"width\");", "w, w / 2");
    searches(&script, &["width=int(2,4)"], &[("width", "int(2, 4)")]);
}

#[test]
fn a_path_replaces_one_place_of_a_parameter_and_leaves_the_others() {
    let script = sphere("let w = int(8, 64).named(\"width\");", "w, w / 2");
    searches(&script, &["objective.x.0=5"], &[("width", "int(8, 64)")]);
    first_trial_is(&script, &["objective.x.0=5", "width=17"], "sphere([5.0, 8.0], #{ noise: 0.0 })");
}

#[test]
fn an_option_is_chosen_by_its_label() {
    let script = sphere("", "choice(#{ near: uniform(0.0, 1.0), far: 2.0 })");
    searches(&script, &["objective.x.0=near"], &[("objective.x.0", "uniform(0.0, 1.0)")]);
    first_trial_is(&script, &["objective.x.0=far"], "sphere([2.0], #{ noise: 0.0 })");
    let named = sphere("let c = choice(#{ near: 0.5, far: 2.0 }).named(\"c\");", "c, c");
    first_trial_is(&named, &["c=near"], "sphere([0.5, 0.5], #{ noise: 0.0 })");
}

#[test]
fn a_path_goes_into_an_option_of_a_choice_and_leaves_the_choice_open() {
    let script = sphere("", "choice(#{ near: uniform(0.0, 1.0), far: 2.0 })");
    searches(&script, &["objective.x.0.near=0.5"], &[("objective.x.0", "choice([\"far\", \"near\"])")]);
}

#[test]
fn a_path_into_the_chosen_option_is_fine_in_any_order() {
    let script = sphere("", "choice(#{ near: uniform(0.0, 1.0), far: 2.0 })");
    for overrides in
        [["objective.x.0=near", "objective.x.0.near=0.5"], ["objective.x.0.near=0.5", "objective.x.0=near"]]
    {
        first_trial_is(&script, &overrides, "sphere([0.5], #{ noise: 0.0 })");
    }
}

#[test]
fn a_path_into_an_option_that_is_not_chosen_is_refused() {
    let script = sphere("", "choice(#{ near: uniform(0.0, 1.0), far: 2.0 })");
    let message = "`objective.x.0.near=0.5`: `objective.x.0.near` names nothing in this experiment";
    let hint = Some("did you mean `objective.x.0`?");
    refused(&script, &["objective.x.0=far", "objective.x.0.near=0.5"], message, hint);
    refused(&script, &["objective.x.0.near=0.5", "objective.x.0=far"], message, hint);
}

const MODEL: &str = r#"experiment(#{
    name: "a",
    data: pets(#{ size: 8, n: 20 }),
    model: classifier(#{ backbone: mlp(#{ hidden: [4] }), head: [linear(int(4, 8)), relu()] }),
    train: [
        phase("warm", #{ epochs: 1, optimizer: sgd(#{ lr: 0.1 }) }),
        phase("full", #{
            epochs: 2,
            optimizer: choice([
                adamw(#{ lr: log_uniform(1e-4, 1e-1) }),
                sgd(#{ lr: log_uniform(1e-3, 1.0), momentum: choice(#{ low: uniform(0.0, 0.5), none: 0.0 }) }),
            ]),
        }),
    ],
    cv: nested(#{ outer: kfold(2, 1), inner: kfold(2, 2) }),
    search: random(#{ trials: 2, maximize: "roc_auc" }),
})
"#;
const UNITS: (&str, &str) = ("model.head.0.units", "int(4, 8)");
const OPTIMIZER: (&str, &str) = ("train.full.optimizer", "choice([\"adamw\", \"sgd\"])");
const ADAMW_LR: (&str, &str) = ("train.full.optimizer.adamw.lr", "log_uniform(0.0001, 0.1)");
const SGD_LR: (&str, &str) = ("train.full.optimizer.sgd.lr", "log_uniform(0.001, 1.0)");
const MOMENTUM: (&str, &str) = ("train.full.optimizer.sgd.momentum", "choice([\"low\", \"none\"])");
const LOW: (&str, &str) = ("train.full.optimizer.sgd.momentum.low", "uniform(0.0, 0.5)");

#[test]
fn phases_go_by_their_names_and_list_elements_by_their_index() {
    searches(MODEL, &["model.head.0.units=6"], &[OPTIMIZER, ADAMW_LR, SGD_LR, MOMENTUM, LOW]);
    searches(MODEL, &["model.head.0=relu()"], &[OPTIMIZER, ADAMW_LR, SGD_LR, MOMENTUM, LOW]);
    let warm = ("train.warm.optimizer.lr", "log_uniform(0.1, 1.0)");
    searches(
        MODEL,
        &["train.warm.optimizer.lr=log_uniform(0.1,1)"],
        &[UNITS, warm, OPTIMIZER, ADAMW_LR, SGD_LR, MOMENTUM, LOW],
    );
    let hidden = ("model.backbone.hidden.0", "int(3, 9)");
    searches(
        MODEL,
        &["model.backbone.hidden.0=int(3,9)", "model.head.0.units=4"],
        &[hidden, OPTIMIZER, ADAMW_LR, SGD_LR, MOMENTUM, LOW],
    );
    let hint = Some("did you mean `train.warm.epochs`?");
    refused(
        MODEL,
        &["train.0.epochs=3"],
        "`train.0.epochs=3`: `train.0.epochs` names nothing in this experiment",
        hint,
    );
    let hint = Some("did you mean `model.head.0`?");
    refused(
        MODEL,
        &["model.head.2=relu()"],
        "`model.head.2=relu()`: `model.head.2` names nothing in this experiment",
        hint,
    );
}

#[test]
fn options_of_constructors_are_chosen_by_the_constructor() {
    let lr = ("train.full.optimizer.lr", "log_uniform(0.0001, 0.1)");
    searches(MODEL, &["train.full.optimizer=adamw"], &[UNITS, lr]);
    searches(MODEL, &["train.full.optimizer=adamw", "train.full.optimizer.adamw.lr=0.1"], &[UNITS]);
    searches(MODEL, &["train.full.optimizer.adamw.lr=0.1", "train.full.optimizer=adamw"], &[UNITS]);
    searches(MODEL, &["train.full.optimizer=adamw", "train.full.optimizer.lr=0.1"], &[UNITS]);
    searches(MODEL, &["train.full.optimizer=rmsprop()"], &[UNITS]);
    let message = "`train.full.optimizer.sgd.lr=0.1`: `train.full.optimizer.sgd.lr` names nothing in this experiment";
    let hint = Some("did you mean `train.full.optimizer.lr`?");
    refused(MODEL, &["train.full.optimizer=adamw", "train.full.optimizer.sgd.lr=0.1"], message, hint);
}

#[test]
fn a_path_goes_through_choices_inside_choices() {
    searches(MODEL, &["train.full.optimizer.sgd.momentum=none"], &[UNITS, OPTIMIZER, ADAMW_LR, SGD_LR]);
    searches(MODEL, &["train.full.optimizer.sgd.momentum.low=0.3"], &[UNITS, OPTIMIZER, ADAMW_LR, SGD_LR, MOMENTUM]);
    let overrides = ["train.full.optimizer.sgd.momentum=low", "train.full.optimizer.sgd.momentum.low=0.3"];
    searches(MODEL, &overrides, &[UNITS, OPTIMIZER, ADAMW_LR, SGD_LR]);
}

#[test]
fn a_field_that_was_left_out_can_be_given() {
    let all = [UNITS, OPTIMIZER, ADAMW_LR, SGD_LR, MOMENTUM, LOW];
    searches(MODEL, &["cv.take=#{ outer: 1, inner: 1 }"], &all);
    searches(MODEL, &["train.full.early_stop=#{ patience: 1 }"], &all);
    searches(MODEL, &["train.full.early_stop=#{ patience: 1 }", "train.full.early_stop.min_delta=0.1"], &all);
    searches(MODEL, &["model.backbone.activation=gelu"], &all);
    let message = "`model.backbone.activation=gellu`: \"gellu\" is not one of relu, relu6, gelu, silu, sigmoid, tanh";
    refused(MODEL, &["model.backbone.activation=gellu"], message, Some("did you mean \"gelu\"?"));
}

const SETTABLE: &str = r#"let trials = param("trials", 4, "trials of the search");
let double = param("double", false, "whether the point has two numbers");
let x = if double { [uniform(0.0, 1.0), 1.0] } else { [uniform(0.0, 1.0)] };
experiment(#{
    name: "a",
    objective: sphere(#{ x: x }),
    search: random(#{ trials: trials, minimize: "value" }),
})
"#;

#[test]
fn a_recorded_config_keeps_its_params() {
    let project = Project::new().script(SETTABLE);
    project.xrun(["experiment.rhai", "--quiet", "trials=3"]).code(0);
    let config = project.only_run("a").join("config.rhai").display().to_string();
    let wanted = "\
// The experiment as xrun resolved it, with every default; it runs again as it is: xrun config.rhai
let trials = param(\"trials\", 3, \"trials of the search\");

experiment(#{
    format: 1,
    name: \"a\",
    seed: 42,
    objective: sphere([uniform(0.0, 1.0)], #{ noise: 0.0 }),
    search: random(#{ trials: trials, minimize: \"value\", per: \"inner\", lag: 1 }),
    threshold: fixed(0.5),
})
";
    assert_eq!(project.read(&config), wanted);
    project.xrun([&config, "trials=5", "--quiet"]).code(0);
    let runs = project.runs("a");
    let rows: Vec<usize> = runs.iter().map(|run| project.read(run.join("trials.csv")).lines().count() - 1).collect();
    assert!(rows.contains(&3) && rows.contains(&5), "{rows:?}");
}

#[test]
fn a_param_that_was_branched_on_is_not_kept() {
    let project = Project::new().script(SETTABLE);
    project.xrun(["experiment.rhai", "--quiet", "double=true"]).code(0);
    let config = project.only_run("a").join("config.rhai").display().to_string();
    let text = project.read(&config);
    assert!(!text.contains("double"), "{text}");
    assert!(text.contains("    objective: sphere([uniform(0.0, 1.0), 1.0], #{ noise: 0.0 }),\n"), "{text}");
    let wanted = "error: `double=false`: `double` names nothing in this experiment\nhint: `xrun check SCRIPT` lists its params and parameters\n";
    project.xrun(["check", &config, "double=false"]).code(2).stdout_is("").stderr_is(wanted);
}

#[test]
fn a_param_that_was_computed_with_is_not_kept() {
    let project = Project::new().script(&sphere(
        "let high = param(\"high\", 1.0, \"upper bound\");\nlet far = high * 2.0;",
        "uniform(0.0, far), high",
    ));
    project.xrun(["experiment.rhai", "--quiet", "high=1.5"]).code(0);
    let text = project.read(project.only_run("a").join("config.rhai"));
    assert!(text.contains("    objective: sphere([uniform(0.0, 3.0), 1.5], #{ noise: 0.0 }),\n"), "{text}");
}
