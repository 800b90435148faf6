//! Which hosts a sandboxed program may speak to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text_enum;

/// Whom a project's programs may speak to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkMode {
    /// Everybody whom the daemon's user may.
    #[default]
    Open,
    /// The hosts that are named, and an agent its model.
    AllowList,
    /// Nobody, but an agent its model.
    None,
}

impl NetworkMode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::AllowList, Self::None];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::AllowList => "allow-list",
            Self::None => "none",
        }
    }
}

text_enum!(NetworkMode, "network mode");

/// A rule that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no host: write example.org, example.org:443, *.example.org, 10.0.0.7:8080 or [::1]:8080")]
pub struct BadHostRule(pub String);

/// A host, or all hosts below a name; at one port, or at 80 and 443.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRule {
    /// In lower case, without a final dot and without `*.`.
    name: String,
    below: bool,
    port: Option<u16>,
}

/// The ports of a rule that names none.
const USUAL_PORTS: [u16; 2] = [80, 443];

impl std::str::FromStr for HostRule {
    type Err = BadHostRule;
    fn from_str(text: &str) -> Result<Self, BadHostRule> {
        let bad = || BadHostRule(text.chars().take(200).collect());
        let (host, port) = split_port(text).ok_or_else(bad)?;
        let (below, host) = host.strip_prefix("*.").map_or((false, host), |name| (true, name));
        let name = plain_name(host).filter(|name| !below || name.parse::<IpAddr>().is_err()).ok_or_else(bad)?;
        Ok(Self { name, below, port })
    }
}

impl HostRule {
    /// Whether the rule is for this host at this port.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        let Some(host) = plain_name(host) else { return false };
        let named = if self.below { host.strip_suffix(&self.name).is_some_and(|rest| rest.ends_with('.')) } else { host == self.name };
        named && self.port.map_or(USUAL_PORTS.contains(&port), |own| own == port)
    }
}

/// `HOST`, `HOST:PORT`, `[V6]` or `[V6]:PORT`.
pub fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?.parse().ok()?) };
        return Some((host, port));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => Some((host, Some(port.parse().ok()?))),
        // No port, or a bare IPv6 address.
        _ => Some((text, None)),
    }
}

/// A host's name as names are compared; `None` when it is none.
fn plain_name(host: &str) -> Option<String> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(address.to_canonical().to_string());
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    // Numbers that some resolvers take for an address (`2130706433`, `0x7f.1`) are no names.
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit()) || last.to_ascii_lowercase().starts_with("0x");
    (host.len() <= 253 && !is_number && host.split('.').all(label)).then(|| host.to_ascii_lowercase())
}

/// Whether an address is of the public internet: not of this machine, its network, or what clouds tell their machines.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special =
        v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.is_documentation();
    // This network, carrier NAT, protocol assignments, 6to4 relays, benchmarking, reserved.
    !(special
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240)
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [first, second, ..] = v6.segments();
    // Global unicast, without documentation, 6to4, Teredo and NAT64, which carry an IPv4 address of anybody's choice.
    let is_documentation = (first == 0x2001 && second == 0xdb8) || (first == 0x3fff && second < 0x1000);
    (first & 0xe000) == 0x2000 && !is_documentation && !(first == 0x2001 && second < 0x200) && first != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(text: &str) -> HostRule {
        text.parse().unwrap()
    }

    #[test]
    fn a_rule_is_for_its_host_and_ports_and_no_other() {
        for (text, host, port, allowed) in [
            ("example.org", "example.org", 443, true),
            ("example.org", "EXAMPLE.org.", 80, true),
            ("example.org", "example.org", 22, false),
            ("example.org:22", "example.org", 22, true),
            ("example.org:22", "example.org", 443, false),
            ("example.org", "evil-example.org", 443, false),
            ("example.org", "a.example.org", 443, false),
            ("*.example.org", "a.example.org", 443, true),
            ("*.example.org", "a.b.example.org", 443, true),
            ("*.example.org", "example.org", 443, false),
            ("*.example.org", "evilexample.org", 443, false),
            ("*.example.org", "a.example.org.evil.test", 443, false),
            ("127.0.0.1:8080", "127.0.0.1", 8080, true),
            ("127.0.0.1:8080", "::ffff:127.0.0.1", 8080, true),
            ("[::1]:8080", "::1", 8080, true),
            ("127.0.0.1:8080", "2130706433", 8080, false),
        ] {
            assert_eq!(rule(text).allows(host, port), allowed, "{text} {host}:{port}");
        }
    }

    #[test]
    fn what_names_no_host_is_no_rule() {
        for text in ["", "*", "*.", "*.10.0.0.1", "a b", "a/b", "http://a", "a:x", "a:70000", "a..b", "2130706433", "0x7f.1", "[::1", "-\n"]
        {
            assert!(text.parse::<HostRule>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn addresses_of_this_machine_its_network_and_of_clouds_are_not_public() {
        for text in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "192.88.99.1",
            "198.19.255.255",
            "203.0.113.7",
            "240.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "::127.0.0.1",
            "2001::1",
            "3fff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "140.82.121.4",
            "100.63.0.1",
            "172.32.0.1",
            "192.1.0.1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450:4001::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_rule_panic(rule in ".{0,80}", host in ".{0,80}", port in 0u16..) {
            if let Ok(rule) = rule.parse::<HostRule>() {
                rule.allows(&host, port);
            }
        }
    }
}
