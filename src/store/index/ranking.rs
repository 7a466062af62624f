//! The runs of an experiment by what their searches came to on validation rows. Test rows have no say in it: who picked a
//! run by them would have nothing left to judge it by.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::runs::{Found, RunLine, runs};
use crate::store::FindError;
use crate::trial::Direction;

/// Runs that can be held against each other, the best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// The experiment.
    pub experiment: String,
    /// What they searched for, as in `maximize roc_auc`.
    pub objective: String,
    /// At least one: those that miss the constraints by less come first, then the better ones, then the older ones.
    pub runs: Vec<RunLine>,
    /// Runs left out, for they have not come to an end with a value for every study.
    pub n_without_value: usize,
    /// Runs left out, for they are on other data or folds than the latest one with a value, or searched for something else.
    pub n_elsewhere: usize,
}

/// The runs of an experiment; without a name, of the only one there is. Runs that cannot be read are passed over.
///
/// # Errors
/// There is no such experiment, or none of its runs has a value; several, where none was named. The results cannot be read.
pub fn ranking(results: &Path, experiment: Option<&str>) -> Result<Ranking, FindError> {
    let lines: Vec<RunLine> = runs(results)?.into_iter().filter_map(Result::ok).collect();
    let experiment = match experiment {
        Some(experiment) => experiment.to_owned(),
        None => only(results, &lines)?,
    };
    rank(results, experiment, lines)
}

fn names(lines: &[RunLine]) -> Vec<String> {
    let names: BTreeSet<&String> = lines.iter().map(|line| &line.experiment).collect();
    names.into_iter().cloned().collect()
}

fn only(results: &Path, lines: &[RunLine]) -> Result<String, FindError> {
    let mut names = names(lines);
    match names.len() {
        0 => Err(FindError::NotFound { asked: "@best".to_owned(), results: results.to_owned() }),
        1 => Ok(names.remove(0)),
        _ => Err(FindError::SeveralExperiments { experiments: names }),
    }
}

fn rank(results: &Path, experiment: String, lines: Vec<RunLine>) -> Result<Ranking, FindError> {
    if !lines.iter().any(|line| line.experiment == experiment) {
        return Err(FindError::NoExperiment {
            asked: experiment,
            results: results.to_owned(),
            experiments: names(&lines),
        });
    }
    let of_it: Vec<RunLine> = lines.into_iter().filter(|line| line.experiment == experiment).collect();
    let n = of_it.len();
    let valued: Vec<RunLine> = of_it.into_iter().filter(|line| value(line).is_some()).collect();
    let n_without_value = n - valued.len();
    let Some(latest) = valued.last() else { return Err(FindError::NothingToRank { experiment }) };
    let (ground, objective) = (latest.ground.clone(), objective(latest).to_owned());
    let n_valued = valued.len();
    let is_comparable = |line: &RunLine| line.ground == ground && self::objective(line) == objective;
    let mut runs: Vec<RunLine> = valued.into_iter().filter(is_comparable).collect();
    let n_elsewhere = n_valued - runs.len();
    let direction = if objective.starts_with("minimize") { Direction::Minimize } else { Direction::Maximize };
    let rank = |line: &RunLine| {
        let found = line.found.as_ref();
        let violation = found.map_or(0.0, |found| found.violation);
        (violation, direction.loss(value(line).unwrap_or_default()))
    };
    runs.sort_by(|a, b| {
        let (a, b) = (rank(a), rank(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    Ok(Ranking { experiment, objective, runs, n_without_value, n_elsewhere })
}

fn value(line: &RunLine) -> Option<f64> {
    let found: &Found = line.found.as_ref().filter(|_| line.status == "complete")?;
    found.best
}

fn objective(line: &RunLine) -> &str {
    line.found.as_ref().and_then(|found| found.objective.as_deref()).unwrap_or_default()
}

/// The folder of the best one.
pub(in crate::store) fn best(results: &Path, experiment: Option<&str>) -> Result<PathBuf, FindError> {
    let mut ranking = ranking(results, experiment)?;
    Ok(ranking.runs.swap_remove(0).path)
}

/// The folder of the latest run of an experiment.
pub(in crate::store) fn latest(results: &Path, experiment: &str) -> Result<PathBuf, FindError> {
    let lines: Vec<RunLine> = runs(results)?.into_iter().filter_map(Result::ok).collect();
    match lines.iter().rev().find(|line| line.experiment == experiment) {
        Some(line) => Ok(line.path.clone()),
        None => Err(FindError::NoExperiment {
            asked: experiment.to_owned(),
            results: results.to_owned(),
            experiments: names(&lines),
        }),
    }
}
