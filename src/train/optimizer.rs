//! A step of the optimizer: each parameter of a network is updated by what is remembered of it.
//!
//! Each parameter is updated as a vector: the rules act on each number alone, and a gradient of any layout becomes contiguous once.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::TrainError;
use super::gradients::Gradients;
use super::memory::Memory;
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
