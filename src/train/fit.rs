//! The loop: phases of epochs of batches.

use burn::module::Module;
use burn::tensor::Device;

use super::batch::Rows;
use super::check::{check, check_precision};
use super::checkpoint::{Origin, Progress};
use super::early_stop::{Seen, Watch};
use super::epoch::Pass;
use super::goal::Goal;
use super::loss::n_outputs;
use super::optimizer::Updater;
use super::predictor::{Predictor, logits};
use super::published::PublishedFeatures;
use super::schedule::{Plateau, Scheduler};
use super::{Checkpoint, EpochRecord, Flow, Observer, PhaseOutcome, Preprocessing, TrainError, TrainSpec};
use crate::data::Dataset;
use crate::device::{OpenDevice, lock_random};
use crate::metric::{Metric, Predictions, evaluate, evaluate_also};
use crate::model::{Network, Pretrained};
use crate::seed::Seed;
use crate::spec::network::PhaseSpec;
use crate::split::TrainValidation;
use crate::trial::Direction;

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

/// Trains a network on the training rows and validates every epoch on the validation rows, if there are any; from the
/// first weights, or on from the end of the epoch a checkpoint was made after. Both give the same bits: what is trained
/// does not depend on where it was interrupted, and [`Trained`] holds the epochs before as well.
///
/// # Errors
/// The specification does not hold together or does not fit the data ([`TrainError`] says how), the checkpoint is
/// another training's, training diverges, the observer abandons it, or the device fails.
///
/// # Panics
/// If a row is not one of the data's.
pub fn train(
    spec: &TrainSpec<'_>,
    data: &Dataset,
    rows: &TrainValidation,
    device: &OpenDevice,
    from: Option<Checkpoint>,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let _alone = lock_random();
    check(spec, data, rows)?;
    check_precision(spec.phases, |dtype| device.plain().supports_dtype(dtype))?;
    let goal = Goal::new(spec.model, data, &rows.train)?;
    let preprocessing = Preprocessing::fit(data, &rows.train, spec.model.backbone.colour_scale())?;
    let (plain, training) = (device.plain(), device.training());
    let seed = spec.seed.child("init");
    let n_outputs = n_outputs(spec.model.loss, data.task());
    let mut network = Network::new(spec.model, preprocessing.shape(), n_outputs, seed, &training)?;
    // A checkpoint holds all weights.
    if let (Some((published, file)), None) = (spec.model.backbone.weights(), &from) {
        network = network.with_pretrained(&Pretrained::read(published, file)?)?;
    }
    let source = Rows::new(data.features(), &preprocessing)?;
    let mut fit = Fit {
        seed: spec.seed,
        goal,
        data,
        rows,
        source,
        plain,
        training,
        origin: Origin::of(spec, data, rows, device),
        published: PublishedFeatures::of(spec, &preprocessing, device),
        observer,
        epochs: Vec::new(),
        phases: Vec::with_capacity(spec.phases.len()),
        stopped: false,
    };
    let mut progress = None;
    if let Some(checkpoint) = from {
        checkpoint.check(&fit.origin)?;
        network = network.with_safetensors(checkpoint.network)?;
        (fit.epochs, fit.phases) = (checkpoint.epochs, checkpoint.phases);
        progress = Some(checkpoint.progress);
    }
    if !spec.phases[..fit.phases.len()].iter().all(|phase| phase.freeze_backbone) {
        fit.published = None;
    }
    for index in fit.phases.len()..spec.phases.len() {
        let is_last = index + 1 == spec.phases.len();
        if !spec.phases[index].freeze_backbone {
            fit.published = None;
        }
        network = fit.phase(&spec.phases[index], is_last, network, progress.take())?;
        if fit.stopped {
            break;
        }
    }
    let output = fit.goal.output();
    let Fit { epochs, phases, stopped, published, .. } = fit;
    let predictor = Predictor::new(network, preprocessing, output, device).with_published(published);
    Ok(Trained { predictor, epochs, phases, stopped })
}

/// A training under way.
pub(super) struct Fit<'a> {
    pub(super) seed: Seed,
    pub(super) goal: Goal<'a>,
    pub(super) data: &'a Dataset,
    pub(super) rows: &'a TrainValidation,
    pub(super) source: Rows<'a>,
    plain: Device,
    pub(super) training: Device,
    origin: Origin,
    published: Option<PublishedFeatures>,
    pub(super) observer: &'a mut dyn Observer,
    epochs: Vec<EpochRecord>,
    /// Outcomes of the phases before the one under way.
    phases: Vec<PhaseOutcome>,
    stopped: bool,
}

/// What a phase carries from epoch to epoch, beside the network.
pub(super) struct Underway {
    pub(super) first_epoch: usize,
    pub(super) updater: Updater,
    pub(super) scheduler: Scheduler,
    watch: Option<Watch>,
    kept_epoch: usize,
    /// The network of that epoch, evaluating, with the averages if there are any; none before the first.
    best: Option<Network>,
}

/// What a frozen backbone makes of the rows, in place of the rows.
pub(super) struct Frozen {
    /// None where training rows are augmented, so that they are others in every epoch.
    pub(super) train: Option<Rows<'static>>,
    validation: Rows<'static>,
}

impl Fit<'_> {
    /// Trains a phase to its end, from its beginning or from where it came to, and gives the network it ends with.
    fn phase(
        &mut self,
        phase: &PhaseSpec,
        is_last: bool,
        network: Network,
        progress: Option<Progress>,
    ) -> Result<Network, TrainError> {
        let network = network.with_backbone_frozen(phase.freeze_backbone);
        let mut underway = self.underway(phase, &network, progress)?;
        let network = if self.is_over(phase, &underway) {
            network
        } else {
            self.observer.phase(&phase.name, phase.epochs);
            self.epochs_of(phase, is_last, network, &mut underway)?
        };
        let Underway { first_epoch, kept_epoch, best, .. } = underway;
        let last_epoch = self.epochs.len();
        self.phases.push(PhaseOutcome { name: phase.name.clone(), first_epoch, last_epoch, kept_epoch });
        Ok(best.map_or(network, Module::train))
    }

    fn underway(
        &self,
        phase: &PhaseSpec,
        network: &Network,
        progress: Option<Progress>,
    ) -> Result<Underway, TrainError> {
        let first_epoch = self.phases.last().map_or(1, |phase| phase.last_epoch + 1);
        let watch = |seen| phase.early_stop.as_ref().and_then(|rule| Watch::new(rule, seen));
        let scheduler = |plateau| Scheduler::new(phase, self.steps_per_epoch(phase), plateau);
        let updater = Updater::new(phase.optimizer.clone(), phase.options.ema);
        let Some(Progress { kept_epoch, best, seen, plateau, memories }) = progress else {
            let (watch, scheduler) = (watch(Seen::default()), scheduler(Plateau::default()));
            return Ok(Underway { first_epoch, updater, scheduler, watch, kept_epoch: first_epoch, best: None });
        };
        let updater = updater.with_memories(memories, &self.plain);
        // Not from a clone of the network, which would share its running statistics with it.
        let best = match best {
            Some(weights) => network.valid().with_safetensors(weights)?,
            None => updater.averaged(network.valid()),
        };
        let (watch, scheduler) = (watch(seen), scheduler(plateau));
        Ok(Underway { first_epoch, updater, scheduler, watch, kept_epoch, best: Some(best) })
    }

    /// An incomplete last batch, and a last step of fewer batches, count unless they are left out.
    fn steps_per_epoch(&self, phase: &PhaseSpec) -> usize {
        let n_rows = self.rows.train.len();
        let n_batches = if phase.drop_last { n_rows / phase.batch_size } else { n_rows.div_ceil(phase.batch_size) };
        n_batches.div_ceil(phase.options.accumulate)
    }

    fn is_over(&self, phase: &PhaseSpec, underway: &Underway) -> bool {
        let is_full = self.epochs.len() + 1 >= underway.first_epoch + phase.epochs;
        is_full || underway.watch.as_ref().is_some_and(Watch::is_exhausted)
    }

    fn epochs_of(
        &mut self,
        phase: &PhaseSpec,
        is_last: bool,
        mut network: Network,
        underway: &mut Underway,
    ) -> Result<Network, TrainError> {
        let frozen = self.frozen_features(phase, &network)?;
        let wanted = self.observer.wants_metrics();
        loop {
            let epoch = self.epochs.len() + 1;
            let pass;
            (network, pass) = self.train_epoch(epoch, phase, frozen.as_ref(), network, underway)?;
            let Pass { train_loss, histograms } = pass;
            let evaluating = underway.updater.averaged(network.valid());
            let predictions = self.validate(epoch, phase, frozen.as_ref(), &evaluating)?;
            let is_best = match &mut underway.watch {
                Some(watch) => watch.see(monitored(watch.monitor(), predictions.as_ref(), phase)?),
                None => true,
            };
            if let Some(monitor) = underway.scheduler.monitor() {
                let (value, direction) = match (predictions.as_ref(), monitor.direction()) {
                    (Some(_), Some(direction)) => (monitored(monitor, predictions.as_ref(), phase)?, direction),
                    // A refit has no rows left to validate on.
                    _ => (train_loss, Direction::Minimize),
                };
                underway.scheduler.see(value, direction);
            }
            if is_best {
                (underway.kept_epoch, underway.best) = (epoch, Some(evaluating));
            }
            let validation =
                predictions.map_or_else(Vec::new, |predictions| evaluate_also(&predictions, THRESHOLD, &wanted));
            let record = EpochRecord { epoch, phase: phase.name.clone(), train_loss, validation, histograms };
            self.stopped = self.observer.epoch(&record) == Flow::Stop;
            self.epochs.push(record);
            let is_over = self.is_over(phase, underway);
            let has_ended = self.stopped || (is_over && is_last);
            if !has_ended && self.observer.wants_checkpoint() {
                go_on(self.observer.checkpoint(self.checkpoint(&network, underway)?))?;
            }
            if self.stopped || is_over {
                return Ok(network);
            }
        }
    }

    fn checkpoint(&self, network: &Network, underway: &Underway) -> Result<Checkpoint, TrainError> {
        let kept_before = underway.best.as_ref().filter(|_| underway.kept_epoch < self.epochs.len());
        Ok(Checkpoint {
            origin: self.origin.clone(),
            epochs: self.epochs.clone(),
            phases: self.phases.clone(),
            network: network.valid().to_safetensors()?,
            progress: Progress {
                kept_epoch: underway.kept_epoch,
                best: kept_before.map(Network::to_safetensors).transpose()?,
                seen: underway.watch.as_ref().map(Watch::seen).unwrap_or_default(),
                plateau: underway.scheduler.plateau(),
                memories: underway.updater.memories()?,
            },
        })
    }

    /// A frozen backbone gives the same features in every epoch as long as the rows stay the same, so they are computed
    /// once; and once for all fits as long as it has the weights it was published with. What it gives for a row depends
    /// on no other row.
    fn frozen_features(&mut self, phase: &PhaseSpec, network: &Network) -> Result<Option<Frozen>, TrainError> {
        if !phase.freeze_backbone {
            return Ok(None);
        }
        let network = network.valid();
        let observer = &mut *self.observer;
        let mut said = |done, total| go_on(observer.batch(done, total));
        let mut of_rows = |rows: &[usize]| match &self.published {
            Some(published) => published.rows(&network, &self.source, self.data, rows, &self.plain, &mut said),
            None => self.source.through_backbone(&network, rows, self.data.n(), &self.plain),
        };
        let mut train = self.rows.train.clone();
        train.sort_unstable();
        let train = if phase.augment.is_empty() { Some(of_rows(&train)?) } else { None };
        Ok(Some(Frozen { train, validation: of_rows(&self.rows.validation)? }))
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
        self.goal.output().predictions(&logits, self.data, rows).map(Some)
    }
}

/// Where the random streams of an epoch come from; epochs are counted from 1 through all phases.
pub(super) fn epoch_seed(fit: Seed, phase: &PhaseSpec, epoch: usize) -> Seed {
    fit.child(&phase.name).child_at("epoch", epoch)
}

/// The rows an epoch trains on, batch after batch.
pub(super) fn order(phase: &PhaseSpec, epoch: Seed, train: &[usize]) -> Vec<usize> {
    let mut order = train.to_vec();
    epoch.child("shuffle").stream().shuffle(&mut order);
    if phase.drop_last {
        order.truncate(order.len() / phase.batch_size * phase.batch_size);
    }
    order
}

pub(super) fn go_on(flow: Flow) -> Result<(), TrainError> {
    match flow {
        Flow::Continue => Ok(()),
        Flow::Stop => Err(TrainError::Interrupted),
    }
}

fn monitored(monitor: Metric, predictions: Option<&Predictions>, phase: &PhaseSpec) -> Result<f64, TrainError> {
    predictions
        .and_then(|predictions| evaluate(monitor, predictions, THRESHOLD))
        .ok_or_else(|| TrainError::Undefined { phase: phase.name.clone(), metric: monitor })
}

pub(super) fn diverged(epoch: usize, phase: &PhaseSpec) -> TrainError {
    TrainError::Diverged { epoch, phase: phase.name.clone() }
}
