//! Opens pet pictures, drawn ones or photos, through the picture cache.

use std::path::Path;

use super::dataset::{Dataset, Features, Rows};
use super::error::DataError;
use super::pets_drawn::{self, DrawnPets};
use super::pets_folder::PetsFolder;
use super::picture_cache;
use super::pictures::Frame;
use super::subset;
use super::target::Target;
use crate::spec::data::{OfficialPart, PetsParts, PetsSource, PetsSpec, PetsTarget};

/// Opens the pictures `spec` asks for.
pub(super) fn open(spec: &PetsSpec, cache_dir: &Path) -> Result<Dataset, DataError> {
    let size = spec.size;
    if !(8..=1024).contains(&size) {
        return Err(DataError::PictureSize { size });
    }
    match &spec.source {
        PetsSource::Embedded { n, seed } => match spec.target {
            PetsTarget::Species => open_drawn(*n, *seed, size, cache_dir),
            PetsTarget::Breed => Err(DataError::DrawnBreeds),
        },
        PetsSource::Folder { path, parts } => open_folder(path, parts.as_ref(), spec.target, size, cache_dir),
    }
}

/// Cat, then dog: the dog is the positive class.
pub(super) fn species() -> Vec<String> {
    ["cat", "dog"].map(str::to_owned).to_vec()
}

fn open_drawn(n: usize, seed: u64, size: usize, cache_dir: &Path) -> Result<Dataset, DataError> {
    if n < 2 {
        return Err(DataError::TooFewDrawn { n });
    }
    let pets = DrawnPets::new(seed);
    let key = short_hash(&format!("{} {n} {seed} {size}", pets_drawn::VERSION));
    let pictures = picture_cache::open_or_make(cache_dir, &key, n, Frame::rgb(size), |index, out| {
        pets.draw(index, size, out);
        Ok(())
    })?;
    let rows = Rows {
        ids: (0..n).map(|index| format!("drawn-{index:06}")).collect(),
        target: Target::Classes {
            names: species(),
            rows: (0..n).map(|index| usize::from(pets.is_dog(index))).collect(),
        },
        groups: None,
        official_test: None,
    };
    Ok(Dataset::new(rows, Features::Pictures(pictures)))
}

fn open_folder(
    folder: &Path,
    parts: Option<&PetsParts>,
    target: PetsTarget,
    size: usize,
    cache_dir: &Path,
) -> Result<Dataset, DataError> {
    let mut photos = PetsFolder::read(folder)?;
    let (classes, mut targets) = match target {
        PetsTarget::Species => (species(), photos.species()),
        PetsTarget::Breed => photos.breeds(),
    };
    let mut official_test = None;
    if let Some(parts) = parts {
        let is_test = photos.official_test(folder)?;
        let used = rows_of_parts(parts, &is_test, &targets, &classes)?;
        photos.keep(&used);
        targets = used.iter().map(|&row| targets[row]).collect();
        if parts.part == OfficialPart::All {
            official_test = Some(used.iter().map(|&row| is_test[row]).collect());
        }
    }
    if targets.iter().all(|&class| class == targets[0]) {
        return Err(DataError::OneClass { path: folder.to_owned(), class: classes[targets[0]].clone() });
    }
    let key = short_hash(&format!("{} {size}", photos.content_hash()?));
    let frame = Frame::rgb(size);
    let pictures =
        picture_cache::open_or_make(cache_dir, &key, photos.n(), frame, |index, out| photos.decode(index, size, out))?;
    let target = Target::Classes { names: classes, rows: targets };
    let rows = Rows { ids: photos.ids(), target, groups: None, official_test };
    Ok(Dataset::new(rows, Features::Pictures(pictures)))
}

/// The rows of the parts that are asked for, ascending, no more of each than it says.
fn rows_of_parts(
    parts: &PetsParts,
    is_test: &[bool],
    targets: &[usize],
    classes: &[String],
) -> Result<Vec<usize>, DataError> {
    let mut used = Vec::new();
    for (of_test, left_out, cap) in
        [(false, OfficialPart::Test, parts.n_train), (true, OfficialPart::Train, parts.n_test)]
    {
        if parts.part != left_out {
            let rows: Vec<usize> = (0..targets.len()).filter(|&row| is_test[row] == of_test).collect();
            let of_part: Vec<usize> = rows.iter().map(|&row| targets[row]).collect();
            used.extend(subset::rows(&of_part, classes, cap, parts.seed)?.into_iter().map(|position| rows[position]));
        }
    }
    used.sort_unstable();
    Ok(used)
}

/// 128 bits of a hash, in hexadecimal: the key of a file of pictures.
pub(super) fn short_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn drawn(n: usize, seed: u64, target: PetsTarget, size: usize) -> Result<Dataset, DataError> {
        let cache = tempfile::tempdir().unwrap();
        let source = PetsSource::Embedded { n, seed };
        open(&PetsSpec { source, target, size }, cache.path())
    }

    #[test]
    fn drawn_pets_are_balanced_and_need_no_file() {
        let pets = drawn(12, 1, PetsTarget::Species, 16).unwrap();
        assert_eq!(pets.describe(), "12 pictures 16x16, 6 cat / 6 dog");
        assert_eq!(pets.ids()[11], "drawn-000011");
        let Features::Pictures(pictures) = pets.features() else {
            panic!("pictures");
        };
        let mut expected = vec![0; 16 * 16 * 3];
        DrawnPets::new(1).draw(11, 16, &mut expected);
        assert_eq!(pictures.picture(11), expected);
        let again = drawn(12, 1, PetsTarget::Species, 16).unwrap();
        assert_eq!(pets.fingerprint(), again.fingerprint());
        for (n, seed, size) in [(13, 1, 16), (12, 2, 16), (12, 1, 17)] {
            let other = drawn(n, seed, PetsTarget::Species, size).unwrap();
            assert_ne!(pets.fingerprint(), other.fingerprint());
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let message = |n, target, size| drawn(n, 1, target, size).unwrap_err().to_string();
        assert_eq!(
            message(12, PetsTarget::Breed, 16),
            "drawn pets have no breeds; use the target \"species\", or the folder of the Oxford-IIIT Pet \
             data set as source"
        );
        assert_eq!(
            message(1, PetsTarget::Species, 16),
            "1 drawn pictures were asked for; `n` must be at least 2, a cat and a dog"
        );
        assert_eq!(
            message(12, PetsTarget::Species, 7),
            "pictures of 7x7 pixels were asked for; `size` must be from 8 to 1024"
        );
    }
}
