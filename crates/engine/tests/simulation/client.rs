//! The people outside: they submit, cancel, and at the end read everything back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use windlass_store::{AssignmentFilter, EventFilter, JobFilter, Page, Result, Store, StoreError, Submission};
use windlass_testkit::witness::Line;
use windlass_types::{
    Assignment, AssignmentId, AssignmentMove, AssignmentStatus, Attempt, Budget, Event, Harness, Job, JobId, JobSpec, JobStatus, JobType,
    Policy,
};

use super::check;
use super::dice::Dice;
use super::node::Life;
use super::plan::Plan;

/// How long a client waits after an error, and between two looks.
const AGAIN: Duration = Duration::from_secs(2);

/// What the clients asked for, were told, and found at the end.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) wanted: usize,
    /// The key of each acknowledged submission, and what it was told to have made.
    pub(crate) acknowledged: Vec<(String, AssignmentId, Vec<JobId>)>,
    pub(crate) cancelled: Vec<AssignmentId>,
    pub(crate) events: Vec<Event>,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) attempts: Vec<Attempt>,
    cancels_left: u64,
    waits_for: String,
    over: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<Told>>);

impl Asked {
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything has ended and was read back.
    pub(crate) fn is_over(&self) -> bool {
        self.lock().over
    }

    pub(crate) fn waits_for(&self) -> String {
        self.lock().waits_for.clone()
    }

    /// The promises that were broken, by all that was told.
    pub(crate) fn check(&self, witnessed: Vec<Line>) -> Vec<String> {
        let told = self.lock();
        if told.over { check::check(&told, witnessed) } else { Vec::new() }
    }
}

/// Asks until it is answered: only an answer is a promise.
async fn insist<T, F: Future<Output = Result<T>>>(mut ask: impl FnMut() -> F) -> Option<T> {
    loop {
        match ask().await {
            Ok(answer) => return Some(answer),
            Err(StoreError::Unavailable(_)) => sleep(AGAIN).await,
            Err(_) => return None,
        }
    }
}

/// Starts the clients.
pub(crate) fn spawn(life: &Life, store: Store, plan: &Plan, dice: &mut Dice) -> Asked {
    let asked = Asked::default();
    asked.lock().wanted = plan.assignments;
    asked.lock().cancels_left = plan.cancels;
    for number in 0..plan.assignments {
        let when = dice.between(0, plan.calm_after_ms * 2 / 3);
        life.spawn(submit(asked.clone(), store.clone(), number, when, 1 + dice.below(3)));
    }
    for _ in 0..plan.cancels {
        let (when, which, whole) = (dice.between(1_000, plan.calm_after_ms), dice.bits(), dice.one_in(2));
        life.spawn(cancel(asked.clone(), store.clone(), when, which, whole));
    }
    // Late copies of what was sent before arrive within a minute of the last fault; they too may change nothing.
    let copies = ms(if plan.repeated > 0 { plan.calm_after_ms + 120_000 } else { 0 });
    life.spawn(watch(asked.clone(), store, ms(plan.calm_after_ms), copies));
    asked
}

fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

async fn submit(asked: Asked, store: Store, number: usize, when: i64, jobs: u64) {
    sleep(ms(when)).await;
    let key = format!("wish-{number}");
    let job = JobSpec {
        job_type: JobType::Plan,
        harness: Some(Harness::Command),
        program: Some("/bin/true".to_owned()),
        context: "simulated".to_owned(),
        ..JobSpec::default()
    };
    let wish = Submission {
        key: Some(key.clone()),
        project: "scratch".to_owned(),
        north_star: "outlast the faults".to_owned(),
        source: "simulation".to_owned(),
        policy: Policy { review: false, ..Policy::default() },
        budget: Budget::default(),
        node_budget: Budget::default(),
        priority: 0,
        base_branch: None,
        jobs: vec![job; jobs as usize],
        by: "client".to_owned(),
    };
    if let Some(answer) = insist(|| store.submit(vec![wish.clone()])).await {
        let mut told = asked.lock();
        for made in answer {
            told.acknowledged.push((key.clone(), made.assignment.id, made.jobs.iter().map(|job| job.id).collect()));
        }
    }
}

async fn cancel(asked: Asked, store: Store, when: i64, which: u64, whole: bool) {
    sleep(ms(when)).await;
    let chosen = {
        let told = asked.lock();
        let index = which as usize % told.acknowledged.len().max(1);
        told.acknowledged.get(index).map(|(_, assignment, jobs)| (*assignment, jobs.first().copied()))
    };
    match chosen {
        Some((assignment, _)) if whole => {
            let cancelled = insist(|| store.move_assignment(assignment, AssignmentMove::Cancel, None, "client".to_owned())).await;
            if cancelled.is_some() {
                asked.lock().cancelled.push(assignment);
            }
        }
        Some((_, Some(job))) => drop(insist(|| store.cancel_job(job, "client".to_owned())).await),
        _ => {}
    }
    asked.lock().cancels_left -= 1;
}

/// Looks until all has ended, then reads everything.
async fn watch(asked: Asked, store: Store, calm: Duration, copies: Duration) {
    let began = Instant::now();
    sleep(calm).await;
    loop {
        let Some(counts) = insist(|| store.counts()).await else { return };
        let running = counts.jobs.get(&JobStatus::Running).copied().unwrap_or(0);
        let active = counts.assignments.get(&AssignmentStatus::Active).copied().unwrap_or(0);
        let answered = {
            let mut told = asked.lock();
            told.waits_for =
                format!("{running} jobs running, {active} assignments active, {} of {} answered", told.acknowledged.len(), told.wanted);
            told.acknowledged.len() == told.wanted && told.cancels_left == 0
        };
        if answered && running == 0 && active == 0 {
            break;
        }
        sleep(AGAIN).await;
    }
    sleep_until(began + copies).await;
    if let Ok((assignments, jobs, attempts, events)) = read_all(&store).await {
        let mut told = asked.lock();
        (told.assignments, told.jobs, told.attempts, told.events, told.over) = (assignments, jobs, attempts, events, true);
    }
}

async fn read_all(store: &Store) -> Result<(Vec<Assignment>, Vec<Job>, Vec<Attempt>, Vec<Event>)> {
    let Page { items: assignments, .. } = store.assignments(AssignmentFilter::default(), None, 500).await?;
    let Page { items: jobs, .. } = store.jobs(JobFilter::default(), None, 500).await?;
    let mut attempts = Vec::new();
    for job in &jobs {
        attempts.extend(store.attempts(job.id).await?);
    }
    let mut events = Vec::new();
    loop {
        let last = events.last().map_or(0, |event: &Event| event.seq);
        let more = store.events_after(last, EventFilter::default(), 500).await?;
        if more.is_empty() {
            return Ok((assignments, jobs, attempts, events));
        }
        events.extend(more);
    }
}
