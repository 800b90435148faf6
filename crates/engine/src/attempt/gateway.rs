//! The way out of a sandbox without a network: one socket for each attempt, behind which only allowed hosts are reached.
//!
//! It speaks what HTTP proxies speak (`CONNECT`, and requests that name a whole address); the launcher carries to it, unread, what programs
//! send to the loopback of their namespace.
//! **Invariant:** an address is judged after its name is resolved, and the connection goes to that very address.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use windlass_types::{HostRule, is_public, split_port};

/// The longest head of a request.
const HEAD_MAX: usize = 32 * 1024;
/// How long a program may take to send it.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// How long resolving a name, and connecting, may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(20);
/// Connections at once.
const CONNECTIONS_MAX: usize = 256;
/// How many refused hosts are remembered.
const REFUSED_MAX: usize = 50;

/// Who may be spoken to.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowed {
    /// By the settings of project and node.
    pub(super) rules: Vec<HostRule>,
    /// The agent's own model, wherever that is.
    pub(super) model: Vec<HostRule>,
}

/// The socket, open until this is dropped.
#[derive(Debug)]
pub(super) struct Gateway {
    socket: PathBuf,
    refused: Arc<Mutex<BTreeSet<String>>>,
    served: JoinHandle<()>,
}

impl Gateway {
    pub(super) fn open(socket: PathBuf, allowed: Allowed) -> io::Result<Self> {
        if let Some(folder) = socket.parent() {
            use std::os::unix::fs::DirBuilderExt as _;
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket)?;
        let refused = Arc::new(Mutex::new(BTreeSet::new()));
        let served = tokio::spawn(serve(listener, Arc::new(allowed), Arc::clone(&refused)));
        Ok(Self { socket, refused, served })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// `HOST:PORT` of everything that was asked for and refused, the first fifty.
    pub(super) fn refused(&self) -> Vec<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.served.abort();
        let _ = std::fs::remove_file(&self.socket);
    }
}

async fn serve(listener: UnixListener, allowed: Arc<Allowed>, refused: Arc<Mutex<BTreeSet<String>>>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Dropped with this future: then what is still open is closed.
    let mut open = tokio::task::JoinSet::new();
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        let Ok((client, _)) = listener.accept().await else { continue };
        let (allowed, refused) = (Arc::clone(&allowed), Arc::clone(&refused));
        open.spawn(async move {
            // A connection that breaks is the program's business.
            let _ = carry(client, &allowed, &refused).await;
            drop(permit);
        });
        while open.try_join_next().is_some() {}
    }
}

async fn carry(mut client: UnixStream, allowed: &Allowed, refused: &Mutex<BTreeSet<String>>) -> io::Result<()> {
    let Ok(read) = tokio::time::timeout(HEAD_PATIENCE, read_head(&mut client)).await else { return Ok(()) };
    let (head, rest) = read?;
    let Some(wanted) = Wanted::parse(&head) else {
        return answer(&mut client, "400 Bad Request", "this is a proxy: it takes CONNECT and requests that name a whole http address")
            .await;
    };
    let mut server = match connect(&wanted, allowed).await {
        Ok(server) => server,
        Err(Refused::NotAllowed(why)) => {
            remember(refused, &wanted);
            return answer(&mut client, "403 Forbidden", &why).await;
        }
        Err(Refused::NotReached(why)) => return answer(&mut client, "502 Bad Gateway", &why).await,
    };
    match &wanted.forward {
        None => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?,
        Some(head) => server.write_all(head).await?,
    }
    server.write_all(&rest).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

fn remember(refused: &Mutex<BTreeSet<String>>, wanted: &Wanted) {
    let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
    if refused.len() < REFUSED_MAX {
        refused.insert(format!("{}:{}", wanted.host.chars().take(253).collect::<String>(), wanted.port));
    }
}

/// The head of a request, up to and with its empty line, and what came after it.
async fn read_head(client: &mut UnixStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((bytes, rest));
        }
        if bytes.len() > HEAD_MAX || client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

async fn answer(client: &mut UnixStream, status: &str, text: &str) -> io::Result<()> {
    let length = text.len() + 1;
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}\n");
    client.write_all(head.as_bytes()).await?;
    client.shutdown().await
}

/// What a program asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    host: String,
    port: u16,
    /// What the server is sent first; none: a tunnel.
    forward: Option<Vec<u8>>,
}

impl Wanted {
    fn parse(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head).ok()?;
        let (first, fields) = text.split_once("\r\n")?;
        let mut words = first.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !version.starts_with("HTTP/1.") {
            return None;
        }
        if method == "CONNECT" {
            let (host, port) = split_port(target)?;
            return Some(Self { host: host.to_owned(), port: port?, forward: None });
        }
        let rest = target.strip_prefix("http://")?;
        let (place, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (host, port) = split_port(place.rsplit_once('@').map_or(place, |(_, place)| place))?;
        let path = if path.is_empty() { "/" } else { path };
        let mut forward = format!("{method} {path} {version}\r\n");
        // One request a connection: what follows it could be meant for another host.
        let kept = fields.split("\r\n").filter(|field| {
            let name = field.split(':').next().unwrap_or_default().to_ascii_lowercase();
            !field.is_empty() && !name.starts_with("proxy-") && name != "connection" && name != "keep-alive"
        });
        for field in kept {
            forward.push_str(field);
            forward.push_str("\r\n");
        }
        forward.push_str("Connection: close\r\n\r\n");
        Some(Self { host: host.to_owned(), port: port.unwrap_or(80), forward: Some(forward.into_bytes()) })
    }
}

enum Refused {
    NotAllowed(String),
    NotReached(String),
}

async fn connect(wanted: &Wanted, allowed: &Allowed) -> Result<TcpStream, Refused> {
    let Wanted { host, port, .. } = wanted;
    let is_model = allowed.model.iter().any(|rule| rule.allows(host, *port));
    if !is_model && !allowed.rules.iter().any(|rule| rule.allows(host, *port)) {
        return Err(Refused::NotAllowed(format!("{host}:{port} is not among the hosts that this project may speak to")));
    }
    let reached = async {
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), *port)).await?.collect();
        // A name can be made to lead anywhere: an address inside has to be named itself.
        let is_named = |address: &SocketAddr| allowed.rules.iter().any(|rule| rule.allows(&address.ip().to_string(), *port));
        let fine: Vec<SocketAddr> = addresses.iter().copied().filter(|at| is_model || is_public(at.ip()) || is_named(at)).collect();
        if fine.is_empty() && !addresses.is_empty() {
            return Ok(None);
        }
        TcpStream::connect(fine.as_slice()).await.map(Some)
    };
    match tokio::time::timeout(CONNECT_PATIENCE, reached).await {
        Ok(Ok(Some(server))) => Ok(server),
        Ok(Ok(None)) => {
            Err(Refused::NotAllowed(format!("{host} leads to an address of this machine or its network, which is not named itself")))
        }
        Ok(Err(error)) => Err(Refused::NotReached(format!("{host}:{port} could not be reached: {error}"))),
        Err(_) => Err(Refused::NotReached(format!("{host}:{port} did not answer within {} s", CONNECT_PATIENCE.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Vec<HostRule> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// A server that answers every connection with what it was sent first, up to the empty line.
    async fn echo() -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut bytes = [0; 4096];
                let read = client.read(&mut bytes).await.unwrap();
                client.write_all(b"heard: ").await.unwrap();
                client.write_all(&bytes[..read]).await.unwrap();
            }
        });
        port
    }

    async fn ask(gateway: &Gateway, request: &str) -> String {
        let mut client = UnixStream::connect(gateway.socket()).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn attack_47_a_host_that_is_not_allowed_is_refused_and_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let port = echo().await;
        let allowed = Allowed { rules: rules(&["example.org"]), model: Vec::new() };
        let gateway = Gateway::open(dir.path().join("net/a.sock"), allowed).unwrap();
        for (request, host) in [
            (format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"), format!("127.0.0.1:{port}")),
            (format!("CONNECT [::ffff:127.0.0.1]:{port} HTTP/1.1\r\n\r\n"), format!("::ffff:127.0.0.1:{port}")),
            (format!("GET http://localhost:{port}/x HTTP/1.1\r\n\r\n"), format!("localhost:{port}")),
            ("GET http://169.254.169.254/latest HTTP/1.1\r\n\r\n".to_owned(), "169.254.169.254:80".to_owned()),
            (format!("GET http://example.org@127.0.0.1:{port}/ HTTP/1.1\r\n\r\n"), format!("127.0.0.1:{port}")),
            ("CONNECT 2130706433:443 HTTP/1.1\r\n\r\n".to_owned(), "2130706433:443".to_owned()),
        ] {
            let answer = ask(&gateway, &request).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{request}: {answer}");
            assert!(gateway.refused().contains(&host), "{host}: {:?}", gateway.refused());
        }
        assert!(ask(&gateway, "GET / HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    }

    #[tokio::test]
    async fn attack_47_a_name_that_leads_inside_is_refused_unless_the_address_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let port = echo().await;
        let request = format!("CONNECT localhost:{port} HTTP/1.1\r\n\r\n");
        let by_name = rules(&[&format!("localhost:{port}")]);
        let gateway = Gateway::open(dir.path().join("a.sock"), Allowed { rules: by_name.clone(), model: Vec::new() }).unwrap();
        assert!(ask(&gateway, &request).await.starts_with("HTTP/1.1 403"));
        let mut both = by_name;
        both.extend(rules(&[&format!("127.0.0.1:{port}")]));
        let gateway = Gateway::open(dir.path().join("b.sock"), Allowed { rules: both, model: Vec::new() }).unwrap();
        let answer = ask(&gateway, &format!("{request}ping")).await;
        assert_eq!(answer, "HTTP/1.1 200 Connection established\r\n\r\nheard: ping");
    }

    #[tokio::test]
    async fn a_model_on_the_loopback_is_reached_and_a_whole_address_becomes_a_path() {
        let dir = tempfile::tempdir().unwrap();
        let port = echo().await;
        let allowed = Allowed { rules: Vec::new(), model: rules(&[&format!("127.0.0.1:{port}")]) };
        let gateway = Gateway::open(dir.path().join("a.sock"), allowed).unwrap();
        let request =
            format!("POST http://127.0.0.1:{port}/v1?x=1 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: b\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(ask(&gateway, &request).await, "heard: POST /v1?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let socket = gateway.socket().to_owned();
        drop(gateway);
        assert!(!socket.exists());
    }
}
