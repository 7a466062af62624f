//! One fit of a model or a formula: trained on its training rows, judged on its validation rows, and, for a final, tested on its test rows.

use std::collections::BTreeMap;

use super::scoring::UNDECIDED;
use crate::data::Dataset;
use crate::device::OpenDevice;
use crate::metric::{Metric, Predictions, Task, evaluate, evaluate_also, youden_threshold};
use crate::spec::FitConfig;
use crate::spec::experiment::ThresholdRule;
use crate::spec::fit::Learner;
use crate::split::{TestRows, TrainValidation};
use crate::store::{EpochLine, HistogramLine, PrunedAt};
use crate::train::{
    self, Checkpoint, EpochRecord, FeatureStore, Histogram, Observer, Predictor, TrainError, TrainSpec,
};
use crate::trial::TrialState;

/// Why a fit gave nothing; the same fit would fail the same way again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FitFailure(pub String);

/// Why a fit has no result.
#[derive(Debug)]
pub(super) enum Ended {
    /// It failed for a reason of its own.
    Failed(FitFailure),
    /// The device failed; another attempt may succeed.
    Lost(String),
    /// The observer ended it after an epoch.
    Pruned(Pruned),
    /// The observer wanted no more.
    Interrupted,
}

impl From<TrainError> for Ended {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Interrupted => Self::Interrupted,
            // Weights were in order when the run began: a file that has changed since says nothing about the fit.
            TrainError::Device { .. } | TrainError::Features { .. } | TrainError::Pretrained(_) => {
                Self::Lost(error.to_string())
            }
            _ => Self::Failed(FitFailure(error.to_string())),
        }
    }
}

/// What is known of a fit that was ended after one of its epochs.
#[derive(Debug)]
pub(super) struct Pruned {
    /// One line an epoch.
    pub epochs: Vec<EpochLine>,
    /// Two lines a trained tensor and epoch, where the phase records them.
    pub histograms: Vec<HistogramLine>,
    /// Where it ended.
    pub at: PrunedAt,
    /// Weights that training can change; none of what is no model.
    pub n_parameters: Option<usize>,
}

/// What a fit gave.
#[derive(Debug)]
pub(super) struct Execution {
    /// One line an epoch.
    pub epochs: Vec<EpochLine>,
    /// Two lines a trained tensor and epoch, where the phase records them.
    pub histograms: Vec<HistogramLine>,
    /// Epoch whose weights each phase ended with, counted through all phases.
    pub kept_epochs: BTreeMap<String, usize>,
    /// How many epochs each phase needed to get there, in the order of the phases.
    pub phase_epochs: Vec<usize>,
    /// What is predicted of the validation rows, if there are any and it is a model.
    pub validation: Option<Predictions>,
    /// Metrics of the validation rows, by name.
    pub validation_metrics: BTreeMap<String, f64>,
    /// The decision threshold; none of a regression.
    pub threshold: Option<f64>,
    /// The objective on the validation rows.
    pub score: Option<f64>,
    /// The model; none for a formula.
    pub predictor: Option<Predictor>,
}

/// What a model says of test rows.
#[derive(Debug)]
pub(super) struct Tested {
    /// What is predicted of them; none for a formula.
    pub predictions: Option<Predictions>,
    /// Their metrics, by name.
    pub metrics: BTreeMap<String, f64>,
}

/// Trains a fit, from a checkpoint on if there is one, and judges it on its validation rows.
///
/// # Errors
/// The fit cannot be trained, or not judged; or the observer ended it.
pub(super) fn execute(
    config: &FitConfig,
    data: Option<&Dataset>,
    rows: &TrainValidation,
    device: &OpenDevice,
    from: Option<Checkpoint>,
    features: &FeatureStore,
    observer: &mut dyn Observer,
) -> Result<Execution, Ended> {
    let (phases, data) = match (config.learner(), data) {
        (Learner::Formula(formula), _) => {
            let value = formula.value(&config.seed());
            return Ok(Execution {
                epochs: vec![EpochLine {
                    epoch: 1,
                    phase: "formula".to_owned(),
                    train_loss: None,
                    validation: by_name(&[(Metric::Value, value)]),
                }],
                histograms: Vec::new(),
                kept_epochs: BTreeMap::new(),
                phase_epochs: Vec::new(),
                validation: None,
                validation_metrics: by_name(&[(Metric::Value, value)]),
                threshold: Some(0.5),
                score: Some(finite(value)?),
                predictor: None,
            });
        }
        (Learner::Network { phases, .. }, Some(data)) => (phases, data),
        (Learner::Network { .. }, None) => unreachable!("a fit with a model has data"),
        (Learner::Command(_), _) => unreachable!("a program is run elsewhere"),
    };
    let model = config
        .learner()
        .model(data.task())
        .map_err(|problem| failed(problem.message))?
        .expect("the learner is a network");
    let spec = TrainSpec { model: &model, phases, seed: config.seed(), features: Some(features) };
    let trained = match train::train(&spec, data, rows, device, from, observer) {
        // A checkpoint that is none of this training is worth nothing, but costs nothing either.
        Err(TrainError::Checkpoint(_)) => train::train(&spec, data, rows, device, None, observer)?,
        trained => trained?,
    };
    if trained.was_stopped() {
        let last = trained.epochs().last().expect("it ended after an epoch");
        return Err(Ended::Pruned(Pruned {
            at: PrunedAt { epoch: last.epoch, value: objective_of(config, last) },
            epochs: trained.epochs().iter().map(line).collect(),
            histograms: histogram_lines(trained.epochs()),
            n_parameters: Some(trained.predictor().n_parameters()),
        }));
    }
    let validation =
        if rows.validation.is_empty() { None } else { Some(trained.predictor().predict(data, &rows.validation)?) };
    let threshold = match (config.threshold(), &validation) {
        _ if data.task() == Task::Number => None,
        (ThresholdRule::Fixed(threshold), _) => Some(threshold),
        (ThresholdRule::Youden, Some(validation)) => Some(
            youden_threshold(validation)
                .ok_or_else(|| failed("youden() needs rows of both classes among the validation rows"))?,
        ),
        (ThresholdRule::Youden, None) => {
            return Err(failed("youden() needs validation rows; give a threshold with fixed(...)"));
        }
    };
    let score = match (config.objective(), &validation) {
        (Some(objective), Some(validation)) => {
            let at = match config.threshold() {
                ThresholdRule::Fixed(threshold) => threshold,
                ThresholdRule::Youden => UNDECIDED,
            };
            let score =
                evaluate(objective.metric, validation, at).ok_or_else(|| failed(objective.metric.why_undefined()))?;
            Some(finite(score)?)
        }
        _ => None,
    };
    Ok(Execution {
        epochs: trained.epochs().iter().map(line).collect(),
        histograms: histogram_lines(trained.epochs()),
        kept_epochs: trained.phases().iter().map(|phase| (phase.name.clone(), phase.kept_epoch)).collect(),
        phase_epochs: trained.phases().iter().map(train::PhaseOutcome::n_kept_epochs).collect(),
        validation_metrics: validation.as_ref().map_or_else(BTreeMap::new, |rows| measured(config, rows, threshold)),
        validation,
        threshold,
        score,
        predictor: Some(trained.into_predictor()),
    })
}

/// What the fit's model says of the test rows; for a formula, its value with noise of its own.
///
/// # Errors
/// The rows cannot be predicted.
pub(super) fn test(
    config: &FitConfig,
    execution: &Execution,
    data: Option<&Dataset>,
    rows: &TestRows,
) -> Result<Tested, Ended> {
    match (config.learner(), &execution.predictor, data) {
        (Learner::Network { .. }, Some(predictor), Some(data)) => {
            let predictions = predictor.predict(data, rows.rows())?;
            let metrics = measured(config, &predictions, execution.threshold);
            Ok(Tested { predictions: Some(predictions), metrics })
        }
        (Learner::Formula(formula), ..) => {
            let value = formula.value(&config.seed().child("test"));
            Ok(Tested { predictions: None, metrics: by_name(&[(Metric::Value, value)]) })
        }
        _ => unreachable!("an executed network has a predictor and data"),
    }
}

/// The objective after an epoch, where it is defined.
pub(super) fn objective_of(config: &FitConfig, epoch: &EpochRecord) -> Option<f64> {
    let metric = config.objective()?.metric;
    epoch.validation.iter().find(|(name, _)| *name == metric).map(|&(_, value)| value)
}

fn line(record: &EpochRecord) -> EpochLine {
    EpochLine {
        epoch: record.epoch,
        phase: record.phase.clone(),
        train_loss: Some(record.train_loss),
        validation: by_name(&record.validation),
    }
}

fn histogram_lines(epochs: &[EpochRecord]) -> Vec<HistogramLine> {
    let of_epoch = |record: &EpochRecord| {
        let line = |histogram: &Histogram| HistogramLine {
            epoch: record.epoch,
            phase: record.phase.clone(),
            tensor: histogram.tensor.clone(),
            of: histogram.of.name().to_owned(),
            low: histogram.low,
            high: histogram.high,
            counts: histogram.counts.clone(),
            n_not_finite: histogram.n_not_finite,
        };
        record.histograms.iter().map(line).collect::<Vec<_>>()
    };
    epochs.iter().flat_map(of_epoch).collect()
}

fn by_name(metrics: &[(Metric, f64)]) -> BTreeMap<String, f64> {
    metrics.iter().map(|(metric, value)| (metric.name().to_owned(), *value)).collect()
}

/// The metrics that are recorded of a fit, and those that its config names.
fn measured(config: &FitConfig, predictions: &Predictions, threshold: Option<f64>) -> BTreeMap<String, f64> {
    by_name(&evaluate_also(predictions, threshold.unwrap_or(UNDECIDED), &config.named_metrics()))
}

fn failed(reason: impl Into<String>) -> Ended {
    Ended::Failed(FitFailure(reason.into()))
}

/// An objective that can be compared.
pub(super) fn finite(objective: f64) -> Result<f64, Ended> {
    match TrialState::from_objective(objective) {
        TrialState::Failed { reason } => Err(failed(reason)),
        _ => Ok(objective),
    }
}
