//! Published networks that begin with weights from a file: from the script to the record, and back.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::Project;

/// A DenseNet-121 trained for one epoch on a handful of small pictures.
const ZOO: &str = r#"
experiment(#{
    name: "zoo",
    data: pets(#{ size: param("size", 64, "pixels"), n: 32 }),
    model: classifier(#{ backbone: densenet121(#{ weights: param("weights", "random", "first weights") }) }),
    train: [phase("fit", #{ epochs: 1, batch_size: 8, optimizer: sgd(#{ lr: 1e-3 }) })],
    cv: nested(#{ outer: stratified_kfold(2, 1), inner: stratified_kfold(2, 2), take: #{ outer: 1, inner: 1 } }),
})
"#;

const FINAL: &str = "outer-0/inner-0/final";

/// A project with the weights of one training in `weights.safetensors`, and nothing else recorded.
fn project() -> Project {
    let project = Project::new().file("zoo.rhai", ZOO);
    project.xrun(["zoo.rhai", "--quiet", "--results", "first"]).code(0);
    let run = fs::read_dir(project.path("first/zoo")).unwrap().map(|entry| entry.unwrap().path());
    let run = run.into_iter().find(|path| path.join("run.json").is_file()).unwrap();
    fs::copy(run.join(FINAL).join("model.safetensors"), project.path("weights.safetensors")).unwrap();
    fs::remove_dir_all(project.path("first")).unwrap();
    project
}

/// Changes the lowest bit of the first number in a file of weights: tensors lie in the order of their names, so it is
/// one of the backbone's.
fn change(path: PathBuf) {
    let mut bytes = fs::read(&path).unwrap();
    let at = 8 + usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn json(project: &Project, path: impl AsRef<Path>) -> serde_json::Value {
    serde_json::from_str(&project.read(path)).unwrap()
}

#[test]
fn weights_are_recorded_by_their_digest_and_another_file_is_refused() {
    let project = project();
    project.xrun(["zoo.rhai", "weights=weights.safetensors", "--quiet"]).code(0);
    let run = project.only_run("zoo");
    let weights = json(&project, run.join("run.json"))["weights"].clone();
    let digest = weights[0]["digest"].as_str().unwrap().to_owned();
    assert_eq!(weights[0]["network"], "densenet121");
    assert_eq!(weights[0]["path"], project.path("weights.safetensors").display().to_string());
    let config = project.read(run.join(FINAL).join("config.rhai"));
    assert!(config.contains(&format!("digest: \"{digest}\"")), "{config}");
    let model = json(&project, run.join(FINAL).join("model.json"));
    assert_eq!(model["preprocessing"]["mean"], serde_json::json!([0.485, 0.456, 0.406]));
    assert_eq!(model["preprocessing"]["std"], serde_json::json!([0.229, 0.224, 0.225]));

    project.xrun(["replay", "--quiet"]).code(0);
    fs::create_dir(project.path("moved")).unwrap();
    fs::rename(project.path("weights.safetensors"), project.path("moved/w.safetensors")).unwrap();
    let plan = project.xrun(["plan", "zoo.rhai", "weights=moved/w.safetensors", "--json"]);
    assert_eq!(plan.code(0).json()["n_reused"], 1, "the path is no part of a fit's key");
    let plan = project.xrun(["plan", "zoo.rhai", "--json"]);
    assert_eq!(plan.code(0).json()["n_reused"], 0, "other first weights are another fit");
    project.xrun(["replay", "@latest", "weights=moved/w.safetensors", "--quiet"]).code(0);
    project.xrun(["replay", "--quiet"]).code(2).stderr_contains("there are no weights at ");

    fs::rename(project.path("moved/w.safetensors"), project.path("weights.safetensors")).unwrap();
    change(project.path("weights.safetensors"));
    project.xrun(["replay", "--quiet"]).code(4).stderr_contains("weights.safetensors are not those of the run");
    let config = run.join(FINAL).join("config.rhai").display().to_string();
    project.xrun(["check", &config]).code(2).stderr_contains(&format!("digest {digest} recorded, "));
    let plan = project.xrun(["plan", "zoo.rhai", "weights=weights.safetensors", "--json"]);
    assert_eq!(plan.code(0).json()["n_reused"], 0, "one number of the weights has changed");
}

#[test]
fn weights_that_cannot_be_used_are_refused_before_anything_is_written() {
    let project = Project::new().file("zoo.rhai", ZOO).file("text.pth", "no weights\n");
    for command in [&["check", "zoo.rhai"][..], &["plan", "zoo.rhai"], &["zoo.rhai", "--quiet"]] {
        let call = |weights| project.xrun([command, &[weights]].concat());
        call("weights=none.pth").code(2).stderr_contains("there are no weights at ");
        call("weights=text.pth").code(2).stderr_contains("text.pth holds no weights: it begins neither as a PyTorch");
    }
    project
        .xrun(["zoo.rhai", "size=28", "--quiet"])
        .code(2)
        .stderr_contains("densenet121 takes pictures of at least 29 pixels, but these have 28");
    assert!(!project.path("results").exists());
}

#[test]
fn weights_inside_a_choice_count_from_the_project_root_and_are_checked_too() {
    let choice = r#"choice(#{ small: convnet(#{ width: 4 }), large: resnet18(#{ weights: "none.pth" }) })"#;
    let search = r#"search: random(#{ trials: 1, maximize: "roc_auc" }), })"#;
    let backbone = r#"densenet121(#{ weights: param("weights", "random", "first weights") })"#;
    let script = ZOO.replace(backbone, choice);
    let script = format!("{}{search}", script.trim_end().strip_suffix("})").unwrap());
    let project = Project::new().file("scripts/empty.rhai", "").file("deep/zoo.rhai", &script);
    let missing = format!("there are no weights at {}", project.path("none.pth").display());
    project.xrun(["check", "deep/zoo.rhai"]).code(2).stderr_contains(&missing);
}

#[test]
fn a_digest_without_a_file_is_refused() {
    let script = ZOO.replace("#{ weights: param(\"weights\", \"random\", \"first weights\") }", "#{ digest: \"0\" }");
    let project = Project::new().file("zoo.rhai", &script);
    project
        .xrun(["check", "zoo.rhai"])
        .code(2)
        .stderr_contains("a `digest` is of a file of weights, but there is none");
}

#[test]
fn features_of_a_frozen_backbone_are_kept_where_plan_says_so() {
    let frozen = ZOO.replace("phase(\"fit\", #{ epochs", "phase(\"fit\", #{ freeze: [\"backbone\"], epochs");
    let before = "train: [phase(\"all\", #{ epochs: 1, optimizer: sgd() }), phase(";
    let late = frozen.replace("train: [phase(", before);
    let project = project().file("frozen.rhai", &frozen).file("late.rhai", &late);
    let given = "weights=weights.safetensors";
    for (arguments, said) in [
        (vec!["plan", "frozen.rhai", given], "features once a picture, kept in the cache and shared by all fits"),
        (vec!["plan", "frozen.rhai"], "features once a fit; random weights are those of one fit"),
        (
            vec!["plan", "late.rhai", given],
            "features once a fit; weights that an earlier phase trained are those of one fit",
        ),
    ] {
        project.xrun(arguments).code(0).stdout_contains(&format!("frozen   backbone in fit: {said}\n"));
    }
    let kept = |cache: &str| {
        let files = fs::read_dir(project.path(cache)).unwrap().map(|file| file.unwrap().file_name());
        files.filter(|name| name.to_str().unwrap().starts_with("features-")).count()
    };
    for (script, weights, cache, n_kept) in
        [("frozen.rhai", given, "a", 1), ("frozen.rhai", "weights=random", "b", 0), ("late.rhai", given, "c", 0)]
    {
        project.xrun([script, weights, "--quiet", "--cache", cache]).code(0);
        assert_eq!(kept(cache), n_kept, "{script} {weights}");
    }
}
