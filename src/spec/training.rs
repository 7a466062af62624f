//! Options of a phase and of its loss, from closed trees to the structs that training takes.

use super::check::{OpenPlace, Problem, Step};
use super::network::{ClassWeights, LossOptions, LrFactors, PhaseOptions, Schedule};
use super::parse::{CHECKED, Closed, Read};
use super::tree::{Make, Tree};
use crate::metric::Metric;

/// Rules that join several fields of a phase.
///
/// # Errors
/// The rule that is broken.
pub(super) fn across<L: OpenPlace>(phase: &Make<L>) -> Result<(), Problem> {
    let Some(Tree::Make(schedule)) = phase.get("schedule") else { return Ok(()) };
    let epochs = schedule.get("epochs").or_else(|| phase.get("epochs"));
    match (schedule.get("warmup_epochs"), epochs) {
        (Some(Tree::Int(warmup)), Some(Tree::Int(epochs))) if warmup >= epochs => {
            Err(Problem::new(format!("a warm-up of {warmup} epochs leaves none of the {epochs} for the cosine"))
                .hint("lower warmup_epochs, or take linear_warmup")
                .under(Step::Key("schedule".to_owned())))
        }
        _ => Ok(()),
    }
}

pub(super) fn loss_options(model: &Closed) -> LossOptions {
    let class_weights = model.get("class_weights").map(|weights| match weights {
        Tree::Text(_) => ClassWeights::Balanced,
        _ => ClassWeights::Given(model.floats("class_weights")),
    });
    LossOptions {
        label_smoothing: model.get("label_smoothing").map_or(0.0, |_| model.float("label_smoothing")),
        class_weights,
    }
}

pub(super) fn phase_options(phase: &Closed) -> PhaseOptions {
    let plain = PhaseOptions::default();
    PhaseOptions {
        schedule: phase.make("schedule").map(schedule),
        lr_factors: phase.record("lr_factors").map_or(plain.lr_factors, |factors| LrFactors {
            backbone: factors.float("backbone"),
            head: factors.float("head"),
        }),
        clip_norm: phase.get("clip_norm").map(|_| phase.float("clip_norm")),
        accumulate: phase.count("accumulate"),
        ema: phase.get("ema").map(|_| phase.float("ema")),
        histograms: phase.bool("histograms"),
    }
}

fn schedule(make: &Closed) -> Schedule {
    let epochs = || make.get("epochs").map(|_| make.count("epochs"));
    match make.constructor().name {
        "cosine" => Schedule::Cosine {
            warmup_epochs: make.count("warmup_epochs"),
            start_factor: make.float("start_factor"),
            min_lr: make.float("min_lr"),
            epochs: epochs(),
        },
        "step" => Schedule::Step { every: make.count("every"), factor: make.float("factor") },
        "exponential" => Schedule::Exponential { factor: make.float("factor") },
        "linear_warmup" => {
            Schedule::LinearWarmup { epochs: make.count("epochs"), start_factor: make.float("start_factor") }
        }
        "one_cycle" => Schedule::OneCycle {
            pct_start: make.float("pct_start"),
            div_factor: make.float("div_factor"),
            final_div_factor: make.float("final_div_factor"),
            epochs: epochs(),
        },
        "reduce_on_plateau" => Schedule::ReduceOnPlateau {
            patience: make.count("patience"),
            factor: make.float("factor"),
            // Filled in when a fit is composed; one that is written by hand may lack it.
            monitor: make.metric("monitor").unwrap_or(Metric::LogLoss),
            min_lr: make.float("min_lr"),
        },
        other => unreachable!("`{other}` is no schedule: {CHECKED}"),
    }
}
