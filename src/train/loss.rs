//! Losses on logits, and the probabilities that belong to them.

use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::spec::network::Loss;

/// Number of logits for `n_classes` classes.
#[must_use]
pub fn n_outputs(loss: Loss, n_classes: usize) -> usize {
    match loss {
        Loss::BinaryCrossEntropy => 1,
        Loss::CrossEntropy => n_classes,
    }
}

/// The mean loss of a batch `[1]`, from logits `[batch, outputs]` and the share of each class in each row
/// `[batch, class]`: 1 for the class of a row, unless it is mixed of several.
///
/// Both forms go through a logarithm of a sigmoid or softmax that is computed as one, so that a logit of any size
/// gives a finite loss and gradient.
pub(super) fn mean_loss(loss: Loss, logits: Tensor<2>, shares: &[f32], device: &Device) -> Tensor<1> {
    let [batch, outputs] = logits.dims();
    match loss {
        Loss::BinaryCrossEntropy => {
            let negative: Vec<f32> = shares.as_chunks::<2>().0.iter().map(|&[negative, _]| negative).collect();
            let negative = Tensor::<2>::from_data(TensorData::new(negative, [batch, 1]), device);
            (logits.clone() * negative - activation::log_sigmoid(logits)).mean()
        }
        Loss::CrossEntropy => {
            // A share of 0 stays 0 and does not become -0.
            #[expect(clippy::cast_precision_loss, reason = "a batch has far fewer than 2^24 rows")]
            let of_batch = |&share: &f32| if share > 0.0 { -share / batch as f32 } else { 0.0 };
            let minus_share: Vec<f32> = shares.iter().map(of_batch).collect();
            let minus_share = Tensor::<2>::from_data(TensorData::new(minus_share, [batch, outputs]), device);
            (activation::log_softmax(logits, 1) * minus_share).sum()
        }
    }
}

/// Class probabilities `[row, class]` from logits `[row, output]`, computed on the host in double precision, so that
/// equal logits give equal probabilities on every machine. One logit is that of class 1 against class 0.
pub(super) fn probabilities(loss: Loss, logits: &[f32], n_classes: usize) -> Vec<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "probabilities are kept in single precision")]
    match loss {
        Loss::BinaryCrossEntropy => {
            let sigmoid = |x: f64| 1.0 / (1.0 + libm::exp(-x));
            logits.iter().map(|&x| f64::from(x)).flat_map(|x| [sigmoid(-x) as f32, sigmoid(x) as f32]).collect()
        }
        Loss::CrossEntropy => logits
            .chunks_exact(n_classes)
            .flat_map(|of_row| {
                let largest = of_row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f64> = of_row.iter().map(|&x| libm::exp(f64::from(x) - f64::from(largest))).collect();
                let sum: f64 = powers.iter().sum();
                powers.into_iter().map(move |power| (power / sum) as f32)
            })
            .collect(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::train::augment::mixing;

    /// The loss and its gradient by the logits.
    fn loss_and_gradient<const N: usize>(loss: Loss, logits: &[f32], targets: &[usize]) -> (f32, Vec<f32>) {
        of_shares::<N>(loss, logits, &mixing::shares(&[], targets, N.max(2)))
    }

    fn of_shares<const N: usize>(loss: Loss, logits: &[f32], shares: &[f32]) -> (f32, Vec<f32>) {
        let device = Device::flex().autodiff();
        let data = TensorData::new(logits.to_vec(), [logits.len() / N, N]);
        let logits = Tensor::<2>::from_data(data, &device).require_grad();
        let value = mean_loss(loss, logits.clone(), shares, &device);
        let gradients = value.backward();
        (value.into_scalar::<f32>(), logits.grad(&gradients).unwrap().try_into_vec_as::<f32>().unwrap())
    }

    fn close(found: &[f32], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (&f, &e) in found.iter().zip(expected) {
            assert!((f64::from(f) - e).abs() <= 1e-6 * e.abs().max(1.0), "{f} instead of {e}");
        }
    }

    #[test]
    fn binary_cross_entropy_has_its_formula_for_small_and_huge_logits() {
        // Row losses ln 2, ln(1 + e^-2), 100, 0, 100; gradients (sigmoid(x) - target) / 5.
        let (loss, gradient) =
            loss_and_gradient::<1>(Loss::BinaryCrossEntropy, &[0.0, 2.0, 100.0, -100.0, -100.0], &[1, 1, 0, 0, 1]);
        close(&[loss], &[(std::f64::consts::LN_2 + 0.126_928_011_042_973 + 200.0) / 5.0]);
        close(&gradient, &[-0.1, -0.119_202_922_022_118 / 5.0, 0.2, 0.0, -0.2]);
    }

    #[test]
    fn cross_entropy_has_its_formula_for_small_and_huge_logits() {
        // Row losses ln 3, ln(1 + e^-1 + e^-2), 200; gradients (softmax - one hot) / 3.
        let (loss, gradient) =
            loss_and_gradient::<3>(Loss::CrossEntropy, &[1.0, 1.0, 1.0, 0.0, 1.0, 2.0, 200.0, 0.0, -200.0], &[0, 2, 1]);
        close(&[loss], &[(1.098_612_288_668_11 + 0.407_605_964_444_38 + 200.0) / 3.0]);
        let third = 1.0 / 3.0;
        close(
            &gradient,
            &[
                -2.0 / 9.0,
                1.0 / 9.0,
                1.0 / 9.0,
                0.090_030_573_170_38 * third,
                0.244_728_471_054_798 * third,
                (0.665_240_955_774_822 - 1.0) * third,
                third,
                -third,
                0.0,
            ],
        );
    }

    #[test]
    fn a_row_of_several_classes_has_the_mean_of_their_losses() {
        // Row losses .75 ln(1 + e^2) + .25 ln(1 + e^-2) and ln 2; gradients (sigmoid(x) - share of class 1) / 2.
        let (loss, gradient) = of_shares::<1>(Loss::BinaryCrossEntropy, &[2.0, 0.0], &[0.75, 0.25, 0.5, 0.5]);
        close(&[loss], &[(0.75 * 2.126_928_011_042_97 + 0.25 * 0.126_928_011_042_97 + std::f64::consts::LN_2) / 2.0]);
        close(&gradient, &[(0.880_797_077_977_882 - 0.25) / 2.0, 0.0]);
        // .25 (log_sum - 1) + .75 log_sum, of which log_sum = ln(e + 2); gradient softmax - shares.
        let (loss, gradient) = of_shares::<3>(Loss::CrossEntropy, &[1.0, 0.0, 0.0], &[0.25, 0.0, 0.75]);
        close(&[loss], &[1.551_444_713_932_05 - 0.25]);
        close(&gradient, &[0.576_116_884_765_829 - 0.25, 0.211_941_557_617_085, 0.211_941_557_617_085 - 0.75]);
    }

    #[test]
    fn probabilities_add_up_and_survive_huge_logits() {
        close(
            &probabilities(Loss::BinaryCrossEntropy, &[0.0, 2.0, -800.0, 800.0], 2),
            &[0.5, 0.5, 0.119_202_922_022_118, 0.880_797_077_977_882, 1.0, 0.0, 0.0, 1.0],
        );
        close(
            &probabilities(Loss::CrossEntropy, &[0.0, 1.0, 2.0, -900.0, 900.0, 900.0], 3),
            &[0.090_030_573_170_38, 0.244_728_471_054_798, 0.665_240_955_774_822, 0.0, 0.5, 0.5],
        );
    }
}
