//! Connecting to a receiver: never to a place that only this machine or its network can reach, unless it is named.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use windlass_types::is_public;

use super::Problem;

/// How long one of a receiver's addresses may take to answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// The most of a receiver's addresses that are tried.
const ADDRESSES_MAX: usize = 4;

/// Host and port; shown as `HOST:PORT`, as an allow-list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Place {
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_ascii_lowercase(), port }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

/// The receivers that may be anywhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed<'a> {
    /// The table of the configuration that names them.
    pub(crate) table: &'static str,
    /// They, as HOST:PORT.
    pub(crate) places: &'a [String],
}

impl Allowed<'_> {
    /// Whether this one is among them.
    pub(crate) fn has(&self, place: &Place) -> bool {
        let place = place.to_string();
        self.places.iter().any(|allowed| allowed.eq_ignore_ascii_case(&place))
    }
}

/// Connects to what the name means now: what is looked at is what is connected to.
pub(crate) async fn connect(place: &Place, allowed: Allowed<'_>) -> Result<TcpStream, Problem> {
    let found = tokio::net::lookup_host((place.host.as_str(), place.port)).await;
    let found: Vec<SocketAddr> = found.map_err(|e| Problem::Later(format!("{place} could not be looked up: {e}")))?.collect();
    if !allowed.has(place)
        && let Some(inside) = found.iter().find(|found| !is_public(found.ip()))
    {
        let text = format!(
            "{place} is {}, which is not on the public internet: [{}] allow in the configuration would have to name it",
            inside.ip(),
            allowed.table
        );
        return Err(Problem::Never(text));
    }
    let mut last = "it has no address".to_owned();
    for address in found.into_iter().take(ADDRESSES_MAX) {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => last = e.to_string(),
            Err(_) => "it does not answer".clone_into(&mut last),
        }
    }
    Err(Problem::Later(format!("no connection to {place}: {last}")))
}

/// Speaks TLS from now on, with who is called by that name.
pub(crate) async fn encrypt(place: &Place, stream: TcpStream) -> Result<TlsStream<TcpStream>, Problem> {
    let failed = |why: String| Problem::Later(format!("no TLS with {place}: {why}"));
    let config = TLS.clone().map_err(failed)?;
    let name = ServerName::try_from(place.host.clone()).map_err(|e| failed(e.to_string()))?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|e| failed(e.to_string()))
}

/// TLS by the machine's authorities.
static TLS: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(|| {
    let mut authorities = RootCertStore::empty();
    // One that cannot be read is one that vouches for nobody.
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if authorities.is_empty() {
        return Err("no certificate authority was found on this machine; name a PEM file by SSL_CERT_FILE".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| format!("TLS cannot be set up: {e}"))?;
    Ok(Arc::new(builder.with_root_certificates(authorities).with_no_client_auth()))
});
