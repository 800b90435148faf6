//! The scheduler: nodes, their machines, the network and the database, one event after the other in simulated time.
//!
//! Whoever is furthest behind goes next, and runs until it says something. So nobody learns of anything before it has happened, and
//! the same seed gives the same history.

use std::collections::BTreeMap;
use std::path::PathBuf;

use windlass_store::simulation::{Database, Heard, Request};
use windlass_types::{Clock, Timestamp};
use windlass_workspace::launch::simulated::Order;

use super::client::{self, Asked};
use super::dice::Dice;
use super::history::History;
use super::machine::Machines;
use super::node::{Born, EPOCH, Life, sources};
use super::plan::{At, LEASE_MS, PATIENCE_MS, Plan};

/// The longest that a process runs without a look at what happens elsewhere.
const STRIDE_MS: i64 = 2_000;

enum Event {
    /// An operation reaches the database.
    Arrive(u64),
    /// Its answer reaches the one who asked.
    Answer(u64),
    /// Whoever asked gives up.
    Lose(u64),
    /// Nothing more comes of it.
    Done(u64),
    Wake(usize, u64, Heard),
    Kill(usize),
    Start(usize),
    Pause(usize, i64),
    Resume(usize),
    /// Messages to the database, from it, or both are lost until then.
    Cut(usize, i64, bool, bool),
}

/// An operation on its way, of a process's life.
struct Asking {
    request: Request,
    of: usize,
    life: u64,
    number: u64,
}

struct Seat {
    life: Option<Life>,
    /// Which life it is.
    number: u64,
    paused: bool,
    to_cut: i64,
    from_cut: i64,
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    dice: Dice,
    now: i64,
    queue: BTreeMap<(i64, u64), Event>,
    serial: u64,
    database: Database,
    store_clock: Clock,
    /// The nodes, and last the client.
    seats: Vec<Seat>,
    asking: BTreeMap<u64, Asking>,
    messages: u64,
    machines: Machines,
    pub(crate) history: History,
    dir: PathBuf,
}

/// What a seed came to.
pub(crate) struct Outcome {
    pub(crate) history: History,
    /// Operations that the nodes sent.
    pub(crate) messages: u64,
    pub(crate) agents: u64,
    pub(crate) simulated_ms: i64,
}

/// Plays a plan to its end.
pub(crate) fn play(plan: Plan) -> Outcome {
    let memory = std::path::Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a temporary folder");
    let mut world = World::new(plan, dir.path().to_owned());
    let asked = world.begin();
    world.run(&asked);
    for violation in asked.check(std::mem::take(&mut world.machines.witnessed)) {
        world.history.violate(world.now, violation);
    }
    let World { history, messages, machines, now, .. } = world;
    Outcome { history, messages, agents: machines.started, simulated_ms: now }
}

impl World {
    fn new(plan: Plan, dir: PathBuf) -> Self {
        let store_clock = Clock::manual(Timestamp(EPOCH));
        let database = Database::new(store_clock.clone()).expect("a database in memory");
        let seats = (0..=plan.nodes).map(|_| Seat { life: None, number: 0, paused: false, to_cut: 0, from_cut: 0 }).collect();
        Self {
            dice: Dice::new(plan.seed),
            plan,
            now: 0,
            queue: BTreeMap::new(),
            serial: 0,
            database,
            store_clock,
            seats,
            asking: BTreeMap::new(),
            messages: 0,
            machines: Machines::default(),
            history: History::default(),
            dir,
        }
    }

    fn at(&mut self, when: i64, event: Event) {
        self.serial += 1;
        self.queue.insert((when.max(self.now), self.serial), event);
    }

    /// Starts everybody and draws what will go wrong.
    fn begin(&mut self) -> Asked {
        let nodes = self.plan.nodes;
        for node in 0..nodes {
            let when = self.dice.between(0, 3_000);
            self.at(when, Event::Start(node));
        }
        let some = |world: &mut Self, count: u64| -> Vec<(i64, usize)> {
            (0..count).map(|_| (world.dice.between(1_000, world.plan.calm_after_ms), world.dice.below(nodes as u64) as usize)).collect()
        };
        for (when, node) in some(self, self.plan.kills) {
            self.at(when, Event::Kill(node));
        }
        for (when, node) in some(self, self.plan.pauses) {
            let until = when + self.dice.between(1_000, 90_000);
            self.at(when, Event::Pause(node, until));
        }
        for (when, node) in some(self, self.plan.cuts) {
            let until = when + self.dice.between(1_000, 90_000);
            let (to, from) = [(true, true), (true, false), (false, true)][self.dice.below(3) as usize];
            self.at(when, Event::Cut(node, until, to, from));
        }
        let (clock, ids) = sources(self.dice.bits(), 0);
        let (store, wire) = self.database.connect(&ids).expect("the client connects");
        let client = Life::client(clock, wire);
        let asked = client::spawn(&client, store, &self.plan, &mut self.dice);
        if let Some(seat) = self.seats.last_mut() {
            seat.life = Some(client);
        }
        asked
    }

    /// One step after the other, until all has ended or patience has.
    fn run(&mut self, asked: &Asked) {
        while !asked.is_over() && self.history.violation.is_none() {
            if self.now > self.plan.calm_after_ms + PATIENCE_MS {
                self.history.violate(self.now, format!("work has not ended {PATIENCE_MS} ms after the last fault: {}", asked.waits_for()));
                return;
            }
            let event =
                [self.queue.keys().next().map(|(at, _)| *at), self.machines.next_end()].into_iter().flatten().min().unwrap_or(i64::MAX);
            let behind = (0..self.seats.len())
                .filter(|i| !self.seats[*i].paused)
                .filter_map(|i| self.seats[i].life.as_ref().map(|life| (life.at_ms, i)))
                .min();
            match behind {
                Some((at, seat)) if at < event => self.let_run(seat, event.min(at + STRIDE_MS)),
                _ if event < i64::MAX => self.happen(event),
                _ => return,
            }
        }
    }

    fn let_run(&mut self, seat: usize, until: i64) {
        let Some(life) = &mut self.seats[seat].life else { return };
        life.run(until);
        let at = life.at_ms;
        let (requests, orders): (Vec<_>, Vec<_>) = (life.wire.take(), life.orders.try_iter().collect());
        for order in orders {
            self.machines.obey(seat, order, at, &self.plan, &mut self.dice, &mut self.history);
        }
        for request in requests {
            self.send(seat, at, request);
        }
    }

    /// An operation goes into the network.
    fn send(&mut self, from: usize, at: i64, request: Request) {
        let is_node = from < self.plan.nodes;
        let calm = at >= self.plan.calm_after_ms;
        self.messages += u64::from(is_node);
        let number = if is_node { self.messages } else { 0 };
        self.serial += 1;
        let id = self.serial;
        let seat = &self.seats[from];
        let (life, cut) = (seat.number, at < seat.to_cut);
        let chance = |world: &mut Self, permille: u64| !calm && world.dice.permille(permille);
        let lost = cut || chance(self, self.plan.lost_request);
        let delay = self.delay(at);
        if lost {
            let patience = self.dice.between(1_000, 15_000);
            self.at(at + patience, Event::Lose(id));
            self.at(at + patience, Event::Done(id));
        } else {
            self.at(at + delay, Event::Arrive(id));
            if chance(self, self.plan.repeated) {
                let later = self.dice.between(1, 60_000);
                self.at(at + delay + later, Event::Arrive(id));
            }
        }
        self.asking.insert(id, Asking { request, of: from, life, number });
        if number > 0 && self.plan.crash_at == Some((number, At::Sent)) || (is_node && chance(self, self.plan.crash)) {
            self.at(at, Event::Kill(from));
        }
    }

    fn delay(&mut self, at: i64) -> i64 {
        if at < self.plan.calm_after_ms && self.dice.permille(self.plan.slow) {
            let longest = [300, 3_000, 40_000][self.dice.below(3) as usize];
            self.dice.between(20, longest)
        } else {
            self.dice.between(1, 20)
        }
    }

    fn happen(&mut self, now: i64) {
        self.now = now;
        self.store_clock.advance_ms(EPOCH + now - self.store_clock.now().0);
        self.machines.end_due(now, &mut self.history);
        let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= now) else { return };
        match entry.remove() {
            Event::Arrive(id) => self.arrive(id),
            Event::Answer(id) => self.answer(id),
            Event::Lose(id) => {
                if let Some(asking) = self.asking.get_mut(&id) {
                    self.history.note(now, format_args!("{} of {} ({id}) is given up", asking.request.name(), asking.of));
                    asking.request.lose();
                }
            }
            Event::Done(id) => drop(self.asking.remove(&id)),
            Event::Wake(seat, number, heard) => {
                if let Some(life) = self.seats[seat].life.as_ref().filter(|_| self.seats[seat].number == number) {
                    life.wire.wake(heard);
                }
            }
            Event::Kill(node) => self.kill(node),
            Event::Start(node) => self.start(node),
            Event::Pause(node, until) => self.pause(node, until),
            Event::Resume(node) => {
                let seat = &mut self.seats[node];
                let paused = std::mem::take(&mut seat.paused);
                if let Some(life) = seat.life.as_mut().filter(|_| paused) {
                    self.history.note(now, format_args!("node {node} goes on"));
                    life.wake_late(now);
                }
            }
            Event::Cut(node, until, to, from) => {
                let until = until.min(self.plan.calm_after_ms);
                self.history.note(now, format_args!("node {node} is cut off until {until} (to the database: {to}, from it: {from})"));
                let seat = &mut self.seats[node];
                (seat.to_cut, seat.from_cut) = (if to { until } else { seat.to_cut }, if from { until } else { seat.from_cut });
            }
        }
    }

    fn arrive(&mut self, id: u64) {
        let Some(asking) = self.asking.get_mut(&id) else { return };
        let end = self.plan.end(&mut self.dice);
        let done = self.database.carry_out(&mut asking.request, end);
        let (of, number, heard, name) = (asking.of, asking.number, asking.request.heard(), asking.request.name());
        self.history.note(self.now, format_args!("{name} of {of} ({id}) {}", if done { "is done" } else { "is refused" }));
        let calm = self.now >= self.plan.calm_after_ms;
        let lost = self.now < self.seats[of].from_cut || !calm && self.dice.permille(self.plan.lost_answer);
        let delay = if lost { self.dice.between(1_000, 15_000) } else { self.delay(self.now) };
        self.at(self.now + delay, if lost { Event::Lose(id) } else { Event::Answer(id) });
        // Copies come at most a minute later.
        self.at(self.now + 120_000, Event::Done(id));
        if let Some(heard) = heard {
            for seat in (0..self.seats.len()).filter(|seat| *seat != of) {
                if calm || !self.dice.permille(self.plan.lost_wake_up) {
                    let delay = self.delay(self.now);
                    self.at(self.now + delay, Event::Wake(seat, self.seats[seat].number, heard));
                }
            }
        }
        let is_node = of < self.plan.nodes;
        if self.plan.crash_at == Some((number, At::Stalled)) {
            self.pause(of, self.now + LEASE_MS + 15_000);
        } else if is_node && !calm && self.dice.permille(self.plan.stall) {
            let long = self.dice.between(1_000, 90_000);
            self.pause(of, self.now + long);
        }
        if self.plan.crash_at == Some((number, At::Committed)) {
            self.kill(of);
        }
    }

    fn answer(&mut self, id: u64) {
        let Some(asking) = self.asking.get_mut(&id) else { return };
        let (of, number) = (asking.of, asking.number);
        let seat = &self.seats[of];
        if seat.number == asking.life
            && let (Some(life), Some(heard)) = (&seat.life, asking.request.heard())
        {
            life.wire.wake(heard);
        }
        asking.request.answer();
        if self.plan.crash_at == Some((number, At::Answered)) {
            self.let_run(of, self.now + 1);
            self.kill(of);
        }
    }

    fn kill(&mut self, node: usize) {
        let seat = &mut self.seats[node];
        let Some(life) = seat.life.take() else { return };
        seat.paused = false;
        self.history.note(self.now, format_args!("node {node} is killed"));
        let (wire, orders) = life.crash();
        let mut orders: Vec<Order> = orders.try_iter().collect();
        // Its lifelines are cut all at once; in which order a runtime drops its tasks depends on what else the process has run.
        orders.sort_by_key(|order| if let Order::Cut(pid) = order { Some(*pid) } else { None });
        for order in orders {
            self.machines.obey(node, order, self.now, &self.plan, &mut self.dice, &mut self.history);
        }
        // What was on its way already arrives all the same.
        for request in wire.take() {
            self.send(node, self.now, request);
        }
        let later = if self.dice.one_in(2) { self.dice.between(100, 2_000) } else { self.dice.between(2_000, 90_000) };
        self.at(self.now + later, Event::Start(node));
    }

    fn start(&mut self, node: usize) {
        if self.seats[node].life.is_some() {
            return;
        }
        let (clock, ids) = sources(self.dice.bits(), self.now);
        let skew_ms = self.dice.between(-(self.plan.skew_ms.cast_signed()), self.plan.skew_ms.cast_signed());
        let (store, wire) = self.database.connect(&ids).expect("the database is there");
        self.history.note(self.now, format_args!("node {node} starts as generation {}", store.generation()));
        let life = Life::node(Born { number: node, dir: &self.dir, ids, clock, skew_ms, now: self.now }, store, wire);
        let seat = &mut self.seats[node];
        seat.number += 1;
        seat.life = Some(life);
    }

    fn pause(&mut self, node: usize, until: i64) {
        let seat = &mut self.seats[node];
        if seat.life.is_some() && !seat.paused {
            seat.paused = true;
            self.history.note(self.now, format_args!("node {node} stands still until {until}"));
            self.at(until, Event::Resume(node));
        }
    }
}
