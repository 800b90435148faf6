//! Task files: what an intake found becomes assignments; and workers that appear while the engine runs.

use std::collections::{BTreeMap, HashMap};

use windlass_store::{NewTask, StoreError, Submission, TaskTaken};
use windlass_types::{BreakerStatus, Budget, Harness, JobSpec, JobType, Policy, Role, SCRATCH};

use crate::config::WorkerConfig;
use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};

/// Who the events say did it.
const BY: &str = "files";

/// A task that an intake found, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskFile {
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
    pub work: Option<TaskWork>,
    /// What names an outside executor's word that was there before the task.
    pub told: Option<String>,
}

/// What a task asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskWork {
    /// What somebody wants.
    pub description: String,
    /// What the agent is told beside it.
    pub context: String,
    /// The project; `scratch` when none is named.
    pub project: Option<String>,
    /// Higher runs first.
    pub priority: i32,
    /// How long one run of the agent may take, in seconds.
    pub timeout_secs: Option<u64>,
    /// Which agent; the worker's when none is named.
    pub harness: Option<Harness>,
    /// How often a transient failure is tried again.
    pub max_retries: Option<u32>,
    /// Whether a pm job judges the work.
    pub review: bool,
}

/// How a worker stands on all nodes that share the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerFigures {
    /// Jobs that run.
    pub running: u32,
    /// Jobs that may run at once; `None` when no living node runs any of it.
    pub limit: Option<u32>,
    /// Jobs that wait for it.
    pub queued: u64,
    /// The breaker of its usual agent, as this node knows it.
    pub breaker: BreakerStatus,
}

/// A project to submit to, with the branch that work starts from.
type Place = (String, Option<String>);

impl Engine {
    /// How workers stand, each named with its own agent if it has one: whichever node runs their jobs.
    pub async fn worker_figures(&self, workers: Vec<(String, Option<Harness>)>) -> Result<BTreeMap<String, WorkerFigures>, EngineError> {
        let counts = self.inner.store.counts().await?;
        let facts = self.facts_of_all().await?;
        let breakers = self.breakers().await.unwrap_or_default();
        let config = &self.inner.config;
        let figures = workers.into_iter().map(|(name, own)| {
            let backend = config.backend(config.or_usual(own));
            let breaker = breakers.iter().find(|b| (b.harness, &b.account) == (backend.harness, &backend.account));
            let slots = facts.workers.iter().find(|worker| worker.name == name).map(|worker| worker.slots);
            let running = || counts.running_by_worker.get(&name).map_or(0, |n| u32::try_from(*n).unwrap_or(u32::MAX));
            let figures = WorkerFigures {
                running: slots.map_or_else(running, |slots| slots.running),
                limit: slots.map(|slots| slots.limit),
                queued: counts.queued_by_worker.get(&name).copied().unwrap_or(0),
                breaker: breaker.map_or(BreakerStatus::Closed, |breaker| breaker.status),
            };
            (name, figures)
        });
        Ok(figures.collect())
    }

    /// Takes task files: each becomes one assignment with one job, in one transaction. A refused one stops no other.
    pub async fn take_tasks(&self, tasks: Vec<TaskFile>) -> Result<Vec<TaskTaken>, EngineError> {
        let mut places: HashMap<String, Result<Place, String>> = HashMap::new();
        let mut taken: Vec<Option<TaskTaken>> = Vec::with_capacity(tasks.len());
        let mut new = Vec::with_capacity(tasks.len());
        for task in tasks {
            let work = match task.work {
                None => None,
                Some(work) => match self.place(&mut places, work.project.as_deref().unwrap_or(SCRATCH)).await? {
                    Ok(place) => Some(self.submission(&task.key, &task.worker, work, place)),
                    Err(why) => {
                        taken.push(Some(TaskTaken::Refused(why)));
                        continue;
                    }
                },
            };
            let TaskFile { key, worker, task_id, file, content, body, told, .. } = task;
            new.push(NewTask { key, worker, task_id, file, content, body, work, told });
            taken.push(None);
        }
        crate::failpoint::hit("task.taking");
        let answers = if new.is_empty() { Vec::new() } else { self.written(self.inner.store.take_tasks(new).await)? };
        crate::failpoint::hit("task.taken");
        let mut answers = answers.into_iter();
        let lost = || StoreError::Internal("a task has no answer".to_owned()).into();
        taken.into_iter().map(|known| known.or_else(|| answers.next()).ok_or_else(lost)).collect()
    }

    /// The place of a project's work, looked up once for many tasks; the inner error is the project's own.
    async fn place(&self, known: &mut HashMap<String, Result<Place, String>>, name: &str) -> Result<Result<Place, String>, EngineError> {
        if let Some(place) = known.get(name) {
            return Ok(place.clone());
        }
        let found = match self.project_for(None, Some(name), None, BY).await {
            Ok(place) => Ok(place),
            Err(e) if matches!(e.kind, ErrorKind::Unavailable | ErrorKind::Full | ErrorKind::Internal) => return Err(e),
            Err(e) => Err(format!("its project {name:?} cannot be worked on: {e}")),
        };
        known.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    fn submission(&self, key: &str, worker: &str, work: TaskWork, (project, base_branch): Place) -> Submission {
        let spec = JobSpec {
            job_type: JobType::Implement,
            harness: work.harness,
            context: work.context,
            worker: Some(worker.to_owned()),
            timeout_secs: work.timeout_secs,
            max_retries: work.max_retries,
            ..JobSpec::default()
        };
        Submission {
            key: Some(key.to_owned()),
            budget: Budget::default(),
            node_budget: self.inner.config.default_budget,
            project,
            north_star: work.description,
            source: "file".to_owned(),
            policy: Policy { review: work.review, ..Policy::default() },
            priority: work.priority,
            base_branch,
            jobs: vec![spec],
            by: BY.to_owned(),
        }
    }

    /// Adds a worker to this node, unless there is one of its name.
    pub fn add_worker(&self, worker: WorkerConfig) {
        // A node without the role runs no job, whoever finds a directory.
        if self.inner.config.roles.contains(&Role::Worker) && self.inner.add_worker(worker) {
            self.inner.slot_freed.notify_one();
        }
    }
}
