//! A crash between the file and the row, and between the row and the result, neither loses a task nor runs it twice.

use crate::bench::{Bench, names};

#[test]
fn a_kill_at_every_step_between_file_and_result_loses_nothing_and_doubles_nothing() {
    for point in ["task.taking", "task.taken", "result.writing", "result.written", "task.done"] {
        let bench = Bench::new("");
        bench.drop_task("a", "sign:a");
        let mut daemon = bench.daemon().env("WINDLASS_FAILPOINT", point);
        daemon.start();
        daemon.wait_dead();
        let _again = bench.started();
        assert_eq!(bench.result("a")["status"], "completed", "{point}");
        bench.emptied();
        let notices = || names(&bench.shared("triggers/orchestrator"));
        crate::bench::eventually("the notice", || (notices() == ["a.json"]).then_some(()));
        assert_eq!(names(&bench.shared("triggers/marie")), ["a.json"], "{point}");
        assert!(names(&bench.shared("dlq/marie")).is_empty(), "{point}");
        // At `task.taken` the agent may have begun when the daemon died: that run was cut off, and counts as a rescue.
        let runs = bench.witnessed().len();
        assert!(runs == 1 || (point == "task.taken" && runs == 2), "{point}: {runs} runs");
    }
}
