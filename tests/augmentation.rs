//! Augmentations in scripts: what is refused, what can be searched, and the sheet that `xrun show --augment` draws.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;

use support::{Project, error_at};

/// A script whose third line is the list of augmentations.
fn pictures(augment: &str, search: &str) -> String {
    format!(
        "experiment(#{{\n    name: \"a\", data: pets(#{{ size: 8, n: 24 }}), train: [phase(\"warmup\", #{{ epochs: 2, optimizer: adam() }}), phase(\"full\", #{{ epochs: 1, batch_size: 8, optimizer: adam(), augment:\n\
         {augment}\n    }})],\n    model: classifier(#{{ backbone: convnet(#{{ width: 2, blocks: 1 }}) }}),\n    \
         cv: nested(#{{ outer: hold_out(0.25), inner: hold_out(0.25) }}),\n    {search}\n}})\n"
    )
}

/// The list is refused with a caret under the first `at`.
#[track_caller]
fn refused(augment: &str, at: &str, message: &str, hint: Option<&str>) {
    let column = augment.find(at).unwrap() + 1;
    // Of a list, its bracket is marked.
    let width = if at.starts_with('[') { 1 } else { at.len() };
    let wanted = error_at(message, &format!("experiment.rhai:3:{column}"), augment, width, hint);
    let project = Project::new().script(&pictures(augment, ""));
    project.xrun(["check", "experiment.rhai"]).code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn what_takes_another_row_comes_last_and_once() {
    let hint = Some("put it at the end; a phase has one of mixup and cutmix, or a choice of both");
    refused("[mixup(0.2), flip()]", "mixup", "`mixup` must come last, but something follows it", hint);
    refused("[flip(), cutmix(), mixup()]", "cutmix", "`cutmix` must come last, but something follows it", hint);
    for fine in ["[flip(), mixup()]", "[cutmix(1)]"] {
        Project::new().script(&pictures(fine, "")).xrun(["check", "experiment.rhai"]).code(0).stderr_is("");
    }
}

#[test]
fn values_out_of_range_are_refused_where_they_stand() {
    let swap = Some("swap them");
    refused("[erasing(#{ ratio: [3, 0.3] })]", "[3", "the low end 3.0 is above the high end 0.3", swap);
    refused("[resized_crop(#{ scale: [0.9, 0.2] })]", "[0", "the low end 0.9 is above the high end 0.2", swap);
    refused("[rotation(181)]", "181", "a number in 0..=180 was expected here, not the number `181.0`", None);
    refused(
        "[color_jitter(#{ hue: 0.6 })]",
        "0.6",
        "a number in 0..=0.5 was expected here, not the number `0.6`",
        None,
    );
    refused(
        "[rand_augment(#{ magnitude: 31 })]",
        "31",
        "a whole number in 0..=30 was expected here, not the whole number `31`",
        None,
    );
    refused("[mixup(0)]", "0", "a number in 0.001..=1000 was expected here, not the number `0.0`", None);
}

#[test]
fn every_augmentation_trains_and_its_numbers_can_be_searched() {
    let augment = "[flip(0.5), crop(1), resized_crop(#{ scale: [uniform(0.2, 0.5), 1.0] }), rotation(int(5, 30)), \
                   color_jitter(#{ brightness: uniform(0.0, 0.4), hue: 0.1 }), erasing(), auto_augment(), trivial_augment(), \
                   rand_augment(#{ magnitude: int(5, 15) }), choice(#{ up: mixup(0.2), cut: cutmix(uniform(0.5, 1.0)) })]";
    let search = "search: random(#{ trials: 2, maximize: \"accuracy\" }),";
    let project = Project::new().script(&pictures(augment, search));
    let output = project.xrun(["check", "experiment.rhai", "--json"]);
    output.code(0);
    let names: Vec<String> = output.json()["space"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
        .collect();
    let expected = ["2.scale.0", "3.degrees", "4.brightness", "8.magnitude", "9", "9.cut.alpha"];
    assert_eq!(names, expected.map(|name| format!("train.full.augment.{name}")));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = project.runs("a").remove(0);
    let config = fs::read_to_string(project.path(run.join("outer-0/inner-0/trial-000/config.rhai"))).unwrap();
    assert!(config.contains("rand_augment(#{"), "{config}");
}

#[test]
fn a_sheet_is_drawn_and_drawn_again() {
    let project = Project::new().script(&pictures("[flip(0.5), rand_augment(#{ magnitude: p })]", ""));
    let script = format!(
        "let p = param(\"p\", 9, \"strength\");\n{}",
        fs::read_to_string(project.path("experiment.rhai")).unwrap()
    );
    let project = project.script(&script);
    let said = "a_augment.png: 3 pictures, as they are and in epochs 3 to 9\nphase    full\n\
                augment  flip(0.5), rand_augment(#{ n: 2, magnitude: 9 })\n";
    let draw = ["show", "--augment", "experiment.rhai", "--n", "3"];
    project.xrun(draw).code(0).stdout_is(said);
    let first = fs::read(project.path("a_augment.png")).unwrap();
    let sheet = image::load_from_memory(&first).unwrap();
    assert_eq!((sheet.width(), sheet.height()), (16 + 8 * 96 + 16 + 6 * 4 + 16, 16 + 3 * 96 + 2 * 4 + 16));
    project.xrun(draw).code(0).stdout_is(said);
    assert_eq!(fs::read(project.path("a_augment.png")).unwrap(), first);
    let stronger = project.xrun(["show", "--augment", "experiment.rhai", "p=30", "-o", "x.png", "--n", "3", "--json"]);
    let json = stronger.code(0).json();
    assert_eq!(json["augment"], serde_json::json!(["flip(0.5)", "rand_augment(#{ n: 2, magnitude: 30 })"]));
    assert_eq!((&json["path"], &json["phase"]), (&"x.png".into(), &"full".into()));
    assert_eq!((json["epochs"].as_array().unwrap().len(), json["rows"].as_array().unwrap().len()), (7, 3));
    assert_ne!(fs::read(project.path("x.png")).unwrap(), first);
    assert!(project.runs("a").is_empty(), "nothing is recorded");
}

#[test]
fn a_sheet_of_nothing_is_refused() {
    let table = "experiment(#{ name: \"t\", data: csv_table(\"t.csv\", #{ target: \"class\" }), \
                 model: classifier(#{ backbone: mlp() }), \
                 train: [phase(\"fit\", #{ epochs: 1, optimizer: adam() })], \
                 cv: nested(#{ outer: hold_out(0.25), inner: hold_out(0.25) }) })";
    let rows: String = (0..24).map(|row| format!("{row},{}\n", if row % 2 == 0 { "a" } else { "b" })).collect();
    let project = Project::new()
        .file("t.csv", &format!("x,class\n{rows}"))
        .file("table.rhai", table)
        .file("plain.rhai", &pictures("[]", ""))
        .file("formula.rhai", "experiment(#{ name: \"f\", objective: sphere([uniform(0.0, 1.0)]), search: random(#{ trials: 1, minimize: \"value\" }) })");
    for (script, message) in [
        ("table.rhai", "error: the rows are those of a table: only pictures are augmented\n"),
        (
            "plain.rhai",
            "error: no phase augments its pictures; add what it does, as in augment: [flip(0.5), crop(4)]\n",
        ),
        (
            "formula.rhai",
            "error: there is no network that pictures are augmented for: the objective stands in its place\n",
        ),
        ("none.rhai", "error: there is no script none.rhai\nhint: check the path; experiments/ holds examples\n"),
    ] {
        project.xrun(["show", "--augment", script]).code(2).stdout_is("").stderr_is(message);
    }
}

#[test]
fn a_sheet_is_written_over_nothing_but_a_sheet() {
    let project = Project::new().script(&pictures("[flip(0.5)]", ""));
    project
        .xrun(["show", "--augment", "experiment.rhai", "-o", "experiment.rhai"])
        .code(2)
        .stdout_is("")
        .stderr_is("error: experiment.rhai is there and is no PNG picture\nhint: name another file with -o\n");
    project
        .xrun(["show", "--augment", "experiment.rhai", "-o", "no/such.png"])
        .code(1)
        .stdout_is("")
        .stderr_is("error: cannot write no/such.png: No such file or directory (os error 2)\n");
    let output = project.xrun(["show", "--augment", "experiment.rhai", "--n", "0"]);
    output.code(2).stdout_is("").stderr_is(
        "error: invalid value '0' for '--n <N>': it must be a whole number from 1 to 64\n\nFor more information, try '--help'.\n",
    );
}
