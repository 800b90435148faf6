//! Reading what was sent: ids, queries and bodies, each refused with what is wrong with it.

use std::str::FromStr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use windlass_types::BadId;

use crate::guard::too_large;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// Reads an id of a path or query; another shape is a bad request.
pub(crate) fn id<T: FromStr<Err = BadId>>(text: &str) -> Answer<T> {
    Ok(text.parse()?)
}

/// Reads an id that may be missing.
pub(crate) fn maybe_id<T: FromStr<Err = BadId>>(text: Option<&str>) -> Answer<Option<T>> {
    text.map(id).transpose()
}

/// Reads a list of words, `a,b`.
pub(crate) fn words<T>(text: Option<&str>) -> Answer<Vec<T>>
where
    T: FromStr,
    Problem: From<T::Err>,
{
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(Problem::from)).collect()
}

/// How many items a page may have.
pub(crate) const PAGE_MAX: u32 = 500;

/// The size of a page: 50 when nothing is asked, never more than [`PAGE_MAX`].
pub(crate) fn page_size(asked: Option<u32>) -> u32 {
    asked.unwrap_or(50).clamp(1, PAGE_MAX)
}

/// What a path names.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let named = axum::extract::Path::from_request_parts(parts, app).await;
        named.map(|axum::extract::Path(named)| Self(named)).map_err(|e| Problem::bad_request(e.body_text()))
    }
}

/// A query whose every key is known.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Answer<Self> {
        Query::try_from_uri(&parts.uri).map(|Query(asked)| Self(asked)).map_err(|e| Problem::bad_request(e.body_text()))
    }
}

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Answer<Self> {
        let bytes = read(request.into_body(), app.limits.body_bytes_max, app.limits.body_timeout).await?;
        parse(&bytes).map(Self)
    }
}

/// A body as it was sent, within the bounds of every body.
#[derive(Debug)]
pub(crate) struct Raw(pub(crate) Bytes);

impl FromRequest<App> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Answer<Self> {
        read(request.into_body(), app.limits.body_bytes_max, app.limits.body_timeout).await.map(Self)
    }
}

/// A JSON body that may be missing: then everything has its default.
#[derive(Debug)]
pub(crate) struct MaybeSent<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<App> for MaybeSent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Answer<Self> {
        let bytes = read(request.into_body(), app.limits.body_bytes_max, app.limits.body_timeout).await?;
        if bytes.trim_ascii().is_empty() { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
    }
}

/// Reads a body whose every field is known, however deep: what is stored may come from a later version and is read past, but what a
/// person misspells is refused.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    let mut unknown = None;
    let mut body = serde_json::Deserializer::from_slice(bytes);
    let read = serde_ignored::deserialize(&mut body, |path| {
        // What may be left out stands in the path as a `?` of its own.
        unknown.get_or_insert_with(|| path.to_string().replace(".?", ""));
    });
    let read = shaped(read.and_then(|read| body.end().map(|()| read)))?;
    match unknown {
        Some(field) => Err(Problem::invalid(format!("the body does not have the wanted shape: unknown field `{field}`"))),
        None => Ok(read),
    }
}

/// What was read of a body, or what is wrong with it.
pub(crate) fn shaped<T>(read: Result<T, serde_json::Error>) -> Answer<T> {
    read.map_err(|e| {
        if e.is_data() {
            Problem::invalid(format!("the body does not have the wanted shape: {e}"))
        } else {
            Problem::bad_request(format!("the body is not JSON: {e}"))
        }
    })
}

async fn read(body: Body, bytes_max: usize, timeout: Duration) -> Answer<Bytes> {
    let mut limited = Limited::new(body, bytes_max);
    match tokio::time::timeout(timeout, (&mut limited).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(too_large(bytes_max)),
        Ok(Err(_)) => Err(Problem::bad_request("the body was cut off")),
        Err(_) => Err(Problem::timeout(format!("the body did not arrive within {} seconds", timeout.as_secs()))),
    }
}
