//! Time: the wall clock jumps by an hour, and the machine sleeps.

use rustix::process::Signal;
use windlass_testkit::disk::{Fault, FaultyDisk};

use super::bed::{Backend, Bed, LEASE_MS, on_both_databases};
use super::load::Mix;

fn the_clock_jumps(row: &'static str, backend: Backend) {
    let Some(mut bed) = Bed::new(row, backend, 1) else { return };
    bed.circumstances.clock_was_set = true;
    let Some(disk) = FaultyDisk::below(&bed.nodes[0].data) else { return };
    for (name, value) in disk.env() {
        bed.nodes[0].set_env(&name, Some(value));
    }
    bed.start_all();
    bed.under_load(Mix::NORMAL, |_, schedule| {
        while schedule.goes_on() {
            schedule.pause(100..800);
            disk.set(Fault::ClockOff(*schedule.pick(&[-3600, 0, 3600])));
        }
        disk.set(Fault::None);
    });
    let history = bed.come_to_rest();
    let rescued = history.jobs.iter().filter(|job| job.rescues > 0).count();
    assert_eq!(rescued, 0, "no lease ended for a clock that was set");
    bed.assert_every_promise_was_kept();
}

on_both_databases!(the_clock_jumps: a_clock_that_jumps_ends_no_lease_on_sqlite, a_clock_that_jumps_ends_no_lease_on_postgres);

fn the_daemon_is_stopped(row: &'static str, backend: Backend) {
    let Some(mut bed) = Bed::new(row, backend, 1) else { return };
    bed.start_all();
    bed.under_load(Mix::NORMAL, |nodes, schedule| {
        loop {
            schedule.pause(200..1000);
            nodes[0].signal(Signal::STOP);
            schedule.pause(100..LEASE_MS * 3 / 2);
            nodes[0].signal(Signal::CONT);
            if !schedule.goes_on() {
                break;
            }
        }
    });
    bed.assert_every_promise_was_kept();
}

on_both_databases!(the_daemon_is_stopped:
    a_daemon_that_was_asleep_goes_on_on_sqlite,
    a_daemon_that_was_asleep_goes_on_on_postgres);
