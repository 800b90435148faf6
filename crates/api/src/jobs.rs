//! Jobs: one agent run wanted.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_engine::Explanation;
use windlass_store::{JobEdit, JobFilter};
use windlass_types::{Attempt, Harness, Job, JobId, StageRecord};

use crate::auth::Caller;
use crate::extract::{Asked, MaybeSent, Path, id, page_size};
use crate::filter;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// A page of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobPage {
    /// The jobs.
    items: Vec<Job>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A job with every attempt at it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobDetail {
    /// The job.
    #[serde(flatten)]
    job: Job,
    /// Its attempts, oldest first (`attempts` is their number).
    attempts_list: Vec<AttemptDetail>,
}

/// An attempt with its journal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttemptDetail {
    /// The attempt.
    #[serde(flatten)]
    attempt: Attempt,
    /// Its stages, in order.
    stages: Vec<StageRecord>,
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAsked {
    /// Of this project.
    project: Option<String>,
    /// Of this assignment.
    assignment: Option<String>,
    /// Of these statuses: `queued,running`.
    status: Option<String>,
    /// Of this worker.
    worker: Option<String>,
    /// Of this type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    job_type: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// What to change before a job runs again; what is missing stays.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RetryJob {
    /// What the whole assignment is for.
    north_star: Option<String>,
    /// What the agent is told.
    context: Option<String>,
    /// Which agent.
    harness: Option<Harness>,
    /// Which model.
    model: Option<String>,
    /// The program, for harness `command`.
    program: Option<String>,
    /// The script, for harness `simulated`.
    script: Option<String>,
    /// How long one run may take, in seconds.
    timeout_secs: Option<u64>,
}

impl From<RetryJob> for JobEdit {
    fn from(edit: RetryJob) -> Self {
        let RetryJob { north_star, context, harness, model, program, script, timeout_secs } = edit;
        Self { north_star, context, harness, model, program, script, timeout_secs }
    }
}

/// Lists jobs, newest first.
#[utoipa::path(get, path = "/api/v1/jobs", operation_id = "list_jobs", tag = "jobs", params(ListAsked),
    responses((status = 200, body = JobPage), Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<ListAsked>) -> Answer<Json<JobPage>> {
    let filter = JobFilter {
        project: asked.project,
        assignment: filter::id("assignment", asked.assignment.as_deref())?,
        status: filter::words("status", asked.status.as_deref())?,
        worker: asked.worker,
        job_type: filter::word("type", asked.job_type.as_deref())?,
    };
    let page = app.engine()?.store().jobs(filter, asked.cursor, page_size(asked.limit)).await?;
    Ok(Json(JobPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Shows a job with every attempt at it.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", operation_id = "show_job", tag = "jobs", params(("id" = String, Path, description = "the job")),
    responses((status = 200, body = JobDetail), Problem))]
pub(crate) async fn show(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Answer<Json<JobDetail>> {
    let job = visible(&app, &caller, id(&path)?).await?;
    let store = app.engine()?.store();
    let mut attempts_list = Vec::new();
    for attempt in store.attempts(job.id).await? {
        let stages = store.journal(attempt.id).await?;
        attempts_list.push(AttemptDetail { attempt, stages });
    }
    Ok(Json(JobDetail { job, attempts_list }))
}

/// Says what a job is doing, or why it waits.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/explain", operation_id = "explain_job", tag = "jobs", params(("id" = String, Path, description = "the job")),
    responses((status = 200, body = Explanation), Problem))]
pub(crate) async fn explain(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Answer<Json<Explanation>> {
    let job = visible(&app, &caller, id(&path)?).await?;
    Ok(Json(app.engine()?.explain(job.id).await?))
}

/// Cancels a job: at once when it waits, with its agent's processes when it runs.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", operation_id = "cancel_job", tag = "jobs", params(("id" = String, Path, description = "the job")),
    responses((status = 200, body = Job), Problem))]
pub(crate) async fn cancel(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Answer<Json<Job>> {
    Ok(Json(app.engine()?.cancel_job(id(&path)?, &caller.by()).await?))
}

/// Runs a job again that failed, died or was cancelled, with what is changed.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", operation_id = "retry_job", tag = "jobs", params(("id" = String, Path, description = "the job")),
    request_body = RetryJob, responses((status = 200, body = Job), Problem))]
pub(crate) async fn retry(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    MaybeSent(edit): MaybeSent<RetryJob>,
) -> Answer<Json<Job>> {
    Ok(Json(app.engine()?.retry_job(id(&path)?, edit.into(), &caller.by()).await?))
}

/// Lets the change of guarded paths through that a job is held for, and goes on with it: just what its last attempt left.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/approve", operation_id = "approve_job", tag = "jobs", params(("id" = String, Path, description = "the job")),
    responses((status = 200, body = Job), Problem))]
pub(crate) async fn approve(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Answer<Json<Job>> {
    Ok(Json(app.engine()?.approve_change(id(&path)?, &caller.by()).await?))
}

/// The job, if the caller may see it.
async fn visible(app: &App, caller: &Caller, wanted: JobId) -> Answer<Job> {
    let job = app.engine()?.store().job(wanted).await.map_err(|e| caller.hide(e.into()))?;
    caller.may_see(job.assignment_id)?;
    Ok(job)
}
