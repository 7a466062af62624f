//! `xrun compare`, `xrun show --metric` and the intervals of a run, end to end through the binary.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Output, Project};

/// A search without training over `n` rows in some outer folds, called after its number of trials.
fn search(n: usize, folds: usize, seed: usize, trials: usize) -> String {
    format!(
        r#"experiment(#{{
    name: "trials_{trials}",
    data: rows({n}),
    objective: sphere(#{{ x: [uniform(-1.0, 1.0), uniform(-1.0, 1.0)], noise: 0.05 }}),
    cv: nested(#{{ outer: kfold({folds}, {seed}), inner: kfold(2, 2), take: #{{ outer: {folds}, inner: 1 }} }}),
    search: random(#{{ trials: {trials}, minimize: "value" }}),
}})
"#
    )
}

/// A network on a table of 40 rows, half of which are `yes`; it is not asked to learn anything.
fn network(outer: &str) -> String {
    format!(
        r#"experiment(#{{
    name: "net",
    data: csv_table("table.csv", #{{ target: "label" }}),
    model: classifier(#{{ backbone: mlp(#{{ hidden: [2] }}) }}),
    train: [phase("fit", #{{ epochs: 1, optimizer: sgd(#{{ lr: 0.1 }}) }})],
    cv: nested(#{{ outer: {outer}, inner: hold_out(0.5, 2) }}),
}})
"#
    )
}

fn table() -> String {
    let row = |row: usize| format!("{}.{},{}\n", row / 7, row % 7, if row.is_multiple_of(2) { "no" } else { "yes" });
    format!("a,label\n{}", (0..40).map(row).collect::<String>())
}

/// Runs a script and gives the id of its run.
fn run(project: &Project, script: &str) -> String {
    project.write("experiment.rhai", script);
    let output = project.xrun(["experiment.rhai", "--quiet", "--fresh", "--json"]);
    output.code(0).json()["run"].as_str().unwrap().to_owned()
}

fn summary(project: &Project, experiment: &str, id: &str) -> Value {
    serde_json::from_str(&project.read(Path::new("results").join(experiment).join(id).join("summary.json"))).unwrap()
}

/// Makes a run of [`network`] one that recorded the log loss alone, and whose models gave the true class these probabilities, in turn,
/// in the rows of each test.
fn says(project: &Project, id: &str, probabilities: &[f64]) {
    let folder = Path::new("results/net").join(id);
    for outer in 0..2 {
        let file = folder.join(format!("outer-{outer}/inner-0/final/test_predictions.csv"));
        if !project.path(&file).is_file() {
            continue;
        }
        let text = project.read(&file);
        let (header, lines) = text.split_once('\n').unwrap();
        let mut changed = format!("{header}\n");
        for (line, p) in lines.lines().zip(probabilities.iter().cycle()) {
            let cells: Vec<&str> = line.split(',').collect();
            let (no, yes) = if cells[1] == "yes" { (1.0 - p, *p) } else { (*p, 1.0 - p) };
            changed.push_str(&format!("{},{},{},{no},{yes}\n", cells[0], cells[1], cells[2]));
        }
        project.write(&file, &changed);
    }
    let file = folder.join("summary.json");
    let mut summary: Value = serde_json::from_str(&project.read(&file)).unwrap();
    let keep = |metrics: &mut Value| metrics.as_object_mut().unwrap().retain(|name, _| name == "log_loss");
    keep(&mut summary["test"]);
    summary["finals"].as_array_mut().unwrap().iter_mut().for_each(|last| {
        keep(&mut last["test"]);
        keep(&mut last["validation"]);
        last["threshold"] = 0.5.into();
    });
    project.write(&file, &summary.to_string());
}

#[track_caller]
fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
}

/// Calls git in a project, and gives what it prints.
fn git(project: &Project, arguments: &[&str]) -> String {
    let who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"];
    let output = std::process::Command::new("git").args(who).args(arguments).current_dir(project.path("")).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn compared<'a>(project: &Project, arguments: impl IntoIterator<Item = &'a str>) -> Output {
    project.xrun(std::iter::once("compare").chain(arguments))
}

#[test]
fn runs_on_the_same_folds_are_paired_and_tested() {
    let project = Project::new();
    let runs = [2, 9, 30].map(|trials| run(&project, &search(100, 10, 1, trials)));
    compared(&project, [&*runs[0], &*runs[1], &*runs[2], "--rope", "0.1"]).code(0).stderr_is("").stdout_is(
        "\
test.value over outer folds; smaller is better

 run                   experiment  outer folds    mean     std      low    high  95 % interval
 [RUN]  trials_2             10  0.2421  0.2012   0.0330  0.4512  corrected t
 [RUN]  trials_9             10  0.1102  0.0787   0.0284  0.1920  corrected t
 [RUN]  trials_30            10  0.0755  0.0737  -0.0011  0.1521  corrected t

 minus [RUN]     mean     std      low    high        t       p  p Holm        d  better  equivalent   worse
 [RUN]        -0.1318  0.1810  -0.3199  0.0563  -1.5854  0.1473  0.1473  -0.7285  0.6446      0.3448  0.0106
 [RUN]        -0.1666  0.1775  -0.3510  0.0179  -2.0431  0.0714  0.1428  -0.9388  0.7824      0.2128  0.0048
paired by 10 outer folds: corrected resampled t with 9 degrees of freedom and n_test/n_train 0.1111; d is Cohen's d of the paired differences, mean / std
better, equivalent, worse: posterior probability that the mean difference is below -0.1, within 0.1, or above 0.1 (correlated t-test)
",
    );
    // The same by scipy 1.17 and baycomp 1.0, from the values of the folds.
    let json = compared(&project, [&*runs[1], &*runs[0], "--baseline", &*runs[0], "--rope", "0.1", "--json"]);
    let json = json.code(0).json();
    assert_eq!((json["pairs"].as_array().unwrap().len(), json["baseline"].as_str()), (1, Some(&*runs[0])));
    let paired = &json["pairs"][0]["paired"];
    let test = &paired["corrected_t"];
    close(&test["p_value"], 0.147_328_259_921_561_76);
    close(&test["t"], -1.585_437_242_448_166_6);
    close(&paired["cohens_d"], -0.728_458_141_442_833_7);
    close(&test["posterior"]["inside"], 0.344_841_510_730_805_43);
    // A run without another says the same of itself in its record.
    let recorded = summary(&project, "trials_9", &runs[1]);
    assert_eq!(recorded["test"]["value"]["intervals"], json["runs"][1]["intervals"]);
}

#[test]
fn runs_on_other_folds_or_data_are_shown_alone_with_the_reason() {
    let project = Project::new();
    let [first, other, larger, fewer] = [(100, 10, 1), (100, 10, 2), (120, 10, 1), (100, 3, 1)]
        .map(|(n, folds, seed)| run(&project, &search(n, folds, seed, 2)));
    compared(&project, [&*first, &*other]).code(0).stderr_is("").stdout_is(
        "\
test.value over outer folds; smaller is better

 run                   experiment  outer folds    mean     std     low    high  95 % interval
 [RUN]  trials_2             10  0.2421  0.2012  0.0330  0.4512  corrected t
 [RUN]  trials_2             10  0.2421  0.2012  0.0330  0.4512  corrected t

[RUN] is not paired with [RUN]: the outer folds differ: of the 10 test rows of outer fold 0 in [RUN], 1 is in that of [RUN]; give both the same outer splitter and seed
",
    );
    compared(&project, [&*first, &*other, "--paired"]).code(2).stdout_is("").stderr_is(
        "\
error: [RUN] and [RUN] cannot be paired: the outer folds differ: of the 10 test rows of outer fold 0 in [RUN], 1 is in that of [RUN]; give both the same outer splitter and seed
hint: without --paired each is shown alone
",
    );
    let refused = |other: &str| {
        let json = compared(&project, [&*first, other, "--json"]).code(0).json();
        assert!(json["pairs"][0]["paired"].is_null());
        json["pairs"][0]["refused"].as_str().unwrap().to_owned()
    };
    let fingerprint = |id: &str| {
        let manifest: Value =
            serde_json::from_str(&project.read(Path::new("results/trials_2").join(id).join("run.json"))).unwrap();
        manifest["data_fingerprint"].as_str().unwrap()[..12].to_owned()
    };
    assert_eq!(
        refused(&larger),
        format!(
            "the data differ: {} in {first}, {} in {larger} (fingerprints of what the rows hold)",
            fingerprint(&first),
            fingerprint(&larger)
        )
    );
    assert_eq!(refused(&fewer), format!("{first} was tested on 10 outer folds, {fewer} on 3 outer folds"));
}

#[test]
fn few_folds_without_predictions_have_values_alone() {
    let project = Project::new();
    let [first, second] = [2, 9].map(|trials| run(&project, &search(60, 3, 1, trials)));
    compared(&project, [&*first, &*second]).code(0).stdout_is(
        "\
test.value over outer folds; smaller is better

 run                   experiment  outer folds    mean     std
 [RUN]  trials_2              3  0.2282  0.1279
 [RUN]  trials_9              3  0.1617  0.0558
3 outer folds are too few for a t interval: so few values hardly tell how much they vary; take at least 5
what was predicted for single test rows is not recorded

[RUN] minus [RUN]: -0.0665
",
    );
}

#[test]
fn few_folds_are_compared_by_the_decisions_for_their_rows() {
    let project = Project::new().file("table.csv", &table());
    let [first, second] = [(); 2].map(|()| run(&project, &network("stratified_kfold(2, 1)")));
    // Of ten rows the first is right in 8, the second in 5, and in 4 and 1 of them alone.
    says(&project, &first, &[0.9, 0.8, 0.7, 0.6, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3]);
    says(&project, &second, &[0.4, 0.3, 0.2, 0.1, 0.9, 0.8, 0.7, 0.6, 0.6, 0.3]);
    let output = compared(&project, [&*first, &*second, "--metric", "accuracy"]);
    output.code(0).stderr_is("").stdout_is(
        "\
test.accuracy over outer folds; larger is better

 run                   experiment  outer folds    mean     std     low    high  95 % interval
 [RUN]  net                   2  0.8000  0.0000  0.6750  0.9000  row bootstrap
 [RUN]  net                   2  0.5000  0.0000  0.3500  0.6500  row bootstrap
2 outer folds are too few for a t interval: so few values hardly tell how much they vary; take at least 5
row bootstrap: what other test rows would change, with the models as they are; 2000 resamples

 minus [RUN]     mean      low     high  right there only  right here only       p
 [RUN]        -0.3000  -0.5000  -0.1000                16                4  0.0118
paired by 40 test rows of 2 outer folds: bootstrap of the difference, 2000 resamples, with the models as they are
p is that of McNemar's exact test of decisions; right there only: rows that [RUN] alone has right
",
    );
    // scipy.stats.binomtest(4, 20).pvalue
    let json = compared(&project, [&*first, &*second, "--metric", "accuracy", "--json"]).json();
    close(&json["pairs"][0]["paired"]["rows"]["mcnemar"]["p_value"], 0.011_817_932_128_906_25);
}

#[test]
fn a_metric_of_an_old_run_is_computed_from_its_predictions() {
    let project = Project::new().file("table.csv", &table());
    let id = run(&project, &network("hold_out(0.25, 1, #{ stratified: true })"));
    says(&project, &id, &[0.9, 0.8, 0.7, 0.6, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3]);
    let output = project.xrun(["show", &id, "--metric", "accuracy"]);
    output.code(0).stderr_is("").stdout_contains(" outer  inner  validation.accuracy  test.accuracy\n     0      0 ");
    output.stdout_contains(
        " 1 outer fold     mean  std     low    high  95 % interval
 test.accuracy  0.8000    -  0.5000  1.0000  row bootstrap
1 outer fold is too few for a t interval: so few values hardly tell how much they vary; take at least 5
row bootstrap: what other test rows would change, with the models as they are; 2000 resamples
accuracy by Wilson's interval: 0.4902 to 0.9433
",
    );
    let json = project.xrun(["show", &id, "--metric", "accuracy", "--json"]).code(0).json();
    close(&json["finals"][0]["test"], 0.8);
    // scipy.stats.binomtest(8, 10).proportion_ci(method="wilson")
    assert_eq!(json["test"]["intervals"][1]["method"], "wilson");
    close(&json["test"]["intervals"][1]["low"], 0.4901624715366418);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let project = Project::new();
    let [first, second] = [2, 3].map(|trials| run(&project, &search(60, 3, 1, trials)));
    let refused = |arguments: &[&str], stderr: &str| {
        let arguments = [&*first, &*second].into_iter().chain(arguments.iter().copied());
        compared(&project, arguments).code(2).stdout_is("").stderr_is(stderr);
    };
    refused(
        &["--metric", "f1"],
        "error: [RUN] has no test.f1, and it recorded no predictions to compute it from; it has test.value\n",
    );
    refused(
        &["--metric", "auc"],
        "error: no metric is called `auc`; the metrics are accuracy, balanced_accuracy, roc_auc, log_loss, f1, precision, recall, \
         top_5_accuracy, f1_macro, f1_micro, precision_macro, recall_macro, expected_calibration_error, brier, \
         average_precision, matthews_corrcoef, r2, rmse, mae, mse, value\n",
    );
    refused(
        &["--rope", "-1"],
        "error: --rope is -1, but a limit of practical equivalence is a finite number not below 0\n",
    );
    compared(&project, [&*format!("{first}:value"), &*format!("{second}:f1")]).code(2).stderr_is(
        "\
error: value and f1 are several metrics, but one test metric is compared at a time
hint: call xrun compare once for each, and decide beforehand which one counts
",
    );
    compared(&project, [&*first])
        .code(2)
        .stderr_is("error: there is nothing to compare the baseline with; name another run\n");
    compared(&project, ["none", &*first])
        .code(5)
        .stderr_is("error: there is no run `none` in [PROJECT]/results\nhint: `xrun ls` lists the runs\n");
    project.write("table.csv", &table());
    let net = run(&project, &network("hold_out(0.25, 1)"));
    compared(&project, [&*net, &*first])
        .code(2)
        .stderr_is("error: [RUN] has no objective of its own\nhint: name a metric with --metric NAME\n");
    let untested = run(&project, &support::sphere("", "uniform(0.0, 1.0)"));
    compared(&project, [&*untested, &*first])
        .code(2)
        .stderr_is("error: [RUN] was not tested: its experiment holds out no test rows, or no final came to its end\n");
    std::fs::remove_file(project.path("results/a").join(&untested).join("summary.json")).unwrap();
    compared(&project, [&*untested, &*first]).code(2).stderr_is(
        "error: [RUN] did not come to its end, so that it has no test metrics yet\nhint: go on with it: xrun resume [RUN]\n",
    );
}

#[test]
fn runs_of_several_commits_are_compared_without_checking_them_out() {
    let project = Project::new();
    let git = |arguments: &[&str]| git(&project, arguments);
    let commit = |trials: usize, message: &str| {
        project.write("experiment.rhai", &search(100, 10, 1, trials).replace(&format!("trials_{trials}"), "versions"));
        git(&["add", "experiment.rhai"]);
        git(&["commit", "-qm", message]);
        git(&["rev-parse", "HEAD"])
    };
    let run = || {
        let output = project.xrun(["experiment.rhai", "--quiet", "--fresh", "--json"]);
        output.code(0).json()["run"].as_str().unwrap().to_owned()
    };
    let refused = |arguments: &[&str], stderr: &str| {
        compared(&project, ["--git"].iter().chain(arguments).copied()).code(2).stdout_is("").stderr_is(stderr);
    };
    refused(&["v1.."], "error: [PROJECT] is in no git repository that has commits\n");
    git(&["init", "-q"]);
    let first = commit(2, "two trials");
    git(&["tag", "v1"]);
    let of_first = run();
    let _without_a_run = commit(3, "three trials");
    let last = commit(30, "thirty trials");
    refused(
        &["v1.."],
        "error: of the 3 commits of v1.., 1 has a finished run of versions\n\
         hint: two are needed: check out another commit, run the experiment there, and come back\n",
    );
    let of_last = run();
    project.write("experiment.rhai", &search(100, 10, 1, 5).replace("trials_5", "versions"));
    run();
    let output = compared(&project, ["--git", "v1.."]);
    let text = output.code(0).stderr_is("");
    text.stdout_contains(&format!("{first:.10}  {of_first}  tag: v1       two trials"));
    text.stdout_contains(&format!("{last:.10}  {of_last}  HEAD -> main  thirty trials"));
    text.stdout_contains("\n\ntest.value over outer folds; smaller is better\n");
    let value = compared(&project, ["--git", "v1..main", "--json"]).code(0).json();
    let versions = [(&first, &of_first), (&last, &of_last)];
    for (version, (commit, run)) in value["versions"].as_array().unwrap().iter().zip(versions) {
        assert_eq!((version["commit"].as_str(), version["run"].as_str()), (Some(&**commit), Some(&**run)));
        assert_eq!(version["changed"], false);
    }
    assert_eq!(value["pairs"].as_array().unwrap().len(), 1);
    refused(&["v9.."], "error: git knows no commit called `v9`\nhint: git log and git tag list what there is\n");
    for range in ["v1", "v1...main"] {
        let wanted = "is no range of commits; write it as FIRST..LAST, or FIRST.. for all up to the one checked out";
        refused(&[range], &format!("error: `{range}` {wanted}\n"));
    }
    project.write("experiment.rhai", &search(100, 10, 1, 7));
    run();
    let several =
        "error: the commits of v1.. have runs of trials_7, versions\nhint: choose one with --experiment NAME\n";
    refused(&["v1.."], several);
    refused(&["v1..", "--experiment", "version"], several);
    compared(&project, ["--git", "v1..", "--experiment", "versions"]).code(0);
}

#[test]
fn a_model_to_ship_is_no_version_of_its_commit() {
    let project = Project::new().file("table.csv", &table());
    git(&project, &["init", "-q"]);
    let runs = [1, 2].map(|epochs| {
        let script = network("stratified_kfold(2, 1)").replace("epochs: 1", &format!("epochs: {epochs}"));
        project.write("experiment.rhai", &script);
        git(&project, &["add", "experiment.rhai"]);
        git(&project, &["commit", "-qm", "another"]);
        run(&project, &script)
    });
    project.xrun(["finalize", &*runs[1]]).code(0);
    let found = compared(&project, ["--git", "HEAD~1..", "--metric", "accuracy", "--json"]).code(0).json();
    let versions = found["versions"].as_array().unwrap().iter().map(|version| version["run"].as_str().unwrap());
    assert_eq!(versions.collect::<Vec<_>>(), runs);
}
