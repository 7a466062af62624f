//! A stack of layers: the ones with weights in a list, and the steps that say what flows through them.

use burn::module::Module;
use burn::tensor::activation;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor};

use super::design::{Design, Sides, Step};
use super::init::Init;
use super::weighted::{WeightedLayer, batch_norm};
use crate::kernel::{self, Bend};
use crate::seed::Seed;
use crate::spec::network::{Activation, Join, Pooling, Precision};

/// What flows through a stack.
#[derive(Clone, Debug)]
pub(super) enum Flow {
    /// `[batch, channels, height, width]`.
    Pictures(Tensor<4>),
    /// `[batch, features]`.
    Vectors(Tensor<2>),
}

/// Layers put together. Recursion is in the steps alone, so that the module is a plain list.
#[derive(Module, Debug)]
pub(super) struct Stack {
    layers: Vec<WeightedLayer>,
    #[module(skip)]
    names: Vec<String>,
    #[module(skip)]
    steps: Vec<Step>,
}

impl Stack {
    /// The layers of a design on `device`, with first weights from the streams below `seed` that their names label.
    pub(super) fn new(design: Design, seed: Seed, device: &Device) -> Self {
        let init = Init::new(seed, device);
        let layers = design.weighted.iter().map(|layer| WeightedLayer::new(&layer.kind, &layer.name, &init)).collect();
        let names = design.weighted.into_iter().map(|layer| layer.name).collect();
        Self { layers, names, steps: design.steps }
    }

    /// The names of the layers with weights, in the order of the list.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn forward(&self, precision: Precision, flow: Flow) -> Flow {
        Running { layers: &self.layers, precision }.run(&self.steps, flow)
    }
}

/// A pass through a stack.
struct Running<'a> {
    layers: &'a [WeightedLayer],
    precision: Precision,
}

impl Running<'_> {
    fn run(&self, steps: &[Step], flow: Flow) -> Flow {
        let mut flow = flow;
        let mut at = 0;
        while let Some(step) = steps.get(at) {
            let next = steps.get(at + 1);
            let bend = next.and_then(bend_of).filter(|_| self.can_bend(step));
            let pool = next.filter(|next| bend_of(step).is_some() && takes_the_largest(next));
            flow = match (bend, pool) {
                (Some(bend), _) => self.bent(step, flow, bend),
                // The largest of the bent is the bent largest, of which there are fewer; where the gradient goes is the same, too.
                (None, Some(pool)) => self.step(step, self.step(pool, flow)),
                (None, None) => self.step(step, flow),
            };
            at += if bend.is_some() || pool.is_some() { 2 } else { 1 };
        }
        flow
    }

    /// Whether a layer takes the activation behind it into its own computation.
    fn can_bend(&self, step: &Step) -> bool {
        match step {
            Step::Weighted(layer) => matches!(self.layers[*layer], WeightedLayer::BatchNorm(_)),
            Step::Residual { .. } => true,
            _ => false,
        }
    }

    fn bent(&self, step: &Step, flow: Flow, bend: Bend) -> Flow {
        match (step, flow) {
            (Step::Residual { body, shortcut }, flow) => {
                let came_in = self.run(shortcut, flow.clone());
                sum(self.run(body, flow), came_in, bend)
            }
            (Step::Weighted(layer), flow) => match (&self.layers[*layer], flow) {
                (WeightedLayer::BatchNorm(layer), Flow::Pictures(x)) => Flow::Pictures(batch_norm(layer, x, bend)),
                (WeightedLayer::BatchNorm(layer), Flow::Vectors(x)) => Flow::Vectors(batch_norm(layer, x, bend)),
                _ => unreachable!("batch norm alone bends"),
            },
            _ => unreachable!("batch norm and sums alone bend"),
        }
    }

    fn step(&self, step: &Step, flow: Flow) -> Flow {
        match (step, flow) {
            (Step::Weighted(layer), Flow::Pictures(x)) => {
                Flow::Pictures(self.layers[*layer].on_pictures(x, self.precision))
            }
            (Step::Weighted(layer), Flow::Vectors(x)) => {
                Flow::Vectors(self.layers[*layer].on_vectors(x, self.precision))
            }
            (Step::Activation(activation), Flow::Pictures(x)) => Flow::Pictures(activate(*activation, x)),
            (Step::Activation(activation), Flow::Vectors(x)) => Flow::Vectors(activate(*activation, x)),
            (Step::Pool { pooling, kernel, stride, padding }, Flow::Pictures(x)) => {
                Flow::Pictures(pool(*pooling, *kernel, *stride, *padding, x))
            }
            (Step::GlobalPool(pooling), Flow::Pictures(x)) => {
                let pixels: Tensor<3> = x.flatten(2, 3);
                let pooled = match pooling {
                    Pooling::Max => pixels.max_dim(2),
                    Pooling::Average => pixels.mean_dim(2),
                };
                Flow::Vectors(pooled.flatten(1, 2))
            }
            (Step::Flatten, Flow::Pictures(x)) => Flow::Vectors(x.flatten(1, 3)),
            (Step::Flatten, flow @ Flow::Vectors(_)) => flow,
            (step @ Step::Residual { .. }, flow) => self.bent(step, flow, Bend::None),
            (Step::Parallel { branches, join }, flow) => {
                let given = branches.iter().map(|branch| self.run(branch, flow.clone()));
                match join {
                    Join::Sum => given
                        .reduce(|left, right| sum(left, right, Bend::None))
                        .expect("a design has at least one branch"),
                    Join::Concat => concat(given.collect()),
                }
            }
            (Step::Pool { .. } | Step::GlobalPool(_), Flow::Vectors(_)) => unreachable!("designed for pictures alone"),
        }
    }
}

/// The activation that a layer before it can take in.
fn bend_of(step: &Step) -> Option<Bend> {
    match step {
        Step::Activation(Activation::Relu) => Some(Bend::Relu),
        Step::Activation(Activation::Relu6) => Some(Bend::Relu6),
        _ => None,
    }
}

fn takes_the_largest(step: &Step) -> bool {
    matches!(step, Step::Pool { pooling: Pooling::Max, .. })
}

fn activate<const D: usize>(activation: Activation, x: Tensor<D>) -> Tensor<D> {
    match activation {
        Activation::Relu => kernel::activate(x, Bend::Relu),
        Activation::Relu6 => kernel::activate(x, Bend::Relu6),
        Activation::LeakyRelu { slope } => activation::leaky_relu(x, slope),
        Activation::Gelu => activation::gelu(x),
        Activation::Silu => activation::silu(x),
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::Tanh => activation::tanh(x),
    }
}

fn pool(pooling: Pooling, kernel: usize, stride: usize, padding: Sides, x: Tensor<4>) -> Tensor<4> {
    let sides = [(padding.top, padding.bottom), (padding.left, padding.right)];
    match pooling {
        Pooling::Max => {
            let mut options = MaxPoolOptions::new([kernel, kernel]);
            options.stride = [stride, stride];
            options.padding = sides;
            kernel::max_pool(x, options)
        }
        Pooling::Average => {
            let mut options = AvgPoolOptions::new([kernel, kernel]);
            options.stride = [stride, stride];
            options.padding = sides;
            avg_pool2d(x, options)
        }
    }
}

fn sum(left: Flow, right: Flow, bend: Bend) -> Flow {
    match (left, right) {
        (Flow::Pictures(left), Flow::Pictures(right)) => Flow::Pictures(kernel::add(left, right, bend)),
        (Flow::Vectors(left), Flow::Vectors(right)) => Flow::Vectors(kernel::add(left, right, bend)),
        _ => unreachable!("a design adds equal shapes alone"),
    }
}

fn concat(parts: Vec<Flow>) -> Flow {
    let (mut pictures, mut vectors) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Flow::Pictures(x) => pictures.push(x),
            Flow::Vectors(x) => vectors.push(x),
        }
    }
    if vectors.is_empty() {
        Flow::Pictures(pictures.into_iter().reduce(kernel::join).expect("a design has at least one branch"))
    } else {
        Flow::Vectors(Tensor::cat(vectors, 1))
    }
}
