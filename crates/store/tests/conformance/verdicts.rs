//! Verdicts: applied whole, within the settlement of the pm job.

use windlass_store::{Claimed, SettleRequest, Store, StoreError};
use windlass_types::{
    AssignmentMove, AssignmentStatus, AttemptResult, EventKind, Evidence, FailureKind, Harness, JobStatus, JobType, Verdict, VerdictJob,
};

use crate::support::*;

fn evidence() -> Vec<Evidence> {
    vec![Evidence::File { path: "README.md".to_owned() }]
}

fn insert(types: &[JobType]) -> Verdict {
    let jobs = types.iter().map(|&job_type| VerdictJob { job_type, harness: None, context: "go on".to_owned() }).collect();
    Verdict::Insert { jobs, reason: "more to do".to_owned(), evidence: evidence() }
}

/// A pm job that runs, behind an implement job that succeeded and before another that waits.
async fn running_pm(store: &Store) -> Claimed {
    submit(store, reviewed(vec![spec(JobType::Implement), spec(JobType::Document)])).await;
    let first = claim_one(store).await;
    store.settle(end(&first, AttemptResult::Succeeded)).await.unwrap();
    let pm = claim_one(store).await;
    assert_eq!(pm.job.spec.job_type, JobType::Pm);
    pm
}

fn with(pm: &Claimed, verdict: Verdict) -> SettleRequest {
    SettleRequest { verdict: Some(verdict), ..end(pm, AttemptResult::Succeeded) }
}

on_both! {
    async fn an_insertion_stands_directly_behind_the_pm_job(f: Fixture) {
        let pm = running_pm(&f.store).await;
        let settled = f.store.settle(with(&pm, insert(&[JobType::Implement, JobType::Uat]))).await.unwrap();
        assert_eq!((settled.job.status, settled.assignment.status, settled.assignment.inserted_jobs), (JobStatus::Succeeded, AssignmentStatus::Active, 2));
        assert_eq!(settled.inserted.len(), 2);
        let line = f.store.line(pm.assignment.id).await.unwrap();
        let types: Vec<_> = line.iter().map(|job| job.spec.job_type).collect();
        assert_eq!(types, [JobType::Implement, JobType::Pm, JobType::Implement, JobType::Uat, JobType::Document]);
        assert_eq!(line.iter().map(|job| job.position).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let kept = f.store.verdicts(pm.assignment.id).await.unwrap();
        assert_eq!((kept.len(), kept[0].job_id, &kept[0].verdict), (1, pm.job.id, &insert(&[JobType::Implement, JobType::Uat])));
        let applied = windlass_store::EventFilter { kinds: vec![EventKind::VerdictApplied], ..Default::default() };
        assert_eq!(f.store.events_after(0, applied, 10).await.unwrap().len(), 1);
    }

    async fn an_empty_insertion_lets_the_line_go_on(f: Fixture) {
        let pm = running_pm(&f.store).await;
        let settled = f.store.settle(with(&pm, insert(&[]))).await.unwrap();
        assert_eq!(settled.assignment.status, AssignmentStatus::Active);
        assert_eq!(claim_one(&f.store).await.job.spec.job_type, JobType::Document);
    }

    async fn completing_and_blocking_move_the_assignment(f: Fixture) {
        let pm = running_pm(&f.store).await;
        let complete = Verdict::Complete { reason: "done".to_owned(), evidence: evidence() };
        let settled = f.store.settle(with(&pm, complete)).await.unwrap();
        assert_eq!(settled.assignment.status, AssignmentStatus::Complete);
        assert!(settled.assignment.ended_at.is_some());
        assert!(claim(&f.store).await.is_none(), "what waits behind a complete assignment does not run");
        let pm = running_pm(&f.store).await;
        let block = Verdict::Block { owner: "ops".to_owned(), action: "give a key".to_owned(), reason: "no key".to_owned(), evidence: vec![] };
        let settled = f.store.settle(with(&pm, block)).await.unwrap();
        assert_eq!(settled.assignment.status, AssignmentStatus::Blocked);
        assert_eq!(settled.assignment.block.map(|b| (b.owner, b.action)), Some(("ops".to_owned(), "give a key".to_owned())));
    }

    async fn a_verdict_that_breaks_a_rule_settles_nothing(f: Fixture) {
        let pm = running_pm(&f.store).await;
        let seq = f.store.last_seq().await.unwrap();
        let mut command = insert(&[JobType::Implement]);
        if let Verdict::Insert { jobs, .. } = &mut command {
            jobs[0].harness = Some(Harness::Command);
        }
        for refused in [command, insert(&[JobType::Pm]), insert(&[JobType::Implement; 21])] {
            assert!(matches!(f.store.settle(with(&pm, refused)).await, Err(StoreError::Invalid(_))));
        }
        assert_eq!(f.store.job(pm.job.id).await.unwrap().status, JobStatus::Running);
        assert_eq!(f.store.last_seq().await.unwrap(), seq);
        assert!(f.store.verdicts(pm.assignment.id).await.unwrap().is_empty());
        assert_eq!(f.store.assignment(pm.assignment.id).await.unwrap().spent.runs, 2);
    }

    async fn a_pm_job_that_ends_without_a_verdict_has_failed_and_blocks(f: Fixture) {
        let pm = running_pm(&f.store).await;
        let settled = f.store.settle(end(&pm, AttemptResult::Succeeded)).await.unwrap();
        assert_eq!((settled.job.status, settled.assignment.status), (JobStatus::Failed, AssignmentStatus::Blocked));
        assert_eq!(settled.job.failure.map(|failure| failure.kind), Some(FailureKind::NoVerdict));
    }

    async fn a_verdict_after_a_person_ended_the_assignment_is_kept_and_changes_nothing(f: Fixture) {
        let pm = running_pm(&f.store).await;
        f.store.move_assignment(pm.assignment.id, AssignmentMove::Complete, None, "tester".to_owned()).await.unwrap();
        let settled = f.store.settle(with(&pm, insert(&[JobType::Implement]))).await.unwrap();
        assert_eq!((settled.job.status, settled.assignment.status), (JobStatus::Succeeded, AssignmentStatus::Complete));
        assert!(settled.inserted.is_empty());
        assert_eq!(f.store.verdicts(pm.assignment.id).await.unwrap().len(), 1);
    }

    async fn a_proposed_verdict_waits_on_the_attempt_until_it_is_refused(f: Fixture) {
        let pm = running_pm(&f.store).await;
        assert_eq!(f.store.proposed_verdict(pm.attempt.id).await.unwrap(), None);
        f.store.propose_verdict(pm.job.id, pm.token, insert(&[JobType::Uat])).await.unwrap();
        f.store.propose_verdict(pm.job.id, pm.token, insert(&[JobType::Review])).await.unwrap();
        assert_eq!(f.store.proposed_verdict(pm.attempt.id).await.unwrap(), Some(insert(&[JobType::Review])));
        f.store.refuse_verdict(pm.job.id, pm.token, pm.attempt.id, "no such file".to_owned()).await.unwrap();
        assert_eq!(f.store.proposed_verdict(pm.attempt.id).await.unwrap(), None);
    }

    async fn only_a_pm_job_gives_a_verdict(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let claimed = claim_one(&f.store).await;
        let refused = f.store.propose_verdict(claimed.job.id, claimed.token, insert(&[])).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))));
        // Given with another job's settlement it counts for nothing.
        let settled = f.store.settle(with(&claimed, insert(&[JobType::Uat]))).await.unwrap();
        assert!(settled.inserted.is_empty());
    }
}
