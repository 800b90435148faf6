//! A mail server on the loopback that keeps what it takes, and can refuse.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A mail that was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mail {
    /// Whom the envelope says it is from.
    pub from: String,
    /// Whom the envelope says it is for.
    pub to: Vec<String>,
    /// What the client logged in with, as it was sent.
    pub login: Option<String>,
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

/// A mail server on a port of 127.0.0.1.
#[derive(Debug)]
pub struct MailServer {
    port: u16,
    refusal: Arc<Mutex<Option<(&'static str, String)>>>,
    taken: Receiver<Mail>,
}

impl MailServer {
    /// Takes all mail from now on.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (to, taken) = channel();
        let refusal = Arc::new(Mutex::new(None));
        let refusing = Arc::clone(&refusal);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (to, refusing) = (to.clone(), Arc::clone(&refusing));
                // A client that breaks off has sent no mail.
                thread::spawn(move || drop(serve(&client, &refusing, &to)));
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

fn serve(client: &TcpStream, refusing: &Mutex<Option<(&'static str, String)>>, to: &Sender<Mail>) -> io::Result<()> {
    let mut lines = BufReader::new(client);
    let say = |text: &str| (&mut &*client).write_all(format!("{text}\r\n").as_bytes());
    say("220 mail.test ESMTP")?;
    let mut mail = Mail::default();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let refused = refusing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, answer)) = refused.filter(|(refused, _)| refused.eq_ignore_ascii_case(command)) {
            say(&answer)?;
            continue;
        }
        let address = || rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        match command.to_ascii_uppercase().as_str() {
            "EHLO" => say("250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN")?,
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
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                say("250 taken")?;
                // Nobody may be waiting for it any more.
                let _ = to.send(std::mem::take(&mut mail));
            }
            "QUIT" => return say("221 bye"),
            _ => say("502 not here")?,
        }
    }
}
