//! Everything at once: clients against three nodes on one PostgreSQL under a random nemesis, then the checker.

use rustix::process::Signal;
use windlass_testkit::postgres::TestPostgres;
use windlass_testkit::proxy::Proxy;

use super::bed::{Backend, Bed, LEASE_MS};
use super::connection::{before, trouble_the_way};
use super::load::Mix;

#[test]
fn three_nodes_keep_every_promise_under_a_nemesis() {
    let Some(database) = TestPostgres::database_blocking() else { return };
    let proxies: Vec<Proxy> = (0..3).map(|_| before(database.url())).collect();
    let mut bed = Bed::new("three_nodes_keep_every_promise_under_a_nemesis", Backend::At(proxies[0].url(database.url())), 1).unwrap();
    for (number, proxy) in proxies.iter().enumerate().skip(1) {
        bed.add_node(&format!("node{number}"), Some(&proxy.url(database.url())));
    }
    bed.start_all();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    bed.under_load(Mix { cancels: 0.2, ..Mix::NORMAL }, |nodes, schedule| {
        while schedule.goes_on() {
            schedule.pause(50..600);
            let victim = schedule.below(nodes.len());
            let node = &mut nodes[victim];
            match schedule.below(4) {
                0 => {
                    node.kill();
                    schedule.pause(0..2000);
                    while !node.start() {}
                }
                1 => {
                    node.signal(Signal::STOP);
                    schedule.pause(100..LEASE_MS * 3 / 2);
                    node.signal(Signal::CONT);
                }
                2 => trouble_the_way(&proxies[victim], schedule),
                _ => drop(runtime.block_on(database.break_connections()).unwrap()),
            }
        }
        for proxy in &proxies {
            proxy.lose_commits(0);
        }
    });
    bed.assert_every_promise_was_kept();
}
