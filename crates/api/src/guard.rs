//! What a request must look like before anything else is asked: its Host, its Origin, its content type, its size.
//!
//! **Invariant:** Host is matched against a list that the configuration makes, never against what the client sends,
//! so a name that is rebound to this machine is refused on every route.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::{HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::ApiError;
use crate::problem::Problem;
use crate::server::Peer;
use crate::state::App;

/// The hosts this server may be called by.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    names: Vec<String>,
    origins: Vec<String>,
    /// Whether every address is one too.
    addresses: bool,
}

impl Hosts {
    /// The list for a listener bound at `local`.
    pub(crate) fn new(local: SocketAddr, configured: &[String]) -> Result<Self, ApiError> {
        let port = local.port();
        let mut hosts = Vec::new();
        let mut names = vec!["127.0.0.1".to_owned(), "localhost".to_owned(), "[::1]".to_owned()];
        if local.ip().is_loopback() {
            names.push(match local.ip() {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            });
        }
        for name in names {
            if port == 80 {
                hosts.push(name.clone());
            }
            hosts.push(format!("{name}:{port}"));
        }
        let mut origins: Vec<String> = hosts.iter().map(|host| format!("http://{host}")).collect();
        for host in configured {
            let host = host.trim().to_ascii_lowercase();
            if !is_host(&host) {
                return Err(ApiError::BadHost { host });
            }
            let mut spellings = vec![host.clone()];
            if !has_port(&host) {
                spellings.push(format!("{host}:{port}"));
            }
            for spelling in spellings {
                // A proxy in front may speak TLS.
                origins.push(format!("http://{spelling}"));
                origins.push(format!("https://{spelling}"));
                hosts.push(spelling);
            }
        }
        Ok(Self { names: hosts, origins, addresses: false })
    }

    /// The same, and every address: machines call by it, and no name that is rebound looks like one.
    pub(crate) fn and_addresses(self) -> Self {
        Self { addresses: true, ..self }
    }

    fn allows(&self, host: &str) -> bool {
        (self.addresses && is_address(host)) || self.names.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }

    fn allows_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }
}

fn is_host(host: &str) -> bool {
    let shape = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    !host.is_empty() && host.len() <= 255 && host.bytes().all(shape) && host.parse::<axum::http::uri::Authority>().is_ok()
}

fn is_address(host: &str) -> bool {
    let host = host.parse::<axum::http::uri::Authority>();
    host.is_ok_and(|host| host.host().trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok())
}

fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// Refuses what a web page of somebody else could send, before anything else looks at the request.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::Unknown);
    match check(&app, peer, request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            tracing::warn!(peer = %peer, method = %request.method(), path = request.uri().path(), status = problem.status().as_u16(), "Refused a request");
            problem.into_response()
        }
    }
}

/// The same for the listener of the figures, where there is nothing but to read.
pub(crate) async fn guard_figures(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    match check_host(&hosts, request.uri(), request.headers()).and_then(|()| check_origin(&hosts, request.headers())) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(app: &App, peer: Peer, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if peer != Peer::AgentSocket {
        check_host(&app.hosts, uri, headers)?;
    }
    check_origin(&app.hosts, headers)?;
    if uri.path_and_query().is_some_and(|asked| asked.as_str().contains("%00")) {
        return Err(Problem::bad_request("the address holds a NUL character").hint("leave %00 out"));
    }
    if *method == Method::GET || *method == Method::HEAD || *method == Method::OPTIONS {
        return Ok(());
    }
    check_is_json(headers)?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if length.is_some_and(|bytes| bytes > app.limits.body_bytes_max as u64) {
        return Err(too_large(app.limits.body_bytes_max));
    }
    Ok(())
}

/// The refusal of a body over the bound.
pub(crate) fn too_large(bytes_max: usize) -> Problem {
    Problem::too_large(format!("a body may have {bytes_max} bytes")).hint("send less at once")
}

fn check_host(hosts: &Hosts, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail: String| Problem::forbidden(detail).hint("call it by the address it printed, or add the name to allowed_hosts");
    let mut given = headers.get_all(header::HOST).iter();
    let host = match (given.next(), given.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        _ => return Err(refused("the request has no Host header, or more than one".to_owned())),
    };
    // `GET http://evil.test/ HTTP/1.1` names its host twice: both must be right.
    let target = uri.authority().map_or(host, axum::http::uri::Authority::as_str);
    if hosts.allows(host) && hosts.allows(target) {
        return Ok(());
    }
    Err(refused("this server does not answer to that Host".to_owned()))
}

fn check_origin(hosts: &Hosts, headers: &HeaderMap) -> Result<(), Problem> {
    for origin in headers.get_all(header::ORIGIN) {
        if !origin.to_str().is_ok_and(|origin| hosts.allows_origin(origin)) {
            return Err(Problem::forbidden("requests from other sites' pages are refused")
                .hint("call the API from a program, or from a page this server serves"));
        }
    }
    Ok(())
}

fn check_is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = match (given.next(), given.next()) {
        (Some(value), None) => {
            value.to_str().is_ok_and(|value| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json"))
        }
        _ => false,
    };
    let is_plain = headers.get(header::CONTENT_ENCODING).is_none_or(|v| v.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_json && is_plain {
        return Ok(());
    }
    Err(Problem::not_json("a request that changes something must be uncompressed application/json")
        .hint("send the header Content-Type: application/json, without a body too"))
}

/// Sets on every answer what keeps a browser from doing more with it than showing it.
pub(crate) async fn harden(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, HeaderValue); 7] = [
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
        ),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        // Where the answer itself says how long it lasts, that counts.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ];
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(configured: &[&str]) -> Hosts {
        let configured: Vec<String> = configured.iter().map(|&h| h.to_owned()).collect();
        Hosts::new(SocketAddr::from(([127, 0, 0, 1], 3001)), &configured).expect("hosts")
    }

    #[test]
    fn only_loopback_names_with_the_port_are_hosts_by_default() {
        let hosts = hosts(&[]);
        for host in ["127.0.0.1:3001", "localhost:3001", "LOCALHOST:3001", "[::1]:3001"] {
            assert!(hosts.allows(host), "{host}");
        }
        for host in
            ["", "localhost", "localhost:3002", "evil.test:3001", "127.0.0.1:3001.evil.test", "localhost.evil.test:3001", "127.0.0.1.:3001"]
        {
            assert!(!hosts.allows(host), "{host}");
        }
    }

    #[test]
    fn a_configured_name_is_a_host_with_and_without_the_port_and_an_origin_over_tls_too() {
        let hosts = hosts(&["Windlass.example"]);
        assert!(hosts.allows("windlass.example") && hosts.allows("windlass.example:3001"));
        assert!(hosts.allows_origin("https://windlass.example"));
        assert!(!hosts.allows("windlass.example:80") && !hosts.allows_origin("https://localhost:3001"));
    }

    #[test]
    fn an_address_is_a_host_only_where_addresses_are() {
        for host in ["10.1.2.3:9090", "10.1.2.3", "[fd00::1]:9090", "[::1]"] {
            assert!(hosts(&[]).and_addresses().allows(host) && !hosts(&[]).allows(host), "{host}");
        }
        for host in ["", "10.1.2.3.evil.test:9090", "evil.test", "2130706433", "x@10.1.2.3.evil.test"] {
            assert!(!hosts(&[]).and_addresses().allows(host), "{host}");
        }
    }

    #[test]
    fn what_cannot_be_a_host_header_cannot_be_allowed() {
        for host in ["", "*", "http://a", "a/b", "a b", "a@b", "a,b"] {
            assert!(Hosts::new(SocketAddr::from(([127, 0, 0, 1], 1)), &[host.to_owned()]).is_err(), "{host:?}");
        }
    }
}
