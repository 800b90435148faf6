//! Reading the whole database out, as of one moment: rows as JSON arrays, the same from both databases.

use windlass_types::Timestamp;

use crate::aside::read_aside;
use crate::error::{Result, StoreError};
use crate::migrate;
use crate::sql::{Tx, Value};
use crate::store::Store;
use crate::tables::{Table, tables};

/// How many rows are read at once.
const PAGE: i64 = 1000;

/// What was read out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The schema number of the database.
    pub schema: i64,
    /// The store's time at that moment.
    pub at: Timestamp,
    /// The tables, in the order in which they can be written.
    pub tables: Vec<ExportedTable>,
}

/// One table of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExportedTable {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of each row's values.
    pub columns: Vec<String>,
    /// How many rows it has.
    pub rows: u64,
}

fn page(table: &Table, after: Option<&[Value]>) -> String {
    let key = table.key.iter().filter_map(|&index| table.columns.get(index)).map(|column| column.name.as_str()).collect::<Vec<_>>();
    let key = key.join(", ");
    let from = after.map_or_else(String::new, |values| {
        let places = (1..=values.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        format!(" WHERE ({key}) > ({places})")
    });
    format!("SELECT {} FROM {}{from} ORDER BY {key} LIMIT {PAGE}", table.column_list(), table.name)
}

fn json(table: &Table, values: &[Value]) -> serde_json::Value {
    let cells = values.iter().zip(&table.columns).map(|(value, column)| match value {
        Value::Null => serde_json::Value::Null,
        Value::Int(n) if column.is_flag => (*n != 0).into(),
        Value::Int(n) => (*n).into(),
        Value::Real(n) => (*n).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bool(flag) => (*flag).into(),
    });
    serde_json::Value::Array(cells.collect())
}

fn export(tx: &mut dyn Tx, row: &mut dyn FnMut(&str, &str) -> std::io::Result<()>) -> Result<Exported> {
    let mut exported = Exported { schema: migrate::version(tx)?, at: tx.now()?, tables: Vec::new() };
    for table in tables(tx)? {
        let mut rows = 0;
        let mut after: Option<Vec<Value>> = None;
        loop {
            let found = tx.query(&page(&table, after.as_deref()), after.as_deref().unwrap_or_default())?;
            let count = found.len();
            for found in found {
                let values = found.into_values();
                row(&table.name, &json(&table, &values).to_string())
                    .map_err(|e| StoreError::Full(format!("a row of {} could not be written out: {e}", table.name)))?;
                after = Some(table.key.iter().filter_map(|&index| values.get(index).cloned()).collect());
            }
            rows += count as u64;
            if (count as i64) < PAGE {
                break;
            }
        }
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        exported.tables.push(ExportedTable { name: table.name, columns, rows });
    }
    Ok(exported)
}

impl Store {
    /// Reads every row as of one moment and gives it to `row` with its table's name, as a JSON array. Writers are not held up.
    pub async fn export(&self, mut row: impl FnMut(&str, &str) -> std::io::Result<()> + Send + 'static) -> Result<Exported> {
        let options = self.options().clone();
        let read = tokio::task::spawn_blocking(move || read_aside(&options, |tx| export(tx, &mut row)));
        read.await.map_err(|e| StoreError::Internal(format!("reading the database out stopped: {e}")))?
    }
}
