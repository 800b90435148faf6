//! The life of a job: submitted, claimed, settled.

use windlass_types::{AssignmentStatus, AttemptResult, AttemptStatus, JobStatus, JobType};

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
}
