//! A disk that is full, cannot be written, or cannot be synced, and is well again after a while.

use windlass_testkit::disk::{Fault, FaultyDisk};

use super::bed::{Backend, Bed};
use super::load::Mix;
use super::power::{assert_database_is_whole, no_agent_lives_below};

/// The disk fails now and then; at the end power is cut, so that what was acknowledged has to be on the disk itself.
fn the_disk_fails(row: &'static str, fault: Fault) {
    let Some(mut bed) = Bed::new(row, Backend::Sqlite, 1) else { return };
    bed.circumstances.power_was_lost = true;
    let data = bed.nodes[0].data.clone();
    let Some(mut disk) = FaultyDisk::below(&data) else { return };
    for (name, value) in disk.env() {
        bed.nodes[0].set_env(&name, Some(value));
    }
    bed.start_all();
    let client = bed.client(0);
    bed.under_load(Mix { processes: 0.3, ..Mix::NORMAL }, |nodes, schedule| {
        loop {
            schedule.pause(100..500);
            disk.set(fault);
            schedule.pause(50..700);
            disk.set(Fault::None);
            if !schedule.goes_on() {
                break;
            }
        }
        // It recovers by itself.
        super::schedule::eventually("the daemon is ready again", std::time::Duration::from_secs(30), || {
            client.get("/status").filter(|status| status["ready"] == true)
        });
        schedule.pause(300..800);
        nodes[0].kill();
        no_agent_lives_below(&data);
        disk.cut_power(|| schedule.fraction());
        assert_database_is_whole(&data);
        assert!(nodes[0].start(), "it starts after a power cut");
    });
    bed.assert_every_promise_was_kept();
}

#[test]
fn a_full_disk_costs_no_promise() {
    the_disk_fails("a_full_disk_costs_no_promise", Fault::Full);
}

#[test]
fn write_errors_cost_no_promise() {
    the_disk_fails("write_errors_cost_no_promise", Fault::WriteError);
}

#[test]
fn failed_syncs_cost_no_promise() {
    the_disk_fails("failed_syncs_cost_no_promise", Fault::SyncError);
}
