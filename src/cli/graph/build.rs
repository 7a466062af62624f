//! The steps of a run, from what is prepared and what is recorded.

use super::{Graph, Stage, State, Step};
use crate::data::Dataset;
use crate::plan::{Plan, StudyId};
use crate::replay::Since;
use crate::runner::{FinalForecast, Forecast, PartForecast, Prepared};
use crate::script::{Evaluated, Outcome, SourceKind};
use crate::spec::experiment::SearchSpec;
use crate::wording::count;

/// Changed values that are named; a changed network may have hundreds.
const NAMED: usize = 3;

/// The graph of a run; `since` tells what has changed since the latest one of this name, if there is one.
pub(in crate::cli) fn graph(
    evaluated: &Evaluated,
    prepared: &Prepared,
    forecast: &Forecast,
    since: Option<&Since>,
) -> Graph {
    let name = prepared.outcome.name();
    let mut steps = inputs(evaluated, prepared, since);
    let needs: Vec<String> = steps.iter().map(|step| step.id.clone()).collect();
    let reason = reason(name, since);
    let outside = is_external(prepared).then(|| from_outside(since));
    let trained = match &prepared.plan {
        Some(plan) => studies(prepared, plan, forecast, outside.as_ref(), &needs, &reason),
        None => vec![only_fit(forecast, &needs, &reason)],
    };
    let last = evaluate(prepared.plan.as_ref(), &trained);
    steps.extend(trained);
    steps.push(last);
    let n_fits = prepared.n_fits();
    let (n_reused, n_others) = match outside {
        Some((State::UpToDate, _)) => (n_fits, 0),
        _ => (forecast.n_reused, forecast.n_others),
    };
    Graph {
        name: name.to_owned(),
        n_fits,
        n_reused,
        n_others,
        steps,
        is_external: is_external(prepared),
        may_be_fewer: may_be_fewer(prepared),
    }
}

fn is_external(prepared: &Prepared) -> bool {
    matches!(&prepared.outcome, Outcome::Experiment(experiment) if experiment.external().is_some())
}

/// Whether a study may need fewer fits than are planned.
fn may_be_fewer(prepared: &Prepared) -> bool {
    let Outcome::Experiment(experiment) = &prepared.outcome else { return false };
    experiment.search().is_some_and(SearchSpec::may_need_fewer_fits)
}

fn step(id: &str, stage: Stage, name: &str, state: State, what: String) -> Step {
    Step { id: id.to_owned(), stage, name: name.to_owned(), state, what, why: String::new(), needs: Vec::new() }
}

/// What is read before anything is trained.
fn inputs(evaluated: &Evaluated, prepared: &Prepared, since: Option<&Since>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (index, source) in evaluated.sources.iter().enumerate() {
        let (id, name) = match source.kind {
            SourceKind::Main => ("script".to_owned(), "script"),
            SourceKind::Import => (format!("import_{index}"), "import"),
            SourceKind::Loaded => (format!("load_{index}"), "load"),
        };
        steps.push(step(&id, Stage::Prepare, name, State::Read, source.shown.to_string()));
    }
    let others: Vec<String> = steps.iter().skip(1).map(|step| step.id.clone()).collect();
    if let Some(script) = steps.first_mut() {
        script.needs = others;
    }
    let compared = |mut step: Step, is_same: &dyn Fn(&Since) -> bool| {
        if let Some(since) = since {
            let same = is_same(since);
            step.state = if same { State::UpToDate } else { State::Changed };
            step.why = format!("{} {}", if same { "as in" } else { "other than in" }, since.run);
        }
        step.needs = vec!["script".to_owned()];
        step
    };
    let read = |id: &str, name: &str, what: String| step(id, Stage::Prepare, name, State::Read, what);
    if let Some(data) = &prepared.data {
        steps.push(compared(read("data", "data", Dataset::describe(data)), &|since| !since.data));
    }
    for (index, weights) in prepared.weights.iter().enumerate() {
        let is_same = |since: &Since| since.weights.as_ref() != Some(&weights.path);
        steps.push(compared(read(&format!("weights_{index}"), "weights", weights.path.clone()), &is_same));
    }
    for (index, path) in prepared.inputs.recorded().into_keys().enumerate() {
        let is_same = |since: &Since| since.input.as_ref() != Some(&path);
        steps.push(compared(read(&format!("input_{index}"), "input", path.clone()), &is_same));
    }
    if let Some(warm) = &prepared.warm_start {
        let mut warm = read("warm_start", "warm start", warm.to_string());
        warm.needs = vec!["script".to_owned()];
        steps.push(warm);
    }
    if let (Some(plan), Some(splits)) = (&prepared.plan, &prepared.splits) {
        let n_inner: Vec<usize> = splits.outer().iter().map(|fold| fold.inner().len()).collect();
        let inner = match n_inner.iter().min().zip(n_inner.iter().max()) {
            Some((least, most)) if least != most => format!("{least} to {most}"),
            most => most.map_or(0, |(_, most)| *most).to_string(),
        };
        let studies = count(plan.studies().len(), "study");
        let what = format!("{} outer x {inner} inner, {studies}", n_inner.len());
        let mut folds = compared(read("folds", "folds", what), &Since::has_same_folds);
        folds.needs = vec!["script".to_owned(), "data".to_owned()];
        steps.push(folds);
    }
    steps
}

/// Why what is not recorded is not.
fn reason(name: &str, since: Option<&Since>) -> String {
    let Some(since) = since else { return format!("no run of {name} is recorded") };
    let run = &since.run;
    if since.is_same() {
        return if since.has_ended {
            format!("{run} has no intact record of it")
        } else {
            format!("{run} was stopped before; xrun resume {run} goes on with it")
        };
    }
    let mut changed = Vec::new();
    if since.data {
        changed.push("other data".to_owned());
    }
    // Other data have other folds, and another splitter is among the values.
    if since.folds && !since.data && !since.config.iter().any(|change| change.name.starts_with("cv")) {
        changed.push("other folds".to_owned());
    }
    changed.extend(since.weights.iter().chain(&since.input).map(|path| format!("another {path}")));
    changed.extend(since.versions.iter().map(|(what, before, now)| format!("{what} {before} -> {now}")));
    let nothing = || "-".to_owned();
    changed.extend(since.config.iter().take(NAMED).map(|change| {
        let (before, now) = (change.a.clone().unwrap_or_else(nothing), change.b.clone().unwrap_or_else(nothing));
        format!("{} {before} -> {now}", change.name)
    }));
    if since.config.len() > NAMED {
        changed.push(format!("{} more", count(since.config.len() - NAMED, "value")));
    }
    format!("since {run}: {}", changed.join(", "))
}

/// A study's part of the graph, before those that are alike are put together.
#[derive(PartialEq)]
struct Told {
    what: String,
    trials: (State, String),
    last: Option<(State, String)>,
}

/// The studies and their finals; those of neighbours that are told alike are one step.
fn studies(
    prepared: &Prepared,
    plan: &Plan,
    forecast: &Forecast,
    outside: Option<&(State, String)>,
    needs: &[String],
    reason: &str,
) -> Vec<Step> {
    let at_most = if may_be_fewer(prepared) { "at most " } else { "" };
    let mut groups: Vec<(Told, Vec<StudyId>)> = Vec::new();
    for part in &forecast.parts {
        let mut told = told(part, plan.n_trials(), at_most, reason);
        if let Some(trials) = outside {
            told.trials = trials.clone();
        }
        match groups.last_mut() {
            Some((same, studies)) if *same == told => studies.push(part.study),
            _ => groups.push((told, vec![part.study])),
        }
    }
    let mut steps = Vec::new();
    for (index, (told, of)) in groups.into_iter().enumerate() {
        let (Some(first), Some(end)) = (of.first(), of.last()) else { continue };
        let name = match of.len() {
            1 => first.to_string(),
            _ => format!("{first} to {end}"),
        };
        let each = match (of.len(), plan.n_trials()) {
            (1, _) => String::new(),
            (n, 0) => format!("{}, ", count(n, "study")),
            (n, _) => format!("{}, each ", count(n, "study")),
        };
        let id = format!("study_{index}");
        let (state, why) = told.trials;
        let mut study = step(&id, Stage::Train, &name, state, format!("{each}{}", told.what));
        study.why = why;
        study.needs = needs.to_vec();
        steps.push(study);
        if let Some((state, why)) = told.last {
            let what = if of.len() == 1 { "1 fit".to_owned() } else { count(of.len(), "fit") };
            let mut last = step(&format!("final_{index}"), Stage::Train, "final", state, what);
            last.why = why;
            last.needs = vec![id];
            steps.push(last);
        }
    }
    steps
}

/// The trials of an experiment that are told. A run that was told all of them has ended; the config alone finds it.
fn from_outside(since: Option<&Since>) -> (State, String) {
    match since {
        Some(since) if since.has_ended && since.config.is_empty() => (State::UpToDate, format!("from {}", since.run)),
        _ => (State::WillRun, "told from outside: xrun ask, xrun tell".to_owned()),
    }
}

fn told(part: &PartForecast, n_trials: usize, at_most: &str, reason: &str) -> Told {
    let from = format!("from {}", part.reused_from.join(", "));
    let n = part.n_others();
    let what = match n_trials {
        0 => "nothing is searched".to_owned(),
        _ => format!("{at_most}{} of {}", count(part.n_fits, "fit"), count(n_trials, "trial")),
    };
    let trials = match (part.n_reused, n) {
        (0, 0) => (State::Read, String::new()),
        (_, 0) => (State::UpToDate, from.clone()),
        (0, _) => (State::WillRun, reason.to_owned()),
        (reused, n) => (State::Partly, format!("{reused} {from}, {n} at most will run: {reason}")),
    };
    let last = match part.last {
        FinalForecast::None => None,
        FinalForecast::Recorded => Some((State::UpToDate, from)),
        FinalForecast::Missing => Some((State::WillRun, reason.to_owned())),
        FinalForecast::Waits => Some((State::Waits, "follows from the best trial".to_owned())),
    };
    Told { what, trials, last }
}

/// The fit of a fit's config.
fn only_fit(forecast: &Forecast, needs: &[String], reason: &str) -> Step {
    let (state, why) = match forecast.reused_from.first() {
        Some(run) => (State::UpToDate, format!("from {run}")),
        None => (State::WillRun, reason.to_owned()),
    };
    let fit = step("fit", Stage::Train, "fit", state, "1 fit".to_owned());
    Step { why, needs: needs.to_vec(), ..fit }
}

/// What is made of the trained models: it is up to date when all of them are. A fit's config has no plan.
fn evaluate(plan: Option<&Plan>, trained: &[Step]) -> Step {
    let finals: Vec<&Step> = trained.iter().filter(|step| step.name == "final").collect();
    let what = match plan {
        None => "summary and report",
        Some(_) if finals.is_empty() => "the best trial, summary and report",
        Some(_) => "test metrics over the outer folds, summary and report",
    };
    let of: Vec<&Step> = if finals.is_empty() { trained.iter().collect() } else { finals };
    let waits = of.iter().any(|step| step.state != State::UpToDate);
    let mut results = step("results", Stage::Evaluate, "results", State::UpToDate, what.to_owned());
    if waits {
        results.state = State::Waits;
        results.why = "made when all has been trained".to_owned();
    }
    results.needs = of.iter().map(|step| step.id.clone()).collect();
    results
}
