//! `xrun params`: what can be set in a script, and what is searched in it.

use super::Exit;
use super::args::ScriptArguments;
use super::check::space;
use super::failure::Failure;
use super::output::{print, table};
use super::run::evaluate_all;
use crate::script::{Evaluated, Outcome, Written};
use crate::settings::Flags;
use crate::spec::Param;
use crate::spec::domain::ParamDomain;
use crate::value::Value;
use crate::wording::count;

pub(super) fn params(arguments: &ScriptArguments) -> Result<Exit, Failure> {
    let (written, _) = evaluate_all(&arguments.script, &arguments.overrides, &Flags::default())?;
    let (name, each) = match written.only(&arguments.only)? {
        Written::One(evaluated) => (evaluated.outcome.name().to_owned(), vec![(None, *evaluated)]),
        Written::Variants(variants) => {
            let each = variants.each().iter();
            let each = each.map(|variant| (Some(variant.name().to_owned()), variant.evaluated().clone()));
            (variants.name().to_owned(), each.collect())
        }
    };
    // Variants are written in one script: its params are those of all of them.
    let declared: Vec<&Param> =
        each.first().map_or_else(Vec::new, |(_, of)| of.params.iter().map(AsRef::as_ref).collect());
    print(&match arguments.json {
        true => json(&name, &declared, &each).to_string(),
        false => text(&name, &declared, &each, arguments),
    });
    Ok(Exit::Ok)
}

fn text(name: &str, declared: &[&Param], each: &[(Option<String>, Evaluated)], given: &ScriptArguments) -> String {
    let mut parts = Vec::new();
    let params: Vec<Vec<String>> = declared.iter().map(|param| row(param)).collect();
    if params.is_empty() {
        parts.push(format!("{name} declares no param; param(\"epochs\", 10, \"epochs of the fit\") makes one"));
    } else {
        parts.push(format!("{name}: {}", count(params.len(), "param")));
        parts.push(table(&["param", "value", "default", "accepts", "help"].map(str::to_owned), &params));
    }
    let mut searched = None;
    for (variant, evaluated) in each {
        let Outcome::Experiment(experiment) = &evaluated.outcome else { continue };
        let of = variant.as_ref().map_or_else(String::new, |variant| format!("{variant}: "));
        parts.push(match experiment.space().parameters() {
            [] => format!("{of}nothing is searched"),
            [first, ..] => {
                searched = searched.or(Some(first.name().to_owned()));
                let n = experiment.space().parameters().len();
                let are = if n == 1 { "is" } else { "are" };
                format!("{of}{} {are} searched\n\n{}", count(n, "parameter"), space(experiment))
            }
        });
    }
    let script = given.script.display();
    let mut ways: Vec<String> = Vec::new();
    if let Some(param) = declared.first() {
        ways.push(format!("set a param       xrun {script} {}={}", param.name, param.value));
    }
    if let Some(parameter) = searched {
        ways.push(format!("fix a parameter   xrun {script} {parameter}=VALUE"));
    }
    if !ways.is_empty() {
        parts.push(ways.join("\n"));
    }
    parts.join("\n\n")
}

fn row(param: &Param) -> Vec<String> {
    let kind = param.default.kind();
    let accepts = match &param.domain {
        ParamDomain::Any => kind.to_owned(),
        ParamDomain::OneOf(_) => param.domain.to_string(),
        ParamDomain::Range(range) => format!("{kind}, {range}"),
    };
    vec![param.name.clone(), param.value.to_string(), param.default.to_string(), accepts, param.help.clone()]
}

fn json(name: &str, declared: &[&Param], each: &[(Option<String>, Evaluated)]) -> serde_json::Value {
    let params: Vec<_> = declared.iter().map(|param| param_json(param)).collect();
    let mut value = serde_json::json!({ "name": name, "params": params });
    match each {
        [(None, evaluated)] => value["space"] = space_json(evaluated),
        _ => {
            let named = each.iter().filter_map(|(variant, evaluated)| Some((variant.clone()?, evaluated)));
            let spaces: serde_json::Map<_, _> = named
                .map(|(variant, evaluated)| (variant, serde_json::json!({ "space": space_json(evaluated) })))
                .collect();
            value["variants"] = spaces.into();
        }
    }
    value
}

fn param_json(param: &Param) -> serde_json::Value {
    let kind = match param.default {
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Text(_) => "text",
    };
    let accepts = match &param.domain {
        ParamDomain::Any => serde_json::Value::Null,
        ParamDomain::OneOf(values) => serde_json::json!({ "one_of": values }),
        ParamDomain::Range(range) => serde_json::json!({ "min": range.min(), "max": range.max() }),
    };
    serde_json::json!({
        "name": param.name,
        "type": kind,
        "value": param.value,
        "default": param.default,
        "accepts": accepts,
        "help": param.help,
    })
}

fn space_json(evaluated: &Evaluated) -> serde_json::Value {
    let Outcome::Experiment(experiment) = &evaluated.outcome else { return serde_json::json!([]) };
    let parameters = experiment.space().parameters().iter().map(|parameter| {
        let condition = parameter
            .condition()
            .map(|condition| serde_json::json!({ "parameter": condition.parameter(), "one_of": condition.options() }));
        serde_json::json!({
            "name": parameter.name(),
            "distribution": parameter.distribution(),
            "condition": condition,
        })
    });
    parameters.collect::<Vec<_>>().into()
}
