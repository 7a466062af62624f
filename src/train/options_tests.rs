//! Options of a phase in whole trainings.

#![expect(clippy::unwrap_used, reason = "tests")]

use burn::tensor::FloatDType;

use super::check::check_precision;
use super::histogram::HistogramOf;
use super::tests::{Quiet, blobs, convnet, cpu, mlp, phase, pictures, rows};
use super::{EpochRecord, TrainError, TrainSpec, Trained, train};
use crate::data::Dataset;
use crate::metric::{Metric, evaluate};
use crate::seed::Seed;
use crate::spec::network::{
    Backbone, ClassWeights, Loss, LossOptions, LrFactors, ModelSpec, Optimizer, PhaseOptions, PhaseSpec, Precision,
    Schedule,
};
use crate::split::TrainValidation;

fn try_fit(
    model: &ModelSpec,
    phases: &[PhaseSpec],
    data: &Dataset,
    rows: &TrainValidation,
) -> Result<Trained, TrainError> {
    train(&TrainSpec { model, phases, seed: Seed::root(1), features: None }, data, rows, &cpu(), None, &mut Quiet)
}

fn fit(model: &ModelSpec, phases: &[PhaseSpec], data: &Dataset, rows: &TrainValidation) -> Trained {
    try_fit(model, phases, data, rows).unwrap()
}

fn with(name: &str, epochs: usize, options: PhaseOptions) -> PhaseSpec {
    PhaseSpec { options, ..phase(name, epochs) }
}

fn plain() -> PhaseOptions {
    PhaseOptions::default()
}

fn sgd(lr: f64) -> Optimizer {
    Optimizer::Sgd { lr, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false }
}

/// No dropout, so that rows do not depend on their batch.
fn without_dropout() -> ModelSpec {
    let mut model = mlp(Loss::CrossEntropy);
    let Backbone::Mlp { dropout, .. } = &mut model.backbone else { unreachable!() };
    *dropout = 0.0;
    model
}

fn losses(trained: &Trained) -> Vec<f64> {
    trained.epochs().iter().map(|epoch| epoch.train_loss).collect()
}

fn weights(trained: &Trained) -> Vec<u8> {
    trained.predictor().weights().unwrap()
}

#[test]
fn small_batches_put_together_are_one_large_batch() {
    let folder = tempfile::tempdir().unwrap();
    let data = blobs(folder.path(), 60, 3);
    // 40 rows: two steps of 16 and one of 8, which is 5 and 3 in the small batches.
    let rows = rows(60);
    let mut model = without_dropout();
    model.loss_options.class_weights = Some(ClassWeights::Given(vec![0.5, 1.0, 3.0]));
    let trained = |batch_size: usize, accumulate: usize, drop_last: bool| {
        let options = PhaseOptions { accumulate, ..plain() };
        fit(&model, &[PhaseSpec { batch_size, drop_last, ..with("p", 4, options) }], &data, &rows)
    };
    let (large, small) = (trained(16, 1, false), trained(4, 4, false));
    for (small, large) in losses(&small).iter().zip(losses(&large)) {
        assert!((small - large).abs() < 1e-5, "{small}, not {large}");
    }
    assert_ne!(losses(&small), losses(&trained(4, 1, false)));
    assert_ne!(losses(&trained(5, 3, false)), losses(&trained(6, 3, false)));
    // drop_last leaves out 4 rows of the small batch of 6; the last step has what is left of the batches.
    assert_eq!(losses(&trained(6, 100, true)).len(), 4);
}

#[test]
fn a_part_without_a_learning_rate_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 60, 2), rows(60));
    let tensor = |lr_factors: LrFactors, name: &str| {
        let options = PhaseOptions { lr_factors, histograms: true, ..plain() };
        let trained = fit(&without_dropout(), &[with("p", 2, options)], &data, &rows);
        let of_epoch = |epoch: &EpochRecord| {
            let is_it = |of: &&super::Histogram| of.of == HistogramOf::Weights && of.tensor == name;
            epoch.histograms.iter().find(is_it).unwrap().clone()
        };
        trained.epochs().iter().map(of_epoch).collect::<Vec<_>>()
    };
    for (lr_factors, backbone_moves, head_moves) in
        [(LrFactors { backbone: 0.0, head: 1.0 }, false, true), (LrFactors { backbone: 1.0, head: 0.0 }, true, false)]
    {
        for (name, moves) in
            [("backbone.layers.0.weight", backbone_moves), ("head.0.weight", head_moves), ("output.weight", head_moves)]
        {
            let found = tensor(lr_factors, name);
            assert_eq!(found[0] != found[1], moves, "{name}, {lr_factors:?}");
        }
    }
}

#[test]
fn what_is_evaluated_and_kept_are_the_averages() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (pictures(folder.path()), rows(40));
    let trained = |ema| {
        let phases = [with("a", 2, PhaseOptions { ema, ..plain() }), with("b", 1, plain())];
        fit(&convnet(), &phases[..], &data, &rows)
    };
    let alone = fit(&convnet(), &[with("a", 2, PhaseOptions { ema: Some(0.9), ..plain() })], &data, &rows);
    let predictions = alone.predictor().predict(&data, &rows.validation).unwrap();
    let recorded = alone.epochs()[1].validation.iter().find(|(name, _)| *name == Metric::LogLoss).unwrap().1;
    assert_eq!(evaluate(Metric::LogLoss, &predictions, 0.5), Some(recorded));
    let (averaged, plain, no_decay) = (trained(Some(0.9)), trained(None), trained(Some(0.0)));
    assert_eq!(averaged.epochs()[..2], *alone.epochs());
    assert_eq!(losses(&averaged)[..2], losses(&plain)[..2], "training goes on with the weights themselves");
    assert_ne!(averaged.epochs()[1].validation, plain.epochs()[1].validation);
    assert_ne!(losses(&averaged)[2], losses(&plain)[2], "the next phase begins with the averages");
    assert_eq!(weights(&no_decay), weights(&plain), "an average that forgets at once is the weights");
}

#[test]
fn clipping_keeps_a_wild_training_in_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 60, 2), rows(60));
    let wild = |clip_norm| {
        let options = PhaseOptions { clip_norm, ..plain() };
        try_fit(&without_dropout(), &[PhaseSpec { optimizer: sgd(1e38), ..with("p", 3, options) }], &data, &rows)
    };
    assert!(wild(Some(1e-39)).is_ok());
    assert_eq!(
        wild(None).unwrap_err().to_string(),
        "training diverged in epoch 1 (phase `p`); lower the learning rate"
    );
}

#[test]
fn a_plateau_goes_by_its_metric_and_by_the_training_loss_without_validation_rows() {
    let folder = tempfile::tempdir().unwrap();
    let data = blobs(folder.path(), 60, 2);
    let trained = |patience: usize, rows: &TrainValidation| {
        let schedule = Schedule::ReduceOnPlateau { patience, factor: 0.0, monitor: Metric::LogLoss, min_lr: 0.0 };
        let options = PhaseOptions { schedule: Some(schedule), histograms: true, ..plain() };
        // A tiny rate improves nothing by a ten-thousandth, so each epoch counts as one without improvement.
        let optimizer = sgd(1e-7);
        fit(&without_dropout(), &[PhaseSpec { optimizer, batch_size: 64, ..with("p", 5, options) }], &data, rows)
    };
    let moved = |trained: &Trained| {
        let of_weights = |epoch: &EpochRecord| {
            let mut histograms = epoch.histograms.clone();
            histograms.retain(|histogram| histogram.of == HistogramOf::Weights);
            histograms
        };
        trained.epochs().windows(2).map(|pair| of_weights(&pair[0]) != of_weights(&pair[1])).collect::<Vec<_>>()
    };
    // The first epoch is the best there is; reduced after the third, the fourth moves nothing.
    for rows in [rows(60), TrainValidation { train: (0..60).collect(), validation: vec![] }] {
        assert_eq!(moved(&trained(1, &rows)), [true, true, false, false]);
    }
}

#[test]
fn steps_in_bf16_lead_where_those_in_f32_do_and_leave_weights_and_evaluation_in_f32() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (pictures(folder.path()), rows(40));
    let trained = |precision| {
        let options = PhaseOptions { precision, histograms: true, ..plain() };
        fit(&convnet(), &[with("p", 3, options)], &data, &rows)
    };
    let (half, full) = (trained(Precision::Bf16), trained(Precision::F32));
    assert_ne!(losses(&half), losses(&full));
    for (half, full) in losses(&half).iter().zip(losses(&full)) {
        assert!((half - full).abs() < 0.02 * full, "{half}, not about {full}");
    }
    assert_eq!(weights(&half), weights(&trained(Precision::Bf16)), "it gives the same bits again");
    assert_eq!(weights(&half).len(), weights(&full).len());
    let predictions = half.predictor().predict(&data, &rows.validation).unwrap();
    let recorded = half.epochs()[2].validation.iter().find(|(name, _)| *name == Metric::LogLoss).unwrap().1;
    assert_eq!(evaluate(Metric::LogLoss, &predictions, 0.5), Some(recorded));
    // Behind the length of the header and the header stand the numbers: rounded ones would have no low bits.
    let file = weights(&half);
    let (length, rest) = file.split_first_chunk::<8>().unwrap();
    let numbers = &rest[usize::try_from(u64::from_le_bytes(*length)).unwrap()..];
    assert!(numbers.as_chunks::<4>().0.iter().any(|number| u32::from_le_bytes(*number) & 0xffff != 0));
}

#[test]
fn a_device_without_bf16_is_told_before_anything_is_trained() {
    let phases = |precision| [phase("a", 1), with("b", 1, PhaseOptions { precision, ..plain() })];
    let message = check_precision(&phases(Precision::Bf16), |_| false).unwrap_err().to_string();
    assert_eq!(
        message,
        "phase `b` multiplies in bf16, which this device does not have; set its precision to \"f32\", or take another \
         --device"
    );
    assert!(check_precision(&phases(Precision::Bf16), |dtype| dtype == FloatDType::BF16).is_ok());
    assert!(check_precision(&phases(Precision::F32), |_| false).is_ok());
}

#[test]
fn histograms_have_the_names_of_the_file_of_weights_and_count_every_number() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (pictures(folder.path()), rows(40));
    let mut frozen = with("frozen", 1, PhaseOptions { histograms: true, ..plain() });
    frozen.freeze_backbone = true;
    let trained = fit(
        &convnet(),
        &[frozen, with("all", 1, PhaseOptions { histograms: true, ..plain() }), phase("c", 1)],
        &data,
        &rows,
    );
    let names = |epoch: usize, of: HistogramOf| {
        let histograms = trained.epochs()[epoch].histograms.iter().filter(|histogram| histogram.of == of);
        histograms.map(|histogram| histogram.tensor.as_str()).collect::<Vec<_>>()
    };
    let head = ["head.0.bias", "head.0.weight", "head.1.bias", "head.1.weight", "output.bias", "output.weight"];
    let mut sorted = names(0, HistogramOf::Weights);
    sorted.sort_unstable();
    assert_eq!(sorted, head, "a frozen part has none");
    let backbone = [
        "backbone.blocks.0.convolution.weight",
        "backbone.blocks.0.norm.bias",
        "backbone.blocks.0.norm.weight",
        "backbone.blocks.1.convolution.weight",
        "backbone.blocks.1.norm.bias",
        "backbone.blocks.1.norm.weight",
    ];
    let mut sorted = names(1, HistogramOf::Gradients);
    sorted.sort_unstable();
    assert_eq!(sorted, [&backbone[..], &head[..]].concat());
    assert!(trained.epochs()[2].histograms.is_empty());
    let n: u64 = trained.epochs()[1]
        .histograms
        .iter()
        .filter(|histogram| histogram.of == HistogramOf::Weights)
        .map(|histogram| histogram.counts.iter().sum::<u64>())
        .sum();
    assert_eq!(n, trained.predictor().n_parameters() as u64);
}

#[test]
fn each_broken_rule_of_an_option_has_its_message() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (blobs(folder.path(), 30, 2), rows(30));
    let message = |options: PhaseOptions| {
        try_fit(&mlp(Loss::CrossEntropy), &[with("p", 3, options)], &data, &rows).unwrap_err().to_string()
    };
    let of_schedule = |schedule: Schedule| message(PhaseOptions { schedule: Some(schedule), ..plain() });
    let above_zero = "but must be finite and above 0";
    assert_eq!(
        message(PhaseOptions { accumulate: 0, ..plain() }),
        "accumulate of phase `p` is 0, but must be at least 1"
    );
    assert_eq!(
        message(PhaseOptions { clip_norm: Some(0.0), ..plain() }),
        format!("clip_norm of phase `p` is 0, {above_zero}")
    );
    assert_eq!(
        message(PhaseOptions { ema: Some(1.0), ..plain() }),
        "ema of phase `p` is 1, but must be at least 0 and below 1"
    );
    for (lr_factors, what) in
        [(LrFactors { backbone: -1.0, head: 1.0 }, "backbone"), (LrFactors { backbone: 1.0, head: -1.0 }, "head")]
    {
        assert_eq!(
            message(PhaseOptions { lr_factors, ..plain() }),
            format!("lr_factors.{what} of phase `p` is -1, but must be finite and at least 0")
        );
    }
    assert_eq!(
        of_schedule(Schedule::Cosine { warmup_epochs: 3, start_factor: 0.0, min_lr: 0.0, epochs: None }),
        "the cosine of phase `p` is warmed up for 3 epochs, which leaves none of its 3; lower warmup_epochs"
    );
    assert_eq!(
        of_schedule(Schedule::Cosine { warmup_epochs: 0, start_factor: 2.0, min_lr: 0.0, epochs: None }),
        "schedule.start_factor of phase `p` is 2, but must lie in 0 to 1"
    );
    assert_eq!(
        of_schedule(Schedule::Step { every: 0, factor: 0.1 }),
        "schedule.every of phase `p` is 0, but must be at least 1"
    );
    assert_eq!(
        of_schedule(Schedule::LinearWarmup { epochs: 0, start_factor: 0.1 }),
        "schedule.epochs of phase `p` is 0, but must be at least 1"
    );
    assert_eq!(
        of_schedule(Schedule::Exponential { factor: 0.0 }),
        format!("schedule.factor of phase `p` is 0, {above_zero}")
    );
    assert_eq!(
        of_schedule(Schedule::OneCycle { pct_start: 0.3, div_factor: 0.0, final_div_factor: 1.0, epochs: None }),
        format!("schedule.div_factor of phase `p` is 0, {above_zero}")
    );
    let plateau = |monitor, factor| Schedule::ReduceOnPlateau { patience: 1, factor, monitor, min_lr: 0.0 };
    assert_eq!(
        of_schedule(plateau(Metric::Value, 0.1)),
        "phase `p` watches value, which is neither better when larger nor when smaller; watch log_loss"
    );
    assert_eq!(
        of_schedule(plateau(Metric::LogLoss, 1.0)),
        "schedule.factor of phase `p` is 1, but must be at least 0 and below 1"
    );
    let of_loss = |loss_options: LossOptions| {
        let model = ModelSpec { loss_options, ..mlp(Loss::CrossEntropy) };
        try_fit(&model, &[phase("p", 1)], &data, &rows).unwrap_err().to_string()
    };
    let weighted = |weights: &[f64]| LossOptions {
        class_weights: Some(ClassWeights::Given(weights.to_vec())),
        ..LossOptions::default()
    };
    assert_eq!(
        of_loss(LossOptions { label_smoothing: 1.5, class_weights: None }),
        "label_smoothing of the loss is 1.5, but must lie in 0 to 1"
    );
    assert_eq!(of_loss(weighted(&[1.0, 0.0])), format!("class_weights of the loss is 0, {above_zero}"));
    assert_eq!(
        of_loss(weighted(&[1.0, 2.0, 3.0])),
        "class_weights has 3 numbers, but the data has 2 classes; give one number a class, or write \"balanced\""
    );
}
