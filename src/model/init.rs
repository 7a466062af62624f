//! First weights, drawn on the host.
//!
//! A tensor's numbers come from the stream labelled by the tensor's path, so they depend neither on the device nor on
//! what other layers the network has. The distributions are PyTorch's defaults: weights and biases of linear and
//! convolutional layers are uniform in `-k..k` with `k = 1 / sqrt(inputs of a unit)`.

use burn::module::Param;
use burn::nn::conv::Conv2d;
use burn::nn::{
    BatchNorm, BatchNormConfig, GroupNorm, GroupNormConfig, LayerNorm, LayerNormConfig, Linear, PaddingConfig2d,
};
use burn::tensor::{Device, Tensor, TensorData};

use super::design::Kind;
use crate::seed::Seed;

/// Makes layers with their first weights.
pub(super) struct Init<'a> {
    seed: Seed,
    device: &'a Device,
}

impl<'a> Init<'a> {
    /// Layers on `device` with weights from the streams below `seed`.
    pub(super) fn new(seed: Seed, device: &'a Device) -> Self {
        Self { seed, device }
    }

    /// A linear layer; weight `[inputs, outputs]`, bias `[outputs]`.
    pub(super) fn linear(&self, path: &str, inputs: usize, outputs: usize, bias: bool) -> Linear {
        Linear {
            weight: self.uniform(&format!("{path}.weight"), [inputs, outputs], inputs),
            bias: bias.then(|| self.uniform(&format!("{path}.bias"), [outputs], inputs)),
        }
    }

    /// The convolution of a design; weight `[outputs, inputs / groups, kernel, kernel]`, bias `[outputs]`.
    pub(super) fn convolution(&self, path: &str, kind: &Kind) -> Conv2d {
        let Kind::Conv2d { inputs, outputs, kernel, stride, padding, dilation, groups, bias } = *kind else {
            unreachable!("the caller has a convolution")
        };
        let inputs = inputs / groups;
        let fan_in = inputs * kernel * kernel;
        Conv2d {
            weight: self.uniform(&format!("{path}.weight"), [outputs, inputs, kernel, kernel], fan_in),
            bias: bias.then(|| self.uniform(&format!("{path}.bias"), [outputs], fan_in)),
            stride: [stride, stride],
            kernel_size: [kernel, kernel],
            dilation: [dilation, dilation],
            groups,
            padding: PaddingConfig2d::Explicit(padding.top, padding.left, padding.bottom, padding.right),
        }
    }

    /// Batch norm that changes nothing but to normalise: scale 1, shift 0, running mean 0 and variance 1.
    pub(super) fn batch_norm(&self, features: usize, eps: f64, momentum: f64) -> BatchNorm {
        BatchNormConfig::new(features).with_epsilon(eps).with_momentum(momentum).init(self.device)
    }

    /// Layer norm with scale 1 and shift 0.
    pub(super) fn layer_norm(&self, features: usize, eps: f64) -> LayerNorm {
        LayerNormConfig::new(features).with_epsilon(eps).init(self.device)
    }

    /// Group norm with scale 1 and shift 0.
    pub(super) fn group_norm(&self, channels: usize, groups: usize, eps: f64) -> GroupNorm {
        GroupNormConfig::new(groups, channels).with_epsilon(eps).init(self.device)
    }

    fn uniform<const D: usize>(&self, path: &str, shape: [usize; D], fan_in: usize) -> Param<Tensor<D>> {
        let mut stream = self.seed.child(path).stream();
        #[expect(clippy::cast_precision_loss, reason = "a layer has far fewer than 2^53 inputs")]
        let bound = 1.0 / (fan_in as f64).sqrt();
        #[expect(clippy::cast_possible_truncation, reason = "weights are single precision")]
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| stream.uniform(-bound, bound) as f32).collect();
        Param::from_data(TensorData::new(values, shape), self.device)
    }
}
