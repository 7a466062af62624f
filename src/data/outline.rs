//! What a network has to know of a data set before it is opened: the shape of a row, and what is to be told of it.

use super::dataset::{Dataset, Features};
use super::encoder::Encoder;
use super::error::DataError;
use super::pets_folder::PetsFolder;
use super::{benchmark, csv_table, image_folder, pets};
use crate::metric::Task;
use crate::spec::data::{DataSpec, PetsSource, PetsTarget};

/// The shape of a row as a network takes it, and what is to be told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The shape of a row.
    pub row: RowOutline,
    /// What is to be told of it.
    pub task: Task,
}

/// The shape of a row as a network takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOutline {
    /// A picture: `[channels, size, size]`.
    Picture {
        /// Number of channels.
        channels: usize,
        /// Height and width, in pixels.
        size: usize,
    },
    /// A vector of numbers: `[width]`. The width is that over all rows: training rows that lack a category, or a
    /// missing value, give a smaller one.
    Vector {
        /// How many numbers.
        width: usize,
    },
}

/// The outline of what `spec` names. No picture is drawn or decoded; of a folder of pictures the names or the list are
/// read, of a published set a header, and a table is read as a whole.
///
/// # Errors
/// A file that is needed is missing or damaged.
pub fn outline(spec: &DataSpec) -> Result<Outline, DataError> {
    match spec {
        DataSpec::Pets(pets) => {
            let n_classes = match (&pets.source, pets.target) {
                (PetsSource::Folder { path, .. }, PetsTarget::Breed) => PetsFolder::read(path)?.breeds().0.len(),
                (_, PetsTarget::Species) | (PetsSource::Embedded { .. }, PetsTarget::Breed) => pets::species().len(),
            };
            Ok(Outline { row: RowOutline::Picture { channels: 3, size: pets.size }, task: Task::Classes(n_classes) })
        }
        DataSpec::Benchmark(spec) => {
            let frame = benchmark::frame(spec)?;
            let row = RowOutline::Picture { channels: frame.channels, size: frame.size };
            Ok(Outline { row, task: Task::Classes(benchmark::classes(spec.name).len()) })
        }
        DataSpec::ImageFolder(spec) => {
            let n_classes = image_folder::n_classes(spec)?;
            Ok(Outline { row: RowOutline::Picture { channels: 3, size: spec.size }, task: Task::Classes(n_classes) })
        }
        DataSpec::CsvTable(table) => Ok(of_rows(&csv_table::open(table)?)),
        DataSpec::Rows { n } => Ok(of_rows(&Dataset::without_features(*n)?)),
    }
}

fn of_rows(data: &Dataset) -> Outline {
    let width = match data.features() {
        Features::Table(table) => Encoder::fit(table, &(0..data.n()).collect::<Vec<_>>()).width(),
        Features::Pictures(_) | Features::None => 0,
    };
    Outline { row: RowOutline::Vector { width }, task: data.task() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::spec::data::{CsvTableSpec, PetsSpec, TableTask};

    #[test]
    fn drawn_pets_are_outlined_without_a_cache() {
        let source = PetsSource::Embedded { n: 1 << 20, seed: 1 };
        let spec = DataSpec::Pets(PetsSpec { source, target: PetsTarget::Species, size: 96 });
        let row = RowOutline::Picture { channels: 3, size: 96 };
        assert_eq!(outline(&spec).unwrap(), Outline { row, task: Task::Classes(2) });
    }

    #[test]
    fn a_table_has_a_number_for_each_numeric_column_each_category_and_each_column_with_gaps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fruit.csv");
        std::fs::write(&path, "size,colour,kind\n1.5,red,apple\n,green,pear\n2.5,blue,plum\n").unwrap();
        let spec = DataSpec::CsvTable(CsvTableSpec {
            path,
            target: "kind".to_owned(),
            drop: Vec::new(),
            categorical: Vec::new(),
            group: None,
            missing: Vec::new(),
            task: TableTask::Classification,
            n: None,
            seed: 0,
        });
        assert_eq!(
            outline(&spec).unwrap(),
            Outline { row: RowOutline::Vector { width: 2 + 3 }, task: Task::Classes(3) }
        );
    }
}
