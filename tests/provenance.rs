//! What a run's manifest says of where its numbers came from.

mod support;

use std::path::Path;

use support::Project;

const EXPERIMENT: &str = r#"experiment(#{
    name: "a",
    data: rows(12),
    objective: sphere(#{ x: [uniform(-1.0, 1.0)] }),
    cv: nested(#{ outer: kfold(2), inner: kfold(2) }),
    search: random(#{ trials: 1, minimize: "value" }),
})"#;

fn digest(project: &Project, file: &Path) -> String {
    blake3::hash(project.read(file).as_bytes()).to_hex().to_string()
}

#[test]
fn the_manifest_names_the_program_the_files_the_device_and_the_variables_that_were_set() {
    let project = Project::new().script(EXPERIMENT).env("RAYON_NUM_THREADS", "2").env("UNRELATED", "hush");
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = project.only_run("a");
    let manifest: serde_json::Value = serde_json::from_str(&project.read(run.join("run.json"))).expect("JSON");
    assert_eq!(manifest["xrun_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["numerics_version"], xrun::numerics::VERSION);
    assert!(manifest["build_features"].is_array(), "{manifest}");
    assert_eq!(manifest["sources"][0]["blake3"], digest(&project, Path::new("experiment.rhai")));
    assert_eq!(manifest["config_blake3"], digest(&project, &run.join("config.rhai")));
    assert_eq!(manifest["splits_blake3"], digest(&project, &run.join("splits.json")));
    assert_eq!(manifest["folds_blake3"], digest(&project, &run.join("folds.json")));
    assert_eq!(manifest["lag"], 64, "a random search learns nothing from its trials");
    assert_eq!(manifest["device"], "cpu");
    assert_eq!(manifest["driver"], "");
    let promise = manifest["promise"].as_str().expect("a sentence");
    assert!(promise.starts_with("the same numbers bit for bit"), "{promise}");
    let set = serde_json::json!({ "RAYON_NUM_THREADS": "2", "XRUN_DEVICE": "cpu", "XRUN_THREADS": "1" });
    assert_eq!(manifest["environment"], set);
}

#[test]
fn a_run_without_folds_has_no_digest_of_them() {
    let project = Project::new().script(&support::sphere("", "uniform(0.0, 1.0)"));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let manifest: serde_json::Value =
        serde_json::from_str(&project.read(project.only_run("a").join("run.json"))).expect("JSON");
    assert_eq!(manifest["splits_blake3"], serde_json::Value::Null);
}

/// Pictures are drawn in parallel before anything is trained: the number of threads is settled before that.
#[test]
fn a_run_has_the_threads_it_was_given() {
    let project = support::Project::new().script(
        r#"
experiment(#{
    name: "threads",
    data: pets(#{ size: 8, n: 24 }),
    model: classifier(#{ backbone: convnet(#{ width: 2, blocks: 1 }) }),
    train: [phase("fit", #{ epochs: 1, optimizer: adamw(#{ lr: 1e-3 }) })],
    cv: nested(#{ outer: stratified_kfold(3, 1), inner: stratified_kfold(2, 2), take: #{ outer: 1, inner: 1 } }),
})
"#,
    );
    project.xrun(["experiment.rhai", "--quiet", "--threads", "3"]).code(0);
    let manifest: serde_json::Value =
        serde_json::from_str(&project.read(project.only_run("threads").join("run.json"))).expect("it is JSON");
    assert_eq!(manifest["threads"], 3);
}
