//! `xrun plan --graph`: the steps of a run, what is up to date and what will run, and why.

mod support;

use std::fs;

use support::Project;

const NESTED: &str = r#"let trials = param("trials", 3, "trials of each search");
experiment(#{
    name: "nested",
    data: rows(60),
    objective: sphere(#{ x: [uniform(-1.0, 1.0)], noise: 0.05 }),
    cv: nested(#{ outer: kfold(3, 1729), inner: kfold(2, 4711) }),
    search: random(#{ trials: trials, minimize: "value" }),
})
"#;

fn nested() -> Project {
    Project::new().file("nested.rhai", NESTED)
}

fn graph(project: &Project, arguments: &[&str]) -> support::Output {
    let output = project.xrun(["plan", "--graph"].iter().chain(arguments));
    output.code(0).stderr_is("");
    output
}

#[test]
fn of_what_was_never_run_every_step_will_run() {
    let project = nested();
    let wanted = "\
nested
24 fits: none is recorded, 24 at most will run

prepare
├─ script                                read        nested.rhai
├─ data                                  read        60 rows without features
└─ folds                                 read        3 outer x 2 inner, 6 studies
train
└─ outer 0, inner 0 to outer 2, inner 1  will run    6 studies, each 3 fits of 3 trials; no run of nested is recorded
   └─ final                              waits       6 fits; follows from the best trial
evaluate
└─ results                               waits       test metrics over the outer folds, summary and report; made when all has been trained
";
    graph(&project, &["nested.rhai"]).stdout_is(wanted);
    assert_eq!(project.names(""), ["nested.rhai", "xrun.toml"], "a plan writes nothing");
}

#[test]
fn what_is_recorded_is_up_to_date_and_the_plan_says_from_where() {
    let project = nested();
    project.xrun(["nested.rhai", "--quiet"]).code(0);
    let wanted = "\
nested
24 fits: all up to date, nothing is trained

prepare
├─ script                                read        nested.rhai
├─ data                                  up to date  60 rows without features; as in [RUN]
└─ folds                                 up to date  3 outer x 2 inner, 6 studies; as in [RUN]
train
└─ outer 0, inner 0 to outer 2, inner 1  up to date  6 studies, each 3 fits of 3 trials; from [RUN]
   └─ final                              up to date  6 fits; from [RUN]
evaluate
└─ results                               up to date  test metrics over the outer folds, summary and report
";
    graph(&project, &["nested.rhai"]).stdout_is(wanted);
}

#[test]
fn more_trials_run_because_their_number_has_changed() {
    let project = nested();
    project.xrun(["nested.rhai", "--quiet"]).code(0);
    let wanted = "\
nested
30 fits: 18 up to date, 12 at most will run

prepare
├─ script                                read        nested.rhai
├─ data                                  up to date  60 rows without features; as in [RUN]
└─ folds                                 up to date  3 outer x 2 inner, 6 studies; as in [RUN]
train
└─ outer 0, inner 0 to outer 2, inner 1  partly      6 studies, each 4 fits of 4 trials; 3 from [RUN], 1 at most will run: since [RUN]: search.trials 3 -> 4
   └─ final                              waits       6 fits; follows from the best trial
evaluate
└─ results                               waits       test metrics over the outer folds, summary and report; made when all has been trained
";
    graph(&project, &["nested.rhai", "trials=4"]).stdout_is(wanted);
}

#[test]
fn studies_that_differ_are_told_apart() {
    let project = nested();
    project.xrun(["nested.rhai", "--quiet"]).code(0);
    let run = project.only_run("nested");
    fs::remove_dir_all(project.path(run.join("outer-1").join("inner-0").join("final"))).expect("the final is there");
    fs::remove_file(project.path(run.join("summary.json"))).expect("the summary is there");
    let wanted = "\
nested
24 fits: 23 up to date, 1 at most will run

prepare
├─ script                                read        nested.rhai
├─ data                                  up to date  60 rows without features; as in [RUN]
└─ folds                                 up to date  3 outer x 2 inner, 6 studies; as in [RUN]
train
├─ outer 0, inner 0 to outer 0, inner 1  up to date  2 studies, each 3 fits of 3 trials; from [RUN]
│  └─ final                              up to date  2 fits; from [RUN]
├─ outer 1, inner 0                      up to date  3 fits of 3 trials; from [RUN]
│  └─ final                              will run    1 fit; [RUN] was stopped before; xrun resume [RUN] goes on with it
└─ outer 1, inner 1 to outer 2, inner 1  up to date  3 studies, each 3 fits of 3 trials; from [RUN]
   └─ final                              up to date  3 fits; from [RUN]
evaluate
└─ results                               waits       test metrics over the outer folds, summary and report; made when all has been trained
";
    graph(&project, &["nested.rhai"]).stdout_is(wanted);
}

/// Folds of four rows: two outer ones with these test rows, each with one inner fold.
fn folds(tests: [usize; 2]) -> String {
    let outer = |(number, test): (usize, usize)| {
        let others: Vec<usize> = (0..4).filter(|row| *row != test).collect();
        format!(
            "\"{number}\": {{\"test_indices\": [{test}], \"nested_splits\": \
             {{\"0\": {{\"train_indices\": {:?}, \"dev_indices\": [{}]}}}}}}",
            &others[1..],
            others[0]
        )
    };
    let outer: Vec<String> = tests.into_iter().enumerate().map(outer).collect();
    let rows = r#"["row-0", "row-1", "row-2", "row-3"]"#;
    format!("{{\"files\": {rows}, \"root_splits\": {{{}}}}}\n", outer.join(", "))
}

#[test]
fn other_folds_in_their_file_are_a_reason() {
    let script = NESTED
        .replace("rows(60)", "rows(4)")
        .replace("nested(#{ outer: kfold(3, 1729), inner: kfold(2, 4711) })", "nested(#{ file: \"folds.json\" })");
    let project = Project::new().file("nested.rhai", &script).file("folds.json", &folds([0, 1]));
    project.xrun(["nested.rhai", "--quiet"]).code(0);
    project.write("folds.json", &folds([2, 1]));
    let wanted = "\
nested
8 fits: 4 up to date, 4 at most will run

prepare
├─ script            read        nested.rhai
├─ data              up to date  4 rows without features; as in [RUN]
└─ folds             changed     2 outer x 1 inner, 2 studies; other than in [RUN]
train
├─ outer 0, inner 0  will run    3 fits of 3 trials; since [RUN]: other folds
│  └─ final          waits       1 fit; follows from the best trial
└─ outer 1, inner 0  up to date  3 fits of 3 trials; from [RUN]
   └─ final          up to date  1 fit; from [RUN]
evaluate
└─ results           waits       test metrics over the outer folds, summary and report; made when all has been trained
";
    graph(&project, &["nested.rhai"]).stdout_is(wanted);
}

#[test]
fn another_splitter_says_itself_that_the_folds_are_others() {
    let project = nested();
    project.xrun(["nested.rhai", "--quiet"]).code(0);
    project.write("nested.rhai", &NESTED.replace("1729", "1730"));
    let output = graph(&project, &["nested.rhai"]);
    let text = output.redact(&output.stdout);
    assert!(text.contains("  changed     3 outer x 2 inner, 6 studies; other than in [RUN]\n"), "{output}");
    assert!(text.contains("; since [RUN]: cv.outer.seed 1729 -> 1730\n"), "{output}");
}

/// A network without a search, on these folds.
fn table(take: &str) -> String {
    format!(
        r#"experiment(#{{
    name: "table",
    data: csv_table("t.csv", #{{ target: "y" }}),
    model: classifier(#{{ backbone: mlp(#{{ hidden: [4] }}) }}),
    train: [phase("fit", #{{ epochs: 1, optimizer: sgd(#{{ lr: 0.1 }}) }})],
    cv: nested(#{{ outer: stratified_kfold(2, 1), inner: stratified_kfold(2, 2){take} }}),
}})
"#
    )
}

fn rows(n: usize) -> String {
    let row = |row: usize| format!("{row},{}\n", ["a", "b"][row % 2]);
    format!("x,y\n{}", (0..n).map(row).collect::<String>())
}

#[test]
fn a_study_in_which_nothing_is_searched_is_not_up_to_date() {
    let project = Project::new().file("table.rhai", &table("")).file("t.csv", &rows(16));
    let wanted = "\
table
4 fits: none is recorded, 4 at most will run

prepare
├─ script                                read        table.rhai
├─ data                                  read        16 rows, 1 numeric and 0 categorical columns, 8 a / 8 b
└─ folds                                 read        2 outer x 2 inner, 4 studies
train
└─ outer 0, inner 0 to outer 1, inner 1  read        4 studies, nothing is searched
   └─ final                              will run    4 fits; no run of table is recorded
evaluate
└─ results                               waits       test metrics over the outer folds, summary and report; made when all has been trained
";
    graph(&project, &["table.rhai"]).stdout_is(wanted);
}

#[test]
fn fits_that_may_not_be_needed_are_at_most_so_many() {
    let script = r#"experiment(#{
    name: "raced",
    data: rows(60),
    objective: sphere(#{ x: [uniform(-1.0, 1.0)], noise: 0.5 }),
    cv: nested(#{ outer: kfold(2, 1729), inner: kfold(6, 4711) }),
    search: random(#{ trials: 6, minimize: "value", per: "outer", race: #{ level: 0.2, min_folds: 2 } }),
})
"#;
    let project = Project::new().file("raced.rhai", script);
    project.xrun(["raced.rhai", "--quiet"]).code(0).stdout_contains("60 fits in ");
    let wanted = "\
raced
74 fits at most: all up to date, nothing is trained

prepare
├─ script              read        raced.rhai
├─ data                up to date  60 rows without features; as in [RUN]
└─ folds               up to date  2 outer x 6 inner, 2 studies; as in [RUN]
train
└─ outer 0 to outer 1  up to date  2 studies, each at most 36 fits of 6 trials; from [RUN]
   └─ final            up to date  2 fits; from [RUN]
evaluate
└─ results             up to date  test metrics over the outer folds, summary and report
";
    graph(&project, &["raced.rhai"]).stdout_is(wanted);
    let stopped = "experiment(#{ name: \"s\", objective: sphere(#{ x: [uniform(0.0, 1.0)] }), \
                   search: random(#{ trials: 4, minimize: \"value\", stop: #{ target: 9.0 } }) })\n";
    project.write("s.rhai", stopped);
    graph(&project, &["s.rhai"])
        .stdout_contains("s\n4 fits at most: none is recorded, 4 at most will run\n")
        .stdout_contains("will run    at most 4 fits of 4 trials; no run of s is recorded\n");
}

#[test]
fn other_data_are_a_reason() {
    let script = table(", take: #{ outer: 1, inner: 1 }");
    let project = Project::new().file("table.rhai", &script).file("t.csv", &rows(16));
    project.xrun(["table.rhai", "--quiet"]).code(0);
    project.write("t.csv", &rows(20));
    let wanted = "\
table
1 fit: none is recorded, 1 at most will run

prepare
├─ script            read        table.rhai
├─ data              changed     20 rows, 1 numeric and 0 categorical columns, 10 a / 10 b; other than in [RUN]
└─ folds             changed     1 outer x 1 inner, 1 study; other than in [RUN]
train
└─ outer 0, inner 0  read        nothing is searched
   └─ final          will run    1 fit; since [RUN]: other data
evaluate
└─ results           waits       test metrics over the outer folds, summary and report; made when all has been trained
";
    graph(&project, &["table.rhai"]).stdout_is(wanted);
}

#[test]
fn a_study_without_folds_ends_in_its_best_trial() {
    let script = "experiment(#{ name: \"s\", objective: sphere(#{ x: [uniform(0.0, 1.0)] }), \
                  search: tpe(#{ trials: 4, minimize: \"value\" }) })\n";
    let project = Project::new().file("s.rhai", script);
    let wanted = "\
s
4 fits: none is recorded, 4 at most will run

prepare
└─ script   read        s.rhai
train
└─ study    will run    4 fits of 4 trials; no run of s is recorded
evaluate
└─ results  waits       the best trial, summary and report; made when all has been trained
";
    graph(&project, &["s.rhai"]).stdout_is(wanted);
}

#[test]
fn trials_from_outside_are_up_to_date_when_all_are_told() {
    let script = "experiment(#{ name: \"e\", objective: external(#{ x: uniform(0.0, 1.0) }), \
                  search: tpe(#{ trials: 2, minimize: \"value\" }) })\n";
    let project = Project::new().file("e.rhai", script);
    let wanted = "\
e
2 fits: told from outside

prepare
└─ script   read        e.rhai
train
└─ study    will run    2 fits of 2 trials; told from outside: xrun ask, xrun tell
evaluate
└─ results  waits       the best trial, summary and report; made when all has been trained
";
    for trial in ["0", "1"] {
        graph(&project, &["e.rhai"]).stdout_is(wanted);
        project.xrun(["ask", "e.rhai"]).code(0);
        project.xrun(["tell", "@latest", "--trial", trial, "--value", "0.5"]).code(0);
    }
    let wanted = "\
e
2 fits: all up to date, nothing is trained

prepare
└─ script   read        e.rhai
train
└─ study    up to date  2 fits of 2 trials; from [RUN]
evaluate
└─ results  up to date  the best trial, summary and report
";
    graph(&project, &["e.rhai"]).stdout_is(wanted);
    project.write("e.rhai", &script.replace("1.0", "2.0"));
    graph(&project, &["e.rhai"]).stdout_contains("e\n2 fits: told from outside\n");
}

#[test]
fn a_fit_alone_has_no_best_trial() {
    let project = nested();
    project.xrun(["nested.rhai", "--quiet"]).code(0);
    let fit = project.only_run("nested").join("outer-0").join("inner-1").join("final").join("config.rhai");
    let wanted = "\
nested
1 fit: all up to date, nothing is trained

prepare
├─ script   read        [PROJECT]/results/nested/[RUN]/outer-0/inner-1/final/config.rhai
└─ data     up to date  60 rows without features; as in [RUN]
train
└─ fit      up to date  1 fit; from [RUN]
evaluate
└─ results  up to date  summary and report
";
    graph(&project, &[fit.to_str().expect("a plain path")]).stdout_is(wanted);
}

#[test]
fn what_a_script_builds_on_is_a_step_before_it() {
    let project = nested();
    project.xrun(["nested.rhai", "--quiet"]).code(0);
    let config = project.only_run("nested").join("config.rhai");
    let script = format!("load(\"{}\").with(#{{ name: \"second\" }})\n", config.display());
    project.write("second.rhai", &script);
    let wanted = "\
second
24 fits: all up to date, nothing is trained

prepare
├─ script                                read        second.rhai
├─ load                                  read        results/nested/[RUN]/config.rhai
├─ data                                  read        60 rows without features
└─ folds                                 read        3 outer x 2 inner, 6 studies
train
└─ outer 0, inner 0 to outer 2, inner 1  up to date  6 studies, each 3 fits of 3 trials; from [RUN]
   └─ final                              up to date  6 fits; from [RUN]
evaluate
└─ results                               up to date  test metrics over the outer folds, summary and report
";
    graph(&project, &["second.rhai"]).stdout_is(wanted);
}

#[test]
fn a_graph_is_written_as_a_flowchart() {
    let wanted = "\
flowchart LR
  subgraph prepare
    script[\"<b>script</b><br/>nested.rhai<br/>read\"]:::plain
    data[\"<b>data</b><br/>60 rows without features<br/>read\"]:::plain
    folds[\"<b>folds</b><br/>3 outer x 2 inner, 6 studies<br/>read\"]:::plain
  end
  subgraph train
    study_0[\"<b>outer 0, inner 0 to outer 2, inner 1</b><br/>6 studies, each 3 fits of 3 trials<br/>will run<br/>no run of nested is recorded\"]:::open
    final_0[\"<b>final</b><br/>6 fits<br/>waits<br/>follows from the best trial\"]:::open
  end
  subgraph evaluate
    results[\"<b>results</b><br/>test metrics over the outer folds, summary and report<br/>waits<br/>made when all has been trained\"]:::open
  end
  script --> data
  script --> folds
  data --> folds
  script --> study_0
  data --> study_0
  folds --> study_0
  study_0 --> final_0
  final_0 --> results
  classDef done fill:#d8f0dd,stroke:#2f7d4f,color:#10301c
  classDef open fill:#fde7cf,stroke:#b8660b,color:#3d2203
  classDef plain fill:#eceff4,stroke:#5b6b83,color:#1c2430
";
    graph(&nested(), &["nested.rhai", "--format", "mermaid"]).stdout_is(wanted);
}

#[test]
fn a_graph_is_written_as_json() {
    let project = nested();
    project.xrun(["nested.rhai", "--quiet"]).code(0);
    let json = graph(&project, &["nested.rhai", "--json", "trials=4"]).json();
    assert_eq!(json["n_fits"], 30);
    assert_eq!((&json["n_reused"], &json["n_others"]), (&18.into(), &12.into()));
    let id = project.only_run("nested").file_name().expect("a run has a name").to_string_lossy().into_owned();
    let steps = json["steps"].as_array().expect("a list");
    let ids: Vec<&str> = steps.iter().filter_map(|step| step["id"].as_str()).collect();
    assert_eq!(ids, ["script", "data", "folds", "study_0", "final_0", "results"]);
    let wanted = serde_json::json!({
        "id": "study_0",
        "stage": "train",
        "name": "outer 0, inner 0 to outer 2, inner 1",
        "state": "partly",
        "what": "6 studies, each 4 fits of 4 trials",
        "why": format!("3 from {id}, 1 at most will run: since {id}: search.trials 3 -> 4"),
        "needs": ["script", "data", "folds"],
    });
    assert_eq!(steps[3], wanted);
    for step in steps {
        let needs = step["needs"].as_array().expect("a list");
        assert!(needs.iter().all(|needed| ids.contains(&needed.as_str().expect("an id"))), "{step}");
    }
}

#[test]
fn variants_have_a_graph_each_and_no_common_flowchart() {
    let script = r#"let of = |x| experiment(#{
    name: "v", objective: sphere(#{ x: x }), search: random(#{ trials: 2, minimize: "value" }),
});
variants(#{ fixed: of.call([1.0]), wide: of.call([uniform(0.0, 9.0)]) })
"#;
    let project = Project::new().file("v.rhai", script);
    let wanted = "\
v_fixed
2 fits: none is recorded, 2 at most will run

prepare
└─ script   read        v.rhai
train
└─ study    will run    2 fits of 2 trials; no run of v_fixed is recorded
evaluate
└─ results  waits       the best trial, summary and report; made when all has been trained

v_wide
2 fits: none is recorded, 2 at most will run

prepare
└─ script   read        v.rhai
train
└─ study    will run    2 fits of 2 trials; no run of v_wide is recorded
evaluate
└─ results  waits       the best trial, summary and report; made when all has been trained

v: 2 variants, 4 fits in all
";
    graph(&project, &["v.rhai"]).stdout_is(wanted);
    let error = "\
error: a flowchart is of one experiment, and this script has the variants fixed, wide
hint: choose one with --only VARIANT
";
    let mermaid = ["plan", "--graph", "v.rhai", "--format", "mermaid"];
    project.xrun(mermaid).code(2).stdout_is("").stderr_is(error);
    let one = project.xrun(mermaid.iter().chain(&["--only", "wide"]));
    one.code(0).stdout_contains("flowchart LR\n").stdout_contains("2 fits of 2 trials");
}

#[test]
fn a_format_is_one_of_two_and_of_a_graph() {
    let project = nested();
    let wanted = "\
error: invalid value 'svg' for '--format <FORMAT>'
  [possible values: text, mermaid]

For more information, try '--help'.
";
    project.xrun(["plan", "--graph", "nested.rhai", "--format", "svg"]).code(2).stdout_is("").stderr_is(wanted);
    let output = project.xrun(["plan", "nested.rhai", "--format", "mermaid"]);
    output
        .code(2)
        .stdout_is("")
        .stderr_contains("error: the following required arguments were not provided:\n  --graph\n");
}

#[test]
fn another_input_and_another_version_are_reasons() {
    let script = r#"experiment(#{
    name: "c",
    objective: command(["sh", "f.sh"], #{ options: #{ x: uniform(0.0, 1.0) }, inputs: ["f.sh"] }),
    search: random(#{ trials: 2, minimize: "value" }),
})
"#;
    let project = Project::new().file("c.rhai", script).file("f.sh", "echo '{\"value\": 1}'\n");
    project.xrun(["c.rhai", "--quiet"]).code(0);
    project.write("f.sh", "echo '{\"value\": 2}'\n");
    let wanted = "\
c
2 fits: none is recorded, 2 at most will run

prepare
├─ script   read        c.rhai
└─ input    changed     [PROJECT]/f.sh; other than in [RUN]
train
└─ study    will run    2 fits of 2 trials; since [RUN]: another [PROJECT]/f.sh
evaluate
└─ results  waits       the best trial, summary and report; made when all has been trained
";
    graph(&project, &["c.rhai"]).stdout_is(wanted);
    let manifest = project.only_run("c").join("run.json");
    let text = project.read(&manifest).replace("\"numerics_version\": \"", "\"numerics_version\": \"older ");
    project.write(&manifest, &text);
    let output = graph(&project, &["c.rhai"]);
    let reason = "/f.sh, numerics version older ";
    assert!(output.stdout.contains(reason), "{output}");
}
