//! The schema: numbered migrations, applied once, by one holder.
//!
//! Changes expand first and contract later: an older binary goes on working until `min_binary` says that it cannot.

use crate::error::{Result, StoreError};
use crate::sql::{Dialect, Tx, values};
use windlass_types::count;

struct Migration {
    version: i64,
    /// The lowest schema number a binary must know to use the schema after it.
    min_binary: i64,
    sql: &'static str,
    /// What only PostgreSQL has a word for, after it.
    postgres: &'static str,
}

const MIGRATIONS: [Migration; 16] = [
    Migration { version: 1, min_binary: 1, sql: include_str!("../migrations/0001_start.sql"), postgres: "" },
    Migration { version: 2, min_binary: 1, sql: include_str!("../migrations/0002_tasks.sql"), postgres: "" },
    Migration { version: 3, min_binary: 1, sql: include_str!("../migrations/0003_breakers.sql"), postgres: "" },
    Migration { version: 4, min_binary: 1, sql: include_str!("../migrations/0004_nodes.sql"), postgres: "" },
    Migration {
        version: 5,
        min_binary: 1,
        sql: include_str!("../migrations/0005_housekeeping.sql"),
        postgres: include_str!("../migrations/0005_housekeeping.postgres.sql"),
    },
    Migration { version: 6, min_binary: 1, sql: include_str!("../migrations/0006_hot.sql"), postgres: "" },
    Migration { version: 7, min_binary: 1, sql: include_str!("../migrations/0007_hot.sql"), postgres: "" },
    Migration { version: 8, min_binary: 1, sql: include_str!("../migrations/0008_findings.sql"), postgres: "" },
    Migration { version: 9, min_binary: 1, sql: include_str!("../migrations/0009_operations.sql"), postgres: "" },
    Migration { version: 10, min_binary: 1, sql: include_str!("../migrations/0010_locks.sql"), postgres: "" },
    Migration { version: 11, min_binary: 1, sql: include_str!("../migrations/0011_pull_requests.sql"), postgres: "" },
    Migration { version: 12, min_binary: 1, sql: include_str!("../migrations/0012_access.sql"), postgres: "" },
    Migration { version: 13, min_binary: 1, sql: include_str!("../migrations/0013_sessions.sql"), postgres: "" },
    Migration { version: 14, min_binary: 1, sql: include_str!("../migrations/0014_notifications.sql"), postgres: "" },
    Migration { version: 15, min_binary: 1, sql: include_str!("../migrations/0015_ended_calls.sql"), postgres: "" },
    Migration { version: 16, min_binary: 1, sql: include_str!("../migrations/0016_status_reason.sql"), postgres: "" },
];

/// The key of the lock that the one who migrates holds on PostgreSQL.
const MIGRATION_LOCK: i64 = 0x7769_6e64_6c61_7374;

/// The highest schema number this binary knows.
pub(crate) const fn binary() -> i64 {
    MIGRATIONS[MIGRATIONS.len() - 1].version
}

/// Brings the schema of an open transaction up to this binary, or refuses.
pub(crate) fn migrate(tx: &mut dyn Tx) -> Result<()> {
    migrate_to(tx, binary())
}

/// The same, up to an earlier schema: a backup is read into the schema that it was taken from.
pub(crate) fn migrate_to(tx: &mut dyn Tx, last: i64) -> Result<()> {
    let tables = match tx.dialect() {
        Dialect::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name LIMIT 1000"
        }
        Dialect::Postgres => {
            tx.query("SELECT pg_advisory_xact_lock($1)", values![MIGRATION_LOCK])?;
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1 LIMIT 1000"
        }
    };
    let tables: Vec<String> = tx.query(tables, &[])?.into_iter().map(|mut row| row.text()).collect::<Result<_>>()?;
    let mut version = 0;
    if tables.iter().any(|table| table == "schema_meta") {
        let (have, min_binary) = meta(tx)?;
        if min_binary > binary() {
            return Err(StoreError::TooNew { min_binary, binary: binary() });
        }
        version = have;
    } else if let Some(first) = tables.first() {
        return Err(StoreError::Foreign(format!("it has {}, the first named {first:?}", count(tables.len(), "table"))));
    } else {
        tx.batch("CREATE TABLE schema_meta (version BIGINT NOT NULL, min_binary BIGINT NOT NULL); INSERT INTO schema_meta VALUES (0, 0);")?;
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > version && migration.version <= last) {
        tx.batch(&text_for(tx.dialect(), migration.sql))?;
        if tx.dialect() == Dialect::Postgres {
            tx.batch(migration.postgres)?;
        }
        tx.execute("UPDATE schema_meta SET version = $1, min_binary = $2", values![migration.version, migration.min_binary])?;
    }
    Ok(())
}

/// The schema number of the database.
pub(crate) fn version(tx: &mut dyn Tx) -> Result<i64> {
    meta(tx).map(|(version, _)| version)
}

fn meta(tx: &mut dyn Tx) -> Result<(i64, i64)> {
    let foreign = || StoreError::Foreign("its table schema_meta is not Windlass's".to_owned());
    let rows = tx.query("SELECT version, min_binary FROM schema_meta", &[]).map_err(|e| match e {
        StoreError::Internal(_) => foreign(),
        other => other,
    })?;
    let mut row = rows.into_iter().next().ok_or_else(foreign)?;
    Ok((row.int().map_err(|_| foreign())?, row.int().map_err(|_| foreign())?))
}

/// The one difference in the schema: SQLite numbers rows by themselves only under exactly this type.
fn text_for(dialect: Dialect, sql: &str) -> String {
    match dialect {
        Dialect::Sqlite => sql.replace("BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY"),
        Dialect::Postgres => sql.to_owned(),
    }
}
