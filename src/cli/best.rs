//! `xrun best`: the run of an experiment that is best on validation rows.

use super::Exit;
use super::failure::Failure;
use super::output::print;
use super::query::readable;
use super::record_args::BestArguments;
use super::run::{number, working_project};
use crate::settings;
use crate::store::index::{self, Ranking};
use crate::wording::count;

pub(super) fn best(arguments: &BestArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    // The ranking passes over what cannot be read; here it is a warning.
    readable(&settings.results)?;
    let ranking = index::ranking(&settings.results, arguments.experiment.as_deref())?;
    let Ranking { experiment, objective, runs, n_without_value, n_elsewhere } = &ranking;
    let first = &runs[0];
    let found = first.found.as_ref();
    let value = found.and_then(|found| found.best).unwrap_or_default();
    let violation = found.map_or(0.0, |found| found.violation);
    if arguments.id {
        print(&first.run);
        return Ok(Exit::Ok);
    }
    if arguments.json {
        let value = serde_json::json!({
            "experiment": experiment, "objective": objective, "run": first.run, "path": first.path, "best": value,
            "violation": violation, "n_ranked": runs.len(), "n_without_value": n_without_value,
            "n_elsewhere": n_elsewhere,
        });
        print(&value.to_string());
        return Ok(Exit::Ok);
    }
    let metric = objective.split(' ').next_back().unwrap_or_default();
    let mut lines = vec![format!("{experiment} {}", first.run)];
    let missed =
        if violation > 0.0 { format!("; it misses the constraints by {}", number(violation)) } else { String::new() };
    lines.push(format!("best     validation.{metric} {}, of {}{missed}", number(value), count(runs.len(), "run")));
    if *n_without_value > 0 {
        lines
            .push(format!("without  {} that did not come to an end with a best trial", count(*n_without_value, "run")));
    }
    if *n_elsewhere > 0 {
        lines
            .push(format!("without  {} on other data or folds, or with another objective", count(*n_elsewhere, "run")));
    }
    lines.push(format!("\nsee it: xrun show {experiment}@best"));
    print(&lines.join("\n"));
    Ok(Exit::Ok)
}
