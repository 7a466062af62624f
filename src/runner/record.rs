//! Trains one fit and writes its folder: the config was written before, the outcome comes last. This is all that a
//! worker does, in whatever process it lives.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use super::command;
use super::execute::{self, Ended, Execution, FitFailure, Pruned, Tested, objective_of};
use super::order::{Order, Said};
use crate::data::Dataset;
use crate::device::OpenDevice;
use crate::metric::Metric;
use crate::pruner::Judge;
use crate::spec::{FitConfig, Learner};
use crate::store::{FitFolder, OutcomeRecord, StoreError};
use crate::train::{Checkpoint, EpochRecord, Flow, Observer, Output, Predictor};

/// Time of training after which the state is worth a checkpoint.
const CHECKPOINT_AFTER: Duration = Duration::from_secs(1);

/// Checkpoints take at most about this share of the time.
const CHECKPOINT_SHARE: u32 = 20;

/// Why a fit is not recorded.
#[derive(Debug)]
pub(super) enum Undone {
    /// It was wanted no more.
    Interrupted,
    /// The device failed; another attempt may succeed.
    Lost(String),
    /// The record cannot be written.
    Store(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How a fit ended for reasons of its own.
enum End {
    Complete(Box<Execution>, Option<Tested>),
    Pruned(Pruned),
    Failed(FitFailure),
}

/// Trains and records a fit; `say` hears how it goes and answers whether to go on. A fit that fails for a reason of its
/// own is recorded as failed.
pub(super) fn carry_out(
    order: &Order<'_>,
    data: Option<&Dataset>,
    device: &OpenDevice,
    say: &mut dyn FnMut(Said) -> Flow,
) -> Result<(), Undone> {
    let mut folder = FitFolder::open(order.folder.clone())?;
    let (started, clock) = (SystemTime::now(), Instant::now());
    let (result, continued_after_epoch) = match order.job.config().learner() {
        Learner::Command(command) => {
            let judge = judge(order.job.config(), None);
            let executed = command::execute(command, &order.job, data, &folder, judge, say)?;
            (executed.map(|(execution, tested)| End::Complete(Box::new(execution), tested)), None)
        }
        Learner::Network { .. } | Learner::Formula(_) => train(order, data, device, &folder, say)?,
    };
    let end = match result {
        Ok(end) => end,
        Err(Ended::Pruned(pruned)) => End::Pruned(pruned),
        Err(Ended::Failed(failure)) => End::Failed(failure),
        Err(Ended::Lost(reason)) => return Err(Undone::Lost(reason)),
        Err(Ended::Interrupted) => return Err(Undone::Interrupted),
    };
    let seconds = clock.elapsed().as_secs_f64();
    match &end {
        End::Complete(execution, tested) => write(&mut folder, order, data, execution, tested.as_ref())?,
        End::Pruned(pruned) => {
            folder.metrics(&pruned.epochs)?;
            folder.histograms(&pruned.histograms)?;
        }
        End::Failed(_) => {}
    }
    let record = OutcomeRecord { continued_after_epoch, ..outcome(order, &end, device, seconds) };
    folder.outcome(record)?;
    let started = humantime::format_rfc3339_millis(started).to_string();
    say(Said::Done { started, seconds });
    Ok(())
}

/// How the training of a model or the evaluation of a formula ended, and the epoch it went on from if it did.
fn train(
    order: &Order<'_>,
    data: Option<&Dataset>,
    device: &OpenDevice,
    folder: &FitFolder,
    say: &mut dyn FnMut(Said) -> Flow,
) -> Result<(Result<End, Ended>, Option<usize>), StoreError> {
    let (config, rows, test) = (order.job.config(), order.job.rows(), order.job.test());
    let from = folder.last_checkpoint(&order.key).and_then(|state| Checkpoint::from_bytes(&state).ok());
    let continued_after_epoch = from.as_ref().and_then(|from| from.epochs().last()).map(|epoch| epoch.epoch);
    let mut watch = Watch {
        folder,
        key: &order.key,
        config,
        judge: judge(config, from.as_ref()),
        say,
        refused: None,
        last: Instant::now(),
        pause: CHECKPOINT_AFTER,
    };
    let executed = execute::execute(config, data, rows, device, from, &order.features, &mut watch);
    if let Some(error) = watch.refused {
        return Err(error);
    }
    let result = executed.and_then(|execution| {
        let tested = test
            .filter(|test| !test.rows().is_empty())
            .map(|test| execute::test(config, &execution, data, test))
            .transpose()?;
        Ok(End::Complete(Box::new(execution), tested))
    });
    Ok((result, continued_after_epoch))
}

fn write(
    folder: &mut FitFolder,
    order: &Order<'_>,
    data: Option<&Dataset>,
    execution: &Execution,
    tested: Option<&Tested>,
) -> Result<(), Undone> {
    folder.metrics(&execution.epochs)?;
    folder.histograms(&execution.histograms)?;
    let Some(data) = data else { return Ok(()) };
    let ids = |rows: &[usize]| rows.iter().map(|&row| data.ids()[row].as_str()).collect::<Vec<_>>();
    let threshold = execution.threshold;
    if let Some(validation) = &execution.validation {
        folder.predictions("validation", validation, &ids(&order.job.rows().validation), data.classes(), threshold)?;
    }
    let Some(test) = order.job.test() else { return Ok(()) };
    if let Some(Tested { predictions: Some(predictions), .. }) = tested {
        folder.predictions("test", predictions, &ids(test.rows()), data.classes(), threshold)?;
    }
    if let Some(predictor) = &execution.predictor {
        let weights = predictor.weights().map_err(|error| Undone::Lost(error.to_string()))?;
        let mut description = serde_json::json!({
            "format": 1,
            "classes": data.classes(),
            "threshold": threshold,
            "n_parameters": predictor.n_parameters(),
            "preprocessing": predictor.preprocessing(),
        });
        if let Output::Number(scaling) = predictor.output() {
            description["target"] = serde_json::json!(scaling);
            description.as_object_mut().and_then(|description| description.remove("threshold"));
        }
        folder.model(&weights, &description)?;
    }
    Ok(())
}

/// The judge of a fit that can be pruned, who knows the epochs before a checkpoint.
fn judge(config: &FitConfig, from: Option<&Checkpoint>) -> Option<Judge> {
    let (rule, objective) = config.prune().zip(config.objective())?;
    let mut judge = Judge::new(rule.clone(), objective.direction, config.n_epochs());
    for epoch in from.iter().flat_map(|from| from.epochs()) {
        judge.see(epoch.epoch, objective_of(config, epoch));
    }
    Some(judge)
}

fn outcome(order: &Order<'_>, end: &End, device: &OpenDevice, seconds: f64) -> OutcomeRecord {
    let rows = order.job.rows();
    let mut n_rows =
        BTreeMap::from([("train".to_owned(), rows.train.len()), ("validation".to_owned(), rows.validation.len())]);
    if let Some(test) = order.job.test() {
        n_rows.insert("test".to_owned(), test.rows().len());
    }
    let mut record = OutcomeRecord {
        status: "failed".to_owned(),
        key: order.key.clone(),
        reused: None,
        reason: None,
        pruned: None,
        score: None,
        threshold: None,
        kept_epochs: BTreeMap::new(),
        phase_epochs: Vec::new(),
        continued_after_epoch: None,
        n_epochs: 0,
        n_planned: order.job.config().n_epochs(),
        n_rows,
        validation: BTreeMap::new(),
        test: BTreeMap::new(),
        n_parameters: None,
        digests: BTreeMap::new(),
        device_class: device.class().to_owned(),
        seconds,
    };
    match end {
        End::Complete(execution, tested) => {
            "complete".clone_into(&mut record.status);
            record.score = execution.score;
            record.threshold = execution.threshold;
            record.kept_epochs.clone_from(&execution.kept_epochs);
            record.phase_epochs.clone_from(&execution.phase_epochs);
            record.n_epochs = execution.epochs.len();
            record.validation.clone_from(&execution.validation_metrics);
            record.test = tested.as_ref().map(|tested| tested.metrics.clone()).unwrap_or_default();
            record.n_parameters = execution.predictor.as_ref().map(Predictor::n_parameters);
        }
        End::Pruned(pruned) => {
            "pruned".clone_into(&mut record.status);
            record.pruned = Some(pruned.at);
            record.n_epochs = pruned.epochs.len();
            record.n_parameters = pruned.n_parameters;
        }
        End::Failed(failure) => record.reason = Some(failure.to_string()),
    }
    record
}

/// Passes on how a training goes, ends it where its rule says, and keeps its state from time to time.
struct Watch<'a> {
    folder: &'a FitFolder,
    key: &'a str,
    config: &'a FitConfig,
    judge: Option<Judge>,
    say: &'a mut dyn FnMut(Said) -> Flow,
    refused: Option<StoreError>,
    last: Instant,
    pause: Duration,
}

impl Observer for Watch<'_> {
    fn batch(&mut self, done: usize, total: usize) -> Flow {
        (self.say)(Said::Batch { done, total })
    }

    fn epoch(&mut self, record: &EpochRecord) -> Flow {
        (self.say)(Said::Epoch {
            epoch: record.epoch,
            phase: record.phase.clone(),
            train_loss: Some(record.train_loss),
            validation: record.validation.clone(),
        });
        let value = objective_of(self.config, record);
        let is_pruned = self.judge.as_mut().is_some_and(|judge| judge.see(record.epoch, value));
        if is_pruned { Flow::Stop } else { Flow::Continue }
    }

    fn wants_metrics(&self) -> Vec<Metric> {
        self.config.named_metrics()
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.last.elapsed() >= self.pause
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint) -> Flow {
        let clock = Instant::now();
        self.refused = self.folder.checkpoint(self.key, &checkpoint.to_bytes()).err();
        self.pause = CHECKPOINT_AFTER.max(clock.elapsed() * CHECKPOINT_SHARE);
        self.last = Instant::now();
        if self.refused.is_some() { Flow::Stop } else { Flow::Continue }
    }
}
