//! Code operations: made once with their assignment, listed by whose they are, and their end told to whoever wants to know.

use windlass_store::{CallbackEnd, NewOperation, Operation, OperationFilter, Pruning, StageEnd, StageNote, StoreError};
use windlass_types::{
    AssignmentId, AssignmentMove, AttemptResult, EventKind, FailureKind, JobType, OperationRequest, OperationStatus, Stage, StageStatus,
    Timestamp,
};

use crate::support::*;

/// After everything that happens here.
const LATER: Timestamp = Timestamp(1 << 46);

fn request(organization: &str, session: &str, callback: bool) -> OperationRequest {
    let mut given = serde_json::json!({
        "operationType": "refactor", "description": "make it work", "repository": {"url": "/srv/repo"},
        "organizationId": organization, "sessionId": session, "approvalRequired": true,
    });
    if callback {
        given["callback"] = serde_json::json!({"url": "https://hooks.example.test/x", "secret": "a secret of the service"});
    }
    serde_json::from_value(given).unwrap()
}

fn new(key: Option<&str>, request: OperationRequest) -> NewOperation {
    let work =
        windlass_store::Submission { key: key.map(str::to_owned), source: "operation".to_owned(), ..wish(vec![spec(JobType::Implement)]) };
    NewOperation { fingerprint: format!("{request:?}"), request, work }
}

async fn make(f: &Fixture, request: OperationRequest) -> Operation {
    f.store.submit_operation(new(None, request)).await.unwrap().0
}

async fn list(f: &Fixture, filter: OperationFilter) -> Vec<AssignmentId> {
    f.store.operations(filter, None, 100).await.unwrap().items.into_iter().map(|o| o.assignment.id).collect()
}

async fn due(f: &Fixture) -> Vec<windlass_store::DueCallback> {
    f.store.due_callbacks(100).await.unwrap().0
}

on_both! {
    async fn a_key_makes_an_operation_once_and_another_request_under_it_is_refused(f: Fixture) {
        let (made, created) = f.store.submit_operation(new(Some("k"), request("o", "s", true))).await.unwrap();
        assert!(created && made.status() == OperationStatus::Queued);
        let (again, created) = f.store.submit_operation(new(Some("k"), request("o", "s", true))).await.unwrap();
        assert_eq!((again.assignment.id, created), (made.assignment.id, false));
        let other = f.store.submit_operation(new(Some("k"), request("o", "other", true))).await;
        assert!(matches!(other, Err(StoreError::Conflict(_))), "{other:?}");
        assert_eq!(f.store.counts().await.unwrap().jobs.values().sum::<u64>(), 1);
        assert_eq!(f.store.operation_by_key("k".to_owned()).await.unwrap().map(|o| o.assignment.id), Some(made.assignment.id));
        assert_eq!(f.store.operation_by_key("none".to_owned()).await.unwrap(), None);
        let kept = f.store.operation_request(made.assignment.id).await.unwrap().unwrap();
        assert_eq!(kept.callback.unwrap().secret, None, "the secret is kept apart");
    }

    async fn a_key_that_other_work_has_is_refused(f: Fixture) {
        let plain = windlass_store::Submission { key: Some("k".to_owned()), ..wish(vec![spec(JobType::Plan)]) };
        let id = submit(&f.store, plain).await.assignment.id;
        assert!(matches!(f.store.submit_operation(new(Some("k"), request("o", "s", false))).await, Err(StoreError::Conflict(_))));
        assert!(matches!(f.store.operation(id).await, Err(StoreError::NotFound { .. })), "other work is no operation");
        assert_eq!(f.store.operation_request(id).await.unwrap(), None);
    }

    async fn operations_are_listed_by_whose_they_are_and_how_they_stand(f: Fixture) {
        let mut ids = Vec::new();
        for (organization, session) in [("a", "1"), ("a", "2"), ("b", "1"), ("a", "1"), ("a", "1")] {
            ids.push(make(&f, request(organization, session, false)).await.assignment.id);
        }
        let of = |organization: Option<&str>, session: Option<&str>, status: &[OperationStatus]| OperationFilter {
            organization: organization.map(str::to_owned), session: session.map(str::to_owned), status: status.to_vec(),
        };
        assert_eq!(list(&f, of(Some("a"), None, &[])).await, [ids[4], ids[3], ids[1], ids[0]]);
        assert_eq!(list(&f, of(Some("a"), Some("2"), &[])).await, [ids[1]]);
        assert_eq!(list(&f, of(None, Some("1"), &[])).await, [ids[4], ids[3], ids[2], ids[0]]);
        let claimed = claim_one(&f.store).await;
        assert_eq!(list(&f, of(None, None, &[OperationStatus::Running])).await, [claimed.assignment.id]);
        assert_eq!(list(&f, of(None, None, &[OperationStatus::Queued])).await.len(), 4);
        f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
        assert_eq!(list(&f, of(None, None, &[OperationStatus::Succeeded])).await, [claimed.assignment.id]);
        let claimed = claim_one(&f.store).await;
        f.store.settle(end(&claimed, failed(FailureKind::VerifyFailed))).await.unwrap();
        assert_eq!(list(&f, of(None, None, &[OperationStatus::Failed])).await, [claimed.assignment.id]);
        assert_eq!(list(&f, of(None, None, &[OperationStatus::Blocked])).await, []);

        // Pages meet without a gap, also where most rows do not count.
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = f.store.operations(of(None, None, &[OperationStatus::Queued]), cursor, 1).await.unwrap();
            seen.extend(page.items.into_iter().map(|o| o.assignment.id));
            cursor = page.next_cursor;
            if cursor.is_none() { break }
        }
        assert_eq!(seen.len(), 3, "{seen:?}");
        assert!(f.store.operations(OperationFilter::default(), Some("nonsense".to_owned()), 2).await.is_err());
    }

    async fn the_journal_tells_rounds_commits_and_files(f: Fixture) {
        let made = make(&f, request("o", "s", false)).await;
        let claimed = claim_one(&f.store).await;
        let note = |number, stage, iteration, detail| StageNote {
            number, stage, iteration, began_ms_ago: Some(1),
            ended: Some(StageEnd { status: StageStatus::Passed, ms_ago: 0, detail }),
        };
        let notes = vec![
            note(1, Stage::Run, 1, serde_json::json!({})),
            note(2, Stage::Run, 2, serde_json::json!({})),
            note(3, Stage::Commit, 2, serde_json::json!({"commit": "c0ffee", "files": ["b.rs", "a.rs"]})),
        ];
        f.store.note_stages(claimed.job.id, claimed.token, claimed.attempt.id, notes, None).await.unwrap();
        let trace = f.store.operation_trace(made.assignment.id).await.unwrap();
        assert_eq!((trace.rounds, trace.commits.as_slice()), (2, ["c0ffee".to_owned()].as_slice()));
        assert_eq!(trace.files.into_iter().collect::<Vec<_>>(), ["a.rs", "b.rs"]);
    }

    async fn an_end_is_told_once_for_each_time_it_comes_and_only_where_somebody_asked(f: Fixture) {
        make(&f, request("o", "s", false)).await;
        let made = make(&f, request("o", "s", true)).await;
        assert_eq!(due(&f).await, []);
        for _ in 0..2 {
            let claimed = claim_one(&f.store).await;
            f.store.settle(end(&claimed, failed(FailureKind::VerifyFailed))).await.unwrap();
        }
        let [first] = due(&f).await.try_into().unwrap();
        assert_eq!((first.assignment, first.number, first.tries, first.secret.as_deref()), (made.assignment.id, 1, 0, Some("a secret of the service")));
        assert!(!format!("{first:?}").contains("a secret of"));

        f.store.callback_body(first.assignment, 1, "{}".to_owned()).await.unwrap();
        f.store.callback_sent(first.assignment, 1, CallbackEnd::Again("it was busy".to_owned(), 60_000)).await.unwrap();
        let (now, next) = f.store.due_callbacks(10).await.unwrap();
        assert!(now.is_empty() && next.is_some_and(|ms| (1..=60_000).contains(&ms)), "{now:?} {next:?}");
        f.sql("UPDATE callbacks SET due_at = 1".to_owned()).await;
        let [again] = due(&f).await.try_into().unwrap();
        assert_eq!((again.delivery, again.tries, again.body.as_deref()), (first.delivery.clone(), 1, Some("{}")), "the same message each time");

        // Called off after it was blocked: another end.
        f.store.move_assignment(made.assignment.id, AssignmentMove::Cancel, None, "person".to_owned()).await.unwrap();
        let all = due(&f).await;
        assert_eq!(all.len(), 2);
        assert_ne!(all[0].delivery, all[1].delivery);
        f.store.callback_sent(made.assignment.id, 1, CallbackEnd::Delivered).await.unwrap();
        f.store.callback_sent(made.assignment.id, 2, CallbackEnd::GivenUp("nobody is there".to_owned())).await.unwrap();
        // An answer that comes twice counts once.
        f.store.callback_sent(made.assignment.id, 2, CallbackEnd::Delivered).await.unwrap();
        assert_eq!(due(&f).await, []);
        let told = windlass_store::EventFilter { kinds: vec![EventKind::OperationCallback], ..Default::default() };
        let told = f.store.events_after(0, told, 10).await.unwrap();
        let words: Vec<_> = told.iter().map(|e| (e.data["status"].as_str().unwrap(), e.data["tries"].as_i64().unwrap())).collect();
        assert_eq!(words, [("due", 0), ("due", 0), ("delivered", 2), ("dead", 1)]);
    }

    async fn an_operation_goes_with_its_assignment(f: Fixture) {
        let made = make(&f, request("o", "s", true)).await;
        let claimed = claim_one(&f.store).await;
        f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
        assert_eq!(f.store.prune_assignment(made.assignment.id, LATER).await.unwrap(), Pruning::Gone);
        assert!(matches!(f.store.operation(made.assignment.id).await, Err(StoreError::NotFound { .. })));
        assert_eq!(due(&f).await, []);
    }
}
