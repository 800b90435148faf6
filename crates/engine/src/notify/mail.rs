//! One mail by one server: to the address that was looked at, with a password over TLS only.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use lettre::Message;
use lettre::address::Envelope;
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use windlass_types::{Timestamp, one_line};

use super::channel::MailServer;
use crate::outbound::{Allowed, Problem, connect, encrypt};

/// How long the whole of it may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The most that is kept of what a server says, in characters.
const SAID_MAX: usize = 300;

/// What is sent.
pub(super) struct Mail {
    pub(super) subject: String,
    pub(super) text: String,
    /// Names it, however often it is sent.
    pub(super) id: String,
    pub(super) at: Timestamp,
}

/// Sends one mail.
pub(super) async fn send(server: &MailServer, allowed: Allowed<'_>, mail: Mail) -> Result<(), Problem> {
    match tokio::time::timeout(TIMEOUT, send_to(server, allowed, mail)).await {
        Ok(sent) => sent,
        Err(_) => Err(Problem::Later(format!("{} did not answer within {} seconds", server.place, TIMEOUT.as_secs()))),
    }
}

async fn send_to(server: &MailServer, allowed: Allowed<'_>, mail: Mail) -> Result<(), Problem> {
    let place = &server.place;
    let failed = |e: Error| Problem::Later(format!("{place} did not take the mail: {}", one_line(&e.to_string(), SAID_MAX)));
    let (message, envelope) = written(server, mail)?;
    let stream = connect(place, allowed).await?;
    let is_local = stream.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
    let hello = ClientId::default();
    let stream: Box<dyn AsyncTokioStream> =
        if server.encrypted { Box::new(Encrypted(encrypt(place, stream).await?)) } else { Box::new(stream) };
    let mut smtp = AsyncSmtpConnection::connect_with_transport(stream, &hello).await.map_err(failed)?;
    let mut encrypted = server.encrypted;
    if !encrypted && smtp.can_starttls() {
        let tls = TlsParameters::new(place.host.clone()).map_err(failed)?;
        smtp.starttls(tls, &hello).await.map_err(failed)?;
        encrypted = true;
    }
    if !encrypted && !allowed.has(place) {
        let text = format!("{place} offers no TLS: use smtps://, or name a server of your own network in [{}] allow", allowed.table);
        return Err(Problem::Never(text));
    }
    if let Some((user, password)) = &server.login {
        if !encrypted && !is_local {
            return Err(Problem::Never(format!("{place} offers no TLS, and no password is sent without it: use smtps://, or no login")));
        }
        let login = Credentials::new(user.clone(), password.clone());
        smtp.auth(&[Mechanism::Plain, Mechanism::Login], &login).await.map_err(failed)?;
    }
    smtp.send(&envelope, &message).await.map_err(failed)?;
    // It is taken: how they part does not matter.
    let _ = smtp.quit().await;
    Ok(())
}

/// The mail as it goes over the wire, and whose it is.
fn written(server: &MailServer, mail: Mail) -> Result<(Vec<u8>, Envelope), Problem> {
    let wrong = |e: String| Problem::Never(format!("no mail can be put together: {e}"));
    let id = format!("<{}@{}>", mail.id, server.from.email.domain());
    let date = UNIX_EPOCH + Duration::from_millis(mail.at.0.max(0).unsigned_abs());
    let mut builder = Message::builder().from(server.from.clone()).subject(mail.subject).message_id(Some(id)).date(date);
    for to in &server.to {
        builder = builder.to(to.clone());
    }
    let message = builder.header(ContentType::TEXT_PLAIN).body(mail.text).map_err(|e| wrong(e.to_string()))?;
    Ok((message.formatted(), message.envelope().clone()))
}

/// A connection that is encrypted from its first byte.
#[derive(Debug)]
struct Encrypted(TlsStream<TcpStream>);

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
