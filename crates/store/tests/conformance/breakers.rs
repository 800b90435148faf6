//! Circuit breakers: jobs are held while a backend is away, one probe tries it, and no claim, restart or second node lets more through.

use std::collections::BTreeMap;

use windlass_store::{Claimed, NodeFacts, SettleRequest, Store};
use windlass_types::{
    AttemptResult, Backend, BreakerPolicy, BreakerStatus, EventKind, FailureKind, Harness, HoldKind, JobId, JobSpec, JobStatus, JobType,
};

use crate::support::*;

const POLICY: BreakerPolicy = BreakerPolicy { threshold: 3, open_ms: 60_000 };

fn backend() -> Backend {
    Backend::of(Harness::Simulated)
}

/// So many assignments of one job each, which is not tried again before its time.
async fn jobs(store: &Store, count: usize) -> Vec<JobId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(submit(store, wish(vec![spec(JobType::Plan)])).await.jobs[0].id);
    }
    ids
}

async fn settle(store: &Store, claimed: &Claimed, result: AttemptResult) {
    store.settle(SettleRequest { breaker: POLICY, ..end(claimed, result) }).await.unwrap();
}

async fn fault(store: &Store, claimed: &Claimed) {
    let request = SettleRequest { breaker: POLICY, jitter: 1.0, ..end(claimed, failed(FailureKind::ApiError)) };
    // Out of the way for long, so that the next job is the one that is claimed.
    store
        .settle(SettleRequest { retry: windlass_types::RetryPolicy { initial_delay_ms: 3_000_000, ..request.retry }, ..request })
        .await
        .unwrap();
}

/// Three faults in a row: the breaker is open.
async fn open(store: &Store) {
    for _ in 0..3 {
        let claimed = claim_one(store).await;
        fault(store, &claimed).await;
    }
    assert_eq!(status(store).await, BreakerStatus::Open);
}

async fn status(store: &Store) -> BreakerStatus {
    let (breakers, now) = store.breakers().await.unwrap();
    breakers.iter().find(|b| b.backend == backend()).map_or(BreakerStatus::Closed, |b| b.status(now))
}

/// Lets the time of an open breaker pass.
async fn pass(f: &Fixture) {
    match &f.database {
        None => f.clock.advance_ms(60_000),
        Some(_) => f.sql("UPDATE breakers SET open_until = open_until - 60000".to_owned()).await,
    }
}

async fn told(store: &Store) -> Vec<String> {
    let kinds = windlass_store::EventFilter { kinds: vec![EventKind::BreakerChanged], ..windlass_store::EventFilter::default() };
    let events = store.events_after(0, kinds, 500).await.unwrap();
    events.into_iter().map(|e| e.data["status"].as_str().unwrap().to_owned()).collect()
}

on_both! {
    async fn faults_in_a_row_open_it_and_a_waiting_job_is_held_untouched(f: Fixture) {
        let store = &f.store;
        let ids = jobs(store, 4).await;
        open(store).await;
        assert!(claim(store).await.is_none());
        let hold = store.explain(ids[3], node()).await.unwrap().unwrap();
        assert_eq!(hold.kind, HoldKind::BreakerOpen);
        assert!(hold.reason.contains("simulated is open after 3 failures in a row"), "{}", hold.reason);
        assert!(hold.until.is_some() && hold.hint.unwrap().contains("windlass breakers close simulated"));
        let held = store.job(ids[3]).await.unwrap();
        assert_eq!((held.status, held.attempts, held.failures), (JobStatus::Queued, 0, 0));
        assert_eq!(store.assignment(held.assignment_id).await.unwrap().spent.runs, 0);
        let due = store.next_due().await.unwrap().map(|due| due.at);
        assert_eq!(due, hold.until, "the dispatcher looks again when its time is over");
    }

    async fn a_good_end_begins_the_count_anew(f: Fixture) {
        let store = &f.store;
        jobs(store, 6).await;
        for bad in [true, true, false, true, true] {
            let claimed = claim_one(store).await;
            if bad { fault(store, &claimed).await } else { settle(store, &claimed, failed(FailureKind::VerifyFailed)).await }
        }
        assert_eq!(status(store).await, BreakerStatus::Closed);
        assert!(claim(store).await.is_some());
    }

    async fn half_open_lets_one_job_through_and_its_success_lets_all(f: Fixture) {
        let store = &f.store;
        let ids = jobs(store, 8).await;
        open(store).await;
        pass(&f).await;
        let probe = claim_one(store).await;
        assert!(claim(store).await.is_none(), "one probe only");
        let hold = store.explain(ids[7], node()).await.unwrap().unwrap();
        assert!(hold.kind == HoldKind::BreakerOpen && hold.reason.contains(&probe.job.id.to_string()), "{hold:?}");
        settle(store, &probe, AttemptResult::Succeeded).await;
        assert_eq!(status(store).await, BreakerStatus::Closed);
        assert!(claim(store).await.is_some() && claim(store).await.is_some());
        assert_eq!(told(store).await, ["open", "half_open", "closed"]);
    }

    async fn a_probe_that_fails_opens_it_again_for_longer(f: Fixture) {
        let store = &f.store;
        jobs(store, 6).await;
        open(store).await;
        pass(&f).await;
        let probe = claim_one(store).await;
        fault(store, &probe).await;
        assert_eq!(status(store).await, BreakerStatus::Open);
        pass(&f).await;
        assert_eq!(status(store).await, BreakerStatus::Open, "twice as long");
        assert!(claim(store).await.is_none());
        pass(&f).await;
        assert_eq!(status(store).await, BreakerStatus::HalfOpen);
        assert!(claim(store).await.is_some());
    }

    async fn a_probe_that_is_lost_handed_back_or_cancelled_frees_its_place(f: Fixture) {
        let store = &f.store;
        jobs(store, 8).await;
        open(store).await;
        pass(&f).await;
        for result in [failed(FailureKind::WorkerLost), AttemptResult::HandedBack, failed(FailureKind::Cancelled), failed(FailureKind::Timeout)] {
            let probe = claim_one(store).await;
            assert!(claim(store).await.is_none());
            settle(store, &probe, result).await;
            assert_eq!(status(store).await, BreakerStatus::HalfOpen);
        }
        assert!(claim(store).await.is_some());
    }

    async fn what_ran_when_it_opened_says_nothing_to_it_any_more(f: Fixture) {
        let store = &f.store;
        jobs(store, 8).await;
        let (early, earlier) = (claim_one(store).await, claim_one(store).await);
        open(store).await;
        settle(store, &early, AttemptResult::Succeeded).await;
        assert_eq!(status(store).await, BreakerStatus::Open);
        pass(&f).await;
        let probe = claim_one(store).await;
        fault(store, &earlier).await;
        assert_eq!(status(store).await, BreakerStatus::HalfOpen);
        settle(store, &probe, AttemptResult::Succeeded).await;
        assert_eq!(status(store).await, BreakerStatus::Closed);
    }

    async fn a_person_closes_it_at_once(f: Fixture) {
        let store = &f.store;
        jobs(store, 4).await;
        open(store).await;
        let closed = store.close_breaker(backend(), "ann".to_owned()).await.unwrap();
        assert_eq!((closed.failures, closed.open_until), (0, None));
        assert!(claim(store).await.is_some());
        assert_eq!(told(store).await, ["open", "closed"]);
        store.close_breaker(backend(), "ann".to_owned()).await.unwrap();
        assert_eq!(told(store).await.len(), 2, "once more changes nothing");
    }

    async fn other_agents_and_other_accounts_are_not_held(f: Fixture) {
        let store = &f.store;
        jobs(store, 4).await;
        open(store).await;
        let other_account = NodeFacts { accounts: BTreeMap::from([(Harness::Simulated, "team-b".to_owned())]), ..node() };
        assert!(store.claim(other_account, LEASE_MS).await.unwrap().is_some());
        let codex = JobSpec { harness: Some(Harness::Codex), ..spec(JobType::Plan) };
        let made = submit(store, wish(vec![codex])).await;
        assert_eq!(claim_one(store).await.job.id, made.jobs[0].id);
    }

    async fn an_open_breaker_outlives_the_process(f: Fixture) {
        jobs(&f.store, 4).await;
        open(&f.store).await;
        f.store.close().await;
        let again = f.again().await;
        assert_eq!(status(&again).await, BreakerStatus::Open);
        assert!(claim(&again).await.is_none());
    }

    async fn two_nodes_at_once_get_one_probe_between_them(f: Fixture) {
        if !f.store.is_postgres() {
            return;
        }
        let (here, there) = (&f.store, f.again().await);
        jobs(here, 40).await;
        open(here).await;
        for _ in 0..10 {
            pass(&f).await;
            let claims = (0..8).map(|n| { let store = if n % 2 == 0 { here.clone() } else { there.clone() }; tokio::spawn(async move { claim(&store).await }) });
            let claims: Vec<_> = futures_util::future::join_all(claims).await.into_iter().filter_map(|claimed| claimed.unwrap()).collect();
            assert_eq!(claims.len(), 1);
            settle(here, &claims[0], AttemptResult::HandedBack).await;
        }
    }
}
