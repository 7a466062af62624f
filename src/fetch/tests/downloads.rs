//! One file, whatever the server does.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::server::{Answer, Server, ranges};
use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_whole_file_has_its_name_and_nothing_lies_beside_it() {
    let file = bytes(300_000);
    let served = file.clone();
    let server = Server::start(move |asked, _| ranges(&served, "\"1\"", asked));
    let data = folder();
    let entry = entry(&server.url, &file);
    let (place, heard) = fetched(&entry, data.path());
    assert_eq!(place.unwrap(), data.path().join("things/file.bin"));
    assert_eq!(fs::read(data.path().join("things/file.bin")).unwrap(), file);
    assert_eq!(names(&data.path().join("things")), ["file.bin"]);
    assert_eq!(heard.begun, [("file.bin".to_owned(), 0)]);
    assert_eq!(server.asked()[0].line, "GET /a/file.bin HTTP/1.1");

    let (again, heard) = fetched(&entry, data.path());
    again.unwrap();
    assert_eq!(server.asked().len(), 1, "what is there is not asked for again");
    assert!(heard.notes[0].ends_with("file.bin is there"), "{:?}", heard.notes);
}

#[test]
fn a_cut_connection_is_gone_on_with_from_the_byte_it_was_cut_at() {
    let file = bytes(200_000);
    let served = file.clone();
    let server = Server::start(move |asked, index| match index {
        0 => Answer::new("200 OK", &["Content-Length: 200000", "ETag: \"1\""], &served[..70_000]),
        _ => ranges(&served, "\"1\"", asked),
    });
    let data = folder();
    let (place, heard) = fetched(&entry(&server.url, &file), data.path());
    assert_eq!(fs::read(place.unwrap()).unwrap(), file);
    assert_eq!(heard.begun, [("file.bin".to_owned(), 0), ("file.bin".to_owned(), 70_000)]);
    assert_eq!(heard.notes, ["file.bin: the connection was cut after 70000 bytes; again in 0.001 s"]);
    let asked = server.asked();
    assert_eq!((asked[1].header("range"), asked[1].header("if-range")), (Some("bytes=70000-"), Some("\"1\"")));
}

#[test]
fn another_process_goes_on_with_the_part_that_was_left() {
    let file = bytes(200_000);
    let served = file.clone();
    let server = Server::start(move |asked, index| match index {
        0..3 => Answer::new(
            "200 OK",
            &["Content-Length: 200000", "ETag: \"1\""],
            &served[..if index == 0 { 70_000 } else { 0 }],
        ),
        _ => ranges(&served, "\"1\"", asked),
    });
    let data = folder();
    let entry = entry(&server.url, &file);
    // An answer of the same version that is not a part of the file begins anew, and is cut before its first byte.
    let (error, _) = fetched(&entry, data.path());
    assert_eq!(
        error.unwrap_err().to_string(),
        format!("cannot fetch {}/a/file.bin: the connection was cut after 0 bytes", server.url)
    );
    fs::write(data.path().join("things/file.bin.part"), &file[..50_000]).unwrap();
    let (place, heard) = fetched(&entry, data.path());
    assert_eq!(fs::read(place.unwrap()).unwrap(), file);
    assert_eq!(heard.begun, [("file.bin".to_owned(), 50_000)]);
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let file = bytes(100_000);
    let served = file.clone();
    let server = Server::start(move |_, index| {
        let end = if index == 0 { 40_000 } else { 100_000 };
        Answer::new("200 OK", &["Content-Length: 100000"], &served[..end])
    });
    let data = folder();
    let (place, heard) = fetched(&entry(&server.url, &file), data.path());
    assert_eq!(fs::read(place.unwrap()).unwrap(), file);
    assert_eq!(heard.begun, [("file.bin".to_owned(), 0), ("file.bin".to_owned(), 0)]);
}

#[test]
fn a_file_that_changed_on_the_server_begins_anew() {
    let file = bytes(100_000);
    let served = file.clone();
    let server = Server::start(move |asked, index| match index {
        0 => Answer::new("200 OK", &["Content-Length: 100000", "ETag: \"old\""], &[7; 40_000]),
        _ => ranges(&served, "\"new\"", asked),
    });
    let data = folder();
    let (place, _) = fetched(&entry(&server.url, &file), data.path());
    assert_eq!(fs::read(place.unwrap()).unwrap(), file);
    assert_eq!(server.asked()[1].header("if-range"), Some("\"old\""));
}

#[test]
fn a_part_of_another_version_is_not_joined_even_if_the_server_passes_over_if_range() {
    let file = bytes(100_000);
    let served = file.clone();
    let server = Server::start(move |asked, index| match index {
        0 => Answer::new("200 OK", &["Content-Length: 100000", "ETag: \"old\""], &[7; 40_000]),
        1 => Answer::new(
            "206 Partial Content",
            &["ETag: \"new\"", "Content-Range: bytes 40000-99999/100000", "Content-Length: 60000"],
            &served[40_000..],
        ),
        _ => ranges(&served, "\"new\"", asked),
    });
    let data = folder();
    let (place, _) = fetched(&entry(&server.url, &file), data.path());
    assert_eq!(fs::read(place.unwrap()).unwrap(), file);
    assert_eq!(server.asked()[2].header("range"), None);
}

#[test]
fn parts_that_do_not_fit_are_told_by_the_checksum_and_begin_anew() {
    let file = bytes(100_000);
    let served = file.clone();
    let server = Server::start(move |asked, _| ranges(&served, "\"1\"", asked));
    let data = folder();
    fs::create_dir(data.path().join("things")).unwrap();
    fs::write(data.path().join("things/file.bin.part"), [7; 40_000]).unwrap();
    let (place, heard) = fetched(&entry(&server.url, &file), data.path());
    assert_eq!(fs::read(place.unwrap()).unwrap(), file);
    assert_eq!(heard.notes, ["file.bin: the parts do not fit; it begins anew"]);
}

#[test]
fn a_part_that_is_longer_than_the_file_begins_anew() {
    let file = bytes(1_000);
    let served = file.clone();
    let server = Server::start(move |asked, _| match asked.header("range") {
        Some(_) => Answer::new("416 Range Not Satisfiable", &["Content-Length: 0"], b""),
        None => ranges(&served, "\"1\"", asked),
    });
    let data = folder();
    fs::create_dir(data.path().join("things")).unwrap();
    fs::write(data.path().join("things/file.bin.part"), [7; 2_000]).unwrap();
    assert_eq!(fs::read(fetched(&entry(&server.url, &file), data.path()).0.unwrap()).unwrap(), file);
}

#[test]
fn a_wrong_checksum_is_told_and_nothing_is_kept() {
    let file = bytes(1_000);
    let server = Server::start(move |_, _| Answer::new("200 OK", &["Content-Length: 3"], b"abc"));
    let data = folder();
    let (error, _) = fetched(&entry(&server.url, &file), data.path());
    let (Checksum::Sha256(wanted) | Checksum::Md5(wanted)) = sha256(&file);
    // The SHA-256 of "abc" is an example of FIPS 180-4.
    let found = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(
        error.unwrap_err().to_string(),
        format!(
            "{}/a/file.bin gave another file than was published: its sha256 is {found}, but sha256 {wanted} must hold; what came was removed",
            server.url
        )
    );
    assert!(names(&data.path().join("things")).is_empty());
}

#[test]
fn a_body_that_is_always_cut_is_an_error_that_keeps_the_part() {
    let file = bytes(1_000);
    let served = file.clone();
    let server = Server::start(move |_, _| Answer::new("200 OK", &["Content-Length: 1000"], &served[..600]));
    let data = folder();
    let (error, heard) = fetched(&entry(&server.url, &file), data.path());
    let cut = "the connection was cut after 600 bytes";
    assert_eq!(error.unwrap_err().to_string(), format!("cannot fetch {}/a/file.bin: {cut}", server.url));
    assert_eq!(
        heard.notes,
        [format!("file.bin: {cut}; again in 0.001 s"), format!("file.bin: {cut}; again in 0.002 s")]
    );
    assert_eq!(names(&data.path().join("things")), ["file.bin.part", "file.bin.part.tag"]);
}

#[test]
fn a_stalled_server_is_told_from_a_slow_one() {
    let file = bytes(1_000);
    let served = file.clone();
    let server = Server::start(move |_, _| {
        Answer::new("200 OK", &["Content-Length: 1000"], &served[..600]).then_silence(Duration::from_secs(5))
    });
    let data = folder();
    let started = Instant::now();
    let (error, _) = fetched(&entry(&server.url, &file), data.path());
    assert_eq!(
        error.unwrap_err().to_string(),
        format!("cannot fetch {}/a/file.bin: the server sent nothing for 0.3 s", server.url)
    );
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn a_missing_file_is_not_asked_for_twice_and_the_next_address_is_tried() {
    let file = bytes(1_000);
    let served = file.clone();
    let server = Server::start(move |asked, _| match asked.line.contains("/gone/") {
        true => Answer::new("404 Not Found", &["Content-Length: 0"], b""),
        false => ranges(&served, "\"1\"", asked),
    });
    let data = folder();
    let gone = format!("{}/gone/file.bin", server.url);
    let only = entry_at(std::slice::from_ref(&gone), "file.bin", &file, None);
    let message = format!("cannot fetch {gone}: the server answered 404 (no such file)");
    assert_eq!(fetched(&only, data.path()).0.unwrap_err().to_string(), message);
    assert_eq!(server.asked().len(), 1);
    let both = entry_at(&[gone, format!("{}/file.bin", server.url)], "file.bin", &file, None);
    let (place, heard) = fetched(&both, data.path());
    assert_eq!(fs::read(place.unwrap()).unwrap(), file);
    assert_eq!(heard.notes, [message]);
}

#[test]
fn a_fault_of_the_server_is_waited_out_and_one_that_stays_is_told() {
    let file = bytes(1_000);
    let served = file.clone();
    let server = Server::start(move |asked, index| match index {
        0 => Answer::new("500 Internal Server Error", &["Content-Length: 0"], b""),
        _ => ranges(&served, "\"1\"", asked),
    });
    let data = folder();
    let (place, heard) = fetched(&entry(&server.url, &file), data.path());
    place.unwrap();
    let fault = "the server answered 500 (it has a fault, or is overloaded)";
    assert_eq!(heard.notes, [format!("file.bin: {fault}; again in 0.001 s")]);

    let server = Server::start(|_, _| Answer::new("503 Busy", &["Content-Length: 0"], b""));
    let (error, _) = fetched(&entry(&server.url, &file), folder().path());
    let fault = "the server answered 503 (it has a fault, or is overloaded)";
    assert_eq!(error.unwrap_err().to_string(), format!("cannot fetch {}/a/file.bin: {fault}", server.url));
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_redirect_is_followed_and_a_loop_of_them_is_not() {
    let file = bytes(1_000);
    let served = file.clone();
    let server = Server::start(move |asked, _| match asked.line.as_str() {
        "GET /a/file.bin HTTP/1.1" => Answer::new("302 Found", &["Location: ../b?c", "Content-Length: 0"], b""),
        "GET /a/../b?c HTTP/1.1" => ranges(&served, "\"1\"", asked),
        _ => Answer::new("301 Moved", &["Location: /loop", "Content-Length: 0"], b""),
    });
    let data = folder();
    fetched(&entry(&server.url, &file), data.path()).0.unwrap();
    let url = format!("{}/loop", server.url);
    let looping = entry_at(std::slice::from_ref(&url), "other.bin", &file, None);
    let (error, _) = fetched(&looping, data.path());
    assert_eq!(error.unwrap_err().to_string(), format!("cannot fetch {url}: the server redirects more than 10 times"));
}

#[test]
fn a_body_in_chunks_and_one_up_to_the_end_are_read() {
    let file = bytes(1_000);
    let served = file.clone();
    let server = Server::start(move |_, index| {
        let mut body = format!("{:x};note\r\n", 600).into_bytes();
        body.extend_from_slice(&served[..600]);
        body.extend_from_slice(b"\r\n190\r\n");
        body.extend_from_slice(&served[600..]);
        body.extend_from_slice(b"\r\n0\r\n\r\n");
        match index {
            0 => Answer::new("200 OK", &["Transfer-Encoding: chunked"], &body[..700]),
            1 => Answer::new("200 OK", &["Transfer-Encoding: chunked"], &body),
            _ => Answer::new("200 OK", &[], &served),
        }
    });
    let data = folder();
    let (place, heard) = fetched(&entry(&server.url, &file), data.path());
    assert_eq!(fs::read(place.unwrap()).unwrap(), file);
    assert_eq!(heard.begun.len(), 2, "chunks that end too early are a cut connection");
    let data = folder();
    assert_eq!(fs::read(fetched(&entry(&server.url, &file), data.path()).0.unwrap()).unwrap(), file);
}

#[test]
fn more_than_was_published_is_refused_whether_it_is_announced_or_not() {
    let file = bytes(1_000);
    for headers in [&["Content-Length: 100000"][..], &[]] {
        let server = Server::start(move |_, _| Answer::new("200 OK", headers, &[7; 100_000]));
        let data = folder();
        let (error, _) = fetched(&entry(&server.url, &file), data.path());
        let most = 1_000 + 100 + 65_536;
        assert_eq!(
            error.unwrap_err().to_string(),
            format!(
                "cannot fetch {}/a/file.bin: the server sends more than {most} bytes, which is more than was published",
                server.url
            )
        );
        assert!(!data.path().join("things/file.bin").exists());
    }
}

#[test]
fn what_is_no_http_and_nobody_at_all_are_told() {
    let server = Server::start(|_, _| Answer::new("x", &[], b""));
    let (error, _) = fetched(&entry(&server.url, b"a"), folder().path());
    let message = error.unwrap_err().to_string();
    assert!(message.ends_with("the answer is no HTTP that can be read: it does not begin with a status"), "{message}");

    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (error, heard) = fetched(&entry(&format!("http://127.0.0.1:{port}"), b"a"), folder().path());
    let message = error.unwrap_err().to_string();
    let wanted = format!("cannot fetch http://127.0.0.1:{port}/a/file.bin: cannot connect to 127.0.0.1:{port}: ");
    assert!(message.starts_with(&wanted), "{message}");
    assert_eq!(heard.notes.len(), 2, "it is tried three times");
}

#[test]
fn a_mirror_has_the_files_under_their_names() {
    let file = bytes(1_000);
    let served = file.clone();
    let server = Server::start(move |asked, _| ranges(&served, "\"1\"", asked));
    let data = folder();
    let entry = entry("http://127.0.0.1:1", &file);
    let mirror = format!("{}/mirror/", server.url);
    fetch(&entry, data.path(), Some(&mirror), &PATIENCE, &mut Heard::default()).unwrap();
    assert_eq!(server.asked()[0].line, "GET /mirror/file.bin HTTP/1.1");
}

#[test]
fn of_two_fetches_at_once_the_second_is_refused() {
    let file = bytes(1_000);
    let served = file.clone();
    let server = Server::start(move |asked, _| {
        thread::sleep(Duration::from_millis(200));
        ranges(&served, "\"1\"", asked)
    });
    let data = folder();
    let entry = entry(&server.url, &file);
    thread::scope(|scope| {
        let first = scope.spawn(|| fetched(&entry, data.path()).0);
        while server.asked().is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        let (error, _) = fetched(&entry, data.path());
        assert_eq!(
            error.unwrap_err().to_string(),
            format!("another process fetches thing into {}; wait for it to end", data.path().join("things").display())
        );
        first.join().unwrap().unwrap();
    });
    fetched(&entry, data.path()).0.unwrap();
}

#[test]
fn another_file_in_its_place_is_not_overwritten() {
    let data = folder();
    let path = data.path().join("things/file.bin");
    fs::create_dir(data.path().join("things")).unwrap();
    fs::write(&path, "abc").unwrap();
    let (error, _) = fetched(&entry("http://127.0.0.1:1", b"xyz"), data.path());
    assert_eq!(
        error.unwrap_err().to_string(),
        format!(
            "{} is not the published file: its sha256 is ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, but {} must hold; move it away, or remove it",
            path.display(),
            sha256(b"xyz")
        )
    );
    assert_eq!(fs::read(&path).unwrap(), b"abc");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let data = folder();
    fs::write(data.path().join("things"), "a file").unwrap();
    let (error, _) = fetched(&entry("http://127.0.0.1:1", b"xyz"), data.path());
    let message = error.unwrap_err().to_string();
    assert!(message.starts_with(&format!("cannot write {}: ", data.path().join("things").display())), "{message}");
}

#[test]
fn a_server_that_is_not_secure_is_not_taken_for_one_that_is() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            thread::sleep(Duration::from_millis(200));
        }
    });
    let (error, heard) = fetched(&entry(&format!("https://{host}"), b"a"), folder().path());
    let message = error.unwrap_err().to_string();
    let wanted = format!("cannot fetch https://{host}/a/file.bin: no secure connection to {host}: ");
    assert!(message.starts_with(&wanted), "{message}");
    assert!(heard.notes.is_empty(), "waiting would not mend it: {:?}", heard.notes);
}
