//! The layout of a `splits.json` as it is read.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Place, SplitFileError};

#[derive(Deserialize)]
pub(super) struct File {
    pub(super) files: Vec<String>,
    pub(super) root_splits: Folds<OuterLists>,
}

#[derive(Deserialize)]
pub(super) struct OuterLists {
    pub(super) test_indices: Vec<usize>,
    pub(super) nested_splits: Folds<InnerLists>,
}

#[derive(Deserialize)]
pub(super) struct InnerLists {
    pub(super) train_indices: Vec<usize>,
    pub(super) dev_indices: Vec<usize>,
}

/// Folds with their numbers as they stand in the file.
pub(super) struct Folds<T>(Vec<(String, T)>);

impl<T> Folds<T> {
    /// The folds by ascending number.
    pub(super) fn numbered(self, place: Place, list: &'static str) -> Result<Vec<T>, SplitFileError> {
        let mut folds = self.0;
        if folds.is_empty() {
            return Err(SplitFileError::Empty { place, list });
        }
        // What is no number comes last, and is then found to be out of place.
        folds.sort_by_key(|(number, _)| number.parse().unwrap_or(usize::MAX));
        for (expected, (found, _)) in folds.iter().enumerate() {
            if *found != expected.to_string() {
                return Err(SplitFileError::Number { place, found: found.clone(), expected });
            }
        }
        Ok(folds.into_iter().map(|(_, fold)| fold).collect())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Folds<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FoldsVisitor(PhantomData))
    }
}

struct FoldsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FoldsVisitor<T> {
    type Value = Folds<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array of folds")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Folds<T>, A::Error> {
        let mut folds = Vec::new();
        while let Some(entry) = map.next_entry()? {
            folds.push(entry);
        }
        Ok(Folds(folds))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Folds<T>, A::Error> {
        let mut folds: Vec<(String, T)> = Vec::new();
        while let Some(fold) = sequence.next_element()? {
            folds.push((folds.len().to_string(), fold));
        }
        Ok(Folds(folds))
    }
}
