//! Folders of pictures made here.

use image::{ImageFormat, Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::data::outline::{Outline, RowOutline, outline};
use crate::metric::Task;
use crate::spec::data::DataSpec;

/// Pictures of one colour: two cats, one of them below `old/`, and two dogs.
const PICTURES: [(&str, u8); 4] = [("cat/b.PNG", 20), ("cat/old/a.gif", 30), ("dog/x.jpg", 200), ("dog/y.png", 210)];

fn save(path: &Path, grey: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let format = ImageFormat::from_path(path).unwrap();
    RgbImage::from_pixel(12, 9, Rgb([grey; 3])).save_with_format(path, format).unwrap();
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    PICTURES.iter().for_each(|(name, grey)| save(&folder.path().join(name), *grey));
    fs::write(folder.path().join("cat/.hidden"), "").unwrap();
    fs::write(folder.path().join("README"), "beside the classes").unwrap();
    folder
}

fn spec(path: &Path, list: Option<&str>) -> ImageFolderSpec {
    ImageFolderSpec { path: path.to_owned(), size: 8, list: list.map(PathBuf::from), n: None, seed: 0 }
}

fn opened(spec: &ImageFolderSpec) -> Result<Dataset, DataError> {
    let cache = tempfile::tempdir().unwrap();
    open(spec, cache.path())
}

/// The message after something was done to the folder, with the folder written as `DIR`.
fn message(list: Option<&str>, spoil: impl Fn(&Path)) -> String {
    let folder = folder();
    spoil(folder.path());
    let message = opened(&spec(folder.path(), list)).unwrap_err().to_string();
    message.replace(&folder.path().display().to_string(), "DIR")
}

fn write(name: &'static str, text: &'static str) -> impl Fn(&Path) {
    move |folder| fs::write(folder.join(name), text).unwrap()
}

#[test]
fn each_folder_is_a_class_and_pictures_come_by_name() {
    let folder = folder();
    let data = opened(&spec(folder.path(), None)).unwrap();
    assert_eq!(data.ids(), PICTURES.map(|(name, _)| name));
    assert_eq!((data.classes(), data.targets()), (&["cat".into(), "dog".into()][..], &[0, 0, 1, 1][..]));
    assert_eq!(data.describe(), "4 pictures 8x8, 2 cat / 2 dog");
    let Features::Pictures(pictures) = data.features() else { panic!("pictures") };
    for (row, (name, grey)) in PICTURES.iter().enumerate() {
        assert!(pictures.picture(row).iter().all(|byte| byte.abs_diff(*grey) < 4), "{name}");
    }
    let row = RowOutline::Picture { channels: 3, size: 8 };
    let shape = outline(&DataSpec::ImageFolder(spec(folder.path(), None))).unwrap();
    assert_eq!(shape, Outline { row, task: Task::Classes(2) });
}

#[test]
fn a_list_gives_order_and_classes() {
    let folder = folder();
    write("labels.csv", "label,note,path\nlight,,dog/y.png\ndark,,cat/b.PNG\n")(folder.path());
    let data = opened(&spec(folder.path(), Some("labels.csv"))).unwrap();
    assert_eq!(data.ids(), ["dog/y.png", "cat/b.PNG"]);
    assert_eq!((data.classes(), data.targets()), (&["dark".into(), "light".into()][..], &[1, 0][..]));
}

#[test]
fn a_cap_reads_only_what_it_keeps() {
    let folder = folder();
    let all = opened(&spec(folder.path(), None)).unwrap();
    let capped = ImageFolderSpec { n: Some(2), ..spec(folder.path(), None) };
    let data = opened(&capped).unwrap();
    assert_eq!((data.n(), data.targets()), (2, &[0, 1][..]));
    for (row, id) in data.ids().iter().enumerate() {
        let same = all.ids().iter().position(|other| other == id).unwrap();
        assert_eq!(data.row_digests()[row], all.row_digests()[same], "{id}");
    }
    let left_out = PICTURES.iter().find(|(name, _)| !data.ids().iter().any(|id| id == name)).unwrap();
    fs::write(folder.path().join(left_out.0), "no picture").unwrap();
    assert_eq!(opened(&capped).unwrap().fingerprint(), data.fingerprint());
}

#[test]
fn another_place_is_the_same_data() {
    let (here, there) = (folder(), folder());
    let print = |folder: &TempDir| opened(&spec(folder.path(), None)).unwrap().fingerprint().to_owned();
    assert_eq!(print(&here), print(&there));
    save(&there.path().join("dog/y.png"), 211);
    assert_ne!(print(&here), print(&there));
}

#[test]
fn folders_that_give_no_classes_are_named() {
    assert_eq!(
        message(None, |folder| fs::remove_dir_all(folder).unwrap()),
        "found no folder `DIR`; `path` names a folder with a folder of pictures for each class"
    );
    let remove = |names: &'static [&str]| {
        move |folder: &Path| names.iter().for_each(|name| fs::remove_dir_all(folder.join(name)).unwrap())
    };
    assert_eq!(
        message(None, remove(&["cat", "dog"])),
        "`DIR` has no folders in it; make one for each class, or name a file with the columns path and label in `list`"
    );
    assert_eq!(
        message(None, remove(&["cat"])),
        "every row of `DIR` has the class `dog`; there must be at least two classes"
    );
    assert_eq!(
        message(None, |folder| fs::create_dir_all(folder.join("bird/young")).unwrap()),
        "class folder `DIR/bird` holds no picture; put some in, or remove the folder"
    );
    assert_eq!(
        message(None, write("dog/z.webp", "RIFF")),
        "`DIR/dog/z.webp` is no .jpg, .jpeg, .png or .gif; convert it, or take it out of the class folder"
    );
}

#[test]
fn an_unreadable_picture_is_named() {
    let reason = "The image format could not be determined";
    assert_eq!(
        message(None, write("dog/y.png", "no picture")),
        format!("cannot read picture `DIR/dog/y.png`: {reason}; restore the file or remove it")
    );
    let listed = |folder: &Path| {
        write("dog/y.png", "no picture")(folder);
        write("labels.csv", "path,label\ncat/b.PNG,a\ndog/y.png,b\n")(folder);
    };
    assert_eq!(
        message(Some("labels.csv"), listed),
        format!(
            "cannot read picture `DIR/dog/y.png` (line 3 of `DIR/labels.csv`): {reason}; restore the file or delete the line"
        )
    );
}

#[test]
fn lists_are_checked() {
    let of = |text: &'static str| message(Some("labels.csv"), write("labels.csv", text));
    assert_eq!(
        message(Some("labels.csv"), |_| ()),
        "cannot read table `DIR/labels.csv`: No such file or directory (os error 2)"
    );
    assert_eq!(
        of("file,label\ncat/b.PNG,a\n"),
        "table `DIR/labels.csv` has no column `path`, which `list` names; its columns are `file`, `label`"
    );
    assert_eq!(
        of("path,label\ncat/b.PNG,a\ndog/y.png,\n"),
        "table `DIR/labels.csv`, line 3: `label`, the class, is missing; fill it in or delete the line"
    );
    assert_eq!(
        of("path,label\ncat/b.PNG,a\ndog/y.png,b\ncat/b.PNG,b\n"),
        "`DIR/labels.csv`, line 4: `cat/b.PNG` is listed already in line 2; delete one of them"
    );
    assert_eq!(
        of("path,label\ncat/gone.png,a\ndog/y.png,b\n"),
        "cannot read picture `DIR/cat/gone.png` (line 2 of `DIR/labels.csv`): No such file or directory (os error 2); \
         restore the file or delete the line"
    );
}
