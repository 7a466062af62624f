//! A server that answers as it is told, and remembers what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request: its first line and its headers, in lower case.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) line: String,
    headers: Vec<String>,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|header| header.strip_prefix(&format!("{name}: ")))
    }
}

/// An answer: some bytes, then a silence before the connection is closed.
pub(super) struct Answer {
    bytes: Vec<u8>,
    silence: Duration,
}

impl Answer {
    pub(super) fn new(status: &str, headers: &[&str], body: &[u8]) -> Self {
        let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
        for header in headers {
            bytes.extend_from_slice(format!("{header}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        Self { bytes, silence: Duration::ZERO }
    }

    pub(super) fn then_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }
}

pub(super) struct Server {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// `answer` gets the request and its number, from 0.
    pub(super) fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = Self { url, asked: Arc::clone(&asked) };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &asked, &*answer));
            }
        });
        server
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panics while it holds it").clone()
    }
}

fn serve(mut stream: TcpStream, asked: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked, usize) -> Answer) {
    let mut lines = BufReader::new(stream.try_clone().expect("a socket can be cloned")).lines().map_while(Result::ok);
    let Some(line) = lines.next() else { return };
    let headers = lines.take_while(|line| !line.is_empty()).map(|line| {
        let (name, value) = line.split_once(": ").expect("a header has a value");
        format!("{}: {value}", name.to_lowercase())
    });
    let request = Asked { line, headers: headers.collect() };
    let index = {
        let mut all = asked.lock().expect("no test panics while it holds it");
        all.push(request.clone());
        all.len() - 1
    };
    let answer = answer(&request, index);
    // Whoever has gone away has what it wanted.
    let _ = stream.write_all(&answer.bytes).and_then(|()| stream.flush());
    thread::sleep(answer.silence);
}

/// A server that knows ranges: the whole file, or what follows the first byte asked for.
pub(super) fn ranges(file: &[u8], etag: &str, asked: &Asked) -> Answer {
    let tag = format!("ETag: {etag}");
    let wants = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match wants {
        Some(from) if asked.header("if-range").is_none_or(|wanted| wanted == etag) => {
            let rest: &[u8] = &file[from..];
            let range = format!("Content-Range: bytes {from}-{}/{}", file.len() - 1, file.len());
            Answer::new("206 Partial Content", &[&tag, &range, &format!("Content-Length: {}", rest.len())], rest)
        }
        _ => Answer::new("200 OK", &[&tag, &format!("Content-Length: {}", file.len())], file),
    }
}
