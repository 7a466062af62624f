//! Linear layers.

use burn::tensor::{Tensor, module};
use xrun_kernels::{Linear, bias_gradient};

use super::layer::{Input, Kept, Numbers, apply, is_cpu};

/// `[batch, outputs]` from rows `[batch, inputs]`, weights `[inputs, outputs]` and a bias.
pub(crate) fn linear(rows: Tensor<2>, weights: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    if !is_cpu(&rows.device()) {
        return module::linear(rows, weights, bias);
    }
    let ([batch, inputs], [_, outputs]) = (rows.dims(), weights.dims());
    let layer = Linear { batch, inputs, outputs };
    let output = |rows: &Numbers, weights: &Numbers, bias: Option<&Numbers>| {
        Numbers::new(layer.forward(rows.slice(), weights.slice(), bias.map(Numbers::slice)), [batch, outputs])
    };
    match bias {
        Some(bias) => apply([Input::of(rows), Input::of(weights), Input::of(bias)], |[rows, weights, bias]| {
            (output(&rows, &weights, Some(&bias)), OfRows { layer, rows, weights })
        }),
        None => apply([Input::of(rows), Input::of(weights)], |[rows, weights]| {
            (output(&rows, &weights, None), OfRows { layer, rows, weights })
        }),
    }
}

#[derive(Debug)]
struct OfRows {
    layer: Linear,
    rows: Numbers,
    weights: Numbers,
}

impl Kept<2> for OfRows {
    fn gradients(&self, gradient: Numbers, wanted: [bool; 2]) -> [Option<Numbers>; 2] {
        let Self { layer, rows, weights } = self;
        let of_rows = || layer.input_gradient(weights.slice(), gradient.slice());
        let of_weights = || layer.weight_gradient(rows.slice(), gradient.slice());
        [
            wanted[0].then(|| Numbers::new(of_rows(), rows.shape::<2>())),
            wanted[1].then(|| Numbers::new(of_weights(), weights.shape::<2>())),
        ]
    }
}

impl Kept<3> for OfRows {
    fn gradients(&self, gradient: Numbers, wanted: [bool; 3]) -> [Option<Numbers>; 3] {
        let outputs = self.layer.outputs;
        let of_bias = wanted[2].then(|| Numbers::new(bias_gradient(gradient.slice(), outputs, 1), [outputs]));
        let [of_rows, of_weights] = Kept::<2>::gradients(self, gradient, [wanted[0], wanted[1]]);
        [of_rows, of_weights, of_bias]
    }
}
