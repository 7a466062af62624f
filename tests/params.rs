//! Params: what a script may say that they accept, and how `xrun params` lists them.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use support::{Output, Project, error_at, sphere};

const SCRIPT: &str = r#"let epochs = param("epochs", 10, "epochs at most", #{ min: 1 });
let share = param("share", 0.5, "share of the rows", #{ min: 0, max: 1 });
let size = param("size", 16, "edge of a picture", [16, 32]);
let note = param("note", "plain", "goes into the name");
let fast = param("fast", false, "half the trials");

experiment(#{
    name: "a_" + note,
    objective: sphere(#{ x: [uniform(0.0, share), choice([1.0, 2.0]).named("kind")], noise: epochs * 0.0 }),
    search: random(#{ trials: if fast { 2 } else { size }, minimize: "value" }),
})
"#;

/// A script whose first line declares `n` with this default, and what it accepts.
fn accepting(default: &str, accepted: &str) -> (String, String) {
    let line = format!("let n = param(\"n\", {default}, \"help\", {accepted});");
    (sphere(&line, "uniform(0.0, 1.0)"), line)
}

fn check(script: &str, arguments: &[&str]) -> Output {
    let arguments = ["check", "experiment.rhai"].into_iter().chain(arguments.iter().copied());
    Project::new().script(script).xrun(arguments)
}

/// What a param accepts is refused at a column of its line.
#[track_caller]
fn refused(default: &str, accepted: &str, column: usize, width: usize, message: &str, hint: Option<&str>) {
    let (script, line) = accepting(default, accepted);
    let wanted = error_at(message, &format!("experiment.rhai:1:{column}"), &line, width, hint);
    check(&script, &[]).code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn one_bound_alone_is_a_range_that_is_open_on_the_other_side() {
    let (least, _) = accepting("3", "#{ min: 0 }");
    check(&least, &["n=0"]).code(0).stdout_contains(" n          0  help [at least 0]\n");
    check(&least, &["n=1000000"]).code(0);
    check(&least, &["n=-1"])
        .code(2)
        .stderr_is("error: `n=-1`: the param `n` takes a whole number that is at least 0, not -1\n");
    let (most, _) = accepting("0.5", "#{ max: 1.5 }");
    check(&most, &["n=-1e9"]).code(0);
    check(&most, &[]).code(0).stdout_contains(" n        0.5  help [at most 1.5]\n");
    check(&most, &["n=1.6"])
        .code(2)
        .stderr_is("error: `n=1.6`: the param `n` takes a number that is at most 1.5, not 1.6\n");
    refused("-1", "#{ min: 0 }", 20, 2, "the param `n` takes a whole number that is at least 0, not -1", None);
}

#[test]
fn a_param_with_one_bound_keeps_it_in_the_config_of_its_run() {
    let script = "let n = param(\"n\", 3, \"help\", #{ min: 0 });\n\
                  experiment(#{ name: \"a\", objective: sphere(#{ x: [n] }), search: random(#{ trials: 2, minimize: \"value\" }) })\n";
    let project = Project::new().script(script).args(["experiment.rhai", "n=4", "--quiet"]);
    project.run().code(0);
    let config = project.only_run("a").join("config.rhai");
    let config = config.to_str().expect("a plain path");
    assert!(
        project.read(config).contains("let n = param(\"n\", 4, \"help\", #{ min: 0.0 });\n"),
        "{}",
        project.read(config)
    );
    project
        .xrun(["check", config, "n=-1"])
        .code(2)
        .stderr_is("error: `n=-1`: the param `n` takes a whole number that is at least 0, not -1\n");
}

#[test]
fn what_a_param_cannot_accept_is_said_where_it_stands() {
    let kinds = "what a param accepts is a list, a range such as 1..=10, or a map such as #{ min: 0 }, not";
    refused("3", "\"few\"", 31, 5, &format!("{kinds} `\"few\"`"), None);
    refused("3", "7", 31, 1, &format!("{kinds} `7`"), None);
    refused("3", "#{}", 31, 1, "this map has no bound", Some("write `min`, `max`, or both"));
    refused("3", "#{ mni: 0 }", 31, 1, "unknown key `mni` in what a param accepts", Some("did you mean `min`?"));
    let hint = Some("it has `min`, `max`, or both");
    refused("3", "#{ min: 0, step: 2 }", 31, 1, "unknown key `step` in what a param accepts", hint);
    refused("3", "#{ min: \"0\" }", 39, 3, "`min` is a finite number, not `\"0\"`", None);
    refused("3", "#{ max: [1] }", 39, 1, "`max` is a finite number, not a list", None);
    refused("3", "#{ min: 1.0/0.0 }", 42, 1, "`min` is a finite number, not `inf`", None);
    refused("3", "uniform(0.0, 1.0)", 31, 7, &format!("{kinds} a search-space object"), None);
    refused("3", "mlp(#{ hidden: [3] })", 31, 3, &format!("{kinds} a part of an experiment"), None);
    let hint = Some("swap the bounds");
    refused("3", "#{ min: 5, max: 1 }", 31, 1, "min 5.0 is above max 1.0: nothing is between them", hint);
    refused("3", "10..=1", 33, 2, "min 10.0 is above max 1.0: nothing is between them", hint);
    refused("3", "1..10", 32, 4, "the range 1..10 leaves its end out", Some("write 1..=9"));
    refused("3", "1..0", 32, 3, "the range 1..0 is empty", Some("write 0..=1"));
    refused("3", "1..1", 32, 3, "the range 1..1 is empty", Some("write 1..=1"));
    refused("3", "[]", 31, 1, "an empty list accepts nothing", Some("write its values, or leave it out"));
    refused("3", "[3, [4]]", 35, 1, "a param is a number, a text, true or false, not a list", None);
    refused("3", "[1..3]", 33, 3, "a param is a number, a text, true or false, not a range", None);
    let hint = Some("write a list of what it accepts");
    refused("\"x\"", "1..=3", 34, 2, "a range is for numbers, and the default is `x`", hint);
    refused("true", "#{ min: 0 }", 34, 1, "a range is for numbers, and the default is `true`", hint);
}

#[test]
fn a_list_holds_only_what_the_param_can_take() {
    refused("3", "[3, \"a\"]", 35, 3, "the param `n` takes a whole number, not `a`", None);
    refused("3", "[3, 4.5]", 35, 3, "the param `n` takes a whole number, not `4.5`", None);
    refused("\"x\"", "[\"x\", 3]", 39, 1, "the param `n` takes a text, not `3`", None);
    let (numbers, _) = accepting("0.5", "[0.5, 1]");
    check(&numbers, &["n=1"]).code(0);
}

#[test]
fn params_lists_what_can_be_set_and_what_is_searched() {
    let wanted = "\
a_plain: 5 params

 param   value  default  accepts                     help
 epochs  10     10       a whole number, at least 1  epochs at most
 share   0.5    0.5      a number, 0 to 1            share of the rows
 size    16     16       16, 32                      edge of a picture
 note    plain  plain    a text                      goes into the name
 fast    false  false    true or false               half the trials

2 parameters are searched

 parameter      searched in
 objective.x.0  uniform(0.0, 0.5)
 kind           choice([1.0, 2.0])

set a param       xrun experiment.rhai epochs=10
fix a parameter   xrun experiment.rhai objective.x.0=VALUE
";
    Project::new().script(SCRIPT).xrun(["params", "experiment.rhai"]).code(0).stderr_is("").stdout_is(wanted);
}

#[test]
fn params_speaks_json() {
    let output = Project::new().script(SCRIPT).xrun(["params", "experiment.rhai", "--json", "epochs=20"]);
    output.code(0).stderr_is("");
    let param = |name: &str, kind: &str, value, default, accepts, help: &str| {
        let [value, default, accepts]: [serde_json::Value; 3] = [value, default, accepts];
        serde_json::json!({
            "name": name, "type": kind, "value": value, "default": default, "accepts": accepts, "help": help,
        })
    };
    use serde_json::json;
    let wanted = json!({
        "name": "a_plain",
        "params": [
            param("epochs", "int", json!(20), json!(10), json!({ "min": 1.0, "max": null }), "epochs at most"),
            param("share", "float", json!(0.5), json!(0.5), json!({ "min": 0.0, "max": 1.0 }), "share of the rows"),
            param("size", "int", json!(16), json!(16), json!({ "one_of": [16, 32] }), "edge of a picture"),
            param("note", "text", json!("plain"), json!("plain"), json!(null), "goes into the name"),
            param("fast", "bool", json!(false), json!(false), json!(null), "half the trials"),
        ],
        "space": [
            {
                "name": "objective.x.0",
                "distribution": { "kind": "uniform", "low": 0.0, "high": 0.5, "log": false, "step": null },
                "condition": null,
            },
            {
                "name": "kind",
                "distribution": { "kind": "choice", "options": [1.0, 2.0] },
                "condition": null,
            },
        ],
    });
    assert_eq!(output.json(), wanted);
}

#[test]
fn params_of_variants_are_listed_once_and_their_spaces_each() {
    let script = r#"let trials = param("trials", 2, "trials of each search");
let of = |x| experiment(#{
    name: "a", objective: sphere(#{ x: x }), search: random(#{ trials: trials, minimize: "value" }),
});
variants(#{ fixed: of.call([1.0]), wide: of.call([uniform(0.0, 9.0)]) })
"#;
    let wanted = "\
a: 1 param

 param   value  default  accepts         help
 trials      2        2  a whole number  trials of each search

fixed: nothing is searched

wide: 1 parameter is searched

 parameter      searched in
 objective.x.0  uniform(0.0, 9.0)

set a param       xrun experiment.rhai trials=2
fix a parameter   xrun experiment.rhai objective.x.0=VALUE
";
    let project = Project::new().script(script);
    project.xrun(["params", "experiment.rhai"]).code(0).stderr_is("").stdout_is(wanted);
    let json = project.xrun(["params", "experiment.rhai", "--json"]).code(0).json();
    assert_eq!(json["params"][0]["name"], "trials");
    assert_eq!(json["variants"]["fixed"], serde_json::json!({ "space": [] }));
    assert_eq!(json["variants"]["wide"]["space"][0]["name"], "objective.x.0");
}

#[test]
fn a_script_without_params_is_told_how_to_declare_one() {
    let script = "experiment(#{ name: \"a\", objective: sphere(#{ x: [1.0] }), search: random(#{ trials: 1, minimize: \"value\" }) })\n";
    let wanted = "\
a declares no param; param(\"epochs\", 10, \"epochs of the fit\") makes one

nothing is searched
";
    Project::new().script(script).xrun(["params", "experiment.rhai"]).code(0).stderr_is("").stdout_is(wanted);
}

/// A fit by hand, of which a phase has this beside its epochs.
fn fit_with(rule: &str) -> String {
    format!(
        r#"fit(#{{
    name: "a",
    labels: ["trial 0"],
    role: "trial",
    data: csv_table("t.csv", #{{ target: "y" }}),
    split: split(#{{ train: [0, 1], validation: [2, 3] }}),
    model: classifier(#{{ backbone: mlp(#{{ hidden: [4] }}) }}),
    train: [phase("full", #{{ epochs: 3, {rule}, optimizer: sgd(#{{ lr: 0.1 }}) }})],
    maximize: "accuracy",
}})
"#
    )
}

#[test]
fn a_fit_by_hand_in_which_a_rule_watches_nothing_is_refused() {
    let project = Project::new().file("t.csv", "x,y\n1,a\n2,b\n3,a\n4,b\n");
    for (rule, what, example) in [
        ("early_stop: #{ patience: 2 }", "early_stop", "#{ patience: 5, monitor: \"log_loss\" }"),
        ("schedule: reduce_on_plateau()", "reduce_on_plateau", "reduce_on_plateau(#{ monitor: \"log_loss\" })"),
    ] {
        let script = fit_with(rule);
        project.write("fit.rhai", &script);
        let line = script.lines().nth(7).unwrap();
        let message = format!("`{what}` of a fit needs a `monitor`: a fit has no search whose metric it could take");
        let hint = format!("name a validation metric, as in {example}");
        let wanted = error_at(&message, "fit.rhai:8:13", line, 5, Some(&hint));
        for command in ["check", "plan", "params"] {
            project.xrun([command, "fit.rhai"]).code(2).stdout_is("").stderr_is(&wanted);
        }
    }
    project.write("fit.rhai", &fit_with("early_stop: #{ patience: 2, monitor: \"log_loss\" }"));
    project.xrun(["check", "fit.rhai"]).code(0);
}
