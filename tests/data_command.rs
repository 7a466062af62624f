//! `xrun data`: what it prints, where it writes, and how it ends.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use support::Project;

/// A server that gives every request this answer; its address.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn ls_lists_what_can_be_fetched_and_what_is_there() {
    let project = Project::new().file("data/oxford-iiit-pet/images.tar.gz.part", "");
    let output = project.xrun(["data", "ls"]);
    output.code(0).stderr_is("");
    let line = |name: &str| {
        let lines = output.stdout.lines().filter(|line| line.starts_with(&format!(" {name} ")));
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).next().unwrap_or_default()
    };
    assert!(line("mnist").starts_with("mnist 11.6 MB - data/mnist MNIST: 70,000 handwritten digits"), "{output}");
    assert!(line("pets").starts_with("pets 811.1 MB incomplete data/oxford-iiit-pet Oxford-IIIT Pet"), "{output}");
    assert!(line("resnet18").contains("data/weights/resnet18-f37072fd.pth ResNet-18"), "{output}");

    let output = project.xrun(["data", "ls", "--json", "--into", "elsewhere"]);
    let lines: Vec<serde_json::Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect();
    let names: Vec<&str> = lines.iter().filter_map(|line| line["name"].as_str()).collect();
    let wanted = [
        "mnist",
        "fashion_mnist",
        "cifar10",
        "pets",
        "densenet121",
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet50_v2",
        "efficientnet_lite0",
    ];
    assert_eq!(names, wanted);
    assert_eq!(lines[0]["size_bytes"], 11_594_722);
    assert_eq!(lines[0]["path"], project.path("elsewhere/mnist").to_str().expect("it is text"));
    assert_eq!((&lines[0]["state"], &lines[0]["kind"]), (&"absent".into(), &"data set".into()));
}

#[test]
fn a_name_that_is_not_in_the_table_fetches_nothing() {
    let project = Project::new();
    project
        .xrun(["data", "fetch", "mnist", "resnet8"])
        .code(2)
        .stdout_is("")
        .stderr_is("error: there is nothing to fetch under the name `resnet8`\nhint: did you mean `resnet18`?\n");
    project.xrun(["data", "verify", "imagenet-21k-whole"]).code(2).stderr_is(
        "error: there is nothing to fetch under the name `imagenet-21k-whole`\nhint: `xrun data ls` lists the names\n",
    );
    assert!(!project.path("data").exists());
}

#[test]
fn a_fetch_that_fails_says_how_to_do_it_by_hand() {
    let url = server("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let project = Project::new();
    project.xrun(["data", "fetch", "resnet18", "--url", &url]).code(1).stdout_is("").stderr_is(&format!(
        "error: cannot fetch {url}/resnet18-f37072fd.pth: the server answered 404 (no such file)\n\
         hint: run it again to go on; to do it by hand, save\n  \
         https://download.pytorch.org/models/resnet18-f37072fd.pth\n    \
         as [PROJECT]/data/weights/resnet18-f37072fd.pth\n  \
         then `xrun data verify resnet18` checks it, and `xrun data fetch resnet18` takes and unpacks what is there\n"
    ));
}

#[test]
fn a_fetch_of_another_file_says_so_and_keeps_nothing() {
    let url = server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    let project = Project::new();
    let output = project.xrun(["data", "fetch", "resnet18", "--url", &url, "--into", "w"]);
    output.code(1).stdout_is("").stderr_is(&format!(
        "fetching resnet18-f37072fd.pth (46.8 MB)\n\
         error: {url}/resnet18-f37072fd.pth gave another file than was published: its sha256 is \
         ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, but sha256 \
         f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec must hold; what came was removed\n\
         hint: try again, or a mirror with --url; if it stays so, the publisher has changed the file and xrun must learn the new one\n"
    ));
    assert_eq!(project.names("w/weights"), [".resnet18.lock"]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_named_with_the_remedy() {
    let project = Project::new().by_nobody();
    fs::create_dir(project.path("data")).expect("the folder can be made");
    support::set_mode(&project.path("data"), 0o555);
    project.xrun(["data", "fetch", "mnist"]).code(1).stderr_is(
        "error: cannot write [PROJECT]/data/mnist: Permission denied (os error 13)\n\
         hint: choose a folder that can be written with --into DIR, or mend the permissions of this one\n",
    );
}

#[test]
fn a_fetch_while_another_one_runs_is_refused() {
    let project = Project::new().file("data/weights/.resnet18.lock", "");
    let held = fs::File::options().write(true).open(project.path("data/weights/.resnet18.lock")).expect("it is there");
    held.lock().expect("nobody else has it");
    project
        .xrun(["data", "fetch", "resnet18"])
        .code(6)
        .stderr_is("error: another process fetches resnet18 into [PROJECT]/data/weights; wait for it to end\n");
}

#[test]
fn verify_tells_what_is_wrong_and_what_is_missing() {
    let project = Project::new();
    project
        .xrun(["data", "verify"])
        .code(0)
        .stdout_is("")
        .stderr_is("nothing that was published is in [PROJECT]/data\n");
    project.write("data/weights/resnet18-f37072fd.pth", "abc");
    let path = "[PROJECT]/data/weights/resnet18-f37072fd.pth";
    project
        .xrun(["data", "verify"])
        .code(1)
        .stdout_is(&format!(
            "resnet18  {path}: WRONG, its sha256 is ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, \
             but sha256 f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec must hold\n"
        ))
        .stderr_is(&format!(
            "error: {path} is not as published\n\
             hint: `xrun data fetch NAME` gets what is missing; what is wrong must be moved away before\n"
        ));
    let output = project.xrun(["data", "verify", "mnist"]);
    output.code(1).stdout_contains("train-images-idx3-ubyte.gz: WRONG, missing\n");
    output.stderr_contains("error: 4 files or folders are not as published\n");
}

#[test]
fn a_stall_that_is_no_time_is_refused() {
    let output = Project::new().xrun(["data", "fetch", "mnist", "--stall", "0"]);
    output.code(2).stderr_contains("it must be a number of seconds from 0.001 to 86400");
}

#[test]
fn a_proxy_is_asked_for_the_whole_address_or_for_a_tunnel() {
    // It finds a file for the whole address alone, and refuses every tunnel.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let proxy = format!("http://{}", listener.local_addr().expect("it has an address"));
    thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            let mut request = [0; 4096];
            let n = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..n]).into_owned();
            let answer = match request.lines().next() {
                Some("GET http://mirror.invalid/resnet18-f37072fd.pth HTTP/1.1") => "410 Gone",
                Some("CONNECT mirror.invalid:443 HTTP/1.1") => "403 Forbidden",
                _ => "400 Bad Request",
            };
            let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        }
    });
    let project = Project::new().env("http_proxy", &proxy).env("HTTPS_PROXY", &proxy);
    let fetch = |url: &str| project.xrun(["data", "fetch", "resnet18", "--url", url]);
    let failed = |url: &str, status: &str| {
        format!("error: cannot fetch {url}/resnet18-f37072fd.pth: the server answered {status}\n")
    };
    let (plain, secure) = ("http://mirror.invalid", "https://mirror.invalid");
    fetch(plain).code(1).stderr_contains(&failed(plain, "410 (no such file)"));
    fetch(secure).code(1).stderr_contains(&failed(secure, "403 (the proxy gives no tunnel)"));
}
