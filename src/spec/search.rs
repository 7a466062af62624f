//! The search of an experiment, held against its space.

use std::convert::Infallible;

use super::check::{Problem, Step};
use super::enqueue::known_points;
use super::experiment::SearchSpec;
use super::naming::{Blame, Names};
use super::parse;
use super::tree::{Make, Tree};
use crate::space::SearchSpace;

/// The search that `make` describes, which ends with the last point of a finite grid.
///
/// # Errors
/// A metric in the wrong direction, a known point that does not fit the space, or a parameter that the sampler cannot
/// search, at the place of the parameter.
pub(super) fn settle(make: &Make<Infallible>, names: &Names, space: &SearchSpace) -> Result<SearchSpec, Blame> {
    let blame = |problem: Problem| Blame { origin: make.origin().clone(), problem };
    let mut search = parse::search(make).map_err(blame)?;
    let n_points = search.sampler.n_points(space).map_err(|error| {
        let leaf = names.leaves().iter().find(|named| named.name == error.parameter());
        let origin = leaf.map_or_else(|| make.origin(), |named| named.leaf.origin());
        Blame { origin: origin.clone(), problem: Problem::new(error.to_string()).hint(error.hint()) }
    })?;
    if let Some(n) = n_points {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        search.n_points = Some(n);
        search.n_trials = search.n_trials.min(n);
    }
    if let Some(Tree::List(listed)) = make.get("enqueue") {
        search.enqueue = known_points(listed, space)
            .and_then(|points| match points.len() {
                n if n > search.n_trials => Err(Problem::new(format!(
                    "`enqueue` lists {n} points, more than the number of trials, {}",
                    search.n_trials
                ))
                .hint("raise `trials`, or leave points out")),
                _ => Ok(points),
            })
            .map_err(|problem| blame(problem.under(Step::Key("enqueue".to_owned()))))?;
    }
    Ok(search)
}
