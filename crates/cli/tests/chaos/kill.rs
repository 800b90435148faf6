//! kill -9: of the daemon at random instants and failpoints, of launchers, agents and agents' children.

use windlass_testkit::process::{descendants, kill};

use super::bed::{Backend, Bed, on_both_databases};
use super::load::Mix;

/// Where a step has happened and is not written down, or the other way round.
const POINTS: [&str; 16] = [
    "claim.after",
    "prepare.before",
    "prepare.started",
    "prepare.ended",
    "run.before",
    "run.started",
    "spawn.before",
    "spawn.after",
    "go.before",
    "go.after",
    "session.after",
    "exit.after",
    "run.ending",
    "run.ended",
    "settle.before",
    "settle.after",
];

fn the_daemon_is_killed(row: &'static str, backend: Backend) {
    let Some(mut bed) = Bed::new(row, backend, 1) else { return };
    bed.start_all();
    bed.under_load(Mix::NORMAL, |nodes, schedule| {
        let node = &mut nodes[0];
        while schedule.goes_on() {
            schedule.pause(50..1200);
            node.kill();
            let point = schedule.chance(0.6).then(|| format!("{}:{}", schedule.pick(&POINTS), 1 + schedule.below(8)));
            node.set_env("WINDLASS_FAILPOINT", point);
            // It may die again before it serves.
            node.start();
        }
        node.kill();
        node.set_env("WINDLASS_FAILPOINT", None);
        assert!(node.start(), "it starts after everything");
    });
    bed.assert_every_promise_was_kept();
}

on_both_databases!(the_daemon_is_killed:
    a_daemon_killed_again_and_again_keeps_every_promise_on_sqlite,
    a_daemon_killed_again_and_again_keeps_every_promise_on_postgres);

fn its_processes_are_killed(row: &'static str, backend: Backend) {
    let Some(mut bed) = Bed::new(row, backend, 1) else { return };
    bed.start_all();
    bed.under_load(Mix { processes: 0.9, ..Mix::NORMAL }, |nodes, schedule| {
        while schedule.goes_on() {
            schedule.pause(10..150);
            // A launcher, an agent, or what an agent has started.
            let kind = schedule.pick(&[" launch", "simulate-agent", "sleep 60"]);
            let living = descendants(nodes[0].pid());
            let of_kind: Vec<_> = living.iter().filter(|process| process.command.contains(kind)).collect();
            if !of_kind.is_empty() {
                kill(schedule.pick(&of_kind).pid);
            }
        }
    });
    bed.assert_every_promise_was_kept();
}

on_both_databases!(its_processes_are_killed:
    killed_launchers_agents_and_children_cost_no_promise_on_sqlite,
    killed_launchers_agents_and_children_cost_no_promise_on_postgres);
