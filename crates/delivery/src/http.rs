//! One HTTP call to one server: bounded in time and bytes, and never to anybody else.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::ForgeProblem;
use crate::text;
use crate::token::Token;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next call.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer that is read: well above a full page of what is asked for.
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// How often one call is sent on within the server, as after a repository was renamed.
const MAX_REDIRECTS: usize = 3;
/// The version of the API that is spoken.
const API_VERSION: &str = "2022-11-28";
const USER_AGENT: &str = concat!("windlass/", env!("CARGO_PKG_VERSION"));

/// A client of one server.
pub(crate) struct Http {
    way: Way,
    /// `https://HOST/PATH`, without a slash at its end.
    base: String,
    token: Token,
    timeout: Duration,
}

/// How the server is reached.
enum Way {
    Direct(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
    Proxy(Client<HttpsConnector<Tunnel<HttpConnector>>, Full<Bytes>>),
}

/// What came back, whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// A client of the server at `base`, which is `http` or `https` with a host.
    pub(crate) fn new(base: &Uri, token: Token, timeout: Duration, proxies: &Matcher) -> Result<Self, String> {
        let encrypted = base.scheme_str() == Some("https");
        let tls = tls(encrypted)?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT.min(timeout)));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_TIMEOUT);
        // What is not encrypted stays on this machine.
        let way = match proxies.intercept(base).filter(|_| encrypted) {
            None => Way::Direct(client.build(https.wrap_connector(tcp))),
            Some(proxy) => {
                if proxy.uri().scheme_str() != Some("http") {
                    return Err(format!("its proxy is a {} proxy; only http:// is known", proxy.uri().scheme_str().unwrap_or("nameless")));
                }
                let tunnel = Tunnel::new(proxy.uri().clone(), tcp);
                let tunnel = if let Some(auth) = proxy.basic_auth() { tunnel.with_auth(auth.clone()) } else { tunnel };
                Way::Proxy(client.build(https.wrap_connector(tunnel)))
            }
        };
        Ok(Self { way, base: base.to_string().trim_end_matches('/').to_owned(), token, timeout })
    }

    pub(crate) const fn token(&self) -> &Token {
        &self.token
    }

    /// Asks once, following the server within itself. `target` is path and query behind the base address.
    pub(crate) async fn send(&self, method: &Method, target: &str, body: Option<Bytes>) -> Result<Answer, ForgeProblem> {
        let whole = async {
            let mut url = format!("{}{target}", self.base);
            for _ in 0..=MAX_REDIRECTS {
                let response = self.send_to(method, &url, body.clone()).await?;
                match self.next_place(method, &response) {
                    Some(next) => url = next,
                    None => return self.read(response).await,
                }
            }
            Err(ForgeProblem::BadAnswer("it is sent from place to place".to_owned()))
        };
        match tokio::time::timeout(self.timeout, whole).await {
            Ok(answer) => answer,
            Err(_) => Err(ForgeProblem::Unavailable(format!("no whole answer within {:?}", self.timeout))),
        }
    }

    async fn send_to(&self, method: &Method, url: &str, body: Option<Bytes>) -> Result<Response<Incoming>, ForgeProblem> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::AUTHORIZATION, self.token.header());
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let request = request
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|_| ForgeProblem::Invalid("its address cannot be put together: a name in it is too long"))?;
        let sent = match &self.way {
            Way::Direct(client) => client.request(request).await,
            Way::Proxy(client) => client.request(request).await,
        };
        sent.map_err(|e| self.no_answer(&e))
    }

    /// Where the same server wants the call sent instead. Another server is none: then the answer is what there is.
    fn next_place(&self, method: &Method, response: &Response<Incoming>) -> Option<String> {
        let again = match response.status() {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::GET,
            _ => false,
        };
        let place = response.headers().get(header::LOCATION)?.to_str().ok()?;
        let inside = place.strip_prefix(&self.base)?;
        (again && inside.starts_with('/')).then(|| place.to_owned())
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Answer, ForgeProblem> {
        let (parts, body) = response.into_parts();
        match Limited::new(body, MAX_ANSWER_BYTES).collect().await {
            Ok(body) => Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes().to_vec() }),
            Err(e) if e.is::<LengthLimitError>() => Err(ForgeProblem::BadAnswer(format!("it is longer than {MAX_ANSWER_BYTES} bytes"))),
            Err(_) => Err(ForgeProblem::Unavailable("the answer broke off".to_owned())),
        }
    }

    fn no_answer(&self, error: &Error) -> ForgeProblem {
        let causes = || std::iter::successors(error.source(), |&cause| cause.source());
        if let Some(why) = causes().find_map(bad_certificate) {
            let advice = "if it is your own authority's, name that one's PEM file by SSL_CERT_FILE";
            return ForgeProblem::BadConfiguration(format!("its certificate is not accepted ({why}); {advice}"));
        }
        let mut cause = text::line(&causes().last().map_or_else(|| error.to_string(), ToString::to_string), 200);
        self.token.redact(&mut cause);
        let what = if error.is_connect() { "no connection" } else { "the connection broke before an answer" };
        ForgeProblem::Unavailable(format!("{what}: {cause}"))
    }
}

/// What is wrong with the server's certificate, where that is the error. TLS has its errors inside of those of I/O, however deep.
fn bad_certificate(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
        return Some(text::line(&why.to_string(), 200));
    }
    bad_certificate(error.downcast_ref::<std::io::Error>()?.get_ref()?)
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("base", &self.base).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// TLS by the machine's authorities, which only an encrypted server needs.
fn tls(encrypted: bool) -> Result<ClientConfig, String> {
    let mut authorities = RootCertStore::empty();
    if encrypted {
        // One that cannot be read is one that vouches for nobody.
        authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if authorities.is_empty() {
            return Err("no certificate authority was found on this machine; name a PEM file by SSL_CERT_FILE".to_owned());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| format!("TLS cannot be set up: {e}"))?;
    Ok(builder.with_root_certificates(authorities).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::CertificateError;

    use super::*;

    #[test]
    fn a_certificate_that_nobody_vouches_for_is_told_from_a_broken_connection() {
        let tls = |error: rustls::Error| bad_certificate(&io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error)));
        assert!(tls(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)).is_some());
        assert_eq!(tls(rustls::Error::HandshakeNotComplete), None);
        assert_eq!(bad_certificate(&io::Error::from(io::ErrorKind::ConnectionReset)), None);
    }
}
