//! The audit log: every request that changes something or is refused leaves a line, whoever sent it.

use std::fmt::Display;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_store::AuditFilter;
use windlass_types::{AuditEntry, Timestamp};

use crate::auth::{Caller, PAGE_KEY};
use crate::extract::{Asked, page_size};
use crate::filter;
use crate::problem::Answer;
use crate::server::Peer;
use crate::state::App;

/// The longest path that a line holds.
const PATH_CHARS_MAX: usize = 300;

/// What an answer says of itself to the audit log.
#[derive(Debug, Clone)]
pub(crate) enum Note {
    /// It tells what would be done, and nothing was.
    OnlyTold,
    /// What it was done to, where the path does not name it.
    About(String),
}

impl Note {
    /// What many things were done to: the first few.
    pub(crate) fn about_all<T: Display>(all: impl ExactSizeIterator<Item = T>) -> Self {
        let rest = all.len().saturating_sub(NAMED_MAX);
        let named: Vec<String> = all.take(NAMED_MAX).map(|one| one.to_string()).collect();
        Self::About(if rest == 0 { named.join(", ") } else { format!("{} and {rest} more", named.join(", ")) })
    }
}

/// How many things a line names.
const NAMED_MAX: usize = 5;

/// What agents do all the time, and nobody looks for here.
const UNTOLD: [&str; 2] = ["tell_progress", "tell_hook"];

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditAsked {
    /// Of this name.
    who: Option<String>,
    /// Of this action.
    action: Option<String>,
    /// Of this time or later (RFC 3339).
    since: Option<String>,
    /// Before this time (RFC 3339).
    until: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// A page of the audit log, the newest line first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// The lines.
    items: Vec<AuditEntry>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// Lists who did, or tried, what, the newest first.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "list_audit", tag = "access", params(AuditAsked), responses((status = 200, body = AuditPage), crate::problem::Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<AuditAsked>) -> Answer<Json<AuditPage>> {
    let filter = AuditFilter {
        who: asked.who,
        action: asked.action,
        since: filter::time("since", asked.since.as_deref())?,
        until: filter::time("until", asked.until.as_deref())?,
    };
    let page = app.engine()?.store().audit_log(filter, asked.cursor, page_size(asked.limit)).await?;
    Ok(Json(AuditPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Writes down what a request did, once it is answered.
pub(crate) async fn write(State(app): State<App>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let mut path: String = request.uri().path().chars().take(PATH_CHARS_MAX).collect();
    let matched = request.extensions().get::<MatchedPath>().map(|matched| matched.as_str().to_owned());
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::Unknown);
    let has_credentials = request.headers().contains_key(header::AUTHORIZATION) || request.headers().contains_key(PAGE_KEY);
    let response = next.run(request).await;
    let status = response.status();
    let caller = response.extensions().get::<Caller>();
    let is_refusal = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
    let changes = !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
    if !changes && !is_refusal {
        return response;
    }
    // What such a message does is a request of its own, and audited as that.
    let is_mcp = matched.as_deref() == Some(crate::mcp::PATH);
    if is_mcp && !is_refusal {
        return response;
    }
    let action = matched
        .as_deref()
        .and_then(|path| app.actions.get(&(method.clone(), path.to_owned())))
        .map_or(if is_mcp { "mcp" } else { "unknown" }, String::as_str);
    let note = response.extensions().get::<Note>();
    if (UNTOLD.contains(&action) || matches!(note, Some(Note::OnlyTold))) && !is_refusal {
        return response;
    }
    // How the page finds out that nobody is signed in.
    if action == "show_me" && caller.is_none() && !has_credentials {
        return response;
    }
    if let Some(Note::About(what)) = note {
        path = format!("{path} → {what}");
    }
    let entry = AuditEntry {
        id: String::new(),
        at: Timestamp(0),
        who: caller.map_or_else(|| "nobody".to_owned(), Caller::by),
        via: caller.map_or("none", Caller::via).to_owned(),
        action: action.to_owned(),
        method: method.to_string(),
        path,
        status: status.as_u16(),
        peer: peer.to_string(),
    };
    // Who floods is written down a few times, then once a second: whoever nobody knows, and whoever is refused.
    let is_too_much = match caller {
        None => app.strangers.count_wrong(&peer),
        Some(caller) => is_refusal && app.refusals.count_wrong(&caller.by()),
    };
    if is_too_much {
        return response;
    }
    if let Ok(engine) = app.engine() {
        let store = engine.store().clone();
        app.beside.spawn(async move {
            if let Err(error) = store.audit(entry).await {
                tracing::error!(%error, "The audit log could not be written");
            }
        });
    }
    response
}
