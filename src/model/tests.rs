#![expect(clippy::unwrap_used, reason = "tests")]

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::design::{Kind, Sides};
use super::init::Init;
use super::{Input, InputShape, Network};
use crate::device::lock_random;
use crate::seed::Seed;
use crate::spec::network::{Activation, Backbone, Layer, Loss, LossOptions, ModelSpec};

const PICTURE: InputShape = InputShape::Picture { channels: 3, size: 9 };

fn convnet(width: usize, head: Vec<Layer>) -> ModelSpec {
    ModelSpec {
        backbone: Backbone::Convnet { width, blocks: 3, kernel: 3 },
        head,
        loss: Loss::CrossEntropy,
        loss_options: LossOptions::default(),
    }
}

fn head() -> Vec<Layer> {
    vec![
        Layer::Linear { units: 5, bias: true },
        Layer::BatchNorm { eps: 1e-5, momentum: 0.1 },
        Layer::Activation(Activation::Gelu),
        Layer::Dropout { rate: 0.5 },
    ]
}

fn mlp(hidden: &[usize], dropout: f64) -> ModelSpec {
    let backbone = Backbone::Mlp { hidden: hidden.to_vec(), activation: Activation::Tanh, dropout };
    ModelSpec { backbone, head: vec![], loss: Loss::CrossEntropy, loss_options: LossOptions::default() }
}

fn network(model: &ModelSpec, shape: InputShape, seed: u64, device: &Device) -> Network {
    Network::new(model, shape, 2, Seed::root(seed), device).unwrap()
}

fn ramp<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let values = (0..shape.iter().product()).map(|i: usize| (i % 17) as f32 / 8.0 - 1.0).collect::<Vec<f32>>();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().unwrap()
}

#[test]
fn a_convnet_gives_one_row_of_logits_for_each_picture() {
    let device = Device::flex();
    let net = network(&convnet(4, head()), PICTURE, 1, &device).valid();
    let pictures = ramp([6, 3, 9, 9], &device);
    assert_eq!(net.features(Input::Pictures(pictures.clone())).dims(), [6, 16]);
    let logits = net.forward(Input::Pictures(pictures.clone()));
    assert_eq!(logits.dims(), [6, 2]);
    let features = net.features(Input::Pictures(pictures));
    assert_eq!(values(net.forward(Input::Features(features))), values(logits));
}

#[test]
fn an_mlp_takes_pictures_flat_and_vectors() {
    let device = Device::flex();
    let of_pictures = network(&mlp(&[7, 4], 0.0), PICTURE, 1, &device);
    assert_eq!(of_pictures.forward(Input::Pictures(ramp([2, 3, 9, 9], &device))).dims(), [2, 2]);
    let of_vectors = network(&mlp(&[], 0.0), InputShape::Vector { width: 3 }, 1, &device);
    assert_eq!(of_vectors.forward(Input::Vectors(ramp([5, 3], &device))).dims(), [5, 2]);
}

#[test]
fn parameters_are_counted_without_running_statistics() {
    let device = Device::flex();
    // Convolutions 3*4*9 + 4*8*9 + 8*16*9, batch norms 2*(4 + 8 + 16), head 16*5 + 5 + 2*5, output 5*2 + 2.
    let net = network(&convnet(4, head()), PICTURE, 1, &device);
    assert_eq!(net.n_parameters(), 108 + 288 + 1152 + 56 + 95 + 12);
    assert_eq!(net.with_backbone_frozen(true).n_parameters(), 1711);
    assert_eq!(network(&mlp(&[7, 4], 0.0), InputShape::Vector { width: 3 }, 1, &device).n_parameters(), 28 + 32 + 10);
}

#[test]
fn first_weights_are_uniform_within_the_bound_of_the_inputs() {
    let device = Device::flex();
    let init = Init::new(Seed::root(3), &device);
    let padding = Sides { top: 2, left: 2, bottom: 2, right: 2 };
    let convolution =
        Kind::Conv2d { inputs: 32, outputs: 40, kernel: 5, stride: 1, padding, dilation: 1, groups: 2, bias: true };
    for (weights, bound) in [
        (values(init.linear("a", 400, 30, true).weight.val()), 0.05),
        (values(init.convolution("b", &convolution).weight.val()), 0.05),
        (values(init.linear("c", 4, 2000, true).bias.unwrap().val()), 0.5),
    ] {
        let n = weights.len() as f64;
        assert!(weights.iter().all(|w| f64::from(w.abs()) <= bound));
        // A uniform variable in -k..k has mean 0 and variance k^2 / 3.
        let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / n;
        let variance = weights.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 4.0 * bound / (3.0 * n).sqrt(), "{mean}");
        assert!((variance * 3.0 / bound.powi(2) - 1.0).abs() < 0.08, "{variance}");
    }
}

#[test]
fn first_weights_depend_on_the_seed_and_the_path_alone() {
    let device = Device::flex();
    let bytes = |model: &ModelSpec, seed| network(model, PICTURE, seed, &device).to_safetensors().unwrap();
    assert_eq!(bytes(&convnet(4, head()), 1), bytes(&convnet(4, head()), 1));
    assert_ne!(bytes(&convnet(4, head()), 1), bytes(&convnet(4, head()), 2));
    let output = |model: &ModelSpec| values(network(model, PICTURE, 1, &device).output_weight());
    assert_eq!(output(&convnet(4, head())), output(&convnet(8, head())), "the head does not depend on the backbone");
}

#[test]
fn weights_come_back_from_safetensors_with_their_running_statistics() {
    let device = Device::flex();
    let training = device.clone().autodiff();
    let net = network(&convnet(4, head()), PICTURE, 1, &training);
    let pictures = ramp([6, 3, 9, 9], &device);
    let _alone = lock_random();
    let _moves_the_statistics = net.forward(Input::Pictures(ramp([6, 3, 9, 9], &training)));
    let net = net.valid();
    let bytes = net.to_safetensors().unwrap();
    let other = network(&convnet(4, head()), PICTURE, 2, &device).with_safetensors(bytes.clone()).unwrap().valid();
    assert_eq!(
        values(other.forward(Input::Pictures(pictures.clone()))),
        values(net.forward(Input::Pictures(pictures)))
    );
    assert_eq!(other.to_safetensors().unwrap(), bytes);

    let header_len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header_len]).unwrap();
    assert_eq!(header["backbone.blocks.0.norm.running_mean"]["shape"], serde_json::json!([4]));
    assert_eq!(header["backbone.blocks.2.norm.weight"]["shape"], serde_json::json!([16]));
    assert_eq!(header["head.0.weight"]["shape"], serde_json::json!([5, 16]), "PyTorch's layout");
    assert_eq!(header["output.bias"]["shape"], serde_json::json!([2]));
}

#[test]
fn weights_of_another_network_are_refused() {
    let device = Device::flex();
    let bytes = network(&convnet(4, head()), PICTURE, 1, &device).to_safetensors().unwrap();
    for other in [convnet(8, head()), convnet(4, vec![]), mlp(&[3], 0.0)] {
        let error = network(&other, PICTURE, 1, &device).with_safetensors(bytes.clone()).unwrap_err().to_string();
        assert!(error.starts_with("the safetensors are not the weights of this network: "), "{error}");
    }
    let damaged = bytes[..bytes.len() - 3].to_vec();
    assert!(network(&convnet(4, head()), PICTURE, 1, &device).with_safetensors(damaged).is_err());
}

#[test]
fn everything_is_dropped_at_rate_one_while_training() {
    let training = Device::flex().autodiff();
    let net = network(&mlp(&[6], 1.0), InputShape::Vector { width: 3 }, 1, &training);
    let features = net.features(Input::Vectors(ramp([4, 3], &training)));
    assert!(values(features).iter().all(|&x| x == 0.0));
    let plain = Device::flex();
    let features = net.valid().features(Input::Vectors(ramp([4, 3], &plain)));
    assert!(values(features).iter().any(|&x| x != 0.0));
}

#[test]
fn dropout_keeps_the_mean_and_drops_about_its_rate() {
    let training = Device::flex().autodiff();
    let net = network(&mlp(&[500], 0.25), InputShape::Vector { width: 3 }, 1, &training);
    let _alone = lock_random();
    let dropped = values(net.features(Input::Vectors(ramp([40, 3], &training))));
    let all = values(net.valid().features(Input::Vectors(ramp([40, 3], &Device::flex()))));
    let share = dropped.iter().filter(|&&x| x == 0.0).count() as f64 / dropped.len() as f64;
    assert!((share - 0.25).abs() < 0.02, "{share}");
    assert!(dropped.iter().zip(&all).all(|(&d, &a)| d == 0.0 || (d - a / 0.75).abs() < 1e-5));
}

#[test]
fn a_frozen_backbone_has_no_gradient_and_keeps_its_statistics() {
    let training = Device::flex().autodiff();
    let net = network(&convnet(4, head()), PICTURE, 1, &training).with_backbone_frozen(true);
    let before = net.valid().to_safetensors().unwrap();
    let features = net.features(Input::Pictures(ramp([6, 3, 9, 9], &training)));
    assert!(!features.is_tracked());
    assert_eq!(net.valid().to_safetensors().unwrap(), before);
    let thawed = net.with_backbone_frozen(false);
    let features = thawed.features(Input::Pictures(ramp([6, 3, 9, 9], &training)));
    assert!(features.is_tracked());
    assert_ne!(thawed.valid().to_safetensors().unwrap(), before);
}
