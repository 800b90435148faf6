//! Agents' sessions: their rows, lists of them, and what they did together.

use windlass_types::{
    AgentMetrics, AgentSession, AssignmentId, AttemptId, CurrentTool, Harness, HarnessMetrics, IDLE_AFTER_MS, JobId, SessionId,
    SessionKind, SessionStatus, SessionTally, Timestamp, ToolMetrics, mean, success_rate,
};

use super::page::{Conditions, Page, bounded, page, parse_cursor};
use crate::error::{Result, StoreError};
use crate::sql::{Row, Value, Work, json, values};
use crate::store::Store;

/// The most tools that metrics tell apart.
const TOOLS_MAX: i64 = 200;
/// The most words that are searched for.
const WORDS_MAX: usize = 8;

/// Which sessions a list or a count is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// This one.
    pub session: Option<SessionId>,
    /// Those that stand like one of these; all, when empty.
    pub statuses: Vec<SessionStatus>,
    /// Those that were started by one of these; all, when empty.
    pub kinds: Vec<SessionKind>,
    /// Those of one project.
    pub project: Option<String>,
    /// Those that did something then or later.
    pub since: Option<Timestamp>,
    /// Those in whose title, folder, project, agent or last activity each of these words is found, however it is written.
    pub text: Option<String>,
}

/// A session as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub(crate) id: SessionId,
    pub(crate) kind: SessionKind,
    pub(crate) session_type: String,
    pub(crate) harness: Harness,
    pub(crate) agent_session_id: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) assignment_id: Option<AssignmentId>,
    pub(crate) job_id: Option<JobId>,
    pub(crate) attempt_id: Option<AttemptId>,
    pub(crate) cwd: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) tally: SessionTally,
    pub(crate) last_activity_at: Timestamp,
    /// How many activities its attempt's stream has told.
    pub(crate) fed: i64,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) end_reason: Option<String>,
}

/// What of a session stays as it was inserted.
const FIXED: &str = "id, kind, session_type, harness, project, assignment_id, job_id, attempt_id, started_at";
/// What may change, in the order of [`changing`].
const CHANGING: &str = "agent_session_id, cwd, title, model, open_tools, last_activity_at, last_activity, tools_used, tools_failed, \
    tools_timed, tools_ms, activities, fed, ended_at, end_reason, ended_calls";

fn row(mut r: Row) -> Result<SessionRow> {
    let r = &mut r;
    let (id, kind, session_type, harness, project) = (r.word()?, r.word()?, r.text()?, r.word()?, r.opt_text()?);
    let (assignment_id, job_id, attempt_id) = (r.opt_word()?, r.opt_word()?, r.opt_word()?);
    let (started_at, agent_session_id) = (r.time()?, r.opt_text()?);
    let (cwd, title, model) = (r.opt_text()?, r.opt_text()?, r.opt_text()?);
    let open = r.opt_json()?.unwrap_or_default();
    let (last_activity_at, last_activity) = (r.time()?, r.text()?);
    let (tools_used, tools_failed, tools_timed, tools_ms) = (r.int()?, r.int()?, r.int()?, r.int()?);
    let (activities, fed) = (r.int()?, r.int()?);
    let (ended_at, end_reason) = (r.opt_time()?, r.opt_text()?);
    let ended = r.opt_json()?.unwrap_or_default();
    let tally = SessionTally { activities, open, ended, last_activity, title, tools_used, tools_failed, tools_timed, tools_ms };
    Ok(SessionRow {
        id,
        kind,
        session_type,
        harness,
        agent_session_id,
        project,
        assignment_id,
        job_id,
        attempt_id,
        cwd,
        model,
        tally,
        last_activity_at,
        fed,
        started_at,
        ended_at,
        end_reason,
    })
}

/// The sessions that a condition picks.
pub(crate) fn sessions_where(w: &mut Work<'_>, rest: &str, params: &[Value]) -> Result<Vec<SessionRow>> {
    w.query(&format!("SELECT {FIXED}, {CHANGING} FROM sessions {rest}"), params)?.into_iter().map(row).collect()
}

/// Writes a new session; whether there was none like it.
pub(crate) fn insert(w: &mut Work<'_>, s: &SessionRow) -> Result<bool> {
    let fixed = values![
        s.id,
        s.kind.as_str(),
        &s.session_type,
        s.harness.as_str(),
        s.project.as_deref(),
        s.assignment_id,
        s.job_id,
        s.attempt_id,
        s.started_at,
    ];
    let values: Vec<Value> = fixed.iter().cloned().chain(changing(s)?).collect();
    let places: Vec<String> = (1..=values.len()).map(|place| format!("${place}")).collect();
    let sql = format!("INSERT INTO sessions ({FIXED}, {CHANGING}) VALUES ({}) ON CONFLICT DO NOTHING", places.join(", "));
    Ok(w.execute(&sql, &values)? > 0)
}

/// Writes what of a session may have changed.
pub(crate) fn save(w: &mut Work<'_>, s: &SessionRow) -> Result<()> {
    let set: Vec<String> = CHANGING.split(", ").zip(2..).map(|(column, place)| format!("{column} = ${place}")).collect();
    let values: Vec<Value> = std::iter::once(s.id.into()).chain(changing(s)?).collect();
    w.execute(&format!("UPDATE sessions SET {} WHERE id = $1", set.join(", ")), &values).map(drop)
}

/// The values of [`CHANGING`].
fn changing(s: &SessionRow) -> Result<[Value; 16]> {
    let t = &s.tally;
    Ok([
        s.agent_session_id.as_deref().into(),
        s.cwd.as_deref().into(),
        t.title.as_deref().into(),
        s.model.as_deref().into(),
        list_of(&t.open)?.into(),
        s.last_activity_at.into(),
        (&t.last_activity).into(),
        t.tools_used.into(),
        t.tools_failed.into(),
        t.tools_timed.into(),
        t.tools_ms.into(),
        t.activities.into(),
        s.fed.into(),
        s.ended_at.into(),
        s.end_reason.as_deref().into(),
        list_of(&t.ended)?.into(),
    ])
}

fn list_of<T: serde::Serialize>(items: &[T]) -> Result<Option<String>> {
    if items.is_empty() { Ok(None) } else { json(&items).map(Some) }
}

/// The tool that is used now: the last begun.
pub(crate) fn current_tool(tally: &SessionTally) -> Option<CurrentTool> {
    let open = tally.open.last()?;
    Some(CurrentTool { name: open.name.clone(), summary: open.summary.clone(), since: Timestamp(open.since_ms) })
}

/// A session as it is shown at `now`.
fn shown(s: SessionRow, now: Timestamp) -> AgentSession {
    let status = SessionStatus::of(s.last_activity_at, s.ended_at.is_some(), now);
    let t = s.tally;
    AgentSession {
        current_tool: current_tool(&t).filter(|_| status != SessionStatus::Ended),
        success_rate: success_rate(t.tools_used, t.tools_failed),
        mean_duration_ms: mean(t.tools_ms, t.tools_timed),
        id: s.id,
        kind: s.kind,
        session_type: s.session_type,
        harness: s.harness,
        agent_session_id: s.agent_session_id,
        project: s.project,
        assignment_id: s.assignment_id,
        job_id: s.job_id,
        attempt_id: s.attempt_id,
        cwd: s.cwd,
        title: t.title,
        model: s.model,
        status,
        last_activity_at: s.last_activity_at,
        last_activity: t.last_activity,
        tools_used: t.tools_used,
        tools_failed: t.tools_failed,
        started_at: s.started_at,
        ended_at: s.ended_at,
        end_reason: s.end_reason,
    }
}

/// The moment since when an active session did something.
fn active_since(now: Timestamp) -> Timestamp {
    now.plus_ms(1 - IDLE_AFTER_MS)
}

/// The filter as conditions on the table `s`.
fn conditions(filter: &SessionFilter, now: Timestamp) -> Conditions {
    let mut c = Conditions::default();
    c.and_if("s.id = ?", filter.session);
    c.and_if("s.project = ?", filter.project.as_deref());
    c.and_if("s.last_activity_at >= ?", filter.since);
    c.one_of("s.kind", filter.kinds.iter().map(|kind| kind.as_str()));
    let mut either = Vec::new();
    let mut bounds: Vec<Value> = Vec::new();
    for status in &filter.statuses {
        match status {
            SessionStatus::Active => either.push("(s.ended_at IS NULL AND s.last_activity_at >= ?)"),
            SessionStatus::Idle => either.push("(s.ended_at IS NULL AND s.last_activity_at < ?)"),
            SessionStatus::Ended => either.push("s.ended_at IS NOT NULL"),
        }
        if *status != SessionStatus::Ended {
            bounds.push(active_since(now).into());
        }
    }
    if !either.is_empty() {
        c.and(&format!("({})", either.join(" OR ")), bounds);
    }
    for word in filter.text.as_deref().unwrap_or_default().split_whitespace().take(WORDS_MAX) {
        let word = word.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        c.and(
            "LOWER(COALESCE(s.title, '') || ' ' || COALESCE(s.cwd, '') || ' ' || COALESCE(s.project, '') || ' ' || s.harness || ' ' || \
             s.last_activity) LIKE ? ESCAPE '\\'",
            [format!("%{word}%").into()],
        );
    }
    c
}

fn list(w: &mut Work<'_>, filter: &SessionFilter, cursor: Option<&str>, limit: u32) -> Result<Page<AgentSession>> {
    let limit = bounded(limit);
    let now = w.now()?;
    let mut c = conditions(filter, now);
    c.and_if("s.id < ?", parse_cursor::<SessionId>(cursor)?);
    let size = c.push(Value::from(limit + 1));
    let rows = sessions_where(w, &format!("s{} ORDER BY s.id DESC LIMIT {size}", c.text()), &c.params)?;
    Ok(page(rows.into_iter().map(|row| shown(row, now)).collect(), limit, |item: &AgentSession| item.id.to_string()))
}

fn metrics(w: &mut Work<'_>, filter: &SessionFilter) -> Result<AgentMetrics> {
    let now = w.now()?;
    let mut found = AgentMetrics::default();
    let mut c = conditions(filter, now);
    let since = c.push(active_since(now).into());
    let counted = format!(
        "SELECT s.harness, COUNT(*), \
         CAST(COALESCE(SUM(CASE WHEN s.ended_at IS NULL AND s.last_activity_at >= {since} THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN s.ended_at IS NULL AND s.last_activity_at < {since} THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(s.tools_used), 0) AS BIGINT), CAST(COALESCE(SUM(s.tools_failed), 0) AS BIGINT), \
         CAST(COALESCE(SUM(s.tools_timed), 0) AS BIGINT), CAST(COALESCE(SUM(s.tools_ms), 0) AS BIGINT) \
         FROM sessions s{} GROUP BY s.harness ORDER BY s.harness",
        c.text()
    );
    let (mut timed, mut ms): (i64, i64) = (0, 0);
    for mut r in w.query(&counted, &c.params)? {
        let (harness, sessions, active, idle): (Harness, i64, i64, i64) = (r.word()?, r.int()?, r.int()?, r.int()?);
        let (tools_used, tools_failed): (i64, i64) = (r.int()?, r.int()?);
        timed = timed.saturating_add(r.int()?);
        ms = ms.saturating_add(r.int()?);
        found.sessions += sessions;
        found.active += active;
        found.idle += idle;
        found.tools_used = found.tools_used.saturating_add(tools_used);
        found.tools_failed = found.tools_failed.saturating_add(tools_failed);
        found.by_harness.push(HarnessMetrics { harness, sessions, tools_used, tools_failed });
    }
    found.success_rate = success_rate(found.tools_used, found.tools_failed);
    found.mean_duration_ms = mean(ms, timed);
    let mut c = conditions(filter, now);
    let size = c.push(Value::Int(TOOLS_MAX));
    let by_tool = format!(
        "SELECT t.tool, CAST(SUM(t.used) AS BIGINT), CAST(SUM(t.failed) AS BIGINT), CAST(SUM(t.timed) AS BIGINT), CAST(SUM(t.ms) AS BIGINT) \
         FROM session_tools t JOIN sessions s ON s.id = t.session_id{} GROUP BY t.tool ORDER BY 2 DESC, 1 LIMIT {size}",
        c.text()
    );
    for mut r in w.query(&by_tool, &c.params)? {
        let (tool, used, failed, timed, ms) = (r.text()?, r.int()?, r.int()?, r.int()?, r.int()?);
        found.by_tool.push(ToolMetrics { tool, used, failed, mean_duration_ms: mean(ms, timed) });
    }
    Ok(found)
}

/// Sessions that have not ended: those that did something lately, and the quiet ones.
fn at_work(w: &mut Work<'_>, project: Option<String>) -> Result<(u64, u64)> {
    let now = w.now()?;
    let mut c =
        conditions(&SessionFilter { project, statuses: vec![SessionStatus::Active, SessionStatus::Idle], ..SessionFilter::default() }, now);
    let since = c.push(active_since(now).into());
    let counted = format!(
        "SELECT CAST(COALESCE(SUM(CASE WHEN s.last_activity_at >= {since} THEN 1 ELSE 0 END), 0) AS BIGINT), COUNT(*) FROM sessions s{}",
        c.text()
    );
    let (mut active, mut all) = (0_i64, 0_i64);
    for mut r in w.query(&counted, &c.params)? {
        (active, all) = (r.int()?, r.int()?);
    }
    Ok((active.unsigned_abs(), (all - active).unsigned_abs()))
}

impl Store {
    /// How many sessions of agents are active, and how many idle; of one project, or of all.
    pub async fn agents_at_work(&self, project: Option<String>) -> Result<(u64, u64)> {
        self.read(move |w| at_work(w, project.clone())).await
    }

    /// Sessions of agents, the newest first.
    pub async fn sessions(&self, filter: SessionFilter, cursor: Option<String>, limit: u32) -> Result<Page<AgentSession>> {
        self.read(move |w| list(w, &filter, cursor.as_deref(), limit)).await
    }

    /// One session.
    pub async fn session(&self, id: SessionId) -> Result<AgentSession> {
        self.read(move |w| {
            let found = sessions_where(w, "WHERE id = $1", values![id])?.pop();
            let now = w.now()?;
            found.map(|row| shown(row, now)).ok_or_else(|| StoreError::not_found("session", id))
        })
        .await
    }

    /// What the agents of these sessions did together.
    pub async fn agent_metrics(&self, filter: SessionFilter) -> Result<AgentMetrics> {
        self.read(move |w| metrics(w, &filter)).await
    }
}
