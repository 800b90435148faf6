//! Opening: a crash, a later schema, somebody else's tables, a disk that is full or not writable.

use windlass_store::{OpenOptions, Store, StoreError};
use windlass_types::{Clock, Ids, JobStatus, JobType};

use crate::support::*;

async fn try_open(url: &str) -> Result<Store, StoreError> {
    Store::open(OpenOptions { url: url.to_owned(), clock: Clock::system(), ids: Ids::random(Clock::system()) }).await
}

on_both! {
    async fn what_was_answered_is_there_after_a_crash(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let claimed = claim_one(&f.store).await;
        // No close: as if the process were gone.
        let next = f.again().await;
        assert_eq!(next.generation(), f.store.generation() + 1);
        assert_eq!(next.job(made.jobs[0].id).await.unwrap().status, JobStatus::Running);
        let orphans = next.orphans("node-2".to_owned()).await.unwrap();
        if next.is_postgres() {
            assert!(orphans.is_empty(), "another node may run it: its lease has to end first");
        } else {
            assert_eq!(orphans.iter().map(|(job, attempt)| (job.id, attempt.id)).collect::<Vec<_>>(), [(claimed.job.id, claimed.attempt.id)]);
        }
    }

    async fn a_closed_store_has_done_what_it_took_and_takes_no_more(f: Fixture) {
        let calls = (0..20).map(|_| f.store.submit(vec![wish(vec![spec(JobType::Plan)])]));
        let (made, ()) = futures_util::future::join(futures_util::future::join_all(calls), f.store.close()).await;
        let done = made.iter().filter(|r| r.is_ok()).count() as u64;
        assert!(matches!(f.store.counts().await, Err(StoreError::Unavailable(_))));
        assert_eq!(f.again().await.counts().await.unwrap().jobs.get(&JobStatus::Queued).copied().unwrap_or(0), done);
    }

    async fn a_schema_that_needs_a_later_binary_is_refused(f: Fixture) {
        f.store.close().await;
        f.sql("UPDATE schema_meta SET version = 99, min_binary = 98".to_owned()).await;
        assert!(matches!(try_open(&f.url).await.err(), Some(StoreError::TooNew { min_binary: 98, .. })));
        f.sql("UPDATE schema_meta SET version = 99, min_binary = 1".to_owned()).await;
        try_open(&f.url).await.expect("an older binary goes on with a schema that only grew");
    }

    async fn somebody_elses_tables_are_left_alone(f: Fixture) {
        f.store.close().await;
        f.sql("ALTER TABLE schema_meta RENAME TO other".to_owned()).await;
        assert!(matches!(try_open(&f.url).await, Err(StoreError::Foreign(_))));
        f.sql("CREATE TABLE schema_meta (name TEXT)".to_owned()).await;
        assert!(matches!(try_open(&f.url).await, Err(StoreError::Foreign(_))));
    }

    async fn the_write_probe_says_that_all_is_well(f: Fixture) {
        assert_eq!(f.store.check().await, Ok(()));
        assert_eq!(f.store.last_seq().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn connections_that_are_cut_are_made_again() {
    let Some(f) = Fixture::postgres().await else { return };
    submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
    let database = f.database.as_ref().unwrap();
    assert!(database.break_connections().await.unwrap() > 0);
    // The operation that meets the cut may fail, with a typed error; the next ones go through, each thread by its own.
    for _ in 0..8 {
        match f.store.counts().await {
            Ok(counts) => assert_eq!(counts.jobs[&JobStatus::Queued], 1),
            Err(e) => assert!(matches!(e, StoreError::Unavailable(_)), "{e}"),
        }
    }
    submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_so() {
    assert!(matches!(try_open("postgres://nobody@127.0.0.1:1/none").await, Err(StoreError::Unavailable(_))));
    assert!(matches!(try_open("postgres://host:port/name").await, Err(StoreError::Invalid(_))));
}

#[tokio::test]
async fn a_path_that_cannot_be_written_is_refused() {
    assert!(matches!(try_open("/proc/none/windlass.db").await, Err(StoreError::ReadOnly(_))));
    assert!(matches!(try_open("sqlite::memory:").await, Err(StoreError::Invalid(_))));
    assert!(matches!(try_open("mysql://host/db").await, Err(StoreError::Invalid(_))));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(&path, "these are my notes, and no database at all\n".repeat(50)).unwrap();
    assert!(matches!(try_open(&path.display().to_string()).await, Err(StoreError::Foreign(_))));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("these are my notes"));
}

#[tokio::test]
async fn the_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let f = Fixture::sqlite().await.unwrap();
    for suffix in ["", "-wal"] {
        let mode = std::fs::metadata(format!("{}{suffix}", f.url)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn a_file_with_another_name_is_refused_by_both_until_that_is_gone() {
    let f = Fixture::sqlite().await.unwrap();
    f.store.close().await;
    let other = format!("{}.other", f.url);
    std::fs::hard_link(&f.url, &other).unwrap();
    for path in [&f.url, &other] {
        let refused = try_open(path).await.err();
        assert_eq!(refused, Some(StoreError::Linked { path: path.clone(), links: 2 }));
        assert!(refused.unwrap().to_string().contains("remove the other names"));
    }
    std::fs::remove_file(other).unwrap();
    try_open(&f.url).await.unwrap();
}
