//! Max pooling.

use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Tensor, module};
use xrun_kernels::{Axis, Pictures, PoolGeometry};

use super::layer::{Input, Kept, Numbers, apply, is_cpu};

/// The largest number of each window of `[batch, channels, height, width]`.
pub(crate) fn max_pool(pictures: Tensor<4>, options: MaxPoolOptions<2>) -> Tensor<4> {
    if !is_cpu(&pictures.device()) {
        return module::max_pool2d(pictures, options);
    }
    let [batch, channels, height, width] = pictures.dims();
    let input = Pictures { batch, channels, height, width };
    let axis = |at: usize| Axis {
        kernel: options.kernel_size[at],
        stride: options.stride[at],
        padding: options.padding[at],
        dilation: options.dilation[at],
    };
    let geometry = PoolGeometry::new(input, axis(0), axis(1)).expect("a design has layers that fit their input");
    let output = geometry.output();
    apply::<1, 4, _>([Input::of(pictures)], |[pictures]| {
        let given = geometry.largest(pictures.slice());
        let shape = [output.batch, output.channels, output.height, output.width];
        (Numbers::new(given.output, shape), Chosen { geometry, input, chosen: given.chosen })
    })
}

/// Which pixels were the largest.
#[derive(Debug)]
struct Chosen {
    geometry: PoolGeometry,
    input: Pictures,
    chosen: Vec<u32>,
}

impl Kept<1> for Chosen {
    fn gradients(&self, gradient: Numbers, _: [bool; 1]) -> [Option<Numbers>; 1] {
        let Pictures { batch, channels, height, width } = self.input;
        let numbers = self.geometry.largest_gradient(&self.chosen, gradient.slice());
        [Some(Numbers::new(numbers, [batch, channels, height, width]))]
    }
}
