//! `xrun check` and `xrun plan`: what a script says, and what a run of it would do.

use super::Exit;
use super::args::{PlanArguments, ScriptArguments};
use super::failure::Failure;
use super::output::{print, say, table};
use super::run::{Devices, evaluate};
use crate::runner::{self, RunError};
use crate::script::{Evaluated, Outcome};
use crate::settings::Flags;
use crate::spec::experiment::{Folds, Per, SearchSpec};
use crate::spec::leaf::ParamDomain;
use crate::spec::{Experiment, Param};
use crate::stop::StopRules;
use crate::store::WeightsRecord;
use crate::wording::count;

pub(super) fn check(arguments: &ScriptArguments) -> Result<Exit, Failure> {
    let (evaluated, _) = evaluate(&arguments.script, &arguments.overrides, &Flags::default())?;
    runner::weights(&evaluated.outcome)?;
    match runner::check_network(&evaluated) {
        // A script may be looked at where its data are not.
        Err(RunError::Data(error)) => say(&format!("the shapes of the network were not checked: {error}")),
        checked => checked?,
    }
    if arguments.json {
        print(&check_json(&evaluated).to_string());
        return Ok(Exit::Ok);
    }
    match &evaluated.outcome {
        Outcome::Experiment(experiment) => print(&describe(experiment, &evaluated)),
        Outcome::Fit(fit) => print(&format!("{}: one fit, fully resolved", fit.name())),
    }
    Ok(Exit::Ok)
}

fn check_json(evaluated: &Evaluated) -> serde_json::Value {
    let params: Vec<_> = evaluated
        .params
        .iter()
        .map(|param| {
            serde_json::json!({ "name": param.name, "value": param.value, "default": param.default, "help": param.help })
        })
        .collect();
    match &evaluated.outcome {
        Outcome::Experiment(experiment) => serde_json::json!({
            "kind": "experiment",
            "name": experiment.name(),
            "params": params,
            "space": experiment.space().parameters().iter().map(|parameter| serde_json::json!({
                "name": parameter.name(),
                "distribution": parameter.distribution(),
            })).collect::<Vec<_>>(),
        }),
        Outcome::Fit(fit) => serde_json::json!({ "kind": "fit", "name": fit.name(), "params": params }),
    }
}

fn describe(experiment: &Experiment, evaluated: &Evaluated) -> String {
    let mut parts = vec![match experiment.search() {
        Some(search) => format!(
            "{}: {} search{}, {}{} a study, {}",
            experiment.name(),
            search.sampler.name(),
            over_points(search),
            if search.stop.is_some() { "at most " } else { "" },
            count(search.n_trials, "trial"),
            search.aims()
        ),
        None => format!("{}: no search", experiment.name()),
    }];
    let space = experiment.space().parameters();
    if !space.is_empty() {
        let rows: Vec<Vec<String>> = space
            .iter()
            .map(|parameter| {
                let condition = parameter.condition().map_or_else(String::new, |condition| {
                    let options: Vec<String> = condition.options().iter().map(ToString::to_string).collect();
                    format!("if {} is {}", condition.parameter(), options.join(" or "))
                });
                vec![parameter.name().to_owned(), parameter.distribution().to_string(), condition]
            })
            .collect();
        parts.push(table(&["parameter".to_owned(), "searched in".to_owned(), String::new()], &rows));
    }
    if !evaluated.params.is_empty() {
        let rows: Vec<Vec<String>> = evaluated.params.iter().map(|param| param_row(param)).collect();
        parts.push(table(&["param", "value", "help"].map(str::to_owned), &rows));
    }
    parts.join("\n\n")
}

/// The size of a grid, as in ` over 12 points`.
fn over_points(search: &SearchSpec) -> String {
    search.n_points.map_or_else(String::new, |n| format!(" over {}", count(n, "point")))
}

/// As in `maximize roc_auc, minimize log_loss`.
fn objectives(search: &SearchSpec) -> String {
    search.objectives().map(|objective| objective.to_string()).collect::<Vec<_>>().join(", ")
}

/// As in `accuracy at least 0.8, log_loss at most 0.6`.
fn limits(search: &SearchSpec) -> String {
    search.constraints.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// How often the features of a frozen backbone are computed.
fn features_of(untrained: bool, has_weights: bool) -> &'static str {
    match (untrained, has_weights) {
        (true, true) => "features once a picture, kept in the cache and shared by all fits",
        (true, false) => "features once a fit; random weights are those of one fit",
        (false, _) => "features once a fit; weights that an earlier phase trained are those of one fit",
    }
}

/// The rules in words, and which of them another machine may keep otherwise.
fn stop_rules(stop: &StopRules) -> String {
    let of_trials = Some(stop.to_string()).filter(|rules| !rules.is_empty());
    let of_the_clock = stop.wall_time().map(|time| {
        let time = humantime::format_duration(time);
        format!("wall_time {time} of the whole run, the only rule that depends on the machine")
    });
    of_trials.into_iter().chain(of_the_clock).collect::<Vec<_>>().join(", ")
}

fn param_row(param: &Param) -> Vec<String> {
    let domain = match &param.domain {
        ParamDomain::Any => String::new(),
        ParamDomain::OneOf(values) => {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            format!(" [{}]", values.join(", "))
        }
        ParamDomain::Range(low, high) => format!(" [{low} to {high}]"),
    };
    vec![param.name.clone(), param.value.to_string(), format!("{}{domain}", param.help)]
}

pub(super) fn plan(arguments: &PlanArguments) -> Result<Exit, Failure> {
    let script = &arguments.script;
    let (evaluated, settings) = evaluate(&script.script, &script.overrides, &arguments.settings.flags())?;
    runner::check_network(&evaluated)?;
    let prepared = runner::prepare(&evaluated, &settings.results, &settings.cache)?;
    let data = prepared.data.as_ref().map(crate::data::Dataset::describe);
    let device = Devices::choose(&settings, true)?.open;
    let forecast = runner::forecast(&prepared, &settings.results, device.class())?;
    let experiment = match &evaluated.outcome {
        Outcome::Experiment(experiment) => experiment,
        Outcome::Fit(fit) => {
            if script.json {
                let value = serde_json::json!({
                    "name": fit.name(),
                    "data": data,
                    "weights": prepared.weights,
                    "n_fits": 1,
                    "n_reused": forecast.n_reused,
                    "reused_from": forecast.reused_from,
                });
                print(&value.to_string());
            } else {
                let from = forecast.reused_from.first().map_or_else(String::new, |run| format!(", reused from {run}"));
                print(&format!("1 fit{from}"));
            }
            return Ok(Exit::Ok);
        }
    };
    let plan = prepared.plan.as_ref().expect("an experiment has a plan");
    if script.json {
        let mut value = serde_json::json!({
            "name": experiment.name(),
            "data": data,
            "weights": prepared.weights,
            "n_studies": plan.studies().len(),
            "n_trials": plan.n_trials(),
            "n_fits": plan.n_fits(),
            "arithmetic": plan.arithmetic(),
            "n_parallel": plan.n_parallel(),
            "n_reused": forecast.n_reused,
            "reused_from": forecast.reused_from,
        });
        if let Some(warm_start) = &prepared.warm_start {
            value["warm_start"] = serde_json::json!({
                "run": warm_start.run(),
                "n_trials": warm_start.n_trials(),
                "n_counting": warm_start.n_counting(),
            });
        }
        if let Some(line) = experiment.command_line() {
            value["command"] = line.into();
        }
        print(&value.to_string());
        return Ok(Exit::Ok);
    }
    let mut lines = vec![experiment.name().to_owned()];
    if let Some(data) = data {
        lines.push(format!("data     {data}"));
    }
    if let (Some(program), Some(line)) = (experiment.program(), experiment.command_line()) {
        lines.push(format!("command  {line}"));
        lines.push(format!("folder   {}", program.folder.display()));
    }
    if experiment.external().is_some() {
        lines.push("value    told from outside: xrun ask, xrun tell".to_owned());
    }
    for WeightsRecord { network, path, digest } in &prepared.weights {
        lines.push(format!("weights  {network} begins with {path}, digest {digest:.12}"));
    }
    for (phase, untrained) in experiment.frozen_phases() {
        lines.push(format!("frozen   backbone in {phase}: {}", features_of(untrained, !prepared.weights.is_empty())));
    }
    if let Some(splits) = &prepared.splits {
        let sizes: Vec<String> = splits
            .outer()
            .iter()
            .filter_map(|fold| {
                let inner = fold.inner().first()?;
                let test = fold.test_rows().rows().len();
                Some(format!("{} + {} + {test}", inner.train.len(), inner.validation.len()))
            })
            .take(1)
            .collect();
        let from = match experiment.folds() {
            Some(Folds::File { path, .. }) => format!(" from {}", path.display()),
            _ => String::new(),
        };
        let n_inner: Vec<String> = splits.outer().iter().map(|fold| fold.inner().len().to_string()).collect();
        let n_inner = if n_inner.windows(2).all(|pair| pair[0] == pair[1]) { n_inner.first().cloned() } else { None };
        let n_inner = n_inner.unwrap_or_else(|| "several".to_owned());
        lines.push(format!("folds    {} outer x {n_inner} inner{from}", splits.outer().len()));
        lines.push(format!("rows     {} (train + validation + test, first fold)", sizes.join("")));
    }
    if let Some(duplicates) = prepared.duplicates() {
        lines.push(format!("warning  {duplicates}"));
    }
    if let Some(search) = experiment.search() {
        lines.push(format!(
            "search   {}{}, {}{} a study, {}, {}",
            search.sampler.name(),
            over_points(search),
            if search.stop.is_some() { "at most " } else { "" },
            count(search.n_trials, "trial"),
            objectives(search),
            count(experiment.space().parameters().len(), "parameter")
        ));
        if experiment.folds().is_some() {
            lines.push(match search.per {
                Per::Inner => {
                    "study    one per outer x inner fold; its best trial is trained again and tested".to_owned()
                }
                Per::Outer => {
                    "study    one per outer fold; a trial is scored by its mean over the inner folds".to_owned()
                }
            });
        }
        if !search.constraints.is_empty() {
            lines.push(format!("limits   {}; a trial that misses one is worse than any that does not", limits(search)));
        }
        if let Some(prune) = &search.prune {
            let where_ = match search.per {
                Per::Inner => "",
                Per::Outer => ", on a trial's first inner fold; the others are trained when it has passed",
            };
            lines.push(format!("prune    {}{where_}", prune.name()));
        }
        if let Some(race) = search.race {
            lines.push(format!(
                "race     level {}; inner folds are trained in order, and a trial may be given up after {} of them",
                race.level, race.min_folds
            ));
        }
    }
    if let Some(stop) = experiment.search().and_then(|search| search.stop) {
        lines.push(format!("stop     {}", stop_rules(&stop)));
    }
    if let Some(warm_start) = &prepared.warm_start {
        lines.push(format!("warm     {warm_start}"));
    }
    let ends_early = experiment.search().is_some_and(|search| search.stop.is_some());
    let gives_up_folds = experiment.search().is_some_and(|search| search.per == Per::Outer && search.gives_up());
    let at_most = if gives_up_folds || ends_early { ", at most" } else { "" };
    lines.push(format!("fits     {}{at_most}", plan.arithmetic()));
    lines.push(match plan.n_parallel() {
        1 => "at once  1 fit; a lag of more than 1 in the search allows more".to_owned(),
        n => format!("at once  {n} fits at most, by as many workers"),
    });
    if forecast.n_reused > 0 {
        let (n, others, runs) = (forecast.n_reused, forecast.n_others, forecast.reused_from.join(", "));
        lines.push(match others {
            0 => format!("reused   all of them, from {runs}; nothing is trained"),
            _ => format!("reused   {n} from {runs}; {} at most to be trained", count(others, "fit")),
        });
    }
    print(&lines.join("\n"));
    Ok(Exit::Ok)
}
