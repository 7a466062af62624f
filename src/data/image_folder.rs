//! Pictures in a folder: each sub-folder a class, or a list with their classes.
//!
//! Sub-folders are searched to any depth, names in order. Names that begin with a dot do not count. Decoding is that of
//! [`super::photo`].

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::ImageError;

use super::csv_table::RawTable;
use super::dataset::{Dataset, Features, Rows};
use super::error::DataError;
use super::pets::short_hash;
use super::pictures::Frame;
use super::target::Target;
use super::{photo, picture_cache, subset};
use crate::spec::data::ImageFolderSpec;

/// Endings of names that are pictures.
const ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "gif"];

struct Picture {
    /// Its path below the folder, with `/`.
    name: String,
    path: PathBuf,
    class: usize,
    /// The list that names it and the line there, from 1.
    listed: Option<(PathBuf, u64)>,
}

/// Opens the pictures `spec` asks for.
pub(super) fn open(spec: &ImageFolderSpec, cache_dir: &Path) -> Result<Dataset, DataError> {
    let size = spec.size;
    if !(8..=1024).contains(&size) {
        return Err(DataError::PictureSize { size });
    }
    let (classes, pictures) = pictures(spec)?;
    let targets: Vec<usize> = pictures.iter().map(|picture| picture.class).collect();
    let mut pictures: Vec<Option<Picture>> = pictures.into_iter().map(Some).collect();
    let rows = subset::rows(&targets, &classes, spec.n, spec.seed)?;
    let pictures: Vec<Picture> = rows.iter().filter_map(|&row| pictures[row].take()).collect();
    let key = short_hash(&format!("folder {} {size}", photo::content_hash(&pictures, |p| &p.name, Picture::bytes)?));
    let decoded = picture_cache::open_or_make(cache_dir, &key, pictures.len(), Frame::rgb(size), |index, out| {
        let picture = &pictures[index];
        photo::decode(&picture.bytes()?, size, out).map_err(|source| picture.unreadable(source))
    })?;
    let rows = Rows {
        target: Target::Classes { names: classes, rows: pictures.iter().map(|picture| picture.class).collect() },
        ids: pictures.into_iter().map(|picture| picture.name).collect(),
        groups: None,
        official_test: None,
    };
    Ok(Dataset::new(rows, Features::Pictures(decoded)))
}

/// The number of classes; no picture is read.
pub(super) fn n_classes(spec: &ImageFolderSpec) -> Result<usize, DataError> {
    Ok(pictures(spec)?.0.len())
}

/// Names of the classes, and the pictures.
fn pictures(spec: &ImageFolderSpec) -> Result<(Vec<String>, Vec<Picture>), DataError> {
    if !spec.path.is_dir() {
        return Err(DataError::ImageFolderMissing { path: spec.path.clone() });
    }
    let (classes, pictures) = match &spec.list {
        Some(list) => listed(&spec.path, &spec.path.join(list))?,
        None => sorted_into_folders(&spec.path)?,
    };
    match &classes[..] {
        [class] => Err(DataError::OneClass { path: spec.path.clone(), class: class.clone() }),
        _ => Ok((classes, pictures)),
    }
}

fn listed(folder: &Path, list: &Path) -> Result<(Vec<String>, Vec<Picture>), DataError> {
    let table = RawTable::read(list)?;
    let [names, labels] = ["path", "label"].map(|column| table.texts(list, column));
    let (names, labels) = (names?, labels?);
    let mut index: BTreeMap<&str, usize> = labels.iter().map(|&(_, label)| (label, 0)).collect();
    index.values_mut().enumerate().for_each(|(i, slot)| *slot = i);
    let (mut pictures, mut lines) = (Vec::new(), BTreeMap::new());
    for (&(line, name), &(_, label)) in names.iter().zip(&labels) {
        if let Some(first) = lines.insert(name, line) {
            let [line, first] = [line, first].map(|line| line as usize);
            return Err(DataError::ListedTwice { path: list.to_owned(), line, name: name.to_owned(), first });
        }
        let listed = Some((list.to_owned(), line));
        pictures.push(Picture { name: name.to_owned(), path: folder.join(name), class: index[label], listed });
    }
    Ok((index.into_keys().map(str::to_owned).collect(), pictures))
}

fn sorted_into_folders(folder: &Path) -> Result<(Vec<String>, Vec<Picture>), DataError> {
    let (mut classes, mut pictures) = (Vec::new(), Vec::new());
    for (name, path) in entries(folder)?.into_iter().filter(|(_, path)| path.is_dir()) {
        let n_before = pictures.len();
        collect(&path, &name, classes.len(), &mut pictures)?;
        if pictures.len() == n_before {
            return Err(DataError::ClassEmpty { path });
        }
        classes.push(name);
    }
    if classes.is_empty() {
        return Err(DataError::NoClassFolders { path: folder.to_owned() });
    }
    Ok((classes, pictures))
}

fn collect(folder: &Path, prefix: &str, class: usize, pictures: &mut Vec<Picture>) -> Result<(), DataError> {
    for (name, path) in entries(folder)? {
        let name = format!("{prefix}/{name}");
        if path.is_dir() {
            collect(&path, &name, class, pictures)?;
            continue;
        }
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        if !ending.is_some_and(|ending| ENDINGS.contains(&&*ending)) {
            return Err(DataError::NoPictureFile { path });
        }
        pictures.push(Picture { name, path, class, listed: None });
    }
    Ok(())
}

/// What lies in a folder, by name, without what is hidden.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    let unreadable = |source: io::Error| DataError::FolderUnreadable { path: folder.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            entries.push((name, entry.path()));
        }
    }
    entries.sort();
    Ok(entries)
}

impl Picture {
    fn bytes(&self) -> Result<Vec<u8>, DataError> {
        fs::read(&self.path).map_err(|source| self.unreadable(ImageError::IoError(source)))
    }

    fn unreadable(&self, source: ImageError) -> DataError {
        let path = self.path.clone();
        match &self.listed {
            Some((list, line)) => DataError::Picture { path, list: list.clone(), line: *line as usize, source },
            None => DataError::PictureUnreadable { path, source },
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
