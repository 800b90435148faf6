//! Nodes and duties: who lives, who holds what, and how it passes on.

use std::time::Duration;

use tokio::sync::watch;
use windlass_store::{EventFilter, Present, Store};
use windlass_types::{AttemptResult, JobType, NodeWorker, Presence, Role, Timestamp};

use crate::support::{Fixture, LEASE_MS, claim_one, end, node, on_both, spec, submit, wish};

const DUTIES: [&str; 1] = ["intake"];

fn presence(node: &str) -> Presence {
    Presence {
        node: node.to_owned(),
        host: "here".to_owned(),
        pid: 7,
        version: "1".to_owned(),
        roles: vec![Role::Worker, Role::Intake],
        workers: vec![NodeWorker { name: "default".to_owned(), slots: 3 }],
        started_at: Timestamp(1),
    }
}

async fn tell(store: &Store, node: &str, lease_ms: i64) -> Present {
    store.present(presence(node), DUTIES.to_vec(), lease_ms).await.unwrap()
}

fn generation(present: &Present) -> Option<i64> {
    present.held.first().map(|duty| duty.generation)
}

on_both! {
    async fn a_duty_is_held_by_one_node_and_passes_with_a_higher_generation(f: Fixture) {
        let first = generation(&tell(&f.store, "a", LEASE_MS).await).unwrap();
        let refused = tell(&f.store, "b", LEASE_MS).await;
        assert_eq!(generation(&refused), None);
        assert!(refused.next_end_ms.is_some_and(|ms| ms <= LEASE_MS), "it knows when to ask again");
        assert_eq!(generation(&tell(&f.store, "a", LEASE_MS).await), Some(first), "renewed, it stays the same holding");
        f.store.leave("a".to_owned()).await.unwrap();
        assert_eq!(generation(&tell(&f.store, "b", 0).await), Some(first + 1), "given back, it passes at once");
        assert_eq!(generation(&tell(&f.store, "a", LEASE_MS).await), Some(first + 2), "run out, it passes too");
    }

    async fn the_next_life_of_a_node_takes_its_duties_and_jobs_over_at_once(f: Fixture) {
        let held = generation(&tell(&f.store, "node-1", LEASE_MS).await).unwrap();
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let claimed = claim_one(&f.store).await;
        assert!(f.store.orphans("node-1".to_owned()).await.unwrap().is_empty(), "it is still alive");
        let next = f.again().await;
        assert_eq!(generation(&tell(&next, "node-1", LEASE_MS).await), Some(held + 1));
        let orphans = next.orphans("node-1".to_owned()).await.unwrap();
        assert_eq!(orphans.first().map(|(job, _)| job.id), Some(claimed.job.id));
        if f.database.is_some() {
            assert!(next.orphans("node-2".to_owned()).await.unwrap().is_empty(), "another node waits for the lease");
        }
    }

    async fn every_write_is_counted_with_its_commit_and_a_read_is_not(f: Fixture) {
        let counted = || {
            let stats = f.store.stats();
            (stats.commit_micros.counts.iter().sum::<u64>(), stats.commit_operations.sum, stats.queue)
        };
        let before = counted();
        for _ in 0..3 {
            submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        }
        f.store.nodes().await.unwrap();
        // An answered operation holds its place in the queue for a moment more.
        let after = windlass_testkit::wait::eventually(Duration::from_secs(30), || async { Some(counted()).filter(|now| now.2 == 0) });
        assert_eq!(after.await, Some((before.0 + 3, before.1 + 3, 0)));
    }

    async fn nodes_are_listed_with_what_they_do_until_they_leave(f: Fixture) {
        tell(&f.store, "node-1", LEASE_MS).await;
        tell(&f.store, "quiet", 0).await;
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let claimed = f.store.claim(node(), LEASE_MS).await.unwrap();
        assert!(claimed.is_some());
        let nodes = f.store.nodes().await.unwrap();
        let seen: Vec<_> = nodes.iter().map(|n| (n.id.as_str(), n.gone, n.running, n.duties.len())).collect();
        assert_eq!(seen, [("node-1", false, 1, 1), ("quiet", true, 0, 0)]);
        assert_eq!(nodes.first().map(|n| n.roles.clone()), Some(vec!["worker".to_owned(), "intake".to_owned()]));
        f.store.leave("node-1".to_owned()).await.unwrap();
        assert_eq!(f.store.nodes().await.unwrap().len(), 1);
    }

    async fn a_running_job_whose_lease_is_over_is_told_of(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        assert!(!tell(&f.store, "a", LEASE_MS).await.orphans);
        f.store.claim(node(), LEASE_MS).await.unwrap().unwrap();
        let waiting = tell(&f.store, "a", LEASE_MS).await;
        assert!(!waiting.orphans && waiting.next_end_ms.is_some_and(|ms| (1..=LEASE_MS).contains(&ms)));
        f.sql("UPDATE jobs SET lease_expires_at = 1 WHERE status = 'running'".to_owned()).await;
        assert!(tell(&f.store, "a", LEASE_MS).await.orphans);
    }
}

/// A store hears the others from its first look on, which it counts as a handover.
async fn listens(handovers: &mut watch::Receiver<u64>) {
    tokio::time::timeout(Duration::from_secs(20), handovers.wait_for(|count| *count > 0)).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_commits_wakes_the_readers_and_the_duties_of_another() {
    let Some(f) = Fixture::postgres().await else { return };
    let other = f.again().await;
    let (mut events, mut ready, mut handovers) = (other.subscribe(), other.subscribe_ready(), other.subscribe_handovers());
    listens(&mut handovers).await;
    for _ in 0..3 {
        events.borrow_and_update();
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        tokio::time::timeout(Duration::from_secs(20), events.changed()).await.unwrap().unwrap();
        tokio::time::timeout(Duration::from_secs(20), ready.changed()).await.unwrap().unwrap();
    }
    assert_eq!(*events.borrow(), f.store.last_seq().await.unwrap());
    tell(&f.store, "a", LEASE_MS).await;
    f.store.leave("a".to_owned()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), handovers.changed()).await.unwrap().unwrap();
    assert_eq!(other.stats().lost_wakeups, 0);
    // The connection that listened is cut: what happens meanwhile is found when there is another.
    f.database.as_ref().unwrap().break_connections().await.unwrap();
    events.borrow_and_update();
    let last = loop {
        // Whether a write that meets the broken connection happened is not known.
        if let Ok(done) = f.store.submit(vec![wish(vec![spec(JobType::Implement)])]).await {
            break done;
        }
    };
    assert_eq!(last.len(), 1);
    let seq = f.store.last_seq().await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), events.wait_for(|seen| *seen >= seq)).await.unwrap().unwrap();
    f.store.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_on_another_node_see_every_event_once_and_in_order_whoever_writes() {
    const SUBMISSIONS: usize = 60;
    let Some(f) = Fixture::postgres().await else { return };
    let writers = [f.again().await, f.again().await, f.again().await];
    let reader = f.again().await;
    let reading = tokio::spawn(async move {
        let (mut wake, mut last, mut seen) = (reader.subscribe(), 0, Vec::new());
        while seen.len() < 2 * SUBMISSIONS * 3 {
            wake.borrow_and_update();
            // As a stream does: from the last number on, and whatever is there then is all there will ever be before it.
            let events = reader.events_after(last, EventFilter::default(), 50).await.unwrap();
            last = events.last().map_or(last, |event| event.seq);
            let more = events.len() == 50;
            seen.extend(events.into_iter().map(|event| event.seq));
            if !more && seen.len() < 2 * SUBMISSIONS * 3 {
                let _ = tokio::time::timeout(Duration::from_secs(20), wake.changed()).await.expect("an event is announced");
            }
        }
        (seen, reader.stats().lost_wakeups)
    });
    let write = |store: Store| async move {
        for _ in 0..SUBMISSIONS {
            submit(&store, wish(vec![spec(JobType::Implement)])).await;
        }
    };
    let [a, b, c] = writers.clone();
    futures_util::future::join3(write(a), write(b), write(c)).await;
    let (seen, _) = reading.await.unwrap();
    assert_eq!(seen, (1..=i64::try_from(seen.len()).unwrap()).collect::<Vec<_>>());
}

on_both! {
    async fn a_claim_whose_answer_was_lost_is_found_and_handed_back_unharmed(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let unheard = claim_one(&f.store).await;
        let claimed = f.store.claimed_by("node-1".to_owned()).await.unwrap();
        assert_eq!(claimed.iter().map(|(job, attempt)| (job.id, attempt.id)).collect::<Vec<_>>(), [(unheard.job.id, unheard.attempt.id)]);
        assert!(f.store.claimed_by("node-2".to_owned()).await.unwrap().is_empty());
        assert!(f.again().await.claimed_by("node-1".to_owned()).await.unwrap().is_empty(), "another life's are its own affair");
        f.store.settle(end(&unheard, AttemptResult::HandedBack)).await.unwrap();
        let again = claim_one(&f.store).await;
        assert_eq!((again.job.id, again.job.failures, again.job.rescues), (unheard.job.id, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_nobody_announced_is_found_by_the_look_behind_and_counted() {
    let Some(f) = Fixture::postgres().await else { return };
    submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
    let mut events = f.store.subscribe();
    listens(&mut f.store.subscribe_handovers()).await;
    let last = f.store.last_seq().await.unwrap();
    f.sql(format!("INSERT INTO events (seq, at, kind, data) VALUES ({}, 1, 'engine.resumed', '{{}}')", last + 1)).await;
    tokio::time::timeout(Duration::from_secs(30), events.wait_for(|seen| *seen > last)).await.unwrap().unwrap();
    let counted =
        windlass_testkit::wait::eventually(Duration::from_secs(30), || async { (f.store.stats().lost_wakeups == 1).then_some(()) });
    assert!(counted.await.is_some(), "{:?}", f.store.stats());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_schema_steps_back_from_a_deadlock_with_an_older_nodes_work() {
    let Some(f) = Fixture::postgres().await else { return };
    // As an earlier version left it: what later changes made is taken away.
    f.sql(
        "UPDATE schema_meta SET version = 6; DROP TABLE findings, callbacks, operations, file_locks, branches, branch_registry, pull_request_watches, credentials, users, audit, activities, session_tools, sessions, notifications; ALTER TABLE assignments DROP COLUMN pull_request, DROP COLUMN blocked_at, DROP COLUMN status_reason; ALTER TABLE breakers DROP COLUMN opened_at; ALTER TABLE events DROP COLUMN earlier, DROP COLUMN earlier_count; \
         ALTER TABLE attempts DROP COLUMN stages; DROP INDEX jobs_one_running, jobs_over, tasks_told; \
         CREATE INDEX jobs_running ON jobs (id); CREATE INDEX jobs_one_running ON jobs (id); CREATE INDEX jobs_status ON jobs (id)"
            .to_owned(),
    )
    .await;
    let url = f.url.clone();
    let (began, begun) = tokio::sync::oneshot::channel();
    let older = tokio::task::spawn_blocking(move || {
        let connect = || postgres::Client::connect(&url, postgres::NoTls).unwrap();
        let (mut older, mut witness) = (connect(), connect());
        older.batch_execute("BEGIN; LOCK TABLE attempts IN ROW EXCLUSIVE MODE").unwrap();
        began.send(()).unwrap();
        let waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'attempts'::regclass";
        while witness.query(waits, &[]).unwrap().is_empty() {}
        // The change has locked the events already.
        older.batch_execute("SELECT COUNT(*) FROM events; COMMIT")
    });
    begun.await.unwrap();
    let store = f.again().await;
    assert_eq!(older.await.unwrap().map_err(|e| e.to_string()), Ok(()), "the older node's work goes on");
    submit(&store, wish(vec![spec(JobType::Implement)])).await;
}
