//! Leases of the jobs this node runs: one batched heartbeat, and the order to stop before a right ends.
//!
//! **Invariant:** an attempt whose lease could not be renewed is told to stop while the lease still lasts, so that
//! its agent is dead before anybody else may claim the job. The launcher enforces the same deadline by itself,
//! should this whole process be stopped.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use windlass_store::{BeatState, Store};
use windlass_telemetry::Metrics;
use windlass_types::{AssignmentId, JobId, Token};

/// How many settlements of a worker may be on their way without taking a slot.
const SETTLING_MAX: u32 = 16;

/// What an attempt is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Go on.
    Run,
    /// Somebody cancelled the job.
    Cancel,
    /// The lease is lost, or about to be: nothing may be written any more.
    Lost,
    /// The node stops: hand the job back.
    HandBack,
}

/// A running attempt's place in the table.
pub(crate) struct Running {
    pub(crate) worker: String,
    pub(crate) assignment: AssignmentId,
    pub(crate) token: Token,
    pub(crate) control: watch::Sender<Control>,
    /// When the lease surely still lasts, by this machine's monotonic clock.
    pub(crate) deadline: watch::Sender<Instant>,
    /// Its agent is gone and its settlement is on its way to the store.
    pub(crate) settling: bool,
}

/// The attempts this node runs.
#[derive(Clone)]
pub(crate) struct Leases {
    table: Arc<Mutex<BTreeMap<JobId, Running>>>,
    changed: Arc<Notify>,
    lease: Duration,
}

impl Leases {
    pub(crate) fn new(lease_ms: i64) -> Self {
        Self { table: Arc::default(), changed: Arc::default(), lease: Duration::from_millis(lease_ms.unsigned_abs()) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, Running>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters an attempt whose claim was asked for at `asked`.
    pub(crate) fn enter(
        &self,
        job: JobId,
        assignment: AssignmentId,
        worker: &str,
        token: Token,
        asked: Instant,
    ) -> (watch::Receiver<Control>, watch::Receiver<Instant>) {
        let (control, control_seen) = watch::channel(Control::Run);
        let (deadline, deadline_seen) = watch::channel(asked + self.lease);
        self.lock().insert(job, Running { worker: worker.to_owned(), assignment, token, control, deadline, settling: false });
        self.changed.notify_one();
        (control_seen, deadline_seen)
    }

    /// Takes an attempt out once it is settled.
    pub(crate) fn leave(&self, job: JobId, token: Token) {
        let mut table = self.lock();
        if table.get(&job).is_some_and(|r| r.token == token) {
            table.remove(&job);
        }
    }

    /// Tells one job's attempt something, if it runs here.
    pub(crate) fn tell(&self, job: JobId, control: Control) {
        if let Some(running) = self.lock().get(&job) {
            running.control.send_if_modified(|c| {
                *c == Control::Run && {
                    *c = control;
                    true
                }
            });
        }
    }

    /// Tells every attempt of an assignment something.
    pub(crate) fn tell_assignment(&self, assignment: AssignmentId, control: Control) {
        for running in self.lock().values().filter(|r| r.assignment == assignment) {
            running.control.send_if_modified(|c| {
                *c == Control::Run && {
                    *c = control;
                    true
                }
            });
        }
    }

    /// Tells every attempt something.
    pub(crate) fn tell_all(&self, control: Control) {
        for running in self.lock().values() {
            running.control.send_if_modified(|c| {
                *c == Control::Run && {
                    *c = control;
                    true
                }
            });
        }
    }

    /// Whether a job runs here under this token.
    pub(crate) fn holds(&self, job: JobId, token: Token) -> bool {
        self.lock().get(&job).is_some_and(|running| running.token == token)
    }

    /// The attempt needs its slot no longer: all that is left is the store's answer to its settlement.
    pub(crate) fn settling(&self, job: JobId, token: Token) {
        if let Some(running) = self.lock().get_mut(&job).filter(|r| r.token == token) {
            running.settling = true;
        }
    }

    /// How many slots are taken, by worker. Settlements on their way take none, up to a bound: a slow store must not pile them up.
    pub(crate) fn by_worker(&self) -> HashMap<String, u32> {
        let mut counts: HashMap<String, (u32, u32)> = HashMap::new();
        for running in self.lock().values() {
            let (taken, settling) = counts.entry(running.worker.clone()).or_default();
            *if running.settling { settling } else { taken } += 1;
        }
        counts.into_iter().map(|(worker, (taken, settling))| (worker, taken + settling.saturating_sub(SETTLING_MAX))).collect()
    }

    /// How many run.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// A heartbeat that was not taken. Where this process is the only one on the database nobody else can be given its jobs: they go on,
    /// and their results are offered until the store takes them. Among several nodes the deadline stands.
    fn unanswered(&self, store: &Store, asked: Instant) {
        if !store.is_postgres() {
            for running in self.lock().values() {
                running.deadline.send_replace(asked + self.lease);
            }
        }
    }

    /// When the first of those who go on has to be told to stop, should no renewal come: time is left to kill its agent.
    fn first_stop(&self) -> Option<Instant> {
        let margin = self.margin();
        let table = self.lock();
        let going_on = table.values().filter(|running| *running.control.borrow() != Control::Lost);
        going_on.map(|running| *running.deadline.borrow()).min().map(|deadline| deadline.checked_sub(margin).unwrap_or(deadline))
    }

    fn margin(&self) -> Duration {
        self.lease / 6
    }

    /// Renews all leases in one write, three times a lease; no timer runs while no job does.
    pub(crate) async fn beat(&self, store: &Store, metrics: &Metrics) {
        let every = self.lease / 3;
        let mut pause = every;
        loop {
            if self.len() == 0 {
                self.changed.notified().await;
                pause = every;
                continue;
            }
            let next = Instant::now() + pause;
            tokio::time::sleep_until(self.first_stop().map_or(next, |stop| next.min(stop))).await;
            let held: Vec<(JobId, Token)> = self.lock().iter().map(|(id, r)| (*id, r.token)).collect();
            if held.is_empty() {
                continue;
            }
            let asked = Instant::now();
            let lease_ms = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
            // A store that does not answer must not hold up the order to stop.
            let limit = asked + every / 2;
            let limit = self.first_stop().map_or(limit, |stop| limit.min(stop));
            let answer = tokio::time::timeout_at(limit, store.heartbeat(held, lease_ms)).await;
            metrics.heartbeat(matches!(answer, Ok(Ok(_))), asked.elapsed());
            match answer {
                Ok(Ok(beats)) => {
                    pause = every;
                    let table = self.lock();
                    for beat in beats {
                        let Some(running) = table.get(&beat.job_id) else { continue };
                        match beat.state {
                            BeatState::Renewed { .. } => {
                                running.deadline.send_replace(asked + self.lease);
                            }
                            BeatState::CancelRequested { .. } => {
                                running.deadline.send_replace(asked + self.lease);
                                running.control.send_if_modified(|c| {
                                    *c == Control::Run && {
                                        *c = Control::Cancel;
                                        true
                                    }
                                });
                            }
                            BeatState::Lost => {
                                running.control.send_replace(Control::Lost);
                            }
                        }
                    }
                }
                Ok(Err(e)) => {
                    self.unanswered(store, asked);
                    pause = every / 5;
                    tracing::warn!(error = %e, "could not renew the leases of running jobs; trying again");
                }
                Err(_) => {
                    self.unanswered(store, asked);
                    pause = every / 5;
                    tracing::warn!("the store did not answer a heartbeat in time; trying again");
                }
            }
            if !store.is_postgres() {
                // Nobody else may claim a job of this process, so no right to one ends by time: one that stood still since before this
                // heartbeat was asked for is renewed by the next. Given up here it would stay claimed until the next start.
                continue;
            }
            let stop_before = Instant::now() + self.margin();
            for running in self.lock().values() {
                if *running.deadline.borrow() <= stop_before {
                    running.control.send_replace(Control::Lost);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use windlass_types::{Clock, Ids, Timestamp};

    use super::*;

    #[tokio::test]
    async fn settlements_on_their_way_take_no_slot_up_to_a_bound() {
        let ids = Ids::seeded(Clock::manual(Timestamp(1)), 1);
        let leases = Leases::new(30_000);
        let token = Token { generation: 1, epoch: 1 };
        let jobs: Vec<JobId> = (0..SETTLING_MAX + 3).map(|_| ids.job()).collect();
        for job in &jobs {
            let _ = leases.enter(*job, ids.assignment(), "default", token, Instant::now());
        }
        assert_eq!(leases.by_worker()["default"], SETTLING_MAX + 3);
        leases.settling(jobs[0], Token { generation: 1, epoch: 0 });
        assert_eq!(leases.by_worker()["default"], SETTLING_MAX + 3, "an old token frees nothing");
        for job in &jobs[1..] {
            leases.settling(*job, token);
        }
        assert_eq!(leases.by_worker()["default"], 1 + 2, "one runs, and two settlements are too many");
        assert_eq!(leases.len(), jobs.len(), "their leases are kept until they are settled");
    }
}
