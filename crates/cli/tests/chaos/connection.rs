//! PostgreSQL is far away: the way to it is cut, stalls, swallows answers; its processes are ended; it crashes.

use windlass_testkit::postgres::TestPostgres;
use windlass_testkit::proxy::{Proxy, Way};

use super::bed::{Backend, Bed, LEASE_MS};
use super::load::Mix;
use super::schedule::Schedule;

/// A proxy before the server of a URL.
pub(crate) fn before(url: &str) -> Proxy {
    let address = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    Proxy::to(address.parse().unwrap()).unwrap()
}

/// One fault of a way, and its end.
pub(crate) fn trouble_the_way(proxy: &Proxy, schedule: &Schedule) {
    match schedule.below(5) {
        0 => proxy.lose_commits(1 + u32::try_from(schedule.below(4)).unwrap()),
        fault => {
            proxy.set([Way::Cut, Way::Stalled, Way::NoAnswers, Way::Slow(100)][fault - 1]);
            schedule.pause(50..LEASE_MS * 3 / 2);
            proxy.set(Way::Open);
        }
    }
}

#[test]
fn a_way_to_the_database_that_fails_costs_no_promise() {
    let Some(database) = TestPostgres::database_blocking() else { return };
    let proxies = [before(database.url()), before(database.url())];
    let row = "a_way_to_the_database_that_fails_costs_no_promise";
    let mut bed = Bed::new(row, Backend::At(proxies[0].url(database.url())), 1).unwrap();
    bed.add_node("second", Some(&proxies[1].url(database.url())));
    bed.start_all();
    bed.under_load(Mix::NORMAL, |_, schedule| {
        while schedule.goes_on() {
            schedule.pause(100..600);
            trouble_the_way(schedule.pick(&proxies), schedule);
        }
        for proxy in &proxies {
            proxy.lose_commits(0);
        }
    });
    bed.assert_every_promise_was_kept();
}

#[test]
fn connections_that_the_server_ends_cost_no_promise() {
    let Some(mut bed) = Bed::new("connections_that_the_server_ends_cost_no_promise", Backend::Postgres, 2) else { return };
    bed.start_all();
    let database = bed.database.take().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    bed.under_load(Mix::NORMAL, |_, schedule| {
        while schedule.goes_on() {
            schedule.pause(50..700);
            runtime.block_on(database.break_connections()).unwrap();
        }
    });
    bed.assert_every_promise_was_kept();
    bed.database = Some(database);
}

#[test]
fn a_server_that_crashes_costs_no_promise() {
    let Some(server) = TestPostgres::start_to_crash() else { return };
    let database = server.new_database().unwrap();
    let mut bed = Bed::new("a_server_that_crashes_costs_no_promise", Backend::At(database.url().to_owned()), 2).unwrap();
    bed.start_all();
    bed.under_load(Mix::NORMAL, |_, schedule| {
        loop {
            schedule.pause(300..1500);
            // It may still be busy with recovering from the last time.
            let _ = server.crash();
            if !schedule.goes_on() {
                break;
            }
        }
    });
    bed.assert_every_promise_was_kept();
}
