//! Much at once: groups, and long queues.

use futures_util::future::join_all;
use windlass_types::{JobStatus, JobType};

use crate::support::*;

/// How many transactions the write-ahead log of a SQLite file holds: the last frame of each says the database's size.
fn commits_in_log(path: &str) -> usize {
    let log = std::fs::read(format!("{path}-wal")).unwrap();
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let (page, salt) = (word(8) as usize, log[16..24].to_vec());
    let frames = log[32..].chunks_exact(24 + page);
    frames.take_while(|frame| frame[8..16] == salt).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn writes_that_wait_together_share_one_transaction() {
    let f = Fixture::sqlite().await.unwrap();
    let before = commits_in_log(&f.url);
    // Somebody else holds the file, so the first write waits and the others queue up behind it.
    let other = rusqlite::Connection::open(&f.url).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut all = std::pin::pin!(join_all((0..200).map(|_| f.store.submit(vec![wish(vec![spec(JobType::Plan)])]))));
    assert!(futures_util::poll!(&mut all).is_pending(), "all are sent, none is answered");
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    assert!(all.await.iter().all(Result::is_ok));
    let commits = commits_in_log(&f.url) - before;
    assert!((1..=4).contains(&commits), "200 submissions took {commits} transactions");
}

#[tokio::test]
async fn one_refused_write_of_a_group_leaves_the_others_alone() {
    let f = Fixture::sqlite().await.unwrap();
    let submissions = (0..50).map(|n| {
        let mut submission = wish(vec![spec(JobType::Plan)]);
        if n % 5 == 0 {
            submission.project = "nowhere".to_owned();
        }
        f.store.submit(vec![submission])
    });
    let outcomes = join_all(submissions).await;
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 40);
    assert_eq!(f.store.counts().await.unwrap().jobs[&JobStatus::Queued], 40);
    assert_eq!(f.store.last_seq().await.unwrap(), 80, "the refused ones took no number");
}

#[tokio::test]
async fn ten_thousand_waiting_jobs_are_claimed_in_order() {
    let f = Fixture::sqlite().await.unwrap();
    let made = f.store.submit((0..10_000).map(|_| wish(vec![spec(JobType::Plan)])).collect()).await.unwrap();
    for wanted in made.iter().take(50) {
        assert_eq!(claim_one(&f.store).await.job.id, wanted.jobs[0].id, "in the order in which they were given");
    }
}
