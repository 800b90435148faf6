//! A mail server on the loopback that keeps what it takes, speaks TLS where it is told to, and can refuse.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A mail that was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mail {
    /// Whom the envelope says it is from.
    pub from: String,
    /// Whom the envelope says it is for.
    pub to: Vec<String>,
    /// What the client logged in with, as it was sent.
    pub login: Option<String>,
    /// Whether all of that came encrypted.
    pub encrypted: bool,
    /// Headers and text, as they arrived, each line with its end.
    pub data: String,
}

impl Mail {
    /// The value of a header of one line.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.data.split_once("\r\n\r\n").map_or(self.data.as_str(), |(head, _)| head);
        head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name))).map(|(_, value)| value)
    }

    /// The text, as it arrived.
    pub fn text(&self) -> &str {
        self.data.split_once("\r\n\r\n").map_or("", |(_, text)| text)
    }
}

/// When a mail server changes to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Before the first word.
    AtOnce,
    /// When the client asks for it.
    StartTls,
}

/// A mail server on a port of 127.0.0.1.
#[derive(Debug)]
pub struct MailServer {
    port: u16,
    refusal: Arc<Mutex<Option<(&'static str, String)>>>,
    taken: Receiver<Mail>,
}

impl MailServer {
    /// Takes all mail from now on, unencrypted.
    pub fn start() -> io::Result<Self> {
        Self::serving(None)
    }

    /// Takes all mail from now on, encrypted. The certificate, of an authority of its own for 127.0.0.1, is written to `certificate` (PEM).
    pub fn with_tls(tls: Tls, certificate: &Path) -> io::Result<Self> {
        Self::serving(Some((tls, own_identity(certificate).map_err(io::Error::other)?)))
    }

    fn serving(tls: Option<(Tls, Arc<ServerConfig>)>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (to, taken) = channel();
        let refusal = Arc::new(Mutex::new(None));
        let refusing = Arc::clone(&refusal);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (to, refusing, tls) = (to.clone(), Arc::clone(&refusing), tls.clone());
                // A client that breaks off has sent no mail.
                thread::spawn(move || drop(serve(client, tls, &refusing, &to)));
            }
        });
        Ok(Self { port, refusal, taken })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers `answer` to each such command (`EHLO`, `AUTH`, `MAIL`, …) from now on, in place of taking it.
    pub fn refuse(&self, command: &'static str, answer: &str) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some((command, answer.to_owned()));
    }

    /// Takes all mail again.
    pub fn take_all(&self) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The next mail that it takes, or has taken; `None` when there is none within `limit`.
    pub fn next(&self, limit: Duration) -> Option<Mail> {
        self.taken.recv_timeout(limit).ok()
    }
}

type Refusal = Mutex<Option<(&'static str, String)>>;

fn serve(mut client: TcpStream, tls: Option<(Tls, Arc<ServerConfig>)>, refusing: &Refusal, to: &Sender<Mail>) -> io::Result<()> {
    const GREETING: &[u8] = b"220 mail.test ESMTP\r\n";
    let over_tls = |client, config| Ok::<_, io::Error>(StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, client));
    match tls {
        Some((Tls::AtOnce, config)) => {
            let mut client = over_tls(client, config)?;
            client.write_all(GREETING)?;
            converse(client, true, false, refusing, to).map(drop)
        }
        Some((Tls::StartTls, config)) => {
            client.write_all(GREETING)?;
            match converse(client, false, true, refusing, to)? {
                Some(client) => converse(over_tls(client, config)?, true, false, refusing, to).map(drop),
                None => Ok(()),
            }
        }
        None => {
            client.write_all(GREETING)?;
            converse(client, false, false, refusing, to).map(drop)
        }
    }
}

/// Takes mail until the client leaves; gives the connection back when it is to be encrypted.
fn converse<S: Read + Write>(io: S, encrypted: bool, can_encrypt: bool, refusing: &Refusal, to: &Sender<Mail>) -> io::Result<Option<S>> {
    let mut lines = BufReader::new(io);
    let mut mail = Mail { encrypted, ..Mail::default() };
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let refused = refusing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let refused = refused.filter(|(refused, _)| refused.eq_ignore_ascii_case(command)).map(|(_, answer)| answer);
        let address = || rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let mut say = |text: &str| lines.get_mut().write_all(format!("{text}\r\n").as_bytes());
        if let Some(answer) = refused {
            say(&answer)?;
            continue;
        }
        match command.to_ascii_uppercase().as_str() {
            "EHLO" if can_encrypt => say("250-mail.test\r\n250 STARTTLS")?,
            "EHLO" => say("250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN")?,
            "STARTTLS" if can_encrypt => {
                say("220 go on")?;
                return Ok(Some(lines.into_inner()));
            }
            "AUTH" => {
                mail.login = Some(rest.to_owned());
                say("235 2.7.0 ok")?;
            }
            "MAIL" => {
                mail.from = address();
                say("250 ok")?;
            }
            "RCPT" => {
                mail.to.push(address());
                say("250 ok")?;
            }
            "DATA" => {
                say("354 go on")?;
                loop {
                    let mut line = String::new();
                    if lines.read_line(&mut line)? == 0 {
                        return Ok(None);
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                lines.get_mut().write_all(b"250 taken\r\n")?;
                // Nobody may be waiting for it any more.
                let _ = to.send(std::mem::replace(&mut mail, Mail { encrypted, ..Mail::default() }));
            }
            "QUIT" => {
                say("221 bye")?;
                return Ok(None);
            }
            _ => say("502 not here")?,
        }
    }
}

/// An identity for 127.0.0.1 that nobody vouches for but itself; who reads `certificate` may trust it.
fn own_identity(certificate: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    std::fs::write(certificate, own.cert.pem())?;
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
    Ok(Arc::new(builder.with_single_cert(vec![own.cert.der().clone()], key)?))
}
