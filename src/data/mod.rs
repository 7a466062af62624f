//! Data sets: opens what a [`DataSpec`] names and gives rows with a class, an id and features.
//!
//! Takes a specification and a cache folder. Gives a [`Dataset`]: pictures already decoded and resized, in a
//! memory-mapped file that every worker shares, or the raw columns of a table. What has to be learned from
//! training rows (means, categories) is an [`Encoder`] of its own, so that no statistic of a test row can get
//! into it. Splitting rows belongs to others.

mod benchmark;
mod cifar;
mod csv_table;
mod dataset;
mod digits_drawn;
mod encoder;
mod error;
mod fingerprint;
mod idx;
mod image_folder;
mod outline;
mod pets;
mod pets_drawn;
mod pets_folder;
mod photo;
mod picture_cache;
mod pictures;
mod subset;
mod table;
mod target;
mod unlabelled;
mod unlabelled_table;

use std::path::Path;

use crate::spec::data::DataSpec;

pub use dataset::{Dataset, Features};
pub use encoder::Encoder;
pub use error::DataError;
pub use outline::{Outline, RowOutline, outline};
pub use pictures::Pictures;
pub use table::{Cells, Column, Table};
pub use target::{NumberScaling, Target, range};
pub use unlabelled::Unlabelled;

/// Opens a data set. Pictures are decoded into `cache_dir` the first time and mapped from there afterwards;
/// the folder is made when it is needed.
///
/// # Errors
/// [`DataError`] when the specification cannot be met, a file is missing or damaged, or the cache cannot be
/// written.
pub fn open(spec: &DataSpec, cache_dir: &Path) -> Result<Dataset, DataError> {
    match spec {
        DataSpec::Pets(spec) => pets::open(spec, cache_dir),
        DataSpec::Benchmark(spec) => benchmark::open(spec, cache_dir),
        DataSpec::ImageFolder(spec) => image_folder::open(spec, cache_dir),
        DataSpec::CsvTable(spec) => csv_table::open(spec),
        DataSpec::Rows { n } => Dataset::without_features(*n),
    }
}
