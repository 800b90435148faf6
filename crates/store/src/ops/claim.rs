//! The claim: the best due job that nothing holds, under the next token.

use std::collections::BTreeMap;

use serde_json::json;
use windlass_types::{
    Admission, Assignment, AssignmentId, Attempt, AttemptStatus, BreakerProbe, DEFAULT_ACCOUNT, EventKind, Harness, Job, JobMove,
    JobStatus, Lease, Project, Slots, Token, hold,
};

use super::attempts::leave_event;
use super::candidates::{Candidate, Candidates, Shared};
use super::locks::{self, Held};
use super::world::{self, Ground};
use super::{breakers, moves, rows};
use crate::error::{Result, StoreError};
use crate::sql::{Work, values};
use crate::store::Store;

/// A worker of a node and how full it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSlots {
    /// Its name.
    pub name: String,
    /// How many it runs, and may run.
    pub slots: Slots,
    /// The agent it runs, if it names one.
    pub harness: Option<Harness>,
}

/// What decides a claim and only the node knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// The node's id.
    pub node: String,
    /// Its workers.
    pub workers: Vec<WorkerSlots>,
    /// Its agent for each job type, and `default`.
    pub harness_defaults: BTreeMap<String, Harness>,
    /// The accounts of its agents that name one.
    pub accounts: BTreeMap<Harness, String>,
    /// Why it cannot write its data, if it cannot.
    pub storage: Option<String>,
    /// It works on this assignment only.
    pub only_assignment: Option<AssignmentId>,
}

impl NodeFacts {
    /// The account of an agent on this node.
    pub(crate) fn account(&self, harness: Harness) -> &str {
        self.accounts.get(&harness).map_or(DEFAULT_ACCOUNT, String::as_str)
    }
}

/// A claimed job and all that its attempt needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The job, running.
    pub job: Job,
    /// Its assignment.
    pub assignment: Assignment,
    /// Its project.
    pub project: Project,
    /// The token that every write names.
    pub token: Token,
    /// The new attempt.
    pub attempt: Attempt,
    /// The attempts before it, the first first.
    pub earlier: Vec<Attempt>,
    /// The agent that runs.
    pub harness: Harness,
    /// Whether files are locked in its project, so that those that it changes have to be looked at.
    pub locks: bool,
}

/// What one claim took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claims {
    /// The jobs, the best first.
    pub jobs: Vec<Claimed>,
    /// Whether a job was passed over because another transaction held its rows. No event tells when they are free: look again soon.
    pub contended: bool,
}

fn claim(w: &mut Work<'_>, mut facts: NodeFacts, lease_ms: i64, most: usize) -> Result<Claims> {
    let mut claims = Claims::default();
    if facts.storage.is_some() {
        return Ok(claims);
    }
    let ground = Ground::read(w)?;
    if ground.paused {
        return Ok(claims);
    }
    let shared = Shared::read(w, &facts, &ground)?;
    let mut held = if ground.locks { Some(Held::read(w, None)?) } else { None };
    let mut projects = Projects::new();
    let mut queues: Vec<Candidates> =
        facts.workers.iter().map(|worker| Candidates::of(worker, facts.only_assignment, &shared, most)).collect();
    while claims.jobs.len() < most {
        let mut best: Option<(usize, Candidate)> = None;
        for (index, queue) in queues.iter_mut().enumerate() {
            if facts.workers.get(index).is_some_and(|worker| worker.slots.running < worker.slots.limit)
                && let Some(candidate) = queue.peek(w, held.as_ref())?
                && best.as_ref().is_none_or(|(_, first)| (candidate.rank, candidate.job) < (first.rank, first.job))
            {
                best = Some((index, candidate.clone()));
            }
        }
        let Some((index, candidate)) = best else { break };
        if let Some(queue) = queues.get_mut(index) {
            queue.take();
        }
        match try_claim(w, &facts, &ground, &mut projects, &candidate, lease_ms) {
            Ok(Tried::Held) => {}
            Ok(Tried::Contended) => claims.contended = true,
            Ok(Tried::Claimed(job)) => {
                if let Some(held) = &mut held {
                    held.add(&job.job, &candidate.locks);
                }
                let now = w.now()?;
                let is_probe = ground.breaker(&facts, job.harness).is_some_and(|breaker| breaker.admits(now) == Admission::AsProbe);
                claims.jobs.push(*job);
                if let Some(worker) = facts.workers.get_mut(index) {
                    worker.slots.running = worker.slots.running.saturating_add(1);
                }
                if is_probe {
                    // The breaker admits nobody else now: the next claim leaves out what it holds. And its row is to be locked last.
                    break;
                }
            }
            // One row that cannot be read (a later version may have written it) must not hold up all the others.
            Err(StoreError::Corrupt(why)) => tracing::warn!(job.id = %candidate.job, "{} cannot be claimed: {why}", candidate.job),
            Err(e) => return Err(e),
        }
    }
    Ok(claims)
}

/// What became of one candidate.
enum Tried {
    Claimed(Box<Claimed>),
    /// Something holds it, or somebody was quicker.
    Held,
    /// Another transaction holds its rows.
    Contended,
}

/// Projects that a batch has met.
type Projects = BTreeMap<String, Project>;

fn try_claim(
    w: &mut Work<'_>,
    facts: &NodeFacts,
    ground: &Ground,
    projects: &mut Projects,
    candidate: &Candidate,
    lease_ms: i64,
) -> Result<Tried> {
    // Whoever holds the assignment's row is about to change its line: leave it to them.
    let rest = format!("WHERE id = $1{}", w.dialect().lock_or_skip());
    let Some(mut assignment) = rows::assignments_where(w, &rest, values![candidate.assignment])?.pop() else { return Ok(Tried::Contended) };
    let mut row = rows::lock_job(w, candidate.job)?;
    if row.job.status != JobStatus::Queued {
        return Ok(Tried::Held);
    }
    let project = match projects.get(&row.job.project) {
        Some(known) => known.clone(),
        None => projects.entry(row.job.project.clone()).or_insert(world::project_of(w, &row)?).clone(),
    };
    if project.settings.max_concurrent.is_some() || !candidate.locks.is_empty() {
        // Two nodes must not take the project's last slot, or the same files, at once. Nobody waits here: batches meet the projects in any order.
        let sql = format!("SELECT name FROM projects WHERE name = $1{}", w.dialect().lock_or_skip());
        if w.query(&sql, values![&project.name])?.is_empty() {
            return Ok(Tried::Contended);
        }
    }
    if hold(&world::world(w, facts, ground, &row, &assignment, &project)?).is_some() {
        return Ok(Tried::Held);
    }
    let earlier = match row.job.attempts {
        0 => Vec::new(),
        _ => rows::attempts_where(w, "WHERE job_id = $1 ORDER BY number", values![row.job.id])?,
    };
    let harness = world::harness(facts, &row, &assignment, &project);
    let now = w.now()?;
    let token = Token { generation: w.generation, epoch: row.token.epoch.saturating_add(1) };
    if !breakers::admit(w, ground.breaker(facts, harness), BreakerProbe { job: row.job.id, token })? {
        return Ok(Tried::Held);
    }
    let data = json!({ "worker": row.job.worker, "node": facts.node, "harness": harness.as_str() });
    moves::move_job(w, &mut row.job, JobMove::Claim, data)?;
    row.token = token;
    row.job.lease = Some(Lease { node: facts.node.clone(), token, expires_at: now.plus_ms(lease_ms) });
    row.job.attempts = row.job.attempts.saturating_add(1);
    row.job.phase = row.job.spec.job_type.phase();
    row.job.progress = 0;
    row.job.message = None;
    row.job.park = None;
    row.job.started_at = row.job.started_at.or(Some(now));
    rows::save_claim(w, &row)?;
    assignment.spent.runs = assignment.spent.runs.saturating_add(1);
    rows::save_spent(w, &mut assignment)?;
    let attempt = new_attempt(w, facts, &row.job, token, harness, &earlier)?;
    let locks = ground.locks && locks::matter_in(w, &project.name)?;
    Ok(Tried::Claimed(Box::new(Claimed { job: row.job, assignment, project, token, attempt, earlier, harness, locks })))
}

fn new_attempt(w: &mut Work<'_>, facts: &NodeFacts, job: &Job, token: Token, harness: Harness, earlier: &[Attempt]) -> Result<Attempt> {
    let attempt = Attempt {
        id: w.ids.attempt(),
        job_id: job.id,
        assignment_id: job.assignment_id,
        number: earlier.last().map_or(0, |last| last.number).saturating_add(1),
        token,
        node: facts.node.clone(),
        harness,
        status: AttemptStatus::Running,
        session_id: None,
        pid: None,
        pid_start: None,
        isolation: None,
        usage: None,
        failure: None,
        started_at: w.now()?,
        ended_at: None,
    };
    w.execute(
        "INSERT INTO attempts (id, job_id, assignment_id, number, generation, epoch, node, harness, status, started_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        values![
            attempt.id,
            attempt.job_id,
            attempt.assignment_id,
            attempt.number,
            token.generation,
            token.epoch,
            &attempt.node,
            harness.as_str(),
            attempt.status.as_str(),
            attempt.started_at,
        ],
    )?;
    let data = json!({ "number": attempt.number, "node": attempt.node, "harness": harness.as_str(), "type": job.spec.job_type.as_str() });
    leave_event(w, EventKind::AttemptStarted, job, attempt.id, data);
    Ok(attempt)
}

impl Store {
    /// Takes the best due job that nothing holds on this node; `None` when there is none.
    pub async fn claim(&self, facts: NodeFacts, lease_ms: i64) -> Result<Option<Claimed>> {
        Ok(self.claim_many(facts, lease_ms, 1).await?.jobs.pop())
    }

    /// Takes at most `most` due jobs that nothing holds on this node, the best first.
    pub async fn claim_many(&self, facts: NodeFacts, lease_ms: i64, most: usize) -> Result<Claims> {
        if lease_ms < 0 {
            return Err(StoreError::Invalid("a lease cannot end before it begins".to_owned()));
        }
        self.ride(move |w| claim(w, facts.clone(), lease_ms, most)).await
    }
}
