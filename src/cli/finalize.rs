//! `xrun finalize`: the model to ship, by the same inner search on all rows.

use super::Exit;
use super::args::FinalizeArguments;
use super::failure::Failure;
use super::output::{print, say};
use super::resume::refuse_altered;
use super::run::{Job, Shown, conduct, number, parse_overrides, working_project};
use crate::runner;
use crate::script::{self, Outcome};
use crate::settings;
use crate::store::{self, Finalizes, ModelFolder, Record, RunEntry};
use crate::wording::count;

pub(super) fn finalize(arguments: &FinalizeArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let record = Record::of_run(store::find(&settings.results, &arguments.run)?);
    refuse_altered(&record)?;
    let run = record.run();
    let config = run.config_path();
    let evaluated = script::evaluate(&config, &parse_overrides(&arguments.overrides)?)?;
    let recorded = script::evaluate(&config, &[])?;
    let per = match (&recorded.outcome, &evaluated.outcome) {
        (Outcome::Experiment(recorded), Outcome::Experiment(now)) if !recorded.is_same_but_for_data(now) => {
            return Err(Failure::new(Exit::Usage, "only where the data and weights are can be given")
                .hint("for other changes run the experiment with them first, and name that run"));
        }
        (_, Outcome::Experiment(now)) => now.search().map(|search| search.per),
        (_, Outcome::Fit(_)) => None,
    };
    let name = arguments.name.clone().unwrap_or_else(|| format!("{}_final", run.manifest.experiment));
    let evaluated = runner::finalized(run, evaluated, &name)?;
    let job = Job {
        evaluated: &evaluated,
        settings: &settings,
        recorded: None,
        fresh: arguments.fresh,
        finalizes: Some((run, per)),
    };
    conduct(&job, &Shown { quiet: arguments.quiet, json: arguments.json })
}

/// The model that a run made, with what is known of it.
pub(super) struct Shipped {
    folder: ModelFolder,
    finalizes: Finalizes,
    run: String,
}

impl Shipped {
    /// What a run that has ended made; none of one that makes no model to ship, or that failed.
    pub(super) fn of(run: &RunEntry) -> Result<Option<Self>, Failure> {
        let (Some(folder), Some(finalizes)) = (runner::ship(run)?, run.manifest.finalizes.clone()) else {
            return Ok(None);
        };
        Ok(Some(Self { folder, finalizes, run: run.manifest.run.clone() }))
    }

    /// Adds what is told of it to the result of its run.
    pub(super) fn add_to(&self, result: &mut serde_json::Value) {
        result["model"] = self.folder.path().display().to_string().into();
        result["created_from"] = self.finalizes.run.clone().into();
        result["estimate"] = serde_json::json!(self.finalizes.estimate);
    }

    /// Prints where it is, and how good it may be.
    pub(super) fn print(&self) {
        print(&format!("model     {}\n{}", self.folder.path().display(), estimate(&self.finalizes)));
    }

    /// Says what can be done with it.
    pub(super) fn hint(&self) {
        say(&format!("predict with it: xrun predict {} PATH...", self.run));
    }
}

/// The estimate that goes with a model: that of the procedure, for there is no row left to test the model itself on.
pub(super) fn estimate(finalizes: &Finalizes) -> String {
    let n = finalizes.estimate.values().map(|metric| metric.per_outer.len()).max().unwrap_or(0);
    let metrics: Vec<String> = finalizes
        .estimate
        .iter()
        .map(|(name, metric)| {
            let spread = metric.std.map_or_else(String::new, |std| format!(" (std {})", number(std)));
            format!("  test.{name} {}{spread}", number(metric.mean))
        })
        .collect();
    let caution = match finalizes.per.as_str() {
        "inner" => {
            "\nthere each inner fold had a study and a model of its own, trained without its validation rows; this model's \
             study is over all inner folds, and it is trained on all rows"
        }
        _ => "",
    };
    format!(
        "estimate of the procedure, by the {} of {}:\n{}{caution}",
        count(n, "outer fold"),
        finalizes.run,
        metrics.join("\n")
    )
}
