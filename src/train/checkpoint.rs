//! What a fit needs at the end of an epoch to go on as if it had never stopped.

use serde::{Deserialize, Serialize};

use super::early_stop::Seen;
use super::optimizer::HostMemory;
use super::schedule::Plateau;
use super::{CheckpointError, EpochRecord, PhaseOutcome, TrainSpec};
use crate::data::Dataset;
use crate::device::OpenDevice;
use crate::split::TrainValidation;

/// A fit at the end of one of its epochs, on the host.
///
/// [`crate::train::train`] goes on from it and ends with the same bits as a fit that was never interrupted. It holds for
/// the training it was made in alone: the same model, phases, seed, data, rows and class of device.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub(super) origin: Origin,
    /// Every epoch so far; the last is the one the checkpoint was made after.
    pub(super) epochs: Vec<EpochRecord>,
    /// Outcomes of the phases before the one under way.
    pub(super) phases: Vec<PhaseOutcome>,
    /// Safetensors of the network.
    pub(super) network: Vec<u8>,
    pub(super) progress: Progress,
}

/// How far a phase has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Progress {
    /// The epoch whose weights it would end with, counted through all phases.
    pub(super) kept_epoch: usize,
    /// Safetensors of that epoch's network; none when it is the last one's, with the averages if there are any.
    pub(super) best: Option<Vec<u8>>,
    /// What early stopping has seen.
    pub(super) seen: Seen,
    /// What the schedule has seen.
    pub(super) plateau: Plateau,
    /// What the optimizer remembers.
    pub(super) memories: Vec<HostMemory>,
}

/// What a training depends on, as one digest a part.
///
/// Specifications are hashed as `Debug` prints them, every field with floats exact. Another version may print them
/// otherwise; it then refuses a checkpoint that would have fitted, and the training starts over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Origin {
    model: String,
    phases: String,
    seed: String,
    data: String,
    rows: String,
    device: String,
}

impl Checkpoint {
    /// Every epoch that was trained before, in order, and at least one.
    #[must_use]
    pub fn epochs(&self) -> &[EpochRecord] {
        &self.epochs
    }

    /// Checks that it was made in the training it shall continue.
    ///
    /// # Errors
    /// It was made in another one.
    pub(super) fn check(&self, origin: &Origin) -> Result<(), CheckpointError> {
        let (found, expected) = (&self.origin, origin);
        let parts = [
            (found.model == expected.model, "another model"),
            (found.phases == expected.phases, "other phases"),
            (found.seed == expected.seed, "another seed"),
            (found.data == expected.data, "other data"),
            (found.rows == expected.rows, "other rows"),
            (found.device == expected.device, "another class of device"),
        ];
        match parts.into_iter().find(|(equal, _)| !equal) {
            Some((_, part)) => Err(CheckpointError::OtherTraining { part }),
            None => Ok(()),
        }
    }
}

impl Origin {
    /// The origin of a training.
    pub(super) fn of(spec: &TrainSpec<'_>, data: &Dataset, rows: &TrainValidation, device: &OpenDevice) -> Self {
        let digest = |part: &dyn std::fmt::Debug| blake3::hash(format!("{part:?}").as_bytes()).to_hex().to_string();
        Self {
            model: digest(spec.model),
            phases: digest(&spec.phases),
            seed: digest(&spec.seed),
            data: digest(&data.fingerprint()),
            rows: digest(rows),
            device: digest(&device.class()),
        }
    }
}
