//! `xrun ls` with a filter, an order and columns, `xrun best`, and tags and notes: whole outputs, and what may rank runs.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Output, Project};

/// A search whose best value is the sum of the squares of 0.7329335705469019 and `top`.
const SCRIPT: &str = r#"let top = param("top", 1.0, "the second coordinate");
experiment(#{
    name: param("name", "a", "name"),
    objective: sphere(#{ x: [uniform(0.0, 1.0), top] }),
    search: random(#{ trials: 2, minimize: "value" }),
})
"#;

const NESTED: &str = r#"let x = uniform(-1.0, 1.0).named("x");
experiment(#{
    name: "nested",
    data: rows(param("n", 60, "rows")),
    objective: sphere(#{ x: [x, uniform(-1.0, 1.0)], noise: 0.05 }),
    cv: nested(#{ outer: kfold(3, 1729), inner: kfold(2, 4711) }),
    search: random(#{ trials: 3, minimize: "value", per: param("per", "inner", "studies") }),
})
"#;

/// Three runs of `a`, whose best values are 1.5372, 0.7872 and 4.5372; their folders.
fn three() -> (Project, Vec<PathBuf>) {
    let project = Project::new().script(SCRIPT);
    for top in ["top=1.0", "top=0.5", "top=2.0"] {
        project.xrun(["experiment.rhai", top, "--quiet"]).code(0);
    }
    let runs = project.runs("a");
    (project, runs)
}

fn id(run: &Path) -> String {
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

fn json_of(project: &Project, path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&project.read(path)).unwrap()
}

/// What `xrun ls` lists with these arguments, by the param `top`, in its order.
#[track_caller]
fn tops(project: &Project, arguments: &[&str]) -> Vec<f64> {
    let arguments = ["ls", "--columns", "params.top", "--json"].iter().chain(arguments);
    let output = project.xrun(arguments.copied());
    output.code(0).stderr_is("");
    let lines = output.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| line["params.top"].as_f64().unwrap()).collect()
}

#[test]
fn a_filter_chooses_by_numbers_texts_dates_and_tags() {
    let (project, runs) = three();
    project.xrun(["tag", &id(&runs[0]), "kind=base line", "rank=2", "done=true"]).code(0);
    project.xrun(["tag", &id(&runs[2]), "kind=other", "keep", "done=false"]).code(0);
    fs::remove_file(project.path(runs[1].join("summary.json"))).unwrap();
    let year = &id(&runs[0])[..4];
    let next = format!("started > \"{year}\"");
    let this = format!("started >= '{year}' and started <= '{year}' and started == '{year}'");
    let cases: [(&str, &[f64]); 28] = [
        ("best > 1.5372", &[2.0]),
        ("best >= 1.5371916188346304", &[1.0, 2.0]),
        ("metrics.value < 2", &[1.0]),
        ("validation.value != 2", &[1.0, 2.0]),
        ("fits == 2", &[1.0, 0.5, 2.0]),
        ("name == \"a\"", &[1.0, 0.5, 2.0]),
        ("experiment != 'a'", &[]),
        ("state == \"complete\"", &[1.0, 2.0]),
        ("status == \"unfinished\"", &[0.5]),
        ("objective == 'minimize value'", &[1.0, 2.0]),
        ("best", &[1.0, 2.0]),
        ("not best", &[0.5]),
        ("not best < 2", &[0.5, 2.0]),
        ("params.top <= 1 and not tags.kind", &[0.5]),
        ("params.x.0 > 0.5", &[1.0, 2.0]),
        ("params.objective.x.0 > 0.5 and params.search.trials == 2", &[1.0, 2.0]),
        ("tags.kind", &[1.0, 2.0]),
        ("tags", &[1.0, 2.0]),
        ("tags.kind == 'base line' or tags.keep", &[1.0, 2.0]),
        ("tags.rank > 1.5", &[1.0]),
        ("tags.done == true", &[1.0]),
        ("tags.done != true", &[2.0]),
        ("tags.keep == true", &[]),
        ("tags.nobody_has_it", &[]),
        ("params.top == 2 or params.top == 1 and best > 2", &[2.0]),
        ("(params.top == 2 or params.top == 1) and best < 2", &[1.0]),
        (&next, &[]),
        (&this, &[1.0, 0.5, 2.0]),
    ];
    for (filter, wanted) in cases {
        assert_eq!(tops(&project, &[filter]), wanted, "{filter}");
    }
}

#[test]
fn an_order_is_by_one_name_and_what_lacks_it_comes_last() {
    let (project, runs) = three();
    assert_eq!(tops(&project, &["--sort", "best"]), [0.5, 1.0, 2.0]);
    assert_eq!(tops(&project, &["--sort", "-metrics.value"]), [2.0, 1.0, 0.5]);
    assert_eq!(tops(&project, &["--sort", "-started", "--limit", "2"]).len(), 2);
    assert_eq!(tops(&project, &["--sort", "-best", "--limit", "1"]), [2.0]);
    assert_eq!(tops(&project, &["--limit", "2"]), [0.5, 2.0], "the latest");
    fs::remove_file(project.path(runs[2].join("summary.json"))).unwrap();
    assert_eq!(tops(&project, &["--sort", "best"]), [0.5, 1.0, 2.0]);
    assert_eq!(tops(&project, &["--sort", "-best"]), [1.0, 0.5, 2.0]);
    project.xrun(["tag", &id(&runs[1]), "kind=b"]).code(0);
    project.xrun(["tag", &id(&runs[2]), "kind=a"]).code(0);
    assert_eq!(tops(&project, &["--sort", "tags.kind"]), [2.0, 0.5, 1.0]);
    for (run, rank) in runs.iter().zip(["rank=10", "rank=9", "rank=100"]) {
        project.xrun(["tag", &id(run), rank]).code(0);
    }
    assert_eq!(tops(&project, &["--sort", "tags.rank"]), [0.5, 1.0, 2.0], "numbers, not texts");
    assert_eq!(tops(&project, &["--sort", "-tags.rank"]), [2.0, 1.0, 0.5]);
}

#[test]
fn a_list_of_no_runs_cannot_be_asked_for() {
    let wanted = "error: invalid value '0' for '--limit <N>': it must be a whole number from 1 on\n\n\
                  For more information, try '--help'.\n";
    Project::new().xrun(["ls", "--limit", "0"]).code(2).stdout_is("").stderr_is(wanted);
}

#[test]
fn columns_are_shown_as_a_table_csv_and_json() {
    let (project, runs) = three();
    project.xrun(["note", &id(&runs[1]), "the small\none, \"cut\""]).code(0);
    fs::remove_file(project.path(runs[2].join("summary.json"))).unwrap();
    let columns = ["ls", "--columns", "id, name,state,metrics.value,params.x.0,params.top,note"];
    let wanted = r#" id     name  state       metrics.value  params.x.0  params.top  note
 [RUN]  a     complete           1.5372      0.7329      1.0000
 [RUN]  a     complete           0.7872      0.7329      0.5000  the small one, "cut"
 [RUN]  a     unfinished                                 2.0000
"#;
    // The header is as wide as an id, which is written shorter here.
    let table = project.xrun(columns);
    let text = table.redact(&table.stdout);
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), wanted.lines().skip(1).collect::<Vec<_>>());
    assert_eq!(
        table.stdout.lines().next().unwrap().split_whitespace().collect::<Vec<_>>(),
        wanted.lines().next().unwrap().split_whitespace().collect::<Vec<_>>()
    );
    let wanted = "id,name,state,metrics.value,params.x.0,params.top,note\n\
                  [RUN],a,complete,1.5371916188346304,0.7329335705469019,1.0,\n\
                  [RUN],a,complete,0.7871916188346304,0.7329335705469019,0.5,\"the small\none, \"\"cut\"\"\"\n\
                  [RUN],a,unfinished,,,2.0,\n";
    project.xrun(columns.iter().chain(&["--csv"])).code(0).stderr_is("").stdout_is(wanted);
    let output = project.xrun(columns.iter().chain(&["--json", "--limit", "1"]));
    let wanted = json!({
        "id": id(&runs[2]), "name": "a", "state": "unfinished", "metrics.value": null, "params.x.0": null,
        "params.top": 2.0, "note": null,
    });
    assert_eq!(output.code(0).json(), wanted);
    let wanted = "id,name,state,started,fits,objective,best,tags,note\n\
                  [RUN],a,complete,[TIME],2,minimize value,1.5371916188346304,,\n";
    project.xrun(["ls", "params.top == 1", "--csv"]).code(0).stdout_is(wanted);
}

#[test]
fn what_studies_chose_differently_is_shown_as_all_of_it() {
    let project = Project::new().script(NESTED);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let summary = json_of(&project, project.only_run("nested").join("summary.json"));
    let studies = summary["studies"].as_array().unwrap();
    assert_eq!(studies.len(), 6);
    let numbers = |of: &dyn Fn(&Value) -> f64| studies.iter().map(of).collect::<Vec<f64>>();
    let chosen = numbers(&|study| study["best_assignment"]["x"].as_f64().unwrap());
    // Two studies an outer fold, so that the mean of means is the mean.
    let best = numbers(&|study| study["best_value"].as_f64().unwrap()).iter().sum::<f64>() / 6.0;
    let output = project.xrun(["ls", "--columns", "best,metrics.value,test.value,params.x", "--json"]);
    let listed = output.code(0).json();
    assert!((listed["best"].as_f64().unwrap() - best).abs() < 1e-12);
    assert_eq!(listed["test.value"], summary["test"]["value"]["mean"]);
    let finals = summary["finals"].as_array().unwrap();
    let validation = finals.iter().map(|last| last["validation"]["value"].as_f64().unwrap()).sum::<f64>() / 6.0;
    assert!((listed["metrics.value"].as_f64().unwrap() - validation).abs() < 1e-12);
    let shown: Vec<f64> = listed["params.x"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert!(
        chosen.iter().all(|x| shown.contains(x)) && shown.iter().all(|x| chosen.contains(x)),
        "{shown:?} {chosen:?}"
    );
    let (low, high) = (shown.iter().copied().fold(f64::MAX, f64::min), shown.iter().copied().fold(f64::MIN, f64::max));
    assert!(low < high);
    for (filter, n) in [
        (format!("params.x <= {high}"), 1),
        (format!("params.x < {high}"), 0),
        (format!("params.x >= {low}"), 1),
        (format!("not params.x < {high}"), 1),
    ] {
        assert_eq!(project.xrun(["ls", &filter, "--json"]).code(0).stdout.lines().count(), n, "{filter}");
    }
    let table = project.xrun(["ls", "--columns", "params.x"]);
    assert_eq!(table.stdout.lines().nth(1).unwrap().trim(), format!("{low:.4} .. {high:.4}"));
}

#[track_caller]
fn error(output: &Output, message: &str, source: &str, text: &str, at: (usize, usize), hint: &str) {
    let (column, length) = at;
    let wanted = format!(
        "error: {message}\n --> {source}:1:{column}\n  |\n1 | {text}\n  | {}{}\nhint: {hint}\n",
        " ".repeat(column - 1),
        "^".repeat(length)
    );
    output.code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn mistakes_in_a_filter_are_shown_where_they_stand() {
    let (project, _) = three();
    let example = "as in metrics.roc_auc > 0.9 and tags.kind == \"baseline\"";
    let date = "write the beginning of one in quotes, as in \"2026-11\", \"2026-11-01\" or \"2026-11-01T09:30\" (UTC)";
    let signs = "a filter is made of names, numbers, texts in quotes, == != < <= > >=, and, or, not, ( and )";
    let names = "names are id, name, state, started, fits, objective, best, note, path, tags, and those that begin with \
                 metrics. validation. test. params. tags.";
    let cases = [
        ("best > 1 and metrics.valu > 1", "there is no metric `valu`", (14, 12), "did you mean `metrics.value`?"),
        ("params.tops > 1", "no run has a parameter `tops`", (1, 11), "did you mean `params.top`?"),
        (
            "params.momentum > 1",
            "no run has a parameter `momentum`",
            (1, 15),
            "`xrun check CONFIG` lists the parameters of a run's config.rhai",
        ),
        ("nam == \"a\"", "runs have no `nam`", (1, 3), "did you mean `name`?"),
        ("param.top == 1", "runs have no `param.top`", (1, 9), "did you mean `params.top`?"),
        ("roc_auc > 1", "runs have no `roc_auc`", (1, 7), "did you mean `metrics.roc_auc`?"),
        ("qqqqqq > 1", "runs have no `qqqqqq`", (1, 6), names),
        ("best = 1", "`=` means nothing in a filter", (6, 1), "did you mean `==`?"),
        ("best > 1 && best < 2", "`&&` means nothing in a filter", (10, 2), "did you mean `and`?"),
        ("best > 1 % 2", "`%` means nothing in a filter", (10, 1), signs),
        ("name == a", "`a` is no number and no text", (9, 1), "write texts in quotes: \"a\""),
        ("name == \"a", "this text has no end", (9, 2), "close it with \""),
        ("best > 1e", "`1e` is no number", (8, 2), "write numbers as 0.9 or 1e-3, and dates and texts in quotes"),
        ("best > ", "a number or a text should follow", (7, 1), example),
        ("best > and", "`and` is no number and no text", (8, 3), "write texts in quotes: \"and\""),
        ("best > (", "a number or a text should stand here", (8, 1), example),
        ("1 < best", "a name should stand here", (1, 1), "write the name first, as in metrics.roc_auc > 0.9"),
        ("> 1", "a name should stand here", (1, 1), example),
        ("best > 1 and", "a name should follow", (13, 1), example),
        ("(best > 1", "this is never closed", (1, 1), "add a `)`"),
        ("(best > 1 best", "a `)` should stand here", (11, 4), "join two parts with `and` or `or`"),
        ("best > 1)", "this closes nothing", (9, 1), "take it out, or open it with `(`"),
        ("best > 1 best < 2", "the filter should end here", (10, 4), "join two parts with `and` or `or`"),
        ("best > \"1\"", "`best` is a number", (8, 3), "write a number, as in 0.9 or 1e-3"),
        ("started > \"yesterday\"", "`started` is a point in time", (11, 11), date),
        ("started > 2026", "`started` is a point in time", (11, 4), date),
        ("state == \"complet\"", "no run is ever \"complet\"", (10, 9), "did you mean \"complete\"?"),
        (
            "state == \"x\"",
            "no run is ever \"x\"",
            (10, 3),
            "states are complete, failed, running, interrupted, unfinished",
        ),
        ("name == 1", "`name` is a text", (9, 1), "write it in quotes"),
        (
            "name < \"b\"",
            "`name` is a text, which is neither larger nor smaller than another",
            (6, 1),
            "compare it with == or !=",
        ),
        (
            "tags.kind < \"b\"",
            "only numbers and dates are larger or smaller",
            (11, 1),
            "compare with == or !=, or with a number",
        ),
    ];
    for (filter, message, at, hint) in cases {
        error(&project.xrun(["ls", filter]), message, "filter", filter, at, hint);
    }
    let none = "none of 3 runs in [PROJECT]/results meets the filter\n";
    project.xrun(["ls", "best > 5"]).code(0).stdout_is("").stderr_is(none);
    let empty = Project::new();
    let none = "no runs in [PROJECT]/results\n";
    empty.xrun(["ls", "params.lr > 3 and metrics.roc_auc > 0.5"]).code(0).stdout_is("").stderr_is(none);
}

#[test]
fn a_filter_without_end_is_refused() {
    let project = Project::new();
    for (part, column) in [("(", 1001), ("not ", 4001)] {
        let output = project.xrun(["ls", &part.repeat(20_000)]);
        output.code(2).stdout_is("");
        output.stderr_contains(&format!("error: the filter is too long\n --> filter:1:{column}\n"));
        output.stderr_contains("\nhint: it can have 1000 words and signs\n");
    }
    let long = "best or ".repeat(499) + "best";
    project.xrun(["ls", &long]).code(0).stderr_is("no runs in [PROJECT]/results\n");
}

#[test]
fn parameters_that_end_alike_are_told_apart() {
    let script = "experiment(#{ name: \"b\", objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0) }), \
                  search: random(#{ trials: 1, minimize: \"value\" }) })";
    let project = Project::new().script(script);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    assert!(project.xrun(["ls", "params.x1 < 11"]).code(0).stdout.lines().count() == 2);
    let second = script
        .replace("\"b\"", "\"c\"")
        .replace("objective: branin", "objective: sphere")
        .replace("x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0)", "x: [uniform(0.0, 1.0).named(\"other.x1\")]");
    project.write("second.rhai", &second);
    project.xrun(["second.rhai", "--quiet"]).code(0);
    let output = project.xrun(["ls", "params.x1 < 11"]);
    let hint = "say which: params.objective.x1, params.other.x1";
    error(&output, "several parameters end with `x1`", "filter", "params.x1 < 11", (1, 9), hint);
}

#[test]
fn runs_are_not_ranked_by_test_rows() {
    let project = Project::new().script(NESTED);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let message = "runs are not ranked by test rows: whoever picks one by them has nothing left to judge it by";
    let hint = "order by validation rows, as in --sort -metrics.roc_auc; --columns shows test metrics beside";
    let output = project.xrun(["ls", "--sort", "-test.value"]);
    error(&output, message, "--sort", "-test.value", (2, 10), hint);
    let output = project.xrun(["ls", "--sort", "metrics.valu"]);
    error(&output, "there is no metric `valu`", "--sort", "metrics.valu", (1, 12), "did you mean `metrics.value`?");
    let output = project.xrun(["ls", "--columns", "id, bst"]);
    error(&output, "runs have no `bst`", "--columns", "id, bst", (5, 3), "did you mean `best`?");
    // A run that is worse on validation rows is not made the best by test rows.
    project.xrun(["experiment.rhai", "--quiet", "x=1.0"]).code(0);
    let runs = project.runs("nested");
    let value = |run: &PathBuf| {
        let arguments = ["ls", &format!("id == '{}'", id(run)), "--columns", "best", "--json"];
        project.xrun(arguments).code(0).json()["best"].as_f64().unwrap()
    };
    assert!(value(&runs[0]) < value(&runs[1]));
    let best = || project.xrun(["best", "--id"]).code(0).stdout.trim().to_owned();
    assert_eq!(best(), id(&runs[0]));
    let path = runs[1].join("summary.json");
    let mut summary = json_of(&project, &path);
    summary["test"]["value"]["mean"] = json!(-1000.0);
    project.write(&path, &summary.to_string());
    assert_eq!(project.xrun(["ls", "test.value < -999", "--json"]).code(0).stdout.lines().count(), 1);
    assert_eq!(best(), id(&runs[0]));
}

#[test]
fn best_names_the_run_that_is_best_on_validation_rows() {
    let (project, runs) = three();
    let output = project.xrun(["best", "a"]);
    output
        .code(0)
        .stderr_is("")
        .stdout_is("a [RUN]\nbest     validation.value 0.7872, of 3 runs\n\nsee it: xrun show a@best\n");
    output.stdout_contains(&id(&runs[1]));
    let wanted = json!({
        "experiment": "a", "objective": "minimize value", "run": id(&runs[1]), "path": project.path(&runs[1]),
        "best": 0.787_191_618_834_630_4, "violation": 0.0, "n_ranked": 3, "n_without_value": 0, "n_elsewhere": 0,
    });
    assert_eq!(project.xrun(["best", "--json"]).code(0).json(), wanted);
    for asked in ["@best", "a@best"] {
        project.xrun(["show", asked]).code(0).stdout_contains(&format!("a {}\n", id(&runs[1])));
    }
    project.xrun(["show", "a@latest"]).code(0).stdout_contains(&format!("a {}\n", id(&runs[2])));
    // Of equal ones the older; what has not ended has no value, and what searched for something else none to compare.
    project.xrun(["experiment.rhai", "top=0.5", "--quiet", "--fresh"]).code(0);
    assert_eq!(project.xrun(["best", "a", "--id"]).code(0).stdout.trim(), id(&runs[1]));
    fs::remove_file(project.path(runs[1].join("summary.json"))).unwrap();
    let other = runs[0].join("summary.json");
    project.write(&other, &project.read(&other).replace("minimize value", "maximize another"));
    let wanted = "a [RUN]\nbest     validation.value 0.7872, of 2 runs\n\
                  without  1 run that did not come to an end with a best trial\n\
                  without  1 run on other data or folds, or with another objective\n\nsee it: xrun show a@best\n";
    project.xrun(["best", "a"]).code(0).stdout_is(wanted);
}

#[test]
fn a_run_that_cannot_be_read_is_left_out_of_a_ranking_with_a_warning() {
    let (project, runs) = three();
    project.write(runs[1].join("summary.json"), "{");
    let warning = "warning: [PROJECT]/results/a/[RUN]/summary.json is damaged: EOF while parsing an object at line 1 \
                   column 1\n";
    let wanted = "a [RUN]\nbest     validation.value 1.5372, of 2 runs\n\nsee it: xrun show a@best\n";
    project.xrun(["best"]).code(0).stderr_is(warning).stdout_is(wanted);
}

#[test]
fn runs_on_other_data_are_left_out_of_a_ranking() {
    let project = Project::new().script(NESTED);
    for n in ["n=60", "n=66", "n=60"] {
        project.xrun(["experiment.rhai", n, "--quiet"]).code(0);
    }
    let found = project.xrun(["best", "nested", "--json"]).code(0).json();
    assert_eq!((found["n_ranked"].as_u64(), found["n_elsewhere"].as_u64()), (Some(2), Some(1)));
    assert_eq!(found["run"], id(&project.runs("nested")[0]));
}

#[test]
fn runs_that_miss_the_constraints_come_after_those_that_meet_them() {
    let (project, runs) = three();
    let path = runs[1].join("summary.json");
    let mut summary = json_of(&project, &path);
    summary["studies"][0]["best_violation"] = json!(0.25);
    project.write(&path, &summary.to_string());
    assert_eq!(project.xrun(["best", "--id"]).code(0).stdout.trim(), id(&runs[0]));
    for run in [&runs[0], &runs[2]] {
        fs::remove_dir_all(project.path(run)).unwrap();
    }
    let wanted = "a [RUN]\nbest     validation.value 0.7872, of 1 run; it misses the constraints by 0.2500\n\nsee it: xrun show a@best\n";
    project.xrun(["best"]).code(0).stdout_is(wanted);
}

#[test]
fn what_cannot_be_ranked_is_an_error_that_says_why() {
    let project = Project::new().script(SCRIPT);
    let wanted = "error: there is no run `@best` in [PROJECT]/results\nhint: `xrun ls` lists the runs\n";
    for arguments in [vec!["best"], vec!["show", "@best"]] {
        project.xrun(arguments).code(5).stdout_is("").stderr_is(wanted);
    }
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    project.xrun(["experiment.rhai", "--quiet", "name=bees"]).code(0);
    let wanted = "error: `@best` is of one experiment, and the runs are of a, bees\nhint: say which, as in a@best\n";
    for arguments in [vec!["best"], vec!["show", "@best"], vec!["report", "@best"]] {
        project.xrun(arguments).code(2).stdout_is("").stderr_is(wanted);
    }
    let wanted = "error: there is no experiment `bee` in [PROJECT]/results\nhint: did you mean `bees`?\n";
    for arguments in [vec!["best", "bee"], vec!["show", "bee@best"], vec!["show", "bee@latest"]] {
        project.xrun(arguments).code(5).stdout_is("").stderr_is(wanted);
    }
    let wanted = "error: there is no experiment `other` in [PROJECT]/results\n\
                  hint: `xrun ls` lists the runs and their experiments\n";
    project.xrun(["best", "other"]).code(5).stderr_is(wanted);
    fs::remove_file(project.path(project.only_run("bees").join("summary.json"))).unwrap();
    let wanted = "error: no run of `bees` has ended with a best trial, so none is the best\n\
                  hint: name a run by its id, as `xrun ls` lists them; `xrun resume` goes on with one that was stopped\n";
    project.xrun(["best", "bees"]).code(5).stderr_is(wanted);
}

#[test]
fn tags_and_notes_are_shown_and_are_no_part_of_the_record() {
    let (project, runs) = three();
    let run = id(&runs[2]);
    let before = project.contents(&runs[2]);
    project.xrun(["tag", &run]).code(0).stdout_is("[RUN]  no tags\n");
    project.xrun(["tag", &run, "kind=a b", "keep"]).code(0).stderr_is("").stdout_is("[RUN]  keep kind=a b\n");
    project.xrun(["tag", "@latest", "kind=c"]).code(0).stdout_is("[RUN]  keep kind=c\n");
    project.xrun(["note", &run, "two\nlines"]).code(0).stderr_is("").stdout_is("[RUN]  two\nlines\n");
    let shown = project.xrun(["show", &run]);
    shown.code(0).stdout_contains("\ntags     keep kind=c\nnote     two\n         lines\n");
    let shown = project.xrun(["show", &run, "--json"]).code(0).json();
    assert_eq!((&shown["tags"], &shown["note"]), (&json!({ "keep": "", "kind": "c" }), &json!("two\nlines")));
    let listed = project.xrun(["ls"]);
    let lines: Vec<&str> =
        listed.stdout.lines().map(|line| line.split_once(" a ").map_or(line, |(_, rest)| rest)).collect();
    let rest = [
        "          complete     2  value 1.5372",
        "          complete     2  value 0.7872",
        "          complete     2  value 4.5372  keep kind=c  two lines",
    ];
    assert_eq!(lines[1..], rest, "{listed}");
    assert!(lines[0].ends_with("result        tags         note"), "{listed}");
    let listed = project.xrun(["ls", "--json", "--limit", "1"]).code(0).json();
    assert_eq!((&listed["tags"], &listed["note"]), (&json!({ "keep": "", "kind": "c" }), &json!("two\nlines")));
    // Everything else is as it was, and is compared as it was.
    let mut after = project.contents(&runs[2]);
    assert!(after.remove(&project.path(runs[2].join("notes.json"))).is_some());
    assert_eq!(after, before);
    project.xrun(["replay", &run, "--quiet"]).code(0);
    project.xrun(["experiment.rhai", "top=2.0", "--quiet", "--fresh"]).code(0);
    let again = id(&project.runs("a")[3]);
    let differs = project.xrun(["diff", &run, &again]);
    assert!(!differs.stdout.contains("notes") && !differs.stdout.contains("keep"), "{differs}");

    project.xrun(["untag", &run, "kind", "keep"]).code(0).stderr_is("").stdout_is("[RUN]  no tags\n");
    project.xrun(["note", &run, ""]).code(0).stdout_is("[RUN]  no note\n");
    assert_eq!(project.contents(&runs[2]), before, "nothing is said, nothing lies there");
}

#[test]
fn mistakes_about_tags_and_notes_say_what_to_do() {
    let (project, runs) = three();
    let run = id(&runs[0]);
    project.xrun(["tag", &run, "kind=x"]).code(0);
    let wanted = "error: the run [RUN] has no tag `kinds`\nhint: did you mean `kind`?\n";
    project.xrun(["untag", &run, "kind", "kinds"]).code(2).stdout_is("").stderr_is(wanted);
    project.xrun(["tag", &run]).code(0).stdout_is("[RUN]  kind=x\n");
    let wanted = "error: the run [RUN] has no tag `other`\nhint: `xrun tag [RUN]` shows those it has\n";
    project.xrun(["untag", &run, "other"]).code(2).stderr_is(wanted);
    let wanted = "error: `a b` is no name of a tag\n\
                  hint: names of tags are made of letters, digits, `_`, `-` and `.`, as in kind=ablation\n";
    project.xrun(["tag", &run, "good", "a b=c"]).code(2).stdout_is("").stderr_is(wanted);
    let wanted = "error: the value of the tag `kind` is not a line of text\nhint: longer texts are for `xrun note`\n";
    project.xrun(["tag", &run, "kind=a\nb"]).code(2).stderr_is(wanted);
    project.xrun(["tag", &run]).code(0).stdout_is("[RUN]  kind=x\n");
    let wanted = "error: there is no run `nothing` in [PROJECT]/results\nhint: `xrun ls` lists the runs\n";
    for arguments in [vec!["tag", "nothing", "x"], vec!["untag", "nothing", "x"], vec!["note", "nothing", "x"]] {
        project.xrun(arguments).code(5).stderr_is(wanted);
    }
    project.write(runs[0].join("notes.json"), "{");
    let damaged = "[PROJECT]/results/a/[RUN]/notes.json is damaged: EOF while parsing an object at line 1 column 1; it \
                   holds the note and the tags alone: mend or delete it\n";
    let listed = project.xrun(["ls"]);
    listed.code(0).stderr_is(&format!("warning: {damaged}"));
    assert_eq!(listed.stdout.lines().count(), 4);
    let shown = project.xrun(["show", &run]);
    shown.code(1).stderr_is(&format!("error: {damaged}")).stdout_contains("status   complete\n");
    project.xrun(["tag", &run, "x"]).code(1).stderr_is(&format!("error: {damaged}"));
}

#[test]
fn the_help_of_every_command_about_records_has_examples() {
    let project = Project::new();
    for command in ["ls", "show", "best", "tag", "untag", "note", "export"] {
        let output = project.xrun([command, "--help"]);
        output.code(0).stderr_is("").stdout_contains(&format!("\nExamples:\n  xrun {command} "));
    }
}
