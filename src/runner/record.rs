//! Runs one fit and writes its folder: config first, outcome last.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use super::execute::{self, Execution, FitFailure, Tested};
use super::{FitLine, Progress, RunError};
use crate::data::Dataset;
use crate::device::OpenDevice;
use crate::metric::Metric;
use crate::spec::FitConfig;
use crate::spec::fit::Learner;
use crate::split::{TestRows, TrainValidation};
use crate::store::{Event, FitPath, OutcomeRecord, RunFolder};

/// A fit and where it is recorded.
pub(super) struct FitWork<'a> {
    pub(super) path: FitPath,
    pub(super) config: &'a FitConfig,
    pub(super) data: Option<&'a Dataset>,
    pub(super) rows: &'a TrainValidation,
    /// Finals only.
    pub(super) test: Option<&'a TestRows>,
}

/// The lines on top of a printed fit.
pub(super) const FIT_HEADER: [&str; 2] = [
    "One fit, fully resolved by xrun; it runs again as it is: xrun config.rhai",
    "Elsewhere, say where the data are: xrun config.rhai data=PATH",
];

/// Runs and records a fit. A fit that fails is recorded too, and comes back as `Ok(Err(..))`.
pub(super) fn run_fit(
    work: &FitWork<'_>,
    folder: &mut RunFolder,
    device: &OpenDevice,
    progress: &mut dyn Progress,
) -> Result<Result<(Execution, Option<Tested>), FitFailure>, RunError> {
    let label = work.path.as_str().to_owned();
    let mut fit = folder.fit(&work.path)?;
    fit.config(&work.config.script(&FIT_HEADER.map(str::to_owned)))?;
    let n_planned = match work.config.learner() {
        Learner::Network { phases, .. } => phases.iter().map(|phase| phase.epochs).sum(),
        Learner::Formula(_) => 1,
    };
    progress.fit_started(&label, n_planned);
    let (started, clock) = (SystemTime::now(), Instant::now());
    let result = execute::execute(work.config, work.data, work.rows, device, progress).and_then(|execution| {
        let tested = work.test.map(|test| execute::test(work.config, &execution, work.data, test)).transpose()?;
        Ok((execution, tested))
    });
    let seconds = clock.elapsed().as_secs_f64();
    if let Ok((execution, tested)) = &result {
        fit.metrics(&execution.epochs)?;
        if let Some(data) = work.data {
            let ids = |rows: &[usize]| rows.iter().map(|&row| data.ids()[row].as_str()).collect::<Vec<_>>();
            let threshold = execution.threshold;
            if let Some(validation) = &execution.validation {
                fit.predictions("validation", validation, &ids(&work.rows.validation), data.classes(), threshold)?;
            }
            if let (Some(Tested { predictions: Some(predictions), .. }), Some(test)) = (tested, work.test) {
                fit.predictions("test", predictions, &ids(test.rows()), data.classes(), threshold)?;
            }
            if let (Some(predictor), Some(_)) = (&execution.predictor, work.test) {
                let weights = predictor
                    .weights()
                    .map_err(|error| RunError::Final { fit: label.clone(), reason: error.to_string() })?;
                let description = serde_json::json!({
                    "format": 1,
                    "experiment": work.config.name(),
                    "classes": data.classes(),
                    "threshold": threshold,
                    "n_parameters": predictor.n_parameters(),
                    "preprocessing": predictor.preprocessing(),
                });
                fit.model(&weights, &description)?;
            }
        }
    }
    fit.outcome(outcome(work, &result, device, seconds))?;
    folder.time(&work.path, started, seconds);
    let failed = result.as_ref().err().map(ToString::to_string);
    folder.record(&Event::FitFinished {
        fit: label.clone(),
        key: String::new(),
        started: humantime::format_rfc3339_millis(started).to_string(),
        seconds,
        reused: None,
        failed,
    })?;
    let line = result.as_ref().map(|(execution, tested)| said(work, execution, tested.as_ref(), n_planned));
    progress.fit_finished(&label, &line.map_err(Clone::clone), seconds);
    Ok(result)
}

fn said(work: &FitWork<'_>, execution: &Execution, tested: Option<&Tested>, n_planned: usize) -> FitLine {
    let metric = work.config.objective().map(|objective| objective.metric);
    let of_test = tested.and_then(|tested| {
        let wanted = metric.or(tested.metrics.first().map(|(metric, _)| *metric))?;
        tested.metrics.iter().find(|(metric, _)| *metric == wanted).copied()
    });
    FitLine {
        n_epochs: execution.epochs.len(),
        n_planned,
        is_test: of_test.is_some(),
        score: of_test.or(metric.zip(execution.score)),
    }
}

fn outcome(
    work: &FitWork<'_>,
    result: &Result<(Execution, Option<Tested>), FitFailure>,
    device: &OpenDevice,
    seconds: f64,
) -> OutcomeRecord {
    let mut n_rows = BTreeMap::from([
        ("train".to_owned(), work.rows.train.len()),
        ("validation".to_owned(), work.rows.validation.len()),
    ]);
    if let Some(test) = work.test {
        n_rows.insert("test".to_owned(), test.rows().len());
    }
    let mut record = OutcomeRecord {
        status: "failed".to_owned(),
        reason: result.as_ref().err().map(ToString::to_string),
        score: None,
        threshold: None,
        kept_epochs: BTreeMap::new(),
        n_epochs: 0,
        n_rows,
        validation: BTreeMap::new(),
        test: BTreeMap::new(),
        n_parameters: None,
        digests: BTreeMap::new(),
        device_class: device.class().to_owned(),
        seconds,
    };
    if let Ok((execution, tested)) = result {
        "complete".clone_into(&mut record.status);
        record.score = execution.score;
        record.threshold = work.data.map(|_| execution.threshold);
        record.kept_epochs.clone_from(&execution.kept_epochs);
        record.n_epochs = execution.epochs.len();
        record.validation = by_name(&execution.validation_metrics);
        record.test = tested.as_ref().map(|tested| by_name(&tested.metrics)).unwrap_or_default();
        record.n_parameters = execution.predictor.as_ref().map(crate::train::Predictor::n_parameters);
    }
    record
}

pub(super) fn by_name(metrics: &[(Metric, f64)]) -> BTreeMap<String, f64> {
    metrics.iter().map(|(metric, value)| (metric.name().to_owned(), *value)).collect()
}
