//! A training that goes on from a checkpoint is the training that was never interrupted.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::tests::{blobs, convnet, cpu, early_stop, mlp, phase, pictures, rows};
use super::{Checkpoint, CheckpointError, EpochRecord, Flow, Observer, PhaseOutcome};
use super::{TrainError, TrainSpec, Trained, train};
use crate::data::Dataset;
use crate::metric::{Metric, Predictions};
use crate::seed::Seed;
use crate::spec::network::{
    Augment, ClassWeights, Layer, Loss, LossOptions, LrFactors, ModelSpec, Optimizer, PhaseOptions, PhaseSpec,
    Precision, Schedule,
};
use crate::split::TrainValidation;

/// Writes down what it hears, keeps every checkpoint it is offered, and stops where it was told to.
#[derive(Default)]
struct Keeper {
    heard: Vec<String>,
    files: Vec<Vec<u8>>,
    stop_at: Option<&'static str>,
}

impl Keeper {
    fn stopping_at(event: &'static str) -> Self {
        Self { stop_at: Some(event), ..Self::default() }
    }

    fn hear(&mut self, event: String) -> Flow {
        let stop = self.stop_at == Some(event.as_str());
        self.heard.push(event);
        if stop { Flow::Stop } else { Flow::Continue }
    }
}

impl Observer for Keeper {
    fn phase(&mut self, name: &str, _epochs: usize) {
        self.hear(name.to_owned());
    }

    fn batch(&mut self, done: usize, total: usize) -> Flow {
        self.hear(format!("{done}/{total}"))
    }

    fn epoch(&mut self, record: &EpochRecord) -> Flow {
        self.hear(format!("epoch {}", record.epoch))
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.hear("wants?".to_owned());
        true
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint) -> Flow {
        self.files.push(checkpoint.to_bytes());
        self.hear(format!("checkpoint {}", checkpoint.epochs().len()))
    }
}

/// Trains without ever being asked for a checkpoint.
struct Silent;

impl Observer for Silent {
    fn epoch(&mut self, _record: &EpochRecord) -> Flow {
        Flow::Continue
    }
}

struct Case<'a> {
    model: ModelSpec,
    phases: Vec<PhaseSpec>,
    seed: u64,
    data: &'a Dataset,
    rows: TrainValidation,
}

impl Case<'_> {
    fn train(&self, from: Option<&[u8]>, observer: &mut dyn Observer) -> Result<Trained, TrainError> {
        let spec = TrainSpec { model: &self.model, phases: &self.phases, seed: Seed::root(self.seed), features: None };
        let from = from.map(|bytes| Checkpoint::from_bytes(bytes).unwrap());
        train(&spec, self.data, &self.rows, &cpu(), from, observer)
    }

    fn all_of(&self, trained: &Trained) -> (Vec<EpochRecord>, Vec<PhaseOutcome>, Vec<u8>, Predictions) {
        let predictor = trained.predictor();
        let predictions = predictor.predict(self.data, &self.rows.validation).unwrap();
        (trained.epochs().to_vec(), trained.phases().to_vec(), predictor.weights().unwrap(), predictions)
    }
}

/// A frozen warm-up that stops early, the whole network stopping early, and a frozen tail to the last epoch.
fn phases(optimizer: &Optimizer, augment: &[Augment]) -> Vec<PhaseSpec> {
    let mut warmup = phase("warmup", 4);
    warmup.freeze_backbone = true;
    warmup.early_stop = early_stop(Metric::RocAuc, 2);
    let mut full = phase("full", 5);
    full.early_stop = early_stop(Metric::LogLoss, 2);
    full.augment = augment.to_vec();
    full.drop_last = true;
    let mut tail = phase("tail", 2);
    tail.freeze_backbone = true;
    tail.augment = augment.to_vec();
    let mut phases = vec![warmup, full, tail];
    for phase in &mut phases {
        phase.batch_size = 8;
        phase.optimizer = optimizer.clone();
    }
    phases
}

fn optimizers() -> [Optimizer; 4] {
    let (betas, eps) = ([0.9, 0.999], 1e-8);
    [
        Optimizer::Sgd { lr: 0.1, momentum: 0.9, dampening: 0.1, weight_decay: 0.01, nesterov: false },
        Optimizer::Adam { lr: 0.03, betas, eps, weight_decay: 0.01 },
        Optimizer::AdamW { lr: 0.03, betas, eps, weight_decay: 0.01 },
        Optimizer::RmsProp { lr: 0.01, alpha: 0.9, eps, weight_decay: 0.01, momentum: 0.5, centered: true },
    ]
}

#[test]
fn a_training_interrupted_after_any_epoch_ends_as_if_it_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let (table, pictures) = (blobs(folder.path(), 60, 2), pictures(folder.path()));
    let mut of_table = mlp(Loss::CrossEntropy);
    of_table.head.extend([Layer::BatchNorm { eps: 1e-5, momentum: 0.1 }, Layer::Dropout { rate: 0.3 }]);
    let augment = [Augment::Flip { p: 0.5 }, Augment::Crop { padding: 2 }];
    let (mut between_phases, mut cut_short, mut kept_before, mut velocities) = (0, 0, 0, 0);
    for optimizer in optimizers() {
        for (data, model, augment) in [(&table, of_table.clone(), &[][..]), (&pictures, convnet(), &augment)] {
            let phases = phases(&optimizer, augment);
            let case = Case { model, phases, seed: 1, data, rows: rows(data.n()) };
            let mut keeper = Keeper::default();
            let whole = case.train(None, &mut keeper).unwrap();
            let expected = case.all_of(&whole);
            assert_eq!(
                case.all_of(&case.train(None, &mut Silent).unwrap()),
                expected,
                "making checkpoints is no change"
            );
            assert_eq!(keeper.files.len(), expected.0.len() - 1);
            for (index, file) in keeper.files.iter().enumerate() {
                let mut again = Keeper::default();
                let resumed = case.train(Some(file), &mut again).unwrap();
                assert_eq!(case.all_of(&resumed), expected, "{optimizer:?}, after epoch {}", index + 1);
                assert_eq!(again.files, keeper.files[index + 1..], "{optimizer:?}, after epoch {}", index + 1);

                let checkpoint = Checkpoint::from_bytes(file).unwrap();
                let ended = whole.phases().iter().find(|phase| phase.last_epoch == index + 1);
                let planned = case.phases[checkpoint.phases.len()].epochs;
                between_phases += usize::from(ended.is_some());
                cut_short += usize::from(ended.is_some_and(|p| p.last_epoch + 1 - p.first_epoch < planned));
                kept_before += usize::from(checkpoint.progress.best.is_some());
                velocities += usize::from(checkpoint.progress.memories.iter().any(|m| m.vectors[0].is_some()));
            }
        }
    }
    assert_eq!(between_phases, 2 * 8);
    assert!(cut_short > 2, "phases were cut by early stopping: {cut_short}");
    assert!(kept_before > 8, "epochs were trained after the best one: {kept_before}");
    assert!(velocities > 8);
}

#[test]
fn a_training_with_every_option_goes_on_from_any_epoch_as_if_it_never_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = pictures(folder.path());
    let mut model = convnet();
    model.loss_options = LossOptions { label_smoothing: 0.1, class_weights: Some(ClassWeights::Balanced) };
    let plateau = Schedule::ReduceOnPlateau { patience: 0, factor: 0.5, monitor: Metric::RocAuc, min_lr: 1e-4 };
    let schedules = [
        Schedule::Cosine { warmup_epochs: 1, start_factor: 0.1, min_lr: 1e-4, epochs: None },
        plateau,
        Schedule::OneCycle { pct_start: 0.3, div_factor: 25.0, final_div_factor: 1e4, epochs: Some(9) },
    ];
    let (mut kept_now, mut kept_before, mut reduced) = (0, 0, 0);
    for schedule in schedules {
        let mut phases = phases(&optimizers()[2], &[Augment::Flip { p: 0.5 }]);
        let is_plateau = matches!(schedule, Schedule::ReduceOnPlateau { .. });
        let precision = if is_plateau { Precision::Bf16 } else { Precision::F32 };
        for phase in &mut phases {
            phase.options = PhaseOptions {
                schedule: Some(schedule.clone()),
                lr_factors: LrFactors { backbone: 0.1, head: 1.0 },
                clip_norm: Some(0.5),
                accumulate: 2,
                ema: Some(0.7),
                histograms: true,
                precision,
            };
        }
        let case = Case { model: model.clone(), phases, seed: 1, data: &data, rows: rows(data.n()) };
        let mut keeper = Keeper::default();
        let expected = case.all_of(&case.train(None, &mut keeper).unwrap());
        assert!(expected.0.iter().all(|epoch| !epoch.histograms.is_empty()));
        for (index, file) in keeper.files.iter().enumerate() {
            let mut again = Keeper::default();
            let resumed = case.train(Some(file), &mut again).unwrap();
            assert_eq!(case.all_of(&resumed), expected, "{schedule:?}, after epoch {}", index + 1);
            assert_eq!(again.files, keeper.files[index + 1..], "{schedule:?}, after epoch {}", index + 1);
            let progress = Checkpoint::from_bytes(file).unwrap().progress;
            *(if progress.best.is_some() { &mut kept_before } else { &mut kept_now }) += 1;
            reduced += usize::from(progress.plateau.n_reductions > 0);
            assert!(progress.memories.iter().all(|memory| memory.vectors[3].is_some()), "an average each");
        }
    }
    assert!(kept_now > 3 && kept_before > 3, "{kept_now} and {kept_before}");
    assert!(reduced > 1, "{reduced}");
}

#[test]
fn a_phase_that_was_over_is_not_heard_of_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = blobs(folder.path(), 60, 2);
    let phases = phases(&optimizers()[1], &[]);
    let case = Case { model: mlp(Loss::CrossEntropy), phases, seed: 1, data: &data, rows: rows(60) };
    let mut keeper = Keeper::default();
    let whole = case.train(None, &mut keeper).unwrap();
    let warmup = &whole.phases()[0];
    let at_its_end = &keeper.files[warmup.last_epoch - 1];
    let mut again = Keeper::default();
    let resumed = case.train(Some(at_its_end), &mut again).unwrap();
    assert_eq!(resumed.phases(), whole.phases());
    assert_eq!(again.heard[0], "full", "nothing of the warm-up is left to be heard");
    let heard_before = keeper.heard.iter().position(|event| event == "full").unwrap();
    assert_eq!(again.heard, keeper.heard[heard_before..]);
}

/// One short phase and another one, on a small table.
fn small(data: &Dataset) -> Case<'_> {
    let rows = TrainValidation { train: (0..20).collect(), validation: (20..30).collect() };
    Case { model: mlp(Loss::CrossEntropy), phases: vec![phase("a", 2), phase("b", 2)], seed: 1, data, rows }
}

#[test]
fn a_checkpoint_is_offered_after_every_epoch_but_one_that_ends_the_training() {
    let folder = tempfile::tempdir().unwrap();
    let data = blobs(folder.path(), 30, 2);
    let case = small(&data);
    let mut keeper = Keeper::default();
    case.train(None, &mut keeper).unwrap();
    let epoch = |n: usize, checkpoint: bool| {
        let ends = [format!("epoch {n}"), "wants?".to_owned(), format!("checkpoint {n}")];
        let ends = if checkpoint { ends.to_vec() } else { ends[..1].to_vec() };
        [vec!["1/2".to_owned(), "2/2".to_owned()], ends].concat()
    };
    let a = vec!["a".to_owned()];
    let b = vec!["b".to_owned()];
    assert_eq!(keeper.heard, [a.clone(), epoch(1, true), epoch(2, true), b, epoch(3, true), epoch(4, false)].concat());

    let mut stopped = Keeper::stopping_at("epoch 1");
    let trained = case.train(None, &mut stopped).unwrap();
    assert!(trained.was_stopped());
    assert_eq!(stopped.heard, [a, epoch(1, false)].concat());
}

#[test]
fn an_observer_can_abandon_a_training_at_any_batch_or_checkpoint_and_it_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let data = blobs(folder.path(), 30, 2);
    let case = small(&data);
    let mut whole = Keeper::default();
    let expected = case.all_of(&case.train(None, &mut whole).unwrap());

    let mut at_batch = Keeper::stopping_at("1/2");
    let error = case.train(None, &mut at_batch).unwrap_err();
    assert!(matches!(error, TrainError::Interrupted), "{error}");
    assert_eq!(error.to_string(), "the training was interrupted; go on from its last checkpoint");
    assert_eq!(at_batch.heard, ["a", "1/2"]);

    let mut at_checkpoint = Keeper::stopping_at("checkpoint 2");
    let error = case.train(None, &mut at_checkpoint).unwrap_err();
    assert!(matches!(error, TrainError::Interrupted), "{error}");
    assert_eq!(at_checkpoint.heard, whole.heard[..11]);
    let resumed = case.train(at_checkpoint.files.last().map(Vec::as_slice), &mut Silent).unwrap();
    assert_eq!(case.all_of(&resumed), expected);
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = blobs(folder.path(), 30, 2);
    let mut keeper = Keeper::default();
    small(&data).train(None, &mut keeper).unwrap();
    let file = keeper.files[0].as_slice();
    let difference = |case: &Case<'_>| match case.train(Some(file), &mut Silent).unwrap_err() {
        TrainError::Checkpoint(CheckpointError::OtherTraining { part }) => part,
        other => panic!("{other}"),
    };
    let changed = |change: &dyn Fn(&mut Case<'_>)| {
        let mut case = small(&data);
        change(&mut case);
        difference(&case)
    };
    assert_eq!(changed(&|case| case.model.head.truncate(1)), "another model");
    assert_eq!(changed(&|case| case.phases.truncate(1)), "other phases");
    assert_eq!(changed(&|case| case.phases[1].optimizer = optimizers()[0].clone()), "other phases");
    assert_eq!(changed(&|case| case.seed = 2), "another seed");
    assert_eq!(changed(&|case| case.rows.train.truncate(19)), "other rows");
    let others = blobs(folder.path(), 31, 2);
    assert_eq!(difference(&small(&others)), "other data");

    let mut elsewhere = Checkpoint::from_bytes(file).unwrap();
    let mut origin = serde_json::to_value(&elsewhere.origin).unwrap();
    origin["device"] = "another".into();
    elsewhere.origin = serde_json::from_value(origin).unwrap();
    let error = small(&data).train(Some(&elsewhere.to_bytes()), &mut Silent).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the checkpoint is of a training with another class of device, and would give other numbers; train from the start"
    );

    let mut other_weights = Checkpoint::from_bytes(file).unwrap();
    other_weights.network.truncate(40);
    let error = small(&data).train(Some(&other_weights.to_bytes()), &mut Silent).unwrap_err();
    assert!(matches!(error, TrainError::Weights(_)), "{error}");
}
