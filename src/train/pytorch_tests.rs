//! Schedules, losses, clipping, averages and a whole training against PyTorch's numbers.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;

use super::augment::mixing;
use super::loss::TrainingLoss;
use super::schedule::{Plateau, Rates, Scheduler};
use super::tests::{Quiet, cpu, phase};
use super::{TrainSpec, train};
use crate::data;
use crate::metric::Metric;
use crate::seed::Seed;
use crate::spec::data::{CsvTableSpec, DataSpec, TableTask};
use crate::spec::network::{
    Activation, Backbone, ClassWeights, Loss, LossOptions, LrFactors, ModelSpec, Optimizer, PhaseOptions, PhaseSpec,
    Precision, Schedule,
};
use crate::split::TrainValidation;
use crate::trial::Direction;

#[derive(Deserialize)]
struct Fixture {
    lr: f64,
    factors: [f64; 2],
    epochs: usize,
    steps: usize,
    metric: Vec<f64>,
    losses: Vec<LossCase>,
    schedules: Vec<ScheduleCase>,
    training: Training,
}

#[derive(Deserialize)]
struct LossCase {
    logits: Vec<Vec<f32>>,
    targets: Vec<usize>,
    label_smoothing: f64,
    class_weights: Option<Vec<f64>>,
    loss: f64,
    gradient: Vec<f64>,
}

#[derive(Deserialize)]
struct ScheduleCase {
    name: String,
    rates: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
struct Training {
    start: BTreeMap<String, Vec<f32>>,
    losses: Vec<f64>,
    weights: BTreeMap<String, Vec<f32>>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../tests/fixtures/training_pytorch.json")).unwrap()
}

fn schedule(name: &str) -> Schedule {
    let plateau = |min_lr| Schedule::ReduceOnPlateau { patience: 1, factor: 0.5, monitor: Metric::RocAuc, min_lr };
    match name {
        "cosine" => Schedule::Cosine { warmup_epochs: 0, start_factor: 0.01, min_lr: 0.0, epochs: None },
        "cosine, warmed up" => Schedule::Cosine { warmup_epochs: 2, start_factor: 0.01, min_lr: 0.01, epochs: None },
        "step" => Schedule::Step { every: 2, factor: 0.3 },
        "exponential" => Schedule::Exponential { factor: 0.7 },
        "linear_warmup" => Schedule::LinearWarmup { epochs: 3, start_factor: 0.25 },
        "one_cycle" => Schedule::OneCycle { pct_start: 0.3, div_factor: 25.0, final_div_factor: 1e4, epochs: None },
        "one_cycle, steep" => {
            Schedule::OneCycle { pct_start: 0.1, div_factor: 10.0, final_div_factor: 100.0, epochs: None }
        }
        "reduce_on_plateau, max" => plateau(0.0),
        "reduce_on_plateau, min" => plateau(0.03),
        other => panic!("{other} is no schedule"),
    }
}

fn scheduled(fixture: &Fixture, schedule: Schedule) -> PhaseSpec {
    let [backbone, head] = fixture.factors;
    let lr_factors = LrFactors { backbone, head };
    let options = PhaseOptions { schedule: Some(schedule), lr_factors, ..PhaseOptions::default() };
    let optimizer =
        Optimizer::Sgd { lr: fixture.lr, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false };
    PhaseSpec { optimizer, options, ..phase("p", fixture.epochs) }
}

#[test]
fn learning_rates_are_those_of_pytorch() {
    let fixture = fixture();
    assert_eq!(fixture.schedules.len(), 9);
    for ScheduleCase { name, rates } in &fixture.schedules {
        let direction = if name.ends_with("min") { Direction::Minimize } else { Direction::Maximize };
        let mut scheduler = Scheduler::new(&scheduled(&fixture, schedule(name)), fixture.steps, Plateau::default());
        for (index, expected) in rates.iter().enumerate() {
            let (epoch, step) = (index / fixture.steps, index % fixture.steps);
            let Rates { backbone, head } = scheduler.rates(epoch, step);
            for (found, expected) in [backbone, head].into_iter().zip(expected) {
                let close = (found - expected).abs() <= 1e-12 * expected.abs().max(1e-3);
                assert!(close, "{name}, epoch {epoch}, step {step}: {found}, not {expected}");
            }
            if step + 1 == fixture.steps && scheduler.monitor().is_some() {
                scheduler.see(fixture.metric[epoch], direction);
            }
        }
    }
}

#[test]
fn a_schedule_that_is_over_stays_where_it_ended() {
    let fixture = fixture();
    let after = |schedule| {
        let Rates { backbone, head } =
            Scheduler::new(&scheduled(&fixture, schedule), 5, Plateau::default()).rates(7, 3);
        [backbone, head]
    };
    let cosine = Schedule::Cosine { warmup_epochs: 1, start_factor: 0.0, min_lr: 0.01, epochs: Some(3) };
    assert_eq!(after(cosine), [0.01, 0.01]);
    let cycle = Schedule::OneCycle { pct_start: 0.3, div_factor: 2.0, final_div_factor: 10.0, epochs: Some(3) };
    for (found, expected) in after(cycle).into_iter().zip([0.002, 0.02]) {
        assert!((found - expected).abs() < 1e-15, "{found}");
    }
    assert_eq!(after(Schedule::LinearWarmup { epochs: 2, start_factor: 0.5 }), [0.1 * 0.4, 0.4]);
}

fn options(label_smoothing: f64, class_weights: Option<ClassWeights>) -> LossOptions {
    LossOptions { label_smoothing, class_weights }
}

fn model(loss: Loss, loss_options: LossOptions) -> ModelSpec {
    let backbone = Backbone::Mlp { hidden: vec![4], activation: Activation::Tanh, dropout: 0.0 };
    ModelSpec { backbone, head: vec![], loss, loss_options }
}

#[test]
fn losses_with_smoothing_and_class_weights_are_those_of_pytorch() {
    let device = Device::flex().autodiff();
    let cases = fixture().losses;
    assert_eq!(cases.len(), 12);
    for LossCase { logits, targets, label_smoothing, class_weights, loss, gradient } in cases {
        let width = logits[0].len();
        let (kind, n_classes) = if width == 1 { (Loss::BinaryCrossEntropy, 2) } else { (Loss::CrossEntropy, 3) };
        let what = format!("{kind:?}, {label_smoothing}, {class_weights:?}");
        let options = options(label_smoothing, class_weights.map(ClassWeights::Given));
        let training_loss = TrainingLoss::new(&model(kind, options), n_classes, std::iter::empty());
        let logits = Tensor::<2>::from_data(TensorData::new(logits.concat(), [targets.len(), width]), &device);
        let logits = logits.require_grad();
        let value = training_loss.mean(logits.clone(), &targets, &mixing::shares(&[], &targets, n_classes), &device);
        let gradients = value.backward();
        let found = logits.grad(&gradients).unwrap().try_into_vec_as::<f32>().unwrap();
        let value = f64::from(value.into_scalar::<f32>());
        assert!((value - loss).abs() <= 2e-6 * loss.max(1.0), "{what}: {value}, not {loss}");
        for (&f, &e) in found.iter().zip(&gradient) {
            assert!((f64::from(f) - e).abs() <= 1e-6, "{what}: {found:?}, not {gradient:?}");
        }
    }
}

#[test]
fn balanced_weights_are_those_of_the_training_rows() {
    let balanced = |classes: &[usize]| {
        let model = model(Loss::CrossEntropy, options(0.0, Some(ClassWeights::Balanced)));
        let loss = TrainingLoss::new(&model, 3, classes.iter().copied());
        [loss.weight(&[0]), loss.weight(&[1]), loss.weight(&[2])]
    };
    // 8 / (3 * 4), 8 / (3 * 2) and the same again.
    assert_eq!(balanced(&[0, 0, 0, 0, 1, 1, 2, 2]), [8.0 / 12.0, 8.0 / 6.0, 8.0 / 6.0]);
    assert_eq!(balanced(&[0, 0, 2]), [0.5, 0.0, 1.0], "a class without rows has no weight");
    let plain = TrainingLoss::new(&model(Loss::CrossEntropy, options(0.0, None)), 3, [0, 0, 1].into_iter());
    assert_eq!(plain.weight(&[0, 1, 2, 2]), 4.0);
}

/// Ten rows of three classes, as in the script of the fixture.
fn rows_of_the_fixture(folder: &std::path::Path) -> data::Dataset {
    let mut text = "x,y,class\n".to_owned();
    for row in 0..10 {
        let class = if row % 3 == 0 { 0 } else { 1 + row % 2 };
        writeln!(text, "{},{},c{class}", 7 * row % 10, 3 * row * row % 11).unwrap();
    }
    let path = folder.join("rows.csv");
    std::fs::write(&path, text).unwrap();
    let (target, drop, categorical) = ("class".to_owned(), vec![], vec![]);
    data::open(
        &DataSpec::CsvTable(CsvTableSpec {
            path,
            target,
            drop,
            categorical,
            group: None,
            missing: vec![],
            task: TableTask::Classification,
            n: None,
            seed: 0,
        }),
        folder,
    )
    .unwrap()
}

/// The numbers of each tensor of a file of safetensors.
fn tensors(bytes: &[u8]) -> BTreeMap<String, Vec<f32>> {
    let end = 8 + usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    let mut header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&bytes[8..end]).unwrap();
    header.remove("__metadata__");
    let numbers = |tensor: serde_json::Value| {
        let at = |index: usize| usize::try_from(tensor["data_offsets"][index].as_u64().unwrap()).unwrap() + end;
        bytes[at(0)..at(1)].as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    };
    header.into_iter().map(|(name, tensor)| (name, numbers(tensor))).collect()
}

#[test]
fn a_training_with_every_option_is_that_of_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows_of_the_fixture(folder.path());
    let rows = TrainValidation { train: (0..10).collect(), validation: vec![] };
    let model = model(Loss::CrossEntropy, options(0.1, Some(ClassWeights::Balanced)));
    let trained = |phase: PhaseSpec| {
        let spec = TrainSpec { model: &model, phases: &[phase], seed: Seed::root(1), features: None };
        let trained = train(&spec, &data, &rows, &cpu(), None, &mut Quiet).unwrap();
        let losses: Vec<f64> = trained.epochs().iter().map(|epoch| epoch.train_loss).collect();
        (losses, tensors(&trained.predictor().weights().unwrap()))
    };
    let training = fixture().training;
    let still = Optimizer::Sgd { lr: 0.0, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false };
    let start = trained(PhaseSpec { optimizer: still, ..phase("still", 1) }).1;
    assert_eq!(start, training.start, "the training of the fixture begins with other weights");

    let options = PhaseOptions {
        schedule: Some(Schedule::Exponential { factor: 0.8 }),
        lr_factors: LrFactors { backbone: 0.5, head: 1.0 },
        clip_norm: Some(0.2),
        accumulate: 3,
        ema: Some(0.6),
        histograms: false,
        precision: Precision::F32,
    };
    let optimizer = Optimizer::AdamW { lr: 0.1, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };
    // Batches of 4, 4 and 2 rows: one step an epoch.
    let (losses, weights) = trained(PhaseSpec { batch_size: 4, optimizer, options, ..phase("all", 5) });
    for (found, expected) in losses.iter().zip(&training.losses) {
        assert!((found - expected).abs() <= 2e-6, "{losses:?}, not {:?}", training.losses);
    }
    assert_eq!(losses.len(), training.losses.len());
    assert!(weights.keys().eq(training.weights.keys()));
    for (name, expected) in &training.weights {
        for (found, expected) in weights[name].iter().zip(expected) {
            assert!((found - expected).abs() <= 5e-6, "{name}: {:?}, not {expected:?}", weights[name]);
        }
    }
}
