//! What xrun writes as a script means what was run: a printed experiment is the same experiment again, and the config
//! of a fit is the same fit again.
//!
//! Scripts are written by a small generator of valid source, see [`Writer`]. Everything it decides is read from a tape
//! of numbers, so that a failing script is shrunk by shortening the tape; zeros write the plainest script.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tempfile::TempDir;
use xrun::sampler::Sampler;
use xrun::script::{Argument, Diagnostic, Outcome, evaluate};
use xrun::seed::Seed;
use xrun::spec::domain::ParamDomain;
use xrun::spec::fit::{FitPlace, RowsFrom};
use xrun::spec::{Experiment, FitConfig, Param, Role, print};
use xrun::trial::Direction;
use xrun::value::Value;

/// Scripts per property.
const CASES: u32 = 40;

/// Every constructor of a search-space object.
const SEARCH: [&str; 8] = ["uniform", "log_uniform", "int", "log_int", "normal", "log_normal", "choice", "ordinal"];

/// Texts that a printer may trip over.
const TEXTS: [&str; 13] = [
    "variety",
    "",
    "two\nlines",
    "quo\"ted \"",
    "back`tick",
    "${x} and `${x}`",
    "C:\\dir\\new \\",
    "naïve 漢字 🐱 \u{301}",
    "tab\t and return\r",
    "\0 \u{7} \u{1b} \u{7f} \u{85} \u{2028} \u{feff}",
    "// no comment /* none */",
    "#{ a: 1 }; let x = 1;",
    "it's choice([1, 2])",
];

/// Names of params and of shared objects that meet each other, the language's words, constructors or no letter at all.
const NAMES: [&str; 12] =
    ["rate", "default", "a_b", "a.b", "uniform", "choice", "_1", "x_default", "experiment", "__", "print", "this.is"];

/// A folder with a project in it.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("xrun.toml"), "").unwrap();
        Self(folder)
    }

    fn evaluate(&self, script: &str, arguments: &[(&str, &str)]) -> Result<(Outcome, Vec<Param>), Diagnostic> {
        let path = self.0.path().join("script.rhai");
        fs::write(&path, script).unwrap();
        let arguments: Vec<Argument> =
            arguments.iter().map(|(key, text)| Argument::parse(&format!("{key}={text}")).unwrap()).collect();
        let evaluated = evaluate(&path, &arguments)?;
        Ok((evaluated.outcome, evaluated.params.iter().map(|param| (**param).clone()).collect()))
    }

    fn experiment(&self, script: &str, arguments: &[(&str, &str)]) -> Result<(Experiment, Vec<Param>), String> {
        match self.evaluate(script, arguments) {
            Ok((Outcome::Experiment(experiment), params)) => Ok((*experiment, params)),
            Ok((Outcome::Fit(_), _)) => Err(format!("a fit, not an experiment:\n{script}")),
            Err(diagnostic) => Err(format!("{diagnostic} ({arguments:?})\n{script}")),
        }
    }

    fn fit(&self, script: &str) -> Result<FitConfig, String> {
        match self.evaluate(script, &[]) {
            Ok((Outcome::Fit(fit), _)) => Ok(*fit),
            Ok((Outcome::Experiment(_), _)) => Err(format!("an experiment, not a fit:\n{script}")),
            Err(diagnostic) => Err(format!("{diagnostic}\n{script}")),
        }
    }

    /// What is printed for an experiment.
    fn printed(&self, script: &str, arguments: &[(&str, &str)]) -> String {
        self.experiment(script, arguments).unwrap_or_else(|error| panic!("{error}")).0.script(&[])
    }

    /// That what is printed for a script prints itself, and with these arguments is what the script is with them.
    fn assert_round_trip(&self, script: &str, arguments: &[(&str, &str)]) {
        let printed = self.printed(script, &[]);
        assert_eq!(self.printed(&printed, &[]), printed, "printed again, from:\n{script}");
        assert_eq!(
            self.printed(&printed, arguments),
            self.printed(script, arguments),
            "with {arguments:?}, from:\n{script}\nprinted as:\n{printed}"
        );
    }
}

/// What the text of an argument is that sets a param to this value.
fn argument_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => print::value(other),
    }
}

/// Another value for a param, inside its domain where that is easy.
fn another(param: &Param) -> Value {
    if let ParamDomain::OneOf(values) = &param.domain
        && let Some(other) = values.iter().find(|value| **value != param.value)
    {
        return other.clone();
    }
    match &param.value {
        Value::Bool(b) => Value::Bool(!b),
        Value::Int(i) => Value::Int(i.checked_sub(1).filter(|less| *less > 1).unwrap_or(i.saturating_add(1))),
        Value::Float(x) => Value::Float(x * 0.5),
        Value::Text(text) => Value::Text(format!("{text}2")),
    }
}

/// The search constructors a script calls; the insides of texts do not count.
fn search_calls(script: &str) -> Vec<&'static str> {
    let mut code = String::new();
    let (mut in_text, mut is_escaped) = (false, false);
    for c in script.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if in_text => is_escaped = true,
            '"' => in_text = !in_text,
            c if !in_text => code.push(c),
            _ => {}
        }
    }
    let is_call = |name: &&str| {
        code.match_indices(&format!("{name}("))
            .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    SEARCH.into_iter().filter(is_call).collect()
}

/// Places of a plan that differ in everything a place decides.
fn places(experiment: &Experiment, n_phases: usize) -> Vec<FitPlace> {
    let labels = vec!["outer 0".to_owned(), "inner 1".to_owned(), TEXTS[5].to_owned()];
    let trial = FitPlace { labels, role: Role::Trial, rows: RowsFrom::Nothing, threshold: None, epochs: None };
    let refit = FitPlace {
        labels: vec!["final".to_owned()],
        role: Role::Final,
        rows: RowsFrom::Rows {
            train: vec![0, 7, 1 << 40],
            validation: Vec::new(),
            test: vec![5],
            digest: "0123abcd".to_owned(),
        },
        threshold: Some(1e-300),
        epochs: (n_phases > 0).then(|| (1..=n_phases).collect()),
    };
    let mut places = Vec::new();
    if experiment.data().is_none() {
        places.push(trial.clone());
    } else {
        places.push(refit);
    }
    if experiment.folds().is_some() {
        let digest = "a digest".to_owned();
        places.push(FitPlace { rows: RowsFrom::Position { outer: 1, inner: Some(3), digest }, ..trial });
    }
    places
}

/// Fails a case with what differs and the scripts.
fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    left: &T,
    right: &T,
    scripts: &[&str],
) -> Result<(), TestCaseError> {
    let shown = || scripts.join("\n---\n");
    prop_assert!(left == right, "{what} differ:\n{left:#?}\n---\n{right:#?}\n---\n{}", shown());
    Ok(())
}

/// As [`same`], for texts.
fn same_text(what: &str, left: &str, right: &str, scripts: &[&str]) -> Result<(), TestCaseError> {
    let shown = || scripts.join("\n---\n");
    prop_assert!(left == right, "{what} differ:\n{left}\n---\n{right}\n---\n{}", shown());
    Ok(())
}

fn a_printed_experiment_is_the_same(project: &Project, written: &Written) -> Result<(), TestCaseError> {
    let script = &written.script;
    let (first, _) = project.experiment(script, &[]).map_err(TestCaseError::fail)?;
    let printed = first.script(&[]);
    let scripts = [script.as_str(), printed.as_str()];
    let told = |error: String| TestCaseError::fail(format!("{error}\n--- printed for\n{script}"));
    let (second, _) = project.experiment(&printed, &[]).map_err(told)?;
    same_text("printed scripts", &printed, &second.script(&[]), &scripts)?;
    same("search spaces", first.space(), second.space(), &scripts)?;
    same("names", &first.name(), &second.name(), &scripts)?;
    same("seeds", &first.seed(), &second.seed(), &scripts)?;
    same("data", &first.data(), &second.data(), &scripts)?;
    same("folds", &first.folds(), &second.folds(), &scripts)?;
    same("searches", &first.search(), &second.search(), &scripts)?;
    same("thresholds", &first.threshold(), &second.threshold(), &scripts)
}

/// Counts the fits that came about in `n_fits`: a derived value may leave its range, which both must say alike.
fn fits_are_the_same(project: &Project, written: &Written, n_fits: &Cell<[u32; 2]>) -> Result<(), TestCaseError> {
    let script = &written.script;
    let (first, _) = project.experiment(script, &[]).map_err(TestCaseError::fail)?;
    let printed = first.script(&[]);
    let (second, _) = project.experiment(&printed, &[]).map_err(TestCaseError::fail)?;
    for number in 0..3 {
        let suggest = |experiment: &Experiment| {
            Sampler::Random.suggest(experiment.space(), &[], Direction::Minimize, number, Seed::root(7))
        };
        let assignment = suggest(&first);
        same("assignments", &assignment, &suggest(&second), &[script, &printed])?;
        prop_assert!(first.space().check(&assignment).is_ok());
        for place in places(&first, written.n_phases) {
            let fit = first.fit(&assignment, &place);
            same("fits", &fit, &second.fit(&assignment, &place), &[script, &printed])?;
            let [made, asked] = n_fits.get();
            n_fits.set([made + u32::from(fit.is_ok()), asked + 1]);
            let Ok(fit) = fit else { continue };
            let config = fit.script(&[]);
            let told = |error: String| TestCaseError::fail(format!("{error}\n--- config of a fit of\n{script}"));
            let again = project.fit(&config).map_err(told)?;
            same("a fit and what its config says", &fit, &again, &[script, &config])?;
            same_text("configs of a fit", &config, &again.script(&[]), &[script])?;
            same("search constructors in a fit's config", &search_calls(&config), &Vec::new(), &[script, &config])?;
        }
    }
    Ok(())
}

fn overriding_a_param_means_the_same(project: &Project, written: &Written) -> Result<(), TestCaseError> {
    let script = &written.script;
    let (first, declared) = project.experiment(script, &[]).map_err(TestCaseError::fail)?;
    let printed = first.script(&[]);
    let (_, kept) = project.experiment(&printed, &[]).map_err(TestCaseError::fail)?;
    for (source, params) in [(script, &declared), (&printed, &kept)] {
        let texts: Vec<String> = params.iter().map(|param| argument_text(&param.value)).collect();
        let own: Vec<(&str, &str)> =
            params.iter().zip(&texts).map(|(p, text)| (p.name.as_str(), text.as_str())).collect();
        let (overridden, _) = project.experiment(source, &own).map_err(TestCaseError::fail)?;
        same_text("scripts with params set to their own values", &printed, &overridden.script(&[]), &[source])?;
    }
    for param in &kept {
        let text = argument_text(&another(param));
        let with = |source: &str| {
            let made = project.experiment(source, &[(&param.name, &text)]);
            made.map(|(experiment, _)| experiment.script(&[]))
                .map_err(|error| error.lines().take(1).collect::<String>())
        };
        match (with(script), with(&printed)) {
            (Err(_), Err(_)) => {}
            (from_script, from_printed) => {
                let what = format!("script and printed script with {}={text}", param.name);
                same(&what, &from_script, &from_printed, &[script, &printed])?;
            }
        }
    }
    Ok(())
}

/// Runs a property over scripts of one kind.
fn for_scripts(write: fn(&mut Writer) -> Written, property: impl Fn(&Project, &Written) -> Result<(), TestCaseError>) {
    let config =
        ProptestConfig { cases: CASES, failure_persistence: None, max_shrink_iters: 3000, ..Default::default() };
    let project = Project::new();
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let ran = runner.run(&vec(any::<u16>(), 0..160), |tape| property(&project, &write(&mut Writer::new(tape))));
    if let Err(error) = ran {
        panic!("{error}");
    }
}

#[test]
fn a_printed_formula_experiment_evaluates_to_itself() {
    for_scripts(Writer::formula_experiment, a_printed_experiment_is_the_same);
}

#[test]
fn a_printed_model_experiment_evaluates_to_itself() {
    for_scripts(Writer::model_experiment, a_printed_experiment_is_the_same);
}

#[test]
fn the_config_of_a_formula_fit_evaluates_to_the_fit_and_holds_no_search_object() {
    let n_fits = Cell::new([0, 0]);
    for_scripts(Writer::formula_experiment, |project, written| fits_are_the_same(project, written, &n_fits));
    let [made, asked] = n_fits.get();
    assert!(made * 10 > asked * 8, "only {made} of {asked} fits could be made: the scripts test too little");
}

#[test]
fn the_config_of_a_model_fit_evaluates_to_the_fit_and_holds_no_search_object() {
    let n_fits = Cell::new([0, 0]);
    for_scripts(Writer::model_experiment, |project, written| fits_are_the_same(project, written, &n_fits));
    let [made, asked] = n_fits.get();
    assert!(made * 10 > asked * 8, "only {made} of {asked} fits could be made: the scripts test too little");
}

#[test]
fn a_param_of_a_formula_experiment_means_the_same_in_the_printed_script() {
    for_scripts(Writer::formula_experiment, overriding_a_param_means_the_same);
}

#[test]
fn a_param_of_a_model_experiment_means_the_same_in_the_printed_script() {
    for_scripts(Writer::model_experiment, overriding_a_param_means_the_same);
}

// Single claims.

/// An experiment over a point, with these lines before it.
fn sphere(lets: &str, x: &str) -> String {
    format!(
        "{lets}\nexperiment(#{{ name: \"s\", objective: sphere([{x}]), search: random(#{{ trials: 1, minimize: \"value\" }}) }})"
    )
}

/// An experiment with a network of these layers on this data set.
fn network(lets: &str, data: &str, head: &str) -> String {
    format!(
        "{lets}\nexperiment(#{{ name: \"n\", data: {data}, model: classifier(#{{ backbone: mlp(), head: {head} }}), \
         train: [phase(\"fit\", #{{ epochs: 1, optimizer: adamw() }})], \
         cv: nested(#{{ outer: kfold(2), inner: kfold(2) }}), search: random(#{{ trials: 1, maximize: \"roc_auc\" }}) }})"
    )
}

#[test]
fn a_regression_and_the_official_parts_of_pets_are_read_back_as_they_were() {
    let project = Project::new();
    project.assert_round_trip(
        "experiment(#{ name: \"r\", data: csv_table(\"/x\", #{ target: \"t\", task: \"regression\", n: 50, seed: 3 }), \
         model: regressor(#{ backbone: mlp(), head: [relu()], loss: choice([\"mae\", \"huber\"]), delta: uniform(0.5, 2.0) }), \
         train: [phase(\"fit\", #{ epochs: 1, early_stop: choice(#{ a: #{ patience: 1, monitor: \"r2\" }, b: #{ patience: 2 } }), \
         optimizer: adamw() })], cv: nested(#{ outer: kfold(2), inner: hold_out(0.5, #{ stratified: false }) }), \
         search: random(#{ trials: 1, minimize: \"mae\" }) })",
        &[],
    );
    let pets = "pets(#{ source: \"/p\", part: \"all\", n_train: 20, n_test: 10, seed: 2 })";
    project.assert_round_trip(&network("", pets, "[]"), &[]);
}

#[test]
fn a_printed_experiment_is_laid_out_to_be_read() {
    let script = r#"
        let data = param("data", "embedded", "embedded, or the path of oxford-iiit-pet");
        let epochs = param("epochs", 6, "epochs of the full phase, at most", 1..=100);
        let rate = log_uniform(1e-5, 1e-2).named("rate");
        experiment(#{
            name: "pets_small",
            data: pets(#{ source: data }),
            model: classifier(#{
                backbone: convnet(#{ width: int(8, 32).step(8) }),
                head: [linear(choice([128, 256])), relu(), dropout(uniform(0, 1))],
            }),
            train: [
                phase("warmup", #{ freeze: ["backbone"], epochs: 1, optimizer: adamw(#{ lr: rate * 10 }) }),
                phase("full", #{
                    epochs: epochs,
                    early_stop: #{ patience: 3 },
                    optimizer: choice(#{
                        plain: sgd(#{ lr: 0.1 }),
                        "with decay": adam(#{ lr: rate, weight_decay: log_uniform(1e-6, 1e-3) }),
                    }),
                }),
            ],
            cv: nested(#{ outer: stratified_kfold(10, 1729), inner: hold_out(0.2), take: #{ outer: 2, inner: 1 } }),
            search: tpe(#{ trials: 3, maximize: "roc_auc" }),
            threshold: youden(),
        })"#;
    assert_eq!(
        Project::new().printed(script, &[("epochs", "8")]),
        r#"let data = param("data", "embedded", "embedded, or the path of oxford-iiit-pet");
let epochs = param("epochs", 8, "epochs of the full phase, at most", #{ min: 1.0, max: 100.0 });
let rate = log_uniform(1e-5, 0.01).named("rate");

experiment(#{
    format: 1,
    name: "pets_small",
    seed: 42,
    data: pets(#{ source: data, target: "species", size: 64, n: 480, seed: 1 }),
    model: classifier(#{
        backbone: convnet(#{ width: int(8, 32).step(8), blocks: 3, kernel: 3 }),
        head: [linear(choice([128, 256]), #{ bias: true }), relu(), dropout(uniform(0.0, 1.0))],
        loss: "auto",
        label_smoothing: 0.0,
    }),
    train: [
        phase("warmup", #{
            epochs: 1,
            batch_size: 32,
            drop_last: false,
            freeze: ["backbone"],
            optimizer: adamw(#{ lr: (rate * 10), betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 }),
            augment: [],
            accumulate: 1,
            histograms: false,
            precision: "f32",
        }),
        phase("full", #{
            epochs: epochs,
            batch_size: 32,
            drop_last: false,
            freeze: [],
            optimizer: choice(#{
                plain: sgd(#{
                    lr: 0.1,
                    momentum: 0.0,
                    dampening: 0.0,
                    weight_decay: 0.0,
                    nesterov: false,
                }),
                "with decay": adam(#{
                    lr: rate,
                    betas: [0.9, 0.999],
                    eps: 1e-8,
                    weight_decay: log_uniform(1e-6, 0.001),
                }),
            }),
            early_stop: #{ min_delta: 0.0, patience: 3 },
            augment: [],
            accumulate: 1,
            histograms: false,
            precision: "f32",
        }),
    ],
    cv: nested(#{
        outer: stratified_kfold(10, 1729),
        inner: hold_out(0.2, 0, #{ stratified: true }),
        take: #{ inner: 1, outer: 2 },
    }),
    search: tpe(#{
        trials: 3,
        maximize: "roc_auc",
        per: "inner",
        lag: 1,
        n_startup: 10,
        n_candidates: 96,
        multivariate: true,
        recipe: "optuna",
    }),
    threshold: youden(),
})
"#
    );
}

#[test]
fn the_config_of_a_fit_says_where_the_data_are_by_a_param() {
    let project = Project::new();
    for (data, written) in [
        ("pets()", "embedded"),
        ("csv_table(\"/data/a.csv\", #{ target: \"kind\" })", "/data/a.csv"),
        ("fashion_mnist(\"/data/clothes\")", "/data/clothes"),
        ("image_folder(\"/data/photos\", #{ list: \"labels.csv\" })", "/data/photos"),
    ] {
        let (experiment, _) = project.experiment(&network("", data, "[]"), &[]).unwrap();
        let place = places(&experiment, 1).pop().unwrap();
        let config = experiment.fit(&[].into(), &place).unwrap().script(&[]);
        let first = config.lines().next().unwrap();
        assert_eq!(first, format!("let data = param(\"data\", \"{written}\", \"where the data are\");"));
        let (Outcome::Fit(moved), _) = project.evaluate(&config, &[("data", "/elsewhere")]).unwrap() else {
            panic!("no fit:\n{config}")
        };
        assert_eq!(moved.script(&[]), config.replace(&format!("\"{written}\""), "\"/elsewhere\""));
    }
}

#[test]
fn whole_numbers_may_be_negative_down_to_the_smallest() {
    let project = Project::new();
    let printed = project.printed(&sphere("let n = int(-5, 5);", "n * -3, -7, -9223372036854775808"), &[]);
    assert!(printed.contains("int(-5, 5)") && printed.contains("* -3)"), "{printed}");
    assert!(printed.contains("-7.0") && printed.contains("-9.223372036854776e18"), "{printed}");
    project.assert_round_trip(&sphere("", "uniform(0, 1) + (-9223372036854775807 - 1)"), &[]);
    for (number, message) in [
        ("0xffffffffffffffff", "this number is too large for a whole number; the largest is 9223372036854775807"),
        (
            "9223372036854775808",
            "the whole number 9223372036854775808 is too large; the largest is 9223372036854775807",
        ),
    ] {
        assert_eq!(project.evaluate(&sphere("", number), &[]).unwrap_err().message, message);
    }
}

#[test]
fn a_text_param_in_a_variable_stays_settable() {
    let script = network("let data = param(\"data\", \"embedded\", \"where\");", "pets(#{ source: data })", "[]");
    let printed = Project::new().printed(&script, &[]);
    assert!(printed.starts_with("let data = param(\"data\", \"embedded\", \"where\");\n"), "{printed}");
    assert!(printed.contains("source: data"), "{printed}");
}

#[test]
fn a_literal_equal_to_a_text_param_is_no_param() {
    let script =
        network("let a = param(\"a\", \"x\", \"\");", "csv_table(\"/x\", #{ target: a, drop: [\"x\"] })", "[]");
    Project::new().assert_round_trip(&script, &[("a", "y")]);
}

#[test]
fn a_param_in_an_option_of_a_derived_choice_stays_settable() {
    let script = network("let units = param(\"units\", 8, \"\");", "pets()", "[linear(choice([units, 16]) * 2)]");
    Project::new().assert_round_trip(&script, &[("units", "4")]);
}

#[test]
fn a_param_in_an_option_that_was_also_computed_with_is_printed_as_its_value() {
    let head = "[linear(choice([units, 16])), linear(units * 2)]";
    let script = network("let units = param(\"units\", 8, \"\");", "pets()", head);
    let printed = Project::new().printed(&script, &[]);
    assert!(!printed.contains("param(") && printed.contains("choice([8, 16])"), "{printed}");
}

#[test]
fn a_param_that_was_computed_with_by_any_way_is_printed_as_its_value() {
    let project = Project::new();
    for (lets, head) in [
        ("let n = param(\"n\", 8, \"\");", "[linear(n), linear(n * 2)]"),
        ("let n = param(\"n\", 8, \"\"); let m = n; m += 2;", "[linear(n), linear(m)]"),
        ("let n = param(\"n\", 14, \"\"); n %= 10;", "[linear(n)]"),
        ("", "[linear(param(\"n\", 8, \"\")), linear(param(\"n\", 8, \"\") * 2)]"),
    ] {
        let printed = project.printed(&network(lets, "pets()", head), &[]);
        assert!(!printed.contains("param("), "{lets} {head}:\n{printed}");
        let with = project.printed(&network(lets, "pets()", head), &[("n", "25")]);
        assert_ne!(with, printed, "{lets} {head}");
    }
    let script = "let n = param(\"n\", 8, \"\"); let list = [n]; \
        experiment(#{ name: \"n\", data: pets(), model: classifier(#{ backbone: choice(#{ a: mlp(#{ hidden: list }), \
        b: mlp(#{ hidden: list }) }), head: [linear(n * 2)] }), train: [phase(\"fit\", #{ epochs: 1, \
        optimizer: adamw() })], cv: nested(#{ outer: kfold(2), inner: kfold(2) }), \
        search: random(#{ trials: 1, maximize: \"roc_auc\" }) })";
    let printed = project.printed(script, &[]);
    assert!(!printed.contains("param("), "a list that holds it stands in two places:\n{printed}");
}

#[test]
fn a_copy_of_a_param_that_was_changed_has_its_own_value() {
    let lets =
        "let n = param(\"n\", 3, \"\"); let m = n; m += 2; let t = param(\"t\", \"a\", \"\"); let u = t; u += \"b\";";
    let script = network(lets, "csv_table(\"/x\", #{ target: t, group: u })", "[linear(n), linear(m)]");
    let printed = Project::new().printed(&script, &[]);
    assert!(printed.contains("head: [linear(3, #{ bias: true }), linear(5, #{ bias: true })]"), "{printed}");
    assert!(printed.contains("group: \"ab\""), "{printed}");
}

#[test]
fn names_without_a_letter_and_words_of_the_language_are_printed_as_variables_it_accepts() {
    let project = Project::new();
    for name in ["_", "__", "_1", "default", "Fn", "this", "is_def_var", "uniform", "experiment", "param"] {
        project.assert_round_trip(&sphere(&format!("let x = uniform(0, 1).named(\"{name}\");"), "x, x"), &[]);
        project.assert_round_trip(&sphere("", &format!("param(\"{name}\", 0.5, \"\")")), &[(name, "0.25")]);
    }
}

#[test]
fn a_path_param_with_a_list_of_paths_evaluates_again() {
    let lets = "let file = param(\"file\", \"a.csv\", \"\", [\"a.csv\", \"b.csv\"]);";
    Project::new().assert_round_trip(&network(lets, "csv_table(file, #{ target: \"kind\" })", "[]"), &[]);
}

#[test]
fn a_param_that_is_a_path_in_one_place_and_a_text_in_another_keeps_both() {
    let project = Project::new();
    let script = network("let p = param(\"p\", \"a.csv\", \"\");", "csv_table(p, #{ target: p })", "[]");
    let (first, _) = project.experiment(&script, &[]).unwrap();
    let (again, _) = project.experiment(&first.script(&[]), &[]).unwrap();
    assert_eq!(first.data(), again.data(), "printed as:\n{}", first.script(&[]));
}

#[test]
fn long_sums_and_deep_choices_evaluate_again() {
    let project = Project::new();
    let sum = "let x = uniform(0, 1); for i in 0..50 { x = x + 1.0; }";
    project.assert_round_trip(&sphere(sum, "x"), &[]);
    let choice = "let x = 1.0; for i in 0..14 { x = choice(#{ a: x, b: 0.5 }); }";
    project.assert_round_trip(&sphere(choice, "x"), &[]);
}

// The generator.

/// A valid script and what a place of its plan needs to know.
struct Written {
    script: String,
    n_phases: usize,
}

/// Numbers a float field takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    Any,
    NotNegative,
    Positive,
    Unit,
}

/// Writes valid scripts, deciding everything by a tape of numbers.
struct Writer {
    tape: std::vec::IntoIter<u16>,
    lets: Vec<String>,
    names: Vec<&'static str>,
    n: usize,
    /// Variables that hold named objects: whole numbers in 1..=10, and fractions in 0.1..=0.9.
    whole: Vec<String>,
    fractions: Vec<String>,
    /// Variables that hold named choices of optimizers.
    optimizers: Vec<String>,
    /// Variables that hold whole params in 2..=9.
    params: Vec<String>,
}

impl Writer {
    fn new(tape: Vec<u16>) -> Self {
        let tape = tape.into_iter();
        let (lets, names, whole) = (Vec::new(), NAMES.to_vec(), Vec::new());
        Self { tape, lets, names, n: 0, whole, fractions: Vec::new(), optimizers: Vec::new(), params: Vec::new() }
    }

    /// A number below `n`; 0 where the tape has ended.
    fn below(&mut self, n: usize) -> usize {
        self.tape.next().map_or(0, |number| usize::from(number) % n)
    }

    fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    fn fresh(&mut self, stem: &str) -> String {
        self.n += 1;
        format!("{stem}{}", self.n)
    }

    fn bind(&mut self, stem: &str, expression: &str) -> String {
        let variable = self.fresh(stem);
        self.lets.push(format!("let {variable} = {expression};"));
        variable
    }

    /// A name no other param or object has.
    fn name(&mut self, is_param: bool) -> String {
        let at = self.below(self.names.len() + 1);
        match self.names.get(at) {
            Some(name) if !(is_param && name.contains('.')) => self.names.remove(at).to_owned(),
            _ => self.fresh("name"),
        }
    }

    /// A text in one of the ways a script can write it.
    fn quoted(&mut self, text: &str) -> String {
        let is_plain = |c: char| c == '\n' || !(c.is_control() || c == '`');
        if self.below(2) == 1 && text.chars().all(is_plain) && !text.contains("${") && !text.starts_with('\n') {
            return format!("`{text}`");
        }
        let escaped = |c: char| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
            c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        };
        format!("\"{}\"", text.chars().map(escaped).collect::<String>())
    }

    fn awkward(&mut self) -> String {
        let text = self.pick(&TEXTS);
        self.quoted(text)
    }

    /// A call of `param`; `domain` is written as its fourth argument.
    fn param_call(&mut self, value: &str, domain: Option<&str>) -> String {
        let name = self.name(true);
        let help = self.awkward();
        let domain = domain.map_or_else(String::new, |domain| format!(", {domain}"));
        format!("param(\"{name}\", {value}, {help}{domain})")
    }

    /// A param where its value stands: written in place, or by a variable.
    fn param(&mut self, value: &str, domain: Option<&str>) -> String {
        let call = self.param_call(value, domain);
        if self.below(3) == 0 { call } else { self.bind("p", &call) }
    }

    fn whole_param(&mut self) -> String {
        if self.below(2) == 1
            && let Some(known) = self.params.last()
        {
            return known.clone();
        }
        let domain = self.pick(&[None, Some("1..=9"), Some("#{ min: 1, max: 9.5 }"), Some("[8, 4, 2]")]);
        let call = self.param_call("4", domain);
        let variable = self.bind("p", &call);
        self.params.push(variable.clone());
        variable
    }

    /// A text field: any text, or a param.
    fn text(&mut self) -> String {
        let text = self.awkward();
        match self.below(4) {
            0 | 1 => text,
            2 => self.param(&text, None),
            _ => {
                let domain = format!("[{text}, \"another\"]");
                self.param(&text, Some(&domain))
            }
        }
    }

    /// One of a few words in a place that may be searched.
    fn word(&mut self, words: &[&'static str], depth: usize) -> String {
        let word = self.pick(words);
        let list = format!("[\"{}\"]", words.join("\", \""));
        match self.below(if depth == 0 { 5 } else { 6 }) {
            0 => format!("\"{word}\""),
            1 => self.param(&format!("\"{word}\""), Some(&list)),
            2 => format!("choice({list})"),
            3 => format!("ordinal({list})"),
            4 => {
                let variable = self.param(&format!("\"{word}\""), None);
                format!("choice(#{{ x: {variable}, \"default\": \"{word}\" }})")
            }
            _ => {
                let (left, right) = (self.word(words, depth - 1), self.word(words, depth - 1));
                self.labelled(&[left, right])
            }
        }
    }

    /// A choice between labelled options.
    fn labelled(&mut self, options: &[String]) -> String {
        let sets = [
            ["a", "b"],
            ["\"small one\"", "\"b.c\""],
            ["\"\"", "\"new\""],
            ["\"\\\"q\\\"\"", "\"${x}\""],
            ["A1", "\"漢\""],
        ];
        let labels = self.pick(&sets);
        let entries: Vec<String> =
            options.iter().zip(labels).map(|(option, label)| format!("{label}: {option}")).collect();
        format!("choice(#{{ {} }})", entries.join(", "))
    }

    /// A whole number in `1..=high`, where `high` is at least 10.
    fn whole(&mut self, high: i64, depth: usize) -> String {
        let cap = high.min(60);
        match self.below(if depth == 0 { 12 } else { 14 }) {
            0 => self.pick(&[2, 1, 10, high]).to_string(),
            1 => format!("int(1, {cap})"),
            2 => format!("int(1, {cap}).step({})", self.pick(&["3", "100", "2.0"])),
            3 => format!("log_int(1, {cap})"),
            4 => "choice([8, 2, 4])".to_owned(),
            5 => "ordinal([2, 4, 8])".to_owned(),
            6 => self.whole_param(),
            7 => {
                let param = self.whole_param();
                self.pick(&["P + 1", "P * 2 / 2", "floor_div(P, 2)", "if P > 3 { 5 } else { 6 }", "-P + 10"])
                    .replace('P', &param)
            }
            8 => {
                let param = self.whole_param();
                let copy = self.bind("v", &param);
                let change = self.pick(&["+= 1", "-= 1", "*= 1"]);
                self.lets.push(format!("{copy} {change};"));
                copy
            }
            9 => format!("choice([{}, 10])", self.whole_param()),
            10 => self.shared_whole(),
            11 => {
                let derived = self.whole_expression(2, true);
                if self.below(2) == 0 { derived } else { self.bind("d", &derived) }
            }
            _ => {
                let (left, right) = (self.whole(high, depth - 1), self.whole(high, depth - 1));
                self.labelled(&[left, right])
            }
        }
    }

    fn shared_whole(&mut self) -> String {
        if self.below(3) > 0
            && let Some(known) = self.whole.last()
        {
            return known.clone();
        }
        let object = match self.below(5) {
            0 => "int(1, 10)".to_owned(),
            1 => "choice([2, 4])".to_owned(),
            2 => "ordinal([1, 2, 10])".to_owned(),
            3 => format!("choice([{}, 10])", self.whole_param()),
            _ => "int(2, 10).step(2)".to_owned(),
        };
        let name = self.name(false);
        let variable = self.bind("s", &format!("{object}.named(\"{name}\")"));
        self.whole.push(variable.clone());
        variable
    }

    /// A derived whole number that is positive and small. Two objects at one place need names: only one may go
    /// `unnamed`.
    fn whole_expression(&mut self, depth: usize, unnamed: bool) -> String {
        if depth == 0 {
            return match self.below(4) {
                _ if !unnamed => self.shared_whole(),
                0 => "int(1, 4)".to_owned(),
                1 => self.shared_whole(),
                2 => format!("choice([{}, 10])", self.whole_param()),
                _ => "choice([1, 3])".to_owned(),
            };
        }
        let inner = self.whole_expression(depth - 1, unnamed);
        match self.below(9) {
            0 => format!("({inner} * 2)"),
            1 => format!("({inner} / 2 + 1)"),
            2 => format!("(-(-{inner}))"),
            3 => format!("({inner} - -3)"),
            4 => format!("(2 ** 2 + {inner})"),
            5 => format!("(-2 * {inner} / -2)"),
            6 => format!("(1 ** {inner})"),
            7 => format!("({inner} + {})", self.whole_param()),
            _ => format!("({inner} + {})", self.whole_expression(depth - 1, false)),
        }
    }

    /// A number of a kind.
    fn number(&mut self, kind: Number, depth: usize) -> String {
        const UNIT: &[&str] = &["0.5", "0.0", "-0.0", "1e-300", "1.0", "0.1", "1", "5e-324", "0.30000000000000004"];
        const POSITIVE: &[&str] =
            &["0.1", "1.0", "1e-300", "1e16", "1e22", "3", "9223372036854775807", "123456789.125"];
        const ANY: &[&str] = &[
            "0.25",
            "-0.0",
            "-1e-300",
            "1.7976931348623157e308",
            "-1e16",
            "-1e22",
            "(-9223372036854775807 - 1)",
            "-7",
        ];
        const FIT_ALL: &[&str] = &[
            "uniform(0.1, 0.9)",
            "log_uniform(1e-300, 1e-2)",
            "uniform(0.1, 0.95).step(0.1)",
            "uniform(1e-7, 1).step(2e-7)",
            "choice([0.1, 1])",
            "ordinal([1e-300, 0.1, 1.0])",
            "uniform(1, 1)",
        ];
        const FIT_ANY: &[&str] = &[
            "normal(0.0, 2.5)",
            "normal(-0.0, 1e-300)",
            "log_normal(-3, 2)",
            "uniform(-1e300, 7e307)",
            "uniform(-0.0, 1e22)",
            "uniform(-0.3, 0.35).step(0.1)",
            "int(-9007199254740992, 9007199254740992)",
            "int(-5, 5).step(9223372036854775807)",
            "choice([-9223372036854775807 - 1, 9223372036854775807, -0.0, 1e16])",
        ];
        match self.below(if depth == 0 { 11 } else { 13 }) {
            0 | 1 => match kind {
                Number::Any => self.pick(ANY),
                Number::NotNegative | Number::Unit => self.pick(UNIT),
                Number::Positive => self.pick(POSITIVE),
            }
            .to_owned(),
            2 | 3 if kind == Number::Any => self.pick(FIT_ANY).to_owned(),
            2 | 3 => self.pick(FIT_ALL).to_owned(),
            4 => {
                let value = self.pick(&["0.5", "1e-300", "1.0"]);
                let domain = self.pick(&[None, Some("#{ min: 0, max: 1.0 }"), Some("[0.5, 1e-300, 1.0, 0.25]")]);
                self.param(value, domain)
            }
            5 => {
                let param = self.param("0.5", None);
                self.pick(&["P * 0.5", "1 - P", "P ** 2.0", "P + 0"]).replace('P', &param)
            }
            6 => {
                let param = self.param("0.5", None);
                let copy = self.bind("v", &param);
                self.lets.push(format!("{copy} *= 0.5;"));
                copy
            }
            7 => {
                let param = self.param("0.5", None);
                format!("choice([{param}, 0.125])")
            }
            8 => self.shared_fraction(),
            9 => {
                let derived = self.fraction_expression(2, true);
                if self.below(2) == 0 { derived } else { self.bind("d", &derived) }
            }
            10 if kind == Number::Any => {
                let (left, right) = (self.fraction_expression(1, true), self.whole_expression(1, false));
                let huge = ["L * (-9223372036854775807 - 1) + R", "-(L ** -R) / 1e22", "R / -(1 + L)", "R ** L - -0.0"];
                self.pick(&huge).replace('L', &left).replace('R', &right)
            }
            10 => self.fraction_expression(1, true),
            _ => {
                let (left, right) = (self.number(kind, depth - 1), self.number(kind, depth - 1));
                self.labelled(&[left, right])
            }
        }
    }

    fn shared_fraction(&mut self) -> String {
        if self.below(3) > 0
            && let Some(known) = self.fractions.last()
        {
            return known.clone();
        }
        let object = self.pick(&["uniform(0.1, 0.9)", "choice([0.5, 0.25])", "log_uniform(0.1, 0.9)"]);
        let name = self.name(false);
        let variable = self.bind("s", &format!("{object}.named(\"{name}\")"));
        self.fractions.push(variable.clone());
        variable
    }

    /// A derived number above 0 and at most 1.
    fn fraction_expression(&mut self, depth: usize, unnamed: bool) -> String {
        if depth == 0 {
            return if unnamed && self.below(2) == 0 { "uniform(0.1, 0.9)".to_owned() } else { self.shared_fraction() };
        }
        let inner = self.fraction_expression(depth - 1, unnamed);
        match self.below(7) {
            0 => format!("({inner} * 0.5)"),
            1 => format!("({inner} * 0.5 + 0.25)"),
            2 => format!("(-(-{inner}))"),
            3 => format!("({inner} / 2)"),
            4 => format!("({inner} ** 2)"),
            5 => format!("({inner} - -0.0)"),
            _ => format!("({inner} * {})", self.fraction_expression(depth - 1, false)),
        }
    }

    fn truth(&mut self) -> String {
        match self.below(5) {
            0 => "false".to_owned(),
            1 => "choice([true, false])".to_owned(),
            2 => self.param("true", None),
            3 => format!("!{}", self.param("true", Some("[true, false]"))),
            _ => "choice(#{ yes: true, no: choice([false, true]) })".to_owned(),
        }
    }

    fn hidden(&mut self, depth: usize) -> String {
        match self.below(6) {
            0 => "[16]".to_owned(),
            1 => format!("[{}, {}]", self.whole(1 << 40, depth), self.whole(1 << 40, depth)),
            2 => "choice([[16], [], [32, 16]])".to_owned(),
            3 => format!("choice([[{}], [{}, 8]])", self.whole_param(), self.whole_param()),
            4 => {
                let options = [format!("[{}, 4]", self.whole(60, depth)), "choice([[8], [8, 8]])".to_owned()];
                self.labelled(&options)
            }
            _ => format!("[{}]", self.whole_param()),
        }
    }

    fn layer(&mut self, depth: usize) -> String {
        match self.below(14) {
            0 => "relu()".to_owned(),
            1 => format!("linear({})", self.whole(1 << 40, depth)),
            2 => format!("dropout({})", self.number(Number::Unit, depth)),
            3 => format!("dropout(#{{ rate: {} }})", self.number(Number::Unit, depth)),
            4 => "choice([relu(), gelu(), tanh(), batch_norm()])".to_owned(),
            5 => format!("choice([linear({}), dropout({})])", self.whole(60, depth), self.number(Number::Unit, 0)),
            6 if depth > 0 => {
                let options = [self.layer(depth - 1), self.layer(depth - 1)];
                self.labelled(&options)
            }
            7 => format!("conv2d({}, #{{ padding: choice([1, \"same\"]) }})", self.whole(60, depth)),
            8 => format!("max_pool({}, #{{ padding: \"same\" }})", self.whole(60, depth)),
            9 if depth > 0 => format!("residual([{}], #{{ shortcut: [{}] }})", self.layer(0), self.layer(depth - 1)),
            10 if depth > 0 => format!("repeat({}, [{}])", self.whole(60, depth), self.layer(depth - 1)),
            11 if depth > 0 => {
                format!("parallel([[{}], choice([[], [relu()]])], \"concat\")", self.layer(depth - 1))
            }
            12 => format!("leaky_relu({})", self.number(Number::Unit, depth)),
            _ => "batch_norm(#{})".to_owned(),
        }
    }

    fn head(&mut self) -> String {
        let layers = |writer: &mut Self| {
            let n = writer.below(4);
            let layers: Vec<String> = (0..n).map(|_| writer.layer(1)).collect();
            format!("[{}]", layers.join(", "))
        };
        match self.below(5) {
            0 | 1 => layers(self),
            2 => "choice([[linear(8), relu()], [linear(16)], []])".to_owned(),
            3 => {
                let options = [layers(self), layers(self)];
                self.labelled(&options)
            }
            _ => {
                let list = layers(self);
                self.bind("h", &list)
            }
        }
    }

    fn backbone(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 2 } else { 6 }) {
            0 => {
                let activation = self.word(&["relu", "gelu", "tanh"], 1);
                let (hidden, dropout) = (self.hidden(1), self.number(Number::Unit, 1));
                format!("mlp(#{{ hidden: {hidden}, activation: {activation}, dropout: {dropout} }})")
            }
            1 => {
                let kernel = self.pick(&["3", "choice([1, 3, 5])", "ordinal([7, 9])"]);
                format!(
                    "convnet(#{{ width: {}, blocks: {}, kernel: {kernel} }})",
                    self.whole(4096, 1),
                    self.whole(10, 0)
                )
            }
            2 => format!("choice([mlp(#{{ dropout: {} }}), convnet()])", self.number(Number::Unit, 1)),
            3 => format!("sequential([{}, {}])", self.layer(1), self.layer(0)),
            _ => {
                let options = [self.backbone(depth - 1), self.backbone(depth - 1)];
                self.labelled(&options)
            }
        }
    }

    fn one_optimizer(&mut self, name: &'static str) -> String {
        let lr = self.number(Number::Positive, 1);
        let rest = match name {
            "sgd" => format!(
                "momentum: {}, dampening: {}, weight_decay: {}",
                self.number(Number::NotNegative, 0),
                self.number(Number::Any, 0),
                self.number(Number::NotNegative, 0)
            ),
            "rmsprop" => format!("alpha: {}, centered: {}", self.pick(&["0.5", "uniform(0.0, 0.99)"]), self.truth()),
            _ => format!(
                "betas: [{}, 0.999], eps: {}",
                self.pick(&["0.9", "uniform(0.5, 0.99)"]),
                self.number(Number::NotNegative, 0)
            ),
        };
        format!("{name}(#{{ lr: {lr}, {rest} }})")
    }

    fn optimizer(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => "adamw()".to_owned(),
            1 => {
                let name = self.pick(&["sgd", "adam", "adamw", "rmsprop"]);
                self.one_optimizer(name)
            }
            2 => format!("choice([{}, {}])", self.one_optimizer("adam"), self.one_optimizer("sgd")),
            3 => {
                if let Some(known) = self.optimizers.last() {
                    return known.clone();
                }
                let (left, right) = (self.one_optimizer("adamw"), self.one_optimizer("rmsprop"));
                let name = self.name(false);
                let variable = self.bind("o", &format!("choice([{left}, {right}]).named(\"{name}\")"));
                self.optimizers.push(variable.clone());
                variable
            }
            _ => {
                let options = [self.optimizer(depth - 1), self.optimizer(depth - 1)];
                self.labelled(&options)
            }
        }
    }

    fn early_stop(&mut self) -> String {
        match self.below(6) {
            0 => String::new(),
            1 => "early_stop: #{ patience: 3 }, ".to_owned(),
            2 => format!("early_stop: #{{ patience: {}, monitor: \"log_loss\" }}, ", self.whole(60, 1)),
            3 => format!("early_stop: #{{ min_delta: {}, patience: 1 }}, ", self.number(Number::NotNegative, 1)),
            4 => "early_stop: choice(#{ short: #{ patience: 1 }, long: #{ patience: int(5, 9), monitor: \"f1\" } }), "
                .to_owned(),
            _ => format!("early_stop: #{{ monitor: {}, patience: 2 }}, ", self.param("\"roc_auc\"", None)),
        }
    }

    fn phase(&mut self, index: usize) -> String {
        let name = ["fit", "warm-up", "a.b"][index];
        let name = if self.below(4) == 3 { self.param(&format!("\"{name}\""), None) } else { format!("\"{name}\"") };
        let (epochs, batch_size) = (self.whole(1 << 40, 1), self.whole(1 << 40, 1));
        let (drop_last, early_stop, optimizer) = (self.truth(), self.early_stop(), self.optimizer(1));
        let freeze = self.pick(&["[\"backbone\"]", "[]", "choice([[], [\"backbone\"]])"]);
        let augment = match self.below(6) {
            4 => format!(
                "[resized_crop(#{{ scale: [uniform(0.1, 0.3), 1] }}), rotation({}), color_jitter(#{{ hue: 0.5, contrast: {} }}), \
                 cutmix()]",
                self.whole(180, 1),
                self.number(Number::Unit, 1)
            ),
            5 => format!(
                "[auto_augment(), trivial_augment(), rand_augment(#{{ magnitude: {}, n: {} }}), erasing(#{{ p: {}, \
                 ratio: [0.5, 2] }}), choice([mixup(0.2), cutmix(uniform(0.1, 2.0))])]",
                self.whole(30, 1),
                self.whole(16, 1),
                self.number(Number::Unit, 1)
            ),
            0 => "[]".to_owned(),
            1 => format!("[flip(), crop({})]", self.whole(512, 1)),
            2 => format!("[flip({}), flip()]", self.number(Number::Unit, 1)),
            _ => "choice(#{ none: [], some: [flip(uniform(0.0, 1.0))] })".to_owned(),
        };
        let (schedule, options) = (self.schedule(), self.phase_options());
        format!(
            "phase({name}, #{{ epochs: {epochs}, batch_size: {batch_size}, drop_last: {drop_last}, {early_stop}\
             optimizer: {optimizer}, freeze: {freeze}, augment: {augment}{schedule}{options} }})"
        )
    }

    fn schedule(&mut self) -> String {
        let schedule = match self.below(9) {
            0 | 1 => return String::new(),
            2 => format!("cosine(#{{ min_lr: {} }})", self.number(Number::NotNegative, 1)),
            3 => format!("one_cycle(#{{ pct_start: {}, epochs: int(3, 9) }})", self.number(Number::Unit, 1)),
            4 => format!("step(#{{ every: {}, factor: uniform(0.1, 0.5) }})", self.whole(1 << 40, 1)),
            5 => "exponential(#{ factor: log_uniform(0.5, 1.0) })".to_owned(),
            6 => format!("linear_warmup(#{{ epochs: {} }})", self.whole(1 << 40, 1)),
            7 => "reduce_on_plateau(#{ patience: choice([0, 3]), monitor: \"log_loss\" })".to_owned(),
            _ => "choice([reduce_on_plateau(), cosine(), step(#{ every: int(2, 8).step(2) })])".to_owned(),
        };
        format!(", schedule: {schedule}")
    }

    fn phase_options(&mut self) -> String {
        match self.below(4) {
            0 => String::new(),
            1 => format!(", accumulate: {}, histograms: {}", self.whole(1 << 40, 1), self.truth()),
            2 => ", lr_factors: #{ backbone: choice([0.1, 1.0]) }, clip_norm: log_uniform(0.1, 10.0)".to_owned(),
            _ => format!(", ema: {}, lr_factors: #{{}}", self.pick(&["0.5", "uniform(0.9, 0.999)"])),
        }
    }

    fn seed(&mut self) -> String {
        match self.below(4) {
            0 => self.pick(&["1729", "0", "9223372036854775807"]).to_owned(),
            1 => self.param("7", None),
            2 => self.param("9223372036854775807", None),
            _ => self.whole_param(),
        }
    }

    fn splitter(&mut self) -> String {
        let seed = self.seed();
        match self.below(8) {
            0 => format!("kfold(3, {seed})"),
            1 => format!("stratified_kfold({}, {seed})", self.param("5", Some("2..=10"))),
            2 => format!("group_kfold(#{{ n_splits: 4, seed: {seed} }})"),
            3 => format!("repeated_kfold(3, 2, {seed})"),
            4 => format!("repeated_stratified_kfold(3, 2, {seed})"),
            5 => format!("hold_out({}, {seed})", self.param("0.2", None)),
            6 => "official()".to_owned(),
            _ => format!("hold_out(1e-9, {seed}, #{{ stratified: {} }})", self.param("false", None)),
        }
    }

    fn cv(&mut self) -> String {
        match self.below(4) {
            0 => format!("nested(#{{ outer: {}, inner: {} }})", self.splitter(), self.splitter()),
            1 => format!(
                "nested(#{{ outer: kfold({}), inner: {}, take: #{{ outer: 2, inner: 1 }} }})",
                3,
                self.splitter()
            ),
            2 => "nested(#{ file: \"folds/a \\\"b\\\".json\", take: #{ outer: 2, inner: 1 } })".to_owned(),
            _ => {
                let take = self.param("2", Some("[1, 2]"));
                format!("nested(#{{ outer: kfold(2), inner: kfold(2, 1), take: #{{ outer: {take}, inner: {take} }} }})")
            }
        }
    }

    fn data(&mut self) -> String {
        match self.below(8) {
            0 => format!("pets(#{{ n: 60, size: {} }})", self.param("16", Some("[8, 16, 32]"))),
            1 => format!(
                "pets(#{{ source: {}, target: \"breed\" }})",
                self.param("\"embedded\"", Some("[\"embedded\", \"/pets\"]"))
            ),
            2 => format!("pets(#{{ source: \"pets \\\\ here\", seed: {} }})", self.seed()),
            3 => format!(
                "csv_table({}, #{{ target: {}, drop: [{}, {}], group: {} }})",
                self.param("\"/data/a b.csv\"", None),
                self.text(),
                self.text(),
                self.text(),
                self.text()
            ),
            4 => format!(
                "mnist(#{{ path: \"data/mnist\", n: {}, n_test: 100 }})",
                self.param("1000", Some("[1000, 60000]"))
            ),
            5 => format!("cifar10({}, #{{ part: \"train\", seed: {} }})", self.param("\"/data\"", None), self.seed()),
            6 => format!("image_folder(\"photos\", #{{ size: 8, list: {}, n: 12 }})", self.text()),
            _ => format!(
                "csv_table(#{{ path: \"data/ü.csv\", target: {}, categorical: [{}], missing: [{}, \"?\"] }})",
                self.text(),
                self.text(),
                self.text()
            ),
        }
    }

    fn search(&mut self, objective: &str, has_cv: bool) -> String {
        let trials = match self.below(3) {
            0 => "3".to_owned(),
            1 => self.whole_param(),
            _ => self.param("1099511627776", None),
        };
        let per = if has_cv { self.pick(&["", ", per: \"outer\"", ", per: \"inner\""]) } else { "" };
        let stop = self.pick(&[
            "",
            ", stop: #{ target: -1, no_improvement: #{ trials: 3 } }",
            ", stop: #{ no_improvement: #{ trials: 3, min_delta: 1e-3 }, wall_time: \"1h 5m\" }",
        ]);
        match self.below(2) {
            0 => {
                let warm_start = self.pick(&["", ", warm_start: \"@latest\""]);
                format!(
                    "tpe(#{{ trials: {trials}, {objective}, n_startup: {}, multivariate: false{per}{stop}{warm_start} }})",
                    self.whole_param()
                )
            }
            _ => format!("random(#{{ trials: {trials}, {objective}{per}{stop} }})"),
        }
    }

    /// Name, seed and threshold.
    fn frame(&mut self) -> String {
        let name = match self.below(3) {
            0 => "\"drawn\"".to_owned(),
            1 => self.param("\"a-b.c_1\"", None),
            _ => {
                let param = self.param("\"x\"", None);
                format!("\"run-\" + {param}")
            }
        };
        let seed = self.seed();
        let threshold = match self.below(5) {
            0 => String::new(),
            1 => "threshold: youden(), ".to_owned(),
            2 => "threshold: fixed(#{}), ".to_owned(),
            3 => format!("threshold: fixed({}), ", self.pick(&["-0.0", "1e22", "(-9223372036854775807 - 1)"])),
            _ => format!("threshold: fixed({}), ", self.param("0.1", Some("[0.1, 1.0]"))),
        };
        format!("name: {name}, seed: {seed}, {threshold}")
    }

    fn written(&mut self, body: &str, n_phases: usize) -> Written {
        let lets: String = self.lets.iter().map(|line| format!("{line}\n")).collect();
        Written { script: format!("{lets}experiment(#{{ {body} }})\n"), n_phases }
    }

    fn formula_experiment(&mut self) -> Written {
        let objective = if self.below(3) == 2 {
            let (x1, x2) = (self.number(Number::Any, 2), self.number(Number::Any, 2));
            format!("branin({x1}, {x2}, #{{ noise: {} }})", self.number(Number::NotNegative, 1))
        } else {
            let n = self.below(5);
            let x: Vec<String> = (0..=n).map(|_| self.number(Number::Any, 2)).collect();
            match self.below(3) {
                0 => format!("sphere([{}])", x.join(", ")),
                1 => format!("sphere([{}], #{{ noise: {} }})", x.join(", "), self.number(Number::NotNegative, 1)),
                _ => format!("sphere(#{{ x: choice(#{{ all: [{}], none: [] }}) }})", x.join(", ")),
            }
        };
        let (data, has_cv) = match self.below(3) {
            0 => (String::new(), false),
            1 => (format!("data: rows({}), ", self.whole_param()), false),
            _ => (format!("data: rows(60), cv: {}, ", self.cv()), true),
        };
        let value = self.pick(&[
            "minimize: \"value\"",
            "maximize: \"value\"",
            "objectives: [minimize(\"value\")]",
            "minimize: \"value\", constraints: [at_least(\"value\", -1e-300), at_most(\"value\", 7)]",
        ]);
        let (frame, search) = (self.frame(), self.search(value, has_cv));
        self.written(&format!("{frame}{data}objective: {objective}, search: {search}"), 0)
    }

    fn model_experiment(&mut self) -> Written {
        let n_phases = 1 + self.below(3);
        let phases: Vec<String> = (0..n_phases).map(|index| self.phase(index)).collect();
        let (backbone, head) = (self.backbone(2), self.head());
        let loss = self.word(&["auto", "binary_cross_entropy", "cross_entropy"], 1);
        let (data, cv) = (self.data(), self.cv());
        let score = self.pick(&[
            "maximize: \"roc_auc\"",
            "minimize: \"log_loss\"",
            "objectives: [minimize(\"log_loss\"), maximize(#{ metric: \"f1\" }), maximize(\"roc_auc\")]",
            "maximize: \"f1\", constraints: [at_least(\"recall\", 0.1), at_most(#{ metric: \"log_loss\", limit: 1 })]",
        ]);
        let (frame, search) = (self.frame(), self.search(score, true));
        let options = self.pick(&[
            "",
            ", class_weights: [1, 2.5]",
            ", label_smoothing: uniform(0.0, 0.2)",
            ", label_smoothing: 0.1, class_weights: choice(#{ balanced: \"balanced\", given: [0.5, uniform(1, 2)] })",
        ]);
        let model = format!("classifier(#{{ backbone: {backbone}, head: {head}, loss: {loss}{options} }})");
        let train = phases.join(", ");
        self.written(
            &format!("{frame}data: {data}, model: {model}, train: [{train}], cv: {cv}, search: {search}"),
            n_phases,
        )
    }
}
