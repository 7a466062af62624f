//! Published data sets, from their files to the record.

mod support;

use std::fs;
use std::path::Path;

use support::Project;

/// An idx file: magic number, dimensions, bytes.
fn idx(magic: u32, dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let numbers = [magic].into_iter().chain(dimensions.iter().copied());
    numbers.flat_map(u32::to_be_bytes).chain(bytes.iter().copied()).collect()
}

/// `n` pictures of 8 x 8 pixels and two classes: dark ones and light ones, no two equal.
fn write_part(folder: &Path, stem: &str, n: u8, first: u8) {
    let pixels: Vec<u8> = (0..n).flat_map(|i| [&[first + i][..], &[40 + 150 * (i % 2); 63]].concat()).collect();
    let labels: Vec<u8> = (0..n).map(|i| i % 2).collect();
    let size = u32::from(n);
    let pictures = folder.join(format!("{stem}-images-idx3-ubyte"));
    fs::write(pictures, idx(0x0803, &[size, 8, 8], &pixels)).expect("the folder is there");
    let names = folder.join(format!("{stem}-labels-idx1-ubyte"));
    fs::write(names, idx(0x0801, &[size], &labels)).expect("the folder is there");
}

const EXPERIMENT: &str = r#"experiment(#{
    name: "digits",
    data: mnist("mnist"),
    model: classifier(#{ backbone: convnet(#{ width: 2, blocks: 1 }) }),
    train: [phase("fit", #{ epochs: 2, batch_size: 8, augment: [flip(0.5), crop(1)], optimizer: adamw(#{ lr: 1e-2 }) })],
    cv: nested(#{ outer: official(), inner: hold_out(0.25) }),
    search: random(#{ trials: 1, maximize: "accuracy" }),
})"#;

fn project() -> Project {
    let project = Project::new().script(EXPERIMENT);
    let folder = project.path("mnist");
    fs::create_dir_all(&folder).expect("a temporary folder");
    write_part(&folder, "train", 24, 0);
    write_part(&folder, "t10k", 6, 100);
    project
}

fn folds(project: &Project) -> serde_json::Value {
    serde_json::from_str(&project.read(project.only_run("digits").join("folds.json"))).expect("JSON")
}

#[test]
fn grey_pictures_are_trained_on_and_the_official_test_rows_tested_once() {
    let project = project();
    let output = project.xrun(["experiment.rhai"]);
    assert!(!output.stderr.contains("equal features"), "{output}");
    output.code(0);
    let folds = folds(&project);
    assert_eq!(folds["classes"].as_array().map(Vec::len), Some(10));
    let outer = &folds["outer"][0];
    assert_eq!((&outer["test"][0], &outer["test"][1], &outer["test"][2]), (&3.into(), &3.into(), &0.into()));
    assert_eq!(outer["test_duplicates"], 0);
    assert_eq!(outer["inner"][0]["train"].as_array().map(|n| n[..2].to_vec()), Some(vec![9.into(), 9.into()]));
    assert_eq!(outer["inner"][0]["validation_duplicates"], 0);
    let run = project.only_run("digits");
    let tested = project.read(run.join("outer-0/inner-0/final/test_predictions.csv"));
    assert_eq!(tested.lines().skip(1).filter(|line| line.contains("test-")).count(), 6, "{tested}");
    assert_eq!(tested.lines().count(), 7, "{tested}");
}

#[test]
fn rows_on_both_sides_of_a_split_are_told_and_recorded() {
    let project = project();
    // Four of the test pictures are training pictures.
    write_part(&project.path("mnist"), "t10k", 6, 20);
    let output = project.xrun(["experiment.rhai"]);
    let warning = "warning: rows with equal features are on both sides of a split: 4 of 6 test rows and 0 of 6 validation \
                   rows, all folds together; their scores may be too good";
    assert!(output.stderr.lines().any(|line| line == warning), "{output}");
    output.code(0);
    assert_eq!(folds(&project)["outer"][0]["test_duplicates"], 4);
}

#[test]
fn a_cap_of_the_other_part_is_refused() {
    let project = project();
    for (part, cap, message, hint) in [
        ("test", "n", "`n` is of the training part, but `part` is \"test\"", "write n_test for a choice of test rows"),
        (
            "train",
            "n_test",
            "`n_test` is of the test part, but `part` is \"train\"",
            "write n for a choice of training rows",
        ),
    ] {
        let data = format!("mnist(\"mnist\", #{{ part: \"{part}\", {cap}: 6 }})");
        project.write("experiment.rhai", &EXPERIMENT.replace("mnist(\"mnist\")", &data));
        let output = project.xrun(["check", "experiment.rhai"]);
        assert!(output.stderr.contains(message) && output.stderr.contains(hint), "{output}");
        output.code(2);
    }
}

#[test]
fn official_parts_of_pets_are_for_a_folder_and_named_before_they_are_capped() {
    let check = |pets: &str| {
        let script = format!(
            "experiment(#{{ name: \"p\", data: pets(#{{ {pets} }}), model: classifier(#{{ backbone: convnet() }}), \
             train: [phase(\"fit\", #{{ epochs: 1, optimizer: adamw() }})], cv: nested(#{{ outer: official(), inner: kfold(2) }}) }})"
        );
        let output = Project::new().script(&script).xrun(["check", "experiment.rhai"]);
        output.code(2);
        output.stderr.clone()
    };
    let found = check("part: \"all\"");
    assert!(
        found.contains("error: `part` is of the official parts of the photos, and drawn pictures have none\n"),
        "{found}"
    );
    assert!(found.ends_with("hint: leave it out, or name the folder of the photos as source\n"), "{found}");
    let found = check("source: \"photos\", n_test: 5");
    assert!(
        found.contains("error: `n_test` is of an official part of the photos, and no `part` is named\n"),
        "{found}"
    );
    assert!(found.ends_with("hint: add part: \"all\"\n"), "{found}");
}
