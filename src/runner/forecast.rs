//! What a run would reuse, said without training anything.

use std::collections::BTreeSet;
use std::path::Path;

use super::begin::subject;
use super::reuse::Shelf;
use super::study_run::{Ready, Which};
use super::unit::Unit;
use super::{Prepared, RunError};
use crate::plan::{StudyId, fit_key};
use crate::script::Outcome;

/// What is known of a run before it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Fits that are recorded already.
    pub n_reused: usize,
    /// All other fits: those that are not recorded, and those that depend on one of them and so are not known yet.
    pub n_others: usize,
    /// The ids of the runs that have the recorded ones.
    pub reused_from: Vec<String>,
    /// The same of each study, in the order of the plan; of a fit's config, of the fit.
    pub parts: Vec<PartForecast>,
}

/// What is known of a study and its final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartForecast {
    /// Which study.
    pub study: StudyId,
    /// Fits of its trials, at most.
    pub n_fits: usize,
    /// Those that are recorded.
    pub n_reused: usize,
    /// Those that are not needed any more, by what is recorded.
    pub n_skipped: usize,
    /// Its final.
    pub last: FinalForecast,
    /// The ids of the runs that have what is recorded.
    pub reused_from: Vec<String>,
}

impl PartForecast {
    /// Fits of its trials that will be trained, at most.
    #[must_use]
    pub fn n_others(&self) -> usize {
        self.n_fits - self.n_reused - self.n_skipped
    }
}

/// What is known of a final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalForecast {
    /// There is none: nothing is there to be tested on.
    None,
    /// It is recorded.
    Recorded,
    /// It is not recorded, and nothing has to be trained before it.
    Missing,
    /// It follows from trials that are not all recorded.
    Waits,
}

/// Follows every study as far as recorded fits lead.
///
/// # Errors
/// The config does not fit the data, or the recorded runs cannot be read.
pub fn forecast(prepared: &Prepared, results: &Path, device_class: &str) -> Result<Forecast, RunError> {
    let shelf = Shelf::open(results, false)?;
    let mut fold = None;
    let subject = subject(prepared, &mut fold)?;
    let n_fits = subject.n_fits;
    let is_external = matches!(&prepared.outcome, Outcome::Experiment(experiment) if experiment.external().is_some());
    let mut parts = Vec::new();
    for unit in subject.units {
        let mut part = expected(prepared, unit.chosen().0);
        if !is_external {
            follow(unit, prepared, &shelf, device_class, &mut part)?;
        }
        parts.push(part);
    }
    let n_finals = parts.iter().filter(|part| part.last == FinalForecast::Recorded).count();
    let n_reused = parts.iter().map(|part| part.n_reused).sum::<usize>() + n_finals;
    let n_skipped: usize = parts.iter().map(|part| part.n_skipped).sum();
    let reused_from: BTreeSet<String> = parts.iter().flat_map(|part| part.reused_from.iter().cloned()).collect();
    Ok(Forecast {
        n_reused,
        n_others: n_fits - n_reused - n_skipped,
        reused_from: reused_from.into_iter().collect(),
        parts,
    })
}

/// A study of which nothing is recorded.
fn expected(prepared: &Prepared, study: StudyId) -> PartForecast {
    let (n_fits, last) = match &prepared.plan {
        None => (0, FinalForecast::Waits),
        Some(plan) => {
            let last = if study == StudyId::Only { FinalForecast::None } else { FinalForecast::Waits };
            (plan.n_trials() * plan.n_fits_per_trial(study), last)
        }
    };
    PartForecast { study, n_fits, n_reused: 0, n_skipped: 0, last, reused_from: Vec::new() }
}

/// Goes on as long as every fit that is ready is recorded.
fn follow(
    mut unit: Unit<'_>,
    prepared: &Prepared,
    shelf: &Shelf,
    device_class: &str,
    part: &mut PartForecast,
) -> Result<(), RunError> {
    let mut reused_from = BTreeSet::new();
    loop {
        let ready = unit.advance(false)?.0;
        if ready.is_empty() {
            break;
        }
        let mut is_known = true;
        for Ready { which, job, .. } in ready {
            let job = match job {
                Ok(job) => job,
                Err(reason) => {
                    unit.ended(which, Err(reason))?;
                    continue;
                }
            };
            let inputs = &prepared.inputs.digests();
            let key = fit_key(job.config(), prepared.data.as_ref(), job.rows(), job.test(), device_class, inputs);
            let found = shelf.find(&key);
            match which {
                Which::Final => {
                    part.last = if found.is_some() { FinalForecast::Recorded } else { FinalForecast::Missing };
                }
                Which::Trial { .. } => part.n_reused += usize::from(found.is_some()),
            }
            match found {
                Some(found) => {
                    reused_from.insert(found.run().to_owned());
                    unit.ended(which, Ok(found.fit))?;
                }
                None => is_known = false,
            }
        }
        if !is_known {
            break;
        }
    }
    part.n_skipped = unit.n_skipped();
    part.reused_from = reused_from.into_iter().collect();
    Ok(())
}
