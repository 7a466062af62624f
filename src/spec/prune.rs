//! Pruners between the tree and their typed form: what a search says, and what a fit's config holds.

use std::convert::Infallible;

use super::check::Problem;
use super::fit::{self, Role};
use super::parse::{CHECKED, Read};
use super::tree::{Make, Tree};
use crate::pruner::{
    Bounds, Hyperband, Measure, Patience, Percentile, Pruner, PrunerError, Schedule, StopRule, SuccessiveHalving,
    Threshold,
};

/// What a constructor of the family built.
pub(super) fn pruner(make: &Make<Infallible>) -> Result<Pruner, PrunerError> {
    let schedule = || Schedule::new(make.count("warmup_epochs"), make.count("interval"));
    let percentile = |percentile| Percentile::new(percentile, make.count("n_startup"), schedule()?);
    Ok(match make.constructor().name {
        "median" => Pruner::Percentile(percentile(50.0)?),
        "percentile" => Pruner::Percentile(percentile(make.float("percentile"))?),
        "threshold" => Pruner::Threshold(Threshold::new(make.float("value"), schedule()?)?),
        "patience" => Pruner::Patience(Patience::new(make.count("epochs"), make.float("min_delta"))?),
        "successive_halving" => {
            Pruner::SuccessiveHalving(SuccessiveHalving::new(make.count("min_epochs"), make.count("reduction_factor"))?)
        }
        "hyperband" => Pruner::Hyperband(Hyperband::new(
            make.count("min_epochs"),
            make.count("max_epochs"),
            make.count("reduction_factor"),
        )?),
        "bounds" => {
            let measure = if make.text("on") == "best" { Measure::Best } else { Measure::Last };
            Pruner::Bounds(Bounds::paired(measure, &make.counts("epochs"), &make.floats("values"))?)
        }
        other => unreachable!("`{other}` is no pruner: {CHECKED}"),
    })
}

/// The rule a fit is held against.
pub(super) fn of_fit(make: &Make<Infallible>, role: Role, has_curve: bool) -> Result<Option<StopRule>, Problem> {
    let Some(given) = make.make("prune") else { return Ok(None) };
    if role == Role::Final {
        return Err(Problem::new("a final is trained to its end; only a trial's fit can be pruned"));
    }
    if !has_curve {
        return Err(Problem::new("a pruner judges the objective after each epoch of a model")
            .hint("give the fit a `model`, and `maximize` or `minimize`"));
    }
    match pruner(given).map_err(|error| Problem::new(error.to_string()))? {
        Pruner::Bounds(bounds) => Ok(Some(StopRule::Bounds(bounds))),
        Pruner::Patience(patience) => Ok(Some(StopRule::Patience(patience))),
        other => {
            Err(Problem::new(format!("`{}` is a rule for the trials of a search, and this is one fit", other.name()))
                .hint("a fit is held against bounds(#{...}) or patience(n)"))
        }
    }
}

/// A rule as a fit's config has it.
pub(super) fn written(rule: &StopRule) -> Result<Tree<Infallible>, Problem> {
    let whole = |n: usize| Tree::Int(i64::try_from(n).expect("epochs fit"));
    match rule {
        StopRule::Bounds(bounds) => {
            let epochs = bounds.at().iter().map(|&(epoch, _)| whole(epoch)).collect();
            let values = bounds.at().iter().map(|&(_, value)| Tree::Float(value)).collect();
            let on = Tree::Text(bounds.measure().name().to_owned());
            fit::make("bounds", [("epochs", Tree::List(epochs)), ("values", Tree::List(values)), ("on", on)])
        }
        StopRule::Patience(patience) => fit::make(
            "patience",
            [("epochs", whole(patience.epochs())), ("min_delta", Tree::Float(patience.min_delta()))],
        ),
    }
}
