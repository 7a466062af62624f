//! Variants: several experiments of one script on the same rows, run side by side and joined in one record.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Output, Project, assert_same_run, error_at};

/// A table of sixty rows in which `x` tells the class.
fn table() -> String {
    let mut text = "x,y,kind\n".to_owned();
    for row in 0..60 {
        let kind = if row % 2 == 0 { "odd" } else { "even" };
        writeln!(text, "{}.5,{}.25,{kind}", row % 2 * 3 + row % 5, row * 7 % 11).unwrap();
    }
    text
}

/// Two networks of different width on that table, of which each outer fold searches the learning rate.
const NETWORKS: &str = r#"let data = csv_table("table.csv", #{ target: "kind" });
let cv = nested(#{ outer: stratified_kfold(3, 1), inner: stratified_kfold(2, 2), take: #{ outer: 2, inner: 2 } });
let epochs = param("epochs", 2, "epochs of a fit");
fn network(data, cv, epochs, hidden) {
    experiment(#{
        name: "nets", data: data, cv: cv,
        model: classifier(#{ backbone: mlp(#{ hidden: hidden }) }),
        train: [phase("fit", #{ epochs: epochs, optimizer: adam(#{ lr: log_uniform(1e-3, 1e-1) }) })],
        search: tpe(#{ trials: 2, maximize: "roc_auc", per: "outer" }),
    })
}
variants(#{ wide: network(data, cv, epochs, [8]), narrow: network(data, cv, epochs, [2]) })
"#;

fn networks() -> Project {
    Project::new().file("table.csv", &table()).script(NETWORKS)
}

/// Two formulas, and more lines among the variants.
fn formulas(more: &str) -> String {
    format!(
        "fn formula(objective, trials) {{\n    experiment(#{{ name: \"f\", objective: objective, search: random(#{{ trials: trials, minimize: \"value\" }}) }})\n}}\n\
         variants(#{{\n    one: formula(sphere(#{{ x: [uniform(-1.0, 1.0)] }}), 3),\n    two: formula(sphere(#{{ x: [uniform(1.0, 2.0)] }}), 4),\n{more}}})\n"
    )
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn variants_are_runs_of_their_own_under_a_joined_record() {
    let project = networks();
    let output = project.xrun(["experiment.rhai", "--json"]);
    let result = output.code(0).json();
    assert_eq!((result["name"].as_str(), result["status"].as_str()), (Some("nets"), Some("complete")));
    let names: Vec<&String> = result["variants"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["narrow", "wide"]);
    for name in names {
        let variant = &result["variants"][name];
        let run = project.only_run(&format!("nets_{name}"));
        assert_eq!(text(&variant["path"]), project.path(&run).display().to_string());
        // 2 outer folds x (2 trials x 2 inner folds + 1)
        assert_eq!((variant["n_fits"].as_u64(), variant["n_trained"].as_u64()), (Some(10), Some(10)));
        assert_eq!((variant["n_trials"].as_u64(), variant["n_test_evaluations"].as_u64()), (Some(4), Some(2)));
        let summary: Value = serde_json::from_str(&project.read(run.join("summary.json"))).unwrap();
        assert_eq!(variant["test"], summary["test"]);
        assert_eq!(variant["best"][1]["value"], summary["studies"][1]["best_value"]);
    }
    // Newer than both runs, so that @latest is the whole.
    let joined = project.only_run("nets");
    let record: Value = serde_json::from_str(&project.read(joined.join("variants.json"))).unwrap();
    assert_eq!(record["record"], result["record"]);
    for (index, name) in ["narrow", "wide"].into_iter().enumerate() {
        let run = project.only_run(&format!("nets_{name}"));
        let digest = |file: &str| blake3::hash(project.read(run.join(file)).as_bytes()).to_hex().to_string();
        let noted = &record["variants"][index];
        assert_eq!((noted["variant"].as_str(), text(&noted["run"])), (Some(name), id(&run)));
        assert_eq!(text(&noted["config_blake3"]), digest("config.rhai"));
        assert_eq!(text(&noted["summary_blake3"]), digest("summary.json"));
        assert!(project.read(run.join("report.html")).contains("On test rows, which no search has seen"));
    }
    let shown = project.xrun(["show", "--json"]).code(0).json();
    assert_eq!(shown["record"], result["record"]);
    assert_eq!(shown["variants"]["wide"]["test"], result["variants"]["wide"]["test"]);
    let listed = project.xrun(["ls"]);
    assert_eq!(listed.code(0).stdout.lines().count(), 4);
    listed.stdout_contains("variants narrow, wide");
}

fn id(run: &std::path::Path) -> String {
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn the_comparison_has_a_line_a_variant() {
    let project = Project::new().script(&formulas(""));
    let output = project.xrun(["experiment.rhai"]);
    let best = |variant: &str| {
        let run = project.only_run(&format!("f_{variant}"));
        let summary: Value = serde_json::from_str(&project.read(run.join("summary.json"))).unwrap();
        format!("{:.4}", summary["studies"][0]["best_value"].as_f64().unwrap())
    };
    let table = format!(
        " variant  trials  best trial               test evaluations  run\n\
         \u{20}one           3  validation.value {}                 0  [RUN]\n\
         \u{20}two           4  validation.value {}                 0  [RUN]\n",
        best("one"),
        best("two")
    );
    output.code(0).stdout_is(&format!("{table}\n2 variants, 7 fits in [TIME]\n[PROJECT]/results/f/[RUN]\n"));
    let shown = project.xrun(["show"]);
    let command = format!("{} experiment.rhai", env!("CARGO_BIN_EXE_xrun"));
    shown.code(0).stdout_is(&format!(
        "f [RUN]\njoins    2 variants\ncommand  {command}\n\n{table}\nsee one of them: xrun show RUN\n"
    ));
}

#[test]
fn a_variant_alone_and_the_whole_share_their_fits_and_their_numbers() {
    let (whole, alone) = (networks(), networks());
    whole.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = alone.xrun(["experiment.rhai", "--only", "wide", "--json"]);
    assert_eq!(run.code(0).json()["variants"].as_object().unwrap().len(), 1);
    let wide = |project: &Project| project.path(project.only_run("nets_wide"));
    assert_same_run(&wide(&whole), &wide(&alone));
    // The other way round: the config of one variant trains nothing after the whole, nor the whole what one has trained.
    let config = whole.only_run("nets_wide").join("config.rhai").display().to_string();
    assert_eq!(whole.xrun([&config, "--json"]).code(0).json()["n_trained"], 0);
    let rest = alone.xrun(["experiment.rhai", "--json"]).code(0).json();
    let n_trained = |name: &str| rest["variants"][name]["n_trained"].as_u64();
    assert_eq!((n_trained("wide"), n_trained("narrow")), (Some(0), Some(10)));
    let replayed = whole.xrun(["replay", &id(&whole.only_run("nets_narrow")), "--quiet"]);
    replayed.code(0);
}

#[test]
fn workers_are_shared_and_change_no_number() {
    let (one, three) = (networks(), networks());
    one.xrun(["experiment.rhai", "--quiet"]).code(0);
    let output = three.xrun(["experiment.rhai", "--workers", "3"]);
    output.code(0).stderr_contains("2 variants: 20 fits in all, 3 workers");
    for name in ["nets_wide", "nets_narrow"] {
        assert_same_run(&one.path(one.only_run(name)), &three.path(three.only_run(name)));
    }
    // The first fits to be given out are those of both.
    let started = |name: &str| {
        let journal = three.read(three.only_run(name).join("journal.jsonl"));
        let first = journal.lines().find(|line| line.contains("fit_finished")).unwrap().to_owned();
        let event: Value = serde_json::from_str(&first).unwrap();
        find(&event, "started").unwrap()
    };
    let ended = |name: &str| {
        let journal = three.read(three.only_run(name).join("journal.jsonl"));
        let last = journal.lines().rfind(|line| line.contains("fit_finished")).unwrap().to_owned();
        find(&serde_json::from_str(&last).unwrap(), "started").unwrap()
    };
    assert!(started("nets_wide") < ended("nets_narrow") && started("nets_narrow") < ended("nets_wide"));
}

/// The text under a key, at any depth.
fn find(value: &Value, key: &str) -> Option<String> {
    match value {
        Value::Object(map) => map
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .or_else(|| map.values().find_map(|value| find(value, key))),
        Value::Array(items) => items.iter().find_map(|value| find(value, key)),
        _ => None,
    }
}

#[test]
fn an_override_is_for_one_variant_or_for_all_that_have_the_place() {
    let project = networks();
    let fits = |arguments: &[&str]| {
        let arguments = [&["plan", "experiment.rhai", "--json"], arguments].concat();
        let plan = project.xrun(&arguments).code(0).json();
        let n_trials = |name: &str| plan["variants"][name]["n_trials"].as_u64().unwrap();
        (n_trials("narrow"), n_trials("wide"))
    };
    assert_eq!(fits(&[]), (2, 2));
    assert_eq!(fits(&["search.trials=3"]), (3, 3));
    assert_eq!(fits(&["wide.search.trials=3"]), (2, 3));
    assert_eq!(fits(&["wide.search.trials=3", "search.trials=4"]), (4, 3));
    let plan = project.xrun(["plan", "experiment.rhai", "--json", "name=other", "--only", "wide"]).code(0).json();
    assert_eq!((plan["name"].as_str(), plan["variants"]["wide"]["name"].as_str()), (Some("other"), Some("other_wide")));
    for (argument, message) in [
        (
            "wide.search.trails=3",
            "error: `wide.search.trails=3`: `search.trails` names nothing in the variant `wide`\n\
             hint: did you mean `search.trials`?\n",
        ),
        (
            "search.trails=3",
            "error: `search.trails=3`: `search.trails` names nothing in any of the variants narrow, wide\n\
             hint: did you mean `search.trials`?\n",
        ),
        (
            "wide.data.target=x",
            "error: `wide` and `narrow` have different data: their results could not be paired; that of `narrow` is at \
             experiment.rhai:1:12\n --> experiment.rhai:1:12\n  |\n1 | let data = csv_table(\"table.csv\", #{ target: \"kind\" });\n  \
             |            ^^^^^^^^^\nhint: write it once, before the variants: let data = ...;\n",
        ),
    ] {
        project.xrun(["plan", "experiment.rhai", argument]).code(2).stderr_is(message);
    }
}

#[test]
fn check_plan_and_model_speak_of_each_variant() {
    let project = networks();
    let checked = project.xrun(["check", "experiment.rhai"]);
    checked.code(0).stdout_contains("nets_narrow: tpe search").stdout_contains("nets_wide: tpe search");
    assert_eq!(checked.stdout.matches("epochs of a fit").count(), 1, "the params are those of the script");
    let checked = project.xrun(["check", "experiment.rhai", "--json", "--only", "wide"]).json();
    assert_eq!(
        (checked["kind"].as_str(), checked["variants"]["wide"]["space"].as_array().unwrap().len()),
        (Some("variants"), 1)
    );
    let plan = project.xrun(["plan", "experiment.rhai"]);
    plan.code(0).stdout_contains("nets_wide\ndata ").stdout_contains("\n\nnets: 2 variants, 20 fits in all\n");
    let model = project.xrun(["show", "--model", "experiment.rhai", "--json"]).code(0).json();
    // A hidden layer of 2 or 8 over 2 columns, and an output over it.
    let parameters = |name: &str| model["variants"][name]["parameters"].as_u64();
    assert_eq!((parameters("narrow"), parameters("wide")), (Some(3 * 2 + 3), Some(3 * 8 + 9)));
    project
        .xrun(["show", "--model", "experiment.rhai"])
        .code(0)
        .stdout_contains("narrow\n\n name ")
        .stdout_contains("\n\nwide\n\n name ");
}

/// A project whose script ends with these variants.
fn ending(variants: &str) -> (Project, String) {
    let line = format!("variants(#{{ {variants} }})");
    let before = "let e = |name, n| experiment(#{ name: name, data: rows(n), objective: sphere(#{ x: [1.0, 2.0] }), search: random(#{ trials: 1, minimize: \"value\" }) });";
    (Project::new().script(&format!("{before}\n{line}\n")), line)
}

#[test]
fn what_cannot_be_variants_is_refused_at_its_place() {
    for (variants, column, width, message, hint) in [
        ("a: 1", 16, 1, "a variant is an experiment(#{...}), not a whole number", None),
        ("a: rows(3)", 16, 4, "a variant is an experiment(#{...}), not `rows(...)`", None),
        ("\"a b\": 1", 13, 5, "\"a b\" cannot be a variant's name: letters, digits and `_`", None),
        (
            "data: 1",
            13,
            4,
            "`data` cannot be a variant's name: data=... would set that of all variants",
            Some("choose another name"),
        ),
    ] {
        let (project, line) = ending(variants);
        let wanted = error_at(message, &format!("experiment.rhai:2:{column}"), &line, width, hint);
        project.xrun(["check", "experiment.rhai"]).code(2).stderr_is(&wanted);
    }
    let empty = Project::new().script("variants(#{})\n");
    empty.xrun(["check", "experiment.rhai"]).code(2).stderr_is(&error_at(
        "`variants` takes a map of experiments, each under its name",
        "experiment.rhai:1:10",
        "variants(#{})",
        1,
        Some("variants(#{ narrow: experiment(#{...}), wide: experiment(#{...}) })"),
    ));
}

#[test]
fn variants_with_other_folds_or_names_are_refused_with_both_places() {
    let one = |name: &str, cv: &str| {
        format!("    {name}: experiment(#{{ name: \"{name}\", data: rows(30), objective: o, cv: {cv}, search: s }}),")
    };
    let cv = |n: usize| format!("nested(#{{ outer: kfold({n}, 1), inner: kfold(3, 2) }})");
    let before = "let o = sphere(#{ x: [uniform(0.0, 1.0)] }); let s = random(#{ trials: 1, minimize: \"value\" });";
    let script = |first: &str, second: &str| format!("{before}\nvariants(#{{\n{first}\n{second}\n}})\n");
    let place = |line: &str, of: &str| line.find(of).unwrap() + 1;

    let (first, second) = (one("a", &cv(3)), one("b", &cv(4)));
    let column = place(&second, "nested");
    let message = format!(
        "`b` and `a` have different folds: their results could not be paired; that of `a` is at experiment.rhai:3:{}",
        place(&first, "nested")
    );
    let hint = Some("write it once, before the variants: let cv = ...;");
    let project = Project::new().script(&script(&first, &second));
    let wanted = error_at(&message, &format!("experiment.rhai:4:{column}"), &second, 6, hint);
    project.xrun(["check", "experiment.rhai"]).code(2).stderr_is(&wanted);

    let (first, second) = (one("a", &cv(3)), one("b", &cv(3)));
    let message = format!(
        "`b` and `a` have different names: one name stands for all of them; that of `a` is at experiment.rhai:3:{}",
        place(&first, "\"a\"")
    );
    let hint = Some("give them the same; each variant's runs are called NAME_VARIANT");
    let project = Project::new().script(&script(&first, &second));
    let wanted = error_at(&message, &format!("experiment.rhai:4:{}", place(&second, "\"b\"")), &second, 3, hint);
    project.xrun(["check", "experiment.rhai"]).code(2).stderr_is(&wanted);
}

#[test]
fn what_takes_one_experiment_or_one_run_says_so() {
    let project = Project::new().script(&formulas("")).file("single.rhai", &support::sphere("", "uniform(0.0, 1.0)"));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let joined = id(&project.only_run("f"));
    for (arguments, message) in [
        (
            vec!["experiment.rhai", "--only", "tow"],
            "error: there is no variant `tow`\nhint: did you mean `two`?\n".to_owned(),
        ),
        (
            vec!["experiment.rhai", "--only", "nothing_like"],
            "error: there is no variant `nothing_like`\nhint: the variants are one, two\n".to_owned(),
        ),
        (
            vec!["single.rhai", "--only", "one"],
            "error: --only chooses among variants, and this script has none\nhint: leave it out\n".to_owned(),
        ),
        (
            vec!["ask", "experiment.rhai"],
            "error: this script ends with the variants one, two, and one experiment is wanted here\n\
             hint: name the config.rhai of a variant's run\n"
                .to_owned(),
        ),
        (
            vec!["finalize", &joined],
            "error: `[RUN]` joins the runs of variants: one [RUN], two [RUN]\nhint: name one of them\n".to_owned(),
        ),
    ] {
        project.xrun(arguments).code(2).stderr_is(&message);
    }
    let loading = Project::new()
        .file("scripts/whole.rhai", &formulas(""))
        .file("experiment.rhai", "load(\"scripts/whole.rhai\").with(#{ name: \"b\" })\n");
    loading.xrun(["check", "experiment.rhai"]).code(2).stderr_is(&error_at(
        "\"scripts/whole.rhai\" ends with `variants`, and only one experiment can be built on",
        "experiment.rhai:1:6",
        "load(\"scripts/whole.rhai\").with(#{ name: \"b\" })",
        20,
        Some("load the config.rhai of a variant's run"),
    ));
}

#[test]
fn a_joined_record_outlives_its_runs_until_it_is_cleared() {
    let project = Project::new().script(&formulas(""));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    project.xrun(["rm", &id(&project.only_run("f_one"))]).code(0);
    project.xrun(["gc"]).code(0).stdout_is("removed 1 run that is gone from the index\n");
    let shown = project.xrun(["show", &id(&project.only_run("f"))]);
    shown.code(0).stdout_contains("  removed\n").stdout_contains("  complete\n");
    let resumed = project.xrun(["resume", &id(&project.only_run("f"))]);
    resumed.code(5).stderr_is("error: the run [RUN] of `one` is gone\nhint: go on with each of the others by its id\n");
    project.xrun(["rm", &id(&project.only_run("f_two"))]).code(0);
    project.xrun(["gc"]).code(0);
    assert!(project.runs("f").is_empty());
}

#[test]
fn a_summary_that_was_changed_is_not_compared() {
    let project = Project::new().script(&formulas(""));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let summary = project.only_run("f_two").join("summary.json");
    let text = project.read(&summary);
    project.write(&summary, &text.replace("\"n_fits\": 4", "\"n_fits\": 5"));
    let shown = project.xrun(["show", "--json"]).code(0).json();
    assert_eq!(
        (shown["variants"]["two"]["status"].as_str(), shown["variants"]["two"]["n_trials"].as_u64()),
        (Some("altered"), None)
    );
    project.xrun(["resume"]).code(2).stderr_is(
        "error: the run [RUN] of `two` is not what the joined record says\nhint: go on with each of the others by its id\n",
    );
}

/// Variants that run `program`, and one that is a formula.
fn programs(program: &str, trials: usize) -> Project {
    let more = format!(
        "    three: formula(command([\"sh\", \"{program}\"], #{{ options: #{{ x: uniform(0.0, 1.0) }} }}), {trials}),\n"
    );
    Project::new().script(&formulas(&more))
}

#[test]
fn a_variant_that_fails_does_not_stop_the_others() {
    let project = programs("fails.sh", 2).file("fails.sh", "exit 3\n");
    let output = project.xrun(["experiment.rhai", "--json"]);
    let result = output.code(1).json();
    let status = |name: &str| text(&result["variants"][name]["status"]);
    assert_eq!(
        (status("one"), status("two"), status("three")),
        ("complete".into(), "complete".into(), "failed".into())
    );
    assert_eq!(result["status"], "failed");
    output.stderr_contains("error: three: no trial of the search gave a value: 2 trials failed");
    let half = programs("half.sh", 4).file("half.sh", "[ $XRUN_TRIAL -gt 1 ] || exit 3\necho '{\"value\": 1.0}'\n");
    let output = half.xrun(["experiment.rhai"]);
    output.code(3);
}

#[test]
fn a_variant_whose_workers_are_lost_is_left_and_can_be_gone_on_with() {
    let project = programs("lost.sh", 1).file("lost.sh", "[ -e mended ] || kill -9 $$\necho '{\"value\": 1.0}'\n");
    let output = project.xrun(["experiment.rhai", "--retries", "0"]);
    output.code(1).stderr_contains("error: three: trial-000 was lost 1 time");
    output.stdout_contains("not ended").stdout_contains("complete");
    project.write("mended", "");
    let resumed = project.xrun(["resume", "--json"]).code(0).json();
    let n_fits = |name: &str| resumed["variants"][name]["n_fits"].as_u64();
    assert_eq!((n_fits("one"), n_fits("two"), n_fits("three")), (Some(3), Some(4), Some(1)));
    let report = |variant: &str| project.path(project.only_run(&format!("f_{variant}")).join("report.html"));
    assert!(["one", "two", "three"].iter().all(|variant| report(variant).is_file()));
    // As if it had been killed before that page was written.
    std::fs::remove_file(report("one")).unwrap();
    let again = project.xrun(["resume"]);
    again.code(0).stderr_contains("came to its end; there is nothing to go on with");
    assert!(report("one").is_file());
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_all_and_resume_goes_on_with_all() {
    let slow = "sleep 0.2\necho '{\"value\": 1.0}'\n";
    let project = programs("slow.sh", 6).file("slow.sh", slow);
    let mut child = project.command(&["experiment.rhai", "--workers", "2"]).spawn().unwrap();
    let run = || project.runs("f_three").first().map(|run| run.join("trial-001/outcome.json"));
    let begun = Instant::now();
    while !run().is_some_and(|outcome: PathBuf| project.path(outcome).is_file()) {
        assert!(begun.elapsed() < Duration::from_secs(50), "no trial ended");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let open: Output = project.xrun(["show"]);
    open.code(0).stdout_contains("go on with them: xrun resume");
    let resumed = project.xrun(["resume", "--json"]).code(0).json();
    let three = &resumed["variants"]["three"];
    assert_eq!((three["n_fits"].as_u64(), three["status"].as_str()), (Some(6), Some("complete")));
    let (kept, trained) = (three["n_reused"].as_u64().unwrap(), three["n_trained"].as_u64().unwrap());
    assert!(kept >= 2 && trained >= 1 && kept + trained == 6, "{kept} {trained}");
    assert_eq!(resumed["variants"].as_object().unwrap().len(), 3);
}

#[test]
fn the_experiment_on_digits_runs_without_any_file() {
    let project = Project::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/mnist_variants.rhai");
    let small = ["num_training_examples=100", "epochs=1", "data.n_test=50", "--results", "results", "--json"];
    let result = project.xrun([&[script], &small[..]].concat()).code(0).json();
    let variants = result["variants"].as_object().unwrap();
    assert_eq!(variants.keys().collect::<Vec<_>>(), ["conv", "conv_bn", "sequential"]);
    for variant in variants.values() {
        assert_eq!((variant["n_fits"].as_u64(), variant["n_test_evaluations"].as_u64()), (Some(1), Some(1)));
    }
}

#[test]
fn only_digits_are_drawn() {
    let line = "experiment(#{ name: \"a\", data: fashion_mnist(param(\"data\", \"embedded\", \"the files\")) })";
    let project = Project::new().script(&format!("{line}\n"));
    project.xrun(["check", "experiment.rhai"]).code(2).stderr_is(&error_at(
        "there are no drawn pictures of `fashion_mnist`; only the digits of `mnist` are drawn",
        "experiment.rhai:1:46",
        line,
        5,
        Some("name the folder of its files; `xrun data fetch fashion_mnist` fetches them"),
    ));
}
