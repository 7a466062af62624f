//! What a run would reuse, said without training anything.

use std::collections::BTreeSet;
use std::path::Path;

use super::begin::subject;
use super::reuse::Shelf;
use super::study_run::Ready;
use super::{Prepared, RunError};
use crate::plan::fit_key;
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
}

/// Follows every study as far as recorded fits lead.
///
/// # Errors
/// The config does not fit the data, or the recorded runs cannot be read.
pub fn forecast(prepared: &Prepared, results: &Path, device_class: &str) -> Result<Forecast, RunError> {
    let shelf = Shelf::open(results, false)?;
    let (mut n_reused, mut n_skipped, mut reused_from) = (0, 0, BTreeSet::new());
    let mut fold = None;
    let subject = subject(prepared, &mut fold)?;
    let n_fits = subject.n_fits;
    if matches!(&prepared.outcome, Outcome::Experiment(experiment) if experiment.external().is_some()) {
        return Ok(Forecast { n_reused: 0, n_others: n_fits, reused_from: Vec::new() });
    }
    for mut unit in subject.units {
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
                match shelf.find(&key) {
                    Some(found) => {
                        n_reused += 1;
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
        n_skipped += unit.n_skipped();
    }
    Ok(Forecast { n_reused, n_others: n_fits - n_reused - n_skipped, reused_from: reused_from.into_iter().collect() })
}
