//! Rows whose classes are not known: what a trained model is to say of them is all that is wanted.

use std::path::PathBuf;

use rayon::prelude::*;

use super::dataset::Features;
use super::error::DataError;
use super::photo;
use super::pictures::{Frame, Pictures};
use super::table::Table;

/// Rows to be predicted. Those that cannot be read are left out, each with its reason.
#[derive(Debug)]
pub struct Unlabelled {
    features: Features,
    n: usize,
    problems: Vec<Option<String>>,
}

impl Unlabelled {
    /// The pictures in these files, decoded and resized to `size` as those of a data set are; grey where a data set's
    /// pictures have one channel.
    ///
    /// # Errors
    /// There is not enough memory for them; a picture that cannot be read is no error.
    pub fn pictures(files: &[PathBuf], size: usize, channels: usize) -> Result<Self, DataError> {
        let read = |file: &PathBuf| -> Result<Vec<u8>, String> {
            let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
            let mut picture = vec![0; Frame::rgb(size).bytes()];
            photo::decode(&bytes, size, &mut picture).map_err(|error| error.to_string())?;
            Ok(if channels == 1 { photo::grey(&picture) } else { picture })
        };
        let read: Vec<Result<Vec<u8>, String>> = files.par_iter().map(read).collect();
        let problems = read.iter().map(|picture| picture.as_ref().err().cloned()).collect();
        let pictures: Vec<Vec<u8>> = read.into_iter().filter_map(Result::ok).collect();
        let n = pictures.len();
        let pictures = Pictures::in_memory(&pictures, Frame { size, channels })
            .map_err(|source| DataError::PictureMemory { n, size, source })?;
        Ok(Self { features: Features::Pictures(pictures), n, problems })
    }

    /// The rows of `table` that could be read, of all rows with their `problems`.
    pub(super) fn table(table: Table, problems: Vec<Option<String>>) -> Self {
        let n = problems.iter().filter(|problem| problem.is_none()).count();
        Self { features: Features::Table(table), n, problems }
    }

    /// Of the rows that could be read, in the order in which they were asked for.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Number of rows that could be read.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// Of each row that was asked for, why it could not be read, if it could not.
    #[must_use]
    pub fn problems(&self) -> &[Option<String>] {
        &self.problems
    }
}
