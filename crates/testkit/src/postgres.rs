//! A throwaway PostgreSQL: a real server, and in it a database for each test.
//!
//! [`TestPostgres::database`] takes the server named by [`URL_VARIABLE`] (which `cargo xtask test` starts once for all
//! tests), or else starts one for this process. The programs are those on the `PATH`, in `/usr/lib/postgresql`, or from
//! npm. A server ends with the process that started it, even when that is killed.

mod programs;
mod server;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use postgres::{Client, NoTls};

use crate::skip::skipped;
use programs::Programs;
use server::Server;

/// Names a PostgreSQL server in whose place none is started: `postgres://user@host:port/postgres`.
pub const URL_VARIABLE: &str = "WINDLASS_TEST_POSTGRES_URL";

/// A running server.
#[derive(Debug)]
pub struct TestPostgres {
    server: Server,
}

/// A database of a test's own, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    server_url: String,
    name: String,
    url: String,
}

/// The server of this process: the given one, its own, or why there is none.
enum Shared {
    Given(String),
    Own(TestPostgres),
    None(String),
}

static SHARED: OnceLock<Shared> = OnceLock::new();

impl TestPostgres {
    /// Makes an empty database, or gives `None` after a loud skip where no PostgreSQL can be had.
    ///
    /// # Panics
    ///
    /// With `CI=true` where none can be had; when a server is named or runs but does not do as it is told.
    pub async fn database() -> Option<TestDatabase> {
        // The client is a blocking one with a runtime inside, which must not run on a thread of this one.
        let made = tokio::task::spawn_blocking(Self::database_blocking);
        made.await.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()))
    }

    /// The same for tests without a runtime.
    pub fn database_blocking() -> Option<TestDatabase> {
        let url = match SHARED.get_or_init(Shared::new) {
            Shared::Given(url) => url.clone(),
            Shared::Own(postgres) => postgres.url(),
            Shared::None(why) => {
                skipped("PostgreSQL", why);
                return None;
            }
        };
        Some(TestDatabase::create(&url).unwrap_or_else(|e| panic!("no test database: {e:#}")))
    }

    /// Starts a server of its own, which ends when the value is dropped or the process dies.
    pub fn start() -> anyhow::Result<Self> {
        Ok(Self { server: Server::start(&Programs::find()?, &[])? })
    }

    /// Starts one of its own that keeps every commit when its processes are killed, for [`TestPostgres::crash`]; `None` after a
    /// loud skip where none can be had.
    ///
    /// # Panics
    ///
    /// With `CI=true` where none can be had.
    pub fn start_to_crash() -> Option<Self> {
        let started = Programs::find().map_err(anyhow::Error::from).and_then(|p| Server::start(&p, &["synchronous_commit=on"]));
        match started {
            Ok(server) => Some(Self { server }),
            Err(e) => {
                skipped("PostgreSQL", &format!("{e:#}"));
                None
            }
        }
    }

    /// Kills one of the server's processes: it breaks every connection, recovers from its log and serves again.
    pub fn crash(&self) -> anyhow::Result<()> {
        let mut client = Client::connect(&self.url(), NoTls)?;
        let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[])?.get(0);
        crate::process::kill(pid.unsigned_abs());
        Ok(())
    }

    /// Makes an empty database in it.
    pub fn new_database(&self) -> anyhow::Result<TestDatabase> {
        TestDatabase::create(&self.url())
    }

    /// The URL of the server's own database, by which others are made.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The server's version, as its program tells it.
    pub fn version(&self) -> &str {
        self.server.version()
    }
}

impl Shared {
    fn new() -> Self {
        if let Ok(url) = std::env::var(URL_VARIABLE) {
            return Self::Given(url);
        }
        match TestPostgres::start() {
            Ok(postgres) => Self::Own(postgres),
            Err(e) => Self::None(format!("{e:#}")),
        }
    }
}

impl TestDatabase {
    fn create(server_url: &str) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (process, random) = (std::process::id(), RandomState::new().hash_one(0) & 0xffff_ffff);
        let name = format!("windlass_test_{process}_{random:08x}_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut client = Client::connect(server_url, NoTls).with_context(|| format!("cannot connect to {server_url}"))?;
        client
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
            .with_context(|| format!("cannot create the database {name}"))?;
        Ok(Self { url: with_database(server_url, &name), server_url: server_url.to_owned(), name })
    }

    /// `postgres://…`, for connecting to it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Breaks every connection to it, as a restart of the server would.
    pub async fn break_connections(&self) -> anyhow::Result<u64> {
        let (url, name) = (self.server_url.clone(), self.name.clone());
        let broken = tokio::task::spawn_blocking(move || {
            let mut client = Client::connect(&url, NoTls)?;
            client
                .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()", &[&name])
        });
        Ok(broken.await??)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (url, statement) = (self.server_url.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // A thread without a runtime, for the blocking client. A database that stays goes with its server.
        let dropped = std::thread::spawn(move || Client::connect(&url, NoTls).and_then(|mut client| client.batch_execute(&statement)));
        let _ = dropped.join();
    }
}

/// The same URL for another database of its server.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').map_or((url, None), |(a, p)| (a, Some(p)));
    let host_at = address.find("://").map_or(0, |at| at + 3);
    let end = address[host_at..].find('/').map_or(address.len(), |at| host_at + at);
    let parameters = parameters.map_or_else(String::new, |p| format!("?{p}"));
    format!("{}/{name}{parameters}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_exchanged_and_nothing_else() {
        assert_eq!(with_database("postgres://u:p@host:5433/postgres?sslmode=disable", "x"), "postgres://u:p@host:5433/x?sslmode=disable");
        assert_eq!(with_database("postgres://host", "x"), "postgres://host/x");
    }
}
