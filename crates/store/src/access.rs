//! Who may do what after a restore. The database that is replaced knows what was revoked since the backup: its word counts.
//!
//! **Invariants:** nobody is signed in after a restore; nobody is let in whom the replaced database kept out; its audit log goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use windlass_types::{Timestamp, count};

use crate::error::{Result, StoreError};
use crate::sql::{Tx, Value, Work, values};

/// How many lines of the audit log are read at once.
const PAGE: i64 = 1000;

/// What is carried over of a table. Each of these tables is known by its first column.
struct Carried {
    table: &'static str,
    columns: &'static [&'static str],
}

const USERS: Carried = Carried { table: "users", columns: &["name", "role", "disabled", "created_at", "last_login_at", "password_hash"] };
const TOKENS: Carried = Carried {
    table: "credentials",
    columns: &[
        "id",
        "kind",
        "sha256",
        "name",
        "scope",
        "assignment_id",
        "user_name",
        "created_by",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    ],
};
const AUDIT: Carried = Carried { table: "audit", columns: &["id", "at", "who", "via", "action", "method", "path", "status", "peer"] };

/// The rows that say how old a database is: of each table, which, and when they were made.
const AGED: [(&str, &str, &str); 4] = [
    ("users", "created_at", ""),
    ("credentials", "created_at", " AND kind = 'token'"),
    ("assignments", "created_at", ""),
    ("audit", "at", ""),
];

/// Whose word counts for who may do what after a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessOf {
    /// The backup's: nothing older was replaced.
    Backup,
    /// The replaced database's.
    Replaced,
    /// Nobody's: what was replaced could not be read, and so nobody knows what was revoked.
    Nobody,
}

/// What became of who may do what when a backup was restored. Its text is the sentence that people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Whose word counts for it.
    pub of: AccessOf,
    /// How many users the backup would have let in and are disabled now.
    pub disabled: u64,
    /// How many tokens were good in the backup and are revoked now.
    pub revoked: u64,
    /// How many lines of the audit log the backup lacked, and were carried over.
    pub lines: u64,
    /// Whether the replaced audit log could be read to its end.
    pub is_log_whole: bool,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shut = format!("{} disabled, {} revoked", count(self.disabled, "user"), count(self.revoked, "token"));
        f.write_str("everybody signs in anew; ")?;
        match self.of {
            AccessOf::Backup => f.write_str("users and tokens are as the backup has them")?,
            AccessOf::Replaced => {
                write!(f, "users and tokens stay as they were before the restore, those that only the backup has are kept out ({shut})")?;
            }
            AccessOf::Nobody => write!(
                f,
                "what was there before cannot be read, and as nobody knows what was revoked since the backup all are kept out ({shut}): \
                 `windlass users set NAME --enable` lets somebody in again"
            )?,
        }
        if self.lines > 0 {
            write!(f, "; {} of the audit log carried over", count(self.lines, "line"))?;
        }
        if self.is_log_whole { Ok(()) } else { f.write_str("; not all of the audit log that was there can be read") }
    }
}

/// The database that a restore replaces.
pub(crate) enum Replaced {
    /// There is none.
    Nothing,
    /// A schema beside the one that is written.
    Schema(String),
    /// A file of its own.
    File(Box<dyn Tx>),
    /// It cannot be read.
    Unreadable(StoreError),
}

/// What the replaced database knows.
struct Known {
    users: Vec<Vec<Value>>,
    tokens: Vec<Vec<Value>>,
}

/// The columns of each table.
type Columns = BTreeMap<String, BTreeSet<String>>;

impl Replaced {
    /// What stands before the name of one of its tables.
    fn prefix(&self) -> String {
        if let Self::Schema(name) = self { format!("{name}.") } else { String::new() }
    }

    fn query(&mut self, w: &mut Work<'_>, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>> {
        let rows = match self {
            Self::File(tx) => tx.query(sql, params)?,
            _ => w.query(sql, params)?,
        };
        Ok(rows.into_iter().map(crate::sql::Row::into_values).collect())
    }

    fn columns(&mut self, w: &mut Work<'_>) -> Result<Columns> {
        let (sql, params) = match self {
            Self::Schema(name) => (
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_schema = $1",
                vec![Value::from(name.as_str())],
            ),
            _ => ("SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'", Vec::new()),
        };
        let mut found = Columns::new();
        for row in self.query(w, sql, &params)? {
            if let [Value::Text(table), Value::Text(column)] = row.as_slice() {
                found.entry(table.clone()).or_default().insert(column.clone());
            }
        }
        Ok(found)
    }

    fn rows(&mut self, w: &mut Work<'_>, columns: &Columns, of: &Carried, only: &str) -> Result<Vec<Vec<Value>>> {
        if !columns.contains_key(of.table) {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT {} FROM {}{}{only} ORDER BY 1", of.columns.join(", "), self.prefix(), of.table);
        self.query(w, &sql, &[])
    }

    /// What it knows, unless nothing in it is older than the backup: then it knows nothing of what became of that.
    fn known(&mut self, w: &mut Work<'_>, columns: &Columns, made_at: Timestamp) -> Result<Option<Known>> {
        let mut is_older = false;
        for (table, at, only) in AGED {
            if !is_older && columns.contains_key(table) {
                let sql = format!("SELECT 1 FROM {}{table} WHERE {at} <= $1{only} LIMIT 1", self.prefix());
                is_older = !self.query(w, &sql, values![made_at])?.is_empty();
            }
        }
        if !is_older {
            return Ok(None);
        }
        Ok(Some(Known { users: self.rows(w, columns, &USERS, "")?, tokens: self.rows(w, columns, &TOKENS, " WHERE kind = 'token'")? }))
    }

    /// Its columns and what it knows; none where what is there is not Windlass's.
    fn read(&mut self, w: &mut Work<'_>, made_at: Timestamp) -> Result<Option<(Columns, Option<Known>)>> {
        match self {
            Self::Nothing => return Ok(None),
            Self::Unreadable(e) => return Err(e.clone()),
            Self::Schema(_) | Self::File(_) => {}
        }
        let columns = self.columns(w)?;
        if !columns.contains_key("schema_meta") {
            return Ok(None);
        }
        // A later windlass may have written it: that is seen before a statement fails, which ends a transaction of PostgreSQL's.
        for of in [&USERS, &TOKENS, &AUDIT] {
            if let Some(found) = columns.get(of.table)
                && let Some(missing) = of.columns.iter().find(|column| !found.contains(**column))
            {
                let e = StoreError::Foreign(format!("its table {} has no {missing}", of.table));
                *self = Self::Unreadable(e.clone());
                return Err(e);
            }
        }
        let known = self.known(w, &columns, made_at)?;
        Ok(Some((columns, known)))
    }
}

/// Writes a row, in place of the one that has the same key.
fn put(w: &mut Work<'_>, of: &Carried, row: &[Value]) -> Result<()> {
    let places = (1..=of.columns.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
    let key = of.columns.first().copied().unwrap_or_default();
    let set = of.columns.iter().skip(1).map(|column| format!("{column} = excluded.{column}")).collect::<Vec<_>>().join(", ");
    let sql = format!("INSERT INTO {} ({}) VALUES ({places}) ON CONFLICT ({key}) DO UPDATE SET {set}", of.table, of.columns.join(", "));
    w.execute(&sql, row).map(drop)
}

/// Disables every user and revokes every token, then puts back what is known; how many of each were shut and stay so.
fn shut(w: &mut Work<'_>, known: Option<&Known>) -> Result<(u64, u64)> {
    let now = w.now()?;
    let users = w.query("SELECT name FROM users WHERE disabled = FALSE", &[])?;
    let live = "SELECT id FROM credentials WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)";
    let tokens = w.query(live, values![now])?;
    w.execute("UPDATE users SET disabled = TRUE", &[])?;
    w.execute("UPDATE credentials SET revoked_at = $1 WHERE revoked_at IS NULL", values![now])?;
    let mut counts = [0, 0];
    let both = [(users, &USERS, known.map(|known| &known.users)), (tokens, &TOKENS, known.map(|known| &known.tokens))];
    for ((had, of, rows), shut) in both.into_iter().zip(&mut counts) {
        let rows = rows.map_or(&[][..], Vec::as_slice);
        let keys: BTreeSet<&str> =
            rows.iter().filter_map(|row| if let Some(Value::Text(key)) = row.first() { Some(key.as_str()) } else { None }).collect();
        for mut had in had {
            *shut += u64::from(!keys.contains(had.text()?.as_str()));
        }
        for row in rows {
            put(w, of, row)?;
        }
    }
    Ok((counts[0], counts[1]))
}

/// Adds the lines of the replaced audit log that the backup lacks; how many, and whether all could be read.
fn carry_audit(w: &mut Work<'_>, replaced: &mut Replaced) -> Result<(u64, bool)> {
    let columns = AUDIT.columns.join(", ");
    if let Replaced::Schema(name) = replaced {
        let sql = format!("INSERT INTO audit ({columns}) SELECT {columns} FROM {name}.audit WHERE TRUE ON CONFLICT (id) DO NOTHING");
        return Ok((w.execute(&sql, &[])?, true));
    }
    let places = (1..=AUDIT.columns.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
    let insert = format!("INSERT INTO audit ({columns}) VALUES ({places}) ON CONFLICT (id) DO NOTHING");
    let page = format!("SELECT {columns} FROM audit WHERE id > $1 ORDER BY id LIMIT {PAGE}");
    let (mut carried, mut after) = (0, Value::from(""));
    loop {
        let rows = match replaced.query(w, &page, std::slice::from_ref(&after)) {
            Ok(rows) => rows,
            Err(e) => {
                tracing::warn!(error = %e, "the audit log that was there could not be read to its end");
                return Ok((carried, false));
            }
        };
        for row in &rows {
            carried += w.execute(&insert, row)?;
        }
        match rows.last().and_then(|row| row.first()) {
            Some(last) if rows.len() as i64 == PAGE => after = last.clone(),
            _ => return Ok((carried, true)),
        }
    }
}

/// Decides who may do what in a database that a backup was just written to.
pub(crate) fn settle(w: &mut Work<'_>, mut replaced: Replaced, made_at: Timestamp) -> Result<Access> {
    w.execute("DELETE FROM credentials WHERE kind <> 'token'", &[])?;
    let read = match replaced.read(w, made_at) {
        // A failed statement has ended a transaction of PostgreSQL's: there all stays as it was.
        Err(e) if matches!(replaced, Replaced::Schema(_)) => return Err(e),
        read => read,
    };
    let (of, known, columns) = match read {
        Ok(Some((columns, Some(known)))) => (AccessOf::Replaced, Some(known), columns),
        Ok(Some((columns, None))) => (AccessOf::Backup, None, columns),
        Ok(None) => (AccessOf::Backup, None, Columns::new()),
        Err(e) => {
            tracing::warn!(error = %e, "the database that was there could not be read: every user is disabled and every token revoked");
            (AccessOf::Nobody, None, Columns::new())
        }
    };
    let (disabled, revoked) = if of == AccessOf::Backup { (0, 0) } else { shut(w, known.as_ref())? };
    let (lines, is_log_whole) =
        if columns.contains_key(AUDIT.table) { carry_audit(w, &mut replaced)? } else { (0, of != AccessOf::Nobody) };
    Ok(Access { of, disabled, revoked, lines, is_log_whole })
}
