//! The weights that published networks begin with, looked at before anything is trained.

use super::RunError;
use crate::data::{Dataset, Features};
use crate::model::{self, InputShape, Pretrained};
use crate::script::Outcome;
use crate::spec::zoo::{PublishedSpec, WeightsDigests};
use crate::store::WeightsRecord;

/// Reads every file of weights that a fit may begin with and holds it against its network.
///
/// # Errors
/// A file is missing, damaged, of another network, or not the one that was recorded.
pub fn weights(outcome: &Outcome) -> Result<Vec<WeightsRecord>, RunError> {
    let read = |PublishedSpec { network, weights }: &PublishedSpec| -> Option<Result<WeightsRecord, RunError>> {
        let file = weights.as_ref()?;
        let record = |pretrained: Pretrained| WeightsRecord {
            network: network.name().to_owned(),
            path: file.path.display().to_string(),
            digest: pretrained.digest().to_owned(),
        };
        Some(Pretrained::read(*network, file).map(record).map_err(RunError::from))
    };
    published(outcome).iter().filter_map(read).collect()
}

/// Checks that the published networks can take the data's pictures.
pub(super) fn check_shapes(outcome: &Outcome, data: &Dataset) -> Result<(), RunError> {
    let Features::Pictures(pictures) = data.features() else { return Ok(()) };
    let shape = InputShape::Picture { channels: pictures.channels(), size: pictures.size() };
    let published = published(outcome);
    published
        .iter()
        .try_for_each(|spec| model::takes(spec.network, shape))
        .map_err(|error| RunError::Config(error.to_string()))?;
    match published.iter().find(|spec| spec.weights.is_some()) {
        Some(spec) if pictures.channels() != 3 => Err(RunError::Config(format!(
            "the weights of {} are for pictures in colour, but those of the data are grey; leave `weights` out",
            spec.network.name()
        ))),
        _ => Ok(()),
    }
}

/// The outcome with the digests of its weights, for the configs of its fits.
pub(super) fn pinned(outcome: &Outcome, weights: &[WeightsRecord]) -> Outcome {
    let digests: WeightsDigests =
        weights.iter().map(|record| (record.path.clone().into(), record.digest.clone())).collect();
    match outcome {
        Outcome::Experiment(experiment) => {
            Outcome::Experiment(Box::new(experiment.as_ref().clone().with_weights(digests)))
        }
        Outcome::Fit(fit) => Outcome::Fit(Box::new(fit.with_weights(&digests))),
    }
}

/// What of the weights found is not what was recorded: those of the same file must have its digest, those of a file that
/// was moved one of the recorded digests.
#[must_use]
pub fn other_weights<'a>(recorded: &[WeightsRecord], found: &'a [WeightsRecord]) -> Option<&'a WeightsRecord> {
    found.iter().find(|now| match recorded.iter().find(|then| then.path == now.path && then.network == now.network) {
        Some(then) => then.digest != now.digest,
        None => !recorded.iter().any(|then| then.digest == now.digest),
    })
}

fn published(outcome: &Outcome) -> Vec<PublishedSpec> {
    match outcome {
        Outcome::Experiment(experiment) => experiment.published(),
        Outcome::Fit(fit) => fit.published().cloned().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(path: &str, digest: &str) -> WeightsRecord {
        WeightsRecord { network: "resnet18".to_owned(), path: path.to_owned(), digest: digest.to_owned() }
    }

    #[test]
    fn a_moved_file_is_known_by_its_digest_and_a_changed_one_is_told() {
        let recorded = [record("a.pth", "1"), record("b.pth", "2")];
        assert_eq!(other_weights(&recorded, &recorded), None);
        assert_eq!(other_weights(&recorded, &[record("c.pth", "2")]), None);
        let swapped = [record("a.pth", "2")];
        assert_eq!(other_weights(&recorded, &swapped), Some(&swapped[0]));
        let changed = [record("c.pth", "3")];
        assert_eq!(other_weights(&recorded, &changed), Some(&changed[0]));
    }
}
