//! Compares a recorded file with the one trained now, each kind in its own terms.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::difference::{Difference, Extent, Place};
use super::{config, json, table, tensors};
use crate::script;
use crate::store::{FileKind, FilePair, StoreError, as_far_as_recorded, pure_outcome};

/// A file that differs, and where.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileDifference {
    /// Its path below the run's folder, or its name in the fit's.
    pub file: String,
    /// What it holds.
    #[serde(skip)]
    pub kind: FileKind,
    /// Its first difference.
    #[serde(flatten)]
    pub difference: Difference,
}

/// What differs between the two files of a pair; none when they say the same.
///
/// # Errors
/// A file that is there cannot be read.
pub(super) fn compare(pair: &FilePair) -> Result<Option<FileDifference>, StoreError> {
    let read = |path: &Path| fs::read(path).map_err(|source| StoreError::Read { path: path.to_owned(), source });
    let difference = match (&pair.first, &pair.second) {
        (Some(first), Some(second)) => {
            let (recorded, found) = (read(first)?, read(second)?);
            if recorded == found { None } else { of_kind(pair.kind, &recorded, &found, first, second) }
        }
        (first, second) => {
            let there = |path: &Option<_>| path.as_ref().map(|_| "a file".to_owned());
            Some(Difference::plain(Place::File, there(first), there(second)))
        }
    };
    Ok(difference.map(|difference| FileDifference { file: pair.name.clone(), kind: pair.kind, difference }))
}

/// Of files that are not the same bytes. A table, weights or JSON that say the same all the same were written by other
/// means than xrun's: then the first byte is what differs.
fn of_kind(kind: FileKind, recorded: &[u8], found: &[u8], first: &Path, second: &Path) -> Option<Difference> {
    let bytes = || Some(Difference::bytes(recorded, found));
    match kind {
        FileKind::Trials | FileKind::Table => table::compare(recorded, found, table::double).or_else(bytes),
        FileKind::Predictions if table::is_of_numbers(recorded) => {
            table::compare(recorded, found, table::double).or_else(bytes)
        }
        FileKind::Predictions => table::compare(recorded, found, table::single_probabilities).or_else(bytes),
        FileKind::Weights => tensors::compare(recorded, found).ok().flatten().or_else(bytes),
        FileKind::Json => match (serde_json::from_slice(recorded), serde_json::from_slice(found)) {
            (Ok(recorded), Ok(found)) => json::compare(&recorded, &found).or_else(bytes),
            _ => bytes(),
        },
        FileKind::Summary => match (serde_json::from_slice(recorded), serde_json::from_slice(found)) {
            (Ok(recorded), Ok(found)) => {
                let comparable = as_far_as_recorded(&found, &recorded);
                json::compare(&recorded, &comparable).or_else(|| if comparable == found { bytes() } else { None })
            }
            _ => bytes(),
        },
        FileKind::Outcome => match (serde_json::from_slice(recorded), serde_json::from_slice(found)) {
            (Ok(recorded), Ok(found)) => json::compare(&pure_outcome(&recorded), &pure_outcome(&found)),
            _ => bytes(),
        },
        FileKind::Config => of_configs(recorded, found, first, second),
    }
}

/// Configs that build the same are equal: a later xrun may write more defaults out, and the data may have been moved.
fn of_configs(recorded: &[u8], found: &[u8], first: &Path, second: &Path) -> Option<Difference> {
    match (script::evaluate(first, &[]), script::evaluate(second, &[])) {
        (Ok(a), Ok(b)) => {
            let (changed, n) = config::changes(&a.outcome, &b.outcome, false);
            let extent = Some(Extent { n_different: changed.len(), n, largest_relative: None });
            let change = changed.into_iter().next()?;
            let place = Place::Value { name: change.name };
            Some(Difference { extent, ..Difference::plain(place, change.a, change.b) })
        }
        _ => Some(Difference::bytes(recorded, found)),
    }
}
