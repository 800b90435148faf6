//! Comments, each made once.

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{ForgeError, ForgeProblem};
use crate::forge::{Call, Forge, MAX_LISTED};
use crate::text;

/// The longest key.
const MAX_KEY_BYTES: usize = 100;

#[derive(Deserialize)]
struct Comment {
    #[serde(default)]
    body: Option<String>,
}

impl Forge {
    /// Comments on a pull request, unless a comment with this key is there; gives whether it did so now.
    ///
    /// The key (letters, digits, `.`, `_`, `-`) begins the comment, where a reader does not see it. Who can foretell a key can keep the
    /// comment from being made, so give one that strangers cannot, such as an attempt's id. One caller at a time: two at once may both
    /// comment.
    pub async fn comment_once(&self, pull_request: u64, key: &str, body: &str) -> Result<bool, ForgeError> {
        let call = Call {
            doing: format!("comment on pull request {pull_request} in {}", self.shown()),
            needs: "the permission Pull requests: write",
            path: format!("/issues/{pull_request}/comments"),
            query: String::new(),
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        // Two dashes in a row may end a comment in HTML.
        if key.is_empty() || key.len() > MAX_KEY_BYTES || !key.bytes().all(plain) || key.contains("--") {
            return Err(call.failed(ForgeProblem::Invalid("a comment's key is letters, digits, '.', '_' and single '-', at most 100")));
        }
        let marker = format!("<!-- windlass {key} -->");
        let (pages, all) = self.pages::<Vec<Comment>>(&call).await?;
        // Only at its beginning: what a comment quotes further down is not its key.
        if pages.iter().flatten().any(|comment| comment.body.as_deref().unwrap_or_default().starts_with(&marker)) {
            return Ok(false);
        }
        if !all {
            return Err(call.failed(ForgeProblem::TooMuch { what: "comments", limit: MAX_LISTED }));
        }
        let body = json!({"body": text::body(&format!("{marker}\n{body}"))});
        self.send::<Value>(Method::POST, &call, &body).await?;
        Ok(true)
    }
}
