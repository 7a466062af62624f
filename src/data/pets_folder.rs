//! The Oxford-IIIT Pet data set in its official layout (Parkhi, Vedaldi, Zisserman, Jawahar 2012, "Cats and
//! Dogs"): `images/NAME.jpg` and `annotations/list.txt` with lines `NAME CLASS-ID SPECIES BREED-ID`.
//!
//! The format of a picture is told from its content, since some pictures of the data set have a wrong
//! extension. Orientation tags of cameras are not applied.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::error::{DecodingError, ImageFormatHint};
use image::imageops::{self, FilterType};
use image::{ImageError, ImageFormat, ImageReader, RgbImage};
use rayon::prelude::*;

use super::error::DataError;

/// Names the way from a file to a picture. It changes when any picture would change.
const DECODING: &str = "triangle-1";

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
            return Err(DataError::FolderMissing {
                path: folder.to_owned(),
            });
        }
        let list = folder.join("annotations").join("list.txt");
        let text = fs::read_to_string(&list).map_err(|source| DataError::ListUnreadable {
            folder: folder.to_owned(),
            source,
        })?;
        let entries = parse_list(&list, &text)?;
        Ok(Self {
            images: folder.join("images"),
            list,
            entries,
        })
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
        let mut index: BTreeMap<&str, usize> =
            self.entries.iter().map(|e| (e.breed(), 0)).collect();
        index.values_mut().enumerate().for_each(|(i, slot)| *slot = i);
        let targets = self.entries.iter().map(|e| index[e.breed()]).collect();
        (index.into_keys().map(str::to_owned).collect(), targets)
    }

    /// A hash of the names and the bytes of all files and of the way they are decoded.
    pub(super) fn content_hash(&self) -> Result<String, DataError> {
        let files: Vec<Result<blake3::Hash, DataError>> = self
            .entries
            .par_iter()
            .map(|entry| Ok(blake3::hash(&self.bytes(entry)?)))
            .collect();
        let mut hasher = blake3::Hasher::new_derive_key("xrun picture files 1");
        hasher.update(DECODING.as_bytes());
        for (entry, hash) in self.entries.iter().zip(files) {
            // A zero byte ends the name: it cannot be in one.
            hasher.update(entry.name.as_bytes()).update(&[0]);
            hasher.update(hash?.as_bytes());
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Decodes picture `index` into RGB bytes `[size, size, 3]`: the shorter side is scaled to `size`, then the
    /// middle is cut out.
    pub(super) fn decode(
        &self,
        index: usize,
        size: usize,
        out: &mut [u8],
    ) -> Result<(), DataError> {
        let entry = &self.entries[index];
        let picture =
            decode_rgb(&self.bytes(entry)?).map_err(|source| self.unreadable(entry, source))?;
        out.copy_from_slice(&fit(&picture, size as u32));
        Ok(())
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
            [name, _, species @ ("1" | "2"), _] if !name.contains(['/', '\\', '\0']) => Entry {
                name: name.to_owned(),
                is_dog: species == "2",
                line,
            },
            _ => {
                return Err(DataError::ListLine {
                    path: list.to_owned(),
                    line,
                    text: text.to_owned(),
                });
            }
        };
        if let Some(first) = seen.insert(entry.name.clone(), line) {
            return Err(DataError::ListedTwice {
                path: list.to_owned(),
                line,
                name: entry.name,
                first,
            });
        }
        entries.push(entry);
    }
    if entries.is_empty() {
        return Err(DataError::ListEmpty {
            path: list.to_owned(),
        });
    }
    Ok(entries)
}

fn decode_rgb(bytes: &[u8]) -> Result<RgbImage, ImageError> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    Ok(reader.decode()?.into_rgb8())
}

/// Scales the shorter side to `size` with a triangle filter and cuts out the middle.
fn fit(picture: &RgbImage, size: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let short = u64::from(width.min(height));
    let scaled = |side: u32| ((u64::from(side) * u64::from(size) + short / 2) / short) as u32;
    let (width, height) = (scaled(width).max(size), scaled(height).max(size));
    let resized = imageops::resize(picture, width, height, FilterType::Triangle);
    let (left, top) = ((width - size) / 2, (height - size) / 2);
    imageops::crop_imm(&resized, left, top, size, size).to_image()
}
