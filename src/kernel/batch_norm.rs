//! Batch norm with the activation behind it.

use burn::tensor::{Tensor, module};
use xrun_kernels::{Affine, Channels, batch_norm as forward, batch_norm_gradients, batch_norm_with};

use super::activation::Bend;
use super::layer::{Input, Kept, Numbers, apply, is_cpu};

/// Mean and variance of each channel.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    pub(crate) mean: Tensor<1>,
    pub(crate) variance: Tensor<1>,
}

/// Normalizes `[batch, channels, ...]` by the batch's own statistics, which it gives too.
pub(crate) fn batch_norm_train<const D: usize>(
    numbers: Tensor<D>,
    [gamma, beta]: [Tensor<1>; 2],
    eps: f64,
    bend: Bend,
) -> (Tensor<D>, Statistics) {
    let device = numbers.device();
    if !is_cpu(&device) {
        let result = module::batch_norm_train(numbers, gamma, beta, eps);
        let statistics = Statistics { mean: result.mean, variance: result.variance };
        return (bend.by_burn(result.output), statistics);
    }
    let shape = channels(numbers.dims());
    let mut statistics = None;
    let output = apply([Input::of(numbers), Input::of(gamma), Input::of(beta)], |[numbers, gamma, beta]| {
        let affine = Affine { gamma: gamma.slice(), beta: beta.slice(), eps };
        let given = forward(shape, numbers.slice(), affine, bend.kernel());
        let mean = Numbers::new(given.mean, [shape.channels]);
        let variance = Numbers::new(given.variance, [shape.channels]);
        statistics = Some([mean.clone(), variance.clone()]);
        let output = Numbers::new(given.output, numbers.shape::<D>());
        (output, Norm { shape, eps, bend, numbers, gamma, beta, mean, variance })
    });
    let on_device = |numbers: Numbers| {
        let tensor: Tensor<1> = numbers.into_plain();
        if device.is_autodiff() { Tensor::from_inner(tensor) } else { tensor }
    };
    let [mean, variance] = statistics.expect("the layer was computed").map(on_device);
    (output, Statistics { mean, variance })
}

/// Normalizes `[batch, channels, ...]` by given statistics.
pub(crate) fn batch_norm<const D: usize>(
    numbers: Tensor<D>,
    [gamma, beta]: [Tensor<1>; 2],
    Statistics { mean, variance }: Statistics,
    eps: f64,
    bend: Bend,
) -> Tensor<D> {
    let inputs = [gamma, beta, mean, variance];
    let is_tracked = |tensor: &Tensor<1>| Input::of(tensor.clone()).is_tracked();
    // A frozen backbone normalizes so, and nothing in it or before it has a gradient.
    let is_cpu = is_cpu(&numbers.device());
    if !is_cpu || Input::of(numbers.clone()).is_tracked() || inputs.iter().any(is_tracked) {
        let [gamma, beta, mean, variance] = inputs;
        return bend.by_burn(module::batch_norm(numbers, gamma, beta, mean, variance, eps));
    }
    let shape = channels(numbers.dims());
    let [gamma, beta, mean, variance] = inputs.map(Input::of);
    apply([Input::of(numbers), gamma, beta, mean, variance], |[numbers, gamma, beta, mean, variance]| {
        let affine = Affine { gamma: gamma.slice(), beta: beta.slice(), eps };
        let given = batch_norm_with(shape, numbers.slice(), affine, [mean.slice(), variance.slice()], bend.kernel());
        (Numbers::new(given, numbers.shape::<D>()), Nothing)
    })
}

fn channels<const D: usize>(dims: [usize; D]) -> Channels {
    Channels { batch: dims[0], channels: dims[1], plane: dims[2..].iter().product() }
}

/// Batch norm in training.
#[derive(Debug)]
struct Norm {
    shape: Channels,
    eps: f64,
    bend: Bend,
    numbers: Numbers,
    gamma: Numbers,
    beta: Numbers,
    mean: Numbers,
    variance: Numbers,
}

impl Kept<3> for Norm {
    fn gradients(&self, gradient: Numbers, _: [bool; 3]) -> [Option<Numbers>; 3] {
        let affine = Affine { gamma: self.gamma.slice(), beta: self.beta.slice(), eps: self.eps };
        let statistics = [self.mean.slice(), self.variance.slice()];
        let (numbers, bend) = (self.numbers.slice(), self.bend.kernel());
        let given = batch_norm_gradients(self.shape, numbers, affine, statistics, bend, gradient.slice());
        let shape = self.shape;
        let input = Numbers::new(given.input, [shape.batch, shape.channels, shape.plane]).with_shape_of(&self.numbers);
        let [gamma, beta] = [given.gamma, given.beta].map(|of_channels| Numbers::new(of_channels, [shape.channels]));
        [Some(input), Some(gamma), Some(beta)]
    }
}

/// Batch norm by given statistics is not differentiated.
#[derive(Debug)]
struct Nothing;

impl Kept<5> for Nothing {
    fn gradients(&self, _: Numbers, _: [bool; 5]) -> [Option<Numbers>; 5] {
        unreachable!("nothing before it has a gradient")
    }
}
