//! The branch registry: which branches there are, how far they are, and who has seen whose head.

use windlass_store::{BranchFilter, Claimed, Declaration, SettleRequest, Store, StoreError};
use windlass_types::{AssignmentMove, AttemptResult, Branch, BranchMove, BranchStatus, EventKind, FailureKind, JobType, Timestamp};

use crate::support::*;

/// A job that runs on a branch of its own.
async fn on_branch(store: &Store, name: &str) -> Claimed {
    submit(store, wish(vec![spec(JobType::Implement)])).await;
    let claimed = claim_one(store).await;
    prepare(store, &claimed, name).await;
    claimed
}

async fn prepare(store: &Store, of: &Claimed, name: &str) {
    store.set_branch(of.job.id, of.token, name.to_owned(), "main".to_owned(), "0".repeat(40)).await.unwrap();
}

async fn declare(store: &Store, of: &Claimed, head: &str, seen: Option<i64>) -> Declaration {
    store.declare_head(of.job.id, of.token, head.to_owned(), seen, 10).await.unwrap()
}

async fn deliver(store: &Store, of: &Claimed, head: &str) {
    store.settle(SettleRequest { commit: Some(head.to_owned()), ..end(of, AttemptResult::Succeeded) }).await.unwrap();
}

async fn all(store: &Store) -> Vec<Branch> {
    store.branches(BranchFilter::default(), None, 500).await.unwrap().items
}

fn version(declaration: &Declaration) -> i64 {
    match declaration {
        Declaration::Others { version, .. } => *version,
        Declaration::Declared => panic!("there are others"),
    }
}

on_both! {
    async fn whoever_declares_second_sees_the_first(f: Fixture) {
        let (one, two, three) = (on_branch(&f.store, "one").await, on_branch(&f.store, "two").await, on_branch(&f.store, "three").await);
        assert_eq!(declare(&f.store, &one, "aaa", None).await, Declaration::Declared);
        let seen = declare(&f.store, &two, "bbb", None).await;
        let Declaration::Others { others, left_out: 0, .. } = &seen else { panic!("{seen:?}") };
        assert_eq!((others[0].name.as_str(), others[0].commit.as_str(), others[0].is_running), ("one", "aaa", true));

        // A third is quicker: what the second has seen is not all any more.
        let seen_by_three = version(&declare(&f.store, &three, "ccc", None).await);
        assert_eq!(declare(&f.store, &three, "ccc", Some(seen_by_three)).await, Declaration::Declared);
        let again = declare(&f.store, &two, "bbb", Some(version(&seen))).await;
        let Declaration::Others { version, others, .. } = again else { panic!("{again:?}") };
        assert_eq!(others.iter().map(|other| other.commit.as_str()).collect::<Vec<_>>().len(), 2);
        assert_eq!(declare(&f.store, &two, "bbb", Some(version)).await, Declaration::Declared);
        // Asked again after a crash it is declared still.
        assert_eq!(declare(&f.store, &two, "bbb", None).await, Declaration::Declared);
        let stale = windlass_types::Token { epoch: two.token.epoch + 1, ..two.token };
        assert!(matches!(f.store.declare_head(two.job.id, stale, "x".to_owned(), None, 10).await, Err(StoreError::Stale { .. })));
    }

    async fn of_two_nodes_that_declare_at_once_one_sees_the_other(f: Fixture) {
        let other = f.again().await;
        for round in 0..10 {
            let (one, two) = (on_branch(&f.store, "one").await, on_branch(&f.store, "two").await);
            let seen = version_or_zero(&f.store, &one, &format!("probe{round}")).await;
            let (head_a, head_b) = (format!("a{round}"), format!("b{round}"));
            let (a, b) = tokio::join!(declare(&f.store, &one, &head_a, seen), declare(&other, &two, &head_b, seen));
            assert!(!(a == Declaration::Declared && b == Declaration::Declared), "round {round}: both passed");
            for claimed in [&one, &two] {
                f.store.settle(end(claimed, failed(FailureKind::AgentFailed))).await.unwrap();
            }
        }
    }

    async fn a_branch_is_active_then_merging_then_merged(f: Fixture) {
        let one = on_branch(&f.store, "one").await;
        assert_eq!(all(&f.store).await[0].status, BranchStatus::Active);
        assert_eq!(declare(&f.store, &one, "aaa", None).await, Declaration::Declared);
        deliver(&f.store, &one, "aaa").await;
        let branch = &all(&f.store).await[0];
        assert_eq!((branch.status, branch.head.as_deref()), (BranchStatus::Merging, Some("aaa")));

        // Somebody looks at it, and finds another commit merged than the one that is declared now.
        assert_eq!(f.store.branches_to_look_at(Timestamp(i64::MAX), 10).await.unwrap().len(), 1);
        assert_eq!(f.store.branches_to_look_at(Timestamp(0), 10).await.unwrap().len(), 0);
        f.store.branch_merged(one.assignment.id, "older".to_owned()).await.unwrap();
        assert_eq!(all(&f.store).await[0].status, BranchStatus::Merging);
        f.store.branch_merged(one.assignment.id, "aaa".to_owned()).await.unwrap();
        assert_eq!(all(&f.store).await[0].status, BranchStatus::Merged);
        let two = on_branch(&f.store, "two").await;
        assert_eq!(declare(&f.store, &two, "bbb", None).await, Declaration::Declared, "what is merged is in nobody's way");

        // Opened again it counts again.
        f.store.move_assignment(one.assignment.id, AssignmentMove::Activate, None, "tester".to_owned()).await.unwrap();
        assert!(all(&f.store).await.iter().all(|branch| branch.status == BranchStatus::Active));
        let told = windlass_store::EventFilter { kinds: vec![EventKind::BranchChanged], assignment: Some(one.assignment.id), ..Default::default() };
        let told: Vec<_> = f.store.events_after(0, told, 20).await.unwrap().into_iter().map(|e| e.data["status"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told, ["active", "merging", "merged", "active"]);
    }

    async fn a_branch_that_is_called_off_leaves_unless_it_was_pushed(f: Fixture) {
        let (quiet, pushed) = (on_branch(&f.store, "quiet").await, on_branch(&f.store, "pushed").await);
        declare(&f.store, &pushed, "aaa", None).await;
        deliver(&f.store, &pushed, "aaa").await;
        f.store.move_assignment(pushed.assignment.id, AssignmentMove::Activate, None, "tester".to_owned()).await.unwrap();
        for claimed in [&quiet, &pushed] {
            f.store.move_assignment(claimed.assignment.id, AssignmentMove::Cancel, None, "tester".to_owned()).await.unwrap();
        }
        let left = all(&f.store).await;
        assert_eq!(left.iter().map(|branch| branch.name.as_str()).collect::<Vec<_>>(), ["pushed"]);
        assert!(f.store.move_branch(quiet.assignment.id, BranchMove::Release, "tester".to_owned()).await.is_err());
        assert_eq!(f.store.move_branch(pushed.assignment.id, BranchMove::Release, "tester".to_owned()).await.unwrap(), None);
        assert_eq!(all(&f.store).await, []);
    }

    async fn a_person_says_that_a_branch_was_merged_but_not_while_it_is_worked_on(f: Fixture) {
        let one = on_branch(&f.store, "one").await;
        let refused = f.store.move_branch(one.assignment.id, BranchMove::Merge, "tester".to_owned()).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
        declare(&f.store, &one, "aaa", None).await;
        deliver(&f.store, &one, "aaa").await;
        let merged = f.store.move_branch(one.assignment.id, BranchMove::Merge, "tester".to_owned()).await.unwrap().unwrap();
        assert_eq!(merged.status, BranchStatus::Merged);
        let only = |status| BranchFilter { status: Some(status), ..BranchFilter::default() };
        assert_eq!(f.store.branches(only(BranchStatus::Merged), None, 5).await.unwrap().items.len(), 1);
        assert_eq!(f.store.branches(only(BranchStatus::Active), None, 5).await.unwrap().items.len(), 0);
    }
}

/// The registry's version as this job sees it; `None` while there is nothing to see.
async fn version_or_zero(store: &Store, of: &Claimed, head: &str) -> Option<i64> {
    match declare(store, of, head, None).await {
        Declaration::Others { version, .. } => Some(version),
        Declaration::Declared => None,
    }
}
