//! Addresses, as far as fetching a file needs them.

use std::fmt;

use super::error::HttpError;

/// An address of `http` or `https`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) is_secure: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query, beginning with `/`.
    pub(super) target: String,
}

impl Url {
    /// Reads one. Names of users and passwords are refused: they would end in messages.
    pub(super) fn parse(text: &str) -> Result<Self, HttpError> {
        let refused = || HttpError::Address { text: text.to_owned() };
        let (scheme, rest) = text.split_once("://").ok_or_else(refused)?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(refused()),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| refused())?),
            _ => (authority, if is_secure { 443 } else { 80 }),
        };
        let is_clean = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || host.contains('@') || !is_clean(host) || !is_clean(target) {
            return Err(refused());
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { is_secure, host: host.to_owned(), port, target })
    }

    /// What a `Location` header means, seen from here.
    pub(super) fn join(&self, location: &str) -> Result<Self, HttpError> {
        if location.contains("://") {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme()));
        }
        let target = if location.starts_with('/') {
            location.to_owned()
        } else {
            let path = self.target.split('?').next().unwrap_or_default();
            let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
            format!("{folder}{location}")
        };
        Self::parse(&format!("{}://{}{target}", self.scheme(), self.authority()))
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }

    /// Host, and port unless it is the usual one.
    pub(super) fn authority(&self) -> String {
        let usual = if self.is_secure { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The host as it is looked up and certified: an IPv6 address without its brackets.
    pub(super) fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority(), self.target)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_their_usual_ports() {
        let url = Url::parse("https://example.org/a/b?c=d#e").unwrap();
        assert_eq!(
            (url.is_secure, url.host.as_str(), url.port, url.target.as_str()),
            (true, "example.org", 443, "/a/b?c=d")
        );
        let url = Url::parse("http://[::1]:8080").unwrap();
        assert_eq!((url.host.as_str(), url.bare_host(), url.port, url.target.as_str()), ("[::1]", "::1", 8080, "/"));
        assert_eq!(Url::parse("http://[::1]").unwrap().port, 80);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "x",
            "ftp://a/b",
            "http://",
            "http://a:b/",
            "http://user:secret@a/",
            "http://a/b c",
            "http://a/\r\nX: y",
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(
                error.to_string().ends_with("is no address: it must be http://HOST/PATH or https://HOST/PATH"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn locations_are_joined_as_a_browser_does() {
        let here = Url::parse("https://a.org:444/x/y?z").unwrap();
        for (location, there) in [
            ("http://b.org/c", "http://b.org/c"),
            ("//b.org/c", "https://b.org/c"),
            ("/c", "https://a.org:444/c"),
            ("c", "https://a.org:444/x/c"),
        ] {
            assert_eq!(here.join(location).unwrap().to_string(), there);
        }
    }
}
