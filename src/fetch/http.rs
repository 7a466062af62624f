//! A GET request of HTTP/1.1 (RFC 9110, RFC 9112), with as much of it as fetching a file needs: redirects, ranges,
//! bodies with a length, in chunks or up to the end, TLS, and proxies.
//!
//! Libraries that do more bring dependencies which change how the tensor library is built, and bound the time of a
//! whole answer; here each wait for a byte has its bound, so a slow server is not taken for one that is gone.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::error::HttpError;
use super::proxy::proxy;
use super::url::Url;

/// Browsers follow about twice as many; publishers send once or twice.
const MOST_REDIRECTS: usize = 10;
const MOST_HEAD_BYTES: u64 = 64 << 10;

/// How long the parts of a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    /// Between one byte and the next.
    pub(super) stall: Duration,
}

/// From where a file is wanted: what there is of it, and the validator it came with.
#[derive(Debug)]
pub(super) struct Resume<'a> {
    pub(super) from: u64,
    pub(super) validator: Option<&'a str>,
}

/// An answer of 200, 206 or 416, whose body has not been read.
pub(super) struct Response {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

/// A body as it comes.
struct Body {
    reader: Box<dyn BufRead>,
    left: Left,
}

/// What is to come of a body.
enum Left {
    Bytes(u64),
    /// Bytes of the present chunk; `None` before the first.
    Chunk(Option<u64>),
    ToEnd,
    Nothing,
}

/// Asks for a file, following redirects.
pub(super) fn get(url: &Url, resume: Option<&Resume<'_>>, timeouts: Timeouts) -> Result<Response, HttpError> {
    let mut url = url.clone();
    for _ in 0..=MOST_REDIRECTS {
        let response = request(&url, resume, timeouts)?;
        match response.status {
            200 | 206 | 416 => return Ok(response),
            301 | 302 | 303 | 307 | 308 => {
                let location = response.header("location");
                let next = url.join(location.ok_or(HttpError::Malformed { what: "a redirect without an address" })?)?;
                if url.is_secure && !next.is_secure {
                    return Err(HttpError::Downgrade { to: next.to_string() });
                }
                url = next;
            }
            code => {
                let reason = reason(code);
                let status = if reason.is_empty() { code.to_string() } else { format!("{code} ({reason})") };
                return Err(HttpError::Status { status, code });
            }
        }
    }
    Err(HttpError::Redirects { most: MOST_REDIRECTS })
}

/// The codes that fetching meets, in words of our own: a server's may be anything.
fn reason(code: u16) -> &'static str {
    match code {
        401 | 403 | 407 => "access refused",
        404 | 410 => "no such file",
        429 => "too many requests",
        500..=599 => "it has a fault, or is overloaded",
        _ => "",
    }
}

fn request(url: &Url, resume: Option<&Resume<'_>>, timeouts: Timeouts) -> Result<Response, HttpError> {
    let (mut stream, is_proxied) = connect(url, timeouts)?;
    // A proxy without a tunnel is told the whole address.
    let target = if is_proxied && !url.is_secure { url.to_string() } else { url.target.clone() };
    let mut head = format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\nUser-Agent: xrun/{}\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n",
        url.authority(),
        env!("CARGO_PKG_VERSION")
    );
    if let Some(resume) = resume {
        head.push_str(&format!("Range: bytes={}-\r\n", resume.from));
        if let Some(validator) = resume.validator {
            head.push_str(&format!("If-Range: {validator}\r\n"));
        }
    }
    head.push_str("\r\n");
    let failed = |source: io::Error| HttpError::of(&source, timeouts.stall, 0);
    stream.write_all(head.as_bytes()).and_then(|()| stream.flush()).map_err(failed)?;
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    let (status, headers) = read_head(&mut reader, timeouts)?;
    let mut response = Response { status, headers, body: Body { reader: Box::new(reader), left: Left::Nothing } };
    response.body.left = response.left()?;
    Ok(response)
}

/// Both ends of a connection, secured or not.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Connects to a server, and says whether by a proxy.
fn connect(url: &Url, timeouts: Timeouts) -> Result<(Box<dyn Stream>, bool), HttpError> {
    let proxy = proxy(url, |name| std::env::var(name).ok())?;
    let mut socket = open(proxy.as_ref().unwrap_or(url), timeouts)?;
    if !url.is_secure {
        return Ok((Box::new(socket), proxy.is_some()));
    }
    if proxy.is_some() {
        tunnel(&mut socket, url, timeouts)?;
    }
    let secure = |source| HttpError::Secure { host: url.authority(), source };
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(secure)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name =
        ServerName::try_from(url.bare_host().to_owned()).map_err(|_| HttpError::Address { text: url.to_string() })?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(secure)?;
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(&mut socket) {
            return Err(match error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>()) {
                Some(source) => secure(source.clone()),
                None => HttpError::of(&error, timeouts.stall, 0),
            });
        }
    }
    Ok((Box::new(StreamOwned::new(connection, socket)), proxy.is_some()))
}

/// Opens a socket to the first of a host's addresses that answers.
fn open(url: &Url, timeouts: Timeouts) -> Result<TcpStream, HttpError> {
    let failed = |source| HttpError::Connect { host: url.authority(), source };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "it has no address");
    for address in (url.bare_host(), url.port).to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&address, timeouts.connect) {
            Ok(socket) => {
                socket.set_read_timeout(Some(timeouts.stall)).map_err(failed)?;
                socket.set_write_timeout(Some(timeouts.stall)).map_err(failed)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// Asks a proxy for a tunnel.
fn tunnel(socket: &mut TcpStream, url: &Url, timeouts: Timeouts) -> Result<(), HttpError> {
    let host = format!("{}:{}", url.host, url.port);
    let failed = |source: io::Error| HttpError::of(&source, timeouts.stall, 0);
    socket.write_all(format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).map_err(failed)?;
    // Byte by byte: what follows the head belongs to the tunnel.
    let (status, _) = read_head(&mut BufReader::with_capacity(1, socket), timeouts)?;
    match status {
        200..=299 => Ok(()),
        code => Err(HttpError::Status { status: format!("{code} (the proxy gives no tunnel)"), code }),
    }
}

/// Reads status and headers, these with small names. Interim answers (1xx) are passed over.
fn read_head(reader: &mut impl BufRead, timeouts: Timeouts) -> Result<(u16, Vec<(String, String)>), HttpError> {
    let mut reader = reader.take(MOST_HEAD_BYTES);
    let mut line = || {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).map_err(|source| HttpError::of(&source, timeouts.stall, 0))?;
        if line.pop() != Some(b'\n') {
            let is_long = reader.limit() == 0;
            return Err(if is_long {
                HttpError::Malformed { what: "its head is too long" }
            } else {
                HttpError::Cut { n_bytes: 0 }
            });
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    };
    loop {
        let first = line()?;
        let status =
            first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let status: u16 = status.ok_or(HttpError::Malformed { what: "it does not begin with a status" })?;
        let mut headers = Vec::new();
        loop {
            let header = line()?;
            if header.is_empty() {
                break;
            }
            let (name, value) =
                header.split_once(':').ok_or(HttpError::Malformed { what: "a header without a value" })?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if status >= 200 {
            return Ok((status, headers));
        }
    }
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// What tells this version of the file from another: its strong ETag, else when it was changed.
    pub(super) fn validator(&self) -> Option<&str> {
        let strong = self.header("etag").filter(|etag| !etag.starts_with("W/"));
        strong.or_else(|| self.header("last-modified"))
    }

    /// Of a part, the position of its first byte.
    pub(super) fn start(&self) -> Option<u64> {
        let range = self.header("content-range")?.strip_prefix("bytes ")?;
        range.split('-').next()?.trim().parse().ok()
    }

    /// Bytes to come, if that was said.
    pub(super) fn n_bytes(&self) -> Option<u64> {
        match self.body.left {
            Left::Bytes(n) => Some(n),
            _ => None,
        }
    }

    fn left(&self) -> Result<Left, HttpError> {
        if let Some(coding) = self.header("transfer-encoding") {
            let is_chunked = coding.eq_ignore_ascii_case("chunked");
            return if is_chunked {
                Ok(Left::Chunk(None))
            } else {
                Err(HttpError::Malformed { what: "an unknown coding" })
            };
        }
        if self.header("content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
            return Err(HttpError::Malformed { what: "it is compressed on the way, which was not asked for" });
        }
        match self.header("content-length") {
            Some(n) => n.parse().map(Left::Bytes).map_err(|_| HttpError::Malformed { what: "its length is no number" }),
            None => Ok(Left::ToEnd),
        }
    }
}

impl Read for Response {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

impl Read for Body {
    /// An end that comes too early is an error of the kind `UnexpectedEof`.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Left::Chunk(n) = self.left
            && n.unwrap_or(0) == 0
        {
            self.next_chunk(n.is_some())?;
        }
        let most = match self.left {
            Left::Nothing | Left::Bytes(0) => return Ok(0),
            Left::Bytes(n) | Left::Chunk(Some(n)) => usize::try_from(n).unwrap_or(usize::MAX).min(buffer.len()),
            Left::ToEnd | Left::Chunk(None) => buffer.len(),
        };
        let n = self.reader.read(&mut buffer[..most])?;
        match &mut self.left {
            Left::Bytes(left) | Left::Chunk(Some(left)) if n > 0 => *left -= n as u64,
            Left::Bytes(_) | Left::Chunk(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Left::ToEnd | Left::Nothing => {}
        }
        Ok(n)
    }
}

impl Body {
    fn next_chunk(&mut self, ends_one: bool) -> io::Result<()> {
        if ends_one {
            self.line()?;
        }
        let line = self.line()?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        self.left = if size == 0 { Left::Nothing } else { Left::Chunk(Some(size)) };
        Ok(())
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.reader.by_ref().take(MOST_HEAD_BYTES).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}
