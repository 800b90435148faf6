//! Gathers what decides whether a queued job may run; `hold` of the types crate decides.

use std::collections::BTreeMap;

use windlass_types::{Assignment, Breaker, BudgetCheck, Harness, Hold, HoldKind, JobId, JobSpec, JobStatus, Project, Slots, World, hold};

use super::claim::NodeFacts;
use super::control::{self, HarnessPark};
use super::rows::{self, JobRow};
use super::{breakers, jobs, locks, projects};
use crate::error::{Result, StoreError};
use crate::harness::resolve_harness;
use crate::sql::{Work, values};
use crate::store::Store;

/// What holds for every candidate of a claim.
pub(crate) struct Ground {
    pub(crate) paused: bool,
    pub(crate) parks: Vec<HarnessPark>,
    /// The breakers that are not closed.
    pub(crate) breakers: Vec<Breaker>,
    /// Whether anybody locks files.
    pub(crate) locks: bool,
}

impl Ground {
    pub(crate) fn read(w: &mut Work<'_>) -> Result<Self> {
        Ok(Self { paused: control::paused(w)?, parks: control::parks(w)?, breakers: breakers::not_closed(w)?, locks: locks::are_used(w)? })
    }

    /// The breaker of a harness on a node, unless it is closed.
    pub(crate) fn breaker(&self, facts: &NodeFacts, harness: Harness) -> Option<&Breaker> {
        self.breakers.iter().find(|b| b.backend.harness == harness && b.backend.account == facts.account(harness))
    }
}

/// The harness of a job on a node.
pub(crate) fn harness(facts: &NodeFacts, row: &JobRow, assignment: &Assignment, project: &Project) -> Harness {
    resolve(facts, &row.job.spec, &row.job.worker, assignment, project)
}

/// The harness that a job would have on a node.
pub(crate) fn harness_of(w: &mut Work<'_>, facts: &NodeFacts, spec: &JobSpec, assignment: &Assignment) -> Result<Harness> {
    let gone = || StoreError::Corrupt(format!("the project of {} is gone", assignment.id));
    let project = projects::find(w, &assignment.project)?.ok_or_else(gone)?;
    Ok(resolve(facts, spec, spec.worker.as_deref().unwrap_or("default"), assignment, &project))
}

fn resolve(facts: &NodeFacts, spec: &JobSpec, worker: &str, assignment: &Assignment, project: &Project) -> Harness {
    let own = facts.workers.iter().find(|known| known.name == worker).and_then(|known| known.harness);
    resolve_harness(spec, &assignment.policy, own, &project.settings, &facts.harness_defaults)
}

/// The project of a job.
pub(crate) fn project_of(w: &mut Work<'_>, row: &JobRow) -> Result<Project> {
    projects::find(w, &row.job.project)?.ok_or_else(|| StoreError::Corrupt(format!("the project of {} is gone", row.job.id)))
}

/// The whole world of one queued job.
pub(crate) fn world(
    w: &mut Work<'_>,
    facts: &NodeFacts,
    ground: &Ground,
    row: &JobRow,
    assignment: &Assignment,
    project: &Project,
) -> Result<World> {
    let job = &row.job;
    let first = w.first(
        "SELECT id, status FROM jobs WHERE assignment_id = $1 AND id <> $2 \
         AND (status = 'running' OR (status = 'queued' AND position < $3)) ORDER BY position, id LIMIT 1",
        values![job.assignment_id, job.id, job.position],
    )?;
    let predecessor = first.map(|mut row| Ok::<(JobId, JobStatus), StoreError>((row.word()?, row.word()?))).transpose()?;
    let harness = harness(facts, row, assignment, project);
    let budget = assignment
        .budget
        .refuses(&assignment.spent, BudgetCheck::BeforeRun)
        .or_else(|| job.spec.budget.refuses(&jobs::spent_of(row), BudgetCheck::BeforeRun));
    let project_slots = match project.settings.max_concurrent {
        None => None,
        Some(limit) => {
            let found = w.first("SELECT COUNT(*) FROM jobs WHERE project = $1 AND status = 'running'", values![&project.name])?;
            let running = found.map_or(Ok(0), |mut row| row.int())?;
            Some(Slots { running, limit })
        }
    };
    let lock = if ground.locks { locks::in_the_way(w, job)? } else { None };
    Ok(World {
        now: w.now()?,
        paused: ground.paused,
        job_status: job.status,
        due_at: job.due_at,
        park: job.park.clone(),
        failure: job.failure.clone(),
        assignment: assignment.status,
        block: assignment.block.clone(),
        predecessor,
        harness_parked: ground.parks.iter().find(|park| park.harness == harness).map(|park| (park.until, park.reason.clone())),
        breaker: ground.breaker(facts, harness).cloned(),
        budget,
        worker: (job.worker.clone(), facts.workers.iter().find(|worker| worker.name == job.worker).map(|worker| worker.slots)),
        project: project_slots,
        lock,
        storage: facts.storage.clone(),
    })
}

fn explain(w: &mut Work<'_>, id: JobId, facts: &NodeFacts) -> Result<Option<Hold>> {
    let row = rows::job(w, id)?;
    if row.job.status != JobStatus::Queued {
        return Ok(None);
    }
    let assignment = rows::assignment(w, row.job.assignment_id)?;
    let project = project_of(w, &row)?;
    let ground = Ground::read(w)?;
    Ok(hold(&world(w, facts, &ground, &row, &assignment, &project)?))
}

/// What holds the jobs that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// How many of those that were looked at, by what holds them.
    pub kinds: BTreeMap<HoldKind, u64>,
    /// How many were not looked at.
    pub beyond: u64,
}

fn held(w: &mut Work<'_>, facts: &NodeFacts, limit: u32) -> Result<Held> {
    let due_first = format!("{} WHERE status = 'queued' ORDER BY due_at, id LIMIT $1", w.dialect().by_index("jobs_due"));
    let rows = rows::job_rows(w, &due_first, values![limit])?;
    let ground = Ground::read(w)?;
    let mut known: BTreeMap<String, Project> = BTreeMap::new();
    let (mut held, looked) = (Held::default(), rows.len() as u64);
    for row in rows {
        let assignment = rows::assignment(w, row.job.assignment_id)?;
        // Jobs are many and projects few.
        if !known.contains_key(&row.job.project) {
            known.insert(row.job.project.clone(), project_of(w, &row)?);
        }
        let Some(project) = known.get(&row.job.project) else { continue };
        let kind = hold(&world(w, facts, &ground, &row, &assignment, project)?).map_or(HoldKind::Ready, |hold| hold.kind);
        *held.kinds.entry(kind).or_insert(0) += 1;
    }
    if looked >= u64::from(limit) {
        let all = w.first("SELECT COUNT(*) FROM jobs WHERE status = 'queued'", &[])?.map_or(Ok(0), |mut row| row.int::<u64>())?;
        held.beyond = all.saturating_sub(looked);
    }
    Ok(held)
}

impl Store {
    /// What holds the jobs that wait on this node, of the first `limit` that are due: how many of each kind, and how many there are beside.
    pub async fn held(&self, facts: NodeFacts, limit: u32) -> Result<Held> {
        self.read(move |w| held(w, &facts, limit)).await
    }

    /// Why a queued job does not run now on this node; `None` when it is not queued, or nothing holds it.
    pub async fn explain(&self, id: JobId, facts: NodeFacts) -> Result<Option<Hold>> {
        self.read(move |w| explain(w, id, &facts)).await
    }
}
