//! What can be wrong with a data set.

use std::io;
use std::path::PathBuf;

use crate::wording::count;

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
    /// A list of an official part is missing or cannot be read.
    #[error(
        "cannot read `{}`: {source}; it lists an official part of the data set, restore it or leave `part` out",
        path.display()
    )]
    PartUnreadable {
        /// The list of the part.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A picture that is in none of the official parts, or in both.
    #[error(
        "`{name}` of `{}` is in {} `{}` and `{}`; each picture must be in one of them",
        list.display(), if *in_both { "both" } else { "neither of" }, train.display(), test.display()
    )]
    NotOneOfParts {
        /// The picture.
        name: String,
        /// The list of all pictures.
        list: PathBuf,
        /// Whether it is in both.
        in_both: bool,
        /// The list of the training part.
        train: PathBuf,
        /// The list of the test part.
        test: PathBuf,
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
    /// A file of a published set is not there.
    #[error("found no `{}`{or}; `xrun data fetch {data}` gets the data, and `path` names the folder they lie in", path.display())]
    FileMissing {
        /// The file.
        path: PathBuf,
        /// What would have been taken in its place.
        or: &'static str,
        /// The data set.
        data: &'static str,
    },
    /// A file of a published set cannot be read or unpacked.
    #[error("cannot read `{}`: {source}; if the file is damaged, `xrun data fetch {data}` gets it anew", path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// The data set.
        data: &'static str,
        /// What the system or the decoder said.
        source: io::Error,
    },
    /// An idx file of another kind, or no idx file.
    #[error(
        "`{}` begins with 0x{found:08x}, but idx files of {} begin with 0x{expected:08x}; is it the file that its name \
         says?",
        path.display(), if *expected == 0x0801 { "labels" } else { "pictures" }
    )]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// Its first four bytes, a big-endian number.
        found: u32,
        /// What they must be.
        expected: u32,
    },
    /// An idx file is shorter or longer than its header says.
    #[error(
        "`{}` holds {found} bytes where its header needs {expected}; it is damaged, `xrun data fetch {data}` gets it anew",
        path.display()
    )]
    FileLength {
        /// The file.
        path: PathBuf,
        /// The data set.
        data: &'static str,
        /// Bytes there are, unpacked.
        found: u64,
        /// Bytes there must be, unpacked; of a file that ends in its header, those of the header.
        expected: u64,
    },
    /// A batch that ends within a picture.
    #[error(
        "`{}` holds {found} bytes, which are not pictures of {record} bytes each; it is damaged, `xrun data fetch {data}` \
         gets it anew",
        path.display()
    )]
    BatchLength {
        /// The file.
        path: PathBuf,
        /// Bytes there are.
        found: usize,
        /// Bytes of a picture with its label.
        record: usize,
        /// The data set.
        data: &'static str,
    },
    /// Pictures that are not square.
    #[error("the pictures in `{}` are {height}x{width}; height and width must be equal, and from 1 to 1024", path.display())]
    NotSquare {
        /// The file.
        path: PathBuf,
        /// Height, in pixels.
        height: usize,
        /// Width, in pixels.
        width: usize,
    },
    /// Training and test pictures are of different sizes.
    #[error("the training and the test pictures in `{}` differ in size; use the files of one data set", path.display())]
    PartsDiffer {
        /// The folder.
        path: PathBuf,
    },
    /// Not a label to each picture.
    #[error(
        "`{}` holds {}, but `{}` {}; use two files that belong together",
        pictures.display(), count(*n_pictures, "picture"), labels.display(), count(*n_labels, "label")
    )]
    LabelCount {
        /// The file of the pictures.
        pictures: PathBuf,
        /// How many it says it has.
        n_pictures: usize,
        /// The file of the labels.
        labels: PathBuf,
        /// How many it says it has.
        n_labels: usize,
    },
    /// A label that is no class.
    #[error("`{}`: label {row} is {label}, but labels go from 0 to {}; use the data set's own files", path.display(), n_classes - 1)]
    LabelRange {
        /// The file.
        path: PathBuf,
        /// Its position in the file, from 0.
        row: usize,
        /// The label.
        label: usize,
        /// Number of classes.
        n_classes: usize,
    },
    /// A file of pictures without any.
    #[error("`{}` holds no picture; use the data set's own files", path.display())]
    NoPictures {
        /// The file.
        path: PathBuf,
    },
    /// The target of a regression is a text.
    #[error(
        "table `{}`, line {line}: `{column}`, the target, is `{text}`, but a regression needs a number; correct it, or leave \
         task: \"regression\" out to tell classes apart",
        path.display()
    )]
    TargetNoNumber {
        /// The table.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        text: String,
    },
    /// The target of a regression is infinite or not a number.
    #[error(
        "table `{}`, line {line}: `{column}`, the target, is `{text}`, which is not a finite number; correct it or delete the \
         line",
        path.display()
    )]
    TargetNotFinite {
        /// The table.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        text: String,
    },
    /// Every row has the same number as its target.
    #[error(
        "the target of `{}` is {number:?} in all of its {}; a regression needs at least two different numbers",
        path.display(), count(*n, "row")
    )]
    OneNumber {
        /// The table.
        path: PathBuf,
        /// Number of rows used.
        n: usize,
        /// The number.
        number: f64,
    },
    /// A cap leaves a class without rows.
    #[error(
        "{} with the classes in proportion have none of `{class}`, which has {} in the data; use more rows",
        count(*n, "row"), count(*n_of_class, "row")
    )]
    ClassLost {
        /// The cap.
        n: usize,
        /// The class.
        class: String,
        /// Its rows in the data.
        n_of_class: usize,
    },
    /// The folder of pictures is not there.
    #[error("found no folder `{}`; `path` names a folder with a folder of pictures for each class", path.display())]
    ImageFolderMissing {
        /// The folder.
        path: PathBuf,
    },
    /// A folder cannot be read.
    #[error("cannot read folder `{}`: {source}", path.display())]
    FolderUnreadable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No folder is there to be a class.
    #[error(
        "`{}` has no folders in it; make one for each class, or name a file with the columns path and label in `list`",
        path.display()
    )]
    NoClassFolders {
        /// The folder.
        path: PathBuf,
    },
    /// A class has no picture.
    #[error("class folder `{}` holds no picture; put some in, or remove the folder", path.display())]
    ClassEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file that does not look like a picture.
    #[error("`{}` is no .jpg, .jpeg, .png or .gif; convert it, or take it out of the class folder", path.display())]
    NoPictureFile {
        /// The file.
        path: PathBuf,
    },
    /// A picture in a folder is missing or damaged.
    #[error("cannot read picture `{}`: {source}; restore the file or remove it", path.display())]
    PictureUnreadable {
        /// The picture.
        path: PathBuf,
        /// What the system or the decoder said.
        source: image::ImageError,
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
