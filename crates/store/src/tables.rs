//! The database's own account of its tables: what a backup reads and writes, whichever database and schema it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Result, StoreError};
use crate::sql::{Dialect, Tx, values};

/// What every database has beside the tables with rows of ours.
const SCHEMA_TABLE: &str = "schema_meta";

/// A table and its columns, in the database's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// The positions of the columns of its key, in the key's order.
    pub(crate) key: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// SQLite keeps a flag as a number, and only its declared type tells.
    pub(crate) is_flag: bool,
}

/// Every table with rows of ours, those that others refer to first.
pub(crate) fn tables(tx: &mut dyn Tx) -> Result<Vec<Table>> {
    let (names, refers) = match tx.dialect() {
        Dialect::Sqlite => (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name LIMIT 1000",
            "SELECT m.name, f.\"table\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY 1, 2",
        ),
        Dialect::Postgres => (
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema() \
             AND table_type = 'BASE TABLE' ORDER BY 1 LIMIT 1000",
            "SELECT CAST(a.relname AS TEXT), CAST(b.relname AS TEXT) FROM pg_constraint c JOIN pg_class a ON a.oid = c.conrelid \
             JOIN pg_class b ON b.oid = c.confrelid JOIN pg_namespace n ON n.oid = a.relnamespace \
             WHERE c.contype = 'f' AND n.nspname = current_schema() ORDER BY 1, 2",
        ),
    };
    let mut left: BTreeSet<String> = tx.query(names, &[])?.into_iter().map(|mut row| row.text()).collect::<Result<_>>()?;
    left.remove(SCHEMA_TABLE);
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for mut row in tx.query(refers, &[])? {
        let (table, other) = (row.text()?, row.text()?);
        if table != other {
            needs.entry(table).or_default().insert(other);
        }
    }
    let mut found = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_free = |name: &&String| needs.get(*name).is_none_or(|others| others.is_disjoint(&left));
        let Some(next) = left.iter().find(is_free).cloned() else {
            return Err(StoreError::Internal(format!("the tables {left:?} refer to each other in a circle")));
        };
        left.remove(&next);
        found.push(table(tx, next)?);
    }
    Ok(found)
}

fn table(tx: &mut dyn Tx, name: String) -> Result<Table> {
    let columns = match tx.dialect() {
        Dialect::Sqlite => "SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid",
        Dialect::Postgres => {
            "SELECT CAST(c.column_name AS TEXT), CAST(c.data_type AS TEXT), COALESCE(CAST(k.ordinal_position AS BIGINT), 0) \
             FROM information_schema.columns c LEFT JOIN (information_schema.key_column_usage k \
             JOIN information_schema.table_constraints t ON t.constraint_name = k.constraint_name AND t.table_schema = k.table_schema \
             AND t.table_name = k.table_name AND t.constraint_type = 'PRIMARY KEY') \
             ON k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name \
             WHERE c.table_schema = current_schema() AND CAST(c.table_name AS TEXT) = $1 ORDER BY c.ordinal_position"
        }
    };
    let mut found = Table { columns: Vec::new(), key: Vec::new(), name };
    let mut key: Vec<(i64, usize)> = Vec::new();
    for (index, mut row) in tx.query(columns, values![&found.name])?.into_iter().enumerate() {
        let (name, kind, place): (String, String, i64) = (row.text()?, row.text()?, row.int()?);
        found.columns.push(Column { name: plain(name)?, is_flag: kind.to_ascii_lowercase().starts_with("bool") });
        if place > 0 {
            key.push((place, index));
        }
    }
    key.sort_unstable();
    found.key = key.into_iter().map(|(_, index)| index).collect();
    if found.key.is_empty() {
        return Err(StoreError::Internal(format!("the table {} has no primary key", found.name)));
    }
    found.name = plain(found.name)?;
    Ok(found)
}

/// A name that can stand in SQL as it is. Ours all can; a database or a backup that was tampered with may hold others.
pub(crate) fn plain(name: String) -> Result<String> {
    let mut bytes = name.bytes();
    let is_plain = bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && name.len() <= 63;
    if is_plain { Ok(name) } else { Err(StoreError::Foreign(format!("{name:?} is not the name of a table or column of Windlass's"))) }
}

impl Table {
    /// The names of its columns, for a statement.
    pub(crate) fn column_list(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}
