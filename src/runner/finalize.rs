//! The model to ship: a run of the same inner search on all rows, and the folder that is made of its final.
//!
//! Such a run is an ordinary one of the experiment that [`Experiment::finalized`](crate::spec::Experiment::finalized)
//! gives, recorded, resumed and replayed as others are. That no row is left to test its model on is made up for by the
//! run it comes from: what that found on its test rows is the estimate of the procedure, and is quoted with the model.

use std::collections::BTreeMap;

use super::{Prepared, RunError, other_weights};
use crate::data::{Dataset, NumberScaling};
use crate::model::InputShape;
use crate::script::{Evaluated, Outcome};
use crate::spec::FinalizeError;
use crate::spec::experiment::Per;
use crate::store::{Finalizes, ModelFolder, ModelInfo, RunEntry, StoreError};
use crate::train::Preprocessing;
use crate::value::Assignment;

/// What a model's maker may want to say.
const LICENCES: [&str; 3] = ["model", "data", "weights"];

/// Why no model to ship can be made of a run.
#[derive(Debug, thiserror::Error)]
pub enum FinalizeRunError {
    /// It has no end yet.
    #[error("{run} did not come to its end, so nothing tells how good its model would be")]
    Unfinished {
        /// The run's id.
        run: String,
    },
    /// It failed.
    #[error(
        "{run} failed: a study gave no value, or a final failed; mend what its trials.csv tells of, and run it anew"
    )]
    Failed {
        /// The run's id.
        run: String,
    },
    /// It is a run of a fit's config.
    #[error("{run} is one fit; name a run of an experiment")]
    OneFit {
        /// The run's id.
        run: String,
    },
    /// Its experiment has none.
    #[error("{run} has no model to ship: {source}")]
    Experiment {
        /// The run's id.
        run: String,
        /// Why.
        source: FinalizeError,
    },
}

/// What `run` evaluated to, for all rows and under another name.
///
/// # Errors
/// The run did not come to a good end, or its experiment has no model to ship.
pub fn finalized(run: &RunEntry, evaluated: Evaluated, name: &str) -> Result<Evaluated, FinalizeRunError> {
    let id = || run.manifest.run.clone();
    let Outcome::Experiment(experiment) = &evaluated.outcome else {
        return Err(FinalizeRunError::OneFit { run: id() });
    };
    let experiment = experiment.finalized(name).map_err(|source| FinalizeRunError::Experiment { run: id(), source })?;
    match &run.summary {
        None => Err(FinalizeRunError::Unfinished { run: id() }),
        Some(summary) if summary.status == "failed" => Err(FinalizeRunError::Failed { run: id() }),
        Some(_) => Ok(Evaluated { outcome: Outcome::Experiment(Box::new(experiment)), ..evaluated }),
    }
}

impl Prepared {
    /// The same, as what makes a model to ship of `run`, whose studies are `per`.
    ///
    /// # Errors
    /// Its data or weights are not those of the run: what that found would tell nothing of this model.
    pub fn finalizing(self, run: &RunEntry, per: Option<Per>) -> Result<Self, RunError> {
        if self.data.as_ref().map(Dataset::fingerprint) != run.manifest.data_fingerprint.as_deref() {
            return Err(RunError::Config(format!(
                "the data are not those of {}, so what it found would tell nothing of this model; say where those are with \
                 data=PATH, or run the experiment on these first",
                run.manifest.run
            )));
        }
        if let Some(other) = other_weights(&run.manifest.weights, &self.weights) {
            return Err(RunError::Config(format!(
                "the weights {} are not those of {}; say where those are with weights=PATH",
                other.path, run.manifest.run
            )));
        }
        let per = match per {
            Some(Per::Inner) => "inner",
            Some(Per::Outer) => "outer",
            None => "none",
        };
        let estimate = run.summary.as_ref().map(|summary| summary.test.clone()).unwrap_or_default();
        let finalizes = Finalizes { run: run.manifest.run.clone(), per: per.to_owned(), estimate };
        Ok(Self { finalizes: Some(finalizes), ..self })
    }
}

/// Makes the folder of the model that `run` was for, once it has ended well; none of a run that makes none.
///
/// # Errors
/// A file of its final is not as it was written, or the folder cannot be written.
pub fn ship(run: &RunEntry) -> Result<Option<ModelFolder>, StoreError> {
    let manifest = &run.manifest;
    let (Some(folder), Some(finalizes), Some(summary)) = (ModelFolder::of_run(run), &manifest.finalizes, &run.summary)
    else {
        return Ok(None);
    };
    if folder.is_shipped() {
        return Ok(Some(folder));
    }
    let [last] = &summary.finals[..] else { return Ok(None) };
    let trained: Trained = ModelFolder::of_final(run, &last.fit).description()?;
    let task = match trained.classes.len() {
        0 => "regression",
        2 => "binary classification",
        _ => "multiclass classification",
    };
    let info = ModelInfo {
        format: 1,
        name: manifest.experiment.clone(),
        task: task.to_owned(),
        threshold: trained.threshold.filter(|_| trained.classes.len() == 2),
        classes: trained.classes,
        input_shape: match trained.preprocessing.shape() {
            InputShape::Picture { channels, size } => vec![channels, size, size],
            InputShape::Vector { width } => vec![width],
        },
        n_parameters: trained.n_parameters,
        parameters: summary.studies.first().map_or_else(Assignment::new, |study| study.best_assignment.clone()),
        estimate: finalizes.estimate.clone(),
        created_from: finalizes.run.clone(),
        run: manifest.run.clone(),
        data: manifest.data.clone(),
        data_fingerprint: manifest.data_fingerprint.clone(),
        xrun_version: manifest.xrun_version.clone(),
        numerics_version: manifest.numerics_version.clone(),
        device_class: manifest.device_class.clone(),
        licence: LICENCES.iter().map(|of| ((*of).to_owned(), String::new())).collect(),
        files: BTreeMap::new(),
    };
    folder.ship(run, &last.fit, info)?;
    Ok(Some(folder))
}

/// What a fit's `model.json` tells.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Trained {
    /// None of a regression.
    pub(super) classes: Vec<String>,
    /// None of a regression.
    pub(super) threshold: Option<f64>,
    /// Of a regression.
    pub(super) target: Option<NumberScaling>,
    pub(super) n_parameters: u64,
    pub(super) preprocessing: Preprocessing,
}
