//! Archives: unpacked beside their place, so that nothing leaves the folder and what has its name is whole.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

use super::checksum::file_differs;
use super::entry::{Holds, Unpack};
use super::error::{FetchError, UnpackError};

/// Unpacks a `.tar.gz` into a folder next to its place, notes the sum of every file, and renames what is kept.
pub(super) fn unpack(archive: &Path, unpack: &Unpack, folder: &Path) -> Result<(), FetchError> {
    let place = folder.join(unpack.to);
    let scratch = folder.join(format!(".{}.unpacking", unpack.to));
    // What a process that was ended has left; whoever is here holds the lock.
    clear(&scratch)?;
    let result = unpack_into(archive, unpack, &scratch).and_then(|()| {
        let taken = scratch.join(unpack.take);
        if let Some(lacks) = lacking(unpack, &taken) {
            let source = UnpackError::Lacks(format!("what it holds is not whole: {lacks}"));
            return Err(FetchError::Archive { path: archive.to_owned(), source });
        }
        let written = |path: PathBuf| move |source| FetchError::Write { path, source };
        let sums = sums_of(&taken, unpack.to)?;
        let sums_path = sums_path(&place);
        fs::write(&sums_path, sums).map_err(written(sums_path.clone()))?;
        fs::rename(&taken, &place).map_err(written(place.clone()))
    });
    clear(&scratch)?;
    result
}

fn clear(scratch: &Path) -> Result<(), FetchError> {
    match fs::remove_dir_all(scratch) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FetchError::Write { path: scratch.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn unpack_into(archive: &Path, bounds: &Unpack, scratch: &Path) -> Result<(), FetchError> {
    let refused = |source| FetchError::Archive { path: archive.to_owned(), source };
    let damaged = |source| refused(UnpackError::Damaged(source));
    let file = File::open(archive).map_err(|source| FetchError::Read { path: archive.to_owned(), source })?;
    // One byte more than there can be, headers and padding of the entries included, tells a bomb.
    let overhead = 4096 * (bounds.most_entries as u64 + 1);
    let mut archive = Archive::new(io::BufReader::new(GzDecoder::new(file)).take(bounds.most_bytes + overhead));
    let mut left = bounds.most_bytes;
    fs::create_dir_all(scratch).map_err(|source| FetchError::Write { path: scratch.to_owned(), source })?;
    for (index, entry) in archive.entries().map_err(damaged)?.enumerate() {
        let mut entry = entry.map_err(damaged)?;
        if index >= bounds.most_entries {
            return Err(refused(UnpackError::TooMany { most_entries: bounds.most_entries }));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let is_folder = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => false,
            EntryType::Directory => true,
            EntryType::XGlobalHeader => continue,
            kind => return Err(refused(UnpackError::Special { entry: name, what: what(kind) })),
        };
        let Some(path) = inside(&name) else { return Err(refused(UnpackError::Leaves { entry: name })) };
        let target = scratch.join(path);
        let written = |source| FetchError::Write { path: target.clone(), source };
        if is_folder {
            fs::create_dir_all(&target).map_err(written)?;
            continue;
        }
        if entry.size() > left {
            return Err(refused(UnpackError::TooLarge { most_bytes: bounds.most_bytes }));
        }
        left -= entry.size();
        fs::create_dir_all(target.parent().unwrap_or(scratch)).map_err(written)?;
        let mut file = File::create(&target).map_err(written)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = match entry.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(source) => return Err(damaged(source)),
            };
            file.write_all(&buffer[..n]).map_err(written)?;
        }
    }
    Ok(())
}

/// The path of an entry below the folder; none if it leads out of it.
fn inside(name: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

fn what(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        _ => "of an unknown kind",
    }
}

/// What a copy lacks of what its archive holds; none if it is whole.
pub(super) fn lacking(unpack: &Unpack, place: &Path) -> Option<String> {
    unpack.holds.iter().find_map(|holds| match holds {
        Holds::File(name, size_bytes) => match fs::metadata(place.join(name)) {
            Ok(metadata) if metadata.len() == *size_bytes => None,
            Ok(metadata) => Some(format!("{name} has {} bytes, but {size_bytes} must be there", metadata.len())),
            Err(_) => Some(format!("{name} is missing")),
        },
        Holds::Count(below, ending, n) => {
            let entries = fs::read_dir(place.join(below)).into_iter().flatten().filter_map(Result::ok);
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            let found = names.filter(|name| !name.starts_with('.') && name.ends_with(ending)).count();
            let below = if below.is_empty() { String::new() } else { format!(" in {below}") };
            (found < *n).then(|| format!("{found} files *{ending}{below}, but {n} must be there"))
        }
        Holds::Itself(size_bytes, wanted) => {
            let found = fs::metadata(place).map_or(0, |metadata| metadata.len());
            if found != *size_bytes {
                return Some(format!("it has {found} bytes, but {size_bytes} must be there"));
            }
            match file_differs(place, *wanted) {
                Ok(differs) => differs.map(|found| format!("its {found}, but {wanted} must hold")),
                Err(error) => Some(error.to_string()),
            }
        }
    })
}

/// Where the sums of what was unpacked are: beside it, in the format of `b3sum`.
pub(super) fn sums_path(place: &Path) -> PathBuf {
    place.with_added_extension("b3sums")
}

/// A line `DIGEST  PATH` for each file of a folder, or the file, in the order of the paths; these begin with `name`.
pub(super) fn sums_of(place: &Path, name: &str) -> Result<String, FetchError> {
    let read = |path: &Path, source| FetchError::Read { path: path.to_owned(), source };
    let mut files = Vec::new();
    let mut open = vec![(place.to_owned(), name.to_owned())];
    while let Some((path, name)) = open.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path).map_err(|source| read(&path, source))? {
                let entry = entry.map_err(|source| read(&path, source))?;
                open.push((entry.path(), format!("{name}/{}", entry.file_name().to_string_lossy())));
            }
        } else {
            files.push((name, path));
        }
    }
    files.sort();
    let mut lines = String::new();
    for (name, path) in files {
        let mut hasher = blake3::Hasher::new();
        let file = File::open(&path).map_err(|source| read(&path, source))?;
        hasher.update_reader(file).map_err(|source| read(&path, source))?;
        lines.push_str(&format!("{}  {name}\n", hasher.finalize()));
    }
    Ok(lines)
}
