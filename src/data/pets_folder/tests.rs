use image::{ImageFormat, RgbImage};

use super::super::dataset::{Dataset, Features};
use super::super::pets;
use super::*;
use crate::spec::data::{OfficialPart, PetsParts, PetsSource, PetsSpec, PetsTarget};

const LIST: &str = "#Image CLASS-ID SPECIES BREED-ID\nMaine_Coon_2 1 1 1\npug_10 2 2 1\nMaine_Coon_7 1 1 1\n";

/// A picture with its left half in one colour and its right half in another.
fn picture(width: u32, height: u32, left: [u8; 3], right: [u8; 3]) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| image::Rgb(if x < width / 2 { left } else { right }))
}

fn save(folder: &Path, name: &str, picture: &RgbImage, format: ImageFormat) {
    picture.save_with_format(folder.join("images").join(name), format).unwrap();
}

/// A folder of three pictures, one of them a PNG with the wrong extension.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("images")).unwrap();
    fs::create_dir(folder.path().join("annotations")).unwrap();
    fs::write(folder.path().join("annotations/list.txt"), LIST).unwrap();
    let [red, green] = [[200, 0, 0], [0, 200, 0]];
    save(folder.path(), "Maine_Coon_2.jpg", &picture(40, 20, red, green), ImageFormat::Jpeg);
    save(folder.path(), "pug_10.jpg", &picture(30, 30, green, red), ImageFormat::Png);
    save(folder.path(), "Maine_Coon_7.jpg", &picture(16, 33, red, red), ImageFormat::Jpeg);
    folder
}

fn open(folder: &Path, target: PetsTarget) -> Result<Dataset, DataError> {
    let cache = tempfile::tempdir().unwrap();
    let source = PetsSource::Folder { path: folder.to_owned(), parts: None };
    pets::open(&PetsSpec { source, target, size: 8 }, cache.path())
}

/// The message after something was done to the folder, with the folder written as `DIR`.
fn message(spoil: impl Fn(&Path)) -> String {
    let folder = folder();
    spoil(folder.path());
    let message = open(folder.path(), PetsTarget::Species).unwrap_err().to_string();
    message.replace(&folder.path().display().to_string(), "DIR")
}

fn list(text: &'static str) -> impl Fn(&Path) {
    move |folder| fs::write(folder.join("annotations/list.txt"), text).unwrap()
}

#[test]
fn the_list_gives_ids_species_and_breeds() {
    let folder = folder();
    let pets = open(folder.path(), PetsTarget::Species).unwrap();
    assert_eq!(pets.ids(), ["Maine_Coon_2.jpg", "pug_10.jpg", "Maine_Coon_7.jpg"]);
    assert_eq!((pets.classes(), pets.targets()), (&["cat".into(), "dog".into()][..], &[0, 1, 0][..]));
    assert_eq!(pets.describe(), "3 pictures 8x8, 2 cat / 1 dog");
    let breeds = open(folder.path(), PetsTarget::Breed).unwrap();
    assert_eq!((breeds.classes(), breeds.targets()), (&["Maine_Coon".into(), "pug".into()][..], &[0, 1, 0][..]));
    assert_ne!(pets.fingerprint(), breeds.fingerprint());
}

#[test]
fn pictures_keep_their_middle_whatever_their_extension_says() {
    let folder = folder();
    let pets = open(folder.path(), PetsTarget::Species).unwrap();
    let Features::Pictures(pictures) = pets.features() else { panic!("pictures") };
    let pixel = |index: usize, row: usize, column: usize| &pictures.picture(index)[(row * 8 + column) * 3..][..3];
    assert_eq!((pixel(1, 4, 0), pixel(1, 4, 7)), (&[0, 200, 0][..], &[200, 0, 0][..]));
    let jpeg = |rgb: &[u8], expected: [u8; 3]| rgb.iter().zip(expected).all(|(&a, b)| a.abs_diff(b) < 12);
    assert!(jpeg(pixel(0, 0, 0), [200, 0, 0]) && jpeg(pixel(0, 7, 7), [0, 200, 0]));
    assert!(jpeg(pixel(2, 0, 0), [200, 0, 0]));
}

#[test]
fn grey_pictures_become_rgb() {
    let folder = folder();
    let path = folder.path().join("images/pug_10.jpg");
    image::GrayImage::from_pixel(9, 9, image::Luma([77])).save_with_format(path, ImageFormat::Png).unwrap();
    let pets = open(folder.path(), PetsTarget::Species).unwrap();
    let Features::Pictures(pictures) = pets.features() else { panic!("pictures") };
    assert_eq!(pictures.picture(1), [77; 192]);
}

#[test]
fn fingerprint_tells_content_but_not_place() {
    let (folder, other) = (folder(), folder());
    let print = |folder: &Path| open(folder, PetsTarget::Species).unwrap().fingerprint().to_owned();
    let before = print(folder.path());
    assert_eq!(before, print(other.path()), "another folder");
    let mut changed = picture(30, 30, [0, 200, 0], [200, 0, 0]);
    changed.put_pixel(0, 0, image::Rgb([255, 255, 255]));
    save(folder.path(), "pug_10.jpg", &changed, ImageFormat::Png);
    assert_ne!(before, print(folder.path()), "one pixel");
    list("Maine_Coon_2 1 2 1\npug_10 2 2 1\nMaine_Coon_7 1 1 1\n")(other.path());
    assert_ne!(before, print(other.path()), "one label");
}

#[test]
fn missing_folders_and_lists_are_named() {
    assert_eq!(
        message(|folder| fs::remove_dir_all(folder).unwrap()),
        "found no folder `DIR`; it must hold images/ and annotations/ of the Oxford-IIIT Pet data set"
    );
    assert_eq!(
        message(|folder| fs::remove_file(folder.join("annotations/list.txt")).unwrap()),
        "expected `DIR/annotations/list.txt`: No such file or directory (os error 2); is `DIR` the folder that \
         holds images/ and annotations/?"
    );
    assert_eq!(
        message(list("# nothing\n\n")),
        "`DIR/annotations/list.txt` lists no picture; restore it from the data set"
    );
}

/// Eight pictures, of which the last four are of the official test part.
fn folder_of_parts() -> tempfile::TempDir {
    let folder = folder();
    let lines: Vec<String> = (0..8)
        .map(|index| {
            let name = format!("{}_{index}", ["Maine_Coon", "pug"][index % 2]);
            save(folder.path(), &format!("{name}.jpg"), &picture(12, 12, [index as u8; 3], [9; 3]), ImageFormat::Png);
            format!("{name} 1 {} 1\n", index % 2 + 1)
        })
        .collect();
    for (file, lines) in [("list.txt", &lines[..]), ("trainval.txt", &lines[..4]), ("test.txt", &lines[4..])] {
        fs::write(folder.path().join("annotations").join(file), lines.concat()).unwrap();
    }
    folder
}

fn open_parts(folder: &Path, parts: Option<PetsParts>) -> Result<Dataset, DataError> {
    let cache = tempfile::tempdir().unwrap();
    let source = PetsSource::Folder { path: folder.to_owned(), parts };
    pets::open(&PetsSpec { source, target: PetsTarget::Species, size: 8 }, cache.path())
}

fn parts(part: OfficialPart, n_train: Option<usize>, n_test: Option<usize>) -> Option<PetsParts> {
    Some(PetsParts { part, n_train, n_test, seed: 1 })
}

#[test]
fn the_official_parts_are_known_where_they_are_asked_for() {
    let folder = folder_of_parts();
    let plain = open_parts(folder.path(), None).unwrap();
    assert_eq!((plain.n(), plain.official_test()), (8, None));
    let all = open_parts(folder.path(), parts(OfficialPart::All, None, None)).unwrap();
    assert_eq!((all.ids(), all.row_digests()), (plain.ids(), plain.row_digests()));
    assert_eq!(all.official_test().unwrap(), [false, false, false, false, true, true, true, true]);
    let train = open_parts(folder.path(), parts(OfficialPart::Train, None, None)).unwrap();
    assert_eq!((train.ids(), train.official_test()), (&plain.ids()[..4], None));
    let test = open_parts(folder.path(), parts(OfficialPart::Test, None, None)).unwrap();
    assert_eq!(test.ids(), &plain.ids()[4..]);
}

#[test]
fn caps_of_the_official_parts_keep_cats_and_dogs_in_proportion() {
    let folder = folder_of_parts();
    let capped = open_parts(folder.path(), parts(OfficialPart::All, Some(2), None)).unwrap();
    assert_eq!(capped.official_test().unwrap(), [false, false, true, true, true, true]);
    assert_eq!(capped.targets()[..2], [0, 1]);
    let capped = open_parts(folder.path(), parts(OfficialPart::All, None, Some(2))).unwrap();
    assert_eq!(capped.official_test().unwrap(), [false, false, false, false, true, true]);
}

#[test]
fn lists_of_the_official_parts_are_checked() {
    let message = |spoil: &dyn Fn(&Path)| {
        let folder = folder_of_parts();
        spoil(&folder.path().join("annotations"));
        let opened = open_parts(folder.path(), parts(OfficialPart::All, None, None));
        opened.unwrap_err().to_string().replace(&folder.path().display().to_string(), "DIR")
    };
    assert_eq!(
        message(&|annotations| fs::remove_file(annotations.join("test.txt")).unwrap()),
        "cannot read `DIR/annotations/test.txt`: No such file or directory (os error 2); it lists an official part of the \
         data set, restore it or leave `part` out"
    );
    let of_parts = "`DIR/annotations/trainval.txt` and `DIR/annotations/test.txt`; each picture must be in one of them";
    assert_eq!(
        message(&|annotations| fs::write(annotations.join("test.txt"), "Maine_Coon_4 1 1 1\n").unwrap()),
        format!("`pug_5` of `DIR/annotations/list.txt` is in neither of {of_parts}")
    );
    assert_eq!(
        message(&|annotations| {
            fs::copy(annotations.join("list.txt"), annotations.join("trainval.txt")).map(drop).unwrap();
        }),
        format!("`Maine_Coon_4` of `DIR/annotations/list.txt` is in both {of_parts}")
    );
}

#[test]
fn lines_of_the_list_are_checked() {
    for line in ["pug_10 2 3 1", "pug_10 2 2", "pug_10 2 2 1 x", "../pug_10 2 2 1"] {
        let text = format!("# a comment\nMaine_Coon_2 1 1 1\n{line}\n");
        assert_eq!(
            message(|folder| fs::write(folder.join("annotations/list.txt"), &text).unwrap()),
            format!(
                "`DIR/annotations/list.txt`, line 3: found `{line}`, expected `NAME CLASS-ID SPECIES BREED-ID` \
                 with a plain file name and species 1 (cat) or 2 (dog)"
            )
        );
    }
    assert_eq!(
        message(list("pug_10 2 2 1\r\nMaine_Coon_2 1 1 1\r\npug_10 2 2 1\r\n")),
        "`DIR/annotations/list.txt`, line 3: `pug_10` is listed already in line 1; delete one of them"
    );
    assert_eq!(
        message(list("Maine_Coon_2 1 1 1\nMaine_Coon_7 1 1 1\n")),
        "every row of `DIR` has the class `cat`; there must be at least two classes"
    );
}

/// Some of the photos of the official archive are GIFs under the names of JPEGs.
#[test]
fn a_gif_under_the_name_of_a_jpeg_opens() {
    let folder = folder();
    let path = folder.path().join("images/pug_10.jpg");
    picture(30, 30, [0, 200, 0], [200, 0, 0]).save_with_format(&path, ImageFormat::Gif).unwrap();
    assert!(fs::read(&path).unwrap().starts_with(b"GIF8"));
    let pets = open(folder.path(), PetsTarget::Species).unwrap();
    let Features::Pictures(pictures) = pets.features() else { panic!("pictures") };
    assert_eq!((&pictures.picture(1)[..3], &pictures.picture(1)[189..]), (&[0, 200, 0][..], &[200, 0, 0][..]));
}

#[test]
fn missing_and_damaged_pictures_are_named_with_their_line() {
    let place = "cannot read picture `DIR/images/pug_10.jpg` (line 3 of `DIR/annotations/list.txt`): ";
    let remedy = "; restore the file or delete the line";
    assert_eq!(
        message(|folder| fs::remove_file(folder.join("images/pug_10.jpg")).unwrap()),
        format!("{place}No such file or directory (os error 2){remedy}")
    );
    assert_eq!(
        message(|folder| fs::write(folder.join("images/pug_10.jpg"), "no picture").unwrap()),
        format!("{place}The image format could not be determined{remedy}")
    );
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let cut = message(|folder| {
            let path = folder.join("images/pug_10.jpg");
            picture(30, 30, [0, 200, 0], [200, 0, 0]).save_with_format(&path, format).unwrap();
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() * 3 / 4]).unwrap();
        });
        assert!(cut.starts_with(place) && cut.ends_with(remedy), "{format:?} {cut}");
    }
}

#[test]
fn real_photos_open() {
    let data = std::env::var_os("XRUN_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let folder = data.join("oxford-iiit-pet");
    if !folder.is_dir() {
        eprintln!("skipped: no `{}`; set XRUN_TEST_DATA", folder.display());
        return;
    }
    let pets = open(&folder, PetsTarget::Breed).unwrap();
    assert_eq!(pets.classes().len(), 37);
    assert_eq!(open(&folder, PetsTarget::Species).unwrap().n(), pets.n());
    // In the data set the breeds of cats, and only they, begin with a capital letter.
    let species = open(&folder, PetsTarget::Species).unwrap();
    for (id, &class) in species.ids().iter().zip(species.targets()) {
        assert_eq!(class == 0, id.starts_with(char::is_uppercase), "{id}");
    }
}
