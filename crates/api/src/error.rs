//! Why the API could not be brought up.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the API could not be brought up: what happened, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Something else listens there.
    #[error(
        "port {} on {} is taken by another program; stop it, or choose another with --listen (port 0 picks a free one)",
        listen.port(),
        listen.ip()
    )]
    PortTaken {
        /// Where it was to listen.
        listen: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {listen}; choose an address of this machine with --listen")]
    Listen {
        /// Where it was to listen.
        listen: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The address is reachable from other machines and nobody said that it should be.
    #[error(
        "refusing to listen on {listen}: other machines could reach it, and it starts programs; listen on 127.0.0.1, \
         or name the hosts it may be called by (allowed_hosts) and keep the token secret"
    )]
    NotLoopback {
        /// Where it was to listen.
        listen: SocketAddr,
    },
    /// A name of the host list cannot be a Host header.
    #[error("{host:?} is not a host to allow (expected NAME, NAME:PORT or an address)")]
    BadHost {
        /// The name.
        host: String,
    },
    /// The agents' socket cannot be made.
    #[error("cannot make the agents' socket {}", path.display())]
    AgentSocket {
        /// Where it was to be.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The token file cannot be read or made.
    #[error("cannot read or make the token file {}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The token file holds no token.
    #[error("{} holds no token; delete it, and the next start makes a new one", path.display())]
    BadTokenFile {
        /// The file.
        path: PathBuf,
    },
    /// A token that could be guessed.
    #[error("a token needs 32 to 512 visible ASCII characters")]
    BadToken,
    /// The machine gives no random numbers.
    #[error("the machine's source of random numbers cannot be read; try again")]
    NoRandomness,
}
