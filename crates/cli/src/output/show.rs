//! Records as people read them.

use windlass_types::{
    AgentEvent, Assignment, AssignmentStatus, Block, Budget, ChecksVerdict, Hold, Job, JobStatus, PullRequest, Spent, Timestamp, count,
};

use super::{clean, one_line};

/// How long ago, in the largest unit that says enough.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let ms = now.since_ms(at);
    let words = match ms.abs() {
        ..=59_999 => format!("{} s", ms.abs() / 1_000),
        60_000..=3_599_999 => format!("{} min", ms.abs() / 60_000),
        3_600_000..=172_799_999 => format!("{} h", ms.abs() / 3_600_000),
        _ => format!("{} days", ms.abs() / 86_400_000),
    };
    if ms < 0 { format!("in {words}") } else { format!("{words} ago") }
}

/// A length of time in words.
pub(crate) fn duration(ms: i64) -> String {
    match ms {
        ..=999 => format!("{ms} ms"),
        1_000..=59_999 => format!("{} s", ms / 1_000),
        60_000..=3_599_999 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        3_600_000..=172_799_999 => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// A job's status, and for one that waits or failed the reason.
pub(crate) fn job_note(job: &Job, hold: Option<&Hold>, assignment: Option<&Assignment>, now: Timestamp) -> String {
    match job.status {
        JobStatus::Queued if hold.is_some() => hold.map(|hold| held(hold, now)).unwrap_or_default(),
        JobStatus::Running if job.cancel_requested => "is being cancelled".to_owned(),
        JobStatus::Running => {
            let message = job.message.as_deref().map(|m| format!(": {}", one_line(m, 60))).unwrap_or_default();
            format!("{} {} %{message}", job.phase, job.progress)
        }
        JobStatus::Queued => waits(job, assignment, now),
        JobStatus::Failed | JobStatus::Dead | JobStatus::Cancelled => {
            job.failure.as_ref().map(|f| one_line(&f.message, 80)).unwrap_or_default()
        }
        JobStatus::Succeeded => job.commit.as_deref().map(|c| format!("commit {}", short_commit(c))).unwrap_or_default(),
    }
}

/// What holds a job, in the words of `explain`.
fn held(hold: &Hold, now: Timestamp) -> String {
    let until = hold.until.map(|until| format!(" ({})", ago(until, now))).unwrap_or_default();
    format!("{}{until}", one_line(&hold.reason, 200))
}

fn waits(job: &Job, assignment: Option<&Assignment>, now: Timestamp) -> String {
    match assignment {
        Some(a) if a.status == AssignmentStatus::Blocked => {
            return a
                .block
                .as_ref()
                .map_or_else(|| "blocked".to_owned(), |b| format!("waits for {}: {}", b.owner, one_line(&b.reason, 60)));
        }
        Some(a) if a.status != AssignmentStatus::Active => return format!("the assignment is {}", a.status),
        _ => {}
    }
    if job.due_at > now {
        let why = job.park.as_ref().map(|p| &p.failure).or(job.failure.as_ref());
        let why = why.map(|f| format!(": {}", one_line(&f.message, 60))).unwrap_or_default();
        return format!("due {}{why}", ago(job.due_at, now));
    }
    format!("waits for worker {}", job.worker)
}

/// Who has to act, and on what.
pub(crate) fn block(block: &Block) -> String {
    format!("{} has to act: {}\n{}", block.owner, clean(&block.action), clean(&block.reason))
}

/// What was used of what may be.
pub(crate) fn spent(spent: &Spent, budget: &Budget) -> String {
    let of = |limit: Option<String>| limit.map(|l| format!(" of {l}")).unwrap_or_default();
    let mut parts = vec![
        format!("{}{} runs", spent.runs, of(budget.runs.map(|r| r.to_string()))),
        format!("{}{}", duration(i64::try_from(spent.wall_ms).unwrap_or(i64::MAX)), of(budget.wall_secs.map(|s| format!("{s} s")))),
    ];
    if spent.tokens > 0 || budget.tokens.is_some() {
        parts.push(format!("{}{} tokens", spent.tokens, of(budget.tokens.map(|t| t.to_string()))));
    }
    if spent.cost_micros.0 > 0 || budget.cost_micros.is_some() {
        parts.push(format!("{}{}", spent.cost_micros, of(budget.cost_micros.map(|c| c.to_string()))));
    }
    if spent.runs_without_cost > 0 && (spent.cost_micros.0 > 0 || budget.cost_micros.is_some()) {
        parts.push(format!("cost unknown for {}", count(spent.runs_without_cost, "run")));
    }
    parts.join(", ")
}

/// An id as a table shows it: short on a terminal, where any unique end of it is enough to name it; whole for a program.
pub(crate) fn id(id: &impl std::fmt::Display) -> String {
    let whole = id.to_string();
    match whole.split_once('_') {
        Some((prefix, digits)) if super::for_person() && digits.len() == 32 => format!("{prefix}_{}", &digits[24..]),
        _ => whole,
    }
}

/// A commit id short enough for a line.
pub(crate) fn short_commit(id: &str) -> String {
    id.chars().filter(char::is_ascii_hexdigit).take(12).collect()
}

/// One event of an agent as one line; none for what nobody needs to see.
pub(crate) fn agent_line(event: &AgentEvent, max: usize) -> Option<String> {
    match event {
        AgentEvent::Session { model, .. } => model.as_ref().map(|m| format!("session with {}", one_line(m, 60))),
        AgentEvent::Text { text, .. } => Some(one_line(text, max)).filter(|t| !t.is_empty()),
        AgentEvent::ToolStarted { name, input, .. } => {
            Some(format!("→ {} {}", one_line(name, 40), one_line(&tool_input(input), max.saturating_sub(20))))
        }
        AgentEvent::ToolEnded { is_error: true, output, .. } => Some(format!("✗ {}", one_line(output, max.saturating_sub(2)))),
        AgentEvent::Notice { text } => Some(format!("note: {}", one_line(text, max.saturating_sub(6)))),
        AgentEvent::Ended { end } if !end.ok => Some(format!("ended: {}", one_line(&end.text, max.saturating_sub(7)))),
        _ => None,
    }
}

/// What of a tool's arguments says most: a command, a path, else all of it.
fn tool_input(input: &serde_json::Value) -> String {
    for key in ["command", "file_path", "path", "pattern", "query", "url", "description"] {
        match input.get(key) {
            Some(serde_json::Value::String(text)) => return text.clone(),
            Some(serde_json::Value::Array(parts)) => {
                return parts.iter().filter_map(|p| p.as_str()).collect::<Vec<_>>().join(" ");
            }
            _ => {}
        }
    }
    match input {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A pull request: what became of it, what its checks say, and where it is.
pub(crate) fn pull_request(pull: &PullRequest) -> String {
    let checks = match pull.checks {
        None | Some(ChecksVerdict::Unreported) => "",
        Some(ChecksVerdict::Pending) => ", checks run",
        Some(ChecksVerdict::Success) => ", checks passed",
        Some(ChecksVerdict::Failure) => ", checks failed",
    };
    format!("{} {}{checks}", clean(&pull.url), pull.state)
}

/// A task by its worker's directory.
pub(crate) fn task(task: &windlass_types::Task) -> String {
    match &task.file {
        Some(file) => format!("{} of tasks/{}/{}", task.task_id, task.worker, super::one_line(file, 200)),
        None => format!("{} of pipes/{}.pipe", task.task_id, task.worker),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_like_words() {
        let now = Timestamp(10_000_000_000);
        assert_eq!(ago(now.plus_ms(-5_000), now), "5 s ago");
        assert_eq!(ago(now.plus_ms(61_000), now), "in 1 min");
        assert_eq!(ago(now.plus_ms(-7_260_000), now), "2 h ago");
        assert_eq!(ago(now.plus_ms(-5 * 86_400_000), now), "5 days ago");
        assert_eq!((duration(999), duration(61_000)), ("999 ms".to_owned(), "1 min 1 s".to_owned()));
    }

    #[test]
    fn a_tool_call_shows_what_it_does() {
        let event =
            AgentEvent::ToolStarted { id: "1".to_owned(), name: "Bash".to_owned(), input: serde_json::json!({"command": "cargo test\n"}) };
        assert_eq!(agent_line(&event, 80).as_deref(), Some("→ Bash cargo test"));
    }
}
