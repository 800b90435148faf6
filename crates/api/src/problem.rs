//! Refusals as RFC 9457 problem details: what happened, to what, and what to do next.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};
use windlass_engine::{EngineError, ErrorKind};
use windlass_store::StoreError;
use windlass_types::{BadId, UnknownWord};

/// What every handler answers.
pub(crate) type Answer<T> = Result<T, Problem>;

/// A refusal (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A stable name for this kind of refusal.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The kind, in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened, to what.
    detail: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// How long to wait before trying again, as a header.
    #[serde(skip)]
    retry_after_secs: Option<u32>,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $kind:literal, $title:literal;)*) => {
        impl Problem {$(
            $(#[$doc])*
            pub(crate) fn $name(detail: impl Into<String>) -> Self {
                Self {
                    kind: concat!("urn:windlass:problem:", $kind),
                    title: $title,
                    status: StatusCode::$status.as_u16(),
                    detail: detail.into(),
                    hint: None,
                    retry_after_secs: None,
                }
            }
        )*}
    };
}

problems! {
    /// The request cannot be read.
    bad_request = BAD_REQUEST, "bad-request", "The request cannot be read";
    /// No token, or not a known one.
    unauthorized = UNAUTHORIZED, "unauthorized", "A token is needed";
    /// The caller may not.
    forbidden = FORBIDDEN, "forbidden", "Not allowed";
    /// Nothing by that name.
    not_found = NOT_FOUND, "not-found", "Not found";
    /// It was there, and is no longer kept.
    gone = GONE, "gone", "No longer kept";
    /// Nothing that answers this method.
    method_not_allowed = METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed";
    /// The body did not arrive.
    timeout = REQUEST_TIMEOUT, "timeout", "The request took too long to arrive";
    /// It makes sense, but not now.
    conflict = CONFLICT, "conflict", "Not possible now";
    /// It is no longer what the caller has seen.
    changed = PRECONDITION_FAILED, "changed", "Changed since it was read";
    /// The body is too large.
    too_large = PAYLOAD_TOO_LARGE, "too-large", "The body is too large";
    /// The body is of another type.
    not_json = UNSUPPORTED_MEDIA_TYPE, "not-json", "The body must be JSON";
    /// It can be read and makes no sense.
    invalid = UNPROCESSABLE_ENTITY, "invalid", "The request makes no sense";
    /// Too many wrong tokens.
    too_many = TOO_MANY_REQUESTS, "too-many", "Too many requests";
    /// A fault of Windlass.
    internal = INTERNAL_SERVER_ERROR, "internal", "A fault of Windlass";
    /// Not for the moment.
    unavailable = SERVICE_UNAVAILABLE, "unavailable", "Not available for the moment";
    /// No room for more.
    full = SERVICE_UNAVAILABLE, "full", "No room for more";
}

impl Problem {
    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says first which part of the request it is about.
    pub(crate) fn of(mut self, name: &str) -> Self {
        self.detail = format!("{name}: {}", self.detail);
        self
    }

    /// Adds how long to wait.
    pub(crate) const fn retry_after(mut self, secs: u32) -> Self {
        self.retry_after_secs = Some(secs);
        self
    }

    /// Its HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let refusal = ResponseBuilder::new().description("A refusal").content("application/problem+json", content).build();
        BTreeMap::from([("default".to_owned(), refusal.into())])
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let retry_after = self.retry_after_secs;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"windlass\""));
        }
        if let Some(secs) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}

impl From<EngineError> for Problem {
    fn from(e: EngineError) -> Self {
        let problem = match e.kind {
            ErrorKind::NotFound => Self::not_found(e.message),
            ErrorKind::Gone => Self::gone(e.message),
            ErrorKind::Invalid => Self::invalid(e.message),
            ErrorKind::Conflict => Self::conflict(e.message),
            ErrorKind::Changed => Self::changed(e.message),
            ErrorKind::Forbidden => Self::forbidden(e.message),
            ErrorKind::Full => Self::full(e.message).retry_after(5),
            ErrorKind::Unavailable => Self::unavailable(e.message).retry_after(2),
            ErrorKind::Internal => {
                tracing::error!(error = %e.message, "a request failed by a fault of Windlass");
                Self::internal(e.message)
            }
        };
        Self { hint: e.hint, ..problem }
    }
}

impl From<StoreError> for Problem {
    fn from(e: StoreError) -> Self {
        EngineError::from(e).into()
    }
}

impl From<BadId> for Problem {
    fn from(e: BadId) -> Self {
        Self::bad_request(e.to_string())
    }
}

impl From<UnknownWord> for Problem {
    fn from(e: UnknownWord) -> Self {
        Self::bad_request(e.to_string())
    }
}
