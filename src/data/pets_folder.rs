//! The Oxford-IIIT Pet data set in its official layout (Parkhi, Vedaldi, Zisserman, Jawahar 2012, "Cats and
//! Dogs"): `images/NAME.jpg` and `annotations/list.txt` with lines `NAME CLASS-ID SPECIES BREED-ID`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use image::ImageError;

use super::error::DataError;
use super::photo;

/// The list of the pictures.
#[derive(Debug)]
pub(super) struct PetsFolder {
    images: PathBuf,
    list: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    is_dog: bool,
    /// Line in the list, from 1.
    line: usize,
}

impl PetsFolder {
    /// Reads the list of the data set in `folder`.
    pub(super) fn read(folder: &Path) -> Result<Self, DataError> {
        if !folder.is_dir() {
            return Err(DataError::FolderMissing { path: folder.to_owned() });
        }
        let list = folder.join("annotations").join("list.txt");
        let text = fs::read_to_string(&list)
            .map_err(|source| DataError::ListUnreadable { folder: folder.to_owned(), source })?;
        let entries = parse_list(&list, &text)?;
        Ok(Self { images: folder.join("images"), list, entries })
    }

    /// Number of pictures; at least 1.
    pub(super) fn n(&self) -> usize {
        self.entries.len()
    }

    /// The file names, in the order of the list.
    pub(super) fn ids(&self) -> Vec<String> {
        self.entries.iter().map(Entry::file_name).collect()
    }

    /// 0 for each cat, 1 for each dog.
    pub(super) fn species(&self) -> Vec<usize> {
        self.entries.iter().map(|e| usize::from(e.is_dog)).collect()
    }

    /// The breeds in alphabetical order, and the breed of each picture.
    pub(super) fn breeds(&self) -> (Vec<String>, Vec<usize>) {
        let mut index: BTreeMap<&str, usize> = self.entries.iter().map(|e| (e.breed(), 0)).collect();
        index.values_mut().enumerate().for_each(|(i, slot)| *slot = i);
        let targets = self.entries.iter().map(|e| index[e.breed()]).collect();
        (index.into_keys().map(str::to_owned).collect(), targets)
    }

    /// Whether each picture is one of the official test part: `annotations/test.txt` lists those, `trainval.txt` the others.
    /// Both have the lines of the list.
    pub(super) fn official_test(&self, folder: &Path) -> Result<Vec<bool>, DataError> {
        let names = |file: &str| {
            let path = folder.join("annotations").join(file);
            let text =
                fs::read_to_string(&path).map_err(|source| DataError::PartUnreadable { path: path.clone(), source })?;
            let names = parse_list(&path, &text)?.into_iter().map(|entry| entry.name).collect::<BTreeSet<String>>();
            Ok::<_, DataError>((path, names))
        };
        let ((train, of_train), (test, of_test)) = (names("trainval.txt")?, names("test.txt")?);
        let is_test = |entry: &Entry| match (of_train.contains(&entry.name), of_test.contains(&entry.name)) {
            (true, false) => Ok(false),
            (false, true) => Ok(true),
            (in_both, _) => Err(DataError::NotOneOfParts {
                name: entry.name.clone(),
                list: self.list.clone(),
                in_both,
                train: train.clone(),
                test: test.clone(),
            }),
        };
        self.entries.iter().map(is_test).collect()
    }

    /// Keeps these pictures, given by their ascending positions, and no other.
    pub(super) fn keep(&mut self, positions: &[usize]) {
        let mut position = 0;
        self.entries.retain(|_| {
            position += 1;
            positions.binary_search(&(position - 1)).is_ok()
        });
    }

    /// A hash of the names and the bytes of all files and of the way they are decoded.
    pub(super) fn content_hash(&self) -> Result<String, DataError> {
        photo::content_hash(&self.entries, |entry| &entry.name, |entry| self.bytes(entry))
    }

    /// Decodes picture `index` into RGB bytes `[size, size, 3]`: the shorter side is scaled to `size`, then the
    /// middle is cut out.
    pub(super) fn decode(&self, index: usize, size: usize, out: &mut [u8]) -> Result<(), DataError> {
        let entry = &self.entries[index];
        photo::decode(&self.bytes(entry)?, size, out).map_err(|source| self.unreadable(entry, source))
    }

    fn bytes(&self, entry: &Entry) -> Result<Vec<u8>, DataError> {
        fs::read(self.images.join(entry.file_name()))
            .map_err(|source| self.unreadable(entry, ImageError::IoError(source)))
    }

    fn unreadable(&self, entry: &Entry, source: ImageError) -> DataError {
        DataError::Picture {
            path: self.images.join(entry.file_name()),
            list: self.list.clone(),
            line: entry.line,
            source,
        }
    }
}

impl Entry {
    fn file_name(&self) -> String {
        format!("{}.jpg", self.name)
    }

    /// The name without the number at its end.
    fn breed(&self) -> &str {
        match self.name.rsplit_once('_') {
            Some((breed, number)) if number.bytes().all(|b| b.is_ascii_digit()) => breed,
            _ => &self.name,
        }
    }
}

fn parse_list(list: &Path, text: &str) -> Result<Vec<Entry>, DataError> {
    let mut entries = Vec::new();
    let mut seen = BTreeMap::new();
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let entry = match fields[..] {
            [name, _, species @ ("1" | "2"), _] if !name.contains(['/', '\\', '\0']) => {
                Entry { name: name.to_owned(), is_dog: species == "2", line }
            }
            _ => {
                return Err(DataError::ListLine { path: list.to_owned(), line, text: text.to_owned() });
            }
        };
        if let Some(first) = seen.insert(entry.name.clone(), line) {
            return Err(DataError::ListedTwice { path: list.to_owned(), line, name: entry.name, first });
        }
        entries.push(entry);
    }
    if entries.is_empty() {
        return Err(DataError::ListEmpty { path: list.to_owned() });
    }
    Ok(entries)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
