//! The model to ship, and what models say: through the program alone.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use support::Project;
use xrun::seed::Seed;

const N: usize = 60;

/// A table of two classes, with a column of categories and one with gaps.
fn table() -> String {
    let mut stream = Seed::root(7).stream();
    let mut text = String::from("a,b,colour,label\n");
    for row in 0..N {
        let is_yes = row % 2 == 0;
        let centre = if is_yes { 0.6 } else { -0.6 };
        let a = centre + stream.normal();
        let b = if row % 7 == 3 { String::new() } else { format!("{:.6}", centre + stream.normal()) };
        let colour = ["red", "green", "blue"][row % 3];
        text.push_str(&format!("{a:.6},{b},{colour},{}\n", if is_yes { "yes" } else { "no" }));
    }
    text
}

fn experiment(search: &str) -> String {
    format!(
        r#"experiment(#{{
    name: "fruit",
    data: csv_table(param("data", "table.csv", "the table"), #{{ target: "label" }}),
    model: classifier(#{{ backbone: mlp(#{{ hidden: [4] }}) }}),
    train: [phase("fit", #{{ epochs: 4, batch_size: 16, early_stop: #{{ patience: 2 }}, optimizer: adamw(#{{ lr: {} }}) }})],
    cv: nested(#{{ outer: stratified_kfold(4, 1), inner: stratified_kfold(3, 2), take: #{{ outer: 2, inner: 2 }} }}),
    {search}
    threshold: youden(),
}})
"#,
        if search.is_empty() { "0.02" } else { "log_uniform(1e-3, 1e-1)" }
    )
}

const SEARCH: &str = r#"search: random(#{ trials: 2, maximize: "roc_auc", per: "inner" }),"#;

fn fruit(search: &str) -> Project {
    let project = Project::new().file("table.csv", &table()).script(&experiment(search));
    project.xrun(["experiment.rhai"]).code(0);
    project
}

fn json(project: &Project, path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&project.read(path)).unwrap()
}

/// The lines of a CSV text without its header: their cells, and the names of the columns.
fn csv_rows(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut lines = text.lines();
    (cells(lines.next().unwrap()), lines.map(cells).collect())
}

/// What was recorded of test rows: id to decision and probabilities, as texts.
fn recorded(project: &Project, fit: impl AsRef<Path>) -> BTreeMap<String, Vec<String>> {
    let (header, rows) = csv_rows(&project.read(fit.as_ref().join("test_predictions.csv")));
    assert_eq!(header[..3], ["id", "target", "predicted"]);
    rows.into_iter().map(|row| (row[0].clone(), row[2..].to_vec())).collect()
}

#[test]
fn the_inner_search_is_repeated_on_all_rows_and_its_final_is_trained_on_all() {
    let project = fruit(SEARCH);
    let run = project.only_run("fruit");
    let id = run.file_name().unwrap().to_str().unwrap().to_owned();
    let output = project.xrun(["finalize", "@latest"]);
    output.code(0).stdout_contains(&format!("estimate of the procedure, by the 2 outer folds of {id}:"));
    output.stdout_contains("it is trained on all rows").stderr_contains("predict with it: xrun predict ");
    let made = project.only_run("fruit_final");
    output.stdout_contains(&project.path(made.join("model")).display().to_string());
    assert_eq!(
        project.names(made.join("model")),
        ["config.rhai", "model.json", "model.safetensors", "model_info.json"]
    );

    // One study: each trial on both inner folds of all rows, none of which is held out.
    assert_eq!(project.names(made.join("outer-0")), ["final", "inner-0", "inner-1"]);
    assert_eq!(project.names(made.join("outer-0/inner-1")), ["trial-000", "trial-001"]);
    let splits = json(&project, made.join("splits.json"));
    let fold = &splits["root_splits"]["0"];
    assert_eq!(fold["test_indices"].as_array().unwrap().len(), 0);
    for inner in ["0", "1"] {
        let rows = &fold["nested_splits"][inner];
        let n = |list: &str| rows[list].as_array().unwrap().len();
        assert_eq!((n("train_indices"), n("dev_indices")), (40, 20));
    }
    let outcome = |fit: &str| json(&project, made.join(fit).join("outcome.json"));
    assert_eq!(outcome("outer-0/final")["n_rows"], serde_json::json!({"train": N, "validation": 0, "test": 0}));
    assert!(!project.path(made.join("outer-0/final/test_predictions.csv")).exists());

    // The best is that of the mean over the inner folds; its epochs are the lower of the two folds'.
    let of_trial = |trial: usize| [0, 1].map(|inner| outcome(&format!("outer-0/inner-{inner}/trial-00{trial}")));
    let mean = |trial: usize| of_trial(trial).iter().map(|fit| fit["score"].as_f64().unwrap()).sum::<f64>() / 2.0;
    let best = usize::from(mean(1) > mean(0));
    let summary = json(&project, made.join("summary.json"));
    assert_eq!(summary["studies"][0]["best_trial"], best);
    assert_eq!(summary["test"], serde_json::json!({}));
    let epochs = of_trial(best).map(|fit| fit["phase_epochs"][0].as_u64().unwrap());
    assert_eq!(outcome("outer-0/final")["n_epochs"], *epochs.iter().min().unwrap());

    let info = json(&project, made.join("model/model_info.json"));
    let first = json(&project, run.join("summary.json"));
    assert_eq!(info["estimate"], first["test"]);
    assert_eq!(info["estimate"]["roc_auc"]["per_outer"].as_array().unwrap().len(), 2);
    assert_eq!(info["parameters"], summary["studies"][0]["best_assignment"]);
    assert_eq!((&info["name"], &info["task"]), (&"fruit_final".into(), &"binary classification".into()));
    assert_eq!(info["classes"], serde_json::json!(["no", "yes"]));
    assert_eq!(info["threshold"], outcome("outer-0/final")["threshold"]);
    // `a`, `b`, whether `b` is missing, three colours; 6 x 4 + 4 and 4 + 1 weights.
    assert_eq!((&info["input_shape"], &info["n_parameters"]), (&serde_json::json!([6]), &33.into()));
    assert_eq!(info["created_from"], id);
    assert_eq!(info["licence"], serde_json::json!({"data": "", "model": "", "weights": ""}));
    let manifests = [&run, &made].map(|run| json(&project, run.join("run.json")));
    assert_eq!(info["data_fingerprint"], manifests[0]["data_fingerprint"]);
    assert_eq!(info["numerics_version"], manifests[1]["numerics_version"]);
    assert_eq!(manifests[1]["finalizes"]["run"], id);
    let weights = fs::read(project.path(made.join("model/model.safetensors"))).unwrap();
    assert_eq!(info["files"]["model.safetensors"], blake3::hash(&weights).to_hex().to_string());
    project.xrun(["show", "@latest"]).code(0).stdout_contains(&format!("model    to ship, of {id}"));
}

#[test]
fn the_run_of_a_model_is_replayed_resumed_and_reused_as_others_are() {
    let project = fruit(SEARCH);
    let first = project.only_run("fruit").display().to_string();
    let made = project.xrun(["finalize", first.as_str(), "--json", "--quiet"]).code(0).json();
    assert_eq!((&made["n_fits"], &made["n_trained"]), (&5.into(), &5.into()));
    let run = project.only_run("fruit_final");
    project.xrun(["replay", "@latest"]).code(0);

    // Cut short before its model was made.
    let model = project.contents(run.join("model"));
    fs::remove_dir_all(project.path(run.join("model"))).unwrap();
    project.xrun(["predict", "@latest", "table.csv"]).code(2).stderr_is(
        "error: [RUN] has no model yet: it did not come to its end\nhint: go on with it: xrun resume [RUN]\n",
    );
    project.xrun(["resume", "@latest"]).code(0).stdout_contains("model     ");
    assert_eq!(project.contents(run.join("model")), model);

    let again = project.xrun(["finalize", first.as_str(), "--name", "pear", "--json", "--quiet"]).code(0).json();
    assert_eq!((&again["n_trained"], &again["n_reused"]), (&0.into(), &5.into()));
    assert_eq!(again["estimate"], made["estimate"]);
    let weights = |run: &Path| fs::read(project.path(run.join("model/model.safetensors"))).unwrap();
    assert_eq!(weights(&project.only_run("pear")), weights(&run));
}

#[test]
fn without_a_search_the_final_keeps_the_validation_rows_of_the_first_inner_fold() {
    let project = fruit("");
    let output = project.xrun(["finalize", "@latest"]);
    output.code(0);
    let made = project.only_run("fruit_final");
    assert_eq!(project.names(made.join("outer-0")), ["inner-0"]);
    let outcome = json(&project, made.join("outer-0/inner-0/final/outcome.json"));
    assert_eq!(outcome["n_rows"], serde_json::json!({"train": 40, "validation": 20, "test": 0}));
    assert_eq!(json(&project, made.join("model/model_info.json"))["parameters"], serde_json::json!({}));
}

#[test]
fn a_table_is_predicted_with_the_recorded_bits_also_row_by_row_and_from_a_moved_folder() {
    let project = fruit(SEARCH);
    let fit = project.only_run("fruit").join("outer-0/inner-1/final");
    let recorded = recorded(&project, &fit);
    assert_eq!(recorded.len(), N / 4);
    let output = project.xrun(["predict", "@latest:outer-0/inner-1/final", "table.csv", "--csv"]);
    let (header, rows) = csv_rows(&output.code(0).stderr_contains("60 rows in ").stdout);
    assert_eq!(header, ["path", "row", "label", "p.no", "p.yes", "error"]);
    assert_eq!(rows.len(), N);
    for (id, said) in &recorded {
        let row: usize = id.strip_prefix("row-").unwrap().parse().unwrap();
        assert_eq!((&rows[row][1], &rows[row][2..5]), (&row.to_string(), &said[..]));
    }

    // Alone, without its class, with its columns in another order, beside one that nobody knows.
    let (id, said) = recorded.iter().next().unwrap();
    let row: usize = id.strip_prefix("row-").unwrap().parse().unwrap();
    let text = table();
    let cells: Vec<&str> = text.lines().nth(row + 1).unwrap().split(',').collect();
    project.write("one.csv", &format!("colour,shade,b,a\n{},dark,{},{}\n", cells[2], cells[1], cells[0]));
    // The folder of a model needs nothing of its run.
    fs::create_dir(project.path("moved")).unwrap();
    for name in ["config.rhai", "model.json", "model.safetensors"] {
        fs::copy(project.path(fit.join(name)), project.path("moved").join(name)).unwrap();
    }
    fs::remove_dir_all(project.path("results")).unwrap();
    let output = project.xrun(["predict", "moved", "one.csv", "--json"]);
    let one = output.code(0).json();
    output.stderr_contains("note: one.csv: passed over, the model does not know them: `shade`");
    assert_eq!((&one["path"], &one["row"], &one["label"]), (&"one.csv".into(), &0.into(), &said[0].as_str().into()));
    for (class, text) in ["no", "yes"].iter().zip(&said[1..]) {
        assert_eq!(one["probabilities"][class].to_string().parse::<f32>(), text.parse::<f32>());
    }
}

#[test]
fn a_row_that_cannot_be_read_is_told_in_its_line_and_a_table_that_cannot_is_refused() {
    let project = fruit("");
    project.xrun(["finalize", "@latest"]).code(0);
    let lines = |rows: &str| format!("a,b,colour\n{rows}");
    // A category that training never saw, and a missing number, are what the encoder makes of them.
    project.write("new.csv", &lines("0.5,,violet\nhigh,1,red\n-0.5,1,\n"));
    let output = project.xrun(["predict", "@latest", "new.csv", "--json"]);
    let said: Vec<Value> = output.code(3).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(said[1]["error"], "`a` is `high`, which is not a finite number");
    assert!(said[0]["label"].is_string() && said[2]["label"].is_string() && said[2]["row"] == 2);
    output.stderr_contains("error: 1 row could not be read");
    let table = project.xrun(["predict", "@latest", "new.csv"]);
    table.code(3).stdout_contains("error").stdout_contains("`a` is `high`");

    project.write("short.csv", "a\n1\n");
    project.xrun(["predict", "@latest", "short.csv"]).code(2).stderr_is(
        "error: table `short.csv` has no column `b`, `colour`, which the model takes; its columns are `a`\n",
    );
    project.xrun(["predict", "@latest", "gone.csv"]).code(2).stderr_is("error: there is no file or folder gone.csv\n");
    project
        .xrun(["predict", "@latest", "results"])
        .code(2)
        .stderr_contains("results is a folder, and the model takes tables");

    // A weight that was changed.
    let weights = project.path(project.only_run("fruit_final").join("model/model.safetensors"));
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, bytes).unwrap();
    project.xrun(["predict", "@latest", "new.csv"]).code(1).stderr_contains("it was changed after it was written");
}

/// Twelve pictures in the layout of the Oxford-IIIT Pet data set, under `pets/`: red cats and blue dogs.
fn pets() -> Project {
    let project = Project::new();
    let mut list = String::new();
    for index in 0..12_u8 {
        let is_dog = index % 2 == 1;
        let name = format!("{}_{index}", if is_dog { "pug" } else { "Bengal" });
        list.push_str(&format!("{name} 1 {} 1\n", if is_dog { 2 } else { 1 }));
        let picture = image::RgbImage::from_fn(13 + u32::from(index), 20, |x, y| {
            let shade = (x * 7 + y * 3) as u8 + index;
            image::Rgb(if is_dog { [shade, 40, 200] } else { [200, 40, shade] })
        });
        let path = project.path(format!("pets/images/{name}.jpg"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        picture.save(path).unwrap();
    }
    project.write("pets/annotations/list.txt", &list);
    project.script(
        r#"experiment(#{
    name: "pets",
    data: pets(#{ source: param("data", "pets", "the folder"), size: 8 }),
    model: classifier(#{ backbone: convnet(#{ width: 2, blocks: 1 }) }),
    train: [phase("fit", #{ epochs: 2, batch_size: 4, optimizer: adamw(#{ lr: 0.02 }) })],
    cv: nested(#{ outer: stratified_kfold(3, 1), inner: stratified_kfold(2, 2), take: #{ outer: 1, inner: 1 } }),
})
"#,
    )
}

#[test]
fn pictures_are_predicted_with_the_recorded_bits_whatever_stands_beside_them() {
    let project = pets();
    project.xrun(["experiment.rhai"]).code(0);
    let recorded = recorded(&project, project.only_run("pets").join("outer-0/inner-0/final"));
    assert_eq!(recorded.len(), 4);
    let model = "@latest:outer-0/inner-0/final";
    let (header, rows) = csv_rows(&project.xrun(["predict", model, "pets", "--csv"]).code(0).stdout);
    assert_eq!(header, ["path", "label", "p.cat", "p.dog", "error"]);
    assert_eq!(rows.len(), 12);
    assert!(rows.is_sorted_by_key(|row| row[0].clone()));
    for (id, said) in &recorded {
        let path = format!("pets/images/{id}");
        let of_all = rows.iter().find(|row| row[0] == path).unwrap();
        assert_eq!(of_all[1..4], said[..]);
        let (_, alone) = csv_rows(&project.xrun(["predict", model, path.as_str(), "--csv"]).code(0).stdout);
        assert_eq!(alone[0][1..4], said[..]);
    }

    project.write("album/a.jpg", "no picture");
    fs::copy(project.path("pets/images/pug_1.jpg"), project.path("album/b.jpg")).unwrap();
    project.write("album/notes.txt", "passed over");
    let output = project.xrun(["predict", model, "album", "--json"]);
    let said: Vec<Value> = output.code(3).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((said.len(), &said[0]["path"]), (2, &"album/a.jpg".into()));
    assert!(said[0]["error"].is_string() && said[1]["label"].is_string());
    output.stderr_contains("2 pictures in ").stderr_contains("error: 1 picture could not be read");
    project.write("empty/notes.txt", "");
    project
        .xrun(["predict", model, "empty"])
        .code(2)
        .stderr_is("error: found no picture (.jpg, .jpeg, .png, .gif) in empty\n");

    project.xrun(["finalize", "@latest", "--name", "shipped"]).code(0);
    let info = json(&project, project.only_run("shipped").join("model/model_info.json"));
    assert_eq!(info["input_shape"], serde_json::json!([3, 8, 8]));
    project.xrun(["predict", "@latest", "pets/images"]).code(0).stdout_contains("p.dog");
}

#[test]
fn a_run_without_a_model_to_ship_is_refused_with_what_to_do() {
    let project = fruit(SEARCH);
    let run = project.only_run("fruit");
    let refused = |arguments: &[&str], message: &str| {
        project.xrun(arguments.iter().copied()).code(2).stderr_is(message);
    };
    refused(
        &["predict", "@latest", "table.csv"],
        "error: [RUN] has no model to ship: its finals are models of its folds\nhint: xrun finalize [RUN] makes it; a final \
         is named by its folder, as in [RUN]:outer-0/inner-0/final\n",
    );
    refused(
        &["predict", "@latest:outer-0/inner-0/trial-000", "table.csv"],
        "error: the fit [RUN]:outer-0/inner-0/trial-000 has no weights: only finals that came to their end keep them\n",
    );
    project.xrun(["finalize", "@latest", "--name", "../up"]).code(2).stderr_contains("its name cannot be used: ");
    refused(
        &["finalize", "@latest", "train.fit.epochs=9"],
        "error: only where the data and weights are can be given\nhint: for other changes run the experiment with them \
         first, and name that run\n",
    );
    project.write("other.csv", &table().replace("red", "black"));
    let output = project.xrun(["finalize", "@latest", "data=other.csv"]);
    output.code(2).stderr_contains("the data are not those of ");
    fs::remove_file(project.path(run.join("summary.json"))).unwrap();
    refused(
        &["finalize", "@latest"],
        "error: [RUN] did not come to its end, so nothing tells how good its model would be\nhint: go on with it: xrun \
         resume [RUN]\n",
    );
    project.xrun(["finalize", "nothing"]).code(5);

    let project = Project::new().script(&support::sphere("", "uniform(-1.0, 1.0)"));
    project.xrun(["experiment.rhai"]).code(0);
    project.xrun(["finalize", "@latest"]).code(2).stderr_is(
        "error: [RUN] has no model to ship: its objective is `sphere`, which makes no model; only an experiment with \
         `model` and `train` has one to ship\n",
    );
}

#[test]
fn an_objective_is_not_searched_on_all_rows() {
    let cv = "    data: rows(10),\n    cv: all_rows(#{ inner: kfold(2) }),\n    search";
    let script = support::sphere("", "uniform(-1.0, 1.0)").replace("    search", cv);
    let output = Project::new().script(&script).xrun(["check", "experiment.rhai"]);
    output.code(2).stderr_contains("`all_rows` is for a network to ship, and an `objective` makes none");
}

#[test]
fn a_model_that_is_shipped_is_not_made_again_of_itself() {
    let project = fruit("");
    project.xrun(["finalize", "@latest"]).code(0);
    project
        .xrun(["finalize", "@latest"])
        .code(2)
        .stderr_is("error: [RUN] has no model to ship: it trains on all rows already\n");
}
