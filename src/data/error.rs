//! What can be wrong with a data set.

use std::io;
use std::path::PathBuf;

/// Why a data set cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// No row was asked for.
    #[error("the data set would have no rows; `n` must be at least 1")]
    NoRows,
    /// Pictures too small to show anything, or too large to keep.
    #[error("pictures of {size}x{size} pixels were asked for; `size` must be from 8 to 1024")]
    PictureSize {
        /// The size asked for, in pixels.
        size: usize,
    },
    /// Fewer drawn pictures than classes.
    #[error("{n} drawn pictures were asked for; `n` must be at least 2, a cat and a dog")]
    TooFewDrawn {
        /// The number asked for.
        n: usize,
    },
    /// Breeds were asked of the drawn pets.
    #[error(
        "drawn pets have no breeds; use the target \"species\", or the folder of the Oxford-IIIT Pet data set \
         as source"
    )]
    DrawnBreeds,
    /// The folder of the pictures is not there.
    #[error("found no folder `{}`; it must hold images/ and annotations/ of the Oxford-IIIT Pet data set", path.display())]
    FolderMissing {
        /// The folder.
        path: PathBuf,
    },
    /// The list of the pictures cannot be read.
    #[error(
        "expected `{}`: {source}; is `{}` the folder that holds images/ and annotations/?",
        folder.join("annotations").join("list.txt").display(), folder.display()
    )]
    ListUnreadable {
        /// The folder of the data set.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The list names no picture.
    #[error("`{}` lists no picture; restore it from the data set", path.display())]
    ListEmpty {
        /// The list.
        path: PathBuf,
    },
    /// A line of the list is not as it should be.
    #[error(
        "`{}`, line {line}: found `{text}`, expected `NAME CLASS-ID SPECIES BREED-ID` with a plain file name \
         and species 1 (cat) or 2 (dog)",
        path.display()
    )]
    ListLine {
        /// The list.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// The list names a picture twice.
    #[error("`{}`, line {line}: `{name}` is listed already in line {first}; delete one of them", path.display())]
    ListedTwice {
        /// The list.
        path: PathBuf,
        /// Line of the second mention, from 1.
        line: usize,
        /// The picture.
        name: String,
        /// Line of the first mention.
        first: usize,
    },
    /// A picture is missing or damaged.
    #[error(
        "cannot read picture `{}` (line {line} of `{}`): {source}; restore the file or delete the line",
        path.display(), list.display()
    )]
    Picture {
        /// The picture.
        path: PathBuf,
        /// The list that names it.
        list: PathBuf,
        /// The line that names it, from 1.
        line: usize,
        /// What the system or the decoder said.
        source: image::ImageError,
    },
    /// Pictures to be predicted do not fit into memory.
    #[error("there is no memory for {n} pictures of {size}x{size} pixels: {source}; predict fewer at once")]
    PictureMemory {
        /// Number of pictures.
        n: usize,
        /// Height and width, in pixels.
        size: usize,
        /// What the system said.
        source: io::Error,
    },
    /// The picture cache cannot be written.
    #[error(
        "cannot write pictures to the cache folder `{}`: {source}; choose a writable one with the `cache` \
         setting (`--cache DIR` or XRUN_CACHE)",
        path.display()
    )]
    Cache {
        /// The cache folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A table cannot be read.
    #[error("cannot read table `{}`: {source}", path.display())]
    TableUnreadable {
        /// The table.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A table has no line below its header, or no header.
    #[error("table `{}` has no rows; expected a header line and a line for each row", path.display())]
    TableEmpty {
        /// The table.
        path: PathBuf,
    },
    /// A line has more or fewer cells than the header.
    #[error(
        "table `{}`, line {line}: found {found} cells, the header has {expected}; quote cells that hold a comma",
        path.display()
    )]
    Ragged {
        /// The table.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Cells in this line.
        found: u64,
        /// Cells in the header.
        expected: u64,
    },
    /// A line is not UTF-8.
    #[error("table `{}`, line {line}: the text is not UTF-8; save the table as UTF-8", path.display())]
    NotUtf8 {
        /// The table.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
    },
    /// Two columns have one name.
    #[error("table `{}` has two columns named `{column}`; rename one of them", path.display())]
    ColumnTwice {
        /// The table.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// A column that the specification names is not in the table.
    #[error(
        "table `{}` has no column `{column}`, which `{role}` names; its columns are {}",
        path.display(), listed(columns)
    )]
    ColumnNotFound {
        /// The table.
        path: PathBuf,
        /// The name asked for.
        column: String,
        /// The key of the specification that names it.
        role: &'static str,
        /// The names there are.
        columns: Vec<String>,
    },
    /// A table lacks columns that a model was trained on.
    #[error(
        "table `{}` has no column {}, which the model takes; its columns are {}",
        path.display(), listed(missing), listed(columns)
    )]
    ColumnsMissing {
        /// The table.
        path: PathBuf,
        /// The columns it lacks.
        missing: Vec<String>,
        /// The names there are.
        columns: Vec<String>,
    },
    /// A column is named for two purposes.
    #[error("column `{column}` is named by `{first}` and by `{second}`; a column has one role")]
    ColumnRoles {
        /// The column.
        column: String,
        /// The key that names it first.
        first: &'static str,
        /// The key that names it again.
        second: &'static str,
    },
    /// No column is left to learn from.
    #[error("table `{}` has no column left to learn from; drop fewer columns", path.display())]
    NoFeatures {
        /// The table.
        path: PathBuf,
    },
    /// The class or the group of a row is missing.
    #[error("table `{}`, line {line}: `{column}`, the {role}, is missing; fill it in or delete the line", path.display())]
    CellMissing {
        /// The table.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What the column is: `target` or `group`.
        role: &'static str,
    },
    /// A number is infinite or not a number.
    #[error(
        "table `{}`, line {line}: `{column}` is `{text}`, which is not a finite number; list `{text}` in \
         `missing`, or the column in `categorical`",
        path.display()
    )]
    NotFinite {
        /// The table.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        text: String,
    },
    /// All rows have the same class.
    #[error("every row of `{}` has the class `{class}`; there must be at least two classes", path.display())]
    OneClass {
        /// The table or the folder.
        path: PathBuf,
        /// The class.
        class: String,
    },
}

fn listed(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
