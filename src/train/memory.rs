//! Update rules with PyTorch's semantics, and what they remember of a parameter.
//!
//! Burn has these optimizers too, but keeps their constants in single precision (1 - 0.999 is then off by 1 in 80,000)
//! and differs in defaults. Here constants are doubles until they meet a tensor, as in PyTorch. On the CPU a step is one pass
//! over the numbers; on other devices it is made of Burn's operations.

use burn::tensor::Tensor;
use xrun_kernels::{AdamStep, RmsPropStep, SgdStep};

use crate::kernel::{is_cpu, update};
use crate::spec::network::Optimizer;

/// What a rule remembers of one parameter; each rule uses what it needs.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) steps: u32,
    pub(super) velocity: Option<Tensor<1>>,
    pub(super) mean: Option<Tensor<1>>,
    pub(super) square: Option<Tensor<1>>,
    /// The parameter's own average over the steps.
    pub(super) average: Option<Tensor<1>>,
}

impl Memory {
    /// The parameter after a step at this learning rate.
    pub(super) fn update(&mut self, rule: &Optimizer, lr: f64, weights: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
        if is_cpu(&weights.device()) {
            self.on_cpu(rule, lr, weights, gradient)
        } else {
            self.by_burn(rule, lr, weights, gradient)
        }
    }

    fn by_burn(&mut self, rule: &Optimizer, lr: f64, weights: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
        self.steps += 1;
        match *rule {
            Optimizer::Sgd { lr: _, momentum, dampening, weight_decay, nesterov } => {
                let gradient = with_penalty(gradient, &weights, weight_decay);
                let direction = self.sgd_direction(gradient, momentum, dampening, nesterov);
                weights - direction.mul_scalar(lr)
            }
            Optimizer::Adam { lr: _, betas, eps, weight_decay } => {
                let gradient = with_penalty(gradient, &weights, weight_decay);
                weights - self.adam_change(gradient, lr, betas, eps)
            }
            Optimizer::AdamW { lr: _, betas, eps, weight_decay } => {
                let decayed = if weight_decay == 0.0 { weights } else { weights.mul_scalar(1.0 - lr * weight_decay) };
                decayed - self.adam_change(gradient, lr, betas, eps)
            }
            Optimizer::RmsProp { lr: _, alpha, eps, weight_decay, momentum, centered } => {
                let gradient = with_penalty(gradient, &weights, weight_decay);
                let direction = self.rms_direction(gradient, alpha, eps, centered);
                if momentum > 0.0 {
                    let velocity = match self.velocity.take() {
                        Some(velocity) => velocity.mul_scalar(momentum) + direction,
                        None => direction,
                    };
                    self.velocity = Some(velocity.clone());
                    weights - velocity.mul_scalar(lr)
                } else {
                    weights - direction.mul_scalar(lr)
                }
            }
        }
    }

    /// The average begins with the weights after the first step, as that of PyTorch's `AveragedModel` does.
    pub(super) fn take_average(&mut self, decay: f64, weights: &Tensor<1>) {
        self.average = Some(match self.average.take() {
            Some(average) => average.mul_scalar(decay) + weights.clone().mul_scalar(1.0 - decay),
            None => weights.clone(),
        });
    }

    /// The first velocity is the gradient itself: dampening begins with the second step.
    fn sgd_direction(&mut self, gradient: Tensor<1>, momentum: f64, dampening: f64, nesterov: bool) -> Tensor<1> {
        if momentum == 0.0 {
            return gradient;
        }
        let velocity = match self.velocity.take() {
            Some(velocity) => velocity.mul_scalar(momentum) + gradient.clone().mul_scalar(1.0 - dampening),
            None => gradient.clone(),
        };
        self.velocity = Some(velocity.clone());
        if nesterov { gradient + velocity.mul_scalar(momentum) } else { velocity }
    }

    /// `lr / c1 * mean / (sqrt(square) / sqrt(c2) + eps)` with the bias corrections `c = 1 - beta^steps`.
    fn adam_change(&mut self, gradient: Tensor<1>, lr: f64, [beta1, beta2]: [f64; 2], eps: f64) -> Tensor<1> {
        let mean = average(self.mean.take(), gradient.clone(), beta1);
        let square = average(self.square.take(), gradient.square(), beta2);
        let steps = f64::from(self.steps);
        let (correction1, correction2) = (1.0 - libm::pow(beta1, steps), 1.0 - libm::pow(beta2, steps));
        let root = square.clone().sqrt().div_scalar(libm::sqrt(correction2)).add_scalar(eps);
        let change = mean.clone().mul_scalar(lr / correction1) / root;
        self.mean = Some(mean);
        self.square = Some(square);
        change
    }

    /// The same in one pass over the numbers, in their place.
    fn on_cpu(&mut self, rule: &Optimizer, lr: f64, weights: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
        self.steps += 1;
        let Self { steps, velocity, mean, square, .. } = self;
        match *rule {
            Optimizer::Sgd { lr: _, momentum, dampening, weight_decay, nesterov } => {
                let share = if velocity.is_some() { 1.0 - dampening } else { 1.0 };
                let step = SgdStep { rate: lr, penalty: weight_decay, momentum, share, nesterov };
                let remembered = [(momentum != 0.0).then_some(velocity)];
                update(weights, gradient, remembered, |weights, gradient, [velocity]| {
                    step.take(weights, gradient, velocity);
                })
            }
            Optimizer::Adam { lr: _, betas, eps, weight_decay } => {
                let step = adam_step(*steps, lr, betas, eps, [1.0, weight_decay]);
                update(weights, gradient, [Some(mean), Some(square)], |weights, gradient, memory| {
                    step.take(weights, gradient, memory.map(asked));
                })
            }
            Optimizer::AdamW { lr: _, betas, eps, weight_decay } => {
                let step = adam_step(*steps, lr, betas, eps, [1.0 - lr * weight_decay, 0.0]);
                update(weights, gradient, [Some(mean), Some(square)], |weights, gradient, memory| {
                    step.take(weights, gradient, memory.map(asked));
                })
            }
            Optimizer::RmsProp { lr: _, alpha, eps, weight_decay, momentum, centered } => {
                let step = RmsPropStep { rate: lr, penalty: weight_decay, alpha, eps, momentum };
                let remembered = [Some(square), centered.then_some(mean), (momentum > 0.0).then_some(velocity)];
                update(weights, gradient, remembered, |weights, gradient, [square, mean, velocity]| {
                    step.take(weights, gradient, asked(square), mean, velocity);
                })
            }
        }
    }

    /// The gradient over the root of its mean square, or of its variance when centered; `eps` is added to the root.
    fn rms_direction(&mut self, gradient: Tensor<1>, alpha: f64, eps: f64, centered: bool) -> Tensor<1> {
        let square = average(self.square.take(), gradient.clone().square(), alpha);
        self.square = Some(square.clone());
        let power = if centered {
            let mean = average(self.mean.take(), gradient.clone(), alpha);
            self.mean = Some(mean.clone());
            square - mean.square()
        } else {
            square
        };
        gradient / power.sqrt().add_scalar(eps)
    }
}

/// The factors of Adam's step: the weights are first multiplied with `keep`, and `penalty` of them is added to the gradient.
fn adam_step(steps: u32, lr: f64, betas: [f64; 2], eps: f64, [keep, penalty]: [f64; 2]) -> AdamStep {
    let [correction1, correction2] = betas.map(|beta| 1.0 - libm::pow(beta, f64::from(steps)));
    AdamStep { betas, keep, penalty, rate: lr / correction1, root_scale: 1.0 / libm::sqrt(correction2), eps }
}

fn asked(memory: Option<&mut [f32]>) -> &mut [f32] {
    memory.expect("it was asked for")
}

fn with_penalty(gradient: Tensor<1>, weights: &Tensor<1>, weight_decay: f64) -> Tensor<1> {
    if weight_decay == 0.0 { gradient } else { gradient + weights.clone().mul_scalar(weight_decay) }
}

/// `decay * average + (1 - decay) * value`, from an average of 0 at first.
fn average(average: Option<Tensor<1>>, value: Tensor<1>, decay: f64) -> Tensor<1> {
    let value = value.mul_scalar(1.0 - decay);
    match average {
        Some(average) => average.mul_scalar(decay) + value,
        None => value,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use burn::tensor::{Device, TensorData};
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Fixture {
        start: Vec<f32>,
        target: Vec<f32>,
        curvature: Vec<f32>,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        optimizer: String,
        #[serde(default)]
        lr: f64,
        #[serde(default)]
        momentum: f64,
        #[serde(default)]
        dampening: f64,
        #[serde(default)]
        nesterov: bool,
        #[serde(default)]
        betas: [f64; 2],
        #[serde(default)]
        eps: f64,
        #[serde(default)]
        alpha: f64,
        #[serde(default)]
        centered: bool,
        weight_decay: f64,
        steps: Vec<Vec<f32>>,
    }

    impl Case {
        fn rule(&self) -> Optimizer {
            let &Self { lr, momentum, dampening, nesterov, betas, eps, alpha, centered, weight_decay, .. } = self;
            match self.optimizer.as_str() {
                "sgd" => Optimizer::Sgd { lr, momentum, dampening, weight_decay, nesterov },
                "adam" => Optimizer::Adam { lr, betas, eps, weight_decay },
                "adamw" => Optimizer::AdamW { lr, betas, eps, weight_decay },
                "rmsprop" => Optimizer::RmsProp { lr, alpha, eps, weight_decay, momentum, centered },
                other => panic!("{other} is no optimizer"),
            }
        }
    }

    #[test]
    fn steps_are_those_of_pytorch() {
        let fixture: Fixture =
            serde_json::from_str(include_str!("../../tests/fixtures/optimizers_pytorch.json")).unwrap();
        let device = Device::flex();
        let vector = |values: &[f32]| Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device);
        assert!(fixture.cases.len() >= 12);
        for case in &fixture.cases {
            for step_by in [Memory::on_cpu, Memory::by_burn] {
                let (rule, mut memory) = (case.rule(), Memory::default());
                let mut weights = vector(&fixture.start);
                for (step, expected) in case.steps.iter().enumerate() {
                    let gradient = (weights.clone() - vector(&fixture.target)) * vector(&fixture.curvature);
                    weights = step_by(&mut memory, &rule, rule.lr(), weights, gradient);
                    let found = weights.clone().try_into_vec_as::<f32>().unwrap();
                    for (f, e) in found.iter().zip(expected) {
                        assert!(
                            (f - e).abs() <= 2e-6 * e.abs().max(1.0),
                            "{rule:?}, step {step}: {found:?}, not {expected:?}"
                        );
                    }
                }
            }
        }
    }

    #[derive(Deserialize)]
    struct Averages {
        averages: Vec<AverageCase>,
    }

    #[derive(Deserialize)]
    struct AverageCase {
        decay: f64,
        weights: Vec<Vec<f32>>,
        averages: Vec<Vec<f32>>,
    }

    #[test]
    fn averages_are_those_of_pytorch() {
        let fixture: Averages =
            serde_json::from_str(include_str!("../../tests/fixtures/training_pytorch.json")).unwrap();
        assert_eq!(fixture.averages.len(), 3);
        for AverageCase { decay, weights, averages } in fixture.averages {
            let mut memory = Memory::default();
            for (weights, expected) in weights.iter().zip(&averages) {
                let data = TensorData::new(weights.clone(), [weights.len()]);
                memory.take_average(decay, &Tensor::from_data(data, &Device::flex()));
                let found = memory.average.clone().unwrap().try_into_vec_as::<f32>().unwrap();
                for (f, e) in found.iter().zip(expected) {
                    assert!((f - e).abs() <= 1e-6 * e.abs().max(1.0), "{decay}: {found:?}, not {expected:?}");
                }
            }
        }
    }
}
