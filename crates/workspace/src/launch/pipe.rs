//! The only way out of a network namespace: what comes to one port of its loopback is carried, unread, to a socket of the engine.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

/// The port, on 127.0.0.1 of a program's own network namespace, where it finds an HTTP proxy.
pub const PROXY_PORT: u16 = 3128;

/// Connections at once; one more is closed.
const CONNECTIONS_MAX: usize = 256;
/// Enough for copying.
const STACK_BYTES: usize = 128 * 1024;

/// Listens from now on, until this process ends.
pub(super) fn open(socket: PathBuf) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PROXY_PORT))?;
    let socket: Arc<Path> = socket.into();
    let count = Arc::new(AtomicUsize::new(0));
    let accept = move || {
        for client in listener.incoming().flatten() {
            if count.load(Ordering::Relaxed) >= CONNECTIONS_MAX {
                continue;
            }
            count.fetch_add(1, Ordering::Relaxed);
            let (socket, counted) = (Arc::clone(&socket), Arc::clone(&count));
            let carried = Builder::new().stack_size(STACK_BYTES).spawn(move || {
                // A connection that breaks is the program's business.
                let _ = carry(&client, &socket);
                counted.fetch_sub(1, Ordering::Relaxed);
            });
            if carried.is_err() {
                count.fetch_sub(1, Ordering::Relaxed);
            }
        }
    };
    Builder::new().stack_size(STACK_BYTES).spawn(accept).map(drop)
}

fn carry(client: &TcpStream, socket: &Path) -> io::Result<()> {
    let server = UnixStream::connect(socket)?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let up = Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    })?;
    let _ = io::copy(&mut &server, &mut &*client);
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    let _ = up.join();
    Ok(())
}
