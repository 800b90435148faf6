//! Claims: which job, for which worker, with which agent, and never twice.

use std::collections::BTreeSet;

use windlass_store::{NodeFacts, Submission};
use windlass_types::{AttemptResult, Harness, JobSpec, JobType, Policy, ProjectSettings};

use crate::support::*;

fn for_worker(name: &str) -> JobSpec {
    JobSpec { worker: Some(name.to_owned()), ..spec(JobType::Plan) }
}

on_both! {
    async fn the_older_job_runs_first_and_a_higher_priority_before_it(f: Fixture) {
        let old = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        f.age_jobs(5).await;
        let urgent = submit(&f.store, Submission { priority: 1, ..wish(vec![spec(JobType::Plan)]) }).await;
        let low = submit(&f.store, Submission { priority: -1, ..wish(vec![spec(JobType::Plan)]) }).await;
        for wanted in [urgent, old, low] {
            assert_eq!(claim_one(&f.store).await.job.id, wanted.jobs[0].id);
        }
    }

    async fn a_job_that_a_wrong_clock_put_off_is_pulled_in_and_one_that_backs_off_or_is_parked_is_not(f: Fixture) {
        let mut made = Vec::new();
        for _ in 0..3 {
            made.push(submit(&f.store, wish(vec![spec(JobType::Plan)])).await.jobs[0].id);
        }
        let (hour, minute) = (3_600_000, 60_000);
        f.sql(format!("UPDATE jobs SET due_at = due_at + {hour} WHERE id IN ('{}', '{}')", made[0], made[1])).await;
        f.sql(format!("UPDATE jobs SET park = '{{}}' WHERE id = '{}'", made[1])).await;
        f.sql(format!("UPDATE jobs SET due_at = due_at + {minute} WHERE id = '{}'", made[2])).await;
        assert!(claim(&f.store).await.is_none());
        assert_eq!(f.store.pull_in_due(hour / 2).await, Ok(1));
        assert_eq!(f.store.pull_in_due(hour / 2).await, Ok(0));
        assert_eq!(claim_one(&f.store).await.job.id, made[0]);
    }

    async fn a_job_that_names_a_worker_runs_there_only(f: Fixture) {
        let made = submit(&f.store, wish(vec![for_worker("marie")])).await;
        assert!(claim(&f.store).await.is_none());
        let marie = NodeFacts { workers: vec![worker("default", 0, 1), worker("marie", 1, 1)], ..node() };
        assert!(f.store.claim(marie, LEASE_MS).await.unwrap().is_none(), "she is busy");
        let marie = NodeFacts { workers: vec![worker("default", 0, 1), worker("marie", 0, 1)], ..node() };
        assert_eq!(f.store.claim(marie, LEASE_MS).await.unwrap().unwrap().job.id, made.jobs[0].id);
    }

    async fn the_best_job_over_all_free_workers_is_taken(f: Fixture) {
        let first = submit(&f.store, wish(vec![for_worker("b")])).await;
        f.age_jobs(5).await;
        let second = submit(&f.store, wish(vec![for_worker("a")])).await;
        let both = || NodeFacts { workers: vec![worker("a", 0, 9), worker("b", 0, 9)], ..node() };
        assert_eq!(f.store.claim(both(), LEASE_MS).await.unwrap().unwrap().job.id, first.jobs[0].id);
        assert_eq!(f.store.claim(both(), LEASE_MS).await.unwrap().unwrap().job.id, second.jobs[0].id);
    }

    async fn a_node_of_one_assignment_takes_no_other_job(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let own = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let facts = || NodeFacts { only_assignment: Some(own.assignment.id), ..node() };
        assert_eq!(f.store.claim(facts(), LEASE_MS).await.unwrap().unwrap().job.id, own.jobs[0].id);
        assert!(f.store.claim(facts(), LEASE_MS).await.unwrap().is_none());
    }

    async fn the_harness_is_the_nearest_wish(f: Fixture) {
        let settings = ProjectSettings { harness_defaults: [("plan".to_owned(), Harness::Gemini)].into(), ..ProjectSettings::default() };
        f.store.put_project("p".to_owned(), None, None, settings).await.unwrap();
        let in_p = |jobs| Submission { project: "p".to_owned(), ..wish(jobs) };
        submit(&f.store, in_p(vec![spec(JobType::Plan)])).await;
        assert_eq!(claim_one(&f.store).await.harness, Harness::Gemini);
        let policy = Policy { harness_defaults: [("default".to_owned(), Harness::Codex)].into(), ..Policy::default() };
        submit(&f.store, Submission { policy, ..in_p(vec![spec(JobType::Plan)]) }).await;
        assert_eq!(claim_one(&f.store).await.harness, Harness::Codex);
        submit(&f.store, in_p(vec![spec(JobType::Uat)])).await;
        assert_eq!(claim_one(&f.store).await.harness, Harness::Simulated);
    }

    async fn a_claim_brings_all_that_the_attempt_needs(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let first = claim_one(&f.store).await;
        f.store.settle(end(&first, failed(windlass_types::FailureKind::ApiError))).await.unwrap();
        let claimed = claim_one(&f.store).await;
        assert_eq!(f.store.job(made.jobs[0].id).await.unwrap(), claimed.job);
        assert_eq!(f.store.assignment(made.assignment.id).await.unwrap(), claimed.assignment);
        assert_eq!(f.store.attempt(claimed.attempt.id).await.unwrap(), claimed.attempt);
        assert_eq!(f.store.attempts(made.jobs[0].id).await.unwrap().len(), 2);
        assert_eq!(claimed.earlier.iter().map(|a| a.id).collect::<Vec<_>>(), [first.attempt.id]);
        assert_eq!(claimed.project.name, "scratch");
        assert_eq!(claimed.assignment.spent.runs, 2);
        let lease = claimed.job.lease.unwrap();
        assert_eq!((lease.token, lease.node.as_str()), (claimed.token, "node-1"));
        assert_eq!(claimed.token.generation, f.store.generation());
    }

    async fn a_batch_fills_the_free_slots_best_first_and_takes_one_job_of_a_line(f: Fixture) {
        let settings = ProjectSettings { max_concurrent: Some(1), ..ProjectSettings::default() };
        f.store.put_project("p".to_owned(), None, None, settings).await.unwrap();
        let mut wanted = Vec::new();
        for project in ["scratch", "p", "p", "scratch", "scratch"] {
            let two = vec![spec(JobType::Plan), spec(JobType::Plan)];
            wanted.push(submit(&f.store, Submission { project: project.to_owned(), ..wish(two) }).await.jobs[0].id);
            f.age_jobs(5).await;
        }
        let facts = || NodeFacts { workers: vec![worker("default", 1, 4), worker("marie", 0, 4)], ..node() };
        let batch = f.store.claim_many(facts(), LEASE_MS, 100).await.unwrap().jobs;
        let taken: Vec<_> = batch.iter().map(|claimed| claimed.job.id).collect();
        assert_eq!(taken, [wanted[0], wanted[1], wanted[3]], "three slots; the project's second job waits for its first");
        let tokens: BTreeSet<_> = batch.iter().map(|claimed| (claimed.job.id, claimed.token)).collect();
        assert_eq!(tokens.len(), 3);
        assert_eq!(f.store.claim_many(node(), LEASE_MS, 100).await.unwrap().jobs.len(), 1);
        assert!(f.store.claim_many(node(), LEASE_MS, 0).await.unwrap().jobs.is_empty());
    }

    async fn no_job_is_given_to_two_callers(f: Fixture) {
        let other = f.again().await;
        f.store.submit((0..40).map(|_| wish(vec![spec(JobType::Plan)])).collect()).await.unwrap();
        let taken = |store: windlass_store::Store| async move {
            let mut taken = Vec::new();
            // On PostgreSQL a claim may step back from rows that another one holds: ask until all are gone.
            while taken.len() < 40 {
                match store.claim(node(), LEASE_MS).await.unwrap() {
                    Some(claimed) => taken.push(claimed.job.id),
                    None if store.counts().await.unwrap().queued_by_worker.is_empty() => break,
                    None => tokio::task::yield_now().await,
                }
            }
            taken
        };
        let all = futures_util::future::join_all([taken(f.store.clone()), taken(f.store.clone()), taken(other.clone()), taken(other)]).await;
        let all: Vec<_> = all.into_iter().flatten().collect();
        assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (40, 40));
    }

    async fn a_waiting_job_outgrows_a_priority_in_time(f: Fixture) {
        let old = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        // One step of priority outweighs ten minutes.
        f.age_jobs(10 * 60_000 + 1_000).await;
        let urgent = submit(&f.store, Submission { priority: 1, ..wish(vec![spec(JobType::Plan)]) }).await;
        assert_eq!(claim_one(&f.store).await.job.id, old.jobs[0].id);
        assert_eq!(claim_one(&f.store).await.job.id, urgent.jobs[0].id);
    }

    async fn a_back_off_holds_until_it_is_over(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Plan)])).await;
        let claimed = claim_one(&f.store).await;
        let request = windlass_store::SettleRequest { jitter: 1.0, ..end(&claimed, failed(windlass_types::FailureKind::ApiError)) };
        let request = windlass_store::SettleRequest { retry: windlass_types::RetryPolicy { initial_delay_ms: 60_000, ..request.retry }, ..request };
        let settled = f.store.settle(request).await.unwrap();
        assert!(claim(&f.store).await.is_none(), "not even the next job of the line");
        assert_eq!(f.store.next_due().await.unwrap().map(|due| due.at), Some(settled.job.due_at));
        f.age_jobs(60_001).await;
        assert_eq!(claim_one(&f.store).await.job.id, claimed.job.id);
        assert_eq!(f.store.next_due().await.unwrap(), None);
        f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap_err();
    }

    async fn a_row_that_cannot_be_read_holds_up_no_other(f: Fixture) {
        let odd = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        f.age_jobs(5).await;
        let good = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        f.sql(format!("UPDATE jobs SET spec = '{{\"type\": \"dream\"}}' WHERE id = '{}'", odd.jobs[0].id)).await;
        assert_eq!(claim_one(&f.store).await.job.id, good.jobs[0].id);
        assert!(claim(&f.store).await.is_none());
        assert!(matches!(f.store.job(odd.jobs[0].id).await, Err(windlass_store::StoreError::Corrupt(_))));
    }
}
