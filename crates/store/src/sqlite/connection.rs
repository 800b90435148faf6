//! A connection to the database file, and how its errors are told.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, OpenFlags, ToSql, ffi};
use windlass_types::{Clock, Timestamp};

use crate::error::{Result, StoreError};
use crate::sql::{Dialect, Row, Tx, Value};

/// The first version without the fault by which two connections could damage a WAL database.
const VERSION_MIN: i32 = 3_051_003;

/// Refuses a library that can damage the database.
pub(super) fn check_version() -> Result<()> {
    if rusqlite::version_number() >= VERSION_MIN {
        return Ok(());
    }
    Err(StoreError::Internal(format!("SQLite {} is linked and 3.51.3 is the first that is safe", rusqlite::version())))
}

/// Where the database is, and where its time comes from.
#[derive(Debug, Clone)]
pub(super) struct Place {
    path: PathBuf,
    clock: Clock,
}

impl Place {
    pub(super) fn new(url: &str, clock: Clock) -> Result<Self> {
        let Some(path) = crate::aside::sqlite_file(url) else {
            let what = match url.split_once("://") {
                // The address may hold a password: only its kind is repeated.
                Some((scheme, _)) => format!("a {scheme}:// address names no database that Windlass can use"),
                None => format!("{url:?} names no database"),
            };
            return Err(StoreError::Invalid(format!("{what}; give a path, sqlite:PATH, or postgres://USER@HOST/NAME")));
        };
        Ok(Self { path: path.to_path_buf(), clock })
    }

    /// Refuses a file with several names. Each name has a lock and a log of its own, so that who comes by the other one is not seen, and
    /// the two of them damage the database.
    pub(super) fn refuse_links(&self) -> Result<()> {
        match std::fs::metadata(&self.path) {
            Ok(found) if found.is_file() && found.nlink() > 1 => {
                Err(StoreError::Linked { path: self.path.display().to_string(), links: found.nlink() })
            }
            // What else is wrong with it, opening it says.
            _ => Ok(()),
        }
    }
}

/// One connection.
pub(crate) struct Connection {
    db: rusqlite::Connection,
    clock: Clock,
    /// The log, to wait for the disk after a commit: SQLite itself would have to be told before it.
    log: Option<File>,
    shared: bool,
    /// How often the disk was waited for.
    #[cfg(test)]
    pub(super) syncs: u64,
    /// The last error leaves the connection in doubt: it is opened anew.
    pub(super) in_doubt: bool,
    /// Something was written since this was last set to false.
    pub(super) has_written: bool,
}

impl Connection {
    /// Opens the file, making it if need be.
    pub(super) fn open_to_write(place: &Place) -> Result<Self> {
        make_private(place)?;
        let mut connection = Self::open(place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection
            .db
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; \
                 PRAGMA wal_autocheckpoint = 0; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16000;",
            )
            .map_err(|e| told(&e, None))?;
        connection.renew_log()?;
        let name = connection.db.path().map_or_else(|| place.path.clone(), PathBuf::from).into_os_string();
        let log = PathBuf::from([name, "-wal".into()].into_iter().collect::<OsString>());
        connection.log = Some(File::open(&log).map_err(|e| StoreError::Unavailable(format!("its log {}: {e}", log.display())))?);
        Ok(connection)
    }

    /// Folds the log into the database, which is synced, and begins it anew.
    ///
    /// A failed sync, of this process or one before it, leaves pages in the log that the kernel shows and the disk does not have.
    /// What was written behind such a gap would go with the power, however well it was synced.
    fn renew_log(&self) -> Result<()> {
        let (busy, _) = self.checkpoint("PRAGMA wal_checkpoint(RESTART)")?;
        if busy { Err(StoreError::Unavailable("its log is being read for too long".to_owned())) } else { Ok(()) }
    }

    /// Runs a checkpoint: whether it was kept from its end, and how many pages the log has.
    fn checkpoint(&self, sql: &str) -> Result<(bool, i64)> {
        self.db.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)? != 0, row.get(1)?))).map_err(|e| told(&e, None))
    }

    /// How many pages the log has.
    pub(super) fn log_pages(&self) -> Result<i64> {
        self.checkpoint("PRAGMA wal_checkpoint(NOOP)").map(|(_, pages)| pages)
    }

    /// Opens the file to read it.
    pub(super) fn open_to_read(place: &Place) -> Result<Self> {
        let connection = Self::open(place, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.db.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8000;").map_err(|e| told(&e, None))?;
        Ok(connection)
    }

    /// Opens the file for a moment's upkeep: what the writer holds is left alone.
    pub(super) fn open_beside(place: &Place) -> Result<Self> {
        let connection = Self::open(place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.db.busy_timeout(Duration::ZERO).map_err(|e| told(&e, None))?;
        connection.db.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA synchronous = NORMAL;").map_err(|e| told(&e, None))?;
        Ok(connection)
    }

    /// Breaks off what runs after `limit`; until then, or until what is returned is dropped.
    pub(super) fn stop_after(&self, limit: Duration) -> std::sync::mpsc::Sender<()> {
        let handle = self.db.get_interrupt_handle();
        let (kept, over) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            if over.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        kept
    }

    /// A database in memory that a simulation gives to several nodes.
    #[cfg(feature = "simulation")]
    pub(crate) fn in_memory(clock: Clock) -> Result<Self> {
        let db = rusqlite::Connection::open_in_memory().map_err(|e| told(&e, None))?;
        db.execute_batch("PRAGMA foreign_keys = ON;").map_err(|e| told(&e, None))?;
        db.set_prepared_statement_cache_capacity(256);
        Ok(Self {
            db,
            clock,
            log: None,
            shared: true,
            #[cfg(test)]
            syncs: 0,
            in_doubt: false,
            has_written: false,
        })
    }

    fn open(place: &Place, flags: OpenFlags) -> Result<Self> {
        let db = rusqlite::Connection::open_with_flags(&place.path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|e| told(&e, Some(&place.path)))?;
        db.busy_timeout(Duration::from_secs(5)).map_err(|e| told(&e, None))?;
        db.pragma_update(None, "mmap_size", 0).map_err(|e| told(&e, None))?;
        // Or every statement near a partial index is planned anew for each value that is bound to it.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(|e| told(&e, None))?;
        db.set_prepared_statement_cache_capacity(256);
        Ok(Self {
            db,
            clock: place.clock.clone(),
            log: None,
            shared: false,
            #[cfg(test)]
            syncs: 0,
            in_doubt: false,
            has_written: false,
        })
    }

    /// Runs one of SQLite's own commands.
    pub(crate) fn command(&mut self, sql: &'static str) -> Result<()> {
        let ran = self.db.prepare_cached(sql).and_then(|mut statement| {
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        });
        ran.map_err(|e| self.failed(&e))
    }

    /// Waits until all that was committed is on disk. When it fails nobody knows what of it is, and the connection is in doubt.
    pub(super) fn sync(&mut self) -> Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        #[cfg(test)]
        {
            self.syncs += 1;
        }
        log.sync_data().map_err(|e| {
            self.in_doubt = true;
            StoreError::Unavailable(format!("the disk did not take its log: {e}"))
        })
    }

    /// Whether a transaction is open: some errors end it by themselves.
    pub(crate) fn is_open(&self) -> bool {
        !self.db.is_autocommit()
    }

    /// Runs `op` in a transaction of its own, on disk before it returns.
    pub(crate) fn in_transaction<T>(&mut self, op: impl FnOnce(&mut dyn Tx) -> Result<T>) -> Result<T> {
        self.command("BEGIN IMMEDIATE")?;
        let result = op(self).and_then(|value| self.command("COMMIT").map(|()| value));
        if result.is_err() && self.is_open() {
            self.command("ROLLBACK")?;
        }
        result.and_then(|value| self.sync().map(|()| value))
    }

    fn failed(&mut self, e: &rusqlite::Error) -> StoreError {
        let code = e.sqlite_error_code();
        if matches!(code, Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) {
            self.in_doubt = true;
        }
        told(e, None)
    }

    fn bind(statement: &mut rusqlite::CachedStatement<'_>, sql: &str, params: &[Value]) -> rusqlite::Result<()> {
        if counts_up(sql) {
            for (index, value) in (1..=statement.parameter_count()).zip(params) {
                statement.raw_bind_parameter(index, value)?;
            }
            return Ok(());
        }
        for index in 1..=statement.parameter_count() {
            // `$3` may be the first to occur: SQLite counts by occurrence, we by number.
            let number = statement.parameter_name(index).and_then(|name| name.get(1..)).and_then(|n| n.parse::<usize>().ok());
            let value = number.and_then(|n| params.get(n.wrapping_sub(1))).unwrap_or(&Value::Null);
            statement.raw_bind_parameter(index, value)?;
        }
        Ok(())
    }

    fn try_query(&mut self, sql: &str, params: &[Value]) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.db.prepare_cached(sql)?;
        self.has_written |= !statement.readonly();
        Self::bind(&mut statement, sql, params)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(columns);
            for column in 0..columns {
                values.push(match row.get_ref(column)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(n) => Value::Int(n),
                    ValueRef::Real(n) => Value::Real(n),
                    ValueRef::Text(text) | ValueRef::Blob(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                });
            }
            found.push(Row::new(values));
        }
        Ok(found)
    }

    fn try_execute(&mut self, sql: &str, params: &[Value]) -> rusqlite::Result<usize> {
        let mut statement = self.db.prepare_cached(sql)?;
        self.has_written |= !statement.readonly();
        Self::bind(&mut statement, sql, params)?;
        statement.raw_execute()
    }
}

impl Tx for Connection {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        match self.try_execute(sql, params) {
            Ok(changed) => Ok(changed as u64),
            Err(e) => Err(self.failed(&e)),
        }
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.try_query(sql, params).map_err(|e| self.failed(&e))
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.db.execute_batch(sql).map_err(|e| self.failed(&e))
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn is_shared(&self) -> bool {
        self.shared
    }

    fn now(&mut self) -> Result<Timestamp> {
        Ok(self.clock.now())
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(n) => ValueRef::Integer(*n),
            Self::Real(n) => ValueRef::Real(*n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bool(flag) => ValueRef::Integer(i64::from(*flag)),
        }))
    }
}

/// Whether the statement's parameters first occur in the order of their numbers, so that SQLite counts them as we do.
fn counts_up(sql: &str) -> bool {
    let mut highest = 0;
    sql.split('$').skip(1).all(|rest| {
        let number =
            rest.bytes().take_while(u8::is_ascii_digit).fold(0, |n: usize, digit| n.saturating_mul(10) + usize::from(digit - b'0'));
        let next = highest + 1;
        highest = highest.max(number);
        (1..=next).contains(&number)
    })
}

/// Makes the file for its owner only; the files that SQLite puts beside it take over its mode.
fn make_private(place: &Place) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place.path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::StorageFull => Err(StoreError::Full(format!("{}: {e}", place.path.display()))),
        Err(e) => Err(StoreError::ReadOnly(format!("{}: {e}", place.path.display()))),
    }
}

fn told(e: &rusqlite::Error, path: Option<&std::path::Path>) -> StoreError {
    let what = path.map_or_else(|| e.to_string(), |path| format!("{}: {e}", path.display()));
    let Some(error) = e.sqlite_error() else { return StoreError::Internal(what) };
    match error.code {
        ErrorCode::DiskFull => StoreError::Full("the disk, or a quota, is full".to_owned()),
        // A write past a file size limit or a disk quota is told like this.
        ErrorCode::SystemIoFailure
            if matches!(error.extended_code, ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_TRUNCATE) =>
        {
            StoreError::Full(format!("it could not be written (a full disk, a quota, or a limit): {what}"))
        }
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            StoreError::ReadOnly(what)
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed | ErrorCode::OperationInterrupted => {
            StoreError::Unavailable(what)
        }
        ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory => StoreError::Unavailable(what),
        ErrorCode::DatabaseCorrupt => StoreError::Corrupt(what),
        ErrorCode::NotADatabase => StoreError::Foreign(what),
        ErrorCode::TooBig => StoreError::Invalid(what),
        _ => StoreError::Internal(what),
    }
}

#[cfg(test)]
mod tests {
    use windlass_types::Timestamp;

    use super::*;
    use crate::sql::values;

    #[test]
    fn parameters_are_bound_by_their_number_in_whatever_order_they_occur() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let place = Place::new(&dir.path().join("a.db").display().to_string(), Clock::manual(Timestamp(1))).expect("a place");
        let mut connection = Connection::open_to_write(&place).expect("opened");
        for (sql, wanted) in [
            ("SELECT $1 || $2 || $3", "abc"),
            ("SELECT $3 || $1 || $2", "cab"),
            ("SELECT $1 || $1 || $2 || $3 || $2", "aabcb"),
            ("SELECT $2 || $2", "bb"),
        ] {
            let row = connection.query(sql, values!["a", "b", "c"]).expect("read").pop();
            assert_eq!(row.and_then(|mut row| row.text().ok()).as_deref(), Some(wanted), "{sql}");
        }
    }
}
