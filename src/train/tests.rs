#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::path::Path;

use super::{EpochRecord, Flow, Observer, Predictor, TrainError, TrainSpec, Trained, train};
use crate::data::{self, Dataset};
use crate::device::{DeviceKind, OpenDevice, open};
use crate::metric::{Metric, evaluate};
use crate::seed::Seed;
use crate::spec::data::{CsvTableSpec, DataSpec, PetsSource, PetsSpec, PetsTarget, TableTask};
use crate::spec::network::{
    Activation, Augment, Backbone, EarlyStop, Layer, Loss, LossOptions, ModelSpec, Optimizer, PhaseOptions, PhaseSpec,
};
use crate::split::TrainValidation;

pub(super) struct Quiet;

impl Observer for Quiet {
    fn epoch(&mut self, _record: &EpochRecord) -> Flow {
        Flow::Continue
    }
}

pub(super) fn cpu() -> OpenDevice {
    open(DeviceKind::Cpu).unwrap()
}

/// Two columns, and a class that is 1 around (1, 1) and 0 around (-1, -1); `n_classes` above 2 go round a circle.
pub(super) fn blobs(folder: &Path, n: usize, n_classes: usize) -> Dataset {
    let mut stream = Seed::root(99).child("blobs").stream();
    let mut text = "x,y,class\n".to_owned();
    for row in 0..n {
        let class = row % n_classes;
        let angle = std::f64::consts::PI * (0.25 + 1.0 + 2.0 * class as f64 / n_classes as f64);
        let (x, y) = (1.4 * libm::cos(angle) + stream.normal(), 1.4 * libm::sin(angle) + stream.normal());
        writeln!(text, "{x},{y},c{class}").unwrap();
    }
    let path = folder.join("blobs.csv");
    std::fs::write(&path, text).unwrap();
    let spec = CsvTableSpec {
        path,
        target: "class".to_owned(),
        drop: vec![],
        categorical: vec![],
        group: None,
        missing: vec![],
        task: TableTask::Classification,
        n: None,
        seed: 0,
    };
    data::open(&DataSpec::CsvTable(spec), folder).unwrap()
}

pub(super) fn pictures(folder: &Path) -> Dataset {
    let source = PetsSource::Embedded { n: 40, seed: 3 };
    data::open(&DataSpec::Pets(PetsSpec { source, target: PetsTarget::Species, size: 12 }), folder).unwrap()
}

pub(super) fn rows(n: usize) -> TrainValidation {
    let (validation, train) = (0..n).partition(|row| row % 3 == 0);
    TrainValidation { train, validation }
}

pub(super) fn mlp(loss: Loss) -> ModelSpec {
    let backbone = Backbone::Mlp { hidden: vec![16], activation: Activation::Relu, dropout: 0.2 };
    ModelSpec {
        backbone,
        head: vec![Layer::Linear { units: 8, bias: true }, Layer::Activation(Activation::Tanh)],
        loss,
        loss_options: LossOptions::default(),
    }
}

pub(super) fn convnet() -> ModelSpec {
    ModelSpec {
        backbone: Backbone::Convnet { width: 4, blocks: 2, kernel: 3 },
        head: vec![
            Layer::Linear { units: 8, bias: true },
            Layer::BatchNorm { eps: 1e-5, momentum: 0.1 },
            Layer::Activation(Activation::Gelu),
            Layer::Dropout { rate: 0.5 },
        ],
        loss: Loss::BinaryCrossEntropy,
        loss_options: LossOptions::default(),
    }
}

pub(super) fn phase(name: &str, epochs: usize) -> PhaseSpec {
    PhaseSpec {
        name: name.to_owned(),
        freeze_backbone: false,
        epochs,
        batch_size: 16,
        drop_last: false,
        optimizer: Optimizer::AdamW { lr: 0.01, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 },
        early_stop: None,
        augment: vec![],
        options: PhaseOptions::default(),
    }
}

pub(super) fn early_stop(monitor: Metric, patience: usize) -> Option<EarlyStop> {
    Some(EarlyStop { patience, min_delta: 0.0, monitor })
}

fn fit(model: &ModelSpec, phases: &[PhaseSpec], seed: u64, data: &Dataset, rows: &TrainValidation) -> Trained {
    try_fit(model, phases, seed, data, rows).unwrap()
}

fn try_fit(
    model: &ModelSpec,
    phases: &[PhaseSpec],
    seed: u64,
    data: &Dataset,
    rows: &TrainValidation,
) -> Result<Trained, TrainError> {
    train(&TrainSpec { model, phases, seed: Seed::root(seed), features: None }, data, rows, &cpu(), None, &mut Quiet)
}

fn value(record: &EpochRecord, metric: Metric) -> f64 {
    record.validation.iter().find(|(name, _)| *name == metric).unwrap().1
}

#[test]
fn two_blobs_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 240, 2), rows(240));
    for loss in [Loss::BinaryCrossEntropy, Loss::CrossEntropy] {
        let trained = fit(&mlp(loss), &[phase("only", 8)], 1, &data, &rows);
        let predictions = trained.predictor().predict(&data, &rows.validation).unwrap();
        let auc = evaluate(Metric::RocAuc, &predictions, 0.5).unwrap();
        assert!(auc > 0.93, "{auc}");
        assert!(trained.epochs()[7].train_loss < trained.epochs()[0].train_loss);
        assert_eq!(trained.final_epoch(), 8);
        assert_eq!(trained.epochs()[7].validation, crate::metric::evaluate_all(&predictions, 0.5));
    }
}

#[test]
fn a_row_predicted_alone_has_the_bits_it_has_among_others() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 240, 2), rows(240));
    let trained = fit(&mlp(Loss::CrossEntropy), &[phase("only", 1)], 1, &data, &rows);
    let all = trained.predictor().predict(&data, &rows.validation).unwrap();
    for (index, &row) in rows.validation.iter().enumerate() {
        let alone = trained.predictor().predict(&data, &[row]).unwrap();
        assert_eq!(alone.probabilities(), &all.probabilities()[2 * index..2 * index + 2], "row {row}");
    }
}

#[test]
fn many_classes_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 300, 4), rows(300));
    let trained = fit(&mlp(Loss::CrossEntropy), &[phase("only", 10)], 1, &data, &rows);
    assert!(value(&trained.epochs()[9], Metric::Accuracy) > 0.55, "{:?}", trained.epochs()[9]);
    let error = try_fit(&mlp(Loss::BinaryCrossEntropy), &[phase("only", 1)], 1, &data, &rows).unwrap_err();
    assert_eq!(
        error.to_string(),
        "binary cross entropy tells two classes apart, but the data has 4; use cross_entropy as the loss"
    );
}

#[test]
fn equal_fits_are_equal_bit_for_bit_and_another_seed_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (pictures(folder.path()), rows(40));
    let mut full = phase("full", 2);
    full.augment = vec![Augment::Flip { p: 0.5 }, Augment::Crop { padding: 2 }];
    full.drop_last = true;
    full.batch_size = 8;
    let mut warmup = phase("warmup", 1);
    warmup.freeze_backbone = true;
    let phases = [warmup, full];
    let all = |seed| {
        let trained = fit(&convnet(), &phases, seed, &data, &rows);
        let predictions = trained.predictor().predict(&data, &rows.validation).unwrap();
        (trained.epochs().to_vec(), predictions, trained.predictor().weights().unwrap())
    };
    // Two at once, to see that they do not disturb each other through the generator that dropout draws from.
    let (once, again) = std::thread::scope(|scope| {
        let once = scope.spawn(|| all(1));
        let again = scope.spawn(|| all(1));
        (once.join().unwrap(), again.join().unwrap())
    });
    assert_eq!(once, again);
    let other = all(2);
    assert_ne!(once.0, other.0);
    assert_ne!(once.2, other.2);
}

#[test]
fn a_frozen_phase_leaves_the_backbone_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (pictures(folder.path()), rows(40));
    let mut frozen = phase("frozen", 2);
    frozen.freeze_backbone = true;
    let mut augmented = phase("augmented", 1);
    augmented.freeze_backbone = true;
    augmented.augment = vec![Augment::Flip { p: 0.5 }];
    let tensors = |phases: &[PhaseSpec]| {
        let trained = fit(&convnet(), phases, 1, &data, &rows);
        let predictions = trained.predictor().predict(&data, &rows.validation).unwrap();
        let recorded = &trained.epochs().last().unwrap().validation;
        assert_eq!(*recorded, crate::metric::evaluate_all(&predictions, 0.5), "features computed once change nothing");
        let bytes = trained.predictor().weights().unwrap();
        let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header: serde_json::Value = serde_json::from_slice(&bytes[8..end]).unwrap();
        let place = |name: &str, at: usize| header[name]["data_offsets"][at].as_u64().unwrap() as usize + end;
        let tensor = |name: &str| bytes[place(name, 0)..place(name, 1)].to_vec();
        [
            tensor("backbone.blocks.0.convolution.weight"),
            tensor("backbone.blocks.1.norm.running_mean"),
            tensor("backbone.blocks.1.norm.running_var"),
            tensor("backbone.blocks.1.norm.weight"),
            tensor("output.weight"),
            tensor("head.1.running_mean"),
        ]
    };
    let short = tensors(&[augmented.clone()]);
    let long = tensors(&[augmented, frozen.clone()]);
    assert_eq!(short[..4], long[..4], "the backbone");
    assert_eq!(long[1], vec![0; 8 * 4], "no batch moved the running means");
    assert_ne!(short[4], long[4], "the output layer");
    assert_ne!(short[5], long[5], "statistics of the head");
    let thawed = tensors(&[frozen, phase("thawed", 1)]);
    for part in 0..6 {
        assert_ne!(thawed[part], short[part], "part {part}");
    }
}

#[test]
fn early_stopping_ends_the_phase_and_restores_the_best_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 90, 2), rows(90));
    let mut stopping = phase("stopping", 60);
    stopping.optimizer = Optimizer::Adam { lr: 0.05, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 };
    stopping.early_stop = early_stop(Metric::LogLoss, 4);
    let trained = fit(&mlp(Loss::CrossEntropy), &[stopping], 1, &data, &rows);
    let losses: Vec<f64> = trained.epochs().iter().map(|record| value(record, Metric::LogLoss)).collect();
    assert!(losses.len() < 60, "the phase is cut");
    let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
    assert_eq!(losses.len(), best + 1 + 4, "four epochs after the best one");
    assert_eq!(trained.final_epoch(), best + 1);
    assert_eq!(trained.phases()[0].n_kept_epochs(), best + 1);
    let predictions = trained.predictor().predict(&data, &rows.validation).unwrap();
    assert_eq!(evaluate(Metric::LogLoss, &predictions, 0.5), Some(losses[best]));
}

#[test]
fn the_best_weights_are_restored_when_a_phase_is_not_cut_and_the_next_phase_goes_on_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 90, 2), rows(90));
    let mut first = phase("first", 12);
    first.optimizer = Optimizer::Adam { lr: 0.3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 };
    first.early_stop = early_stop(Metric::RocAuc, 12);
    let mut still = phase("still", 1);
    still.optimizer = Optimizer::Sgd { lr: 0.0, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false };
    let trained = fit(&mlp(Loss::CrossEntropy), &[first, still], 1, &data, &rows);
    let outcome = &trained.phases()[0];
    assert_eq!((outcome.first_epoch, outcome.last_epoch), (1, 12));
    let best = &trained.epochs()[outcome.kept_epoch - 1];
    let auc = |record| value(record, Metric::RocAuc);
    assert!(trained.epochs()[..12].iter().all(|record| auc(record) <= auc(best)));
    assert!(trained.epochs()[..outcome.kept_epoch - 1].iter().all(|record| auc(record) < auc(best)));
    assert_eq!(trained.epochs()[12].validation, best.validation, "a step of length 0 changes nothing");
    assert_eq!(trained.final_epoch(), 13);
}

#[test]
fn a_refit_without_validation_rows_records_the_loss_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = blobs(folder.path(), 60, 2);
    let rows = TrainValidation { train: (0..60).collect(), validation: vec![] };
    let trained = fit(&mlp(Loss::CrossEntropy), &[phase("only", 2)], 1, &data, &rows);
    assert!(trained.epochs().iter().all(|record| record.validation.is_empty()));
    let mut watched = phase("only", 2);
    watched.early_stop = early_stop(Metric::LogLoss, 2);
    assert_eq!(
        try_fit(&mlp(Loss::CrossEntropy), &[watched], 1, &data, &rows).unwrap_err().to_string(),
        "phase `only` stops early, but there are no validation rows to watch; leave early_stop out"
    );
}

#[test]
fn the_observer_hears_everything_and_can_end_the_training() {
    #[derive(Default)]
    struct Listener {
        heard: Vec<String>,
    }
    impl Observer for Listener {
        fn phase(&mut self, name: &str, epochs: usize) {
            self.heard.push(format!("{name} of {epochs}"));
        }
        fn batch(&mut self, done: usize, total: usize) -> Flow {
            self.heard.push(format!("{done}/{total}"));
            Flow::Continue
        }
        fn epoch(&mut self, record: &EpochRecord) -> Flow {
            self.heard.push(format!("epoch {} in {}", record.epoch, record.phase));
            if record.epoch == 2 { Flow::Stop } else { Flow::Continue }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 60, 2), rows(60));
    let phases = [phase("a", 1), phase("b", 3), phase("c", 1)];
    let spec = TrainSpec { model: &mlp(Loss::CrossEntropy), phases: &phases, seed: Seed::root(1), features: None };
    let mut listener = Listener::default();
    let trained = train(&spec, &data, &rows, &cpu(), None, &mut listener).unwrap();
    assert_eq!(
        listener.heard,
        ["a of 1", "1/3", "2/3", "3/3", "epoch 1 in a", "b of 3", "1/3", "2/3", "3/3", "epoch 2 in b"]
    );
    assert!(trained.was_stopped());
    assert_eq!(trained.final_epoch(), 2);
    assert_eq!(trained.phases().len(), 2);
}

#[test]
fn a_predictor_from_a_file_predicts_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (pictures(folder.path()), rows(40));
    let trained = fit(&convnet(), &[phase("only", 1)], 1, &data, &rows);
    let path = folder.path().join("model.safetensors");
    trained.predictor().save(&path).unwrap();
    let json = serde_json::to_string(trained.predictor().preprocessing()).unwrap();
    let preprocessing = serde_json::from_str(&json).unwrap();
    let output = trained.predictor().output();
    let loaded = Predictor::load(&convnet(), preprocessing, output, std::fs::read(&path).unwrap(), &cpu()).unwrap();
    let of = |predictor: &Predictor| predictor.predict(&data, &rows.validation).unwrap();
    assert_eq!(of(&loaded), of(trained.predictor()));
    let table = blobs(folder.path(), 10, 2);
    assert_eq!(
        loaded.predict(&table, &[0]).unwrap_err().to_string(),
        "the model takes pictures of 12 x 12 pixels, but the rows are those of a table; open the data as for the training"
    );
}

#[test]
fn preprocessing_is_fitted_on_training_rows_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = pictures(folder.path());
    let of = |train: Vec<usize>, validation: Vec<usize>| {
        let trained = fit(&convnet(), &[phase("only", 1)], 1, &data, &TrainValidation { train, validation });
        serde_json::to_string(trained.predictor().preprocessing()).unwrap()
    };
    assert_eq!(of((0..20).collect(), (20..30).collect()), of((0..20).collect(), (30..40).collect()));
    assert_ne!(of((0..20).collect(), vec![]), of((20..40).collect(), vec![]));
}

#[test]
fn a_learning_rate_without_bounds_diverges() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 60, 2), rows(60));
    let mut wild = phase("wild", 5);
    wild.optimizer = Optimizer::Sgd { lr: 1e38, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false };
    assert_eq!(
        try_fit(&mlp(Loss::CrossEntropy), &[wild], 1, &data, &rows).unwrap_err().to_string(),
        "training diverged in epoch 1 (phase `wild`); lower the learning rate"
    );
}

#[test]
fn each_broken_rule_has_its_message() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 30, 2), rows(30));
    let message = |change: &dyn Fn(&mut PhaseSpec)| {
        let mut phase = phase("p", 1);
        change(&mut phase);
        try_fit(&mlp(Loss::CrossEntropy), &[phase], 1, &data, &rows).unwrap_err().to_string()
    };
    assert_eq!(message(&|p| p.epochs = 0), "epochs of phase `p` is 0, but must be at least 1");
    assert_eq!(message(&|p| p.batch_size = 0), "batch_size of phase `p` is 0, but must be at least 1");
    assert_eq!(
        message(&|p| (p.batch_size, p.drop_last) = (21, true)),
        "phase `p` drops incomplete batches, but 20 rows do not fill a batch of 21; lower batch_size or set drop_last \
         to false"
    );
    assert_eq!(
        message(&|p| p.early_stop = early_stop(Metric::Value, 1)),
        "phase `p` watches value, which is neither better when larger nor when smaller; watch log_loss"
    );
    assert_eq!(
        message(&|p| p.early_stop = early_stop(Metric::LogLoss, 0)),
        "patience of phase `p` is 0, but must be at least 1"
    );
    assert_eq!(
        message(&|p| p.augment = vec![Augment::Crop { padding: 1 }]),
        "phase `p` augments pictures, but the rows are none; leave augment out"
    );
    let sgd =
        |lr, momentum, dampening, nesterov| Optimizer::Sgd { lr, momentum, dampening, weight_decay: 0.0, nesterov };
    assert_eq!(
        message(&|p| p.optimizer = sgd(-0.1, 0.0, 0.0, false)),
        "lr of phase `p` is -0.1, but must be finite and at least 0"
    );
    assert_eq!(
        message(&|p| p.optimizer = sgd(0.1, 0.9, 0.1, true)),
        "nesterov of phase `p` needs a momentum above 0 and a dampening of 0"
    );
    assert_eq!(
        message(&|p| p.optimizer = Optimizer::Adam { lr: 0.1, betas: [0.9, 1.0], eps: 1e-8, weight_decay: 0.0 }),
        "beta 1 of phase `p` is 1, but must be at least 0 and below 1"
    );
    let of_phases = |phases: &[PhaseSpec], train: Vec<usize>| {
        let rows = TrainValidation { train, validation: vec![] };
        try_fit(&mlp(Loss::CrossEntropy), phases, 1, &data, &rows).unwrap_err().to_string()
    };
    assert_eq!(of_phases(&[], vec![0, 1]), "there is no phase to train; give train at least one phase");
    assert_eq!(of_phases(&[phase("p", 1)], vec![]), "there are no rows to train on; give the split more training rows");
    assert_eq!(
        of_phases(&[phase("p", 1), phase("p", 1)], vec![0, 1]),
        "two phases are called `p`, but a phase's name must be its own; rename one"
    );
}

#[test]
fn a_watched_metric_that_is_not_defined_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let data = blobs(folder.path(), 30, 2);
    let rows = TrainValidation { train: (0..20).collect(), validation: vec![20, 22, 24] };
    let mut watched = phase("p", 2);
    watched.early_stop = early_stop(Metric::RocAuc, 1);
    assert_eq!(
        try_fit(&mlp(Loss::CrossEntropy), &[watched], 1, &data, &rows).unwrap_err().to_string(),
        "roc_auc is not defined on the validation rows, which may lack a class; watch log_loss in phase `p`"
    );
}
