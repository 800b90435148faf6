//! Holds: what explains and what claims are one rule.

use std::collections::BTreeMap;

use windlass_store::{JobFilter, NodeFacts, SettleRequest, Store, Submission};
use windlass_types::{
    AssignmentMove, AttemptResult, Block, Budget, Clock, FailureKind, Harness, HoldKind, Ids, Job, JobSpec, JobStatus, JobType,
    ProjectSettings, Timestamp,
};

use crate::support::*;

async fn kind(store: &Store, job: &Job, facts: NodeFacts) -> Option<HoldKind> {
    store.explain(job.id, facts).await.unwrap().map(|hold| hold.kind)
}

on_both! {
    async fn each_hold_is_explained(f: Fixture) {
        let store = &f.store;
        let made = submit(store, wish(vec![spec(JobType::Plan), spec(JobType::Implement)])).await;
        let (first, second) = (&made.jobs[0], &made.jobs[1]);
        assert_eq!(kind(store, first, node()).await, None);
        assert_eq!(kind(store, second, node()).await, Some(HoldKind::Predecessor));
        assert_eq!(kind(store, first, NodeFacts { workers: vec![], ..node() }).await, Some(HoldKind::NoWorker));
        assert_eq!(kind(store, first, NodeFacts { workers: vec![worker("default", 2, 2)], ..node() }).await, Some(HoldKind::WorkerBusy));
        assert_eq!(kind(store, first, NodeFacts { storage: Some("full".to_owned()), ..node() }).await, Some(HoldKind::Storage));
        store.set_paused(true, "tester".to_owned()).await.unwrap();
        assert_eq!(kind(store, first, node()).await, Some(HoldKind::Paused));
        store.set_paused(false, "tester".to_owned()).await.unwrap();
        store.set_budget(made.assignment.id, Budget { runs: Some(0), ..Budget::default() }, "tester".to_owned()).await.unwrap();
        assert_eq!(kind(store, first, node()).await, Some(HoldKind::Budget));
        store.set_budget(made.assignment.id, Budget::default(), "tester".to_owned()).await.unwrap();
        let claimed = claim_one(store).await;
        assert_eq!(kind(store, first, node()).await, None, "it runs");
        assert_eq!(kind(store, second, node()).await, Some(HoldKind::Predecessor));
        let late = SettleRequest { jitter: 1.0, ..end(&claimed, failed(FailureKind::ApiError)) };
        store.settle(SettleRequest { retry: windlass_types::RetryPolicy { initial_delay_ms: 60_000, ..late.retry }, ..late }).await.unwrap();
        assert_eq!(kind(store, first, node()).await, Some(HoldKind::Backoff));
        store.move_assignment(made.assignment.id, AssignmentMove::Complete, None, "tester".to_owned()).await.unwrap();
        assert_eq!(kind(store, first, node()).await, Some(HoldKind::AssignmentOver));
    }

    async fn the_budget_of_a_job_holds_that_job(f: Fixture) {
        let budget = Budget { runs: Some(1), ..Budget::default() };
        submit(&f.store, wish(vec![JobSpec { budget, ..spec(JobType::Plan) }])).await;
        let claimed = claim_one(&f.store).await;
        f.store.settle(end(&claimed, AttemptResult::HandedBack)).await.unwrap();
        assert_eq!(kind(&f.store, &claimed.job, node()).await, Some(HoldKind::Budget));
        assert!(claim(&f.store).await.is_none());
    }

    async fn a_project_runs_as_many_jobs_as_it_may(f: Fixture) {
        let settings = ProjectSettings { max_concurrent: Some(1), ..ProjectSettings::default() };
        f.store.put_project("one".to_owned(), None, None, settings).await.unwrap();
        let in_one = || Submission { project: "one".to_owned(), ..wish(vec![spec(JobType::Plan)]) };
        submit(&f.store, in_one()).await;
        f.age_jobs(5).await;
        let second = submit(&f.store, in_one()).await;
        let first = claim_one(&f.store).await;
        assert!(claim(&f.store).await.is_none());
        assert_eq!(kind(&f.store, &second.jobs[0], node()).await, Some(HoldKind::ProjectBusy));
        f.store.settle(end(&first, AttemptResult::Succeeded)).await.unwrap();
        assert_eq!(claim_one(&f.store).await.job.id, second.jobs[0].id);
    }

    async fn a_claim_gives_a_job_exactly_when_nothing_holds_one(f: Fixture) {
        let seeds = if f.store.is_postgres() { 3 } else { 25 };
        for seed in 0..seeds {
            let dice = Dice(Ids::seeded(Clock::system(), seed));
            fill(&f.store, &dice, seed).await;
            let mut facts = node();
            facts.workers = vec![worker("default", dice.below(2), 1 + dice.below(2)), worker("marie", 0, dice.below(2))];
            facts.workers[0].harness = [None, Some(Harness::Codex), Some(Harness::Simulated)][dice.below(3) as usize];
            loop {
                let queued = JobFilter { status: vec![JobStatus::Queued], ..JobFilter::default() };
                let mut free = Vec::new();
                for job in f.store.jobs(queued, None, 500).await.unwrap().items {
                    if f.store.explain(job.id, facts.clone()).await.unwrap().is_none() {
                        free.push((job.created_at.0 - i64::from(job.priority) * 600_000, job.id));
                    }
                }
                let best = free.into_iter().min().map(|(_, id)| id);
                let claimed = f.store.claim(facts.clone(), LEASE_MS).await.unwrap().map(|claimed| claimed.job.id);
                assert_eq!(claimed, best, "seed {seed}");
                if claimed.is_none() {
                    break;
                }
            }
            for harness in Harness::ALL {
                f.store.unpark_harness(harness, "tester".to_owned()).await.unwrap();
            }
            f.store.set_paused(false, "tester".to_owned()).await.unwrap();
        }
    }

    async fn what_holds_the_queue_is_told_of_the_first_that_are_due_and_how_many_there_are_beside(f: Fixture) {
        for _ in 0..5 {
            submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Implement)])).await;
        }
        let held = f.store.held(node(), 4).await.unwrap();
        assert_eq!((held.kinds.values().sum::<u64>(), held.beyond), (4, 6), "{held:?}");
        let held = f.store.held(node(), 1000).await.unwrap();
        assert_eq!((held.kinds[&HoldKind::Ready], held.kinds[&HoldKind::Predecessor], held.beyond), (5, 5, 0), "{held:?}");
    }

    async fn a_job_whose_assignment_is_blocked_is_in_no_workers_queue(f: Fixture) {
        let [first, _] = [submit(&f.store, wish(vec![spec(JobType::Plan)])).await, submit(&f.store, wish(vec![spec(JobType::Plan)])).await];
        let queued = async || f.store.counts().await.unwrap().queued_by_worker.get("default").copied();
        assert_eq!(queued().await, Some(2));
        let block = Block { owner: "ann".to_owned(), action: "look".to_owned(), reason: "no key".to_owned(), kind: None };
        f.store.move_assignment(first.assignment.id, AssignmentMove::Block, Some(block), "tester".to_owned()).await.unwrap();
        assert_eq!(queued().await, Some(1));
        assert_eq!(f.store.counts().await.unwrap().jobs[&JobStatus::Queued], 2, "it is there all the same");
    }
}

struct Dice(Ids);

impl Dice {
    fn below(&self, n: u32) -> u32 {
        (self.0.bits() % u64::from(n)) as u32
    }
}

/// A small world in which anything may hold anything.
async fn fill(store: &Store, dice: &Dice, seed: u64) {
    let me = || "tester".to_owned();
    let names = [format!("near-{seed}"), format!("far-{seed}"), format!("small-{seed}")];
    for (name, repo) in names.iter().zip([None, Some("git@host:a/b.git"), Some("/srv/a")]) {
        let settings = ProjectSettings {
            max_concurrent: name.starts_with("small").then_some(1 + dice.below(2)),
            harness_defaults: if dice.below(2) == 0 { [("plan".to_owned(), Harness::Gemini)].into() } else { BTreeMap::new() },
            ..ProjectSettings::default()
        };
        store.put_project(name.clone(), repo.map(str::to_owned), None, settings).await.unwrap();
    }
    for _ in 0..6 {
        let jobs = (0..dice.below(4)).map(|_| JobSpec {
            worker: (dice.below(3) == 0).then(|| ["marie", "nobody"][dice.below(2) as usize].to_owned()),
            harness: (dice.below(4) == 0).then_some(Harness::Gemini),
            budget: Budget { runs: (dice.below(5) == 0).then(|| dice.below(2)), ..Budget::default() },
            ..spec([JobType::Plan, JobType::Implement][dice.below(2) as usize])
        });
        let submission = Submission {
            project: names[dice.below(3) as usize].clone(),
            priority: dice.below(3) as i32 - 1,
            budget: Budget { runs: (dice.below(5) == 0).then(|| dice.below(2)), ..Budget::default() },
            ..wish(jobs.collect())
        };
        let made = submit(store, submission).await;
        let block = Block { owner: me(), action: me(), reason: me(), kind: None };
        match dice.below(8) {
            0 => drop(store.move_assignment(made.assignment.id, AssignmentMove::Block, Some(block), me()).await.unwrap()),
            1 => drop(store.move_assignment(made.assignment.id, AssignmentMove::Cancel, None, me()).await.unwrap()),
            2 => drop(store.move_assignment(made.assignment.id, AssignmentMove::Complete, None, me()).await.unwrap()),
            _ => {}
        }
    }
    // One job ends in some way; sometimes a harness is parked by it.
    if let Some(claimed) = claim(store).await {
        let kinds = [FailureKind::ApiError, FailureKind::RateLimited, FailureKind::NotLoggedIn, FailureKind::NoChange];
        let mut request = end(&claimed, failed(kinds[dice.below(4) as usize]));
        let harness = [Harness::Simulated, Harness::Gemini, Harness::Codex][dice.below(3) as usize];
        request.park_harness = (dice.below(2) == 0).then(|| (harness, Timestamp(9_000_000_000_000), "quota".to_owned()));
        request.jitter = f64::from(dice.below(2));
        // Due at once or not while this test runs.
        request.retry = windlass_types::RetryPolicy { initial_delay_ms: 3_600_000, max_delay_ms: 3_600_000, ..request.retry };
        store.settle(request).await.unwrap();
    }
    store.set_paused(dice.below(8) == 0, me()).await.unwrap();
}
