//! Archives, among them such as try to leave their folder.

use std::fs;

use tar::{Builder, EntryType, Header};

use super::*;

/// Entries as they stand in the archive: `tar`'s own ways to write refuse what these tests need.
fn archive(entries: &[(EntryType, &str, &str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, link, content) in entries {
        let mut header = Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    gz(&builder.into_inner().unwrap(), 6)
}

const HOLDS: &[Holds] = &[Holds::File("a.txt", 3), Holds::Count("more", ".txt", 2)];

fn bounds() -> Unpack {
    Unpack { take: "set", to: "set", most_bytes: 100_000, most_entries: 10, holds: HOLDS }
}

fn good() -> Vec<u8> {
    archive(&[
        (EntryType::Directory, "./set/", "", b""),
        (EntryType::Regular, "set/a.txt", "", b"abc"),
        (EntryType::Regular, "set/more/b.txt", "", b"b"),
        (EntryType::Regular, "set/more/c.txt", "", b"c"),
        (EntryType::Regular, "beside.txt", "", b"not kept"),
    ])
}

/// Puts the archive where it would be fetched to, and unpacks it without a network.
fn unpacked(published: &[u8], unpack: Unpack) -> (tempfile::TempDir, Entry, Result<PathBuf, FetchError>) {
    let data = tempfile::tempdir().unwrap();
    fs::create_dir(data.path().join("things")).unwrap();
    fs::write(data.path().join("things/set.tar.gz"), published).unwrap();
    let entry = entry_at(&["http://127.0.0.1:1/set.tar.gz".to_owned()], "set.tar.gz", published, Some(unpack));
    let result = fetched(&entry, data.path()).0;
    (data, entry, result)
}

/// What is said of an archive with these entries; nothing of it is kept, inside or outside of the folder.
fn refused(entries: &[(EntryType, &str, &str, &[u8])]) -> String {
    let (data, _, result) = unpacked(&archive(entries), bounds());
    let message = result.unwrap_err().to_string();
    assert_eq!(names(&data.path().join("things")), ["set.tar.gz"]);
    assert_eq!(names(data.path()), ["things"]);
    let path = data.path().join("things/set.tar.gz");
    message.strip_prefix(&format!("{} is not unpacked: ", path.display())).unwrap_or(&message).to_owned()
}

#[test]
fn an_archive_that_lies_there_is_unpacked_without_a_network_and_kept() {
    let (data, entry, place) = unpacked(&good(), bounds());
    assert_eq!(place.unwrap(), data.path().join("things/set"));
    let folder = data.path().join("things");
    assert_eq!(names(&folder), ["set", "set.b3sums", "set.tar.gz"]);
    assert_eq!(fs::read(folder.join("set/more/b.txt")).unwrap(), b"b");
    let sums = fs::read_to_string(folder.join("set.b3sums")).unwrap();
    let paths: Vec<&str> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    assert_eq!(paths, ["set/a.txt", "set/more/b.txt", "set/more/c.txt"]);
    assert!(sums.starts_with(&blake3::hash(b"abc").to_hex().to_string()), "{sums}");

    let (again, heard) = fetched(&entry, data.path());
    again.unwrap();
    assert!(heard.notes[0].ends_with("set is there"), "{:?}", heard.notes);
    fs::remove_file(folder.join("set/more/c.txt")).unwrap();
    assert_eq!(
        fetched(&entry, data.path()).0.unwrap_err().to_string(),
        format!(
            "{} is not whole: 1 files *.txt in more, but 2 must be there; move it away, or remove it",
            folder.join("set").display()
        )
    );
}

#[test]
fn an_archive_that_was_fetched_is_removed_once_it_is_unpacked() {
    let published = good();
    let served = published.clone();
    let server = server::Server::start(move |asked, _| server::ranges(&served, "\"1\"", asked));
    let data = tempfile::tempdir().unwrap();
    let entry = entry_at(&[format!("{}/set.tar.gz", server.url)], "set.tar.gz", &published, Some(bounds()));
    fetched(&entry, data.path()).0.unwrap();
    assert_eq!(names(&data.path().join("things")), ["set", "set.b3sums"]);
}

#[test]
fn a_single_file_can_be_taken_out_of_an_archive() {
    const ITSELF: &[Holds] =
        &[Holds::Itself(3, Checksum::Sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))];
    let take = Unpack { take: "set/a.txt", to: "weights.pth", holds: ITSELF, ..bounds() };
    let (data, _, place) = unpacked(&good(), take);
    assert_eq!(fs::read(place.unwrap()).unwrap(), b"abc");
    assert_eq!(names(&data.path().join("things")), ["set.tar.gz", "weights.pth", "weights.pth.b3sums"]);
    let (_, _, place) =
        unpacked(&good(), Unpack { take: "set/more/b.txt", to: "weights.pth", holds: ITSELF, ..bounds() });
    let message = place.unwrap_err().to_string();
    assert!(
        message.ends_with("is not unpacked: what it holds is not whole: it has 1 bytes, but 3 must be there"),
        "{message}"
    );
}

#[test]
fn entries_that_lead_out_of_the_folder_are_refused() {
    for name in ["../evil", "set/../../evil", "/tmp/evil"] {
        let said = refused(&[(EntryType::Regular, name, "", b"evil")]);
        assert_eq!(said, format!("its entry `{name}` leads out of the folder"));
    }
}

#[test]
fn links_and_devices_are_refused() {
    let outside = [(EntryType::Symlink, "set", "..", &b""[..]), (EntryType::Regular, "set/evil", "", b"evil")];
    for (entries, what) in [
        (&outside[..], "a symbolic link"),
        (&[(EntryType::Link, "set", "/etc/passwd", &b""[..])], "a hard link"),
        (&[(EntryType::Char, "set", "", &b""[..])], "a device"),
        (&[(EntryType::Block, "set", "", &b""[..])], "a device"),
        (&[(EntryType::Fifo, "set", "", &b""[..])], "a pipe"),
        (&[(EntryType::new(b'?'), "set", "", &b""[..])], "of an unknown kind"),
    ] {
        assert_eq!(refused(entries), format!("its entry `set` is {what}; only files and folders are unpacked"));
    }
}

#[test]
fn an_archive_that_swells_is_refused() {
    let zeros = vec![0; 100_001];
    assert_eq!(
        refused(&[(EntryType::Regular, "set/a.txt", "", &zeros)]),
        "it holds more than 100000 bytes, which is more than was published"
    );
    let halves = vec![0; 60_000];
    assert_eq!(
        refused(&[(EntryType::Regular, "set/a.txt", "", &halves), (EntryType::Regular, "set/b.txt", "", &halves)]),
        "it holds more than 100000 bytes, which is more than was published"
    );
    let many: Vec<(EntryType, &str, &str, &[u8])> = vec![(EntryType::Regular, "set/a.txt", "", b""); 11];
    assert_eq!(refused(&many), "it holds more than 10 files and folders, which is more than was published");
}

#[test]
fn an_archive_without_what_it_should_hold_or_of_another_kind_is_refused() {
    assert_eq!(
        refused(&[(EntryType::Regular, "set/b.txt", "", b"abc")]),
        "what it holds is not whole: a.txt is missing"
    );
    assert_eq!(
        refused(&[(EntryType::Regular, "set/a.txt", "", b"abcd")]),
        "what it holds is not whole: a.txt has 4 bytes, but 3 must be there"
    );
    for damaged in [&b"no archive"[..], &good()[..100]] {
        let (_, _, result) = unpacked(damaged, bounds());
        let message = result.unwrap_err().to_string();
        assert!(message.contains("is not unpacked: it cannot be read as .tar.gz: "), "{message}");
    }
}

#[test]
fn what_an_ended_process_left_of_an_unpacking_is_in_nobodys_way() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("things");
    fs::create_dir_all(folder.join(".set.unpacking/set")).unwrap();
    fs::write(folder.join(".set.unpacking/set/stale.txt"), "x").unwrap();
    fs::write(folder.join("set.tar.gz"), good()).unwrap();
    let entry = entry_at(&["http://127.0.0.1:1/".to_owned()], "set.tar.gz", &good(), Some(bounds()));
    fetched(&entry, data.path()).0.unwrap();
    assert_eq!(names(&folder), ["set", "set.b3sums", "set.tar.gz"]);
    assert_eq!(names(&folder.join("set")), ["a.txt", "more"]);
}
