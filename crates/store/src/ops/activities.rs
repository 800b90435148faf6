//! What agents do, taken down: an attempt's agent by its worker, from its stream; any other by a hook of its own.
//!
//! **Invariant:** a session takes what was told once, however often it is told; of one whose attempt runs, hooks add only what its stream
//! does not tell. It ends in the transaction that settles its attempt.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::json;
use windlass_types::{
    Activity, ActivityKind, ActivityNote, AttemptId, AttemptStatus, EventKind, Harness, Job, JobId, MANUAL, SUMMARY_MAX, SessionId,
    SessionKind, SessionTally, Timestamp, Token, one_line, session_type,
};

use super::page::bounded;
use super::sessions::{self, SessionRow, current_tool, sessions_where};
use super::{guard, projects};
use crate::error::{Result, StoreError};
use crate::sql::{NewEvent, Row, Value, Work, values};
use crate::store::Store;

/// The most activities of a session that are kept: the newest.
const ACTIVITIES_MAX: i64 = 2_000;
/// How many more there may be before the oldest go.
const ACTIVITIES_SLACK: i64 = 100;
/// The most sessions of people that are kept: the newest.
const MANUAL_MAX: i64 = 2_000;
/// The most tools that are counted apart in a session; what is used beyond is counted together.
const TOOLS_MAX: i64 = 100;
/// All other tools.
const OTHER_TOOLS: &str = "other";
/// The longest folder, model or agent's id that is kept, in characters.
const TEXT_MAX: usize = 1_000;
/// The most rows that one statement writes.
const ROWS_AT_ONCE: usize = 16;

const INSERT: &str = "INSERT INTO activities (session_id, number, at, kind, tool, summary, ok, duration_ms) VALUES";
const INSERT_ONE: &str =
    "INSERT INTO activities (session_id, number, at, kind, tool, summary, ok, duration_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
static INSERT_MANY: LazyLock<String> = LazyLock::new(|| {
    let row = |n: usize| format!("({})", (1..=8).map(|column| format!("${}", n * 8 + column)).collect::<Vec<_>>().join(", "));
    format!("{INSERT} {}", (0..ROWS_AT_ONCE).map(row).collect::<Vec<_>>().join(", "))
});

/// What an attempt's agent was seen to do since its worker told last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentNews {
    /// The agent's own id of its session, when it is new.
    pub agent_session_id: Option<String>,
    /// The model it says it uses, when that is new.
    pub model: Option<String>,
    /// The folder it works in.
    pub cwd: Option<String>,
    /// Which of the attempt's notes the first one is, from 1 up: those that were taken before are passed over.
    pub first: i64,
    /// What it did. Without any, that it lives.
    pub notes: Vec<ActivityNote>,
}

/// What a hook of an agent tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookNews {
    /// Which agent.
    pub harness: Harness,
    /// The agent's own id of its session.
    pub agent_session_id: String,
    /// The folder it works in, where that is told.
    pub cwd: Option<String>,
    /// The model it uses, where that is told.
    pub model: Option<String>,
    /// What it did.
    pub notes: Vec<ActivityNote>,
}

fn bounded_text(text: &str) -> String {
    one_line(text, TEXT_MAX)
}

/// What an agent's stream does not tell: of an attempt's own agent, only this is taken from a hook.
fn is_only_in_hooks(note: &ActivityNote) -> bool {
    matches!(note.kind, ActivityKind::SubagentStart | ActivityKind::SubagentEnd | ActivityKind::Notice)
}

fn leave_event(w: &mut Work<'_>, kind: EventKind, session: &SessionRow) {
    let t = &session.tally;
    let data = json!({
        "session_id": session.id,
        "harness": session.harness,
        "kind": session.kind,
        "title": t.title,
        "number": t.activities,
        "last_activity": t.last_activity,
        "current_tool": current_tool(t),
        "tools_used": t.tools_used,
        "tools_failed": t.tools_failed,
        "reason": session.end_reason,
    });
    w.event(NewEvent {
        kind,
        project: session.project.clone(),
        assignment: session.assignment_id,
        job: session.job_id,
        attempt: session.attempt_id,
        data,
    });
}

/// How a note is counted.
type Rule = fn(&mut SessionTally, Timestamp, &ActivityNote) -> Option<Activity>;

/// A worker says which of its notes were told before.
const NUMBERED: Rule = SessionTally::take;
/// Nobody says so of a hook.
const BY_HOOK: Rule = SessionTally::take_once;

/// Counts what was done, and writes it down; the caller saves the session.
fn take(w: &mut Work<'_>, session: &mut SessionRow, notes: &[ActivityNote], rule: Rule) -> Result<()> {
    let now = w.now()?;
    let before = session.tally.activities;
    let mut taken = Vec::with_capacity(notes.len());
    for note in notes {
        let at = now.plus_ms(-note.ms_ago.max(0));
        taken.extend(rule(&mut session.tally, at, note));
    }
    session.last_activity_at = now;
    let mut chunks = taken.chunks_exact(ROWS_AT_ONCE);
    for chunk in &mut chunks {
        let params: Vec<Value> = chunk.iter().flat_map(|activity| columns(session.id, activity)).collect();
        w.execute(&INSERT_MANY, &params)?;
    }
    for activity in chunks.remainder() {
        w.execute(INSERT_ONE, &columns(session.id, activity))?;
    }
    count_tools(w, session.id, &taken)?;
    let last = session.tally.activities;
    if last > ACTIVITIES_MAX && before / ACTIVITIES_SLACK != last / ACTIVITIES_SLACK {
        w.execute("DELETE FROM activities WHERE session_id = $1 AND number <= $2", values![session.id, last - ACTIVITIES_MAX])?;
    }
    Ok(())
}

fn columns(session: SessionId, a: &Activity) -> [Value; 8] {
    [
        session.into(),
        a.number.into(),
        a.at.into(),
        a.kind.as_str().into(),
        a.tool.as_deref().into(),
        (&a.summary).into(),
        a.ok.into(),
        a.duration_ms.into(),
    ]
}

fn count_tools(w: &mut Work<'_>, session: SessionId, taken: &[Activity]) -> Result<()> {
    let mut counts: BTreeMap<&str, [i64; 4]> = BTreeMap::new();
    for activity in taken.iter().filter(|activity| activity.kind == ActivityKind::ToolEnd) {
        let [used, failed, timed, ms] = counts.entry(activity.tool.as_deref().unwrap_or(OTHER_TOOLS)).or_default();
        *used += 1;
        *failed += i64::from(activity.ok == Some(false));
        *timed += i64::from(activity.duration_ms.is_some());
        *ms = ms.saturating_add(activity.duration_ms.unwrap_or(0));
    }
    for (tool, [used, failed, timed, ms]) in counts {
        let add = |w: &mut Work<'_>, tool: &str| {
            w.execute(
                "UPDATE session_tools SET used = used + $3, failed = failed + $4, timed = timed + $5, ms = ms + $6 \
                 WHERE session_id = $1 AND tool = $2",
                values![session, tool, used, failed, timed, ms],
            )
        };
        if add(w, tool)? > 0 {
            continue;
        }
        let known: i64 = match w.first("SELECT COUNT(*) FROM session_tools WHERE session_id = $1", values![session])? {
            Some(mut row) => row.int()?,
            None => 0,
        };
        let tool = if known < TOOLS_MAX { tool } else { OTHER_TOOLS };
        if known < TOOLS_MAX || add(w, tool)? == 0 {
            w.execute(
                "INSERT INTO session_tools (session_id, tool, used, failed, timed, ms) VALUES ($1, $2, $3, $4, $5, $6)",
                values![session, tool, used, failed, timed, ms],
            )?;
        }
    }
    Ok(())
}

/// The session of an attempt, if it has one yet.
fn of_attempt(w: &mut Work<'_>, job: &Job, attempt: AttemptId) -> Result<Option<SessionRow>> {
    // The job's lock keeps other workers out; this one a hook that comes with a person's token.
    let sql = format!("WHERE assignment_id = $1 AND attempt_id = $2{}", w.dialect().lock());
    Ok(sessions_where(w, &sql, values![job.assignment_id, attempt])?.pop())
}

fn begin_for_attempt(w: &mut Work<'_>, job: &Job, attempt: AttemptId) -> Result<SessionRow> {
    let (now, id) = (w.now()?, w.ids.session());
    let harness = match w.first("SELECT harness FROM attempts WHERE id = $1", values![attempt])? {
        Some(mut row) => row.word()?,
        None => return Err(StoreError::not_found("attempt", attempt)),
    };
    let title = match w.first("SELECT north_star FROM assignments WHERE id = $1", values![job.assignment_id])? {
        Some(mut row) => row.text()?.lines().map(|line| one_line(line, SUMMARY_MAX)).find(|line| !line.is_empty()),
        None => None,
    };
    let session = SessionRow {
        id,
        kind: SessionKind::Job,
        session_type: session_type(job.spec.job_type).to_owned(),
        harness,
        agent_session_id: None,
        project: Some(job.project.clone()),
        assignment_id: Some(job.assignment_id),
        job_id: Some(job.id),
        attempt_id: Some(attempt),
        cwd: None,
        model: None,
        tally: SessionTally { title, ..SessionTally::default() },
        last_activity_at: now,
        fed: 0,
        started_at: now,
        ended_at: None,
        end_reason: None,
    };
    sessions::insert(w, &session)?;
    Ok(session)
}

/// Takes what an attempt's worker tells of its agent into the session.
fn feed(w: &mut Work<'_>, session: &mut SessionRow, news: &AgentNews) -> Result<()> {
    let told = |text: &Option<String>| text.as_deref().map(bounded_text);
    session.agent_session_id = told(&news.agent_session_id).or(session.agent_session_id.take());
    session.model = told(&news.model).or(session.model.take());
    session.cwd = told(&news.cwd).or(session.cwd.take());
    let before = news.first.saturating_sub(1).max(0);
    let known = usize::try_from(session.fed.saturating_sub(before)).unwrap_or(0);
    let new = news.notes.get(known..).unwrap_or_default();
    session.fed = session.fed.max(before.saturating_add(i64::try_from(news.notes.len()).unwrap_or(0)));
    take(w, session, new, NUMBERED)
}

fn tell(w: &mut Work<'_>, id: JobId, token: Token, attempt: AttemptId, news: &AgentNews) -> Result<()> {
    let row = guard::attempt(w, id, token, attempt)?;
    if let Some(own_id) = &news.agent_session_id {
        w.execute("UPDATE attempts SET session_id = $2 WHERE id = $1", values![attempt, own_id])?;
    }
    let known = of_attempt(w, &row.job, attempt)?;
    let kind = if known.is_some() { EventKind::SessionActivity } else { EventKind::SessionStarted };
    let mut session = known.map_or_else(|| begin_for_attempt(w, &row.job, attempt), Ok)?;
    feed(w, &mut session, news)?;
    sessions::save(w, &session)?;
    leave_event(w, kind, &session);
    Ok(())
}

/// An attempt has ended, and so has its agent's session.
pub(crate) fn attempt_ended(w: &mut Work<'_>, job: &Job, attempt: AttemptId, status: AttemptStatus, news: &AgentNews) -> Result<()> {
    let mut session = match of_attempt(w, job, attempt)? {
        Some(session) => session,
        // Nothing was ever seen of it.
        None if news.notes.is_empty() => return Ok(()),
        None => {
            let session = begin_for_attempt(w, job, attempt)?;
            leave_event(w, EventKind::SessionStarted, &session);
            session
        }
    };
    feed(w, &mut session, news)?;
    take(w, &mut session, &[ActivityNote::new(ActivityKind::SessionEnd, status.as_str())], NUMBERED)?;
    end(w, &mut session, status.as_str())
}

/// Ends a session; why is said in a word.
fn end(w: &mut Work<'_>, session: &mut SessionRow, reason: &str) -> Result<()> {
    session.ended_at = Some(w.now()?);
    session.end_reason = Some(one_line(reason, SUMMARY_MAX)).filter(|reason| !reason.is_empty());
    session.tally.open.clear();
    sessions::save(w, session)?;
    leave_event(w, EventKind::SessionEnded, session);
    Ok(())
}

/// What an attempt's agent tells by a hook, with the attempt's own token. An agent without a stream of its own (a command) tells all it
/// does that way.
fn hear_own(w: &mut Work<'_>, id: JobId, token: Token, attempt: AttemptId, news: &HookNews) -> Result<()> {
    let row = guard::attempt(w, id, token, attempt)?;
    let known = of_attempt(w, &row.job, attempt)?;
    let has_stream = match w.first("SELECT harness FROM attempts WHERE id = $1", values![attempt])? {
        Some(mut found) => found.word::<Harness>()? != Harness::Command,
        None => true,
    };
    // The agent may go on in another session; the attempt's ends with the attempt.
    let counts = |note: &&ActivityNote| note.kind != ActivityKind::SessionEnd && (!has_stream || is_only_in_hooks(note));
    let notes: Vec<ActivityNote> = news.notes.iter().filter(counts).cloned().collect();
    if notes.is_empty() {
        return Ok(());
    }
    let kind = if known.is_some() { EventKind::SessionActivity } else { EventKind::SessionStarted };
    let mut session = known.map_or_else(|| begin_for_attempt(w, &row.job, attempt), Ok)?;
    hear_about(&mut session, news);
    take(w, &mut session, &notes, BY_HOOK)?;
    sessions::save(w, &session)?;
    leave_event(w, kind, &session);
    Ok(())
}

/// What a hook tells of its session beside what was done in it.
fn hear_about(session: &mut SessionRow, news: &HookNews) {
    if session.agent_session_id.is_none() {
        session.agent_session_id = Some(bounded_text(&news.agent_session_id));
    }
    if session.cwd.is_none() {
        session.cwd = news.cwd.as_deref().map(bounded_text);
    }
    session.model = news.model.as_deref().map(bounded_text).or(session.model.take());
}

/// What an agent tells by a hook that a person let it have.
fn hear(w: &mut Work<'_>, news: &HookNews) -> Result<()> {
    let agent_session_id = bounded_text(&news.agent_session_id);
    let lock = w.dialect().lock();
    let own = sessions_where(
        w,
        &format!("WHERE ended_at IS NULL AND kind = 'job' AND agent_session_id = $1 AND harness = $2 ORDER BY id DESC LIMIT 1{lock}"),
        values![&agent_session_id, news.harness.as_str()],
    )?;
    if let Some(mut session) = own.into_iter().next() {
        let notes: Vec<ActivityNote> = news.notes.iter().filter(|note| is_only_in_hooks(note)).cloned().collect();
        if !notes.is_empty() {
            take(w, &mut session, &notes, BY_HOOK)?;
            sessions::save(w, &session)?;
            leave_event(w, EventKind::SessionActivity, &session);
        }
        return Ok(());
    }
    let find = format!("WHERE kind = 'manual' AND agent_session_id = $1 AND harness = $2{lock}");
    let known = sessions_where(w, &find, values![&agent_session_id, news.harness.as_str()])?.pop();
    let begins = known.is_none();
    // What only ended, or says nothing that is known here, begins nothing.
    if begins && news.notes.iter().all(|note| note.kind == ActivityKind::SessionEnd) {
        return Ok(());
    }
    let mut session = match known {
        Some(session) => session,
        None => match begin_manual(w, news, &agent_session_id)? {
            Some(session) => session,
            // Another node was quicker.
            None => sessions_where(w, &find, values![&agent_session_id, news.harness.as_str()])?
                .pop()
                .ok_or_else(|| StoreError::Conflict("a session was made and removed at the same time".to_owned()))?,
        },
    };
    hear_about(&mut session, news);
    take(w, &mut session, &news.notes, BY_HOOK)?;
    let last_word = news.notes.iter().rev().find(|note| is_of_life(note.kind));
    if let Some(over) = last_word.filter(|note| note.kind == ActivityKind::SessionEnd) {
        return end(w, &mut session, &over.summary);
    }
    let goes_on = session.ended_at.is_some() && last_word.is_some();
    if goes_on {
        (session.ended_at, session.end_reason) = (None, None);
    }
    sessions::save(w, &session)?;
    leave_event(w, if begins || goes_on { EventKind::SessionStarted } else { EventKind::SessionActivity }, &session);
    Ok(())
}

/// Whether it says that a session lives or is over. Hooks are told in no strict order: the end of a tool call may come after the end of
/// its session.
const fn is_of_life(kind: ActivityKind) -> bool {
    matches!(kind, ActivityKind::SessionStart | ActivityKind::Prompt | ActivityKind::SessionEnd)
}

fn begin_manual(w: &mut Work<'_>, news: &HookNews, agent_session_id: &str) -> Result<Option<SessionRow>> {
    let (now, id) = (w.now()?, w.ids.session());
    let cwd = news.cwd.as_deref().map(bounded_text);
    let session = SessionRow {
        id,
        kind: SessionKind::Manual,
        session_type: MANUAL.to_owned(),
        harness: news.harness,
        agent_session_id: Some(agent_session_id.to_owned()),
        project: cwd.as_deref().map_or(Ok(None), |cwd| project_of(w, cwd))?,
        assignment_id: None,
        job_id: None,
        attempt_id: None,
        cwd,
        model: None,
        tally: SessionTally::default(),
        last_activity_at: now,
        fed: 0,
        started_at: now,
        ended_at: None,
        end_reason: None,
    };
    if !sessions::insert(w, &session)? {
        return Ok(None);
    }
    let count: i64 = match w.first("SELECT COUNT(*) FROM sessions WHERE kind = 'manual'", &[])? {
        Some(mut row) => row.int()?,
        None => 0,
    };
    if count > MANUAL_MAX {
        let oldest = w.first("SELECT id FROM sessions WHERE kind = 'manual' ORDER BY id LIMIT 1", &[])?;
        if let Some(mut row) = oldest {
            remove(w, row.word()?)?;
        }
    }
    Ok(Some(session))
}

/// Deletes a session with all that belongs to it.
pub(crate) fn remove(w: &mut Work<'_>, id: SessionId) -> Result<()> {
    for (table, key) in [("activities", "session_id"), ("session_tools", "session_id"), ("sessions", "id")] {
        w.execute(&format!("DELETE FROM {table} WHERE {key} = $1"), values![id])?;
    }
    Ok(())
}

/// Ends people's sessions of which nothing was heard since `before`; at most `limit`. An agent that is killed tells no end.
pub(crate) fn end_silent(w: &mut Work<'_>, before: Timestamp, limit: i64) -> Result<u64> {
    let lock = w.dialect().lock();
    let silent = sessions_where(
        w,
        &format!("WHERE ended_at IS NULL AND kind = 'manual' AND last_activity_at < $1 ORDER BY id LIMIT $2{lock}"),
        values![before, limit],
    )?;
    let count = silent.len() as u64;
    for mut session in silent {
        end(w, &mut session, "silent")?;
    }
    Ok(count)
}

/// The known project whose repository the folder is in; the innermost, where repositories lie in each other.
fn project_of(w: &mut Work<'_>, cwd: &str) -> Result<Option<String>> {
    let cwd = Path::new(cwd);
    let mut found: Option<(usize, String)> = None;
    for project in projects::all(w)? {
        let Some(repo) = project.repo.as_deref().filter(|repo| !projects::is_remote(repo)) else { continue };
        let repo = Path::new(repo.strip_prefix("file://").unwrap_or(repo));
        let depth = repo.components().count();
        if repo.is_absolute() && cwd.starts_with(repo) && found.as_ref().is_none_or(|(deepest, _)| depth > *deepest) {
            found = Some((depth, project.name));
        }
    }
    Ok(found.map(|(_, name)| name))
}

fn activity(mut r: Row) -> Result<Activity> {
    let r = &mut r;
    Ok(Activity {
        number: r.int()?,
        at: r.time()?,
        kind: r.word()?,
        tool: r.opt_text()?,
        summary: r.text()?,
        ok: r.opt_flag()?,
        duration_ms: r.opt_int()?,
    })
}

fn list(w: &mut Work<'_>, id: SessionId, after: Option<i64>, limit: u32) -> Result<Vec<Activity>> {
    if w.first("SELECT 1 FROM sessions WHERE id = $1", values![id])?.is_none() {
        return Err(StoreError::not_found("session", id));
    }
    let columns = "SELECT number, at, kind, tool, summary, ok, duration_ms FROM activities WHERE session_id = $1";
    let limit = bounded(limit);
    let rows = match after {
        Some(after) => w.query(&format!("{columns} AND number > $2 ORDER BY number LIMIT $3"), values![id, after, limit])?,
        None => {
            let mut newest = w.query(&format!("{columns} ORDER BY number DESC LIMIT $2"), values![id, limit])?;
            newest.reverse();
            newest
        }
    };
    rows.into_iter().map(activity).collect()
}

impl Store {
    /// Takes down what an attempt's agent was seen to do; its session begins with the first that is told. May be told again.
    pub async fn tell_activity(&self, id: JobId, token: Token, attempt: AttemptId, news: AgentNews) -> Result<()> {
        self.ride(move |w| tell(w, id, token, attempt, &news)).await
    }

    /// Takes down what an attempt's agent tells by a hook.
    pub async fn hear_hook_of(&self, id: JobId, token: Token, attempt: AttemptId, news: HookNews) -> Result<()> {
        self.ride(move |w| hear_own(w, id, token, attempt, &news)).await
    }

    /// Takes down what an agent tells by a hook, whoever started it.
    pub async fn hear_hook(&self, news: HookNews) -> Result<()> {
        self.ride(move |w| hear(w, &news)).await
    }

    /// What was done in a session: after a number, or without one the newest; at most 500, the oldest of them first.
    pub async fn activities(&self, id: SessionId, after: Option<i64>, limit: u32) -> Result<Vec<Activity>> {
        self.read(move |w| list(w, id, after, limit)).await
    }
}
