//! What goes wrong in a seed, and how often.

use windlass_store::simulation::End;

use super::dice::Dice;

/// How long it may take after that until all work has ended: leases, back-offs and the longest agents, one after the other.
pub(crate) const PATIENCE_MS: i64 = 45 * 60_000;
/// How long a claim lasts without a heartbeat.
pub(crate) const LEASE_MS: i64 = 30_000;

/// A rule that is broken on purpose, to show that the checks can see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The store answers before it has committed, and at times loses what it answered.
    Acknowledgement,
    /// The launcher does not keep the deadline of the lease.
    Deadline,
}

/// Where a node is killed, for the enumeration of crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// The operation is on its way.
    Sent,
    /// It is committed and not answered.
    Committed,
    /// It is answered.
    Answered,
    /// It is committed, and the node stands still for longer than a lease before it hears so.
    Stalled,
}

/// What may happen in a seed. Chances are out of 1000, for each message where nothing else is said.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Until when things go wrong, and work comes in, in milliseconds of the simulated time.
    pub(crate) calm_after_ms: i64,
    pub(crate) nodes: usize,
    pub(crate) assignments: usize,
    pub(crate) slow: u64,
    pub(crate) lost_request: u64,
    pub(crate) lost_answer: u64,
    pub(crate) repeated: u64,
    pub(crate) lost_wake_up: u64,
    /// Kills of nodes at a message, and pauses before its answer; for each message.
    pub(crate) crash: u64,
    pub(crate) stall: u64,
    /// Kills, pauses and cuts of nodes at random times: how many.
    pub(crate) kills: u64,
    pub(crate) pauses: u64,
    pub(crate) cuts: u64,
    /// How far a node's clock may be off, in milliseconds.
    pub(crate) skew_ms: u64,
    /// Agents that crash or fail.
    pub(crate) bad_agents: u64,
    /// How many jobs and assignments somebody cancels.
    pub(crate) cancels: u64,
    pub(crate) broken: Option<Broken>,
    /// Kills, or stalls, the node that sends this message of all, counted from 1.
    pub(crate) crash_at: Option<(u64, At)>,
}

impl Plan {
    /// A seed's own mixture: some seeds know one trouble only, some all of them.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x5eed);
        let mut some = |most: u64| if dice.one_in(2) { dice.below(most + 1) } else { 0 };
        Self {
            slow: some(100),
            lost_request: some(30),
            lost_answer: some(30),
            repeated: some(30),
            lost_wake_up: some(1000),
            crash: some(10),
            stall: some(10),
            kills: some(4),
            pauses: some(4),
            cuts: some(4),
            skew_ms: some(3_600_000),
            bad_agents: some(200),
            cancels: some(4),
            ..Self::calm(seed)
        }
    }

    /// Nothing goes wrong.
    pub(crate) const fn calm(seed: u64) -> Self {
        Self {
            seed,
            calm_after_ms: 150_000,
            nodes: 3,
            assignments: 5,
            slow: 0,
            lost_request: 0,
            lost_answer: 0,
            repeated: 0,
            lost_wake_up: 0,
            crash: 0,
            stall: 0,
            kills: 0,
            pauses: 0,
            cuts: 0,
            skew_ms: 0,
            bad_agents: 0,
            cancels: 0,
            broken: None,
            crash_at: None,
        }
    }

    /// How a transaction ends.
    pub(crate) fn end(&self, dice: &mut Dice) -> End {
        if self.broken == Some(Broken::Acknowledgement) && dice.one_in(50) { End::Forget } else { End::Commit }
    }
}
