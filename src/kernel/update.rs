//! Steps of optimizers in place, on the CPU alone.

use burn::tensor::Tensor;

use super::layer::Numbers;

/// Takes a step on vectors without gradients on the CPU: weights, their gradient and what is remembered of them, as far as it is given. What
/// is remembered is zeros at first. `step` changes the numbers; they are those of the tensors themselves where nobody else holds them.
pub(crate) fn update<const N: usize>(
    weights: Tensor<1>,
    gradient: Tensor<1>,
    memory: [Option<&mut Option<Tensor<1>>>; N],
    step: impl FnOnce(&mut [f32], &[f32], [Option<&mut [f32]>; N]),
) -> Tensor<1> {
    let mut weights = Numbers::of_plain(weights);
    let gradient = Numbers::of_plain(gradient);
    let n = weights.slice().len();
    let mut memory = memory.map(|place| {
        place.map(|place| {
            let numbers = place.take().map_or_else(|| Numbers::new(vec![0.0; n], [n]), Numbers::of_plain);
            (place, numbers)
        })
    });
    let remembered = memory.each_mut().map(|memory| memory.as_mut().map(|(_, numbers)| numbers.slice_mut()));
    step(weights.slice_mut(), gradient.slice(), remembered);
    for (place, numbers) in memory.into_iter().flatten() {
        *place = Some(numbers.into_plain());
    }
    weights.into_plain()
}
