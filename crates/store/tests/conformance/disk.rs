//! A disk that is full or not writable: refused with a typed error, nothing acknowledged is lost, and work goes on once there is room.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use windlass_store::{OpenOptions, Store, StoreError};
use windlass_types::{Clock, Ids, JobStatus, JobType};

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

const FOLDER: &str = "WINDLASS_TEST_FOLDER";

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The superuser may write everywhere, so the test below runs as nobody where this one runs as root.
#[tokio::test]
async fn what_cannot_be_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ids = Ids::random(Clock::system());
    let url = dir.path().join("windlass.db").display().to_string();
    Store::open(OpenOptions { url, clock: Clock::system(), ids }).await.unwrap().close().await;
    let program = dir.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    allow(&program, 0o555);
    allow(&dir.path().join("windlass.db"), 0o444);
    allow(dir.path(), 0o555);
    let mut run = Command::new(&program);
    run.args(["--exact", "disk::in_a_folder_that_cannot_be_written", "--ignored", "--nocapture"]).env(FOLDER, dir.path());
    run.current_dir("/").env_remove("LLVM_PROFILE_FILE");
    if rustix::process::geteuid().is_root() {
        run.uid(65534).gid(65534);
    }
    let run = run.output().unwrap();
    allow(dir.path(), 0o755);
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "needs a folder that it cannot write; run by what_cannot_be_written_is_refused"]
async fn in_a_folder_that_cannot_be_written() {
    let folder = std::env::var(FOLDER).unwrap();
    for name in ["new.db", "windlass.db"] {
        let options = OpenOptions { url: format!("{folder}/{name}"), clock: Clock::system(), ids: Ids::random(Clock::system()) };
        let refused = Store::open(options).await.err();
        assert!(matches!(refused, Some(StoreError::ReadOnly(_))), "{name}: {refused:?}");
    }
}
