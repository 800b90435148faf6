//! Circuit breakers: one for each backend, which stop jobs from being spent on an agent that cannot work now.
//!
//! Closed → open after so many faults in a row → half open when its time is over: one job is let through as the *probe*. If the backend
//! answered it, the breaker closes; at another fault it opens again, for longer.
//!
//! **Invariant:** what runs when a breaker opens goes on, and says nothing to it any more: only the probe does.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AttemptResult, Failure, FailureKind, Harness, Hold, HoldKind, JobId, Timestamp, Token};

/// The account of a harness that names none.
pub const DEFAULT_ACCOUNT: &str = "default";

/// The longest time open, as a multiple of the first.
const OPEN_FACTOR_MAX: u64 = 16;

/// What one breaker guards: a kind of agent under one account at its provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Backend {
    /// Which agent.
    pub harness: Harness,
    /// A name for whose login it uses; no secret.
    pub account: String,
}

impl Backend {
    /// A harness under the account that needs no name.
    pub fn of(harness: Harness) -> Self {
        Self { harness, account: DEFAULT_ACCOUNT.to_owned() }
    }
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.account == DEFAULT_ACCOUNT { self.harness.fmt(f) } else { write!(f, "{} (account {})", self.harness, self.account) }
    }
}

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Faults in a row that open it.
    pub threshold: u32,
    /// How long it is open the first time, in milliseconds; doubled with each failed probe, up to sixteen times.
    pub open_ms: u64,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { threshold: 5, open_ms: 60_000 }
    }
}

impl BreakerPolicy {
    fn open_ms_after(&self, openings: u32) -> i64 {
        let factor = 1u64.checked_shl(openings.saturating_sub(1)).unwrap_or(u64::MAX).min(OPEN_FACTOR_MAX);
        i64::try_from(self.open_ms.saturating_mul(factor)).unwrap_or(i64::MAX)
    }
}

/// What the end of an attempt says about its backend.
#[derive(Debug, Clone, PartialEq)]
pub enum BackendSign {
    /// It answered: the agent ran to its end, whatever became of its work.
    Healthy,
    /// It did not.
    Fault(Failure),
}

impl BackendSign {
    /// The sign in a result; `None` where the result speaks only of the job, its node or its limits.
    pub fn of(result: &AttemptResult) -> Option<Self> {
        match result {
            AttemptResult::Succeeded => Some(Self::Healthy),
            AttemptResult::HandedBack => None,
            AttemptResult::Failed(failure) => match failure.kind {
                FailureKind::ApiError
                | FailureKind::SpawnFailed
                | FailureKind::Unauthorized
                | FailureKind::NotLoggedIn
                | FailureKind::NotInstalled => Some(Self::Fault(failure.clone())),
                FailureKind::AgentFailed
                | FailureKind::VerifyFailed
                | FailureKind::NoChange
                | FailureKind::SecretFound
                | FailureKind::GuardedChange
                | FailureKind::ForgeUnavailable
                | FailureKind::ForgeLimited
                | FailureKind::ForgeRefused
                | FailureKind::BranchClash
                | FailureKind::Loop
                | FailureKind::NoVerdict
                | FailureKind::BadEvidence => Some(Self::Healthy),
                // A quota has its own mechanism; the rest happens to one job or one machine.
                FailureKind::RateLimited
                | FailureKind::AgentCrashed
                | FailureKind::Stalled
                | FailureKind::Timeout
                | FailureKind::GitFailed
                | FailureKind::DiskFull
                | FailureKind::BadRepository
                | FailureKind::UnknownBaseBranch
                | FailureKind::BadConfiguration
                | FailureKind::VerifyMissing
                | FailureKind::Untrusted
                | FailureKind::SandboxMissing
                | FailureKind::NoScanner
                | FailureKind::BudgetExceeded
                | FailureKind::UsageUnknown
                | FailureKind::OutputLimit
                | FailureKind::SandboxLimit
                | FailureKind::WorkspaceTampered
                | FailureKind::WorkerLost
                | FailureKind::Cancelled
                | FailureKind::Internal => None,
            },
        }
    }
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerStatus {
    /// Jobs run.
    Closed,
    /// None does, until its time is over.
    Open,
    /// One does: the probe.
    HalfOpen,
}

impl BreakerStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

crate::text_enum!(BreakerStatus, "breaker status");

/// The one job that tries a half-open breaker: it counts while it runs under this token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerProbe {
    /// The job.
    pub job: JobId,
    /// The token of its claim.
    pub token: Token,
}

/// What a breaker says to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is closed.
    Free,
    /// It is half open: the claim has to become its probe.
    AsProbe,
    /// Not now.
    Refused,
}

/// A breaker. Its status is derived from the time, never stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Breaker {
    /// What it guards.
    pub backend: Backend,
    /// Faults in a row.
    pub failures: u32,
    /// How often it opened since it was last closed.
    pub openings: u32,
    /// When it lets a probe through; `None` while it is closed.
    pub open_until: Option<Timestamp>,
    /// The probe that runs.
    pub probe: Option<BreakerProbe>,
    /// The last fault since it was closed.
    pub failure: Option<Failure>,
    /// When its status was last written.
    pub changed_at: Timestamp,
}

impl Breaker {
    /// A closed breaker without a fault.
    pub const fn closed(backend: Backend, now: Timestamp) -> Self {
        Self { backend, failures: 0, openings: 0, open_until: None, probe: None, failure: None, changed_at: now }
    }

    /// How it stands.
    pub fn status(&self, now: Timestamp) -> BreakerStatus {
        match self.open_until {
            None => BreakerStatus::Closed,
            Some(until) if now < until => BreakerStatus::Open,
            Some(_) => BreakerStatus::HalfOpen,
        }
    }

    /// Whether a job may be claimed.
    pub fn admits(&self, now: Timestamp) -> Admission {
        match (self.status(now), self.probe) {
            (BreakerStatus::Closed, _) => Admission::Free,
            (BreakerStatus::HalfOpen, None) => Admission::AsProbe,
            (BreakerStatus::HalfOpen, Some(_)) | (BreakerStatus::Open, _) => Admission::Refused,
        }
    }

    /// What it becomes by the sign of an attempt that has ended; `None` when that changes nothing.
    pub fn after(&self, attempt: BreakerProbe, sign: &BackendSign, policy: &BreakerPolicy, now: Timestamp) -> Option<Self> {
        if self.open_until.is_some() && self.probe != Some(attempt) {
            return None;
        }
        match sign {
            BackendSign::Healthy if self.open_until.is_none() && self.failures == 0 => None,
            BackendSign::Healthy => Some(Self::closed(self.backend.clone(), now)),
            BackendSign::Fault(failure) => {
                let mut next = self.clone();
                next.failures = self.failures.saturating_add(1);
                next.failure = Some(failure.clone());
                if self.open_until.is_some() || next.failures >= policy.threshold {
                    next.openings = self.openings.saturating_add(1);
                    next.open_until = Some(now.plus_ms(policy.open_ms_after(next.openings)));
                    next.probe = None;
                    next.changed_at = now;
                }
                Some(next)
            }
        }
    }

    /// Why a job of its backend waits, if it does.
    pub fn hold(&self, now: Timestamp) -> Option<Hold> {
        if self.admits(now) != Admission::Refused {
            return None;
        }
        let last = self.failure.as_ref().map_or_else(String::new, |f| format!("; the last failure: {}", f.message));
        let (reason, until) = match self.probe {
            Some(probe) => {
                let reason = format!("the circuit breaker of {} is half open and {} is its one try{last}", self.backend, probe.job);
                (reason, None)
            }
            None => {
                let reason = format!("the circuit breaker of {} is open after {} failures in a row{last}", self.backend, self.failures);
                (reason, self.open_until)
            }
        };
        let account = if self.backend.account == DEFAULT_ACCOUNT { String::new() } else { format!(" --account {}", self.backend.account) };
        let hint =
            format!("wait, it is tried again by itself; or, once it is mended: windlass breakers close {}{account}", self.backend.harness);
        Some(Hold { kind: HoldKind::BreakerOpen, reason, hint: Some(hint), until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_000_000);
    const POLICY: BreakerPolicy = BreakerPolicy { threshold: 3, open_ms: 1000 };

    fn fault() -> BackendSign {
        BackendSign::Fault(Failure::new(FailureKind::ApiError, "the API answered 500"))
    }

    fn attempt(n: u64) -> BreakerProbe {
        let ids = crate::Ids::seeded(crate::Clock::manual(NOW), n);
        BreakerProbe { job: ids.job(), token: Token { generation: 1, epoch: n as i64 } }
    }

    fn new() -> Breaker {
        Breaker::closed(Backend::of(Harness::Claude), NOW)
    }

    fn opened() -> Breaker {
        (0..3).fold(new(), |breaker, n| breaker.after(attempt(n), &fault(), &POLICY, NOW).unwrap())
    }

    #[test]
    fn it_opens_after_so_many_faults_in_a_row_and_a_good_end_begins_the_count_anew() {
        let two = new().after(attempt(1), &fault(), &POLICY, NOW).unwrap().after(attempt(2), &fault(), &POLICY, NOW).unwrap();
        assert_eq!((two.failures, two.admits(NOW)), (2, Admission::Free));
        assert_eq!(two.after(attempt(3), &BackendSign::Healthy, &POLICY, NOW), Some(new()));
        assert_eq!(opened().status(NOW), BreakerStatus::Open);
    }

    #[test]
    fn it_lets_one_probe_through_when_its_time_is_over() {
        let open = opened();
        assert_eq!(open.admits(NOW.plus_ms(999)), Admission::Refused);
        assert_eq!(open.admits(NOW.plus_ms(1000)), Admission::AsProbe);
        let tried = Breaker { probe: Some(attempt(9)), ..open };
        assert_eq!(tried.admits(NOW.plus_ms(1000)), Admission::Refused);
    }

    #[test]
    fn a_probe_that_fails_opens_it_for_longer_and_never_for_more_than_sixteen_times_as_long() {
        let mut breaker = opened();
        let mut waits = Vec::new();
        for n in 10..17 {
            let now = breaker.open_until.unwrap();
            let probe = attempt(n);
            breaker = Breaker { probe: Some(probe), ..breaker }.after(probe, &fault(), &POLICY, now).unwrap();
            waits.push(breaker.open_until.unwrap().since_ms(now) / 1000);
        }
        assert_eq!(waits, [2, 4, 8, 16, 16, 16, 16]);
    }

    #[test]
    fn a_held_job_is_told_why_until_when_and_what_to_do() {
        let held = opened().hold(NOW).unwrap();
        assert_eq!((held.kind, held.until), (HoldKind::BreakerOpen, Some(NOW.plus_ms(1000))));
        assert!(held.reason.contains("claude is open after 3 failures in a row"), "{}", held.reason);
        assert!(held.reason.contains("the API answered 500"), "{}", held.reason);
        let tried = Breaker { probe: Some(attempt(9)), ..opened() }.hold(NOW.plus_ms(1000)).unwrap();
        assert!(tried.reason.contains(&attempt(9).job.to_string()), "{}", tried.reason);
        assert_eq!(new().hold(NOW), None);
    }

    #[test]
    fn what_the_agent_made_of_its_work_says_nothing_bad_about_its_backend() {
        for kind in FailureKind::ALL {
            let sign = BackendSign::of(&AttemptResult::Failed(Failure::new(kind, "x")));
            let bad = matches!(sign, Some(BackendSign::Fault(_)));
            let of_the_backend = ["api_error", "spawn_failed", "unauthorized", "not_logged_in", "not_installed"].contains(&kind.as_str());
            assert_eq!(bad, of_the_backend, "{kind:?}");
        }
        assert_eq!(BackendSign::of(&AttemptResult::HandedBack), None);
    }

    /// One step of a run: time passes, a job asks to be claimed, one that runs ends in some way, or is lost.
    #[derive(Debug, Clone)]
    enum Step {
        Pass(i64),
        Claim,
        Healthy(usize),
        Fault(usize),
        Lose(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0i64..2500).prop_map(Step::Pass),
            Just(Step::Claim),
            Just(Step::Claim),
            (0usize..9).prop_map(Step::Healthy),
            (0usize..9).prop_map(Step::Fault),
            (0usize..9).prop_map(Step::Fault),
            (0usize..9).prop_map(Step::Lose),
        ]
    }

    /// The textbook's breaker, written down as its three states.
    #[derive(Debug)]
    enum Model {
        Closed { faults: u32 },
        Open { until: Timestamp, openings: u32 },
        Probing { probe: BreakerProbe, openings: u32 },
    }

    proptest! {
        #[test]
        fn it_behaves_as_the_textbook_says(steps in proptest::collection::vec(step(), 1..200)) {
            let (mut now, mut breaker, mut model) = (NOW, new(), Model::Closed { faults: 0 });
            let mut running: Vec<BreakerProbe> = Vec::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Pass(ms) => now = now.plus_ms(ms),
                    Step::Claim => {
                        next += 1;
                        let claim = attempt(next);
                        let admission = breaker.admits(now);
                        let wanted = match &model {
                            Model::Closed { .. } => Admission::Free,
                            Model::Open { until, .. } if now >= *until => Admission::AsProbe,
                            Model::Open { .. } | Model::Probing { .. } => Admission::Refused,
                        };
                        prop_assert_eq!(admission, wanted);
                        prop_assert_eq!(breaker.hold(now).is_some(), admission == Admission::Refused);
                        if admission == Admission::AsProbe {
                            breaker.probe = Some(claim);
                            if let Model::Open { openings, .. } = model {
                                model = Model::Probing { probe: claim, openings };
                            }
                        }
                        if admission != Admission::Refused {
                            running.push(claim);
                        }
                    }
                    Step::Healthy(n) | Step::Fault(n) | Step::Lose(n) if n >= running.len() => {}
                    Step::Lose(n) => {
                        let lost = running.remove(n);
                        breaker.probe = breaker.probe.filter(|probe| *probe != lost);
                        if let Model::Probing { probe, openings } = model && probe == lost {
                            model = Model::Open { until: now, openings };
                        }
                    }
                    Step::Healthy(n) => {
                        let ended = running.remove(n);
                        breaker = breaker.after(ended, &BackendSign::Healthy, &POLICY, now).unwrap_or(breaker);
                        model = match model {
                            Model::Closed { .. } => Model::Closed { faults: 0 },
                            Model::Probing { probe, .. } if probe == ended => Model::Closed { faults: 0 },
                            other => other,
                        };
                    }
                    Step::Fault(n) => {
                        let ended = running.remove(n);
                        breaker = breaker.after(ended, &fault(), &POLICY, now).unwrap_or(breaker);
                        model = match model {
                            Model::Closed { faults } if faults + 1 < 3 => Model::Closed { faults: faults + 1 },
                            Model::Closed { .. } => Model::Open { until: now.plus_ms(1000), openings: 1 },
                            Model::Probing { probe, openings } if probe == ended => {
                                let wait = 1000 * 2i64.pow(openings).min(16);
                                Model::Open { until: now.plus_ms(wait), openings: openings + 1 }
                            }
                            other => other,
                        };
                    }
                }
            }
        }
    }
}
