//! Following one assignment to its end, a line at a time.
//!
//! Two streams are joined: the daemon's events, and the transcript of the attempt that runs. Lines go to standard
//! error, so that the answer on standard output can be piped.

use std::io::IsTerminal as _;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use windlass_types::{AgentEvent, Assignment, AssignmentId, AssignmentStatus, AttemptId, Event, EventKind, Hold, HoldKind, JobStatus};

use crate::client::Client;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, clean, one_line, show};
use crate::transcript;
use crate::wire::{AssignmentDetail, Explanation};

/// How often the records themselves are looked at, beside the events.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How long a transcript's last lines are waited for after its attempt has ended.
const DRAIN_MAX: Duration = Duration::from_secs(3);

/// How long the events that led to the end are waited for.
const CATCH_UP_MAX: Duration = Duration::from_secs(2);

/// How following ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) detail: AssignmentDetail,
    /// A hold that nobody but a person lifts, where that is what it waits for.
    pub(crate) hold: Option<Hold>,
}

impl Outcome {
    /// The exit code that tells it.
    pub(crate) fn exit(&self) -> Exit {
        let a = &self.detail.assignment;
        match a.status {
            AssignmentStatus::Complete => Exit::Done,
            AssignmentStatus::Cancelled => Exit::Failed,
            AssignmentStatus::Active => Exit::Blocked,
            AssignmentStatus::Blocked => {
                // The job that ended last is what blocked it, unless a verdict or a missing setting did.
                let last = self.detail.jobs.iter().filter(|j| j.status.is_final()).max_by_key(|j| j.ended_at);
                let queued = self.detail.jobs.iter().any(|j| j.status == JobStatus::Queued);
                match last.map(|j| j.status) {
                    Some(JobStatus::Failed | JobStatus::Dead) if !queued => Exit::Failed,
                    _ => Exit::Blocked,
                }
            }
        }
    }
}

/// Follows an assignment until it is complete, blocked or cancelled, or waits for what only a person can give.
pub(crate) async fn to_the_end(client: &Client, id: AssignmentId, quiet: bool) -> Result<Outcome> {
    let mut events = client.follow(vec![("assignment", id.to_string())], 0);
    let (lines_in, mut lines) = mpsc::channel::<AgentLine>(256);
    let mut follower = Follower {
        client: client.clone(),
        quiet,
        began: None,
        tail: None,
        lines_in,
        told_hold: None,
        told_status: None,
        told_last: None,
        told_progress: None,
        max: line_max(),
    };
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut events_open = true;
    loop {
        tokio::select! {
            biased;
            Some(line) = lines.recv() => follower.agent(&line),
            event = events.recv(), if events_open => match event {
                Some(Ok(event)) => {
                    if event.kind == EventKind::AttemptEnded {
                        follower.drain(&mut lines).await;
                    }
                    follower.event(&event);
                    if event.kind == EventKind::AssignmentStatus {
                        look.reset_immediately();
                    }
                }
                Some(Err(e)) => return Err(lost(e, id)),
                None => events_open = false,
            },
            _ = look.tick() => {
                match follower.look(id).await {
                    Ok(Some(outcome)) => {
                        if events_open && outcome.hold.is_none() {
                            follower.catch_up(&mut events, &mut lines, outcome.detail.assignment.status).await;
                        }
                        return Ok(outcome);
                    }
                    Ok(None) => {}
                    // The event stream decides how long a daemon may be away.
                    Err(e) if e.exit == Exit::NoDaemon && events_open => {}
                    Err(e) => return Err(lost(e, id)),
                }
            }
        }
    }
}

fn lost(e: CliError, id: AssignmentId) -> CliError {
    if e.exit != Exit::NoDaemon {
        return e;
    }
    CliError::new(Exit::NoDaemon, format!("the daemon went away while {id} was followed"))
        .hint("its work is kept and goes on with the next `windlass up`")
}

/// Piped lines may be longer than a terminal's.
fn line_max() -> usize {
    if std::io::stderr().is_terminal() { usize::from(output::width_of_stderr()).max(40) - 8 } else { 200 }
}

/// One event of an attempt's transcript.
struct AgentLine {
    event: AgentEvent,
    at: windlass_types::Timestamp,
}

struct Follower {
    client: Client,
    quiet: bool,
    /// When the first event happened: times are told from there.
    began: Option<windlass_types::Timestamp>,
    tail: Option<tokio::task::JoinHandle<()>>,
    lines_in: mpsc::Sender<AgentLine>,
    told_hold: Option<String>,
    told_status: Option<AssignmentStatus>,
    /// The agent's last line: a progress message often repeats it.
    told_last: Option<String>,
    /// The last progress message, which the agent's own line may repeat later.
    told_progress: Option<String>,
    max: usize,
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(tail) = self.tail.take() {
            tail.abort();
        }
    }
}

impl Follower {
    fn say(&self, at: windlass_types::Timestamp, text: &str) {
        if !self.quiet {
            let secs = self.began.map_or(0, |began| at.since_ms(began).max(0) / 1000);
            let indent = text.len() - text.trim_start().len();
            output::say(&format!("{:>3}:{:02}  {:indent$}{}", secs / 60, secs % 60, "", one_line(text, self.max)));
        }
    }

    fn agent(&mut self, line: &AgentLine) {
        // An agent's talk is for `logs`; here only what it does, and its whole sentences.
        if let AgentEvent::Text { delta: true, .. } = line.event {
            return;
        }
        // A verdict is told when it counts.
        if let AgentEvent::Text { text, .. } = &line.event
            && windlass_types::Verdict::from_message(text).is_ok()
        {
            return;
        }
        if matches!(line.event, AgentEvent::Session { .. } | AgentEvent::Usage { .. }) {
            return;
        }
        let Some(text) = show::agent_line(&line.event, self.max) else { return };
        if self.told_progress.take().as_ref() != Some(&text) {
            self.say(line.at, &format!("    {text}"));
        }
        self.told_last = Some(text);
    }

    fn event(&mut self, event: &Event) {
        self.began.get_or_insert(event.at);
        if event.kind == EventKind::AssignmentStatus {
            self.told_status = event.data.get("status").and_then(Value::as_str).and_then(|s| s.parse().ok());
        }
        let word = |key: &str| event.data.get(key).and_then(Value::as_str).map(clean);
        let text = match event.kind {
            EventKind::AttemptStarted => {
                if let Some(id) = event.attempt_id {
                    self.follow_attempt(id);
                }
                let again = event
                    .data
                    .get("number")
                    .and_then(Value::as_u64)
                    .filter(|n| *n > 1)
                    .map(|n| format!(", attempt {n}"))
                    .unwrap_or_default();
                let harness = word("harness").unwrap_or_default();
                Some(format!("▸ {} ({harness}{again})", word("type").unwrap_or_else(|| "job".to_owned())))
            }
            // What takes time says that it began; what is over at once, what it left.
            EventKind::StageStarted => word("stage").filter(|s| s == "verify").map(|_| "  the check runs …".to_owned()),
            EventKind::StageEnded => {
                let (stage, status, summary) = (word("stage").unwrap_or_default(), word("status").unwrap_or_default(), word("summary"));
                match (stage.as_str(), status.as_str(), summary) {
                    ("verify", _, Some(summary)) => Some(format!("  {summary}")),
                    ("commit", "passed", Some(commit)) => Some(format!("  commit {}", commit.chars().take(12).collect::<String>())),
                    ("push", "passed", Some(pushed)) => Some(format!("  pushed {}", pushed.trim_start_matches("refs/heads/"))),
                    // The attempt's end tells a failure; here it is told in which stage.
                    (stage, "failed", _) => Some(format!("  {stage} failed")),
                    _ => None,
                }
            }
            EventKind::AttemptEnded => {
                event.data.get("failure").and_then(|f| f.get("message")).and_then(Value::as_str).map(|m| format!("  {}", clean(m)))
            }
            EventKind::JobStatus => {
                word("status").filter(|s| !["running", "succeeded"].contains(&s.as_str())).map(|status| format!("  the job is {status}"))
            }
            // What an agent prints comes by its transcript; only its own word on where it is comes this way alone.
            EventKind::JobProgress
                if event.data.get("progress").is_none_or(Value::is_null) && event.data.get("phase").is_none_or(Value::is_null) =>
            {
                None
            }
            EventKind::JobProgress => {
                let message =
                    word("message").map(|m| one_line(&m, self.max)).filter(|m| !m.is_empty() && self.told_last.as_ref() != Some(m));
                self.told_progress.clone_from(&message);
                message.filter(|m| !m.starts_with('{')).map(|m| format!("    {m}"))
            }
            EventKind::AttemptNotice => word("text").or_else(|| word("what")).map(|t| format!("  note: {t}")),
            EventKind::VerdictApplied => {
                word("verdict").map(|v| format!("  verdict: {v}{}", word("reason").map(|r| format!(": {r}")).unwrap_or_default()))
            }
            EventKind::VerdictRefused => word("reason").map(|r| format!("  the verdict was refused: {r}")),
            _ => None,
        };
        if let Some(text) = text {
            self.say(event.at, &text);
        }
        // Why a check is red is what a person wants to know first.
        if event.kind == EventKind::StageEnded
            && let Some(output) = event.data.get("output").and_then(Value::as_str)
        {
            for line in output.lines() {
                self.say(event.at, &format!("    | {}", clean(line)));
            }
        }
    }

    fn follow_attempt(&mut self, id: AttemptId) {
        if self.quiet {
            return;
        }
        if let Some(tail) = self.tail.take() {
            tail.abort();
        }
        let (client, lines) = (self.client.clone(), self.lines_in.clone());
        self.tail = Some(tokio::spawn(async move {
            let mut from = 0;
            // What cannot be read any more is only not shown: the events tell how it went.
            while let Ok(page) = transcript::page(&client, id, from, true).await {
                from = page.next;
                for item in page.items {
                    for event in item.events {
                        if lines.send(AgentLine { event, at: item.at }).await.is_err() {
                            return;
                        }
                    }
                }
                if page.ended {
                    return;
                }
            }
        }));
    }

    /// Tells what led to the end, where the records were read before the events came.
    async fn catch_up(
        &mut self,
        events: &mut mpsc::Receiver<Result<Event>>,
        lines: &mut mpsc::Receiver<AgentLine>,
        status: AssignmentStatus,
    ) {
        let deadline = tokio::time::Instant::now() + CATCH_UP_MAX;
        while !self.quiet && self.told_status != Some(status) {
            let Ok(Some(Ok(event))) = tokio::time::timeout_at(deadline, events.recv()).await else { return };
            if event.kind == EventKind::AttemptEnded {
                self.drain(lines).await;
            }
            self.event(&event);
        }
    }

    /// Prints what an attempt said last before its end is told.
    async fn drain(&mut self, lines: &mut mpsc::Receiver<AgentLine>) {
        let Some(mut tail) = self.tail.take() else { return };
        let deadline = tokio::time::Instant::now() + DRAIN_MAX;
        loop {
            tokio::select! {
                biased;
                Some(line) = lines.recv() => self.agent(&line),
                _ = &mut tail => break,
                () = tokio::time::sleep_until(deadline) => {
                    tail.abort();
                    break;
                }
            }
        }
        while let Ok(line) = lines.try_recv() {
            self.agent(&line);
        }
    }

    /// Looks at the records: whether it is over, and if it waits, why.
    async fn look(&mut self, id: AssignmentId) -> Result<Option<Outcome>> {
        let detail: AssignmentDetail = self.client.get(&format!("/api/v1/assignments/{id}"), &[]).await?;
        if over(&detail.assignment) {
            return Ok(Some(Outcome { detail, hold: None }));
        }
        let running = detail.jobs.iter().any(|j| j.status == JobStatus::Running);
        let Some(job) = detail.jobs.iter().find(|j| j.status == JobStatus::Queued).filter(|_| !running) else {
            self.told_hold = None;
            return Ok(None);
        };
        let explained: Explanation = self.client.get(&format!("/api/v1/jobs/{}/explain", job.id), &[]).await?;
        let Some(hold) = explained.hold else { return Ok(None) };
        if matches!(hold.kind, HoldKind::Budget | HoldKind::NoWorker) {
            return Ok(Some(Outcome { detail, hold: Some(hold) }));
        }
        if hold.kind != HoldKind::Ready && self.told_hold.as_ref() != Some(&hold.reason) {
            let now = windlass_types::Clock::system().now();
            self.began.get_or_insert(now);
            let until = hold.until.map(|u| format!(" ({})", show::ago(u, now))).unwrap_or_default();
            let hint = hold.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default();
            self.say(now, &format!("waits: {}{until}{hint}", hold.reason));
            self.told_hold = Some(hold.reason);
        }
        Ok(None)
    }
}

fn over(assignment: &Assignment) -> bool {
    assignment.status != AssignmentStatus::Active
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const AT: &str = "2026-01-01T00:00:00.000Z";
    const ID: &str = "asg_01990000000070008000000000000000";

    fn job(position: usize, status: &str) -> Value {
        json!({"id": format!("job_0199000000007000800000000000000{position}"), "assignment_id": ID, "project": "p", "position": position,
            "status": status, "spec": {}, "worker": "default", "priority": 0, "phase": "planning", "progress": 0, "attempts": 0, "failures": 0,
            "rescues": 0, "parks": 0, "due_at": AT, "cancel_requested": false, "usage": {}, "cost_micros": 0, "created_at": AT,
            "ended_at": (status != "queued").then_some(AT)})
    }

    fn exit(assignment: &str, jobs: &[&str]) -> Option<Exit> {
        let jobs: Vec<Value> = jobs.iter().enumerate().map(|(n, status)| job(n + 1, status)).collect();
        let detail = json!({"id": ID, "project": "p", "north_star": "n", "source": "cli", "status": assignment, "policy": {}, "budget": {},
            "spent": {}, "inserted_jobs": 0, "priority": 0, "created_at": AT, "updated_at": AT, "jobs": jobs, "verdicts": []});
        let detail = serde_json::from_value(detail).inspect_err(|e| assert_eq!(e.to_string(), "")).ok()?;
        Some(Outcome { detail, hold: None }.exit())
    }

    #[test]
    fn each_end_has_its_exit_code() {
        assert_eq!(exit("complete", &["succeeded"]), Some(Exit::Done));
        assert_eq!(exit("complete", &["failed", "succeeded"]), Some(Exit::Done));
        assert_eq!(exit("blocked", &["failed"]), Some(Exit::Failed));
        assert_eq!(exit("blocked", &["dead"]), Some(Exit::Failed));
        assert_eq!(exit("blocked", &["succeeded", "succeeded"]), Some(Exit::Blocked), "a verdict blocked it");
        assert_eq!(exit("blocked", &["queued"]), Some(Exit::Blocked), "a setting is missing");
        assert_eq!(exit("cancelled", &["cancelled"]), Some(Exit::Failed));
        assert_eq!(exit("active", &["queued"]), Some(Exit::Blocked), "it waits for a person");
    }
}
