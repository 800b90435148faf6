//! Pull requests: opened under a token, looked at when due, answered by a job only where the assignment is complete.

use windlass_store::{Seen, StoreError, Watched};
use windlass_types::{
    AssignmentMove, AssignmentStatus, ChecksVerdict, EventKind, JobStatus, JobType, PullRequest, PullRequestState, Timestamp,
};

use crate::support::*;

fn pull(head: char) -> PullRequest {
    PullRequest {
        repository: "acme/anvil".to_owned(),
        number: 7,
        url: "https://forge.example/acme/anvil/pull/7".to_owned(),
        title: "mend it".to_owned(),
        state: PullRequestState::Open,
        head: head.to_string().repeat(40),
        checks: None,
        seen_at: Timestamp(1),
    }
}

fn seen(pull_request: PullRequest, due_at: Timestamp) -> Seen {
    Seen { pull_request, due_at, failures: 0, review_mark: None, answered: None, follow_up: None }
}

on_both! {
    async fn a_pull_request_is_opened_under_a_live_token_and_answered_once_its_assignment_is_complete(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let claimed = claim_one(&f.store).await;
        let (job, token, attempt) = (claimed.job.id, claimed.token, claimed.attempt.id);
        let stale = windlass_types::Token { epoch: token.epoch + 1, ..token };
        let refused = f.store.set_pull_request(job, stale, attempt, pull('a'), Timestamp(0)).await;
        assert!(matches!(refused, Err(StoreError::Stale { .. })), "{refused:?}");
        for _ in 0..2 {
            // Repeated after a crash, it is told once.
            f.store.set_pull_request(job, token, attempt, pull('a'), Timestamp(0)).await.unwrap();
        }
        let told = windlass_store::EventFilter { kinds: vec![EventKind::PullRequestChanged], ..Default::default() };
        assert_eq!(f.store.events_after(0, told.clone(), 10).await.unwrap().len(), 1);
        let due: Vec<Watched> = f.store.pull_requests_due(10).await.unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].assignment.pull_request, Some(pull('a')));

        // While its line goes on nothing is put into it, and what was asked for is seen again.
        let answer = || Some((spec(JobType::Implement), "somebody asks".to_owned()));
        let mut look = seen(PullRequest { checks: Some(ChecksVerdict::Failure), ..pull('a') }, Timestamp(0));
        look.follow_up = answer();
        look.answered = Some("x".to_owned());
        assert_eq!(f.store.saw_pull_request(due[0].clone(), look.clone()).await.unwrap(), None);
        let due = f.store.pull_requests_due(10).await.unwrap();
        assert_eq!((due[0].answered.as_ref(), due[0].follow_ups), (None, 0));

        let id = made.assignment.id;
        f.store.move_assignment(id, AssignmentMove::Complete, None, "test".to_owned()).await.unwrap();
        let due = f.store.pull_requests_due(10).await.unwrap();
        let job = f.store.saw_pull_request(due[0].clone(), look).await.unwrap().unwrap();
        assert_eq!((job.status, job.position), (JobStatus::Queued, 2));
        assert_eq!(f.store.assignment(id).await.unwrap().status, AssignmentStatus::Active);
        let due = f.store.pull_requests_due(10).await.unwrap();
        assert_eq!((due[0].answered.as_deref(), due[0].follow_ups), (Some("x"), 1));

        // What was seen of it before somebody changed it does not count.
        let mut old = due[0].clone();
        old.assignment.pull_request = Some(pull('b'));
        let merged = PullRequest { state: PullRequestState::Merged, ..pull('a') };
        assert_eq!(f.store.saw_pull_request(old, seen(merged.clone(), Timestamp(0))).await.unwrap(), None);
        assert_eq!(f.store.pull_requests_due(10).await.unwrap().len(), 1);
        f.store.saw_pull_request(due[0].clone(), seen(merged.clone(), Timestamp(0))).await.unwrap();
        assert_eq!(f.store.pull_requests_due(10).await.unwrap(), []);
        assert_eq!(f.store.assignment(id).await.unwrap().pull_request, Some(merged));
        assert_eq!(f.store.events_after(0, told, 10).await.unwrap().len(), 3);
    }
}
