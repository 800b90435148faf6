//! A process that is killed: what it acknowledged is there, and the numbers have no gap.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use futures_util::future::join_all;
use windlass_store::{EventFilter, OpenOptions, Store};
use windlass_types::{AssignmentId, AttemptResult, Clock, Ids, JobType};

use crate::support::*;

const PLACE: &str = "WINDLASS_TEST_STORE";

async fn open(url: String) -> Store {
    Store::open(OpenOptions { url, clock: Clock::system(), ids: Ids::random(Clock::system()) }).await.unwrap()
}

/// Ten kills, each after another number of acknowledgements, over one database.
#[tokio::test]
async fn what_a_killed_process_acknowledged_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let url = dir.path().join("windlass.db").display().to_string();
    let mut acknowledged = 0;
    for kill_after in (1..40).step_by(4) {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::a_process_that_writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(PLACE, &url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said: Vec<AssignmentId> = lines.by_ref().filter_map(|line| line.parse().ok()).take(kill_after).collect();
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What it still said before it died counts too.
        let said = said.into_iter().chain(lines.filter_map(|line| line.parse().ok())).collect::<Vec<_>>();
        assert!(said.len() >= kill_after);
        let store = open(url.clone()).await;
        for id in &said {
            assert_eq!(store.line(*id).await.unwrap().len(), 1);
        }
        acknowledged += said.len();
        let mut seen = 0;
        loop {
            let events = store.events_after(seen, EventFilter::default(), 500).await.unwrap();
            if events.is_empty() {
                break;
            }
            for event in events {
                assert_eq!(event.seq, seen + 1);
                seen = event.seq;
            }
        }
        // Whatever ran is found, and goes on.
        for (job, attempt) in store.orphans("node-1".to_owned()).await.unwrap() {
            assert_eq!(attempt.token, job.lease.unwrap().token);
        }
        store.close().await;
    }
    assert!(acknowledged > 100, "{acknowledged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "writes for ever; run by what_a_killed_process_acknowledged_is_there"]
async fn a_process_that_writes_until_it_is_killed() {
    let store = open(std::env::var(PLACE).unwrap()).await;
    let write = |store: Store| async move {
        loop {
            let made = submit(&store, wish(vec![spec(JobType::Plan)])).await;
            // One write to the pipe, so that half a line is never read.
            if std::io::stdout().write_all(format!("\n{}\n", made.assignment.id).as_bytes()).is_err() {
                return;
            }
            if let Some(claimed) = claim(&store).await {
                store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
            }
        }
    };
    join_all((0..4).map(|_| write(store.clone()))).await;
}
