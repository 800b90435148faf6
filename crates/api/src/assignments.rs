//! Assignments: what somebody wants.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_engine::{CleanUp, CleanedUp, CreateAssignment, Diff, RunGoal, UpdateAssignment};
use windlass_store::{AssignmentFilter, Submitted, WholeAssignment};
use windlass_types::{Assignment, AssignmentId, Job, JobId, JobSpec, Task, VerdictRecord};

use crate::audit::Note;
use crate::auth::Caller;
use crate::extract::{Asked, Path, Sent, id, page_size};
use crate::filter;
use crate::problem::{Answer, Problem};
use crate::state::App;

const MANY_MAX: usize = 10_000;

/// A new assignment and its jobs, or the one that the same key made before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubmittedAnswer {
    /// The assignment.
    assignment: Assignment,
    /// Its jobs.
    jobs: Vec<Job>,
    /// Whether this request made it.
    created: bool,
}

impl From<Submitted> for SubmittedAnswer {
    fn from(submitted: Submitted) -> Self {
        Self { assignment: submitted.assignment, jobs: submitted.jobs, created: submitted.created }
    }
}

impl IntoResponse for SubmittedAnswer {
    fn into_response(self) -> axum::response::Response {
        let status = if self.created { StatusCode::CREATED } else { StatusCode::OK };
        (status, Extension(Note::About(self.assignment.id.to_string())), Json(self)).into_response()
    }
}

/// Several of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubmittedList {
    /// In the order they were sent.
    items: Vec<SubmittedAnswer>,
    /// Always null: the list is whole.
    next_cursor: Option<String>,
}

/// A page of assignments, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssignmentPage {
    /// The assignments.
    items: Vec<Assignment>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// An assignment with its line and its verdicts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssignmentDetail {
    /// The assignment.
    #[serde(flatten)]
    assignment: Assignment,
    /// Its jobs, by place in the line.
    jobs: Vec<Job>,
    /// The verdicts applied so far.
    verdicts: Vec<VerdictRecord>,
    /// The task file it was made of, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<Task>,
}

/// Which assignments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAsked {
    /// Of this project.
    project: Option<String>,
    /// Of these statuses: `active,blocked`.
    status: Option<String>,
    /// With this text in the north star.
    q: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// Jobs to put in the line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InsertJobs {
    /// The job to put them behind; at the end when none is named.
    #[serde(default)]
    after: Option<JobId>,
    /// The jobs, in order.
    jobs: Vec<JobSpec>,
}

/// Jobs that were inserted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InsertedJobs {
    /// The jobs, in order.
    items: Vec<Job>,
    /// Always null: the list is whole.
    next_cursor: Option<String>,
}

/// Lists assignments, newest first.
#[utoipa::path(get, path = "/api/v1/assignments", operation_id = "list_assignments", tag = "assignments", params(ListAsked),
    responses((status = 200, body = AssignmentPage), Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<ListAsked>) -> Answer<Json<AssignmentPage>> {
    let filter = AssignmentFilter { project: asked.project, status: filter::words("status", asked.status.as_deref())?, text: asked.q };
    let page = app.engine()?.store().assignments(filter, asked.cursor, page_size(asked.limit)).await?;
    Ok(Json(AssignmentPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Makes an assignment, with the jobs it brings or with none.
#[utoipa::path(post, path = "/api/v1/assignments", operation_id = "create_assignment", tag = "assignments", request_body = CreateAssignment,
    responses((status = 201, body = SubmittedAnswer), (status = 200, description = "the key made it before", body = SubmittedAnswer), Problem))]
pub(crate) async fn create(State(app): State<App>, caller: Caller, Sent(mut wanted): Sent<CreateAssignment>) -> Answer<SubmittedAnswer> {
    from_api(&mut wanted.source);
    Ok(app.engine()?.create(wanted, &caller.by()).await?.into())
}

/// Makes an assignment with its first job.
#[utoipa::path(post, path = "/api/v1/assignments/run", tag = "assignments", request_body = RunGoal,
    responses((status = 201, body = SubmittedAnswer), (status = 200, description = "the key made it before", body = SubmittedAnswer), Problem))]
pub(crate) async fn run(State(app): State<App>, caller: Caller, Sent(mut goal): Sent<RunGoal>) -> Answer<SubmittedAnswer> {
    from_api(&mut goal.source);
    Ok(app.engine()?.run(goal, &caller.by()).await?.into())
}

/// Makes many assignments, all or none.
#[utoipa::path(post, path = "/api/v1/assignments/run-many", tag = "assignments", request_body = Vec<RunGoal>,
    responses((status = 201, body = SubmittedList), (status = 200, description = "the keys made all of them before", body = SubmittedList), Problem))]
pub(crate) async fn run_many(
    State(app): State<App>,
    caller: Caller,
    Sent(mut goals): Sent<Vec<RunGoal>>,
) -> Answer<(StatusCode, Extension<Note>, Json<SubmittedList>)> {
    if goals.is_empty() || goals.len() > MANY_MAX {
        return Err(Problem::invalid(format!("{} goals were sent", goals.len())).hint(format!("send 1 to {MANY_MAX} at once")));
    }
    for goal in &mut goals {
        from_api(&mut goal.source);
    }
    let items: Vec<SubmittedAnswer> = app.engine()?.run_many(goals, &caller.by()).await?.into_iter().map(Into::into).collect();
    let status = if items.iter().any(|item| item.created) { StatusCode::CREATED } else { StatusCode::OK };
    let about = Note::about_all(items.iter().map(|item| item.assignment.id));
    Ok((status, Extension(about), Json(SubmittedList { items, next_cursor: None })))
}

fn from_api(source: &mut Option<String>) {
    source.get_or_insert_with(|| "api".to_owned());
}

/// Shows an assignment with its line and its verdicts.
#[utoipa::path(get, path = "/api/v1/assignments/{id}", operation_id = "show_assignment", tag = "assignments", params(("id" = String, Path, description = "the assignment")),
    responses((status = 200, body = AssignmentDetail), Problem))]
pub(crate) async fn show(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Answer<Json<AssignmentDetail>> {
    let wanted: AssignmentId = id(&path)?;
    caller.may_see(wanted)?;
    let store = app.engine()?.store();
    let WholeAssignment { assignment, jobs, verdicts, task } = store.whole_assignment(wanted).await?;
    Ok(Json(AssignmentDetail { assignment, jobs, verdicts, task }))
}

/// Changes an assignment's status or budget.
#[utoipa::path(patch, path = "/api/v1/assignments/{id}", operation_id = "update_assignment", tag = "assignments", params(("id" = String, Path, description = "the assignment")),
    request_body = UpdateAssignment, responses((status = 200, body = Assignment), Problem))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    Sent(change): Sent<UpdateAssignment>,
) -> Answer<Json<Assignment>> {
    let wanted: AssignmentId = id(&path)?;
    caller.may_operate(wanted)?;
    Ok(Json(app.engine()?.update_assignment(wanted, change, &caller.by()).await?))
}

/// Puts jobs in an assignment's line.
#[utoipa::path(post, path = "/api/v1/assignments/{id}/jobs", tag = "assignments", params(("id" = String, Path, description = "the assignment")),
    request_body = InsertJobs, responses((status = 201, body = InsertedJobs), Problem))]
pub(crate) async fn insert_jobs(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    Sent(wanted): Sent<InsertJobs>,
) -> Answer<(StatusCode, Json<InsertedJobs>)> {
    let assignment: AssignmentId = id(&path)?;
    caller.may_operate(assignment)?;
    if wanted.jobs.is_empty() {
        return Err(Problem::invalid("no job was sent"));
    }
    let items = app.engine()?.insert_jobs(assignment, wanted.after, wanted.jobs, &caller.by()).await?;
    Ok((StatusCode::CREATED, Json(InsertedJobs { items, next_cursor: None })))
}

/// A message for the assignment's agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    /// What to say; at most 1 MiB.
    text: String,
    /// The same key asks once, however often it is sent.
    #[serde(default)]
    key: Option<String>,
}

/// Asks the assignment's agent something more: a `chat` job in its own session. An assignment that is over or blocked goes on with it. An
/// agent that is a program (harness `command`) cannot be spoken to: then nothing is made (409).
#[utoipa::path(post, path = "/api/v1/assignments/{id}/messages", operation_id = "send_message", tag = "assignments", params(("id" = String, Path, description = "the assignment")),
    request_body = Message, responses((status = 201, body = Job), (status = 200, body = Job, description = "the job that the same key made before"), Problem))]
pub(crate) async fn message(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    Sent(message): Sent<Message>,
) -> Answer<(StatusCode, Json<Job>)> {
    let assignment: AssignmentId = id(&path)?;
    caller.may_operate(assignment)?;
    let (job, created) = app.engine()?.follow_up(assignment, message.text, message.key, &caller.by()).await?;
    Ok((if created { StatusCode::CREATED } else { StatusCode::OK }, Json(job)))
}

/// Calls an assignment off, with what runs and what waits.
#[utoipa::path(post, path = "/api/v1/assignments/{id}/cancel", operation_id = "cancel_assignment", tag = "assignments", params(("id" = String, Path, description = "the assignment")),
    responses((status = 200, body = Assignment), Problem))]
pub(crate) async fn cancel(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Answer<Json<Assignment>> {
    let wanted: AssignmentId = id(&path)?;
    caller.may_operate(wanted)?;
    Ok(Json(app.engine()?.cancel_assignment(wanted, &caller.by()).await?))
}

/// Removes the workspace of an assignment that is over, once its work is proved to be elsewhere.
#[utoipa::path(post, path = "/api/v1/assignments/{id}/clean-up", operation_id = "clean_up_assignment", tag = "assignments", params(("id" = String, Path, description = "the assignment")),
    request_body = CleanUp, responses((status = 200, body = CleanedUp), Problem))]
pub(crate) async fn clean_up(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    Sent(how): Sent<CleanUp>,
) -> Answer<Json<CleanedUp>> {
    Ok(Json(app.engine()?.clean_up(id(&path)?, how, &caller.by()).await?))
}

/// Shows what an assignment's branch changes.
#[utoipa::path(get, path = "/api/v1/assignments/{id}/diff", operation_id = "show_diff", tag = "assignments", params(("id" = String, Path, description = "the assignment")),
    responses((status = 200, body = Diff), Problem))]
pub(crate) async fn diff(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Answer<Json<Diff>> {
    let wanted: AssignmentId = id(&path)?;
    caller.may_see(wanted)?;
    Ok(Json(app.engine()?.diff(wanted).await?))
}
