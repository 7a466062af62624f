//! Steps of optimizers, in place and in one pass over the numbers.

use pulp::Arch;
use rayon::prelude::*;

/// Numbers of a task.
const PIECE: usize = 1 << 14;

/// A step of Adam with decoupled decay (Kingma and Ba 2015; Loshchilov and Hutter 2019), its factors worked out.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// How much of the mean and of the mean square stays.
    pub betas: [f64; 2],
    /// What the weights are multiplied with first.
    pub keep: f64,
    /// Added to the gradient: this times the weight.
    pub penalty: f64,
    /// Learning rate over the correction of the mean.
    pub rate: f64,
    /// One over the root of the correction of the mean square.
    pub root_scale: f64,
    /// Added to the root.
    pub eps: f64,
}

impl AdamStep {
    /// Takes the step; the memory is mean and mean square.
    ///
    /// # Panics
    /// If there are not as many of all.
    #[expect(clippy::cast_possible_truncation, reason = "weights are single precision")]
    pub fn take(self, weights: &mut [f32], gradient: &[f32], memory: [&mut [f32]; 2]) {
        let Self { betas: [beta1, beta2], keep, penalty, rate, root_scale, eps } = self;
        let (rest1, rest2) = ((1.0 - beta1) as f32, (1.0 - beta2) as f32);
        let (beta1, beta2, keep, penalty) = (beta1 as f32, beta2 as f32, keep as f32, penalty as f32);
        let (rate, root_scale, eps) = (rate as f32, root_scale as f32, eps as f32);
        each(weights, gradient, memory, |weight, gradient, [mean, square]| {
            let gradient = gradient + weight * penalty;
            let mean = mean * beta1 + gradient * rest1;
            let square = square * beta2 + gradient * gradient * rest2;
            (weight * keep - mean * rate / (square.sqrt() * root_scale + eps), [mean, square])
        });
    }
}

/// A step down the gradient, or down a velocity that gradients add up to (Polyak 1964; Sutskever et al. 2013).
#[derive(Clone, Copy, Debug)]
pub struct SgdStep {
    /// Learning rate.
    pub rate: f64,
    /// Added to the gradient: this times the weight.
    pub penalty: f64,
    /// How much of the velocity stays.
    pub momentum: f64,
    /// How much of the gradient is added to it.
    pub share: f64,
    /// Whether the step goes where the velocity would be after one more.
    pub nesterov: bool,
}

impl SgdStep {
    /// Takes the step; without a velocity it follows the gradient itself.
    ///
    /// # Panics
    /// If there are not as many of all.
    #[expect(clippy::cast_possible_truncation, reason = "weights are single precision")]
    pub fn take(self, weights: &mut [f32], gradient: &[f32], velocity: Option<&mut [f32]>) {
        let Self { rate, penalty, momentum, share, nesterov } = self;
        let (rate, penalty, momentum, share) = (rate as f32, penalty as f32, momentum as f32, share as f32);
        let Some(velocity) = velocity else {
            return each(weights, gradient, [], |weight, gradient, []| {
                (weight - (gradient + weight * penalty) * rate, [])
            });
        };
        each(weights, gradient, [velocity], |weight, gradient, [velocity]| {
            let gradient = gradient + weight * penalty;
            let velocity = velocity * momentum + gradient * share;
            let direction = if nesterov { gradient + velocity * momentum } else { velocity };
            (weight - direction * rate, [velocity])
        });
    }
}

/// A step down the gradient over the root of its mean square (Tieleman and Hinton 2012), or of its variance (Graves 2013).
#[derive(Clone, Copy, Debug)]
pub struct RmsPropStep {
    /// Learning rate.
    pub rate: f64,
    /// Added to the gradient: this times the weight.
    pub penalty: f64,
    /// How much of the averages stays.
    pub alpha: f64,
    /// Added to the root.
    pub eps: f64,
    /// How much of the velocity stays.
    pub momentum: f64,
}

impl RmsPropStep {
    /// Takes the step. With a mean of the gradients its square is taken off the mean square; with a velocity that is followed.
    ///
    /// # Panics
    /// If there are not as many of all.
    #[expect(clippy::cast_possible_truncation, reason = "weights are single precision")]
    pub fn take(
        self,
        weights: &mut [f32],
        gradient: &[f32],
        square: &mut [f32],
        mean: Option<&mut [f32]>,
        velocity: Option<&mut [f32]>,
    ) {
        let Self { rate, penalty, alpha, eps, momentum } = self;
        let (rate, penalty, rest, alpha) = (rate as f32, penalty as f32, (1.0 - alpha) as f32, alpha as f32);
        let (eps, momentum) = (eps as f32, momentum as f32);
        let averaged = |average: f32, value: f32| average * alpha + value * rest;
        let penalized = |weight: f32, gradient: f32| gradient + weight * penalty;
        let direction = |gradient: f32, power: f32| gradient / (power.sqrt() + eps);
        match (mean, velocity) {
            (None, None) => each(weights, gradient, [square], |weight, gradient, [square]| {
                let gradient = penalized(weight, gradient);
                let square = averaged(square, gradient * gradient);
                (weight - direction(gradient, square) * rate, [square])
            }),
            (Some(mean), None) => each(weights, gradient, [square, mean], |weight, gradient, [square, mean]| {
                let gradient = penalized(weight, gradient);
                let (square, mean) = (averaged(square, gradient * gradient), averaged(mean, gradient));
                (weight - direction(gradient, square - mean * mean) * rate, [square, mean])
            }),
            (None, Some(velocity)) => {
                each(weights, gradient, [square, velocity], |weight, gradient, [square, velocity]| {
                    let gradient = penalized(weight, gradient);
                    let square = averaged(square, gradient * gradient);
                    let velocity = velocity * momentum + direction(gradient, square);
                    (weight - velocity * rate, [square, velocity])
                })
            }
            (Some(mean), Some(velocity)) => {
                each(weights, gradient, [square, mean, velocity], |weight, gradient, [square, mean, velocity]| {
                    let gradient = penalized(weight, gradient);
                    let (square, mean) = (averaged(square, gradient * gradient), averaged(mean, gradient));
                    let velocity = velocity * momentum + direction(gradient, square - mean * mean);
                    (weight - velocity * rate, [square, mean, velocity])
                });
            }
        }
    }
}

/// Puts what `rule` makes of each weight, its gradient and what is remembered of it in the place of weight and memory.
fn each<const N: usize>(
    weights: &mut [f32],
    gradient: &[f32],
    memory: [&mut [f32]; N],
    rule: impl Fn(f32, f32, [f32; N]) -> (f32, [f32; N]) + Sync,
) {
    let n = weights.len();
    let as_many = gradient.len() == n && memory.iter().all(|memory| memory.len() == n);
    assert!(as_many, "a gradient and a memory for each weight");
    let arch = Arch::new();
    let mut memory = memory.map(|memory| memory.chunks_mut(PIECE));
    let pieces: Vec<_> = weights
        .chunks_mut(PIECE)
        .zip(gradient.chunks(PIECE))
        .map(|both| (both, memory.each_mut().map(|memory| memory.next().expect("as many pieces of all"))))
        .collect();
    pieces.into_par_iter().for_each(|((weights, gradient), memory)| {
        arch.dispatch(
            #[inline(always)]
            || {
                let n = weights.len();
                let (gradient, mut memory) = (&gradient[..n], memory.map(|memory| &mut memory[..n]));
                for at in 0..n {
                    let before = std::array::from_fn(|m| memory[m][at]);
                    let (weight, after) = rule(weights[at], gradient[at], before);
                    weights[at] = weight;
                    for (memory, after) in memory.iter_mut().zip(after) {
                        memory[at] = after;
                    }
                }
            },
        );
    });
}
