//! What the data, the model, the metrics and the threshold must agree on: whether classes are told apart or a number is
//! predicted.

use std::convert::Infallible;

use super::check::{Problem, Step};
use super::data::{CsvTableSpec, DataSpec, TableTask};
use super::experiment::ThresholdRule;
use super::leaf::{Leaf, SearchKind};
use super::naming::Blame;
use super::tree::{Make, Tree};
use crate::metric::Metric;
use crate::value::Value;

/// Whether the target is a number.
pub(super) fn is_of_numbers(data: &DataSpec) -> bool {
    matches!(data, DataSpec::CsvTable(CsvTableSpec { task: TableTask::Regression, .. }))
}

/// A regressor on classes.
pub(super) fn regressor_of_classes() -> Problem {
    Problem::new("a regressor predicts a number, but the target of the data is a class").hint(
        "write csv_table(..., #{ task: \"regression\" }) if the target column holds numbers, or classifier(#{...})",
    )
}

/// A classifier on numbers.
pub(super) fn classifier_of_numbers() -> Problem {
    Problem::new("a classifier tells classes apart, but the target of the data is a number")
        .hint("write regressor(#{...}), or leave task: \"regression\" out of csv_table")
}

/// Whether the metric is one of what is predicted. "value", which is neither's, is left to others.
pub(super) fn metric(metric: Metric, is_of_numbers: bool) -> Result<(), Problem> {
    if metric == Metric::Value || metric.is_of_numbers() == is_of_numbers {
        return Ok(());
    }
    let known = Metric::ALL.iter().filter(|known| **known != Metric::Value && known.is_of_numbers() == is_of_numbers);
    let known: Vec<&str> = known.map(|metric| metric.name()).collect();
    let (of, model, wanted) = match is_of_numbers {
        true => ("classes", "a regressor predicts a number", "a number"),
        false => ("a number", "a classifier tells classes apart", "classes"),
    };
    Err(Problem::new(format!("\"{metric}\" is a metric of {of}, and {model}"))
        .hint(format!("the metrics of {wanted} are {}", known.join(", "))))
}

/// Whether there is something that the threshold decides.
pub(super) fn threshold(rule: ThresholdRule, is_of_numbers: bool) -> Result<(), Problem> {
    // Left out, it is fixed(0.5).
    match rule {
        ThresholdRule::Fixed(0.5) => Ok(()),
        ThresholdRule::Fixed(_) | ThresholdRule::Youden if is_of_numbers => {
            Err(Problem::new("a threshold decides between two classes, and a regressor predicts a number")
                .hint("leave `threshold` out"))
        }
        ThresholdRule::Fixed(_) | ThresholdRule::Youden => Ok(()),
    }
}

/// Whether every model that may be trained, and every metric that a phase watches, is one for these data.
pub(super) fn model_and_train(make: &Make<Leaf>, data: &DataSpec) -> Result<(), Blame> {
    let is_of_numbers = is_of_numbers(data);
    for model in make.get("model").map(built).unwrap_or_default() {
        let problem = match (model.constructor().name == "regressor", is_of_numbers) {
            (true, false) => regressor_of_classes(),
            (false, true) => classifier_of_numbers(),
            _ => continue,
        };
        return Err(Blame { origin: model.origin().clone(), problem });
    }
    let Some(Tree::List(phases)) = make.get("train") else { return Ok(()) };
    for phase in phases.iter().flat_map(built) {
        let rules = phase.get("early_stop").map(options).unwrap_or_default();
        for monitor in rules.into_iter().filter_map(monitor) {
            metric(monitor, is_of_numbers)
                .map_err(|problem| Blame { origin: phase.origin().clone(), problem: monitored(problem) })?;
        }
    }
    Ok(())
}

/// The metric that a rule for early stopping names.
fn monitor(rule: &Tree<Leaf>) -> Option<Metric> {
    let Tree::Map(rule) = rule else { return None };
    match rule.get("monitor")? {
        Tree::Text(name) => name.parse().ok(),
        Tree::Leaf(Leaf::Param(param)) => match &param.value {
            Value::Text(name) => name.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The same of the metrics of a fit: that it is scored by, and those that its phases watch.
pub(super) fn fit_metrics(make: &Make<Infallible>, is_of_numbers: bool) -> Result<(), Problem> {
    let check = |tree: Option<&Tree<Infallible>>| match tree {
        Some(Tree::Text(name)) => name.parse().map_or(Ok(()), |named| metric(named, is_of_numbers)),
        _ => Ok(()),
    };
    for key in ["maximize", "minimize"] {
        check(make.get(key)).map_err(|problem| problem.under(Step::Key(key.to_owned())))?;
    }
    let Some(Tree::List(phases)) = make.get("train") else { return Ok(()) };
    for (index, phase) in phases.iter().enumerate() {
        if let Tree::Make(phase) = phase
            && let Some(Tree::Map(rule)) = phase.get("early_stop")
        {
            check(rule.get("monitor"))
                .map_err(|problem| monitored(problem).under(Step::Index(index)).under(Step::Key("train".to_owned())))?;
        }
    }
    Ok(())
}

fn monitored(problem: Problem) -> Problem {
    problem.under(Step::Key("monitor".to_owned())).under(Step::Key("early_stop".to_owned()))
}

/// What may stand in a place: all options of a choice.
fn options(tree: &Tree<Leaf>) -> Vec<&Tree<Leaf>> {
    if let Tree::Leaf(Leaf::Search(leaf)) = tree
        && let SearchKind::Choice(choices) = leaf.kind()
    {
        return choices.iter().flat_map(|option| options(&option.tree)).collect();
    }
    vec![tree]
}

/// Those that a constructor built.
fn built(tree: &Tree<Leaf>) -> Vec<&Make<Leaf>> {
    fn make(tree: &Tree<Leaf>) -> Option<&Make<Leaf>> {
        if let Tree::Make(make) = tree { Some(make) } else { None }
    }
    options(tree).into_iter().filter_map(make).collect()
}
