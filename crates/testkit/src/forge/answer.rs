//! An answer of the fake: status, headers, and a body that may be none.

use std::io;

use axum::body::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// What is sent to a client.
pub(super) type SentBody = BoxBody<Bytes, io::Error>;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside the content's type.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub content: Content,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// JSON.
    Json(Value),
    /// Any text, as a proxy might answer.
    Text(String),
    /// 64 MiB of blanks.
    Huge,
    /// The beginning of something, and then the connection breaks.
    Broken,
}

impl Answer {
    /// JSON with a status.
    pub const fn json(status: u16, value: Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(value) }
    }

    /// Another body with a status.
    pub const fn of(status: u16, content: Content) -> Self {
        Self { status, headers: Vec::new(), content }
    }

    /// An error as GitHub words it.
    pub fn error(status: u16, message: &str) -> Self {
        let documentation = "https://docs.example/rest";
        Self::json(status, json!({"message": message, "documentation_url": documentation, "status": status.to_string()}))
    }

    /// A refusal of a request's content, with what is wrong with it.
    pub fn refused(error: Value) -> Self {
        Self::refused_for([error])
    }

    /// The same with several reasons.
    pub fn refused_for(errors: impl IntoIterator<Item = Value>) -> Self {
        let errors: Vec<Value> = errors.into_iter().collect();
        let documentation = "https://docs.example/rest";
        Self::json(422, json!({"message": "Validation Failed", "errors": errors, "documentation_url": documentation, "status": "422"}))
    }

    /// The refusal of a second pull request of a branch.
    pub fn already_exists(owner: &str, branch: &str) -> Self {
        let message = format!("A pull request already exists for {owner}:{branch}.");
        Self::refused(json!({"resource": "PullRequest", "code": "custom", "message": message}))
    }

    /// The primary limit is spent until `reset`, in seconds since 1970.
    pub fn primary_limit(reset: i64) -> Self {
        Self::error(403, "API rate limit exceeded for user ID 1.")
            .header("x-ratelimit-limit", "5000")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", &reset.to_string())
    }

    /// A secondary limit, with 403 or 429, that says or does not say for how many seconds.
    pub fn secondary_limit(status: u16, retry_after: Option<u32>) -> Self {
        let answer = Self::error(status, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.");
        match retry_after {
            Some(seconds) => answer.header("retry-after", &seconds.to_string()),
            None => answer,
        }
    }

    /// Go elsewhere.
    pub fn redirect(status: u16, to: &str) -> Self {
        Self::error(status, "Moved Permanently").header("location", to)
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What is recorded of the body.
    pub(super) fn recorded(&self) -> Value {
        match &self.content {
            Content::Json(value) => value.clone(),
            Content::Text(_) | Content::Huge | Content::Broken => Value::Null,
        }
    }

    /// As it is sent.
    pub(super) fn into_response(self) -> Response<SentBody> {
        let whole = |text: String| Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
        let kind = if matches!(self.content, Content::Json(_)) { "application/json; charset=utf-8" } else { "text/html" };
        let body = match self.content {
            Content::Json(value) => whole(value.to_string()),
            Content::Text(text) => whole(text),
            Content::Huge => {
                let blanks = stream::repeat(Bytes::from(vec![b' '; 64 * 1024]));
                BodyExt::boxed(StreamBody::new(blanks.take(1024).map(|bytes| Ok(Frame::data(bytes)))))
            }
            Content::Broken => {
                let pieces = [Ok(Bytes::from_static(b"[{\"number\": 1, ")), Err(io::Error::other("the fake breaks the connection here"))];
                BodyExt::boxed(StreamBody::new(stream::iter(pieces).map_ok(Frame::data)))
            }
        };
        let mut response = Response::builder().status(StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        response = response.header("content-type", kind);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(body).unwrap_or_else(|e| panic!("an answer with impossible headers: {e}"))
    }
}
