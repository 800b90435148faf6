//! Dead letters: jobs out of retries.

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_engine::{DeadLetterDetail, DeadLetterFilter, DeadLetterPage, ReplayPage, ReplayWhich};
use windlass_types::{FailureKind, Harness, Timestamp};

use crate::audit::Note;
use crate::auth::Caller;
use crate::extract::{Asked, Path, Sent, id, page_size};
use crate::filter;
use crate::jobs::RetryJob;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The most ids that one replay names.
const IDS_MAX: usize = 500;
/// The longest key of a request, in bytes.
const KEY_MAX: usize = 256;

/// Which dead letters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAsked {
    /// Of this project.
    project: Option<String>,
    /// Of this worker.
    worker: Option<String>,
    /// Whose last attempt ran on this agent.
    harness: Option<String>,
    /// Whose last failure was of this kind, for example `api_error`.
    failure: Option<String>,
    /// That died at this time or later (RFC 3339).
    since: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// Which dead letters, for a replay of all of them.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ReplayFilter {
    /// Of this project.
    project: Option<String>,
    /// Of this worker.
    worker: Option<String>,
    /// Whose last attempt ran on this agent.
    harness: Option<Harness>,
    /// Whose last failure was of this kind.
    failure: Option<FailureKind>,
    /// That died at this time or later.
    since: Option<Timestamp>,
    /// Where the last request ended: its `next_cursor`.
    cursor: Option<String>,
}

/// What is replayed, and with which changes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ReplayAsked {
    /// These jobs, at most 500.
    ids: Vec<String>,
    /// Instead of ids: all that the filter shows, `{}` for every dead letter; at most 500 a request.
    all: Option<ReplayFilter>,
    /// What to change in each before it runs.
    edit: RetryJob,
    /// Names this request: sent again with the same key, it replays nothing twice.
    key: Option<String>,
    /// Only say what would be replayed.
    dry_run: bool,
}

/// Lists dead letters, the newest job first.
#[utoipa::path(get, path = "/api/v1/dead-letters", operation_id = "list_dead_letters", tag = "jobs", params(ListAsked),
    responses((status = 200, body = DeadLetterPage), Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<ListAsked>) -> Answer<Json<DeadLetterPage>> {
    let filter = DeadLetterFilter {
        project: asked.project,
        worker: asked.worker,
        harness: filter::word("harness", asked.harness.as_deref())?,
        failure: filter::word("failure", asked.failure.as_deref())?,
        since: filter::time("since", asked.since.as_deref())?,
    };
    Ok(Json(app.engine()?.dead_letters(filter, asked.cursor, page_size(asked.limit)).await?))
}

/// Shows a dead letter whole: job, prompt, every attempt with its error, why it is dead.
#[utoipa::path(get, path = "/api/v1/dead-letters/{id}", operation_id = "show_dead_letter", tag = "jobs", params(("id" = String, Path, description = "the job")),
    responses((status = 200, body = DeadLetterDetail), Problem))]
pub(crate) async fn show(State(app): State<App>, Path(path): Path<String>) -> Answer<Json<DeadLetterDetail>> {
    Ok(Json(app.engine()?.dead_letter(id(&path)?).await?))
}

/// Runs dead letters again, alone or in bulk, with what is changed; says for each what happened.
#[utoipa::path(post, path = "/api/v1/dead-letters/replay", operation_id = "replay_dead_letters", tag = "jobs", request_body = ReplayAsked,
    responses((status = 200, body = ReplayPage), Problem))]
pub(crate) async fn replay(
    State(app): State<App>,
    caller: Caller,
    Sent(asked): Sent<ReplayAsked>,
) -> Answer<(Extension<Note>, Json<ReplayPage>)> {
    let which = match (asked.ids.is_empty(), asked.all) {
        (false, None) if asked.ids.len() <= IDS_MAX => ReplayWhich::Ids(asked.ids.iter().map(|text| id(text)).collect::<Answer<Vec<_>>>()?),
        (false, None) => return Err(Problem::invalid(format!("{} ids were given; at most {IDS_MAX} are taken", asked.ids.len()))),
        (true, Some(ReplayFilter { project, worker, harness, failure, since, cursor })) => {
            ReplayWhich::All { filter: DeadLetterFilter { project, worker, harness, failure, since }, cursor }
        }
        (true, None) | (false, Some(_)) => {
            return Err(Problem::invalid("either ids or all is wanted").hint("all is a filter; {} means every dead letter"));
        }
    };
    if let Some(key) = asked.key.as_ref().filter(|key| key.is_empty() || key.len() > KEY_MAX) {
        return Err(Problem::invalid(format!("the key is {} bytes long; 1 to {KEY_MAX} are taken", key.len())));
    }
    let page = app.engine()?.replay(which, asked.edit.into(), asked.key, asked.dry_run, &caller.by()).await?;
    let note = if asked.dry_run { Note::OnlyTold } else { Note::about_all(page.items.iter().map(|replayed| replayed.id)) };
    Ok((Extension(note), Json(page)))
}
