//! A disk that is full: refused with a typed error, nothing acknowledged is lost, and work goes on once there is room.

use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use windlass_store::StoreError;
use windlass_types::{JobStatus, JobType};

use crate::support::*;

/// The test below limits its whole process, so it runs in one of its own, with the signal ignored that such a limit sends.
#[test]
fn a_full_disk_is_survived() {
    let script = "trap '' XFSZ; exec \"$0\" --exact disk::in_a_process_of_its_own --ignored --nocapture --test-threads=1";
    let run = Command::new("sh").arg("-c").arg(script).arg(std::env::current_exe().unwrap()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}

fn limit_files_to(bytes: Option<u64>) {
    let now = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(now.maximum), maximum: now.maximum }).unwrap();
}

#[tokio::test]
#[ignore = "limits the whole process; run by a_full_disk_is_survived"]
async fn in_a_process_of_its_own() {
    let f = Fixture::sqlite().await.unwrap();
    submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
    let size = |suffix: &str| std::fs::metadata(format!("{}{suffix}", f.url)).unwrap().len();
    limit_files_to(Some(size("").max(size("-wal")) + 100_000));
    let (mut kept, mut refused) = (1, 0);
    while refused < 20 {
        let long = windlass_types::JobSpec { context: "x".repeat(10_000), ..spec(JobType::Plan) };
        match f.store.submit(vec![wish(vec![long])]).await {
            Ok(_) => kept += 1,
            Err(StoreError::Full(why)) => {
                assert!(!why.is_empty());
                refused += 1;
            }
            Err(e) => panic!("{e}"),
        }
        assert!(kept < 10_000, "the limit limits nothing");
    }
    assert_eq!(f.store.counts().await.unwrap().jobs[&JobStatus::Queued], kept, "reading goes on, and nothing else is there");
    limit_files_to(None);
    assert_eq!(f.store.check().await, Ok(()));
    submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
    drop(f.store.clone());
    assert_eq!(f.again().await.counts().await.unwrap().jobs[&JobStatus::Queued], kept + 1);
}
