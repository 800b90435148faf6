//! Dead letters: listed, shown whole, and replayed alone or in bulk.

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_store::{DeadLetterFilter, JobEdit, Replay};
use windlass_types::{Assignment, AssignmentId, Attempt, Counters, Failure, Harness, Job, JobId, JobStatus, JobType, Timestamp, why_dead};

use crate::command::check_edit;
use crate::engine::Engine;
use crate::error::EngineError;

type Result<T> = std::result::Result<T, EngineError>;

/// How many are replayed in one request: each is a promise of its own, and they share the disk's.
const REPLAY_PAGE: u32 = 500;

/// A job out of retries, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetter {
    /// The job's id.
    pub id: JobId,
    /// Always `dead`.
    pub status: JobStatus,
    /// Its assignment.
    pub assignment_id: AssignmentId,
    /// Its project.
    pub project: String,
    /// Its worker.
    pub worker: String,
    /// What kind of run it is.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// The agent of its last attempt.
    pub harness: Option<Harness>,
    /// Its last failure.
    pub failure: Option<Failure>,
    /// Why it is dead, in a sentence.
    pub reason: String,
    /// Attempts started.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it died.
    pub died_at: Option<Timestamp>,
}

impl DeadLetter {
    fn of(job: &Job, harness: Option<Harness>) -> Self {
        let counters = Counters { failures: job.failures, rescues: job.rescues, parks: job.parks };
        Self {
            id: job.id,
            status: job.status,
            assignment_id: job.assignment_id,
            project: job.project.clone(),
            worker: job.worker.clone(),
            job_type: job.spec.job_type,
            harness,
            reason: job.failure.as_ref().map_or_else(|| "no failure of it is on record".to_owned(), |f| why_dead(counters, f)),
            failure: job.failure.clone(),
            attempts: job.attempts,
            created_at: job.created_at,
            died_at: job.ended_at,
        }
    }
}

/// A dead letter whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterDetail {
    /// In short.
    #[serde(flatten)]
    pub letter: DeadLetter,
    /// The job, with what its agent was told.
    pub job: Job,
    /// Its assignment, with the north star.
    pub assignment: Assignment,
    /// Every attempt with its error, the first first.
    pub attempts_list: Vec<Attempt>,
    /// The command that runs it again.
    pub replay: String,
}

/// Dead letters, and where the next page begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterPage {
    /// They.
    pub items: Vec<DeadLetter>,
    /// Asks for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// What happened to one of those that a replay named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOutcome {
    /// It waits in the queue again.
    Replayed,
    /// A dry run: it would.
    WouldReplay,
    /// The same request replayed it before.
    Already,
    /// Nothing changed; the message says why.
    Refused,
}

/// One line of a replay's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// The job.
    pub id: JobId,
    /// What happened.
    pub outcome: ReplayOutcome,
    /// Where the job stands now, where that is known.
    pub status: Option<JobStatus>,
    /// Why it was refused, or what it still waits for.
    pub message: Option<String>,
}

/// What a replay did, one line for each that it named, and where the next page begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplayPage {
    /// Each with what happened.
    pub items: Vec<Replayed>,
    /// With a filter: the cursor for the next request; null when there are no more.
    pub next_cursor: Option<String>,
}

/// Which dead letters are replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayWhich {
    /// These.
    Ids(Vec<JobId>),
    /// All that a filter shows, a page at a time.
    All {
        /// The filter.
        filter: DeadLetterFilter,
        /// Where the last page ended.
        cursor: Option<String>,
    },
}

impl Engine {
    /// Dead letters, the newest job first.
    pub async fn dead_letters(&self, filter: DeadLetterFilter, cursor: Option<String>, limit: u32) -> Result<DeadLetterPage> {
        let page = self.inner.store.dead_letters(filter, cursor, limit).await?;
        let items = page.items.iter().map(|(job, harness)| DeadLetter::of(job, *harness)).collect();
        Ok(DeadLetterPage { items, next_cursor: page.next_cursor })
    }

    /// One dead letter whole.
    pub async fn dead_letter(&self, id: JobId) -> Result<DeadLetterDetail> {
        let store = &self.inner.store;
        let (job, harness) = store.dead_letter(id).await?;
        Ok(DeadLetterDetail {
            letter: DeadLetter::of(&job, harness),
            assignment: store.assignment(job.assignment_id).await?,
            attempts_list: store.attempts(id).await?,
            replay: format!("windlass dead-letters replay {id}"),
            job,
        })
    }

    /// Runs dead letters again with what is edited, their counters at zero; a `dry_run` only says which. Each is a transaction of its own.
    pub async fn replay(&self, which: ReplayWhich, edit: JobEdit, key: Option<String>, dry_run: bool, by: &str) -> Result<ReplayPage> {
        check_edit(&edit)?;
        let (ids, next_cursor) = match which {
            ReplayWhich::Ids(ids) => (ids, None),
            ReplayWhich::All { filter, cursor } => {
                let page = self.inner.store.dead_letters(filter, cursor, REPLAY_PAGE).await?;
                (page.items.into_iter().map(|(job, _)| job.id).collect(), page.next_cursor)
            }
        };
        let items = join_all(ids.into_iter().map(|id| self.replay_one(id, &edit, key.as_ref(), dry_run, by))).await;
        Ok(ReplayPage { items, next_cursor })
    }

    async fn replay_one(&self, id: JobId, edit: &JobEdit, key: Option<&String>, dry_run: bool, by: &str) -> Replayed {
        let line = |outcome, status, message| Replayed { id, outcome, status, message };
        match self.inner.store.replay(id, edit.clone(), key.cloned(), dry_run, by.to_owned()).await {
            Ok(Replay::Replayed { job, waits_for }) => {
                tracing::info!(job.id = %id, by, "dead letter {id} is replayed");
                line(ReplayOutcome::Replayed, Some(job.status), waits_for.map(|who| format!("its assignment still waits for {who}")))
            }
            Ok(Replay::WouldReplay) => line(ReplayOutcome::WouldReplay, Some(JobStatus::Dead), None),
            Ok(Replay::Already(job)) => line(ReplayOutcome::Already, Some(job.status), None),
            Err(e) => line(ReplayOutcome::Refused, None, Some(e.to_string())),
        }
    }
}
