//! Power loss: the daemon dies, and of its directory only that is left which was synced, and a random part of the rest.

use std::path::Path;

use windlass_testkit::disk::{Fault, FaultyDisk};
use windlass_testkit::invariants::Invariant;

use super::bed::{Backend, Bed, agents};
use super::load::Mix;
use super::schedule::eventually;

/// The database opens, and every page of it is in order.
pub(crate) fn assert_database_is_whole(data: &Path) {
    // A copy: opening it changes it.
    let copy = tempfile::tempdir().unwrap();
    for name in ["windlass.db", "windlass.db-wal"] {
        let from = data.join(name);
        if from.exists() {
            std::fs::copy(from, copy.path().join(name)).unwrap();
        }
    }
    let db = rusqlite::Connection::open(copy.path().join("windlass.db")).unwrap();
    let said: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
}

pub(crate) fn no_agent_lives_below(dir: &Path) {
    // Their launchers see the daemon's death; power would have taken them too.
    eventually("no agent is left", std::time::Duration::from_secs(20), || {
        let ours = |pid: &u32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
        (!agents().iter().any(|(pid, _)| ours(pid))).then_some(())
    });
}

#[test]
fn power_cuts_lose_nothing_that_was_acknowledged() {
    let Some(mut bed) = Bed::new("power_cuts_lose_nothing_that_was_acknowledged", Backend::Sqlite, 1) else { return };
    bed.circumstances.power_was_lost = true;
    let data = bed.nodes[0].data.clone();
    let Some(mut disk) = FaultyDisk::below(&data) else { return };
    for (name, value) in disk.env() {
        bed.nodes[0].set_env(&name, Some(value));
    }
    bed.start_all();
    bed.under_load(Mix { processes: 0.3, ..Mix::NORMAL }, |nodes, schedule| {
        let mut total = (0, 0, 0);
        loop {
            schedule.pause(100..1500);
            nodes[0].kill();
            no_agent_lives_below(&data);
            let cut = disk.cut_power(|| schedule.fraction());
            total = (total.0 + 1, total.1 + cut.lost, total.2 + cut.kept);
            assert_database_is_whole(&data);
            assert!(nodes[0].start(), "it starts after a power cut");
            if !schedule.goes_on() {
                break;
            }
        }
        println!("{} power cuts took {} unsynced writes and left {}", total.0, total.1, total.2);
    });
    bed.assert_every_promise_was_kept();
}

#[test]
fn the_suite_sees_a_disk_that_does_not_sync() {
    let Some(mut bed) = Bed::new("the_suite_sees_a_disk_that_does_not_sync", Backend::Sqlite, 1) else { return };
    bed.circumstances.power_was_lost = true;
    let data = bed.nodes[0].data.clone();
    let Some(mut disk) = FaultyDisk::below(&data) else { return };
    for (name, value) in disk.env() {
        bed.nodes[0].set_env(&name, Some(value));
    }
    bed.start_all();
    let client = bed.client(0);
    let submit = |bed: &Bed| {
        let body = bed.load.assignment(&bed.schedule, Mix::LIGHT);
        assert!(bed.load.send(&client, &body).is_some(), "it is acknowledged");
    };
    submit(&bed);
    bed.come_to_rest();
    disk.set(Fault::LyingSync);
    for _ in 0..5 {
        submit(&bed);
    }
    bed.nodes[0].kill();
    // Nothing that the kernel alone had is left.
    disk.cut_power(|| 0.0);
    disk.set(Fault::None);
    assert!(bed.nodes[0].start(), "it starts on what is left");
    let seen = bed.violations();
    assert!(seen.iter().any(|v| v.invariant == Invariant::Promises), "five acknowledged submissions are gone, and nobody saw it: {seen:?}");
}
