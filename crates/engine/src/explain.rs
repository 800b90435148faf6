//! A plain answer to "what is it doing, and why?", and what the work looks like so far.

use windlass_store::{NodeFacts, WorkerSlots};
use windlass_types::{AssignmentId, Attempt, Hold, HoldKind, Job, JobId, JobStatus, Slots, StageRecord, StageStatus};

use windlass_workspace::workspaces::ChangeKind;

use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};
use crate::request::{Diff, DiffFile, Explanation};

const PATCH_MAX: usize = 1024 * 1024;

impl Engine {
    /// What a job does or waits for, and why.
    pub async fn explain(&self, id: JobId) -> Result<Explanation, EngineError> {
        let store = &self.inner.store;
        let job = store.job(id).await?;
        let attempt = store.attempts(id).await?.pop();
        let stages = match &attempt {
            Some(attempt) => store.journal(attempt.id).await?,
            None => Vec::new(),
        };
        let hold = if job.status == JobStatus::Queued {
            let found = store.explain(id, self.facts_of_all().await?).await?;
            found.or_else(|| self.not_ready()).or_else(|| {
                Some(Hold {
                    kind: HoldKind::Ready,
                    reason: "nothing holds it: a worker is about to take it".to_owned(),
                    hint: None,
                    until: None,
                })
            })
        } else {
            None
        };
        let summary = summary(&job, hold.as_ref(), attempt.as_ref(), &stages);
        Ok(Explanation { job, hold, attempt, stages, summary })
    }

    /// What decides a claim, on whichever node may make it.
    pub(crate) async fn facts_of_all(&self) -> Result<NodeFacts, EngineError> {
        let mut facts = self.inner.facts();
        if self.inner.store.is_postgres() {
            let running = self.inner.store.counts().await?.running_by_worker;
            let nodes = self.inner.store.nodes().await?;
            let workers = nodes.iter().filter(|node| !node.gone).flat_map(|node| &node.workers);
            facts.workers.retain(|own| nodes.iter().all(|node| node.workers.iter().all(|worker| worker.name != own.name)));
            for worker in workers {
                match facts.workers.iter_mut().find(|known| known.name == worker.name) {
                    Some(known) => known.slots.limit = known.slots.limit.saturating_add(worker.slots),
                    None => facts.workers.push(WorkerSlots {
                        name: worker.name.clone(),
                        slots: Slots {
                            running: running.get(&worker.name).map_or(0, |n| u32::try_from(*n).unwrap_or(u32::MAX)),
                            limit: worker.slots,
                        },
                        harness: self.inner.worker(&worker.name).and_then(|own| own.harness),
                    }),
                }
            }
        }
        Ok(facts)
    }

    fn not_ready(&self) -> Option<Hold> {
        (!self.inner.has_recovered()).then(|| Hold {
            kind: HoldKind::Ready,
            reason: "the daemon has just started and looks after what ran before; then a worker takes it".to_owned(),
            hint: None,
            until: None,
        })
    }

    /// What an assignment's branch changes.
    pub async fn diff(&self, id: AssignmentId) -> Result<Diff, EngineError> {
        let inner = &self.inner;
        let assignment = inner.store.assignment(id).await?;
        let nothing = || {
            EngineError::new(ErrorKind::Conflict, "this assignment has no branch: nothing of it has run in a repository")
                .hint("windlass explain tells what it waits for")
        };
        let failed = |e: windlass_workspace::git::WorkspaceError| EngineError::from(e.failure());
        let workspace = inner.workspaces.find(&assignment.project, &id).map_err(failed)?.ok_or_else(nothing)?;
        let head = assignment.head_commit.clone().unwrap_or_else(|| workspace.base_commit.clone());
        let changes = inner.workspaces.changes_of(&workspace, &workspace.base_commit, &head).await.map_err(failed)?;
        let patch = inner.workspaces.patch(&workspace, &workspace.base_commit, Some(&head), PATCH_MAX).await.map_err(failed)?;
        Ok(Diff {
            base: workspace.base_commit.clone(),
            head: assignment.head_commit,
            branch: workspace.branch.clone(),
            files: changes
                .files
                .into_iter()
                .map(|f| DiffFile {
                    path: f.path,
                    change: change_word(f.kind).to_owned(),
                    insertions: f.insertions,
                    deletions: f.deletions,
                })
                .collect(),
            patch: patch.text,
            truncated: patch.truncated,
        })
    }
}

const fn change_word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Modified => "modified",
        ChangeKind::Deleted => "deleted",
        ChangeKind::TypeChanged => "type_changed",
    }
}

/// The answer in a sentence or two.
fn summary(job: &Job, hold: Option<&Hold>, attempt: Option<&Attempt>, stages: &[StageRecord]) -> String {
    let who = format!("{} ({})", job.id, job.spec.job_type);
    match job.status {
        JobStatus::Queued => match hold {
            Some(hold) => {
                let until = hold.until.map(|t| format!(" until {t}")).unwrap_or_default();
                let hint = hold.hint.as_deref().map(|h| format!(" To do: {h}.")).unwrap_or_default();
                format!("{who} waits{until}: {}.{hint}", hold.reason)
            }
            None => format!("{who} waits for a worker."),
        },
        JobStatus::Running => {
            let stage = stages.iter().rev().find(|s| s.status == StageStatus::Running).or(stages.last());
            let at = stage.map(|s| format!(" in stage {} (round {})", s.stage, s.iteration)).unwrap_or_default();
            let agent = attempt.map(|a| format!(" on {} (attempt {}, node {})", a.harness, a.number, a.node)).unwrap_or_default();
            let doing = job.message.as_deref().map(|m| format!(": {m}")).unwrap_or_default();
            let stopping = if job.cancel_requested { " It is being cancelled." } else { "" };
            format!("{who} runs{agent}{at}{doing}.{stopping}")
        }
        JobStatus::Succeeded => match &job.commit {
            Some(commit) => format!("{who} succeeded and left commit {}.", &commit[..commit.len().min(12)]),
            None => format!("{who} succeeded without a change."),
        },
        JobStatus::Failed | JobStatus::Dead | JobStatus::Cancelled => {
            let why = job.failure.as_ref().map(|f| format!(": {}", f.message)).unwrap_or_default();
            let hint = job.failure.as_ref().and_then(|f| f.hint.as_deref()).map(|h| format!(" To do: {h}.")).unwrap_or_default();
            format!("{who} is {}{why}.{hint}", job.status)
        }
    }
}
