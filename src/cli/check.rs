//! `xrun check`: what a script says.

use super::Exit;
use super::args::ScriptArguments;
use super::failure::Failure;
use super::output::{print, say, table};
use super::run::evaluate_all;
use crate::runner::{self, RunError};
use crate::script::{Evaluated, Outcome, Written};
use crate::settings::Flags;
use crate::space::Parameter;
use crate::spec::domain::ParamDomain;
use crate::spec::experiment::SearchSpec;
use crate::spec::{Experiment, Param};
use crate::wording::count;

pub(super) fn check(arguments: &ScriptArguments) -> Result<Exit, Failure> {
    let (written, _) = evaluate_all(&arguments.script, &arguments.overrides, &Flags::default())?;
    match written.only(&arguments.only)? {
        Written::One(evaluated) => {
            sound([&*evaluated])?;
            let params = params(&evaluated);
            print(&match arguments.json {
                true => check_json(&evaluated).to_string(),
                false => std::iter::once(describe(&evaluated)).chain(params).collect::<Vec<_>>().join("\n\n"),
            });
        }
        Written::Variants(variants) => {
            let each = || variants.each().iter().map(|variant| (variant.name(), variant.evaluated()));
            sound(each().map(|(_, evaluated)| evaluated))?;
            print(&if arguments.json {
                let of: serde_json::Map<_, _> =
                    each().map(|(name, evaluated)| (name.to_owned(), check_json(evaluated))).collect();
                serde_json::json!({ "kind": "variants", "name": variants.name(), "variants": of }).to_string()
            } else {
                let texts = each().map(|(_, evaluated)| describe(evaluated));
                let params = each().next().and_then(|(_, evaluated)| params(evaluated));
                texts.chain(params).collect::<Vec<_>>().join("\n\n")
            });
        }
    }
    Ok(Exit::Ok)
}

/// Whether weights and shapes are in order.
fn sound<'a>(each: impl IntoIterator<Item = &'a Evaluated>) -> Result<(), Failure> {
    let mut is_told = false;
    for evaluated in each {
        runner::weights(&evaluated.outcome)?;
        match runner::check_network(evaluated) {
            // A script may be looked at where its data are not.
            Err(RunError::Data(_)) if is_told => {}
            Err(RunError::Data(error)) => {
                say(&format!("the shapes of the network were not checked: {error}"));
                is_told = true;
            }
            checked => checked?,
        }
    }
    Ok(())
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

fn describe(evaluated: &Evaluated) -> String {
    let experiment = match &evaluated.outcome {
        Outcome::Experiment(experiment) => experiment,
        Outcome::Fit(fit) => return format!("{}: one fit, fully resolved", fit.name()),
    };
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
    if !experiment.space().parameters().is_empty() {
        parts.push(space(experiment));
    }
    parts.join("\n\n")
}

/// The parameters that are searched, with their ranges and what they depend on.
pub(super) fn space(experiment: &Experiment) -> String {
    let row = |parameter: &Parameter| {
        let condition = parameter.condition().map_or_else(String::new, |condition| {
            let options: Vec<String> = condition.options().iter().map(ToString::to_string).collect();
            format!("if {} is {}", condition.parameter(), options.join(" or "))
        });
        vec![parameter.name().to_owned(), parameter.distribution().to_string(), condition]
    };
    let rows: Vec<Vec<String>> = experiment.space().parameters().iter().map(row).collect();
    table(&["parameter".to_owned(), "searched in".to_owned(), String::new()], &rows)
}

/// The params that a script declares, if any; a config of one fit has none of its own.
fn params(evaluated: &Evaluated) -> Option<String> {
    let is_experiment = matches!(evaluated.outcome, Outcome::Experiment(_));
    let rows: Vec<Vec<String>> = evaluated.params.iter().map(|param| param_row(param)).collect();
    (is_experiment && !rows.is_empty()).then(|| table(&["param", "value", "help"].map(str::to_owned), &rows))
}

/// The size of a grid, as in ` over 12 points`.
pub(super) fn over_points(search: &SearchSpec) -> String {
    search.n_points.map_or_else(String::new, |n| format!(" over {}", count(n, "point")))
}

fn param_row(param: &Param) -> Vec<String> {
    let domain = match &param.domain {
        ParamDomain::Any => String::new(),
        accepted => format!(" [{accepted}]"),
    };
    vec![param.name.clone(), param.value.to_string(), format!("{}{domain}", param.help)]
}
