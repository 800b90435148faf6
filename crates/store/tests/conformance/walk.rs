//! A random walk over every operation: whatever happens, the rows and the events tell the same story.

use std::collections::BTreeMap;

use windlass_store::{Claimed, EventFilter, JobEdit, JobFilter, SettleRequest, Store, StoreError};
use windlass_types::{
    AssignmentId, AssignmentMove, AttemptResult, Block, Clock, Event, EventKind, Evidence, FailureKind, Ids, JobId, JobType, OnFailure,
    Verdict, VerdictJob,
};

use crate::support::*;

struct Walk {
    store: Store,
    dice: Ids,
    running: Vec<Claimed>,
    assignments: Vec<AssignmentId>,
    jobs: Vec<JobId>,
}

impl Walk {
    fn below(&self, n: usize) -> usize {
        (self.dice.bits() % n.max(1) as u64) as usize
    }

    /// An operation may be refused because of how things stand, and for no other reason.
    fn allowed<T>(outcome: Result<T, StoreError>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(StoreError::Conflict(_) | StoreError::Stale { .. } | StoreError::Invalid(_)) => None,
            Err(e) => panic!("{e}"),
        }
    }

    async fn step(&mut self) {
        let me = || "tester".to_owned();
        match self.below(12) {
            0 | 1 => {
                let mut submission = if self.below(2) == 0 { wish(vec![]) } else { reviewed(vec![]) };
                submission.jobs = (0..self.below(4)).map(|_| spec([JobType::Plan, JobType::Implement][self.below(2)])).collect();
                submission.policy.on_failure = [OnFailure::Block, OnFailure::Review][self.below(2)];
                self.assignments.push(submit(&self.store, submission).await.assignment.id);
            }
            2..=4 => {
                let lease_ms = [0, LEASE_MS][self.below(2)];
                self.running.extend(self.store.claim(node(), lease_ms).await.unwrap());
            }
            5..=7 => self.settle().await,
            8 => {
                if let Some(&id) = self.jobs.get(self.below(self.jobs.len())) {
                    Self::allowed(self.store.cancel_job(id, me()).await);
                }
            }
            9 => {
                if let Some(&id) = self.jobs.get(self.below(self.jobs.len())) {
                    Self::allowed(self.store.revive_job(id, JobEdit::default(), me()).await);
                }
            }
            10 => {
                if let Some(&id) = self.assignments.get(self.below(self.assignments.len())) {
                    let after = self.jobs.get(self.below(self.jobs.len())).copied().filter(|_| self.below(2) == 0);
                    match self.store.insert_jobs(id, after, vec![spec(JobType::Uat)], me()).await {
                        Err(StoreError::NotFound { .. }) => {}
                        outcome => drop(Self::allowed(outcome)),
                    }
                }
            }
            _ => {
                if let Some(&id) = self.assignments.get(self.below(self.assignments.len())) {
                    let moves = [AssignmentMove::Block, AssignmentMove::Activate, AssignmentMove::Complete, AssignmentMove::Cancel];
                    let block = Block { owner: me(), action: me(), reason: me(), kind: None };
                    Self::allowed(self.store.move_assignment(id, moves[self.below(4)], Some(block), me()).await);
                }
            }
        }
        let page = self.store.jobs(JobFilter::default(), None, 500).await.unwrap();
        self.jobs = page.items.iter().map(|job| job.id).collect();
    }

    /// Settles what runs in some way; keeps some tokens to try them once more when they are old.
    async fn settle(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let at = self.below(self.running.len());
        let claimed = if self.below(4) == 0 { self.running[at].clone() } else { self.running.swap_remove(at) };
        let kinds = [
            FailureKind::ApiError,
            FailureKind::RateLimited,
            FailureKind::NotLoggedIn,
            FailureKind::NoChange,
            FailureKind::WorkerLost,
            FailureKind::Cancelled,
        ];
        let result = match self.below(4) {
            0 | 1 => AttemptResult::Succeeded,
            2 => AttemptResult::HandedBack,
            _ => failed(kinds[self.below(kinds.len())]),
        };
        let evidence = vec![Evidence::File { path: "a".to_owned() }];
        let verdict = match self.below(4) {
            0 => Some(Verdict::Complete { reason: "done".to_owned(), evidence }),
            1 => Some(Verdict::Block { owner: "x".to_owned(), action: "y".to_owned(), reason: "z".to_owned(), evidence }),
            2 => {
                let job = VerdictJob { job_type: JobType::Implement, harness: None, context: "go on".to_owned() };
                Some(Verdict::Insert { jobs: vec![job; self.below(3)], reason: "more".to_owned(), evidence })
            }
            _ => None,
        };
        Self::allowed(self.store.settle(SettleRequest { verdict, ..end(&claimed, result) }).await);
    }
}

/// The statuses as the events tell them, each change fitting the one before.
fn told(events: &[Event]) -> (BTreeMap<JobId, String>, BTreeMap<AssignmentId, String>) {
    let (mut jobs, mut assignments) = (BTreeMap::new(), BTreeMap::new());
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!(event.seq, seq);
        let word = |name: &str| event.data[name].as_str().map(str::to_owned);
        match event.kind {
            EventKind::JobInserted => drop(jobs.insert(event.job_id.unwrap(), word("status").unwrap())),
            EventKind::AssignmentCreated => drop(assignments.insert(event.assignment_id.unwrap(), word("status").unwrap())),
            EventKind::JobStatus => {
                let before = jobs.insert(event.job_id.unwrap(), word("status").unwrap());
                assert!(word("from").is_none() || word("from") == before, "{event:?} after {before:?}");
            }
            EventKind::AssignmentStatus => {
                let before = assignments.insert(event.assignment_id.unwrap(), word("status").unwrap());
                assert!(word("from").is_none() || word("from") == before, "{event:?} after {before:?}");
            }
            _ => {}
        }
    }
    (jobs, assignments)
}

async fn compare(store: &Store, walk: &Walk) {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let more = store.events_after(events.last().map_or(0, |e| e.seq), EventFilter::default(), 500).await.unwrap();
        if more.is_empty() {
            break;
        }
        events.extend(more);
    }
    let (jobs_told, assignments_told) = told(&events);
    let mut jobs_seen = 0;
    for &id in &walk.assignments {
        let assignment = store.assignment(id).await.unwrap();
        assert_eq!(assignments_told[&id], assignment.status.as_str());
        assert_eq!(assignment.block.is_some(), assignment.status.as_str() == "blocked");
        let line = store.line(id).await.unwrap();
        jobs_seen += line.len();
        assert!(line.windows(2).all(|pair| pair[0].position < pair[1].position), "two jobs on one place");
        assert!(line.iter().filter(|job| job.status.as_str() == "running").count() <= 1, "two jobs of one assignment run");
        let mut runs = 0;
        for job in &line {
            assert_eq!(jobs_told[&job.id], job.status.as_str(), "{}", job.id);
            assert_eq!((job.lease.is_some(), job.ended_at.is_some()), (job.status.as_str() == "running", job.status.is_final()));
            let attempts = store.attempts(job.id).await.unwrap();
            assert_eq!(attempts.len(), job.attempts as usize);
            assert!(attempts.windows(2).all(|pair| pair[0].token < pair[1].token), "a token was given twice");
            let open: Vec<_> = attempts.iter().filter(|attempt| attempt.ended_at.is_none()).map(|attempt| attempt.token).collect();
            assert_eq!(
                open,
                job.lease.iter().map(|lease| lease.token).collect::<Vec<_>>(),
                "an attempt is open exactly while its job runs"
            );
            runs += job.attempts;
        }
        assert_eq!(assignment.spent.runs, runs);
    }
    assert_eq!(jobs_told.len(), jobs_seen);
}

on_both! {
    async fn rows_and_events_tell_the_same_story_whatever_happens(f: Fixture) {
        let (seed, steps) = if f.store.is_postgres() { (7, 120) } else { (11, 600) };
        let mut walk = Walk {
            store: f.store.clone(),
            dice: Ids::seeded(Clock::system(), seed),
            running: Vec::new(),
            assignments: Vec::new(),
            jobs: Vec::new(),
        };
        for step in 0..steps {
            walk.step().await;
            if step % 60 == 59 {
                compare(&f.store, &walk).await;
            }
        }
        compare(&f.store, &walk).await;
        // And after a crash.
        compare(&f.again().await, &walk).await;
    }
}
