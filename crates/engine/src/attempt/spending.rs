//! What an attempt has used, and what the budgets leave it.

use std::time::Duration;

use windlass_types::{BudgetCheck, Failure, Usage};

use super::{Attempt, Stop};

impl Attempt {
    pub(super) fn add_usage(&mut self, usage: Option<Usage>) {
        self.used = match (self.used, usage) {
            (Some(before), Some(now)) if before == Usage::default() => Some(now),
            (Some(before), Some(now)) => Some(before.plus(now)),
            _ => None,
        };
    }

    /// What the budgets say with this attempt's runs, and `running` on top, counted in.
    pub(super) fn budget_passed(&self, running: Usage) -> Option<Failure> {
        let wall_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let used = self.used.unwrap_or_default();
        let assignment = &self.claimed.assignment;
        let spent = assignment.spent.with_running(used, wall_ms).with_running(running, 0);
        let job = windlass_types::Spent {
            tokens: self.claimed.job.usage.total_tokens(),
            cost_micros: self.claimed.job.cost_micros,
            ..Default::default()
        };
        assignment.budget.refuses(&spent, BudgetCheck::DuringRun).or_else(|| {
            self.claimed.job.spec.budget.refuses(&job.with_running(used, wall_ms).with_running(running, 0), BudgetCheck::DuringRun)
        })
    }

    /// After a run: what has passed a budget ends the attempt.
    pub(super) fn check_budget(&self) -> Result<(), Stop> {
        self.budget_passed(Usage::default()).map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// Before a further run of this attempt: what the runs before did not tell refuses it, if a budget limits it.
    pub(super) fn check_budget_again(&self) -> Result<(), Stop> {
        let assignment = &self.claimed.assignment;
        let spent = |before: windlass_types::Spent| before.after_run(self.used, 0, self.agent_started);
        let refused = if self.agent_started {
            assignment
                .budget
                .refuses(&spent(assignment.spent), BudgetCheck::DuringRun)
                .or_else(|| self.claimed.job.spec.budget.refuses(&spent(windlass_types::Spent::default()), BudgetCheck::DuringRun))
        } else {
            None
        };
        refused.map_or(Ok(()), |failure| Err(failure.into()))
    }

    pub(super) fn cost_left(&self) -> Option<windlass_types::Micros> {
        let assignment = &self.claimed.assignment;
        let left = |limit: Option<windlass_types::Micros>, spent: windlass_types::Micros| {
            limit.map(|l| windlass_types::Micros((l.0 - spent.0).max(1)))
        };
        match (
            left(assignment.budget.cost_micros, assignment.spent.cost_micros),
            left(self.claimed.job.spec.budget.cost_micros, self.claimed.job.cost_micros),
        ) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The time this run may take: its own limit, cut to what the wall-time budgets leave.
    pub(super) fn wall_limit(&self, timeout_secs: u64) -> Duration {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let assignment = &self.claimed.assignment;
        let left =
            assignment.budget.wall_secs.map(|s| s.saturating_mul(1000).saturating_sub(assignment.spent.wall_ms.saturating_add(elapsed)));
        Duration::from_millis(left.unwrap_or(u64::MAX).min(timeout_secs.saturating_mul(1000)).max(1))
    }
}
