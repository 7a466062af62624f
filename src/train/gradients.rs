//! The gradients of a step.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::model::Network;

/// Added to the norm before it divides, as PyTorch's `clip_grad_norm_` does.
const CLIP_EPS: f64 = 1e-6;

/// The gradient of each trained parameter as a vector, by the parameter's path in the network: in the order of the paths.
#[derive(Clone)]
pub(super) struct Gradients(BTreeMap<String, Tensor<1>>);

impl Gradients {
    /// Those of a loss `[1]` by the parameters of a network that are trained.
    pub(super) fn of(loss: &Tensor<1>, network: &Network) -> Self {
        let found = GradientsParams::from_grads(loss.backward(), network);
        let mut collect = Collect { found, path: Vec::new(), by_path: BTreeMap::new() };
        network.visit(&mut collect);
        Self(collect.by_path)
    }

    /// The sum with those of other rows.
    pub(super) fn plus(mut self, mut others: Self) -> Self {
        for (path, gradient) in &mut self.0 {
            if let Some(other) = others.0.remove(path) {
                *gradient = gradient.clone() + other;
            }
        }
        self.0.append(&mut others.0);
        self
    }

    /// Shortened to a norm of `max_norm` if they are longer, all of them taken together as one vector.
    pub(super) fn clipped(self, max_norm: f64) -> Self {
        let squares: Vec<Tensor<1>> = self.0.values().map(|gradient| gradient.clone().square().sum()).collect();
        if squares.is_empty() {
            return self;
        }
        let norm = Tensor::cat(squares, 0).sum().sqrt();
        // A tensor all the way: reading the norm would wait for the device in every step.
        let factor = norm.add_scalar(CLIP_EPS).recip().mul_scalar(max_norm).clamp_max(1.0);
        Self(self.0.into_iter().map(|(path, gradient)| (path, gradient * factor.clone())).collect())
    }

    /// Takes out the one of the parameter at `path`.
    pub(super) fn remove(&mut self, path: &str) -> Option<Tensor<1>> {
        self.0.remove(path)
    }

    /// With the paths of their parameters.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Tensor<1>)> {
        self.0.iter().map(|(path, gradient)| (path.as_str(), gradient))
    }
}

struct Collect {
    found: GradientsParams,
    path: Vec<String>,
    by_path: BTreeMap<String, Tensor<1>>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.found.remove::<D>(param.id) {
            let n = gradient.shape().num_elements();
            self.by_path.insert(self.path.join("."), gradient.without_autodiff().reshape([n]));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn vector(values: &[f32]) -> Tensor<1> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &Device::flex())
    }

    fn gradients(of: &[(&str, &[f32])]) -> Gradients {
        Gradients(of.iter().map(|(path, values)| ((*path).to_owned(), vector(values))).collect())
    }

    fn numbers(gradients: &Gradients) -> Vec<f32> {
        gradients.iter().flat_map(|(_, values)| values.clone().try_into_vec_as::<f32>().unwrap()).collect()
    }

    #[test]
    fn the_norm_is_that_of_all_gradients_together() {
        // 2, 3 and 6 have the norm 7.
        let long = gradients(&[("a", &[2.0, -3.0]), ("b", &[6.0])]);
        for (found, whole) in numbers(&long.clone().clipped(3.5)).into_iter().zip([2.0_f32, -3.0, 6.0]) {
            assert!((found - whole / 2.0).abs() < 1e-6, "{found} of {whole}");
        }
        assert_eq!(numbers(&long.clipped(7.5)), [2.0, -3.0, 6.0], "what is short enough keeps its bits");
        assert_eq!(numbers(&gradients(&[("a", &[0.0, 0.0])]).clipped(1.0)), [0.0, 0.0]);
    }

    #[derive(serde::Deserialize)]
    struct Fixture {
        clips: Vec<Clip>,
    }

    #[derive(serde::Deserialize)]
    struct Clip {
        gradients: [Vec<f32>; 2],
        max_norm: f64,
        clipped: [Vec<f32>; 2],
    }

    #[test]
    fn clipping_is_that_of_pytorch() {
        let fixture: Fixture =
            serde_json::from_str(include_str!("../../tests/fixtures/training_pytorch.json")).unwrap();
        assert_eq!(fixture.clips.len(), 4);
        for Clip { gradients: [a, b], max_norm, clipped } in fixture.clips {
            let found = numbers(&gradients(&[("a", &a), ("b", &b)]).clipped(max_norm));
            for (f, e) in found.iter().zip(clipped.concat()) {
                assert!((f - e).abs() <= 1e-6 * e.abs(), "{max_norm}: {found:?}, not {clipped:?}");
            }
        }
    }

    #[test]
    fn a_parameter_that_some_batches_do_not_reach_keeps_what_the_others_give() {
        let sum =
            gradients(&[("a", &[1.0]), ("b", &[2.0, 3.0])]).plus(gradients(&[("b", &[10.0, 20.0]), ("c", &[4.0])]));
        assert_eq!(sum.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(numbers(&sum), [1.0, 12.0, 23.0, 4.0]);
    }
}
