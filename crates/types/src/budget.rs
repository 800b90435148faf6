//! Budgets: limits in runs, wall time, tokens and money, and what has been used of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Failure, FailureKind, Micros, Usage, count};

/// Limits of an assignment or a job; what is `None` is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Budget {
    /// Attempts started.
    pub runs: Option<u32>,
    /// Time agents and checks have run, in seconds.
    pub wall_secs: Option<u64>,
    /// Tokens of every kind.
    pub tokens: Option<u64>,
    /// Money, in millionths of a US dollar.
    pub cost_micros: Option<Micros>,
}

impl Budget {
    /// Its own limits and, where it names none, the other's.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            runs: self.runs.or(other.runs),
            wall_secs: self.wall_secs.or(other.wall_secs),
            tokens: self.tokens.or(other.tokens),
            cost_micros: self.cost_micros.or(other.cost_micros),
        }
    }
}

/// What has been used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Spent {
    /// Attempts started.
    pub runs: u32,
    /// Time agents and checks have run, in milliseconds.
    pub wall_ms: u64,
    /// Tokens of every kind, as far as agents told.
    pub tokens: u64,
    /// Money, as far as agents told.
    pub cost_micros: Micros,
    /// Runs that ended without telling their tokens.
    pub runs_without_usage: u32,
    /// Runs that ended without telling their cost.
    pub runs_without_cost: u32,
}

impl Spent {
    /// What is spent after one more run has ended. A run whose agent never started costs nothing but its count.
    #[must_use]
    pub const fn after_run(mut self, usage: Option<Usage>, wall_ms: u64, agent_started: bool) -> Self {
        self.wall_ms = self.wall_ms.saturating_add(wall_ms);
        match usage {
            Some(usage) => {
                self.tokens = self.tokens.saturating_add(usage.total_tokens());
                match usage.cost_micros {
                    Some(cost) => self.cost_micros = Micros(self.cost_micros.0.saturating_add(cost.0)),
                    None if agent_started => self.runs_without_cost = self.runs_without_cost.saturating_add(1),
                    None => {}
                }
            }
            None if agent_started => {
                self.runs_without_usage = self.runs_without_usage.saturating_add(1);
                self.runs_without_cost = self.runs_without_cost.saturating_add(1);
            }
            None => {}
        }
        self
    }

    /// Adds what a run in progress has used so far.
    #[must_use]
    pub const fn with_running(mut self, usage: Usage, wall_ms: u64) -> Self {
        self.wall_ms = self.wall_ms.saturating_add(wall_ms);
        self.tokens = self.tokens.saturating_add(usage.total_tokens());
        if let Some(cost) = usage.cost_micros {
            self.cost_micros = Micros(self.cost_micros.0.saturating_add(cost.0));
        }
        self
    }
}

/// How one budget is weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetCheck {
    /// Before a new run is dispatched: what is reached refuses, and what is unknown refuses.
    BeforeRun,
    /// While a run goes on (its count already included): only what is passed refuses.
    DuringRun,
}

impl Budget {
    /// The failure to give, if the budget forbids the (next) run. Fails closed: a limit on what an agent does not tell
    /// forbids as soon as one run has ended without telling.
    pub fn refuses(&self, spent: &Spent, check: BudgetCheck) -> Option<Failure> {
        let over = |limit: u64, used: u64| match check {
            BudgetCheck::BeforeRun => used >= limit,
            BudgetCheck::DuringRun => used > limit,
        };
        let exceeded = |what: &str, limit: String, used: String| {
            Some(
                Failure::new(FailureKind::BudgetExceeded, format!("the budget of {limit} {what} is spent ({used} used)"))
                    .hint("raise that limit or lift it (`windlass update-assignment ID` with a --budget flag or --no-budget), or cancel the assignment"),
            )
        };
        let unknown = |what: &str, runs: u32| {
            Some(
                Failure::new(
                    FailureKind::UsageUnknown,
                    format!("{} ended without telling the {what}, and the budget limits it", count(runs, "run")),
                )
                .hint("lift that limit (`windlass update-assignment ID --no-budget usd` or `tokens`), or take a harness that tells it, or give the model's price in the configuration"),
            )
        };
        if let Some(limit) = self.runs
            && over(u64::from(limit), u64::from(spent.runs))
        {
            return exceeded("runs", limit.to_string(), spent.runs.to_string());
        }
        if let Some(limit) = self.wall_secs
            && over(limit.saturating_mul(1000), spent.wall_ms)
        {
            return exceeded("seconds", limit.to_string(), (spent.wall_ms / 1000).to_string());
        }
        if let Some(limit) = self.tokens {
            if over(limit, spent.tokens) {
                return exceeded("tokens", limit.to_string(), spent.tokens.to_string());
            }
            if spent.runs_without_usage > 0 {
                return unknown("tokens", spent.runs_without_usage);
            }
        }
        if let Some(limit) = self.cost_micros {
            if over(limit.0.max(0).unsigned_abs(), spent.cost_micros.0.max(0).unsigned_abs()) {
                return exceeded("US dollars", limit.to_string(), spent.cost_micros.to_string());
            }
            if spent.runs_without_cost > 0 {
                return unknown("cost", spent.runs_without_cost);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_of_runs_refuses_the_run_after_the_last() {
        let budget = Budget { runs: Some(2), ..Budget::default() };
        assert!(budget.refuses(&Spent { runs: 1, ..Spent::default() }, BudgetCheck::BeforeRun).is_none());
        assert!(budget.refuses(&Spent { runs: 2, ..Spent::default() }, BudgetCheck::BeforeRun).is_some());
        assert!(budget.refuses(&Spent { runs: 2, ..Spent::default() }, BudgetCheck::DuringRun).is_none());
    }

    #[test]
    fn a_limit_on_what_an_agent_does_not_tell_fails_closed() {
        let spent = Spent { runs: 1, ..Spent::default() }.after_run(None, 10, true);
        let tokens = Budget { tokens: Some(1_000_000), ..Budget::default() };
        assert_eq!(tokens.refuses(&spent, BudgetCheck::BeforeRun).map(|f| f.kind), Some(FailureKind::UsageUnknown));
        let cost = Budget { cost_micros: Some(Micros(5_000_000)), ..Budget::default() };
        let told_tokens_only = Spent::default().after_run(Some(Usage { input_tokens: 5, ..Usage::default() }), 10, true);
        assert_eq!(cost.refuses(&told_tokens_only, BudgetCheck::BeforeRun).map(|f| f.kind), Some(FailureKind::UsageUnknown));
        assert_eq!(tokens.refuses(&told_tokens_only, BudgetCheck::BeforeRun), None);
    }

    #[test]
    fn an_agent_that_never_started_leaves_nothing_unknown() {
        for told in [None, Some(Usage::default())] {
            let spent = Spent::default().after_run(told, 3, false);
            assert_eq!((spent.runs_without_usage, spent.runs_without_cost), (0, 0), "{told:?}");
        }
    }
}
