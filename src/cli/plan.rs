//! `xrun plan`: what a run of a script would do.

use super::Exit;
use super::args::{GraphFormat, PlanArguments};
use super::check::over_points;
use super::failure::Failure;
use super::graph;
use super::machine::Devices;
use super::output::print;
use super::run::evaluate_all;
use crate::data::Dataset;
use crate::replay::{self, Since};
use crate::runner::{self, Forecast, Prepared};
use crate::script::{Evaluated, Outcome, Written};
use crate::settings::Settings;
use crate::spec::Experiment;
use crate::spec::experiment::{Folds, Per, SearchSpec};
use crate::stop::StopRules;
use crate::store::{RunEntry, WeightsRecord, index};
use crate::wording::count;

/// What is known of a run before it begins.
struct Planned {
    prepared: Prepared,
    forecast: Forecast,
    /// What has changed since the latest run of this name; only asked for by a graph.
    since: Option<Since>,
}

pub(super) fn plan(arguments: &PlanArguments) -> Result<Exit, Failure> {
    let script = &arguments.script;
    let (written, settings) = evaluate_all(&script.script, &script.overrides, &arguments.settings.flags())?;
    match written.only(&script.only)? {
        Written::One(evaluated) => {
            let planned = planned(&[&evaluated], &settings, arguments.graph)?;
            let planned = planned.first().expect("one script has one plan");
            print(&if script.json {
                of_one(&evaluated, planned, arguments.graph).to_string()
            } else {
                shown(&evaluated, planned, arguments)
            });
        }
        Written::Variants(variants) if arguments.format == GraphFormat::Mermaid && variants.each().len() > 1 => {
            return Err(Failure::new(
                Exit::Usage,
                format!("a flowchart is of one experiment, and this script has the variants {}", variants.names()),
            )
            .hint("choose one with --only VARIANT"));
        }
        Written::Variants(variants) => {
            let each: Vec<&Evaluated> = variants.each().iter().map(|variant| variant.evaluated()).collect();
            let planned = planned(&each, &settings, arguments.graph)?;
            let n_fits: usize = planned.iter().map(|planned| planned.prepared.n_fits()).sum();
            let named = variants.each().iter().zip(&planned);
            print(&if script.json {
                let of: serde_json::Map<_, _> = named
                    .map(|(variant, planned)| {
                        (variant.name().to_owned(), of_one(variant.evaluated(), planned, arguments.graph))
                    })
                    .collect();
                serde_json::json!({ "name": variants.name(), "n_fits": n_fits, "variants": of }).to_string()
            } else {
                let mut texts: Vec<String> =
                    named.map(|(variant, planned)| shown(variant.evaluated(), planned, arguments)).collect();
                if arguments.format == GraphFormat::Text {
                    let (n, fits) = (count(planned.len(), "variant"), count(n_fits, "fit"));
                    texts.push(format!("{}: {n}, {fits} in all", variants.name()));
                }
                texts.join("\n\n")
            });
        }
    }
    Ok(Exit::Ok)
}

fn of_one(evaluated: &Evaluated, planned: &Planned, as_graph: bool) -> serde_json::Value {
    if !as_graph {
        return json(planned);
    }
    let graph = graph::graph(evaluated, &planned.prepared, &planned.forecast, planned.since.as_ref());
    serde_json::to_value(graph).expect("a graph has text keys")
}

fn shown(evaluated: &Evaluated, planned: &Planned, arguments: &PlanArguments) -> String {
    if !arguments.graph {
        return text(planned);
    }
    let graph = graph::graph(evaluated, &planned.prepared, &planned.forecast, planned.since.as_ref());
    match arguments.format {
        GraphFormat::Text => graph::text(&graph),
        GraphFormat::Mermaid => graph::mermaid(&graph),
    }
}

/// What must be there before the runs, what they would reuse, and for a graph what has changed since the latest ones.
fn planned(each: &[&Evaluated], settings: &Settings, as_graph: bool) -> Result<Vec<Planned>, Failure> {
    for evaluated in each {
        runner::check_network(evaluated)?;
    }
    let prepared = runner::prepare_all(each, &settings.results, &settings.cache)?;
    let device = Devices::choose(settings, true)?.open;
    let planned = |(evaluated, prepared): (&&Evaluated, Prepared)| {
        let forecast = runner::forecast(&prepared, &settings.results, device.class())?;
        let since = if as_graph { since(evaluated, &prepared, settings, device.class())? } else { None };
        Ok(Planned { prepared, forecast, since })
    };
    each.iter().zip(prepared).map(planned).collect()
}

/// What has changed since the latest run of this name that can be read.
fn since(
    evaluated: &Evaluated,
    prepared: &Prepared,
    settings: &Settings,
    device_class: &str,
) -> Result<Option<Since>, Failure> {
    let name = prepared.outcome.name();
    let runs = index::runs(&settings.results)?;
    let latest = runs.into_iter().rev().flatten().find(|run| run.experiment == name);
    let Some(run) = latest.and_then(|run| RunEntry::read(&run.path).ok()) else { return Ok(None) };
    Ok(Some(replay::since(&run, evaluated, prepared, device_class)))
}

fn describe(prepared: &Prepared) -> Option<String> {
    prepared.data.as_ref().map(Dataset::describe)
}

fn json(Planned { prepared, forecast, .. }: &Planned) -> serde_json::Value {
    let experiment = match &prepared.outcome {
        Outcome::Experiment(experiment) => experiment,
        Outcome::Fit(fit) => {
            return serde_json::json!({
                "name": fit.name(),
                "data": describe(prepared),
                "weights": prepared.weights,
                "n_fits": 1,
                "n_reused": forecast.n_reused,
                "reused_from": forecast.reused_from,
            });
        }
    };
    let plan = prepared.plan.as_ref().expect("an experiment has a plan");
    let mut value = serde_json::json!({
        "name": experiment.name(),
        "data": describe(prepared),
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
    value
}

fn text(Planned { prepared, forecast, .. }: &Planned) -> String {
    let experiment: &Experiment = match &prepared.outcome {
        Outcome::Experiment(experiment) => experiment,
        Outcome::Fit(_) => {
            let from = forecast.reused_from.first().map_or_else(String::new, |run| format!(", reused from {run}"));
            return format!("1 fit{from}");
        }
    };
    let plan = prepared.plan.as_ref().expect("an experiment has a plan");
    let mut lines = vec![experiment.name().to_owned()];
    if let Some(data) = describe(prepared) {
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
    let at_most = if experiment.search().is_some_and(SearchSpec::may_need_fewer_fits) { ", at most" } else { "" };
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
    lines.join("\n")
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
