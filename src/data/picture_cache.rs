//! The picture cache: pictures are decoded or drawn once into a file and mapped from there by every process.
//!
//! A file is named after the hash of everything that decides its content, written under a temporary name and
//! renamed when it is complete. Two processes that make it at once write the same bytes, and the later rename
//! wins. A file that is damaged is made anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::DataError;
use super::pictures::{Frame, HEADER_BYTES, Pictures, digest_of};

/// The first bytes of a cache file; they change with its format.
const MAGIC: &[u8; 8] = b"xrunpix1";

/// Pictures are decoded in batches of about this many bytes, which bounds the memory needed.
const BATCH_BYTES: usize = 64 << 20;

/// Opens the cache file of `key` in `folder`, or makes it: `paint` writes picture `index` as bytes
/// `[size, size, channels]`. `key` must be different for different pictures and fit a file name.
///
/// # Errors
/// The first error of `paint` in the order of the pictures, or [`DataError::Cache`].
pub(super) fn open_or_make(
    folder: &Path,
    key: &str,
    n: usize,
    frame: Frame,
    paint: impl Fn(usize, &mut [u8]) -> Result<(), DataError> + Sync,
) -> Result<Pictures, DataError> {
    open_or_prepare(folder, key, n, frame, || Ok(paint))
}

/// As [`open_or_make`], for pictures that have to be read as a whole: `prepare` gives what paints them, and is called only
/// if the file has to be made.
///
/// # Errors
/// Those of [`open_or_make`], or that of `prepare`.
pub(super) fn open_or_prepare<P>(
    folder: &Path,
    key: &str,
    n: usize,
    frame: Frame,
    prepare: impl FnOnce() -> Result<P, DataError>,
) -> Result<Pictures, DataError>
where
    P: Fn(usize, &mut [u8]) -> Result<(), DataError> + Sync,
{
    let path = folder.join(format!("pictures-{key}.u8"));
    if let Some(pictures) = open_intact(&path, n, frame) {
        return Ok(pictures);
    }
    let paint = prepare()?;
    let failed = |source| DataError::Cache { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let (temporary, mut file) = Temporary::create(&path).map_err(failed)?;
    let digest = write_pictures(&mut file, n, frame, paint, failed)?;
    write_header(&mut file, &header(n, frame, &digest)).map_err(failed)?;
    let pictures = Pictures::map(&file, n, frame, digest).map_err(failed)?;
    temporary.rename_to(&path).map_err(failed)?;
    Ok(pictures)
}

/// The file if it is there, complete and unchanged since it was written.
fn open_intact(path: &Path, n: usize, frame: Frame) -> Option<Pictures> {
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.len() != frame.file_bytes(n) as u64 {
        return None;
    }
    let unread = Pictures::map(&file, n, frame, [0; 32]).ok()?;
    let digest = unread.computed_digest();
    let intact = unread.header() == header(n, frame, &digest);
    drop(unread);
    intact.then(|| Pictures::map(&file, n, frame, digest).ok())?
}

/// Magic, number of pictures and size as 64-bit little-endian numbers, digest, number of channels. Pictures in colour have
/// a 0 there, as they had when there were no others: their files stay what they were.
fn header(n: usize, frame: Frame, digest: &[u8; 32]) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&(n as u64).to_le_bytes());
    header[16..24].copy_from_slice(&(frame.size as u64).to_le_bytes());
    header[24..56].copy_from_slice(digest);
    if frame.channels != 3 {
        header[56..64].copy_from_slice(&(frame.channels as u64).to_le_bytes());
    }
    header
}

/// Writes the pictures behind the place of the header and gives their digest.
fn write_pictures(
    file: &mut File,
    n: usize,
    frame: Frame,
    paint: impl Fn(usize, &mut [u8]) -> Result<(), DataError> + Sync,
    failed: impl Fn(io::Error) -> DataError,
) -> Result<[u8; 32], DataError> {
    file.write_all(&[0; HEADER_BYTES]).map_err(&failed)?;
    let bytes = frame.bytes();
    let per_batch = (BATCH_BYTES / bytes).clamp(1, n);
    let mut batch = vec![0; per_batch * bytes];
    let mut hashes = Vec::with_capacity(n);
    for start in (0..n).step_by(per_batch) {
        let batch = &mut batch[..per_batch.min(n - start) * bytes];
        let painted: Vec<Result<blake3::Hash, DataError>> = batch
            .par_chunks_mut(bytes)
            .enumerate()
            .map(|(offset, out)| {
                paint(start + offset, out)?;
                Ok(blake3::hash(out))
            })
            .collect();
        for hash in painted {
            hashes.push(hash?);
        }
        file.write_all(batch).map_err(&failed)?;
    }
    Ok(digest_of(hashes.iter()))
}

fn write_header(file: &mut File, header: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(header)?;
    file.sync_all()
}

/// A file under a name of its own, removed unless it is renamed.
struct Temporary(PathBuf);

impl Temporary {
    /// Creates a file beside `path`. Names left by a crash, or in use by a process of the same number in
    /// another container, are passed over.
    fn create(path: &Path) -> io::Result<(Self, File)> {
        let mut attempt = 0_u32;
        loop {
            let name = path.with_extension(format!("{}-{attempt}.tmp", std::process::id()));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&name) {
                Ok(file) => return Ok((Self(name), file)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
                Err(e) => return Err(e),
            }
        }
    }

    fn rename_to(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.0, path)?;
        self.0.clear();
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // Nothing can be done about a file that cannot be removed, and an error is on its way already.
            let _ = fs::remove_file(&self.0);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Opens five pictures of 8 x 8 pixels filled with their index; gives how many had to be painted.
    fn open(folder: &Path) -> (Pictures, usize) {
        let painted = AtomicUsize::new(0);
        let pictures = open_or_make(folder, "test", 5, Frame::rgb(8), |index, out| {
            painted.fetch_add(1, Ordering::Relaxed);
            out.fill(index as u8);
            Ok(())
        })
        .unwrap();
        (pictures, painted.into_inner())
    }

    #[test]
    fn pictures_are_made_once_and_then_mapped() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("deep").join("cache");
        let (made, painted) = open(&cache);
        assert_eq!(painted, 5);
        let (mapped, painted) = open(&cache);
        assert_eq!(painted, 0);
        for pictures in [&made, &mapped] {
            assert_eq!((pictures.n(), pictures.size()), (5, 8));
            assert!((0..5).all(|i| pictures.picture(i) == [i as u8; 192]));
        }
        assert_eq!(made.digest(), mapped.digest());
        let names: Vec<_> = fs::read_dir(&cache).unwrap().collect();
        assert_eq!(names.len(), 1, "no temporary file stays");
        assert_eq!(fs::metadata(cache.join("pictures-test.u8")).unwrap().len(), 64 + 960);
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pictures-test.u8");
        open(folder.path());
        let intact = fs::read(&path).unwrap();
        for damage in [0, 9, 17, 30, 64, intact.len() - 1] {
            let mut bytes = intact.clone();
            bytes[damage] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert_eq!(open(folder.path()).1, 5, "byte {damage}");
            assert_eq!(fs::read(&path).unwrap(), intact);
        }
        for length in [0, 10, intact.len() - 1] {
            fs::write(&path, &intact[..length]).unwrap();
            assert_eq!(open(folder.path()).1, 5, "length {length}");
        }
        assert_eq!(open(folder.path()).1, 0);
    }

    #[test]
    fn grey_pictures_have_a_byte_a_pixel_and_colour_ones_the_header_they_always_had() {
        let folder = tempfile::tempdir().unwrap();
        let grey = Frame { size: 4, channels: 1 };
        let open = |frame| {
            open_or_make(folder.path(), "test", 2, frame, |index, out| {
                out.fill(7 + index as u8);
                Ok(())
            })
        };
        let pictures = open(grey).unwrap();
        assert_eq!((pictures.channels(), pictures.picture(1)), (1, &[8; 16][..]));
        let file = fs::read(folder.path().join("pictures-test.u8")).unwrap();
        assert_eq!((file.len(), &file[56..64]), (64 + 32, &1_u64.to_le_bytes()[..]));
        assert_eq!(header(5, Frame::rgb(8), &[1; 32])[56..], [0; 8]);
    }

    #[test]
    fn what_is_read_as_a_whole_is_not_read_again_for_a_file_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let open = |readable: bool| {
            open_or_prepare(folder.path(), "test", 1, Frame::rgb(8), || match readable {
                true => Ok(|_, out: &mut [u8]| {
                    out.fill(3);
                    Ok(())
                }),
                false => Err(DataError::NoRows),
            })
        };
        assert!(matches!(open(false), Err(DataError::NoRows)));
        open(true).unwrap();
        assert_eq!(open(false).unwrap().picture(0), [3; 192]);
    }

    #[test]
    fn many_makers_at_once_get_the_same_pictures() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let (pictures, _) = open(folder.path());
                    assert_eq!(pictures.picture(4), [4; 192]);
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_first_error_is_told_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let error = open_or_make(folder.path(), "test", 9, Frame::rgb(8), |index, _| match index {
            0..=2 => Ok(()),
            size => Err(DataError::PictureSize { size }),
        })
        .unwrap_err();
        assert!(matches!(error, DataError::PictureSize { size: 3 }));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_named_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "in the way").unwrap();
        let error = open_or_make(&file, "test", 1, Frame::rgb(8), |_, _| Ok(())).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot write pictures to the cache folder `{}`: File exists (os error 17); choose a \
                 writable one with the `cache` setting (`--cache DIR` or XRUN_CACHE)",
                file.display()
            )
        );
    }
}
