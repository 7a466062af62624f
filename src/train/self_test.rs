//! A short training that shows whether a device computes what it should, for `xrun doctor`.

use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

use super::TrainError;
use super::augment::mixing;
use super::gradients::Gradients;
use super::loss::TrainingLoss;
use super::optimizer::Updater;
use super::predictor::read;
use super::schedule::Rates;
use crate::device::{OpenDevice, lock_random};
use crate::model::{Input, InputShape, Network};
use crate::seed::Seed;
use crate::spec::network::{Activation, Backbone, Layer, Loss, LossOptions, ModelSpec, Optimizer};

const STEPS: usize = 8;
const BATCH: usize = 16;
const SIZE: usize = 16;

/// What the short training came to.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfTest {
    /// Loss of each step. Devices of one class give equal ones, others nearly equal ones as long as `dropout` is off.
    pub losses: Vec<f32>,
    /// Median time of a step after the first, which compiles kernels.
    pub step_time: Duration,
    /// Hash of the weights after the last step, in hexadecimal.
    pub digest: String,
}

/// Trains a small network with convolutions, batch norm and, if asked for, dropout on drawn pictures for eight steps.
///
/// With dropout the numbers of a step depend on the device's random generator, which no two kinds of device share:
/// use it to compare a device with itself, and leave it out to compare devices with each other.
///
/// # Errors
/// The device fails.
pub fn self_test(device: &OpenDevice, dropout: bool) -> Result<SelfTest, TrainError> {
    let _alone = lock_random();
    let (seed, training) = (Seed::root(20_001).child("self test"), device.training());
    let rate = if dropout { 0.3 } else { 0.0 };
    let model = ModelSpec {
        backbone: Backbone::Convnet { width: 8, blocks: 2, kernel: 3 },
        head: vec![
            Layer::Linear { units: 24, bias: true },
            Layer::BatchNorm { eps: 1e-5, momentum: 0.1 },
            Layer::Activation(Activation::Relu),
            Layer::Dropout { rate },
        ],
        loss: Loss::CrossEntropy,
        loss_options: LossOptions::default(),
    };
    let shape = InputShape::Picture { channels: 3, size: SIZE };
    let mut network = Network::new(&model, shape, 2, seed.child("init"), &training)?;
    let rates = Rates { backbone: 1e-3, head: 1e-3 };
    let rule = Optimizer::AdamW { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };
    let mut updater = Updater::new(rule, None);
    let training_loss = TrainingLoss::new(&model, 2, std::iter::empty());
    training.seed(seed.child("dropout").as_u64());
    let (mut losses, mut times) = (Vec::with_capacity(STEPS), Vec::with_capacity(STEPS));
    for step in 0..STEPS {
        let (pictures, targets) = batch(seed, step);
        let shares = mixing::shares(&[], &targets, 2);
        let started = Instant::now();
        let pictures = Tensor::from_data(TensorData::new(pictures, [BATCH, 3, SIZE, SIZE]), &training);
        let logits = network.forward(Input::Pictures(pictures));
        let loss = training_loss.mean(logits, &targets, &shares, &training);
        let gradients = Gradients::of(&loss, &network);
        network = updater.step(network, gradients, rates);
        losses.extend(read(loss.without_autodiff())?);
        device.plain().sync().map_err(TrainError::device)?;
        times.push(started.elapsed());
    }
    let weights = network.valid().to_safetensors()?;
    times.remove(0);
    times.sort_unstable();
    Ok(SelfTest { losses, step_time: times[times.len() / 2], digest: blake3::hash(&weights).to_hex().to_string() })
}

/// Noise `[BATCH, 3, SIZE, SIZE]`, brighter for class 1.
fn batch(seed: Seed, step: usize) -> (Vec<f32>, Vec<usize>) {
    let mut stream = seed.child_at("batch", step).stream();
    let targets: Vec<usize> = (0..BATCH).map(|row| row % 2).collect();
    let mut pictures = Vec::with_capacity(BATCH * 3 * SIZE * SIZE);
    for &class in &targets {
        let brightness = if class == 1 { 0.5 } else { -0.5 };
        #[expect(clippy::cast_possible_truncation, reason = "pictures are single precision")]
        pictures.extend((0..3 * SIZE * SIZE).map(|_| stream.uniform(brightness - 1.0, brightness + 1.0) as f32));
    }
    (pictures, targets)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::device::{DeviceKind, open};

    #[test]
    fn the_cpu_agrees_with_itself_and_learns() {
        let device = open(DeviceKind::Cpu).unwrap();
        for dropout in [false, true] {
            let (once, again) = (self_test(&device, dropout).unwrap(), self_test(&device, dropout).unwrap());
            assert_eq!((&once.losses, &once.digest), (&again.losses, &again.digest));
            assert_eq!(once.losses.len(), STEPS);
            assert!(once.losses[STEPS - 1] < 0.7 * once.losses[0], "{:?}", once.losses);
        }
    }
}
