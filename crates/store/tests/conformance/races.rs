//! Two at once on the same assignment: each sees what the other did.

use futures_util::future::{join, join_all};
use windlass_types::{AssignmentMove, AssignmentStatus, AttemptResult, JobStatus, JobType};

use crate::support::*;

const ROUNDS: usize = 12;

on_both! {
    async fn insertions_at_once_each_have_a_place(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let insertions = (0..20).map(|_| f.store.insert_jobs(made.assignment.id, None, vec![spec(JobType::Uat); 2], "tester".to_owned()));
        assert!(join_all(insertions).await.iter().all(Result::is_ok));
        let line = f.store.line(made.assignment.id).await.unwrap();
        assert_eq!(line.iter().map(|job| job.position).collect::<Vec<_>>(), (1..=41).collect::<Vec<_>>());
    }

    async fn a_cancel_beside_a_settlement_leaves_nothing_that_could_run(f: Fixture) {
        for _ in 0..ROUNDS {
            let made = submit(&f.store, reviewed(vec![spec(JobType::Implement), spec(JobType::Uat)])).await;
            let claimed = claim_one(&f.store).await;
            let cancel = f.store.move_assignment(made.assignment.id, AssignmentMove::Cancel, None, "tester".to_owned());
            let (settled, cancelled) = join(f.store.settle(end(&claimed, AttemptResult::Succeeded)), cancel).await;
            settled.unwrap();
            cancelled.unwrap();
            assert_eq!(f.store.assignment(made.assignment.id).await.unwrap().status, AssignmentStatus::Cancelled);
            let line = f.store.line(made.assignment.id).await.unwrap();
            assert!(line.iter().all(|job| job.status.is_final()), "{line:#?}");
        }
    }

    async fn a_cancel_beside_a_claim_is_never_lost(f: Fixture) {
        for _ in 0..ROUNDS {
            let made = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
            let cancel = f.store.move_assignment(made.assignment.id, AssignmentMove::Cancel, None, "tester".to_owned());
            let (claimed, cancelled) = join(f.store.claim(node(), LEASE_MS), cancel).await;
            cancelled.unwrap();
            assert_eq!(f.store.assignment(made.assignment.id).await.unwrap().status, AssignmentStatus::Cancelled);
            let job = f.store.job(made.jobs[0].id).await.unwrap();
            match claimed.unwrap() {
                Some(_) => assert_eq!((job.status, job.cancel_requested), (JobStatus::Running, true)),
                None => assert_eq!(job.status, JobStatus::Cancelled),
            }
        }
    }

    async fn everything_at_once_on_one_line_ends_in_order(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let id = made.assignment.id;
        let claimed = claim_one(&f.store).await;
        let (job, token) = (claimed.job.id, claimed.token);
        let heads = join_all((0..6).map(|n| f.store.set_head(job, token, format!("head-{n}"))));
        let effects = join_all((0..6).map(|iteration| {
            let effect = windlass_types::Effect { job_id: job, iteration, diff_hash: "d".to_owned(), check_hash: "c".to_owned() };
            f.store.add_effect(job, token, id, effect)
        }));
        let stages = join_all((1..=6).map(|n| f.store.note_stages(job, token, claimed.attempt.id, vec![began(n, windlass_types::Stage::Run)], None)));
        let beats = join_all((0..6).map(|_| f.store.heartbeat(vec![(job, token)], LEASE_MS)));
        let ((heads, effects), (stages, beats)) = join(join(heads, effects), join(stages, beats)).await;
        assert!(heads.iter().all(Result::is_ok) && effects.iter().all(Result::is_ok) && beats.iter().all(Result::is_ok));
        assert!(stages.iter().all(Result::is_ok));
        let numbers: Vec<_> = f.store.journal(claimed.attempt.id).await.unwrap().into_iter().map(|s| s.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        assert_eq!(f.store.effects(id).await.unwrap().len(), 6);
        assert_eq!(f.store.assignment(id).await.unwrap().spent.runs, 1);
    }
}
