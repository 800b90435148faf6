//! The life of a job: claimed, settled, tried again, buried.

use windlass_store::{SettleRequest, Submission};
use windlass_types::{
    AssignmentMove, AssignmentStatus, AttemptResult, AttemptStatus, Block, Failure, FailureKind, Harness, JobSpec, JobStatus, JobType,
    Micros, Timestamp, Usage,
};

use crate::support::*;

on_both! {
    async fn a_line_runs_in_order_and_completes_its_assignment(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Implement)])).await;
        let first = claim_one(&f.store).await;
        assert_eq!(first.job.id, made.jobs[0].id);
        assert_eq!(first.job.status, JobStatus::Running);
        assert!(claim(&f.store).await.is_none(), "one job of an assignment at a time");
        let settled = f.store.settle(end(&first, AttemptResult::Succeeded)).await.expect("settled");
        assert_eq!((settled.job.status, settled.assignment.status), (JobStatus::Succeeded, AssignmentStatus::Active));
        let second = claim_one(&f.store).await;
        assert_eq!(second.job.id, made.jobs[1].id);
        let settled = f.store.settle(end(&second, AttemptResult::Succeeded)).await.expect("settled");
        assert_eq!(settled.assignment.status, AssignmentStatus::Complete);
        assert_eq!(f.store.attempts(second.job.id).await.expect("read")[0].status, AttemptStatus::Succeeded);
        f.store.close().await;
    }

    async fn a_persons_block_outlives_the_success_of_the_job_that_ran(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let claimed = claim_one(&f.store).await;
        let block = Block { owner: "ann".to_owned(), action: "look at it".to_owned(), reason: "it is odd".to_owned(), kind: None };
        let by_ann = "ann".to_owned();
        f.store.move_assignment(made.assignment.id, AssignmentMove::Block, Some(block.clone()), by_ann.clone()).await.unwrap();
        let settled = f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
        assert_eq!((settled.job.status, settled.assignment.status), (JobStatus::Succeeded, AssignmentStatus::Blocked));
        assert_eq!((settled.assignment.block, settled.assignment.ended_at), (Some(block), None));
        let done = f.store.move_assignment(made.assignment.id, AssignmentMove::Complete, None, by_ann).await.unwrap();
        assert_eq!(done.status, AssignmentStatus::Complete);
    }

    async fn a_settlement_keeps_what_the_attempt_left(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let claimed = claim_one(&f.store).await;
        let usage = Usage { input_tokens: 10, output_tokens: 5, cost_micros: Some(Micros(77)), ..Usage::default() };
        let request = SettleRequest {
            output: Some("done\0!".to_owned()),
            commit: Some("abc".to_owned()),
            usage: Some(usage),
            wall_ms: 1234,
            ..end(&claimed, AttemptResult::Succeeded)
        };
        let settled = f.store.settle(request).await.unwrap();
        let job = f.store.job(claimed.job.id).await.unwrap();
        assert_eq!((job.output.as_deref(), job.commit.as_deref(), job.progress), (Some("done\u{fffd}!"), Some("abc"), 100));
        assert_eq!((job.usage, job.cost_micros, job.lease), (usage, Micros(77), None));
        assert!(job.ended_at.is_some());
        let spent = settled.assignment.spent;
        assert_eq!((spent.runs, spent.tokens, spent.wall_ms, spent.cost_micros), (1, 15, 1234, Micros(77)));
        let attempt = f.store.attempt(claimed.attempt.id).await.unwrap();
        assert_eq!((attempt.status, attempt.usage), (AttemptStatus::Succeeded, Some(usage)));
        assert!(attempt.ended_at.is_some());
    }

    async fn a_transient_failure_is_tried_again_and_dead_when_its_retries_are_spent(f: Fixture) {
        submit(&f.store, wish(vec![JobSpec { max_retries: Some(2), ..spec(JobType::Plan) }])).await;
        for number in 1..=2 {
            let claimed = claim_one(&f.store).await;
            assert_eq!((claimed.attempt.number, claimed.earlier.len()), (number, number as usize - 1));
            let settled = f.store.settle(end(&claimed, failed(FailureKind::ApiError))).await.unwrap();
            assert_eq!((settled.job.status, settled.job.failures), (JobStatus::Queued, number));
        }
        let last = claim_one(&f.store).await;
        let settled = f.store.settle(end(&last, failed(FailureKind::ApiError))).await.unwrap();
        assert_eq!((settled.job.status, settled.assignment.status), (JobStatus::Dead, AssignmentStatus::Blocked));
        assert_eq!(settled.assignment.block.unwrap().kind, Some(FailureKind::ApiError));
        assert_eq!(settled.job.failure.unwrap().kind, FailureKind::ApiError);
    }

    async fn each_claim_has_a_higher_token(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let first = claim_one(&f.store).await;
        f.store.settle(end(&first, AttemptResult::HandedBack)).await.unwrap();
        let second = claim_one(&f.store).await;
        assert!(second.token > first.token);
        assert_eq!((second.job.failures, second.job.rescues, second.job.attempts), (0, 0, 2));
        assert_eq!(f.store.attempt(first.attempt.id).await.unwrap().status, AttemptStatus::Stopped);
    }

    async fn a_quota_parks_the_job_and_the_harness_for_everybody(f: Fixture) {
        // It runs first also among jobs that were made in the same millisecond.
        let parked = submit(&f.store, Submission { priority: 1, ..wish(vec![spec(JobType::Plan)]) }).await;
        let claimed = claim_one(&f.store).await;
        let until = Timestamp(9_000_000_000_000);
        let failure = Failure::new(FailureKind::RateLimited, "quota").retry_at(until);
        let request = SettleRequest {
            park_harness: Some((Harness::Simulated, until, "quota".to_owned())),
            ..end(&claimed, AttemptResult::Failed(failure))
        };
        let settled = f.store.settle(request).await.unwrap();
        assert_eq!((settled.job.status, settled.job.due_at, settled.job.parks, settled.job.failures), (JobStatus::Queued, until, 1, 0));
        assert_eq!(f.store.next_due().await.unwrap().map(|due| due.at), Some(until));
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        assert!(claim(&f.store).await.is_none(), "the harness is parked for everybody");
        let other = submit(&f.store, wish(vec![JobSpec { harness: Some(Harness::Codex), ..spec(JobType::Plan) }])).await;
        assert_eq!(claim_one(&f.store).await.job.id, other.jobs[0].id);
        assert_eq!(f.store.harness_parks().await.unwrap()[0].until, until);
        f.store.unpark_harness(Harness::Simulated, "tester".to_owned()).await.unwrap();
        assert!(f.store.harness_parks().await.unwrap().is_empty());
        let next = claim_one(&f.store).await;
        assert_eq!((next.job.id, next.job.park), (parked.jobs[0].id, None), "the job that met the limit is let go with it");
    }

    async fn a_missing_setting_blocks_and_leaves_the_job_queued(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let claimed = claim_one(&f.store).await;
        let settled = f.store.settle(end(&claimed, failed(FailureKind::NotLoggedIn))).await.unwrap();
        assert_eq!((settled.job.status, settled.assignment.status), (JobStatus::Queued, AssignmentStatus::Blocked));
        assert_eq!(settled.job.failures, 0);
        assert!(claim(&f.store).await.is_none());
        f.store.move_assignment(settled.assignment.id, windlass_types::AssignmentMove::Activate, None, "tester".to_owned()).await.unwrap();
        assert_eq!(claim_one(&f.store).await.job.id, claimed.job.id);
    }

    async fn a_lost_worker_is_a_rescue_and_not_a_failure(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let claimed = f.store.claim(node(), 0).await.unwrap().expect("a job is free");
        let orphans = f.store.orphans("node-1".to_owned()).await.unwrap();
        assert_eq!(orphans.len(), 1);
        assert_eq!((orphans[0].0.id, orphans[0].1.id), (claimed.job.id, claimed.attempt.id));
        let settled = f.store.settle(end(&claimed, failed(FailureKind::WorkerLost))).await.unwrap();
        assert_eq!((settled.job.status, settled.job.rescues, settled.job.failures), (JobStatus::Queued, 1, 0));
        assert_eq!(f.store.attempt(claimed.attempt.id).await.unwrap().status, AttemptStatus::Lost);
        assert!(f.store.orphans("node-1".to_owned()).await.unwrap().is_empty());
        let again = f.store.claim(node(), 0).await.unwrap().expect("the first rescue is due at once");
        let request = SettleRequest { jitter: 1.0, ..end(&again, failed(FailureKind::WorkerLost)) };
        let settled = f.store.settle(request).await.unwrap();
        assert_eq!((settled.job.status, settled.job.rescues), (JobStatus::Queued, 2));
        assert!(claim(&f.store).await.is_none(), "the next one backs off");
        assert_eq!(f.store.next_due().await.unwrap().map(|due| due.at), Some(settled.job.due_at));
    }

    async fn a_beat_renews_a_lease_and_an_old_token_is_told_that_it_is_lost(f: Fixture) {
        use windlass_store::BeatState;
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let first = f.store.claim(node(), 0).await.unwrap().unwrap();
        f.store.settle(end(&first, AttemptResult::HandedBack)).await.unwrap();
        let (a, b) = (claim_one(&f.store).await, claim_one(&f.store).await);
        f.store.cancel_job(b.job.id, "tester".to_owned()).await.unwrap();
        let seq = f.store.last_seq().await.unwrap();
        let beats = f.store.heartbeat(vec![(b.job.id, b.token), (first.job.id, first.token), (a.job.id, a.token)], 60_000).await.unwrap();
        assert_eq!(beats.iter().map(|beat| beat.job_id).collect::<Vec<_>>(), [b.job.id, first.job.id, a.job.id]);
        assert!(matches!(beats[0].state, BeatState::CancelRequested { .. }));
        assert_eq!(beats[1].state, BeatState::Lost);
        let BeatState::Renewed { expires_at } = beats[2].state else { panic!("{:?}", beats[2]) };
        assert_eq!(f.store.job(a.job.id).await.unwrap().lease.unwrap().expires_at, expires_at);
        assert_eq!(f.store.last_seq().await.unwrap(), seq, "a heartbeat is no event");
    }

    async fn a_reviewed_success_inserts_a_pm_job_directly_behind(f: Fixture) {
        let made = submit(&f.store, reviewed(vec![spec(JobType::Implement), spec(JobType::Document)])).await;
        let claimed = claim_one(&f.store).await;
        let settled = f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
        let line = f.store.line(made.assignment.id).await.unwrap();
        assert_eq!(line.iter().map(|j| j.spec.job_type).collect::<Vec<_>>(), [JobType::Implement, JobType::Pm, JobType::Document]);
        assert_eq!(line.iter().map(|j| j.position).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(line[1].reviews, Some(claimed.job.id));
        assert_eq!(settled.inserted, [line[1].clone()]);
        assert_eq!(settled.assignment.status, AssignmentStatus::Active);
        assert_eq!(claim_one(&f.store).await.job.id, line[1].id, "the pm job runs before the one behind it");
    }

    async fn a_refused_job_goes_to_the_pm_where_the_policy_says_so(f: Fixture) {
        let mut submission = reviewed(vec![spec(JobType::Implement)]);
        submission.policy.on_failure = windlass_types::OnFailure::Review;
        submit(&f.store, submission).await;
        let claimed = claim_one(&f.store).await;
        let settled = f.store.settle(end(&claimed, failed(FailureKind::VerifyFailed))).await.unwrap();
        assert_eq!((settled.job.status, settled.assignment.status), (JobStatus::Failed, AssignmentStatus::Active));
        assert_eq!(settled.inserted.len(), 1);
    }

    async fn a_job_of_a_cancelled_assignment_ends_cancelled_whatever_its_result(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Plan)])).await;
        let claimed = claim_one(&f.store).await;
        f.store.move_assignment(made.assignment.id, windlass_types::AssignmentMove::Cancel, None, "tester".to_owned()).await.unwrap();
        let settled = f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
        assert_eq!((settled.job.status, settled.assignment.status), (JobStatus::Cancelled, AssignmentStatus::Cancelled));
        assert!(settled.inserted.is_empty());
        assert!(!settled.job.cancel_requested);
    }

    async fn a_job_that_was_cancelled_while_it_ran_is_not_tried_again(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let claimed = claim_one(&f.store).await;
        assert!(f.store.cancel_job(claimed.job.id, "tester".to_owned()).await.unwrap().cancel_requested);
        let settled = f.store.settle(end(&claimed, failed(FailureKind::WorkerLost))).await.unwrap();
        assert_eq!((settled.job.status, settled.assignment.status), (JobStatus::Cancelled, AssignmentStatus::Blocked));
    }
}
