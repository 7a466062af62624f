//! `xrun replay` and `xrun diff`: a record that is as it was is equal, and whatever was changed in it is named.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use support::{Output, Project, sphere};
use xrun::seed::Seed;

const TINY: &str = r#"
import "scripts/common" as common;
experiment(#{
    name: "tiny",
    data: csv_table("table.csv", #{ target: "label" }),
    model: classifier(#{ backbone: mlp(#{ hidden: [int(2, 8)], dropout: 0.2 }) }),
    train: [
        phase("fit", #{ epochs: param("epochs", 2, "epochs"), batch_size: 16, optimizer: adamw(#{ lr: common::rate() }) }),
    ],
    cv: nested(#{ outer: stratified_kfold(3, 1), inner: stratified_kfold(3, 2), take: #{ outer: 1, inner: 2 } }),
    search: tpe(#{ trials: 2, maximize: "roc_auc", per: param("per", "inner", "what a study is") }),
    threshold: youden(),
})
"#;

/// What a replay of [`TINY`] says when all is well: 2 inner folds of 2 trials and a final. Each of the 4 trials has a
/// config, metrics, predictions and an outcome; each of the 2 finals three files more; the run three of its own.
const EQUAL: &str = "equal: 6 fits (12 epochs) trained again, 33 files compared, bit for bit ([TIME])\n";

const TRIAL: &str = "outer-0/inner-0/trial-001";
const FINAL: &str = "outer-0/inner-1/final";

/// A two-class table of 48 rows.
fn table() -> String {
    let mut stream = Seed::root(5).stream();
    let mut text = String::from("a,b,label\n");
    for row in 0..48 {
        let (centre, label) = if row % 2 == 0 { (0.8, "yes") } else { (-0.8, "no") };
        writeln!(text, "{:.6},{:.6},{label}", centre + stream.normal(), stream.normal()).unwrap();
    }
    text
}

fn project() -> Project {
    Project::new()
        .file("scripts/common.rhai", "fn rate() { log_uniform(1e-3, 1e-1) }")
        .file("tiny.rhai", TINY)
        .file("table.csv", &table())
}

/// A project with one run of [`TINY`], and where it is.
fn recorded() -> (Project, PathBuf) {
    let project = project();
    project.xrun(["tiny.rhai", "--quiet"]).code(0);
    let run = project.only_run("tiny");
    (project, run)
}

fn id(run: &Path) -> String {
    run.file_name().unwrap().to_string_lossy().into_owned()
}

fn replay(project: &Project) -> Output {
    project.xrun(["replay", "--quiet"])
}

/// Changes one text of a file into another.
fn change(project: &Project, path: impl AsRef<Path>, from: &str, to: &str) {
    let text = project.read(&path);
    assert!(text.contains(from), "{text}");
    project.write(path, &text.replacen(from, to, 1));
}

/// Makes the outcome beside a file say that its content is what was written.
fn adjust_digest(project: &Project, fit: &Path, file: &str) {
    let outcome = fit.join("outcome.json");
    let mut record: serde_json::Value = serde_json::from_str(&project.read(&outcome)).unwrap();
    let bytes = fs::read(project.path(fit.join(file))).unwrap();
    record["digests"][file] = blake3::hash(&bytes).to_hex().to_string().into();
    project.write(outcome, &serde_json::to_string_pretty(&record).unwrap());
}

/// Cell of a CSV file by line (from 1) and column.
fn cell(text: &str, line: usize, column: &str) -> String {
    let at = text.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
    text.lines().nth(line - 1).unwrap().split(',').nth(at).unwrap().to_owned()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_folder(&path, &target) } else { fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

#[test]
fn a_run_trained_again_is_equal_leaves_the_record_alone_and_nothing_behind() {
    let (project, run) = recorded();
    let before = project.contents("results");
    let output = replay(&project);
    output.code(0).stdout_is(EQUAL).stderr_is("");
    assert!(project.contents("results") == before, "the replay changed the record");
    assert!(!project.path("results/.scratch").exists());
    let shown = project.xrun(["show", "--json"]).json();
    assert_eq!(shown["manifest"]["run"], id(&run));

    let json = project.xrun(["replay", "--quiet", "--json", &id(&run)[..10]]).code(0).json();
    assert_eq!(json["run"], id(&run));
    assert!(json["fit"].is_null() && json["kept"].is_null() && json["equal"] == true, "{json}");
    assert_eq!((&json["n_fits"], &json["n_epochs"], &json["n_files"]), (&6.into(), &12.into(), &33.into()));
    for none in ["altered", "differences", "causes"] {
        assert_eq!(json[none], serde_json::json!([]));
    }
    // Progress as in a run.
    let output = project.xrun(["replay"]);
    assert_eq!(output.stderr.lines().filter(|line| line.starts_with('[')).count(), 6, "{output}");
}

#[test]
fn a_study_per_outer_fold_and_failed_fits_are_equal_too() {
    let project = project();
    project.xrun(["tiny.rhai", "--quiet", "per=outer"]).code(0);
    let equal = "equal: 5 fits (10 epochs) trained again, 26 files compared, bit for bit ([TIME])\n";
    replay(&project).code(0).stdout_is(&equal.replace("26", &n_compared(&project, "tiny")));

    // A learning rate at which the loss is no number soon.
    let project = self::project().file("scripts/common.rhai", "fn rate() { log_uniform(1e20, 1e38) }");
    let code = project.xrun(["tiny.rhai", "--quiet"]);
    assert!(!code.stderr.contains("panicked"), "{code}");
    let output = replay(&project);
    output.code(0);
    assert!(output.stdout.starts_with("equal: "), "{output}");
}

/// Files of the only run of an experiment that a replay compares.
fn n_compared(project: &Project, experiment: &str) -> String {
    let run = project.path(project.only_run(experiment));
    let of_the_run = [
        "run.json",
        "journal.jsonl",
        "script.rhai",
        "config.rhai",
        "folds.json",
        "timing.csv",
        "git.patch",
        "report.html",
    ];
    let n = project
        .contents(&run)
        .into_keys()
        .map(|path| path.strip_prefix(&run).unwrap().display().to_string())
        .filter(|name| !of_the_run.contains(&name.as_str()) && !name.starts_with("imports/"))
        .count();
    n.to_string()
}

#[test]
fn a_search_of_a_formula_is_equal() {
    let project = Project::new().script(&sphere("", "uniform(0.0, 1.0)"));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let equal = "equal: 2 fits (2 epochs) trained again, 8 files compared, bit for bit ([TIME])\n";
    replay(&project).code(0).stdout_is(equal);
}

#[test]
fn kept_is_what_was_trained_again() {
    let (project, run) = recorded();
    let output = project.xrun(["replay", "--quiet", "--keep"]);
    output.code(0);
    let kept = PathBuf::from(output.stdout.lines().last().unwrap().strip_prefix("kept: ").unwrap());
    assert!(kept.starts_with(project.path("results/.scratch")), "{output}");
    let metrics = Path::new(FINAL).join("metrics.csv");
    assert_eq!(fs::read(kept.join(&metrics)).unwrap(), fs::read(project.path(run.join(&metrics))).unwrap());
    // Kept or not, it is none of the recorded runs.
    assert_eq!(project.xrun(["ls", "--json"]).stdout.lines().count(), 1);
    assert_eq!(project.xrun(["show", "--json"]).json()["manifest"]["run"], id(&run));
}

#[test]
fn a_metric_altered_together_with_its_digest_is_found_by_row_and_column() {
    let (project, run) = recorded();
    let fit = run.join(TRIAL);
    let was = cell(&project.read(fit.join("metrics.csv")), 3, "train.loss");
    let altered: f64 = f64::from_bits(was.parse::<f64>().unwrap().to_bits() + 2);
    change(&project, fit.join("metrics.csv"), &was, &format!("{altered:?}"));
    adjust_digest(&project, &fit, "metrics.csv");
    let output = replay(&project);
    let first = format!(
        "different: 1 of 33 files are not what 6 fits (12 epochs) trained again give ([TIME])
{TRIAL}/metrics.csv: line 3, column train.loss (epoch 2): recorded {altered:?}, now {was} (2 ulps of f64 apart)
  1 of "
    );
    assert!(output.code(4).redact(&output.stdout).starts_with(&first), "{output}");
    assert!(output.stdout.ends_with("this should not happen, please report it\n"), "{output}");

    let json = project.xrun(["replay", "--quiet", "--json"]).code(4).json();
    let difference = &json["differences"][0];
    assert_eq!(difference["file"], format!("{TRIAL}/metrics.csv"));
    let place = serde_json::json!({ "kind": "cell", "line": 3, "column": "train.loss", "row": "epoch 2" });
    assert_eq!(difference["place"], place);
    assert_eq!((&difference["recorded"], &difference["found"]), (&format!("{altered:?}").into(), &was.into()));
    assert_eq!(difference["ulps"], serde_json::json!({ "n": 2, "precision": "f64" }));
    assert_eq!(json["causes"][0]["kind"], "unknown");
    assert!(json["altered"].as_array().unwrap().is_empty() && json["equal"] == false);
}

#[test]
fn an_altered_probability_is_counted_in_single_precision_and_the_digest_tells() {
    let (project, run) = recorded();
    let file = run.join(FINAL).join("test_predictions.csv");
    let was = cell(&project.read(&file), 5, "p.yes");
    let altered = f32::from_bits(was.parse::<f32>().unwrap().to_bits() + 1);
    change(&project, &file, &was, &format!("{altered:?}"));
    let output = replay(&project);
    output.code(4);
    let named =
        format!("{FINAL}/test_predictions.csv was changed after it was written: {FINAL}/outcome.json has BLAKE3 ");
    assert!(output.stdout.contains(&named), "{output}");
    let place = format!("{FINAL}/test_predictions.csv: line 5, column p.yes (id ");
    assert!(output.stdout.contains(&place) && output.stdout.contains("(1 ulp of f32 apart)"), "{output}");
    assert!(output.stdout.ends_with("likely cause: the record was changed after it was written\n"), "{output}");
}

#[test]
fn a_flipped_bit_of_a_weight_is_found_by_tensor_and_index() {
    let (project, run) = recorded();
    let path = project.path(run.join(FINAL).join("model.safetensors"));
    let mut bytes = fs::read(&path).unwrap();
    // The lowest bit of the last weight.
    let last = bytes.len() - 4;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    for digest_too in [false, true] {
        if digest_too {
            adjust_digest(&project, &run.join(FINAL), "model.safetensors");
        }
        let json = project.xrun(["replay", "--quiet", "--json"]).code(4).json();
        let difference = &json["differences"][0];
        assert_eq!(difference["file"], format!("{FINAL}/model.safetensors"));
        assert_eq!(difference["place"]["kind"], "element");
        assert_eq!(difference["ulps"], serde_json::json!({ "n": 1, "precision": "f32" }));
        assert_eq!(difference["extent"]["n_different"], 1);
        assert_eq!(json["altered"].as_array().unwrap().len(), usize::from(!digest_too));
    }
}

#[test]
fn other_data_are_named_before_anything_is_trained_and_moved_data_are_found() {
    let (project, _) = recorded();
    let table = table();
    project.write("table.csv", &table.replacen("yes", "no", 1));
    let output = replay(&project);
    output.code(4).stdout_is("");
    assert!(output.stderr.starts_with("error: the data are not those of the run: fingerprint "), "{output}");
    assert!(output.stderr.contains("hint: if they lie elsewhere: xrun replay "), "{output}");
    assert!(!project.path("results/.scratch").exists());

    fs::rename(project.path("table.csv"), project.path("other.csv")).unwrap();
    let output = replay(&project);
    output.code(2);
    assert!(output.stderr.contains("table.csv") && output.stderr.contains("data=PATH"), "{output}");

    project.write("moved/here.csv", &table);
    for place in ["data=moved/here.csv", "data.path=moved/here.csv"] {
        project.xrun(["replay", "--quiet", "@latest", place]).code(0).stdout_is(EQUAL);
    }
    project.xrun(["replay", "--quiet", "@latest", "data=other.csv"]).code(4);
}

#[test]
fn an_override_of_anything_else_is_refused() {
    let (project, _) = recorded();
    project.xrun(["replay", "--quiet", "@latest", "epochs=3"]).code(2).stdout_is("").stderr_is(
        "error: an override changes `train.fit.epochs`, but a replay trains what was recorded; it takes only where the data are
hint: to run it with other values, run its config.rhai with them
",
    );
    project.xrun(["replay", "--quiet", "@latest", "nothing=3"]).code(2);
}

#[test]
fn changed_scripts_are_named_though_the_results_are_equal() {
    let (project, run) = recorded();
    change(&project, run.join("script.rhai"), "per\"", "Per\"");
    change(&project, run.join("imports/scripts/common.rhai"), "1e-1", "2e-1");
    let output = replay(&project);
    output.code(4);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert!(lines[0].starts_with("altered: 6 fits (12 epochs) trained again give the 33 files recorded"), "{output}");
    assert!(lines[1].starts_with("script.rhai was changed after it was written: run.json has BLAKE3 "), "{output}");
    assert!(lines[2].starts_with("imports/scripts/common.rhai was changed after it was written: run.json"), "{output}");
    assert_eq!(&lines[3..], ["likely cause: the record was changed after it was written"]);
}

#[test]
fn a_changed_config_is_found_by_the_configs_of_its_fits() {
    let (project, run) = recorded();
    let config = run.join("config.rhai");
    let whole = project.read(&config);
    change(&project, &config, "dropout: 0.2", "dropout: 0.3");
    let output = replay(&project);
    output.code(4);
    let place = "likely cause: a changed config: outer-0/inner-0/trial-000/config.rhai has 0.2 for model.backbone.dropout, trained now with 0.3\n";
    assert!(output.stdout.contains(place), "{output}");

    project.write(&config, &whole);
    change(&project, run.join(FINAL).join("config.rhai"), "dropout: 0.2", "dropout: 0.25");
    let output = replay(&project);
    output.code(4);
    let place = format!("{FINAL}/config.rhai: model.backbone.dropout: recorded 0.25, now 0.2\n");
    assert!(output.stdout.contains(&place), "{output}");

    // A config that says nothing any more.
    project.write(&config, &whole.replace("dropout: 0.2", "dropout: 0.2)"));
    let output = replay(&project);
    output.code(2).stdout_is("");
    assert!(output.stderr.contains("config.rhai"), "{output}");
}

#[test]
fn tables_summary_and_outcome_are_compared_by_what_they_hold() {
    let (project, run) = recorded();
    for (file, from, to, wanted) in [
        (
            "trials.csv",
            ",complete,",
            ",failed,",
            "trials.csv: line 2, column state (outer 0, inner 0, trial 0): recorded failed, now complete",
        ),
        ("summary.json", "\"n_fits\": 6", "\"n_fits\": 7", "summary.json: n_fits: recorded 7, now 6"),
        ("splits.json", "[", "[7, ", "splits.json: "),
        (
            &format!("{FINAL}/outcome.json"),
            "\"n_epochs\": 2",
            "\"n_epochs\": 3",
            &format!("{FINAL}/outcome.json: n_epochs: recorded 3, now 2"),
        ),
        (
            &format!("{FINAL}/model.json"),
            "\"n_parameters\": 21",
            "\"n_parameters\": 22",
            &format!("{FINAL}/model.json: n_parameters: recorded 22, now 21"),
        ),
    ] {
        let whole = project.read(run.join(file));
        change(&project, run.join(file), from, to);
        let output = replay(&project);
        output.code(4);
        assert!(output.stdout.lines().any(|line| line.starts_with(wanted)), "{wanted}\n{output}");
        project.write(run.join(file), &whole);
    }
    replay(&project).code(0);
}

#[test]
fn missing_and_surplus_files_are_named() {
    for (file, is_digested) in [
        (format!("{FINAL}/model.safetensors"), true),
        (format!("{FINAL}/outcome.json"), true),
        ("trials.csv".to_owned(), false),
        ("summary.json".to_owned(), false),
    ] {
        let (project, run) = recorded();
        fs::remove_file(project.path(run.join(&file))).unwrap();
        let output = replay(&project);
        output.code(4);
        assert!(output.stdout.contains(&format!("{file}: only now\n")), "{output}");
        assert_eq!(output.stdout.contains(&format!("{file} is missing or ")), is_digested, "{output}");
    }
    let (project, run) = recorded();
    fs::copy(
        project.path(run.join(FINAL).join("metrics.csv")),
        project.path(run.join(TRIAL).join("test_predictions.csv")),
    )
    .unwrap();
    let output = replay(&project);
    assert!(output.code(4).stdout.contains(&format!("{TRIAL}/test_predictions.csv: only recorded\n")), "{output}");
}

#[test]
fn a_run_that_was_cut_short_has_nothing_to_compare_with_but_its_fits_have() {
    let (project, run) = recorded();
    fs::remove_file(project.path(run.join("summary.json"))).unwrap();
    let journal = project.read(run.join("journal.jsonl"));
    let kept: Vec<&str> = journal.lines().filter(|line| !line.contains("run_finished")).collect();
    project.write(run.join("journal.jsonl"), &format!("{}\n", kept.join("\n")));
    let output = replay(&project);
    output.code(2).stderr_is(
        "error: [RUN] did not come to its end, so there is nothing to compare with\n\
         hint: `xrun resume` goes on with it; its finished fits can be replayed now\n",
    );
    project.xrun(["replay", "--quiet", &format!("@latest:{TRIAL}")]).code(0);
}

/// No byte of a record may be changed unseen, but those of files that say when and on what it was made.
#[test]
fn a_flipped_bit_anywhere_in_the_record_is_found_and_nothing_panics() {
    let (project, run) = recorded();
    let whole = project.contents(&run);
    let mut stream = Seed::root(11).stream();
    for (path, bytes) in &whole {
        let name = path.strip_prefix(project.path(&run)).unwrap().display().to_string();
        // In the scripts and configs of comments and help nothing is lost; where they count is tested above.
        let may_be_equal = ["journal.jsonl", "timing.csv", "run.json", "report.html"].contains(&name.as_str())
            || name.ends_with("config.rhai")
            || name.ends_with("outcome.json");
        if bytes.is_empty() || (name.starts_with("outer-0") && !name.starts_with(FINAL)) {
            continue;
        }
        let mut flipped = bytes.clone();
        let at = stream.below(bytes.len());
        flipped[at] ^= 1 << stream.below(8);
        fs::write(path, &flipped).unwrap();
        let output = replay(&project);
        assert!(!output.stderr.contains("panicked"), "{name}, byte {at}: {output}");
        let says = format!("{}{}", output.stdout, output.stderr);
        if !may_be_equal {
            output.code(4);
            assert!(says.contains(&name), "{name}, byte {at}: {output}");
        }
        fs::write(path, bytes).unwrap();
    }
    replay(&project).code(0).stdout_is(EQUAL);
}

#[test]
fn a_damaged_manifest_or_summary_is_named() {
    for file in ["run.json", "summary.json"] {
        let (project, run) = recorded();
        let path = project.path(run.join(file));
        for damage in [&b"{"[..], b"\xff\xfe{}"] {
            fs::write(&path, damage).unwrap();
            let output = replay(&project);
            output.code(4).stdout_is("");
            assert!(output.stderr.contains(&format!("{file} is damaged: ")), "{output}");
        }
    }
}

#[test]
fn a_copied_run_replays_where_it_lies() {
    let (project, run) = recorded();
    let elsewhere = Project::new();
    copy_folder(&project.path(&run), &elsewhere.path("copied"));
    elsewhere.xrun(["replay", "--quiet", "copied"]).code(0).stdout_is(EQUAL);
    // There are no results in this project, and there are none now.
    assert_eq!(elsewhere.names("."), ["copied", "xrun.toml"]);
    elsewhere.write("table.csv", &table());
    fs::remove_file(project.path("table.csv")).unwrap();
    elsewhere.xrun(["replay", "--quiet", "copied", "data=table.csv"]).code(0).stdout_is(EQUAL);
    let fit = format!("copied/{FINAL}");
    let equal = "equal: 1 fit (2 epochs) trained again, 7 files compared, bit for bit ([TIME])\n";
    elsewhere.xrun(["replay", "--quiet", &fit, "data=table.csv"]).code(0).stdout_is(equal);
}

#[test]
fn a_fit_is_named_by_its_path_or_by_its_run_and_folder() {
    let (project, run) = recorded();
    let path = run.join(FINAL).display().to_string();
    let absolute = project.path(&path).display().to_string();
    let by_run =
        [format!("@latest:{FINAL}"), format!("{}:{FINAL}/", &id(&run)[..12]), format!("{}:{FINAL}", run.display())];
    let equal = "equal: 1 fit (2 epochs) trained again, 7 files compared, bit for bit ([TIME])\n";
    for named in [path, absolute].iter().chain(&by_run) {
        project.xrun(["replay", "--quiet", named]).code(0).stdout_is(equal);
    }
    assert!(!project.path("results/.scratch").exists());
    let trial = "equal: 1 fit (2 epochs) trained again, 4 files compared, bit for bit ([TIME])\n";
    project.xrun(["replay", "--quiet", &format!("@latest:{TRIAL}")]).code(0).stdout_is(trial);

    change(&project, run.join(FINAL).join("metrics.csv"), "\n1,fit,", "\n1,fat,");
    let json = project.xrun(["replay", "--quiet", "--json", &format!("@latest:{FINAL}")]).code(4).json();
    assert_eq!((&json["fit"], &json["n_fits"]), (&FINAL.into(), &1.into()));
    assert_eq!(json["differences"][0]["file"], "metrics.csv");
    assert_eq!(json["altered"][0]["file"], "metrics.csv");
    // The others are as they were.
    project.xrun(["replay", "--quiet", &format!("@latest:{TRIAL}")]).code(0);
}

#[test]
fn a_run_or_fit_that_is_not_there_is_not_found() {
    let (project, _) = recorded();
    project.xrun(["replay", "2001"]).code(5);
    project.xrun(["replay", "2001:outer-0"]).code(5);
    let wanted =
        "error: the run [RUN] has no fit `outer-7`; a fit is named by its folder, as in [RUN]:outer-0/inner-0/final\n";
    project.xrun(["replay", "@latest:outer-7"]).code(5).stderr_is(wanted);
    for outside in ["@latest:../x", "@latest:", "@latest:/"] {
        project.xrun(["replay", outside]).code(5);
    }
}

#[test]
fn the_scratch_folder_goes_even_when_training_fails() {
    let (project, run) = recorded();
    // The rows of the fit are no longer those of its config, which only shows once its run has begun.
    let config = run.join(FINAL).join("config.rhai");
    let text = project.read(&config);
    let at = text.find("digest: \"").unwrap() + "digest: \"".len();
    let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
    project.write(&config, &format!("{}{other}{}", &text[..at], &text[at + 1..]));
    let output = project.xrun(["replay", "--quiet", &format!("@latest:{FINAL}")]);
    output.code(2);
    assert!(output.stderr.contains("other rows than the ones it was recorded with"), "{output}");
    assert!(!project.path("results/.scratch").exists());
}

#[test]
fn diff_shows_config_by_name_then_provenance_then_results() {
    let (project, first) = recorded();
    project.write("scripts/common.rhai", "fn rate() { log_uniform(1e-3, 2e-1) }");
    project.xrun(["tiny.rhai", "--quiet", "epochs=3", "model.backbone.hidden=[int(2, 8), 4]"]).code(0);
    let second = project.runs("tiny").pop().unwrap();
    let output = project.xrun(["diff", &id(&first), "@latest"]);
    output.code(0).stderr_is("");
    let lines: Vec<Vec<&str>> = output.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let at = |head: &str| lines.iter().position(|line| line.first() == Some(&head)).unwrap();
    assert_eq!(lines[at("config")][1..], [id(&first), id(&second)]);
    let rows: Vec<String> = lines[1..at("provenance") - 1].iter().map(|line| line.join(" ")).collect();
    assert_eq!(
        rows,
        [
            "train.fit.epochs 2 3",
            "train.fit.optimizer.lr log_uniform(0.001, 0.1) log_uniform(0.001, 0.2)",
            "model.backbone.hidden.1 - 4",
        ]
    );
    let provenance: Vec<&str> = lines[at("provenance") + 1..at("results") - 1].iter().map(|line| line[0]).collect();
    assert_eq!(provenance, ["sources.scripts/common.rhai"]);
    let auc = lines.iter().find(|line| line.first() == Some(&"test.log_loss")).unwrap();
    let values: Vec<f64> = auc[1..].iter().map(|value| value.parse().unwrap()).collect();
    let summary = |run: &Path| -> f64 {
        let summary: serde_json::Value = serde_json::from_str(&project.read(run.join("summary.json"))).unwrap();
        summary["test"]["log_loss"]["mean"].as_f64().unwrap()
    };
    assert_eq!(values[..2], [summary(&first), summary(&second)]);
    assert!((values[2] - (values[1] - values[0])).abs() <= 1e-3 * values[2].abs());
    assert!(
        output.stdout.contains("\ntrials.csv: line 2, column train.fit.optimizer.lr (outer 0, inner 0, trial 0): "),
        "{output}"
    );

    let json = project.xrun(["diff", &id(&first), "@latest", "--json"]).code(0).json();
    let change = serde_json::json!({ "name": "train.fit.epochs", "a": "2", "b": "3" });
    assert_eq!((&json["config"][0], &json["equal"]), (&change, &false.into()));
    assert_eq!(
        json["metrics"].as_array().unwrap().iter().find(|m| m["name"] == "test.log_loss").unwrap()["a"],
        values[0]
    );
    assert_eq!((&json["a"], &json["b"]), (&id(&first).into(), &id(&second).into()));
}

#[test]
fn diff_of_alike_runs_and_of_fits() {
    let (project, first) = recorded();
    project.xrun(["tiny.rhai", "--quiet"]).code(0);
    project
        .xrun(["diff", &id(&first), "@latest"])
        .code(0)
        .stdout_is("no difference: [RUN] and [RUN] have the same config, provenance and results\n");
    let output = project.xrun(["diff", &id(&first), "@latest", "--all"]);
    assert!(output.code(0).stdout.contains("\n run "), "{output}");
    assert!(!output.stdout.contains("config"), "{output}");

    let fit = |folder: &str| format!("@latest:{folder}");
    let output = project.xrun(["diff", &fit("outer-0/inner-0/trial-000"), &fit("outer-0/inner-0/trial-001")]);
    output.code(0);
    assert!(output.stdout.contains("\n labels.2 ") && output.stdout.contains("\n train.fit.optimizer.lr "), "{output}");
    assert!(output.stdout.contains("\n validation.log_loss "), "{output}");
    let wanted =
        format!("no difference: [RUN]:{FINAL} and [RUN]:{FINAL} have the same config, provenance and results\n");
    project.xrun(["diff", &format!("{}:{FINAL}", id(&first)), &fit(FINAL)]).code(0).stdout_is(&wanted);
    project.xrun(["diff", "@latest", &fit(FINAL)]).code(2).stderr_is(&format!(
        "error: [RUN] is a run and [RUN]:{FINAL} is a fit; compare two runs or two fits
hint: a fit is named by its run and folder, as in RUN:outer-0/inner-0/final
"
    ));
    project.xrun(["diff", "@latest", "2001"]).code(5);
}
