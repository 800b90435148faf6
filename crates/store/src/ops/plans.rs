//! What the engine asks all the time costs the same however much waits: its plans on SQLite, and their steps.

use rusqlite::StatementStatus;
use windlass_types::{Budget, Clock, Harness, Ids, JobSpec, Policy, SCRATCH, Slots, Timestamp};

use super::candidates::{Candidates, Shared};
use super::claim::WorkerSlots;
use super::control::blocked_sql;
use super::jobs::next_due_sql;
use crate::sql::{Dialect, Value, values};
use crate::{OpenOptions, Store, Submission};

const NOW_MS: i64 = 1_700_000_000_000;

fn wish(jobs: usize) -> Submission {
    Submission {
        key: None,
        project: SCRATCH.to_owned(),
        north_star: "much".to_owned(),
        source: "test".to_owned(),
        policy: Policy::default(),
        budget: Budget::default(),
        node_budget: Budget::default(),
        priority: 0,
        base_branch: None,
        jobs: vec![JobSpec::default(); jobs],
        by: "tester".to_owned(),
    }
}

/// A question's plan, its rows and its steps with that many lines of two jobs waiting.
async fn ask(lines: usize, sql: &str, params: &[Value]) -> (String, usize, i32) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let url = dir.path().join("windlass.db").display().to_string();
    let clock = Clock::manual(Timestamp(NOW_MS));
    let options = OpenOptions { url: url.clone(), clock: clock.clone(), ids: Ids::seeded(clock, 1) };
    let store = Store::open(options).await.expect("the store opens");
    store.submit((0..lines).map(|_| wish(2)).collect()).await.expect("submitted");
    let db = rusqlite::Connection::open(&url).expect("the file opens");
    let bound = |sql: &str| {
        let mut statement = db.prepare(sql).expect("prepared");
        for (index, value) in (1..=statement.parameter_count()).zip(params) {
            statement.raw_bind_parameter(index, value).expect("bound");
        }
        statement
    };
    let mut plan = bound(&format!("EXPLAIN QUERY PLAN {sql}"));
    let mut rows = plan.raw_query();
    let mut text = String::new();
    while let Some(row) = rows.next().expect("a row") {
        text += &row.get::<_, String>(3).expect("its detail");
        text.push('\n');
    }
    let mut statement = bound(sql);
    let mut found = 0;
    let mut rows = statement.raw_query();
    while rows.next().expect("a row").is_some() {
        found += 1;
    }
    drop(rows);
    (text, found, statement.get_status(StatementStatus::VmStep))
}

/// Asks with few and with many lines waiting: the plan is by this index, and the steps are the same.
async fn costs_the_same(sql: &str, params: &[Value], index: &str, rows: usize) {
    let (plan, found, few) = ask(100, sql, params).await;
    assert!(plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
    assert_eq!(found, rows);
    let (_, _, many) = ask(5_000, sql, params).await;
    assert!(many < few * 2, "{few} steps with 100 lines waiting, {many} with 5,000: {plan}");
}

#[tokio::test]
async fn a_claim_reads_the_head_of_the_queue_and_not_all_of_it() {
    let worker = WorkerSlots { name: "default".to_owned(), slots: Slots { running: 0, limit: 1 }, harness: None };
    let shared = Shared { closed_projects: vec!["closed".to_owned()], parked: vec![Harness::Codex], parked_pairs: Vec::new() };
    let (sql, params) = Candidates::of(&worker, None, &shared, 10).statement(NOW_MS);
    costs_the_same(&sql, &params, "jobs_ready", 13).await;
}

#[tokio::test]
async fn the_next_due_job_is_found_without_looking_at_those_that_are_due() {
    costs_the_same(&next_due_sql(Dialect::Sqlite), values![Timestamp(NOW_MS)], "jobs_due", 0).await;
}

#[tokio::test]
async fn what_is_blocked_is_counted_without_a_look_at_all_that_waits() {
    let (plan, found, few) = ask(100, &blocked_sql(Dialect::Sqlite), &[]).await;
    assert!(plan.contains("assignments_status") && plan.contains("jobs_line") && !plan.contains("SCAN"), "{plan}");
    let (_, _, many) = ask(5_000, &blocked_sql(Dialect::Sqlite), &[]).await;
    assert!(found == 0 && many < few * 2, "{few} steps with 100 lines waiting, {many} with 5,000: {plan}");
}

#[tokio::test]
async fn a_line_that_waits_for_one_lock_is_passed_over_in_few_statements() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let clock = Clock::manual(Timestamp(NOW_MS));
    let url = dir.path().join("windlass.db").display().to_string();
    let store = Store::open(OpenOptions { url, clock: clock.clone(), ids: Ids::seeded(clock, 1) }).await.expect("the store opens");
    let locking = || Submission { policy: Policy { locks: vec!["src/".to_owned()], ..Policy::default() }, ..wish(1) };
    store.submit((0..2_000).map(|_| locking()).collect()).await.expect("submitted");
    store.submit(vec![wish(1)]).await.expect("submitted");
    let slots = Slots { running: 0, limit: 10 };
    let facts = super::NodeFacts {
        workers: vec![WorkerSlots { name: "default".to_owned(), slots, harness: Some(Harness::Simulated) }],
        ..super::NodeFacts::default()
    };
    // The first of the line, and the one behind all of it that locks nothing.
    assert_eq!(store.claim_many(facts.clone(), 30_000, 10).await.expect("claimed").jobs.len(), 2);
    let held = store.read(|w| super::locks::Held::read(w, None)).await.expect("read");
    let pages = store
        .read(move |w| {
            let ground = super::world::Ground::read(w)?;
            let shared = Shared::read(w, &facts, &ground)?;
            let mut line = Candidates::of(&facts.workers[0], None, &shared, 10);
            assert!(line.peek(w, Some(&held))?.is_none(), "all that is left waits");
            Ok(line.pages())
        })
        .await
        .expect("read");
    assert!(pages <= 7, "{pages} pages for 1,999 jobs that wait");
}
