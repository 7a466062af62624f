//! Losses on the logits of classes, and the probabilities that belong to them.

use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::metric::Task;
use crate::spec::network::{ClassWeights, Loss, LossOptions, ModelSpec};

const OF_NUMBERS: &str = "a distance is of numbers, and was told apart when the goal was made";

/// Number of outputs of a network for the task: logits of the classes, or the number alone.
#[must_use]
pub fn n_outputs(loss: Loss, task: Task) -> usize {
    match (loss, task) {
        (Loss::CrossEntropy, Task::Classes(n_classes)) => n_classes,
        (Loss::BinaryCrossEntropy | Loss::CrossEntropy | Loss::Distance(_), _) => 1,
    }
}

/// What a training minimises: a loss with its options.
#[derive(Clone, Debug)]
pub(super) struct TrainingLoss {
    loss: Loss,
    n_classes: usize,
    label_smoothing: f64,
    /// One a class; none where all weigh the same.
    class_weights: Option<Vec<f64>>,
}

impl TrainingLoss {
    /// The loss of a model for so many classes, trained on rows of these classes.
    pub(super) fn new(model: &ModelSpec, n_classes: usize, classes: impl Iterator<Item = usize>) -> Self {
        let LossOptions { label_smoothing, class_weights } = &model.loss_options;
        let class_weights = class_weights.as_ref().map(|weights| match weights {
            ClassWeights::Given(weights) => weights.clone(),
            ClassWeights::Balanced => balanced(n_classes, classes),
        });
        Self { loss: model.loss, n_classes, label_smoothing: *label_smoothing, class_weights }
    }

    /// The loss without its options.
    pub(super) fn loss(&self) -> Loss {
        self.loss
    }

    /// What the rows of these classes weigh together in a mean; their number where all classes weigh the same.
    pub(super) fn weight(&self, targets: &[usize]) -> f64 {
        targets.iter().map(|&class| self.weight_of(class)).sum()
    }

    fn weight_of(&self, class: usize) -> f64 {
        self.class_weights.as_ref().map_or(1.0, |weights| weights[class])
    }

    /// The mean loss of a batch `[1]`, from logits `[batch, outputs]`, the class of each row, and the share of each class in
    /// each row `[batch, class]`: 1 for the row's own, unless it is mixed of several.
    ///
    /// With the options it is PyTorch's `CrossEntropyLoss(weight, label_smoothing)`; that of one logit is the same with
    /// the logits 0 and x. Both forms go through a logarithm of a sigmoid or softmax that is computed as one, so that a
    /// logit of any size gives a finite loss and gradient.
    pub(super) fn mean(&self, logits: Tensor<2>, targets: &[usize], shares: &[f32], device: &Device) -> Tensor<1> {
        let [batch, outputs] = logits.dims();
        let parts = self.parts(targets, shares);
        #[expect(clippy::cast_possible_truncation, reason = "tensors are single precision")]
        let tensor = |values: Vec<f64>, width: usize| {
            let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
            Tensor::<2>::from_data(TensorData::new(values, [batch, width]), device)
        };
        match self.loss {
            Loss::BinaryCrossEntropy => {
                let log = activation::log_sigmoid(logits.clone());
                let log = match self.class_weights {
                    Some(_) => log * tensor(parts.chunks_exact(2).map(|of_row| of_row[0] + of_row[1]).collect(), 1),
                    None => log,
                };
                let negative = parts.chunks_exact(2).map(|of_row| of_row[0]).collect();
                (logits * tensor(negative, 1) - log).mean()
            }
            Loss::CrossEntropy => {
                let n_rows = number(batch);
                let minus_share = tensor(parts.into_iter().map(|part| 0.0 - part / n_rows).collect(), outputs);
                (activation::log_softmax(logits, 1) * minus_share).sum()
            }
            Loss::Distance(_) => unreachable!("{OF_NUMBERS}"),
        }
    }

    /// What each class has of each row's target, `[row, class]`: its share, without options. With class weights those of the
    /// rows' own classes are scaled to a mean of 1 in the batch.
    fn parts(&self, targets: &[usize], shares: &[f32]) -> Vec<f64> {
        let scale = if self.class_weights.is_some() { number(targets.len()) / self.weight(targets) } else { 1.0 };
        let spread = self.label_smoothing / number(self.n_classes);
        let part = |(class, &share): (usize, &f32)| {
            self.weight_of(class) * scale * ((1.0 - self.label_smoothing) * f64::from(share) + spread)
        };
        shares.chunks_exact(self.n_classes).flat_map(|of_row| of_row.iter().enumerate().map(part)).collect()
    }
}

/// Weights that give all classes of the rows the same say, as scikit-learn's `class_weight="balanced"` does.
fn balanced(n_classes: usize, classes: impl Iterator<Item = usize>) -> Vec<f64> {
    let mut counts = vec![0; n_classes];
    classes.for_each(|class| counts[class] += 1);
    let n_rows: usize = counts.iter().sum();
    let weight = |count: usize| if count == 0 { 0.0 } else { number(n_rows) / (number(n_classes) * number(count)) };
    counts.into_iter().map(weight).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a data set has far fewer than 2^53 rows")]
fn number(n: usize) -> f64 {
    n as f64
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
        Loss::Distance(_) => unreachable!("{OF_NUMBERS}"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::train::augment::mixing;

    fn plain(loss: Loss, n_classes: usize) -> TrainingLoss {
        TrainingLoss { loss, n_classes, label_smoothing: 0.0, class_weights: None }
    }

    /// The loss and its gradient by the logits.
    fn loss_and_gradient<const N: usize>(loss: Loss, logits: &[f32], targets: &[usize]) -> (f32, Vec<f32>) {
        of_shares::<N>(loss, logits, &mixing::shares(&[], targets, N.max(2)))
    }

    fn of_shares<const N: usize>(loss: Loss, logits: &[f32], shares: &[f32]) -> (f32, Vec<f32>) {
        let device = Device::flex().autodiff();
        let data = TensorData::new(logits.to_vec(), [logits.len() / N, N]);
        let logits = Tensor::<2>::from_data(data, &device).require_grad();
        let value = plain(loss, N.max(2)).mean(logits.clone(), &[], shares, &device);
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
