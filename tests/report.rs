//! The page about recorded runs: what it says is in the record, it needs nothing else, and no text in it is markup.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use support::Project;

/// Two classes in a table, with names that would be markup, and rows that cannot all be told right.
fn table() -> String {
    let mut text = "a,b,kind\n".to_owned();
    for row in 0..96_u32 {
        let class = row % 2;
        // Numbers without a pattern, shifted by the class.
        let a = f64::from((row * 37 + 11) % 41) / 20.0 + f64::from(class);
        let b = f64::from((row * 53 + 5) % 29) / 14.0;
        let kind = ["<script>bad()</script>", "\"\"good\"\" & 'well'"][class as usize];
        text.push_str(&format!("{a},{b},\"{kind}\"\n"));
    }
    text
}

const NESTED: &str = r#"experiment(#{
    name: "nested",
    data: csv_table("rows.csv", #{ target: "kind" }),
    model: classifier(#{ backbone: mlp(#{ hidden: choice(#{ "<b>small": [4], large: [8] }) }) }),
    train: [
        phase("warm", #{ epochs: 2, optimizer: adam(#{ lr: 0.01 }) }),
        phase("full", #{ epochs: 3, optimizer: adam(#{ lr: log_uniform(1e-3, 1e-1) }) }),
    ],
    cv: nested(#{ outer: stratified_kfold(3, 1), inner: stratified_kfold(2, 2) }),
    search: random(#{ trials: 4, maximize: "roc_auc", per: "inner" }),
})"#;

fn nested() -> (Project, std::path::PathBuf) {
    let project = Project::new().script(NESTED).file("rows.csv", &table());
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = project.only_run("nested");
    (project, run)
}

/// The part of a page from a section's heading to the next.
#[track_caller]
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let start = page.find(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("there is no section {id}"));
    let rest = &page[start..];
    &rest[..rest.find("</section>").expect("it ends")]
}

fn ids(page: &str) -> Vec<&str> {
    let starts = page.split("<section id=\"").skip(1);
    starts.map(|rest| rest.split('"').next().unwrap_or_default()).collect()
}

/// Target, decision and probability of the second class, of each row of a table of predictions.
fn predictions(project: &Project, path: &Path) -> Vec<(String, String, f64)> {
    let text = project.read(path);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let row =
        |row: csv::StringRecord| (row[1].to_owned(), row[2].to_owned(), row[4].parse::<f64>().expect("a probability"));
    reader.records().map(|record| row(record.expect("a line"))).collect()
}

#[test]
fn a_run_leaves_a_page_with_every_part_that_its_record_has() {
    let (project, run) = nested();
    let page = project.read(run.join("report.html"));
    let wanted = [
        "folds",
        "curves",
        "probabilities",
        "reliability",
        "confusion",
        "mistakes",
        "learning",
        "history",
        "chosen",
        "parallel",
        "slices",
        "timeline",
        "origin",
        "searched",
    ];
    assert_eq!(ids(&page), wanted, "with 4 trials a study nothing is said of importance");
    let summary: serde_json::Value = serde_json::from_str(&project.read(run.join("summary.json"))).expect("JSON");
    let auc = &summary["test"]["roc_auc"];
    let number = |value: &serde_json::Value| format!("{:.4}", value.as_f64().expect("a number"));
    let answer = format!(
        "On test rows, which no search has seen, the ROC AUC is <b>{}</b> on average over 3 outer folds; 95 % interval {} \
         to {} (row bootstrap: other test rows, these models).",
        number(&auc["mean"]),
        number(&auc["intervals"][0]["low"]),
        number(&auc["intervals"][0]["high"])
    );
    assert!(page.contains(&answer), "{answer}");
    for value in auc["per_outer"].as_array().expect("a list") {
        assert!(section(&page, "folds").contains(&format!(">{}</text>", number(value))), "{value}");
    }
    for phase in ["warm", "full"] {
        assert!(section(&page, "learning").contains(&format!(">{phase}</text>")), "{phase}");
    }
    assert!(section(&page, "origin").contains(&format!("<td class=\"v\">{}</td>", summary_digest(&project, &run))));
    assert!(section(&page, "searched").contains("log_uniform(0.001, 0.1)"));
    assert!(section(&page, "timeline").contains("30 fits trained"), "6 studies of 4 trials and a final");
}

fn summary_digest(project: &Project, run: &Path) -> String {
    let manifest: serde_json::Value = serde_json::from_str(&project.read(run.join("run.json"))).expect("JSON");
    manifest["config_blake3"].as_str().expect("a digest").to_owned()
}

#[test]
fn confusion_and_calibration_are_those_of_the_recorded_predictions() {
    let (project, run) = nested();
    let page = project.read(run.join("report.html"));
    let mut counts: BTreeMap<(String, String), f64> = BTreeMap::new();
    let mut error = [[0.0; 3]; 10];
    for outer in 0..3 {
        for inner in 0..2 {
            let fit = run.join(format!("outer-{outer}/inner-{inner}/final"));
            let rows = predictions(&project, &fit.join("test_predictions.csv"));
            for (target, decided, probability) in &rows {
                *counts.entry((target.clone(), decided.clone())).or_default() += 0.5;
                #[expect(clippy::cast_precision_loss, reason = "a few rows")]
                let weight = 1.0 / (3.0 * 2.0 * rows.len() as f64);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a step of ten")]
                let bin = &mut error[((probability * 10.0) as usize).min(9)];
                bin[0] += weight * probability;
                bin[1] += if target.contains("script") { weight } else { 0.0 };
                bin[2] += weight;
            }
        }
    }
    let confusion = section(&page, "confusion");
    let all = |class: &str| counts.iter().filter(|((target, _), _)| target == class).map(|(_, n)| n).sum::<f64>();
    for ((target, decided), n) in &counts {
        let percent = format!(">{:.0} %</text>", 100.0 * n / all(target));
        let rows = if n.fract() == 0.0 { format!(">{n:.0}</text>") } else { format!(">{n:.1}</text>") };
        assert!(confusion.contains(&percent) && confusion.contains(&rows), "{target} as {decided}: {percent} {rows}");
    }
    let expected: f64 = error.iter().map(|[predicted, observed, _]| (predicted - observed).abs()).sum();
    let told = format!("expected error {expected:.4}");
    assert!(section(&page, "reliability").contains(&told), "{told}");
}

#[test]
fn texts_of_scripts_and_data_are_no_markup() {
    let (project, run) = nested();
    let page = project.read(run.join("report.html"));
    assert!(!page.contains("<script") && !page.contains("<b>small"));
    assert!(section(&page, "mistakes").contains("&lt;script&gt;bad()&lt;/script&gt;"));
    assert!(section(&page, "confusion").contains("&quot;good&quot; &amp; &#39;well&#39;"));
    assert!(section(&page, "chosen").contains("&lt;b&gt;small") || section(&page, "slices").contains("&lt;b&gt;small"));
}

/// Nothing that a browser would fetch: no address but those within the page and of pictures in it.
#[test]
fn the_page_loads_nothing() {
    let (project, run) = nested();
    let page = project.read(run.join("report.html"));
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
    for attribute in ["src=\"", "href=\"", "url("] {
        for rest in page.split(attribute).skip(1) {
            assert!(rest.starts_with('#') || rest.starts_with("data:image/jpeg;base64,"), "{attribute}{:.60}", rest);
        }
    }
    assert!(!page.contains("@import") && !page.contains("<link") && !page.contains("<iframe"));
}

#[test]
fn the_page_is_no_part_of_the_record_and_is_made_anew_with_the_same_bytes() {
    let (project, run) = nested();
    let place = run.join("report.html");
    let first = project.read(&place);
    std::fs::remove_file(project.path(&place)).expect("it is there");
    project.xrun(["replay", "@latest", "--quiet"]).code(0);
    let made = project.xrun(["report"]);
    made.code(0).stdout_is("[PROJECT]/results/nested/[RUN]/report.html\n");
    assert_eq!(project.read(&place), first);
    let elsewhere = project.xrun(["report", "@latest", "-o", "page.html"]);
    elsewhere.code(0).stdout_is("page.html\n");
    assert_eq!(project.read("page.html"), first);
    project.xrun(["note", "@latest", "a <first> look"]).code(0);
    project.xrun(["tag", "@latest", "kept", "by=me"]).code(0);
    project.xrun(["report", "@latest", "-o", "page.html"]).code(0);
    let page = project.read("page.html");
    for row in ["note</th><td class=\"v\">a &lt;first&gt; look</td>", "tags</th><td class=\"v\">by=me kept</td>"] {
        assert!(section(&page, "origin").contains(row), "{row}");
    }
}

#[test]
fn a_page_that_was_not_written_yet_when_a_run_was_killed_is_written_when_it_is_resumed() {
    let (project, run) = nested();
    let place = run.join("report.html");
    let first = project.read(&place);
    std::fs::remove_file(project.path(&place)).expect("it is there");
    let partial = run.join("report.html.partial");
    std::fs::write(project.path(&partial), "<html>").expect("it can be written");
    project.xrun(["resume"]).code(0).stderr_contains("came to its end; there is nothing to go on with");
    assert_eq!(project.read(&place), first);
    assert!(!project.path(&partial).exists());
}

#[test]
fn few_outer_folds_and_rows_in_groups_are_why_there_is_no_interval() {
    let few = "<p class=\"note\">No interval over outer folds: 3 outer folds are too few for a t interval: so few values hardly tell \
               how much they vary; take at least 5.</p>";
    let rows = "<p class=\"note\">None over test rows either: the rows come in groups, and rows of one group do not count as \
                independent.</p>";
    let (project, run) = nested();
    let page = project.read(run.join("report.html"));
    assert!(page.contains(few) && !page.contains("None over test rows"), "there is one over rows");
    let grouped = NESTED
        .replace("target: \"kind\"", "target: \"kind\", group: \"b\"")
        .replace("stratified_kfold(3, 1)", "group_kfold(3, 1)")
        .replace("stratified_kfold(2, 2)", "group_kfold(2, 2)");
    let project = Project::new().script(&grouped).file("rows.csv", &table());
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let page = project.read(project.only_run("nested").join("report.html"));
    assert!(page.contains(few) && page.contains(rows));
    assert!(!page.contains("% interval"));
}

#[test]
fn every_figure_is_written_as_svg_and_png() {
    let (project, _) = nested();
    let made = project.xrun(["report", "@latest", "--figures", "figures"]);
    made.code(0).stderr_contains("16 figures in figures\n");
    let names = project.names("figures");
    let stems = [
        "chosen",
        "confusion",
        "curves-precision-recall",
        "curves-roc",
        "folds-accuracy",
        "folds-balanced-accuracy",
        "folds-roc-auc",
        "history",
        "learning-train-loss",
        "learning-validation",
        "parallel",
        "probabilities",
        "reliability",
        "slices-model-backbone-hidden",
        "slices-train-full-optimizer-lr",
        "timeline",
    ];
    let wanted: Vec<String> = stems.iter().flat_map(|stem| [format!("{stem}.png"), format!("{stem}.svg")]).collect();
    assert_eq!(names, wanted);
    for stem in stems {
        let svg = project.read(format!("figures/{stem}.svg"));
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n") && !svg.contains("var(--"), "{stem}");
        let png = std::fs::read(project.path(format!("figures/{stem}.png"))).expect("it is there");
        assert!(png.starts_with(b"\x89PNG") && png.len() > 2000, "{stem}: {} bytes", png.len());
    }
}

#[test]
fn a_formula_has_its_best_trial_for_an_answer_and_nothing_about_predictions() {
    let script = r#"experiment(#{
        name: "formula",
        objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0) }),
        search: random(#{ trials: 40, minimize: "value" }),
    })"#;
    let project = Project::new().script(script);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = project.only_run("formula");
    let page = project.read(run.join("report.html"));
    let wanted = ["history", "importance", "chosen", "parallel", "slices", "timeline", "origin", "searched"];
    assert_eq!(ids(&page), wanted);
    let summary: serde_json::Value = serde_json::from_str(&project.read(run.join("summary.json"))).expect("JSON");
    let study = &summary["studies"][0];
    let best = study["best_value"].as_f64().expect("a number");
    let answer = format!("The best of 40 trials is trial {}, with value <b>{best:.4}</b>.", study["best_trial"]);
    assert!(page.contains(&answer), "{answer}");
    for (name, share) in study["importance"].as_object().expect("shares by name") {
        let percent = format!("{:.0} %", 100.0 * share.as_f64().expect("a number"));
        assert!(section(&page, "importance").contains(&format!(">{percent}</text>")), "{name} {percent}");
    }
}

#[test]
fn a_run_that_did_not_end_says_so_and_shows_what_there_is() {
    let script = r#"experiment(#{
        name: "asked",
        objective: external(#{ x: uniform(0.0, 1.0), epochs: 2 }),
        search: random(#{ trials: 5, minimize: "value" }),
    })"#;
    let project = Project::new().script(&script.replace(", epochs: 2", ""));
    for (trial, value) in ["0.5", "0.25"].iter().enumerate() {
        project.xrun(["ask", "experiment.rhai"]).code(0);
        project.xrun(["tell", "@latest", "--trial", &trial.to_string(), "--value", value]).code(0);
    }
    project.xrun(["ask", "experiment.rhai"]).code(0);
    project.xrun(["tell", "@latest", "--trial", "2", "--failed", "<i>out</i> of luck"]).code(0);
    project.xrun(["report"]).code(0);
    let page = project.read(project.only_run("asked").join("report.html"));
    assert!(page.contains(
        "<p class=\"warn\">This run has not come to its end (unfinished): 3 trials and 0 finals of 5 planned fits have. What \
         follows is of those alone.</p>"
    ));
    assert!(page.contains("<p class=\"warn\">1 trial failed: &lt;i&gt;out&lt;/i&gt; of luck (1).</p>"));
    assert!(page.contains("The best of 3 trials is trial 1, with value <b>0.2500</b>."));
    assert_eq!(ids(&page), ["history", "chosen", "slices", "origin", "searched"]);
}

#[test]
fn several_runs_share_a_page_that_ranks_none_of_them() {
    let (project, _) = nested();
    let refused = project.xrun(["report", "@latest", "@latest"]);
    refused
        .code(2)
        .stderr_is("error: a report about 2 runs has no place of its own\nhint: say where it goes: -o report.html\n");
    project.xrun(["report", "@latest", "@latest", "-o", "both.html"]).code(0);
    let page = project.read("both.html");
    assert!(page.contains(
        "All runs have the same data and the same folds. They stand in the order in which they were asked for."
    ));
    assert!(page.contains("<section id=\"run1-curves\">") && page.contains("<section id=\"run2-curves\">"));
    let missing = project.xrun(["report", "nowhere"]);
    missing.code(5);
    let unwritable = project.xrun(["report", "@latest", "-o", "no/such/page.html"]);
    unwritable.code(1).stderr_is(
        "error: cannot write no/such/page.html: No such file or directory (os error 2)\n\
         hint: name a file or folder that can be written\n",
    );
}

#[test]
fn all_runs_of_an_experiment_share_a_page_with_what_they_differ_in() {
    let script = r#"experiment(#{
        name: "many",
        data: rows(60),
        objective: branin(#{ x1: uniform(-5.0, param("high", 10.0, "the upper end")), x2: uniform(0.0, 15.0) }),
        cv: nested(#{ outer: kfold(5, 1), inner: kfold(2, 2) }),
        search: random(#{ trials: param("trials", 2, "how many"), minimize: "value", per: "outer" }),
    })"#;
    let project = Project::new().script(script);
    for arguments in [["trials=2", "high=10.0"], ["trials=4", "high=10.0"], ["trials=60", "high=5.0"]] {
        project.xrun(["experiment.rhai", arguments[0], arguments[1], "--quiet"]).code(0);
    }
    project.xrun(["report", "--all", "many", "-o", "all.html"]).code(0).stdout_is("all.html\n").stderr_is("");
    let page = project.read("all.html");
    assert!(page.contains("<h1>many</h1>\n<p class=\"meta\">3 runs · "));
    assert_eq!(ids(&page), ["runs", "values"]);
    assert!(!page.contains("<p class=\"warn\">"), "they have the same data and folds");
    let rows: Vec<&str> = page.split("<tr><td class=\"n\">").skip(1).collect();
    assert_eq!(rows.len(), 3);
    for (row, run) in rows.iter().zip(project.runs("many")) {
        let summary: serde_json::Value =
            serde_json::from_str(&project.read(run.join("summary.json"))).expect("a summary is JSON");
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap_or(1));
        let best = summary["studies"].as_array().expect("there are studies").iter();
        let reached = mean(best.map(|study| study["best_value"].as_f64().expect("a value")).collect());
        let test = summary["test"]["value"]["mean"].as_f64().expect("a mean");
        assert!(row.contains(&format!("<td class=\"n\">{reached:.4} <small>value</small></td>")), "{reached}: {row}");
        assert!(row.contains(&format!("<td class=\"n\">{test:.4} <small>value</small></td>")), "{test}: {row}");
    }
    assert!(rows[2].contains("<td>60</td>") && rows[2].contains("<td>uniform(-5.0, 5.0)</td>"), "{}", rows[2]);
    let values = section(&page, "values");
    assert!(values.contains("Each dot is a run") && values.contains("search.trials"), "{values}");
    let hints = [("few", "`xrun ls` lists the runs and their experiments"), ("manny", "did you mean `many`?")];
    for (asked, hint) in hints {
        let wanted = format!("error: there is no experiment `{asked}` in [PROJECT]/results\nhint: {hint}\n");
        project.xrun(["report", "--all", asked, "-o", "all.html"]).code(5).stdout_is("").stderr_is(&wanted);
    }
    project.xrun(["report", "--all", "many"]).code(2).stderr_contains("--output <FILE>");
    project.write(project.runs("many")[0].join("run.json"), "{");
    let output = project.xrun(["report", "--all", "many", "-o", "all.html"]);
    output.code(0).stderr_contains("warning: ");
    assert!(project.read("all.html").contains("2 runs · "));
}

#[test]
fn runs_that_were_searched_on_another_metric_are_not_drawn_beside_the_newest() {
    let (project, _) = nested();
    project.write("experiment.rhai", &NESTED.replace("maximize: \"roc_auc\"", "maximize: \"accuracy\""));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    project.write("rows.csv", &table().replace("0.55", "0.5"));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    project.xrun(["report", "--all", "nested", "-o", "all.html"]).code(0);
    let page = project.read("all.html");
    let runs = section(&page, "runs");
    assert!(
        runs.contains("Not drawn among what the searches reached: 1 run searched on another metric.")
            && runs.contains(">accuracy</text>"),
        "{runs}"
    );
    assert!(!runs.contains("ROC AUC"), "{runs}");
    assert_eq!(runs.matches("h.01").count(), 5, "two runs by what was reached, and all three on test rows");
    assert!(page.contains("Not all runs have the same data and folds: their numbers say different things."));
}

#[test]
fn a_page_of_all_runs_says_that_their_folds_differ() {
    let script = r#"experiment(#{
        name: "folds",
        data: rows(60),
        objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0) }),
        cv: nested(#{ outer: kfold(5, param("seed", 1, "of the outer folds")), inner: kfold(2, 2) }),
        search: random(#{ trials: 2, minimize: "value", per: "outer" }),
    })"#;
    let project = Project::new().script(script);
    for seed in ["seed=1", "seed=2"] {
        project.xrun(["experiment.rhai", seed, "--quiet"]).code(0);
    }
    project.xrun(["report", "--all", "folds", "-o", "all.html"]).code(0);
    let page = project.read("all.html");
    assert!(page.contains("Not all runs have the same data and folds: their numbers say different things."));
}

#[test]
fn one_trial_has_no_course() {
    let script = r#"experiment(#{
        name: "one",
        objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0) }),
        search: random(#{ trials: 1, minimize: "value" }),
    })"#;
    let project = Project::new().script(script);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let page = project.read(project.only_run("one").join("report.html"));
    assert!(page.contains("The best of 1 trial is trial 0") && !ids(&page).contains(&"history"), "{:?}", ids(&page));
}

/// A hundred studies of fifty trials: what is drawn does not grow with the record.
#[test]
fn a_large_run_has_a_small_page() {
    let script = r#"experiment(#{
        name: "large",
        data: rows(100),
        objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0) }),
        cv: nested(#{ outer: kfold(10, 1), inner: kfold(2, 2) }),
        search: random(#{ trials: 60, minimize: "value", per: "inner" }),
    })"#;
    let project = Project::new().script(script);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let page = project.read(project.only_run("large").join("report.html"));
    assert!(page.len() < 400_000, "{} bytes", page.len());
    assert!(section(&page, "slices").contains("(600 of 1200 are drawn)"));
    assert!(section(&page, "parallel").contains("250 of 1200 at equal distances of rank"));
}
