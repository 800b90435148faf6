//! The database's own health: how large it is, whether it is whole, and what keeps it in shape.

use std::path::PathBuf;
use std::time::Duration;

use windlass_types::Timestamp;

use crate::error::{Result, StoreError};
use crate::sql::{Dialect, Work};
use crate::sqlite;
use crate::store::Store;

/// What the database is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFacts {
    /// Its version, in its own words.
    pub version: String,
    /// The schema number.
    pub schema: i64,
    /// The store's time.
    pub now: Timestamp,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// How much of it is free for new rows, in bytes; PostgreSQL does not tell.
    pub free_bytes: u64,
    /// The size of SQLite's log, in bytes.
    pub wal_bytes: Option<u64>,
}

/// What a look at every page found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuickCheck {
    /// Nothing wrong.
    Whole,
    /// What is wrong.
    Damaged(Vec<String>),
    /// It takes longer than it may.
    TooLong,
}

fn number(w: &mut Work<'_>, sql: &str) -> Result<u64> {
    match w.first(sql, &[])? {
        Some(mut row) => row.int(),
        None => Err(StoreError::Corrupt(format!("{sql} tells nothing"))),
    }
}

fn text(w: &mut Work<'_>, sql: &str) -> Result<String> {
    match w.first(sql, &[])? {
        Some(mut row) => row.text(),
        None => Err(StoreError::Corrupt(format!("{sql} tells nothing"))),
    }
}

fn facts(w: &mut Work<'_>) -> Result<DatabaseFacts> {
    let schema = i64::try_from(number(w, "SELECT version FROM schema_meta")?).unwrap_or(i64::MAX);
    let now = w.now()?;
    match w.dialect() {
        Dialect::Sqlite => {
            let page = number(w, "PRAGMA page_size")?;
            Ok(DatabaseFacts {
                version: format!("SQLite {}", text(w, "SELECT sqlite_version()")?),
                schema,
                now,
                size_bytes: page.saturating_mul(number(w, "PRAGMA page_count")?),
                free_bytes: page.saturating_mul(number(w, "PRAGMA freelist_count")?),
                wal_bytes: None,
            })
        }
        Dialect::Postgres => Ok(DatabaseFacts {
            version: format!("PostgreSQL {}", text(w, "SELECT current_setting('server_version')")?),
            schema,
            now,
            size_bytes: number(w, "SELECT pg_database_size(current_database())")?,
            free_bytes: 0,
            wal_bytes: None,
        }),
    }
}

impl Store {
    /// What the database is like.
    pub async fn database(&self) -> Result<DatabaseFacts> {
        let mut found = self.read(facts).await?;
        found.wal_bytes = self.file().and_then(|file| {
            let mut wal = file.into_os_string();
            wal.push("-wal");
            std::fs::metadata(wal).ok().map(|meta| meta.len())
        });
        Ok(found)
    }

    /// SQLite's file.
    fn file(&self) -> Option<PathBuf> {
        let url = &self.options().url;
        (!self.is_postgres()).then(|| PathBuf::from(url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url)))
    }

    /// Looks at every page of SQLite's file, for at most `limit`. PostgreSQL checks its pages as it reads them.
    pub async fn quick_check(&self, limit: Duration) -> Result<QuickCheck> {
        if self.is_postgres() {
            return Ok(QuickCheck::Whole);
        }
        let options = self.options().clone();
        let looked = tokio::task::spawn_blocking(move || sqlite::quick_check(&options, limit));
        Ok(match looked.await.map_err(|e| StoreError::Internal(format!("looking at the database stopped: {e}")))?? {
            None => QuickCheck::TooLong,
            Some(found) if found.is_empty() => QuickCheck::Whole,
            Some(found) => QuickCheck::Damaged(found),
        })
    }

    /// Keeps the database in shape. SQLite: the planner's knowledge, and the log's room; freed pages are used again, so the file need not
    /// be rewritten. PostgreSQL does all of it by itself. Gives up at once where somebody writes.
    pub async fn optimize(&self) -> Result<()> {
        if self.is_postgres() {
            return Ok(());
        }
        let options = self.options().clone();
        let kept = tokio::task::spawn_blocking(move || sqlite::optimize(&options));
        match kept.await.map_err(|e| StoreError::Internal(format!("the upkeep of the database stopped: {e}")))? {
            Err(StoreError::Unavailable(_)) | Ok(()) => Ok(()),
            Err(e) => Err(e),
        }
    }
}
