//! Update rules with PyTorch's semantics.
//!
//! Burn has these optimizers too, but keeps their constants in single precision (1 - 0.999 is then off by 1 in 80,000)
//! and differs in defaults. Here constants are doubles until they meet a tensor, as in PyTorch. Each parameter is
//! updated as a vector: the rules act on each number alone, and a gradient of any layout becomes contiguous once.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::TrainError;
use super::gradients::Gradients;
use super::predictor::read;
use super::schedule::Rates;
use crate::model::Network;
use crate::spec::network::Optimizer;

/// An update rule and what it remembers of each parameter.
pub(super) struct Updater {
    rule: Optimizer,
    /// Decay of the averages of the parameters, if they are kept.
    ema: Option<f64>,
    /// By the parameter's path in the network: Burn's own ids are drawn anew in every process.
    memories: BTreeMap<String, Memory>,
}

/// What a rule remembers of one parameter; each rule uses what it needs.
#[derive(Default)]
struct Memory {
    steps: u32,
    velocity: Option<Tensor<1>>,
    mean: Option<Tensor<1>>,
    square: Option<Tensor<1>>,
    /// The parameter's own average over the steps.
    average: Option<Tensor<1>>,
}

/// What a rule remembers of one parameter, on the host.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HostMemory {
    /// The parameter's path in the network.
    pub(super) path: String,
    /// Number of steps it took.
    pub(super) steps: u32,
    /// Velocity, mean and square, as far as the rule uses them, and the parameter's average if it is kept; each as long
    /// as the parameter.
    pub(super) vectors: [Option<Vec<f32>>; 4],
}

impl Updater {
    /// A rule that remembers nothing yet.
    pub(super) fn new(rule: Optimizer, ema: Option<f64>) -> Self {
        Self { rule, ema, memories: BTreeMap::new() }
    }

    /// The same rule, which goes on from what it remembered; `device` has no autodiff.
    pub(super) fn with_memories(self, memories: Vec<HostMemory>, device: &Device) -> Self {
        let memories = memories.into_iter().map(|HostMemory { path, steps, vectors }| {
            let [velocity, mean, square, average] = vectors.map(|values| {
                values.map(|values| {
                    let n = values.len();
                    Tensor::from_data(TensorData::new(values, [n]), device)
                })
            });
            (path, Memory { steps, velocity, mean, square, average })
        });
        Self { memories: memories.collect(), ..self }
    }

    /// What it remembers, in the order of the paths.
    ///
    /// # Errors
    /// The device fails.
    pub(super) fn memories(&self) -> Result<Vec<HostMemory>, TrainError> {
        let on_host = |vector: &Option<Tensor<1>>| vector.clone().map(read).transpose();
        let of_parameter = |(path, memory): (&String, &Memory)| {
            let Memory { steps, velocity, mean, square, average } = memory;
            let vectors = [on_host(velocity)?, on_host(mean)?, on_host(square)?, on_host(average)?];
            Ok(HostMemory { path: path.clone(), steps: *steps, vectors })
        };
        self.memories.iter().map(of_parameter).collect()
    }

    /// The network after a step at these learning rates. Parameters without a gradient stay as they are, without decay.
    pub(super) fn step(&mut self, network: Network, gradients: Gradients, rates: Rates) -> Network {
        network.map(&mut Replace { path: Vec::new(), by: Step { updater: self, gradients, rates } })
    }

    /// An evaluating network with the averages of its parameters in their place, where there are any.
    pub(super) fn averaged(&self, network: Network) -> Network {
        if self.ema.is_none() {
            return network;
        }
        network.map(&mut Replace { path: Vec::new(), by: Averages { memories: &self.memories } })
    }
}

/// What comes in the place of parameters.
trait NewValues {
    /// Whether the new values are trained on.
    const TRAINED: bool;

    /// What the new value of the parameter at this path comes from, a vector; none leaves the parameter.
    fn source(&mut self, path: &str) -> Option<Tensor<1>>;

    /// The new value of the parameter, from that and its old one, as vectors.
    fn value(&mut self, path: &str, source: Tensor<1>, weights: Tensor<1>) -> Tensor<1>;
}

struct Step<'a> {
    updater: &'a mut Updater,
    gradients: Gradients,
    rates: Rates,
}

impl NewValues for Step<'_> {
    const TRAINED: bool = true;

    fn source(&mut self, path: &str) -> Option<Tensor<1>> {
        self.gradients.remove(path)
    }

    fn value(&mut self, path: &str, gradient: Tensor<1>, weights: Tensor<1>) -> Tensor<1> {
        let Updater { rule, ema, memories } = &mut *self.updater;
        let lr = if path.starts_with("backbone.") { self.rates.backbone } else { self.rates.head };
        let memory = memories.entry(path.to_owned()).or_default();
        let updated = memory.update(rule, lr, weights, gradient);
        if let Some(decay) = *ema {
            memory.take_average(decay, &updated);
        }
        updated
    }
}

struct Averages<'a> {
    memories: &'a BTreeMap<String, Memory>,
}

impl NewValues for Averages<'_> {
    const TRAINED: bool = false;

    fn source(&mut self, path: &str) -> Option<Tensor<1>> {
        self.memories.get(path)?.average.clone()
    }

    fn value(&mut self, _path: &str, average: Tensor<1>, _weights: Tensor<1>) -> Tensor<1> {
        average
    }
}

/// Puts new values in the place of parameters.
struct Replace<N> {
    path: Vec<String>,
    by: N,
}

impl<N: NewValues> ModuleMapper for Replace<N> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let path = self.path.join(".");
        let Some(source) = self.by.source(&path) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let shape = tensor.dims();
        let vector = tensor.without_autodiff().reshape([shape.iter().product::<usize>()]);
        let value = self.by.value(&path, source, vector).reshape(shape);
        let value = if N::TRAINED { Tensor::<D>::from_inner(value).require_grad() } else { value };
        Param::from_mapped_value(id, value, mapper)
    }
}

impl Memory {
    fn update(&mut self, rule: &Optimizer, lr: f64, weights: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
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
    fn take_average(&mut self, decay: f64, weights: &Tensor<1>) {
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
            let (rule, mut memory) = (case.rule(), Memory::default());
            let mut weights = vector(&fixture.start);
            for (step, expected) in case.steps.iter().enumerate() {
                let gradient = (weights.clone() - vector(&fixture.target)) * vector(&fixture.curvature);
                weights = memory.update(&rule, rule.lr(), weights, gradient);
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
