//! Agents' sessions: those of Windlass's own attempts, and those that people start by themselves.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, AttemptId, Harness, JobId, JobType, SessionId, Timestamp};

/// After how long without activity a session counts as idle, in milliseconds.
pub const IDLE_AFTER_MS: i64 = 5 * 60 * 1000;

/// The type of a session that a person started.
pub const MANUAL: &str = "manual";

/// Who started a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// A person, outside of Windlass.
    Manual,
    /// Windlass, for a job.
    Job,
}

impl SessionKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Manual, Self::Job];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => MANUAL,
            Self::Job => "job",
        }
    }
}

crate::text_enum!(SessionKind, "session kind");

/// How a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// It did something within the last five minutes.
    Active,
    /// It did nothing for five minutes or longer.
    Idle,
    /// It is over.
    Ended,
}

impl SessionStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Idle, Self::Ended];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Ended => "ended",
        }
    }

    /// How a session stands that did something last at `last_activity_at`.
    pub const fn of(last_activity_at: Timestamp, is_over: bool, now: Timestamp) -> Self {
        if is_over {
            Self::Ended
        } else if now.since_ms(last_activity_at) >= IDLE_AFTER_MS {
            Self::Idle
        } else {
            Self::Active
        }
    }
}

crate::text_enum!(SessionStatus, "session status");

/// The type of a session that runs a job of this type.
pub const fn session_type(job_type: JobType) -> &'static str {
    match job_type {
        JobType::Implement => "implementation",
        other => other.as_str(),
    }
}

/// A tool that an agent uses at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CurrentTool {
    /// The tool's name as the agent calls it.
    pub name: String,
    /// About what.
    pub summary: String,
    /// Since when.
    pub since: Timestamp,
}

/// An agent's session, and what the agent does in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentSession {
    /// Its id here.
    pub id: SessionId,
    /// Who started it.
    pub kind: SessionKind,
    /// What it is for: `manual`, or the work of its job (`implementation`, `plan`, `review`, `uat`, `document`, `pm`, `chat`).
    pub session_type: String,
    /// Which agent.
    pub harness: Harness,
    /// The agent's own id of it; null until it has told one.
    pub agent_session_id: Option<String>,
    /// The project it works in, where that is known.
    pub project: Option<String>,
    /// The assignment of its job.
    pub assignment_id: Option<AssignmentId>,
    /// Its job.
    pub job_id: Option<JobId>,
    /// Its attempt.
    pub attempt_id: Option<AttemptId>,
    /// The folder it works in, where that is told.
    pub cwd: Option<String>,
    /// What it is about, in one line.
    pub title: Option<String>,
    /// The model it says it uses.
    pub model: Option<String>,
    /// How it stands.
    pub status: SessionStatus,
    /// The tool it uses now; the last begun, where there are several.
    pub current_tool: Option<CurrentTool>,
    /// When it did something last.
    pub last_activity_at: Timestamp,
    /// What that was, in words.
    pub last_activity: String,
    /// How many tool calls ended.
    pub tools_used: i64,
    /// How many of them failed.
    pub tools_failed: i64,
    /// The share of them that did not fail, from 0 to 1; null before the first.
    pub success_rate: Option<f64>,
    /// How long a tool call took on average, in milliseconds, where that is known.
    pub mean_duration_ms: Option<i64>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why, in a word.
    pub end_reason: Option<String>,
}

/// The share of tool calls that did not fail; `None` of none.
pub fn success_rate(used: i64, failed: i64) -> Option<f64> {
    (used > 0).then(|| (used.saturating_sub(failed)) as f64 / used as f64)
}

/// The mean of `count` durations that are `sum` together.
pub const fn mean(sum: i64, count: i64) -> Option<i64> {
    sum.checked_div(count)
}

/// What agents did, together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentMetrics {
    /// How many sessions.
    pub sessions: i64,
    /// How many of them are active.
    pub active: i64,
    /// How many of them are idle.
    pub idle: i64,
    /// How many tool calls ended.
    pub tools_used: i64,
    /// How many of them failed.
    pub tools_failed: i64,
    /// The share of them that did not fail, from 0 to 1; null of none.
    pub success_rate: Option<f64>,
    /// How long a tool call took on average, in milliseconds, where that is known.
    pub mean_duration_ms: Option<i64>,
    /// By tool, the most used first; at most 200.
    pub by_tool: Vec<ToolMetrics>,
    /// By agent.
    pub by_harness: Vec<HarnessMetrics>,
}

/// How a tool was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolMetrics {
    /// The tool's name as its agent calls it.
    pub tool: String,
    /// How many calls ended.
    pub used: i64,
    /// How many of them failed.
    pub failed: i64,
    /// How long a call took on average, in milliseconds, where that is known.
    pub mean_duration_ms: Option<i64>,
}

/// How an agent was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HarnessMetrics {
    /// Which agent.
    pub harness: Harness,
    /// How many sessions.
    pub sessions: i64,
    /// How many tool calls ended.
    pub tools_used: i64,
    /// How many of them failed.
    pub tools_failed: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_idle_after_five_minutes_of_silence_and_ended_when_it_is_over() {
        let last = Timestamp(1_700_000_000_000);
        let after = |ms| SessionStatus::of(last, false, last.plus_ms(ms));
        assert_eq!((after(0), after(299_999), after(300_000)), (SessionStatus::Active, SessionStatus::Active, SessionStatus::Idle));
        assert_eq!(after(-5_000), SessionStatus::Active, "a clock that was set back");
        assert_eq!(SessionStatus::of(last, true, last), SessionStatus::Ended);
    }

    #[test]
    fn rates_and_means_of_nothing_are_nothing() {
        assert_eq!((success_rate(0, 0), success_rate(4, 1)), (None, Some(0.75)));
        assert_eq!((mean(0, 0), mean(10, 4)), (None, Some(2)));
    }
}
