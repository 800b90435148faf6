//! Lists that come in pages.

use serde_json::Value;

use super::Client;
use crate::failure::Result;
use crate::wire::Page;

/// One page: north stars may be a mebibyte each.
const PAGE: usize = 100;

impl Client {
    /// Up to `limit` items from a cursor on, and the next cursor when there are more.
    pub(crate) async fn list(&self, path: &str, query: &[(&str, String)], mut cursor: Option<String>, limit: usize) -> Result<Page<Value>> {
        let mut items = Vec::new();
        loop {
            let mut asked = query.to_vec();
            asked.push(("limit", (limit - items.len()).min(PAGE).to_string()));
            asked.extend(cursor.map(|c| ("cursor", c)));
            let page: Page<Value> = self.get(path, &asked).await?;
            let empty = page.items.is_empty();
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() || empty || items.len() >= limit {
                return Ok(Page { items, next_cursor: cursor });
            }
        }
    }
}
