//! A connection to the server, with its prepared statements.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use postgres::config::SslMode;
use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;
use windlass_types::Timestamp;

use super::tls::Tls;
use super::wire::{self, told};
use crate::error::{Result, StoreError};
use crate::sql::{Dialect, Row, Tx, Value};

/// The oldest server whose locks, upserts and settings are those that the operations use, as it tells its version.
const VERSION_MIN: i64 = 130_000;

/// How every session is set. A node that is cut off in the middle of a transaction must not
/// hold its locks until its leases are over, when others want its jobs. And every
/// commit waits for the server's disk, whatever the server's default: a claim, a heartbeat or an event that is lost with the server, after
/// others have acted on it, would be given again.
const SESSION: &str = "SET idle_in_transaction_session_timeout = '2s'; SET TIME ZONE 'UTC'; SET client_min_messages = warning; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// The most statements kept prepared; list filters make new ones.
const STATEMENTS_MAX: usize = 500;

/// Where the server is and how it is spoken to.
#[derive(Clone)]
pub(super) struct Server {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Server {
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (url, tls) = Tls::split(url)?;
        let tls = tls.connector()?;
        let mut config: Config = url.parse().map_err(|e: postgres::Error| {
            let why = std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string);
            StoreError::Invalid(format!("the database URL cannot be read ({why}): give postgres://USER:PASSWORD@HOST:PORT/NAME"))
        })?;
        if config.get_application_name().is_none() {
            config.application_name("windlass");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        // A server that went away without a word must not hold a heartbeat for longer than a lease lasts.
        config.keepalives_idle(Duration::from_secs(15));
        config.keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(2);
        config.tcp_user_timeout(Duration::from_secs(15));
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        Ok(Self { config, tls })
    }
}

/// One connection.
pub(super) struct Connection {
    client: Client,
    statements: HashMap<String, Statement>,
    /// The server asks for the transaction to be run again.
    pub(super) run_again: bool,
    /// How long the last commit took.
    pub(super) commit_took: Duration,
    /// A transaction is open, or may be.
    open: bool,
}

impl Connection {
    pub(super) fn connect(server: &Server) -> Result<Self> {
        let connected = match &server.tls {
            Some(tls) => server.config.connect(tls.clone()),
            None => server.config.connect(NoTls),
        };
        let mut client = connected.map_err(|e| match told(&e) {
            // Before there is a connection nothing else can be at fault but the way to it.
            StoreError::Internal(why) => StoreError::Unavailable(why),
            other => other,
        })?;
        client.batch_execute(SESSION).map_err(|e| told(&e))?;
        Ok(Self { client, statements: HashMap::new(), run_again: false, commit_took: Duration::ZERO, open: false })
    }

    /// Refuses a server that is too old.
    pub(super) fn check_version(&mut self) -> Result<()> {
        let told = self.query("SELECT CAST(current_setting('server_version_num') AS BIGINT)", &[])?.into_iter().next();
        enough(told.map_or(Ok(0), |mut row| row.int())?)
    }

    /// Whether it is of no further use.
    pub(super) fn is_spent(&self) -> bool {
        self.open || self.client.is_closed()
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self, begin: &str) -> Result<()> {
        self.run_again = false;
        self.open = true;
        self.batch(begin)
    }

    /// Runs `op` in a transaction.
    pub(super) fn in_transaction<T>(&mut self, begin: &str, op: impl FnOnce(&mut dyn Tx) -> Result<T>) -> Result<T> {
        self.begin(begin)?;
        self.finish(op)
    }

    /// Runs `op` in the open transaction and ends that.
    pub(super) fn finish<T>(&mut self, op: impl FnOnce(&mut dyn Tx) -> Result<T>) -> Result<T> {
        let result = op(self);
        let ended = match &result {
            Ok(_) => {
                let began = Instant::now();
                let ended = self.batch("COMMIT");
                self.commit_took = began.elapsed();
                ended
            }
            Err(_) => {
                let run_again = self.run_again;
                let ended = self.batch("ROLLBACK");
                self.run_again = run_again;
                ended
            }
        };
        self.open = ended.is_err();
        match (result, ended) {
            (Ok(value), Ok(())) => Ok(value),
            (Err(e), _) | (Ok(_), Err(e)) => Err(e),
        }
    }

    /// Waits for a notification for at most `limit`: its channel, and the number of the connection that sent it.
    pub(super) fn wait_for_notification(&mut self, limit: Duration) -> Result<Option<(String, i32)>> {
        let heard = self.client.notifications().timeout_iter(limit).next();
        Ok(heard.map_err(|e| told(&e))?.map(|heard| (heard.channel().to_owned(), heard.process_id())))
    }

    fn failed(&mut self, e: &postgres::Error) -> StoreError {
        self.run_again |= wire::asks_to_run_again(e);
        told(e)
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        if self.statements.len() >= STATEMENTS_MAX {
            self.statements.clear();
        }
        let statement = self.client.prepare(sql).map_err(|e| self.failed(&e))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn enough(version: i64) -> Result<()> {
    if version >= VERSION_MIN {
        return Ok(());
    }
    Err(StoreError::Unsupported(format!(
        "the server is PostgreSQL {}.{} and Windlass needs {} or later; upgrade the server, or name another one",
        version / 10_000,
        version % 10_000,
        VERSION_MIN / 10_000,
    )))
}

fn borrowed(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl Tx for Connection {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let statement = self.prepared(sql)?;
        self.client.execute(&statement, &borrowed(params)).map_err(|e| self.failed(&e))
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepared(sql)?;
        let rows = self.client.query(&statement, &borrowed(params)).map_err(|e| self.failed(&e))?;
        rows.iter().map(wire::row).collect()
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).map_err(|e| self.failed(&e))
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn now(&mut self) -> Result<Timestamp> {
        let rows = self.query("SELECT CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)", &[])?;
        match rows.into_iter().next() {
            Some(mut row) => row.time(),
            None => Err(StoreError::Internal("the server told no time".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_too_old_is_refused_with_what_to_do() {
        assert_eq!(enough(130_000), Ok(()));
        let refused = enough(120_017).map_err(|e| e.to_string());
        assert_eq!(
            refused,
            Err("the server is PostgreSQL 12.17 and Windlass needs 13 or later; upgrade the server, or name another one".to_owned())
        );
    }
}
