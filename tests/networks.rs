//! Networks written in a script: what is refused before training, what is printed of them, and that they train.

mod support;

use support::{Project, error_at};

/// A script whose third line is a backbone on pictures of 3 x 8 x 8, with a search if there is something to be searched.
fn pictures(backbone: &str, search: &str) -> String {
    format!(
        "experiment(#{{\n    name: \"a\", data: pets(#{{ size: 8, n: 16 }}), model: classifier(#{{ backbone:\n{backbone}\n    }}),\n    \
         train: [phase(\"fit\", #{{ epochs: 1, optimizer: adam() }})],\n    \
         cv: nested(#{{ outer: hold_out(0.25), inner: hold_out(0.25) }}),\n    {search}\n}})\n"
    )
}

const RANDOM: &str = "search: random(#{ trials: 2, maximize: \"accuracy\" }),";

/// The error of a backbone, with a caret under where `at` occurs last.
fn excerpt(message: &str, backbone: &str, at: &str, hint: Option<&str>) -> String {
    let column = backbone.rfind(at).expect("it stands there") + 1;
    error_at(message, &format!("experiment.rhai:3:{column}"), backbone, at.len(), hint)
}

/// The backbone is refused by `check`, `plan` and a run alike, with a caret under `at`, and nothing is written.
#[track_caller]
fn refused(backbone: &str, search: &str, at: &str, message: &str) {
    let project = Project::new().script(&pictures(backbone, search));
    let wanted = excerpt(message, backbone, at, None);
    for command in [vec!["check", "experiment.rhai"], vec!["plan", "experiment.rhai"], vec!["experiment.rhai"]] {
        project.xrun(command).code(2).stdout_is("").stderr_is(&wanted);
    }
    assert!(project.runs("a").is_empty(), "nothing is recorded");
    assert!(!project.path("home/cache").exists(), "no picture is drawn");
}

#[test]
fn a_layer_that_cannot_take_what_comes_in_is_refused_where_it_stands() {
    refused(
        "sequential([conv2d(4), linear(8)])",
        "",
        "linear",
        "model.backbone.layers.1: linear takes a vector, but here it gets a picture of 4 x 6 x 6; put flatten() or \
         global_avg_pool() before it",
    );
    refused(
        "sequential([flatten(), max_pool(2)])",
        "",
        "max_pool",
        "model.backbone.layers.1: max_pool takes a picture, but here it gets a vector of 192",
    );
    refused(
        "sequential([conv2d(4)])",
        "",
        "sequential",
        "the backbone ends with a picture of 4 x 6 x 6, but must give a vector; end it with global_avg_pool() or flatten()",
    );
}

#[test]
fn an_impossible_size_is_refused_at_the_very_value() {
    refused(
        "sequential([conv2d(4, #{ kernel: 9 }), flatten()])",
        "",
        "9",
        "model.backbone.layers.0.kernel: a kernel that covers 9 pixels does not fit into a picture of 3 x 8 x 8 with 0 \
         pixels of padding; use larger pictures, a smaller kernel, more padding or less pooling before it",
    );
    refused(
        "sequential([conv2d(6, #{ groups: 2 }), flatten()])",
        "",
        "2",
        "model.backbone.layers.0.groups: 2 groups do not divide 3 input channels evenly",
    );
}

#[test]
fn branches_and_shortcuts_that_do_not_meet_are_refused_however_deep_they_are() {
    refused(
        "sequential([repeat(2, [residual([conv2d(3)])]), flatten()])",
        "",
        "residual",
        "model.backbone.layers.0.layers.0: a picture of 3 x 6 x 6 and a picture of 3 x 8 x 8 cannot be added: keep the shape \
         in the body, or bring what came in to its shape with `shortcut`",
    );
    refused(
        "sequential([flatten(), parallel([[linear(4)], [linear(5)]], \"sum\")])",
        "",
        "parallel",
        "model.backbone.layers.1: a vector of 4 and a vector of 5 cannot be added: give every branch one shape, or join them \
         with \"concat\"",
    );
    refused(
        "sequential([residual([], #{ shortcut: [sequential([flatten(), conv2d(2)])] }), flatten()])",
        "",
        "conv2d",
        "model.backbone.layers.0.shortcut.0.layers.1: conv2d takes a picture, but here it gets a vector of 192",
    );
}

#[test]
fn a_network_that_only_some_values_break_is_refused_with_those_values() {
    refused(
        "sequential([choice([relu(), gelu()]), conv2d(4, #{ kernel: choice([3, 5, 9]) }), flatten()])",
        RANDOM,
        "choice",
        "model.backbone.layers.1.kernel: a kernel that covers 9 pixels does not fit into a picture of 3 x 8 x 8 with 0 pixels \
         of padding; use larger pictures, a smaller kernel, more padding or less pooling before it \
         (with model.backbone.layers.1.kernel = 9)",
    );
    refused(
        "sequential([choice(#{ a: sequential([flatten()]), b: sequential([relu(), linear(int(4, 9))]) }).named(\"block\"), flatten()])",
        RANDOM,
        "linear",
        "model.backbone.layers.0.layers.1: linear takes a vector, but here it gets a picture of 3 x 8 x 8; put flatten() or \
         global_avg_pool() before it (with block = \"b\")",
    );
    refused(
        "sequential([repeat(int(0, 4).named(\"depth\"), [max_pool(2)]), flatten()])",
        RANDOM,
        "2",
        "model.backbone.layers.0.layers.0.kernel: a kernel that covers 2 pixels does not fit into a picture of 3 x 1 x 1 with 0 \
         pixels of padding; use larger pictures, a smaller kernel, more padding or less pooling before it (with depth = 4)",
    );
}

#[test]
fn in_a_space_too_large_to_be_walked_every_option_is_still_looked_at() {
    let repeats = ["repeat(int(0, 7), [])"; 3].join(", ");
    let backbone = format!("sequential([{repeats}, choice([flatten(), linear(3)])])");
    refused(
        &backbone,
        RANDOM,
        "linear",
        "model.backbone.layers.3: linear takes a vector, but here it gets a picture of 3 x 8 x 8; put flatten() or \
         global_avg_pool() before it (with model.backbone.layers.3 = \"linear\")",
    );
}

#[test]
fn what_only_a_value_inside_a_range_brings_out_is_a_failed_trial() {
    let backbone = "sequential([conv2d(100, #{ kernel: 1 }), group_norm(int(1, 100).named(\"g\")), global_avg_pool()])";
    let search = "search: random(#{ trials: 2, maximize: \"accuracy\", enqueue: [#{ g: 3 }, #{ g: 4 }] }),";
    let project = Project::new().script(&pictures(backbone, search)).args(["experiment.rhai", "--quiet"]);
    project.run().code(3);
    let trials = project.read(project.only_run("a").join("trials.csv"));
    let line = trials.lines().nth(1).expect("there is a trial");
    assert!(line.contains("failed") && line.contains("3 groups do not divide 100 input channels evenly"), "{line}");
    assert!(trials.lines().nth(2).is_some_and(|line| line.contains("complete")), "{trials}");
}

#[test]
fn a_table_decides_the_width_of_the_first_layer() {
    let model = "sequential([residual([linear(5)])])";
    let script =
        pictures(model, "").replace("pets(#{ size: 8, n: 16 })", "csv_table(\"t.csv\", #{ target: \"kind\" })");
    let project = Project::new().script(&script);
    let elsewhere = project.xrun(["check", "experiment.rhai"]);
    elsewhere.code(0).stderr_contains("the shapes of the network were not checked: ");
    let rows = |colours: [&str; 3]| {
        let row = |index: usize| format!("{index},{},{}\n", colours[index % 3], ["a", "b"][index % 2]);
        format!("size,colour,kind\n{}", (0..24).map(row).collect::<String>())
    };
    project.write("t.csv", &rows(["red", "green", "blue"]));
    let message = "model.backbone.layers.0: a vector of 5 and a vector of 4 cannot be added: keep the shape in the body, or \
                   bring what came in to its shape with `shortcut`";
    let wanted = excerpt(message, model, "residual", None);
    project.xrun(["plan", "experiment.rhai"]).code(2).stdout_is("").stderr_is(&wanted);
    let fixed = "model.backbone.layers.0.body.0.units=4";
    project.xrun(["experiment.rhai", fixed, "--quiet"]).code(0);
}

#[test]
fn what_no_layer_takes_is_refused_while_the_script_runs() {
    let refused = |backbone: &str, at: &str, message: &str, hint: Option<&str>| {
        let project = Project::new().script(&pictures(backbone, "")).args(["check", "experiment.rhai"]);
        project.run().code(2).stdout_is("").stderr_is(&excerpt(message, backbone, at, hint));
    };
    refused(
        "sequential([conv2d(4, #{ padding: \"valid\" })])",
        "\"valid\"",
        "a whole number in 0..=1024 or \"same\" was expected here, not the text \"valid\"",
        None,
    );
    refused("sequential([parallel([[relu()]], \"add\")])", "\"add\"", "\"add\" is not one of sum, concat", None);
    refused("sequential(relu())", "relu", "a list was expected here, not `relu(...)`", None);
    refused(
        "sequential([repeat(-1, [relu()])])",
        "-1",
        "a whole number in 0..=256 was expected here, not the whole number `-1`",
        None,
    );
    refused(
        "sequential([choice([[relu(), tanh()], [relu(), tanh()]])])",
        "[",
        "option `[\"relu\", \"tanh\"]` is listed twice",
        Some("give the options labels: choice(#{ fast: ..., slow: ... })"),
    );
}

/// Every layer there is, and every place where a search-space object can stand.
const EVERYTHING: &str = "\
let block = choice(#{
    plain: sequential([conv2d(4, #{ padding: \"same\", bias: false }), batch_norm(#{ momentum: 0.2 }), relu()]),
    light: residual([depthwise_conv2d(#{ padding: 1, multiplier: 1 }), conv2d(4, #{ kernel: 1, groups: 2 }), relu6()]),
}).named(\"block\");
experiment(#{
    name: \"a\",
    data: pets(#{ size: 16, n: 16 }),
    model: classifier(#{
        backbone: sequential([
            conv2d(4, #{ kernel: choice([3, 5]), padding: choice([1, \"same\"]), stride: 2, dilation: 1 }),
            repeat(int(0, 2), [block, group_norm(2), silu()]),
            sequential(choice(#{ small: [max_pool(2)], none: [] })),
            parallel([[avg_pool(3, #{ stride: 1, padding: 1 })], [], [leaky_relu(uniform(0.0, 0.2))]], \"concat\"),
            parallel([[global_max_pool()], [flatten(), linear(8), tanh()], [global_avg_pool()]], \"concat\"),
        ]),
        head: [linear(choice([4, 8]), #{ bias: false }), layer_norm(), sigmoid(), gelu(), dropout(0.1), choice([relu(), tanh()])],
    }),
    train: [phase(\"fit\", #{ epochs: 1, optimizer: adam() })],
    cv: nested(#{ outer: hold_out(0.25), inner: hold_out(0.25) }),
    search: random(#{ trials: 3, maximize: \"accuracy\" }),
})
";

#[test]
fn parameters_of_layers_go_by_their_places() {
    let output = Project::new().script(EVERYTHING).args(["check", "experiment.rhai", "--json"]).run();
    let space = output.code(0).json()["space"].clone();
    let names: Vec<&str> =
        space.as_array().into_iter().flatten().filter_map(|parameter| parameter["name"].as_str()).collect();
    let wanted = [
        "model.backbone.layers.0.kernel",
        "model.backbone.layers.0.padding",
        "model.backbone.layers.1.times",
        "block",
        "model.backbone.layers.2.layers",
        "model.backbone.layers.3.branches.2.0.slope",
        "model.head.0.units",
        "model.head.5",
    ];
    assert_eq!(names, wanted);
}

#[test]
fn every_layer_trains_and_the_recorded_config_is_the_same_experiment() {
    let project = Project::new().script(EVERYTHING);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = project.only_run("a");
    let config = run.join("config.rhai");
    let again = project.xrun([config.to_str().expect("it is text"), "--quiet", "--json"]);
    let report = again.code(0).json();
    assert_eq!((report["n_trained"].as_u64(), report["n_reused"].as_u64()), (Some(0), Some(4)), "{report}");
    let second = project.runs("a").pop().expect("there are two runs");
    assert_eq!(project.read(second.join("config.rhai")), project.read(&config));
}

/// The number of parameters of a network, after the script was changed.
fn n_parameters(project: &Project, arguments: &[&str]) -> u64 {
    let arguments = [&["show", "--model", "--json", "experiment.rhai"], arguments].concat();
    let network = project.xrun(arguments);
    let network = network.code(0).json();
    let layers = network["layers"].as_array().expect("there are layers").clone();
    let total = network["parameters"].as_u64().expect("it is a number");
    assert_eq!(total, layers.iter().filter_map(|layer| layer["parameters"].as_u64()).sum::<u64>());
    total
}

#[test]
fn editing_depth_width_block_or_head_changes_the_network() {
    const DEEP: &str =
        "sequential([conv2d(WIDTH, #{ padding: 1 }), repeat(DEPTH, [BLOCK]), global_avg_pool()]), head: [HEAD]";
    let edited = |width: &str, depth: &str, block: &str, head: &str| {
        let edits = [("WIDTH", width), ("DEPTH", depth), ("BLOCK", block), ("HEAD", head)];
        let backbone = edits.iter().fold(DEEP.to_owned(), |text, (from, to)| text.replace(from, to));
        n_parameters(&Project::new().script(&pictures(&backbone, "")), &[])
    };
    // Of a convolution: (inputs x 9 + 1) x outputs; of a depthwise one: (9 + 1) x channels; of a linear layer: (inputs + 1) x outputs.
    let first = |width: u64| (3 * 9 + 1) * width;
    let (convolution, depthwise) = ("conv2d(4, #{ padding: 1 })", "depthwise_conv2d(#{ padding: 1 })");
    assert_eq!(edited("4", "2", convolution, ""), first(4) + 2 * (4 * 9 + 1) * 4 + 5);
    assert_eq!(edited("4", "3", convolution, ""), first(4) + 3 * (4 * 9 + 1) * 4 + 5);
    assert_eq!(edited("6", "1", convolution, ""), first(6) + (6 * 9 + 1) * 4 + 5);
    assert_eq!(edited("4", "2", depthwise, ""), first(4) + 2 * 10 * 4 + 5);
    assert_eq!(edited("4", "0", depthwise, "linear(7), relu()"), first(4) + 5 * 7 + 8);
}

#[test]
fn the_table_of_a_network_says_which_values_were_taken_and_overrides_replace_them() {
    let backbone = "sequential([conv2d(choice([4, 8]), #{ kernel: 1 }), choice([relu(), tanh()]), flatten()])";
    let project = Project::new().script(&pictures(backbone, RANDOM));
    project.xrun(["show", "--model", "experiment.rhai"]).code(0).stderr_is("").stdout_is(
        "\
with the first value of each parameter; KEY=VALUE sets another:
  model.backbone.layers.0.channels = 4
  model.backbone.layers.1 = \"relu\"

 name        layer     gives      parameters  multiply-adds
 input                 3 x 8 x 8
 backbone.0  conv2d    4 x 8 x 8          16            768
 backbone.1  relu      4 x 8 x 8           -              -
 backbone.2  flatten   256                 -              -
 output      linear    1                 257            256
 total       4 layers                    273          1,024
",
    );
    let fixed = ["model.backbone.layers.0.channels=32", "model.backbone.layers.0.padding=same"];
    assert_eq!(n_parameters(&project, &fixed), 4 * 32 + 32 * 64 + 1);
    project
        .xrun(["show", "@latest", "epochs=1"])
        .code(2)
        .stderr_contains("the following required arguments were not provided:\n  <--model|--augment>");
}

#[test]
fn the_network_of_a_recorded_fit_is_shown_by_its_folder() {
    let backbone = "sequential([conv2d(choice([4, 8])), global_avg_pool()])";
    let project = Project::new().script(&pictures(backbone, RANDOM));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let fit = project.only_run("a").join("outer-0/inner-0/final");
    let config = project.read(fit.join("config.rhai"));
    let channels = if config.contains("conv2d(4,") { 4 } else { 8 };
    for asked in [fit.clone(), fit.join("config.rhai"), "@latest:outer-0/inner-0/final".into()] {
        let output = project.xrun(["show", "--model", "--json", asked.to_str().expect("it is text")]);
        let network = output.code(0).json();
        assert_eq!(network["parameters"], 28 * channels + channels + 1, "{network}");
        assert_eq!(network["values"], serde_json::json!({}));
    }
    let run = project.xrun(["show", "--model", "--json"]);
    assert_eq!(run.code(0).json()["values"], serde_json::json!({ "model.backbone.layers.0.channels": 4 }));
}

#[test]
fn what_has_no_network_to_show_says_so() {
    let project = Project::new().script(&support::sphere("", "uniform(0.0, 1.0)"));
    let refused = |asked: &str, code: i32, message: &str| {
        project.xrun(["show", "--model", asked]).code(code).stdout_is("").stderr_is(message);
    };
    refused("experiment.rhai", 2, "error: there is no network: the objective is a formula\n");
    refused("no.rhai", 2, "error: there is no script no.rhai\nhint: check the path; experiments/ holds examples\n");
    let table = pictures("sequential([relu()])", "")
        .replace("pets(#{ size: 8, n: 16 })", "csv_table(\"t.csv\", #{ target: \"kind\" })");
    let output = Project::new().script(&table).args(["show", "--model", "experiment.rhai"]).run();
    output
        .code(2)
        .stdout_is("")
        .stderr_contains("hint: the data decide the shape of the first layer; a recorded config takes data=PATH\n");
}

#[test]
fn the_search_of_the_blocks_example_finds_the_better_block() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("it is in the repository");
    let project = Project::new()
        .file("blocks.rhai", &read("blocks.rhai"))
        .file("experiments/data/rings.csv", &read("data/rings.csv"));
    project.xrun(["blocks.rhai", "--quiet"]).code(0);
    let run = project.only_run("blocks");
    let trials = project.read(run.join("trials.csv"));
    let mut lines = trials.lines();
    let header: Vec<&str> = lines.next().expect("there is a header").split(',').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).expect("the column is there");
    let (outer, value, block) = (column("outer"), column("value"), column("block"));
    let mut best: std::collections::BTreeMap<(String, String), f64> = std::collections::BTreeMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let value: f64 = cells[value].parse().expect("every trial has a value");
        let best = best.entry((cells[outer].to_owned(), cells[block].to_owned())).or_insert(value);
        *best = best.max(value);
    }
    for outer in ["0", "1", "2"] {
        let of = |block: &str| best[&(outer.to_owned(), block.to_owned())];
        assert!(of("bent") > 0.8 && of("straight") < 0.65, "{outer}: {trials}");
        let fit = project.read(run.join(format!("outer-{outer}/final/config.rhai")));
        assert!(
            fit.contains("linear(") && ["relu()", "gelu()", "tanh()"].iter().any(|bend| fit.contains(bend)),
            "{fit}"
        );
    }
}
