//! File locks: held while a job of their assignment runs, and by nothing else.

use windlass_store::{Claimed, LockFilter, NodeFacts, StoreError, Submission, Submitted};
use windlass_types::{
    AssignmentMove, AttemptResult, EventKind, FailureKind, HoldKind, JobType, LockStatus, Policy, ProjectSettings, SCRATCH,
};

use crate::support::*;

fn locking(locks: &[&str]) -> Submission {
    let locks = locks.iter().map(|&pattern| pattern.to_owned()).collect();
    let base = wish(vec![spec(JobType::Implement)]);
    Submission { policy: Policy { locks, ..base.policy.clone() }, ..base }
}

async fn hold_of(f: &Fixture, made: &Submitted) -> Option<windlass_types::Hold> {
    f.store.explain(made.jobs[0].id, node()).await.unwrap()
}

async fn statuses(f: &Fixture) -> Vec<(String, LockStatus)> {
    let mut all: Vec<_> =
        f.store.locks(LockFilter::default(), None, 500).await.unwrap().items.into_iter().map(|l| (l.pattern, l.status)).collect();
    all.sort();
    all
}

async fn settle(f: &Fixture, claimed: &Claimed, result: AttemptResult) {
    f.store.settle(end(claimed, result)).await.unwrap();
}

on_both! {
    async fn overlapping_assignments_take_turns_and_others_go_on_beside_them(f: Fixture) {
        let first = submit(&f.store, locking(&["src/", "Cargo.toml"])).await;
        f.age_jobs(10).await;
        let second = submit(&f.store, locking(&["docs/", "src/*.rs"])).await;
        f.age_jobs(10).await;
        let third = submit(&f.store, locking(&["docs/guide.md"])).await;
        f.age_jobs(10).await;
        let free = submit(&f.store, wish(vec![spec(JobType::Implement)])).await;

        let holder = claim_one(&f.store).await;
        assert_eq!(holder.job.id, first.jobs[0].id);
        assert!(holder.locks);
        let hold = hold_of(&f, &second).await.expect("it waits");
        assert_eq!(hold.kind, HoldKind::FileLocked);
        for part in [first.assignment.id.to_string().as_str(), "src/", "src/*.rs", &holder.attempt.started_at.to_string()] {
            assert!(hold.reason.contains(part), "{}: {part}", hold.reason);
        }
        // What does not overlap runs, and what locks nothing waits for nobody.
        let others = [claim_one(&f.store).await, claim_one(&f.store).await];
        assert_eq!(others.each_ref().map(|c| c.job.id), [third.jobs[0].id, free.jobs[0].id]);
        assert!(claim(&f.store).await.is_none());

        settle(&f, &holder, AttemptResult::Succeeded).await;
        let hold = hold_of(&f, &second).await.expect("all of its files or none");
        assert!(hold.reason.contains(&third.assignment.id.to_string()) && hold.reason.contains("docs/guide.md"), "{}", hold.reason);
        settle(&f, &others[0], AttemptResult::Succeeded).await;
        assert_eq!(claim_one(&f.store).await.job.id, second.jobs[0].id);
    }

    async fn a_claim_of_many_takes_no_two_that_overlap(f: Fixture) {
        for n in 0..20 {
            f.age_jobs(5).await;
            let own = format!("own/{n}");
            submit(&f.store, locking(&[&own, if n % 2 == 0 { "even/" } else { "odd/**/x" }])).await;
        }
        let mut ended = 0;
        loop {
            let claims = f.store.claim_many(node(), LEASE_MS, 20).await.unwrap().jobs;
            if claims.is_empty() {
                break;
            }
            assert_eq!(claims.len(), 2, "one even and one odd");
            for claimed in claims {
                settle(&f, &claimed, AttemptResult::Succeeded).await;
                ended += 1;
            }
        }
        assert_eq!(ended, 20);
    }

    async fn every_way_in_which_a_job_ends_lets_its_files_go(f: Fixture) {
        let ways = [
            AttemptResult::Succeeded,
            AttemptResult::HandedBack,
            failed(FailureKind::AgentFailed),
            failed(FailureKind::ApiError),
            failed(FailureKind::WorkerLost),
            failed(FailureKind::Cancelled),
            failed(FailureKind::RateLimited),
        ];
        for (n, way) in ways.into_iter().enumerate() {
            let file = format!("file-{n}");
            let first = submit(&f.store, locking(&[&file])).await;
            let holder = claim_one(&f.store).await;
            f.age_jobs(10).await;
            let second = submit(&f.store, locking(&[&file])).await;
            assert_eq!(hold_of(&f, &second).await.map(|hold| hold.kind), Some(HoldKind::FileLocked));
            settle(&f, &holder, way.clone()).await;
            assert_eq!(hold_of(&f, &second).await, None, "after {way:?}");
            // All are taken off the queue for the next way.
            for made in [&second, &first] {
                let cancelled = f.store.move_assignment(made.assignment.id, AssignmentMove::Cancel, None, "tester".to_owned()).await;
                assert!(cancelled.is_ok() || way == AttemptResult::Succeeded, "{cancelled:?}");
            }
        }
        assert_eq!(statuses(&f).await, [], "what is over has no locks");
    }

    async fn a_job_that_changes_nothing_takes_no_files_and_waits_for_none(f: Fixture) {
        let base = locking(&["src/"]);
        submit(&f.store, Submission { jobs: vec![spec(JobType::Review)], ..base.clone() }).await;
        f.age_jobs(10).await;
        submit(&f.store, base.clone()).await;
        f.age_jobs(10).await;
        submit(&f.store, Submission { jobs: vec![spec(JobType::Plan)], ..base }).await;
        assert_eq!(f.store.claim_many(node(), LEASE_MS, 20).await.unwrap().jobs.len(), 3);
    }

    async fn the_files_of_two_projects_are_not_the_same(f: Fixture) {
        f.store.put_project("other".to_owned(), None, None, ProjectSettings::default()).await.unwrap();
        submit(&f.store, locking(&["src/"])).await;
        submit(&f.store, Submission { project: "other".to_owned(), ..locking(&["src/"]) }).await;
        assert_eq!(f.store.claim_many(node(), LEASE_MS, 20).await.unwrap().jobs.len(), 2);
    }

    async fn a_pattern_that_cannot_be_locked_refuses_the_submission_by_name(f: Fixture) {
        for pattern in ["/etc/passwd", "../up", ""] {
            let refused = f.store.submit(vec![locking(&["fine", pattern])]).await;
            assert!(matches!(&refused, Err(StoreError::Invalid(why)) if why.contains(&format!("{pattern:?}"))), "{refused:?}");
        }
        assert_eq!(statuses(&f).await, []);
    }

    async fn what_an_agent_touched_beside_its_locks_is_noticed_with_its_holder_and_locked_too(f: Fixture) {
        submit(&f.store, locking(&["src/"])).await;
        let one = claim_one(&f.store).await;
        submit(&f.store, locking(&["docs/"])).await;
        let other = claim_one(&f.store).await;
        let touch = async |of: &Claimed, files: &[&str]| {
            f.store.touch_files(of.job.id, of.token, of.attempt.id, files.iter().map(|&f| f.to_owned()).collect()).await
        };
        touch(&one, &["src/app.rs", "src/a/b.rs"]).await.unwrap();
        let notices = windlass_store::EventFilter { kinds: vec![EventKind::AttemptNotice], ..Default::default() };
        assert_eq!(f.store.events_after(0, notices.clone(), 10).await.unwrap().len(), 0, "all of it is its own");

        touch(&one, &["src/app.rs", "docs/guide.md", "a*b"]).await.unwrap();
        touch(&one, &["docs/guide.md"]).await.unwrap();
        let told = f.store.events_after(0, notices.clone(), 10).await.unwrap();
        assert_eq!(told.len(), 1, "once: {told:#?}");
        let data = &told[0].data;
        assert_eq!(data["what"], "touched_unlocked");
        assert_eq!(data["files"], serde_json::json!(["docs/guide.md", "a*b"]));
        assert_eq!(data["held"][0]["holder"], other.assignment.id.to_string());
        let of_one = LockFilter { assignment: Some(one.assignment.id), ..LockFilter::default() };
        let locks = f.store.locks(of_one, None, 10).await.unwrap().items;
        assert_eq!(locks.iter().map(|l| (l.pattern.as_str(), l.touched)).collect::<Vec<_>>(), [("src/", false), ("docs/guide.md", true), ("a*b", true)]);

        // Who locks nothing is told only of what another has.
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let third = claim_one(&f.store).await;
        assert!(third.locks);
        touch(&third, &["elsewhere.md", "docs/x.md"]).await.unwrap();
        let told = f.store.events_after(0, notices, 10).await.unwrap();
        assert_eq!(told.last().unwrap().data["files"], serde_json::json!(["docs/x.md"]));
        let stale = windlass_types::Token { epoch: one.token.epoch + 1, ..one.token };
        assert!(matches!(f.store.touch_files(one.job.id, stale, one.attempt.id, vec!["x".to_owned()]).await, Err(StoreError::Stale { .. })));
    }

    async fn locks_are_listed_with_who_holds_and_who_waits(f: Fixture) {
        let one = submit(&f.store, locking(&["a"])).await;
        claim_one(&f.store).await;
        submit(&f.store, locking(&["?", "b"])).await;
        assert_eq!(
            statuses(&f).await,
            [("?".to_owned(), LockStatus::Waiting), ("a".to_owned(), LockStatus::Held), ("b".to_owned(), LockStatus::Free)]
        );
        let page = f.store.locks(LockFilter { project: Some(SCRATCH.to_owned()), ..LockFilter::default() }, None, 1).await.unwrap();
        assert_eq!(page.items[0].waits_for.as_ref().unwrap().holder, one.assignment.id);
        let rest = f.store.locks(LockFilter::default(), page.next_cursor, 10).await.unwrap();
        assert_eq!(rest.items.len(), 2);
        assert!(rest.items.iter().any(|l| l.status == LockStatus::Held && l.since.is_some()));
        assert_eq!(f.store.locks(LockFilter { project: Some("none".to_owned()), ..LockFilter::default() }, None, 1).await.unwrap().items, []);
    }

    async fn two_nodes_never_take_the_same_files_at_once(f: Fixture) {
        const EACH: usize = 12;
        for _ in 0..EACH {
            submit(&f.store, locking(&["src/app.rs", "src/"])).await;
        }
        let other = f.again().await;
        let mut ended = 0;
        for _ in 0..200 {
            let there = NodeFacts { node: "node-2".to_owned(), ..node() };
            let (a, b) = tokio::join!(f.store.claim_many(node(), LEASE_MS, 5), other.claim_many(there, LEASE_MS, 5));
            let (a, b) = (a.unwrap().jobs, b.unwrap().jobs);
            assert!(a.len() + b.len() <= 1, "{} and {} at once", a.len(), b.len());
            for (store, claimed) in a.iter().map(|c| (&f.store, c)).chain(b.iter().map(|c| (&other, c))) {
                store.settle(end(claimed, AttemptResult::Succeeded)).await.unwrap();
                ended += 1;
            }
            if ended == EACH {
                break;
            }
        }
        assert_eq!(ended, EACH);
    }
}
