//! One signed message to one receiver: no redirect is followed, no answer is read, and nobody waits longer than ten seconds.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use windlass_types::is_public;

use super::address::Address;

/// How long the whole of it may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long one of a receiver's addresses may take to answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// The most of a receiver's addresses that are tried.
const ADDRESSES_MAX: usize = 4;
const USER_AGENT: &str = concat!("windlass/", env!("CARGO_PKG_VERSION"));

/// What is sent.
pub(super) struct Message<'a> {
    pub(super) event: &'a str,
    pub(super) delivery: &'a str,
    pub(super) timestamp: String,
    pub(super) body: String,
    pub(super) secret: &'a str,
}

/// Why it was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It may be taken later.
    Later(String),
    /// It never will be.
    Never(String),
}

/// The signature of a body: HMAC-SHA256 in lower-case hex.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    use std::fmt::Write as _;
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Sends one message. `allow` names receivers, as HOST:PORT, that may be anywhere.
pub(super) async fn send(to: &Address, allow: &[String], message: Message<'_>) -> Result<(), Problem> {
    match tokio::time::timeout(TIMEOUT, send_to(to, allow, message)).await {
        Ok(sent) => sent,
        Err(_) => Err(Problem::Later(format!("{} did not answer within {} seconds", to.place(), TIMEOUT.as_secs()))),
    }
}

async fn send_to(to: &Address, allow: &[String], message: Message<'_>) -> Result<(), Problem> {
    let stream = connect(to, allow).await?;
    let status = if to.encrypted {
        let failed = |why: String| Problem::Later(format!("no TLS with {}: {why}", to.place()));
        let config = TLS.clone().map_err(failed)?;
        let name = ServerName::try_from(to.host.clone()).map_err(|e| failed(e.to_string()))?;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|e| failed(e.to_string()))?;
        post(to, stream, message).await?
    } else {
        post(to, stream, message).await?
    };
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::GONE => Err(Problem::Never(format!("{} answered 410: it wants no more", to.place()))),
        status if status.is_redirection() => {
            Err(Problem::Later(format!("{} answered {}: a callback follows no redirect", to.place(), status.as_u16())))
        }
        status => Err(Problem::Later(format!("{} answered {}", to.place(), status.as_u16()))),
    }
}

/// Connects to what the name means now: what is looked at is what is connected to.
async fn connect(to: &Address, allow: &[String]) -> Result<TcpStream, Problem> {
    let place = to.place();
    let found = tokio::net::lookup_host((to.host.as_str(), to.port)).await;
    let found: Vec<SocketAddr> = found.map_err(|e| Problem::Later(format!("{place} could not be looked up: {e}")))?.collect();
    if !allow.iter().any(|allowed| allowed.eq_ignore_ascii_case(&place))
        && let Some(inside) = found.iter().find(|found| !is_public(found.ip()))
    {
        let text = format!(
            "{place} is {}, which is not on the public internet: [callbacks] allow in the configuration would have to name it",
            inside.ip()
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

async fn post(
    to: &Address,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    message: Message<'_>,
) -> Result<StatusCode, Problem> {
    let broke = |e: hyper::Error| Problem::Later(format!("the connection to {} broke: {e}", to.place()));
    let signature = format!("sha256={}", signature(message.secret, message.body.as_bytes()));
    let request = Request::post(to.target.as_str())
        .header(header::HOST, &to.authority)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .header("x-windlass-event", message.event)
        .header("x-windlass-delivery", message.delivery)
        .header("x-windlass-timestamp", message.timestamp)
        .header("x-windlass-signature-256", signature)
        .body(Full::new(Bytes::from(message.body)))
        .map_err(|_| Problem::Never(format!("no request to {} can be put together", to.place())))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broke)?;
    let answer = async {
        let response = sender.send_request(request).await;
        // Whatever it goes on to say is not read.
        response.map(|response| response.status())
    };
    tokio::pin!(answer);
    tokio::select! {
        biased;
        status = &mut answer => status.map_err(broke),
        driven = connection => match driven {
            Ok(()) => answer.await.map_err(broke),
            Err(e) => Err(broke(e)),
        },
    }
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

#[cfg(test)]
mod tests {
    use super::super::address::address;
    use super::*;

    fn message() -> Message<'static> {
        Message { event: "operation.succeeded", delivery: "d", timestamp: "t".to_owned(), body: "{}".to_owned(), secret: "s" }
    }

    #[test]
    fn a_signature_is_the_one_that_everybody_computes() {
        // The published test case 2 of HMAC-SHA-256.
        let text = signature("Jefe", b"what do ya want for nothing?");
        assert_eq!(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[tokio::test]
    async fn every_way_to_write_an_inner_address_is_refused_before_anything_is_sent() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0", "2130706433", "127.1", "0x7f000001", "0.0.0.0"] {
            let to = address(&format!("http://{host}:{port}/")).unwrap();
            let refused = send(&to, &[], message()).await.unwrap_err();
            assert!(matches!(&refused, Problem::Never(why) if why.contains("not on the public internet")), "{host}: {refused:?}");
        }
        let metadata = send(&address("http://169.254.169.254/latest").unwrap(), &[], message()).await;
        assert!(matches!(metadata, Err(Problem::Never(_))), "{metadata:?}");
        let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(nobody.is_err(), "nobody was called");
    }
}
