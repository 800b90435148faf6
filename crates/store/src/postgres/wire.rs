//! Values and errors as the server's protocol has them.

use std::error::Error as StdError;

use bytes::BytesMut;
use postgres::error::SqlState;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::error::{Result, StoreError};
use crate::sql::{Row, Value};

impl ToSql for Value {
    /// Written as the server wants it, which knows each parameter's type from its place.
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(n), &Type::INT4) => i32::try_from(*n)?.to_sql(ty, out),
            (Self::Int(n), &Type::INT2) => i16::try_from(*n)?.to_sql(ty, out),
            (Self::Int(n), &Type::FLOAT8) => (*n as f64).to_sql(ty, out),
            (Self::Int(n), &Type::INT8) => n.to_sql(ty, out),
            (Self::Real(n), &Type::FLOAT8) => n.to_sql(ty, out),
            (Self::Bool(flag), &Type::BOOL) => flag.to_sql(ty, out),
            (Self::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::NAME | &Type::UNKNOWN) => text.as_str().to_sql(ty, out),
            (value, ty) => Err(format!("{value:?} cannot be given where the server wants {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A row of the server's as ours.
pub(super) fn row(row: &postgres::Row) -> Result<Row> {
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let value = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index).map(Value::from),
            Type::INT4 => row.try_get::<_, Option<i32>>(index).map(Value::from),
            Type::BOOL => row.try_get::<_, Option<bool>>(index).map(Value::from),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(index).map(|n| n.map_or(Value::Null, Value::Real)),
            Type::VOID => Ok(Value::Null),
            _ => row.try_get::<_, Option<String>>(index).map(Value::from),
        };
        values.push(value.map_err(|e| StoreError::Corrupt(format!("column {} cannot be read: {e}", column.name())))?);
    }
    Ok(Row::new(values))
}

/// Whether the transaction met another one and may well pass when it is run again.
pub(super) fn asks_to_run_again(e: &postgres::Error) -> bool {
    e.code().is_some_and(|code| {
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE, SqlState::UNIQUE_VIOLATION]
            .contains(code)
    })
}

/// An error of the server or of the way to it.
pub(super) fn told(e: &postgres::Error) -> StoreError {
    let Some(db) = e.as_db_error() else {
        let why = e.source().map_or_else(|| e.to_string(), |source| format!("{e}: {source}"));
        let reachable = !e.is_closed() && e.source().is_none_or(|source| !source.is::<std::io::Error>());
        return if reachable { StoreError::Internal(why) } else { StoreError::Unavailable(why) };
    };
    let what = format!("{} ({})", db.message(), db.code().code());
    match db.code() {
        &SqlState::DISK_FULL => StoreError::Full(what),
        &SqlState::READ_ONLY_SQL_TRANSACTION | &SqlState::INSUFFICIENT_PRIVILEGE => StoreError::ReadOnly(what),
        &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => StoreError::Corrupt(what),
        code => match code.code().get(..2) {
            // Connections, resources, an operator's stop, locks, authentication, a database that is not there.
            Some("08" | "53" | "57" | "55" | "58" | "28" | "3D" | "40" | "25") => StoreError::Unavailable(what),
            Some("54") => StoreError::Invalid(what),
            _ => StoreError::Internal(what),
        },
    }
}
