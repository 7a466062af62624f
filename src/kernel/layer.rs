//! What a kernel needs to be an operation that Burn differentiates.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, DispatchDevice, Flex};
use burn::tensor::{Device, Tensor, TensorData};

/// The CPU with gradients.
type Tracking = Autodiff<Flex>;

/// Whether the kernels compute on a device.
pub(crate) fn is_cpu(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(inner) => matches!(&**inner, DispatchDevice::Flex(_)),
        #[allow(unreachable_patterns, reason = "there are others where other backends are compiled in")]
        _ => false,
    }
}

/// A tensor on the CPU, its numbers one after the other.
#[derive(Clone, Debug)]
pub(super) struct Numbers(FlexTensor);

impl Numbers {
    /// Numbers of a shape.
    pub(super) fn new<const D: usize>(numbers: Vec<f32>, shape: [usize; D]) -> Self {
        Self(FlexTensor::from_data(TensorData::new(numbers, shape)))
    }

    fn of(tensor: FlexTensor) -> Self {
        let n = tensor.layout().shape().num_elements();
        let is_whole =
            tensor.is_contiguous() && tensor.layout().start_offset() == 0 && tensor.storage::<f32>().len() == n;
        Self(if is_whole { tensor } else { tensor.to_contiguous() })
    }

    /// The numbers of a tensor without gradients.
    pub(super) fn of_plain<const D: usize>(tensor: Tensor<D>) -> Self {
        Self::of(tensor.try_into_primitive::<Flex>().expect("the tensor is on the CPU, without gradients"))
    }

    /// The same as a tensor without gradients.
    pub(super) fn into_plain<const D: usize>(self) -> Tensor<D> {
        Tensor::from_primitive::<Flex>(self.0)
    }

    pub(super) fn slice(&self) -> &[f32] {
        self.0.storage()
    }

    /// The numbers for changing: those of the tensor itself if nobody else holds it, else a copy.
    pub(super) fn slice_mut(&mut self) -> &mut [f32] {
        self.0.storage_mut()
    }

    /// The same numbers in the shape of others.
    pub(super) fn with_shape_of(self, other: &Self) -> Self {
        Self(self.0.reshape(other.0.layout().shape().clone()))
    }

    pub(super) fn shape<const D: usize>(&self) -> [usize; D] {
        self.0.layout().shape().dims()
    }
}

/// What is kept of a layer's forward pass: enough for the gradients of its `N` inputs.
pub(super) trait Kept<const N: usize>: fmt::Debug + Send + Sync + 'static {
    /// The gradients of the inputs that are wanted, from the gradient of what came out.
    fn gradients(&self, gradient: Numbers, wanted: [bool; N]) -> [Option<Numbers>; N];
}

/// An input of a layer.
pub(super) enum Input {
    Plain(FlexTensor),
    Tracking(FloatTensor<Tracking>),
}

impl Input {
    pub(super) fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        if tensor.device().is_autodiff() {
            Self::Tracking(tensor.try_into_primitive::<Tracking>().expect("the tensor is on the CPU, with gradients"))
        } else {
            Self::Plain(tensor.try_into_primitive::<Flex>().expect("the tensor is on the CPU, without gradients"))
        }
    }

    /// Whether something before it gets a gradient.
    pub(super) fn is_tracked(&self) -> bool {
        matches!(self, Self::Tracking(tensor) if tensor.is_tracked())
    }
}

/// Computes a layer of inputs on the CPU by `forward`, which gives what comes out and what is kept for the gradients.
pub(super) fn apply<const N: usize, const D: usize, K: Kept<N>>(
    inputs: [Input; N],
    forward: impl FnOnce([Numbers; N]) -> (Numbers, K),
) -> Tensor<D> {
    if inputs.iter().all(|input| matches!(input, Input::Plain(_))) {
        let numbers = inputs.map(|input| match input {
            Input::Plain(tensor) => Numbers::of(tensor),
            Input::Tracking(_) => unreachable!("all inputs are plain"),
        });
        return forward(numbers).0.into_plain();
    }
    let parts = inputs.map(|input| match input {
        Input::Plain(tensor) => FloatTensor::<Tracking>::new(tensor).into_parts(),
        Input::Tracking(tensor) => tensor.into_parts(),
    });
    let mut numbers = Vec::with_capacity(N);
    let guards = parts.map(|(tensor, guard)| {
        numbers.push(Numbers::of(tensor));
        guard
    });
    let numbers: [Numbers; N] = numbers.try_into().expect("a tensor for each input");
    let (output, kept) = forward(numbers);
    let tensor = match Step::<K>(PhantomData).prepare::<NoCheckpointing>(guards).compute_bound().stateful() {
        OpsKind::Tracked(step) => step.finish(Arc::new(kept), output.0),
        OpsKind::UnTracked(step) => step.finish(output.0),
    };
    Tensor::from_primitive::<Tracking>(tensor)
}

/// The backward pass of a layer.
struct Step<K>(PhantomData<fn(K)>);

impl<K> fmt::Debug for Step<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Step")
    }
}

impl<const N: usize, K: Kept<N>> Backward<Flex, N> for Step<K> {
    type State = Arc<K>;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = Numbers::of(gradients.consume::<Flex>(&ops.node));
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let of_inputs = ops.state.gradients(gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(of_inputs) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                gradients.register::<Flex>(parent.id, gradient.0);
            }
        }
    }
}
