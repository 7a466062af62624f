//! Activations that are a line with a bend, alone or behind a sum.

use burn::tensor::{Tensor, activation};
use xrun_kernels::{Activation, add_and_activate};

use super::layer::{Input, Kept, Numbers, apply, is_cpu};

/// What the kernels can do to a number behind a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bend {
    /// Nothing.
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

impl Bend {
    pub(super) fn kernel(self) -> Activation {
        match self {
            Self::None => Activation::None,
            Self::Relu => Activation::Relu,
            Self::Relu6 => Activation::Relu6,
        }
    }

    /// By Burn's own operations.
    pub(super) fn by_burn<const D: usize>(self, numbers: Tensor<D>) -> Tensor<D> {
        match self {
            Self::None => numbers,
            Self::Relu => activation::relu(numbers),
            Self::Relu6 => activation::relu6(numbers),
        }
    }
}

/// Bends every number.
pub(crate) fn activate<const D: usize>(numbers: Tensor<D>, bend: Bend) -> Tensor<D> {
    if !is_cpu(&numbers.device()) {
        return bend.by_burn(numbers);
    }
    apply::<1, D, _>([Input::of(numbers)], |[mut numbers]| {
        bend.kernel().activate(numbers.slice_mut());
        let kept = Bent::of(bend, &numbers);
        (numbers, kept)
    })
}

/// The bent sum of tensors of one shape.
pub(crate) fn add<const D: usize>(left: Tensor<D>, right: Tensor<D>, bend: Bend) -> Tensor<D> {
    if !is_cpu(&left.device()) {
        return bend.by_burn(left + right);
    }
    apply::<2, D, _>([Input::of(left), Input::of(right)], |[mut left, right]| {
        add_and_activate(left.slice_mut(), right.slice(), bend.kernel());
        let kept = Bent::of(bend, &left);
        (left, kept)
    })
}

/// What a bend gave: it says where the gradient passes. Without a bend there is nothing to keep.
#[derive(Debug)]
struct Bent(Option<(Activation, Numbers)>);

impl Bent {
    fn of(bend: Bend, given: &Numbers) -> Self {
        Self((bend != Bend::None).then(|| (bend.kernel(), given.clone())))
    }

    fn back(&self, mut gradient: Numbers) -> Numbers {
        if let Some((activation, given)) = &self.0 {
            activation.turn_back(given.slice(), gradient.slice_mut());
        }
        gradient
    }
}

impl Kept<1> for Bent {
    fn gradients(&self, gradient: Numbers, _: [bool; 1]) -> [Option<Numbers>; 1] {
        [Some(self.back(gradient))]
    }
}

impl Kept<2> for Bent {
    fn gradients(&self, gradient: Numbers, _: [bool; 2]) -> [Option<Numbers>; 2] {
        let gradient = self.back(gradient);
        [Some(gradient.clone()), Some(gradient)]
    }
}
