//! A row, read column by column in the order of the statement.

use serde::de::DeserializeOwned;
use windlass_types::Timestamp;

use super::Value;
use crate::error::{Result, StoreError};

/// A row whose columns are taken one after the other, typed.
#[derive(Debug)]
pub(crate) struct Row {
    values: std::vec::IntoIter<Value>,
}

fn wrong(wanted: &str, got: &Value) -> StoreError {
    let got = match got {
        Value::Null => "nothing",
        Value::Int(_) => "a number",
        Value::Real(_) => "a real number",
        Value::Text(_) => "a text",
        Value::Bool(_) => "a flag",
    };
    StoreError::Corrupt(format!("a column holds {got} where {wanted} is expected"))
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self { values: values.into_iter() }
    }

    /// Every column as it is.
    pub(crate) fn into_values(self) -> Vec<Value> {
        self.values.collect()
    }

    fn take(&mut self) -> Value {
        self.values.next().unwrap_or(Value::Null)
    }

    /// The next column as text.
    pub(crate) fn text(&mut self) -> Result<String> {
        match self.take() {
            Value::Text(text) => Ok(text),
            other => Err(wrong("a text", &other)),
        }
    }

    /// The next column as text, or nothing.
    pub(crate) fn opt_text(&mut self) -> Result<Option<String>> {
        match self.take() {
            Value::Text(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            other => Err(wrong("a text", &other)),
        }
    }

    /// The next column as a number, or nothing.
    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>> {
        match self.take() {
            Value::Int(n) => Ok(Some(n)),
            Value::Null => Ok(None),
            other => Err(wrong("a number", &other)),
        }
    }

    /// The next column as a number of the wanted size.
    pub(crate) fn int<T: TryFrom<i64>>(&mut self) -> Result<T> {
        match self.take() {
            Value::Int(n) => T::try_from(n).map_err(|_| StoreError::Corrupt(format!("the number {n} is out of range"))),
            other => Err(wrong("a number", &other)),
        }
    }

    /// The next column as a flag.
    pub(crate) fn flag(&mut self) -> Result<bool> {
        match self.take() {
            Value::Bool(flag) => Ok(flag),
            Value::Int(n) => Ok(n != 0),
            other => Err(wrong("a flag", &other)),
        }
    }

    /// The next column as a flag, or nothing.
    pub(crate) fn opt_flag(&mut self) -> Result<Option<bool>> {
        match self.take() {
            Value::Null => Ok(None),
            Value::Bool(flag) => Ok(Some(flag)),
            Value::Int(n) => Ok(Some(n != 0)),
            other => Err(wrong("a flag", &other)),
        }
    }

    /// The next column as a time.
    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        self.int().map(Timestamp)
    }

    /// The next column as a time, or nothing.
    pub(crate) fn opt_time(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.opt_int()?.map(Timestamp))
    }

    /// The next column as a word or id that is kept as text.
    pub(crate) fn word<T>(&mut self) -> Result<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.text()?;
        text.parse().map_err(|e: T::Err| StoreError::Corrupt(e.to_string()))
    }

    /// The next column as a word or id, or nothing.
    pub(crate) fn opt_word<T>(&mut self) -> Result<Option<T>>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        self.opt_text()?.map(|text| text.parse().map_err(|e: T::Err| StoreError::Corrupt(e.to_string()))).transpose()
    }

    /// The next column as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        from_json(&self.text()?)
    }

    /// The next column as JSON, or nothing.
    pub(crate) fn opt_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        self.opt_text()?.map(|text| from_json(&text)).transpose()
    }
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| StoreError::Corrupt(format!("a JSON column cannot be read: {e}")))
}
