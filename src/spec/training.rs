//! Options of a phase and of its loss, from closed trees to the structs that training takes.

use super::check::{OpenPlace, Problem, Step};
use super::network::{ClassWeights, LossOptions, LrFactors, PhaseOptions, Precision, Schedule};
use super::parse::{CHECKED, Closed, Read};
use super::tree::{Make, Tree};

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

/// Whether every rule of a fit that watches a metric says which: it is filled in where an experiment's fit is composed, and
/// only a fit that was written by hand can lack it.
///
/// # Errors
/// One does not.
pub(super) fn has_monitors(fit: &Closed) -> Result<(), Problem> {
    for (index, phase) in fit.makes("train").into_iter().enumerate() {
        let watches = |key: &str, what: &str, example: &str| {
            Problem::new(format!("{what} of a fit needs a `monitor`: a fit has no search whose metric it could take"))
                .hint(format!("name a validation metric, as in {example}"))
                .under(Step::Key(key.to_owned()))
                .under(Step::Index(index))
                .under(Step::Key("train".to_owned()))
        };
        if let Some(Tree::Map(rule)) = phase.get("early_stop")
            && !rule.contains_key("monitor")
        {
            return Err(watches("early_stop", "`early_stop`", "#{ patience: 5, monitor: \"log_loss\" }"));
        }
        if let Some(schedule) = phase.make("schedule")
            && schedule.constructor().name == "reduce_on_plateau"
            && schedule.get("monitor").is_none()
        {
            let example = "reduce_on_plateau(#{ monitor: \"log_loss\" })";
            return Err(watches("schedule", "`reduce_on_plateau`", example));
        }
    }
    Ok(())
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
        precision: match phase.text("precision") {
            "bf16" => Precision::Bf16,
            _ => Precision::F32,
        },
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
            monitor: make.metric("monitor").expect("a fit whose schedule has none is refused"),
            min_lr: make.float("min_lr"),
        },
        other => unreachable!("`{other}` is no schedule: {CHECKED}"),
    }
}
