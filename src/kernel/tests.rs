#![expect(clippy::unwrap_used, reason = "tests")]

use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, activation, module};

use super::{Bend, Statistics, activate, add, batch_norm, batch_norm_train, convolution, join, linear, max_pool};
use crate::seed::Seed;

fn device() -> Device {
    Device::flex().autodiff()
}

/// A tensor of numbers around 0 that gets a gradient.
fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let mut stream = Seed::root(seed).stream();
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| stream.normal() as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &device()).require_grad()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().unwrap()
}

fn close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1.0_f32, |largest, x| largest.max(x.abs()));
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 2e-5 * largest, "{what}: {f} instead of {e}");
    }
}

/// Holds what comes out, and the gradients of all that goes in, against Burn's own operations.
macro_rules! alike {
    ($what:expr, [$($input:ident),+], $ours:expr, $burns:expr) => {{
        let (ours, burns) = ($ours, $burns);
        close(&values(ours.clone()), &values(burns.clone()), $what);
        // Weighed, so that a gradient in the wrong place is seen.
        let weights = random(ours.dims(), 99).detach();
        let (ours, burns) = ((ours * weights.clone()).sum().backward(), (burns * weights).sum().backward());
        $(
            let gradient = |of| values($input.grad(of).unwrap());
            close(&gradient(&ours), &gradient(&burns), &format!("{}, gradient of {}", $what, stringify!($input)));
        )+
    }};
}

#[test]
fn convolutions_and_their_gradients_are_burns() {
    for (what, [channels, outputs, kernel, stride, padding, dilation, groups]) in [
        ("plain", [3, 5, 3, 1, 1, 1, 1]),
        ("a point", [6, 4, 1, 1, 0, 1, 1]),
        ("halving", [4, 6, 3, 2, 1, 1, 1]),
        ("a halving point", [4, 6, 1, 2, 0, 1, 1]),
        ("wide", [2, 3, 7, 2, 3, 1, 1]),
        ("dilated", [2, 3, 3, 1, 2, 2, 1]),
        ("grouped", [6, 4, 3, 1, 1, 1, 2]),
        ("depthwise", [6, 6, 5, 1, 2, 1, 6]),
        ("depthwise and halving", [6, 6, 3, 2, 1, 1, 6]),
        ("two of each", [3, 6, 3, 1, 1, 1, 3]),
    ] {
        let (x, w) = (random([2, channels, 11, 9], 1), random([outputs, channels / groups, kernel, kernel], 2));
        let b = random([outputs], 3);
        let options = || ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], groups);
        alike!(
            what,
            [x, w, b],
            convolution(x.clone(), w.clone(), Some(b.clone()), options()),
            module::conv2d(x.clone(), w.clone(), Some(b.clone()), options())
        );
        alike!(
            what,
            [x, w],
            convolution(x.clone(), w.clone(), None, options()),
            module::conv2d(x.clone(), w.clone(), None, options())
        );
    }
}

#[test]
fn what_is_padded_on_one_side_more_is_burns() {
    let (x, w) = (random([2, 3, 8, 8], 1), random([4, 3, 3, 3], 2));
    let options = || ConvOptions::new_with_padding([2, 2], [(0, 1), (0, 1)], [1, 1], 1);
    let ours = convolution(x.clone(), w.clone(), None, options());
    alike!("uneven", [x, w], ours, module::conv2d(x.clone(), w.clone(), None, options()));
}

#[test]
fn linear_layers_and_their_gradients_are_burns() {
    let (x, w, b) = (random([7, 19], 1), random([19, 33], 2), random([33], 3));
    let ours = linear(x.clone(), w.clone(), Some(b.clone()));
    alike!("linear", [x, w, b], ours, module::linear(x.clone(), w.clone(), Some(b.clone())));
    alike!("no bias", [x, w], linear(x.clone(), w.clone(), None), module::linear(x.clone(), w.clone(), None));
}

#[test]
fn numbers_that_lie_apart_are_put_together_first() {
    let (x, w) = (random([19, 7], 1), random([33, 19], 2));
    let turned = |tensor: &Tensor<2>| tensor.clone().transpose();
    let ours = linear(turned(&x), turned(&w), None);
    alike!("turned", [x, w], ours, module::linear(turned(&x), turned(&w), None));
}

#[test]
fn batch_norms_and_their_gradients_are_burns() {
    for (bend, by_burn) in [
        (Bend::None, (|x| x) as fn(Tensor<4>) -> Tensor<4>),
        (Bend::Relu, activation::relu),
        (Bend::Relu6, activation::relu6),
    ] {
        let (x, gamma, beta) = (random([3, 5, 4, 6], 1), random([5], 2), random([5], 3));
        let affine = || [gamma.clone(), beta.clone()];
        let (ours, statistics) = batch_norm_train(x.clone(), affine(), 1e-3, bend);
        let burns = module::batch_norm_train(x.clone(), gamma.clone(), beta.clone(), 1e-3);
        close(&values(statistics.mean.clone()), &values(burns.mean), "mean");
        close(&values(statistics.variance.clone()), &values(burns.variance), "variance");
        alike!("batch norm", [x, gamma, beta], ours, by_burn(burns.output));

        let given = Statistics { mean: statistics.mean.detach(), variance: statistics.variance.detach() };
        let [mean, variance] = [given.mean.clone(), given.variance.clone()];
        let plain = |tensor: &Tensor<1>| tensor.clone().detach();
        let affine_alone = [plain(&gamma), plain(&beta)];
        let found = batch_norm(x.clone().detach(), affine_alone, given.clone(), 1e-3, bend);
        let by_given = |x: Tensor<4>| {
            by_burn(module::batch_norm(x, gamma.clone(), beta.clone(), mean.clone(), variance.clone(), 1e-3))
        };
        close(&values(found), &values(by_given(x.clone())), "batch norm by given statistics");
        // With a gradient it is Burn's.
        let tracked = batch_norm(x.clone(), affine(), given, 1e-3, bend);
        alike!("tracked", [x, gamma, beta], tracked, by_given(x.clone()));
    }
}

#[test]
fn bends_sums_and_pools_are_burns() {
    let (x, y) = (random([2, 3, 7, 9], 1), random([2, 3, 7, 9], 2));
    alike!("relu", [x], activate(x.clone(), Bend::Relu), activation::relu(x.clone()));
    alike!("relu6", [x], activate(x.clone(), Bend::Relu6), activation::relu6(x.clone()));
    alike!("sum", [x, y], add(x.clone(), y.clone(), Bend::None), x.clone() + y.clone());
    alike!("bent sum", [x, y], add(x.clone(), y.clone(), Bend::Relu), activation::relu(x.clone() + y.clone()));
    let z = random([2, 4, 7, 9], 3);
    alike!("join", [x, z], join(x.clone(), z.clone()), Tensor::cat(vec![x.clone(), z.clone()], 1));
    let options = || {
        let mut options = MaxPoolOptions::new([3, 3]);
        options.stride = [2, 2];
        options.padding = [(1, 1), (1, 1)];
        options
    };
    alike!("max", [x], max_pool(x.clone(), options()), module::max_pool2d(x.clone(), options()));
}

#[test]
fn an_input_that_is_used_again_keeps_its_numbers() {
    let x = random([2, 3], 1);
    let before = values(x.clone());
    let bent = activate(x.clone(), Bend::Relu);
    let sum = add(x.clone(), bent, Bend::Relu6);
    assert_eq!(values(x.clone()), before);
    let gradient = values(x.grad(&sum.sum().backward()).unwrap());
    // Twice where x is above 0 and the sum below 6; a random number of a normal is far below 3.
    let expected: Vec<f32> = before.iter().map(|&x| if x > 0.0 { 2.0 } else { 0.0 }).collect();
    assert_eq!(gradient, expected);
}
