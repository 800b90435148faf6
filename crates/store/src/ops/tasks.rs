//! Task files: taken once each, with their assignment, in one transaction; done when their result is on disk.

use windlass_types::{Assignment, AssignmentId, Attempt, Job, Stage, Task, TaskStatus, TaskTry, Timestamp, is_valid_task_id};

use super::submit::{Batch, submit_one};
use super::{journal, line, rows};
use crate::error::{Result, StoreError};
use crate::sql::{Row, Value, Work, json as as_json, values};
use crate::store::Store;
use crate::{Submission, Submitted};

/// What the row of a task says that an outside executor could not do and whose dead letter is on disk.
const DEAD: &str = "dead";
/// How many rows one call reads.
const READ_MAX: u32 = 1000;
/// The most rows that one transaction deletes.
const PRUNE_MAX: u32 = 500;

/// What stands before that by which the file of a task that is done is known.
const KEPT: &str = "kept:";

/// A task that an intake found.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// What it is taken as, once.
    pub key: String,
    /// The worker whose directory it is in.
    pub worker: String,
    /// Its own id.
    pub task_id: String,
    /// The file's name; `None` when it came through a pipe.
    pub file: Option<String>,
    /// The content's SHA-256, in hex digits.
    pub content: String,
    /// The task as it was written.
    pub body: String,
    /// What is to be done; `None` when an outside executor does it.
    pub work: Option<Submission>,
    /// What names an outside executor's word that was there before the task.
    pub told: Option<String>,
}

/// What became of a task that was found.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskTaken {
    /// It is new, and taken.
    New(Task),
    /// It was taken before: this very file, or the same content under the same name while the first lives.
    Known(Task),
    /// A task of this id has ended and its result is about to be written: ask again after that.
    Ending,
    /// It cannot be taken, and why.
    Refused(String),
}

/// How the assignment of a task stands: what its result is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOutcome {
    /// The assignment.
    pub assignment: Assignment,
    /// Its jobs, by place in the line.
    pub jobs: Vec<Job>,
    /// The attempts of the last job that did the work, the first first.
    pub attempts: Vec<Attempt>,
    /// With which code that job's last agent exited, where it did.
    pub exit_code: Option<i64>,
}

const COLUMNS: &str = "key, worker, task_id, file, content, assignment_id, status, told, due_at, taken_at, ended_at, tries, body";

fn task_row(mut r: Row) -> Result<Task> {
    let r = &mut r;
    Ok(Task {
        key: r.text()?,
        worker: r.text()?,
        task_id: r.text()?,
        file: r.opt_text()?,
        content: r.text()?,
        assignment_id: r.opt_word()?,
        status: r.word()?,
        told: r.opt_text()?,
        due_at: r.opt_time()?,
        taken_at: r.time()?,
        ended_at: r.opt_time()?,
        tries: r.json()?,
        body: r.text()?,
    })
}

/// The task file that an assignment was made of last.
pub(crate) fn of(w: &mut Work<'_>, assignment: AssignmentId) -> Result<Option<Task>> {
    let rest = "t WHERE assignment_id = $1 AND NOT EXISTS (SELECT 1 FROM tasks n WHERE n.worker = t.worker AND n.task_id = t.task_id \
         AND n.taken_at > t.taken_at)";
    Ok(select(w, rest, values![assignment])?.pop())
}

fn select(w: &mut Work<'_>, rest: &str, params: &[Value]) -> Result<Vec<Task>> {
    w.query(&format!("SELECT {COLUMNS} FROM tasks {rest}"), params)?.into_iter().map(task_row).collect()
}

fn by_key(w: &mut Work<'_>, key: &str) -> Result<Option<Task>> {
    Ok(select(w, "WHERE key = $1", values![key])?.pop())
}

/// What a task that lives makes of another with its id.
fn beside_live(w: &mut Work<'_>, new: &NewTask, live: Task) -> Result<TaskTaken> {
    if live.task_id != new.task_id {
        return Ok(TaskTaken::Refused(format!("the id {} differs only in case from {}, which is under way", new.task_id, live.task_id)));
    }
    if live.file == new.file && live.content == new.content {
        return Ok(TaskTaken::Known(live));
    }
    if let Some(assignment) = live.assignment_id
        && rows::assignment(w, assignment)?.status != windlass_types::AssignmentStatus::Active
    {
        return Ok(TaskTaken::Ending);
    }
    Ok(TaskTaken::Refused(format!("a task {} is under way; drop it again once its result is there, or give it another id", new.task_id)))
}

fn take_one(w: &mut Work<'_>, new: &NewTask, batch: &mut Batch) -> Result<TaskTaken> {
    if !is_valid_task_id(&new.task_id) {
        return Ok(TaskTaken::Refused(format!("{:?} cannot be a task's id", new.task_id)));
    }
    if let Some(known) = by_key(w, &new.key)? {
        return Ok(TaskTaken::Known(known));
    }
    let folded = new.task_id.to_ascii_lowercase();
    if let Some(live) = select(w, "WHERE worker = $1 AND folded = $2 AND status = 'live'", values![&new.worker, &folded])?.pop() {
        return beside_live(w, new, live);
    }
    let assignment_id = match &new.work {
        None => None,
        Some(submission) => match submit_one(w, submission, batch) {
            Ok(Submitted { assignment, .. }) => Some(assignment.id),
            // Both are found out before anything is written.
            Err(e @ (StoreError::Invalid(_) | StoreError::NotFound { .. })) => return Ok(TaskTaken::Refused(e.to_string())),
            Err(e) => return Err(e),
        },
    };
    let now = w.now()?;
    w.execute(
        "INSERT INTO tasks (key, worker, task_id, folded, file, content, assignment_id, status, told, taken_at, tries, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'live', $8, $9, '[]', $10)",
        values![
            &new.key,
            &new.worker,
            &new.task_id,
            folded,
            new.file.as_ref(),
            &new.content,
            assignment_id,
            new.told.as_ref(),
            now,
            &new.body
        ],
    )?;
    Ok(TaskTaken::New(Task {
        key: new.key.clone(),
        worker: new.worker.clone(),
        task_id: new.task_id.clone(),
        file: new.file.clone(),
        content: new.content.clone(),
        body: new.body.clone(),
        assignment_id,
        status: TaskStatus::Live,
        told: new.told.clone(),
        tries: Vec::new(),
        due_at: None,
        taken_at: now,
        ended_at: None,
    }))
}

fn outcome(w: &mut Work<'_>, id: AssignmentId) -> Result<TaskOutcome> {
    let assignment = rows::assignment(w, id)?;
    let jobs = line::line(w, id)?;
    let worked = jobs.iter().rev().find(|job| job.spec.job_type != windlass_types::JobType::Pm && job.attempts > 0);
    let (mut attempts, mut exit_code) = (Vec::new(), None);
    if let Some(job) = worked {
        attempts = rows::attempts_where(w, "WHERE job_id = $1 ORDER BY number", values![job.id])?;
        if let Some(last) = attempts.last() {
            let stages = journal::stages_of(w, last.id)?;
            exit_code = stages.iter().rev().find(|s| s.stage == Stage::Run).and_then(|run| run.detail["exit_code"].as_i64());
        }
    }
    Ok(TaskOutcome { assignment, jobs, attempts, exit_code })
}

/// Counts an outside executor's failed try, once for each word that it left.
fn count_try(w: &mut Work<'_>, key: &str, told: &str, error: &str, due_at: Option<Timestamp>) -> Result<Option<Task>> {
    let found = w.first(&format!("SELECT told FROM tasks WHERE key = $1 AND status = 'live'{}", w.dialect().lock()), values![key])?;
    let Some(mut row) = found else { return Ok(None) };
    if row.opt_text()?.as_deref() == Some(told) {
        return Ok(None);
    }
    let Some(mut task) = by_key(w, key)? else { return Ok(None) };
    let attempt = u32::try_from(task.tries.len()).unwrap_or(u32::MAX).saturating_add(1);
    task.tries.push(TaskTry { attempt, at: w.now()?, error: error.to_owned() });
    task.due_at = due_at;
    task.told = Some(told.to_owned());
    w.execute(
        "UPDATE tasks SET told = $2, due_at = $3, tries = $4 WHERE key = $1",
        values![key, told, task.due_at, as_json(&task.tries)?],
    )?;
    Ok(Some(task))
}

impl Store {
    /// Takes tasks with their assignments, in one transaction. A refused one stops no other.
    pub async fn take_tasks(&self, tasks: Vec<NewTask>) -> Result<Vec<TaskTaken>> {
        self.promise(move |w| {
            let mut batch = Batch::new(w.ids, tasks.iter().filter_map(|task| task.work.as_ref()));
            tasks.iter().map(|task| take_one(w, task, &mut batch)).collect()
        })
        .await
    }

    /// The live tasks in the order of their keys, at most 1000 behind `after`.
    pub async fn live_tasks(&self, after: Option<String>) -> Result<Vec<Task>> {
        let after = after.unwrap_or_default();
        self.read(move |w| select(w, "WHERE status = 'live' AND key > $1 ORDER BY key LIMIT $2", values![&after, READ_MAX])).await
    }

    /// The live tasks whose assignment is no longer active, at most so many, the oldest first.
    pub async fn ended_tasks(&self, limit: u32) -> Result<Vec<Task>> {
        self.read(move |w| {
            select(
                w,
                "WHERE status = 'live' AND EXISTS (SELECT 1 FROM assignments a WHERE a.id = tasks.assignment_id AND a.status <> 'active') \
                 ORDER BY taken_at LIMIT $1",
                values![limit],
            )
        })
        .await
    }

    /// The task that an assignment was made of, unless a later one has its id.
    pub async fn task_of(&self, assignment: AssignmentId) -> Result<Option<Task>> {
        self.read(move |w| of(w, assignment)).await
    }

    /// The live tasks of an id, among tasks of outside executors: one for each worker at most, the oldest first.
    pub async fn outside_tasks(&self, task_id: String) -> Result<Vec<Task>> {
        let folded = task_id.to_ascii_lowercase();
        self.read(move |w| {
            let rest = "WHERE status = 'live' AND assignment_id IS NULL AND folded = $1 ORDER BY taken_at, worker LIMIT $2";
            select(w, rest, values![&folded, READ_MAX])
        })
        .await
    }

    /// The tasks that are done and whose file could not be removed, each with what its file is known by, at most 1000.
    pub async fn kept_tasks(&self) -> Result<Vec<(String, Task)>> {
        self.read(move |w| {
            let kept = select(w, "WHERE status = 'done' AND told LIKE 'kept:%' ORDER BY ended_at LIMIT $1", values![READ_MAX])?;
            let known = |task: Task| Some((task.told.as_deref()?.strip_prefix(KEPT)?.to_owned(), task));
            Ok(kept.into_iter().filter_map(known).collect())
        })
        .await
    }

    /// Records by what the file of a task that is done is known, which could not be removed; or, with `None`, that it is gone.
    pub async fn task_kept(&self, key: String, file: Option<String>) -> Result<()> {
        let told = file.map(|file| format!("{KEPT}{file}"));
        self.promise(move |w| {
            w.execute("UPDATE tasks SET told = $2 WHERE key = $1 AND status = 'done'", values![&key, told.as_ref()]).map(drop)
        })
        .await
    }

    /// What the result of a task is made of.
    pub async fn task_outcome(&self, assignment: AssignmentId) -> Result<TaskOutcome> {
        self.read(move |w| outcome(w, assignment)).await
    }

    /// Counts a failed try that an outside executor told of by `told`, and sets when its file is written anew; `None` when that word
    /// was counted before or the task is done.
    pub async fn count_task_try(&self, key: String, told: String, error: String, due_at: Option<Timestamp>) -> Result<Option<Task>> {
        self.promise(move |w| count_try(w, &key, &told, &error, due_at)).await
    }

    /// The tasks of outside executors whose file is to be written anew, the next due first, at most 1000.
    pub async fn due_tasks(&self) -> Result<Vec<Task>> {
        self.read(move |w| select(w, "WHERE status = 'live' AND due_at IS NOT NULL ORDER BY due_at LIMIT $1", values![READ_MAX])).await
    }

    /// Records a word that is about no task for certain: it is not counted later either.
    pub async fn task_told(&self, key: String, told: String) -> Result<()> {
        self.promise(move |w| w.execute("UPDATE tasks SET told = $2 WHERE key = $1 AND status = 'live'", values![&key, &told]).map(drop))
            .await
    }

    /// Records under which name the file of a task is about to be written anew.
    pub async fn task_renamed(&self, key: String, file: String) -> Result<()> {
        self.promise(move |w| w.execute("UPDATE tasks SET file = $2 WHERE key = $1 AND status = 'live'", values![&key, &file]).map(drop))
            .await
    }

    /// Records that a task's file was written anew.
    pub async fn task_rewritten(&self, key: String) -> Result<()> {
        self.promise(move |w| w.execute("UPDATE tasks SET due_at = NULL WHERE key = $1", values![&key]).map(drop)).await
    }

    /// Deletes some of the tasks without an assignment that were done before `before`; how many. Others go with their assignment.
    pub async fn prune_tasks(&self, before: Timestamp) -> Result<u64> {
        self.ride(move |w| {
            let done = "assignment_id IS NULL AND status = 'done' AND ended_at < $1 AND (told IS NULL OR told NOT LIKE 'kept:%')";
            w.execute(&format!("DELETE FROM tasks WHERE key IN (SELECT key FROM tasks WHERE {done} LIMIT $2)"), values![before, PRUNE_MAX])
        })
        .await
    }

    /// Records that the dead letter of a task is on disk that an outside executor could not do.
    pub async fn outside_died(&self, key: String) -> Result<()> {
        self.ride(move |w| {
            let now = w.now()?;
            let set = "UPDATE tasks SET status = 'done', ended_at = $2, due_at = NULL, told = $3 WHERE key = $1";
            w.execute(set, values![&key, now, DEAD]).map(drop)
        })
        .await
    }

    /// The tasks that outside executors could not do, of this worker or all, that died at this time or later: the last first, at most so
    /// many. One that was dropped again is none any more.
    pub async fn outside_dead(&self, worker: Option<String>, since: Option<Timestamp>, limit: u32) -> Result<Vec<Task>> {
        self.read(move |w| {
            let rest = "t WHERE status = 'done' AND assignment_id IS NULL AND told = $1 AND (worker = $2 OR $3 = 0) AND ended_at >= $4 \
                 AND NOT EXISTS (SELECT 1 FROM tasks n WHERE n.worker = t.worker AND n.task_id = t.task_id AND n.taken_at > t.taken_at) \
                 ORDER BY ended_at DESC, key LIMIT $5";
            let of = worker.as_deref().unwrap_or_default();
            select(w, rest, values![DEAD, of, i64::from(worker.is_some()), since.unwrap_or_default(), limit])
        })
        .await
    }

    /// Records that the results of tasks are on disk. Told again after a power cut, it does no harm.
    pub async fn tasks_done(&self, keys: Vec<String>) -> Result<()> {
        self.ride(move |w| {
            let now = w.now()?;
            for key in &keys {
                w.execute("UPDATE tasks SET status = 'done', ended_at = $2, due_at = NULL WHERE key = $1", values![key, now])?;
            }
            Ok(())
        })
        .await
    }
}
