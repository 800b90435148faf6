//! Entity tags: who has an answer already is told that it still holds, and is not sent it again.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{self, HeaderMap};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::{Answer, Problem};

/// Puts a tag on every JSON answer to a GET, and answers 304 to who names it.
pub(crate) async fn tag(request: Request, next: Next) -> Response {
    let wanted =
        (*request.method() == Method::GET).then(|| request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>());
    let response = next.run(request).await;
    let Some(known) = wanted else { return response };
    if response.status() != StatusCode::OK || !is_json(response.headers()) || response.body().size_hint().exact().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(e) => return Problem::internal(format!("the answer broke off: {e}")).into_response(),
    };
    let tag = tag_of(&bytes);
    let is_known = known.iter().any(|known| names(known, &tag));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    // Kept by the browser, and asked for again each time.
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if is_known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// The tag of an answer with this body.
fn tag_of(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let number = digest.iter().take(16).fold(0u128, |number, byte| (number << 8) | u128::from(*byte));
    format!("\"{number:032x}\"")
}

/// Whether the request is for what GET answered by an earlier tag; refused, when `now` (none: there is no such thing) is not that any more.
pub(crate) fn if_match<T: Serialize>(headers: &HeaderMap, now: Option<&T>) -> Answer<bool> {
    let Some(wanted) = headers.get(header::IF_MATCH) else { return Ok(false) };
    let tag = match now {
        Some(now) => tag_of(&serde_json::to_vec(now).map_err(|e| Problem::internal(format!("the answer cannot be written: {e}")))?),
        None => return Err(Problem::changed("there is nothing by that name any more, and If-Match names a state of it")),
    };
    if names(wanted, &tag) {
        return Ok(true);
    }
    Err(Problem::changed("it has changed since it was read: If-Match names another state of it").hint("read it again, then change it"))
}

/// Whether an `If-None-Match` or `If-Match` names this tag.
fn names(known: &HeaderValue, tag: &str) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}
