//! What has changed since a recorded run, as far as it can change numbers: why a plan does not find its fits.

use super::config::{self, Change};
use crate::data::Dataset;
use crate::numerics;
use crate::runner::{Prepared, other_weights};
use crate::sampler;
use crate::script::{self, Evaluated, Outcome};
use crate::seed;
use crate::store::RunEntry;

/// What a recorded run and one to come differ in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// The recorded one.
    pub run: String,
    /// Whether it came to its end.
    pub has_ended: bool,
    /// Whether the data set is another.
    pub data: bool,
    /// Whether the folds are others.
    pub folds: bool,
    /// A file of weights that is another.
    pub weights: Option<String>,
    /// An input of a program that is another.
    pub input: Option<String>,
    /// Versions and the class of device, as in `device class`, before and now.
    pub versions: Vec<(&'static str, String, String)>,
    /// Values of the config, paths left out.
    pub config: Vec<Change>,
}

impl Since {
    /// Whether nothing has changed.
    #[must_use]
    pub fn is_same(&self) -> bool {
        !self.data
            && !self.folds
            && self.weights.is_none()
            && self.input.is_none()
            && self.versions.is_empty()
            && self.config.is_empty()
    }

    /// Whether the folds are those of the run.
    #[must_use]
    pub fn has_same_folds(&self) -> bool {
        !self.data && !self.folds
    }
}

/// Holds a run to come against a recorded one. Of a run whose config this program cannot read any more, the config is
/// left out.
#[must_use]
pub fn since(run: &RunEntry, evaluated: &Evaluated, prepared: &Prepared, device_class: &str) -> Since {
    let manifest = &run.manifest;
    let fingerprint = prepared.data.as_ref().map(Dataset::fingerprint);
    let versions = [
        ("numerics version", manifest.numerics_version.as_str(), numerics::VERSION),
        ("seed version", &manifest.seed_version, seed::VERSION),
        ("sampler version", &manifest.sampler_version, sampler::VERSION),
        ("device class", &manifest.device_class, device_class),
    ];
    let changed = versions.into_iter().filter(|(_, before, now)| before != now);
    Since {
        run: manifest.run.clone(),
        has_ended: run.summary.is_some(),
        data: fingerprint != manifest.data_fingerprint.as_deref(),
        folds: has_other_folds(run, prepared),
        weights: other_weights(&manifest.weights, &prepared.weights).map(|weights| weights.path.clone()),
        input: prepared.inputs.changed_since(&manifest.inputs).map(|path| path.display().to_string()),
        versions: changed.map(|(what, before, now)| (what, before.to_owned(), now.to_owned())).collect(),
        config: changes(run, evaluated, prepared),
    }
}

/// A fit's config has no folds of its own.
fn has_other_folds(run: &RunEntry, prepared: &Prepared) -> bool {
    prepared.plan.is_some() && !matches!((run.splits(), prepared.splits_json()), (Ok(then), Ok(now)) if then == now)
}

fn changes(run: &RunEntry, evaluated: &Evaluated, prepared: &Prepared) -> Vec<Change> {
    let Ok(recorded) = script::evaluate(&run.config_path(), &[]) else { return Vec::new() };
    if matches!((&recorded.outcome, &evaluated.outcome), (Outcome::Fit(_), Outcome::Experiment(_))) {
        return Vec::new();
    }
    let warm = prepared.warm_start.as_ref().map(|warm| format!("{:?}", warm.run()));
    // A config names the run that a script may call `@latest`.
    let is_same_run = |change: &Change| change.name == "search.warm_start" && change.a.is_some() && change.a == warm;
    let (mut changes, _) = config::changes(&recorded.outcome, &evaluated.outcome, false);
    changes.retain(|change| !is_same_run(change));
    changes
}
