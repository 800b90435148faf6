//! The engine's core in a simulated world: real engines, the real store's operations, and everything else played from a seed.
//!
//! `cargo xtask simulate` plays thousands of seeds, and `--seed N` one of them, with its history. By itself the suite plays a few.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the history of a failing seed is what this suite is for")]

mod check;
mod client;
mod dice;
mod history;
mod machine;
mod node;
mod plan;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use plan::{At, Broken, Plan};
use world::{Outcome, play};

/// The lines of a failing history that are shown.
const SHOWN: usize = 400;

/// How many seeds are played when nobody says.
const SEEDS: u64 = 60;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Plays plans on all processors; gives the first that breaks a promise, by number.
fn first_broken(plans: u64, plan: impl Fn(u64) -> Plan + Sync) -> (Option<(Plan, Outcome)>, Totals) {
    let (next, totals, broken) = (AtomicU64::new(0), Mutex::new(Totals::default()), Mutex::new(None::<(u64, Plan, Outcome)>));
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    if index >= plans || broken.lock().expect("unpoisoned").is_some() {
                        return;
                    }
                    let plan = plan(index);
                    let outcome = play(plan.clone());
                    totals.lock().expect("unpoisoned").add(&outcome);
                    if outcome.history.violation.is_some() {
                        let mut broken = broken.lock().expect("unpoisoned");
                        if broken.as_ref().is_none_or(|(first, ..)| index < *first) {
                            *broken = Some((index, plan, outcome));
                        }
                    }
                }
            });
        }
    });
    (broken.into_inner().expect("unpoisoned").map(|(_, plan, outcome)| (plan, outcome)), totals.into_inner().expect("unpoisoned"))
}

#[derive(Debug, Default)]
struct Totals {
    seeds: u64,
    messages: u64,
    agents: u64,
    hours: f64,
}

impl Totals {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.messages += outcome.messages;
        self.agents += outcome.agents;
        self.hours += outcome.simulated_ms as f64 / 3_600_000.0;
    }
}

fn show(plan: &Plan, outcome: &Outcome) {
    let lines = outcome.history.lines();
    println!("{plan:?}");
    for line in &lines[lines.len().saturating_sub(SHOWN)..] {
        println!("{line}");
    }
}

/// Fails with the history of what broke a promise, if anything did.
fn refuse(broken: Option<(Plan, Outcome)>) {
    if let Some((plan, outcome)) = broken {
        show(&plan, &outcome);
        panic!(
            "seed {}: {}\nto repeat it: cargo xtask simulate --seed {}",
            plan.seed,
            outcome.history.violation.unwrap_or_default(),
            plan.seed
        );
    }
}

#[test]
fn every_seed_keeps_every_promise() {
    if let Some(seed) = number("SIM_SEED") {
        let plan = Plan::of(seed);
        let outcome = play(plan.clone());
        show(&plan, &outcome);
        return refuse(outcome.history.violation.is_some().then_some((plan, outcome)));
    }
    let (first, seeds) = (number("SIM_FIRST").unwrap_or(1), number("SIM_SEEDS").unwrap_or(SEEDS));
    let (broken, totals) = first_broken(seeds, |index| Plan::of(first + index));
    println!("{totals:?}");
    refuse(broken);
    // A simulation in which nothing runs would keep every promise.
    assert!(totals.agents > seeds * 5, "{totals:?}");
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in 1..=20 {
        let (one, two) = (play(Plan::of(seed)), play(Plan::of(seed)));
        if one.history.hash() != two.history.hash() {
            let differ = one.history.lines().iter().zip(two.history.lines()).find(|(a, b)| a != b);
            panic!("seed {seed} gave two histories, of {} and {} lines: {differ:?}", one.history.lines().len(), two.history.lines().len());
        }
    }
}

/// One quiet run, repeated with a fault at each of its messages.
fn at_each_message(faults: &[At]) {
    let calm = || Plan { nodes: 2, assignments: 2, calm_after_ms: 15_000, ..Plan::calm(7) };
    let whole = play(calm());
    let messages = whole.messages;
    assert!(messages > 40, "{messages}");
    refuse(whole.history.violation.is_some().then(|| (calm(), whole)));
    let kinds = faults.len() as u64;
    let (broken, totals) =
        first_broken(kinds * messages, |index| Plan { crash_at: Some((1 + index / kinds, faults[(index % kinds) as usize])), ..calm() });
    println!("{messages} messages: {totals:?}");
    refuse(broken);
}

#[test]
fn a_node_may_die_at_any_message_of_a_run() {
    at_each_message(&[At::Sent, At::Committed, At::Answered]);
}

#[test]
fn a_node_may_stand_still_for_longer_than_a_lease_at_any_message_of_a_run() {
    at_each_message(&[At::Stalled]);
}

/// How many seeds it may take until a broken rule is seen.
const SEEN_WITHIN: u64 = 300;

fn sees(broken: Broken) {
    let (seen, totals) = first_broken(SEEN_WITHIN, |index| Plan { broken: Some(broken), ..Plan::of(1 + index) });
    let Some((plan, outcome)) = seen else { panic!("{broken:?} is broken, and nothing is seen: {totals:?}") };
    println!("{broken:?} was seen by seed {}: {}", plan.seed, outcome.history.violation.unwrap_or_default());
}

#[test]
fn the_simulation_sees_a_missing_fence() {
    // The switch is read once in a process: it needs one of its own.
    let suite = std::env::current_exe().expect("this suite");
    let mut blind = std::process::Command::new(suite);
    blind.args(["every_seed_keeps_every_promise", "--exact", "--nocapture"]).env("WINDLASS_FAULT", "no_fencing");
    let ended = blind.env_remove("SIM_SEED").env("SIM_FIRST", "1").env("SIM_SEEDS", SEEN_WITHIN.to_string()).output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(!ended.status.success() && said.contains("VIOLATION"), "there is no fence, and nothing is seen");
    println!("{}", said.lines().find(|line| line.contains("VIOLATION")).unwrap_or_default());
}

#[test]
fn the_simulation_sees_an_acknowledgement_before_the_commit() {
    sees(Broken::Acknowledgement);
}

#[test]
fn the_simulation_sees_an_agent_that_outlives_its_lease() {
    sees(Broken::Deadline);
}
