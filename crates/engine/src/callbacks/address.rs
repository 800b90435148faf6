//! Where a callback may go: a plain web address, and never a place that only this machine or its network can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::Uri;

/// The address of a callback, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) encrypted: bool,
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Host and port as they stand in the address.
    pub(super) authority: String,
    /// Path and query.
    pub(super) target: String,
}

impl Address {
    /// `HOST:PORT`, as an allow-list names it.
    pub(super) fn place(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{}:{}", host.to_ascii_lowercase(), self.port)
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

/// Whether an address belongs to the public internet.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        // Shared by carriers, kept for protocols, and for measuring networks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19)))
}

/// Only what is given out for the internet; of that, not what stands for IPv4 addresses, for protocols or for documents.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    (0x2000..0x4000).contains(&a)
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_this_machine_or_its_network_reaches_is_not_public() {
        for ip in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "198.19.255.255",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "ff02::1",
            "fec0::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "8.8.8.8", "100.63.0.1", "172.32.0.1", "192.1.0.1", "2606:4700::1111", "2001:4860:4860::8888"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

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
        assert_eq!((found.place().as_str(), found.target.as_str(), found.encrypted), ("hooks.example.test:443", "/a?b=c", true));
        let found = address("http://[::1]:8080").unwrap();
        assert_eq!((found.host.as_str(), found.place().as_str(), found.target.as_str()), ("::1", "[::1]:8080", "/"));
    }
}
