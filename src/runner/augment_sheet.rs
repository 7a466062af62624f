//! What augmentation makes of a script's pictures, to look at.

use super::begin::subject;
use super::{Prepared, RunError};
use crate::data::Features;
use crate::spec::fit::Learner;
use crate::train::AugmentSheet;

/// The first `n` pictures that the first fit of a run trains on, before and after augmentation.
///
/// # Errors
/// The config does not fit the data, the rows are no pictures, or no phase augments them.
pub fn augment_sheet(prepared: &Prepared, n: usize) -> Result<AugmentSheet, RunError> {
    let mut fold = None;
    let mut subject = subject(prepared, &mut fold)?;
    let (ready, _) = subject.units.first_mut().expect("a run has a study or a fit").advance(false)?;
    let job = ready.into_iter().next().expect("a study begins with a fit").job.map_err(RunError::Config)?;
    let config = |message: &str| RunError::Config(message.to_owned());
    let Learner::Network { phases, .. } = job.config().learner() else {
        return Err(config("there is no network that pictures are augmented for: the objective stands in its place"));
    };
    match prepared.data.as_ref().map(|data| data.features()) {
        Some(Features::Pictures(pictures)) => {
            AugmentSheet::draw(pictures, phases, &job.rows().train, job.config().seed(), n).ok_or_else(|| {
                config("no phase augments its pictures; add what it does, as in augment: [flip(0.5), crop(4)]")
            })
        }
        _ => Err(config("the rows are those of a table: only pictures are augmented")),
    }
}
