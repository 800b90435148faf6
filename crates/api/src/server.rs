//! Connections: accepted within a bound, served by HTTP/1.1, dropped when they dawdle.
//!
//! A slow client costs others nothing: headers and bodies have a time to arrive, an answer nobody reads is dropped,
//! and at the bound of connections the oldest that is not answering somebody who is known gives way to the newcomer.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::state::Limits;
use crate::stream::{Counted, Patient};

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Peer {
    /// Over TCP; of IPv6 the network part only, since one caller has many addresses there.
    Address(IpAddr),
    /// Over the agents' socket.
    AgentSocket,
    /// Not known.
    Unknown,
}

impl Peer {
    fn at(address: SocketAddr) -> Self {
        Self::Address(match address.ip().to_canonical() {
            IpAddr::V6(ip) if !ip.is_loopback() => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
            ip => ip,
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(ip) => ip.fmt(f),
            Self::AgentSocket => f.write_str("agent socket"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// All that is open, and what it takes to close it.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    router: Router,
    limits: Limits,
    open: Arc<Connections>,
    tasks: TaskTracker,
    closing: CancellationToken,
    /// Cancelled when the grace after `closing` is over.
    abort: CancellationToken,
}

impl Server {
    pub(crate) fn new(router: Router, limits: Limits, closing: CancellationToken) -> Self {
        let open = Arc::new(Connections { max: limits.connections_max, open: Mutex::default() });
        Self { router, limits, open, tasks: TaskTracker::new(), closing, abort: CancellationToken::new() }
    }

    /// Another one with its own routes and connections, which closes with this one.
    pub(crate) fn beside(&self, router: Router) -> Self {
        let open = Arc::new(Connections { max: self.limits.connections_max, open: Mutex::default() });
        Self { router, open, ..self.clone() }
    }

    /// Serves a TCP listener until the server closes.
    pub(crate) fn serve_tcp(&self, listener: TcpListener) {
        let server = self.clone();
        self.tasks.spawn(async move {
            while let Some(accepted) = server.unless_closing(listener.accept()).await {
                match accepted {
                    Ok((io, address)) => {
                        // Small answers and events must not wait for more to send.
                        let _ = io.set_nodelay(true);
                        server.connection(io, Peer::at(address));
                    }
                    Err(e) => server.after_accept_failed(&e).await,
                }
            }
        });
    }

    /// Serves the agents' socket until the server closes.
    pub(crate) fn serve_unix(&self, listener: UnixListener) {
        let server = self.clone();
        self.tasks.spawn(async move {
            while let Some(accepted) = server.unless_closing(listener.accept()).await {
                match accepted {
                    Ok((io, _)) => server.connection(io, Peer::AgentSocket),
                    Err(e) => server.after_accept_failed(&e).await,
                }
            }
        });
    }

    /// Accepts no more, lets open requests end within the grace, and drops the rest.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.limits.shutdown_grace, self.tasks.wait()).await.is_err() {
            tracing::warn!(open = self.tasks.len(), "Some requests did not end in time and are dropped");
            self.abort.cancel();
            self.tasks.wait().await;
        }
    }

    async fn unless_closing<T>(&self, work: impl Future<Output = T> + Send) -> Option<T> {
        self.closing.run_until_cancelled(work).await
    }

    /// Out of file descriptors, mostly: whoever is served now has to end first.
    async fn after_accept_failed(&self, error: &io::Error) {
        tracing::warn!(%error, "Could not accept a connection");
        self.unless_closing(tokio::time::sleep(Duration::from_millis(50))).await;
    }

    fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, io: S, peer: Peer) {
        let Some(entry) = self.open.enter() else {
            tracing::warn!(%peer, "Dropped a connection: people are being answered on all");
            return;
        };
        let server = self.clone();
        self.tasks.spawn(async move { server.drive(io, peer, entry).await });
    }

    async fn drive<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, io: S, peer: Peer, entry: Entry) {
        let router = self.router.clone();
        let busy = Arc::clone(&entry.connection);
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let answering = Arc::new(Answering::new(Arc::clone(&busy)));
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(Arc::clone(&answering));
            let answer = router.clone().oneshot(request);
            async move { Ok::<_, Infallible>(answer.await?.map(|body| Counted::new(body, answering))) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(Patient::new(io, self.limits.stall_timeout)), service);
        tokio::pin!(connection);
        let mut is_closing = false;
        loop {
            tokio::select! {
                // What went wrong is the client's business: it dawdled, hung up, or does not speak HTTP.
                _ = connection.as_mut() => return,
                () = entry.connection.evicted.cancelled() => return,
                () = self.abort.cancelled() => return,
                () = self.closing.cancelled(), if !is_closing => {
                    is_closing = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// The open connections, oldest first.
#[derive(Debug)]
struct Connections {
    max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: BTreeMap<u64, Arc<Connection>>,
}

#[derive(Debug, Default)]
struct Connection {
    /// Requests of known people being answered.
    busy: AtomicUsize,
    evicted: CancellationToken,
}

impl Connections {
    /// Makes room for one more; `None` when every connection is being answered.
    fn enter(self: &Arc<Self>) -> Option<Entry> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.connections.len() >= self.max {
            let oldest = open.connections.iter().find(|(_, c)| c.busy.load(Ordering::Acquire) == 0).map(|(number, _)| *number)?;
            if let Some(connection) = open.connections.remove(&oldest) {
                connection.evicted.cancel();
            }
        }
        let number = open.next;
        open.next += 1;
        let connection = Arc::new(Connection::default());
        open.connections.insert(number, Arc::clone(&connection));
        Some(Entry { number, connection, connections: Arc::clone(self) })
    }
}

/// A connection's place; dropped with it.
struct Entry {
    number: u64,
    connection: Arc<Connection>,
    connections: Arc<Connections>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.open.lock().unwrap_or_else(PoisonError::into_inner).connections.remove(&self.number);
    }
}

/// A request being answered: from its headers until the last of its answer was taken. It holds its connection only once it is known that
/// it is somebody's: what strangers and agents begin and do not end keeps nobody out.
#[derive(Debug)]
pub(crate) struct Answering {
    connection: Arc<Connection>,
    keeps: AtomicBool,
}

impl Answering {
    const fn new(connection: Arc<Connection>) -> Self {
        Self { connection, keeps: AtomicBool::new(false) }
    }

    /// From now on the connection does not give way to newcomers.
    pub(crate) fn keep(&self) {
        if !self.keeps.swap(true, Ordering::AcqRel) {
            self.connection.busy.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.keeps.load(Ordering::Acquire) {
            self.connection.busy.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Makes the agents' socket, 0600 from its first instant, in the place of one that a dead process left.
pub(crate) fn listen_unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket is there; move it away"));
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another Windlass serves it; stop that one first"));
        }
        _ => {}
    }
    // No longer than the name itself mostly is: a socket's address holds 107 bytes.
    let aside = path.with_file_name(format!(".s{}", std::process::id()));
    let _ = std::fs::remove_file(&aside);
    let listener = UnixListener::bind(&aside)?;
    std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&aside, path)?;
    Ok(listener)
}
