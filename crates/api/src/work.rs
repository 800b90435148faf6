//! The list of work, what needs a person, and what was done over a time.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_engine::{Bucket, Charts, Need, WorkStats};
use windlass_store::{EventFilter, WorkFilter, WorkSort};
use windlass_types::{AssignmentId, EventKind, WorkItem};

use crate::auth::Caller;
use crate::events::{follow, last_event_id};
use crate::extract::{Asked, page_size};
use crate::filter;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// How much of the inbox one page shows.
const INBOX_PAGE: u32 = 200;
/// The most rows that are asked for by their ids.
const IDS_MAX: usize = 200;

/// The kinds of events after which a row of work may look otherwise.
const ROW_KINDS: [EventKind; 13] = [
    EventKind::AssignmentCreated,
    EventKind::AssignmentStatus,
    EventKind::AssignmentBranch,
    EventKind::JobInserted,
    EventKind::JobStatus,
    EventKind::JobProgress,
    EventKind::AttemptStarted,
    EventKind::AttemptEnded,
    EventKind::StageStarted,
    EventKind::PullRequestChanged,
    EventKind::BreakerChanged,
    EventKind::HarnessParked,
    EventKind::Restored,
];

/// In which order.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    /// What is blocked, runs, waits, is idle and is over, in this order; in each by priority, then the newest first.
    #[default]
    Attention,
    /// The newest first.
    Newest,
}

/// Which work.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkAsked {
    /// Of this project.
    project: Option<String>,
    /// Of these statuses: `blocked,running,waiting,idle,complete,cancelled`.
    status: Option<String>,
    /// Of this source: `cli`, `api`, `file`, …
    source: Option<String>,
    /// Made at this time or later (RFC 3339).
    since: Option<String>,
    /// Made before this time (RFC 3339).
    until: Option<String>,
    /// That matches this: words, letter by letter in order with gaps allowed, in title, project, branch or id. The best match comes first.
    q: Option<String>,
    /// Only these, by their ids (`a,b`; at most 200), in this order; those that are gone are left out, and nothing else is asked with it.
    ids: Option<String>,
    /// In which order; by attention, when it is not given.
    #[serde(default)]
    #[param(inline)]
    sort: Sort,
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// A page of work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkPage {
    /// The rows.
    items: Vec<WorkItem>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// What needs a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inbox {
    /// The newest first.
    items: Vec<Need>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// Of which project.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProjectAsked {
    /// Of this project; of all, when none is named.
    project: Option<String>,
}

/// What of the inbox is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InboxAsked {
    /// Of this project; of all, when none is named.
    project: Option<String>,
    /// Where the page begins.
    cursor: Option<String>,
    /// How many, at most 500; 200 when not given.
    limit: Option<u32>,
}

/// Of what and when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChartsAsked {
    /// Of this project; of all, when none is named.
    project: Option<String>,
    /// From this time on (RFC 3339); two weeks before the end, when it is not given.
    since: Option<String>,
    /// Before this time (RFC 3339); now, when it is not given.
    until: Option<String>,
    /// How it is cut; by the day, when it is not given.
    #[serde(default)]
    #[param(inline)]
    bucket: Bucket,
}

/// Lists work, each row with how it stands and why.
#[utoipa::path(get, path = "/api/v1/work", operation_id = "list_work", tag = "work", params(WorkAsked), responses((status = 200, body = WorkPage), Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<WorkAsked>) -> Answer<Json<WorkPage>> {
    if let Some(ids) = &asked.ids {
        let others = [&asked.project, &asked.status, &asked.source, &asked.since, &asked.until, &asked.q, &asked.cursor];
        if others.into_iter().any(Option::is_some) {
            return Err(Problem::bad_request("ids: they are asked for alone, without another filter").hint("leave the others out"));
        }
        let ids: Vec<AssignmentId> = filter::words("ids", Some(ids))?;
        if ids.len() > IDS_MAX {
            return Err(Problem::bad_request(format!("{} ids were sent, and at most {IDS_MAX} are taken", ids.len())));
        }
        return Ok(Json(WorkPage { items: app.engine()?.work_rows(ids).await?, next_cursor: None }));
    }
    let filter = WorkFilter {
        project: asked.project,
        status: filter::words("status", asked.status.as_deref())?,
        source: asked.source,
        since: filter::time("since", asked.since.as_deref())?,
        until: filter::time("until", asked.until.as_deref())?,
    };
    let sort = match asked.sort {
        Sort::Attention => WorkSort::Attention,
        Sort::Newest => WorkSort::Newest,
    };
    let page = app.engine()?.work(filter, sort, asked.q.as_deref(), asked.cursor, page_size(asked.limit)).await?;
    Ok(Json(WorkPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Counts work by status, and what needs a person.
#[utoipa::path(get, path = "/api/v1/work/stats", operation_id = "show_work_stats", tag = "work", params(ProjectAsked), responses((status = 200, body = WorkStats), Problem))]
pub(crate) async fn stats(State(app): State<App>, Asked(asked): Asked<ProjectAsked>) -> Answer<Json<WorkStats>> {
    Ok(Json(app.engine()?.work_stats(asked.project).await?))
}

/// Follows the events after which a row of work may look otherwise, as server-sent events.
#[utoipa::path(get, path = "/api/v1/work/events", operation_id = "follow_work", tag = "work",
    params(ProjectAsked, ("Last-Event-ID" = Option<i64>, Header, description = "the number of the last event seen")),
    responses((status = 200, content((windlass_types::Event = "text/event-stream"))), Problem))]
pub(crate) async fn events(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Asked(asked): Asked<ProjectAsked>,
) -> Answer<Response> {
    let filter = EventFilter { project: asked.project, kinds: ROW_KINDS.to_vec(), ..EventFilter::default() };
    follow(&app, &caller, filter, last_event_id(&headers)?, false).await
}

/// Lists what needs a person, the newest first.
#[utoipa::path(get, path = "/api/v1/inbox", operation_id = "list_needs", tag = "work", params(InboxAsked), responses((status = 200, body = Inbox), Problem))]
pub(crate) async fn inbox(State(app): State<App>, Asked(asked): Asked<InboxAsked>) -> Answer<Json<Inbox>> {
    let limit = page_size(asked.limit.or(Some(INBOX_PAGE)));
    let page = app.engine()?.needs(asked.project, asked.cursor, limit).await?;
    Ok(Json(Inbox { items: page.items, next_cursor: page.next_cursor }))
}

/// Counts what was done over a time, for charts.
#[utoipa::path(get, path = "/api/v1/charts", operation_id = "show_charts", tag = "work", params(ChartsAsked), responses((status = 200, body = Charts), Problem))]
pub(crate) async fn charts(State(app): State<App>, Asked(asked): Asked<ChartsAsked>) -> Answer<Json<Charts>> {
    let since = filter::time("since", asked.since.as_deref())?;
    let until = filter::time("until", asked.until.as_deref())?;
    Ok(Json(app.engine()?.charts(asked.project, since, until, asked.bucket).await?))
}
