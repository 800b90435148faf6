//! What people do: insert, block, activate, cancel, revive, limit, pause.

use windlass_store::{JobEdit, StoreError};
use windlass_types::{AssignmentMove, AssignmentStatus, AttemptResult, Block, Budget, EventKind, FailureKind, Harness, JobStatus, JobType};

use crate::support::*;

fn me() -> String {
    "tester".to_owned()
}

fn block() -> Block {
    Block { owner: "person".to_owned(), action: "decide".to_owned(), reason: "unclear".to_owned(), kind: None }
}

on_both! {
    async fn a_job_is_inserted_at_the_end_or_behind_another(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Implement)])).await;
        let id = made.assignment.id;
        f.store.insert_jobs(id, None, vec![spec(JobType::Uat)], me()).await.unwrap();
        f.store.insert_jobs(id, Some(made.jobs[0].id), vec![spec(JobType::Review), spec(JobType::Document)], me()).await.unwrap();
        let line = f.store.line(id).await.unwrap();
        let types: Vec<_> = line.iter().map(|job| job.spec.job_type).collect();
        assert_eq!(types, [JobType::Plan, JobType::Review, JobType::Document, JobType::Implement, JobType::Uat]);
        assert_eq!(line.iter().map(|job| job.position).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }

    async fn nothing_is_inserted_before_a_job_that_has_started_or_into_what_is_over(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Implement)])).await;
        let id = made.assignment.id;
        let first = claim_one(&f.store).await;
        f.store.settle(end(&first, AttemptResult::Succeeded)).await.unwrap();
        claim_one(&f.store).await;
        let before = f.store.insert_jobs(id, Some(made.jobs[0].id), vec![spec(JobType::Uat)], me()).await;
        assert!(matches!(before, Err(StoreError::Conflict(_))));
        assert_eq!(f.store.insert_jobs(id, Some(made.jobs[1].id), vec![spec(JobType::Uat)], me()).await.unwrap()[0].position, 3);
        let other = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        assert!(matches!(f.store.insert_jobs(id, Some(other.jobs[0].id), vec![], me()).await, Err(StoreError::NotFound { .. })));
        f.store.move_assignment(id, AssignmentMove::Cancel, None, me()).await.unwrap();
        assert!(matches!(f.store.insert_jobs(id, None, vec![spec(JobType::Uat)], me()).await, Err(StoreError::Conflict(_))));
    }

    async fn a_block_names_who_has_to_act_and_activating_lifts_it(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let id = made.assignment.id;
        assert!(matches!(f.store.move_assignment(id, AssignmentMove::Block, None, me()).await, Err(StoreError::Invalid(_))));
        let blocked = f.store.move_assignment(id, AssignmentMove::Block, Some(block()), me()).await.unwrap();
        assert_eq!((blocked.status, blocked.block), (AssignmentStatus::Blocked, Some(block())));
        assert!(claim(&f.store).await.is_none());
        let active = f.store.move_assignment(id, AssignmentMove::Activate, None, me()).await.unwrap();
        assert_eq!((active.status, active.block), (AssignmentStatus::Active, None));
        assert!(claim(&f.store).await.is_some());
        let moves = windlass_store::EventFilter { kinds: vec![EventKind::AssignmentStatus], ..Default::default() };
        let moves = f.store.events_after(0, moves, 10).await.unwrap();
        assert_eq!(moves.iter().map(|e| e.data["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), ["blocked", "active"]);
        assert!(moves.iter().all(|e| e.data["by"] == "tester"));
    }

    async fn what_a_person_says_of_why_is_kept_with_the_status_and_told_and_goes_with_the_next_move(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let id = made.assignment.id;
        let said = Some("done by hand".to_owned());
        let complete = f.store.move_assignment_because(id, AssignmentMove::Complete, said.clone(), me()).await.unwrap();
        assert_eq!((complete.status, &complete.status_reason), (AssignmentStatus::Complete, &said));
        f.store.set_budget(id, Budget { runs: Some(3), ..Budget::default() }, me()).await.unwrap();
        assert_eq!(f.store.assignment(id).await.unwrap().status_reason, said, "a change that is no move leaves it");
        assert_eq!(f.store.move_assignment(id, AssignmentMove::Activate, None, me()).await.unwrap().status_reason, None);
        let moves = windlass_store::EventFilter { kinds: vec![EventKind::AssignmentStatus], ..Default::default() };
        let told = f.store.events_after(0, moves, 10).await.unwrap();
        assert_eq!((&told[0].data["status"], &told[0].data["reason"]), (&"complete".into(), &"done by hand".into()));
    }

    async fn cancelling_an_assignment_ends_what_waits_and_asks_what_runs(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Implement)])).await;
        claim_one(&f.store).await;
        let cancelled = f.store.move_assignment(made.assignment.id, AssignmentMove::Cancel, None, me()).await.unwrap();
        assert_eq!(cancelled.status, AssignmentStatus::Cancelled);
        let line = f.store.line(made.assignment.id).await.unwrap();
        assert_eq!((line[0].status, line[0].cancel_requested), (JobStatus::Running, true));
        assert_eq!((line[1].status, line[1].cancel_requested), (JobStatus::Cancelled, false));
        let again = f.store.move_assignment(made.assignment.id, AssignmentMove::Complete, None, me()).await;
        assert!(matches!(again, Err(StoreError::Conflict(_))));
    }

    async fn activating_a_reviewed_line_at_rest_inserts_a_pm_job(f: Fixture) {
        let made = submit(&f.store, reviewed(vec![spec(JobType::Implement)])).await;
        let id = made.assignment.id;
        let claimed = claim_one(&f.store).await;
        f.store.settle(end(&claimed, failed(FailureKind::VerifyFailed))).await.unwrap();
        f.store.move_assignment(id, AssignmentMove::Activate, None, me()).await.unwrap();
        let line = f.store.line(id).await.unwrap();
        assert_eq!((line.len(), line[1].spec.job_type, line[1].reviews), (2, JobType::Pm, Some(claimed.job.id)));
        f.store.move_assignment(id, AssignmentMove::Activate, None, me()).await.unwrap();
        assert_eq!(f.store.line(id).await.unwrap().len(), 2, "one that waits is enough");
    }

    async fn activating_without_review_or_without_jobs_inserts_nothing(f: Fixture) {
        for submission in [wish(vec![spec(JobType::Plan)]), reviewed(vec![])] {
            let made = submit(&f.store, submission).await;
            if let Some(job) = made.jobs.first() {
                f.store.cancel_job(job.id, me()).await.unwrap();
            }
            f.store.move_assignment(made.assignment.id, AssignmentMove::Activate, None, me()).await.unwrap();
            assert_eq!(f.store.line(made.assignment.id).await.unwrap().len(), made.jobs.len());
        }
    }

    async fn cancelling_a_waiting_job_blocks_only_when_it_was_the_last(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Implement)])).await;
        let id = made.assignment.id;
        assert_eq!(f.store.cancel_job(made.jobs[0].id, me()).await.unwrap().status, JobStatus::Cancelled);
        assert_eq!(f.store.assignment(id).await.unwrap().status, AssignmentStatus::Active);
        f.store.cancel_job(made.jobs[1].id, me()).await.unwrap();
        let blocked = f.store.assignment(id).await.unwrap();
        assert_eq!((blocked.status, blocked.block.unwrap().kind), (AssignmentStatus::Blocked, Some(FailureKind::Cancelled)));
        assert!(matches!(f.store.cancel_job(made.jobs[1].id, me()).await, Err(StoreError::Conflict(_))));
    }

    async fn a_revived_job_runs_again_edited_and_its_blocked_assignment_goes_on(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let claimed = claim_one(&f.store).await;
        let settled = f.store.settle(end(&claimed, failed(FailureKind::NoChange))).await.unwrap();
        assert_eq!(settled.assignment.status, AssignmentStatus::Blocked);
        let edit = JobEdit { context: Some("better words".to_owned()), harness: Some(Harness::Codex), ..JobEdit::default() };
        let revived = f.store.revive_job(claimed.job.id, edit, me()).await.unwrap();
        assert_eq!((revived.status, revived.failures, revived.failure.as_ref()), (JobStatus::Queued, 0, None));
        assert_eq!(f.store.assignment(settled.assignment.id).await.unwrap().status, AssignmentStatus::Active);
        let again = claim_one(&f.store).await;
        assert_eq!((again.job.spec.context.as_str(), again.harness, again.attempt.number), ("better words", Harness::Codex, 2));
        assert_eq!(f.store.job(revived.id).await.unwrap(), again.job);
    }

    async fn what_runs_or_succeeded_or_is_over_is_not_revived(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let id = made.jobs[0].id;
        assert!(matches!(f.store.revive_job(id, JobEdit::default(), me()).await, Err(StoreError::Conflict(_))));
        let claimed = claim_one(&f.store).await;
        assert!(matches!(f.store.revive_job(id, JobEdit::default(), me()).await, Err(StoreError::Conflict(_))));
        f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
        assert!(matches!(f.store.revive_job(id, JobEdit::default(), me()).await, Err(StoreError::Conflict(_))));
        let made = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        f.store.move_assignment(made.assignment.id, AssignmentMove::Cancel, None, me()).await.unwrap();
        let Err(StoreError::Conflict(why)) = f.store.revive_job(made.jobs[0].id, JobEdit::default(), me()).await else { panic!("revived") };
        assert!(why.contains("active"), "{why}");
    }

    async fn a_budget_can_be_raised(f: Fixture) {
        let made = submit(&f.store, windlass_store::Submission { budget: Budget { runs: Some(0), ..Budget::default() }, ..wish(vec![spec(JobType::Plan)]) }).await;
        assert!(claim(&f.store).await.is_none());
        let raised = Budget { runs: Some(1), ..Budget::default() };
        assert_eq!(f.store.set_budget(made.assignment.id, raised, me()).await.unwrap().budget, raised);
        assert!(claim(&f.store).await.is_some());
    }

    async fn a_pause_holds_everything_and_is_told_once(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        for _ in 0..2 {
            f.store.set_paused(true, me()).await.unwrap();
        }
        assert!(f.store.paused().await.unwrap());
        assert!(claim(&f.store).await.is_none());
        f.store.set_paused(false, me()).await.unwrap();
        assert!(claim(&f.store).await.is_some());
        let told = windlass_store::EventFilter { kinds: vec![EventKind::Paused, EventKind::Resumed], ..Default::default() };
        assert_eq!(f.store.events_after(0, told, 10).await.unwrap().len(), 2);
    }
}
