//! Where a message may go: a plain web address, taken apart.

use hyper::Uri;

use super::Place;

/// A web address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) encrypted: bool,
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host and port as they stand in the address.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
}

impl Address {
    /// The machine that it leads to.
    pub(crate) fn place(&self) -> Place {
        Place::new(&self.host, self.port)
    }
}

/// Takes an address apart, or says what is wrong with it.
pub(crate) fn address(url: &str) -> Result<Address, &'static str> {
    if url.contains('#') || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("has a fragment, a space or a control character");
    }
    let uri: Uri = url.parse().map_err(|_| "is no web address")?;
    let encrypted = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err("does not begin with https:// or http://"),
    };
    let authority = uri.authority().ok_or("names no host")?;
    if authority.as_str().contains('@') {
        return Err("holds a user or a password: sign with a secret instead");
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err("names no host");
    }
    Ok(Address {
        encrypted,
        host: host.to_owned(),
        port: authority.port_u16().unwrap_or(if encrypted { 443 } else { 80 }),
        authority: authority.as_str().to_owned(),
        target: uri.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_plain_web_address() {
        for url in [
            "ftp://x/",
            "x.test/hook",
            "https://",
            "https://user:pw@x.test/",
            "https://x.test/#a",
            "https://x.test/ a",
            "file:///etc/passwd",
            "",
        ] {
            assert!(address(url).is_err(), "{url:?}");
        }
        let found = address("https://Hooks.Example.test/a?b=c").unwrap();
        assert_eq!(
            (found.place().to_string().as_str(), found.target.as_str(), found.encrypted),
            ("hooks.example.test:443", "/a?b=c", true)
        );
        let found = address("http://[::1]:8080").unwrap();
        assert_eq!((found.host.as_str(), found.place().to_string().as_str(), found.target.as_str()), ("::1", "[::1]:8080", "/"));
    }
}
