//! Channels of several pictures as those of one.

use burn::tensor::Tensor;
use xrun_kernels::{joined, split_again};

use super::layer::{Input, Kept, Numbers, apply, is_cpu};

/// `[batch, channels of left, then of right, height, width]`.
pub(crate) fn join(left: Tensor<4>, right: Tensor<4>) -> Tensor<4> {
    if !is_cpu(&left.device()) {
        return Tensor::cat(vec![left, right], 1);
    }
    let shapes = [left.dims(), right.dims()];
    let [batch, of_left, height, width] = shapes[0];
    let shape = [batch, of_left + shapes[1][1], height, width];
    apply::<2, 4, _>([Input::of(left), Input::of(right)], |[left, right]| {
        (Numbers::new(joined(left.slice(), right.slice(), batch), shape), Joined(shapes))
    })
}

/// The shapes of both sides.
#[derive(Debug)]
struct Joined([[usize; 4]; 2]);

impl Kept<2> for Joined {
    fn gradients(&self, gradient: Numbers, _: [bool; 2]) -> [Option<Numbers>; 2] {
        let [left, right] = self.0;
        let [of_left, of_right] = split_again(gradient.slice(), left[0], left[1..].iter().product());
        [Some(Numbers::new(of_left, left)), Some(Numbers::new(of_right, right))]
    }
}
