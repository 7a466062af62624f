//! What becomes of the learning rate: PyTorch's schedulers.
//!
//! All but the plateau are functions of the step, so a checkpoint holds nothing of them. Where PyTorch multiplies its way
//! from step to step, the closed form stands here; the two differ by rounding of doubles.

use std::f64::consts::PI;

use crate::metric::Metric;
use crate::spec::network::{LrFactors, PhaseSpec, Schedule};
use crate::trial::Direction;

/// An improvement must exceed this part of the best value, as in PyTorch's `ReduceLROnPlateau`.
const THRESHOLD: f64 = 1e-4;

/// A smaller reduction is not made, as in PyTorch's `ReduceLROnPlateau`.
const SMALLEST_REDUCTION: f64 = 1e-8;

/// The learning rate of each part of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) backbone: f64,
    /// Of the output layer, too.
    pub(super) head: f64,
}

/// The learning rates of a phase.
#[derive(Debug)]
pub(super) struct Scheduler {
    schedule: Option<Schedule>,
    lr: f64,
    factors: LrFactors,
    steps_per_epoch: usize,
    /// Planned epochs of the phase.
    epochs: usize,
    plateau: Plateau,
}

/// What the schedule `reduce_on_plateau` remembers of the epochs it saw.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Plateau {
    /// The best value.
    pub(super) best: Option<f64>,
    /// Epochs without improvement since then, or since the last reduction.
    pub(super) waited: usize,
    /// How often the learning rate was reduced.
    pub(super) n_reductions: usize,
}

impl Scheduler {
    /// The learning rates of a phase that takes so many steps an epoch, and what a plateau has seen of it.
    pub(super) fn new(phase: &PhaseSpec, steps_per_epoch: usize, plateau: Plateau) -> Self {
        let (lr, factors) = (phase.optimizer.lr(), phase.options.lr_factors);
        Self { schedule: phase.options.schedule.clone(), lr, factors, steps_per_epoch, epochs: phase.epochs, plateau }
    }

    /// The learning rates of a step, counted from 0 in its epoch; the epoch is counted from 0 in the phase.
    pub(super) fn rates(&self, epoch: usize, step: usize) -> Rates {
        let at = |factor: f64| self.at(self.lr * factor, epoch, step);
        Rates { backbone: at(self.factors.backbone), head: at(self.factors.head) }
    }

    fn at(&self, lr: f64, epoch: usize, step: usize) -> f64 {
        let step = epoch * self.steps_per_epoch + step;
        let steps_in = |epochs: usize| epochs.saturating_mul(self.steps_per_epoch);
        match self.schedule {
            None => lr,
            Some(Schedule::Cosine { warmup_epochs, start_factor, min_lr, epochs }) => {
                let warmup = steps_in(warmup_epochs);
                if step < warmup {
                    return lr * warmed(start_factor, step, warmup);
                }
                let n_steps = steps_in(epochs.unwrap_or(self.epochs)).saturating_sub(warmup);
                let passed = (number(step - warmup) / number(n_steps.max(1))).min(1.0);
                min_lr + (lr - min_lr) * (1.0 + libm::cos(PI * passed)) / 2.0
            }
            Some(Schedule::Step { every, factor }) => lr * libm::pow(factor, number(epoch / every.max(1))),
            Some(Schedule::Exponential { factor }) => lr * libm::pow(factor, number(epoch)),
            Some(Schedule::LinearWarmup { epochs, start_factor }) => lr * warmed(start_factor, step, steps_in(epochs)),
            Some(Schedule::OneCycle { pct_start, div_factor, final_div_factor, epochs }) => {
                let n_steps = number(steps_in(epochs.unwrap_or(self.epochs)));
                let (first, last) = (lr / div_factor, lr / div_factor / final_div_factor);
                let (peak, end, step) = (pct_start * n_steps - 1.0, n_steps - 1.0, number(step));
                if step <= peak { anneal(first, lr, 0.0, peak, step) } else { anneal(lr, last, peak, end, step) }
            }
            Some(Schedule::ReduceOnPlateau { factor, min_lr, .. }) => {
                (0..self.plateau.n_reductions).fold(lr, |lr, _| {
                    let reduced = (lr * factor).max(min_lr);
                    if lr - reduced > SMALLEST_REDUCTION { reduced } else { lr }
                })
            }
        }
    }

    /// The metric whose value it wants to see after every epoch.
    pub(super) fn monitor(&self) -> Option<Metric> {
        match self.schedule {
            Some(Schedule::ReduceOnPlateau { monitor, .. }) => Some(monitor),
            _ => None,
        }
    }

    /// Takes the value of an epoch, which is better in this direction.
    pub(super) fn see(&mut self, value: f64, direction: Direction) {
        let Some(Schedule::ReduceOnPlateau { patience, .. }) = self.schedule else { return };
        let seen = &mut self.plateau;
        let goal = |best: f64| match direction {
            Direction::Minimize => best * (1.0 - THRESHOLD),
            Direction::Maximize => best * (1.0 + THRESHOLD),
        };
        if seen.best.is_none_or(|best| direction.better(value, goal(best))) {
            (seen.best, seen.waited) = (Some(value), 0);
        } else {
            seen.waited += 1;
        }
        if seen.waited > patience {
            (seen.waited, seen.n_reductions) = (0, seen.n_reductions + 1);
        }
    }

    /// What a plateau has seen.
    pub(super) fn plateau(&self) -> Plateau {
        self.plateau
    }
}

/// The part of the learning rate that a linear warm-up has come to.
fn warmed(start_factor: f64, step: usize, n_steps: usize) -> f64 {
    if step >= n_steps { 1.0 } else { start_factor + (1.0 - start_factor) * number(step) / number(n_steps) }
}

/// Half a cosine between two values over a stretch of steps, and the last value after it.
fn anneal(from: f64, to: f64, begin: f64, end: f64, step: f64) -> f64 {
    let passed = if end > begin { ((step - begin) / (end - begin)).min(1.0) } else { 1.0 };
    to + (from - to) * (1.0 + libm::cos(PI * passed)) / 2.0
}

#[expect(clippy::cast_precision_loss, reason = "a training has far fewer than 2^53 steps")]
fn number(n: usize) -> f64 {
    n as f64
}
