//! What is said of what lies there, and the table.

use std::collections::BTreeSet;
use std::fs;

use super::super::{ENTRIES, Presence, presence, verify};
use super::*;

fn found(entry: &Entry, data: &Path) -> Result<String, String> {
    let mut findings = verify(entry, data).unwrap();
    assert_eq!(findings.len(), 1);
    findings.remove(0).result
}

#[test]
fn a_file_is_held_against_its_checksum() {
    let data = tempfile::tempdir().unwrap();
    let entry = entry("http://127.0.0.1:1", b"abc");
    let path = data.path().join("things/file.bin");
    assert_eq!(
        (presence(&entry, data.path()), found(&entry, data.path())),
        (Presence::Absent, Err("missing".to_owned()))
    );
    fs::create_dir(data.path().join("things")).unwrap();
    fs::write(path.with_added_extension("part"), "a").unwrap();
    assert_eq!(presence(&entry, data.path()), Presence::Incomplete);
    fs::write(&path, "abc").unwrap();
    let sum = sha256(b"abc");
    assert_eq!(
        (presence(&entry, data.path()), found(&entry, data.path())),
        (Presence::Present, Ok(format!("{sum} is as published")))
    );
    fs::write(&path, "abd").unwrap();
    let other = sha256(b"abd").to_string().replace(' ', " is ");
    assert_eq!(found(&entry, data.path()), Err(format!("its {other}, but {sum} must hold")));
}

#[test]
fn a_gz_that_another_program_packed_is_known_by_its_content() {
    let content = bytes(5_000);
    let remote = Remote {
        name: "file.gz",
        urls: &["http://127.0.0.1:1/file.gz"],
        size_bytes: 5_000,
        checksum: sha256(&gz(&content, 9)),
        content: Some(Content { size_bytes: 5_000, checksum: sha256(&content) }),
        unpack: None,
    };
    let entry = entry_of(vec![remote]);
    let data = tempfile::tempdir().unwrap();
    fs::create_dir(data.path().join("things")).unwrap();
    let path = data.path().join("things/file.gz");
    fs::write(&path, gz(&content, 0)).unwrap();
    assert_eq!(
        found(&entry, data.path()),
        Ok("what it unpacks to is as published; it was packed by another program".to_owned())
    );
    fetched(&entry, data.path()).0.unwrap();
    for other in [gz(&content[1..], 9), gz(&bytes(1_000_000), 9), b"no gz".to_vec()] {
        fs::write(&path, other).unwrap();
        assert!(found(&entry, data.path()).is_err());
    }
}

#[test]
fn what_was_unpacked_is_held_against_the_sums_of_then() {
    const HOLDS: &[Holds] = &[Holds::Count("", ".txt", 2)];
    let unpack = Unpack { take: "set", to: "set", most_bytes: 10, most_entries: 5, holds: HOLDS };
    let mut builder = tar::Builder::new(Vec::new());
    for name in ["set/a.txt", "set/b.txt"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        builder.append_data(&mut header, name, &b"x"[..]).unwrap();
    }
    let published = gz(&builder.into_inner().unwrap(), 6);
    let entry = entry_at(&["http://127.0.0.1:1/".to_owned()], "set.tar.gz", &published, Some(unpack));
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("things");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("set.tar.gz"), &published).unwrap();
    assert_eq!(presence(&entry, data.path()), Presence::Incomplete);
    assert_eq!(
        found(&entry, data.path()),
        Ok(format!("{} is as published; `xrun data fetch` unpacks it", sha256(&published)))
    );
    fetched(&entry, data.path()).0.unwrap();
    assert_eq!(found(&entry, data.path()), Ok("2 files as unpacked from the published archive".to_owned()));
    fs::write(folder.join("set/a.txt"), "y").unwrap();
    assert_eq!(found(&entry, data.path()), Err("set/a.txt was changed or removed since it was unpacked".to_owned()));
    fs::write(folder.join("set/b.txt"), "y").unwrap();
    assert_eq!(
        found(&entry, data.path()),
        Err("set/a.txt and 1 other file were changed or removed since they were unpacked".to_owned())
    );
    fs::remove_file(folder.join("set.b3sums")).unwrap();
    assert_eq!(
        found(&entry, data.path()),
        Ok("sizes and numbers of files are as published; no sums were noted".to_owned())
    );
}

#[test]
fn the_table_has_one_place_for_everything_and_whole_checksums() {
    let data = Path::new("data");
    let names: BTreeSet<&str> = ENTRIES.iter().map(Entry::name).collect();
    assert_eq!(names.len(), ENTRIES.len());
    let places: BTreeSet<PathBuf> = ENTRIES.iter().map(|entry| entry.place(data)).collect();
    assert_eq!(places.len(), ENTRIES.len());
    for remote in ENTRIES.iter().flat_map(|entry| entry.files) {
        let content = remote.content.as_ref().map(|content| content.checksum);
        for checksum in [Some(remote.checksum), content].into_iter().flatten() {
            let (digits, length) = match checksum {
                Checksum::Md5(digits) => (digits, 32),
                Checksum::Sha256(digits) => (digits, 64),
            };
            assert!(digits.len() == length && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        }
        for url in remote.urls {
            super::super::url::Url::parse(url).unwrap();
            assert!(url.ends_with(remote.name), "{url} is not {}", remote.name);
        }
        // PyTorch's names hold the first eight digits of the sum.
        if let (Some(stem), Checksum::Sha256(digits)) = (remote.name.strip_suffix(".pth"), remote.checksum) {
            assert!(stem.ends_with(&format!("-{}", &digits[..8])), "{stem}");
        }
    }
}

#[test]
fn places_lines_and_the_way_by_hand_name_the_paths() {
    let data = Path::new("data");
    let of = |name: &str| ENTRIES.iter().find(|entry| entry.name() == name).unwrap();
    let shown: Vec<(String, String)> = ["mnist", "cifar10", "pets", "resnet18", "efficientnet_lite0"]
        .map(|name| (of(name).place(data), of(name)))
        .map(|(place, entry)| (place.display().to_string(), entry.line(&place)))
        .to_vec();
    assert_eq!(
        shown,
        [
            ("data/mnist", "data: mnist(#{ path: \"data/mnist\" })"),
            ("data/cifar-10-batches-bin", "data: cifar10(#{ path: \"data/cifar-10-batches-bin\" })"),
            ("data/oxford-iiit-pet", "data: pets(#{ source: \"data/oxford-iiit-pet\" })"),
            (
                "data/weights/resnet18-f37072fd.pth",
                "backbone: resnet18(#{ weights: \"data/weights/resnet18-f37072fd.pth\" })"
            ),
            (
                "data/weights/efficientnet-lite0-57934424.pth",
                "backbone: efficientnet_lite0(#{ weights: \"data/weights/efficientnet-lite0-57934424.pth\" })"
            ),
        ]
        .map(|(place, line)| (place.to_owned(), line.to_owned()))
    );
    assert_eq!(
        of("resnet18").by_hand(data),
        "to do it by hand, save\n  https://download.pytorch.org/models/resnet18-f37072fd.pth\n    as data/weights/resnet18-f37072fd.pth\n  then `xrun data verify resnet18` checks it, and `xrun data fetch resnet18` takes and unpacks what is there"
    );
}
