//! What must hold before a fit begins, so that it fails at once and not after an hour.

use burn::tensor::FloatDType;

use super::{TrainError, TrainSpec};
use crate::data::{Dataset, Features};
use crate::spec::network::{
    Augment, ClassWeights, EarlyStop, Optimizer, Patch, PhaseOptions, PhaseSpec, Precision, Schedule,
};
use crate::split::TrainValidation;

/// Checks phases against each other, the data and the rows.
pub(super) fn check(spec: &TrainSpec<'_>, data: &Dataset, rows: &TrainValidation) -> Result<(), TrainError> {
    if spec.phases.is_empty() {
        return Err(TrainError::NoPhases);
    }
    if rows.train.is_empty() {
        return Err(TrainError::NoRows);
    }
    let n_classes = data.classes().len();
    in_loss("label_smoothing", spec.model.loss_options.label_smoothing, PROBABILITY)?;
    if let Some(ClassWeights::Given(weights)) = &spec.model.loss_options.class_weights {
        if weights.len() != n_classes {
            return Err(TrainError::ClassWeights { n_weights: weights.len(), n_classes });
        }
        weights.iter().try_for_each(|&weight| in_loss("class_weights", weight, ABOVE_ZERO))?;
    }
    for (index, phase) in spec.phases.iter().enumerate() {
        if spec.phases[..index].iter().any(|earlier| earlier.name == phase.name) {
            return Err(TrainError::SameName { phase: phase.name.clone() });
        }
        check_steps(phase, rows.train.len())?;
        if let Some(early_stop) = &phase.early_stop {
            check_early_stop(phase, early_stop, rows)?;
        }
        check_augment(phase, data)?;
        check_options(phase)?;
        check_optimizer(phase)?;
    }
    Ok(())
}

fn check_steps(phase: &PhaseSpec, n_rows: usize) -> Result<(), TrainError> {
    for (value, what) in [(phase.epochs, "epochs"), (phase.batch_size, "batch_size")] {
        if value == 0 {
            return Err(TrainError::Zero { phase: phase.name.clone(), what });
        }
    }
    if phase.drop_last && n_rows < phase.batch_size {
        return Err(TrainError::NoFullBatch { phase: phase.name.clone(), n_rows, batch_size: phase.batch_size });
    }
    Ok(())
}

fn check_early_stop(phase: &PhaseSpec, stop: &EarlyStop, rows: &TrainValidation) -> Result<(), TrainError> {
    if rows.validation.is_empty() {
        return Err(TrainError::NothingToWatch { phase: phase.name.clone() });
    }
    if stop.patience == 0 {
        return Err(TrainError::Zero { phase: phase.name.clone(), what: "patience" });
    }
    in_range(phase, "min_delta", stop.min_delta, AT_LEAST_ZERO)?;
    if stop.monitor.direction().is_none() {
        return Err(TrainError::NoDirection { phase: phase.name.clone(), metric: stop.monitor });
    }
    Ok(())
}

fn check_augment(phase: &PhaseSpec, data: &Dataset) -> Result<(), TrainError> {
    if !phase.augment.is_empty() && !matches!(data.features(), Features::Pictures(_)) {
        return Err(TrainError::NoPictures { phase: phase.name.clone() });
    }
    if let Some(mix) = phase.augment.iter().rev().skip(1).find(|augment| augment.is_mix()) {
        return Err(TrainError::MixNotLast { phase: phase.name.clone(), mix: mix.name() });
    }
    let check = |what: &'static str, value: f64, rule: Rule| in_range(phase, what, value, rule);
    let check_patch = |[scale, ratio]: [&'static str; 2], patch: &Patch| {
        check(scale, patch.scale[0], ABOVE_ZERO)?;
        check(scale, patch.scale[1], PROBABILITY)?;
        check(ratio, patch.ratio[0], ABOVE_ZERO)?;
        check(ratio, patch.ratio[1], ABOVE_ZERO)?;
        for (what, [low, high]) in [(scale, patch.scale), (ratio, patch.ratio)] {
            if low > high {
                return Err(TrainError::Descending { phase: phase.name.clone(), what, low, high });
            }
        }
        Ok(())
    };
    phase.augment.iter().try_for_each(|augment| match augment {
        Augment::Flip { p } => check("p of flip", *p, PROBABILITY),
        Augment::ResizedCrop(patch) => check_patch(["scale of resized_crop", "ratio of resized_crop"], patch),
        Augment::Rotation { degrees } => check("degrees of rotation", *degrees, HALF_TURN),
        Augment::ColorJitter { brightness, contrast, saturation, hue } => {
            check("brightness of color_jitter", *brightness, AT_LEAST_ZERO)?;
            check("contrast of color_jitter", *contrast, AT_LEAST_ZERO)?;
            check("saturation of color_jitter", *saturation, AT_LEAST_ZERO)?;
            check("hue of color_jitter", *hue, HALF)
        }
        Augment::Erasing { p, patch } => {
            check("p of erasing", *p, PROBABILITY)?;
            check_patch(["scale of erasing", "ratio of erasing"], patch)
        }
        Augment::RandAugment { magnitude, .. } => {
            #[expect(clippy::cast_precision_loss, reason = "for a message")]
            let magnitude = *magnitude as f64;
            check("magnitude of rand_augment", magnitude, LEVEL)
        }
        Augment::Mixup { alpha } => check("alpha of mixup", *alpha, ALPHA),
        Augment::Cutmix { alpha } => check("alpha of cutmix", *alpha, ALPHA),
        Augment::Crop { .. } | Augment::AutoAugment | Augment::TrivialAugment => Ok(()),
    })
}

/// Whether the device has the numbers that each phase multiplies in.
///
/// # Errors
/// It has not: [`TrainError::Precision`].
pub(super) fn check_precision(phases: &[PhaseSpec], supports: impl Fn(FloatDType) -> bool) -> Result<(), TrainError> {
    match phases.iter().find(|phase| phase.options.precision == Precision::Bf16) {
        Some(phase) if !supports(FloatDType::BF16) => Err(TrainError::Precision { phase: phase.name.clone() }),
        _ => Ok(()),
    }
}

fn check_options(phase: &PhaseSpec) -> Result<(), TrainError> {
    let PhaseOptions { schedule, lr_factors, clip_norm, accumulate, ema, histograms: _, precision: _ } = &phase.options;
    if *accumulate == 0 {
        return Err(TrainError::Zero { phase: phase.name.clone(), what: "accumulate" });
    }
    in_range(phase, "lr_factors.backbone", lr_factors.backbone, AT_LEAST_ZERO)?;
    in_range(phase, "lr_factors.head", lr_factors.head, AT_LEAST_ZERO)?;
    in_range(phase, "clip_norm", clip_norm.unwrap_or(1.0), ABOVE_ZERO)?;
    in_range(phase, "ema", ema.unwrap_or(0.0), BELOW_ONE)?;
    schedule.as_ref().map_or(Ok(()), |schedule| check_schedule(phase, schedule))
}

fn check_schedule(phase: &PhaseSpec, schedule: &Schedule) -> Result<(), TrainError> {
    let zero = |what| Err(TrainError::Zero { phase: phase.name.clone(), what });
    match *schedule {
        Schedule::Cosine { epochs: Some(0), .. } | Schedule::OneCycle { epochs: Some(0), .. } => {
            zero("schedule.epochs")
        }
        Schedule::LinearWarmup { epochs: 0, .. } => zero("schedule.epochs"),
        Schedule::Step { every: 0, .. } => zero("schedule.every"),
        Schedule::Cosine { warmup_epochs, start_factor, min_lr, epochs } => {
            let epochs = epochs.unwrap_or(phase.epochs);
            if warmup_epochs >= epochs {
                return Err(TrainError::Warmup { phase: phase.name.clone(), warmup_epochs, epochs });
            }
            in_range(phase, "schedule.start_factor", start_factor, PROBABILITY)?;
            in_range(phase, "schedule.min_lr", min_lr, AT_LEAST_ZERO)
        }
        Schedule::Step { factor, .. } | Schedule::Exponential { factor } => {
            in_range(phase, "schedule.factor", factor, ABOVE_ZERO)
        }
        Schedule::LinearWarmup { start_factor, .. } => {
            in_range(phase, "schedule.start_factor", start_factor, PROBABILITY)
        }
        Schedule::OneCycle { pct_start, div_factor, final_div_factor, .. } => {
            in_range(phase, "schedule.pct_start", pct_start, PROBABILITY)?;
            in_range(phase, "schedule.div_factor", div_factor, ABOVE_ZERO)?;
            in_range(phase, "schedule.final_div_factor", final_div_factor, ABOVE_ZERO)
        }
        Schedule::ReduceOnPlateau { patience: _, factor, monitor, min_lr } => {
            if monitor.direction().is_none() {
                return Err(TrainError::NoDirection { phase: phase.name.clone(), metric: monitor });
            }
            in_range(phase, "schedule.factor", factor, BELOW_ONE)?;
            in_range(phase, "schedule.min_lr", min_lr, AT_LEAST_ZERO)
        }
    }
}

/// The conditions under which PyTorch's optimizers accept their arguments.
fn check_optimizer(phase: &PhaseSpec) -> Result<(), TrainError> {
    match phase.optimizer {
        Optimizer::Sgd { lr, momentum, dampening, weight_decay, nesterov } => {
            in_range(phase, "lr", lr, AT_LEAST_ZERO)?;
            in_range(phase, "momentum", momentum, AT_LEAST_ZERO)?;
            in_range(phase, "dampening", dampening, FINITE)?;
            in_range(phase, "weight_decay", weight_decay, AT_LEAST_ZERO)?;
            if nesterov && (momentum <= 0.0 || dampening != 0.0) {
                return Err(TrainError::Nesterov { phase: phase.name.clone() });
            }
            Ok(())
        }
        Optimizer::Adam { lr, betas, eps, weight_decay } | Optimizer::AdamW { lr, betas, eps, weight_decay } => {
            in_range(phase, "lr", lr, AT_LEAST_ZERO)?;
            in_range(phase, "beta 0", betas[0], BELOW_ONE)?;
            in_range(phase, "beta 1", betas[1], BELOW_ONE)?;
            in_range(phase, "eps", eps, AT_LEAST_ZERO)?;
            in_range(phase, "weight_decay", weight_decay, AT_LEAST_ZERO)
        }
        Optimizer::RmsProp { lr, alpha, eps, weight_decay, momentum, centered: _ } => {
            in_range(phase, "lr", lr, AT_LEAST_ZERO)?;
            in_range(phase, "alpha", alpha, AT_LEAST_ZERO)?;
            in_range(phase, "eps", eps, AT_LEAST_ZERO)?;
            in_range(phase, "weight_decay", weight_decay, AT_LEAST_ZERO)?;
            in_range(phase, "momentum", momentum, AT_LEAST_ZERO)
        }
    }
}

/// What must hold for a number, in words and as a test.
type Rule = (&'static str, fn(f64) -> bool);

const FINITE: Rule = ("be finite", f64::is_finite);
const AT_LEAST_ZERO: Rule = ("be finite and at least 0", |x| x.is_finite() && x >= 0.0);
const ABOVE_ZERO: Rule = ("be finite and above 0", |x| x.is_finite() && x > 0.0);
const PROBABILITY: Rule = ("lie in 0 to 1", |x| (0.0..=1.0).contains(&x));
const HALF: Rule = ("lie in 0 to 0.5", |x| (0.0..=0.5).contains(&x));
const HALF_TURN: Rule = ("lie in 0 to 180", |x| (0.0..=180.0).contains(&x));
const LEVEL: Rule = ("be at most 30", |x| x <= 30.0);
// Beyond these a share could not be told from no number, or from a half.
const ALPHA: Rule = ("lie in 0.001 to 1000", |x| (1e-3..=1e3).contains(&x));
const BELOW_ONE: Rule = ("be at least 0 and below 1", |x| (0.0..1.0).contains(&x));

fn in_range(phase: &PhaseSpec, what: &'static str, value: f64, (must, holds): Rule) -> Result<(), TrainError> {
    if holds(value) { Ok(()) } else { Err(TrainError::Range { phase: phase.name.clone(), what, value, must }) }
}

fn in_loss(what: &'static str, value: f64, (must, holds): Rule) -> Result<(), TrainError> {
    if holds(value) { Ok(()) } else { Err(TrainError::LossRange { what, value, must }) }
}
