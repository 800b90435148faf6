//! A way to a server that can be cut, stalled, half open or slow, and can lose the answer to a commit.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How soon a change of the way is seen by a connection that is silent.
const TICK: Duration = Duration::from_millis(20);

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As it should be.
    Open,
    /// Connections break, and no new one is made.
    Cut,
    /// Nothing comes through, in either direction, and nobody is told.
    Stalled,
    /// What is asked arrives and no answer comes back.
    NoAnswers,
    /// Everything takes so long, in milliseconds, in each direction.
    Slow(u64),
}

/// A proxy on a port of 127.0.0.1.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    way: Mutex<Way>,
    /// Rises when the way changes: a connection that lost bytes under an earlier one is of no use any more.
    era: AtomicU64,
    /// How many answers to a commit are still to be lost.
    commits_to_lose: AtomicU32,
    over: AtomicBool,
}

impl Shared {
    fn way(&self) -> Way {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection through the proxy.
#[derive(Debug)]
struct Through {
    shared: Arc<Shared>,
    /// The answer to a commit is on its way back and is to be lost.
    loses_answer: AtomicBool,
}

impl Proxy {
    /// Leads to `target` from now on.
    pub fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            way: Mutex::new(Way::Open),
            era: AtomicU64::new(0),
            commits_to_lose: AtomicU32::new(0),
            over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if accepting.over.load(Ordering::SeqCst) {
                    return;
                }
                // A broken way refuses by closing at once.
                if accepting.way() != Way::Cut {
                    let shared = Arc::clone(&accepting);
                    thread::spawn(move || connect(client, target, shared));
                }
            }
        });
        Ok(Self { port, shared })
    }

    /// A URL of the target as one that leads through this proxy.
    ///
    /// # Panics
    ///
    /// When it names no port.
    pub fn url(&self, url: &str) -> String {
        let (scheme, rest) = url.split_once("://").unwrap_or_else(|| panic!("no URL: {url}"));
        let (user, rest) = rest.split_once('@').map_or(("", rest), |(user, rest)| (user, rest));
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        let at = if user.is_empty() { "" } else { "@" };
        format!("{scheme}://{user}{at}127.0.0.1:{}{path}", self.port)
    }

    /// From now on the way is like this.
    pub fn set(&self, way: Way) {
        *self.shared.way.lock().unwrap_or_else(PoisonError::into_inner) = way;
        self.shared.era.fetch_add(1, Ordering::SeqCst);
    }

    /// Loses the answers to the next `count` commits, with their connections.
    pub fn lose_commits(&self, count: u32) {
        self.shared.commits_to_lose.store(count, Ordering::SeqCst);
    }

    /// How many answers are still to be lost.
    pub fn commits_to_lose(&self) -> u32 {
        self.shared.commits_to_lose.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.set(Way::Cut);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn connect(client: TcpStream, target: SocketAddr, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(target) else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { return };
    let through = Arc::new(Through { shared, loses_answer: AtomicBool::new(false) });
    let back = Arc::clone(&through);
    thread::spawn(move || back.pump(server_too, client_too, false));
    through.pump(client, server, true);
}

impl Through {
    /// Carries bytes one way until either end closes or the way is cut; then closes both.
    fn pump(&self, mut from: TcpStream, mut to: TcpStream, asks: bool) {
        let _ = self.carry(&mut from, &mut to, asks);
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    fn carry(&self, from: &mut TcpStream, to: &mut TcpStream, asks: bool) -> io::Result<()> {
        from.set_read_timeout(Some(TICK))?;
        let mut buffer = vec![0; 64 * 1024];
        // In which era bytes were swallowed.
        let mut swallowed = None;
        loop {
            let era = self.shared.era.load(Ordering::SeqCst);
            let way = self.shared.way();
            if way == Way::Cut || swallowed.is_some_and(|then| then != era) {
                return Ok(());
            }
            if way == Way::Stalled {
                thread::park_timeout(TICK);
                continue;
            }
            let n = match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => continue,
                Err(e) => return Err(e),
            };
            let bytes = &buffer[..n];
            if asks && is_commit(bytes) {
                let lose = self.shared.commits_to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                self.loses_answer.store(lose.is_ok(), Ordering::SeqCst);
            }
            if !asks && self.loses_answer.load(Ordering::SeqCst) {
                // The server has committed, and said so to nobody.
                return Ok(());
            }
            while self.shared.way() == Way::Stalled {
                thread::park_timeout(TICK);
            }
            match self.shared.way() {
                Way::Cut => return Ok(()),
                Way::NoAnswers if !asks => swallowed = Some(era),
                Way::Slow(ms) => {
                    thread::park_timeout(Duration::from_millis(ms));
                    to.write_all(bytes)?;
                }
                _ => to.write_all(bytes)?,
            }
        }
    }
}

/// Whether a client of PostgreSQL asks to commit, by a simple query.
fn is_commit(bytes: &[u8]) -> bool {
    bytes.windows(7).any(|w| w == b"COMMIT\0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let mut back = stream.try_clone().unwrap();
                    let _ = io::copy(&mut &stream, &mut back);
                });
            }
        });
        address
    }

    fn connect_to(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    fn say(stream: &mut TcpStream, text: &[u8]) -> io::Result<Vec<u8>> {
        stream.write_all(text)?;
        let mut answer = vec![0; text.len()];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn an_open_way_carries_and_a_cut_one_breaks() {
        let proxy = Proxy::to(echo()).unwrap();
        let mut stream = connect_to(&proxy);
        assert_eq!(say(&mut stream, b"hello").unwrap(), b"hello");
        proxy.set(Way::Cut);
        assert!(say(&mut stream, b"hello").is_err());
        proxy.set(Way::Open);
        assert_eq!(say(&mut connect_to(&proxy), b"again").unwrap(), b"again");
    }

    #[test]
    fn a_way_without_answers_breaks_what_it_swallowed_when_it_opens() {
        let proxy = Proxy::to(echo()).unwrap();
        let mut stream = connect_to(&proxy);
        assert_eq!(say(&mut stream, b"hello").unwrap(), b"hello");
        proxy.set(Way::NoAnswers);
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(say(&mut stream, b"lost").is_err());
        proxy.set(Way::Open);
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0, "closed");
    }

    #[test]
    fn the_answer_to_a_commit_is_lost_once() {
        let proxy = Proxy::to(echo()).unwrap();
        proxy.lose_commits(1);
        assert!(say(&mut connect_to(&proxy), b"Q\0\0\0\x0bCOMMIT\0").is_err());
        assert_eq!(proxy.commits_to_lose(), 0);
        assert!(say(&mut connect_to(&proxy), b"Q\0\0\0\x0bCOMMIT\0").is_ok());
    }

    #[test]
    fn a_url_leads_through_the_proxy() {
        let proxy = Proxy::to(echo()).unwrap();
        assert_eq!(proxy.url("postgres://u@host:1/db"), format!("postgres://u@127.0.0.1:{}/db", proxy.port));
    }
}
