//! The loop: phases of epochs of batches.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use super::batch::{Augmentation, Rows};
use super::check::check;
use super::early_stop::{Verdict, Watch};
use super::loss::{mean_loss, n_outputs};
use super::optimizer::Updater;
use super::predictor::{Predictor, logits, predictions, read};
use super::{EpochRecord, Flow, Observer, PhaseOutcome, Preprocessing, TrainError, TrainSpec};
use crate::data::Dataset;
use crate::device::{OpenDevice, lock_random};
use crate::metric::{Metric, Predictions, evaluate, evaluate_all};
use crate::model::Network;
use crate::seed::Seed;
use crate::spec::network::{Loss, PhaseSpec};
use crate::split::TrainValidation;

/// Threshold of the metrics in an epoch's record.
const THRESHOLD: f64 = 0.5;

/// A finished training.
#[derive(Debug)]
pub struct Trained {
    predictor: Predictor,
    epochs: Vec<EpochRecord>,
    phases: Vec<PhaseOutcome>,
    stopped: bool,
}

impl Trained {
    /// Every epoch that was trained, in order.
    #[must_use]
    pub fn epochs(&self) -> &[EpochRecord] {
        &self.epochs
    }

    /// Every phase that was trained, in order, with the epoch whose weights it ended with.
    #[must_use]
    pub fn phases(&self) -> &[PhaseOutcome] {
        &self.phases
    }

    /// The epoch whose weights the fit ended with.
    #[must_use]
    pub fn final_epoch(&self) -> usize {
        self.phases.last().expect("a fit has at least one phase").kept_epoch
    }

    /// Whether the observer ended the training.
    #[must_use]
    pub fn was_stopped(&self) -> bool {
        self.stopped
    }

    /// The trained network, with the weights the fit ended with.
    #[must_use]
    pub fn predictor(&self) -> &Predictor {
        &self.predictor
    }

    /// The trained network alone.
    #[must_use]
    pub fn into_predictor(self) -> Predictor {
        self.predictor
    }
}

/// Trains a network on the training rows and validates every epoch on the validation rows, if there are any.
///
/// # Errors
/// The specification does not hold together or does not fit the data ([`TrainError`] says how), training diverges, or
/// the device fails.
///
/// # Panics
/// If a row is not one of the data's.
pub fn train(
    spec: &TrainSpec<'_>,
    data: &Dataset,
    rows: &TrainValidation,
    device: &OpenDevice,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let _alone = lock_random();
    check(spec, data, rows)?;
    let n_classes = data.classes().len();
    let loss = spec.model.loss;
    let preprocessing = Preprocessing::fit(data, &rows.train)?;
    let (plain, training) = (device.plain(), device.training());
    let seed = spec.seed.child("init");
    let mut network = Network::new(spec.model, preprocessing.shape(), n_outputs(loss, n_classes), seed, &training)?;
    let source = Rows::new(data, &preprocessing)?;
    let mut fit = Fit {
        seed: spec.seed,
        loss,
        data,
        rows,
        source,
        plain,
        training,
        observer,
        epochs: Vec::new(),
        stopped: false,
    };
    let mut phases = Vec::with_capacity(spec.phases.len());
    for phase in spec.phases {
        let outcome;
        (network, outcome) = fit.phase(phase, network)?;
        phases.push(outcome);
        if fit.stopped {
            break;
        }
    }
    let Fit { epochs, stopped, .. } = fit;
    let predictor = Predictor::new(network, preprocessing, loss, n_classes, device);
    Ok(Trained { predictor, epochs, phases, stopped })
}

struct Fit<'a> {
    seed: Seed,
    loss: Loss,
    data: &'a Dataset,
    rows: &'a TrainValidation,
    source: Rows<'a>,
    plain: Device,
    training: Device,
    observer: &'a mut dyn Observer,
    epochs: Vec<EpochRecord>,
    stopped: bool,
}

/// What a frozen backbone makes of the rows, in place of the rows.
struct Frozen {
    train: Rows<'static>,
    validation: Rows<'static>,
}

impl Fit<'_> {
    fn phase(&mut self, phase: &PhaseSpec, network: Network) -> Result<(Network, PhaseOutcome), TrainError> {
        self.observer.phase(&phase.name, phase.epochs);
        let mut network = network.with_backbone_frozen(phase.freeze_backbone);
        let frozen = self.frozen_features(phase, &network)?;
        let mut updater = Updater::new(phase.optimizer.clone());
        let mut watch = phase.early_stop.as_ref().and_then(Watch::new);
        let first_epoch = self.epochs.len() + 1;
        let mut kept = (first_epoch, None);
        for epoch in first_epoch..first_epoch + phase.epochs {
            let train_loss;
            (network, train_loss) = self.train_epoch(epoch, phase, frozen.as_ref(), network, &mut updater)?;
            let evaluating = network.valid();
            let predictions = self.validate(epoch, phase, frozen.as_ref(), &evaluating)?;
            let verdict = match &mut watch {
                Some(watch) => watch.see(monitored(watch.monitor(), predictions.as_ref(), phase)?),
                None => Verdict { best: true, exhausted: false },
            };
            if verdict.best {
                kept = (epoch, Some(evaluating));
            }
            let validation = predictions.map_or_else(Vec::new, |predictions| evaluate_all(&predictions, THRESHOLD));
            let record = EpochRecord { epoch, phase: phase.name.clone(), train_loss, validation };
            self.stopped = self.observer.epoch(&record) == Flow::Stop;
            self.epochs.push(record);
            if self.stopped || verdict.exhausted {
                break;
            }
        }
        let (kept_epoch, best) = kept;
        let network = best.map_or(network, Module::train);
        let outcome = PhaseOutcome { name: phase.name.clone(), first_epoch, last_epoch: self.epochs.len(), kept_epoch };
        Ok((network, outcome))
    }

    /// A frozen backbone gives the same features in every epoch as long as the rows stay the same, so they are
    /// computed once: of training rows in ascending order, of validation rows in the order of an evaluation.
    fn frozen_features(&self, phase: &PhaseSpec, network: &Network) -> Result<Option<Frozen>, TrainError> {
        if !phase.freeze_backbone || !phase.augment.is_empty() {
            return Ok(None);
        }
        let network = network.valid();
        let of_rows = |rows: &[usize]| self.source.through_backbone(&network, rows, self.data.n(), &self.plain);
        let mut train = self.rows.train.clone();
        train.sort_unstable();
        Ok(Some(Frozen { train: of_rows(&train)?, validation: of_rows(&self.rows.validation)? }))
    }

    /// One pass over the training rows in a new order; also the mean loss of the rows.
    fn train_epoch(
        &mut self,
        epoch: usize,
        phase: &PhaseSpec,
        frozen: Option<&Frozen>,
        mut network: Network,
        updater: &mut Updater,
    ) -> Result<(Network, f64), TrainError> {
        let source = frozen.map_or(&self.source, |frozen| &frozen.train);
        let seed = self.seed.child(&phase.name).child_at("epoch", epoch);
        self.training.seed(seed.child("dropout").as_u64());
        let mut order = self.rows.train.clone();
        seed.child("shuffle").stream().shuffle(&mut order);
        if phase.drop_last {
            order.truncate(order.len() / phase.batch_size * phase.batch_size);
        }
        let augmentation = Augmentation { steps: &phase.augment, seed };
        let batches = order.chunks(phase.batch_size);
        let n_batches = batches.len();
        let mut losses = Vec::with_capacity(n_batches);
        for (done, batch) in batches.enumerate() {
            let targets: Vec<usize> = batch.iter().map(|&row| self.data.targets()[row]).collect();
            let input = source.augmented(batch, augmentation, &self.training);
            let loss = mean_loss(self.loss, network.forward(input), &targets, &self.training);
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            losses.push(loss.without_autodiff());
            network = updater.step(network, gradients);
            self.observer.batch(done + 1, n_batches);
        }
        // Read once an epoch: reading a loss waits for the device to be done with the step.
        let losses = read(Tensor::cat(losses, 0))?;
        let weighted =
            losses.iter().zip(order.chunks(phase.batch_size)).map(|(&loss, batch)| f64::from(loss) * len(batch));
        let mean = weighted.sum::<f64>() / len(&order);
        if mean.is_finite() { Ok((network, mean)) } else { Err(diverged(epoch, phase)) }
    }

    /// Predictions of the validation rows; none without rows.
    fn validate(
        &self,
        epoch: usize,
        phase: &PhaseSpec,
        frozen: Option<&Frozen>,
        network: &Network,
    ) -> Result<Option<Predictions>, TrainError> {
        let rows = &self.rows.validation;
        if rows.is_empty() {
            return Ok(None);
        }
        let source = frozen.map_or(&self.source, |frozen| &frozen.validation);
        let logits = logits(network, source, rows, &self.plain)?;
        if !logits.iter().all(|logit| logit.is_finite()) {
            return Err(diverged(epoch, phase));
        }
        predictions(self.loss, &logits, self.data.classes().len(), self.data, rows).map(Some)
    }
}

fn monitored(monitor: Metric, predictions: Option<&Predictions>, phase: &PhaseSpec) -> Result<f64, TrainError> {
    predictions
        .and_then(|predictions| evaluate(monitor, predictions, THRESHOLD))
        .ok_or_else(|| TrainError::Undefined { phase: phase.name.clone(), metric: monitor })
}

fn diverged(epoch: usize, phase: &PhaseSpec) -> TrainError {
    TrainError::Diverged { epoch, phase: phase.name.clone() }
}

#[expect(clippy::cast_precision_loss, reason = "a data set has far fewer than 2^53 rows")]
fn len(rows: &[usize]) -> f64 {
    rows.len() as f64
}
