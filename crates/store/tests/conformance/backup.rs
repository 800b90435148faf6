//! Export and import: every row comes back, on either database, and nothing that was promised since can be mistaken for what is promised
//! from now on.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex};

use windlass_store::{Access, EventFilter, Exported, Import, OpenOptions, Store, StoreError, import};
use windlass_types::{AttemptResult, AuditEntry, Clock, EventKind, Ids, JobStatus, JobType, Timestamp};

use crate::support::*;

pub(crate) type Rows = BTreeMap<String, Vec<String>>;

pub(crate) async fn export(store: &Store) -> (Exported, Rows) {
    let rows = Arc::new(Mutex::new(Rows::new()));
    let sink = Arc::clone(&rows);
    let exported = store
        .export(move |table, row| {
            sink.lock().unwrap().entry(table.to_owned()).or_default().push(row.to_owned());
            Ok(())
        })
        .await
        .unwrap();
    let rows = rows.lock().unwrap().clone();
    (exported, rows)
}

pub(crate) fn options(url: &str) -> OpenOptions {
    let clock = Clock::manual(START);
    OpenOptions { url: url.to_owned(), clock: clock.clone(), ids: Ids::random(clock) }
}

async fn bring_back(url: &str, exported: &Exported, rows: &Rows) -> Result<(), StoreError> {
    bring_back_over(url, exported, rows, None).await
}

async fn bring_back_over(url: &str, exported: &Exported, rows: &Rows, aside: Option<String>) -> Result<(), StoreError> {
    let of_seven = Exported { at: Timestamp(7), ..exported.clone() };
    bring_back_in_place(url, &of_seven, rows, aside, None).await.map(drop)
}

/// Writes a backup into a database, in place of PostgreSQL's own tables or of SQLite's file.
pub(crate) async fn bring_back_in_place(
    url: &str,
    exported: &Exported,
    rows: &Rows,
    aside: Option<String>,
    replaced: Option<String>,
) -> Result<Access, StoreError> {
    let (options, exported, rows) = (options(url), exported.clone(), rows.clone());
    let imported = tokio::task::spawn_blocking(move || {
        let mut open = |table: &str| {
            let text = rows.get(table).map(|rows| rows.join("\n")).unwrap_or_default();
            Ok(Box::new(Cursor::new(text)) as Box<dyn std::io::BufRead>)
        };
        let (from, line) = ("a test".to_owned(), line("restorer"));
        let (schema, tables, made_at) = (exported.schema, exported.tables.as_slice(), exported.at);
        import(&options, Import { schema, tables, rows: &mut open, from, made_at, line, aside, replaced })
    });
    imported.await.unwrap()
}

/// A line of the audit log.
pub(crate) fn line(who: &str) -> AuditEntry {
    AuditEntry {
        id: String::new(),
        at: Timestamp(0),
        who: who.to_owned(),
        via: "owner".to_owned(),
        action: "restore_backup".to_owned(),
        method: String::new(),
        path: "/backup".to_owned(),
        status: 200,
        peer: "test".to_owned(),
    }
}

/// A store with work in every state, one job of it running.
async fn filled(f: &Fixture) -> windlass_store::Claimed {
    submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Implement)])).await;
    let claimed = claim_one(&f.store).await;
    f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
    submit(&f.store, reviewed(vec![spec(JobType::Plan)])).await;
    let running = claim_one(&f.store).await;
    f.store.note_stages(running.job.id, running.token, running.attempt.id, Vec::new(), Some("a".repeat(64))).await.unwrap();
    running
}

async fn comes_back_on(f: &Fixture, url: &str) {
    let running = filled(f).await;
    let told = f.store.last_seq().await.unwrap();
    let before = f.store.events_after(0, EventFilter::default(), 500).await.unwrap();
    let (exported, rows) = export(&f.store).await;
    bring_back(url, &exported, &rows).await.unwrap();

    let options = options(url);
    let store = Store::open(OpenOptions { clock: f.clock.clone(), ..options }).await.unwrap();
    let (_, again) = export(&store).await;
    for (table, rows) in &rows {
        if !["events", "control", "jobs", "duties", "nodes"].contains(&table.as_str()) {
            assert_eq!(again.get(table), Some(rows), "{table}");
        }
    }
    assert_eq!(again["jobs"].len(), rows["jobs"].len());
    assert_eq!(store.backed_up_at().await.unwrap(), Some(Timestamp(7)), "it is its own backup");
    let events = store.events_after(0, EventFilter::default(), 500).await.unwrap();
    assert_eq!(events[..events.len() - 1], before);
    let last = events.last().unwrap();
    assert_eq!(last.kind, EventKind::Restored);
    assert!(last.seq > told + 1_000_000, "a reader of the lost history finds no number that it knows");

    let orphans = store.orphans("node-1".to_owned()).await.unwrap();
    assert_eq!(orphans.iter().map(|(job, _)| job.id).collect::<Vec<_>>(), [running.job.id], "its worker is not there: at once free");
    assert!(store.generation() > f.store.generation() + 1000, "no token is given twice");
    let (job, attempt) = orphans[0].clone();
    let mut lost = end(&running, failed(windlass_types::FailureKind::WorkerLost));
    lost.attempt_id = attempt.id;
    store.settle(lost).await.unwrap();
    assert_eq!(store.job(job.id).await.unwrap().status, JobStatus::Queued);
    assert_eq!(store.settle(end(&running, AttemptResult::Succeeded)).await, Err(StoreError::Stale { job: job.id }));
    store.close().await;
}

on_both! {
    async fn everything_comes_back_on_sqlite(f: Fixture) {
        let dir = tempfile::TempDir::new().unwrap();
        comes_back_on(&f, &dir.path().join("new.db").display().to_string()).await;
    }

    async fn everything_comes_back_on_postgresql(f: Fixture) {
        if let Some(database) = crate::database::fresh().await {
            comes_back_on(&f, database.url()).await;
        }
    }

    async fn what_is_there_moves_aside_with_the_new_rows_or_not_at_all(f: Fixture) {
        let Some(database) = crate::database::fresh().await else { return };
        filled(&f).await;
        let (exported, mut rows) = export(&f.store).await;
        bring_back(database.url(), &exported, &rows).await.unwrap();
        let old = async || {
            let store = Store::open(options(database.url())).await.unwrap();
            let jobs = export(&store).await.1["jobs"].len();
            store.close().await;
            jobs
        };
        let before = old().await;
        let over = |rows: &Rows| {
            let (url, exported, rows) = (database.url().to_owned(), exported.clone(), rows.clone());
            async move { bring_back_over(&url, &exported, &rows, Some("old_ones".to_owned())).await }
        };
        let last = rows.get_mut("jobs").unwrap().pop().unwrap();
        // By the count of its rows, or by what refers to the one that is missing.
        assert!(over(&rows).await.is_err(), "it breaks off in the middle");
        assert_eq!(old().await, before, "and all is as it was");
        rows.get_mut("jobs").unwrap().push(last);
        assert!(matches!(bring_back(database.url(), &exported, &rows).await, Err(StoreError::Conflict(_))));
        over(&rows).await.unwrap();
        assert_eq!(old().await, before);
    }

    async fn an_export_is_of_one_moment_while_others_write(f: Fixture) {
        let store = f.store.clone();
        let (over, mut stop) = tokio::sync::watch::channel(false);
        let writer = tokio::spawn(async move {
            while !*stop.borrow_and_update() {
                submit(&store, wish(vec![spec(JobType::Plan)])).await;
            }
        });
        for _ in 0..5 {
            let (_, rows) = export(&f.store).await;
            let of = |table: &str| rows.get(table).map_or(0, Vec::len);
            assert_eq!(of("jobs"), of("assignments"));
            assert_eq!(of("events"), of("jobs"), "the events of each are one row, made with it");
        }
        over.send_replace(true);
        writer.await.unwrap();
    }

    async fn a_later_schema_and_a_damaged_table_are_refused(f: Fixture) {
        filled(&f).await;
        let (exported, mut rows) = export(&f.store).await;
        let dir = tempfile::TempDir::new().unwrap();
        let url = dir.path().join("new.db").display().to_string();
        let later = Exported { schema: 9999, ..exported.clone() };
        assert!(matches!(bring_back(&url, &later, &rows).await, Err(StoreError::TooNew { .. })));
        rows.get_mut("jobs").unwrap().pop();
        assert!(matches!(bring_back(&url, &exported, &rows).await, Err(StoreError::Corrupt(_))));
        rows.get_mut("jobs").unwrap().push("[1]".to_owned());
        assert!(matches!(bring_back(&url, &exported, &rows).await, Err(StoreError::Corrupt(_))));
    }

    async fn the_database_tells_its_size_and_that_it_is_whole(f: Fixture) {
        filled(&f).await;
        f.store.optimize().await.unwrap();
        let facts = f.store.database().await.unwrap();
        assert!(facts.size_bytes > 0 && facts.schema > 0, "{facts:?}");
        assert_eq!(f.store.quick_check(std::time::Duration::from_mins(1)).await.unwrap(), windlass_store::QuickCheck::Whole);
    }
}
