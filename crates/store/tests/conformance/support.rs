//! What every test of the suite stands on: a fresh store on either database, and short ways to fill it.

use std::collections::BTreeMap;

use tempfile::TempDir;
use windlass_store::{Claimed, NodeFacts, OpenOptions, SettleRequest, StageEnd, StageNote, Store, Submission, Submitted, WorkerSlots};
use windlass_types::{
    AttemptResult, Backend, BreakerPolicy, Budget, Clock, Failure, FailureKind, Harness, Ids, JobSpec, JobType, Policy, RetryPolicy,
    SCRATCH, Slots, Stage, StageStatus, Timestamp,
};

use crate::database::TestDatabase;

/// A store and what keeps it.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) url: String,
    /// Moves the time of SQLite only: PostgreSQL has its own.
    pub(crate) clock: Clock,
    ids: Ids,
    _dir: Option<TempDir>,
    pub(crate) database: Option<TestDatabase>,
}

pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000);

impl Fixture {
    pub(crate) async fn sqlite() -> Option<Self> {
        let dir = TempDir::new().expect("a temporary folder");
        let url = dir.path().join("windlass.db").display().to_string();
        Some(Self::open(url, Some(dir), None).await)
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let database = crate::database::fresh().await?;
        Some(Self::open(database.url().to_owned(), None, Some(database)).await)
    }

    async fn open(url: String, dir: Option<TempDir>, database: Option<TestDatabase>) -> Self {
        let clock = Clock::manual(START);
        let ids = Ids::random(clock.clone());
        let store = open(&url, &clock, &ids).await;
        Self { store, url, clock, ids, _dir: dir, database }
    }

    /// Lets `ms` pass for every job that waits: SQLite's time is the clock's, PostgreSQL's cannot be moved and so the rows are.
    pub(crate) async fn age_jobs(&self, ms: i64) {
        match &self.database {
            None => self.clock.advance_ms(ms),
            Some(_) => {
                self.sql(format!("UPDATE jobs SET rank = rank - {ms}, due_at = due_at - {ms}, created_at = created_at - {ms}")).await;
            }
        }
    }

    /// Runs statements behind the store's back.
    pub(crate) async fn sql(&self, statements: String) {
        let url = self.url.clone();
        let postgres = self.database.is_some();
        let ran = tokio::task::spawn_blocking(move || {
            if postgres {
                let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
                client.batch_execute(&statements).unwrap();
            } else {
                rusqlite::Connection::open(&url).unwrap().execute_batch(&statements).unwrap();
            }
        });
        ran.await.unwrap();
    }

    /// Another process on the same database.
    pub(crate) async fn again(&self) -> Store {
        open(&self.url, &self.clock, &self.ids).await
    }
}

async fn open(url: &str, clock: &Clock, ids: &Ids) -> Store {
    Store::open(OpenOptions { url: url.to_owned(), clock: clock.clone(), ids: ids.clone() }).await.expect("the store opens")
}

/// Runs each test on both databases.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($fixture:ident: Fixture) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn check($fixture: Fixture) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$meta])*
            async fn sqlite() {
                if let Some(fixture) = Fixture::sqlite().await {
                    check(fixture).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$meta])*
            async fn postgres() {
                if let Some(fixture) = Fixture::postgres().await {
                    check(fixture).await;
                }
            }
        }
    )*};
}
pub(crate) use on_both;

/// A job of that type, by the simulated agent.
pub(crate) fn spec(job_type: JobType) -> JobSpec {
    JobSpec { job_type, context: "do it".to_owned(), ..JobSpec::default() }
}

/// A submission to `scratch` without review.
pub(crate) fn wish(jobs: Vec<JobSpec>) -> Submission {
    Submission {
        key: None,
        project: SCRATCH.to_owned(),
        north_star: "make it work".to_owned(),
        source: "test".to_owned(),
        policy: Policy { review: false, ..Policy::default() },
        budget: Budget::default(),
        node_budget: Budget::default(),
        priority: 0,
        base_branch: None,
        jobs,
        by: "tester".to_owned(),
    }
}

/// The same with review.
pub(crate) fn reviewed(jobs: Vec<JobSpec>) -> Submission {
    Submission { policy: Policy::default(), ..wish(jobs) }
}

pub(crate) async fn submit(store: &Store, submission: Submission) -> Submitted {
    store.submit(vec![submission]).await.expect("submitted").pop().expect("one submission, one answer")
}

/// A node with one worker, `default`, of many slots.
pub(crate) fn node() -> NodeFacts {
    NodeFacts {
        node: "node-1".to_owned(),
        workers: vec![worker("default", 0, 100_000)],
        harness_defaults: BTreeMap::from([("default".to_owned(), Harness::Simulated)]),
        accounts: BTreeMap::new(),
        storage: None,
        only_assignment: None,
    }
}

pub(crate) fn worker(name: &str, running: u32, limit: u32) -> WorkerSlots {
    WorkerSlots { name: name.to_owned(), slots: Slots { running, limit }, harness: None }
}

pub(crate) const LEASE_MS: i64 = 30_000;

pub(crate) async fn claim(store: &Store) -> Option<Claimed> {
    store.claim(node(), LEASE_MS).await.expect("a claim is answered")
}

pub(crate) async fn claim_one(store: &Store) -> Claimed {
    claim(store).await.expect("a job is free")
}

/// A stage that begins now.
pub(crate) fn began(number: i64, stage: Stage) -> StageNote {
    StageNote { number, stage, iteration: 1, began_ms_ago: Some(0), ended: None }
}

/// A stage that passed now and whose beginning was noted before.
pub(crate) fn passed(number: i64, stage: Stage, detail: serde_json::Value) -> StageNote {
    let ended = Some(StageEnd { status: StageStatus::Passed, ms_ago: 0, detail });
    StageNote { number, stage, iteration: 1, began_ms_ago: None, ended }
}

pub(crate) fn end(claimed: &Claimed, result: AttemptResult) -> SettleRequest {
    SettleRequest {
        job_id: claimed.job.id,
        token: claimed.token,
        attempt_id: claimed.attempt.id,
        result,
        output: None,
        commit: None,
        usage: None,
        wall_ms: 5,
        agent_started: true,
        verdict: None,
        retry: RetryPolicy::default(),
        jitter: 0.0,
        backend: Backend::of(claimed.harness),
        breaker: BreakerPolicy::default(),
        park_harness: None,
        stages: Vec::new(),
        news: Some(windlass_store::AgentNews::default()),
    }
}

pub(crate) fn failed(kind: FailureKind) -> AttemptResult {
    AttemptResult::Failed(Failure::new(kind, format!("it failed: {}", kind.as_str())))
}
