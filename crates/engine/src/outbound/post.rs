//! One message posted to one receiver: no redirect is followed, no answer is read, and nobody waits longer than ten seconds.

use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use super::Problem;
use super::address::Address;
use super::connect::{Allowed, connect, encrypt};

/// How long the whole of it may take.
const TIMEOUT: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("windlass/", env!("CARGO_PKG_VERSION"));

/// What is posted: JSON, and for a receiver that checks who sent it, what it is and a signature.
pub(crate) enum Message<'a> {
    Signed { event: &'a str, delivery: &'a str, timestamp: String, body: String, secret: &'a str },
    Plain { body: String },
}

/// The signature of a body: HMAC-SHA256 in lower-case hex.
fn signature(secret: &str, body: &[u8]) -> String {
    use std::fmt::Write as _;
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Posts one message. A receiver that was handed a plain one and is slow to answer has taken it: it would have nothing to tell a second one by.
pub(crate) async fn post(to: &Address, allowed: Allowed<'_>, message: Message<'_>) -> Result<(), Problem> {
    post_within(TIMEOUT, to, allowed, message).await
}

async fn post_within(timeout: Duration, to: &Address, allowed: Allowed<'_>, message: Message<'_>) -> Result<(), Problem> {
    let until = Instant::now() + timeout;
    let place = to.place();
    let late = |_: Elapsed| Problem::Later(format!("{place} did not answer within {} seconds", timeout.as_secs()));
    let is_plain = matches!(message, Message::Plain { .. });
    let stream = timeout_at(until, connect(&place, allowed)).await.map_err(late)??;
    let answer = if to.encrypted {
        let stream = timeout_at(until, encrypt(&place, stream)).await.map_err(late)??;
        timeout_at(until, request(to, stream, message)).await
    } else {
        timeout_at(until, request(to, stream, message)).await
    };
    let status = match answer {
        Ok(status) => status?,
        Err(_) if is_plain => {
            tracing::info!(receiver = %place, "a receiver was handed a message, and did not say in time that it took it");
            return Ok(());
        }
        Err(elapsed) => return Err(late(elapsed)),
    };
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::GONE => Err(Problem::Never(format!("{place} answered 410: it wants no more"))),
        status if status.is_redirection() => Err(Problem::Later(format!("{place} answered {}: no redirect is followed", status.as_u16()))),
        status => Err(Problem::Later(format!("{place} answered {}", status.as_u16()))),
    }
}

async fn request(
    to: &Address,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    message: Message<'_>,
) -> Result<StatusCode, Problem> {
    let broke = |e: hyper::Error| Problem::Later(format!("the connection to {} broke: {e}", to.place()));
    let mut request = Request::post(to.target.as_str())
        .header(header::HOST, &to.authority)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close");
    let body = match message {
        Message::Signed { event, delivery, timestamp, body, secret } => {
            request = request
                .header("x-windlass-event", event)
                .header("x-windlass-delivery", delivery)
                .header("x-windlass-timestamp", timestamp)
                .header("x-windlass-signature-256", format!("sha256={}", signature(secret, body.as_bytes())));
            body
        }
        Message::Plain { body } => body,
    };
    let request = request.body(Full::new(Bytes::from(body)));
    let request = request.map_err(|_| Problem::Never(format!("no request to {} can be put together", to.place())))?;
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

#[cfg(test)]
mod tests {
    use super::super::address::address;
    use super::*;

    const NOBODY: Allowed<'static> = Allowed { table: "callbacks", places: &[] };

    fn message() -> Message<'static> {
        Message::Signed { event: "operation.succeeded", delivery: "d", timestamp: "t".to_owned(), body: "{}".to_owned(), secret: "s" }
    }

    #[test]
    fn a_signature_is_the_one_that_everybody_computes() {
        // The published test case 2 of HMAC-SHA-256.
        let text = signature("Jefe", b"what do ya want for nothing?");
        assert_eq!(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[tokio::test]
    async fn a_receiver_that_is_slow_to_answer_has_a_plain_message_and_is_sent_a_signed_one_again() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let place = format!("127.0.0.1:{port}");
        let allowed = Allowed { table: "notify", places: std::slice::from_ref(&place) };
        let to = address(&format!("http://{place}/")).unwrap();
        let plain = Message::Plain { body: "{}".to_owned() };
        // Accepted by the system, and never answered.
        assert_eq!(post_within(Duration::from_millis(200), &to, allowed, plain).await, Ok(()));
        let again = post_within(Duration::from_millis(200), &to, allowed, message()).await;
        assert!(matches!(again, Err(Problem::Later(_))), "{again:?}");
    }

    #[tokio::test]
    async fn every_way_to_write_an_inner_address_is_refused_before_anything_is_sent() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0", "2130706433", "127.1", "0x7f000001", "0.0.0.0"] {
            let to = address(&format!("http://{host}:{port}/")).unwrap();
            let refused = post(&to, NOBODY, message()).await.unwrap_err();
            assert!(matches!(&refused, Problem::Never(why) if why.contains("not on the public internet")), "{host}: {refused:?}");
        }
        let metadata = post(&address("http://169.254.169.254/latest").unwrap(), NOBODY, message()).await;
        assert!(matches!(metadata, Err(Problem::Never(_))), "{metadata:?}");
        let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(nobody.is_err(), "nobody was called");
    }
}
