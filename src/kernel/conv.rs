//! Convolution.

use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, module};
use xrun_kernels::{
    Axis, ConvGeometry, Pictures, bias_gradient, convolution as forward, convolution_input_gradient,
    convolution_weight_gradient,
};

use super::layer::{Input, Kept, Numbers, apply, is_cpu};

/// `[batch, channels, height, width]` from pictures, weights `[outputs, inputs / groups, kernel, kernel]` and a bias.
pub(crate) fn convolution(
    pictures: Tensor<4>,
    weights: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvOptions<2>,
) -> Tensor<4> {
    if !is_cpu(&pictures.device()) {
        return module::conv2d(pictures, weights, bias, options);
    }
    let [batch, channels, height, width] = pictures.dims();
    let [outputs, _, kernel_height, kernel_width] = weights.dims();
    let axis = |at: usize, kernel: usize| Axis {
        kernel,
        stride: options.stride[at],
        padding: options.padding[at],
        dilation: options.dilation[at],
    };
    let input = Pictures { batch, channels, height, width };
    let geometry = ConvGeometry::new(input, outputs, axis(0, kernel_height), axis(1, kernel_width), options.groups);
    let geometry = geometry.expect("a design has layers that fit their input");
    let output = |pictures: &Numbers, weights: &Numbers, bias: Option<&Numbers>| {
        let Pictures { batch, channels, height, width } = geometry.output();
        let numbers = forward(&geometry, pictures.slice(), weights.slice(), bias.map(Numbers::slice));
        Numbers::new(numbers, [batch, channels, height, width])
    };
    match bias {
        Some(bias) => apply([Input::of(pictures), Input::of(weights), Input::of(bias)], |[pictures, weights, bias]| {
            (output(&pictures, &weights, Some(&bias)), Convolution { geometry, pictures, weights })
        }),
        None => apply([Input::of(pictures), Input::of(weights)], |[pictures, weights]| {
            (output(&pictures, &weights, None), Convolution { geometry, pictures, weights })
        }),
    }
}

#[derive(Debug)]
struct Convolution {
    geometry: ConvGeometry,
    pictures: Numbers,
    weights: Numbers,
}

impl Kept<2> for Convolution {
    fn gradients(&self, gradient: Numbers, wanted: [bool; 2]) -> [Option<Numbers>; 2] {
        let Self { geometry, pictures, weights } = self;
        let of_pictures = || convolution_input_gradient(geometry, weights.slice(), gradient.slice());
        let of_weights = || convolution_weight_gradient(geometry, pictures.slice(), gradient.slice());
        [
            wanted[0].then(|| Numbers::new(of_pictures(), pictures.shape::<4>())),
            wanted[1].then(|| Numbers::new(of_weights(), weights.shape::<4>())),
        ]
    }
}

impl Kept<3> for Convolution {
    fn gradients(&self, gradient: Numbers, wanted: [bool; 3]) -> [Option<Numbers>; 3] {
        let output = self.geometry.output();
        let of_bias = || bias_gradient(gradient.slice(), output.channels, output.plane());
        let of_bias = wanted[2].then(|| Numbers::new(of_bias(), [output.channels]));
        let [of_pictures, of_weights] = Kept::<2>::gradients(self, gradient, [wanted[0], wanted[1]]);
        [of_pictures, of_weights, of_bias]
    }
}
