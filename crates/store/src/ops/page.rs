//! Pages of lists, and the conditions that pick their rows.

use crate::error::{Result, StoreError};
use crate::sql::Value;

/// The most rows a page has.
pub(crate) const PAGE_MAX: u32 = 500;

/// A piece of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}

/// A limit that can be kept.
pub(crate) fn bounded(limit: u32) -> u32 {
    limit.clamp(1, PAGE_MAX)
}

/// Makes a page out of one row more than it may have.
pub(crate) fn page<T>(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Page<T> {
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = if more { items.last().map(cursor) } else { None };
    Page { items, next_cursor }
}

/// A cursor that was given back.
pub(crate) fn parse_cursor<T: std::str::FromStr>(cursor: Option<&str>) -> Result<Option<T>> {
    cursor
        .map(|text| text.parse().map_err(|_| StoreError::Invalid("the cursor is not one of this list: begin without one".to_owned())))
        .transpose()
}

/// The `WHERE` of a list, built from the filters that are given.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    text: String,
    pub(crate) params: Vec<Value>,
}

impl Conditions {
    /// Adds a condition; each `?` in it stands for the next of `values`.
    pub(crate) fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(if self.text.is_empty() { " WHERE " } else { " AND " });
        let mut values = values.into_iter();
        for c in condition.chars() {
            if c == '?' {
                let place = self.push(values.next().unwrap_or(Value::Null));
                self.text.push_str(&place);
            } else {
                self.text.push(c);
            }
        }
    }

    /// Adds a condition if there is something to compare with.
    pub(crate) fn and_if(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.and(condition, [value.into()]);
        }
    }

    /// Adds that `column` has one of `words`, if there are any.
    pub(crate) fn one_of<'a>(&mut self, column: &str, words: impl IntoIterator<Item = &'a str>) {
        let values: Vec<Value> = words.into_iter().map(Value::from).collect();
        if !values.is_empty() {
            let places = vec!["?"; values.len()].join(", ");
            self.and(&format!("{column} IN ({places})"), values);
        }
    }

    /// Adds a parameter and gives its place.
    pub(crate) fn push(&mut self, value: Value) -> String {
        self.params.push(value);
        format!("${}", self.params.len())
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}
