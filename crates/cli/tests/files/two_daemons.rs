//! Two daemons that know one shared directory, each with a database of its own.

use crate::bench::{Bench, eventually};
use crate::daemon::Daemon;

#[test]
fn of_two_daemons_over_one_directory_one_takes_its_files_and_the_other_when_that_one_is_gone() {
    let bench = Bench::new("");
    let mut first = bench.started();
    eventually("the first takes the files", || first.json(&["files"]));
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(bench.data().join("windlass.toml"), other.path().join("windlass.toml")).unwrap();
    let mut second = Daemon::new(other.path());
    assert!(second.start());
    let refused = eventually("the second says that it takes none", || {
        let said = String::from_utf8(second.call(&["files"]).stderr).unwrap();
        said.contains("another daemon takes the files").then_some(said)
    });
    assert!(refused.contains("hint:"), "{refused}");
    for n in 0..20 {
        bench.drop_task(&format!("t-{n}"), &format!("sign:t-{n}"));
    }
    bench.emptied();
    let mut signed = bench.witnessed();
    signed.sort();
    let runs = signed.len();
    signed.dedup();
    assert_eq!((signed.len(), runs), (20, 20), "each ran once");
    assert!(second.log().contains("another daemon takes the files"));
    first.kill();
    bench.drop_task("later", "sign:later");
    assert_eq!(bench.result("later")["status"], "completed");
    assert!(second.json(&["files"]).is_some());
}
