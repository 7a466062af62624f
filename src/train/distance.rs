//! Losses of a regression: how far outputs are from standardised targets.

use burn::tensor::{Device, Tensor, TensorData};

use crate::spec::network::Distance;

/// The mean distance of a batch `[1]`, of outputs `[batch, 1]` from the standardised target of each row.
pub(super) fn mean_distance(distance: Distance, outputs: Tensor<2>, targets: Vec<f32>, device: &Device) -> Tensor<1> {
    let targets = Tensor::<2>::from_data(TensorData::new(targets, outputs.dims()), device);
    let errors = outputs - targets;
    match distance {
        Distance::Squared => (errors.clone() * errors).mean(),
        Distance::Absolute => errors.abs().mean(),
        Distance::Huber { delta } => {
            let sizes = errors.abs();
            // Half the square up to delta; beyond it, the line that goes on with the same slope.
            let bounded = sizes.clone().clamp_max(delta);
            (bounded.clone() * (sizes - bounded.mul_scalar(0.5))).mean()
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// The loss and its gradient by the outputs.
    fn loss_and_gradient(distance: Distance) -> (f64, Vec<f64>) {
        let device = Device::flex().autodiff();
        let outputs = Tensor::<2>::from_data(TensorData::new(vec![0.5_f32, -1.0, 3.0, 2.0], [4, 1]), &device);
        let outputs = outputs.require_grad();
        // Errors .25, -1.5, 3, 0.
        let value = mean_distance(distance, outputs.clone(), vec![0.25, 0.5, 0.0, 2.0], &device);
        let gradients = value.backward();
        let gradient = outputs.grad(&gradients).unwrap().try_into_vec_as::<f32>().unwrap();
        (f64::from(value.into_scalar::<f32>()), gradient.into_iter().map(f64::from).collect())
    }

    fn assert_close((loss, gradient): (f64, Vec<f64>), expected_loss: f64, expected_gradient: [f64; 4]) {
        assert!((loss - expected_loss).abs() <= 1e-6 * expected_loss, "{loss} instead of {expected_loss}");
        for (found, expected) in gradient.iter().zip(expected_gradient) {
            assert!((found - expected).abs() <= 1e-6, "{gradient:?} instead of {expected_gradient:?}");
        }
    }

    #[test]
    fn squared_error_has_its_formula() {
        let squares = 0.0625 + 2.25 + 9.0;
        assert_close(loss_and_gradient(Distance::Squared), squares / 4.0, [0.125, -0.75, 1.5, 0.0]);
    }

    #[test]
    fn absolute_error_has_its_formula() {
        assert_close(loss_and_gradient(Distance::Absolute), 4.75 / 4.0, [0.25, -0.25, 0.25, 0.0]);
    }

    #[test]
    fn huber_is_squared_up_to_delta_and_a_line_beyond() {
        // Up to 1: .03125 and 0; beyond: 1.5 - .5 and 3 - .5.
        let huber = |delta| loss_and_gradient(Distance::Huber { delta });
        assert_close(huber(1.0), (0.03125 + 1.0 + 2.5) / 4.0, [0.0625, -0.25, 0.25, 0.0]);
        // Up to 2: .03125, 1.125 and 0; beyond: 2 (3 - 1).
        assert_close(huber(2.0), (0.03125 + 1.125 + 4.0) / 4.0, [0.0625, -0.375, 0.5, 0.0]);
    }
}
