//! The processes of the simulated machines, and the outside witness: what really runs, whatever the store believes.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use windlass_testkit::witness::{Event, Line};
use windlass_workspace::launch::simulated::Order;
use windlass_workspace::launch::{Exited, LaunchSpec};

use super::dice::Dice;
use super::history::History;
use super::node::EPOCH;
use super::plan::{Broken, Plan};

/// A launcher and what it started.
struct Process {
    node: usize,
    job: String,
    assignment: String,
    token: String,
    exited: watch::Sender<Option<Exited>>,
    runs: bool,
    alone: bool,
    ignores_stop: bool,
    /// When it dies, and of what; the earliest wins.
    dies: Option<(i64, Exited)>,
    /// When its launcher ends it unless it hears of the lease before.
    lease_ends: Option<i64>,
}

const fn exit(code: i32) -> Exited {
    Exited { code: Some(code), signal: None, survivors_killed: 0, lease_ended: false, over: None }
}

const fn killed(lease_ended: bool) -> Exited {
    Exited { code: None, signal: Some(9), survivors_killed: 0, lease_ended, over: None }
}

impl Process {
    fn line(&self, pid: u32, event: Event, now: i64) -> Line {
        let at_ns = (EPOCH + now).unsigned_abs() * 1_000_000;
        Line { pid, job: self.job.clone(), token: self.token.clone(), event, at_ns, alone: self.alone }
    }

    fn dies_at(&mut self, at: i64, how: Exited) {
        if self.dies.is_none_or(|(earlier, _)| at < earlier) {
            self.dies = Some((at, how));
        }
    }
}

/// All machines.
#[derive(Default)]
pub(crate) struct Machines {
    processes: BTreeMap<u32, Process>,
    /// How many agents were started.
    pub(crate) started: u64,
    /// What each agent would have written down itself.
    pub(crate) witnessed: Vec<Line>,
}

impl Machines {
    /// When the next process ends.
    pub(crate) fn next_end(&self) -> Option<i64> {
        self.processes.values().filter_map(|p| [p.dies.map(|(at, _)| at), p.lease_ends].into_iter().flatten().min()).min()
    }

    /// Ends what ends now.
    pub(crate) fn end_due(&mut self, now: i64, history: &mut History) {
        let due = |p: &Process| {
            let lease = p.lease_ends.filter(|at| *at <= now).map(|at| (at, killed(true)));
            let own = p.dies.filter(|(at, _)| *at <= now);
            [own, lease].into_iter().flatten().min_by_key(|(at, _)| *at).map(|(_, how)| how)
        };
        let ended: Vec<(u32, Exited)> = self.processes.iter().filter_map(|(pid, p)| due(p).map(|how| (*pid, how))).collect();
        for (pid, how) in ended {
            if let Some(process) = self.processes.remove(&pid) {
                history.note(
                    now,
                    format_args!("process {pid} of node {} ends: {:?} {:?} lease {}", process.node, how.code, how.signal, how.lease_ended),
                );
                if process.runs && how.code.is_some() {
                    self.witnessed.push(process.line(pid, Event::End, now));
                }
                process.exited.send_replace(Some(how));
            }
        }
    }

    /// Does what a node's engine has ordered.
    pub(crate) fn obey(&mut self, node: usize, order: Order, now: i64, plan: &Plan, dice: &mut Dice, history: &mut History) {
        match order {
            Order::Spawn { pid, spec, exited } => self.spawn(node, pid, &spec, exited),
            Order::Go(pid) => self.go(pid, now, plan, dice, history),
            Order::Lease(pid, left) => {
                if let Some(p) = self.processes.get_mut(&pid)
                    && plan.broken != Some(Broken::Deadline)
                {
                    p.lease_ends = Some(now + ms(left));
                }
            }
            Order::Stop(pid, grace) => {
                if let Some(p) = self.processes.get_mut(&pid) {
                    let wait = if p.ignores_stop { ms(grace) } else { ms(grace).min(dice.between(10, 500)) };
                    p.dies_at(now + wait + dice.between(1, 50), Exited { signal: Some(15), ..killed(false) });
                }
            }
            Order::Cut(pid) => {
                if let Some(p) = self.processes.get_mut(&pid) {
                    p.dies_at(now + dice.between(1, 50), killed(false));
                }
            }
            Order::Sweep(job, ended) => {
                let mut count = 0;
                for p in self.processes.values_mut().filter(|p| p.node == node && p.job == job) {
                    p.dies_at(now, killed(false));
                    count += 1;
                }
                self.end_due(now, history);
                // A node that died meanwhile does not ask any more.
                let _ = ended.send(count);
            }
        }
    }

    fn spawn(&mut self, node: usize, pid: u32, spec: &LaunchSpec, exited: watch::Sender<Option<Exited>>) {
        let of = |name: &str| spec.env.get(name).cloned().unwrap_or_default();
        let process = Process {
            node,
            job: of("WINDLASS_JOB_ID"),
            assignment: of("WINDLASS_ASSIGNMENT_ID"),
            token: of("WINDLASS_ATTEMPT"),
            exited,
            runs: false,
            alone: true,
            ignores_stop: false,
            dies: None,
            lease_ends: None,
        };
        self.processes.insert(pid, process);
    }

    fn go(&mut self, pid: u32, now: i64, plan: &Plan, dice: &mut Dice, history: &mut History) {
        if self.processes.get(&pid).is_some_and(|p| p.lease_ends.is_some_and(|at| at <= now)) {
            // Its launcher has heard that it is too late.
            return;
        }
        let Some((job, assignment)) = self.processes.get(&pid).map(|p| (p.job.clone(), p.assignment.clone())) else { return };
        let beside = self.processes.iter().find(|(_, p)| p.runs && (p.job == job || p.assignment == assignment));
        let alone = beside.is_none();
        if let Some((other, p)) = beside {
            let what = format!(
                "two at once: {job} starts as process {pid} while {} runs as process {other} of node {} ({})",
                p.job, p.node, p.token
            );
            history.violate(now, what);
        }
        let long = dice.one_in(12);
        let lasts = if long { dice.between(20_000, 100_000) } else { dice.between(100, 8_000) };
        let how = match dice.below(1000) {
            n if n < plan.bad_agents => [exit(75), exit(1), killed(false), exit(78)][dice.below(4) as usize],
            _ => exit(0),
        };
        if let Some(p) = self.processes.get_mut(&pid) {
            p.runs = true;
            p.ignores_stop = dice.one_in(5);
            p.dies_at(now + lasts, how);
            p.alone = alone;
            self.started += 1;
            self.witnessed.push(p.line(pid, Event::Start, now));
            history.note(now, format_args!("process {pid} of node {} starts {job} as {}", p.node, p.token));
        }
    }
}

fn ms(d: Duration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX / 4)
}
