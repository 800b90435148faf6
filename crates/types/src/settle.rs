//! What follows an attempt: one pure decision that the store writes in one transaction.

use serde::{Deserialize, Serialize};

use crate::{AttemptStatus, Block, Failure, FailureClass, FailureKind, JobMove, JobType, OnFailure, Park, Timestamp};

/// How often and how long a job is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Retries after transient failures.
    pub max_retries: u32,
    /// The first back-off, in milliseconds.
    pub initial_delay_ms: u64,
    /// What each further back-off is multiplied by.
    pub backoff: f64,
    /// The longest back-off, in milliseconds.
    pub max_delay_ms: u64,
    /// Rescues after crashes and lost leases before the job is dead: a job that takes its worker down is poison.
    pub max_rescues: u32,
    /// Parks in a row before the job is dead.
    pub max_parks: u32,
    /// How long a park lasts when the provider does not say, in milliseconds.
    pub default_park_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            initial_delay_ms: 1000,
            backoff: 2.0,
            max_delay_ms: 300_000,
            max_rescues: 5,
            max_parks: 100,
            default_park_ms: 300_000,
        }
    }
}

impl RetryPolicy {
    /// The back-off before retry number `retry` (from 1), in milliseconds, with full jitter: `jitter` is drawn from 0..1.
    pub fn delay_ms(&self, retry: u32, jitter: f64) -> u64 {
        let exponent = i32::try_from(retry.saturating_sub(1)).unwrap_or(i32::MAX);
        let ceiling = (self.initial_delay_ms as f64 * self.backoff.max(1.0).powi(exponent)).min(self.max_delay_ms as f64);
        (ceiling * jitter.clamp(0.0, 1.0)) as u64
    }
}

/// How an attempt ended, all gates included.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptResult {
    /// The work passed every gate (or needed none).
    Succeeded,
    /// It did not.
    Failed(Failure),
    /// The worker hands the job back unharmed (a stop): counts as nothing.
    HandedBack,
}

impl AttemptResult {
    /// How the attempt stands that ended so.
    pub const fn status(&self) -> AttemptStatus {
        match self {
            Self::Succeeded => AttemptStatus::Succeeded,
            Self::HandedBack => AttemptStatus::Stopped,
            Self::Failed(failure) => match failure.kind.class() {
                FailureClass::Interrupted => AttemptStatus::Lost,
                FailureClass::Cancelled => AttemptStatus::Stopped,
                _ => AttemptStatus::Failed,
            },
        }
    }
}

/// The counters that a decision rests on, before the attempt that has just ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Transient failures so far.
    pub failures: u32,
    /// Rescues so far.
    pub rescues: u32,
    /// Parks so far.
    pub parks: u32,
}

/// The facts about a job and its line that a decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineFacts {
    /// The job's type.
    pub job_type: JobType,
    /// Whether a pm job judges each job of this assignment.
    pub review: bool,
    /// What follows a job that failed for good.
    pub on_failure: OnFailure,
    /// Whether later jobs of the line are still queued.
    pub more_queued: bool,
}

/// What happens to the assignment with the settlement of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineMove {
    /// Nothing: the same or the next job goes on.
    GoOn,
    /// A pm job is inserted behind this one.
    Review,
    /// The assignment is complete.
    Complete,
    /// Somebody has to act first.
    Block(Block),
}

/// The decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The job's move.
    pub job: JobMove,
    /// The counters after it.
    pub counters: Counters,
    /// When a requeued job is due.
    pub due_at: Timestamp,
    /// Why it waits, when a quota is the reason.
    pub park: Option<Park>,
    /// What happens to the assignment.
    pub line: LineMove,
}

/// Decides what follows an attempt that ended at `now`. `jitter` is drawn from 0..1.
///
/// A pm job that succeeds moves the line by its verdict, which the store applies in the same transaction; here it only goes on.
pub fn settle(
    counters: Counters,
    facts: LineFacts,
    policy: &RetryPolicy,
    result: &AttemptResult,
    now: Timestamp,
    jitter: f64,
) -> Settlement {
    let requeue = |counters: Counters, due_at: Timestamp, park: Option<Park>| Settlement {
        job: JobMove::Requeue,
        counters,
        due_at,
        park,
        line: LineMove::GoOn,
    };
    let end = |job: JobMove, counters: Counters, line: LineMove| Settlement { job, counters, due_at: now, park: None, line };
    match result {
        AttemptResult::HandedBack => requeue(counters, now, None),
        AttemptResult::Succeeded => {
            let line = if facts.job_type == JobType::Pm {
                LineMove::GoOn
            } else if facts.review {
                LineMove::Review
            } else if facts.more_queued {
                LineMove::GoOn
            } else {
                LineMove::Complete
            };
            end(JobMove::Succeed, counters, line)
        }
        AttemptResult::Failed(failure) => match failure.class() {
            FailureClass::Transient => {
                let counters = Counters { failures: counters.failures.saturating_add(1), ..counters };
                if counters.failures > policy.max_retries {
                    end(JobMove::Bury, counters, after_refusal(facts, failure, &why_dead(counters, failure)))
                } else {
                    let delay = i64::try_from(policy.delay_ms(counters.failures, jitter)).unwrap_or(i64::MAX);
                    requeue(counters, now.plus_ms(delay), None)
                }
            }
            FailureClass::Interrupted => {
                let counters = Counters { rescues: counters.rescues.saturating_add(1), ..counters };
                if counters.rescues > policy.max_rescues {
                    end(JobMove::Bury, counters, after_refusal(facts, failure, &why_dead(counters, failure)))
                } else {
                    // A daemon that crashes again and again does not bury its jobs within seconds.
                    let delay = match counters.rescues {
                        0 | 1 => 0,
                        again => i64::try_from(policy.delay_ms(again - 1, jitter)).unwrap_or(i64::MAX),
                    };
                    requeue(counters, now.plus_ms(delay), None)
                }
            }
            FailureClass::Parked => {
                let counters = Counters { parks: counters.parks.saturating_add(1), ..counters };
                if counters.parks > policy.max_parks {
                    end(JobMove::Bury, counters, after_refusal(facts, failure, &why_dead(counters, failure)))
                } else {
                    let wait = i64::try_from(policy.default_park_ms).unwrap_or(i64::MAX);
                    let until = failure.retry_at.filter(|at| *at > now).unwrap_or_else(|| now.plus_ms(wait));
                    requeue(counters, until, Some(Park { failure: failure.clone(), until }))
                }
            }
            // The job waits unharmed behind the block: once the person has acted, it simply runs.
            FailureClass::Configuration => {
                Settlement { line: LineMove::Block(block(failure, &failure.message)), ..requeue(counters, now, None) }
            }
            FailureClass::Permanent => end(JobMove::Fail, counters, after_refusal(facts, failure, &failure.message)),
            FailureClass::Cancelled => end(
                JobMove::Cancel,
                counters,
                if facts.more_queued { LineMove::GoOn } else { LineMove::Block(block(failure, "its last job was cancelled")) },
            ),
        },
    }
}

/// Why a job is dead, by its counters and its last failure.
pub fn why_dead(counters: Counters, failure: &Failure) -> String {
    match failure.class() {
        FailureClass::Interrupted => format!("its worker was lost {} times while it ran", counters.rescues),
        FailureClass::Parked => format!("it was parked {} times; the last: {}", counters.parks, failure.message),
        _ => format!("{} attempts failed; the last: {}", counters.failures, failure.message),
    }
}

fn after_refusal(facts: LineFacts, failure: &Failure, reason: &str) -> LineMove {
    // What a person set as a limit, or what a pm cannot mend, is for a person whatever the policy says.
    let for_person = facts.job_type == JobType::Pm
        || matches!(
            failure.kind,
            FailureKind::BudgetExceeded
                | FailureKind::UsageUnknown
                | FailureKind::WorkspaceTampered
                | FailureKind::SecretFound
                | FailureKind::GuardedChange
                | FailureKind::ForgeRefused
                | FailureKind::BranchClash
        );
    if facts.on_failure == OnFailure::Review && !for_person { LineMove::Review } else { LineMove::Block(block(failure, reason)) }
}

fn block(failure: &Failure, reason: &str) -> Block {
    let action = failure.hint.clone().unwrap_or_else(|| {
        "look at the job's log, then retry the job (`windlass retry JOB`, with --context to say more), or cancel the assignment".to_owned()
    });
    Block { owner: "person".to_owned(), action, reason: reason.to_owned(), kind: Some(failure.kind) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_000_000);
    const FACTS: LineFacts = LineFacts { job_type: JobType::Implement, review: true, on_failure: OnFailure::Block, more_queued: false };
    const ZERO: Counters = Counters { failures: 0, rescues: 0, parks: 0 };

    fn after(counters: Counters, kind: FailureKind) -> Settlement {
        settle(counters, FACTS, &RetryPolicy::default(), &AttemptResult::Failed(Failure::new(kind, "x")), NOW, 0.5)
    }

    #[test]
    fn a_transient_failure_backs_off_and_is_dead_when_its_retries_are_spent() {
        let first = after(ZERO, FailureKind::ApiError);
        assert_eq!((first.job, first.counters.failures, first.due_at), (JobMove::Requeue, 1, NOW.plus_ms(500)));
        let last = after(Counters { failures: 3, ..ZERO }, FailureKind::ApiError);
        assert_eq!(last.job, JobMove::Bury);
        assert!(matches!(last.line, LineMove::Block(_)));
    }

    #[test]
    fn a_quota_parks_until_the_reset_and_costs_no_retry() {
        let reset = NOW.plus_ms(77_000);
        let failure = Failure::new(FailureKind::RateLimited, "quota").retry_at(reset);
        let parked = settle(ZERO, FACTS, &RetryPolicy::default(), &AttemptResult::Failed(failure), NOW, 0.5);
        assert_eq!((parked.job, parked.due_at, parked.counters.failures), (JobMove::Requeue, reset, 0));
    }

    #[test]
    fn a_missing_setting_blocks_and_leaves_the_job_queued_unharmed() {
        let blocked = after(ZERO, FailureKind::Unauthorized);
        assert_eq!((blocked.job, blocked.counters), (JobMove::Requeue, ZERO));
        assert!(matches!(blocked.line, LineMove::Block(_)));
    }

    #[test]
    fn rescues_are_counted_apart_from_failures_and_too_many_are_dead() {
        let rescued = after(Counters { failures: 3, ..ZERO }, FailureKind::WorkerLost);
        assert_eq!((rescued.job, rescued.counters.failures, rescued.counters.rescues), (JobMove::Requeue, 3, 1));
        assert_eq!(after(Counters { rescues: 5, ..ZERO }, FailureKind::WorkerLost).job, JobMove::Bury);
    }

    #[test]
    fn the_first_rescue_is_due_at_once_and_each_later_one_backs_off() {
        let due = |rescues| after(Counters { rescues, ..ZERO }, FailureKind::WorkerLost).due_at;
        assert_eq!([0, 1, 2, 3].map(due), [0, 500, 1000, 2000].map(|ms| NOW.plus_ms(ms)));
    }

    #[test]
    fn handing_back_counts_as_nothing() {
        let back = settle(ZERO, FACTS, &RetryPolicy::default(), &AttemptResult::HandedBack, NOW, 0.9);
        assert_eq!((back.job, back.counters, back.due_at), (JobMove::Requeue, ZERO, NOW));
    }

    #[test]
    fn success_is_reviewed_or_goes_on_or_completes() {
        let line = |facts| settle(ZERO, facts, &RetryPolicy::default(), &AttemptResult::Succeeded, NOW, 0.0).line;
        assert_eq!(line(FACTS), LineMove::Review);
        assert_eq!(line(LineFacts { review: false, ..FACTS }), LineMove::Complete);
        assert_eq!(line(LineFacts { review: false, more_queued: true, ..FACTS }), LineMove::GoOn);
        assert_eq!(line(LineFacts { job_type: JobType::Pm, ..FACTS }), LineMove::GoOn);
    }

    #[test]
    fn a_pm_that_fails_is_for_a_person_whatever_the_policy() {
        let facts = LineFacts { job_type: JobType::Pm, on_failure: OnFailure::Review, ..FACTS };
        let settled =
            settle(ZERO, facts, &RetryPolicy::default(), &AttemptResult::Failed(Failure::new(FailureKind::NoVerdict, "x")), NOW, 0.0);
        assert!(matches!(settled.line, LineMove::Block(_)));
    }

    proptest! {
        #[test]
        fn the_back_off_never_exceeds_its_ceiling(retry in 0u32..100, jitter in 0.0f64..1.0) {
            let policy = RetryPolicy::default();
            prop_assert!(policy.delay_ms(retry, jitter) <= policy.max_delay_ms);
        }

        #[test]
        fn no_failure_is_tried_for_ever(kind in proptest::sample::select(FailureKind::ALL.to_vec())) {
            let mut counters = ZERO;
            let mut tries = 0;
            while tries < 1000 {
                let settled = after(counters, kind);
                if settled.job != JobMove::Requeue || matches!(settled.line, LineMove::Block(_)) { break; }
                counters = settled.counters;
                tries += 1;
            }
            prop_assert!(tries < 200);
        }
    }
}
