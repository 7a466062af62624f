//! `xrun compare`: recorded runs held against each other in one test metric.

use std::path::Path;

use super::Exit;
use super::args::CompareArguments;
use super::failure::Failure;
use super::intervals::{cells, header, notes};
use super::output::{print, table};
use super::run::{self, working_project};
use super::versions;
use crate::comparison::{self, Comparison, Pair, Subject, SubjectError, recorded_objective};
use crate::estimate::{Paired, PairedRows, PairedT};
use crate::settings;
use crate::store::{self, RunEntry};
use crate::trial::Direction;
use crate::wording::count;

pub(super) fn compare(arguments: &CompareArguments) -> Result<Exit, Failure> {
    if let Some(rope) = arguments.rope.filter(|rope| !(rope.is_finite() && *rope >= 0.0)) {
        let message = format!("--rope is {rope}, but a limit of practical equivalence is a finite number not below 0");
        return Err(Failure::new(Exit::Usage, message));
    }
    let project = working_project();
    let settings = settings::load(&project, &arguments.settings.flags())?.settings;
    let mut named = arguments.metric.clone().map(|metric| vec![metric]).unwrap_or_default();
    let versions = match &arguments.git {
        Some(range) => versions::versions(&settings.results, &project, range, arguments.experiment.as_deref())?,
        None => Vec::new(),
    };
    let mut runs: Vec<RunEntry> = versions.iter().map(|version| version.run.clone()).collect();
    for asked in arguments.baseline.iter().chain(&arguments.runs) {
        let (asked, metric) = run_and_metric(asked);
        let run = store::find(&settings.results, asked)?;
        named.extend(metric.map(str::to_owned));
        // The baseline may be one of the runs.
        if arguments.baseline.is_none() || !runs.iter().any(|known: &RunEntry| known.path == run.path) {
            runs.push(run);
        }
    }
    let metric = one_metric(named, &runs)?;
    let subjects: Result<Vec<Subject>, SubjectError> =
        runs.into_iter().map(|run| Subject::read(run, &metric)).collect();
    let mut subjects = subjects?;
    if subjects.len() < 2 {
        return Err(Failure::new(Exit::Usage, "there is nothing to compare the baseline with; name another run"));
    }
    let baseline = subjects.remove(0);
    let comparison = comparison::compare(&baseline, &subjects, arguments.rope);
    if arguments.paired
        && let Some((pair, refused)) =
            comparison.pairs.iter().find_map(|pair| pair.refused.as_ref().map(|why| (pair, why)))
    {
        let message = format!("{} and {} cannot be paired: {refused}", comparison.baseline, pair.run);
        return Err(Failure::new(Exit::Usage, message).hint("without --paired each is shown alone"));
    }
    if arguments.json {
        let mut value = serde_json::to_value(&comparison).expect("a comparison has text keys");
        if arguments.git.is_some() {
            value["versions"] = versions::json(&versions);
        }
        print(&value.to_string());
    } else {
        if arguments.git.is_some() {
            print(&format!("{}\n", versions::text(&versions)));
        }
        print(&text(&comparison));
    }
    Ok(Exit::Ok)
}

impl From<SubjectError> for Failure {
    fn from(error: SubjectError) -> Self {
        let failure = Self::new(Exit::Usage, error.to_string());
        match error {
            SubjectError::Unfinished { run } => failure.hint(format!("go on with it: xrun resume {run}")),
            SubjectError::NoObjective { .. } => failure.hint("name a metric with --metric NAME"),
            SubjectError::Config(diagnostic) => (*diagnostic).into(),
            SubjectError::Store(error) => error.into(),
            SubjectError::NotTested { .. }
            | SubjectError::NotRecorded { .. }
            | SubjectError::Unknown(_)
            | SubjectError::Undefined { .. } => failure,
        }
    }
}

/// Differences of values that are equal are 0 but for rounding.
fn number(value: f64) -> String {
    run::number(if value.abs() < 1e-12 { 0.0 } else { value })
}

/// The parts of `RUN:metric`; a path may hold colons of its own.
fn run_and_metric(asked: &str) -> (&str, Option<&str>) {
    match asked.rsplit_once(':') {
        Some((run, metric)) if !Path::new(asked).exists() => (run, Some(metric)),
        _ => (asked, None),
    }
}

/// The one metric that was named, or that all runs searched on.
fn one_metric(mut named: Vec<String>, runs: &[RunEntry]) -> Result<String, Failure> {
    let is_named = !named.is_empty();
    if !is_named {
        named = runs.iter().map(recorded_objective).collect::<Result<_, _>>()?;
    }
    match named.iter().position(|metric| *metric != named[0]) {
        None => Ok(named.swap_remove(0)),
        Some(_) if is_named => {
            named.dedup();
            let message =
                format!("{} are several metrics, but one test metric is compared at a time", named.join(" and "));
            Err(Failure::new(Exit::Usage, message)
                .hint("call xrun compare once for each, and decide beforehand which one counts"))
        }
        Some(other) => {
            let id = |index: usize| &runs[index].manifest.run;
            let message = format!("{} was searched on {}, {} on {}", id(0), named[0], id(other), named[other]);
            Err(Failure::new(Exit::Usage, message).hint("name one metric with --metric NAME"))
        }
    }
}

fn text(comparison: &Comparison) -> String {
    let better = match comparison.direction {
        Some(Direction::Maximize) => "; larger is better",
        Some(Direction::Minimize) => "; smaller is better",
        None => "",
    };
    let mut parts = vec![format!("test.{} over outer folds{better}", comparison.metric), alone(comparison)];
    parts.extend(over_folds(comparison));
    parts.extend(over_rows(comparison));
    parts.extend(comparison.pairs.iter().filter_map(|pair| missing(comparison, pair)));
    parts.join("\n\n")
}

fn alone(comparison: &Comparison) -> String {
    let tests: Vec<_> = comparison.runs.iter().map(|run| &run.test).collect();
    let mut head = ["run", "experiment", "outer folds"].map(str::to_owned).to_vec();
    head.extend(header(&tests));
    let rows: Vec<Vec<String>> = comparison
        .runs
        .iter()
        .map(|run| {
            let mut row = vec![run.run.clone(), run.experiment.clone(), run.test.per_outer.len().to_string()];
            row.extend(cells(&run.test, &tests));
            row
        })
        .collect();
    let mut lines = vec![table(&head, &rows)];
    let mut said: Vec<&String> = Vec::new();
    for why in comparison.runs.iter().flat_map(|run| &run.missing) {
        if !said.contains(&why) {
            said.push(why);
        }
    }
    lines.extend(said.into_iter().cloned());
    lines.extend(notes(&tests));
    lines.join("\n")
}

fn pairs<'a, T>(comparison: &'a Comparison, part: impl Fn(&'a Paired) -> Option<T>) -> Vec<(&'a str, &'a Paired, T)> {
    let of_pair = |pair: &'a Pair| {
        let paired = pair.paired.as_ref()?;
        part(paired).map(|part| (pair.run.as_str(), paired, part))
    };
    comparison.pairs.iter().filter_map(of_pair).collect()
}

fn over_folds(comparison: &Comparison) -> Option<String> {
    let pairs: Vec<(&str, &Paired, PairedT)> = pairs(comparison, |paired| paired.corrected_t);
    let (_, first, test) = pairs.first()?;
    let mut head = vec![format!("minus {}", comparison.baseline)];
    head.extend(["mean", "std", "low", "high", "t", "p"].map(str::to_owned));
    head.extend((pairs.len() > 1).then(|| "p Holm".to_owned()));
    head.push("d".to_owned());
    let has_rope = comparison.rope.is_some();
    if has_rope {
        head.extend(sides(comparison.direction).map(str::to_owned));
    }
    let optional = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let rows: Vec<Vec<String>> = pairs
        .iter()
        .map(|(run, paired, test)| {
            let mut row = vec![(*run).to_owned(), number(paired.mean), optional(paired.std)];
            row.extend([number(test.interval.low), number(test.interval.high), optional(test.t), number(test.p_value)]);
            row.extend((pairs.len() > 1).then(|| optional(test.p_holm)));
            row.push(optional(paired.cohens_d));
            if let Some(posterior) = test.posterior {
                row.extend([posterior.below, posterior.inside, posterior.above].map(number));
            }
            row
        })
        .collect();
    let mut lines = vec![
        table(&head, &rows),
        format!(
            "paired by {}: corrected resampled t with {} and n_test/n_train {}; d is Cohen's d of the paired differences, mean / std",
            count(first.differences.len(), "outer fold"),
            count(test.degrees, "degree").replace("degrees", "degrees of freedom"),
            number(test.test_over_train),
        ),
    ];
    if let Some(rope) = comparison.rope {
        let [below, inside, above] = sides(comparison.direction);
        lines.push(format!(
            "{below}, {inside}, {above}: posterior probability that the mean difference is below -{rope}, within {rope}, or above \
             {rope} (correlated t-test)"
        ));
    }
    Some(lines.join("\n"))
}

/// What the parts of the posterior are called.
fn sides(direction: Option<Direction>) -> [&'static str; 3] {
    match direction {
        Some(Direction::Maximize) => ["worse", "equivalent", "better"],
        Some(Direction::Minimize) => ["better", "equivalent", "worse"],
        None => ["below", "equivalent", "above"],
    }
}

fn over_rows(comparison: &Comparison) -> Option<String> {
    let pairs: Vec<(&str, &Paired, PairedRows)> = pairs(comparison, |paired| paired.rows);
    let (_, first, rows_of_first) = pairs.first()?;
    let has_tests = pairs.iter().any(|(_, _, rows)| rows.mcnemar.is_some());
    let mut head = vec![format!("minus {}", comparison.baseline)];
    head.extend(["mean", "low", "high"].map(str::to_owned));
    if has_tests {
        head.extend(["right there only", "right here only", "p"].map(str::to_owned));
        head.extend((pairs.len() > 1).then(|| "p Holm".to_owned()));
    }
    let optional = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let rows: Vec<Vec<String>> = pairs
        .iter()
        .map(|(run, paired, rows)| {
            let ends = rows.interval.map(|interval| (interval.low, interval.high)).unzip();
            let mut row = vec![(*run).to_owned(), number(paired.mean), optional(ends.0), optional(ends.1)];
            if has_tests {
                let dash = || "-".to_owned();
                row.push(rows.mcnemar.map_or_else(dash, |test| test.only_baseline.to_string()));
                row.push(rows.mcnemar.map_or_else(dash, |test| test.only_other.to_string()));
                row.push(optional(rows.mcnemar.map(|test| test.p_value)));
                row.extend((pairs.len() > 1).then(|| optional(rows.mcnemar.and_then(|test| test.p_holm))));
            }
            row
        })
        .collect();
    let mut lines = vec![
        table(&head, &rows),
        format!(
            "paired by {} of {}: bootstrap of the difference, {}, with the models as they are",
            count(rows_of_first.n_rows, "test row"),
            count(first.differences.len(), "outer fold"),
            count(rows_of_first.n_resamples, "resample")
        ),
    ];
    if has_tests {
        lines.push(format!(
            "p is that of McNemar's exact test of decisions; right there only: rows that {} alone has right",
            comparison.baseline
        ));
    }
    Some(lines.join("\n"))
}

/// Why a pair has no test, or is none.
fn missing(comparison: &Comparison, pair: &Pair) -> Option<String> {
    if let Some(refused) = &pair.refused {
        return Some(format!("{} is not paired with {}: {refused}", pair.run, comparison.baseline));
    }
    let paired = pair.paired.as_ref()?;
    // What holds for a run alone has been said there.
    let is_new = |why: &&String| !comparison.runs.iter().any(|run| run.missing.contains(why));
    let mut lines: Vec<String> = paired.missing.iter().filter(is_new).cloned().collect();
    if paired.corrected_t.is_none() && paired.rows.is_none() {
        lines.insert(0, format!("{} minus {}: {}", pair.run, comparison.baseline, number(paired.mean)));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}
