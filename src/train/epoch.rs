//! An epoch: one pass over the training rows, step by step.

use burn::tensor::Tensor;

use super::TrainError;
use super::ahead::ahead;
use super::batch::Augmentation;
use super::fit::{Fit, Frozen, Underway, diverged, epoch_seed, go_on, order};
use super::gradients::Gradients;
use super::histogram::{Histogram, histograms};
use super::predictor::read;
use crate::model::Network;
use crate::spec::network::PhaseSpec;

/// What an epoch came to, beside the network.
pub(super) struct Pass {
    /// Mean loss of the rows, each weighed as the loss does.
    pub(super) train_loss: f64,
    /// Of the network's weights and the gradients of the last step, if they are recorded.
    pub(super) histograms: Vec<Histogram>,
}

impl Fit<'_> {
    /// One pass over the training rows in a new order.
    pub(super) fn train_epoch(
        &mut self,
        epoch: usize,
        phase: &PhaseSpec,
        frozen: Option<&Frozen>,
        mut network: Network,
        underway: &mut Underway,
    ) -> Result<(Network, Pass), TrainError> {
        let source = frozen.and_then(|frozen| frozen.train.as_ref()).unwrap_or(&self.source);
        let seed = epoch_seed(self.seed, phase, epoch);
        self.training.seed(seed.child("dropout").as_u64());
        let order = order(phase, seed, &self.rows.train);
        let options = &phase.options;
        let augmentation = Augmentation { steps: &phase.augment, seed };
        let n_batches = order.len().div_ceil(phase.batch_size);
        let (mut losses, mut weights) = (Vec::with_capacity(n_batches), Vec::with_capacity(n_batches));
        let mut last_gradients = None;
        network = std::thread::scope(|scope| {
            let make = |rows| (rows, source.augmented(rows, augmentation));
            let mut made = ahead(scope, order.chunks(phase.batch_size), source.are_costly(), make);
            for (step, of_step) in order.chunks(phase.batch_size.saturating_mul(options.accumulate)).enumerate() {
                let total = self.goal.weight(of_step);
                let mut gradients: Option<Gradients> = None;
                for (rows, batch) in made.by_ref().take(options.accumulate) {
                    let (input, mixes) = batch.input(&self.training);
                    let loss =
                        self.goal.mean_loss(network.forward_in(options.precision, input), rows, &mixes, &self.training);
                    let weight = self.goal.weight(rows);
                    // The mean over all rows of the step: each batch counts as much as its rows weigh.
                    let share = if rows.len() == of_step.len() {
                        loss.clone()
                    } else {
                        loss.clone().mul_scalar(weight / total)
                    };
                    let of_batch = Gradients::of(&share, &network);
                    gradients = Some(match gradients {
                        Some(others) => others.plus(of_batch),
                        None => of_batch,
                    });
                    losses.push(loss.without_autodiff());
                    weights.push(weight);
                    go_on(self.observer.batch(losses.len(), n_batches))?;
                }
                let Some(gradients) = gradients else { continue };
                if options.histograms {
                    last_gradients = Some(gradients.clone());
                }
                let gradients = match options.clip_norm {
                    Some(max_norm) => gradients.clipped(max_norm),
                    None => gradients,
                };
                let rates = underway.scheduler.rates(epoch - underway.first_epoch, step);
                network = underway.updater.step(network, gradients, rates);
            }
            Ok::<_, TrainError>(network)
        })?;
        // Read once an epoch: reading a loss waits for the device to be done with the step.
        let losses = read(Tensor::cat(losses, 0))?;
        let weighted = losses.iter().zip(&weights).map(|(&loss, weight)| f64::from(loss) * weight);
        let train_loss = weighted.sum::<f64>() / weights.iter().sum::<f64>();
        if !train_loss.is_finite() {
            return Err(diverged(epoch, phase));
        }
        let histograms = match last_gradients {
            Some(gradients) => histograms(&network, &gradients)?,
            None => Vec::new(),
        };
        Ok((network, Pass { train_loss, histograms }))
    }
}
